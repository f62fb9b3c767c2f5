"""The card that is replaced, in a reader of its own: its holder verified before, its chip ended after the switch."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from conformance.actors.bank.messages import HostUnreachable, TransactionKind
from conformance.actors.medical.blocking import block_card, is_blocked
from conformance.actors.medical.keys import HsmKeys, KeysRefused, KeysUnreachable
from conformance.actors.medical.reader import ENVIRONMENT, CardGone, CardLink, CardReader, CardRefused
from conformance.actors.station.desks import IssuerDesk
from conformance.actors.station.outcome import Kind
from conformance.actors.station.refusals import Refused, Unfinished
from conformance.actors.station.replaced import card_in_use
from conformance.actors.station.work import TERMINAL, Work
from conformance.actors.terminal import (
    COUNTER_CONFIGURATION,
    Kernel,
    PreparedHolder,
    Purchase,
    Reason,
    TransactionResult,
)
from conformance.failures import BenchError
from profiles.model import Profile

OLD_GENERATION = "2.00"
VERSION = "03"
WRONG_PIN = "55"
GONE = frozenset({Reason.NO_APPLICATION, Reason.CARD_BLOCKED})
"""How a transaction ends with a chip whose application is blocked already."""
LARGEST_NUMBER = 1_000_000


@dataclass(frozen=True, slots=True)
class OldChip:
    """The old card in a reader.

    Attributes:
        link: The way to it.
        pin: Asks the holder for the PIN of its bank application; None where nothing is entered.
        product: Its card product where it is a social security card, None for a bank card.
    """

    link: CardLink
    pin: Callable[[], str | None]
    product: Profile | None = None


def verify_holder(work: Work) -> None:
    """The right card, and on line its holder's PIN; the bank notes it for this request alone."""
    old = _present(work)
    if old.product is not None:
        _require_same_card(work, old, old.product)
    bank = work.bank
    if bank is None:
        return
    result = _inquire(work, old, bank, reference=work.order.number)
    if result.approved:
        return
    if result.reason is Reason.OTHER_CARD:
        raise Refused("旧卡卡号不符", "the old card has another account number than the order")
    if result.response_code == WRONG_PIN or result.reason is Reason.CANCELLED:
        raise Unfinished("密码错误或未输入", "the holder entered no PIN, or a wrong one; ask again")
    raise Refused("旧卡未通过联机核验", f"the old card was not accepted on line: {_told(result)}")


def block_old(work: Work) -> None:
    """The old chip ends: by the bank's script, and of a social security card its environment by CARD BLOCK.

    A chip that is not there, or refuses, is at large: bank and centre refuse it wherever it shows up.
    """
    old = work.old
    if old is None:
        work.note(
            "旧卡不在，待其联机时由银行脚本锁定", "the old chip is not here; the bank's script ends it when it shows up"
        )
        return
    if work.bank is not None:
        result = _inquire(work, old, work.bank)
        if result.approved:
            raise Refused("旧卡仍可联机交易", "the old card was approved on line after the switch")
        if result.reason not in GONE and not any(each[:1] >= b"\x20" for each in result.script_results):
            work.note("旧芯片未执行锁定脚本", f"the old chip was not blocked by script: {_told(result)}")
    if old.product is not None:
        _block_environment(work, old, old.product)


def _block_environment(work: Work, old: OldChip, product: Profile) -> None:
    reader = CardReader(old.link, product, HsmKeys(product, TERMINAL, service=work.equipment.keys))
    try:
        if not is_blocked(reader):
            block_card(reader)
    except KeysUnreachable:
        raise
    except (CardRefused, KeysRefused) as problem:
        work.note("旧卡社保应用未锁定", f"social security on the old chip was not blocked: {problem}")


def _present(work: Work) -> OldChip:
    if work.old is None:
        raise Unfinished("旧卡不在读卡器", "the old card is not in its reader; put it back")
    return work.old


def _require_same_card(work: Work, old: OldChip, product: Profile) -> None:
    """The card of the person that the centre knows, and of the generation that is replaced."""
    reader = CardReader(old.link, product, HsmKeys(product, TERMINAL, service=work.equipment.keys))
    try:
        reader.begin()
        version = reader.text(f"{ENVIRONMENT}/EF05", VERSION)
    except CardRefused as problem:
        raise Refused(
            "旧卡不是该产品的社会保障卡", f"the old card is none of product {product.name}: {problem}"
        ) from problem
    known = card_in_use(work.equipment.centre, work.order, own=None)
    if known is None or known.card != reader.identification.hex().upper():
        raise Refused("旧卡不是持卡人的在用卡", "the old card is not the card in use of the order's person")
    if work.order.kind is Kind.GENERATION and version != OLD_GENERATION:
        raise Refused("旧卡不是二代卡", f"a change of generation begins with a card of version {OLD_GENERATION}")


def _inquire(work: Work, old: OldChip, bank: IssuerDesk, reference: str = "") -> TransactionResult:
    """余额查询 of the old card, which may have lost its power since it was used; raises what its loss or the bank's silence raises."""
    pin = old.pin()
    try:
        old.link.reset()
    except BenchError as problem:
        raise CardGone(f"the old card: {problem}") from problem
    kernel = Kernel(
        old.link,
        COUNTER_CONFIGURATION,
        host=bank,
        holder=PreparedHolder((), online_pin=pin),
        expected_account=work.order.former.account,
    )
    number = secrets.randbelow(LARGEST_NUMBER)
    result = kernel.run(
        Purchase(0, kind=TransactionKind.BALANCE_INQUIRY, number=number, force_online=True, reference=reference)
    )
    if result.reason is Reason.CARD_LOST:
        raise CardGone(f"the old card: {result.detail or result.reason.en}")
    if result.reason is Reason.DECLINED_UNABLE_ONLINE or result.undelivered is not None:
        raise HostUnreachable("the bank did not answer the old card's inquiry")
    return result


def _told(result: TransactionResult) -> str:
    code = f", response code {result.response_code}" if result.response_code else ""
    return f"{result.reason.en}{code}"
