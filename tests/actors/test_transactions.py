"""Whole transactions: what terminal, card and bank make of them, by the decision tables of JR/T 0025.5 and JR/T 0025.6."""

from dataclasses import replace
from datetime import datetime

import pytest

from conformance.actors.bank import Settlement, TransactionKind
from conformance.actors.terminal import PreparedHolder, Reason
from conformance.actors.terminal.events import CryptogramGiven, Decided, Exchanged, Reversed

from .bench import PAN, READ_RECORD, START, Chance, NoLine, bench, seasoned

NO_PIN = PreparedHolder()


def commands(result, ins):
    """Commands with an instruction that the terminal sent."""
    return [event for event in result.events if isinstance(event, Exchanged) and event.command[1] == ins]


def test_new_card_goes_online_and_is_approved(new):
    result = new.pay(1234)
    assert result.reason is Reason.APPROVED_ONLINE
    assert (result.tvr.hex(), result.tsi.hex(), result.cvm_results.hex()) == ("0008000000", "f800", "410302")
    assert (result.response_code, len(result.authorisation_code)) == ("00", 6)
    assert result.cryptogram.kind.name == "TC"
    assert result.clearing is None
    assert not [event for event in result.events if isinstance(event, Reversed)]
    assert new.account.balance == START - 1234


def test_used_card_is_approved_offline_and_settled_once(used):
    result = used.pay(1234)
    assert result.reason is Reason.APPROVED_OFFLINE
    assert (result.tvr.hex(), result.tsi.hex(), result.response_code) == ("0000000000", "e800", "Y1")
    before = used.account.balance
    assert used.bank.clear(result.clearing) is Settlement.SETTLED
    assert used.bank.clear(result.clearing) is Settlement.REPEATED
    assert used.account.balance == before - 1234


@pytest.mark.requirement("PAY-TRM-021")
@pytest.mark.parametrize(
    ("purchase", "byte_4"),
    [
        ({"amount": 19_999}, "00"),
        ({"amount": 20_000}, "80"),
        ({"amount": 10_000, "earlier_amount": 10_000}, "80"),
        ({"amount": 100, "force_online": True}, "08"),
    ],
)
def test_floor_limit_and_merchant_send_online(used, purchase, byte_4):
    result = used.pay(**purchase)
    assert result.tvr.hex() == f"000000{byte_4}00"
    assert result.reason is (Reason.APPROVED_OFFLINE if byte_4 == "00" else Reason.APPROVED_ONLINE)


@pytest.mark.requirement("PAY-TRM-022")
@pytest.mark.parametrize(("amount", "byte_4"), [(2000, "00"), (6000, "10"), (15_000, "80")])
def test_chance_as_in_the_worked_numbers(amount, byte_4):
    """Floor 100, drawn 25, threshold 40, target 20 %, greatest 50 %: 20 is not selected, 60 is (30 %), 150 is above."""
    limits = {"floor_limit": 10_000, "threshold": 4_000, "target": 20, "greatest_target": 50}
    result = seasoned().pay(amount, application=limits, random=Chance(25))
    assert result.tvr.hex() == f"000000{byte_4}00"


@pytest.mark.requirement("PAY-TRM-023")
def test_velocity_limits_of_the_card_for_the_terminal(used):
    """9F14 is 5, 9F23 is 8, the last online transaction has counter 1."""
    found = {}
    for counter in range(2, 12):
        result = used.pay(1, host=None)
        found[counter] = result.tvr.hex()[6:8]
    assert found == {**dict.fromkeys(range(2, 7), "00"), **dict.fromkeys(range(7, 10), "40"), 10: "60", 11: "60"}


def test_bank_declines_what_the_account_does_not_cover(new):
    result = new.pay(START + 1)
    assert result.reason is Reason.DECLINED_BY_ISSUER
    assert (result.response_code, result.cryptogram.kind.name) == ("51", "AAC")
    assert result.tsi.hex() == "f800"
    assert new.account.balance == START


def test_without_line_the_default_action_codes_decide(new):
    approved = new.pay(100, host=None)
    assert (approved.reason, approved.response_code) == (Reason.APPROVED_UNABLE_ONLINE, "Y3")
    assert new.bank.clear(approved.clearing) is Settlement.SETTLED
    declined = new.pay(100, host=None, configuration={"exception_file": frozenset({PAN})})
    assert declined.tvr.hex() == "1008000000"
    assert (declined.reason, declined.response_code) == (Reason.DECLINED_UNABLE_ONLINE, "Z3")
    assert declined.clearing is None


def test_a_request_without_answer_is_reversed(new):
    result = new.pay(100, host=NoLine(new.bank))
    assert result.reason is Reason.APPROVED_UNABLE_ONLINE
    assert new.account.balance == START - 100
    new.bank.reverse(result.undelivered)
    new.bank.reverse(result.undelivered)
    assert new.account.balance == START


