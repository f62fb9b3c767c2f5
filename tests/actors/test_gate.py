"""A gate, its card, and the bank: passages, tears, forged answers, records that the bank opens."""

import random
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.actors.bank import Bank, IssuerKeys, Settlement, scripts
from conformance.actors.sector import Passage, SectorRecord, Trip, sector_keys
from conformance.actors.slip import Language
from conformance.actors.terminal import Gate, GateSite, Kernel, Purchase, Reason, receipt
from conformance.failures import BenchError
from conformance.targets.in_process import InProcessTarget
from emulator import load_card
from profiles import load
from tests.payment.extended_oracle import mac

NOON = datetime(2026, 11, 26, 12, 0, 0).astimezone()
PAN, SEQUENCE = "6214988660100000304", "01"
METRO, PARKING = 0x15, 0x18
BALANCE = 20_000


class Field:
    """The field of a gate with one card; ``change`` may alter or lose answers."""

    def __init__(self, product="debit"):
        self.profile = load(product)
        self.card = load_card(self.profile)
        self.side = self.card.contactless()
        self.side.reset()
        self.keys = dict(sector_keys(self.profile, "DEBIT"))
        self.change = lambda command, answer: answer
        self.sent = []
        self.gate = self.gate_at()

    def gate_at(self, **site):
        return Gate(self, self.keys, GateSite(**site), random=random.Random(1))  # noqa: S311 - a repeatable test

    def transmit(self, command):
        self.sent.append(command)
        answer = self.change(command, self.side.transmit(command))
        if answer is None:
            raise BenchError("the card left the field")
        return answer

    def again(self):
        self.side.power_off()
        self.side.reset()

    def run(self, passage, amount=0, gate=None):
        result = (gate or self.gate).run(passage, Purchase(amount, when=NOON))
        self.again()
        return result

    def balance(self):
        return int(self.card.memory.cells["data:DEBIT:9F79"].hex())

    def trip(self, file="METRO"):
        return Trip.parse(self.card.memory.cells[f"file:DEBIT/{file}"][0][6:])


@pytest.fixture(params=["debit", "debit-sm", "debit-dual"])
def field(request):
    return Field(request.param)


def bank_of(profile):
    bank = Bank(*IssuerKeys.of_profile(profile))
    bank.open_account(PAN, SEQUENCE, balance=500_000, e_cash=BALANCE)
    return bank


def test_a_ride(field):
    entered = field.run(Passage.ENTRY, gate=field.gate_at(line=2, station=17))
    assert (entered.reason, field.balance()) == (Reason.APPROVED_OFFLINE, BALANCE)
    assert field.trip().inside
    left = field.run(Passage.EXIT, 400, gate=field.gate_at(line=4, station=5))
    assert (left.reason, left.balance, field.balance()) == (Reason.APPROVED_OFFLINE, BALANCE - 400, BALANCE - 400)
    trip = field.trip()
    assert (trip.inside, trip.fare, trip.number) == (False, 400, 1)
    assert (trip.entry.station, trip.exit.station) == (17, 5)
    assert trip.entry.when == NOON.replace(tzinfo=None)
    assert left.tvr == bytes(5)
    assert field.trip("TRIPS") == trip
    assert len(field.card.memory.cells["file:DEBIT/TRIPS"]) == 2
    bank = bank_of(field.profile)
    assert bank.clear(left.clearing) is Settlement.SETTLED
    assert bank.clear(left.clearing) is Settlement.REPEATED
    assert entered.clearing is None


def test_the_code_of_the_operator_by_second_libraries(field):
    field.run(Passage.ENTRY)
    trip = field.trip()
    key = field.card.memory.cells["management keys:DEBIT/METRO"][0]
    assert trip.code == mac(field.profile.algorithm, key, bytes(8), trip.signed_bytes())


def test_a_stay_in_the_car_park(field):
    held = field.run(Passage.PARK, 6000)
    assert (held.reason, held.balance, held.clearing) == (Reason.APPROVED_OFFLINE, BALANCE - 6000, None)
    assert held.cryptogram.value == b""
    assert field.trip("PARKING").held == 6000
    paid = field.run(Passage.LEAVE, 3500)
    assert (paid.reason, paid.balance) == (Reason.APPROVED_OFFLINE, BALANCE - 3500)
    assert bank_of(field.profile).clear(paid.clearing) is Settlement.SETTLED


def test_what_was_lent_stands_on_the_slip():
    field = Field()
    field.card.memory.commit({"data:DEBIT:9F79": bytes.fromhex("000000000100")})
    field.run(Passage.ENTRY)
    left = field.run(Passage.EXIT, 400)
    assert (left.balance, left.sector.deducted) == (0, 300)
    english = receipt(left, Language.EN)
    for line in ("TYPE                                EXIT", "LENT                                3.00"):
        assert line in english
    assert "出站" in receipt(left)
    assert PAN not in english


