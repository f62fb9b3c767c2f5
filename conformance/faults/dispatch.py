"""Faults of the frame round every command: class, instruction, length, GET RESPONSE."""

from __future__ import annotations

from conformance.faults.catalogue import FaultSet, issued, rebuilt
from conformance.faults.means import ALL_RIGHTS
from emulator.cos.card import GET_RESPONSE, Card
from emulator.cos.dispatch import SUCCESS, Handler
from emulator.cos.records import addressed_file
from emulator.iso7816 import SW, ApduError, Command, StatusError
from emulator.iso7816.status import is_wrong_le

FAULTS = FaultSet()
BACK_DOOR = 0x80F8
PATIENCE = 3


def _word(sw: int) -> bytes:
    return sw.to_bytes(2)


@FAULTS.card("cmd.any-class", "接受未知 CLA", "An unknown class byte is taken for 00", ["SSC-CMD-001"])
class AnyClass(Card):
    """Only the low half of the class byte is decoded."""

    def transmit(self, raw: bytes) -> bytes:
        """Drop a high half that no command has."""
        if raw and raw[0] >> 4 not in (0x0, 0x8, 0xB):
            raw = bytes([raw[0] & 0x0F]) + raw[1:]
        return super().transmit(raw)


@FAULTS.card(
    "cmd.unknown-instruction", "未知 INS 返回 6E00", "An unknown instruction is answered 6E00", ["SSC-CMD-002"]
)
class UnknownInstruction(Card):
    """One status word for everything unknown."""

    def transmit(self, raw: bytes) -> bytes:
        """Answer 6E00 instead of 6D00."""
        answer = super().transmit(raw)
        return _word(SW.CLASS_NOT_SUPPORTED) if answer == _word(SW.INSTRUCTION_NOT_SUPPORTED) else answer


def _open_all(card: Card, command: Command) -> bytes:
    card.session.global_word = card.session.local_word = ALL_RIGHTS
    return b""


def _with_back_door(card: Card) -> Card:
    broken = rebuilt(card)
    for table in broken.tables.values():
        table[BACK_DOOR] = _open_all
    return broken


FAULTS.add(
    "cmd.back-door",
    "厂商遗留的后门指令",
    "A command of the maker's own, left in, opens every access rule",
    ["SSC-CMD-002"],
    _with_back_door,
    issued,
)


@FAULTS.card("cmd.mute", "格式错误的命令无应答", "A malformed command gets no answer", ["SSC-CMD-012", "SSC-CMD-004"])
class Mute(Card):
    """The transport layer waits for bytes that never come."""

    def transmit(self, raw: bytes) -> bytes:
        """Answer nothing where the lengths do not fit."""
        try:
            Command.parse(raw)
        except ApduError:
            return b""
        return super().transmit(raw)


@FAULTS.card(
    "cmd.tired-of-errors",
    "连续三次错误后不再响应",
    "After three errors in a row every command is refused",
    ["SSC-CMD-012"],
)
class TiredOfErrors(Card):
    """A defence against fuzzing that goes too far."""

    errors = 0

    def reset(self, cold: bool = True) -> bytes:
        """Begin counting anew."""
        self.errors = 0
        return super().reset(cold)

    def transmit(self, raw: bytes) -> bytes:
        """Give up after too many errors."""
        if self.errors >= PATIENCE:
            return _word(SW.NO_PRECISE_DIAGNOSIS)
        answer = super().transmit(raw)
        self.errors = self.errors + 1 if answer[-2:-1] in b"\x67\x69\x6a\x6b\x6d\x6e" else 0
        return answer


@FAULTS.command("VERIFY", "cmd.p1-ignored", "VERIFY 不检查 P1", "VERIFY does not look at P1", ["SSC-CMD-003"])
def p1_ignored(card: Card, command: Command, good: Handler) -> bytes:
    """Any P1 is taken for 00."""
    return good(card, command._replace(p1=0))


@FAULTS.command(
    "VERIFY",
    "cmd.empty-verify",
    "Lc 为 0 的 VERIFY 返回剩余次数",
    "VERIFY without data tells the tries that remain",
    ["SSC-CMD-004", "SSC-PIN-009"],
)
def empty_verify(card: Card, command: Command, good: Handler) -> bytes:
    """A query that ISO/IEC 7816-4 knows and this family does not."""
    if command.data:
        return good(card, command)
    pin = card.session.node.environment.pins[0x00]
    remaining = card.memory.cells[pin.tries_cell]
    raise StatusError(0x63C0 | int(remaining if isinstance(remaining, int) else 0))


