"""READ RECORD and what the records hold 读应用数据 (area PAY-RDR): templates, borders, mandatory data, agreement."""

from __future__ import annotations

import re

from conformance.actors.bank.scripts import block_application
from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.failures import NotApplicable
from conformance.payment_dialogue import Visit
from conformance.payment_judging import put_back
from conformance.payment_reading import (
    LAST_RECORD,
    TEMPLATE_FILES,
    Record,
    every_object,
    every_record,
    listed_records,
    template,
    ways,
)
from emulator.iso7816 import SW

SUITE = Suite("payment records", "金融应用记录", "Payment: records", restore=put_back)

MISSING_RECORD = Expectation((SW.RECORD_NOT_FOUND,))
TRACK_2, ACCOUNT, EXPIRY, SERVICE_CODE = 0x57, 0x5A, 0x5F24, 0x5F30
NAME, NAME_EXTENSION = 0x5F20, 0x9F0B
MANDATORY = (TRACK_2, ACCOUNT, EXPIRY, 0x8C, 0x8D, 0x9F08)
E_CASH = (0x9F79, 0x9F77, 0x9F78, 0x9F6D)
LENGTHS = {NAME: range(2, 27), NAME_EXTENSION: range(27, 46)}
TRACK_FORM = re.compile(r"(?P<account>\d{1,19})D(?P<expiry>\d{4})(?P<service>\d{3})\d*F?")
"""Track 2 equivalent data: account number, D, YYMM, service code, discretionary digits, F to a whole byte."""


def _shown(tags: list[int]) -> str:
    return " ".join(f"{tag:X}" for tag in tags) or "—"


@SUITE.case(
    "PAY-RDR/template/BV",
    "记录为一个模板 70",
    "Records are one template 70",
    requirements=["PAY-RDR-001"],
    kind=Kind.VALID,
    expected=("短文件标识 1 至 10 的每条记录为一个编码正确的 70", "one well-formed 70 in each record of files 1 to 10"),
)
def one_template(bench: Bench) -> None:
    """The records of every AFL."""
    for _, _, visit in ways(bench):
        for record in listed_records(visit):
            if record.sfi in TEMPLATE_FILES:
                bench.check(
                    template(record.data, 0x70) is not None,
                    f"模板：{record.zh}",
                    f"template of {record}",
                    expected="70 L …",
                    received=record.data,
                    requirement="PAY-RDR-001",
                )


@SUITE.case(
    "PAY-RDR/missing-record/BI",
    "记录不存在",
    "Missing record",
    requirements=["PAY-RDR-002"],
    kind=Kind.INVALID,
    expected=("末条记录加 1：6A83", "6A83 for the last record plus 1"),
)
def missing_record(bench: Bench) -> None:
    """In each file of the AFL, the first record after the listed ones that is not there."""
    visit = Visit(bench).open().begin()
    last = {entry.sfi: entry.last for entry in visit.entries}
    for sfi, listed in sorted(last.items()):
        number = listed
        while (answer := visit.read_record(sfi, number + 1)).sw == SW.SUCCESS and number + 1 < LAST_RECORD:
            number += 1
        zh, en = f"SFI {sfi} 末条记录之后", f"after the last record of SFI {sfi}"
        bench.expect(answer, MISSING_RECORD, zh, en, requirement="PAY-RDR-002")


@SUITE.case(
    "PAY-RDR/record-zero/BI",
    "记录号 0",
    "Record number 0",
    requirements=["PAY-RDR-003"],
    kind=Kind.INVALID,
    expected=("拒绝，无数据", "refused without data"),
)
def record_zero(bench: Bench) -> None:
    """P1 = 00 on the files of the AFL."""
    visit = Visit(bench).open().begin()
    for sfi in sorted({entry.sfi for entry in visit.entries}):
        answer = visit.read_record(sfi, 0)
        bench.check(
            answer.sw >> 8 not in (0x90, 0x61, 0x62, 0x63) and not answer.data,
            f"读 SFI {sfi} 记录 0",
            f"record 0 of SFI {sfi}",
            expected="6xxx",
            received=f"{answer.data.hex().upper()} {answer.sw:04X}".strip(),
            requirement="PAY-RDR-003",
        )


