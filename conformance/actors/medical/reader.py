"""A reader device with its middleware at a social security card: reads and writes elements by file and tag.

It knows the standard's files, keys and rights from a card product, proves what an access needs with the terminal's keys
and the holder's PIN, and never looks further into the card than its answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from conformance.actors.medical.keys import CardInTerminal, KeysRefused, TerminalKeys
from conformance.actors.terminal.channel import Channel
from conformance.actors.terminal.ending import Ended, Reason
from conformance.actors.terminal.events import Event
from conformance.failures import BenchError
from emulator.iso7816 import SW, Atr, AtrError, Response, tlv
from profiles.access import AccessCondition
from profiles.dictionary import element, layout
from profiles.model import Directory, File, Profile

ENVIRONMENT = "SSSE"
SELECT_BY_NAME, SELECT_BY_IDENTIFIER = 0x04, 0x00
IDENTIFICATION = "01"
SOURCE = bytes.fromhex("0102030405060708")
"""原始信息 that terminals in use send (reconstructed specification §4.3)."""
CHALLENGE = 8
INTERNAL_KEY, READ_KEY = "IRK", "RKSSSE"
TRIPLE_DES = 0x01
"""算法标识 of a card whose environment names none (§4.5)."""
ALGORITHM_PATH = (0x6F, 0xA5, 0x9F0C)
"""Where SELECT of the environment shows 86 01 and the algorithm identifier."""
APPEND = 0x03
"""P2 of UPDATE RECORD that makes a new record 1 of a cyclic file (§3.1)."""
LONGEST_CYCLE = 254
BLOCKED = frozenset({SW.FUNCTION_NOT_SUPPORTED, SW.SELECTED_FILE_DEACTIVATED})
"""What SELECT of an application answers that is blocked for a while (details §5.8)."""
PIECE = 0xF0
"""Bytes of a transparent file in one command."""


class CardLink(Protocol):
    """Anything that reaches a card; both methods may raise :class:`~conformance.failures.BenchError`."""

    def reset(self, cold: bool = True) -> bytes:
        """Reset the card and hand out its ATR."""

    def transmit(self, command: bytes, /) -> bytes:
        """Exchange a command for the answer."""


class CardGone(Exception):
    """The card was pulled out, or never was there; whether it still acted on the last command is not known."""


class CardRefused(Exception):
    """The card refused a step with a status word, or answered what no card may answer (status word 0)."""

    def __init__(self, zh: str, en: str, sw: int = 0) -> None:
        super().__init__(f"{en}: {sw:04X}" if sw else en)
        self.zh, self.en, self.sw = zh, en, sw


class IdentificationMalformed(CardRefused):
    """What the card shows as its 卡的识别码 is none."""


class CardUnclear(Exception):
    """The card says neither that it carried a transaction out nor that it did not: it must be asked again."""


class PinNeeded(Exception):
    """A right needs the holder's PIN, and none was given."""


