"""Faults of what a medical purchase 医疗消费 writes: sums, number, balance and year."""

from __future__ import annotations

from conformance.faults.catalogue import FaultSet
from conformance.faults.settling import (
    DEBIT,
    INITIALIZE,
    MEDICAL,
    PURCHASE_P1,
    Cells,
    amounts_in,
    begun,
    has_amounts,
    with_amounts,
    with_booking,
)
from emulator.apps.social_security.amounts import LARGEST_SUM, LAST_NUMBER, Amounts, amount_file
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.iso7816 import Command, StatusError
from profiles.model import Profile

FAULTS = FaultSet()
NEARLY_LAST = 0xFF00


def _online(profile: Profile) -> bool:
    """A card of an online mode."""
    return MEDICAL(profile) and "mode 3" not in profile.features


def _worn(profile: Profile) -> bool:
    """A card whose transaction number is near its highest."""
    fields = profile.content.get("DF04", {}).get("TF", {}).get("fields", {})
    return MEDICAL(profile) and fields.get("offline transaction counter", 0) >= NEARLY_LAST


# Sums, number, balance


@FAULTS.command(
    DEBIT, "pay.fund-not-added", "统筹金额未计入累计", "The pooled-fund amount is not added", ["SSC-PAY-013"], MEDICAL
)
def fund_not_added(card: Card, command: Command, good: Handler) -> bytes:
    """The sum of the fund stays."""
    return with_booking(
        card,
        command,
        good,
        lambda card, written, before: with_amounts(card, written, pooled_payments=before.pooled_payments),
    )


@FAULTS.command(
    DEBIT,
    "pay.added-crosswise",
    "自付与统筹累计计反",
    "Each amount is added to the other's sum",
    ["SSC-PAY-013"],
    MEDICAL,
)
def added_crosswise(card: Card, command: Command, good: Handler) -> bytes:
    """Two fields in each other's place."""

    def change(card: Card, written: Cells, before: Amounts) -> Cells:
        after = amounts_in(written, card)
        own, pooled = after.own_payments - before.own_payments, after.pooled_payments - before.pooled_payments
        crossed = before.own_payments + pooled, before.pooled_payments + own
        if max(crossed) > LARGEST_SUM or min(crossed) < 0:
            return written
        return with_amounts(card, written, own_payments=crossed[0], pooled_payments=crossed[1])

    return with_booking(card, command, good, change)


def _overflowing(card: Card, command: Command, good: Handler, saturates: bool) -> bytes:
    """A DEBIT that a sum cannot hold goes through, with a sum that wraps or stays at its greatest."""
    purchase = begun(card, command)
    if purchase is None or not has_amounts(card):
        return good(card, command)
    _, own, pooled = purchase.amounts
    before = amounts_in(card.memory.cells, card)
    sums = before.own_payments + own, before.pooled_payments + pooled
    if max(sums) <= LARGEST_SUM:
        return good(card, command)
    held = [min(found, LARGEST_SUM) if saturates else found & LARGEST_SUM for found in sums]
    room = before._replace(own_payments=0, pooled_payments=0)
    cell = amount_file(card.session.node).cell
    card.memory.cells[cell] = room.to_bytes()
    try:
        return with_booking(
            card,
            command,
            good,
            lambda card, written, _: with_amounts(card, written, own_payments=held[0], pooled_payments=held[1]),
        )
    except StatusError:
        card.memory.cells[cell] = before.to_bytes()
        raise


@FAULTS.command(
    DEBIT, "pay.sum-wraps", "累计溢出后从零开始", "A sum that overflows begins again at zero", ["SSC-PAY-013"], MEDICAL
)
def sum_wraps(card: Card, command: Command, good: Handler) -> bytes:
    """Thirty-two bits, unchecked."""
    return _overflowing(card, command, good, saturates=False)


@FAULTS.command(
    DEBIT, "pay.sum-saturates", "累计达上限后不再增加", "A sum stays at its greatest value", ["SSC-PAY-013"], MEDICAL
)
def sum_saturates(card: Card, command: Command, good: Handler) -> bytes:
    """What goes beyond is lost."""
    return _overflowing(card, command, good, saturates=True)


@FAULTS.command(
    DEBIT, "pay.number-stays", "消费后序号不变", "A settlement leaves the transaction number", ["SSC-PAY-014"], MEDICAL
)
def number_stays(card: Card, command: Command, good: Handler) -> bytes:
    """The number is not written."""
    return with_booking(
        card,
        command,
        good,
        lambda card, written, before: with_amounts(card, written, offline_number=before.offline_number),
    )


@FAULTS.command(
    DEBIT,
    "pay.balance-counts",
    "联网消费改变余额",
    "An online settlement takes its amount from the balance",
    ["SSC-PAY-016"],
    _online,
)
def balance_counts(card: Card, command: Command, good: Handler) -> bytes:
    """f2 is drawn as f1 would be, below zero, too."""

    def change(card: Card, written: Cells, before: Amounts) -> Cells:
        own = amounts_in(written, card).own_payments - before.own_payments
        return with_amounts(card, written, balance=(before.balance - own) & LARGEST_SUM)

    return with_booking(card, command, good, change)


@FAULTS.command(
    INITIALIZE, "pay.number-wraps", "序号 FFFF 后从零开始", "Behind number FFFF comes zero", ["SSC-PAY-022"], _worn
)
def number_wraps(card: Card, command: Command, good: Handler) -> bytes:
    """The counter is not checked."""
    if command.p1 == PURCHASE_P1 and has_amounts(card):
        before = amounts_in(card.memory.cells, card)
        if before.offline_number == LAST_NUMBER:
            cell = amount_file(card.session.node).cell
            card.memory.commit({cell: before._replace(offline_number=0).to_bytes()})
    return good(card, command)


@FAULTS.command(
    DEBIT, "pay.year-unnoticed", "跨年不清零", "A new year does not restart the sums", ["SSC-PAY-023"], MEDICAL
)
def year_unnoticed(card: Card, command: Command, good: Handler) -> bytes:
    """They go on."""

    def change(card: Card, written: Cells, before: Amounts) -> Cells:
        after = amounts_in(written, card)
        if after.year == before.year:
            return written
        own, pooled = before.own_payments + after.own_payments, before.pooled_payments + after.pooled_payments
        return with_amounts(card, written, own_payments=own, pooled_payments=pooled, year=before.year)

    return with_booking(card, command, good, change)


@FAULTS.command(
    DEBIT,
    "pay.year-not-kept",
    "跨年后年度未更新",
    "A new year restarts the sums and is not remembered",
    ["SSC-PAY-023"],
    MEDICAL,
)
def year_not_kept(card: Card, command: Command, good: Handler) -> bytes:
    """Each further settlement restarts them again."""
    return with_booking(
        card, command, good, lambda card, written, before: with_amounts(card, written, year=before.year)
    )


@FAULTS.command(
    DEBIT,
    "pay.any-other-year",
    "往年日期的消费也清零",
    "A settlement of an earlier year restarts the sums, too",
    ["SSC-PAY-023"],
    MEDICAL,
)
def any_other_year(card: Card, command: Command, good: Handler) -> bytes:
    """The years are compared for equality."""
    year = command.data[4:6]

    def change(card: Card, written: Cells, before: Amounts) -> Cells:
        after = amounts_in(written, card)
        if year >= after.year:
            return written
        own, pooled = after.own_payments - before.own_payments, after.pooled_payments - before.pooled_payments
        return with_amounts(card, written, own_payments=own, pooled_payments=pooled, year=year)

    return with_booking(card, command, good, change)
