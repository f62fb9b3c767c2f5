"""Offline areas: money loaded onto the card, bills paid from it, uploads; in every failure no fen appears or vanishes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest

from conformance.actors.medical.books import HOSPITALS, account_of, on_card
from conformance.actors.medical.messages import CardState, Category, Mode, Refusal
from conformance.actors.medical.terminal import HospitalTerminal
from conformance.actors.medical.visit import Outcome, Visit
from tests.medical.hospital import MODULES, NOON, SCHEME, Hospital

PRODUCTS = pytest.mark.parametrize("product", MODULES)
CREDIT, PROOF = 0x2A, 0x32


def agree(hospital: Hospital) -> None:
    """The card's balance is the book of the card; what left both is with the hospitals; the books sum to zero."""
    assert hospital.station.undelivered == []
    assert hospital.terminal.undelivered == []
    books = hospital.centre.books
    assert hospital.amounts().balance == books.balance(on_card(hospital.identification))
    account = books.balance(account_of(hospital.person))
    left = SCHEME.yearly_credit - account - hospital.amounts().balance
    assert books.balance(HOSPITALS) == left >= 0
    assert sum(books.balances().values()) == 0


def offline(product: str = "ssc3-sm4", **more: object) -> Hospital:
    return Hospital(product, Mode.OFFLINE, **more)  # type: ignore[arg-type]  # fields of the hospital


@PRODUCTS
@pytest.mark.parametrize("with_sam", [True, False], ids=["PSAM", "HSM"])
def test_load_and_pay(product: str, with_sam: bool) -> None:
    hospital = offline(product, with_sam=with_sam)
    loaded = hospital.station.load("L1", 50_000)
    assert (loaded.loaded, len(loaded.tac)) == (True, 4)
    assert hospital.amounts().balance == 50_000
    assert hospital.log()[0][2:3] == b"1"
    assert int.from_bytes(hospital.log()[0][16:20], "big") == 50_000
    hospital.lost = lambda message: "sent"
    first, second = hospital.settle("1", 30_000), hospital.settle("2", 30_000)
    assert [result.outcome for result in (first, second)] == [Outcome.SETTLED_OFFLINE] * 2
    assert [(result.quote.account, result.quote.own) for result in (first, second)] == [(30_000, 0), (20_000, 10_000)]
    assert [record[16:].hex() for record in hospital.log()[:2]] == [
        f"{20_000:08x}{10_000:08x}{0:08x}",
        f"{30_000:08x}{0:08x}{0:08x}",
    ]
    hospital.lost = lambda message: ""
    assert [clearing.refusal for clearing in hospital.terminal.deliver()] == [None, None]
    account = hospital.centre.inquire(hospital.person)
    assert (account.balance, account.own_year) == (SCHEME.yearly_credit - 50_000, 60_000)
    agree(hospital)


def test_without_the_account_the_holder_pays() -> None:
    hospital = offline()
    hospital.station.load("L1", 50_000)
    result = hospital.settle("1", 30_000, use_account=False)
    assert (result.quote.account, result.quote.own) == (0, 30_000)
    assert hospital.amounts().balance == 50_000
    hospital.terminal.deliver()
    agree(hospital)


def test_special_bills_are_settled_on_line_alone() -> None:
    result = offline().settle("1", category=Category.MATERNITY)
    assert (result.outcome, result.en) == (Outcome.REFUSED, "off line only ordinary bills are settled")


@pytest.mark.parametrize(
    ("amount", "prepare", "refusal"),
    [
        (SCHEME.yearly_credit + 1, lambda hospital: None, Refusal.NOT_ENOUGH),
        (0, lambda hospital: None, Refusal.WRONG_AMOUNT),
        (
            1,
            lambda hospital: hospital.centre.change_card(hospital.identification, CardState.LOCKED),
            Refusal.CARD_STATE,
        ),
    ],
)
def test_the_centre_does_not_load(amount, prepare, refusal) -> None:  # type: ignore[no-untyped-def]  # parameters
    hospital = offline()
    prepare(hospital)
    result = hospital.station.load("L1", amount)
    assert (result.loaded, result.refusal) == (False, refusal)
    assert hospital.amounts().balance == 0
    agree(hospital)


def test_only_offline_areas_load() -> None:
    assert Hospital().station.load("L1", 1).refusal is Refusal.NO_OFFLINE


def test_a_number_loads_once() -> None:
    hospital = offline()
    assert hospital.station.load("L1", 10).loaded
    assert hospital.station.load("L1", 10).refusal is Refusal.REPEATED
    assert hospital.centre.confirm_load("L1", bytes(4)).refusal is Refusal.WRONG_TAC
    assert hospital.centre.reverse("L1").refusal is Refusal.REPEATED
    assert hospital.amounts().balance == 10
    agree(hospital)


def test_a_card_without_its_key_is_not_loaded() -> None:
    """MAC1 of a card that the centre registered with other historical bytes is wrong."""
    historical = offline().terminal.reader.card.historical
    hospital = offline(registered=historical[:-1] + b"\x77")
    assert hospital.station.load("L1", 10).refusal is Refusal.WRONG_MAC1
    agree(hospital)


