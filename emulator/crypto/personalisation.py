"""The secure channel of the personalisation of a payment application (JR/T 0025.10 §8.2; EMV card personalisation specification).

The keys of a card come from KMC, the issuer's personalisation master key, and from KEYDATA, which the card shows. JR/T 0025.10
gives the derivation of the card's keys for both ciphers. The channel itself is that of EMV for triple DES; carried over to SM4 it is an
assumption: a session key is one block, cryptograms and MACs are the leftmost 8 bytes of a CBC-MAC, which is chained by its whole block.
"""

from typing import Final, NamedTuple

from emulator.crypto.block import Algorithm, encrypt_cbc, encrypt_ecb, require_length
from emulator.crypto.mac import mac_blocks
from emulator.crypto.padding import pad_mac

KEY_DATA_SIZE: Final = 10
CHALLENGE_SIZE: Final = 8
CARD_CHALLENGE_SIZE: Final = 6
SEQUENCE_SIZE: Final = 2
CRYPTOGRAM_SIZE: Final = 8
CHECK_VALUE_SIZE: Final = 3
_DIVERSIFIER_SIZE: Final = 6
_ENC, _MAC, _DEK = 0x0182, 0x0101, 0x0181
"""Constants of the session keys SKUENC, SKUMAC and SKUDEK."""


class ChannelKeys(NamedTuple):
    """Three keys of 16 bytes: of a card (KENC, KMAC, KDEK) or of a session (SKUENC, SKUMAC, SKUDEK)."""

    enc: bytes
    mac: bytes
    dek: bytes


def card_keys(algorithm: Algorithm, master_key: bytes, key_data: bytes) -> ChannelKeys:
    """KENC, KMAC and KDEK of a card from KMC (16 bytes) and KEYDATA (10 bytes), of which the last six bytes enter.

    Raises:
        CryptoError: Wrong length of an input.
    """
    require_length("the personalisation master key", master_key, 16)
    require_length("KEYDATA", key_data, KEY_DATA_SIZE)
    tail = key_data[-_DIVERSIFIER_SIZE:]
    enc, mac, dek = (
        encrypt_ecb(algorithm, master_key, tail + bytes((0xF0, number)) + tail + bytes((0x0F, number)))
        for number in (1, 2, 3)
    )
    return ChannelKeys(enc, mac, dek)


def session_keys(algorithm: Algorithm, keys: ChannelKeys, sequence: bytes) -> ChannelKeys:
    """SKUENC, SKUMAC and SKUDEK of a session from the card's keys and the sequence counter (2 bytes).

    Raises:
        CryptoError: Wrong length of an input.
    """
    require_length("the sequence counter", sequence, SEQUENCE_SIZE)
    enc, mac, dek = (
        encrypt_cbc(algorithm, key, constant.to_bytes(2) + sequence + bytes(12))
        for key, constant in zip(keys, (_ENC, _MAC, _DEK), strict=True)
    )
    return ChannelKeys(enc, mac, dek)


def card_cryptogram(algorithm: Algorithm, key: bytes, host: bytes, sequence: bytes, card: bytes) -> bytes:
    """The cryptogram of the card, 8 bytes, under SKUENC over host challenge ‖ sequence counter ‖ card challenge.

    Raises:
        CryptoError: Wrong length of an input.
    """
    return _cryptogram(algorithm, key, host, sequence + card)


def host_cryptogram(algorithm: Algorithm, key: bytes, host: bytes, sequence: bytes, card: bytes) -> bytes:
    """The cryptogram of the personalisation device, 8 bytes, over sequence counter ‖ card challenge ‖ host challenge.

    Raises:
        CryptoError: Wrong length of an input.
    """
    return _cryptogram(algorithm, key, sequence + card, host)


def command_mac(algorithm: Algorithm, key: bytes, data: bytes, previous: bytes = b"") -> bytes:
    """C-MAC of a command under SKUMAC: a whole block, of which the command carries the leftmost 8 bytes.

    Args:
        algorithm: Block cipher of the key.
        key: SKUMAC, 16 bytes.
        data: Header with an Lc that counts the MAC, and the data, unpadded.
        previous: The block of the command before, the initial vector; none for the first command.

    Raises:
        CryptoError: Wrong length of key or block.
    """
    return mac_blocks(algorithm, key, pad_mac(data, algorithm.block_size), previous or None)


def check_value(algorithm: Algorithm, key: bytes) -> bytes:
    """Key check value 密钥校验值, 3 bytes: the beginning of an enciphered block of zeros.

    Raises:
        CryptoError: Wrong length of the key.
    """
    return encrypt_ecb(algorithm, key, bytes(algorithm.block_size))[:CHECK_VALUE_SIZE]


def pad_group(algorithm: Algorithm, value: bytes) -> bytes:
    """A value as it is enciphered under SKUDEK: padded with 80 00 … only when it is no whole number of blocks."""
    return value if len(value) % algorithm.block_size == 0 else pad_mac(value, algorithm.block_size)


def _cryptogram(algorithm: Algorithm, key: bytes, left: bytes, right: bytes) -> bytes:
    """The last block, 8 bytes of it, of left ‖ right enciphered as a chain (triple DES throughout)."""
    require_length("the challenges with the sequence counter", left + right, 2 * CHALLENGE_SIZE)
    padded = pad_mac(left + right, algorithm.block_size)
    return encrypt_cbc(algorithm, key, padded)[-algorithm.block_size :][:CRYPTOGRAM_SIZE]
