"""Faults of access rules and of the ways round them."""

from __future__ import annotations

import dataclasses
from contextlib import suppress

from conformance.faults.catalogue import FaultSet, having, version_3
from conformance.faults.means import bit_of, unlocked, with_file, with_files
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.records import BY_NUMBER, FROM_LAST, PREVIOUS, TO_LAST
from emulator.cos.structure import FREE, AccessRule, Directory, File, Structure
from emulator.iso7816 import SW, Command, StatusError

FAULTS = FaultSet()
READS = ("READ RECORD", "READ BINARY")
UPDATES = ("UPDATE RECORD", "UPDATE BINARY")
READ_RECORD = 0xB2
REFUSED = SW.SECURITY_STATUS_NOT_SATISFIED.to_bytes(2)
HOUSEHOLD, OFFLINE, LOG, PHOTO = "DF01/EF05", "DF04/EF06", "DF04/EF08", "SSSE/EF08"


def _refused(card: Card, command: Command, good: Handler) -> bytes | None:
    """The answer of the good card, or None where it is 6982."""
    try:
        return good(card, command)
    except StatusError as refusal:
        if refusal.sw != SW.SECURITY_STATUS_NOT_SATISFIED:
            raise
        return None


def _unlocked_where(card: Card, command: Command, good: Handler, open_: bool) -> bytes:
    if not open_:
        return good(card, command)
    with unlocked(card):
        return good(card, command)


@FAULTS.command(
    "READ RECORD",
    "acc.read-by-short-identifier",
    "按短文件标识读取不检查读权限",
    "READ RECORD with a short file identifier asks for no right",
    ["SSC-ACC-009"],
    having(HOUSEHOLD),
)
def read_by_short_identifier(card: Card, command: Command, good: Handler) -> bytes:
    """The right is asked for when a file is selected, and here none is."""
    return _unlocked_where(card, command, good, command.p2 >> 3 != 0)


@FAULTS.command(
    "READ RECORD",
    "acc.read-after-select",
    "选择文件后读取不检查读权限",
    "READ RECORD of the selected file asks for no right",
    ["SSC-ACC-009"],
    having(HOUSEHOLD),
)
def read_after_select(card: Card, command: Command, good: Handler) -> bytes:
    """The right is asked for together with the short file identifier."""
    return _unlocked_where(card, command, good, command.p2 >> 3 == 0)


@FAULTS.command(
    "READ RECORD",
    "acc.read-by-tag",
    "按标识读取不检查读权限",
    "READ RECORD by tag asks for no right",
    ["SSC-ACC-009"],
    having(HOUSEHOLD),
)
def read_by_tag(card: Card, command: Command, good: Handler) -> bytes:
    """A second way into the records, forgotten in the access check."""
    return _unlocked_where(card, command, good, command.p2 & 7 <= PREVIOUS)


@FAULTS.command(
    "READ RECORD",
    "acc.read-of-many",
    "一次读多条记录不检查读权限",
    "READ RECORD of several records asks for no right",
    ["SSC-ACC-009"],
    having(HOUSEHOLD),
)
def read_of_many(card: Card, command: Command, good: Handler) -> bytes:
    """Modes 5 and 6 of P2 were added later."""
    return _unlocked_where(card, command, good, command.p2 & 7 in (TO_LAST, FROM_LAST))


@FAULTS.command(
    "READ RECORD",
    "acc.first-record-only",
    "只有第一条记录受读权限保护",
    "The read rule protects record 1 alone",
    ["SSC-ACC-009"],
    having(HOUSEHOLD),
)
def first_record_only(card: Card, command: Command, good: Handler) -> bytes:
    """The check looks at the record pointer."""
    return _unlocked_where(card, command, good, command.p2 & 7 == BY_NUMBER and command.p1 > 1)


@FAULTS.command(
    "READ BINARY",
    "acc.binary-by-short-identifier",
    "按短文件标识读二进制不检查读权限",
    "READ BINARY with a short file identifier asks for no right",
    ["SSC-ACC-007", "SSC-ACC-005"],
)
def binary_by_short_identifier(card: Card, command: Command, good: Handler) -> bytes:
    """The photograph is read by anyone who knows its short identifier."""
    return _unlocked_where(card, command, good, command.p1 & 0x80 != 0)


@FAULTS.command(
    "READ BINARY",
    "acc.binary-behind-start",
    "偏移不为 0 时读二进制不检查读权限",
    "READ BINARY with an offset asks for no right",
    ["SSC-ACC-007", "SSC-ACC-005"],
)
def binary_behind_start(card: Card, command: Command, good: Handler) -> bytes:
    """The right is asked for with the first block only."""
    offset = command.p2 if command.p1 & 0x80 else command.p1 << 8 | command.p2
    return _unlocked_where(card, command, good, offset != 0)


