"""Borders of records 边界: generated record numbers, tags and lengths."""

from __future__ import annotations

from hypothesis import strategies as st

from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import apdu
from conformance.failures import NotApplicable
from conformance.properties import for_all
from conformance.suites.record_addressing import BEYOND, BY_TAG, WRONG_LE, judge_le, judge_same, opened
from conformance.suites.standard import StandardFile, standard_file
from conformance.suites.standard.visit import BY_NUMBER, FIRST_WITH_TAG, open_for, p2_of, record
from emulator.iso7816 import SW

SUITE = Suite("record borders", "记录边界", "Borders of records")

OPEN_FILE = "SSSE/EF05"


@SUITE.case(
    "REC/any-number-and-length/BV",
    "任意记录号与 Le",
    "Any record number and Le",
    requirements=[BEYOND, WRONG_LE],
    kind=Kind.VALID,
    expected=(
        "记录存在时返回原内容或 6Cxx，不存在时返回 6A83",
        "the record or 6Cxx where there is one, 6A83 where there is none",
    ),
)
def any_number_and_length(bench: Bench) -> None:
    """READ RECORD of the file that anyone may read, P1 from 1 to 255, every Le."""
    file = _standard(bench, OPEN_FILE)
    records = opened(bench, file)
    borders = st.sampled_from((1, len(file.records), len(file.records) + 1, 0xFE, 0xFF))
    exact = st.sampled_from(sorted({element.length + 2 for element in file.records} | {0, 1, 0xFF}))

    def body(drawn: tuple[int, int]) -> None:
        number, length = drawn
        open_for(bench, file.directory, file.read.condition)
        if number <= len(records):
            raw = records[number - 1]
            if length not in (0, len(raw)):
                judge_le(bench, file, number, length, len(raw))
                return
            answer = bench.send(apdu(0x00, 0xB2, number, p2_of(file, BY_NUMBER), ne=length or 256))
            judge_same(bench, answer, raw, f"读第 {number} 条记录", f"READ RECORD {number}", WRONG_LE)
            return
        answer = bench.transmit(apdu(0x00, 0xB2, number, p2_of(file, BY_NUMBER), ne=length or 256))
        zh, en = f"读第 {number} 条记录（共 {len(records)} 条）", f"READ RECORD {number} of {len(records)}"
        bench.expect(answer, SW.RECORD_NOT_FOUND, zh, en, requirement=BEYOND)

    for_all(bench, st.tuples(borders | st.integers(1, 255), exact | st.integers(0, 255)), body)


@SUITE.case(
    "REC/any-tag/BV",
    "任意标识",
    "Any tag",
    requirements=[BY_TAG],
    kind=Kind.VALID,
    expected=("标识存在时返回该记录，不存在时返回 6A83", "the record of the tag, or 6A83"),
)
def any_tag(bench: Bench) -> None:
    """READ RECORD by tag over the whole range of P1."""
    file = _standard(bench, OPEN_FILE)
    by_tag = {raw[0]: raw for raw in reversed(opened(bench, file)) if raw}

    def body(tag: int) -> None:
        open_for(bench, file.directory, file.read.condition)
        answer = record(bench, file, tag, FIRST_WITH_TAG)
        if tag in by_tag:
            judge_same(bench, answer, by_tag[tag], f"按标识 {tag:02X} 读取", f"READ RECORD by tag {tag:02X}", BY_TAG)
        else:
            zh, en = f"按不存在的标识 {tag:02X} 读取", f"READ RECORD by tag {tag:02X}, which is absent"
            bench.expect(answer, SW.RECORD_NOT_FOUND, zh, en, requirement=BY_TAG)

    for_all(bench, st.sampled_from(sorted(file.tags)) | st.integers(1, 255), body, share=0.5)


def _standard(bench: Bench, path: str) -> StandardFile:
    file = standard_file(bench.profile, path)
    if file is None:
        raise NotApplicable(f"卡片声明中没有 {path}", f"the declared card has no {path}")
    return file
