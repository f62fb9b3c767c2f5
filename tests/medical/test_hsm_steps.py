"""The stepwise operations with an HSM (reconstructed specification §4.3, §4.5, §8.4): strings, keys, and what may go wrong."""

from __future__ import annotations

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from conformance.actors.medical.hsm import HsmRefused
from profiles import load
from profiles.keys import root_key
from tests.crypto.oracle import sm4_encrypt
from tests.medical.counter import DEVICE, Counter, content, first_and_second
from tests.medical.hospital import MODULES

PRODUCTS = pytest.mark.parametrize("product", MODULES)
CARD_FACTORS = {"ssc2-3des": bytes.fromhex("8684500000000012"), "ssc3-sm4": bytes.fromhex("8684500000000013")}
CITY, PROVINCE = b"500000sx", b"500000sh"
ALGORITHM = {"ssc2-3des": "01", "ssc3-sm4": "03"}
PAYMENT = "20000|8000|20261126120000|"


def cryptogram(product: str, key: str, factors: list[bytes], challenge: bytes, source: bytes, version: int = 1) -> str:
    """Of an authentication, by other libraries: gmalg for SM4, cryptography for triple DES."""
    value = root_key(load(product), key, version)
    if product == "ssc3-sm4":
        for factor in factors:
            value = sm4_encrypt(value, factor + bytes(each ^ 0xFF for each in factor))
        session = sm4_encrypt(value, challenge + bytes(8))
        block = sm4_encrypt(session, source + bytes(8))
        return bytes(left ^ right for left, right in zip(block[:8], block[8:], strict=True)).hex().upper()
    for factor in factors:
        value = des3(value, factor) + des3(value, bytes(each ^ 0xFF for each in factor))
    return des3(des3(value, challenge), source).hex().upper()


def des3(key: bytes, block: bytes) -> bytes:
    """With a key of one, two or three lengths."""
    cipher = Cipher(TripleDES((key * 3)[:24]), modes.ECB())  # noqa: S305  # the standard's own mode for one block
    return cipher.encryptor().update(block)


# The base string


@PRODUCTS
@pytest.mark.parametrize("with_sam", [True, False], ids=["PSAM", "none"])
def test_the_base_string_in_two_steps(product: str, with_sam: bool) -> None:
    """Nine fields, the last two challenges of a card of version 3.00 alone; the end is that of iReadCardBas."""
    counter = Counter(product)
    plain = counter("iReadCardBas", 1)
    if not with_sam:
        counter.reader.keys = None
    asked, key = first_and_second(counter, "iReadCardBas", 1)
    fields = asked.split("|")
    assert len(fields) == 10
    assert fields[0] == "500000"
    assert fields[1] == load(product).chip.historical.hex().upper()
    assert fields[2] == ALGORITHM[product]
    assert fields[3] == counter.hospital.identification
    assert [len(field) for field in fields[4:8]] == ([16] * 4 if product == "ssc3-sm4" else [16, 16, 0, 0])
    assert len({field for field in fields[4:8] if field}) == (4 if product == "ssc3-sm4" else 2)
    assert fields[8] == (counter.hospital.keys.terminal.hex() if with_sam else "0" * 12)
    code, basics = counter("iReadCardBas_HSM_Step2", key)
    assert code == 0
    if with_sam:
        assert (code, basics) == plain
    assert basics.split("|")[4] == content(product, "EF06", "09")
    assert basics.endswith(f"|{DEVICE}|")


