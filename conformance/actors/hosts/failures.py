"""What befalls a line to a host, scripted by the number of the request: over calls in process, or over any line."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from conformance.actors.bank.messages import HostUnreachable
from conformance.actors.hosts.operation import Call, Line
from conformance.actors.hosts.service import ERRORS
from conformance.actors.named import Named


class Failure(Named):
    """What happens to one request."""

    UNREACHABLE = "主机不可达", "the request does not arrive"
    SLOW = "应答超时", "carried out; the answer comes after the caller gave up"
    LOST = "应答丢失", "carried out; the answer does not come"
    TWICE = "重复送达", "arrives twice, one after the other; the second answer is taken"
    AGAIN = "事后重复送达", "answered; arrives again after later requests"
    LATE = "迟到", "no answer; arrives only after later requests"
    ERROR_PAGE = "网关错误页", "does not arrive; somebody on the way answers with a page"
    NONSENSE = "应答无意义", "carried out; the answer is no answer"
    CUT = "连接中断", "carried out; the connection is cut in the middle of the answer"

    @property
    def arrives(self) -> bool:
        """Whether the host carries the request out before the caller goes on."""
        return self not in (Failure.UNREACHABLE, Failure.LATE, Failure.ERROR_PAGE)

    @property
    def answered(self) -> bool:
        """Whether the caller gets its answer."""
        return self in (Failure.TWICE, Failure.AGAIN)


Plan = Mapping[int, Failure]
"""Failures by the number of the request, from 1."""


class FaultyLine:
    """A line on which requests fail by a plan; any desk works over it.

    Args:
        line: The line to the actor.
        plan: Which request fails, and how.
        later: After how many later requests a late one arrives, or one again.

    Attributes:
        paths: The operation of every request so far.
    """

    def __init__(self, line: Line, plan: Plan, *, later: int = 1) -> None:
        self._line = line
        self._plan = plan
        self._later = later
        self._waiting: list[tuple[int, Call]] = []
        self.paths: list[str] = []

    def call(self, call: Call) -> object:
        """See :class:`~conformance.actors.hosts.operation.Line`."""
        self.paths.append(call.path)
        number = len(self.paths)
        try:
            return self._pass(call, number, self._plan.get(number))
        finally:
            self._deliver(number)

    def _pass(self, call: Call, number: int, failure: Failure | None) -> object:
        if failure is None:
            return self._line.call(call)
        if failure in (Failure.AGAIN, Failure.LATE):
            self._waiting.append((number + self._later, call))
        if failure is Failure.TWICE or (failure.arrives and not failure.answered):
            self._attempt(call)
        if failure.answered:
            return self._line.call(call)
        raise HostUnreachable(failure.en)

    def _attempt(self, call: Call) -> None:
        """Let it arrive; nobody hears what the host says, a refusal neither."""
        with suppress(HostUnreachable, *ERRORS):
            self._line.call(call)

    def _deliver(self, number: int) -> None:
        due = [call for at, call in self._waiting if at <= number]
        self._waiting = [(at, call) for at, call in self._waiting if at > number]
        for call in due:
            self._attempt(call)

    def flush(self) -> None:
        """Let everything arrive that is late."""
        while self._waiting:
            self._deliver(max(at for at, _ in self._waiting))
