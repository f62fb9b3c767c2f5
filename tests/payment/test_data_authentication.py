"""SDA, DDA and CDA: the published RSA chain, and whole chains of the test cards checked by other means.

SM2 has no complete public example: its signatures are checked by gmalg, a second library.
"""

import hashlib
from dataclasses import dataclass

import pytest

from conformance.actors.terminal import certificates
from emulator.crypto import payment_signatures as signatures
from emulator.crypto.rsa import RsaPublicKey
from emulator.iso7816 import tlv
from profiles import load
from tests.crypto.oracle import sm2_public_key, sm2_verify, sm3

from .oracle import certified_key, opened
from .terminal import ARQC, Terminal, profile
from .vectors import CHAIN, WORKED, WORKED_CHAINS

RSA, SM = WORKED["rsa_chain_ca1408_issuer1152_icc1024"], WORKED["sm2_chain"]
PUBLISHED = {tag: bytes.fromhex(value) for tag, value in CHAIN.items() if tag != "source"}
AUTHORITY = bytes.fromhex(RSA["CA_key"]["n"])


@dataclass
class Unsigned:
    """Stands in for a key whose private part nobody has: shows the block that it would sign."""

    size: int

    def sign(self, block: bytes) -> bytes:
        return block


def recovered(modulus: bytes, signature: bytes) -> bytes:
    n = int.from_bytes(modulus, "big")
    return pow(int.from_bytes(signature, "big"), 3, n).to_bytes(len(modulus), "big")


def test_blocks_of_the_published_chain():
    """Our blocks are those that the published certificates hold; its DDA has the dynamic number without a length."""
    authority, static = PUBLISHED["CA"], PUBLISHED["static"]
    issuer = certified_key(opened(authority, b"\3", PUBLISHED["90"], PUBLISHED["92"] + b"\3"), 12, PUBLISHED["92"])
    rest = PUBLISHED["9F48"] + b"\3" + static
    card = certified_key(opened(issuer, b"\3", PUBLISHED["9F46"], rest), 18, PUBLISHED["9F48"])

    def public(modulus):
        return RsaPublicKey(int.from_bytes(modulus, "big"), 3)

    made = signatures.rsa_issuer_certificate(
        Unsigned(len(authority)), bytes.fromhex("620522FF"), b"\x12\x20", bytes.fromhex("000293"), public(issuer)
    )
    assert made.value == recovered(authority, PUBLISHED["90"])
    assert (made.remainder, made.exponent) == (PUBLISHED["92"], b"\3")
    block = recovered(issuer, PUBLISHED["9F46"])
    made = signatures.rsa_card_certificate(
        Unsigned(len(issuer)), block[2:12], block[12:14], block[14:17], public(card), static
    )
    assert made.value == block
    assert made.remainder == PUBLISHED["9F48"]
    static_block = signatures.rsa_signed_static_data(Unsigned(len(issuer)), bytes.fromhex("DAC5"), static)
    assert static_block == recovered(issuer, PUBLISHED["93"])
    dynamic_block = signatures.rsa_signed_dynamic_data(Unsigned(len(card)), b"\0\7", PUBLISHED["9F37"])
    assert dynamic_block == recovered(card, PUBLISHED["9F4B"])


def objects(terminal: Terminal, start: str) -> tuple[dict[int, bytes], bytes]:
    """Every object that the list of files reaches, and the static data to be authenticated."""
    answer = tlv.parse(bytes.fromhex(start)[:-2])[0].value
    aip, afl = answer[:2], answer[2:]
    found, static = {}, b""
    for position in range(0, len(afl), 4):
        sfi, first, last, signed = afl[position : position + 4]
        for number in range(first, last + 1):
            record = tlv.parse(bytes.fromhex(terminal.send(f"00B2{number:02X}{sfi | 4:02X}00"))[:-2])[0]
            found.update((item.tag, item.value) for item in record.children)
            if number < first + signed:
                static += record.value
    assert found[0x9F4A] == b"\x82"
    return found, static + aip


