"""What one STORE DATA makes of its groupings: records, data objects, keys, PIN. Nothing is durable before all of it is good."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from emulator.apps.payment.application import (
    Tag,
    contactless_cell,
    data_cell,
    management_keys_cell,
    path_cell,
    private_key_cell,
    sm_cell,
)
from emulator.apps.personalisation.groups import Group
from emulator.cos.card import Card
from emulator.cos.memory import Value
from emulator.cos.structure import FREE, NEVER, Directory, File, FileStructure, Key, Pin
from emulator.crypto import Algorithm, CryptoError, decrypt_ecb, unpad_mac
from emulator.crypto.payment import PIN_BLOCK_SIZE, pin_of_block
from emulator.crypto.personalisation import CHECK_VALUE_SIZE, check_value, pad_group
from emulator.crypto.sm2 import public_key_of
from emulator.iso7816 import SW, StatusError, Tlv, TlvError, tlv
from profiles.dictionary import Grouping, find_grouping, payment_elements

NOTHING_ENCIPHERED, AS_GROUPING_SAYS, ALL_ENCIPHERED = 0x00, 0x20, 0x60
"""Bits 7 and 6 of P1 of STORE DATA."""
RECORD_TEMPLATE, PROPRIETARY, DISCRETIONARY = 0x70, 0xA5, 0xBF0C
LAST_TEMPLATE_FILE = 10
LONGEST_RECORD = 256
"""What a short READ RECORD can answer; a certificate of 248 bytes (1984 bits) makes a record of 255."""
KEY_SIZE, SM2_KEY_SIZE = 16, 32
KEY_USES = ("payment cryptogram", "payment MAC", "payment encryption")
"""Order of the keys in DGI 8000 and of their check values in DGI 9000."""
OPENING_USE = "extended opening"
SECTOR_HEAD = 3
"""Bytes before the opening key of a file of the extended application: capacity (2), longest record (1)."""
CYCLIC_SECTOR_FILE = 0x1E
LARGEST_SECTOR_FILE = 0x7FFF
NO_REFERENCE = 0xFF
PIN_REFERENCE, LARGEST_TRIES = 0x80, 15
PATHS = {0x9104: "ordinary", 0x9203: "e-cash", 0x9207: "qPBOC"}
SM_PATHS = {0x9114: "ordinary", 0x9213: "e-cash", 0x9217: "qPBOC"}
SM_KEYS, SM_CHECK_VALUES, SM_ISSUER_DATA = 0x8001, 0x9001, 0x9201
"""Groupings of the second algorithm set of a dual-algorithm card 双算法卡."""
CONTACTLESS_SELECTION = 0x9103
PRIVATE_KEY_PARTS = {0x8205: 0, 0x8204: 1, 0x8203: 2, 0x8202: 3, 0x8201: 4}
"""Place of each part in the memory of the private key: p, q, d mod (p−1), d mod (q−1), 1/q mod p."""
TEXT_KINDS = frozenset({"record", "objects", "selection", "options"})
"""Groupings made of data objects, whose padding is what a data object cannot be."""


def checked_cell(directory: str, *, sm: bool = False) -> str:
    """Where it lives whether the check values of the application's keys were right; ``sm`` for the second set."""
    return f"personalisation {'SM keys' if sm else 'keys'} checked:{directory}"


def data_objects(value: bytes) -> tuple[Tlv, ...]:
    """The data objects of a value with all that they hold; ``6A80`` where it is something else."""
    try:
        objects = tlv.parse(value)
        for _, _each in tlv.walk(objects):
            pass
    except TlvError:
        raise StatusError(SW.WRONG_DATA) from None
    return objects


