"""From a card product to the memory of a chip that behaves like it."""

from __future__ import annotations

import dataclasses

from emulator.apps.payment import build as payment
from emulator.apps.personalisation import chip
from emulator.apps.sam import build as sam
from emulator.cos.memory import Snapshot, Value
from emulator.cos.structure import (
    CARD_STATE_CELL,
    STRUCTURE_CELL,
    AccessRule,
    CardState,
    CertificateRules,
    Directory,
    DirectoryState,
    File,
    FileStructure,
    Key,
    Pin,
    Structure,
)
from emulator.crypto import Algorithm, card_authentication_code, derive, factors
from emulator.iso7816 import SW, Atr, InterfaceBytes
from profiles import content, keys, model, payment_content, profile_sha256
from profiles.access import AccessCondition
from profiles.dictionary import layout

NO_REFERENCE = 0xFF
"""Reference of a key that no command names."""
PROXIMITY_ENVIRONMENT = b"2PAY.SYS.DDF01"
ENVIRONMENT_KINDS = frozenset({"MF", "DDF"})


def build(profile: model.Profile) -> Snapshot:
    """The memory of a fresh card of this product, with diversified test keys and its initial contents."""
    blank = profile.life_cycle == "blank"
    directories = tuple(_directory(profile, name) for name in _parents_first(profile))
    if blank:
        directories = tuple(_maker_made(directory) for directory in directories)
    structure = Structure(
        product=profile.name,
        product_sha256=profile_sha256(profile),
        atr=_answer_to_reset(profile.chip),
        historical=profile.chip.historical,
        protocol=profile.chip.protocol,
        algorithm=Algorithm(profile.algorithm),
        settings=profile.settings,
        directories=directories,
        contactless=profile.has_antenna,
    )
    cells: Snapshot = {
        STRUCTURE_CELL: structure.to_json(),
        CARD_STATE_CELL: CardState.INITIALISING if blank else CardState.OPERATIONAL,
    }
    for directory in directories:
        awaited = chip.is_awaited(profile, directory.name)
        unfinished = awaited or (blank and directory.parent is None)
        cells[directory.state_cell] = DirectoryState.CREATION if unfinished else DirectoryState.OPERATIONAL
        computed: payment_content.Computed = {}
        if payment.is_payment(profile, directory.name):
            added, computed = payment.cells_of(profile, directory.name)
            cells.update(added)
        if awaited:
            cells.update(chip.cells_of(profile, directory.name))
        for file in directory.files:
            cells[file.cell] = _contents(profile, directory.name, file.path.rpartition("/")[2], computed)
        cells.update(sam.cells_of(profile, directory.name))
        for key in directory.keys:
            if key.use == sam.SAM_USE:
                continue
            cells[key.tries_cell] = key.limit
            for version in range(1, key.versions + 1):
                cells[key.cell(version)] = card_key(profile, directory.name, key.path.rpartition("/")[2], version)
        for pin in directory.pins:
            cells[pin.tries_cell] = pin.limit
            cells[pin.cell] = pack_pin(profile.directory[directory.name].pin[pin.path.rpartition("/")[2]].value)
    return cells


def _maker_made(directory: Directory) -> Directory:
    """A directory that the pre-issue commands take neither away nor apart."""
    files = tuple(dataclasses.replace(file, maker_made=True) for file in directory.files)
    return dataclasses.replace(directory, files=files, maker_made=True)


def _parents_first(profile: model.Profile) -> list[str]:
    """The directories, the MF first and each after the one that holds it, otherwise as the profile lists them."""
    return sorted(profile.directory, key=lambda name: len(profile.above(name)))


def _answer_to_reset(chip: model.Chip) -> bytes:
    """``3B 6x 00 00`` and the historical bytes; a card that negotiates its speed adds TA1, one with T=1 TD1."""
    ta1 = chip.ta1[0] if chip.ta1 else None
    if chip.protocol == "T=1":
        return Atr.build(chip.historical, (InterfaceBytes(ta=ta1), InterfaceBytes(protocol=1)))
    return Atr.build(chip.historical, (InterfaceBytes(ta=ta1, tb=0, tc=0),))


def pack_pin(digits: str) -> bytes:
    """Two digits a byte, an odd last digit followed by F."""
    return bytes.fromhex(digits + "F" * (len(digits) % 2))


def card_key(profile: model.Profile, directory: str, name: str, version: int) -> bytes:
    """A key of this very card: the root key diversified through the key's levels."""
    if profile.directory[directory].key[name].use in payment.DIVERSIFIED:
        return payment.payment_key(profile, directory, name)
    levels = profile.directory[directory].key[name].levels
    root = keys.root_key(profile, name, version)
    return derive(
        Algorithm(profile.algorithm), root, factors(levels, profile.issuer.city_code, profile.chip.historical)
    )


def _contents(profile: model.Profile, directory: str, file: str, computed: payment_content.Computed) -> Value:
    irk = next(
        (
            (owner, name)
            for owner, held in profile.directory.items()
            for name, key in held.key.items()
            if key.use == "internal authentication"
        ),
        None,
    )

    def authentication_code(identification: bytes) -> bytes:
        if irk is None:
            return b"\xff" * 4
        return card_authentication_code(Algorithm(profile.algorithm), card_key(profile, *irk, 1), identification)

    return content.encode_file(profile, directory, file, authentication_code, computed)


