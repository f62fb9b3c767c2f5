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
from tests.payment.terminal import profile
from tests.suites.broken import Run, run


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
    **changed: Any,
) -> Run:
    """Run a suite on a card that is declared so (see :func:`tests.payment.terminal.profile`).

    The card is good, or has a named fault, or deviates at GENERATE AC.
    """
    declared = profile(**changed)
    card = load_card(declared)
    if fault is not None:
        card = with_fault(card, fault)
    if deviation is not None:
        card = with_deviation(card, ["GENERATE AC"], deviation, PAYMENT_APPLICATIONS)
    return run(suite, declared.name, profile=declared, card=InProcessTarget(card), only=only)
