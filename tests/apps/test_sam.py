"""The secure access module: published and specified known answers, its counters, and its business with the virtual cards."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator import load_card
from emulator.cos.card import Card
from emulator.cos.memory import PowerLoss
from profiles import load
from profiles.loader import from_table
from profiles.sources import merge, products, read

CARD_FACTOR, CITY, PROVINCE = "8684500000000001", "3530303030307378", "3530303030307368"
R, F = "1122334455667788", "0102030405060708"
ROOT = "000102030405060708090A0B0C0D0E0F"
PSAM_OF = {"ssc2-3des": "psam-3des", "ssc3-sm4": "psam-sm4"}
SX3 = "7378332E73682EC9E7BBE1B1A3D5CF"


def sam(name: str, cards: Path | str | None = None, **content: str) -> Card:
    """A module in its key application, perhaps for other cards and with other contents of EF16, EF19 and EF1C."""
    table = read(products()[name])
    if cards is not None:
        table = merge(table, {"directory": {"DF01": {"sam": {"cards": str(cards)}}}})
    for file, data in content.items():
        directory = "MF" if file == "EF16" else "DF01"
        table = merge(table, {"content": {directory: {file: {"data": data}}}})
    card = load_card(from_table(table))
    opened(card)
    return card


def opened(card: Card) -> None:
    card.reset()
    if card.structure.product == "psam-sm4":
        assert send(card, f"00A404000F{SX3}")[-4:-2] == "61"
    assert send(card, "00A4000002DF01")[-4:-2] == "61"


def send(card: Card, command: str) -> str:
    return card.transmit(bytes.fromhex(command.replace(" ", ""))).hex().upper()


def full(card: Card, command: str) -> str:
    """With the answer behind 61xx."""
    answer = send(card, command)
    return send(card, f"00C00000{answer[-2:]}") if answer[-4:-2] == "61" else answer


def cards_with(folder: Path, product: str, name: str, entry: str, value: str) -> Path:
    """A card product in which a key has a SAM entry and a root key of its own."""
    levels = int(entry[:2], 16) >> 5
    directory = next(d for d, found in load(product).directory.items() if name in found.key)
    path = folder / "cards.toml"
    path.write_text(
        f'extends = "{product}"\nname = "cards"\n'
        f'[directory.{directory}.key.{name}]\nsam = "{entry}"\nlevels = {levels}\n'
        f'[test_keys.value]\n"{name}.1" = "{value}"\n',
        encoding="utf-8",
    )
    return path


# Known answers


def test_vendors_example_of_mac1(tmp_path: Path) -> None:
    """PBOC form, three levels: the worked example of a vendor's manual (vol. 2 §9.1, last row)."""
    cards = cards_with(tmp_path, "ssc2-3des", "DPK1", "62,01", "00112233445566778899AABBCCDDEEFF")
    card = sam("psam-3des", cards, EF16="010203040506", EF19="00000000")
    applied = ("8877665544332211", "1122334455667788", "1998081700000030")
    data = "11223344 0000 00000001 06 19990720 123059 01 01" + "".join(reversed(applied))
    length = len(bytes.fromhex(data.replace(" ", "")))
    assert length == 0x14 + 8 * 3
    assert full(card, f"80700000{length:02X}{data}08") == "00000000" + "BA22E8D4" + "9000"


@pytest.mark.parametrize(
    ("module", "product", "length", "fill", "expected"),
    [
        ("psam-3des", "ssc2-3des", "20", "", "038B8D72DC34521F"),
        ("psam-sm4", "ssc3-sm4", "28", "00" * 8, "CEACE069C28D0F6BB99D0FDC0226B1B7"),
    ],
)
def test_specified_session_key_and_cipher(
    tmp_path: Path, module: str, product: str, length: str, fill: str, expected: str
) -> None:
    """Vol. 2 §9.2: three levels, session key, E(SK, F)."""
    card = sam(module, cards_with(tmp_path, product, "RK1DF01", "67,2E", ROOT))
    assert send(card, f"BFDE672E{length}{CARD_FACTOR}{CITY}{PROVINCE}{R}{fill}") == "9000"
    assert full(card, f"80FA0000{'10' if fill else '08'}{F}{fill}") == expected + "9000"


