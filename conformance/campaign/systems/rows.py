"""Which rows a flow can show, and what a trial shows of them."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.campaign.flows.hospital import HospitalFlow
from conformance.campaign.flows.life import LifeFlow
from conformance.campaign.flows.payment import PaymentFlow
from conformance.campaign.flows.station import StationFlow
from conformance.campaign.rules import Case
from conformance.campaign.systems import issuing, settling
from conformance.campaign.world import Flow

STATES = "SSC-CTR-012"
CHECKS = {**issuing.CHECKS, **settling.CHECKS}


@dataclass(frozen=True, slots=True)
class Shown:
    """A row that a trial tried: what was found against it, in Chinese and English; nothing where it held."""

    row: str
    breaches: tuple[tuple[str, str], ...]


def rows_of(flow: Flow) -> tuple[str, ...]:
    """The rows that a flow can show, in the order of the catalogue."""
    if isinstance(flow, PaymentFlow):
        return ()
    if isinstance(flow, LifeFlow):
        return (STATES,)
    if isinstance(flow, StationFlow):
        return (*issuing.rows_of_station(flow), STATES)
    return settling.rows_of_hospital(flow) if isinstance(flow, HospitalFlow) else ()


def show(flow: Flow, case: Case) -> tuple[Shown, ...]:
    """The rows that this trial tried; a row whose circumstances it did not have is not among them."""
    found = []
    for row in rows_of(flow):
        breaches = CHECKS[row](case)
        if breaches is not None:
            found.append(Shown(row, tuple(dict.fromkeys(breaches))))
    return tuple(found)
