"""``sscard pay`` as a person or a pipeline meets it."""

import json
import sqlite3

import pytest
from typer.testing import CliRunner

from sscard import app

PAN = "6214988660100000304"


def run(*arguments):
    return CliRunner().invoke(app, ["pay", *arguments])


def table(*arguments):
    result = run("--json", *arguments)
    return result.exit_code, json.loads(result.stdout)


@pytest.mark.parametrize("product", ["debit", "debit-sm"])
def test_approved_online(product):
    result = run("--profile", product, "--amount", "12.34", "--pin", "123456")
    assert result.exit_code == 0
    assert "TVR 0008000000\n  2.b4 新卡 new card\nTSI F800\n" in result.stdout
    assert "联机批准" in result.stdout
    assert "CNY 12.34" in result.stdout
    assert PAN not in result.stdout
    assert "123456" not in result.stdout


def test_e_cash_offline_as_json():
    code, found = table("--amount", "0.5", "--e-cash", "--offline", "--language", "en")
    assert code == found["exit_code"] == 0
    assert (found["reason"]["en"], found["e_cash_balance"], found["settlement"]) == (
        "approved offline",
        19_950,
        "settled",
    )
    assert found["cryptogram"]["kind"] == "TC"
    assert "SALES SLIP" in found["receipt"]
    assert [bit["en"] for bit in found["tvr"]["bits"]] == []


@pytest.mark.parametrize(("options", "identifier"), [((), "04"), (("--rsa-only",), "01")])
def test_algorithms_of_the_terminal(options, identifier):
    code, found = table("--profile", "debit-dual", "--amount", "0.5", "--e-cash", "--offline", *options)
    assert (code, found["settlement"]) == (0, "settled")
    assert found["cryptogram"]["issuer_data"][14:16] == identifier
    assert found["tvr"]["bits"] == []


def test_load():
    code, found = table("--load", "100.00", "--pin", "123456")
    assert (code, found["kind"], found["e_cash_balance"]) == (0, "load", 30_000)


def test_declined():
    code, found = table("--amount", "5000.01", "--pin", "123456")
    assert (code, found["approved"], found["response_code"]) == (1, False, "51")


def test_other_card():
    code, found = table("--amount", "1", "--expect-card", "9999")
    assert (code, found["reason"]["en"]) == (1, "another card than expected")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give either --amount or --load"),
        (["--amount", "1", "--load", "1"], "give either --amount or --load"),
        (["--amount", "1.234"], "is no amount"),
        (["--amount", "-1"], "is no amount"),
        (["--amount", "1", "--currency", "XYZ"], "is unknown"),
        (["--amount", "1", "--pin", "12"], "not four to twelve digits"),
        (["--amount", "1", "--offline", "--online"], "--offline excludes"),
        (["--load", "1", "--offline"], "--offline excludes"),
        (["--load", "0.00"], "--load 0.00 loads nothing"),
        (["--load", "1", "--e-cash"], "give one of them"),
        (["--amount", "1", "--reader", "X"], "--expect-card gives digits"),
        (["--amount", "1", "--reader", "X", "--in-process"], "exclude each other"),
        (["--amount", "1", "--expect-card", "62X"], "not made of digits"),
        (["--amount", "1", "--profile", "blank"], "no payment application"),
    ],
)
def test_wrong_use_is_one_sentence(arguments, words):
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_bench_without_such_a_reader(monkeypatch):
    from conformance import bring_up
    from conformance.failures import BenchError

    def fail(*_, **__):
        raise BenchError("no reader 'X'; readers here: none")

    monkeypatch.setattr(bring_up, "open_target", fail)
    result = run("--amount", "1", "--reader", "X", "--expect-card", "62")
    assert (result.exit_code, result.stderr) == (3, "sscard pay: no reader 'X'; readers here: none\n")


def test_unknown_profile():
    result = run("--amount", "1", "--profile", "nothing")
    assert result.exit_code == 2
    assert "neither a product nor a TOML file" in result.stderr


