"""Medical settlement against the worked example of volume 2 §9.2 (the document's own vector, not an official one)."""

import dataclasses

import pytest

from tests.apps.conftest import Talk, worked_example

ROOT = "000102030405060708090A0B0C0D0E0F"
DTK = "101112131415161718191A1B1C1D1E1F"
INITIALIZE = "B028010113 01 00000000 00002710 00001F40 500000000001"
DEBIT = "B02C01000F 0000000B 20260101093000 184B0127"


@pytest.fixture
def talk():
    """A 3DES card in DF04, PIN verified, next transaction number 5; DPK and DTK of the example."""
    profile = worked_example("ssc2-3des")
    df04 = profile.directory["DF04"]
    keys = dict(df04.key)
    keys["DPK1"] = keys["DPK1"].model_copy(update={"levels": 3})
    keys["DTK"] = keys["DTK"].model_copy(update={"levels": 0})
    values = {**profile.test_keys.value, "DPK1.1": ROOT, "DTK.1": DTK}
    directories = {**profile.directory, "DF04": df04.model_copy(update={"key": keys})}
    test_keys = profile.test_keys.model_copy(update={"value": values})
    talk = Talk(profile.model_copy(update={"directory": directories, "test_keys": test_keys}))
    amounts = bytes.fromhex("0000000500000000000000000000000020260101")
    talk.card.memory.commit({"file:DF04/TF": amounts})
    talk.send("00A404000F7378312E73682EC9E7BBE1B1A3D5CF", "00A4040006D15600000503", "0020000003123456")
    return talk


def initialize(talk) -> str:
    """INITIALIZE with the random number of the example."""
    answer = talk.send(INITIALIZE + "16")
    talk.card.session.transaction = dataclasses.replace(talk.card.session.transaction, random=bytes.fromhex("A1B2C3D4"))
    return answer


def test_the_worked_example(talk):
    """SESPK 46C4D0D828B0C772, MAC1 184B0127, TAC 52DDB90B, MAC2 10B0D35C."""
    answer = initialize(talk)
    assert answer[:40] == "000000000000000000000000202600050101" + answer[36:40]
    assert talk.send(DEBIT + "08") == "52DDB90B10B0D35C9000"
    assert talk.send("00B201441C") == "00053250000000000120260101093000000000000000271000001F409000"
    assert initialize(talk)[8:32] == "0000271000001F4020260006"


def test_a_wrong_mac1_changes_nothing_and_ends_the_transaction(talk):
    before = talk.card.snapshot()
    initialize(talk)
    assert talk.send(DEBIT[:-1] + "6") == "9302"
    assert talk.send(DEBIT) == "6901"
    assert talk.card.snapshot() == before


@pytest.mark.parametrize("between", ["00B201441C", "00A4040006D15600000503", "0084000008"])
def test_any_other_command_ends_the_transaction(talk, between):
    initialize(talk)
    talk.send(between)
    assert talk.send(DEBIT) == "6901"


def test_refusals(talk):
    assert talk.send(INITIALIZE.replace("13 01", "13 09")) == "9403"
    assert talk.send(INITIALIZE.replace("00000000", "00000001")) == "9401"
    assert talk.send("00A404000F7378312E73682EC9E7BBE1B1A3D5CF", INITIALIZE) == "6985"
    assert talk.send("00A4040006D15600000503", INITIALIZE) == "6982"
    talk.card.memory.commit({"file:DF04/TF": bytes.fromhex("0000FFFF") + bytes(16)})
    assert talk.send("0020000003123456", INITIALIZE) == "9402"


def test_a_later_year_begins_its_sums_anew(talk):
    talk.card.memory.commit({"file:DF04/TF": bytes.fromhex("0000000500000000000003E8000007D020250101")})
    initialize(talk)
    assert talk.send(DEBIT + "08")[-4:] == "9000"
    assert talk.card.memory.cells["file:DF04/TF"][8:].hex() == "0000271000001f4020260101"
