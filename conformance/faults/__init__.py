"""Named faults: ways in which a chip goes wrong, each built into one card, that a good suite must find."""

from conformance.faults.catalogue import Fault, UnknownFault
from conformance.faults.named import FAULTS, with_fault

__all__ = ["FAULTS", "Fault", "UnknownFault", "with_fault"]
