"""What a payment card remembers of earlier transactions: filling it all up, and looking what is left of it."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.actors.bank.scripts import Order, put_data, unblock_application
from conformance.bench import Bench
from conformance.payment_answers import (
    Cryptogram,
)
from conformance.payment_dialogue import (
    AAC,
    AIP,
    ARQC,
    OFFLINE_APPROVED,
    TC,
    Offered,
    Visit,
    amount,
    declared_objects,
    get_data,
)
from conformance.payment_judging import (
    AUTHENTICATION_FAILED_LAST,
    BITS,
    DYNAMIC_FAILED,
    LAST_ONLINE,
    NOT_COMPLETED,
    OUT_OF_REACH,
    SCRIPT_FAILED,
    STATIC_FAILED,
    VELOCITY,
    next_one,
    preset,
    require_kind,
)

LOWER, FOREIGN_CURRENCY, FOREIGN_COUNTRY, TOTAL = 0x9F58, 0x9F53, 0x9F72, 0x9F54
CURRENCIES, COUNTRIES = ("0978", "0840", "0392"), ("0380", "0840", "0392")
"""Euro, US dollar, yen; Italy, the United States, Japan: one of them is foreign to any card."""
KNOWN_CURRENCIES, KNOWN_COUNTRIES = ("9F51", "9F76", "DF71"), ("9F57",)
LIMIT = 1000
LIMITS = {FOREIGN_CURRENCY: b"\x01", FOREIGN_COUNTRY: b"\x01", TOTAL: amount(LIMIT)}
"""Limits that one transaction uses up."""
BOTH_FAILED = "4800000000"
"""Terminal verification results (TVR): static and dynamic data authentication failed."""
STATIC, DYNAMIC_OR_COMBINED = 0x40, 0x21
"""Bits of byte 1 of the AIP."""
REMEMBERED = (NOT_COMPLETED, AUTHENTICATION_FAILED_LAST, STATIC_FAILED, DYNAMIC_FAILED, SCRIPT_FAILED)


def abroad(bench: Bench, *limits: int) -> dict[str, Offered]:
    """What makes a transaction foreign in the sense of these limits, or of both: a currency, a country that the card does not know."""
    objects = declared_objects(bench.profile)
    currency, country = (
        next(code for code in codes if bytes.fromhex(code) not in [objects.get(tag) for tag in known])
        for codes, known in ((CURRENCIES, KNOWN_CURRENCIES), (COUNTRIES, KNOWN_COUNTRIES))
    )
    offered: dict[int, dict[str, Offered]] = {
        FOREIGN_CURRENCY: {"currency": currency},
        FOREIGN_COUNTRY: {"country": country},
    }
    return {name: value for tag in limits or tuple(offered) for name, value in offered[tag].items()}


def declared_limits(bench: Bench, tags: tuple[int, ...] = tuple(LIMITS)) -> dict[int, bytes]:
    """Those of the limits that the profile declares, with the values of :data:`LIMITS`."""
    objects = declared_objects(bench.profile)
    return {tag: LIMITS[tag] for tag in tags if f"{tag:X}" in objects}


def harmless_script(bench: Bench) -> Order:
    """A script command that changes nothing: a limit gets its declared value, or an unblocked application is unblocked."""
    for tag, value in declared_objects(bench.profile).items():
        if int(tag, 16) in OUT_OF_REACH:
            return put_data(int(tag, 16), value)
    return unblock_application()


@dataclass(frozen=True)
class History:
    """What a card remembers, as requests for ARQC show it; they change nothing but the online authorisation indicator."""

    flags: frozenset[tuple[int, int]]
    """Bits of the card verification results."""
    scripts: int
    used: frozenset[int]
    """Limits that one more transaction would exceed."""
    free: frozenset[int]
    """Limits of which nothing is used."""
    last_online: bytes | None
    """9F13; None where the card does not show it."""

    def __str__(self) -> str:
        flags = " ".join(f"{byte}.b{bit}" for byte, bit in sorted(self.flags)) or "—"
        used, free = (" ".join(f"{tag:X}" for tag in sorted(tags)) or "—" for tags in (self.used, self.free))
        last = self.last_online.hex().upper() if self.last_online is not None else "—"
        return f"CVR {flags}; scripts {self.scripts}; used {used}; free {free}; 9F13 {last}"


def history(bench: Bench, requirement: str | None = None) -> History:
    """Look what a card remembers, its limits being those of :data:`LIMITS`."""
    visit = Visit(bench).open()
    last_online = get_data(bench, LAST_ONLINE)
    first = next_one(visit, ARQC, requirement, amount=0)
    used, free = set(), set()
    for tag in declared_limits(bench):
        if tag == TOTAL:
            exceeded = _exceeds(visit, requirement, amount=1)
            untouched = not _exceeds(visit, requirement, amount=LIMIT)
        else:
            exceeded = _exceeds(visit, requirement, amount=0, **abroad(bench, tag))
            untouched = not exceeded
        if exceeded:
            used.add(tag)
        if untouched:
            free.add(tag)
    flags = frozenset(place for place in REMEMBERED if first.bit(*place))
    return History(flags, first.results[2] >> 4, frozenset(used), frozenset(free), last_online)


def _exceeds(visit: Visit, requirement: str | None, **offered: Offered) -> bool:
    """Whether a transaction with these values would be above a limit."""
    at_home = dict(visit.values)
    made = next_one(visit, ARQC, requirement, **offered)
    visit.values = at_home
    return made.bit(*VELOCITY)


def filled(bench: Bench) -> tuple[Visit, History]:
    """A card that remembers a failed script, failed data authentications, an open online transaction and used-up limits.

    Its limits are those of :data:`LIMITS`, and stay so. Only a failed issuer authentication is not among it.
    """
    visit = preset(bench, declared_limits(bench))
    last_online = get_data(bench, LAST_ONLINE)
    visit.send_script(harmless_script(bench), wrong=True)
    require_kind(next_one(visit, AAC, results=BOTH_FAILED), AAC)
    at_home = {**visit.values, 0x95: bytes(5)}
    foreign: dict[str, Offered] = {"amount": 1, **abroad(bench)}
    for offered in (foreign, {"amount": LIMIT}):
        visit.values = dict(at_home)
        require_kind(approved_unable(visit, None, **offered), TC)
    visit.values = at_home
    functions = visit.objects.get(AIP, b"\0")[0]
    flags = {NOT_COMPLETED, SCRIPT_FAILED}
    flags |= {STATIC_FAILED} if functions & STATIC else set()
    flags |= {DYNAMIC_FAILED} if functions & DYNAMIC_OR_COMBINED else set()
    limits = frozenset(declared_limits(bench))
    return visit, History(frozenset(flags), 1, limits, frozenset(), last_online)


def approved_unable(visit: Visit, requirement: str | None = None, **offered: Offered) -> Cryptogram:
    """A transaction whose terminal could not go online (response code Y3): the second cryptogram."""
    require_kind(next_one(visit, ARQC, None, **offered), ARQC)
    return visit.second(TC, OFFLINE_APPROVED, requirement=requirement)


def expect_history(bench: Bench, requirement: str, expected: History) -> None:
    """Judge what a card remembers, each part by itself."""
    found = history(bench, requirement)
    for place in REMEMBERED:
        zh, en = BITS[place]
        wanted = place in expected.flags
        bench.check(
            (place in found.flags) is wanted,
            f"CVR {place[0]}.b{place[1]} {zh}",
            f"CVR {place[0]}.b{place[1]} {en}",
            expected=int(wanted),
            received=int(place in found.flags),
            requirement=requirement,
        )
    for zh, en, wanted_value, value in (
        ("脚本计数", "count of scripts", expected.scripts, found.scripts),
        ("已用尽的限额", "limits used up", _tags(expected.used), _tags(found.used)),
        ("未使用的限额", "limits untouched", _tags(expected.free), _tags(found.free)),
        ("上次联机ATC 9F13", "last online counter 9F13", _shown(expected.last_online), _shown(found.last_online)),
    ):
        bench.check(wanted_value == value, zh, en, expected=wanted_value, received=value, requirement=requirement)


def _tags(tags: frozenset[int]) -> str:
    return " ".join(f"{tag:X}" for tag in sorted(tags)) or "—"


def _shown(value: bytes | None) -> str:
    return "—" if value is None else value.hex().upper()
