"""Tear protection of files 防拔: the supply is cut at every physical write of an update (LD/T 6001.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from conformance.bench import GOOD, Bench
from conformance.cases import Case, Kind, Suite
from conformance.dialogue import (
    REFUSED,
    FilePlace,
    apdu,
    authenticate,
    declared_pin,
    file_places,
    get_challenge,
    open_directory,
    pin_bytes,
    place,
    read_binary,
    read_first,
    read_record,
    satisfy,
    update_first,
)
from conformance.failures import Inconclusive
from conformance.maintenance import enter, key_place, open_pin
from conformance.suites.pins import pin_files
from conformance.tearing import every_cut
from emulator.iso7816 import SW, Response
from profiles.dictionary import layout
from profiles.model import Profile, Text

SUITE = Suite("tearing", "文件防拔", "Tear protection of files")

BLOCK = 0x80
"""Bytes of a block that a terminal writes into a transparent file."""
REQUIREMENT = {
    "variable": "SSC-TEAR-001",
    "fixed": "SSC-TEAR-001",
    "transparent": "SSC-TEAR-002",
    "cyclic": "SSC-TEAR-003",
}
SHOWN = {
    "SSC-TEAR-001": ("更新记录", "UPDATE RECORD"),
    "SSC-TEAR-002": ("更新二进制", "UPDATE BINARY"),
    "SSC-TEAR-003": ("循环文件追加", "append to a cyclic file"),
}
UPDATE_KEY = "UKSSSE"
RECORDS_READ = 3
"""Records of a file that are compared: those next to the changed one, and the newest of a cyclic file."""


@dataclass(frozen=True, slots=True)
class _Torn:
    """A file with the part of it that an update changes."""

    bench: Bench
    place: FilePlace

    @property
    def requirement(self) -> str:
        return REQUIREMENT[self.place.file.structure]

    def open_for_reading(self) -> None:
        self.place.open(self.bench)
        if not self.place.file.read.is_free:
            satisfy(self.bench, self.place.file.read)

    def read(self, *, judging: bool = True) -> tuple[bytes, ...]:
        """What the update may change, and its neighbours; before the cut a refusal is no failure."""
        file, bench = self.place.file, self.bench
        if file.structure == "transparent":
            answers = [read_binary(bench, file, 0, min(2 * BLOCK, file.size or 1))]
        else:
            found = (read_record(bench, file, number) for number in range(1, RECORDS_READ + 1))
            answers = [answer for answer in found if answer.sw != SW.RECORD_NOT_FOUND]
        zh, en = f"读 {self.place.path}", f"reading {self.place.path}"
        for answer in answers:
            if judging:
                bench.expect(answer, GOOD, zh, en, requirement=self.requirement)
            else:
                bench.need(answer, zh, en)
        return tuple(answer.data for answer in answers)

    def command(self, old: tuple[bytes, ...], filling: int) -> bytes:
        """An update that changes every byte of the value: of record 2, or of the only one; of a block."""
        file = self.place.file
        sfi, new = file.short_identifier, self.after(old, filling)
        if file.structure == "transparent":
            at = self._second_block(old)
            return apdu(0, 0xD6, 0x80 | sfi, at, new[0][at : at + BLOCK])
        if file.structure == "cyclic":
            return apdu(0, 0xDC, 0, sfi << 3 | 3, new[0])
        at = self._changed(old)
        return apdu(0, 0xDC, at + 1, sfi << 3 | 4, new[at])

    def after(self, old: tuple[bytes, ...], filling: int) -> tuple[bytes, ...]:
        """What :meth:`read` gives after the update."""
        file = self.place.file
        if file.structure == "cyclic":
            new = bytes([filling]) * layout(file.layout or "").size
            return (new, *old)[: min(RECORDS_READ, file.records or 1)]
        at = self._changed(old)
        value = old[at] if old else b""
        head, end = 2, len(value)
        if file.structure == "transparent":
            head = self._second_block(old)
            end = head + BLOCK
        if len(value) <= head:
            raise Inconclusive(
                f"{self.place.path} 没有可改内容", f"{self.place.path} holds nothing that can be changed"
            )
        changed = bytes(byte ^ filling for byte in value[head:end])
        return (*old[:at], value[:head] + changed + value[end:], *old[at + 1 :])

    @staticmethod
    def _second_block(old: tuple[bytes, ...]) -> int:
        """Where the block begins that is written: behind the first one, in a file that is long enough."""
        return BLOCK if old and len(old[0]) >= 2 * BLOCK else 0

    @staticmethod
    def _changed(old: tuple[bytes, ...]) -> int:
        return min(1, len(old) - 1) if old else 0


def _file(bench: Bench, found: FilePlace) -> None:
    """Old or new after each cut; the right to update is gone; what is written next is not undone by a backup."""
    torn = _Torn(bench, found)
    zh, en = SHOWN[torn.requirement]
    first: list[tuple[bytes, ...]] = []

    def prepare() -> bytes:
        torn.open_for_reading()
        first[:] = [torn.read(judging=False)]
        satisfy(bench, found.file.update)
        return torn.command(first[0], 0xFF)

    def judge(when_zh: str, when_en: str, expected: tuple[tuple[bytes, ...], ...]) -> tuple[bytes, ...]:
        torn.open_for_reading()
        now = torn.read()
        bench.check(
            now in expected,
            f"{when_zh}的内容",
            f"content {when_en}",
            expected=" / ".join(("the old content", "the new content")[-len(expected) :]),
            received=_named(now, expected),
            requirement=torn.requirement,
        )
        return now

    def after_cut(write: int) -> None:
        open_directory(bench, found.directory)
        answer = bench.send(torn.command(first[0], 0xFF))
        bench.expect(answer, REFUSED, "断电后更新", "update after the cut", requirement="SSC-TEAR-009")
        old = first[0]
        now = judge(f"第 {write} 次写入断电后", f"after a cut at write {write}", (old, torn.after(old, 0xFF)))
        satisfy(bench, found.file.update)
        answer = bench.send(torn.command(now, 0x5A))
        bench.expect(answer, GOOD, "断电后再次更新", "the next update", requirement=torn.requirement)
        bench.reset()
        judge("再次更新并复位后", "after the next update and a reset", (torn.after(now, 0x5A),))

    def undisturbed(answer: Response) -> None:
        bench.expect(answer, GOOD, f"未断电的{zh}", f"{en}, not cut", requirement=torn.requirement)
        bench.reset()
        judge("未断电时", "without a cut", (torn.after(first[0], 0xFF),))

    if not every_cut(bench, prepare, after_cut, undisturbed):
        raise Inconclusive("命令没有任何写入", "the command caused no write at all")
    if not bench.target.renewable and found.file.structure != "cyclic":
        satisfy(bench, found.file.update)
        bench.send(torn.command(torn.after(first[0], 0xFF), 0xFF))


def _named(now: tuple[bytes, ...], expected: tuple[tuple[bytes, ...], ...]) -> str:
    """Old or new, without showing what a file holds."""
    return (
        ("the old content", "the new content")[-len(expected) :][expected.index(now)] if now in expected else "neither"
    )


@SUITE.cases_from
def files(profile: Profile) -> Iterable[Case]:
    """Every file that plain commands read and update."""
    for found in file_places(profile.directory):
        if found.file.update.is_never or found.file.read.is_never or found.file.protected:
            continue
        requirement = REQUIREMENT[found.file.structure]
        zh, en = SHOWN[requirement]
        yield Case(
            identifier=f"TEAR/{found.directory}-{found.name}/BV",
            title=Text(zh=f"{zh}防拔：{found.path}", en=f"Tear during {en}: {found.path}"),
            requirements=(requirement, "SSC-TEAR-009"),
            kind=Kind.VALID,
            expected=Text(
                zh="每次断电后内容完全为旧或完全为新，安全状态丢失",
                en="after every cut the content is completely old or completely new, and all rights are lost",
            ),
            body=partial(_file, found=found),
            needs_tearing=True,
        )


@SUITE.case(
    "TEAR/rights/BV",
    "断电后安全状态",
    "Security status after a cut",
    requirements=["SSC-TEAR-009"],
    kind=Kind.VALID,
    expected=(
        "命令被断电后，密码与密钥的权限全部丢失 6982",
        "after a cut nothing is left of the rights of PIN and key, 6982",
    ),
    needs_tearing=True,
)
def rights(bench: Bench) -> None:
    """VERIFY and EXTERNAL AUTHENTICATE, each cut at every write when PIN and key are proven already."""
    key = key_place(bench, UPDATE_KEY)
    file = place(bench, "SSSE/EF06")
    protected = pin_files(bench)[0]

    def proven() -> bytes:
        """The record that the update key may change."""
        open_pin(bench)
        if not file.file.read.is_free:
            satisfy(bench, file.file.read)
        bench.need(authenticate(bench, UPDATE_KEY), "外部认证", "EXTERNAL AUTHENTICATE")
        return bench.need(read_first(bench, file.file), f"读 {file.path}", f"reading {file.path}").data or b"\0"

    kept: list[bytes] = []

    def verification() -> bytes:
        kept[:] = [proven()]
        return apdu(0, 0x20, 0, 0, pin_bytes(declared_pin(bench)))

    def authentication() -> bytes:
        kept[:] = [proven()]
        data = bench.keys.external_authentication(UPDATE_KEY, get_challenge(bench))
        return apdu(0, 0x82, 0, key.reference, data)

    def refused(write: int) -> None:
        enter(bench, file.directory)
        answer = update_first(bench, file.file, kept[0])
        bench.expect(answer, REFUSED, "断电后更新", "updating after the cut", requirement="SSC-TEAR-009")
        enter(bench, protected.directory)
        answer = read_first(bench, protected.file)
        bench.expect(answer, REFUSED, "断电后读取", "reading after the cut", requirement="SSC-TEAR-009")

    def undisturbed(answer: Response) -> None:
        bench.expect(answer, GOOD, "未断电", "not cut", requirement="SSC-TEAR-009")

    for prepare in (verification, authentication):
        every_cut(bench, prepare, refused, undisturbed)
