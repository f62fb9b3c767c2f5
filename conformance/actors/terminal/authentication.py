"""Offline data authentication 脱机数据认证: which method, and SDA and DDA themselves; CDA begins here (JR/T 0025.6 §7.5)."""

from __future__ import annotations

from conformance.actors.terminal import certificates, dol
from conformance.actors.terminal.bits import Aip, Capability, Tsi, Tvr
from conformance.actors.terminal.certificates import CARD, ISSUER, CertifiedKey, PublicKey, Unsigned
from conformance.actors.terminal.ending import Ended, Reason
from conformance.actors.terminal.events import DataAuthenticated, Phase
from conformance.actors.terminal.transaction import Transaction
from emulator.iso7816 import SW, TlvError, tlv

INTERNAL_AUTHENTICATE = 0x88
ISSUER_CERTIFICATE, ISSUER_REMAINDER, ISSUER_EXPONENT, CA_INDEX = 0x90, 0x92, 0x9F32, 0x8F
CARD_CERTIFICATE, CARD_REMAINDER, CARD_EXPONENT = 0x9F46, 0x9F48, 0x9F47
SIGNED_STATIC_DATA, TAG_LIST, DDOL, SIGNATURE = 0x93, 0x9F4A, 0x9F49, 0x9F4B
AUTHENTICATION_CODE, DYNAMIC_NUMBER = 0x9F45, 0x9F4C
UNPREDICTABLE, AIP_TAG = 0x9F37, 0x82
FORMAT_1, FORMAT_2 = 0x80, 0x77
FAILED = {"SDA": Tvr.STATIC_FAILED, "DDA": Tvr.DYNAMIC_FAILED, "CDA": Tvr.COMBINED_FAILED}


class Missing(Unsigned):
    """Data that a method needs are not on the card."""


def authenticate(transaction: Transaction) -> None:
    """Run the best method that card and terminal have in common; its end stands in TVR and TSI.

    Of CDA only the card's key is found here; its signature comes with the cryptogram.
    """
    transaction.enter(Phase.DATA_AUTHENTICATION)
    method = _method(transaction)
    if not method:
        transaction.tvr |= Tvr.AUTHENTICATION_NOT_PERFORMED
        _report(transaction, "none", "no method in common")
        return
    try:
        if method == "SDA":
            _static(transaction)
        else:
            transaction.card_key = card_key(transaction).key
            if method == "DDA":
                _dynamic(transaction)
    except Unsigned as problem:
        fail(transaction, method, problem)
        return
    if method == "CDA":
        transaction.combined = True
        transaction.say("CDA：证书验证通过，等待应用密文", "CDA: certificates are right, the cryptogram will be signed")
        return
    transaction.tsi |= Tsi.DATA_AUTHENTICATION
    _report(transaction, method, "")


def fail(transaction: Transaction, method: str, problem: Unsigned) -> None:
    """Note that a method failed."""
    transaction.tvr |= FAILED[method] | (Tvr.DATA_MISSING if isinstance(problem, Missing) else 0)
    transaction.tsi |= Tsi.DATA_AUTHENTICATION
    transaction.combined = False
    _report(transaction, method, str(problem))


def succeed_combined(transaction: Transaction) -> None:
    """Note that a signed cryptogram was right."""
    transaction.tsi |= Tsi.DATA_AUTHENTICATION
    _report(transaction, "CDA", "")


def _report(transaction: Transaction, method: str, failure: str) -> None:
    zh = "未进行" if method == "none" else f"{method} {'失败：' + failure if failure else '成功'}"
    en = (
        f"not performed: {failure}"
        if method == "none"
        else f"{method} {'failed: ' + failure if failure else 'succeeded'}"
    )
    transaction.listener(DataAuthenticated(transaction.channel.phase, zh, en, method, failure))


def _method(transaction: Transaction) -> str:
    configuration = transaction.configuration
    for method, bit, capability in (
        ("CDA", Aip.COMBINED, Capability.COMBINED),
        ("DDA", Aip.DYNAMIC, Capability.DYNAMIC),
        ("SDA", Aip.STATIC, Capability.STATIC),
    ):
        if transaction.supports(bit) and configuration.can(capability):
            return method
    return ""


def _needed(transaction: Transaction, tag: int) -> bytes:
    value = transaction.card.get(tag)
    if value is None:
        raise Missing(f"the card has no {tag:X}")
    return value


def _exponent(transaction: Transaction, signer: PublicKey, tag: int) -> bytes:
    """Certificates of SM2 have neither exponent nor remainder."""
    return b"" if isinstance(signer, bytes) else _needed(transaction, tag)


