"""The codes of a medical purchase 医疗消费: session key, MAC1, MAC2 and TAC (area PAY; vol. 2 §6.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from conformance.actors.key_service import Settlement
from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.maintenance import flipped
from conformance.purchase_dialogue import CODES, Begun, Bill, MedicalTerminal, indices, key_of
from conformance.suites.purchase import judge_unchanged
from emulator.iso7816 import SW

SUITE = Suite("codes of the medical purchase", "医疗消费校验码与认证码", "Codes of the medical purchase")

BILL = Bill(own=0x00A1B2C3, pooled=0x00708090, terminal=bytes.fromhex("500112345678"), serial=bytes.fromhex("01234567"))
"""No two fields alike, so that none can stand for another."""
Change = Callable[[Settlement], Settlement]
Mac1 = Callable[[Begun], bytes]


def judge_mac1_wrong(terminal: MedicalTerminal, requirement: str, zh: str, en: str, mac1: Mac1) -> None:
    """Begin a settlement and send this MAC1, which is wrong."""
    begun = terminal.open().begin(BILL)
    wrong = mac1(begun)
    if wrong == terminal.codes(begun).mac1:
        return  # four bytes may agree by chance
    answer = terminal.send_debit(begun, wrong)
    terminal.bench.expect(answer, SW.MAC_INVALID, zh, en, requirement=requirement)
    terminal.bench.check(
        not answer.data, "无数据", "no data", expected="no data", received=answer.data, requirement=requirement
    )


def _over(terminal: MedicalTerminal, change: Change) -> Mac1:
    """The MAC1 of another settlement."""
    return lambda begun: terminal.codes(begun, change(begun.settlement)).mac1


# Session key


@SUITE.case(
    "PAY/session-key/BV",
    "会话密钥",
    "Session key of a purchase",
    requirements=["SSC-PAY-009"],
    kind=Kind.VALID,
    expected=(
        "以随机数、交易序号和终端交易序号右两字节分散的密钥，其 MAC1 被接受；每个密钥索引均可用",
        "a MAC1 under the key made of random number, transaction number and the right two bytes of the terminal's is taken, "
        "with the key of every index",
    ),
    destructive=True,
)
def session_key(bench: Bench) -> None:
    """Every key of the card, and terminal transaction numbers that differ on the left or on the right."""
    terminal = MedicalTerminal(bench).open()
    bills = [replace(BILL, index=index) for index in indices(bench.profile, "purchase")]
    for serial in ("00000000", "FFFF0001", "0001FFFF", "80008000"):
        bills.append(replace(BILL, serial=bytes.fromhex(serial)))
    for bill in bills:
        answer = terminal.send_debit(terminal.begin(bill))
        zh, en = "正确的MAC1", f"DEBIT with key {bill.index}, terminal transaction number {bill.serial.hex().upper()}"
        bench.expect(answer, GOOD, zh, en, requirement="SSC-PAY-009")


@SUITE.case(
    "PAY/session-key/BI",
    "错误的会话密钥",
    "Other session keys",
    requirements=["SSC-PAY-009"],
    kind=Kind.INVALID,
    expected=(
        "以其他输入或其他密钥分散的 MAC1 应答 9302",
        "a MAC1 under a key of another input or of another index answers 9302",
    ),
)
def other_session_key(bench: Bench) -> None:
    """Each byte of the input changed, and the MAC1 of another purchase key."""
    terminal = MedicalTerminal(bench)
    before = terminal.state()
    changes = [
        *((f"random number, byte {at}", _other("random", at)) for at in range(4)),
        *((f"transaction number, byte {at}", _other("number", at)) for at in range(2)),
        *((f"terminal transaction number, byte {at}", _other("terminal_number", at)) for at in (2, 3)),
    ]
    for what, change in changes:
        judge_mac1_wrong(terminal, "SSC-PAY-009", what, f"another {what}", _over(terminal, change))
    for index in indices(bench.profile, "purchase"):
        if index != BILL.index:
            zh, en = f"密钥 {index} 的MAC1", f"MAC1 under key {index}"
            judge_mac1_wrong(terminal, "SSC-PAY-009", zh, en, _under(terminal, index))
    judge_unchanged(terminal, before, "SSC-PAY-009", "错误会话密钥", "wrong session keys")


def _other(field: str, at: int) -> Change:
    """A settlement whose field has another byte there."""

    def change(s: Settlement) -> Settlement:
        return replace(s, **{field: flipped(getattr(s, field), 8 * at)})

    return change


def _under(terminal: MedicalTerminal, index: int) -> Mac1:
    """The MAC1 under another key of the card."""
    keys, name = terminal.bench.keys, key_of(terminal.bench, "purchase", index)
    return lambda begun: keys.settlement(name, begun.settlement, terminal.version(name, begun.version)).mac1


# MAC1


@SUITE.case(
    "PAY/mac1-input/BV",
    "MAC1数据次序",
    "Order of the input of MAC1",
    requirements=["SSC-PAY-010"],
    kind=Kind.VALID,
    expected=(
        "按三项金额、类型、终端机编号、时间计算的 MAC1 被接受",
        "a MAC1 over the three amounts, type, terminal number and time is taken",
    ),
    destructive=True,
)
def mac1_order(bench: Bench) -> None:
    """Bills that have no two fields alike."""
    terminal = MedicalTerminal(bench).open()
    for bill in (BILL, replace(BILL, own=BILL.pooled, pooled=BILL.own, terminal=bytes.fromhex("110000000009"))):
        answer = terminal.send_debit(terminal.begin(bill))
        bench.expect(answer, GOOD, "正确的MAC1", "DEBIT with the right MAC1", requirement="SSC-PAY-010")


@SUITE.case(
    "PAY/mac1-input/BI",
    "MAC1数据",
    "Input of MAC1",
    requirements=["SSC-PAY-010"],
    kind=Kind.INVALID,
    expected=(
        "MAC1 输入改变任一字节、缺少或调换任一项时应答 9302",
        "answers 9302 when any byte, or the order, of its 26 bytes is another",
    ),
)
def mac1_input(bench: Bench) -> None:
    """Each of the 26 bytes with a bit turned, and fields that changed places."""
    terminal = MedicalTerminal(bench)
    before = terminal.state()
    for at in range(26):
        bit = 8 * at + bench.random.randrange(8)
        what = f"byte {at} of the input, bit {bit % 8}"
        judge_mac1_wrong(terminal, "SSC-PAY-010", f"输入第 {at} 字节", what, _over(terminal, _with_bit(bit)))
    for what, change in _rearranged():
        judge_mac1_wrong(terminal, "SSC-PAY-010", f"输入次序：{what}", what, _over(terminal, change))
    judge_unchanged(terminal, before, "SSC-PAY-010", "错误的MAC1", "wrong MAC1s")


def _with_bit(bit: int) -> Change:
    def change(s: Settlement) -> Settlement:
        covered = flipped(s.signed + s.time, bit)
        return replace(s, amounts=covered[:12], kind=covered[12:13], terminal=covered[13:19], time=covered[19:])

    return change


def _rearranged() -> Iterator[tuple[str, Change]]:
    yield "f2 and f3 changed places", lambda s: replace(s, amounts=s.amounts[:4] + s.amounts[8:] + s.amounts[4:8])
    yield "f1 behind f2 and f3", lambda s: replace(s, amounts=s.amounts[4:] + s.amounts[:4])
    yield "the type of a load", lambda s: replace(s, kind=b"1")
    yield "the type in binary", lambda s: replace(s, kind=b"\x02")
    yield "terminal and time changed places", lambda s: replace(s, terminal=s.time[:6], time=s.time[6:] + s.terminal)
    yield "without the time", lambda s: replace(s, time=b"")
    yield "with the terminal transaction number", lambda s: replace(s, terminal=s.terminal + s.terminal_number)


@SUITE.case(
    "PAY/mac1-wrong/BI",
    "MAC1错误",
    "Wrong MAC1",
    requirements=["SSC-PAY-011"],
    kind=Kind.INVALID,
    expected=("应答 9302，序号、累计和明细不变", "answers 9302 and changes no number, sum or record"),
)
def mac1_wrong(bench: Bench) -> None:
    """Each of the four bytes with one bit turned, zeros, and the card's own MAC2."""
    terminal = MedicalTerminal(bench)
    before = terminal.state()
    for at in range(4):
        bit = 8 * at + bench.random.randrange(8)
        zh, en = f"MAC1第 {at} 字节错误", f"byte {at} of MAC1 wrong"
        judge_mac1_wrong(terminal, "SSC-PAY-011", zh, en, _turned(terminal, bit))
    judge_mac1_wrong(terminal, "SSC-PAY-011", "全零MAC1", "a MAC1 of zeros", lambda begun: bytes(4))
    judge_mac1_wrong(
        terminal, "SSC-PAY-011", "以MAC2代替", "MAC2 in its place", lambda begun: terminal.codes(begun).mac2
    )
    judge_unchanged(terminal, before, "SSC-PAY-011", "错误的MAC1", "wrong MAC1s")


