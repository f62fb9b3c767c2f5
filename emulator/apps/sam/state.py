"""What the SAM keeps from one command to the next, and how it finds and derives its keys (vol. 2 §7.3, §7.5)."""

from __future__ import annotations

from dataclasses import dataclass

from emulator.cos.card import Card
from emulator.cos.structure import Key
from emulator.crypto import Algorithm, derive
from emulator.iso7816 import SW, StatusError

FACTOR = 8
TYPE_BITS, LEVEL_SHIFT = 0x1F, 5


@dataclass(slots=True)
class Ciphering:
    """A session key on the way through CIPHER DATA."""

    key: bytes
    chain: bytes | None = None
    """Last block of the MAC so far; None before its first block."""
    enciphering: bool = False
    """Whether blocks were enciphered already, after which no MAC can begin."""


@dataclass(frozen=True, slots=True)
class PendingPurchase:
    """A MAC1 whose MAC2 is awaited."""

    key: bytes
    amounts: bytes


def state_of(card: Card) -> Ciphering | PendingPurchase | None:
    """What the SAM is in the middle of."""
    state = card.session.application
    return state if isinstance(state, (Ciphering, PendingPurchase)) else None


def find_key(card: Card, use: int, identifier: int) -> Key:
    """The key of this use byte and identifier in the current application; ``9403`` when there is none."""
    for key in card.session.node.directory.keys:
        if key.use_byte == use and key.reference == identifier:
            return key
    raise StatusError(SW.KEY_INDEX_NOT_SUPPORTED)


def derived(card: Card, key: Key, version: int, data: bytes) -> bytes:
    """The card's key: the factors stand in ``data`` last level first (card, city, province)."""
    value = card.memory.cells.get(key.cell(version))
    if not isinstance(value, bytes):
        raise StatusError(SW.KEY_INDEX_NOT_SUPPORTED)
    factors = [data[at : at + FACTOR] for at in range(0, len(data), FACTOR)]
    return derive(card.algorithm, value, factors[::-1])


def levels(use: int) -> int:
    """Diversification levels 分散级数: the upper three bits of the use byte."""
    return use >> LEVEL_SHIFT


def session_input(algorithm: Algorithm) -> int:
    """Bytes of the process factor in DELIVERY SESSION KEY: R, for SM4 R ‖ eight 00."""
    return algorithm.block_size
