"""Offline data authentication at the terminal: a published chain, a foreign SM2 library, and cards that were tampered with."""

from datetime import date

import gmalg
import pytest

from conformance.actors.bank import Settlement
from conformance.actors.terminal import Reason, certificates, published_authority_keys
from conformance.actors.terminal.certificates import CARD, ISSUER, Unsigned
from conformance.actors.terminal.events import Exchanged
from emulator.crypto.rsa import RsaPublicKey
from emulator.iso7816 import tlv
from tests.payment.vectors import CHAIN

from .bench import GENERATE_AC, READ_RECORD, bench, seasoned

PRODUCTS = pytest.mark.parametrize("product", ["debit", "debit-sm"])
STATIC_ONLY, DYNAMIC_TOO = bytes.fromhex("E0E980"), bytes.fromhex("E0E9C0")


def published(tag):
    return bytes.fromhex(CHAIN[tag])


def published_issuer():
    authority = RsaPublicKey(int(CHAIN["CA"], 16), 3)
    return certificates.certified_key(authority, ISSUER, published("90"), published("92"), published("9F32"), b"")


def test_published_chain_is_right():
    """Names and numbers that the publisher gives: issuer 620522FF until 12/20, serial 000293, DAC DAC5, number 0007."""
    issuer = published_issuer()
    assert (issuer.subject.hex(), issuer.expiry.hex(), issuer.serial.hex()) == ("620522ff", "1220", "000293")
    static = published("static")
    card = certificates.certified_key(issuer.key, CARD, published("9F46"), published("9F48"), published("9F47"), static)
    assert card.subject.hex() == "620522000000000939ff"
    assert certificates.authentication_code(issuer.key, published("93"), static).hex() == "dac5"
    assert certificates.dynamic_data(card.key, published("9F4B"), published("9F37"))[-2:].hex() == "0007"


@pytest.mark.parametrize("tag", ["90", "92", "9F32"])
def test_published_chain_with_a_wrong_bit_is_not(tag):
    changed = {name: published(name) for name in ("90", "92", "9F32")}
    changed[tag] = bytes((changed[tag][0] ^ 4,)) + changed[tag][1:]
    authority = RsaPublicKey(int(CHAIN["CA"], 16), 3)
    with pytest.raises(Unsigned):
        certificates.certified_key(authority, ISSUER, changed["90"], changed["92"], changed["9F32"], b"")


def foreign_signature(signer, message):
    """r‖s made by gmalg."""
    sm2 = gmalg.SM2(bytes.fromhex(signer), b"1234567812345678")
    r, s = sm2.sign(message)
    return bytes(r).rjust(32, b"\0") + bytes(s).rjust(32, b"\0")