def _turned(terminal: MedicalTerminal, bit: int) -> Mac1:
    return lambda begun: flipped(terminal.codes(begun).mac1, bit)


@SUITE.case(
    "PAY/amounts-of-initialize/BI",
    "金额与终端来自初始化",
    "Amounts and terminal come from INITIALIZE",
    requirements=["SSC-PAY-012"],
    kind=Kind.INVALID,
    expected=(
        "其他金额或终端机编号的 MAC1 应答 9302",
        "a MAC1 over other amounts, or for another terminal, answers 9302",
    ),
)
def amounts_of_initialize(bench: Bench) -> None:
    """Smaller and larger amounts of each kind, those of an earlier INITIALIZE, another terminal."""
    terminal = MedicalTerminal(bench)
    before = terminal.state()
    for field, change in ((0, 1), (1, -1), (1, 1), (2, -1), (2, 1)):
        name = ("account", "own", "pooled")[field]
        other_bill = replace(BILL, **{name: getattr(BILL, name) + change})
        zh, en = f"第 {field + 1} 项金额不同", f"MAC1 over another f{field + 1}"
        judge_mac1_wrong(terminal, "SSC-PAY-012", zh, en, _over(terminal, _with_amounts(other_bill)))
    other = bytes.fromhex("500112345679")
    judge_mac1_wrong(
        terminal,
        "SSC-PAY-012",
        "其他终端机编号",
        "MAC1 for another terminal",
        _over(terminal, lambda s: replace(s, terminal=other)),
    )
    terminal.open().begin(Bill(own=1, pooled=1))
    begun = terminal.begin(BILL)
    earlier = terminal.codes(begun, replace(begun.settlement, amounts=Bill(own=1, pooled=1).amounts)).mac1
    zh, en = "前一次初始化的金额", "MAC1 over the amounts of an earlier INITIALIZE"
    bench.expect(terminal.send_debit(begun, earlier), SW.MAC_INVALID, zh, en, requirement="SSC-PAY-012")
    judge_unchanged(terminal, before, "SSC-PAY-012", "其他金额", "other amounts")


