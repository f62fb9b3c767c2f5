"""The report for continuous integration: JUnit XML, one test case a case, and one a cell of a flow's matrix.

A failed case that makes the card not conformant is a failure; one that is only a deviation passes with its finding in the
output, unless the run was strict. Bench errors and inconclusive cases are errors, cases that weren't run are skipped. A cell in
which a rule was broken is a failure; a flow that was cut off has an error more.
"""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

from conformance.verdict import Verdict
from reports.flows import Cell, FlowReport
from reports.model import CaseReport, Report

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 can't hold."""


def render(report: Report) -> str:
    """The report as XML text."""
    root = ElementTree.Element("testsuites", name=_clean(f"sscard {report.start.run}"))
    totals = [0, 0, 0, 0]
    seconds = 0.0
    for name, cases in report.suites.items():
        suite = ElementTree.SubElement(root, "testsuite", name=_clean(name), timestamp=report.start.t.isoformat())
        counts = [0, 0, 0, 0]
        spent = sum(case.end.seconds for case in cases if case.end)
        for case in cases:
            outcome = _append(suite, case, report)
            counts[0] += 1
            if outcome:
                counts[("failure", "error", "skipped").index(outcome) + 1] += 1
        _count(suite, counts, spent)
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
        seconds += spent
    for flow in report.flows:
        counts, spent = _append_flow(root, flow, report.start.t.isoformat())
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
        seconds += spent
    _count(root, totals, seconds)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _count(element: ElementTree.Element, counts: list[int], seconds: float) -> None:
    for name, count in zip(("tests", "failures", "errors", "skipped"), counts, strict=True):
        element.set(name, str(count))
    element.set("time", f"{seconds:.3f}")


def _append(suite: ElementTree.Element, case: CaseReport, report: Report) -> str | None:
    """Add a case; tell whether it counts as failure, error or skipped."""
    begin, end = case.begin, case.end
    element = ElementTree.SubElement(
        suite,
        "testcase",
        name=_clean(begin.case),
        classname=_clean(begin.suite),
        time=f"{end.seconds if end else 0:.3f}",
    )
    reason = end.reason if end and end.reason else {}
    message = _clean(f"{reason.get('zh', '')} {reason.get('en', '')}".strip() or case.verdict.value)
    kind = _kind(case, report)
    if kind:
        inner = ElementTree.SubElement(element, kind, message=message)
        if kind != "skipped":
            inner.set("type", _clean(end.requirement or case.verdict.value) if end else "never finished")
            inner.text = _clean(_details(case))
    elif case.verdict is Verdict.FAIL:
        output = ElementTree.SubElement(element, "system-out")
        output.text = _clean(f"deviation from the reconstruction 与重构规范的偏差: {message}\n{_details(case)}")
    return kind


def _kind(case: CaseReport, report: Report) -> str | None:
    if case.verdict is Verdict.PASS:
        return None
    if case.verdict is Verdict.FAIL:
        rows = report.judgement.by_id
        failed = [name for name, verdict in case.outcome.given.items() if verdict is Verdict.FAIL]
        deviation = failed and all(name in rows and not rows[name].hard for name in failed)
        return None if deviation else "failure"
    return "error" if case.verdict in (Verdict.ERROR, Verdict.INCONCLUSIVE) else "skipped"


def _details(case: CaseReport) -> str:
    end = case.end
    if end is None:
        return "the run ended inside this case"
    lines = [f"requirements: {', '.join(case.begin.requirements)}"]
    if end.expected or end.received:
        lines += [f"expected: {end.expected or '—'}", f"received: {end.received or '—'}"]
    for number, move in enumerate(case.counterexample, 1):
        sent = move.decoded.command.hex() or move.decoded.label
        lines.append(f"{number}. {sent} -> {move.decoded.response.hex() or move.decoded.status.en}")
    if end.reproduce:
        lines.append(f"reproduce: {end.reproduce}")
    return "\n".join(lines)


def _append_flow(root: ElementTree.Element, flow: FlowReport, began: str) -> tuple[list[int], float]:
    """Add a flow as a suite; give its counts and seconds."""
    suite = ElementTree.SubElement(root, "testsuite", name=_clean(flow.name), timestamp=began)
    failures = errors = 0
    for (step, failure), cell in flow.cells.items():
        element = _testcase(suite, flow, f"{step}/{failure}")
        if cell.broken:
            failures += 1
            rules = sorted({entry["rule"] for trial in cell.broken for entry in trial.entries})
            inner = ElementTree.SubElement(element, "failure", message=_clean(_breach(cell)))
            inner.set("type", f"rule {', '.join(map(str, rules))}")
            inner.text = _clean(_places(cell))
        output = ElementTree.SubElement(element, "system-out")
        output.text = _clean(f"trials: {cell.trials}; " + ", ".join(f"{n} {name}" for name, n in cell.outcomes.items()))
    failures += _append_systems(suite, flow)
    if flow.outcome.uncounted:
        failures += 1
        ElementTree.SubElement(
            _testcase(suite, flow, "rules"),
            "failure",
            type="rule",
            message=f"the log counts {flow.outcome.uncounted} broken trials and does not list them",
        )
    if not flow.outcome.finished or not flow.outcome.tried:
        errors += 1
        why = "no failure struck" if flow.outcome.finished else "the run ended inside this flow"
        ElementTree.SubElement(_testcase(suite, flow, "all failures tried"), "error", type="incomplete", message=why)
    counts = [len(suite), failures, errors, sum(row.verdict is Verdict.NOT_RUN for row in flow.systems)]
    spent = min(flow.end.seconds, 1e7) if flow.end and 0 <= flow.end.seconds < math.inf else 0.0
    _count(suite, counts, spent)
    return counts, spent


def _append_systems(suite: ElementTree.Element, flow: FlowReport) -> int:
    """A test case for each requirement on systems; one that no run tried is skipped. Gives the number of broken ones."""
    for row in flow.systems:
        element = _testcase(suite, flow, row.name)
        if row.broken and row.decides:
            first = row.broken[0]
            inner = ElementTree.SubElement(element, "failure", message=_clean(f"{first['zh']} {first['en']}"))
            inner.set("type", "requirement")
            inner.text = _clean("\n".join(f"{each['en']}\nreproduce: {each['reproduce']}" for each in row.broken))
        elif row.broken:
            output = ElementTree.SubElement(element, "system-out")
            output.text = _clean("\n".join(f"deviation: {each['en']}" for each in row.broken))
        elif not row.tried:
            ElementTree.SubElement(element, "skipped", message="no run of the flow tried it")
    return sum(bool(row.broken) and row.decides for row in flow.systems)


def _testcase(suite: ElementTree.Element, flow: FlowReport, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", name=_clean(name), classname=_clean(flow.name), time="0.000")


def _breach(cell: Cell) -> str:
    first = cell.broken[0].entries[0]
    more = f" (and {len(cell.broken) - 1} more trials)" if len(cell.broken) > 1 else ""
    return f"rule {first['rule']}: {first['zh']} {first['en']}{more}"


def _places(cell: Cell) -> str:
    lines = []
    for trial in cell.broken:
        lines += [f"rule {entry['rule']} at {trial.place}: {entry['en']}" for entry in trial.entries]
        lines.append(f"reproduce: {trial.reproduce}")
    return "\n".join(lines)


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
