"""What a terminal and its bank tell each other: authorisation, completion, reversal 冲正, clearing 清算.

The chip's data travel as field 55 does: data objects in BER-TLV. Which objects belong there is a rule of the network, not of
JR/T 0025; here it holds what the bank needs for the cryptogram and what JR/T 0025.6 lists for clearing.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Protocol


class TransactionKind(Enum):
    """Kinds of transaction; the value is 9C, the first two digits of the processing code of the network."""

    PURCHASE = 0x00
    CASH = 0x01
    CASHBACK = 0x09
    BALANCE_INQUIRY = 0x31
    """余额查询: an amount of zero, with the online PIN; a desk verifies the holder by it (9C of ISO 8583, an assumption)."""
    LOAD = 0x60
    """圈存 from the account of the same card (指定账户圈存)."""


@dataclass(frozen=True, slots=True)
class AuthorisationRequest:
    """A request for authorisation, or, with an AAC as cryptogram, for issuer scripts alone.

    Attributes:
        number: Number that no other request has; sending it again repeats the request.
        kind: What is asked for.
        pan: Account number 主账号, digits.
        sequence: Its sequence number, two digits.
        amount: Amount in the smallest unit of the currency.
        currency: Numeric currency code, four digits.
        chip_data: Field 55.
        pin_block: Online PIN as an ISO 9564-1 block of format 0 under the key between terminal and bank, or nothing.
        reference: Number of the change of the card for which a balance inquiry verifies the holder, or nothing.
    """

    number: str
    kind: TransactionKind
    pan: str
    sequence: str
    amount: int
    currency: str
    chip_data: bytes
    pin_block: bytes = b""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class AuthorisationResponse:
    """The bank's answer.

    Attributes:
        number: That of the request.
        code: Response code, two characters: 00 approved.
        authorisation_code: Six characters when approved.
        issuer_authentication: Value of 91: ARPC 8 ‖ response code 2; nothing when the bank makes none.
        scripts: Templates 71 and 72, one after the other.
        balance: Balance of the account in the smallest unit, to an inquiry that is approved.
    """

    number: str
    code: str
    authorisation_code: str = ""
    issuer_authentication: bytes = b""
    scripts: bytes = b""
    balance: int | None = None

    def to_json(self) -> str:
        """As the books keep it."""
        table = asdict(self)
        return json.dumps(
            {**table, "issuer_authentication": self.issuer_authentication.hex(), "scripts": self.scripts.hex()}
        )

    @classmethod
    def from_json(cls, text: str) -> AuthorisationResponse:
        """From the books."""
        table = json.loads(text)
        raw = {name: bytes.fromhex(table[name]) for name in ("issuer_authentication", "scripts")}
        return cls(**{**table, **raw})


@dataclass(frozen=True, slots=True)
class Completion:
    """How an online transaction ended at the card; carries the results of the scripts."""

    number: str
    approved: bool
    chip_data: bytes
    script_results: tuple[bytes, ...] = ()
    """For each template five bytes: result and number of the command, script identifier 9F18."""


@dataclass(frozen=True, slots=True)
class Reversal:
    """冲正: what was approved did not come about; carries the results of scripts that ran all the same."""

    number: str
    reason: str
    script_results: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class ClearingRecord:
    """An approved offline transaction for settlement; ``authorisation_code`` is 9F74 where e-cash was spent."""

    number: str
    pan: str
    sequence: str
    amount: int
    currency: str
    chip_data: bytes
    authorisation_code: str = ""

    @property
    def e_cash(self) -> bool:
        """Whether it was paid from the e-cash account."""
        return bool(self.authorisation_code)


class HostUnreachable(Exception):
    """No answer came; the request may or may not have arrived."""


class Host(Protocol):
    """The bank as a terminal reaches it. Every method may raise :class:`HostUnreachable`."""

    def authorise(self, request: AuthorisationRequest) -> AuthorisationResponse:
        """Ask for authorisation."""

    def complete(self, completion: Completion) -> None:
        """Tell how a transaction ended at the card."""

    def reverse(self, reversal: Reversal) -> None:
        """Take back what was approved."""
