"""Runs of the suites on cards with a named fault."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from conformance.bench import NoRedaction
from conformance.cases import Case, Suite
from conformance.engine import Engine, Plan
from conformance.events import CaseFinished, Event
from conformance.faults import FAULTS, Fault
from conformance.judge import case_outcomes
from conformance.requirements import PAYMENT as PAYMENT_CATALOGUE
from conformance.requirements import SOCIAL_SECURITY, load_catalogue
from conformance.suites import all_suites
from conformance.targets.in_process import InProcessTarget
from conformance.verdict import Verdict
from emulator import load_card
from emulator.apps.load import card_of
from emulator.apps.payment.application import Tag, data_cell
from emulator.cos.card import Card
from emulator.cos.memory import Memory, Snapshot
from profiles import load
from profiles.model import Profile

ISSUED = ("ssc3-sm4", "ssc2-3des")
PAYMENT = ("debit", "debit-sm", "debit-dual")
MODULES = ("psam-3des", "psam-sm4")
AWAITED = ("debit-blank", "debit-sm-blank")
SHIPPED = (*ISSUED, "blank", *PAYMENT, *MODULES, *AWAITED)
AREAS = (
    "ATR",
    "SEL",
    "REC",
    "FMT",
    "CODE",
    "ACC",
    "KEY",
    "PIN",
    "AUT",
    "SM",
    "FW",
    "TEAR",
    "CMD",
    "LIFE",
    "SAM",
    "CERT",
    "PAY",
    "LOG",
    "PAY-SEL",
    "PAY-GPO",
    "PAY-RDR",
    "PAY-GDT",
    "PAY-PIN",
    "PAY-GAC",
    "PAY-EXA",
    "PAY-GA2",
    "PAY-ODA",
    "PAY-KEY",
    "PAY-SMA",
    "PAY-PER",
    "PAY-CAP",
    "PAY-SCR",
    "PAY-LOG",
    "PAY-ECC",
    "PAY-DUA",
    "PAY-INV",
    "PAY-QPB",
    "PAY-FDD",
    "PAY-TEA",
)
UNBLOCKING = "ssc3-sm4 with APPLICATION UNBLOCK"
OFFLINE = "ssc2-3des of settlement mode 3, near its last transaction number"
COUNTED_OUT = "debit near the end of its transaction counter"
AT_THE_END = frozenset({"PAY-GPO-005", "PAY-QPB-051"})
"""Requirements to whose judgement the way is long: some 65,000 transactions from a fresh card."""
RARE = (UNBLOCKING, OFFLINE, "debit-total", "debit-prepaid", COUNTED_OUT)
PRODUCTS = (*SHIPPED, *RARE)
"""The products as they are, two that declare more, and debit cards with other additional processes, or with a past."""
NEARLY_LAST = 0xFFFF - 40
COUNTER = data_cell("DEBIT", Tag.ATC)
CATALOGUE = load_catalogue(SOCIAL_SECURITY, PAYMENT_CATALOGUE)
MOST_DIRECTED = 8
"""Requirements that a directed case judges at most; generated sequences over the whole card judge many."""


@lru_cache
def product(name: str) -> Profile:
    """A profile by its name."""
    if name == OFFLINE:
        return _offline(load("ssc2-3des"))
    if name == COUNTED_OUT:
        return load("debit")
    if name != UNBLOCKING:
        return load(name)
    profile = load("ssc3-sm4")
    settings = profile.settings.model_copy(update={"application_unblock": True})
    return profile.model_copy(update={"settings": settings})


def _offline(profile: Profile) -> Profile:
    medical = profile.content["DF04"]
    fields = {**medical["TF"]["fields"], "offline transaction counter": NEARLY_LAST, "online transaction counter": 3}
    fields["balance of the personal account"] = 250_000
    content = {**profile.content, "DF04": {**medical, "TF": {"fields": fields}}}
    features = ("mode 3", *(feature for feature in profile.features if not feature.startswith("mode ")))
    return profile.model_copy(update={"features": features, "content": content})


@lru_cache
def cases(name: str) -> list[Case]:
    """All cases for a product."""
    return [case for suite in all_suites() for case in suite.cases(product(name))]


@lru_cache
def good_memory(name: str) -> Snapshot:
    """The memory of a good card of a product."""
    memory = load_card(product(name)).snapshot()
    return {**memory, COUNTER: NEARLY_LAST.to_bytes(2)} if name == COUNTED_OUT else memory


def good_card(name: str) -> Card:
    """A good card of a product."""
    return card_of(Memory(good_memory(name).copy()))


def faulty_card(name: str, fault: Fault) -> Card:
    """A card with a fault that has seen a good card's memory and resets since."""
    card = fault.apply(good_card(name))
    card.restore(good_memory(name).copy())
    card.reset()
    card.power_off()
    card.reset(cold=False)
    return card


