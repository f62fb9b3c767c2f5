"""Selection, initiation, records and data objects: rows SEL, GPO, RDR and GDT of the requirements."""

import pytest

from emulator.cos.structure import DirectoryState
from emulator.iso7816 import tlv
from profiles import load

from .terminal import AID, QUIET, SELECT, TC, Terminal, profile, several

PSE, PPSE = "315041592E5359532E4444463031", "325041592E5359532E4444463031"


def select(name: str, p2: int = 0) -> str:
    return f"00A404{p2:02X}{len(name) // 2:02X}{name}00"


def test_file_control_information(card):
    answer = bytes.fromhex(card.select())[:-2]
    fci = tlv.parse(answer)[0]
    assert fci.tag == 0x6F
    assert fci.find(0x84).value.hex().upper() == AID
    assert [item.tag for item in fci.find(0xA5).children] == [0x50, 0x87, 0x9F38, 0x5F2D, 0xBF0C]
    assert fci.find(0xA5, 0xBF0C, 0x9F4D).value == b"\x0b\x0a"
    assert fci.find(0xA5, 0xBF0C, 0xDF4D).value == b"\x0c\x0a"


def test_a_partial_name_finds_the_whole_one(card):
    assert card.send(select(AID[:10])) == card.select()
    assert card.send(select(AID[:10], 2)) == "6A82"


def test_next_walks_every_application_once():
    terminal = Terminal(several())
    found = [terminal.send(select(AID[:10]))]
    while (answer := terminal.send(select(AID[:10], 2))) != "6A82":
        found.append(answer)
    names = [tlv.parse(bytes.fromhex(answer[:-4]))[0].find(0x84).value.hex().upper() for answer in found]
    assert names == [AID, AID[:-2] + "0299", AID[:-2] + "0399"]


@pytest.mark.parametrize("command", ["80CA9F3600", "00B2010C00"])
def test_next_comes_straight_after_a_selection(command):
    terminal = Terminal(several())
    terminal.send(select(AID[:10]))
    terminal.send(command)
    assert terminal.send(select(AID[:10], 2)) == "6A82"


def test_unknown_names_and_a_card_without_contactless_environment(card):
    assert card.send(select("A000000333010199")) == "6A82"
    assert card.send(select(PPSE)) == "6A82"


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("00A4040004A000000300", "6700"),
        ("00A4040011" + "A0" * 17 + "00", "6700"),
        ("00A4040108" + AID + "00", "6A86"),
        ("00A40000023F0000", "6A86"),
    ],
)
def test_malformed_selection(card, command, sw):
    assert card.send(command) == sw


def test_environment_and_its_directory(card):
    fci = tlv.parse(bytes.fromhex(card.send(select(PSE)))[:-2])[0]
    assert fci.find(0xA5, 0x88).value == b"\1"
    entry = tlv.parse(bytes.fromhex(card.send("00B2010C00"))[:-2])[0]
    assert (entry.tag, entry.find(0x61, 0x4F).value.hex().upper()) == (0x70, AID)
    assert entry.find(0x61, 0x50).value == b"PBOC DEBIT"
    assert card.send("00B2020C00") == "6A83"
    assert card.send("80A8000002830000") == "6985"


def test_before_any_selection():
    terminal = Terminal(profile())
    assert terminal.send("80A8000002830000") == "6985"
    assert terminal.send("80AE40000100") == "6985"


def test_selection_ends_the_transaction(card):
    card.start()
    card.select()
    assert card.first().sw == "6985"
    card.start()
    card.power_off()
    assert card.first().sw == "6985"


def test_a_blocked_application_answers_with_a_warning(card):
    fci = card.select()
    card.card.memory.commit({"directory:DEBIT": DirectoryState.BLOCKED})
    assert card.select() == fci[:-4] + "6283"
    assert card.send(SELECT[:-2]) == "6283"
    assert card.send("00C00000" + "00") == fci
    assert card.start().endswith("9000")
    assert card.data("9F36") == "0001"
    assert card.send("00B2010C00").endswith("9000")
    assert card.first(TC).kind == 0


# Initiation


def test_initiation_counts_and_answers_format_1(card):
    assert card.data("9F36") == "0000"
    assert card.start() == "80167D00" + "08010100" + "08030300" + "10010500" + "18010201" + "20010100" + "9000"
    assert card.data("9F36") == "0001"


