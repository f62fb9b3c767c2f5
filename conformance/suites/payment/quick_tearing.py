"""Tear protection 防拔 of qPBOC (area PAY-TEA): the debit is final with the last record, and undone without it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.failures import Inconclusive, NotApplicable
from conformance.payment_dialogue import AAC, TC, Offered, Visit, amount, counter
from conformance.quick_dialogue import (
    CAPABLE,
    FOREIGN,
    FOREIGN_LIMIT,
    OFFLINE_ONLY,
    Terminal,
    approving,
    at_the_contacts,
    prepared,
    processing,
    require,
)
from conformance.suites.payment.quick_spending import HELD, TOTAL, total_limit, with_values
from conformance.targets.base import Interface
from emulator.iso7816 import Response

SUITE = Suite("qPBOC tearing", "qPBOC 防拔", "Payment: qPBOC tear protection", interface=Interface.CONTACTLESS)

SPENT = 300
TIMES = 100
LONGEST_LOG = 254


class Way(NamedTuple):
    """A kind of offline approval, and what shows from outside whether it counted."""

    zh: str
    en: str
    values: dict[int, bytes]
    """What the bank sets before."""
    offered: dict[str, Offered]
    spend: int
    """The amount of the approval under test."""
    border: int
    """What is just approved while it has not counted, and refused once it has."""


def ways(bench: Bench) -> list[Way]:
    """The offline approvals of the card; not applicable where it has none."""
    found = []
    total = {total_limit(bench): amount(TOTAL)}
    if processing(bench, 1, 8) or processing(bench, 1, 7):
        found.append(Way("余额", "balance", with_values(bench, held=HELD, single=10 * HELD, kept=0), {}, SPENT, HELD))
    if processing(bench, 1, 7):
        values = with_values(bench, held=HELD, single=10 * HELD, kept=0) | total
        found[:] = [Way("余额和累计金额", "balance and total", values, {}, SPENT, TOTAL)]
    elif processing(bench, 1, 6) and not processing(bench, 1, 8):
        values = with_values(bench, held=HELD, single=10 * HELD, kept=0) | total
        found.append(Way("余额", "balance", values, {}, SPENT, HELD))
        found.append(
            Way("累计金额", "total", with_values(bench, held=0, single=10 * HELD, kept=0) | total, {}, SPENT, TOTAL)
        )
    if processing(bench, 1, 3):
        found.append(Way("异币计数", "foreign counter", {FOREIGN_LIMIT: b"\x01"}, {"currency": FOREIGN}, SPENT, SPENT))
    if not found:
        raise NotApplicable("卡片不脱机批准", "the card approves nothing offline")
    return found


def each_way(bench: Bench) -> Iterator[tuple[Way, Terminal]]:
    """The card prepared for each kind of approval."""
    for way in ways(bench):
        bench.step(way.zh, way.en)
        with prepared(bench, way.values):
            yield way, Terminal(bench, **way.offered)


def counted(terminal: Terminal, way: Way) -> bool:
    """Whether the approval counted: the card, asked at an offline-only terminal for the border, refuses."""
    tap = terminal.tap(way.border, OFFLINE_ONLY)
    if tap.kind not in (TC, AAC):
        raise Inconclusive(f"卡片应答 {tap}", f"the card answered {tap}")
    return tap.kind == AAC


def check_counted(terminal: Terminal, way: Way, wanted: bool, requirement: str, before: int) -> None:
    """Judge balance and counters: both show the approval, or neither does."""
    shown, left = counted(terminal, way), terminal.leave().balance()
    pays = way.en.startswith("balance")
    balance = before - way.spend if wanted and pays else before
    terminal.bench.check(
        shown is wanted and left == balance,
        f"{way.zh}：{'已扣' if wanted else '未扣'}",
        f"{way.en}: {'spent' if wanted else 'not spent'}",
        expected=f"balance {balance}, {'refused' if wanted else 'approved'} at {way.border}",
        received=f"balance {left}, {'refused' if shown else 'approved'} at {way.border}",
        requirement=requirement,
    )


@SUITE.case(
    "PAY-TEA/removed/BV",
    "读末记录前移开卡片",
    "Removed before the last record",
    requirements=["PAY-TEA-001", "PAY-TEA-002"],
    kind=Kind.VALID,
    expected=(
        "余额、累计金额和异币计数恢复；ATC 不恢复",
        "balance, total and foreign counter are restored, the transaction counter is not",
    ),
)
def removed(bench: Bench) -> None:
    """Each kind of approval: left at once, and after all records but the last."""
    for way, terminal in each_way(bench):
        before = terminal.open().balance()
        for read in (False, True):
            first = _counter(bench)
            require(terminal.tap(way.spend, OFFLINE_ONLY), TC)
            if read:
                terminal.records(but_last=True)
            check_counted(terminal.leave(), way, False, "PAY-TEA-001", before)
            bench.check(
                (now := _counter(bench)) == first + 2,
                "ATC 不恢复",
                "the transaction counter is not restored",
                expected=first + 2,
                received=now,
                requirement="PAY-TEA-002",
            )


def _counter(bench: Bench) -> int:
    Terminal(bench).open()
    return counter(bench)


@SUITE.case(
    "PAY-TEA/requests-counted/BV",
    "各种应答均计入 ATC",
    "Every answer spends a transaction counter",
    requirements=["PAY-TEA-002"],
    kind=Kind.VALID,
    expected=("移开卡片再进入后，9F36 比上次大 1", "after the card left the field 9F36 is one more than the last time"),
)
def requests_counted(bench: Bench) -> None:
    """Three taps, each left at once."""
    with prepared(bench) as terminal:
        last = _counter(bench)
        for _ in range(3):
            told = terminal.leave().ask(ttq=CAPABLE).made.counter
            last += 1
            bench.check(
                int.from_bytes(told, "big") == last,
                "ATC",
                "transaction counter",
                expected=last,
                received=told,
                requirement="PAY-TEA-002",
            )


@SUITE.case(
    "PAY-TEA/completed/BV",
    "读末记录后扣款完成",
    "The last record makes the debit final",
    requirements=["PAY-TEA-003"],
    kind=Kind.VALID,
    expected=(
        "复位后仍已扣款，读多次末记录只扣一次；只读末记录也完成",
        "spent after a reset, and once however often the last record is read; it alone is enough",
    ),
)
def completed(bench: Bench) -> None:
    """Each kind of approval: all records, and the last one alone, three times."""
    approving_somehow = ways(bench)
    for alone in (False, True):
        for way in approving_somehow:
            with prepared(bench, way.values):
                terminal = Terminal(bench, **way.offered)
                before = terminal.open().balance()
                require(terminal.tap(way.spend, OFFLINE_ONLY), TC)
                if alone:
                    for _ in range(3):
                        _read_last(terminal)
                else:
                    terminal.records()
                check_counted(terminal.leave(), way, True, "PAY-TEA-003", before)


def _read_last(terminal: Terminal) -> Response:
    return terminal.bench.need(
        terminal.read_record(*terminal.places()[-1]), "读末记录", "READ RECORD of the last record"
    )


@SUITE.case(
    "PAY-TEA/others/BO",
    "其他记录不完成扣款",
    "Other records do not complete",
    requirements=["PAY-TEA-007"],
    kind=Kind.INOPPORTUNE,
    expected=(
        "以任意次序、重复读末记录以外的记录后移开：余额不变",
        "the others in any order, again and again, and away: the balance is as before",
    ),
)
def others(bench: Bench) -> None:
    """Backwards, twice each, and records outside the AFL."""
    for way, terminal in each_way(bench):
        before = terminal.open().balance()
        require(terminal.tap(way.spend, OFFLINE_ONLY), TC)
        places = terminal.places()
        last = places[-1]
        for place in [*reversed(places[:-1]), *places[:-1]]:
            if place != last:
                bench.need(terminal.read_record(*place), "读记录", "READ RECORD")
        for place in ((last[0], last[1] + 1), (1, 1)):
            if place not in places:
                terminal.read_record(*place)
        check_counted(terminal.leave(), way, False, "PAY-TEA-007", before)


@SUITE.case(
    "PAY-TEA/other-interface/BO",
    "在接触界面恢复",
    "Restored over the other interface",
    requirements=["PAY-TEA-006"],
    kind=Kind.INOPPORTUNE,
    expected=("移开后接触界面 GET DATA 9F79 与交易前相同", "over the contacts GET DATA 9F79 is as before the tap"),
)
def other_interface(bench: Bench) -> None:
    """An approval left before its end; then the contacts."""
    approving(bench)
    with prepared(bench, with_values(bench, held=HELD)) as terminal:
        before = terminal.open().balance()
        require(terminal.ask(SPENT, OFFLINE_ONLY), TC)
        terminal.records(but_last=True)
        with at_the_contacts(bench):
            Visit(bench).open()
            left = Terminal(bench).balance()
        bench.check(
            left == before,
            "接触界面读出的余额",
            "balance over the contacts",
            expected=before,
            received=left,
            requirement="PAY-TEA-006",
        )


@SUITE.case(
    "PAY-TEA/again-and-again/BO",
    "反复移开",
    "Torn a hundred times",
    requirements=["PAY-TEA-008"],
    kind=Kind.INOPPORTUNE,
    expected=(
        "100 次未完成的交易后余额与之前相同，期间从不变大",
        "after 100 unfinished taps the balance is as before, and never higher on the way",
    ),
)
def again_and_again(bench: Bench) -> None:
    """A hundred approvals of different amounts, each left somewhere before its end."""
    approving(bench)
    with prepared(bench, with_values(bench, held=HELD)) as terminal:
        before = terminal.open().balance()
        for number in range(TIMES):
            require(terminal.tap(1 + bench.random.randrange(SPENT), OFFLINE_ONLY), TC)
            for place in terminal.places()[:-1][: bench.random.randrange(4)]:
                terminal.read_record(*place)
            left = terminal.leave().balance()
            bench.check(
                left == before,
                f"第 {number + 1} 次后的余额",
                f"balance after tap {number + 1}",
                expected=before,
                received=left,
                requirement="PAY-TEA-008",
            )
