"""Any bytes at any moment: the card answers with a status word, and nothing that must hold ever breaks."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from emulator.apps.load import card_of, load_card
from emulator.apps.payment.application import Counter
from emulator.cos.memory import Memory
from emulator.iso7816 import tlv
from profiles.dictionary import commands

from .terminal import AAC, ARQC, QUIET, SELECT, TC, Terminal, profile

CODES = sorted(
    {(entry.cla, entry.ins) for entry in commands().values() if entry.applies_to == "payment"}
    | {(0, ins) for ins in (0x20, 0x82, 0x84, 0x88, 0xA4, 0xB2, 0xC0, 0xDC)}
    | {(0x84, ins) for ins in (0x16, 0x18, 0x1E, 0x24)}
    | {(0x04, 0xDC)}
)
byte = st.integers(0, 255)


@st.composite
def apdus(draw):
    """Commands of the application with any parameters, data and Le; now and then any bytes."""
    cla, ins = draw(st.sampled_from(CODES) | st.tuples(byte, byte))
    data = draw(st.binary(max_size=70) | st.sampled_from([52, 54, 12, 11, 10, 8, 4]).map(bytes))
    head = bytes((cla, ins, draw(st.sampled_from([0, 1, 0x40, 0x50, 0x80, 0x9F, 0xDF]) | byte), draw(byte)))
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=30))
    return head + (bytes((len(data),)) + data if data else b"") + draw(st.sampled_from([b"", b"\0", b"\x10"]))


@pytest.fixture(scope="module", params=["debit", "debit-sm"])
def terminal(request):
    return Terminal(profile(request.param, payment={"settings": {"enciphered_pin": True}}))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sequence=st.lists(apdus(), max_size=12))
def test_any_commands_are_answered(terminal, sequence):
    fresh = terminal.card.snapshot()
    terminal.card.reset()
    terminal.select()
    terminal.start()
    try:
        for command in sequence:
            answer = terminal.card.transmit(command)
            assert len(answer) >= 2
            assert answer[-2] >> 4 in (6, 9)
            assert answer[-2:] != b"\x6f\0"
        assert terminal.card.memory.cells.keys() == fresh.keys()
    finally:
        terminal.card.restore(fresh)


@settings(max_examples=100, deadline=None)
@given(amount=st.binary(min_size=6, max_size=6), currency=st.binary(min_size=2, max_size=2), e_cash=byte)
def test_amounts_that_are_no_decimal_numbers(terminal, amount, currency, e_cash):
    """A half byte above 9 is a digit worth more; no total goes beyond its field and no balance below zero."""
    fresh = terminal.card.snapshot()
    terminal.card.reset()
    terminal.select()
    extra = "01" if terminal.profile.algorithm == "SM4" else ""
    values = f"{e_cash:02x}{amount.hex()}{currency.hex()}{extra}"
    terminal.send(f"80A80000{len(values) // 2 + 2:02X}83{len(values) // 2:02X}{values}00")
    gac = f"{amount.hex()}{0:012d}0156{'00' * 5}{currency.hex()}261123" + "00A1B2C3D4143000" + "00" * 20
    assert terminal.send(f"80AE400034{gac}00").endswith("9000")
    assert terminal.data("9F79").isdigit()
    terminal.card.restore(fresh)


def test_an_image_keeps_the_application(tmp_path):
    of = profile(data=QUIET)
    first = Terminal(of)
    first.card = load_card(of, tmp_path / "debit.card")
    first.card.reset()
    first.select()
    assert first.start(e_cash=True).endswith("9000")
    assert first.first(TC).kind == TC
    first.card.memory.close()
    second = Terminal(of)
    second.card = load_card(of, tmp_path / "debit.card")
    second.card.reset()
    second.select()
    assert (second.data("9F36"), second.data("9F79")) == ("0001", "000000019900")
    second.card.memory.close()


def test_a_card_without_the_application_does_not_know_its_commands():
    card = load_card("blank")
    assert card.tables.keys() == {"chip", "social security"}
    assert card_of(Memory(dict(card.memory.cells))).tables.keys() == {"chip", "social security"}


class Life(RuleBasedStateMachine):
    """A card's life: transactions of every kind, scripts, losses of power, and a simple account of what must follow."""

    def __init__(self) -> None:
        super().__init__()
        self.terminal = Terminal(profile(data={**QUIET, "9F58": "03", "9F54": "000000001000"}))
        self.terminal.poke("9F13", "0001")
        self.counter = 0
        self.balances = {"0156": 20000, "0344": 10000}
        self.logged = self.loads = 0
        self.e_cash = self.currency = None
        self.amount = 0
        self.requested = None
        self.tries = 3
        self.failed = False

    @initialize()
    def begin(self) -> None:
        self.select()

    def select(self) -> None:
        assert self.terminal.select().endswith("9000")
        self.requested = self.e_cash = None

    @rule()
    def lose_power(self) -> None:
        self.terminal.power_off()
        self.requested = self.e_cash = None

    @rule(
        amount=st.integers(0, 3000) | st.integers(9000, 21000),
        currency=st.sampled_from(["0156", "0344", "0840"]),
        wanted=st.booleans(),
    )
    def start(self, amount, currency, wanted) -> None:
        answer = self.terminal.start(amount, currency, wanted)
        assert answer.endswith("9000")
        self.counter += 1
        self.amount, self.currency = amount, currency
        balance = self.balances.get(currency)
        single = {"0156": 100000, "0344": 50000}.get(currency, 0)
        flags = [Counter.AUTHENTICATION_FAILED, Counter.SCRIPT_FAILED]
        possible = balance is not None and amount <= min(balance, single) and self.tries > 0
        possible = possible and wanted and not any(self.terminal.peek(flag) for flag in flags)
        assert ("28010100" in answer[8:]) == possible
        self.e_cash, self.requested, self.failed = possible, "first", False

    @precondition(lambda self: self.requested == "first")
    @rule(kind=st.sampled_from([AAC, TC, ARQC]), tvr=st.sampled_from(["0000000000", "0800000000", "4000000000"]))
    def first(self, kind, tvr) -> None:
        made = self.terminal.first(kind, amount=self.amount, currency=self.currency, tvr=tvr)
        order = {AAC: 0, ARQC: 1, TC: 2}
        assert order[made.kind] <= order[kind]
        assert made.cvr[2] == {AAC: "8", TC: "9", ARQC: "A"}[made.kind]
        if self.e_cash and made.kind == TC:
            self.balances[self.currency] -= self.amount
        self.logged += made.kind == TC
        self.requested = "second" if made.kind == ARQC else "none"
        if self.requested == "none":
            assert self.terminal.first(kind).sw == "6985"

    @precondition(lambda self: self.requested == "second" and not self.failed)
    @rule(arc=st.sampled_from(["00", "05"]), wrong=st.booleans())
    def authenticate(self, arc, wrong) -> None:
        answer = self.terminal.authenticate(arc, wrong)
        if answer == "6985":
            assert self.terminal.peek(Counter.AUTHENTICATION_FAILED) == 1
        else:
            assert answer == ("6300" if wrong else "9000")
            assert self.terminal.peek(Counter.AUTHENTICATION_FAILED) == wrong
        self.failed = wrong

    @precondition(lambda self: self.requested == "second")
    @rule(kind=st.sampled_from([AAC, TC]), arc=st.sampled_from(["00", "Y3", "Z3"]))
    def second(self, kind, arc) -> None:
        made = self.terminal.second(kind, arc, amount=self.amount, currency=self.currency)
        assert made.kind in (AAC, kind)
        self.logged += made.kind == TC
        self.requested = "none"

    @rule(pin=st.sampled_from(["123456", "000000"]))
    def verify(self, pin) -> None:
        answer = self.terminal.verify(pin)
        if self.tries == 0:
            assert answer in ("6983", "6984")
        elif pin == "123456":
            assert answer == "9000"
            self.tries = 3
        else:
            self.tries -= 1
            assert answer == f"63C{self.tries:X}"

    @precondition(lambda self: self.terminal.first_ac and self.requested in ("second", "none"))
    @rule(balance=st.integers(0, 120000), wrong=st.booleans(), currency=st.sampled_from(["0156", "0344"]))
    def load(self, balance, wrong, currency) -> None:
        tag = {"0156": "9F79", "0344": "DF79"}[currency]
        answer = self.terminal.script(f"04DA{tag}", f"{balance:012d}", wrong)
        assert answer in ("9000", "6988", "6985", "6A80")
        if answer == "9000":
            assert not wrong
            assert balance <= 100000
            self.balances[currency] = balance
            self.loads += 1

    @precondition(lambda self: self.terminal.first_ac and self.requested in ("second", "none"))
    @rule()
    def unblock_pin(self) -> None:
        if self.terminal.script("84240000") == "9000":
            self.tries = 3

    @rule(command=apdus().filter(lambda raw: raw[:2] in (b"\x80\xca", b"\0\xb2") or raw[:1] not in b"\0\4\x80\x84"))
    def reading_changes_nothing(self, command) -> None:
        before = dict(self.terminal.card.memory.cells)
        self.terminal.card.transmit(command)
        assert self.terminal.card.memory.cells == before

    @invariant()
    def accounts_agree(self) -> None:
        cells = self.terminal.card.memory.cells
        assert cells["data:DEBIT:9F36"] == self.counter.to_bytes(2, "big")
        assert cells["data:DEBIT:9F79"].hex() == f"{self.balances['0156']:012d}"
        assert cells["data:DEBIT:DF79"].hex() == f"{self.balances['0344']:012d}"
        assert len(cells["file:DEBIT/LOG"]) == min(self.logged, 10)
        assert len(cells["file:DEBIT/LOADLOG"]) == min(self.loads, 10)
        assert cells["tries:DEBIT/DEBITPIN"] == self.tries
        assert self.terminal.peek(Counter.CUMULATIVE_AMOUNT) >= 0


Life.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestLife = Life.TestCase


def test_every_listed_command_is_the_applications():
    terminal = Terminal(profile())
    terminal.select()
    known = {(code >> 8, code & 0xFF) for code in terminal.card.tables["debit"]} | {(0, 0xC0)}
    assert set(CODES) == known
    assert terminal.send("00D6000000") == "6D00"
    assert terminal.send("90A8000000") == "6E00"
    assert tlv.parse(bytes.fromhex(terminal.send(SELECT))[:-2])
