"""Candidate lists and the final choice, with cards that have several applications (JR/T 0025.6 §7.2)."""

from dataclasses import replace

import pytest

from conformance.actors.terminal import DEFAULT_CONFIGURATION, Kernel, PreparedHolder, Purchase, Reason
from conformance.actors.terminal.events import ApplicationSelected, Exchanged
from emulator.iso7816 import tlv

DEBIT, CREDIT, LONG = "A000000333010101", "A000000333010102", "A00000033301010199"
PSE = b"1PAY.SYS.DDF01"


class Menu:
    """A card with applications (name, priority, status word of SELECT); every GET PROCESSING OPTIONS is ``6985``."""

    def __init__(self, *applications, directory=None):
        self.applications = [(bytes.fromhex(name), bytes((priority,)), sw) for name, priority, sw in applications]
        self.directory, self.turn = directory, {}

    def transmit(self, command):
        if command[1] == 0xA4:
            return self.select(command[5 : 5 + command[4]], command[3])
        if command[1] == 0xB2 and self.directory and command[2] <= len(self.directory):
            return self.directory[command[2] - 1] + b"\x90\x00"
        return b"\x6a\x83" if command[1] == 0xB2 else b"\x69\x85"

    def select(self, name, occurrence):
        if name == PSE:
            if self.directory is None:
                return b"\x6a\x82"
            return self.fci(PSE, tlv.build(0x88, b"\x01")) + b"\x90\x00"
        found = [each for each in self.applications if each[0].startswith(name)]
        at = self.turn[name] = self.turn.get(name, 0) + 1 if occurrence == 2 else 0
        if at >= len(found):
            return b"\x6a\x82"
        full, priority, sw = found[at]
        return self.fci(full, tlv.build(0x50, b"APP"), tlv.build(0x87, priority)) + sw.to_bytes(2, "big")

    @staticmethod
    def fci(name, *objects):
        return tlv.build(0x6F, tlv.build(0x84, name), tlv.build(0xA5, *objects))


def entry(aid, priority=None):
    parts = [tlv.build(0x4F, bytes.fromhex(aid)), tlv.build(0x50, b"APP")]
    return tlv.build(0x61, *parts, *([tlv.build(0x87, bytes((priority,)))] if priority is not None else []))


def tried(card, holder=None, **configuration):
    """The names that were finally selected, in order, and the result."""
    terminal = replace(DEFAULT_CONFIGURATION, **configuration)
    result = Kernel(card, terminal, holder=holder).run(Purchase(100))
    return [event.aid.hex().upper() for event in result.events if isinstance(event, ApplicationSelected)], result


@pytest.mark.requirement("PAY-TRM-004")
def test_order_of_priority_without_priority_last():
    card = Menu((DEBIT, 0, 0x9000), (CREDIT, 2, 0x9000), ("A000000333010103", 1, 0x9000))
    names, result = tried(card)
    assert names == ["A000000333010103", CREDIT, DEBIT]
    assert result.reason is Reason.NO_APPLICATION


@pytest.mark.parametrize("agrees", [True, False])
def test_application_that_asks_the_holder(agrees):
    card = Menu((DEBIT, 0x81, 0x9000), (CREDIT, 0x02, 0x9000))
    assert tried(card, PreparedHolder(agrees=agrees))[0] == ([DEBIT] if agrees else []) + [CREDIT]


def test_directory_spares_the_list():
    card = Menu((DEBIT, 1, 0x9000), (CREDIT, 2, 0x9000), directory=[tlv.build(0x70, entry(CREDIT, 1))])
    names, result = tried(card)
    assert names == [CREDIT]
    selects = [event.command for event in result.events if isinstance(event, Exchanged) and event.command[1] == 0xA4]
    assert [command[5 : 5 + command[4]] for command in selects] == [PSE, bytes.fromhex(CREDIT)]


@pytest.mark.requirement("PAY-TRM-001")
@pytest.mark.parametrize(
    "directory",
    [
        [],
        [b"\x70\x05\x61"],
        [tlv.build(0x61, b"")],
        [tlv.build(0x70, entry(CREDIT)), b"\x00"],
        [tlv.build(0x70, entry("A0000003334444"))],
        [tlv.build(0x70, tlv.build(0x61, tlv.build(0x4F, b"\xa0")))],
    ],
)
def test_useless_directory_leads_to_the_list(directory):
    assert tried(Menu((DEBIT, 1, 0x9000), (CREDIT, 2, 0x9000), directory=directory))[0] == [DEBIT, CREDIT]


def test_several_entries_in_a_record_and_several_records():
    directory = [tlv.build(0x70, entry(DEBIT, 3) + entry(CREDIT, 1)), tlv.build(0x70, entry(LONG, 2))]
    card = Menu((DEBIT, 0, 0x9000), (CREDIT, 0, 0x9000), (LONG, 0, 0x9000), directory=directory)
    assert tried(card)[0][:2] == [CREDIT, LONG]


@pytest.mark.requirement("PAY-TRM-002", "PAY-TRM-003")
def test_longer_names_are_found_by_the_next_occurrence():
    (parameters, *_) = DEFAULT_CONFIGURATION.applications
    prefix = (replace(parameters, aid=bytes.fromhex("A0000003330101"), partial=True),)
    card = Menu((LONG, 1, 0x9000), (CREDIT, 2, 0x6283), ("A000000333010106", 3, 0x9000))
    assert tried(card, applications=prefix)[0] == [LONG, "A000000333010106"]
    whole = (replace(prefix[0], partial=False),)
    assert tried(Menu((LONG, 1, 0x9000)), applications=whole)[0] == []


@pytest.mark.requirement("PAY-TRM-002")
@pytest.mark.parametrize(("special", "found"), [(False, [CREDIT]), (True, [DEBIT, CREDIT])])
def test_blocked_application_is_for_special_devices(special, found):
    card = Menu((DEBIT, 1, 0x6283), (CREDIT, 2, 0x9000))
    assert tried(card, special_device=special)[0] == found


@pytest.mark.requirement("PAY-TRM-001")
@pytest.mark.parametrize("where", [0, 1])
def test_blocked_card_ends_it(where):
    card = Menu((DEBIT, 1, 0x6A81))
    if where:
        card.directory = [tlv.build(0x70, entry(DEBIT))]
    assert tried(card)[1].reason is Reason.CARD_BLOCKED


def test_card_that_never_runs_out_of_applications():
    class Endless(Menu):
        def select(self, name, occurrence):
            if name == PSE:
                return b"\x6a\x82"
            return self.fci(name + b"\x01", tlv.build(0x50, b"APP")) + b"\x90\x00"

    result = tried(Endless())[1]
    assert result.reason is Reason.NO_APPLICATION
    assert len(result.events) < 2000
