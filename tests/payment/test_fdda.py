"""fDDA of both versions, checked with the terminal's side of JR/T 0025.7 §5 and a second library for SM2: rows FDD."""

import pytest

from emulator.apps.payment.application import private_key_cell
from emulator.apps.payment.signatures import key_to_bytes
from emulator.crypto.payment_signatures import rsa_signed_dynamic_data
from emulator.crypto.rsa import RsaCrtKey, generate
from tests.crypto.oracle import sm2_public_key, sm2_verify

from .antenna import TC, Antenna, Tap, antenna
from .oracle import certified_key, opened
from .vectors import WORKED

RSA, SM = WORKED["rsa_chain_ca1408_issuer1152_icc1024"], WORKED["sm2_chain"]
VERSION_00, VERSION_01 = "27000000", "27000080"
DYNAMIC = bytes.fromhex("03" + "02" + "0001")
"""Length of the dynamic data, length of the dynamic number, and the transaction counter."""


def verify(scheme: str, found: dict[int, bytes], aip: bytes, static: bytes, terminal_data: bytes) -> bool:
    """The whole chain as a terminal checks it: authority, issuer, card, signature."""
    signature = found[0x9F4B]
    if scheme == "SM2":
        issuer, card = found[0x90][14:78], found[0x9F46][20:84]
        authority = sm2_public_key(bytes.fromhex(SM["CA_key"]["d"]))
        assert sm2_verify(authority, found[0x90][:78], found[0x90][78:])
        assert sm2_verify(issuer, found[0x9F46][:84] + static + aip, found[0x9F46][84:])
        assert signature[:5] == b"\x15" + DYNAMIC
        return bool(sm2_verify(card, signature[:5] + terminal_data, signature[5:]))
    authority = bytes.fromhex(RSA["CA_key"]["n"])
    content = opened(authority, b"\3", found[0x90], found[0x92] + found[0x9F32])
    issuer = certified_key(content, 12, found[0x92])
    rest = found[0x9F48] + found[0x9F47] + static + aip
    card = certified_key(opened(issuer, found[0x9F32], found[0x9F46], rest), 18, found[0x9F48])
    return signed_by(card, found[0x9F47], signature, terminal_data)


def signed_by(modulus: bytes, exponent: bytes, signature: bytes, terminal_data: bytes) -> bool:
    try:
        content = opened(modulus, exponent, signature, terminal_data)
    except AssertionError:
        return False
    assert content[:6] == bytes.fromhex("0501") + DYNAMIC
    assert set(content[6:]) == {0xBB}
    return True


def whole(card: Antenna, tap: Tap) -> tuple[dict[int, bytes], bytes]:
    """Objects of answer and records, and the content of the authenticated record."""
    (signed,) = [place for place in tap.places if place == (3, 1)]
    record = card.record(signed)
    return {**tap.objects, **card.read(tap)}, record[2 if record[1] < 0x80 else 3 :]


@pytest.fixture(params=["RSA", "SM2"])
def scheme(request):
    return request.param


def card_of(scheme: str) -> Antenna:
    return antenna("debit" if scheme == "RSA" else "debit-sm")


@pytest.mark.parametrize("ttq", [VERSION_00, VERSION_01])
def test_signature_of_the_version_that_the_terminal_wants(scheme, ttq):
    """Rows PAY-FDD-001, 002, 006, 007; a changed qualifier, amount or currency shows in version 01 (row 008)."""
    card = card_of(scheme)
    tap = card.tap(1234, ttq=ttq)
    found, static = whole(card, tap)
    assert found[0x9F08] == b"\0\x30"
    assert tap.objects[0x82][0] & 0x20
    number, amount, currency = (card.sent[tag] for tag in ("9F37", "9F02", "5F2A"))

    def holds(data: bytes) -> bool:
        return verify(scheme, found, tap.objects[0x82], static, data)

    if ttq == VERSION_00:
        assert 0x9F69 not in found
        assert holds(number)
        assert not holds(number + amount + currency)
        return
    own = found[0x9F69]
    assert holds(number + amount + currency + own)
    assert not holds(number)
    assert not holds(number + bytes(6) + currency + own)
    assert not holds(number + amount + b"\x03\x44" + own)
    assert not holds(number + amount + currency + own[:5] + b"\x40\0" + own[7:])
    assert not holds(b"\0\0\0\0" + amount + currency + own)


@pytest.mark.parametrize(("ttq", "qualifiers"), [("23400080", "4000"), ("27000080", "0000")])
def test_card_authentication_data(scheme, ttq, qualifiers):
    """Rows PAY-FDD-003 to 005: a fresh number, the qualifiers of this transaction, no extended application."""
    card = card_of(scheme)
    seen = set()
    for _ in range(2):
        tap = card.tap(ttq=ttq)
        assert tap.kind == TC
        assert tap.value(0x9F6C) == qualifiers
        own = card.read(tap)[0x9F69]
        assert (own[:1], own[5:].hex()) == (b"\1", qualifiers + "00")
        seen.add(own[1:5])
    assert len(seen) == 2


def test_card_authentication_data_without_qualifiers():
    card = antenna()
    card.card.memory.cells.pop("contactless:DEBIT:9F6C")
    tap = card.tap()
    assert 0x9F6C not in tap.objects
    assert card.read(tap)[0x9F69][5:] == bytes(3)


def test_a_long_key_signs_in_a_record():
    """Row PAY-QPB-049: with more than 1024 bits 9F4B and 9F5D are not in the answer but in an unsigned record."""
    card = antenna()
    private, public = generate(1152)
    card.card.memory.commit({private_key_cell("DEBIT"): key_to_bytes(private)})
    tap = card.tap()
    assert not {0x9F4B, 0x9F5D} & set(tap.objects)
    static = card.record((3, 1))
    found = card.read(tap)
    assert card.record((3, 1)) == static
    assert found[0x9F5D].hex() == "000000019900"
    assert {0x9F74, 0x9F69} == {0x9F74, 0x9F69} & set(found)
    data = b"".join(card.sent[tag] for tag in ("9F37", "9F02", "5F2A")) + found[0x9F69]
    modulus = public.n.to_bytes(144, "big")
    assert signed_by(modulus, public.e.to_bytes(3, "big"), found[0x9F4B], data)
    assert max(len(card.record(place)) for place in tap.places) <= 254


@pytest.mark.parametrize("version", ["fdda_v00", "fdda_v01"])
def test_worked_rsa_signature(version):
    """Worked by the author of the reconstructed specification: weaker evidence."""
    key, item = RSA["icc_key"], RSA[version]
    private = RsaCrtKey(*(int(key[name], 16) for name in ("p", "q", "dp", "dq", "qinv")))
    made = rsa_signed_dynamic_data(private, bytes.fromhex("020007"), bytes.fromhex(item["terminal_data"]))
    assert made.hex().upper() == item["9F4B"]
