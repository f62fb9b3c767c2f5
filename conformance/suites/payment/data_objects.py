"""GET DATA 取数据 (area PAY-GDT): who may read what, what nobody may read, and that reading changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.actors.bank.scripts import block_application
from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.failures import Inconclusive, NotApplicable
from conformance.payment_answers import (
    COUNTER,
)
from conformance.payment_dialogue import (
    AAC,
    BALANCE,
    Visit,
    application,
    declared_objects,
    get_data,
)
from conformance.payment_judging import (
    PIN_EXCEEDED,
    exhaust_pin,
    judge,
    put_back,
    settings,
)
from conformance.payment_reading import ask_data, expect_not_available, expect_object, tags_and_lengths, template
from emulator.iso7816 import SW
from profiles.model import Profile

SUITE = Suite("payment data objects", "金融应用取数据", "Payment: GET DATA", restore=put_back)

LAST_ONLINE, PIN_TRIES, LOG_FORMAT, THRESHOLD, LOAD_LOG_FORMAT = 0x9F13, 0x9F17, 0x9F4F, 0x9F6D, 0xDF4F
SPECIAL = (
    *(0x9F51, 0x9F52, 0x9F53, 0x9F54, 0x9F56, 0x9F57, 0x9F58, 0x9F59),
    *(0x9F5C, 0x9F72, 0x9F73, 0x9F75, 0x9F76),
)
"""Objects for special devices of the issuer (JR/T 0025.5 table B.10)."""
UNUSED = (0x9F7E, 0xDF7E, 0xDF01, 0xC1, 0x9F02, 0x9F37)
"""Tags that no card gives by GET DATA: one of the standard's example, private ones, and values of terminals."""
ONE_BYTE_TAGS = [tag for tag in range(1, 0x100) if tag & 0x1F != 0x1F]
TWO_BYTE_TAGS = [first << 8 | last for first in range(0x1F, 0x100, 0x20) for last in range(0x80)]


def _free(profile: Profile) -> Iterator[int]:
    """Tags that an ordinary session may read, as far as the card has them."""
    declared, objects = settings(profile), declared_objects(profile)
    yield COUNTER
    if declared.last_online_atc_readable:
        yield LAST_ONLINE
    if declared.pin_tries_readable and application(profile).pin:
        yield PIN_TRIES
    yield from (tag for tag in (LOG_FORMAT, BALANCE, THRESHOLD, LOAD_LOG_FORMAT) if f"{tag:X}" in objects)


def _withheld(profile: Profile) -> Iterator[int]:
    """Counters that the issuer keeps to himself."""
    declared = settings(profile)
    if not declared.last_online_atc_readable:
        yield LAST_ONLINE
    if not declared.pin_tries_readable:
        yield PIN_TRIES


def _special(profile: Profile) -> list[int]:
    objects = declared_objects(profile)
    found = [tag for tag in SPECIAL if f"{tag:X}" in objects]
    if not found:
        raise NotApplicable("卡片没有特殊设备数据", "the card has no data for special devices")
    return found


@SUITE.case(
    "PAY-GDT/form/BV",
    "取数据应答格式",
    "Form of the answer",
    requirements=["PAY-GDT-001"],
    kind=Kind.VALID,
    expected=(
        "9F36 02 和计数器两字节；其余亦为标签、长度、值",
        "9F36 02 and the counter; tag, length and value of the others",
    ),
)
def form(bench: Bench) -> None:
    """Everything that an ordinary session may read and that the card gives."""
    Visit(bench).open()
    expect_object(bench, COUNTER, "PAY-GDT-001", 2)
    for tag in _free(bench.profile):
        response = ask_data(bench, tag)
        if response.sw == SW.SUCCESS:
            bench.check(
                template(response.data, tag) is not None,
                f"{tag:X} 的标签、长度、值",
                f"tag, length and value of {tag:X}",
                expected=f"{tag:X} L …",
                received=response.data,
                requirement="PAY-GDT-001",
            )


@SUITE.case(
    "PAY-GDT/ordinary/BV",
    "普通会话可取的数据",
    "Data for everybody",
    requirements=["PAY-GDT-002"],
    kind=Kind.VALID,
    expected=("卡片具备的 9F36、9F13、9F17、9F4F 均应答 9000", "9000 for 9F36, 9F13, 9F17 and 9F4F that the card has"),
)
def ordinary(bench: Bench) -> None:
    """As far as the profile says that the card uses and shows them."""
    Visit(bench).open()
    for tag in _free(bench.profile):
        if tag in (COUNTER, LAST_ONLINE, PIN_TRIES, LOG_FORMAT):
            bench.expect(ask_data(bench, tag), GOOD, f"取 {tag:X}", f"GET DATA {tag:X}", requirement="PAY-GDT-002")


@SUITE.case(
    "PAY-GDT/unavailable/BI",
    "不可取的数据",
    "Data that are not available",
    requirements=["PAY-GDT-003"],
    kind=Kind.INVALID,
    expected=("6A88，无数据", "6A88 without data"),
)
def unavailable(bench: Bench) -> None:
    """Tags that no card has, private ones, and counters that this card withholds."""
    Visit(bench).open()
    declared = declared_objects(bench.profile)
    for tag in (*UNUSED, *_withheld(bench.profile)):
        if f"{tag:X}" not in declared:
            expect_not_available(bench, tag, "PAY-GDT-003")


