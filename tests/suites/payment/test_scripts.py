"""The suites of issuer scripts: each way to be wrong fails the requirement that it breaks, and what other vendors declare."""

from __future__ import annotations

import pytest

from conformance.cases import Suite
from conformance.faults import FAULTS
from conformance.suites.payment import (
    contactless_limits,
    e_cash_choice,
    script_blocking,
    script_data,
    script_limits,
    script_pins,
    script_records,
    scripts,
    transaction_log,
)
from conformance.targets.in_process import InProcessTarget
from conformance.verdict import Verdict
from emulator import load_card
from tests.suites.broken import Alteration, Tear, assert_good, failed, good_card, run

from .altered import run_declared, without_e_cash
from .cards import failed_by, flags_left

SUITES = (
    scripts.SUITE,
    script_blocking.SUITE,
    script_pins.SUITE,
    script_data.SUITE,
    script_records.SUITE,
    script_limits.SUITE,
)
EACH = pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
SPECIAL = {"payment": {"settings": {"special_device": True}}}
DUAL = {"9F73": "10000010", "9F75": "000000100000", "9F76": "0840"}
"""Data of the check in two currencies, which no product has."""


@EACH
def test_no_flag_is_left_on_a_card_that_must_survive(suite: Suite) -> None:
    assert flags_left(suite, "debit") == set()


@pytest.mark.parametrize(
    ("suite", "fault", "requirements"),
    [
        (scripts, "scr.mac-without-header", {"PAY-SCR-011"}),
        (scripts, "scr.mac-without-counter", {"PAY-SCR-011"}),
        (scripts, "scr.mac-without-cryptogram", {"PAY-SCR-011"}),
        (scripts, "scr.mac-without-data", {"PAY-SCR-011"}),
        (scripts, "scr.length-without-mac", {"PAY-SCR-010"}),
        (scripts, "scr.replay-accepted", {"PAY-SCR-009"}),
        (scripts, "scr.goes-on-after-wrong-mac", {"PAY-SCR-003"}),
        (scripts, "scr.refused-early", {"PAY-SCR-005"}),
        (scripts, "scr.needs-authentication", {"PAY-SCR-005", "PAY-SCR-006"}),
        (scripts, "scr.taken-after-failure", {"PAY-SCR-007"}),
        (scripts, "scr.not-counted", {"PAY-SCR-008"}),
        (scripts, "scr.counter-overflows", {"PAY-SCR-008"}),
        (scripts, "scr.counted-early", {"PAY-SCR-005"}),
        (scripts, "scr.flag-not-set", {"PAY-SCR-004"}),
        (scripts, "scr.flag-for-any-failure", {"PAY-SCR-032"}),
        (scripts, "scr.torn", {"PAY-SCR-031"}),
        (script_blocking, "scr.blocks-at-once", {"PAY-SCR-012"}),
        (script_blocking, "scr.block-once", {"PAY-SCR-013"}),
        (script_blocking, "scr.unblock-without-effect", {"PAY-SCR-014"}),
        (script_blocking, "scr.unblock-any-mac", {"PAY-SCR-016"}),
        (script_blocking, "scr.card-block-one-application", {"PAY-SCR-017"}),
        (script_blocking, "scr.card-block-reversible", {"PAY-SCR-017"}),
        (script_pins, "scr.pin-tries-stay", {"PAY-SCR-018"}),
        (script_pins, "scr.pin-change-keeps-tries", {"PAY-SCR-019"}),
        (script_pins, "scr.current-pin-ignored", {"PAY-SCR-020"}),
        (script_pins, "scr.pin-padding-unchecked", {"PAY-SCR-021"}),
        (script_limits, "scr.limits-not-stored", {"PAY-SCR-022"}),
        (script_data, "scr.put-any-tag", {"PAY-SCR-023"}),
        (script_data, "scr.put-any-length", {"PAY-SCR-024"}),
        (script_data, "scr.e-cash-limits-not-stored", {"PAY-SCR-025"}),
        (script_data, "scr.load-above-limit", {"PAY-SCR-025", "PAY-SCR-027"}),
        (contactless_limits, "scr.card-limit-not-stored", {"PAY-SCR-026", "PAY-DUA-012"}),
        (script_records, "scr.update-appends", {"PAY-SCR-029"}),
        (script_records, "scr.update-anywhere", {"PAY-SCR-030"}),
    ],
)
def test_a_fault_fails_what_it_breaks(suite: object, fault: str, requirements: set[str]) -> None:
    assert failed_by((suite.SUITE,), FAULTS[fault]) == requirements


@pytest.mark.parametrize(
    ("suite", "fault", "requirement"),
    [
        (scripts, "scr.mac-not-checked", "PAY-SCR-002"),
        (scripts, "scr.wrong-counter", "PAY-SCR-001"),
        (script_blocking, "scr.unblock-needs-completion", "PAY-SCR-015"),
        (script_records, "scr.update-next-record", "PAY-SCR-028"),
    ],
)
def test_a_fault_of_everything_is_found(suite: object, fault: str, requirement: str) -> None:
    assert requirement in failed_by((suite.SUITE,), FAULTS[fault])