@SUITE.case(
    "PAY-RDR/missing-file/BI",
    "文件不存在",
    "Missing file",
    requirements=["PAY-RDR-004"],
    kind=Kind.INVALID,
    expected=("6A82", "6A82"),
)
def missing_file(bench: Bench) -> None:
    """Short identifiers 1 to 30 that the declared card leaves free: the lowest and the highest."""
    visit = Visit(bench).open()
    taken = {file.short_identifier for file in visit.application.file.values()}
    free = [sfi for sfi in range(1, 31) if sfi not in taken]
    if not free:
        raise NotApplicable("全部短文件标识均已使用", "every short identifier has its file")
    visit.begin()
    for sfi in {free[0], free[-1]}:
        answer = visit.read_record(sfi, 1)
        bench.expect(answer, SW.FILE_NOT_FOUND, f"读 SFI {sfi}", f"record 1 of SFI {sfi}", requirement="PAY-RDR-004")


@SUITE.case(
    "PAY-RDR/mandatory/BV",
    "强制数据",
    "Mandatory data",
    requirements=["PAY-RDR-005"],
    kind=Kind.VALID,
    expected=("AFL 的记录中有 57、5A、5F24、8C、8D、9F08", "57, 5A, 5F24, 8C, 8D and 9F08 in the records of the AFL"),
)
def mandatory(bench: Bench) -> None:
    """For every AFL."""
    for zh, en, visit in ways(bench):
        found = {each.tag for record in listed_records(visit) for each in record.objects}
        bench.check(
            found.issuperset(MANDATORY),
            f"强制数据：{zh}",
            f"mandatory data: {en}",
            expected=_shown(list(MANDATORY)),
            received=_shown([tag for tag in MANDATORY if tag in found]),
            requirement="PAY-RDR-005",
        )


@SUITE.case(
    "PAY-RDR/track-place/BV",
    "磁条 2 等效数据的位置",
    "Place of the track 2 equivalent data",
    requirements=["PAY-RDR-006"],
    kind=Kind.VALID,
    expected=("短文件标识 1 的记录 1 含 57", "57 in record 1 of the file with short identifier 1"),
)
def track_place(bench: Bench) -> None:
    """Record 1 of SFI 1 after initiation."""
    answer = Visit(bench).open().begin().read_record(1, 1)
    bench.check(
        answer.sw == SW.SUCCESS and TRACK_2 in {each.tag for each in Record(1, 1, answer.data).objects},
        "SFI 1 记录 1",
        "record 1 of SFI 1",
        expected="70{57 …}",
        received=answer.data or f"{answer.sw:04X}",
        requirement="PAY-RDR-006",
    )


@SUITE.case(
    "PAY-RDR/no-tag-twice/BV",
    "数据元不重复",
    "No tag twice",
    requirements=["PAY-RDR-007"],
    kind=Kind.VALID,
    expected=(
        "初始化应答与各记录中每个标签只出现一次",
        "each tag once in the answer of initiation and all records",
    ),
)
def no_tag_twice(bench: Bench) -> None:
    """For every AFL; of a format 1 answer the objects AIP and AFL count."""
    for zh, en, visit in ways(bench):
        answer = visit.send_begin()
        whole = template(answer.data, 0x77)
        tags = [each.tag for each in whole.children] if whole else [0x82, 0x94]
        tags += [each.tag for record in listed_records(visit) for each in record.objects]
        twice = sorted({tag for tag in tags if tags.count(tag) > 1})
        bench.check(
            not twice,
            f"重复的标签：{zh}",
            f"tags that come twice: {en}",
            expected="—",
            received=_shown(twice),
            requirement="PAY-RDR-007",
        )


@SUITE.case(
    "PAY-RDR/e-cash-hidden/BV",
    "记录中没有电子现金数据",
    "E-cash data in no record",
    requirements=["PAY-RDR-008"],
    kind=Kind.VALID,
    expected=("记录中没有 9F79、9F77、9F78、9F6D", "no 9F79, 9F77, 9F78 or 9F6D in any record"),
)
def e_cash_hidden(bench: Bench) -> None:
    """All records of the files with short identifiers 1 to 10, listed or not."""
    for record in every_record(Visit(bench).open().begin(e_cash=True)):
        found = [each.tag for each in every_object(record.data) if each.tag in E_CASH]
        bench.check(
            not found,
            f"电子现金数据：{record.zh}",
            f"e-cash data in {record}",
            expected="—",
            received=_shown(found),
            requirement="PAY-RDR-008",
        )


