"""Logs of flows as a campaign of failures would write them, for the tests of their sections in the report."""

from __future__ import annotations

from typing import Any

from conformance.events import FlowBooks, FlowFinished, FlowRequirements, FlowStarted, FlowTimed, FlowTrials
from tests.reports.building import Run

STEPS = (
    ("verify", "核验持卡人与旧卡", "verify holder and old card", False),
    ("freeze", "冻结旧卡号", "freeze the number", True),
    ("initialise", "初始化", "initialisation", True),
    ("close", "密钥替换与关闭", "key replacement and closing", True),
    ("personalise", "个人化", "personalisation", True),
    ("read-back", "回读校验", "reading back", False),
    ("switch", "银行切换", "switch at the bank", True),
    ("activate", "启用", "activation", True),
    ("block-old", "锁定旧卡芯片", "block the old chip", True),
)
ENTRIES = (
    ("verify", "核验身份证件与人脸", "identity document and face", "human", 60.0, 0.0, 0, False),
    ("verify", "旧卡联机验证", "old card on line", "station", 0.9, 0.31, 24, True),
    ("confirm", "持卡人确认制卡数据", "the holder confirms the data", "human", 60.0, 0.0, 0, False),
    ("feed", "空白卡进卡定位", "feeding the blank card", "machine", 15.0, 0.0, 0, False),
    ("initialise", "初始化", "initialisation", "station", 0.42, 0.35, 118, True),
    ("personalise", "个人化", "personalisation", "station", 1.9, 1.4, 240, True),
    ("read-back", "回读校验", "reading back", "station", 0.6, 0.52, 131, True),
    ("print", "打印卡面", "printing the card's face", "machine", 60.0, 0.0, 0, False),
    ("switch", "银行切换", "switch at the bank", "station", 0.05, 0.0, 0, True),
    ("pin", "输入新密码两次", "entering the new PIN twice", "human", 30.0, 0.0, 0, False),
    ("activate", "启用", "activation", "station", 0.12, 0.06, 9, True),
    ("hand-over", "签收领卡", "signature and hand-over", "human", 60.0, 0.0, 0, False),
)
FAILURES = (
    ("power-cut", "卡断电（每条 APDU）", "power cut at an APDU"),
    ("torn-write", "写入中断电", "power cut inside a write"),
    ("reader-gone", "读写器消失", "reader gone"),
    ("unreachable", "主机不可达", "host unreachable"),
    ("answered-twice", "主机应答两次", "host answers twice"),
    ("answer-late", "应答迟到", "host answers late"),
    ("answer-lost", "应答丢失", "answer lost"),
    ("killed", "设备被杀并重启", "station killed"),
    ("sent-twice", "同一请求两次", "request sent twice"),
    ("two-stations", "两台设备同一人", "two stations"),
)
BEFORE = [["62170001****0017", "01", "正常", "2027-05"], ["62170001****0942", "01", "正常", "2028-11"]]
AFTER = [
    ["62170001****0017", "02", "正常", "2036-11"],
    ["62170001****0942", "01", "正常", "2028-11"],
]
LEDGER = [
    ["活期 current 1", "12,000.00", "0.00"],
    ["电子现金 e-cash 1", "86.50", "0.00"],
    ["待清算 suspense", "0.00", ""],
]
LEDGER_AFTER = [["活期 current 1", "12,086.50", "0.00"], ["电子现金 e-cash 1", "0.00", "0.00"], LEDGER[2]]
AGREEMENTS = [
    ["代发 payroll", "某公司", "有效"],
    ["代扣 utility", "供电局", "有效"],
    ["理财 wealth", "稳利 3 号", "有效"],
]


def words(zh: str, en: str) -> dict[str, str]:
    """A text of an event."""
    return {"zh": zh, "en": en}


def table(title: tuple[str, str], columns: list[tuple[str, str]], rows: list[list[str]]) -> dict[str, Any]:
    """A table of the books."""
    return {**words(*title), "columns": [words(*column) for column in columns], "rows": rows}


