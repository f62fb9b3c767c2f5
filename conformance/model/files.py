"""Reading and updating elementary files (reconstructed specification §2.2, §3.1; vol. 2 §4.4, §4.5).

Contents are learnt: what a card shows first is what it must show again until an update changes it.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from conformance.model.card import GENERAL_REFUSAL, Card
from conformance.model.prediction import Outcome, Prediction, refused, succeeds
from conformance.model.selection import aged, lose_track, make_current
from profiles.dictionary import element, layout
from profiles.model import File

SUCCESS, REFUSED, NO_CURRENT_FILE = 0x9000, 0x6982, 0x6986
NOT_FOUND, NO_RECORD, WRONG_STRUCTURE = 0x6A82, 0x6A83, 0x6981
NO_SUCH_SFI, NO_CURRENT, STRUCTURE = "SSC-SEL-015", "SSC-CMD-011", "SSC-REC-060"
BEYOND, LENGTH, SHAPE = "SSC-REC-058", "SSC-CMD-007", "SSC-CMD-008"
ISSUER_FILE, HOLDER_FILE, CARD_NUMBER = "SSSE/EF05", "SSSE/EF06", "07"
NEVER_OPEN = (REFUSED, WRONG_STRUCTURE, 0x6985)
ANY_REFUSAL = (0x67, 0x69, 0x6A, 0x6B)


class _Addressed(NamedTuple):
    """A file of the current directory, and whether the access that a command wants is open."""

    name: str
    file: File
    path: str
    allowed: bool
    requirement: str
    refusals: tuple[int, ...]


def _addressed(card: Card, short_identifier: int, right: str, *, transparent: bool) -> _Addressed | Prediction:
    """The file of a short identifier, of the current file for 0, or the refusal of a file that is not or is another."""
    if short_identifier == 0:
        if card.state.file is None:
            families = () if card.state.file_is_known else ANY_REFUSAL
            words = (NO_CURRENT_FILE,) if card.state.file_is_known else ()
            return refused(NO_CURRENT, *words, families=families, then=partial(aged, card))
        name, file = card.state.file, card.directory.file[card.state.file]
    else:
        found = card.file(short_identifier)
        if found is None:
            return refused(NO_SUCH_SFI, NOT_FOUND, then=partial(aged, card))
        name, file = found
    condition = file.read if right == "read" else file.update
    allowed = card.allows(condition)
    refusals = NEVER_OPEN if condition.is_never else (REFUSED,)
    if (file.structure == "transparent") is not transparent:
        words = (WRONG_STRUCTURE,) if allowed else (WRONG_STRUCTURE, *refusals)
        return refused(STRUCTURE, *dict.fromkeys(words), then=partial(lose_track, card))
    path = path_of(card, name)
    return _Addressed(name, file, path, allowed, card.access_requirement(path, right), refusals)


def path_of(card: Card, name: str) -> str:
    """Directory and file, e.g. ``DF01/EF05``."""
    return f"{card.state.directory}/{name}"


def _update(card: Card, to: _Addressed, fault: str | None, done: Outcome) -> Prediction:
    """The end of an update: refused for want of the right, for a fault that breaks a requirement, or done."""
    if not to.allowed:
        families = ANY_REFUSAL if fault else ()
        return refused(to.requirement, *to.refusals, families=families, then=partial(lose_track, card))
    if fault:
        return refused(fault, families=ANY_REFUSAL, then=partial(lose_track, card))
    return Prediction(to.requirement, (done,))


# Records


def record_length(file: File, number: int) -> int | None:
    """Bytes of a record as the standard has it: tag, length and value, or the fields of a cyclic record; None where unknown."""
    if file.structure == "cyclic":
        return layout(file.layout).size if file.layout else None
    if 1 <= number <= len(file.elements):
        return element(file.elements[number - 1]).length + 2
    return None


def read_record(card: Card, short_identifier: int, number: int) -> Prediction:
    """READ RECORD by number."""
    to = _addressed(card, short_identifier, "read", transparent=False)
    if isinstance(to, Prediction):
        return to
    beyond = bool(to.file.elements) and number > len(to.file.elements)
    if not to.allowed:
        words = (*to.refusals, NO_RECORD) if beyond else to.refusals
        shut = Outcome(words, then=partial(lose_track, card))
        return Prediction(to.requirement, (shut, *_empty_instead(card, to, number)))
    missing = Outcome((NO_RECORD,), then=partial(_missed, card, to.path, number))
    if beyond:
        return Prediction(BEYOND, (missing,))
    known = card.state.contents.get(to.path, {}).get(number)
    shown = Outcome(
        (SUCCESS,),
        fits=partial(_is_record, to.file, number, known),
        shown=f"record {number}" + (" as it was before" if known else ""),
        then=partial(_learnt, card, to.name, number),
    )
    if to.file.elements or known is not None:
        return Prediction(to.requirement, (shown, *_stricter(card, to, number)))
    if number >= card.state.ends.get(to.path, number + 1):
        return Prediction(to.requirement, (missing,))
    return Prediction(to.requirement, (shown, missing))


def _empty_instead(card: Card, to: _Addressed, number: int) -> tuple[Outcome, ...]:
    """A card of 3.00 may show the holder's elements empty where it should refuse (§2.4 no. 3)."""
    if to.path != HOLDER_FILE or card.profile.specification != "3.00" or number > len(to.file.elements):
        return ()
    entry = element(to.file.elements[number - 1])
    return (
        Outcome(
            (SUCCESS,), fits=lambda data: entry.is_initial_fill(data[2:]), shown="—", then=partial(lose_track, card)
        ),
    )


