"""应用锁定、应用解锁、卡锁定 of the social security application, for a card that is in a reader (details §5.7 to §5.10)."""

from __future__ import annotations

from conformance.actors.medical.keys import KeysRefused
from conformance.actors.medical.maintenance import maintain
from conformance.actors.medical.reader import ENVIRONMENT, CardReader, CardRefused
from emulator.iso7816 import SW

APPLICATION_BLOCK, APPLICATION_UNBLOCK, CARD_BLOCK = 0x1E, 0x18, 0x16
FOR_GOOD = 0x01


def block_application(reader: CardReader, place: str, *, for_good: bool = False) -> None:
    """APPLICATION BLOCK of an application that has a lock key LK: DF03, DF04, DF06; raises what the reader raises."""
    header = bytes((APPLICATION_BLOCK, 0x00, FOR_GOOD if for_good else 0x00))
    maintain(reader, place, _lock_key(reader, place), header, b"", f"锁定应用 {place}", f"APPLICATION BLOCK of {place}")


def unblock_application(reader: CardReader, place: str) -> None:
    """APPLICATION UNBLOCK of an application that was blocked for a while, on a card that has the command."""
    reader.open(place, blocked=True)
    header = bytes((APPLICATION_UNBLOCK, 0x00, 0x00))
    maintain(
        reader, place, _lock_key(reader, place), header, b"", f"解锁应用 {place}", f"APPLICATION UNBLOCK of {place}"
    )


def block_card(reader: CardReader) -> None:
    """CARD BLOCK with the key BK: the environment of social security answers no command any more, for good."""
    header = bytes((CARD_BLOCK, 0x00, 0x00))
    maintain(reader, ENVIRONMENT, _lock_key(reader, ENVIRONMENT), header, b"", "锁定卡片", "CARD BLOCK")


def is_blocked(reader: CardReader) -> bool:
    """Whether the card in the reader was blocked for good; raises what the reader raises for any other reason."""
    try:
        reader.begin()
    except CardRefused as refused:
        if refused.sw != SW.FUNCTION_NOT_SUPPORTED:
            raise
        return True
    return False


def _lock_key(reader: CardReader, place: str) -> str:
    name = reader.cards.directory[place].lock_key
    if name is None:
        raise KeysRefused(f"{place} has no lock key")
    return name
