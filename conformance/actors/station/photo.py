"""照片: what the standard asks of a photograph in the chip (人社信息函〔2012〕37号; reconstructed specification, vol. 2 §8.2)."""

from __future__ import annotations

from collections.abc import Iterator

START, END = b"\xff\xd8", b"\xff\xd9"
FRAMES = frozenset({0xC0, 0xC1, 0xC2})
"""Markers of a frame of sequential or progressive Huffman coding, which every reader shows."""
SCAN = 0xDA
BITS, COMPONENTS = 8, 3
WIDTH, HEIGHT = 26, 32
"""Millimetres."""
LEAST_DENSITY = 300
"""Dots to the inch."""
MILLIMETRES = 25.4
TOLERANCE = 0.02


class PhotoError(ValueError):
    """A photograph that no card takes; the message says why and what to give."""


def check_photo(data: bytes) -> None:
    """Raises :class:`PhotoError` unless the data are a JPEG of 26 × 32 mm, in 24-bit colour, at 300 dots to the inch or more."""
    if not data.startswith(START) or not data.endswith(END):
        raise PhotoError("it is no whole JPEG; give a file that begins with FFD8 and ends with FFD9")
    frame = next((body for marker, body in _segments(data) if marker in FRAMES), b"")
    if len(frame) < 6:
        raise PhotoError("the JPEG has no picture that a reader can show; give a baseline or progressive one")
    bits, height, width, components = frame[0], int.from_bytes(frame[1:3]), int.from_bytes(frame[3:5]), frame[5]
    if (bits, components) != (BITS, COMPONENTS):
        raise PhotoError(f"it has {components} colours of {bits} bits; give one of 24-bit colour")
    if width * MILLIMETRES < WIDTH * LEAST_DENSITY or height * MILLIMETRES < HEIGHT * LEAST_DENSITY:
        raise PhotoError(
            f"{width} × {height} dots are fewer than 300 to the inch on 26 × 32 mm; give 308 × 378 or more"
        )
    if abs(width * HEIGHT / (height * WIDTH) - 1) > TOLERANCE:
        raise PhotoError(f"{width} × {height} dots are not of the form 26 × 32 mm; give such as 358 × 441")


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Markers and bodies of the segments before the coded picture, as far as they are sound."""
    position = len(START)
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4])
        if marker == SCAN or length < 2:
            return
        yield marker, data[position + 4 : position + 2 + length]
        position += 2 + length
