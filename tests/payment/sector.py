"""A sector's terminal for the tests: commands of the extended application in a line, MACs by second libraries."""

from emulator.apps.payment.application import data_cell, pending_cell
from emulator.crypto import Algorithm, encrypt_ecb
from emulator.crypto import payment as crypto
from profiles.keys import root_key

from .antenna import Antenna, antenna
from .extended_oracle import mac
from .terminal import Terminal

METRO, BUS, PARKING, TRIPS = "METRO", "BUS", "PARKING", "TRIPS"
SFI = {METRO: 0x15, BUS: 0x16, PARKING: 0x18, TRIPS: 0x1E}
ID = "0101"
SEGMENTED, PRE, COMPLETION = 1, 2, 3
GATE = "2F000080"
"""TTQ of a terminal without line to the bank."""
RANDOM = "1122334455667788"


def build_record(identifier=ID, kind=1, data="", valid=1, locked=0) -> str:
    sector = bytes.fromhex(data)
    return f"{identifier}{3 + len(sector):02X}{valid:02X}{kind:02X}{locked:02X}{sector.hex().upper()}"


class Sector(Antenna):
    """The contactless side of a card with the keys of the sectors and of the issuer."""

    def __init__(self, made: Antenna) -> None:
        self.__dict__.update(made.__dict__)

    def sector_key(self, name: str) -> bytes:
        """A management or opening key of this card, which has the algorithm of the first set whatever DF69 says."""
        own = Algorithm(self.profile.algorithm)
        sequence = self.psn if name.endswith("OPEN") else "00"
        return crypto.card_key(own, root_key(self.profile, f"DEBIT{name}", 1), self.pan, sequence)

    @property
    def counter(self) -> bytes:
        return self.card.memory.cells[data_cell("DEBIT", 0x9F36)]

    @property
    def responds_with_mac(self) -> bool:
        return bool(self.card.memory.cells[data_cell("DEBIT", 0xDF61)][0] & 0x80)

    def mac(self, key, vector, data) -> str:
        return mac(self.profile.algorithm, key, vector, data).hex().upper()

    def stored(self, file=METRO) -> list[str]:
        return [record.hex().upper() for record in self.card.memory.cells[f"file:DEBIT/{file}"]]

    def pending(self) -> list[str]:
        return [entry.hex().upper() for entry in self.card.memory.cells[pending_cell("DEBIT")]]

    def capp(self, file=METRO, identifier=ID, number="", following=0) -> str:
        data = identifier + number
        return self.send(f"80B400{SFI[file] << 3 | following:02X}{len(data) // 2:02X}{data}00")

    def update(self, record: str, file=METRO, key=None, wrong=False) -> str:
        """UPDATE CAPP DATA CACHE with its MAC; an R-MAC is checked and taken away."""
        key = key or self.sector_key(file)
        head = f"84DE00{SFI[file] << 3:02X}{len(record) // 2 + 4:02X}{record}"
        made = self.mac(key, bytes(6) + self.counter, bytes.fromhex(head))
        sent = f"{int(made, 16) ^ 1:08X}" if wrong else made
        answer = self.send(head + sent + "00")
        if answer.endswith("9000") and self.responds_with_mac:
            assert answer == self.mac(key, bytes(4) + bytes.fromhex(made), bytes.fromhex("9000")) + "9000"
            return "9000"
        return answer

    def append(self, record: str, file=METRO, key=bytes(range(16)), wrong=False) -> str:
        opening = self.sector_key(f"{file}OPEN")
        enciphered = encrypt_ecb(Algorithm(self.profile.algorithm), opening, key).hex().upper()
        head = f"04E200{SFI[file] << 3:02X}{16 + len(record) // 2 + 4:02X}{enciphered}{record}"
        made = self.mac(opening, bytes(6) + self.counter, bytes.fromhex(head))
        return self.send(head + (f"{int(made, 16) ^ 1:08X}" if wrong else made))

    def begin(self, indicator=SEGMENTED, amount=0, ttq=GATE, **values):
        return self.tap(amount, ttq=ttq, extended=indicator, **values)

    def last(self, tap) -> str:
        """The answer to the last record, after the others were read."""
        self.read(tap, but_last=True)
        sfi, number = tap.places[-1]
        return self.send(f"00B2{number:02X}{sfi << 3 | 4:02X}00")[-4:]

    def charge(self, amount=0, data="01", file=METRO, **values):
        """A whole segmented charge that writes the record."""
        return self._whole(SEGMENTED, amount, data, file, **values)

    def authorise(self, amount, data="02", file=PARKING, **values):
        return self._whole(PRE, amount, data, file, **values)

    def complete(self, amount, data="03", file=PARKING, **values):
        return self._whole(COMPLETION, amount, data, file, **values)

    def _whole(self, indicator, amount, data, file, identifier=ID, key=None, **values):
        self.capp(file, identifier)
        tap = self.begin(indicator, amount, **values)
        if tap.kind == "TC":
            assert self.update(self.changed(data, file, identifier), file, key) == "9000"
            assert self.last(tap) == "9000"
        return tap

    def changed(self, data: str, file=METRO, identifier=ID) -> str:
        """The record of the file with other first bytes of data."""
        old = next(record for record in self.stored(file) if record.startswith(identifier))
        return old[:12] + data + old[12 + len(data) :]

    def prove(self, counter: str | None = None) -> str:
        return self.send(f"805A000002{counter or self.counter.hex()}08")


def sector(product="debit", **more) -> Sector:
    """A card as `antenna` makes it."""
    return Sector(antenna(product, **more))


def contacts_of(card: Sector) -> Terminal:
    """The contacts of the card, whose antenna is out of the field."""
    card.card.power_off()
    card.contacts.power_off()
    return card.contacts


def on_contacts(card: Sector) -> Terminal:
    """The contacts of the card, in an online transaction that the issuer approved."""
    contacts = contacts_of(card)
    contacts.online()
    return contacts
