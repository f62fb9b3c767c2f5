"""``sscard settle medical``, ``read`` and ``call`` as a person or a pipeline meets them."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from conformance.actors.medical.centre import Centre
from conformance.actors.medical.codes import Code
from conformance.actors.medical.middleware import Middleware
from emulator import load_card
from emulator.links.stack import PrivateStack
from profiles import load
from sscard import app
from tests.links.fixtures import stack
from tests.medical.hospital import MODULES

__all__ = ["stack"]

PRODUCTS = pytest.mark.parametrize("product", MODULES)
BILL = ("--total", "200.00", "--pin", "123456")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def settle(*arguments: str) -> tuple[int, dict[str, Any]]:
    result = run("settle", "medical", "--json", *arguments)
    return result.exit_code, json.loads(result.stdout)


def call(*arguments: str) -> tuple[int, int, str]:
    result = run("call", "--json", *arguments)
    found = json.loads(result.stdout)
    return result.exit_code, found["code"], found["pOutInfo"]


def person_of(product: str) -> str:
    return str(load(product).content["SSSE"]["EF06"]["08"])


@PRODUCTS
def test_settled_by_steps_with_a_slip(product: str) -> None:
    result = run("settle", "medical", "--profile", product, *BILL)
    assert result.exit_code == 0
    steps = [
        "读取卡片",
        "预结算",
        "结算初始化",
        "DEBIT FOR PURCHASE: TAC",
        "MAC2 is right",
        "the centre has cleared it",
    ]
    places = [result.stdout.index(step) for step in steps]
    assert places == sorted(places)
    assert "CNY 200.00" in result.stdout
    assert person_of(product) not in result.stdout
    assert "123456" not in result.stdout


@PRODUCTS
@pytest.mark.parametrize("keys", [(), ("--hsm",)], ids=["PSAM", "HSM"])
def test_shares_as_the_scheme_has_them(product: str, keys: tuple[str, ...]) -> None:
    """500.00 of deductible, then the fund pays 80 percent of what lies within the list."""
    code, found = settle("--profile", product, *keys, "--total", "1500", "--eligible", "1000", "--pin", "123456")
    assert (code, found["outcome"]) == (0, "settled")
    assert found["shares"] == {"fund": 40_000, "account": 110_000, "own": 0}
    assert found["card_amounts"] == f"{0:08X}{150_000:08X}{150_000:08X}"
    assert found["steps"][1]["en"] == "account CNY 1100.00, own CNY 0.00, fund CNY 400.00"
    assert found["steps"][1]["zh"] == "账户 CNY 1100.00 自付 CNY 0.00 统筹 CNY 400.00"
    assert found["books"]["account"] == 120_000 - 110_000
    assert len(found["tac"]) == 8
    assert [step["seconds"] for step in found["steps"]] == sorted(step["seconds"] for step in found["steps"])


def test_special_settlements_and_an_untouched_account() -> None:
    code, found = settle(*BILL, "--category", "work-injury", "--no-account", "--language", "en")
    assert (code, found["shares"]) == (0, {"fund": 20_000, "account": 0, "own": 0})
    assert "writing to the card" in [step["step"] for step in found["steps"]]
    assert "MEDICAL SETTLEMENT" in found["receipt"]
    code, found = settle(*BILL, "--no-account")
    assert (code, found["shares"]) == (0, {"fund": 0, "account": 0, "own": 20_000})


def test_temporarily_offline_then_delivered() -> None:
    code, found = settle(*BILL, "--mode", "temporary-offline", "--line-down")
    assert (code, found["outcome"]) == (0, "settled_offline")
    assert (found["steps"][-1]["step"], found["steps"][-1]["en"]) == ("upload", "the centre has cleared it")
    assert found["books"]["account"] == 120_000 - 20_000


@pytest.mark.parametrize("command", ["medical", "visit"])
@pytest.mark.parametrize("mode", [("offline",), ("temporary-offline", "--line-down")])
def test_a_number_is_settled_once_off_line_too(command: str, mode: tuple[str, ...], tmp_path: Path) -> None:
    """Nobody asks the centre; the card would pay again, and the centre refuse the upload."""
    names = ("--image", "--sam-image", "--books")
    kept = [word for name in names for word in (name, str(tmp_path / name[2:]))]
    words = ("settle", command, *BILL, *kept, "--mode", *mode, "--number", "B1")
    assert run(*words).exit_code == 0
    log = call("--image", str(tmp_path / "image"), "iReadDebitRecord", "1", "--pin", "123456")
    again = run(*words)
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr.endswith("B1 已结算或已冲正 · was settled or taken back before; give another --number\n")
    assert call("--image", str(tmp_path / "image"), "iReadDebitRecord", "1", "--pin", "123456") == log


def test_card_and_books_are_kept(tmp_path: Path) -> None:
    files = {"--image": "card.sscard", "--sam-image": "psam.sscard", "--books": "centre.db"}
    kept = (*BILL, *(word for option, name in files.items() for word in (option, str(tmp_path / name))))
    first, second = settle(*kept)[1], settle(*kept)[1]
    for number in ("card_number", "terminal_number"):
        assert int(second[number], 16) == int(first[number], 16) + 1
    assert (first["books"]["account"], second["books"]["account"]) == (100_000, 80_000)
    code, found = settle(*kept, "--number", first["number"])
    assert (code, found["outcome"]) == (1, "refused")
    third = settle(*kept)[1]
    assert third["shares"] == {"fund": 8_000, "account": 12_000, "own": 0}, "only 100.00 of the deductible is left"
    assert third["books"]["account"] == 68_000


def test_card_and_psam_that_are_made_are_told_of(tmp_path: Path) -> None:
    files = ("--image", str(tmp_path / "card.sscard"), "--sam-image", str(tmp_path / "psam.sscard"))
    for command in (("settle", "medical", *BILL), ("read",)):
        told = CliRunner().invoke(app, [*command, *files]).stderr.splitlines()
        made = [(files[1], "ssc3-sm4"), (files[3], "psam-sm4")] if command[0] == "settle" else []
        name = " ".join(command[:2]) if command[0] == "settle" else "read"
        assert told == [
            f"sscard {name}: 新卡 {file} is a new card of {of}: there was no such file" for file, of in made
        ]


@PRODUCTS
def test_an_offline_area_loads_and_pays(product: str, tmp_path: Path) -> None:
    files = {"--image": "card.sscard", "--sam-image": "psam.sscard", "--books": "centre.db"}
    kept = [word for option, name in files.items() for word in (option, str(tmp_path / name))]
    kept += ["--profile", product, "--pin", "123456"]
    shown = run("settle", "load", "--amount", "100", *kept)
    assert shown.exit_code == 0
    assert "loaded CNY 100.00" in shown.stdout
    found = json.loads(run("settle", "load", "--amount", "50.5", "--json", *kept).stdout)
    assert (found["loaded"], found["balance"], len(found["tac"])) == (True, 15_050, 8)
    code, bill = settle("--mode", "offline", "--total", "200", *kept)
    assert (code, bill["outcome"]) == (0, "settled_offline")
    assert bill["shares"] == {"fund": 0, "account": 15_050, "own": 4_950}
    assert bill["books"]["account"] == 120_000 - 15_050
    beyond = json.loads(run("settle", "load", "--amount", "1049.51", "--json", *kept).stdout)
    assert (beyond["exit_code"], beyond["reason"]["en"]) == (1, "the personal account has not so much")
    refused = run("settle", "load", "--amount", "1", "--profile", product)
    assert refused.exit_code == 1
    assert "6982" in refused.stdout
    assert run("settle", "load", "--amount", "x").exit_code == 2
    assert run("settle", "load", "--amount", "1", "--number", "?").exit_code == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--total", "200"], "refused: INITIALIZE FOR PURCHASE, 6982"),
        (["--total", "200", "--pin", "000000"], "refused: VERIFY, 63C"),
        ([*BILL, "--line-down"], "cannot be reached"),
        (["--total", "0", "--pin", "123456"], "the amounts are not right"),
        (["--total", "100000", "--pin", "123456", "--mode", "temporary-offline", "--line-down"], "limits"),
    ],
)
def test_not_settled(options: list[str], words: str) -> None:
    code, found = settle(*options, "--language", "en")
    assert (code, found["outcome"]) == (1, "refused")
    assert words in " ".join(found["receipt"].split())
    reason = found["reason"]["en"]
    assert " ".join(reason.split()) in " ".join(found["receipt"].split()), "the slip has room for all of it"
    assert found["books"]["account"] == 120_000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--total", "x"], "is no amount"),
        (["--total", "-1"], "is no amount"),
        (["--total", "42949672.96"], "more than a card can count"),
        (["--total", "1", "--eligible", "2"], "cannot be more"),
        (["--total", "1", "--pin", "12"], "not four to sixteen digits"),
        (["--total", "1", "--number", "a b"], "--number"),
        (["--total", "1", "--reader", "x"], "--expect-card"),
        (["--total", "1", "--reader", "x", "--in-process"], "exclude each other"),
        (["--total", "1", "--reader", "x", "--image", "y"], "one of them"),
        (["--total", "1", "--expect-card", "xyz"], "not made of hexadecimal digits"),
        (["--total", "1", "--hsm", "--sam-reader", "x"], "leave --sam-reader away"),
        (["--total", "1", "--hsm", "--sam-image", "x"], "leave --hsm and --sam-reader away"),
        (["--total", "1", "--reader", "x", "--sam-reader", "x", "--expect-card", "5"], "two readers or slots"),
        (["--total", "1", "--profile", "debit"], "no social security application"),
        (["--total", "1", "--profile", "blank"], "no social security application"),
        (["--total", "1", "--profile", "nothing"], "neither a product nor a TOML file"),
        (["--total", "1", "--image", "README.md"], "README.md"),
        (["--total", "1", "--books", "README.md"], "cannot be used"),
        (["--total", "1", "--books", "no/such/folder/x.db"], "cannot be used"),
    ],
)
def test_wrong_use(arguments: list[str], words: str) -> None:
    result = run("settle", "medical", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_another_card_than_expected() -> None:
    result = run("settle", "medical", *BILL, "--expect-card", "110000")
    assert result.exit_code == 1
    assert "another card than expected: its identification code is 500000" in result.stderr


@PRODUCTS
def test_the_base_string(product: str) -> None:
    content = load(product).content["SSSE"]
    result = run("read", "--profile", product)
    assert result.exit_code == 0
    assert f"姓名 name: {content['EF06']['09']}\n" in result.stdout
    last = result.stdout.rstrip("\n").split("\n")[-1]
    assert last.split("|")[1:3] == [content["EF06"]["08"], content["EF05"]["07"]]
    assert last.count("|") == 11


def test_named_files() -> None:
    number = load("ssc3-sm4").content["SSSE"]["EF05"]["07"]
    assert run("read", "SSSEEF05|07|$").stdout == f"iReadCard 0\nSSSEEF05|{number}|$\n"
    wrong = run("read", "nonsense")
    assert (wrong.exit_code, wrong.stdout) == (2, "iReadCard -14\n命令参数错误\n")
    assert run("read", "--all", "SSSEEF05|07|$").exit_code == 2


@PRODUCTS
def test_every_file(product: str) -> None:
    """Without the holder's PIN the files that need it say so, and the others are there."""

    def read(*options: str) -> dict[str, dict[str, Any]]:
        found = json.loads(run("read", "--all", "--json", "--profile", product, *options).stdout)
        return {row["file"]: row for row in found["files"]}

    without, with_pin = read(), read("--pin", "123456")
    assert set(without) == set(with_pin) > {"SSSE/EF05", "DF01/EF05", "DF04/EF08"}
    assert without["SSSE/EF05"]["code"] == 0
    assert (without["DF04/EF08"]["code"], without["DF04/EF08"]["message"]) == (-31, "用户取消密码输入")
    assert {row["file"] for row in with_pin.values() if row["code"]} <= {"SSSE/DIR"}
    assert len(with_pin["DF04/EF08"]["values"]) >= 2
    shown = run("read", "--all", "--profile", product)
    assert "DF04/EF08" in shown.stdout
    assert shown.exit_code == 0


