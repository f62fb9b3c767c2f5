"""``sscard pay`` as a person or a pipeline meets it."""

import json

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
