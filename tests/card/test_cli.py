"""``sscard card`` as a clerk types it: loss, unblocking, cancellation, status."""

import json
import sqlite3
from datetime import date

import pytest
from typer.testing import CliRunner

from conformance.actors.bank import Bank, ChangeKind, ChipReturn, IssuerKeys, Ledger
from conformance.actors.medical.centre import Centre
from conformance.actors.medical.keys import HsmKeys
from conformance.actors.medical.messages import CardState
from conformance.actors.medical.reader import CardReader
from conformance.targets.in_process import virtual_target
from profiles import load
from sscard import app

PERSON, PAN, PIN = "500000199002280026", "6214980000000001235", "246813"
PRODUCT = load("ssc3-sm4")


@pytest.fixture
def card(tmp_path, monkeypatch):
    """A card in an image file, registered and in use; the bank knows which chip it is. Answers its identification."""
    monkeypatch.chdir(tmp_path)
    target = virtual_target(PRODUCT, tmp_path / "card.sscard")
    target.connect()
    reader = CardReader(target, PRODUCT, HsmKeys(PRODUCT, bytes(6)))
    reader.begin()
    identification, atr = reader.identification.hex().upper(), reader.atr.hex().upper()
    target.close()
    centre = Centre(PRODUCT, "centre.db")
    centre.insure(PERSON, "余晓阳")
    centre.register(identification, PERSON, PRODUCT.chip.historical, CardState.NORMAL)
    centre.books.close()
    bank = Bank(*IssuerKeys.of_profile(PRODUCT), ledger=Ledger("bank.db"))
    bank.open_account(PAN, "01", balance=100_000, pin=PIN)
    bank.cards.freeze("F", PAN, ChangeKind.REPLACEMENT, card_present=False)
    bank.cards.order("O", "F", date(2036, 1, 1))
    bank.cards.switch("S", "F")
    bank.cards.record("R", "F", ChipReturn(identification, atr, "3.00", PAN, "02"))
    bank.ledger.close()
    return identification


def run(*arguments):
    return CliRunner().invoke(app, ["card", *(str(each) for each in arguments)])


BOTH = ("--books", "centre.db", "--bank", "bank.db")


