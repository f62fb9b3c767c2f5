"""The terms in which a requirement is graded: level, confidence, coverage."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Text(NamedTuple):
    """A name or sentence in Chinese and in English."""

    zh: str
    en: str


class Level(Enum):
    """How binding a requirement is in this catalogue."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


class Confidence(Enum):
    """Where the knowledge behind a requirement comes from, the surest first; a surer mark is the greater one."""

    OFFICIAL = "S"
    SEVERAL_PROGRAMS = "P+"
    ONE_PROGRAM = "P1"
    TRANSCRIPT = "T"
    SIBLING_STANDARD = "A-HC"
    VENDOR_ANALOGUE = "A-V"
    INFERRED = "I"
    UNKNOWN = "?"

    @property
    def rank(self) -> int:
        """0 for the surest mark."""
        return _CONFIDENCE_RANK[self]

    @property
    def title(self) -> Text:
        """What the mark means."""
        return _CONFIDENCE_TITLE[self]

    def __lt__(self, other: Confidence) -> bool:
        return self.rank > other.rank

    def __le__(self, other: Confidence) -> bool:
        return self.rank >= other.rank

    def __gt__(self, other: Confidence) -> bool:
        return self.rank < other.rank

    def __ge__(self, other: Confidence) -> bool:
        return self.rank <= other.rank


_CONFIDENCE_RANK = {confidence: rank for rank, confidence in enumerate(Confidence)}
_CONFIDENCE_TITLE = {
    Confidence.OFFICIAL: Text("官方文本", "official text"),
    Confidence.SEVERAL_PROGRAMS: Text("多个实际程序", "several programs in use"),
    Confidence.ONE_PROGRAM: Text("一个实际程序", "one program in use"),
    Confidence.TRANSCRIPT: Text("真实卡通信记录", "transcript of a real card"),
    Confidence.SIBLING_STANDARD: Text("同类标准（居民健康卡）", "sibling standard (resident health card)"),
    Confidence.VENDOR_ANALOGUE: Text("卡商或PBOC同类产品", "analogous vendor or PBOC card"),
    Confidence.INFERRED: Text("推断", "inferred"),
    Confidence.UNKNOWN: Text("未知", "unknown"),
}


class Coverage(Enum):
    """Whether the conformance suites test an area or an official item.

    SYSTEMS binds issuing systems, terminals and the centre, none of which a card shows: the project's tests of its actors and the
    campaign of failures show it.
    """

    COVERED = "covered"
    NOT_YET_COVERED = "not yet covered"
    SYSTEMS = "systems"
    NOT_TESTABLE = "not testable"

    @property
    def title(self) -> Text:
        """The state in both languages."""
        return _COVERAGE_TITLE[self]


_COVERAGE_TITLE = {
    Coverage.COVERED: Text("已覆盖", "covered"),
    Coverage.NOT_YET_COVERED: Text("尚未覆盖", "not yet covered"),
    Coverage.SYSTEMS: Text(
        "对系统的要求，不由卡片认证证明", "required of systems: shown by their tests and the campaign, not by a card"
    ),
    Coverage.NOT_TESTABLE: Text("无公开资料，无法检测", "not testable from public sources"),
}


class Evidence(NamedTuple):
    """The confidence of one requirement.

    Where a requirement rests on two kinds of evidence (an official rule whose key identifier comes from programs, an
    official test name whose procedure is inferred) both marks stand here, in the catalogue's order, and ``note`` says
    which mark supports what. The weakest mark decides, because a check is no surer than its weakest part.
    """

    marks: tuple[Confidence, ...]
    note: str = ""

    @property
    def first(self) -> Confidence:
        """The mark that the catalogue puts first."""
        return self.marks[0]

    @property
    def deciding(self) -> Confidence:
        """The weakest mark."""
        return min(self.marks)

    @property
    def is_hard(self) -> bool:
        """Whether a failure may count against the card: official text or several programs behind every part."""
        return self.deciding >= Confidence.SEVERAL_PROGRAMS

    def __str__(self) -> str:
        return " ".join(mark.value for mark in self.marks)
