"""Faults that break requirements on systems, planted like those of :mod:`conformance.campaign.planted`, which has them too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from conformance.actors.bank.messages import HostUnreachable
from conformance.actors.medical.messages import CardState, PreSettlement, Quote, Refusal
from conformance.campaign.planting import Planted, override, when_opened


def _returns_another_version(bank: Any) -> None:
    def record(real: Any, request: str, change: str, chip: Any) -> Any:
        return real(request, change, replace(chip, version="9.99"))

    override(bank.cards, "record", record)


def _keeps_the_old_card(centre: Any) -> None:
    override(centre, "replace_card", lambda real, new, old, *more: centre.change_card(new, CardState.NORMAL))


def _longer(station: Any) -> None:
    def issue(real: Any, order: Any, *more: Any) -> Any:
        twelve = f"{int(order.values['05'][:4]) + 12}{order.values['06'][4:]}"
        return real(replace(order, values={**order.values, "06": twelve}), *more)

    override(station, "issue", issue)
    override(station, "resume", issue)


class _Guessing:
    """A line that answers a pre-settlement itself when the centre does not."""

    def __init__(self, centre: Any) -> None:
        self._centre = centre

    def __getattr__(self, name: str) -> Any:
        return getattr(self._centre, name)

    def pre_settle(self, request: PreSettlement) -> Quote:
        """The account pays everything, says the terminal."""
        try:
            answer: Quote = self._centre.pre_settle(request)
        except HostUnreachable:
            return Quote(request.number, account=request.total)
        return answer


def _guesses_quotes(terminal: Any) -> None:
    terminal.centre = _Guessing(terminal.centre)


def _believes_any_code(message: str) -> Callable[[Any], None]:
    """The code is spoilt on its way, and the centre does not look at it."""

    def change(centre: Any) -> None:
        override(centre, "_tac_is_right", lambda real, *given: True)
        override(centre, message, lambda real, told: real(replace(told, tac=bytes(4))))

    return change


def _ignores_states(centre: Any) -> None:
    def ineligible(real: Any, request: PreSettlement) -> Refusal | None:
        found: Refusal | None = real(request)
        return None if found is Refusal.CARD_STATE else found

    override(centre, "_ineligible", ineligible)


def _from(factory: str, wrong: Callable[[Any], None]) -> Callable[[Any], None]:
    """Change whatever a factory of the flow makes."""
    return lambda flow: when_opened(flow, factory, wrong)


FAULTS: Mapping[str, Planted] = {
    "bank.keeps-another-version": Planted(
        *("issue", (), "银行登记的规范版本与卡不符", "the bank keeps another version than the card's"),
        _from("open_bank", _returns_another_version),
        ("SSC-ISS-006",),
    ),
    "centre.keeps-the-old-card": Planted(
        *("replace", (), "换卡时不注销旧识别码", "a replacement leaves the old code in use"),
        _from("open_centre", _keeps_the_old_card),
        ("SSC-ISS-009",),
    ),
    "station.issues-for-twelve-years": Planted(
        *("issue", (), "有效期写成十二年", "the station writes a term of twelve years"),
        _from("station", _longer),
        ("SSC-ISS-015",),
    ),
    "terminal.guesses-quotes": Planted(
        *("medical", (), "预结算失败时终端自行结算", "the terminal settles although no quote came"),
        _from("terminal", _guesses_quotes),
        ("SSC-TERM-002",),
    ),
    "centre.believes-any-tac": Planted(
        *("medical", (), "中心不验 TAC", "the centre clears whatever TAC comes"),
        _from("open_centre", _believes_any_code("settle")),
        ("SSC-CTR-003",),
    ),
    "centre.believes-uploads": Planted(
        *("medical-temporary", (), "上传交易不验 TAC", "the centre clears uploads whatever their TAC"),
        _from("open_centre", _believes_any_code("upload")),
        ("SSC-CTR-008",),
    ),
    "centre.ignores-states": Planted(
        *("replace", (), "中心不看卡状态", "the centre does not look at the state of a card"),
        _from("open_centre", _ignores_states),
        ("SSC-CTR-012",),
    ),
}
"""By name; the eight rules may be broken with them."""
