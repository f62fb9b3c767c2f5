"""Books whose program dies before a statement, or before the commit; and chips that only make cryptograms."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from conformance.actors.bank import (
    AuthorisationRequest,
    Bank,
    ClearingRecord,
    IssuerKeys,
    Ledger,
    TransactionKind,
    pin_blocks,
)
from emulator.crypto import payment as crypto
from emulator.iso7816 import tlv
from profiles import load

from .table import PAN, PIN

KEYS = IssuerKeys.of_profile(load("debit"))[0]
ARQC, TC = 0x80, 0x40
CURRENCY = "0156"
NOON = 1_795_694_400.0
"""The bank's clock, which stands still: what is done again after a death must end as it would have without."""


class Crash(BaseException):
    """The program dies here."""


class CrashingLedger(Ledger):
    """Books that die before statement ``left`` of what comes next, from 0, the commit counted; None never does."""

    left: int | None = None

    def _tick(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Crash

    def run(self, statement: str, *values: object) -> int:
        self._tick()
        return super().run(statement, *values)

    def one(self, query: str, *values: object):
        self._tick()
        return super().one(query, *values)

    def all(self, query: str, *values: object):
        self._tick()
        return super().all(query, *values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with super().transaction():
            yield
            self._tick()


def open_bank(path) -> Bank:
    """The bank on a file; it need not survive a power cut of this machine, so nothing waits for the disk."""
    ledger = CrashingLedger(path)
    ledger.run("PRAGMA synchronous = OFF")
    return Bank(KEYS, ledger=ledger, now=lambda: NOON)


@dataclass
class Chip:
    """A chip as the bank sees it: cryptograms, and the e-cash balance under its MAC in 9F10."""

    sequence: str
    e_cash: int
    counter: int = 0
    blocked: bool = False

    def purchase(self, number: str, amount: int) -> AuthorisationRequest:
        """A request with the next ARQC."""
        data = self._field_55(ARQC, amount)
        return AuthorisationRequest(number, TransactionKind.PURCHASE, PAN, self.sequence, amount, CURRENCY, data)

    def inquiry(self, number: str, change: str, pin: str = PIN) -> AuthorisationRequest:
        """A balance inquiry by which the holder is verified for a change."""
        kind = TransactionKind.BALANCE_INQUIRY
        data = self._field_55(ARQC, 0, bytes((kind.value,)))
        block = pin_blocks.encipher(pin, PAN)
        return AuthorisationRequest(number, kind, PAN, self.sequence, 0, CURRENCY, data, block, change)

    def spend(self, number: str, amount: int) -> ClearingRecord:
        """An offline payment from e-cash."""
        self.e_cash -= amount
        return ClearingRecord(number, PAN, self.sequence, amount, CURRENCY, self._field_55(TC, amount), "EC0001")

    def _field_55(self, kind: int, amount: int, transaction: bytes = b"\x00") -> bytes:
        self.counter += 1
        counter = self.counter.to_bytes(2)
        session = KEYS.transaction(PAN, self.sequence, {0x9F36: counter})
        balance = bytes.fromhex(f"{self.e_cash:010d}")
        mac = crypto.issuer_data_mac(KEYS.algorithm, session.mac, counter, balance)
        values = {
            0x9F02: bytes.fromhex(f"{amount:012d}"),
            0x9F03: bytes(6),
            0x9F1A: bytes.fromhex("0156"),
            0x95: bytes(5),
            0x5F2A: bytes.fromhex(CURRENCY),
            0x9A: bytes.fromhex("261126"),
            0x9C: transaction,
            0x9F37: bytes.fromhex("A1B2C3D4"),
            0x82: bytes.fromhex("7C00"),
            0x9F36: counter,
            0x9F10: bytes.fromhex("07010103A00000010A01") + balance + mac,
            0x9F27: bytes((kind,)),
        }
        values[0x9F26] = session.cryptogram(values)
        return b"".join(tlv.build(tag, value) for tag, value in values.items())
