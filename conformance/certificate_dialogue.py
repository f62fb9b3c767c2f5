"""What a terminal says to the certificate application: the steps that its suites share (reconstructed specification §3.3)."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.actors.certificates import commands
from conformance.actors.certificates.commands import ADMINISTRATOR_PIN, CHALLENGE_LENGTH, USER_PIN, packed
from conformance.bench import Bench, Expectation
from conformance.failures import Inconclusive, NotApplicable
from emulator.crypto import CryptoError
from emulator.crypto.sm2 import ENGINE
from emulator.iso7816 import SW, Response
from profiles.model import Certificates, File, Pin

APPLICATION = "certificates"
LARGEST_PIECE = 0x70
"""Bytes of a certificate in one command, as a program writes them."""
SESSION_KEY_LENGTH, SIGNATURE_LENGTH = 16, 64
WRONG = Expectation((), families=(0x63,))
REFUSED = Expectation((), families=(0x69, 0x6A, 0x6B, 0x67, 0x6D))
"""Any refusal, where no text tells which."""


@dataclass(frozen=True, slots=True)
class DeclaredPin:
    """A PIN of the application with its name in the profile, its reference and the tries that it has."""

    name: str
    reference: int
    digits: str
    limit: int


@dataclass(frozen=True, slots=True)
class Place:
    """The certificate application that the profile declares, with the environment around it."""

    environment: str
    name: str
    rules: Certificates
    user: DeclaredPin
    administrator: DeclaredPin

    def file(self, bench: Bench, identifier: bytes) -> File:
        """The file of an identifier."""
        return next(file for file in bench.profile.directory[self.name].file.values() if file.fid == identifier)


def place(bench: Bench) -> Place:
    """The application; not applicable where the declared card has none."""
    for name, directory in bench.profile.directory.items():
        if directory.application == APPLICATION and directory.certificates and directory.parent:
            above = bench.profile.directory[directory.parent]
            return Place(
                directory.parent,
                name,
                directory.certificates,
                _pin(bench, directory.pin, USER_PIN),
                _pin(bench, above.pin, ADMINISTRATOR_PIN),
            )
    raise NotApplicable("卡片声明中没有数字证书应用", "the declared card has no certificate application")


def _pin(bench: Bench, pins: dict[str, Pin], reference: int) -> DeclaredPin:
    name, pin = next((name, pin) for name, pin in pins.items() if pin.reference[0] == reference)
    limit = bench.profile.settings.pin_try_limit if pin.limit is None else pin.limit
    return DeclaredPin(name, reference, pin.value, limit)


def enter_environment(bench: Bench) -> Place:
    """Select the environment PKI.社会保障."""
    found = place(bench)
    name = bench.profile.directory[found.environment].aid or commands.ENVIRONMENT_NAME
    bench.need(bench.send(commands.select(name)), "选择 PKI.社会保障", "SELECT PKI.社会保障")
    return found


def enter(bench: Bench) -> Place:
    """Select the environment and the application SS.CERT.ADF1."""
    found = enter_environment(bench)
    name = bench.profile.directory[found.name].aid or commands.APPLICATION_NAME
    bench.need(bench.send(commands.select(name)), "选择 SS.CERT.ADF1", "SELECT SS.CERT.ADF1")
    return found


def challenge(bench: Bench, length: int = CHALLENGE_LENGTH) -> bytes:
    """A challenge of the length that was asked for."""
    answer = bench.need(bench.send(commands.get_challenge(length)), "取随机数", "GET CHALLENGE")
    if len(answer.data) != length:
        raise Inconclusive("随机数长度不符", f"GET CHALLENGE answered {len(answer.data)} bytes")
    return answer.data


def master_key(bench: Bench, directory: str) -> str:
    """Name of the master key of a directory; not applicable where the declared card has none."""
    for name, key in bench.profile.directory[directory].key.items():
        if key.use == "master":
            return name
    raise NotApplicable(f"{directory} 没有主控密钥", f"{directory} has no master key")


def verify(bench: Bench, pin: DeclaredPin, digits: str | None = None) -> Response:
    """GET CHALLENGE and VERIFY, with the declared digits unless others are given."""
    return bench.send(commands.verify(pin.reference, digits or pin.digits, challenge(bench)))


def prove(bench: Bench, pin: DeclaredPin, digits: str | None = None) -> None:
    """VERIFY as a step of the way; the counter of tries is full afterwards."""
    bench.need(verify(bench, pin, digits), "验证PIN", "VERIFY the PIN")


def open_application(bench: Bench) -> Place:
    """Enter the application and verify the user PIN."""
    found = enter(bench)
    prove(bench, found.user)
    return found


def read_file(bench: Bench, identifier: bytes, length: int) -> Response:
    """SELECT a file and read it in pieces; the answer that ended it, with all data so far."""
    answer = bench.send(commands.select_file(identifier))
    data = b""
    while answer.sw == SW.SUCCESS and len(data) < length:
        answer = bench.send(commands.read_binary(len(data), min(LARGEST_PIECE, length - len(data))))
        if not answer.data:
            break
        data += answer.data
    return Response(data, answer.sw)


def public_key(bench: Bench, identifier: bytes) -> bytes:
    """x‖y of a public key file; inconclusive when the card does not show it."""
    zh, en = f"读公钥 {identifier.hex().upper()}", f"reading the public key {identifier.hex().upper()}"
    answer = bench.need(read_file(bench, identifier, commands.PUBLIC_KEY_FILE_LENGTH), zh, en)
    if len(answer.data) != commands.PUBLIC_KEY_FILE_LENGTH:
        raise Inconclusive(f"{zh}：长度不符", f"{en}: {len(answer.data)} bytes")
    return answer.data[-commands.PUBLIC_KEY_LENGTH :]


def write_file(bench: Bench, identifier: bytes, data: bytes) -> Response:
    """SELECT a file and write it from its beginning in pieces; the first answer that is not good, or the last one."""
    answer = bench.send(commands.select_file(identifier))
    for start in range(0, len(data), LARGEST_PIECE):
        if answer.sw != SW.SUCCESS:
            break
        answer = bench.send(commands.update_binary(start, data[start : start + LARGEST_PIECE]))
    return answer


def use_key(bench: Bench) -> Response:
    """A command that needs the right to use the signature key and changes nothing: a signature, or an envelope to open."""
    if place(bench).rules.settings.signature_command == "PSO":
        return bench.send(commands.compute_signature(bench.random.randbytes(commands.DIGEST_LENGTH)))
    ciphertext = ENGINE.encrypt(
        public_key(bench, commands.SIGNATURE_KEY[0]), bench.random.randbytes(SESSION_KEY_LENGTH)
    )
    return bench.send(commands.decipher(commands.SIGNATURE_KEY[1], ciphertext))


def signature_fits(key: bytes, digest: bytes, answer: Response) -> bool:
    """Whether the data of an answer are a signature of a digest under x‖y; a card's key may be no key at all."""
    try:
        return len(answer.data) == SIGNATURE_LENGTH and ENGINE.verify_digest(key, digest, answer.data)
    except CryptoError:
        return False


