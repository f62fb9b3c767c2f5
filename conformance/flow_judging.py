"""The rule of judging flows: from the events of a campaign of failures to the statement about each flow and about all of them.

**A flow's statement**, the first line that holds:

1. *not conformant*: one of the eight rules was broken after a trial, or a MUST requirement on systems that the flow shows. A log
   that counts more broken trials than it lists is read to the flow's disadvantage. A broken SHOULD is shown and doesn't decide.
2. *incomplete*: the flow was cut off before all its failures were tried, or it had no trial, or none of its failures found
   anything to strike. A run in which nothing was to fail is a trial.
3. *conformant*.

**All flows**, the first that holds: a flow is not conformant; the run says that its bench failed; a flow is incomplete, or the run
was interrupted or cut off; conformant. Whether the promised time was kept is shown and doesn't decide: its human and machine
parts are declared budgets, not measurements.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from conformance.events import (
    UNDISTURBED,
    BrokenRule,
    Event,
    FlowBooks,
    FlowFinished,
    FlowRequirements,
    FlowStarted,
    FlowTimed,
    FlowTrials,
    RunFinished,
    ShownRequirement,
)
from conformance.requirements import SOCIAL_SECURITY, Level, Text, load_catalogue
from conformance.verdict import Conformity

FLOW_RULES: Mapping[int, Text] = {
    1: Text(
        "同一卡号任何时刻至多一张卡可联机交易；每次恢复之后恰有一张",
        "At most one card of a PAN can transact on line at any moment, and after every recovered failure exactly one can.",
    ),
    2: Text(
        "代发、代扣、理财等约定逐一不变；账本合计除流程所列记账外不变；任何金额不重记、不丢失",
        "Agreements after are those before, one for one; ledger sums are constant but for the bookings that the flow declares; "
        "no amount is booked twice or lost.",
    ),
    3: Text(
        "除切换的一刻外，持卡人始终有一张可用的卡：切换之前旧卡可用，之后新卡可用",
        "The holder is never without a working card longer than the one switch: until it the old one works, after it the new one.",
    ),
    4: Text(
        "中断的流程重新开始后只有两种结果：完成，或与原先一样；半成品芯片绝不交出，或续做，或作废并登记",
        "An interrupted flow, started again, ends completed or as before; a half-made chip is never handed out: "
        "it is resumed, or destroyed and recorded.",
    ),
    5: Text(
        "清算之后，卡、终端与中心的个人账户、统筹基金和年度累计一致；一个 TAC 只结算一次",
        "Medical account, pooled fund and year totals agree between card, terminal and centre after clearing; a TAC settles once.",
    ),
    6: Text(
        "一人的数据绝不出现在他人的卡上、他人流程的流水里，也不以明文出现在日志中",
        "No data of one person is ever on another person's card, in the journal of another's flow, or in a log in clear.",
    ),
    7: Text(
        "发卡之后，卡拒绝一切预发卡命令；传输密钥不复存在",
        "After issuing, a card refuses every pre-issue command; the transport key is gone.",
    ),
    8: Text(
        "切换之后旧卡被拒：联机凭卡序列号，脱机按其产品配置所能",
        "The old card is refused after the switch: on line by its sequence number, off line by what its profile permits.",
    ),
}
"""What must hold at every moment, whatever fails, by number."""

FLOW_RULE_ZH = (
    "判定规则：在每个步骤注入失败、恢复之后，下列八条规则在每一次试验中都成立，流程所示的对系统的必备要求也都成立，则流程判为“符合”；任一次试验违反任一条，则判为“不符合”；"
    "流程未做完、没有试验或没有失败得以注入，则判为“不完整”；测试台出错则不作结论。八分钟的承诺另行列示，不参与判定：其中人工与机器的时间是申报的预算。"
)
FLOW_RULE_EN = (
    "Decision rule: a flow is conformant if the eight rules, and the mandatory requirements on systems that it shows, held in every trial, after a failure "
    "was put into each step and the flow was recovered; not conformant if one trial broke one of them; incomplete if the flow "
    "was cut off, had no trial, or none of its failures struck; when the bench failed nothing is stated. The promise of eight "
    "minutes is shown and does not decide: its human and machine parts are declared budgets."
)


@dataclass(frozen=True, slots=True)
class BrokenTrial:
    """A trial after which rules did not hold."""

    step: str
    failure: str
    place: str
    reproduce: str
    entries: tuple[BrokenRule, ...]
    """What was found, by rule; one rule may be broken in several ways."""


@dataclass(frozen=True, slots=True)
class FlowOutcome:
    """What the log says about a flow."""

    flow: str
    conformity: Conformity
    finished: bool
    trials: int
    tried: bool
    """Whether there was a trial, and a failure struck if any was to."""
    interruptions: int
    """Failures that struck."""
    broken: tuple[BrokenTrial, ...]
    """Every trial that the log lists with a broken rule, in its order."""
    uncounted: int
    """Broken trials that the log counts and doesn't list."""
    requirements: tuple[ShownRequirement, ...] = ()
    """The requirements on systems that the flow shows, as the log has them."""

    @property
    def by_rule(self) -> Mapping[int, int]:
        """In how many trials each rule was broken; a rule that held is not named."""
        return Counter(rule for trial in self.broken for rule in {entry["rule"] for entry in trial.entries})


