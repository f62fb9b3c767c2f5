"""What is published of JR/T 0025, by the card's formulas, the bank's and the terminal's, and by OpenSSL.

Public are the cryptograms of two examples, the objects of one card and the certificate of one more issuer. No SM2 object of a card
is public: SM2 is pinned by the example of GM/T 0003.5 (`tests/crypto`) and by gmalg. No answer to an SM4 cryptogram is either.
"""

import json
from pathlib import Path

import pytest

from conformance.actors.bank import IssuerKeys
from conformance.actors.terminal import certificates, published_authority_keys
from conformance.actors.terminal.certificates import ISSUER
from conformance.actors.terminal.configuration import PBOC_RID, AuthorityKey
from emulator.crypto import Algorithm
from emulator.crypto import payment as crypto
from emulator.crypto.rsa import RsaPublicKey
from emulator.iso7816 import tlv
from profiles import load
from profiles.payment_keys import rsa_test_keys

from . import issuer
from .openssl import recover
from .oracle import certified_key, opened
from .terminal import Terminal
from .test_data_authentication import objects
from .vectors import CHAIN, PBOC_3DES, PBOC_SM4

PUBLISHED = json.loads(Path(__file__).with_name("published.json").read_text())
AUTHORITIES = PUBLISHED["authority_keys"]["keys"]
DES, SM = Algorithm.DES3, Algorithm.SM4

pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")  # of pyemv


def published(tag: str) -> bytes:
    return bytes.fromhex(CHAIN[tag])


@pytest.mark.parametrize("index", AUTHORITIES)
def test_check_values_of_authority_keys(index):
    """Keys of 1024 to 1984 bits."""
    key = AUTHORITIES[index]
    public = RsaPublicKey(int(key["modulus"], 16), int(key["exponent"], 16))
    assert public.n.bit_length() == key["bits"]
    assert AuthorityKey(PBOC_RID, int(index, 16), public).check_value.hex().upper() == key["sha1"]


def test_certificate_of_another_issuer():
    """Only the certificate is public, not the remainder of its key: header, format, names and trailer can be seen, no hash."""
    authority = AUTHORITIES[PUBLISHED["certificate"]["index"]]
    certificate = bytes.fromhex(PUBLISHED["certificate"]["90"])
    modulus = bytes.fromhex(authority["modulus"])
    block = RsaPublicKey(int(authority["modulus"], 16), 3).recover(certificate)
    assert block == recover(modulus, b"\3", certificate)
    assert block.hex().upper().startswith(PUBLISHED["certificate"]["begins"])
    assert block[-1] == 0xBC
    assert block[13] > len(block) - 36


def test_openssl_recovers_what_the_terminal_recovers():
    """The four objects of the published chain: blocks by OpenSSL, content and hash as the terminal checks them."""
    authority = published("CA")
    found = certificates.certified_key(
        RsaPublicKey(int.from_bytes(authority), 3), ISSUER, published("90"), published("92"), published("9F32"), b""
    )
    issuer_key = found.key.n.to_bytes(found.key.size)
    assert (
        recover(authority, b"\3", published("90"))[15 : 15 + len(authority) - 36] == issuer_key[: len(authority) - 36]
    )
    card = certified_key(
        opened(issuer_key, b"\3", published("9F46"), published("9F48") + b"\3" + published("static")),
        18,
        published("9F48"),
    )
    for key, tag, kind in ((issuer_key, "9F46", 4), (issuer_key, "93", 3), (card, "9F4B", 5)):
        block = recover(key, b"\3", published(tag))
        assert (block[0], block[1], block[-1]) == (0x6A, kind, 0xBC)
        n = int.from_bytes(key)
        assert block == RsaPublicKey(n, 3).recover(published(tag))


@pytest.mark.parametrize("name", ["AC", "MAC", "ENC"])
def test_keys_of_the_triple_des_example(name):
    """Worked on the published master keys by the author of the specification, and by pyemv and OpenSSL."""
    master, counter = bytes.fromhex(PBOC_3DES[name]), bytes.fromhex(PBOC_3DES["ATC"])
    udk = crypto.card_key(DES, master, PBOC_3DES["PAN"], PBOC_3DES["PSN"])
    worked = PUBLISHED["worked_on_3des"]
    with_parity = issuer.card_key("3DES", master, PBOC_3DES["PAN"], PBOC_3DES["PSN"])
    assert [byte | 1 for byte in udk] == [byte | 1 for byte in bytes.fromhex(worked["UDK"][name])]
    assert [byte | 1 for byte in udk] == [byte | 1 for byte in with_parity]
    session = crypto.session_key(DES, udk, counter)
    assert [byte | 1 for byte in session] == [byte | 1 for byte in bytes.fromhex(worked["SK"][name])]
    assert session == issuer.session_key("3DES", master, PBOC_3DES["PAN"], PBOC_3DES["PSN"], counter)


