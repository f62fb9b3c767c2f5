"""Invariants of money through the antenna 非接触安全不变式 (area PAY-INV)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from hypothesis import strategies as st

from conformance.bench import Bench
from conformance.cases import Case, Kind, Suite
from conformance.failures import NotRun
from conformance.payment_answers import (
    Cryptogram,
)
from conformance.payment_dialogue import (
    Visit,
)
from conformance.properties import for_all
from conformance.suites.payment.invariants import LARGEST_PURCHASE, check_balance, known_balance
from conformance.targets.base import Interface
from profiles.applications import payment_directory
from profiles.model import Profile, Text

SUITE = Suite(
    "payment contactless invariants",
    "非接触安全不变式",
    "Payment: invariants through the antenna",
    interface=Interface.CONTACTLESS,
)

QUICK = bytes.fromhex("26000080")
"""TTQ: qPBOC, online PIN and signature, fDDA version 01."""
FIRST_TC = 0x90
"""Byte 2 of the card verification results of a TC."""


class Tap(NamedTuple):
    """A quick transaction: the amount, the algorithms that the terminal has, and whether the card stays until the end."""

    asked: int
    sm: bool
    whole: bool


TAPS = st.lists(st.builds(Tap, st.integers(0, LARGEST_PURCHASE), st.booleans(), st.booleans()), min_size=1, max_size=6)


def _tap(bench: Bench, tap: Tap) -> int:
    """The money that is spent: that of an approved transaction whose last record was read."""
    visit = Visit(bench, amount=tap.asked, sm=tap.sm, qualifiers=QUICK).open()
    made = Cryptogram.read(visit.send_begin())
    if made.results[0] != FIRST_TC:
        return 0
    places = [(entry.sfi, number) for entry in visit.entries for number in range(entry.first, entry.last + 1)]
    for sfi, number in places if tap.whole else places[:-1]:
        bench.need(visit.read_record(sfi, number), "读应用记录", "READ RECORD of the AFL")
    return tap.asked if tap.whole else 0


def conservation(bench: Bench) -> None:
    """Generated taps, some of which the holder takes away before the last record."""
    if not bench.target.renewable:
        raise NotRun("会花费电子现金", "spends e-cash, which the contacts alone can give back")

    def body(taps: list[Tap]) -> None:
        Visit(bench).open()
        expected = known_balance(bench)
        for tap in taps:
            expected -= _tap(bench, tap)
            bench.reset()
            Visit(bench).open()
            check_balance(bench, (expected,), "PAY-INV-001")

    for_all(bench, TAPS, body, share=0.5)


@SUITE.cases_from
def quick_cases(profile: Profile) -> Iterator[Case]:
    """For a card with qPBOC alone: e-cash of the contacts has a case of its own."""
    name = payment_directory(profile)
    payment = profile.directory[name].payment if name else None
    if payment is not None and "qPBOC" in payment.path:
        yield Case(
            identifier="PAY-INV/conservation-contactless/BO",
            title=Text(zh="qPBOC 余额守恒", en="Debits and balances of quick transactions agree"),
            requirements=("PAY-INV-001",),
            kind=Kind.INOPPORTUNE,
            expected=Text(
                zh="余额 = 起始余额 − 读完最后一条记录的交易金额之和",
                en="the balance is the start minus the transactions whose last record was read",
            ),
            body=conservation,
            interface=Interface.CONTACTLESS,
        )
