"""The link between a card and vpcd, with the reader's end in the test's hands."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.links.card import NullCard
from emulator.links.vpcd import LinkError, LinkEvent, VpcdLink, tcp_connector
from tests.links.fake import ATR, SECONDS, FakeReader, RecordingCard, Witness

OFF, ON, RESET, WANT_ATR = (bytes([control]) for control in (0, 1, 2, 4))
SELECT = bytes.fromhex("00A40000023F00")


@pytest.fixture
def reader() -> Iterator[FakeReader]:
    with FakeReader() as listening:
        yield listening


@pytest.fixture
def card() -> RecordingCard:
    return RecordingCard()


@pytest.fixture
def witness() -> Witness:
    return Witness()


def make(card: Any, reader: FakeReader, **options: Any) -> VpcdLink:
    return VpcdLink(card, tcp_connector(reader.port), where=f"port {reader.port}", **options)


@pytest.fixture
def link(card: RecordingCard, reader: FakeReader, witness: Witness) -> Iterator[VpcdLink]:
    with make(card, reader, on_event=witness) as running:
        reader.accept()
        yield running


def test_insertion_as_pcscd_does_it(link: VpcdLink, reader: FakeReader, card: RecordingCard) -> None:
    reader.send(WANT_ATR)
    assert reader.receive() == ATR
    assert card.events == ["cold", "off"]  # the ATR is asked for before there is power
    reader.send(ON, WANT_ATR, SELECT)
    assert reader.receive() == ATR
    assert reader.receive() == SELECT[::-1] + b"\x90\x00"
    link.wait_until_powered()
    assert card.events[2:] == ["cold", SELECT]


def test_looks_for_the_card_do_not_disturb_it(link: VpcdLink, reader: FakeReader, card: RecordingCard) -> None:
    reader.send(ON, WANT_ATR, SELECT, WANT_ATR, WANT_ATR, SELECT)
    answer = SELECT[::-1] + b"\x90\x00"
    assert [reader.receive() for _ in range(5)] == [ATR, answer, ATR, ATR, answer]
    assert card.events == ["cold", SELECT, SELECT]


def test_each_control_byte_has_its_effect_and_only_04_an_answer(
    link: VpcdLink, reader: FakeReader, card: RecordingCard
) -> None:
    reader.send(ON, RESET, OFF, ON, WANT_ATR)
    assert reader.receive() == ATR
    assert card.events == ["cold", "warm", "off", "cold"]


def test_message_may_come_byte_by_byte(link: VpcdLink, reader: FakeReader) -> None:
    for byte in b"\x00\x01\x04" + b"\x00\x07" + SELECT:
        reader.send_raw(bytes([byte]))
    assert reader.receive() == ATR
    assert reader.receive() == SELECT[::-1] + b"\x90\x00"


def test_longest_response(link: VpcdLink, reader: FakeReader) -> None:
    command = bytes(range(256)) * 255 + bytes(253)
    reader.send(command)
    response = reader.receive()
    assert response == command[::-1] + b"\x90\x00"
    assert len(response) == 0xFFFF


def test_response_too_long_for_a_message_becomes_6f00(reader: FakeReader) -> None:
    with make(NullCard(bytes(0x10000) + b"\x90\x00"), reader):
        reader.accept().send(SELECT)
        assert reader.receive() == b"\x6f\x00"


@pytest.mark.parametrize("byte", [3, 5, 0x80, 0xFF])
def test_one_byte_that_controls_nothing_is_a_command(
    link: VpcdLink, reader: FakeReader, card: RecordingCard, byte: int
) -> None:
    reader.send(bytes([byte]))
    assert reader.receive() == bytes([byte]) + b"\x90\x00"
    assert card.events == [bytes([byte])]


def test_empty_message_harms_nobody(link: VpcdLink, reader: FakeReader, card: RecordingCard) -> None:
    reader.send(b"", SELECT, b"")
    assert reader.receive() == SELECT[::-1] + b"\x90\x00"
    assert card.events == [SELECT]


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_any_messages_are_answered_as_the_protocol_says(bodies: list[bytes]) -> None:
    awaited = [
        ATR if body == WANT_ATR else body[::-1] + b"\x90\x00" for body in bodies if body not in (b"", OFF, ON, RESET)
    ]
    with FakeReader() as reader, make(RecordingCard(), reader):
        reader.accept().send(*bodies)
        assert [reader.receive() for _ in awaited] == awaited


def test_every_receive_is_preceded_by_a_quick_acknowledgement(reader: FakeReader) -> None:
    calls: list[object] = []

    class Spy(socket.socket):
        def setsockopt(self, *arguments: Any) -> None:
            calls.append(arguments)
            super().setsockopt(*arguments)

        def recv(self, *arguments: Any) -> bytes:
            calls.append("recv")
            return super().recv(*arguments)

    def connect() -> socket.socket:
        spy = Spy(socket.AF_INET, socket.SOCK_STREAM)
        spy.connect(("127.0.0.1", reader.port))
        return spy

    with VpcdLink(NullCard(), connect):
        reader.accept()
        for _ in range(3):
            reader.send(SELECT)
            assert reader.receive() == b"\x90\x00"
    receives = [index for index, call in enumerate(calls) if call == "recv"]
    assert len(receives) >= 3
    assert all(calls[index - 1] == (socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1) for index in receives)
    assert (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1) in calls


def test_exchanges_and_resets_are_observed(reader: FakeReader, card: RecordingCard) -> None:
    exchanges, resets = Witness(), Witness()
    with make(card, reader, on_exchange=exchanges, on_reset=resets):
        reader.accept().send(WANT_ATR, ON, WANT_ATR, SELECT, RESET, OFF, b"\x05")
        assert [reader.receive() for _ in range(4)][-1] == b"\x05\x90\x00"
    assert resets.told == [("cold", ATR), ("warm", ATR), ("off", b"")]
    assert [told[:2] for told in exchanges.told] == [(SELECT, SELECT[::-1] + b"\x90\x00"), (b"\x05", b"\x05\x90\x00")]
    assert all(isinstance(told[2], float) and 0 <= told[2] < SECONDS for told in exchanges.told)


def test_nothing_listens_is_said_clearly() -> None:
    with FakeReader() as gone:
        port = gone.port
    link = VpcdLink(NullCard(), tcp_connector(port), where=f"port {port}")
    with pytest.raises(LinkError, match=f"Nothing listens on port {port}: is pcscd running with vpcd"):
        link.start()
    with pytest.raises(LinkError, match="Nothing listens"):
        link.run()


def test_card_comes_back_when_the_reader_does(
    link: VpcdLink, reader: FakeReader, card: RecordingCard, witness: Witness
) -> None:
    reader.send(ON, WANT_ATR)
    assert reader.receive() == ATR
    reader.close()
    witness.wait_for(LinkEvent.LOST)
    with FakeReader(reader.port) as again:
        again.accept().send(WANT_ATR, SELECT)
        assert again.receive() == ATR
        assert again.receive() == SELECT[::-1] + b"\x90\x00"
    assert witness.kinds()[:3] == [LinkEvent.INSERTED, LinkEvent.LOST, LinkEvent.INSERTED]
    assert "off" in card.events


def test_remove_and_insert(link: VpcdLink, reader: FakeReader, card: RecordingCard, witness: Witness) -> None:
    reader.send(ON, WANT_ATR)
    assert reader.receive() == ATR
    link.remove()
    assert reader.ended()
    witness.wait_for(LinkEvent.REMOVED)
    assert card.events == ["cold", "off"]
    link.insert()
    reader.accept().send(WANT_ATR)
    assert reader.receive() == ATR
    witness.wait_for(LinkEvent.INSERTED, 2)


def test_another_card_can_take_the_place(link: VpcdLink, reader: FakeReader) -> None:
    with pytest.raises(LinkError, match="There is a card in the slot"):
        link.insert(NullCard())
    link.remove()
    link.insert(NullCard(atr=b"\x3b\x00"))
    reader.accept().send(WANT_ATR, SELECT)
    assert (reader.receive(), reader.receive()) == (b"\x3b\x00", b"\x90\x00")


def test_removal_in_the_middle_of_a_command_loses_the_response(
    link: VpcdLink, reader: FakeReader, card: RecordingCard
) -> None:
    card.on_transmit = link.remove
    reader.send(SELECT)
    with pytest.raises(ConnectionResetError):
        reader.receive()
    assert card.events == [SELECT] or card.events == [SELECT, "off"]


def test_torn_card_breaks_the_line_as_an_error_and_comes_back(
    link: VpcdLink, reader: FakeReader, card: RecordingCard, witness: Witness
) -> None:
    card.gone_at = SELECT
    reader.send(ON, SELECT)
    with pytest.raises(ConnectionResetError):
        reader.receive()  # a length was announced: vpcd reads on, and fails
    reader.accept().send(WANT_ATR, ON, WANT_ATR)
    assert (reader.receive(), reader.receive()) == (ATR, ATR)
    witness.wait_for(LinkEvent.INSERTED, 2)
    assert witness.kinds() == [LinkEvent.INSERTED, LinkEvent.TORN, LinkEvent.INSERTED]
    assert card.events == ["cold", SELECT, "cold"]


def test_torn_card_is_in_the_queue_of_the_slot_before_the_line_breaks(reader: FakeReader, card: RecordingCard) -> None:
    """A look of pcscd into an empty slot would make an insertion of the next one, and reset the card in mid-session."""
    standing: list[bool] = []

    def connect() -> socket.socket:
        if reader.line:
            reader.line.setblocking(False)
            try:
                standing.append(reader.line.recv(1) != b"")
            except BlockingIOError:
                standing.append(True)
            except ConnectionResetError:
                standing.append(False)
            reader.line.settimeout(SECONDS)
        return socket.create_connection(("127.0.0.1", reader.port), SECONDS)

    card.gone_at = SELECT
    with VpcdLink(card, connect):
        reader.accept().send(ON, SELECT)
        with pytest.raises(ConnectionResetError):
            reader.receive()
        reader.accept().send(WANT_ATR)
        assert reader.receive() == ATR
    assert standing == [True]


def test_other_exceptions_may_mean_the_loss_of_power(reader: FakeReader, card: RecordingCard, witness: Witness) -> None:
    class Torn(Exception):
        pass

    def lose() -> None:
        raise Torn

    card.on_transmit = lose
    with make(card, reader, gone=(Torn,), on_event=witness):
        reader.accept().send(SELECT)
        witness.wait_for(LinkEvent.TORN)


def test_silent_reader_is_left_and_tried_again(reader: FakeReader, card: RecordingCard, witness: Witness) -> None:
    with make(card, reader, silence=0.05, on_event=witness):
        reader.accept().send(ON)
        assert reader.ended()
        reader.accept()
        assert reader.ended()
        witness.wait_for(LinkEvent.SILENT, 2)
    words = [str(told[1]) for told in witness.told if told[0] is LinkEvent.SILENT]
    assert "vpcd waits in vain" in words[0]
    assert "is another one in this slot" in words[1]


def test_waiting_for_power_ends_with_a_sentence(link: VpcdLink) -> None:
    with pytest.raises(LinkError, match=r"did not take the card within 0\.01 seconds: is another card in this slot"):
        link.wait_until_powered(0.01)


def test_stop_from_another_thread_ends_run(reader: FakeReader, card: RecordingCard, witness: Witness) -> None:
    link = make(card, reader, on_event=witness)
    running = threading.Thread(target=link.run)
    running.start()
    reader.accept().send(WANT_ATR)
    assert reader.receive() == ATR
    link.stop()
    running.join(SECONDS)
    assert not running.is_alive()
    assert witness.kinds()[-1] is LinkEvent.STOPPED
    assert card.events[-1] == "off"


def before_connecting(link: VpcdLink, reader: FakeReader) -> None:
    reader.close()


def after_removal(link: VpcdLink, reader: FakeReader) -> None:
    link.remove()


@pytest.mark.parametrize("situation", [before_connecting, after_removal])
def test_stop_ends_every_kind_of_waiting(
    link: VpcdLink, reader: FakeReader, situation: Callable[[VpcdLink, FakeReader], None]
) -> None:
    situation(link, reader)
    link.stop()
    assert not any(thread.name == "vpcd link" and thread.is_alive() for thread in threading.enumerate())
    with pytest.raises(LinkError, match="was started before"):
        link.start()


def test_ctrl_c_ends_run_without_a_traceback(reader: FakeReader) -> None:
    program = (
        "import sys; from emulator.links.card import NullCard; from emulator.links.vpcd import *\n"
        f"VpcdLink(NullCard(), tcp_connector({reader.port}), on_event=print).run()"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    reader.accept().send(WANT_ATR)
    assert reader.receive() == NullCard.DEFAULT_ATR
    os.kill(child.pid, signal.SIGINT)
    output, errors = child.communicate(timeout=SECONDS)
    assert (child.returncode, errors) == (0, "")
    assert "the card is out" in output


class ShyCard(RecordingCard):
    """Is in the field or not."""

    is_reachable = True


def test_a_card_that_left_the_field_is_gone_for_the_reader_until_it_is_back(reader: FakeReader) -> None:
    card = ShyCard()
    with make(card, reader):
        reader.accept().send(WANT_ATR)
        assert reader.receive() == ATR
        card.is_reachable = False
        reader.send(WANT_ATR)
        assert reader.ended()
        reader.server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            reader.accept()
        card.is_reachable = True
        reader.server.settimeout(SECONDS)
        reader.accept().send(WANT_ATR)
        assert reader.receive() == ATR


def test_a_card_out_of_the_field_can_be_taken_out_for_good(reader: FakeReader) -> None:
    card = ShyCard()
    link = make(card, reader).start()
    card.is_reachable = False
    reader.accept().send(WANT_ATR)
    assert reader.ended()
    link.stop()
    assert card.events[-1] == "off"
