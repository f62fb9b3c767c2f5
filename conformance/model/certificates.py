"""The certificate application as its profile and the commands so far make it (reconstructed specification §3.3).

The model knows PINs by their digits, challenges by their number, keys by what it has seen of them. How proofs are computed
it does not know: a command tells it which PIN and which challenge were used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from conformance.model.prediction import Fits, Outcome, Prediction, any_data, refused, succeeds
from profiles.access import AccessCondition
from profiles.model import Directory, Profile

SUCCESS, BLOCKED, NO_CHALLENGE, SHUT, MAC_WRONG = 0x9000, 0x6983, 0x6984, 0x6982, 0x6988
REFUSALS = (0x67, 0x69, 0x6A, 0x6B, 0x6D, 0x6E)
OUTSIDE, ENVIRONMENT, APPLICATION = "outside", "environment", "application"
USER, ADMINISTRATOR = "user PIN", "administrator PIN"
REFERENCES = {USER: b"\x81", ADMINISTRATOR: b"\x00"}
MASTER_KEYS = {ENVIRONMENT: "master key of the environment", APPLICATION: "master key of the application"}
PRIVATE_FILES = (b"\x00\x13", b"\x00\x15")
SIGNATURE_KEY, ENCRYPTION_KEY = b"\x00\x12", b"\x00\x14"
PUBLIC_KEY_LENGTH = 66
SELECT, PIN, GENERATE, PUBLIC_KEY, PRIVATE_KEY = (f"SSC-CERT-{number:03}" for number in range(1, 6))
FILE, SIGN, IMPORT, ADMINISTRATOR_CHANGE, REPLACE, COUNTER = (
    f"SSC-CERT-{number:03}" for number in (6, 8, 9, 10, 11, 12)
)


@dataclass(slots=True)
class Challenge:
    """The challenge that the card may still hold."""

    number: int
    certain: bool = True
    """Whether nothing came between."""


@dataclass(slots=True)
class State:
    """What changes."""

    place: str = OUTSIDE
    rights: set[str] = field(default_factory=set)
    challenge: Challenge | None = None
    challenges: int = 0
    pins: dict[str, str] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    public_keys: dict[bytes, bytes | None] = field(default_factory=dict)
    """By file: the 66 bytes as last seen, None where they may be anything."""
    session_key: bool = False
    contents: dict[bytes, dict[int, int]] = field(default_factory=dict)
    """Certificate files: bytes by offset, as last seen or written."""


class CertificateCard:
    """A certificate application of a profile, fresh from the factory and just switched on."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        name, self.application, self.rules, parent = next(
            (name, described, described.certificates, described.parent)
            for name, described in profile.directory.items()
            if described.certificates is not None and described.parent is not None
        )
        self.environment = profile.directory[parent]
        self.names = {APPLICATION: name, ENVIRONMENT: parent}
        self.state = State()
        for pin in REFERENCES:
            self.state.pins[pin] = self._pin(pin)[1]
            self.state.tries[pin] = self.limit(pin)
        for key in MASTER_KEYS.values():
            self.state.tries[key] = self.limit(key)

    # Declared

    def _pin(self, which: str) -> tuple[str, str, int | None]:
        """Name in the profile, digits, limit."""
        directory: Directory = self.application if which == USER else self.environment
        return next((n, p.value, p.limit) for n, p in directory.pin.items() if p.reference == REFERENCES[which])

    def master_key(self, place: str) -> str:
        """Name of a master key in the profile."""
        directory = self.application if place == APPLICATION else self.environment
        return next(name for name, key in directory.key.items() if key.use == "master")

    def limit(self, secret: str) -> int:
        """Wrong presentations in a row before a PIN or key is blocked, 0 for any number."""
        settings = self.profile.settings
        if secret in REFERENCES:
            own = self._pin(secret)[2]
            return settings.pin_try_limit if own is None else own
        directory, place = next(
            (self.application if place == APPLICATION else self.environment, place)
            for place, key in MASTER_KEYS.items()
            if key == secret
        )
        limit = directory.key[self.master_key(place)].limit
        return settings.key_try_limit if limit is None else limit

    def allows(self, condition: AccessCondition) -> bool:
        """Whether the rights that are held open an access."""
        held = {self._pin(pin)[0] for pin in REFERENCES if pin in self.state.rights}
        held |= {self.master_key(place) for place, key in MASTER_KEYS.items() if key in self.state.rights}
        return condition.satisfied_by(frozenset(held))

    def is_blocked(self, secret: str) -> bool:
        """Whether no try is left."""
        return bool(self.limit(secret)) and not self.state.tries[secret]

    def reset(self) -> None:
        """The session ends."""
        state = self.state
        state.place, state.challenge, state.session_key = OUTSIDE, None, False
        state.rights.clear()

    def age(self) -> None:
        """A command came between: some cards take that for the end of a challenge."""
        if self.state.challenge:
            self.state.challenge.certain = False


