"""A financial application by plain APDUs: its number, and the request with which it would ask its bank for a purchase of nothing."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.actors.bank.messages import AuthorisationRequest, TransactionKind
from conformance.targets.in_process import InProcessTarget
from emulator.iso7816 import tlv

APPLICATIONS = tuple(bytes.fromhex(each) for each in ("A000000333010101", "A000000333010102"))
"""Debit and credit of the network."""
DATE, COUNTRY, CURRENCY, CHANCE = "261126", "0156", "0156", "0BADCAFE"
OWN = {
    0x9F02: bytes(6),
    0x9F03: bytes(6),
    0x9F1A: bytes.fromhex(COUNTRY),
    0x95: bytes(5),
    0x5F2A: bytes.fromhex(CURRENCY),
    0x9A: bytes.fromhex(DATE),
    0x9C: b"\0",
    0x9F37: bytes.fromhex(CHANCE),
    0x9F35: b"\x22",
}
COVERED = (0x9F02, 0x9F03, 0x9F1A, 0x95, 0x5F2A, 0x9A, 0x9C, 0x9F37)
GOOD = b"\x90\x00"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a financial application shows to anyone: number, sequence number, month of expiry YYMM."""

    pan: str
    sequence: str
    expiry: str


class PaymentCard:
    """A chip as a terminal of the outsider meets it; a twin, so that no counter of the world rises."""

    def __init__(self, chip: InProcessTarget) -> None:
        self._chip = chip.twin()
        self._chip.reset()
        self.objects: dict[int, bytes] = {}
        self.content = b""
        """All that was read."""
        self._begun = self._begin()

    def _send(self, command: bytes) -> bytes:
        answer = self._chip.transmit(command)
        if len(answer) == 2 and answer[0] == 0x6C:
            answer = self._chip.transmit(command[:-1] + answer[1:])
        return answer

    def _begin(self) -> bool:
        """SELECT, GET PROCESSING OPTIONS, READ RECORD; whether there is an application that does them."""
        for aid in APPLICATIONS:
            answer = self._send(b"\x00\xa4\x04\x00" + bytes((len(aid),)) + aid + b"\0")
            if answer.endswith(GOOD):
                self._note(answer[:-2])
                break
        else:
            return False
        wanted = self._filled(0x9F38)
        body = b"\x83" + bytes((len(wanted),)) + wanted
        answer = self._send(b"\x80\xa8\x00\x00" + bytes((len(body),)) + body + b"\0")
        if not answer.endswith(GOOD):
            return False
        self._note(answer[:-2])
        if answer[0] == 0x80:
            self.objects[0x82], self.objects[0x94] = answer[2:4], answer[4:-2]
        locator = self.objects.get(0x94, b"")
        for at in range(0, len(locator), 4):
            for number in range(locator[at + 1], locator[at + 2] + 1):
                self._note(self._send(bytes((0x00, 0xB2, number, locator[at] | 4, 0)))[:-2])
        return True

    def _note(self, data: bytes) -> None:
        self.content += data
        try:
            for each in tlv.parse(data, strict=False):
                self.objects[each.tag] = each.value
                if each.tag in (0x6F, 0x70, 0x77, 0xA5):
                    self._note(each.value)
        except tlv.TlvError:
            return

    def _filled(self, tag: int) -> bytes:
        """The values of a list of tags and lengths; zeros for what the outsider has not."""
        wanted, at, found = self.objects.get(tag, b""), 0, b""
        while at < len(wanted):
            size = 2 if wanted[at] & 0x1F == 0x1F else 1
            name, length = int.from_bytes(wanted[at : at + size], "big"), wanted[at + size]
            found += OWN.get(name, bytes(length)).ljust(length, b"\0")[:length]
            at += size + 1
        return found

    @property
    def shown(self) -> Shown | None:
        """Number, sequence number and expiry; None where there is no application, or it answers no more."""
        if not self._begun or 0x5A not in self.objects:
            return None
        sequence = self.objects.get(0x5F34, b"\0").hex()
        return Shown(self.objects[0x5A].hex().upper().rstrip("F"), sequence, self.objects.get(0x5F24, b"").hex()[:4])

    @property
    def balance(self) -> int | None:
        """E-cash balance in the smallest unit, which GET DATA shows; None where there is none."""
        answer = self._send(b"\x80\xca\x9f\x79\x00") if self._begun else b""
        return int(answer[3:-2].hex()) if answer.endswith(GOOD) and answer[:2] == b"\x9f\x79" else None

    def request(self, number: str) -> AuthorisationRequest | None:
        """The request for a purchase of nothing with the chip's own ARQC; None where the chip gives none."""
        shown = self.shown
        body = self._filled(0x8C)
        answer = self._send(b"\x80\xae\x80\x00" + bytes((len(body),)) + body + b"\0") if shown else b""
        if shown is None or not answer.endswith(GOOD):
            return None
        made: dict[int, bytes] = {}
        if answer[0] == 0x80:
            value = answer[2:-2]
            made = {0x9F27: value[:1], 0x9F36: value[1:3], 0x9F26: value[3:11], 0x9F10: value[11:]}
        else:
            self._note(answer[:-2])
            made = {tag: self.objects[tag] for tag in (0x9F27, 0x9F36, 0x9F26, 0x9F10) if tag in self.objects}
        if made.get(0x9F27, b"\0")[0] & 0xC0 != 0x80:
            return None
        sent = {**{tag: OWN[tag] for tag in COVERED}, 0x82: self.objects[0x82], **made}
        data = b"".join(tlv.build(tag, value) for tag, value in sent.items())
        return AuthorisationRequest(number, TransactionKind.PURCHASE, shown.pan, shown.sequence, 0, CURRENCY, data)
