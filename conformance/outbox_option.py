"""``--outbox``: where a terminal of the command line keeps what is open from one call to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from conformance.actors.bank import Bank
    from conformance.actors.hosts.bank import BankHost
    from conformance.actors.outbox import Keeper
    from conformance.actors.terminal.till_outbox import TillOutbox

WRONG_USE, BENCH_FAILED = 2, 3

OutboxPath = Annotated[
    Path | None,
    typer.Option(
        "--outbox",
        help="Keep what is open (待发箱) in this file and FILE.key: a call that was killed is made good by the next one.",
    ),
]


@contextmanager
def outbox_at(
    path: Path | None, books: Path | None, name: str, give_up: Callable[[str, int], NoReturn]
) -> Iterator[Keeper]:
    """The outbox in a file, one of this call alone where none is wanted; ends the command where it cannot be used.

    A host without books of its own would forget what the outbox has to tell it: ``name`` is the option that gives them.
    """
    from conformance.actors.outbox import Forgetful, OutboxError, OutboxFile

    if path is None:
        yield Forgetful()
        return
    if books is None:
        give_up(f"--outbox is delivered to a host that remembers from one call to the next; give {name} too", WRONG_USE)
    try:
        outbox = OutboxFile(path)
    except OutboxError as problem:
        give_up(str(problem), WRONG_USE)
    try:
        yield outbox
    except OutboxError as problem:  # such as a full disk: what can't be kept is not done
        give_up(str(problem), BENCH_FAILED)
    finally:
        outbox.close()


def till_at(outbox: Keeper, bank: Bank | BankHost, tell: Callable[[str], None]) -> TillOutbox:
    """A till's outbox; the bank hears first what an earlier call left in it, as far as it can be reached."""
    from conformance.actors.bank import HostUnreachable
    from conformance.actors.terminal.till_outbox import TillOutbox

    till = TillOutbox(outbox)
    done = till.deliver(bank)
    for reversal in done.reversals:
        tell(f"待发箱 outbox: {reversal.number} 已冲正 taken back")
    for completion in done.completions:
        tell(f"待发箱 outbox: {completion.number} {'已完成 completed' if completion.approved else '已拒绝 declined'}")
    try:
        for record in till.left().records:
            settled = bank.clear(record)
            till.forget(record.number)
            tell(f"待发箱 outbox: {record.number} 已提交清算 presented: {settled.value}")
    except HostUnreachable:
        tell("待发箱 outbox: 银行不可达 the bank cannot be reached")
    return till