def test_without_pdol_the_template_is_empty():
    terminal = Terminal(profile(data={**QUIET, "9F38": None}))
    terminal.select()
    assert terminal.send("80A8000002830000").endswith("9000")


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("80A801000B8309000000000001000156", "6A86"),
        ("80A800000B8409000000000001000156", "6A80"),
        ("80A800000A83090000000000010001", "6700"),
        ("80A800000C83090000000000010001560000", "6700"),
        ("80A80000028300", "6700"),
        ("80A8000001" + "83", "6700"),
    ],
)
def test_malformed_initiation_spends_no_counter(card, command, sw):
    assert card.send(command) == sw
    assert card.data("9F36") == "0000"


def test_the_last_counter_blocks_for_good(card):
    card.poke("9F36", "FFFD")
    assert card.start().endswith("9000")
    assert card.start() == "6985"
    assert card.data("9F36") == "FFFF"
    assert card.start() == "6985"
    assert card.select().endswith("6283")
    assert card.start() == "6985"


@pytest.mark.parametrize(("counts", "counter"), [(False, "0000"), (True, "0001")])
def test_conditions_of_the_issuer(make, counts, counter):
    payment = {"allowed": {"5F2A": ["0156"]}, "settings": {"refused_start_counts": counts}}
    card = make(payment=payment)
    assert card.start(currency="0840") == "6985"
    assert card.data("9F36") == counter
    assert card.start(currency="0156").endswith("9000")


# Records


@pytest.mark.parametrize("product", ["debit", "debit-sm"])
def test_listed_records_are_templates_without_repeated_tags(product):
    terminal = Terminal(load(product))
    terminal.select()
    start = terminal.start(e_cash=True)
    afl = bytes.fromhex(start)[4:-2]
    tags = []
    for position in range(0, len(afl), 4):
        sfi, first, last, _ = afl[position : position + 4]
        for number in range(first, last + 1):
            record = tlv.parse(bytes.fromhex(terminal.send(f"00B2{number:02X}{sfi | 4:02X}00"))[:-2])
            assert [item.tag for item in record] == [0x70]
            tags += [item.tag for item in record[0].children]
    assert len(tags) == len(set(tags))
    assert {0x57, 0x5A, 0x5F24, 0x8C, 0x8D, 0x9F08, 0x9F74, 0x90, 0x93, 0x9F46} <= set(tags)


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("00B2020C00", "6A83"),
        ("00B2040C00", "6A83"),
        ("00B2000C00", "6A83"),
        ("00B2014C00", "6A82"),
        ("00B2010D00", "6A86"),
        ("00B2015C00", "6A83"),
        ("00B2010C05", "6C38"),
    ],
)
def test_records_that_cannot_be_read(card, command, sw):
    assert card.send(command) == sw


# Data objects


def test_data_objects_of_an_ordinary_device(card):
    assert card.data("9F36") == "0000"
    assert card.data("9F13") == "0001"
    assert card.data("9F17") == "03"
    assert card.data("9F79") == "000000020000"
    assert card.data("9F6D") == "000000001000"
    assert card.data("9F4F") is not None
    assert card.data("DF4F") is not None


def test_data_objects_of_a_special_device(make):
    special = ("9F51", "9F52", "9F56", "9F57", "9F77", "9F78")
    ordinary = make()
    assert all(ordinary.send(f"80CA{tag}00") == "6A88" for tag in special)
    shown = make(payment={"settings": {"special_device": True}})
    assert all(shown.data(tag) for tag in special)
    assert make(payment={"settings": {"e_cash_limits_readable": True}}).data("9F77") == "000000100000"


def test_private_counters_are_refused(make):
    card = make(payment={"settings": {"last_online_atc_readable": False, "pin_tries_readable": False}})
    assert card.send("80CA9F1300") == card.send("80CA9F1700") == "6A88"


EXTENDED = (0xDF61, 0xDF62, 0xDF63)


def test_nothing_else_can_be_read(card):
    readable = {tag for tag in range(0x10000) if not card.send(f"80CA{tag:04X}00").startswith("6A88")}
    assert readable == {0x9F36, 0x9F13, 0x9F17, 0x9F4F, 0x9F79, 0x9F6D, 0xDF4F, 0xDF71, 0xDF79, 0x9F5D, *EXTENDED}


def test_available_amount_only_where_personalised(make):
    assert make({"9F5D": None}).data("9F5D") is None
    assert make({"9F5D": "01"}).data("9F5D") == "000000020000"
    total = make({"9F5D": "01", "9F68": "20000000", "9F54": "000000005000"})
    assert total.data("9F5D") == "000000025000"
    total.offline(TC, amount=600)
    assert total.data("9F5D") == "000000024400"


def test_reading_no_tries_shows_in_the_results(card):
    card.lose_pin_tries()
    card.poke("9F13", "0000")
    card.data("9F17")
    card.start()
    card.verify("000000")
    assert card.data("9F17") == "00"
    assert card.first().cvr == "03A65000"
