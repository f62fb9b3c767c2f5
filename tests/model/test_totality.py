"""Whatever is done to the model and whatever a card answers, the model stays a card.

It never breaks, no counter leaves its range, and no right belongs to nobody.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import example, given, settings
from hypothesis import strategies as st

from conformance.model import Card, Prediction, files, secrets, selection
from conformance.model.secrets import Proof
from profiles import load

PROFILE = load("ssc3-sm4")
DIRECTORIES = list(PROFILE.directory.values())
KEYS = [(name, (key.kid or b"\0")[0]) for d in DIRECTORIES for name, key in d.key.items()]
NAMES = {name for name, _ in KEYS} | {name for d in DIRECTORIES for name in d.pin}
FIDS = [d.fid for d in DIRECTORIES] + [file.fid for d in DIRECTORIES for file in d.file.values()]
Action = Callable[[Card], Prediction]

sfis = st.integers(0, 31)
digits = st.sampled_from(["123456", "000000", "654321"])
keys = st.sampled_from(KEYS)
versions = st.integers(1, 4)
actions = st.one_of(
    st.builds(
        lambda name: lambda card: selection.by_name(card, name), st.sampled_from([d.aid or b"x" for d in DIRECTORIES])
    ),
    st.builds(lambda name: lambda card: selection.by_name(card, name), st.binary(min_size=1, max_size=16)),
    st.builds(
        lambda fid, p1: lambda card: selection.by_identifier(card, fid, p1), st.sampled_from(FIDS), st.integers(0, 2)
    ),
    st.builds(lambda pin: lambda card: secrets.verify(card, pin), digits),
    st.builds(lambda old, new: lambda card: secrets.change_pin(card, old, new), digits, digits),
    st.builds(lambda length: lambda card: secrets.get_challenge(card, length), st.sampled_from([4, 8])),
    st.builds(
        lambda key, version, label, back, intact: (
            lambda card: secrets.external_authenticate(
                card, Proof(key[1], key[0], version, label, card.state.challenges - back, intact)
            )
        ),
        keys,
        versions,
        st.one_of(st.none(), versions),
        st.integers(0, 2),
        st.booleans(),
    ),
    st.builds(lambda key: lambda card: secrets.internal_authenticate(card, key[1], bytes(8)), keys),
    st.builds(lambda sfi, n: lambda card: files.read_record(card, sfi, n), sfis, st.integers(1, 255)),
    st.builds(
        lambda sfi, n, record: lambda card: files.update_record(card, sfi, n, record),
        sfis,
        st.integers(1, 255),
        st.binary(min_size=1, max_size=40),
    ),
    st.builds(lambda sfi, o, n: lambda card: files.read_binary(card, sfi, o, n), sfis, st.integers(0, 999), sfis),
    st.builds(
        lambda sfi, o, value: lambda card: files.update_binary(card, sfi, o, value),
        sfis,
        st.integers(0, 999),
        st.binary(min_size=1, max_size=40),
    ),
)
steps = st.tuples(actions, st.integers(0, 5), st.binary(max_size=40))


LOG_OF_A_PAYMENT_APPLICATION = [
    (lambda card: selection.by_name(card, PROFILE.directory["DEBIT"].aid or b""), 0, b""),
    (lambda card: files.read_record(card, 11, 1), 0, b""),
]


@example(LOG_OF_A_PAYMENT_APPLICATION, set())
@settings(max_examples=60, deadline=None)
@given(st.lists(steps, max_size=40), st.sets(st.integers(0, 39)))
def test_the_model_stays_a_card(played: list[tuple[Action, int, bytes]], resets: set[int]) -> None:
    card = Card(PROFILE)
    for number, (action, chosen, data) in enumerate(played):
        if number in resets:
            card.reset()
        prediction = action(card)
        assert prediction.requirement.startswith("SSC-")
        assert prediction.broken_by(0x9000).startswith("SSC-")
        outcome = prediction.outcomes[chosen % len(prediction.outcomes)]
        assert outcome.fits(data) in (True, False)
        outcome.then(data)
        assert all(0 <= left <= card.limit(name) for name, left in card.state.tries.items())
        assert card.state.environment_rights | card.state.application_rights <= NAMES
        assert card.state.directory in PROFILE.directory
        assert card.state.file is None or card.state.file in card.directory.file
