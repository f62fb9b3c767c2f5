"""What a contactless terminal does between the TC of the card and its approval: records, fDDA, other interfaces (JR/T 0025.12 §7.7, §7.8)."""

from datetime import datetime
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.actors.bank.messages import AuthorisationResponse
from conformance.actors.terminal import (
    Reason,
)
from conformance.actors.terminal.events import DataAuthenticated, Exchanged
from conformance.failures import BenchError
from emulator.iso7816 import Response, tlv
from tests.payment.terminal import profile

from .bench import READ_RECORD
from .tapping import BALANCE, OFFLINE, Tap, both, in_answer, sent, wrongly_signed
from .test_reading import OPTIONS


@pytest.fixture(params=["debit", "debit-sm", "debit-dual"])
def tap(request):
    return Tap(request.param)


# Reading and fDDA


@pytest.mark.requirement("PAY-TRM-038")
@pytest.mark.parametrize(("when", "expired"), [(datetime(2036, 12, 31, 12), False), (datetime(2037, 1, 1, 12), True)])
def test_expired_card_is_stopped_before_its_last_record(tap, when, expired):
    """5F24 is 2036-12-31; the card takes back what was not final."""
    result = tap.pay(100, when=when.astimezone())
    places = [(command[3] >> 3, command[2]) for command in sent(result, READ_RECORD)]
    if not expired:
        assert (result.reason, tap.balance) == (Reason.APPROVED_OFFLINE, BALANCE - 100)
        return
    assert (result.reason, result.clearing) == (Reason.DECLINED_BY_TERMINAL, None)
    assert [bit.en for bit in result.tvr_bits] == ["application expired"]
    good = [(command[3] >> 3, command[2]) for command in sent(Tap(tap.of.name).pay(100), READ_RECORD)]
    assert places == good[:-1]
    assert tap.balance == BALANCE


class Heard:
    """A bank that approves, and keeps what it was asked."""

    def __init__(self):
        self.requests = []

    def authorise(self, request):
        self.requests.append(request)
        return AuthorisationResponse(request.number, "00", "123456")

    def complete(self, completion):
        pass

    def reverse(self, reversal):
        pass


@pytest.mark.requirement("PAY-TRM-039")
@pytest.mark.parametrize(("online_bit", "contact_bit", "line", "contact"), list(product([True, False], repeat=4)))
def test_failed_fdda_goes_where_the_qualifiers_send_it(online_bit, contact_bit, line, contact):
    """CTQ byte 1: b6 to the bank where the terminal can, else b5 to the contacts where it has some, else declined."""
    tap, bank = Tap(), Heard()
    qualifiers = f"{0x20 * online_bit | 0x10 * contact_bit:02X}00"
    tap.change = both(in_answer(x9F6C=qualifiers), wrongly_signed)
    result = tap.pay(100, host=bank, configuration={} if line else OFFLINE, contact=contact)
    if online_bit and line:
        expected = Reason.APPROVED_ONLINE
    elif contact_bit and contact:
        expected = Reason.OTHER_INTERFACE
    else:
        expected = Reason.SIGNATURE_WRONG
    assert result.reason is expected
    assert len(bank.requests) == (expected is Reason.APPROVED_ONLINE)
    assert (result.clearing, result.tvr[0]) == (None, 0x08)


def objects_gone(*tags):
    def change(command, answer):
        if command[1] != READ_RECORD or answer.sw != 0x9000:
            return None
        objects = tlv.parse(answer.data)[0].children
        kept = [tlv.build(each.tag, each.value) for each in objects if each.tag not in tags]
        return answer._replace(data=tlv.build(0x70, *kept)) if len(kept) < len(objects) else None

    return change


