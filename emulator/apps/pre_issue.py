"""The vendor's pre-issue command set: transport code, CREATE FILE, DELETE, END, WRITE KEY.

These commands stand outside LD/T 32.5; each maker of a COS has its own. This is the set of one maker as far as a
public personalisation script shows it (reconstructed specification §3.5). What the script does not show is ours, and
marked *assumed* below.

Body of CREATE FILE: 3 bytes zero ‖ space 2 ‖ file identifier 2 ‖ type 1 ‖ zero 1 ‖ SFI 1 ‖ access mode 1 ‖
record length 1 ‖ read access 2 ‖ write access 2, and for a directory its name. In an access pair the first byte is the
level needed in the directory above, the second the level in the current one; ``00`` is free and ``EF`` never. The high
nibble of the access mode joins the pair for reading, the low one for writing: 4 both, 0 either (nibbles assumed).
Behind the body of an internal file stands what it holds (assumed): no command writes it later. The FCI file EF23 holds
what SELECT adds to its directory's tag A5.

END of the master file closes the chip for good and takes the transport key away; nothing below may still be in creation.
What the maker put into the chip is not theirs to build or to take away: a debit application that waits for its
personalisation is personalised before END or after it, and DELETE leaves it where it is.
"""

from __future__ import annotations

import dataclasses
import hmac

from emulator.cos import tries
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet
from emulator.cos.memory import Value, octets_in
from emulator.cos.structure import (
    CARD_STATE_CELL,
    FREE,
    NEVER,
    AccessRule,
    CardState,
    Directory,
    DirectoryState,
    File,
    FileStructure,
    Key,
    Pin,
    Structure,
)
from emulator.cos.tree import Node
from emulator.crypto import Algorithm, decrypt_ecb, encrypt_block, mac, unpad_length_prefixed
from emulator.iso7816 import SW, Command, StatusError
from profiles.payment_model import PERSONALISATION

CREATE, END, TRANSPORT_CODE = 0x01, 0x02, 0x03
DELETE_FILE, DELETE_DIRECTORY, DELETE_ALL = 0x01, 0x02, 0x03
BODY_LENGTH = 16
TYPE_DDF, TYPE_ADF = 0xD1, 0xD2  # assumed
FREE_LEVEL, NEVER_LEVEL = 0x00, 0xEF
BOTH = 4
TRANSPORT_KEY = "TK"
HEADER_LENGTH = 8
PIN_USE = 0x1F
LOCKS, UNBLOCKS_PIN = 0x01, 0x02
"""Roles of an external authentication key, byte 6 of its header (assumed): BK or LK 锁定密钥, PUK 个人密码解锁密钥."""
FCI_FILE = 0xEF23
INTERNAL_NAMES = {0xEF80: "SF", 0xEF81: "TF", FCI_FILE: "FCI"}
"""Internal files of the script: keys, amounts, file control information."""

FILE_TYPES = {
    0xC3: FileStructure.INTERNAL,
    0xC4: FileStructure.TRANSPARENT,
    0xC5: FileStructure.FIXED,
    0xC6: FileStructure.VARIABLE,
    0xC7: FileStructure.CYCLIC,
    0xD6: FileStructure.VARIABLE,
}
KEY_USES = {
    0x00: "external authentication",
    0x01: "maintenance",
    0x02: "purchase",
    0x09: "load",
    0x0C: "tac",
    0x0D: "master",
    0x0E: "starting day",
    0x1C: "internal authentication",
}
"""Usage bytes of the nearest vendor manual (vol. 2 §3.3); ``0D`` for the master key and ``0E`` are assumed."""

COMMANDS = CommandSet()


def _in_creation(card: Card) -> Node:
    """The current directory, which must still be under creation on a card whose transport code was shown."""
    node = card.session.node
    if card.memory.cells[node.state_cell] != DirectoryState.CREATION:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    key = card.master_file.keys.get(TRANSPORT_KEY)
    if key is not None and not card.session.transport_code_shown:
        raise StatusError(SW.SECURITY_STATUS_NOT_SATISFIED)
    return node


@COMMANDS.command("CREATE FILE")
def create_or_end(card: Card, command: Command) -> bytes:
    """The three functions of ``80 E0``: P1 ``01`` create, ``02`` end, ``03`` show the transport code."""
    if command.p2 or command.p1 not in (CREATE, END, TRANSPORT_CODE):
        raise StatusError(SW.INCORRECT_P1_P2)
    if command.p1 == TRANSPORT_CODE:
        _show_transport_code(card, command.data)
    elif command.p1 == END:
        _end(card, command.data)
    else:
        _create(card, command.data)
    return b""