@pytest.mark.requirement("SSC-CTR-009")
@PRODUCTS
def test_the_hsm_is_asked_with_city_then_card_and_the_algorithm(product: str) -> None:
    """Addresses, factors from the upper level down, algorithm identifier; the national key has the province too."""
    counter = Counter(product)
    _, asked = counter("iReadCardBas_HSM_Step1", 1)
    back_end = counter.back_end()
    key = back_end.answer("iReadCardBas_HSM_Step1", asked)
    card = CARD_FACTORS[product]
    sent = [(request.address, request.factors, request.algorithm) for request in back_end.hsm.requests]
    algorithm = int(ALGORITHM[product])
    expected = [("0170", (PROVINCE, CITY, card), algorithm), ("004C", (CITY, card), algorithm)]
    assert sent == expected[: len(sent)]
    assert len(sent) == (2 if product == "ssc3-sm4" else 1)
    factor, source, outer_factor, outer_source = (bytes.fromhex(each) for each in asked.split("|")[4:8])
    inner, outer, _ = key.split("|")
    assert inner == cryptogram(product, "IRK", [PROVINCE, CITY, card], factor, source) + source.hex().upper()
    if outer:
        proof = cryptogram(product, "RKSSSE", [CITY, card], outer_factor, outer_source)
        assert outer == proof + outer_source.hex().upper()


@pytest.mark.requirement("SSC-CTR-009")
def test_factors_in_another_order_make_no_key_of_the_card() -> None:
    """Card then city is another key, which the card counts as a wrong try."""
    counter = Counter()
    asked, _ = first_and_second(counter, "iWriteCard", 1, "", "SSSEEF05|05|$")
    _, _, factor, source = asked.split("|")[:4]
    wrong = cryptogram("ssc3-sm4", "UKSSSE", [CARD_FACTORS["ssc3-sm4"], CITY], *map(bytes.fromhex, (factor, source)))
    code, _ = counter("iWriteCard_HSM_Step2", wrong + source, "SSSEEF05|20260106|$")
    assert code == -0x63CE


@pytest.mark.requirement("SSC-CTR-010")
@PRODUCTS
@pytest.mark.parametrize("at", range(8))
def test_another_internal_authentication_is_told(product: str, at: int) -> None:
    """−25, and the card gets no external authentication."""
    counter = Counter(product)
    _, key = first_and_second(counter, "iReadCardBas", 1)
    inner, outer, _ = key.split("|")
    changed = bytearray.fromhex(inner)
    changed[at] ^= 1
    counter.hospital.slot.commands.clear()
    code, text = counter("iReadCardBas_HSM_Step2", f"{changed.hex()}|{outer}|")
    assert (code, text) == (-25, "内部认证结果与加密机不一致")
    assert counter.hospital.slot.commands == []


@pytest.mark.requirement("SSC-CTR-010")
def test_a_card_of_another_key_is_told() -> None:
    """The other way round: the HSM is right, the card is not."""
    counter = Counter()
    counter.alter(lambda command, answer: bytes(8) + b"\x90\x00" if command[1] == 0x88 else answer)
    _, key = first_and_second(counter, "iReadCardBas", 1)
    assert counter("iReadCardBas_HSM_Step2", key)[0] == -25
    short = Counter()
    short.alter(lambda command, answer: bytes(7) + b"\x90\x00" if command[1] == 0x88 else answer)
    assert short("iReadCardBas_HSM_Step1", 1) == (-21, "内部认证失败")


def test_sixteen_digits_of_the_internal_authentication_are_enough() -> None:
    counter = Counter()
    _, key = first_and_second(counter, "iReadCardBas", 1)
    inner, outer, _ = key.split("|")
    assert counter("iReadCardBas_HSM_Step2", f"{inner[:16]}|{outer}")[0] == 0


# Keys and their addresses

READING = {
    "SSSEEF07|$": "004C0A",
    "SSSEEF08|$": "004C0A",
    "DF01EF05|20|$": "004F2E",
    "DF02EF05|42|$": "006435",
    "DF03EF05|61|$": "01962C",
    "DF03EF06|45|$": "01932B",
    "DF03EF15|7A|$": "01932B",
    "DF04EF05|81|$": "01822D",
    "DF07EF05|F0|$": "007A3D",
    "DF07EF06|F5|$": "00803F",
    "DF07EF07|F8|$": "0086B1",
}
WRITING = {
    "SSSEEF05|05|$": "009412",
    "SSSEEF06|0A|$": "009412",
    "DF01EF05|20|$": "009742",
    "DF01EF06|23|$": "017925",
    "DF01EF07|29|$": "009A43",
    "DF01EF08|2B|$": "017624",
}


