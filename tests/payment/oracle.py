"""The terminal's side of offline data authentication, from the tables of JR/T 0025.7 §5, without the card's code.

The published chain of `vectors.CHAIN` shows that these few lines are right.
"""

import hashlib


def opened(modulus: bytes, exponent: bytes, signature: bytes, rest: bytes) -> bytes:
    """The content of an RSA block, after its length, header, trailer and hash were checked."""
    assert len(signature) == len(modulus)
    n, e = int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")
    block = pow(int.from_bytes(signature, "big"), e, n).to_bytes(len(modulus), "big")
    content, digest = block[1:-21], block[-21:-1]
    assert (block[0], block[-1]) == (0x6A, 0xBC)
    assert hashlib.sha1(content + rest, usedforsecurity=False).digest() == digest
    return content


def certified_key(content: bytes, lengths_at: int, remainder: bytes) -> bytes:
    """The modulus in a certificate; ``lengths_at`` is where the lengths of key and exponent stand."""
    size = content[lengths_at]
    return (content[lengths_at + 2 :][: size - len(remainder)] + remainder)[:size]
