"""STORE DATA: what each grouping needs to be taken, that a block is stored whole or not at all, and what the last one wants."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.actors.bank.groupings import to_bytes
from emulator.iso7816 import Command, Response

from .bench import PAN, SAME, Device, data_of, issued

PRODUCTS = pytest.mark.parametrize("product", ["debit", "debit-sm", "debit-dual"])
CURRENCY = "9F51020156"


def stored(device: Device) -> dict:
    """The memory without what a session changes."""
    return {cell: value for cell, value in device.memory.cells.items() if not cell.startswith("personalisation seq")}


@pytest.mark.parametrize(
    ("identifier", "value", "sw"),
    [
        ("0E01", CURRENCY, "9000"),
        ("7001", CURRENCY, "6A88"),
        ("0E02", CURRENCY, "6A88"),
        ("0D07", CURRENCY, "6A88"),
        ("0E01", "9F79060000000000", "6A80"),  # a tag of another grouping
        ("0E01", "9F510156", "6A80"),  # one byte short
        ("0E01", "9F5103000156", "6A80"),
        ("0E01", "9F51020A56", "6A80"),  # not digits
        ("0E01", CURRENCY * 2, "6A80"),
        ("0E01", "9F5102", "6A80"),
        ("0E01", "", "6A80"),
        ("0401", "70049F140105", "9000"),
        ("0401", "9F140105", "6A80"),  # no template
        ("0401", "70049F140105" * 2, "6A80"),
        ("0401", "7000", "6A80"),
        ("0401", "70059F140105", "6A80"),
        ("0401", "70049F140205", "6A80"),
        ("0401", "7081FE5A81FB" + "11" * 251, "6A80"),  # a record of 257 bytes
        ("0401", "7081FD5A81FA" + "11" * 250, "9000"),
        ("0B01", "0102", "9000"),  # free form
        ("0B01", "", "6A80"),
        ("9200", "9F1007010103A0000001", "6A80"),
        ("9200", "9F100A07010103000000010A01", "9000"),
        ("9104", "82027D00" "940408010100", "9000"),
        ("9104", "82027D00", "6A80"),
        ("9104", "9404080101008202 7D00", "9000"),
        ("9104", "82027D00" "9403080101", "6A80"),
        ("9104", "82027D00" "940409010100", "6A80"),
        ("9104", "82027D00" "940408020100", "6A80"),
        ("9104", "82027D00" "940408010103", "6A80"),
        ("9104", "82027D00" "9404F8010100", "6A80"),
        ("9104", "82027D00" "9404080101009F10080701010300000001", "6A80"),
        ("9207", "82027D00" "940408010100" "9F6C020000", "9000"),
        ("9102", "A50A50084445424954204341", "9000"),
        ("9102", "500844454249542043415244", "6A80"),
        ("9102", "A5059F38029F66", "6A80"),
        ("9010", "0303", "9000"),
        ("9010", "0003", "9000"),
        ("9010", "0403", "6A80"),
        ("9010", "0000", "6A80"),
        ("9010", "1010", "6A80"),
        ("9010", "03", "6A80"),
        ("9000", "00" * 9, "6985"),
        ("8010", "24123 4FFFFFFFFFF".replace(" ", ""), "9000"),
        ("8010", "241234FFFFFFFFF0", "6A80"),
        ("8010", "041234FFFFFFFFFF", "6A80"),
        ("8010", "24123AFFFFFFFFFF", "6A80"),
        ("8010", "241234FFFFFFFFFF" * 2, "6A80"),
        ("8000", "00" * 48, "9000"),
        ("8000", "00" * 32, "6A80"),
        ("8000", "00" * 64, "6A80"),
        ("8401", "01".rjust(64, "0"), "9000"),
        ("8401", "00" * 32, "6A80"),
        ("8401", "FF" * 32, "6A80"),
        ("8401", "01".rjust(32, "0"), "6A80"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("product", ["debit", "debit-sm"])
def test_content_of_a_grouping(product, identifier, value, sw):
    device = Device(product).open()
    before = stored(device)
    assert device.grouping(identifier, value.replace(" ", "")) == sw
    assert (stored(device) == before) is (sw != "9000")


@PRODUCTS
def test_secrets_come_enciphered(product):
    """8000, 8010 and the private keys in clear are refused, whatever the value."""
    device = Device(product).open()
    for each in data_of(product).groupings:
        if each.secret:
            assert device.grouping(each.identifier, each.value, encipher=False) == "6982"
            assert device.grouping(each.identifier, each.value) == "9000"


@PRODUCTS
def test_everything_may_be_enciphered(product):
    """P1 bits 7 and 6 set: also groupings that need not be, padded to whole blocks."""
    device = Device(product).open()
    for each in data_of(product).groupings:
        assert device.grouping(each.identifier, each.value, encipher=True, p1=0x60) == "9000", each.identifier
    assert device.store(b"", p1=0x80) == "9000"
    plain = issued(product).card.memory.cells
    assert {cell: value for cell, value in device.memory.cells.items() if plain[cell] != value} == {}


def test_parameters():
    device = Device().open()
    one = to_bytes("0E01", bytes.fromhex(CURRENCY))
    for p1 in (0x40, 0x01, 0x10):
        assert device.store(one, p1=p1) == "6A86"
        device.open()
    assert device.store(one, p2=1) == "6A86"
    device.open()
    assert device.store(b"") == "6700"


def test_block_numbers_go_round():
    device = Device().open()
    one = to_bytes("0E01", bytes.fromhex(CURRENCY))
    for number in range(258):
        assert device.store(one, p2=number & 0xFF) == "9000"


def test_a_refused_block_stores_nothing_and_the_next_goes_on():
    device = Device().open()
    before = stored(device)
    good, bad = to_bytes("0E01", bytes.fromhex(CURRENCY)), to_bytes("7001", b"\x01")
    assert device.store(good + bad) == "6A88"
    assert stored(device) == before
    assert device.store(good) == "9000"


def test_a_grouping_in_three_blocks():
    device = Device().open()
    whole = to_bytes("0401", bytes.fromhex("7081FB5A81F8" + "11" * 248))
    before = stored(device)
    for piece in (whole[:1], whole[1:4], whole[4:200]):
        assert device.store(piece) == "9000"
        assert stored(device) == before
    assert device.store(whole[200:] + to_bytes("0E01", bytes.fromhex(CURRENCY))) == "9000"
    assert device.memory.cells["file:DEBIT/SFI04"] == (whole[3:],)
    assert device.memory.cells["data:DEBIT:9F51"].hex() == "0156"


def test_pieces_of_a_grouping_are_enciphered_alike_and_end_before_the_last_block():
    device = Device().open()
    whole = to_bytes("0401", bytes.fromhex("70049F140105"))
    assert device.store(whole[:4]) == "9000"
    assert device.store(whole[4:], p1=0x20) == "6A80"
    assert device.store(whole[4:6], p1=0x80) == "6A80"
    assert device.store(whole[4:]) == "9000"
    assert device.store(bytes.fromhex("0401FFFFFF")) == "6A84"


@PRODUCTS
@pytest.mark.parametrize("level", [0, 1, 3])
def test_the_last_block_issues_the_card(product, level):
    device = Device(product).open(level)
    device.everything()
    assert device.sw(0x80, 0xA8, 0, 0, b"\x83\x00") == "6985"
    assert device.store(b"", p1=0x80) == "9000"
    for again in (False, True):
        if again:
            device.target.reset()
            assert device.select() == "9000"
        assert device.initialise() == "6d00"
        assert device.sw(0x80, 0xE2, 0, 0, b"\x01") == "6E00"
        assert device.sw(0x84, 0xE2, 0, 0, bytes(9)) == "6E00"
        assert device.sw(0x84, 0x82, 1, 0, bytes(16)) == "6E00"
    assert device.memory.cells["personalisation:DEBIT"] == ()
    assert device.send("80CA9F3600")[:10] == "9F36020000"


NEEDED = ["9102", "9104", "9200", "0301", "8000", "9000", "9010", "8010", "8201", "8205"]


@pytest.mark.parametrize("missing", NEEDED)
def test_the_last_block_wants_all_that_transactions_need(missing):
    device = Device().open()
    without = {missing, "9000"} if missing == "8000" else {missing}
    device.everything(without=without)
    assert device.store(b"", p1=0x80) == "6985"
    for each in data_of().groupings:
        if each.identifier in without:
            assert device.grouping(each.identifier, each.value) == "9000"
    assert device.store(b"", p1=0x80) == "9000"


@pytest.mark.parametrize("missing", ["8001", "9001", "9201"])
def test_the_last_block_wants_all_of_the_second_algorithm_set(missing):
    device = Device("debit-dual").open()
    device.everything(without={missing, "9001"})
    assert device.store(b"", p1=0x80) == "6985"


@PRODUCTS
def test_check_values_of_the_keys(product):
    device = Device(product).open()
    groups = {each.identifier: each.value for each in data_of(product).groupings}
    assert device.grouping("8000", groups["8000"]) == "9000"
    for position in range(9):
        wrong = bytearray(groups["9000"])
        wrong[position] ^= 0x40
        assert device.grouping("9000", bytes(wrong)) == "6A80"
    assert device.grouping("9000", groups["9000"]) == "9000"


def test_new_keys_want_new_check_values():
    device = Device().open()
    device.everything()
    keys = next(each.value for each in data_of().groupings if each.identifier == "8000")
    assert device.grouping("8000", bytes(48)) == "9000"
    assert device.store(b"", p1=0x80) == "6985"
    assert device.grouping("8000", keys) == "9000"
    assert device.store(b"", p1=0x80) == "6985"


@pytest.mark.parametrize(
    "over",
    [
        {"8201": bytes(63) + b"\x02"},
        {"8204": None},
        {"8205": b"\x00" * 64},
        {"8203": b"\xff" * 64},
        {"9102": bytes.fromhex("A50DBF0C0A9F4D020A0ADF4D020C0A")},
        {"9102": bytes.fromhex("A50DBF0C0A9F4D020B00DF4D020C0A")},
        {"9102": bytes.fromhex("A50DBF0C0A9F4D020C0ADF4D020C0A")},
    ],
)
def test_parts_that_do_not_fit_together(over):
    groups = {each.identifier: each.value for each in data_of().groupings}
    over = {name: groups["8205"] if value is None else value for name, value in over.items()}
    device = Device().open()
    device.everything(over=over)
    assert device.store(b"", p1=0x80) == "6985"


def test_a_log_whose_file_has_records():
    device = Device().open()
    device.everything()
    assert device.grouping("0B01", "01") == "9000"
    assert device.store(b"", p1=0x80) == "6985"


def test_which_records_a_script_may_replace():
    """JR/T 0025.10 section 6.4: 0101, 0401 and 0303; 0103 not."""
    card = issued().card
    files = {file.sfi: file for d in card.structure.directories if d.name == "DEBIT" for file in d.files}
    assert {sfi: file.updatable for sfi, file in files.items() if sfi < 20} == {
        1: (1,), 2: (), 3: (), 4: (1,), 5: (), 11: None, 12: None,
    }  # fmt: skip


@PRODUCTS
def test_records_are_read_as_the_groupings_say(product):
    """Rows PAY-PER-010 to 012."""
    target = issued(product)
    target.transmit(bytes.fromhex("00A4040008A00000033301010100"))
    for each in data_of(product).groupings:
        sfi, number = bytes.fromhex(each.identifier)
        if sfi > 10:
            continue
        answer = Response.parse(target.transmit(Command(0, 0xB2, number, sfi << 3 | 4, b"", 256).to_bytes()))
        assert (answer.sw, answer.data) == (0x9000, each.value)
    for command in ("00B2016C00", "00B2017400"):
        assert target.transmit(bytes.fromhex(command)).hex() == "6a82"
    assert target.transmit(bytes.fromhex("00B2020C00")).hex() == "6a83"


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=120), st.sampled_from([0x00, 0x20, 0x60, 0x80, 0xA0]), st.sampled_from([0, 1, 3]))
def test_any_bytes_get_an_answer(data, p1, level):
    device = Device(target=SHARED)
    device.open(level)
    assert device.store(data, p1=p1) in {"9000", "6700", "6982", "6985", "6A80", "6A84", "6A86", "6A88"}
    assert device.target.card.structure.directories[-1].application == "payment personalisation"


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([each.identifier for each in data_of().groupings] + ["8401", "0B01"]),
    st.binary(max_size=64),
    st.booleans(),
)
def test_any_value_of_a_known_grouping_gets_an_answer(identifier, value, encipher):
    device = Device(target=SHARED)
    device.open()
    assert device.grouping(identifier, value, encipher=encipher or None) in {"9000", "6982", "6985", "6A80"}


SHARED = Device().target


def test_account_number_is_masked():
    assert data_of(order=SAME).card == "621498*********0304"
    assert PAN not in repr(data_of())
