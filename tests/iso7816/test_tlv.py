"""BER-TLV: length boundaries of ISO/IEC 8825-1 §8.1.3, a transcript of the card, pyemv as a second opinion, properties."""

import pyemv.tlv
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.iso7816 import Tlv, TlvError, tlv

from .reading import attempt

TAGS = st.sampled_from(
    [0x50, 0x6F, 0x70, 0x84, 0x88, 0xA5, 0xC1, 0xE1, 0x9F02, 0x9F38, 0xBF0C, 0x5F2D, 0xDF8101, 0xDF818302]
)


@pytest.mark.parametrize(
    ("length", "field"),
    [
        (0, "00"),
        (1, "01"),
        (0x7F, "7F"),
        (0x80, "8180"),
        (0xFF, "81FF"),
        (0x100, "820100"),
        (0xFFFF, "82FFFF"),
        (0x10000, "83010000"),
        (0x1000000, "8401000000"),
    ],
)
def test_length_fields_at_their_boundaries(length: int, field: str) -> None:
    assert tlv.encode_length(length) == bytes.fromhex(field)
    if length <= 0x10000:
        raw = bytes.fromhex("84" + field) + bytes(length)
        assert tlv.parse(raw)[0].value == bytes(length)
        assert tlv.build(0x84, bytes(length)) == raw


def test_the_answer_to_select_of_the_card() -> None:
    # Reconstructed specification §3.6, transcript of a real card
    raw = bytes.fromhex("6F16840F7378312E73682EC9E7BBE1B1A3D5CFA50388011E")
    (template,) = Tlv.parse(raw)
    assert template.constructed
    name = template.find(0x84)
    sfi = template.find(0xA5, 0x88)
    assert name is not None
    assert sfi is not None
    assert name == Tlv(0x84, "sx1.sh.社会保障".encode("gb2312"), offset=2, value_offset=4)
    assert sfi == Tlv(0x88, b"\x1e", offset=21, value_offset=23)
    assert template.find(0xA5, 0x99) is None
    assert template.find() is None
    assert tlv.find(template.children, 0xA5, 0x88) == sfi
    assert tlv.build(0x6F, tlv.build(0x84, name.value), tlv.build(0xA5, tlv.build(0x88, b"\x1e"))) == raw
    assert template.to_bytes() == raw


def test_a_search_goes_on_behind_an_object_that_does_not_hold_the_rest() -> None:
    raw = tlv.build(0x70, tlv.build(0x5A, b"\x01")) + tlv.build(0x70, tlv.build(0x57, b"\x02"))
    found = tlv.find(tlv.parse(raw), 0x70, 0x57)
    assert found is not None
    assert (found.value, found.offset) == (b"\x02", 7)


@pytest.mark.parametrize(
    ("raw", "offset", "words"),
    [
        ("84", 1, "length field is missing"),
        ("9F", 1, "cut off"),
        ("9F80", 1, "leading zeros"),
        ("DF8180", 3, "cut off"),
        ("DF81808080", 3, "longer than 4 bytes"),
        ("8402AA", 3, "announces 2 bytes, 1 are left"),
        ("8480AA0000", 1, "indefinite length"),
        ("848101AA", 1, "shortest form"),
        ("84817F" + "00" * 127, 1, "shortest form"),
        ("84820080" + "00" * 128, 1, "shortest form"),
        ("8482", 2, "cut off"),
        ("848200", 3, "cut off"),
        ("84850000000001AA", 1, "longer than 5 bytes"),
        ("84FF", 1, "longer than 5 bytes"),
        ("8400009000", 2, "00 is no tag"),
        ("8401AA5F2D", 5, "length field is missing"),
    ],
)
def test_strict_reading_refuses_with_the_offset(raw: str, offset: int, words: str) -> None:
    with pytest.raises(TlvError, match=words) as error:
        tlv.parse(bytes.fromhex(raw))
    assert error.value.offset == offset


@pytest.mark.parametrize(
    ("raw", "values"),
    [
        ("00FF8401AA0000", ["AA"]),
        ("8401AA00FF008801BB", ["AA", "BB"]),
        ("848101AA", ["AA"]),
        ("84820001AA", ["AA"]),
        ("", []),
        ("0000FFFF", []),
    ],
)
def test_lenient_reading_takes_padding_and_long_lengths(raw: str, values: list[str]) -> None:
    assert [item.value.hex().upper() for item in tlv.parse(bytes.fromhex(raw), strict=False)] == values


@pytest.mark.parametrize(("raw", "offset"), [("8480AA0000", 1), ("8402AA", 3), ("008402AA", 4), ("9F", 1)])
def test_lenient_reading_has_its_limits(raw: str, offset: int) -> None:
    with pytest.raises(TlvError) as error:
        tlv.parse(bytes.fromhex(raw), strict=False)
    assert error.value.offset == offset


