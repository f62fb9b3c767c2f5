"""The log of qPBOC and power lost at every write of a tap (area PAY-TEA)."""

from __future__ import annotations

from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import apdu
from conformance.failures import Inconclusive, NotApplicable
from conformance.payment_dialogue import TC, declared_objects
from conformance.quick_dialogue import (
    OFFLINE_ONLY,
    Terminal,
    approving,
    prepared,
    processing,
    require,
)
from conformance.suites.payment.quick_spending import HELD, with_values
from conformance.suites.payment.quick_tearing import SPENT, Way, check_counted, counted, ways
from conformance.targets.base import Interface
from conformance.tearing import every_cut
from emulator.iso7816 import SW, Response, tlv

SUITE = Suite("qPBOC power loss", "qPBOC 断电", "Payment: qPBOC log and power loss", interface=Interface.CONTACTLESS)

LONGEST_LOG = 254


# The log


@SUITE.case(
    "PAY-TEA/log/BV",
    "交易日志的写入时机",
    "When the log is written",
    requirements=["PAY-TEA-004", "PAY-TEA-005"],
    kind=Kind.VALID,
    expected=(
        "CAP 2.b5 = 1：末记录时写一条，之前没有；CAP 2.b5 = 0：从不写",
        "with CAP 2.b5 one record with the last record of the AFL and none before; without it never one",
    ),
)
def log(bench: Bench) -> None:
    """An approval left before its end, and one read to its end."""
    approving(bench)
    wanted = processing(bench, 2, 5)
    requirement = "PAY-TEA-004" if wanted else "PAY-TEA-005"
    with prepared(bench, with_values(bench, held=HELD)) as terminal:
        before = logged(terminal.open())
        require(terminal.ask(SPENT, OFFLINE_ONLY), TC)
        terminal.records(but_last=True)
        _check_log(bench, before, logged(terminal.leave()), 0, requirement)
        require(terminal.ask(SPENT, OFFLINE_ONLY), TC)
        terminal.records()
        _check_log(bench, before, logged(terminal.leave()), int(wanted), requirement)


def logged(terminal: Terminal) -> list[bytes]:
    """The records of the transaction log, newest first; not applicable without one."""
    place = declared_objects(terminal.bench.profile).get("9F4D")
    if place is None:
        raise NotApplicable("卡片没有交易日志", "the card has no transaction log")
    records: list[bytes] = []
    while (answer := terminal.read_record(place[0], len(records) + 1)).sw == SW.SUCCESS and len(records) < LONGEST_LOG:
        records.append(answer.data)
    return records


def _check_log(bench: Bench, before: list[bytes], after: list[bytes], new: int, requirement: str) -> None:
    kept = after[new:]
    bench.check(
        kept == before[: len(kept)] and len(after) >= len(before) and (not new or after[:1] != before[:1]),
        f"新增日志 {new} 条",
        f"{new} new log records",
        expected=f"{new} new before {len(before)}",
        received=f"{len(after)} records, {'another' if after[:1] != before[:1] else 'the same'} first",
        requirement=requirement,
    )


# Power lost at every write


class Torn:
    """An approval whose commands are cut: what was before it, and what must be after."""

    def __init__(self, bench: Bench, way: Way) -> None:
        self.bench = bench
        self.way = way
        self.logs = processing(bench, 2, 5) and "9F4D" in declared_objects(bench.profile)
        self.terminal = Terminal(bench, **way.offered)
        self.before = 0
        self.log: list[bytes] = []

    def decision(self) -> bytes:
        """GET PROCESSING OPTIONS of a card in its first state, prepared and selected."""
        with prepared(self.bench, self.way.values):
            self.terminal = Terminal(self.bench, **self.way.offered).open()
        self.before = self.terminal.balance()
        self.log = logged(self.terminal) if self.logs else []
        self.terminal.offer(amount=self.way.spend, qualifiers=OFFLINE_ONLY)
        return apdu(0x80, 0xA8, 0, 0, tlv.build(0x83, self.terminal.pdol_values()), ne=256)

    def last_record(self) -> bytes:
        """READ RECORD of the last record, after all others."""
        self.decision()
        require(self.terminal.ask(self.way.spend, OFFLINE_ONLY), TC)
        sfi, number = self.terminal.places()[-1]
        self.terminal.records(but_last=True)
        return apdu(0x00, 0xB2, number, sfi << 3 | 4, ne=256)

    def undone(self, _: int) -> None:
        """Nothing counted."""
        check_counted(self.terminal.leave(), self.way, False, "PAY-TEA-001", self.before)

    def whole(self, _: int) -> None:
        """Everything counted, or nothing; whether it did decides what the log must show."""
        spent = counted(self.terminal.leave(), self.way)
        check_counted(self.terminal.leave(), self.way, spent, "PAY-TEA-003", self.before)
        if self.logs:
            _check_log(self.bench, self.log, logged(self.terminal.leave()), int(spent), "PAY-TEA-003")

    def undisturbed(self, answer: Response) -> None:
        """The command that was left alone."""
        self.bench.need(answer, "未断电的命令", "the command that was left alone")


@SUITE.case(
    "PAY-TEA/decision-torn/BV",
    "初始化过程中断电",
    "Power lost during the decision",
    requirements=["PAY-TEA-001"],
    kind=Kind.VALID,
    needs_tearing=True,
    expected=(
        "在 GPO 的每次写入时断电：再次使用时余额和计数与之前相同",
        "cut at each write of GPO: at the next use balance and counters are as before",
    ),
)
def decision_torn(bench: Bench) -> None:
    """Each kind of approval, cut at its first write, its second, and so on."""
    for way in ways(bench):
        torn = Torn(bench, way)
        _need_cuts(every_cut(bench, torn.decision, torn.undone, torn.undisturbed))


@SUITE.case(
    "PAY-TEA/last-record-torn/BV",
    "读末记录过程中断电",
    "Power lost during the last record",
    requirements=["PAY-TEA-003"],
    kind=Kind.VALID,
    needs_tearing=True,
    expected=(
        "在读末记录的每次写入时断电：余额、计数和日志一起完成或一起恢复",
        "cut at each write: balance, counters and log are final together, or restored together",
    ),
)
def last_record_torn(bench: Bench) -> None:
    """Each kind of approval, cut at each write of its last record."""
    for way in ways(bench):
        torn = Torn(bench, way)
        _need_cuts(every_cut(bench, torn.last_record, torn.whole, torn.undisturbed))


def _need_cuts(cuts: int) -> None:
    if not cuts:
        raise Inconclusive("命令没有写入", "the command writes nothing")
