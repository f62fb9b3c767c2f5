"""Access rights on every path 寻址方式: no way of addressing a file goes around its rights; generated sets of PINs and keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from hypothesis import strategies as st

from conformance.bench import Bench
from conformance.cases import Case, Kind, Suite
from conformance.dialogue import apdu, file_places, read_first, satisfy, update_first, verify
from conformance.failures import Inconclusive, NotApplicable
from conformance.properties import for_all
from conformance.suites.access import (
    NEVER,
    PIN_OPENS_NO_UPDATE,
    REFUSAL,
    SECURITY,
    at_probe,
    is_empty_element,
    judge_opened,
    judge_refusal,
    judge_refused_read,
    judge_unchanged,
    probe,
    shown,
)
from conformance.suites.standard import ENVIRONMENT, StandardElement, StandardFile, standard_file, standard_files
from conformance.suites.standard.paths import Path, read_paths, update_paths
from conformance.suites.standard.values import described, difference, is_unwritten
from conformance.suites.standard.visit import (
    credentials,
    enter,
    open_for,
    other_record,
    present,
    readable,
    start,
    update_record,
)
from emulator.iso7816 import SW
from profiles.model import Profile, Text

SUITE = Suite("access paths", "各种寻址方式下的读写安全性", "Access rights on every path")

EF0D_UPDATE, CARD_NUMBER = "SSC-ACC-076", "SSC-ACC-077"
EF0D, EF0D_KEY = 0x0D, 0x0D
CARD_NUMBER_RECORD = 7
ISSUER_FILE = 0x05
MOST_CREDENTIALS = 4
FILES_PER_SHARE = 4
"""Files for which one share of the level's examples is enough."""
NORMAL_OR_WARNING = (0x61, 0x62, 0x63, 0x90)
Operation = Literal["read", "update"]


# Every path


@SUITE.cases_from
def paths(profile: Profile) -> Iterator[Case]:
    """For each file and operation that needs a right: all ways to it without that right."""
    for file in standard_files(profile):
        if not file.read.condition.is_free:
            yield _path_case(file, "read")
        yield _path_case(file, "update")


def _path_case(file: StandardFile, operation: Operation) -> Case:
    reading = operation == "read"
    return Case(
        identifier=f"ACC/{file.label}-{operation}-paths/BO",
        title=Text(
            zh=f"{file.path}：各种寻址方式{'读' if reading else '写'}",
            en=f"{file.path}: {'reading' if reading else 'updating'} on every path",
        ),
        requirements=((file.read if reading else file.update).requirement, REFUSAL),
        kind=Kind.INOPPORTUNE,
        expected=Text(
            zh="按记录号、标识、偏移，经短文件标识或当前文件，均被拒绝，不返回数据，内容不变",
            en="refused by number, tag and offset, by short file identifier and as the current file; no data, no change",
        ),
        body=partial(_closed_to_reading if reading else _closed_to_updating, file),
    )


def _closed_to_reading(file: StandardFile, bench: Bench) -> None:
    start(bench, file.directory)
    for path in read_paths(file):
        _judge_path(bench, file, path, "read")


def _closed_to_updating(file: StandardFile, bench: Bench) -> None:
    """Without any right, then with the right to read."""
    before = readable(bench, file).records
    number, element = probe(file)
    ways = list(update_paths(file, number, other_record(file, element, at_probe(file, before))))
    start(bench, file.directory)
    for path in ways:
        _judge_path(bench, file, path, "update")
    open_for(bench, file.directory, file.read.condition)
    for path in ways:
        _judge_path(bench, file, path, "update")
    judge_unchanged(bench, file, before)


def _judge_path(bench: Bench, file: StandardFile, path: Path, operation: Operation) -> None:
    """The usual refusal on a usual path; on any other one any refusal, but never data or an update."""
    right = file.read if operation == "read" else file.update
    response = path.walk(bench)
    if path.usual:
        judge = judge_refused_read if operation == "read" else judge_refusal
        judge(bench, response, right, path.title.zh, path.title.en, (right.requirement,))
        return
    empty = operation == "read" and right.may_be_empty and is_empty_element(response)
    bench.check(
        (response.sw >> 8 not in NORMAL_OR_WARNING and not response.data) or empty,
        path.title.zh,
        path.title.en,
        expected="refused, no data",
        received=f"{described(response.data)} {response.sw:04X}",
        requirement=right.requirement,
        go_on=True,
    )


# Any set of PINs and keys


@dataclass(frozen=True, slots=True)
class Attempt:
    """PINs and keys in the order in which they are shown, and what is then tried."""

    names: tuple[str, ...]
    in_place: bool
    """Whether the environment's PINs and keys are shown in the directory too, among its own."""
    file: StandardFile
    operation: Operation
    way: int


