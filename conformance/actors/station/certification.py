"""证书: key pairs and certificates of the holder, and the issuer's secrets in the place of the maker's (reconstructed specification §7.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from conformance.actors.certificates.card import CertificateCard, CertificateCardError, CertificateCardLost
from conformance.actors.certificates.commands import (
    ENCRYPTION_CERTIFICATE,
    ENCRYPTION_KEY,
    SIGNATURE_CERTIFICATE,
    SIGNATURE_KEY,
)
from conformance.actors.certificates.station import Authority, CertificateIssue, CertificateOrder, IssueError
from conformance.actors.certificates.x509 import Subject
from conformance.actors.key_service import KeyService
from conformance.actors.medical.reader import CardGone, CardRefused
from conformance.actors.station.link import ChipLink
from conformance.actors.station.order import EXPIRES, ISSUED, Order
from profiles.applications import certificates_of
from profiles.model import Directory, Profile

ENVIRONMENT, APPLICATION = "certificate environment", "certificates"


def has_certificates(profile: Profile) -> bool:
    """Whether a chip of the product carries the certificate application."""
    return any(found.certificates is not None for found in profile.directory.values())


@dataclass(frozen=True, slots=True)
class Keys:
    """Who computes with the master keys: the maker's, which every chip has first, and the issuer's, which the card keeps."""

    maker: KeyService
    issuer: KeyService


class Certification:
    """The certificate application of one card.

    Its secrets are changed last, administrator PIN, application, environment, so that what broke off is done again from the
    beginning, with whichever of them the chip has by then.
    """

    def __init__(self, link: ChipLink, product: Profile, order: Order, authority: Authority, keys: Keys) -> None:
        self._link = link
        self._card = CertificateCard(link)
        self._order = order
        self._authority = authority
        self._keys = keys
        self._environment = _directory(product, ENVIRONMENT)
        self._application = _directory(product, APPLICATION)
        self._rules = certificates_of(product)

    @property
    def _holder(self) -> str:
        return self._order.name + self._order.values.get("4E", "")

    def issue(self, *, again: bool) -> None:
        """Keys and certificates onto the card; ``again`` where an earlier run began with it.

        Raises:
            CardGone: The chip was lost.
            CardRefused: It, or the authority, refused; or what reads back is not what was issued.
            conformance.actors.bank.messages.HostUnreachable: The authority did not answer; nobody refused anything.
        """
        try:
            self._issue(again=again)
        except IssueError as problem:
            if isinstance(problem.__cause__, CertificateCardLost):
                raise CardGone(str(problem)) from problem
            raise CardRefused(f"证书：{problem.step.zh}", f"certificates: {problem}") from problem
        except CertificateCardError as problem:
            raise _as_reader_says(problem) from problem

    def check(self) -> None:
        """Both certificates are the holder's, of the authority, over the card's keys; the secrets are the issuer's.

        Raises as :meth:`issue`.
        """
        try:
            self._check_certificates()
            self._card.select()
            self._card.verify_administrator_pin(self._administrator)
            for place in (self._environment, self._application):
                self._enter(place)
                name = _master_key(place)
                if not self._card.prove_master_key(partial(self._keys.issuer.authenticate_master_key, name)):
                    raise CardRefused("证书主控密钥不符", f"{name} of the card is not the issuer's")
        except CertificateCardError as problem:
            raise _as_reader_says(problem) from problem

    def _issue(self, *, again: bool) -> None:
        initial = self._rules.initial_administrator_pin
        replaced = again and not self._administrator_is(initial)
        order = CertificateOrder(
            Subject(self._holder),
            _day(self._order.values[ISSUED]),
            _day(self._order.values[EXPIRES]),
            user_pin=_pin(self._application),
            administrator_pin=self._administrator if replaced else initial,
            new_administrator_pin=self._administrator,
            settings=self._rules.settings,
        )
        CertificateIssue(self._link, self._authority, order).run()
        for place in (self._application, self._environment):
            self._enter(place)
            self._replace_master_key(_master_key(place), perhaps_replaced=replaced)

    def _administrator_is(self, digits: str) -> bool:
        """Whether the card's administrator PIN is this one; a wrong guess costs a try, which the right PIN gives back."""
        self._card.select()
        try:
            self._card.verify_administrator_pin(digits)
        except CertificateCardError as refusal:
            if refusal.sw is None or refusal.sw >> 8 != 0x63:
                raise
            return False
        return True

    @property
    def _administrator(self) -> str:
        """管理PIN of an issued card of the product."""
        return _pin(self._environment)

    def _enter(self, place: Directory) -> None:
        if place is self._environment:
            self._card.select_environment()
        else:
            self._card.select()

    def _replace_master_key(self, name: str, *, perhaps_replaced: bool) -> None:
        keys, card = self._keys, self._card
        if perhaps_replaced and card.prove_master_key(partial(keys.issuer.authenticate_master_key, name)):
            return
        if not card.prove_master_key(partial(keys.maker.authenticate_master_key, name)):
            raise CardRefused("证书主控密钥不符", f"{name} of the chip is not its maker's")
        card.exchange_master_key(partial(keys.issuer.exchange_master_key, name, keys.maker))

    def _check_certificates(self) -> None:
        self._card.select()
        for identifier, pair in ((SIGNATURE_CERTIFICATE, SIGNATURE_KEY), (ENCRYPTION_CERTIFICATE, ENCRYPTION_KEY)):
            certificate, name = self._card.read_certificate(identifier), identifier.hex().upper()
            fits = (
                self._authority.trusts(certificate),
                certificate.subject_der == Subject(self._holder).to_der(),
                certificate.public_key == self._card.public_key(pair),
            )
            for right, what in zip(fits, ("authority", "holder", "key"), strict=True):
                if not right:
                    raise CardRefused(f"证书 {name} 回读不符", f"the certificate in {name} has another {what}")


def _directory(product: Profile, application: str) -> Directory:
    return next(found for found in product.directory.values() if found.application == application)


def _master_key(directory: Directory) -> str:
    return next(name for name, key in directory.key.items() if key.use == "master")


def _pin(directory: Directory) -> str:
    return next(pin.value for pin in directory.pin.values())


def _day(text: str) -> datetime:
    return datetime(int(text[:4]), int(text[4:6]), int(text[6:]), tzinfo=UTC)


def _as_reader_says(problem: CertificateCardError) -> CardGone | CardRefused:
    if isinstance(problem, CertificateCardLost):
        return CardGone(str(problem))
    return CardRefused(f"证书：{problem.step}", f"certificates: {problem}")
