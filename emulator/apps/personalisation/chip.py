"""What an application that waits for its personalisation keeps: KEYDATA, the channel's keys, the sequence counter."""

from __future__ import annotations

from emulator.cos.card import Card
from emulator.cos.memory import Snapshot, number_in, records_in
from emulator.crypto import Algorithm
from emulator.crypto.personalisation import ChannelKeys, card_keys
from profiles.keys import root_key
from profiles.model import Profile
from profiles.payment_model import PERSONALISATION

SERIAL_SIZE = 4
FIRST_SEQUENCE = 1


def keys_cell(directory: str) -> str:
    """Where KEYDATA, key version, KENC, KMAC and KDEK live; empty once the card is issued."""
    return f"personalisation:{directory}"


def sequence_cell(directory: str) -> str:
    """Where the sequence counter lives."""
    return f"personalisation sequence:{directory}"


def is_awaited(profile: Profile, directory: str) -> bool:
    """Whether a directory holds an application that waits for its personalisation."""
    return profile.directory[directory].application == PERSONALISATION


def algorithm_of(profile: Profile, directory: str) -> Algorithm:
    """Block cipher of the channel and of the application's keys."""
    described = profile.directory[directory].personalisation
    return Algorithm((described.algorithm if described else None) or profile.algorithm)


def cells_of(profile: Profile, directory: str) -> Snapshot:
    """The cells of an application that waits for its personalisation."""
    described = profile.directory[directory].personalisation
    assert described is not None  # noqa: S101 - checked with the profile
    data = described.kmc_identifier + profile.chip.historical[-SERIAL_SIZE:]
    own = card_keys(algorithm_of(profile, directory), root_key(profile, described.kmc, 1), data)
    return {
        keys_cell(directory): (data, described.key_version, *own),
        sequence_cell(directory): FIRST_SEQUENCE,
    }


def _kept(card: Card) -> tuple[bytes, ...]:
    return records_in(card.memory.cells[keys_cell(card.session.node.directory.name)])


def key_data(card: Card) -> bytes:
    """KEYDATA of the current application, 10 bytes."""
    return _kept(card)[0]


def key_version(card: Card) -> int:
    """Version of the personalisation master key KMC."""
    return _kept(card)[1][0]


def keys(card: Card) -> ChannelKeys:
    """KENC, KMAC and KDEK of this card."""
    return ChannelKeys(*_kept(card)[2:])


def sequence(card: Card) -> int:
    """The sequence counter of the next session."""
    return number_in(card.memory.cells[sequence_cell(card.session.node.directory.name)])
