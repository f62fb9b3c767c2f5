"""A decoded exchange for a terminal: plain text, or the same with colours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rich.text import Text

from reports.trace.parts import Decoded, Field

_SHOWN_BYTES = 48
"""Bytes of a hexadecimal value that are shown before it is shortened."""
_STYLES = {"success": "green", "warning": "yellow", "error": "red", "none": ""}


class _Piece(NamedTuple):
    text: str
    style: str = ""


_Line = list[_Piece]


def format_exchange(decoded: Decoded, n: int, seconds: float, masked: bool = True) -> str:
    """One exchange in a few lines without any control character.

    ``n`` is its number in the session, ``seconds`` how long the card took. With ``masked`` secret bytes show as ``XX``.
    """
    lines = _lines(decoded.masked() if masked else decoded, n, seconds)
    return "\n".join("".join(piece.text for piece in line) for line in lines)


def renderable(decoded: Decoded, n: int, seconds: float, masked: bool = True) -> Text:
    """The same text with colours, for :mod:`rich`; nothing in it is read as markup."""
    text = Text()
    for number, line in enumerate(_lines(decoded.masked() if masked else decoded, n, seconds)):
        if number:
            text.append("\n")
        for piece in line:
            text.append(piece.text, piece.style or None)
    return text


def _lines(decoded: Decoded, n: int, seconds: float) -> Iterator[_Line]:
    head: _Line = [_Piece(f"{n:>5}  ", "dim")]
    head.append(_Piece(decoded.label or str(decoded.name), "bold"))
    if decoded.label:
        head.append(_Piece(f"  {decoded.name.zh}"))
    if decoded.completes:
        head.append(_Piece(f"  ↳ {decoded.completes}", "dim"))
    if decoded.parameters:
        head.append(_Piece("  " + "，".join(text.zh or text.en for text in decoded.parameters), "dim"))
    if decoded.subject:
        head.append(_Piece(f"  {decoded.subject} {decoded.title.zh}".rstrip(), "cyan"))
    head.append(_Piece(f"  {seconds * 1000:.1f} ms", "dim"))
    yield head
    if decoded.kind == "exchange":
        yield [_Piece("    C  ", "dim"), _Piece(_shortened(decoded.command.hex()))]
        yield from _fields(decoded.fields, 1)
    if decoded.kind != "power off":
        yield _answer(decoded)
        yield from _fields(decoded.answer, 1)
    for problem in decoded.problems:
        yield [_Piece(f"       ! {problem}", "yellow")]


def _answer(decoded: Decoded) -> _Line:
    if decoded.sw is None:
        return [
            _Piece("    R  ", "dim"),
            _Piece(_shortened(decoded.response.hex()) or "—"),
            _Piece(_spaced(decoded.status.zh)),
        ]
    data = _shortened(decoded.response.cut(0, len(decoded.response) - 2).hex())
    return [
        _Piece("    R  ", "dim"),
        _Piece(f"{data} " if data else ""),
        _Piece(f"{decoded.sw:04X}", _STYLES[decoded.status_kind]),
        _Piece(_spaced(decoded.status.zh)),
    ]


def _fields(fields: tuple[Field, ...], depth: int) -> Iterator[_Line]:
    for field in fields:
        line = [_Piece("    " + "   " * depth)]
        if field.tag:
            line.append(_Piece(f"{field.tag} ", "cyan"))
        line.append(_Piece(field.name.zh))
        if field.text:
            line.append(_Piece(_spaced(field.text), "bold"))
        elif not field.children:
            line.append(_Piece(_spaced(_shortened(field.raw)), "bold"))
        if field.meaning:
            line.append(_Piece(_spaced(field.meaning.zh)))
        if field.problem:
            line.append(_Piece(_spaced(field.problem), "yellow"))
        yield line
        yield from _fields(field.children, depth + 1)


def _spaced(text: str) -> str:
    return f" {text}" if text else ""


def _shortened(digits: str) -> str:
    if len(digits) <= 2 * _SHOWN_BYTES:
        return digits
    return f"{digits[: 2 * _SHOWN_BYTES]}… ({len(digits) // 2} bytes)"
