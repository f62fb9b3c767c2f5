"""The bank alone: published vectors, repeated and forged requests, the books."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.actors.bank import (
    AuthorisationRequest,
    Bank,
    ChipDataError,
    ClearingRecord,
    Code,
    Completion,
    IssuerData,
    IssuerDataError,
    IssuerKeys,
    Ledger,
    Reversal,
    Settlement,
    TransactionKind,
    pin_blocks,
    scripts,
)
from conformance.actors.bank.field_55 import read_chip_data
from emulator.crypto import Algorithm, CryptoError, decrypt_ecb
from emulator.iso7816 import tlv
from tests.payment.vectors import PBOC_3DES, PBOC_SM4, WORKED

TERMINAL_TAGS = ((0x9F02, 6), (0x9F03, 6), (0x9F1A, 2), (0x95, 5), (0x5F2A, 2), (0x9A, 3), (0x9C, 1), (0x9F37, 4))


def chip_data(example, issuer_data, **changes):
    """Field 55 of a published example; ``changes`` by tag."""
    raw = bytes.fromhex(example["input"])
    values, at = {}, 0
    for tag, length in TERMINAL_TAGS:
        values[tag] = raw[at : at + length]
        at += length
    values |= {
        0x82: bytes.fromhex(example["AIP"]),
        0x9F36: bytes.fromhex(example["ATC"]),
        0x9F10: issuer_data,
        0x9F26: bytes.fromhex(example["ARQC"]),
        0x9F27: b"\x80",
    }
    values |= {int(tag, 16): bytes.fromhex(value) for tag, value in changes.items()}
    return b"".join(tlv.build(tag, value) for tag, value in values.items() if value)


IAD_3DES = bytes.fromhex(PBOC_3DES["IAD"])
IAD_SM4 = bytes.fromhex("0700 0103A00000 04")
KEYS_3DES = IssuerKeys(Algorithm.DES3, *(bytes.fromhex(PBOC_3DES[name]) for name in ("AC", "MAC", "ENC")))
KEYS_SM4 = IssuerKeys(Algorithm.SM4, bytes.fromhex(PBOC_SM4["AC"]), bytes(16), bytes(16))
EXAMPLES = [
    (KEYS_3DES, PBOC_3DES, IAD_3DES),
    (KEYS_SM4, PBOC_SM4, IAD_SM4),
]


@pytest.mark.parametrize(("keys", "example", "issuer_data"), EXAMPLES)
def test_published_cryptograms_are_genuine(keys, example, issuer_data):
    data = read_chip_data(chip_data(example, issuer_data))
    session = keys.transaction(example["PAN"], example["PSN"], data)
    assert session.is_genuine(data)
    assert session.cryptogram(data).hex().upper() == example["ARQC"]
    if "ARPC" in example:
        assert session.response_cryptogram(data[0x9F26], example["ARC"]).hex().upper() == example["ARPC"]


def test_published_balance_and_its_mac():
    """IDD of the published example: id 01, balance 10.00, MAC D1F61152."""
    data = read_chip_data(chip_data(PBOC_3DES, IAD_3DES))
    session = KEYS_3DES.transaction(PBOC_3DES["PAN"], PBOC_3DES["PSN"], data)
    assert session.balance(IssuerData.parse(IAD_3DES)) == 1000
    assert session.balance(IssuerData.parse(IAD_3DES[:-1] + b"\x00")) is None


@pytest.mark.parametrize("algorithm", ["3des", "sm4"])
def test_script_commands_as_worked_elsewhere(algorithm):
    """Weaker evidence: worked by the author of the reconstructed specification, not published."""
    example = WORKED[f"symmetric_{algorithm}"]
    keys = IssuerKeys(
        Algorithm(example["algorithm"]), *(bytes.fromhex(example["IMK"][name]) for name in ("AC", "MAC", "ENC"))
    )
    session = keys.transaction(example["pan"], example["psn"], {0x9F36: bytes.fromhex(example["ATC"])})
    cryptogram = bytes.fromhex(example["cvn01"]["AC"])
    orders = [
        scripts.block_application(),
        scripts.unblock_application(),
        scripts.block_card(),
        scripts.unblock_pin(),
        scripts.put_balance(50_000),
    ]
    made = [order.command(session, cryptogram).hex().upper() for order in orders]
    assert made == [each["apdu"] for each in example["scripts"][: len(orders)]]
    changes = example["pin_change"]
    assert scripts.change_pin("888888").command(session, cryptogram).hex().upper() == changes["P2_02_888888"]["apdu"]
    made_with_current = scripts.change_pin("888888", "1234").command(session, cryptogram).hex().upper()
    assert made_with_current == changes["P2_01_1234_to_888888"]["apdu"]


# Requests


@pytest.fixture
def bank():
    made = Bank(KEYS_3DES, KEYS_SM4)
    made.open_account(PBOC_3DES["PAN"], PBOC_3DES["PSN"], balance=5000, e_cash=1000)
    return made


REQUEST = AuthorisationRequest(
    "1", TransactionKind.PURCHASE, PBOC_3DES["PAN"], PBOC_3DES["PSN"], 1, "0156", chip_data(PBOC_3DES, IAD_3DES)
)
"""A purchase of 0.01 with the published cryptogram."""
PAN, PSN = PBOC_3DES["PAN"], PBOC_3DES["PSN"]


def test_published_request_is_approved_with_the_published_kind_of_answer(bank):
    answer = bank.authorise(REQUEST)
    assert (answer.code, answer.scripts) == ("00", b"")
    assert answer.issuer_authentication[8:] == b"00"
    assert bank.account(PAN, PSN).balance == 4999


def test_repeated_request_gets_the_same_answer_and_moves_nothing(bank):
    assert bank.authorise(REQUEST) == bank.authorise(REQUEST)
    assert bank.account(PAN, PSN).balance == 4999


def test_other_content_under_the_same_number_is_refused(bank):
    bank.authorise(REQUEST)
    assert bank.authorise(replace(REQUEST, amount=2)).code == Code.DUPLICATE


def test_the_same_cryptogram_under_another_number_is_refused(bank):
    bank.authorise(REQUEST)
    answer = bank.authorise(replace(REQUEST, number="2"))
    assert (answer.code, answer.issuer_authentication) == (Code.DO_NOT_HONOUR, b"")
    assert bank.account(PAN, PSN).balance == 4999


FORGED = {
    "9F02": "000000000002",
    "9F03": "000000000001",
    "95": "0000000000",
    "9F37": "00000000",
    "9F36": "0241",
    "82": "7C00",
    "9F26": "5D016C91005E7CC3",
    "9F10": "07000103A04000010A010000001000D1F61152",
}


@pytest.mark.parametrize("tag", FORGED)
def test_forged_data_get_neither_money_nor_arpc(bank, tag):
    forged = chip_data(PBOC_3DES, IAD_3DES, **{tag: FORGED[tag]})
    answer = bank.authorise(replace(REQUEST, chip_data=forged))
    assert (answer.code, answer.issuer_authentication, answer.scripts) == (Code.DO_NOT_HONOUR, b"", b"")
    assert bank.account(PAN, PSN).balance == 5000


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": 2}, Code.INVALID_AMOUNT),
        ({"currency": "0344"}, Code.INVALID_AMOUNT),
        ({"kind": TransactionKind.CASH}, Code.INVALID_AMOUNT),
        ({"pan": "6228000100002"}, Code.NO_SUCH_CARD),
        ({"sequence": "02"}, Code.NO_SUCH_CARD),
        ({"chip_data": b"\x9f"}, Code.FORMAT_ERROR),
        ({"chip_data": b""}, Code.FORMAT_ERROR),
        ({"pin_block": pin_blocks.encipher("654321", PBOC_3DES["PAN"])}, Code.WRONG_PIN),
        ({"pin_block": bytes(8)}, Code.WRONG_PIN),
        ({"pin_block": pin_blocks.encipher("123456", PBOC_3DES["PAN"])}, Code.APPROVED),
    ],
)
def test_response_codes(bank, changes, code):
    assert bank.authorise(replace(REQUEST, **changes)).code == code


def test_blocked_account_and_insufficient_funds(bank):
    with bank.ledger.transaction():
        bank.ledger.block(bank.account(PAN, PSN))
    answer = bank.authorise(REQUEST)
    assert (answer.code, answer.issuer_authentication[8:]) == (Code.DO_NOT_HONOUR, b"05")
    poor = Bank(KEYS_3DES)
    poor.open_account(PAN, PSN, balance=0)
    assert poor.authorise(REQUEST).code == Code.INSUFFICIENT_FUNDS


def test_bank_without_keys_of_the_algorithm_refuses():
    made = Bank(KEYS_SM4)
    made.open_account(PAN, PSN, balance=5000)
    assert made.authorise(REQUEST).code == Code.DO_NOT_HONOUR


def test_reversal_gives_the_money_back_once_and_the_number_is_spent(bank):
    bank.authorise(REQUEST)
    for _ in range(2):
        bank.reverse(Reversal("1", "test"))
        assert bank.account(PAN, PSN).balance == 5000
    assert bank.authorise(REQUEST).code == Code.DUPLICATE
    bank.complete(Completion("1", True, b""))
    assert bank.account(PAN, PSN).balance == 5000


def test_reversal_before_its_request_wins(bank):
    bank.reverse(Reversal("1", "late"))
    assert bank.authorise(REQUEST).code == Code.DUPLICATE
    assert bank.account(PAN, PSN).balance == 5000


def test_completed_request_cannot_be_completed_otherwise(bank):
    bank.authorise(REQUEST)
    bank.complete(Completion("1", True, b""))
    bank.complete(Completion("1", False, b""))
    assert bank.account(PAN, PSN).balance == 4999


def test_failure_inside_a_transaction_leaves_nothing(bank, monkeypatch):
    def fail(*_):
        raise RuntimeError

    monkeypatch.setattr(bank.ledger, "store", fail)
    with pytest.raises(RuntimeError):
        bank.authorise(REQUEST)
    account = bank.account(PAN, PSN)
    assert (account.balance, account.last_counter) == (5000, 0)


def test_books_survive_the_program(tmp_path):
    first = Bank(KEYS_3DES, ledger=Ledger(tmp_path / "books.sqlite"))
    first.open_account(PAN, PSN, balance=5000)
    answer = first.authorise(REQUEST)
    first.ledger.close()
    second = Bank(KEYS_3DES, ledger=Ledger(tmp_path / "books.sqlite"))
    assert second.authorise(REQUEST) == answer
    assert second.account(PAN, PSN).balance == 4999


def test_clearing_wants_a_certificate_not_a_request(bank):
    record = ClearingRecord("9", PAN, PSN, 1, "0156", REQUEST.chip_data)
    assert bank.clear(record) is Settlement.BAD_CRYPTOGRAM
    assert bank.clear(replace(record, amount=2)) is Settlement.BAD_DATA
    assert bank.clear(replace(record, pan="6228000100002")) is Settlement.UNKNOWN_CARD
    tc = chip_data(PBOC_3DES, IAD_3DES, **{"9F27": "40"})
    assert bank.clear(replace(record, chip_data=tc)) is Settlement.SETTLED
    assert bank.clear(replace(record, chip_data=tc, number="10")) is Settlement.REPEATED


# Parsers


@given(
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(min_size=3, max_size=3),
    st.integers(0, 255),
    st.binary(max_size=15),
)
def test_issuer_data_are_read_as_written(index, version, results, algorithm, discretionary):
    data = IssuerData(index, version, results, algorithm, discretionary)
    assert IssuerData.parse(data.to_bytes()) == data


@given(st.binary(max_size=40))
def test_any_bytes_are_issuer_data_or_told_not_to_be(raw):
    try:
        data = IssuerData.parse(raw)
    except IssuerDataError:
        return
    assert data.to_bytes() == raw
    assert data.balance is None or 0 <= data.balance < 10**10


@given(st.binary(max_size=80))
def test_any_bytes_are_chip_data_or_told_not_to_be(raw):
    try:
        data = read_chip_data(raw)
    except ChipDataError:
        return
    assert b"".join(tlv.build(tag, value) for tag, value in data.items()) == raw


@given(st.binary(max_size=60))
def test_bank_answers_whatever_the_chip_data_are(raw):
    made = Bank(KEYS_3DES)
    assert made.authorise(replace(REQUEST, chip_data=raw)).code in set(Code)
    made.ledger.close()


@given(st.from_regex("[0-9]{4,12}", fullmatch=True), st.from_regex("[0-9]{13,19}", fullmatch=True))
def test_pin_blocks_are_read_as_written(pin, pan):
    assert pin_blocks.decipher(pin_blocks.encipher(pin, pan), pan) == pin


def test_pin_block_as_in_the_standard():
    """ISO 9564-1 format 0, the worked numbers of many manuals: PIN 1234, card 43219876543210987 → 0412AC89ABCDEF67."""
    made = pin_blocks.encipher("1234", "43219876543210987")
    assert decrypt_ecb(Algorithm.DES3, pin_blocks.TEST_PIN_KEY, made).hex().upper() == "0412AC89ABCDEF67"


@given(st.binary(max_size=10))
def test_any_bytes_are_a_pin_block_or_told_not_to_be(raw):
    try:
        assert pin_blocks.decipher(raw, PAN).isdigit()
    except CryptoError:
        return
