"""A terminal at a real PC/SC reader with the virtual card in it: everything is as with a card in process."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from conformance.actors.bank import Bank, IssuerKeys, TransactionKind
from conformance.actors.sector import Passage, sector_keys
from conformance.actors.terminal import Gate, Kernel, PreparedHolder, Purchase, Reason
from conformance.actors.terminal.events import Event, Exchanged
from conformance.targets.base import Interface
from conformance.targets.in_process import InProcessTarget
from conformance.targets.virtual_reader import VirtualReaderTarget
from emulator import load_card
from emulator.apps.load import card_of
from emulator.cos.card import Card
from emulator.cos.memory import Memory, Snapshot
from profiles import load

from .bench import PAN, PSN

pytestmark = pytest.mark.pcsc

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
SIGNED_AFRESH = ("debit-sm",)
"""Products whose dynamic signatures are never twice the same: SM2 takes a random number for each."""


def visits(product: str, target: Any) -> tuple[list[Event], list[Any], Bank]:
    """A purchase on line, a load of e-cash, and a purchase by e-cash, with what the terminal and the bank say."""
    bank = Bank(*IssuerKeys.of_profile(load(product)))
    bank.open_account(PAN, PSN, balance=500_000, e_cash=20_000)
    heard: list[Event] = []
    kernel = Kernel(
        target,
        host=bank,
        holder=PreparedHolder(("123456", "123456")),
        random=random.Random(7),  # noqa: S311 - test data, not secrets
        listener=heard.append,
    )
    results = []
    try:
        target.connect()
        for purchase in (
            Purchase(1234, number=1, when=NOON, e_cash=False),
            Purchase(5000, number=2, when=NOON, kind=TransactionKind.LOAD),
            Purchase(777, number=3, when=NOON),
        ):
            results.append(replace(kernel.run(purchase), events=()))
            target.reset()
    finally:
        target.close()
    return heard, results, bank


@pytest.fixture(scope="module", params=["debit", "debit-sm"])
def product(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def memory(product: str) -> Snapshot:
    return load_card(product).snapshot()


@pytest.fixture(scope="module")
def in_reader(product: str, memory: Snapshot) -> tuple[list[Event], list[Any], Bank]:
    return visits(product, VirtualReaderTarget(fresh(memory)))


def fresh(memory: Snapshot) -> Card:
    return card_of(Memory(memory.copy()))


def test_purchases_and_load_in_a_reader(in_reader):
    _, (bought, loaded, spent), bank = in_reader
    assert [result.reason for result in (bought, loaded, spent)] == [
        Reason.APPROVED_ONLINE,
        Reason.APPROVED_ONLINE,
        Reason.APPROVED_OFFLINE,
    ]
    assert loaded.balance == 25_000
    assert spent.balance == 25_000 - 777
    assert bank.account(PAN, PSN).balance == 500_000 - 1234 - 5000


def test_the_same_events_in_a_reader_and_in_process(product, memory, in_reader):
    """Every command and answer, every step and its outcome; new SM2 signatures differ in their bytes alone."""
    heard, results, _ = in_reader
    here, results_here, _ = visits(product, InProcessTarget(fresh(memory)))
    assert results == results_here
    if product in SIGNED_AFRESH:
        heard, here = ([shape(event) for event in events] for events in (heard, here))
    assert heard == here


def shape(event: Event) -> object:
    """An event without the bytes of answers that are longer than a cryptogram."""
    if isinstance(event, Exchanged) and len(event.response) > 66:
        return event.command, len(event.response), event.response[-2:]
    return event


def test_a_gate_at_the_antenna_of_a_reader(product, memory):
    """A ride and a stay in the car park through a slot that has the card's antenna in its field."""
    keys = dict(sector_keys(load(product), "DEBIT"))
    target = VirtualReaderTarget(fresh(memory))
    try:
        target.connect()
        target.switch(Interface.CONTACTLESS)
        gate = Gate(target, keys)
        seen = []
        for passage, money in ((Passage.ENTRY, 0), (Passage.EXIT, 400), (Passage.PARK, 6000), (Passage.LEAVE, 3500)):
            seen.append(gate.run(passage, Purchase(money, when=NOON)))
            target.reset()
    finally:
        target.close()
    assert [result.reason for result in seen] == [Reason.APPROVED_OFFLINE] * 4
    assert [result.balance for result in seen] == [20_000, 19_600, 13_600, 16_100]
