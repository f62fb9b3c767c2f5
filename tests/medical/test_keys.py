"""PSAM and HSM give a terminal the same answers, and the virtual cards take them."""

from __future__ import annotations

import pytest

from conformance.actors.key_service import AccountLoad, KeyService, Settlement
from conformance.actors.medical.keys import CardInTerminal, HsmKeys, KeysRefused, SamKeys, TerminalKeys
from conformance.failures import BenchError
from emulator import load_card
from emulator.cos.card import Card
from profiles import load
from tests.medical.counter import Counter

PAIRS = (("ssc2-3des", "psam-3des"), ("ssc3-sm4", "psam-sm4"))
AMOUNTS = bytes.fromhex("000000000000271000001F40")
TIME = bytes.fromhex("20260301093000")
R, F = bytes.fromhex("1122334455667788"), bytes.fromhex("0102030405060708")


def card_in(product: str) -> tuple[Card, CardInTerminal]:
    profile = load(product)
    card = load_card(profile)
    card.reset()
    return card, CardInTerminal(profile.chip.historical, profile.issuer.city_code)


def sam_of(product: str, module: str) -> SamKeys:
    card = load_card(module)
    card.reset()
    return SamKeys(card, load(product))


def hsm_beside(product: str, sam: SamKeys) -> HsmKeys:
    return HsmKeys(load(product), sam.terminal)


def ask(card: Card, command: str, data: bytes = b"", ne: str = "") -> bytes:
    length = f"{len(data):02X}" if data else ""
    answer = card.transmit(bytes.fromhex(command + length) + data + bytes.fromhex(ne))
    if answer[-2] == 0x61:
        answer = card.transmit(bytes((0, 0xC0, 0, 0, answer[-1])))
    return answer


@pytest.mark.parametrize(("product", "module"), PAIRS)
def test_module_and_hsm_agree(product: str, module: str) -> None:
    """For keys of one, two and three levels, and for the maintenance key."""
    _, card = card_in(product)
    sam = sam_of(product, module)
    hsm = hsm_beside(product, sam)
    for name in ("RKSSSE", "UKSSSE", "IRK", "LKDF03", "RK1DF01"):
        assert sam.external_authentication(name, card, R, F) == hsm.external_authentication(name, card, R, F)
    covered = bytes.fromhex("8424000004")
    assert sam.maintenance_mac("STK", card, R, covered) == hsm.maintenance_mac("STK", card, R, covered)
    here, there = (keys.begin(card, R[:4], R[4:6], AMOUNTS, TIME, 1) for keys in (sam, hsm))
    assert here == there


def settle(card: Card, described: CardInTerminal, keys: TerminalKeys) -> tuple[bytes, bytes, bytes, bytes]:
    """A settlement; random and number of the card, terminal transaction number, TAC."""
    ask(card, "00A40400", bytes.fromhex("7378312E73682EC9E7BBE1B1A3D5CF"))
    ask(card, "00A40400", bytes.fromhex("D15600000503"))
    assert ask(card, "00200000", bytes.fromhex("123456")) == b"\x90\x00"
    data = bytes((keys.purchase_index,)) + AMOUNTS + keys.terminal
    begun = ask(card, "B0280101", data, "16")
    assert begun[-2:] == b"\x90\x00"
    number, version, random = begun[14:16], begun[16], begun[18:22]
    made = keys.begin(described, random, number, AMOUNTS, TIME, version)
    ended = ask(card, "B02C0100", made.terminal_number + TIME + made.mac1, "08")
    assert ended[-2:] == b"\x90\x00"
    assert not keys.confirm(bytes(4)) if isinstance(keys, SamKeys) else True
    if isinstance(keys, SamKeys):
        keys.begin(described, random, number, AMOUNTS, TIME, version)
    assert keys.confirm(ended[4:8])
    return random, number, made.terminal_number, ended[:4]


