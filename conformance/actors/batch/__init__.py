"""Batch issuance 批量制卡: a card for each row of a table, one after the other, that may be broken off at any moment."""

from conformance.actors.batch.engine import Batch, Chips, ChipUnusable
from conformance.actors.batch.letters import Letters, PinProblem
from conformance.actors.batch.people import Person, Wrong, read_people
from conformance.actors.batch.pins import Pins
from conformance.actors.batch.results import Result, State, as_csv
from conformance.actors.batch.stock import ChipStock, StockExhausted

__all__ = [
    "Batch",
    "ChipStock",
    "ChipUnusable",
    "Chips",
    "Letters",
    "Person",
    "PinProblem",
    "Pins",
    "Result",
    "State",
    "StockExhausted",
    "Wrong",
    "as_csv",
    "read_people",
]