@pytest.mark.parametrize(
    ("before", "passage", "zh", "detail"),
    [
        ([], Passage.EXIT, "没有进入记录", "there was no entry"),
        ([], Passage.LEAVE, "没有进入记录", "there was no entry"),
        ([Passage.ENTRY], Passage.ENTRY, "上次行程未完成", "the trip before was not completed"),
        ([Passage.PARK], Passage.PARK, "上次行程未完成", "the trip before was not completed"),
    ],
)
def test_order_of_passages(before, passage, zh, detail):
    """A shut gate gives its reason in both languages, and its slip says what it was asked for."""
    field = Field()
    for each in before:
        assert field.run(each, 100 if each is Passage.PARK else 0).approved
    memory = field.card.snapshot()
    result = field.run(passage, 100)
    assert (result.reason, result.detail) == (Reason.NOT_ADMITTED, detail)
    assert field.card.snapshot() == memory
    end = result.events[-1]
    assert (end.zh, end.en) == (f"不允许通行：{zh}", f"passage not allowed: {detail}")
    assert passage.zh in receipt(result)
    assert f" {passage.en}\n" in receipt(result, Language.EN)


def test_too_dear():
    field = Field()
    field.run(Passage.ENTRY)
    result = field.run(Passage.EXIT, BALANCE + 2001)
    assert result.reason is Reason.DECLINED_BY_CARD
    assert field.trip().inside


def test_the_card_says_why_it_holds_nothing_back():
    field = Field()
    field.card.memory.commit({"pending:DEBIT": tuple(bytes((sfi,)) + bytes(8) for sfi in (1, 2, 3))})
    result = field.run(Passage.PARK, 100)
    assert result.reason is Reason.DECLINED_BY_CARD
    assert "SLOTS_FULL" in result.detail


def test_another_card():
    field = Field()
    result = Gate(field, field.keys, expected_account="999").run(Passage.ENTRY, Purchase(0))
    assert result.reason is Reason.OTHER_CARD
    assert not field.trip().inside


@pytest.mark.parametrize("byte", [3, 5])
def test_an_invalid_or_locked_record(byte):
    field = Field()
    (record,) = field.card.memory.cells["file:DEBIT/METRO"]
    changed = record[:byte] + bytes((1 - record[byte],)) + record[byte + 1 :]
    field.card.memory.commit({"file:DEBIT/METRO": (changed,)})
    assert field.run(Passage.ENTRY).reason is Reason.NOT_ADMITTED


def forge(ins, change):
    return lambda command, answer: change(answer) if command[1] == ins else answer


def flip(position):
    def change(answer):
        at = position % len(answer)
        return answer[:at] + bytes((answer[at] ^ 1,)) + answer[at + 1 :]

    return change


@pytest.mark.parametrize(
    ("ins", "position", "detail"),
    [
        (0xB4, -3, "the R-MAC of READ CAPP DATA is wrong"),
        (0xB4, -8, "the R-MAC of READ CAPP DATA is wrong"),
        (0xDE, 0, "the R-MAC of UPDATE CAPP DATA CACHE is wrong"),
    ],
)
def test_forged_answers_of_the_sector(ins, position, detail):
    """Rows PAY-CAP-005 and 012: the gate stops before the last record."""
    field = Field()
    before = field.balance()
    field.change = forge(ins, flip(position))
    result = field.run(Passage.ENTRY)
    assert (result.approved, result.detail) == (False, detail)
    field.change = lambda command, answer: answer
    assert field.balance() == before
    assert not field.trip().inside


def test_a_refused_update_stops_the_gate():
    field = Field()
    field.change = forge(0xDE, lambda answer: bytes.fromhex("6988"))
    result = field.run(Passage.ENTRY)
    assert result.reason is Reason.CARD_ERROR
    assert [command[1] for command in field.sent][-1] == 0xDE


def in_last_record(change):
    """Alter 9F69, which the last record of the list alone has."""

    def alter(command, answer):
        found = answer.find(bytes.fromhex("9F6908"))
        if command[1] != 0xB2 or found < 0:
            return answer
        return answer[: found + 3] + change(answer[found + 3 : found + 11]) + answer[found + 11 :]

    return alter


@pytest.mark.requirement("PAY-TRM-041")
def test_another_identifier_in_the_signed_data():
    """Row PAY-TRM-041: 9F69 must end with DF61."""
    field = Field()
    field.change = in_last_record(lambda data: data[:-1] + b"\x01")
    result = field.run(Passage.ENTRY)
    assert result.reason is Reason.SIGNATURE_WRONG
    assert [bit.en for bit in result.tvr_bits] == ["dynamic data authentication failed"]


