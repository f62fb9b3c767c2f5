"""Firewall as a whole: any sequence of selections, proofs and accesses, against a model of who holds which right.

The model knows the profile alone. A right is a PIN or key that was proven and whose status still stands: those of the
environment until another environment is selected, those of a DF until any directory is selected (vol. 2 §3.4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import ENVIRONMENT, REFUSED, prove, read_first, select_identifier, update_first
from conformance.failures import CardFailure, Inconclusive
from conformance.maintenance import authentication_keys, enter
from conformance.properties import run_machine
from conformance.suites.firewall import Values, applications, first_values, places_in
from conformance.suites.selection import MASTER_FILE, open_environment
from emulator.iso7816 import SW, Response
from profiles.access import AccessCondition
from profiles.model import Profile

SUITE = Suite("firewall, sequences", "防火墙（任意序列）", "Firewall, any sequence")

REQUIREMENTS = ("SSC-FW-001", "SSC-FW-002", "SSC-FW-003", "SSC-FW-004", "SSC-FW-005", "SSC-FW-009")

SHARE_OF_A_REAL_CARD = 0.2
"""A card that is not renewed is slower, and its memory wears."""


@dataclass
class Rights:
    """What the card must remember, and what was proven since the last reset, remembered or not."""

    profile: Profile
    current: str | None = None
    """SSSE or a DF in it; None for the MF."""
    globally: frozenset[str] = frozenset()
    locally: frozenset[str] = frozenset()
    proven: set[str] = field(default_factory=set)
    selected_again: bool = False
    """Whether the last selection was of the directory that was current."""

    @property
    def held(self) -> frozenset[str]:
        """Names of PINs and keys whose status stands."""
        return self.globally | self.locally

    def leave(self) -> None:
        """The MF was selected."""
        self.current, self.globally, self.locally, self.selected_again = None, frozenset(), frozenset(), False

    def reset(self) -> None:
        """The card was reset."""
        self.leave()
        self.proven.clear()

    def enter(self, directory: str) -> None:
        """A directory was selected."""
        self.selected_again = directory == self.current
        self.locally = frozenset()
        clears = self.profile.settings.reselecting_environment_clears_global_state
        if self.current is None or (directory == ENVIRONMENT and clears):
            self.globally = frozenset()
        self.current = directory

    def provable(self) -> list[str]:
        """Keys that can be shown now."""
        here = {ENVIRONMENT, self.current}
        return [key.name for key in authentication_keys(self.profile) if key.directory in here]

    def prove(self, name: str) -> None:
        """A PIN or key was shown."""
        self.proven.add(name)
        environment = self.profile.directory[ENVIRONMENT]
        if name in environment.pin or name in environment.key:
            self.globally |= {name}
        else:
            self.locally |= {name}

    def broken_by_access(self, condition: AccessCondition) -> str:
        """The requirement that an access without the right breaks."""
        names = self.proven & condition.names
        if names:
            return "SSC-FW-003" if self.selected_again else "SSC-FW-002"
        if self.current == ENVIRONMENT:
            return "SSC-FW-005"
        return "SSC-FW-004" if self.proven <= self.globally else "SSC-FW-001"


def _judge(rights: Rights, condition: AccessCondition, answer: Response, what: str, cyclic: bool) -> None:
    """Compare an answer with what the rights allow."""
    if not condition.satisfied_by(rights.held):
        if answer.sw != REFUSED or answer.data:
            requirement = rights.broken_by_access(condition)
            raise CardFailure(requirement, f"{what}：应被拒绝", f"{what}: must be refused", "6982", f"{answer.sw:04X}")
    elif answer.sw != SW.SUCCESS and not (cyclic and answer.sw == SW.RECORD_NOT_FOUND):
        pins = rights.profile.directory[ENVIRONMENT].pin.keys()
        if condition.satisfied_by(rights.held & pins):
            raise CardFailure(
                "SSC-FW-009", f"{what}：密码状态应保持", f"{what}: the PIN opens it", "9000", f"{answer.sw:04X}"
            )
        raise Inconclusive(
            f"{what}：有权限而被拒绝（{answer.sw:04X}）", f"{what}: refused with the right ({answer.sw:04X})"
        )


def _look_round(bench: Bench, rights: Rights, values: Values) -> None:
    """Try every read and update of the current directory.

    None of them changes anything, so those that went well are left out of the sequence that is shown for a failure.
    """
    if rights.current is None:
        return
    shown = bench.recorder.example
    for found in places_in(bench.profile, rights.current):
        file, before = found.file, len(shown)
        if not file.read.is_never:
            _judge(rights, file.read, read_first(bench, file), f"READ {found.path}", file.structure == "cyclic")
            del shown[before:]
        if found.path in values:
            answer = update_first(bench, file, values[found.path])
            _judge(rights, file.update, answer, f"UPDATE {found.path}", cyclic=False)
            del shown[before:]


def machine(bench: Bench, values: Values) -> Callable[[], RuleBasedStateMachine]:
    """The machine for a card; ``values`` are what updates write."""
    directories = st.sampled_from([ENVIRONMENT, *applications(bench.profile)])

    class Firewall(RuleBasedStateMachine):
        """Selects and proves; after each step every file of the current directory is tried."""

        def __init__(self) -> None:
            super().__init__()
            self.rights = Rights(bench.profile)

        @rule(directory=directories)
        def select(self, directory: str) -> None:
            if self.rights.current is None and directory != ENVIRONMENT:
                enter(bench, ENVIRONMENT)
                self.rights.enter(ENVIRONMENT)
            enter(bench, directory)
            self.rights.enter(directory)
            _look_round(bench, self.rights, values)

        @precondition(lambda self: self.rights.current is not None)
        @rule()
        def select_again(self) -> None:
            self.select(self.rights.current)

        @precondition(lambda self: self.rights.current is not None)
        @rule()
        def show_pin(self) -> None:
            for name in bench.profile.directory[ENVIRONMENT].pin:
                prove(bench, name)
                self.rights.prove(name)
            _look_round(bench, self.rights, values)

        @precondition(lambda self: self.rights.current is not None)
        @rule(numbers=st.lists(st.integers(0, 1 << 10), min_size=1, max_size=4))
        def show_keys(self, numbers: list[int]) -> None:
            names = self.rights.provable()
            for number in numbers if names else ():
                name = names[number % len(names)]
                prove(bench, name)
                self.rights.prove(name)
            _look_round(bench, self.rights, values)

        @precondition(lambda self: self.rights.current is not None)
        @rule(by_reset=st.booleans())
        def leave(self, by_reset: bool) -> None:
            if by_reset:
                bench.reset()
                self.rights.reset()
            else:
                bench.need(bench.send(select_identifier(MASTER_FILE)), "选择 MF", "SELECT the MF")
                self.rights.leave()

    return Firewall


@SUITE.case(
    "FW/any-sequence/BO",
    "任意序列的选择、认证与访问",
    "Any sequence of selections, proofs and accesses",
    requirements=REQUIREMENTS,
    kind=Kind.INOPPORTUNE,
    expected=(
        "每次读取与更新恰在所需权限有效时成功，否则 6982",
        "every read and update succeeds exactly while the rights that it needs stand, otherwise 6982",
    ),
)
def any_sequence(bench: Bench) -> None:
    """Generated sequences over all directories, keys, the PIN and all files."""
    open_environment(bench)
    values: Values = {}
    for directory in (ENVIRONMENT, *applications(bench.profile)):
        values |= first_values(bench, directory)
    run_machine(bench, machine(bench, values), share=1.0 if bench.target.renewable else SHARE_OF_A_REAL_CARD)