def test_specified_purchase(tmp_path: Path) -> None:
    """Vol. 2 §9.2: MAC1 and MAC2 of a settlement; the terminal transaction number counts with the right MAC2 only."""
    cards = cards_with(tmp_path, "ssc2-3des", "DPK1", "62,01", ROOT)
    card = sam("psam-3des", cards, EF16="500000000001", EF19="0000000B")
    data = "A1B2C3D4 0005 00000000 00002710 00001F40 32 20260101093000 01 01" + CARD_FACTOR + CITY + PROVINCE
    begin = f"8070010034{data}08"
    assert full(card, begin) == "0000000B" + "184B0127" + "9000"
    assert full(card, begin) == "0000000B" + "184B0127" + "9000"
    assert send(card, "807200000410B0D35C") == "9000"
    assert send(card, "00B0990004") == "0000000C" + "9000"


def test_mac_in_pieces_is_the_mac_of_the_whole(tmp_path: Path) -> None:
    """Vol. 2 §9.2, PIN unblock: the MAC of 8424000004 padded, in one piece and in none with an initial vector."""
    cards = cards_with(tmp_path, "ssc2-3des", "STK", "48,09", "0F1E2D3C4B5A6978")
    card = sam("psam-3des", cards)
    derive = f"BFDE480918{CARD_FACTOR}{CITY}{R}"
    for mode, vector in (("05", "00" * 8), ("01", "")):
        assert send(card, derive) == "9000"
        data = vector + "8424000004800000"
        assert full(card, f"80FA{mode}00{len(data) // 2:02X}{data}") == "89162014" + "9000"
    assert send(card, derive) == "9000"
    assert send(card, "80FA070010" + "00" * 8 + "11" * 8) == "9000"
    first = full(card, "80FA010008" + "22" * 8)
    assert send(card, derive) == "9000"
    assert full(card, "80FA010010" + "11" * 8 + "22" * 8) == first
    assert len(first) == 12


# Rules


def test_environment_and_files() -> None:
    for name, serial, terminal in (
        ("psam-3des", "50000000000000000001", "500000000001"),
        ("psam-sm4", "50000000000000000002", "500000000002"),
    ):
        card = sam(name)
        card.reset()
        assert send(card, "00A40200020015") == "9000"
        assert send(card, "00B095010A") == serial + "9000"
        assert send(card, "00B0960006") == terminal + "9000"
    assert send(sam("psam-3des"), "00A4040006D15600000590")[-4:-2] == "61"


@pytest.mark.parametrize("use", ["40", "41", "42", "20", "62", "49", "5F"])
def test_some_keys_make_no_session_key(use: str) -> None:
    """Master, maintenance and purchase keys, and types that do not exist."""
    assert send(sam("psam-3des"), f"BFDE{use}0118{CARD_FACTOR}{CITY}{R}") == "6985"


def test_levels_lengths_and_order() -> None:
    card = sam("psam-3des")
    assert send(card, f"BFDE481210{CARD_FACTOR}{R}") == "6700"
    assert send(card, f"BFDE481220{CARD_FACTOR}{CITY}{PROVINCE}{R}") == "6700"
    assert send(card, f"BFDE487F18{CARD_FACTOR}{CITY}{R}") == "9403"
    assert send(card, f"80FA000008{F}") == "6901"
    assert send(card, f"BFDE481218{CARD_FACTOR}{CITY}{R}") == "9000"
    assert send(card, "80FA00000701020304050607") == "6700"
    assert send(card, f"80FA040008{F}") == "6A86"
    assert send(card, f"80FA020008{F}")[-4:] == "6108"
    assert send(card, f"80FA010008{F}") == "6985"
    assert send(card, f"80FA000008{F}")[-4:] == "6108"
    assert send(card, f"80FA000008{F}") == "6901"
    assert send(card, "807200000400000000") == "6901"


