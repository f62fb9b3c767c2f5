"""A test certification authority with one issuer under it: the published one, or one made for a bench.

Its file has the form of the published keys (TOML) and holds private keys: whoever has it can certify any card for a terminal
that trusts the authority. Never let a real terminal trust one.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from conformance.actors.terminal.configuration import AuthorityKey, authority_keys
from emulator.crypto import rsa
from emulator.crypto.sm2_curve import N
from profiles.payment_keys import (
    AuthorityBits,
    KeyFileError,
    RsaTestKey,
    RsaTestKeys,
    Sm2TestKeys,
    read_test_keys,
    rsa_test_keys,
    sm2_test_keys,
)

AUTHORITY_BITS, ISSUER_BITS, CARD_BITS = 1408, 1152, 1024
EXPONENT = 3
TEST_INDEX, SM_TEST_INDEX = 0xC0, 0xC1
"""Indexes of the published test authority, which the scheme has not assigned."""


def new_sm2_key() -> bytes:
    """A private key of SM2, 32 bytes."""
    return (secrets.randbelow(N - 2) + 1).to_bytes(32)


class AuthorityError(ValueError):
    """An authority that cannot be read or written; the message says which file, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Authority:
    """RSA and SM2 keys of an authority, of the issuer that it certifies, and of a card."""

    rsa: RsaTestKeys
    sm2: Sm2TestKeys

    @classmethod
    def published(cls, bits: AuthorityBits = 1408) -> Authority:
        """The authority that certifies the cards of the products, with its RSA key of that length."""
        return cls(rsa_test_keys(bits), sm2_test_keys())

    @classmethod
    def generate(cls, index: int = TEST_INDEX, sm_index: int = SM_TEST_INDEX) -> Authority:
        """New keys: RSA of 1408, 1152 and 1024 bits with exponent 3, and SM2, under these CA public key indexes 8F."""
        pairs = [rsa.generate(bits, EXPONENT)[0] for bits in (AUTHORITY_BITS, ISSUER_BITS, CARD_BITS)]
        authority, issuer, card = (RsaTestKey(pair.p, pair.q, EXPONENT) for pair in pairs)
        scalars = [new_sm2_key() for _ in range(3)]
        return cls(RsaTestKeys(bytes((index,)), authority, issuer, card), Sm2TestKeys(bytes((sm_index,)), *scalars))

    @classmethod
    def read(cls, path: Path) -> Authority:
        """The authority of a file.

        Raises:
            AuthorityError: The file cannot be read, or is none of test keys.
        """
        try:
            return cls(*read_test_keys(path))
        except KeyFileError as error:
            raise AuthorityError(f"{path}: {error}; make one with: sscard bank ca --out FILE") from None

    def write(self, path: Path) -> None:
        """Write a new file that its owner alone may read.

        Raises:
            AuthorityError: The file exists already, or cannot be written.
        """
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise AuthorityError(f"{path}: the file exists already; name a new one") from None
        except OSError as error:
            raise AuthorityError(f"{path}: cannot be written ({error.strerror}); name another place") from None
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(self._to_toml())

    def _to_toml(self) -> str:
        lines = [
            "# TEST KEYS of a certification authority, an issuer and a card. Whoever has this file can certify any card.",
            "# Never use them on a real card or in a real terminal.",
            "",
            "[RSA]",
            f'index = "{self.rsa.authority_index.hex().upper()}"',
        ]
        for role in ("authority", "issuer", "card"):
            key: RsaTestKey = getattr(self.rsa, role)
            lines.append(f'{role} = {{ e = {key.e}, p = "{key.p:X}", q = "{key.q:X}" }}')
        lines += ["", "[SM2]", f'index = "{self.sm2.authority_index.hex().upper()}"']
        lines += [f'{role} = "{getattr(self.sm2, role).hex().upper()}"' for role in ("authority", "issuer", "card")]
        return "\n".join(lines) + "\n"

    def terminal_keys(self) -> tuple[AuthorityKey, ...]:
        """The public keys, for a terminal that trusts the authority."""
        return authority_keys(self.rsa, self.sm2)