class Flow:
    """Writes the events of one flow into a run; every method returns the flow itself."""

    def __init__(self, run: Run, flow: str = "upgrade", number: int = 2, **given: Any) -> None:
        self.run, self.flow = run, flow
        steps = [{"step": step, **words(zh, en), "irreversible": once} for step, zh, en, once in STEPS]
        known = {"title": words("同号升级", "same-number upgrade"), "steps": steps}
        self._add(FlowStarted, number=number, **{**known, **given})

    def _add(self, kind: Any, **given: Any) -> Flow:
        self.run.add(kind, flow=self.flow, **given)
        return self

    def books(self, moment: str, tables: list[dict[str, Any]] | None = None) -> Flow:
        """The books at a moment; those of an upgrade if none are given."""
        after = moment == "after"
        cards = table(
            ("银行：卡", "bank: cards"),
            [("卡号", "PAN"), ("序列号", "PSN"), ("状态", "state"), ("有效期", "expiry")],
            AFTER if after else BEFORE,
        )
        money = table(
            ("银行：账本", "bank: ledger"),
            [("账户", "account"), ("余额", "balance"), ("在途", "in flight")],
            LEDGER_AFTER if after else LEDGER,
        )
        standing = table(
            ("银行：约定", "bank: agreements"),
            [("种类", "kind"), ("对方", "with"), ("状态", "state")],
            AGREEMENTS,
        )
        register = table(
            ("社保中心：卡登记", "insurance centre: register"),
            [("识别码", "identification"), ("状态", "state")],
            [["500000D1…13A1B2", "正常 in use"]] if after else [],
        )
        return self._add(
            FlowBooks, moment=moment, tables=[cards, money, standing, register] if tables is None else tables
        )

    def timed(self, *, promised: float | None = 480.0, slower: float = 0.0, entries: Any = ENTRIES) -> Flow:
        """The undisturbed run; ``slower``: seconds added to its last step."""
        names = ("step", "zh", "en", "kind", "seconds", "chip_seconds", "commands", "measured")
        rows = [dict(zip(names, entry, strict=True)) for entry in entries]
        if rows:
            rows[-1]["seconds"] += slower
        total = sum(row["seconds"] for row in rows)
        return self._add(
            FlowTimed, entries=rows, total=total, promised=promised, kept=promised is None or total <= promised
        )

    def trials(self, step: str, failure: str, *broken: tuple[int, str], **outcomes: int) -> Flow:
        """A cell: outcomes by name, blanks as underscores; broken rules with their places."""
        title = words(*next(((zh, en) for name, zh, en in FAILURES if name == failure), (failure, failure)))
        found = [
            {
                "rule": rule,
                **words("两张卡同时可联机", "two cards can transact on line"),
                "place": place,
                "reproduce": f"sscard campaign {self.flow} --only {step}/{failure} --place '{place}'",
            }
            for rule, place in broken
        ]
        counts = {name.replace("_", " "): count for name, count in outcomes.items()}
        return self._add(
            FlowTrials,
            step=step,
            failure=failure,
            failure_title=title,
            trials=sum(counts.values()),
            outcomes=counts,
            broken=found,
        )

    def requirements(self, *rows: tuple[str, int, int]) -> Flow:
        """Requirements on systems: identifier, how many runs tried it, and how many broke it."""
        breach = {
            **words("旧卡识别码未注销", "the old code is in use"),
            "place": "7",
            "reproduce": "sscard campaign --only x",
        }
        found = [{"requirement": row, "tried": tried, "broken": [breach] * broken} for row, tried, broken in rows]
        return self._add(FlowRequirements, requirements=found)

    def end(self, **given: Any) -> Run:
        """All failures were tried."""
        cells = [event for event in self.run.events if isinstance(event, FlowTrials) and event.flow == self.flow]
        trials = sum(cell.trials for cell in cells)
        known = {"trials": trials, "interruptions": trials, "broken": sum(len(cell.broken) for cell in cells)}
        self._add(FlowFinished, **{**known, "seconds": 12.5, **given})
        return self.run


def upgrade(run: Run, *broken: tuple[int, str], **options: Any) -> Flow:
    """A whole upgrade but its end, with trials of every failure in every step where it can strike."""
    flow = Flow(run).books("before").timed(**options).books("after")
    for row, (step, _, _, once) in enumerate(STEPS):
        for column, (failure, _, _) in enumerate(FAILURES):
            if (row + 2 * column) % 7 == 3:
                continue
            ended = {"completed": 3 + (row * 17 + column * 5) % 90}
            if not once or row < 4:
                ended["as_before"] = 1 + row
            if step in {"close", "personalise"} and column < 3:
                ended["destroyed"] = 2 + column
            flow.trials(step, failure, *(broken if (step, failure) == ("switch", "answer-lost") else ()), **ended)
    return flow.trials("switch", "power-cut+answer-lost", completed=40).trials(
        "switch", "answer-lost+killed", completed=38
    )
