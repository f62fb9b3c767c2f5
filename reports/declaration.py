"""What the profile declares of the card, beside what probing found: the conformance statement (ISO/IEC 9646, ICS)."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.events import RunStarted, TargetConnected
from conformance.requirements import Catalogue, Text


@dataclass(frozen=True, slots=True)
class Declared:
    """A declared property of the card."""

    item: Text
    declared: Text
    observed: str | None
    """What probing found; None when it didn't look."""
    mismatch: bool
    stated: bool = True
    """Whether it is declared or was probed; otherwise there is nothing to say of it."""


_LIFE_CYCLE = {
    "blank": Text("空白卡", "blank"),
    "initialised": Text("已初始化", "initialised"),
    "pre-made": Text("预制卡", "pre-made"),
    "personalised": Text("已个人化", "personalised"),
}
_PRESENT = frozenset({"9000", "6283"})


def declaration(start: RunStarted, target: TargetConnected | None, catalogue: Catalogue) -> tuple[Declared, ...]:
    """The declaration item by item."""
    profile = start.profile
    observed = target.observed if target else {}
    life = str(profile.get("life_cycle", ""))
    rows = [
        _plain(
            Text("规范版本", "specification version"), str(profile.get("specification", "")), observed.get("version")
        ),
        _plain(
            Text("密码算法", "cryptographic algorithm"), str(profile.get("algorithm", "")), observed.get("algorithm")
        ),
        Declared(Text("生命周期状态", "life cycle state"), _LIFE_CYCLE.get(life, Text(life, "")), None, False),
    ]
    stated = set(profile.get("features", ()))
    for feature in catalogue.features.values():
        if feature.name.startswith("life cycle:"):
            continue
        declared = feature.name in stated
        answer = observed.get(feature.part or "")
        found = answer[:2] == "61" or answer in _PRESENT if answer is not None else None
        rows.append(
            Declared(
                feature.title,
                Text("是", "yes") if declared else Text("否", "no"),
                answer,
                found is not None and found != declared,
                declared or found is not None,
            )
        )
    return tuple(rows)


def _plain(item: Text, declared: str, observed: str | None) -> Declared:
    return Declared(item, Text(declared, ""), observed, observed is not None and observed != declared)
