"""Faults of issuer scripts 发卡行脚本: what their MAC covers, when they are taken, how they are counted, what they block."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from conformance.faults.catalogue import FaultSet, paying
from conformance.faults.means import answered_only, rehearsed
from emulator.apps.payment.application import Application, Counter
from emulator.apps.payment.transaction import Authentication, Transaction, transaction_of
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.structure import CARD_STATE_CELL, CardState, DirectoryState
from emulator.crypto.payment import payment_mac
from emulator.iso7816 import SW, Command, StatusError

DEBIT = frozenset({"debit"})
"""Commands of the application itself, not of the environment around it."""
FAULTS = FaultSet(DEBIT)
BLOCK, UNBLOCK, BLOCK_CARD = "APPLICATION BLOCK", "APPLICATION UNBLOCK", "CARD BLOCK"
PUT_DATA = "PUT DATA"
SCRIPTS = (BLOCK, UNBLOCK, PUT_DATA, "UNBLOCK PIN", "UPDATE RECORD with MAC")
MAC_LENGTH = 4
LENGTH_AT, COUNTER_AT, CRYPTOGRAM_AT, DATA_AT = 4, 5, 7, 15
"""Places in the input of a MAC: header 4, Lc, counter 2, first cryptogram 8, data (JR/T 0025.5 C.2.4)."""
LAST_SCRIPT = "fault:last script"
REFUSED = SW.CONDITIONS_OF_USE_NOT_SATISFIED


# The MAC


def covered(card: Card, command: Command, data: bytes) -> bytes:
    """The input of a script command's MAC."""
    counter = Application(card).atc.to_bytes(2, "big")
    return command.header + bytes((len(data) + MAC_LENGTH,)) + counter + transaction_of(card).cryptogram + data


def mac_over(card: Card, data: bytes) -> bytes:
    """The MAC of this transaction over any input."""
    application = Application(card)
    return payment_mac(application.algorithm, application.session_key("payment MAC"), data, MAC_LENGTH)


def with_mac(card: Card, command: Command, data: bytes) -> Command:
    """A script command with these data and the right MAC."""
    return command._replace(data=data + mac_over(card, covered(card, command, data)))


def _mac_taken_for(card: Card, command: Command, good: Handler, inputs: Callable[[bytes], Iterable[bytes]]) -> bytes:
    """Take the MAC over some other input for the right one, too."""
    data, received = command.data[:-MAC_LENGTH], command.data[-MAC_LENGTH:]
    right = covered(card, command, data)
    if len(command.data) >= MAC_LENGTH and any(mac_over(card, each) == received for each in inputs(right)):
        command = with_mac(card, command, data)
    return good(card, command)


def _one_bit_off(right: bytes, first: int, last: int) -> Iterable[bytes]:
    """The input with one bit changed at a place from ``first`` to before ``last``."""
    for position in range(first, min(last, len(right))):
        for bit in range(8):
            yield right[:position] + bytes((right[position] ^ 1 << bit,)) + right[position + 1 :]


@FAULTS.command(SCRIPTS, "scr.mac-not-checked", "MAC 不验证", "The MAC is not checked", ["PAY-SCR-002"], paying)
def mac_not_checked(card: Card, command: Command, good: Handler) -> bytes:
    """Every MAC is right."""
    if len(command.data) < MAC_LENGTH or not transaction_of(card).cryptogram:
        return good(card, command)
    return good(card, with_mac(card, command, command.data[:-MAC_LENGTH]))


@FAULTS.command(
    SCRIPTS,
    "scr.wrong-counter",
    "MAC 用上一交易的 ATC 计算",
    "The MAC is computed with the counter of the transaction before",
    ["PAY-SCR-001"],
    paying,
)
def wrong_counter(card: Card, command: Command, good: Handler) -> bytes:
    """So that none of the bank's is right."""
    if len(command.data) < MAC_LENGTH or not transaction_of(card).cryptogram:
        return good(card, command)
    data, received = command.data[:-MAC_LENGTH], command.data[-MAC_LENGTH:]
    right = covered(card, command, data)
    before = (Application(card).atc - 1).to_bytes(2, "big")
    if mac_over(card, right[:COUNTER_AT] + before + right[CRYPTOGRAM_AT:]) == received:
        return good(card, with_mac(card, command, data))
    return good(card, command._replace(data=data + bytes((received[0] ^ 1,)) + received[1:]))


for _name, _zh, _en, _first, _last in (
    ("header", "命令头", "the header", 0, LENGTH_AT),
    ("counter", "ATC", "the counter", COUNTER_AT, CRYPTOGRAM_AT),
    ("cryptogram", "密文", "the cryptogram", CRYPTOGRAM_AT, DATA_AT),
    ("data", "数据", "the data", DATA_AT, 0xFF),
):

    def _inattentive(first: int, last: int) -> Callable[[Card, Command, Handler], bytes]:
        def deviation(card: Card, command: Command, good: Handler) -> bytes:
            return _mac_taken_for(card, command, good, lambda right: _one_bit_off(right, first, last))

        return deviation

    FAULTS.command(
        PUT_DATA,
        f"scr.mac-without-{_name}",
        f"MAC 不覆盖{_zh}",
        f"The MAC does not cover {_en}",
        ["PAY-SCR-011"],
        paying,
    )(_inattentive(_first, _last))


