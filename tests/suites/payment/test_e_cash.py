"""The suites of e-cash: each way to be wrong fails the requirement that it breaks, and what other vendors declare."""

from __future__ import annotations

import pytest

from conformance.cases import Suite
from conformance.faults import FAULTS
from conformance.suites.payment import contactless_limits, e_cash, e_cash_choice, invariants, second_currency
from conformance.verdict import Verdict
from tests.suites.broken import OK, assert_good, failed, is_command, run
from tests.suites.broken import answers as answered

from .altered import run_declared
from .cards import failed_by, flags_left

SUITES = (e_cash_choice.SUITE, e_cash.SUITE, second_currency.SUITE, contactless_limits.SUITE)
EACH = pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
LONG_PDOL = "9F7A01 9F0206 5F2A02 9F3704 9505"
"""It shares with CDOL1 two objects that may differ."""
SPECIAL = {"settings": {"special_device": True}}


@EACH
def test_no_flag_is_left_on_a_card_that_must_survive(suite: Suite) -> None:
    assert flags_left(suite, "debit") == set()


@pytest.mark.parametrize(
    ("suite", "fault", "requirements"),
    [
        (e_cash_choice, "ecc.always", {"PAY-ECC-002"}),
        (e_cash_choice, "ecc.any-currency", {"PAY-ECC-003"}),
        (e_cash_choice, "ecc.single-limit-ignored", {"PAY-ECC-005"}),
        (e_cash_choice, "ecc.after-failed-authentication", {"PAY-ECC-006"}),
        (e_cash_choice, "ecc.after-failed-script", {"PAY-ECC-007"}),
        (e_cash_choice, "ecc.without-tries", {"PAY-ECC-008"}),
        (e_cash_choice, "ecc.code-otherwise", {"PAY-ECC-009"}),
        (e_cash_choice, "oda.tag-list", {"PAY-ECC-022"}),
        (e_cash, "ecc.declined-debited", {"PAY-ECC-012", "PAY-ECC-014"}),
        (e_cash, "ecc.request-debited", {"PAY-ECC-013"}),
        (e_cash, "ecc.not-logged", {"PAY-ECC-019", "PAY-ECC-020"}),
        (e_cash, "ecc.balance-before-debit", {"PAY-ECC-011"}),
        (e_cash, "ecc.changed-values-accepted", {"PAY-ECC-014"}),
        (e_cash, "ecc.results-must-be-zero", {"PAY-ECC-015"}),
        (e_cash, "ecc.failures-hidden", {"PAY-ECC-017"}),
        (e_cash, "ecc.counted-as-credit", {"PAY-ECC-018"}),
        (e_cash, "log.late", {"PAY-ECC-020"}),
        (second_currency, "dua.single-limit-of-first", {"PAY-DUA-001", "PAY-DUA-008"}),
        (second_currency, "dua.first-balance-reported", {"PAY-DUA-007"}),
        (second_currency, "dua.first-balance-debited", {"PAY-DUA-006"}),
        (second_currency, "dua.put-both", {"PAY-DUA-008"}),
        (second_currency, "dua.logged-as-first", {"PAY-DUA-009"}),
        (contactless_limits, "dua.verification-limit-of-first", {"PAY-DUA-012"}),
    ],
)
def test_a_fault_fails_what_it_breaks(suite: object, fault: str, requirements: set[str]) -> None:
    assert failed_by((suite.SUITE,), FAULTS[fault]) == requirements


@pytest.mark.parametrize(
    ("suite", "fault", "requirement"),
    [
        (e_cash_choice, "ecc.never", "PAY-ECC-001"),
        (e_cash_choice, "ecc.less-than-balance", "PAY-ECC-004"),
        (e_cash_choice, "ecc.online-pin-first", "PAY-ECC-021"),
        (e_cash, "ecc.debited-twice", "PAY-ECC-010"),
        (e_cash, "ecc.online-after-incomplete", "PAY-ECC-016"),
        (second_currency, "ecc.any-currency", "PAY-DUA-002"),
        (second_currency, "dua.balance-not-mapped", "PAY-DUA-003"),
        (second_currency, "dua.threshold-not-mapped", "PAY-DUA-004"),
        (second_currency, "dua.mapping-stays", "PAY-DUA-005"),
    ],
)
def test_a_fault_with_consequences_is_found(suite: object, fault: str, requirement: str) -> None:
    assert requirement in failed_by((suite.SUITE,), FAULTS[fault])


