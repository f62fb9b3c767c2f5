"""How the card decides a transaction of the extended application 扩展应用: what may be spent, and what is frozen or settled.

Segmented charge 分段扣费 (JR/T 0025.14 §5.2.7), offline pre-authorisation 脱机预授权 and its completion (§6.2). The offline check
that 9F68 chooses stays; only the balance that it works with is another.
"""

from __future__ import annotations

from emulator.apps.payment.application import Application, Tag, amount, number, pending_cell
from emulator.apps.payment.quick import Decision, Processing
from emulator.apps.payment.transaction import Place, Transaction
from emulator.iso7816 import SW, StatusError

ORDINARY, SEGMENTED, PRE_AUTHORISATION, COMPLETION = range(4)
"""DF60 扩展应用交易指示位."""
OFFERS_SEGMENTED, OFFERS_PRE_AUTHORISATION, OFFERS_RESPONSE_MAC = 0x03, 0x02, 0x80
"""Bits of DF61: bit 2 is both kinds, bit 1 segmented charge alone; bit 8 is R-MAC."""
MOST_PENDING = 3
_HEAD = 3
"""Bytes of short and record identifier before the amount of a pre-authorisation."""


def indicator_of(application: Application, transaction: Transaction) -> int:
    """DF60 of the terminal, 0 on a card without extended application; ``6985`` for a kind that the card does not offer."""
    offered = application.get(Tag.EXTENDED)
    asked = int.from_bytes(transaction.terminal.get(Tag.EXTENDED_INDICATOR, b""), "big")
    if offered is None or asked == ORDINARY:
        return ORDINARY
    needed = OFFERS_SEGMENTED if asked == SEGMENTED else OFFERS_PRE_AUTHORISATION
    if asked > COMPLETION or not offered[0] & needed:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    return asked


def decision_of(application: Application, transaction: Transaction, indicator: int) -> Decision:
    """The judgement of a transaction; ``6971`` to ``6973`` where its pre-authorisation cannot be."""
    kinds = {SEGMENTED: Segmented, PRE_AUTHORISATION: PreAuthorisation, COMPLETION: Completion}
    return kinds.get(indicator, Decision)(application, transaction)


class Segmented(Decision):
    """Segmented charge: a card with DF62 may lend what is missing, up to that limit, and notes it in DF63."""

    @property
    def _lends(self) -> bool:
        lends = self._application.get(Tag.DEDUCTION_LIMIT) is not None and self._runs_in_first_currency
        return lends and not self._card & Processing.PREPAID

    @property
    def _available(self) -> int:
        if not self._lends:
            return self._balance
        limit, deducted = (number(self._application.value(tag)) for tag in (Tag.DEDUCTION_LIMIT, Tag.DEDUCTED))
        return self._balance + limit - deducted

    def _is_barred(self) -> bool:
        """Whether the deducted amount would reach its limit, where it must stay below."""
        if self._application.settings.extended_deduction_reaches_limit:
            return False
        return self._balance < self._asked == self._available

    def _pay(self) -> None:
        if self._asked <= self._balance:
            self._debit()
            return
        deducted = number(self._application.value(Tag.DEDUCTED)) + self._asked - self._balance
        self._application.put(Tag.DEDUCTED, amount(deducted))
        self._application.put(Tag.BALANCE, amount(0))


class _Frozen(Decision):
    """What pre-authorisation and completion share: the list of those that are open, and the record that is meant."""

    def __init__(self, application: Application, transaction: Transaction) -> None:
        super().__init__(application, transaction)
        value = application.cell(pending_cell(application.name))
        self._pending = value if isinstance(value, tuple) else ()
        place = transaction.record_read
        self._named = _name(place) if place else b""

    def _open(self) -> bytes | None:
        """The pre-authorisation of the record that READ CAPP DATA gave last."""
        return next((entry for entry in self._pending if entry[:_HEAD] == self._named), None)

    def _is_barred(self) -> bool:
        return not self._runs_in_first_currency or self._asked > self._available

    def _keep(self, entries: tuple[bytes, ...]) -> None:
        self._application.changes[pending_cell(self._application.name)] = entries


class PreAuthorisation(_Frozen):
    """Freezes the amount: it leaves the balance, and waits for the completion; nothing is spent."""

    def __init__(self, application: Application, transaction: Transaction) -> None:
        super().__init__(application, transaction)
        if len(self._pending) >= MOST_PENDING:
            raise StatusError(SW.PRE_AUTHORISATION_SLOTS_FULL)
        if self._open() is not None:
            raise StatusError(SW.PRE_AUTHORISATION_REPEATED)

    def _pay(self) -> None:
        self._debit()
        self._keep((*self._pending, self._named + amount(self._asked)))

    def _add_to_total(self) -> None:
        """Nothing is spent yet."""


class Completion(_Frozen):
    """Spends the true amount out of balance and frozen amount; what is left of the latter first pays what was deducted."""

    def __init__(self, application: Application, transaction: Transaction) -> None:
        super().__init__(application, transaction)
        entry = self._open()
        if entry is None:
            raise StatusError(SW.PRE_AUTHORISATION_MISSING)
        self._entry = entry

    @property
    def _held(self) -> int:
        return number(self._entry[_HEAD:])

    @property
    def _available(self) -> int:
        return self._balance + self._held

    def _pay(self) -> None:
        left = self._available - self._asked
        deducted = number(self._application.value(Tag.DEDUCTED))
        paid = min(deducted, max(self._held - self._asked, 0))
        if paid:
            self._application.put(Tag.DEDUCTED, amount(deducted - paid))
        self._application.put(Tag.BALANCE, amount(left - paid))
        self._keep(tuple(entry for entry in self._pending if entry is not self._entry))


def _name(place: Place) -> bytes:
    return bytes((place.sfi,)) + place.identifier