def test_offsets_inside_count_from_the_start_of_all() -> None:
    raw = bytes.fromhex("50025858A582000588011E8402")  # the inner 84 lacks its value; the length of A5 is long
    outer = tlv.parse(raw, strict=False)[1]
    assert (outer.offset, outer.value_offset) == (4, 8)
    with pytest.raises(TlvError) as error:
        outer.parse_value()
    assert error.value.offset == 13
    assert Tlv(0x84, b"\x01").children == ()


def test_walk_shows_all_levels_in_order() -> None:
    raw = tlv.build(0x6F, tlv.build(0x84, b"a"), tlv.build(0xA5, tlv.build(0x88, b"b")), tlv.build(0x50, b"c"))
    assert [(depth, item.tag) for depth, item in tlv.walk(tlv.parse(raw))] == [
        (0, 0x6F),
        (1, 0x84),
        (1, 0xA5),
        (2, 0x88),
        (1, 0x50),
    ]


def test_walk_stops_at_its_greatest_depth() -> None:
    raw = b""
    for _ in range(5000):
        raw = tlv.build(0x70, raw)
    with pytest.raises(TlvError, match="nested deeper than 16 levels") as error:
        list(tlv.walk(tlv.parse(raw)))
    assert error.value.offset > 0
    sixteen = b""
    for _ in range(16):
        sixteen = tlv.build(0x70, sixteen)
    assert len(list(tlv.walk(tlv.parse(sixteen)))) == 16


@pytest.mark.parametrize("tag", [-1, 0x00, 0x9F, 0x9F80, 0x8401, 0x1F8080, 0x9F8181818101])
def test_numbers_that_are_no_tags(tag: int) -> None:
    with pytest.raises(TlvError):
        tlv.build(tag, b"")


@pytest.mark.parametrize("length", [-1, 1 << 32])
def test_lengths_that_cannot_be_written(length: int) -> None:
    with pytest.raises(TlvError):
        tlv.encode_length(length)


def test_a_data_object_list() -> None:
    # CDOL1 of EMV Book 3: amount, other amount, country, TVR, currency, date, type, unpredictable number
    dol = bytes.fromhex("9F02069F03069F1A0295055F2A029A039C019F3704")
    assert tlv.parse_tags_and_lengths(dol) == (
        (0x9F02, 6),
        (0x9F03, 6),
        (0x9F1A, 2),
        (0x95, 5),
        (0x5F2A, 2),
        (0x9A, 3),
        (0x9C, 1),
        (0x9F37, 4),
    )
    with pytest.raises(TlvError) as error:
        tlv.parse_tags_and_lengths(dol + b"\x9f")
    assert error.value.offset == len(dol) + 1


OBJECTS = st.lists(st.tuples(TAGS, st.binary(max_size=300)), max_size=6)


@given(OBJECTS)
def test_parse_undoes_build(objects: list[tuple[int, bytes]]) -> None:
    raw = b"".join(tlv.build(tag, value) for tag, value in objects)
    strict = tlv.parse(raw)
    assert [(item.tag, item.value) for item in strict] == objects
    assert strict == tlv.parse(raw, strict=False)
    for item in strict:
        assert raw[item.offset :].startswith(item.to_bytes())
        assert raw[item.value_offset :].startswith(item.value)


@given(st.dictionaries(st.sampled_from(["50", "84", "9F38", "5F2D", "DF8101"]), st.binary(max_size=300), min_size=1))
def test_pyemv_writes_and_reads_the_same(values: dict[str, bytes]) -> None:
    raw = b"".join(tlv.build(int(tag, 16), value) for tag, value in values.items())
    assert raw == pyemv.tlv.encode(values)
    assert {f"{item.tag:X}": item.value for item in tlv.parse(raw)} == pyemv.tlv.decode(raw)


@given(st.binary(max_size=80))
def test_strict_reading_is_total_and_loses_nothing(raw: bytes) -> None:
    objects, offset = attempt(tlv.parse, raw)
    assert 0 <= offset <= len(raw)
    assert objects is None or b"".join(item.to_bytes() for item in objects) == raw


@given(st.binary(max_size=80), st.booleans())
def test_reading_all_levels_is_total(raw: bytes, strict: bool) -> None:
    _, offset = attempt(lambda data: list(tlv.walk(tlv.parse(data, strict), strict)), raw)
    assert 0 <= offset <= len(raw)


@given(st.binary(max_size=40))
def test_reading_a_data_object_list_is_total_and_loses_nothing(raw: bytes) -> None:
    entries, offset = attempt(tlv.parse_tags_and_lengths, raw)
    assert 0 <= offset <= len(raw)
    assert (
        entries is None or b"".join(tlv.encode_tag(tag) + tlv.encode_length(length) for tag, length in entries) == raw
    )
