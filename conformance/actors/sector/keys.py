"""Keys of the extended application: the issuer's for opening records, the sector's for changing them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from emulator.crypto import Algorithm
from emulator.crypto import payment as crypto
from profiles.keys import root_key
from profiles.model import Profile

NO_SEQUENCE = "00"


@dataclass(frozen=True, slots=True)
class SectorKeys:
    """The master keys of one file of the extended application, 16 bytes each.

    Attributes:
        algorithm: Block cipher of both, and of every MAC.
        opening: 应用开通密钥 of the issuer.
        management: 行业应用管理密钥 of the sector.
        zeros_left: Where zeros fill an initial vector up to the block of SM4.
    """

    algorithm: Algorithm
    opening: bytes = field(repr=False)
    management: bytes = field(repr=False)
    zeros_left: bool = True

    def opening_key(self, pan: str, sequence: str) -> bytes:
        """The card's opening key.

        Raises:
            CryptoError: No account number, or no sequence number of two digits.
        """
        return crypto.card_key(self.algorithm, self.opening, pan, sequence)

    def management_key(self, pan: str) -> bytes:
        """The card's management key: the sector knows no more than the account number when it needs it.

        Raises:
            CryptoError: No account number.
        """
        return crypto.card_key(self.algorithm, self.management, pan, NO_SEQUENCE)

    def mac(self, key: bytes, vector: bytes, data: bytes) -> bytes:
        """MAC or R-MAC, four bytes, with an initial vector of eight."""
        return crypto.extended_mac(self.algorithm, key, vector, data, zeros_left=self.zeros_left)


def sector_keys(profile: Profile, directory: str) -> Mapping[int, SectorKeys]:
    """The published test keys of the files of the extended application, by short identifier; none on other cards."""
    described = profile.directory[directory]
    payment = described.payment
    algorithm = Algorithm((payment.algorithm if payment else None) or profile.algorithm)
    left = payment is None or payment.settings.extended_sm4_vector == "zeros left"
    return {
        file.short_identifier: SectorKeys(
            algorithm,
            root_key(profile, file.extended.opening_key, 1),
            root_key(profile, file.extended.management_key, 1),
            left,
        )
        for file in described.file.values()
        if file.extended
    }
