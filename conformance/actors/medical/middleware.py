"""The operations of the official reader interface 读写终端接口 (LD/T 6001.5) by their names.

Each answers a code, 0 for good, and pOutInfo: the result, or in Chinese what went wrong. A status word of card or PSAM
becomes its negative value, 63C5 −25541; other codes are those of programs in use (reconstructed specification §3.4).
What ``iAuthType`` distinguishes is in no public text: every number is taken alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import IntEnum

from conformance.actors.medical.addresses import (
    FIELD,
    INNER,
    AddressError,
    FileAddress,
    format_values,
    parse_addresses,
    parse_values,
)
from conformance.actors.medical.debit import debit
from conformance.actors.medical.keys import KeysRefused
from conformance.actors.medical.pins import change_pin, reload_pin, unblock_pin
from conformance.actors.medical.reader import CardGone, CardReader, CardRefused, PinNeeded
from emulator.iso7816 import SW
from profiles.dictionary import ValueFormatError, element, layout

CARD_KINDS = (1, 2, 3, 4)
"""iType: contact, contactless, either with contact first, either with contactless first."""
INITIAL_PIN = "123456"
LOG = "DF04/EF08"
BASIC_FIELDS = ("03", "05", "06")
NUMBER_SHOWN = 9


class Code(IntEnum):
    """Codes of the middleware itself."""

    GOOD = 0
    WRONG_KIND = -1
    NO_CARD = -2
    UNKNOWN_OPERATION = -13
    WRONG_ARGUMENT = -14
    WRONG_CARD = -22
    WRONG_INPUT = -23
    PIN_CANCELLED = -31
    PIN_LENGTH = -33
    INITIAL_PIN = -35
    NOT_BACK_TO_INITIAL_PIN = -36
    PIN_WRONG = -51
    PIN_LOCKED = -52
    NO_SAM = -2201
    SAM_WITHOUT_ALGORITHM = -2202
    SAM_WITHOUT_READ_KEY = -2203


MESSAGES: Mapping[int, str] = {
    Code.WRONG_KIND: "卡类型不正确",
    Code.NO_CARD: "无卡",
    Code.UNKNOWN_OPERATION: "不支持该命令",
    Code.WRONG_ARGUMENT: "命令参数错误",
    Code.WRONG_CARD: "传入数据与卡内不符",
    Code.WRONG_INPUT: "传入数据不合法",
    Code.PIN_CANCELLED: "用户取消密码输入",
    Code.PIN_LENGTH: "输入密码长度错误",
    Code.INITIAL_PIN: "初始密码不能交易",
    Code.NOT_BACK_TO_INITIAL_PIN: "不能改为初始密码",
    Code.PIN_WRONG: "PIN校验失败",
    Code.PIN_LOCKED: "PIN锁定",
    Code.NO_SAM: "无PSAM卡",
    Code.SAM_WITHOUT_ALGORITHM: "PSAM卡算法不支持",
    Code.SAM_WITHOUT_READ_KEY: "PSAM卡内没有RKSSSE密钥",
}

Answer = tuple[int, str]


class _Failed(Exception):
    """An operation ends with a code."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.text = text or MESSAGES.get(code, "")


