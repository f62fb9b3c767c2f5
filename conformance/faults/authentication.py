"""Faults of challenges, external and internal authentication."""

from __future__ import annotations

import hashlib

from conformance.faults.catalogue import FaultSet, issued, sm4, triple_des, version_3
from conformance.faults.means import SOURCE, authentication_key, right_cryptogram, with_settings
from emulator.cos import tries
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.memory import octets_in
from emulator.cos.session import Session
from emulator.cos.structure import Structure
from emulator.crypto import encrypt_block, session_key
from emulator.iso7816 import SW, Command, StatusError
from emulator.iso7816.status import tries_of

FAULTS = FaultSet()
CHALLENGE, EXTERNAL, INTERNAL = "GET CHALLENGE", "EXTERNAL AUTHENTICATE", "INTERNAL AUTHENTICATE"
UPDATES = ("UPDATE RECORD", "UPDATE BINARY")
CRYPTOGRAM = 8
WITHOUT_VERSION = 16


def _is_wrong_cryptogram(refused: StatusError) -> bool:
    return tries_of(refused.sw) is not None or refused.sw == SW.AUTHENTICATION_FAILED


# Challenges


@FAULTS.session(
    "aut.challenge-reusable", "随机数可重复使用", "A challenge serves again and again", ["SSC-AUT-009", "SSC-LIFE-015"]
)
class ChallengeReusable(Session):
    """The challenge is overwritten by the next one and never erased."""

    def take_challenge(self) -> bytes:
        """Hand the challenge out and keep it."""
        if self.challenge is None:
            raise StatusError(SW.REFERENCE_DATA_NOT_USABLE)
        return self.challenge


@FAULTS.command(
    EXTERNAL,
    "aut.challenge-outlives-failure",
    "认证失败后随机数仍可用",
    "A challenge survives a failed authentication",
    ["SSC-AUT-009"],
)
def challenge_outlives_failure(card: Card, command: Command, good: Handler) -> bytes:
    """The challenge is erased by success alone: one is enough for all guesses."""
    challenge = card.session.challenge
    try:
        return good(card, command)
    except StatusError as refused:
        if _is_wrong_cryptogram(refused):
            card.session.challenge = challenge
        raise


@FAULTS.session(
    "aut.first-challenge", "两次取随机数时使用第一次的", "Of two challenges the first one counts", ["SSC-AUT-008"]
)
class FirstChallenge(Session):
    """A challenge that waits is not replaced."""

    def remember_challenge(self, challenge: bytes) -> None:
        """Keep the challenge that is there."""
        if self.challenge is None:
            super().remember_challenge(challenge)


@FAULTS.structure(
    "aut.last-but-one", "倒数第二个随机数仍被接受", "The last challenge but one is accepted, too", ["SSC-AUT-008"]
)
def last_but_one(structure: Structure) -> Structure:
    """A tolerance for terminals that draw twice, on a card that is declared without it."""
    return with_settings(structure, challenge_used="last or last but one")


@FAULTS.card("aut.challenges-repeat", "随机数周期过短", "Challenges repeat after 251 of them", ["SSC-AUT-002"])
class ChallengesRepeat(Card):
    """A generator with a state of one byte, seeded alike at each reset."""

    state = 0

    def reset(self, cold: bool = True) -> bytes:
        """Seed the generator."""
        self.state = 0
        return super().reset(cold)

    def _perform(self, command: Command) -> bytes:
        answer = super()._perform(command)
        challenge = self.session.challenge
        if command.ins != 0x84 or command.cla or challenge is None:
            return answer
        self.state = (self.state + 1) % 251
        weak = hashlib.sha256(bytes([self.state])).digest()[: len(answer) - 2]
        self.session.challenge = weak.ljust(8, b"\0")
        return weak + answer[-2:]


@FAULTS.command(
    CHALLENGE,
    "aut.short-challenge-constant",
    "4 字节随机数不变",
    "A challenge of four bytes is always the same",
    ["SSC-AUT-001", "SSC-AUT-002"],
)
def short_challenge_constant(card: Card, command: Command, good: Handler) -> bytes:
    """The short form hands out the first bytes of a buffer that nobody fills."""
    challenge = good(card, command)
    if len(challenge) != 4:
        return challenge
    constant = bytes.fromhex("5A5A5A5A")
    card.session.remember_challenge(constant)
    return constant


@FAULTS.command(
    CHALLENGE,
    "aut.any-challenge-length",
    "取随机数接受任意长度",
    "GET CHALLENGE gives any number of bytes",
    ["SSC-AUT-003"],
)
def any_challenge_length(card: Card, command: Command, good: Handler) -> bytes:
    """Le is not looked at."""
    if not 1 <= command.ne <= 8:
        return good(card, command)
    challenge = good(card, command._replace(ne=8))[: command.ne]
    card.session.remember_challenge(challenge)
    return challenge


