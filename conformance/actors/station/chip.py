"""A chip before its issue, by the pre-issue commands: transport code, CREATE FILE, WRITE KEY, DELETE, END (§3.5)."""

from __future__ import annotations

from enum import Enum

from conformance.actors.key_service import KeyService
from conformance.actors.medical.reader import CardGone, CardRefused
from conformance.actors.station.link import ChipLink
from conformance.actors.terminal.channel import Channel
from conformance.actors.terminal.ending import Ended, Reason
from conformance.failures import BenchError
from emulator.iso7816 import SW, Atr, AtrError, Response

CREATE, END, TRANSPORT_CODE = 0x01, 0x02, 0x03
DELETE_ALL = 0x03
MASTER_FILE = b"\x3f\x00"
TRANSPORT_KEY, MASTER_KEY = "TK", "MKMF"
CHALLENGE = 8
SHORTEST_HISTORICAL = 8
CLOSED = frozenset({SW.REFERENCED_DATA_NOT_FOUND, SW.CONDITIONS_OF_USE_NOT_SATISFIED, SW.INSTRUCTION_NOT_SUPPORTED})
"""What a chip answers to the transport code once its master file is ended."""


class Phase(Enum):
    """Where a chip stands before the transport code is taken for right."""

    OPEN = "open"
    CLOSED = "closed"


class Chip:
    """A chip that is reached over a link; every method raises :class:`CardGone` or :class:`CardRefused`."""

    def __init__(self, link: ChipLink) -> None:
        self.link = link
        self._channel = Channel(link, lambda event: None)
        self.atr = b""

    def reset(self) -> bytes:
        """Switch the chip on; answers its historical bytes."""
        try:
            self.atr = self.link.reset()
        except BenchError as problem:
            raise CardGone(str(problem)) from problem
        try:
            historical = Atr.parse(self.atr).historical
        except AtrError as error:
            raise CardRefused("复位应答无法解析", f"the reset answer cannot be read: {error}") from error
        if len(historical) < SHORTEST_HISTORICAL:
            raise CardRefused("复位应答中没有卡分散因子", "the reset answer has no card factor")
        return historical

    def send(self, cla: int, ins: int, p1: int, p2: int, data: bytes = b"", ne: int = 0) -> Response:
        """Exchange a command."""
        try:
            return self._channel.send(cla, ins, p1, p2, data, ne)
        except Ended as ended:
            if ended.reason is Reason.CARD_LOST:
                raise CardGone(ended.detail) from ended
            raise CardRefused("芯片应答无效", "the chip's answer is none") from ended

    def need(self, answer: Response, zh: str, en: str) -> Response:
        """Raises :class:`CardRefused` unless the answer is good."""
        if answer.sw != SW.SUCCESS:
            raise CardRefused(zh, en, answer.sw)
        return answer

    def select(self, fid: bytes) -> None:
        """SELECT by file identifier."""
        self.need(self.send(0x00, 0xA4, 0x00, 0x00, fid, 256), "选择文件", f"SELECT of {fid.hex().upper()}")

    def knows(self, name: bytes) -> bool:
        """Whether there is an application of this name, whatever its state."""
        return self.send(0x00, 0xA4, 0x04, 0x00, name, 256).sw != SW.FILE_NOT_FOUND

    def show_transport_code(self, keys: KeyService) -> Phase:
        """Open the pre-issue commands, or tell that they are closed for good."""
        self.select(MASTER_FILE)
        answer = self.send(0x80, 0xE0, TRANSPORT_CODE, 0x00, keys.transport_code(TRANSPORT_KEY))
        if answer.sw in CLOSED:
            return Phase.CLOSED
        self.need(answer, "校验传输密码", "the transport code")
        return Phase.OPEN

    def authenticate_master(self, keys: KeyService, name: str) -> bool:
        """EXTERNAL AUTHENTICATE with the master key of the current directory; whether the chip has that one."""
        challenge = self.need(self.send(0x00, 0x84, 0x00, 0x00, ne=CHALLENGE), "取随机数", "GET CHALLENGE").data
        answer = self.send(0x00, 0x82, 0x00, 0x00, keys.master_authentication(name, challenge))
        if answer.sw >> 8 == 0x63:
            return False
        self.need(answer, f"用 {name} 外部认证", f"EXTERNAL AUTHENTICATE with {name}")
        return True

    def create(self, body: bytes, what: str) -> None:
        """CREATE FILE; a directory becomes the current one."""
        self.need(self.send(0x80, 0xE0, CREATE, 0x00, body), f"建立 {what}", f"CREATE FILE of {what}")

    def write_key(self, data: bytes, what: str) -> None:
        """WRITE KEY."""
        self.need(self.send(0x80, 0xD4, 0x00, 0x00, data), f"写入 {what}", f"WRITE KEY of {what}")

    def append(self, sfi: int, record: bytes, what: str) -> None:
        """APPEND RECORD."""
        self.need(self.send(0x00, 0xE2, 0x00, sfi << 3, record), f"写入 {what}", f"APPEND RECORD in {what}")

    def delete_all(self) -> None:
        """DELETE everything below the master file."""
        self.select(MASTER_FILE)
        self.need(self.send(0x80, 0xE1, 0x00, DELETE_ALL), "删除文件", "DELETE")

    def end(self, what: str) -> None:
        """END of the current directory."""
        self.need(self.send(0x80, 0xE0, END, 0x00), f"结束 {what}", f"END of {what}")
