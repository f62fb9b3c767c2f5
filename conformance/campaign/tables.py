"""The hosts' books as tables for the report, read by SQL and masked."""

from __future__ import annotations

import re
from collections.abc import Sequence

from conformance.campaign.outside.books import reading
from conformance.campaign.world import World
from conformance.events import Table, Words

Column = tuple[str, str]
BANK: Sequence[tuple[str, str, str, Sequence[Column]]] = (
    (
        "银行卡",
        "cards at the bank",
        "SELECT pan, sequence, expiry, state FROM card ORDER BY pan, sequence",
        (("主账号", "PAN"), ("序列号", "sequence number"), ("有效期", "expiry"), ("状态", "state")),
    ),
    (
        "签约关系",
        "agreements",
        "SELECT number, kind, party, CASE ended WHEN 1 THEN 'ended' ELSE 'in force' END FROM agreement ORDER BY number",
        (("编号", "number"), ("种类", "kind"), ("对方", "party"), ("状态", "state")),
    ),
    (
        "银行账户（分）",
        "books of the bank, in fen",
        "SELECT name, balance FROM book ORDER BY name",
        (("账户", "book"), ("余额", "balance")),
    ),
)
CENTRE: Sequence[tuple[str, str, str, Sequence[Column]]] = (
    (
        "社会保障卡登记",
        "card register",
        "SELECT card, person, CASE state WHEN 0 THEN '封存' WHEN 1 THEN '正常' WHEN 2 THEN '正式挂失' WHEN 3 THEN '锁定' "
        "WHEN 4 THEN '临时挂失' ELSE '注销' END FROM card ORDER BY rowid",
        (("识别码", "identification code"), ("持卡人", "holder"), ("状态", "state")),
    ),
    (
        "年度累计（分）",
        "sums of the year, in fen",
        "SELECT person, own_year, fund_year FROM person ORDER BY person",
        (("参保人", "person"), ("个人支付", "own payments"), ("统筹支付", "pooled fund")),
    ),
    (
        "结算",
        "settlements",
        "SELECT number, total, account, own, fund, state FROM settlement ORDER BY rowid",
        (
            ("编号", "number"),
            ("总额", "total"),
            ("个人账户", "account"),
            ("自付", "own"),
            ("统筹", "fund"),
            ("状态", "state"),
        ),
    ),
    (
        "医保账户（分）",
        "books of the centre, in fen",
        "SELECT book, SUM(amount) FROM movement GROUP BY book ORDER BY book",
        (("账户", "book"), ("余额", "balance")),
    ),
)
LONG_NUMBER = re.compile(r"[0-9A-F]{11,}[0-9Xx]?")


def tables(world: World) -> list[Table]:
    """Every table of every host that has rows."""
    found = []
    for host, described in (("bank", BANK), ("centre", CENTRE)):
        if host not in world.hosts:
            continue
        with reading(world.hosts[host].path) as base:
            for zh, en, query, columns in described:
                rows = [[masked(str(value)) for value in row] for row in base.execute(query)]
                if rows:
                    found.append(Table(zh=zh, en=en, columns=[Words(zh=a, en=b) for a, b in columns], rows=rows))
    return found


def masked(text: str) -> str:
    """Without the middle of account numbers, identity numbers and identification codes."""
    return LONG_NUMBER.sub(lambda found: f"{found[0][:6]}…{found[0][-4:]}", text)
