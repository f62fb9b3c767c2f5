"""A world whose station makes whole cards: with a bank and an authority for certificates."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from itertools import cycle
from typing import Any

import pytest

from conformance.actors.bank import Bank, IssuerKeys
from conformance.actors.bank.authority import Authority
from conformance.actors.bank.card_data import CardOrder, personalisation_data
from conformance.actors.bank.groupings import DataFile
from conformance.actors.certificates.authority import CertificationAuthority
from conformance.actors.certificates.card import CertificateCard, CertificateCardError
from conformance.actors.station import Ending, Equipment, Journal, Outcome, Station, Told
from conformance.actors.terminal import Kernel, PreparedHolder, Purchase, TransactionResult
from profiles import load
from profiles.model import Profile
from tests.station.world import NEW, World, order, small

BLANKS = {"ssc3-sm4": "ssc3-blank", "ssc2-3des": "ssc2-blank"}
PAN, BANK_PIN = "6214988660100000304", "135790"
HOLDER, IDENTITY = "渝小样", "500000199002280026"
AID = "A000000333010101"


class Prepared:
    """A bank that has two files of a card at hand, with other key pairs, and gives them in turn."""

    def __init__(self, bank: Bank, product: Profile) -> None:
        self._bank = bank
        self._files = cycle(two_files(product.name))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bank, name)

    @property
    def cards(self) -> Any:
        return PreparedCards(self._bank.cards, self._files)


class PreparedCards:
    """The desk of such a bank; a change that is not ordered gets no file."""

    def __init__(self, cards: Any, files: Iterator[DataFile]) -> None:
        self._cards, self._files = cards, files

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cards, name)

    def personalisation(self, change: str, product: Profile, authority: Authority) -> DataFile:
        assert self._cards.change(change).state == "ordered"
        return next(self._files)


@cache
def two_files(product: str) -> tuple[DataFile, DataFile]:
    """As the bank makes them for :class:`WholeWorld`."""
    own = CardOrder(PAN, "01", date(2036, 1, 1), HOLDER, IDENTITY, pin=BANK_PIN, balance=0)
    made = [personalisation_data(load(product), own, Authority.published()) for _ in range(2)]
    return made[0], made[1]


def whole(product: str) -> Profile:
    """The product with fewer files and one version of each social security key, for sweeps."""
    profile, little = load(product), small(product)
    others = {name: found for name, found in profile.directory.items() if found.application != "social security"}
    return profile.model_copy(update={"directory": {**others, **little.directory}})


class WholeWorld(World):
    """With ``prepared`` the bank's files are made once for all worlds of a product."""

    def __init__(self, product: Profile, *, prepared: bool = False) -> None:
        super().__init__(product, load(BLANKS[product.name]))
        self.bank = Bank(*IssuerKeys.of_profile(product))
        self.desk: Any = Prepared(self.bank, product) if prepared else self.bank
        self.authority: Authority | None = None
        self.order = order(account_number=PAN)
        self.certificates: Any = CertificationAuthority.published() if "CERT" in product.directory else None

    def station(self, listener: Callable[[Told], None] = lambda told: None, journal: Journal | None = None) -> Station:
        equipment = Equipment(self.product, self.blank, self.centre, journal or self.journal, self.printer)
        equipment = replace(equipment, certificates=self.certificates, bank=self.desk, authority=self.authority)
        return Station(equipment, listener)

    def issue(self) -> Outcome:
        return self.station().issue(self.order, self.target, NEW, bank_pin=BANK_PIN)

    def resume(self) -> Outcome:
        return self.station().resume(self.order, self.target, NEW, bank_pin=BANK_PIN)

    def send(self, command: str) -> str:
        return self.target.transmit(bytes.fromhex(command)).hex().upper()

    def select_debit(self) -> None:
        self.target.reset()
        assert self.send(f"00A4040008{AID}00")[-4:] == "9000"

    def settled(self, outcome: Outcome) -> None:
        super().settled(outcome)
        if outcome.ending is Ending.COMPLETED:
            assert self.face().account == PAN
            self.bank_half_issued()
            self.certificates_issued()

    def bank_half_issued(self) -> None:
        """The number of the order, and no personalisation any more."""
        self.select_debit()
        assert f"5A0A{PAN}F5F340101" in self.send("00B2011C00")
        for command in ("8050000008A1A2A3A4A5A6A7A800", "80E2800003000100", "84E28000080000000000000000"):
            assert self.send(command) in ("6D00", "6E00")

    def certificates_issued(self) -> None:
        """The secrets that all chips have at first are refused, those of the issuer taken."""
        if self.certificates is None:
            return
        rules = self.product.directory["CERT"].certificates
        assert rules is not None
        card = CertificateCard(self.target)
        card.select()
        for digits, good in ((rules.initial_administrator_pin, False), ("26010574", True)):
            with contextlib.nullcontext() if good else pytest.raises(CertificateCardError, match="63C"):
                card.verify_administrator_pin(digits)
        card.verify_user_pin("123456")
        assert len(card.sign(b"proof")) == 64

    def pay_in(self) -> None:
        """Some money into the account."""
        with self.bank.ledger.transaction():
            card = self.bank.account(PAN, "01")
            self.bank.ledger.transfer("network", card.book, 100_000, "", "paid in")

    def pay(self, amount: int, **changes: object) -> TransactionResult:
        """A purchase that the bank decides."""
        self.target.reset()
        kernel = Kernel(self.target, host=self.bank, holder=PreparedHolder((BANK_PIN,)))
        return kernel.run(Purchase(amount, **({"force_online": True, "e_cash": False} | changes)))  # type: ignore[arg-type]
