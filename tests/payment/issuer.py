"""The issuer's side of cryptograms by second libraries: pyemv and OpenSSL for triple DES, gmalg for SM4; no code of the card."""

import gmalg
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from pyemv import ac, kd, sm

DES3, SM4 = "3DES", "SM4"


def complement(data: bytes) -> bytes:
    return bytes(byte ^ 0xFF for byte in data)


def sm4_block(key: bytes, block: bytes) -> bytes:
    return bytes(gmalg.SM4(key).encrypt(block))


def sm4_mac(key: bytes, data: bytes) -> bytes:
    """CBC-MAC with the padding 80 00 …, 16 bytes."""
    padded = data + b"\x80" + bytes(-len(data) - 1 & 15)
    chained = bytes(16)
    for start in range(0, len(padded), 16):
        chained = sm4_block(key, bytes(a ^ b for a, b in zip(chained, padded[start : start + 16], strict=True)))
    return chained


def des3(key: bytes, data: bytes) -> bytes:
    cipher = Cipher(TripleDES(key + key[:8]), modes.ECB()).encryptor()  # noqa: S305 - single blocks of a key derivation
    return cipher.update(data) + cipher.finalize()


def card_key(algorithm: str, master: bytes, pan: str, sequence: str) -> bytes:
    if algorithm == DES3:
        return kd.derive_icc_mk_a(master, pan, sequence)
    address = bytes.fromhex((pan + sequence)[-16:].zfill(16))
    return sm4_block(master, address + complement(address))


def session_key(algorithm: str, master: bytes, pan: str, sequence: str, counter: bytes) -> bytes:
    """UDK, then the key of the transaction: six zero bytes and the counter, six zero bytes and its complement."""
    key = card_key(algorithm, master, pan, sequence)
    blocks = bytes(6) + counter + bytes(6) + complement(counter)
    return des3(key, blocks) if algorithm == DES3 else sm4_block(key, blocks)


def cryptogram(algorithm: str, key: bytes, data: bytes) -> bytes:
    return ac.generate_ac(key, data, ac.PaddingType.EMV) if algorithm == DES3 else sm4_mac(key, data)[:8]


def response_cryptogram(algorithm: str, key: bytes, request: bytes, code: bytes) -> bytes:
    if algorithm == DES3:
        return ac.generate_arpc_1(key, request, code)
    block = bytes(a ^ b for a, b in zip(request, code + bytes(6), strict=True))
    return sm4_block(key, block + bytes(8))[:8]


def mac(algorithm: str, key: bytes, data: bytes) -> bytes:
    return sm.generate_command_mac(key, data, 4) if algorithm == DES3 else sm4_mac(key, data)[:4]