def _show_transport_code(card: Card, code: bytes) -> None:
    """Compare with 3DES(transport key, 00 00 ‖ last six historical bytes)."""
    if len(code) != 8:
        raise StatusError(SW.WRONG_LENGTH)
    key = card.master_file.keys.get(TRANSPORT_KEY)
    if key is None:
        raise StatusError(SW.REFERENCED_DATA_NOT_FOUND)
    tries.refuse_when_blocked(card.memory, key)
    remaining = tries.spend(card.memory, key)
    value = octets_in(card.memory.cells[key.cell(1)])
    expected = encrypt_block(Algorithm.DES3, value, bytes(2) + card.structure.historical[-6:])
    tries.settle(card.memory, key, hmac.compare_digest(expected, code), remaining)
    card.session.transport_code_shown = True


def _end(card: Card, data: bytes) -> None:
    if data:
        raise StatusError(SW.WRONG_LENGTH)
    node = _in_creation(card)
    if any(_is_being_built(card, below) for below in node.walk() if below is not node):
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    changes: dict[str, Value] = {node.state_cell: DirectoryState.OPERATIONAL}
    if node is not card.master_file:
        card.memory.commit(changes)
        return
    changes[CARD_STATE_CELL] = CardState.OPERATIONAL
    transport = node.keys.get(TRANSPORT_KEY)
    if transport is not None:
        changes |= {transport.cell(1): b"", transport.tries_cell: 0}
    kept = tuple(key for key in node.directory.keys if key is not transport)
    card.change_structure(_with(card.structure, dataclasses.replace(node.directory, keys=kept)), changes)


def _is_being_built(card: Card, node: Node) -> bool:
    """Whether the pre-issue commands have begun a directory and not ended it."""
    waiting = node.directory.application == PERSONALISATION
    return card.memory.cells[node.state_cell] == DirectoryState.CREATION and not waiting


def _create(card: Card, body: bytes) -> None:
    if len(body) < BODY_LENGTH:
        raise StatusError(SW.WRONG_LENGTH)
    node = _in_creation(card)
    space = int.from_bytes(body[3:5], "big")
    fid = int.from_bytes(body[5:7], "big")
    kind, sfi, mode, record_length = body[7], body[9], body[10], body[11]
    taken = {file.fid for file in node.directory.files} | {child.directory.fid for child in node.children}
    if fid in taken or node.directory.fid == fid:
        raise StatusError(SW.FILE_ALREADY_EXISTS)
    if kind in (TYPE_DDF, TYPE_ADF):
        _create_directory(card, node, fid, kind, body[BODY_LENGTH:], sfi)
        return
    structure, initial = FILE_TYPES.get(kind), body[BODY_LENGTH:]
    if structure is None or not 0 < space <= 0x7FFF or sfi > 30 or sfi in node.files_by_sfi:
        raise StatusError(SW.WRONG_DATA)
    if initial and (structure is not FileStructure.INTERNAL or len(initial) > space):
        raise StatusError(SW.WRONG_DATA)
    if structure is FileStructure.CYCLIC and not 0 < record_length <= space:
        raise StatusError(SW.WRONG_DATA)
    file = File(
        path=f"{node.directory.name}/{_file_name(structure, fid)}",
        fid=fid,
        sfi=sfi or fid & 0x1F,
        structure=structure,
        read=_rule(node, body[12:14], mode >> 4 == BOTH),
        update=_rule(node, body[14:16], mode & 0xF == BOTH),
        capacity=space // record_length if structure is FileStructure.CYCLIC else space,
        record_length=record_length if structure is FileStructure.CYCLIC else 0,
    )
    unstructured = structure in (FileStructure.TRANSPARENT, FileStructure.INTERNAL)
    contents: Value = initial.ljust(space, b"\0") if unstructured else ()
    directory = dataclasses.replace(node.directory, files=(*node.directory.files, file))
    if structure is FileStructure.INTERNAL and fid == FCI_FILE:
        directory = dataclasses.replace(directory, proprietary=initial)
    card.change_structure(_with(card.structure, directory), {file.cell: contents})


def _file_name(structure: FileStructure, fid: int) -> str:
    own = INTERNAL_NAMES.get(fid) if structure is FileStructure.INTERNAL else None
    return own or f"{fid:04X}"


