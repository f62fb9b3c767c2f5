"""The failures of a campaign, each with the kind of place where it can strike.

A host that is slow is one whose answer comes after others acted: ``meanwhile`` and ``rival`` strike there, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.campaign.seams import Call, Killed, Kind, Seams, Strike

Act = Callable[[Seams, Strike, Call], Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure: its name, its names in Chinese and English, where it can strike, and what it does there."""

    name: str
    zh: str
    en: str
    kind: Kind
    strike: Act
    inside: bool = False
    """Whether it strikes inside a command, at a physical write of the chip's memory."""


def _power_cut_before(seams: Seams, strike: Strike, call: Call) -> Any:
    call.power_off()
    raise call.lost()


def _power_cut_after(seams: Seams, strike: Strike, call: Call) -> Any:
    call.carry_out()
    call.power_off()
    raise call.lost()


def _power_cut_inside(seams: Seams, strike: Strike, call: Call) -> Any:
    if call.cut is None or (answer := call.cut(strike.write)) is None:
        raise call.lost()
    seams.missed()
    return answer


def _gone(seams: Seams, strike: Strike, call: Call) -> Any:
    call.power_off()
    seams.gone.add(call.side)
    raise call.lost()


def _killed_before(seams: Seams, strike: Strike, call: Call) -> Any:
    call.power_off()
    raise Killed


def _killed_after(seams: Seams, strike: Strike, call: Call) -> Any:
    call.carry_out()
    call.power_off()
    raise Killed


def _request_lost(seams: Seams, strike: Strike, call: Call) -> Any:
    raise call.lost()


def _answer_lost(seams: Seams, strike: Strike, call: Call) -> Any:
    call.carry_out()
    raise call.lost()


def _twice(seams: Seams, strike: Strike, call: Call) -> Any:
    call.carry_out()
    return call.carry_out()


def _late(*, at_the_end: bool) -> Act:
    def act(seams: Seams, strike: Strike, call: Call) -> Any:
        seams.keep_late(call.side, call.carry_out, at_the_end=at_the_end)
        raise call.lost()

    return act


def _others_act(seams: Seams, strike: Strike, call: Call) -> Any:
    seams.armed = False
    try:
        seams.meanwhile(strike.failure.name)
    finally:
        seams.armed = True
    return call.carry_out()


_COMMAND, _MESSAGE, _QUERY, _MOMENT = Kind.COMMAND, Kind.MESSAGE, Kind.QUERY, Kind.MOMENT
_ALL = (
    Failure(
        "power-cut-before", "指令前断电", "supply cut before the chip has the command", _COMMAND, _power_cut_before
    ),
    Failure("power-cut-inside", "写入中断电", "supply cut inside a write", _COMMAND, _power_cut_inside, inside=True),
    Failure(
        "power-cut-after",
        "应答前断电",
        "supply cut when the chip has acted, its answer lost",
        _COMMAND,
        _power_cut_after,
    ),
    Failure("reader-gone", "读卡器脱离", "reader gone until somebody brings it back", _COMMAND, _gone),
    Failure("killed-at-chip", "指令前程序被杀", "program killed before a command", _COMMAND, _killed_before),
    Failure("killed-after-chip", "指令后程序被杀", "program killed after a command", _COMMAND, _killed_after),
    Failure("unreachable", "主机不可达", "host unreachable until the line is back", _MESSAGE, _gone),
    Failure("request-lost", "请求丢失", "request lost", _MESSAGE, _request_lost),
    Failure(
        "answer-lost", "应答丢失", "host slow: its answer comes when nobody waits any more", _MESSAGE, _answer_lost
    ),
    Failure("sent-twice", "请求重发", "same request twice, answered twice", _MESSAGE, _twice),
    Failure("late", "请求迟到", "request comes late, after the next one", _MESSAGE, _late(at_the_end=False)),
    Failure("very-late", "请求最后才到", "request comes when everything is over", _MESSAGE, _late(at_the_end=True)),
    Failure("killed-before-host", "请求前程序被杀", "program killed before a message", _MESSAGE, _killed_before),
    Failure("killed-after-host", "请求后程序被杀", "program killed after a message", _MESSAGE, _killed_after),
    Failure("keys-unreachable", "密钥服务不可达", "key service unreachable until the line is back", _QUERY, _gone),
    Failure("keys-silent", "密钥服务无应答", "key service does not answer, once", _QUERY, _request_lost),
    Failure("killed", "写流水前程序被杀", "program killed before it writes its journal", _MOMENT, _killed_before),
    Failure("killed-after", "写流水后程序被杀", "program killed after it wrote its journal", _MOMENT, _killed_after),
    Failure("rival", "两台设备同时办理同一人", "another station works on the same person", _MOMENT, _others_act),
    Failure("same-again", "同一申请再次提交", "the same request is begun a second time", _MOMENT, _others_act),
    Failure("meanwhile", "办理中来账与扣款", "credits and debits arrive in the middle", _MESSAGE, _others_act),
)
FAILURES: Mapping[str, Failure] = {each.name: each for each in _ALL}
KILLING = frozenset(each.name for each in _ALL if each.name.startswith("killed"))
"""Failures that end the program."""
OTHERS = frozenset({"rival", "same-again", "meanwhile"})
"""Failures that a flow must stage itself."""
