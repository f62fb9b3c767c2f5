"""The commands of the certificate application as programs send them (reconstructed specification §3.3)."""

from __future__ import annotations

from emulator.crypto.challenge import KEY_HEAD, challenge_proof, command_mac, pin_key, seal
from emulator.iso7816 import Command, tlv

ENVIRONMENT_NAME = bytes.fromhex("504B492EC9E7BBE1B1A3D5CF")
"""``PKI.社会保障`` in GBK."""
APPLICATION_NAME = b"SS.CERT.ADF1"
USER_PIN, ADMINISTRATOR_PIN = 0x81, 0x00
"""References: of the application, of the environment."""
SIGNATURE_KEY, ENCRYPTION_KEY = (b"\x00\x12", b"\x00\x13"), (b"\x00\x14", b"\x00\x15")
"""File identifiers of public and private key."""
SIGNATURE_CERTIFICATE, ENCRYPTION_CERTIFICATE = b"\x00\x18", b"\x00\x19"
PUBLIC_FILE, DATA, PRIVATE_FILE, PUBLIC_KEY, PRIVATE_KEY = 0xC0, 0xC1, 0xC2, 0xCA, 0xCB
PUBLIC_KEY_FILE_LENGTH, PUBLIC_KEY_LENGTH = 66, 64
CHALLENGE_LENGTH, MAC_LENGTH, DIGEST_LENGTH = 16, 4, 32
WHOLE_ANSWER = 256


def apdu(header: str, data: bytes = b"", ne: int = 0) -> bytes:
    """A short command."""
    cla, ins, p1, p2 = bytes.fromhex(header)
    return Command(cla, ins, p1, p2, data, ne).to_bytes()


def packed(digits: str) -> bytes:
    """Two digits a byte, an odd last digit followed by F."""
    return bytes.fromhex(digits + "F" * (len(digits) % 2))


def select(name: bytes) -> bytes:
    """SELECT by name."""
    return apdu("00A40400", name, WHOLE_ANSWER)


def select_file(identifier: bytes) -> bytes:
    """SELECT of a file by its identifier."""
    return apdu("00A40000", identifier)


def get_challenge(length: int = CHALLENGE_LENGTH) -> bytes:
    """GET CHALLENGE."""
    return apdu("00840000", ne=length)


def verify(reference: int, digits: str, challenge: bytes) -> bytes:
    """VERIFY of a PIN by the challenge enciphered under its key."""
    return apdu(f"002001{reference:02X}", challenge_proof(pin_key(packed(digits)), challenge))


def change_pin(reference: int, old: str, new: bytes, challenge: bytes) -> bytes:
    """CHANGE PIN to the packed digits ``new``, under the key of the old PIN."""
    return _protected(f"845E01{reference:02X}", pin_key(packed(old)), challenge, new)


def reload_pin(administrator: str, new: bytes, challenge: bytes) -> bytes:
    """A new user PIN under the key of the administrator PIN (by assumption, see `CertificateSettings.pin_reload`)."""
    return _protected(f"842401{USER_PIN:02X}", pin_key(packed(administrator)), challenge, new)


def authenticate(key: bytes, challenge: bytes) -> bytes:
    """EXTERNAL AUTHENTICATE with the master key of the current directory."""
    return apdu("00820000", challenge_proof(key, challenge))


def replace_master_key(old: bytes, new: bytes, challenge: bytes) -> bytes:
    """A new master key under the old one."""
    return _protected("84D40100", old, challenge, KEY_HEAD + new)


def _protected(header: str, key: bytes, challenge: bytes, content: bytes) -> bytes:
    """Header ‖ Lc with the MAC counted ‖ enciphered content ‖ MAC over all before."""
    enciphered = seal(key, content)
    covered = bytes.fromhex(header) + bytes([len(enciphered) + MAC_LENGTH]) + enciphered
    return covered + command_mac(key, challenge, covered)


def hash_of(data: bytes) -> bytes:
    """HASH: SM3 by the card."""
    return apdu("80C40103", tlv.build(DATA, data), WHOLE_ANSWER)


def generate_key_pair(pair: tuple[bytes, bytes] = SIGNATURE_KEY) -> bytes:
    """GENERATE KEY PAIR."""
    return apdu("80400000", _pair(pair))


def name_public_key(pair: tuple[bytes, bytes]) -> bytes:
    """EXPORT PUBLIC KEY, first step."""
    return apdu("80C98200", _pair(pair))


def fetch_public_key() -> bytes:
    """EXPORT PUBLIC KEY, second step."""
    return apdu("80C98280", ne=PUBLIC_KEY_FILE_LENGTH)


def decipher(private_file: bytes, ciphertext: bytes) -> bytes:
    """DECIPHER x‖y‖hash‖data; the length of the data object takes three bytes, as programs write it."""
    data = bytes([DATA, 0x82]) + len(ciphertext).to_bytes(2) + ciphertext
    return apdu("804E0001", tlv.build(PRIVATE_FILE, private_file) + data, WHOLE_ANSWER)


def import_session_key(key: bytes) -> bytes:
    """IMPORT SESSION KEY."""
    return apdu("804A0210", tlv.build(DATA, key))


def import_public_key(key: bytes, file: bytes = ENCRYPTION_KEY[0]) -> bytes:
    """IMPORT PUBLIC KEY."""
    return apdu("80C24000", tlv.build(PUBLIC_FILE, file) + tlv.build(PUBLIC_KEY, key))


def import_private_key(enciphered: bytes, file: bytes = ENCRYPTION_KEY[1], *, in_clear: bool = False) -> bytes:
    """IMPORT PRIVATE KEY under the session key; ``in_clear`` as no card may take it."""
    header = "80C2C000" if in_clear else "80C2C001"
    return apdu(header, tlv.build(PRIVATE_FILE, file) + tlv.build(PRIVATE_KEY, enciphered))


def compute_signature(digest: bytes) -> bytes:
    """COMPUTE DIGITAL SIGNATURE (by assumption, see `CertificateSettings.signature_command`)."""
    return apdu("002A9E9A", digest, WHOLE_ANSWER)


def read_binary(offset: int, length: int) -> bytes:
    """READ BINARY of the current file."""
    return apdu(f"00B0{offset:04X}", ne=length)


def update_binary(offset: int, data: bytes) -> bytes:
    """UPDATE BINARY of the current file."""
    return apdu(f"00D6{offset:04X}", data)


def _pair(pair: tuple[bytes, bytes]) -> bytes:
    return tlv.build(PUBLIC_FILE, pair[0]) + tlv.build(PRIVATE_FILE, pair[1])
