"""Faults at the end of the transaction counter 应用交易计数器 (JR/T 0025.5 §7.4, JR/T 0025.12 §7.4.2), each of one interface."""

from __future__ import annotations

from conformance.faults.catalogue import FaultSet, paying
from conformance.faults.payment.quick_means import COMMAND, any_card, fault_set
from emulator.apps.payment.application import Application, Tag, data_cell
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.structure import CONTACT
from emulator.iso7816 import Command
from profiles.applications import PAYMENT_APPLICATIONS

FAULTS = FaultSet(PAYMENT_APPLICATIONS, interfaces=frozenset({CONTACT}))
ANTENNA = fault_set()
ONE_BEFORE_THE_END = 0xFFFE


@ANTENNA.command(
    COMMAND,
    "qpb.counter-begins-again",
    "非接触界面 ATC 用尽后从头计数",
    "The counter begins again at its end when the card is tapped",
    ["PAY-QPB-051"],
    any_card,
)
@FAULTS.command(
    COMMAND,
    "gpo.counter-begins-again",
    "接触界面 ATC 用尽后从头计数",
    "The counter begins again at its end over the contacts",
    ["PAY-GPO-005"],
    paying,
)
def begins_again(card: Card, command: Command, good: Handler) -> bytes:
    """FFFF is never reached, and the application never blocked."""
    application = Application(card)
    if application.atc >= ONE_BEFORE_THE_END:
        card.memory.commit({data_cell(application.name, Tag.ATC): bytes(2)})
    return good(card, command)


FAULTS.faults += ANTENNA.faults
