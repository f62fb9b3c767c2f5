"""The certificates of a card by plain APDUs: whose they are, and that authority and keys of the card stand behind them."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

from conformance.campaign.outside.social import GOOD, SocialCard
from emulator.crypto import CryptoError
from emulator.crypto.sm2 import public_key_of, verify
from profiles.certificate_keys import published_authority

ENVIRONMENT, APPLICATION = bytes.fromhex("504B492EC9E7BBE1B1A3D5CF"), b"SS.CERT.ADF1"
"""PKI.社会保障 in GBK, and the application in it."""
PAIRS = ((b"\x00\x18", b"\x00\x12"), (b"\x00\x19", b"\x00\x14"))
"""File identifiers of signature and encryption certificate, each with that of the public key that it is for."""
PIECE, KEY_FILE = 0x70, 66


def certified_names(card: SocialCard) -> tuple[str, ...]:
    """Common names of signature and encryption certificate.

    A certificate that is missing, not signed by the published authority, or for another key than the card's has an empty one.
    """
    authority = public_key_of(published_authority().private_key)
    return tuple(_name(card, authority, certificate, key) for certificate, key in PAIRS)


def _name(card: SocialCard, authority: bytes, certificate: bytes, key: bytes) -> str:
    if not (card.select(ENVIRONMENT) and card.select(APPLICATION)):
        return ""
    own = _read(card, key, KEY_FILE)[2:]
    head = _read(card, certificate, 4)
    content = _read(card, certificate, 4 + int.from_bytes(head[2:]))
    try:
        read = x509.load_der_x509_certificate(content)
        signature = b"".join(part.to_bytes(32) for part in decode_dss_signature(read.signature))
        genuine = verify(authority, read.tbs_certificate_bytes, signature)
        names = read.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except (ValueError, TypeError, OverflowError, x509.InvalidVersion, CryptoError):
        return ""
    fits = genuine and bool(own) and own in read.tbs_certificate_bytes
    return str(names[0].value) if fits and names else ""


def _read(card: SocialCard, file: bytes, length: int) -> bytes:
    """So many bytes of a file in the current directory, fewer where the card gives no more."""
    card.send(b"\x00\xa4\x00\x00\x02" + file)
    content = b""
    while len(content) < length:
        room = min(PIECE, length - len(content))
        answer = card.send(b"\x00\xb0" + len(content).to_bytes(2) + bytes((room,)))
        if not answer.endswith(GOOD) or len(answer) == 2:
            break
        content += answer[:-2]
    return content
