"""A card in the virtual reader of vsmartcard: the card's end of the line.

What pcscd 1.9.9 with vpcd 3.3 makes of it (measured):

- pcscd looks for a card every 400 ms (and asks for the ATR to do so). That long may an insertion, a removal or a
  return after a tear remain unseen; a card that left and came back between two looks was never away for pcscd.
- vpcd sends length and body as two segments. A client that leaves the operating system to acknowledge the first one
  in its own time waits some 40 ms for the second one: hence TCP_QUICKACK before each `recv`.
- A program that sends an empty command, or one of a single byte 00, 01 or 02, makes vpcd wait for an answer to a message
  that needs none; the slot hangs. The silence is noticed here, and the line dropped, which frees it.
"""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable
from enum import Enum
from types import TracebackType
from typing import Literal, Self

from emulator.cos.memory import PowerLoss
from emulator.links.card import CardDevice, MovableCard
from emulator.links.wire import (
    DEFAULT_PORT,
    GET_ATR,
    MAX_MESSAGE,
    POWER_OFF,
    POWER_ON,
    RESET,
    MessageBuffer,
    encode_message,
    prepare,
    tear,
)

RECEIVE_SIZE = 2 + MAX_MESSAGE

RESPONSE_TOO_LONG = bytes.fromhex("6F00")
"""Said in place of a response that does not fit into a message: "no precise diagnosis", ISO/IEC 7816-4 §5.6."""

Connector = Callable[[], socket.socket]
"""Makes a fresh TCP connection to a slot; raises `OSError` when nothing listens."""

ResetKind = Literal["cold", "warm", "off"]


class LinkError(Exception):
    """The reader can't be reached; the message says what to do."""


class _Withdrawn(Exception):
    """The card is not where the reader could reach it."""


class LinkEvent(Enum):
    """What happens to the line between card and reader."""

    INSERTED = "inserted"
    """The reader has taken the card and asked for its ATR."""
    REMOVED = "removed"
    """The card was taken out by `remove()`, or left the field of a contactless reader."""
    TORN = "torn"
    """The card lost power in the middle of a command; it comes back at once."""
    LOST = "lost"
    """The reader went away, or can't be found; the link keeps trying."""
    STOPPED = "stopped"
    """The card was taken out for good by `stop()`."""
    SILENT = "silent"
    """The reader has stopped asking: it hangs, or another card is in the slot. The link tries again."""


def tcp_connector(port: int = DEFAULT_PORT, host: str = "127.0.0.1", timeout: float = 2.0) -> Connector:
    """Return a connector to a vpcd slot of this machine, or of another one."""

    def connect() -> socket.socket:
        return socket.create_connection((host, port), timeout)

    return connect


