"""Which steps an issuance has, in their order, and what each of them does."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from conformance.actors.station import chip_steps, desk_steps
from conformance.actors.station.outcome import Kind, Step
from conformance.actors.station.printing import print_face
from conformance.actors.station.work import Work

ACTIONS: Mapping[Step, Callable[[Work], None]] = {
    Step.BLANK_CHECK: chip_steps.blank_check,
    Step.INITIALISE: chip_steps.initialise,
    Step.CLOSE: chip_steps.close,
    Step.PERSONALISE: chip_steps.personalise,
    Step.READ_BACK: chip_steps.read_back,
    Step.PRINT: print_face,
    Step.REGISTER: desk_steps.register,
    Step.ACTIVATE: desk_steps.activate,
    Step.CHANGE_PIN: chip_steps.change_first_pin,
    Step.RETURN: desk_steps.return_data,
}
"""Each may be taken again after an interruption at any command of it, and does no harm then."""

PLANS: Mapping[Kind, tuple[Step, ...]] = {
    Kind.FIRST: (
        Step.BLANK_CHECK,
        Step.INITIALISE,
        Step.CLOSE,
        Step.PERSONALISE,
        Step.READ_BACK,
        Step.PRINT,
        Step.REGISTER,
        Step.ACTIVATE,
        Step.CHANGE_PIN,
        Step.RETURN,
    ),
}


def plan(kind: Kind, *, printing: bool) -> tuple[Step, ...]:
    """The steps of an issuance at a station with or without a printer."""
    return tuple(step for step in PLANS[kind] if printing or step is not Step.PRINT)
