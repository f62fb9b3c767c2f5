"""What a card is declared to be, in the terms of the requirement catalogues."""

from __future__ import annotations

from difflib import get_close_matches

from conformance.requirements import PAYMENT, SOCIAL_SECURITY, CardTraits, Catalogue, load_catalogue
from conformance.requirements.payment import payment_parts
from profiles.applications import awaited_directory, has_sam, has_social_security, payment_directory
from profiles.model import Profile
from profiles.problems import Problem


def catalogue_names(profile: Profile) -> tuple[str, ...]:
    """The catalogues with requirements for a card: social security, payment, or both."""
    names = (SOCIAL_SECURITY,) if has_social_security(profile) or has_sam(profile) else ()
    pays = payment_directory(profile) is not None or awaited_directory(profile) is not None
    return (*names, PAYMENT) if pays else names


def areas_of(profile: Profile) -> tuple[str, ...]:
    """The only areas that concern a product; empty where all do.

    Rules for cards of persons are none for a PSAM, those for payment applications none for one before its personalisation;
    and a chip in which it waits beside what the pre-issue commands will build has a life cycle of its own.
    """
    if payment_directory(profile) is None and awaited_directory(profile) is not None:
        return ("LIFE", "PAY-PER") if profile.life_cycle == "blank" else ("PAY-PER",)
    return ("SAM",) if has_sam(profile) else ()


def catalogue_of(profile: Profile) -> Catalogue:
    """The requirements for a card, of all its applications."""
    return load_catalogue(*catalogue_names(profile))


def unknown_features(profile: Profile) -> list[Problem]:
    """Declared features that no catalogue knows: a misspelt one would silently make requirements inapplicable."""
    known = load_catalogue(SOCIAL_SECURITY, PAYMENT).features
    found = []
    for feature in profile.features:
        if feature not in known:
            close = get_close_matches(feature, known, n=1)
            meant = f"; did you mean {close[0]!r}?" if close else ""
            found.append(Problem("features", f"{feature!r} is no optional function of the catalogues{meant}"))
    return found


def traits_of(profile: Profile) -> CardTraits:
    """What the profile declares, and what follows from what it describes, in the catalogues' terms."""
    catalogue = catalogue_of(profile)
    stated = {*profile.features, f"life cycle:{profile.life_cycle}"}
    if profile.settings.application_unblock:
        stated.add("unblock")
    parts = {*profile.directory, *(f"{name}/{file}" for name, d in profile.directory.items() for file in d.file)}
    payment = payment_directory(profile)
    if payment is not None:
        parts |= payment_parts(profile, payment)
    return CardTraits(
        version=profile.specification,
        algorithm=profile.algorithm,
        features=frozenset(stated & catalogue.features.keys()) | catalogue.features_of(parts),
    )
