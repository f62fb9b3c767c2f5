"""Names and paths, extending, and every fault at once."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from profiles import Profile, ProfileError, load, profile_sha256
from profiles.loader import from_table
from profiles.sources import merge, products, read

HEAD = """
format = 1
name = "mine"
extends = "ssc3-sm4"
"""


def _write(path: Path, text: str) -> Path:
    path.write_text(HEAD + textwrap.dedent(text), "utf-8")
    return path


def _problems(source: str | Path) -> dict[str, str]:
    with pytest.raises(ProfileError) as caught:
        load(source)
    return {problem.path: problem.message for problem in caught.value.problems}


def test_a_name_and_the_path_of_its_file_give_the_same_profile(ssc3: Profile) -> None:
    assert load(products()["ssc3-sm4"]) == ssc3
    assert load(str(products()["ssc3-sm4"])) == ssc3


def test_what_is_neither_name_nor_file() -> None:
    debits = "debit, debit-blank, debit-dual, debit-either, debit-plain, debit-prepaid, debit-sm"
    ssc = "ssc2-3des, ssc2-blank, ssc3-blank, ssc3-sm4"
    known = f"blank, blank-3des, {debits}, debit-sm-blank, debit-total, psam-3des, psam-sm4, {ssc}"
    assert _problems("ssc4") == {"": f"neither a product nor a TOML file; the products are {known}"}


def test_a_profile_changes_single_values_of_another(tmp_path: Path, ssc3: Profile) -> None:
    mine = load(
        _write(tmp_path / "mine.toml", "[settings]\npin_try_limit = 3\n[directory.DF04.file.EF08]\nrecords = 50")
    )
    assert mine.settings.pin_try_limit == 3
    assert mine.directory["DF04"].file["EF08"].records == 50
    assert mine.directory["DF04"].file["EF08"].title == ssc3.directory["DF04"].file["EF08"].title
    assert mine.directory["SSSE"] == ssc3.directory["SSSE"]


def test_lists_are_replaced_not_joined(tmp_path: Path) -> None:
    path = _write(tmp_path / "mine.toml", '[directory.SSSE.file.EF0D]\nelements = ["EA", "EB"]')
    assert load(path).directory["SSSE"].file["EF0D"].elements == ("EA", "EB")


def test_what_is_not_present_is_gone_with_its_content(tmp_path: Path) -> None:
    text = """
        [directory.DF07]
        present = false
        [directory.DF04.file.EF06]
        present = false
        [directory.SSSE.key.RKMFEF0C]
        present = false
        """
    mine = load(_write(tmp_path / "mine.toml", text))
    assert "DF07" not in mine.directory
    assert "DF07" not in mine.content
    assert "EF06" not in mine.directory["DF04"].file
    assert "EF06" not in mine.content["DF04"]
    assert "RKMFEF0C" not in mine.directory["SSSE"].key


def test_df06_can_be_brought_in(tmp_path: Path) -> None:
    mine = load(_write(tmp_path / "mine.toml", "[directory.DF06]\npresent = true"))
    assert list(mine.directory["DF06"].file) == ["SF", "EF05", "EF06"]


def test_a_relative_parent_lies_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    _write(tmp_path / "base.toml", '[issuer]\ncity_code = "500100"')
    child = tmp_path / "sub" / "child.toml"
    child.write_text('format = 1\nname = "child"\nextends = "../base.toml"\n')
    assert load(child).issuer.city_code == "500100"
    assert load(child).name == "child"


def test_a_circle_is_refused(tmp_path: Path) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{one}.toml").write_text(f'extends = "{other}.toml"\n')
    assert _problems(tmp_path / "a.toml") == {
        "extends": "the profiles extend each other in a circle: a.toml → b.toml → a.toml"
    }


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        ('extends = "nothing"\n', "extends", "nothing: neither a product nor a TOML file"),
        ("extends = 3\n", "extends", "the name of a product or the path of a TOML file is expected"),
        ("name = \n", "", "not valid TOML: Invalid value (at line 1"),
        ("[content.SSSE.EF08]\nsource = 'no.jpg'\n", "content.SSSE.EF08.source", "no.jpg cannot be read: No such file"),
        ("", "format", "is missing"),
    ],
)
def test_broken_files(tmp_path: Path, text: str, path: str, said: str) -> None:
    (tmp_path / "broken.toml").write_text(text)
    problems = _problems(tmp_path / "broken.toml")
    assert problems[path].startswith(said)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("[settings]\npin_try_limit = true\n", "settings.pin_try_limit", "a whole number is needed"),
        ('[settings]\npin_try_limit = "3"\n', "settings.pin_try_limit", "a whole number is needed"),
        ("[settings]\npin_try_limit = 16\n", "settings.pin_try_limit", "must be less than or equal to 15"),
        ('[directory.DF07]\npresent = "no"\n', "directory.DF07.present", "true or false is needed"),
        ("[chip]\nhistorical = 5\n", "chip.historical", "a string of hexadecimal digits is needed"),
        ("[directory]\nDF07 = 5\n", "directory.DF07", "a table is needed"),
        ('features = "contactless"\n', "features", "a list is needed"),
        ("[issuer]\ncity_code = 430100\n", "issuer.city_code", "a string is needed"),
        ('[issuer]\ncity_code = "43"\n', "issuer.city_code", r"is not of the form ^\d{6}$"),
        ("[directory.SSSE.file.EF05]\nread = 5\n", "directory.SSSE.file.EF05.read", "an access condition is needed"),
        ('[directory.DF01]\nfid = "DF"\n', "directory.DF01.fid", "at least 2 bytes are needed, not 1"),
        ('[chip]\nta1 = "1111"\n', "chip.ta1", "at most 1 byte is needed, not 2"),
    ],
)
def test_a_value_of_another_type_is_not_read_as_one(tmp_path: Path, text: str, place: str, said: str) -> None:
    """No counter of the card's answer ``63Cx`` goes beyond 15."""
    (tmp_path / "odd.toml").write_text(f'extends = "ssc3-sm4"\n{text}')
    assert _problems(tmp_path / "odd.toml")[place] == said


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    assert "not valid TOML" in _problems(tmp_path / "binary.toml")[""]


