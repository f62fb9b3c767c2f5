"""Reading and updating elementary files (reconstructed specification §2.2, §3.1; vol. 2 §4.4, §4.5).

Contents are learnt: what a card shows first is what it must show again until an update changes it.
"""

from __future__ import annotations

from functools import partial

from conformance.model.card import GENERAL_REFUSAL, Card, Held
from conformance.model.prediction import Outcome, Prediction, refused
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


def _addressed(card: Card, short_identifier: int) -> tuple[str, File] | Prediction:
    """The file of a short identifier, of the current file for 0, or the refusal."""
    if short_identifier == 0:
        if card.state.file is None:
            words = (NO_CURRENT_FILE,) if card.state.file_is_known else ()
            return refused(NO_CURRENT, *words, families=() if words else ANY_REFUSAL, then=partial(aged, card))
        return card.state.file, card.directory.file[card.state.file]
    found = card.file(short_identifier)
    return refused(NO_SUCH_SFI, NOT_FOUND, then=partial(aged, card)) if found is None else found


def path_of(card: Card, name: str) -> str:
    """Directory and file, e.g. ``DF01/EF05``."""
    return f"{card.state.directory}/{name}"


def _shut(card: Card, requirement: str, words: tuple[int, ...], *more: int) -> Prediction:
    """Refused for want of a right, or for another fault that the command has besides; what is current is then open."""
    return refused(requirement, *dict.fromkeys((*words, *more)), then=partial(lose_track, card))


def _open(card: Card, name: str, held: Held, requirement: str, outcomes: tuple[Outcome, ...]) -> Prediction:
    """The outcomes of an open access, and the refusal where the right is doubtful."""
    if held is Held.DOUBTFUL:
        outcomes = (*outcomes, Outcome((REFUSED,), then=partial(lose_track, card)))
    return Prediction(requirement, outcomes)


# Records


def record_length(file: File, number: int) -> int | None:
    """Bytes of a record as the standard has it: tag, length and value, or the fields of a cyclic record."""
    if file.structure == "cyclic":
        return layout(file.layout or "").size
    if file.structure in ("variable", "fixed") and 1 <= number <= len(file.elements):
        return element(file.elements[number - 1]).length + 2
    return None


def read_record(card: Card, short_identifier: int, number: int) -> Prediction:
    """READ RECORD by number."""
    addressed = _addressed(card, short_identifier)
    if isinstance(addressed, Prediction):
        return addressed
    name, file = addressed
    path, held = path_of(card, name), card.access(file.read)
    requirement = card.access_requirement(path, "read")
    beyond = _is_beyond(file, number)
    if file.structure == "transparent":
        return refused(
            STRUCTURE, WRONG_STRUCTURE, *((REFUSED,) if held is not Held.YES else ()), then=partial(lose_track, card)
        )
    if held is Held.NO:
        shut = _shut(card, requirement, _refusals(file, "read"), *((NO_RECORD,) if beyond else ()))
        return Prediction(requirement, (*shut.outcomes, *_empty_instead(card, path, file, number)))
    missing = Outcome((NO_RECORD,), then=partial(_missed, card, path, number))
    if beyond:
        return _open(card, name, held, BEYOND, (missing,))
    known = card.state.contents.get(path, {}).get(number)
    end = card.state.ends.get(path)
    shown = Outcome(
        (SUCCESS,),
        fits=partial(_is_record, file, number, known),
        shown=known.hex().upper() if known else f"record {number}",
        then=partial(_learnt, card, name, number),
    )
    open_ended = file.structure == "cyclic" or file.is_directory
    if not open_ended or known is not None:
        return _open(card, name, held, requirement, (shown, *_stricter(card, path, file, number)))
    if end is not None and number >= end:
        return _open(card, name, held, requirement, (missing,))
    return _open(card, name, held, requirement, (shown, missing))