def test_a_card_that_may_be_given_up_is_opened_again() -> None:
    """Blocked applications and used-up PINs are given back, but for CARD BLOCK, which is final."""
    target = good_card("debit")
    before = dict(target.card.memory.cells)
    for suite, only in (
        (script_blocking, ("PAY-SCR/block", "PAY-SCR/unblock")),
        (script_pins, ("PAY-SCR/pin-unblock",)),
        (transaction_log, ("PAY-LOG/blocked",)),
        (e_cash_choice, ("PAY-ECC/without-tries",)),
    ):
        result = run(suite.SUITE, "debit", only=only, kept=True, card=target)
        assert result.described(Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.NOT_RUN) == []
        after = target.card.memory.cells
        assert {cell for cell in ("directory:DEBIT", "tries:DEBIT/DEBITPIN") if before[cell] != after[cell]} == set()


# Cards of other vendors


def test_limits_in_two_currencies() -> None:
    result = run_declared(script_limits.SUITE, data=DUAL)
    assert_good(result)
    assert {"PAY-SCR/put-9F73/BV", "PAY-SCR/put-9F75/BV"} <= result.verdicts.keys()


@pytest.mark.parametrize("tag", ["9F53", "9F54", "9F58", "9F59", "9F5C", "9F72", "9F73", "9F75"])
def test_each_limit_that_is_not_stored_is_found(tag: str) -> None:
    """The card answers 9000 and keeps a value that leaves all room, so that nothing happens at the new limit."""

    class Forgetful(Alteration):
        def transmit(self, command: bytes, card) -> bytes:
            if command[:4].hex().upper() == f"04DA{tag}":
                return b"\x90\x00"
            return card(command)

    declared = {**DUAL, **dict.fromkeys(("9F53", "9F58", "9F59", "9F72"), "FF"), "9F73": "00000001"}
    declared.update(dict.fromkeys(("9F54", "9F5C", "9F75"), "099999999999"))
    result = run_declared(script_limits.SUITE, f"PAY-SCR/put-{tag}", alteration=Forgetful(), data=declared)
    assert result.failed == {"PAY-SCR-022"}


def test_a_special_device_reads_the_values_back() -> None:
    for suite in (scripts.SUITE, script_data.SUITE, script_limits.SUITE):
        assert_good(run_declared(suite, **SPECIAL))


def test_a_card_without_e_cash_and_readable_values() -> None:
    """Scripts are judged by their answers then; where a value must be seen there is nothing to judge."""
    declared = without_e_cash()
    target = InProcessTarget(load_card(declared))
    bare = run(scripts.SUITE, "debit", profile=declared, card=target)
    assert bare.described(Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR) == []
    assert bare.verdicts["PAY-SCR/right-mac/BV"] is Verdict.PASS
    assert bare.verdicts["PAY-SCR/torn/BV"] is Verdict.NOT_APPLICABLE
    assert "PAY-SCR/put-e-cash/BV" not in run(script_data.SUITE, "debit", profile=declared, card=target).verdicts


@pytest.mark.parametrize(
    ("setting", "value", "case"),
    [
        ("put_data_unknown_tag_answer", "6A81", "PAY-SCR/put-fixed"),
        ("put_data_limit_answer", "6985", "PAY-SCR/load-above-limit"),
    ],
)
def test_open_points_are_judged_by_the_declaration(setting: str, value: str, case: str) -> None:
    """A card that answers as declared passes; one that answers as others do fails."""
    assert_good(run_declared(script_data.SUITE, case, payment={"settings": {setting: value}}))
    other = run_declared(script_data.SUITE, case, answering="debit", payment={"settings": {setting: value}})
    assert other.failed


def test_a_wrong_current_pin_that_counts() -> None:
    settings = {"settings": {"wrong_current_pin_counts": True}}
    assert_good(run_declared(script_pins.SUITE, "PAY-SCR/pin-change-malformed", payment=settings))
    other = run_declared(script_pins.SUITE, "PAY-SCR/pin-change-malformed", answering="debit", payment=settings)
    assert other.failed == {"PAY-SCR-021"}


# Loss of power


class HalfWritten(Alteration):
    """A card whose value is spoilt when the supply is cut in the middle of the command."""

    def __init__(self, ins: int, get: bytes, spoilt: bytes) -> None:
        self._ins, self._get, self._spoilt = ins, get, spoilt
        self._torn = False

    def reset(self, atr: bytes) -> bytes:
        return atr

    def tear(self, command: bytes, write: int, card: Tear) -> bytes | None:
        answer = card(command, write)
        self._torn = answer is None and command[1] == self._ins
        return answer

    def transmit(self, command: bytes, card) -> bytes:
        answer = card(command)
        return self._spoilt if self._torn and command.startswith(self._get) else answer


@pytest.mark.parametrize(
    ("suite", "case", "ins", "get", "spoilt"),
    [
        (script_blocking, "PAY-SCR/torn-block", 0x1E, "00A40400", "6F00"),
        (script_pins, "PAY-SCR/torn-pin-change", 0x24, "00200080", "63C2"),
        (script_records, "PAY-SCR/torn-update", 0xDC, "00B2010C", "70009000"),
        (scripts, "PAY-SCR/torn", 0xDA, "80CA9F6D", "9F6D060000000000009000"),
    ],
)
def test_a_torn_script_that_spoils_the_card(suite: object, case: str, ins: int, get: str, spoilt: str) -> None:
    broken = HalfWritten(ins, bytes.fromhex(get), bytes.fromhex(spoilt))
    assert failed(suite.SUITE, "debit", broken, only=case) == {"PAY-SCR-031"}
