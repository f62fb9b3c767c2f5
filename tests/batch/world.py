"""A batch in memory: all that survives its program, and programs that are killed."""

from contextlib import contextmanager
from dataclasses import replace

from conformance.actors.bank import Bank, ChangeState, IssuerKeys
from conformance.actors.bank import CardState as AtBank
from conformance.actors.batch import Batch, ChipUnusable, Letters, Pins, read_people
from conformance.actors.batch.letters import BANK
from conformance.actors.certificates.authority import CertificationAuthority
from conformance.actors.medical.centre import Centre
from conformance.actors.medical.keys import HsmKeys
from conformance.actors.medical.messages import CardState
from conformance.actors.medical.reader import CardReader, CardRefused
from conformance.actors.station import Ending, Equipment, Journal, Station
from conformance.actors.terminal.shown import shown_card
from conformance.targets.in_process import InProcessTarget, numbered
from emulator import load_card
from profiles import load
from tests.station.whole import whole
from tests.station.world import INITIAL, NEW, Killed, small

CHOSEN = "135790"


class Place:
    """All that survives the program: chips, journal, centre, letters; of whole cards the bank, too."""

    def __init__(self, folder, *, whole_cards):
        self.product, self.blank = (whole("ssc3-sm4"), load("ssc3-blank")) if whole_cards else (small(), load("blank"))
        self.tells = 28 if whole_cards else 18
        """Tellings of a card."""
        self.journal, self.centre = Journal(), Centre(self.product)
        self.equipment = Equipment(self.product, self.blank, self.centre, self.journal)
        self.bank = None
        if whole_cards:
            self.bank = Bank(*IssuerKeys.of_profile(self.product))
            authority = CertificationAuthority.published()
            self.equipment = replace(self.equipment, bank=self.bank, certificates=authority)
        self.cards = {}
        self.folder, self.bank_folder = folder / "pins", folder / "bank-pins"
        self.folder.mkdir()
        self.bank_folder.mkdir()
        self.lost = set()
        self.taken = []

    def place(self, number):
        return f"{number}.sscard"

    @contextmanager
    def take(self, number, *, begun):
        if number in self.lost:
            raise ChipUnusable("the chip is gone")
        if number not in self.cards:
            assert not begun
            self.cards[number] = InProcessTarget(load_card(numbered(self.blank, f"{len(self.cards) + 1:08}")))
        self.taken.append(number)
        yield self.cards[number]

    def has(self, number):
        return number in self.cards

    def put_back(self, number):
        if target := self.cards.pop(number, None):
            assert target.transmit(bytes.fromhex("00A4040009D156000005") + b"SSSE" + b"\0")[:2] != b"\x90\x00"

    def letters(self):
        return Letters(self.folder, INITIAL)

    def bank_letters(self):
        return Letters(self.bank_folder, INITIAL, BANK)

    def station(self, listener=lambda told: None):
        return Station(self.equipment, listener)

    def resume(self, rows, number):
        """Somebody finishes a card at the station, with PINs of the holder's choice."""
        order = next(each.order for each in read_people(rows, INITIAL)[0] if each.order.number == number)
        outcome = self.station().resume(order, self.cards[number], NEW, bank_pin=CHOSEN)
        assert outcome.ending is Ending.COMPLETED, outcome
        return outcome

    def run(self, rows, listener=lambda told: None, stop=lambda: False):
        good, wrong, _ = read_people(rows, INITIAL, bank=self.bank is not None)
        pins = Pins(self.journal, self.letters(), None if self.bank is None else self.bank_letters())
        return Batch(self.station(listener), self, pins, stop).go(good, wrong)

    def reader(self, number, pin=None):
        reader = CardReader(self.cards[number], self.product, HsmKeys(self.product, bytes(6)), pin=lambda: pin)
        reader.begin()
        return reader

    def holders(self):
        """Persons by the card in use that the centre has for them, as the chips themselves say it."""
        found = {}
        for number in self.cards:
            try:
                reader = self.reader(number)
            except CardRefused:
                continue  # still blank
            card = self.centre.books.card(reader.identification.hex().upper())
            if card is not None and card.state is CardState.NORMAL:
                holder = reader.text("SSSE/EF06", "08")
                assert holder == card.person
                assert holder not in found
                found[holder] = number
        if self.bank is not None:
            self.bank_agrees(set(found.values()))
        return found

    def bank_agrees(self, issued):
        """Each issued card, and none beside, is in use at the bank under its chip; nothing is ordered or begun any more."""
        assert self.bank is not None
        ledger = self.bank.ledger
        rows = ledger.all("SELECT number, pan, new_sequence, state FROM change")
        assert {row["state"] for row in rows} <= {ChangeState.SWITCHED, ChangeState.UNDONE}
        assert {row["number"] for row in rows if row["state"] == ChangeState.SWITCHED} == issued
        assert ledger.one("SELECT 1 FROM card WHERE state = ?", AtBank.ORDERED) is None
        active = {row["pan"]: row["sequence"] for row in ledger.all("SELECT * FROM card WHERE state = 'active'")}
        assert len(active) == len(issued)
        for row in rows:
            if row["state"] != ChangeState.SWITCHED:
                continue
            pan, number = row["pan"], row["number"]
            assert active[pan] == row["new_sequence"]
            chip = self.bank.cards.chip(pan, active[pan])
            assert chip.identification == self.journal.request(number).card
            self.cards[number].reset()
            shown = shown_card(self.cards[number])
            assert (shown.account_number, shown.sequence_number) == (pan, active[pan])
            if self.bank_letters().has(number):
                assert f"PIN             {ledger.owner(pan).pin}\n" in self.bank_letters().path(number).read_text(
                    "utf-8"
                )


def states(results):
    return [(each.line, each.state) for each in results]


def killer(after):
    """Ends the program at the so-manyth telling."""
    left = after

    def tell(told):
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed

    return tell


def killed_at(step, *, done):
    """Ends the program when the first card comes to a step."""

    def kill(told):
        if (told.step.name, told.done) == (step, done):
            raise Killed

    return kill