def _empty_instead(card: Card, path: str, file: File, number: int) -> tuple[Outcome, ...]:
    """A card of 3.00 may show the holder's elements empty where it should refuse (§2.4 no. 3)."""
    if path != HOLDER_FILE or card.profile.specification != "3.00" or not 1 <= number <= len(file.elements):
        return ()
    entry = element(file.elements[number - 1])
    empty = Outcome(
        (SUCCESS,), fits=lambda data: entry.is_initial_fill(data[2:]), shown="—", then=partial(lose_track, card)
    )
    return (empty,)


def _stricter(card: Card, path: str, file: File, number: int) -> tuple[Outcome, ...]:
    """A card of 3.00 may protect the card number 卡号 like the holder's file (§2.4 no. 3)."""
    holder = card.profile.directory[card.environment].file.get("EF06")
    if (
        path != ISSUER_FILE
        or file.elements[number - 1 : number] != (CARD_NUMBER,)
        or card.profile.specification != "3.00"
    ):
        return ()
    if holder is None or card.access(holder.read) is Held.YES:
        return ()
    return (Outcome((REFUSED,), then=partial(lose_track, card)),)


def _is_beyond(file: File, number: int) -> bool:
    """Whether no card of the standard has the record; a card may keep more cyclic records than it must."""
    return file.structure in ("variable", "fixed") and not file.is_directory and not 1 <= number <= len(file.elements)


def _refusals(file: File, right: str) -> tuple[int, ...]:
    condition = file.read if right == "read" else file.update
    return NEVER_OPEN if condition.is_never else (REFUSED,)


def _is_record(file: File, number: int, known: bytes | None, data: bytes) -> bool:
    length = record_length(file, number)
    if known is not None:
        return data == known
    return bool(data) and (length is None or len(data) == length)


def _learnt(card: Card, name: str, number: int, data: bytes) -> None:
    card.state.contents.setdefault(path_of(card, name), {})[number] = data
    make_current(card, name)


def _missed(card: Card, path: str, number: int, _: bytes) -> None:
    card.state.ends[path] = min(number, card.state.ends.get(path, number))
    lose_track(card)


def update_record(card: Card, short_identifier: int, number: int, record: bytes) -> Prediction:
    """UPDATE RECORD by number of a variable or fixed file; another length, tag or inner length is refused."""
    addressed = _addressed(card, short_identifier)
    if isinstance(addressed, Prediction):
        return addressed
    name, file = addressed
    path, held = path_of(card, name), card.access(file.update)
    requirement = card.access_requirement(path, "update")
    if file.structure == "transparent":
        return refused(
            STRUCTURE, WRONG_STRUCTURE, *((REFUSED,) if held is not Held.YES else ()), then=partial(lose_track, card)
        )
    fault = _fault(file, number, record)
    if held is Held.NO:
        words = _refusals(file, "update")
        families = ANY_REFUSAL if fault else ()
        return refused(requirement, *words, families=families, then=partial(lose_track, card))
    if fault:
        return refused(fault, families=ANY_REFUSAL, then=partial(lose_track, card))
    done = Outcome((SUCCESS,), then=partial(_updated, card, name, number, record))
    return _open(card, name, held, requirement, (done,))


def _fault(file: File, number: int, record: bytes) -> str | None:
    """The requirement by which an update must be refused, whoever asks."""
    length = record_length(file, number)
    if length is None:
        return BEYOND
    if len(record) != length:
        return LENGTH
    head = bytes([int(file.elements[number - 1], 16), length - 2])
    return SHAPE if record[:2] != head else None


def _updated(card: Card, name: str, number: int, record: bytes, _: bytes) -> None:
    card.state.contents.setdefault(path_of(card, name), {})[number] = record
    make_current(card, name)