SIGNER = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
POINT = bytes.fromhex(
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
"""Key pair of the signature example of GM/T 0003.5."""


def test_sm2_objects_signed_by_another_library():
    head = bytes.fromhex("12 621498FF 1236 000001 04001140") + POINT
    issuer = certificates.certified_key(POINT, ISSUER, head + foreign_signature(SIGNER, head), b"", b"", b"")
    assert (issuer.subject.hex(), issuer.key) == ("621498ff", POINT)
    static = b"static data"
    head = bytes.fromhex("14 6214988660100000304F 1236 000002 04001140") + POINT
    signature = foreign_signature(SIGNER, head + static)
    assert certificates.certified_key(POINT, CARD, head + signature, b"", b"", static).serial.hex() == "000002"
    with pytest.raises(Unsigned):
        certificates.certified_key(POINT, CARD, head + signature, b"", b"", static + b"!")
    signed = bytes.fromhex("13DAC5")
    code = certificates.authentication_code(POINT, signed + foreign_signature(SIGNER, signed + static), static)
    assert code.hex() == "dac5"


@pytest.mark.parametrize("carried", [b"", bytes.fromhex("A1B2C3D4")])
def test_sm2_dynamic_data_with_and_without_the_terminal_data(carried):
    """Part 17 can be read both ways."""
    content = bytes.fromhex("1503 020007")
    signature = foreign_signature(SIGNER, content + bytes.fromhex("A1B2C3D4"))
    found = certificates.dynamic_data(POINT, content + carried + signature, bytes.fromhex("A1B2C3D4"))
    assert found.hex() == "020007"


@pytest.mark.parametrize(
    ("expiry", "today", "expired"),
    [
        ("1226", date(2026, 12, 31), False),
        ("1226", date(2027, 1, 1), True),
        ("0228", date(2028, 2, 29), False),
        ("1326", date(2026, 1, 1), True),
        ("0026", date(2026, 1, 1), True),
        ("AAAA", date(2026, 1, 1), True),
    ],
)
def test_certificates_end_with_their_month(expiry, today, expired):
    assert certificates.is_expired(bytes.fromhex(expiry), today) is expired


@pytest.mark.parametrize(
    ("identifier", "fits"),
    [
        ("621498FF", True),
        ("621FFFFF", True),
        ("62149886", True),
        ("62FFFFFF", False),
        ("FFFFFFFF", False),
        ("6214A8FF", False),
    ],
)
def test_issuer_identifier_begins_the_account_number(identifier, fits):
    assert certificates.is_of_account(bytes.fromhex(identifier), "6214988660100000304") is fits


@PRODUCTS
@pytest.mark.parametrize(
    ("capabilities", "tvr", "tsi"),
    [
        (STATIC_ONLY, "0000000000", "e800"),
        (DYNAMIC_TOO, "0000000000", "e800"),
        (bytes.fromhex("E0E900"), "8000000000", "6800"),
    ],
)
def test_other_methods(product, capabilities, tvr, tsi):
    result = seasoned(product).pay(100, configuration={"capabilities": capabilities})
    assert result.tvr.hex() == tvr
    assert int(result.tsi.hex(), 16) & 0xE800 == int(tsi, 16)


def altered(tag, change):
    """Change the value of an object in the records; None takes it out."""

    def alter(command, answer):
        if command.ins != READ_RECORD or command.p2 & 7 != 4 or not answer.data.startswith(b"\x70"):
            return None
        objects = tlv.parse(answer.data)[0].children
        if all(each.tag != tag for each in objects):
            return None
        kept = [(each.tag, change(each.value) if each.tag == tag else each.value) for each in objects]
        return answer._replace(data=tlv.build(0x70, *(tlv.build(t, value) for t, value in kept if value is not None)))

    return alter


def flipped(value):
    return bytes((value[0] ^ 1,)) + value[1:]


def last_flipped(value):
    return value[:-1] + bytes((value[-1] ^ 1,))


def gone(value):
    return None


METHODS = {"SDA": (STATIC_ONLY, 0x40), "DDA": (DYNAMIC_TOO, 0x08), "CDA": (bytes.fromhex("E0E9C8"), 0x04)}


@pytest.mark.requirement("PAY-TRM-008", "PAY-TRM-009")
@PRODUCTS
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("change", [flipped, last_flipped, gone])
def test_issuer_certificate_that_is_wrong_or_missing(product, method, change):
    capabilities, bit = METHODS[method]
    result = seasoned(product).pay(100, change=altered(0x90, change), configuration={"capabilities": capabilities})
    assert result.tvr[0] == bit | (0x20 if change is gone else 0)
    assert result.tsi[0] & 0x80
    assert result.reason is Reason.APPROVED_ONLINE


@pytest.mark.requirement("PAY-TRM-008")
@PRODUCTS
@pytest.mark.parametrize(
    ("tag", "method", "tvr"),
    [
        (0x93, "SDA", 0x40),
        (0x9F46, "DDA", 0x08),
        (0x9F46, "CDA", 0x04),
        (0x5F20, "CDA", 0x04),
        (0x9F07, "SDA", 0x40),
        (0x9F4A, "CDA", 0x04),
    ],
)
def test_signed_objects_that_were_changed(product, tag, method, tvr):
    capabilities, _ = METHODS[method]
    result = seasoned(product).pay(100, change=altered(tag, last_flipped), configuration={"capabilities": capabilities})
    assert result.tvr[0] == (0 if tag == 0x5F20 else tvr)


@pytest.mark.requirement("PAY-TRM-009")
@PRODUCTS
@pytest.mark.parametrize(("tag", "method"), [(0x93, "SDA"), (0x9F46, "DDA"), (0x9F46, "CDA"), (0x8F, "CDA")])
def test_objects_that_are_missing(product, tag, method):
    capabilities, bit = METHODS[method]
    result = seasoned(product).pay(100, change=altered(tag, gone), configuration={"capabilities": capabilities})
    assert result.tvr[0] == bit | 0x20


@PRODUCTS
def test_index_of_an_unknown_authority(product):
    assert seasoned(product).pay(100, change=altered(0x8F, lambda value: b"\x55")).tvr[0] == 0x04


@pytest.mark.parametrize("tag", [0x9F32, 0x9F47])
def test_missing_exponents_of_rsa(tag):
    assert seasoned().pay(100, change=altered(tag, gone)).tvr[0] == 0x24


@PRODUCTS
def test_unknown_authority_and_revoked_certificate(product):
    made = seasoned(product)
    assert made.pay(100, configuration={"authority_keys": ()}).tvr[0] == 0x04
    index = 0xC0 if product == "debit" else 0xC1
    revoked = frozenset({(bytes.fromhex("A000000333"), index, bytes.fromhex("000001"))})
    assert made.pay(100, configuration={"revoked": revoked}).tvr[0] == 0x04


def wrong_signature(command, answer):
    if command.ins != GENERATE_AC or not answer.data.startswith(b"\x77"):
        return None
    objects = [(each.tag, each.value) for each in tlv.parse(answer.data)[0].children]
    parts = [tlv.build(tag, last_flipped(value) if tag == 0x9F4B else value) for tag, value in objects]
    return answer._replace(data=tlv.build(0x77, *parts))


def changed_information(command, answer):
    """The issuer data are another's: the hash of the signature does not fit."""
    if command.ins != GENERATE_AC or not answer.data.startswith(b"\x77"):
        return None
    objects = [(each.tag, each.value) for each in tlv.parse(answer.data)[0].children]
    parts = [tlv.build(tag, last_flipped(value) if tag == 0x9F10 else value) for tag, value in objects]
    return answer._replace(data=tlv.build(0x77, *parts))


@pytest.mark.requirement("PAY-TRM-011")
@PRODUCTS
@pytest.mark.parametrize("change", [wrong_signature, changed_information])
def test_wrongly_signed_cryptogram_is_declined(product, change):
    made = seasoned(product)
    offline = made.pay(100, change=change)
    assert (offline.reason, offline.response_code, offline.tvr[0]) == (Reason.SIGNATURE_WRONG, "Z1", 0x04)
    assert offline.clearing is None
    balance = made.account.balance
    online = made.pay(100, change=change, force_online=True)
    assert (online.reason, online.cryptogram.kind.name, online.tvr[0]) == (Reason.SIGNATURE_WRONG, "AAC", 0x04)
    assert made.account.balance == balance


@PRODUCTS
def test_approval_whose_second_signature_is_wrong_is_reversed(product):
    made = bench(product)
    seen = []

    def second_only(command, answer):
        if command.ins == GENERATE_AC:
            seen.append(command)
        return wrong_signature(command, answer) if len(seen) == 2 else None

    result = made.pay(100, change=second_only)
    assert result.reason is Reason.SIGNATURE_WRONG
    assert made.account.balance == 500_000


@pytest.mark.requirement("PAY-TRM-011")
@PRODUCTS
def test_cryptogram_without_the_signature_that_was_asked_for(product):
    def unsigned(command, answer):
        if command.ins != GENERATE_AC:
            return None
        body = bytes.fromhex("40 0002 1122334455667788 07010103900000") + b"\x01"
        return answer._replace(data=tlv.build(0x80, body))

    result = seasoned(product).pay(100, change=unsigned)
    assert (result.reason, result.tvr[0]) == (Reason.SIGNATURE_WRONG, 0x04)


def test_sm_card_at_a_terminal_without_sm_keys_may_still_go_online():
    """One without SM algorithms knows no SM2 key, whatever it was given."""
    for keys in ({}, {"authority_keys": tuple(key for key in published_authority_keys() if not key.is_sm2)}):
        result = seasoned("debit-sm").pay(100, configuration={"supports_sm": False, **keys})
        assert (result.reason, result.tvr[0]) == (Reason.APPROVED_ONLINE, 0x04)


@pytest.mark.parametrize(
    ("product", "sm", "identifier", "index"),
    [
        ("debit-dual", True, 4, 0xC1),
        ("debit-dual", False, 1, 0xC2),
        ("ssc3-sm4", True, 4, 0xC1),
        ("ssc3-sm4", False, 1, 0xC0),
    ],
)
@pytest.mark.parametrize("capabilities", [STATIC_ONLY, DYNAMIC_TOO, bytes.fromhex("E0E9C8")])
def test_dual_card_is_authenticated_with_the_algorithms_of_the_terminal(product, sm, identifier, index, capabilities):
    """JR/T 0025.17 §10: the terminal tells by DF69 what it has, finds the authority by 8F, and the bank the keys by 9F10."""
    made = seasoned(product)
    terminal = {"supports_sm": sm, "capabilities": capabilities}
    result = made.pay(1000, e_cash=True, configuration=terminal)
    assert (result.reason, result.tvr[0]) == (Reason.APPROVED_OFFLINE, 0)
    assert result.cryptogram.issuer_data[7] == identifier
    assert read_index(result) == index
    assert made.bank.clear(result.clearing) is Settlement.SETTLED
    online = made.load(10_000, configuration=terminal)
    assert (online.reason, online.tvr, online.balance) == (Reason.APPROVED_ONLINE, bytes(5), 29_000)
    assert online.script_results[0][0] >> 4 == 2


def read_index(result):
    """8F as the records of the card showed it."""
    for event in result.events:
        if isinstance(event, Exchanged) and event.command[1] == READ_RECORD:
            found = tlv.find(tlv.parse(event.response[:-2]), 0x70, 0x8F)
            if found is not None:
                return found.value[0]
    return None
