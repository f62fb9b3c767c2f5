"""Issuer scripts 发卡行脚本 (area PAY-SCR): what the MAC covers, when scripts are taken, how they are counted."""

from __future__ import annotations

from conformance.actors.bank.scripts import MAC_LENGTH, Order, unblock_application
from conformance.bench import Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.dialogue import apdu
from conformance.failures import Inconclusive, NotApplicable
from conformance.payment_dialogue import TC, Visit
from conformance.payment_judging import judge, settled
from conformance.suites.payment._steps import (
    LAST_RECORD,
    WARNINGS,
    Sample,
    asked_online,
    expect_executed,
    expect_refusal,
    next_results,
    restoring,
    sample,
    sample_tag,
    torn_script,
)
from conformance.tearing import every_cut
from emulator.crypto import payment as crypto
from emulator.iso7816 import SW, Response

SUITE = Suite("payment scripts", "发卡行脚本", "Payment: issuer scripts")

WRONG_MAC = Expectation((SW.SECURE_MESSAGING_OBJECTS_INCORRECT,))
TOO_LATE = Expectation((SW.CONDITIONS_OF_USE_NOT_SATISFIED,))
COUNTS = (1, 14, 15, 16)
HIGHEST_COUNT = 15
HEADER_AND_LENGTH = 5


@SUITE.case(
    "PAY-SCR/right-mac/BV",
    "MAC 正确的脚本命令",
    "Script command with the right MAC",
    requirements=["PAY-SCR-001"],
    kind=Kind.VALID,
    expected=("应答 9000，命令已执行", "answers 9000, and the command was executed"),
)
@restoring(sampled=True)
def right_mac(bench: Bench) -> None:
    """After the second cryptogram of an approved transaction."""
    chosen = sample(bench)
    visit = settled(bench)
    expect_executed(bench, visit.send_script(chosen.order), chosen.order, "PAY-SCR-001")
    chosen.expect(bench, True, "PAY-SCR-001")


@SUITE.case(
    "PAY-SCR/wrong-mac/BI",
    "MAC 错误及其后的脚本命令",
    "A wrong MAC, and scripts after it",
    requirements=["PAY-SCR-002", "PAY-SCR-003"],
    kind=Kind.INVALID,
    expected=(
        "MAC 的任一位错误应答 6988，之后本交易的脚本应答 6985；数据不变",
        "6988 whichever bit of the MAC is wrong, then 6985 in this transaction; nothing changes",
    ),
)
@restoring(sampled=True)
def wrong_mac(bench: Bench) -> None:
    """The first and last bit of each byte of the MAC, each in a transaction of its own."""
    chosen = sample(bench)
    for position in range(MAC_LENGTH):
        for bit in (0x80, 0x01):
            visit = settled(bench)
            command = torn_script(visit, chosen.order)
            at = len(command) - MAC_LENGTH + position
            answer = bench.send(command[:at] + bytes((command[at] ^ bit,)) + command[at + 1 :])
            bench.expect(answer, WRONG_MAC, "MAC 错误的脚本", "script with a wrong MAC", requirement="PAY-SCR-002")
            chosen.expect(bench, False, "PAY-SCR-002")
            later = bench.send(command)
            bench.expect(later, TOO_LATE, "MAC 错误后的脚本", "script after a wrong MAC", requirement="PAY-SCR-003")
            chosen.expect(bench, False, "PAY-SCR-003")


@SUITE.case(
    "PAY-SCR/without-mac/BI",
    "没有 MAC 的脚本命令",
    "Script command without MAC",
    requirements=["PAY-SCR-004"],
    kind=Kind.INVALID,
    expected=(
        "拒绝；下一笔交易 CVR 字节 4 位 4 为 1",
        "refused; byte 4 bit 4 of the next card verification results is 1",
    ),
)
@restoring(sampled=True)
def without_mac(bench: Bench) -> None:
    """The bare value, and a command that has no data at all."""
    chosen = sample(bench)
    for order in {each.name: each for each in (chosen.order, unblock_application())}.values():
        settled(bench)
        data = bytes.fromhex(order.data)
        header = bytes.fromhex(order.header)
        answer = bench.send(header + (bytes((len(data),)) + data if data else b""))
        expect_refusal(bench, answer, "没有 MAC 的脚本", "script without MAC", "PAY-SCR-004", "6987 / 6882 / 6988")
        chosen.expect(bench, False, "PAY-SCR-004")
        judge(bench, "PAY-SCR-004", next_results(bench), shown=[(4, 4)])


@SUITE.case(
    "PAY-SCR/before-completion/BV",
    "第二个密文之前的脚本命令",
    "Script command before the second cryptogram",
    requirements=["PAY-SCR-005"],
    kind=Kind.VALID,
    expected=("应答 9000，不计数", "answers 9000 and is not counted"),
)
@restoring(sampled=True)
def before_completion(bench: Bench) -> None:
    """Once with the transaction completed and once with it broken off, because a completion clears the counter."""
    chosen = sample(bench)
    for completed in (True, False):
        settled(bench)
        visit = asked_online(bench)
        expect_executed(bench, visit.send_script(chosen.order), chosen.order, "PAY-SCR-005")
        chosen.expect(bench, True, "PAY-SCR-005")
        if completed:
            visit.send_authenticate()
            visit.second(TC)
        _expect_count(bench, 0, "PAY-SCR-005")