def places() -> list[tuple[str, str]]:
    """Every fault on every product that can have it; on the rare ones only where no other can, or only after a long way."""
    found = []
    for fault in FAULTS.values():
        able = [name for name in PRODUCTS if fault.applies_to(product(name))]
        usual = [name for name in able if name not in RARE]
        if AT_THE_END.issuperset(fault.requirements):
            usual = [COUNTED_OUT]
        found += [(fault.name, name) for name in usual or able]
    return found


@dataclass(frozen=True)
class Hunt:
    """What the cases that judge a fault's requirements gave."""

    failed: set[str]
    """Requirements that failed."""
    finished: list[CaseFinished]
    trouble: str | None


def judging(name: str, requirements: Collection[str]) -> list[Case]:
    """The cases that judge any of these requirements."""
    return [case for case in cases(name) if not set(requirements).isdisjoint(case.requirements)]


def area_of(requirement: str) -> str:
    """The area of the catalogue that a requirement belongs to, e.g. ``SEL`` or ``PAY-GPO``."""
    return CATALOGUE.requirements[requirement].area


def is_broad(case: Case) -> bool:
    """Whether a case is a generated sequence over the whole card."""
    return len(case.requirements) > MOST_DIRECTED


def hunt(fault: Fault, name: str, seed: int) -> Hunt:
    """Run the cases that judge a fault's requirements until one of these fails; generated sequences come last."""
    found = judging(name, fault.requirements)
    assert found, f"no case judges any of {', '.join(fault.requirements)}"
    result = Hunt(set(), [], None)
    for broad in (False, True):
        chosen = [case for case in found if is_broad(case) is broad]
        if chosen:
            result = _run(fault, name, seed, chosen)
        if result.trouble or not result.failed.isdisjoint(fault.requirements):
            break
    return result


def suite_of(chosen: Sequence[Case]) -> Suite:
    """These cases as a suite, which an engine needs not look for in all suites."""
    suite = Suite("chosen", "选定用例", "Chosen cases")
    suite.cases_from(lambda profile: chosen)
    return suite


def _run(fault: Fault, name: str, seed: int, chosen: Sequence[Case]) -> Hunt:
    target = InProcessTarget(faulty_card(name, fault))
    log: list[Event] = []
    plan = Plan(profile=product(name), seed=seed, destructive=True, fault=fault.name)
    engine = Engine(plan, target, [suite_of(chosen)], log.append, NoRedaction())
    engine.bench.connect()  # what else a run begins and ends with takes longer than most cases, and is tested elsewhere
    failed: set[str] = set()
    for suite, case in engine.cases:
        outcome = engine.run_case(suite, case)
        if engine.trouble is not None:
            break
        if outcome.verdict is Verdict.FAIL:
            failed = failed_requirements(log)
            if not failed.isdisjoint(fault.requirements):
                break
    return Hunt(failed, [event for event in log if isinstance(event, CaseFinished)], engine.trouble)


def failed_requirements(log: list[Event]) -> set[str]:
    """Requirements to which any case of a log gave a failure."""
    given = (outcome.given.items() for outcome in case_outcomes(log))
    return {name for items in given for name, verdict in items if verdict is Verdict.FAIL}
