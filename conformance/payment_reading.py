"""How payment suites read a card: answers as trees of data objects, the ways through a transaction, records, the directory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from conformance.bench import GOOD, Bench, Expectation
from conformance.dialogue import apdu
from conformance.failures import Inconclusive
from conformance.payment_answers import (
    objects_of,
)
from conformance.payment_dialogue import (
    Visit,
)
from conformance.payment_judging import algorithm_choices
from emulator.iso7816 import SW, Response, TlvError, tlv

PSE, PPSE = b"1PAY.SYS.DDF01", b"2PAY.SYS.DDF01"
"""Payment system environment 支付系统环境, and the one of the contactless interface 近距离支付系统环境."""
TEMPLATE_FILES = range(1, 11)
"""Short identifiers of files whose records are templates 70 (JR/T 0025.5 §5.3)."""
LAST_RECORD = 254
NOT_AVAILABLE = Expectation((SW.REFERENCED_DATA_NOT_FOUND,))


def tree(data: bytes) -> tuple[tlv.Tlv, ...]:
    """The data objects of an answer, sound down to the innermost; none where the bytes are anything else."""
    try:
        found = tlv.parse(data)
        for _ in tlv.walk(found):
            pass
    except TlvError:
        return ()
    return found


def template(data: bytes, tag: int) -> tlv.Tlv | None:
    """The one sound template that an answer is, with nothing before or after it."""
    found = tree(data)
    return found[0] if len(found) == 1 and found[0].tag == tag else None


def tags_and_lengths(listed: bytes) -> tuple[tuple[int, int], ...]:
    """The entries of a data object list; none where the bytes are no list."""
    try:
        return tlv.parse_tags_and_lengths(listed)
    except TlvError:
        return ()


def every_object(data: bytes) -> Iterator[tlv.Tlv]:
    """All data objects of an answer at any depth, outer ones first."""
    for _, each in tlv.walk(tree(data)):
        yield each


def ways(bench: Bench) -> Iterator[tuple[str, str, Visit]]:
    """A begun transaction for each AIP and AFL that the contacts may give: ordinary, e-cash, each algorithm set.

    With the Chinese and the English name of the way.
    """
    visit, sets = Visit(bench), algorithm_choices(bench.profile)
    for sm in sets:
        for e_cash, zh, en in ((False, "普通交易", "ordinary transaction"), (True, "电子现金交易", "e-cash")):
            if len(sets) > 1:
                zh, en = f"{zh}，DF69={int(sm):02d}", f"{en}, DF69={int(sm):02d}"
            bench.step(zh, en)
            yield zh, en, visit.open().begin(e_cash=e_cash, sm=sm)


@dataclass(frozen=True, slots=True)
class Record:
    """A record as the card gave it."""

    sfi: int
    number: int
    data: bytes

    def __str__(self) -> str:
        return f"record {self.number} of SFI {self.sfi}"

    @property
    def zh(self) -> str:
        """Its place in Chinese."""
        return f"SFI {self.sfi} 记录 {self.number}"

    @property
    def objects(self) -> tuple[tlv.Tlv, ...]:
        """What the template 70 holds, in order, whatever padding is around it; none where the record is something else."""
        try:
            found = tlv.parse(self.data, strict=False)
            return found[0].parse_value() if len(found) == 1 and found[0].tag == 0x70 else ()
        except TlvError:
            return ()


def listed_records(visit: Visit) -> Iterator[Record]:
    """The records of the AFL; inconclusive where one cannot be read."""
    for entry in visit.entries:
        for number in range(entry.first, entry.last + 1):
            answer = visit.bench.need(visit.read_record(entry.sfi, number), "读应用记录", "READ RECORD of the AFL")
            yield Record(entry.sfi, number, answer.data)


def records_of_ways(bench: Bench) -> Iterator[tuple[Visit, list[Record], dict[int, bytes]]]:
    """For each way through a transaction: the terminal, the records of the AFL, and their objects by tag."""
    for _, _, visit in ways(bench):
        records = list(listed_records(visit))
        yield visit, records, {each.tag: each.value for record in records for each in record.objects}


def every_record(visit: Visit) -> Iterator[Record]:
    """All records that the files with short identifiers 1 to 10 give, listed or not."""
    for sfi in TEMPLATE_FILES:
        for number in range(1, LAST_RECORD + 1):
            answer = visit.read_record(sfi, number)
            if answer.sw != SW.SUCCESS:
                break
            yield Record(sfi, number, answer.data)


# The directory of the payment system environment


def open_environment(bench: Bench) -> int:
    """SELECT PSE, which must succeed, and the short identifier of its directory file; inconclusive without one."""
    answer = bench.need(Visit(bench).send_select(PSE), "选择PSE", "SELECT of the PSE")
    found = objects_of(answer.data, 0x6F, 0xA5).get(0x88, b"")
    if len(found) != 1 or not 1 <= found[0] <= TEMPLATE_FILES[-1]:
        raise Inconclusive("PSE 没有目录文件", "the PSE names no directory file (tag 88)")
    return found[0]


def directory_records(bench: Bench) -> tuple[list[Record], Response]:
    """The records of the directory file, and the answer that ended them."""
    visit, sfi = Visit(bench), open_environment(bench)
    records: list[Record] = []
    while (answer := visit.read_record(sfi, len(records) + 1)).sw == SW.SUCCESS and len(records) < LAST_RECORD:
        records.append(Record(sfi, len(records) + 1, answer.data))
    return records, answer


def directory_entries(bench: Bench) -> list[dict[int, bytes]]:
    """The entries 61 of the directory file, each by tag; inconclusive where there is none."""
    records, _ = directory_records(bench)
    templates = [each for record in records for each in record.objects if each.tag == 0x61]
    if not templates:
        raise Inconclusive("PSE 目录没有入口", "the directory of the PSE has no entry 61")
    return [objects_of(entry.value) for entry in templates]


# GET DATA


def ask_data(bench: Bench, tag: int) -> Response:
    """GET DATA."""
    return bench.send(apdu(0x80, 0xCA, tag >> 8, tag & 0xFF, ne=256))


def expect_object(bench: Bench, tag: int, requirement: str, length: int | None = None) -> bytes:
    """9000 with the object alone, of this length where one is given; its value."""
    response = bench.expect(ask_data(bench, tag), GOOD, f"取 {tag:X}", f"GET DATA {tag:X}", requirement=requirement)
    found = template(response.data, tag)
    bench.check(
        found is not None and (length is None or len(found.value) == length),
        f"{tag:X} 的标签、长度、值",
        f"tag, length and value of {tag:X}",
        expected=f"{tag:X} {'L' if length is None else f'{length:02X}'} …",
        received=response.data,
        requirement=requirement,
    )
    return found.value if found else b""


def expect_not_available(bench: Bench, tag: int, requirement: str) -> None:
    """6A88 without data."""
    response = bench.expect(
        ask_data(bench, tag), NOT_AVAILABLE, f"取 {tag:X}", f"GET DATA {tag:X}", requirement=requirement
    )
    bench.check(not response.data, "无数据", "no data", expected="—", received=response.data, requirement=requirement)
