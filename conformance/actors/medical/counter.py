"""A counter with a card in its reader and a key pad: what the operations of the official reader interface share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from conformance.actors.medical.addresses import FIELD
from conformance.actors.medical.codes import Code, Failed
from conformance.actors.medical.reader import CardReader, CardRefused
from emulator.iso7816 import SW

INITIAL_PIN = "123456"
BASIC_FIELDS = ("03", "05", "06")
NUMBER_SHOWN = 9
NO_TERMINAL = bytes(6)


class Counter:
    """The reader, the number of the device, and the key pads.

    Args:
        reader: The card's reader; its ``pin`` is the key pad.
        device: 终端设备号, up to 32 characters.
        new_pin: The key pad for a new PIN; None for nobody there.
    """

    def __init__(self, reader: CardReader, device: str, new_pin: Callable[[], str | None]) -> None:
        self.reader = reader
        self.device = device
        self._new_pin = new_pin

    @property
    def terminal(self) -> bytes:
        """终端机编号, 6 bytes; zeros of a reader without PSAM and HSM."""
        return self.reader.keys.terminal if self.reader.keys is not None else NO_TERMINAL

    def basics(self) -> str:
        """发卡地区行政区划代码|社会保障号码|卡号|卡识别码|姓名|卡复位信息|规范版本|发卡日期|卡有效期|终端机编号|终端设备号|."""
        reader = self.reader
        identification = reader.identification.hex().upper()
        person, name = reader.text("SSSE/EF06", "08"), reader.text("SSSE/EF06", "09")
        number = reader.text("SSSE/EF05", "07")[:NUMBER_SHOWN]
        version, issued, expires = (reader.text("SSSE/EF05", tag) for tag in BASIC_FIELDS)
        return fields(
            *(identification[:6], person, number, identification, name, reader.card.historical.hex().upper()),
            *(version, issued, expires, self.terminal.hex(), self.device),
        )

    def require_card(self, information: str) -> None:
        """pCardInfo ``卡识别码|卡号|``: the card in the reader must be this one; empty names none."""
        if not information:
            return
        parts = information.split(FIELD)
        if len(parts) != 3 or parts[2]:
            raise Failed(Code.WRONG_ARGUMENT)
        identification, number = parts[0], parts[1]
        if identification and identification.upper() != self.reader.identification.hex().upper():
            raise Failed(Code.WRONG_CARD)
        if number and number[:NUMBER_SHOWN] != self.reader.text("SSSE/EF05", "07")[:NUMBER_SHOWN]:
            raise Failed(Code.WRONG_CARD)

    def pin(self) -> str:
        """The holder's PIN from the key pad."""
        return _entered(self.reader.pin())

    def new_pin(self) -> str:
        """A new PIN from the key pad."""
        return _entered(self._new_pin())

    def pin_for_payment(self) -> str:
        """The holder's PIN, which may not be the initial one (code −35)."""
        digits = self.pin()
        if digits == INITIAL_PIN:
            raise Failed(Code.INITIAL_PIN)
        return digits

    @staticmethod
    def judged(act: Callable[[], None]) -> None:
        """Do what proves a PIN; the codes −51 and −52 tell wrong and locked."""
        try:
            act()
        except CardRefused as refused:
            if refused.sw == SW.AUTHENTICATION_METHOD_BLOCKED or refused.sw == 0x63C0:
                raise Failed(Code.PIN_LOCKED) from refused
            if refused.sw >> 8 == 0x63:
                raise Failed(Code.PIN_WRONG) from refused
            raise


def fields(*texts: str) -> str:
    """Each text followed by ``|``."""
    return "".join(f"{text}{FIELD}" for text in texts)


def payment(text: str) -> tuple[int, int, datetime]:
    """pPayInfo ``个人自付金额|统筹基金支付金额|yyyyMMddHHmmss|`` in fen; :class:`Failed` with −14 for anything else."""
    parts = text.split(FIELD)
    try:
        own, fund = int(parts[0]), int(parts[1])
        when = datetime.strptime(parts[2], "%Y%m%d%H%M%S")
    except (ValueError, IndexError) as error:
        raise Failed(Code.WRONG_ARGUMENT) from error
    if len(parts) != 4 or parts[3] or not (0 <= own <= 0xFFFFFFFF and 0 <= fund <= 0xFFFFFFFF):
        raise Failed(Code.WRONG_ARGUMENT)
    return own, fund, when


def sound_pin(digits: str) -> str:
    """Four to sixteen digits; :class:`Failed` with −33 for anything else."""
    if not 4 <= len(digits) <= 16 or not (digits.isascii() and digits.isdigit()):
        raise Failed(Code.PIN_LENGTH)
    return digits


def _entered(digits: str | None) -> str:
    if digits is None:
        raise Failed(Code.PIN_CANCELLED)
    return sound_pin(digits)
