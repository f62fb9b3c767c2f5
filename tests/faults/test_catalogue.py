"""The catalogue of faults: names, requirements, and what a fault does to the card that has it and to no other."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from conformance.declared import traits_of
from conformance.faults import FAULTS, UnknownFault, with_fault
from emulator import load_card
from emulator.cos.card import Card
from emulator.iso7816 import Command
from profiles import dictionary
from tests.faults.hunting import AREAS, CATALOGUE, PRODUCTS, SHIPPED, area_of, good_card, good_memory, places, product

LEAST_FAULTS = 40
SELECT_ENVIRONMENT = bytes.fromhex("00A404000F7378312E73682EC9E7BBE1B1A3D5CF")
SELECT_DF01 = bytes.fromhex("00A4040006D15600000500")
WRONG_PIN = bytes.fromhex("0020000003654321")
RIGHT_PIN = bytes.fromhex("0020000003123456")
READ_CATEGORY = bytes.fromhex("00B2022C03")
READ_HOUSEHOLD = bytes.fromhex("00B2012C04")
CHANGE_PIN = bytes.fromhex("805E010007123456FF654321")
CREATE_FILE = bytes.fromhex("80E0010010") + bytes(16)


def test_names_and_texts() -> None:
    assert len(FAULTS) >= LEAST_FAULTS
    for name, fault in FAULTS.items():
        assert fault.name == name
        assert re.fullmatch(r"[a-z][a-z0-9]*\.[a-z0-9]+(-[a-z0-9]+)*", name)
        assert fault.zh
        assert fault.en
    assert len({fault.en for fault in FAULTS.values()}) == len(FAULTS)
    assert len({fault.zh for fault in FAULTS.values()}) == len(FAULTS)


def test_requirements_are_those_of_the_catalogue() -> None:
    known = CATALOGUE.requirements
    for fault in FAULTS.values():
        assert fault.requirements
        assert set(fault.requirements) <= known.keys()


def test_every_area_has_faults() -> None:
    assert {area_of(requirement) for fault in FAULTS.values() for requirement in fault.requirements} >= set(AREAS)


def test_every_fault_has_a_product() -> None:
    assert {fault for fault, _ in places()} == FAULTS.keys()


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_requirement_of_the_fault_applies(name: str) -> None:
    traits = traits_of(product(name))
    requirements = CATALOGUE.requirements
    for fault in FAULTS.values():
        if fault.applies_to(product(name)):
            assert any(requirements[r].applicability(traits).applies for r in fault.requirements), fault.name


def test_unknown_name_offers_similar_ones() -> None:
    with pytest.raises(UnknownFault, match=r"no fault is named 'pin\.no-decremant'; did you mean pin\.no-decrement"):
        with_fault(good_card("blank"), "pin.no-decremant")


def _talk(card: Card) -> list[bytes]:
    """Answers that hold nothing random."""
    said = [card.reset()]
    for command in (
        SELECT_ENVIRONMENT,
        READ_CATEGORY,
        SELECT_DF01,
        READ_HOUSEHOLD,
        WRONG_PIN,
        RIGHT_PIN,
        READ_HOUSEHOLD,
        CHANGE_PIN,
        CREATE_FILE,
        bytes.fromhex("00C0000000"),
        bytes.fromhex("80F8000000"),
    ):
        said.append(card.transmit(command))
    said.append(card.reset(cold=False))
    said += [card.transmit(command) for command in (SELECT_ENVIRONMENT, SELECT_DF01, READ_HOUSEHOLD)]
    return said


@pytest.mark.parametrize("name", SHIPPED)
def test_other_cards_stay_good(name: str) -> None:
    witness, expected = good_card(name), _talk(good_card(name))
    for fault in FAULTS.values():
        if fault.applies_to(product(name)):
            _talk(with_fault(good_card(name), fault.name))
    assert _talk(witness) == expected
    assert _talk(good_card(name)) == expected


def test_fault_stays_with_an_earlier_memory() -> None:
    """Faults of handlers, sessions, structure, contents and of the card itself."""
    for fault, command, wrong in (
        ("cmd.any-class", bytes.fromhex("F0A4040000"), b"\x6e\x00"),
        ("sel.undefined-p1-accepted", bytes.fromhex("00A40F00023F00"), b"\x6a\x86"),
        ("acc.reserved-files-writable", bytes.fromhex("00D6980001AA"), b"\x69\x82"),
        ("fmt.category", READ_CATEGORY, bytes.fromhex("0201339000")),
    ):
        good = good_card("ssc3-sm4")
        card = with_fault(good_card("ssc3-sm4"), fault)
        for _ in range(2):
            card.restore(good_memory("ssc3-sm4").copy())
            for cold in (True, False):
                for other in (card, good):
                    other.reset(cold)
                    other.transmit(SELECT_ENVIRONMENT)
                    if command[:2] == b"\x00\xd6":
                        other.transmit(SELECT_DF01)
                assert good.transmit(command) == wrong
                assert card.transmit(command) != wrong
            card.power_off()


def test_faults_add_up() -> None:
    card = with_fault(with_fault(good_card("ssc3-sm4"), "atr.short-history"), "atr.foreign-maker")
    card = with_fault(with_fault(card, "fmt.category"), "cmd.unknown-instruction")
    assert card.reset()[4:6] == b"\x00\x00"
    card.transmit(SELECT_ENVIRONMENT)
    assert card.transmit(READ_CATEGORY) == bytes.fromhex("0201359000")
    assert card.transmit(bytes.fromhex("00FF0000")) == b"\x6e\x00"


def test_faulty_contents_are_written_once_into_an_image(tmp_path: Path) -> None:
    image = tmp_path / "card.img"
    card = with_fault(load_card("ssc3-sm4", image), "rec.cn-filled-with-zeros")
    changed = card.memory.cells["file:DF01/EF0A"]
    card.memory.close()
    again = with_fault(load_card("ssc3-sm4", image), "rec.cn-filled-with-zeros")
    assert again.memory.cells["file:DF01/EF0A"] == changed
    again.memory.close()


@pytest.mark.parametrize("name", SHIPPED)
def test_faulty_cards_answer_anything(name: str) -> None:
    """No command makes a faulty card raise; it answers bytes, at worst none."""
    headers = sorted(
        {(entry.cla, entry.ins) for entry in dictionary.commands().values()} | {(0x80, 0xF8), (0x80, 0x24)}
    )
    selects = [SELECT_ENVIRONMENT, SELECT_DF01, bytes.fromhex("00A4040006D15600000503")]
    for fault in FAULTS.values():
        if not fault.applies_to(product(name)):
            continue
        chance = random.Random(fault.name)  # noqa: S311 - test data, not secrets
        card = with_fault(good_card(name), fault.name)
        card.reset()
        for _ in range(120):
            kind = chance.random()
            if kind < 0.15:
                card.transmit(chance.choice(selects))
            elif kind < 0.25:
                card.transmit(chance.choice((RIGHT_PIN, bytes.fromhex("0084000008"), bytes.fromhex("0084000004"))))
            elif kind < 0.3:
                assert isinstance(card.transmit(chance.randbytes(chance.randrange(12))), bytes)
            else:
                cla, ins = chance.choice(headers)
                length = chance.choice((0, 0, 1, 2, 3, 4, 5, 8, 9, 12, 15, 16, 17, 20, 40))
                p1, p2 = chance.choice((0, 1, 2, 4, chance.randrange(256))), chance.choice((0, chance.randrange(256)))
                command = Command(cla, ins, p1, p2, chance.randbytes(length), chance.choice((0, 1, 8, 256)))
                assert isinstance(card.transmit(command.to_bytes()), bytes)
