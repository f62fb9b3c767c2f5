"""Faults of keys, key versions and their error counters."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from conformance.faults.catalogue import FaultSet, having, version_3
from conformance.faults.means import authentication_key, counted_after, with_file
from emulator.cos import tries
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.memory import Value, number_in, octets_in
from emulator.cos.structure import FREE, FileStructure, Structure
from emulator.cos.tree import Node
from emulator.crypto import Algorithm, authentication_cryptogram
from emulator.iso7816 import SW, Command, StatusError
from emulator.iso7816.status import tries_of

FAULTS = FaultSet()
EXTERNAL, INTERNAL = "EXTERNAL AUTHENTICATE", "INTERNAL AUTHENTICATE"
VERSION_OFFSET = 16
LOCAL = 0x80


def _version(command: Command) -> int | None:
    """The version byte of an authentication, if it has one."""
    return command.data[VERSION_OFFSET] if len(command.data) == VERSION_OFFSET + 1 else None


@FAULTS.command(
    EXTERNAL,
    "key.version-ignored",
    "忽略密钥版本字节",
    "The version byte is ignored",
    ["SSC-KEY-003", "SSC-KEY-004", "SSC-KEY-007"],
)
def version_ignored(card: Card, command: Command, good: Handler) -> bytes:
    """Every version byte means version 1."""
    if _version(command) is None:
        return good(card, command)
    return good(card, command._replace(data=command.data[:VERSION_OFFSET] + b"\x01"))


@FAULTS.command(
    EXTERNAL,
    "key.any-version-fits",
    "任一版本的密文均被接受",
    "A cryptogram of any version is accepted",
    ["SSC-KEY-007"],
    version_3,
)
def any_version_fits(card: Card, command: Command, good: Handler) -> bytes:
    """The card tries all versions that it has."""
    key = authentication_key(card, command.p2)
    challenge = card.session.challenge
    if key is not None and challenge is not None and len(command.data) in (VERSION_OFFSET, VERSION_OFFSET + 1):
        for version in range(1, key.versions + 1):
            value = octets_in(card.memory.cells[key.cell(version)])
            fitting = authentication_cryptogram(card.algorithm, value, challenge, command.data[8:VERSION_OFFSET])
            if command.data[:8] == fitting:
                command = command._replace(data=command.data[:VERSION_OFFSET] + bytes([version]))
                break
    return good(card, command)


@FAULTS.command(
    EXTERNAL, "key.version-3-missing", "缺少第 3 版密钥", "Version 3 of the keys is missing", ["SSC-KEY-004"]
)
def version_3_missing(card: Card, command: Command, good: Handler) -> bytes:
    """Two groups of keys were loaded."""
    if _version(command) == 3:
        raise StatusError(int(card.settings.unknown_key_answer, 16))
    return good(card, command)


@FAULTS.command(
    EXTERNAL,
    "key.default-version-3",
    "无版本字节时使用第 3 版",
    "Without a version byte version 3 is used",
    ["SSC-KEY-006", "SSC-KEY-002", "SSC-AUT-004"],
)
def default_version_3(card: Card, command: Command, good: Handler) -> bytes:
    """The newest version is the default."""
    key = authentication_key(card, command.p2)
    if len(command.data) == VERSION_OFFSET and key is not None:
        command = command._replace(data=command.data + bytes([key.versions]))
    return good(card, command)


@FAULTS.command(
    EXTERNAL,
    "key.unknown-version-counts",
    "未知版本使计数器减一",
    "An unknown version costs a try",
    ["SSC-KEY-005"],
    version_3,
)
def unknown_version_counts(card: Card, command: Command, good: Handler) -> bytes:
    """The counter is lowered before the version is looked up."""
    key, version = authentication_key(card, command.p2), _version(command)
    if key is not None and version is not None and version > key.versions:
        tries.refuse_when_blocked(card.memory, key)
        tries.spend(card.memory, key)
    return good(card, command)


def _exchanged(cells: Mapping[str, Value]) -> dict[str, Value]:
    first, second = "key:SSSE/UKSSSE:1", "key:SSSE/UKSSSE:2"
    return {first: cells[second], second: cells[first]}


FAULTS.contents(
    "key.versions-exchanged",
    "第 1、2 版密钥互换",
    "Versions 1 and 2 of a key are exchanged",
    ["SSC-KEY-002", "SSC-KEY-003", "SSC-KEY-006"],
    _exchanged,
)
FAULTS.contents(
    "key.of-the-neighbour",
    "DF01 读密钥写成了 DF02 的读密钥",
    "The read key of DF01 is that of DF02",
    ["SSC-KEY-002", "SSC-KEY-010", "SSC-KEY-011"],
    lambda cells: {f"key:DF01/RK1DF01:{version}": cells[f"key:DF02/RK1DF02:{version}"] for version in (1, 2, 3)},
    having("DF01", "DF02"),
)


def _of_other_length(cells: Mapping[str, Value]) -> dict[str, Value]:
    """Sixteen bytes where eight belong; eight, repeated, where sixteen belong."""
    cell = "key:SSSE/STK:1"
    half = octets_in(cells[cell])[:8]
    return {cell: half * 2 if len(octets_in(cells[cell])) == 16 else half + bytes(byte ^ 0xFF for byte in half)}


FAULTS.contents(
    "key.maintenance-length",
    "STK 的长度错误",
    "The maintenance key has the length of the other algorithm",
    ["SSC-KEY-018", "SSC-SM-001", "SSC-SM-006"],
    _of_other_length,
)


@FAULTS.command(
    "INITIALIZE FOR PURCHASE",
    "key.purchase-index-missing",
    "缺少第 3 个消费密钥",
    "The third purchase key is missing",
    ["SSC-KEY-017"],
    having("DF04/TF"),
)
def purchase_index_missing(card: Card, command: Command, good: Handler) -> bytes:
    """Two purchase keys were loaded."""
    if command.data[:1] == b"\x03":
        raise StatusError(SW.KEY_INDEX_NOT_SUPPORTED)
    return good(card, command)


@FAULTS.command(
    EXTERNAL,
    "key.unknown-accepted",
    "不存在的密钥按错误密文处理",
    "An absent key is treated like a wrong cryptogram",
    ["SSC-KEY-008"],
)
def unknown_accepted(card: Card, command: Command, good: Handler) -> bytes:
    """No word for a key that is not there."""
    try:
        return good(card, command)
    except StatusError as refused:
        if refused.sw == int(card.settings.unknown_key_answer, 16) and _version(command) in (None, 1, 2, 3):
            raise StatusError(SW.AUTHENTICATION_FAILED) from None
        raise


@FAULTS.command(
    INTERNAL,
    "key.any-purpose",
    "内部认证可使用外部认证密钥",
    "INTERNAL AUTHENTICATE computes with update keys",
    ["SSC-KEY-009"],
)
def any_purpose(card: Card, command: Command, good: Handler) -> bytes:
    """Keys are found by their identifier alone: an oracle for external authentications."""
    node, _ = card.node_of_reference(command.p2)
    key = node.authentication_keys.get(command.p2)
    if command.p2 in node.internal_keys or key is None or len(command.data) not in (VERSION_OFFSET, VERSION_OFFSET + 1):
        return good(card, command)
    value = octets_in(card.memory.cells[key.cell(1)])
    return authentication_cryptogram(card.algorithm, value, command.data[:8], command.data[8:VERSION_OFFSET])


@FAULTS.structure("key.file-readable", "密钥文件可选可读", "The key file can be selected and read", ["SSC-KEY-001"])
def file_readable(structure: Structure) -> Structure:
    """The key file of the environment is an ordinary transparent file."""
    return with_file(
        structure, "SSSE/SF", lambda file: dataclasses.replace(file, structure=FileStructure.TRANSPARENT, read=FREE)
    )


@FAULTS.command(
    EXTERNAL,
    "key.counter-shared",
    "所有密钥共用一个计数器",
    "All keys of a directory share one error counter",
    ["SSC-KEY-013"],
)
def counter_shared(card: Card, command: Command, good: Handler) -> bytes:
    """A failure with one key lowers the counter of all."""
    node, _ = card.node_of_reference(command.p2)
    used = node.authentication_keys.get(command.p2)
    try:
        return good(card, command)
    finally:
        if used is not None:
            remaining = card.memory.cells[used.tries_cell]
            others = [key for key in node.authentication_keys.values() if key.limit == used.limit]
            card.memory.commit({key.tries_cell: remaining for key in others})


@FAULTS.command(
    EXTERNAL,
    "key.counter-not-restored",
    "认证成功不恢复计数器",
    "A right cryptogram does not restore the counter",
    ["SSC-KEY-013"],
)
def counter_not_restored(card: Card, command: Command, good: Handler) -> bytes:
    """Failures add up over the whole life of the card."""
    key = authentication_key(card, command.p2)
    before = None if key is None else card.memory.cells[key.tries_cell]
    answer = good(card, command)
    if key is not None and before is not None:
        card.memory.commit({key.tries_cell: before})
    return answer


@FAULTS.command(
    EXTERNAL,
    "key.never-locks",
    "密钥认证失败不计数",
    "Failures with a key are not counted",
    ["SSC-KEY-013", "SSC-KEY-014", "SSC-KEY-015"],
)
def never_locks(card: Card, command: Command, good: Handler) -> bytes:
    """The answer counts, the memory does not."""
    key = authentication_key(card, command.p2)
    try:
        return good(card, command)
    except StatusError as refused:
        if key is not None and tries_of(refused.sw) is not None:
            card.memory.commit({key.tries_cell: key.limit})
        raise


@FAULTS.command(
    EXTERNAL,
    "key.locked-accepts",
    "锁定的密钥仍接受正确密文",
    "A locked key accepts a right cryptogram",
    ["SSC-KEY-014"],
)
def locked_accepts(card: Card, command: Command, good: Handler) -> bytes:
    """The counter is looked at after a failure only."""
    key = authentication_key(card, command.p2)
    if key is not None and key.limit and card.memory.cells[key.tries_cell] == 0:
        card.memory.commit({key.tries_cell: 1})
    return good(card, command)


@FAULTS.card("key.counter-forgotten", "复位后密钥计数器恢复", "A reset restores the counters of keys", ["SSC-KEY-015"])
class CounterForgotten(Card):
    """The counters lie in RAM."""

    def reset(self, cold: bool = True) -> bytes:
        """Begin counting anew."""
        atr = super().reset(cold)
        keys = [key for directory in self.structure.directories for key in directory.keys]
        self.memory.commit({key.tries_cell: key.limit for key in keys})
        return atr


@FAULTS.command(
    EXTERNAL,
    "key.counted-late",
    "密文比较之后才减计数",
    "The error counter is lowered after the comparison",
    ["SSC-KEY-016"],
)
def counted_late(card: Card, command: Command, good: Handler) -> bytes:
    """A right cryptogram writes nothing, a wrong one writes afterwards: cut the power at the first write."""
    return counted_after(card, command, good)


@FAULTS.command(
    EXTERNAL,
    "key.other-algorithm",
    "同时接受另一算法的密文",
    "A cryptogram of the other algorithm is accepted, too",
    ["SSC-KEY-019"],
    version_3,
)
def other_algorithm(card: Card, command: Command, good: Handler) -> bytes:
    """The algorithm of the chip's earlier products was left in."""
    challenge, previous = card.session.challenge, card.session.previous_challenge
    key = authentication_key(card, command.p2)
    before = None if key is None else card.memory.cells[key.tries_cell]
    try:
        return good(card, command)
    except StatusError as refused:
        if key is None or before is None or tries_of(refused.sw) is None:
            raise
        failed = refused
    own = card.algorithm
    after = number_in(card.memory.cells[key.tries_cell])
    card.session.challenge, card.session.previous_challenge = challenge, previous
    card.memory.commit({key.tries_cell: before})
    card.algorithm = Algorithm.DES3 if own is Algorithm.SM4 else Algorithm.SM4
    try:
        return good(card, command)
    except StatusError:
        card.memory.commit({key.tries_cell: after})
        raise failed from None
    finally:
        card.algorithm = own


@FAULTS.card(
    "key.reached-from-above",
    "SSSE 中可引用 DF 的密钥",
    "Keys of a DF are reached from SSSE",
    ["SSC-KEY-012"],
    having("DF01"),
)
class ReachedFromAbove(Card):
    """A key identifier with the top bit set is looked for in all applications."""

    def node_of_reference(self, reference: int) -> tuple[Node, bool]:
        """Take the first application that has the key."""
        node = self.session.node
        if reference & LOCAL and node.is_environment:
            for child in node.children:
                if reference in child.authentication_keys:
                    return child, True
        return super().node_of_reference(reference)
