"""Suites over data authentication, keys and SM algorithms: what a report says of a fault, and cards that no product is."""

import pytest

from conformance.bench import NoRedaction
from conformance.engine import Engine, Plan
from conformance.events import CaseFinished, to_line
from conformance.faults import with_fault
from conformance.suites import all_suites
from conformance.targets.in_process import InProcessTarget
from conformance.verdict import Verdict
from emulator import load_card
from profiles import load
from tests.payment.terminal import Terminal, profile

SUITES = all_suites()


def run(of, only, fault=None):
    """Outcomes of the cases that begin so, by identifier."""
    card = load_card(of)
    target = InProcessTarget(with_fault(card, fault) if fault else card)
    log = []
    engine = Engine(Plan(profile=of, only=(only,)), target, SUITES, log.append, NoRedaction())
    assert list(engine.run())
    assert engine.trouble is None
    return {event.case: event for event in log if isinstance(event, CaseFinished)}


@pytest.mark.parametrize(
    ("product", "fault", "case", "requirement", "told"),
    [
        ("debit", "key.stale-session", "PAY-KEY/cryptogram/BV", "PAY-KEY-003", "that of the former counter"),
        ("debit-sm", "key.stale-session", "PAY-SMA/cryptogram/BV", "PAY-SMA-012", "that of the former counter"),
        ("debit", "key.no-session", "PAY-KEY/cryptogram/BV", "PAY-KEY-003", "the card key itself is used"),
        ("debit", "key.results-without-length", "PAY-KEY/cryptogram/BV", "PAY-KEY-009", "without their length 03"),
        ("debit", "key.sequence-ignored", "PAY-KEY/cryptogram/BV", "PAY-KEY-001", "without the sequence number"),
        ("debit-sm", "key.sequence-ignored", "PAY-SMA/cryptogram/BV", "PAY-KEY-001", "without the sequence number"),
        ("debit-sm", "sma.long-session", "PAY-SMA/cryptogram/BV", "PAY-SMA-012", "14 zero bytes"),
        ("debit-sm", "sma.folded-cryptogram", "PAY-SMA/cryptogram/BV", "PAY-SMA-013", "halves are combined"),
        ("debit-dual", "sma.mixed-sets", "PAY-SMA/cryptogram/BV", "PAY-SMA-011", "made with the keys of 3DES"),
        ("debit-dual", "sma.mixed-sets", "PAY-KEY/cryptogram/BV", "PAY-KEY-001", "made with the keys of SM4"),
    ],
)
def test_a_wrong_cryptogram_is_explained_by_the_misreading_that_gives_it(product, fault, case, requirement, told):
    finished = run(load(product), case, fault)[case]
    assert (finished.verdict, finished.requirement) == (Verdict.FAIL.value, requirement)
    assert told in finished.reason["en"]


def test_a_cryptogram_that_no_misreading_gives_is_told_so():
    of = profile("debit")
    other = of.model_copy(update={"test_keys": of.test_keys.model_copy(update={"value": {"DEBITAC.1": "01" * 16}})})
    log = []
    engine = Engine(
        Plan(profile=of, only=("PAY-KEY/cryptogram",)),
        InProcessTarget(load_card(other)),
        SUITES,
        log.append,
        NoRedaction(),
    )
    assert [outcome.verdict for outcome in engine.run()] == [Verdict.FAIL]
    (finished,) = [event for event in log if isinstance(event, CaseFinished)]
    assert finished.requirement == "PAY-KEY-004"
    assert "no known misreading" in finished.reason["en"]


def without_combined():
    """A card whose AIP announces SDA and DDA alone."""
    path = {kind: {"aip": "7C00"} for kind in ("ordinary", "e-cash", "qPBOC")}
    return profile("debit", payment={"path": path})


def test_a_card_without_combined_authentication():
    """Row PAY-ODA-018: such a card is good; one that signs all the same is found."""
    good = run(without_combined(), "PAY-ODA")
    assert {event.verdict for event in good.values()} == {Verdict.PASS.value}
    assert {case for case in good if "combined" in case} == {"PAY-ODA/without-combined/BV"}
    signing = run(without_combined(), "PAY-ODA/without-combined", "oda.aac-signed")
    assert signing["PAY-ODA/without-combined/BV"].requirement == "PAY-ODA-018"


