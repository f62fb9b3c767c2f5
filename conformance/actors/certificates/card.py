"""A program's way to the certificate application: each step as a method, refusals as exceptions that name the step."""

from __future__ import annotations

from collections.abc import Callable

from conformance.actors.certificates import commands
from conformance.actors.certificates.commands import (
    ENCRYPTION_KEY,
    PUBLIC_KEY_FILE_LENGTH,
    PUBLIC_KEY_LENGTH,
    SIGNATURE_KEY,
    packed,
)
from conformance.actors.certificates.envelope import EnvelopedKey
from conformance.actors.certificates.x509 import Certificate, CertificateError
from conformance.actors.terminal.channel import Channel, Link
from conformance.actors.terminal.ending import Ended, Reason
from emulator.crypto import CryptoError
from emulator.crypto.sm2 import message_digest
from emulator.iso7816 import SW, Command
from emulator.iso7816.status import describe

WRONG = 0x63
"""First byte of the status word of a proof that is wrong."""
PIECE = 0x70
"""Bytes of a certificate in one command."""
FILE_LENGTH = 1020
"""Bytes of a certificate file on the cards that programs personalise."""
PUBLIC_KEY_HEAD = bytes([commands.PUBLIC_KEY, PUBLIC_KEY_LENGTH])


class CertificateCardError(Exception):
    """The card refused a step or answered nonsense; the message says in English which step and what it answered.

    ``sw`` is the status word of a refusal, None otherwise.
    """

    def __init__(self, step: str, detail: str, sw: int | None = None) -> None:
        super().__init__(f"{step}: {detail}")
        self.step = step
        self.sw = sw


class CertificateCardLost(CertificateCardError):
    """The card went away."""


