"""打印卡面: the face shows what the chip reads back, never what the order said."""

from __future__ import annotations

from dataclasses import replace

from conformance.actors.medical.reader import ENVIRONMENT, CardReader, CardRefused
from conformance.actors.station.desk_steps import financial
from conformance.actors.station.work import Work
from profiles.face import Face

NAME, CONTINUED, PERSON, CARD_NUMBER, ISSUED = "09", "4E", "08", "07", "05"
CARD, HOLDER, PHOTO = f"{ENVIRONMENT}/EF05", f"{ENVIRONMENT}/EF06", "EF08"
ENDS = {b"\xff\xd8\xff": b"\xff\xd9", b"BM": b""}
"""First bytes of a photograph (JPEG, BMP) and its last ones, behind which the file is filled."""


def print_face(work: Work) -> None:
    """Print what the chip says. A print that was broken off is made again on the same card body.

    What the printed face shows must be what the chip says, character by character.
    """
    face, printer = read_face(work.reader(), antenna=work.equipment.blank.has_antenna), work.equipment.printer
    if work.bank is not None:
        face = replace(face, account=financial(work).account_number)
    if printer is not None and printer.print_face(face) != face:
        raise CardRefused("卡面与芯片不符", "the printed face shows something else than the chip")


def read_face(reader: CardReader, *, antenna: bool) -> Face:
    """The data of the face from the chip, by the reader's rights; that it has an antenna no chip tells on its contacts."""
    name = reader.text(HOLDER, NAME)
    if CONTINUED in reader.file(HOLDER).elements:
        name += reader.text(HOLDER, CONTINUED)
    return Face(
        name=name,
        person=reader.text(HOLDER, PERSON),
        card_number=reader.text(CARD, CARD_NUMBER),
        issued=reader.text(CARD, ISSUED),
        area=reader.identification[:3].hex(),
        photo=_photo(reader),
        antenna=antenna,
    )


def _photo(reader: CardReader) -> bytes:
    """The photograph without what fills its file; empty where none was written."""
    if PHOTO not in reader.cards.directory[ENVIRONMENT].file:
        return b""
    raw = reader.read_binary(f"{ENVIRONMENT}/{PHOTO}")
    end = next((end for head, end in ENDS.items() if raw.startswith(head)), None)
    if end is None:
        return b""
    return raw[: raw.rfind(end) + len(end)] if end else raw
