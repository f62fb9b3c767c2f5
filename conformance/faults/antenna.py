"""Faults of one side of a dual-interface card: the contacts are as they should be, the antenna is not."""

from __future__ import annotations

import dataclasses

from conformance.faults.catalogue import FaultSet, version_3
from conformance.faults.means import with_file, with_settings
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.structure import CONTACTLESS, FREE, Structure
from emulator.iso7816 import SW, Command, StatusError
from emulator.iso7816.status import tries_of
from profiles.model import Profile

FAULTS = FaultSet(interfaces=frozenset({CONTACTLESS}))


def dual(profile: Profile) -> bool:
    """A social security card of specification 3.00 with an antenna."""
    return version_3(profile) and profile.has_antenna


@FAULTS.structure(
    "atr.antenna-foreign-history",
    "非接触界面的历史字节不同",
    "The historical bytes through the antenna are others",
    ["SSC-ATR-010"],
    dual,
)
def foreign_history(structure: Structure) -> Structure:
    """The ATS of another card of the batch."""
    history = structure.historical
    return dataclasses.replace(structure, historical=history[:-1] + bytes([history[-1] ^ 1]))


@FAULTS.structure(
    "atr.antenna-forgets-rule",
    "非接触界面忘记读条件",
    "An access rule is forgotten through the antenna",
    ["SSC-ATR-011"],
    dual,
)
def forgets_rule(structure: Structure) -> Structure:
    """The holder's basic data are read without any right."""
    return with_file(structure, "SSSE/EF06", lambda file: dataclasses.replace(file, read=FREE))


@FAULTS.structure(
    "atr.antenna-keeps-rights",
    "非接触界面重选环境不清除权限",
    "Through the antenna rights survive selecting the environment again",
    ["SSC-ATR-011"],
    lambda profile: dual(profile) and profile.settings.reselecting_environment_clears_global_state,
)
def keeps_rights(structure: Structure) -> Structure:
    """SELECT of the current environment leaves what was proven."""
    return with_settings(structure, reselecting_environment_clears_global_state=False)


@FAULTS.command(
    "VERIFY",
    "atr.antenna-counts-apart",
    "非接触界面的密码错误不计数",
    "A wrong PIN through the antenna costs no try",
    ["SSC-ATR-011"],
    dual,
)
def counts_apart(card: Card, command: Command, good: Handler) -> bytes:
    """The counter is written for the contacts alone."""
    before = {
        pin.tries_cell: card.memory.cells[pin.tries_cell] for n in card.master_file.walk() for pin in n.pins.values()
    }
    try:
        return good(card, command)
    except StatusError as refused:
        if tries_of(refused.sw) is not None:
            card.memory.commit(before)
        raise


@FAULTS.command(
    "INTERNAL AUTHENTICATE",
    "atr.antenna-lacks-command",
    "非接触界面没有内部认证命令",
    "INTERNAL AUTHENTICATE is unknown through the antenna",
    ["SSC-ATR-011"],
    dual,
)
def lacks_command(card: Card, command: Command, good: Handler) -> bytes:
    """The command table of the antenna is another one."""
    raise StatusError(SW.INSTRUCTION_NOT_SUPPORTED)
