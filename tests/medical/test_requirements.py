"""Terminal and centre of the bench, row by row of the areas TERM and CTR: what they send, to whom, in which order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from conformance.actors.key_service import KeyService
from conformance.actors.medical.books import HOSPITALS
from conformance.actors.medical.centre import Centre
from conformance.actors.medical.messages import CardState, Category, Mode, Refusal
from conformance.actors.medical.visit import OfflineLimits, Outcome, Step, Told
from tests.medical.hospital import MODULES, Hospital, product_of

PRODUCTS = pytest.mark.parametrize("product", MODULES)
VERIFY, EXTERNAL, READ, UPDATE = 0x20, 0x82, 0xB2, 0xDC
INITIALIZE, DEBIT, PROOF = 0x28, 0x2C, 0x32
MODE_2 = Mode.ONLINE_WITH_OFFLINE


@dataclass
class Watched(Hospital):
    """Commands, messages and steps in the order in which they went out."""

    went: list[tuple[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        Hospital.__post_init__(self)
        for name in ("pre_settle", "settle", "upload", "reverse"):
            setattr(self.centre, name, self._watched(name, getattr(self.centre, name)))
        transmit = self.slot.target.transmit

        def watching(command: bytes) -> bytes:
            self.went.append(("card", command))
            return transmit(command)

        self.slot.target.transmit = watching  # type: ignore[method-assign]
        self.terminal._tell = lambda told: self.went.append(("step", told))

    def _watched(self, name: str, act: Any) -> Any:
        def watching(message: Any) -> Any:
            self.went.append((name, message))
            return act(message)

        return watching

    def place(self, what: str, ins: int | None = None) -> int:
        """Where something first went out."""
        return next(at for at, (name, sent) in enumerate(self.went) if name == what and (ins is None or sent[1] == ins))

    def messages(self, name: str) -> list[Any]:
        return [message for sent, message in self.went if sent == name]

    def commands(self, ins: int) -> list[bytes]:
        return [command for name, command in self.went if name == "card" and command[1] == ins]

    def steps(self) -> list[Told]:
        return self.messages("step")

    def go_offline(self) -> None:
        self.lost = lambda message: "sent"

    def values(self) -> list[str]:
        return [self.terminal.reader.text("DF04/EF06", tag) for tag in ("90", "92", "93")]


def altered(hospital: Watched, ins: int, answer: bytes) -> None:
    """The card answers this to an instruction."""
    transmit = hospital.slot.target.transmit
    hospital.slot.target.transmit = (  # type: ignore[method-assign]
        lambda command: (transmit(command), answer)[1] if command[1] == ins else transmit(command)
    )


# The terminal


@pytest.mark.requirement("SSC-TERM-001")
@PRODUCTS
def test_four_data_are_read_before_the_first_message(product: str) -> None:
    hospital = Watched(product)
    result = hospital.settle()
    content = product_of(product).content
    assert result.person == content["SSSE"]["EF06"]["08"]
    assert result.name == content["SSSE"]["EF06"]["09"]
    assert result.card_number == content["SSSE"]["EF05"]["07"][:9]
    assert result.area == content["DF04"]["EF05"]["84"]
    reads = [at for at, (name, sent) in enumerate(hospital.went) if name == "card" and sent[1] == READ]
    assert len([at for at in reads if at < hospital.place("pre_settle")]) == len(reads) >= 4


@pytest.mark.requirement("SSC-TERM-002")
def test_no_purchase_after_a_failed_pre_settlement() -> None:
    hospital = Watched()
    hospital.centre.change_card(hospital.identification, CardState.LOCKED)
    assert hospital.settle().refusal is Refusal.CARD_STATE
    assert hospital.commands(INITIALIZE) == hospital.commands(DEBIT) == []


@pytest.mark.requirement("SSC-TERM-003")
@pytest.mark.parametrize("mode", [Mode.ONLINE, MODE_2])
def test_amounts_are_zero_total_and_what_the_insurance_pays(mode: Mode) -> None:
    hospital = Watched(mode=mode)
    result = hospital.settle(total=33_333, eligible=20_000)
    (command,) = hospital.commands(INITIALIZE)
    amounts = [int.from_bytes(command[at : at + 4], "big") for at in (6, 10, 14)]
    assert amounts == [0, 33_333, result.quote.account + result.quote.fund]


@pytest.mark.requirement("SSC-TERM-004")
@pytest.mark.parametrize(("ins", "sw"), [(INITIALIZE, "9403"), (DEBIT, "9302")])
def test_a_refusing_card_ends_the_settlement(ins: int, sw: str) -> None:
    hospital = Watched()
    altered(hospital, ins, bytes.fromhex(sw))
    result = hospital.settle()
    assert (result.outcome, result.sw) == (Outcome.REFUSED, int(sw, 16))
    assert len(hospital.commands(ins)) == 1
    assert hospital.messages("settle") == []


@pytest.mark.requirement("SSC-TERM-005")
@pytest.mark.parametrize("with_sam", [True, False], ids=["PSAM", "HSM"])
def test_mac2_is_verified_before_the_report(with_sam: bool) -> None:
    hospital = Watched(with_sam=with_sam)
    assert hospital.settle("1").outcome is Outcome.SETTLED
    told = [step.step for step in hospital.steps()]
    assert told.index(Step.MAC2) < told.index(Step.CLEARING)
    assert [at for at, step in enumerate(hospital.went) if step[0] == "settle"] > [
        at for at, step in enumerate(hospital.went) if step[0] == "step" and step[1].step is Step.MAC2
    ]
    altered(hospital, DEBIT, bytes(8) + b"\x90\x00")
    wrong = hospital.settle("2")
    assert wrong.outcome is Outcome.REFUSED
    assert "MAC2" in wrong.en
    assert [message.number for message in hospital.messages("settle")] == ["1"]


@pytest.mark.requirement("SSC-TERM-006")
@PRODUCTS
def test_tac_and_its_input_are_those_of_the_card(product: str) -> None:
    hospital = Watched(product)
    hospital.settle()
    (sent,) = hospital.messages("settle")
    record = hospital.log()[0]
    settlement = sent.settlement
    assert record == settlement.number + settlement.kind + settlement.terminal + settlement.time + settlement.amounts
    service = KeyService(product_of(product), hospital.terminal.reader.card.historical)
    assert sent.tac == service.transaction_code("DTK", settlement)


@pytest.mark.requirement("SSC-TERM-006")
def test_tac_and_its_input_wait_for_the_line() -> None:
    """The confirmation is lost on its way: what the card signed is kept, and sent when there is a line again."""
    hospital = Watched()
    hospital.lost = lambda message: "sent" if message == "settle" else ""
    result = hospital.settle()
    (kept,) = hospital.terminal.outbox.settlements
    assert (kept.tac, kept.settlement) == (result.tac, result.settlement)
    assert hospital.centre.books.balance(HOSPITALS) == 0
    hospital.lost = lambda message: ""
    assert [clearing.refusal for clearing in hospital.terminal.deliver()] == [None]
    assert hospital.terminal.outbox.settlements == []
    assert hospital.centre.books.balance(HOSPITALS) == 20_000


@pytest.mark.requirement("SSC-TERM-007")
@pytest.mark.parametrize("category", [one for one in Category if one.is_special])
def test_special_settlements_stand_on_the_card_with_the_number_of_the_log(category: Category) -> None:
    hospital = Watched()
    before = hospital.card.memory.cells["file:DF04/EF15"]
    assert hospital.settle(category=category).written_back
    after = hospital.card.memory.cells["file:DF04/EF15"]
    assert (after[0], after[1:]) == (hospital.log()[0][:2] + category.value.encode(), before[: len(after) - 1])


@pytest.mark.requirement("SSC-TERM-008")
def test_offline_data_are_read_with_pin_and_key() -> None:
    hospital = Watched(mode=MODE_2)
    hospital.settle()
    before = hospital.place("pre_settle")
    order = [sent[1] for name, sent in hospital.went[:before] if name == "card"]
    key = product_of("ssc3-sm4").directory["DF04"].key["RK1DF04"].kid
    assert VERIFY in order
    assert any(command[3:4] == key for command in hospital.commands(EXTERNAL))
    assert order[-3:] == [READ, READ, READ]


@pytest.mark.requirement("SSC-TERM-009", "SSC-CTR-005", "SSC-CTR-006")
@pytest.mark.parametrize(("balance", "allowed"), [(True, "1"), (False, "0")])
def test_the_centres_values_are_written_after_an_online_settlement(balance: bool, allowed: str) -> None:
    """Zero, and whether the account still has something that may be spent off line."""
    hospital = Watched(mode=MODE_2)
    hospital.terminal.reader.begin()
    hospital.terminal.reader.write("DF04/EF06", "92", "00000900" if balance else "00000000")
    hospital.terminal.reader.write("DF04/EF06", "93", "03")
    hospital.went.clear()
    total = 1_000 if balance else 400_000
    result = hospital.settle(total=total, eligible=0)
    assert (result.outcome, hospital.values()) == (Outcome.SETTLED, [allowed, "00000000", "00"])
    assert len(hospital.commands(UPDATE)) == 3
    assert hospital.place("card", UPDATE) > hospital.place("settle")


@pytest.mark.requirement("SSC-TERM-010")
def test_cards_of_other_areas_do_not_settle_off_line() -> None:
    hospital = Watched(mode=MODE_2, limits=OfflineLimits())
    hospital.terminal.area = "310100"
    hospital.go_offline()
    assert hospital.settle().outcome is Outcome.REFUSED
    assert hospital.commands(INITIALIZE) == []


@pytest.mark.requirement("SSC-TERM-011")
@pytest.mark.parametrize(
    ("allowed", "amount", "count", "good"),
    [("1", 4_999, 2, True), ("1", 5_000, 2, False), ("1", 4_999, 3, False), ("0", 4_999, 2, False)],
)
def test_offline_limits_are_strict(allowed: str, amount: int, count: int, good: bool) -> None:
    """Limits of 100.00 and four: what the card has gathered, with the bill of 50.00 and this one, stays below."""
    hospital = Watched(mode=MODE_2, limits=OfflineLimits(amount=10_000, count=4))
    hospital.terminal.reader.begin()
    for tag, value in (("90", allowed), ("92", f"{amount:08d}"), ("93", f"{count:02d}")):
        hospital.terminal.reader.write("DF04/EF06", tag, value)
    hospital.went.clear()
    hospital.go_offline()
    result = hospital.settle(total=5_000)
    assert result.outcome.good is good
    assert len(hospital.commands(DEBIT)) == good


@pytest.mark.requirement("SSC-TERM-012")
@pytest.mark.parametrize("more", [{"use_account": False}, {"category": Category.MATERNITY}])
def test_only_the_account_pays_off_line(more: dict[str, Any]) -> None:
    hospital = Watched(mode=MODE_2, limits=OfflineLimits())
    hospital.go_offline()
    assert hospital.settle(total=100, **more).outcome is Outcome.REFUSED
    assert hospital.commands(INITIALIZE) == []


@pytest.mark.requirement("SSC-TERM-013")
@pytest.mark.parametrize("with_sam", [True, False], ids=["PSAM", "HSM"])
def test_off_line_the_module_makes_the_codes(with_sam: bool) -> None:
    hospital = Watched(mode=MODE_2, with_sam=with_sam, limits=OfflineLimits())
    hospital.go_offline()
    assert hospital.settle(total=100).outcome is (Outcome.SETTLED_OFFLINE if with_sam else Outcome.REFUSED)
    assert len(hospital.commands(DEBIT)) == with_sam


@pytest.mark.requirement("SSC-TERM-014", "SSC-TERM-015", "SSC-CTR-008")
def test_offline_sums_grow_and_everything_is_uploaded() -> None:
    hospital = Watched(mode=MODE_2, limits=OfflineLimits())
    hospital.go_offline()
    amounts = (1_000, 250)
    results = [hospital.settle(str(number), total) for number, total in enumerate(amounts)]
    assert hospital.values() == ["1", f"{sum(amounts):08d}", "02"]
    hospital.lost = lambda message: ""
    assert [clearing.refusal for clearing in hospital.terminal.deliver()] == [None, None]
    for result, upload in zip(results, hospital.messages("upload"), strict=True):
        assert (upload.person, upload.tac, upload.settlement) == (hospital.person, result.tac, result.settlement)
    assert hospital.centre.books.balance(HOSPITALS) == sum(amounts)


@pytest.mark.requirement("SSC-TERM-016")
@pytest.mark.parametrize("mode", list(Mode))
def test_the_pin_comes_first(mode: Mode) -> None:
    hospital = Watched(mode=mode)
    hospital.settle()
    assert hospital.place("card", VERIFY) < hospital.place("card", INITIALIZE)


@pytest.mark.requirement("SSC-TERM-017")
@pytest.mark.parametrize("mode", list(Mode))
def test_an_area_has_one_mode(mode: Mode) -> None:
    """On line the centre is asked; only mode 2 reads and writes DF04/EF06; off line nothing is asked, and all is uploaded."""
    hospital = Watched(mode=mode)
    for number in range(3):
        assert hospital.settle(str(number), 100).outcome.good
    hospital.terminal.deliver()
    asked = 0 if mode is Mode.OFFLINE else 3
    assert len(hospital.messages("pre_settle")) == len(hospital.messages("settle")) == asked
    assert len(hospital.messages("upload")) == 3 - asked
    assert len(hospital.commands(UPDATE)) == (9 if mode is MODE_2 else 0)


@pytest.mark.requirement("SSC-TERM-018")
def test_the_proof_is_asked_for_before_anything_is_repeated() -> None:
    probe = Watched()
    probe.settle()
    at = next(at for at, command in enumerate(probe.slot.commands, 1) if command[1] == DEBIT)
    hospital = Watched()
    hospital.slot.fail_at, hospital.slot.after = {at}, True
    assert hospital.settle().outcome is Outcome.SETTLED
    assert len(hospital.commands(PROOF)) == len(hospital.commands(INITIALIZE)) == len(hospital.commands(DEBIT)) == 1


# The centre


@pytest.mark.requirement("SSC-CTR-001")
def test_the_centre_says_who_is_not_eligible() -> None:
    """Not insured any more, or a person that nobody knows: no quote, no purchase, no money."""
    stopped = Watched()
    stopped.centre.books.run("UPDATE person SET insured = 0")
    assert stopped.settle().refusal is Refusal.NOT_INSURED
    unknown = Watched()
    unknown.centre = Centre(product_of(unknown.product))
    unknown.terminal.centre = unknown.centre
    assert unknown.settle().refusal is Refusal.UNKNOWN_PERSON
    for hospital in (stopped, unknown):
        assert hospital.commands(INITIALIZE) == []
        assert hospital.centre.books.balance(HOSPITALS) == 0


@pytest.mark.requirement("SSC-CTR-001")
@pytest.mark.parametrize(
    ("total", "eligible", "account", "own", "fund"),
    [
        (20_000, 20_000, 12_000, 0, 8_000),
        (20_000, 10_000, 20_000, 0, 0),
        (20_000, 0, 20_000, 0, 0),
        (33_333, 20_000, 25_333, 0, 8_000),
        (400_000, 10_000, 300_000, 100_000, 0),
    ],
)
def test_shares_by_hand(total: int, eligible: int, account: int, own: int, fund: int) -> None:
    """The scheme of the tests: 100.00 is the holder's own before the fund pays 80 % of the rest; the account has 3000.00."""
    quote = Hospital().settle(total=total, eligible=eligible).quote
    assert (quote.account, quote.own, quote.fund) == (account, own, fund)


