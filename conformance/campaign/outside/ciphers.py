"""A second opinion on card keys and the cryptogram of EXTERNAL AUTHENTICATE.

The formulas of the reconstructed specification §4.2 and §4.3, written down again over a cipher library alone.
"""

from __future__ import annotations

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import ECB

from profiles.keys import root_key
from profiles.model import Profile

HALF = 8


def encipher(algorithm: str, key: bytes, blocks: bytes) -> bytes:
    """ECB of whole blocks; sixteen bytes of a DES key are K1-K2-K1, eight K-K-K."""
    cipher = SM4(key) if algorithm == "SM4" else TripleDES((key * 3)[: 3 * HALF])
    worker = Cipher(cipher, ECB()).encryptor()  # noqa: S305 - as the card does
    return worker.update(blocks) + worker.finalize()


def card_key(product: Profile, name: str, version: int, historical: bytes, city: str) -> bytes:
    """The card's own key: the root key diversified by province, city and card, as many of them as the key has levels."""
    key = next(each.key[name] for each in product.directory.values() if name in each.key)
    factors = [f"{city[:2]}0000sh".encode(), f"{city}sx".encode(), historical[-HALF:]][3 - key.levels :]
    found = root_key(product, name, version)
    for factor in factors:
        found = encipher(product.algorithm, found, factor + bytes(0xFF - byte for byte in factor))
    return found


def external_authentication(algorithm: str, key: bytes, challenge: bytes) -> bytes:
    """Data field of EXTERNAL AUTHENTICATE with version 1 of a key: cryptogram ‖ original information [‖ version]."""
    source = b"outsider"
    if algorithm != "SM4":
        return encipher(algorithm, encipher(algorithm, key, challenge), source) + source
    session = encipher(algorithm, key, challenge + bytes(HALF))
    whole = encipher(algorithm, session, source + bytes(HALF))
    return bytes(left ^ right for left, right in zip(whole[:HALF], whole[HALF:], strict=True)) + source + b"\x01"