# External authentication


@FAULTS.command(
    EXTERNAL,
    "aut.last-byte-ignored",
    "外部认证忽略密文末字节",
    "The last byte of the cryptogram is not compared",
    ["SSC-AUT-011"],
)
def last_byte_ignored(card: Card, command: Command, good: Handler) -> bytes:
    """A loop that ends one byte too early."""
    right = right_cryptogram(card, command)
    if right is not None and command.data[: CRYPTOGRAM - 1] == right[: CRYPTOGRAM - 1]:
        command = command._replace(data=right + command.data[CRYPTOGRAM:])
    return good(card, command)


@FAULTS.command(
    EXTERNAL,
    "aut.first-half-only",
    "外部认证只比较前四个字节",
    "Only four bytes of the cryptogram are compared",
    ["SSC-AUT-011"],
)
def first_half_only(card: Card, command: Command, good: Handler) -> bytes:
    """The length of a MAC is taken for that of a cryptogram."""
    right = right_cryptogram(card, command)
    if right is not None and command.data[:4] == right[:4]:
        command = command._replace(data=right + command.data[CRYPTOGRAM:])
    return good(card, command)


@FAULTS.command(
    EXTERNAL,
    "aut.failure-opens",
    "认证失败仍设置安全状态",
    "A failed authentication sets the security status",
    ["SSC-AUT-011"],
)
def failure_opens(card: Card, command: Command, good: Handler) -> bytes:
    """The status is set before the comparison and never taken back."""
    try:
        return good(card, command)
    except StatusError as refused:
        key = authentication_key(card, command.p2)
        if key is not None and _is_wrong_cryptogram(refused):
            card.session.grant(key.bit, locally=command.p2 & 0x80 != 0)
        raise


@FAULTS.command(
    EXTERNAL,
    "aut.source-is-challenge",
    "原始信息只能是随机数本身",
    "The source data must be the challenge",
    ["SSC-AUT-007"],
)
def source_is_challenge(card: Card, command: Command, good: Handler) -> bytes:
    """The card computes over its own challenge whatever source data it is sent."""
    challenge = card.session.challenge
    expected = None if challenge is None else right_cryptogram(card, command, source=challenge)
    right = right_cryptogram(card, command)
    if expected is None or right is None:
        return good(card, command)
    given = command.data[:CRYPTOGRAM]
    judged = right if given == expected else bytes(byte ^ 0xFF for byte in right)
    return good(card, command._replace(data=judged + command.data[CRYPTOGRAM:]))


@FAULTS.command(
    EXTERNAL,
    "aut.zeros-without-challenge",
    "无随机数时以全零代替",
    "Without a challenge zeros take its place",
    ["SSC-AUT-010"],
)
def zeros_without_challenge(card: Card, command: Command, good: Handler) -> bytes:
    """The empty buffer is a challenge like any other."""
    if card.session.challenge is None:
        card.session.remember_challenge(bytes(8))
    return good(card, command)


@FAULTS.command(
    EXTERNAL,
    "aut.no-challenge-counts",
    "无随机数的认证使计数器减一",
    "An authentication without a challenge costs a try",
    ["SSC-AUT-010"],
)
def no_challenge_counts(card: Card, command: Command, good: Handler) -> bytes:
    """The counter is lowered before the challenge is looked for."""
    key = authentication_key(card, command.p2)
    if card.session.challenge is None and key is not None:
        tries.refuse_when_blocked(card.memory, key)
        tries.spend(card.memory, key)
    return good(card, command)


@FAULTS.command(
    EXTERNAL,
    "aut.short-data-filled",
    "Lc 为 0F 的认证数据被补齐",
    "Authentication data of 15 bytes are filled up",
    ["SSC-AUT-012"],
)
def short_data_filled(card: Card, command: Command, good: Handler) -> bytes:
    """The input buffer is read to its usual end."""
    filled = command.data.ljust(WITHOUT_VERSION, b"\0") if command.data else command.data
    return good(card, command._replace(data=filled))


@FAULTS.command(
    EXTERNAL,
    "aut.version-byte-required",
    "不接受 Lc 为 10 的外部认证",
    "An authentication without a version byte is refused",
    ["SSC-AUT-006", "SSC-KEY-006"],
    version_3,
)
def version_byte_required(card: Card, command: Command, good: Handler) -> bytes:
    """The older form was dropped."""
    if len(command.data) == WITHOUT_VERSION:
        raise StatusError(SW.WRONG_LENGTH)
    return good(card, command)