def _aged(card: CertificateCard, _: bytes = b"") -> None:
    card.age()


def _refused_here(card: CertificateCard, requirement: str) -> Prediction:
    """A command where no directory of the application is current."""
    return refused(requirement, families=REFUSALS, then=partial(_aged, card))


# Selection


def select(card: CertificateCard, place: str) -> Prediction:
    """SELECT of the environment, of the application from inside the environment, or of another application."""
    return succeeds(SELECT, partial(_entered, card, place), fits=any_data)


def select_file(card: CertificateCard) -> Prediction:
    """SELECT of a file of the application."""
    return succeeds(SELECT, partial(_aged, card), fits=any_data)


def _entered(card: CertificateCard, place: str, _: bytes) -> None:
    state = card.state
    stays = state.place != OUTSIDE and place == APPLICATION
    again = state.place != OUTSIDE and place == ENVIRONMENT
    keeps = again and not card.profile.settings.reselecting_environment_clears_global_state
    kept = {ADMINISTRATOR, MASTER_KEYS[ENVIRONMENT]} if stays or keeps else set()
    if state.place == OUTSIDE or place == OUTSIDE:
        state.challenge = None
    state.rights &= kept
    state.place, state.session_key = place, False
    card.age()


# Challenges and PINs


def get_challenge(card: CertificateCard, length: int) -> Prediction:
    """GET CHALLENGE."""

    def taken(_: bytes) -> None:
        card.state.challenges += 1
        card.state.challenge = Challenge(card.state.challenges)

    return succeeds(PIN, taken, fits=lambda data: len(data) == length, shown=f"{length} bytes")


def _presented(
    card: CertificateCard,
    secret: str,
    requirement: str,
    good: bool,
    right: Callable[[bytes], None],
    wrong: Outcome,
) -> Prediction:
    """A proof over the challenge: blocked, without challenge, right or wrong; ``good`` counts with the last challenge."""
    if card.is_blocked(secret):
        return refused(COUNTER, BLOCKED, then=partial(_aged, card))
    lapsed = Outcome((NO_CHALLENGE,), then=partial(_challenge_ends, card))
    challenge = card.state.challenge
    if challenge is None:
        return Prediction(requirement, (lapsed,), COUNTER)
    ending = Outcome((SUCCESS,), then=right) if good else wrong
    return Prediction(requirement, (ending,) if challenge.certain else (ending, lapsed), COUNTER)


def _challenge_ends(card: CertificateCard, _: bytes = b"") -> None:
    card.state.challenge = None


def _wrong(card: CertificateCard, secret: str, word: int | None = None, *, revokes: bool = False) -> Outcome:
    """A try is lost; ``word`` where the answer does not count."""

    def lost(_: bytes) -> None:
        if card.limit(secret):
            card.state.tries[secret] -= 1
        if revokes and card.profile.settings.wrong_pin_clears_state:
            card.state.rights.discard(secret)
        card.state.challenge = None

    left = card.state.tries[secret] - 1
    counted = 0x63C0 | left if card.limit(secret) else 0x6300
    return Outcome((counted if word is None else word,), then=lost)


