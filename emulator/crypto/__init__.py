"""The cryptography of the card: block ciphers, MACs, key diversification, session keys, SM2, RSA."""

from emulator.crypto.block import Algorithm, CryptoError

__all__ = ["Algorithm", "CryptoError"]