def test_wrong_mac2_locks_and_maintenance_unlocks(tmp_path: Path) -> None:
    """Three wrong ones; the lock and the counter survive a reset; the MAC of the maintenance key ends it."""
    cards = cards_with(tmp_path, "ssc2-3des", "DPK1", "62,01", ROOT)
    card = sam("psam-3des", cards)
    data = "A1B2C3D4 0005 00000000 00002710 00001F40 32 20260101093000 01 01" + CARD_FACTOR + CITY + PROVINCE
    for left in (2, 1, 0):
        opened(card)
        assert full(card, f"8070010034{data}08")[-4:] == "9000"
        assert send(card, "807200000400000000") == f"63C{left}"
    opened_again = send(card, f"8070010034{data}08")
    assert opened_again == "9303"
    card.reset()
    assert send(card, "00A4000002DF01") == "6A81"
    assert send(card, "8418000004" + "00" * 4) == "6984"
    challenge = send(card, "0084000008")[:16]
    from emulator.crypto import Algorithm, card_factor, derive, mac, session_key
    from profiles.keys import root_key

    profile = load("psam-3des")
    key = derive(Algorithm.DES3, root_key(profile, "STKSAM", 1), [card_factor(profile.chip.historical)])
    code = mac(Algorithm.DES3, session_key(Algorithm.DES3, key, bytes.fromhex(challenge)), bytes.fromhex("8418000004"))
    assert send(card, f"8418000004{code.hex()}") == "9000"
    opened(card)
    assert full(card, f"8070010034{data}08")[-4:] == "9000"


def test_power_lost_at_every_write_of_a_good_mac2(tmp_path: Path) -> None:
    """The terminal transaction number is the old one or the new one."""
    cards = cards_with(tmp_path, "ssc2-3des", "DPK1", "62,01", ROOT)
    card = sam("psam-3des", cards, EF16="500000000001", EF19="0000000B")
    fresh = card.snapshot()
    data = "A1B2C3D4 0005 00000000 00002710 00001F40 32 20260101093000 01 01" + CARD_FACTOR + CITY + PROVINCE
    seen = set()
    for write in range(1, 9):
        card.restore(dict(fresh))
        opened(card)
        full(card, f"8070010034{data}08")
        left = write

        def cut() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise PowerLoss

        card.memory.write_hook = cut
        try:
            answered = send(card, "807200000410B0D35C")
        except PowerLoss:
            answered = ""
        card.memory.write_hook = None
        opened(card)
        number = send(card, "00B0990004")[:8]
        assert number in ("0000000B", "0000000C")
        assert not answered or number == "0000000C"
        seen.add((bool(answered), number))
    assert len(seen) == 3


@given(data=st.binary(max_size=80), p1=st.integers(0, 255), p2=st.integers(0, 255))
@pytest.mark.parametrize("ins", ["BFDE", "80FA", "8070", "8072", "8418"])
@pytest.mark.parametrize("module", ["psam-3des", "psam-sm4"])
def test_any_command_is_answered(module: str, ins: str, data: bytes, p1: int, p2: int) -> None:
    card = _shared(module)
    answer = card.transmit(bytes.fromhex(ins) + bytes((p1, p2, len(data))) + data)
    assert len(answer) >= 2


_CARDS: dict[str, Card] = {}


def _shared(module: str) -> Card:
    if module not in _CARDS:
        _CARDS[module] = sam(module)
    return _CARDS[module]


@pytest.mark.parametrize(("product", "module"), PSAM_OF.items())
def test_no_answer_shows_a_key(product: str, module: str) -> None:
    """Whatever is enciphered, no key of the module stands in the answers."""
    card = sam(module)
    held = {value for cell, value in card.memory.cells.items() if cell.startswith("key:")}
    size = 8 if module == "psam-3des" else 16
    fill = "" if size == 8 else "00" * 8
    said = b""
    for use, identifier in (("48", "12"), ("47", "0A"), ("48", "10")):
        send(card, f"BFDE{use}{identifier}{16 + size:02X}{CARD_FACTOR}{CITY}{R}{fill}")
        said += bytes.fromhex(full(card, f"80FA0000{size:02X}{'00' * size}"))
    assert not any(isinstance(value, bytes) and value in said for value in held)
