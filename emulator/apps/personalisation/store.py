"""STORE DATA: groupings into the application, block by block, until the last one issues it (JR/T 0025.10 §6.3)."""

from __future__ import annotations

from emulator.apps.personalisation.channel import Channel
from emulator.apps.personalisation.groups import GroupTooLong, split
from emulator.apps.personalisation.issue import issue
from emulator.apps.personalisation.work import ALL_ENCIPHERED, AS_GROUPING_SAYS, NOTHING_ENCIPHERED, Work
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet
from emulator.iso7816 import SW, Command, StatusError

LAST_BLOCK, ENCIPHERMENT = 0x80, 0x60
INDICATORS = (NOTHING_ENCIPHERED, AS_GROUPING_SAYS, ALL_ENCIPHERED)

COMMANDS = CommandSet()


@COMMANDS.command("STORE DATA")
@COMMANDS.command("STORE DATA with MAC")
def store_data(card: Card, command: Command) -> bytes:
    """STORE DATA: P1 bit 8 the last block, bits 7 and 6 what is enciphered; P2 the number of the block, from 00.

    All groupings of a block are stored, or none. A grouping may go on in the next block. ``6985`` without a channel, or
    for the last block while something needed is missing.
    """
    channel = card.session.application
    if not isinstance(channel, Channel):
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    last, indicator = bool(command.p1 & LAST_BLOCK), command.p1 & ENCIPHERMENT
    if command.p1 & ~(LAST_BLOCK | ENCIPHERMENT) or indicator not in INDICATORS or command.p2 != channel.block:
        raise StatusError(SW.INCORRECT_P1_P2)
    data = channel.opened(card, command)
    if not data and not last:
        raise StatusError(SW.WRONG_LENGTH)
    if channel.unfinished and indicator != channel.indicator:
        raise StatusError(SW.WRONG_DATA)
    try:
        groups, unfinished = split(channel.unfinished + data)
    except GroupTooLong:
        raise StatusError(SW.NOT_ENOUGH_MEMORY) from None
    if last and unfinished:
        raise StatusError(SW.WRONG_DATA)
    work = Work(card, channel.keys.dek)
    for group in groups:
        work.take(group, indicator)
    if last:
        issue(work)
    work.commit()
    channel.block, channel.unfinished, channel.indicator = channel.block + 1 & 0xFF, unfinished, indicator
    if last:
        card.session.application = None
    return b""
