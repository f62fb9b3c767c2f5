"""Commands of the extended application in the trace: decoded, and their secrets masked."""

import pytest

from reports.trace import Decoder

from .reading import field, profile

RECORD = "01010B0102000102030405060708"
"""A record of the specification's worked example: pre-authorisation, eight bytes of the sector."""
MAC = "C5A4EA83"


@pytest.fixture
def card() -> Decoder:
    result = Decoder(profile("debit"))
    result.exchange("00A4040008A00000033301010100", "9000")
    return result


def test_reading(card: Decoder) -> None:
    read = card.exchange("80B400A80A0101112233445566778800", RECORD + "9D30635F9000")
    assert read.label == "READ CAPP DATA"
    assert field(read, "random number of the terminal").raw == "1122334455667788"
    assert field(read, "type").raw == "02"
    assert field(read, "data of the sector, perhaps with R-MAC").raw == "01020304050607089D30635F"
    assert [(stop - start) for start, stop in read.response_secrets] == [12]


def test_updating(card: Decoder) -> None:
    update = card.exchange(f"84DE00A812{RECORD}{MAC}00", "587780E59000")
    assert update.label == "UPDATE CAPP DATA CACHE"
    assert field(update, "record identifier").raw == "0101"
    assert field(update, "lock").raw == "00"
    assert [(stop - start) for start, stop in update.command_secrets] == [8]
    assert field(update, "MAC").raw == MAC
    assert field(update, "R-MAC").raw == "587780E5"


def test_the_key_of_a_new_record_is_masked(card: Decoder) -> None:
    key = "AFBD57F079EC59F375755D0D08B52F6C"
    opened = card.exchange(f"04E200A822{key}{RECORD}31E941C2", "9000")
    assert opened.label == "APPEND RECORD with MAC"
    hidden = field(opened, "enciphered management key")
    assert hidden.secret
    assert [(stop - start) for start, stop in opened.command_secrets] == [16, 8]
    assert field(opened, "data of the sector").raw == "0102030405060708"


def test_the_key_is_masked_in_a_command_of_wrong_length(card: Decoder) -> None:
    opened = card.exchange("04E200A810AFBD57F079EC59F375755D0D08B52F6C", "6700")
    assert [(stop - start) for start, stop in opened.command_secrets] == [16]


def test_proof(card: Decoder) -> None:
    proof = card.exchange("805A000002001208", "00000000000000009000")
    assert proof.label == "GET TRANS PROVE"
    assert field(proof, "transaction certificate").raw == "00" * 8


@pytest.mark.parametrize(
    ("sw", "english"),
    [("6971", "three"), ("6972", "open already"), ("6973", "no pre-"), ("6974", "not updated"), ("9407", "forbidden")],
)
def test_status_words(card: Decoder, sw: str, english: str) -> None:
    from profiles.dictionary import describe

    assert english in describe(int(sw, 16)).en
