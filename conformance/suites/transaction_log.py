"""Transaction log 交易明细 DF04/EF08 (area LOG)."""

from __future__ import annotations

from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.dialogue import apdu
from conformance.failures import Inconclusive, NotApplicable, NotRun
from conformance.purchase_dialogue import (
    LAST_RECORD,
    LOG,
    NOTHING,
    RECORD_LENGTH,
    Begun,
    Bill,
    MedicalTerminal,
    State,
)
from conformance.suites.standard import StandardFile, standard_file
from conformance.suites.standard.visit import (
    credentials,
    p2_of,
    readable,
    select_file,
    start,
)
from conformance.tearing import every_cut
from emulator.iso7816 import SW, Response

SUITE = Suite("transaction logs", "交易明细", "Transaction log")

NEVER = Expectation((SW.SECURITY_STATUS_NOT_SATISFIED, SW.INCOMPATIBLE_WITH_FILE_STRUCTURE))
NEVER_APPENDED = Expectation((*NEVER.words, SW.INSTRUCTION_NOT_SUPPORTED, SW.CONDITIONS_OF_USE_NOT_SATISFIED))
"""APPEND RECORD may be unknown after personalisation (vol. 2 §4.7)."""
APPEND_FORMS = ((0x00, 3), (0x01, 4))
"""P1 and mode of P2: both ways in use of adding a cyclic record (reconstructed specification §3.1)."""


def wanted_file(bench: Bench, path: str) -> StandardFile:
    """A file of the standard; not applicable where the declared card has none."""
    file = standard_file(bench.profile, path)
    if file is None:
        raise NotApplicable(f"卡片声明中没有 {path}", f"the declared card has no {path}")
    return file


def check(bench: Bench, requirement: str, zh: str, en: str, expected: object, received: object) -> None:
    """Two values that must be equal."""
    bench.check(expected == received, zh, en, expected=expected, received=received, requirement=requirement)


# DF04/EF08


@SUITE.case(
    "LOG/content/BV",
    "明细内容",
    "Content of a log record",
    requirements=["SSC-LOG-001"],
    kind=Kind.VALID,
    expected=(
        "记录 1 为序号、类型、终端、时间和三项金额，共 28 字节",
        "record 1 holds number, type, terminal, time and the three amounts, 28 bytes",
    ),
    destructive=True,
)
def content(bench: Bench) -> None:
    """Two settlements with other values in every field, read in the form that terminals send."""
    terminal = MedicalTerminal(bench).open()
    file = wanted_file(bench, LOG)
    for bill in (
        Bill(own=0x01020304, pooled=0x05060708, terminal=bytes.fromhex("500112345678")),
        Bill(own=1, pooled=0, terminal=bytes.fromhex("110000000009")),
    ):
        begun = terminal.settle(bill)
        answer = bench.send(apdu(0x00, 0xB2, 1, p2_of(file, 4), ne=RECORD_LENGTH))
        bench.expect(answer, GOOD, "读记录 1", "READ RECORD 1", requirement="SSC-LOG-001")
        expected = begun.record(terminal.logged_number(begun.number))
        check(bench, "SSC-LOG-001", "明细内容", "content of the record", expected, answer.data)


@SUITE.case(
    "LOG/newest-first/BV",
    "明细最新在前",
    "Newest record first",
    requirements=["SSC-LOG-002"],
    kind=Kind.VALID,
    expected=(
        "记录 1 为最近一次消费，以前的记录依次后移",
        "record 1 is the last settlement, and the older ones follow it",
    ),
    destructive=True,
)
def newest_first(bench: Bench) -> None:
    """Two settlements on top of what the log held; also the read to the last record has this order."""
    terminal = MedicalTerminal(bench).open()
    file = wanted_file(bench, LOG)
    before = terminal.log()
    made = [_logged(terminal, Bill(own=own)) for own in (11, 22)]
    expected = (made[1], made[0], *before[: file.minimum - 2])
    received = terminal.log()[: len(expected)]
    check(bench, "SSC-LOG-002", "明细次序", "order of the records", listed(expected), listed(received))
    all_of_them = bench.send(apdu(0x00, 0xB2, 1, p2_of(file, 5), ne=256))
    if all_of_them.sw == SW.SUCCESS:
        shown = all_of_them.data[: 2 * RECORD_LENGTH]
        check(bench, "SSC-LOG-002", "从记录 1 至末尾", "from record 1 to the last", made[1] + made[0], shown)