@pytest.mark.requirement("PAY-TRM-041")
@pytest.mark.parametrize(("told", "right"), [("82", True), ("83", False), ("81", False)])
def test_rightly_signed_identifier_that_is_not_the_one_of_the_selection(told, right):
    """The card signs its own DF61, 82; the answer to SELECT tells the terminal of another one."""
    field = Field()

    def change(command, answer):
        assert command[1] != 0xA4 or answer.count(bytes.fromhex("DF6101")) <= 1
        return (
            answer.replace(bytes.fromhex("DF610182"), bytes.fromhex(f"DF6101{told}")) if command[1] == 0xA4 else answer
        )

    field.change = change
    assert field.run(Passage.ENTRY).reason is (Reason.APPROVED_OFFLINE if right else Reason.SIGNATURE_WRONG)


def test_another_random_number_in_the_signed_data():
    field = Field()
    field.change = in_last_record(lambda data: data[:1] + bytes(4) + data[5:])
    assert field.run(Passage.ENTRY).reason is Reason.SIGNATURE_WRONG


# Tears


def lost_at(ins, nth):
    """Lose the answer to the n-th command of this kind, or with a negative n the command itself never arrives."""
    seen = []

    def change(command, answer):
        if command[1] == ins:
            seen.append(command)
            if len(seen) == nth:
                return None
        return answer

    return change


def last_read(field):
    return sum(command[1] == 0xB2 for command in field.sent)


@pytest.mark.parametrize(("passage", "amount"), [(Passage.ENTRY, 0), (Passage.PARK, 500)])
def test_the_answer_to_the_last_record_is_lost(passage, amount):
    """The card has committed: back at the gate it proves so, and passes without paying again (A.4)."""
    rehearsal = Field()
    rehearsal.run(passage, amount)
    field = Field()
    field.change = lost_at(0xB2, last_read(rehearsal))
    lost = field.run(passage, amount)
    assert lost.reason is Reason.CARD_LOST
    field.change = lambda command, answer: answer
    memory = field.card.snapshot()
    back = field.run(passage, amount)
    assert back.reason is Reason.APPROVED_OFFLINE
    assert back.sector.trip.inside
    assert field.card.snapshot() == memory
    assert field.run(passage, amount).reason is Reason.NOT_ADMITTED


def test_the_exit_of_a_lost_answer_is_cleared_once():
    field = Field()
    field.run(Passage.ENTRY)
    field.sent.clear()
    rehearsal = Field()
    rehearsal.run(Passage.ENTRY)
    field.change = lost_at(0xB2, last_read(rehearsal))
    assert field.run(Passage.EXIT, 400).clearing is None
    field.change = lambda command, answer: answer
    back = field.run(Passage.EXIT, 400)
    assert (back.reason, field.balance()) == (Reason.APPROVED_OFFLINE, BALANCE - 400)
    assert bank_of(field.profile).clear(back.clearing) is Settlement.SETTLED


def test_a_card_that_left_before_the_last_record_begins_anew():
    field = Field()
    field.change = lost_at(0xB2, 3)
    assert field.run(Passage.ENTRY).reason is Reason.CARD_LOST
    assert not field.trip().inside
    field.change = lambda command, answer: answer
    assert field.run(Passage.ENTRY).approved
    assert field.trip().number == 1


# The bank


@pytest.mark.parametrize("product", ["debit", "debit-sm", "debit-dual"])
def test_the_bank_opens_a_record(product):
    """Row PAY-CAP-014, by a script of an online transaction on the contacts; a gate uses the record afterwards."""
    field = Field(product)
    bank = bank_of(field.profile)
    trip = Trip(False, "5000", "0009").to_bytes()
    record = SectorRecord(bytes.fromhex("0A0B"), 1, trip).to_bytes()
    bank.order(PAN, SEQUENCE, scripts.open_record(field.keys[METRO], PAN, SEQUENCE, METRO, record))
    field.side.power_off()
    contacts = InProcessTarget(field.card)
    contacts.connect()
    result = Kernel(contacts, host=bank).run(Purchase(100, when=NOON, force_online=True))
    assert (result.reason, result.script_results[0][0] >> 4) == (Reason.APPROVED_ONLINE, 2)
    field.card.power_off()
    field.side.reset()
    gate = field.gate_at(identifier=bytes.fromhex("0A0B"))
    assert field.run(Passage.ENTRY, gate=gate).approved
    assert field.card.memory.cells["file:DEBIT/METRO"][1][6:7] == b"\x01"


def test_an_order_survives_the_ledger():
    keys = Field().keys[METRO]
    order = scripts.open_record(keys, PAN, SEQUENCE, METRO, bytes(10), bytes(16))
    assert scripts.Order.from_json(order.to_json()) == order
    assert order.opening_key not in repr(order)


# Anything a card answers


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 12), st.binary(max_size=60), st.sampled_from(list(Passage)))
def test_a_gate_always_ends(nth, garbage, passage):
    field = Field()
    counted = iter(range(99))
    field.change = lambda command, answer: garbage if next(counted) == nth else answer
    result = field.gate.run(passage, Purchase(100, when=NOON))
    assert isinstance(result.reason, Reason)