@SUITE.case(
    "PAY-SCR/without-authentication/BV",
    "未做发卡行认证时的脚本命令",
    "Script command without issuer authentication",
    requirements=["PAY-SCR-006"],
    kind=Kind.VALID,
    expected=("应答 9000，命令已执行", "answers 9000, and the command was executed"),
)
@restoring(sampled=True)
def without_authentication(bench: Bench) -> None:
    """The second cryptogram follows the first at once."""
    chosen = sample(bench)
    settled(bench)
    visit = asked_online(bench)
    visit.second(TC)
    expect_executed(bench, visit.send_script(chosen.order), chosen.order, "PAY-SCR-006")
    chosen.expect(bench, True, "PAY-SCR-006")


@SUITE.case(
    "PAY-SCR/failed-authentication/BO",
    "发卡行认证失败后的脚本命令",
    "Script command after failed issuer authentication",
    requirements=["PAY-SCR-007"],
    kind=Kind.INOPPORTUNE,
    expected=("拒绝（一般为 6985），数据不变", "refused, as a rule with 6985, and nothing changes"),
)
@restoring(sampled=True)
def failed_authentication(bench: Bench) -> None:
    """After the second cryptogram, and before it."""
    chosen = sample(bench)
    for completed in (True, False):
        visit = asked_online(bench)
        proof = visit.send_authenticate(wrong=True)
        if proof.sw == SW.SUCCESS:
            raise Inconclusive("错误的 ARPC 被接受", "the card took a wrong ARPC")
        if completed:
            visit.second(TC)
        answer = visit.send_script(chosen.order)
        expect_refusal(bench, answer, "认证失败后的脚本", "script after failed authentication", "PAY-SCR-007", "6985")
        chosen.expect(bench, False, "PAY-SCR-007")


@SUITE.case(
    "PAY-SCR/counter/BV",
    "脚本计数器",
    "Script counter",
    requirements=["PAY-SCR-008"],
    kind=Kind.VALID,
    expected=(
        "1、14、15、16 条脚本后 CVR 字节 4 高四位为 1、E、F、F；MAC 错误的脚本也计数",
        "1, 14, 15 and 16 commands show as 1, E, F and F in the high half of byte 4; one with a wrong MAC counts, too",
    ),
)
@restoring()
def script_counter(bench: Bench) -> None:
    """APPLICATION UNBLOCK of an application that is not blocked changes nothing and counts."""
    for count in COUNTS:
        visit = settled(bench)
        for _ in range(count):
            bench.need(visit.send_script(unblock_application()), "应用解锁", "APPLICATION UNBLOCK")
        _expect_count(bench, min(count, HIGHEST_COUNT), "PAY-SCR-008")
    visit = settled(bench)
    bench.need(visit.send_script(unblock_application()), "应用解锁", "APPLICATION UNBLOCK")
    visit.send_script(unblock_application(), wrong=True)
    _expect_count(bench, 2, "PAY-SCR-008")


@SUITE.case(
    "PAY-SCR/replay/BI",
    "重放上一交易的脚本命令",
    "Script command of the last transaction",
    requirements=["PAY-SCR-009"],
    kind=Kind.INVALID,
    expected=("应答 6988，数据不变", "answers 6988, and nothing changes"),
)
@restoring(sampled=True)
def replay(bench: Bench) -> None:
    """Accepted in one transaction, sent again in the next; in between the old value is set, so that a change would show."""
    chosen = sample(bench)
    visit = settled(bench)
    command = torn_script(visit, chosen.order)
    bench.need(bench.send(command), "发卡行脚本", "script command")
    if chosen.tag is not None:
        bench.need(visit.send_script(_undo(chosen)), "恢复原值", "PUT DATA of the old value")
    settled(bench)
    bench.expect(bench.send(command), WRONG_MAC, "重放的脚本", "replayed script", requirement="PAY-SCR-009")
    chosen.expect(bench, False, "PAY-SCR-009")


@SUITE.case(
    "PAY-SCR/length-without-mac/BI",
    "MAC 计算时长度字节未含 MAC",
    "MAC made with a length that leaves the MAC out",
    requirements=["PAY-SCR-010"],
    kind=Kind.INVALID,
    expected=("应答 6988，数据不变", "answers 6988, and nothing changes"),
)
@restoring(sampled=True)
def length_without_mac(bench: Bench) -> None:
    """Lc in the MAC input counts the data alone."""
    chosen = sample(bench)
    visit = settled(bench)
    answer = _send_covering(visit, chosen.order, {4: len(bytes.fromhex(chosen.order.data))})
    bench.expect(answer, WRONG_MAC, "长度不含 MAC", "length without the MAC", requirement="PAY-SCR-010")
    chosen.expect(bench, False, "PAY-SCR-010")


