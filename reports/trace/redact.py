"""Take the secrets out of a trace: PINs, keys and personal data become ``XX``, everything else stays as it was."""

from __future__ import annotations

import string

from profiles.model import Profile
from reports.trace.decode import Decoder
from reports.trace.octets import Octets
from reports.trace.parts import Decoded, readable

_REMEMBERED = 256
"""How many secrets of the latest exchanges are looked for in texts about them."""
_SHORTEST = 3
"""Bytes of the shortest secret that is looked for; shorter ones would be found everywhere."""
_CAPITALS = {ord(small): ord(small.upper()) for small in string.ascii_lowercase}
"""Capitals of the Latin letters alone, so that every character keeps its place."""
_PADDING = b"\x00\xff\x20"


class Redactor:
    """Follows a card session as the decoder does, because what is secret depends on what is selected."""

    def __init__(self, profile: Profile | None = None) -> None:
        self._decoder = Decoder(profile)
        self._secrets: dict[str, int] = {}

    def reset(self, atr: bytes | str) -> None:
        """The card was reset; an answer to reset holds no secret."""
        self._decoder.reset(atr)

    def exchange(self, command: bytes | str, response: bytes | str) -> tuple[str, str]:
        """Command and answer in hexadecimal with ``XX`` for secret bytes.

        The words ``RESET`` and ``POWER OFF`` stay as they are. What is no hexadecimal text becomes empty: nobody can tell what
        is in it.
        """
        decoded = self._decoder.exchange(command, response)
        if isinstance(command, str) and decoded.kind in ("reset", "power off"):
            return command, decoded.response.hex()
        for whole, spans in (
            (decoded.command, decoded.command_secrets),
            (decoded.response, decoded.response_secrets),
        ):
            for start, stop in spans:
                self._remember(whole.cut(start, stop))
        return redacted(decoded)

    def text(self, text: str) -> str:
        """A sentence or value about the latest exchanges without the secrets that were in them.

        A secret is found as hexadecimal digits and as the text that it encodes (GBK), each without its padding.
        """
        upper = text.translate(_CAPITALS)
        for secret in [secret for secret in self._secrets if secret in upper]:
            size = self._secrets[secret]
            place = upper.find(secret)
            while place >= 0:
                mask = "XX" * size
                text = text[:place] + mask + text[place + len(secret) :]
                upper = text.translate(_CAPITALS)
                place = upper.find(secret, place + len(mask))
        return text

    def _remember(self, secret: Octets) -> None:
        value = secret.value.strip(_PADDING)
        if not secret.known or len(value) < _SHORTEST:
            return
        for form in (value.hex().upper(), readable(value).translate(_CAPITALS)):
            if form:
                self._secrets.pop(form, None)
                self._secrets[form] = len(value)
        while len(self._secrets) > _REMEMBERED:
            del self._secrets[next(iter(self._secrets))]


def redacted(decoded: Decoded) -> tuple[str, str]:
    """Command and answer of a decoded exchange in hexadecimal with ``XX`` for secret bytes."""
    return decoded.command.hex(decoded.command_secrets), decoded.response.hex(decoded.response_secrets)
