"""What the service promises to the citizen, and what was shown of it with cards and hosts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was shown, or was not; ``zh`` and ``en`` say what was seen."""

    zh: str
    en: str
    good: bool


@dataclass(slots=True)
class Promise:
    """A row of the promises."""

    zh: str
    en: str
    checks: list[Check] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        """Whether everything that it needs was shown."""
        return bool(self.checks) and all(check.good for check in self.checks)

    def show(self, good: bool, zh: str, en: str) -> None:
        """Note a check."""
        self.checks.append(Check(zh, en, good))

    def table(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "zh": self.zh,
            "en": self.en,
            "kept": self.kept,
            "shown": [{"zh": check.zh, "en": check.en, "good": check.good} for check in self.checks],
        }


@dataclass(slots=True)
class Promises:
    """Every promise of the service."""

    number: Promise = field(default_factory=lambda: Promise("同卡号升级", "the same card number"))
    benefits: Promise = field(
        default_factory=lambda: Promise(
            "原卡权益不变：代发、代扣、理财", "all financial benefits of the old card are kept"
        )
    )
    features: Promise = field(
        default_factory=lambda: Promise(
            "新增社保查询、医保结算", "social security inquiries and medical settlement are added"
        )
    )
    scenarios: Promise = field(
        default_factory=lambda: Promise("一卡通用：公共服务与支付", "one card covers public services and payments")
    )
    replacement: Promise = field(
        default_factory=lambda: Promise("同号换卡", "same-number replacement of a social security card")
    )
    on_the_spot: Promise = field(
        default_factory=lambda: Promise("即时制卡，上门办理", "instant issuance on the spot, whatever is interrupted")
    )
    eight_minutes: Promise = field(default_factory=lambda: Promise("最快八分钟", "as little as eight minutes"))

    def all(self) -> list[Promise]:
        """In the order of the table."""
        return [
            self.number,
            self.benefits,
            self.features,
            self.scenarios,
            self.replacement,
            self.on_the_spot,
            self.eight_minutes,
        ]

    @property
    def kept(self) -> bool:
        """Whether every promise is kept."""
        return all(promise.kept for promise in self.all())
