"""The suites of medical purchases, loads and logs: good cards pass under every setting, hostile ones fail cleanly.

Faults inside the card are those of `conformance/faults`; here the card is altered from outside, as no fault of ours does it.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.cases import Level
from conformance.faults import FAULTS
from conformance.suites import (
    account_load,
    cyclic_files,
    purchase,
    purchase_codes,
    purchase_life,
    purchase_order,
    purchase_sums,
    transaction_log,
)
from conformance.targets.in_process import InProcessTarget
from conformance.verdict import Verdict
from emulator import load_card
from profiles.model import Profile
from tests.faults.hunting import OFFLINE, faulty_card
from tests.faults.hunting import product as any_product

from .broken import (
    HOSTILE,
    OK,
    PRODUCTS,
    Alteration,
    Transmit,
    answers,
    assert_good,
    assert_judged,
    assert_left_as_it_was,
    failed,
    is_command,
    product,
    run,
)

SUITES = {
    suite.name: suite
    for suite in (
        purchase.SUITE,
        purchase_order.SUITE,
        purchase_codes.SUITE,
        purchase_sums.SUITE,
        account_load.SUITE,
        transaction_log.SUITE,
        cyclic_files.SUITE,
        purchase_life.SUITE,
    )
}
OPEN = "SSC-PAY-024"
"""UPDATE STARTING DAY, whose bytes are not known."""
INITIALIZE, DEBIT, PROOF, READ_RECORD = 0x28, 0x2C, 0x32, 0xB2


def offline_card() -> InProcessTarget:
    return InProcessTarget(load_card(any_product(OFFLINE)))


def with_settings(name: str, **settings: object) -> Profile:
    profile = any_product(name)
    return profile.model_copy(update={"settings": profile.settings.model_copy(update=settings)})


@pytest.mark.parametrize("seed", [0, 1, 20260101])
@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("suite", [name for name in SUITES if name != account_load.SUITE.name])
def test_good_card_passes(suite: str, name: str, seed: int) -> None:
    assert_good(run(SUITES[suite], name, seed=seed))


@pytest.mark.parametrize("seed", [0, 1, 20260101])
@pytest.mark.parametrize("suite", SUITES)
def test_good_card_of_mode_3_passes(suite: str, seed: int) -> None:
    assert_good(run(SUITES[suite], "ssc2-3des", seed=seed, profile=any_product(OFFLINE), card=offline_card()))


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("ssc2-3des", {"purchase_answer": "zeros"}),
        ("ssc2-3des", {"purchase_logged_number": "after"}),
        ("ssc2-3des", {"purchase_tac": "whole"}),
        ("ssc3-sm4", {"purchase_needs_pin": False}),
        ("ssc3-sm4", {"medical_load": False}),
        ("ssc3-sm4", {"sm4_mac_fold": "left"}),
        (OFFLINE, {"purchase_logged_number": "after", "purchase_answer": "zeros", "purchase_tac": "whole"}),
    ],
)
def test_each_way_of_an_open_point_passes_where_it_is_declared(name: str, settings: dict[str, object]) -> None:
    profile = with_settings(name, **settings)
    for suite in SUITES.values():
        result = run(suite, "ssc2-3des", profile=profile, card=InProcessTarget(load_card(profile)))
        assert result.described(Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.NOT_RUN) == []


@pytest.mark.parametrize(
    ("settings", "requirement"),
    [
        ({"purchase_answer": "zeros"}, "SSC-PAY-003"),
        ({"purchase_logged_number": "after"}, "SSC-LOG-001"),
        ({"purchase_tac": "whole"}, "SSC-PAY-019"),
    ],
)
def test_another_way_than_the_declared_one_is_found(settings: dict[str, object], requirement: str) -> None:
    found: set[str | None] = set()
    for suite in SUITES.values():
        card = InProcessTarget(load_card(with_settings("ssc2-3des", **settings)))
        found |= run(suite, "ssc2-3des", card=card).failed
    assert requirement in found


@pytest.mark.slow
def test_every_requirement_but_the_one_without_bytes_is_judged() -> None:
    judged: set[str | None] = set()
    for suite in SUITES.values():
        judged |= run(suite, "ssc2-3des").judged
        judged |= run(suite, "ssc2-3des", profile=any_product(OFFLINE), card=offline_card()).judged
    numbers = [f"SSC-PAY-{number:03}" for number in range(1, 30)] + [f"SSC-LOG-{number:03}" for number in range(1, 10)]
    assert judged == set(numbers) - {OPEN}


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("suite", SUITES)
def test_hostile_card_fails_cleanly(suite: str, hostile: str) -> None:
    profile = any_product(OFFLINE)
    assert_judged(run(SUITES[suite], "ssc2-3des", HOSTILE[hostile](), profile=profile, card=offline_card()))


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("suite", [name for name in SUITES if name != account_load.SUITE.name])
def test_card_that_must_survive_is_left_as_it_was(suite: str, name: str) -> None:
    assert_left_as_it_was(SUITES[suite], name)


def test_a_full_cyclic_file_is_put_back_on_a_card_in_a_reader() -> None:
    card = InProcessTarget(load_card(product("ssc2-3des")))
    cell = "file:DF04/EF15"
    records = tuple(bytes([0, number]) + b"1" for number in range(8, 0, -1))
    card.card.memory.commit({cell: records})
    result = run(cyclic_files.SUITE, "ssc2-3des", only="LOG/append-DF04-EF15", kept=True, destructive=False, card=card)
    assert set(result.verdicts.values()) == {Verdict.PASS}
    assert card.card.memory.cells[cell] == records


def test_the_highest_number_is_counted_to_at_level_official_only() -> None:
    only = "PAY/last-number"
    assert set(run(purchase_order.SUITE, "ssc2-3des", only=only).verdicts.values()) == {Verdict.NOT_APPLICABLE}
    near = run(
        purchase_order.SUITE,
        "ssc2-3des",
        only=only,
        level=Level.STANDARD,
        profile=any_product(OFFLINE),
        card=offline_card(),
    )
    assert set(near.verdicts.values()) == {Verdict.PASS}


class OneDebit(Alteration):
    """A card that answers every later DEBIT as the first one."""

    def __init__(self) -> None:
        self._first: bytes | None = None

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if is_command(command, ins=DEBIT) and answer.endswith(OK):
            self._first = self._first or answer
            return self._first
        return answer


def _word(ins: int, before: int, after: int) -> Callable[[], Alteration]:
    old, new = before.to_bytes(2, "big"), after.to_bytes(2, "big")
    return lambda: answers(lambda command, answer: new if is_command(command, ins=ins) and answer == old else answer)


def _short(ins: int) -> Callable[[], Alteration]:
    return lambda: answers(
        lambda command, answer: answer[:-3] + OK if is_command(command, ins=ins) and len(answer) > 3 else answer
    )


@pytest.mark.parametrize(
    ("suite", "alteration", "requirements"),
    [
        (purchase, _short(INITIALIZE), {"SSC-PAY-001"}),
        (purchase, _word(INITIALIZE, 0x9403, 0x6A88), {"SSC-PAY-004"}),
        (purchase, _word(INITIALIZE, 0x6982, 0x6985), {"SSC-PAY-005"}),
        (purchase, _word(INITIALIZE, 0x6985, 0x9403), {"SSC-PAY-006"}),
        (purchase_order, _word(DEBIT, 0x6901, 0x6985), {"SSC-PAY-007", "SSC-PAY-008"}),
        (purchase_codes, _word(DEBIT, 0x9302, 0x6988), {"SSC-PAY-009", "SSC-PAY-010", "SSC-PAY-011", "SSC-PAY-012"}),
        (purchase_codes, OneDebit, {"SSC-PAY-017"}),
        (purchase_codes, _short(DEBIT), {"SSC-PAY-020"}),
        (purchase_sums, _word(PROOF, 0x9406, 0x9000), {"SSC-PAY-025"}),
        (transaction_log, _short(READ_RECORD), {"SSC-LOG-001"}),
    ],
)
def test_each_way_to_be_wrong_breaks_its_requirement(
    suite: object, alteration: Callable[[], Alteration], requirements: set[str]
) -> None:
    assert failed(suite.SUITE, "ssc2-3des", alteration()) >= requirements


FOUND_BY_SEQUENCES = (
    "pay.counts-at-initialize",
    "pay.any-index",
    "pay.without-pin",
    "pay.anywhere",
    "pay.second-try",
    "pay.replayed",
    "pay.not-interrupted",
    "pay.fund-not-added",
    "pay.sum-wraps",
    "pay.balance-counts",
    "pay.year-unnoticed",
    "pay.left-serial-bytes",
    "pay.first-key-always",
    "pay.mac1-half-compared",
    "pay.wrong-mac1-logged",
    "pay.mac2-is-mac1",
    "pay.tac-without-serial",
    "pay.short-time",
    "pay.newest-last",
    "pay.zero-not-logged",
    "pay.log-afterwards",
    "pay.proof-in-ram",
    "load.mac2-unchecked",
    "load.replayed",
    "load.overdrawn",
)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FOUND_BY_SEQUENCES)
def test_sequences_alone_find_a_fault(fault: str) -> None:
    name = OFFLINE if fault.startswith("load.") else "ssc2-3des"
    card = InProcessTarget(faulty_card(name, FAULTS[fault]))
    found = run(purchase_life.SUITE, "ssc2-3des", profile=any_product(name), card=card).failed
    assert not found.isdisjoint(FAULTS[fault].requirements)
