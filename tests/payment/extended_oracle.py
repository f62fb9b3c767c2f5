"""MACs of the extended application by second libraries (pyemv, gmalg), without the card's code.

Neither library takes an initial vector: it is the exclusive or with the first block of the padded data.
"""

from gmalg import SM4
from pyemv.mac import mac_iso9797_3

ISO_PADDING_1 = 1
"""No padding of data that are whole blocks."""


def padded(data: bytes, size: int) -> bytes:
    filled = data + b"\x80"
    return filled + bytes(-len(filled) % size)


def with_vector(blocks: bytes, vector: bytes) -> bytes:
    first = bytes(a ^ b for a, b in zip(blocks, vector, strict=False))
    return first + blocks[len(vector) :]


def mac(algorithm: str, key: bytes, vector: bytes, data: bytes) -> bytes:
    """Four bytes; ``algorithm`` is 3DES or SM4, ``vector`` has eight bytes."""
    if algorithm == "3DES":
        return mac_iso9797_3(key[:8], key[8:], with_vector(padded(data, 8), vector), ISO_PADDING_1)[:4]
    chained = bytes(8) + vector
    blocks = padded(data, 16)
    for start in range(0, len(blocks), 16):
        chained = SM4(key).encrypt(bytes(a ^ b for a, b in zip(chained, blocks[start : start + 16], strict=True)))
    return chained[:4]
