"""The same-number upgrade with two chips of one number: the old one pays before the switch, the new one after it."""

from dataclasses import replace
from datetime import date

import pytest

from conformance.actors.bank import CardState, ChangeKind, Code, Outcome, Reversal, Settlement, TransactionKind
from conformance.actors.bank.authority import Authority
from conformance.actors.terminal import Reason
from emulator.iso7816 import Response
from profiles import load

from .table import ACCOUNT, E_CASH, NEW_EXPIRY, OTHER_PAN, PAN, START, Till, bank, chip, old_card

PRODUCTS = pytest.mark.parametrize("product", ["debit", "debit-sm"])
AID = bytes.fromhex("00A4040008A00000033301010100")


class Story:
    """An upgrade up to the order, with both chips in hand."""

    def __init__(self, product: str = "debit") -> None:
        self.bank = bank(product)
        self.till = Till(self.bank)
        self.old = chip(product, old_card(product))
        assert self.till.inquire(self.old, "F").approved
        assert self.bank.cards.freeze("F", PAN, ChangeKind.UPGRADE).outcome is Outcome.DONE
        assert self.bank.cards.order("O", "F", NEW_EXPIRY).sequence == "02"
        self.new = chip(product, self.bank.cards.personalisation("F", load(product), Authority.published()))

    def switch(self) -> None:
        assert self.bank.cards.switch("S", "F").outcome is Outcome.DONE

    @property
    def balance(self) -> int:
        return self.bank.account(PAN, "01").balance


def codes(result):
    return result.reason, result.response_code


@PRODUCTS
def test_old_card_pays_before_the_switch_and_the_new_one_after_it(product):
    story = Story(product)
    pay = story.till.pay
    assert pay(story.old, 1000).reason is Reason.APPROVED_ONLINE
    assert codes(pay(story.new, 1000)) == (Reason.DECLINED_BY_ISSUER, Code.NOT_ACTIVATED)
    assert story.balance == START - 1000

    story.switch()
    refused = pay(story.old, 1000)
    assert codes(refused) == (Reason.DECLINED_BY_ISSUER, Code.RESTRICTED_CARD)
    assert [result[0] for result in refused.script_results] == [0x20]
    assert pay(story.new, 1000).reason is Reason.APPROVED_ONLINE
    assert story.balance == START - 2000
    assert (refused.account_number, refused.sequence_number) == (PAN, "01")
    paid = story.till.results[-1]
    assert (paid.account_number, paid.sequence_number, paid.expiry.hex()) == (PAN, "02", "361130")


@PRODUCTS
def test_the_old_chip_is_blocked_when_it_shows_up_and_not_before(product):
    story = Story(product)
    story.switch()
    spent = story.till.pay(story.old, 300, e_cash=True, force_online=False)
    assert spent.reason is Reason.APPROVED_OFFLINE
    assert story.till.pay(story.old, 1000).response_code == Code.RESTRICTED_CARD
    assert story.till.pay(story.old, 1000).reason is Reason.NO_APPLICATION
    assert story.till.pay(story.old, 300, e_cash=True, force_online=False).reason is Reason.NO_APPLICATION
    story.old.reset()
    assert Response.parse(story.old.transmit(AID)).sw == 0x6283
    assert story.bank.ledger.scripts(PAN, "01") == [("APPLICATION BLOCK", "executed")]
    assert story.bank.clear(spent.clearing) is Settlement.SETTLED


@PRODUCTS
def test_e_cash_goes_back_once_and_what_was_spent_off_line_is_still_paid(product):
    """The chip's balance comes under its MAC in 9F10; what the book holds beyond it waits for the merchant."""
    story = Story(product)
    spent = story.till.pay(story.old, 300, e_cash=True, force_online=False)
    story.switch()
    back = story.bank.cards.return_e_cash
    assert back("R1", PAN, "01").outcome is Outcome.CHIP_AT_LARGE
    story.till.pay(story.old, 1000)
    assert (back("R2", PAN, "01").outcome, back("R2", PAN, "01").amount) == (Outcome.DONE, E_CASH - 300)
    assert story.balance == START + E_CASH - 300
    assert back("R3", PAN, "01").outcome is Outcome.DONE_BEFORE
    assert story.balance == START + E_CASH - 300
    assert story.bank.clear(spent.clearing) is Settlement.SETTLED
    assert story.bank.account(PAN, "01").e_cash == 0
    assert story.balance == START + E_CASH - 300
    assert sum(story.bank.ledger.balances().values()) == 0


