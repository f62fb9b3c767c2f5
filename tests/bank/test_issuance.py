"""First issuance, cards of another number that a station makes, verification of the holder, and the data return."""

import sqlite3
from dataclasses import replace

import pytest

from conformance.actors.bank import (
    Bank,
    CardState,
    ChangeKind,
    ChangeState,
    ChipReturn,
    Code,
    HolderCheck,
    IssuerKeys,
    Outcome,
    Reversal,
    TransactionKind,
)
from conformance.actors.bank.authority import Authority
from conformance.actors.bank.card_data import CardDataError
from conformance.actors.bank.verification import RECENT
from profiles import load

from .crashing import Chip
from .table import HOLDER, IDENTITY, NEW_EXPIRY, OTHER_PAN, PAN, PIN, START, Till, bank, chip, old_card

REPLACEMENT, DIFFERENT, UPGRADE = ChangeKind.REPLACEMENT, ChangeKind.DIFFERENT_NUMBER, ChangeKind.UPGRADE
CARD = ChipReturn("500000D15600000500000000" + "0011AABB", "3B6D000000", "3.00", PAN, "02")


def states(made, pan=PAN):
    return {card.sequence: card.state for card in made.ledger.cards(pan)}


# First issuance


@pytest.fixture
def empty():
    return Bank(*IssuerKeys.of_profile(load("debit")))


def opened(made, number="F", **changes):
    given = {"holder": HOLDER, "identity": IDENTITY, "pin": PIN, **changes}
    return made.cards.open(number, PAN, **given).outcome


def ordered(made, number="F"):
    assert opened(made, number) is Outcome.DONE
    return made.cards.order(f"{number}-O", number, NEW_EXPIRY).sequence


def test_a_first_card_pays_from_the_switch_on_and_not_before(empty):
    sequence = ordered(empty)
    assert sequence == "01"
    new = chip("debit", empty.cards.personalisation("F", load("debit"), Authority.published()))
    till = Till(empty)
    assert till.pay(new, 0).response_code == Code.NOT_ACTIVATED
    assert empty.cards.switch("S", "F").outcome is Outcome.DONE
    assert till.pay(new, 0).approved
    assert till.inquire(new).approved
    card = empty.account(PAN, sequence)
    assert (card.state, card.balance, card.holder, card.identity) == (CardState.ACTIVE, 0, HOLDER, IDENTITY)
    assert empty.cards.change("F").holder_check is HolderCheck.IDENTITY


@pytest.mark.parametrize("up_to", ["open", "order"])
def test_an_undone_first_issuance_leaves_no_card_that_can_be_used(empty, up_to):
    opened(empty) if up_to == "open" else ordered(empty)
    assert empty.cards.undo("U", "F").outcome is Outcome.DONE
    assert set(states(empty).values()) <= {CardState.CANCELLED}
    assert empty.cards.in_use(PAN) is None
    assert empty.cards.switch("S", "F").outcome is Outcome.UNDONE
    assert opened(empty) is Outcome.UNDONE
    expected = "01" if up_to == "open" else "02"
    assert ordered(empty, "G") == expected
    assert empty.cards.switch("S2", "G").outcome is Outcome.DONE
    assert empty.cards.in_use(PAN).sequence == expected


def test_a_number_is_opened_once_and_for_one_holder(empty):
    assert opened(empty) is Outcome.DONE
    assert opened(empty) is Outcome.DONE
    assert opened(empty, holder="WANG WU") is Outcome.DUPLICATE
    assert opened(empty, "G") is Outcome.FROZEN
    empty.cards.undo("U", "F")
    assert opened(empty, "H", identity="500000199001010000") is Outcome.NUMBER_TAKEN
    assert opened(empty, "I", account="another") is Outcome.NUMBER_TAKEN
    ordered(empty, "J")
    empty.cards.switch("S", "J")
    assert opened(empty, "K") is Outcome.NUMBER_TAKEN


