"""One visit, one card: the insurance's part and the own part, with everything failing that can fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.actors.bank import HostUnreachable
from conformance.actors.medical.messages import CardState, Mode
from conformance.actors.medical.visit import OfflineLimits, Outcome
from conformance.actors.medical.visit_payment import OwnPart, Unpaid
from conformance.actors.medical.visit_slip import visit_slip
from conformance.actors.slip import WIDTH, Language
from conformance.actors.terminal import Reason
from conformance.failures import BenchError
from conformance.targets.in_process import InProcessTarget
from tests.medical.hospital import MODULES, PIN, Hospital
from tests.medical.visits import FUND, OWN, START, Visits

pytestmark = pytest.mark.slow

DEBIT, GENERATE_AC = 0x2C, 0xAE
MOST_WRITES = 40
PRODUCTS = pytest.mark.parametrize("product", MODULES)
UNPAID = pytest.mark.parametrize(
    ("unpaid", "cash", "own"),
    [
        (Unpaid.KEEP, True, OwnPart.CASH),
        (Unpaid.KEEP, False, OwnPart.OWED),
        (Unpaid.REVERSE, True, OwnPart.REVERSED),
    ],
    ids=["cash", "owed", "reversed"],
)


class CutAtWrite:
    """Cuts the supply at a physical write of the card's memory during the so-manyth command of an instruction."""

    def __init__(
        self, transmit: Callable[[bytes], bytes], target: InProcessTarget, ins: int, nth: int, write: int
    ) -> None:
        self.through, self.target, self.ins, self.left, self.write = transmit, target, ins, nth, write
        self.happened = False

    def transmit(self, command: bytes) -> bytes:
        self.left -= command[1] == self.ins
        if command[1] != self.ins or self.left:
            return self.through(command)
        answer = self.target.tear(command, self.write)
        self.happened = answer is None
        if answer is None:
            raise BenchError("the contact was lost")
        return answer


@PRODUCTS
@pytest.mark.parametrize("with_sam", [True, False], ids=["PSAM", "HSM"])
def test_both_parts_with_one_card(product: str, with_sam: bool) -> None:
    visits = Visits(product, with_sam=with_sam)
    result = visits.visit()
    assert (result.medical.outcome, result.own, result.good) == (Outcome.SETTLED, OwnPart.CARD, True)
    assert result.medical.quote is not None
    assert (result.medical.quote.fund, result.due) == (FUND, OWN)
    payment = result.payment
    assert payment is not None
    assert (payment.amount, payment.currency, payment.reason) == (OWN, "0156", Reason.APPROVED_ONLINE)
    assert visits.account.balance == START - OWN
    assert visits.taken == []
    visits.agree()


@PRODUCTS
def test_each_application_takes_the_pin_by_its_own_rule(product: str) -> None:
    """SSSE takes BCD digits; JR/T 0025.5 B.15 a block of format 2: 2, their number, the digits, F to eight bytes."""
    visits = Visits(product)
    visits.visit()
    verified = [command for command in visits.hospital.slot.commands if command[1] == 0x20]
    assert [each.hex() for each in verified] == ["0020000003123456", "002000800826123456ffffffff"]


@PRODUCTS
def test_visits_one_after_the_other(product: str) -> None:
    visits = Visits(product)
    ends = [visits.visit(), visits.visit(use_account=True), visits.visit(total=5_000, by_card=False), visits.visit()]
    assert [end.own for end in ends] == [OwnPart.CARD, OwnPart.NONE, OwnPart.CASH, OwnPart.CARD]
    numbers = [end.payment.number for end in ends if end.payment]
    assert len(set(numbers)) == 2
    assert all(end.good for end in ends)
    visits.agree()


@PRODUCTS
def test_no_own_part_no_payment(product: str) -> None:
    visits = Visits(product)
    result = visits.visit(use_account=True)
    assert (result.own, result.due, result.payment) == (OwnPart.NONE, 0, None)
    assert not visits.asked_to_pay
    visits.agree()