# Cards of other vendors


def test_values_that_may_differ() -> None:
    """No product has a PDOL that shares such an object with CDOL1; another vendor's card may."""
    assert_good(run_declared(e_cash.SUITE, data={"9F38": LONG_PDOL}))


def test_values_that_may_differ_and_are_held_equal() -> None:
    """The card declines when it sees another unpredictable number than at the initiation."""
    given = b""

    def strict(command: bytes, answer: bytes) -> bytes:
        nonlocal given
        if is_command(command, ins=0xA8):
            given = command[7:][9:13]
        if is_command(command, ins=0xAE, p1=0x40) and given not in command:
            cid = answer.index(b"\x80") + 2
            return answer[:cid] + b"\x00" + answer[cid + 1 :]
        return answer

    result = run_declared(e_cash.SUITE, "PAY-ECC/free-value", alteration=answered(strict), data={"9F38": LONG_PDOL})
    assert result.failed == {"PAY-ECC-015"}


def test_a_balance_above_the_single_limit() -> None:
    """The balance as bound needs a balance below the single limit, which a load brings about."""
    data = {"9F79": "000000050000", "9F78": "000000005000"}
    assert_good(run_declared(e_cash_choice.SUITE, "PAY-ECC/balance-bound", data=data))
    faulty = run_declared(e_cash_choice.SUITE, "PAY-ECC/balance-bound", fault="ecc.less-than-balance", data=data)
    assert faulty.failed == {"PAY-ECC-004"}


def test_an_empty_card_is_loaded_first() -> None:
    for suite in (*SUITES, invariants.SUITE):
        result = run_declared(suite, data={"9F79": "000000000000", "DF79": "000000000000"})
        assert result.described(Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR) == []


@pytest.mark.parametrize("identifier", ["02", "03", "04"])
def test_forbidden_discretionary_data_are_found(identifier: str) -> None:
    """A card of two currencies whose 9F10 names another identifier."""

    def other(command: bytes, answer: bytes) -> bytes:
        place = answer.find(b"\x0a\x01")
        if not is_command(command, ins=0xAE) or place < 0:
            return answer
        return answer[: place + 1] + bytes.fromhex(identifier) + answer[place + 2 :]

    assert "PAY-DUA-011" in failed(second_currency.SUITE, "debit", answered(other), only="PAY-DUA/discretionary")


def test_limits_that_a_special_device_reads() -> None:
    """9F77 and 9F78 are seen as those of the second currency, too."""
    assert_good(run_declared(second_currency.SUITE, payment=SPECIAL))
    faulty = run_declared(second_currency.SUITE, "PAY-DUA/mapped", fault="dua.threshold-not-mapped", payment=SPECIAL)
    assert faulty.failed == {"PAY-DUA-004"}


@pytest.mark.parametrize("processing", ["4110D000", "2110D000"])
def test_a_card_that_must_switch_the_second_currency_off(processing: str) -> None:
    """No product chooses a check with CTTA; a card that uses the second currency all the same is found."""
    data = {"9F68": processing, "9F54": "000000100000"}
    assert_good(run_declared(contactless_limits.SUITE, "PAY-DUA/switched-off", data=data))
    using = run_declared(contactless_limits.SUITE, "PAY-DUA/switched-off", data=data, answering="debit")
    assert using.failed == {"PAY-DUA-010"}
    assert run(contactless_limits.SUITE, "debit", only="PAY-DUA/switched-off").outcomes == []


def test_the_verification_limit_that_a_special_device_reads() -> None:
    assert_good(run_declared(contactless_limits.SUITE, payment=SPECIAL))
    faulty = run_declared(
        contactless_limits.SUITE,
        "PAY-DUA/verification-limit",
        alteration=answered(lambda c, a: a[:3] + bytes(6) + OK if c[1:4] == b"\xca\x9f\x6b" and a[-2:] == OK else a),
        payment=SPECIAL,
    )
    assert faulty.failed == {"PAY-DUA-012"}


def test_a_card_of_one_currency_has_nothing_to_judge() -> None:
    gone = dict.fromkeys(("DF71", "DF79", "DF77", "DF78", "DF76", "DF72"))
    assert run_declared(second_currency.SUITE, data=gone).outcomes == []
    assert_good(run_declared(e_cash.SUITE, data=gone))
    assert_good(run_declared(e_cash_choice.SUITE, data=gone))
