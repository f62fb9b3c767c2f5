"""SIMPLE-TLV: the records of the card (reconstructed specification §2.3) and the long length of ISO/IEC 7816-4 §5.2.1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.iso7816 import SimpleTlv, TlvError

from .reading import attempt

TAG = st.integers(0x01, 0xFE)


def test_tags_of_the_card_that_would_be_long_in_ber() -> None:
    # 退出认定地行政区划代码 (1F), 工伤认定部门名称 (3F), 职工未就业配偶标识 (5F)
    raw = bytes.fromhex("1F035000003F0241425F0131")
    assert SimpleTlv.parse(raw) == (
        SimpleTlv(0x1F, bytes.fromhex("500000"), 0),
        SimpleTlv(0x3F, b"AB", 5),
        SimpleTlv(0x5F, b"1", 9),
    )


@pytest.mark.parametrize(
    ("length", "field"), [(0, "00"), (0xFE, "FE"), (0xFF, "FF00FF"), (0x100, "FF0100"), (0xFFFF, "FFFFFF")]
)
def test_length_fields_at_their_boundaries(length: int, field: str) -> None:
    raw = bytes.fromhex("40" + field) + bytes(length)
    assert SimpleTlv(0x40, bytes(length)).to_bytes() == raw
    assert SimpleTlv.parse(raw) == (SimpleTlv(0x40, bytes(length)),)


@pytest.mark.parametrize(
    ("raw", "offset"),
    [("00", 0), ("FF01AA", 0), ("01", 1), ("0102AA", 3), ("01FF", 2), ("01FF00", 3), ("0101AA00", 3)],
)
def test_fault_and_its_offset(raw: str, offset: int) -> None:
    with pytest.raises(TlvError) as error:
        SimpleTlv.parse(bytes.fromhex(raw))
    assert error.value.offset == offset


@pytest.mark.parametrize("item", [SimpleTlv(0, b""), SimpleTlv(0xFF, b""), SimpleTlv(1, bytes(0x10000))])
def test_objects_that_cannot_be_written(item: SimpleTlv) -> None:
    with pytest.raises(TlvError):
        item.to_bytes()


@given(st.lists(st.tuples(TAG, st.binary(max_size=300)), max_size=6))
def test_parse_undoes_format(objects: list[tuple[int, bytes]]) -> None:
    raw = b"".join(SimpleTlv(tag, value).to_bytes() for tag, value in objects)
    parsed = SimpleTlv.parse(raw)
    assert [(item.tag, item.value) for item in parsed] == objects
    assert all(raw[item.offset] == item.tag for item in parsed)


@given(st.binary(max_size=60))
def test_reading_is_total(raw: bytes) -> None:
    objects, offset = attempt(SimpleTlv.parse, raw)
    assert 0 <= offset <= len(raw)
    for item in objects or ():
        assert SimpleTlv.parse(item.to_bytes()) == (item._replace(offset=0),)