def test_the_pin_that_comes_last_is_the_account_s_until_the_card_is_ordered(empty):
    """A station that did not hear the answer asks again, perhaps with a holder who chose another PIN meanwhile."""

    def known():
        return empty.ledger.owner(PAN).pin

    assert opened(empty, pin="111222") is Outcome.DONE
    assert opened(empty, pin="333444") is Outcome.DONE
    assert known() == "333444"
    assert opened(empty, holder="WANG WU", pin="000999") is Outcome.DUPLICATE
    assert opened(empty, "G", pin="000999") is Outcome.FROZEN
    assert known() == "333444"
    empty.cards.undo("U", "F")
    assert opened(empty, pin="000999") is Outcome.UNDONE
    assert known() == "333444"
    assert opened(empty, "H", pin="555666") is Outcome.DONE
    assert known() == "555666"
    empty.cards.order("H-O", "H", NEW_EXPIRY)
    assert opened(empty, "H", pin="000999") is Outcome.DONE
    empty.cards.switch("S", "H")
    assert opened(empty, "H", pin="000999") is Outcome.DONE
    assert known() == "555666"


def test_a_number_with_a_card_is_not_opened_anew():
    made = bank()
    assert opened(made) is Outcome.NUMBER_TAKEN
    assert made.cards.cancel("C", PAN).outcome is Outcome.DONE
    assert opened(made, "G") is Outcome.NUMBER_TAKEN
    assert made.cards.freeze("H", PAN, REPLACEMENT, card_present=False).outcome is Outcome.NO_SUCH_CARD


def test_a_number_that_was_given_up_is_given_up_again_without_harm():
    """As a counter does that was interrupted, under another number; a number that never had a card has none to give up."""
    made = bank()
    for request in ("C", "D"):
        answer = made.cards.cancel(request, PAN)
        assert answer.outcome is (Outcome.DONE if request == "C" else Outcome.DONE_BEFORE)
    assert made.cards.report_lost("E", PAN).outcome is Outcome.NO_SUCH_CARD
    assert made.cards.cancel("G", OTHER_PAN).outcome is Outcome.NO_SUCH_CARD


def test_a_number_whose_first_card_is_on_its_way_has_none_to_give_up(empty):
    opened(empty)
    empty.cards.order("O", "F", NEW_EXPIRY)
    empty.cards.undo("U", "F")
    opened(empty, "G")
    assert empty.cards.cancel("C", PAN).outcome is Outcome.NO_SUCH_CARD


def test_a_number_that_is_none_opens_nothing(empty):
    with pytest.raises(CardDataError):
        empty.cards.open("F", "12", holder=HOLDER, identity=IDENTITY, pin=PIN)
    assert empty.cards.change("F") is None


def test_a_card_of_an_opened_number_comes_by_its_change_alone(empty):
    opened(empty)
    with pytest.raises(sqlite3.IntegrityError, match="comes by a change"), empty.ledger.transaction():
        empty.ledger.run(f"INSERT INTO card VALUES ('{PAN}', '01', '', 'active', 0, 0, NULL)")  # noqa: S608


# Another number


@pytest.mark.requirement("SSC-ISS-007")
def test_a_card_of_another_number_that_the_station_makes():
    made = bank()
    made.cards.freeze("F", PAN, DIFFERENT, card_present=False)
    answer = made.cards.order("O", "F", NEW_EXPIRY, pan=OTHER_PAN, sequence="01", pre_made=False)
    assert answer.outcome is Outcome.DONE
    data = made.cards.personalisation("F", load("debit"), Authority.published())
    records = b"".join(each.value for each in data.groupings if not each.secret).hex().upper()
    assert OTHER_PAN + "F" in records
    assert PAN + "F" not in records
    made.cards.switch("S", "F")
    assert states(made) == {"01": CardState.CANCELLED}
    assert states(made, OTHER_PAN) == {"01": CardState.ACTIVE}
    assert made.account(OTHER_PAN, "01").balance == START


# Verification of the holder


class Clock:
    seconds = 1_700_000_000.0

    def __call__(self):
        return self.seconds


