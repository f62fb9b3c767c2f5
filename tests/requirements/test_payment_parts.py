"""Which features follow from the profile of a payment application."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from conformance.requirements import CardTraits, load_catalogue
from conformance.requirements.payment import payment_parts
from profiles import Profile, load

CATALOGUE = load_catalogue("payment")


def features(profile: Profile) -> frozenset[str]:
    return CATALOGUE.features_of(payment_parts(profile, "DEBIT"))


def changed(tables: Mapping[str, Any], change: Callable[[dict[str, Any]], None]) -> Profile:
    plain: dict[str, Any] = dict(tables)
    change(plain)
    return Profile.model_validate(plain)


def debit(**data: str | None) -> Profile:
    """The debit card with other data objects; None takes one away."""

    def change(tables: dict[str, Any]) -> None:
        objects = tables["directory"]["DEBIT"]["data"]
        for tag, value in data.items():
            objects.pop(tag.removeprefix("x"), None)
            if value is not None:
                objects[tag.removeprefix("x")] = value

    return changed(load("debit").model_dump(), change)


def test_the_debit_card() -> None:
    # Read in the profile by eye: contact, e-cash and qPBOC paths with AIP 7D00, 9F68 8110D000, ADA E228, 9F56 80, 9F10 07 01 01 … 0A01.
    found = features(load("debit"))
    assert found >= {"contact", "e-cash", "second currency", "PSE", "3DES", "RSA", "transaction log", "offline PIN"}
    assert found >= {"SDA", "DDA", "CDA", "issuer authentication", "terminal risk management", "issuer scripts"}
    assert found >= {"ADA", "ADA 1.b8", "issuer authentication mandatory", "CVN 01", "IDD", "IDD 01", "data:9F58"}
    assert found >= {"qPBOC", "CAP 1.b8", "CAP 1.b1", "CAP 2.b5", "CAP 3.b8", "CAP 3.b5", "CAP 1.b3=0"}
    assert found >= {"record:8E", "record:9F4A", "record:9F61", "CVM offline PIN", "updatable records", "test keys"}
    assert found.isdisjoint({"SM", "without PSE", "without CDA", "ADA 1.b5", "ADA 1.b8=0", "data:9F75"})
    assert found >= {"extended application", "R-MAC", "pre-authorisation", "deduction"}
    assert found.isdisjoint({"personalisation", "terminal kernel", "partial selection"})


def test_the_debit_card_with_sm_algorithms() -> None:
    assert features(load("debit-sm")) ^ features(load("debit")) == {"SM", "SM alone", "3DES", "RSA", "RSA 1024"}
    gained = {"SM", "two algorithm sets", "RSA above 1024"}
    assert features(load("debit-dual")) ^ features(load("debit")) == {*gained, "RSA 1024"}


def test_a_terminal_is_never_seen_in_a_card() -> None:
    traits = CardTraits("3.00", "3DES", features(load("debit")) | {"financial"})
    areas = {entry.area.removeprefix("PAY-") for entry in CATALOGUE.applicable(traits)}
    assert {"SEL", "GAC", "SCR", "ECC", "DUA", "INV", "QPB", "TEA", "FDD", "CAP"} <= areas
    assert areas.isdisjoint({"TRM", "SMA"})


@pytest.mark.parametrize(
    ("data", "gained", "lost"),
    [
        ({"x9F52": None}, {"without ADA", "ADA 1.b8=0"}, {"ADA", "ADA 1.b8"}),
        ({"x9F52": "1CA0"}, {"ADA 1.b5", "ADA 1.b4", "ADA 1.b3", "ADA 2.b8", "ADA 1.b8=0"}, {"ADA 1.b8"}),
        ({"x9F56": None}, {"issuer authentication optional"}, {"issuer authentication mandatory"}),
        ({"x9F38": None}, {"without PDOL"}, set()),
        ({"x9F4D": None}, set(), {"transaction log"}),
        (
            {"x9F68": "02000080"},
            {"CAP 1.b2", "CAP 2.b5=0", "no offline check"},
            {"CAP 1.b8", "CAP 1.b1", "CAP 2.b5", "CAP 3.b8", "CAP 3.b5", "qPBOC offline", "fDDA", "fDDA 01"},
        ),
        ({"x9F10": "07 01 17 03000000 01 0F03"}, set(), {"CVN 01", "IDD 01"}),
        ({"x9F10": "07 01 01 03000000 01"}, set(), {"IDD", "IDD 01"}),
    ],
)
def test_data_objects(data: dict[str, str | None], gained: set[str], lost: set[str]) -> None:
    assert features(debit(**data)) ^ features(load("debit")) == gained | lost


def test_paths_environment_and_records() -> None:
    def change(tables: dict[str, Any]) -> None:
        directory = tables["directory"]["DEBIT"]
        directory["payment"]["path"] = {"ordinary": {"aip": "2000", "afl": ""}}
        directory["payment"]["allowed"] = {"9C": ["00"]}
        directory["pin"] = {}
        directory["parent"] = "MF"
        del tables["directory"]["PSE"]
        tables["content"]["DEBIT"]["SFI03"]["records"][0].update({"8E": "00000000000000005E03", "5A": "6228000100001"})

    found = features(changed(load("debit").model_dump(), change))
    before = features(load("debit"))
    assert found - before == {
        "without PSE",
        "without CDA",
        "without issuer authentication",
        "conditions of use",
        "short PAN",
    }
    assert before - found == {
        *("PSE", "SDA", "CDA", "issuer authentication", "terminal risk management", "e-cash"),
        *("offline PIN", "CVM offline PIN", "qPBOC", "qPBOC CVN 17", "qPBOC IDD", "qPBOC offline", "fDDA", "fDDA 01"),
    }


def test_what_is_no_payment_application_is_refused() -> None:
    with pytest.raises(ValueError, match="directory MF of profile debit is no payment application"):
        payment_parts(load("debit"), "MF")
    with pytest.raises(ValueError, match="directory DF09 of profile debit is no payment application"):
        payment_parts(load("debit"), "DF09")


def test_every_part_of_the_vocabulary_is_one_that_can_come() -> None:
    words = {
        "PSE",
        "no PSE",
        "PIN",
        "several applications",
        "conditions of use",
        "last online ATC",
        "updatable records",
        "two algorithm sets",
        "RSA card key of 1024 bits",
        "RSA card key above 1024 bits",
        "special device",
    }
    words |= {
        "IDD",
        "short PAN",
        "CVM 01 or 03",
        "contactless IDD",
        "offline approval",
        "no offline check",
        "fDDA",
        "fDDA 01",
    }
    pattern = (
        r"path (ordinary|e-cash|qPBOC)|(no )?data [9D]F[0-9A-F]{2}|record [0-9A-F]{2,4}|algorithm (3DES|SM4)( alone)?|"
        r"certificates RSA|key payment (MAC|cryptogram)|(AIP|9F52|9F56|9F68|DF61) [1-4]\.b[1-8](=0)?|"
        r"(contactless )?CVN (01|17)|IDD 01|CVM 20"
    )
    own = [feature for name, feature in CATALOGUE.features.items() if name not in load_catalogue().features]
    for feature in own:
        assert feature.part is None or feature.part in words or re.fullmatch(pattern, feature.part), feature
