"""Checks of keys, PINs and the access conditions that name them."""

from __future__ import annotations

from collections.abc import Iterator

from profiles.access import AccessCondition
from profiles.keys import REFERENCES, RootKeyError, key_at
from profiles.model import Directory, Key, Profile
from profiles.problems import Problem

PROVABLE = ("external authentication", "master")
"""Uses of the keys that EXTERNAL AUTHENTICATE proves."""


def check(profile: Profile, ignored: frozenset[str]) -> Iterator[Problem]:
    """Faults of the keys and of whatever names one; names in ``ignored`` count as existing."""
    yield from _access(profile, ignored)
    yield from _maintenance(profile, ignored)
    yield from _unique_names(profile)
    for name, directory in profile.directory.items():
        yield from _identifiers(name, directory)
        for key_name, key in directory.key.items():
            yield from _key(f"directory.{name}.key.{key_name}", key, profile.algorithm)
    yield from _test_keys(profile, ignored)


def find_key(profile: Profile, directory: str, name: str) -> Key | None:
    """The key of that name in the directory or the nearest one above."""
    for place in (directory, *profile.above(directory)):
        if name in profile.directory[place].key:
            return profile.directory[place].key[name]
    return None


def _access(profile: Profile, ignored: frozenset[str]) -> Iterator[Problem]:
    for name, directory in profile.directory.items():
        pins = {pin for place in (name, *profile.above(name)) for pin in profile.directory[place].pin}
        for file_name, file in directory.file.items():
            for right, condition in (("read", file.read), ("update", file.update)):
                path = f"directory.{name}.file.{file_name}.{right}"
                yield from _condition(profile, name, path, condition, frozenset(pins | ignored))
        if directory.certificates is not None:
            for right, condition in (
                ("generate", directory.certificates.generate),
                ("use", directory.certificates.use),
            ):
                path = f"directory.{name}.certificates.{right}"
                yield from _condition(profile, name, path, condition, frozenset(pins | ignored))


def _condition(
    profile: Profile, directory: str, path: str, condition: AccessCondition, known: frozenset[str]
) -> Iterator[Problem]:
    for name in sorted(condition.names - known):
        key = find_key(profile, directory, name)
        if key is None:
            yield Problem(path, f"access condition names {name}, which no key or PIN in {directory} or above has")
        elif key.use not in PROVABLE:
            yield Problem(path, f"access condition names {name}, a key for {key.use}, which no authentication proves")


def _maintenance(profile: Profile, ignored: frozenset[str]) -> Iterator[Problem]:
    for name, directory in profile.directory.items():
        for role, key_name, uses in (
            ("lock_key", directory.lock_key, PROVABLE),
            ("maintenance_key", directory.maintenance_key, ("maintenance",)),
        ):
            if key_name is None or key_name in ignored:
                continue
            key = find_key(profile, name, key_name)
            path = f"directory.{name}.{role}"
            if key is None:
                yield Problem(path, f"names {key_name}, which no key in {name} or above has")
            elif key.use not in uses:
                yield Problem(path, f"names {key_name}, a key for {key.use}; one for {uses[0]} is needed")


def _unique_names(profile: Profile) -> Iterator[Problem]:
    """Root keys are found by name alone, so a key's name is unique in the whole profile."""
    home: dict[str, str] = {}
    for name, directory in profile.directory.items():
        for key_name in directory.key:
            path = f"directory.{name}.key.{key_name}"
            if key_name in home:
                yield Problem(path, f"{home[key_name]} has a key of this name already")
            elif key_name in directory.pin:
                yield Problem(path, "a PIN has this name already")
            home.setdefault(key_name, name)


def _identifiers(name: str, directory: Directory) -> Iterator[Problem]:
    taken: dict[tuple[str, object], str] = {}
    for key_name, key in directory.key.items():
        path = f"directory.{name}.key.{key_name}"
        command = "external authentication" if key.use in PROVABLE else key.use
        for label, value in (("kid", key.kid), ("index", key.index)):
            if value is None:
                continue
            other = taken.setdefault((f"{command} {label}", value), key_name)
            if other != key_name:
                shown = value.hex().upper() if isinstance(value, bytes) else value
                yield Problem(f"{path}.{label}", f"{shown} is {other} already")
        if key.kid and key.kid != b"\x00":
            yield from _top_bit(f"{path}.kid", key.kid[0], directory, "key")
        elif key.kid and directory.kind == "ADF" and key.use == "external authentication":
            yield Problem(f"{path}.kid", "00 is the master key of an ADF; other keys have the top bit set")
    references: dict[bytes, str] = {}
    for pin_name, pin in directory.pin.items():
        path = f"directory.{name}.pin.{pin_name}.reference"
        other = references.setdefault(pin.reference, pin_name)
        if other != pin_name:
            yield Problem(path, f"{pin.reference.hex().upper()} is {other} already")
        yield from _top_bit(path, pin.reference[0], directory, "PIN")


def _top_bit(path: str, reference: int, directory: Directory, what: str) -> Iterator[Problem]:
    """Bit 8 of P2 tells a key or PIN of the current ADF from one of the environment (vol. 2 §3.5)."""
    if directory.kind == "ADF" and reference < 0x80:
        yield Problem(
            path, f"{reference:02X} has its top bit clear; a {what} of an ADF has it set, e.g. {reference | 0x80:02X}"
        )
    elif directory.kind != "ADF" and reference >= 0x80:
        yield Problem(path, f"{reference:02X} has its top bit set, which only a {what} of an ADF has")


def _key(path: str, key: Key, algorithm: str) -> Iterator[Problem]:
    if key.kid is None and key.use in ("external authentication", "internal authentication"):
        yield Problem(f"{path}.kid", f"is missing; a key for {key.use} is named in P2")
    if key.index is None and key.use in ("purchase", "load"):
        yield Problem(f"{path}.index", f"is missing; a key for {key.use} is named by its index")
    if key.hsm and len(key.hsm) != key.versions:
        yield Problem(f"{path}.hsm", f"{len(key.hsm)} addresses for {key.versions} versions")
    if key.sam and int(key.sam[:2], 16) >> 5 != key.levels:
        levels = int(key.sam[:2], 16) >> 5
        yield Problem(
            f"{path}.sam", f"use byte {key.sam[:2]} means {levels} diversification levels, levels says {key.levels}"
        )
    if key.length == 8 and algorithm == "SM4":
        yield Problem(f"{path}.length", "SM4 keys have 16 bytes")


def _test_keys(profile: Profile, ignored: frozenset[str]) -> Iterator[Problem]:
    keys = {name: key for directory in profile.directory.values() for name, key in directory.key.items()}
    for name, reference in profile.test_keys.value.items():
        key_name, _, version = name.rpartition(".")
        if key_name in ignored:
            continue
        key = keys.get(key_name)
        path = f"test_keys.value.{name}"
        if key is None:
            yield Problem(path, "no key of the profile has this name; write NAME.version, e.g. UKSSSE.1")
        elif version not in map(str, range(1, key.versions + 1)):
            yield Problem(path, f"{key_name} has versions 1 to {key.versions}")
        elif not reference.startswith(REFERENCES):
            try:
                key_at(reference, key.length, "the value")
            except RootKeyError as error:
                yield Problem(path, str(error))
