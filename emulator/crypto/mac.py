"""Message authentication codes: CBC over blocks padded with 80 00 … (ISO/IEC 9797-1 padding method 2; details §2.5).

* DES, 8-byte key: MAC algorithm 1.
* DES, 16-byte key K1‖K2: MAC algorithm 3, called retail MAC (ANSI X9.19): single DES with K1, the last block in triple DES.
* SM4: MAC algorithm 1. How the last block of 16 bytes becomes 4 bytes is not published for this card: folding by exclusive-or is the
  working assumption (details §9A `sm4.mac.fold`), cutting to the left bytes the alternative, which PBOC 3.0 uses.
"""

from functools import reduce
from operator import xor
from typing import Literal

from emulator.crypto.block import DES_KEY_SIZE, Algorithm, CryptoError, encrypt_cbc
from emulator.crypto.padding import pad_mac

Fold = Literal["xor", "left"]


def mac(
    algorithm: Algorithm, key: bytes, data: bytes, iv: bytes | None = None, fold: Fold = "xor", length: int = 4
) -> bytes:
    """Compute the MAC of unpadded data; `fold` matters for SM4 alone.

    Raises:
        CryptoError: Wrong length of key, initial vector or result.
    """
    if algorithm is Algorithm.SM4:
        return mac_sm4(key, data, iv, fold, length)
    return mac_des(key, data, iv, length)


def mac_des(key: bytes, data: bytes, iv: bytes | None = None, length: int = 4) -> bytes:
    """Compute the DES MAC of unpadded data: algorithm 1 with an 8-byte key, algorithm 3 with a 16-byte key.

    Args:
        key: 8 or 16 bytes.
        data: Any number of bytes; padded here.
        iv: Initial vector, 8 bytes; zero unless given.
        length: Bytes of the result, 4 to 8, taken from the left.

    Raises:
        CryptoError: Wrong length of key, initial vector or result.
    """
    if not 4 <= length <= 8:
        raise CryptoError(f"a DES MAC has 4 to 8 bytes, not {length}")
    return mac_blocks(Algorithm.DES3, key, pad_mac(data, 8), iv)[:length]


def mac_sm4(key: bytes, data: bytes, iv: bytes | None = None, fold: Fold = "xor", length: int = 4) -> bytes:
    """Compute the SM4 MAC of unpadded data.

    Args:
        key: 16 bytes.
        data: Any number of bytes; padded here.
        iv: Initial vector, 16 bytes; zero unless given.
        fold: "xor" joins the words of `length` bytes of the last block by exclusive-or, "left" takes the first word.
        length: Bytes of the result: 4, 8 or 16.

    Raises:
        CryptoError: Wrong length of key, initial vector or result.
    """
    if length not in (4, 8, 16):
        raise CryptoError(f"an SM4 MAC has 4, 8 or 16 bytes, not {length}")
    last = mac_blocks(Algorithm.SM4, key, pad_mac(data, 16), iv)
    return fold_words(last, length) if fold == "xor" else last[:length]


def mac_blocks(algorithm: Algorithm, key: bytes, blocks: bytes, iv: bytes | None = None) -> bytes:
    """Compute the uncut MAC of data that are already whole blocks, at least one.

    Raises:
        CryptoError: Wrong length of key, initial vector or data.
    """
    size = algorithm.block_size
    if not blocks:
        raise CryptoError("a MAC needs at least one block")
    if algorithm is Algorithm.SM4 or len(key) == DES_KEY_SIZE:
        return encrypt_cbc(algorithm, key, blocks, iv)[-size:]
    head, last = blocks[:-size], blocks[-size:]
    chained = encrypt_cbc(algorithm, key[:DES_KEY_SIZE], head, iv)[-size:] if head else iv
    return encrypt_cbc(algorithm, key, last, chained)


def fold_words(block: bytes, length: int) -> bytes:
    """Join the words of `length` bytes of a block by exclusive-or."""
    words = (int.from_bytes(block[start : start + length]) for start in range(0, len(block), length))
    return reduce(xor, words).to_bytes(length)