class VpcdLink:
    """Keeps a card in a slot of vpcd.

    `run()` serves in the calling thread until `stop()` or Ctrl-C; `start()`, or the `with` statement, serves in a
    thread of its own. `insert()`, `remove()` and `stop()` may be called from any thread at any time. A stopped link
    stays stopped.

    When the card raises `PowerLoss` in the middle of a command, the line is broken in the way that makes vpcd report a
    communication error, and the card is connected again at once. Measured with pcscd 1.9.9: the PC/SC client gets
    SCARD_E_NOT_TRANSACTED after 0.6 ms, and its SCardReconnect with a reset finds the card again 2 ms after the tear
    (one that comes still sooner gets SCARD_E_NO_SMARTCARD: try again). Closing the line, or an answer of no bytes, would
    come as a success without data. Staying away for more than 400 ms instead makes pcscd report a removal.

    Args:
        card: the card.
        connect: makes the connection to the slot; the first slot of this machine's vpcd when not given.
        where: the slot's name in messages.
        gone: exceptions of the card's `transmit` that mean that it lost power.
        silence: seconds without any message after which the reader is taken to hang. pcscd asks every 0.4 seconds.
        on_exchange: called after each command with command, response and the seconds that the card took.
        on_reset: called after each reset with its kind and the ATR (empty for "off").
        on_event: called with what happens to the line, and a sentence for people.
    """

    BACK_OFF = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
    """Seconds between attempts to reach a reader that went away; the last one goes on."""

    def __init__(
        self,
        card: CardDevice,
        connect: Connector | None = None,
        *,
        where: str = f"port {DEFAULT_PORT}",
        gone: tuple[type[Exception], ...] = (PowerLoss,),
        silence: float = 5.0,
        on_exchange: Callable[[bytes, bytes, float], None] | None = None,
        on_reset: Callable[[ResetKind, bytes], None] | None = None,
        on_event: Callable[[LinkEvent, str], None] | None = None,
    ) -> None:
        self.card = card
        self._connect = connect or tcp_connector()
        self._where = where
        self._lost_words = f"The reader at {where} is away; waiting for it."
        self._gone = gone
        self._silence = silence
        self._on_exchange = on_exchange
        self._on_reset = on_reset
        self._on_event = on_event
        self._atr = b""
        self._changed = threading.Condition()
        self._line: socket.socket | None = None
        self._inserted = True
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._powered = threading.Event()
        self._told: tuple[LinkEvent, str] | None = None

    def run(self) -> None:
        """Serve until `stop()` or Ctrl-C.

        Raises:
            LinkError: nothing listens when it begins. A reader that goes away later is waited for.
        """
        try:
            self._serve(self._first_line())
        except KeyboardInterrupt:
            self._stopped = True
            self.card.power_off()
            self._tell(LinkEvent.STOPPED, "Interrupted: the card is out.")

    def start(self) -> Self:
        """Serve in a thread of its own; return when the connection stands.

        Raises:
            LinkError: nothing listens.
        """
        line = self._first_line()
        self._thread = threading.Thread(target=self._serve, args=(line,), name="vpcd link", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Take the card out for good and wait until the thread of `start()` has ended."""
        with self._changed:
            self._stopped = True
            self._wake()
        if self._thread and self._thread is not threading.current_thread():
            self._thread.join()

    def remove(self) -> None:
        """Pull the card out. In the middle of a command the response is lost, as with a real card.

        pcscd notices within 400 ms; a card that is inserted again before that was never away for it.
        """
        with self._changed:
            self._inserted = False
            self._wake()

    def insert(self, card: CardDevice | None = None) -> None:
        """Put the card, or another one, into the empty slot.

        Raises:
            LinkError: there is a card in the slot.
        """
        with self._changed:
            if self._inserted:
                raise LinkError("There is a card in the slot: remove it first.")
            self._changed.wait_for(lambda: self._line is None)
            if card:
                self.card, self._atr = card, b""
            self._inserted = True
            self._changed.notify_all()

    def wait_until_powered(self, timeout: float = 5.0) -> Self:
        """Wait until the reader has given the inserted card power and read its ATR.

        pcscd does so within 400 ms, and tells its clients a moment later: SCardGetStatusChange waits for that.

        Raises:
            LinkError: it did not happen in time.
        """
        if not self._powered.wait(timeout):
            raise LinkError(
                f"The reader at {self._where} did not take the card within {timeout:g} seconds: "
                "is another card in this slot?"
            )
        return self

    def __enter__(self) -> Self:
        return self if self._thread else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _tell(self, event: LinkEvent, words: str) -> None:
        """Tell what happened; of attempts that fail alike, the first one is enough."""
        again = (event, words) == self._told and event in (LinkEvent.LOST, LinkEvent.SILENT)
        self._told = event, words
        if self._on_event and not again:
            self._on_event(event, words)

    def _first_line(self) -> socket.socket:
        if self._stopped or self._thread:
            raise LinkError("This link was started before; make a new one.")
        try:
            return self._connect()
        except OSError as error:
            raise LinkError(
                f"Nothing listens on {self._where}: is pcscd running with vpcd? Install pcscd and vsmartcard-vpcd, "
                f"start pcscd, and see what `sscard doctor` says. ({error})"
            ) from error

    def _wake(self) -> None:
        """Wake the serving thread, whatever it waits for. The caller holds `_changed`."""
        if self._line:
            with contextlib.suppress(OSError):
                self._line.shutdown(socket.SHUT_RD)
        self._changed.notify_all()

    def _serve(self, line: socket.socket | None) -> None:
        """Converse over one line after the other until the link is stopped."""
        while line:
            with self._changed:
                self._line = line
            successor = None
            try:
                event, words = self._converse(line)
                if event is LinkEvent.TORN:
                    successor = self._successor()
                    tear(line)
            finally:
                line.close()
                self._powered.clear()
                with self._changed:
                    self._line = None
                    self._changed.notify_all()
            if event is not LinkEvent.TORN:
                self.card.power_off()
            if event is not LinkEvent.STOPPED:
                self._tell(event, words)
            line = successor or self._next_line(lost=event is LinkEvent.LOST)
        self._tell(LinkEvent.STOPPED, "The card is out.")

    def _successor(self) -> socket.socket | None:
        """Return a connection that waits in the slot's queue while the torn one still stands.

        Between the two there would be an empty slot. If pcscd looked just then, it would take the card for a new one
        400 ms later, give it power, and so reset it in the middle of its next session.
        """
        if self._out() or not self._is_reachable():
            return None
        with contextlib.suppress(OSError):
            return self._connect()
        return None

    def _next_line(self, lost: bool) -> socket.socket | None:
        """Return a connection as soon as the card is to be in the slot and the slot is there; none once stopped."""
        pauses = self.BACK_OFF if lost else (0.0, *self.BACK_OFF)
        for pause in itertools.chain(pauses, itertools.repeat(self.BACK_OFF[-1])):
            with self._changed:
                self._changed.wait_for(lambda: self._stopped, pause)
                self._changed.wait_for(lambda: self._inserted or self._stopped)
                while not (self._stopped or self._is_reachable()):
                    self._changed.wait(self.BACK_OFF[0])
                if self._stopped:
                    break
            try:
                return self._connect()
            except OSError:
                self._tell(LinkEvent.LOST, self._lost_words)
        return None

    def _converse(self, line: socket.socket) -> tuple[LinkEvent, str]:
        """Answer the reader until the line breaks; return what broke it."""
        prepare(line, self._silence)
        messages = MessageBuffer()
        taken = False
        while not self._out():
            try:
                # Acknowledge at once what comes next: the option lasts for a few segments only.
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
                data = line.recv(RECEIVE_SIZE)
            except BlockingIOError:
                return LinkEvent.SILENT, self._silence_words(taken)
            except OSError:
                data = b""
            if not data:
                break
            if not taken:
                taken = True
                self._tell(LinkEvent.INSERTED, f"The card is in the reader at {self._where}.")
            for body in messages.feed(data):
                try:
                    answer = self._answer(body)
                except _Withdrawn:
                    return LinkEvent.REMOVED, "The card left the field: its contacts have power."
                except self._gone:
                    return LinkEvent.TORN, "The card lost power in the middle of a command; it comes back."
                if self._out():
                    tear(line)
                    break
                if answer is not None:
                    with contextlib.suppress(OSError):  # the next `recv` finds out as well
                        line.sendall(encode_message(answer))
        if self._stopped:
            return LinkEvent.STOPPED, ""
        if not self._inserted:
            return LinkEvent.REMOVED, "The card was removed."
        return LinkEvent.LOST, self._lost_words

    def _out(self) -> bool:
        return self._stopped or not self._inserted

    def _silence_words(self, taken: bool) -> str:
        if taken:
            return (
                f"The reader has asked nothing for {self._silence:g} seconds: a program has sent a command of no or one "
                "byte, for whose answer vpcd waits in vain. The card was taken out and comes back."
            )
        return f"The reader at {self._where} does not take the card: is another one in this slot? Trying again."

    def _answer(self, body: bytes) -> bytes | None:
        """Carry out one message; return what is to be sent back, if anything."""
        if len(body) == 1:
            control = body[0]
            if control == GET_ATR:
                return self._current_atr()
            if control in (POWER_ON, RESET):
                self._reset("cold" if control == POWER_ON else "warm")
                return None
            if control == POWER_OFF:
                self.card.power_off()
                self._note_reset("off", b"")
                return None
        if not body:
            return None  # vpcd never sends it, and awaits no answer
        return self._command(body)

    def _is_reachable(self) -> bool:
        return not isinstance(self.card, MovableCard) or self.card.is_reachable

    def _command(self, command: bytes) -> bytes:
        if self._on_exchange:
            begin = time.perf_counter()
            response = self.card.transmit(command)
            seconds = time.perf_counter() - begin
            self._on_exchange(command, response, seconds)
        else:
            response = self.card.transmit(command)
        return response if len(response) <= MAX_MESSAGE else RESPONSE_TOO_LONG

    def _current_atr(self) -> bytes:
        """Return the ATR of the last reset; pcscd asks for it even before it gives power.

        Raises:
            _Withdrawn: the card is not where this reader could reach it. For pcscd it has to be gone: one that is there
                and does not answer stays mute until somebody takes it out.
        """
        if not self._is_reachable():
            raise _Withdrawn
        if not self._atr:
            self._atr = self.card.reset(True)
            self.card.power_off()
        return self._atr

    def _reset(self, kind: ResetKind) -> None:
        self._atr = self.card.reset(kind == "cold")
        self._note_reset(kind, self._atr)
        self._powered.set()

    def _note_reset(self, kind: ResetKind, atr: bytes) -> None:
        if self._on_reset:
            self._on_reset(kind, atr)
