"""A card whose certificates and signed cryptogram were worked out elsewhere: the terminal must ask and verify just so.

Weaker evidence than a published card: the author of the reconstructed specification worked it out with small code of his own,
and two libraries verified it. It pins what the lists are filled with, and the order in which CDA is hashed.
"""

from dataclasses import replace
from datetime import datetime

import pytest

from conformance.actors.terminal import DEFAULT_CONFIGURATION, Kernel, Purchase
from conformance.actors.terminal.events import CryptogramGiven, DataAuthenticated, Exchanged
from emulator.iso7816 import tlv
from tests.payment.vectors import WORKED

from .bench import Chance

AID = bytes.fromhex("A000000333010101")
CHAINS = {"RSA": WORKED["rsa_chain_ca1408_issuer1152_icc1024"], "SM2": WORKED["sm2_chain"]}
AFL = "08010100 10010400 18010101"
SIGNATURE = {"RSA": "9F4B", "SM2": "9F4B_without_UN (default)"}
WITH_NUMBER = "9F4B_with_UN (length formula of P17 table 14)"


class Drawn(Chance):
    """The unpredictable number of the example."""

    def getrandbits(self, k, /):
        return 0x412AB4B6


class WorkedCard:
    """Answers as the example has them, and ``6985`` to everything after its first cryptogram."""

    def __init__(self, scheme, signature):
        self.chain = CHAINS[scheme]
        pdol = "9F7A019F02065F2A02" + ("DF6901" if scheme == "SM2" else "")
        self.fci = tlv.build(0x6F, tlv.build(0x84, AID), tlv.build(0xA5, tlv.build(0x9F38, bytes.fromhex(pdol))))
        index = "C0" if scheme == "RSA" else "C1"
        self.records = {
            (1, 1): self.template("57", "9F08", given={"57": "6214988660100000304D3612220F", "9F08": "0030"}),
            (2, 1): self.template("90"),
            (2, 2): self.template("8F", "92", "9F32", given={"8F": index}),
            (2, 3): self.template("9F46"),
            (2, 4): self.template("9F47", "9F48"),
            (3, 1): tlv.build(0x70, bytes.fromhex(self.chain["static_data_records"])),
        }
        worked = self.chain["cda_first_gac"]
        head, tail = worked["tlvs_hashed"][:18], worked["tlvs_hashed"][18:]
        signed = tlv.build(0x9F4B, bytes.fromhex(worked[signature]))
        self.cryptogram = tlv.build(0x77, bytes.fromhex(head), signed, bytes.fromhex(tail))

    def template(self, *tags, given=None):
        values = {**self.chain, **(given or {})}
        parts = [tlv.build(int(tag, 16), bytes.fromhex(values[tag])) for tag in tags if tag in values]
        return tlv.build(0x70, *parts or [tlv.build(0x9F44, b"\x02")])

    def transmit(self, command):
        match command[1]:
            case 0xA4:
                return self.fci + b"\x90\x00" if command[5:-1] == AID else b"\x6a\x82"
            case 0xA8:
                return tlv.build(0x80, bytes.fromhex(self.chain["AIP"] + AFL)) + b"\x90\x00"
            case 0xB2:
                return self.records[command[3] >> 3, command[2]] + b"\x90\x00"
            case 0xAE if command[2] == 0x90:
                return self.cryptogram + b"\x90\x00"
        return b"\x69\x85"


@pytest.mark.parametrize(("scheme", "signature"), [*SIGNATURE.items(), ("SM2", WITH_NUMBER)])
def test_terminal_asks_and_verifies_as_worked(scheme, signature):
    card = WorkedCard(scheme, signature)
    (parameters, *_) = DEFAULT_CONFIGURATION.applications
    terminal = replace(
        DEFAULT_CONFIGURATION,
        applications=(parameters,),
        capabilities=bytes.fromhex("E029C8"),
        merchant_name="TEST MERCHANT",
    )
    purchase = Purchase(1000, when=datetime(2026, 11, 23, 14, 30), e_cash=True, force_online=True)
    result = Kernel(card, terminal, random=Drawn()).run(purchase)
    sent = {event.command[1]: event.command for event in result.events if isinstance(event, Exchanged)}
    worked = card.chain["cda_first_gac"]
    assert sent[0xA8][7:-1].hex().upper() == worked["PDOL_values"]
    first = next(event for event in result.events if isinstance(event, Exchanged) and event.command[1] == 0xAE)
    assert first.command[5:-1].hex().upper() == worked["CDOL1_values"]
    (authentication,) = [event for event in result.events if isinstance(event, DataAuthenticated)]
    assert (authentication.method, authentication.failure) == ("CDA", "")
    (given,) = [event for event in result.events if isinstance(event, CryptogramGiven)]
    assert (given.cryptogram, given.value.hex(), given.counter.hex()) == ("ARQC", "1122334455667788", "0007")
