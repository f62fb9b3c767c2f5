"""The report for programs: ``report.json``, the whole report but the evidence, which the event log holds.

The format has a version. Names and values of a version never change their meaning; new ones may be added.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conformance.judge import Row
from reports.books import BookTable
from reports.flows import Cell, FlowReport
from reports.model import CaseReport, Report
from reports.timeline import TimelineReport

FORMAT_VERSION = 1


class JsonReportError(ValueError):
    """The file is no ``report.json`` of this format; the message says in one sentence what is wrong and what to do."""


def content(report: Report) -> dict[str, Any]:
    """The report as plain values."""
    start, judgement = report.start, report.judgement
    return {
        "format": FORMAT_VERSION,
        "run": start.run,
        "conformity": report.conformity.en,
        "conformity_zh": report.conformity.zh,
        "exit_code": report.conformity.value,
        "strict": judgement.strict,
        "interrupted": judgement.interrupted,
        "started": start.t.isoformat(),
        "finished": report.log.events[-1].t.isoformat(),
        "tool": start.tool,
        "level": start.level,
        "seed": start.seed,
        "profile": start.profile,
        "card": {
            "identification": report.target.identification if report.target else None,
            "atr": report.target.atr if report.target else None,
            "reader": report.target.reader if report.target else None,
            "contactless_reader": report.target.contactless_reader if report.target else None,
        },
        "scope": list(judgement.scope) if report.has_cases else [],
        "requirements": [_requirement(row) for row in judgement.rows] if report.has_cases else [],
        "official_items": [
            {
                "item": entry.item.key,
                "name": entry.item.name,
                "coverage": entry.item.coverage.value,
                "verdict": entry.verdict.value if entry.verdict else None,
                "passed": entry.passed,
                "applicable": len(entry.rows),
            }
            for entry in (report.official if report.has_cases else ())
        ],
        "cases": [_case(case) for case in report.cases],
        "flows": [_flow(flow) for flow in report.flows],
        "changes": [
            {"requirement": change.row.requirement.id, "before": change.before, "after": change.after}
            for change in report.changes
        ],
        "flow_changes": [
            {"flow": change.flow.name, "rule": change.rule.number, "before": change.before, "after": change.after}
            for change in report.flow_changes
        ],
        "statistics": {
            "exchanges": report.statistics.exchanges,
            "examples": report.statistics.examples,
            "seconds": report.statistics.duration.total_seconds(),
        },
        "event_log_sha256": report.log.sha256,
        "catalogue_sha256": report.catalogue.sha256,
    }


def render(report: Report) -> str:
    """The report as JSON text."""
    return json.dumps(content(report), ensure_ascii=False, indent=1) + "\n"


def read(path: Path) -> dict[str, Any]:
    """Read an earlier report for comparison.

    Raises:
        JsonReportError: The file can't be read, or is no ``report.json`` of this format.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as problem:
        raise JsonReportError(f"{path}: cannot be read: {problem.strerror}; give the report.json of a run") from None
    except (ValueError, RecursionError):
        raise JsonReportError(f"{path}: is not JSON; give the report.json of a run") from None
    entries = found.get("requirements") if isinstance(found, dict) else None
    sound = isinstance(entries, list) and all(
        isinstance(entry, dict) and isinstance(entry.get("id"), str) and isinstance(entry.get("verdict"), str)
        for entry in entries
    )
    sound = sound and _sound_flows(found.get("flows", []))
    if not sound or found.get("format") != FORMAT_VERSION or not isinstance(found.get("run"), str):
        raise JsonReportError(f"{path}: is not a report of format {FORMAT_VERSION}; give the report.json of a run")
    return dict(found)


def _sound_flows(flows: object) -> bool:
    """Whether the flows of an earlier report can be compared with."""
    return isinstance(flows, list) and all(
        isinstance(flow, dict)
        and isinstance(flow.get("flow"), str)
        and isinstance(flow.get("rules"), list)
        and all(
            isinstance(rule, dict) and isinstance(rule.get("rule"), int) and isinstance(rule.get("verdict"), str)
            for rule in flow["rules"]
        )
        for flow in flows
    )


