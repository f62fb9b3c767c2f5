"""Faults of blocking, of the life cycle, and of what must be closed after issue."""

from __future__ import annotations

from conformance.faults.catalogue import FaultSet, blank, having, issued, rebuilt
from conformance.faults.means import right_mac, unlocked, with_mac
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.memory import Value
from emulator.cos.structure import CARD_STATE_CELL, CardState, DirectoryState
from emulator.iso7816 import SW, Command, StatusError
from profiles import dictionary
from profiles.model import Profile

FAULTS = FaultSet()
BLOCK, CARD_BLOCK = "APPLICATION BLOCK", "CARD BLOCK"
PRE_ISSUE = ("CREATE FILE", "DELETE", "WRITE KEY")
UNBLOCK_CODE = 0x8418
BLOCKED = (DirectoryState.BLOCKED, DirectoryState.BLOCKED_FOR_GOOD)
LOCKABLE = having("DF03", "DF04")


def unblockable(profile: Profile) -> bool:
    """A card that declares APPLICATION UNBLOCK; on another one a block is always for good."""
    return LOCKABLE(profile) and profile.settings.application_unblock


def _states(card: Card, wanted: tuple[int, ...], state: int) -> dict[str, Value]:
    """The cells of directories in one of the wanted states, each with another state."""
    cells = card.memory.cells
    return {d.state_cell: state for d in card.structure.directories if cells[d.state_cell] in wanted}


@FAULTS.command(
    BLOCK,
    "life.block-without-effect",
    "应用锁定返回 9000 但未锁定",
    "APPLICATION BLOCK answers 9000 and blocks nothing",
    ["SSC-LIFE-001"],
    LOCKABLE,
)
def block_without_effect(card: Card, command: Command, good: Handler) -> bytes:
    """The state is not written."""
    node = card.session.node
    before = card.memory.cells[node.state_cell]
    answer = good(card, command)
    card.memory.commit({node.state_cell: before})
    return answer


@FAULTS.card(
    "life.block-until-reset",
    "复位后应用锁定解除",
    "A reset lifts the block of an application",
    ["SSC-LIFE-001", "SSC-LIFE-004"],
    LOCKABLE,
)
class BlockUntilReset(Card):
    """The state lies in RAM."""

    def reset(self, cold: bool = True) -> bytes:
        """Begin with every application usable."""
        atr = super().reset(cold)
        changes = _states(self, (DirectoryState.BLOCKED,), DirectoryState.OPERATIONAL)
        if changes:
            self.memory.commit(changes)
        return atr


@FAULTS.card(
    "life.permanent-until-reset",
    "复位后永久锁定解除",
    "A reset lifts the permanent block of an application",
    ["SSC-LIFE-006"],
    LOCKABLE,
)
class PermanentUntilReset(Card):
    """What is for good ends with the supply."""

    def reset(self, cold: bool = True) -> bytes:
        """Begin with every application usable that was blocked for good."""
        atr = super().reset(cold)
        changes = _states(self, (DirectoryState.BLOCKED_FOR_GOOD,), DirectoryState.OPERATIONAL)
        if changes:
            self.memory.commit(changes)
        return atr


@FAULTS.command(
    BLOCK,
    "life.permanent-is-temporary",
    "永久锁定与临时锁定相同",
    "A permanent block is a temporary one",
    ["SSC-LIFE-006"],
    unblockable,
)
def permanent_is_temporary(card: Card, command: Command, good: Handler) -> bytes:
    """P2 is not looked at."""
    answer = good(card, command)
    card.memory.commit(_states(card, (DirectoryState.BLOCKED_FOR_GOOD,), DirectoryState.BLOCKED))
    return answer


def _lift(card: Card, command: Command) -> bytes:
    if card.memory.cells[card.session.node.state_cell] not in BLOCKED:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    card.memory.commit({card.session.node.state_cell: DirectoryState.OPERATIONAL})
    return b""


def _with_unblock(card: Card) -> Card:
    broken = rebuilt(card)
    for table in broken.tables.values():
        table[UNBLOCK_CODE] = _lift
    broken.served_when_blocked = card.served_when_blocked | {UNBLOCK_CODE}
    return broken


FAULTS.add(
    "life.permanent-unblocked",
    "永久锁定可被解锁",
    "APPLICATION UNBLOCK lifts a permanent block",
    ["SSC-LIFE-006"],
    _with_unblock,
    LOCKABLE,
)


@FAULTS.command(
    BLOCK,
    "life.block-without-key",
    "应用锁定无需 LK 认证",
    "APPLICATION BLOCK works without LK",
    ["SSC-LIFE-002"],
    LOCKABLE,
)
def block_without_key(card: Card, command: Command, good: Handler) -> bytes:
    """The MAC is thought to be enough."""
    with unlocked(card):
        return good(card, command)


@FAULTS.command(
    BLOCK, "life.block-any-mac", "应用锁定不检查 MAC", "APPLICATION BLOCK takes any MAC", ["SSC-LIFE-003"], LOCKABLE
)
def block_any_mac(card: Card, command: Command, good: Handler) -> bytes:
    """The MAC is cut off and not compared."""
    right = right_mac(card, command)
    return good(card, command if right is None or not command.data else with_mac(command, right))


