"""The soak: rounds of work and kills, each of which ends in a quiet moment at which the whole city is judged."""

from __future__ import annotations

import shlex
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from conformance import events
from conformance.actors.station import Step
from conformance.bench import now
from conformance.campaign.rules import Finding
from conformance.campaign.soak.city import KINDS, STATIONS, BrokenOff, City
from conformance.campaign.soak.killer import Killer
from conformance.campaign.soak.money import AGAINST_RULES, Payroll
from conformance.campaign.soak.orders import Orders, Request
from conformance.campaign.soak.outside import CityWorld
from conformance.campaign.soak.processes import REQUEST
from conformance.campaign.soak.visits import Terminals
from conformance.campaign.tables import tables
from conformance.campaign.workers import MEMORY
from conformance.campaign.world import AS_BEFORE, COMPLETED
from conformance.events import UNDISTURBED
from conformance.flow_judging import flow_outcomes, stated
from conformance.verdict import Conformity

FLOW, NUMBER = "soak", 8
ZH, EN = "全城浸泡：随机杀死设备、主机与卡", "a whole city while stations, hosts and cards are killed"
ROUND = 25.0
"""Seconds of work between two quiet moments."""
IDLE = 0.2
"""Seconds until somebody who found nothing to do, or an employer, comes again."""
TRAFFIC, QUIET = "TRAFFIC", "QUIET"
IRREVERSIBLE = frozenset({"CLOSE", "FINANCIAL", "REGISTER", "SWITCH", "ACTIVATE", "BLOCK_OLD", "CHANGE_PIN", "RETURN"})
TITLES = {
    "station-killed": ("制卡设备被杀", "station killed"),
    "card-killed": ("卡进程被杀", "card killed"),
    "bank-killed": ("银行被杀", "bank killed"),
    "centre-killed": ("医保中心被杀", "centre killed"),
    "keys-killed": ("密钥服务被杀", "key service killed"),
    "authority-killed": ("证书机构被杀", "authority killed"),
    "kills": ("随机杀死", "kills at random"),
    UNDISTURBED: ("无故障", "no failure"),
}
FAULTS = {AGAINST_RULES: ("雇主以新编号重发工资", "an employer sends wages again under another number", 2)}
"""Planted faults of a soak, and the rule that each breaks."""


@dataclass(slots=True)
class Soaked:
    """What a soak came to.

    Attributes:
        kills: Of each kind.
        outcomes: How orders ended.
        orders: By kind of order.
        races: Orders that were made for one citizen at two stations.
        looks: Quiet moments.
        findings: Rules that did not hold, with the number of the quiet moment.
        cells: Orders by step and what was killed in it; an order that was struck in several steps stands in several cells.
        uses: What terminals did.
        booked: Wages and bills that the bank answered.
    """

    kills: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    races: int = 0
    looks: int = 0
    findings: list[tuple[int, Finding]] = field(default_factory=list)
    cells: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    uses: dict[str, int] = field(default_factory=dict)
    booked: int = 0
    seconds: float = 0.0