def _proven(card: CertificateCard, secret: str, _: bytes) -> None:
    card.state.tries[secret] = card.limit(secret)
    card.state.rights.add(secret)
    card.state.challenge = None


def verify(card: CertificateCard, pin: str, digits: str, challenge: int | None) -> Prediction:
    """VERIFY with the proof of these digits over the challenge of a number."""
    place = card.state.place
    if place == OUTSIDE or (place == ENVIRONMENT and pin == USER):
        return _refused_here(card, PIN)
    good = digits == card.state.pins[pin] and _is_last(card, challenge)
    return _presented(card, pin, PIN, good, partial(_proven, card, pin), _wrong(card, pin, revokes=True))


def _is_last(card: CertificateCard, challenge: int | None) -> bool:
    return card.state.challenge is not None and challenge == card.state.challenge.number


def change_pin(card: CertificateCard, pin: str, old: str, new: str, challenge: int | None) -> Prediction:
    """CHANGE PIN under the key of the old digits."""
    place = card.state.place
    requirement = ADMINISTRATOR_CHANGE if pin == ADMINISTRATOR else PIN
    if place == OUTSIDE or (place == ENVIRONMENT and pin == USER):
        return _refused_here(card, requirement)

    def changed(_: bytes) -> None:
        card.state.pins[pin] = new
        card.state.tries[pin] = card.limit(pin)
        card.state.challenge = None

    word = MAC_WRONG if card.rules.settings.pin_change_failure == "6988" else None
    good = old == card.state.pins[pin] and _is_last(card, challenge)
    return _presented(card, pin, requirement, good, changed, _wrong(card, pin, word))


def reload_pin(card: CertificateCard, administrator: str, new: str, challenge: int | None) -> Prediction:
    """A new user PIN under the key of the administrator's digits, by assumption."""
    if card.state.place != APPLICATION or card.rules.settings.pin_reload == "none":
        return _refused_here(card, COUNTER)
    if ADMINISTRATOR not in card.state.rights:
        return refused(COUNTER, SHUT, then=partial(_aged, card))

    def reloaded(_: bytes) -> None:
        card.state.pins[USER] = new
        card.state.tries[USER] = card.limit(USER)
        card.state.challenge = None

    held = card.state.challenge
    lapsed = Outcome((NO_CHALLENGE,), then=partial(_challenge_ends, card))
    if held is None:
        return Prediction(COUNTER, (lapsed,))
    good = administrator == card.state.pins[ADMINISTRATOR] and _is_last(card, challenge)
    ending = Outcome((SUCCESS,), then=reloaded) if good else Outcome((MAC_WRONG,), then=partial(_challenge_ends, card))
    return Prediction(COUNTER, (ending,) if held.certain else (ending, lapsed))


# Master keys


def authenticate(card: CertificateCard, intact: bool, challenge: int | None) -> Prediction:
    """EXTERNAL AUTHENTICATE with the declared master key of the current directory, or an altered proof."""
    if card.state.place == OUTSIDE:
        return _refused_here(card, REPLACE)
    key = MASTER_KEYS[card.state.place]
    good = intact and _is_last(card, challenge)
    return _presented(card, key, REPLACE, good, partial(_proven, card, key), _wrong(card, key))


# Keys and certificates


def generate(card: CertificateCard) -> Prediction:
    """GENERATE KEY PAIR for the signature key."""
    return _guarded(card, GENERATE, card.rules.generate, partial(_generated, card))


def _generated(card: CertificateCard, _: bytes) -> None:
    card.state.public_keys[SIGNATURE_KEY] = None
    card.age()


