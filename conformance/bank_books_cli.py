"""``sscard bank open`` and ``deposit``: an account with its first card, and money in it, in the bank's books of a station or host."""

from __future__ import annotations

import json
import re
import sqlite3
from datetime import date
from pathlib import Path
from typing import Annotated, NoReturn

import typer

REFUSED, WRONG_USE = 1, 2
CENTURY = 2000
FEN = 100
"""In a yuan."""
LONGEST_AMOUNT = 12
"""Digits of an amount (9F02)."""


def open_account(
    books: Annotated[Path, typer.Option("--books", help="The bank's books, a SQLite file; made when it is missing.")],
    pan: Annotated[str, typer.Option("--pan", help="Account number (主账号), 12 to 19 digits.")],
    pin: Annotated[str, typer.Option("--pin", help="PIN of the card, checked on line: 4 to 12 digits.")],
    holder: Annotated[str, typer.Option("--holder", help="Name of the holder.")] = "",
    identity_number: Annotated[
        str, typer.Option("--identity-number", help="Identity number, with which orders of the holder must agree.")
    ] = "",
    sequence: Annotated[str, typer.Option("--sequence", help="Card sequence number, two digits.")] = "01",
    expiry: Annotated[str, typer.Option("--expiry", help="Month of expiry, YYMM.")] = "2812",
    balance: Annotated[str, typer.Option("--balance", help="Balance in fen.")] = "100000",
    e_cash: Annotated[str, typer.Option("--e-cash", help="E-cash on the card in fen.")] = "0",
    profile: Annotated[str, typer.Option("--profile", help="Product whose keys the bank has.")] = "ssc3-sm4",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")] = False,
) -> None:
    """Open an account with its first card in the bank's books (开户).

    Exit code: 0 opened, 2 wrong use, or the number has an account.
    """
    from conformance.actors.bank import Bank, IssuerKeys, Ledger
    from conformance.actors.bank.card_data import CardDataError, CardOrder
    from profiles import ProfileError, load

    found = re.fullmatch("([0-9]{2})(0[1-9]|1[0-2])", expiry)
    if found is None:
        _give_up(f"--expiry {expiry!r} is no month YYMM")
    if not re.fullmatch("[0-9]{4,12}", pin):
        _give_up("--pin is not four to twelve digits")
    amounts = _fen("--balance", balance, "open"), _fen("--e-cash", e_cash, "open")
    month = date(CENTURY + int(found[1]), int(found[2]), 1)
    order = CardOrder(pan, sequence, month, holder)
    try:
        order.check()
        keys = IssuerKeys.of_profile(load(profile))
    except (CardDataError, ProfileError, ValueError) as problem:
        _give_up(str(problem))
    try:
        bank = Bank(*keys, ledger=Ledger(books))
    except sqlite3.Error as problem:
        _give_up(f"the books {books} cannot be used: {problem}")
    try:
        bank.open_account(
            *(pan, sequence),
            balance=amounts[0],
            e_cash=amounts[1],
            pin=pin,
            holder=holder,
            identity=identity_number,
            expiry=month,
        )
    except sqlite3.IntegrityError:
        _give_up("the number has an account already")
    finally:
        bank.ledger.close()
    if as_json:
        typer.echo(json.dumps({"books": str(books), "card": order.masked, "sequence": sequence}))
    else:
        typer.echo(f"{books}: {order.masked} {sequence}")


def deposit(
    books: Annotated[Path, typer.Option("--books", help="The bank's books, a SQLite file.")],
    pan: Annotated[str, typer.Option("--pan", help="Account number (主账号) of a card of the account.")],
    amount: Annotated[str, typer.Option("--amount", help="What is paid in, in fen.")],
    number: Annotated[str, typer.Option("--number", help="Number of the request, under which it is paid in once.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")] = False,
) -> None:
    """Pay cash into an account (存款), once: the same request again changes nothing.

    Exit code: 0 paid in, 1 the bank refuses, 2 wrong use.
    """
    from conformance.actors.bank import Ledger
    from conformance.actors.bank.change import Outcome
    from conformance.actors.bank.counter import deposit as pay_in

    fen = _fen("--amount", amount, "deposit")
    if not books.exists():
        _give_up(f"{books}: no such books of a bank", "deposit")
    try:
        ledger = Ledger(books)
    except sqlite3.Error as problem:
        _give_up(f"the books {books} cannot be used: {problem}", "deposit")
    try:
        outcome = pay_in(ledger, number, pan, fen)
    except ValueError as problem:
        _give_up(str(problem), "deposit")
    finally:
        ledger.close()
    code = 0 if outcome is Outcome.DONE else REFUSED
    if as_json:
        typer.echo(json.dumps({"outcome": outcome.name.lower(), "exit_code": code}))
    else:
        paid = f"已存入 paid in CNY {fen / FEN:.2f}" if outcome is Outcome.DONE else str(outcome)
        typer.echo(f"{books}: {paid}")
    raise typer.Exit(code)


def _fen(option: str, text: str, command: str) -> int:
    """An amount in the smallest unit: 5.00 is somebody's five yuan, and must not be taken for five fen."""
    if not re.fullmatch(f"[0-9]{{1,{LONGEST_AMOUNT}}}", text):
        _give_up(f"{option} {text!r} is no whole number of fen; CNY 5.00 is written 500", command)
    return int(text)


def _give_up(sentence: str, command: str = "open") -> NoReturn:
    typer.echo(f"sscard bank {command}: {sentence}", err=True)
    raise typer.Exit(WRONG_USE)
