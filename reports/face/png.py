"""A side of the card as PNG at 300 dpi, by resvg: small, quick, no system library, licence MIT."""

from __future__ import annotations

import struct
import zlib

DPI = 300
PIXELS = (1011, 638)
"""85.60 × 53.98 mm at 300 dpi."""
PER_METRE = round(DPI / 0.0254)
HEADER_END = 33
"""Signature 8, length 4, type 4, header 13, check 4."""


def rasterise(svg: str) -> bytes:
    """The picture with its resolution in it; whether the optional package is there, ``check_destination`` has seen to."""
    from resvg_py import svg_to_bytes

    width, height = PIXELS
    return with_resolution(bytes(svg_to_bytes(svg_string=svg, width=width, height=height, dpi=DPI)))


def with_resolution(png: bytes) -> bytes:
    """The same picture with a chunk pHYs (PNG, third edition, 11.3.4.3) right behind its header, and no other one."""
    chunk = b"pHYs" + struct.pack(">IIB", PER_METRE, PER_METRE, 1)
    framed = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    rest = png[HEADER_END:]
    if rest[4:8] == b"pHYs":
        rest = rest[len(framed) :]
    return png[:HEADER_END] + framed + rest
