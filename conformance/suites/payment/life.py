"""The life of a payment application 交易序列: any transactions one after the other, compared with the reference model.

Ordinary and e-cash, two currencies, on line and off line, right and wrong PINs, ARPCs and MACs, scripts, resets, loss of
power; each cryptogram with its card verification results, counters, balance and log.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from conformance.actors.bank import scripts
from conformance.actors.bank.scripts import Order
from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import apdu
from conformance.failures import NotApplicable
from conformance.model.payment import AAC, ARQC, E_CASH_SETS, TC, Stage
from conformance.model.payment_risk import first
from conformance.payment_dialogue import CDOL1
from conformance.properties import run_machine
from conformance.suites._machine import Identity
from conformance.suites.payment._life import (
    BALANCE,
    BINARY,
    COUNTER,
    LAST_ONLINE,
    RESULT_BITS,
    TRIES,
    PaymentMachine,
)
from emulator.iso7816 import SW

SUITE = Suite("payment life", "金融交易序列", "Payment: sequences of transactions")

CHOICE = st.integers(0, 10**6)
KINDS = st.sampled_from([TC, TC, TC, ARQC, AAC])
VERIFICATION = st.sampled_from(
    [bytes(5)] * 4 + [bytes.fromhex(f"{bits:02X}00000000") for bits in (0x40, 0x08, 0x04, 0x80)]
)
"""TVR: mostly clean, else SDA, DDA or CDA failed, or no data authentication."""
CODES = st.sampled_from(["00", "00", "00", "10", "11", "01", "05", "51"])
UNABLE = st.sampled_from(["Y3", "Z3"])
SELDOM = st.sampled_from([False, False, False, True])
WRONG_PIN = "9999"
FOREIGN_CURRENCY, FOREIGN_COUNTRY = bytes.fromhex("0978"), bytes.fromhex("0276")
LARGEST = 10**10
SETTABLE = (0x9F58, 0x9F59, 0x9F53, 0x9F72, 0x9F54, 0x9F5C)
LAST_WRITE = 12
REQUIREMENTS = (
    *sorted({requirement for _, _, requirement, _, _ in RESULT_BITS}),
    *(f"PAY-GAC-{n:03}" for n in (1, 4, 6, 15, 22, 23, 24, 25, 29, 33, 36, 37, 38)),
    *(f"PAY-GA2-{n:03}" for n in (1, 2, 3, 6, 7, 10, 11, 12, 13, 16, 18, 19, 21, 22, 23, 24, 26)),
    *(f"PAY-EXA-{n:03}" for n in (1, 2, 4, 5, 7, 8)),
    *(f"PAY-PIN-{n:03}" for n in (1, 2, 4, 5)),
    *(f"PAY-SCR-{n:03}" for n in (1, 2, 3, 5, 6, 8, 12, 18, 22)),
    *(f"PAY-ECC-{n:03}" for n in (1, 4, 10, 11, 14, 16, 18, 19, 20)),
    *("PAY-DUA-001", "PAY-DUA-006", "PAY-DUA-007", "PAY-GPO-001", "PAY-GPO-003", "PAY-LOG-001", "PAY-LOG-003"),
    *("PAY-INV-001", "PAY-INV-002", "PAY-INV-003"),
)


class Life(PaymentMachine):
    """The rules."""

    # Amounts near what the card decides by

    def amount(self, choice: int, e_cash: int | None = None) -> int:
        """An amount at one of the borders, or a small one; for e-cash those of one currency."""
        memory = self.model.memory
        borders = [1, 100] if e_cash is not None else [1, 100, 99_999]
        for tags in E_CASH_SETS if e_cash is None else E_CASH_SETS[e_cash : e_cash + 1]:
            found = [memory.values[tags[name]] for name in ("balance", "single") if tags[name] in memory.values]
            borders += [value + one for value in found for one in (0, 1)]
        for tag in (0x9F54, 0x9F5C):
            if tag in memory.values and e_cash is None:
                borders += [memory.values[tag] - memory.cumulative + one for one in (0, 1)]
        return min(max(borders[choice % len(borders)], 1), LARGEST)

    def place(self, choice: int) -> dict[str, bytes]:
        """Currency and country of the terminal: mostly the card's own."""
        second = self.model.issued.second_currency or FOREIGN_CURRENCY
        return [
            {},
            {},
            {},
            {"currency": second},
            {"currency": FOREIGN_CURRENCY, "country": FOREIGN_COUNTRY},
            {"country": FOREIGN_COUNTRY},
        ][choice % 6]

    # Whole transactions

    @rule(amount=CHOICE, place=CHOICE, kind=KINDS, results=VERIFICATION, left=SELDOM)
    def pay(self, amount: int, place: int, kind: int, results: bytes, left: bool) -> None:
        """An ordinary transaction; one that the card sends on line is seldom ``left`` unfinished."""
        self.begin(amount=self.amount(amount), results=results, **self.place(place))
        self.first(kind)
        if not left:
            self._finish(True, "00", TC)

    @precondition(lambda self: self.model.issued.has_e_cash)
    @rule(amount=CHOICE, second=st.booleans(), kind=st.sampled_from([TC, TC, TC, AAC]), other=SELDOM)
    def pay_e_cash(self, amount: int, second: bool, kind: int, other: bool) -> None:
        """A transaction by e-cash; ``other`` names another amount in GENERATE AC than before."""
        currency = self.model.issued.second_currency if second else None
        self.begin(amount=self.amount(amount, int(second)), e_cash=True, currency=currency)
        if other and kind == TC:
            self.visit.offer(amount=7)
        self.first(kind)
        self._look_at_balance()

    @rule(amount=CHOICE, place=CHOICE, right=st.sampled_from([True] * 6 + [False, None]), code=CODES, kind=KINDS)
    def pay_on_line(self, amount: int, place: int, right: bool | None, code: str, kind: int) -> None:
        """A transaction that the bank answers: with a right ARPC, a wrong one, or none."""
        self.begin(amount=self.amount(amount), **self.place(place))
        self.first(ARQC)
        self._finish(right, code, TC if kind == ARQC else kind)

    def _finish(self, right: bool | None, code: str, kind: int) -> None:
        if self.model.transaction.stage is not Stage.ONLINE:
            return
        if right is not None:
            self.authenticate(right, code)
        self.second(kind, code)

    @rule(amount=CHOICE, place=CHOICE, code=UNABLE, kind=st.sampled_from([TC, AAC]), results=VERIFICATION)
    def pay_unable_to_go_online(self, amount: int, place: int, code: str, kind: int, results: bytes) -> None:
        """A transaction whose terminal could not reach the bank."""
        self.begin(amount=self.amount(amount), results=results, **self.place(place))
        self.first(ARQC)
        if self.model.transaction.stage is Stage.ONLINE and self.model.transaction.e_cash is None:
            self.second(kind, code)

    @rule(first_right=st.booleans(), again=st.booleans())
    def authenticate_twice(self, first_right: bool, again: bool) -> None:
        """A second EXTERNAL AUTHENTICATE in one transaction."""
        self.begin()
        self.first(ARQC)
        if self.model.transaction.stage is Stage.ONLINE:
            self.authenticate(first_right, "00")
            self.authenticate(again, "00")
            self._online()

    # Scripts

    def _online(self) -> bool:
        """An approved online transaction; False where the application gives none."""
        self.begin()
        self.first(ARQC)
        self._finish(True, "00", TC)
        return self.model.transaction.authenticated is True

    @rule(tag=st.sampled_from(SETTABLE), value=st.integers(0, 20), right=st.sampled_from([True, True, True, False]))
    def set_limit(self, tag: int, value: int, right: bool) -> None:
        """PUT DATA of a limit after an approved transaction."""
        if tag not in self.model.memory.values or not self._online():
            return
        packed = f"{tag:X}" not in BINARY
        number = value * 1000 if packed else value
        raw = bytes.fromhex(f"{number:012d}") if packed else bytes((number,))
        if self.script(scripts.put_data(tag, raw), right):
            self.model.memory.values[tag] = number

    @precondition(lambda self: self.model.issued.has_e_cash)
    @rule(choice=CHOICE, right=st.sampled_from([True, True, True, False]), second=st.booleans())
    def load(self, choice: int, right: bool, second: bool) -> None:
        """A new e-cash balance up to its limit."""
        tags = E_CASH_SETS[second]
        values = self.model.memory.values
        if tags["balance"] not in values or not self._online():
            return
        balance = choice % (values.get(tags["limit"], LARGEST) + 1)
        order = scripts.put_data(tags["balance"], bytes.fromhex(f"{balance:012d}"))
        if self.script(order, right):
            values[tags["balance"]] = balance

    @rule(orders=st.lists(st.booleans(), min_size=1, max_size=4), early=st.booleans())
    def several_scripts(self, orders: list[bool], early: bool) -> None:
        """Several PIN unblocks with right and wrong MACs, before or after the second cryptogram."""
        if self.model.memory.pin is None:
            return
        self.begin()
        self.first(ARQC)
        if self.model.transaction.stage is not Stage.ONLINE:
            return
        self.authenticate(True, "00")
        if not early:
            self.second(TC, "00")
        for right in orders:
            self._unblock_pin(right)
        if early:
            self.second(TC, "00")

    def _unblock_pin(self, right: bool) -> None:
        if self.script(scripts.unblock_pin(), right):
            self.model.memory.tries = self.model.issued.pin_limit

    # The PIN

    @precondition(lambda self: self.model.memory.pin is not None)
    @rule(wrong=st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4]), right=st.booleans(), kind=KINDS)
    def pay_with_pin(self, wrong: int, right: bool, kind: int) -> None:
        """A transaction with wrong PINs and perhaps the right one before its first cryptogram."""
        self.begin()
        for _ in range(wrong):
            self.verify(WRONG_PIN)
        if right:
            self.verify(self.model.memory.pin or "")
        self.first(kind)
        self._finish(True, "00", TC)

    @precondition(lambda self: self.model.memory.pin is not None)
    @rule()
    def restore_pin(self) -> None:
        """The bank gives the tries back."""
        if self._online():
            self._unblock_pin(True)

    # Blocked applications

    @rule(unblock=st.booleans())
    def block_and_unblock(self, unblock: bool) -> None:
        """APPLICATION BLOCK, a declined transaction, and, with the right MAC, the end of it."""
        if not self._online() or not self.script(scripts.block_application()):
            return
        self.model.memory.blocked = True
        self.begin()
        self.first(TC)
        self._unblock_application(scripts.unblock_application(), unblock)
        if not unblock:
            self.begin()
            self.first(AAC)
            self._unblock_application(scripts.unblock_application(), True)

    def _unblock_application(self, order: Order, right: bool) -> None:
        before = self.model.memory.scripts, self.model.memory.script_failed
        response = self.visit.send_script(order, wrong=not right)
        self.word(response, SW.SUCCESS if right else 0x6988, "PAY-SCR-014", "应用解锁", "APPLICATION UNBLOCK")
        self.model.memory.blocked = not right
        self.model.memory.scripts, self.model.memory.script_failed = before

    # Looking

    @rule(cold=st.booleans())
    def power(self, cold: bool) -> None:
        """A reset in the middle of whatever it was."""
        self.reset(cold)

    @rule()
    def look_at_everything(self) -> None:
        """GET DATA and the log."""
        memory = self.model.memory
        self.look(COUNTER, memory.counter, "PAY-GPO-003", "交易计数器", "transaction counter")
        payment = self.visit.application.payment
        if payment is not None and payment.settings.last_online_atc_readable:
            self.look(LAST_ONLINE, memory.last_online, "PAY-GA2-011", "上次联机ATC", "last online counter")
        if payment is not None and payment.settings.pin_tries_readable and memory.pin is not None:
            self.look(TRIES, self.model.tries_shown(), "PAY-PIN-001", "PIN尝试次数", "PIN tries")
        self._look_at_balance()
        self.look_at_log()

    def _look_at_balance(self) -> None:
        """The balance of the currency that the transaction runs in."""
        if self.model.issued.has_e_cash:
            tags = E_CASH_SETS[self.model.transaction.second]
            expected = self.model.memory.values[tags["balance"]]
            self.look(BALANCE, expected, "PAY-INV-001", "电子现金余额", "e-cash balance")

    # Loss of power

    @precondition(lambda self: self.bench.target.tearable and self.model.issued.log_capacity > 0)
    @rule(amount=CHOICE, e_cash=st.booleans(), write=st.integers(1, LAST_WRITE))
    def torn_approval(self, amount: int, e_cash: bool, write: int) -> None:
        """The supply fails while the card makes a TC: debit, counters and log all happened, or none of them."""
        self.begin(amount=self.amount(amount, 0 if e_cash else None), e_cash=e_cash)
        before, after = self.model.copy(), self.model.copy()
        if first(after, TC, self._listed(CDOL1)).kind != TC:
            return
        before.forget_session()
        after.forget_session()
        command = apdu(0x80, 0xAE, TC, 0, self.visit.filled(CDOL1), ne=256)
        self.torn(command, write, {"before": before, "after": after})
        self.look_at_everything()


@SUITE.case(
    "SEQ/payment-life/BO",
    "任意交易序列",
    "Any sequence of transactions",
    requirements=REQUIREMENTS,
    kind=Kind.INOPPORTUNE,
    expected=(
        "每个密文的类型、CVR、余额，以及计数器和日志均与参考模型一致",
        "kind, card verification results and balance of each cryptogram, counters and log are what the model predicts",
    ),
)
def life(bench: Bench) -> None:
    """Only with cards that can be renewed: the model begins with the day of issuing."""
    if not bench.target.renewable:
        raise NotApplicable("仅用于可更换的卡片", "only with cards that the bench can renew")
    identity = Identity()
    run_machine(bench, lambda: Life(bench, identity))
