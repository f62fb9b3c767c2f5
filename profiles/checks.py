"""What types cannot say: names that must resolve, identifiers that must differ, content that must fit."""

from __future__ import annotations

from collections.abc import Iterator

from profiles import check_certificates, check_content, check_keys, check_payment
from profiles.dictionary import elements, layouts
from profiles.model import Directory, File, Profile
from profiles.problems import Problem

RECORD_LIMIT = 254
"""Bytes of the longest record (vol. 2 §3.2)."""
HISTORICAL_BYTES = 13
ALGORITHM_OBJECT = bytes.fromhex("9F0C038601")
ALGORITHM_CODES = {"3DES": 0x01, "SM4": 0x03}


def check(profile: Profile, ignored: frozenset[str] = frozenset()) -> list[Problem]:
    """Every fault of a profile beyond its types, errors and warnings; names in ``ignored`` count as existing."""
    groups = (
        _tree,
        _identifiers,
        _names,
        _files,
        _one_file_a_tag,
        _chip,
        _algorithm,
    )
    problems = [problem for group in groups for problem in group(profile)]
    problems += check_keys.check(profile, ignored)
    problems += check_content.check(profile, ignored)
    problems += check_payment.check(profile, ignored)
    problems += check_certificates.check(profile, ignored)
    return problems


def _tree(profile: Profile) -> Iterator[Problem]:
    masters = [name for name, directory in profile.directory.items() if directory.kind == "MF"]
    if not masters:
        yield Problem("directory", "there is no MF; exactly one directory has kind MF")
    for name in masters[1:]:
        yield Problem(f"directory.{name}.kind", f"{masters[0]} is the MF already; a card has one")
    for name, directory in profile.directory.items():
        path = f"directory.{name}.parent"
        parent = profile.directory.get(directory.parent or "")
        if directory.kind == "MF":
            if directory.parent:
                yield Problem(path, "an MF has no parent")
        elif not directory.parent:
            yield Problem(path, "is missing; every directory but the MF lies in another one")
        elif parent is None:
            yield Problem(path, f"there is no directory {directory.parent}")
        elif parent.kind == "ADF":
            yield Problem(path, f"{directory.parent} is an ADF, which holds files and no directories")
        elif name in profile.above(name):
            yield Problem(path, f"{name} would lie inside itself")


def _identifiers(profile: Profile) -> Iterator[Problem]:
    for name, directory in profile.directory.items():
        by_fid: dict[bytes, str] = {}
        for other, child in profile.directory.items():
            if child.parent == name:
                yield from _taken(by_fid, child.fid, f"directory {other}", f"directory.{other}.fid")
        by_sfi: dict[bytes, str] = {}
        for file_name, file in directory.file.items():
            path = f"directory.{name}.file.{file_name}"
            yield from _taken(by_fid, file.fid, f"file {file_name}", f"{path}.fid")
            if file.structure == "internal":
                continue
            if 1 <= file.short_identifier <= 30:
                yield from _taken(by_sfi, bytes((file.short_identifier,)), f"file {file_name}", f"{path}.sfi")
            else:
                yield Problem(
                    f"{path}.sfi", f"{file.fid.hex().upper()} ends in no short identifier of 1 to 30; give one"
                )


def _taken(known: dict[bytes, str], identifier: bytes, owner: str, path: str) -> Iterator[Problem]:
    first = known.setdefault(identifier, owner)
    if first != owner:
        yield Problem(path, f"{identifier.hex().upper()} is the identifier of {first} already")


def _names(profile: Profile) -> Iterator[Problem]:
    taken: dict[bytes, str] = {}
    for name, directory in profile.directory.items():
        path = f"directory.{name}"
        if directory.aid is not None:
            if not 5 <= len(directory.aid) <= 16:
                yield Problem(f"{path}.aid", f"{len(directory.aid)} bytes; an application identifier has 5 to 16")
            if directory.aid in taken:
                yield Problem(f"{path}.aid", f"{directory.aid.hex().upper()} is {taken[directory.aid]} already")
            taken.setdefault(directory.aid, name)
        if directory.directory_file is not None and not _has_directory_file(directory):
            sfi = directory.directory_file
            yield Problem(f"{path}.directory_file", f"no file with is_directory has the short identifier {sfi:02X}")


