"""The vocabulary of ISO/IEC 7816: APDUs, status words, data objects, the answer to reset."""

from emulator.iso7816.apdu import ApduError, Command, Response
from emulator.iso7816.atr import Atr, AtrError, InterfaceBytes
from emulator.iso7816.simple_tlv import SimpleTlv
from emulator.iso7816.status import SW, StatusError
from emulator.iso7816.tlv import Tlv, TlvError

__all__ = [
    "SW",
    "ApduError",
    "Atr",
    "AtrError",
    "Command",
    "InterfaceBytes",
    "Response",
    "SimpleTlv",
    "StatusError",
    "Tlv",
    "TlvError",
]
