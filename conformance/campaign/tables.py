"""The hosts' books as tables for the report, read by SQL and masked."""

from __future__ import annotations

import re
from collections.abc import Sequence

from conformance.campaign.outside.books import reading
from conformance.campaign.world import World
from conformance.events import Table, Words

Column = tuple[str, str]
WORDS = {
    ("cards at the bank", "state"): {
        "ordered": "制卡中 ordered",
        "active": "在用 active",
        "blocked": "挂失 blocked",
        "switched off": "已停用 switched off",
        "cancelled": "注销 cancelled",
    },
    ("agreements", "kind"): {"payroll": "代发 payroll", "utility": "代扣 utility", "wealth": "理财 wealth"},
    ("agreements", "state"): {"0": "有效 in force", "1": "终止 ended"},
    ("card register", "state"): {
        "0": "封存 sealed",
        "1": "正常 in use",
        "2": "正式挂失 formally lost",
        "3": "锁定 locked",
        "4": "临时挂失 temporarily lost",
        "9": "注销 cancelled",
    },
    ("settlements", "state"): {"quoted": "预结算 quoted", "cleared": "已清算 cleared", "reversed": "已冲正 reversed"},
}
"""What the values of a column, by table and name, are called in both languages."""
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
        "SELECT number, kind, party, ended FROM agreement ORDER BY number",
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
        "SELECT card, person, state FROM card ORDER BY rowid",
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
                said = [WORDS.get((en, name), {}) for _, name in columns]
                rows = [
                    [masked(words.get(str(value), str(value))) for words, value in zip(said, row, strict=True)]
                    for row in base.execute(query)
                ]
                if rows:
                    found.append(Table(zh=zh, en=en, columns=[Words(zh=a, en=b) for a, b in columns], rows=rows))
    return found


def masked(text: str) -> str:
    """Without the middle of account numbers, identity numbers and identification codes."""
    return LONG_NUMBER.sub(lambda found: f"{found[0][:6]}…{found[0][-4:]}", text)
