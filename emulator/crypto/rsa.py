"""RSA without any padding: the modular operations under EMV's certificates and signatures with message recovery (EMV Book 2 §A2.1, §B2.1).

A block is as long as the modulus. What stands inside it (6A … BC, hash, padding BB) is the caller's business.
"""

from dataclasses import dataclass, field
from typing import Self

from cryptography.hazmat.primitives.asymmetric import rsa

from emulator.crypto.block import CryptoError, require_length


@dataclass(frozen=True)
class RsaPublicKey:
    """A public key: modulus n and exponent e (3 or 65537 in EMV)."""

    n: int
    e: int

    @property
    def size(self) -> int:
        """Length of the modulus in bytes, which is the length of a block."""
        return _byte_length(self.n)

    def recover(self, signature: bytes) -> bytes:
        """Raise a block to e: what a signature or certificate holds, or an enciphered block.

        Raises:
            CryptoError: The block is not as long as the modulus, or not less than it.
        """
        return pow(_number(signature, self.n), self.e, self.n).to_bytes(self.size)


@dataclass(frozen=True)
class RsaPrivateKey:
    """A private key: modulus n and exponent d."""

    n: int
    d: int = field(repr=False)

    @property
    def size(self) -> int:
        """Length of the modulus in bytes, which is the length of a block."""
        return _byte_length(self.n)

    def sign(self, block: bytes) -> bytes:
        """Raise a block to d: make a signature, or decipher a block.

        Raises:
            CryptoError: The block is not as long as the modulus, or not less than it.
        """
        return pow(_number(block, self.n), self.d, self.n).to_bytes(self.size)


@dataclass(frozen=True)
class RsaCrtKey:
    """A private key in the five parts of the Chinese remainder theorem, as personalisation loads it (DGIs 8201 to 8205).

    Attributes:
        p: First prime.
        q: Second prime.
        dp: d mod (p-1).
        dq: d mod (q-1).
        q_inverse: 1/q mod p.
    """

    p: int = field(repr=False)
    q: int = field(repr=False)
    dp: int = field(repr=False)
    dq: int = field(repr=False)
    q_inverse: int = field(repr=False)

    @classmethod
    def of(cls, p: int, q: int, e: int) -> Self:
        """The key of two primes and a public exponent.

        Raises:
            CryptoError: No d exists because e and (p-1)(q-1) have a common factor.
        """
        try:
            return cls(p, q, pow(e, -1, p - 1), pow(e, -1, q - 1), pow(q, -1, p))
        except ValueError as error:
            raise CryptoError(f"e = {e} has no inverse modulo p-1 or q-1: choose other primes") from error

    @property
    def n(self) -> int:
        """The modulus."""
        return self.p * self.q

    @property
    def size(self) -> int:
        """Length of the modulus in bytes, which is the length of a block."""
        return _byte_length(self.n)

    def sign(self, block: bytes) -> bytes:
        """Raise a block to d: make a signature, or decipher a block.

        Raises:
            CryptoError: The block is not as long as the modulus, or not less than it.
        """
        number = _number(block, self.n)
        by_p, by_q = pow(number, self.dp, self.p), pow(number, self.dq, self.q)
        return (by_q + (by_p - by_q) * self.q_inverse % self.p * self.q).to_bytes(self.size)


def generate(bits: int, e: int = 65537) -> tuple[RsaCrtKey, RsaPublicKey]:
    """Make a key pair with a modulus of `bits` bits, at least 1024; e is 3 or 65537.

    Raises:
        CryptoError: A size or an exponent that cannot be made.
    """
    try:
        numbers = rsa.generate_private_key(public_exponent=e, key_size=bits).private_numbers()
    except ValueError as error:
        raise CryptoError(f"no RSA key of {bits} bits with exponent {e}: {error}") from error
    return RsaCrtKey.of(numbers.p, numbers.q, e), RsaPublicKey(numbers.p * numbers.q, e)


def _byte_length(n: int) -> int:
    return (n.bit_length() + 7) // 8


def _number(block: bytes, n: int) -> int:
    require_length("the RSA block", block, _byte_length(n))
    number = int.from_bytes(block)
    if number >= n:
        raise CryptoError("the RSA block is not less than the modulus")
    return number
