"""Cardholder verification 持卡人验证: the CVM list, rule by rule (JR/T 0025.6 §7.7)."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from conformance.actors.bank.messages import TransactionKind
from conformance.actors.terminal.bits import Aip, Capability, Tsi, Tvr
from conformance.actors.terminal.events import HolderVerified, Phase
from conformance.actors.terminal.offline_pin import verify_offline_pin
from conformance.actors.terminal.transaction import NO_METHOD_PERFORMED, Transaction

CVM_LIST, APPLICATION_CURRENCY = 0x8E, 0x9F42
DOCUMENT_NUMBER, DOCUMENT_KIND = 0x9F61, 0x9F62
AMOUNTS_LENGTH = 8
APPLY_NEXT, METHOD_BITS = 0x40, 0x3F


class Method(IntEnum):
    """Methods of JR/T 0025; 04 and 05 are EMV's, which it reserves."""

    FAIL = 0x00
    PLAIN_PIN = 0x01
    ONLINE_PIN = 0x02
    PLAIN_PIN_AND_SIGNATURE = 0x03
    ENCIPHERED_PIN = 0x04
    ENCIPHERED_PIN_AND_SIGNATURE = 0x05
    SIGNATURE = 0x1E
    NONE = 0x1F
    IDENTITY_DOCUMENT = 0x20
    """出示证件."""


class Outcome(IntEnum):
    """Third byte of the CVM results 9F34."""

    UNKNOWN = 0
    FAILED = 1
    SUCCESSFUL = 2


class Rule(NamedTuple):
    """A cardholder verification rule."""

    code: int
    condition: int

    @property
    def method(self) -> int:
        """The method without the bit that tells what follows a failure."""
        return self.code & METHOD_BITS


class VerificationList(NamedTuple):
    """A CVM list: two amounts X and Y, and the rules."""

    x: int
    y: int
    rules: tuple[Rule, ...]


def parse_list(value: bytes) -> VerificationList:
    """Read a value of 8E; a list without rules has none.

    Raises:
        ValueError: Less than two amounts, or half a rule.
    """
    if len(value) < AMOUNTS_LENGTH or len(value) % 2:
        raise ValueError(f"a CVM list has 8 bytes of amounts and two for each rule, here are {len(value)}")
    rules = tuple(Rule(value[at], value[at + 1]) for at in range(AMOUNTS_LENGTH, len(value), 2))
    return VerificationList(int.from_bytes(value[:4], "big"), int.from_bytes(value[4:8], "big"), rules)


CAPABILITY = {
    Method.PLAIN_PIN: Capability.OFFLINE_PIN,
    Method.ONLINE_PIN: Capability.ONLINE_PIN,
    Method.PLAIN_PIN_AND_SIGNATURE: Capability.OFFLINE_PIN | Capability.SIGNATURE,
    Method.ENCIPHERED_PIN: Capability.ENCIPHERED_PIN,
    Method.ENCIPHERED_PIN_AND_SIGNATURE: Capability.ENCIPHERED_PIN | Capability.SIGNATURE,
    Method.SIGNATURE: Capability.SIGNATURE,
    Method.NONE: Capability.NO_METHOD,
    Method.IDENTITY_DOCUMENT: Capability.IDENTITY_DOCUMENT,
}
CHINESE_NAMES = {
    Method.FAIL: "CVM失败处理",
    Method.PLAIN_PIN: "脱机明文PIN",
    Method.ONLINE_PIN: "联机PIN",
    Method.PLAIN_PIN_AND_SIGNATURE: "脱机明文PIN和签名",
    Method.ENCIPHERED_PIN: "脱机密文PIN",
    Method.ENCIPHERED_PIN_AND_SIGNATURE: "脱机密文PIN和签名",
    Method.SIGNATURE: "签名",
    Method.NONE: "无需CVM",
    Method.IDENTITY_DOCUMENT: "出示证件",
}
PIN_PAD = Capability.OFFLINE_PIN | Capability.ONLINE_PIN | Capability.ENCIPHERED_PIN
WITH_SIGNATURE = frozenset({Method.PLAIN_PIN_AND_SIGNATURE, Method.ENCIPHERED_PIN_AND_SIGNATURE, Method.SIGNATURE})
ENCIPHERED = frozenset({Method.ENCIPHERED_PIN, Method.ENCIPHERED_PIN_AND_SIGNATURE})


def verify_holder(transaction: Transaction) -> None:
    """Work through the list; TVR byte 3, TSI and 9F34 tell the end. Without AIP bit 5 nothing happens.

    Raises:
        Ended: The card answers VERIFY with something that ends the transaction.
    """
    transaction.enter(Phase.HOLDER_VERIFICATION)
    skipped = transaction.e_cash and not transaction.configuration.e_cash_verifies_holder
    if not transaction.supports(Aip.HOLDER_VERIFICATION) or skipped:
        _report(transaction, "不要求", "not asked for")
        return
    try:
        found = parse_list(transaction.card.get(CVM_LIST, b""))
    except ValueError:
        found = VerificationList(0, 0, ())
    if not found.rules:
        transaction.tvr |= Tvr.DATA_MISSING
        _report(transaction, "卡片无CVM列表", "the card has no CVM list")
        return
    transaction.cvm_results = _work_through(transaction, found)
    transaction.tsi |= Tsi.HOLDER_VERIFICATION
    if transaction.cvm_results[2] == Outcome.FAILED:
        transaction.tvr |= Tvr.HOLDER_NOT_VERIFIED
        _report(transaction, "失败", "failed")
    else:
        method = Method(transaction.cvm_results[0] & METHOD_BITS)
        name = method.name.lower().replace("_", " ")
        _report(transaction, f"通过（{CHINESE_NAMES[method]}）", f"passed ({name})")


