"""The bank: authorisation, issuer scripts, e-cash accounts."""

from conformance.actors.bank.bank import Bank, Code, Settlement
from conformance.actors.bank.issuer_data import IssuerData, IssuerDataError
from conformance.actors.bank.keys import ChipDataError, IssuerKeys, TransactionKeys
from conformance.actors.bank.ledger import Account, Ledger
from conformance.actors.bank.messages import (
    AuthorisationRequest,
    AuthorisationResponse,
    ClearingRecord,
    Completion,
    Host,
    HostUnreachable,
    Reversal,
    TransactionKind,
)

__all__ = [
    "Account",
    "AuthorisationRequest",
    "AuthorisationResponse",
    "Bank",
    "ChipDataError",
    "ClearingRecord",
    "Code",
    "Completion",
    "Host",
    "HostUnreachable",
    "IssuerData",
    "IssuerDataError",
    "IssuerKeys",
    "Ledger",
    "Reversal",
    "Settlement",
    "TransactionKeys",
    "TransactionKind",
]
