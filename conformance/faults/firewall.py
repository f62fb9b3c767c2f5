"""Faults of the walls between applications."""

from __future__ import annotations

import dataclasses

from conformance.faults.catalogue import FaultSet, having
from conformance.faults.means import bit_of, with_files
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.session import Session
from emulator.cos.structure import AccessRule, Directory, DirectoryState, File, Structure
from emulator.cos.tree import Node
from emulator.iso7816 import SW, Command, StatusError

FAULTS = FaultSet()
SELECT_INS = 0xA4
ENVIRONMENT, UPDATE_KEY = "SSSE", "SSSE/UKSSSE"


@FAULTS.session(
    "fw.rights-travel",
    "DF 的安全状态带入另一 DF",
    "The rights of one DF hold in the next",
    ["SSC-FW-001", "SSC-FW-002"],
    having("DF01", "DF02"),
)
class RightsTravel(Session):
    """One local word for all applications; bits of the same number mean other keys."""

    def enter(self, node: Node, *, reselecting_clears: bool) -> None:
        """Keep the local word."""
        kept = self.local_word
        super().enter(node, reselecting_clears=reselecting_clears)
        self.local_word = kept


@FAULTS.session(
    "fw.rights-return",
    "返回 DF 时恢复其安全状态",
    "The rights of a DF come back when it is selected again",
    ["SSC-FW-002", "SSC-FW-003"],
    having("DF01", "DF02"),
)
class RightsReturn(Session):
    """A local word for each application, cleared by reset alone."""

    def __init__(self, master_file: Node) -> None:
        super().__init__(master_file)
        self.left: dict[str, int] = {}

    def enter(self, node: Node, *, reselecting_clears: bool) -> None:
        """Put the word of the directory away and take that of the other one."""
        self.left[self.node.directory.name] = self.local_word
        super().enter(node, reselecting_clears=reselecting_clears)
        self.local_word = self.left.get(node.directory.name, 0)


@FAULTS.session(
    "fw.selecting-again-keeps",
    "重选同一 DF 保留安全状态",
    "Selecting the same DF again keeps its rights",
    ["SSC-FW-003"],
    having("DF01"),
)
class SelectingAgainKeeps(Session):
    """Nothing is cleared where nothing changes."""

    def enter(self, node: Node, *, reselecting_clears: bool) -> None:
        """Keep the local word of the same directory."""
        kept = self.local_word if node is self.node else 0
        super().enter(node, reselecting_clears=reselecting_clears)
        self.local_word = kept


@FAULTS.structure(
    "fw.environment-key-in-df",
    "SSSE 密钥可以更新 DF",
    "A key of SSSE opens updates in a DF",
    ["SSC-FW-004"],
    having("DF01"),
)
def environment_key_in_df(structure: Structure) -> Structure:
    """The update key of the environment serves below it, too."""
    key = ((bit_of(structure, UPDATE_KEY), 0),)

    def change(directory: Directory, file: File) -> File:
        if directory.kind != "ADF" or not file.update:
            return file
        return dataclasses.replace(file, update=file.update + key)

    return with_files(structure, change)


@FAULTS.session(
    "fw.one-security-word",
    "全局与局部安全状态未分开",
    "Global and local rights share one security word",
    ["SSC-FW-001", "SSC-FW-004", "SSC-FW-005", "SSC-ACC-010", "SSC-ACC-012", "SSC-ACC-014", "SSC-ACC-016"],
    having("DF01"),
)
class OneSecurityWord(Session):
    """A bit opens whatever rule asks for the bit of this number, at either level."""

    def require(self, rule: AccessRule) -> None:
        """Look at both words together."""
        word = self.global_word | self.local_word
        if not any(needed & ~word == 0 and locally & ~word == 0 for needed, locally in rule):
            raise StatusError(SW.SECURITY_STATUS_NOT_SATISFIED)


@FAULTS.card(
    "fw.df-key-in-environment",
    "DF 密钥可以更新 SSSE",
    "A key of a DF opens updates in SSSE",
    ["SSC-FW-005"],
    having("DF01"),
)
class DfKeyInEnvironment(Card):
    """The local word lives on above, where the rules look at it."""

    def new_session(self) -> Session:
        """Begin a session whose local rights rise with the selection."""
        return _Rising(self.master_file)

    def read_structure(self, source: bytes) -> Structure:
        """Let the update rules of the environment take any local right."""
        structure = super().read_structure(source)
        keys = next(d.keys for d in structure.directories if d.name == "DF01")
        alternatives = tuple((0, key.bit) for key in keys)

        def change(directory: Directory, file: File) -> File:
            if directory.name != ENVIRONMENT or not file.update:
                return file
            return dataclasses.replace(file, update=file.update + alternatives)

        return with_files(structure, change)


class _Rising(Session):
    """Local rights survive the way up."""

    def enter(self, node: Node, *, reselecting_clears: bool) -> None:
        kept = self.local_word if node.is_environment else 0
        super().enter(node, reselecting_clears=reselecting_clears)
        self.local_word = kept


@FAULTS.session(
    "fw.pin-of-one-df",
    "切换 DF 后个人密码状态丢失",
    "Moving between DFs drops the verified status of the PIN",
    ["SSC-FW-009", "SSC-PIN-006"],
    having("DF01", "DF02"),
)
class PinOfOneDf(Session):
    """The status of the PIN is kept with that of the application."""

    def enter(self, node: Node, *, reselecting_clears: bool) -> None:
        """Drop the PIN."""
        super().enter(node, reselecting_clears=reselecting_clears)
        for pin in node.environment.pins.values():
            self.global_word &= ~pin.bit


@FAULTS.command(
    "SELECT",
    "fw.foreign-file",
    "可选择其他 DF 的文件",
    "An EF of another DF can be selected",
    ["SSC-FW-010"],
    having("DF01", "DF02"),
)
def foreign_file(card: Card, command: Command, good: Handler) -> bytes:
    """What is not found here is looked for in the other applications."""
    try:
        return good(card, command)
    except StatusError:
        fid = int.from_bytes(command.data)
        if command.p1 in (0x00, 0x02):
            for node in card.session.node.environment.children:
                if fid in node.files_by_fid:
                    card.session.make_current(node.files_by_fid[fid])
                    return b""
        raise


@FAULTS.command(
    "APPLICATION BLOCK",
    "fw.block-spreads",
    "锁定一个应用波及其他应用",
    "Blocking one application blocks its neighbours",
    ["SSC-FW-013"],
    having("DF03", "DF04"),
)
def block_spreads(card: Card, command: Command, good: Handler) -> bytes:
    """The state is kept for the environment as a whole."""
    answer = good(card, command)
    neighbours = card.session.node.environment.children
    card.memory.commit({node.state_cell: DirectoryState.BLOCKED for node in neighbours})
    return answer


@FAULTS.card(
    "fw.purchase-outlives-select",
    "重选应用后消费交易仍可继续",
    "A purchase goes on after another SELECT",
    ["SSC-FW-012"],
    having("DF04/TF"),
)
class PurchaseOutlivesSelect(Card):
    """The transaction in progress is no part of the selection."""

    def _perform(self, command: Command) -> bytes:
        going_on = self.session.transaction
        answer = super()._perform(command)
        if command.ins == SELECT_INS and going_on is not None:
            self.session.transaction = going_on
        return answer