def timed():
    clock, made = Clock(), bank()
    return clock, Bank(*IssuerKeys.of_profile(load("debit")), ledger=made.ledger, now=clock)


def test_an_upgrade_needs_the_card_and_its_pin_on_line():
    made = bank()
    till, old = Till(made), chip("debit", old_card())
    assert made.cards.freeze("F", PAN, UPGRADE).outcome is Outcome.NOT_VERIFIED
    assert made.cards.freeze("F0", PAN, UPGRADE, card_present=False).outcome is Outcome.NOT_VERIFIED
    wrong = till.inquire(old, "F", pin="000000")
    assert (wrong.approved, wrong.response_code) == (False, Code.WRONG_PIN)
    assert made.cards.freeze("F", PAN, UPGRADE).outcome is Outcome.NOT_VERIFIED
    right = till.inquire(old, "F")
    assert right.approved
    assert right.amount == 0
    assert made.cards.freeze("G", PAN, UPGRADE).outcome is Outcome.NOT_VERIFIED
    assert made.cards.freeze("F", PAN, UPGRADE).outcome is Outcome.DONE
    assert made.cards.change("F").holder_check is HolderCheck.CARD
    assert made.account(PAN, "01").balance == START


def test_an_upgrade_without_the_card_is_not_verified_by_an_inquiry_of_it():
    """The desk says that the card is not there; then its inquiry of before is nobody's."""
    made = bank()
    made.authorise(Chip("01", 0).inquiry("V1", "F"))
    for more in ({"card_present": False}, {"lost": True}):
        assert made.cards.freeze("F", PAN, UPGRADE, **more).outcome is Outcome.NOT_VERIFIED
    assert made.cards.freeze("F", PAN, UPGRADE).outcome is Outcome.DONE


def test_an_inquiry_tells_the_balance_and_moves_nothing():
    made, holder = bank(), Chip("01", 0)
    before = made.ledger.balances()
    answer = made.authorise(holder.inquiry("V", ""))
    assert (answer.code, answer.balance) == (Code.APPROVED, START)
    assert made.authorise(replace(holder.inquiry("V2", ""), pin_block=b"")).code == Code.WRONG_PIN
    assert made.authorise(replace(holder.inquiry("V3", ""), amount=1)).code == Code.INVALID_AMOUNT
    assert made.ledger.balances() == before


def test_a_verification_serves_for_a_short_while():
    clock, made = timed()
    holder = Chip("01", 0)
    made.authorise(holder.inquiry("V", "F"))
    clock.seconds += RECENT + 1
    assert made.cards.freeze("F", PAN, REPLACEMENT).outcome is Outcome.NOT_VERIFIED
    made.authorise(holder.inquiry("V2", "F"))
    assert made.cards.freeze("F", PAN, REPLACEMENT).outcome is Outcome.DONE
    clock.seconds += RECENT + 1
    assert made.cards.freeze("F", PAN, REPLACEMENT).outcome is Outcome.DONE


def test_a_verification_that_was_taken_back_serves_nothing():
    made, holder = bank(), Chip("01", 0)
    made.authorise(holder.inquiry("V", "F"))
    made.reverse(Reversal("V", "no answer"))
    assert made.cards.freeze("F", PAN, REPLACEMENT).outcome is Outcome.NOT_VERIFIED


def test_a_verification_of_another_kind_or_of_a_lost_card_serves_nothing():
    made, holder = bank(), Chip("01", 0)
    assert made.authorise(replace(holder.purchase("P", 0), reference="F")).code == Code.APPROVED
    assert made.cards.freeze("F", PAN, REPLACEMENT).outcome is Outcome.NOT_VERIFIED
    made.cards.report_lost("L", PAN)
    assert made.authorise(holder.inquiry("V", "F")).code == Code.LOST_CARD
    assert made.cards.freeze("F", PAN, REPLACEMENT).outcome is Outcome.NOT_VERIFIED
    assert made.cards.freeze("F", PAN, REPLACEMENT, lost=True).outcome is Outcome.DONE