@SUITE.cases_from
def any_rights(profile: Profile) -> Iterator[Case]:
    """A property for each directory."""
    by_directory: dict[str, list[StandardFile]] = {}
    for file in standard_files(profile):
        by_directory.setdefault(file.directory, []).append(file)
    for directory, files in by_directory.items():
        yield Case(
            identifier=f"ACC/{directory}-any-rights/BV",
            title=Text(zh=f"{directory}：任意密码与密钥组合", en=f"{directory}: any set of PINs and keys"),
            requirements=tuple(
                dict.fromkeys(right.requirement for file in files for right in (file.read, file.update))
            ),
            kind=Kind.VALID,
            expected=Text(
                zh="仅当已出示的密码与密钥满足访问条件时才可读写，与出示顺序及寻址方式无关",
                en="open exactly when the PINs and keys shown meet the condition, in whatever order and on whatever path",
            ),
            body=partial(_any_rights, directory, files),
        )


def _any_rights(directory: str, files: list[StandardFile], bench: Bench) -> None:
    names = credentials(bench, directory)
    contents = {file.path: at_probe(file, readable(bench, file).records) for file in files}

    def attempts(file: StandardFile) -> st.SearchStrategy[Attempt]:
        """For a file: names of its own conditions as often as any others."""
        own = [name for name in names if name in file.read.condition.names | file.update.condition.names]
        shown = st.lists(st.sampled_from(own or names) | st.sampled_from(names), unique=True, max_size=MOST_CREDENTIALS)
        return st.builds(
            Attempt,
            names=shown.map(tuple),
            in_place=st.booleans(),
            file=st.just(file),
            operation=st.sampled_from(("read", "update")),
            way=st.integers(0, 7),
        )

    if not names:
        raise Inconclusive("卡片声明中没有密码或密钥", "the declared card has neither PIN nor key")
    generated = st.sampled_from(files).flatmap(attempts)
    share = max(1.0, len(files) / FILES_PER_SHARE)
    for_all(bench, generated, lambda attempt: _try(bench, attempt, contents[attempt.file.path]), share=share)


def _try(bench: Bench, attempt: Attempt, old: bytes) -> None:
    file = attempt.file
    if attempt.in_place:
        enter(bench, file.directory)
        held = frozenset(name for name in attempt.names if present(bench, name).sw == SW.SUCCESS)
    else:
        held = enter(bench, file.directory, attempt.names)
    zh, en = shown(tuple(sorted(held)))
    right = file.read if attempt.operation == "read" else file.update
    is_open = right.condition.satisfied_by(held)
    if attempt.operation == "read":
        ways = [path for path in read_paths(file) if path.usual]
        response = ways[attempt.way % len(ways)].walk(bench)
        if is_open:
            judge_opened(bench, file, response, f"{zh}读取", f"reading {en}")
    else:
        if is_open and file.structure == "cyclic" and not bench.target.renewable:
            return
        number, element = probe(file)
        value = old if _fits(element, old) else other_record(file, element, b"")
        ways = [path for path in update_paths(file, number, value) if path.usual and not path.border]
        response = ways[attempt.way % len(ways)].walk(bench) if ways else update_record(bench, file, number, value)
        if is_open:
            bench.expect(response, SW.SUCCESS, f"{zh}更新", f"updating {en}", requirement=right.requirement)
    if not is_open:
        verb = ("读取", "reading") if attempt.operation == "read" else ("更新", "updating")
        judge_refusal(bench, response, right, f"{zh}{verb[0]}", f"{verb[1]} {en}", (right.requirement,))


def _fits(element: StandardElement | None, old: bytes) -> bool:
    """Whether what was read can be written back as it is."""
    return bool(old) and (
        element is None or (old[:2] == bytes([element.tag, element.length]) and len(old) == element.length + 2)
    )


# Files that the standard does not name, and what cards of version 3.0 may do


