"""Rows of PAY-TRM that whole transactions do not show by themselves, by the tables of JR/T 0025.6 and JR/T 0025.13."""

from itertools import product

import pytest

from conformance.actors.bank import TransactionKind
from conformance.actors.terminal import PreparedHolder, Reason
from conformance.actors.terminal.events import DataAuthenticated, Exchanged
from emulator.iso7816 import tlv

from .bench import GENERATE_AC, VERIFY, bench, seasoned
from .test_authentication import METHODS, altered
from .test_reading import OPTIONS
from .test_selection import CREDIT, DEBIT, LONG, PSE, Menu, tried
from .test_transactions import commands, signed_records
from .test_verification import with_list

GET_DATA = 0xCA
PURCHASE, CASH = TransactionKind.PURCHASE, TransactionKind.CASH
WITHOUT_AUTHENTICATION = {"capabilities": bytes.fromhex("E0E900")}


def refused(tag, sw):
    """GET DATA of a tag is answered by a status word."""

    def refuse(command, answer):
        asked = command.ins == GET_DATA and command.p1 << 8 | command.p2 == tag
        return answer._replace(data=b"", sw=sw) if asked else None

    return refuse


def told(tag, value):
    """GET DATA of a tag gives another value."""

    def tell(command, answer):
        asked = command.ins == GET_DATA and command.p1 << 8 | command.p2 == tag
        return answer._replace(data=tlv.build(tag, bytes.fromhex(value)), sw=0x9000) if asked else None

    return tell


def with_aip(aip):
    """GET PROCESSING OPTIONS answers another first byte of the AIP."""

    def change(command, answer):
        if command.ins != OPTIONS:
            return None
        assert answer.data[0] == 0x80
        return answer._replace(data=answer.data[:2] + bytes((aip,)) + answer.data[3:])

    return change


# Selection


@pytest.mark.requirement("PAY-TRM-001")
@pytest.mark.parametrize("sw", ["6a82", "6283", "6a86", "6d00", "6f00"])
def test_any_other_error_of_the_environment_leads_to_the_list(sw):
    class Card(Menu):
        def select(self, name, occurrence):
            return bytes.fromhex(sw) if name == PSE else super().select(name, occurrence)

    names, result = tried(Card((DEBIT, 1, 0x9000), (CREDIT, 2, 0x9000)))
    assert names == [DEBIT, CREDIT]
    assert result.reason is Reason.NO_APPLICATION


@pytest.mark.requirement("PAY-TRM-001")
@pytest.mark.parametrize("blocked", [PSE, bytes.fromhex(DEBIT)], ids=["environment", "application"])
def test_6a81_ends_the_selection_at_once(blocked):
    class Card(Menu):
        def select(self, name, occurrence):
            return b"\x6a\x81" if name == blocked else super().select(name, occurrence)

    names, result = tried(Card((DEBIT, 1, 0x9000), (CREDIT, 2, 0x9000)))
    assert (names, result.reason) == ([], Reason.CARD_BLOCKED)
    sent = [event.command for event in result.events if isinstance(event, Exchanged)]
    assert sent[-1][5 : 5 + sent[-1][4]] == blocked


@pytest.mark.requirement("PAY-TRM-002")
@pytest.mark.parametrize("name", [DEBIT, LONG], ids=["whole name", "longer name"])
def test_blocked_application_is_never_offered_to_the_holder(name):
    """Both ask for the holder's confirmation (87 b8); the blocked one is no candidate, so nobody is asked about it."""
    asked = []

    class Holder(PreparedHolder):
        def confirm(self, label):
            asked.append(label)
            return True

    names, result = tried(Menu((name, 0x81, 0x6283), (CREDIT, 0x82, 0x9000)), Holder())
    assert (names, len(asked)) == ([CREDIT], 1)
    (listed,) = [event.en for event in result.events if event.en.startswith("candidates")]
    assert name not in listed


# Reading


