"""Checks of a certificate application: the files and secrets that its commands need (reconstructed specification §3.3)."""

from __future__ import annotations

from collections.abc import Iterator

from profiles.model import Directory, Profile
from profiles.problems import Problem

APPLICATION = "certificates"
ENVIRONMENT = "certificate environment"
USER_PIN, ADMINISTRATOR_PIN, MASTER_KEY = b"\x81", b"\x00", b"\x00"
PUBLIC_KEY_SIZE, PRIVATE_KEY_SIZE = 0x42, 0x20
KEY_FILES = {
    b"\x00\x12": ("public signature key", PUBLIC_KEY_SIZE),
    b"\x00\x13": ("private signature key", PRIVATE_KEY_SIZE),
    b"\x00\x14": ("public encryption key", PUBLIC_KEY_SIZE),
    b"\x00\x15": ("private encryption key", PRIVATE_KEY_SIZE),
}
CERTIFICATE_FILES = {b"\x00\x18": "signature certificate", b"\x00\x19": "encryption certificate"}


def check(profile: Profile, ignored: frozenset[str]) -> Iterator[Problem]:
    """Faults of every certificate application; files named in ``ignored`` are passed over."""
    for name, directory in profile.directory.items():
        path = f"directory.{name}.certificates"
        if directory.application != APPLICATION:
            if directory.certificates is not None:
                yield Problem(path, f"belongs to a directory whose application is {APPLICATION!r}")
            continue
        if directory.certificates is None:
            yield Problem(path, "is missing; a certificate application says here who may generate and use its keys")
        yield from _files(name, directory, ignored)
        yield from _secrets(profile, name, directory)


def _files(name: str, directory: Directory, ignored: frozenset[str]) -> Iterator[Problem]:
    by_identifier = {file.fid: (file_name, file) for file_name, file in directory.file.items()}
    wanted = {fid: title for fid, (title, _) in KEY_FILES.items()} | CERTIFICATE_FILES
    for fid, title in wanted.items():
        if fid not in by_identifier:
            if not ignored:
                yield Problem(f"directory.{name}.file", f"no file has the identifier {fid.hex().upper()}, {title}")
            continue
        file_name, file = by_identifier[fid]
        path = f"directory.{name}.file.{file_name}"
        if file.structure != "transparent":
            yield Problem(f"{path}.structure", f"the {title} stands in a transparent file")
        elif fid in KEY_FILES and file.size != KEY_FILES[fid][1]:
            yield Problem(f"{path}.size", f"the {title} has {KEY_FILES[fid][1]} bytes")
        if "private" in title and not file.read.is_never:
            yield Problem(f"{path}.read", f"the {title} is never read")


def _secrets(profile: Profile, name: str, directory: Directory) -> Iterator[Problem]:
    above = profile.directory.get(directory.parent or "")
    if USER_PIN not in {pin.reference for pin in directory.pin.values()}:
        yield Problem(f"directory.{name}.pin", "no PIN has the reference 81, user PIN")
    if above is None or above.application != ENVIRONMENT:
        yield Problem(f"directory.{name}.parent", f"a directory whose application is {ENVIRONMENT!r} is needed")
    elif ADMINISTRATOR_PIN not in {pin.reference for pin in above.pin.values()}:
        yield Problem(f"directory.{directory.parent}.pin", "no PIN has the reference 00, administrator PIN")
    if not any(key.use == "master" and key.kid == MASTER_KEY for key in directory.key.values()):
        yield Problem(f"directory.{name}.key", "no key is the master key 00")
