"""The suites certify issued cards of both catalogues as they certify a card that the emulator builds of the product at once."""

from datetime import date

import pytest

from conformance.actors.bank.authority import Authority
from conformance.actors.bank.card_data import CardOrder, individual, personalisation_data
from conformance.targets.base import Interface
from conformance.targets.in_process import InProcessTarget
from conformance.verdict import Verdict
from profiles import load
from tests.conformance.test_foreign_cards import run
from tests.station.whole import BANK_PIN, HOLDER, IDENTITY, PAN, WholeWorld
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


ORDER = CardOrder(PAN, "01", date(2036, 1, 1), HOLDER, IDENTITY, pin=BANK_PIN, balance=0)
COUNTER = "data:DEBIT:9F36"


class PublishedKeys:
    """A bank that gives its cards the published key pairs, with which the suites compare them."""

    def __init__(self, bank):
        self._bank = bank
        self.cards = self

    def __getattr__(self, name):
        return getattr(self._bank.cards if hasattr(self._bank.cards, name) else self._bank, name)

    def personalisation(self, change, product, authority):
        return personalisation_data(product, ORDER, Authority.published(), key_pairs_of_authority=True)


def wholly_declared(world):
    """The whole product for this holder: no sector has opened records, certificates and keys are those that the card made."""
    half, made = declared(world), individual(world.product, ORDER)
    sectors = {name: {} for name, file in made.directory["DEBIT"].file.items() if file.extended}
    content = {**half.content, "DEBIT": {**made.content["DEBIT"], **sectors}}
    held = world.card.memory.cells
    if "CERT" in made.directory:
        content["CERT"] = {name: {"data": held[f"file:CERT/{name}"].hex()} for name in made.directory["CERT"].file}
    pin = {"SSSE": half.directory["SSSE"]}
    directories = {**made.directory, **pin}
    return made.model_copy(update={"directory": directories, "content": content, "chip": world.blank.chip})


@pytest.mark.slow
@pytest.mark.requirement("SSC-ISS-011")
@pytest.mark.parametrize("product", ["ssc3-sm4", "ssc2-3des"])
def test_a_whole_issued_card_passes_the_suites_of_both_catalogues(product):
    world = WholeWorld(load(product))
    world.desk = PublishedKeys(world.bank)
    world.settled(world.issue())
    world.card.memory.cells[COUNTER] = bytes(2)  # the model of the suites begins before the first transaction of a card
    _, outcomes, _ = run(InProcessTarget(world.card), profile=wholly_declared(world), seed=0, destructive=True)
    assert [(o.case.identifier, o.reason) for o in outcomes if o.verdict in BAD] == []
    passed = [o.case.interface for o in outcomes if o.verdict is Verdict.PASS]
    assert len(passed) > 1300
    assert (passed.count(Interface.CONTACTLESS) > 40) is ("contactless" in world.product.features)
