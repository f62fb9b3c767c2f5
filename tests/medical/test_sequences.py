"""Ten thousand generated sequences of settlements with failures at every seam: no fen appears or vanishes.

A sequence takes a product, an area's mode and PSAM or HSM, and a few bills and loads. The contact is lost before or after
commands, and messages to the centre, or their answers, are lost. When the card is in the reader again and the line is
there, card, terminal and centre must agree: what the card's log says is what the centre cleared, once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

import pytest

from conformance.actors.medical.books import FUND, HOSPITALS, SHORTFALL, account_of, on_card
from conformance.actors.medical.messages import Category, Mode
from conformance.actors.medical.reader import CardGone
from conformance.actors.medical.visit import OfflineLimits
from tests.medical.hospital import MODULES, NOON, SCHEME, Hospital

pytestmark = pytest.mark.slow

SEQUENCES, PARTS = 10_000, 20
LARGEST_STEP = 14
"""Commands of one settlement, about: where the contact may be lost."""
AMOUNTS = (1, 99, 100, 10_000, 19_999, 49_999, 50_000, 123_456, 299_999)


def failing_line(random: Random, chance: float) -> Callable[[str], str]:
    return lambda message: random.choice(("sent", "answered")) if random.random() < chance else ""


def play(random: Random) -> Hospital:
    """A sequence up to the moment when everything works again and everything was delivered."""
    hospital = Hospital(
        random.choice(tuple(MODULES)),
        random.choice(tuple(Mode)),
        with_sam=random.random() < 0.5,
        limits=OfflineLimits(amount=100_000, count=5),
    )
    chance = random.choice((0.0, 0.1, 0.3))
    hospital.lost = failing_line(random, chance)
    for number in range(random.randint(1, 5)):
        hospital.slot.commands.clear()
        hospital.slot.after = random.random() < 0.5
        hospital.slot.fail_at = {random.randint(1, LARGEST_STEP) for _ in range(random.choice((0, 0, 1, 2)))}
        if hospital.centre.mode is Mode.OFFLINE and random.random() < 0.4:
            hospital.station.load(f"L{number}", random.choice(AMOUNTS))
        else:
            total = random.choice(AMOUNTS)
            category = random.choice((Category.ORDINARY, Category.ORDINARY, Category.MATERNITY))
            eligible = random.choice((None, 0, total // 2))
            use_account = random.random() < 0.8
            more = {"eligible": eligible, "category": category, "use_account": use_account}
            hospital.settle(f"S{number}", total, when=NOON + timedelta(minutes=number), **more)
        if random.random() < 0.3:
            hospital.terminal.deliver()
    hospital.slot.fail_at = set()
    hospital.lost = lambda message: ""
    hospital.terminal.reader.begin()
    hospital.terminal.resolve()
    hospital.station.resolve()
    hospital.station.deliver()
    hospital.terminal.deliver()
    return hospital


def judge(hospital: Hospital) -> tuple[int, int]:
    """How many bills and loads the card carried out, after all sides were compared."""
    books, terminal = hospital.centre.books, hospital.terminal
    assert terminal.undelivered == []
    assert terminal.unresolved == {}
    assert hospital.station.unresolved == {}
    assert terminal.disputed == hospital.station.disputed == []
    settled, loaded = hospital.settled_and_loaded()
    cleared = [one for one in books.settlements_of(hospital.person) if one.state == "cleared"]
    assert sorted(one.card_number for one in cleared) == sorted(record[:2].hex() for record in settled)
    by_number = {one.card_number: one for one in cleared}
    for record in settled:
        one = by_number[record[:2].hex()]
        first, second, third = (int.from_bytes(record[at : at + 4], "big") for at in (16, 20, 24))
        if hospital.centre.mode is Mode.OFFLINE:
            assert (first, second, third) == (one.account, one.own, 0)
        else:
            assert (first, second, third) == (0, one.total, one.account + one.fund)
    amounts, before = hospital.amounts(), hospital.before
    assert amounts.own_payments - before.own_payments == sum(int.from_bytes(one[20:24], "big") for one in settled)
    assert amounts.pooled_payments - before.pooled_payments == sum(int.from_bytes(one[24:28], "big") for one in settled)
    assert amounts.offline_number - before.offline_number == len(settled)
    assert amounts.online_number - before.online_number == len(loaded)
    assert amounts.balance == books.balance(on_card(hospital.identification))
    assert amounts.balance == sum(int.from_bytes(one[16:20], "big") for one in loaded) - sum(
        int.from_bytes(one[16:20], "big") for one in settled
    )
    paid_by_accounts = sum(one.account for one in cleared)
    assert books.balance(HOSPITALS) == paid_by_accounts + sum(one.fund for one in cleared)
    assert -books.balance(FUND) == sum(one.fund for one in cleared)
    account = books.balance(account_of(hospital.person))
    assert account >= 0
    assert account + amounts.balance == SCHEME.yearly_credit - paid_by_accounts - books.balance(SHORTFALL)
    assert sum(books.balances().values()) == 0
    return len(settled), len(loaded)


@pytest.mark.parametrize("part", range(PARTS))
def test_card_terminal_and_centre_agree(part: int) -> None:
    bills = loads = 0
    for number in range(part, SEQUENCES, PARTS):
        try:
            settled, loaded = judge(play(Random(number)))  # noqa: S311 - to be repeated, no secret
        except (AssertionError, CardGone) as error:
            raise AssertionError(f"sequence {number}: {error}") from error
        bills, loads = bills + settled, loads + loaded
    assert bills > SEQUENCES // PARTS / 2, "the failures leave nothing to compare"
    assert loads > 10
