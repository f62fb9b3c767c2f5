"""A chip in a real PC/SC reader is personalised there, and the card pays in it: T=0, 61xx and all."""

import pytest

from conformance.actors.bank.card_data import personalisation_data
from conformance.actors.bank.personaliser import Level, MasterKey, Personaliser
from conformance.actors.terminal import Reason
from conformance.targets.virtual_reader import VirtualReaderTarget
from emulator import load_card
from profiles import load

from .bench import CHIPS, ORDER
from .test_issued_card import Counterside

pytestmark = pytest.mark.pcsc


class InReader(Counterside):
    """The same counter, with the chip in a reader."""

    def __init__(self, product: str, level: Level) -> None:
        super().__init__(product)
        self.target = VirtualReaderTarget(load_card(CHIPS[product]))
        self.target.connect()
        name, key = MasterKey.of_profile(load(CHIPS[product]))
        data = personalisation_data(load(product), ORDER, self.authority)
        self.identity = Personaliser(self.target, key, level=level).run(name, data, expected=b"\x62\x14\x98")


@pytest.mark.parametrize(
    ("product", "level"), [("debit", Level.MAC), ("debit-sm", Level.MAC_AND_ENCRYPTION), ("debit-dual", Level.NONE)]
)
def test_personalised_in_a_reader(product, level):
    at = InReader(product, level)
    try:
        assert at.identity.sequence == 1
        first = at.pay()
        assert (first.reason, first.tvr.hex()) == (Reason.APPROVED_ONLINE, "0008000000")
        assert at.pay(500, e_cash=True).reason is Reason.APPROVED_OFFLINE
    finally:
        at.target.close()