def _create_directory(card: Card, parent: Node, fid: int, kind: int, name: bytes, sfi: int) -> None:
    if len(name) > 16 or not parent.is_environment:
        raise StatusError(SW.WRONG_DATA)
    label = f"{fid:04X}"
    directories = card.structure.directories
    if any(d.name == label or (name and d.aid == name) for d in directories):
        raise StatusError(SW.DF_NAME_ALREADY_EXISTS)
    application = parent.directory.application if kind == TYPE_ADF else "social security"
    directory = Directory(
        name=label,
        fid=fid,
        kind="DDF" if kind == TYPE_DDF else "ADF",
        parent=parent.directory.name,
        aid=name,
        application=application,
        directory_file=sfi or None,
        proprietary=b"",
    )
    structure = dataclasses.replace(card.structure, directories=(*directories, directory))
    card.change_structure(structure, {directory.state_cell: DirectoryState.CREATION})
    made = next(node for node in card.master_file.walk() if node.directory.name == label)
    card.session.enter(made, reselecting_clears=False)


def _with(structure: Structure, changed: Directory) -> Structure:
    """The structure with one directory exchanged."""
    directories = tuple(changed if d.name == changed.name else d for d in structure.directories)
    return dataclasses.replace(structure, directories=directories)


def _rule(node: Node, pair: bytes, both: bool) -> AccessRule:
    """Translate an access pair: (level in the directory above, level here) into bits of the two security words."""
    above, here = ((1 << level - 1 if level != FREE_LEVEL else 0) for level in pair)
    if node.is_environment:
        above, here = here | above, 0
    if NEVER_LEVEL in pair:
        if both or pair == bytes([NEVER_LEVEL] * 2):
            return NEVER
        return ((above, 0),) if pair[1] == NEVER_LEVEL else ((0, here),)
    if both or node.is_environment:
        return ((above, here),)
    if FREE_LEVEL in pair:
        return FREE
    return ((above, 0), (0, here))


@COMMANDS.command("DELETE")
def delete(card: Card, command: Command) -> bytes:
    """DELETE, P2 ``01`` the current file, ``02`` the current directory, ``03`` all below the MF (assignment assumed)."""
    if command.p1 or command.p2 not in (DELETE_FILE, DELETE_DIRECTORY, DELETE_ALL):
        raise StatusError(SW.INCORRECT_P1_P2)
    if command.data:
        raise StatusError(SW.WRONG_LENGTH)
    node = _in_creation(card)
    file = card.session.file
    if command.p2 == DELETE_FILE:
        if file is None:
            raise StatusError(SW.NO_CURRENT_EF)
        if file.maker_made:
            raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
        files = tuple(other for other in node.directory.files if other is not file)
        structure = _with(card.structure, dataclasses.replace(node.directory, files=files))
    else:
        structure = _without_directories(card, node, everything=command.p2 == DELETE_ALL)
    card.change_structure(structure, {})
    return b""


def _without_directories(card: Card, node: Node, *, everything: bool) -> Structure:
    """The structure without the current directory, or without all that hangs below an MF still under creation."""
    master = card.master_file
    if (card.memory.cells[master.state_cell] != DirectoryState.CREATION) if everything else node is master:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    top = master if everything else node
    doomed = {below.directory.name for below in top.walk() if not below.directory.maker_made}
    kept = tuple(directory for directory in card.structure.directories if directory.name not in doomed)
    structure = dataclasses.replace(card.structure, directories=kept)
    files = tuple(file for file in master.directory.files if file.maker_made)
    return _with(structure, dataclasses.replace(master.directory, files=files)) if everything else structure


@COMMANDS.command("WRITE KEY")
def write_key_plain(card: Card, command: Command) -> bytes:
    """WRITE KEY, CLA ``80``: header ‖ key enciphered under the master key, only while the directory is created."""
    node = _in_creation(card)
    _store(card, node, _decipher(card, node, command.data))
    return b""


