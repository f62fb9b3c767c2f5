"""The checks of SM2 objects by JR/T 0025.17 §5, one fault at a time in objects that are otherwise rightly signed, and their order.

The signatures are made by another library (gmalg) with the published test keys; offsets are those of the standard's tables.
"""

from itertools import combinations

import pytest

from conformance.actors.terminal.events import DataAuthenticated
from emulator.iso7816 import tlv
from profiles.payment_keys import sm2_test_keys
from tests.crypto.oracle import sm2_public_key, sm2_sign

from .bench import GENERATE_AC, READ_RECORD, seasoned
from .test_authentication import METHODS, altered, last_flipped
from .test_reading import OPTIONS

KEYS = sm2_test_keys()
PRIVATE = {0x90: KEYS.authority, 0x9F46: KEYS.issuer, 0x93: KEYS.issuer}
SIGNED = {0x90: 78, 0x9F46: 84, 0x93: 3}
"""Bytes in front of the signature."""
FIELDS = {
    0x90: {"format": (0, "13"), "subject": (1, "62149900"), "expiry": (5, "0126"), "serial": (7, "0000FF"), "algorithm": (10, "05"), "key": (14, "01" * 64)},
    0x9F46: {"format": (0, "15"), "subject": (1, "6214988660100000305F"), "expiry": (11, "0126"), "algorithm": (16, "05"), "key": (20, "01" * 64)},
    0x93: {"format": (0, "14")},
}  # fmt: skip
"""Where a field stands, and a value that is wrong: the card is of 621498…304, the test is in November 2026."""
ORDER = ("length", "format", "subject", "expiry", "serial", "algorithm", "signature")
SAID = {
    "length": "bytes",
    "format": "format",
    "subject": "account number",
    "expiry": "expired",
    "serial": "revoked",
    "algorithm": "unknown algorithm",
    "signature": "signature",
}
REVOKED = frozenset({(bytes.fromhex("A000000333"), KEYS.authority_index[0], bytes.fromhex("0000FF"))})
INTERNAL_AUTHENTICATE = 0x88


