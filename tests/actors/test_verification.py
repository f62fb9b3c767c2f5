"""The CVM list by the tables of JR/T 0025.5 appendix A and JR/T 0025.6 §7.7, and the action codes of §7.9."""

import pytest

from conformance.actors.bank import TransactionKind
from conformance.actors.terminal import PreparedHolder, Reason

from .bench import bench, profile, seasoned

HOLDER = PreparedHolder(("123456",))
PURCHASE, CASH, CASHBACK = TransactionKind.PURCHASE, TransactionKind.CASH, TransactionKind.CASHBACK
UNATTENDED, DISPENSER = {"terminal_type": 0x25}, {"terminal_type": 0x14, "additional_capabilities": b"\x80\0\0\0\0"}
NO_PIN_PAD = {"capabilities": bytes.fromhex("E029C8")}


def with_list(rules, amounts="0000000000000000", **changes):
    first, second = profile().content["DEBIT"]["SFI03"]["records"]
    signed = {**first, "8E": f"{amounts} {rules}", "9F07": "FFC0", **changes}
    return bench(content={"SFI03": [{tag: value for tag, value in signed.items() if value is not None}, dict(second)]})


@pytest.mark.requirement("PAY-TRM-014", "PAY-TRM-015", "PAY-TRM-018", "PAY-TRM-020")
@pytest.mark.parametrize(
    ("rules", "terminal", "results", "byte_3"),
    [
        ("1F00", {}, "1f0002", "00"),
        ("1E00", {}, "1e0000", "00"),
        ("0100", {}, "010002", "00"),
        ("0200", {}, "020000", "04"),
        ("0300", {}, "030000", "00"),
        ("2000", {}, "200002", "00"),
        ("0000", {}, "000001", "80"),
        ("4000 1F00", {}, "1f0002", "00"),
        ("0A00 1F00", {}, "0a0001", "c0"),
        ("4A00 1F00", {}, "1f0002", "40"),
        ("0400", {}, "040001", "c0"),
        ("4400 1F00", {}, "1f0002", "40"),
        ("0100", NO_PIN_PAD, "010001", "90"),
        ("4100 1F00", NO_PIN_PAD, "1f0002", "10"),
        ("4103 1F00", NO_PIN_PAD, "1f0002", "00"),
        ("0200", NO_PIN_PAD, "020001", "90"),
        ("1E00", UNATTENDED, "1e0001", "80"),
        ("5E03 1F00", UNATTENDED, "1f0002", "00"),
        ("1F04", {}, "3f0001", "80"),
        ("1FAA", {}, "3f0001", "80"),
    ],
)
def test_methods(rules, terminal, results, byte_3):
    result = with_list(rules).pay(100, configuration=terminal, holder=PreparedHolder(HOLDER.pins))
    assert result.cvm_results.hex() == results
    assert result.tvr.hex()[4:6] == byte_3
    assert result.tsi[0] & 0x40


@pytest.mark.requirement("PAY-TRM-014")
@pytest.mark.parametrize(
    ("condition", "kind", "terminal", "holds"),
    [
        ("00", PURCHASE, {}, True),
        ("01", CASH, DISPENSER, True),
        ("01", CASH, {}, False),
        ("01", PURCHASE, {}, False),
        ("02", PURCHASE, {}, True),
        ("02", CASH, {}, False),
        ("02", CASH, DISPENSER, False),
        ("02", CASHBACK, {}, False),
        ("03", PURCHASE, {}, True),
        ("04", CASH, {}, True),
        ("04", CASH, DISPENSER, False),
        ("04", PURCHASE, {}, False),
        ("05", CASHBACK, {}, True),
        ("05", PURCHASE, {}, False),
        ("0A", PURCHASE, {}, False),
        ("80", PURCHASE, {}, False),
    ],
)
def test_conditions(condition, kind, terminal, holds):
    result = with_list(f"1F{condition}").pay(100, kind=kind, configuration=terminal)
    assert result.cvm_results.hex() == (f"1f{condition}02".lower() if holds else "3f0001")