def test_offline_only_terminal_never_asks_the_bank(used):
    result = used.pay(19_999_00, configuration={"terminal_type": 0x23})
    assert result.tvr.hex() == "0000008000"
    assert (result.reason, result.response_code) == (Reason.DECLINED_BY_TERMINAL, "Z1")
    assert used.account.balance == START - 100


@pytest.mark.requirement("PAY-TRM-025")
def test_online_only_terminal_always_asks_the_bank(used):
    result = used.pay(1, configuration={"terminal_type": 0x21})
    assert (result.reason, result.tvr.hex()) == (Reason.APPROVED_ONLINE, "0000000000")


@pytest.mark.requirement("PAY-TRM-024")
@pytest.mark.parametrize(
    ("denial", "reason"),
    [("0008000000", Reason.DECLINED_BY_TERMINAL), ("0004000000", Reason.APPROVED_ONLINE)],
)
def test_terminal_action_code_denial(new, denial, reason):
    result = new.pay(1, application={"tac_denial": bytes.fromhex(denial)})
    assert result.reason is reason
    assert result.response_code == ("Z1" if reason is Reason.DECLINED_BY_TERMINAL else "00")


# Processing restrictions


@pytest.mark.requirement("PAY-TRM-012")
@pytest.mark.parametrize(
    ("when", "byte_2"),
    [
        (datetime(2026, 1, 4), "20"),
        (datetime(2026, 1, 5), "00"),
        (datetime(2036, 12, 31), "00"),
        (datetime(2037, 1, 1), "40"),
    ],
)
def test_dates_of_the_application(used, when, byte_2):
    """Effective from 2026-01-05 until 2036-12-31, the certificates until the end of the same month."""
    result = used.pay(100, when=when)
    assert result.tvr.hex()[2:4] == byte_2
    assert result.tvr[0] == (0x04 if when.year == 2037 else 0)


@pytest.mark.requirement("PAY-TRM-012")
def test_other_version_is_told(used):
    assert used.pay(100, application={"version": b"\x00\x20"}).tvr.hex() == "0080000000"


@pytest.mark.requirement("PAY-TRM-012", "PAY-TRM-013")
@pytest.mark.parametrize(
    ("usage", "country", "kind", "allowed"),
    [
        ("2900", "0156", TransactionKind.PURCHASE, True),
        ("0900", "0156", TransactionKind.PURCHASE, True),
        ("1500", "0156", TransactionKind.PURCHASE, False),
        ("1500", "0344", TransactionKind.PURCHASE, True),
        ("2800", "0156", TransactionKind.PURCHASE, False),
        ("8100", "0156", TransactionKind.CASH, True),
        ("4100", "0156", TransactionKind.CASH, False),
        ("4100", "0344", TransactionKind.CASH, True),
        ("FF80", "0156", TransactionKind.CASHBACK, True),
        ("FF40", "0156", TransactionKind.CASHBACK, False),
    ],
)
def test_application_usage_control(usage, country, kind, allowed):
    made = bench(content={"SFI03": signed_records({"9F07": usage})})
    result = made.pay(100, kind=kind, configuration={"country": country})
    assert bool(result.tvr[1] & 0x10) is not allowed


def signed_records(changes):
    """The records of SFI 3 with some objects changed."""
    from .bench import profile

    first, second = profile().content["DEBIT"]["SFI03"]["records"]
    return [{**first, **changes}, dict(second)]


# PIN


def test_wrong_pin_then_right(used):
    result = used.pay(100, holder=PreparedHolder(("111111", "123456")))
    assert result.reason is Reason.APPROVED_OFFLINE
    assert (result.tvr.hex(), result.cvm_results.hex()) == ("0000000000", "410302")
    assert used.card_data(0x9F17) == b"\x03"


def test_pin_is_blocked_after_three_tries_and_the_bank_hears_of_it(used):
    result = used.pay(100, holder=PreparedHolder(("111111", "222222", "333333", "123456"), online_pin="123456"))
    assert result.tvr.hex() == "0000240000"
    assert result.cvm_results.hex() == "420300"
    assert result.reason is Reason.APPROVED_ONLINE
    assert len(commands(result, 0x20)) == 3
    again = used.pay(100, holder=PreparedHolder(("123456",)))
    assert again.tvr.hex() == "0000240000"
    assert not commands(again, 0x20)


@pytest.mark.requirement("PAY-TRM-018")
def test_pin_left_out(used):
    result = used.pay(100, holder=NO_PIN)
    assert result.tvr.hex() == "0000080000"
    assert result.cvm_results.hex() == "5e0300"
    assert result.signature_wanted


