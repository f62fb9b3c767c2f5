"""GET PROCESSING OPTIONS 应用初始化 (area PAY-GPO): its answer, the transaction counter, what it clears."""

from __future__ import annotations

from conformance.actors.bank.scripts import block_application
from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Loss, Suite
from conformance.dialogue import apdu
from conformance.failures import Inconclusive
from conformance.payment_answers import (
    FORMAT_1,
    FORMAT_2,
    objects_of,
)
from conformance.payment_dialogue import (
    AAC,
    AFL,
    AIP,
    Visit,
    counter,
)
from conformance.payment_judging import NEARLY_COUNTED_OUT, count_nearly_out, put_back
from emulator.iso7816 import SW, tlv

SUITE = Suite("payment initiation", "金融应用初始化", "Payment: initiation", restore=put_back)

REFUSED = Expectation((SW.CONDITIONS_OF_USE_NOT_SATISFIED,))
RESERVED_BITS = bytes.fromhex("82FF")
"""Bits 8 and 2 of byte 1 and all of byte 2 of the AIP (JR/T 0025.5 A.1)."""


@SUITE.case(
    "PAY-GPO/answer/BV",
    "初始化应答格式",
    "Answer of GET PROCESSING OPTIONS",
    requirements=["PAY-GPO-001"],
    kind=Kind.VALID,
    expected=(
        "格式 1（80）或格式 2（77），含 AIP 2 字节和 AFL",
        "format 1 (80) or 2 (77) with an AIP of two bytes and an AFL",
    ),
)
def answer(bench: Bench) -> None:
    """Ordinary and, where the card has it, e-cash: both answers have one of the two forms."""
    for e_cash in (False, True):
        visit = Visit(bench).open().offer(e_cash=e_cash)
        response = bench.expect(visit.send_begin(), GOOD, "应用初始化", "GPO", requirement="PAY-GPO-001")
        whole = objects_of(response.data)
        inner = objects_of(response.data, FORMAT_2)
        good = whole.keys() == {FORMAT_1} or (whole.keys() == {FORMAT_2} and inner.keys() >= {AIP, AFL})
        bench.check(
            good and len(visit.objects.get(AIP, b"")) == 2 and bool(visit.objects.get(AFL)),
            "初始化应答格式",
            "form of the answer",
            expected="80 {AIP, AFL} / 77 {82, 94}",
            received=response.data,
            requirement="PAY-GPO-001",
        )


@SUITE.case(
    "PAY-GPO/without-list/BV",
    "没有 PDOL 时以 8300 初始化",
    "An application without PDOL takes 83 00",
    requirements=["PAY-GPO-002"],
    kind=Kind.VALID,
    expected=("9000", "9000"),
)
def without_list(bench: Bench) -> None:
    """The empty list of values."""
    response = Visit(bench).open().send_begin(b"")
    bench.expect(response, GOOD, "以 8300 初始化", "GPO with 83 00", requirement="PAY-GPO-002")


@SUITE.case(
    "PAY-GPO/counter/BV",
    "每次初始化 ATC 加 1",
    "Each initiation adds 1 to the transaction counter",
    requirements=["PAY-GPO-003"],
    kind=Kind.VALID,
    expected=("GET DATA 9F36 的值每次恰好加 1", "9F36 grows by exactly 1 each time"),
)
def counts(bench: Bench) -> None:
    """Three initiations, one after the other, and one after a new selection."""
    visit = Visit(bench).open()
    before = counter(bench)
    for number in range(1, 5):
        if number == 4:
            visit.open()
        visit.begin()
        bench.check(
            (now := counter(bench)) == before + number,
            "交易计数器",
            "transaction counter",
            expected=f"{before + number:04X}",
            received=f"{now:04X}",
            requirement="PAY-GPO-003",
        )


@SUITE.case(
    "PAY-GPO/counter-after-reset/BV",
    "复位和断电后 ATC 不回退",
    "The transaction counter survives a reset",
    requirements=["PAY-GPO-004"],
    kind=Kind.VALID,
    expected=("复位后 9F36 不变", "9F36 is as before the reset"),
)
def counter_survives(bench: Bench) -> None:
    """Warm and cold, in the middle of a transaction and after one."""
    for cold in (True, False):
        visit = Visit(bench).open().begin()
        before = counter(bench)
        bench.reset(cold)
        visit.open()
        bench.check(
            (now := counter(bench)) == before,
            "复位后的交易计数器",
            "transaction counter after the reset",
            expected=f"{before:04X}",
            received=f"{now:04X}",
            requirement="PAY-GPO-004",
        )


