"""Generated sequences of commands through both interfaces 双界面命令序列, each on a card in its first state."""

from __future__ import annotations

from hypothesis import strategies as st

from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import apdu, select, verify
from conformance.failures import Inconclusive
from conformance.maintenance import authenticate_wrong, authentication_keys, own_directories
from conformance.maintenance import verify_wrong as wrong_verify
from conformance.properties import for_all
from conformance.suites.interfaces import ALIKE, Line, answer_shown
from conformance.suites.standard.visit import present
from conformance.targets.base import Interface
from emulator.iso7816 import Response

SUITE = Suite("interfaces, sequences", "双界面（任意序列）", "Both interfaces, any sequence")


@SUITE.case(
    "ATR/both-sequences/BV",
    "任意命令序列结果相同",
    "Generated sequences end alike",
    requirements=[ALIKE],
    kind=Kind.VALID,
    expected=(
        "生成的命令序列在新卡的两个界面上逐条应答相同（随机数除外）",
        "a generated sequence of commands gets the same answers on both sides of a fresh card, challenges apart",
    ),
)
def both_sequences(bench: Bench) -> None:
    """Selections, reads, updates, PIN and keys in any order, through each side of a card in its first state."""
    for_all(bench, _sequences(bench), lambda steps: _same_sequence(bench, steps), share=0.5)


Step = tuple[str, str, int, bytes]
"""What is done, with which directory, key or nothing, which number, which bytes."""


def _sequences(bench: Bench) -> st.SearchStrategy[list[Step]]:
    directories, keys = own_directories(bench.profile), [place.name for place in authentication_keys(bench.profile)]
    named = {"select": directories, "key": keys, "wrong key": keys}
    other = ("PIN", "wrong PIN", "READ RECORD", "READ BINARY", "UPDATE RECORD", "UPDATE BINARY")
    steps = [st.tuples(st.just(what), st.sampled_from(names)) for what, names in named.items() if names]
    step = st.one_of(*steps, *[st.tuples(st.just(what), st.just("")) for what in other])
    number = st.integers(0, 0x1F) | st.integers(0, 0xFFFF)
    whole = st.builds(lambda named, number, data: (*named, number, data), step, number, st.binary(max_size=24))
    return st.lists(whole, min_size=1, max_size=bench.level.steps)


def _same_sequence(bench: Bench, steps: list[Step]) -> None:
    if bench.target.interface is not Interface.CONTACT:
        bench.switch(Interface.CONTACT)
    bench.renew()
    contact = [_do(bench, step) for step in steps]
    bench.switch(Interface.CONTACTLESS)
    bench.renew()
    for step, one in zip(steps, contact, strict=True):
        other = _do(bench, step)
        words = f"{step[0]} {step[1] or f'{step[2]:04X}'}"
        shown = [answer_shown(Line("", "", answer)) for answer in (one, other)]
        bench.check(one == other, words, words, expected=shown[0], received=shown[1], requirement=ALIKE)


def _do(bench: Bench, step: Step) -> Response:
    """Carry out a step, which may well be refused; one that gets no challenge on its way ends with the status word 0."""
    what, name, number, data = step
    p1, p2 = number >> 8, number & 0xFF
    try:
        match what:
            case "select":
                return select(bench, name)
            case "key":
                return present(bench, name)
            case "wrong key":
                return authenticate_wrong(bench, name)
            case "PIN":
                return verify(bench)
            case "wrong PIN":
                return wrong_verify(bench)
            case "READ RECORD":
                return bench.send(apdu(0x00, 0xB2, p1 or 1, p2 << 3 & 0xF8 | 4, ne=256))
            case "READ BINARY":
                return bench.send(apdu(0x00, 0xB0, 0x80 | p2 & 0x1F, p1, ne=256))
            case "UPDATE RECORD":
                return bench.send(apdu(0x00, 0xDC, p1 or 1, p2 << 3 & 0xF8 | 4, data))
            case _:
                return bench.send(apdu(0x00, 0xD6, 0x80 | p2 & 0x1F, p1, data))
    except Inconclusive:
        return Response(b"", 0)