@COMMANDS.command("WRITE KEY with MAC")
def write_key(card: Card, command: Command) -> bytes:
    """WRITE KEY, CLA ``84``: enciphered as above ‖ MAC 4 under the master key, initial vector the challenge.

    The one form that changes a key of an issued card 密钥替换 (vol. 2 §3.7); it installs none there.
    """
    if command.p1 or command.p2:
        raise StatusError(SW.INCORRECT_P1_P2)
    data = command.data
    if len(data) < 4 + card.algorithm.block_size:
        raise StatusError(SW.WRONG_LENGTH)
    node = card.session.node
    key = _master_key(card, node)
    iv = card.session.take_challenge().ljust(card.algorithm.block_size, b"\0")
    covered = command.header + bytes([len(data)]) + data[:-4]
    expected = mac(card.algorithm, key, covered, iv=iv, fold=card.settings.sm4_mac_fold)
    if not hmac.compare_digest(expected, data[-4:]):
        raise StatusError(SW.SECURE_MESSAGING_OBJECTS_INCORRECT)
    _store(card, node, _decipher(card, node, data[:-4]))
    return b""


def _master_key(card: Card, node: Node) -> bytes:
    """The value of the directory's master key, or that of the nearest one above; ``6A88`` when there is none."""
    looking: Node | None = node
    while looking is not None:
        for key in looking.directory.keys:
            if key.use == "master":
                return octets_in(card.memory.cells[key.cell(1)])
        looking = looking.parent
    raise StatusError(SW.REFERENCED_DATA_NOT_FOUND)


def _decipher(card: Card, node: Node, data: bytes) -> bytes:
    try:
        plain = unpad_length_prefixed(
            decrypt_ecb(card.algorithm, _master_key(card, node), data), card.algorithm.block_size
        )
    except ValueError:
        raise StatusError(SW.WRONG_DATA) from None
    if len(plain) not in (HEADER_LENGTH + 8, HEADER_LENGTH + 16) or plain[7] != len(plain) - HEADER_LENGTH:
        raise StatusError(SW.WRONG_DATA)
    return plain


def _store(card: Card, node: Node, plain: bytes) -> None:
    """Install or exchange a key.

    Header: usage ‖ identifier ‖ version ‖ algorithm ‖ tries (limit in the low nibble) ‖ role ‖ level reached ‖ length
    (fields assumed from the one header seen and the vendor manual of vol. 2 §3.3).
    """
    usage, reference, version, _, attempts, role, level, _ = plain[:HEADER_LENGTH]
    value, version, limit = plain[HEADER_LENGTH:], version or 1, attempts & 0xF
    if usage == PIN_USE:
        _store_pin(card, node, reference, value, limit, level)
        return
    use = KEY_USES.get(usage)
    if use is None or not 1 <= version <= 3:
        raise StatusError(SW.WRONG_DATA)
    existing = next((k for k in node.directory.keys if k.reference == reference and k.use == use), None)
    if existing is not None and version <= existing.versions:
        card.memory.commit({existing.cell(version): value, existing.tries_cell: existing.limit})
        return
    _in_creation(card)
    label = f"{node.directory.name}/{use.split()[0]}-{reference:02X}"
    key = Key(path=label, reference=reference, bit=_bit(level), limit=limit, use=use, versions=version)
    if existing is not None:
        key = dataclasses.replace(existing, versions=version)
    others = tuple(k for k in node.directory.keys if k is not existing)
    directory = dataclasses.replace(node.directory, keys=(*others, key))
    if use == "maintenance":
        directory = dataclasses.replace(directory, maintenance_key=label.rpartition("/")[2])
    if use == "external authentication" and role == LOCKS:
        directory = dataclasses.replace(directory, lock_key=label.rpartition("/")[2])
    if use == "external authentication" and role == UNBLOCKS_PIN:
        directory = dataclasses.replace(directory, unblocking_key=label.rpartition("/")[2])
    changes: dict[str, Value] = {key.cell(version): value}
    if existing is None:
        changes[key.tries_cell] = limit
    card.change_structure(_with(card.structure, directory), changes)


def _store_pin(card: Card, node: Node, reference: int, value: bytes, limit: int, level: int) -> None:
    _in_creation(card)
    pin = Pin(path=f"{node.directory.name}/PIN-{reference:02X}", reference=reference, bit=_bit(level), limit=limit)
    pins = (*(p for p in node.directory.pins if p.reference != reference), pin)
    directory = dataclasses.replace(node.directory, pins=pins)
    card.change_structure(_with(card.structure, directory), {pin.cell: value.rstrip(b"\xff"), pin.tries_cell: limit})


def _bit(level: int) -> int:
    """The bit of a security word that a level ``XY`` of the header stands for; level 0 sets none."""
    return 1 << (level & 0xF) - 1 if level & 0xF else 0