def _requirement(row: Row) -> dict[str, Any]:
    return {
        "id": row.requirement.id,
        "area": row.requirement.area,
        "title": {"zh": row.requirement.title.zh, "en": row.requirement.title.en},
        "level": row.applicability.level.value,
        "confidence": str(row.requirement.confidence),
        "applies": row.applicability.applies,
        "deciding": row.hard,
        "in_scope": row.in_scope,
        "verdict": row.verdict.value,
        "nonconformity": row.is_nonconformity,
        "deviation": row.is_deviation,
        "cases": [{"case": name, "verdict": verdict.value} for name, verdict in row.cases],
    }


def _case(case: CaseReport) -> dict[str, Any]:
    begin, end = case.begin, case.end
    return {
        "case": begin.case,
        "suite": begin.suite,
        "title": begin.title,
        "kind": begin.kind,
        "requirements": begin.requirements,
        "verdict": case.verdict.value,
        "requirement": end.requirement if end else None,
        "reason": end.reason if end else None,
        "expected": end.expected if end else None,
        "received": end.received if end else None,
        "counterexample": end.counterexample if end else [],
        "reproduce": end.reproduce if end else None,
        "examples": end.examples if end else 0,
        "exchanges": end.exchanges if end else 0,
        "seconds": end.seconds if end else 0.0,
    }


def _flow(flow: FlowReport) -> dict[str, Any]:
    outcome = flow.outcome
    return {
        "flow": flow.name,
        "number": flow.start.number if flow.start else None,
        "title": flow.title._asdict(),
        "conformity": flow.conformity.en,
        "finished": outcome.finished,
        "trials": outcome.trials,
        "interruptions": outcome.interruptions,
        "broken_trials": flow.breaches,
        "rules": [
            {
                "rule": rule.number,
                "text": rule.text._asdict(),
                "verdict": flow.verdict_of(rule).value,
                "broken": rule.broken,
            }
            for rule in flow.rules
        ],
        "requirements": [
            {
                "requirement": row.name,
                "verdict": row.verdict.value,
                "tried": row.tried,
                "broken": [dict(each) for each in row.broken],
            }
            for row in flow.systems
        ],
        "steps": [
            {"step": step.name, "title": step.title._asdict(), "irreversible": step.irreversible} for step in flow.steps
        ],
        "failures": [{"failure": failure.name, "title": failure.title._asdict()} for failure in flow.failures],
        "cells": [_cell(step, failure, cell) for (step, failure), cell in flow.cells.items()],
        "timeline": _timeline(flow.timeline) if flow.timeline else None,
        "books": [_table(table) for table in flow.books.tables] if flow.books else [],
        "books_compared": bool(flow.books and flow.books.has_before and flow.books.has_after),
    }


def _cell(step: str, failure: str, cell: Cell) -> dict[str, Any]:
    return {
        "step": step,
        "failure": failure,
        "trials": cell.trials,
        "outcomes": dict(cell.outcomes),
        "broken": [
            {
                "place": trial.place,
                "reproduce": trial.reproduce,
                "rules": [{"rule": entry["rule"], "zh": entry["zh"], "en": entry["en"]} for entry in trial.entries],
            }
            for trial in cell.broken
        ],
    }


def _timeline(line: TimelineReport) -> dict[str, Any]:
    return {
        "entries": [
            {
                "step": span.step,
                "title": span.title._asdict(),
                "lane": span.lane.value[0],
                "begin": span.begin,
                "seconds": span.seconds,
                "chip_seconds": span.chip_seconds,
                "commands": span.commands,
                "measured": span.measured,
            }
            for span in line.spans
        ],
        "total": line.total,
        "promised": line.promised,
        "kept": line.kept,
    }


def _table(table: BookTable) -> dict[str, Any]:
    return {
        "title": table.title._asdict(),
        "columns": [column._asdict() for column in table.columns],
        "rows": [{"change": row.change.title.en, "before": row.before, "after": row.after} for row in table.rows],
    }
