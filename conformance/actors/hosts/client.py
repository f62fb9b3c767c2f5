"""The client's side of a line to a host: a time limit, and the same request number again where no answer came."""

from __future__ import annotations

import http.client
import itertools
import os
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

from conformance.actors.bank.messages import HostUnreachable
from conformance.actors.hosts.address import SCHEME, Address, Token
from conformance.actors.hosts.operation import Call
from conformance.actors.hosts.service import ERRORS, REFUSED, Answer
from conformance.actors.hosts.wire import VERSION, Json, WireError, form_of, format_message, members, parse

LARGEST_ANSWER = 1 << 22
REFUSALS = {each.__name__: each for each in ERRORS}
FINAL = frozenset(
    {
        *(HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
        *(HTTPStatus.LENGTH_REQUIRED, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    }
)
"""What asking again does not change."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for an answer, in seconds, and how often to ask."""

    seconds: float = 5.0
    attempts: int = 2


USUAL_PATIENCE = Patience()


def request_numbers() -> Callable[[], str]:
    """Numbers that no other client's requests have."""
    begin, count = os.urandom(12).hex(), itertools.count(1)
    return lambda: f"{begin}-{next(count)}"


class RemoteLine:
    """A line to the host of an actor.

    Args:
        kind: What the host is to be: ``bank``, ``centre``, ``keys`` or ``authority``.
        address: Where it listens.
        token: What it asks for.
        patience: When an answer counts as lost.
        numbers: Gives each request its number.
    """

    def __init__(
        self,
        kind: str,
        address: Address,
        token: Token | None = None,
        *,
        patience: Patience = USUAL_PATIENCE,
        numbers: Callable[[], str] | None = None,
    ) -> None:
        self._kind = kind
        self._address = address
        self._token = token
        self._patience = patience
        self._numbers = numbers or request_numbers()

    def call(self, call: Call) -> object:
        """Ask, again under the same number where no answer came; see :class:`~conformance.actors.hosts.operation.Line`."""
        number = self._numbers()
        body = format_message(_message(number, call))
        problem = HostUnreachable("nobody was asked")
        for _ in range(self._patience.attempts):
            try:
                answer = self._exchange(f"/v{VERSION}/{self._kind}/{call.path}", body)
                if answer.status in FINAL:
                    break
                return _read(number, call, answer)
            except (OSError, http.client.HTTPException, WireError) as why:
                problem = HostUnreachable(f"{self._kind} at {self._address}: {_reason(why)}")
        else:
            raise problem
        raise HostUnreachable(f"{self._kind} at {self._address}: {_told(answer)}")

    def _exchange(self, path: str, body: bytes) -> Answer:
        connection = http.client.HTTPConnection("localhost", timeout=self._patience.seconds)
        try:
            connection.sock = self._address.connect(self._patience.seconds)
            headers = {"Content-Type": "application/json", "Connection": "close"}
            if self._token is not None:
                headers["Authorization"] = SCHEME + self._token.value
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            read = response.read(LARGEST_ANSWER + 1)
            if response.length:
                raise http.client.IncompleteRead(b"")
            return Answer(response.status, read)
        finally:
            connection.close()


def _message(number: str, call: Call) -> Json:
    forms = call.operation.parameters
    arguments: Json = {name: forms[name].write(value, name) for name, value in call.arguments.items()}
    if call.subject is None:
        return {"number": number, "arguments": arguments}
    subject = form_of(cast("Hashable", type(call.subject))).write(call.subject, "subject")
    return {"number": number, "subject": subject, "arguments": arguments}


def _read(number: str, call: Call, answer: Answer) -> object:
    """The result; raises what the actor raised, or :class:`WireError` for what is no answer to this request."""
    good = answer.status == HTTPStatus.OK
    if not good and answer.status != REFUSED:
        raise WireError(_told(answer))
    told, result = members(parse(answer.body), "the answer", "number", "result" if good else "refused")
    if told != number:
        raise WireError("the answer is one to another request")
    if good:
        return call.operation.answer.read(result, "the answer")
    kind, text = (form_of(str).read(each, "the refusal") for each in members(result, "the refusal", "kind", "text"))
    if kind not in REFUSALS:
        raise WireError("the refusal is of an unknown kind")
    raise REFUSALS[kind](text)


def _told(answer: Answer) -> str:
    """What an answer without result says, where it is one of a host."""
    try:
        text = form_of(str).read(members(parse(answer.body), "", "error")[0], "")
    except WireError:
        text = "no answer of a host"
    printable = "".join(each if each.isprintable() else "?" for each in text[:200])
    return f"{printable} (status {answer.status})"


def _reason(problem: Exception) -> str:
    if isinstance(problem, TimeoutError):
        return "no answer in time"
    if isinstance(problem, OSError):
        return problem.strerror or "the line is down"
    if isinstance(problem, WireError):
        return f"an answer that makes no sense: {problem}"
    return "the answer breaks off or is none"
