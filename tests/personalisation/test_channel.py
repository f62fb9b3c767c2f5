"""The secure channel on the chip: rows PAY-PER-001 to 008 by computations of another hand, and every refusal."""

import pytest

from emulator.cos.memory import PowerLoss

from .bench import CHIPS, Device, chip

PRODUCTS = pytest.mark.parametrize("product", ["debit", "debit-sm"])
SOMETHING = bytes.fromhex("0E01059F51020156")
"""A grouping: 0E01 with 9F51."""


@PRODUCTS
def test_initialize_update(product):
    """KEYDATA 10, key version, 02, sequence counter 0001, challenge 6, cryptogram 8."""
    from conformance.actors.bank.personaliser import MasterKey
    from profiles import load

    from . import oracle

    device = Device(product)
    assert (device.select(), device.initialise()) == ("9000", "9000")
    answer = device.answer
    historical = load(CHIPS[product]).chip.historical
    assert len(answer) == 28
    assert answer[:10] == bytes.fromhex("621498FFFFFF") + historical[-4:]
    assert answer[10:14].hex() == "01020001"
    covered = device.host + answer[12:20]
    assert answer[20:] == oracle.cryptogram(device.algorithm, device.keys[0], covered)
    assert MasterKey.of_profile(load(CHIPS[product]))[1].value == device.master
    before = answer[14:20]
    assert device.initialise() == "9000"
    assert device.answer[14:20] != before
    assert device.answer[12:14].hex() == "0001"


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("8050020008A1A2A3A4A5A6A7A800", "6A88"),
        ("8050010008A1A2A3A4A5A6A7A800", "9000"),
        ("8050000108A1A2A3A4A5A6A7A800", "6A86"),
        ("8050000007A1A2A3A4A5A6A700", "6700"),
        ("8050000000", "6700"),
        ("84820100100000000000000000000000000000000000", "6985"),
        ("8482010008000000000000000000", "6700"),
        ("80E2000008" + SOMETHING.hex(), "6985"),
        ("84E2000008" + SOMETHING.hex(), "6985"),
        ("80A8000002830000", "6985"),
        ("80CA9F7900", "6985"),
        ("00B2010C00", "6D00"),
        ("80AE800000", "6985"),
    ],
)
def test_a_chip_without_channel(command, sw):
    device = Device()
    device.select()
    assert device.send(command).endswith(sw)


@PRODUCTS
@pytest.mark.parametrize("level", [0, 1, 3])
def test_every_level_opens_and_stores(product, level):
    device = Device(product).open(level)
    assert device.store(SOMETHING) == "9000"
    assert device.store(SOMETHING) == "9000"
    assert device.memory.cells["data:DEBIT:9F51"] == bytes.fromhex("0156")


@PRODUCTS
def test_wrong_proofs(product):
    """A wrong MAC is 6982, a wrong host cryptogram 6300; afterwards the chip wants INITIALIZE UPDATE anew."""
    device = Device(product)
    device.select()
    device.initialise()
    assert device.authenticate(wrong=True) == "6982"
    assert device.authenticate() == "6985"
    device.initialise()
    good = device.host_cryptogram
    for bit in (0, 63):
        number = int.from_bytes(good) ^ 1 << bit
        assert device.authenticate(cryptogram=number.to_bytes(8)) == "6300"
        assert device.sw(0x80, 0xE2, 0, 0, SOMETHING) == "6985"
        device.initialise()
    assert device.authenticate() == "9000"
    assert device.answer[12:14].hex() == "0001"


def test_level_and_parameters_of_the_authentication():
    device = Device()
    device.select()
    device.initialise()
    assert device.sw(0x84, 0x82, 0x02, 0x00, bytes(16)) == "6A86"
    assert device.sw(0x84, 0x82, 0x01, 0x01, bytes(16)) == "6A86"
    assert device.authenticate() == "9000"


def test_sequence_counter_counts_authenticated_sessions():
    device = Device().open()
    for expected in ("0002", "0003"):
        device.initialise()
        assert device.answer[12:14].hex().upper() == expected
        device.authenticate()
    device.initialise()
    device.authenticate(wrong=True)
    device.initialise()
    assert device.answer[12:14].hex() == "0004"


def test_the_last_sequence():
    device = Device()
    device.memory.commit({"personalisation sequence:DEBIT": 0xFFFF})
    device.open()
    assert device.initialise() == "6985"


@PRODUCTS
def test_a_session_of_yesterday_proves_nothing(product):
    device = Device(product).open()
    old = device.protected(0xE2, 0, 0, SOMETHING)
    assert device.send(old) == "9000"
    assert device.send(old) == "6A86"
    device.open()
    assert device.send(old) == "6988"


@PRODUCTS
@pytest.mark.parametrize("level", [1, 3])
def test_wrong_mac_ends_the_channel(product, level):
    device = Device(product).open(level)
    assert device.store(SOMETHING, wrong=True) == "6988"
    assert "data:DEBIT:9F51" not in device.memory.cells
    assert device.store(SOMETHING) == "6985"


def test_a_channel_with_mac_takes_no_command_without():
    device = Device().open()
    assert device.sw(0x80, 0xE2, 0, 0, SOMETHING) == "6982"
    assert device.sw(0x84, 0xE2, 0, 0, b"\x01") == "6988"
    device.open(0)
    assert device.sw(0x84, 0xE2, 0, 0, SOMETHING) == "6985"


@pytest.mark.parametrize("data", [b"\x00" * 8, bytes(23), bytes(24), bytes(231)])
def test_what_does_not_decipher(data):
    device = Device().open(3)
    assert device.sw(0x84, 0xE2, 0, 0, data) == "6988"


@pytest.mark.parametrize("how", ["SELECT", "reset", "power"])
def test_what_ends_a_channel(how):
    device = Device().open()
    if how == "SELECT":
        device.select()
    else:
        device.target.reset(cold=how == "power")
        device.select()
    assert device.store(SOMETHING) == "6985"


def test_a_silent_field_while_the_contacts_have_power():
    card = chip().card
    with pytest.raises(PowerLoss):
        card.contactless().reset()
