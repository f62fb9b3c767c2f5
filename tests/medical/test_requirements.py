"""The hospital's terminal, row by row of the area TERM: what it sends, to whom, in which order."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.actors.key_service import KeyService
from conformance.actors.medical.books import HOSPITALS
from conformance.actors.medical.messages import CardState, Category, Mode, Refusal
from conformance.actors.medical.visit import OfflineLimits, Outcome, Step
from tests.medical.hospital import MODULES, product_of
from tests.medical.watched import DEBIT, EXTERNAL, INITIALIZE, MODE_2, PROOF, READ, UPDATE, VERIFY, Watched, altered

PRODUCTS = pytest.mark.parametrize("product", MODULES)


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