@PRODUCTS
@pytest.mark.parametrize("case", ["pin", "lost card", "no line", "not insured"])
def test_no_payment_where_the_insurance_does_not_pay(product: str, case: str) -> None:
    visits = Visits(product)
    hospital = visits.hospital
    if case == "pin":
        hospital.pin = "000000"
    elif case == "lost card":
        hospital.centre.change_card(hospital.identification, CardState.TEMPORARILY_LOST)
    elif case == "no line":
        visits.lost = lambda message: "sent" if message == "pre_settle" else ""
    else:
        hospital.centre.books.change_person(hospital.person, insured=0)
    result = visits.visit()
    assert (result.own, result.due, result.payment, result.good) == (OwnPart.NOT_BEGUN, 0, None, False)
    assert not visits.asked_to_pay
    assert visits.taken == []
    visits.agree()


@PRODUCTS
@UNPAID
@pytest.mark.parametrize("case", ["poor", "pin", "down", "answer lost"])
def test_a_payment_that_fails(product: str, unpaid: Unpaid, cash: bool, own: OwnPart, case: str) -> None:
    """The hospital's policy decides what becomes of the insurance's part; the bank keeps nothing."""
    visits = Visits(product, unpaid=unpaid, cash=cash, bank_pin="999999" if case == "pin" else PIN)
    visits.line.down, visits.line.loses_answers = case == "down", case == "answer lost"
    total = 20_000 if case != "poor" else 100 + START + 2 * OWN
    result = visits.visit(total=total, eligible=0 if case == "poor" else None)
    assert (result.medical.outcome, result.own, result.good) == (Outcome.SETTLED, own, False)
    payment = result.payment
    assert payment is not None
    assert not payment.approved
    code = {"poor": "51", "pin": "55"}.get(case, "Z3")
    assert payment.response_code == code
    assert (visits.taken == [result.due]) is (own is OwnPart.CASH)
    assert len(visits.desk.bank_reversals) == (case == "down")
    visits.line.down = visits.line.loses_answers = False
    visits.agree()
    assert visits.account.balance == START
    found = visits.hospital.centre.inquire(visits.hospital.person)
    assert found is not None
    assert (found.own_year + found.fund_year) == (0 if own is OwnPart.REVERSED else total)
    visits.bank_pin = PIN
    assert visits.visit().own is OwnPart.CARD
    visits.agree()


def test_the_reversal_at_the_bank_goes_before_the_next_payment() -> None:
    visits = Visits()
    visits.line.loses_answers = True
    reverse = visits.line.reverse

    def lost(reversal: Any) -> None:
        visits.line.down = True
        reverse(reversal)

    visits.line.reverse = lost  # type: ignore[method-assign]
    assert visits.visit().own is OwnPart.CASH
    assert visits.account.balance == START - OWN
    assert len(visits.desk.bank_reversals) == 1
    visits.line.down = visits.line.loses_answers = False
    visits.line.reverse = reverse  # type: ignore[method-assign]
    second = visits.visit(total=1_000)
    assert (second.own, visits.desk.bank_reversals) == (OwnPart.CARD, [])
    assert visits.account.balance == START - second.due
    visits.agree()


@PRODUCTS
@UNPAID
@pytest.mark.parametrize("swapped", [False, True], ids=["pulled", "swapped"])
def test_the_card_goes_between_the_two(product: str, unpaid: Unpaid, cash: bool, own: OwnPart, swapped: bool) -> None:
    """Nothing is asked of a card that is not the one of the settlement."""
    visits, other = Visits(product, unpaid=unpaid, cash=cash), Hospital(product)
    records = other.card.memory.cells["file:SSSE/EF05"]
    assert isinstance(records, tuple)
    other.card.memory.restore({**other.card.memory.cells, "file:SSSE/EF05": (records[0][:-1] + b"\x00", *records[1:])})
    slot = visits.hospital.slot
    target = slot.target

    def gone(cold: bool = True) -> bytes:
        if any(command[1] == DEBIT for command in slot.commands):
            if not swapped:
                raise BenchError("no card")
            slot.target = other.slot.target
        return slot.target.reset(cold)

    slot.reset = gone  # type: ignore[method-assign]
    result = visits.visit()
    assert (result.own, result.payment, result.card_lost) == (own, None, True)
    assert not visits.asked_to_pay
    slot.target = target
    del slot.reset  # type: ignore[method-assign]
    visits.agree()
    assert visits.visit().own is OwnPart.CARD
    visits.agree()


