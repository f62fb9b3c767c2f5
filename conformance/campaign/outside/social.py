"""A social security card by plain APDUs: who it says it is, whose data are on it, what it settled, what it still accepts.

Every chip that is looked at is a twin of the chip in the world, so that looking changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from conformance.campaign.outside.ciphers import card_key, external_authentication
from conformance.targets.in_process import InProcessTarget
from emulator.iso7816 import Atr
from profiles.model import Profile

ENVIRONMENT = bytes.fromhex("7378312E73682EC9E7BBE1B1A3D5CF")
"""sx1.sh.社会保障 in GBK."""
MEDICAL = bytes.fromhex("D15600000503")
PERSON_SFI, BASIC_SFI, LOG_SFI = 6, 5, 8
READ_KEY = "RKSSSE"
GOOD = b"\x90\x00"
TRANSPORT = bytes(8)
PRE_ISSUE = (
    ("CREATE FILE", bytes.fromhex("80E0010010 0000000010EF1DC4001D000000000000")),
    ("END", bytes.fromhex("80E0020000")),
    ("transport code", bytes.fromhex("80E0030008") + TRANSPORT),
    ("WRITE KEY", bytes.fromhex("80D4000020") + bytes(32)),
    ("DELETE", bytes.fromhex("80E1000300")),
    ("STORE DATA", bytes.fromhex("80E2800003 010203")),
)
"""Commands of pre-issue (reconstructed specification §3.5) and of EMV CPS that an issued card answers with an error."""


@dataclass(frozen=True, slots=True)
class Booked:
    """A record of the card's medical transaction log: its number, kind ``2`` settlement or ``1`` load, and three amounts in fen."""

    number: str
    kind: str
    amounts: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class MedicalCard:
    """What the medical application shows: balance and sums of the year in fen, the next number, the log, newest first."""

    balance: int
    own_year: int
    fund_year: int
    number: int
    log: tuple[Booked, ...]


class SocialCard:
    """A chip as an outsider with the issuer's keys reads it."""

    def __init__(self, chip: InProcessTarget, product: Profile) -> None:
        self._chip = chip.twin()
        self._product = product
        self.atr = self._chip.reset()

    def send(self, command: bytes) -> bytes:
        """An answer with its status word; a wrong Le is mended."""
        answer = self._chip.transmit(command)
        if len(answer) == 2 and answer[0] == 0x6C:
            answer = self._chip.transmit(command[:-1] + answer[1:])
        return answer

    def select(self, name: bytes) -> bool:
        """SELECT by name."""
        return self.send(b"\x00\xa4\x04\x00" + bytes((len(name),)) + name + b"\0").endswith(GOOD)

    def record(self, sfi: int, number: int) -> bytes | None:
        """READ RECORD; None for what is not there or not allowed."""
        answer = self.send(bytes((0x00, 0xB2, number, sfi << 3 | 4, 0)))
        return answer[:-2] if answer.endswith(GOOD) else None

    def records(self, sfi: int) -> Iterator[bytes]:
        """Every record of a file that may be read."""
        for number in range(1, 255):
            found = self.record(sfi, number)
            if found is None:
                return
            yield found

    @property
    def identification(self) -> str | None:
        """卡的识别码; None of a chip that shows none."""
        if not self.select(ENVIRONMENT):
            return None
        found = next((each for each in self.records(BASIC_SFI) if each[:1] == b"\x01"), None)
        return None if found is None else found[2:].hex().upper()

    def prove_reader(self) -> bool:
        """EXTERNAL AUTHENTICATE with the key that opens the holder's data."""
        key = self._product.directory["SSSE"].key[READ_KEY]
        city = (self.identification or "")[:6]
        challenge = self.send(bytes.fromhex("0084000008"))
        if not city.isdecimal() or not challenge.endswith(GOOD):
            return False
        own = card_key(self._product, READ_KEY, 1, Atr.parse(self.atr).historical, city)
        data = external_authentication(self._product.algorithm, own, challenge[:-2])
        kid = key.kid[0] if key.kid else 0
        return self.send(bytes((0x00, 0x82, 0x00, kid, len(data))) + data).endswith(GOOD)

    def person(self) -> tuple[str, str] | None:
        """社会保障号码 and name; None of a chip that shows none."""
        if not self.prove_reader():
            return None
        held = {each[0]: each[2 : 2 + each[1]] for each in self.records(PERSON_SFI) if len(each) > 2}
        number, name = held.get(0x08, b"").strip(b"\0 "), held.get(0x09, b"").strip(b"\0 ")
        return (number.decode("ascii", "replace"), name.decode("gb18030", "replace")) if number else None

    def everything(self) -> bytes:
        """All records and bytes that can be read, of every application of social security, with and without the read key."""
        found = [self.atr]
        for directory in self._product.directory.values():
            if directory.aid and self.select(directory.aid):
                if directory.aid == ENVIRONMENT:
                    self.prove_reader()
                for file in directory.file.values():
                    sfi = file.short_identifier
                    if 0 < sfi < 31:
                        found += self.records(sfi)
                        found.append(self.send(bytes((0x00, 0xB0, 0x80 | sfi, 0x00, 0x00))))
        return b"\xff".join(found)

    def knows_pin(self, pin: str) -> bool:
        """Whether the environment's PIN is this one; costs the twin a try, not the chip."""
        body = bytes.fromhex(pin + "F" * (len(pin) % 2))
        return self.select(ENVIRONMENT) and self.send(b"\x00\x20\x00\x00" + bytes((len(body),)) + body).endswith(GOOD)

    def accepted_pre_issue(self) -> list[str]:
        """Commands of pre-issue that the chip did not answer with an error, each in every directory from a reset on."""
        accepted = []
        names = [each.aid for each in self._product.directory.values() if each.aid]
        for select in (
            b"\x00\xa4\x00\x00\x02\x3f\x00\x00",
            *(b"\x00\xa4\x04\x00" + bytes((len(n),)) + n for n in names),
        ):
            self._chip.reset()
            if not self.send(select).endswith(GOOD):
                continue
            for name, command in PRE_ISSUE:
                if self.send(command)[-2] not in (0x69, 0x6A, 0x6D, 0x6E, 0x67):
                    accepted.append(f"{name} in {select[5:].hex().upper()}")
        return accepted

    def takes_transport_code(self, code: bytes) -> bool:
        """Whether the chip is still open to its maker's transport code."""
        self._chip.reset()
        self.send(b"\x00\xa4\x00\x00\x02\x3f\x00\x00")
        return self.send(b"\x80\xe0\x03\x00\x08" + code).endswith(GOOD)

    def medical(self, pin: str) -> MedicalCard | None:
        """Balance, sums and log of the medical application, under the holder's PIN; None where it has none."""
        if not self.knows_pin(pin) or not self.select(MEDICAL):
            return None
        begun = self.send(bytes.fromhex("B028010113 01 000000000000000100000000 500000000000 16"))
        if len(begun) != 24:
            return None
        balance, own, fund = (int.from_bytes(begun[at : at + 4], "big") for at in (0, 4, 8))
        log = tuple(_booked(each) for each in self.records(LOG_SFI))
        return MedicalCard(balance, own, fund, int.from_bytes(begun[14:16], "big"), log)


def _booked(record: bytes) -> Booked:
    amounts = tuple(int.from_bytes(record[at : at + 4], "big") for at in (16, 20, 24))
    return Booked(record[:2].hex(), record[2:3].decode("latin-1"), (amounts[0], amounts[1], amounts[2]))
