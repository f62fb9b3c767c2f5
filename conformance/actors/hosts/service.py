"""An actor as its host serves it: a request as bytes in, an answer as bytes out; and the same without a wire."""

from __future__ import annotations

import hashlib
import sqlite3
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

from conformance.actors.bank.card_data import CardDataError
from conformance.actors.bank.changes import ChangeError
from conformance.actors.certificates.authority import RequestRefused
from conformance.actors.hosts.operation import Call, Desk, Operation
from conformance.actors.hosts.wire import VERSION, Json, WireError, form_of, format_message, members, parse
from conformance.actors.store import Store
from emulator.crypto import CryptoError
from profiles.keys import RootKeyError

ERRORS: tuple[type[Exception], ...] = (
    *(ChangeError, CardDataError, RequestRefused, RootKeyError, CryptoError),
    *(sqlite3.IntegrityError, KeyError, OverflowError, ValueError),
)
"""What an actor says no with; it arrives at the other end as the same error. The first that fits counts."""
LONGEST_NUMBER = 64
ANSWERS = """
CREATE TABLE IF NOT EXISTS wire_answer (
    number TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, answer BLOB NOT NULL
) STRICT
"""
REFUSED = HTTPStatus.UNPROCESSABLE_ENTITY
"""The actor said no."""


class NoSuchOperation(Exception):
    """The path of a request names nothing that this host offers."""


class Answer(NamedTuple):
    """An answer of a host."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of actor: its name on the wire and its desks, the actor's own first."""

    name: str
    desks: tuple[type[Desk], ...]

    def find(self, path: str) -> tuple[type[Desk], Operation[..., Any]] | None:
        """Desk and operation by the path of a request."""
        desk, _, name = path.rpartition(".")
        for each in self.desks:
            if each.desk == desk and name in each.operations():
                return each, each.operations()[name]
        return None


@dataclass(frozen=True, slots=True)
class DirectLine:
    """The actor itself, without a wire.

    Attributes:
        actors: By name of the desk, who answers there; or, for a desk with subjects, who makes the one for a subject.
    """

    actors: Mapping[str, object | Callable[[Any], object]]

    def call(self, call: Call) -> object:
        """Carry a call out; see :class:`~conformance.actors.hosts.operation.Line`."""
        actor = self.actors[call.desk]
        if call.subject is not None and callable(actor):
            actor = actor(call.subject)
        return call.operation.shown(getattr(actor, call.operation.method_name)(**call.arguments))


@dataclass(slots=True)
class Service:
    """An actor with its books.

    Attributes:
        kind: What it is.
        line: The actor.
        store: The books, in which answers are kept together with what they changed.
    """

    kind: Kind
    line: DirectLine
    store: Store = field(default_factory=Store)

    def __post_init__(self) -> None:
        self.store.run(ANSWERS)

    def close(self) -> None:
        """Close the books."""
        self.store.close()

    def answer(self, path: str, body: bytes) -> Answer:
        """Answer a request; the same number again gets the same answer and changes nothing. Never raises."""
        try:
            number, call = self._read(path, body)
            if not call.operation.changes:
                return self._carry_out(number, call)
            return self._once(number, call, hashlib.sha256(path.encode() + b"\0" + body).hexdigest())
        except WireError as problem:
            return error(HTTPStatus.BAD_REQUEST, str(problem))
        except NoSuchOperation as problem:
            return error(HTTPStatus.NOT_FOUND, str(problem))
        except Exception as problem:  # whatever fails in an actor, its host goes on
            print(f"{self.kind.name} {path}: {type(problem).__name__} in {place_of(problem)}", file=sys.stderr)
            return error(HTTPStatus.INTERNAL_SERVER_ERROR, f"the host failed ({type(problem).__name__})")

    def _read(self, path: str, body: bytes) -> tuple[str, Call]:
        start = f"/v{VERSION}/{self.kind.name}/"
        found = self.kind.find(path.removeprefix(start)) if path.startswith(start) else None
        if found is None:
            raise NoSuchOperation(f"this host has no such operation; it is a {self.kind.name} of version {VERSION}")
        desk, operation = found
        names = ("number", "arguments") if desk.subject_type is None else ("number", "subject", "arguments")
        values = dict(zip(names, members(parse(body), "", *names), strict=True))
        number = form_of(str).read(values["number"], "number")
        if not 0 < len(number) <= LONGEST_NUMBER:
            raise WireError(f"number does not have one to {LONGEST_NUMBER} characters")
        subject = None if desk.subject_type is None else form_of(desk.subject_type).read(values["subject"], "subject")
        given = members(values["arguments"], "arguments", *operation.parameters)
        arguments = {
            name: form.read(raw, name) for (name, form), raw in zip(operation.parameters.items(), given, strict=True)
        }
        return number, Call(desk.desk, operation, arguments, subject)

    def _once(self, number: str, call: Call, fingerprint: str) -> Answer:
        with self.store.transaction():
            row = self.store.one("SELECT * FROM wire_answer WHERE number = ?", number)
            if row is not None:
                if row["fingerprint"] != fingerprint:
                    return error(HTTPStatus.CONFLICT, "another request came under this number")
                return Answer(row["status"], row["answer"])
            answer = self._carry_out(number, call)
            self.store.run("INSERT INTO wire_answer VALUES (?, ?, ?, ?)", number, fingerprint, *answer)
            return answer

    def _carry_out(self, number: str, call: Call) -> Answer:
        try:
            with self.store.transaction():
                result = call.operation.answer.write(self.line.call(call), "the answer")
        except WireError as problem:
            raise TypeError(str(problem)) from problem
        except ERRORS as refusal:
            kind = next(each for each in ERRORS if isinstance(refusal, each))
            text = str(refusal.args[0]) if refusal.args else ""
            table: Json = {"number": number, "refused": {"kind": kind.__name__, "text": text}}
            return Answer(REFUSED, format_message(table))
        return Answer(HTTPStatus.OK, format_message({"number": number, "result": result}))


def place_of(problem: BaseException) -> str:
    """Where it happened; its text, which may hold a secret, is not told."""
    frames = traceback.extract_tb(problem.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "no place"


def error(status: HTTPStatus, text: str) -> Answer:
    """An answer that says why there is none."""
    return Answer(status, format_message({"error": text}))
