"""The contactless terminal of qPBOC, by JR/T 0025.12 §6.2 and §7.6 to §7.8: limits, kinds of answers, fDDA, other interfaces."""

import pytest

from conformance.actors.bank import HostUnreachable, Settlement
from conformance.actors.terminal import (
    PreparedHolder,
    Reason,
)
from conformance.actors.terminal.events import Exchanged
from emulator.iso7816 import Response, tlv
from tests.payment.antenna import CVM_LIMIT

from .bench import PAN, PIN, PSN, READ_RECORD, START
from .tapping import (
    BALANCE,
    CONTACT,
    OFFLINE,
    OFFLINE_ONLY,
    ONLINE_PIN,
    QPBOC,
    SELECT,
    SIGNATURE,
    Tap,
    in_answer,
    sent,
    ttq,
)
from .test_reading import OPTIONS


@pytest.fixture(params=["debit", "debit-sm", "debit-dual"])
def tap(request):
    return Tap(request.param)


# Whole taps


def test_offline_purchase_is_settled_once(tap):
    result = tap.pay(1_234)
    assert (result.reason, result.response_code, result.tvr) == (Reason.APPROVED_OFFLINE, "Y1", bytes(5))
    assert (tap.balance, result.balance) == (BALANCE - 1_234, BALANCE - 1_234)
    assert [tap.bank.clear(result.clearing) for _ in range(2)] == [Settlement.SETTLED, Settlement.REPEATED]
    assert (tap.bank.account(PAN, PSN).e_cash, tap.bank.account(PAN, PSN).balance) == (BALANCE - 1_234, START)


def test_online_purchase_is_the_banks_to_decide(tap):
    """The answer decides: no second cryptogram, no command to the card after GET PROCESSING OPTIONS."""
    result = tap.pay(1_234, floor_limit=0)
    assert (result.reason, result.response_code, result.clearing) == (Reason.APPROVED_ONLINE, "00", None)
    exchanged = [event.command for event in result.events if isinstance(event, Exchanged)]
    assert exchanged[-1][1] == OPTIONS
    assert (tap.bank.account(PAN, PSN).balance, tap.balance) == (START - 1_234, BALANCE)
    declined = tap.pay(START, floor_limit=0, holder=PreparedHolder((), online_pin=PIN))
    assert (declined.reason, declined.response_code) == (Reason.DECLINED_BY_ISSUER, "51")


def test_no_answer_of_the_bank_is_a_refusal_and_a_reversal(tap):
    class Deaf:
        def authorise(self, request):
            tap.bank.authorise(request)
            raise HostUnreachable("time out")

        def reverse(self, reversal):
            tap.bank.reverse(reversal)

    result = tap.pay(1_234, floor_limit=0, host=Deaf())
    assert (result.reason, result.response_code) == (Reason.DECLINED_UNABLE_ONLINE, "Z3")
    assert tap.bank.account(PAN, PSN).balance == START


@pytest.mark.parametrize(
    ("pin", "reason", "code"),
    [(PIN, Reason.APPROVED_ONLINE, "00"), ("999999", Reason.DECLINED_BY_ISSUER, "55"), (None, Reason.CANCELLED, "")],
)
def test_online_pin_that_the_card_wants(tap, pin, reason, code):
    """Over the card's own limit 9F6B, CTQ byte 1 bit 8."""
    result = tap.pay(CVM_LIMIT + 1, holder=PreparedHolder((), online_pin=pin))
    assert (result.reason, result.response_code) == (reason, code)


def test_another_card_is_left_alone_before_its_last_record(tap):
    result = tap.pay(100, card="9999")
    assert (result.reason, tap.balance) == (Reason.OTHER_CARD, BALANCE)


def test_card_on_the_exception_file(tap):
    result = tap.pay(100, configuration={"exception_file": frozenset({PAN})})
    assert (result.reason, tap.balance) == (Reason.DECLINED_BY_TERMINAL, BALANCE)
    assert [bit.en for bit in result.tvr_bits] == ["card on the exception file"]


# Preprocessing


@pytest.mark.requirement("PAY-TRM-035")
@pytest.mark.parametrize(
    ("amount", "limits", "byte_2"),
    [
        (2_999, {"verification_limit": 3_000}, 0x00),
        (3_000, {"verification_limit": 3_000}, 0x40),
        (3_001, {"verification_limit": 3_000}, 0x40),
        (4_999, {"floor_limit": 5_000}, 0x00),
        (5_000, {"floor_limit": 5_000}, 0x00),
        (5_001, {"floor_limit": 5_000}, 0x80),
        (20_000, {}, 0x00),
        (20_001, {}, 0x80),
        (0, {}, 0x80),
        (100, {"status_check": 100}, 0x80),
        (101, {"status_check": 100}, 0x00),
        (100, {}, 0x00),
        (6_000, {"verification_limit": 6_000, "floor_limit": 5_999}, 0xC0),
        (9_999, {"transaction_limit": 10_000}, 0x00),
    ],
)
def test_qualifiers_by_limits(amount, limits, byte_2):
    """Verification from its limit on (≥), the bank above the floor limit (>), which is 9F1B 200.00 where none is given."""
    assert ttq(Tap().pay(amount, **limits)).hex() == f"36{byte_2:02x}0080"


