"""Cutting the supply at every physical write of a command: the loop that the suites of tear protection 防拔 share."""

from __future__ import annotations

from collections.abc import Callable

from conformance.bench import Bench
from conformance.failures import Inconclusive
from emulator.iso7816 import Response

LAST_WRITE = 200
"""Writes after which a command that does not end by itself is given up."""


def every_cut(
    bench: Bench,
    prepare: Callable[[], bytes],
    after_cut: Callable[[int], None],
    undisturbed: Callable[[Response], None],
) -> int:
    """Cut a command at its first, second … physical write until it ends by itself; hand out the number of cuts.

    ``prepare`` brings a card in its first state to the command and hands it out. After each cut the card is reset and
    ``after_cut`` judges it; ``undisturbed`` judges the answer of the command that was left alone at last.
    """
    for write in range(1, LAST_WRITE + 1):
        bench.begin_example()
        answer = bench.tear(prepare(), write)
        if answer is not None:
            undisturbed(answer)
            return write - 1
        bench.step(f"第 {write} 次写入时断电", f"supply cut at write {write}")
        bench.reset()
        after_cut(write)
    raise Inconclusive(
        f"写入 {LAST_WRITE} 次后命令仍未结束", f"the command did not end by itself within {LAST_WRITE} writes"
    )
