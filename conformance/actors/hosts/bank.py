"""The bank over a line: terminals, the desk for cards, agreements. An operation that is added is one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.actors.bank.agreements import Agreements
from conformance.actors.bank.authority import Authority
from conformance.actors.bank.bank import Bank
from conformance.actors.bank.changes import CardDesk, ChangeError
from conformance.actors.bank.groupings import DataFile
from conformance.actors.bank.keys import IssuerKeys
from conformance.actors.bank.ledger import Account, Ledger
from conformance.actors.hosts.operation import Desk, Line, asks, does
from conformance.actors.hosts.service import DirectLine, Kind, Service
from profiles.model import Profile


def _without_pin(account: Account) -> Account:
    """The online PIN is the bank's alone."""
    return replace(account, pin="")


def _card_without_pin(card: Account | None) -> Account | None:
    return None if card is None else _without_pin(card)


@dataclass(frozen=True, slots=True)
class DataDesk:
    """Gives out the data of ordered cards, their secrets under a transport key 传输密钥.

    Attributes:
        bank: The bank.
        products: The products that it has cards made of, by name.
        authority: Its certification authority.
        transport_key: What it shares with the stations; without it no data leave.
    """

    bank: Bank
    products: Mapping[str, Profile]
    authority: Authority
    transport_key: bytes | None = None

    def data(self, change: str, product: str) -> str:
        """The data file of the card that a change ordered; see :meth:`CardDesk.personalisation`."""
        if self.transport_key is None:
            raise ChangeError("the bank has no transport key, under which card data would leave; give it one")
        if product not in self.products:
            raise ChangeError(f"the bank has no cards of product {product} made; it has {', '.join(self.products)}")
        file = self.bank.cards.personalisation(change, self.products[product], self.authority)
        return file.to_json(self.transport_key)


class AgreementsHost(Desk):
    """Standing agreements; see :class:`Agreements`."""

    desk = "agreements"
    agree = does(Agreements.agree)
    end = does(Agreements.end)
    credit = does(Agreements.credit)
    debit = does(Agreements.debit)
    of_account = asks(Agreements.of_account)


class DataHost(Desk):
    """Data of ordered cards; see :class:`DataDesk`."""

    desk = "data"
    data = asks(DataDesk.data)


class CardDeskHost(Desk):
    """The desk for cards; see :class:`CardDesk`."""

    desk = "cards"
    change = asks(CardDesk.change)
    in_use = asks(CardDesk.in_use, shown=_card_without_pin)
    chip = asks(CardDesk.chip)
    number_of = asks(CardDesk.number_of)
    open = does(CardDesk.open)
    freeze = does(CardDesk.freeze)
    order = does(CardDesk.order)
    switch = does(CardDesk.switch)
    undo = does(CardDesk.undo)
    return_e_cash = does(CardDesk.return_e_cash)
    record = does(CardDesk.record)
    report_lost = does(CardDesk.report_lost)
    found = does(CardDesk.found)
    cancel = does(CardDesk.cancel)

    def __init__(self, line: Line, transport_key: bytes | None = None) -> None:
        super().__init__(line)
        self._data = DataHost(line)
        self._transport_key = transport_key

    def personalisation(self, change: str, product: Profile, authority: Authority) -> DataFile:
        """See :meth:`CardDesk.personalisation`. The bank knows product and authority itself; the data come enciphered.

        Raises:
            ChangeError: The bank gives none, or there is no transport key.
            DataFileError: They are under another transport key.
        """
        if self._transport_key is None:
            raise ChangeError("card data leave the bank under a transport key alone; give it")
        return DataFile.from_json(self._data.data(change, product.name), self._transport_key)


class BankHost(Desk):
    """The bank; see :class:`Bank`."""

    authorise = does(Bank.authorise)
    complete = does(Bank.complete)
    reverse = does(Bank.reverse)
    clear = does(Bank.clear)
    account = asks(Bank.account, shown=_without_pin)

    def __init__(self, line: Line, transport_key: bytes | None = None) -> None:
        super().__init__(line)
        self.cards = CardDeskHost(line, transport_key)
        self.agreements = AgreementsHost(line)


BANK = Kind("bank", (BankHost, CardDeskHost, AgreementsHost, DataHost))


def bank_service(
    products: Sequence[Profile],
    books: Path | str = ":memory:",
    *,
    authority: Authority | None = None,
    transport_key: bytes | None = None,
    prepare: Callable[[Bank], None] = lambda bank: None,
) -> Service:
    """The bank that issues cards of some products, over its books; made in the thread in which it works.

    ``prepare`` is called once the bank has its books. Of products with keys of one algorithm the first one's are the bank's.

    Raises:
        ValueError: A product has no payment application.
    """
    keys = {each.algorithm: each for product in reversed(products) for each in IssuerKeys.of_profile(product)}
    bank = Bank(*keys.values(), ledger=Ledger(books))
    prepare(bank)
    data = DataDesk(bank, {each.name: each for each in products}, authority or Authority.published(), transport_key)
    return Service(BANK, bank_line(bank, data), bank.ledger)


def bank_line(bank: Bank, data: DataDesk | None = None) -> DirectLine:
    """A bank in this process, over whose line every desk of this module works."""
    given = data or DataDesk(bank, {}, Authority.published())
    return DirectLine({"": bank, "cards": bank.cards, "agreements": bank.agreements, "data": given})