@FAULTS.command(
    "UPDATE BINARY",
    "acc.update-by-short-identifier",
    "按短文件标识写二进制不检查更新权限",
    "UPDATE BINARY with a short file identifier asks for no right",
    ["SSC-ACC-006", "SSC-ACC-008", "SSC-ACC-024"],
)
def update_by_short_identifier(card: Card, command: Command, good: Handler) -> bytes:
    """The implicit selection skips the access check."""
    return _unlocked_where(card, command, good, command.p1 & 0x80 != 0)


@FAULTS.command(
    "UPDATE RECORD",
    "acc.update-by-tag",
    "按标识更新不检查更新权限",
    "UPDATE RECORD by tag asks for no right",
    ["SSC-ACC-010", "SSC-ACC-002"],
)
def update_by_tag(card: Card, command: Command, good: Handler) -> bytes:
    """Modes 0 to 3 of P2 skip the access check."""
    return _unlocked_where(card, command, good, command.p2 & 7 <= PREVIOUS)


@FAULTS.command(
    READS,
    "acc.refused-read-leaves-data",
    "被拒绝的读取可用 GET RESPONSE 取得数据",
    "The data of a refused read wait for GET RESPONSE",
    ["SSC-ACC-075"],
)
def refused_read_leaves_data(card: Card, command: Command, good: Handler) -> bytes:
    """The record is copied into the answer buffer before the right is asked for."""
    answer = _refused(card, command, good)
    if answer is not None:
        return answer
    with unlocked(card), suppress(StatusError):
        card.session.pending = good(card, command)
    raise StatusError(SW.SECURITY_STATUS_NOT_SATISFIED)


@FAULTS.command(
    UPDATES,
    "acc.refused-update-writes",
    "被拒绝的更新仍写入数据",
    "A refused update writes all the same",
    ["SSC-ACC-075"],
)
def refused_update_writes(card: Card, command: Command, good: Handler) -> bytes:
    """The right is asked for after the write."""
    answer = _refused(card, command, good)
    if answer is not None:
        return answer
    with unlocked(card), suppress(StatusError):
        good(card, command)
    raise StatusError(SW.SECURITY_STATUS_NOT_SATISFIED)


@FAULTS.card(
    "acc.refusal-with-data", "拒绝读取时附带数据", "A refused read sends the record with 6982", ["SSC-ACC-075"]
)
class RefusalWithData(Card):
    """The status word is set, the answer buffer is not emptied."""

    def transmit(self, raw: bytes) -> bytes:
        """Put the record before 6982."""
        answer = super().transmit(raw)
        if answer != REFUSED or raw[1] != READ_RECORD:
            return answer
        with unlocked(self):
            return super().transmit(raw[:4] + b"\0")[:-2] + REFUSED


def _together(rule: AccessRule) -> AccessRule:
    """All alternatives at once."""
    if not rule:
        return rule
    globally = locally = 0
    for needed_globally, needed_locally in rule:
        globally |= needed_globally
        locally |= needed_locally
    return ((globally, locally),)


@FAULTS.structure(
    "acc.or-as-and",
    "“或”被当作“与”",
    "PIN or key is taken for PIN and key",
    ["SSC-ACC-009", "SSC-ACC-053"],
    having(HOUSEHOLD),
)
def or_as_and(structure: Structure) -> Structure:
    """Read rules with alternatives demand all of them."""
    return with_files(structure, lambda _, file: dataclasses.replace(file, read=_together(file.read)))


@FAULTS.structure(
    "acc.and-as-or", "“与”被当作“或”", "PIN and key is taken for PIN or key", ["SSC-ACC-055"], having(OFFLINE)
)
def and_as_or(structure: Structure) -> Structure:
    """DF04/EF06 is read with one of its two conditions."""

    def apart(file: File) -> File:
        ((globally, locally),) = file.read
        return dataclasses.replace(file, read=((globally, 0), (0, locally)))

    return with_file(structure, OFFLINE, apart)


def _key_alternatives(rule: AccessRule) -> AccessRule:
    """The alternatives that a key of the directory alone satisfies."""
    return tuple((globally, locally) for globally, locally in rule if locally and not globally)


