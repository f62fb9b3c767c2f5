"""The reference model against the words of the reconstructed specification, without any card.

What is expected here is written down from the sections that are named, not taken from what a card of ours does.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from conformance.model import Card, Prediction, files, secrets, selection
from conformance.model.secrets import Proof
from profiles import load
from profiles.model import Profile

SSSE, DF01, DF04 = (bytes.fromhex(name) for name in ("7378312E73682EC9E7BBE1B1A3D5CF", "D15600000500", "D15600000503"))
EF05, EF06 = 0x05, 0x06
NAME_RECORD = bytes([0x09, 30]) + b"A" * 30


def profile_with(name: str = "ssc3-sm4", **settings: object) -> Profile:
    profile = load(name)
    return profile.model_copy(update={"settings": profile.settings.model_copy(update=settings)})


def card_in(*names: bytes, profile: Profile | None = None) -> Card:
    """A card in which directories were selected one after the other."""
    card = Card(profile or profile_with())
    for name in names:
        done(selection.by_name(card, name))
    return card


def words(prediction: Prediction) -> set[int]:
    return {word for outcome in prediction.outcomes for word in outcome.words}


def done(prediction: Prediction, sw: int = 0x9000, data: bytes = b"") -> None:
    """The card answered so."""
    outcome = prediction.outcome(sw)
    assert outcome is not None, f"{sw:04X} is not among {prediction}"
    assert outcome.fits(data) or data == b""
    outcome.then(data)


def proof(key: str, reference: int, challenge: int | None = 1, *, version: int = 1, label: int | None = 1) -> Proof:
    return Proof(reference, key, version, label, challenge)


def prove(card: Card, key: str, reference: int) -> None:
    done(secrets.get_challenge(card, 8), data=bytes(8))
    done(secrets.external_authenticate(card, proof(key, reference, card.state.challenges)))


def test_the_model_knows_no_card() -> None:
    code = "import sys, conformance.model; print([m for m in sys.modules if m.startswith('emulator')])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


# Rights (vol. 2 §3.4)


def test_pin_of_the_environment_stays_while_applications_are_selected_in_turn() -> None:
    card = card_in(SSSE)
    done(secrets.verify(card, "123456"))
    for name in (DF01, DF04, DF01):
        done(selection.by_name(card, name))
        assert words(files.read_record(card, EF05, 1)) == {0x9000}


def test_keys_of_an_application_are_lost_on_leaving_and_on_selecting_it_again() -> None:
    for then in ((DF01,), (DF04, DF01)):
        card = card_in(SSSE, DF01)
        prove(card, "RK1DF01", 0x88)
        assert words(files.read_record(card, EF05, 1)) == {0x9000}
        for name in then:
            done(selection.by_name(card, name))
        assert words(files.read_record(card, EF05, 1)) == {0x6982}


@pytest.mark.parametrize(("clears", "answer"), [(True, 0x6982), (False, 0x9000)])
def test_selecting_the_environment_again_follows_the_profile(clears: bool, answer: int) -> None:
    card = card_in(SSSE, profile=profile_with(reselecting_environment_clears_global_state=clears))
    prove(card, "RKSSSE", 0x0A)
    done(selection.by_name(card, SSSE))
    assert answer in words(files.read_record(card, EF06, 1))
    assert (0x6982 in words(files.read_record(card, EF06, 1))) is clears


def test_everything_is_lost_at_reset_and_in_the_master_file() -> None:
    card = card_in(SSSE)
    prove(card, "UKSSSE", 0x04)
    done(secrets.verify(card, "123456"))
    card.reset()
    assert not card.state.environment_rights
    assert words(files.read_record(card, EF05, 1)) == {0x6A82}
    done(selection.by_identifier(card, b"\x3f\x00", 0))
    done(selection.by_name(card, SSSE))
    assert words(files.update_record(card, EF06, 2, NAME_RECORD)) == {0x6982}


def test_pin_and_key_together_open_the_offline_settlement_file() -> None:
    """37号文: DF04/EF06 is read with PIN and RK1DF04."""
    card = card_in(SSSE, DF04)
    assert words(files.read_record(card, EF06, 1)) == {0x6982}
    done(secrets.verify(card, "123456"))
    assert words(files.read_record(card, EF06, 1)) == {0x6982}
    prove(card, "RK1DF04", 0x84)
    assert words(files.read_record(card, EF06, 1)) == {0x9000}


# PIN (vol. 2 §4.6, §5.3)


def test_tries_are_counted_over_verify_and_change_and_restored() -> None:
    card = card_in(SSSE)
    assert words(secrets.verify(card, "000000")) == {0x63C5}
    done(secrets.verify(card, "000000"), 0x63C5)
    assert words(secrets.change_pin(card, "000000", "111111")) == {0x63C4}
    done(secrets.change_pin(card, "000000", "111111"), 0x63C4)
    card.reset()
    done(selection.by_name(card, SSSE))
    assert words(secrets.verify(card, "111111")) == {0x63C3}
    done(secrets.change_pin(card, "123456", "654321"))
    assert words(secrets.verify(card, "123456")) == {0x63C5}
    assert words(secrets.verify(card, "654321")) == {0x9000}


def test_blocked_pin_answers_6983_to_right_and_wrong() -> None:
    card = card_in(SSSE)
    for left in range(5, -1, -1):
        done(secrets.verify(card, "000000"), 0x63C0 | left)
    assert words(secrets.verify(card, "123456")) == {0x6983}
    assert words(secrets.verify(card, "000000")) == {0x6983}
    assert words(secrets.change_pin(card, "123456", "654321")) == {0x6983}


def test_another_number_of_tries_breaks_another_requirement() -> None:
    prediction = secrets.verify(card_in(SSSE), "000000")
    assert prediction.broken_by(0x9000) == "SSC-PIN-002"
    assert prediction.broken_by(0x63C4) == "SSC-PIN-004"


# Authentication (§4.3; vol. 2 §4.2, §5.1)


def test_a_challenge_serves_once_and_the_last_one_counts() -> None:
    card = card_in(SSSE)
    assert words(secrets.external_authenticate(card, proof("UKSSSE", 0x04, None))) == {0x6984}
    for _ in range(2):
        done(secrets.get_challenge(card, 8), data=bytes(8))
    assert words(secrets.external_authenticate(card, proof("UKSSSE", 0x04, 1))) == {0x63CE}
    assert secrets.external_authenticate(card, proof("UKSSSE", 0x04, 1)).requirement == "SSC-AUT-008"
    done(secrets.external_authenticate(card, proof("UKSSSE", 0x04, 2)))
    assert words(secrets.external_authenticate(card, proof("UKSSSE", 0x04, 2))) == {0x6984}


def test_last_but_one_challenge_counts_where_the_profile_says_so() -> None:
    card = card_in(SSSE, profile=profile_with(challenge_used="last or last but one"))
    for _ in range(3):
        done(secrets.get_challenge(card, 8), data=bytes(8))
    assert [words(secrets.external_authenticate(card, proof("UKSSSE", 0x04, n))) for n in (1, 2, 3)] == [
        {0x63CE},
        {0x9000},
        {0x9000},
    ]


@pytest.mark.parametrize(
    ("shown", "expected", "requirement"),
    [
        (proof("UKSSSE", 0x04), {0x9000}, "SSC-AUT-005"),
        (proof("UKSSSE", 0x04, label=None), {0x9000}, "SSC-AUT-005"),
        (proof("UKSSSE", 0x04, version=3, label=3), {0x9000}, "SSC-AUT-005"),
        (proof("UKSSSE", 0x04, version=2, label=None), {0x63CE}, "SSC-KEY-007"),
        (proof("UKSSSE", 0x04, version=1, label=2), {0x63CE}, "SSC-KEY-007"),
        (proof("UKSSSE", 0x04, label=4), {0x6A88}, "SSC-KEY-005"),
        (proof("RKSSSE", 0x04), {0x63CE}, "SSC-AUT-011"),
        (proof("UKSSSE", 0x7F), {0x6A88, 0x9403}, "SSC-KEY-008"),
        (proof("UK1DF01", 0x83), {0x6A88, 0x9403}, "SSC-KEY-008"),
    ],
)
def test_what_is_shown_to_the_environment(shown: Proof, expected: set[int], requirement: str) -> None:
    card = card_in(SSSE)
    done(secrets.get_challenge(card, 8), data=bytes(8))
    prediction = secrets.external_authenticate(card, shown)
    assert (words(prediction), prediction.requirement) == (expected, requirement)


def test_the_top_bit_names_a_key_of_the_current_application() -> None:
    """Vol. 2 §3.5: in DF04 the identifier 85 is UK1DF04, in DF01 it is UK3DF01; 04 is UKSSSE in both."""
    for name, key in ((DF01, "UK3DF01"), (DF04, "UK1DF04")):
        card = card_in(SSSE, name)
        assert [found and found[0] for found in (secrets.addressed_key(card, n) for n in (0x85, 0x04))] == [
            key,
            "UKSSSE",
        ]


def test_an_intervening_command_leaves_the_life_of_a_challenge_open() -> None:
    """One vendor ends it with any command, programs of the field need it to outlive a GET CHALLENGE (vol. 2 §4.2)."""
    card = card_in(SSSE)
    done(secrets.get_challenge(card, 8), data=bytes(8))
    done(secrets.verify(card, "123456"))
    assert words(secrets.external_authenticate(card, proof("UKSSSE", 0x04))) == {0x9000, 0x6984}


def test_internal_authentication_is_genuine_or_not() -> None:
    card = card_in(SSSE)
    (outcome,) = secrets.internal_authenticate(card, 0x00, b"\x01" * 8).outcomes
    assert outcome.fits(b"\x01" * 8)
    assert not outcome.fits(b"\x02" * 8)
    assert not secrets.internal_authenticate(card, 0x04, b"").outcome(0x9000)


# Selection (§3.1; vol. 2 §4.3)


@pytest.mark.parametrize(
    ("fid", "p1", "expected", "then"),
    [
        ("3F00", 0, {0x9000}, "MF"),
        ("DF04", 0, {0x9000, 0x6A82}, "DF04"),
        ("EF05", 0, {0x9000}, "DF01"),
        ("EF05", 2, {0x9000}, "DF01"),
        ("7F7F", 0, {0x6A82}, "DF01"),
        ("EF81", 2, {0x6A82}, "DF01"),
    ],
)
def test_selection_by_identifier_inside_an_application(fid: str, p1: int, expected: set[int], then: str) -> None:
    card = card_in(SSSE, DF01)
    prediction = selection.by_identifier(card, bytes.fromhex(fid), p1)
    assert words(prediction) == expected
    done(prediction, min(expected, key=lambda word: word != 0x9000))
    assert card.state.directory == then


def test_a_refused_selection_changes_nothing() -> None:
    card = card_in(SSSE, DF01)
    prove(card, "RK1DF01", 0x88)
    done(selection.by_identifier(card, b"\xef\x05", 2))
    done(selection.by_name(card, b"nothing"), 0x6A82)
    assert (card.state.directory, card.state.file) == ("DF01", "EF05")
    assert words(files.read_record(card, 0, 1)) == {0x9000}


@pytest.mark.parametrize(("partial_name", "expected"), [("left", {0x9000}), ("refused", {0x6A82})])
def test_partial_names_follow_the_profile(partial_name: str, expected: set[int]) -> None:
    card = card_in(profile=profile_with(partial_name=partial_name))
    assert words(selection.by_name(card, SSSE[:7])) == expected


# Files (§2.2, §3.1)


def test_contents_are_learnt_and_follow_updates() -> None:
    card = card_in(SSSE)
    prove(card, "RKSSSE", 0x0A)
    prove(card, "UKSSSE", 0x04)
    (outcome,) = files.read_record(card, EF06, 2).outcomes
    assert outcome.fits(NAME_RECORD)
    assert not outcome.fits(NAME_RECORD[:-1])
    done(files.update_record(card, EF06, 2, NAME_RECORD))
    (outcome,) = files.read_record(card, 0, 2).outcomes
    assert outcome.fits(NAME_RECORD)
    assert not outcome.fits(NAME_RECORD[:-1] + b"B")


def test_a_cyclic_file_shifts_its_records() -> None:
    card = card_in(SSSE, bytes.fromhex("D15600000501"))
    done(secrets.verify(card, "123456"))
    prove(card, "UK6DF02", 0x89)
    records = [bytes([number]) * 18 for number in range(6)]
    for record in records:
        done(files.append_record(card, 0x16, record))
    for number in range(1, 5):
        assert files.read_record(card, 0x16, number).outcomes[0].fits(records[-number])
    assert words(files.read_record(card, 0x16, 5)) == {0x9000, 0x6A83}


@pytest.mark.parametrize(
    ("record", "requirement"),
    [
        (NAME_RECORD[:-1], "SSC-CMD-007"),
        (NAME_RECORD + b"A", "SSC-CMD-007"),
        (b"\x08" + NAME_RECORD[1:], "SSC-CMD-008"),
        (NAME_RECORD[:1] + b"\x1f" + NAME_RECORD[2:], "SSC-CMD-008"),
    ],
)
def test_records_of_another_shape_are_refused(record: bytes, requirement: str) -> None:
    card = card_in(SSSE)
    prove(card, "UKSSSE", 0x04)
    prediction = files.update_record(card, EF06, 2, record)
    assert prediction.requirement == requirement
    assert prediction.outcome(0x9000) is None
    assert prediction.outcome(0x6700) is not None


def test_bytes_are_learnt_one_by_one() -> None:
    card = card_in(SSSE, DF01)
    prove(card, "UK7DF01", 0x8A)
    done(files.read_binary(card, 0x16, 0, 8), data=b"abcdefgh")
    done(files.update_binary(card, 0x16, 4, b"1234"))
    (outcome,) = files.read_binary(card, 0x16, 2, 8).outcomes
    assert outcome.fits(b"cd1234xy")
    assert not outcome.fits(b"cdef34xy")
    assert files.update_binary(card, 0x16, 0x127, b"12").outcome(0x9000) is None


def test_reading_with_the_wrong_command_and_reading_nothing() -> None:
    card = card_in(SSSE, DF01)
    assert words(files.read_binary(card, EF05, 0, 4)) == {0x6981, 0x6982}
    assert words(files.read_record(card, 0x16, 1)) == {0x6981}
    assert words(files.read_record(card, 0x1D, 1)) == {0x6A82}
    assert words(files.read_record(card, 0, 1)) == {0x6986}


def test_a_card_of_3_00_may_show_the_holder_empty_but_never_filled() -> None:
    card = card_in(SSSE)
    prediction = files.read_record(card, EF06, 2)
    shown = prediction.outcome(0x9000)
    assert shown is not None
    assert shown.fits(bytes([0x09, 30]) + bytes(30))
    assert not shown.fits(NAME_RECORD)
