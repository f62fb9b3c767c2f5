"""What a contactless terminal says to a card with qPBOC (JR/T 0025.12 §7): one tap, what it answered, and its preparation.

The card decides within GET PROCESSING OPTIONS. An approval becomes final with the last record of the AFL; what is not read to
its end is undone at the next use, so that a case may ask for many decisions without spending anything but the counter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from conformance.bench import Bench
from conformance.failures import CardFailure, Inconclusive, NotApplicable
from conformance.payment_answers import (
    FORMAT_2,
    Cryptogram,
)
from conformance.payment_dialogue import (
    BALANCE,
    TC,
    Offered,
    Visit,
    amount,
    declared_objects,
    get_data,
    set_data,
    signed_part,
)
from conformance.payment_judging import BITS, KINDS, settled
from conformance.payment_reading import Record
from conformance.targets.base import Interface
from emulator.iso7816 import SW, Response

TRACK_2, ACCOUNT, SEQUENCE, CARD_QUALIFIERS, AVAILABLE = 0x57, 0x5A, 0x5F34, 0x9F6C, 0x9F5D
SINGLE_LIMIT, THRESHOLD, CVM_LIMIT, FOREIGN_LIMIT = 0x9F78, 0x9F6D, 0x9F6B, 0x9F53
TOTAL_LIMIT, UPPER_TOTAL_LIMIT = 0x9F54, 0x9F5C
LAST_ONLINE, BALANCE_LIMIT = 0x9F13, 0x9F77
ENOUGH = 20_000
"""E-cash with which every case can pay, in the smallest unit."""
FOREIGN = "0978"
"""Euro, foreign to every card of the products."""
ONLINE_PIN_ASKED, SIGNATURE_ASKED = 0x80, 0x40
"""Bits of byte 1 of the card transaction qualifiers CTQ 卡片交易属性 9F6C."""
RESERVED_RESULTS = bytes.fromhex("0F8FFF")
"""Bits of the card verification results that stay zero in qPBOC (JR/T 0025.12 §7.5)."""
DECLINED_AMOUNT = 10**12 - 1
ALL_AMOUNTS = amount(DECLINED_AMOUNT)


def qualifiers(
    *,
    quick: bool = True,
    contact: bool = False,
    offline_only: bool = False,
    online_pin: bool = True,
    signature: bool = True,
    online: bool = False,
    verification: bool = False,
    version_01: bool = True,
) -> bytes:
    """Terminal transaction qualifiers TTQ 终端交易属性 9F66: of a terminal with everything unless something is taken away.

    ``online`` asks for an online cryptogram (2.b8), ``verification`` for cardholder verification (2.b7), ``contact`` says that
    the terminal has contacts (1.b5), ``version_01`` that it knows fDDA version 01 (4.b8).
    """
    first = sum(
        bit
        for bit, wanted in (
            (0x20, quick),
            (0x10, contact),
            (0x08, offline_only),
            (0x04, online_pin),
            (0x02, signature),
        )
        if wanted
    )
    return bytes((first, 0x80 * online | 0x40 * verification, 0, 0x80 * version_01))


CAPABLE, OFFLINE_ONLY, ONLINE = qualifiers(), qualifiers(offline_only=True), qualifiers(online=True)


def processing(bench: Bench, byte: int, bit: int) -> bool:
    """Whether the declared card additional processes CAP 卡片附加处理 9F68 have a bit; without 9F68 it is the low value check."""
    value = declared_objects(bench.profile).get("9F68", b"\x80\0\0\0")
    return bool(value[byte - 1] & 1 << bit - 1)


def declared(bench: Bench, tag: int) -> bool:
    """Whether the card was personalised with a data object for the contact or for both interfaces."""
    return f"{tag:X}" in declared_objects(bench.profile)


@dataclass(frozen=True, slots=True)
class Tap:
    """What GET PROCESSING OPTIONS of a tap answered."""

    answer: Response
    made: Cryptogram

    @property
    def sw(self) -> int:
        """The status word."""
        return self.answer.sw

    @property
    def objects(self) -> Mapping[int, bytes]:
        """The data objects of a template 77, empty for any other answer."""
        return self.made.objects

    @property
    def kind(self) -> int | None:
        """AAC, TC or ARQC by byte 5 of 9F10, as a terminal must; None for an answer without a decision."""
        if self.sw != SW.SUCCESS or self.made.template != FORMAT_2 or not self.made.has_results:
            return None
        return (self.made.results[0] >> 4 & 3) << 6

    @property
    def asked(self) -> int | None:
        """What the card asks of the holder by byte 1 of 9F6C: bits b8 and b7; None where it sends no 9F6C of two bytes."""
        value = self.objects.get(CARD_QUALIFIERS, b"")
        return value[0] & 0xC0 if len(value) == 2 else None

    def __str__(self) -> str:
        return f"{self.sw:04X}" if self.kind is None else KINDS.get(self.kind, "??")


class Terminal(Visit):
    """A contactless terminal of the card's country and currency at the card in the field."""

    def tap(self, spend: int = 100, ttq: bytes = CAPABLE, **offered: Offered) -> Tap:
        """SELECT and GET PROCESSING OPTIONS with an amount in the smallest unit."""
        self.open()
        return self.ask(spend, ttq, **offered)

    def ask(self, spend: int = 100, ttq: bytes = CAPABLE, **offered: Offered) -> Tap:
        """GET PROCESSING OPTIONS alone."""
        self.offer(amount=spend, qualifiers=ttq, **offered)
        answer = self.send_begin()
        made = Cryptogram.read(answer)
        digits, separator, _ = made.objects.get(TRACK_2, b"").hex().upper().partition("D")
        if separator and ACCOUNT not in self.objects:
            self.objects[ACCOUNT] = bytes.fromhex(digits + "F" * (len(digits) % 2))
        self.counter = made.counter
        return Tap(answer, made)

    def places(self) -> list[tuple[int, int]]:
        """Short identifier and number of each record of the AFL, in its order; inconclusive where it is malformed or empty."""
        found = [(entry.sfi, number) for entry in self.entries for number in range(entry.first, entry.last + 1)]
        if not found:
            raise Inconclusive("应答没有 AFL", "the answer has no file locator")
        return found

    def records(self, *, but_last: bool = False) -> list[Record]:
        """Read the records of the AFL, or all but the last, which leaves the debit open."""
        places = self.places()[:-1] if but_last else self.places()
        signed = {(e.sfi, number) for e in self.entries for number in range(e.first, e.first + e.signed)}
        found = []
        self.static_data = b""
        for sfi, number in places:
            answer = self.bench.need(self.read_record(sfi, number), "读应用记录", "READ RECORD of the AFL")
            found.append(Record(sfi, number, answer.data))
            self.objects.update({each.tag: each.value for each in found[-1].objects})
            if (sfi, number) in signed:
                self.static_data += signed_part(answer.data)
        return found

    def pay(self, spend: int = 100, ttq: bytes = CAPABLE, **offered: Offered) -> Tap:
        """A whole tap, which the card must approve: its records are read to the end."""
        tap = require(self.tap(spend, ttq, **offered), TC)
        self.records()
        return tap

    def balance(self) -> int:
        """The e-cash balance by GET DATA; inconclusive where the card does not give it."""
        return _number(get_data(self.bench, BALANCE))

    def leave(self) -> Terminal:
        """Take the card out of the field and put it back."""
        self.bench.reset()
        return self.open()

    def genuine(self, tap: Tap) -> bytes:
        """The cryptogram that a genuine card makes of what was offered and answered; its account number must be known."""
        return self.expected(tap.made)