@pytest.mark.requirement("PAY-TRM-039")
@pytest.mark.parametrize(
    "change",
    [
        wrongly_signed,
        in_answer(x9F4B=None),
        in_answer(x82="5C00"),
        in_answer(x9F36="0009"),
        in_answer(x9F6C="4000"),
        objects_gone(0x90),
        objects_gone(0x9F46),
        objects_gone(0x8F),
    ],
    ids=["signature", "unsigned", "AIP b6", "counter", "CTQ", "90", "9F46", "8F"],
)
def test_what_makes_fdda_fail(tap, change):
    """The card's own qualifiers, 0000, send nowhere: declined."""
    tap.change = change
    result = tap.pay(100)
    assert (result.reason, result.tvr[0], result.clearing) == (Reason.SIGNATURE_WRONG, 0x08, None)


@pytest.mark.requirement("PAY-TRM-039")
def test_aip_without_dynamic_authentication_is_why(tap):
    """Bit 6 alone decides, whatever the certificates say of a changed AIP."""
    tap.change = in_answer(x82="5C00")
    (event,) = [event for event in tap.pay(100).events if isinstance(event, DataAuthenticated)]
    assert event.failure == "the AIP does not tell of dynamic data authentication"


def downgraded(command):
    """Somebody between tells the card that the terminal has version 00 alone."""
    return command[:10] + b"\0" + command[11:] if command[1] == OPTIONS else command


def of_edition(version):
    """A card whose 9F08 is another."""
    records = profile().content["DEBIT"]["SFI03"]["records"]
    return Tap(content={"SFI03": [{**each, **({"9F08": version} if "9F08" in each else {})} for each in records]})


@pytest.mark.requirement("PAY-TRM-040")
def test_version_00_of_a_card_of_this_edition_is_a_downgrade(tap):
    tap.forge = downgraded
    rejected = tap.pay(100)
    assert (rejected.reason, rejected.tvr[0]) == (Reason.SIGNATURE_WRONG, 0x08)
    tap.forge = lambda command: command
    assert tap.pay(100, version_01=False).reason is Reason.APPROVED_OFFLINE


@pytest.mark.requirement("PAY-TRM-040")
@pytest.mark.parametrize(
    ("version", "reason"),
    [("0020", Reason.APPROVED_OFFLINE), ("0030", Reason.SIGNATURE_WRONG), ("0031", Reason.SIGNATURE_WRONG)],
)
def test_version_00_is_for_cards_of_earlier_editions(version, reason):
    tap = of_edition(version)
    tap.forge = downgraded
    assert tap.pay(100).reason is reason


@pytest.mark.requirement("PAY-TRM-042")
@pytest.mark.parametrize("contact", [True, False])
def test_no_other_interface_after_aac(tap, contact):
    """The card declines what it does not hold, at a terminal without line; CTQ that would send to the contacts change nothing."""
    tap.change = in_answer(x9F6C="1000")
    result = tap.pay(BALANCE + 1, configuration=OFFLINE, contact=contact)
    assert (result.reason, result.response_code) == (Reason.DECLINED_BY_CARD, "Z1")
    exchanged = [event.command for event in result.events if isinstance(event, Exchanged)]
    assert exchanged[-1][1] == OPTIONS


# Whatever a card answers


@pytest.mark.parametrize("at", range(12))
def test_card_that_leaves_the_field(at):
    """Before command number ``at``: approved only where nothing was left to do, and then the debit is final."""
    tap = Tap()
    left = [at]

    def go(command):
        left[0] -= 1
        if left[0] < 0:
            raise BenchError("the card left the field")
        return command

    tap.forge = go
    result = tap.pay(100)
    tap.forge = lambda command: command
    assert tap.balance == (BALANCE - 100 if result.approved else BALANCE)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 8), st.binary(max_size=80), st.sampled_from([0x9000, 0x6985, 0x6283, 0x6F00]))
def test_no_answer_makes_the_terminal_raise(at, data, sw):
    tap = Tap()
    seen = []

    def change(command, answer):
        seen.append(command)
        return Response(data, sw) if len(seen) == at + 1 else None

    tap.change = change
    result = tap.pay(100)
    assert result.reason in Reason
    assert not result.approved or len(seen) <= at
