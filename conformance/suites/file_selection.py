"""Selection of elementary files: by file identifier, by short file identifier, and what a refused SELECT leaves alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from hypothesis import strategies as st

from conformance.bench import GOOD, Bench
from conformance.cases import Case, Kind, Suite
from conformance.dialogue import (
    ENVIRONMENT,
    REFUSED,
    FilePlace,
    apdu,
    file_places,
    place,
    read_binary,
    read_record,
    satisfy,
    select_identifier,
    select_name,
)
from conformance.failures import Inconclusive, NotApplicable
from conformance.properties import for_all
from conformance.suites.selection import NOT_FOUND, objects
from emulator.iso7816 import SW, Response
from profiles.model import File, Profile, Text

SUITE = Suite("selection of files", "选择基本文件", "Selecting elementary files")

BY_IDENTIFIER, CHILD_DIRECTORY, CHILD_FILE = 0x00, 0x01, 0x02
FILE_TEMPLATES = {0x62, 0x64, 0x6F}
CHUNK = 16
UNKNOWN_FILE = bytes.fromhex("EE77")
UNKNOWN_NAME = bytes.fromhex("E0000000FFEE77")


def read_current(bench: Bench, file: File, number: int = 1) -> Response:
    """Read from the current EF: a record by number, or 16 bytes from the beginning."""
    if file.structure == "transparent":
        return bench.send(apdu(0x00, 0xB0, 0, 0, ne=CHUNK))
    return bench.send(apdu(0x00, 0xB2, number, 0x04, ne=256))


def read_by_short_identifier(bench: Bench, file: File, number: int = 1) -> Response:
    """Read the same as :func:`read_current`, naming the file by its short identifier."""
    return (
        read_binary(bench, file, length=CHUNK) if file.structure == "transparent" else read_record(bench, file, number)
    )


def _need_data(answer: Response) -> Response:
    if not answer.data:
        raise Inconclusive("读取成功但无数据", "a read succeeded and gave no data")
    return answer


def _selected_by_identifier(bench: Bench, path: str) -> None:
    """SELECT with P1 00 and 02 makes the file current: reading without a short identifier then speaks of it."""
    found = place(bench, path)
    for p1 in (BY_IDENTIFIER, CHILD_FILE):
        found.open(bench)
        answer = bench.expect(
            bench.send(select_identifier(found.file.fid, p1)),
            GOOD,
            f"选择 {path}，P1 = {p1:02X}",
            f"SELECT {path} with P1 = {p1:02X}",
            requirement="SSC-SEL-012",
        )
        tags = [item.tag for item in objects(answer.data, "SSC-SEL-013")]
        bench.check(
            not tags or (len(tags) == 1 and tags[0] in FILE_TEMPLATES),
            "选择 EF 的应答数据（可无）",
            "data in the answer to SELECT of an EF, which are optional",
            expected="— / 62 / 64 / 6F",
            received=answer.data or "—",
            requirement="SSC-SEL-013",
            go_on=True,
        )
        _check_current(bench, found)


def _check_current(bench: Bench, found: FilePlace) -> None:
    """Read without a short identifier; cyclic files, and the directory file of a chip without applications, may be empty."""
    expected = [SW.SUCCESS if found.file.read.is_free else REFUSED]
    if found.file.structure == "cyclic" or found.file.is_directory:
        expected.append(SW.RECORD_NOT_FOUND)
    read = bench.expect(
        read_current(bench, found.file),
        expected,
        f"读当前文件（应为 {found.path}）",
        f"read the current file, which should be {found.path}",
        requirement="SSC-SEL-012",
    )
    if read.sw == SW.SUCCESS:
        named = read_by_short_identifier(bench, found.file)
        bench.check(
            named == read and read.data != b"",
            "与短文件标识符所读相同",
            "the same as by short file identifier",
            expected=named.to_bytes(),
            received=read.to_bytes(),
            requirement="SSC-SEL-012",
        )


def _current_by_short_identifier(bench: Bench, path: str) -> None:
    """A file that was read by its short identifier is current, whatever was current before."""
    found = place(bench, path)
    found.open(bench)
    satisfy(bench, found.file.read)
    number = min(2, len(found.file.elements) or 1)
    wanted = read_by_short_identifier(bench, found.file, number)
    if wanted.sw == SW.RECORD_NOT_FOUND:
        raise NotApplicable("循环文件中尚无记录", "the cyclic file has no record yet")
    _need_data(bench.need(wanted, f"读 {path}", f"read {path}"))
    others = [file for file in found.described_directory.file.values() if file.structure != "internal"]
    for other in others[:2]:
        bench.need(bench.send(select_identifier(other.fid, CHILD_FILE)), "选择另一文件", "SELECT another file")
        bench.need(read_by_short_identifier(bench, found.file), f"按 SFI 读 {path}", f"read {path} by SFI")
        read = read_current(bench, found.file, number)
        bench.check(
            read == wanted,
            f"不带 SFI 读当前文件（应为 {path}）",
            f"read the current file, which should be {path}, without SFI",
            expected=wanted.to_bytes(),
            received=read.to_bytes(),
            requirement="SSC-SEL-021",
        )


@SUITE.cases_from
def every_file(profile: Profile) -> Iterable[Case]:
    """Two cases for each file that commands can reach."""
    for found in file_places(profile.directory):
        subject, title = found.path.replace("/", "-"), found.file.title
        yield Case(
            f"SEL/{subject}-identifier/BV",
            Text(
                zh=f"按 FID 选择 {found.path} {title.zh}", en=f"Selecting {found.path}, {title.en}, by file identifier"
            ),
            ("SSC-SEL-012", "SSC-SEL-013"),
            Kind.VALID,
            Text(
                zh="P1 = 00 与 02 均为 9000，该文件成为当前文件；可无应答数据",
                en="9000 with P1 = 00 and 02, and the file is current; data in the answer are optional",
            ),
            partial(_selected_by_identifier, path=found.path),
        )
        if not found.file.read.is_never:
            yield Case(
                f"SEL/{subject}-short-identifier/BV",
                Text(
                    zh=f"按 SFI 访问使 {found.path} 成为当前文件",
                    en=f"Access by SFI makes {found.path} the current file",
                ),
                ("SSC-SEL-021",),
                Kind.VALID,
                Text(zh="其后不带 SFI 的读取读的是该文件", en="a read without SFI then reads this file"),
                partial(_current_by_short_identifier, path=found.path),
            )


# What a refused SELECT leaves alone


@dataclass(frozen=True, slots=True)
class Attempt:
    """A SELECT of something that no card of the family has, from the directory of a file."""

    path: str
    command: bytes

    def __repr__(self) -> str:
        return f"{self.path}: {self.command.hex().upper()}"


def _refused(bench: Bench, attempt: Attempt) -> None:
    """6A82, and the current directory and file are what they were."""
    found = place(bench, attempt.path)
    found.open(bench)
    satisfy(bench, found.file.read)
    bench.need(bench.send(select_identifier(found.file.fid, CHILD_FILE)), "选择文件", "SELECT the file")
    before = _need_data(bench.need(read_current(bench, found.file), "读当前文件", "read the current file"))
    bench.expect(
        bench.transmit(attempt.command),
        NOT_FOUND,
        "选择不存在的文件或应用",
        "SELECT something that is not there",
        requirement="SSC-SEL-015",
    )
    for what in (
        (f"当前文件仍为 {attempt.path}", "the current file stays"),
        (
            f"当前目录仍为 {found.directory}",
            "the current directory stays",
        ),
    ):
        after = read_current(bench, found.file)
        bench.check(
            after == before,
            *what,
            expected=before.to_bytes(),
            received=after.to_bytes(),
            requirement="SSC-SEL-015",
        )
        bench.send(select_identifier(found.file.fid, CHILD_FILE))


def _places_to_start_from(profile: Profile) -> list[str]:
    """Files that hold something and are read freely or with the PIN."""
    pins = {name for directory in profile.directory.values() for name in directory.pin}
    return [
        found.path
        for found in file_places(profile.directory)
        if ENVIRONMENT in (found.directory, found.described_directory.parent)
        and found.file.structure != "cyclic"
        and any(alternative <= pins for alternative in found.file.read.alternatives)
    ]


def _one_in_each_directory(profile: Profile) -> list[str]:
    return list({path.split("/")[0]: path for path in reversed(_places_to_start_from(profile))}.values())[::-1]


@SUITE.case(
    "SEL/unknown-identifier/BI",
    "选择不存在的文件标识符",
    "SELECT of an unknown file identifier",
    requirements=["SSC-SEL-015"],
    kind=Kind.INVALID,
    expected=("6A82；当前目录与当前文件不变", "6A82; the current directory and the current EF stay"),
)
def unknown_identifier(bench: Bench) -> None:
    """EE77 in every directory, with every way to select by identifier."""
    for path in _started(bench):
        for p1 in (BY_IDENTIFIER, CHILD_DIRECTORY, CHILD_FILE):
            _refused(bench, Attempt(path, select_identifier(UNKNOWN_FILE, p1)))


@SUITE.case(
    "SEL/unknown-name/BI",
    "选择不存在的应用",
    "SELECT of an unknown AID",
    requirements=["SSC-SEL-015"],
    kind=Kind.INVALID,
    expected=("6A82；当前目录与当前文件不变", "6A82; the current directory and the current EF stay"),
)
def unknown_name(bench: Bench) -> None:
    """A name that nobody registered, and the name of SSSE with a byte too many or another last byte."""
    names = [UNKNOWN_NAME]
    environment = bench.profile.directory.get(ENVIRONMENT)
    if environment is not None and environment.aid:
        names += [environment.aid + b"\x00", environment.aid[:-1] + bytes([environment.aid[-1] ^ 0x01])]
    for path in _started(bench):
        for name in names:
            _refused(bench, Attempt(path, select_name(name)))


def _started(bench: Bench) -> list[str]:
    paths = _one_in_each_directory(bench.profile)
    if not paths:
        raise NotApplicable("没有可作起点的文件", "the declared card has no file to start from")
    return paths


def attempts(profile: Profile) -> st.SearchStrategy[Attempt]:
    """Identifiers and names from ranges that neither the specification nor ISO/IEC 7816-4 nor a vendor uses."""
    identifiers = st.tuples(st.integers(0x40, 0x9F), st.integers(0, 0xFF)).map(bytes)
    names = st.tuples(st.integers(0xE0, 0xEF), st.binary(min_size=4, max_size=15)).map(
        lambda parts: bytes([parts[0]]) + parts[1]
    )
    ways = st.sampled_from((BY_IDENTIFIER, CHILD_DIRECTORY, CHILD_FILE))
    commands = st.one_of(st.builds(select_identifier, identifiers, ways), st.builds(select_name, names))
    known = {directory.fid for directory in profile.directory.values()}
    known |= {found.file.fid for found in file_places(profile.directory)}
    return st.builds(
        Attempt,
        st.sampled_from(_places_to_start_from(profile)),
        commands.filter(lambda command: command[5:] not in known),
    )


@SUITE.case(
    "SEL/unknown-anything/BI",
    "任意不存在的标识符与名称",
    "Any unknown identifier and name",
    requirements=["SSC-SEL-015"],
    kind=Kind.INVALID,
    expected=("6A82；当前目录与当前文件不变", "6A82; the current directory and the current EF stay"),
)
def unknown_anything(bench: Bench) -> None:
    """Generated identifiers and names, from any file of any directory."""
    _started(bench)
    for_all(bench, attempts(bench.profile), lambda attempt: _refused(bench, attempt))