class Middleware:
    """The interface over a card in a reader with its PSAM or HSM.

    Args:
        reader: The card's reader; its ``pin`` is the key pad.
        device: 终端设备号, up to 32 characters.
        new_pin: The key pad for a new PIN; None for nobody there.
    """

    def __init__(
        self, reader: CardReader, *, device: str = "", new_pin: Callable[[], str | None] = lambda: None
    ) -> None:
        self.reader = reader
        self._device = device
        self._new_pin = new_pin
        self._operations: dict[str, Callable[..., str]] = {
            "iReadCardBas": self._read_basics,
            "iReadCard": self._read,
            "iWriteCard": self._write,
            "iVerifyPIN": self._verify_pin,
            "iChangePIN": self._change_pin,
            "iReloadPIN": self._reload_pin,
            "iUnblockPIN": self._unblock_pin,
            "iDoDebit": self._debit,
            "iReadDebitRecord": self._debit_records,
        }

    @property
    def operations(self) -> tuple[str, ...]:
        """The names of all operations."""
        return tuple(self._operations)

    def call(self, name: str, *arguments: int | str) -> Answer:
        """Carry an operation out by its official name; never raises."""
        operation = self._operations.get(name)
        if operation is None:
            return Code.UNKNOWN_OPERATION, MESSAGES[Code.UNKNOWN_OPERATION]
        try:
            self._begin(arguments[0] if arguments else 0)
            return Code.GOOD, operation(*arguments)
        except _Failed as failed:
            return failed.code, failed.text
        except (AddressError, ValueFormatError, TypeError):
            return Code.WRONG_ARGUMENT, MESSAGES[Code.WRONG_ARGUMENT]
        except PinNeeded:
            return Code.PIN_CANCELLED, MESSAGES[Code.PIN_CANCELLED]
        except CardGone:
            return Code.NO_CARD, MESSAGES[Code.NO_CARD]
        except CardRefused as refused:
            return (-refused.sw, refused.zh) if refused.sw else (Code.WRONG_INPUT, refused.zh)
        except KeysRefused as refused:
            return self._keys_refused(refused)

    def _keys_refused(self, refused: KeysRefused) -> Answer:
        if self.reader.keys is None:
            code: int = Code.NO_SAM
        elif refused.sw == SW.KEY_INDEX_NOT_SUPPORTED and not self.reader.identification:
            code = Code.SAM_WITHOUT_READ_KEY
        else:
            code = -refused.sw if refused.sw else Code.NO_SAM
        return code, MESSAGES.get(code, str(refused))

    def _begin(self, kind: int | str) -> None:
        if kind not in CARD_KINDS:
            raise _Failed(Code.WRONG_KIND)
        self.reader.begin()

    # Reading

    def _read_basics(self, kind: int) -> str:
        """发卡地区行政区划代码|社会保障号码|卡号|卡识别码|姓名|卡复位信息|规范版本|发卡日期|卡有效期|终端机编号|终端设备号|."""
        reader = self.reader
        identification = reader.identification.hex().upper()
        try:
            person, name = reader.text("SSSE/EF06", "08"), reader.text("SSSE/EF06", "09")
        except KeysRefused as refused:
            if reader.keys is None:
                raise _Failed(Code.NO_SAM) from refused
            raise _Failed(Code.SAM_WITHOUT_READ_KEY if refused.sw else Code.NO_SAM) from refused
        number = reader.text("SSSE/EF05", "07")[:NUMBER_SHOWN]
        version, issued, expires = (reader.text("SSSE/EF05", tag) for tag in BASIC_FIELDS)
        terminal = reader.keys.terminal.hex() if reader.keys is not None else "0" * 12
        fields = (
            *(identification[:6], person, number, identification, name, reader.card.historical.hex().upper()),
            *(version, issued, expires, terminal, self._device),
        )
        return "".join(f"{field}{FIELD}" for field in fields)

    def _require_card(self, information: str) -> None:
        """pCardInfo ``卡识别码|卡号|``: the card in the reader must be this one; empty names none."""
        if not information:
            return
        parts = information.split(FIELD)
        if len(parts) != 3 or parts[2]:
            raise _Failed(Code.WRONG_ARGUMENT)
        identification, number = parts[0], parts[1]
        if identification and identification.upper() != self.reader.identification.hex().upper():
            raise _Failed(Code.WRONG_CARD)
        if number and number[:NUMBER_SHOWN] != self.reader.text("SSSE/EF05", "07")[:NUMBER_SHOWN]:
            raise _Failed(Code.WRONG_CARD)

    def _read(self, kind: int, authentication: int, card: str, files: str) -> str:
        """The values of the named elements, in their grammar."""
        addresses = parse_addresses(files)
        self._require_card(card)
        return format_values(addresses, [self._values(address) for address in addresses])

    def _values(self, address: FileAddress) -> list[str]:
        file = self.reader.file(address.path)
        if file.structure == "transparent":
            return [self.reader.read_binary(address.path).hex().upper()]
        if file.structure == "cyclic":
            form = layout(file.layout or "")
            one = address.record
            records = (
                self.reader.read_cycle(address.path) if one is None else [self.reader.read_record(address.path, one)]
            )
            return [INNER.join(text for _, text in form.decode_fields(record)) for record in records]
        wanted = [(each.tag, each.occurrence) for each in address.elements]
        if not wanted:
            wanted = [(tag, file.elements[:at].count(tag) + 1) for at, tag in enumerate(file.elements)]
        return [self._text(address.path, tag, occurrence) for tag, occurrence in wanted]

    def _text(self, path: str, tag: str, occurrence: int) -> str:
        raw = self.reader.read(path, tag, occurrence)
        children = element(tag).decode_children(raw) if element(tag).children else None
        return element(tag).decode(raw) if children is None else INNER.join(children.values())

    # Writing

    def _write(self, kind: int, card: str, files: str, data: str) -> str:
        """Update the named elements with the values of the mirrored text; a cyclic file gets a new record."""
        addresses, values = parse_addresses(files), parse_values(data)
        self._require_card(card)
        if len(addresses) != len(values):
            raise _Failed(Code.WRONG_ARGUMENT)
        changes = [self._change(address, given) for address, given in zip(addresses, values, strict=True)]
        for change in changes:
            change()
        return ""

    def _change(self, address: FileAddress, values: tuple[str, ...]) -> Callable[[], None]:
        """What is to be written, judged before anything is."""
        file = self.reader.file(address.path)
        if file.structure == "cyclic":
            if len(values) != 1 or address.elements:
                raise _Failed(Code.WRONG_ARGUMENT)
            fields = values[0].split(INNER)
            layout(file.layout or "").encode(fields)
            return lambda: self.reader.append(address.path, fields)
        if file.structure not in ("variable", "fixed") or len(values) != len(address.elements):
            raise _Failed(Code.WRONG_ARGUMENT)
        prepared = [(each, self._value(each.tag, value)) for each, value in zip(address.elements, values, strict=True)]

        def write() -> None:
            for each, value in prepared:
                self.reader.write(address.path, each.tag, value, each.occurrence)

        return write

    @staticmethod
    def _value(tag: str, text: str) -> object:
        """The value as the dictionary takes it; raises :class:`ValueFormatError` for one that does not fit."""
        described = element(tag)
        value: object = text
        if described.children:
            parts = text.split(INNER)
            if len(parts) != len(described.children):
                raise ValueFormatError(f"{tag} has {len(described.children)} inner elements")
            value = dict(zip(described.children, parts, strict=True))
        described.encode(value)
        return value

    # PINs

    def _pin(self) -> str:
        digits = self.reader.pin()
        if digits is None:
            raise _Failed(Code.PIN_CANCELLED)
        return _sound(digits)

    def _verify_pin(self, kind: int) -> str:
        """The PIN from the key pad; the codes −51 and −52 tell wrong and locked."""
        self.reader.open("SSSE")
        self._judged(lambda: self.reader.verify(self._pin()))
        return ""

    def _change_pin(self, kind: int) -> str:
        """From the PIN of the key pad to a new one."""
        old, new = self._pin(), self._new_pin()
        if new is None:
            raise _Failed(Code.PIN_CANCELLED)
        if _sound(new) == INITIAL_PIN:
            raise _Failed(Code.NOT_BACK_TO_INITIAL_PIN)
        self.reader.open("SSSE")
        self._judged(lambda: change_pin(self.reader, old, new))
        return ""

    def _reload_pin(self, kind: int, card: str) -> str:
        """PIN重装: a new PIN under PUK and STK, without the old one."""
        self._require_card(card)
        new = self._new_pin()
        if new is None:
            raise _Failed(Code.PIN_CANCELLED)
        reload_pin(self.reader, _sound(new))
        return ""

    def _unblock_pin(self, kind: int, card: str) -> str:
        """PIN解锁: the tries are given back under PUK and STK."""
        self._require_card(card)
        unblock_pin(self.reader)
        return ""

    @staticmethod
    def _judged(act: Callable[[], None]) -> None:
        try:
            act()
        except CardRefused as refused:
            if refused.sw == SW.AUTHENTICATION_METHOD_BLOCKED or refused.sw == 0x63C0:
                raise _Failed(Code.PIN_LOCKED) from refused
            if refused.sw >> 8 == 0x63:
                raise _Failed(Code.PIN_WRONG) from refused
            raise

    # Settlement

    def _debit(self, kind: int, card: str, payment: str) -> str:
        """pPayInfo ``个人自付金额|统筹基金支付金额|yyyyMMddHHmmss|`` in fen; answers what TAC and log say of the settlement.

        The initial PIN may not be used for it (code −35).
        """
        self._require_card(card)
        own, fund, when = _payment(payment)
        if self._pin() == INITIAL_PIN:
            raise _Failed(Code.INITIAL_PIN)
        if self.reader.keys is None:
            raise _Failed(Code.NO_SAM)
        done = debit(self.reader, (0, own, fund), when)
        fields = (done.tac, done.settlement.terminal, done.settlement.terminal_number, done.settlement.number)
        return "".join(f"{field.hex().upper()}{FIELD}" for field in fields)

    def _debit_records(self, kind: int) -> str:
        """DF04/EF08 医疗交易明细, the newest first."""
        form = layout("medical transaction")
        records = self.reader.read_cycle(LOG)
        return "".join(INNER.join(text for _, text in form.decode_fields(record)) + FIELD for record in records)


def _sound(digits: str) -> str:
    if not 4 <= len(digits) <= 16 or not (digits.isascii() and digits.isdigit()):
        raise _Failed(Code.PIN_LENGTH)
    return digits


def _payment(text: str) -> tuple[int, int, datetime]:
    parts = text.split(FIELD)
    try:
        own, fund = int(parts[0]), int(parts[1])
        when = datetime.strptime(parts[2], "%Y%m%d%H%M%S")
    except (ValueError, IndexError) as error:
        raise _Failed(Code.WRONG_ARGUMENT) from error
    if len(parts) != 4 or parts[3] or not (0 <= own <= 0xFFFFFFFF and 0 <= fund <= 0xFFFFFFFF):
        raise _Failed(Code.WRONG_ARGUMENT)
    return own, fund, when
