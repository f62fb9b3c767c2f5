"""Faults of the certificate application: key pairs, signatures, certificates, torn writes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial

from conformance.faults.catalogue import FaultSet, having
from conformance.faults.means import rehearsed, unlocked, with_file
from conformance.faults.tearing import in_steps
from emulator.apps.certificates.application import key_session
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.memory import Value, octets_in
from emulator.cos.structure import FREE, Structure
from emulator.crypto.sm2 import ENGINE
from emulator.iso7816 import Command

FAULTS = FaultSet(frozenset({"certificate environment", "certificates"}))
CARRYING = having("CERT", "PKI")
IMPORT_PRIVATE, IN_CLEAR = 0xC0, 0x00
IMPORT_SESSION_KEY_INS = 0x4A
SESSION_KEY_LENGTH, PRIVATE_KEY_LENGTH = 16, 32
ADMINISTRATOR_PIN = 0x00
PUBLIC, PRIVATE, OTHER_PRIVATE = "file:CERT/SIGNPUB", "file:CERT/SIGNPRI", "file:CERT/ENCPRI"
CERTIFICATES = "file:CERT/SIGNCERT", "file:CERT/ENCCERT"
KEPT = "kept session key"
WHOLE = 400
"""Bytes of a certificate that a faulty personalisation wrote."""


def _readable(structure: Structure, name: str) -> Structure:
    return with_file(structure, f"CERT/{name}", lambda file: dataclasses.replace(file, read=FREE))


for _name, _zh, _file in (("signature", "签名私钥", "SIGNPRI"), ("encryption", "加密私钥", "ENCPRI")):
    FAULTS.structure(
        f"cert.{_name}-key-readable", f"{_zh}可读", f"The private {_name} key can be read", ["SSC-CERT-005"], CARRYING
    )(partial(_readable, name=_file))


@FAULTS.command(
    "READ BINARY",
    "cert.private-key-for-administrator",
    "验证管理PIN后私钥可读",
    "The administrator PIN opens the private keys for reading",
    ["SSC-CERT-005"],
    CARRYING,
)
def private_key_for_administrator(card: Card, command: Command, good: Handler) -> bytes:
    """A right for backups, left in the product."""
    file, administrator = card.session.file, card.session.node.environment.pins[ADMINISTRATOR_PIN]
    if file is not None and not file.read and card.session.has(administrator.bit, locally=False):
        content = octets_in(card.memory.cells[file.cell])
        return content[command.p2 : command.p2 + command.ne]
    return good(card, command)


@FAULTS.command(
    "GENERATE KEY PAIR",
    "cert.constant-pair",
    "每次产生相同的密钥对",
    "Every generation gives the same key pair",
    ["SSC-CERT-003"],
    CARRYING,
)
def constant_pair(card: Card, command: Command, good: Handler) -> bytes:
    """The generator starts from the same state each time."""
    answer, refused, written = rehearsed(card, command, good)
    if refused is not None:
        raise refused
    if written:
        card.memory.commit({cell: card.memory.cells[cell] for cell in written})
    return answer


@FAULTS.command(
    "GENERATE KEY PAIR",
    "cert.public-key-forgotten",
    "产生密钥对后公钥文件未更新",
    "A generated pair leaves the old public key in its file",
    ["SSC-CERT-003"],
    CARRYING,
)
def public_key_forgotten(card: Card, command: Command, good: Handler) -> bytes:
    """Only the private key is written."""
    answer, refused, written = rehearsed(card, command, good)
    if refused is not None:
        raise refused
    card.memory.commit({cell: value for cell, value in written.items() if cell == PRIVATE})
    return answer


@FAULTS.command(
    "GENERATE KEY PAIR",
    "cert.generated-for-anyone",
    "未验证PIN可产生密钥对",
    "A key pair is generated without any PIN",
    ["SSC-CERT-003"],
    CARRYING,
)
def generated_for_anyone(card: Card, command: Command, good: Handler) -> bytes:
    """The access rule is not looked at."""
    with unlocked(card):
        return good(card, command)


@FAULTS.command(
    "COMPUTE DIGITAL SIGNATURE",
    "cert.signs-with-encryption-key",
    "用加密私钥签名",
    "Signatures are made with the encryption key",
    ["SSC-CERT-008"],
    CARRYING,
)
def signs_with_encryption_key(card: Card, command: Command, good: Handler) -> bytes:
    """The two private keys are mixed up."""
    good(card, command)
    return ENGINE.sign_digest(octets_in(card.memory.cells[OTHER_PRIVATE]), command.data)


@FAULTS.command(
    "COMPUTE DIGITAL SIGNATURE",
    "cert.signature-turned",
    "签名 r 与 s 颠倒",
    "The halves of a signature stand in the wrong order",
    ["SSC-CERT-008"],
    CARRYING,
)
def signature_turned(card: Card, command: Command, good: Handler) -> bytes:
    """s‖r instead of r‖s."""
    signature = good(card, command)
    return signature[32:] + signature[:32]


@FAULTS.command(
    "IMPORT PRIVATE KEY",
    "cert.import-in-clear",
    "接受明文私钥",
    "A private key is imported in clear",
    ["SSC-CERT-009"],
    CARRYING,
)
def import_in_clear(card: Card, command: Command, good: Handler) -> bytes:
    """P2 00 is taken for what it asks."""
    if (command.p1, command.p2) != (IMPORT_PRIVATE, IN_CLEAR):
        return good(card, command)
    card.memory.commit({OTHER_PRIVATE: command.data[-PRIVATE_KEY_LENGTH:]})
    return b""


@FAULTS.command(
    ("IMPORT SESSION KEY", "IMPORT PRIVATE KEY"),
    "cert.session-key-stays",
    "会话密钥在离开应用后仍有效",
    "A session key outlives the application's session",
    ["SSC-CERT-009"],
    CARRYING,
)
def session_key_stays(card: Card, command: Command, good: Handler) -> bytes:
    """The key lies in memory and not in the session."""
    kept = card.memory.cells.get(KEPT)
    if command.ins != IMPORT_SESSION_KEY_INS and isinstance(kept, bytes):
        key_session(card).session_key = kept
    answer = good(card, command)
    if command.ins == IMPORT_SESSION_KEY_INS:
        card.memory.commit({KEPT: command.data[-SESSION_KEY_LENGTH:]})
    return answer


# Certificates


def _no_key(cells: Mapping[str, Value]) -> dict[str, Value]:
    return {PUBLIC: bytes(len(octets_in(cells[PUBLIC])))}


def _swapped(cells: Mapping[str, Value]) -> dict[str, Value]:
    first, second = CERTIFICATES
    return {first: cells[second], second: cells[first]}


def _truncated(cells: Mapping[str, Value]) -> dict[str, Value]:
    content = octets_in(cells[CERTIFICATES[0]])
    return {CERTIFICATES[0]: content[:WHOLE].ljust(len(content), b"\0")}


FAULTS.contents(
    "cert.no-public-key",
    "签名公钥文件为空",
    "The file of the public signature key is empty",
    ["SSC-CERT-004"],
    _no_key,
    CARRYING,
)
FAULTS.contents(
    "cert.swapped",
    "两张证书写反",
    "The two certificates stand in each other's file",
    ["SSC-CERT-007"],
    _swapped,
    CARRYING,
)
FAULTS.contents(
    "cert.truncated", "签名证书不完整", "The signature certificate was not written to its end", ["SSC-CERT-006"], _truncated,
    CARRYING,
)  # fmt: skip


@FAULTS.command(
    "UPDATE BINARY",
    "cert.write-for-anyone",
    "未验证PIN可写证书",
    "A certificate is written without any PIN",
    ["SSC-CERT-006"],
    CARRYING,
)
def write_for_anyone(card: Card, command: Command, good: Handler) -> bytes:
    """The access rule is not looked at."""
    with unlocked(card):
        return good(card, command)


@FAULTS.command(
    "UPDATE BINARY",
    "tear.certificate",
    "断电后证书段半新半旧",
    "A torn write leaves half a piece of a certificate",
    ["SSC-TEAR-010"],
    CARRYING,
)
def certificate_piece(card: Card, command: Command, good: Handler) -> bytes:
    """The piece is written in place, without a journal."""
    return in_steps(card, command, good)


@FAULTS.command(
    "UPDATE BINARY",
    "tear.certificate-container",
    "写证书断电后密钥丢失",
    "A torn certificate write loses the key beside it",
    ["SSC-TEAR-010"],
    CARRYING,
)
def container(card: Card, command: Command, good: Handler) -> bytes:
    """Keys and certificates share a block of memory that is erased and written as a whole."""
    answer, refused, written = rehearsed(card, command, good)
    if refused is not None:
        raise refused
    key = card.memory.cells[PRIVATE]
    card.memory.commit({PRIVATE: bytes(PRIVATE_KEY_LENGTH)})
    card.memory.commit({**written, PRIVATE: key})
    return answer
