"""Every sentence of the eight rules is said where the outside shows what it speaks of, and none where nothing failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from conformance.campaign import trial
from conformance.campaign.flows.hospital import HospitalWorld
from conformance.campaign.flows.persons import BANK_PIN_B, PAN_A, PIN_A, A, B
from conformance.campaign.flows.station import StationWorld
from conformance.campaign.rules import Case, judge
from conformance.campaign.trial import Spec
from conformance.campaign.workers import known_flow

Change = Callable[[Case], Case]
OLD, NEW, CARD = "old card A", "chip 1", "card"


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Case]]:
    """What a run of each flow showed that nothing disturbed; its hosts can still be asked."""
    found: dict[str, Case] = {}
    with pytest.MonkeyPatch.context() as patch:
        for kind in (StationWorld, HospitalWorld):
            patch.setattr(kind, "close", lambda world: None)
        for flow in ("upgrade", "medical", "medical-offline"):
            patch.setattr(trial, "judge", lambda case, flow=flow: found.setdefault(flow, case) and [])
            trial.run_trial(known_flow(flow, ""), Spec(flow), tmp_path_factory.mktemp(flow))
    yield found
    for case in found.values():
        case.world.close()


def facts(moment: str = "after", **changes: Any) -> Change:
    """The world shows something else at a moment."""
    return lambda case: replace(case, **{moment: replace(getattr(case, moment), **changes)})


def chip(name: str, moment: str = "after", **changes: Any) -> Change:
    """A chip does."""

    def change(case: Case) -> Case:
        chips = getattr(case, moment).chips
        return facts(moment, chips={**chips, name: replace(chips[name], **changes)})(case)

    return change


def medical(**changes: Any) -> Change:
    """The medical application of the card does; a change is a function of what it showed."""

    def change(case: Case) -> Case:
        shown = case.after.chips[CARD].medical
        assert shown is not None
        others = {name: make(getattr(shown, name)) for name, make in changes.items()}
        return chip(CARD, medical=replace(shown, **others))(case)

    return change


def transacting(moment: str, number: str, *names: str) -> Change:
    def change(case: Case) -> Case:
        return facts(moment, transacting={**getattr(case, moment).transacting, number: names})(case)

    return change


def money(host: str, moved: dict[str, int] | None = None, **changes: Any) -> Change:
    """Books of a host have moved besides, or its entries are others."""

    def change(case: Case) -> Case:
        books = case.after.money[host]
        balances = {**books.balances, **{name: books.balances.get(name, 0) + by for name, by in (moved or {}).items()}}
        return facts(money={**case.after.money, host: replace(books, balances=balances, **changes)})(case)

    return change


def centre(**changes: Any) -> Change:
    """The centre's books say something else; a change is a function of what they said."""

    def change(case: Case) -> Case:
        books = case.after.centre
        assert books is not None
        return facts(centre=replace(books, **{name: make(getattr(books, name)) for name, make in changes.items()}))(
            case
        )

    return change


def dearer(persons: dict[str, tuple[int, int, int]]) -> dict[str, tuple[int, int, int]]:
    return {name: (used, own + 1, fund) for name, (used, own, fund) in persons.items()}


def twice(settlements: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*settlements, replace(settlements[0], number="again"))


def others(log: tuple[Any, ...]) -> tuple[Any, ...]:
    """The newest settlement with amounts that neither mode of settlement makes."""
    return (replace(log[0], amounts=(1, 2, 3)), *log[1:])


def says(text: str) -> Change:
    return lambda case: facts(texts={**case.after.texts, "a log": text})(case)


def waits(case: Case) -> Case:
    """The terminal keeps a settlement."""
    vars(case.world)["pending"] = lambda: 1
    return case


@pytest.mark.parametrize("flow", ["upgrade", "medical", "medical-offline"])
def test_nothing_is_said_of_facts_as_they_are(cases: dict[str, Case], flow: str) -> None:
    assert judge(cases[flow]) == []


