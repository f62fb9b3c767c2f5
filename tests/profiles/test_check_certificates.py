"""A certificate application lacks nothing that its commands need: each fault is found, and found alone."""

from __future__ import annotations

import pytest

from profiles import ProfileError
from profiles.check_certificates import check
from profiles.loader import from_table
from profiles.sources import merge, products, read

WHOLE = read(products()["ssc3-sm4"])


def test_a_product_has_no_fault() -> None:
    assert list(check(from_table(WHOLE), frozenset())) == []


@pytest.mark.parametrize(
    ("over", "path", "message"),
    [
        (
            {"file": {"SIGNCERT": {"present": False}}},
            "directory.CERT.file",
            "no file has the identifier 0018, signature certificate",
        ),
        (
            {"file": {"SIGNPUB": {"size": 65}}},
            "directory.CERT.file.SIGNPUB.size",
            "the public signature key has 66 bytes",
        ),
        (
            {"file": {"ENCPRI": {"read": "USERPIN"}}},
            "directory.CERT.file.ENCPRI.read",
            "the private encryption key is never read",
        ),
        ({"pin": {"USERPIN": {"reference": "82"}}}, "directory.CERT.pin", "no PIN has the reference 81, user PIN"),
        ({"key": {"MKCERT": {"present": False}}}, "directory.CERT.key", "no key is the master key 00"),
        (
            {"parent": "SSSE", "fid": "DF09"},
            "directory.CERT.parent",
            "a directory whose application is 'certificate environment' is needed",
        ),
        (
            {"certificates": {"use": "NOPIN"}},
            "directory.CERT.certificates.use",
            "access condition names NOPIN, which no key or PIN in CERT or above has",
        ),
        (
            {"application": "social security"},
            "directory.CERT.certificates",
            "belongs to a directory whose application is 'certificates'",
        ),
    ],
    ids=["certificate", "size", "private key", "user PIN", "master key", "environment", "access", "application"],
)
def test_a_fault_is_found_with_its_place(over: dict[str, object], path: str, message: str) -> None:
    with pytest.raises(ProfileError) as caught:
        from_table(merge(WHOLE, {"directory": {"CERT": over}}))
    assert (path, message) in [(problem.path, problem.message) for problem in caught.value.problems]


def test_an_application_needs_its_table_and_an_administrator() -> None:
    table = merge(WHOLE, {"directory": {"PKI": {"pin": {"ADMINPIN": {"present": False}}}}})
    del table["directory"]["CERT"]["certificates"]
    with pytest.raises(ProfileError) as caught:
        from_table(table)
    assert [(problem.path, problem.message) for problem in caught.value.problems] == [
        (
            "directory.CERT.certificates",
            "is missing; a certificate application says here who may generate and use its keys",
        ),
        ("directory.PKI.pin", "no PIN has the reference 00, administrator PIN"),
    ]
