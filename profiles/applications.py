"""Which applications a card has, and which open points of their specifications it has to settle."""

from __future__ import annotations

from profiles.model import Certificates, Profile
from profiles.settings import Assumption, assumptions

OWN_APPLICATIONS = frozenset({"chip", "social security"})
"""Applications of the directories that follow the rules of the social security card; others follow rules of their own."""

PAYMENT_APPLICATIONS = frozenset({"debit", "payment environment"})
"""Applications of the directories that follow JR/T 0025."""


def has_social_security(profile: Profile) -> bool:
    """Whether the card is a social security card, or a chip for one."""
    return any(directory.application in OWN_APPLICATIONS for directory in profile.directory.values())


def has_sam(profile: Profile) -> bool:
    """Whether it is a secure access module (PSAM) and no card of a person."""
    return any(directory.sam is not None for directory in profile.directory.values())


def payment_directory(profile: Profile) -> str | None:
    """The directory of the payment application; None on a card without one."""
    return next((name for name, directory in profile.directory.items() if directory.payment is not None), None)


def awaited_directory(profile: Profile) -> str | None:
    """The directory of a payment application that waits for its personalisation; None on a card without one."""
    return next((name for name, directory in profile.directory.items() if directory.personalisation is not None), None)


def certificates_of(profile: Profile) -> Certificates:
    """The rules of the certificate application, which the card must have."""
    return next(each.certificates for each in profile.directory.values() if each.certificates is not None)


def open_points(profile: Profile) -> tuple[Assumption, ...]:
    """Every setting of an open point that concerns the card's applications, as the profile settles it."""
    found = assumptions(profile.settings) if has_social_security(profile) or has_sam(profile) else ()
    for directory in profile.directory.values():
        if directory.payment is not None:
            found += assumptions(directory.payment.settings)
        if directory.certificates is not None:
            found += assumptions(directory.certificates.settings)
    return found
