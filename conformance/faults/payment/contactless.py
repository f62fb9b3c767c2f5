"""Faults that a payment card shows through its antenna alone."""

from __future__ import annotations

import dataclasses

from conformance.faults.catalogue import FaultSet
from conformance.faults.payment.application_selection import AID, Change, rewritten
from conformance.payment_dialogue import PDOL
from conformance.payment_reading import PPSE
from emulator.apps.payment.application import Application
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.structure import CONTACTLESS, Directory, Structure
from emulator.iso7816 import SW, Command, StatusError, tlv
from profiles.model import Profile

FAULTS = FaultSet(frozenset({"debit"}), interfaces=frozenset({CONTACTLESS}))
ENTRY, QUALIFIERS, AVAILABLE, TRIES = 0x61, 0x9F66, 0x9F5D, 0x9F17


def quick(profile: Profile) -> bool:
    """A card with qPBOC."""
    return any(each.payment is not None and "qPBOC" in each.payment.path for each in profile.directory.values())


def quick_with_pin(profile: Profile) -> bool:
    """A card with qPBOC and an offline PIN."""
    return quick(profile) and any(each.payment is not None and each.pin for each in profile.directory.values())


def _answers(structure: Structure, *, environment: bool, change: Change) -> Structure:
    """The structure in which the PPSE, or the payment applications, answer SELECT otherwise."""

    def changed(directory: Directory) -> Directory:
        if (directory.aid == PPSE) is not environment or not (environment or directory.payment is not None):
            return directory
        return dataclasses.replace(
            directory,
            answer=rewritten(directory.answer, change),
            contactless_answer=rewritten(directory.contactless_answer, change),
        )

    return dataclasses.replace(structure, directories=tuple(changed(each) for each in structure.directories))


@FAULTS.structure("ppse.empty", "PPSE 无入口", "The PPSE lists no application", ["PAY-SEL-015"], quick)
def empty(structure: Structure) -> Structure:
    """BF0C without 61."""
    return _answers(structure, environment=True, change=lambda tag, value: None if tag == ENTRY else value)


@FAULTS.structure(
    "ppse.short-name", "PPSE 中 AID 只有 5 字节", "An AID in the PPSE has five bytes", ["PAY-SEL-016"], quick
)
def short_name(structure: Structure) -> Structure:
    """The provider alone."""
    return _answers(structure, environment=True, change=lambda tag, value: value[:5] if tag == AID else value)


@FAULTS.structure(
    "ppse.qualifiers-not-asked",
    "非接触 PDOL 不含 9F66",
    "The contactless PDOL does not ask for 9F66",
    ["PAY-SEL-018"],
    quick,
)
def qualifiers_not_asked(structure: Structure) -> Structure:
    """Left out of the list."""

    def change(tag: int, value: bytes) -> bytes:
        if tag != PDOL:
            return value
        wanted = ((asked, length) for asked, length in tlv.parse_tags_and_lengths(value) if asked != QUALIFIERS)
        return b"".join(tlv.encode_tag(asked) + tlv.encode_length(length) for asked, length in wanted)

    return _answers(structure, environment=False, change=change)


@FAULTS.command(
    "GET DATA",
    "gdt.available-amount-withheld",
    "个人化的可用脱机消费金额不可读",
    "The available offline amount was personalised and cannot be read",
    ["PAY-GDT-008"],
    quick,
)
def available_amount_withheld(card: Card, command: Command, good: Handler) -> bytes:
    """As on a card without it."""
    if command.p1 << 8 | command.p2 == AVAILABLE:
        raise StatusError(SW.REFERENCED_DATA_NOT_FOUND)
    return good(card, command)


@FAULTS.command(
    "GET DATA",
    "verify.counter-of-its-own",
    "非接触界面另有 PIN 尝试计数器",
    "The antenna has a try counter of its own",
    ["PAY-PIN-013"],
    quick_with_pin,
)
def counter_of_its_own(card: Card, command: Command, good: Handler) -> bytes:
    """It was never touched."""
    pin = Application(card).pin
    if command.p1 << 8 | command.p2 == TRIES and pin is not None:
        return tlv.build(TRIES, bytes((pin.limit,)))
    return good(card, command)