@pytest.mark.requirement("SSC-CTR-001")
def test_shares_add_up_to_the_bill() -> None:
    for total, eligible in ((1, 0), (9_999, 9_999), (123_456, 100_000), (4_000_000, 0)):
        quote = Hospital().settle(total=total, eligible=eligible).quote
        assert quote.account + quote.own + quote.fund == total
        assert min(quote.account, quote.own, quote.fund) >= 0


@pytest.mark.requirement("SSC-CTR-002")
def test_what_the_card_spent_off_line_is_not_spent_again() -> None:
    """Sums on the card that the centre has not seen yet lessen what the account pays."""
    shares = []
    for gathered in ("00000000", "00100000"):
        hospital = Watched(mode=MODE_2)
        hospital.terminal.reader.begin()
        hospital.terminal.reader.write("DF04/EF06", "92", gathered)
        shares.append(hospital.settle(total=300_000, eligible=0).quote.account)
    assert shares == [300_000, 200_000]


@pytest.mark.requirement("SSC-CTR-003", "SSC-CTR-004")
@PRODUCTS
def test_only_a_right_tac_is_cleared(product: str) -> None:
    good = Watched(product)
    assert good.settle().outcome is Outcome.SETTLED
    assert good.centre.books.balance(HOSPITALS) == 20_000
    wrong = Watched(product)
    transmit = wrong.slot.target.transmit

    def altering(command: bytes) -> bytes:
        answer = transmit(command)
        return bytes([answer[0] ^ 1]) + answer[1:] if command[1] == DEBIT else answer

    wrong.slot.target.transmit = altering  # type: ignore[method-assign]
    result = wrong.settle()
    assert (result.outcome, result.refusal) == (Outcome.REFUSED, Refusal.WRONG_TAC)
    assert wrong.centre.books.balance(HOSPITALS) == 0


