"""Tear protection of the medical settlement 医疗消费防拔: number, sums and log change together or not at all."""

from __future__ import annotations

from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.failures import Inconclusive, NotRun
from conformance.purchase_dialogue import Bill, MedicalTerminal, State
from conformance.tearing import every_cut
from emulator.iso7816 import Response

SUITE = Suite("tearing of settlements", "医疗消费防拔", "Tear protection of settlements")


@SUITE.case(
    "TEAR/purchase/BV",
    "消费防拔",
    "Tear during DEBIT FOR PURCHASE",
    requirements=["SSC-TEAR-004"],
    kind=Kind.VALID,
    expected=(
        "每次断电后交易序号、累计金额与明细全部为旧或全部为新",
        "after every cut number, sums and log are all old or all new",
    ),
    needs_tearing=True,
)
def purchase(bench: Bench) -> None:
    """The state after a settlement that was left alone is what a cut one may leave, or the state before it."""
    terminal = MedicalTerminal(bench)
    if not bench.target.renewable:
        raise NotRun("需要新卡片，本测试台无法更换", "needs a fresh card, which this bench cannot put in")
    old = terminal.state()
    terminal.open().settle(Bill())
    new = terminal.state()
    if new == old:
        raise Inconclusive("消费未改变任何可见数据", "a settlement changes nothing that can be seen")

    def after_cut(write: int) -> None:
        found = terminal.state()
        bench.check(
            found in (old, new),
            f"第 {write} 次写入断电后的序号、累计与明细",
            f"number, sums and log after a cut at write {write}",
            expected="all old / all new",
            received=_named(found, old, new),
            requirement="SSC-TEAR-004",
        )

    def undisturbed(answer: Response) -> None:
        bench.expect(answer, GOOD, "未断电", "not cut", requirement="SSC-TEAR-004")

    def prepare() -> bytes:
        return terminal.debit_command(terminal.open().begin(Bill()))

    if not every_cut(bench, prepare, after_cut, undisturbed):
        raise Inconclusive("命令没有任何写入", "the command caused no write at all")


def _named(found: State, old: State, new: State) -> str:
    """Of sums with number, and of the log, whether they are old or new."""
    pairs = zip(found, old, new, strict=True)
    return " ".join(
        "old" if there == before else "new" if there == after else "neither" for there, before, after in pairs
    )