@SUITE.case(
    "PAY-GDT/special/BI",
    "特殊设备数据",
    "Data for special devices",
    requirements=["PAY-GDT-004"],
    kind=Kind.INVALID,
    expected=(
        "普通会话 6A88；声明为特殊设备会话时 9000",
        "6A88 in an ordinary session; 9000 where the profile declares a special device",
    ),
)
def special(bench: Bench) -> None:
    """Each of them that the card has."""
    Visit(bench).open()
    for tag in _special(bench.profile):
        if settings(bench.profile).special_device:
            expect_object(bench, tag, "PAY-GDT-004", len(declared_objects(bench.profile)[f"{tag:X}"]))
        else:
            expect_not_available(bench, tag, "PAY-GDT-004")


# E-cash


@SUITE.case(
    "PAY-GDT/e-cash/BV",
    "电子现金余额与重置阈值",
    "E-cash balance and threshold",
    requirements=["PAY-GDT-006"],
    kind=Kind.VALID,
    expected=("9F79、9F6D：9000，各 6 字节数字", "9000 for 9F79 and 9F6D with six bytes of digits each"),
)
def e_cash(bench: Bench) -> None:
    """Right after the selection."""
    Visit(bench).open()
    for tag in (BALANCE, THRESHOLD):
        value = expect_object(bench, tag, "PAY-GDT-006", 6)
        bench.check(
            value.hex().isdecimal(),
            f"{tag:X} 为数字",
            f"{tag:X} is a number",
            expected="n 12",
            received=value,
            requirement="PAY-GDT-006",
        )


@SUITE.case(
    "PAY-GDT/load-log-format/BV",
    "圈存日志格式",
    "Format of the load log",
    requirements=["PAY-GDT-007"],
    kind=Kind.VALID,
    expected=("DF4F：9000，标签和长度列表", "9000 for DF4F with a list of tags and lengths"),
)
def load_log_format(bench: Bench) -> None:
    """A list that a terminal can read."""
    Visit(bench).open()
    value = expect_object(bench, LOAD_LOG_FORMAT, "PAY-GDT-007")
    listed = tags_and_lengths(value)
    bench.check(
        bool(listed) and all(length for _, length in listed),
        "标签和长度列表",
        "list of tags and lengths",
        expected="tag L …",
        received=value,
        requirement="PAY-GDT-007",
    )


# Reading and transactions


@SUITE.case(
    "PAY-GDT/exhausted-pin/BV",
    "读取用尽的 PIN 尝试计数器",
    "Reading an exhausted PIN counter",
    requirements=["PAY-GDT-009"],
    kind=Kind.VALID,
    destructive=True,
    expected=("交易中读得 9F17 为 0 后 CVR 3.b7 = 1", "CVR 3.b7 is 1 after 9F17 was read as 0 in the transaction"),
)
def exhausted_pin(bench: Bench) -> None:
    """In the transaction after the one that used the last try; VERIFY is not sent in it."""
    if PIN_TRIES not in _free(bench.profile):
        raise NotApplicable("9F17 不可读", "the card withholds 9F17")
    Visit(bench).open().begin()
    exhaust_pin(bench)
    bench.reset()
    visit = Visit(bench)
    visit.send_select()
    visit.begin().read()
    if get_data(bench, PIN_TRIES) != b"\0":
        raise Inconclusive("9F17 不为 0", "the PIN is exhausted, but 9F17 is not 0")
    judge(bench, "PAY-GDT-009", visit.first(AAC), shown=[PIN_EXCEEDED])


@SUITE.case(
    "PAY-GDT/no-effect/BV",
    "取数据无副作用",
    "Reading changes nothing",
    requirements=["PAY-GDT-010"],
    kind=Kind.VALID,
    expected=("每个标签两次应答相同", "both answers are equal for each tag"),
)
def no_effect(bench: Bench) -> None:
    """All readable objects one after the other, and once more; before and inside a transaction."""
    visit = Visit(bench).open()
    tags = [*_free(bench.profile), *(int(tag, 16) for tag in declared_objects(bench.profile))]
    for inside in (False, True):
        if inside:
            visit.begin()
        first = {tag: ask_data(bench, tag) for tag in dict.fromkeys(tags)}
        for tag, before in first.items():
            again = ask_data(bench, tag)
            bench.check(
                again == before,
                f"再次取 {tag:X}",
                f"GET DATA {tag:X} once more",
                expected=f"{before.data.hex().upper()} {before.sw:04X}".strip(),
                received=f"{again.data.hex().upper()} {again.sw:04X}".strip(),
                requirement="PAY-GDT-010",
            )


@SUITE.case(
    "PAY-GDT/blocked/BV",
    "锁定的应用可取数据",
    "GET DATA of a blocked application",
    requirements=["PAY-GDT-011"],
    kind=Kind.VALID,
    destructive=True,
    expected=("9F36：9000", "9000 for 9F36"),
)
def blocked(bench: Bench) -> None:
    """After APPLICATION BLOCK and a reset."""
    visit = Visit(bench).ordered(block_application())
    bench.reset()
    visit.send_select()
    bench.expect(ask_data(bench, COUNTER), GOOD, "取 9F36", "GET DATA 9F36", requirement="PAY-GDT-011")
