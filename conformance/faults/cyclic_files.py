"""Faults of the cyclic files 循环文件 that terminals write: special settlements, former jobs, forms of append."""

from __future__ import annotations

import dataclasses

from conformance.faults.catalogue import FaultSet, having
from conformance.faults.means import with_file
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.records import addressed_file
from emulator.cos.structure import File, Structure
from emulator.iso7816 import SW, Command, StatusError

FAULTS = FaultSet()
UPDATE = "UPDATE RECORD"
SPECIAL, LOG, JOBS = "DF04/EF15", "DF04/EF08", "DF02/EF07"


def _of_three(file: File) -> File:
    return dataclasses.replace(file, capacity=3)


def _file(card: Card, command: Command) -> File | None:
    try:
        return addressed_file(card, command.p2 >> 3)
    except StatusError:
        return None


@FAULTS.structure(
    "cyc.special-of-seven",
    "特殊结算记录只保留7条",
    "Seven special settlements are kept",
    ["SSC-LOG-006"],
    having(SPECIAL),
)
def special_of_seven(structure: Structure) -> Structure:
    """One record less than the rule."""
    return with_file(structure, SPECIAL, lambda file: dataclasses.replace(file, capacity=7))


@FAULTS.command(
    UPDATE,
    "cyc.special-number-small",
    "特殊结算序号只保存低字节",
    "A special settlement keeps the low byte of its number only",
    ["SSC-LOG-006"],
    having(SPECIAL),
)
def special_number_small(card: Card, command: Command, good: Handler) -> bytes:
    """The high byte is zero."""
    file = _file(card, command)
    if file is not None and file.path == SPECIAL and len(command.data) == 3:
        command = command._replace(data=b"\x00" + command.data[1:])
    return good(card, command)


@FAULTS.command(
    UPDATE,
    "cyc.special-enters-log",
    "写特殊结算记录时改动交易明细",
    "A special settlement changes the number in the log",
    ["SSC-LOG-007"],
    having(SPECIAL, LOG),
)
def special_enters_log(card: Card, command: Command, good: Handler) -> bytes:
    """The newest record of the log is marked by its top bit."""
    file, answer = _file(card, command), good(card, command)
    log = card.memory.cells["file:" + LOG]
    if file is not None and file.path == SPECIAL and isinstance(log, tuple) and log:
        marked = bytes([log[0][0] | 0x80]) + log[0][1:]
        card.memory.commit({"file:" + LOG: (marked, *log[1:])})
    return answer


@FAULTS.structure("cyc.jobs-of-three", "就业记录只保留3条", "Three former jobs are kept", ["SSC-LOG-008"], having(JOBS))
def jobs_of_three(structure: Structure) -> Structure:
    """The employment records have room for three."""
    return with_file(structure, JOBS, _of_three)


@FAULTS.command(
    UPDATE,
    "cyc.no-append",
    "循环文件不接受追加",
    "A cyclic file knows no form of append",
    ["SSC-LOG-009", "SSC-LOG-006", "SSC-LOG-008"],
    having(SPECIAL),
)
def no_append(card: Card, command: Command, good: Handler) -> bytes:
    """Neither P1 00 nor record number 1."""
    file = _file(card, command)
    if file is not None and file.path in (SPECIAL, JOBS):
        raise StatusError(SW.INCORRECT_P1_P2)
    return good(card, command)


@FAULTS.command(
    UPDATE,
    "cyc.append-doubles",
    "追加时写入两条记录",
    "An append writes its record twice",
    ["SSC-LOG-009", "SSC-LOG-006", "SSC-LOG-008"],
    having(SPECIAL),
)
def append_doubles(card: Card, command: Command, good: Handler) -> bytes:
    """A retry that was none."""
    file, answer = _file(card, command), good(card, command)
    stored = card.memory.cells[file.cell] if file is not None else None
    if file is not None and file.path in (SPECIAL, JOBS) and isinstance(stored, tuple):
        card.memory.commit({file.cell: (stored[0], *stored)[: file.capacity]})
    return answer
