"""The recommended elliptic curve of SM2 (GM/T 0003.5-2012 §2): y² = x³ + ax + b over a prime field, cofactor 1.

Only what verification, decryption and key agreement need. Written for clarity, not against side channels: keys here are test keys.
"""

from collections.abc import Iterator

from emulator.crypto.block import CryptoError, require_length

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
SIZE = 32

Point = tuple[int, int] | None
"""An affine point, None is the point at infinity."""

G: tuple[int, int] = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)

# Jacobian coordinates: (X, Y, Z) stands for (X/Z², Y/Z³); Z = 0 is infinity. They save the costly inversion of each step.
_Jacobian = tuple[int, int, int]
_INFINITY: _Jacobian = (1, 1, 0)


def decode_point(raw: bytes, what: str = "the public key") -> tuple[int, int]:
    """Read x‖y, 64 bytes.

    Raises:
        CryptoError: Wrong length, or the point is not on the curve.
    """
    require_length(what, raw, 2 * SIZE)
    x, y = int.from_bytes(raw[:SIZE]), int.from_bytes(raw[SIZE:])
    if x >= P or y >= P or (y * y - x**3 - A * x - B) % P:
        raise CryptoError(f"{what} is not a point of the SM2 curve")
    return x, y


def encode_point(point: Point) -> bytes:
    """Write x‖y, 64 bytes.

    Raises:
        CryptoError: The point at infinity, which has no coordinates.
    """
    if point is None:
        raise CryptoError("the calculation leads to the point at infinity: use other keys")
    return point[0].to_bytes(SIZE) + point[1].to_bytes(SIZE)


def decode_scalar(raw: bytes, what: str = "the private key", greatest: int = N - 2) -> int:
    """Read a number from 1 to `greatest`, 32 bytes. A private key may not be n-1, because signing divides by 1 + d.

    Raises:
        CryptoError: Wrong length or value.
    """
    require_length(what, raw, SIZE)
    scalar = int.from_bytes(raw)
    if not 1 <= scalar <= greatest:
        raise CryptoError(f"{what} is out of range, 1 to n-{N - greatest} is right")
    return scalar


def multiply(factor: int, point: Point) -> Point:
    """The multiple [factor]point."""
    return multiply_add(factor, point, 0, None)


def multiply_add(u: int, p: Point, v: int, q: Point) -> Point:
    """The sum [u]p + [v]q, with one chain of doublings for both (Shamir's trick)."""
    both = _affine(_add(_add(_INFINITY, p), q))
    table = (None, p, q, both)
    result = _INFINITY
    for choice in _joint_bits(u, v):
        result = _double(result)
        result = _add(result, table[choice])
    return _affine(result)


def _joint_bits(u: int, v: int) -> Iterator[int]:
    for bit in range(max(u.bit_length(), v.bit_length()) - 1, -1, -1):
        yield u >> bit & 1 | (v >> bit & 1) << 1


def _double(point: _Jacobian) -> _Jacobian:
    x, y, z = point
    if not z:
        return point
    zz = z * z % P
    yy = y * y % P
    xyy = 4 * x * yy % P
    slope = 3 * (x - zz) * (x + zz) % P  # 3x² + aZ⁴ with a = -3
    x3 = (slope * slope - 2 * xyy) % P
    return x3, (slope * (xyy - x3) - 8 * yy * yy) % P, 2 * y * z % P


def _add(point: _Jacobian, other: Point) -> _Jacobian:
    if other is None:
        return point
    x1, y1, z1 = point
    x2, y2 = other
    if not z1:
        return x2, y2, 1
    zz = z1 * z1 % P
    across = (x2 * zz - x1) % P
    rise = (y2 * zz * z1 - y1) % P
    if not across:
        return _INFINITY if rise else _double(point)
    square = across * across % P
    cube = square * across % P
    base = x1 * square % P
    x3 = (rise * rise - cube - 2 * base) % P
    return x3, (rise * (base - x3) - y1 * cube) % P, z1 * across % P


def _affine(point: _Jacobian) -> Point:
    x, y, z = point
    if not z:
        return None
    inverse = pow(z, -1, P)
    square = inverse * inverse % P
    return x * square % P, y * square * inverse % P
