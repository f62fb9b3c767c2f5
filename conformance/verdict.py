"""Verdicts and the rule by which many become one.

The set is that of ISO/IEC 9646 (pass, fail, inconclusive) with what a bench needs besides; the worst one wins.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class Verdict(Enum):
    """Outcome of a test case or of a requirement, from best to worst by :attr:`rank`."""

    NOT_APPLICABLE = "not applicable"
    PASS = "pass"  # noqa: S105 - a verdict, no secret
    NOT_RUN = "not run"
    INCONCLUSIVE = "inconclusive"
    FAIL = "fail"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0 for the best."""
        return list(Verdict).index(self)

    @property
    def zh(self) -> str:
        """The verdict in Chinese."""
        return _CHINESE[self]


_CHINESE = {
    Verdict.NOT_APPLICABLE: "不适用",
    Verdict.PASS: "通过",
    Verdict.NOT_RUN: "未执行",
    Verdict.INCONCLUSIVE: "无法判定",
    Verdict.FAIL: "不通过",
    Verdict.ERROR: "测试台错误",
}


class Conformity(Enum):
    """The statement of a whole run; its value is the exit code of the command line."""

    CONFORMANT = 0
    NON_CONFORMANT = 1
    INCOMPLETE = 2
    BENCH_ERROR = 3

    @property
    def zh(self) -> str:
        """The statement in Chinese."""
        return ("符合", "不符合", "不完整", "测试台错误")[self.value]

    @property
    def en(self) -> str:
        """The statement in English."""
        return ("conformant", "not conformant", "incomplete", "bench error")[self.value]


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of several verdicts; *not run* when there are none."""
    return max(verdicts, key=lambda verdict: verdict.rank, default=Verdict.NOT_RUN)
