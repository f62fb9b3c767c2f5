"""Faults of unblocking and reloading the PIN."""

from __future__ import annotations

from conformance.faults.catalogue import FaultSet, version_3
from conformance.faults.means import MAC_LENGTH, right_mac, unlocked, with_mac
from conformance.faults.pins import has_pin, pin_of, set_tries, tries_left_of
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.iso7816 import SW, Command, StatusError

FAULTS = FaultSet()
UNBLOCK = "UNBLOCK PIN"
UNBLOCKING, RELOADING = 0x00, 0x01


@FAULTS.command(
    UNBLOCK, "pin.unblock-without-puk", "解锁密码无需 PUK 认证", "Unblocking works without the PUK", ["SSC-PIN-014"]
)
def unblock_without_puk(card: Card, command: Command, good: Handler) -> bytes:
    """The MAC is thought to be enough."""
    with unlocked(card):
        return good(card, command)


@FAULTS.command(
    UNBLOCK, "pin.unblock-verifies", "解锁密码后视为已验证", "UNBLOCK PIN sets the verified status", ["SSC-PIN-015"]
)
def unblock_verifies(card: Card, command: Command, good: Handler) -> bytes:
    """The holder's data are open to the unblocking station."""
    answer = good(card, command)
    card.session.grant(pin_of(card).bit, locally=False)
    return answer


@FAULTS.command(
    UNBLOCK, "pin.unblock-resets-value", "解锁密码时密码被重置", "UNBLOCK PIN sets the PIN to zeros", ["SSC-PIN-015"]
)
def unblock_resets_value(card: Card, command: Command, good: Handler) -> bytes:
    """Unblocking is taken for reloading."""
    answer = good(card, command)
    if command.p2 == UNBLOCKING:
        card.memory.commit({pin_of(card).cell: bytes(3)})
    return answer


@FAULTS.command(UNBLOCK, "pin.unblock-any-mac", "解锁密码不检查 MAC", "UNBLOCK PIN takes any MAC", ["SSC-PIN-016"])
def unblock_any_mac(card: Card, command: Command, good: Handler) -> bytes:
    """The MAC is cut off and not compared."""
    right = right_mac(card, command)
    if right is None or len(command.data) < MAC_LENGTH:
        return good(card, command)
    return good(card, with_mac(command, right))


@FAULTS.command(
    UNBLOCK,
    "pin.wrong-mac-unblocks",
    "MAC 错误时仍恢复计数器",
    "A wrong MAC is refused and the counter restored all the same",
    ["SSC-PIN-016"],
)
def wrong_mac_unblocks(card: Card, command: Command, good: Handler) -> bytes:
    """The counter is written before the MAC is compared."""
    try:
        return good(card, command)
    except StatusError as refused:
        if refused.sw == SW.SECURE_MESSAGING_OBJECTS_INCORRECT:
            set_tries(card, pin_of(card).limit)
        raise


@FAULTS.command(
    UNBLOCK,
    "pin.unblock-without-challenge",
    "无随机数时以全零计算 MAC",
    "Without a challenge the MAC is made with zeros",
    ["SSC-PIN-017"],
)
def unblock_without_challenge(card: Card, command: Command, good: Handler) -> bytes:
    """A MAC that is right once is right for ever."""
    if card.session.challenge is None:
        card.session.remember_challenge(bytes(8))
    return good(card, command)


@FAULTS.command(
    UNBLOCK,
    "pin.replay-accepted",
    "重放的重装密码命令被接受",
    "A reload or unblock is accepted a second time",
    ["SSC-PIN-022", "SSC-LIFE-015"],
)
def replay_accepted(card: Card, command: Command, good: Handler) -> bytes:
    """The challenge outlives the command."""
    challenge = card.session.challenge
    answer = good(card, command)
    card.session.challenge = challenge
    return answer


@FAULTS.command(
    UNBLOCK,
    "pin.malformed-block-accepted",
    "格式错误的密码块被接受",
    "A malformed PIN block is accepted",
    ["SSC-PIN-021"],
)
def malformed_block_accepted(card: Card, command: Command, good: Handler) -> bytes:
    """A block that cannot be read leaves the PIN as it is and is answered 9000."""
    try:
        return good(card, command)
    except StatusError as refused:
        if refused.sw != SW.WRONG_DATA:
            raise
        return b""


@FAULTS.command(
    UNBLOCK, "pin.any-block-length", "重装密码不检查 Lc", "RELOAD PIN does not look at Lc", ["SSC-PIN-020"], version_3
)
def any_block_length(card: Card, command: Command, good: Handler) -> bytes:
    """A wrong length shows itself by the MAC alone."""
    try:
        return good(card, command)
    except StatusError as refused:
        if refused.sw == SW.WRONG_LENGTH and command.p2 == RELOADING:
            raise StatusError(SW.SECURE_MESSAGING_OBJECTS_INCORRECT) from None
        raise


@FAULTS.command(
    UNBLOCK,
    "pin.reload-keeps-counter",
    "重装密码不恢复计数器",
    "RELOAD PIN does not restore the counter",
    ["SSC-PIN-018", "SSC-PIN-019"],
)
def reload_keeps_counter(card: Card, command: Command, good: Handler) -> bytes:
    """A blocked card gets a new PIN and stays blocked."""
    before = tries_left_of(card) if has_pin(card) else 0
    answer = good(card, command)
    if command.p2 == RELOADING:
        set_tries(card, before)
    return answer
