"""A sector 行业, such as a metro or a car park, that keeps records on payment cards (JR/T 0025.14)."""

from conformance.actors.sector.keys import SectorKeys, sector_keys
from conformance.actors.sector.messages import SectorRecord, SectorRecordError
from conformance.actors.sector.trips import Passage, SectorOutcome, Stop, Trip, TripError

__all__ = [
    "Passage",
    "SectorKeys",
    "SectorOutcome",
    "SectorRecord",
    "SectorRecordError",
    "Stop",
    "Trip",
    "TripError",
    "sector_keys",
]
