"""From the references in P2 to PINs and keys of the card."""

from __future__ import annotations

from emulator.cos.card import Card
from emulator.cos.memory import octets_in
from emulator.cos.structure import Key, Pin
from emulator.cos.tree import Node
from emulator.iso7816 import SW, StatusError


def unknown_key(card: Card) -> StatusError:
    """The refusal of a key that does not exist: ``6A88``, or ``9403`` where the profile says so."""
    return StatusError(int(card.settings.unknown_key_answer, 16))


def find_pin(card: Card, reference: int) -> tuple[Pin, bool]:
    """The PIN of a reference and whether its right is local; ``6A88`` when there is none."""
    node, local = card.node_of_reference(reference)
    pin = node.pins.get(reference)
    if pin is None:
        raise StatusError(SW.REFERENCED_DATA_NOT_FOUND)
    return pin, local


def key_value(card: Card, key: Key, version: int) -> bytes:
    """The value of a key version; the unknown-key refusal when the card has no such version."""
    if not 1 <= version <= key.versions:
        raise unknown_key(card)
    return octets_in(card.memory.cells[key.cell(version)])


def named_key(node: Node, name: str | None) -> Key | None:
    """A key by its name in a directory or in the environment above it."""
    if name is None:
        return None
    return node.keys.get(name) or node.environment.keys.get(name)