@PRODUCTS
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("unpaid", Unpaid)
def test_contact_is_lost_at_every_command(product: str, after: bool, unpaid: Unpaid) -> None:
    """The card comes back, is asked, and pays what it settled; a second visit works; then all sides agree."""
    plain = Visits(product)
    plain.visit()
    commands = list(plain.hospital.slot.commands)
    ends = set()
    for at in range(1, len(commands) + 1):
        visits = Visits(product, unpaid=unpaid)
        visits.hospital.slot.fail_at, visits.hospital.slot.after = {at}, after
        first = visits.visit()
        visits.desk.resume()
        end = visits.desk.results["V1"]
        ends.add(end.own)
        assert end.own is not OwnPart.NOT_BEGUN or not first.medical.outcome.good
        assert (end.own is OwnPart.REVERSED) <= (unpaid is Unpaid.REVERSE)
        visits.agree()
        assert visits.visit(total=3_000).own is OwnPart.CARD
        visits.agree()
    failed = OwnPart.CASH if unpaid is Unpaid.KEEP else OwnPart.REVERSED
    assert ends == {OwnPart.NOT_BEGUN, failed, *([OwnPart.CARD] if after else [])}


@PRODUCTS
@pytest.mark.parametrize("unpaid", Unpaid)
@pytest.mark.parametrize(("ins", "nth"), [(DEBIT, 1), (GENERATE_AC, 1), (GENERATE_AC, 2)])
def test_the_supply_is_cut_at_every_write(product: str, unpaid: Unpaid, ins: int, nth: int) -> None:
    """Inside the debit, and inside both cryptograms: each write of the card's memory in turn."""
    ends = []
    for write in range(1, MOST_WRITES):
        visits = Visits(product, unpaid=unpaid)
        cut = CutAtWrite(visits.hospital.slot.transmit, visits.hospital.slot.target, ins, nth, write)
        visits.hospital.slot.transmit = cut.transmit  # type: ignore[method-assign]
        visits.visit()
        if not cut.happened:
            break
        visits.desk.resume()
        ends.append(visits.desk.results["V1"].own)
        visits.agree()
        assert visits.visit(total=3_000).own is OwnPart.CARD
        visits.agree()
    assert 2 < len(ends) < MOST_WRITES - 1
    failed = OwnPart.CASH if unpaid is Unpaid.KEEP else OwnPart.REVERSED
    assert set(ends) <= ({OwnPart.NOT_BEGUN, OwnPart.CARD} if ins == DEBIT else {failed})


@PRODUCTS
def test_a_settlement_that_was_unknown_is_paid_when_the_card_comes_back(product: str) -> None:
    visits = Visits(product)
    slot = visits.hospital.slot
    reset, transmit = slot.reset, slot.transmit
    state = {"gone": False}

    def losing(command: bytes) -> bytes:
        answer = transmit(command)
        if command[:2] == bytes((0xB0, DEBIT)):
            state["gone"] = True
            raise BenchError("the contact was lost")
        return answer

    def absent(cold: bool = True) -> bytes:
        if state["gone"]:
            raise BenchError("no card")
        return reset(cold)

    slot.transmit, slot.reset = losing, absent  # type: ignore[method-assign]
    first = visits.visit("7")
    assert (first.medical.outcome, first.own, first.card_lost) == (Outcome.UNKNOWN, OwnPart.NOT_BEGUN, True)
    assert visits.visit("7") is first
    assert not visits.asked_to_pay
    state["gone"] = False
    slot.transmit = transmit  # type: ignore[method-assign]
    finished = visits.desk.resume()
    assert [(end.medical.outcome, end.own, end.due) for end in finished] == [(Outcome.SETTLED, OwnPart.CARD, OWN)]
    assert visits.visit("7") is finished[0]
    assert visits.desk.resume() == []
    visits.agree()


@PRODUCTS
def test_the_same_number_again_is_neither_settled_nor_paid_again(product: str) -> None:
    visits = Visits(product)
    first = visits.visit("7")
    sent = len(visits.hospital.slot.commands)
    assert visits.visit("7") is first
    assert len(visits.hospital.slot.commands) == sent
    visits.agree()