@SUITE.case(
    "PAY-RDR/blocked/BV",
    "锁定的应用的记录",
    "Records of a blocked application",
    requirements=["PAY-RDR-009"],
    kind=Kind.VALID,
    destructive=True,
    expected=("锁定后仍可读，内容不变", "readable after the block, with the same contents"),
)
def blocked(bench: Bench) -> None:
    """The records of the ordinary AFL before and after APPLICATION BLOCK."""
    visit = Visit(bench).open().begin()
    before = list(listed_records(visit))
    visit.ordered(block_application())
    bench.reset()
    visit.send_select()
    visit.send_begin()
    for record in before:
        answer = visit.read_record(record.sfi, record.number)
        zh, en = f"锁定后读 {record.zh}", f"{record} of the blocked application"
        bench.expect(answer, GOOD, zh, en, requirement="PAY-RDR-009")
        bench.check(
            answer.data == record.data,
            f"内容不变：{record.zh}",
            f"contents of {record} as before",
            expected=record.data,
            received=answer.data,
            requirement="PAY-RDR-009",
        )


@SUITE.case(
    "PAY-RDR/track-agrees/BV",
    "磁条 2 等效数据一致",
    "Track 2 equivalent data agree",
    requirements=["PAY-RDR-010"],
    kind=Kind.VALID,
    expected=(
        "57 中的主账号、失效年月、服务码等于 5A、5F24、5F30",
        "account number, expiry and service code in 57 equal 5A, 5F24 and 5F30",
    ),
)
def track_agrees(bench: Bench) -> None:
    """For every AFL; the service code where the card has 5F30."""
    for _, _, visit in ways(bench):
        objects = {each.tag: each.value.hex().upper() for record in listed_records(visit) for each in record.objects}
        track = TRACK_FORM.fullmatch(objects.get(TRACK_2, ""))
        bench.check(
            track is not None,
            "磁条 2 等效数据格式",
            "form of the track 2 equivalent data",
            expected="PAN D YYMM service …",
            received=objects.get(TRACK_2, "—"),
            requirement="PAY-RDR-010",
        )
        parts = track.groupdict() if track else {}
        wanted = {"account": objects.get(ACCOUNT, "").rstrip("F"), "expiry": objects.get(EXPIRY, "")[:4]}
        if SERVICE_CODE in objects:
            wanted["service"] = objects[SERVICE_CODE][-3:]
        received = {part: parts.get(part, "") for part in wanted}
        bench.check(
            received == wanted,
            "主账号、失效年月、服务码",
            "account number, expiry, service code",
            expected=" ".join(wanted.values()),
            received=" ".join(received.values()),
            requirement="PAY-RDR-010",
        )


@SUITE.case(
    "PAY-RDR/holder-name/BV",
    "持卡人姓名及扩展",
    "Cardholder name or its extension",
    requirements=["PAY-RDR-011"],
    kind=Kind.VALID,
    expected=(
        "5F20（2 至 26）与 9F0B（27 至 45）不同时存在",
        "5F20 (2 to 26 characters) and 9F0B (27 to 45) are never there together",
    ),
)
def holder_name(bench: Bench) -> None:
    """In all records of the files with short identifiers 1 to 10."""
    records = every_record(Visit(bench).open().begin())
    names = [each for record in records for each in every_object(record.data) if each.tag in LENGTHS]
    bench.check(
        len({each.tag for each in names}) <= 1 and all(len(each.value) in LENGTHS[each.tag] for each in names),
        "姓名及其长度",
        "names and their lengths",
        expected="5F20 (2–26) / 9F0B (27–45)",
        received=" ".join(f"{each.tag:X} ({len(each.value)})" for each in names) or "—",
        requirement="PAY-RDR-011",
    )
