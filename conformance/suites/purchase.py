"""Medical purchase 医疗消费: the answer of INITIALIZE FOR PURCHASE, and the order of the two commands (area PAY)."""

from __future__ import annotations

from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.dialogue import apdu, open_directory, verify
from conformance.failures import NotApplicable
from conformance.maintenance import own_directories
from conformance.purchase_dialogue import (
    ABSENT_INDEX,
    APPLICATION,
    INITIALIZED,
    NOTHING,
    SERIAL,
    TERMINAL,
    Begun,
    Bill,
    MedicalTerminal,
    State,
    indices,
)
from emulator.iso7816 import SW, Response

SUITE = Suite("medical purchase", "医疗消费", "Medical purchase")

ALGORITHM_IDENTIFIERS = {"3DES": 1, "SM4": 3}
"""算法标识 (reconstructed specification §4.5)."""
OUTSIDE = Expectation((SW.CONDITIONS_OF_USE_NOT_SATISFIED, SW.FILE_NOT_FOUND, SW.INSTRUCTION_NOT_SUPPORTED))
REFUSED = Expectation((), families=(0x67, 0x69, 0x6A, 0x6B, 0x6D, 0x6E, 0x93, 0x94))
"""Any refusal, where no text tells which."""
NO_TRANSACTION = SW.COMMAND_NOT_ACCEPTED
CALLS = 24
AT_ONCE = 300
"""Settlements that a quick run makes to reach the last transaction number."""
AMOUNTS = Bill().amounts


def judge_unchanged(terminal: MedicalTerminal, before: State, requirement: str, zh: str, en: str) -> None:
    """Sums, number and log are what they were."""
    after = terminal.state()
    for name, old, new in (
        ("amounts and number", before.shown.hex().upper(), after.shown.hex().upper()),
        ("log", _listed(before.log), _listed(after.log)),
    ):
        terminal.bench.check(
            old == new, f"{zh}不改变数据", f"{name} after {en}", expected=old, received=new, requirement=requirement
        )


def _listed(log: tuple[bytes, ...]) -> str:
    return " ".join(raw[:10].hex().upper() for raw in log) or "no record"


def answered(terminal: MedicalTerminal, bill: Bill, requirement: str) -> Begun:
    """INITIALIZE FOR PURCHASE, judged: 22 bytes."""
    answer = terminal.bench.expect(
        terminal.send_initialize(bill), GOOD, "消费初始化", "INITIALIZE FOR PURCHASE", requirement=requirement
    )
    _long_enough(terminal.bench, answer, requirement)
    return Begun(answer.data, bill)


def _long_enough(bench: Bench, answer: Response, requirement: str) -> None:
    bench.check(
        len(answer.data) == INITIALIZED,
        "应答长度",
        "length of the answer",
        expected=INITIALIZED,
        received=len(answer.data),
        requirement=requirement,
    )


# INITIALIZE FOR PURCHASE


@SUITE.case(
    "PAY/initialize/BV",
    "消费初始化报文",
    "Form of INITIALIZE FOR PURCHASE",
    requirements=["SSC-PAY-001"],
    kind=Kind.VALID,
    expected=(
        "以最小与最大金额及全部密钥索引均应答 22 字节",
        "answers 22 bytes for small and large amounts and every key index",
    ),
)
def initialize(bench: Bench) -> None:
    """The least and the greatest amounts of person and fund, every key index, and another terminal."""
    terminal = MedicalTerminal(bench).open()
    amounts = [Bill(own=own, pooled=pooled) for own, pooled in ((0, 0), (1, 0), (0, 1), (0x7FFFFFFF, 0x7FFFFFFF))]
    keys = [Bill(index=index) for index in indices(bench.profile, "purchase")]
    for bill in (*amounts, *keys, Bill(terminal=bytes.fromhex("110000999999"))):
        answered(terminal, bill, "SSC-PAY-001")


