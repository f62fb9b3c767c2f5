"""The suites of both logs: each way to be wrong fails the requirement that it breaks, and what other vendors declare."""

from __future__ import annotations

import pytest

from conformance.cases import Suite
from conformance.faults import FAULTS
from conformance.suites.payment import load_log, transaction_log
from conformance.verdict import Verdict
from tests.suites.broken import OK, assert_good, failed, is_command
from tests.suites.broken import answers as answered

from .altered import run_declared
from .cards import failed_by, flags_left

SUITES = (transaction_log.SUITE, load_log.SUITE)
EACH = pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
TRANSACTIONS, LOADS = 0x5C, 0x64
"""P2 of READ RECORD on the logs."""


@EACH
def test_no_flag_is_left_on_a_card_that_must_survive(suite: Suite) -> None:
    assert flags_left(suite, "debit") == set()


@pytest.mark.parametrize(
    ("suite", "fault", "requirements"),
    [
        (transaction_log, "log.declined-logged", {"PAY-LOG-002"}),
        (transaction_log, "log.stops-when-full", {"PAY-LOG-006"}),
        (transaction_log, "log.date-lost", {"PAY-LOG-004", "PAY-LOG-005", "PAY-LOG-006"}),
        (transaction_log, "log.blocked-unreadable", {"PAY-LOG-009"}),
        (transaction_log, "log.writable", {"PAY-LOG-010"}),
        (transaction_log, "log.late", {"PAY-LOG-011"}),
        (load_log, "log.failed-load-logged", {"PAY-LOG-013"}),
        (load_log, "log.any-put-logged", {"PAY-LOG-014"}),
        (load_log, "log.load-log-short", {"PAY-LOG-015", "PAY-LOG-018"}),
        (load_log, "log.load-not-atomic", {"PAY-SCR-031"}),
        (load_log, "log.whole-mac-over-records", {"PAY-LOG-016", "PAY-LOG-017", "PAY-LOG-018"}),
        (load_log, "log.whole-empty-refused", {"PAY-LOG-017"}),
        (load_log, "log.whole-oldest", {"PAY-LOG-016", "PAY-LOG-018"}),
    ],
)
def test_a_fault_fails_what_it_breaks(suite: object, fault: str, requirements: set[str]) -> None:
    assert failed_by((suite.SUITE,), FAULTS[fault]) == requirements


@pytest.mark.parametrize(
    ("suite", "fault", "requirement"),
    [
        (transaction_log, "log.requests-logged", "PAY-LOG-002"),
        (transaction_log, "log.twice", "PAY-LOG-001"),
        (transaction_log, "log.offline-missing", "PAY-LOG-001"),
        (transaction_log, "log.online-missing", "PAY-LOG-003"),
        (transaction_log, "log.oldest-first", "PAY-LOG-004"),
        (transaction_log, "log.template", "PAY-LOG-005"),
        (transaction_log, "log.template", "PAY-LOG-007"),
        (transaction_log, "log.empty-shown", "PAY-LOG-008"),
        (load_log, "log.load-missing", "PAY-LOG-012"),
        (load_log, "scr.mac-not-checked", "PAY-LOG-013"),
    ],
)
def test_a_fault_with_consequences_is_found(suite: object, fault: str, requirement: str) -> None:
    assert requirement in failed_by((suite.SUITE,), FAULTS[fault])


def test_loads_that_push_out_transactions_are_found() -> None:
    """One file for both: what PUT DATA writes is read as the newest transaction."""
    loads = 0

    def shared(command: bytes, answer: bytes) -> bytes:
        nonlocal loads
        if is_command(command, ins=0xDA, p1=0x9F, p2=0x79) and answer == OK:
            loads += 1
        if loads and is_command(command, ins=0xB2, p1=0x01, p2=TRANSACTIONS):
            return bytes(45) + OK
        return answer

    assert "PAY-LOG-015" in failed(load_log.SUITE, "debit", answered(shared), only="PAY-LOG/independent")


@pytest.mark.parametrize("order", ["newest first", "oldest first"])
def test_the_order_of_the_whole_log_is_judged_by_the_declaration(order: str) -> None:
    settings = {"settings": {"full_load_log_order": order}}
    only = ("PAY-LOG/whole/", "PAY-LOG/independent")
    assert_good(run_declared(load_log.SUITE, only, payment=settings))
    other = run_declared(load_log.SUITE, only, payment=settings, answering="debit")
    assert other.failed == (set() if order == "newest first" else {"PAY-LOG-016", "PAY-LOG-018"})


def test_a_log_format_without_counter_and_amount() -> None:
    """What cannot be told from the records is not judged."""
    result = run_declared(transaction_log.SUITE, data={"9F4F": "9A03 9F2103 9F1A02"})
    assert result.described(Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR) == []
    assert result.verdicts["PAY-LOG/torn-offline/BV"] is Verdict.NOT_APPLICABLE
    assert result.verdicts["PAY-LOG/offline/BV"] is Verdict.PASS
    assert_good(run_declared(load_log.SUITE, data={"9F4F": "9A03 9F2103 9F1A02"}))


def test_a_load_log_format_without_date_and_counter() -> None:
    assert_good(run_declared(load_log.SUITE, data={"DF4F": "9F1A02 9F4E14"}))


def test_a_card_without_totals_and_last_online_counter() -> None:
    result = run_declared(
        transaction_log.SUITE,
        ("PAY-LOG/torn", "PAY-LOG/offline"),
        data={"9F54": None},
        payment={"settings": {"last_online_atc_readable": False}},
    )
    assert result.verdicts["PAY-LOG/torn-offline/BV"] is Verdict.NOT_APPLICABLE
    assert result.verdicts["PAY-LOG/torn-online/BV"] is Verdict.NOT_APPLICABLE
    assert result.verdicts["PAY-LOG/offline/BV"] is Verdict.PASS
