"""Runs of the payment suites on cards of the products, on cards with a named fault, and on cards that are declared otherwise."""

from __future__ import annotations

from typing import Any

from conformance.cases import Suite
from conformance.faults import with_fault
from conformance.targets.in_process import InProcessTarget
from emulator import load_card
from tests.payment.terminal import profile
from tests.suites.broken import Run, product, run

PRODUCTS = ("debit", "debit-sm", "debit-dual", "ssc3-sm4", "ssc2-3des")


def run_faulty(suite: Suite, fault: str, name: str = "debit", only: str | tuple[str, ...] = ()) -> Run:
    """Run a suite on a card of a product with a named fault."""
    return run(suite, name, only=only, card=InProcessTarget(with_fault(load_card(product(name)), fault)))


def run_declared(suite: Suite, only: str | tuple[str, ...] = (), *, fault: str | None = None, **changed: Any) -> Run:
    """Run a suite on a card that is declared so (see :func:`tests.payment.terminal.profile`), good or with a named fault."""
    declared = profile(**changed)
    card = load_card(declared)
    if fault is not None:
        card = with_fault(card, fault)
    return run(suite, declared.name, profile=declared, card=InProcessTarget(card), only=only)
