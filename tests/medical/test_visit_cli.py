"""``sscard settle visit`` as a person or a pipeline meets it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emulator import load_card
from emulator.links.stack import PrivateStack
from tests.links.fixtures import stack
from tests.medical.hospital import MODULES
from tests.medical.test_cli import BILL, person_of, run

__all__ = ["stack"]

PRODUCTS = pytest.mark.parametrize("product", MODULES)
WHOLE_BY_CARD = (*BILL, "--no-account")
"""200.00 below the deductible, nothing from the account: the own part is all of it."""
PAN = "6214988660100000304"


def visit(*arguments: str) -> tuple[int, dict[str, Any]]:
    result = run("settle", "visit", "--json", *arguments)
    return result.exit_code, json.loads(result.stdout)


@PRODUCTS
def test_both_parts_by_steps_with_one_slip(product: str) -> None:
    result = run("settle", "visit", "--profile", product, *WHOLE_BY_CARD)
    assert result.exit_code == 0
    steps = [
        "预结算",
        "DEBIT FOR PURCHASE: TAC",
        "the centre has cleared it",
        "application selection",
        "response code 00",
        "approved online",
        "paid by card",
        "医疗费用结算单",
        "应付金额",
        "银行卡已支付\n",
    ]
    places = [result.stdout.rindex(step) for step in steps]
    assert places == sorted(places)
    for secret in (person_of(product), PAN, "123456"):
        assert secret not in result.stdout
    assert "年度个人支付 paid by the person CNY 200.00" in result.stdout
    assert "balance CNY 4800.00" in result.stdout


@PRODUCTS
@pytest.mark.parametrize("keys", [(), ("--hsm",)], ids=["PSAM", "HSM"])
def test_the_own_part_of_the_scheme_as_json(product: str, keys: tuple[str, ...]) -> None:
    """500.00 of deductible, 80 percent of the next 500.00, 500.00 outside the list."""
    options = ("--total", "1500", "--eligible", "1000", "--no-account", "--pin", "123456", "--profile", product)
    code, found = visit(*options, *keys)
    assert (code, found["exit_code"], found["outcome"], found["own_part"]) == (0, 0, "card", 110_000)
    assert found["medical"]["shares"] == {"fund": 40_000, "account": 0, "own": 110_000}
    assert (found["payment"]["approved"], found["payment"]["amount"]) == (True, 110_000)
    assert (found["bank_balance"], found["books"]["own"]) == (390_000, 110_000)
    assert found["books"]["account"] == 120_000
    text = json.dumps(found)
    assert PAN not in text
    assert person_of(product) not in text


@pytest.mark.parametrize(
    ("options", "code", "outcome", "books"),
    [
        (("--own-part", "cash"), 0, "cash", 20_000),
        (("--bank-line", "down"), 1, "cash", 20_000),
        (("--bank-line", "down", "--unpaid", "reverse"), 1, "reversed", 0),
        (("--bank-line", "answer-lost"), 1, "cash", 20_000),
        (("--bank-line", "answer-lost", "--unpaid", "reverse"), 1, "reversed", 0),
        (("--bank-pin", "999999", "--no-cash"), 1, "owed", 20_000),
        (("--bank-line", "down", "--unpaid", "reverse", "--line-down"), 1, "not_begun", 0),
    ],
)
def test_what_becomes_of_an_unpaid_part(options: tuple[str, ...], code: int, outcome: str, books: int) -> None:
    ended, found = visit(*WHOLE_BY_CARD, *options)
    assert (ended, found["exit_code"], found["outcome"]) == (code, code, outcome)
    assert found["books"]["own"] == books
    assert found["bank_balance"] == 500_000
    assert bool(found["reason"]["en"]) is (code == 1 and outcome != "not_begun")


def test_nothing_to_pay_and_nothing_settled() -> None:
    code, found = visit(*BILL)
    assert (code, found["outcome"], found["own_part"], found["payment"]) == (0, "none", 0, None)
    code, found = visit("--total", "200", "--no-account", "--pin", "000000", "--bank-pin", "123456")
    assert (code, found["outcome"], found["payment"]) == (1, "not_begun", None)
    assert found["medical"]["outcome"] == "refused"


def test_card_and_books_are_kept(tmp_path: Path) -> None:
    files = {"--image": "card.sscard", "--sam-image": "psam.sscard", "--books": "centre.db"}
    kept = [word for option, name in files.items() for word in (option, str(tmp_path / name))]
    first, second = visit(*WHOLE_BY_CARD, *kept)[1], visit(*WHOLE_BY_CARD, *kept)[1]
    assert (first["outcome"], second["outcome"]) == ("card", "card")
    counters = [int(each["payment"]["cryptogram"]["counter"], 16) for each in (first, second)]
    assert counters == [1, 2]
    assert second["books"]["own"] == 40_000
    code, again = visit(*WHOLE_BY_CARD, *kept, "--number", first["number"])
    assert (code, again["outcome"], again["payment"]) == (1, "not_begun", None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--total", "x"], "is no amount"),
        (["--total", "1", "--bank-pin", "12"], "--bank-pin is not four to twelve digits"),
        (["--total", "1", "--reader", "x"], "--expect-card"),
        (["--total", "1", "--profile", "debit"], "no social security application"),
        (["--total", "1", "--profile", "blank"], "give one that has, such as ssc3-sm4"),
        (["--total", "1", "--books", "README.md"], "cannot be used"),
    ],
)
def test_wrong_use(arguments: list[str], words: str) -> None:
    result = run("settle", "visit", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


@pytest.mark.pcsc
@PRODUCTS
def test_one_slot_for_both_applications(product: str, stack: PrivateStack) -> None:
    """Over real PC/SC: the card in slot 0, the PSAM in slot 1."""
    names = stack.reader_names
    stack.insert(load_card(product), 0)
    stack.insert(load_card(MODULES[product]), 1)
    places = ("--profile", product, "--reader", names[0], "--sam-reader", names[1], "--expect-card", "500000")
    first, second = visit(*places, *WHOLE_BY_CARD), visit(*places, *WHOLE_BY_CARD, "--bank-line", "down")
    third = visit(*places, *BILL)
    assert [(code, found["outcome"]) for code, found in (first, second, third)] == [
        (0, "card"),
        (1, "cash"),
        (0, "none"),
    ]
    assert [int(found["medical"]["terminal_number"], 16) for _, found in (first, second, third)] == [1, 2, 3]
    assert [int(found["payment"]["cryptogram"]["counter"], 16) for _, found in (first, second)] == [1, 2]
    missing = run("settle", "visit", *WHOLE_BY_CARD, "--reader", "no such reader", "--expect-card", "5")
    assert missing.exit_code == 3