@SUITE.case(
    "PAY-GPO/counter-torn/BV",
    "初始化过程中断电",
    "Power lost during initiation",
    requirements=["PAY-GPO-004"],
    kind=Kind.VALID,
    needs_tearing=True,
    expected=("9F36 不小于断电前的值，且至多加 1", "9F36 is never smaller than before, and at most one greater"),
)
def counter_torn(bench: Bench) -> None:
    """The supply is cut at each write of the command in turn."""
    for write in range(1, 50):
        visit = Visit(bench).open()
        before = counter(bench)
        command = apdu(0x80, 0xA8, 0, 0, tlv.build(0x83, visit.pdol_values()), ne=256)
        response = bench.tear(command, write)
        bench.reset()
        visit.open()
        bench.check(
            (now := counter(bench)) in (before, before + 1),
            "断电后的交易计数器",
            "transaction counter after the cut",
            expected=f"{before:04X} / {before + 1:04X}",
            received=f"{now:04X}",
            requirement="PAY-GPO-004",
        )
        if response is not None:
            return


@SUITE.case(
    "PAY-GPO/counter-end/BO",
    "ATC 到达 FFFF 时应用永久锁定",
    "The end of the transaction counter blocks the application for good",
    requirements=["PAY-GPO-005"],
    kind=Kind.INOPPORTUNE,
    destructive=True,
    loss=Loss.COUNTER,
    expected=(
        "ATC 成为 FFFF 的初始化应答 6985，之后一直如此",
        "the initiation that reaches FFFF answers 6985, and so do all after it",
    ),
)
def counter_end(bench: Bench) -> None:
    """Initiations until the counter stands one before its end, and two more."""
    bench.reach(NEARLY_COUNTED_OUT, lambda: count_nearly_out(bench))
    visit = Visit(bench).open()
    for attempt in ("FFFF", "FFFF 之后"):
        bench.step(f"初始化：{attempt}", "initiation at the end of the counter")
        bench.expect(
            visit.send_begin(), REFUSED, "到达 ATC 上限", "GPO at the end of the counter", requirement="PAY-GPO-005"
        )
        bench.reset()
        visit.send_select()


@SUITE.case(
    "PAY-GPO/results-cleared/BV",
    "初始化清除卡片验证结果",
    "Initiation clears the card verification results",
    requirements=["PAY-GPO-006"],
    kind=Kind.VALID,
    expected=(
        "新交易的第一个密文中没有上一交易的 GAC2 和脱机结果",
        "the first cryptogram of the new transaction shows nothing of the second of the last one",
    ),
)
def results_cleared(bench: Bench) -> None:
    """A transaction with two cryptograms, then another: bits 8 and 7 of byte 2 say again that there was no second."""
    visit = Visit(bench)
    visit.online()
    made = visit.begin().first(AAC)
    bench.check(
        made.results[0] & 0xF0 == 0x80,
        "新交易的 CVR 字节 2 高四位：未请求 GAC2，GAC1 为 AAC",
        "high half of byte 2: no second cryptogram requested, the first is an AAC",
        expected="80",
        received=f"{made.results[0] & 0xF0:02X}",
        requirement="PAY-GPO-006",
    )


@SUITE.case(
    "PAY-GPO/list-and-profile/BV",
    "AFL 与 AIP 的格式",
    "Form of AFL and AIP",
    requirements=["PAY-GPO-008", "PAY-GPO-009"],
    kind=Kind.VALID,
    expected=("AFL 各项合法；AIP 保留位为零", "legal entries in the AFL; reserved bits of the AIP are zero"),
)
def list_and_profile(bench: Bench) -> None:
    """For an ordinary and an e-cash transaction."""
    for e_cash in (False, True):
        visit = Visit(bench).open().begin(e_cash=e_cash)
        locator = visit.objects.get(AFL, b"")
        try:
            legal = bool(visit.entries)
        except Inconclusive:
            legal = False
        bench.check(
            legal,
            "AFL 格式",
            "entries of the AFL",
            expected="SFI<<3 | first | last | signed",
            received=locator,
            requirement="PAY-GPO-008",
            go_on=True,
        )
        profile = visit.objects.get(AIP, b"")
        reserved = bytes(a & b for a, b in zip(profile, RESERVED_BITS, strict=False))
        bench.check(
            reserved == bytes(2),
            "AIP 保留位",
            "reserved bits of the AIP",
            expected="0000",
            received=reserved,
            requirement="PAY-GPO-009",
            go_on=True,
        )


SUPPORTED = {
    0x40: ((0x90, 0x93), "SDA：发卡行证书和签名", "SDA: issuer certificate and signed data"),
    0x20: ((0x90, 0x9F46), "DDA：发卡行和 IC 卡证书", "DDA: certificates of issuer and card"),
    0x10: ((0x8E,), "持卡人验证：CVM 列表", "cardholder verification: CVM list"),
}