@pytest.fixture
def rsa():
    """A started RSA card, its objects and the key of the card."""
    terminal = Terminal(load("debit"))
    terminal.select()
    found, static = objects(terminal, terminal.start())
    rest = found[0x92] + found[0x9F32]
    issuer = certified_key(opened(AUTHORITY, b"\3", found[0x90], rest), 12, found[0x92])
    rest = found[0x9F48] + found[0x9F47] + static
    content = opened(issuer, found[0x9F32], found[0x9F46], rest)
    return terminal, found, static, issuer, content


def test_rsa_chain_of_the_card(rsa):
    _, found, static, issuer, content = rsa
    assert content[:1] == b"\4"
    assert content[1:11] == found[0x5A]
    assert content[11:13] == b"\x12\x36"
    assert opened(issuer, b"\3", found[0x93], static)[:4] == bytes.fromhex("0301DAC5")
    assert found[0x8F] == b"\xc0"


def test_rsa_dynamic_signature(rsa):
    terminal, found, _, _, content = rsa
    card = certified_key(content, 18, found[0x9F48])
    answer = bytes.fromhex(terminal.send("0088000004A1B2C3D400"))[:-2]
    signed = opened(card, found[0x9F47], tlv.parse(answer)[0].value, bytes.fromhex("A1B2C3D4"))
    assert signed[:6] == bytes.fromhex("0501" + "03" + "020001")
    assert set(signed[6:]) == {0xBB}
    assert terminal.first(ARQC).cvr[-2:] == "02"


@pytest.mark.parametrize("second", [False, True])
def test_rsa_combined_signature(rsa, second):
    terminal, found, _, _, content = rsa
    card = certified_key(content, 18, found[0x9F48])
    values, pdol = terminal.cdol(), bytes.fromhex("00" + f"{100:012d}" + "0156")
    covered = pdol + bytes.fromhex(values)
    command = f"80AE900034{values}00"
    if second:
        terminal.first(ARQC)
        assert terminal.authenticate() == "9000"
        values = b"00".hex() + values
        covered += bytes.fromhex(values)
        command = f"80AE500036{values}00"
    answer = bytes.fromhex(terminal.send(command))[:-2]
    parts = tlv.parse(answer)[0].children
    assert [part.tag for part in parts] == [0x9F27, 0x9F36, 0x9F4B, 0x9F10]
    signed = opened(card, found[0x9F47], parts[2].value, bytes.fromhex("A1B2C3D4"))
    cid, counter, issuer_data = (parts[index].value for index in (0, 1, 3))
    covered += b"".join(part.to_bytes() for part in parts if part.tag != 0x9F4B)
    digest = hashlib.sha1(covered, usedforsecurity=False).digest()
    assert signed[2] == 32
    assert signed[3:7] == b"\2" + counter + cid
    assert signed[15:35] == digest
    assert cid == (b"\x40" if second else b"\x80")
    assert issuer_data[6] & 2


def test_combined_signature_is_never_on_an_aac(rsa):
    terminal = rsa[0]
    answer = bytes.fromhex(terminal.send(f"80AE100034{terminal.cdol()}00"))
    assert answer[0] == 0x80


def test_without_the_bit_of_the_aip_no_signature_is_made():
    terminal = Terminal(profile(payment={"path": {"ordinary": {"aip": "5C00"}}}))
    terminal.select()
    terminal.start()
    assert terminal.send("0088000004A1B2C3D400") == "6985"
    assert terminal.send(f"80AE900034{terminal.cdol()}00").startswith("80")


@pytest.mark.parametrize(
    ("command", "sw"),
    [("0088010004A1B2C3D400", "6A86"), ("0088000003A1B2C300", "6700"), ("0088000005A1B2C3D4E500", "6700")],
)
def test_malformed_internal_authenticate(rsa, command, sw):
    assert rsa[0].send(command) == sw


def test_internal_authenticate_needs_a_transaction():
    terminal = Terminal(load("debit"))
    terminal.select()
    assert terminal.send("0088000004A1B2C3D400") == "6985"


# SM2


@pytest.fixture
def sm():
    """A started SM2 card, its objects, and the public keys of issuer and card."""
    terminal = Terminal(load("debit-sm"))
    terminal.select()
    found, static = objects(terminal, terminal.start())
    return terminal, found, static, found[0x90][14:78], found[0x9F46][20:84]