@FAULTS.command(
    EXTERNAL,
    "aut.version-byte-refused",
    "不接受 Lc 为 11 的外部认证",
    "An authentication with a version byte is refused",
    ["SSC-AUT-005", "SSC-AUT-006"],
    sm4,
)
def version_byte_refused(card: Card, command: Command, good: Handler) -> bytes:
    """The newer form was not built in."""
    if len(command.data) > WITHOUT_VERSION:
        raise StatusError(SW.WRONG_LENGTH)
    return good(card, command)


@FAULTS.session(
    "aut.rights-replace",
    "新的认证取代原有安全状态",
    "A further authentication replaces the rights before it",
    ["SSC-AUT-014"],
)
class RightsReplace(Session):
    """The security status is a number, not a set."""

    def grant(self, bit: int, *, locally: bool) -> None:
        """Hold one right at a time."""
        self.global_word = self.local_word = 0
        super().grant(bit, locally=locally)


@FAULTS.command(
    UPDATES, "aut.right-serves-once", "一次认证只能更新一次", "An authentication serves one update", ["SSC-AUT-013"]
)
def right_serves_once(card: Card, command: Command, good: Handler) -> bytes:
    """Rights are used up by a write."""
    answer = good(card, command)
    card.session.global_word = card.session.local_word = 0
    return answer


# Internal authentication


@FAULTS.command(
    INTERNAL,
    "aut.internal-unfolded",
    "内部认证结果未异或压缩",
    "The answer is the left half of the block, not folded",
    ["SSC-AUT-016", "SSC-AUT-019"],
    sm4,
)
def internal_unfolded(card: Card, command: Command, good: Handler) -> bytes:
    """An implementation that never saw a block of sixteen bytes."""
    good(card, command)
    value = _internal_key(card, command)
    factor, source = command.data[:8], command.data[SOURCE]
    block = encrypt_block(card.algorithm, session_key(card.algorithm, value, factor), source.ljust(16, b"\0"))
    return block[:CRYPTOGRAM]


@FAULTS.command(
    INTERNAL,
    "aut.internal-half-key",
    "内部认证只用左半密钥",
    "Only the left half of the key is used",
    ["SSC-AUT-015", "SSC-AUT-019"],
    triple_des,
)
def internal_half_key(card: Card, command: Command, good: Handler) -> bytes:
    """Single DES in the place of triple DES."""
    good(card, command)
    value = _internal_key(card, command)[:8]
    derived = encrypt_block(card.algorithm, value, command.data[:8])
    return encrypt_block(card.algorithm, derived, command.data[SOURCE])


def _internal_key(card: Card, command: Command) -> bytes:
    node, _ = card.node_of_reference(command.p2)
    key = node.internal_keys[command.p2]
    version = command.data[16] if len(command.data) > WITHOUT_VERSION else card.settings.default_key_version
    return octets_in(card.memory.cells[key.cell(version)])


@FAULTS.command(
    INTERNAL,
    "aut.factor-and-source-exchanged",
    "过程因子与原始信息的位置互换",
    "Process factor and source data are taken for each other",
    ["SSC-AUT-019", "SSC-AUT-015", "SSC-AUT-016"],
)
def factor_and_source_exchanged(card: Card, command: Command, good: Handler) -> bytes:
    """The two halves of the data field are read the other way round."""
    data = command.data
    if len(data) < WITHOUT_VERSION:
        return good(card, command)
    return good(card, command._replace(data=data[SOURCE] + data[:8] + data[16:]))


@FAULTS.card(
    "aut.internal-varies",
    "相同输入的内部认证结果不同",
    "INTERNAL AUTHENTICATE answers otherwise each time",
    ["SSC-AUT-018"],
)
class InternalVaries(Card):
    """A counter enters the computation."""

    performed = 0

    def _perform(self, command: Command) -> bytes:
        if command.ins == 0x88 and len(command.data) >= WITHOUT_VERSION:
            self.performed = self.performed + 1 & 0xFF
            altered = bytes([command.data[0] ^ self.performed]) + command.data[1:]
            command = command._replace(data=altered)
        return super()._perform(command)


@FAULTS.structure(
    "aut.internal-needs-challenge",
    "内部认证要求先取随机数",
    "INTERNAL AUTHENTICATE asks for a challenge first",
    ["SSC-AUT-017"],
    lambda profile: issued(profile) and not profile.settings.internal_authentication_needs_challenge,
)
def internal_needs_challenge(structure: Structure) -> Structure:
    """As other vendors' cards do, on a card that is declared without it."""
    return with_settings(structure, internal_authentication_needs_challenge=True)
