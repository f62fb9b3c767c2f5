"""The cyclic files that terminals write 循环文件: special settlements, former jobs, forms of append (area LOG)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.bench import GOOD, Bench
from conformance.cases import Case, Kind, Suite
from conformance.dialogue import apdu
from conformance.purchase_dialogue import LOG, SPECIAL, Bill, MedicalTerminal
from conformance.suites.standard import StandardFile, standard_files
from conformance.suites.standard.visit import (
    add_record,
    need_restorable,
    open_for,
    other_record,
    p2_of,
    readable,
    record,
    select_file,
)
from conformance.suites.transaction_log import APPEND_FORMS, check, listed, wanted_file
from emulator.iso7816 import SW
from profiles.model import Profile, Text

SUITE = Suite("cyclic files", "循环文件", "Cyclic files")

JOBS = "DF02/EF07"
CATEGORY = b"1"


@SUITE.case(
    "LOG/special-settlements/BV",
    "特殊医疗结算记录",
    "Special settlements",
    requirements=["SSC-LOG-006"],
    kind=Kind.VALID,
    expected=(
        "序号与类别各 2 与 1 字节，最新在前，至少 8 条，满后替换最旧的",
        "number and category, newest first, at least eight; the ninth replaces the oldest",
    ),
)
def special_settlements(bench: Bench) -> None:
    """One more than the eight records."""
    numbers = [number.to_bytes(2, "big") + str(number % 3 + 1).encode() for number in range(0x1F8, 0x201)]
    _fill(bench, wanted_file(bench, SPECIAL), numbers, "SSC-LOG-006")


@SUITE.case(
    "LOG/former-jobs/BV",
    "就业记录",
    "Employment history",
    requirements=["SSC-LOG-008"],
    kind=Kind.VALID,
    expected=("至少保留最近 4 条就业记录，最新在前", "keeps at least the last four former jobs, newest first"),
)
def former_jobs(bench: Bench) -> None:
    """One more than the four records."""
    file = wanted_file(bench, JOBS)
    _fill(bench, file, [other_record(file, None, b"", variant) for variant in range(file.minimum + 1)], "SSC-LOG-008")


def _fill(bench: Bench, file: StandardFile, new: list[bytes], requirement: str) -> None:
    """Append records and read them back; a card that is not renewed gets its own records back."""
    old = readable(bench, file).records
    need_restorable(bench, file, old)
    open_for(bench, file.directory, file.update.condition)
    for raw in new:
        bench.expect(add_record(bench, file, raw), GOOD, "追加记录", "append", requirement=requirement)
    kept = readable(bench, file).records
    wanted = max(file.minimum, 1)
    zh, en = "保留的记录数", "records that are kept"
    bench.check(len(kept) >= wanted, zh, en, expected=f"≥ {wanted}", received=len(kept), requirement=requirement)
    newest = (*reversed(new), *old)[: len(kept)]
    check(bench, requirement, "最新在前", "newest first", listed(newest), listed(kept))
    _put_back(bench, file, old)


def _put_back(bench: Bench, file: StandardFile, old: tuple[bytes, ...]) -> None:
    if bench.target.renewable:
        return
    open_for(bench, file.directory, file.update.condition)
    for raw in reversed(old):
        bench.need(add_record(bench, file, raw), "恢复原记录", "restoring the old record")


@SUITE.case(
    "LOG/special-number/BV",
    "特殊结算序号一致",
    "Number of a special settlement",
    requirements=["SSC-LOG-007"],
    kind=Kind.VALID,
    expected=(
        "EF15 新记录的序号与 EF08 新记录一致，写入 EF15 不改变 EF08",
        "the new record of EF15 has the number of that in EF08, and leaves EF08 alone",
    ),
    destructive=True,
)
def special_number(bench: Bench) -> None:
    """A settlement, its record in EF15 with the number that the log shows, and both files read again."""
    terminal = MedicalTerminal(bench).open()
    file, log = wanted_file(bench, SPECIAL), wanted_file(bench, LOG)
    for own in (1, 2):
        terminal.open().settle(Bill(own=own))
        logged = bench.need(record(bench, log, 1), "读明细", "READ RECORD of the log").data
        open_for(bench, file.directory, file.update.condition)
        bench.need(add_record(bench, file, logged[:2] + CATEGORY), "写特殊结算记录", "append to EF15")
        special = readable(bench, file).records
        after = readable(bench, log).records
        expected = logged[:2] + CATEGORY
        check(bench, "SSC-LOG-007", "EF15 记录 1", "record 1 of EF15", expected, special[0] if special else b"")
        check(bench, "SSC-LOG-007", "EF08 记录 1", "record 1 of EF08", logged, after[0] if after else b"")


@SUITE.cases_from
def append_forms(profile: Profile) -> Iterator[Case]:
    """A case for each cyclic file that a key opens."""
    for file in standard_files(profile):
        if file.structure == "cyclic" and not file.update.condition.is_never:
            yield Case(
                identifier=f"LOG/append-{file.label}/BV",
                title=Text(zh=f"{file.path} 追加方式", en=f"Append form of {file.path}"),
                requirements=("SSC-LOG-009",),
                kind=Kind.VALID,
                expected=Text(
                    zh="以 00DC00x3 或 00DC01x4 追加后，新记录为记录 1，原记录 1 成为记录 2",
                    en="behind an update 00DC00x3 or 00DC01x4 the new record is record 1, and what was record 1 is record 2",
                ),
                body=partial(_append, file),
            )


def _append(file: StandardFile, bench: Bench) -> None:
    """Both forms, by short identifier and on the current file; a card may know only one of them."""
    issued = before = readable(bench, file).records
    need_restorable(bench, file, issued)
    taken = 0
    for variant, (p1, mode) in enumerate(APPEND_FORMS):
        for current in (False, True):
            open_for(bench, file.directory, file.update.condition)
            if current:
                bench.need(select_file(bench, file), "选择文件", "SELECT of the file")
            new = other_record(file, None, b"", 2 * variant + current)
            answer = bench.send(apdu(0x00, 0xDC, p1, p2_of(file, mode, current=current), new))
            after = readable(bench, file).records
            good = answer.sw == SW.SUCCESS
            kept = max(min(len(before) + 1, file.minimum), len(after))
            expected = (new, *before)[:kept] if good else before
            zh, en = f"P1 {p1:02X}、方式 {mode} 之后的记录", f"records behind P1 {p1:02X}, mode {mode}: {answer.sw:04X}"
            check(bench, "SSC-LOG-009", zh, en, listed(expected), listed(after))
            taken += good
            before = after
    zh, en = "至少接受一种追加方式", "forms of append that are taken"
    bench.check(taken > 0, zh, en, expected="at least one", received=taken, requirement="SSC-LOG-009")
    _put_back(bench, file, issued)
