"""The line between a terminal and the bank, which somebody may cut."""

from __future__ import annotations

from conformance.actors.bank.messages import (
    AuthorisationRequest,
    AuthorisationResponse,
    Completion,
    Host,
    HostUnreachable,
    Reversal,
)


class BankLine:
    """A bank behind a line.

    Args:
        host: The bank.
        down: Nothing comes through.
        loses_answers: Requests for authorisation arrive, their answers do not.
    """

    def __init__(self, host: Host, *, down: bool = False, loses_answers: bool = False) -> None:
        self._host = host
        self.down = down
        self.loses_answers = loses_answers

    def _reached(self) -> Host:
        if self.down:
            raise HostUnreachable("no line")
        return self._host

    def authorise(self, request: AuthorisationRequest) -> AuthorisationResponse:
        """Ask for authorisation."""
        response = self._reached().authorise(request)
        if self.loses_answers:
            raise HostUnreachable("time out")
        return response

    def complete(self, completion: Completion) -> None:
        """Tell how a transaction ended at the card."""
        self._reached().complete(completion)

    def reverse(self, reversal: Reversal) -> None:
        """冲正: take back what was approved."""
        self._reached().reverse(reversal)
