"""A card as PC/SC programs see it, through the real pcscd and vpcd."""

import subprocess
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from smartcard import scard
from smartcard.System import readers

from emulator.links.benchmark import exchanges_per_second
from emulator.links.card import NullCard
from emulator.links.stack import PrivateStack
from emulator.links.vpcd import LinkEvent
from tests.links.fake import ATR, RecordingCard, Witness
from tests.links.fixtures import PcscClient, PcscFailure

pytestmark = pytest.mark.pcsc

READ = bytes.fromhex("00B2010C00")
SECONDS = 10.0
NAME = "Virtual PCD 00 00"


def run(stack: PrivateStack, *command: str, text: str = "") -> str:
    done = subprocess.run(
        command, env=stack.environment(), input=text, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    return done.stdout + done.stderr


def test_pyscard_in_both_slots(stack: PrivateStack) -> None:
    with stack.link(NullCard(b"\x90\x00")).start(), stack.insert(NullCard(b"\x01\x02\x90\x00"), 1):
        client = PcscClient()
        for name in stack.reader_names:
            client.wait(name)
        seen = []
        for reader in readers():
            connection = reader.createConnection()
            connection.connect()
            seen.append((connection.getATR(), connection.transmit(list(READ))))
            connection.disconnect()
            connection.release()
        client.close()
    atr = list(NullCard.DEFAULT_ATR)
    assert seen == [(atr, ([], 0x90, 0)), (atr, ([1, 2], 0x90, 0))]


def test_pcsc_scan_shows_the_card(stack: PrivateStack, client: PcscClient) -> None:
    with stack.insert(NullCard(), 1):
        client.wait(stack.reader_names[1])
        shown = run(stack, "pcsc_scan", "-n", "-c")
    assert "Virtual PCD 00 01" in shown
    assert "3B 60 00 00" in shown


def test_scriptor_and_opensc_tool_exchange_commands(stack: PrivateStack, client: PcscClient) -> None:
    card = RecordingCard()
    with stack.insert(card):
        client.wait(NAME)
        scriptor = run(stack, "scriptor", "-r", NAME, "-p", "T=0", text="00 B2 01 0C 00\n")
        opensc = run(stack, "opensc-tool", "--reader", "0", "-s", "00B2020C00")
        atr = run(stack, "opensc-tool", "--reader", "0", "--atr")
    assert "< 00 0C 01 B2 00 90 00" in scriptor
    assert "Received (SW1=0x90, SW2=0x00):\n00 0C 02 B2 00" in opensc
    assert ATR.hex(":") in atr
    assert READ in card.events


def test_warm_and_cold_reset_reach_the_card(stack: PrivateStack, client: PcscClient) -> None:
    resets = Witness()
    with stack.insert(NullCard(), on_reset=resets):
        client.connect(NAME)
        resets.told.clear()
        client.reconnect(scard.SCARD_RESET_CARD)
        client.reconnect(scard.SCARD_UNPOWER_CARD)
    assert resets.kinds() == ["warm", "off", "cold"]


def test_any_command_of_two_bytes_or_more_comes_through(stack: PrivateStack, client: PcscClient) -> None:
    """Shorter ones are beyond vpcd: it takes a command of one byte for a control byte of its own."""
    with stack.insert(RecordingCard()):
        client.connect(NAME)

        @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
        @given(st.binary(min_size=2, max_size=600))
        def check(command: bytes) -> None:
            assert client.transmit(command) == command[::-1] + b"\x90\x00"

        check()


@pytest.mark.parametrize("length", [5, 255, 256, 261, 262, 4096, 65000, 65533])
def test_long_commands_and_responses(stack: PrivateStack, client: PcscClient, length: int) -> None:
    command = bytes(index % 251 for index in range(length))
    with stack.insert(RecordingCard()):
        assert client.connect(NAME).transmit(command) == command[::-1] + b"\x90\x00"


def test_command_beyond_the_protocol_is_an_error_after_which_all_is_well(
    stack: PrivateStack, client: PcscClient
) -> None:
    """65,536 bytes do not fit into vpcd's length: it drops the card, which comes back."""
    with stack.insert(NullCard()):
        client.connect(NAME)
        with pytest.raises(PcscFailure, match="Transaction failed"):
            client.transmit(bytes(65536))
        reconnect_in_time(client)
        assert client.transmit(READ) == b"\x90\x00"


def reconnect_in_time(client: PcscClient) -> None:
    """Reset the card as soon as the reader has it again."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            client.reconnect()
            return
        except PcscFailure as failure:
            if failure.code != scard.SCARD_E_NO_SMARTCARD & 0xFFFFFFFF or time.monotonic() > deadline:
                raise


def test_torn_card_is_an_error_for_the_client_and_back_after_a_reset(stack: PrivateStack, client: PcscClient) -> None:
    card, events = RecordingCard(), Witness()
    card.gone_at = READ
    with stack.insert(card, on_event=events):
        client.connect(NAME)
        for _ in range(3):
            card.events.clear()
            with pytest.raises(PcscFailure) as caught:
                client.transmit(READ)
            assert caught.value.code == scard.SCARD_E_NOT_TRANSACTED & 0xFFFFFFFF
            reconnect_in_time(client)
            assert client.transmit(READ[:4]) == READ[3::-1] + b"\x90\x00"
            assert card.events[0] == READ
            assert card.events[-1] == READ[:4]
    assert events.kinds().count(LinkEvent.TORN) == 3
    assert LinkEvent.LOST not in events.kinds()


def test_removal_and_insertion_are_seen(stack: PrivateStack, client: PcscClient) -> None:
    with stack.insert(NullCard()) as link:
        client.connect(NAME)
        link.remove()
        client.wait(NAME, present=False)
        with pytest.raises(PcscFailure) as caught:
            client.transmit(READ)
        assert caught.value.code == scard.SCARD_W_REMOVED_CARD & 0xFFFFFFFF
        link.insert(NullCard(b"\x6a\x82", bytes.fromhex("3B610000FF")))
        assert client.wait(NAME) == bytes.fromhex("3B610000FF")
        assert client.connect(NAME).transmit(READ) == b"\x6a\x82"


def test_card_pulled_while_it_works_is_an_error(stack: PrivateStack, client: PcscClient) -> None:
    card = RecordingCard()
    with stack.insert(card) as link:
        client.connect(NAME)
        card.on_transmit = link.remove
        with pytest.raises(PcscFailure) as caught:
            client.transmit(READ)
        assert caught.value.code == scard.SCARD_E_NOT_TRANSACTED & 0xFFFFFFFF


@pytest.mark.parametrize("byte", [0, 1, 2])
def test_command_of_one_control_byte_does_not_hang_the_slot_for_good(
    stack: PrivateStack, client: PcscClient, byte: int
) -> None:
    events = Witness()
    with stack.insert(NullCard(), silence=1.0, on_event=events):
        client.connect(NAME)
        assert client.transmit(bytes([byte])) == b""  # vpcd's way of saying that the card is gone
        reconnect_in_time(client)
        assert client.transmit(READ) == b"\x90\x00"
    assert LinkEvent.SILENT in events.kinds()


def test_second_card_waits_until_the_slot_is_free(stack: PrivateStack, client: PcscClient) -> None:
    events = Witness()
    with stack.insert(NullCard(b"\x90\x01")) as first:
        second = stack.link(NullCard(b"\x90\x02"), on_event=events, silence=1.0).start()
        events.wait_for(LinkEvent.SILENT)
        assert client.connect(NAME).transmit(READ) == b"\x90\x01"
        first.stop()
        second.wait_until_powered()
        assert client.connect(NAME).transmit(READ) == b"\x90\x02"
        second.stop()


def test_benchmark_measures_both_ways(stack: PrivateStack) -> None:
    card = RecordingCard()
    assert exchanges_per_second(stack, card, seconds=0.01) > 0
    assert set(card.events) == {"cold", "off", READ}
    assert exchanges_per_second(stack, slot=1, seconds=0.01, hurried=False) > 0


def test_slots_work_at_the_same_time(stack: PrivateStack) -> None:
    for slot in range(2):
        stack.link(RecordingCard(), slot).start()
    clients = [PcscClient().connect(name) for name in stack.reader_names]
    wrong: list[bytes] = []

    def work(client: PcscClient, mark: int) -> None:
        for number in range(300):
            command = bytes([0, mark, number >> 8, number & 0xFF])
            if client.transmit(command) != command[::-1] + b"\x90\x00":
                wrong.append(command)

    workers = [threading.Thread(target=work, args=(client, mark)) for mark, client in enumerate(clients)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(SECONDS)
    for client in clients:
        client.close()
    assert not wrong
