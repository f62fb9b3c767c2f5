"""Diversification of keys by province, city and card (reconstructed specification §4.2, details §2.3).

A national key has three levels (province, city, card), a provincial key two (city, card), a city key one (card). Every factor has 8 bytes.

| algorithm | derived key |
|---|---|
| triple DES, 16 bytes | E(K, F) ‖ E(K, ~F), the PBOC method |
| DES, 8 bytes (STK family) | E(K, F) |
| SM4 | E(K, F‖~F): a working assumption, no form is published |
"""

from collections.abc import Sequence

from emulator.crypto.block import DES_KEY_SIZE, Algorithm, CryptoError, encrypt_ecb, require_length

FACTOR_SIZE = 8


def card_factor(historical: bytes) -> bytes:
    """CARDFACTOR: the last 8 historical bytes of the answer to reset, the card's serial.

    Raises:
        CryptoError: Fewer than 8 historical bytes.
    """
    if len(historical) < FACTOR_SIZE:
        raise CryptoError(f"{len(historical)} historical bytes, the card factor needs at least 8")
    return historical[-FACTOR_SIZE:]


def city_factor(city_code: str) -> bytes:
    """CITYFACTOR: the six digits of the city code (GB/T 2260) in ASCII and "sx".

    Raises:
        CryptoError: The code is not six digits.
    """
    return _digits(city_code) + b"sx"


def province_factor(city_code: str) -> bytes:
    """PROVFACTOR: the first two digits of the city code, "0000" and "sh", in ASCII.

    Raises:
        CryptoError: The code is not six digits.
    """
    return _digits(city_code)[:2] + b"0000sh"


def diversify(algorithm: Algorithm, key: bytes, factor: bytes) -> bytes:
    """Derive the key of the next level; it is as long as the key given.

    Raises:
        CryptoError: Wrong length of key or factor.
    """
    require_length("the diversification factor", factor, FACTOR_SIZE)
    if len(key) == DES_KEY_SIZE and algorithm is Algorithm.DES3:
        return encrypt_ecb(algorithm, key, factor)
    return encrypt_ecb(algorithm, key, factor + bytes(byte ^ 0xFF for byte in factor))


def derive(algorithm: Algorithm, root: bytes, factors: Sequence[bytes]) -> bytes:
    """Derive a key through several levels, upper level first: province, city, card.

    Raises:
        CryptoError: Wrong length of key or factor.
    """
    for factor in factors:
        root = diversify(algorithm, root, factor)
    return root


def factors(levels: int, city_code: str, historical: bytes) -> list[bytes]:
    """The factors of a key of 0 to 3 levels, upper level first: national keys take province, city and card.

    Raises:
        CryptoError: The city code or the historical bytes cannot give a factor.
    """
    upper = [province_factor(city_code), city_factor(city_code), card_factor(historical)]
    return upper[len(upper) - levels :]


def _digits(city_code: str) -> bytes:
    if len(city_code) != 6 or not (city_code.isascii() and city_code.isdigit()):
        raise CryptoError(f"city code {city_code!r} is not six digits such as 500000")
    return city_code.encode("ascii")
