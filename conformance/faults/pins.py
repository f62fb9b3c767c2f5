"""Faults of the PIN: counters, comparison, change, unblocking, reloading."""

from __future__ import annotations

from conformance.faults.catalogue import FaultSet, having
from conformance.faults.means import counted_after, with_settings
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.memory import number_in, octets_in
from emulator.cos.structure import Pin, Structure
from emulator.iso7816 import SW, Command, StatusError
from emulator.iso7816.status import tries_of

FAULTS = FaultSet()
VERIFY, CHANGE = "VERIFY", "CHANGE PIN"
SEPARATOR = 0xFF
LONGEST_PIN = 8


def pin_of(card: Card) -> Pin:
    """The PIN of the environment."""
    return next(iter(card.session.node.environment.pins.values()))


def has_pin(card: Card) -> bool:
    """Whether there is a PIN where the card stands."""
    return bool(card.session.node.environment.pins)


def set_tries(card: Card, remaining: int) -> None:
    """Write the try counter."""
    card.memory.commit({pin_of(card).tries_cell: remaining})


def tries_left_of(card: Card) -> int:
    """Read the try counter."""
    return number_in(card.memory.cells[pin_of(card).tries_cell])


# VERIFY


@FAULTS.command(
    VERIFY,
    "pin.no-decrement",
    "密码错误不减计数",
    "A wrong PIN does not lower the counter",
    ["SSC-PIN-002", "SSC-PIN-003"],
)
def no_decrement(card: Card, command: Command, good: Handler) -> bytes:
    """The answer tells one try less, the memory keeps them all."""
    before = tries_left_of(card) if has_pin(card) else 0
    try:
        return good(card, command)
    except StatusError as refused:
        if tries_of(refused.sw) is not None:
            set_tries(card, before)
        raise


@FAULTS.command(
    (VERIFY, CHANGE),
    "pin.counted-late",
    "密码比较之后才减计数",
    "The PIN counter is lowered after the comparison",
    ["SSC-PIN-002", "SSC-PIN-003", "SSC-KEY-016"],
)
def counted_late(card: Card, command: Command, good: Handler) -> bytes:
    """A right PIN writes nothing, a wrong one writes afterwards: cut the power at the first write."""
    return counted_after(card, command, good)


@FAULTS.card(
    "pin.counter-forgotten", "复位后密码计数器恢复", "A reset restores the PIN counter", ["SSC-PIN-003", "SSC-PIN-002"]
)
class CounterForgotten(Card):
    """The counter lies in RAM."""

    def reset(self, cold: bool = True) -> bytes:
        """Begin counting anew."""
        atr = super().reset(cold)
        pins = [pin for directory in self.structure.directories for pin in directory.pins]
        self.memory.commit({pin.tries_cell: pin.limit for pin in pins})
        return atr


@FAULTS.command(
    VERIFY, "pin.blocked-accepts", "锁定后正确密码仍通过", "A blocked PIN is still verified", ["SSC-PIN-003"]
)
def blocked_accepts(card: Card, command: Command, good: Handler) -> bytes:
    """The counter is looked at after a failure only."""
    if has_pin(card) and tries_left_of(card) == 0:
        set_tries(card, 1)
    return good(card, command)


@FAULTS.command(
    VERIFY,
    "pin.counter-not-restored",
    "验证成功不恢复计数器",
    "A right PIN does not restore the counter",
    ["SSC-PIN-004"],
)
def counter_not_restored(card: Card, command: Command, good: Handler) -> bytes:
    """Failures add up over the whole life of the card."""
    before = tries_left_of(card) if has_pin(card) else 0
    answer = good(card, command)
    set_tries(card, before)
    return answer


@FAULTS.command(
    VERIFY,
    "pin.restored-less-one",
    "验证成功后计数器恢复不足",
    "A right PIN restores the counter to one less than its limit",
    ["SSC-PIN-004", "SSC-PIN-002"],
)
def restored_less_one(card: Card, command: Command, good: Handler) -> bytes:
    """The try that was taken in advance is not given back."""
    answer = good(card, command)
    set_tries(card, pin_of(card).limit - 1)
    return answer


@FAULTS.command(
    VERIFY, "pin.prefix-accepted", "密码的前几位即可通过", "The beginning of the PIN is enough", ["SSC-PIN-002"]
)
def prefix_accepted(card: Card, command: Command, good: Handler) -> bytes:
    """As many bytes are compared as were presented."""
    presented = command.data.rstrip(b"\xff")
    if presented and has_pin(card):
        stored = octets_in(card.memory.cells[pin_of(card).cell])
        if stored.startswith(presented):
            command = command._replace(data=stored)
    return good(card, command)


@FAULTS.command(
    VERIFY, "pin.last-byte-ignored", "密码末字节未比较", "The last byte of the PIN is not compared", ["SSC-PIN-002"]
)
def last_byte_ignored(card: Card, command: Command, good: Handler) -> bytes:
    """A loop that ends one byte too early."""
    presented = command.data.rstrip(b"\xff")
    if presented and has_pin(card):
        stored = octets_in(card.memory.cells[pin_of(card).cell])
        if len(presented) == len(stored) and presented[:-1] == stored[:-1]:
            command = command._replace(data=stored)
    return good(card, command)