def append_record(card: Card, short_identifier: int, record: bytes) -> Prediction:
    """UPDATE RECORD of a cyclic file: a new record 1, the others go one further and the oldest goes."""
    addressed = _addressed(card, short_identifier)
    if isinstance(addressed, Prediction):
        return addressed
    name, file = addressed
    path, held = path_of(card, name), card.access(file.update)
    requirement = card.access_requirement(path, "update")
    fault = LENGTH if len(record) != record_length(file, 1) else None
    if held is Held.NO:
        families = ANY_REFUSAL if fault else ()
        return refused(requirement, *_refusals(file, "update"), families=families, then=partial(lose_track, card))
    if fault:
        families, words = ANY_REFUSAL, ()
        return refused(fault, *words, families=families, then=partial(lose_track, card))
    done = Outcome((SUCCESS,), then=partial(_appended, card, name, file, record))
    return _open(card, name, held, requirement, (done,))


def _appended(card: Card, name: str, file: File, record: bytes, _: bytes) -> None:
    path = path_of(card, name)
    kept = {number + 1: old for number, old in card.state.contents.get(path, {}).items()}
    card.state.contents[path] = {1: record} | {n: old for n, old in kept.items() if n <= (file.records or n)}
    if path in card.state.ends:
        card.state.ends[path] += 1
    make_current(card, name)


# Transparent files


def read_binary(card: Card, short_identifier: int, offset: int, length: int) -> Prediction:
    """READ BINARY inside the file."""
    addressed = _addressed(card, short_identifier)
    if isinstance(addressed, Prediction):
        return addressed
    name, file = addressed
    path, held = path_of(card, name), card.access(file.read)
    requirement = card.access_requirement(path, "read")
    if file.structure != "transparent":
        return refused(
            STRUCTURE, WRONG_STRUCTURE, *((REFUSED,) if held is not Held.YES else ()), then=partial(lose_track, card)
        )
    if held is Held.NO:
        return _shut(card, requirement, _refusals(file, "read"))
    known = card.state.contents.get(path, {})
    shown = Outcome(
        (SUCCESS,),
        fits=partial(_are_bytes, known, offset, length),
        shown=f"{length} bytes as they were written",
        then=partial(_bytes_learnt, card, name, offset),
    )
    return _open(card, name, held, requirement, (shown,))


def _are_bytes(known: dict[int, bytes], offset: int, length: int, data: bytes) -> bool:
    return len(data) == length and all(
        known.get(offset + at, data[at : at + 1]) == data[at : at + 1] for at in range(length)
    )


def _bytes_learnt(card: Card, name: str, offset: int, data: bytes) -> None:
    known = card.state.contents.setdefault(path_of(card, name), {})
    known.update({offset + at: data[at : at + 1] for at in range(len(data))})
    make_current(card, name)


def update_binary(card: Card, short_identifier: int, offset: int, value: bytes) -> Prediction:
    """UPDATE BINARY inside the file, or beyond its end, which changes nothing."""
    addressed = _addressed(card, short_identifier)
    if isinstance(addressed, Prediction):
        return addressed
    name, file = addressed
    path, held = path_of(card, name), card.access(file.update)
    requirement = card.access_requirement(path, "update")
    if file.structure != "transparent":
        return refused(
            STRUCTURE, WRONG_STRUCTURE, *((REFUSED,) if held is not Held.YES else ()), then=partial(lose_track, card)
        )
    beyond = offset + len(value) > (file.size or 0)
    if held is Held.NO:
        families = ANY_REFUSAL if beyond else ()
        return refused(requirement, *_refusals(file, "update"), families=families, then=partial(lose_track, card))
    if beyond:
        return refused(GENERAL_REFUSAL, families=ANY_REFUSAL, then=partial(lose_track, card))
    done = Outcome((SUCCESS,), then=partial(_bytes_written, card, name, offset, value))
    return _open(card, name, held, requirement, (done,))


def _bytes_written(card: Card, name: str, offset: int, value: bytes, _: bytes) -> None:
    _bytes_learnt(card, name, offset, value)
