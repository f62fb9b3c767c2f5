"""The insurance centre over a line: settlements, and its register of persons and cards."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from conformance.actors.hosts.operation import Desk, Line, asks, does
from conformance.actors.hosts.service import DirectLine, Kind, Service
from conformance.actors.medical.centre import Centre
from conformance.actors.medical.messages import Mode
from conformance.actors.medical.scheme import Scheme
from profiles.model import Profile


@dataclass(frozen=True, slots=True)
class AreaDesk:
    """Tells terminals how the centre's area settles."""

    centre: Centre

    def mode(self) -> Mode:
        """The mode of the area."""
        return self.centre.mode


class AreaHost(Desk):
    """What a terminal is set up with; see :class:`AreaDesk`."""

    desk = "area"
    mode = asks(AreaDesk.mode)


class CentreHost(Desk):
    """The centre; see :class:`Centre`. Asks for the area's mode at once, as a terminal is set up with it.

    Raises:
        conformance.actors.bank.messages.HostUnreachable: The centre does not answer, and ``mode`` is not given.
    """

    pre_settle = does(Centre.pre_settle)
    settle = does(Centre.settle)
    upload = does(Centre.upload)
    load = does(Centre.load)
    confirm_load = does(Centre.confirm_load)
    reverse = does(Centre.reverse)
    inquire = asks(Centre.inquire)
    inquire_by_card = asks(Centre.inquire_by_card)
    card = asks(Centre.card)
    cards_of = asks(Centre.cards_of)
    insure = does(Centre.insure)
    register = does(Centre.register)
    change_card = does(Centre.change_card)
    replace_card = does(Centre.replace_card)
    begin_year = does(Centre.begin_year)

    def __init__(self, line: Line, mode: Mode | None = None) -> None:
        super().__init__(line)
        self._mode = AreaHost(line).mode() if mode is None else mode

    @property
    def mode(self) -> Mode:
        """How the area settles."""
        return self._mode


CENTRE = Kind("centre", (CentreHost, AreaHost))


def centre_service(
    product: Profile,
    books: Path | str = ":memory:",
    *,
    mode: Mode = Mode.ONLINE,
    scheme: Scheme | None = None,
    year: str = "2026",
) -> Service:
    """The centre for cards of a product over its books; made in the thread in which it works.

    Raises:
        ValueError: The product has no medical application.
    """
    centre = Centre(product, books, mode=mode, scheme=scheme, year=year)
    return Service(CENTRE, centre_line(centre), centre.books)


def centre_line(centre: Centre) -> DirectLine:
    """A centre in this process, over whose line every desk of this module works."""
    return DirectLine({"": centre, "area": AreaDesk(centre)})