@pytest.mark.requirement("PAY-TRM-035")
@pytest.mark.parametrize(
    ("amount", "limits", "configuration", "reason"),
    [
        (10_000, {"transaction_limit": 10_000}, {}, Reason.OTHER_INTERFACE),
        (10_001, {"transaction_limit": 10_000}, {}, Reason.OTHER_INTERFACE),
        (0, {}, OFFLINE, Reason.DECLINED_BY_TERMINAL),
    ],
)
def test_limits_that_keep_the_field_off(amount, limits, configuration, reason):
    result = Tap().pay(amount, configuration=configuration, **limits)
    assert (result.reason, [event for event in result.events if isinstance(event, Exchanged)]) == (reason, [])


@pytest.mark.parametrize(
    ("configuration", "limits", "byte_1", "byte_4"),
    [
        ({}, {}, QPBOC | CONTACT | ONLINE_PIN | SIGNATURE, 0x80),
        ({}, {"contact": False, "version_01": False}, QPBOC | ONLINE_PIN | SIGNATURE, 0x00),
        (OFFLINE, {}, QPBOC | CONTACT | OFFLINE_ONLY | SIGNATURE, 0x80),
        ({"terminal_type": 0x25}, {}, QPBOC | CONTACT | ONLINE_PIN, 0x80),
        ({"capabilities": bytes.fromhex("E0A9C8")}, {}, QPBOC | CONTACT | SIGNATURE, 0x80),
    ],
)
def test_qualifiers_by_abilities(configuration, limits, byte_1, byte_4):
    told = ttq(Tap().pay(100, configuration=configuration, **limits))
    assert (told[0], told[3]) == (byte_1, byte_4)


# The answer


@pytest.mark.requirement("PAY-TRM-036")
@pytest.mark.parametrize("claimed", ["00", "40", "80"])
@pytest.mark.parametrize(
    ("amount", "limits", "configuration", "reason"),
    [
        (100, {}, {}, Reason.APPROVED_OFFLINE),
        (100, {"floor_limit": 0}, {}, Reason.APPROVED_ONLINE),
        (BALANCE + 1, {}, OFFLINE, Reason.DECLINED_BY_CARD),
    ],
)
def test_kind_is_told_by_9f10_not_by_9f27(amount, limits, configuration, reason, claimed):
    tap = Tap()
    tap.change = in_answer(x9F27=claimed)
    assert tap.pay(amount, configuration=configuration, **limits).reason is reason


@pytest.mark.requirement("PAY-TRM-036")
@pytest.mark.parametrize(
    ("byte_5", "reason"),
    [(0x80, Reason.DECLINED_BY_CARD), (0xA0, Reason.DECLINED_BY_ISSUER), (0xB0, Reason.CARD_ERROR)],
)
def test_another_byte_5_is_another_kind(byte_5, reason):
    """A TC whose 9F10 is changed: 00 AAC, 10 ARQC (whose cryptogram the bank then finds wrong), 11 reserved."""

    def change(command, answer):
        if command[1] != OPTIONS:
            return None
        issuer_data = tlv.find(tlv.parse(answer.data), 0x77, 0x9F10).value
        return in_answer(x9F10=(issuer_data[:4] + bytes((byte_5,)) + issuer_data[5:]).hex())(command, answer)

    tap = Tap()
    tap.change = change
    result = tap.pay(100)
    assert (result.reason, sent(result, READ_RECORD)) == (reason, [])


MANDATORY = {"TC": ["82", "94", "9F36", "9F26", "9F10", "57"], "ARQC": ["82", "9F36", "57", "9F10", "9F26"]}
"""JR/T 0025.12 §7.6 with §7.7: what the answer must have by its kind."""


@pytest.mark.requirement("PAY-TRM-037")
@pytest.mark.parametrize(("kind", "tag"), [(kind, tag) for kind, tags in MANDATORY.items() for tag in tags])
def test_missing_objects_of_the_answer_end_it(tap, kind, tag):
    tap.change = in_answer(**{f"x{tag}": None})
    result = tap.pay(100, floor_limit=0 if kind == "ARQC" else 1_000)
    assert (result.reason, result.approved) == (Reason.CARD_ERROR, False)
    assert tap.bank.account(PAN, PSN).balance == START
    tap.change = lambda command, answer: None
    assert tap.balance == BALANCE


@pytest.mark.parametrize("sw", [0x6985, 0x6A81, 0x6D00])
def test_refused_options_leave_the_other_interfaces(tap, sw):
    tap.change = lambda command, answer: Response(b"", sw) if command[1] == OPTIONS else None
    assert tap.pay(100).reason is Reason.OTHER_INTERFACE


@pytest.mark.parametrize("fci", ["6A82", "9000", "6F009000", "6F0584039F019000"])
def test_card_without_proximity_environment(tap, fci):
    raw = bytes.fromhex(fci)

    def change(command, answer):
        return Response.parse(raw) if command[1] == SELECT and command[5:9] == b"2PAY" else None

    tap.change = change
    assert tap.pay(100).reason is Reason.OTHER_INTERFACE


def test_application_whose_pdol_asks_for_no_qualifiers(tap):
    def change(command, answer):
        if command[1] != SELECT or command[5:9] == b"2PAY":
            return None
        return answer._replace(data=answer.data.replace(bytes.fromhex("9F6604"), bytes.fromhex("9F3304")))

    tap.change = change
    result = tap.pay(100)
    assert (result.reason, sent(result, OPTIONS)) == (Reason.OTHER_INTERFACE, [])