@PRODUCTS
def test_addresses_that_a_reader_in_use_names(product: str) -> None:
    """The list of the reconstructed specification §4.3, which rests on a program and on an HSM's key list."""
    counter = Counter(product)
    for steps, table in (("iReadCard_HSM_Step1", READING), ("iWriteCard_HSM_Step1", WRITING)):
        found = {files: counter(steps, 1, "", files)[1].split("|") for files in table}
        assert {files: fields[1] for files, fields in found.items()} == table
        for fields in found.values():
            assert (fields[0], len(fields), fields[4]) == (ALGORITHM[product], 5, "")
    code, asked = counter("iReloadPIN_HSM_Step1", 1, "")
    assert (code, asked.split("|")[:2]) == (0, [ALGORITHM[product], "009010"])


@pytest.mark.requirement("SSC-CTR-011")
@PRODUCTS
@pytest.mark.parametrize(("group", "address"), [(1, "0094"), (2, "0095"), (3, "0096")])
def test_key_groups(product: str, group: int, address: str) -> None:
    """The three versions of a key by their addresses; the card takes each under its own number alone."""
    counter = Counter(product)
    write = ("iWriteCard", 1, "", "SSSEEF05|05|$")
    code, asked = counter(f"{write[0]}_HSM_Step1", *write[1:])
    assert code == 0
    back_end = counter.back_end(group)
    key = back_end.answer("iWriteCard_HSM_Step1", asked)
    factor, source = (bytes.fromhex(each) for each in asked.split("|")[2:4])
    assert back_end.hsm.requests[-1].address[:4] == address
    assert key[:16] == cryptogram(product, "UKSSSE", [CITY, CARD_FACTORS[product]], factor, source, group)
    assert key[32:] == ("" if group == 1 else f"{group:02X}")
    assert counter("iWriteCard_HSM_Step2", key, "SSSEEF05|20260106|$") == (0, "")
    assert counter("iReadCard", 1, 0, "", "SSSEEF05|05|$") == (0, "SSSEEF05|20260106|$")
    _, key = first_and_second(counter, *write, group=group)
    other = f"{key[:32]}{group % 3 + 1:02X}"
    assert counter("iWriteCard_HSM_Step2", other, "SSSEEF05|20260107|$")[0] == -0x63CE


def test_what_an_hsm_refuses() -> None:
    counter = Counter()
    _, asked = counter("iReadCardBas_HSM_Step1", 1)
    des = asked.replace("|03|", "|01|")
    hostile = {
        "keys of algorithm 03, not 01": ("iReadCardBas_HSM_Step1", des),
        "9 fields": ("iReadCardBas_HSM_Step1", "500000|"),
        "no key at 'FFFF12'": ("iReadCard_HSM_Step1", f"03|FFFF12|{'00' * 8}|{'00' * 8}|"),
        "no key at '009413'": ("iReadCard_HSM_Step1", f"03|009413|{'00' * 8}|{'00' * 8}|"),
        "hexadecimal": ("iReadCard_HSM_Step1", "03|009412|x|y|"),
        "nothing follows": ("iDoDebit_HSM_Step2", ""),
        "digits": ("iReloadPIN_HSM_Step2", f"03|017309|{'00' * 8}|8424000114|12a4|"),
        "26 bytes": ("iDoDebit_HSM_Step1", "03|017F01|00|00|00|00|00|00|"),
        "not six digits": ("iReadCardBas_HSM_Step1", asked.replace("500000|", "50000A|", 1)),
    }
    for words, (step, text) in hostile.items():
        with pytest.raises(HsmRefused, match=words):
            counter.back_end().answer(step, text)


# Reading and writing


