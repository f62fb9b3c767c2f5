"""Whatever a card answers, a transaction ends with a result, and an approval only where a cryptogram was given."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.actors.terminal import DEFAULT_CONFIGURATION, Kernel, Purchase, Reason, receipt
from conformance.actors.terminal.reading import parse_afl
from conformance.actors.terminal.verification import parse_list

from .bench import HOLDER, Bench, Chance, profile

ANSWERS = st.one_of(
    st.binary(max_size=40),
    st.binary(max_size=40).map(lambda data: data + b"\x90\x00"),
    st.sampled_from([b"\x61\x00", b"\x6c\x10", b"\x6a\x82", b"\x6a\x83", b"\x69\x85", b"\x62\x83", b"\x63\xc2", b""]),
)


class Scripted:
    """A card that gives prepared answers, the last one for ever."""

    def __init__(self, answers):
        self.answers = answers
        self.given = 0

    def transmit(self, command):
        self.given += 1
        return self.answers[min(self.given, len(self.answers)) - 1]


@given(st.lists(ANSWERS, min_size=1, max_size=20))
def test_nonsense_never_breaks_the_terminal_nor_gets_goods(answers):
    result = Kernel(Scripted(answers), DEFAULT_CONFIGURATION, holder=HOLDER, random=Chance()).run(Purchase(100))
    assert not result.approved
    assert receipt(result)


def pseudo_random(seed):
    return random.Random(seed)  # noqa: S311 - the tests must repeat


CARDS = {name: Bench(profile(name)) for name in ("debit", "debit-sm")}
FRESH = {name: card.target.card.snapshot() for name, card in CARDS.items()}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(CARDS)), st.integers(0, 2**32), st.integers(1, 60), st.booleans())
def test_a_card_with_wrong_bits_never_breaks_the_terminal(name, seed, rarity, e_cash):
    """Answers of a real card, now and then with another byte, cut, or with another status word."""
    made, chance = CARDS[name], pseudo_random(seed)
    made.target.card.restore(FRESH[name])

    def spoil(command, answer):
        if chance.randrange(rarity):
            return None
        data = bytearray(answer.data)
        if data and chance.randrange(3):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        elif data:
            del data[chance.randrange(len(data)) :]
        else:
            return answer._replace(sw=chance.choice([0x6A82, 0x6985, 0x6283, 0x63C1, 0x6F00, 0x9000]))
        return answer._replace(data=bytes(data))

    result = made.pay(100, change=spoil, host=None, e_cash=e_cash)
    assert result.reason in set(Reason)
    assert result.approved is (result.clearing is not None)
    assert receipt(result)


@given(st.binary(max_size=24))
def test_afl_is_read_or_told_to_be_malformed(raw):
    try:
        entries = parse_afl(raw)
    except ValueError:
        return
    assert b"".join(bytes((entry.sfi << 3, *entry[1:])) for entry in entries) == raw


@given(st.binary(max_size=24))
def test_cvm_list_is_read_or_told_to_be_malformed(raw):
    try:
        found = parse_list(raw)
    except ValueError:
        return
    written = found.x.to_bytes(4, "big") + found.y.to_bytes(4, "big") + b"".join(bytes(rule) for rule in found.rules)
    assert written == raw
