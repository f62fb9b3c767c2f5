"""What a holder does with the new card: pays, draws cash, loads e-cash, goes to hospital, proves and signs."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from conformance.actors.bank import Bank, Settlement, TransactionKind
from conformance.actors.certificates.card import CertificateCard, CertificateCardError
from conformance.actors.certificates.commands import SIGNATURE_CERTIFICATE
from conformance.actors.key_service import KeyService
from conformance.actors.medical.centre import Centre
from conformance.actors.medical.keys import HsmKeys
from conformance.actors.medical.line import Line
from conformance.actors.medical.reader import CardReader
from conformance.actors.medical.terminal import HospitalTerminal
from conformance.actors.medical.visit import Visit
from conformance.actors.medical.visit_payment import OwnPart, VisitDesk
from conformance.actors.sector import Passage, sector_keys
from conformance.actors.terminal import (
    Gate,
    GateSite,
    Kernel,
    Link,
    PreparedHolder,
    Purchase,
    QuickTerminal,
    Reason,
    TransactionResult,
)
from conformance.actors.terminal.ending import Ended
from conformance.actors.terminal.opening import SectorCounter
from conformance.demo import scene
from conformance.demo.promises import Promise
from conformance.targets.base import Interface, Target
from emulator.crypto.sm2 import verify
from profiles.applications import payment_directory
from profiles.model import Profile

HOSPITAL = bytes.fromhex("500000000009")
IDENTITY_KEY, FACTOR, SOURCE = "IRK", 8, bytes.fromhex("0102030405060708")
USER_PIN = "123456"
TAP, FARE = 1_000, 400
_numbers = itertools.count(1)


def pay(link: Link, bank: Bank, amount: int, **purchase: Any) -> TransactionResult:
    """A transaction that the bank decides, unless ``purchase`` says otherwise."""
    link_reset = getattr(link, "reset", None)
    if link_reset is not None:
        link_reset()
    holder = PreparedHolder((scene.BANK_PIN,), online_pin=scene.BANK_PIN)
    given: dict[str, Any] = {"e_cash": False, "force_online": True, "number": next(_numbers), **purchase}
    return Kernel(link, host=bank, holder=holder).run(Purchase(amount, **given))


def reader_of(link: Target, product: Profile) -> CardReader:
    """The card at a counter with an HSM; its holder enters the new PIN."""
    reader = CardReader(link, product, HsmKeys(product, HOSPITAL), pin=lambda: scene.NEW_PIN)
    reader.begin()
    return reader


def show_uses(promise: Promise, card: Target, bank: Bank, centre: Centre, product: Profile) -> None:
    """Every use of the card, one after the other."""
    _payments(promise, card, bank)
    if Interface.CONTACTLESS in card.interfaces:
        _open_sectors(promise, card, bank, product)
        card.switch(Interface.CONTACTLESS)
        _taps(promise, card, bank)
        _ride(promise, card, bank, product)
        card.switch(Interface.CONTACT)
    _visit(promise, card, bank, centre, product)
    _identity(promise, card, product)
    _signature(promise, card)


def _payments(promise: Promise, card: Target, bank: Bank) -> None:
    for kind, zh, en in (
        (TransactionKind.PURCHASE, "接触式消费", "purchase"),
        (TransactionKind.CASH, "取现", "cash withdrawal"),
        (TransactionKind.LOAD, "电子现金圈存", "e-cash load"),
    ):
        paid = pay(card, bank, 5_000, kind=kind)
        promise.show(paid.approved, f"{zh}：{paid.reason.zh}", f"{en}: {paid.reason.en}")
    spent = pay(card, bank, 1_200, e_cash=True, force_online=False)
    cleared = bank.clear(spent.clearing) if spent.clearing is not None else None
    good, told = cleared is Settlement.SETTLED, "nothing" if cleared is None else cleared.value
    promise.show(
        good, f"电子现金脱机消费：{spent.reason.zh}，清算", f"e-cash off line: {spent.reason.en}, cleared: {told}"
    )


def _open_sectors(promise: Promise, card: Target, bank: Bank, product: Profile) -> None:
    """Metro, bus, car park and the list of trips, by scripts of the bank on the contacts."""
    card.reset()
    try:
        opening = SectorCounter(card, bank, product, payment_directory(product) or "", pin=scene.BANK_PIN).run()
    except Ended as end:
        promise.show(False, f"开通行业应用：{end.reason.zh}", f"sectors opened: {end.detail or end.reason.en}")
        return
    count = len(opening.opened)
    good = not opening.missing and count > 0
    promise.show(good, f"开通行业应用 {count} 个", f"{count} sectors opened by the bank's scripts")


def _taps(promise: Promise, card: Target, bank: Bank) -> None:
    """qPBOC: by e-cash off line, and, of what is beyond its balance, on line."""
    terminal = QuickTerminal(card, host=bank, holder=PreparedHolder((), online_pin=scene.BANK_PIN))
    tapped = _tap(card, terminal.run, TAP)
    settled = tapped.clearing is not None and bank.clear(tapped.clearing) is Settlement.SETTLED
    left = tapped.balance or 0
    promise.show(
        tapped.reason is Reason.APPROVED_OFFLINE and settled,
        f"非接触脱机消费（qPBOC）：{tapped.reason.zh}，电子现金余额 {left / 100:.2f}",
        f"contactless purchase off line (qPBOC): {tapped.reason.en}, e-cash left {left / 100:.2f}",
    )
    online = _tap(card, terminal.run, left + 1)
    good = online.reason is Reason.APPROVED_ONLINE
    promise.show(good, f"非接触联机消费：{online.reason.zh}", f"contactless purchase on line: {online.reason.en}")


def _ride(promise: Promise, card: Target, bank: Bank, product: Profile) -> None:
    """Into the metro and out of it: two gates that know nothing of each other but what stands on the card."""
    keys = dict(sector_keys(product, payment_directory(product) or ""))
    results = []
    for passage, fare, station in ((Passage.ENTRY, 0, 1), (Passage.EXIT, FARE, 12)):
        gate = Gate(card, keys, GateSite(station=station))
        results.append(_tap(card, partial(gate.run, passage), fare))
    entered, left = results
    settled = left.clearing is not None and bank.clear(left.clearing) is Settlement.SETTLED
    good = entered.approved and left.approved and settled
    seen = f"{entered.reason.en}, {left.reason.en}"
    promise.show(
        good,
        f"地铁进站、出站，车费 {FARE / 100:.2f}：{entered.reason.zh}、{left.reason.zh}",
        f"metro entry and exit, fare {FARE / 100:.2f}: {seen}",
    )


def _tap(card: Target, run: Callable[[Purchase], TransactionResult], amount: int) -> TransactionResult:
    """One tap: the card comes into the field."""
    card.reset()
    return run(Purchase(amount, number=next(_numbers)))


def _visit(promise: Promise, card: Target, bank: Bank, centre: Centre, product: Profile) -> None:
    """A bill whose own part the same card pays."""
    terminal = HospitalTerminal(reader_of(card, product), Line(centre))
    holder = PreparedHolder((scene.BANK_PIN,), online_pin=scene.BANK_PIN)
    desk = VisitDesk(terminal, bank, holder=lambda: holder, next_number=_numbers.__next__)
    result = desk.settle(Visit("VISIT-2", 600_000, 600_000, when=datetime.now().astimezone()))
    good = result.medical.outcome.good and result.own is OwnPart.CARD
    text = f"{result.medical.outcome.value[1]}, own part {result.due / 100:.2f}: {result.own.en}"
    promise.show(good, f"就医结算，个人自付由同卡支付：{result.own.zh}", f"hospital visit: {text}")


def _identity(promise: Promise, card: Target, product: Profile) -> None:
    """INTERNAL AUTHENTICATE: the card proves that it is the one that the centre registered."""
    reader = reader_of(card, product)
    factor = os.urandom(FACTOR)
    reader.open("SSSE")
    version = bytes([1]) if product.algorithm == "SM4" else b""
    answer = reader.internal_authentication(factor, SOURCE + version)
    service = KeyService(product, reader.card.historical, reader.card.city_code)
    expected = service.internal_authentication(IDENTITY_KEY, factor, SOURCE)
    promise.show(answer == expected, "身份识别：内部认证", "identity check: internal authentication")


def _signature(promise: Promise, card: Target) -> None:
    """The holder signs with the key that the certificate names."""
    certificates, message = CertificateCard(card), b"sscard"
    card.reset()
    try:
        certificates.select()
        certificates.verify_user_pin(USER_PIN)
        signature = certificates.sign(message)
        public = certificates.read_certificate(SIGNATURE_CERTIFICATE).public_key
        good, en = verify(public, message, signature), "signature with the certificate's key"
    except CertificateCardError as problem:
        good, en = False, f"signature: {problem}"
    promise.show(good, "证书签名", en)
