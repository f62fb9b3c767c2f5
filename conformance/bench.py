"""The bench at which a test case works: sends commands, compares answers, and writes everything down."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import Protocol, TypeVar

from conformance.actors.key_service import KeyService
from conformance.cases import Case, Level
from conformance.events import Check, Event, Exchange, Step
from conformance.failures import CardFailure, Inconclusive, NotRun
from conformance.requirements import CardTraits
from conformance.targets.base import Interface, Target
from emulator.iso7816 import SW, Atr, AtrError, Response
from emulator.iso7816.status import is_more_available, is_wrong_le
from profiles.model import Profile

NO_INTERFACE = {
    Interface.CONTACT: (
        "需要接触界面，本测试台只有非接触读卡器",
        "needs the contacts, and this bench has a contactless reader only",
    ),
    Interface.CONTACTLESS: (
        "需要非接触界面，请用 --contactless-reader 指定读卡器",
        "needs the contactless interface; name its reader with --contactless-reader",
    ),
}
T = TypeVar("T")
Emit = Callable[[Event], None]
KEPT_EXCHANGES = 400
LONGEST_CHAIN = 260
"""GET RESPONSE rounds after which a card that always promises more is given up."""


class Redact(Protocol):
    """Masks what must not be written: secrets and personal data."""

    def reset(self, atr: bytes) -> None:
        """The card was reset."""

    def exchange(self, command: bytes, response: bytes) -> tuple[str, str]:
        """Both sides in hexadecimal, ``XX`` for a masked byte."""

    def text(self, text: str) -> str:
        """A sentence without what was masked in the exchanges before it."""


class NoRedaction:
    """Writes everything as it is."""

    def reset(self, atr: bytes) -> None:
        """Nothing to follow."""

    def exchange(self, command: bytes, response: bytes) -> tuple[str, str]:
        """Both sides in hexadecimal."""
        return command.hex().upper(), response.hex().upper()

    def text(self, text: str) -> str:
        """The sentence as it is."""
        return text


def now() -> datetime:
    """The time of an event."""
    return datetime.now(UTC)


@dataclass
class Recorder:
    """Exchanges of the running case: all of them as events, or, inside a property, only those of this example."""

    emit: Emit
    redact: Redact
    case: str | None = None
    count: int = 0
    quiet: bool = False
    example: list[dict[str, str]] = field(default_factory=list)
    heed: Callable[[], None] = lambda: None
    """Called at each exchange; raises KeyboardInterrupt where the run shall end."""

    def exchange(self, command: str, response: str, seconds: float) -> None:
        """Write an exchange down."""
        self.heed()
        self.count += 1
        if len(self.example) < KEPT_EXCHANGES:
            self.example.append({"command": command, "response": response})
        if not self.quiet:
            self.emit(
                Exchange(
                    t=now(), case=self.case, number=self.count, command=command, response=response, seconds=seconds
                )
            )


@dataclass(frozen=True, slots=True)
class Expectation:
    """Status words that a card may answer, the first being the usual one."""

    words: tuple[int, ...]
    families: tuple[int, ...] = ()
    """SW1 values of which every SW2 is welcome, such as ``63`` for any number of tries."""

    def met_by(self, sw: int) -> bool:
        """Whether a status word is among them."""
        return sw in self.words or sw >> 8 in self.families

    def __str__(self) -> str:
        return " / ".join([f"{word:04X}" for word in self.words] + [f"{family:02X}xx" for family in self.families])


GOOD = Expectation((SW.SUCCESS,))
GOOD_WORD = SW.SUCCESS.to_bytes(2, "big")


class Bench:
    """What a case has in its hands.

    ``transmit`` is one exchange as it is; ``send`` plays the terminal under T=0, fetching answers behind ``61xx``
    and repeating with the Le of a ``6Cxx``.
    """

    def __init__(self, target: Target, profile: Profile, traits: CardTraits, recorder: Recorder) -> None:
        self.target = target
        self.profile = profile
        self.traits = traits
        self.recorder = recorder
        self.level = Level.QUICK
        self.random = random.Random(0)  # noqa: S311 - test data, not secrets
        self.seed = 0
        self.destructive = False
        self.examples_run = 0
        self.soft_failures: list[CardFailure] = []
        self.confirm_card: Callable[[], None] = _trust
        """Called after the card was reached through another interface of a bench that cannot know which card is there."""
        self._keys: KeyService | None = None
        self._reached: dict[str, Callable[[], bytes]] = {}
        """What puts a copy in of a card that went a long way, by the state into which it led."""
        self.atr = b""

    # Card on, card off

    def connect(self) -> bytes:
        """Switch the card on."""
        return self._switched("POWER ON", self.target.connect)

    def reset(self, cold: bool = True) -> bytes:
        """Reset the card."""
        return self._switched("RESET" if cold else "WARM RESET", lambda: self.target.reset(cold))

    def renew(self) -> bytes:
        """Put a fresh card in; :class:`NotRun` where the bench has none."""
        if not self.target.renewable:
            raise NotRun("需要新卡片，本测试台无法更换", "needs a fresh card, which this bench cannot put in")
        return self._switched("NEW CARD", self.target.renew)

    def reach(self, state: str, way: Callable[[], None]) -> None:
        """Bring the card into a state to which the way is long, and reset it.

        Where the bench puts cards in, it goes that way once; whoever needs the state again gets a copy of the card that
        went it. The interface in use stays.
        """
        put_in = self._reached.get(state)
        if put_in is not None:
            self.step(
                "放入已走到此状态的卡片的副本",
                "a copy of the card that an earlier case brought into this state is put in",
            )
            self._switched("COPY OF A CARD", put_in)
            return
        way()
        if self.target.renewable:
            self._reached[state] = self.target.keep()
        self.reset()

    def switch(self, interface: Interface) -> bytes:
        """Go over to an interface of the card and hand out the ATR that it shows; the session is lost.

        :class:`NotRun` where the bench does not reach that interface.
        """
        if interface not in self.target.interfaces:
            raise NotRun(*NO_INTERFACE[interface])
        self._switched(interface.name, lambda: self.target.switch(interface))
        if not self.target.renewable:
            self.confirm_card()
            self.reset()
        return self.atr

    def begin_example(self) -> None:
        """Start a generated example from a card in its first state, as far as the bench can bring that about."""
        self.recorder.example.clear()
        if self.target.renewable:
            self.renew()
        else:
            self.reset()

    def _switched(self, what: str, act: Callable[[], bytes]) -> bytes:
        started = perf_counter()
        self.atr = act()
        self.recorder.redact.reset(self.atr)
        self.recorder.exchange(what, self.atr.hex().upper(), perf_counter() - started)
        return self.atr

    @property
    def historical(self) -> bytes:
        """Historical bytes of the card's ATR, empty when the ATR cannot be read."""
        try:
            return Atr.parse(self.atr).historical
        except AtrError:
            return b""

    @property
    def keys(self) -> KeyService:
        """The key service for the card in the bench."""
        if self._keys is None:
            historical = self.historical
            if len(historical) < 8:
                raise Inconclusive(
                    "复位应答中没有卡分散因子，无法计算密钥",
                    "the reset answer has no card factor: keys cannot be computed",
                )
            self._keys = KeyService(self.profile, historical)
        return self._keys

    # Commands

    def transmit(self, command: bytes | str) -> Response:
        """One exchange; a card that answers fewer than two bytes has failed."""
        raw = bytes.fromhex(command) if isinstance(command, str) else command
        started = perf_counter()
        answer = self.target.transmit(raw)
        seconds = perf_counter() - started
        self.recorder.exchange(*self.recorder.redact.exchange(raw, answer), seconds)
        return _response(answer)

    def send(self, command: bytes | str) -> Response:
        """Exchange as a terminal does: follow ``61xx`` and ``6Cxx`` to the end."""
        raw = bytes.fromhex(command) if isinstance(command, str) else command
        response = self.transmit(raw)
        if is_wrong_le(response.sw) and len(raw) in (4, 5):
            response = self.transmit(raw[:4] + bytes([response.sw & 0xFF]))
        data = response.data
        for _ in range(LONGEST_CHAIN):
            if not is_more_available(response.sw):
                return Response(data, response.sw)
            response = self.transmit(bytes([raw[0] & 0x03, 0xC0, 0, 0, response.sw & 0xFF]))
            data += response.data
            if is_more_available(response.sw) and not response.data:
                break
        raise CardFailure(None, "61xx 无休止", "the card promises more data without end", "an end", "61xx…")

    def repeat(self, command: bytes, times: int) -> Response:
        """Send the same command up to ``times`` times, at least once, while it succeeds; only the last exchange is written down."""
        self.step(f"重复 {times} 次，仅记录最后一次", f"{times} times the same; only the last exchange is written down")
        seconds = 0.0
        answer = b""
        for _ in range(max(1, times)):
            started = perf_counter()
            answer = self.target.transmit(command)
            seconds = perf_counter() - started
            if answer[-2:] != GOOD_WORD:
                break
        self.recorder.exchange(*self.recorder.redact.exchange(command, answer), seconds)
        return _response(answer)

    def tear(self, command: bytes | str, write: int) -> Response | None:
        """Send a command and cut the supply at its n-th physical write; None when the cut came in time."""
        raw = bytes.fromhex(command) if isinstance(command, str) else command
        started = perf_counter()
        answer = self.target.tear(raw, write)
        seconds = perf_counter() - started
        shown, answered = self.recorder.redact.exchange(raw, answer or b"")
        self.recorder.exchange(shown, answered if answer is not None else f"POWER LOST AT WRITE {write}", seconds)
        return None if answer is None else _response(answer)

    # Judging

    def step(self, zh: str, en: str) -> None:
        """Say what comes next."""
        if not self.recorder.quiet and self.recorder.case is not None:
            self.recorder.emit(Step(t=now(), case=self.recorder.case, text={"zh": zh, "en": en}))

    def check(
        self,
        good: bool,
        zh: str,
        en: str,
        *,
        expected: object,
        received: object,
        requirement: str | None = None,
        go_on: bool = False,
    ) -> bool:
        """Note a comparison; when it is not good the case fails, at once or, with ``go_on``, at its end."""
        wanted, got = (self.recorder.redact.text(_show(value)) for value in (expected, received))
        if not self.recorder.quiet and self.recorder.case is not None:
            self.recorder.emit(
                Check(
                    t=now(),
                    case=self.recorder.case,
                    requirement=requirement,
                    text={"zh": zh, "en": en},
                    expected=wanted,
                    received=got,
                    good=good,
                )
            )
        if not good:
            failure = CardFailure(requirement, zh, en, wanted, got)
            if not go_on:
                raise failure
            self.soft_failures.append(failure)
        return good

    def expect(
        self,
        response: Response,
        expected: Expectation | int | Iterable[int],
        zh: str,
        en: str,
        *,
        requirement: str | None = None,
        go_on: bool = False,
    ) -> Response:
        """Check a status word and hand the response on."""
        wanted = _expectation(expected)
        self.check(
            wanted.met_by(response.sw),
            zh,
            en,
            expected=wanted,
            received=f"{response.sw:04X}",
            requirement=requirement,
            go_on=go_on,
        )
        return response

    def need(self, response: Response, zh: str, en: str) -> Response:
        """A step of the preamble: unless it succeeds the case is inconclusive."""
        if response.sw != SW.SUCCESS:
            raise Inconclusive(f"前提未满足：{zh}（{response.sw:04X}）", f"preamble: {en} answered {response.sw:04X}")
        return response

    def require_destructive(self) -> None:
        """Go on only where the card may be given up."""
        if not self.destructive:
            raise NotRun("破坏性测试，需要 --destructive", "destructive: run with --destructive")

    def finish(self) -> None:
        """Fail now when a check failed on the way."""
        if self.soft_failures:
            raise self.soft_failures[0]