@FAULTS.structure(
    "acc.read-key-updates",
    "读密钥可以更新",
    "A read key opens updates",
    ["SSC-ACC-074", "SSC-ACC-010"],
    having(HOUSEHOLD),
)
def read_key_updates(structure: Structure) -> Structure:
    """Who may read with a key may write."""

    def change(_: Directory, file: File) -> File:
        return dataclasses.replace(file, update=file.update + _key_alternatives(file.read)) if file.update else file

    return with_files(structure, change)


@FAULTS.structure(
    "acc.update-key-reads",
    "更新密钥可以读取",
    "An update key opens reads",
    ["SSC-ACC-074", "SSC-ACC-009"],
    having(HOUSEHOLD),
)
def update_key_reads(structure: Structure) -> Structure:
    """Who may write may read."""
    return with_files(structure, lambda _, file: dataclasses.replace(file, read=file.read + file.update))


@FAULTS.structure(
    "acc.neighbours-key",
    "相邻文件的更新密钥可以更新",
    "The update key of another file opens a file",
    ["SSC-ACC-010"],
    having(HOUSEHOLD),
)
def neighbours_key(structure: Structure) -> Structure:
    """DF01/EF05 takes UK2DF01 besides UK1DF01."""
    other = ((0, bit_of(structure, "DF01/UK2DF01")),)
    return with_file(structure, HOUSEHOLD, lambda file: dataclasses.replace(file, update=file.update + other))


@FAULTS.structure(
    "acc.pin-updates", "个人密码可以更新", "The PIN opens an update", ["SSC-ACC-073", "SSC-ACC-010"], having(HOUSEHOLD)
)
def pin_updates(structure: Structure) -> Structure:
    """DF01/EF05 is written after VERIFY."""
    pin = ((bit_of(structure, "SSSE/PIN"), 0),)
    return with_file(structure, HOUSEHOLD, lambda file: dataclasses.replace(file, update=file.update + pin))


@FAULTS.structure(
    "acc.log-writable",
    "医疗交易明细可由更新密钥写入",
    "The medical transaction log is written with an update key",
    ["SSC-ACC-058", "SSC-LOG-004"],
    having(LOG),
)
def log_writable(structure: Structure) -> Structure:
    """DF04/EF08 takes the update key of its directory."""
    update = ((0, bit_of(structure, "DF04/UK2DF04")),)
    return with_file(structure, LOG, lambda file: dataclasses.replace(file, update=update))


@FAULTS.structure(
    "acc.log-read-with-key",
    "医疗交易明细可由读密钥读取",
    "The medical transaction log is read with a key, without the PIN",
    ["SSC-ACC-057"],
    having(LOG),
)
def log_read_with_key(structure: Structure) -> Structure:
    """DF04/EF08 has the read rule of its neighbours."""
    key = ((0, bit_of(structure, "DF04/RK1DF04")),)
    return with_file(structure, LOG, lambda file: dataclasses.replace(file, read=file.read + key))


@FAULTS.structure(
    "acc.issuer-protected",
    "发卡机构数据须认证后读取",
    "The issuer's data are read after authentication only",
    ["SSC-ACC-001"],
)
def issuer_protected(structure: Structure) -> Structure:
    """SSSE/EF05 has the read rule of EF06."""
    key = ((bit_of(structure, "SSSE/RKSSSE"), 0),)
    return with_file(structure, "SSSE/EF05", lambda file: dataclasses.replace(file, read=key))


@FAULTS.structure(
    "acc.holder-free",
    "持卡人基本信息可自由读取",
    "The holder's basic data are read freely, as on a 2.00 card",
    ["SSC-ACC-003", "SSC-FMT-009"],
    version_3,
)
def holder_free(structure: Structure) -> Structure:
    """A 3.00 card with the access rule of version 2.00."""
    return with_file(structure, "SSSE/EF06", lambda file: dataclasses.replace(file, read=FREE))


@FAULTS.structure(
    "acc.photo-with-pin", "照片可用个人密码读取", "The photograph is read with the PIN", ["SSC-ACC-007"], having(PHOTO)
)
def photo_with_pin(structure: Structure) -> Structure:
    """SSSE/EF08 takes the PIN besides RKSSSE."""
    pin = ((bit_of(structure, "SSSE/PIN"), 0),)
    return with_file(structure, PHOTO, lambda file: dataclasses.replace(file, read=file.read + pin))


@FAULTS.structure(
    "acc.reserved-files-writable",
    "预留文件可自由写入",
    "A reserved file is written freely",
    ["SSC-ACC-024"],
    having("DF01/EF18"),
)
def reserved_files_writable(structure: Structure) -> Structure:
    """Reserved files kept the rule of the time before issue."""
    return with_file(structure, "DF01/EF18", lambda file: dataclasses.replace(file, update=FREE))
