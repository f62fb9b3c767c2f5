"""Firewall 防火墙 (LD/T 6001.2) between the directories of the environment: rights and files stay where they belong."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Body, Case, Kind, Suite
from conformance.dialogue import (
    ENVIRONMENT,
    REFUSED,
    FilePlace,
    apdu,
    authenticate,
    file_places,
    open_directory,
    read_first,
    satisfy,
    select_identifier,
    update_first,
    verify,
)
from conformance.failures import Inconclusive, NotApplicable
from conformance.maintenance import authentication_keys, enter
from emulator.iso7816 import SW
from profiles.model import File, Profile, Text

SUITE = Suite("firewall", "防火墙", "Firewall")

NOTHING: frozenset[str] = frozenset()
CHILD_FILE = 0x02
BANK_APPLICATION = bytes.fromhex("A000000333010101")
NOT_FOUND = Expectation((SW.FILE_NOT_FOUND,))
READABLE = Expectation((SW.SUCCESS, SW.RECORD_NOT_FOUND))
"""What an open cyclic file answers: its newest record, or none yet."""
LONGEST_UPDATE = 255

Values = dict[str, bytes]
"""What files begin with, by their path; only those that a case may try to write back."""


def applications(profile: Profile) -> list[str]:
    """The directories below the environment, in the order of the profile."""
    return [name for name, found in profile.directory.items() if found.parent == ENVIRONMENT]


def places_in(profile: Profile, directory: str) -> list[FilePlace]:
    """The files of a directory that commands can reach."""
    return [found for found in file_places(profile.directory) if found.directory == directory]


def first_values(bench: Bench, directory: str) -> Values:
    """Read, with the right to do so, what the files of a directory begin with.

    An attempt to update that should be refused writes the old value, so that a faulty card comes to no harm. Cyclic
    files, into which every update puts a new record, are left out.
    """
    values: Values = {}
    open_directory(bench, directory)
    for found in places_in(bench.profile, directory):
        if found.file.structure == "cyclic" or found.file.read.is_never or found.file.update.is_never:
            continue
        satisfy(bench, found.file.read)
        value = bench.need(read_first(bench, found.file), f"读 {found.path}", f"read {found.path}").data
        if 1 <= len(value) <= LONGEST_UPDATE:
            values[found.path] = value
    bench.reset()
    return values


def prove_keys(bench: Bench, directory: str) -> frozenset[str]:
    """Authenticate every read and update key of a directory, which must be the current one; their names."""
    names = [key.name for key in authentication_keys(bench.profile) if key.directory == directory]
    for name in names:
        bench.need(authenticate(bench, name), f"用 {name} 外部认证", f"EXTERNAL AUTHENTICATE with {name}")
    return frozenset(names)


def check_refused(bench: Bench, directory: str, held: frozenset[str], values: Values, requirement: str) -> None:
    """Judge that whatever ``held`` doesn't open in the current directory is refused with 6982."""
    for found in places_in(bench.profile, directory):
        if not found.file.read.is_never and not found.file.read.satisfied_by(held):
            bench.expect(
                read_first(bench, found.file),
                REFUSED,
                f"读 {found.path}",
                f"read {found.path}",
                requirement=requirement,
            )
        if found.path in values and not found.file.update.satisfied_by(held):
            bench.expect(
                update_first(bench, found.file, values[found.path]),
                REFUSED,
                f"更新 {found.path}",
                f"update {found.path}",
                requirement=requirement,
            )


def need_open(bench: Bench, directory: str, held: frozenset[str], values: Values) -> None:
    """Make sure that the rights were there: what ``held`` opens in the current directory can be read and updated."""
    for found in places_in(bench.profile, directory):
        if found.path in values:
            if found.file.read.satisfied_by(held):
                bench.need(read_first(bench, found.file), f"读 {found.path}", f"read {found.path}")
            if found.file.update.satisfied_by(held):
                written = update_first(bench, found.file, values[found.path])
                bench.need(written, f"更新 {found.path}", f"update {found.path}")


# Rights


