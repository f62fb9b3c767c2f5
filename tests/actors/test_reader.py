"""A terminal at a real PC/SC reader with the virtual card in it."""

import pytest

from conformance.actors.bank import Bank, IssuerKeys, TransactionKind
from conformance.actors.terminal import Kernel, PreparedHolder, Purchase, Reason
from conformance.targets.virtual_reader import VirtualReaderTarget
from emulator import load_card
from profiles import load

from .bench import PAN, PSN

pytestmark = pytest.mark.pcsc


@pytest.mark.parametrize("product", ["debit", "debit-sm"])
def test_purchase_and_load_in_a_reader(product):
    profile = load(product)
    bank = Bank(*IssuerKeys.of_profile(profile))
    bank.open_account(PAN, PSN, balance=500_000, e_cash=20_000)
    target = VirtualReaderTarget(load_card(profile))
    try:
        target.connect()
        kernel = Kernel(target, host=bank, holder=PreparedHolder(("123456", "123456")))
        bought = kernel.run(Purchase(1234, number=1, e_cash=False))
        target.reset()
        loaded = kernel.run(Purchase(5000, number=2, kind=TransactionKind.LOAD))
    finally:
        target.close()
    assert (bought.reason, loaded.reason, loaded.balance) == (
        Reason.APPROVED_ONLINE,
        Reason.APPROVED_ONLINE,
        25_000,
    )
    assert bank.account(PAN, PSN).balance == 500_000 - 1234 - 5000
