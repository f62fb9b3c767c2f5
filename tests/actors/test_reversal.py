"""Cards torn out at any moment: nobody loses money, and nothing is paid twice."""

import pytest

from conformance.actors.bank import TransactionKind
from conformance.actors.terminal import Kernel, PreparedHolder, Purchase, Reason
from conformance.actors.terminal.events import Exchanged, Reversed
from conformance.failures import BenchError

from .bench import E_CASH_START, PAN, PSN, START, Altered, Chance, NoLine, Torn, bench
from .conftest import PRODUCTS


def exchanges(product, **purchase):
    """How many commands a transaction takes."""
    result = bench(product).pay(500, **purchase)
    assert result.approved
    return sum(isinstance(event, Exchanged) for event in result.events)


KINDS = {
    "online": {},
    "load": {"kind": TransactionKind.LOAD},
    "e-cash": {"e_cash": True},
}


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after", [False, True])
def test_card_torn_out_at_every_command(product, kind, after):
    purchase = KINDS[kind]
    for at in range(exchanges(product, **purchase)):
        made = bench(product)
        result = made.pay(500, link=Torn(made.target, at, after=after), **purchase)
        spent = START - made.account.balance
        if kind == "e-cash":
            assert spent == 0
            assert bool(result.clearing) is result.approved
            continue
        assert result.approved or result.reason in (Reason.CARD_LOST, Reason.LOAD_UNCONFIRMED)
        if kind == "online":
            assert spent == (500 if result.approved else 0)
        else:
            assert spent == made.account.e_cash - E_CASH_START
            assert (
                made.pay(0, force_online=True).reason is Reason.APPROVED_ONLINE
            )  # the next time on line the card says whether it has it
            card, spent = int(made.card_data(0x9F79).hex()), START - made.account.balance
            assert card - E_CASH_START == spent == made.account.e_cash - E_CASH_START
            assert spent == 500 or not result.approved
        sums = {"balance": 0, "e_cash": 0}
        for book, amount, _, _ in made.bank.ledger.movements(PAN, PSN):
            sums[book] += amount
        assert sums == {"balance": made.account.balance, "e_cash": made.account.e_cash}


def test_loss_after_the_approval_is_reversed_and_told(new):
    seen = []

    def lose(command, answer):
        seen.append(command.ins)
        return answer._replace(data=b"", sw=0x6F00) if seen.count(0xAE) == 2 else None

    result = new.pay(500, change=lose)
    assert result.reason is Reason.CARD_ERROR
    assert [event.delivered for event in result.events if isinstance(event, Reversed)] == [True]
    assert new.account.balance == START


def test_card_that_declines_after_the_approval_is_reversed(used):
    """The card answers the second GENERATE AC with an AAC although a TC was asked for."""
    seen = []

    def decline(command, answer):
        if command.ins != 0xAE:
            return None
        seen.append(command)
        aac = bytes.fromhex("80130000021122334455667788 07010103200000 01")
        return answer._replace(data=aac, sw=0x9000) if len(seen) == 2 else None

    before = used.account.balance
    result = used.pay(500, change=decline, force_online=True)
    assert result.reason is Reason.DECLINED_BY_CARD
    assert [event.delivered for event in result.events if isinstance(event, Reversed)] == [True]
    assert used.account.balance == before


def test_load_whose_script_never_reaches_the_card_is_taken_back(new):
    def refuse(command, answer):
        return answer._replace(data=b"", sw=0x6581) if command.ins == 0xDA else None

    class Swallowing(Altered):
        def transmit(self, command):
            return b"\x65\x81" if command[1] == 0xDA else self.link.transmit(command)

    result = new.pay(500, kind=TransactionKind.LOAD, link=Swallowing(new.target, refuse))
    assert (result.reason, result.tvr[4]) == (Reason.LOAD_UNCONFIRMED, 0x10)
    assert result.balance == E_CASH_START
    assert (new.account.balance, new.account.e_cash) == (START - 500, E_CASH_START + 500)
    new.pay(0, force_online=True)
    assert (new.account.balance, new.account.e_cash) == (START, E_CASH_START)


class Flaky(NoLine):
    """Requests arrive, answers do not, until the line is mended."""

    mended = False

    def authorise(self, request):
        return self.bank.authorise(request) if self.mended else super().authorise(request)

    def complete(self, completion):
        self.bank.complete(completion)

    def reverse(self, reversal):
        return self.bank.reverse(reversal) if self.mended else super().reverse(reversal)


def test_reversal_waits_for_the_line_and_goes_first(new):
    host = Flaky(new.bank)
    new.target.reset()
    kernel = Kernel(new.target, host=host, holder=PreparedHolder(("123456", "123456")), random=Chance())
    first = kernel.run(Purchase(500, number=1, e_cash=False))
    assert (first.reason, new.account.balance) == (Reason.APPROVED_UNABLE_ONLINE, START - 500)
    host.mended = True
    new.target.reset()
    second = kernel.run(Purchase(300, number=2, e_cash=False, force_online=True))
    assert (second.reason, new.account.balance) == (Reason.APPROVED_ONLINE, START - 300)


class CutAtWrite:
    """A link that cuts the supply at a physical write of the card's memory during the second GENERATE AC."""

    def __init__(self, target, write, command=2):
        self.target, self.write, self.generated, self.command = target, write, 0, command

    def transmit(self, command):
        self.generated += command[1] == 0xAE
        if command[1] != 0xAE or self.generated != self.command:
            return self.target.transmit(command)
        answer = self.target.tear(command, self.write)
        if answer is None:
            raise BenchError("the card is gone")
        return answer


@pytest.mark.parametrize("write", range(1, 8))
def test_supply_cut_inside_the_second_cryptogram(new, write):
    result = new.pay(500, link=CutAtWrite(new.target, write))
    assert new.account.balance == START - (500 if result.approved else 0)
    again = new.pay(500)
    assert again.reason in (Reason.APPROVED_ONLINE, Reason.APPROVED_OFFLINE)


@pytest.mark.parametrize("write", range(1, 8))
def test_supply_cut_while_e_cash_is_spent(new, write):
    """Debit and cryptogram belong together; what was lost on the way out was spent all the same."""
    result = new.pay(500, e_cash=True, link=CutAtWrite(new.target, write, command=1))
    left = int(new.card_data(0x9F79).hex())
    assert left in ({E_CASH_START - 500} if result.approved else {E_CASH_START, E_CASH_START - 500})
    assert new.pay(500, e_cash=True).balance == left - 500