@pytest.mark.parametrize("product", ["debit", "debit-sm", "debit-dual"])
def test_a_ride_with_a_card_that_is_kept(product, tmp_path):
    kept = ("--profile", product, "--image", str(tmp_path / "card.sscard"))
    code, entered = table(*kept, "--transit", "entry")
    assert (code, entered["transit"]["inside"], entered["settlement"]) == (0, True, None)
    code, left = table(*kept, "--transit", "exit", "--amount", "4.00", "--language", "en")
    assert (code, left["e_cash_balance"], left["settlement"]) == (0, 19_600, "settled")
    assert (left["transit"]["fare"], left["transit"]["trip"], left["transit"]["inside"]) == (400, 1, False)
    assert "EXIT" in left["receipt"]
    code, refused = table(*kept, "--transit", "exit", "--amount", "4.00")
    assert (code, refused["reason"]["detail"], refused["transit"]) == (1, "there was no entry", None)


def test_a_card_that_is_made_is_told_of(tmp_path):
    """A mistyped name must not pass for a card that was there; the books never heard of the new one."""
    kept = ("--profile", "debit-sm", "--image", str(tmp_path / "card.sscard"), "--amount", "1.00", "--json")
    assert run(*kept).stderr == f"sscard pay: 新卡 {kept[3]} is a new card of debit-sm: there was no such file\n"
    assert run(*kept).stderr == ""


def test_a_stay_in_the_car_park(tmp_path):
    kept = ("--image", str(tmp_path / "card.sscard"))
    code, parked = table(*kept, "--transit", "park", "--amount", "60")
    assert (code, parked["transit"]["held"], parked["e_cash_balance"]) == (0, 6_000, 14_000)
    assert parked["cryptogram"]["value"] == ""
    code, left = table(*kept, "--transit", "leave", "--amount", "35")
    assert (code, left["e_cash_balance"], left["settlement"]) == (0, 16_500, "settled")


@pytest.mark.parametrize("product", ["debit", "debit-sm", "debit-dual", "ssc3-sm4"])
def test_a_tap(product, tmp_path):
    """By e-cash off line; on line where the merchant wants the bank, or no line is there and the balance is not enough."""
    kept = ("--profile", product, "--image", str(tmp_path / "card.sscard"), "--contactless", "--pin", "123456")
    code, tapped = table(*kept, "--amount", "1.50")
    assert (code, tapped["reason"]["en"], tapped["settlement"]) == (0, "approved offline", "settled")
    assert (tapped["e_cash"], tapped["e_cash_balance"]) == (True, 19_850)
    code, asked = table(*kept, "--amount", "1.50", "--online")
    assert (code, asked["reason"]["en"], asked["cryptogram"]["kind"]) == (0, "approved online", "ARQC")
    assert asked["e_cash_balance"] == 19_850
    code, declined = table(*kept, "--amount", "198.51", "--offline")
    assert (code, declined["reason"]["en"]) == (1, "declined by the card")
    code, declined = table(*kept, "--amount", "5000.01")
    assert (code, declined["response_code"]) == (1, "51")
    assert PAN not in json.dumps(tapped) + json.dumps(asked)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--amount", "1", "--e-cash"), "leave --transit, --load and --e-cash away"),
        (("--load", "1"), "leave --transit, --load and --e-cash away"),
        (("--transit", "entry"), "leave --transit, --load and --e-cash away"),
        (("--amount", "1", "--profile", "ssc2-3des"), "no contactless interface"),
        ((), "give either --amount or --load"),
    ],
)
def test_tap_options_that_do_not_fit(options, sentence):
    result = run("--contactless", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr


def test_the_sectors_of_a_card_are_opened_once(tmp_path):
    from emulator import load_card
    from profiles import load

    profile, image = load("debit"), tmp_path / "card.sscard"
    closed = {name: {} for name in ("METRO", "BUS", "PARKING", "TRIPS")}
    content = {**profile.content, "DEBIT": {**profile.content["DEBIT"], **closed}}
    load_card(profile.model_copy(update={"content": content}), image).memory.close()
    kept = ("--image", str(image))
    code, refused = table(*kept, "--transit", "entry")
    assert (code, refused["reason"]["en"]) == (1, "passage not allowed")
    code, wrong = table(*kept, "--transit", "open", "--pin", "111111")
    assert (code, wrong["opened"], wrong["response_code"]) == (1, [], "55")
    code, opened = table(*kept, "--transit", "open", "--pin", "123456")
    assert (code, opened["opened"], opened["missing"]) == (0, ["15", "16", "18", "1E"], [])
    assert PAN not in json.dumps(opened)
    again = run(*kept, "--transit", "open", "--pin", "123456")
    assert (again.exit_code, "open already" in again.stdout) == (0, True)
    code, entered = table(*kept, "--transit", "entry")
    assert (code, entered["transit"]["inside"]) == (0, True)


def test_a_counter_without_the_books_of_the_bank_opens_nothing(tmp_path):
    result = run("--transit", "open", "--pin", "123456", "--bank", f"socket:{tmp_path / 'bank'}")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "takes no orders for scripts" in result.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--transit", "open"), "--transit open needs --pin"),
        (("--transit", "open", "--pin", "123456", "--amount", "1"), "--transit open asks the bank and costs nothing"),
        (("--transit", "open", "--pin", "123456", "--offline"), "--transit open asks the bank and costs nothing"),
        (("--transit", "open", "--pin", "123456", "--profile", "ssc2-3des"), "no extended application"),
        (("--transit", "open", "--pin", "1", "--profile", "debit"), "--pin is not four to twelve digits"),
        (("--transit", "exit"), "--transit exit needs --amount, such as --amount 4.00"),
        (("--transit", "entry", "--amount", "1"), "--transit entry costs nothing"),
        (("--transit", "exit", "--amount", "1", "--online"), "a gate without line"),
        (("--transit", "entry", "--pin", "1234"), "a gate without line"),
        (("--transit", "entry", "--load", "1"), "a gate without line"),
        (("--transit", "entry", "--profile", "ssc2-3des"), "no contactless interface"),
        (("--amount", "1", "--image", "x", "--reader", "y", "--expect-card", "1"), "--image is a virtual card"),
    ],
)
def test_transit_options_that_do_not_fit(options, sentence):
    result = run(*options)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stdout == ""


