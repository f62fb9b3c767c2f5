"""Faults that break requirements on systems, planted like those of :mod:`conformance.campaign.planted`, which has them too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from conformance.actors.bank.messages import HostUnreachable
from conformance.actors.medical.messages import CardState, PreSettlement, Quote, Refusal

Overridden = Callable[[Any, str, Callable[..., Any]], None]


def _returns_another_version(bank: Any, override: Overridden) -> None:
    def record(real: Any, request: str, change: str, chip: Any) -> Any:
        return real(request, change, replace(chip, version="9.99"))

    override(bank.cards, "record", record)


def _keeps_the_old_card(centre: Any, override: Overridden) -> None:
    override(centre, "replace_card", lambda real, new, old, *more: centre.change_card(new, CardState.NORMAL))


def _longer(station: Any, override: Overridden) -> None:
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


def _guesses_quotes(terminal: Any, override: Overridden) -> None:
    terminal.centre = _Guessing(terminal.centre)


def _believes_any_code(message: str) -> Callable[[Any, Overridden], None]:
    """The code is spoilt on its way, and the centre does not look at it."""

    def change(centre: Any, override: Overridden) -> None:
        override(centre, "_tac_is_right", lambda real, *given: True)
        override(centre, message, lambda real, told: real(replace(told, tac=bytes(4))))

    return change


def _ignores_states(centre: Any, override: Overridden) -> None:
    def ineligible(real: Any, request: PreSettlement) -> Refusal | None:
        found: Refusal | None = real(request)
        return None if found is Refusal.CARD_STATE else found

    override(centre, "_ineligible", ineligible)


FAULTS: Mapping[str, tuple[str, tuple[str, ...], str, str, str, Callable[[Any, Overridden], None]]] = {
    "bank.keeps-another-version": (
        *("issue", ("SSC-ISS-006",), "银行登记的规范版本与卡不符", "the bank keeps another version than the card's"),
        *("open_bank", _returns_another_version),
    ),
    "centre.keeps-the-old-card": (
        *("replace", ("SSC-ISS-009",), "换卡时不注销旧识别码", "a replacement leaves the old code in use"),
        *("open_centre", _keeps_the_old_card),
    ),
    "station.issues-for-twelve-years": (
        *("issue", ("SSC-ISS-015",), "有效期写成十二年", "the station writes a term of twelve years"),
        *("station", _longer),
    ),
    "terminal.guesses-quotes": (
        *("medical", ("SSC-TERM-002",), "预结算失败时终端自行结算", "the terminal settles although no quote came"),
        *("terminal", _guesses_quotes),
    ),
    "centre.believes-any-tac": (
        *("medical", ("SSC-CTR-003",), "中心不验 TAC", "the centre clears whatever TAC comes"),
        *("open_centre", _believes_any_code("settle")),
    ),
    "centre.believes-uploads": (
        *("medical-temporary", ("SSC-CTR-008",), "上传交易不验 TAC", "the centre clears uploads whatever their TAC"),
        *("open_centre", _believes_any_code("upload")),
    ),
    "centre.ignores-states": (
        *("replace", ("SSC-CTR-012",), "中心不看卡状态", "the centre does not look at the state of a card"),
        *("open_centre", _ignores_states),
    ),
}
"""By name: flow, rows, Chinese, English, what of the flow makes the actor, and what is wrong with it."""
