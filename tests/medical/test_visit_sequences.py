"""Generated sequences of visits with failures at every seam of card, centre and bank: each fen is paid once, by somebody.

A sequence takes a product, an area's mode, PSAM or HSM, and the hospital's policy. The contact is lost before or after
commands of either application, messages to the centre or their answers are lost, and the bank's line is down, or loses
answers. When the card is back and the lines are there, all sides must agree, and a last visit must be paid by the card.
"""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from conformance.actors.medical.messages import Category, Mode
from conformance.actors.medical.visit import OfflineLimits
from conformance.actors.medical.visit_payment import OwnPart, Unpaid
from tests.medical.hospital import MODULES, NOON
from tests.medical.test_sequences import AMOUNTS, failing_line
from tests.medical.visits import Visits

pytestmark = pytest.mark.slow

SEQUENCES, PARTS = 200, 4
LARGEST_STEP = 40
"""Commands of one visit, about: where the contact may be lost."""


def play(random: Random) -> Visits:
    """A sequence up to the moment when everything works again and everything was delivered."""
    visits = Visits(
        random.choice(tuple(MODULES)),
        with_sam=random.random() < 0.5,
        mode=random.choice((Mode.ONLINE, Mode.ONLINE_WITH_OFFLINE)),
        unpaid=random.choice(tuple(Unpaid)),
        limits=OfflineLimits(amount=100_000, count=5),
    )
    slot = visits.hospital.slot
    visits.lost = failing_line(random, random.choice((0.0, 0.1, 0.3)))
    for number in range(random.randint(1, 4)):
        slot.commands.clear()
        slot.after = random.random() < 0.5
        slot.fail_at = {random.randint(1, LARGEST_STEP) for _ in range(random.choice((0, 0, 1, 2)))}
        visits.line.down, visits.line.loses_answers = random.random() < 0.15, random.random() < 0.15
        visits.cash = random.random() < 0.7
        total = random.choice(AMOUNTS)
        visits.visit(
            f"S{number}",
            total,
            by_card=random.random() < 0.9,
            eligible=random.choice((None, 0, total // 2)),
            category=random.choice((Category.ORDINARY, Category.ORDINARY, Category.MATERNITY)),
            use_account=random.random() < 0.3,
            when=NOON + timedelta(minutes=number),
        )
        if random.random() < 0.3:
            visits.desk.deliver()
    slot.fail_at = set()
    visits.lost, visits.line.down, visits.line.loses_answers = lambda message: "", False, False
    visits.desk.resume()
    return visits


@pytest.mark.parametrize("part", range(PARTS))
def test_sequences_of_visits(part: int) -> None:
    ends = set()
    for seed in range(part * SEQUENCES // PARTS, (part + 1) * SEQUENCES // PARTS):
        visits = play(Random(seed))  # noqa: S311 - to be repeated, no secret
        try:
            visits.agree()
            last = visits.visit("last", 3_000, eligible=0, when=NOON + timedelta(hours=1))
            assert last.own is OwnPart.CARD
            visits.agree()
        except AssertionError as problem:
            problem.add_note(f"seed {seed}")
            raise
        ends |= {result.own for result in visits.desk.results.values()}
    assert ends == set(OwnPart)
