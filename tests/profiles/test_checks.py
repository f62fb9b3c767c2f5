"""Checks beyond types: each fault is found, and found alone."""

from __future__ import annotations

from typing import Any

import pytest

from profiles import ProfileError
from profiles.checks import check
from profiles.loader import from_table
from profiles.sources import merge, products, read

TITLE = {"zh": "测试", "en": "test"}
EF = {"fid": "EF0C", "structure": "transparent", "size": 16, "read": "free", "update": "never", "title": TITLE}
ADF = {"fid": "DF0A", "kind": "ADF", "parent": "SSSE", "application": "local", "title": TITLE}
KEY = {"kid": "8F", "use": "external authentication", "levels": 1, "title": TITLE}


def _changed(*path: str, value: object, product: str = "ssc3-sm4") -> dict[str, Any]:
    over: Any = value
    for name in reversed(path):
        over = {name: over}
    return merge(read(products()[product]), over)


def _errors(table: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(ProfileError) as caught:
        from_table(table)
    return [(problem.path, problem.message) for problem in caught.value.problems]


def _warnings(table: dict[str, Any]) -> list[tuple[str, str]]:
    found = check(from_table(table))
    assert {problem.level for problem in found} <= {"warning"}
    return [(problem.path, problem.message) for problem in found]


ERRORS = [
    # the tree
    ("directory.M2", {**ADF, "kind": "MF"}, "directory.M2.kind", "MF is the MF already; a card has one"),
    ("directory.MF.parent", "SSSE", "directory.MF.parent", "an MF has no parent"),
    ("directory.DF0A", {**ADF, "parent": None}, "directory.DF0A.parent", "is missing; every directory but the MF"),
    ("directory.DF0A", {**ADF, "parent": "SSE"}, "directory.DF0A.parent", "there is no directory SSE"),
    ("directory.DF0A", {**ADF, "parent": "DF01"}, "directory.DF0A.parent", "DF01 is an ADF, which holds files"),
    # identifiers
    (
        "directory.DF0A",
        {**ADF, "fid": "DF07"},
        "directory.DF0A.fid",
        "DF07 is the identifier of directory DF07 already",
    ),
    (
        "directory.SSSE.file.EF0C",
        {**EF, "fid": "EF06"},
        "directory.SSSE.file.EF0C",
        "EF06 is the identifier of file EF06 already",
    ),
    (
        "directory.SSSE.file.EF0C",
        {**EF, "sfi": 5},
        "directory.SSSE.file.EF0C.sfi",
        "05 is the identifier of file EF05 already",
    ),
    (
        "directory.SSSE.file.EF0C",
        {**EF, "fid": "EF20"},
        "directory.SSSE.file.EF0C.sfi",
        "EF20 ends in no short identifier",
    ),
    (
        "directory.SSSE.file.EF0C",
        {**EF, "fid": "DF01"},
        "directory.SSSE.file.EF0C.fid",
        "DF01 is the identifier of directory DF01 already",
    ),
    ("directory.DF0A", {**ADF, "aid": "D15600000504"}, "directory.DF0A.aid", "D15600000504 is DF07 already"),
    (
        "directory.DF0A",
        {**ADF, "aid": "D1560000"},
        "directory.DF0A.aid",
        "4 bytes; an application identifier has 5 to 16",
    ),
    (
        "directory.SSSE.directory_file",
        0x1D,
        "directory.SSSE.directory_file",
        "no file with is_directory has the short identifier 1D",
    ),
    # access conditions and the keys of maintenance
    (
        "directory.DF01.file.EF05.read",
        "PIN or RK9DF01",
        "directory.DF01.file.EF05.read",
        "access condition names RK9DF01, which no key or PIN in DF01 or above has",
    ),
    (
        "directory.DF01.file.EF05.update",
        "UK1DF02",
        "directory.DF01.file.EF05.update",
        "access condition names UK1DF02, which no key or PIN in DF01 or above has",
    ),
    ("directory.DF01.file.EF05.read", "IRK", "directory.DF01.file.EF05.read", "a key for internal authentication"),
    ("directory.DF03.lock_key", "LKDF04", "directory.DF03.lock_key", "names LKDF04, which no key in DF03 or above has"),
    (
        "directory.DF03.lock_key",
        "STKDF03",
        "directory.DF03.lock_key",
        "a key for maintenance; one for external authentication",
    ),
    ("directory.DF03.maintenance_key", "UK1DF03", "directory.DF03.maintenance_key", "one for maintenance is needed"),
    # keys and PINs
    ("directory.DF02.key.UK1DF01", KEY, "directory.DF02.key.UK1DF01", "DF01 has a key of this name already"),
    ("directory.SSSE.key.PIN", {**KEY, "kid": "0F"}, "directory.SSSE.key.PIN", "a PIN has this name already"),
    ("directory.DF01.key.UK2DF01.kid", "83", "directory.DF01.key.UK2DF01.kid", "83 is UK1DF01 already"),
    ("directory.DF01.key.UK2DF01.kid", "04", "directory.DF01.key.UK2DF01.kid", "has it set, e.g. 84"),
    ("directory.DF01.key.X", {**KEY, "kid": "00"}, "directory.DF01.key.X.kid", "00 is MKDF01 already"),
    ("directory.SSSE.key.UKSSSE.kid", "84", "directory.SSSE.key.UKSSSE.kid", "84 has its top bit set"),
    ("directory.SSSE.key.X", {**KEY, "kid": None}, "directory.SSSE.key.X.kid", "is missing; a key for external"),
    ("directory.DF04.key.DPK2.index", 1, "directory.DF04.key.DPK2.index", "1 is DPK1 already"),
    (
        "directory.DF04.key.X",
        {**KEY, "kid": None, "use": "load"},
        "directory.DF04.key.X.index",
        "is missing; a key for load",
    ),
    ("directory.SSSE.key.UKSSSE.versions", 2, "directory.SSSE.key.UKSSSE.hsm", "3 addresses for 2 versions"),
    (
        "directory.SSSE.key.UKSSSE.levels",
        1,
        "directory.SSSE.key.UKSSSE.sam",
        "use byte 48 means 2 diversification levels",
    ),
    ("directory.SSSE.key.STK.length", 8, "directory.SSSE.key.STK.length", "SM4 keys have 16 bytes"),
    (
        "directory.SSSE.pin.P2",
        {"reference": "00", "value": "1234", "title": TITLE},
        "directory.SSSE.pin.P2.reference",
        "00 is PIN already",
    ),
    (
        "directory.DF01.pin.P2",
        {"reference": "01", "value": "1234", "title": TITLE},
        "directory.DF01.pin.P2.reference",
        "has it set, e.g. 81",
    ),
    ("test_keys.value", {"UKMF.1": "00"}, "test_keys.value.UKMF.1", "no key of the profile has this name"),
    ("test_keys.value", {"UKSSSE.4": "00"}, "test_keys.value.UKSSSE.4", "UKSSSE has versions 1 to 3"),
    ("test_keys.value", {"UKSSSE.01": "env:K"}, "test_keys.value.UKSSSE.01", "UKSSSE has versions 1 to 3"),
    ("test_keys.value", {"UKSSSE.²": "env:K"}, "test_keys.value.UKSSSE.²", "UKSSSE has versions 1 to 3"),
    ("test_keys.value", {"UKSSSE.1": "00"}, "test_keys.value.UKSSSE.1", "the value holds 1 byte, 16 are needed"),
    ("test_keys.value", {"UKSSSE.1": "x"}, "test_keys.value.UKSSSE.1", "the value does not hold an even number"),
    # files
    ("directory.SSSE.file.EF0D.elements", ["EA", "EE"], "directory.SSSE.file.EF0D.elements", "no data element EE"),
    (
        "directory.DF03.file.EF19.elements",
        ["79", "3A"],
        "directory.DF03.file.EF19.elements",
        "fixed file have one length",
    ),
    (
        "directory.DF02.file.EF07.layout",
        "jobs",
        "directory.DF02.file.EF07.layout",
        "the dictionary has no layout 'jobs'",
    ),
    ("directory.DF04.file.TF.size", 19, "directory.DF04.file.TF.size", "the fields of 'medical amounts' need 20 bytes"),
    (
        "directory.DF03.file.EF05.elements",
        ["61", "60"],
        "directory.DF03.file.EF05.elements",
        "60 stands in DF02/EF06 already; a tag belongs to one file",
    ),
    # chip
    ("chip.historical", "0081544C97", "chip.historical", "5 bytes; a social security card has 13"),
    # content
    ("content.DF0B", {"EF05": {}}, "content.DF0B", "the profile has no such directory"),
    ("content.SSSE.EF0C", {"data": "00"}, "content.SSSE.EF0C", "SSSE has no such file"),
    ("content.SSSE.EF06.0D", "199002281", "content.SSSE.EF06.0D", "出生日期 date of birth: 9 digits given, 8 fit"),
]


@pytest.mark.parametrize(
    ("place", "value", "path", "said"), ERRORS, ids=[f"{path}-{n}" for n, (_, _, path, _) in enumerate(ERRORS)]
)
def test_an_error_is_found_with_its_place(place: str, value: object, path: str, said: str) -> None:
    table = _changed(*place.split("."), value=value)
    assert any(found.startswith(path) and said in message for found, message in _errors(table)), _errors(table)


def test_a_card_needs_a_master_file() -> None:
    table = read(products()["blank"])
    table["directory"] = {}
    assert _errors(table) == [("directory", "there is no MF; exactly one directory has kind MF")]


def test_directories_that_hold_each_other_are_found() -> None:
    table = _changed(
        "directory", value={"A": {**ADF, "kind": "DDF", "parent": "B"}, "B": {**ADF, "kind": "DDF", "parent": "A"}}
    )
    paths = [path for path, message in _errors(table) if message.endswith("would lie inside itself")]
    assert paths == ["directory.A.parent", "directory.B.parent"]


def test_a_record_longer_than_the_card_can_write_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("profiles.checks.RECORD_LIMIT", 0x5F)
    found = {path for path, message in _errors(_changed("name", value="x")) if "more than 95 bytes" in message}
    assert found == {
        "directory.DF02.file.EF05.elements",
        "directory.DF03.file.EF06.elements",
        "directory.DF05.file.EF05.elements",
    }


WARNINGS = [
    ("issuer.city_code", "430200", "chip.historical", "bytes 8 and 9 say city 5000, issuer.city_code begins with 4302"),
    (
        "directory.SSSE.proprietary",
        "9F0C03860101",
        "directory.SSSE.proprietary",
        "announces algorithm 01, but SM4 is 03",
    ),
    (
        "directory.SSSE.proprietary",
        "",
        "directory.SSSE.proprietary",
        "a 3.00 card announces its algorithm with 9F0C 03 860103",
    ),
    ("content.SSSE.EF05.02", "7", "content.SSSE.EF05.02", "'7' is not in the code list: 1, 2, 3, 4"),
    ("content.SSSE.EF05.06", "20260230", "content.SSSE.EF05.06", "'20260230' is not a date YYYYMMDD"),
    ("content.SSSE.EF05.07", "A12345678", "content.SSSE.EF05.07", "their check character (annex A)"),
    (
        "content.SSSE.EF06.0D",
        "19900227",
        "content.SSSE.EF06.0D",
        "19900227 is not the day of birth in tag 08, 19900228",
    ),
    ("content.SSSE.EF06.0A", "1", "content.SSSE.EF06.0A", "1 does not fit the 17th digit of tag 08"),
    ("content.DF01.EF15.40", [{"58": "ABCDEF"}], "content.DF01.EF15.40.1.58", "is not digits alone"),
    (
        "content.DF04.EF08.records",
        [{"transaction type": "3"}],
        "content.DF04.EF08.records.1.transaction type",
        "code list: 1, 2",
    ),
]


@pytest.mark.parametrize(
    ("place", "value", "path", "said"), WARNINGS, ids=[f"{place}={value}" for place, value, *_ in WARNINGS]
)
def test_a_departure_from_the_standard_is_a_warning(place: str, value: object, path: str, said: str) -> None:
    (found,) = _warnings(_changed(*place.split("."), value=value))
    assert found[0] == path
    assert said in found[1]


def test_a_card_without_social_security_may_have_any_historical_bytes() -> None:
    assert _warnings(_changed("chip", "historical", value="0102", product="blank")) == []


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ({**EF, "size": None}, "a transparent file needs size"),
        ({**EF, "records": 3}, "a transparent file takes no records"),
        ({**EF, "structure": "variable", "size": None}, "a variable file needs elements"),
        ({**EF, "structure": "cyclic", "size": None, "records": 3}, "a cyclic file needs layout"),
        ({**EF, "is_directory": True}, "a directory file is a variable file"),
        ({**EF, "structure": "variable", "size": None, "is_directory": True, "elements": ["01"]}, "takes no elements"),
    ],
)
def test_a_file_says_what_its_structure_needs(file: dict[str, object], said: str) -> None:
    given = {name: value for name, value in file.items() if value is not None}
    ((path, message),) = _errors(_changed("directory", "SSSE", "file", "EF0C", value=given))
    assert path == "directory.SSSE.file.EF0C"
    assert said in message
