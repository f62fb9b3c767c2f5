"""The report as one HTML page that needs no network, no JavaScript and no other file.

Everything that comes from a card or an event log is escaped by the template engine and freed of control characters; the page's
policy forbids any script and style but its own.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from conformance.flow_judging import FLOW_RULE_EN, FLOW_RULE_ZH
from conformance.judge import RULE_EN, RULE_STRICT_EN, RULE_STRICT_ZH, RULE_ZH, Row
from conformance.requirements import PAYMENT, Text
from conformance.verdict import Conformity, Verdict
from reports.books import Change
from reports.evidence import Named, Omitted, Shown
from reports.model import Report
from reports.picture import Picture, clock, spoken
from reports.timeline import TimelineReport
from reports.trace import Decoder
from reports.trace.parts import printable

_SHOWN_BYTES = 96
"""Bytes of a hexadecimal value that are shown before it is shortened."""
_SHOWN_BREACHES = 40
"""Broken rules of a flow that are shown one by one."""
_WORTH_MARKING = 4
"""Characters that two values have in common before it helps to mark where they part."""
_SIGNS = {
    Conformity.CONFORMANT: "conformant",
    Conformity.NON_CONFORMANT: "non-conformant",
    Conformity.INCOMPLETE: "incomplete",
    Conformity.BENCH_ERROR: "bench-error",
}


def render(report: Report) -> str:
    """The whole page."""
    style, script = _asset("report.css"), _asset("report.js")
    number = re.sub(r"[^A-Za-z0-9._-]", "", report.start.run)
    heading = _heading(report)
    style = style.replace("/*report number*/", f'"{number}"').replace("/*heading*/", f'"{heading.zh}"')
    return _environment().get_template("report.html").render(
        report=report,
        heading=heading,
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        policy=f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'",
        sign=_SIGNS[report.conformity],
        case_sign=_SIGNS[report.judgement.conformity],
        flow_sign=_SIGNS[report.of_flows] if report.of_flows else "",
        rules=tuple(_rules(report)),
        atr=Decoder().reset(report.target.atr).answer if report.target else (),
        issued=report.end.t if report.end else report.log.events[-1].t,
        anchors={case.begin.case: f"c{index}" for index, case in enumerate(report.cases, 1)},
    )  # fmt: skip


def timeline_picture(line: TimelineReport, title: Text) -> str:
    """A timeline as an SVG file of its own."""
    module = _environment().get_template("timeline.svg").make_module({})
    return str(getattr(module, "draw")(Picture(line, "t"), title.zh, title.en, alone=True))  # noqa: B009 - a macro


def _rules(report: Report) -> Iterator[Text]:
    """The rules by which the statement was made."""
    if report.has_cases:
        strict = report.judgement.strict
        yield Text(
            RULE_ZH + (RULE_STRICT_ZH if strict else ""),
            RULE_EN + (" " + RULE_STRICT_EN if strict else ""),
        )
    if report.flows:
        yield Text(FLOW_RULE_ZH, FLOW_RULE_EN)


def _heading(report: Report) -> Text:
    """What the report is of, by the catalogues that the run judged by; a log that names none is of a social security card."""
    if not report.has_cases:
        return Text("发卡、换卡与结算流程检测报告", "Test report of flows: issuance, upgrade, settlement")
    if report.start.profile.get("catalogues") == [PAYMENT]:
        return Text("金融IC卡一致性检测报告", "Conformance test report of a payment card")
    return Text("社会保障卡一致性检测报告", "Conformance test report of a social security card")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_clean,
    )
    environment.filters.update(
        verdict_class=_verdict_class,
        row_class=_row_class,
        hexadecimal=_hexadecimal,
        moment=_moment,
        milliseconds=_milliseconds,
        differing=_differing,
        ring=_ring,
        spoken=_spoken,
        spoken_seconds=spoken,
        clock=clock,
        picture=Picture,
    )
    environment.tests.update(
        exchange=lambda entry: isinstance(entry, Shown),
        named=lambda entry: isinstance(entry, Named),
        omitted=lambda entry: isinstance(entry, Omitted),
        check=lambda entry: hasattr(entry, "good"),
    )
    environment.globals.update(Verdict=Verdict, Change=Change, SHOWN_BREACHES=_SHOWN_BREACHES)
    return environment


def _clean(value: object) -> object:
    """Every text that goes into the page, without characters that can hide or move something."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return printable(value.replace("\r\n", " ").replace("\n", " "))
    return value


@cache
def _asset(name: str) -> str:
    return files("reports").joinpath("templates", name).read_text("utf-8")


def _digest(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _verdict_class(verdict: Verdict) -> str:
    return "v-" + verdict.value.replace(" ", "-")


def _row_class(row: Row) -> str:
    """A failure that doesn't count against the card looks like the deviation that it is."""
    return "v-deviation" if row.is_deviation else _verdict_class(row.verdict)


def _hexadecimal(digits: str) -> str:
    """Hexadecimal digits, long ones shortened with their number of bytes."""
    if len(digits) <= 2 * _SHOWN_BYTES:
        return digits
    return f"{digits[: 2 * _SHOWN_BYTES]}… ({len(digits) // 2} 字节 bytes)"


def _moment(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.2f}"


def _differing(text: str, other: str) -> Markup:
    """The text with everything from the first character that differs from the other one marked."""
    pairs = enumerate(zip(text, other, strict=False))
    same = next((place for place, (one, two) in pairs if one != two), min(len(text), len(other)))
    if same < _WORTH_MARKING or same == len(text):
        return Markup("{}").format(printable(text))
    return Markup("{}<mark>{}</mark>").format(printable(text[:same]), printable(text[same:]))


def _ring(parts: Iterable[tuple[str, int]]) -> list[tuple[str, float, float]]:
    """Arcs of a ring of circumference 100: class, length, offset."""
    parts = list(parts)
    total = sum(count for _, count in parts) or 1
    arcs = []
    start = 0.0
    for name, count in parts:
        length = 100 * count / total
        if count:
            arcs.append((name, round(length, 3), round(-start, 3)))
        start += length
    return arcs


def _spoken(value: object) -> str:
    """A setting's value for a person."""
    return {"True": "是 yes", "False": "否 no"}.get(str(value), str(value))