def _logged(terminal: MedicalTerminal, bill: Bill) -> bytes:
    """Settle, and the record that belongs into the log."""
    begun = terminal.settle(bill)
    return begun.record(terminal.logged_number(begun.number))


def listed(records: tuple[bytes, ...]) -> str:
    """Records for the report."""
    return " ".join(raw.hex().upper() for raw in records) or "no record"


@SUITE.case(
    "LOG/capacity/BV",
    "明细容量",
    "Capacity of the log",
    requirements=["SSC-LOG-003"],
    kind=Kind.VALID,
    expected=(
        "至少保留最近 30 笔（1.0 卡 10 笔），写满后最旧的被替换",
        "keeps at least the last 30 settlements, 10 on a card of 1.0, and drops the oldest",
    ),
    destructive=True,
)
def capacity(bench: Bench) -> None:
    """More settlements than the card declares records; all that it keeps are the newest in their order."""
    terminal = MedicalTerminal(bench).open()
    file = wanted_file(bench, LOG)
    described = bench.profile.directory[file.directory].file["EF08"]
    made = [
        _logged(terminal, Bill(own=count, pooled=1)) for count in range(max(described.records or 0, file.minimum) + 1)
    ]
    kept = terminal.log()
    enough = file.minimum <= len(kept) <= LAST_RECORD
    zh, en = "保留的记录数", "records that are kept"
    bench.check(enough, zh, en, expected=f"at least {file.minimum}", received=len(kept), requirement="SSC-LOG-003")
    newest = tuple(reversed(made))[: len(kept)]
    check(bench, "SSC-LOG-003", "保留的记录", "the records that are kept", listed(newest), listed(kept[: len(newest)]))


@SUITE.case(
    "LOG/not-writable/BI",
    "明细不可写",
    "The log cannot be written",
    requirements=["SSC-LOG-004"],
    kind=Kind.INVALID,
    expected=(
        "出示全部密码和密钥后，更新与追加仍被拒绝",
        "with every PIN and key shown each form of update and append is refused",
    ),
)
def not_writable(bench: Bench) -> None:
    """Every PIN and key of DF04 and SSSE; both append forms, update by number and by the current file, APPEND RECORD."""
    file = wanted_file(bench, LOG)
    before = readable(bench, file).records
    start(bench, file.directory, credentials(bench, file.directory))
    forged = b"\xff" * RECORD_LENGTH
    for p1, mode in (*APPEND_FORMS, (2, 4), (30, 4), (0, 0), (0, 2)):
        answer = bench.send(apdu(0x00, 0xDC, p1, p2_of(file, mode), forged))
        expected = NEVER if (p1, mode) in APPEND_FORMS else Expectation(NEVER.words, families=(0x6A,))
        zh, en = f"更新 P1 {p1:02X} 方式 {mode}", f"UPDATE RECORD, P1 {p1:02X}, mode {mode}"
        bench.expect(answer, expected, zh, en, requirement="SSC-LOG-004")
    bench.expect(
        bench.send(apdu(0x00, 0xE2, 0, p2_of(file, 0), forged)),
        NEVER_APPENDED,
        "追加记录",
        "APPEND RECORD",
        requirement="SSC-LOG-004",
    )
    bench.need(select_file(bench, file), "选择明细文件", "SELECT of the log")
    for p1, mode in APPEND_FORMS:
        answer = bench.send(apdu(0x00, 0xDC, p1, mode, forged))
        bench.expect(answer, NEVER, "更新当前文件", "UPDATE RECORD of the current file", requirement="SSC-LOG-004")
    after = readable(bench, file).records
    check(bench, "SSC-LOG-004", "明细", "the log", listed(before), listed(after))


