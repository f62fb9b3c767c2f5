"""What several faults of the extended application 扩展应用 need: who can have them, and what lies in the card."""

from __future__ import annotations

from collections.abc import Callable

from conformance.faults.catalogue import Condition
from emulator.apps.payment.application import (
    Application,
    Tag,
    amount,
    data_cell,
    number,
    pending_cell,
)
from emulator.apps.payment.transaction import ExtendedUse, dol_values, transaction_of
from emulator.cos.card import Card
from emulator.cos.structure import File
from emulator.iso7816 import Command, tlv
from profiles.applications import payment_directory
from profiles.model import Profile

LOOK, UPDATE, APPEND, PROVE = "READ CAPP DATA", "UPDATE CAPP DATA CACHE", "APPEND RECORD with MAC", "GET TRANS PROVE"
START, READ, PUT, GENERATE = "GET PROCESSING OPTIONS", "READ RECORD", "PUT DATA", "GENERATE AC"
BALANCE, DEDUCTED, LIMIT = 0x9F79, 0xDF63, 0xDF62
RANDOM_SIZE, COUNTER_SIZE = 8, 2


def offering(mask: int, *tags: str) -> Condition:
    """A card whose DF61 has one of these bits, and these data objects."""

    def condition(profile: Profile) -> bool:
        name = payment_directory(profile)
        data = profile.directory[name].data if name is not None else {}
        return bool(int(data.get("DF61", "00"), 16) & mask) and all(tag in data for tag in tags)

    return condition


riding, guarded, holding, lending = offering(0x03), offering(0x80), offering(0x02), offering(0x03, "DF62")


def use_of(card: Card) -> ExtendedUse | None:
    """What the transaction under way keeps back, None where none was approved."""
    return transaction_of(card).extended


def value_of(card: Card, tag: int) -> int:
    """The amount of a data object, 0 where the application has none."""
    value = card.memory.cells.get(data_cell(Application(card).name, tag))
    return number(value) if isinstance(value, bytes) else 0


def set_values(card: Card, values: dict[int, int]) -> None:
    """Give data objects other amounts."""
    name = Application(card).name
    card.memory.commit({data_cell(name, tag): amount(max(value, 0)) for tag, value in values.items()})


def pending_of(card: Card) -> tuple[bytes, ...]:
    """The open pre-authorisations."""
    value = card.memory.cells.get(pending_cell(Application(card).name))
    return value if isinstance(value, tuple) else ()


def with_pending(card: Card, pending: tuple[bytes, ...], act: Callable[[], bytes]) -> bytes:
    """Act with another list of pre-authorisations, and put the list back where it was not changed meanwhile."""
    cell, kept = pending_cell(Application(card).name), pending_of(card)
    if cell not in card.memory.cells:
        return act()
    card.memory.commit({cell: pending})
    try:
        return act()
    finally:
        if pending_of(card) == pending:
            card.memory.commit({cell: kept})


def file_of(card: Card, command: Command) -> File | None:
    """The file that P2 names."""
    return card.session.node.files_by_sfi.get(command.p2 >> 3)


def indicator_of(card: Card, command: Command) -> int:
    """DF60 of the terminal."""
    values = dol_values(Application(card).value(Tag.PDOL), command.data[2:])
    return int.from_bytes(values.get(Tag.EXTENDED_INDICATOR, b"\0"), "big")


def with_indicator(card: Card, command: Command, indicator: int) -> Command:
    """The command with another DF60."""
    at = 2
    for tag, length in tlv.parse_tags_and_lengths(Application(card).value(Tag.PDOL)):
        if tag == Tag.EXTENDED_INDICATOR:
            data = command.data[:at] + bytes((indicator,)) + command.data[at + length :]
            return command._replace(data=data)
        at += length
    return command