def flow_outcomes(events: Iterable[Event]) -> tuple[FlowOutcome, ...]:
    """Every flow that the log tells of, in the order in which they were begun."""
    trials: dict[str, list[FlowTrials]] = {}
    ends: dict[str, FlowFinished] = {}
    rows: dict[str, tuple[ShownRequirement, ...]] = {}
    for event in events:
        if isinstance(event, FlowStarted | FlowBooks | FlowTimed | FlowTrials | FlowRequirements | FlowFinished):
            found = trials.setdefault(event.flow, [])
            if isinstance(event, FlowTrials):
                found.append(event)
            elif isinstance(event, FlowFinished):
                ends[event.flow] = event
            elif isinstance(event, FlowRequirements):
                rows[event.flow] = tuple(event.requirements)
    return tuple(_outcome(flow, found, ends.get(flow), rows.get(flow, ())) for flow, found in trials.items())


def flows_conformity(events: Iterable[Event]) -> Conformity | None:
    """The statement about all flows of a run; None where it has none."""
    events = tuple(events)
    outcomes = flow_outcomes(events)
    if not outcomes:
        return None
    last = events[-1]
    end = last if isinstance(last, RunFinished) else None
    return stated(
        outcomes,
        interrupted=end is None or end.interrupted,
        bench_failed=end is not None and end.interrupted and end.conformity == Conformity.BENCH_ERROR.value,
    )


def stated(outcomes: Iterable[FlowOutcome], *, interrupted: bool, bench_failed: bool = False) -> Conformity:
    """The statement about several flows of a run of which it is known how it ended."""
    found = {outcome.conformity for outcome in outcomes}
    if Conformity.NON_CONFORMANT in found:
        return Conformity.NON_CONFORMANT
    if bench_failed:
        return Conformity.BENCH_ERROR
    if interrupted or Conformity.INCOMPLETE in found:
        return Conformity.INCOMPLETE
    return Conformity.CONFORMANT


def decides(identifier: str) -> bool:
    """Whether a broken requirement makes a flow not conformant: a SHOULD doesn't; one that this version doesn't know does."""
    known = load_catalogue(SOCIAL_SECURITY).requirements.get(identifier)
    return known is None or known.level is Level.MUST


def _outcome(
    flow: str, cells: list[FlowTrials], end: FlowFinished | None, rows: tuple[ShownRequirement, ...]
) -> FlowOutcome:
    broken = tuple(_broken(cells))
    trials = end.trials if end else sum(cell.trials for cell in cells)
    struck = end.interruptions if end else 0
    tried = trials > 0 and (struck > 0 or end is None or all(cell.failure == UNDISTURBED for cell in cells))
    uncounted = max(end.broken - len(broken), 0) if end else 0
    if broken or uncounted or any(row["broken"] and decides(row["requirement"]) for row in rows):
        conformity = Conformity.NON_CONFORMANT
    elif end is None or not tried:
        conformity = Conformity.INCOMPLETE
    else:
        conformity = Conformity.CONFORMANT
    return FlowOutcome(flow, conformity, end is not None, trials, tried, struck, broken, uncounted, rows)


def _broken(cells: Iterable[FlowTrials]) -> Iterator[BrokenTrial]:
    found: dict[tuple[str, str, str, str], list[BrokenRule]] = {}
    for cell in cells:
        for entry in cell.broken:
            found.setdefault((cell.step, cell.failure, entry["place"], entry["reproduce"]), []).append(entry)
    for trial, entries in found.items():
        yield BrokenTrial(*trial, tuple(sorted(entries, key=lambda entry: entry["rule"])))