def _not_elsewhere(bench: Bench, directory: str) -> None:
    """With all keys of one DF shown, every other DF stays shut."""
    for other in applications(bench.profile):
        if other == directory:
            continue
        values = first_values(bench, other)
        open_directory(bench, directory)
        prove_keys(bench, directory)
        enter(bench, other)
        check_refused(bench, other, NOTHING, values, "SSC-FW-001")


def _lost_by(bench: Bench, directory: str, moves: Callable[[], bool], requirement: str) -> None:
    """Show all keys of a DF, see that they open its files, move, and see that they don't any more."""
    values = first_values(bench, directory)
    open_directory(bench, directory)
    held = prove_keys(bench, directory)
    need_open(bench, directory, held, values)
    if moves():
        check_refused(bench, directory, NOTHING, values, requirement)


def _lost_on_leaving(bench: Bench, directory: str) -> None:
    others = [name for name in applications(bench.profile) if name != directory]
    for other in (*others[:1], *others[-1:], ENVIRONMENT):

        def leave_and_return(other: str = other) -> bool:
            enter(bench, other)
            enter(bench, directory)
            return True

        _lost_by(bench, directory, leave_and_return, "SSC-FW-002")
        bench.reset()


def _lost_on_selecting_again(bench: Bench, directory: str) -> None:
    def by_name() -> bool:
        enter(bench, directory)
        return True

    def by_identifier() -> bool:
        return bench.send(select_identifier(bench.profile.directory[directory].fid)).sw == SW.SUCCESS

    for again in (by_name, by_identifier):
        _lost_by(bench, directory, again, "SSC-FW-003")
        bench.reset()


def _environment_keys_open_nothing(bench: Bench, directory: str) -> None:
    values = first_values(bench, directory)
    open_directory(bench, ENVIRONMENT)
    held = prove_keys(bench, ENVIRONMENT)
    enter(bench, directory)
    check_refused(bench, directory, held, values, "SSC-FW-004")


def _environment_stays_shut(bench: Bench, directory: str) -> None:
    values = first_values(bench, ENVIRONMENT)
    open_directory(bench, directory)
    prove_keys(bench, directory)
    enter(bench, ENVIRONMENT)
    check_refused(bench, ENVIRONMENT, NOTHING, values, "SSC-FW-005")


# Files


def read_command(file: File) -> bytes:
    """Read what a file begins with, by its short identifier."""
    if file.structure == "transparent":
        return apdu(0x00, 0xB0, 0x80 | file.short_identifier, 0, ne=1)
    return apdu(0x00, 0xB2, 1, file.short_identifier << 3 | 4, ne=256)


def _files_stay(bench: Bench, directory: str) -> None:
    """No file of another DF is reached, neither by SELECT nor by a short file identifier."""
    own = places_in(bench.profile, directory)
    identifiers = {found.file.fid for found in own}
    short = {found.file.short_identifier for found in own}
    foreign = [found for other in applications(bench.profile) for found in places_in(bench.profile, other)]
    foreign = [found for found in foreign if found.file.fid not in identifiers]
    if not foreign:
        raise NotApplicable(
            f"{directory} 包含其他 DF 的全部文件标识符", f"{directory} has every identifier of the others"
        )
    open_directory(bench, directory)
    for found in foreign:
        attempts = [select_identifier(found.file.fid, p1) for p1 in (0x00, CHILD_FILE)]
        if found.file.short_identifier not in short:
            attempts.append(read_command(found.file))
        for attempt in attempts:
            bench.expect(
                bench.send(attempt),
                NOT_FOUND,
                f"在 {directory} 下访问 {found.path}",
                f"reach {found.path} inside {directory}",
                requirement="SSC-FW-010",
            )


Check = Callable[[Bench, str], None]


def _body(check: Check, directory: str) -> Body:
    return lambda bench: check(bench, directory)


