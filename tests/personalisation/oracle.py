"""The secure channel from the texts, with other libraries: raw DES blocks for triple DES, gmalg for SM4."""

import gmalg
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import ECB


def block(algorithm: str, key: bytes, data: bytes) -> bytes:
    """One block enciphered."""
    if algorithm == "SM4":
        return bytes(gmalg.SM4(key).encrypt(data))
    return Cipher(TripleDES(key + key[:8]), ECB()).encryptor().update(data)  # noqa: S305 - one block


def single(key: bytes, data: bytes) -> bytes:
    """One block of single DES."""
    return Cipher(TripleDES(key * 3), ECB()).encryptor().update(data)  # noqa: S305 - one block


def size(algorithm: str) -> int:
    return 16 if algorithm == "SM4" else 8


def xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def padded(algorithm: str, data: bytes) -> bytes:
    data += b"\x80"
    return data + bytes(-len(data) % size(algorithm))


def chain(algorithm: str, key: bytes, data: bytes, start: bytes = b"") -> list[bytes]:
    """The blocks of CBC."""
    step = size(algorithm)
    last, found = start or bytes(step), []
    for position in range(0, len(data), step):
        last = block(algorithm, key, xor(last, data[position : position + step]))
        found.append(last)
    return found


def card_keys(algorithm: str, master: bytes, key_data: bytes) -> list[bytes]:
    """KENC, KMAC, KDEK (JR/T 0025.10 section 8.2)."""
    tail, found = key_data[4:], []
    for number in (1, 2, 3):
        halves = [tail + bytes((0xF0, number)), tail + bytes((0x0F, number))]
        data = b"".join(halves)
        if algorithm == "SM4":
            found.append(block(algorithm, master, data))
        else:
            found.append(b"".join(block(algorithm, master, half) for half in halves))
    return found


def session_keys(algorithm: str, keys: list[bytes], sequence: bytes) -> list[bytes]:
    """SKUENC, SKUMAC, SKUDEK."""
    constants = ("0182", "0101", "0181")
    return [
        b"".join(chain(algorithm, key, bytes.fromhex(constant) + sequence + bytes(12)))
        for key, constant in zip(keys, constants, strict=True)
    ]


def cryptogram(algorithm: str, key: bytes, data: bytes) -> bytes:
    return chain(algorithm, key, padded(algorithm, data))[-1][:8]


def mac(algorithm: str, key: bytes, data: bytes, previous: bytes = b"") -> bytes:
    """The whole last block: retail MAC, or CBC-MAC of SM4."""
    data = padded(algorithm, data)
    if algorithm == "SM4":
        return chain(algorithm, key, data, previous)[-1]
    last = previous or bytes(8)
    for position in range(0, len(data) - 8, 8):
        last = single(key[:8], xor(last, data[position : position + 8]))
    return block(algorithm, key, xor(last, data[-8:]))


def check_value(algorithm: str, key: bytes) -> bytes:
    return block(algorithm, key, bytes(size(algorithm)))[:3]
