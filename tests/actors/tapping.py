"""A card in the field of a contactless terminal, with a bank behind it."""

from dataclasses import replace
from datetime import datetime

from conformance.actors.bank import Bank, IssuerKeys
from conformance.actors.terminal import (
    DEFAULT_CONFIGURATION,
    ContactlessSettings,
    PreparedHolder,
    Purchase,
    QuickTerminal,
)
from conformance.actors.terminal.events import Exchanged
from emulator import load_card
from emulator.iso7816 import Response, tlv
from tests.payment.terminal import QUIET, profile

from .bench import PAN, PSN, START, Chance
from .test_reading import OPTIONS

NOON = datetime(2026, 11, 26, 12, 0, 0).astimezone()
BALANCE = 20_000
SELECT, GENERATE_AC = 0xA4, 0xAE
OFFLINE = {"terminal_type": 0x23}
QPBOC, CONTACT, OFFLINE_ONLY, ONLINE_PIN, SIGNATURE = 0x20, 0x10, 0x08, 0x04, 0x02
"""Bits of byte 1 of the TTQ; byte 2: b8 online cryptogram, b7 verification; byte 4: b8 fDDA version 01."""


class Tap:
    """A card in the field of a terminal; ``change`` may alter a command's answer, ``forge`` the command itself."""

    def __init__(self, product="debit", *, data=None, contactless=None, content=None):
        payment = {"contactless": {"data": contactless or {}}}
        self.of = profile(product, data={**QUIET, **(data or {})}, payment=payment, content=content)
        self.card = load_card(self.of)
        self.side = self.card.contactless()
        self.side.reset()
        self.bank = Bank(*IssuerKeys.of_profile(self.of))
        self.bank.open_account(PAN, PSN, balance=START, e_cash=BALANCE)
        self.change = lambda command, answer: None
        self.forge = lambda command: command
        self.number = 0

    def transmit(self, command):
        raw = self.side.transmit(self.forge(command))
        changed = self.change(command, Response.parse(raw))
        return raw if changed is None else changed.to_bytes()

    def pay(
        self, amount=100, *, host="bank", configuration=None, holder=None, when=NOON, currency="0156", card="", **limits
    ):
        self.number += 1
        terminal = QuickTerminal(
            self,
            replace(DEFAULT_CONFIGURATION, **(configuration or {})),
            ContactlessSettings(**limits),
            host=self.bank if host == "bank" else host,
            holder=holder or PreparedHolder(),
            random=Chance(),
            expected_account=card,
        )
        result = terminal.run(Purchase(amount, currency, number=self.number, when=when))
        self.side.power_off()
        self.side.reset()
        return result

    @property
    def balance(self):
        """What the card would tell: a debit that was not final is taken back when it is used again."""
        self.side.transmit(bytes.fromhex("00A4040008A00000033301010100"))
        return int(self.side.transmit(bytes.fromhex("80CA9F7900"))[3:9].hex())


def sent(result, ins):
    return [event.command for event in result.events if isinstance(event, Exchanged) and event.command[1] == ins]


def ttq(result):
    """9F66 is what the PDOL asks for first: after 83 and the length."""
    (options,) = sent(result, OPTIONS)
    return options[7:11]


def in_answer(**changes):
    """GET PROCESSING OPTIONS answers with other values, None takes one out."""

    def change(command, answer):
        if command[1] != OPTIONS or answer.sw != 0x9000:
            return None
        objects = {each.tag: each.value for each in tlv.parse(answer.data)[0].children}
        for name, value in changes.items():
            objects[int(name[1:], 16)] = None if value is None else bytes.fromhex(value)
        kept = [tlv.build(tag, value) for tag, value in objects.items() if value is not None]
        return answer._replace(data=tlv.build(0x77, *kept))

    return change


def wrongly_signed(command, answer):
    """A bit of 9F4B is wrong."""
    if command[1] != OPTIONS or answer.sw != 0x9000:
        return None
    objects = {each.tag: each.value for each in tlv.parse(answer.data)[0].children}
    if 0x9F4B not in objects:
        return None
    signature = objects[0x9F4B]
    return in_answer(x9F4B=(signature[:-1] + bytes((signature[-1] ^ 1,))).hex())(command, answer)


def both(*changes):
    def change(command, answer):
        for each in changes:
            answer = each(command, answer) or answer
        return answer

    return change
