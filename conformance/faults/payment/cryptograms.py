"""Faults of keys and cryptograms 密钥与应用密文: the misreadings of the standard, and keys that are not what they should be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from conformance.faults.catalogue import FaultSet, paying
from conformance.faults.payment.certificates import payment_application
from emulator.apps.payment.application import Application, Tag
from emulator.apps.payment.authentication import FORMAT_1
from emulator.apps.payment.cryptograms import CVR_LENGTH, cryptogram_input
from emulator.apps.payment.transaction import transaction_of
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.memory import Value, octets_in
from emulator.cos.structure import STRUCTURE_CELL, Key, Structure
from emulator.crypto import Algorithm, encrypt_ecb, mac, mac_blocks
from emulator.crypto import payment as crypto
from emulator.iso7816 import Command, tlv
from profiles import load
from profiles.algorithm_sets import algorithm_sets
from profiles.applications import PAYMENT_APPLICATIONS, payment_directory
from profiles.dictionary import payment_elements
from profiles.keys import root_key
from profiles.model import Profile
from profiles.payment_content import record_values

FAULTS = FaultSet(PAYMENT_APPLICATIONS)
GENERATE = "GENERATE AC"
SCRIPTS = (
    "PUT DATA",
    "UPDATE RECORD with MAC",
    "APPLICATION BLOCK",
    "APPLICATION UNBLOCK",
    "CARD BLOCK",
    "UNBLOCK PIN",
)
CRYPTOGRAM_USE, MAC_USE, ENCRYPTION_USE = "payment cryptogram", "payment MAC", "payment encryption"
MAC_LENGTH, HEAD = 4, 3
"""Bytes of a MAC, and of CID and counter before the cryptogram in format 1."""
INPUT_01, RESULTS_AT, COUNTER_AT = 37, 33, 31
"""Bytes under a cryptogram of version 01; where CVR and counter stand among them."""


def algorithms_of(profile: Profile) -> frozenset[str]:
    """Block ciphers of the algorithm sets of the payment application."""
    name = payment_directory(profile)
    return frozenset(each.algorithm for each in (algorithm_sets(profile, name) if name else ()))


def with_sm(profile: Profile) -> bool:
    """A card with SM algorithms, alone or beside others."""
    return "SM4" in algorithms_of(profile)


def with_triple_des(profile: Profile) -> bool:
    """A card with triple DES, alone or beside SM."""
    return "3DES" in algorithms_of(profile)


def dual(profile: Profile) -> bool:
    """A card of two algorithm sets."""
    return len(algorithms_of(profile)) > 1


# Cryptograms


def _with_cryptogram(card: Card, answer: bytes, make: Callable[[Application, bytes], bytes]) -> bytes:
    """An answer of format 1 with another cryptogram, which is then that of the transaction; others stay."""
    if answer[0] != FORMAT_1:
        return answer
    application, transaction = Application(card), transaction_of(card)
    value = tlv.parse(answer)[0].value
    made = make(application, cryptogram_input(application, transaction))
    if transaction.cryptogram == value[HEAD : HEAD + crypto.CRYPTOGRAM_SIZE]:
        transaction.cryptogram = made
    return tlv.build(FORMAT_1, value[:HEAD], made, value[HEAD + crypto.CRYPTOGRAM_SIZE :])


def _under(application: Application, counter: bytes, covered: bytes) -> bytes:
    """A cryptogram whose session key has another counter."""
    key = crypto.session_key(application.algorithm, application.card_key(CRYPTOGRAM_USE), counter)
    return crypto.application_cryptogram(application.algorithm, key, covered)


@FAULTS.command(
    GENERATE,
    "key.stale-session",
    "过程密钥取自上一交易",
    "The session key is that of the last transaction",
    ["PAY-KEY-003", "PAY-SMA-012"],
    paying,
)
def stale_session(card: Card, command: Command, good: Handler) -> bytes:
    """The counter before is used."""

    def make(application: Application, covered: bytes) -> bytes:
        return _under(application, ((application.atc - 1) & 0xFFFF).to_bytes(2), covered)

    return _with_cryptogram(card, good(card, command), make)


@FAULTS.command(
    GENERATE,
    "key.no-session",
    "应用密文直接使用卡片密钥",
    "Cryptograms are made with the card key itself",
    ["PAY-KEY-003", "PAY-SMA-012"],
    paying,
)
def no_session(card: Card, command: Command, good: Handler) -> bytes:
    """No session key is derived."""

    def make(application: Application, covered: bytes) -> bytes:
        return crypto.application_cryptogram(application.algorithm, application.card_key(CRYPTOGRAM_USE), covered)

    return _with_cryptogram(card, good(card, command), make)


@FAULTS.command(
    GENERATE,
    "key.counter-not-covered",
    "密文与 ATC 无关",
    "Neither key nor input of a cryptogram has the counter",
    ["PAY-KEY-008"],
    paying,
)
def counter_not_covered(card: Card, command: Command, good: Handler) -> bytes:
    """Counter 0 in both places."""

    def make(application: Application, covered: bytes) -> bytes:
        return _under(application, bytes(2), covered[:COUNTER_AT] + bytes(2) + covered[COUNTER_AT + 2 :])

    return _with_cryptogram(card, good(card, command), make)


@FAULTS.command(
    GENERATE,
    "key.results-without-length",
    "密文输入的 CVR 不含 03",
    "The results enter the cryptogram without their length",
    ["PAY-KEY-009"],
    paying,
)
def results_without_length(card: Card, command: Command, good: Handler) -> bytes:
    """36 bytes are covered instead of 37."""

    def make(application: Application, covered: bytes) -> bytes:
        if len(covered) == INPUT_01 and covered[RESULTS_AT] == CVR_LENGTH:
            covered = covered[:RESULTS_AT] + covered[RESULTS_AT + 1 :]
        return _under(application, application.value(Tag.ATC), covered)

    return _with_cryptogram(card, good(card, command), make)


@FAULTS.command(
    GENERATE,
    "sma.long-session",
    "SM4 过程密钥 ATC 前补 14 个零字节",
    "The SM4 session key has 14 zero bytes before the counter",
    ["PAY-SMA-012"],
    with_sm,
)
def long_session(card: Card, command: Command, good: Handler) -> bytes:
    """One reading of part 5, appendix C.4."""

    def make(application: Application, covered: bytes) -> bytes:
        counter = application.value(Tag.ATC)
        if application.algorithm is not Algorithm.SM4:
            return _under(application, counter, covered)
        key = encrypt_ecb(Algorithm.SM4, application.card_key(CRYPTOGRAM_USE), bytes(14) + counter)
        return crypto.application_cryptogram(Algorithm.SM4, key, covered)

    return _with_cryptogram(card, good(card, command), make)


@FAULTS.command(
    GENERATE,
    "sma.folded-cryptogram",
    "SM4 密文为 MAC 两半异或",
    "An SM4 cryptogram is the exclusive or of the halves of the MAC",
    ["PAY-SMA-013"],
    with_sm,
)
def folded_cryptogram(card: Card, command: Command, good: Handler) -> bytes:
    """One reading of part 7 §11.1.2.2."""

    def make(application: Application, covered: bytes) -> bytes:
        if application.algorithm is not Algorithm.SM4:
            return _under(application, application.value(Tag.ATC), covered)
        return mac(Algorithm.SM4, application.session_key(CRYPTOGRAM_USE), covered, fold="xor", length=8)

    return _with_cryptogram(card, good(card, command), make)


@FAULTS.command(
    GENERATE,
    "sma.mixed-sets",
    "密文使用另一算法集的密钥",
    "Cryptograms are made with the keys of the other algorithm set",
    ["PAY-SMA-001", "PAY-SMA-002", "PAY-SMA-011", "PAY-KEY-001"],
    dual,
)
def mixed_sets(card: Card, command: Command, good: Handler) -> bytes:
    """Everything else is of the set that DF69 chose."""

    def make(application: Application, covered: bytes) -> bytes:
        application.sm = not application.sm
        return _under(application, application.value(Tag.ATC), covered)

    return _with_cryptogram(card, good(card, command), make)


@FAULTS.command(
    GENERATE,
    "key.issuer-data-key",
    "自定义数据 MAC 使用密文密钥",
    "The MAC of the discretionary data is made with the cryptogram key",
    ["PAY-KEY-010"],
    paying,
)
def issuer_data_key(card: Card, command: Command, good: Handler) -> bytes:
    """The cryptogram itself is right, and does not cover that MAC."""
    answer = good(card, command)
    if answer[0] != FORMAT_1:
        return answer
    application, value = Application(card), tlv.parse(answer)[0].value
    amounts = value[HEAD + crypto.CRYPTOGRAM_SIZE + 10 : -MAC_LENGTH]
    key = application.session_key(CRYPTOGRAM_USE)
    made = crypto.issuer_data_mac(application.algorithm, key, application.value(Tag.ATC), amounts)
    return tlv.build(FORMAT_1, value[:-MAC_LENGTH], made)


# What the bank sends


@FAULTS.command(
    "EXTERNAL AUTHENTICATE",
    "key.response-with-card-key",
    "授权响应密文用卡片密钥验证",
    "The response cryptogram is checked with the card key",
    ["PAY-KEY-006", "PAY-SMA-014"],
    paying,
)
def response_with_card_key(card: Card, command: Command, good: Handler) -> bytes:
    """What the bank makes with the session key is refused."""
    application, transaction = Application(card), transaction_of(card)
    if len(command.data) != crypto.CRYPTOGRAM_SIZE + 2 or not transaction.cryptogram:
        return good(card, command)
    proof, code = command.data[: crypto.CRYPTOGRAM_SIZE], command.data[crypto.CRYPTOGRAM_SIZE :]
    wanted, right = (
        crypto.response_cryptogram(application.algorithm, key, transaction.cryptogram, code)
        for key in (application.card_key(CRYPTOGRAM_USE), application.session_key(CRYPTOGRAM_USE))
    )
    return good(card, command._replace(data=_exchanged(proof, wanted, right) + code))


def _exchanged(given: bytes, wanted: bytes, right: bytes) -> bytes:
    """What makes the good card answer as one that waits for ``wanted``."""
    return right if given == wanted else bytes((right[0] ^ 1,)) + right[1:]


def _with_script_mac(
    card: Card, command: Command, good: Handler, make: Callable[[Application, bytes, bytes], bytes | None]
) -> bytes:
    """A script command on a card that waits for another MAC; None from ``make`` leaves the right one."""
    application, transaction = Application(card), transaction_of(card)
    data, given = command.data[:-MAC_LENGTH], command.data[-MAC_LENGTH:]
    if len(given) < MAC_LENGTH or not transaction.cryptogram:
        return good(card, command)
    covered = command.header + bytes((len(command.data) & 0xFF,)) + application.value(Tag.ATC)
    covered += transaction.cryptogram + data
    key = application.session_key(MAC_USE)
    wanted, right = make(application, key, covered), crypto.payment_mac(application.algorithm, key, covered)
    return good(card, command if wanted is None else command._replace(data=data + _exchanged(given, wanted, right)))


@FAULTS.command(
    SCRIPTS,
    "key.no-padding-block",
    "整块数据不加填充块",
    "A MAC over whole blocks has no further block of padding",
    ["PAY-KEY-005"],
    with_triple_des,
)
def no_padding_block(card: Card, command: Command, good: Handler) -> bytes:
    """Padding only where a block is not full."""

    def make(application: Application, key: bytes, covered: bytes) -> bytes | None:
        if application.algorithm is Algorithm.SM4 or len(covered) % application.algorithm.block_size:
            return None
        return mac_blocks(application.algorithm, key, covered)[:MAC_LENGTH]

    return _with_script_mac(card, command, good, make)


@FAULTS.command(
    SCRIPTS,
    "sma.folded-script-mac",
    "SM4 脚本 MAC 为各字异或",
    "The SM4 MAC of scripts is the exclusive or of its words",
    ["PAY-SMA-015"],
    with_sm,
)
def folded_script_mac(card: Card, command: Command, good: Handler) -> bytes:
    """As the social security applications of some cards have it."""

    def make(application: Application, key: bytes, covered: bytes) -> bytes | None:
        if application.algorithm is not Algorithm.SM4:
            return None
        return mac(Algorithm.SM4, key, covered, fold="xor", length=MAC_LENGTH)

    return _with_script_mac(card, command, good, make)


# Keys on the card


def _keys(cells: Mapping[str, Value], *uses: str) -> Iterator[tuple[Structure, Key]]:
    structure = Structure.from_json(octets_in(cells[STRUCTURE_CELL]))
    for key in payment_application(cells).keys:
        if key.use in uses:
            yield structure, key


def _same_keys(cells: Mapping[str, Value]) -> dict[str, Value]:
    """The cryptogram key of each set in place of its other keys."""
    held = {key.algorithm: cells[key.cell(1)] for _, key in _keys(cells, CRYPTOGRAM_USE)}
    return {key.cell(1): held[key.algorithm] for _, key in _keys(cells, MAC_USE, ENCRYPTION_USE)}


def _without_sequence(cells: Mapping[str, Value]) -> dict[str, Value]:
    """Keys derived as if the card had no sequence number; the root keys are those of the product."""
    made: dict[str, Value] = {}
    for structure, key in _keys(cells, CRYPTOGRAM_USE, MAC_USE, ENCRYPTION_USE):
        profile = load(structure.product)
        directory, _, name = key.path.partition("/")
        own = next(d for d in structure.directories if d.name == directory).algorithm or structure.algorithm
        account = payment_elements()["5A"].decode(record_values(profile, directory)["5A"])
        made[key.cell(1)] = crypto.card_key(key.algorithm or own, root_key(profile, name, 1), account)
    return made


def _swapped_encryption_key(cells: Mapping[str, Value]) -> dict[str, Value]:
    """The halves of the SM4 encryption key in the wrong order."""
    application = payment_application(cells)
    return {
        key.cell(1): octets_in(cells[key.cell(1)])[8:] + octets_in(cells[key.cell(1)])[:8]
        for structure, key in _keys(cells, ENCRYPTION_USE)
        if (key.algorithm or application.algorithm or structure.algorithm) is Algorithm.SM4
    }


FAULTS.contents(
    "key.one-for-all",
    "三种用途使用同一密钥",
    "One key serves for cryptograms, MACs and encryption",
    ["PAY-KEY-007"],
    _same_keys,
    paying,
)
FAULTS.contents(
    "key.sequence-ignored",
    "密钥分散未使用序列号",
    "Card keys are derived without the sequence number",
    ["PAY-KEY-001"],
    _without_sequence,
    paying,
)
FAULTS.contents(
    "sma.encryption-key-swapped",
    "SM4 加密密钥两半颠倒",
    "The halves of the SM4 encryption key are exchanged",
    ["PAY-SMA-016"],
    _swapped_encryption_key,
    with_sm,
)
