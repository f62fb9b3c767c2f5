"""What a terminal says to a social security card: the steps that many cases share."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.bench import Bench
from conformance.failures import Inconclusive, NotApplicable
from conformance.targets.base import Interface
from emulator.iso7816 import SW, ApduError, Command, Response
from profiles.access import AccessCondition
from profiles.applications import OWN_APPLICATIONS
from profiles.model import Directory, File

ENVIRONMENT = "SSSE"
SELECT_BY_NAME = 0x04
LE_ANY = b"\x00"
SUCCESS = SW.SUCCESS
REFUSED = SW.SECURITY_STATUS_NOT_SATISFIED


def apdu(cla: int, ins: int, p1: int, p2: int, data: bytes = b"", ne: int = 0) -> bytes:
    """A short command APDU; ``ne`` 256 writes Le ``00``.

    Data of the card itself that do not fit into a command make the case inconclusive.
    """
    try:
        return Command(cla, ins, p1, p2, data, ne).to_bytes()
    except ApduError as problem:
        raise Inconclusive(
            "卡片数据过长，无法写入一条命令", f"the card's data do not fit into a command: {problem}"
        ) from None


def select_name(name: bytes) -> bytes:
    """SELECT by DF name."""
    return apdu(0x00, 0xA4, SELECT_BY_NAME, 0x00, name)


def select_identifier(fid: bytes, p1: int = 0x00) -> bytes:
    """SELECT by file identifier."""
    return apdu(0x00, 0xA4, p1, 0x00, fid)


def select(bench: Bench, directory: str) -> Response:
    """Select a directory of the profile by its name, or by its file identifier where it has no name.

    Through the antenna Le comes along: T=CL has no GET RESPONSE.
    """
    described = bench.profile.directory[directory]
    command = select_name(described.aid) if described.aid else select_identifier(described.fid)
    return bench.send(command + (LE_ANY if bench.target.interface is Interface.CONTACTLESS else b""))


def environment_of(bench: Bench, directory: str) -> str:
    """The MF or DDF in which a directory lies, itself included."""
    described = bench.profile.directory[directory]
    while described.kind == "ADF" and described.parent is not None:
        directory = described.parent
        described = bench.profile.directory[directory]
    return directory


def open_directory(bench: Bench, directory: str) -> None:
    """Select the environment of a directory and then the directory; inconclusive when the card refuses."""
    described = bench.profile.directory.get(directory)
    if described is None:
        raise NotApplicable(f"卡片声明中没有 {directory}", f"the declared card has no {directory}")
    environment = environment_of(bench, directory)
    bench.need(select(bench, environment), f"选择 {environment}", f"SELECT {environment}")
    if directory != environment:
        bench.need(select(bench, directory), f"选择 {directory}", f"SELECT {directory}")


def get_challenge(bench: Bench, length: int = 8) -> bytes:
    """A challenge of 8 bytes, which the card keeps as the process factor 过程因子."""
    response = bench.send(apdu(0x00, 0x84, 0, 0, ne=length))
    bench.need(response, "取随机数", "GET CHALLENGE")
    if len(response.data) != length:
        raise Inconclusive("随机数长度不符", f"GET CHALLENGE answered {len(response.data)} bytes")
    return response.data


def external_authentication(bench: Bench, key: str, data: bytes) -> Response:
    """EXTERNAL AUTHENTICATE with a ready data field."""
    kid = bench.keys.describe(key).kid
    if kid is None:
        raise NotApplicable(f"{key} 没有密钥标识", f"{key} has no key identifier")
    return bench.send(apdu(0x00, 0x82, 0x00, kid[0], data))


def authenticate(bench: Bench, key: str, *, version: int = 1, with_version: bool | None = None) -> Response:
    """GET CHALLENGE and EXTERNAL AUTHENTICATE with the right cryptogram."""
    challenge = get_challenge(bench)
    data = bench.keys.external_authentication(key, challenge, version=version, with_version=with_version)
    return external_authentication(bench, key, data)


def pin_bytes(digits: str) -> bytes:
    """Two digits a byte, an odd last digit followed by F."""
    return bytes.fromhex(digits + "F" * (len(digits) % 2))


def declared_pin(bench: Bench) -> str:
    """The digits of the PIN that the profile gives the card in its first state."""
    for directory in bench.profile.directory.values():
        if directory.application in OWN_APPLICATIONS:
            for pin in directory.pin.values():
                return pin.value
    raise NotApplicable("卡片声明中没有个人密码", "the declared card has no PIN")


def verify(bench: Bench, digits: str | None = None) -> Response:
    """VERIFY the PIN of the environment; the declared one unless another is given."""
    return bench.send(apdu(0x00, 0x20, 0, 0, pin_bytes(digits or declared_pin(bench))))


def read_record(bench: Bench, file: File, number: int) -> Response:
    """READ RECORD by number with a short file identifier."""
    return bench.send(apdu(0x00, 0xB2, number, file.short_identifier << 3 | 4, ne=256))


def read_binary(bench: Bench, file: File, offset: int = 0, length: int = 256) -> Response:
    """READ BINARY with a short file identifier, offset up to 255."""
    return bench.send(apdu(0x00, 0xB0, 0x80 | file.short_identifier, offset, ne=length))


def read_first(bench: Bench, file: File) -> Response:
    """Read what a file begins with: record 1, or up to 16 bytes."""
    return read_binary(bench, file, length=16) if file.structure == "transparent" else read_record(bench, file, 1)


def update_first(bench: Bench, file: File, value: bytes) -> Response:
    """Write what :func:`read_first` reads; into a cyclic file a new record goes."""
    if file.structure == "transparent":
        return bench.send(apdu(0x00, 0xD6, 0x80 | file.short_identifier, 0, value))
    if file.structure == "cyclic":
        return bench.send(apdu(0x00, 0xDC, 0, file.short_identifier << 3 | 3, value))
    return bench.send(apdu(0x00, 0xDC, 1, file.short_identifier << 3 | 4, value))


def prove(bench: Bench, name: str) -> None:
    """Show the card a PIN or key by its name in the access tables; inconclusive when it is refused."""
    if any(name in directory.pin for directory in bench.profile.directory.values()):
        bench.need(verify(bench), "验证个人密码", "VERIFY")
    else:
        bench.need(authenticate(bench, name), f"用 {name} 外部认证", f"EXTERNAL AUTHENTICATE with {name}")


def satisfy(bench: Bench, condition: AccessCondition) -> None:
    """Satisfy the first alternative of an access condition in the current directory."""
    if condition.is_never:
        raise NotApplicable("该操作永不允许", "nothing opens this access")
    for name in sorted(condition.alternatives[0]):
        prove(bench, name)


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A file of the profile with where it stands."""

    directory: str
    name: str
    described_directory: Directory
    file: File

    @property
    def path(self) -> str:
        """Directory and file, e.g. ``DF01/EF05``."""
        return f"{self.directory}/{self.name}"

    def open(self, bench: Bench) -> None:
        """Select the directory."""
        open_directory(bench, self.directory)


def file_places(profile_directories: dict[str, Directory]) -> list[FilePlace]:
    """All elementary files of the social security card that commands can reach, in the order of the profile."""
    return [
        FilePlace(directory, name, described, file)
        for directory, described in profile_directories.items()
        if described.application in OWN_APPLICATIONS
        for name, file in described.file.items()
        if file.structure != "internal"
    ]


def place(bench: Bench, path: str) -> FilePlace:
    """The file of a path such as ``SSSE/EF05``; not applicable where the declared card has none."""
    for found in file_places(bench.profile.directory):
        if found.path == path:
            return found
    raise NotApplicable(f"卡片声明中没有 {path}", f"the declared card has no {path}")