class Soak:
    """Iterate over :meth:`run`; events go to ``emit``.

    Args:
        seconds: How long the city works.
        seed: Chooses orders, amounts and kills; the moments at which processes meet them are the machine's.
        citizens: How many persons the city has.
        fault: A planted fault of :data:`FAULTS`, or nothing.
        keep: Where the city's files are left when a rule was broken.
    """

    def __init__(
        self,
        seconds: float,
        emit: Callable[[events.Event], None],
        *,
        seed: int = 0,
        citizens: int = 6,
        fault: str = "",
        keep: Path | None = None,
    ) -> None:
        self.length, self.seed, self.fault = seconds, seed, fault
        self._citizens = citizens
        self._keep = keep
        self._further = emit
        self._told: list[events.Event] = []
        self._trouble: list[BaseException] = []
        self.soaked = Soaked()
        self.complete = False

    @property
    def broken(self) -> int:
        """Quiet moments at which a rule did not hold."""
        return len({look for look, _ in self.soaked.findings})

    @property
    def conformity(self) -> Conformity:
        """The statement, as every report makes it from the events."""
        return stated(flow_outcomes(self._told), interrupted=not self.complete)

    def run(self) -> Iterator[tuple[float, Soaked]]:
        """Work for the time given; hands out the seconds so far and what it came to, after each quiet moment."""
        began = time.monotonic()
        self._start()
        with _folder() as folder:
            city = City(folder, self.seed, self._citizens)
            city.found()
            with city.running():
                try:
                    yield from self._rounds(city, began)
                    self.complete = True
                finally:
                    self.soaked.seconds = time.monotonic() - began
                    self._tell()
                    if self.soaked.findings and self._keep is not None:
                        _copy(folder, self._keep)

    def _rounds(self, city: City, began: float) -> Iterator[tuple[float, Soaked]]:
        orders, terminals = Orders(city), Terminals(city)
        killer, payroll = Killer(city, orders, terminals, self.seed), Payroll(city, self.fault)
        world = CityWorld(city, orders, terminals)
        self._books("before", world)
        left = self.length
        while left > 0:
            self._work(min(ROUND, left), orders, terminals, killer, payroll)
            left -= ROUND
            self._look(world, orders, terminals, killer)
            yield time.monotonic() - began, self.soaked
        self._books("after", world)

    # A round

    def _work(self, seconds: float, orders: Orders, terminals: Terminals, killer: Killer, payroll: Payroll) -> None:
        """Everyone works, and the killer with them; then everyone brings to its end what was begun."""
        over, rest = threading.Event(), threading.Event()

        def station(number: int) -> bool:
            request = orders.next(number)
            if request is None:
                return False
            orders.desks[number].work(request)
            orders.ended(request)
            return True

        def visit() -> bool:
            found = terminals.next()
            if found is not None:
                terminals.visit(*found)
            return found is not None

        def pay() -> bool:
            payroll.act()
            return False

        def finish(number: int) -> None:
            if orders.waits(number):
                station(number)

        acts: list[Callable[[], bool]] = [*(partial(station, number) for number in range(STATIONS)), visit, pay]
        city = orders.city
        crew = [threading.Thread(target=self._kept, args=(city, over, act), daemon=True) for act in acts]
        reaper = threading.Thread(target=self._guarded, args=(city, lambda: killer.work(rest)), daemon=True)
        for each in (*crew, reaper):
            each.start()
        try:
            city.over.wait(seconds)
        except BaseException:
            city.over.set()
            raise
        finally:
            rest.set()
            reaper.join()
            over.set()
            if city.over.is_set():
                killer.kill_all()
            for each in crew:
                each.join()
        for number in range(STATIONS):
            self._guarded(city, partial(finish, number))
        if self._trouble:
            raise self._trouble[0]

    def _kept(self, city: City, over: threading.Event, act: Callable[[], bool]) -> None:
        def work() -> None:
            while not over.is_set():
                if not act():
                    over.wait(IDLE)

        self._guarded(city, work)

    def _guarded(self, city: City, act: Callable[[], object]) -> None:
        """Do something in a thread; what is wrong with the bench breaks the city off."""
        try:
            act()
        except BrokenOff:
            return
        except BaseException as problem:
            self._trouble.append(problem)
            city.over.set()

    def _look(self, world: CityWorld, orders: Orders, terminals: Terminals, killer: Killer) -> None:
        soaked = self.soaked
        soaked.looks += 1
        soaked.findings += [(soaked.looks, found) for found in world.judged()]
        for request in orders.done:
            self._count(request)
        cell = soaked.cells.setdefault((TRAFFIC, "kills"), Counter())
        cell[COMPLETED] = sum(terminals.done.values()) - terminals.done["in vain"]
        cell[AS_BEFORE] = terminals.done["in vain"]
        soaked.kills, soaked.uses, soaked.booked = killer.kills, dict(terminals.done), len(world.city.booked)
        orders.done.clear()
        terminals.bills.clear()

    def _count(self, request: Request) -> None:
        for cell in dict.fromkeys(request.strikes or [(REQUEST, UNDISTURBED)]):
            self.soaked.cells.setdefault(cell, Counter())[request.ending] += 1
        self.soaked.outcomes[request.ending] += 1
        self.soaked.orders[request.kind] += 1
        self.soaked.races += request.rival

    # Events

    def _emit(self, event: events.Event) -> None:
        self._told.append(event)
        self._further(event)

    def _start(self) -> None:
        steps = [events.FlowStep(step=REQUEST, zh="受理申请", en="request", irreversible=False)]
        steps += [
            events.FlowStep(step=each.name, zh=each.zh, en=each.en, irreversible=each.name in IRREVERSIBLE)
            for each in Step
            if each is not Step.PRINT
        ]
        steps += [
            events.FlowStep(
                step=TRAFFIC, zh="消费与医保结算", en="payments and medical settlements", irreversible=True
            ),
            events.FlowStep(step=QUIET, zh="静止核对", en="the city is quiet and judged", irreversible=False),
        ]
        self._emit(events.FlowStarted(t=now(), flow=FLOW, number=NUMBER, title=events.Words(zh=ZH, en=EN), steps=steps))

    def _books(self, moment: str, world: CityWorld) -> None:
        self._emit(events.FlowBooks(t=now(), flow=FLOW, moment=moment, tables=tables(world)))

    def _tell(self) -> None:
        """The cells in the order of the steps, what broke, and the end of a soak that was not broken off."""
        soaked = self.soaked
        order = [REQUEST, *(step.name for step in Step), TRAFFIC]
        for step, failure in sorted(soaked.cells, key=lambda cell: (order.index(cell[0]), list(TITLES).index(cell[1]))):
            self._trials(step, failure, soaked.cells[step, failure], [])
        if soaked.looks:
            self._trials(QUIET, "kills", Counter({COMPLETED: soaked.looks}), self._broken_rules())
        if self.complete:
            trials = sum(sum(cell.values()) for cell in soaked.cells.values()) + soaked.looks
            self._emit(
                events.FlowFinished(
                    t=now(),
                    flow=FLOW,
                    trials=trials,
                    interruptions=sum(soaked.kills.values()),
                    broken=self.broken,
                    seconds=soaked.seconds,
                )
            )

    def _trials(self, step: str, failure: str, outcomes: Counter[str], broken: list[events.BrokenRule]) -> None:
        zh, en = TITLES[failure]
        self._emit(
            events.FlowTrials(
                t=now(),
                flow=FLOW,
                step=step,
                failure=failure,
                failure_title=events.Words(zh=zh, en=en),
                trials=sum(outcomes.values()),
                outcomes={name: count for name, count in outcomes.items() if count},
                broken=broken,
            )
        )

    def _broken_rules(self) -> list[events.BrokenRule]:
        words = ["sscard", "campaign", "--soak", f"{self.length / 60:g}", "--seed", str(self.seed)]
        words += ["--fault", self.fault] if self.fault else []
        return [
            events.BrokenRule(rule=each.rule, zh=each.zh, en=each.en, place=f"look {look}", reproduce=shlex.join(words))
            for look, each in self.soaked.findings
        ]


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder with a short name, as sockets need it; in memory where the machine offers that."""
    with tempfile.TemporaryDirectory(prefix="soak-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)


def _copy(folder: Path, target: Path) -> None:
    """The city's files, without its sockets."""
    for path in folder.rglob("*"):
        if path.is_file() and path.name not in KINDS:
            copied = target / path.relative_to(folder)
            copied.parent.mkdir(parents=True, exist_ok=True)
            copied.write_bytes(path.read_bytes())
