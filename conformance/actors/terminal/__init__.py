"""A contact terminal of PBOC 3.0, and a gate that works without contact."""

from conformance.actors.terminal.channel import Link
from conformance.actors.terminal.configuration import (
    ApplicationParameters,
    AuthorityKey,
    TerminalConfiguration,
    published_authority_keys,
)
from conformance.actors.terminal.ending import Reason
from conformance.actors.terminal.events import Event, Phase
from conformance.actors.terminal.gate import Gate, GateSite
from conformance.actors.terminal.kernel import DEFAULT_CONFIGURATION, Kernel
from conformance.actors.terminal.receipt import receipt
from conformance.actors.terminal.result import TransactionResult
from conformance.actors.terminal.transaction import Holder, PreparedHolder, Purchase

__all__ = [
    "DEFAULT_CONFIGURATION",
    "ApplicationParameters",
    "AuthorityKey",
    "Event",
    "Gate",
    "GateSite",
    "Holder",
    "Kernel",
    "Link",
    "Phase",
    "PreparedHolder",
    "Purchase",
    "Reason",
    "TerminalConfiguration",
    "TransactionResult",
    "published_authority_keys",
    "receipt",
]