@pytest.mark.parametrize(("algorithm", "example"), [("3DES", PBOC_3DES), ("SM4", PBOC_SM4)])
def test_published_cryptograms_by_the_second_libraries(algorithm, example):
    """The libraries that judge the card below agree with the publishers."""
    counter = bytes.fromhex(example["ATC"])
    key = issuer.session_key(algorithm, bytes.fromhex(example["AC"]), example["PAN"], example["PSN"], counter)
    request = issuer.cryptogram(algorithm, key, bytes.fromhex(example["input"]))
    assert request.hex().upper() == example["ARQC"]
    answer = issuer.response_cryptogram(algorithm, key, request, example["ARC"].encode())
    if "ARPC" in example:
        assert answer.hex().upper() == example["ARPC"]
    else:
        assert key.hex().upper() == example["SK"]
        assert answer.hex().upper() == PUBLISHED["worked_on_sm4"]["ARPC"]


@pytest.mark.parametrize(("algorithm", "example"), [(DES, PBOC_3DES), (SM, PBOC_SM4)])
def test_bank_has_the_keys_of_the_examples(algorithm, example):
    keys = IssuerKeys(algorithm, *(bytes.fromhex(example.get(name, "00" * 16)) for name in ("AC", "MAC", "ENC")))
    session = keys.transaction(example["PAN"], example["PSN"], {0x9F36: bytes.fromhex(example["ATC"])})
    code = example["ARC"]
    answer = session.response_cryptogram(bytes.fromhex(example["ARQC"]), code)
    assert answer.hex().upper() == example.get("ARPC", PUBLISHED["worked_on_sm4"]["ARPC"])
    if algorithm is DES:
        assert session.mac.hex().upper() == PUBLISHED["worked_on_3des"]["SK"]["MAC"]


# The test cards, by OpenSSL


@pytest.mark.parametrize(("product", "sizes"), [("debit", (1408, 1152, 1024)), ("debit-dual", (1984, 1984, 1152))])
def test_chain_of_a_card_by_openssl(product, sizes):
    """Every RSA object of a card: keys of up to 1984 bits, exponents 3 and 65537, with and without remainder."""
    terminal = Terminal(load(product))
    terminal.select()
    found, static = objects(terminal, terminal.start())
    keys = rsa_test_keys(sizes[0])
    moduli = [(key.p * key.q).to_bytes(bits // 8) for key, bits in zip(keys[1:], sizes, strict=True)]
    authority, issuing, card = moduli
    exponents = [key.e.to_bytes((key.e.bit_length() + 7) // 8) for key in keys[1:]]

    def content(number: int, signature: bytes, rest: bytes) -> bytes:
        """By OpenSSL, and by the few lines of the oracle, which check the hash."""
        shown = opened(moduli[number], exponents[number], signature, rest)
        assert recover(moduli[number], exponents[number], signature)[1:-21] == shown
        return shown

    remainder, exponent = found.get(0x92, b""), found[0x9F32]
    shown = content(0, found[0x90], remainder + exponent)
    assert certified_key(shown, 12, remainder) == issuing
    assert exponent == exponents[1]
    assert bool(remainder) is (len(issuing) > len(authority) - 36)
    remainder, exponent = found.get(0x9F48, b""), found[0x9F47]
    shown = content(1, found[0x9F46], remainder + exponent + static)
    assert certified_key(shown, 18, remainder) == card
    assert exponent == exponents[2]
    assert bool(remainder) is (len(card) > len(issuing) - 42)
    assert content(1, found[0x93], static)[2:4].hex() == "dac5"
    answer = bytes.fromhex(terminal.send("0088000004A1B2C3D400"))[:-2]
    signed = content(2, tlv.parse(answer)[0].value, bytes.fromhex("A1B2C3D4"))
    assert signed[3:6] == b"\2\0\1"
    parts = tlv.parse(bytes.fromhex(terminal.send(f"80AE900034{terminal.cdol()}00"))[:-2])[0].children
    assert content(2, parts[2].value, bytes.fromhex("A1B2C3D4"))[6:7] == parts[0].value
    assert published_authority_keys()[0 if product == "debit" else 1].key.n == int.from_bytes(authority)