@PRODUCTS
def test_files_in_the_order_asked_for(product: str) -> None:
    """Elements that anyone or the holder's PIN opens may stand between those of the key; the answer is that of iReadCard."""
    files = "SSSEEF05|03|$DF01EF05|20|21|$DF02EF05|42|$SSSEEF05|07|$DF01EF06|23|$"
    counter = Counter(product)
    expected = counter("iReadCard", 1, 0, "", files)
    counter.reader.keys = None
    asked, key = first_and_second(counter, "iReadCard", 1, f"{counter.hospital.identification}||", files)
    assert asked.startswith(f"{ALGORITHM[product]}|004F2E|")
    counter.hospital.pin = None
    assert counter("iReadCard_HSM_Step2", f"{key}|") == expected
    assert expected[0] == 0


def test_a_file_that_wants_pin_and_key() -> None:
    """DF04/EF06: the key pad is asked in step 1."""
    counter = Counter()
    expected = counter("iReadCard", 1, 0, "", "DF04EF06|90|$")
    counter.reader.keys = None
    _, key = first_and_second(counter, "iReadCard", 1, "", "DF04EF06|90|$")
    assert counter("iReadCard_HSM_Step2", key) == expected
    assert expected[0] == 0
    counter.hospital.pin = "000000"
    assert counter("iReadCard_HSM_Step1", 1, "", "DF04EF06|90|$")[0] == -51
    counter.hospital.pin = None
    assert counter("iReadCard_HSM_Step1", 1, "", "DF04EF06|90|$")[0] == -31


@pytest.mark.parametrize(
    "files", ["SSSEEF05|03|$", "DF04EF08|$", "DF07EF05|F0|$DF07EF06|F5|$", "SSSEEF06|08|$DF07EF05|F0|$"]
)
def test_no_key_or_several(files: str) -> None:
    """Free files, files under the PIN alone, and files of several keys are not for one authentication."""
    assert Counter()("iReadCard_HSM_Step1", 1, "", files) == (-23, "这些文件无需密钥，或不能用同一密钥打开")


def test_wrong_values_are_seen_before_the_card_is_asked() -> None:
    counter = Counter()
    before = counter.hospital.card.snapshot()
    for values in ("DF01EF05|51|$", f"DF01EF05|51|{'长' * 90}|$", "nonsense"):
        _, key = first_and_second(counter, "iWriteCard", 1, "", "DF01EF05|20|21|$")
        counter.hospital.slot.commands.clear()
        assert counter("iWriteCard_HSM_Step2", key, values)[0] == -14
        assert counter.hospital.slot.commands == []
    assert counter.hospital.card.snapshot() == before


# PINs


@PRODUCTS
def test_a_new_pin_in_three_steps(product: str) -> None:
    """The last command has 17 or 25 bytes, that of the unblocking 9, as deployed HSMs answer (§8.4)."""
    counter = Counter(product)
    counter.hospital.pin = "000000"
    for _ in range(load(product).settings.pin_try_limit):
        counter("iVerifyPIN", 1)
    assert counter("iVerifyPIN", 1)[0] == -52
    _, key = first_and_second(counter, "iUnblockPIN", 1, "")
    code, asked = counter("iUnblockPIN_HSM_Step2", key)
    assert (code, asked.split("|")[:2], asked.split("|")[3:]) == (0, [ALGORITHM[product], "017309"], ["8424000004", ""])
    command = counter.back_end().answer("iUnblockPIN_HSM_Step2", asked)
    assert len(command) == 18
    assert counter("iUnblockPIN_HSM_Step3", command) == (0, "")
    assert counter("iVerifyPIN", 1)[0] == -51
    counter.new_pin = "246810"
    _, key = first_and_second(counter, "iReloadPIN", 1, "")
    code, asked = counter("iReloadPIN_HSM_Step2", key)
    head = "842400010C" if product == "ssc2-3des" else "8424000114"
    assert (code, asked.split("|")[3:]) == (0, [head, "246810", ""])
    command = counter.back_end().answer("iReloadPIN_HSM_Step2", asked)
    assert len(command) == (34 if product == "ssc2-3des" else 50)
    assert counter("iReloadPIN_HSM_Step3", command) == (0, "")
    counter.hospital.pin = "246810"
    assert counter("iVerifyPIN", 1) == (0, "")


