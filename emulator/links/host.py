"""Our card inside vsmartcard's own card program, vicc.

vicc keeps any object with five methods in a reader: `getATR`, `powerUp`, `powerDown`, `reset` and `execute`. `HostedCard`
gives a card these. It serves whoever has vicc in use already, for its QR code and its reversed connection to a phone;
`VpcdLink` does the plain connection some four hundred times faster.

vicc comes as a Python package `virtualsmartcard`. Debian's packages (vsmartcard-vpicc and python3-virtualsmartcard 3.3)
do not work as they are: the package lies in /usr/lib/python3/site-packages/virtualsmartcard, where no Python looks, and
without pycryptodome, on which the packages do not depend, it falls back to a module of Python 2. `vicc_class` looks in
that place too, and says what is missing. Once imported, its connection works; its own ISO 7816 card ends with an exception
at a SELECT that wants file control information.

In three lines, with vpcd on this machine:

    icc = vicc_class()(None, "iso7816", "localhost", 35963)
    icc.os = HostedCard(card)
    icc.run()
"""

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from emulator.cos.memory import PowerLoss
from emulator.links.card import CardDevice
from emulator.links.vpcd import LinkError
from emulator.links.wire import DEFAULT_PORT

DEBIAN_PLACE = Path("/usr/lib/python3/site-packages/virtualsmartcard")
"""Where Debian's python3-virtualsmartcard puts the package."""


class HostedCard:
    """A card with the methods that vicc calls. Their names are vicc's."""

    def __init__(self, card: CardDevice, gone: tuple[type[Exception], ...] = (PowerLoss,)) -> None:
        """Wrap a card; `gone` are the exceptions that mean that it lost power."""
        self._card = card
        self._gone = gone
        self._atr = b""

    def getATR(self) -> bytes:  # noqa: N802  vicc's name
        """Return the ATR of the last reset. The reader asks for it even before it gives power."""
        if not self._atr:
            self._atr = self._card.reset(True)
            self._card.power_off()
        return self._atr

    def powerUp(self) -> None:  # noqa: N802  vicc's name
        """Give the card power."""
        self._atr = self._card.reset(True)

    def powerDown(self) -> None:  # noqa: N802  vicc's name
        """Take the power away."""
        self._card.power_off()

    def reset(self) -> None:
        """Reset the card while it has power."""
        self._atr = self._card.reset(False)

    def execute(self, msg: bytes) -> bytes:
        """Answer a command APDU. A card that lost power answers nothing, at which vpcd takes it out of the reader."""
        try:
            return self._card.transmit(msg)
        except self._gone:
            return b""


def vicc_class(place: Path = DEBIAN_PLACE) -> Any:
    """Return the class `VirtualICC` of vicc.

    Args:
        place: where to look when Python finds no `virtualsmartcard` by itself.

    Raises:
        LinkError: it can't be imported; the message says what is missing.
    """
    if importlib.util.find_spec("virtualsmartcard") is None and place.is_dir():
        sys.path.append(str(place))
    try:
        return importlib.import_module("virtualsmartcard.VirtualSmartcard").VirtualICC
    except ImportError as error:
        raise LinkError(
            f"vicc can't be imported ({error}): apt-get install vsmartcard-vpicc, then pip install pycryptodome."
        ) from error


def run_in_vicc(card: CardDevice, hostname: str = "localhost", port: int = DEFAULT_PORT) -> None:
    """Let vicc keep the card in the reader; ends the process, as vicc does, when the reader goes away.

    Raises:
        LinkError: vicc can't be imported.
    """
    icc = vicc_class()(None, "iso7816", hostname, port)
    icc.os = HostedCard(card)
    icc.run()