@PRODUCTS
@pytest.mark.parametrize("unpaid", Unpaid)
@pytest.mark.parametrize("fate", ["sent", "answered"])
@pytest.mark.parametrize("messages", [("settle",), ("settle", "reverse")], ids=["settlement", "both"])
def test_the_centre_hears_later(product: str, unpaid: Unpaid, fate: str, messages: tuple[str, ...]) -> None:
    """It takes a settlement back only when it has its TAC, which is then used up."""
    visits = Visits(product, unpaid=unpaid)
    visits.lost = lambda message: fate if message in messages else ""
    visits.line.down = True
    result = visits.visit()
    assert result.medical.outcome is Outcome.WAITING
    assert visits.desk.medical_reversals == (["V1"] if unpaid is Unpaid.REVERSE else [])
    visits.lost, visits.line.down = lambda message: "", False
    visits.agree()
    stored = visits.hospital.centre.books.settlement("V1")
    assert stored is not None
    assert (stored.state, stored.tac) == (
        "reversed" if unpaid is Unpaid.REVERSE else "cleared",
        result.medical.tac.hex(),
    )


@PRODUCTS
def test_the_bank_never_hears_of_the_end(product: str) -> None:
    """It approved, and no reversal came: the amount stays paid, once."""
    visits = Visits(product)

    def lost(completion: Any) -> None:
        raise HostUnreachable("time out")

    visits.line.complete = lost  # type: ignore[method-assign]
    assert visits.visit().own is OwnPart.CARD
    assert visits.visit().own is OwnPart.CARD
    again = 20_000 * 2 // 10  # the deductible is used up, and the fund pays 80 percent
    assert visits.account.balance == START - OWN - again
    visits.agree()


@PRODUCTS
def test_a_waiting_settlement_lets_the_card_pay(product: str) -> None:
    visits = Visits(product)
    visits.lost = lambda message: "sent" if message == "settle" else ""
    result = visits.visit()
    assert (result.medical.outcome, result.own) == (Outcome.WAITING, OwnPart.CARD)
    visits.lost = lambda message: ""
    visits.agree()


def test_temporarily_off_line_the_account_pays_all() -> None:
    visits = Visits(mode=Mode.ONLINE_WITH_OFFLINE, limits=OfflineLimits())
    visits.lost = lambda message: "sent"
    result = visits.visit(use_account=True)
    assert (result.medical.outcome, result.own) == (Outcome.SETTLED_OFFLINE, OwnPart.NONE)
    visits.lost = lambda message: ""
    visits.agree()


@PRODUCTS
@pytest.mark.parametrize("unpaid", Unpaid)
def test_an_offline_area_keeps_what_the_card_settled(product: str, unpaid: Unpaid) -> None:
    """The account stands on the card: no message to the centre gives it back what it paid."""
    visits = Visits(product, mode=Mode.OFFLINE, unpaid=unpaid)
    assert visits.hospital.station.load("L", 5_000).loaded
    paid = visits.visit(use_account=True)
    assert (paid.medical.outcome, paid.due, paid.own) == (Outcome.SETTLED_OFFLINE, 15_000, OwnPart.CARD)
    visits.line.down = True
    unable = visits.visit(use_account=True)
    assert (unable.due, unable.own) == (20_000, OwnPart.CASH)
    visits.line.down = False
    visits.desk.deliver()
    states = [one.state for one in visits.hospital.centre.books.settlements_of(visits.hospital.person)]
    assert states == ["cleared", "cleared"]
    assert visits.account.balance == START - 15_000
    assert visits.taken == [20_000]


@PRODUCTS
@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("case", ["paid", "cash", "reversed", "none", "refused"])
def test_one_slip_tells_both_parts_and_no_secret(product: str, language: Language, case: str) -> None:
    visits = Visits(product, unpaid=Unpaid.REVERSE)
    visits.line.down = case == "reversed"
    if case == "refused":
        visits.hospital.pin = "000000"
    result = visits.visit(by_card=case != "cash", use_account=case == "none")
    slip = visit_slip(result, language)
    for secret in (visits.account.pan, visits.hospital.person, result.medical.name or "?", PIN):
        assert secret not in slip
    wide = [sum(2 if ord(letter) > 0x2E7F else 1 for letter in line) for line in slip.splitlines()]
    assert max(wide) <= WIDTH
    due = ("应付金额", "DUE")[language is Language.EN]
    assert (f"{due}{'CNY 120.00':>{WIDTH - len(due.encode('gbk'))}}" in slip) is (case not in ("none", "refused"))
    words = {
        "paid": ("银行卡已支付", "paid by card"),
        "cash": ("现金已支付", "paid in cash"),
        "reversed": ("已结算，后已冲正", "settled, then taken back"),
        "none": ("已结算\n", "settled\n"),
        "refused": ("未结算", "not settled"),
    }[case]
    assert words[language is Language.EN] in slip
