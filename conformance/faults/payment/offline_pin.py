"""Faults of VERIFY and of the offline PIN 脱机PIN."""

from __future__ import annotations

from conformance.faults.catalogue import Deviation, FaultSet, paying
from conformance.faults.means import counted_after
from emulator.apps.payment.application import Application
from emulator.apps.payment.transaction import Cvr, transaction_of
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.iso7816 import SW, Command, StatusError
from emulator.iso7816.status import tries_left
from profiles.model import Profile

FAULTS = FaultSet(frozenset({"debit"}))
COMMAND = "VERIFY"
PIN_TRIES = 0x9F17
LENGTH = 8


def verifying(profile: Profile) -> bool:
    """A card whose payment application has an offline PIN."""
    return paying(profile) and any(each.payment is not None and each.pin for each in profile.directory.values())


def set_tries(card: Card, tries: int) -> None:
    """Write the try counter."""
    pin = Application(card).pin
    if pin is not None:
        card.memory.commit({pin.tries_cell: tries})


def tries_of(card: Card) -> int:
    """Tries left."""
    return Application(card).pin_tries or 0


@FAULTS.command(
    COMMAND,
    "verify.tries-not-restored",
    "正确 PIN 不恢复尝试次数",
    "A right PIN does not give the tries back",
    ["PAY-PIN-001"],
    verifying,
)
def tries_not_restored(card: Card, command: Command, good: Handler) -> bytes:
    """The counter stays where it was."""
    before = tries_of(card)
    answer = good(card, command)
    set_tries(card, before)
    return answer


@FAULTS.command(
    COMMAND,
    "verify.tells-too-many",
    "63Cx 多报一次",
    "A wrong PIN is told one try more than is left",
    ["PAY-PIN-002"],
    verifying,
)
def tells_too_many(card: Card, command: Command, good: Handler) -> bytes:
    """The counter as it was before the try, unless none is left."""
    try:
        return good(card, command)
    except StatusError as refusal:
        left = refusal.sw & 0x0F
        if refusal.sw >> 4 == 0x63C and left:
            raise StatusError(tries_left(left + 1)) from None
        raise


def _answers_otherwise(old: int, new: int) -> Deviation:
    """Another status word."""

    def verify(card: Card, command: Command, good: Handler) -> bytes:
        try:
            return good(card, command)
        except StatusError as refusal:
            if refusal.sw == old:
                raise StatusError(new) from None
            raise

    return verify


for _name, _zh, _en, _requirement, _old, _new in (
    (
        "verify.last-try-otherwise",
        "最后一次错误返回 6983",
        "The last wrong try is answered 6983",
        "PAY-PIN-003",
        0x63C0,
        SW.AUTHENTICATION_METHOD_BLOCKED,
    ),
    (
        "verify.further-try-otherwise",
        "用尽后同一交易返回 6984",
        "A further try in the transaction is answered 6984",
        "PAY-PIN-004",
        SW.AUTHENTICATION_METHOD_BLOCKED,
        SW.REFERENCE_DATA_NOT_USABLE,
    ),
    (
        "verify.later-try-otherwise",
        "用尽后的交易首次验证返回 6983",
        "The first try of a later transaction is answered 6983",
        "PAY-PIN-005",
        SW.REFERENCE_DATA_NOT_USABLE,
        SW.AUTHENTICATION_METHOD_BLOCKED,
    ),
):
    FAULTS.command(COMMAND, _name, _zh, _en, [_requirement], verifying)(_answers_otherwise(_old, _new))


@FAULTS.command(
    COMMAND,
    "verify.exhausted-accepted",
    "用尽后仍接受正确 PIN",
    "The right PIN is accepted without tries",
    ["PAY-PIN-006"],
    verifying,
)
def exhausted_accepted(card: Card, command: Command, good: Handler) -> bytes:
    """The comparison is made all the same; a wrong PIN gets the usual refusal."""
    if tries_of(card):
        return good(card, command)
    before, presented = transaction_of(card).cvr, transaction_of(card).pin_presented
    set_tries(card, 1)
    try:
        return good(card, command)
    except StatusError:
        transaction_of(card).cvr, transaction_of(card).pin_presented = before, presented
        set_tries(card, 0)
        return good(card, command)


def _bits(*, clears: int = 0, keeps: int = 0) -> Deviation:
    """Bits of the card verification results that a VERIFY does not set, or does not clear again."""

    def verify(card: Card, command: Command, good: Handler) -> bytes:
        before = transaction_of(card).cvr
        try:
            return good(card, command)
        finally:
            transaction = transaction_of(card)
            transaction.cvr = transaction.cvr & ~clears | before & keeps

    return verify


for _name, _zh, _en, _requirement, _deviation in (
    (
        "verify.not-noted",
        "CVR 不记录脱机 PIN 已执行",
        "The card verification results do not show that a PIN was presented",
        "PAY-PIN-007",
        _bits(clears=Cvr.PIN_PERFORMED),
    ),
    (
        "verify.failure-stays",
        "正确 PIN 不清除 CVR 失败位",
        "A right PIN leaves the failure of an earlier one in the results",
        "PAY-PIN-008",
        _bits(keeps=Cvr.PIN_FAILED),
    ),
    (
        "verify.exhaustion-not-noted",
        "CVR 不记录 PIN 尝试次数超限",
        "The card verification results do not show that the tries ended",
        "PAY-PIN-009",
        _bits(clears=Cvr.PIN_EXCEEDED),
    ),
):
    FAULTS.command(COMMAND, _name, _zh, _en, [_requirement], verifying)(_deviation)


FAULTS.command(
    COMMAND,
    "verify.compares-first",
    "先比较后计数",
    "The PIN is compared before its try is counted",
    ["PAY-PIN-011"],
    verifying,
)(counted_after)


@FAULTS.command(
    COMMAND,
    "verify.filler-ignored",
    "不检查 PIN 块填充",
    "The filler of the PIN block is not looked at",
    ["PAY-PIN-012"],
    verifying,
)
def filler_ignored(card: Card, command: Command, good: Handler) -> bytes:
    """Only control byte and digits count."""
    if len(command.data) != LENGTH:
        return good(card, command)
    digits = command.data.hex()[2 : 2 + (command.data[0] & 0x0F)]
    block = bytes.fromhex((command.data.hex()[:2] + digits).ljust(2 * LENGTH, "f"))
    return good(card, command._replace(data=block))


@FAULTS.command(
    "GET DATA",
    "verify.tries-withheld",
    "PIN 尝试计数器不可读",
    "The try counter cannot be read",
    ["PAY-PIN-014"],
    verifying,
)
def tries_withheld(card: Card, command: Command, good: Handler) -> bytes:
    """9F17 is private."""
    if command.p1 << 8 | command.p2 == PIN_TRIES:
        raise StatusError(SW.REFERENCED_DATA_NOT_FOUND)
    return good(card, command)
