"""Root keys of a profile: published test keys by rule, real ones only by reference. No error ever shows a key."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from cryptography.hazmat.primitives import hashes

from profiles.model import Key, Profile

REFERENCES = ("env:", "file:")
"""What begins a reference to a key that stands elsewhere; anything else is the key itself."""


class RootKeyError(ValueError):
    """A root key that the profile does not name, or whose reference leads to no key."""


def keys(profile: Profile) -> Mapping[str, Key]:
    """Every key of every directory by its name, which is unique in a profile."""
    return {name: key for directory in profile.directory.values() for name, key in directory.key.items()}


def root_key(profile: Profile, key_name: str, version: int) -> bytes:
    """The root key of which the card's key is diversified: 8 or 16 bytes.

    ``profile.test_keys.value["NAME.version"]`` comes first: hexadecimal digits, ``env:VARIABLE`` (hexadecimal digits) or
    ``file:PATH`` (hexadecimal digits). Otherwise it is the left bytes of SM3(seed ‖ "/" ‖ name ‖ "/" ‖ version) over UTF-8
    text, e.g. ``sscard published test keys/UKSSSE/1``. Raises :class:`RootKeyError`.
    """
    key = next((each.key[key_name] for each in profile.directory.values() if key_name in each.key), None)
    if key is None:
        raise RootKeyError(f"profile {profile.name} has no key {key_name}")
    if not 1 <= version <= key.versions:
        raise RootKeyError(f"key {key_name} has versions 1 to {key.versions}, not {version}")
    reference = profile.test_keys.value.get(f"{key_name}.{version}")
    if reference is not None:
        return referenced_key(f"{key_name}.{version}", reference, key.length)
    digest = hashes.Hash(hashes.SM3())
    digest.update(f"{profile.test_keys.seed}/{key_name}/{version}".encode())
    return digest.finalize()[: key.length]


def unresolved(profile: Profile) -> Iterator[RootKeyError]:
    """For each root key whose reference leads to no key on this machine, the sentence that says so."""
    for where, reference in profile.test_keys.value.items():
        name = where.rpartition(".")[0]
        try:
            referenced_key(where, reference, keys(profile)[name].length)
        except RootKeyError as problem:
            yield problem


def referenced_key(name: str, reference: str, length: int) -> bytes:
    """The root key ``name`` of a profile, as :func:`key_at` finds it; raises :class:`RootKeyError`, which names it."""
    try:
        return key_at(reference, length, "test_keys.value")
    except RootKeyError as error:
        raise RootKeyError(f"root key {name}: {error}") from None


def key_at(reference: str, length: int, place: str) -> bytes:
    """A key of ``length`` bytes from hexadecimal digits, ``env:VARIABLE`` or ``file:PATH``; raises :class:`RootKeyError`.

    ``place`` is what messages call the place of the reference itself.
    """
    digits, origin = reference, place
    if reference.startswith("env:"):
        variable = reference.removeprefix("env:")
        origin = f"environment variable {variable}"
        if variable not in os.environ:
            raise RootKeyError(f"{origin} is not set")
        digits = os.environ[variable]
    elif reference.startswith("file:"):
        path = Path(reference.removeprefix("file:"))
        origin = f"file {path}"
        try:
            digits = path.read_text("ascii")
        except (OSError, UnicodeDecodeError):
            raise RootKeyError(f"{origin} cannot be read as hexadecimal digits") from None
    try:
        key = bytes.fromhex(digits)
    except ValueError:
        raise RootKeyError(f"{origin} does not hold an even number of hexadecimal digits") from None
    if len(key) != length:
        unit = "byte" if len(key) == 1 else "bytes"
        raise RootKeyError(f"{origin} holds {len(key)} {unit}, {length} are needed")
    return key
