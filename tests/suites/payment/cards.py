"""Runs of the payment suites on cards of the products, on cards with a named fault, and on those of other vendors."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.cases import Suite
from conformance.faults import Fault
from conformance.faults.payment.application_selection import Change, rewritten
from conformance.targets.in_process import InProcessTarget
from conformance.verdict import Verdict
from emulator import load_card
from profiles.model import Profile
from tests.payment.terminal import profile
from tests.suites.broken import Alteration, good_card, product, run
from tests.suites.broken import answers as answered

PRODUCTS = ("debit", "debit-sm", "debit-dual", "ssc3-sm4", "ssc2-3des")
MOVING = (
    "data:DEBIT:9F36",
    "data:DEBIT:9F13",
    "counter:DEBIT:",
    "file:DEBIT/LOG",
    "file:DEBIT/LOADLOG",
    "backup:DEBIT",
    "proof:DEBIT",
)
"""Beginnings of the cells that transactions change, also where a balance is set back, and old values of a debit."""
FLAGS = ("authentication failed", "script failed", "online authorisation")


def failed_by(suites: Iterable[Suite], fault: Fault, name: str = "debit") -> set[str | None]:
    """The requirements that suites find broken on a card of a product with a fault."""
    failed: set[str | None] = set()
    for suite in suites:
        failed |= run(suite, name, card=InProcessTarget(fault.apply(load_card(product(name))))).failed
    return failed


def declaring(profile: Profile, *features: str) -> Profile:
    """The profile with further features, which the vendor declares."""
    return profile.model_copy(update={"features": (*profile.features, *features)})


def with_pin(digits: str | None = None, *, limit: int | None = None) -> Profile:
    """The debit card with another PIN, or another number of tries."""
    whole = profile()
    own = whole.directory["DEBIT"]
    changed = {name: value for name, value in (("value", digits), ("limit", limit)) if value is not None}
    pins = {name: pin.model_copy(update=changed) for name, pin in own.pin.items()}
    return whole.model_copy(update={"directory": {**whole.directory, "DEBIT": own.model_copy(update={"pin": pins})}})


def flags_left(suite: Suite, name: str) -> set[str]:
    """Flags that a suite leaves set on a card that must survive."""
    return {cell for cell in _left(suite, name) if cell.endswith(FLAGS)}


def changed_cells(suite: Suite, name: str) -> set[str]:
    """Cells that a suite leaves changed on a card that must survive, which has to pass; the moving ones left out."""
    return {cell for cell in _left(suite, name) if not cell.startswith(MOVING)}


def _left(suite: Suite, name: str) -> set[str]:
    target = good_card(name)
    before = dict(target.card.memory.cells)
    result = run(suite, name, kept=True, destructive=False, card=target)
    assert result.described(Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR) == []
    after = target.card.memory.cells
    return {cell for cell in before if before[cell] != after[cell]}


def objects_changed(change: Change, ins: int) -> Alteration:
    """A card that answers a command with other data objects."""

    def alter(command: bytes, answer: bytes) -> bytes:
        if command[1] != ins or len(answer) <= 2:
            return answer
        return rewritten(answer[:-2], change) + answer[-2:]

    return answered(alter)


def without(*tags: int, ins: int) -> Alteration:
    """A card that leaves data objects out of its answers to a command."""
    return objects_changed(lambda tag, value: None if tag in tags else value, ins)
