"""Root keys: the published rule, and references whose errors never show a key."""

from __future__ import annotations

from pathlib import Path

import gmalg  # type: ignore[import-untyped]  # ships no types
import pytest

from profiles import Profile, model
from profiles.keys import RootKeyError, keys, root_key

KEY = "00112233445566778899AABBCCDDEEFF"


def _overridden(profile: Profile, **values: str) -> Profile:
    named = {name.replace("_", "."): value for name, value in values.items()}
    return profile.model_copy(update={"test_keys": model.TestKeys(value=named)})


def _sm3(text: str) -> bytes:
    """SM3 by a second library."""
    digest = gmalg.SM3()
    digest.update(text.encode())
    return bytes(digest.value())


@pytest.mark.parametrize(
    ("name", "version", "length"), [("UKSSSE", 1, 16), ("UKSSSE", 3, 16), ("STK", 1, 8), ("DPK2", 2, 16)]
)
def test_root_keys_follow_from_the_published_seed(ssc2: Profile, name: str, version: int, length: int) -> None:
    assert root_key(ssc2, name, version) == _sm3(f"sscard published test keys/{name}/{version}")[:length]


def test_another_seed_gives_other_keys(ssc2: Profile) -> None:
    profile = ssc2.model_copy(update={"test_keys": model.TestKeys(seed="年度")})
    assert root_key(profile, "IRK", 1) == _sm3("年度/IRK/1")[:16]


def test_no_two_root_keys_are_equal(ssc3: Profile) -> None:
    every = [
        root_key(ssc3, name, version) for name, key in keys(ssc3).items() for version in range(1, key.versions + 1)
    ]
    assert len(set(every)) == len(every)


@pytest.mark.parametrize("digits", [KEY, KEY.lower(), "0011 2233 4455 6677 8899 AABB CCDD EEFF"])
def test_a_key_may_be_given_as_digits(ssc3: Profile, digits: str) -> None:
    assert root_key(_overridden(ssc3, UKSSSE_1=digits), "UKSSSE", 1) == bytes.fromhex(KEY)


def test_a_key_may_come_from_the_environment_or_a_file(
    ssc3: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UK", KEY)
    (tmp_path / "key").write_text(KEY + "\n")
    profile = _overridden(ssc3, UKSSSE_1="env:UK", UKSSSE_2=f"file:{tmp_path}/key")
    assert root_key(profile, "UKSSSE", 1) == root_key(profile, "UKSSSE", 2) == bytes.fromhex(KEY)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("env:ABSENT", "environment variable ABSENT is not set"),
        ("env:SHORT", "environment variable SHORT holds 8 bytes, 16 are needed"),
        ("env:ODD", "environment variable ODD does not hold an even number"),
        ("file:/nowhere/key", "file /nowhere/key cannot be read"),
        (KEY[:-2], "test_keys.value holds 15 bytes, 16 are needed"),
        (KEY[:-1] + "G", "test_keys.value does not hold an even number"),
    ],
)
def test_errors_say_where_and_never_show_the_key(
    ssc3: Profile, monkeypatch: pytest.MonkeyPatch, reference: str, said: str
) -> None:
    monkeypatch.setenv("SHORT", KEY[:16])
    monkeypatch.setenv("ODD", KEY[:-1])
    with pytest.raises(RootKeyError, match=said) as caught:
        root_key(_overridden(ssc3, UKSSSE_1=reference), "UKSSSE", 1)
    assert KEY[:8] not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("name", "version", "said"),
    [("UKMF", 1, "has no key UKMF"), ("UKSSSE", 4, "versions 1 to 3, not 4"), ("STK", 0, "versions 1 to 1, not 0")],
)
def test_unknown_keys_and_versions(ssc3: Profile, name: str, version: int, said: str) -> None:
    with pytest.raises(RootKeyError, match=said):
        root_key(ssc3, name, version)
