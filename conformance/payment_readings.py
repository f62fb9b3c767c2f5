"""Why a cryptogram is wrong: it is compared with what known misreadings of the standard give.

Each misreading belongs to the requirement that it breaks, so that a report says which formula went wrong, not only that
one did. Sources are the places where JR/T 0025 contradicts itself (parts 5 C.4, 7 §11) and common faults of cards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from conformance.actors.bank.keys import ChipDataError, cryptogram_input
from conformance.payment_answers import (
    COUNTER,
    ISSUER_DATA,
    Cryptogram,
)
from conformance.payment_dialogue import (
    AIP,
    Visit,
)
from emulator.crypto import Algorithm, CryptoError, encrypt_ecb, mac
from emulator.crypto import payment as crypto
from profiles.model import Text

VERSION_01_SIZE, RESULTS_AT = 37, 33
"""Bytes that a cryptogram of version 01 covers, and where the card verification results begin among them."""


class Rules(NamedTuple):
    """The requirements behind a cryptogram with one algorithm."""

    derivation: str
    session: str
    mac: str
    response: str


RULES = {
    Algorithm.DES3: Rules("PAY-KEY-001", "PAY-KEY-003", "PAY-KEY-004", "PAY-KEY-006"),
    Algorithm.SM4: Rules("PAY-SMA-011", "PAY-SMA-012", "PAY-SMA-013", "PAY-SMA-014"),
}
RESULTS_RULE, DIGITS_RULE, SHORT_ACCOUNT_RULE = "PAY-KEY-009", "PAY-KEY-001", "PAY-KEY-002"


class Explained(NamedTuple):
    """The requirement that a wrong cryptogram breaks, and how."""

    requirement: str
    text: Text


@dataclass(frozen=True)
class _Facts:
    """What a cryptogram is made of."""

    algorithm: Algorithm
    master: bytes
    account: str
    sequence: str
    counter: bytes
    covered: bytes

    def of(self, account: str | None = None, sequence: str | None = None, counter: bytes | None = None) -> bytes:
        """The cryptogram with another account number, sequence number or counter of the session key."""
        card = crypto.card_key(self.algorithm, self.master, account or self.account, sequence or self.sequence)
        session = crypto.session_key(self.algorithm, card, self.counter if counter is None else counter)
        return crypto.application_cryptogram(self.algorithm, session, self.covered)

    @property
    def card(self) -> bytes:
        return crypto.card_key(self.algorithm, self.master, self.account, self.sequence)

    @property
    def session(self) -> bytes:
        return crypto.session_key(self.algorithm, self.card, self.counter)


def explain(visit: Visit, made: Cryptogram, value: bytes) -> Explained:
    """Which requirement a wrong cryptogram breaks; that of the MAC where no misreading gives it."""
    rules = RULES[visit.issuer.algorithm]
    unknown = Explained(rules.mac, Text(zh="与任何已知的误读均不符", en="no known misreading gives this value"))
    if len(value) != crypto.CRYPTOGRAM_SIZE:
        return Explained(rules.mac, Text(zh="密文长度不是 8 字节", en="a cryptogram has 8 bytes"))
    try:
        facts = _facts(visit, made)
        found = next((text for text, other in _misreadings(facts, rules) if other == value), None)
        other = other_set(visit, made, value) if found is None else None
        if other is not None:
            text = Text(zh=f"用{other.value}密钥计算", en=f"made with the keys of {other.value}")
            found = Explained(rules.derivation, text)
    except (ChipDataError, CryptoError):
        return unknown
    return found or unknown


def other_set(visit: Visit, made: Cryptogram, value: bytes) -> Algorithm | None:
    """The block cipher of the other algorithm set of a dual card, where a cryptogram is made with its keys."""
    try:
        facts = _facts(visit, made)
        for other in visit.issuers:
            mixed = replace(facts, algorithm=other.algorithm, master=other.ac)
            if other.algorithm is not facts.algorithm and mixed.of() == value:
                return other.algorithm
    except (ChipDataError, CryptoError):
        return None
    return None


def _facts(visit: Visit, made: Cryptogram) -> _Facts:
    chip = {**visit.values, AIP: visit.objects.get(AIP, b""), COUNTER: made.counter, ISSUER_DATA: made.issuer_data}
    account = visit.objects.get(0x5A, b"").hex().rstrip("f")
    sequence = visit.objects.get(0x5F34, b"\0").hex()
    issuer = visit.issuer
    return _Facts(issuer.algorithm, issuer.ac, account, sequence, made.counter, cryptogram_input(chip))


def _misreadings(facts: _Facts, rules: Rules) -> Iterator[tuple[Explained, bytes]]:
    def told(requirement: str, zh: str, en: str) -> Explained:
        return Explained(requirement, Text(zh=zh, en=en))

    former = ((int.from_bytes(facts.counter) - 1) & 0xFFFF).to_bytes(2)
    algorithm = facts.algorithm
    digits = facts.account + facts.sequence
    yield (
        told(DIGITS_RULE, "分散未使用序列号", "the key is derived without the sequence number"),
        facts.of(sequence="00"),
    )
    yield (
        told(
            SHORT_ACCOUNT_RULE if len(digits) < 16 else DIGITS_RULE,
            "分散用左侧数字",
            "the key is derived with the leftmost digits",
        ),
        facts.of(account=digits.ljust(16, "0")[:14], sequence=digits.ljust(16, "0")[14:16]),
    )
    yield (
        told(rules.session, "过程密钥取自上一个 ATC", "the session key is that of the former counter"),
        facts.of(counter=former),
    )
    yield told(rules.session, "过程密钥 ATC 为 0", "the session key is made with counter 0"), facts.of(counter=bytes(2))
    yield (
        told(rules.session, "直接使用卡片密钥", "the card key itself is used"),
        crypto.application_cryptogram(algorithm, facts.card, facts.covered),
    )
    if algorithm is Algorithm.SM4:
        long = encrypt_ecb(algorithm, facts.card, bytes(14) + facts.counter)
        yield (
            told(rules.session, "过程密钥 ATC 前为 14 个零字节", "14 zero bytes stand before the counter (part 5 C.4)"),
            crypto.application_cryptogram(algorithm, long, facts.covered),
        )
        folded = mac(algorithm, facts.session, facts.covered, fold="xor", length=8)
        yield (
            told(
                rules.mac,
                "两半异或而非取左 8 字节",
                "the halves are combined instead of the left 8 bytes (part 7 §11.1.2.2)",
            ),
            folded,
        )
    if len(facts.covered) == VERSION_01_SIZE:
        short = facts.covered[:RESULTS_AT] + facts.covered[RESULTS_AT + 1 :]
        yield (
            told(RESULTS_RULE, "CVR 未含长度字节 03", "the card verification results enter without their length 03"),
            crypto.application_cryptogram(algorithm, facts.session, short),
        )
