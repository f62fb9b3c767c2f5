"""What became of each row, and the table of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, fields

from conformance.actors.named import Named


class State(Named):
    """What became of a row: names in Chinese and English."""

    ISSUED = ("已制成", "issued")
    WRONG = ("数据有误", "wrong data")
    REFUSED = ("未受理", "refused")
    DESTROYED = ("芯片作废", "chip destroyed")
    INTERRUPTED = ("中断", "interrupted")
    WAITING = ("未开始", "not begun")


@dataclass(frozen=True, slots=True)
class Result:
    """One row's end; of the person nothing but a masked number."""

    line: int
    number: str
    person: str
    """Masked; empty where the row is wrong."""
    card: str
    """卡的识别码; empty where there is no card."""
    account: str
    """Account number, masked, and card sequence number; empty where the card has no application of a bank."""
    image: str
    """File of the chip."""
    state: State
    field: str = ""
    """The field that is wrong."""
    reason: str = ""

    @property
    def table(self) -> dict[str, object]:
        """For JSON and CSV."""
        return {each.name: getattr(self, each.name) for each in fields(self)} | {"state": self.state.en}


def as_csv(results: Iterable[Result]) -> bytes:
    """The results as a CSV file that a spreadsheet opens: UTF-8 with byte order mark, formulas disarmed."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [each.name for each in fields(Result)])
    writer.writeheader()
    writer.writerows({name: _disarmed(str(value)) for name, value in each.table.items()} for each in results)
    return text.getvalue().encode("utf-8-sig")


def _disarmed(text: str) -> str:
    """A request number may begin with a hyphen, which a spreadsheet would calculate."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
