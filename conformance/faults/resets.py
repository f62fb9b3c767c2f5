"""Faults of the reset answer and of what a reset forgets."""

from __future__ import annotations

import dataclasses

from conformance.faults.catalogue import FaultSet
from emulator.cos.card import Card
from emulator.cos.session import Session
from emulator.cos.structure import Structure
from emulator.cos.tree import Node
from emulator.iso7816 import Atr, InterfaceBytes

FAULTS = FaultSet()


def _with_atr(structure: Structure, historical: bytes, interface: InterfaceBytes | None = None) -> Structure:
    """The structure with another ATR; the card's keys stay what they are."""
    chosen = interface or InterfaceBytes(tb=0, tc=0)
    return dataclasses.replace(structure, atr=Atr.build(historical, (chosen,)))


@FAULTS.structure("atr.guard-time", "TC1 为 FF", "TC1 is FF instead of 00", ["SSC-ATR-001"])
def guard_time(structure: Structure) -> Structure:
    """An interface character that EMV terminals of T=0 refuse."""
    return _with_atr(structure, structure.historical, InterfaceBytes(tb=0, tc=0xFF))


@FAULTS.structure("atr.short-history", "少一个历史字节", "One historical byte is missing", ["SSC-ATR-002"])
def short_history(structure: Structure) -> Structure:
    """Twelve historical bytes; the card factor at the end is complete."""
    return _with_atr(structure, structure.historical[1:])


@FAULTS.structure("atr.foreign-maker", "芯片商标识不符", "The chip maker is not the declared one", ["SSC-ATR-003"])
def foreign_maker(structure: Structure) -> Structure:
    """Historical bytes 0 and 1 of another maker."""
    return _with_atr(structure, b"\x00\x00" + structure.historical[2:])


@FAULTS.structure(
    "atr.card-maker", "制卡商标识首字节不是 86", "The card maker's identifier does not begin with 86", ["SSC-ATR-004"]
)
def card_maker(structure: Structure) -> Structure:
    """Historical byte 5 of a maker that is not registered."""
    return _with_atr(structure, structure.historical[:5] + b"\x81" + structure.historical[6:])


@FAULTS.structure(
    "atr.foreign-factor",
    "历史字节不是卡分散因子",
    "The historical bytes are not the factor of the card's keys",
    ["SSC-ATR-006"],
)
def foreign_factor(structure: Structure) -> Structure:
    """The serial number of another card of the batch."""
    return _with_atr(structure, structure.historical[:-1] + bytes([structure.historical[-1] ^ 1]))


@FAULTS.card("atr.changes", "复位应答前后不一", "The ATR changes from reset to reset", ["SSC-ATR-007"])
class Changing(Card):
    """Every other reset announces TA1."""

    announces_speed = False

    def reset(self, cold: bool = True) -> bytes:
        """Answer with TA1 and without it in turn."""
        atr = super().reset(cold)
        self.announces_speed = not self.announces_speed
        if self.announces_speed:
            return atr
        return Atr.build(self.structure.historical, (InterfaceBytes(ta=0x11, tb=0, tc=0),))


class Haunted(Session):
    """A session that gets an earlier global word back as soon as an environment with a PIN is entered."""

    inherited = 0

    def enter(self, node: Node, *, reselecting_clears: bool) -> None:
        """Enter a directory with the rights of the session before."""
        super().enter(node, reselecting_clears=reselecting_clears)
        if node.environment.pins:
            self.global_word |= self.inherited


@FAULTS.card(
    "atr.warm-reset-forgets-nothing", "热复位后验证状态仍在", "A warm reset keeps what was verified", ["SSC-ATR-009"]
)
class Unforgetting(Card):
    """The security word lies in RAM that only a cold reset clears."""

    def reset(self, cold: bool = True) -> bytes:
        """Keep the global word over a warm reset."""
        kept = 0 if cold else self.session.global_word
        atr = super().reset(cold)
        self.session = Haunted(self.master_file)
        self.session.inherited = kept
        return atr
