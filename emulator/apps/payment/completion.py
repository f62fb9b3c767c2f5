"""Completion 交易结束: the second GENERATE AC, after the issuer's answer or a failed attempt to get one."""

from __future__ import annotations

from emulator.apps.payment import risk
from emulator.apps.payment.application import Application, Counter, Tag
from emulator.apps.payment.cryptograms import give
from emulator.apps.payment.logs import record_transaction
from emulator.apps.payment.risk import ADVICE, DefaultAction
from emulator.apps.payment.transaction import Aip, Authentication, Cvr, Kind, Stage, Transaction

UNABLE_TO_GO_ONLINE = frozenset({b"Y3", b"Z3"})
APPROVED, REFERRED = frozenset({b"00", b"10", b"11"}), frozenset({b"01", b"02"})
MANDATORY = 0x80
"""Bit 8 of 9F56: issuer authentication is mandatory."""
REASON_AUTHENTICATION = 0x03
ONLINE_FLAGS = (
    Counter.ONLINE_REQUESTED,
    Counter.STATIC_FAILED,
    Counter.DYNAMIC_FAILED,
    Counter.SCRIPTS,
    Counter.SCRIPT_FAILED,
)
OFFLINE_TOTALS = (
    Counter.CUMULATIVE_AMOUNT,
    Counter.CUMULATIVE_AMOUNT_DUAL,
    Counter.FOREIGN_CURRENCY,
    Counter.FOREIGN_COUNTRY,
)


def complete(application: Application, transaction: Transaction, requested: Kind, cdol2: bytes, *, cda: bool) -> bytes:
    """The answer to the second GENERATE AC (JR/T 0025.5 §16); anything but a TC request asks for an AAC."""
    if transaction.terminal.get(Tag.RESPONSE_CODE) in UNABLE_TO_GO_ONLINE:
        kind, information = _without_issuer(application, transaction, requested)
    else:
        kind, information = _with_issuer(application, transaction, requested)
    transaction.cvr &= ~Cvr.SECOND
    if kind is Kind.TC:
        transaction.cvr |= Cvr.SECOND_TC
        record_transaction(application, transaction)
    transaction.stage = Stage.FINISHED
    transaction.completed = True
    return give(application, transaction, kind, information, cdol2, cda=cda and kind is Kind.TC)


def _with_issuer(application: Application, transaction: Transaction, requested: Kind) -> tuple[Kind, int]:
    supported = transaction.supports(Aip.ISSUER_AUTHENTICATION)
    mandatory = bool((application.get(Tag.AUTHENTICATION_INDICATOR) or b"\0")[0] & MANDATORY)
    performed = transaction.authentication is not Authentication.NOT_PERFORMED
    missing = supported and mandatory and not performed
    failed = transaction.authentication is Authentication.FAILED
    if supported and not performed:
        transaction.cvr |= Cvr.AUTHENTICATION_NOT_PERFORMED
    if missing:
        application.count(Counter.AUTHENTICATION_FAILED, 1)
    declined_by_issuer = performed and transaction.response_code not in APPROVED | REFERRED
    good = not missing and not failed
    if requested is not Kind.TC or declined_by_issuer:
        if good:
            _clear(application, ONLINE_FLAGS)
        return Kind.AAC, 0
    action = application.default_action
    if (failed and action & DefaultAction.AUTHENTICATION_FAILED_DECLINE) or (
        missing and action & DefaultAction.AUTHENTICATION_MISSING_DECLINE
    ):
        return Kind.AAC, _refusal(application, mandatory=mandatory)
    if good:
        _clear(application, ONLINE_FLAGS + OFFLINE_TOTALS)
        if application.get(Tag.LAST_ONLINE_ATC) is not None:
            application.put(Tag.LAST_ONLINE_ATC, application.value(Tag.ATC))
    return Kind.TC, 0


def _refusal(application: Application, *, mandatory: bool) -> int:
    """The card declines because of issuer authentication; answers the bits of the CID."""
    if mandatory:
        application.count(Counter.AUTHENTICATION_FAILED, 1)
    information = REASON_AUTHENTICATION if application.settings.authentication_reason else 0
    if application.default_action & DefaultAction.DECLINED_BY_AUTHENTICATION_ADVICE:
        information |= ADVICE
    return information


def _without_issuer(application: Application, transaction: Transaction, requested: Kind) -> tuple[Kind, int]:
    """Unable to go online: all checks run although an AAC was requested."""
    transaction.cvr |= Cvr.UNABLE_TO_GO_ONLINE
    was_e_cash, transaction.e_cash = transaction.e_cash, False
    verdict = risk.assess(application, transaction, risk.UNABLE_TO_GO_ONLINE)
    refused = was_e_cash and application.settings.e_cash_unable_to_go_online == "declined"
    if requested is not Kind.TC or verdict.decline or refused:
        return Kind.AAC, risk.decline_offline(application, transaction)
    risk.count_approval(application, transaction)
    return Kind.TC, 0


def _clear(application: Application, counters: tuple[Counter, ...]) -> None:
    for counter in counters:
        application.count(counter, 0)
