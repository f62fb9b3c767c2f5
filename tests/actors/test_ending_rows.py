"""Rows of PAY-TRM after the decision: the bank's answer, scripts, e-cash, SM (JR/T 0025.6 §7.11 to §7.13, JR/T 0025.13 §7.4)."""

import pytest

from conformance.actors.bank import TransactionKind, scripts
from conformance.actors.terminal import PreparedHolder, Reason
from conformance.actors.terminal.events import ScriptRun
from emulator.iso7816 import tlv

from .bench import EXTERNAL_AUTHENTICATE, GENERATE_AC, PAN, PSN, Chance, bench, seasoned
from .test_kernel_rows import GET_DATA, WITHOUT_AUTHENTICATION, told, with_aip
from .test_reading import OPTIONS
from .test_scripts import Meddling
from .test_transactions import commands

# Online


@pytest.mark.requirement("PAY-TRM-027")
@pytest.mark.parametrize(("answered", "tvr_5"), [("", 0x00), ("6300", 0x40), ("6985", 0x40)])
def test_issuer_authentication(used, answered, tvr_5):
    """TVR 5.b7 failed, TSI b5 performed in any case."""

    def change(command, answer):
        return answer._replace(sw=int(answered, 16)) if command.ins == EXTERNAL_AUTHENTICATE and answered else None

    result = used.pay(100, change=change, force_online=True)
    assert len(commands(result, EXTERNAL_AUTHENTICATE)) == 1
    assert (result.tvr[4], result.tsi[0] & 0x10) == (tvr_5, 0x10)


@pytest.mark.requirement("PAY-TRM-027")
@pytest.mark.parametrize(("aip", "sent"), [(0x1C, 1), (0x18, 0)])
def test_card_without_issuer_authentication_is_not_asked_for_it(aip, sent):
    """AIP b3; the bank sends 91 to both."""
    made = bench()
    host = Meddling(made.bank, code=lambda _: "00", issuer_authentication=lambda _: bytes(8) + b"00")
    result = made.pay(100, change=with_aip(aip), configuration=WITHOUT_AUTHENTICATION, host=host)
    assert len(commands(result, EXTERNAL_AUTHENTICATE)) == sent
    assert bool(result.tsi[0] & 0x10) is bool(sent)


@pytest.mark.requirement("PAY-TRM-027")
def test_no_issuer_authentication_without_data_of_the_bank():
    made = bench()
    result = made.pay(100, host=Meddling(made.bank, issuer_authentication=lambda _: b""))
    assert not commands(result, EXTERNAL_AUTHENTICATE)
    assert (result.tvr[4], result.tsi[0] & 0x10) == (0, 0)


@pytest.mark.requirement("PAY-TRM-028")
@pytest.mark.parametrize(
    ("code", "passes", "asked"),
    [
        ("00", False, 0x40),
        ("10", False, 0x40),
        ("11", False, 0x40),
        ("01", True, 0x40),
        ("01", False, 0x00),
        ("02", True, 0x40),
        ("02", False, 0x00),
        *((code, True, 0x00) for code in ("03", "05", "12", "30", "51", "55", "91", "96", "Y1", "99")),
    ],
)
def test_response_code_and_second_request(code, passes, asked):
    made = seasoned()
    holder = PreparedHolder(("123456",), referral_passes=passes)
    result = made.pay(100, force_online=True, host=Meddling(made.bank, code=lambda _: code), holder=holder)
    first, second = (event.command for event in commands(result, GENERATE_AC))
    assert (first[2] & 0xC0, second[2] & 0xC0) == (0x80, asked)
    assert result.response_code == code


# Issuer scripts


@pytest.mark.requirement("PAY-TRM-029")
def test_third_of_four_commands_fails(used):
    """PUT DATA of a balance over 9F77 is refused; the fourth is not sent; result 1, number 3; TVR 5.b5."""
    good, over = scripts.put_balance(100), scripts.put_balance(100_001)
    used.bank.order(PAN, PSN, good, scripts.unblock_pin(), over, scripts.unblock_pin())
    result = used.pay(100, force_online=True)
    ran = [event for event in result.events if isinstance(event, ScriptRun)]
    assert [event.number for event in ran] == [1, 2, 3]
    assert [event.sw >> 8 for event in ran[:2]] == [0x90, 0x90]
    assert ran[2].sw >> 8 not in (0x90, 0x62, 0x63)
    assert ([each[0] for each in result.script_results], result.tvr[4]) == ([0x13], 0x10)


@pytest.mark.requirement("PAY-TRM-029")
@pytest.mark.parametrize(
    ("sw", "ends"), [(0x6281, False), (0x63C2, False), (0x6300, False), (0x6985, True), (0x6581, True)]
)
def test_warnings_let_a_script_go_on(used, sw, ends):
    used.bank.order(PAN, PSN, scripts.unblock_pin(), scripts.put_balance(100))

    def warn(command, answer):
        return answer._replace(sw=sw) if command.ins == 0x24 else None

    result = used.pay(100, force_online=True, change=warn)
    assert [each[0] for each in result.script_results] == ([0x11] if ends else [0x20])
    assert result.tvr[4] == (0x10 if ends else 0)