def told(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def status_of(card):
    table = told(run("status", card, *BOTH, "--json"))
    return table["state"], {each["sequence"]: each["state"] for each in table["bank"]}


def test_status_tells_of_both_books_and_of_no_person(card):
    assert status_of(card) == ("normal", {"01": "switched off", "02": "active"})
    shown = run("status", card.lower(), *BOTH)
    assert shown.exit_code == 0
    assert "正常" in shown.stdout
    for secret in (PERSON, "余晓阳", PAN):
        assert secret not in shown.stdout


def test_a_loss_by_phone_is_lifted_by_phone(card):
    assert told(run("lose", card, *BOTH, "--phone", "--json"))["state"] == "temporarily_lost"
    assert status_of(card) == ("temporarily_lost", {"01": "switched off", "02": "blocked"})
    assert told(run("lose", card, *BOTH, "--phone", "--json"))["state"] == "temporarily_lost"
    assert told(run("found", card, *BOTH, "--phone", "--json"))["state"] == "normal"
    assert status_of(card)[1]["02"] == "active"


def test_a_formal_loss_is_lifted_at_the_window_alone(card):
    assert told(run("lose", card, *BOTH, "--json"))["state"] == "formally_lost"
    refused = run("found", card, *BOTH, "--phone")
    assert refused.exit_code == 1
    assert f"card {card} is formally lost and becomes normal at a window, not by phone" in refused.stderr
    assert status_of(card)[1]["02"] == "blocked"
    assert told(run("found", card, *BOTH, "--json"))["state"] == "normal"


def test_a_cancelled_card_never_comes_back(card):
    result = run("cancel", card, *BOTH, "--image", "card.sscard", "--json")
    assert told(result)["state"] == "cancelled"
    assert status_of(card) == ("cancelled", {"01": "switched off", "02": "cancelled"})
    assert run("found", card, *BOTH).exit_code == 1
    again = run("cancel", card, *BOTH, "--json")
    assert told(again)["state"] == "cancelled"
    gone = run("unblock", card, "--books", "centre.db", "--image", "card.sscard")
    assert gone.exit_code == 1
    assert "cancelled for good" in gone.stderr


def test_a_cancellation_goes_on_at_the_bank_where_the_register_alone_has_it(card):
    assert told(run("cancel", card, "--books", "centre.db", "--json"))["state"] == "cancelled"
    assert status_of(card)[1]["02"] == "active"
    assert told(run("cancel", card, *BOTH, "--json"))["state"] == "cancelled"
    assert status_of(card)[1]["02"] == "cancelled"


def test_cancelling_a_replaced_card_leaves_the_one_that_took_its_place(card):
    """Both have the same account number; the holder must not lose the card in the hand."""
    centre, bank = Centre(PRODUCT, "centre.db"), Bank(*IssuerKeys.of_profile(PRODUCT), ledger=Ledger("bank.db"))
    centre.change_card(card, CardState.CANCELLED)
    centre.register("E" * 32, PERSON, bytes(13), CardState.NORMAL)
    bank.cards.freeze("F2", PAN, ChangeKind.REPLACEMENT, card_present=False)
    bank.cards.order("O2", "F2", date(2036, 1, 1))
    bank.cards.switch("S2", "F2")
    bank.cards.record("R2", "F2", ChipReturn("E" * 32, "3B00", "3.00", PAN, "03"))
    centre.books.close()
    bank.ledger.close()
    for options in ((), ("--account", PAN)):
        assert told(run("cancel", card.lower(), *BOTH, *options, "--json"))["state"] == "cancelled"
        assert status_of("E" * 32) == ("normal", {"01": "switched off", "02": "switched off", "03": "active"})


@pytest.mark.parametrize("options", [(), ("--image", "card.sscard"), ("--image", "card.sscard", "--new-pin", "650981")])
def test_unblocking_lifts_no_loss_report(card, options):
    """Centre and bank would be of two minds about the card."""
    told(run("lose", card, *BOTH, "--json"))
    refused = run("unblock", card, "--books", "centre.db", *options)
    assert refused.exit_code == 1
    assert "sscard card found" in refused.stderr
    assert status_of(card) == ("formally_lost", {"01": "switched off", "02": "blocked"})


def test_a_cancellation_is_done_again_without_harm(card):
    """Also where the first one got no further than the chip, which shows nobody any more which card it is."""
    from conformance.actors.medical.blocking import block_card

    target = virtual_target(PRODUCT, "card.sscard")
    target.connect()
    reader = CardReader(target, PRODUCT, HsmKeys(PRODUCT, bytes(6)))
    reader.begin()
    block_card(reader)
    target.close()
    for _ in range(2):
        table = told(run("cancel", card, *BOTH, "--image", "card.sscard", "--json"))
        assert table["done"] == ["the card in the reader was blocked before"]
        assert status_of(card) == ("cancelled", {"01": "switched off", "02": "cancelled"})


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--books", "other.db"), 1),
        (("--books", "text.db"), 2),
        (("--books", "centre.db", "--bank", "text.db"), 2),
        (("--books", "centre.db", "--profile", "none"), 2),
    ],
)
def test_no_chip_is_blocked_whose_card_cannot_be_cancelled(card, tmp_path, arguments, code):
    """CARD BLOCK is for good, so that books and product are looked at before."""
    (tmp_path / "text.db").write_text("no database", "utf-8")
    Centre(PRODUCT, "other.db").books.close()
    refused = run("cancel", card, *arguments, "--image", "card.sscard")
    assert (refused.exit_code, refused.stderr.startswith("sscard card cancel: ")) == (code, True)
    assert told(run("unblock", card, "--books", "centre.db", "--image", "card.sscard", "--json"))["done"]