@SUITE.case(
    "PAY-SCR/mac-input/BI",
    "MAC 覆盖命令头、ATC、密文和数据",
    "The MAC covers header, counter, cryptogram and data",
    requirements=["PAY-SCR-011"],
    kind=Kind.INVALID,
    expected=("输入任一字节不同的 MAC 应答 6988", "6988 for a MAC that was made with any byte of its input changed"),
)
@restoring(sampled=True)
def mac_input(bench: Bench) -> None:
    """One bit of each byte of the input in turn, the bit chosen at random; each in a transaction of its own."""
    chosen = sample(bench)
    size = HEADER_AND_LENGTH + 2 + 8 + len(bytes.fromhex(chosen.order.data))
    for position in range(size):
        visit = settled(bench)
        flipped = _covered(visit, chosen.order)[position] ^ 1 << bench.random.randrange(8)
        answer = _send_covering(visit, chosen.order, {position: flipped})
        bench.step(f"MAC 输入第 {position + 1} 字节", f"byte {position + 1} of the MAC input")
        bench.expect(answer, WRONG_MAC, "MAC 输入被改动", "changed MAC input", requirement="PAY-SCR-011")
        chosen.expect(bench, False, "PAY-SCR-011")


@SUITE.case(
    "PAY-SCR/other-failure/BV",
    "无安全报文的失败命令不置脚本失败标志",
    "A failure without secure messaging is no failed script",
    requirements=["PAY-SCR-032"],
    kind=Kind.VALID,
    expected=("下一笔交易 CVR 字节 4 位 4 为 0", "byte 4 bit 4 of the next card verification results is 0"),
)
@restoring()
def other_failure(bench: Bench) -> None:
    """After the second cryptogram: a record that is not there, and a data object that is not there."""
    visit = settled(bench)
    sfi = visit.entries[0].sfi if visit.entries else 1
    failing = (visit.read_record(sfi, LAST_RECORD), bench.send(apdu(0x80, 0xCA, 0x9F, 0x7F, ne=256)))
    if any(answer.sw >> 8 in WARNINGS for answer in failing):
        raise Inconclusive("命令未失败", "the commands that must fail did not fail")
    judge(bench, "PAY-SCR-032", next_results(bench), hidden=[(4, 4)])


@SUITE.case(
    "PAY-SCR/torn/BV",
    "脚本命令执行中断电",
    "Power lost during a script command",
    requirements=["PAY-SCR-031"],
    kind=Kind.VALID,
    needs_tearing=True,
    expected=("每个写入点断电后均为旧值或新值", "the old value or the new one after a cut at any write"),
)
def torn(bench: Bench) -> None:
    """PUT DATA of a value that GET DATA shows, cut at each write in turn."""
    if sample_tag(bench.profile) is None:
        raise NotApplicable("没有可读的可设置数据", "GET DATA shows no value that a script may set")
    chosen = sample(bench)

    def after_cut(write: int) -> None:
        Visit(bench).open()
        shown = bench.send(apdu(0x80, 0xCA, (chosen.tag or 0) >> 8, (chosen.tag or 0) & 0xFF, ne=256))
        bench.check(
            any(shown.data.endswith(value) for value in (chosen.old, chosen.new)) and shown.sw == SW.SUCCESS,
            "断电后的值",
            "value after the cut",
            expected=f"{chosen.old.hex().upper()} / {chosen.new.hex().upper()}",
            received=shown.data,
            requirement="PAY-SCR-031",
        )

    def undisturbed(answer: Response) -> None:
        expect_executed(bench, answer, chosen.order, "PAY-SCR-031")
        chosen.expect(bench, True, "PAY-SCR-031")

    every_cut(bench, lambda: torn_script(settled(bench), chosen.order), after_cut, undisturbed)


def _undo(chosen: Sample) -> Order:
    return Order(chosen.order.name, chosen.order.header, chosen.old.hex())


def _expect_count(bench: Bench, count: int, requirement: str) -> None:
    made = next_results(bench)
    bench.check(
        made.data is not None and made.results[2] >> 4 == count,
        "CVR 字节 4 高四位：脚本计数",
        "script counter in the high half of byte 4",
        expected=f"{count:X}",
        received=made.issuer_data,
        requirement=requirement,
    )


def _covered(visit: Visit, order: Order) -> bytes:
    """The input of the MAC: header, Lc, counter, first cryptogram, data (JR/T 0025.5 C.2.4)."""
    data = bytes.fromhex(order.data)
    head = bytes.fromhex(order.header) + bytes((len(data) + MAC_LENGTH,))
    return head + visit.keys.counter + visit.first_cryptogram + data


def _send_covering(visit: Visit, order: Order, changed: dict[int, int]) -> Response:
    """The command with a MAC over an input in which some bytes are others."""
    covered = bytearray(_covered(visit, order))
    for position, byte in changed.items():
        covered[position] = byte
    mac = crypto.payment_mac(visit.keys.algorithm, visit.keys.mac, bytes(covered), MAC_LENGTH)
    return visit.bench.send(torn_script(visit, order)[:-MAC_LENGTH] + mac)
