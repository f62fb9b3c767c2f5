"""A card in a process of its own, as `sscard emulate` has it: `python -m tests.bench.served_card PORT card|nothing`."""

from __future__ import annotations

import sys

from emulator.links.card import CardDevice
from emulator.links.vpcd import VpcdLink, tcp_connector
from tests.bench.cards import null_card, selected_card


def main() -> None:
    """Serve the card until the process is ended."""
    card: CardDevice = selected_card() if sys.argv[2] == "card" else null_card()
    VpcdLink(card, tcp_connector(int(sys.argv[1]))).run()


if __name__ == "__main__":
    main()
