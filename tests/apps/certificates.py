"""A terminal of the tests for the certificate application; it computes with libraries that the card does not use."""

from __future__ import annotations

from hashlib import new

from emulator import load_card
from emulator.cos.card import Card
from profiles import load
from profiles.certificate_settings import CertificateSettings
from profiles.model import Profile
from tests.crypto.oracle import sm4_encrypt

ENVIRONMENT, APPLICATION = "504B492EC9E7BBE1B1A3D5CF", "53532E434552542E41444631"
USER_PIN, ADMINISTRATOR_PIN = "123456", "26010574"
PROFILE = load("ssc3-sm4")


def sm4(key: bytes, data: bytes) -> bytes:
    """SM4-ECB by gmalg."""
    return b"".join(sm4_encrypt(key, data[start : start + 16]) for start in range(0, len(data), 16))


def pin_key(digits: str) -> bytes:
    """First half of SM3 by OpenSSL, through hashlib."""
    return new("sm3", bytes.fromhex(digits)).digest()[:16]


def mac(key: bytes, challenge: bytes, covered: bytes) -> bytes:
    """CBC by hand, the four words of the last block joined by exclusive-or."""
    padded = covered + b"\x80" + bytes(-(len(covered) + 1) % 16)
    chained = challenge
    for start in range(0, len(padded), 16):
        chained = sm4(key, bytes(a ^ b for a, b in zip(chained, padded[start : start + 16], strict=True)))
    return bytes(chained[n] ^ chained[n + 4] ^ chained[n + 8] ^ chained[n + 12] for n in range(4))


def block(content: bytes) -> bytes:
    """Length ‖ content ‖ 80 00…"""
    body = bytes([len(content)]) + content + b"\x80"
    return body + bytes(-len(body) % 16)


class Terminal:
    """A card with hexadecimal in and out."""

    def __init__(self, profile: Profile | None = None) -> None:
        self.card: Card = load_card(profile or PROFILE)
        self.card.reset()

    def send(self, command: str) -> str:
        """An exchange; answers behind 61xx are fetched."""
        answer = self.card.transmit(bytes.fromhex(command)).hex().upper()
        if answer[:2] == "61" and len(answer) == 4:
            return self.send("00C00000" + answer[2:])
        return answer

    def data(self, command: str) -> bytes:
        """The data of an answer that must be good."""
        answer = self.send(command)
        assert answer.endswith("9000"), f"{command} → {answer}"
        return bytes.fromhex(answer[:-4])

    def good(self, command: str) -> None:
        """An exchange that must succeed without data."""
        assert self.send(command) == "9000", command

    def enter(self, *names: str) -> None:
        for name in names or (ENVIRONMENT, APPLICATION):
            self.data(f"00A40400{len(name) // 2:02X}{name}")

    def challenge(self, length: int = 16) -> bytes:
        return self.data(f"00840000{length:02X}").ljust(16, b"\0")

    def verify(self, digits: str = USER_PIN, reference: str = "81") -> str:
        return self.send(f"002001{reference}10{sm4(pin_key(digits), self.challenge()).hex()}")

    def change(self, old: str, new_digits: str, reference: str = "81", header: str = "845E01") -> str:
        enciphered = sm4(pin_key(old), block(bytes.fromhex(new_digits)))
        covered = bytes.fromhex(f"{header}{reference}14") + enciphered
        return self.send((covered + mac(pin_key(old), self.challenge(), covered)).hex())

    def authenticate(self, key: bytes) -> str:
        return self.send(f"0082000010{sm4(key, self.challenge()).hex()}")

    def replace_key(self, old: bytes, new_key: bytes, mac_key: bytes | None = None) -> str:
        covered = bytes.fromhex("84D4010024") + sm4(old, block(bytes(3) + new_key))
        return self.send((covered + mac(mac_key or old, self.challenge(), covered)).hex())

    def read(self, identifier: str, length: int) -> bytes:
        """A file in pieces of 250 bytes."""
        self.good(f"00A4000002{identifier}")
        found = b""
        while len(found) < length:
            found += self.data(f"00B0{len(found):04X}{min(0xFA, length - len(found)):02X}")
        return found


def changed(**settings_of_application: object) -> Terminal:
    """A card with other settings of the application."""
    described = PROFILE.directory["CERT"]
    assert described.certificates is not None
    certificates = described.certificates.model_copy(
        update={"settings": CertificateSettings(**settings_of_application)}
    )
    directory = described.model_copy(update={"certificates": certificates})
    result = Terminal(PROFILE.model_copy(update={"directory": {**PROFILE.directory, "CERT": directory}}))
    result.enter()
    return result


def tries(terminal: Terminal, path: str) -> object:
    """The try counter of a PIN."""
    return terminal.card.memory.cells["tries:" + path]
