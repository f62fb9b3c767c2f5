"""The operations of an actor as a class: each a line, typed as the actor's own method, callable over any line.

A desk is the client's side of an actor, and by its operations it says what the actor's host offers; one declaration serves
both. What is not listed is not reachable.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Concatenate, Generic, ParamSpec, Protocol, Self, TypeVar, cast, overload

from conformance.actors.hosts.wire import Form, form_of

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operation.

    Attributes:
        desk: Name of the desk, empty for the actor itself.
        subject: Of what the desk is, where there are many: the card of a key service.
    """

    desk: str
    operation: Operation[..., Any]
    arguments: Mapping[str, object]
    subject: object = None

    @property
    def path(self) -> str:
        """Name of the operation with its desk."""
        return f"{self.desk}.{self.operation.name}" if self.desk else self.operation.name


class Line(Protocol):
    """The way to an actor."""

    def call(self, call: Call) -> object:
        """The actor's answer, or what it raised.

        Raises:
            conformance.actors.bank.messages.HostUnreachable: No answer came; the request may or may not have arrived.
        """


class Desk:
    """What can be asked of an actor over a line.

    Attributes:
        desk: Its name at the host.
        subject_type: What says of which one it is, where there are many.
    """

    desk: ClassVar[str] = ""
    subject_type: ClassVar[type | None] = None

    def __init__(self, line: Line, subject: object = None) -> None:
        self.line = line
        self.subject = subject

    @classmethod
    def operations(cls) -> dict[str, Operation[..., Any]]:
        """Its operations by name."""
        return {name: each for name in dir(cls) if isinstance(each := getattr(cls, name), Operation)}


class Operation(Generic[P, R]):
    """An operation of a desk: a method of the actor, by which it is typed and served.

    Args:
        method: The actor's method.
        changes: Whether it changes the actor's books; then a request is carried out once, however often it comes.
        shown: What of the answer leaves the actor.
    """

    def __init__(
        self,
        method: Callable[Concatenate[Any, P], R],
        *,
        changes: bool,
        shown: Callable[[R], R] = lambda answer: answer,
    ) -> None:
        self._method = method
        self.changes = changes
        self.shown = shown
        self.name = ""
        """Name at the desk."""
        self.method_name = method.__name__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: Desk, owner: type) -> Callable[P, R]: ...

    def __get__(self, instance: Desk | None, owner: type) -> Self | Callable[P, R]:
        if instance is None:
            return self

        def ask(*args: P.args, **kwargs: P.kwargs) -> R:
            bound = self._signature.bind(None, *args, **kwargs)
            bound.apply_defaults()
            _, *arguments = bound.arguments.items()
            return cast("R", instance.line.call(Call(instance.desk, self, dict(arguments), instance.subject)))

        return ask

    @cached_property
    def _signature(self) -> inspect.Signature:
        return inspect.signature(self._method)

    @cached_property
    def parameters(self) -> dict[str, Form]:
        """The forms of its parameters."""
        hints = typing.get_type_hints(self._method)
        return {name: form_of(hints[name]) for name in list(self._signature.parameters)[1:]}

    @cached_property
    def answer(self) -> Form:
        """The form of its answer."""
        return form_of(typing.get_type_hints(self._method)["return"])


def asks(
    method: Callable[Concatenate[Any, P], R], *, shown: Callable[[R], R] = lambda answer: answer
) -> Operation[P, R]:
    """An operation that changes nothing."""
    return Operation(method, changes=False, shown=shown)


def does(method: Callable[Concatenate[Any, P], R]) -> Operation[P, R]:
    """An operation that changes the actor's books."""
    return Operation(method, changes=True)