@SUITE.case(
    "LOG/consistent/BV",
    "明细与累计一致",
    "The log agrees with sums and number",
    requirements=["SSC-LOG-005"],
    kind=Kind.VALID,
    expected=(
        "成功的消费各写一条明细，其金额之和为累计的增量；失败的不写",
        "each settlement writes one record, and their amounts are what the sums rose by; a failed one writes none",
    ),
    destructive=True,
)
def consistent(bench: Bench) -> None:
    """Good settlements among unfinished and wrong ones."""
    terminal = MedicalTerminal(bench).open()
    before, old = terminal.begin(NOTHING), terminal.log()
    for own, pooled in ((100, 80), (0, 0), (7, 5)):
        terminal.settle(Bill(own=own, pooled=pooled))
        terminal.begin(Bill(own=999))
        terminal.send_debit(terminal.begin(Bill(own=888)), bytes(4))
        terminal.open()
    after, log = terminal.begin(NOTHING), terminal.log()
    requirement, count = "SSC-LOG-005", after.number - before.number
    check(
        bench,
        requirement,
        "明细条数与序号",
        "records behind each other",
        listed(old[:20]),
        listed(log[count:][:20][: len(old[:20])]),
    )
    fresh = log[:count]
    if terminal.shows_amounts:
        for zh, en, at, risen in (
            ("自付之和", "f2 of the new records", 20, after.own - before.own),
            ("统筹之和", "f3 of the new records", 24, after.pooled - before.pooled),
        ):
            check(bench, requirement, zh, en, risen, sum(int.from_bytes(raw[at : at + 4], "big") for raw in fresh))
    numbers = [int.from_bytes(raw[:2], "big") for raw in fresh]
    expected = [terminal.logged_number(after.number - 1 - place) for place in range(count)]
    check(bench, requirement, "明细中的序号", "numbers of the new records", expected, numbers)


@SUITE.case(
    "LOG/torn/BV",
    "断电时明细一致",
    "The log at loss of power",
    requirements=["SSC-LOG-005"],
    kind=Kind.VALID,
    expected=("断电后序号、累计和明细全部为旧或全部为新", "after a cut number, sums and log are all old or all new"),
    needs_tearing=True,
)
def torn(bench: Bench) -> None:
    """A cut at every write of a DEBIT."""
    terminal = MedicalTerminal(bench)
    if not bench.target.renewable:
        raise NotRun("需要新卡片，本测试台无法更换", "needs a fresh card, which this bench cannot put in")
    capacity_left = wanted_file(bench, LOG).minimum
    expected: dict[str, State] = {}

    def prepare() -> bytes:
        expected["old"] = old = terminal.state()
        begun = terminal.open().begin(Bill())
        expected["new"] = _after(terminal, old, begun, capacity_left)
        return terminal.debit_command(begun)

    def after_cut(write: int) -> None:
        found = terminal.state()
        zh, en = f"第 {write} 次写入断电后", f"number, sums and log after a cut at write {write}"
        good = any(_same(found, state) for state in expected.values())
        bench.check(
            good,
            zh,
            en,
            expected="all old / all new",
            received=listed((found.shown, *found.log)),
            requirement="SSC-LOG-005",
        )

    def undisturbed(answer: Response) -> None:
        bench.expect(answer, GOOD, "未断电", "not cut", requirement="SSC-LOG-005")

    if not every_cut(bench, prepare, after_cut, undisturbed):
        raise Inconclusive("命令没有任何写入", "the command caused no write at all")


def _after(terminal: MedicalTerminal, old: State, begun: Begun, capacity_left: int) -> State:
    """What a settlement makes of a state."""
    shown = begun.data[:4] + (begun.own + begun.bill.own).to_bytes(4, "big")
    shown += (begun.pooled + begun.bill.pooled).to_bytes(4, "big") + begun.time[:2]
    shown = shown if terminal.shows_amounts else bytes(14)
    log = (begun.record(terminal.logged_number(begun.number)), *old.log)
    return State(shown + (begun.number + 1).to_bytes(2, "big"), log[:capacity_left])


def _same(found: State, wanted: State) -> bool:
    return found.shown == wanted.shown and found.log[: len(wanted.log)] == wanted.log
