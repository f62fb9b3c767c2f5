"""The certificate application as its handlers see it: rules, key files, data objects of commands, what a session keeps."""

from __future__ import annotations

from dataclasses import dataclass

from emulator.cos.card import Card
from emulator.cos.memory import octets_in
from emulator.cos.structure import CertificateRules, File
from emulator.iso7816 import SW, Command, StatusError, Tlv, TlvError
from profiles.certificate_settings import CertificateSettings

PUBLIC_FILE, DATA, PRIVATE_FILE, PUBLIC_KEY, PRIVATE_KEY = 0xC0, 0xC1, 0xC2, 0xCA, 0xCB
"""Tags in the data fields of key commands."""
SIGNATURE_PAIR, ENCRYPTION_PAIR = (b"\x00\x12", b"\x00\x13"), (b"\x00\x14", b"\x00\x15")
"""File identifiers of public and private key."""
PUBLIC_KEY_LENGTH, PRIVATE_KEY_LENGTH = 64, 32
PUBLIC_KEY_HEAD = bytes([PUBLIC_KEY, PUBLIC_KEY_LENGTH])


@dataclass(slots=True)
class KeySession:
    """What the application keeps from one command to the next, until a directory is entered."""

    session_key: bytes | None = None
    """SM4 key under which a private key comes in."""
    exported: File | None = None
    """Public key file that EXPORT PUBLIC KEY named."""


def key_session(card: Card) -> KeySession:
    """The session of the current application."""
    session = card.session
    if not isinstance(session.application, KeySession):
        session.application = KeySession()
    return session.application


def rules_of(card: Card) -> CertificateRules:
    """Who may do what in the current application."""
    rules = card.session.node.directory.certificates
    assert rules is not None  # noqa: S101 - profiles.check_certificates sees to it
    return rules


def settings_of(card: Card) -> CertificateSettings:
    """What the card does where nothing public tells, in the environment and in its application."""
    described = (node.directory.certificates for node in card.session.node.environment.walk())
    return next((rules.settings for rules in described if rules is not None), CertificateSettings())


def key_file(card: Card, identifier: bytes) -> File:
    """A key file by its identifier; ``6A82`` where there is none."""
    file = card.session.node.files_by_fid.get(int.from_bytes(identifier))
    if file is None:
        raise StatusError(SW.FILE_NOT_FOUND)
    return file


def stored_key(card: Card, identifier: bytes) -> bytes:
    """The content of a key file; ``6985`` while no key was ever written."""
    value = octets_in(card.memory.cells[key_file(card, identifier).cell])
    if not any(value):
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    return value


def values(command: Command, *tags: int) -> tuple[bytes, ...]:
    """The values of exactly these data objects in this order; ``6A80`` for anything else.

    Lengths may take more bytes than they need, as the programs in use write them (``C1 82 0070``).
    """
    try:
        objects = Tlv.parse(command.data, strict=False)
    except TlvError:
        raise StatusError(SW.WRONG_DATA) from None
    if tuple(item.tag for item in objects) != tags:
        raise StatusError(SW.WRONG_DATA)
    return tuple(item.value for item in objects)


def require_parameters(command: Command, p1: int, p2: int) -> None:
    """Refuse other parameters with ``6A86``."""
    if (command.p1, command.p2) != (p1, p2):
        raise StatusError(SW.INCORRECT_P1_P2)
