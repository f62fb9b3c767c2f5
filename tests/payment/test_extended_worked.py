"""MACs of the extended application: worked values of the specification's author, and second libraries on any data."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.apps.payment.application import management_keys_cell
from emulator.crypto import Algorithm, CryptoError
from emulator.crypto.payment import extended_mac, extended_vector

from . import extended_oracle
from .sector import sector
from .vectors import WORKED

PRODUCTS = {"3des": "debit", "sm4": "debit-sm"}


@pytest.fixture(params=PRODUCTS)
def worked(request):
    """A card with keys, record and counter of the example, and the example."""
    example = WORKED[f"extended_application_{request.param}"]
    card = sector(PRODUCTS[request.param])
    memory = card.card.memory
    memory.commit(
        {
            "key:DEBIT/DEBITMETROOPEN:1": bytes.fromhex(example["opening_key"]),
            management_keys_cell("DEBIT/METRO"): (bytes.fromhex(example["management_key"]),),
            "file:DEBIT/METRO": (bytes.fromhex(example["record"]),),
        }
    )
    card.poke("9F36", "0011")
    return card, example


def test_reading_with_response_mac(worked):
    card, example = worked
    assert card.send(example["READ_CAPP_DATA"]["apdu"]) == example["READ_CAPP_DATA"]["response"] + "9000"


def test_update_with_both_macs(worked):
    card, example = worked
    assert card.begin().kind == "TC"
    assert card.send(example["UPDATE_CAPP_DATA_CACHE"]["apdu"]) == example["UPDATE_R_MAC"]["R_MAC"] + "9000"


def test_opening_a_record(worked):
    card, example = worked
    card.begin()
    assert card.send(example["APPEND_RECORD"]["apdu"]) == "9000"
    keys = card.card.memory.cells[management_keys_cell("DEBIT/METRO")]
    assert [key.hex().upper() for key in keys] == [example["management_key"]] * 2
    assert card.stored() == [example["record"]] * 2


@settings(max_examples=200)
@given(
    st.sampled_from(["3DES", "SM4"]),
    st.binary(min_size=16, max_size=16).filter(lambda key: key[:8] != key[8:]),
    st.binary(min_size=8, max_size=8),
    st.binary(max_size=80),
)
def test_mac_by_second_libraries(algorithm, key, vector, data):
    assert extended_mac(Algorithm(algorithm), key, vector, data) == extended_oracle.mac(algorithm, key, vector, data)


def test_the_other_reading_of_the_vector():
    key, vector = bytes(range(16)), bytes(range(8))
    right = extended_mac(Algorithm.SM4, key, vector, b"data", zeros_left=False)
    assert right != extended_mac(Algorithm.SM4, key, vector, b"data")
    assert extended_mac(Algorithm.DES3, key, vector, b"data", zeros_left=False) == extended_mac(
        Algorithm.DES3, key, vector, b"data"
    )


@pytest.mark.parametrize(("key", "vector"), [(bytes(8), bytes(8)), (bytes(16), bytes(16))])
def test_wrong_lengths(key, vector):
    with pytest.raises(CryptoError):
        extended_mac(Algorithm.DES3, key, vector, b"")


def test_vector_of_the_counter():
    assert extended_vector(bytes.fromhex("0012")).hex() == "0000000000000012"
    with pytest.raises(CryptoError):
        extended_vector(b"\0")
