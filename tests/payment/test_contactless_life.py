"""Any bytes through the antenna, and a card's life on both interfaces with a simple account of what must follow."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from emulator.apps.payment.application import Counter

from .antenna import BALANCE, OFFLINE_ONLY, TC, Antenna, antenna
from .test_robustness import apdus

byte = st.integers(0, 255)


@pytest.fixture(scope="module", params=["debit", "debit-sm"])
def card(request):
    return antenna(request.param)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.booleans(), sequence=st.lists(apdus(), max_size=12))
def test_any_commands_are_answered(card, before, sequence):
    fresh = card.card.snapshot()
    card.leave()
    if before:
        card.tap()
    try:
        for command in sequence:
            answer = card.card.transmit(command)
            assert len(answer) >= 2
            assert answer[-2] >> 4 in (6, 9)
            assert answer[-2] not in (0x61, 0x6C)
            assert answer[-2:] != b"\x6f\0"
        assert card.card.memory.cells.keys() == fresh.keys()
    finally:
        card.card.restore(fresh)


@settings(max_examples=300, deadline=None)
@given(values=st.binary(min_size=57, max_size=57), extra=byte)
def test_any_values_of_the_options(card, values, extra):
    """No balance below zero, no digit above nine, whatever the terminal sends."""
    fresh = card.card.snapshot()
    card.leave()
    data = values + (bytes((extra,)) if card.profile.algorithm == "SM4" else b"")
    answer = card.send(f"80A80000{len(data) + 2:02X}83{len(data):02X}{data.hex()}00")
    assert answer.endswith(("9000", "6985", "6973"))
    for tag in ("9F79", "9F5D"):
        assert int(card.data(tag)) <= BALANCE
    card.card.restore(fresh)


@settings(max_examples=60, deadline=None)
@given(record=st.binary(min_size=1, max_size=40), number=st.integers(0, 1))
def test_records_that_an_issuer_wrote_badly(card, record, number):
    fresh = card.card.snapshot()
    cell = ("file:DEBIT/SFI01", "file:DEBIT/SFI05")[number]
    card.leave()
    card.card.memory.commit({cell: (record,)})
    tap = card.tap()
    assert tap.kind == TC
    for sfi, place in tap.places:
        assert card.send(f"00B2{place:02X}{sfi << 3 | 4:02X}00").endswith("9000")
    assert card.peek(Counter.DEBIT_OPEN) == 0
    card.card.restore(fresh)


class Life(RuleBasedStateMachine):
    """Taps, removals, e-cash on the contacts, online transactions with a load."""

    def __init__(self) -> None:
        super().__init__()
        self.field: Antenna = antenna(data={"9F6B": None, "DF72": None})
        self.balances = {"0156": 20000, "0344": 10000}
        self.counter = self.logged = 0
        self.pending = None

    def leave(self) -> None:
        self.field.card.power_off()
        self.field.contacts.card.power_off()
        self.pending = None

    def contacts(self):
        self.leave()
        self.field.contacts.power_off()
        return self.field.contacts

    def enter(self) -> Antenna:
        self.leave()
        self.field.leave()
        return self.field

    @rule(amount=st.integers(0, 25000), currency=st.sampled_from(["0156", "0344", "0840"]), only=st.booleans())
    def tap(self, amount, currency, only) -> None:
        field = self.enter()
        tap = field.tap(amount, currency=currency, ttq=OFFLINE_ONLY if only else "27000080")
        self.counter += 1
        left = self.balances.get(currency, -1) - (0 if only else 1000)
        single = {"0156": 100000, "0344": 50000}.get(currency, 0)
        assert (tap.kind == TC) == (amount <= min(left, single))
        if tap.kind == TC:
            self.pending = tap, amount, currency

    @precondition(lambda self: self.pending)
    @rule(but_last=st.booleans())
    def read(self, but_last) -> None:
        tap, amount, currency = self.pending
        self.field.read(tap, but_last)
        if not but_last:
            self.balances[currency] -= amount
            self.logged += 1
            self.pending = None

    @rule()
    def remove(self) -> None:
        self.leave()

    @precondition(lambda self: not self.pending)
    @rule()
    def ask_in_the_field(self) -> None:
        field = self.enter()
        assert field.data("9F79") == f"{self.balances['0156']:012d}"
        assert field.data("9F36") == f"{self.counter:04X}"

    @rule(amount=st.integers(0, 3000), currency=st.sampled_from(["0156", "0344"]))
    def e_cash_on_contacts(self, amount, currency) -> None:
        contacts = self.contacts()
        possible = "28010100" in contacts.start(amount, currency, e_cash=True)[8:]
        self.counter += 1
        assert possible == (amount <= self.balances[currency])
        if possible:
            assert contacts.first(0x40, amount=amount, currency=currency).kind == 0x40
            self.balances[currency] -= amount
            self.logged += 1

    @rule(balance=st.integers(0, 100000))
    def load(self, balance) -> None:
        contacts = self.contacts()
        contacts.online()
        self.counter += 1
        self.logged += 1
        assert contacts.script("04DA9F79", f"{balance:012d}") == "9000"
        self.balances["0156"] = balance

    def teardown(self) -> None:
        contacts = self.contacts()
        cells = contacts.card.memory.cells
        assert contacts.data("9F79") == f"{self.balances['0156']:012d}"
        assert cells["data:DEBIT:DF79"].hex() == f"{self.balances['0344']:012d}"
        assert len(cells["file:DEBIT/LOG"]) == min(self.logged, 10)
        assert cells["data:DEBIT:9F36"] == self.counter.to_bytes(2, "big")


Life.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestLife = Life.TestCase
