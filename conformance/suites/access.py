"""Access rights 读写安全性 (LD/T 6001.3 8.1 to 8.7): what opens reading and updating of every file, and what does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import permutations

from conformance.bench import Bench, Expectation
from conformance.cases import Case, Kind, Suite
from conformance.dialogue import apdu
from conformance.failures import Inconclusive
from conformance.suites.standard import Right, StandardElement, StandardFile, standard_files
from conformance.suites.standard.values import described, difference, is_unwritten
from conformance.suites.standard.visit import (
    credentials,
    holder,
    is_pin,
    need_restorable,
    open_for,
    other_record,
    present,
    read_first,
    readable,
    record,
    start,
    update_record,
)
from emulator.iso7816 import SW, Response
from profiles.access import AccessCondition
from profiles.model import Profile, Text

SUITE = Suite("access", "读写安全性", "Access rights")

PIN_OPENS_NO_UPDATE, SEPARATION, REFUSAL = "SSC-ACC-073", "SSC-ACC-074", "SSC-ACC-075"
SECURITY = Expectation((SW.SECURITY_STATUS_NOT_SATISFIED,))
NEVER = Expectation((SW.SECURITY_STATUS_NOT_SATISFIED, SW.INCOMPATIBLE_WITH_FILE_STRUCTURE))
GET_RESPONSE = bytes.fromhex("00C0000000")
CHUNK = 128
"""Bytes of one UPDATE BINARY."""
Operation = Callable[[StandardFile, Bench], None]


@SUITE.cases_from
def matrix(profile: Profile) -> Iterator[Case]:
    """For each file of the standard: what opens it, and that everything else does not."""
    for file in standard_files(profile):
        if file.read.condition.is_free:
            yield _case(file, "read", Kind.VALID, _free_to_read)
        else:
            yield _case(file, "read", Kind.VALID, _reads)
            yield _case(file, "read", Kind.INOPPORTUNE, _refuses_to_read, SEPARATION, REFUSAL)
        if not file.update.condition.is_never:
            yield _case(file, "update", Kind.VALID, _updates)
        yield _case(file, "update", Kind.INOPPORTUNE, _refuses_to_update, PIN_OPENS_NO_UPDATE, SEPARATION, REFUSAL)


def _case(file: StandardFile, operation: str, kind: Kind, body: Operation, *more: str) -> Case:
    right = file.read if operation == "read" else file.update
    zh, en = ("读", "reading") if operation == "read" else ("写", "updating")
    condition = str(right.condition)
    opens = {
        Kind.VALID: Text(zh=f"满足“{condition}”后可{zh}", en=f"{en} is open after: {condition}"),
        Kind.INOPPORTUNE: Text(
            zh=f"除“{condition}”外均以 6982 拒绝，且内容不变",
            en=f"refused with 6982 after anything but: {condition}; nothing is given out or changed",
        ),
    }
    return Case(
        identifier=f"ACC/{file.label}-{operation}/{kind.value}",
        title=Text(zh=f"{file.path} {file.title.zh}：{zh}", en=f"{file.path} {file.title.en}: {en}"),
        requirements=(right.requirement, *more),
        kind=kind,
        expected=opens[kind],
        body=partial(body, file),
    )


# What does not suffice


def shortfalls(bench: Bench, directory: str, condition: AccessCondition) -> list[tuple[str, ...]]:
    """Sets of PINs and keys that must not open an access: none, each alone, and all others with and without each part."""
    names = credentials(bench, directory)
    others = tuple(name for name in names if name not in condition.names)
    sets = [(), *((name,) for name in names), others, *((name, *others) for name in names if name in condition.names)]
    return [
        held
        for held in dict.fromkeys(tuple(sorted(held)) for held in sets)
        if not condition.satisfied_by(frozenset(held))
    ]


def roles(profile: Profile) -> tuple[frozenset[str], frozenset[str]]:
    """Read keys and update keys: the names, but PINs, in the read and in the update conditions."""
    files = standard_files(profile)
    reading = frozenset(name for file in files for name in file.read.condition.names if not is_pin(profile, name))
    updating = frozenset(name for file in files for name in file.update.condition.names if not is_pin(profile, name))
    return reading, updating


def shown(held: tuple[str, ...]) -> tuple[str, str]:
    """What was shown to the card, in words."""
    names = " + ".join(held)
    return (f"出示 {names} 后", f"after {names}") if held else ("未出示任何密码或密钥", "without any PIN or key")


def judge_refusal(
    bench: Bench, response: Response, right: Right, zh: str, en: str, requirements: tuple[str, ...]
) -> None:
    """Refused with the word of the standard, and without data; go on in any case."""
    wanted = NEVER if right.condition.is_never else SECURITY
    empty = right.may_be_empty and is_empty_element(response)
    for requirement in requirements:
        bench.check(
            wanted.met_by(response.sw) or empty,
            zh,
            en,
            expected=wanted,
            received=f"{response.sw:04X}",
            requirement=requirement,
            go_on=True,
        )
    if wanted.met_by(response.sw):
        bench.check(
            not response.data,
            f"{zh}：拒绝时不返回数据",
            f"{en}: no data behind a refusal",
            expected="no data",
            received=described(response.data),
            requirement=REFUSAL,
            go_on=True,
        )


def is_empty_element(response: Response) -> bool:
    """Whether a card gave an element without its content, as some do instead of refusing."""
    return response.sw == SW.SUCCESS and len(response.data) > 2 and is_unwritten(response.data[2:])


def judge_refused_read(
    bench: Bench, response: Response, right: Right, zh: str, en: str, requirements: tuple[str, ...]
) -> None:
    """As :func:`judge_refusal`; nothing waits for GET RESPONSE either."""
    judge_refusal(bench, response, right, zh, en, requirements)
    if response.sw != SW.SECURITY_STATUS_NOT_SATISFIED:
        return
    fetched = bench.transmit(GET_RESPONSE)
    bench.check(
        not fetched.data and fetched.sw != SW.SUCCESS,
        f"{zh}：拒绝后取响应",
        f"{en}: GET RESPONSE behind a refusal",
        expected="refused, no data",
        received=f"{described(fetched.data)} {fetched.sw:04X}",
        requirement=REFUSAL,
        go_on=True,
    )


# Reading


def judge_opened(bench: Bench, file: StandardFile, response: Response, zh: str, en: str) -> None:
    """Reading is open; a file or record that is not there is judged with the files, not with the rights."""
    if file.structure == "cyclic" and response.sw == SW.RECORD_NOT_FOUND:
        return
    if response.sw in (SW.FILE_NOT_FOUND, SW.RECORD_NOT_FOUND):
        raise Inconclusive(f"{file.path} 不存在（{response.sw:04X}）", f"{file.path} is not there: {response.sw:04X}")
    bench.check(
        response.sw == SW.SUCCESS and bool(response.data),
        zh,
        en,
        expected=f"data, {SW.SUCCESS:04X}",
        received=f"{described(response.data)}, {response.sw:04X}",
        requirement=file.read.requirement,
        go_on=True,
    )


def _free_to_read(file: StandardFile, bench: Bench) -> None:
    start(bench, file.directory)
    if not file.records:
        judge_opened(bench, file, read_first(bench, file), "读取", "READ BINARY")
    for number, element in enumerate(file.records, 1):
        if not element.either and element.tag not in file.read.stricter_tags:
            judge_opened(bench, file, record(bench, file, number), f"读第 {number} 条记录", f"READ RECORD {number}")


def _reads(file: StandardFile, bench: Bench) -> None:
    """Each alternative of the condition opens the file, whatever the order of its parts."""
    judged = False
    for alternative in file.read.condition.alternatives:
        if not all(holder(bench.profile, name) for name in alternative):
            continue
        for order in permutations(sorted(alternative)):
            zh, en = shown(order)
            accepted = start(bench, file.directory, order) if len(order) == 1 else _in_place(bench, file, order)
            if not accepted >= alternative:
                bench.step(f"{zh}：未被接受", f"{en}: not accepted")
                continue
            judged = True
            judge_opened(bench, file, read_first(bench, file), f"{zh}读取", f"reading {en}")
            last = sum(not element.either for element in file.records)
            if last > 1:
                judge_opened(
                    bench, file, record(bench, file, last), f"{zh}读第 {last} 条记录", f"reading record {last} {en}"
                )
    if not judged:
        open_for(bench, file.directory, file.read.condition)


def _in_place(bench: Bench, file: StandardFile, names: tuple[str, ...]) -> frozenset[str]:
    """Show PINs and keys in the directory of the file, in this very order."""
    start(bench, file.directory)
    return frozenset(name for name in names if present(bench, name).sw == SW.SUCCESS)


def _refuses_to_read(file: StandardFile, bench: Bench) -> None:
    _, updating = roles(bench.profile)
    for held in shortfalls(bench, file.directory, file.read.condition):
        zh, en = shown(held)
        start(bench, file.directory, held)
        separated = (SEPARATION,) if held and updating.issuperset(held) else ()
        requirements = (file.read.requirement, *separated)
        judge_refused_read(bench, read_first(bench, file), file.read, f"{zh}读取", f"reading {en}", requirements)


# Updating


def probe(file: StandardFile) -> tuple[int, StandardElement | None]:
    """The record that is written: the first, but never the identification code, by which the bench knows its card."""
    if not file.records:
        return 1, None
    number = 2 if file.path == "SSSE/EF05" else 1
    return number, file.records[number - 1]


def at_probe(file: StandardFile, records: tuple[bytes, ...]) -> bytes:
    """What stands where :func:`probe` writes: the record, or the first byte; nothing in an empty cyclic file."""
    number, _ = probe(file)
    if file.structure == "transparent":
        return records[0][:1]
    return records[number - 1] if len(records) >= number else b""


def _updates(file: StandardFile, bench: Bench) -> None:
    """The right key opens the update, which does what it says and nothing else; the old content is put back."""
    number, element = probe(file)
    before = readable(bench, file).records
    need_restorable(bench, file, before)
    new = other_record(file, element, at_probe(file, before))
    zh, en = shown(tuple(sorted(file.update.condition.alternatives[0])))
    open_for(bench, file.directory, file.update.condition)
    written = update_record(bench, file, number, new)
    bench.expect(written, SW.SUCCESS, f"{zh}更新", f"updating {en}", requirement=file.update.requirement)
    if file.structure == "transparent":
        last = len(before[0]) - 1
        written = bench.send(apdu(0x00, 0xD6, last >> 8 & 0x7F, last & 0xFF, new))
        zh, en = f"{zh}更新最后一个字节", f"updating the last byte {en}"
        bench.expect(written, SW.SUCCESS, zh, en, requirement=file.update.requirement, go_on=True)
    wanted = _after_update(file, before, new)
    after = readable(bench, file).records
    bench.check(
        after[: len(wanted)] == wanted[: len(after)] and len(after) >= len(before),
        "更新后的整个文件",
        "the whole file after the update",
        expected=_records_in_short(wanted),
        received=_changes(after, wanted),
        requirement=file.update.requirement,
        go_on=True,
    )
    for response in put_back(bench, file, before, after):
        bench.expect(response, SW.SUCCESS, "恢复原值", "restoring", requirement=file.update.requirement, go_on=True)


def _after_update(file: StandardFile, before: tuple[bytes, ...], new: bytes) -> tuple[bytes, ...]:
    if file.structure == "transparent":
        return (new + before[0][1:-1] + new if len(before[0]) > 1 else new,)
    if file.structure == "cyclic":
        return (new, *before)
    number, _ = probe(file)
    return (*before[: number - 1], new, *before[number:])


def _records_in_short(records: tuple[bytes, ...]) -> str:
    return f"{len(records)} × {sorted({len(raw) for raw in records})} bytes"


def _changes(found: tuple[bytes, ...], wanted: tuple[bytes, ...]) -> str:
    pairs = enumerate(zip(found, wanted, strict=False), 1)
    others = [f"{number}: {difference(raw, other)}" for number, (raw, other) in pairs if raw != other]
    return f"{_records_in_short(found)}; " + ("; ".join(others) or "as expected")


def put_back(bench: Bench, file: StandardFile, before: tuple[bytes, ...], now: tuple[bytes, ...]) -> Iterator[Response]:
    """Write the old content where it is not there any more, with the right to do so; the answers."""
    open_for(bench, file.directory, file.update.condition)
    if file.structure == "cyclic":
        yield from (update_record(bench, file, 1, raw) for raw in reversed(before))
    elif file.structure == "transparent":
        yield update_record(bench, file, 1, before[0][:CHUNK])
        for at in range(CHUNK, len(before[0]), CHUNK):
            piece = before[0][at : at + CHUNK]
            if piece != now[0][at : at + CHUNK]:
                yield bench.send(apdu(0x00, 0xD6, at >> 8, at & 0xFF, piece))
    else:
        changed = [number for number, (old, new) in enumerate(zip(before, now, strict=False), 1) if old != new]
        yield from (update_record(bench, file, number, before[number - 1]) for number in changed)


def _refuses_to_update(file: StandardFile, bench: Bench) -> None:
    number, element = probe(file)
    before = readable(bench, file).records
    new = other_record(file, element, at_probe(file, before))
    reading, _ = roles(bench.profile)
    for held in shortfalls(bench, file.directory, file.update.condition):
        zh, en = shown(held)
        start(bench, file.directory, held)
        requirements = [file.update.requirement]
        if held and all(is_pin(bench.profile, name) for name in held):
            requirements.append(PIN_OPENS_NO_UPDATE)
        if held and reading.issuperset(held):
            requirements.append(SEPARATION)
        response = update_record(bench, file, number, new)
        judge_refusal(bench, response, file.update, f"{zh}更新", f"updating {en}", tuple(requirements))
    judge_unchanged(bench, file, before)


def judge_unchanged(bench: Bench, file: StandardFile, before: tuple[bytes, ...]) -> None:
    """Refused updates changed nothing; where they did, the old content is put back if any key opens the file."""
    now = readable(bench, file).records
    bench.check(
        now == before,
        "拒绝更新后的内容",
        "content after refused updates",
        expected=_records_in_short(before),
        received=_changes(now, before),
        requirement=REFUSAL,
        go_on=True,
    )
    if now != before and not file.update.condition.is_never:
        list(put_back(bench, file, before, now))