@FAULTS.command(
    BLOCK,
    "life.wrong-mac-blocks",
    "MAC 错误时仍锁定应用",
    "A wrong MAC is refused and the application blocked all the same",
    ["SSC-LIFE-003"],
    LOCKABLE,
)
def wrong_mac_blocks(card: Card, command: Command, good: Handler) -> bytes:
    """The state is written before the MAC is compared."""
    try:
        return good(card, command)
    except StatusError as refused:
        if refused.sw == SW.SECURE_MESSAGING_OBJECTS_INCORRECT:
            card.memory.commit({card.session.node.state_cell: DirectoryState.BLOCKED})
        raise


def _reading_when_blocked(card: Card) -> Card:
    broken = rebuilt(card)
    entry = dictionary.command("READ RECORD")
    broken.served_when_blocked = card.served_when_blocked | {entry.cla << 8 | entry.ins}
    return broken


FAULTS.add(
    "life.blocked-reads",
    "锁定的应用仍可读取",
    "A blocked application is still read",
    ["SSC-LIFE-001"],
    _reading_when_blocked,
    LOCKABLE,
)


@FAULTS.command(
    "SELECT",
    "life.blocked-selects",
    "选择已锁定应用返回 9000",
    "SELECT of a blocked application reports no block",
    ["SSC-LIFE-004"],
    LOCKABLE,
)
def blocked_selects(card: Card, command: Command, good: Handler) -> bytes:
    """The state is told by the other commands alone."""
    told = (int(card.settings.blocked_select_answer, 16), SW.APPLICATION_PERMANENTLY_BLOCKED)
    try:
        return good(card, command)
    except StatusError as refused:
        if refused.sw not in told:
            raise
        return card.session.node.answer


def _unblocked(card: Card) -> dict[str, Value]:
    """The states that CARD BLOCK ended, of the card or of an environment with its applications, as they were before."""
    changes = _states(card, (DirectoryState.TERMINATED,), DirectoryState.OPERATIONAL)
    if card.memory.cells[CARD_STATE_CELL] == CardState.TERMINATED:
        changes[CARD_STATE_CELL] = CardState.OPERATIONAL
    return changes


@FAULTS.card("life.card-block-until-reset", "复位后卡锁定解除", "A reset lifts the block of the card", ["SSC-LIFE-008"])
class CardBlockUntilReset(Card):
    """The state lies in RAM."""

    def reset(self, cold: bool = True) -> bytes:
        """Begin with a usable card."""
        if unblocked := _unblocked(self):
            self.memory.commit(unblocked)
        return super().reset(cold)


@FAULTS.card(
    "life.blocked-card-selects", "卡锁定后仍可选择应用", "On a blocked card SELECT still works", ["SSC-LIFE-008"]
)
class BlockedCardSelects(Card):
    """The state is looked at by every command but SELECT."""

    def _perform(self, command: Command) -> bytes:
        unblocked = _unblocked(self) if command.ins == 0xA4 else {}
        if not unblocked:
            return super()._perform(command)
        cells = self.memory.cells
        self.memory.cells = {**cells, **unblocked}
        try:
            return super()._perform(command)
        finally:
            self.memory.cells = cells


@FAULTS.command(
    CARD_BLOCK, "life.card-block-without-key", "卡锁定无需 BK 认证", "CARD BLOCK works without BK", ["SSC-LIFE-009"]
)
def card_block_without_key(card: Card, command: Command, good: Handler) -> bytes:
    """The MAC is thought to be enough."""
    with unlocked(card):
        return good(card, command)


@FAULTS.command(
    PRE_ISSUE,
    "life.open-after-issue",
    "发卡后仍接受发行前命令",
    "Pre-issue commands work after issue",
    ["SSC-LIFE-011"],
    lambda profile: issued(profile) and not blank(profile),
)
def open_after_issue(card: Card, command: Command, good: Handler) -> bytes:
    """END was sent and not obeyed."""
    cell = card.session.node.state_cell
    before = card.memory.cells[cell]
    card.memory.cells[cell] = DirectoryState.CREATION
    try:
        return good(card, command)
    finally:
        card.memory.cells[cell] = before


@FAULTS.command(
    "CREATE FILE",
    "life.transport-code-skipped",
    "无需传输密码即可建立文件",
    "Files are created without the transport code",
    ["SSC-LIFE-012"],
    blank,
)
def transport_code_skipped(card: Card, command: Command, good: Handler) -> bytes:
    """The chip takes orders from whoever holds it."""
    card.session.transport_code_shown = True
    return good(card, command)


@FAULTS.command(
    "UPDATE RECORD", "life.written-once", "个人化数据只能写入一次", "A record can be written once", ["SSC-LIFE-014"]
)
def written_once(card: Card, command: Command, good: Handler) -> bytes:
    """A mark behind each record, against rewriting."""
    mark = f"written:{card.session.node.directory.name}:{command.p2 >> 3}:{command.p1}"
    if mark in card.memory.cells:
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    answer = good(card, command)
    card.memory.commit({mark: 1})
    return answer


@FAULTS.command(
    (BLOCK, CARD_BLOCK, "UNBLOCK PIN"),
    "life.challenge-serves-two",
    "一个随机数可用于多条管理命令",
    "One challenge serves several management commands",
    ["SSC-LIFE-015", "SSC-PIN-022"],
)
def challenge_serves_two(card: Card, command: Command, good: Handler) -> bytes:
    """The session key stays until the next challenge."""
    challenge = card.session.challenge
    answer = good(card, command)
    card.session.challenge = challenge
    return answer