@pytest.mark.requirement("PAY-TRM-014")
@pytest.mark.parametrize(
    ("condition", "amount", "currency", "holds"),
    [
        ("06", 99, "0156", True),
        ("06", 100, "0156", False),
        ("07", 101, "0156", True),
        ("07", 100, "0156", False),
        ("08", 199, "0156", True),
        ("08", 200, "0156", False),
        ("09", 201, "0156", True),
        ("09", 200, "0156", False),
        ("06", 99, "0344", False),
    ],
)
def test_conditions_on_amounts(condition, amount, currency, holds):
    """X is 1.00, Y 2.00, in the application currency 0156."""
    made = with_list(f"1F{condition}", amounts="00000064000000C8")
    result = made.pay(amount, currency=currency)
    assert result.cvm_results.hex() == (f"1f{condition}02" if holds else "3f0001")


def test_identity_document_is_shown_and_compared():
    asked = []

    class Attendant(PreparedHolder):
        def show_document(self, kind, number):
            asked.append((kind, number))
            return False

    result = with_list("2000").pay(100, holder=Attendant())
    assert asked == [("00", "500000199002280026")]
    assert (result.cvm_results.hex(), result.tvr.hex()[4:6]) == ("200001", "80")


def test_card_without_list():
    result = with_list("", **{"8E": None}).pay(100)
    assert (result.tvr[0] & 0x20, result.tsi[0] & 0x40, result.cvm_results.hex()) == (0x20, 0, "3f0000")


def test_card_that_asks_for_no_verification():
    """AIP without bit 5."""
    made = bench(payment={"path": {"ordinary": {"aip": "6D00", "afl": "08010100 08030300 10010500 18010201 20010100"}}})
    result = made.pay(100)
    assert (result.tsi[0] & 0x40, result.cvm_results.hex(), result.tvr[2]) == (0, "3f0000", 0)


@pytest.mark.requirement("PAY-TRM-018")
def test_pin_pad_that_the_holder_leaves_alone_is_not_absent():
    result = with_list("0100").pay(100, holder=PreparedHolder())
    assert (result.cvm_results.hex(), result.tvr.hex()[4:6]) == ("010001", "88")


# Terminal action analysis: a new card sets TVR 2.b4 (0008000000), a used one nothing.

NEW, OTHER, NONE = "0008000000", "0001000000", "0000000000"


def with_codes(default, denial, online):
    first, second = profile().content["DEBIT"]["SFI03"]["records"]
    codes = {"9F0D": default, "9F0E": denial, "9F0F": online}
    kept = {tag: value for tag, value in {**first, **codes}.items() if value is not None}
    return bench(data={"9F52": "0000"}, content={"SFI03": [kept, dict(second)]})


@pytest.mark.requirement("PAY-TRM-024")
@pytest.mark.parametrize(
    ("default", "denial", "online", "line", "reason"),
    [
        (NONE, NEW, NONE, True, Reason.DECLINED_BY_TERMINAL),
        (NONE, None, NEW, True, Reason.APPROVED_ONLINE),
        (NONE, OTHER, OTHER, True, Reason.APPROVED_OFFLINE),
        (NONE, NONE, None, True, Reason.APPROVED_ONLINE),
        (NONE, NONE, NEW, False, Reason.APPROVED_UNABLE_ONLINE),
        (NEW, NONE, NEW, False, Reason.DECLINED_UNABLE_ONLINE),
        (None, NONE, NEW, False, Reason.DECLINED_UNABLE_ONLINE),
    ],
)
def test_action_codes_of_the_issuer(default, denial, online, line, reason):
    """Absent codes: denial zeros, online and default ones."""
    made = with_codes(default, denial, online)
    assert made.pay(100, **({} if line else {"host": None})).reason is reason


@pytest.mark.requirement("PAY-TRM-024")
@pytest.mark.parametrize(("default", "reason"), [(NONE, Reason.APPROVED_OFFLINE), (NEW, Reason.DECLINED_BY_TERMINAL)])
def test_default_codes_decide_at_once_without_any_line(default, reason):
    made = with_codes(default, NONE, NEW)
    assert made.pay(100, configuration={"terminal_type": 0x23}).reason is reason


@pytest.mark.requirement("PAY-TRM-024")
@pytest.mark.parametrize(
    ("name", "reason"), [("tac_online", Reason.APPROVED_ONLINE), ("tac_denial", Reason.DECLINED_BY_TERMINAL)]
)
def test_action_codes_of_the_terminal(name, reason):
    """Floor limit reached, TVR 4.b8."""
    made = seasoned(content={"SFI03": with_codes(NONE, NONE, NONE).of.content["DEBIT"]["SFI03"]["records"]})
    assert made.pay(20_000).reason is Reason.APPROVED_OFFLINE
    assert made.pay(20_000, application={name: bytes.fromhex("0000008000")}).reason is reason
