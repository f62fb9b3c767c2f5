"""Cards in a real PC/SC reader: commands a second through pcscd and vpcd, beside a card that does nothing.

Both cards take turns in the same slot, so that whatever else the machine does weighs on both.
"""

from __future__ import annotations

import importlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from emulator.links.kept import PrivateStack
from emulator.links.stack import Stack, open_stack
from tests.bench.cards import READ_RECORD, SELECT, null_card, selected_card
from tests.bench.measure import ROOT, Row
from tests.bench.programs import certification

ROUNDS = 11
"""Many short rounds: each insertion meets the scheduler in another mood, which is worth up to 15 %."""

SECONDS = 0.25
"""How long one card is asked in one round."""

CHANGE_SECONDS = 5.0
TARGET = 0.85


@contextmanager
def inserted_here(stack: Stack, what: str) -> Iterator[None]:
    """A card that a thread of this process keeps in the first slot."""
    with stack.insert(selected_card() if what == "card" else null_card()):
        yield


@contextmanager
def inserted_elsewhere(stack: Stack, what: str) -> Iterator[None]:
    """A card that another process keeps in the first slot."""
    command = [sys.executable, "-m", "tests.bench.served_card", str(stack.ports[0]), what]
    if isinstance(stack, PrivateStack):
        command = stack.inside(command)
    # The way into a stack's namespaces ends in another working directory.
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def checked(status: int) -> None:
    """Raise RuntimeError for a PC/SC call that failed."""
    from smartcard import scard

    if status != scard.SCARD_S_SUCCESS:
        raise RuntimeError(f"PC/SC error: {scard.SCardGetErrorMessage(status)}")


class Client:
    """A PC/SC client of one reader."""

    def __init__(self, reader: str) -> None:
        from smartcard import scard

        self.reader = reader
        status, self.context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        checked(status)

    def wait(self, present: bool) -> None:
        """Wait until there is a card in the reader, or none: pcscd looks every 0.4 seconds."""
        from smartcard import scard

        wanted = scard.SCARD_STATE_PRESENT if present else scard.SCARD_STATE_EMPTY
        state, deadline = 0, time.monotonic() + CHANGE_SECONDS
        while not state & wanted:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.reader} stayed {'empty' if present else 'full'}")
            _, ((_, state, _),) = scard.SCardGetStatusChange(self.context, 500, [(self.reader, state)])

    def ask(self, wanted: bytes) -> float:
        """Exchanges a second with the card.

        Raises:
            RuntimeError: a PC/SC call failed, or the card answered something else than is wanted.
        """
        from smartcard import scard

        protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        status, handle, protocol = scard.SCardConnect(self.context, self.reader, scard.SCARD_SHARE_EXCLUSIVE, protocols)
        checked(status)
        words, done, spent = list(READ_RECORD), 0, 0.0
        status, answer = scard.SCardTransmit(handle, protocol, list(SELECT))
        begin = time.perf_counter()
        while status == scard.SCARD_S_SUCCESS and spent < SECONDS:
            status, answer = scard.SCardTransmit(handle, protocol, words)
            done += 1
            spent = time.perf_counter() - begin
        checked(status)
        if bytes(answer) != wanted:
            raise RuntimeError(f"the card answered {bytes(answer).hex().upper()}")
        scard.SCardDisconnect(handle, scard.SCARD_LEAVE_CARD)
        return done / spent


def compare(stack: Stack, name: str, elsewhere: bool) -> Iterator[Row]:
    """Let both cards take turns, and say the rates and their ratio."""
    client, wanted = Client(stack.reader_names[0]), null_card().answer
    inserted = inserted_elsewhere if elsewhere else inserted_here
    rates: dict[str, list[float]] = {"card": [], "nothing": []}
    for _ in range(ROUNDS):
        for what, measured in rates.items():
            with inserted(stack, what):
                client.wait(True)
                measured.append(client.ask(wanted))
            client.wait(False)
    yield Row(f"{name}, READ RECORD", statistics.median(rates["card"]), "/s")
    yield Row(f"{name}, card that does nothing", statistics.median(rates["nothing"]), "/s")
    ratio = statistics.median(card / nothing for card, nothing in zip(*rates.values(), strict=True))
    yield Row(f"{name}, ratio of the two", ratio, "", TARGET)


def rows() -> Iterator[Row]:
    """Through pcscd and vpcd: a quick certification, the card in a process of its own, and in the client's.

    Raises:
        ModuleNotFoundError: pyscard is not installed.
        StackError: no PC/SC stack can be had.
    """
    importlib.import_module("smartcard")
    stack = open_stack()
    yield certification("quick certification in a PC/SC reader")
    with stack:
        yield from compare(stack, "PC/SC, two processes", elsewhere=True)
        yield from compare(stack, "PC/SC, one process", elsewhere=False)