@pytest.mark.parametrize(
    ("flow", "change", "rule", "sentence"),
    [
        (
            "upgrade",
            transacting("struck", PAN_A, OLD, NEW),
            1,
            "after the failure, 2 cards of 621498…1235 can transact",
        ),
        ("upgrade", transacting("after", PAN_A), 1, "0 cards of 621498…1235 can transact, 1 should"),
        ("upgrade", facts("struck", agreements=()), 2, "after the failure, the agreements are not those of before"),
        ("upgrade", money("bank", {"network": 1}), 2, "the books of bank sum to 1 fen"),
        (
            "upgrade",
            money("bank", {"network": 5, "agreement GAS-1": -5}),
            2,
            "network of bank moved by 5 fen, not by 0",
        ),
        ("upgrade", money("bank", crooked=("network",)), 2, "1 balances of bank differ from their entries"),
        (
            "upgrade",
            money("bank", repeated=(("a", "b", 1, "R", "x"),)),
            2,
            "booked more than once at bank: a, b, 1, R, x",
        ),
        ("upgrade", transacting("struck", PAN_A), 3, "after the failure, 621498…1235 has no card that works"),
        ("upgrade", lambda case: replace(case, ending="elsewhere"), 4, "after the recovery: elsewhere"),
        ("upgrade", chip(NEW, identification=None), 4, "chip chip 1 was handed out half-made"),
        ("upgrade", chip(NEW, open_transport=True), 4, "chip chip 1 was handed out before it was closed"),
        ("upgrade", chip(NEW, certified=(A.name, "")), 4, "chip chip 1 was handed out without certificates"),
        ("upgrade", chip(NEW, certified=(A.name, B.name)), 4, "without certificates of its holder"),
        ("medical", waits, 5, "a terminal still keeps settlements"),
        ("medical", centre(settlements=twice), 5, "one TAC settled 2 times"),
        ("medical", centre(persons=dearer), 5, "are not those of the settlements"),
        ("medical", money("centre", {"hospitals": 5, "fund": -5}), 5, "were settled"),
        ("medical", medical(log=lambda log: log[1:]), 5, "card card logged 2 settlements, the centre has 3"),
        ("medical", medical(log=others), 5, "of card card has other amounts at the centre"),
        (
            "medical-offline",
            medical(balance=lambda fen: fen + 1),
            5,
            "the balance on card card is not that of its book",
        ),
        ("medical", medical(fund_year=lambda fen: fen + 1), 5, "sums of the year on card card rose by"),
        ("upgrade", chip(NEW, "struck", content=B.identity.encode()), 6, "chip chip 1 holds data of person B"),
        ("upgrade", chip(NEW, content=bytes.fromhex(f"{B.numbers[0]}F")), 6, "chip chip 1 holds data of person B"),
        ("upgrade", chip(NEW, person=(B.identity, B.name)), 6, "chip chip 1 shows another holder than its own"),
        ("upgrade", says(f"card of {A.name}"), 6, "data of person A stand in clear in a log"),
        ("upgrade", says(A.identity.encode().hex()), 6, "data of person A stand in clear in a log"),
        ("upgrade", says(f"PIN {BANK_PIN_B}."), 6, "data of person B stand in clear in a log"),
        ("upgrade", chip(NEW, "struck", open_commands=("WRITE KEY",)), 7, "issued card chip 1 accepts WRITE KEY"),
        ("upgrade", chip(NEW, open_transport=True), 7, "issued card chip 1 still has its transport key"),
        ("upgrade", chip(OLD, pays="00"), 8, "replaced card old card A is still approved on line"),
        ("upgrade", chip(OLD, settles=True), 8, "replaced card old card A may still settle at the centre"),
    ],
)
def test_a_rule_breaks_where_the_outside_shows_it(
    cases: dict[str, Case], flow: str, change: Change, rule: int, sentence: str
) -> None:
    case = cases[flow]
    try:
        found = judge(change(case))
    finally:
        vars(case.world).pop("pending", None)
    assert any(each.rule == rule and sentence in each.en for each in found), found
    assert all(each.zh for each in found)


def test_a_pin_that_is_part_of_a_longer_number_is_no_pin(cases: dict[str, Case]) -> None:
    assert judge(says(f"number 1{PIN_A}")(cases["upgrade"])) == []
