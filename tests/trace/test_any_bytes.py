"""Whatever a card or a program sends: nothing raises, no byte is lost, nothing can disturb a terminal."""

import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from reports.trace import Decoded, Decoder, Field, Octets
from reports.trace.text import format_exchange, renderable
from tests.trace.reading import SELECT_SSSE, profile, walk

SSC = profile()
INSTRUCTIONS = [0x20, 0x24, 0x5E, 0x82, 0x84, 0x88, 0xA4, 0xB0, 0xB2, 0xC0, 0xD4, 0xD6, 0xDC, 0xE0, 0xE2, 0x28, 0x2C]
likely = st.builds(
    lambda cla, ins, p1, p2, data, le: bytes((cla, ins, p1, p2)) + (bytes((len(data),)) + data if data else b"") + le,
    st.sampled_from([0x00, 0x04, 0x80, 0x84, 0xB0]),
    st.sampled_from(INSTRUCTIONS),
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=40) | st.sampled_from([d.aid for d in SSC.directory.values() if d.aid]),
    st.binary(max_size=1),
)
commands = likely | st.binary(max_size=300)
words = st.sampled_from([0x9000, 0x6105, 0x6C05, 0x6283, 0x63C2, 0x6982]) | st.integers(0, 0xFFFF)
answers = st.builds(lambda data, sw: data + sw.to_bytes(2), st.binary(max_size=120), words) | st.binary(max_size=3)
sessions = st.lists(st.tuples(commands, answers), min_size=1, max_size=8)


def covered(fields: tuple[Field, ...], start: int, stop: int) -> bool:
    """Whether the fields lie in order inside the bytes and hold the whole of their children."""
    position = start
    for field in fields:
        if not position <= field.start <= field.stop <= stop or not covered(field.children, field.start, field.stop):
            return False
        position = field.stop
    return True


def check(decoded: Decoded) -> None:
    sent, received = len(decoded.command), len(decoded.response)
    assert covered(decoded.fields, 0, sent)
    assert covered(decoded.answer, 0, decoded.answer_offset + max(received - 2, 0))
    assert all(0 <= start <= stop <= sent for start, stop in decoded.command_secrets)
    assert all(0 <= start <= stop <= received for start, stop in decoded.response_secrets)
    for field in walk(decoded.fields + decoded.answer):
        assert len(field.raw) == 2 * (field.stop - field.start)
    for masked in (True, False):
        text = format_exchange(decoded, 1, 0.001, masked)
        assert all(unicodedata.category(c)[0] != "C" for c in text.replace("\n", ""))
        assert renderable(decoded, 1, 0.001, masked).plain == text


@given(sessions)
@example([(bytes.fromhex(SELECT_SSSE), b"\x61\xff"), (bytes.fromhex("00C00000FF"), b"\x6f\x84\xff\xff\xff\xff" * 9)])
def test_any_session_is_decoded(session: list[tuple[bytes, bytes]]) -> None:
    for card in (Decoder(SSC), Decoder(None)):
        card.reset(session[0][1])
        for command, response in session:
            decoded = card.exchange(command, response)
            assert decoded.command.value == command
            assert decoded.response.value == response
            check(decoded)


@given(
    st.lists(st.tuples(st.text(alphabet="0123456789ABCDEFX RESETPOWN", max_size=40), st.text(max_size=20)), max_size=6)
)
def test_any_text_is_decoded(session: list[tuple[str, str]]) -> None:
    card = Decoder(SSC)
    for command, response in session:
        check(card.exchange(command, response))


@given(sessions, st.data())
def test_any_bytes_may_be_unknown(session: list[tuple[bytes, bytes]], data: st.DataObject) -> None:
    card = Decoder(SSC)
    for sent, received in session:
        command, response = (
            Octets(raw, frozenset(data.draw(st.sets(st.integers(0, len(raw) - 1)))) if raw else frozenset())
            for raw in (sent, received)
        )
        check(card.exchange(command, response))


@given(sessions)
def test_following_without_describing_leads_to_the_same_state(session: list[tuple[bytes, bytes]]) -> None:
    described, followed = Decoder(SSC), Decoder(SSC)
    for command, response in session:
        described.exchange(command.hex(), response.hex())
        followed.skip(command.hex(), response.hex())
    last = ("00C0000000", "6F009000")
    assert described.exchange(*last) == followed.exchange(*last)
