"""Faults of SELECT, of file control information and of the directory file."""

from __future__ import annotations

import dataclasses

from conformance.faults.catalogue import FaultSet, having, version_3
from conformance.faults.means import records, with_directory, with_settings
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.session import Session
from emulator.cos.structure import File, Structure
from emulator.iso7816 import SW, Command, StatusError
from emulator.iso7816.status import is_more_available

FAULTS = FaultSet()
ENVIRONMENT = "SSSE"
COMMON, PERSONNEL, ABSENT = (bytes.fromhex("D156000005" + last) for last in ("00", "04", "09"))
BY_IDENTIFIER, CHILD_FILE, BY_NAME = 0x00, 0x02, 0x04
LAST_DIRECTION = 0x03
NOT_FOUND = StatusError(SW.FILE_NOT_FOUND)


@FAULTS.command(
    "SELECT",
    "sel.refusal-drops-file",
    "选择失败后丢失当前文件",
    "A refused SELECT drops the current file",
    ["SSC-SEL-015"],
)
def refusal_drops_file(card: Card, command: Command, good: Handler) -> bytes:
    """The search begins by forgetting the current EF."""
    try:
        return good(card, command)
    except StatusError:
        card.session.file = None
        raise


@FAULTS.command(
    "SELECT",
    "sel.refusal-leaves-directory",
    "选择失败后回到 MF",
    "A refused SELECT falls back to the MF",
    ["SSC-SEL-015"],
)
def refusal_leaves_directory(card: Card, command: Command, good: Handler) -> bytes:
    """The search begins at the MF and stays there."""
    try:
        return good(card, command)
    except StatusError:
        card.session.enter(card.master_file, reselecting_clears=True)
        raise


@FAULTS.command(
    "SELECT", "sel.refusal-drops-rights", "选择失败后丢失安全状态", "A refused SELECT drops the rights", ["SSC-SEL-015"]
)
def refusal_drops_rights(card: Card, command: Command, good: Handler) -> bytes:
    """The security status is cleared before the search."""
    try:
        return good(card, command)
    except StatusError:
        card.session.global_word = card.session.local_word = 0
        raise


@FAULTS.command(
    "SELECT",
    "sel.unknown-file-accepted",
    "选择不存在的文件返回 9000",
    "SELECT of an unknown file answers 9000",
    ["SSC-SEL-015"],
)
def unknown_file_accepted(card: Card, command: Command, good: Handler) -> bytes:
    """What is not found is ignored."""
    try:
        return good(card, command)
    except StatusError as refused:
        if refused.sw != SW.FILE_NOT_FOUND:
            raise
        return b""


@FAULTS.command(
    "SELECT", "sel.undefined-p1-accepted", "SELECT 不检查 P1", "SELECT takes an undefined P1 for 00", ["SSC-SEL-020"]
)
def undefined_p1_accepted(card: Card, command: Command, good: Handler) -> bytes:
    """Only the two known bits of P1 are looked at."""
    known = command.p1 <= CHILD_FILE or command.p1 == BY_NAME
    return good(card, command if known else command._replace(p1=BY_IDENTIFIER))


@FAULTS.command(
    "SELECT", "sel.child-file-unknown", "SELECT 不支持 P1=02", "SELECT of an EF with P1 02 is refused", ["SSC-SEL-012"]
)
def child_file_unknown(card: Card, command: Command, good: Handler) -> bytes:
    """Only the older form of the command is built in."""
    if command.p1 == CHILD_FILE:
        raise StatusError(SW.INCORRECT_P1_P2)
    return good(card, command)


@FAULTS.command(
    "SELECT",
    "sel.master-file-hidden",
    "应用内不能选择 MF",
    "The MF cannot be selected from an application",
    ["SSC-SEL-014"],
)
def master_file_hidden(card: Card, command: Command, good: Handler) -> bytes:
    """Identifiers are looked for below the current directory only."""
    if command.p1 == BY_IDENTIFIER and command.data == b"\x3f\x00" and not card.session.node.is_environment:
        raise NOT_FOUND
    return good(card, command)


@FAULTS.command(
    "SELECT",
    "sel.sibling-by-identifier",
    "不能按标识符选择同级 DF",
    "A sibling DF is not found by its identifier",
    ["SSC-SEL-011"],
)
def sibling_by_identifier(card: Card, command: Command, good: Handler) -> bytes:
    """From one application another is found by its name alone."""
    if command.p1 == BY_IDENTIFIER and command.data[:1] == b"\xdf":
        raise NOT_FOUND
    return good(card, command)


@FAULTS.command(
    "SELECT", "sel.environment-missing", "不能按名称选择 SSSE", "SSSE cannot be selected by its name", ["SSC-SEL-001"]
)
def environment_missing(card: Card, command: Command, good: Handler) -> bytes:
    """The name was written in another encoding than that of the terminals."""
    if command.p1 == BY_NAME and command.data.startswith(b"sx1.sh"):
        raise NOT_FOUND
    return good(card, command)