def test_every_fault_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    text = """
        colour = "red"
        [settings]
        pin_try_limt = 3
        [directory.DF01.file.EF05]
        read = "PIN or RK9DF01"
        [directory.DF01.file.EF06]
        update = "PIN RK1DF01"
        [directory.DF02.file.EF07]
        records = 0
        [directory.DF03.key.RK1DF03]
        kid = "8"
        [directory.DF03]
        lock_key = "LKDF30"
        [directory.DF09]
        fid = "DF09"
        kind = "ADF"
        parent = "SSE"
        application = "social security"
        title = { zh = "九", en = "nine" }
        """
    assert _problems(_write(tmp_path / "mine.toml", text)) == {
        "colour": "is not known here",
        "settings.pin_try_limt": "is not known here; did you mean 'pin_try_limit'?",
        "directory.DF01.file.EF05.read": "access condition names RK9DF01, which no key or PIN in DF01 or above has",
        "directory.DF01.file.EF06.update": "access condition 'PIN RK1DF01': 'and' or 'or' was expected where 'RK1DF01' stands",
        "directory.DF02.file.EF07.records": "must be greater than or equal to 1",
        "directory.DF03.key.RK1DF03.kid": "an even number of hexadecimal digits was expected",
        "directory.DF03.lock_key": "names LKDF30, which no key in DF03 or above has",
        "directory.DF09.parent": "there is no directory SSE",
    }


@pytest.mark.parametrize(
    "fault",
    [
        "format = 2",
        'name = "My Card"',
        'specification = "4.00"',
        "[chip]\nhistorical = '0'",
        "[issuer]\ncity_code = '50'",
        "[directory.DF02]\nfid = 'DF'",
        "[directory.DF02]\ntitle = 'DF02'",
        "[directory.DF02]\naid = 1",
        "[directory.DF02.key.UK1DF02]\nkid = 131",
        "[directory.SSSE.pin.PIN]\nvalue = 'abcd'",
        "[settings]\npin_try_limit = 'six'",
        "[content]\nDF01 = 1",
    ],
)
def test_a_fault_of_type_hides_no_other(tmp_path: Path, fault: str) -> None:
    wrong = "[directory.DF03]\nlock_key = 'LKDF30'\n"
    text = HEAD.replace('name = "mine"', "") if fault.startswith(("format", "name")) else HEAD
    text = text.replace("format = 1", "") if fault.startswith("format") else text
    (tmp_path / "mine.toml").write_text(text + fault + "\n" + wrong)
    problems = _problems(tmp_path / "mine.toml")
    assert len(problems) == 2
    assert problems["directory.DF03.lock_key"] == "names LKDF30, which no key in DF03 or above has"


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ('[directory.DEBIT.payment]\nallowed = { "9F66" = "x" }\n', "directory.DEBIT.payment.allowed.9F66"),
        ('[directory.DEBIT.data]\n"9F36" = 5\n', "directory.DEBIT.data.9F36"),
        ("[directory.CERT.certificates]\ngenerate = 5\n", "directory.CERT.certificates.generate"),
    ],
)
def test_a_fault_in_an_application_makes_no_others_up(tmp_path: Path, table: str, place: str) -> None:
    """Without its payment table a directory would lack what its content is made of; other directories are still looked at."""
    (tmp_path / "odd.toml").write_text(f'extends = "ssc3-sm4"\n{table}[directory.DF03]\nlock_key = "LKDF30"\n')
    assert set(_problems(tmp_path / "odd.toml")) == {place, "directory.DF03.lock_key"}


