"""Which steps an issuance has, in their order, and what each of them does."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from conformance.actors.station import application_steps, bank_steps, chip_steps, desk_steps, old_card
from conformance.actors.station.former import OldCard
from conformance.actors.station.order import Order
from conformance.actors.station.outcome import Kind, Step
from conformance.actors.station.printing import print_face
from conformance.actors.station.work import Equipment, Work

ACTIONS: Mapping[Step, Callable[[Work], None]] = {
    Step.BLANK_CHECK: chip_steps.blank_check,
    Step.VERIFY_HOLDER: old_card.verify_holder,
    Step.FREEZE: bank_steps.freeze,
    Step.ORDER: bank_steps.order_card,
    Step.INITIALISE: chip_steps.initialise,
    Step.CLOSE: chip_steps.close,
    Step.PERSONALISE: chip_steps.personalise,
    Step.CERTIFICATES: application_steps.certify,
    Step.FINANCIAL: application_steps.personalise_financial,
    Step.READ_BACK: chip_steps.read_back,
    Step.PRINT: print_face,
    Step.REGISTER: desk_steps.register,
    Step.SWITCH: bank_steps.switch,
    Step.ACTIVATE: desk_steps.activate,
    Step.BLOCK_OLD: old_card.block_old,
    Step.RETURN_E_CASH: bank_steps.return_e_cash,
    Step.CHANGE_PIN: chip_steps.change_first_pin,
    Step.RETURN: desk_steps.return_data,
}
"""Each may be taken again after an interruption at any command of it, and does no harm then."""

BEFORE_CHIP = (Step.VERIFY_HOLDER, Step.FREEZE, Step.ORDER)
"""Until the last of them a request can be withdrawn, and its chip serves another one."""
CHIP = (
    Step.INITIALISE,
    Step.CLOSE,
    Step.PERSONALISE,
    Step.CERTIFICATES,
    Step.FINANCIAL,
    Step.READ_BACK,
    Step.PRINT,
)
PLANS: Mapping[Kind, tuple[Step, ...]] = {
    Kind.FIRST: (
        Step.BLANK_CHECK,
        Step.FREEZE,
        Step.ORDER,
        *CHIP,
        Step.REGISTER,
        Step.SWITCH,
        Step.ACTIVATE,
        Step.CHANGE_PIN,
        Step.RETURN,
    ),
    **dict.fromkeys(
        (Kind.UPGRADE, Kind.REPLACEMENT, Kind.DIFFERENT_NUMBER, Kind.GENERATION),
        (
            Step.BLANK_CHECK,
            *BEFORE_CHIP,
            *CHIP,
            Step.REGISTER,
            Step.SWITCH,
            Step.ACTIVATE,
            Step.BLOCK_OLD,
            Step.RETURN_E_CASH,
            Step.CHANGE_PIN,
            Step.RETURN,
        ),
    ),
}
"""The switch at the bank is the moment from which there is no way back: before it stands whatever may fail for good."""
AT_BANK = frozenset({Step.FREEZE, Step.ORDER, Step.FINANCIAL, Step.SWITCH, Step.RETURN_E_CASH})
WITH_OLD_CARD = frozenset({Step.VERIFY_HOLDER, Step.BLOCK_OLD})


def plan(order: Order, equipment: Equipment) -> tuple[Step, ...]:
    """The steps of an order at a station with this equipment; see :func:`planned`."""
    return planned(
        order,
        printer=equipment.printer is not None,
        authority=equipment.certificates is not None,
        bank=equipment.bank is not None,
    )


def planned(order: Order, *, printer: bool = True, authority: bool = True, bank: bool = True) -> tuple[Step, ...]:
    """The steps of an order at a station: it may lack printer, authority for certificates and bank, the old card be gone."""
    left_out: set[Step] = set()
    if not printer:
        left_out.add(Step.PRINT)
    if not authority:
        left_out.add(Step.CERTIFICATES)
    if not bank or not order.former.account:
        left_out |= AT_BANK
    if order.former.old_card is not OldCard.PRESENT:
        left_out |= WITH_OLD_CARD
    return tuple(step for step in PLANS[order.kind] if step not in left_out)