@PRODUCTS
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_the_contact_is_lost_at_every_command(product: str, after: bool) -> None:
    """Before or after the command has acted: the card comes back, and card and centre agree."""
    ended = set()
    for command in itertools.count(1):
        hospital = offline(product)
        hospital.slot.fail_at, hospital.slot.after = {command}, after
        result = hospital.station.load("L1", 5_000)
        if hospital.slot.fail_at:
            break
        ended.add(result.loaded)
        assert hospital.amounts().balance == (5_000 if result.loaded else 0)
        agree(hospital)
    assert command == 1 + 6, "two SELECT, READ RECORD, VERIFY, INITIALIZE, CREDIT"
    assert ended == ({True, False} if after else {False})


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_card_that_comes_back_later_is_asked(after: bool) -> None:
    hospital = offline()
    probe = offline()
    probe.station.load("L1", 1)
    credit = next(at for at, sent in enumerate(probe.slot.commands, 1) if sent[1] == CREDIT)
    hospital.slot.fail_at, hospital.slot.after = {credit, credit + 1}, after
    assert hospital.station.load("L1", 5_000).loaded is None
    hospital.slot.after = False
    again = hospital.station.load("L2", 700)
    assert again.loaded
    assert len(hospital.sent(PROOF)) == 1
    assert hospital.amounts().balance == (5_700 if after else 700)
    agree(hospital)


@pytest.mark.parametrize("message", ["load", "confirm_load"])
@pytest.mark.parametrize("fate", ["sent", "answered"])
def test_the_line_is_lost(message: str, fate: str) -> None:
    hospital = offline()
    hospital.lost = lambda this: fate if this == message else ""
    result = hospital.station.load("L1", 5_000)
    assert result.loaded is (message == "confirm_load")
    hospital.lost = lambda this: ""
    hospital.station.deliver()
    assert hospital.amounts().balance == (5_000 if result.loaded else 0)
    agree(hospital)


def test_without_pin_nothing_is_loaded() -> None:
    hospital = offline(pin=None)
    result = hospital.station.load("L1", 1)
    assert (result.loaded, result.sw) == (False, 0x6982)
    agree(hospital)


def command_number(ins: int, act: Callable[[Hospital], object]) -> int:
    """Which of the commands of an act has an instruction byte."""
    probe = offline()
    probe.slot.commands.clear()
    act(probe)
    return next(at for at, sent in enumerate(probe.slot.commands, 1) if sent[1] == ins)


def test_a_card_that_was_used_elsewhere_is_never_guessed_at() -> None:
    """Its proof is of the other transaction; its log shows that it settled, and nothing is taken back."""
    hospital = offline()
    hospital.station.load("L1", 5_000)
    at = command_number(0x2C, lambda probe: probe.settle("1", 100))
    hospital.slot.commands.clear()
    hospital.slot.fail_at, hospital.slot.after = {at, at + 1}, True
    assert hospital.settle("1", 100).outcome is Outcome.UNKNOWN
    elsewhere = HospitalTerminal(hospital.terminal.reader, hospital.terminal.centre)
    assert elsewhere.settle(Visit("2", 30, when=NOON + timedelta(hours=1))).outcome is Outcome.SETTLED_OFFLINE
    assert hospital.settle("3", 7).outcome is Outcome.SETTLED_OFFLINE
    (disputed,) = hospital.terminal.disputed
    assert (disputed.visit.number, disputed.outcome, disputed.tac) == ("1", Outcome.UNKNOWN, b"")
    assert hospital.amounts().balance == 5_000 - 100 - 30 - 7


def test_a_load_before_a_card_was_used_elsewhere() -> None:
    hospital = offline()
    at = command_number(CREDIT, lambda probe: probe.station.load("L1", 100))
    hospital.slot.fail_at, hospital.slot.after = {at, at + 1}, True
    assert hospital.station.load("L1", 100).loaded is None
    elsewhere = HospitalTerminal(hospital.terminal.reader, hospital.terminal.centre)
    assert elsewhere.settle(Visit("2", 30, when=NOON)).outcome is Outcome.SETTLED_OFFLINE
    assert hospital.station.load("L2", 7).loaded
    (disputed,) = hospital.station.disputed
    assert (disputed.number, disputed.loaded) == ("L1", None)
    assert hospital.amounts().balance == 100 - 30 + 7
    assert hospital.centre.books.balance(on_card(hospital.identification)) == 107


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("answer", ["6F00", "9000", "01029000", "90"])
def test_a_card_that_does_not_say_what_it_did_is_asked_again(after: bool, answer: str) -> None:
    """Only 9406 says that it did not load: the centre takes nothing back before that."""
    hospital = offline()
    at = command_number(CREDIT, lambda probe: probe.station.load("L1", 5_000))
    hospital.slot.fail_at, hospital.slot.after = {at}, after
    hospital.spoil(PROOF, answer, acts=False)
    first = hospital.station.load("L1", 5_000)
    assert (first.loaded, first.card_lost) == (None, False)
    assert hospital.centre.books.balance(on_card(hospital.identification)) == 5_000
    assert hospital.station.load("L2", 700).loaded
    assert hospital.amounts().balance == (5_700 if after else 700)
    agree(hospital)


@pytest.mark.parametrize("answer", ["9000", "0102039000", "90"])
def test_a_good_answer_without_a_code_is_asked_for_again(answer: str) -> None:
    """The card says that it loaded, and the proof has what the answer lacks."""
    hospital = offline()
    hospital.spoil(CREDIT, answer, acts=True)
    assert hospital.station.load("L1", 5_000).loaded
    assert hospital.amounts().balance == 5_000
    agree(hospital)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_card_without_proofs_is_believed_by_its_log(after: bool) -> None:
    hospital = offline()
    at = command_number(CREDIT, lambda probe: probe.station.load("L1", 5_000))
    hospital.slot.fail_at, hospital.slot.after = {at}, after
    hospital.spoil(PROOF, "6D00", acts=False)
    assert hospital.station.load("L1", 5_000).loaded is None
    hospital.spoil(PROOF, "6D00", acts=False)
    assert hospital.station.load("L2", 700).loaded
    assert [each.number for each in hospital.station.disputed] == ["L1"] * after
    assert hospital.centre.books.balance(on_card(hospital.identification)) == (5_700 if after else 700)
    assert hospital.amounts().balance == (5_700 if after else 700)