def _with_amounts(bill: Bill) -> Change:
    return lambda s: replace(s, amounts=bill.amounts)


# MAC2 and TAC


@SUITE.case(
    "PAY/codes/BV",
    "MAC2与TAC",
    "MAC2 and TAC",
    requirements=["SSC-PAY-017", "SSC-PAY-018", "SSC-PAY-020"],
    kind=Kind.VALID,
    expected=(
        "消费应答 8 字节：TAC 与 MAC2，与密钥服务计算的一致",
        "DEBIT answers 8 bytes, TAC and MAC2, which the key service computes alike",
    ),
    destructive=True,
)
def codes(bench: Bench) -> None:
    """Several settlements: other amounts, terminals, serial numbers and days."""
    terminal = MedicalTerminal(bench).open()
    for bill in (
        BILL,
        Bill(own=0, pooled=0),
        Bill(own=1, pooled=0xFFFF),
        replace(BILL, serial=bytes.fromhex("FEDCBA98")),
        replace(BILL, terminal=bytes.fromhex("110000000009"), serial=bytes.fromhex("00010000")),
    ):
        judge_codes(terminal, bill)


def judge_codes(terminal: MedicalTerminal, bill: Bill) -> Begun:
    """A settlement whose answer is judged."""
    bench = terminal.bench
    begun = terminal.begin(bill)
    answer = bench.need(terminal.send_debit(begun), "消费", "DEBIT FOR PURCHASE")
    bench.check(
        len(answer.data) == CODES,
        "消费应答长度",
        "length of the answer of DEBIT",
        expected=CODES,
        received=len(answer.data),
        requirement="SSC-PAY-020",
    )
    tac, mac2 = terminal.tac(begun), terminal.codes(begun).mac2
    bench.check(
        answer.data != mac2 + tac,
        "TAC在前、MAC2在后",
        "TAC stands before MAC2",
        expected=tac + mac2,
        received=answer.data,
        requirement="SSC-PAY-020",
    )
    for name, expected, received, requirement in (
        ("MAC2", mac2, answer.data[4:], "SSC-PAY-017"),
        ("TAC", tac, answer.data[:4], "SSC-PAY-018"),
    ):
        bench.check(expected == received, name, name, expected=expected, received=received, requirement=requirement)
    return begun


@SUITE.case(
    "PAY/tac-algorithm/BV",
    "TAC算法",
    "Algorithm of the TAC",
    requirements=["SSC-PAY-019"],
    kind=Kind.VALID,
    expected=(
        "3DES 卡以 DTK 两半异或为密钥，或按卡片声明使用 16 字节密钥；SM4 卡使用 16 字节密钥",
        "a 3DES card uses the exclusive or of the halves of DTK, or the whole key where its profile says so, an SM4 card the whole key",
    ),
    destructive=True,
)
def tac_algorithm(bench: Bench) -> None:
    """One settlement."""
    terminal = MedicalTerminal(bench).open()
    begun = terminal.begin(BILL)
    answer = bench.need(terminal.send_debit(begun), "消费", "DEBIT FOR PURCHASE")
    expected = terminal.tac(begun)
    bench.check(
        answer.data[:4] == expected,
        "TAC",
        "TAC",
        expected=expected,
        received=answer.data[:4],
        requirement="SSC-PAY-019",
    )
