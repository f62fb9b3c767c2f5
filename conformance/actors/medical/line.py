"""The line between a terminal and the insurance centre, which somebody may cut."""

from __future__ import annotations

from conformance.actors.bank.messages import HostUnreachable
from conformance.actors.medical.messages import (
    Clearing,
    Confirmation,
    InsuranceHost,
    LoadAnswer,
    LoadRequest,
    Mode,
    OfflineUpload,
    PreSettlement,
    Quote,
)


class Line:
    """An insurance host behind a line; while ``down`` nothing comes through."""

    def __init__(self, host: InsuranceHost, *, down: bool = False) -> None:
        self._host = host
        self.down = down

    @property
    def mode(self) -> Mode:
        """How the area settles: the terminal knows it."""
        return self._host.mode

    def _reached(self) -> InsuranceHost:
        if self.down:
            raise HostUnreachable
        return self._host

    def pre_settle(self, request: PreSettlement) -> Quote:
        """Ask who pays what."""
        return self._reached().pre_settle(request)

    def settle(self, confirmation: Confirmation) -> Clearing:
        """Tell that the card settled."""
        return self._reached().settle(confirmation)

    def upload(self, upload: OfflineUpload) -> Clearing:
        """Tell of an offline settlement."""
        return self._reached().upload(upload)

    def load(self, request: LoadRequest) -> LoadAnswer:
        """Ask for a load of the card's own account 账户划入."""
        return self._reached().load(request)

    def confirm_load(self, number: str, tac: bytes) -> Clearing:
        """Tell that the card loaded."""
        return self._reached().confirm_load(number, tac)

    def reverse(self, number: str) -> Clearing:
        """冲正: take a settlement back."""
        return self._reached().reverse(number)