def test_a_command_that_is_another_or_changed() -> None:
    counter = Counter()
    counter.new_pin = "246810"

    def command() -> str:
        _, key = first_and_second(counter, "iReloadPIN", 1, "")
        _, asked = counter("iReloadPIN_HSM_Step2", key)
        return counter.back_end().answer("iReloadPIN_HSM_Step2", asked)

    before = counter.hospital.card.memory.cells["file:SSSE/EF05"]
    for wrong in ("", "00A4040000", command()[:-2], "8424000014" + "00" * 20, "zz"):
        command()
        counter.hospital.slot.commands.clear()
        assert counter("iReloadPIN_HSM_Step3", wrong)[0] == -23
        assert counter.hospital.slot.commands == []
    good = command()
    assert counter("iReloadPIN_HSM_Step3", good[:-2] + f"{int(good[-2:], 16) ^ 1:02X}")[0] == -0x6988
    assert counter("iVerifyPIN", 1) == (0, "")
    assert counter.hospital.card.memory.cells["file:SSSE/EF05"] == before


# Settlement


def paying(product: str) -> Counter:
    counter = Counter(product)
    counter.new_pin = counter.hospital.pin = "123456"
    assert counter("iDoDebit_HSM_Step1", 1, "", PAYMENT)[0] == -35
    counter.new_pin = "654321"
    assert counter("iChangePIN", 1)[0] == 0
    counter.hospital.pin = "654321"
    return counter


@PRODUCTS
def test_a_settlement_in_two_steps(product: str) -> None:
    counter = paying(product)
    code, asked = counter("iDoDebit_HSM_Step1", 1, "", PAYMENT)
    fields = asked.split("|")
    terminal = counter.hospital.keys.terminal.hex().upper()
    assert (code, fields[:2], len(fields[2])) == (0, [ALGORITHM[product], "017F01"], 8)
    assert fields[4:] == ["00004E20", "00001F40", f"32{terminal}", "20261126120000", ""]
    back_end = counter.back_end()
    key = back_end.answer("iDoDebit_HSM_Step1", asked)
    request = back_end.hsm.requests[-1]
    assert (request.factors, request.process_factor.hex().upper()) == (
        (CITY, CARD_FACTORS[product]),
        f"{fields[2]}{fields[3]}0001",
    )
    assert request.data.hex().upper() == f"0000000000004E2000001F4032{terminal}20261126120000"
    code, done = counter("iDoDebit_HSM_Step2", key)
    assert (code, done.split("|")[1:3]) == (0, [terminal, "00000001"])
    assert back_end.accepts("iDoDebit_HSM_Step2", done)
    *most, mac2, _ = done.split("|")
    wrong = "|".join([*most, f"{int(mac2, 16) ^ 1:08X}", ""])
    assert not back_end.accepts("iDoDebit_HSM_Step2", wrong)
    newest = counter("iReadDebitRecord", 1)[1].split("|")[0]
    assert newest == f"{done.split('|')[3]}^2^{terminal.lower()}^20261126120000^00000000^00004E20^00001F40"


@PRODUCTS
def test_a_settlement_that_is_not_the_one_begun(product: str) -> None:
    """A wrong MAC1 is 9302; another time, too few fields or wrong lengths never come to the card."""
    counter = paying(product)
    before = counter.hospital.amounts()
    changes = {
        -0x9302: lambda n, t, m: f"{n}|{t}|{int(m, 16) ^ 1:08X}|",
        -22: lambda n, t, m: f"{n}|20261126120001|{m}|",
        -23: lambda n, t, m: f"{n}|{t}|",
    }
    for code, change in changes.items():
        _, key = first_and_second(counter, "iDoDebit", 1, "", PAYMENT)
        assert counter("iDoDebit_HSM_Step2", change(*key.split("|")[:3]))[0] == code
    _, key = first_and_second(counter, "iDoDebit", 1, "", PAYMENT)
    assert counter("iDoDebit_HSM_Step2", "00" + key)[0] == -23
    assert counter.hospital.amounts() == before