@SUITE.case(
    "PAY/initialize-form/BI",
    "消费初始化报文错误",
    "Wrong forms of INITIALIZE FOR PURCHASE",
    requirements=["SSC-PAY-001"],
    kind=Kind.INVALID,
    expected=("长度或参数错误时拒绝且不返回数据", "a wrong length or parameter is refused without data"),
)
def initialize_form(bench: Bench) -> None:
    """One byte too few and too many, other parameters; the right form still works afterwards."""
    terminal = MedicalTerminal(bench).open()
    data = b"\x01" + AMOUNTS + TERMINAL
    for p1, p2, sent in (
        (1, 1, data[:-1]),
        (1, 1, data + b"\x00"),
        (1, 1, data[:1]),
        (1, 0, data),
        (1, 2, data),
        (2, 1, data),
        (0xFF, 1, data),
    ):
        answer = bench.send(apdu(0xB0, 0x28, p1, p2, sent, INITIALIZED))
        zh, en = (
            f"P1P2 {p1:02X}{p2:02X}、Lc {len(sent):02X}",
            f"INITIALIZE with P1P2 {p1:02X}{p2:02X}, Lc {len(sent):02X}",
        )
        bench.expect(answer, REFUSED, zh, en, requirement="SSC-PAY-001")
        bench.check(
            not answer.data, "无数据", "no data", expected="no data", received=answer.data, requirement="SSC-PAY-001"
        )
    answered(terminal, Bill(), "SSC-PAY-001")


@SUITE.case(
    "PAY/answer/BV",
    "初始化应答字段",
    "Fields of the answer of INITIALIZE FOR PURCHASE",
    requirements=["SSC-PAY-002"],
    kind=Kind.VALID,
    expected=(
        "随机数每次不同，序号不变，密钥版本与算法属于本卡",
        "the random number differs each time, the number stays, version and algorithm are the card's",
    ),
)
def answer_fields(bench: Bench) -> None:
    """Many calls, some of them after a reset."""
    terminal = MedicalTerminal(bench)
    numbers, randoms = set[int](), set[bytes]()
    versions = {key.versions for key in bench.profile.directory[APPLICATION].key.values() if key.use == "purchase"}
    for call in range(CALLS):
        if call % 4 == 0:
            terminal.open()
        begun = terminal.begin(Bill())
        numbers.add(begun.number)
        randoms.add(begun.random)
        for name, good, expected, received in (
            ("key version", 1 <= begun.version <= max(versions), f"1 to {max(versions)}", begun.version),
            (
                "algorithm",
                begun.data[17] == ALGORITHM_IDENTIFIERS[bench.profile.algorithm],
                ALGORITHM_IDENTIFIERS[bench.profile.algorithm],
                begun.data[17],
            ),
        ):
            bench.check(good, "密钥版本与算法", name, expected=expected, received=received, requirement="SSC-PAY-002")
    for zh, en, count, wanted in (
        ("随机数", "different random numbers", len(randoms), CALLS),
        ("交易序号", "different transaction numbers", len(numbers), 1),
    ):
        bench.check(count == wanted, zh, en, expected=wanted, received=count, requirement="SSC-PAY-002")


@SUITE.case(
    "PAY/answer-amounts/BV",
    "初始化应答金额",
    "Amounts in the answer of INITIALIZE FOR PURCHASE",
    requirements=["SSC-PAY-003"],
    kind=Kind.VALID,
    expected=(
        "第 0–13 字节为余额、年度自付累计、年度统筹累计和支付年度；消费后相应增加",
        "bytes 0–13 are balance, both sums of the year and payment year, and rise with a settlement",
    ),
    destructive=True,
)
def answer_amounts(bench: Bench) -> None:
    """Before and after a settlement; zeros where the profile declares that the card shows none."""
    terminal = MedicalTerminal(bench).open()
    before = terminal.settle(Bill(own=0x00010203, pooled=0x00040506))
    after = terminal.begin(NOTHING)
    if terminal.shows_amounts:
        expected = before.data[:4] + (before.own + 0x00010203).to_bytes(8, "big")[4:]
        expected += (before.pooled + 0x00040506).to_bytes(8, "big")[4:] + before.time[:2]
    else:
        expected = bytes(14)
    bench.check(
        after.data[:14] == expected,
        "余额、累计与年度",
        "balance, sums and year",
        expected=expected,
        received=after.data[:14],
        requirement="SSC-PAY-003",
    )
    if bench.profile.settings.medical_load and terminal.shows_amounts:
        bench.check(
            terminal.balance() == after.balance,
            "与读余额一致",
            "balance as GET BALANCE has it",
            expected=terminal.balance(),
            received=after.balance,
            requirement="SSC-PAY-003",
        )