def test_the_error_reads_as_a_list(tmp_path: Path) -> None:
    with pytest.raises(ProfileError) as caught:
        load(_write(tmp_path / "mine.toml", '[directory.DF01.file.EF05]\nread = "PIN or RK9DF01"'))
    assert str(caught.value) == (
        f"profile {tmp_path}/mine.toml:\n"
        "  directory.DF01.file.EF05.read: access condition names RK9DF01, which no key or PIN in DF01 or above has"
    )


def test_the_digest_depends_on_what_is_said_and_not_on_how(tmp_path: Path, ssc3: Profile) -> None:
    same = tmp_path / "same.toml"
    same.write_text('extends = "ssc3-sm4"\n[issuer]\ncity_code = "500000"\n')
    assert profile_sha256(load(same)) == profile_sha256(ssc3)
    same.write_text('extends = "ssc3-sm4"\n[issuer]\ncity_code = "500001"\n')
    assert profile_sha256(load(same)) != profile_sha256(ssc3)


def test_the_digest_does_not_depend_on_where_key_files_lie(tmp_path: Path) -> None:
    digests = set()
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        path = _write(tmp_path / place / "mine.toml", '[test_keys.value]\n"UKSSSE.1" = "file:key.txt"')
        assert load(path).test_keys.value["UKSSSE.1"] == f"file:{tmp_path}/{place}/key.txt"
        digests.add(profile_sha256(load(path)))
    assert len(digests) == 1


TABLES = st.recursive(
    st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)


@given(base=st.dictionaries(st.sampled_from("abc"), TABLES), over=st.dictionaries(st.sampled_from("abc"), TABLES))
def test_merging_keeps_what_is_laid_over(base: dict[str, Any], over: dict[str, Any]) -> None:
    merged = merge(base, over)
    assert merge(merged, over) == merged
    assert set(merged) == set(base) | set(over)
    assert merge(base, {}) == base
    assert merge({}, over) == over


JUNK = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.lists(st.text(max_size=2), max_size=2)
PLACES = st.sampled_from(
    [
        ("name",),
        ("chip",),
        ("chip", "historical"),
        ("settings",),
        ("directory",),
        ("directory", "SSSE"),
        ("directory", "SSSE", "key"),
        ("directory", "SSSE", "key", "IRK"),
        ("directory", "SSSE", "key", "IRK", "kid"),
        ("directory", "SSSE", "parent"),
        ("directory", "SSSE", "pin", "PIN"),
        ("directory", "DF01", "file", "EF05"),
        ("directory", "DF01", "file", "EF05", "read"),
        ("directory", "DF01", "file", "EF05", "elements"),
        ("directory", "DF02", "file", "EF07", "layout"),
        ("content",),
        ("content", "SSSE"),
        ("content", "SSSE", "EF06"),
        ("content", "SSSE", "EF06", "09"),
        ("content", "DF02", "EF07", "records"),
        ("content", "DF04", "TF", "fields"),
        ("test_keys", "value"),
    ]
)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60, deadline=None)
@given(place=PLACES, junk=JUNK | st.dictionaries(st.text(max_size=4), JUNK, max_size=2))
def test_any_value_anywhere_loads_or_is_refused_with_problems(place: tuple[str, ...], junk: object) -> None:
    over: Any = junk
    for name in reversed(place):
        over = {name: over}
    try:
        found = [profile_sha256(from_table(merge(read(products()["ssc3-sm4"]), over)))]
    except ProfileError as error:
        found = [str(problem) for problem in error.problems]
    assert found
