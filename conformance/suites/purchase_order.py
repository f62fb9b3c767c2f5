"""Medical purchase 医疗消费: DEBIT FOR PURCHASE follows INITIALIZE directly, once, in its form (area PAY)."""

from __future__ import annotations

from conformance.bench import Bench
from conformance.cases import Kind, Level, Suite
from conformance.dialogue import apdu, get_challenge, place, read_record, select, verify
from conformance.failures import NotApplicable
from conformance.purchase_dialogue import ABSENT_INDEX, APPLICATION, LAST_NUMBER, LOG, NOTHING, Bill, MedicalTerminal
from conformance.suites.purchase import REFUSED, any_debit, judge_unchanged, not_begun
from emulator.iso7816 import SW

SUITE = Suite("order of the medical purchase", "医疗消费命令次序", "Order of the medical purchase")

AT_ONCE = 300
"""Settlements that a quick run makes to reach the last transaction number."""


@SUITE.case(
    "PAY/no-initialize/BO",
    "无初始化的消费",
    "DEBIT without INITIALIZE",
    requirements=["SSC-PAY-007"],
    kind=Kind.INOPPORTUNE,
    expected=(
        "复位后、被拒绝的消费后、MAC1错误后的 DEBIT 均应答 6901",
        "DEBIT answers 6901 right after a reset, and after a MAC1 that was wrong",
    ),
)
def no_initialize(bench: Bench) -> None:
    """After a reset; behind a reset in the middle; a second try after a wrong MAC1; nothing changes."""
    terminal = MedicalTerminal(bench)
    before = terminal.state()
    terminal.open()
    not_begun(terminal, bench.send(any_debit()), "复位后", "right after a reset", "SSC-PAY-007")
    begun = terminal.begin(Bill())
    right = terminal.debit_command(begun)
    terminal.open()
    not_begun(terminal, bench.send(right), "中途复位后", "behind a reset in the middle", "SSC-PAY-007")
    begun = terminal.begin(Bill())
    right = terminal.debit_command(begun)
    terminal.send_debit(begun, bytes(byte ^ 0x5A for byte in terminal.codes(begun).mac1))
    not_begun(terminal, bench.send(right), "MAC1错误后", "behind a wrong MAC1", "SSC-PAY-007")
    judge_unchanged(terminal, before, "SSC-PAY-007", "未接受的消费", "a DEBIT that was not accepted")


@SUITE.case(
    "PAY/replay/BO",
    "重放消费",
    "Replayed DEBIT",
    requirements=["SSC-PAY-007", "SSC-PAY-009"],
    kind=Kind.INOPPORTUNE,
    expected=(
        "立即重放应答 6901；重新初始化后重放旧报文应答 9302；均不改变数据",
        "at once it answers 6901, behind another INITIALIZE 9302; neither changes anything",
    ),
    destructive=True,
)
def replay(bench: Bench) -> None:
    """The bytes of a good DEBIT once more."""
    terminal = MedicalTerminal(bench).open()
    begun = terminal.begin(Bill())
    command = terminal.debit_command(begun)
    bench.need(bench.send(command), "消费", "DEBIT FOR PURCHASE")
    not_begun(terminal, bench.send(command), "重放", "once more", "SSC-PAY-007")
    before = terminal.state()
    terminal.open().begin(Bill())
    zh, en = "重新初始化后重放", "the same DEBIT behind another INITIALIZE"
    bench.expect(bench.send(command), SW.MAC_INVALID, zh, en, requirement="SSC-PAY-009")
    judge_unchanged(terminal, before, "SSC-PAY-009", "重放", "a replay")


@SUITE.case(
    "PAY/interrupted/BO",
    "消费被其他命令中断",
    "Interrupted purchase",
    requirements=["SSC-PAY-008"],
    kind=Kind.INOPPORTUNE,
    expected=("中间插入任何其他命令后 DEBIT 应答 6901", "DEBIT answers 6901 behind any other command"),
)
def interrupted(bench: Bench) -> None:
    """Good commands, refused ones and unknown ones in between; the MAC1 is right."""
    terminal = MedicalTerminal(bench)
    log = place(bench, LOG).file
    for name, between in (
        ("READ RECORD", lambda: read_record(bench, log, 1)),
        ("GET CHALLENGE", lambda: get_challenge(bench)),
        ("VERIFY", lambda: verify(bench) if terminal.has_pin else None),
        ("SELECT", lambda: select(bench, APPLICATION)),
        ("an unknown instruction", lambda: bench.send(apdu(0x00, 0x5A, 0, 0))),
        ("an INITIALIZE that is refused", lambda: terminal.send_initialize(Bill(index=ABSENT_INDEX))),
    ):
        terminal.open()
        command = terminal.debit_command(terminal.begin(Bill()))
        between()
        not_begun(terminal, bench.send(command), f"{name} 之后", f"behind {name}", "SSC-PAY-008")


@SUITE.case(
    "PAY/debit-form/BI",
    "消费报文错误",
    "Wrong forms of DEBIT FOR PURCHASE",
    requirements=["SSC-PAY-011"],
    kind=Kind.INVALID,
    expected=("长度或参数错误时拒绝且不改变数据", "a wrong length or parameter is refused and changes nothing"),
)
def debit_form(bench: Bench) -> None:
    """One byte too few and too many, a MAC1 that is cut, other parameters."""
    terminal = MedicalTerminal(bench)
    before = terminal.state()
    for p1, p2, change in ((1, 0, -1), (1, 0, 1), (1, 0, -4), (1, 1, 0), (0, 0, 0), (2, 0, 0)):
        begun = terminal.open().begin(Bill())
        data = terminal.debit_command(begun)[5:20]
        sent = data + bytes(change) if change > 0 else data[: len(data) + change]
        answer = bench.send(apdu(0xB0, 0x2C, p1, p2, sent, 8))
        zh, en = f"P1P2 {p1:02X}{p2:02X}、Lc {len(sent):02X}", f"DEBIT with P1P2 {p1:02X}{p2:02X}, Lc {len(sent):02X}"
        bench.expect(answer, REFUSED, zh, en, requirement="SSC-PAY-011")
    judge_unchanged(terminal, before, "SSC-PAY-011", "格式错误的消费", "a DEBIT of a wrong form")


@SUITE.case(
    "PAY/last-number/BO",
    "交易序号上限",
    "Highest transaction number",
    requirements=["SSC-PAY-022"],
    kind=Kind.INOPPORTUNE,
    expected=("序号到 FFFF 后应答 9402", "answers 9402 once the number is FFFF"),
    destructive=True,
)
def last_number(bench: Bench) -> None:
    """The number is brought there by settlements, as no command sets it; quickly only where few are left."""
    terminal = MedicalTerminal(bench).open()
    left = LAST_NUMBER - terminal.begin(NOTHING).number
    if left > AT_ONCE and bench.level is not Level.OFFICIAL:
        raise NotApplicable(
            f"距上限还有 {left} 次交易，在 official 级别执行",
            f"{left} settlements away from the highest number, which level official makes",
        )
    terminal.count_up(left)
    answer = terminal.send_initialize(Bill())
    bench.expect(
        answer,
        SW.TRANSACTION_COUNTER_AT_MAXIMUM,
        "序号 FFFF 时初始化",
        "INITIALIZE at number FFFF",
        requirement="SSC-PAY-022",
    )
    bench.check(
        not answer.data, "无数据", "no data", expected="no data", received=answer.data, requirement="SSC-PAY-022"
    )
