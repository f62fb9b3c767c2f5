"""qPBOC 快速借记/贷记: how the card decides a transaction within GET PROCESSING OPTIONS (JR/T 0025.12 §7.7)."""

from __future__ import annotations

from collections.abc import Callable

from emulator.apps.payment import risk
from emulator.apps.payment.application import (
    LARGEST_AMOUNT,
    LARGEST_COUNT,
    Application,
    Counter,
    Tag,
    amount,
    number,
)
from emulator.apps.payment.initiation import e_cash_tag
from emulator.apps.payment.reading import DEFAULT_PROCESSING
from emulator.apps.payment.signatures import private_key
from emulator.apps.payment.transaction import Cvr, Kind, Transaction
from emulator.iso7816 import SW, StatusError


class Terminal:
    """Bits of the terminal transaction qualifiers TTQ 终端交易属性 9F66, as 32 bits."""

    DEBIT_CREDIT, QPBOC, CONTACT = 0x40000000, 0x20000000, 0x10000000
    OFFLINE_ONLY, ONLINE_PIN, SIGNATURE = 0x08000000, 0x04000000, 0x02000000
    CRYPTOGRAM_REQUIRED, CVM_REQUIRED = 0x00800000, 0x00400000
    FDDA_01 = 0x00000080


class Processing:
    """Bits of the card additional processing CAP 卡片附加处理 9F68, as 32 bits."""

    LOW_VALUE, LOW_VALUE_AND_TOTAL, LOW_VALUE_OR_TOTAL = 0x80000000, 0x40000000, 0x20000000
    NEW_CARD, PIN_TRIES = 0x10000000, 0x08000000
    FOREIGN_OFFLINE, PREFERS_CONTACT, SHOWS_AMOUNT = 0x04000000, 0x02000000, 0x01000000
    PREPAID, FOREIGN_FORBIDDEN, NEW_CARD_OFFLINE_DECLINE, LOG = 0x00800000, 0x00400000, 0x00200000, 0x00100000
    ONLINE_PIN, ONLINE_PIN_FOREIGN, FOREIGN_CVM, SIGNATURE = 0x8000, 0x4000, 0x2000, 0x1000


class Qualifier:
    """Bits of the card transaction qualifiers CTQ 卡片交易属性 9F6C that the card sets for each transaction."""

    ONLINE_PIN, SIGNATURE = 0x8000, 0x4000


def terminal_qualifiers(transaction: Transaction) -> int:
    """9F66 of the terminal, zero where it gave none."""
    return int.from_bytes(transaction.terminal.get(Tag.TERMINAL_QUALIFIERS, b"").ljust(4, b"\0")[:4], "big")


def card_processing(application: Application) -> int:
    """9F68 of the card; absent, it stands for the low value check."""
    return int.from_bytes(application.get(Tag.CARD_PROCESSING) or DEFAULT_PROCESSING, "big")