class Card:
    """A card that was read once, so that its objects can be signed anew."""

    def __init__(self):
        self.bench = seasoned("debit-sm")
        found = {}
        self.bench.pay(
            100, change=lambda command, answer: found.setdefault((command.ins, command.p1, command.p2), answer) and None
        )
        aip = tlv.parse(found[OPTIONS, 0, 0].data)[0].value[:2]
        self.static = tlv.parse(found[READ_RECORD, 1, 3 << 3 | 4].data)[0].value + aip

    def faulty(self, tag, faults):
        """The object with faults in it, signed over what it then says unless the signature itself is to be wrong."""

        def change(value):
            content = bytearray(value[: SIGNED[tag]])
            for fault in faults:
                if fault in FIELDS[tag]:
                    at, wrong = FIELDS[tag][fault]
                    content[at : at + len(wrong) // 2] = bytes.fromhex(wrong)
            covered = bytes(content) + (b"" if tag == 0x90 else self.static)
            private = PRIVATE[tag]
            made = bytes(content) + sm2_sign(private, sm2_public_key(private), covered)
            made = last_flipped(made) if "signature" in faults else made
            return made[:-1] if "length" in faults else made

        return altered(tag, change)

    def judged(self, change, method):
        """First byte of the TVR, and what the terminal says of the method."""
        result = self.bench.pay(
            100, change=change, configuration={"capabilities": METHODS[method][0], "revoked": REVOKED}
        )
        (event,) = [each for each in result.events if isinstance(each, DataAuthenticated)]
        assert event.method == method
        return result.tvr[0], event.failure


@pytest.fixture(scope="module")
def card():
    return Card()


@pytest.mark.requirement("PAY-TRM-044")
@pytest.mark.parametrize("method", METHODS)
def test_objects_signed_anew_are_right(card, method):
    """Without a fault the other library's signatures pass: the faults below fail for their own sake."""
    for tag in (0x90, 0x9F46, 0x93):
        assert card.judged(card.faulty(tag, ()), method) == (0, "")


@pytest.mark.requirement("PAY-TRM-044")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("fault", [*ORDER, "key"])
def test_each_fault_of_the_issuer_certificate(card, fault, method):
    """A key that is no point of the curve signs nothing."""
    tvr, said = card.judged(card.faulty(0x90, [fault]), method)
    assert tvr == METHODS[method][1]
    assert said
    assert SAID.get(fault, "") in said


@pytest.mark.requirement("PAY-TRM-044")
@pytest.mark.parametrize("method", ["DDA", "CDA"])
@pytest.mark.parametrize("fault", ["length", "format", "subject", "expiry", "algorithm", "signature", "key"])
def test_each_fault_of_the_card_certificate(card, fault, method):
    tvr, said = card.judged(card.faulty(0x9F46, [fault]), method)
    assert tvr == METHODS[method][1]
    assert said
    assert SAID.get(fault, "") in said


@pytest.mark.requirement("PAY-TRM-044")
@pytest.mark.parametrize("fault", ["length", "format", "signature"])
def test_each_fault_of_the_signed_static_data(card, fault):
    tvr, said = card.judged(card.faulty(0x93, [fault]), "SDA")
    assert (tvr, fault in said) == (METHODS["SDA"][1], True)


@pytest.mark.requirement("PAY-TRM-044")
@pytest.mark.parametrize(
    ("tag", "pair"),
    [
        *((0x90, pair) for pair in combinations(ORDER, 2)),
        *((0x9F46, pair) for pair in combinations([each for each in ORDER if each != "serial"], 2)),
    ],
)
def test_the_earlier_of_two_faults_is_found_first(card, tag, pair):
    _, said = card.judged(card.faulty(tag, pair), "DDA")
    assert SAID[pair[0]] in said


def answered(content, terminal_data):
    """What the card would sign."""
    return content + sm2_sign(KEYS.card, sm2_public_key(KEYS.card), content + terminal_data)


@pytest.mark.requirement("PAY-TRM-044")
@pytest.mark.parametrize(
    ("content", "right"),
    [("1503020007", True), ("1403020007", False), ("0503020007", False), ("1504020007", False)],
)
def test_format_and_length_of_signed_dynamic_data(card, content, right):
    """9F4B of DDA: 15, length of the dynamic data, 02 and the counter."""

    def change(command, answer):
        if command.ins != INTERNAL_AUTHENTICATE:
            return None
        return answer._replace(data=tlv.build(0x80, answered(bytes.fromhex(content), command.data)))

    tvr, said = card.judged(change, "DDA")
    assert (tvr == 0, said == "") == (right, right)


@pytest.mark.requirement("PAY-TRM-044")
@pytest.mark.parametrize(("at", "name"), [(None, ""), (0, "format"), (5, "information"), (14, "hash"), (45, "hash")])
def test_signed_cryptogram(card, at, name):
    """9F4B of CDA, rightly signed: 9F27 at 5 must be the one in the answer, SM3 at 14 that of the transaction data."""

    def change(command, answer):
        if command.ins != GENERATE_AC or answer.data[:1] != b"\x77":
            return None
        objects = [(each.tag, each.value) for each in tlv.parse(answer.data)[0].children]
        content = bytearray(dict(objects)[0x9F4B][:46])
        if at is not None:
            content[at] ^= 0x40
        unpredictable = bytes.fromhex("A1B2C3D4")
        signed = answered(bytes(content), unpredictable)
        parts = [tlv.build(tag, signed if tag == 0x9F4B else value) for tag, value in objects]
        return answer._replace(data=tlv.build(0x77, *parts))

    tvr, said = card.judged(change, "CDA")
    assert tvr == (0 if at is None else 0x04)
    assert name in said
