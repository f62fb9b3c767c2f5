"""Cards in this process: how fast they answer, and how fast they are put back to what they were."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from emulator import load_card
from emulator.cos.card import Card
from emulator.links.card import NullCard
from profiles import load
from tests.bench.measure import Row, median_rate

PRODUCT = "ssc3-sm4"
SELECT = bytes.fromhex("00A404000F7378312E73682EC9E7BBE1B1A3D5CF00")
"""The social security environment by its name, with an answer of 30 bytes."""
READ_RECORD = bytes.fromhex("00B2012C12")
"""Record 1 of EF05: the card's identification code, 18 bytes."""
GET_CHALLENGE = bytes.fromhex("0084000008")
COMMANDS = {"SELECT": SELECT, "READ RECORD": READ_RECORD, "GET CHALLENGE": GET_CHALLENGE}


def selected_card() -> Card:
    """A personalised card with its social security environment selected."""
    card = load_card(load(PRODUCT))
    card.reset()
    card.transmit(SELECT)
    return card


def null_card() -> NullCard:
    """A card that gives at once, and always, what the other one gives to READ RECORD."""
    return NullCard(selected_card().transmit(READ_RECORD))


def rows() -> Iterator[Row]:
    """Answers a second in this process, and the time to take and bring back a snapshot."""
    card, nothing = selected_card(), null_card()
    for name, command in COMMANDS.items():
        if not card.transmit(command).endswith(b"\x90\x00"):
            raise RuntimeError(f"the card refuses {name}")
        yield Row(f"in process, {name}", median_rate(partial(card.transmit, command)), "/s", 100_000)
    yield Row("in process, card that does nothing", median_rate(partial(nothing.transmit, READ_RECORD)), "/s")

    def renew() -> None:
        card.restore(card.snapshot())

    yield Row("snapshot and restore", 1e6 / median_rate(renew), "µs", 100, at_least=False)