@FAULTS.command(
    "READ BINARY",
    "cmd.offset-beyond-end",
    "偏移越界返回 9000",
    "READ BINARY beyond the end answers nothing and 9000",
    ["SSC-CMD-005"],
)
def offset_beyond_end(card: Card, command: Command, good: Handler) -> bytes:
    """An offset beyond the end reads nothing."""
    try:
        return good(card, command)
    except StatusError as refused:
        if refused.sw != SW.WRONG_P1_P2:
            raise
        return b""


@FAULTS.command(
    "READ BINARY",
    "cmd.reads-past-end",
    "读二进制超出文件末尾",
    "READ BINARY goes on into the memory behind the file",
    ["SSC-CMD-006"],
)
def reads_past_end(card: Card, command: Command, good: Handler) -> bytes:
    """What lies behind the file is handed out up to Le."""
    try:
        return good(card, command)
    except StatusError as refused:
        if not is_wrong_le(refused.sw):
            raise
    return good(card, command._replace(ne=256)).ljust(command.ne, b"\xa5")


@FAULTS.card(
    "cmd.response-when-none",
    "无数据时 GET RESPONSE 返回 9000",
    "GET RESPONSE without data answers 9000",
    ["SSC-CMD-009"],
)
class ResponseWhenNone(Card):
    """Nothing waits, and nothing is said about it."""

    def transmit(self, raw: bytes) -> bytes:
        """Answer 9000 for a GET RESPONSE that nothing waits for."""
        waiting = self.session.pending
        answer = super().transmit(raw)
        return SUCCESS if raw[:2] == b"\x00\xc0" and not waiting and raw[2:4] == b"\x00\x00" else answer


@FAULTS.card(
    "cmd.response-kept",
    "旧应答数据未清除",
    "An answer that was not fetched stays for a later GET RESPONSE",
    ["SSC-CMD-009"],
)
class ResponseKept(Card):
    """The answer buffer is cleared by GET RESPONSE alone."""

    def _perform(self, command: Command) -> bytes:
        waiting = self.session.pending
        session = self.session
        try:
            return super()._perform(command)
        finally:
            if command.cla << 8 | command.ins != GET_RESPONSE and not session.pending:
                session.pending = waiting


@FAULTS.card(
    "cmd.response-wrong-length",
    "GET RESPONSE 的 Le 不符时长度提示错误",
    "6Cxx of GET RESPONSE names a wrong length",
    ["SSC-CMD-010"],
)
class ResponseWrongLength(Card):
    """6Cxx counts the two bytes of the status word."""

    def transmit(self, raw: bytes) -> bytes:
        """Add two to the length in 6Cxx."""
        answer = super().transmit(raw)
        if raw[1:2] == b"\xc0" and len(answer) == 2 and is_wrong_le(int.from_bytes(answer)):
            return bytes([answer[0], answer[1] + 2 & 0xFF])
        return answer


@FAULTS.command(
    "READ RECORD",
    "cmd.file-by-default",
    "无当前文件时读取默认文件",
    "READ RECORD without a current file takes the first one",
    ["SSC-CMD-011"],
)
def file_by_default(card: Card, command: Command, good: Handler) -> bytes:
    """Without a current file the first of the directory is read."""
    session = card.session
    files = session.node.files_by_sfi
    if command.p2 >> 3 == 0 and session.file is None and files:
        session.file = addressed_file(card, next(iter(files)))
    return good(card, command)


@FAULTS.command(
    "UPDATE RECORD",
    "cmd.short-update",
    "短数据更新被补齐后写入",
    "UPDATE RECORD with too few bytes is filled up",
    ["SSC-CMD-007"],
)
def short_update(card: Card, command: Command, good: Handler) -> bytes:
    """Missing bytes are taken for zeros."""
    try:
        return good(card, command)
    except StatusError as refused:
        if refused.sw != int(card.settings.update_length_answer, 16) or len(command.data) < 2:
            raise
        return good(card, command._replace(data=command.data.ljust(2 + command.data[1], b"\0")))


@FAULTS.command(
    "UPDATE RECORD",
    "cmd.tag-not-checked",
    "更新记录不检查标识",
    "UPDATE RECORD writes whatever tag it gets",
    ["SSC-CMD-008"],
)
def tag_not_checked(card: Card, command: Command, good: Handler) -> bytes:
    """Only the length of the record is looked at."""
    try:
        return good(card, command)
    except StatusError as refused:
        if refused.sw != SW.WRONG_DATA:
            raise
    file = addressed_file(card, command.p2 >> 3)
    stored = card.memory.cells[file.cell]
    number = command.p1
    if not isinstance(stored, tuple) or command.p2 & 7 != 4 or not 1 <= number <= len(stored):
        raise StatusError(SW.WRONG_DATA)
    card.memory.commit({file.cell: (*stored[: number - 1], command.data, *stored[number:])})
    return b""