class Work:
    """The application as one command would leave it. A method raises the status word with which all of it is refused."""

    def __init__(self, card: Card, dek: bytes) -> None:
        self.card = card
        self.directory: Directory = card.session.node.directory
        self.name = self.directory.name
        self.algorithm: Algorithm = self.directory.algorithm or card.algorithm
        self.changes: dict[str, Value] = {}
        self._dek = dek

    def cell(self, name: str) -> Value | None:
        """A cell as this command would leave it."""
        changed = self.changes.get(name)
        return self.card.memory.cells.get(name) if changed is None else changed

    def commit(self) -> None:
        """Make everything durable at once."""
        if self.directory is not self.card.session.node.directory:
            others = self.card.structure.directories
            directories = tuple(self.directory if each.name == self.name else each for each in others)
            self.card.change_structure(dataclasses.replace(self.card.structure, directories=directories), self.changes)
        elif self.changes:
            self.card.memory.commit(self.changes)

    def take(self, group: Group, indicator: int) -> None:
        """Store a grouping; ``6A88`` for an unknown one, ``6A80`` for a wrong value, ``6982`` for a secret in clear."""
        grouping = find_grouping(group.identifier)
        if grouping is None:
            raise StatusError(SW.REFERENCED_DATA_NOT_FOUND)
        enciphered = indicator == ALL_ENCIPHERED or (indicator == AS_GROUPING_SAYS and grouping.enciphered)
        if grouping.enciphered and not enciphered:
            raise StatusError(SW.SECURITY_STATUS_NOT_SATISFIED)
        value = self._deciphered(grouping, group.value) if enciphered else group.value
        _STORES[grouping.kind](self, group.identifier, value, grouping)

    def _deciphered(self, grouping: Grouping, value: bytes) -> bytes:
        try:
            plain = decrypt_ecb(self.algorithm, self._dek, value)
        except CryptoError:
            raise StatusError(SW.WRONG_DATA) from None
        return self._without_padding(plain) if grouping.kind in TEXT_KINDS else plain

    def _without_padding(self, plain: bytes) -> bytes:
        """Data objects without the padding behind them; whole blocks of data objects have none."""
        try:
            objects = unpad_mac(plain, self.algorithm.block_size)
            tlv.parse(objects)
        except (CryptoError, TlvError):
            return plain
        return objects if pad_group(self.algorithm, objects) == plain else plain

    def _fixed(self, value: bytes, length: int) -> bytes:
        """A value of a fixed length, as it is or padded to whole blocks."""
        if value not in (value[:length], pad_group(self.algorithm, value[:length])) or len(value) < length:
            raise StatusError(SW.WRONG_DATA)
        return value[:length]

    # Records

    def _store_record(self, identifier: int, value: bytes, grouping: Grouping) -> None:
        sfi, number = identifier >> 8, identifier & 0xFF
        if sfi <= LAST_TEMPLATE_FILE:
            objects = data_objects(value)
            if len(objects) != 1 or objects[0].tag != RECORD_TEMPLATE or not objects[0].value:
                raise StatusError(SW.WRONG_DATA)
        if not 0 < len(value) <= LONGEST_RECORD:
            raise StatusError(SW.WRONG_DATA)
        file = self._file(sfi, number, may_be_updated=grouping.update)
        records = self.cell(file.cell)
        held = list(records) if isinstance(records, tuple) else []
        held += [b""] * (number - len(held))
        held[number - 1] = value
        self.changes[file.cell] = tuple(held)

    def _file(self, sfi: int, number: int, *, may_be_updated: bool) -> File:
        """The file of a short identifier, made where there is none, with the rights of the record noted."""
        found = next((file for file in self.directory.files if file.sfi == sfi), None)
        file = found or File(
            path=f"{self.name}/SFI{sfi:02X}",
            fid=0xEF00 | sfi,
            sfi=sfi,
            structure=FileStructure.VARIABLE,
            read=FREE,
            update=NEVER,
            capacity=0,
            updatable=(),
        )
        numbers = set(file.updatable or ()) - {number} | ({number} if may_be_updated else set())
        rule = FREE if numbers else NEVER
        changed = dataclasses.replace(file, update=rule, protected=bool(numbers), updatable=tuple(sorted(numbers)))
        if changed != found:
            self.replace_file(changed)
        return changed

    def replace_file(self, file: File) -> None:
        """Put a file into the directory, in the place of one with its short identifier."""
        others = tuple(other for other in self.directory.files if other.sfi != file.sfi)
        files = tuple(sorted((*others, file), key=lambda each: each.sfi))
        self.directory = dataclasses.replace(self.directory, files=files)

    # Data objects

    def _store_objects(self, identifier: int, value: bytes, grouping: Grouping) -> None:
        for tag, content in self._known_objects(value, grouping):
            sm = identifier == SM_ISSUER_DATA
            cell = sm_cell(self.name, tag, contactless=False) if sm else data_cell(self.name, tag)
            self.changes[cell] = content

    def _store_options(self, identifier: int, value: bytes, grouping: Grouping) -> None:
        found = dict(self._known_objects(value, grouping))
        profile, locator = found.pop(Tag.AIP, b""), found.pop(Tag.AFL, b"")
        if len(profile) != 2 or not locator or len(locator) % 4:
            raise StatusError(SW.WRONG_DATA)
        for start in range(0, len(locator), 4):
            file, first, last, signed = locator[start : start + 4]
            if file & 7 or not 1 <= file >> 3 <= 30 or not 1 <= first <= last or signed > last - first + 1:
                raise StatusError(SW.WRONG_DATA)
        sm = identifier in SM_PATHS
        kind = (SM_PATHS if sm else PATHS)[identifier]
        self.changes[path_cell(self.name, kind, sm=sm)] = (profile, locator)
        for tag, content in found.items():
            cell = sm_cell(self.name, tag, contactless=True) if sm else contactless_cell(self.name, tag)
            self.changes[cell] = content

    def _known_objects(self, value: bytes, grouping: Grouping) -> list[tuple[int, bytes]]:
        """Tags and values of a grouping; each tag belongs there, once, with a value of its length and format."""
        objects = data_objects(value)
        if not objects or len({each.tag for each in objects}) != len(objects):
            raise StatusError(SW.WRONG_DATA)
        for each in objects:
            if f"{each.tag:X}" not in grouping.tags:
                raise StatusError(SW.WRONG_DATA)
            element = payment_elements().get(f"{each.tag:X}")
            if element is None:
                continue
            if not element.shortest <= len(each.value) <= element.longest:
                raise StatusError(SW.WRONG_DATA)
            if element.format == "n" and not each.value.hex().isdigit():
                raise StatusError(SW.WRONG_DATA)
        return [(each.tag, each.value) for each in objects]

    def _store_selection(self, identifier: int, value: bytes, grouping: Grouping) -> None:
        objects = data_objects(value)
        if len(objects) != 1 or objects[0].tag != PROPRIETARY:
            raise StatusError(SW.WRONG_DATA)
        inner = {each.tag: each for each in objects[0].children}
        pdol = inner[Tag.PDOL].value if Tag.PDOL in inner else b""
        try:
            tlv.parse_tags_and_lengths(pdol)
        except TlvError:
            raise StatusError(SW.WRONG_DATA) from None
        answer = tlv.build(0x6F, tlv.build(0x84, self.directory.aid), value)
        if identifier == CONTACTLESS_SELECTION:
            self.directory = dataclasses.replace(self.directory, contactless_answer=answer)
            self.changes[contactless_cell(self.name, Tag.PDOL)] = pdol
            return
        self.directory = dataclasses.replace(self.directory, answer=answer)
        self.changes[data_cell(self.name, Tag.PDOL)] = pdol
        for each in inner[DISCRETIONARY].children if DISCRETIONARY in inner else ():
            self.changes[data_cell(self.name, each.tag)] = each.value

    # Keys

    def _store_keys(self, identifier: int, value: bytes, grouping: Grouping) -> None:
        values, sm = self._fixed(value, KEY_SIZE * len(KEY_USES)), identifier == SM_KEYS
        made = []
        for number, use in enumerate(KEY_USES):
            path = f"{self.name}/{use.rpartition(' ')[2]}{' SM' if sm else ''}"
            algorithm = Algorithm.SM4 if sm else None
            made.append(Key(path, NO_REFERENCE, bit=0, limit=0, use=use, versions=1, algorithm=algorithm))
            self.changes[made[-1].cell(1)] = values[KEY_SIZE * number : KEY_SIZE * (number + 1)]
            self.changes[made[-1].tries_cell] = 0
        self.changes[checked_cell(self.name, sm=sm)] = 0
        others = tuple(key for key in self.directory.keys if key not in self.keys(sm=sm))
        keys = (*others, *made) if sm else (*made, *others)
        if self.keys(sm=sm) != tuple(made):
            self.directory = dataclasses.replace(self.directory, keys=keys)

    def keys(self, *, sm: bool) -> tuple[Key, ...]:
        """The keys of one of the two algorithm sets."""
        return tuple(key for key in self.directory.keys if key.use in KEY_USES and (key.algorithm is not None) is sm)

    def _store_check_values(self, identifier: int, value: bytes, grouping: Grouping) -> None:
        """Compare with the keys, which must be there already."""
        sm = identifier == SM_CHECK_VALUES
        if not self.keys(sm=sm):
            raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
        given = self._fixed(value, CHECK_VALUE_SIZE * len(KEY_USES))
        algorithm = Algorithm.SM4 if sm else self.algorithm
        own = [self.cell(key.cell(1)) for key in self.keys(sm=sm)]
        expected = b"".join(check_value(algorithm, key) for key in own if isinstance(key, bytes))
        if given != expected:
            raise StatusError(SW.WRONG_DATA)
        self.changes[checked_cell(self.name, sm=sm)] = 1

    def _store_private_key_part(self, identifier: int, value: bytes, grouping: Grouping) -> None:
        held = self.cell(private_key_cell(self.name))
        parts = list(held) if isinstance(held, tuple) else [b""] * len(PRIVATE_KEY_PARTS)
        parts[PRIVATE_KEY_PARTS[identifier]] = value
        self.changes[private_key_cell(self.name)] = tuple(parts)

    def _store_sm2_key(self, identifier: int, value: bytes, grouping: Grouping) -> None:
        key = self._fixed(value, SM2_KEY_SIZE)
        try:
            public_key_of(key)
        except CryptoError:
            raise StatusError(SW.WRONG_DATA) from None
        self.changes[private_key_cell(self.name, sm=self.algorithm is not Algorithm.SM4)] = key

    def _store_sector_file(self, identifier: int, value: bytes, grouping: Grouping) -> None:
        """A file of the extended application with the key by which APPEND RECORD opens records in it later."""
        value, sfi = self._fixed(value, SECTOR_HEAD + KEY_SIZE), identifier & 0xFF
        capacity, longest = int.from_bytes(value[:2]), value[2]
        if not 0 < capacity <= LARGEST_SECTOR_FILE or not longest:
            raise StatusError(SW.WRONG_DATA)
        key = Key(f"{self.name}/opening {sfi:02X}", NO_REFERENCE, bit=0, limit=0, use=OPENING_USE, versions=1)
        file = File(
            path=f"{self.name}/SFI{sfi:02X}",
            fid=0xEF00 | sfi,
            sfi=sfi,
            structure=FileStructure.CYCLIC if sfi == CYCLIC_SECTOR_FILE else FileStructure.VARIABLE,
            read=FREE,
            update=NEVER,
            capacity=capacity,
            record_length=longest,
            opening_key=key.path,
        )
        self.replace_file(file)
        others = tuple(each for each in self.directory.keys if each.path != key.path)
        self.directory = dataclasses.replace(self.directory, keys=(*others, key))
        self.changes |= {
            file.cell: (),
            management_keys_cell(file.path): (),
            key.cell(1): value[SECTOR_HEAD:],
            key.tries_cell: 0,
        }

    # PIN

    @property
    def pin(self) -> Pin:
        """The offline PIN, with limit 0 while its limit has not come."""
        fresh = Pin(path=f"{self.name}/PIN", reference=PIN_REFERENCE, bit=0, limit=0)
        return next(iter(self.directory.pins), fresh)

    def _store_pin(self, identifier: int, value: bytes, grouping: Grouping) -> None:
        try:
            digits = pin_of_block(self._fixed(value, PIN_BLOCK_SIZE))
        except CryptoError:
            raise StatusError(SW.WRONG_DATA) from None
        self.changes[self.pin.cell] = bytes.fromhex(digits + "F" * (len(digits) % 2))

    def _store_pin_tries(self, identifier: int, value: bytes, grouping: Grouping) -> None:
        tries, limit = self._fixed(value, 2)
        if not 1 <= limit <= LARGEST_TRIES or tries > limit:
            raise StatusError(SW.WRONG_DATA)
        pin = dataclasses.replace(self.pin, limit=limit)
        self.changes[pin.tries_cell] = tries
        if self.directory.pins != (pin,):
            self.directory = dataclasses.replace(self.directory, pins=(pin,))


_STORES: dict[str, Callable[[Work, int, bytes, Grouping], None]] = {
    "record": Work._store_record,
    "objects": Work._store_objects,
    "options": Work._store_options,
    "selection": Work._store_selection,
    "keys": Work._store_keys,
    "check values": Work._store_check_values,
    "RSA key": Work._store_private_key_part,
    "SM2 key": Work._store_sm2_key,
    "sector file": Work._store_sector_file,
    "PIN": Work._store_pin,
    "PIN tries": Work._store_pin_tries,
}