def _report(transaction: Transaction, zh: str, en: str) -> None:
    results = transaction.cvm_results
    text = results.hex().upper()
    transaction.listener(HolderVerified(Phase.HOLDER_VERIFICATION, f"{zh} 9F34 {text}", f"{en} 9F34 {text}", results))


def _work_through(transaction: Transaction, found: VerificationList) -> bytes:
    """The CVM results: those of the rule that decided, ``3F0001`` where none applied."""
    results = NO_METHOD_PERFORMED[:2] + bytes((Outcome.FAILED,))
    for rule in found.rules:
        if not _condition_holds(transaction, found, rule):
            continue
        outcome = _apply(transaction, rule)
        results = bytes((*rule, outcome))
        if outcome is not Outcome.FAILED or not rule.code & APPLY_NEXT:
            break
    return results


def _condition_holds(transaction: Transaction, found: VerificationList, rule: Rule) -> bool:
    """Whether the condition is understood, its data are there, and it is satisfied (JR/T 0025.5 appendix A, 8E)."""
    purchase, configuration = transaction.purchase, transaction.configuration
    cash = purchase.kind is TransactionKind.CASH
    cashback = purchase.kind is TransactionKind.CASHBACK
    if rule.condition in (0x06, 0x07, 0x08, 0x09):
        currency = transaction.card.get(APPLICATION_CURRENCY)
        if currency is None or currency.hex() != purchase.currency:
            return False
        limit = found.x if rule.condition in (0x06, 0x07) else found.y
        return purchase.amount < limit if rule.condition in (0x06, 0x08) else purchase.amount > limit
    return {
        0x00: True,
        0x01: cash and not configuration.attended,
        0x02: not cash and not cashback,
        0x03: _is_supported(transaction, rule.method),
        0x04: cash and configuration.attended,
        0x05: cashback,
    }.get(rule.condition, False)


def _is_known(transaction: Transaction, method: int) -> bool:
    if method not in set(Method):
        return False
    return method not in ENCIPHERED or transaction.configuration.enciphered_pin


def _is_supported(transaction: Transaction, method: int) -> bool:
    """Whether the terminal can do a method; ``fail`` needs no ability."""
    if not _is_known(transaction, method):
        return False
    wanted = CAPABILITY.get(Method(method), 0)
    able = int.from_bytes(transaction.configuration.capabilities, "big") & wanted == wanted
    return able and (method not in WITH_SIGNATURE or transaction.configuration.can_sign)


def _apply(transaction: Transaction, rule: Rule) -> Outcome:
    if not _is_known(transaction, rule.method):
        transaction.tvr |= Tvr.UNKNOWN_METHOD
        return Outcome.FAILED
    method = Method(rule.method)
    if not _is_supported(transaction, method):
        if CAPABILITY.get(method, 0) & PIN_PAD and not transaction.configuration.can(CAPABILITY[method] & PIN_PAD):
            transaction.tvr |= Tvr.NO_PIN_PAD
        return Outcome.FAILED
    if method is Method.NONE:
        return Outcome.SUCCESSFUL
    if method is Method.FAIL:
        return Outcome.FAILED
    if method is Method.IDENTITY_DOCUMENT:
        return _show_document(transaction)
    if method is Method.ONLINE_PIN:
        return enter_online_pin(transaction)
    if method is not Method.SIGNATURE and not verify_offline_pin(transaction, enciphered=method in ENCIPHERED):
        return Outcome.FAILED
    if method in WITH_SIGNATURE:
        transaction.signature_wanted = True
        return Outcome.UNKNOWN
    return Outcome.SUCCESSFUL


def enter_online_pin(transaction: Transaction) -> Outcome:
    """Ask for the PIN that the bank will check; whether it is right remains unknown here."""
    pin = transaction.holder.enter_online_pin()
    if pin is None:
        transaction.tvr |= Tvr.PIN_NOT_ENTERED
        return Outcome.FAILED
    transaction.online_pin = pin
    transaction.tvr |= Tvr.ONLINE_PIN_ENTERED
    return Outcome.UNKNOWN


def _show_document(transaction: Transaction) -> Outcome:
    """出示证件: kind and number of the card against the document and the person."""
    kind, number = transaction.card.get(DOCUMENT_KIND), transaction.card.get(DOCUMENT_NUMBER)
    if kind is None or number is None:
        return Outcome.FAILED
    shown = number.rstrip(b"\0 ").decode("gbk", errors="replace")
    return Outcome.SUCCESSFUL if transaction.holder.show_document(kind.hex(), shown) else Outcome.FAILED
