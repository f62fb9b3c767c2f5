"""The key service 密钥服务: what the SAM of a terminal or the key centre's HSM computes for a card.

Keys are found by name and version; card keys are derived from root keys with the factors that the card itself shows,
its historical bytes and the city code. No key leaves this module but as a check value.
"""

from __future__ import annotations

from emulator.crypto import (
    Algorithm,
    authentication_cryptogram,
    derive,
    encrypt_block,
    encrypt_ecb,
    factors,
    mac,
    pad_length_prefixed,
    session_key,
)
from profiles.keys import root_key
from profiles.model import Key, Profile

CHECK_VALUE_LENGTH = 3
MAC_LENGTH = 4


class KeyService:
    """Keys of one card product for the card with these historical bytes."""

    def __init__(self, profile: Profile, historical: bytes, city_code: str | None = None) -> None:
        self.profile = profile
        self.algorithm = Algorithm(profile.algorithm)
        self._historical = historical
        self._city_code = city_code or profile.issuer.city_code
        self._cards_keys: dict[tuple[str, int, int], bytes] = {}

    def describe(self, name: str) -> Key:
        """The profile's entry of a key."""
        return next(d.key[name] for d in self.profile.directory.values() if name in d.key)

    def directory_of(self, name: str) -> str:
        """The directory that holds a key."""
        return next(directory for directory, d in self.profile.directory.items() if name in d.key)

    def check_values(self) -> list[dict[str, str]]:
        """Name, version and check value (first three bytes of E(K, 0…0)) of every root key."""
        zeros = bytes(self.algorithm.block_size)
        result = []
        for directory in self.profile.directory.values():
            for name, key in directory.key.items():
                for version in range(1, key.versions + 1):
                    check = encrypt_block(self.algorithm, root_key(self.profile, name, version), zeros)
                    value = check[:CHECK_VALUE_LENGTH].hex().upper()
                    result.append({"name": name, "version": str(version), "check_value": value})
        return result

    def external_authentication(
        self,
        name: str,
        challenge: bytes,
        *,
        source: bytes = bytes.fromhex("0102030405060708"),
        version: int = 1,
        with_version: bool | None = None,
        levels: int | None = None,
    ) -> bytes:
        """Data field of EXTERNAL AUTHENTICATE: cryptogram 8 ‖ source 8, and the version byte.

        ``with_version`` absent: the version byte stands on SM4 cards, and wherever another version than 1 is meant.
        ``levels`` other than the key's own makes the cryptogram of a wrongly diversified key.
        """
        key = self._card_key(name, version, levels)
        cryptogram = authentication_cryptogram(self.algorithm, key, challenge, source)
        if with_version is None:
            with_version = version != 1 or self.algorithm is Algorithm.SM4
        return cryptogram + source + (bytes([version]) if with_version else b"")

    def internal_authentication(self, name: str, factor: bytes, source: bytes, version: int = 1) -> bytes:
        """The 8 bytes that a genuine card answers to INTERNAL AUTHENTICATE."""
        return authentication_cryptogram(self.algorithm, self._card_key(name, version), factor, source)

    def maintenance_mac(self, name: str, challenge: bytes, covered: bytes) -> bytes:
        """The four MAC bytes of a maintenance command over ``covered`` (header ‖ Lc ‖ enciphered data)."""
        key = session_key(self.algorithm, self._card_key(name, 1), challenge)
        return mac(self.algorithm, key, covered, fold=self.profile.settings.sm4_mac_fold)[:MAC_LENGTH]

    def enciphered_pin_block(self, name: str, challenge: bytes, pin: bytes) -> bytes:
        """The enciphered block length ‖ PIN ‖ 80 00… of RELOAD PIN, 8 bytes (3DES) or 16 bytes (SM4)."""
        return self.encipher(name, challenge, pad_length_prefixed(pin, self.algorithm.block_size))

    def encipher(self, name: str, challenge: bytes, blocks: bytes) -> bytes:
        """Whole blocks enciphered with the maintenance session key, for blocks of a chosen, perhaps wrong, form."""
        key = session_key(self.algorithm, self._card_key(name, 1), challenge)
        return encrypt_ecb(self.algorithm, key, blocks)

    def identification_code(self, name: str, identification: bytes) -> bytes:
        """卡的认证码: first four bytes of the MAC with the IRK over bytes 0 to 11 of the identification, IV zero."""
        key = self._card_key(name, 1)
        return mac(self.algorithm, key, identification[:12], fold=self.profile.settings.sm4_mac_fold)[:MAC_LENGTH]

    def _card_key(self, name: str, version: int, levels: int | None = None) -> bytes:
        levels = self.describe(name).levels if levels is None else levels
        wanted = (name, version, levels)
        if wanted not in self._cards_keys:
            root = root_key(self.profile, name, version)
            upper = factors(levels, self._city_code, self._historical)
            self._cards_keys[wanted] = derive(self.algorithm, root, upper)
        return self._cards_keys[wanted]
