"""The end of personalisation: whether all is there without which the application cannot work, and what makes it an issued card."""

from __future__ import annotations

import dataclasses

from emulator.apps.payment.application import (
    Counter,
    Tag,
    backup_cell,
    counter_cell,
    data_cell,
    path_cell,
    pending_cell,
    private_key_cell,
    proof_cell,
    sm_cell,
)
from emulator.apps.payment.build import APPLICATION, FROM_RECORDS, LOAD_LOG_HEAD
from emulator.apps.personalisation.chip import keys_cell
from emulator.apps.personalisation.work import LAST_TEMPLATE_FILE, SM_PATHS, Work, checked_cell, data_objects
from emulator.cos.structure import FREE, NEVER, DirectoryState, File, FileStructure
from emulator.crypto.personalisation import pad_group
from emulator.iso7816 import SW, StatusError, TlvError, tlv

LOGS = ((0x9F4D, Tag.LOG_FORMAT, 0), (0xDF4D, Tag.LOAD_LOG_FORMAT, LOAD_LOG_HEAD))
"""Log entry, log format, and the bytes that a record has before what the format lists."""
LOG_FILES = range(11, 31)
LARGEST_LOG = 254
SHORTEST_MODULUS, LONGEST_MODULUS = 96, 248


def issue(work: Work) -> None:
    """Turn the application into the one that transactions know; ``6985`` while something needed is missing."""
    _take_from_records(work)
    _require(work)
    _settle_private_key(work)
    _make_logs(work)
    for counter in Counter:
        work.changes[counter_cell(work.name, counter)] = 0
    work.changes[data_cell(work.name, Tag.ATC)] = bytes(2)
    work.changes[data_cell(work.name, Tag.LAST_ONLINE_ATC)] = bytes(2)
    work.changes[backup_cell(work.name)] = work.changes[pending_cell(work.name)] = ()
    work.changes[proof_cell(work.name)] = b""
    work.changes[work.directory.state_cell] = DirectoryState.OPERATIONAL
    work.changes[keys_cell(work.name)] = ()
    work.directory = dataclasses.replace(
        work.directory, application=APPLICATION, blocked_answer=SW.SELECTED_FILE_DEACTIVATED
    )


def _refuse_unless(condition: bool) -> None:
    if not condition:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)


def _take_from_records(work: Work) -> None:
    """Keep the lists of the records with which the card itself works."""
    for file in work.directory.files:
        records = work.cell(file.cell)
        for record in records if isinstance(records, tuple) and file.sfi <= LAST_TEMPLATE_FILE else ():
            for each in data_objects(record)[0].children if record else ():
                if each.tag in FROM_RECORDS:
                    work.changes[data_cell(work.name, each.tag)] = each.value


def _require(work: Work) -> None:
    name = work.name
    _refuse_unless(work.cell(path_cell(name, "ordinary")) is not None)
    _refuse_unless(len(work.keys(sm=False)) > 0 and work.cell(checked_cell(name)) == 1)
    if any(work.cell(path_cell(name, kind, sm=True)) is not None for kind in SM_PATHS.values()):
        _refuse_unless(len(work.keys(sm=True)) > 0 and work.cell(checked_cell(name, sm=True)) == 1)
        _refuse_unless(work.cell(sm_cell(name, Tag.ISSUER_DATA, contactless=False)) is not None)
    _refuse_unless(work.cell(data_cell(name, Tag.PDOL)) is not None)
    for tag in (Tag.ISSUER_DATA, Tag.CDOL1, Tag.CDOL2):
        _refuse_unless(work.cell(data_cell(name, tag)) is not None)
    for tag in (*FROM_RECORDS, Tag.LOG_FORMAT, Tag.LOAD_LOG_FORMAT):
        _length_of_list(work, tag)
    _refuse_unless((work.cell(work.pin.cell) is not None) == bool(work.pin.limit))


def _length_of_list(work: Work, tag: int) -> int:
    """Bytes of the values that a list asks for, 0 where the card has none."""
    value = work.cell(data_cell(work.name, tag))
    try:
        return sum(length for _, length in tlv.parse_tags_and_lengths(value if isinstance(value, bytes) else b""))
    except TlvError:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED) from None


def _settle_private_key(work: Work) -> None:
    """Take the padding off the parts of an RSA key, and see that they belong together.

    All but 1/q mod p are odd numbers, which no padding ends; p tells the length of the others.
    """
    held = work.cell(private_key_cell(work.name))
    if not isinstance(held, tuple):
        return
    _refuse_unless(all(held))
    p = _without_padding(held[0])
    parts = [part[: len(p)] for part in held]
    for part, whole in zip(parts, held, strict=True):
        _refuse_unless(whole in (part, pad_group(work.algorithm, part)) and len(part) == len(p))
    first, second, by_p, by_q, inverse = (int.from_bytes(part) for part in parts)
    modulus = ((first * second).bit_length() + 7) // 8
    _refuse_unless(SHORTEST_MODULUS <= modulus <= LONGEST_MODULUS and first != second)
    _refuse_unless(first > 1 and inverse * second % first == 1 and by_p < first and by_q < second)
    work.changes[private_key_cell(work.name)] = tuple(parts)


def _without_padding(part: bytes) -> bytes:
    if part[-1] & 1:
        return part
    return part.rstrip(b"\0").removesuffix(b"\x80")


def _make_logs(work: Work) -> None:
    for entry, log_format, head in LOGS:
        value = work.cell(data_cell(work.name, entry))
        if not isinstance(value, bytes):
            continue
        _refuse_unless(len(value) == 2 and value[0] in LOG_FILES and 1 <= value[1] <= LARGEST_LOG)
        _refuse_unless(work.cell(data_cell(work.name, log_format)) is not None)
        _refuse_unless(all(file.sfi != value[0] for file in work.directory.files))
        log = File(
            path=f"{work.name}/SFI{value[0]:02X}",
            fid=0xEF00 | value[0],
            sfi=value[0],
            structure=FileStructure.CYCLIC,
            read=FREE,
            update=NEVER,
            capacity=value[1],
            record_length=_length_of_list(work, log_format) + head,
            log_format=log_format,
        )
        work.replace_file(log)
        work.changes[log.cell] = ()
