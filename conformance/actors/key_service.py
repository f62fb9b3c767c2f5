"""The key service 密钥服务: what the SAM of a terminal or the key centre's HSM computes for a card.

Keys are found by name and version; card keys are derived from root keys with the factors that the card itself shows,
its historical bytes and the city code. No key leaves this module but as a check value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from conformance.actors.certificates import commands
from emulator.crypto import (
    Algorithm,
    authentication_cryptogram,
    derive,
    encrypt_block,
    encrypt_ecb,
    factors,
    load_session_key,
    mac,
    pad_length_prefixed,
    purchase_session_key,
    session_key,
    transaction_authentication_code,
)
from profiles.keys import RootKeyError, keys, root_key
from profiles.model import Key, Profile

CHECK_VALUE_LENGTH = 3
MAC_LENGTH = 4
GREATEST_BALANCE = 0xFFFFFFFF
"""Beyond it a balance of four bytes wraps, on a card that lets it."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What the codes of a medical settlement cover (人社信息函〔2012〕38号 §2).

    Attributes:
        random: Random number of the card, 4 bytes.
        number: Transaction number 交易序号 of the card, 2 bytes.
        amounts: Personal account ‖ own payment ‖ pooled fund, 4-byte binary fen each.
        terminal: Terminal number 终端机编号, 6 bytes.
        terminal_number: Terminal transaction number 终端交易序号, 4 bytes.
        time: YYYYMMDDhhmmss in BCD, 7 bytes.
        kind: ``2`` settlement, ``1`` load.
    """

    random: bytes
    number: bytes
    amounts: bytes
    terminal: bytes
    terminal_number: bytes
    time: bytes
    kind: bytes = b"2"

    @property
    def signed(self) -> bytes:
        """Amounts, type and terminal, with which MAC1 and TAC begin."""
        return self.amounts + self.kind + self.terminal


@dataclass(frozen=True, slots=True)
class AccountLoad:
    """What the codes of a load of the personal account 账户划入 cover (vol. 2 §6.6).

    Attributes:
        random: Random number of the card, 4 bytes.
        number: Online transaction number of the card before the load, 2 bytes.
        balance: Balance before the load, in fen.
        amount: What is loaded, in fen.
        terminal: Terminal number 终端机编号, 6 bytes.
        time: YYYYMMDDhhmmss of the centre in BCD, 7 bytes.
    """

    random: bytes
    number: bytes
    balance: int
    amount: int
    terminal: bytes
    time: bytes
    kind: bytes = b"1"

    @property
    def signed(self) -> bytes:
        """Amount, type and terminal, which every code covers."""
        return self.amount.to_bytes(4, "big") + self.kind + self.terminal


class LoadCodes(NamedTuple):
    """MAC1, by which the centre knows the card, and MAC2, by which the card knows the centre; four bytes each."""

    mac1: bytes
    mac2: bytes


class SettlementCodes(NamedTuple):
    """MAC1, which the card checks, and MAC2, which it answers; four bytes each."""

    mac1: bytes
    mac2: bytes


class KeyService:
    """Keys of one card product for the card with these historical bytes."""

    def __init__(self, profile: Profile, historical: bytes, city_code: str | None = None) -> None:
        self.profile = profile
        self.algorithm = Algorithm(profile.algorithm)
        self.historical = historical
        self.city_code = city_code or profile.issuer.city_code
        self._given: Sequence[bytes] | None = None
        self._cards_keys: dict[tuple[str, int, int], bytes] = {}

    @classmethod
    def with_factors(cls, profile: Profile, factors: Sequence[bytes]) -> KeyService:
        """Keys derived with these factors in this order, whatever card they are of."""
        service = cls(profile, b"")
        service._given = factors
        return service

    def describe(self, name: str) -> Key:
        """The profile's entry of a key; raises :class:`~profiles.keys.RootKeyError` where it has none."""
        found = keys(self.profile).get(name)
        if found is None:
            raise RootKeyError(f"profile {self.profile.name} has no key {name}")
        return found

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

    def settlement(self, name: str, settlement: Settlement, version: int = 1) -> SettlementCodes:
        """MAC1 and MAC2 of a medical settlement under purchase key ``name`` (vol. 2 §6.3)."""
        key = purchase_session_key(
            self.algorithm,
            self._card_key(name, version),
            settlement.random,
            settlement.number,
            settlement.terminal_number,
        )
        fold = self.profile.settings.sm4_mac_fold
        mac1 = mac(self.algorithm, key, settlement.signed + settlement.time, fold=fold)
        return SettlementCodes(mac1, mac(self.algorithm, key, settlement.amounts, fold=fold))

    def transaction_code(self, name: str, settlement: Settlement, version: int = 1) -> bytes:
        """TAC 交易认证码, four bytes, of a medical settlement under TAC key ``name`` (vol. 2 §6.3)."""
        return self._tac(name, settlement.signed + settlement.terminal_number + settlement.time, version)

    def load(self, name: str, load: AccountLoad, version: int = 1) -> LoadCodes:
        """MAC1 and MAC2 of an account load under load key ``name`` (vol. 2 §6.6)."""
        key = load_session_key(self.algorithm, self._card_key(name, version), load.random, load.number)
        fold = self.profile.settings.sm4_mac_fold
        mac1 = mac(self.algorithm, key, load.balance.to_bytes(4, "big") + load.signed, fold=fold)
        return LoadCodes(mac1, mac(self.algorithm, key, load.signed + load.time, fold=fold))

    def load_transaction_code(self, name: str, load: AccountLoad) -> bytes:
        """TAC 交易认证码, four bytes, of an account load under TAC key ``name`` (vol. 2 §6.6)."""
        after = (load.balance + load.amount & GREATEST_BALANCE).to_bytes(4, "big")
        return self._tac(name, after + load.number + load.signed + load.time)

    # Before issue

    def transport_code(self, name: str) -> bytes:
        """传输密码: triple DES of transport key ``name`` over 00 00 and the last six historical bytes, 8 bytes."""
        return encrypt_block(Algorithm.DES3, self._card_key(name, 1), bytes(2) + self.historical[-6:])

    def master_authentication(self, name: str, challenge: bytes) -> bytes:
        """Data field of EXTERNAL AUTHENTICATE with a master key: E(K, challenge), 8 bytes."""
        block = challenge.ljust(self.algorithm.block_size, b"\0")
        return encrypt_block(self.algorithm, self._card_key(name, 1), block)[:8]

    def enciphered_key(self, name: str, version: int, header: bytes, master: tuple[KeyService, str]) -> bytes:
        """Data field of WRITE KEY: header ‖ key under the master key (service and name) that the chip has at that place."""
        return master[0].enciphered_under(master[1], header + self._card_key(name, version))

    def enciphered_under(self, master: str, plain: bytes) -> bytes:
        """Whole blocks of length ‖ ``plain`` ‖ 80 00… under master key ``master``."""
        return encrypt_ecb(
            self.algorithm, self._card_key(master, 1), pad_length_prefixed(plain, self.algorithm.block_size)
        )

    # The certificate application: whole commands, because both its master keys protect nothing else

    def authenticate_master_key(self, name: str, challenge: bytes) -> bytes:
        """EXTERNAL AUTHENTICATE with a master key of the certificate application."""
        return commands.authenticate(self._card_key(name, 1), challenge)

    def replace_master_key(self, name: str, new: bytes, challenge: bytes) -> bytes:
        """The command that puts the 16 bytes ``new`` in the place of a master key."""
        return commands.replace_master_key(self._card_key(name, 1), new, challenge)

    def exchange_master_key(self, name: str, present: KeyService, challenge: bytes) -> bytes:
        """The command that puts a master key in the place of that of ``present``, which the card has."""
        return commands.replace_master_key(present._card_key(name, 1), self._card_key(name, 1), challenge)

    def restore_master_key(self, name: str, present: bytes, challenge: bytes) -> bytes:
        """The command that puts a master key back where the 16 bytes ``present`` took its place."""
        return commands.replace_master_key(present, self._card_key(name, 1), challenge)

    def _tac(self, name: str, covered: bytes, version: int = 1) -> bytes:
        settings = self.profile.settings
        return transaction_authentication_code(
            self.algorithm,
            self._card_key(name, version),
            covered,
            form="xor" if settings.purchase_tac == "halves" else "mac",
            fold=settings.sm4_mac_fold,
        )

    def _card_key(self, name: str, version: int, levels: int | None = None) -> bytes:
        levels = self.describe(name).levels if levels is None else levels
        wanted = (name, version, levels)
        if wanted not in self._cards_keys:
            root = root_key(self.profile, name, version)
            upper = self._given if self._given is not None else factors(levels, self.city_code, self.historical)
            self._cards_keys[wanted] = derive(self.algorithm, root, upper)
        return self._cards_keys[wanted]


KeysOfCard = Callable[[Profile, bytes, str | None], KeyService]
"""The key service for cards of a product, with these historical bytes and city code (None: the product's own)."""
