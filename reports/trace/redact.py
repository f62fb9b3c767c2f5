"""Take the secrets out of a trace: PINs, keys and personal data become ``XX``, everything else stays as it was."""

from __future__ import annotations

from profiles.model import Profile
from reports.trace.decode import Decoder
from reports.trace.parts import Decoded


class Redactor:
    """Follows a card session as the decoder does, because what is secret depends on what is selected."""

    def __init__(self, profile: Profile | None = None) -> None:
        self._decoder = Decoder(profile)

    def reset(self, atr: bytes | str) -> None:
        """The card was reset; an answer to reset holds no secret."""
        self._decoder.reset(atr)

    def exchange(self, command: bytes | str, response: bytes | str) -> tuple[str, str]:
        """Command and answer in hexadecimal with ``XX`` for secret bytes.

        The words ``RESET`` and ``POWER OFF`` stay as they are. What is no hexadecimal text becomes empty: nobody can tell what is in it.
        """
        decoded = self._decoder.exchange(command, response)
        if isinstance(command, str) and decoded.kind in ("reset", "power off"):
            return command, decoded.response.hex()
        return redacted(decoded)


def redacted(decoded: Decoded) -> tuple[str, str]:
    """Command and answer of a decoded exchange in hexadecimal with ``XX`` for secret bytes."""
    return decoded.command.hex(decoded.command_secrets), decoded.response.hex(decoded.response_secrets)
