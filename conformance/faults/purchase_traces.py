"""Faults of what a medical purchase 医疗消费 leaves behind: the record of the log, and the proof."""

from __future__ import annotations

from conformance.faults.catalogue import FaultSet
from conformance.faults.settling import (
    DEBIT,
    MEDICAL,
    Cells,
    begun,
    log_cell,
    log_of,
    with_booking,
    with_newest,
    without_proof,
)
from emulator.apps.social_security.amounts import Amounts, proof_cell
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.iso7816 import SW, Command, StatusError
from profiles.model import Profile

FAULTS = FaultSet()
PROOF = "GET TRANSACTION PROOF"


def _with_proof(profile: Profile) -> bool:
    return MEDICAL(profile) and profile.settings.medical_load


# The record of the log


@FAULTS.command(
    DEBIT,
    "pay.total-as-account",
    "明细中个人账户金额为总额",
    "The log has the total as amount of the account",
    ["SSC-PAY-015", "SSC-LOG-001"],
    MEDICAL,
)
def total_as_account(card: Card, command: Command, good: Handler) -> bytes:
    """f2 stands in the place of f1, too."""
    return with_booking(
        card,
        command,
        good,
        lambda card, written, _: with_newest(card, written, lambda raw: raw[:16] + raw[20:24] + raw[20:]),
    )


@FAULTS.command(
    DEBIT,
    "pay.type-in-binary",
    "明细中交易类型为二进制",
    "The log has the type 02 instead of 32",
    ["SSC-PAY-021", "SSC-LOG-001"],
    MEDICAL,
)
def type_in_binary(card: Card, command: Command, good: Handler) -> bytes:
    """A number, not a character."""
    return with_booking(
        card,
        command,
        good,
        lambda card, written, _: with_newest(card, written, lambda raw: raw[:2] + b"\x02" + raw[3:]),
    )


@FAULTS.command(
    DEBIT,
    "pay.short-time",
    "明细时间缺少秒",
    "The log has no seconds",
    ["SSC-LOG-001"],
    MEDICAL,
)
def short_time(card: Card, command: Command, good: Handler) -> bytes:
    """Zeros in their place: a time of which any second but zero is lost."""
    return with_booking(
        card,
        command,
        good,
        lambda card, written, _: with_newest(card, written, lambda raw: raw[:13] + b"\x00\x00\x00" + raw[16:]),
    )


@FAULTS.command(
    DEBIT,
    "pay.newest-last",
    "最新明细写在末尾",
    "The log has the newest settlement behind the others",
    ["SSC-LOG-002"],
    MEDICAL,
)
def newest_last(card: Card, command: Command, good: Handler) -> bytes:
    """Records are numbered from the oldest."""

    def change(card: Card, written: Cells, before: Amounts) -> Cells:
        newest, *others = log_of(written, card)
        return {**written, log_cell(card): (*others, newest)}

    return with_booking(card, command, good, change)


@FAULTS.command(
    DEBIT,
    "pay.log-full",
    "明细写满后不再写入",
    "A full log takes no more settlements",
    ["SSC-LOG-003"],
    MEDICAL,
)
def log_full(card: Card, command: Command, good: Handler) -> bytes:
    """The oldest record is never replaced."""

    def change(card: Card, written: Cells, before: Amounts) -> Cells:
        old = log_of(card.memory.cells, card)
        return {**written, log_cell(card): old} if len(old) == len(log_of(written, card)) else written

    return with_booking(card, command, good, change)


@FAULTS.command(
    DEBIT,
    "pay.log-of-twenty",
    "明细只保留20条",
    "The log keeps twenty settlements",
    ["SSC-LOG-003"],
    MEDICAL,
)
def log_of_twenty(card: Card, command: Command, good: Handler) -> bytes:
    """A smaller file."""
    return with_booking(
        card, command, good, lambda card, written, _: {**written, log_cell(card): log_of(written, card)[:20]}
    )


@FAULTS.command(
    DEBIT,
    "pay.zero-not-logged",
    "零金额消费不写明细",
    "A settlement of nothing counts and is not logged",
    ["SSC-LOG-005"],
    MEDICAL,
)
def zero_not_logged(card: Card, command: Command, good: Handler) -> bytes:
    """Number and log disagree."""
    purchase = begun(card, command)

    def change(card: Card, written: Cells, before: Amounts) -> Cells:
        if purchase is None or any(purchase.amounts):
            return written
        return {cell: value for cell, value in written.items() if cell != log_cell(card)}

    return with_booking(card, command, good, change)


@FAULTS.command(
    DEBIT,
    "pay.log-afterwards",
    "明细在累计之后另行写入",
    "The log is written behind sums and number, in a step of its own",
    ["SSC-LOG-005", "SSC-TEAR-004"],
    MEDICAL,
)
def log_afterwards(card: Card, command: Command, good: Handler) -> bytes:
    """A cut between both leaves a settlement that is nowhere written."""

    def change(card: Card, written: Cells, before: Amounts) -> Cells:
        cell = log_cell(card)
        card.memory.commit({name: value for name, value in written.items() if name != cell})
        return {cell: written[cell]}

    return with_booking(card, command, good, change)


# The proof


@FAULTS.command(
    PROOF, "pay.proof-of-any", "任意序号均返回交易认证", "Any number gets the proof", ["SSC-PAY-025"], _with_proof
)
def proof_of_any(card: Card, command: Command, good: Handler) -> bytes:
    """The number is not compared."""
    try:
        return good(card, command)
    except StatusError as refusal:
        kept = card.memory.cells.get(proof_cell(card.session.node), b"")
        if refusal.sw == SW.MAC_UNAVAILABLE and isinstance(kept, bytes) and len(kept) == 11:
            return kept[3:]
        raise


@FAULTS.card("pay.proof-in-ram", "复位后交易认证丢失", "A reset loses the proof", ["SSC-PAY-025"], _with_proof)
class ProofInRam(Card):
    """It is kept where a reset wipes."""

    def reset(self, cold: bool = True) -> bytes:
        """The reset answer, behind the wipe."""
        lost = {cell: b"" for cell in self.memory.cells if cell.startswith("proof:")}
        if lost:
            self.memory.commit(lost)
        return super().reset(cold)


@FAULTS.command(
    DEBIT,
    "pay.proof-first",
    "交易认证先于入账写入",
    "The proof is written before the settlement",
    ["SSC-PAY-025"],
    _with_proof,
)
def proof_first(card: Card, command: Command, good: Handler) -> bytes:
    """A cut between both leaves the proof of a settlement that was not booked."""

    def change(card: Card, written: Cells, before: Amounts) -> Cells:
        cell = proof_cell(card.session.node)
        card.memory.commit({cell: written[cell]})
        return without_proof(card, written)

    return with_booking(card, command, good, change)
