"""How a data element's value lies in the card: formats cn, an and b of 人社信息函〔2012〕37号 §7.

cn: packed decimal digits, left aligned, padded with F. an: GBK text, left aligned, padded with 00. b: binary, as it stands.
A value that was never written is the *initial fill*: FF for cn, 00 for an and b.
"""

from __future__ import annotations

from typing import Literal

Format = Literal["cn", "an", "b"]

_HEX = frozenset("0123456789ABCDEF")


class ValueFormatError(ValueError):
    """A value that does not fit the format or the length of its element."""


def encode(form: Format, length: int, value: object) -> bytes:
    """Write ``value`` into ``length`` bytes; raises :class:`ValueFormatError`.

    cn takes digits (A to F too, for institution identifiers such as D156000005); an takes text; b takes bytes,
    hexadecimal text, or a whole number that is written big-endian. Bytes are taken as they are in every format, but must
    have the exact length.
    """
    if not isinstance(value, str | bytes | int) or isinstance(value, bool):
        raise ValueFormatError(f"{value!r} is neither text nor a number; write it between quotation marks")
    if isinstance(value, bytes):
        if len(value) != length:
            raise ValueFormatError(f"{len(value)} bytes given, {length} needed")
        return value
    if form == "b":
        return _encode_binary(length, value)
    if not isinstance(value, str):
        raise ValueFormatError(f"{value!r} is a number; write it as text between quotation marks")
    return _encode_digits(length, value) if form == "cn" else _encode_text(length, value)


def _encode_digits(length: int, value: str) -> bytes:
    digits = value.replace(" ", "").upper()
    if not _HEX.issuperset(digits):
        raise ValueFormatError(f"{value!r} holds more than digits")
    if len(digits) > 2 * length:
        raise ValueFormatError(f"{len(digits)} digits given, {2 * length} fit")
    return bytes.fromhex(digits.ljust(2 * length, "F"))


def _encode_text(length: int, value: str) -> bytes:
    try:
        raw = value.encode("gbk")
    except UnicodeEncodeError as error:
        raise ValueFormatError(f"{value[error.start]!r} has no code in GBK") from None
    if len(raw) > length:
        raise ValueFormatError(f"{len(raw)} bytes of GBK given, {length} fit")
    return raw.ljust(length, b"\x00")


def _encode_binary(length: int, value: str | int) -> bytes:
    if isinstance(value, int):
        try:
            return value.to_bytes(length, "big")
        except OverflowError:
            raise ValueFormatError(f"{value} does not fit into {length} unsigned bytes") from None
    try:
        raw = bytes.fromhex(value)
    except ValueError:
        raise ValueFormatError(f"{value!r} is not an even number of hexadecimal digits") from None
    if len(raw) > length:
        raise ValueFormatError(f"{len(raw)} bytes given, {length} fit")
    return raw.ljust(length, b"\x00")


def decode(form: Format, raw: bytes) -> str:
    """Read a value tolerantly; never fails.

    Padding F (cn) and 00, FF, 20 (an, all three are seen in the field) is taken off; bytes that are no GBK show as U+FFFD.
    """
    if form == "an":
        return raw.rstrip(b"\x00\xff\x20").decode("gbk", errors="replace")
    text = raw.hex().upper()
    return text.rstrip("F") if form == "cn" else text


def initial_fill(form: Format, length: int) -> bytes:
    """The value of an element that was never written."""
    return (b"\xff" if form == "cn" else b"\x00") * length