class CardReader:
    """A card in a reader. ``keys`` is the terminal's PSAM or HSM, None for a reader that has neither.

    ``pin`` gives the holder's PIN when a right needs it, None for nobody there.
    """

    def __init__(
        self,
        link: CardLink,
        cards: Profile,
        keys: TerminalKeys | None,
        *,
        pin: Callable[[], str | None] = lambda: None,
        listener: Callable[[Event], None] = lambda event: None,
    ) -> None:
        self.cards = cards
        self.keys = keys
        self.pin = pin
        self.atr = b""
        self.identification = b""
        """卡的识别码, 16 bytes."""
        self.link = link
        self._environment_data = b""
        self._channel = Channel(link, listener)
        self._current: str | None = None
        self._proven: set[str] = set()

    # Getting there

    def begin(self) -> None:
        """Reset the card, select SSSE and read the card's identification, which anyone may read.

        Raises:
            CardGone: There is no card.
            CardRefused: It is no social security card of this product.
        """
        try:
            self.atr = self.link.reset()
        except BenchError as problem:
            raise CardGone(str(problem)) from problem
        self._current = None
        self._proven.clear()
        self.identification = self.read_identification()
        if len(self.identification) != 16 or not self.identification[:3].hex().isdecimal():
            sentence = "the card's identification is not 16 bytes that begin with a city code"
            raise IdentificationMalformed("卡识别码格式错误", sentence)

    def read_identification(self) -> bytes:
        """卡的识别码 as the card shows it now."""
        return self.read("SSSE/EF05", IDENTIFICATION)

    def come_back(self) -> None:
        """The same card again after its contact was lost; :class:`CardGone` while it is not there."""
        identification = self.identification
        try:
            self.begin()
        finally:
            another, self.identification = self.identification, identification
        if another != identification:
            raise CardGone("another card is in the reader")

    @property
    def card(self) -> CardInTerminal:
        """What decides about the card's keys."""
        try:
            historical = Atr.parse(self.atr).historical
        except AtrError as error:
            raise CardRefused("复位应答无法解析", f"the reset answer cannot be read: {error}") from error
        if len(historical) < CHALLENGE:
            raise CardRefused("复位应答中没有卡分散因子", "the reset answer has no card factor")
        return CardInTerminal(historical, self.identification[:3].hex())

    def send(self, cla: int, ins: int, p1: int, p2: int, data: bytes = b"", ne: int = 256) -> Response:
        """Exchange a command; raises :class:`CardGone` or, for an answer that is none, :class:`CardRefused`."""
        try:
            return self._channel.send(cla, ins, p1, p2, data, ne)
        except Ended as ended:
            if ended.reason is Reason.CARD_LOST:
                raise CardGone(ended.detail) from ended
            raise CardRefused("卡片应答无效", "the card's answer is none") from ended

    def need(self, answer: Response, zh: str, en: str) -> Response:
        """Raises :class:`CardRefused` unless the answer is good."""
        if answer.sw != SW.SUCCESS:
            raise CardRefused(zh, en, answer.sw)
        return answer

    def open(self, name: str, *, blocked: bool = False) -> None:
        """Select a directory through its environment, unless it is the current one; rights of an ADF end there.

        ``blocked`` takes the answer of an application that is blocked for a while, too.
        """
        if self._current == name:
            return
        described = self._directory(name)
        if described.kind == "ADF" and self._environment() != described.parent:
            self._select(described.parent or ENVIRONMENT)
        self._select(name, BLOCKED if blocked else frozenset())

    def _environment(self) -> str | None:
        if self._current is None:
            return None
        current = self._directory(self._current)
        return current.parent if current.kind == "ADF" else self._current

    def _select(self, name: str, accepted: frozenset[int] = frozenset()) -> None:
        described = self._directory(name)
        way, name_or_fid = (SELECT_BY_NAME, described.aid) if described.aid else (SELECT_BY_IDENTIFIER, described.fid)
        answer = self.send(0x00, 0xA4, way, 0x00, name_or_fid)
        if answer.sw not in accepted:
            self.need(answer, f"选择 {name}", f"SELECT of {name}")
        if described.kind != "ADF":
            self._proven.clear()
            self._environment_data = answer.data
        elif self._current != name:
            own = set(described.key)
            self._proven = {proven for proven in self._proven if self.owner(proven) == ENVIRONMENT} - own
        self._current = name

    def _directory(self, name: str) -> Directory:
        try:
            return self.cards.directory[name]
        except KeyError:
            raise CardRefused(f"没有目录 {name}", f"the card product has no directory {name}") from None

    def owner(self, name: str) -> str:
        """The directory of a PIN or key, empty for one that the product has not."""
        return next((d for d, found in self.cards.directory.items() if name in found.key or name in found.pin), "")

    # Rights

    def satisfy(self, condition: AccessCondition) -> None:
        """Prove what an access needs: the first alternative whose proofs are at hand.

        Raises:
            PinNeeded: Only the holder's PIN helps, and there is none.
            KeysRefused: The terminal has not the keys.
            CardRefused: The card does not take a proof, or nothing ever opens the access.
        """
        if condition.satisfied_by(frozenset(self._proven)):
            return
        if condition.is_never:
            raise CardRefused("该操作永不允许", "nothing opens this access")
        for name in sorted(min(condition.alternatives, key=self._cost) - self._proven):
            self.prove(name)

    def _cost(self, alternative: frozenset[str]) -> tuple[bool, int]:
        """Alternatives without a PIN that nobody enters come first, then the shorter ones."""
        missing = alternative - self._proven
        needs_pin = any(self.is_pin(name) for name in missing)
        needs_keys = any(not self.is_pin(name) for name in missing)
        return (needs_pin and self.pin() is None) or (needs_keys and self.keys is None), len(missing)

    def is_pin(self, name: str) -> bool:
        """Whether a name in an access condition is a PIN."""
        return any(name in directory.pin for directory in self.cards.directory.values())

    def prove(self, name: str) -> None:
        """Prove a PIN or key by its name."""
        if self.is_pin(name):
            digits = self.pin()
            if digits is None:
                raise PinNeeded
            self.verify(digits)
        else:
            self.authenticate(name)
        self._proven.add(name)

    def verify(self, digits: str) -> None:
        """VERIFY the PIN of the environment."""
        data = bytes.fromhex(digits + "F" * (len(digits) % 2))
        self.need(self.send(0x00, 0x20, 0x00, 0x00, data, ne=0), "验证个人密码", "VERIFY")
        self._proven.update(self.cards.directory[ENVIRONMENT].pin)

    @property
    def holder_verified(self) -> bool:
        """Whether the PIN was verified since the environment was selected."""
        return not self._proven.isdisjoint(self.cards.directory[ENVIRONMENT].pin)

    def challenge(self) -> bytes:
        """GET CHALLENGE of eight bytes."""
        answer = self.need(self.send(0x00, 0x84, 0x00, 0x00, ne=CHALLENGE), "取随机数", "GET CHALLENGE")
        if len(answer.data) != CHALLENGE:
            raise CardRefused("随机数长度不符", f"GET CHALLENGE answered {len(answer.data)} bytes")
        return answer.data

    def authenticate(self, name: str) -> None:
        """EXTERNAL AUTHENTICATE with a key of the PSAM or HSM."""
        if self.keys is None:
            raise KeysRefused(f"the reader has neither PSAM nor HSM for {name}")
        self._reference(name)
        try:
            data = self.keys.external_authentication(name, self.card, self.challenge(), SOURCE)
        except KeysRefused as refused:
            refused.key = name
            raise
        self.prove_with(name, data)

    def prove_with(self, name: str, data: bytes) -> None:
        """EXTERNAL AUTHENTICATE with a data field that somebody has made: cryptogram 8 ‖ source 8 [‖ version 1]."""
        answer = self.send(0x00, 0x82, 0x00, self._reference(name), data, ne=0)
        self.need(answer, f"用 {name} 外部认证", f"EXTERNAL AUTHENTICATE with {name}")
        self._proven.add(name)

    def internal_authentication(self, factor: bytes, source: bytes) -> bytes:
        """What the card answers to INTERNAL AUTHENTICATE with its key IRK: a cryptogram, 8 bytes of a sound card."""
        answer = self.send(0x00, 0x88, 0x00, self._reference(INTERNAL_KEY), factor + source)
        return self.need(answer, "内部认证", "INTERNAL AUTHENTICATE").data

    def _reference(self, name: str) -> int:
        """Reference of a key in P2; raises :class:`KeysRefused` where the product names none."""
        key = next((found.key[name] for found in self.cards.directory.values() if name in found.key), None)
        if key is None or key.kid is None:
            raise KeysRefused(f"no key {name} is named by an authentication")
        return key.kid[0]

    @property
    def algorithm_identifier(self) -> int:
        """算法标识 in the answer of SELECT of the environment (§4.5): 01 triple DES, also when none is there, 03 SM4."""
        try:
            named = tlv.find(tlv.parse(self._environment_data), *ALGORITHM_PATH)
        except tlv.TlvError:
            return TRIPLE_DES
        value = b"" if named is None else named.value
        return value[2] if len(value) == 3 and value[:2] == bytes.fromhex("8601") else TRIPLE_DES

    # Files

    def file(self, path: str) -> File:
        """The file of a path such as ``SSSE/EF05``; raises :class:`CardRefused` where the product has none."""
        directory, _, name = path.partition("/")
        found = self._directory(directory).file.get(name)
        if found is None:
            raise CardRefused(f"没有文件 {path}", f"the card product has no file {path}")
        return found

    def read(self, path: str, tag: str, occurrence: int = 1) -> bytes:
        """The value of an element of a variable file, its rights proven where needed."""
        number = self._number(path, tag, occurrence)
        record = self.read_record(path, number)
        if len(record) < 2 or record[0] != int(tag, 16) or record[1] != len(record) - 2:
            raise CardRefused(f"{path} {tag} 记录格式错误", f"record {tag} of {path} is malformed")
        return record[2:]

    def text(self, path: str, tag: str, occurrence: int = 1) -> str:
        """The same as text, padding taken off."""
        return element(tag).decode(self.read(path, tag, occurrence))

    def write(self, path: str, tag: str, value: object, occurrence: int = 1) -> None:
        """Update an element of a variable file."""
        file, number = self.file(path), self._number(path, tag, occurrence)
        self.open(path.partition("/")[0])
        self.satisfy(file.update)
        record = element(tag).record(element(tag).encode(value))
        answer = self.send(0x00, 0xDC, number, file.short_identifier << 3 | 4, record, ne=0)
        self.need(answer, f"更新 {path} {tag}", f"UPDATE RECORD of {tag} in {path}")

    def append(self, path: str, fields: object) -> None:
        """A new newest record of a cyclic file, from a mapping of the layout's field names."""
        file = self.file(path)
        self.open(path.partition("/")[0])
        self.satisfy(file.update)
        record = layout(file.layout or "").encode(fields)
        answer = self.send(0x00, 0xDC, 0x00, file.short_identifier << 3 | APPEND, record, ne=0)
        self.need(answer, f"追加 {path}", f"a new record in {path}")

    def read_record(self, path: str, number: int) -> bytes:
        """A record by its number, its rights proven where needed."""
        return self.need(self._record(path, number), f"读 {path}", f"READ RECORD {number} of {path}").data

    def read_cycle(self, path: str) -> list[bytes]:
        """Every record of a cyclic file, the newest first."""
        found: list[bytes] = []
        while len(found) < LONGEST_CYCLE:
            answer = self._record(path, len(found) + 1)
            if answer.sw == SW.RECORD_NOT_FOUND:
                break
            found.append(self.need(answer, f"读 {path}", f"READ RECORD of {path}").data)
        return found

    def read_binary(self, path: str) -> bytes:
        """A transparent file as a whole."""
        data, file = b"", self._select_file(path, self.file(path).read)
        while len(data) < (file.size or 0):
            wanted = min((file.size or 0) - len(data), PIECE)
            answer = self.send(0x00, 0xB0, len(data) >> 8, len(data) & 0xFF, ne=wanted)
            data += self.need(answer, f"读 {path}", f"READ BINARY of {path}").data
            if not answer.data:
                break
        return data

    def write_binary(self, path: str, data: bytes) -> None:
        """The beginning of a transparent file; what stands behind it stays."""
        self._select_file(path, self.file(path).update)
        for start in range(0, len(data), PIECE):
            answer = self.send(0x00, 0xD6, start >> 8, start & 0xFF, data[start : start + PIECE], ne=0)
            self.need(answer, f"更新 {path}", f"UPDATE BINARY of {path}")

    def _select_file(self, path: str, condition: AccessCondition) -> File:
        """Make a file the current one, what an access needs proven."""
        file = self.file(path)
        self.open(path.partition("/")[0])
        self.satisfy(condition)
        selected = self.send(0x00, 0xA4, 0x02, 0x00, file.fid, ne=0)
        self.need(selected, f"选择 {path}", f"SELECT of {path}")
        return file

    def _record(self, path: str, number: int) -> Response:
        file = self.file(path)
        self.open(path.partition("/")[0])
        self.satisfy(file.read)
        return self.send(0x00, 0xB2, number, file.short_identifier << 3 | 4)

    def _number(self, path: str, tag: str, occurrence: int) -> int:
        """Record number of the so-manyth element with a tag."""
        places = [number for number, each in enumerate(self.file(path).elements, 1) if each == tag]
        if not 1 <= occurrence <= len(places):
            raise CardRefused(f"{path} 没有数据元 {tag}", f"{path} has no element {tag} number {occurrence}")
        return places[occurrence - 1]