@FAULTS.command(
    SCRIPTS,
    "scr.length-without-mac",
    "MAC 输入的长度不含 MAC 也接受",
    "A MAC over a length without the MAC is taken, too",
    ["PAY-SCR-010"],
    paying,
)
def length_without_mac(card: Card, command: Command, good: Handler) -> bytes:
    """Both readings are right."""
    return _mac_taken_for(
        card, command, good, lambda right: [right[:LENGTH_AT] + bytes((len(right) - DATA_AT,)) + right[COUNTER_AT:]]
    )


@FAULTS.command(
    SCRIPTS,
    "scr.replay-accepted",
    "接受上一交易的脚本",
    "The script command of the last transaction is accepted again",
    ["PAY-SCR-009"],
    paying,
)
def replay_accepted(card: Card, command: Command, good: Handler) -> bytes:
    """The command that was right last stays right."""
    whole = command.header + command.data
    if card.memory.cells.get(LAST_SCRIPT) == whole:
        return good(card, with_mac(card, command, command.data[:-MAC_LENGTH]))
    answer = good(card, command)
    if LAST_SCRIPT not in card.memory.cells:
        card.memory.commit({LAST_SCRIPT: whole})
    return answer


# When scripts are taken, how they are counted


@FAULTS.command(
    SCRIPTS,
    "scr.goes-on-after-wrong-mac",
    "MAC 错误后仍执行后续脚本",
    "Scripts go on after a wrong MAC",
    ["PAY-SCR-003"],
    paying,
)
def goes_on_after_wrong_mac(card: Card, command: Command, good: Handler) -> bytes:
    """Nothing remembers it."""
    transaction_of(card).scripts_refused = False
    return good(card, command)


def _refusing(condition: Callable[[Transaction], bool]) -> Callable[[Card, Command, Handler], bytes]:
    def deviation(card: Card, command: Command, good: Handler) -> bytes:
        if condition(transaction_of(card)):
            raise StatusError(REFUSED)
        return good(card, command)

    return deviation


FAULTS.command(
    SCRIPTS,
    "scr.refused-early",
    "拒绝 GAC2 之前的脚本",
    "Scripts before the second cryptogram are refused",
    ["PAY-SCR-005"],
    paying,
)(_refusing(lambda transaction: not transaction.completed))
FAULTS.command(
    SCRIPTS,
    "scr.needs-authentication",
    "未做发卡行认证时拒绝脚本",
    "Scripts need issuer authentication",
    ["PAY-SCR-006"],
    paying,
)(_refusing(lambda transaction: transaction.authentication is not Authentication.PASSED))
FAULTS.command(
    UNBLOCK,
    "scr.unblock-needs-completion",
    "GAC2 之后才能解锁",
    "APPLICATION UNBLOCK needs the second cryptogram",
    ["PAY-SCR-015"],
    paying,
)(_refusing(lambda transaction: not transaction.completed))


@FAULTS.command(
    SCRIPTS,
    "scr.taken-after-failure",
    "认证失败后仍执行脚本",
    "Scripts are taken after failed issuer authentication",
    ["PAY-SCR-007"],
    paying,
)
def taken_after_failure(card: Card, command: Command, good: Handler) -> bytes:
    """As if it had not been performed."""
    transaction = transaction_of(card)
    if transaction.authentication is Authentication.FAILED:
        transaction.authentication = Authentication.NOT_PERFORMED
    return good(card, command)


def _recounted(count: Callable[[Transaction, int, int], int]) -> Callable[[Card, Command, Handler], bytes]:
    """A card that counts scripts by a rule of its own: from the counter before and after a command."""

    def deviation(card: Card, command: Command, good: Handler) -> bytes:
        before = Application(card).counter(Counter.SCRIPTS)
        try:
            return good(card, command)
        finally:
            application = Application(card)
            wanted = count(transaction_of(card), before, application.counter(Counter.SCRIPTS))
            application.count(Counter.SCRIPTS, wanted)
            application.commit()

    return deviation


FAULTS.command(SCRIPTS, "scr.not-counted", "脚本不计数", "Scripts are not counted", ["PAY-SCR-008"], paying)(
    _recounted(lambda transaction, before, after: before)
)
FAULTS.command(
    SCRIPTS, "scr.counter-overflows", "脚本计数器溢出归零", "The script counter overflows", ["PAY-SCR-008"], paying
)(_recounted(lambda transaction, before, after: (before + 1) % 16 if transaction.completed else after))
FAULTS.command(
    SCRIPTS,
    "scr.counted-early",
    "GAC2 之前的脚本也计数",
    "Scripts before the second cryptogram are counted",
    ["PAY-SCR-005"],
    paying,
)(_recounted(lambda transaction, before, after: min(before + 1, 15)))


