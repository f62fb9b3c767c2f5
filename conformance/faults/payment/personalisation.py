"""Faults of the personalisation of a payment application 个人化."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from conformance.faults.catalogue import Deviation, FaultSet
from conformance.faults.payment.means import replaced
from emulator.apps.personalisation import store
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.memory import Value
from emulator.iso7816 import SW, Command, StatusError
from profiles.applications import awaited_directory
from profiles.model import Profile
from profiles.payment_model import PERSONALISATION

FAULTS = FaultSet(frozenset({PERSONALISATION, "debit"}))
INITIALISE, AUTHENTICATE = "INITIALIZE UPDATE", "EXTERNAL AUTHENTICATE with MAC"
STORE = ("STORE DATA", "STORE DATA with MAC")
READ = "READ RECORD"
KEY_DATA_SIZE, PROTOCOL = 10, 11
SEQUENCE_CELL = "personalisation sequence:"
FIRST, SECOND, SIGNED_FILE, INTERNAL_FILES = (1, 1), (1, 2), 3, (0x0D, 0x0E)


def awaited(profile: Profile) -> bool:
    """A chip before its personalisation."""
    return awaited_directory(profile) is not None


def _answer(change: Callable[[bytes], bytes]) -> Deviation:
    """INITIALIZE UPDATE with another answer."""

    def initialise(card: Card, command: Command, good: Handler) -> bytes:
        return change(good(card, command))

    return initialise


def _taken(word: int) -> Deviation:
    """A command that is taken where it should be refused with a status word."""

    def command(card: Card, command: Command, good: Handler) -> bytes:
        try:
            return good(card, command)
        except StatusError as refusal:
            if refusal.sw != word:
                raise
            return b""

    return command


for _name, _zh, _en, _requirement, _change in (
    (
        "per.no-key-version",
        "初始化更新不返回密钥版本",
        "INITIALIZE UPDATE leaves the key version out",
        "PAY-PER-001",
        lambda answer: answer[:KEY_DATA_SIZE] + answer[PROTOCOL:],
    ),
    (
        "per.other-protocol",
        "安全通道协议为 01",
        "INITIALIZE UPDATE names secure channel protocol 01",
        "PAY-PER-001",
        lambda answer: answer[:PROTOCOL] + b"\x01" + answer[PROTOCOL + 1 :],
    ),
    (
        "per.serial-first",
        "KEYDATA 先给芯片序列号",
        "The key data begin with the chip serial number",
        "PAY-PER-002",
        lambda answer: answer[6:KEY_DATA_SIZE] + answer[:6] + answer[KEY_DATA_SIZE:],
    ),
    (
        "per.card-cryptogram",
        "卡片密文错误",
        "The card cryptogram is wrong",
        "PAY-PER-004",
        lambda answer: answer[:-1] + bytes((answer[-1] ^ 1,)),
    ),
):
    FAULTS.command(INITIALISE, _name, _zh, _en, [_requirement], awaited)(_answer(_change))

FAULTS.command(
    AUTHENTICATE,
    "per.any-host-cryptogram",
    "接受任何主机密文",
    "Any host cryptogram is taken",
    ["PAY-PER-005"],
    awaited,
)(_taken(SW.AUTHENTICATION_FAILED))
FAULTS.command(
    STORE,
    "per.open-store",
    "无安全通道也接受存储数据",
    "STORE DATA is taken without a channel",
    ["PAY-PER-005", "PAY-PER-006"],
    awaited,
)(_taken(SW.CONDITIONS_OF_USE_NOT_SATISFIED))
FAULTS.command(STORE, "per.mac-ignored", "不校验 C-MAC", "A wrong C-MAC is taken", ["PAY-PER-007"], awaited)(
    _taken(SW.SECURE_MESSAGING_OBJECTS_INCORRECT)
)
FAULTS.command(
    STORE, "per.unknown-grouping", "接受未知数据分组", "An unknown data grouping is taken", ["PAY-PER-009"], awaited
)(_taken(SW.REFERENCED_DATA_NOT_FOUND))


@FAULTS.command(
    STORE,
    "per.never-closed",
    "最后一条存储数据不结束个人化",
    "The last STORE DATA closes nothing",
    ["PAY-PER-008"],
    awaited,
)
def never_closed(card: Card, command: Command, good: Handler) -> bytes:
    """The block is stored, the application goes on waiting."""
    with replaced(store, "issue", lambda work: None):
        return good(card, command)


def _from_zero(cells: Mapping[str, Value]) -> dict[str, Value]:
    return {cell: 0 for cell in cells if cell.startswith(SEQUENCE_CELL)}


FAULTS.contents(
    "per.sequence-from-zero",
    "序列计数器从 0000 开始",
    "The sequence counter begins with 0000",
    ["PAY-PER-003"],
    _from_zero,
    awaited,
)


@FAULTS.command(
    READ,
    "per.records-changed-about",
    "SFI 03 的记录号颠倒",
    "Records of SFI 03 change places",
    ["PAY-PER-011"],
    awaited,
)
def changed_about(card: Card, command: Command, good: Handler) -> bytes:
    """Records 1 and 2."""
    if command.p2 >> 3 == SIGNED_FILE and command.p1 in FIRST + SECOND:
        command = command._replace(p1=3 - command.p1)
    return good(card, command)


@FAULTS.command(
    READ,
    "per.both-track-records",
    "DGI 0101 和 0102 均存在",
    "DGI 0101 and 0102 are both there",
    ["PAY-PER-010"],
    awaited,
)
def both_track_records(card: Card, command: Command, good: Handler) -> bytes:
    """Record 2 of the first file is as record 1."""
    place = command.p2 >> 3, command.p1
    return good(card, command._replace(p1=1) if place == SECOND else command)


@FAULTS.command(
    READ,
    "per.internal-readable",
    "内部数据可用读记录读出",
    "Internal data can be read as a record",
    ["PAY-PER-012"],
    awaited,
)
def internal_readable(card: Card, command: Command, good: Handler) -> bytes:
    """What 0D01 and 0E01 gave, as the files that their first bytes name."""
    if command.p2 >> 3 in INTERNAL_FILES and command.p1 == 1:
        return bytes.fromhex("9F51020156")
    return good(card, command)
