"""Offline pre-authorisation 脱机预授权 and completion; any sequence of transactions, any bytes."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.apps.payment.application import Counter, data_cell

from .antenna import AAC, ARQC, BALANCE, ONLINE_CAPABLE, QUIET, TC
from .sector import (
    BUS,
    COMPLETION,
    GATE,
    ID,
    METRO,
    PARKING,
    PRE,
    SEGMENTED,
    SFI,
    build_record,
    contacts_of,
    on_contacts,
    sector,
)
from .terminal import Terminal, profile


def test_pre_authorisation_freezes(sectors):
    """Rows PAY-CAP-021, 028 and 030."""
    tap = sectors.authorise(6000)
    assert tap.kind == TC
    assert 0x9F26 not in tap.objects
    assert sectors.data("9F79") == f"{BALANCE - 6000:012d}"
    assert sectors.pending() == [f"{SFI[PARKING]:02X}{ID}000000006000"]
    assert sectors.stored(PARKING)[0][12:14] == "02"
    assert sectors.logged() == 0
    assert sectors.prove() == "00" * 8 + "9000"


def test_the_issuer_sees_frozen_amounts_as_balance():
    """Row PAY-CAP-028."""
    sectors = sector()
    tap = sectors.authorise(6000)
    assert tap.objects[0x9F10].hex().upper()[16:30] == "0A010000014000"
    contacts = contacts_of(sectors)
    contacts.start()
    assert contacts.data("9F79") == "000000014000"
    assert contacts.first().issuer_data.hex().upper()[16:30] == "0A010000020000"


@pytest.mark.parametrize(("load", "answer"), [(94000, "9000"), (94001, "6A80")])
def test_a_load_leaves_room_for_frozen_amounts(sectors, load, answer):
    """Row PAY-CAP-027."""
    sectors.authorise(6000)
    contacts = on_contacts(sectors)
    assert contacts.script("04DA9F79", f"{load:012d}") == answer


def test_a_fourth_pre_authorisation(sectors):
    """Row PAY-CAP-022."""
    for file, identifier in ((METRO, ID), (BUS, ID), (PARKING, ID)):
        sectors.authorise(100, file=file, identifier=identifier)
    sectors.append(build_record("0A0B", data="00"), PARKING)
    sectors.capp(PARKING, "0A0B")
    assert sectors.begin(PRE, 100).sw == "6971"
    assert sectors.data("9F79") == f"{BALANCE - 300:012d}"
    assert sectors.update(sectors.changed("01")) == "6985"


def test_a_repeated_pre_authorisation(sectors):
    """Row PAY-CAP-023."""
    sectors.authorise(100)
    sectors.capp(PARKING)
    assert sectors.begin(PRE, 100).sw == "6972"


@pytest.mark.parametrize("read", [True, False])
def test_completion_of_nothing(sectors, read):
    """Row PAY-CAP-024."""
    if read:
        sectors.capp(PARKING)
    assert sectors.begin(COMPLETION, 100).sw == "6973"


def test_completion_of_another_record(sectors):
    sectors.authorise(100)
    sectors.capp(BUS)
    assert sectors.begin(COMPLETION, 100).sw == "6973"


def test_completion(sectors):
    """Row PAY-CAP-025, in the numbers of the text: 100, 60 frozen, 35 spent leave 65."""
    sectors.poke("9F79", "000000010000")
    sectors.authorise(6000)
    tap = sectors.complete(3500)
    assert tap.kind == TC
    assert sectors.data("9F79") == "000000006500"
    assert sectors.pending() == []
    assert sectors.logged() == 1
    assert sectors.prove() == tap.value(0x9F26) + "9000"


@pytest.mark.parametrize(("amount", "kind", "left"), [(7500, TC, 2500), (10000, TC, 0), (11000, AAC, 4000)])
def test_completion_of_more_than_was_frozen(sectors, amount, kind, left):
    """The second and third example of the text."""
    sectors.poke("9F79", "000000010000")
    sectors.authorise(6000)
    assert sectors.complete(amount).kind == kind
    assert sectors.data("9F79") == f"{left:012d}"
    assert len(sectors.pending()) == (kind == AAC)


@pytest.mark.parametrize(
    ("deducted", "amount", "left", "owed"), [(500, 1000, 4500, 0), (500, 5800, 0, 300), (500, 6000, 0, 500)]
)
def test_what_completion_gives_back_first_pays_the_deduction(sectors, deducted, amount, left, owed):
    sectors.poke("9F79", "000000006000")
    sectors.authorise(6000)
    sectors.poke("DF63", f"{deducted:012d}")
    assert sectors.complete(amount).kind == TC
    assert (sectors.data("9F79"), sectors.data("DF63")) == (f"{left:012d}", f"{owed:012d}")


def test_pre_authorisation_beyond_the_balance(sectors):
    assert sectors.begin(PRE, BALANCE + 1).kind == AAC
    assert sectors.begin(PRE, BALANCE + 1, ttq=ONLINE_CAPABLE).kind == ARQC


def test_pre_authorisation_in_another_currency(sectors):
    sectors.capp(PARKING)
    assert sectors.begin(PRE, 100, currency="0344").kind == AAC


@pytest.mark.parametrize("option", ["4110D000", "2110D000"])
def test_the_total_grows_with_the_completion_alone(option):
    sectors = sector(data={"9F68": option, "9F5C": "000000100000"})
    sectors.authorise(6000)
    assert sectors.peek(Counter.CUMULATIVE_AMOUNT) == 0
    sectors.complete(3500)
    assert sectors.peek(Counter.CUMULATIVE_AMOUNT) == (3500 if option[0] == "4" else 0)
    assert sectors.data("9F79") == f"{BALANCE - 3500:012d}"


@pytest.mark.parametrize("updated", [None, BUS])
@pytest.mark.parametrize("indicator", [PRE, COMPLETION])
def test_the_last_record_wants_the_update(sectors, indicator, updated):
    """Row PAY-CAP-026."""
    if indicator == COMPLETION:
        sectors.authorise(500)
    before = {name: value for name, value in sectors.card.snapshot().items() if "9F36" not in name}
    sectors.capp(PARKING)
    tap = sectors.begin(indicator, 100)
    if updated:
        assert sectors.update(sectors.changed("01", updated), updated) == "9000"
    assert sectors.last(tap) == "6974"
    assert {name: value for name, value in sectors.card.snapshot().items() if "9F36" not in name} == before
    assert sectors.prove() == "9406"


def test_pre_authorisation_without_a_record_read(sectors):
    tap = sectors.begin(PRE, 100)
    assert sectors.update(sectors.changed("01", PARKING), PARKING) == "9000"
    assert sectors.last(tap) == "6974"
    assert sectors.pending() == []


def test_two_pre_authorisations_are_completed_each_for_itself(sectors):
    sectors.authorise(1000)
    sectors.authorise(2000, file=BUS)
    assert sectors.complete(500, file=BUS).kind == TC
    assert sectors.pending() == [f"{SFI[PARKING]:02X}{ID}000000001000"]
    assert sectors.data("9F79") == f"{BALANCE - 1500:012d}"


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from([SEGMENTED, PRE, COMPLETION]),
        st.integers(0, 9000),
        st.sampled_from([METRO, BUS, PARKING]),
        st.sampled_from(["whole", "torn", "not updated"]),
    ),
    max_size=10,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(OPERATIONS)
def test_no_money_is_lost_or_made(without_response_mac, operations):
    """A model of money: balance, deducted and frozen amounts are what the transactions that were finished make of them."""
    fresh = without_response_mac.card.snapshot()
    balance, deducted, limit, frozen = BALANCE, 0, 2000, {}
    try:
        for indicator, amount, file, how in operations:
            without_response_mac.capp(file)
            tap = without_response_mac.begin(indicator, amount)
            if indicator == PRE:
                expected = (
                    "6971" if len(frozen) == 3 else "6972" if file in frozen else TC if amount <= balance else AAC
                )
            elif indicator == COMPLETION:
                held = frozen.get(file)
                expected = "6973" if held is None else TC if amount <= balance + held else AAC
            else:
                lends = balance < amount < balance + limit - deducted
                expected = TC if amount <= balance or lends else AAC
            assert tap.kind == expected
            if expected != TC:
                continue
            if how == "torn":
                without_response_mac.read(tap, but_last=True)
                without_response_mac.leave()
                continue
            if how == "whole":
                assert without_response_mac.update(without_response_mac.changed("05", file), file) == "9000"
            answer = without_response_mac.last(tap)
            if how == "not updated" and indicator != SEGMENTED:
                assert answer == "6974"
                continue
            assert answer == "9000"
            if indicator == PRE:
                frozen[file] = amount
                balance -= amount
            elif indicator == COMPLETION:
                held = frozen.pop(file)
                back = min(max(held - amount, 0), deducted)
                balance, deducted = balance + held - amount - back, deducted - back
            else:
                deducted += max(amount - balance, 0)
                balance = max(balance - amount, 0)
        assert (without_response_mac.data("9F79"), without_response_mac.data("DF63")) == (
            f"{balance:012d}",
            f"{deducted:012d}",
        )
        assert sum(int(entry[6:]) for entry in without_response_mac.pending()) == sum(frozen.values())
    finally:
        without_response_mac.contacts.card.restore(fresh)
        without_response_mac.card.reset()
        without_response_mac.select()


byte = st.integers(0, 255)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(["80B4", "84DE", "04E2", "805A"]), byte, byte, st.binary(max_size=90)), max_size=8
    )
)
def test_any_bytes_are_answered_and_change_nothing(without_response_mac, commands):
    """Without a key, nothing in memory changes whatever comes."""
    tap = without_response_mac.begin(SEGMENTED, 0)
    assert tap.kind == TC
    before = without_response_mac.card.snapshot()
    for code, p1, p2, data in commands:
        answer = without_response_mac.send(f"{code}{p1:02X}{p2:02X}{len(data):02X}{data.hex()}00")
        assert answer[-4] in "69"
        assert answer[-4:] != "6F00"
    assert without_response_mac.card.snapshot() == before


def test_blocked_application(sectors):
    sectors.contacts.card.memory.commit({"directory:DEBIT": 2})
    assert sectors.begin().kind == AAC
    assert sectors.capp() == sectors.stored()[0] + "9000"


def test_contacts_read_but_do_not_charge():
    terminal = Terminal(profile(data=QUIET))
    terminal.select()
    assert terminal.send("80B400A802010100").endswith("9000")
    terminal.start()
    assert terminal.send("84DE00A80B010104010100AA0011223300") == "6985"


def test_another_transaction_between_ends_the_first(sectors):
    tap = sectors.begin(SEGMENTED, 300)
    contacts = sectors.contacts
    contacts.select()
    contacts.start()
    assert sectors.last(tap) == "9000"
    assert sectors.data("9F79") == f"{BALANCE:012d}"
    assert sectors.card.memory.cells[data_cell("DEBIT", 0x9F36)].hex() == "0002"


def test_the_last_record_counts_once(sectors):
    tap = sectors.begin(SEGMENTED, 300, ttq=GATE)
    for _ in range(3):
        assert sectors.last(tap) == "9000"
    assert (sectors.logged(), sectors.data("9F79")) == (1, f"{BALANCE - 300:012d}")
