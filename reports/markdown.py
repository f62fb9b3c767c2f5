"""The report in a few lines of Markdown, for the summary page of a continuous integration job."""

from __future__ import annotations

import re

from conformance.judge import Row
from conformance.verdict import Conformity, Verdict
from reports.flows import FlowReport
from reports.model import Report
from reports.picture import clock, spoken
from reports.trace.parts import printable

_SHOWN = 20
_MARKS = {
    Conformity.CONFORMANT: "✅",
    Conformity.NON_CONFORMANT: "❌",
    Conformity.INCOMPLETE: "⬜",
    Conformity.BENCH_ERROR: "⚠️",
}


def render(report: Report) -> str:
    """The summary."""
    card = report.target.identification if report.target else None
    lines = [
        f"## {_MARKS[report.conformity]} {report.conformity.zh} {report.conformity.en}",
        "",
        f"报告 report {_code(report.start.run)} · 产品 profile {_code(str(report.start.profile.get('name', '?')))}"
        + (f" · 卡 card {_code(card or '—')}" if report.has_cases else ""),
        "",
    ]
    if report.flows:
        lines += _flows(report.flows)
    if report.has_cases:
        lines += _cases(report)
    if report.earlier:
        others = len(report.changes) + len(report.flow_changes) - report.worse
        lines += [
            f"与报告 {_code(report.earlier)} 比较 compared: {report.worse} 变差 worse, {others} 其他 other changes",
            "",
        ]
    return "\n".join(lines)


def _cases(report: Report) -> list[str]:
    judgement = report.judgement
    hard = report.hard_in_scope
    passed = sum(row.verdict is Verdict.PASS for row in hard)
    lines = [
        "| 判定性要求 deciding | 不符合 non-conformities | 偏差 deviations | 未判定 unsettled | 用例 cases | 交互 exchanges |",
        "|---|---|---|---|---|---|",
        f"| {passed} / {len(hard)} | {len(judgement.nonconformities)} | {len(judgement.deviations)} | "
        f"{len(judgement.unsettled)} | {len(report.cases)} | {report.statistics.exchanges} |",
        "",
    ]
    lines += _section("不符合项 Non-conformities", judgement.nonconformities, report)
    lines += _section("与重构规范的偏差 Deviations from the reconstruction", judgement.deviations, report)
    lines += _section("未判定 Unsettled", judgement.unsettled, report)
    return lines


def _flows(flows: tuple[FlowReport, ...]) -> list[str]:
    lines = [
        "| 流程 flow | 结论 statement | 试验 trials | 中断 interruptions | 违反规则 broken | 用时 time | 账目更改 books changed |",
        "|---|---|---|---|---|---|---|",
    ]
    for flow in flows:
        line = flow.timeline
        time = "—" if line is None else spoken(line.total)
        if line and line.promised:
            time = f"{clock(line.total)} / {clock(line.promised)}"
        lines.append(
            f"| {_plain(flow.title.zh)} {_plain(flow.title.en)} | {_MARKS[flow.conformity]} {flow.conformity.zh} "
            f"{flow.conformity.en} | {flow.outcome.trials} | {flow.outcome.interruptions} | {flow.breaches} | {time} | "
            f"{flow.books.changed if flow.books else '—'} |"
        )
    lines.append("")
    for flow in flows:
        if flow.findings:
            lines += [f"### 违反规则 Breaches: {_plain(flow.title.zh)} {_plain(flow.title.en)}", ""]
            for found in flow.findings[:_SHOWN]:
                first = found.trial.entries[0]
                rules = ", ".join(str(rule) for rule in sorted({entry["rule"] for entry in found.trial.entries}))
                lines.append(
                    f"- **规则 rule {rules}** {_plain(first['zh'])} {_plain(first['en'])} — "
                    f"{_plain(found.step.title.zh)} × {_plain(found.failure.title.zh)}, {_code(found.trial.place)}: "
                    f"{_code(found.trial.reproduce)}"
                )
            lines += [f"- … {len(flow.findings) - _SHOWN}"] if len(flow.findings) > _SHOWN else []
            lines.append("")
        unmet = [row for row in flow.systems if row.broken]
        if unmet:
            lines += [
                f"### 违反对系统的要求 Requirements on systems: {_plain(flow.title.zh)} {_plain(flow.title.en)}",
                "",
            ]
            for row in unmet:
                breach = row.broken[0]
                lines.append(
                    f"- **{_plain(row.name)}** ×{len(row.broken)} {_plain(breach['zh'])} {_plain(breach['en'])}: "
                    f"{_code(breach['reproduce'])}"
                )
            lines.append("")
    return lines


def _section(title: str, rows: tuple[Row, ...], report: Report) -> list[str]:
    if not rows:
        return []
    lines = [f"### {title}", ""]
    for row in rows[:_SHOWN]:
        case = next((name for name, verdict in row.cases if verdict is Verdict.FAIL), None)
        end = report.by_case[case].end if case else None
        came = f" — {_code(end.expected or '—')} → {_code(end.received or '—')}" if end and end.received else ""
        lines.append(
            f"- **{row.requirement.id}** {_plain(row.requirement.title.zh)} {_plain(row.requirement.title.en)}{came}"
        )
    if len(rows) > _SHOWN:
        lines.append(f"- … {len(rows) - _SHOWN}")
    return [*lines, ""]


def _plain(text: str) -> str:
    """Text that can't act as markup."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", printable(text))


def _code(text: str) -> str:
    """Text as it stands, in the face of code; nothing in it can end the code."""
    return f"`{printable(text).replace('`', chr(0x2019)).replace('|', chr(0xFF5C))}`"
