"""The issuer's keys, and what is computed with them for one card and one transaction."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance.actors.bank.issuer_data import ALGORITHMS, IssuerData, IssuerDataError
from emulator.crypto import Algorithm, CryptoError
from emulator.crypto import payment as crypto
from profiles.algorithm_sets import algorithm_sets
from profiles.keys import root_key
from profiles.model import Profile

VERSION_01_INPUT = (
    (0x9F02, 6),
    (0x9F03, 6),
    (0x9F1A, 2),
    (0x95, 5),
    (0x5F2A, 2),
    (0x9A, 3),
    (0x9C, 1),
    (0x9F37, 4),
    (0x82, 2),
    (0x9F36, 2),
)
"""Objects of the cryptogram of version 01 with their lengths, before the card verification results (JR/T 0025.5 appendix C)."""
VERSION_17_INPUT = ((0x9F02, 6), (0x9F37, 4), (0x9F36, 2))
"""Objects of version 17, before byte 5 of 9F10 (JR/T 0025.12 appendix E)."""
ISSUER_DATA, COUNTER, CRYPTOGRAM = 0x9F10, 0x9F36, 0x9F26
USES = {"ac": "payment cryptogram", "mac": "payment MAC", "enc": "payment encryption"}


class ChipDataError(ValueError):
    """Field 55 lacks an object, has one of wrong length, or its 9F10 is malformed."""


@dataclass(frozen=True, slots=True)
class IssuerKeys:
    """The issuer's master keys for cards of one algorithm, 16 bytes each."""

    algorithm: Algorithm
    ac: bytes = field(repr=False)
    mac: bytes = field(repr=False)
    enc: bytes = field(repr=False)

    @classmethod
    def of_profile(cls, profile: Profile) -> tuple[IssuerKeys, ...]:
        """The published test keys of a card product: a set for each of its algorithms, so two of a dual-algorithm card.

        Raises:
            ValueError: The product has no payment application.
        """
        for directory in profile.directory:
            sets = {each.algorithm: each.keys(profile, directory) for each in algorithm_sets(profile, directory)}
            if sets and all(names.keys() >= set(USES.values()) for names in sets.values()):
                return tuple(
                    cls(
                        Algorithm(algorithm), **{short: root_key(profile, names[use], 1) for short, use in USES.items()}
                    )
                    for algorithm, names in sets.items()
                )
        raise ValueError(
            f"profile {profile.name} has no payment application with keys; give one that has, such as debit"
        )

    def transaction(self, pan: str, sequence: str, chip_data: Mapping[int, bytes]) -> TransactionKeys:
        """The session keys of the transaction that field 55 tells of.

        Raises:
            ChipDataError: Field 55 lacks the counter, or the account number is none.
        """
        counter = chip_data.get(COUNTER, b"")
        try:
            cards = [crypto.card_key(self.algorithm, key, pan, sequence) for key in (self.ac, self.mac, self.enc)]
            ac, mac, enc = (crypto.session_key(self.algorithm, key, counter) for key in cards)
        except CryptoError as error:
            raise ChipDataError(str(error)) from error
        return TransactionKeys(self.algorithm, counter, ac, mac, enc, cards[2])


@dataclass(frozen=True, slots=True)
class TransactionKeys:
    """Session keys of one transaction of one card, and the card's encryption key, of which PIN CHANGE takes four bytes."""

    algorithm: Algorithm
    counter: bytes
    ac: bytes = field(repr=False)
    mac: bytes = field(repr=False)
    enc: bytes = field(repr=False)
    card_enc: bytes = field(repr=False)

    def cryptogram(self, chip_data: Mapping[int, bytes]) -> bytes:
        """The application cryptogram that a genuine card makes of these data, eight bytes.

        Raises:
            ChipDataError: See there.
        """
        return crypto.application_cryptogram(self.algorithm, self.ac, cryptogram_input(chip_data))

    def is_genuine(self, chip_data: Mapping[int, bytes]) -> bool:
        """Whether 9F26 is the cryptogram of the data beside it, whatever its kind: ARQC, TC or AAC.

        Raises:
            ChipDataError: See there.
        """
        expected = self.cryptogram(chip_data)
        same_algorithm = ALGORITHMS.get(issuer_data(chip_data).algorithm) is self.algorithm
        return hmac.compare_digest(expected, chip_data.get(CRYPTOGRAM, b"")) and same_algorithm

    def response_cryptogram(self, request_cryptogram: bytes, code: str) -> bytes:
        """ARPC, eight bytes, for an ARQC and a response code of two characters."""
        return crypto.response_cryptogram(self.algorithm, self.ac, request_cryptogram, code.encode("ascii"))

    def balance(self, data: IssuerData) -> int | None:
        """The e-cash balance that the card reports; None where it reports none, or its MAC is wrong."""
        if data.balance is None:
            return None
        expected = crypto.issuer_data_mac(self.algorithm, self.mac, self.counter, data.amounts)
        return data.balance if hmac.compare_digest(expected, data.mac) else None


def issuer_data(chip_data: Mapping[int, bytes]) -> IssuerData:
    """The parts of 9F10 in field 55.

    Raises:
        ChipDataError: It is missing or malformed.
    """
    try:
        return IssuerData.parse(chip_data.get(ISSUER_DATA, b""))
    except IssuerDataError as error:
        raise ChipDataError(str(error)) from error


def cryptogram_input(chip_data: Mapping[int, bytes]) -> bytes:
    """What a cryptogram covers, by the version in 9F10.

    Raises:
        ChipDataError: An object is missing or of wrong length, or the version is unknown.
    """
    data = issuer_data(chip_data)
    if data.version == 0x01:
        return _objects(chip_data, VERSION_01_INPUT) + b"\x03" + data.results
    if data.version == 0x17:
        return _objects(chip_data, VERSION_17_INPUT) + data.results[:1]
    raise ChipDataError(f"cryptogram version {data.version:02X} is unknown; 01 and 17 are known")


def _objects(chip_data: Mapping[int, bytes], wanted: tuple[tuple[int, int], ...]) -> bytes:
    parts = []
    for tag, length in wanted:
        value = chip_data.get(tag)
        if value is None or len(value) != length:
            raise ChipDataError(f"field 55 needs {tag:X} with {length} bytes")
        parts.append(value)
    return b"".join(parts)