def test_a_pin_is_unblocked_and_set_anew(card):
    for options in ((), ("--new-pin", "650981")):
        table = told(run("unblock", card, "--books", "centre.db", "--image", "card.sscard", *options, "--json"))
        assert table["done"] == ["PIN unblocked"]
    target = virtual_target(PRODUCT, "card.sscard")
    target.connect()
    reader = CardReader(target, PRODUCT, None)
    reader.begin()
    reader.open("SSSE")
    reader.verify("650981")
    target.close()


def test_a_card_without_unblock_refuses_and_the_register_stays(card):
    refused = run("unblock", card, "--books", "centre.db", "--image", "card.sscard", "--application", "DF04")
    assert refused.exit_code == 1
    unknown = run("unblock", card, "--books", "centre.db", "--image", "card.sscard", "--application", "DF99")
    assert (unknown.exit_code, unknown.stderr) == (2, "sscard card unblock: profile ssc3-sm4 has no application DF99\n")
    assert status_of(card)[0] == "normal"


def test_a_lock_in_the_register_is_lifted_without_the_card(card):
    centre = Centre(PRODUCT, "centre.db")
    centre.change_card(card, CardState.LOCKED)
    centre.books.close()
    assert told(run("unblock", card, "--books", "centre.db", "--json"))["state"] == "normal"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("status", "12", "--books", "centre.db"), 2, "thirty-two"),
        (("status", "F" * 32, "--books", "centre.db"), 1, "no such card"),
        (("status", "F" * 32, "--books", "nowhere.db"), 2, "no such file"),
        (("status", "F" * 32, "--books", "centre.db", "--account", PAN), 2, "--bank"),
        (("lose", "F" * 32, "--books", "text.db"), 2, "cannot be used"),
        (("unblock", "F" * 32, "--books", "centre.db", "--new-pin", "1234"), 2, "need the card"),
        (("unblock", "F" * 32, "--books", "centre.db", "--image", "card.sscard", "--new-pin", "x"), 2, "four to"),
        (
            (
                *("unblock", "F" * 32, "--books", "centre.db", "--image", "card.sscard"),
                "--new-pin",
                "1234",
                "--application",
                "DF04",
            ),
            2,
            "give one of them",
        ),
        (("cancel", "F" * 32, "--books", "centre.db", "--image", "card.sscard"), 1, "no such card"),
        (("cancel", "F" * 32, "--books", "centre.db", "--image", "a", "--reader", "b"), 2, "not both"),
        (("status", "F" * 32, "--books", "centre.db", "--profile", "none"), 2, "none"),
    ],
)
def test_wrong_use_gets_one_sentence(card, tmp_path, arguments, code, sentence):
    (tmp_path / "text.db").write_text("no database", "utf-8")
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert sentence in result.stderr
    assert result.stderr.startswith("sscard card ")
    assert "Traceback" not in result.stderr


def test_books_that_fail_on_the_way_are_named(card, monkeypatch):
    """Those of the centre, not the bank's, which are open beside them."""

    def locked(centre, *given):
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(Centre, "change_card", locked)
    result = run("lose", card, *BOTH)
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == "sscard card lose: the books centre.db cannot be used: database is locked\n"


OTHER_CARD = "F" * 32


@pytest.fixture
def another(card):
    """Another person's card, of which the bank heard nothing."""
    centre = Centre(PRODUCT, "centre.db")
    centre.insure("500000198001010018", "陈")
    centre.register(OTHER_CARD, "500000198001010018", bytes(13), CardState.NORMAL)
    centre.books.close()
    return OTHER_CARD


def test_a_card_of_which_the_bank_heard_nothing_needs_its_account_number(another):
    refused = run("lose", another, *BOTH)
    assert refused.exit_code == 1
    assert "--account" in refused.stderr


def test_another_card_in_the_reader_is_left_alone(card, another):
    refused = run("cancel", another, "--books", "centre.db", "--image", "card.sscard")
    assert (refused.exit_code, refused.stderr) == (1, "sscard card cancel: another card is in the reader\n")
    assert told(run("unblock", card, "--books", "centre.db", "--image", "card.sscard", "--json"))["done"]
