"""Sequences 命令序列 over the certificate application: PINs, challenges, keys, certificates in any order, against the model."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from conformance.actors.certificates import commands
from conformance.actors.certificates.commands import packed
from conformance.actors.certificates.envelope import SESSION_KEY
from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.certificate_dialogue import place, signature_fits
from conformance.dialogue import ENVIRONMENT as SOCIAL_SECURITY
from conformance.dialogue import select_name
from conformance.failures import NotApplicable
from conformance.maintenance import flipped
from conformance.model import certificates as model
from conformance.model.certificates import ADMINISTRATOR, APPLICATION, ENVIRONMENT, OUTSIDE, USER, CertificateCard
from conformance.properties import run_machine
from conformance.suites._machine import CHOICE, Identity, Player
from conformance.suites.certificates import is_point
from emulator.crypto import Algorithm, encrypt_ecb
from emulator.crypto.sm2 import public_key_of
from emulator.iso7816 import Response

SUITE = Suite("certificate sequences", "数字证书应用命令序列", "Sequences over the certificate application")

DIGITS = st.sampled_from(["1234", "123456", "654321", "99887766", "26010574", "12345678"])
PINS = st.sampled_from([USER, USER, ADMINISTRATOR])
BACK = st.sampled_from([0, 0, 0, 0, 1])
"""How many challenges back a proof is made over: mostly the last one."""
PUBLIC_KEYS = st.sampled_from([commands.SIGNATURE_KEY[0], commands.ENCRYPTION_KEY[0]])
PRIVATE_KEYS = st.sampled_from([commands.SIGNATURE_KEY[1], commands.ENCRYPTION_KEY[1]])
CERTIFICATES = st.sampled_from([commands.SIGNATURE_CERTIFICATE, commands.ENCRYPTION_CERTIFICATE])
LONGEST_PIECE, OFFSETS = 32, st.integers(0, 200)
REQUIREMENTS = tuple(f"SSC-CERT-{number:03}" for number in (1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12))
SHARE = 3.0
REFERENCES = {USER: commands.USER_PIN, ADMINISTRATOR: commands.ADMINISTRATOR_PIN}


class CertificateRules(Player):
    """Everything that a program does with the application, in any order."""

    def __init__(self, bench: Bench, identity: Identity) -> None:
        super().__init__(bench, identity)
        self.card = CertificateCard(bench.profile)
        self.challenges: dict[int, bytes] = {}
        self.session_key = bytes(SESSION_KEY)

    @property
    def inside(self) -> bool:
        """Whether the application is selected."""
        return self.card.state.place == APPLICATION

    # Selection

    @initialize()
    def begin(self) -> None:
        """Programs begin inside the application."""
        self.enter(APPLICATION)

    def enter(self, where: str) -> None:
        """Select the environment, the application through it, or SSSE."""
        if where == OUTSIDE:
            name = self.bench.profile.directory[SOCIAL_SECURITY].aid or b""
            self.play(model.select(self.card, OUTSIDE), select_name(name))
            return
        if self.card.state.place == OUTSIDE or where == ENVIRONMENT:
            self.play(model.select(self.card, ENVIRONMENT), commands.select(commands.ENVIRONMENT_NAME))
        if where == APPLICATION:
            self.play(model.select(self.card, APPLICATION), commands.select(commands.APPLICATION_NAME))

    @rule(where=st.sampled_from([APPLICATION, APPLICATION, ENVIRONMENT, OUTSIDE]))
    def go(self, where: str) -> None:
        """Go somewhere."""
        self.enter(where)

    @rule(cold=st.booleans(), back=st.booleans())
    def reset(self, cold: bool, back: bool) -> None:
        """Reset the card, and mostly come back."""
        self.bench.reset(cold)
        self.card.reset()
        if back:
            self.enter(APPLICATION)

    # PINs and master keys

    @rule(length=st.sampled_from([16, 16, 8]))
    def challenge(self, length: int) -> None:
        """GET CHALLENGE."""
        answer = self.play(model.get_challenge(self.card, length), commands.get_challenge(length))
        self.challenges[self.card.state.challenges] = answer.data

    def proof(self, back: int, fresh: bool) -> tuple[int | None, bytes]:
        """Number and bytes of the challenge that a proof is made over, a fresh one when asked for."""
        if fresh:
            self.challenge(commands.CHALLENGE_LENGTH)
        number = self.card.state.challenges - back
        return (number, self.challenges[number]) if number in self.challenges else (None, bytes(16))

    @rule(pin=PINS, fresh=st.booleans(), back=BACK)
    def verify_right(self, pin: str, fresh: bool, back: int) -> None:
        """VERIFY with the digits that are right now, perhaps over an old challenge."""
        self.verify(pin, self.card.state.pins[pin], fresh, back)

    @rule(pin=PINS, digits=DIGITS, fresh=st.booleans())
    def verify_other(self, pin: str, digits: str, fresh: bool) -> None:
        """VERIFY with some digits."""
        self.verify(pin, digits, fresh, 0)

    def verify(self, pin: str, digits: str, fresh: bool, back: int) -> None:
        """VERIFY."""
        number, over = self.proof(back, fresh)
        prediction = model.verify(self.card, pin, digits, number)
        self.play(prediction, commands.verify(REFERENCES[pin], digits, over))

    @rule(pin=PINS, old=st.one_of(st.none(), st.none(), DIGITS), new=DIGITS, fresh=st.booleans(), back=BACK)
    def change_pin(self, pin: str, old: str | None, new: str, fresh: bool, back: int) -> None:
        """CHANGE PIN with the right old PIN or another one."""
        old = old or self.card.state.pins[pin]
        number, over = self.proof(back, fresh)
        prediction = model.change_pin(self.card, pin, old, new, number)
        self.play(prediction, commands.change_pin(REFERENCES[pin], old, packed(new), over))

    @rule(administrator=st.one_of(st.none(), st.none(), DIGITS), new=DIGITS, fresh=st.booleans())
    def reload_pin(self, administrator: str | None, new: str, fresh: bool) -> None:
        """A new user PIN from the administrator."""
        administrator = administrator or self.card.state.pins[ADMINISTRATOR]
        number, over = self.proof(0, fresh)
        prediction = model.reload_pin(self.card, administrator, new, number)
        self.play(prediction, commands.reload_pin(administrator, packed(new), over))

    @precondition(lambda self: self.card.state.place != OUTSIDE)
    @rule(bit=st.one_of(st.none(), st.none(), st.integers(0, 127)), fresh=st.booleans(), back=BACK)
    def authenticate(self, bit: int | None, fresh: bool, back: int) -> None:
        """EXTERNAL AUTHENTICATE with the master key of the current directory."""
        number, over = self.proof(back, fresh)
        prediction = model.authenticate(self.card, bit is None, number)
        command = self.bench.keys.authenticate_master_key(self.card.master_key(self.card.state.place), over)
        self.play(prediction, command if bit is None else command[:5] + flipped(command[5:], bit))

    # Keys

    @rule()
    def prove_and_generate(self) -> None:
        """What a personalisation program does: user PIN, new key pair, its public key."""
        self.enter(APPLICATION)
        self.verify(USER, self.card.state.pins[USER], True, 0)
        self.generate()
        self.read_public_key(commands.SIGNATURE_KEY[0])

    @rule()
    def generate(self) -> None:
        """GENERATE KEY PAIR."""
        self.play(model.generate(self.card), commands.generate_key_pair())

    @precondition(lambda self: self.inside)
    @rule(file=PUBLIC_KEYS)
    def read_public_key(self, file: bytes) -> None:
        """READ BINARY of a public key."""
        self.select_file(file)
        prediction = model.read_public_key(self.card, file, lambda data: is_point(data[-commands.PUBLIC_KEY_LENGTH :]))
        self.play(prediction, commands.read_binary(0, commands.PUBLIC_KEY_FILE_LENGTH))

    @precondition(lambda self: self.inside)
    @rule(file=PRIVATE_KEYS)
    def read_private_key(self, file: bytes) -> None:
        """READ BINARY of a private key."""
        self.select_file(file)
        self.play(model.read_private_key(self.card), commands.read_binary(0, 32))

    @rule(digest=st.binary(min_size=32, max_size=32))
    def sign(self, digest: bytes) -> None:
        """COMPUTE DIGITAL SIGNATURE, judged by the public key where it is known."""
        key = self.card.state.public_keys.get(commands.SIGNATURE_KEY[0])

        def is_signature(data: bytes) -> bool:
            if key is None:
                return len(data) == commands.PUBLIC_KEY_LENGTH
            return signature_fits(key[-commands.PUBLIC_KEY_LENGTH :], digest, Response(data, 0x9000))

        self.play(model.sign(self.card, is_signature), commands.compute_signature(digest))

    @rule(key=st.binary(min_size=SESSION_KEY, max_size=SESSION_KEY))
    def import_session_key(self, key: bytes) -> None:
        """IMPORT SESSION KEY."""
        self.play(model.import_session_key(self.card), commands.import_session_key(key))
        self.session_key = key

    @rule(choice=CHOICE, in_clear=st.booleans())
    def import_pair(self, choice: int, in_clear: bool) -> None:
        """IMPORT PUBLIC KEY and IMPORT PRIVATE KEY; the latter in clear, too."""
        private = (choice + 1).to_bytes(32)
        public = public_key_of(private)
        content = bytes([commands.PUBLIC_KEY, len(public)]) + public
        self.play(model.import_public_key(self.card, content), commands.import_public_key(public))
        enciphered = encrypt_ecb(Algorithm.SM4, self.session_key, private)
        command = commands.import_private_key(private if in_clear else enciphered, in_clear=in_clear)
        self.play(model.import_private_key(self.card, in_clear), command)

    # Certificates

    @precondition(lambda self: self.inside)
    @rule(file=CERTIFICATES, offset=OFFSETS, length=st.integers(1, LONGEST_PIECE))
    def read_certificate(self, file: bytes, offset: int, length: int) -> None:
        """READ BINARY of a piece of a certificate."""
        self.select_file(file)
        self.play(model.read_certificate(self.card, file, offset, length), commands.read_binary(offset, length))

    @precondition(lambda self: self.inside)
    @rule(file=CERTIFICATES, offset=OFFSETS, value=st.binary(min_size=1, max_size=LONGEST_PIECE))
    def update_certificate(self, file: bytes, offset: int, value: bytes) -> None:
        """UPDATE BINARY of a piece of a certificate, and its reading."""
        self.select_file(file)
        self.play(model.update_certificate(self.card, file, offset, value), commands.update_binary(offset, value))
        self.read_certificate(file, offset, len(value))

    def select_file(self, file: bytes) -> None:
        """SELECT of a file of the application."""
        self.play(model.select_file(self.card), commands.select_file(file))


@SUITE.case(
    "SEQ/certificates/BO",
    "任意命令序列：数字证书应用",
    "Any sequence of commands: certificate application",
    requirements=REQUIREMENTS,
    kind=Kind.INOPPORTUNE,
    expected=(
        "每个应答的状态字与数据均与参考模型一致",
        "status word and data of every answer are what the model predicts",
    ),
    destructive=True,
)
def sequences(bench: Bench) -> None:
    """Each sequence begins with a card as it was issued, because keys and PINs are used up."""
    place(bench)
    if SOCIAL_SECURITY not in bench.profile.directory:
        raise NotApplicable("没有社会保障系统环境", "the declared card has no social security environment")
    bench.renew()
    identity = Identity()
    run_machine(bench, lambda: CertificateRules(bench, identity), share=SHARE)