def test_sm2_chain_of_the_card(sm):
    _, found, static, issuer, card = sm
    authority = sm2_public_key(bytes.fromhex(SM["CA_key"]["d"]))
    assert (len(found[0x90]), len(found[0x93]), len(found[0x9F46])) == (142, 67, 148)
    assert not {0x92, 0x9F32, 0x9F47, 0x9F48} & set(found)
    assert found[0x90][:14] == bytes.fromhex("12621498FF1236" + "000001" + "04001140")
    assert sm2_verify(authority, found[0x90][:78], found[0x90][78:])
    assert sm2_verify(issuer, found[0x93][:3] + static, found[0x93][3:])
    assert found[0x9F46][1:11] == found[0x5A]
    assert sm2_verify(issuer, found[0x9F46][:84] + static, found[0x9F46][84:])
    assert card == sm2_public_key(bytes.fromhex(SM["icc_key"]["d"]))


def test_sm2_dynamic_signature(sm):
    terminal, _, _, _, card = sm
    answer = bytes.fromhex(terminal.send("0088000004A1B2C3D400"))[:-2]
    signed = tlv.parse(answer)[0].value
    assert signed[:5] == bytes.fromhex("1503020001")
    assert len(signed) == 69
    assert sm2_verify(card, signed[:5] + bytes.fromhex("A1B2C3D4"), signed[5:])


@pytest.mark.parametrize("carries", [False, True])
def test_sm2_combined_signature(carries):
    of = profile("debit-sm", payment={"settings": {"cda_carries_unpredictable_number": carries}})
    terminal = Terminal(of)
    terminal.select()
    found, _ = objects(terminal, terminal.start())
    values, pdol = terminal.cdol(), bytes.fromhex("00" + f"{100:012d}" + "0156" + "01")
    parts = tlv.parse(bytes.fromhex(terminal.send(f"80AE900034{values}00"))[:-2])[0].children
    signed = parts[2].value
    assert len(signed) == (114 if carries else 110)
    covered = pdol + bytes.fromhex(values) + b"".join(part.to_bytes() for part in parts if part.tag != 0x9F4B)
    assert signed[:5] == bytes.fromhex("152C02") + parts[1].value
    assert signed[14:46] == sm3(covered)
    assert signed[46:-64] == (bytes.fromhex("A1B2C3D4") if carries else b"")
    public = found[0x9F46][20:84]
    assert sm2_verify(public, signed[:46] + bytes.fromhex("A1B2C3D4"), signed[-64:])


def test_certificates_can_be_made_again():
    assert load("debit-sm") == load("debit-sm")
    first, second = (Terminal(load("debit-sm")).card.snapshot() for _ in range(2))
    assert first == second


# Worked by the author of the specification, not published: also a key that its certificate pads with BB, and one above 1024 bits.
CHAINS = [RSA, *(chain for chain in WORKED_CHAINS.values() if isinstance(chain, dict))]


def pair(chain, key):
    return signatures.RsaCrtKey.of(int(chain[f"{key}_key"]["p"], 16), int(chain[f"{key}_key"]["q"], 16), 3)


def public(chain, key):
    return RsaPublicKey(int(chain[f"{key}_key"]["n"], 16), 3)


def shown(value):
    """Upper-case hexadecimal, None for nothing."""
    return value.hex().upper() or None


@pytest.mark.parametrize("chain", CHAINS, ids=["1408/1152/1024", "1408/1024/768", "1408/1408/1152"])
def test_worked_rsa_objects(chain):
    static, dates = bytes.fromhex(chain["static_data"]), (bytes.fromhex("1230"), bytes.fromhex("000001"))
    made = signatures.rsa_issuer_certificate(
        pair(chain, "CA"), bytes.fromhex("621498FF"), *dates, public(chain, "issuer")
    )
    assert [shown(value) for value in made] == [chain[tag] for tag in ("90", "92", "9F32")]
    made = signatures.rsa_card_certificate(
        pair(chain, "issuer"),
        bytes.fromhex("6214988660100000304F"),
        b"\x12\x29",
        bytes.fromhex("000002"),
        public(chain, "icc"),
        static,
    )
    assert [shown(value) for value in made] == [chain[tag] for tag in ("9F46", "9F48", "9F47")]
    assert shown(signatures.rsa_signed_static_data(pair(chain, "issuer"), b"\xda\xc5", static)) == chain["93"]
    for name, covered in (("dda", "9F37"), ("fdda_v01", "terminal_data")):
        number = bytes.fromhex("02" + chain["dda"]["ATC"])
        signed = signatures.rsa_signed_dynamic_data(pair(chain, "icc"), number, bytes.fromhex(chain[name][covered]))
        assert shown(signed) == chain[name]["9F4B"]


