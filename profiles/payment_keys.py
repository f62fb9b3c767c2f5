"""The test keys with which payment applications are certified: published ones, and those of a file of the same form."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, NamedTuple

AuthorityBits = Literal[1408, 1984]
ROLES = ("authority", "issuer", "card")
RSA_TABLES: dict[AuthorityBits, str] = {1408: "RSA", 1984: "RSA1984"}


class RsaTestKey(NamedTuple):
    """An RSA key pair: two primes and the public exponent."""

    p: int
    q: int
    e: int


class RsaTestKeys(NamedTuple):
    """Certification authority, issuer and card; ``authority_index`` is the CA public key index 8F."""

    authority_index: bytes
    authority: RsaTestKey
    issuer: RsaTestKey
    card: RsaTestKey


class Sm2TestKeys(NamedTuple):
    """Private keys of 32 bytes; ``authority_index`` is the CA public key index 8F."""

    authority_index: bytes
    authority: bytes
    issuer: bytes
    card: bytes


class KeyFileError(ValueError):
    """A file that holds no test keys; the message says why."""


@cache
def rsa_test_keys(authority_bits: AuthorityBits = 1408) -> RsaTestKeys:
    """The RSA keys of the authority with keys of that length: 1408, 1152 and 1024 bits, or 1984, 1984 and 1152."""
    return _rsa(_tables()[RSA_TABLES[authority_bits]])


@cache
def sm2_test_keys() -> Sm2TestKeys:
    """The SM2 keys."""
    return _sm2(_tables()["SM2"])


def read_test_keys(path: Path) -> tuple[RsaTestKeys, Sm2TestKeys]:
    """The tables RSA and SM2 of a file in the form of the published keys.

    Raises:
        KeyFileError: The file cannot be read, or holds something else.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
        found = _rsa(tables["RSA"]), _sm2(tables["SM2"])
    except OSError as error:
        raise KeyFileError(f"cannot be read ({error.strerror})") from None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise KeyFileError("holds no test keys (tables RSA and SM2)") from None
    if any(len(part) != size for part, size in zip(found[1], (1, 32, 32, 32), strict=True)):
        raise KeyFileError("an SM2 key has 32 bytes, an index one")
    return found


def _rsa(table: Any) -> RsaTestKeys:
    keys = [RsaTestKey(int(key["p"], 16), int(key["q"], 16), int(key["e"])) for key in (table[role] for role in ROLES)]
    return RsaTestKeys(bytes.fromhex(table["index"]), *keys)


def _sm2(table: Any) -> Sm2TestKeys:
    return Sm2TestKeys(bytes.fromhex(table["index"]), *(bytes.fromhex(table[role]) for role in ROLES))


def _tables() -> dict[str, Any]:
    return tomllib.loads(files("profiles").joinpath("payment-test-keys.toml").read_text("utf-8"))