def _number(value: bytes | None) -> int:
    if value is None or not value.hex().isdecimal():
        raise Inconclusive("无法读取电子现金余额", "GET DATA does not give the e-cash balance 9F79")
    return int(value.hex())


def require(tap: Tap, kind: int) -> Tap:
    """A decision on the way to what a case judges; inconclusive where it is another."""
    if tap.kind != kind:
        raise Inconclusive(
            f"前提未满足：需要 {KINDS[kind]}，卡片应答 {tap}",
            f"preamble: {KINDS[kind]} is needed, the card answered {tap}",
        )
    return tap


# Judging


def decide(
    bench: Bench,
    requirement: str,
    tap: Tap,
    *,
    kind: int | None = None,
    sw: int = SW.SUCCESS,
    shown: Collection[tuple[int, int]] = (),
    asked: int | None = None,
    words: tuple[str, str] = ("", ""),
) -> None:
    """Judge a decision: its kind or the status word that ends it, bits of the CVR, and what 9F6C asks of the holder."""
    zh, en = (f"{word}：" if word and word is words[0] else f"{word}: " if word else "" for word in words)
    bench.check(
        tap.kind == kind if kind is not None else tap.sw == sw,
        f"{zh}卡片的决定",
        f"{en}decision of the card",
        expected=KINDS[kind] if kind is not None else f"{sw:04X}",
        received=tap,
        requirement=requirement,
    )
    for place in shown:
        bench.check(
            tap.made.bit(*place),
            f"{zh}CVR {place[0]}.b{place[1]} {BITS[place][0]}",
            f"{en}CVR {place[0]}.b{place[1]} {BITS[place][1]}",
            expected=1,
            received=f"{int(tap.made.bit(*place))} ({tap.made.issuer_data.hex().upper() or '—'})",
            requirement=requirement,
        )
    if asked is not None and tap.asked is not None:
        bench.check(
            tap.asked == asked,
            f"{zh}CTQ 的持卡人验证方式",
            f"{en}verification that the CTQ asks for",
            expected=f"{asked:02X}",
            received=f"{tap.asked:02X}",
            requirement=requirement,
        )


