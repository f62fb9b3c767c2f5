"""Quotes that nobody needs do not keep a person's money; a settlement stands when the PSAM dies after it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.actors.bank.messages import HostUnreachable
from conformance.actors.medical.messages import CardState, LoadRequest, Mode, PreSettlement, Refusal
from conformance.actors.medical.visit import Outcome
from conformance.failures import BenchError
from tests.medical.hospital import MODULES, SCHEME, Hospital
from tests.medical.test_terminal import agree

PRODUCTS = pytest.mark.parametrize("product", MODULES)


def promised(hospital: Hospital) -> tuple[int, int, int]:
    """What open quotes keep of the person's account, fund and deductible."""
    return hospital.centre.books.quoted(hospital.person)


@PRODUCTS
@pytest.mark.parametrize("reversal", ["", "sent", "answered"])
def test_a_quote_whose_answer_was_lost_is_taken_back_when_the_line_is_there(product: str, reversal: str) -> None:
    hospital = Hospital(product)
    hospital.lost = lambda message: {"pre_settle": "answered", "reverse": reversal}.get(message, "")
    assert hospital.settle("1").outcome is Outcome.REFUSED
    hospital.lost = lambda message: ""
    hospital.terminal.deliver()
    assert promised(hospital) == (0, 0, 0)
    assert hospital.terminal.outbox.reversals == []
    agree(hospital, hospital.settle("2"))


def test_a_number_that_is_asked_for_again_is_not_taken_back() -> None:
    hospital = Hospital()
    hospital.lost = lambda message: {"pre_settle": "answered", "reverse": "sent"}.get(message, "")
    hospital.settle("1")
    hospital.lost = lambda message: ""
    again = hospital.settle("1")
    assert again.outcome is Outcome.SETTLED
    hospital.terminal.deliver()
    agree(hospital, again)


def test_a_pre_settlement_that_comes_after_its_reversal_is_not_quoted() -> None:
    hospital = Hospital()
    request = PreSettlement("1", hospital.person, hospital.identification, "500000000009", 20_000, 20_000)
    hospital.centre.reverse("1")
    assert hospital.centre.pre_settle(request).refusal is Refusal.REVERSED
    assert hospital.centre.pre_settle(replace(request, number="2")).refusal is None


def test_a_load_that_is_asked_for_after_its_reversal_moves_nothing() -> None:
    hospital = Hospital(mode=Mode.OFFLINE)
    late: list[LoadRequest] = []
    hospital.centre.load, offer = late.append, hospital.centre.load
    hospital.lost = lambda message: "answered" if message == "load" else ""
    assert hospital.station.load("L1", 5_000).loaded is False
    assert hospital.station.undelivered == []
    assert offer(late[0]).refusal is Refusal.REVERSED
    account = hospital.centre.inquire(hospital.person)
    assert account is not None
    assert account.balance == SCHEME.yearly_credit


def test_a_refused_pre_settlement_leaves_nothing_to_take_back() -> None:
    hospital = Hospital()
    hospital.centre.change_card(hospital.identification, CardState.LOCKED)
    assert hospital.settle("1").refusal is Refusal.CARD_STATE
    hospital.centre.change_card(hospital.identification, CardState.NORMAL)
    assert hospital.settle("1").outcome is Outcome.SETTLED


@PRODUCTS
def test_a_psam_that_dies_after_the_debit_leaves_the_settlement_to_its_tac(product: str) -> None:
    hospital = Hospital(product)
    link = hospital.keys._channel._link

    class Dying:
        """The PSAM's slot: from the confirmation of MAC2 on nothing answers."""

        dead = False

        def transmit(self, command: bytes) -> bytes:
            self.dead |= command[:2] == bytes.fromhex("8072")
            if self.dead:
                raise BenchError("the PSAM is gone")
            return bytes(link.transmit(command))

    hospital.keys._channel._link = Dying()
    result = hospital.settle("1")
    assert result.outcome is Outcome.SETTLED
    agree(hospital, result)
    account = hospital.centre.inquire(hospital.person)
    assert account is not None
    assert account.balance == SCHEME.yearly_credit - 12_000


def test_a_line_that_is_down_raises_nothing_out_of_deliveries() -> None:
    hospital = Hospital()

    def down(message: str) -> str:
        raise HostUnreachable

    hospital.lost = down
    hospital.settle("1")
    assert hospital.terminal.deliver() == []
    assert hospital.terminal.outbox.reversals == ["1"]
