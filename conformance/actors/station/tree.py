"""The file tree of a card product in the words of the pre-issue commands: bodies of CREATE FILE, headers of WRITE KEY.

The words are those of one maker's set (reconstructed specification §3.5): a pair of levels for each access, at most one from
the environment and one from the directory itself, joined by *and* or *or*.
"""

from __future__ import annotations

from collections.abc import Iterator

from profiles.access import AccessCondition
from profiles.dictionary import layout
from profiles.model import Directory, File, Key, Profile

DDF, ADF = 0xD1, 0xD2
FILE_TYPES = {"internal": 0xC3, "transparent": 0xC4, "fixed": 0xC5, "variable": 0xC6, "cyclic": 0xC7}
DIRECTORY_FILE = 0xD6
FCI_FILE = bytes.fromhex("EF23")
BOTH, EITHER = 0x4, 0x0
FREE, NEVER = bytes(2), b"\xef\xef"
KEY_USES = {
    "external authentication": 0x00,
    "maintenance": 0x01,
    "purchase": 0x02,
    "load": 0x09,
    "tac": 0x0C,
    "master": 0x0D,
    "starting day": 0x0E,
    "internal authentication": 0x1C,
}
PIN_USE = 0x1F
GRANTING = frozenset({"external authentication", "master"})
"""Uses of keys whose proof sets a bit in a security word (vol. 2 §3.4)."""
LOCKS, UNBLOCKS_PIN = 0x01, 0x02
UNBLOCKING_KEY = "PUK"
PIN_BLOCK = 8
NO_REFERENCE = 0xFF
DES3, SM4 = 0x00, 0x03


class TreeError(ValueError):
    """A product has what the pre-issue commands cannot say; the message tells where."""


def own_directories(profile: Profile) -> Iterator[str]:
    """The environment of social security and its applications, in the order in which they are made."""
    own = [name for name, found in profile.directory.items() if found.application == "social security"]
    yield from sorted(own, key=lambda name: profile.directory[name].kind == "ADF")


def directory_body(directory: Directory) -> bytes:
    """Body of CREATE FILE for a directory: its name stands behind the sixteen bytes."""
    kind = DDF if directory.kind == "DDF" else ADF
    head = bytes(5) + directory.fid + bytes((kind, 0, directory.directory_file or 0))
    return head + bytes(6) + (directory.aid or b"")


def internal_body(fid: bytes, contents: bytes) -> bytes:
    """Body of CREATE FILE for an internal file with what it holds; an empty one is made without."""
    head = bytes(3) + len(contents).to_bytes(2, "big") + fid + bytes((FILE_TYPES["internal"], 0, 0))
    return head + bytes((BOTH << 4 | BOTH, 0)) + NEVER + NEVER + (contents if any(contents) else b"")


def file_body(profile: Profile, place: str, file: File, contents: bytes | tuple[bytes, ...]) -> bytes:
    """Body of CREATE FILE for an elementary file.

    Args:
        profile: The card product.
        place: Name of the directory.
        file: The file.
        contents: What it will hold: variable files get room for exactly that.
    """
    if file.structure == "internal" and isinstance(contents, bytes):
        return internal_body(file.fid, contents)
    if file.protected:
        raise TreeError(f"{place} {file.fid.hex().upper()}: the pre-issue commands make no file with line protection")
    record = layout(file.layout).size if file.structure == "cyclic" and file.layout else 0
    held = len(contents) if isinstance(contents, bytes) else sum(map(len, contents))
    space = record * (file.records or 0) if record else held
    read, read_joined = access_pair(profile, place, file.read)
    update, update_joined = access_pair(profile, place, file.update)
    kind = DIRECTORY_FILE if file.is_directory else FILE_TYPES[file.structure]
    head = bytes(3) + space.to_bytes(2, "big") + file.fid + bytes((kind, 0, file.short_identifier))
    return head + bytes((read_joined << 4 | update_joined, record)) + read + update


def access_pair(profile: Profile, place: str, condition: AccessCondition) -> tuple[bytes, int]:
    """The pair of levels of a condition, and how they are joined."""
    if condition.is_never:
        return NEVER, BOTH
    if condition.is_free:
        return FREE, BOTH
    together = len(condition.alternatives) == 1
    names = condition.names
    if not together and any(len(alternative) != 1 for alternative in condition.alternatives):
        raise TreeError(f"{place}: the pre-issue commands cannot say {condition}")
    own = set(levels(profile.directory[place]))
    above, here = sorted(names - own), sorted(names & own)
    if len(above) > 1 or len(here) > 1:
        raise TreeError(f"{place}: the pre-issue commands cannot say {condition}")
    parent = profile.directory[place].parent
    upper = levels(profile.directory[parent]) if parent is not None else {}
    if above and above[0] not in upper:
        raise TreeError(f"{place}: {above[0]} lies neither here nor in the directory above")
    pair = bytes((upper[above[0]] if above else 0, levels(profile.directory[place])[here[0]] if here else 0))
    return pair, BOTH if together else EITHER


def levels(directory: Directory) -> dict[str, int]:
    """The level that each PIN and key of a directory gives, counted from 1."""
    names = [*directory.pin, *(name for name, key in directory.key.items() if key.use in GRANTING)]
    if len(names) > 0xF:
        raise TreeError(f"{directory.title.en}: {len(names)} PINs and keys give rights, a security word has 15 levels")
    return {name: number for number, name in enumerate(names, 1)}


def key_header(profile: Profile, directory: Directory, name: str, version: int) -> bytes:
    """Header of WRITE KEY, eight bytes: usage ‖ identifier ‖ version ‖ algorithm ‖ tries ‖ role ‖ level ‖ length."""
    key = directory.key[name]
    limit = profile.settings.key_try_limit if key.limit is None else key.limit
    level = levels(directory).get(name, 0)
    role = LOCKS if name == directory.lock_key else UNBLOCKS_PIN if name == UNBLOCKING_KEY else 0
    identifier = _identifier(key)
    return bytes(
        (KEY_USES[key.use], identifier, version, _algorithm(profile), limit << 4 | limit, role, level, key.length)
    )


def _identifier(key: Key) -> int:
    if key.kid is not None:
        return key.kid[0]
    return NO_REFERENCE if key.index is None else key.index


def pin_record(profile: Profile, directory: Directory, name: str) -> bytes:
    """Header and value of WRITE KEY for a PIN: its initial value, padded with FF to eight bytes."""
    pin = directory.pin[name]
    limit = profile.settings.pin_try_limit if pin.limit is None else pin.limit
    value = bytes.fromhex(pin.value + "F" * (len(pin.value) % 2)).ljust(PIN_BLOCK, b"\xff")
    level = levels(directory)[name]
    return bytes((PIN_USE, pin.reference[0], 1, _algorithm(profile), limit << 4 | limit, 0, level, PIN_BLOCK)) + value


def _algorithm(profile: Profile) -> int:
    return DES3 if profile.algorithm == "3DES" else SM4
