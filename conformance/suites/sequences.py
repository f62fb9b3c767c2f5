"""Sequences 命令序列: any commands in any order, each answer compared with what the reference model predicts."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from conformance.bench import Bench
from conformance.cases import Case, Kind, Suite
from conformance.failures import NotApplicable
from conformance.properties import run_machine
from conformance.suites._machine import Identity, Machine, access_requirements
from conformance.suites._rules import FileRules, KeyRules, PinRules
from profiles.model import Profile, Text

SUITE = Suite("sequences", "命令序列", "Sequences of commands")


class RightsRules(PinRules, KeyRules, FileRules):
    """All rules: who may read and write what after any sequence."""


SELECTION = (
    "SSC-SEL-001",
    "SSC-SEL-006",
    "SSC-SEL-007",
    "SSC-SEL-008",
    "SSC-SEL-009",
    "SSC-SEL-010",
    "SSC-SEL-011",
    "SSC-SEL-012",
    "SSC-SEL-014",
    "SSC-SEL-015",
    "SSC-SEL-019",
    "SSC-FW-010",
    "SSC-CMD-001",
    "SSC-CMD-002",
)
PIN = (
    "SSC-PIN-001",
    "SSC-PIN-002",
    "SSC-PIN-003",
    "SSC-PIN-004",
    "SSC-PIN-006",
    "SSC-PIN-009",
    "SSC-PIN-010",
    "SSC-PIN-011",
    "SSC-PIN-012",
)
KEYS = (
    "SSC-AUT-001",
    "SSC-AUT-004",
    "SSC-AUT-005",
    "SSC-AUT-008",
    "SSC-AUT-010",
    "SSC-AUT-011",
    "SSC-AUT-015",
    "SSC-AUT-016",
    "SSC-KEY-005",
    "SSC-KEY-007",
    "SSC-KEY-008",
    "SSC-KEY-009",
    "SSC-KEY-013",
    "SSC-KEY-014",
)
FILES = ("SSC-ACC-075", "SSC-REC-058", "SSC-REC-060", "SSC-CMD-007", "SSC-CMD-008", "SSC-CMD-011")
MACHINES: tuple[tuple[str, str, str, type[Machine], tuple[str, ...], float], ...] = (
    ("PIN", "个人密码", "PIN", PinRules, (*SELECTION, *PIN), 1.0),
    ("keys", "随机数与密钥", "challenges and keys", KeyRules, (*SELECTION, *KEYS), 2.0),
    (
        "files",
        "文件",
        "files",
        FileRules,
        (*SELECTION, *FILES, "SSC-PIN-001", "SSC-AUT-001", "SSC-AUT-004", "SSC-AUT-005"),
        2.0,
    ),
    ("product", "整卡", "the whole card", RightsRules, (*SELECTION, *PIN, *KEYS, *FILES), 5.0),
)
SHARE_OF_A_REAL_CARD = 0.2
"""A card that is not renewed is slower, and its memory wears."""


def _sequence(bench: Bench, rules: type[Machine], share: float) -> None:
    if not any(directory.kind == "DDF" for directory in bench.profile.directory.values()):
        raise NotApplicable("没有应用环境", "the declared card has no application environment")
    identity = Identity()
    run_machine(
        bench, lambda: rules(bench, identity), share=share if bench.target.renewable else share * SHARE_OF_A_REAL_CARD
    )


@SUITE.cases_from
def sequences(profile: Profile) -> Iterable[Case]:
    """A machine for each concern, and one for everything."""
    for name, zh, en, rules, requirements, share in MACHINES:
        accesses = sorted(set(access_requirements(profile).values())) if issubclass(rules, FileRules) else []
        yield Case(
            identifier=f"SEQ/{name}/BO",
            title=Text(zh=f"任意命令序列：{zh}", en=f"Any sequence of commands: {en}"),
            requirements=(*requirements, *accesses),
            kind=Kind.INOPPORTUNE,
            expected=Text(
                zh="每个应答的状态字与数据均与参考模型一致",
                en="status word and data of every answer are what the model predicts",
            ),
            body=partial(_sequence, rules=rules, share=share),
        )
