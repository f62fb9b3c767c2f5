"""The steps of an issuance that work on the chip."""

from __future__ import annotations

from conformance.actors.medical.pins import change_pin, reload_pin
from conformance.actors.medical.reader import ENVIRONMENT, CardRefused
from conformance.actors.station.application_steps import check_applications
from conformance.actors.station.chip import Chip, Phase
from conformance.actors.station.contents import PHOTO, items
from conformance.actors.station.financial import FinancialHalf
from conformance.actors.station.initialisation import Initialiser
from conformance.actors.station.order import Order
from conformance.actors.station.outcome import Step
from conformance.actors.station.refusals import Destroyed, Refused
from conformance.actors.station.verification import Verification
from conformance.actors.station.work import Equipment, Work
from emulator.iso7816 import SW

READ_KEY = "RKSSSE"


def require_blank(equipment: Equipment, order: Order, chip: Chip) -> None:
    """A chip of the blank product in which nothing was made, with an application that waits for the order's bank.

    Raises :class:`Refused` for any other.
    """
    historical = chip.reset()
    name = equipment.product.directory[ENVIRONMENT].aid or b""
    if chip.knows(name):
        raise Refused("不是空白卡", "the chip is not blank: it has a social security application")
    if chip.show_transport_code(equipment.keys(equipment.blank, historical, None)) is Phase.CLOSED:
        raise Refused("不是空白卡", "the chip is not blank: its pre-issue commands are closed")
    if equipment.bank is not None and order.former.account:
        half = FinancialHalf(chip.link, equipment.product, equipment.blank, historical)
        if not half.is_waiting():
            raise Refused("不是空白卡", "the chip is not blank: its bank's application is personalised already")


def blank_check(work: Work) -> None:
    """空白卡检查; a chip that is no blank one any more can never be handed out."""
    try:
        require_blank(work.equipment, work.order, work.chip)
    except Refused as problem:
        raise Destroyed(problem.zh, problem.en) from problem


def _initialiser(work: Work) -> Initialiser:
    production = work.production()
    return Initialiser(work.chip, work.equipment.product, work.data, production)


def initialise(work: Work) -> None:
    """Tree, keys and first contents; what an earlier run left is taken away first."""
    _initialiser(work).build(anew=work.has_begun_before(Step.INITIALISE))


def close(work: Work) -> None:
    """The maker's master key is replaced, and the pre-issue commands are closed."""
    _initialiser(work).close()


def personalise(work: Work) -> None:
    """Issue items (SSC-LIFE-014): they may be written again and again until the card is handed over."""
    reader = work.reader()
    Verification(reader, work.data).genuine()
    reader.open(ENVIRONMENT)
    reader.authenticate(READ_KEY)
    for path, tag, text in items(work.equipment.product, work.order):
        reader.write(path, tag, text)
    if work.order.photo:
        reader.write_binary(f"{ENVIRONMENT}/{PHOTO}", work.order.photo)


def read_back(work: Work) -> None:
    """What the chip holds and knows is what was meant for it."""
    Verification(work.reader(), work.data).everything()
    check_applications(work)


def change_first_pin(work: Work) -> None:
    """Initial PIN to the holder's; where an earlier run left another one, PUK and STK set it."""
    reader = work.reader()
    reader.open(ENVIRONMENT)
    try:
        change_pin(reader, work.initial_pin, work.new_pin)
    except CardRefused as refused:
        if refused.sw >> 8 != 0x63 and refused.sw != SW.AUTHENTICATION_METHOD_BLOCKED:
            raise
        reload_pin(reader, work.new_pin)
    reader.begin()
    reader.open(ENVIRONMENT)
    reader.verify(work.new_pin)
