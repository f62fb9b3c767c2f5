"""The report for continuous integration: JUnit XML, one test case a case.

A failed case that makes the card not conformant is a failure; one that is only a deviation passes with its finding in the
output, unless the run was strict. Bench errors and inconclusive cases are errors, cases that weren't run are skipped.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from conformance.verdict import Verdict
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


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