def test_a_file_that_is_no_card(tmp_path):
    (tmp_path / "other").write_text("no card")
    result = run("--amount", "1", "--image", str(tmp_path / "other"))
    assert result.exit_code == 2
    assert "not a card image" in result.stderr


def test_the_bank_keeps_books_between_payments(tmp_path):
    from conformance.actors.bank import Bank, IssuerKeys, Ledger
    from profiles import load

    books = tmp_path / "bank.db"
    bank = Bank(*IssuerKeys.of_profile(load("debit")), ledger=Ledger(books))
    bank.open_account(PAN, "01", balance=5_000, pin="123456")
    bank.ledger.close()
    place = ("--bank", str(books), "--image", str(tmp_path / "card.img"), "--pin", "123456", "--online")
    assert table("--amount", "20.00", *place)[0] == 0
    assert Bank(*IssuerKeys.of_profile(load("debit")), ledger=Ledger(books)).account(PAN, "01").balance == 3_000
    code, found = table("--amount", "40.00", *place)
    assert (code, found["response_code"]) == (1, "51")


@pytest.mark.parametrize(("name", "sentence"), [("none.db", "no such books"), ("card.img", "cannot be used")])
def test_books_that_are_none_are_refused(tmp_path, name, sentence):
    (tmp_path / "card.img").write_bytes(b"no database at all, and long enough to be looked at" * 20)
    result = run("--amount", "1", "--bank", str(tmp_path / name))
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1


def test_books_that_fail_on_the_way_are_one_sentence(tmp_path, monkeypatch):
    from conformance.actors.bank import Bank

    def locked(bank, request):
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(Bank, "authorise", locked)
    result = run("--amount", "12.34", "--online", "--pin", "123456", "--json")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == "sscard pay: the books cannot be used: database is locked\n"


def test_two_calls_are_two_terminals_to_a_bank():
    """It takes the second one for a repetition otherwise, where both come to the same number of their own."""
    (_, one), (_, other) = (table("--amount", "1", "--pin", "123456") for _ in range(2))
    assert one["number"][:8] != other["number"][:8]
    for made in (one, other):
        assert made["number"].endswith("000001")
        assert made["number"][:8] in made["receipt"]