# Preparation


@contextmanager
def at_the_contacts(bench: Bench) -> Iterator[None]:
    """Work on the contacts and come back to the antenna."""
    bench.switch(Interface.CONTACT)
    yield
    bench.switch(Interface.CONTACTLESS)


@contextmanager
def prepared(bench: Bench, values: Mapping[int, bytes] | None = None) -> Iterator[Terminal]:
    """A card that was online, with these data objects, and with e-cash where it was issued with little or none.

    A card that is not renewed gets the declared ones back.

    The bank sets them over the contacts. Not applicable where the card was not personalised with one of them.
    """
    objects = {int(tag, 16): value for tag, value in declared_objects(bench.profile).items()}
    wanted = dict(values or {})
    for tag in wanted.keys() - objects.keys():
        raise NotApplicable(f"卡片没有数据元 {tag:X}", f"the card has no data object {tag:X}")
    if BALANCE in objects and int(objects[BALANCE].hex()) < ENOUGH:
        most = objects.get(BALANCE_LIMIT, amount(ENOUGH))
        wanted.setdefault(BALANCE, min(most, amount(ENOUGH)))
    with at_the_contacts(bench):
        if wanted:
            set_data(bench, wanted)
        settled(bench)
    back = {tag: objects[tag] for tag in {*wanted, BALANCE} & objects.keys()}
    try:
        yield Terminal(bench)
    except (CardFailure, Inconclusive):
        with suppress(CardFailure, Inconclusive):
            _put_back(bench, back)
        raise
    _put_back(bench, back)


def _put_back(bench: Bench, values: Mapping[int, bytes]) -> None:
    if not bench.target.renewable:
        with at_the_contacts(bench):
            set_data(bench, values)


def approving(bench: Bench) -> Terminal:
    """A terminal at a card that approves 1.00 alone; not applicable to a card that approves nothing offline."""
    if not any(processing(bench, 1, bit) for bit in (8, 7, 6)):
        raise NotApplicable("卡片不脱机批准", "the card approves nothing offline")
    return Terminal(bench)
