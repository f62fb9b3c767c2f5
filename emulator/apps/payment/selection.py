"""SELECT of a payment application by its name, whole or in part, and what stands outside every application."""

from __future__ import annotations

from emulator.apps.payment.application import Tag, data_cell
from emulator.cos import selection
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet, WarnedAnswer
from emulator.cos.structure import CARD_STATE_CELL, CardState
from emulator.iso7816 import SW, Command, StatusError, tlv

ENVIRONMENT = "payment environment"
SHORTEST_NAME, LONGEST_NAME = 5, 16

SELECT = CommandSet()
NOTHING_SELECTED = CommandSet()
"""What a terminal may send too early: ``6985`` while no application is selected."""


@SELECT.command("SELECT")
def select(card: Card, command: Command) -> bytes:
    """SELECT (JR/T 0025.5 §6, B.13); ends the transaction. The warning ``6283`` of a blocked application brings its FCI.

    The next occurrence follows only straight after a selection. On a chip that has other applications too, selection by
    identifier stays theirs.
    """
    if card.memory.cells[CARD_STATE_CELL] == CardState.TERMINATED:
        raise StatusError(SW.FUNCTION_NOT_SUPPORTED)
    if command.p1 != selection.BY_NAME:
        if card.master_file.directory.application == ENVIRONMENT:
            raise StatusError(SW.INCORRECT_P1_P2)
        return selection.select(card, command)
    if command.p2 not in (selection.FIRST, selection.NEXT):
        raise StatusError(SW.INCORRECT_P1_P2)
    if not SHORTEST_NAME <= len(command.data) <= LONGEST_NAME:
        raise StatusError(SW.WRONG_LENGTH)
    if command.p2 == selection.NEXT and card.session.application is not None:
        raise StatusError(SW.FILE_NOT_FOUND)
    try:
        return _as_it_is_now(card, selection.select(card, command))
    except WarnedAnswer as warned:
        raise WarnedAnswer(warned.sw, _as_it_is_now(card, warned.data)) from None


def _as_it_is_now(card: Card, answer: bytes) -> bytes:
    """The file control information with DF61, the only object in it that PUT DATA may change."""
    now = card.memory.cells.get(data_cell(card.session.node.directory.name, Tag.EXTENDED))
    if not isinstance(now, bytes):
        return answer
    return b"".join(_renewed(item, Tag.EXTENDED, now) for item in tlv.parse(answer))


def _renewed(item: tlv.Tlv, tag: int, value: bytes) -> bytes:
    if item.tag == tag:
        return tlv.build(tag, value)
    if item.constructed:
        return tlv.build(item.tag, *(_renewed(child, tag, value) for child in item.children))
    return item.to_bytes()


def _no_application(card: Card, command: Command) -> bytes:
    raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)


for _name in (
    "GET PROCESSING OPTIONS",
    "GENERATE AC",
    "GET DATA",
    "VERIFY",
    "INTERNAL AUTHENTICATE",
    "EXTERNAL AUTHENTICATE",
    "PUT DATA",
    "READ CAPP DATA",
    "UPDATE CAPP DATA CACHE",
    "APPEND RECORD with MAC",
    "GET TRANS PROVE",
    "UPDATE RECORD with MAC",
    "APPLICATION BLOCK",
    "APPLICATION UNBLOCK",
    "CARD BLOCK",
    "UNBLOCK PIN",
):
    NOTHING_SELECTED.command(_name)(_no_application)