@pytest.mark.requirement("PAY-TRM-006")
@pytest.mark.parametrize(("tag", "length"), [(0x5F20, 1), (0x5F20, 27), (0x5F20, 0)])
def test_name_of_a_wrong_length_does_not_matter(tag, length):
    result = bench().pay(100, change=altered(tag, lambda _: b"A" * length))
    assert result.reason is Reason.APPROVED_ONLINE


# Offline data authentication


@pytest.mark.requirement("PAY-TRM-007")
@pytest.mark.parametrize("able", [dict(zip("CDS", bits, strict=True)) for bits in product((0, 1), repeat=3)])
@pytest.mark.parametrize("offers", [dict(zip("CDS", bits, strict=True)) for bits in product((0, 1), repeat=3)])
def test_choice_of_the_method(able, offers):
    """9F33 byte 3: SDA b8, DDA b7, CDA b4; AIP byte 1: SDA b7, DDA b6, CDA b1; CDA goes before DDA, DDA before SDA."""
    capability = 0x80 * able["S"] | 0x40 * able["D"] | 0x08 * able["C"]
    aip = 0x1C | 0x40 * offers["S"] | 0x20 * offers["D"] | 0x01 * offers["C"]
    result = seasoned().pay(
        100, change=with_aip(aip), configuration={"capabilities": bytes.fromhex("E0E9") + bytes((capability,))}
    )
    common = [name for name in "CDS" if able[name] and offers[name]]
    (found,) = {event.method for event in result.events if isinstance(event, DataAuthenticated)}
    assert found == (f"{common[0]}DA" if common else "none")
    assert bool(result.tvr[0] & 0x80) is not bool(common)


@pytest.mark.requirement("PAY-TRM-010")
@pytest.mark.parametrize("value", ["5A", "8282", "825A", ""])
@pytest.mark.parametrize("method", METHODS)
def test_list_of_something_other_than_82_fails(method, value):
    """The certificates of this card cover the AIP, so every list but the right one must fail for its own sake."""
    capabilities, bit = METHODS[method]
    made = bench(content={"SFI03": signed_records({"9F4A": value or "82"})})
    change = None if value else altered(0x9F4A, lambda _: b"")
    result = made.pay(100, change=change, configuration={"capabilities": capabilities})
    assert result.tvr[0] & 0x4C == bit
    failures = [event.failure for event in result.events if isinstance(event, DataAuthenticated)]
    assert failures == ["9F4A lists something other than 82"]


# Processing restrictions


ATM = {"terminal_type": 0x14, "additional_capabilities": b"\x80\0\0\0\0"}
HOME, ABROAD = "0156", "0344"


@pytest.mark.requirement("PAY-TRM-013")
@pytest.mark.parametrize(
    ("usage", "terminal", "country", "kind", "allowed"),
    [  # JR/T 0025.5 appendix A, 9F07: b8 b7 cash at home and abroad, b6 b5 goods, b4 b3 services, b2 ATM, b1 elsewhere
        ("8200", ATM, HOME, CASH, True),
        ("8100", ATM, HOME, CASH, False),
        ("4200", ATM, HOME, CASH, False),
        ("4200", ATM, ABROAD, CASH, True),
        ("8200", ATM, ABROAD, CASH, False),
        ("8200", {}, HOME, CASH, False),
        ("8100", {}, HOME, CASH, True),
        ("2100", {}, HOME, PURCHASE, True),
        ("0900", {}, HOME, PURCHASE, True),
        ("2200", {}, HOME, PURCHASE, False),
        ("1100", {}, HOME, PURCHASE, False),
        ("1100", {}, ABROAD, PURCHASE, True),
        ("0500", {}, ABROAD, PURCHASE, True),
        ("2900", {}, ABROAD, PURCHASE, False),
    ],
)
def test_usage_control_by_kind_of_terminal_and_country(usage, terminal, country, kind, allowed):
    made = bench(content={"SFI03": signed_records({"9F07": usage})})
    result = made.pay(100, kind=kind, configuration={**terminal, "country": country})
    assert bool(result.tvr[1] & 0x10) is not allowed


# Cardholder verification


class Watching(PreparedHolder):
    """A holder that keeps what it was asked."""

    def __init__(self, *pins):
        super().__init__(pins)
        object.__setattr__(self, "asked", [])

    __slots__ = ("asked",)

    def enter_pin(self, tries):
        self.asked.append(tries)
        return super().enter_pin(tries)


