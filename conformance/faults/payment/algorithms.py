"""Faults of the choice between algorithm sets 算法选择."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.faults.catalogue import FaultSet
from conformance.faults.payment.certificates import payment_application
from conformance.faults.payment.cryptograms import algorithms_of, dual, with_sm
from conformance.faults.payment.initiation import COMMAND
from emulator.apps.payment.application import Application, Tag, contactless_cell, data_cell, sm_cell
from emulator.apps.payment.transaction import dol_values
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.memory import Value, octets_in
from emulator.crypto import Algorithm
from emulator.iso7816 import SW, Command, StatusError, tlv
from profiles.applications import PAYMENT_APPLICATIONS
from profiles.model import Profile

FAULTS = FaultSet(PAYMENT_APPLICATIONS)
ALGORITHM_BYTE = 7
TRIPLE_DES = 0x01
HEAD = 2
"""Tag and length before the values of GET PROCESSING OPTIONS."""


def sm_alone(profile: Profile) -> bool:
    """A card with SM algorithms alone."""
    return algorithms_of(profile) == {"SM4"}


def _asked(card: Card, command: Command) -> bytes | None:
    """DF69 in the values of GET PROCESSING OPTIONS; None where the card does not ask for it, or they are too short."""
    values = dol_values(Application(card).value(Tag.PDOL), command.data[HEAD:])
    return values.get(Tag.SM_SUPPORT) or None


def _with_choice(card: Card, command: Command, asked: bytes) -> Command:
    """The command with another DF69."""
    values = command.data[HEAD:]
    changed, position = b"", 0
    for tag, length in tlv.parse_tags_and_lengths(Application(card).value(Tag.PDOL)):
        changed += asked if tag == Tag.SM_SUPPORT else values[position : position + length]
        position += length
    return command._replace(data=command.data[:HEAD] + changed + values[position:])


@FAULTS.command(
    COMMAND,
    "sma.never-chosen",
    "双算法卡忽略 DF69，总用 RSA",
    "A dual card never takes its SM set",
    ["PAY-SMA-001"],
    dual,
)
def never_chosen(card: Card, command: Command, good: Handler) -> bytes:
    """DF69 is taken for 00."""
    return good(card, command if _asked(card, command) is None else _with_choice(card, command, b"\x00"))


@FAULTS.command(
    COMMAND,
    "sma.always-chosen",
    "双算法卡忽略 DF69，总用国密",
    "A dual card always takes its SM set",
    ["PAY-SMA-002"],
    dual,
)
def always_chosen(card: Card, command: Command, good: Handler) -> bytes:
    """DF69 is taken for 01."""
    return good(card, command if _asked(card, command) is None else _with_choice(card, command, b"\x01"))


@FAULTS.command(
    COMMAND,
    "sma.refuses-on-contacts",
    "单 SM 卡在接触界面拒绝 DF69 = 00",
    "A card with SM alone refuses DF69 = 00 on the contacts",
    ["PAY-SMA-003"],
    sm_alone,
)
def refuses_on_contacts(card: Card, command: Command, good: Handler) -> bytes:
    """As it should do on the contactless interface alone."""
    if _asked(card, command) == b"\x00" and not Application(card).contactless:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    return good(card, command)


@FAULTS.command(
    COMMAND,
    "sma.two-counters",
    "两个算法集各有 ATC",
    "Each algorithm set has a transaction counter of its own",
    ["PAY-SMA-018"],
    dual,
)
def two_counters(card: Card, command: Command, good: Handler) -> bytes:
    """The counter of the set that DF69 chooses is put in place before the command, and away after it."""
    asked = _asked(card, command)
    if asked is None:
        return good(card, command)
    cell = data_cell(Application(card).name, Tag.ATC)
    own = f"fault:counter:{asked.hex()}"
    card.memory.commit({cell: card.memory.cells.get(own, b"\0\0")})
    answer = good(card, command)
    card.memory.commit({own: card.memory.cells[cell]})
    return answer


def _named_triple_des(cells: Mapping[str, Value]) -> dict[str, Value]:
    """9F10 of the SM set says triple DES, on both interfaces."""
    application = payment_application(cells)
    places = [sm_cell(application.name, Tag.ISSUER_DATA, contactless=near) for near in (False, True)]
    if application.algorithm is Algorithm.SM4:
        places += [make(application.name, Tag.ISSUER_DATA) for make in (data_cell, contactless_cell)]
    return {
        place: value[:ALGORITHM_BYTE] + bytes((TRIPLE_DES,)) + value[ALGORITHM_BYTE + 1 :]
        for place in places
        if place in cells and (value := octets_in(cells[place]))
    }


FAULTS.contents(
    "sma.algorithm-byte",
    "9F10 算法标识与密钥不符",
    "9F10 names another algorithm than that of the keys",
    ["PAY-SMA-001", "PAY-SMA-003"],
    _named_triple_des,
    with_sm,
)


@FAULTS.command(
    COMMAND,
    "sma.taken-through-antenna",
    "单 SM 卡在 qPBOC 中接受 DF69 = 00",
    "A card with SM alone takes DF69 = 00 in qPBOC",
    ["PAY-SMA-004"],
    sm_alone,
)
def taken_through_antenna(card: Card, command: Command, good: Handler) -> bytes:
    """The terminal cannot verify what it gets."""
    asked = _asked(card, command)
    return good(card, command if asked is None else _with_choice(card, command, b"\x01"))
