"""A small builder of event logs, so that a test says only what matters to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from conformance.events import (
    CaseFinished,
    CaseStarted,
    Check,
    Event,
    Exchange,
    FlowBooks,
    FlowFinished,
    FlowStarted,
    FlowTimed,
    FlowTrials,
    RunFinished,
    RunStarted,
    Step,
    TargetConnected,
    to_line,
)
from conformance.requirements import load_catalogue
from reports.log import Log, read_log

START = datetime(2026, 11, 23, 8, 0, 0, tzinfo=UTC)
ATR = "3B6D00000081544C978684500000000013"
SELECT_SSSE = "00A404000F7378312E73682EC9E7BBE1B1A3D5CF"
FEATURES = [
    "application:DF01",
    "application:DF02",
    "application:DF03",
    "application:DF04",
    "application:DF07",
    "medical",
    "mode 1",
]


class Run:
    """Collects events; every method returns the run itself, so that calls can be chained."""

    def __init__(self, **start: Any) -> None:
        self.events: list[Event] = []
        self._time = START
        self._number = 0
        given: dict[str, Any] = {
            "run": "20261123-080000-abc123",
            "tool": {"version": "0.1.0", "commit": "0123456789abcdef"},
            "command_line": ["sscard", "certify", "--profile", "ssc3-sm4"],
            "level": "quick",
            "seed": 7,
            "destructive": False,
            "masked": True,
            "profile": {
                "name": "ssc3-sm4",
                "sha256": "0" * 64,
                "title": {"zh": "第三代社会保障卡", "en": "third-generation card"},
                "specification": "3.00",
                "algorithm": "SM4",
                "features": FEATURES,
                "life_cycle": "personalised",
            },
            "assumptions": [],
            "keys": [{"name": "UKSSSE", "version": "1", "check_value": "A1B2C3"}],
            "catalogue_sha256": load_catalogue().sha256,
            "environment": {"os": "Debian 12", "python": "3.11"},
        }
        given.update(start)
        self.start = RunStarted(t=self._tick(), **given)
        self._add(self.start)

    def _tick(self) -> datetime:
        self._time += timedelta(milliseconds=3)
        return self._time

    def _add(self, event: Event) -> Run:
        self.events.append(event)
        return self

    def add(self, kind: type[Event], **given: Any) -> Run:
        """An event of any kind."""
        return self._add(kind(t=self._tick(), **given))

    def target(self, **given: Any) -> Run:
        """A card answered its reset."""
        known: dict[str, Any] = {
            "target": "card in a PC/SC reader",
            "reader": "Virtual PCD 00 00",
            "protocol": "T=0",
            "atr": ATR,
            "identification": "500000D15600000500000013A1B2C3D4",
            "observed": {"version": "3.00", "algorithm": "SM4", "DF01": "9000"},
        }
        return self._add(TargetConnected(t=self._tick(), **{**known, **given}))

    def begin(self, case: str, *requirements: str, **given: Any) -> Run:
        """A case begins; its first part is the suite."""
        self._number = 0
        known: dict[str, Any] = {
            "suite": case.split("/")[0],
            "title": {"zh": "标题", "en": "title"},
            "kind": "BV",
            "item": None,
            "expected": {"zh": "应成功", "en": "succeeds"},
            "destructive": False,
        }
        return self._add(CaseStarted(t=self._tick(), case=case, requirements=list(requirements), **{**known, **given}))

    def step(self, case: str, zh: str, en: str = "") -> Run:
        """A case says what comes next."""
        return self._add(Step(t=self._tick(), case=case, text={"zh": zh, "en": en}))

    def send(self, case: str | None, command: str, response: str) -> Run:
        """A command and its answer."""
        self._number += 1
        return self._add(
            Exchange(
                t=self._tick(), case=case, number=self._number, command=command, response=response, seconds=0.00042
            )
        )

    def check(self, case: str, requirement: str | None, good: bool, expected: str = "9000", received: str = "") -> Run:
        """A comparison."""
        received = received or (expected if good else "6982")
        text = {"zh": "状态字", "en": "status word"}
        return self._add(
            Check(
                t=self._tick(),
                case=case,
                requirement=requirement,
                text=text,
                expected=expected,
                received=received,
                good=good,
            )
        )

    def finish(self, case: str, verdict: str = "pass", requirement: str | None = None, **given: Any) -> Run:
        """A case ends."""
        return self._add(CaseFinished(t=self._tick(), case=case, verdict=verdict, requirement=requirement, **given))

    def case(self, case: str, *requirements: str, verdict: str = "pass", fails: str | None = None, **given: Any) -> Run:
        """A whole case with one exchange."""
        self.begin(case, *requirements)
        self.send(case, "NEW CARD", ATR).send(case, SELECT_SSSE, "611E")
        return self.finish(case, verdict, fails, **given)

    def flow(self, flow: str = "issue", *broken: str, interrupted: bool = False) -> Run:
        """A flow of two steps, one of them with trials, and places where rule 4 broke; without an end if interrupted."""
        title = {"zh": "首次发卡", "en": "first issuance"}
        steps = [
            {"step": "blank", "zh": "空白卡检查", "en": "blank card", "irreversible": False},
            {"step": "issue", "zh": "写入", "en": "write", "irreversible": True},
        ]
        self._add(FlowStarted(t=self._tick(), flow=flow, number=1, title=title, steps=steps))  # type: ignore[arg-type]
        table = {"zh": "卡", "en": "cards", "columns": [{"zh": "状态", "en": "state"}], "rows": [["封存"]]}
        self._add(FlowBooks(t=self._tick(), flow=flow, moment="before", tables=[table]))  # type: ignore[list-item]
        entry = {"step": "issue", "zh": "写入", "en": "write", "kind": "chip", "measured": True}
        entry |= {"seconds": 2.5, "chip_seconds": 2.0, "commands": 140}
        self._add(
            FlowTimed(t=self._tick(), flow=flow, entries=[entry], total=287.5, promised=480.0, kept=True)  # type: ignore[list-item]
        )
        found = [
            {
                "rule": 4,
                "zh": "卡既未完成也未销毁",
                "en": "neither whole nor destroyed",
                "place": place,
                "reproduce": "x",
            }
            for place in broken
        ]
        self._add(
            FlowTrials(
                t=self._tick(),
                flow=flow,
                step="issue",
                failure="power-cut",
                failure_title={"zh": "断电", "en": "power cut"},
                trials=7,
                outcomes={"completed": 7 - len(broken), "half-made": len(broken)},
                broken=found,  # type: ignore[arg-type]
            )
        )
        if interrupted:
            return self
        return self._add(
            FlowFinished(t=self._tick(), flow=flow, trials=7, interruptions=7, broken=len(broken), seconds=3.0)
        )

    def end(self, interrupted: bool = False, conformity: int = 0, reason: str | None = None) -> Run:
        """The run ends."""
        return self._add(
            RunFinished(
                t=self._tick(), interrupted=interrupted, reason=reason, conformity=conformity, exchanges=0, seconds=1.0
            )
        )

    def write(self, directory: Path, name: str = "run.ndjson") -> Path:
        """Write the log."""
        path = directory / name
        path.write_text("".join(to_line(event) + "\n" for event in self.events), "utf-8")
        return path

    def log(self, directory: Path) -> Log:
        """Write the log and read it back."""
        return read_log(self.write(directory))
