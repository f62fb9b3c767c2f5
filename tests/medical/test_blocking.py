"""Blocking a card of social security that is in a reader, as a window or a station does it."""

import pytest

from conformance.actors.medical.blocking import block_application, block_card, is_blocked, unblock_application
from conformance.actors.medical.keys import HsmKeys, KeysRefused
from conformance.actors.medical.reader import CardReader, CardRefused
from conformance.targets.in_process import InProcessTarget
from emulator import load_card
from profiles import load

PRODUCTS = ("ssc3-sm4", "ssc2-3des")
DEBIT = bytes.fromhex("00A4040008A000000333010101")


@pytest.fixture(params=PRODUCTS)
def reader(request):
    """A card that has APPLICATION UNBLOCK, which not every card has."""
    product = load(request.param)
    settings = product.settings.model_copy(update={"application_unblock": True})
    product = product.model_copy(update={"settings": settings})
    made = CardReader(InProcessTarget(load_card(product)), product, HsmKeys(product, bytes(6)), pin=lambda: "123456")
    made.begin()
    return made


def status(reader, command):
    return reader.link.transmit(bytes.fromhex(command)).hex().upper()[-4:]


@pytest.mark.requirement("SSC-LIFE-001", "SSC-LIFE-005")
def test_an_application_is_blocked_for_a_while(reader):
    block_application(reader, "DF04")
    reader.begin()
    with pytest.raises(CardRefused) as refused:
        reader.open("DF04")
    assert refused.value.sw in (0x6A81, 0x6283)
    reader.begin()
    reader.open("SSSE")
    assert reader.text("SSSE/EF05", "03")
    unblock_application(reader, "DF04")
    reader.begin()
    reader.open("DF04")


@pytest.mark.requirement("SSC-LIFE-008", "SSC-LIFE-010")
def test_a_blocked_card_answers_nothing_of_social_security_any_more(reader):
    assert not is_blocked(reader)
    block_card(reader)
    assert is_blocked(reader)
    assert status(reader, "0084000008") == "6A81"
    reader.link.reset()
    assert reader.link.transmit(DEBIT + b"\x00")[-2:] == b"\x90\x00"


def test_an_application_without_lock_key_is_not_blocked(reader):
    with pytest.raises(KeysRefused, match="no lock key"):
        block_application(reader, "DF01")
    assert not is_blocked(reader)


def test_a_reader_without_keys_blocks_nothing(reader):
    reader.keys = None
    with pytest.raises(KeysRefused, match="neither PSAM nor HSM"):
        block_card(reader)
    assert not is_blocked(reader)


def test_keys_of_another_product_block_nothing():
    product, other = load("ssc3-sm4"), load("ssc2-3des")
    reader = CardReader(InProcessTarget(load_card(product)), product, HsmKeys(other, bytes(6)))
    reader.begin()
    with pytest.raises(CardRefused):
        block_card(reader)
    assert not is_blocked(reader)


def test_an_application_that_is_not_blocked_is_not_unblocked(reader):
    with pytest.raises(CardRefused):
        unblock_application(reader, "DF04")