def encipher(bench: Bench, identifier: bytes, plaintext: bytes) -> bytes:
    """Encipher for a public key of the card; inconclusive where that is no key."""
    try:
        return ENGINE.encrypt(public_key(bench, identifier), plaintext)
    except CryptoError as problem:
        raise Inconclusive(
            f"公钥 {identifier.hex().upper()} 不可用", f"the public key {identifier.hex().upper()}: {problem}"
        ) from problem


def check_keys_work(bench: Bench, requirement: str) -> None:
    """Judge that both private keys do what their public keys say, as far as the declared card has commands for it."""
    found = open_application(bench)
    settings = found.rules.settings
    pairs = [commands.SIGNATURE_KEY, commands.ENCRYPTION_KEY]
    for public_file, private_file in pairs if settings.deciphering_keys == "both" else pairs[:1]:
        plaintext = bench.random.randbytes(SESSION_KEY_LENGTH)
        answer = bench.send(commands.decipher(private_file, encipher(bench, public_file, plaintext)))
        name = private_file.hex().upper()
        bench.expect(answer, SW.SUCCESS, f"用 {name} 解密", f"DECIPHER with {name}", requirement=requirement)
        bench.check(
            answer.data == plaintext,
            f"用 {name} 解密的结果",
            f"what DECIPHER with {name} gives",
            expected="the plaintext",
            received="the plaintext" if answer.data == plaintext else "something else",
            requirement=requirement,
        )
    if settings.signature_command == "PSO":
        key, digest = public_key(bench, commands.SIGNATURE_KEY[0]), bench.random.randbytes(commands.DIGEST_LENGTH)
        answer = bench.send(commands.compute_signature(digest))
        bench.expect(answer, SW.SUCCESS, "签名", "COMPUTE DIGITAL SIGNATURE", requirement=requirement)
        bench.check(
            signature_fits(key, digest, answer),
            "签名与公钥 0012 相符",
            "the signature fits the public key 0012",
            expected="a signature of the digest",
            received=answer.data,
            requirement=requirement,
        )


def declared_user_pin(bench: Bench) -> None:
    """The administrator sets the user PIN to the declared one, with all its tries, where a command does that."""
    found = enter(bench)
    if found.rules.settings.pin_reload != "none":
        prove(bench, found.administrator)
        command = commands.reload_pin(found.administrator.digits, packed(found.user.digits), challenge(bench))
        bench.need(bench.send(command), "恢复用户PIN", "setting the declared user PIN")
