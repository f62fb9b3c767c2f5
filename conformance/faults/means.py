"""What several faults need: to look at a command as the card does, to rehearse it, to open every access rule."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from conformance.faults.catalogue import Change
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.memory import Memory, Value, octets_in, records_in
from emulator.cos.structure import Directory, File, Key, Structure
from emulator.cos.tree import Node
from emulator.crypto import authentication_cryptogram, mac, session_key
from emulator.iso7816 import Command, StatusError

CRYPTOGRAM = 8
SOURCE = slice(8, 16)
MAC_LENGTH = 4
ALL_RIGHTS = -1
"""A security word with every bit set."""


def files_of(cells: Mapping[str, Value], path: str) -> tuple[bytes, ...]:
    """The records of a file."""
    return records_in(cells["file:" + path])


# Contents


def records(path: str, change: Callable[[tuple[bytes, ...]], tuple[bytes, ...]]) -> Change:
    """Other records in a file."""
    return lambda cells: {"file:" + path: change(files_of(cells, path))}


def element(path: str, tag: int, value: bytes) -> Change:
    """Another value of an element, the first with this tag, laid over its beginning; its length stays."""
    return records(path, lambda found: _overlaid(found, tag, value))


def _overlaid(found: tuple[bytes, ...], tag: int, value: bytes) -> tuple[bytes, ...]:
    index = next(index for index, record in enumerate(found) if record[0] == tag)
    old = found[index]
    return (*found[:index], old[:2] + value + old[2 + len(value) :], *found[index + 1 :])


# Structure


def with_directory(structure: Structure, name: str, change: Callable[[Directory], Directory]) -> Structure:
    """The structure with another description of one directory."""
    directories = tuple(change(d) if d.name == name else d for d in structure.directories)
    return dataclasses.replace(structure, directories=directories)


def with_files(structure: Structure, change: Callable[[Directory, File], File]) -> Structure:
    """The structure with other descriptions of its files."""
    directories = tuple(
        dataclasses.replace(d, files=tuple(change(d, file) for file in d.files)) for d in structure.directories
    )
    return dataclasses.replace(structure, directories=directories)


def with_file(structure: Structure, path: str, change: Callable[[File], File]) -> Structure:
    """The structure with another description of one file."""
    return with_files(structure, lambda _, file: change(file) if file.path == path else file)


def with_settings(structure: Structure, **settings: object) -> Structure:
    """The structure with other settings."""
    return dataclasses.replace(structure, settings=structure.settings.model_copy(update=settings))


def bit_of(structure: Structure, path: str) -> int:
    """The bit of a PIN or key, e.g. ``SSSE/UKSSSE``, in the security word of its directory."""
    return next(held.bit for d in structure.directories for held in (*d.pins, *d.keys) if held.path == path)


# Commands


@contextmanager
def unlocked(card: Card) -> Iterator[None]:
    """While this lasts every access rule but *never* is satisfied."""
    session = card.session
    words = session.global_word, session.local_word
    session.global_word = session.local_word = ALL_RIGHTS
    try:
        yield
    finally:
        session.global_word, session.local_word = words


def rehearsed(card: Card, command: Command, good: Handler) -> tuple[bytes, StatusError | None, dict[str, Value]]:
    """Answer, refusal and written cells of a command that writes nothing yet; the session goes on as if it had."""
    memory = card.memory
    card.memory = Memory(memory.snapshot())
    answer, refused = b"", None
    try:
        answer = good(card, command)
    except StatusError as refusal:
        refused = refusal
    finally:
        written = {cell: value for cell, value in card.memory.cells.items() if memory.cells.get(cell) != value}
        card.memory = memory
    return answer, refused, written


def answered_only(card: Card, command: Command, good: Handler) -> bytes:
    """Answer a command as if it were performed, and write nothing."""
    answer, refused, _ = rehearsed(card, command, good)
    if refused is not None:
        raise refused
    return answer


def counted_after(card: Card, command: Command, good: Handler) -> bytes:
    """Perform a command that writes all it has to write at its end, after every comparison."""
    answer, refused, written = rehearsed(card, command, good)
    if written:
        card.memory.commit(written)
    if refused is not None:
        raise refused
    return answer


def authentication_key(card: Card, reference: int) -> Key | None:
    """The key that EXTERNAL AUTHENTICATE means by P2."""
    node, _ = card.node_of_reference(reference)
    return node.authentication_keys.get(reference)


def key_of(card: Card, key: Key, version: int) -> bytes | None:
    """The value of a version of a key, if there is one."""
    value = card.memory.cells.get(key.cell(version))
    return None if value is None else octets_in(value)


def right_cryptogram(card: Card, command: Command, source: bytes | None = None) -> bytes | None:
    """The cryptogram that the card waits for, with the command's key, version and, unless given, source data."""
    data, challenge = command.data, card.session.challenge
    key = authentication_key(card, command.p2)
    if key is None or challenge is None or len(data) not in (16, 17):
        return None
    value = key_of(card, key, data[16] if len(data) == 17 else card.settings.default_key_version)
    if value is None:
        return None
    return authentication_cryptogram(card.algorithm, value, challenge, source or data[SOURCE])


def maintenance_key(card: Card, node: Node) -> bytes | None:
    """The session key of maintenance commands for a directory, or None before GET CHALLENGE; nothing is used up."""
    name = node.directory.maintenance_key or ""
    key = node.keys.get(name) or node.environment.keys.get(name)
    value = None if key is None else key_of(card, key, 1)
    if value is None or card.session.challenge is None:
        return None
    return session_key(card.algorithm, value, card.session.challenge)


def maintained(card: Card, command: Command) -> Node:
    """The directory whose maintenance key protects a command."""
    applications = (0x1E, 0x18)
    return card.session.node if command.ins in applications else card.session.node.environment


def mac_input(command: Command) -> bytes:
    """What the MAC of a maintenance command covers."""
    return command.header + bytes([len(command.data)]) + command.data[:-MAC_LENGTH]


def right_mac(card: Card, command: Command) -> bytes | None:
    """The MAC that the card waits for."""
    key = maintenance_key(card, maintained(card, command))
    if key is None:
        return None
    return mac(card.algorithm, key, mac_input(command), fold=card.settings.sm4_mac_fold)


def with_mac(command: Command, code: bytes) -> Command:
    """The command with another MAC."""
    return command._replace(data=command.data[:-MAC_LENGTH] + code)


def with_judged_mac(card: Card, command: Command, good: Handler, accepts: Callable[[bytes, bytes], bool]) -> bytes:
    """Perform a maintenance command with another comparison of the MAC: ``accepts(given, right)``."""
    right = right_mac(card, command)
    if right is None or len(command.data) < MAC_LENGTH:
        return good(card, command)
    given = command.data[-MAC_LENGTH:]
    wrong = bytes(byte ^ 0xFF for byte in right)
    return good(card, with_mac(command, right if accepts(given, right) else wrong))
