"""vpcd's messages: a big-endian 16-bit length and as many bytes (vsmartcard, virtualsmartcard/src/vpcd/vpcd.c)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.links.wire import GET_ATR, MAX_MESSAGE, POWER_OFF, POWER_ON, RESET, MessageBuffer, encode_message


def test_control_bytes_are_those_of_vpcd_h() -> None:
    # vpcd.h: VPCD_CTRL_OFF 0, VPCD_CTRL_ON 1, VPCD_CTRL_RESET 2, VPCD_CTRL_ATR 4
    assert (POWER_OFF, POWER_ON, RESET, GET_ATR) == (0, 1, 2, 4)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "0000"),
        (b"\x04", "000104"),
        (bytes.fromhex("00A4000002"), "000500A4000002"),
        (bytes(0x0102), "0102" + "00" * 0x0102),
        (bytes(MAX_MESSAGE), "FFFF" + "00" * MAX_MESSAGE),
    ],
)
def test_message_is_length_and_body(body: bytes, message: str) -> None:
    assert encode_message(body) == bytes.fromhex(message)
    assert MessageBuffer().feed(bytes.fromhex(message)) == [body]


def test_longer_body_is_refused() -> None:
    with pytest.raises(ValueError, match="65536 bytes do not fit"):
        encode_message(bytes(0x10000))


@given(st.lists(st.binary(max_size=300)), st.data())
def test_messages_survive_any_cutting(bodies: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(map(encode_message, bodies))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    buffer = MessageBuffer()
    received = []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        received += buffer.feed(stream[begin:end])
    assert received == bodies


@given(st.binary(max_size=1000))
def test_any_bytes_are_messages_and_a_rest(stream: bytes) -> None:
    bodies = MessageBuffer().feed(stream)
    told = b"".join(map(encode_message, bodies))
    assert stream.startswith(told)
    rest = stream[len(told) :]
    assert len(rest) < 2 or len(rest) < 2 + int.from_bytes(rest[:2], "big")
