"""The bank: accounts and cards, same-number upgrade, standing agreements, authorisation, issuer scripts, e-cash."""

from conformance.actors.bank.agreements import Agreement, AgreementKind, Agreements, Booking
from conformance.actors.bank.bank import Bank
from conformance.actors.bank.change import Answer, Change, ChangeKind, ChangeState, ChipReturn, HolderCheck, Outcome
from conformance.actors.bank.changes import CardDesk, ChangeError
from conformance.actors.bank.codes import Code, Settlement
from conformance.actors.bank.issuer_data import IssuerData, IssuerDataError
from conformance.actors.bank.keys import ChipDataError, IssuerKeys, TransactionKeys
from conformance.actors.bank.ledger import Account, CardState, Ledger
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
    "Agreement",
    "AgreementKind",
    "Agreements",
    "Answer",
    "AuthorisationRequest",
    "AuthorisationResponse",
    "Bank",
    "Booking",
    "CardDesk",
    "CardState",
    "Change",
    "ChangeError",
    "ChangeKind",
    "ChangeState",
    "ChipDataError",
    "ChipReturn",
    "ClearingRecord",
    "Code",
    "Completion",
    "HolderCheck",
    "Host",
    "HostUnreachable",
    "IssuerData",
    "IssuerDataError",
    "IssuerKeys",
    "Ledger",
    "Outcome",
    "Reversal",
    "Settlement",
    "TransactionKeys",
    "TransactionKind",
]
