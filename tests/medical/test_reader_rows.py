"""Requirements on readers (reconstructed specification §2.4, §3.4, §5.3, §8.4) against the reader interface, each by its row."""

from __future__ import annotations

import pytest

from conformance.actors.medical.keys import KeysRefused, SamKeys
from emulator.apps.load import card_of
from emulator.cos.memory import Memory
from emulator.iso7816 import SW
from profiles import load
from tests.medical.counter import Counter
from tests.medical.hospital import MODULES, fresh_memory

PRODUCTS = pytest.mark.parametrize("product", MODULES)
EF05, EF06 = 0x05 << 3 | 4, 0x06 << 3 | 4
READ_RECORD, EXTERNAL_AUTHENTICATE = 0xB2, 0x82


def showing(counter: Counter, file: int, record: int, value: bytes) -> None:
    """The card shows another value in a record of SSSE, of the same tag."""

    def alter(command: bytes, answer: bytes) -> bytes:
        if command[1] == READ_RECORD and (command[2], command[3]) == (record, file) and answer[-2:] == b"\x90\x00":
            return answer[:1] + bytes((len(value),)) + value + answer[-2:]
        return answer

    counter.alter(alter)


class WithoutReadKey:
    """A PSAM that has lost the key with identifier 0A."""

    def __init__(self, product: str) -> None:
        self.module = card_of(Memory(fresh_memory(MODULES[product]).copy()))
        self.module.reset()

    def transmit(self, command: bytes) -> bytes:
        if command[:2] == b"\xbf\xde" and command[3] == 0x0A:
            return bytes.fromhex("6A88")
        return self.module.transmit(command)


@pytest.mark.requirement("SSC-SAM-017")
def test_a_sam_without_the_read_key() -> None:
    """−2203 of version 3.00, for the base string and for the elements; a card of 2.00 needs no such key."""
    counter = Counter("ssc3-sm4")
    counter.reader.keys = SamKeys(WithoutReadKey("ssc3-sm4"), load("ssc3-sm4"))
    assert counter("iReadCardBas", 1) == (-2203, "PSAM卡内没有RKSSSE密钥")
    assert counter("iReadCard", 1, 1, "", "SSSEEF06|08|$")[0] == -2203
    assert counter("iReadCard", 1, 1, "", "DF01EF05|20|$")[0] == 0
    older = Counter("ssc2-3des")
    older.reader.keys = SamKeys(WithoutReadKey("ssc2-3des"), load("ssc2-3des"))
    assert older("iReadCardBas", 1)[0] == 0
    assert older("iReadCard", 1, 1, "", "SSSEEF08|$")[0] == -2203


def test_another_key_that_the_sam_has_not() -> None:
    """Not −2203, which names RKSSSE, but the status word of the PSAM."""
    counter = Counter()
    keys = counter.reader.keys
    assert keys is not None

    def refuse(name: str, *rest: object) -> bytes:
        raise KeysRefused("no such key", 0x6A88)

    keys.external_authentication = refuse  # type: ignore[method-assign]
    assert counter("iWriteCard", 1, "", "SSSEEF05|05|$", "SSSEEF05|20260101|$")[0] == -27272


@pytest.mark.requirement("SSC-TERM-019")
@PRODUCTS
def test_eleven_fields_and_nine_characters(product: str) -> None:
    """Of a card number with more behind its ninth character, nine are shown."""
    counter = Counter(product)
    plain = counter("iReadCardBas", 1)[1].split("|")
    showing(counter, EF05, 7, b"B98765432XYZ")
    code, shown = counter("iReadCardBas", 1)
    fields = shown.split("|")
    assert (code, len(fields), fields[11]) == (0, 12, "")
    assert fields[2] == "B98765432"
    assert [*fields[:2], *fields[3:]] == [*plain[:2], *plain[3:]]
    number = f"{counter.hospital.identification}|B98765432|"
    assert counter("iReadCard", 1, 1, number, "SSSEEF05|03|$")[0] == 0
    assert counter("iReadCard", 1, 1, number.replace("B98", "B99"), "SSSEEF05|03|$")[0] == -22


@pytest.mark.requirement("SSC-TERM-020")
@PRODUCTS
@pytest.mark.parametrize("padding", [b"\x00" * 6, b"\xff" * 6, b"\x20" * 6, b"\x20\x00\xff"])
def test_padding_is_taken_off(product: str, padding: bytes) -> None:
    """What the field pads with is not shown."""
    counter = Counter(product)
    showing(counter, EF06, 2, "张三".encode("gbk") + padding)
    assert counter("iReadCardBas", 1)[1].split("|")[4] == "张三"
    assert counter("iReadCard", 1, 1, "", "SSSEEF06|09|$") == (0, "SSSEEF06|张三|$")


@pytest.mark.requirement("SSC-TERM-020")
@PRODUCTS
@pytest.mark.parametrize("check", "0123456789X")
def test_no_check_character_is_judged(product: str, check: str) -> None:
    """Ten of these eleven are wrong, and all are read."""
    counter = Counter(product)
    number = f"A1234567{check}"
    showing(counter, EF05, 7, number.encode())
    code, shown = counter("iReadCardBas", 1)
    assert (code, shown.split("|")[2]) == (0, number)


WORDS = sorted({sw for sw in vars(SW).values() if isinstance(sw, int) and sw != SW.SUCCESS} | {0x63C5, 0x6FFF})


@pytest.mark.requirement("SSC-TERM-021")
@PRODUCTS
@pytest.mark.parametrize("ins", [READ_RECORD, EXTERNAL_AUTHENTICATE])
def test_every_status_word_becomes_its_negative(product: str, ins: int) -> None:
    """6A88 → −27272; whatever the card says to a read, or to an authentication."""
    counter, said = Counter(product), SW.SUCCESS

    def refuse(command: bytes, answer: bytes) -> bytes:
        """The identification, with which each operation begins, is shown as ever."""
        first = command[1:4] == bytes((READ_RECORD, 1, EF05))
        return said.to_bytes(2) if command[1] == ins and not first else answer

    counter.alter(refuse)
    files = "SSSEEF05|03|$" if ins == READ_RECORD else "SSSEEF08|$"
    for said in WORDS:
        assert counter("iReadCard", 1, 1, "", files)[0] == -said
    said = 0x6A88
    assert counter("iReadCard", 1, 1, "", files)[0] == -27272
