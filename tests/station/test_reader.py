"""A blank chip in a real PC/SC reader becomes a card there: T=0, 61xx and all."""

import pytest

from conformance.targets.virtual_reader import VirtualReaderTarget
from emulator import load_card
from profiles import load
from tests.station.whole import WholeWorld
from tests.station.world import World

pytestmark = pytest.mark.pcsc


@pytest.mark.parametrize("product", ["ssc3-sm4", "ssc2-3des"])
@pytest.mark.parametrize("kind", [World, WholeWorld])
def test_issued_in_a_reader(product, kind):
    """The social security half, and the whole card, which then pays."""
    world = kind(load(product))
    world.target = VirtualReaderTarget(load_card(world.blank))
    world.target.connect()
    try:
        world.settled(world.issue())
        if kind is WholeWorld:
            world.pay_in()
            assert world.pay(1234).approved
    finally:
        world.target.close()
