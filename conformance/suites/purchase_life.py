"""The life of a medical account 医保账户交易序列: any settlements and loads one after the other, compared with the model.

Right and wrong MACs, replays, interruptions, PINs, resets, other directories, years that change, loss of power at any write.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import ENVIRONMENT, declared_pin, get_challenge, select, verify
from conformance.failures import NotApplicable
from conformance.maintenance import flipped, pin_place
from conformance.model.medical import LOAD, SETTLEMENT, Transaction
from conformance.properties import run_machine
from conformance.purchase_dialogue import (
    ABSENT_INDEX,
    APPLICATION,
    CODES,
    INITIALIZED,
    LARGEST,
    LAST_NUMBER,
    LOAD_INITIALIZED,
    NOTHING,
    TAC_LENGTH,
    TERMINAL,
    Begun,
    Bill,
    LoadBegun,
    MedicalTerminal,
)
from conformance.suites._machine import CHOICE, Identity
from conformance.suites._medical_account import MedicalMachine, Sent
from emulator.iso7816 import SW

SUITE = Suite("medical account life", "医保账户交易序列", "Medical account: sequences of transactions")

REQUIREMENTS = (
    *(f"SSC-PAY-{number:03}" for number in (1, 4, 5, 6, 7, 8, 9, 11, 13, 14, 16, 17, 18, 22, 23, 25, 26, 27, 28, 29)),
    "SSC-LOG-001",
    "SSC-LOG-002",
    "SSC-LOG-005",
)
SHARE = 1.5
LAST_WRITE = 8
TAMPERED = st.sampled_from([*[None] * 12, 0, 9, 17, 31])
"""A bit of the MAC that is turned, mostly none."""
DISTURBED = st.sampled_from(["", "", "", "interrupted", "second try", "replayed"])
YEARS = st.sampled_from([0, 0, 0, -1, 1, 1])
OTHER_TERMINAL = bytes.fromhex("110000999999")


class MedicalLife(MedicalMachine):
    """Everything in any order."""

    @initialize()
    def start(self) -> None:
        """Sequences begin inside the application, the PIN verified."""
        self.terminal.open()
        self._entered()

    def _entered(self) -> None:
        self.model.reset()
        self.model.enter()
        self.model.verify(True)
        self.begun = None

    @rule()
    def look_at_everything(self) -> None:
        """Sums, log and proof, in a new session."""
        if LAST_NUMBER in (self.model.memory.number, self.model.memory.online_number):
            return
        self.terminal.open()
        self._entered()
        self.judge_shown(self.terminal.begin(NOTHING))
        self.judge_log()
        proof = self.model.memory.proof
        if proof is not None and self.bench.profile.settings.medical_load:
            for kind, number in ((proof[0], proof[1]), (proof[0], proof[1] ^ 1)):
                self.play(self.model.transaction_proof(kind, number), self.terminal.proof_command(kind, number))

    # Where the terminal stands

    @rule(cold=st.booleans(), pin=st.sampled_from([True, True, False]))
    def reset(self, cold: bool, pin: bool) -> None:
        """A reset, and the application again, perhaps without the PIN."""
        self.bench.reset(cold)
        self.model.reset()
        self.begun = None
        self.bench.need(select(self.bench, ENVIRONMENT), "选择 SSSE", "SELECT SSSE")
        self.enter()
        if pin:
            self.right_pin()

    @rule()
    def enter(self) -> None:
        """SELECT of the application."""
        self.bench.need(select(self.bench, APPLICATION), "选择 DF04", "SELECT DF04")
        self.model.enter()

    @rule()
    def leave(self) -> None:
        """SELECT of the environment."""
        self.bench.need(select(self.bench, ENVIRONMENT), "选择 SSSE", "SELECT SSSE")
        self.model.leave()

    @rule()
    def right_pin(self) -> None:
        """VERIFY."""
        if self.terminal.has_pin:
            self.bench.need(verify(self.bench), "验证个人密码", "VERIFY")
            self.model.verify(True)

    @precondition(lambda self: self.terminal.has_pin)
    @rule()
    def wrong_pin(self) -> None:
        """VERIFY with other digits; the tries come back with the right ones."""
        if pin_place(self.bench).limit == 1:
            return
        digits = declared_pin(self.bench)
        verify(self.bench, digits[:-1] + str((int(digits[-1]) + 1) % 10))
        self.model.verify(False)
        self._initialize(Bill())
        self.right_pin()

    @rule()
    def challenge(self) -> None:
        """GET CHALLENGE, which ends whatever was begun."""
        get_challenge(self.bench)
        self.model.other_command()

    # Settlements

    def bill(self, choice: int, index: int = 1) -> Bill:
        """Amounts: small ones, and those around what the sums can still hold; in mode 3 some from the account."""
        memory = self.model.memory
        room = LARGEST - memory.own, LARGEST - memory.pooled
        own, pooled = [
            (0, 0),
            (1, 0),
            (0, 1),
            (12_345, 6_789),
            (0x01000000, 0x80000000),
            (room[0], 0),
            (min(room[0] + 1, LARGEST), 1),
            (1, min(room[1] + 1, LARGEST)),
        ][choice % 8]
        account = [0, 1, memory.balance, min(memory.balance + 1, LARGEST)][choice // 8 % 4]
        terminal = OTHER_TERMINAL if choice % 3 else TERMINAL
        return Bill(account if self.model.rules.is_offline else 0, own, pooled, terminal, index=index)

    def _initialize(self, bill: Bill) -> None:
        amounts = (bill.account, bill.own, bill.pooled)
        prediction = self.model.initialize(Transaction(SETTLEMENT, amounts, bill.terminal, bill.index))
        answer = self.play(prediction, self.terminal.initialize_command(bill))
        if answer.sw == SW.SUCCESS and len(answer.data) == INITIALIZED:
            self.begun = Begun(answer.data, bill)
            self.judge_shown(self.begun)

    @rule(choice=CHOICE, index=st.sampled_from([1, 1, 1, 2, 3, ABSENT_INDEX]))
    def begin(self, choice: int, index: int) -> None:
        """INITIALIZE FOR PURCHASE that stays unfinished for now."""
        self._initialize(self.bill(choice, index))

    @rule(bit=TAMPERED, year=YEARS)
    def finish(self, bit: int | None, year: int) -> None:
        """DEBIT or CREDIT of what was begun last, even when it is no longer begun; perhaps with a wrong MAC."""
        if isinstance(self.begun, Begun):
            self._debit(self.begun, bit, year)
        elif isinstance(self.begun, LoadBegun):
            self._credit(self.begun, bit)

    def _time(self, year: int) -> bytes:
        """A time of the payment year, of the year before, or of the last day of the next."""
        now = int(self.model.memory.year.hex())
        if year > 0 and now < self.last_year:
            return bytes.fromhex(f"{now + 1:04d}1231235959")
        return bytes.fromhex(f"{now + min(year, 0):04d}0601093000")

    def _debit(self, begun: Begun, bit: int | None, year: int) -> None:
        dated = Begun(begun.data, begun.bill.at(self._time(year)))
        codes, tac = self.terminal.codes(dated), self.terminal.tac(dated)
        mac1 = codes.mac1 if bit is None else flipped(codes.mac1, bit)
        command = self.terminal.debit_command(dated, mac1)
        prediction = self.model.carry_out(SETTLEMENT, dated.time, bit is None, CODES, codes.mac2 + tac)
        self.sent = Sent(SETTLEMENT, command, dated.time)
        answer = self.play(prediction, command)
        if answer.sw == SW.SUCCESS:
            self.compare("SSC-PAY-017", "MAC2", "MAC2", codes.mac2, answer.data[4:])
            self.compare("SSC-PAY-018", "TAC", "TAC", tac, answer.data[:4])

    def _come_back(self) -> None:
        """Into the application, with the PIN, if it is not so."""
        if not self.model.session.inside:
            self.enter()
        if not self.model.session.verified:
            self.right_pin()

    @rule(choice=CHOICE, index=st.sampled_from([1, 1, 2]), bit=TAMPERED, year=YEARS, disturbed=DISTURBED)
    def settle(self, choice: int, index: int, bit: int | None, year: int, disturbed: str) -> None:
        """A whole settlement, perhaps interrupted or sent twice, and the sums behind it."""
        self._come_back()
        self._initialize(self.bill(choice, index))
        if disturbed == "interrupted":
            self.challenge()
        self.finish(bit, year)
        if disturbed == "second try":
            self.finish(None, year)
        if disturbed == "replayed":
            self.replay(False)
        self._initialize(NOTHING)

    @rule(again=st.booleans())
    def replay(self, again: bool) -> None:
        """The last DEBIT or CREDIT once more, perhaps behind another INITIALIZE."""
        if self.sent is None:
            return
        if again and self.sent.kind == SETTLEMENT:
            self._initialize(Bill())
        elif again:
            self._initialize_load(1)
        self.play(self.model.carry_out(self.sent.kind, self.sent.time, False, 0, b""), self.sent.command)

    # Loads

    def _initialize_load(self, amount: int) -> None:
        prediction = self.model.initialize(Transaction(LOAD, (amount, 0, 0), TERMINAL))
        answer = self.play(prediction, self.terminal.load_command(amount))
        if answer.sw == SW.SUCCESS and len(answer.data) == LOAD_INITIALIZED:
            self.begun = LoadBegun(answer.data, amount, self._time(0))
            memory = self.model.memory
            self.compare("SSC-PAY-027", "余额", "balance", memory.balance, self.begun.balance)
            self.compare("SSC-PAY-027", "联网序号", "online number", memory.online_number, self.begun.number)
            mac1 = self.terminal.load_codes(self.begun).mac1
            self.compare("SSC-PAY-026", "MAC1", "MAC1 of the load", mac1, self.begun.mac1)

    def _credit(self, begun: LoadBegun, bit: int | None) -> None:
        codes, tac = self.terminal.load_codes(begun), self.terminal.load_tac(begun)
        mac2 = codes.mac2 if bit is None else flipped(codes.mac2, bit)
        command = self.terminal.credit_command(begun, mac2)
        self.sent = Sent(LOAD, command, begun.time)
        answer = self.play(self.model.carry_out(LOAD, begun.time, bit is None, TAC_LENGTH, codes.mac2 + tac), command)
        if answer.sw == SW.SUCCESS:
            self.compare("SSC-PAY-027", "TAC", "TAC of the load", tac, answer.data)

    @precondition(lambda self: self.model.rules.is_offline)
    @rule(choice=CHOICE, bit=TAMPERED, unfinished=st.booleans())
    def load(self, choice: int, bit: int | None, unfinished: bool) -> None:
        """A load of little, of all that the balance can hold, or of one fen more, perhaps sent twice."""
        self._come_back()
        room = LARGEST - self.model.memory.balance
        self._initialize_load([1, 100_000, 100_000, room, min(room + 1, LARGEST)][choice % 5])
        if not unfinished:
            self.finish(bit, 0)
            self.replay(bool(choice % 2))
            self._initialize_load(0)

    # Loss of power

    @precondition(lambda self: self.bench.target.tearable)
    @rule(choice=CHOICE, write=st.integers(1, LAST_WRITE), loading=st.booleans())
    def torn(self, choice: int, write: int, loading: bool) -> None:
        """The supply fails at a write of DEBIT or CREDIT: everything is old, or everything is new."""
        if LAST_NUMBER in (self.model.memory.number + 1, self.model.memory.online_number + 1):
            return
        self.terminal.open()
        self._entered()
        if loading and self.model.rules.is_offline:
            self._initialize_load(min(choice, LARGEST - self.model.memory.balance))
        else:
            self._initialize(self.bill(choice % 5))
        asked, begun = self.model.session.begun, self.begun
        if asked is None or begun is None:
            return
        proof, command = self._made(begun)
        after = self.model.after(asked, begun.time, proof)
        if after is None:
            return
        answer = self.bench.tear(command, write)
        if answer is not None:
            taken = "SSC-PAY-027" if asked.kind == LOAD else "SSC-PAY-009"
            self.compare(
                taken, "未断电的交易", "a transaction that was not cut", f"{SW.SUCCESS:04X}", f"{answer.sw:04X}"
            )
        self.terminal.open()
        self._entered()
        shown = self.terminal.begin(NOTHING).number
        booked = self.terminal.begin_load(0).number if asked.kind == LOAD else shown
        wanted = after.online_number if asked.kind == LOAD else after.number
        if answer is not None or booked == wanted:
            self.model.memory = after
        self.look_at_everything()

    def _made(self, begun: Begun | LoadBegun) -> tuple[bytes, bytes]:
        """The proof of what was begun, and the command that carries it out."""
        if isinstance(begun, Begun):
            return self.terminal.codes(begun).mac2 + self.terminal.tac(begun), self.terminal.debit_command(begun)
        codes = self.terminal.load_codes(begun)
        return codes.mac2 + self.terminal.load_tac(begun), self.terminal.credit_command(begun)


@SUITE.case(
    "SEQ/medical-account/BO",
    "任意医保交易序列",
    "Any sequence of medical transactions",
    requirements=REQUIREMENTS,
    kind=Kind.INOPPORTUNE,
    expected=(
        "每个应答，以及累计、余额、序号、明细和交易认证均与参考模型一致",
        "every answer, and sums, balance, numbers, log and proof, are what the model predicts",
    ),
)
def life(bench: Bench) -> None:
    """Only with cards that can be renewed: no command takes a settlement back."""
    terminal = MedicalTerminal(bench)
    if not bench.target.renewable:
        raise NotApplicable("仅用于可更换的卡片", "only with cards that the bench can renew")
    if not terminal.shows_amounts:
        raise NotApplicable("卡片声明应答中不含金额", "the declared card does not show its sums")
    identity = Identity()
    run_machine(bench, lambda: MedicalLife(bench, identity), share=SHARE)
