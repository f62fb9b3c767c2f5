"""The contactless interface: answer to reset, environments, T=CL, the choice of a path."""

import subprocess
import sys

import pytest

from emulator import load_card
from emulator.cos.memory import PowerLoss
from emulator.iso7816 import Atr, tlv

from .antenna import AAC, ARQC, TC, Antenna, antenna
from .terminal import AID, SELECT, Terminal, profile

PPSE, PSE = (f"00A404000E{name.encode().hex()}00" for name in ("2PAY.SYS.DDF01", "1PAY.SYS.DDF01"))


@pytest.fixture(params=["debit", "debit-sm"])
def card(request):
    return antenna(request.param)


def test_answer_to_reset(card):
    atr = Atr.parse(card.card.reset())
    assert atr.contactless_identity is not None
    assert atr.historical == card.profile.chip.historical
    assert atr.protocols == (0, 1)


def test_proximity_environment(card):
    """PPSE answers here and PSE on the contacts; the table of JR/T 0025.12 §6.4 is what the terminal walks."""
    (fci,) = tlv.parse(bytes.fromhex(card.send(PPSE))[:-2])
    assert tlv.find([fci], 0x6F, 0x84).value == b"2PAY.SYS.DDF01"
    entry = tlv.find([fci], 0x6F, 0xA5, 0xBF0C, 0x61)
    assert [(item.tag, item.value) for item in entry.children] == [
        (0x4F, bytes.fromhex(AID)),
        (0x50, b"PBOC DEBIT"),
        (0x87, b"\1"),
    ]
    assert card.send(PSE) == "6A82"
    contacts = card.contacts
    contacts.card.reset()
    assert contacts.send(PPSE) == "6A82"
    assert contacts.send(PSE).endswith("9000")


def test_every_interface_has_its_own_options(card):
    def pdol(answer):
        (fci,) = tlv.parse(bytes.fromhex(answer)[:-2])
        return tlv.find([fci], 0x6F, 0xA5, 0x9F38).value.hex().upper()

    assert "9F66" in pdol(card.select())
    card.contacts.card.reset()
    assert "9F66" not in pdol(card.contacts.select())


@pytest.mark.parametrize(
    "command", [SELECT[:-2], SELECT[:-2] + "05", "80CA9F3602", "80CA9F36", "00B2011C01", "00C0000010"]
)
def test_block_protocol_has_no_61xx_and_6cxx(card, command):
    assert card.send(command)[-4:-2] not in ("61", "6C")


def test_a_short_le_cuts_the_answer(card):
    assert card.send("80CA9F3602") == "9F369000"


def test_the_contacts_win(card):
    """While the contacts have power the field gets no answer (row PAY-QPB-052)."""
    card.contacts.card.reset()
    for speak in (card.card.reset, lambda: card.send(SELECT)):
        with pytest.raises(PowerLoss):
            speak()
    card.contacts.card.power_off()
    assert card.send("80CA9F3600") == "6985"
    assert card.select().endswith("9000")


def test_one_memory_for_both_interfaces(card):
    assert card.pay(100).kind == TC
    card.card.power_off()
    card.contacts.power_off()
    assert (card.contacts.data("9F36"), card.contacts.data("9F79")) == ("0001", "000000019900")
    assert card.card is card.contacts.card.contactless()


def test_an_image_keeps_what_was_paid(tmp_path):
    of = profile()
    for counter in ("0000", "0001"):
        terminal = Terminal(of)
        terminal.card = load_card(of, tmp_path / "debit.card")
        terminal.select()
        tapped = Antenna(terminal)
        assert tapped.data("9F36") == counter
        assert tapped.pay(100).kind == TC
        assert tapped.data("9F79") == f"{20000 - 100 * (int(counter) + 1):012d}"
        tapped.card.memory.close()


# The path (rows PAY-QPB-001, 002)


@pytest.mark.parametrize(
    ("ttq", "sw"), [("20000000", "9000"), ("00000000", "6985"), ("40000000", "6985"), ("60000000", "9000")]
)
def test_path(card, ttq, sw):
    assert card.tap(ttq=ttq).sw == sw
    assert card.data("9F36") == "0001"


BOTH = {"path": {"contactless": {"aip": "7C00", "afl": "08010100 08030300"}}}


@pytest.mark.parametrize(
    ("preference", "ttq", "quick"),
    [
        ("qPBOC", "40000000", False),
        ("qPBOC", "20000000", True),
        ("qPBOC", "60000000", True),
        ("debit and credit", "60000000", False),
        ("debit and credit", "20000000", True),
    ],
)
def test_path_of_a_card_that_has_both(preference, ttq, quick):
    card = antenna(payment={**BOTH, "settings": {"contactless_preference": preference}})
    tap = card.tap(ttq=ttq)
    assert tap.raw[0] == (0x77 if quick else 0x80)
    if not quick:
        assert card.first().kind == 0x80


def test_no_second_cryptogram_and_no_script(card):
    """A quick transaction has one cryptogram: nothing can be signed, asked or written after it (JR/T 0025.12 §7.1)."""
    tap = card.tap(ttq="27800080")
    assert tap.kind == ARQC
    card.first_ac = tap.objects[0x9F26]
    assert card.first().sw == "6985"
    assert card.authenticate() == "6985"
    assert card.send("0088000004A1B2C3D400") == "6985"
    assert card.script("04DA9F79", "000000099900") == "6985"
    assert card.data("9F79") == "000000020000"


def test_a_blocked_application_declines(card):
    card.card.memory.commit({"directory:DEBIT": 2})
    assert card.select().endswith("6283")
    assert card.tap().kind == AAC


def test_counter_at_its_end(card):
    """Row PAY-QPB-051."""
    card.poke("9F36", "FFFE")
    assert [card.tap().sw, card.tap().sw] == ["6985", "6985"]
    assert card.data("9F36") == "FFFF"


@pytest.mark.parametrize(("sm", "kind"), [("01", TC), ("00", "6985")])
def test_terminal_without_the_algorithms_of_the_card(sm, kind):
    assert antenna("debit-sm").tap(sm=sm).kind == kind


@pytest.mark.parametrize("data", ["", "83", "8300", "7701", "833800"])
def test_malformed_options(card, data):
    before = dict(card.card.memory.cells)
    assert card.send(f"80A80000{len(data) // 2:02X}{data}00" if data else "80A8000000") in ("6700", "6A80")
    assert card.card.memory.cells == before


def test_the_program_shows_no_antenna_of_a_card_without_one(tmp_path):
    words = ["emulate", "--profile", "ssc2-3des", "--contactless"]
    done = subprocess.run(
        [sys.executable, "-m", "sscard", *words], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert (done.returncode, "no contactless interface" in done.stderr) == (2, True)