def test_e_cash_returned_without_the_chip_still_pays_a_late_merchant():
    story = Story()
    spent = story.till.pay(story.old, 300, e_cash=True, force_online=False)
    story.switch()
    assert story.bank.cards.return_e_cash("R", PAN, "01", without_chip=True).amount == E_CASH
    assert story.bank.clear(spent.clearing) is Settlement.SETTLED
    assert story.balance == START + E_CASH - 300
    assert story.bank.clear(spent.clearing) is Settlement.REPEATED


class Deaf:
    """A line that brings requests to the bank and its answers back, perhaps without scripts, and loses all else."""

    def __init__(self, bank, *, scripts=True):
        self.bank, self.scripts = bank, scripts

    def authorise(self, request):
        answer = self.bank.authorise(request)
        return answer if self.scripts else replace(answer, scripts=b"")

    def complete(self, completion):
        """Lost."""

    def reverse(self, reversal):
        """Lost."""


def test_a_load_that_is_reversed_after_its_e_cash_went_back_is_not_paid_twice():
    story = Story()
    load_of_50 = story.till.pay(story.old, 5000, kind=TransactionKind.LOAD, host=Deaf(story.bank))
    assert load_of_50.approved
    assert (story.balance, story.bank.account(PAN, "01").e_cash) == (START - 5000, E_CASH + 5000)
    story.switch()
    assert story.bank.cards.return_e_cash("R", PAN, "01", without_chip=True).amount == E_CASH + 5000
    story.bank.reverse(Reversal(load_of_50.number, "late"))
    assert story.balance == START + E_CASH
    assert sum(story.bank.ledger.balances().values()) == 0


def test_a_chip_whose_block_was_torn_off_is_blocked_the_next_time():
    story = Story()
    story.switch()

    assert story.till.pay(story.old, host=Deaf(story.bank, scripts=False)).response_code == Code.RESTRICTED_CARD
    assert story.bank.cards.return_e_cash("R1", PAN, "01").outcome is Outcome.CHIP_AT_LARGE
    assert story.till.pay(story.old).response_code == Code.RESTRICTED_CARD
    assert story.till.pay(story.old).reason is Reason.NO_APPLICATION
    assert story.bank.cards.return_e_cash("R2", PAN, "01").outcome is Outcome.DONE


def test_an_undone_upgrade_leaves_the_old_card_and_the_new_chip_never_pays():
    story = Story()
    assert story.bank.cards.undo("U", "F").outcome is Outcome.DONE
    assert story.till.pay(story.old).reason is Reason.APPROVED_ONLINE
    refused = story.till.pay(story.new)
    assert codes(refused) == (Reason.DECLINED_BY_ISSUER, Code.NO_SUCH_CARD)
    assert story.till.pay(story.new).reason is Reason.NO_APPLICATION
    assert story.till.pay(story.old).reason is Reason.APPROVED_ONLINE
    assert story.bank.cards.switch("S", "F").outcome is Outcome.UNDONE


def test_a_lost_card_is_refused_at_once_and_its_chip_blocked_after_the_switch():
    made = bank()
    till, old = Till(made), chip("debit", old_card())
    made.cards.freeze("F", PAN, ChangeKind.REPLACEMENT, lost=True)
    assert till.pay(old).response_code == Code.LOST_CARD
    made.cards.order("O", "F", NEW_EXPIRY)
    new = chip("debit", made.cards.personalisation("F", load("debit"), Authority.published()))
    made.cards.switch("S", "F")
    assert till.pay(new).approved
    assert till.pay(old).response_code == Code.RESTRICTED_CARD
    assert till.pay(old).reason is Reason.NO_APPLICATION


def test_a_different_number_cancels_the_old_one_and_keeps_the_account():
    made = bank()
    till, old = Till(made), chip("debit", old_card())
    made.cards.freeze("F", PAN, ChangeKind.DIFFERENT_NUMBER, card_present=False)
    assert till.pay(old, 1000).approved
    assert made.cards.order("O", "F", NEW_EXPIRY, pan=OTHER_PAN, sequence="01").outcome is Outcome.DONE
    made.cards.switch("S", "F")
    assert till.pay(old).response_code == Code.NO_SUCH_CARD
    card = made.account(OTHER_PAN, "01")
    assert (card.state, card.number, card.balance) == (CardState.ACTIVE, ACCOUNT, START - 1000)


def test_a_card_past_its_last_month_is_refused():
    """The transaction date 9A is in November 2026."""
    for month, code in ((10, Code.EXPIRED_CARD), (11, Code.APPROVED)):
        till = Till(bank(expiry=date(2026, month, 1)))
        assert till.pay(chip("debit", old_card())).response_code == code