@pytest.mark.parametrize(("product", "module"), PAIRS)
def test_a_card_settles_with_a_module_and_with_an_hsm(product: str, module: str) -> None:
    """MAC1 is taken, MAC2 is right, and the TAC is the one that the centre computes."""
    card, described = card_in(product)
    sam = sam_of(product, module)
    numbers = []
    for keys in (sam, hsm_beside(product, sam)):
        random, number, terminal_number, tac = settle(card, described, keys)
        numbers.append(int.from_bytes(number, "big"))
        settlement = Settlement(random, number, AMOUNTS, keys.terminal, terminal_number, TIME)
        centre = KeyService(load(product), described.historical)
        assert centre.transaction_code("DTK", settlement) == tac
    assert numbers[1] == numbers[0] + 1


@pytest.mark.parametrize(("product", "module"), PAIRS)
def test_the_module_opens_the_card(product: str, module: str) -> None:
    card, described = card_in(product)
    sam = sam_of(product, module)
    ask(card, "00A40400", bytes.fromhex("7378312E73682EC9E7BBE1B1A3D5CF"))
    challenge = ask(card, "00840000", ne="08")[:8]
    data = sam.external_authentication("RKSSSE", described, challenge, F)
    assert ask(card, "0082000A", data) == b"\x90\x00"


def test_another_module_and_none_are_told() -> None:
    _, described = card_in("ssc3-sm4")
    with pytest.raises(KeysRefused, match="no environment"):
        sam_of("ssc3-sm4", "psam-3des")
    sam = sam_of("ssc3-sm4", "psam-sm4")
    with pytest.raises(KeysRefused, match="no key DTK is known"):
        sam.external_authentication("DTK", described, R, F)

    class Gone:
        def transmit(self, command: bytes) -> bytes:
            raise BenchError("pulled out")

    with pytest.raises(KeysRefused, match="gone"):
        SamKeys(Gone(), load("ssc3-sm4"))


def test_a_root_key_that_is_not_there_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an HSM whose profile names its keys by reference; the sentence says which, and the interface has a code for it."""
    monkeypatch.delenv("UKSSSE_1", raising=False)
    counter = Counter(with_sam=False)
    profile = load("ssc3-sm4")
    values = {**profile.test_keys.value, "UKSSSE.1": "env:UKSSSE_1"}
    referring = profile.model_copy(update={"test_keys": profile.test_keys.model_copy(update={"value": values})})
    counter.reader.keys = HsmKeys(referring, bytes(6))
    described = counter.reader.card
    with pytest.raises(KeysRefused, match="environment variable UKSSSE_1 is not set"):
        counter.reader.keys.external_authentication("UKSSSE", described, R, F)
    code, text = counter("iWriteCard", 1, "", "SSSEEF05|05|$", "SSSEEF05|20260101|$")
    assert (code, "environment variable UKSSSE_1 is not set" in text) == (-2201, True)
    assert counter("iReadCardBas", 1)[0] == 0


def test_the_codes_of_a_load_are_those_of_the_published_example() -> None:
    """Example card of a chip manual (details §9.3): the session key of a load and MAC2, with a type byte of 01."""
    profile = load("ssc2-3des")
    df04 = profile.directory["DF04"]
    plain = {**df04.key, "DLK": df04.key["DLK"].model_copy(update={"levels": 0})}
    values = {**profile.test_keys.value, "DLK.1": "11223344556677888877665544332211"}
    changed = profile.model_copy(
        update={
            "directory": {**profile.directory, "DF04": df04.model_copy(update={"key": plain})},
            "test_keys": profile.test_keys.model_copy(update={"value": values}),
        }
    )
    example = AccountLoad(
        random=bytes.fromhex("72D5A089"),
        number=bytes(2),
        balance=0,
        amount=0x1000,
        terminal=bytes.fromhex("000000000001"),
        time=bytes.fromhex("20010910130222"),
        kind=b"\x01",
    )
    assert KeyService(changed, bytes(13)).load("DLK", example).mac2.hex().upper() == "4E8B20D4"