def test_wrong_online_pin_costs_tries_at_the_bank(new):
    wrong = PreparedHolder((), online_pin="999999")
    codes = [new.pay(100, holder=wrong).response_code for _ in range(4)]
    assert codes == ["55", "55", "55", "38"]
    assert new.account.pin_tries == 0
    assert new.account.balance == START


def test_pins_are_masked_in_events(used):
    result = used.pay(100)
    (verify,) = commands(result, 0x20)
    assert verify.command_text == "0020008008" + "XX" * 8
    assert all("123456" not in event.en and PAN not in event.en for event in result.events)


def test_enciphered_pin_where_both_offer_it():
    """EMV Book 2 §7: not part of PBOC's own list of methods."""
    from .bench import profile

    first, second = profile().content["DEBIT"]["SFI03"]["records"]
    made = bench(
        content={"SFI03": [{**first, "8E": "0000000000000000 0400"}, dict(second)]},
        payment={"settings": {"enciphered_pin": True}},
    )
    able = {"enciphered_pin": True, "capabilities": bytes.fromhex("E0F9C8")}
    assert made.pay(100, configuration=able).cvm_results.hex() == "040002"
    wrong = made.pay(100, configuration=able, holder=PreparedHolder(("111111",)))
    assert (wrong.tvr.hex()[4:6], wrong.cvm_results.hex()) == ("88", "040001")
    unknown = made.pay(100)
    assert (unknown.tvr.hex()[4:6], unknown.cvm_results.hex()) == ("c0", "040001")


# Selection


def test_other_card_is_left_alone(new):
    result = new.pay(100, expected_account="9999")
    assert result.reason is Reason.OTHER_CARD
    assert not commands(result, 0xAE)
    assert not commands(result, 0x20)


def test_no_application_in_common(new):
    result = new.pay(100, configuration={"applications": ()})
    assert result.reason is Reason.NO_APPLICATION


@pytest.mark.requirement("PAY-TRM-003")
@pytest.mark.parametrize(
    ("aid", "partial", "found"),
    [("A0000003330101", True, True), ("A0000003330101", False, False), ("A000000333010101", False, True)],
)
@pytest.mark.parametrize("with_directory", [True, False])
def test_partial_names(new, aid, partial, found, with_directory):
    (parameters, *_) = new_terminal().applications
    wanted = replace(parameters, aid=bytes.fromhex(aid), partial=partial)

    def hide(command, answer):
        if command.ins == 0xA4 and command.data.startswith(b"1PAY") and not with_directory:
            return answer._replace(data=b"", sw=0x6A82)
        return None

    result = new.pay(100, configuration={"applications": (wanted,)}, change=hide)
    assert (result.reason is not Reason.NO_APPLICATION) is found


def new_terminal():
    from conformance.actors.terminal import DEFAULT_CONFIGURATION

    return DEFAULT_CONFIGURATION


@pytest.mark.requirement("PAY-TRM-004")
def test_refused_options_drop_the_application(new):
    def refuse(command, answer):
        return answer._replace(data=b"", sw=0x6985) if command.ins == 0xA8 else None

    assert new.pay(100, change=refuse).reason is Reason.NO_APPLICATION


# What a card may answer


@pytest.mark.requirement("PAY-TRM-026")
@pytest.mark.parametrize(
    ("answered", "reason"),
    [
        ("00", Reason.DECLINED_BY_CARD),
        ("40", Reason.CARD_ERROR),
        ("80", Reason.APPROVED_ONLINE),
        ("C0", Reason.CARD_ERROR),
    ],
)
def test_card_may_lower_a_request_for_arqc_but_not_raise_it(used, answered, reason):
    """Without CDA, so that the cryptogram information is not signed."""

    def other(command, answer):
        if command.ins != 0xAE or command.p1 >> 6 != 2:
            return None
        return answer._replace(data=answer.data[:2] + bytes.fromhex(answered) + answer.data[3:])

    without = {"capabilities": bytes.fromhex("E0E9C0")}
    assert used.pay(100, change=other, force_online=True, configuration=without).reason is reason


def test_card_that_wants_the_bank_although_the_terminal_does_not(new):
    """A new card, for which ADA byte 1 bit 2 asks to go online, at a terminal whose codes do not."""
    result = new.pay(100, change=without_action_codes, configuration={"capabilities": bytes.fromhex("E0E900")})
    assert [event.cryptogram for event in result.events if isinstance(event, (Decided, CryptogramGiven))] == [
        "TC",
        "ARQC",
        "TC",
    ]
    assert result.reason is Reason.APPROVED_ONLINE


def without_action_codes(command, answer):
    """Issuer action codes online and default of zeros, in the clear records."""
    if command.ins != READ_RECORD:
        return None
    data = answer.data
    for tag in ("9F0D05", "9F0F05"):
        at = data.find(bytes.fromhex(tag))
        if at >= 0:
            data = data[: at + 3] + bytes(5) + data[at + 8 :]
    return answer._replace(data=data)
