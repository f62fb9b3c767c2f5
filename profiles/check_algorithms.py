"""Checks of the algorithm sets of a payment application: keys, issuer application data, DF69 (JR/T 0025.17 §10)."""

from __future__ import annotations

from collections.abc import Iterator

from profiles import payment_content
from profiles.algorithm_sets import algorithm_sets
from profiles.dictionary import ValueFormatError
from profiles.model import Directory, Profile
from profiles.payment_model import SmPayment
from profiles.problems import Problem

KEY_USES = ("payment cryptogram", "payment MAC", "payment encryption")
ISSUER_DATA, PDOL, ALGORITHM_CHOICE = "9F10", "9F38", "DF69"
IDENTIFIERS = {"3DES": 0x01, "SM4": 0x04}
"""Byte 8 of 9F10 (JR/T 0025.17 appendix A)."""
CONTACTLESS_PATHS = frozenset({"contactless", "qPBOC"})


def check_keys(profile: Profile, name: str) -> Iterator[Problem]:
    """Exactly one key of each use in each set."""
    directory, sets = profile.directory[name], algorithm_sets(profile, name)
    if not sets:
        return
    own = sets[0].algorithm
    for each in sets:
        of_set = f" with {each.algorithm}" if len(sets) > 1 else ""
        for use in KEY_USES:
            held = [
                key for key in directory.key.values() if key.use == use and (key.algorithm or own) == each.algorithm
            ]
            if len(held) != 1:
                yield Problem(f"directory.{name}.key", f"{len(held)} keys for {use}{of_set}; exactly one is needed")
    for key_name, key in directory.key.items():
        path = f"directory.{name}.key.{key_name}"
        if key.use in KEY_USES and (key.levels, key.versions, key.length) != (1, 1, 16):
            yield Problem(path, "a payment key has one level, one version and 16 bytes")
        if (key.algorithm or own) not in {each.algorithm for each in sets}:
            yield Problem(f"{path}.algorithm", f"the application has no algorithm set with {key.algorithm}")


def check_sets(profile: Profile, name: str) -> Iterator[Problem]:
    """What an application with a second set needs; nothing about one that has none."""
    payment = profile.directory[name].payment
    if payment is None or payment.sm is None:
        return
    place = f"directory.{name}.payment"
    if (payment.algorithm or profile.algorithm) != "3DES":
        yield Problem(f"{place}.algorithm", "an application with payment.sm has 3DES here")
    if payment.certification and payment.certification.scheme != "RSA":
        yield Problem(f"{place}.certification.scheme", "an application with payment.sm has RSA here")
    yield from _second_set(f"{place}.sm", payment.sm, frozenset(payment.path))
    for where, data in _lists(name, profile.directory[name]):
        if ALGORITHM_CHOICE not in data:
            yield Problem(
                where, f"must ask for {ALGORITHM_CHOICE}, by which the card chooses between its algorithm sets"
            )


def _second_set(place: str, sm: SmPayment, kinds: frozenset[str]) -> Iterator[Problem]:
    if sm.certification.scheme != "SM2":
        yield Problem(f"{place}.certification.scheme", "the SM set is certified with SM2")
    if kinds != frozenset(sm.path):
        yield Problem(
            f"{place}.path", f"has {', '.join(sorted(sm.path))}; the other set has {', '.join(sorted(kinds))}"
        )
    places = [(f"{place}.data", sm.data)]
    if sm.contactless is not None:
        places.append((f"{place}.contactless.data", sm.contactless.data))
    elif kinds & CONTACTLESS_PATHS:
        yield Problem(f"{place}.contactless", f"is missing; the contactless paths need {ISSUER_DATA} of the SM set")
    for where, data in places:
        if set(data) != {ISSUER_DATA}:
            yield Problem(
                where, f"holds {ISSUER_DATA} and nothing else: the two algorithm sets share everything besides"
            )
            continue
        try:
            payment_content.element(ISSUER_DATA).encode(data[ISSUER_DATA])
        except ValueFormatError as error:
            yield Problem(f"{where}.{ISSUER_DATA}", str(error))


def _lists(name: str, directory: Directory) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The tags of the PDOL of each interface, with its place; nothing of a list that is malformed, which is told elsewhere."""
    payment = directory.payment
    places = [(f"directory.{name}.data", directory.data)]
    if payment and payment.contactless:
        places.append((f"directory.{name}.payment.contactless.data", payment.contactless.data))
    for place, data in places:
        try:
            listed = payment_content.lengths(payment_content.element(PDOL).encode(data[PDOL])) if PDOL in data else []
        except ValueFormatError:
            continue
        yield f"{place}.{PDOL}", tuple(tag for tag, _ in listed)


def card_warnings(profile: Profile, name: str) -> Iterator[Problem]:
    """Rules for the data of a card with SM algorithms that need no terminal to be seen (JR/T 0025.17 §10, appendix A)."""
    directory = profile.directory[name]
    own = algorithm_sets(profile, name)[0].algorithm
    for where, value, algorithm in _issuer_data(name, directory, own):
        if len(value) > 7 and value[7] != IDENTIFIERS[algorithm]:
            told = f"names algorithm {value[7]:02X}; that of the keys, {algorithm}, is {IDENTIFIERS[algorithm]:02X}"
            yield Problem(where, told, "warning")
    if own == "SM4":
        for where, listed in _lists(name, directory):
            if ALGORITHM_CHOICE not in listed:
                told = f"a card with SM algorithms asks for {ALGORITHM_CHOICE}"
                yield Problem(where, told, "warning")


def _issuer_data(name: str, directory: Directory, own: str) -> Iterator[tuple[str, bytes, str]]:
    """9F10 of each set and interface: place, value, block cipher of the set."""
    place = f"directory.{name}"
    found = [
        (f"{place}.data", payment_content.data_objects(directory), own),
        (f"{place}.payment.contactless.data", payment_content.contactless_objects(directory), own),
        (f"{place}.payment.sm.data", payment_content.sm_objects(directory), "SM4"),
        (f"{place}.payment.sm.contactless.data", payment_content.sm_objects(directory, contactless=True), "SM4"),
    ]
    for where, objects, algorithm in found:
        if ISSUER_DATA in objects:
            yield f"{where}.{ISSUER_DATA}", objects[ISSUER_DATA], algorithm