@pytest.mark.requirement("PAY-TRM-030")
@pytest.mark.parametrize(
    ("raw", "result", "tvr_5", "tsi"),
    [
        ("", [], 0x00, 0x00),
        ("7203860100FF", [0x00], 0x10, 0x04),
        ("7205860300", [0x00], 0x10, 0x04),
        ("72039F1801", [0x00], 0x10, 0x04),
    ],
)
def test_results_of_scripts(used, raw, result, tvr_5, tsi):
    host = Meddling(used.bank, scripts=lambda _: bytes.fromhex(raw))
    made = used.pay(100, force_online=True, host=host)
    assert [each[0] for each in made.script_results] == result
    assert (made.tvr[4], made.tsi[0] & 0x04) == (tvr_5, tsi)


# E-cash


def offered(result):
    """9F7A in the values of the PDOL ``9F7A01 9F0206 5F2A02``."""
    (options,) = commands(result, OPTIONS)
    assert options.command[5:7] == b"\x83\x09"
    return options.command[7]


@pytest.mark.requirement("PAY-TRM-031")
@pytest.mark.parametrize(
    ("limits", "amount", "purchase", "indicator"),
    [
        ({"e_cash_limit": 5_000}, 4_999, {}, 1),
        ({"e_cash_limit": 5_000}, 5_000, {}, 0),
        ({"e_cash_limit": 5_000}, 5_001, {}, 0),
        ({"floor_limit": 8_000}, 7_999, {}, 1),
        ({"floor_limit": 8_000}, 8_000, {}, 0),
        ({"e_cash_limit": 9_000, "floor_limit": 8_000}, 8_500, {}, 1),
        ({"e_cash_limit": 5_000}, 100, {"kind": TransactionKind.CASH}, 0),
        ({"e_cash_limit": 5_000}, 100, {"kind": TransactionKind.LOAD}, 0),
    ],
)
def test_indicator_of_e_cash(limits, amount, purchase, indicator):
    result = bench().pay(amount, e_cash=True, application=limits, **purchase)
    assert offered(result) == indicator


@pytest.mark.requirement("PAY-TRM-032")
@pytest.mark.parametrize(("amount", "asked"), [(18_999, 0x40), (19_000, 0x40), (19_001, 0x80)])
def test_balance_against_the_reset_threshold(new, amount, asked):
    """9F79 is 200.00, 9F6D 10.00: 200.00 − 190.00 is still enough."""
    result = new.pay(amount, e_cash=True)
    read = [event.command[2:4].hex() for event in commands(result, GET_DATA)]
    assert read[:2] == ["9f79", "9f6d"]
    assert commands(result, GENERATE_AC)[0].command[2] & 0xC0 == asked


@pytest.mark.requirement("PAY-TRM-032")
def test_without_9f74_no_balance_is_asked_for(new):
    read = [event.command[2:4].hex() for event in commands(new.pay(100), GET_DATA)]
    assert not {"9f79", "9f6d"} & set(read)


@pytest.mark.requirement("PAY-TRM-033")
@pytest.mark.parametrize(("e_cash", "byte_4"), [(True, 0x00), (False, 0xE0)])
def test_e_cash_has_neither_floor_limit_chance_nor_velocity(e_cash, byte_4):
    """Floor limit 1.00, both velocity limits 0, every draw selects."""
    made = seasoned(content={"SFI04": [{"9F14": "00", "9F23": "00"}]})
    limits = {"floor_limit": 100, "threshold": 50, "target": 99, "greatest_target": 99, "e_cash_limit": 30_000}
    result = made.pay(10_000, e_cash=e_cash, application=limits, random=Chance(1))
    assert (result.e_cash, result.tvr[3]) == (e_cash, byte_4)
    small = made.pay(10, e_cash=e_cash, application=limits, random=Chance(1))
    assert small.tvr[3] == (0x00 if e_cash else 0x70)


def without_issuer_data(command, answer):
    """9F10 has no discretionary data."""
    if command.ins != GENERATE_AC:
        return None
    assert answer.data[0] == 0x80
    return answer._replace(data=tlv.build(0x80, answer.data[2:21]))


@pytest.mark.requirement("PAY-TRM-034")
def test_balance_of_the_issuer_data_goes_before_get_data():
    plain = {"configuration": {"capabilities": bytes.fromhex("E0E9C0")}, "e_cash": True}
    of_9f10 = bench().pay(1_234, change=told(0x9F79, "000000055555"), **plain)
    assert (of_9f10.reason, of_9f10.balance) == (Reason.APPROVED_OFFLINE, 20_000 - 1_234)
    asked = bench().pay(1_234, change=without_issuer_data, **plain)
    assert (asked.reason, asked.balance) == (Reason.APPROVED_OFFLINE, 20_000 - 1_234)
    assert commands(asked, GET_DATA)[-1].command[2:4].hex() == "9f79"
    assert not commands(asked, GET_DATA)[-1].response.hex().startswith("9f7906000000020000")


# SM


@pytest.mark.requirement("PAY-TRM-043")
@pytest.mark.parametrize(("supports", "value"), [(True, 0x01), (False, 0x00)])
def test_terminal_tells_whether_it_has_sm(supports, value):
    """The PDOL of the card of two sets ends with DF6901."""
    result = bench("debit-dual").pay(100, configuration={"supports_sm": supports})
    (options,) = commands(result, OPTIONS)
    assert options.command[5 : 7 + 10][-1] == value
    assert options.command[6] == 10