@pytest.mark.parametrize("chain", CHAINS, ids=["1408/1152/1024", "1408/1024/768", "1408/1408/1152"])
def test_worked_rsa_objects_at_the_terminal(chain):
    """Every object as the terminal of the harness verifies it, the hash of CDA too."""

    def value(tag):
        return bytes.fromhex(chain[tag] or "")

    static = value("static_data")
    issuer = certificates.certified_key(
        public(chain, "CA"), certificates.ISSUER, value("90"), value("92"), value("9F32"), b""
    )
    assert issuer.key == public(chain, "issuer")
    assert certificates.is_of_account(issuer.subject, chain["pan"])
    card = certificates.certified_key(
        issuer.key, certificates.CARD, value("9F46"), value("9F48"), value("9F47"), static
    )
    assert card.key == public(chain, "icc")
    assert card.subject.hex().rstrip("f") == chain["pan"]
    assert certificates.authentication_code(issuer.key, value("93"), static).hex() == "dac5"
    dda, combined = chain["dda"], chain["cda_first_gac"]
    number = bytes.fromhex(dda["9F37"])
    assert certificates.dynamic_data(card.key, bytes.fromhex(dda["9F4B"]), number).hex() == "02" + dda["ATC"].lower()
    signed = certificates.signed_cryptogram(card.key, bytes.fromhex(combined["9F4B"]), number)
    assert (shown(signed.value), shown(signed.number)) == (combined["AC"], dda["ATC"])
    covered = bytes.fromhex(combined["PDOL_values"] + combined["CDOL1_values"] + combined["tlvs_hashed"])
    assert certificates.transaction_hash(card.key, covered) == signed.digest


def test_offline_approval_with_signature(card):
    card.start()
    answer = bytes.fromhex(card.send(f"80AE500034{card.cdol()}00"))[:-2]
    assert tlv.parse(answer)[0].find(0x9F27).value == b"\x40"


def test_dynamic_number_without_its_length(make):
    card = make(payment={"settings": {"dda_number_has_length": False}}, product="debit-sm")
    card.start()
    assert card.send("0088000004A1B2C3D400")[4:12] == "15020001"


# Enciphered PIN, an option that part 5 of the standard leaves aside


def enciphered(terminal: Terminal, challenge: str, block: str = "26123456FFFFFFFF", header: str = "7F") -> str:
    """VERIFY with the card's public key: header ‖ PIN block ‖ challenge ‖ filler."""
    n = int(RSA["icc_key"]["n"], 16)
    plain = bytes.fromhex(header + block + challenge).ljust(128, b"\x5a")
    data = pow(int.from_bytes(plain, "big"), 3, n).to_bytes(128, "big")
    return terminal.send(f"0020008880{data.hex()}")


def test_enciphered_pin(make):
    card = make(payment={"settings": {"enciphered_pin": True}})
    card.start()
    challenge = card.send("0084000008")[:-4]
    assert enciphered(card, challenge) == "9000"
    assert enciphered(card, challenge) == "6985"
    challenge = card.send("0084000000")[:-4]
    card.data("9F36")
    assert enciphered(card, challenge) == "6985"
    assert card.data("9F17") == "03"
    challenge = card.send("0084000008")[:-4]
    assert enciphered(card, challenge, "26000000FFFFFFFF") == "63C2"
    card.send("0084000008")
    assert enciphered(card, "00" * 8) == "63C1"
    challenge = card.send("0084000008")[:-4]
    assert enciphered(card, challenge, header="7E") == "63C0"
    assert card.first().cvr == "03A64000"