def test_a_card_that_goes_while_every_file_is_read_is_a_failure_of_the_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Middleware, "call", lambda middleware, name, *rest: (Code.NO_CARD, "no card"))
    result = run("read", "--all")
    assert (result.exit_code, f"{int(Code.NO_CARD)} no card" in result.stdout) == (3, True)


@pytest.mark.parametrize("command", [("medical", "--total", "1"), ("load", "--amount", "1"), ("visit", "--total", "1")])
def test_books_that_fail_on_the_way_are_one_sentence(monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    def locked(centre: Centre, *given: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(Centre, "pre_settle", locked)
    monkeypatch.setattr(Centre, "load", locked)
    result = run("settle", *command, "--pin", "123456", "--json")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == f"sscard settle {command[0]}: the books cannot be used: database is locked\n"


def test_operations_by_name(tmp_path: Path) -> None:
    image = ("--image", str(tmp_path / "card.sscard"))
    assert call(*image, "iDoDebit", "1", "", "100|200|20260101120000|", "--pin", "123456")[:2] == (1, -35)
    assert call(*image, "iChangePIN", "1", "--pin", "123456", "--new-pin", "654321") == (0, 0, "")
    code, number, text = call(*image, "iDoDebit", "1", "", "100|200|20260101120000|", "--pin", "654321")
    assert (code, number, text.count("|")) == (0, 0, 4)
    newest = call(*image, "iReadDebitRecord", "1", "--pin", "654321")[2].split("|")[0].split("^")
    assert newest[3:] == ["20260101120000", "00000000", "00000064", "000000C8"]
    assert call(*image, "iReadCardBas", "9") == (2, -1, "卡类型不正确")
    unknown = run("call", "iNothing")
    assert unknown.exit_code == 2
    assert "iDoDebit" in unknown.stderr


@PRODUCTS
def test_steps_with_the_hsm(product: str, tmp_path: Path) -> None:
    """The first step is carried on to the last one; what that needs besides stands behind; the end is that of one call."""
    image = ("--profile", product, "--image", str(tmp_path / "card.sscard"), "--hsm")
    result = run("call", *image, "iReadCardBas_HSM_Step1")
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert (lines[0], lines[2][:4], lines[3]) == ("iReadCardBas_HSM_Step1 0", "HSM ", "iReadCardBas_HSM_Step2 0")
    assert lines[4] == call(*image, "iReadCardBas")[2]
    written = call(*image, "iWriteCard_HSM_Step1", "1", "", "DF01EF05|21|$", "DF01EF05|重庆市江北区|$")
    assert written == (0, 0, "")
    found = json.loads(run("call", "--json", *image, "iReadCard_HSM_Step1", "1", "", "DF01EF05|21|$").stdout)
    assert (found["operation"], found["pOutInfo"]) == ("iReadCard_HSM_Step2", "DF01EF05|重庆市江北区|$")
    assert [step["operation"] for step in found["steps"]] == ["iReadCard_HSM_Step1"]
    assert len(found["pKey"]) == 32
    assert call(*image, "--new-pin", "654321", "iReloadPIN_HSM_Step1", "1", "") == (0, 0, "")
    assert call(*image, "--pin", "123456", "iUnblockPIN_HSM_Step1", "1", "")[:2] == (0, 0)
    payment = ("iDoDebit_HSM_Step1", "1", "", "100|200|20260101120000|")
    assert call(*image, "--pin", "123456", *payment)[:2] == (1, -35)
    assert call(*image, "--pin", "999999", *payment)[:2] == (1, -51)
    assert call(*image, "--pin", "654321", *payment)[:2] == (0, 0)
    newest = call(*image, "iReadDebitRecord", "1", "--pin", "654321")[2].split("|")[0].split("^")
    assert newest[3:] == ["20260101120000", "00000000", "00000064", "000000C8"]
    assert call(*image, "iWriteCard_HSM_Step1", "1", "", "DF01EF05|21|$")[:2] == (2, -14)
    assert call(*image, "iReadCard_HSM_Step1", "1", "", "DF01EF05|21|$", "more")[:2] == (2, -14)


def test_a_settlement_whose_mac2_the_hsm_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The card is right, so the HSM is made to have another opinion."""
    monkeypatch.setattr("conformance.actors.medical.counter.INITIAL_PIN", "000000")
    payment = ("call", "--hsm", "--pin", "123456", "iDoDebit_HSM_Step1", "1", "", "1|2|20260101120000|")
    assert run(*payment).exit_code == 0
    monkeypatch.setattr("conformance.actors.medical.hsm.Hsm.confirm", lambda *_: False)
    result = run(*payment)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "MAC2 of the card is wrong" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("call", "iReadCard", "1"), "iReadCard takes iType iAuthType pCardInfo pFileAddr"),
        (("call", "iReadCardBas", "x"), "iReadCardBas takes iType"),
        (("call", "iReadCard", "1", "0", "", "SSSEEF05|07"), "'SSSEEF05|07' does not consist of parts that end with $"),
        (("call", "iWriteCard", "1", "", "DF01EF05|21|$", "DF01EF05|😀|$"), "'😀' has no code in GBK"),
        (("read", "nonsense"), "'nonsense' does not consist of parts that end with $"),
    ],
)
def test_what_is_wrong_with_the_parameters_is_told(arguments: tuple[str, ...], sentence: str) -> None:
    result = run(*arguments, "--pin", "123456")
    assert (result.exit_code, result.stdout.endswith("-14\n命令参数错误\n")) == (2, True)
    assert result.stderr.startswith(f"sscard {arguments[0]}: {sentence}")


def test_a_status_word_is_told_as_a_failure() -> None:
    """pOutInfo names the step, that it failed, and the status word."""
    code, _, text = call("iReadCard", "1", "0", "", "DF04EF06|90|$", "--pin", "999999")
    assert (code, text) == (1, "验证个人密码失败，状态字 63C5")


def test_parameters_of_digits_stay_text() -> None:
    """Only those called iXxx are whole numbers: neither a PIN nor a key of the HSM is one."""
    assert call("PKI_SignData", "123456", "123", "1")[:2] == (0, 0)
    assert call("PKI_SignData", "999999", "123", "1")[:2] == (1, -0x63C5)
    assert call("iReadCard_HSM_Step2", "1" * 32)[:2] == (2, -12)
    assert call("iReadCardBas", "x")[:2] == (2, -14)
    assert call("iReadCardBas", "1" * 5000)[:2] == (2, -14)
    assert call("iReadCard", "1", "1", "", "DF01EF05|20|$", "--pin", "123456")[:2] == (0, 0)
    assert call("iReadSignatureKey", "--profile", "ssc2-3des")[:2] == (2, -13)


@pytest.mark.pcsc
@PRODUCTS
def test_card_and_psam_in_two_slots(product: str, stack: PrivateStack) -> None:
    """Settled over real PC/SC in every mode, the PSAM counting its own transactions in slot 1."""
    names = stack.reader_names
    stack.insert(load_card(product), 0)
    stack.insert(load_card(MODULES[product]), 1)
    places = ("--profile", product, "--reader", names[0], "--sam-reader", names[1], "--expect-card", "500000")
    ways = [
        (),
        ("--category", "maternity"),
        ("--mode", "temporary-offline"),
        ("--mode", "temporary-offline", "--line-down"),
    ]
    found = [settle(*places, *BILL, *way) for way in ways]
    assert [(code, each["outcome"]) for code, each in found] == [(0, "settled")] * 3 + [(0, "settled_offline")]
    assert [int(each["terminal_number"], 16) for _, each in found] == [1, 2, 3, 4]
    assert [each["written_back"] for _, each in found] == [True] * 4
    loaded = json.loads(run("settle", "load", "--amount", "60", "--pin", "123456", "--json", *places).stdout)
    assert (loaded["loaded"], loaded["balance"]) == (True, 6_000)
    code, offline = settle(*places, *BILL, "--mode", "offline")
    assert (code, offline["outcome"], offline["shares"]["account"]) == (0, "settled_offline", 6_000)
    basics = run("read", *places)
    assert basics.exit_code == 0
    assert person_of(product) in basics.stdout
    stepwise = call("--hsm", *places[:4], *places[6:], "iReadCardBas_HSM_Step1")
    assert (stepwise[0], stepwise[2].split("|")[1]) == (0, person_of(product))
    missing = run("settle", "medical", *places[:2], "--reader", "no such reader", "--expect-card", "5", *BILL)
    assert missing.exit_code == 3
    assert "no reader 'no such reader'" in missing.stderr