def issuer_key(transaction: Transaction) -> CertifiedKey:
    """The issuer's public key out of its certificate.

    Raises:
        Unsigned: Data are missing, or a check failed.
    """
    _needed(transaction, CA_INDEX)
    certificate = _needed(transaction, ISSUER_CERTIFICATE)
    authority = transaction.authority_key()
    if authority is None:
        raise Unsigned(f"the terminal has no CA key {transaction.card[CA_INDEX].hex().upper()}")
    exponent = _exponent(transaction, authority.key, ISSUER_EXPONENT)
    remainder = b"" if isinstance(authority.key, bytes) else transaction.card.get(ISSUER_REMAINDER, b"")
    today = transaction.purchase.when.date()

    def judge(told: CertifiedKey) -> None:
        if not certificates.is_of_account(told.subject, transaction.account_number):
            raise Unsigned("issuer certificate: the issuer identifier is not that of the account number")
        if certificates.is_expired(told.expiry, today):
            raise Unsigned("issuer certificate: expired")
        if (authority.rid, authority.index, told.serial) in transaction.configuration.revoked:
            raise Unsigned("issuer certificate: revoked")

    return certificates.certified_key(authority.key, ISSUER, certificate, remainder, exponent, b"", judge)


def card_key(transaction: Transaction) -> CertifiedKey:
    """The card's public key out of its certificate.

    Raises:
        Unsigned: Data are missing, or a check failed.
    """
    certificate = _needed(transaction, CARD_CERTIFICATE)
    issuer = issuer_key(transaction).key
    exponent = _exponent(transaction, issuer, CARD_EXPONENT)
    remainder = b"" if isinstance(issuer, bytes) else transaction.card.get(CARD_REMAINDER, b"")
    static = _static_data(transaction)
    today = transaction.purchase.when.date()

    def judge(told: CertifiedKey) -> None:
        if told.subject.hex().rstrip("f") != transaction.account_number:
            raise Unsigned("card certificate: another account number")
        if certificates.is_expired(told.expiry, today):
            raise Unsigned("card certificate: expired")

    return certificates.certified_key(issuer, CARD, certificate, remainder, exponent, static, judge)


def _static_data(transaction: Transaction) -> bytes:
    """The authenticated records, and the AIP where 9F4A lists it; any other tag there fails."""
    if transaction.static_data_malformed:
        raise Unsigned("a record to be authenticated is no template 70")
    tag_list = transaction.card.get(TAG_LIST)
    if tag_list is None:
        return transaction.static_data
    if tag_list != bytes((AIP_TAG,)):
        raise Unsigned("9F4A lists something other than 82")
    return transaction.static_data + transaction.card[AIP_TAG]


def _static(transaction: Transaction) -> None:
    signature = _needed(transaction, SIGNED_STATIC_DATA)
    issuer = issuer_key(transaction).key
    code = certificates.authentication_code(issuer, signature, _static_data(transaction))
    transaction.card[AUTHENTICATION_CODE] = code


def _dynamic(transaction: Transaction) -> None:
    ddol = transaction.card.get(DDOL, transaction.application.default_ddol)
    if UNPREDICTABLE not in dol.tags_of(ddol):
        raise Unsigned("the DDOL does not list 9F37")
    values = dol.fill(ddol, transaction.values())
    if len(values) > 255:
        raise Unsigned("the DDOL asks for more than a command can carry")
    answer = transaction.channel.send(0x00, INTERNAL_AUTHENTICATE, 0, 0, values)
    if answer.sw != SW.SUCCESS:
        raise Ended(Reason.CARD_ERROR, f"INTERNAL AUTHENTICATE answered {answer.sw:04X}")
    key = transaction.card_key
    if key is None:
        raise Unsigned("the card's key is unknown")
    dynamic = certificates.dynamic_data(key, _signature(answer.data), values)
    if dynamic and dynamic[0] == len(dynamic) - 1:
        transaction.card[DYNAMIC_NUMBER] = dynamic[1:]


def _signature(data: bytes) -> bytes:
    """9F4B out of format 80 or 77."""
    try:
        objects = tlv.parse(data)
        if len(objects) == 1 and objects[0].tag == FORMAT_1:
            return objects[0].value
        found = tlv.find(objects, FORMAT_2, SIGNATURE)
    except TlvError as error:
        raise Ended(Reason.CARD_ERROR, f"INTERNAL AUTHENTICATE: {error}") from error
    if found is None:
        raise Ended(Reason.CARD_ERROR, "INTERNAL AUTHENTICATE answered no signature")
    return found.value
