"""Commands and status words: the first bytes and the readings that the specification writes down."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.dictionary import command, commands, describe, find, status_words

# The APDUs of the reconstructed specification §3.1, §3.2, §3.3, §3.5, §6.3, of volume 2 §4 to §7, of JR/T 0025.5 appendix B,
# and of JR/T 0025.10 §8.2.
WRITTEN = {
    "SELECT": "00A40400",
    "READ BINARY": "00B09500",
    "READ RECORD": "00B2012C",
    "UPDATE BINARY": "00D60000",
    "UPDATE RECORD": "00DC0104",
    "UPDATE BINARY with MAC": "04D68300",
    "UPDATE RECORD with MAC": "04DC0104",
    "APPEND RECORD": "00E20040",
    "VERIFY": "00200000",
    "CHANGE PIN": "805E0100",
    "UNBLOCK PIN": "84240001",
    "GET CHALLENGE": "00840000",
    "GET RESPONSE": "00C00000",
    "EXTERNAL AUTHENTICATE": "0082000A",
    "INTERNAL AUTHENTICATE": "00880000",
    "APPLICATION BLOCK": "841E0001",
    "APPLICATION UNBLOCK": "84180000",
    "CARD BLOCK": "84160000",
    "CREATE FILE": "80E00100",
    "END": "80E00200",
    "VERIFY TRANSPORT CODE": "80E00300",
    "DELETE": "80E10001",
    "WRITE KEY": "80D40000",
    "WRITE KEY with MAC": "84D40000",
    "INITIALIZE FOR PURCHASE": "B0280101",
    "INITIALIZE FOR LOAD": "B0280001",
    "CREDIT FOR LOAD": "B02A0000",
    "DEBIT FOR PURCHASE": "B02C0100",
    "GET TRANSACTION PROOF": "B0320002",
    "GET BALANCE": "B0340000",
    "DELIVERY SESSION KEY": "BFDE4812",
    "CIPHER DATA": "80FA0500",
    "INIT_SAM_FOR_PURCHASE": "80700100",
    "CREDIT_SAM_FOR_PURCHASE": "80720000",
    "GET PROCESSING OPTIONS": "80A80000",
    "GENERATE AC": "80AE8000",
    "GET DATA": "80CA9F36",
    "PUT DATA": "04DA9F79",
    "READ CAPP DATA": "80B400A8",
    "UPDATE CAPP DATA CACHE": "84DE00A8",
    "APPEND RECORD with MAC": "04E200A8",
    "GET TRANS PROVE": "805A0000",
    "VERIFY under challenge": "00200181",
    "CHANGE PIN with MAC": "845E0100",
    "RELOAD PIN by administrator": "84240181",
    "AUTHENTICATE MASTER KEY": "00820000",
    "REPLACE MASTER KEY": "84D40100",
    "HASH": "80C40103",
    "GENERATE KEY PAIR": "80400000",
    "EXPORT PUBLIC KEY": "80C98200",
    "DECIPHER": "804E0001",
    "IMPORT SESSION KEY": "804A0210",
    "IMPORT PUBLIC KEY": "80C24000",
    "IMPORT PRIVATE KEY": "80C2C001",
    "COMPUTE DIGITAL SIGNATURE": "002A9E9A",
    "INITIALIZE UPDATE": "80500000",
    "EXTERNAL AUTHENTICATE with MAC": "84820100",
    "STORE DATA": "80E20000",
    "STORE DATA with MAC": "84E2A005",
}

READINGS = [
    ("00B2022C", ["record number 2", "SFI 05"]),
    ("80B400A8", ["no parameter", "first record", "SFI 15"]),
    ("80B400A9", ["no parameter", "next record", "SFI 15"]),
    ("84DE00F0", ["no parameter", "SFI 1E"]),
    ("04E200A8", ["append", "SFI 15"]),
    ("00B20834", ["record number 8", "SFI 06"]),
    ("00B24005", ["records from 64 to the last", "current file"]),
    ("00B20128", ["first record with tag 01", "SFI 05"]),
    ("00B24002", ["next record with tag 40", "current file"]),
    ("00DC0003", ["previous record (appends to a cyclic file)", "current file"]),
    ("00B0950A", ["SFI 15, offset 000A"]),
    ("00B00102", ["current file, offset 0102"]),
    ("00A40400", ["by name", "first or only occurrence"]),
    ("00A40002", ["by file identifier", "next occurrence"]),
    ("00820004", ["algorithm implied", "key 04 of the environment"]),
    ("00820083", ["algorithm implied", "key 83 of the current application"]),
    ("00820000", ["algorithm implied", "master key"]),
    ("84240000", ["PIN of the environment", "unblock"]),
    ("84240001", ["PIN of the environment", "reload"]),
    ("841E0001", ["current application", "for good"]),
    ("BFDE670B", ["3 diversification levels", "key type 07", "key 0B"]),
    ("80FA0500", ["MAC, only block, with initial value", "no parameter"]),
    ("00840000", ["no parameters"]),
    ("00840001", []),
    ("00B2022F", ["SFI 05"]),
]


def test_every_command_of_the_specification_and_no_other() -> None:
    assert set(commands()) == set(WRITTEN)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_command_is_found_by_its_first_bytes(name: str) -> None:
    cla, ins, p1, p2 = bytes.fromhex(WRITTEN[name])
    application = next(iter(command(name).applications), None)
    entry = find(cla, ins, p1, application)
    assert entry is command(name)
    assert entry.parameters(p1, p2)
    assert all((entry.zh, entry.en, entry.clause, entry.confidence))
    assert bool(entry.data) == (entry.case in "34")
    assert bool(entry.answer) == (entry.case in "24")


def test_a_command_that_nobody_knows() -> None:
    assert find(0x00, 0xFF) is None
    assert find(0x80, 0xA4) is None
    with pytest.raises(KeyError):
        command("ERASE")


def test_p1_is_needed_only_where_it_makes_another_command() -> None:
    assert find(0xB0, 0x28) is command("INITIALIZE FOR PURCHASE")
    assert find(0xB0, 0x28, 0x00) is command("INITIALIZE FOR LOAD")
    assert find(0xB0, 0x28, 0x77) is command("INITIALIZE FOR PURCHASE")


def test_the_same_bytes_mean_another_command_in_the_certificate_application() -> None:
    for name, header in (("VERIFY", "00200181"), ("UNBLOCK PIN", "84240181"), ("EXTERNAL AUTHENTICATE", "00820000")):
        cla, ins, p1, _ = bytes.fromhex(header)
        assert find(cla, ins, p1) is command(name)
        assert find(cla, ins, p1, "social security") is command(name)
        assert find(cla, ins, p1, "certificates") is not command(name)
    assert find(0x00, 0xA4, 0x04, "certificates") is command("SELECT")


@pytest.mark.parametrize(("header", "texts"), READINGS, ids=[header for header, _ in READINGS])
def test_parameters_read_as_the_specification_says(header: str, texts: list[str]) -> None:
    cla, ins, p1, p2 = bytes.fromhex(header)
    entry = find(cla, ins, p1)
    assert entry is not None
    assert [text.en for text in entry.parameters(p1, p2)] == texts


@given(
    name=st.sampled_from(sorted(WRITTEN)), p1=st.integers(0, 255), p2=st.integers(0, 255), length=st.integers(0, 300)
)
def test_reading_any_parameters_never_fails(name: str, p1: int, p2: int, length: int) -> None:
    assert all(text.zh and text.en for text in command(name).parameters(p1, p2))
    command(name).form(length)


@pytest.mark.parametrize(
    ("name", "length", "fields"),
    [
        ("EXTERNAL AUTHENTICATE", 8, ["cryptogram"]),
        ("EXTERNAL AUTHENTICATE", 16, ["cryptogram", "original information"]),
        ("EXTERNAL AUTHENTICATE", 17, ["cryptogram", "original information", "key version"]),
        ("EXTERNAL AUTHENTICATE", 9, None),
        ("UNBLOCK PIN", 4, ["MAC"]),
        ("UNBLOCK PIN", 12, ["enciphered PIN", "MAC"]),
        ("UNBLOCK PIN", 20, ["enciphered PIN", "MAC"]),
        ("GET CHALLENGE", 1, None),
    ],
)
def test_the_form_of_a_data_field_follows_from_its_length(name: str, length: int, fields: list[str] | None) -> None:
    form = command(name).form(length)
    assert (form and [field.en for field in form]) == fields


# Lengths from the reconstructed specification §6.3: Lc 13 → 22 bytes, Lc 0F → 8 bytes, Lc 0B → 16 bytes.
@pytest.mark.parametrize(
    ("name", "data", "answer"),
    [("INITIALIZE FOR PURCHASE", 0x13, 22), ("DEBIT FOR PURCHASE", 0x0F, 8), ("INITIALIZE FOR LOAD", 0x0B, 16)],
)
def test_lengths_of_the_medical_settlement(name: str, data: int, answer: int) -> None:
    (form,), (reply,) = command(name).data, command(name).answer
    assert sum(field.length for field in form) == data
    assert sum(field.length for field in reply) == answer


@pytest.mark.parametrize("name", ["VERIFY", "CHANGE PIN", "WRITE KEY", "WRITE KEY with MAC", "VERIFY TRANSPORT CODE"])
def test_pins_and_keys_are_secret(name: str) -> None:
    assert all(field.secret for form in command(name).data for field in form)


# Meanings of the official list, reconstructed specification §3.4.
@pytest.mark.parametrize(
    ("sw", "kind", "pattern", "zh"),
    [
        (0x9000, "success", "9000", "正常完成"),
        (0x6118, "success", "61xx", "正常完成，24 字节待取"),
        (0x6100, "success", "61xx", "正常完成，256 字节待取"),
        (0x63C0, "warning", "63Cx", "校验或认证失败，还可尝试 0 次"),
        (0x63CF, "warning", "63Cx", "校验或认证失败，还可尝试 15 次"),
        (0x6C09, "error", "6Cxx", "Le 错误，应为 9"),
        (0x6982, "error", "6982", "不满足安全状态"),
        (0x9302, "error", "9302", "校验码无效"),
        (0x62F1, "warning", "62F1", "未定义的警告"),
        (0x6FFF, "error", "6FFF", "未定义的状态字"),
    ],
)
def test_status_words(sw: int, kind: str, pattern: str, zh: str) -> None:
    meaning = describe(sw)
    assert (meaning.kind, meaning.pattern, meaning.zh) == (kind, pattern, zh)


@given(sw=st.integers(0, 0xFFFF))
def test_every_status_word_has_a_meaning(sw: int) -> None:
    meaning = describe(sw)
    assert meaning.zh
    assert meaning.en
    assert "{" not in meaning.zh + meaning.en


SPECIFIED = (
    "6281 6283 6700 6701 6702 6703 6E00 6901 6981 6982 6983 6984 6985 6988 6A80 6A81 6A82 6A83 6A88 9302 9303 9403 9406 6B00 "
    "6400 6581 6900 6986 6987 6A84 6A85 6A86 6A89 6D00 6F00 9401 9402"
)


@pytest.mark.parametrize("sw", SPECIFIED.split())
def test_every_status_word_of_the_specification_is_known(sw: str) -> None:
    assert sw in status_words()
