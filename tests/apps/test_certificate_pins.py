"""PINs of the certificate application through commands; the other side is another library."""

from __future__ import annotations

import pytest

from tests.apps.certificates import (
    ADMINISTRATOR_PIN,
    PROFILE,
    USER_PIN,
    Terminal,
    block,
    changed,
    mac,
    pin_key,
    sm4,
    tries,
)


def test_user_pin_over_challenges_of_both_lengths(terminal: Terminal) -> None:
    assert terminal.verify() == "9000"
    challenge = terminal.challenge(8)
    assert terminal.send(f"0020018110{sm4(pin_key(USER_PIN), challenge).hex()}") == "9000"


def test_hash_command_gives_the_published_key_of_a_pin(terminal: Terminal) -> None:
    # The card of the log answered these bytes (EVO)
    published = "3DE741F445DD357BEA4E6C3FE6437036F62B5E3EC0F00D62796EDB4305ED627F"
    assert terminal.send("80C4010305C10312345600") == published + "9000"
    published = "4D59306C7397E06DE3CD82A14A926FBAFED44352AD3EF88A06F5CBE600AF3DCF"
    assert terminal.send("80C4010306C1041234567800") == published + "9000"


def test_a_challenge_serves_once(terminal: Terminal) -> None:
    proof = sm4(pin_key(USER_PIN), terminal.challenge()).hex()
    assert terminal.send("0020018110" + proof) == "9000"
    assert terminal.send("0020018110" + proof) == "6984"


@pytest.mark.parametrize(("reference", "path"), [("81", "CERT/USERPIN"), ("00", "PKI/ADMINPIN")])
def test_wrong_pins_count_down_and_block(terminal: Terminal, reference: str, path: str) -> None:
    limit = PROFILE.settings.pin_try_limit
    for left in range(limit - 1, -1, -1):
        assert terminal.verify("999999", reference) == f"63C{left:X}"
    right = USER_PIN if reference == "81" else ADMINISTRATOR_PIN
    assert terminal.verify(right, reference) == "6983"
    assert terminal.change(right, "654321", reference) == "6983"
    assert tries(terminal, path) == 0


def test_a_right_pin_gives_all_tries_back(terminal: Terminal) -> None:
    assert terminal.verify("999999") == "63C5"
    assert terminal.verify() == "9000"
    assert terminal.verify("999999") == "63C5"


def test_pins_have_counters_and_rights_of_their_own(terminal: Terminal) -> None:
    assert terminal.verify("999999") == "63C5"
    assert terminal.verify(ADMINISTRATOR_PIN, "00") == "9000"
    assert tries(terminal, "CERT/USERPIN") == 5
    assert terminal.send("8040000008C0020012C2020013") == "6982"
    assert tries(terminal, "SSSE/PIN") == PROFILE.settings.pin_try_limit


def test_change_of_both_pins(terminal: Terminal) -> None:
    assert terminal.change(USER_PIN, "87654321") == "9000"
    assert terminal.verify(USER_PIN) == "63C5"
    assert terminal.verify("87654321") == "9000"
    assert terminal.change(ADMINISTRATOR_PIN, "72923074", "00") == "9000"
    assert terminal.verify("72923074", "00") == "9000"


def test_change_with_a_wrong_old_pin_costs_a_try(terminal: Terminal) -> None:
    assert terminal.change("999999", "654321") == "63C5"
    assert terminal.verify() == "9000"
    other = changed(pin_change_failure="6988")
    assert other.change("999999", "654321") == "6988"
    assert tries(other, "CERT/USERPIN") == 5
    assert other.change("999999", "72923074", "00") == "6988"
    assert tries(other, "PKI/ADMINPIN") == 5


@pytest.mark.parametrize(
    "content", [b"\x12", b"\x12" * 9, b"\xab\xcd\xef", b""], ids=["short", "long", "letters", "empty"]
)
def test_change_to_what_is_no_pin_costs_nothing(terminal: Terminal, content: bytes) -> None:
    key = pin_key(USER_PIN)
    covered = bytes.fromhex("845E018114") + sm4(key, block(content))
    command = covered + mac(key, terminal.challenge(), covered)
    assert terminal.send(command.hex()) == "6A80"
    assert terminal.verify() == "9000"
    assert tries(terminal, "CERT/USERPIN") == 6


def test_administrator_sets_a_blocked_user_pin_anew(terminal: Terminal) -> None:
    for _ in range(6):
        terminal.verify("999999")
    assert terminal.change(ADMINISTRATOR_PIN, "654321", header="842401") == "6982"
    assert terminal.verify(ADMINISTRATOR_PIN, "00") == "9000"
    assert terminal.change("999999", "654321", header="842401") == "6988"
    assert terminal.change(ADMINISTRATOR_PIN, "654321", header="842401") == "9000"
    assert terminal.verify("654321") == "9000"
    assert changed(pin_reload="none").change(ADMINISTRATOR_PIN, "654321", header="842401") == "6D00"