class CertificateCard:
    """A card in whatever link. Every method raises :class:`CertificateCardError` when the card refuses."""

    def __init__(self, link: Link) -> None:
        self._channel = Channel(link, lambda event: None)

    def _do(self, step: str, command: bytes, length: int | None = None) -> bytes:
        """Exchange a command that must succeed, with an answer of so many bytes."""
        try:
            answer = self._channel.send_command(Command.parse(command))
        except Ended as ended:
            kind = CertificateCardLost if ended.reason is Reason.CARD_LOST else CertificateCardError
            raise kind(step, str(ended)) from ended
        if answer.sw != SW.SUCCESS:
            raise CertificateCardError(step, describe(answer.sw), answer.sw)
        if length is not None and len(answer.data) != length:
            raise CertificateCardError(step, f"{len(answer.data)} bytes, {length} were expected")
        return answer.data

    # Selection, PINs, master keys

    def select_environment(self) -> None:
        """Select PKI.社会保障."""
        self._do("SELECT PKI.社会保障", commands.select(commands.ENVIRONMENT_NAME))

    def select(self) -> None:
        """Select PKI.社会保障 and SS.CERT.ADF1 in it."""
        self.select_environment()
        self._do("SELECT SS.CERT.ADF1", commands.select(commands.APPLICATION_NAME))

    def challenge(self) -> bytes:
        """A challenge of 16 bytes."""
        return self._do("GET CHALLENGE", commands.get_challenge(), commands.CHALLENGE_LENGTH)

    def verify_user_pin(self, digits: str) -> None:
        """Verify the user PIN."""
        self._do("VERIFY the user PIN", commands.verify(commands.USER_PIN, digits, self.challenge()))

    def verify_administrator_pin(self, digits: str) -> None:
        """Verify the administrator PIN."""
        step = "VERIFY the administrator PIN"
        self._do(step, commands.verify(commands.ADMINISTRATOR_PIN, digits, self.challenge()))

    def change_user_pin(self, old: str, new: str) -> None:
        """Change the user PIN."""
        self._do("CHANGE the user PIN", commands.change_pin(commands.USER_PIN, old, packed(new), self.challenge()))

    def change_administrator_pin(self, old: str, new: str) -> None:
        """Change the administrator PIN."""
        command = commands.change_pin(commands.ADMINISTRATOR_PIN, old, packed(new), self.challenge())
        self._do("CHANGE the administrator PIN", command)

    def reload_user_pin(self, administrator: str, new: str) -> None:
        """Set the user PIN anew by the administrator PIN, where the card has the command."""
        self.verify_administrator_pin(administrator)
        self._do("RELOAD the user PIN", commands.reload_pin(administrator, packed(new), self.challenge()))

    def replace_master_key(self, old: bytes, new: bytes) -> None:
        """Prove and replace the master key of the current directory."""
        self._do("AUTHENTICATE with the master key", commands.authenticate(old, self.challenge()))
        self.exchange_master_key(lambda challenge: commands.replace_master_key(old, new, challenge))

    def prove_master_key(self, command: Callable[[bytes], bytes]) -> bool:
        """Whether the master key of the current directory is that of a key service, which makes its command of a challenge."""
        try:
            self._do("AUTHENTICATE with the master key", command(self.challenge()))
        except CertificateCardError as refusal:
            if refusal.sw is None or refusal.sw >> 8 != WRONG:
                raise
            return False
        return True

    def exchange_master_key(self, command: Callable[[bytes], bytes]) -> None:
        """Replace the master key, which was proven, by a command that a key service makes of a challenge."""
        self._do("REPLACE the master key", command(self.challenge()))

    # Keys

    def generate_key_pair(self) -> None:
        """Make a new signature key pair."""
        self._do("GENERATE KEY PAIR", commands.generate_key_pair())

    def public_key(self, pair: tuple[bytes, bytes] = SIGNATURE_KEY) -> bytes:
        """x‖y of a public key file."""
        name = pair[0].hex().upper()
        self._do(f"SELECT {name}", commands.select_file(pair[0]))
        content = self._do(f"READ {name}", commands.read_binary(0, PUBLIC_KEY_FILE_LENGTH), PUBLIC_KEY_FILE_LENGTH)
        if not content.startswith(PUBLIC_KEY_HEAD):
            raise CertificateCardError(f"READ {name}", "no public key CA 40 …")
        return content[len(PUBLIC_KEY_HEAD) :]

    def sign(self, message: bytes) -> bytes:
        """r‖s over a message, by the signature key."""
        try:
            digest = message_digest(self.public_key(), message)
        except CryptoError as problem:
            raise CertificateCardError("sign", str(problem)) from problem
        return self._do("COMPUTE DIGITAL SIGNATURE", commands.compute_signature(digest), PUBLIC_KEY_LENGTH)

    def decipher(self, ciphertext: bytes, pair: tuple[bytes, bytes] = ENCRYPTION_KEY) -> bytes:
        """The plaintext of x‖y‖hash‖data."""
        return self._do("DECIPHER", commands.decipher(pair[1], ciphertext))

    def import_key_pair(self, key: EnvelopedKey) -> None:
        """Import the encryption key pair of an envelope for the signature key."""
        session_key = self.decipher(key.enciphered_session_key, SIGNATURE_KEY)
        self._do("IMPORT SESSION KEY", commands.import_session_key(session_key))
        self._do("IMPORT PUBLIC KEY", commands.import_public_key(key.public_key))
        self._do("IMPORT PRIVATE KEY", commands.import_private_key(key.enciphered_private_key))

    # Certificates

    def write_certificate(self, identifier: bytes, certificate: bytes, file_length: int = FILE_LENGTH) -> None:
        """Write a certificate piece by piece, and zeros behind it to the end of the file."""
        name = identifier.hex().upper()
        self._do(f"SELECT {name}", commands.select_file(identifier))
        content = certificate.ljust(file_length, b"\0")
        for start in range(0, len(content), PIECE):
            self._do(f"UPDATE {name} at {start}", commands.update_binary(start, content[start : start + PIECE]))

    def read_certificate(self, identifier: bytes) -> Certificate:
        """Read a certificate: its beginning tells how long it is."""
        name = identifier.hex().upper()
        self._do(f"SELECT {name}", commands.select_file(identifier))
        content = self._do(f"READ {name}", commands.read_binary(0, PIECE), PIECE)
        length = int.from_bytes(content[2:4]) + 4 if content[:2] == b"\x30\x82" else len(content)
        while len(content) < length:
            room = min(PIECE, length - len(content))
            content += self._do(f"READ {name} at {len(content)}", commands.read_binary(len(content), room), room)
        try:
            return Certificate.parse(content)
        except CertificateError as problem:
            raise CertificateCardError(f"READ {name}", str(problem)) from problem
