"""PIN, challenges and authentication (reconstructed specification §4.3, vol. 2 §4.2, §4.6, §5.1 to §5.3)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from conformance.model.card import Card, Challenge
from conformance.model.prediction import Outcome, Prediction, refused, succeeds
from conformance.model.selection import aged
from profiles.model import Key

SUCCESS, WRONG_LENGTH, BLOCKED, NO_CHALLENGE = 0x9000, 0x6700, 0x6983, 0x6984
REFUSALS = (0x69, 0x6A, 0x6D, 0x6E)
PROVABLE = ("external authentication", "master")
WHOLE_CHALLENGE = 8


# The PIN


def pin_name(card: Card) -> str | None:
    """The PIN of the current environment."""
    return next(iter(card.profile.directory[card.environment].pin), None)


def verify(card: Card, digits: str) -> Prediction:
    """VERIFY the PIN of the environment."""
    name = pin_name(card)
    if name is None:
        return refused("SSC-PIN-006", families=REFUSALS, then=partial(aged, card))
    if card.is_blocked(name):
        return refused("SSC-PIN-003", BLOCKED, then=partial(aged, card))
    if digits == card.state.pins[name]:
        return succeeds("SSC-PIN-001", partial(_pin_proven, card, name))
    word = card.wrong_word(name)
    wrong = Outcome((word,), then=partial(_pin_wrong, card, name))
    return Prediction("SSC-PIN-002", (wrong,), counter_requirement="SSC-PIN-004")


def verify_too_long(card: Card) -> Prediction:
    """VERIFY with more than eight bytes."""
    if pin_name(card) is None:
        return refused("SSC-PIN-009", families=(0x67, *REFUSALS), then=partial(aged, card))
    return refused("SSC-PIN-009", WRONG_LENGTH, then=partial(aged, card))


def change_pin(card: Card, old: str, new: str) -> Prediction:
    """CHANGE PIN; the verified state follows the profile (vol. 2 §5.3)."""
    name = pin_name(card)
    if name is None:
        return refused("SSC-PIN-010", families=REFUSALS, then=partial(aged, card))
    if card.is_blocked(name):
        return refused("SSC-PIN-012", BLOCKED, then=partial(aged, card))
    if old == card.state.pins[name]:
        return succeeds("SSC-PIN-010", partial(_pin_changed, card, name, new))
    wrong = Outcome((card.wrong_word(name),), then=partial(_pin_wrong, card, name))
    return Prediction("SSC-PIN-011", (wrong,))


def _pin_proven(card: Card, name: str, _: bytes) -> None:
    card.restore_tries(name)
    card.grant(name)
    card.challenge_ages()


def _pin_wrong(card: Card, name: str, _: bytes) -> None:
    card.lose_try(name)
    if card.settings.wrong_pin_clears_state:
        card.revoke(name)
    card.challenge_ages()


def _pin_changed(card: Card, name: str, new: str, _: bytes) -> None:
    card.state.pins[name] = new
    card.restore_tries(name)
    if card.settings.changed_pin_is_verified:
        card.grant(name)
    card.challenge_ages()


# Challenges


def get_challenge(card: Card, length: int) -> Prediction:
    """GET CHALLENGE of 4 or 8 bytes."""
    return succeeds(
        "SSC-AUT-001",
        partial(_challenged, card, length),
        fits=lambda data: len(data) == length,
        shown=f"{length} bytes",
    )


def _challenged(card: Card, length: int, _: bytes) -> None:
    state = card.state
    state.challenges += 1
    state.previous = state.challenge
    state.challenge = Challenge(state.challenges, certain=True, whole=length == WHOLE_CHALLENGE)


# EXTERNAL AUTHENTICATE


@dataclass(frozen=True, slots=True)
class Proof:
    """What is shown to the card, in words: no cryptogram is needed to know whether it is the right one."""

    reference: int
    """Key identifier in P2."""
    key: str
    """The key that made the cryptogram."""
    version: int
    """The version of that key."""
    label: int | None
    """Version byte; None without one."""
    challenge: int | None
    """Number of the challenge that it was made over; None for a made-up one."""
    intact: bool = True
    """Whether the cryptogram arrives as it was made."""


def addressed_key(card: Card, reference: int) -> tuple[str, Key] | None:
    """The key that P2 names: top bit set a key of the current ADF, otherwise one of the environment (vol. 2 §3.5)."""
    owner = card.state.directory if reference & 0x80 else card.environment
    if reference & 0x80 and card.directory.kind != "ADF":
        return None
    for name, key in card.profile.directory[owner].key.items():
        if key.use in PROVABLE and key.kid == bytes([reference]):
            return name, key
    return None


def external_authenticate(card: Card, proof: Proof) -> Prediction:
    """EXTERNAL AUTHENTICATE with Lc 10 or 11. Where several faults meet, any of their answers will do."""
    found = addressed_key(card, proof.reference)
    if found is None:
        words = {0x6A88, 0x9403, int(card.settings.unknown_key_answer, 16)}
        return refused("SSC-KEY-008", *sorted(words), then=partial(aged, card))
    name, key = found
    version = _version(card, proof)
    faults: list[int] = []
    requirement = "SSC-KEY-005"
    if not 1 <= version <= key.versions:
        faults.append(int(card.settings.unknown_key_answer, 16))
    if card.is_blocked(name):
        faults.append(BLOCKED)
        requirement = "SSC-KEY-014"
    if card.state.challenge is None:
        faults.append(NO_CHALLENGE)
        requirement = "SSC-AUT-010"
    if faults and not (faults == [NO_CHALLENGE] and _counts_without(card)):
        return refused(requirement, *faults, then=partial(aged, card))
    right = proof.intact and proof.key == name and _is_version(card, proof) and _is_held(card, proof.challenge)
    return _compared(card, name, proof, right)


def _is_held(card: Card, number: int | None) -> bool:
    """Whether the card takes this challenge for the process factor."""
    state = card.state
    held = [state.challenge] if state.challenge else []
    if held and state.previous and card.settings.challenge_used == "last or last but one":
        held.append(state.previous)
    return any(challenge.number == number for challenge in held)


def _compared(card: Card, name: str, proof: Proof, right: bool) -> Prediction:
    """The card compares: success, or a try lost; where the challenge is doubtful it may have none."""
    challenge = card.state.challenge
    wrong = Outcome((card.wrong_word(name),), then=partial(_key_wrong, card, name))
    proven = Outcome((SUCCESS,), then=partial(_key_proven, card, name))
    lapsed = Outcome((NO_CHALLENGE,), then=partial(_lapsed, card))
    form = "SSC-AUT-005" if card.profile.algorithm == "SM4" else "SSC-AUT-004"
    if challenge is None or (challenge.certain and challenge.whole):
        if right:
            return Prediction(form, (proven,))
        requirement = "SSC-AUT-011"
        if proof.intact and proof.key == name:
            requirement = "SSC-AUT-008" if _is_version(card, proof) else "SSC-KEY-007"
        return Prediction(requirement, (wrong,), counter_requirement="SSC-KEY-013")
    outcomes: tuple[Outcome, ...] = (wrong, lapsed)
    if right:
        outcomes = (proven, lapsed) if challenge.whole and not _counts_without(card) else (proven, wrong, lapsed)
    return Prediction(form if right else "SSC-AUT-011", outcomes, counter_requirement="SSC-KEY-013")


def _version(card: Card, proof: Proof) -> int:
    """The version that the card takes the cryptogram for."""
    return card.settings.default_key_version if proof.label is None else proof.label


def _is_version(card: Card, proof: Proof) -> bool:
    return proof.version == _version(card, proof)


def _counts_without(card: Card) -> bool:
    return card.settings.authentication_without_challenge == "63Cx"


def _key_proven(card: Card, name: str, _: bytes) -> None:
    card.restore_tries(name)
    card.grant(name)
    card.challenge_ends()


def _key_wrong(card: Card, name: str, _: bytes) -> None:
    card.lose_try(name)
    card.challenge_ends()


def _lapsed(card: Card, _: bytes) -> None:
    card.challenge_ends()


# INTERNAL AUTHENTICATE


def internal_authenticate(card: Card, reference: int, genuine: bytes) -> Prediction:
    """INTERNAL AUTHENTICATE; ``genuine`` is what the key gives. From inside an ADF the key may be out of reach."""
    form = "SSC-AUT-016" if card.profile.algorithm == "SM4" else "SSC-AUT-015"
    keys = card.profile.directory[card.environment].key.values()
    if not any(key.use == "internal authentication" and key.kid == bytes([reference]) for key in keys):
        unknown = int(card.settings.unknown_key_answer, 16)
        return refused("SSC-KEY-009", unknown, families=REFUSALS, then=partial(aged, card))
    shown = genuine.hex().upper()
    proven = Outcome((SUCCESS,), fits=lambda data: data == genuine, shown=shown, then=partial(_internal, card))
    outcomes = [proven]
    if card.settings.internal_authentication_needs_challenge:
        challenge = card.state.challenge
        lapsed = Outcome((NO_CHALLENGE,), then=partial(_lapsed, card))
        outcomes = [lapsed] if challenge is None else [proven] if challenge.certain else [proven, lapsed]
    if card.directory.kind == "ADF":
        outcomes.append(Outcome((0x6A88, 0x9403), then=partial(aged, card)))
    return Prediction(form, tuple(outcomes))


def _internal(card: Card, _: bytes) -> None:
    if card.settings.internal_authentication_needs_challenge:
        card.challenge_ends()
    else:
        card.challenge_ages()
