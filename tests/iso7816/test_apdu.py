"""APDUs: the seven encodings of ISO/IEC 7816-3 §12.1 written out by hand, and properties over all of them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emulator.iso7816 import ApduError, Command, Response

from .reading import attempt

BYTE = st.integers(0, 255)

DATA_255 = bytes(range(255))
DATA_256 = bytes(256)

CASES = [
    ("1", "00A40000", Command(0x00, 0xA4, 0x00, 0x00)),
    ("2S", "00C0000018", Command(0x00, 0xC0, 0x00, 0x00, ne=24)),
    ("2S", "00B2010400", Command(0x00, 0xB2, 0x01, 0x04, ne=256)),
    ("3S", "0020000003123456", Command(0x00, 0x20, 0x00, 0x00, b"\x12\x34\x56")),
    ("3S", "80DA0000FF" + DATA_255.hex(), Command(0x80, 0xDA, 0x00, 0x00, DATA_255)),
    ("4S", "80F2000001AA07", Command(0x80, 0xF2, 0x00, 0x00, b"\xaa", 7)),
    ("4S", "00A4040006D1560000059000", Command(0x00, 0xA4, 0x04, 0x00, bytes.fromhex("D15600000590"), 256)),
    ("2E", "00B00000000100", Command(0x00, 0xB0, 0x00, 0x00, ne=256, extended=True)),
    ("2E", "00B00000000001", Command(0x00, 0xB0, 0x00, 0x00, ne=1, extended=True)),
    ("2E", "00B00000000000", Command(0x00, 0xB0, 0x00, 0x00, ne=65536, extended=True)),
    ("3E", "00D60000000001AA", Command(0x00, 0xD6, 0x00, 0x00, b"\xaa", extended=True)),
    ("3E", "00D60000000100" + "00" * 256, Command(0x00, 0xD6, 0x00, 0x00, DATA_256, extended=True)),
    ("4E", "00D60000000002AABB0000", Command(0x00, 0xD6, 0x00, 0x00, b"\xaa\xbb", 65536, extended=True)),
    ("4E", "00D60000000002AABB0102", Command(0x00, 0xD6, 0x00, 0x00, b"\xaa\xbb", 258, extended=True)),
]


@pytest.mark.parametrize(("case", "raw", "command"), CASES)
def test_seven_encodings(case: str, raw: str, command: Command) -> None:
    parsed = Command.parse(bytes.fromhex(raw))
    assert parsed == command
    assert isinstance(parsed, Command)
    assert parsed.case == case
    assert command.to_bytes().hex().upper() == raw.upper()
    assert command.header == bytes.fromhex(raw)[:4]


@pytest.mark.parametrize(
    ("raw", "offset", "words"),
    [
        ("", 0, "at least 4 bytes"),
        ("00A400", 3, "at least 4 bytes"),
        ("00A4000002", None, ""),  # five bytes are always case 2S
        ("00A40000023F", 6, "Lc announces data up to byte 7"),
        ("00A40000023F000000", 8, "1 bytes follow"),
        ("00A40000023F00000102", 8, "2 bytes follow"),
        ("00B000000001", 6, "only one byte after it"),
        ("00B0000000000001", 5, "extended Lc is 0000"),
        ("00D60000000002AA", 8, "Lc announces data up to byte 9"),
        ("00D60000000002AABB00", 10, "Le has one byte after an extended Lc"),
        ("00D60000000002AABB000000", 11, "1 bytes follow"),
    ],
)
def test_fault_and_its_offset(raw: str, offset: int | None, words: str) -> None:
    if offset is None:
        assert Command.parse(bytes.fromhex(raw)).case == "2S"
        return
    with pytest.raises(ApduError, match=words) as error:
        Command.parse(bytes.fromhex(raw))
    assert error.value.offset == offset


@pytest.mark.parametrize(
    ("command", "offset"),
    [
        (Command(256, 0, 0, 0), 0),
        (Command(0, -1, 0, 0), 1),
        (Command(0, 0, 300, 0), 2),
        (Command(0, 0, 0, 999), 3),
        (Command(0, 0, 0, 0, bytes(256)), 4),
        (Command(0, 0, 0, 0, ne=257), 4),
        (Command(0, 0, 0, 0, b"ab", 257), 7),
        (Command(0, 0, 0, 0, b"ab", -1), 7),
        (Command(0, 0, 0, 0, bytes(65536), extended=True), 4),
        (Command(0, 0, 0, 0, ne=65537, extended=True), 4),
        (Command(0, 0, 0, 0, b"ab", 65537, extended=True), 9),
    ],
)
def test_a_command_that_no_bytes_can_express(command: Command, offset: int) -> None:
    with pytest.raises(ApduError) as error:
        command.to_bytes()
    assert error.value.offset == offset


@st.composite
def commands(draw: st.DrawFn) -> Command:
    header = draw(st.tuples(BYTE, BYTE, BYTE, BYTE))
    extended = draw(st.booleans())
    data = draw(st.binary(max_size=600 if extended else 255))
    ne = draw(st.integers(0, 65536 if extended else 256))
    return Command(*header, data, ne, extended and bool(data or ne))


@given(commands())
def test_parse_undoes_format(command: Command) -> None:
    assert Command.parse(command.to_bytes()) == command


@given(
    st.binary(max_size=300)
    | st.builds(lambda head, rest: head + b"\0" + rest, st.binary(min_size=4, max_size=4), st.binary())
)
@example(bytes(7))
def test_parsing_is_total_and_loses_nothing(raw: bytes) -> None:
    command, offset = attempt(Command.parse, raw)
    assert 0 <= offset <= len(raw)
    assert command is None or command.to_bytes() == raw


def test_a_response_is_data_and_status_word() -> None:
    response = Response.parse(bytes.fromhex("6F02840061189000"))
    assert response == Response(bytes.fromhex("6F0284006118"), 0x9000)
    assert (Response(b"", 0x63C5).sw1, Response(b"", 0x63C5).sw2) == (0x63, 0xC5)
    assert Response(b"\x01", 0x6A82).to_bytes() == bytes.fromhex("016A82")
    for word in (-1, 0x10000):
        with pytest.raises(ApduError, match="two bytes"):
            Response(b"", word).to_bytes()


@given(st.binary(max_size=300))
def test_a_response_needs_two_bytes(raw: bytes) -> None:
    response, offset = attempt(Response.parse, raw)
    if len(raw) < 2:
        assert (response, offset) == (None, len(raw))
    else:
        assert response is not None
        assert response.to_bytes() == raw
