"""Terminals of PBOC 3.0: one with contacts, one without (qPBOC), and a gate of a sector."""

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
from conformance.actors.terminal.kernel import COUNTER_CONFIGURATION, DEFAULT_CONFIGURATION, Kernel
from conformance.actors.terminal.preprocessing import ContactlessSettings
from conformance.actors.terminal.quick_terminal import QuickTerminal
from conformance.actors.terminal.receipt import receipt
from conformance.actors.terminal.result import TransactionResult
from conformance.actors.terminal.transaction import Holder, PreparedHolder, Purchase

__all__ = [
    "COUNTER_CONFIGURATION",
    "DEFAULT_CONFIGURATION",
    "ApplicationParameters",
    "AuthorityKey",
    "ContactlessSettings",
    "Event",
    "Gate",
    "GateSite",
    "Holder",
    "Kernel",
    "Link",
    "Phase",
    "PreparedHolder",
    "Purchase",
    "QuickTerminal",
    "Reason",
    "TerminalConfiguration",
    "TransactionResult",
    "published_authority_keys",
    "receipt",
]