def _has_directory_file(directory: Directory) -> bool:
    return any(
        file.is_directory and file.short_identifier == directory.directory_file for file in directory.file.values()
    )


def _files(profile: Profile) -> Iterator[Problem]:
    for name, directory in profile.directory.items():
        for file_name, file in directory.file.items():
            yield from _file(f"directory.{name}.file.{file_name}", file)


def _file(path: str, file: File) -> Iterator[Problem]:
    unknown = [tag for tag in dict.fromkeys(file.elements) if tag not in elements()]
    if unknown:
        yield Problem(f"{path}.elements", f"the dictionary has no data element {', '.join(unknown)}")
    known = [elements()[tag] for tag in file.elements if tag in elements()]
    if file.structure == "fixed" and len({element.length for element in known}) > 1:
        yield Problem(f"{path}.elements", "the records of a fixed file have one length; these differ")
    for element in known:
        if element.length + 2 > RECORD_LIMIT:
            yield Problem(f"{path}.elements", f"{element.tag} makes a record of more than {RECORD_LIMIT} bytes")
    if file.layout is None:
        return
    layout = layouts().get(file.layout)
    if layout is None:
        yield Problem(f"{path}.layout", f"the dictionary has no layout {file.layout!r}; it has {', '.join(layouts())}")
    elif file.structure == "internal" and layout.size > (file.size or 0):
        yield Problem(f"{path}.size", f"the fields of {file.layout!r} need {layout.size} bytes")


def _one_file_a_tag(profile: Profile) -> Iterator[Problem]:
    """A tag stands in one file alone; tag 60 may stand in DF02/EF06 or in DF03/EF05 (reconstructed specification §2.2)."""
    home: dict[str, str] = {}
    for name, directory in profile.directory.items():
        if directory.application != "social security":
            continue
        for file_name, file in directory.file.items():
            for tag in dict.fromkeys(file.elements):
                if tag in home:
                    path = f"directory.{name}.file.{file_name}.elements"
                    yield Problem(path, f"{tag} stands in {home[tag]} already; a tag belongs to one file")
                home.setdefault(tag, f"{name}/{file_name}")


def _chip(profile: Profile) -> Iterator[Problem]:
    if not _is_social_security(profile):
        return
    historical = profile.chip.historical
    if len(historical) != HISTORICAL_BYTES:
        yield Problem(
            "chip.historical",
            f"{len(historical)} bytes; a social security card has {HISTORICAL_BYTES}, of which the last 8 are the card factor",
        )
    elif historical[7:9].hex() != profile.issuer.city_code[:4]:
        yield Problem(
            "chip.historical",
            f"bytes 8 and 9 say city {historical[7:9].hex()}, issuer.city_code begins with {profile.issuer.city_code[:4]}",
            "warning",
        )


def _algorithm(profile: Profile) -> Iterator[Problem]:
    """A 3.00 card announces its algorithm, an older one nothing (reconstructed specification §2.4 no. 2)."""
    code = ALGORITHM_CODES[profile.algorithm]
    for name, directory in profile.directory.items():
        if directory.kind != "DDF" or directory.application != "social security":
            continue
        path = f"directory.{name}.proprietary"
        found = directory.proprietary.find(ALGORITHM_OBJECT)
        announced = directory.proprietary[found + 5 : found + 6] if found >= 0 else b""
        if announced and announced[0] != code:
            message = f"announces algorithm {announced[0]:02X}, but {profile.algorithm} is {code:02X}"
            yield Problem(path, message, "warning")
        elif profile.specification == "3.00" and not announced:
            yield Problem(path, f"a 3.00 card announces its algorithm with 9F0C 03 8601{code:02X}", "warning")


def _is_social_security(profile: Profile) -> bool:
    return any(directory.application == "social security" for directory in profile.directory.values())