@pytest.mark.parametrize("kind", ["upgrade", "replacement"])
def test_the_tables_know_no_change_without_its_verification(kind):
    made = bank()
    row = f"('F', '{PAN}', '{kind}', '01', '', '', 'frozen', 'card and PIN', 0)"
    with pytest.raises(sqlite3.IntegrityError, match="not verified"), made.ledger.transaction():
        made.ledger.run(f"INSERT INTO change VALUES {row}")  # noqa: S608


def test_the_tables_know_no_upgrade_by_the_identity_alone():
    made = bank()
    row = f"('F', '{PAN}', 'upgrade', '01', '', '', 'frozen', 'identity document', 0)"
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"), made.ledger.transaction():
        made.ledger.run(f"INSERT INTO change VALUES {row}")  # noqa: S608


def test_kinds_of_transaction_have_the_codes_of_the_network():
    assert {kind.name: kind.value for kind in TransactionKind} == {
        "PURCHASE": 0x00,
        "CASH": 0x01,
        "CASHBACK": 0x09,
        "BALANCE_INQUIRY": 0x31,
        "LOAD": 0x60,
    }


# Data return


def replaced():
    made = bank()
    made.cards.freeze("F", PAN, REPLACEMENT, card_present=False)
    made.cards.order("O", "F", NEW_EXPIRY)
    return made


@pytest.mark.requirement("SSC-ISS-006")
def test_the_bank_keeps_which_chip_carries_its_card():
    made = replaced()
    made.cards.switch("S", "F")
    assert made.cards.record("R", "F", CARD).outcome is Outcome.DONE
    assert made.cards.record("R", "F", CARD).outcome is Outcome.DONE
    assert made.cards.record("R2", "F", CARD).outcome is Outcome.DONE_BEFORE
    assert made.cards.chip(PAN, "02") == CARD
    assert made.cards.chip(PAN, "01") is None


def test_what_came_back_of_another_card_is_refused():
    made = replaced()
    assert made.cards.record("1", "X", CARD).outcome is Outcome.NO_SUCH_CHANGE
    assert made.cards.record("2", "F", replace(CARD, sequence="01")).outcome is Outcome.OTHER_CARD
    assert made.cards.record("3", "F", replace(CARD, pan=OTHER_PAN)).outcome is Outcome.OTHER_CARD
    made.cards.freeze("G", PAN, REPLACEMENT, card_present=False)
    assert made.cards.chip(PAN, "02") is None


@pytest.mark.requirement("SSC-ISS-001")
def test_an_identification_never_belongs_to_two_cards():
    made = replaced()
    made.cards.switch("S", "F")
    made.cards.record("R", "F", CARD)
    made.cards.freeze("G", PAN, REPLACEMENT, card_present=False)
    assert made.cards.record("1", "G", CARD).outcome is Outcome.NOT_ORDERED
    assert made.cards.order("O2", "G", NEW_EXPIRY).sequence == "03"
    again = replace(CARD, sequence="03")
    assert made.cards.record("2", "G", again).outcome is Outcome.CHIP_KNOWN
    assert made.cards.record("3", "G", replace(again, identification="5" * 32)).outcome is Outcome.CHIP_KNOWN
    other = replace(again, identification="5" * 32, atr="3B6D000001")
    assert made.cards.record("4", "G", other).outcome is Outcome.DONE
    assert made.cards.record("5", "G", replace(other, atr="3B6D000002")).outcome is Outcome.CHIP_KNOWN
    assert made.cards.change("G").state is ChangeState.ORDERED
    for statement, reason in (
        ("INSERT INTO chip SELECT identification, 'x', '', pan, '01' FROM chip LIMIT 1", "UNIQUE"),
        ("UPDATE chip SET version = '2.00'", "never another one"),
        ("DELETE FROM chip", "stays known"),
    ):
        with pytest.raises(sqlite3.IntegrityError, match=reason), made.ledger.transaction():
            made.ledger.run(statement)