class Decision:
    """One transaction under judgement; changes of balance and counters go to the application, uncommitted."""

    def __init__(self, application: Application, transaction: Transaction) -> None:
        self._application = application
        self._transaction = transaction
        self._terminal = terminal_qualifiers(transaction)
        self._card = card_processing(application)
        self._offline_only = bool(self._terminal & Terminal.OFFLINE_ONLY)
        self._asked = number(transaction.terminal.get(Tag.AMOUNT, b""))
        self._matched = self._match_currency()
        transaction.card_qualifiers = int.from_bytes(application.value(Tag.CARD_QUALIFIERS).rjust(2, b"\0")[:2], "big")
        transaction.card_qualifiers &= ~(Qualifier.ONLINE_PIN | Qualifier.SIGNATURE)

    @property
    def matched(self) -> bool:
        """Whether the transaction runs in a currency of the card."""
        return self._matched

    def kind(self) -> Kind:
        """The kind of cryptogram; ``6985`` where the transaction ends without one."""
        if self._transaction.blocked or (not self._matched and self._card & Processing.FOREIGN_FORBIDDEN):
            return Kind.AAC
        if self._offline_only:
            return self._without_issuer()
        if self._cvm_is_needed():
            own = Processing.ONLINE_PIN if self._matched else Processing.ONLINE_PIN_FOREIGN
            if self._terminal & Terminal.ONLINE_PIN and self._card & own:
                self._transaction.card_qualifiers |= Qualifier.ONLINE_PIN
                return self._online()
            self._require_signature()
        return self._online() if self._online_is_asked() else self._spend()

    def _match_currency(self) -> bool:
        """In the card's currency, or in the second one, which only the low value check alone allows (JR/T 0025.15 §5.3)."""
        application, transaction = self._application, self._transaction
        currency = transaction.given(Tag.TERMINAL_CURRENCY)
        totals = self._card & (Processing.LOW_VALUE_AND_TOTAL | Processing.LOW_VALUE_OR_TOTAL)
        two_currencies = self._card & Processing.LOW_VALUE and not totals
        if two_currencies and currency and currency == application.get(Tag.E_CASH_SECOND_CURRENCY):
            transaction.second_currency = currency != application.get(Tag.CURRENCY)
        return transaction.second_currency or risk.is_own_currency(application, transaction)

    def _is_new(self) -> bool:
        return self._application.get(Tag.LAST_ONLINE_ATC) == b"\0\0"

    def _pin_is_exceeded(self) -> bool:
        return bool(self._card & Processing.PIN_TRIES) and self._application.pin_tries == 0

    # What the terminal asks

    def _without_issuer(self) -> Kind:
        """A terminal that works offline alone (§7.7.2)."""
        if self._card & Processing.NEW_CARD_OFFLINE_DECLINE and self._is_new():
            return Kind.AAC
        if self._pin_is_exceeded():
            self._transaction.cvr |= Cvr.PIN_EXCEEDED
            return Kind.AAC
        if self._cvm_is_needed():
            self._require_signature()
        return self._spend()

    def _cvm_is_needed(self) -> bool:
        """Cardholder verification (§7.7.3): the terminal wants it, the card's own limit, or another currency."""
        if self._terminal & Terminal.CVM_REQUIRED:
            return True
        if not self._matched:
            return bool(self._card & Processing.FOREIGN_CVM)
        limit = self._object(Tag.CVM_LIMIT)
        return limit is not None and self._asked > number(limit)

    def _require_signature(self) -> None:
        if not (self._terminal & Terminal.SIGNATURE and self._card & Processing.SIGNATURE):
            raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
        self._transaction.card_qualifiers |= Qualifier.SIGNATURE

    def _online_is_asked(self) -> bool:
        """The conditions of §7.7.4, of which the first that holds decides."""
        if self._terminal & Terminal.CRYPTOGRAM_REQUIRED:
            return True
        if not self._matched and not self._card & Processing.FOREIGN_OFFLINE:
            return True
        if self._card & Processing.NEW_CARD and self._is_new():
            self._transaction.cvr |= Cvr.NEW_CARD
            return True
        if self._pin_is_exceeded():
            self._transaction.cvr |= Cvr.PIN_EXCEEDED
            return True
        return False

    # What the card allows

    def _object(self, tag: int) -> bytes | None:
        return self._application.get(e_cash_tag(self._transaction, tag))

    @property
    def _balance(self) -> int:
        return number(self._object(Tag.BALANCE) or b"")

    @property
    def _available(self) -> int:
        """What an offline payment may spend."""
        return self._balance

    @property
    def _runs_in_first_currency(self) -> bool:
        return self._matched and not self._transaction.second_currency

    def _is_barred(self) -> bool:
        """Whether a kind of transaction forbids what the spend check might allow."""
        return False

    def _total_is_exceeded(self) -> bool:
        """Whether the amount is beyond the upper limit of the cumulative amount (§7.7.7)."""
        limit = self._application.get(Tag.AMOUNT_UPPER_LIMIT) or self._application.value(Tag.AMOUNT_LIMIT)
        return self._asked + self._application.counter(Counter.CUMULATIVE_AMOUNT) > number(limit)

    def _beyond_single_limit(self) -> bool:
        limit = self._object(Tag.SINGLE_LIMIT)
        return limit is not None and self._asked > number(limit)

    def _beyond_low_value(self) -> bool:
        kept_back = 0 if self._offline_only else number(self._object(Tag.THRESHOLD) or b"")
        return self._beyond_single_limit() or self._asked > self._available - kept_back

    def _spend(self) -> Kind:
        """The check that 9F68 chooses (§7.7.9 to §7.7.13); a card that cannot sign approves nothing offline."""
        check = self._check()
        if check is None or private_key(self._application) is None:
            return self._not_offline()
        if self._is_barred() or check():
            self._transaction.cvr |= Cvr.VELOCITY
            return self._not_offline()
        return Kind.TC

    def _check(self) -> Callable[[], bool] | None:
        """The spend check of the transaction; it answers whether it forbids, otherwise it has changed what it must."""
        if not self._matched:
            return self._foreign
        for bit, check in (
            (Processing.LOW_VALUE, self._low_value),
            (Processing.LOW_VALUE_AND_TOTAL, self._low_value_and_total),
            (Processing.LOW_VALUE_OR_TOTAL, self._low_value_or_total),
        ):
            if self._card & bit:
                return check
        return None

    def _not_offline(self) -> Kind:
        return Kind.AAC if self._offline_only else self._online()

    def _low_value(self) -> bool:
        if self._beyond_low_value():
            return True
        self._pay()
        return False

    def _low_value_and_total(self) -> bool:
        if self._beyond_low_value() or self._total_is_exceeded():
            return True
        self._pay()
        self._add_to_total()
        return False

    def _low_value_or_total(self) -> bool:
        if self._beyond_single_limit():
            return True
        if self._asked <= self._available:
            self._pay()
            return False
        if self._total_is_exceeded():
            return True
        self._add_to_total()
        return False

    def _foreign(self) -> bool:
        """Another currency: only the number of such transactions counts; a card without 9F53 allows none."""
        count = self._application.counter(Counter.FOREIGN_CURRENCY)
        if count >= int.from_bytes(self._application.value(Tag.LIMIT_FOREIGN_CURRENCY), "big"):
            return True
        self._application.count(Counter.FOREIGN_CURRENCY, min(count + 1, LARGEST_COUNT))
        return False

    def _pay(self) -> None:
        """Take an amount that is available."""
        self._debit()

    def _debit(self) -> None:
        self._application.put(e_cash_tag(self._transaction, Tag.BALANCE), amount(self._balance - self._asked))

    def _add_to_total(self) -> None:
        total = self._application.counter(Counter.CUMULATIVE_AMOUNT) + self._asked
        self._application.count(Counter.CUMULATIVE_AMOUNT, min(total, LARGEST_AMOUNT))

    # Online

    def _online(self) -> Kind:
        """An online request, which a prepaid card pays at once (§7.7.15)."""
        if self._card & Processing.PREFERS_CONTACT and self._terminal & Terminal.CONTACT:
            raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
        if not self._card & Processing.PREPAID:
            return Kind.ARQC
        if not self._asked:
            return Kind.AAC
        with_total = bool(self._card & Processing.LOW_VALUE_AND_TOTAL)
        if not with_total and not self._card & Processing.LOW_VALUE:
            return Kind.ARQC
        if self._asked > self._balance or (with_total and self._total_is_exceeded()):
            return Kind.AAC
        self._debit()
        if with_total:
            self._add_to_total()
        return Kind.ARQC