@FAULTS.command(
    "SELECT",
    "sel.file-information",
    "选择 EF 的应答不是模板",
    "SELECT of an EF answers objects outside a template",
    ["SSC-SEL-013"],
)
def file_information(card: Card, command: Command, good: Handler) -> bytes:
    """The identifier and the size of the file, as a vendor's tool likes them."""
    answer = good(card, command)
    file = card.session.file
    if file is None or command.data != file.fid.to_bytes(2):
        return answer
    return bytes([0x83, 0x02]) + command.data


@FAULTS.command(
    "SELECT",
    "sel.application-missing",
    "目录文件中的 DF07 不存在",
    "DF07 is announced but cannot be selected",
    ["SSC-SEL-010"],
    having("DF07"),
)
def application_missing(card: Card, command: Command, good: Handler) -> bytes:
    """A pre-issue script that stopped before the last application."""
    if command.p1 == BY_NAME and command.data == PERSONNEL:
        raise NOT_FOUND
    return good(card, command)


@FAULTS.command(
    "SELECT",
    "sel.length-of-template",
    "FCI 模板长度多 1",
    "The template of the FCI is one byte longer than it says",
    ["SSC-SEL-004", "SSC-SEL-002"],
)
def length_of_template(card: Card, command: Command, good: Handler) -> bytes:
    """The outer length counts one byte too many."""
    answer = good(card, command)
    return answer[:1] + bytes([answer[1] + 1]) + answer[2:] if answer else answer


@FAULTS.structure(
    "sel.algorithm-missing",
    "FCI 中没有算法标识",
    "The FCI has no algorithm identifier",
    ["SSC-SEL-003", "SSC-FMT-009"],
    version_3,
)
def algorithm_missing(structure: Structure) -> Structure:
    """The FCI of a 2.00 card on a 3.00 card."""
    return with_directory(structure, ENVIRONMENT, lambda d: dataclasses.replace(d, proprietary=b""))


@FAULTS.structure(
    "sel.algorithm-of-another",
    "FCI 声明了另一种算法",
    "The FCI announces the other algorithm",
    ["SSC-SEL-003", "SSC-KEY-019"],
    version_3,
)
def algorithm_of_another(structure: Structure) -> Structure:
    """The script of a 3DES product on an SM4 card."""
    announced = bytes.fromhex("9F0C03860101")
    return with_directory(structure, ENVIRONMENT, lambda d: dataclasses.replace(d, proprietary=announced))


@FAULTS.card("sel.promised-length", "61xx 的长度多 1", "61xx promises one byte more than waits", ["SSC-SEL-005"])
class PromisedLength(Card):
    """The status word counts a byte too many."""

    def transmit(self, raw: bytes) -> bytes:
        """Answer with one more in SW2."""
        answer = super().transmit(raw)
        if len(answer) == 2 and is_more_available(int.from_bytes(answer)):
            return bytes([answer[0], answer[1] + 1 & 0xFF])
        return answer


FAULTS.contents(
    "sel.directory-file-short",
    "目录文件缺少最后一个应用",
    "The directory file lacks the last application",
    ["SSC-SEL-017"],
    records("SSSE/DIR", lambda found: found[:-1]),
)
FAULTS.contents(
    "sel.directory-file-name",
    "目录文件中的 AID 错误",
    "An entry of the directory file names an application that the card does not have",
    ["SSC-SEL-017"],
    records("SSSE/DIR", lambda found: (found[0].replace(COMMON, ABSENT), *found[1:])),
)
FAULTS.contents(
    "sel.directory-file-label",
    "目录文件中生命与健康应用的标签错误",
    "The directory file labels the life and health application otherwise",
    ["SSC-SEL-016"],
    records(
        "SSSE/DIR", lambda found: tuple(entry.replace("健康".encode("gbk"), "康健".encode("gbk")) for entry in found)
    ),
    having("DF05"),
)


@FAULTS.session(
    "sel.short-identifier-forgotten",
    "短文件标识不改变当前文件",
    "A command with a short file identifier does not make the file current",
    ["SSC-SEL-021"],
)
class ShortIdentifierForgotten(Session):
    """The implicit selection ends with the command."""

    def make_current(self, file: File) -> None:
        """Leave the current file as it was."""


@FAULTS.structure(
    "sel.partial-name", "部分 AID 选择与声明不符", "Partial names are treated otherwise than declared", ["SSC-SEL-019"]
)
def partial_name(structure: Structure) -> Structure:
    """Left matches are refused where the product finds them, found where it refuses them."""
    other = "refused" if structure.settings.partial_name == "left" else "left"
    return with_settings(structure, partial_name=other)
