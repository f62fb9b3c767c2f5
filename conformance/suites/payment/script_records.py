"""UPDATE RECORD by scripts 修改记录 (area PAY-SCR)."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.actors.bank.scripts import update_record
from conformance.bench import Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.failures import Inconclusive, NotApplicable
from conformance.payment_dialogue import Visit
from conformance.payment_judging import settled
from conformance.suites.payment._steps import (
    expect_executed,
    expect_refusal,
    neighbour,
    records_of,
    restoring,
    torn_script,
    updatable_files,
)
from conformance.tearing import every_cut
from emulator.iso7816 import SW, Response

SUITE = Suite("payment script records", "脚本修改记录", "Payment: records updated by scripts")

NOT_FOUND = Expectation((SW.RECORD_NOT_FOUND,))
FIRST_LOG_FILE, LAST_FILE = 11, 30
Place = tuple[int, int]
"""Short identifier and record number."""


@SUITE.case(
    "PAY-SCR/update-record/BV",
    "修改记录",
    "UPDATE RECORD",
    requirements=["PAY-SCR-028"],
    kind=Kind.VALID,
    expected=("应答 9000，仅该记录改变", "answers 9000, and only that record is new"),
)
@restoring(records=True)
def update(bench: Bench) -> None:
    """Every record of the files that may be updated, the last digit or bit of its last object changed and changed back."""
    visit = settled(bench)
    before = _everything(visit)
    for place in _places(bench, before):
        for value in (neighbour(before[place]), before[place]):
            order = update_record(*place, value)
            expect_executed(bench, visit.send_script(order), order, "PAY-SCR-028")
            wanted = {**before, place: value}
            now = _everything(visit)
            others = sorted(found for found in wanted.keys() | now if wanted.get(found) != now.get(found))
            bench.check(
                not others,
                f"修改 SFI {place[0]} 记录 {place[1]} 后的全部记录",
                f"all records after the update of SFI {place[0]} record {place[1]}",
                expected="—",
                received=", ".join(f"SFI {sfi} / {number}" for sfi, number in others),
                requirement="PAY-SCR-028",
            )


@SUITE.case(
    "PAY-SCR/update-missing/BI",
    "修改不存在的记录",
    "UPDATE RECORD of a missing record",
    requirements=["PAY-SCR-029"],
    kind=Kind.INVALID,
    expected=("应答 6A83，不产生新记录", "answers 6A83, and no record comes into being"),
)
@restoring()
def update_missing(bench: Bench) -> None:
    """One beyond the last record of each file that may be updated."""
    visit = settled(bench)
    before = _everything(visit)
    for sfi in sorted({sfi for sfi, _ in _places(bench, before)}):
        last = max(number for found, number in before if found == sfi)
        answer = visit.send_script(update_record(sfi, last + 1, before[sfi, last]))
        bench.expect(answer, NOT_FOUND, f"SFI {sfi} 记录 {last + 1}", "UPDATE RECORD", requirement="PAY-SCR-029")
        bench.check(
            (count := len(records_of(visit, sfi))) == last,
            "记录数不变",
            "as many records as before",
            expected=last,
            received=count,
            requirement="PAY-SCR-029",
        )


@SUITE.case(
    "PAY-SCR/update-signed/BI",
    "修改只读记录",
    "UPDATE RECORD of a read-only record",
    requirements=["PAY-SCR-030"],
    kind=Kind.INVALID,
    expected=("拒绝，记录不变", "refused, and the record stays"),
)
@restoring()
def update_signed(bench: Bench) -> None:
    """The records that take part in data authentication, such as record 1 of SFI 3."""
    visit = settled(bench)
    open_files = set(updatable_files(bench.profile))
    signed = [
        (entry.sfi, number)
        for entry in visit.entries
        for number in range(entry.first, entry.first + entry.signed)
        if entry.sfi not in open_files
    ]
    if not signed:
        raise NotApplicable("没有参与签名的只读记录", "no read-only record takes part in data authentication")
    for sfi, number in signed:
        old = bench.need(visit.read_record(sfi, number), "读记录", "READ RECORD").data
        answer = visit.send_script(update_record(sfi, number, neighbour(old) if old else b"\x70\x00"))
        expect_refusal(bench, answer, f"SFI {sfi} 记录 {number}", "UPDATE RECORD", "PAY-SCR-030")
        bench.check(
            (now := visit.read_record(sfi, number).data) == old,
            "记录不变",
            "the record stays",
            expected=old,
            received=now,
            requirement="PAY-SCR-030",
        )


@SUITE.case(
    "PAY-SCR/torn-update/BV",
    "修改记录时断电",
    "Power lost during UPDATE RECORD",
    requirements=["PAY-SCR-031"],
    kind=Kind.VALID,
    needs_tearing=True,
    expected=("断电后记录为旧值或新值，其他记录不变", "the old record or the new one, and no other record is changed"),
)
def torn_update(bench: Bench) -> None:
    """Cut at each write in turn."""
    if not list(updatable_files(bench.profile)):
        raise NotApplicable("没有可修改的记录文件", "no file of records may be updated")
    before = _everything(settled(bench))
    place = _places(bench, before)[0]
    new = neighbour(before[place])

    def prepare() -> bytes:
        return torn_script(settled(bench), update_record(*place, new))

    def after_cut(write: int) -> None:
        now = _everything(Visit(bench).open())
        bench.check(
            now in (before, {**before, place: new}),
            "断电后的记录",
            "records after the cut",
            expected=f"{before[place].hex().upper()} / {new.hex().upper()}",
            received=now.get(place, b""),
            requirement="PAY-SCR-031",
        )

    def undisturbed(answer: Response) -> None:
        expect_executed(bench, answer, update_record(*place, new), "PAY-SCR-031")

    every_cut(bench, prepare, after_cut, undisturbed)


def _everything(visit: Visit) -> dict[Place, bytes]:
    """All records of the files below the logs."""
    found = {}
    for sfi in range(1, FIRST_LOG_FILE):
        for number, record in enumerate(records_of(visit, sfi), 1):
            found[sfi, number] = record
    return found


def _places(bench: Bench, contents: Mapping[Place, bytes]) -> list[Place]:
    """Records of the files that may be updated; not applicable where the card has no such file."""
    wanted = list(updatable_files(bench.profile))
    if not wanted:
        raise NotApplicable("没有可修改的记录文件", "no file of records may be updated")
    found = [place for place in contents if place[0] in wanted and contents[place]]
    if not found:
        raise Inconclusive("可修改的文件中没有记录", "the files that may be updated have no records")
    return found
