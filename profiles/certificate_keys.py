"""The published test authority that signs the certificates of test cards."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import NamedTuple


class AuthorityKey(NamedTuple):
    """Private key (32 bytes) and certificate (DER) of the test authority."""

    private_key: bytes
    certificate: bytes


@cache
def published_authority() -> AuthorityKey:
    """The authority whose certificate came along with the products."""
    folder = files("profiles")
    table = tomllib.loads(folder.joinpath("certificate-test-keys.toml").read_text("utf-8"))
    certificate = folder.joinpath("parts", "certificates", "authority.cer").read_bytes()
    return AuthorityKey(bytes.fromhex(table["authority"]), certificate)