@FAULTS.command(
    VERIFY,
    "pin.letters-accepted",
    "非 BCD 密码按通过处理",
    "A PIN that is no BCD is taken for verified",
    ["SSC-PIN-008"],
)
def letters_accepted(card: Card, command: Command, good: Handler) -> bytes:
    """An error of the format check is taken for no error."""
    try:
        return good(card, command)
    except StatusError as refused:
        if refused.sw != SW.WRONG_DATA:
            raise
        return b""


@FAULTS.command(VERIFY, "pin.long-data-cut", "超长密码被截断", "A PIN of nine bytes is cut to eight", ["SSC-PIN-009"])
def long_data_cut(card: Card, command: Command, good: Handler) -> bytes:
    """Lc is cut to the size of the buffer."""
    return good(card, command._replace(data=command.data[:LONGEST_PIN]))


@FAULTS.command(
    VERIFY,
    "pin.only-in-environment",
    "DF 内不能验证密码",
    "The PIN cannot be verified inside a DF",
    ["SSC-PIN-007", "SSC-PIN-006"],
    having("DF04"),
)
def only_in_environment(card: Card, command: Command, good: Handler) -> bytes:
    """The PIN is looked for in the current directory."""
    if not card.session.node.is_environment:
        raise StatusError(SW.REFERENCED_DATA_NOT_FOUND)
    return good(card, command)


@FAULTS.structure(
    "pin.failure-and-state",
    "密码错误对已有状态的影响与声明不符",
    "A wrong PIN treats an earlier status otherwise than declared",
    ["SSC-PIN-005"],
)
def failure_and_state(structure: Structure) -> Structure:
    """A status is dropped where it should stay, kept where it should go."""
    return with_settings(structure, wrong_pin_clears_state=not structure.settings.wrong_pin_clears_state)


@FAULTS.command(
    VERIFY,
    "pin.initial-refused",
    "卡片拒绝初始密码",
    "The card refuses the initial PIN",
    ["SSC-PIN-023", "SSC-PIN-001"],
)
def initial_refused(card: Card, command: Command, good: Handler) -> bytes:
    """The rule of the terminals, built into the card."""
    if command.data == bytes.fromhex("123456"):
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    return good(card, command)


# CHANGE PIN


@FAULTS.command(
    CHANGE,
    "pin.failed-change-restores",
    "修改密码失败后计数器恢复",
    "A failed CHANGE PIN restores the counter",
    ["SSC-PIN-011"],
)
def failed_change_restores(card: Card, command: Command, good: Handler) -> bytes:
    """Guessing with CHANGE PIN undoes the failures of VERIFY."""
    try:
        return good(card, command)
    except StatusError as refused:
        if tries_of(refused.sw) is not None:
            set_tries(card, pin_of(card).limit)
        raise


@FAULTS.command(
    CHANGE,
    "pin.failed-change-is-free",
    "修改密码失败不减计数",
    "A failed CHANGE PIN does not lower the counter",
    ["SSC-PIN-011"],
)
def failed_change_is_free(card: Card, command: Command, good: Handler) -> bytes:
    """The counter belongs to VERIFY alone."""
    before = tries_left_of(card) if has_pin(card) else 0
    try:
        return good(card, command)
    except StatusError as refused:
        if tries_of(refused.sw) is not None:
            set_tries(card, before)
        raise


@FAULTS.command(
    CHANGE,
    "pin.change-keeps-counter",
    "修改密码成功不恢复计数器",
    "CHANGE PIN does not restore the counter",
    ["SSC-PIN-010"],
)
def change_keeps_counter(card: Card, command: Command, good: Handler) -> bytes:
    """The new PIN inherits the failures of the old one."""
    before = tries_left_of(card) if has_pin(card) else 0
    answer = good(card, command)
    set_tries(card, before)
    return answer


@FAULTS.command(CHANGE, "pin.change-of-blocked", "锁定后仍可修改密码", "A blocked PIN can be changed", ["SSC-PIN-012"])
def change_of_blocked(card: Card, command: Command, good: Handler) -> bytes:
    """A way round the block for who knows the PIN, and an oracle for who does not."""
    if has_pin(card) and tries_left_of(card) == 0:
        set_tries(card, 1)
    return good(card, command)


@FAULTS.command(
    CHANGE,
    "pin.separator-optional",
    "无分隔符的修改密码被接受",
    "CHANGE PIN works without the separator",
    ["SSC-PIN-013"],
)
def separator_optional(card: Card, command: Command, good: Handler) -> bytes:
    """Two PINs of equal length are told apart by their length."""
    data = command.data
    half = len(data) // 2
    if SEPARATOR not in data and len(data) % 2 == 0:
        data = data[:half] + bytes([SEPARATOR]) + data[half:]
    return good(card, command._replace(data=data))


@FAULTS.structure(
    "pin.change-and-state",
    "修改密码对验证状态的影响与声明不符",
    "CHANGE PIN treats the verified status otherwise than declared",
    ["SSC-PIN-010"],
)
def change_and_state(structure: Structure) -> Structure:
    """A status is set where it should stay as it was, left alone where it should be set."""
    return with_settings(structure, changed_pin_is_verified=not structure.settings.changed_pin_is_verified)