@pytest.mark.requirement("SSC-CTR-008")
def test_an_uploaded_settlement_with_a_wrong_tac_is_not_cleared() -> None:
    """The terminal cannot check a TAC, so it keeps what the card gave; the centre refuses it and books nothing."""
    hospital = Watched(mode=MODE_2, limits=OfflineLimits())
    hospital.go_offline()
    assert hospital.settle(total=1_000).outcome is Outcome.SETTLED_OFFLINE
    (waiting,) = hospital.terminal.outbox.settlements
    wrong = replace(waiting, tac=bytes([waiting.tac[0] ^ 1]) + waiting.tac[1:])
    assert hospital.centre.upload(wrong).refusal is Refusal.WRONG_TAC
    assert hospital.centre.books.balance(HOSPITALS) == 0
    hospital.lost = lambda message: ""
    assert [clearing.refusal for clearing in hospital.terminal.deliver()] == [None]
    assert hospital.centre.books.balance(HOSPITALS) == 1_000


@pytest.mark.requirement("SSC-CTR-007")
def test_a_settlement_is_cleared_once() -> None:
    hospital = Watched()
    hospital.settle()
    (message,) = hospital.messages("settle")
    assert hospital.centre.settle(message).refusal is None
    assert hospital.centre.books.balance(HOSPITALS) == 20_000


@pytest.mark.requirement("SSC-CTR-012")
@pytest.mark.parametrize(
    "state", [CardState.TEMPORARILY_LOST, CardState.FORMALLY_LOST, CardState.LOCKED, CardState.CANCELLED]
)
def test_lost_locked_and_cancelled_cards_do_not_settle(state: CardState) -> None:
    hospital = Watched()
    hospital.centre.change_card(hospital.identification, state)
    assert hospital.settle().refusal is Refusal.CARD_STATE