OF_EACH_APPLICATION: tuple[tuple[str, Kind, str, Check, Text, Text], ...] = (
    (
        "keys-elsewhere",
        Kind.INOPPORTUNE,
        "SSC-FW-001",
        _not_elsewhere,
        Text(zh="{0} 的密钥不能打开其他 DF", en="Keys of {0} open no other DF"),
        Text(zh="其他 DF 的文件读取与更新均为 6982", en="reads and updates in every other DF give 6982"),
    ),
    (
        "leaving",
        Kind.INOPPORTUNE,
        "SSC-FW-002",
        _lost_on_leaving,
        Text(zh="离开 {0} 后权限失效", en="Leaving {0} drops its rights"),
        Text(
            zh="选择另一目录再返回后，读取与更新均为 6982", en="reads and updates give 6982 after leaving and returning"
        ),
    ),
    (
        "again",
        Kind.INOPPORTUNE,
        "SSC-FW-003",
        _lost_on_selecting_again,
        Text(zh="重选 {0} 后权限失效", en="Selecting {0} again drops its rights"),
        Text(zh="再次选择同一目录后，读取与更新均为 6982", en="reads and updates give 6982 after selecting it again"),
    ),
    (
        "environment-keys",
        Kind.INOPPORTUNE,
        "SSC-FW-004",
        _environment_keys_open_nothing,
        Text(zh="SSSE 的密钥不能打开 {0}", en="Keys of SSSE do not open {0}"),
        Text(zh="{0} 的更新及须用密钥的读取为 6982", en="updates in {0}, and reads that need a key, give 6982"),
    ),
    (
        "environment-shut",
        Kind.INOPPORTUNE,
        "SSC-FW-005",
        _environment_stays_shut,
        Text(zh="{0} 的密钥不能打开 SSSE", en="Keys of {0} do not open SSSE"),
        Text(zh="SSSE 的更新及受保护的读取为 6982", en="updates in SSSE, and reads that are not free, give 6982"),
    ),
    (
        "files",
        Kind.INVALID,
        "SSC-FW-010",
        _files_stay,
        Text(zh="在 {0} 下不能选择其他 DF 的文件", en="Files of other DFs cannot be selected from {0}"),
        Text(zh="6A82", en="6A82"),
    ),
)


@SUITE.cases_from
def every_application(profile: Profile) -> Iterable[Case]:
    """Each rule for each directory below the environment."""
    for directory in applications(profile):
        for subject, kind, requirement, check, title, expected in OF_EACH_APPLICATION:
            yield Case(
                f"FW/{directory}-{subject}/{kind.value}",
                Text(zh=title.zh.format(directory), en=title.en.format(directory)),
                (requirement,),
                kind,
                Text(zh=expected.zh.format(directory), en=expected.en.format(directory)),
                _body(check, directory),
            )


@SUITE.case(
    "FW/global-PIN/BV",
    "个人密码状态在各 DF 间保持",
    "The verified PIN survives moving between DFs",
    requirements=["SSC-FW-009"],
    kind=Kind.VALID,
    expected=(
        "一次验证后，各 DF 中受密码保护的文件均可读",
        "after one VERIFY the files that the PIN protects can be read in every DF",
    ),
)
def global_pin(bench: Bench) -> None:
    """One VERIFY, then through all directories and back."""
    pins = frozenset(bench.profile.directory[ENVIRONMENT].pin) if ENVIRONMENT in bench.profile.directory else NOTHING
    through = applications(bench.profile)
    protected_files = {
        directory: [
            found
            for found in places_in(bench.profile, directory)
            if not found.file.read.is_free and found.file.read.satisfied_by(pins)
        ]
        for directory in through
    }
    open_directory(bench, ENVIRONMENT)
    for directory in through:
        enter(bench, directory)
        for found in protected_files[directory]:
            if read_first(bench, found.file).sw != REFUSED:
                raise Inconclusive(f"{found.path} 未受保护", f"{found.path} is not protected")
    open_directory(bench, ENVIRONMENT)
    bench.need(verify(bench), "验证个人密码", "VERIFY")
    for directory in (*through, *reversed(through)):
        enter(bench, directory)
        for found in protected_files[directory]:
            bench.expect(
                read_first(bench, found.file),
                READABLE if found.file.structure == "cyclic" else GOOD,
                f"读 {found.path}",
                f"read {found.path}",
                requirement="SSC-FW-009",
            )