def _stricter(card: Card, to: _Addressed, number: int) -> tuple[Outcome, ...]:
    """A card of 3.00 may protect the card number 卡号 like the holder's file (§2.4 no. 3)."""
    holder = card.profile.directory[card.environment].file.get("EF06")
    is_number = to.path == ISSUER_FILE and to.file.elements[number - 1] == CARD_NUMBER
    if not is_number or card.profile.specification != "3.00" or holder is None or card.allows(holder.read):
        return ()
    return (Outcome((REFUSED,), then=partial(lose_track, card)),)


def _is_record(file: File, number: int, known: bytes | None, data: bytes) -> bool:
    if known is not None:
        return data == known
    length = record_length(file, number)
    return bool(data) and length in (None, len(data))


def _learnt(card: Card, name: str, number: int, data: bytes) -> None:
    card.state.contents.setdefault(path_of(card, name), {})[number] = data
    make_current(card, name)


def _missed(card: Card, path: str, number: int, _: bytes) -> None:
    card.state.ends[path] = min(number, card.state.ends.get(path, number))
    lose_track(card)


def update_record(card: Card, short_identifier: int, number: int, record: bytes) -> Prediction:
    """UPDATE RECORD by number of a variable or fixed file; another length, tag or inner length is refused."""
    to = _addressed(card, short_identifier, "update", transparent=False)
    if isinstance(to, Prediction):
        return to
    done = Outcome((SUCCESS,), then=lambda _: _learnt(card, to.name, number, record))
    return _update(card, to, _fault(to.file, number, record), done)


def _fault(file: File, number: int, record: bytes) -> str | None:
    """The requirement by which an update must be refused, whoever asks."""
    length = record_length(file, number)
    if length is None:
        return BEYOND
    if len(record) != length:
        return LENGTH
    head = bytes([int(file.elements[number - 1], 16), length - 2])
    return SHAPE if record[:2] != head else None


def append_record(card: Card, short_identifier: int, record: bytes) -> Prediction:
    """UPDATE RECORD of a cyclic file: a new record 1, the others go one further and the oldest goes."""
    to = _addressed(card, short_identifier, "update", transparent=False)
    if isinstance(to, Prediction):
        return to
    fault = LENGTH if len(record) != record_length(to.file, 1) else None
    return _update(card, to, fault, Outcome((SUCCESS,), then=partial(_appended, card, to, record)))


def _appended(card: Card, to: _Addressed, record: bytes, _: bytes) -> None:
    kept = {number + 1: old for number, old in card.state.contents.get(to.path, {}).items()}
    card.state.contents[to.path] = {1: record} | {n: old for n, old in kept.items() if n <= (to.file.records or n)}
    if to.path in card.state.ends:
        card.state.ends[to.path] += 1
    make_current(card, to.name)


# Transparent files


def read_binary(card: Card, short_identifier: int, offset: int, length: int) -> Prediction:
    """READ BINARY inside the file."""
    to = _addressed(card, short_identifier, "read", transparent=True)
    if isinstance(to, Prediction):
        return to
    if not to.allowed:
        return refused(to.requirement, *to.refusals, then=partial(lose_track, card))
    known = card.state.contents.get(to.path, {})
    return succeeds(
        to.requirement,
        partial(_bytes_learnt, card, to.name, offset),
        fits=partial(_are_bytes, known, offset, length),
        shown=f"{length} bytes, as they were before where they are known",
    )


def _are_bytes(known: dict[int, bytes], offset: int, length: int, data: bytes) -> bool:
    pieces = ((known.get(offset + at), data[at : at + 1]) for at in range(length))
    return len(data) == length and all(old in (None, now) for old, now in pieces)


def _bytes_learnt(card: Card, name: str, offset: int, data: bytes) -> None:
    known = card.state.contents.setdefault(path_of(card, name), {})
    known.update({offset + at: data[at : at + 1] for at in range(len(data))})
    make_current(card, name)


def update_binary(card: Card, short_identifier: int, offset: int, value: bytes) -> Prediction:
    """UPDATE BINARY inside the file, or beyond its end, which changes nothing."""
    to = _addressed(card, short_identifier, "update", transparent=True)
    if isinstance(to, Prediction):
        return to
    fault = GENERAL_REFUSAL if offset + len(value) > (to.file.size or 0) else None
    return _update(card, to, fault, Outcome((SUCCESS,), then=lambda _: _bytes_learnt(card, to.name, offset, value)))
