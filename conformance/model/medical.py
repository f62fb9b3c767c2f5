"""What the medical insurance application remembers and decides (人社信息函〔2012〕38号 §2; vol. 2 §6).

The model knows no cryptography: it is told whether a MAC is right, and which codes the card must answer. It begins with
what the card shows of itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from conformance.model.prediction import Outcome, Prediction

GREATEST, LAST_NUMBER = 0xFFFFFFFF, 0xFFFF
INITIALIZED, LOAD_INITIALIZED = 22, 16
GOOD, NOT_BEGUN, WRONG_MAC, NO_PROOF = 0x9000, 0x6901, 0x9302, 0x9406
OUTSIDE = (0x6985, 0x6A82, 0x6D00)
REFUSALS = (0x67, 0x69, 0x6A, 0x93, 0x94)
SETTLEMENT, LOAD = b"2", b"1"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the profile declares."""

    needs_pin: bool
    wrong_pin_clears: bool
    reselecting_clears: bool
    logs_number_after: bool
    indices: frozenset[int]
    records: int
    """Records that the log keeps at least."""
    is_offline: bool
    """Settlement mode 3, with loads."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """A settlement or load as the terminal asks for it."""

    kind: bytes
    amounts: tuple[int, int, int]
    """Of a load: its amount, 0, 0."""
    terminal: bytes
    index: int = 1


@dataclass(frozen=True, slots=True)
class Memory:
    """What survives loss of power."""

    balance: int
    own: int
    pooled: int
    year: bytes
    number: int
    online_number: int
    log: tuple[bytes, ...]
    proof: tuple[bytes, int, bytes] | None = None
    """Type, number, and MAC2 ‖ TAC of the last transaction; None before the first that the model saw."""


@dataclass(slots=True)
class Session:
    """What a reset ends."""

    inside: bool = False
    verified: bool = False
    begun: Transaction | None = None
    interrupted: bool = False
    """Whether a transaction was begun and another command came."""


@dataclass
class MedicalCard:
    """The application, its memory as the card showed it."""

    rules: Rules
    memory: Memory
    session: Session = field(default_factory=Session)

    # Around the transactions

    def reset(self) -> None:
        """The session ends."""
        self.session = Session()

    def other_command(self) -> None:
        """Any command besides those of a transaction ends the one that was begun (vol. 2 §6.4)."""
        self.session.interrupted |= self.session.begun is not None
        self.session.begun = None

    def enter(self) -> None:
        """SELECT of the application."""
        self.other_command()
        self.session.inside = True

    def leave(self) -> None:
        """SELECT of the environment."""
        self.other_command()
        self.session.inside = False
        if self.rules.reselecting_clears:
            self.session.verified = False

    def verify(self, right: bool) -> None:
        """VERIFY."""
        self.other_command()
        self.session.verified = right or (self.session.verified and not self.rules.wrong_pin_clears)

    # Transactions

    def initialize(self, asked: Transaction) -> Prediction:
        """INITIALIZE FOR PURCHASE or FOR LOAD."""
        session, memory, is_load = self.session, self.memory, asked.kind == LOAD
        self.session.begun, self.session.interrupted = None, False
        if not session.inside:
            return refused("SSC-PAY-006", *OUTSIDE)
        known = asked.index in self.rules.indices or is_load
        if self.rules.needs_pin and not session.verified:
            return refused("SSC-PAY-005", 0x6982, *(() if known else (0x9403,)))
        if not known:
            return refused("SSC-PAY-004", 0x9403)
        if (memory.online_number if is_load else memory.number) == LAST_NUMBER:
            return refused("SSC-PAY-022", 0x9402)
        account = asked.amounts[0]
        if not is_load and account > memory.balance:
            return refused("SSC-PAY-029", 0x9401)
        length = LOAD_INITIALIZED if is_load else INITIALIZED
        good = Outcome((GOOD,), fits=lambda data: len(data) == length, shown=f"{length} bytes", then=self._begin(asked))
        if is_load:
            overflows = memory.balance + account > GREATEST
            return refused("SSC-PAY-028", 0x6985, also=good) if overflows else Prediction("SSC-PAY-026", (good,))
        if max(memory.own + asked.amounts[1], memory.pooled + asked.amounts[2]) > GREATEST:
            return Prediction("SSC-PAY-013", (good, Outcome(families=REFUSALS)))
        return Prediction("SSC-PAY-001", (good,))

    def _begin(self, asked: Transaction) -> Callable[[bytes], None]:
        def then(_: bytes) -> None:
            self.session.begun = asked

        return then

    def carry_out(self, kind: bytes, time: bytes, right: bool, length: int, proof: bytes) -> Prediction:
        """DEBIT FOR PURCHASE or CREDIT FOR LOAD: ``length`` of the answer of a good card, ``proof`` MAC2 ‖ TAC."""
        session, begun = self.session, self.session.begun
        wrong = "SSC-PAY-027" if kind == LOAD else "SSC-PAY-011"
        interrupted, session.begun, session.interrupted = session.interrupted, None, False
        if begun is None or begun.kind != kind:
            away = () if session.inside else OUTSIDE
            order = "SSC-PAY-027" if kind == LOAD else "SSC-PAY-008" if interrupted else "SSC-PAY-007"
            return refused(order, NOT_BEGUN, *away)
        if not right:
            return refused(wrong, WRONG_MAC)
        after = self.after(begun, time, proof)
        if after is None:
            return Prediction("SSC-PAY-028" if kind == LOAD else "SSC-PAY-013", (Outcome(families=REFUSALS),))

        def then(_: bytes) -> None:
            self.memory = after

        good = Outcome((GOOD,), fits=lambda data: len(data) == length, shown=f"{length} bytes", then=then)
        return Prediction("SSC-PAY-027" if kind == LOAD else "SSC-PAY-009", (good,))

    def after(self, done: Transaction, time: bytes, proof: bytes) -> Memory | None:
        """What a transaction leaves; None when a sum or the balance cannot hold it.

        ``time`` lies in the payment year, before it, or on the last day of a later calendar year.
        """
        old = self.memory
        account, own, pooled = done.amounts
        if done.kind == LOAD:
            number = old.online_number
            new = replace(old, balance=old.balance + account, online_number=number + 1)
        else:
            number = old.number
            later = time[:2] > old.year
            new = replace(
                old,
                balance=old.balance - account,
                own=own + (0 if later else old.own),
                pooled=pooled + (0 if later else old.pooled),
                year=time[:2] if later else old.year,
                number=number + 1,
            )
        if max(new.balance, new.own, new.pooled) > GREATEST:
            return None
        logged = (number + self.rules.logs_number_after).to_bytes(2, "big")
        amounts = b"".join(amount.to_bytes(4, "big") for amount in done.amounts)
        record = logged + done.kind + done.terminal + time + amounts
        return replace(new, log=(record, *old.log)[: self.rules.records], proof=(done.kind, number, proof))

    def transaction_proof(self, kind: bytes, number: int) -> Prediction:
        """GET TRANSACTION PROOF, after a transaction that the model saw."""
        self.other_command()
        if self.memory.proof is not None and self.memory.proof[:2] == (kind, number):
            expected = self.memory.proof[2]
            good = Outcome((GOOD,), fits=lambda data: data == expected, shown=expected.hex().upper())
            return Prediction("SSC-PAY-025", (good,))
        return refused("SSC-PAY-025", NO_PROOF)


def refused(requirement: str, *words: int, also: Outcome | None = None) -> Prediction:
    """A refusal without data, or what else may be."""
    return Prediction(requirement, (Outcome(words), *((also,) if also else ())))