@SUITE.case(
    "ACC/local-files-update/BO",
    "个人密码不授权更新其他文件",
    "The PIN opens no update of other files",
    requirements=[PIN_OPENS_NO_UPDATE, REFUSAL],
    kind=Kind.INOPPORTUNE,
    expected=(
        "验证个人密码后更新目录文件与地方扩展文件被拒绝，内容不变",
        "the directory file and local files refuse updates after VERIFY and stay unchanged",
    ),
)
def local_files(bench: Bench) -> None:
    """Whatever further files the profile declares, under the environment that has the PIN."""
    places = [
        place
        for place in file_places(bench.profile.directory)
        if ENVIRONMENT in (place.directory, place.described_directory.parent)
        and not standard_file(bench.profile, place.path)
    ]
    if not places:
        raise NotApplicable("卡片没有其他文件", "the card has no other files")
    for place in places:
        bench.reset()
        place.open(bench)
        satisfy(bench, place.file.read)
        before = bench.need(read_first(bench, place.file), f"读 {place.path}", f"reading {place.path}").data
        bench.reset()
        place.open(bench)
        bench.need(verify(bench), "验证个人密码", "VERIFY")
        answer = update_first(bench, place.file, before[:-1] + bytes([before[-1] ^ 0x01]) if before else b"\x00")
        bench.expect(
            answer,
            NEVER if place.file.update.is_never else SECURITY,
            f"验证个人密码后更新 {place.path}",
            f"updating {place.path} after VERIFY",
            requirement=PIN_OPENS_NO_UPDATE,
            go_on=True,
        )
        bench.reset()
        place.open(bench)
        satisfy(bench, place.file.read)
        after = read_first(bench, place.file).data
        bench.check(
            after == before,
            f"{place.path} 内容不变",
            f"{place.path} is unchanged",
            expected=described(before),
            received=difference(after, before),
            requirement=REFUSAL,
            go_on=True,
        )


@SUITE.case(
    "ACC/SSSE-EF0D-update/BV",
    "SSSE/EF0D 写",
    "Updating SSSE/EF0D personal identification",
    requirements=[EF0D_UPDATE],
    kind=Kind.VALID,
    expected=("用密钥 0D 外部认证后可更新，之前被拒绝", "open after authentication with key 0D, refused before"),
)
def person_number(bench: Bench) -> None:
    """Record 2, the place of first application, is written with its old value's complement and put back."""
    described = bench.profile.directory.get(ENVIRONMENT)
    keys = described.key.items() if described else ()
    name = next((name for name, key in keys if key.kid == bytes([EF0D_KEY])), None)
    if described is None or name is None or "EF0D" not in described.file:
        raise NotApplicable("卡片没有 SSSE/EF0D 或密钥 0D", "the card has no SSSE/EF0D or no key 0D")
    open_for(bench, ENVIRONMENT, described.file["EF0D"].read)
    read = apdu(0x00, 0xB2, 2, EF0D << 3 | 4, ne=256)
    old = bench.need(bench.send(read), "读第 2 条记录", "READ RECORD 2").data
    new = old[:2] + bytes(byte ^ 0x11 for byte in old[2:])
    start(bench, ENVIRONMENT)
    refused = bench.send(apdu(0x00, 0xDC, 2, EF0D << 3 | 4, new))
    bench.expect(refused, SECURITY, "认证前更新", "updating before", requirement=EF0D_UPDATE, go_on=True)
    start(bench, ENVIRONMENT, (name,))
    for value, zh, en in ((new, "认证后更新", "updating after authentication"), (old, "恢复原值", "restoring")):
        answer = bench.send(apdu(0x00, 0xDC, 2, EF0D << 3 | 4, value))
        bench.expect(answer, SW.SUCCESS, zh, en, requirement=EF0D_UPDATE, go_on=True)


@SUITE.case(
    "ACC/card-number/BV",
    "卡号保护",
    "Protecting the card number",
    requirements=[CARD_NUMBER],
    kind=Kind.VALID,
    expected=(
        "认证前返回卡号、6982 或空数据元；RKSSSE 认证后返回卡号",
        "the number, 6982 or an empty element before authentication with RKSSSE, the number after it",
    ),
)
def card_number(bench: Bench) -> None:
    """Free or protected, but open to the key that opens the holder's data."""
    command = apdu(0x00, 0xB2, CARD_NUMBER_RECORD, ISSUER_FILE << 3 | 4, ne=256)
    start(bench, ENVIRONMENT)
    before = bench.send(command)
    bench.expect(
        before,
        (SW.SUCCESS, SW.SECURITY_STATUS_NOT_SATISFIED),
        "认证前读卡号",
        "reading the card number before",
        requirement=CARD_NUMBER,
        go_on=True,
    )
    start(bench, ENVIRONMENT, ("RKSSSE",))
    after = bench.send(command)
    bench.expect(after, SW.SUCCESS, "认证后读卡号", "reading the card number after", requirement=CARD_NUMBER)
    shown_before = before.sw == SW.SUCCESS and not is_unwritten(before.data[2:])
    bench.check(
        not shown_before or before.data == after.data,
        "前后一致",
        "the same before and after",
        expected=described(after.data),
        received=difference(before.data, after.data),
        requirement=CARD_NUMBER,
    )
