"""The terminal of any sequence of medical transactions: meets the card, and compares what it shows with the model."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.bench import Bench
from conformance.failures import CardFailure, Inconclusive
from conformance.model.medical import MedicalCard, Memory, Rules
from conformance.purchase_dialogue import (
    LOG,
    NOTHING,
    Begun,
    LoadBegun,
    MedicalTerminal,
    indices,
)
from conformance.suites._machine import Identity, Player
from conformance.suites.standard import standard_file

FURTHER_YEARS = 3


@dataclass(frozen=True, slots=True)
class Sent:
    """A DEBIT or CREDIT that was made, to be sent again later."""

    kind: bytes
    command: bytes
    time: bytes


class MedicalMachine(Player):
    """A terminal with the model of the card before it; the rules stand in a subclass."""

    def __init__(self, bench: Bench, identity: Identity) -> None:
        super().__init__(bench, identity)
        self.terminal = MedicalTerminal(bench)
        self.model = self._meet()
        self.last_year = int(self.model.memory.year.hex()) + FURTHER_YEARS
        self.begun: Begun | LoadBegun | None = None
        self.sent: Sent | None = None

    def _meet(self) -> MedicalCard:
        """What the card shows of itself on the first day."""
        settings, file = self.bench.profile.settings, standard_file(self.bench.profile, LOG)
        offline = self.terminal.is_offline and settings.medical_load
        self.terminal.open()
        shown = self.terminal.begin(NOTHING)
        if not shown.year.hex().isdecimal() or not FURTHER_YEARS < int(shown.year.hex()) < 9999 - FURTHER_YEARS:
            raise Inconclusive("支付年度不是数字", f"the payment year is {shown.year.hex()}")
        rules = Rules(
            needs_pin=settings.purchase_needs_pin and self.terminal.has_pin,
            wrong_pin_clears=settings.wrong_pin_clears_state,
            reselecting_clears=settings.reselecting_environment_clears_global_state,
            logs_number_after=settings.purchase_logged_number == "after",
            indices=frozenset(indices(self.bench.profile, "purchase")),
            records=file.minimum if file else 1,
            is_offline=offline,
        )
        online = self.terminal.begin_load(0).number if offline else 0
        log = self.terminal.log()[: rules.records]
        memory = Memory(shown.balance, shown.own, shown.pooled, shown.year, shown.number, online, log)
        return MedicalCard(rules, memory)

    # Judging

    def compare(self, requirement: str, zh: str, en: str, expected: object, received: object) -> None:
        """A value that the model knows."""
        try:
            self.bench.check(
                expected == received, zh, en, expected=expected, received=received, requirement=requirement
            )
        except CardFailure as failure:
            self.identity.keep(failure, 0, en)
            raise

    def judge_shown(self, shown: Begun, requirement: str = "SSC-PAY-013") -> None:
        """Sums, number, balance and year in the answer of INITIALIZE."""
        memory, offline = self.model.memory, self.model.rules.is_offline
        for name, zh, en, expected, received in (
            ("SSC-PAY-014", "交易序号", "transaction number", memory.number, shown.number),
            ("SSC-PAY-027" if offline else "SSC-PAY-016", "余额", "balance", memory.balance, shown.balance),
            ("SSC-PAY-023", "支付年度", "payment year", memory.year, shown.year),
            (requirement, "自付累计", "self-paid sum", memory.own, shown.own),
            (requirement, "统筹累计", "pooled-fund sum", memory.pooled, shown.pooled),
        ):
            self.compare(name, zh, en, expected, received)

    def judge_log(self) -> None:
        """Which transactions are there, in which order, and what their records say."""
        wanted = self.model.memory.log
        kept = self.terminal.log()[: len(wanted)]
        expected, received = ([raw[:2].hex().upper() for raw in records] for records in (wanted, kept))
        if sorted(expected) != sorted(received):
            self.compare("SSC-LOG-005", "明细中的交易", "transactions in the log", expected, received)
        self.compare("SSC-LOG-002", "明细次序", "order of the log", expected, received)
        for number, (record, found) in enumerate(zip(wanted, kept, strict=True), 1):
            self.compare("SSC-LOG-001", f"明细 {number}", f"record {number} of the log", record, found)
