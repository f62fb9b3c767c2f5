"""The bank of a command: a test bank that knows the product's card, the bank over a file of books, or one behind a socket."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from conformance.host_option import bank_at, socket_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.actors.bank import Account, Bank
    from conformance.actors.hosts.bank import BankHost
    from profiles.model import Profile

WRONG_USE, BENCH_FAILED = 2, 3
BANK_BALANCE = 500_000
"""What the test bank's account holds at the start, in the smallest unit."""
HOME_CURRENCY = "0156"
"""Renminbi, of an account whose card names no currency."""


@contextmanager
def bank_named(
    profile: Profile, place: Path | None, give_up: Callable[[str, int], NoReturn]
) -> Iterator[Bank | BankHost]:
    """The bank over the books in a file, or behind a socket; a test bank that knows the product's card where neither is named.

    Ends the command where there is none, or its books fail on the way.
    """
    try:
        with ExitStack() as opened:
            try:
                bank = bank_of(profile) if place is None else bank_at(profile, _existing(place), opened)
            except ValueError as problem:
                give_up(str(problem), WRONG_USE)
            except sqlite3.Error as problem:
                give_up(f"the books {place} cannot be used: {problem}", WRONG_USE)
            yield bank
    except sqlite3.Error as problem:
        give_up(f"the books cannot be used: {problem}", BENCH_FAILED)


def _existing(place: Path) -> Path:
    if socket_of(place) is None and not place.exists():
        raise ValueError(f"{place}: no such books of a bank; make them with: sscard bank open")
    return place


def bank_of(profile: Profile) -> Bank:
    """A test bank that knows the card of the product; ValueError where that has no payment application."""
    from conformance.actors.bank import Bank, IssuerKeys

    bank = Bank(*IssuerKeys.of_profile(profile))
    open_test_account(bank, profile)
    return bank


def open_test_account(bank: Bank, profile: Profile) -> None:
    """Open an account for each payment application of the product's test card; one that is there already stays as it is."""
    from profiles.payment_content import data_objects

    for name, directory in profile.directory.items():
        if directory.payment is None or bank.ledger.account(*_numbers(profile, name)) is not None:
            continue
        objects = data_objects(directory)
        bank.open_account(
            *_numbers(profile, name),
            balance=BANK_BALANCE,
            e_cash=int(objects.get("9F79", b"\0").hex()),
            e_cash_limit=int(objects.get("9F77", b"\0").hex()),
            currency=objects.get("9F51", bytes.fromhex(HOME_CURRENCY)).hex(),
        )


def _numbers(profile: Profile, directory: str) -> tuple[str, str]:
    """Account number and sequence number of a payment application."""
    from profiles.payment_content import record_values

    records = record_values(profile, directory)
    return records["5A"].hex().upper().rstrip("F"), records.get("5F34", b"\0").hex()


def account_of(bank: Bank, profile: Profile) -> Account:
    """What a bank made by :func:`bank_of` has of the product's card; KeyError where that has no payment application."""
    from profiles.applications import payment_directory

    return bank.account(*_numbers(profile, payment_directory(profile) or ""))
