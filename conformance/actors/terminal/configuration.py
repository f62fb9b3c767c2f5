"""What a terminal is and knows before a card comes: abilities, parameters of its applications, CA keys, lists."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

from conformance.actors.terminal.bits import Capability, Tvr
from emulator.crypto.rsa import RsaPublicKey
from emulator.crypto.sm2 import public_key_of
from profiles.payment_keys import RSA_TABLES, RsaTestKeys, Sm2TestKeys, rsa_test_keys, sm2_test_keys

PBOC_RID = bytes.fromhex("A000000333")
CASH_DISPENSER_TYPES = frozenset({0x14, 0x15, 0x16})
CASH_BIT = 0x80
UNATTENDED_FROM = 4
ACTION_CODE_LENGTH = 5
NEVER = bytes(ACTION_CODE_LENGTH)
COMBINED_FAILED = Tvr.COMBINED_FAILED.to_bytes(ACTION_CODE_LENGTH, "big")


class RandomSource(Protocol):
    """Where chance comes from; `random.Random` and `secrets.SystemRandom` are such."""

    def randrange(self, start: int, stop: int, /) -> int:
        """A number from ``start`` to ``stop`` − 1."""

    def getrandbits(self, k: int, /) -> int:
        """A number of ``k`` bits."""


@dataclass(frozen=True, slots=True)
class AuthorityKey:
    """A public key of a certification authority 认证中心公钥: RSA, or 64 bytes of SM2."""

    rid: bytes
    index: int
    key: RsaPublicKey | bytes

    @property
    def is_sm2(self) -> bool:
        """Whether it is a key of SM2."""
        return isinstance(self.key, bytes)

    @property
    def check_value(self) -> bytes:
        """SHA-1 over RID, index, modulus and exponent (JR/T 0025.7 §5.1); of an SM2 key over RID, index and key."""
        key = self.key
        if isinstance(key, RsaPublicKey):
            key = key.n.to_bytes(key.size, "big") + key.e.to_bytes((key.e.bit_length() + 7) // 8, "big")
        return hashlib.sha1(self.rid + bytes((self.index,)) + key, usedforsecurity=False).digest()


def published_authority_keys() -> tuple[AuthorityKey, ...]:
    """The keys of the published test authority, RSA and SM2, which certifies the cards of the profiles."""
    keys = [authority_keys(rsa_test_keys(bits), sm2_test_keys()) for bits in RSA_TABLES]
    return (*(rsa for rsa, _ in keys), keys[0][1])


def authority_keys(rsa: RsaTestKeys, sm2: Sm2TestKeys) -> tuple[AuthorityKey, AuthorityKey]:
    """The public keys of a test authority, RSA and SM2."""
    return (
        AuthorityKey(
            PBOC_RID, rsa.authority_index[0], RsaPublicKey(rsa.authority.p * rsa.authority.q, rsa.authority.e)
        ),
        AuthorityKey(PBOC_RID, sm2.authority_index[0], public_key_of(sm2.authority)),
    )


@dataclass(frozen=True, slots=True)
class ApplicationParameters:
    """What the terminal knows of an application that it accepts.

    Attributes:
        aid: Its AID, or the beginning of one.
        partial: Whether longer AIDs of a card match too (应用选择指示符 ASI).
        version: 9F09.
        tac_denial, tac_online, tac_default: Terminal action codes 终端行为代码, five bytes. A failed CDA goes online or is
            declined unless told otherwise, because issuer action codes older than CDA do not know its bit.
        floor_limit: 最低限额 9F1B in the smallest unit; 0 sends everything online.
        threshold: 随机选择阈值, from which the chance of random selection grows.
        target, greatest_target: Percentage of transactions selected below the threshold, and at the floor limit.
        default_ddol, default_tdol: Lists used where the card has none.
        e_cash_limit: 终端电子现金交易限额 9F7B; None takes the floor limit.
    """

    aid: bytes
    partial: bool = True
    version: bytes = bytes.fromhex("0030")
    tac_denial: bytes = NEVER
    tac_online: bytes = COMBINED_FAILED
    tac_default: bytes = COMBINED_FAILED
    floor_limit: int = 20_000
    threshold: int = 5_000
    target: int = 0
    greatest_target: int = 0
    default_ddol: bytes = bytes.fromhex("9F3704")
    default_tdol: bytes = b""
    e_cash_limit: int | None = None


ACCEPTED = tuple(
    ApplicationParameters(PBOC_RID + bytes.fromhex(pix)) for pix in ("010101", "010102", "010103", "010106")
)
"""Debit, credit, quasi-credit, e-cash alone."""


@dataclass(frozen=True, slots=True)
class TerminalConfiguration:
    """A terminal. The default is an attended one of a merchant, offline with online ability, with PIN pad and printer.

    Attributes:
        terminal_type: 9F35.
        capabilities: 9F33, additional_capabilities 9F40.
        supports_sm: Whether it has the SM algorithms beside RSA and tells so as DF69; one without knows no SM2 key.
        enciphered_pin: Whether it offers an enciphered offline PIN, which part 5 reserves.
        e_cash: Whether it offers e-cash.
        e_cash_verifies_holder: Whether it works through the CVM list in an e-cash transaction. The standard shows the card
            verification results of one without an offline PIN, so this is off unless asked for.
        special_device: Whether it is a special device of the issuer, which selects blocked applications to unblock them.
        exception_file: 终端异常文件: account numbers not to be accepted.
        revoked: RID, CA key index and serial number (3 bytes) of revoked issuer certificates.
    """

    applications: tuple[ApplicationParameters, ...] = ACCEPTED
    authority_keys: tuple[AuthorityKey, ...] = ()
    terminal_type: int = 0x22
    capabilities: bytes = bytes.fromhex("E0E9C8")
    additional_capabilities: bytes = bytes.fromhex("F000F0A001")
    country: str = "0156"
    supports_sm: bool = True
    enciphered_pin: bool = False
    e_cash: bool = True
    e_cash_verifies_holder: bool = False
    special_device: bool = False
    exception_file: frozenset[str] = frozenset()
    revoked: frozenset[tuple[bytes, int, bytes]] = frozenset()
    terminal_id: str = "50000001"
    merchant_id: str = "500000000000001"
    merchant_name: str = "SSCARD TEST MERCHANT"
    merchant_category: str = "5411"
    acquirer: str = "000050000001"
    serial: str = "SSCARD01"

    def can(self, capability: int) -> bool:
        """Whether 9F33 has a bit of :class:`~conformance.actors.terminal.bits.Capability`."""
        return bool(int.from_bytes(self.capabilities, "big") & capability)

    @property
    def dispenses_cash(self) -> bool:
        """Whether it is a cash dispenser ATM: terminal type 14 to 16 and cash in 9F40 (JR/T 0025.6 appendix A)."""
        return self.terminal_type in CASH_DISPENSER_TYPES and bool(self.additional_capabilities[0] & CASH_BIT)

    @property
    def attended(self) -> bool:
        """Whether somebody serves it."""
        return self.terminal_type & 0x0F < UNATTENDED_FROM

    @property
    def online_only(self) -> bool:
        """Whether it never approves by itself."""
        return self.terminal_type & 0x0F in (1, 4)

    @property
    def offline_only(self) -> bool:
        """Whether it has no line to a bank."""
        return self.terminal_type & 0x0F in (3, 6)

    @property
    def can_sign(self) -> bool:
        """Whether it takes a signature on paper."""
        return self.attended and self.can(Capability.SIGNATURE)
