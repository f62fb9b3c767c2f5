"""Faults of segmented charge 分段扣费 and offline pre-authorisation 脱机预授权 (JR/T 0025.14 §5, §6)."""

from __future__ import annotations

from conformance.faults.catalogue import FaultSet
from conformance.faults.payment.extended_means import (
    BALANCE,
    DEDUCTED,
    GENERATE,
    LIMIT,
    PUT,
    READ,
    START,
    holding,
    indicator_of,
    lending,
    pending_of,
    set_values,
    use_of,
    value_of,
    with_indicator,
    with_pending,
)
from emulator.apps.payment.application import (
    Application,
    Tag,
    amount,
    data_cell,
    number,
)
from emulator.apps.payment.extended import MAC_SIZE
from emulator.apps.payment.extended_decision import COMPLETION, PRE_AUTHORISATION, SEGMENTED
from emulator.apps.payment.transaction import dol_values
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.iso7816 import SW, Command, StatusError, tlv
from profiles.applications import PAYMENT_APPLICATIONS

FAULTS = FaultSet(PAYMENT_APPLICATIONS)


# Segmented charge


@FAULTS.command(
    START, "cap.lends-nothing", "分段扣费不抵扣", "A segmented charge lends nothing", ["PAY-CAP-017"], lending
)
def lends_nothing(card: Card, command: Command, good: Handler) -> bytes:
    """Beyond the balance the transaction is an ordinary one, for which the balance is too small."""
    values = dol_values(Application(card).value(Tag.PDOL), command.data[2:])
    if indicator_of(card, command) == SEGMENTED and number(values.get(Tag.AMOUNT, b"")) > value_of(card, BALANCE):
        return good(card, with_indicator(card, command, 0))
    return good(card, command)


@FAULTS.command(READ, "cap.lent-forgotten", "抵扣金额不累计", "What was lent is not noted", ["PAY-CAP-018"], lending)
def lent_forgotten(card: Card, command: Command, good: Handler) -> bytes:
    """The balance becomes zero, and the rest is given away."""
    before = value_of(card, DEDUCTED)
    answer = good(card, command)
    if value_of(card, DEDUCTED) > before:
        set_values(card, {DEDUCTED: before})
    return answer


@FAULTS.command(PUT, "cap.load-repays-nothing", "圈存不偿还抵扣", "A load pays nothing back", ["PAY-CAP-019"], lending)
def load_repays_nothing(card: Card, command: Command, good: Handler) -> bytes:
    """The balance is what the bank says."""
    owed, old = value_of(card, DEDUCTED), value_of(card, BALANCE)
    answer = good(card, command)
    if command.p1 << 8 | command.p2 == BALANCE and owed and not old:
        set_values(card, {DEDUCTED: owed, BALANCE: number(command.data[:-MAC_SIZE])})
    return answer


@FAULTS.command(PUT, "cap.limit-below-lent", "DF62 可低于 DF63", "DF62 may be set below DF63", ["PAY-CAP-020"], lending)
def limit_below_lent(card: Card, command: Command, good: Handler) -> bytes:
    """What was lent is not looked at while the limit is set."""
    if command.p1 << 8 | command.p2 != LIMIT:
        return good(card, command)
    owed = value_of(card, DEDUCTED)
    set_values(card, {DEDUCTED: 0})
    try:
        return good(card, command)
    finally:
        set_values(card, {DEDUCTED: owed})


# Pre-authorisation


@FAULTS.command(
    START, "cap.hold-with-certificate", "预授权返回 TC", "A pre-authorisation answers a TC", ["PAY-CAP-021"], holding
)
def hold_with_certificate(card: Card, command: Command, good: Handler) -> bytes:
    """9F26 as in every other answer."""
    answer = good(card, command)
    use = use_of(card)
    if use is None or use.indicator != PRE_AUTHORISATION:
        return answer
    (whole,) = tlv.parse(answer)
    return tlv.build(whole.tag, whole.value, tlv.build(Tag.CRYPTOGRAM, answer[-8:]))


@FAULTS.command(START, "cap.hold-fourth", "允许第四笔预授权", "A fourth amount is held", ["PAY-CAP-022"], holding)
def hold_fourth(card: Card, command: Command, good: Handler) -> bytes:
    """The list is never full."""
    kept = pending_of(card)
    if indicator_of(card, command) != PRE_AUTHORISATION or len(kept) < COMPLETION:
        return good(card, command)
    return with_pending(card, kept[1:], lambda: good(card, command))


@FAULTS.command(START, "cap.hold-repeated", "允许重复预授权", "The same record holds twice", ["PAY-CAP-023"], holding)
def hold_repeated(card: Card, command: Command, good: Handler) -> bytes:
    """The list is not searched; a full one is still refused."""
    kept = pending_of(card)
    if indicator_of(card, command) != PRE_AUTHORISATION or len(kept) >= COMPLETION:
        return good(card, command)
    return with_pending(card, tuple(bytes(3) + entry[3:] for entry in kept), lambda: good(card, command))


@FAULTS.command(
    START,
    "cap.completes-nothing",
    "无预授权也可完成",
    "A completion needs no pre-authorisation",
    ["PAY-CAP-024", "PAY-CAP-026"],
    holding,
)
def completes_nothing(card: Card, command: Command, good: Handler) -> bytes:
    """It is an ordinary segmented charge then."""
    try:
        return good(card, command)
    except StatusError as refusal:
        if refusal.sw != SW.PRE_AUTHORISATION_MISSING:
            raise
        return good(card, with_indicator(card, command, SEGMENTED))


@FAULTS.command(
    START,
    "cap.hold-not-released",
    "完成时不释放冻结金额",
    "A completion does not give the rest free",
    ["PAY-CAP-025"],
    holding,
)
def hold_not_released(card: Card, command: Command, good: Handler) -> bytes:
    """What was frozen and not spent is lost."""
    before = value_of(card, BALANCE)
    answer = good(card, command)
    use = use_of(card)
    if use is not None and use.indicator == COMPLETION:
        cell = data_cell(Application(card).name, BALANCE)
        left = use.changes[cell]
        if isinstance(left, bytes) and number(left) > before:
            use.changes[cell] = amount(before)
    return answer


@FAULTS.command(
    READ,
    "cap.hold-without-update",
    "预授权不要求更新记录",
    "A pre-authorisation needs no update",
    ["PAY-CAP-026"],
    holding,
)
def hold_without_update(card: Card, command: Command, good: Handler) -> bytes:
    """The last record settles it whatever was updated."""
    use = use_of(card)
    if use is not None:
        use.indicator = SEGMENTED
    return good(card, command)


@FAULTS.command(
    PUT, "cap.load-over-hold", "圈存上限不计冻结金额", "A load does not count what is frozen", ["PAY-CAP-027"], holding
)
def load_over_hold(card: Card, command: Command, good: Handler) -> bytes:
    """The list is not added up."""
    return with_pending(card, (), lambda: good(card, command))


@FAULTS.command(
    GENERATE, "cap.hold-hidden", "9F10 的余额不含冻结金额", "9F10 leaves out what is frozen", ["PAY-CAP-028"], holding
)
def hold_hidden(card: Card, command: Command, good: Handler) -> bytes:
    """The balance is that of GET DATA."""
    return with_pending(card, (), lambda: good(card, command))
