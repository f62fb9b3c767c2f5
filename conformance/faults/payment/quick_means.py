"""What the faults of qPBOC and fDDA share: which cards they apply to, and a fault that replaces a part of the card's program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from conformance.faults.catalogue import Condition, FaultSet
from conformance.faults.payment.means import replaced
from emulator.apps.payment.application import Application
from emulator.apps.payment.quick import Processing, card_processing, terminal_qualifiers
from emulator.apps.payment.transaction import Transaction
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.structure import CONTACTLESS
from emulator.iso7816 import Command
from profiles import payment_content
from profiles.applications import PAYMENT_APPLICATIONS, payment_directory
from profiles.model import Profile

COMMAND = "GET PROCESSING OPTIONS"


def fault_set() -> FaultSet:
    """Faults of the payment applications behind the antenna, none yet."""
    return FaultSet(PAYMENT_APPLICATIONS, interfaces=frozenset({CONTACTLESS}))


def quick_processing(profile: Profile) -> int | None:
    """9F68 of a card with an antenna and qPBOC, what a card without it does where it has none; None for any other card."""
    name = payment_directory(profile)
    if name is None or not profile.has_antenna:
        return None
    payment = profile.directory[name].payment
    if payment is None or "qPBOC" not in payment.path:
        return None
    value = payment_content.data_objects(profile.directory[name]).get("9F68", b"\x80\0\0\0")
    return int.from_bytes(value, "big")


def any_card(profile: Profile) -> bool:
    """A card with qPBOC."""
    return quick_processing(profile) is not None


def doing(bits: int) -> Condition:
    """A card whose additional processes have one of these bits."""
    return lambda profile: bool((quick_processing(profile) or 0) & bits)


def without(bits: int) -> Condition:
    """A card with qPBOC whose additional processes have none of these bits."""
    return lambda profile: any_card(profile) and not (quick_processing(profile) or 0) & bits


def has_object(profile: Profile, tag: str) -> bool:
    """Whether the payment application has a data object."""
    name = payment_directory(profile)
    return name is not None and tag in payment_content.data_objects(profile.directory[name])


LOW = doing(Processing.LOW_VALUE)
OFFLINE = doing(Processing.LOW_VALUE | Processing.LOW_VALUE_AND_TOTAL | Processing.LOW_VALUE_OR_TOTAL)


class Other(NamedTuple):
    """A fault that is another function, method or constant in the card's program for the length of a command."""

    name: str
    zh: str
    en: str
    requirements: Sequence[str]
    owner: Any
    attribute: str
    value: object
    applies_to: Condition = any_card


def add(faults: FaultSet, table: Sequence[Other]) -> None:
    """Declare the faults of a table."""
    for fault in table:
        faults.command(COMMAND, fault.name, fault.zh, fault.en, fault.requirements, fault.applies_to)(_with(fault))


def _with(fault: Other) -> Callable[[Card, Command, Handler], bytes]:
    def deviating(card: Card, command: Command, good: Handler) -> bytes:
        with replaced(fault.owner, fault.attribute, fault.value):
            return good(card, command)

    return deviating


def terminal_seen(change: Callable[[int], int]) -> Callable[[Transaction], int]:
    """The terminal qualifiers as a decision sees them that takes some bits for others."""
    return lambda transaction: change(terminal_qualifiers(transaction))


def card_seen(change: Callable[[int], int]) -> Callable[[Application], int]:
    """The card additional processes as a decision sees them that takes some bits for others."""
    return lambda application: change(card_processing(application))
