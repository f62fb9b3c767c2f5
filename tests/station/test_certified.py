"""The suites certify an issued card: tree, rights, keys, formats, PIN, settlement, life cycle, as on a card of the product."""

import pytest

from conformance.targets.in_process import InProcessTarget
from conformance.verdict import Verdict
from profiles import load
from tests.conformance.test_foreign_cards import run
from tests.station.world import NEW, World

BAD = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR)


def declared(world):
    """What the issued card is: the social security half of its product, its own holder and PIN, the chip's reset answer."""
    product, values = world.product, world.order.values
    issuer = product.content["SSSE"]["EF05"]
    serial = {"computed": "card identification code", "serial": world.blank.chip.historical[-4:].hex()}
    content = {
        "SSSE": {
            "EF05": {"01": serial, "02": issuer["02"], "03": product.specification, "04": issuer["04"]}
            | {tag: values[tag] for tag in ("05", "06", "07")},
            "EF06": {tag: values[tag] for tag in ("08", "09", "0A", "0B", "0C", "0D")},
        }
    }
    own = {name: found for name, found in product.directory.items() if found.application == "social security"}
    pin = own["SSSE"].pin["PIN"].model_copy(update={"value": NEW})
    own["SSSE"] = own["SSSE"].model_copy(update={"pin": {"PIN": pin}})
    master = world.blank.directory["MF"].model_copy(update={"key": product.directory["MF"].key})
    return product.model_copy(
        update={
            "directory": {"MF": master, **own},
            "content": content,
            "chip": world.blank.chip,
            "features": ("mode 1",),
        }
    )


@pytest.mark.slow
@pytest.mark.parametrize("product", ["ssc3-sm4", "ssc2-3des"])
def test_an_issued_card_passes_the_suites(product):
    world = World(load(product))
    world.settled(world.issue())
    _, outcomes, _ = run(InProcessTarget(world.card), profile=declared(world), seed=0, destructive=True)
    assert [(o.case.identifier, o.reason) for o in outcomes if o.verdict in BAD] == []
    assert sum(o.verdict is Verdict.PASS for o in outcomes) > 900
