"""Runs of the payment suites on cards that are declared otherwise than the products, good or with a deviation of their own."""

from __future__ import annotations

from typing import Any

from conformance.cases import Suite
from conformance.faults import with_fault
from conformance.faults.catalogue import Deviation, with_deviation
from conformance.faults.payment.means import Change, other_check, replaced
from conformance.targets.in_process import InProcessTarget
from emulator import load_card
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.iso7816 import Command
from profiles.applications import PAYMENT_APPLICATIONS
from profiles.loader import from_table
from profiles.model import Profile
from profiles.sources import merge, products, read
from tests.payment.terminal import profile
from tests.suites.broken import Alteration, Run, product, run


def deviating(name: str, change: Change, *, first: bool = True) -> Deviation:
    """A card with one of its checks changed: of those before the first cryptogram, or of those when unable to go online."""

    def deviation(card: Card, command: Command, good: Handler) -> bytes:
        with other_check(first, name, change):
            return good(card, command)

    return deviation


def with_other(owner: object, name: str, value: object) -> Deviation:
    """A card with another value in its program."""

    def deviation(card: Card, command: Command, good: Handler) -> bytes:
        with replaced(owner, name, value):
            return good(card, command)

    return deviation


def run_declared(
    suite: Suite,
    only: str | tuple[str, ...] = (),
    *,
    fault: str | None = None,
    deviation: Deviation | None = None,
    alteration: Alteration | None = None,
    answering: str | None = None,
    **changed: Any,
) -> Run:
    """Run a suite on a card that is declared so (see :func:`tests.payment.terminal.profile`).

    The card is good, or has a named fault, or deviates at GENERATE AC, or stands behind an alteration; or the card of a
    product is ``answering`` in its place.
    """
    declared = profile(**changed)
    card = load_card(declared if answering is None else product(answering))
    if fault is not None:
        card = with_fault(card, fault)
    if deviation is not None:
        card = with_deviation(card, ["GENERATE AC"], deviation, PAYMENT_APPLICATIONS)
    return run(suite, declared.name, alteration, profile=declared, card=InProcessTarget(card), only=only)


E_CASH_DATA = frozenset(
    {"9F79", "9F77", "9F78", "9F6D", "DF71", "DF79", "DF77", "DF78", "DF76", "DF72", "DF4D", "DF4F", "9F5D", "9F68"}
    | {"9F6B", "DF61", "DF62", "DF63"}
)
E_CASH_FILES = ("LOADLOG", "SFI05", "METRO", "BUS", "PARKING", "TRIPS")


def without_e_cash() -> Profile:
    """A debit card of the contacts alone, without e-cash and what stands on it."""
    table = merge(read(products()["debit"]), {})
    debit, content = table["directory"]["DEBIT"], table["content"]["DEBIT"]
    debit["data"] = {tag: value for tag, value in debit["data"].items() if tag not in E_CASH_DATA}
    debit["data"]["9F10"] = "07 01 01 03000000 01"
    debit["payment"] = {key: value for key, value in debit["payment"].items() if key != "contactless"}
    debit["payment"]["path"] = {"ordinary": debit["payment"]["path"]["ordinary"]}
    for name in E_CASH_FILES:
        debit["file"].pop(name, None)
        content.pop(name, None)
    del table["directory"]["PPSE"]
    return from_table(table)
