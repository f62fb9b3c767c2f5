"""The dictionary against the tables of the notice, typed a second time, and every format in both directions."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.dictionary import ValueFormatError, element, elements, layout, layouts
from profiles.dictionary.values import decode, encode, initial_fill

from .notice37 import FILES, LAYOUTS, Row, every_row, rows

SAMPLES = {"cn": "1234567890123456", "an": "样例ABC", "b": "0102"}


def test_the_dictionary_has_the_elements_of_the_standard_and_no_others() -> None:
    assert set(elements()) == set(every_row())


@pytest.mark.parametrize("row", every_row().values(), ids=lambda row: row.tag)
def test_element_agrees_with_the_standard(row: Row) -> None:
    entry = element(row.tag)
    assert (entry.format, entry.length) == (row.format, row.length)
    assert entry.children == tuple(child.tag for child in row.children)
    assert entry.zh
    assert entry.en
    assert entry.clause


@pytest.mark.parametrize("row", [row for row in every_row().values() if row.children], ids=lambda row: row.tag)
def test_inner_elements_fill_their_template(row: Row) -> None:
    assert sum(2 + child.length for child in row.children) == row.length == len(element(row.tag).initial_fill)


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout_agrees_with_the_standard(name: str) -> None:
    size, fields = LAYOUTS[name]
    assert layout(name).size == size
    assert ", ".join(f"{field.format} {field.length:02X}" for field in layout(name).field) == fields
    assert set(layouts()) == set(LAYOUTS)


def _gbk(text: str) -> bytes:
    """GBK by another program: iconv of the C library."""
    command = ["iconv", "-f", "UTF-8", "-t", "GBK"]
    return subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout


@pytest.mark.parametrize("row", [row for row in every_row().values() if row.format == "an"], ids=lambda row: row.tag)
def test_text_element_in_both_directions(row: Row) -> None:
    text = ("渝小样A1·重庆" * 20)[: row.length // 2] if row.length > 1 else "1"
    while len(_gbk(text)) > row.length:
        text = text[:-1]
    raw = element(row.tag).encode(text)
    assert raw == _gbk(text) + b"\x00" * (row.length - len(_gbk(text)))
    assert element(row.tag).decode(raw) == text


@pytest.mark.parametrize("row", [row for row in every_row().values() if row.format == "cn"], ids=lambda row: row.tag)
def test_digit_element_in_both_directions(row: Row) -> None:
    digits = "20260105500103123456789012345678"[: 2 * row.length]
    assert element(row.tag).encode(digits) == int(digits, 16).to_bytes(row.length, "big")
    assert element(row.tag).encode(digits[:-1]) == int(digits[:-1] + "F", 16).to_bytes(row.length, "big")
    assert element(row.tag).decode(element(row.tag).encode(digits[:-1])) == digits[:-1]


# 57 403, 58 080900, 59 重庆大学 by hand: GBK of 重庆大学 is D6D8 C7EC B4F3 D1A7 (code table of GB 2312-80).
DEGREE = "5703343033 5803080900 5928 D6D8C7ECB4F3D1A7" + "00" * 32
UNDEFINED = "5703000000 5803FFFFFF 5928" + "00" * 40


@pytest.mark.parametrize(
    ("value", "raw"),
    [({"57": "403", "58": "080900", "59": "重庆大学"}, DEGREE), ({}, UNDEFINED)],
)
def test_template_is_written_as_inner_objects(value: dict[str, str], raw: str) -> None:
    degree = element("40")
    assert degree.encode(value) == bytes.fromhex(raw)
    inner = degree.decode_children(bytes.fromhex(raw))
    assert inner == {tag: value.get(tag, "") for tag in ("57", "58", "59")}
    assert degree.decode(degree.encode(value)).split()[0] == f"57={value.get('57', '')}"


@pytest.mark.parametrize("row", [row for row in every_row().values() if row.children], ids=lambda row: row.tag)
def test_template_in_both_directions(row: Row) -> None:
    given = {child.tag: "1" if child.format == "an" else "1" * 2 * child.length for child in row.children}
    raw = element(row.tag).encode(given)
    assert len(raw) == row.length
    assert element(row.tag).decode_children(raw) == given
    assert element(row.tag).decode_children(raw[:-1]) is None
    assert not element(row.tag).is_initial_fill(raw)
    assert element(row.tag).is_initial_fill(element(row.tag).encode({}))


# Real values of a test card: reconstructed specification §5.1, §5.4 (Hunan, 2012).
@pytest.mark.parametrize(
    ("tag", "text", "raw"),
    [
        ("01", "430299D156000005000000133A05F2E3", "430299D156000005000000133A05F2E3"),
        ("04", "9156000002430200430100D5", "9156000002430200430100D5"),
        ("03", "3.00", "332E3030"),
        ("05", "20221116", "20221116"),
        ("07", "D2143569X", "443231343335363958"),
    ],
)
def test_values_of_real_cards(tag: str, text: str, raw: str) -> None:
    assert element(tag).encode(text) == bytes.fromhex(raw)
    assert element(tag).decode(bytes.fromhex(raw)) == text


@pytest.mark.parametrize("padding", ["00", "FF", "20", "00FF20"])
def test_every_padding_seen_in_the_field_is_taken_off(padding: str) -> None:
    assert element("4E").decode(bytes.fromhex("D3E5" + padding * 3)) == "渝"


def test_initial_fill_is_ff_for_digits_and_00_for_text_and_bytes() -> None:
    assert element("05").initial_fill == bytes.fromhex("FFFFFFFF")
    assert element("02").initial_fill == b"\x00"
    assert initial_fill("b", 3) == bytes(3)
    assert element("05").is_initial_fill(b"\xff" * 4)
    assert not element("05").is_initial_fill(b"\x00" * 4)
    assert element("40").is_initial_fill(bytes(0x34))


@pytest.mark.parametrize(
    ("form", "length", "value", "said"),
    [
        ("cn", 4, "2026-01-05", "more than digits"),
        ("cn", 4, "202601051", "9 digits given, 8 fit"),
        ("cn", 4, 20260105, "between quotation marks"),
        ("an", 3, "重庆", "4 bytes of GBK given, 3 fit"),
        ("an", 30, "a\U0001f600", "no code in GBK"),
        ("an", 2, True, "between quotation marks"),
        ("b", 2, 65536, "does not fit"),
        ("b", 2, -1, "does not fit"),
        ("b", 2, "010203", "3 bytes given, 2 fit"),
        ("b", 2, "01020", "even number"),
        ("b", 2, b"\x01", "1 bytes given, 2 needed"),
        ("cn", 2, None, "neither text nor a number"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason(form: str, length: int, value: object, said: str) -> None:
    with pytest.raises(ValueFormatError, match=said):
        encode(form, length, value)  # type: ignore[arg-type]  # the parameter is a plain string


def test_a_template_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueFormatError, match="no inner element 60"):
        element("40").encode({"60": "20260101"})
    with pytest.raises(ValueFormatError, match="57 学位代码"):
        element("40").encode({"57": "4033"})
    with pytest.raises(ValueFormatError, match="a table of the inner elements"):
        element("40").encode("403")


@given(raw=st.binary(max_size=40))
def test_digits_survive_decoding_and_encoding(raw: bytes) -> None:
    assert encode("cn", len(raw), decode("cn", raw)) == raw


@given(raw=st.binary(max_size=40))
def test_bytes_survive_decoding_and_encoding(raw: bytes) -> None:
    assert encode("b", len(raw), decode("b", raw)) == raw


@given(text=st.text(st.characters(codec="gbk"), max_size=20))
def test_text_survives_encoding_and_decoding(text: str) -> None:
    length = len(text.encode("gbk")) + 1
    assert decode("an", encode("an", length, text)) == text.rstrip("\x00\x20")


@given(tag=st.sampled_from(sorted(every_row())), raw=st.binary(max_size=120))
def test_reading_never_fails(tag: str, raw: bytes) -> None:
    entry = element(tag)
    text = entry.decode(raw)
    entry.meaning(text)
    entry.problem(text)
    entry.is_initial_fill(raw)
    entry.decode_children(raw)


@given(name=st.sampled_from(sorted(LAYOUTS)), raw=st.binary(max_size=100))
def test_reading_a_layout_never_fails_and_loses_nothing(name: str, raw: bytes) -> None:
    fields = layout(name).decode_fields(raw)
    assert len(fields) == len(layout(name).field) or len(raw) < layout(name).size


@given(tag=st.sampled_from(sorted(every_row())), value=st.none() | st.integers() | st.text(max_size=40) | st.binary())
def test_writing_anything_gives_the_right_length_or_one_error(tag: str, value: object) -> None:
    try:
        raw = element(tag).encode(value)
    except ValueFormatError:
        return
    assert len(raw) == element(tag).length


def test_a_layout_takes_names_in_both_languages_or_a_list() -> None:
    record = bytes.fromhex("0007 32 500000000001 20260112093012 00000000 00003232 0000267A")
    named = {
        "transaction number": 7,
        "交易类型": "2",
        "terminal number": "500000000001",
        "交易时间": "20260112093012",
        "amount of the personal account": 0,
        "amount paid by the person": 12850,
        "amount paid by the pooled fund": 9850,
    }
    in_order = [7, "2", "500000000001", "20260112093012", 0, 12850, 9850]
    transaction = layout("medical transaction")
    assert transaction.encode(named) == transaction.encode(in_order) == record
    texts = [text for _, text in transaction.decode_fields(record)]
    assert texts == ["0007", "2", "500000000001", "20260112093012", "00000000", "00003232", "0000267A"]
    assert transaction.encode({}) == bytes(3) + b"\xff" * 13 + bytes(12) == transaction.initial_fill


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"amount": 1}, "no field amount; there are transaction number"),
        ([1, 2], "a list of 7 values"),
        ({"transaction time": "20260112T0930"}, "transaction time 交易时间"),
        ("00", "a list of 7 values"),
    ],
)
def test_a_layout_refuses_what_it_does_not_know(value: object, said: str) -> None:
    with pytest.raises(ValueFormatError, match=said):
        layout("medical transaction").encode(value)


def test_files_hold_the_number_of_records_that_the_standard_gives() -> None:
    counts = {name: sum(row.times for row in rows(text)) for name, text in FILES.items()}
    assert counts["DF02/EF05"] == 6
    assert counts["DF03/EF06"] == 10
    assert counts["DF04/EF05"] == 16