@pytest.mark.requirement("PAY-TRM-016")
@pytest.mark.parametrize(
    ("left", "asked", "last_try", "byte_3"), [("00", [], 0, "a0"), ("01", [1], 1, "00"), ("03", [3], 0, "00")]
)
def test_tries_left_before_the_pin_is_asked_for(left, asked, last_try, byte_3):
    holder = Watching("123456")
    result = with_list("0100").pay(100, holder=holder, change=told(0x9F17, left))
    assert holder.asked == asked
    assert [event.zh for event in result.events].count("最后一次机会") == last_try
    assert result.tvr.hex()[4:6] == byte_3
    assert len(commands(result, VERIFY)) == len(asked)


@pytest.mark.requirement("PAY-TRM-017")
@pytest.mark.parametrize(
    ("sw", "reason", "byte_3"),
    [
        (0x6983, None, 0xA0),
        (0x6984, None, 0xA0),
        (0x63C0, None, 0xA0),
        (0x6A80, Reason.CARD_ERROR, 0),
        (0x6700, Reason.CARD_ERROR, 0),
        (0x6F00, Reason.CARD_ERROR, 0),
    ],
)
def test_answers_of_verify(sw, reason, byte_3):
    """PIN try limit exceeded is b6, verification failed b8; the holder would have entered more."""
    holder = Watching("123456", "123456")
    result = with_list("0100").pay(
        100, holder=holder, change=lambda command, answer: answer._replace(sw=sw) if command.ins == VERIFY else None
    )
    assert result.tvr[2] == byte_3
    assert len(holder.asked) == len(commands(result, VERIFY)) == 1
    if reason:
        assert result.reason is reason
        assert not commands(result, GENERATE_AC)
    else:
        assert result.cvm_results.hex() == "010001"


@pytest.mark.requirement("PAY-TRM-019")
@pytest.mark.parametrize(("fits", "results", "byte_3"), [(True, "200002", 0), (False, "200001", 0x80)])
def test_attendant_decides_on_the_document(fits, results, byte_3):
    """9F62 00: identity card; 9F61 the number, as the profile's records have them."""
    shown = []

    class Attendant(PreparedHolder):
        def show_document(self, kind, number):
            shown.append((kind, number))
            return fits

    result = with_list("2000").pay(100, holder=Attendant())
    assert shown == [("00", "500000199002280026")]
    assert (result.cvm_results.hex(), result.tvr[2]) == (results, byte_3)
    shown.clear()
    unable = with_list("2000").pay(100, holder=Attendant(), configuration={"capabilities": bytes.fromhex("E0E8C8")})
    assert (unable.cvm_results.hex(), shown) == ("200001", [])


# Risk management and action analysis


@pytest.mark.requirement("PAY-TRM-023")
@pytest.mark.parametrize(("tag", "byte_2", "byte_4"), [(0x9F13, 0x00, 0x60), (0x9F36, 0x08, 0x60), (0, 0x08, 0x00)])
def test_new_card_and_counters_that_cannot_be_read(tag, byte_2, byte_4):
    """A new card has 9F13 0000; 2.b4 new card, 4.b7 and b6 the limits."""
    result = bench().pay(100, change=refused(tag, 0x6A88))
    assert (result.tvr[1], result.tvr[3]) == (byte_2, byte_4)


@pytest.mark.requirement("PAY-TRM-026")
@pytest.mark.parametrize("answered", [0x40, 0x80])
def test_no_cryptogram_but_aac_after_a_request_of_aac(answered):
    def other(command, answer):
        if command.ins != GENERATE_AC or command.p1 >> 6:
            return None
        return answer._replace(data=answer.data[:2] + bytes((answered,)) + answer.data[3:])

    result = bench().pay(100, change=other, application={"tac_denial": bytes.fromhex("0008000000")})
    assert (result.reason, result.approved) == (Reason.CARD_ERROR, False)
    assert len(commands(result, GENERATE_AC)) == 1
