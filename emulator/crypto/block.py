"""Block ciphers of the card: two-key triple DES, single DES and SM4, each as ECB, CBC or one block.

Triple DES is EDE with the 16-byte key K1‖K2, that is K1‖K2‖K1 (NIST SP 800-67, keying option 2); an 8-byte key is single DES
(FIPS 46-3), computed as K‖K‖K. SM4 is GM/T 0002-2012 (GB/T 32907-2016). Parity bits of DES keys are ignored.
No function pads: every length must be a whole number of blocks (`padding` has the paddings).
"""

from enum import Enum
from functools import lru_cache

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB

DES_KEY_SIZE = 8


class CryptoError(ValueError):
    """An input has the wrong length or content for the cryptographic function."""


class Algorithm(Enum):
    """A block cipher of the card. Algorithm identifiers on the card: 01 triple DES, 03 SM4 (reconstructed specification §4.5)."""

    DES3 = "3DES"
    SM4 = "SM4"

    @property
    def block_size(self) -> int:
        """Block length in bytes: 8 for triple DES, 16 for SM4."""
        return 8 if self is Algorithm.DES3 else 16

    @property
    def key_size(self) -> int:
        """Length in bytes of a full key: 16 for both."""
        return 16


def encrypt_block(algorithm: Algorithm, key: bytes, block: bytes) -> bytes:
    """Encrypt exactly one block.

    Raises:
        CryptoError: Wrong length of key or block.
    """
    _require_one_block(algorithm, block)
    return encrypt_ecb(algorithm, key, block)


def decrypt_block(algorithm: Algorithm, key: bytes, block: bytes) -> bytes:
    """Decrypt exactly one block.

    Raises:
        CryptoError: Wrong length of key or block.
    """
    _require_one_block(algorithm, block)
    return decrypt_ecb(algorithm, key, block)


def encrypt_ecb(algorithm: Algorithm, key: bytes, data: bytes) -> bytes:
    """Encrypt whole blocks, each for itself.

    Raises:
        CryptoError: Wrong length of key or data.
    """
    _require_whole_blocks(algorithm, data)
    return _ecb(algorithm, key).encryptor().update(data)


def decrypt_ecb(algorithm: Algorithm, key: bytes, data: bytes) -> bytes:
    """Decrypt whole blocks, each for itself.

    Raises:
        CryptoError: Wrong length of key or data.
    """
    _require_whole_blocks(algorithm, data)
    return _ecb(algorithm, key).decryptor().update(data)


def encrypt_cbc(algorithm: Algorithm, key: bytes, data: bytes, iv: bytes | None = None) -> bytes:
    """Encrypt whole blocks chained; the initial vector is zero unless given.

    Raises:
        CryptoError: Wrong length of key, data or initial vector.
    """
    return _cbc(algorithm, key, data, iv).encryptor().update(data)


def decrypt_cbc(algorithm: Algorithm, key: bytes, data: bytes, iv: bytes | None = None) -> bytes:
    """Decrypt whole chained blocks; the initial vector is zero unless given.

    Raises:
        CryptoError: Wrong length of key, data or initial vector.
    """
    return _cbc(algorithm, key, data, iv).decryptor().update(data)


def require_length(what: str, value: bytes, *lengths: int) -> None:
    """Refuse a value that has none of the given byte lengths.

    Raises:
        CryptoError: With a sentence that names the value, its length and the right ones.
    """
    if len(value) not in lengths:
        raise CryptoError(f"{what} has {len(value)} bytes, it must have {' or '.join(map(str, lengths))}")


@lru_cache(maxsize=256)
def _cipher(algorithm: Algorithm, key: bytes) -> TripleDES | SM4:
    if algorithm is Algorithm.SM4:
        require_length("the SM4 key", key, 16)
        return SM4(key)
    require_length("the DES key", key, DES_KEY_SIZE, 16)
    # K1‖K2‖K1 written out, because cryptography is about to refuse shorter keys
    return TripleDES(key * 3 if len(key) == DES_KEY_SIZE else key + key[:8])


@lru_cache(maxsize=256)
def _ecb(algorithm: Algorithm, key: bytes) -> Cipher[ECB]:
    return Cipher(_cipher(algorithm, key), ECB())  # noqa: S305 - the card's formulas are made of single blocks


def _cbc(algorithm: Algorithm, key: bytes, data: bytes, iv: bytes | None) -> Cipher[CBC]:
    _require_whole_blocks(algorithm, data)
    vector = bytes(algorithm.block_size) if iv is None else iv
    require_length("the initial vector", vector, algorithm.block_size)
    return Cipher(_cipher(algorithm, key), CBC(vector))


def _require_one_block(algorithm: Algorithm, block: bytes) -> None:
    require_length(f"the {algorithm.value} block", block, algorithm.block_size)


def _require_whole_blocks(algorithm: Algorithm, data: bytes) -> None:
    if len(data) % algorithm.block_size:
        raise CryptoError(
            f"{len(data)} bytes are no whole number of {algorithm.value} blocks of {algorithm.block_size}"
        )