@FAULTS.command(
    SCRIPTS, "scr.flag-not-set", "脚本失败标志不置位", "The failure flag is not set", ["PAY-SCR-004"], paying
)
def flag_not_set(card: Card, command: Command, good: Handler) -> bytes:
    """It stays what it was."""
    before = Application(card).counter(Counter.SCRIPT_FAILED)
    try:
        return good(card, command)
    except StatusError:
        _set_flag(card, before)
        raise


@FAULTS.command(
    "READ RECORD",
    "scr.flag-for-any-failure",
    "读记录失败也置脚本失败标志",
    "A failed READ RECORD sets the failure flag",
    ["PAY-SCR-032"],
    paying,
)
def flag_for_any_failure(card: Card, command: Command, good: Handler) -> bytes:
    """Whatever fails after the second cryptogram."""
    try:
        return good(card, command)
    except StatusError:
        if transaction_of(card).completed:
            _set_flag(card, 1)
        raise


def _set_flag(card: Card, value: int) -> None:
    application = Application(card)
    application.count(Counter.SCRIPT_FAILED, value)
    application.commit()


@FAULTS.command(
    PUT_DATA,
    "scr.torn",
    "设置数据时断电数据损坏",
    "Power lost during PUT DATA spoils the value",
    ["PAY-SCR-031"],
    paying,
)
def torn(card: Card, command: Command, good: Handler) -> bytes:
    """The old value is erased before the new one is written."""
    answer, refused, written = rehearsed(card, command, good)
    if refused is None:
        values = {cell: bytes(len(new)) for cell, new in written.items() if isinstance(new, bytes)}
        card.memory.commit(values)
    card.memory.commit(written)
    if refused is not None:
        raise refused
    return answer


# Blocking


@FAULTS.command(
    "GENERATE AC",
    "scr.blocks-at-once",
    "应用锁定立即生效",
    "APPLICATION BLOCK takes effect at once",
    ["PAY-SCR-012"],
    paying,
)
def blocks_at_once(card: Card, command: Command, good: Handler) -> bytes:
    """The second cryptogram becomes an AAC."""
    blocked = Application(card).state == DirectoryState.BLOCKED
    return good(card, command._replace(p1=0) if blocked else command)


@FAULTS.command(
    BLOCK,
    "scr.block-once",
    "锁定已锁定的应用被拒绝",
    "APPLICATION BLOCK of a blocked application is refused",
    ["PAY-SCR-013"],
    paying,
)
def block_once(card: Card, command: Command, good: Handler) -> bytes:
    """Nothing is left to block."""
    if Application(card).state == DirectoryState.BLOCKED:
        raise StatusError(REFUSED)
    return good(card, command)


@FAULTS.command(
    UNBLOCK, "scr.unblock-without-effect", "解锁不生效", "APPLICATION UNBLOCK has no effect", ["PAY-SCR-014"], paying
)
def unblock_without_effect(card: Card, command: Command, good: Handler) -> bytes:
    """Answered, and forgotten."""
    return answered_only(card, command, good)


@FAULTS.command(
    UNBLOCK, "scr.unblock-any-mac", "解锁不验证 MAC", "APPLICATION UNBLOCK takes any MAC", ["PAY-SCR-016"], paying
)
def unblock_any_mac(card: Card, command: Command, good: Handler) -> bytes:
    """Whoever sends it unblocks, and is told that he failed."""
    application = Application(card)
    if application.state == DirectoryState.BLOCKED:
        application.state = DirectoryState.OPERATIONAL
        application.commit()
    return good(card, command)


@FAULTS.command(
    BLOCK_CARD,
    "scr.card-block-one-application",
    "卡锁定只锁定本应用",
    "CARD BLOCK blocks one application only",
    ["PAY-SCR-017"],
    paying,
)
def card_block_one_application(card: Card, command: Command, good: Handler) -> bytes:
    """The others stay."""
    answer = good(card, command)
    application = Application(card)
    application.state = DirectoryState.BLOCKED
    application.changes[CARD_STATE_CELL] = CardState.OPERATIONAL
    application.commit()
    return answer


@FAULTS.command(
    UNBLOCK,
    "scr.card-block-reversible",
    "应用解锁可恢复已锁定的卡",
    "APPLICATION UNBLOCK reverses CARD BLOCK",
    ["PAY-SCR-017"],
    paying,
)
def card_block_reversible(card: Card, command: Command, good: Handler) -> bytes:
    """In the transaction in which the card was blocked."""
    answer = good(card, command)
    card.memory.commit({CARD_STATE_CELL: CardState.OPERATIONAL})
    return answer