def _guarded(
    card: CertificateCard, requirement: str, condition: AccessCondition, then: Callable[[bytes], None]
) -> Prediction:
    if card.state.place != APPLICATION:
        return _refused_here(card, requirement)
    if not card.allows(condition):
        return refused(requirement, SHUT, then=partial(_aged, card))
    return succeeds(requirement, then)


def read_public_key(card: CertificateCard, file: bytes, is_key: Fits) -> Prediction:
    """READ BINARY of a public key file; ``is_key`` tells whether its last 64 bytes are a point."""
    if card.state.place != APPLICATION:
        return _refused_here(card, PUBLIC_KEY)
    known = card.state.public_keys.get(file)

    def fits(data: bytes) -> bool:
        return len(data) == PUBLIC_KEY_LENGTH and is_key(data) and known in (None, data)

    def seen(data: bytes) -> None:
        card.state.public_keys[file] = data
        card.age()

    return succeeds(PUBLIC_KEY, seen, fits=fits, shown="the public key" if known else "a public key of 66 bytes")


def sign(card: CertificateCard, is_signature: Fits) -> Prediction:
    """COMPUTE DIGITAL SIGNATURE; ``is_signature`` tells whether an answer fits the public key that is known."""
    if card.state.place != APPLICATION or card.rules.settings.signature_command == "none":
        return _refused_here(card, SIGN)
    if not card.allows(card.rules.use):
        return refused(SIGN, SHUT, then=partial(_aged, card))
    return succeeds(SIGN, partial(_aged, card), fits=is_signature, shown="a signature by the signature key")


def import_session_key(card: CertificateCard) -> Prediction:
    """IMPORT SESSION KEY."""

    def imported(_: bytes) -> None:
        card.state.session_key = True
        card.age()

    return _guarded(card, IMPORT, card.rules.generate, imported)


def import_public_key(card: CertificateCard, content: bytes) -> Prediction:
    """IMPORT PUBLIC KEY; ``content`` are the 66 bytes that the file then has."""

    def imported(_: bytes) -> None:
        card.state.public_keys[ENCRYPTION_KEY] = content
        card.age()

    return _guarded(card, IMPORT, card.rules.generate, imported)


def import_private_key(card: CertificateCard, in_clear: bool) -> Prediction:
    """IMPORT PRIVATE KEY under the session key, or in clear, which no card takes."""
    if (
        card.state.place == APPLICATION
        and card.allows(card.rules.generate)
        and (in_clear or not card.state.session_key)
    ):
        return refused(IMPORT, families=REFUSALS, then=partial(_aged, card))
    if in_clear:
        return _refused_here(card, IMPORT)
    return _guarded(card, IMPORT, card.rules.generate, partial(_aged, card))


def read_private_key(card: CertificateCard) -> Prediction:
    """READ BINARY of a private key file, which is selected."""
    return refused(PRIVATE_KEY, SHUT, 0x6981, then=partial(_aged, card))


def read_certificate(card: CertificateCard, file: bytes, offset: int, length: int) -> Prediction:
    """READ BINARY of a certificate file, which is selected."""
    known = card.state.contents.setdefault(file, {})

    def fits(data: bytes) -> bool:
        return len(data) == length and all(known.get(offset + n, byte) == byte for n, byte in enumerate(data))

    def seen(data: bytes) -> None:
        known.update({offset + n: byte for n, byte in enumerate(data)})
        card.age()

    return succeeds(FILE, seen, fits=fits, shown=f"{length} bytes as written")


def update_certificate(card: CertificateCard, file: bytes, offset: int, value: bytes) -> Prediction:
    """UPDATE BINARY of a certificate file, which is selected."""
    described = next(entry for entry in card.application.file.values() if entry.fid == file)
    if not card.allows(described.update):
        return refused(FILE, SHUT, then=partial(_aged, card))

    def written(_: bytes) -> None:
        known = card.state.contents.setdefault(file, {})
        known.update({offset + n: byte for n, byte in enumerate(value)})
        card.age()

    return succeeds(FILE, written)
