"""The operations of the official reader interface with a PSAM (LD/T 6001.5 §5), or with an HSM that the reader asks itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from conformance.actors.medical.addresses import FIELD, INNER, format_values, parse_addresses
from conformance.actors.medical.codes import Code, Failed
from conformance.actors.medical.counter import INITIAL_PIN, Counter, fields, payment
from conformance.actors.medical.debit import LOG, Debited, debit
from conformance.actors.medical.pins import change_pin, reload_pin, unblock_pin
from conformance.actors.medical.values import changes, read_values
from profiles.dictionary import layout

KIND = "iType"
WHOLE_NUMBER = "i"
"""Parameters whose names begin with it are whole numbers, all others text."""


class Operation(NamedTuple):
    """An operation: the names of its parameters but pOutInfo, and what it does."""

    parameters: tuple[str, ...]
    act: Callable[..., str]

    def takes(self, arguments: tuple[object, ...]) -> bool:
        """Whether these are as many as it has, and each of its kind."""
        return len(arguments) == len(self.parameters) and all(
            isinstance(argument, int if name.startswith(WHOLE_NUMBER) else str)
            for name, argument in zip(self.parameters, arguments, strict=True)
        )


class PlainOperations:
    """Operations that end in one call."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._reader = counter.reader
        self.operations: Mapping[str, Operation] = {
            "iReadCardBas": Operation((KIND,), self._read_basics),
            "iReadCard": Operation((KIND, "iAuthType", "pCardInfo", "pFileAddr"), self._read),
            "iWriteCard": Operation((KIND, "pCardInfo", "pFileAddr", "pWriteData"), self._write),
            "iVerifyPIN": Operation((KIND,), self._verify_pin),
            "iChangePIN": Operation((KIND,), self._change_pin),
            "iReloadPIN": Operation((KIND, "pCardInfo"), self._reload_pin),
            "iUnblockPIN": Operation((KIND, "pCardInfo"), self._unblock_pin),
            "iDoDebit": Operation((KIND, "pCardInfo", "pPayInfo"), self._debit),
            "iReadDebitRecord": Operation((KIND,), self._debit_records),
        }

    def _read_basics(self, kind: int) -> str:
        return self._counter.basics()

    def _read(self, kind: int, authentication: int, card: str, files: str) -> str:
        """The values of the named elements, in their grammar."""
        addresses = parse_addresses(files)
        self._counter.require_card(card)
        return format_values(addresses, [read_values(self._reader, address) for address in addresses])

    def _write(self, kind: int, card: str, files: str, data: str) -> str:
        """Update the named elements with the values of the mirrored text; a cyclic file gets a new record."""
        addresses = parse_addresses(files)
        self._counter.require_card(card)
        for change in changes(self._reader, addresses, data):
            change()
        return ""

    def _verify_pin(self, kind: int) -> str:
        """The PIN from the key pad; the codes −51 and −52 tell wrong and locked."""
        self._reader.open("SSSE")
        self._counter.judged(lambda: self._reader.verify(self._counter.pin()))
        return ""

    def _change_pin(self, kind: int) -> str:
        """From the PIN of the key pad to a new one."""
        old, new = self._counter.pin(), self._counter.new_pin()
        if new == INITIAL_PIN:
            raise Failed(Code.NOT_BACK_TO_INITIAL_PIN)
        self._reader.open("SSSE")
        self._counter.judged(lambda: change_pin(self._reader, old, new))
        return ""

    def _reload_pin(self, kind: int, card: str) -> str:
        """PIN重装: a new PIN under PUK and STK, without the old one."""
        self._counter.require_card(card)
        reload_pin(self._reader, self._counter.new_pin())
        return ""

    def _unblock_pin(self, kind: int, card: str) -> str:
        """PIN解锁: the tries are given back under PUK and STK."""
        self._counter.require_card(card)
        unblock_pin(self._reader)
        return ""

    def _debit(self, kind: int, card: str, text: str) -> str:
        """Answers what TAC and log say of the settlement."""
        self._counter.require_card(card)
        own, fund, when = payment(text)
        self._counter.pin_for_payment()
        if self._reader.keys is None:
            raise Failed(Code.NO_SAM)
        return settled(debit(self._reader, (0, own, fund), when))

    def _debit_records(self, kind: int) -> str:
        """DF04/EF08 医疗交易明细, the newest first."""
        form = layout("medical transaction")
        records = self._reader.read_cycle(LOG)
        return "".join(INNER.join(text for _, text in form.decode_fields(record)) + FIELD for record in records)


def settled(done: Debited, *more: bytes) -> str:
    """TAC|终端机编号|终端交易序号|卡交易序号|, as hexadecimal digits."""
    found = (done.tac, done.settlement.terminal, done.settlement.terminal_number, done.settlement.number, *more)
    return fields(*(field.hex().upper() for field in found))
