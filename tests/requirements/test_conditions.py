"""To which cards a requirement applies."""

from __future__ import annotations

import pytest

from conformance.requirements import CardTraits, Level, load_catalogue

REQUIREMENTS = load_catalogue().requirements


def test_another_version() -> None:
    judged = REQUIREMENTS["SSC-SEL-003"].applicability(CardTraits("2.01", "3DES", frozenset({"environment"})))
    assert not judged.applies
    assert judged.reason == (
        "仅适用于规范版本3.0的卡，本卡为2.01",
        "only for cards of version 3.0, this card is of version 2.01",
    )


def test_another_algorithm() -> None:
    judged = REQUIREMENTS["SSC-PIN-019"].applicability(CardTraits("3.00", "3DES", frozenset({"environment"})))
    assert judged.reason.en == "only for cards with SM4, this card uses 3DES"


def test_every_obstacle_is_named() -> None:
    judged = REQUIREMENTS["SSC-CERT-001"].applicability(CardTraits("1.00", "3DES"))
    assert judged.reason.en == (
        "only for cards of version 3.0, this card is of version 1.00; needs the certificate application"
    )
    assert judged.reason.zh == "仅适用于规范版本3.0的卡，本卡为1.00；需要数字证书应用"


@pytest.mark.parametrize(("features", "applies"), [((), False), (("option:DF05",), True), (("option:DF06",), True)])
def test_one_feature_of_several_is_enough(features: tuple[str, ...], applies: bool) -> None:
    judged = REQUIREMENTS["SSC-SEL-016"].applicability(CardTraits("2.00", "3DES", frozenset(features)))
    assert judged.applies is applies
    if not applies:
        assert judged.reason.en == (
            "needs the optional life and health application DF05 or the optional social assistance application DF06"
        )


@pytest.mark.parametrize(("features", "applies"), [(("SAM",), False), (("SAM", "mode 2"), False), ((), False)])
def test_every_feature_is_needed(features: tuple[str, ...], applies: bool) -> None:
    traits = CardTraits("3.00", "SM4", frozenset(features))
    assert REQUIREMENTS["SSC-TERM-008"].applicability(traits).applies is applies


def test_an_assumed_version_is_never_hard() -> None:
    entry = REQUIREMENTS["SSC-ACC-009"]
    features = frozenset({"application:DF01"})
    assumed = entry.applicability(CardTraits("1.00", "3DES", features))
    stated = entry.applicability(CardTraits("2.00", "3DES", features))
    assert (assumed.applies, assumed.hard) == (True, False)
    assert assumed.reason == ("按假定适用于规范版本1.0", "applies to version 1.0 by assumption")
    assert (stated.applies, stated.hard) == (True, True)


def test_a_level_may_be_relaxed() -> None:
    entry = REQUIREMENTS["SSC-REC-066"]
    online = entry.applicability(CardTraits("3.00", "SM4", frozenset({"application:DF04", "mode 1"})))
    offline = entry.applicability(CardTraits("3.00", "SM4", frozenset({"application:DF04", "mode 3"})))
    assert (online.level, online.hard) == (Level.SHOULD, False)
    assert online.reason.en == "applies; lowered to SHOULD without settlement mode 3: offline"
    assert (offline.level, offline.hard) == (Level.MUST, True)


def test_a_condition_reads_as_a_sentence() -> None:
    assert str(REQUIREMENTS["SSC-ATR-001"].condition) == "version 1.0, 2.0 or 3.0"
    assert str(REQUIREMENTS["SSC-PIN-018"].condition) == "3DES; the social security environment SSSE"
    assert str(REQUIREMENTS["SSC-ACC-010"].condition) == (
        "version 2.0 or 3.0; by assumption version 1.0; the public application DF01"
    )


@pytest.mark.parametrize("version", ["", "3", "4.00", "3.000", "2.x", "３.00", "3.00\n"])
def test_unknown_versions_are_refused(version: str) -> None:
    with pytest.raises(ValueError, match=r"is unknown; expected 1\.00, 2\.00, 2\.01 or 3\.00"):
        CardTraits(version, "SM4")


def test_unknown_algorithms_are_refused() -> None:
    with pytest.raises(ValueError, match="card algorithm 'AES' is unknown; expected 3DES or SM4"):
        CardTraits("3.00", "AES")  # type: ignore[arg-type]  # the mistake under test