@pytest.mark.parametrize("length", [True, False])
def test_the_dynamic_number_follows_the_setting(length):
    """Row PAY-ODA-011: a card without the length byte is good where its profile says so, and bad where it does not."""
    said = profile("debit", payment={"settings": {"dda_number_has_length": length}})
    assert run(said, "PAY-ODA/dynamic-number")["PAY-ODA/dynamic-number/BV"].verdict == Verdict.PASS.value
    log = []
    other = profile("debit", payment={"settings": {"dda_number_has_length": not length}})
    plan = Plan(profile=said, only=("PAY-ODA/dynamic-number",))
    engine = Engine(plan, InProcessTarget(load_card(other)), SUITES, log.append, NoRedaction())
    assert [outcome.verdict for outcome in engine.run()] == [Verdict.FAIL]


@pytest.mark.parametrize("carried", [True, False])
def test_the_combined_signature_follows_the_setting(carried):
    """Row PAY-SMA-009."""
    said = profile("debit-sm", payment={"settings": {"cda_carries_unpredictable_number": carried}})
    assert run(said, "PAY-SMA/combined")["PAY-SMA/combined/BV"].verdict == Verdict.PASS.value


def test_a_short_account_number():
    """Row PAY-KEY-002: account and sequence number of 15 digits; a card that fills on the right is found."""
    records = load("debit").content["DEBIT"]["SFI03"]["records"]
    track = load("debit").content["DEBIT"]["SFI01"]["records"]
    short = profile(
        "debit",
        content={
            "SFI01": [{**track[0], "57": "6228000100001D3612220"}, *track[1:]],
            "SFI03": [{**records[0], "5A": "6228000100001"}, *records[1:]],
        },
    )
    assert run(short, "PAY-KEY/cryptogram")["PAY-KEY/cryptogram/BV"].verdict == Verdict.PASS.value
    assert "PAY-KEY-002" in {
        name for suite in SUITES for case in suite.cases(short) if case.identifier == "PAY-KEY/cryptogram/BV"
        for name in case.requirements
    }  # fmt: skip


def test_a_key_that_a_record_shows_is_named_and_not_repeated():
    """Neither finding nor log holds what the card gave away (row PAY-INV-004)."""
    of = load("debit")
    target = InProcessTarget(with_fault(load_card(of), "inv.key-file"))
    log = []
    list(Engine(Plan(profile=of, only=("PAY-INV/secrets",)), target, SUITES, log.append, NoRedaction()).run())
    (finished,) = [event for event in log if isinstance(event, CaseFinished)]
    assert finished.requirement == "PAY-INV-004"
    assert "00B201EC: 3DES key ENC, left half" in finished.received
    written = "\n".join(to_line(event) for event in log).upper()
    assert Terminal(of).card_key("ENC").hex().upper()[:16] not in written


@pytest.mark.parametrize(
    ("product", "case", "requirement"),
    [
        ("debit", "PAY-ODA/certificates-contactless/BV", "PAY-ODA-006"),
        ("debit-sm", "PAY-SMA/certificates-contactless/BV", "PAY-SMA-007"),
    ],
)
def test_a_quick_list_of_files_that_the_certificates_do_not_cover(product, case, requirement):
    """The AIP of qPBOC is another one than that which was signed; the contacts are in order."""
    other = profile(product, payment={"path": {"qPBOC": {"aip": "7C00"}}})
    log = []
    plan = Plan(profile=load(product), only=(case, "PAY-ODA/card-certificate", "PAY-SMA/card-certificate"))
    engine = Engine(plan, InProcessTarget(load_card(other)), SUITES, log.append, NoRedaction())
    verdicts = {outcome.case.identifier: outcome.verdict for outcome in engine.run()}
    assert verdicts.pop(case) is Verdict.FAIL
    assert set(verdicts.values()) == {Verdict.PASS}
    assert requirement in {event.requirement for event in log if isinstance(event, CaseFinished)}