@SUITE.case(
    "PAY-GPO/profile-and-data/BV",
    "AIP 与记录数据一致，AFL 所列记录均可读",
    "The AIP agrees with the records, and all records of the AFL can be read",
    requirements=["PAY-GPO-010", "PAY-GPO-011"],
    kind=Kind.VALID,
    expected=(
        "每个功能位都有其数据；AFL 的每条记录应答 9000",
        "each function has its data; each record of the AFL answers 9000",
    ),
)
def profile_and_data(bench: Bench) -> None:
    """Both AFLs of the contact interface."""
    for e_cash in (False, True):
        visit = Visit(bench).open().begin(e_cash=e_cash)
        content: set[int] = set()
        for entry in visit.entries:
            for number in range(entry.first, entry.last + 1):
                response = visit.read_record(entry.sfi, number)
                bench.expect(
                    response, GOOD, f"读 SFI {entry.sfi} 记录 {number}", "READ RECORD", requirement="PAY-GPO-011"
                )
                content |= objects_of(response.data, 0x70).keys()
        functions = visit.objects.get(AIP, b"\0")[0]
        for bit, (tags, zh, en) in SUPPORTED.items():
            if functions & bit:
                bench.check(
                    content.issuperset(tags),
                    zh,
                    en,
                    expected=" ".join(f"{tag:X}" for tag in tags),
                    received=" ".join(f"{tag:X}" for tag in tags if tag in content) or "—",
                    requirement="PAY-GPO-010",
                )


@SUITE.case(
    "PAY-GPO/malformed/BI",
    "长度或标签错误的初始化",
    "Initiation with wrong length or tag",
    requirements=["PAY-GPO-012"],
    kind=Kind.INVALID,
    expected=(
        "长度不符应答 6700，模板标签不符应答 6A80；ATC 不变",
        "6700 for a wrong length, 6A80 for a wrong tag; the counter stays",
    ),
)
def malformed(bench: Bench) -> None:
    """One byte too many, one too few, another template."""
    visit = Visit(bench).open()
    values, before = visit.pdol_values(), counter(bench)
    wrong = {
        "多一字节 one byte more": (0x83, values + b"\0", SW.WRONG_LENGTH),
        "模板 84 template 84": (0x84, values, SW.WRONG_DATA),
    }
    if values:
        wrong["少一字节 one byte less"] = (0x83, values[:-1], SW.WRONG_LENGTH)
    for what, (tag, data, word) in wrong.items():
        bench.step(what, what)
        response = bench.send(apdu(0x80, 0xA8, 0, 0, tlv.build(tag, data), ne=256))
        bench.expect(response, word, "格式错误的初始化", "malformed GPO", requirement="PAY-GPO-012", go_on=True)
    bench.check(
        (now := counter(bench)) == before,
        "ATC 不变",
        "counter as before",
        expected=f"{before:04X}",
        received=f"{now:04X}",
        requirement="PAY-GPO-012",
    )


@SUITE.case(
    "PAY-GPO/before-selection/BO",
    "未选择应用时初始化",
    "Initiation before the selection",
    requirements=["PAY-GPO-013"],
    kind=Kind.INOPPORTUNE,
    expected=("6985 或指令不支持", "6985, or the command is not there"),
)
def before_selection(bench: Bench) -> None:
    """Right after the reset. A card whose master file knows other commands may not know this one there."""
    bench.reset()
    response = bench.send("80A8000002830000")
    words = (SW.CONDITIONS_OF_USE_NOT_SATISFIED, SW.INSTRUCTION_NOT_SUPPORTED, SW.CLASS_NOT_SUPPORTED)
    bench.expect(response, words, "未选择应用时初始化", "GPO before SELECT", requirement="PAY-GPO-013")


@SUITE.case(
    "PAY-GPO/blocked/BV",
    "锁定的应用仍可初始化",
    "A blocked application can be initiated",
    requirements=["PAY-GPO-014"],
    kind=Kind.VALID,
    destructive=True,
    expected=("SELECT 应答 6283，初始化应答 9000", "SELECT answers 6283, GPO 9000"),
)
def blocked(bench: Bench) -> None:
    """So that the bank's device can unblock it."""
    visit = Visit(bench).ordered(block_application())
    bench.reset()
    bench.expect(
        visit.send_select(), SW.SELECTED_FILE_DEACTIVATED, "选择锁定的应用", "SELECT of the blocked application"
    )
    bench.expect(
        visit.send_begin(), GOOD, "初始化锁定的应用", "GPO of the blocked application", requirement="PAY-GPO-014"
    )


@SUITE.case(
    "PAY-GPO/conditions/BI",
    "不满足发卡行使用条件的初始化",
    "Initiation against the issuer's conditions of use",
    requirements=["PAY-GPO-007"],
    kind=Kind.INVALID,
    expected=("6985，无 AIP 和 AFL", "6985 without AIP and AFL"),
)
def conditions(bench: Bench) -> None:
    """A value outside the declared ones for each object that has conditions."""
    visit = Visit(bench).open()
    payment = visit.application.payment
    for tag, allowed in (payment.allowed if payment else {}).items():
        length = len(allowed[0])
        outside = next(v for n in range(256) if (v := bytes((n,)) * length) not in allowed)
        good = visit.values.get(int(tag, 16), bytes(length))
        visit.values[int(tag, 16)] = outside
        response = visit.send_begin()
        bench.expect(response, REFUSED, f"{tag} 超出范围", f"{tag} outside", requirement="PAY-GPO-007")
        bench.check(
            not response.data, "无数据", "no data", expected="—", received=response.data, requirement="PAY-GPO-007"
        )
        visit.values[int(tag, 16)] = good