@SUITE.case(
    "PAY/unknown-index/BI",
    "未知密钥索引",
    "Unknown key index",
    requirements=["SSC-PAY-004"],
    kind=Kind.INVALID,
    expected=("应答 9403 且无数据，其后 DEBIT 不被接受", "answers 9403 and no data, and begins no settlement"),
)
def unknown_index(bench: Bench) -> None:
    """Indices around those that the card has, and the greatest."""
    terminal = MedicalTerminal(bench).open()
    known = indices(bench.profile, "purchase")
    for index in sorted({0, max(known, default=0) + 1, ABSENT_INDEX, 0x80, 0xFF} - {*known}):
        terminal.begin(Bill(index=known[0] if known else 1))
        answer = terminal.send_initialize(Bill(index=index))
        bench.expect(
            answer,
            SW.KEY_INDEX_NOT_SUPPORTED,
            f"密钥索引 {index:02X}",
            f"INITIALIZE with index {index:02X}",
            requirement="SSC-PAY-004",
        )
        bench.check(
            not answer.data, "无数据", "no data", expected="no data", received=answer.data, requirement="SSC-PAY-004"
        )
        not_begun(terminal, bench.send(any_debit()), "未知索引后", "behind an unknown index", "SSC-PAY-004")


def any_debit() -> bytes:
    """DEBIT FOR PURCHASE with a MAC1 of zeros."""
    return apdu(0xB0, 0x2C, 0x01, 0x00, SERIAL + bytes.fromhex("20260601093000") + bytes(4), 8)


def not_begun(terminal: MedicalTerminal, answer: Response, zh: str, en: str, requirement: str) -> None:
    """DEBIT answered that no settlement was begun."""
    terminal.bench.expect(answer, NO_TRANSACTION, f"{zh} DEBIT", f"DEBIT {en}", requirement=requirement)


# Rights


@SUITE.case(
    "PAY/pin/BO",
    "未验证密码",
    "Purchase without PIN",
    requirements=["SSC-PAY-005"],
    kind=Kind.INOPPORTUNE,
    expected=(
        "未验证密码时初始化应答 6982，验证后成功；复位或换环境后重新要求",
        "answers 6982 without VERIFY, works with it, and asks again after a reset",
    ),
)
def pin(bench: Bench) -> None:
    """Before VERIFY, after it, and after a reset."""
    if not bench.profile.settings.purchase_needs_pin:
        raise NotApplicable("卡片声明消费不要求密码", "the declared card takes purchases without PIN")
    terminal = MedicalTerminal(bench)
    if not terminal.has_pin:
        raise NotApplicable("卡片声明中没有个人密码", "the declared card has no PIN")
    refused = SW.SECURITY_STATUS_NOT_SATISFIED
    for _ in range(2):
        terminal.open(pin=False)
        answer = terminal.send_initialize(Bill())
        bench.expect(answer, refused, "未验证密码", "INITIALIZE without PIN", requirement="SSC-PAY-005")
        bench.check(
            not answer.data, "无数据", "no data", expected="no data", received=answer.data, requirement="SSC-PAY-005"
        )
        bench.need(verify(bench), "验证个人密码", "VERIFY")
        answer = terminal.send_initialize(Bill())
        bench.expect(answer, GOOD, "验证密码后", "INITIALIZE with PIN", requirement="SSC-PAY-005")


@SUITE.case(
    "PAY/elsewhere/BO",
    "未选择DF04",
    "Purchase outside DF04",
    requirements=["SSC-PAY-006"],
    kind=Kind.INOPPORTUNE,
    expected=("在其他目录中消费命令被拒绝", "purchase commands are refused in every other directory"),
)
def elsewhere(bench: Bench) -> None:
    """In the environment and in every other application beside DF04, the PIN verified; a settlement begun there does not end."""
    terminal = MedicalTerminal(bench)
    parent = bench.profile.directory[APPLICATION].parent
    for name in own_directories(bench.profile):
        described = bench.profile.directory[name]
        if name == APPLICATION or parent not in (name, described.parent):
            continue
        terminal.open().begin(Bill())
        open_directory(bench, name)
        if terminal.has_pin:
            bench.need(verify(bench), "验证个人密码", "VERIFY")
        answer = terminal.send_initialize(Bill())
        bench.expect(answer, OUTSIDE, f"在 {name} 中初始化", f"INITIALIZE in {name}", requirement="SSC-PAY-006")
        wanted = Expectation((*OUTSIDE.words, NO_TRANSACTION))
        bench.expect(
            bench.send(any_debit()), wanted, f"在 {name} 中消费", f"DEBIT in {name}", requirement="SSC-PAY-006"
        )
