"""The directory tree as the running card walks it: indexes over a :class:`~emulator.cos.structure.Structure`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from emulator.cos.structure import (
    BOTH_INTERFACES,
    CONTACT,
    CONTACTLESS,
    Directory,
    File,
    FileStructure,
    Key,
    Pin,
    Structure,
)
from emulator.iso7816 import tlv

if TYPE_CHECKING:
    from emulator.cos.dispatch import CommandTable

FCI_TEMPLATE, DF_NAME, FILE_IDENTIFIER, PROPRIETARY, DIRECTORY_FILE_SFI = 0x6F, 0x84, 0x83, 0xA5, 0x88


class Node:
    """A directory with its parent, its children and everything looked up by number."""

    __slots__ = (
        "answer",
        "authentication_keys",
        "children",
        "commands",
        "directory",
        "environment",
        "files_by_fid",
        "files_by_sfi",
        "internal_files",
        "internal_keys",
        "is_environment",
        "keys",
        "parent",
        "pins",
        "state_cell",
    )

    def __init__(self, directory: Directory, parent: Node | None, commands: CommandTable, answer: bytes) -> None:
        self.directory = directory
        self.parent = parent
        self.commands = commands
        self.answer = answer
        self.children: list[Node] = []
        self.is_environment = directory.kind != "ADF"
        self.environment: Node = self if self.is_environment or parent is None else parent.environment
        self.state_cell = directory.state_cell
        visible = [file for file in directory.files if file.structure is not FileStructure.INTERNAL]
        self.files_by_fid: dict[int, File] = {file.fid: file for file in visible}
        self.files_by_sfi: dict[int, File] = {file.sfi: file for file in visible}
        self.internal_files: dict[str, File] = {
            file.path.rpartition("/")[2]: file for file in directory.files if file not in visible
        }
        self.keys: dict[str, Key] = {key.path.rpartition("/")[2]: key for key in directory.keys}
        self.authentication_keys: dict[int, Key] = {
            key.reference: key for key in directory.keys if key.use in {"external authentication", "master"}
        }
        self.internal_keys: dict[int, Key] = {
            key.reference: key for key in directory.keys if key.use == "internal authentication"
        }
        self.pins: dict[int, Pin] = {pin.reference: pin for pin in directory.pins}

    def walk(self) -> Iterator[Node]:
        """This node and all below it, in the order of creation, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def child(self, fid: int) -> Node | None:
        """The child directory with a file identifier."""
        return next((child for child in self.children if child.directory.fid == fid), None)


def file_control_information(directory: Directory, adf_has_proprietary: bool) -> bytes:
    """Answer of SELECT for a directory: ``6F{84 name, A5{88 SFI, …}, …}``; tag 83 where there is no name.

    An ADF answers its name alone unless the profile's setting says otherwise (reconstructed specification §1,
    vol. 2 §4.3).
    """
    fid = directory.fid.to_bytes(2, "big")
    name = tlv.build(DF_NAME, directory.aid) if directory.aid else tlv.build(FILE_IDENTIFIER, fid)
    proprietary = b""
    if directory.kind != "ADF" or adf_has_proprietary:
        if directory.directory_file is not None:
            proprietary = tlv.build(DIRECTORY_FILE_SFI, bytes([directory.directory_file]))
        proprietary += directory.proprietary
    closed = tlv.build(PROPRIETARY, proprietary) if proprietary else b""
    return tlv.build(FCI_TEMPLATE, name, closed, directory.template)


def grow(structure: Structure, tables: dict[str, CommandTable], interface: str = CONTACT) -> Node:
    """Build the tree of a chip as one interface shows it, and hand out its MF.

    ``tables`` has the commands of each application. What lies in a directory of the other interface appears in the one
    above it.
    """
    with_proprietary = structure.settings.select_adf_answer == "name and proprietary"
    nodes: dict[str, Node] = {}
    for directory in structure.directories:
        parent = nodes[directory.parent] if directory.parent is not None else None
        if directory.interface not in (interface, BOTH_INTERFACES) and parent is not None:
            nodes[directory.name] = parent
            continue
        own = directory.contactless_answer if interface == CONTACTLESS else b""
        answer = own or directory.answer or file_control_information(directory, with_proprietary)
        node = Node(directory, parent, tables[directory.application], answer)
        if parent is not None:
            parent.children.append(node)
        nodes[directory.name] = node
    return nodes[structure.directories[0].name]
