"""The certificate authority over a line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from conformance.actors.certificates.authority import CertificationAuthority
from conformance.actors.certificates.x509 import Certificate
from conformance.actors.hosts.operation import Desk, Line, asks, does
from conformance.actors.hosts.service import DirectLine, Kind, Service
from conformance.actors.store import Store


@dataclass(frozen=True, slots=True)
class TrustDesk:
    """Hands the authority's own certificate out."""

    authority: CertificationAuthority

    def certificate(self) -> bytes:
        """The certificate, DER."""
        return self.authority.certificate.der


class TrustHost(Desk):
    """What a station is set up with; see :class:`TrustDesk`."""

    desk = "trust"
    certificate = asks(TrustDesk.certificate)


class AuthorityHost(Desk):
    """The authority; see :class:`~conformance.actors.certificates.station.Authority`. Fetches its certificate at once.

    Raises:
        conformance.actors.bank.messages.HostUnreachable: The authority does not answer.
    """

    answer = does(CertificationAuthority.answer)
    answer_key = does(CertificationAuthority.answer_key)

    def __init__(self, line: Line) -> None:
        super().__init__(line)
        self._certificate = Certificate.parse(TrustHost(line).certificate())

    def trusts(self, certificate: Certificate) -> bool:
        """Whether the authority signed a certificate."""
        return self._certificate.issued(certificate)


AUTHORITY = Kind("authority", (AuthorityHost, TrustHost))


class AuthorityBooks(Store):
    """What an authority answered."""

    kind = "SSAU"


def authority_service(books: Path | str = ":memory:", authority: CertificationAuthority | None = None) -> Service:
    """The published authority, or another one; its books keep what it answered to each request."""
    made = authority or CertificationAuthority.published()
    return Service(AUTHORITY, authority_line(made), AuthorityBooks(books))


def authority_line(authority: CertificationAuthority) -> DirectLine:
    """An authority in this process, over whose line every desk of this module works."""
    return DirectLine({"": authority, "trust": TrustDesk(authority)})
