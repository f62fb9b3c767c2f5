"""The model of the certificate application against the words of the reconstructed specification §3.3, without any card."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.model import Prediction, certificates
from conformance.model.certificates import (
    ADMINISTRATOR,
    APPLICATION,
    ENVIRONMENT,
    OUTSIDE,
    USER,
    CertificateCard,
)
from profiles import load
from profiles.certificate_settings import CertificateSettings

PROFILE = load("ssc3-sm4")
USER_PIN, ADMINISTRATOR_PIN = "123456", "26010574"
SIGNATURE_KEY, CERTIFICATE = b"\x00\x12", b"\x00\x18"
Action = Callable[[CertificateCard], Prediction]


def anything(_: bytes) -> bool:
    return True


def inside(*places: str, card: CertificateCard | None = None) -> CertificateCard:
    """A card in which the application was selected, or these places one after the other."""
    card = card or CertificateCard(PROFILE)
    for place in places or (ENVIRONMENT, APPLICATION):
        done(certificates.select(card, place))
    return card


def words(prediction: Prediction) -> set[int]:
    return {word for outcome in prediction.outcomes for word in outcome.words}


def done(prediction: Prediction, sw: int = 0x9000, data: bytes = b"") -> None:
    """The card answered so."""
    outcome = prediction.outcome(sw)
    assert outcome is not None, f"{sw:04X} is not among {prediction}"
    outcome.then(data)


def challenge(card: CertificateCard) -> int:
    done(certificates.get_challenge(card, 16))
    return card.state.challenges


def prove(card: CertificateCard, pin: str = USER) -> None:
    number = challenge(card)
    done(certificates.verify(card, pin, card.state.pins[pin], number))


def with_settings(**values: object) -> CertificateCard:
    card = inside()
    card.rules = card.rules.model_copy(update={"settings": CertificateSettings(**values)})
    return card


def test_a_pin_needs_the_last_challenge_and_uses_it_up() -> None:
    card = inside()
    assert words(certificates.verify(card, USER, USER_PIN, None)) == {0x6984}
    old, number = challenge(card), challenge(card)
    assert words(certificates.verify(card, USER, USER_PIN, old)) == {0x63C5}
    assert words(certificates.verify(card, USER, USER_PIN, number)) == {0x9000}
    done(certificates.verify(card, USER, USER_PIN, number))
    assert words(certificates.verify(card, USER, USER_PIN, number)) == {0x6984}


def test_a_command_in_between_may_end_a_challenge() -> None:
    card = inside()
    number = challenge(card)
    done(certificates.import_session_key(card), 0x6982)
    assert words(certificates.verify(card, USER, USER_PIN, number)) == {0x9000, 0x6984}
    assert words(certificates.verify(card, USER, "999999", number)) == {0x63C5, 0x6984}


def test_wrong_pins_block_their_own_counter_only() -> None:
    card = inside()
    for left in range(5, -1, -1):
        prediction = certificates.verify(card, USER, "999999", challenge(card))
        assert words(prediction) == {0x63C0 | left}
        assert prediction.broken_by(0x63C9) == "SSC-CERT-012"
        done(prediction, 0x63C0 | left)
    assert words(certificates.verify(card, USER, USER_PIN, challenge(card))) == {0x6983}
    assert words(certificates.change_pin(card, USER, USER_PIN, "1234", challenge(card))) == {0x6983}
    prove(card, ADMINISTRATOR)
    assert words(certificates.reload_pin(card, "111111", "1234", challenge(card))) == {0x6988}
    done(certificates.reload_pin(card, ADMINISTRATOR_PIN, "1234", challenge(card)))
    assert words(certificates.verify(card, USER, "1234", challenge(card))) == {0x9000}


def test_a_right_pin_brings_its_tries_back() -> None:
    card = inside()
    done(certificates.verify(card, USER, "999999", challenge(card)), 0x63C5)
    prove(card)
    assert words(certificates.verify(card, USER, "999999", challenge(card))) == {0x63C5}


def test_a_change_counts_like_a_verification_and_gives_no_right() -> None:
    card = inside()
    assert words(certificates.change_pin(card, USER, "999999", "1234", challenge(card))) == {0x63C5}
    done(certificates.change_pin(card, USER, USER_PIN, "1234", challenge(card)))
    assert words(certificates.generate(card)) == {0x6982}
    assert words(certificates.verify(card, USER, USER_PIN, challenge(card))) == {0x63C5}
    other = with_settings(pin_change_failure="6988")
    done(certificates.change_pin(other, USER, "999999", "1234", challenge(other)), 0x6988)
    assert words(certificates.verify(other, USER, "999999", challenge(other))) == {0x63C4}


@pytest.mark.parametrize("where", [(APPLICATION,), (ENVIRONMENT, APPLICATION), (OUTSIDE, ENVIRONMENT, APPLICATION)])
def test_the_user_pin_is_lost_when_a_directory_is_selected(where: tuple[str, ...]) -> None:
    card = inside()
    prove(card)
    assert words(certificates.generate(card)) == {0x9000}
    inside(*where, card=card)
    assert words(certificates.generate(card)) == {0x6982}


def test_the_administrator_pin_outlives_the_application_alone() -> None:
    card = inside()
    prove(card, ADMINISTRATOR)
    inside(APPLICATION, card=card)
    assert 0x6982 not in words(certificates.reload_pin(card, ADMINISTRATOR_PIN, "1234", challenge(card)))
    inside(ENVIRONMENT, APPLICATION, card=card)
    assert words(certificates.reload_pin(card, ADMINISTRATOR_PIN, "1234", challenge(card))) == {0x6982}


def test_master_keys_count_each_for_itself() -> None:
    card = inside(ENVIRONMENT)
    assert words(certificates.authenticate(card, False, challenge(card))) == {0x63CE}
    done(certificates.authenticate(card, False, challenge(card)), 0x63CE)
    inside(APPLICATION, card=card)
    assert words(certificates.authenticate(card, False, challenge(card))) == {0x63CE}
    assert words(certificates.authenticate(card, True, challenge(card))) == {0x9000}


def test_a_generated_key_may_be_any_and_stays_then() -> None:
    card = inside()
    first, second = bytes([1]) * 66, bytes([2]) * 66
    done(certificates.read_public_key(card, SIGNATURE_KEY, anything), data=first)
    assert not certificates.read_public_key(card, SIGNATURE_KEY, anything).outcomes[0].fits(second)
    prove(card)
    done(certificates.generate(card))
    assert certificates.read_public_key(card, SIGNATURE_KEY, anything).outcomes[0].fits(second)
    assert not certificates.read_public_key(card, SIGNATURE_KEY, anything).outcomes[0].fits(second[1:])
    assert not certificates.read_public_key(card, SIGNATURE_KEY, lambda data: False).outcomes[0].fits(second)


def test_a_private_key_comes_in_under_a_session_key_alone() -> None:
    card = inside()
    assert words(certificates.import_private_key(card, False)) == {0x6982}
    prove(card)
    assert certificates.import_private_key(card, False).outcome(0x9000) is None
    done(certificates.import_session_key(card))
    assert words(certificates.import_private_key(card, False)) == {0x9000}
    assert certificates.import_private_key(card, True).outcome(0x9000) is None
    inside(APPLICATION, card=card)
    prove(card)
    assert certificates.import_private_key(card, False).outcome(0x9000) is None


def test_a_certificate_holds_what_was_written_and_no_private_key_is_read() -> None:
    card = inside()
    assert words(certificates.update_certificate(card, CERTIFICATE, 5, b"abc")) == {0x6982}
    prove(card)
    done(certificates.update_certificate(card, CERTIFICATE, 5, b"abc"))
    read = certificates.read_certificate(card, CERTIFICATE, 4, 4).outcomes[0]
    assert read.fits(b"?abc")
    assert not read.fits(b"?abd")
    assert not read.fits(b"?ab")
    assert words(certificates.read_private_key(card)) == {0x6982, 0x6981}


def test_signing_follows_the_profile() -> None:
    card = inside()
    assert words(certificates.sign(card, anything)) == {0x6982}
    prove(card)
    assert words(certificates.sign(card, anything)) == {0x9000}
    assert with_settings(signature_command="none").rules.settings.signature_command == "none"
    assert certificates.sign(with_settings(signature_command="none"), anything).outcome(0x9000) is None


digits = st.sampled_from([USER_PIN, ADMINISTRATOR_PIN, "999999"])
pins = st.sampled_from([USER, ADMINISTRATOR])
backs = st.integers(0, 2)
actions = st.one_of(
    st.builds(lambda p: lambda c: certificates.select(c, p), st.sampled_from([OUTSIDE, ENVIRONMENT, APPLICATION])),
    st.builds(lambda n: lambda c: certificates.get_challenge(c, n), st.sampled_from([8, 16])),
    st.builds(lambda p, d, b: lambda c: certificates.verify(c, p, d, c.state.challenges - b), pins, digits, backs),
    st.builds(
        lambda p, d, n, b: lambda c: certificates.change_pin(c, p, d, n, c.state.challenges - b),
        pins,
        digits,
        digits,
        backs,
    ),
    st.builds(
        lambda d, n, b: lambda c: certificates.reload_pin(c, d, n, c.state.challenges - b), digits, digits, backs
    ),
    st.builds(lambda ok, b: lambda c: certificates.authenticate(c, ok, c.state.challenges - b), st.booleans(), backs),
    st.sampled_from([certificates.generate, certificates.import_session_key, certificates.read_private_key]),
    st.builds(lambda v: lambda c: certificates.import_public_key(c, v), st.binary(min_size=66, max_size=66)),
    st.builds(lambda v: lambda c: certificates.import_private_key(c, v), st.booleans()),
    st.just(lambda c: certificates.read_public_key(c, SIGNATURE_KEY, anything)),
    st.just(lambda c: certificates.sign(c, anything)),
    st.builds(lambda o, n: lambda c: certificates.read_certificate(c, CERTIFICATE, o, n), backs, st.integers(1, 9)),
    st.builds(
        lambda o, v: lambda c: certificates.update_certificate(c, CERTIFICATE, o, v), backs, st.binary(max_size=9)
    ),
)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(actions, st.integers(0, 5), st.binary(max_size=70)), max_size=40), st.sets(st.integers(0, 39))
)
def test_the_model_stays_a_card(played: list[tuple[Action, int, bytes]], resets: set[int]) -> None:
    card = CertificateCard(PROFILE)
    for number, (action, chosen, data) in enumerate(played):
        if number in resets:
            card.reset()
        prediction = action(card)
        assert prediction.requirement.startswith("SSC-CERT-")
        outcome = prediction.outcomes[chosen % len(prediction.outcomes)]
        assert outcome.fits(data) in (True, False)
        outcome.then(data)
        assert all(0 <= left <= card.limit(name) for name, left in card.state.tries.items())
        assert card.state.place in (OUTSIDE, ENVIRONMENT, APPLICATION)
        assert not (card.state.place == OUTSIDE and card.state.rights)