def _response(answer: bytes) -> Response:
    if len(answer) < 2:
        raise CardFailure(
            None, "应答中没有状态字", "the answer has no status word", "data ‖ SW1 SW2", answer.hex().upper() or "—"
        )
    return Response.parse(answer)


def _show(value: object) -> str:
    return value.hex().upper() if isinstance(value, bytes) else str(value)


def _expectation(expected: Expectation | int | Iterable[int]) -> Expectation:
    if isinstance(expected, Expectation):
        return expected
    return Expectation((expected,) if isinstance(expected, int) else tuple(expected))


def _trust() -> None:
    """The bench put the card in itself."""


def bench_for_case(bench: Bench, case: Case, level: Level, seed: int) -> None:
    """Prepare the bench for a case: nothing of an earlier one is left."""
    bench.level = level
    bench.seed = seed
    bench.random = random.Random(f"{seed}/{case.identifier}")  # noqa: S311 - test data, not secrets
    bench.soft_failures.clear()
    bench.examples_run = 0
    bench.recorder.case = case.identifier
    bench.recorder.count = 0
    bench.recorder.quiet = False
    bench.recorder.example.clear()
    if case.destructive:
        bench.require_destructive()
    if case.needs_tearing and not bench.target.tearable:
        raise NotRun("本测试台不能在选定时刻断电", "this bench cannot cut the supply at a chosen moment")
    wanted = case.side or bench.target.interfaces[0]
    if wanted is not bench.target.interface:
        bench.switch(wanted)
    bench.begin_example()
