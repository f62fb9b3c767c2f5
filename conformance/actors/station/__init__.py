"""The issuing station 即时制卡: from a blank chip to a card in its holder's hand (reconstructed specification §3.5, §7)."""

from conformance.actors.station.former import Former, OldCard
from conformance.actors.station.journal import Journal, JournalError
from conformance.actors.station.old_card import OldChip
from conformance.actors.station.order import Order, OrderError, load_order
from conformance.actors.station.outcome import Ending, Kind, Outcome, Step, Told
from conformance.actors.station.printer import Printer, PrinterFailed
from conformance.actors.station.station import Station
from conformance.actors.station.work import Equipment

__all__ = [
    "Ending",
    "Equipment",
    "Former",
    "Journal",
    "JournalError",
    "Kind",
    "OldCard",
    "OldChip",
    "Order",
    "OrderError",
    "Outcome",
    "Printer",
    "PrinterFailed",
    "Station",
    "Step",
    "Told",
    "load_order",
]