def _directory(profile: model.Profile, name: str) -> Directory:
    described = profile.directory[name]
    if chip.is_awaited(profile, name):
        return _awaited(profile, name)
    pays = payment.is_payment(profile, name)
    return Directory(
        name=name,
        fid=int.from_bytes(described.fid, "big"),
        kind=described.kind,
        parent=described.parent,
        aid=described.aid or b"",
        application=described.application,
        directory_file=described.directory_file,
        proprietary=described.proprietary,
        template=described.template,
        files=tuple(_file(profile, name, file) for file in described.file),
        keys=(*(_key(profile, name, key) for key in described.key), *sam.keys_of(profile, name)),
        pins=tuple(_pin(profile, name, pin) for pin in described.pin),
        lock_key=described.lock_key,
        maintenance_key=described.maintenance_key,
        answer=payment_content.file_control_information(described) if pays else _proximity(profile, name),
        blocked_answer=SW.SELECTED_FILE_DEACTIVATED if pays else 0,
        algorithm=payment.algorithm_of(profile, name) if pays else None,
        payment=described.payment.settings if pays and described.payment else None,
        certificates=_certificates(profile, name),
        interface=described.interface,
        contactless_answer=payment_content.file_control_information(described, contactless=True) if pays else b"",
    )


def _certificates(profile: model.Profile, name: str) -> CertificateRules | None:
    described = profile.directory[name].certificates
    if described is None:
        return None
    generate, use = (_rule(profile, name, condition) for condition in (described.generate, described.use))
    return CertificateRules(generate, use, described.settings)


def _awaited(profile: model.Profile, name: str) -> Directory:
    """A payment application before its personalisation: a name, and how it will behave."""
    described = profile.directory[name]
    return Directory(
        name=name,
        fid=int.from_bytes(described.fid, "big"),
        kind=described.kind,
        parent=described.parent,
        aid=described.aid or b"",
        application=described.application,
        directory_file=None,
        proprietary=b"",
        answer=payment_content.file_control_information(described),
        algorithm=chip.algorithm_of(profile, name),
        payment=described.personalisation.settings if described.personalisation else None,
        interface=described.interface,
    )


def _proximity(profile: model.Profile, name: str) -> bytes:
    """Answer of SELECT of the proximity payment system environment, empty for any other directory."""
    if profile.directory[name].aid != PROXIMITY_ENVIRONMENT:
        return b""
    return payment_content.proximity_environment(profile, name)


def _key(profile: model.Profile, directory: str, name: str) -> Key:
    described = profile.directory[directory].key[name]
    return Key(
        path=f"{directory}/{name}",
        reference=described.kid[0] if described.kid else described.index or NO_REFERENCE,
        bit=_bit(profile, directory, name),
        limit=profile.settings.key_try_limit if described.limit is None else described.limit,
        use=described.use,
        versions=described.versions,
        algorithm=Algorithm(described.algorithm) if described.algorithm else None,
    )


def _pin(profile: model.Profile, directory: str, name: str) -> Pin:
    described = profile.directory[directory].pin[name]
    return Pin(
        path=f"{directory}/{name}",
        reference=described.reference[0],
        bit=_bit(profile, directory, name),
        limit=profile.settings.pin_try_limit if described.limit is None else described.limit,
    )


def _bit(profile: model.Profile, directory: str, name: str) -> int:
    """The bit that a PIN or key has in the security word of its directory."""
    owner = profile.directory[directory]
    return 1 << [*owner.pin, *owner.key].index(name)


def _file(profile: model.Profile, directory: str, name: str) -> File:
    described = profile.directory[directory].file[name]
    return File(
        path=f"{directory}/{name}",
        fid=int.from_bytes(described.fid, "big"),
        sfi=described.short_identifier,
        structure=FileStructure(described.structure),
        read=_rule(profile, directory, described.read),
        update=_rule(profile, directory, described.update),
        capacity=described.records or described.size or 0,
        record_length=_record_length(profile, directory, described),
        protected=described.protected,
        log_format=int(described.log_format, 16) if described.log_format else 0,
        opening_key=f"{directory}/{described.extended.opening_key}" if described.extended else "",
    )


def _record_length(profile: model.Profile, directory: str, file: model.File) -> int:
    """Bytes of a record of a cyclic file, or of the longest in a file of the extended application; 0 for other files."""
    if file.extended:
        return file.extended.longest
    if file.log_format:
        return payment.log_record_length(profile, directory, file.log_format)
    return layout(file.layout).size if file.structure == "cyclic" and file.layout else 0


def _rule(profile: model.Profile, directory: str, condition: AccessCondition) -> AccessRule:
    """Bits of the two security words for each alternative of a condition."""
    rule = []
    for alternative in condition.alternatives:
        globally = locally = 0
        for name in alternative:
            owner = _owner(profile, directory, name)
            if profile.directory[owner].kind in ENVIRONMENT_KINDS:
                globally |= _bit(profile, owner, name)
            else:
                locally |= _bit(profile, owner, name)
        rule.append((globally, locally))
    return tuple(rule)


def _owner(profile: model.Profile, directory: str, name: str) -> str:
    """The directory, this one or one above, that has a PIN or key of this name."""
    looking: str | None = directory
    while looking is not None:
        described = profile.directory[looking]
        if name in described.pin or name in described.key:
            return looking
        looking = described.parent
    raise ValueError(f"{directory}: no PIN or key {name} here or above")
