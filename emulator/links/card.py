"""What every link expects of a card, and the card that does nothing."""

from typing import Protocol, runtime_checkable


class CardDevice(Protocol):
    """The lowest seam: bytes in, bytes out."""

    def reset(self, cold: bool = True) -> bytes:
        """Reset the card and return its ATR (2 to 33 bytes, ISO/IEC 7816-3 §8).

        Args:
            cold: true when the contacts were without power before, false for a warm reset.
        """
        ...

    def power_off(self) -> None:
        """Take the power away; everything volatile is lost."""
        ...

    def transmit(self, command: bytes) -> bytes:
        """Answer a command APDU, however malformed, with a response APDU (at least the two bytes of SW1 and SW2).

        Raises:
            PowerLoss: the card was torn out while it worked (`emulator.cos.memory`).
        """
        ...


@runtime_checkable
class MovableCard(Protocol):
    """A card that is not always where the reader could reach it."""

    @property
    def is_reachable(self) -> bool:
        """Whether the reader sees the card; its answers and its ATR count only then."""
        ...


class NullCard:
    """A card that does nothing: the same answer to every command. The measure of a link's speed."""

    # T=0, TB1 = 00 (no VPP), TC1 = 00 (no extra guard time): the shortest ATR that EMV Book 1 §8.3 allows.
    DEFAULT_ATR = bytes.fromhex("3B600000")

    def __init__(self, answer: bytes = b"\x90\x00", atr: bytes = DEFAULT_ATR) -> None:
        self.answer = answer
        self.atr = atr

    def reset(self, cold: bool = True) -> bytes:
        """Return the ATR."""
        return self.atr

    def power_off(self) -> None:
        """Do nothing."""

    def transmit(self, command: bytes) -> bytes:
        """Return the one answer."""
        return self.answer
