"""What the suites of payment transactions judge alike, and the states of a card from which they start."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress

from conformance.actors.bank.scripts import unblock_application, unblock_pin
from conformance.bench import Bench
from conformance.dialogue import apdu
from conformance.failures import CardFailure, Inconclusive, NotApplicable, NotRun
from conformance.payment_answers import (
    Cryptogram,
)
from conformance.payment_dialogue import (
    AAC,
    ARQC,
    TC,
    Offered,
    Visit,
    amount,
    application,
    counter,
    declared_objects,
    get_data,
    set_data,
)
from conformance.targets.base import Interface
from emulator.crypto.payment import pin_block
from emulator.iso7816 import SW, Response, tlv
from profiles.algorithm_sets import algorithm_sets
from profiles.applications import payment_directory
from profiles.model import Profile
from profiles.payment_settings import PaymentSettings

KINDS = {AAC: "AAC", TC: "TC", ARQC: "ARQC"}
LAST_ONLINE = 0x9F13
NOT_COMPLETED, PIN_EXCEEDED, VELOCITY, NEW_CARD = (3, 8), (3, 7), (3, 6), (3, 5)
AUTHENTICATION_FAILED_LAST, NOT_AUTHENTICATED, STATIC_FAILED = (3, 4), (3, 3), (3, 1)
SCRIPT_FAILED, DYNAMIC_FAILED = (4, 4), (4, 3)
AUTHENTICATION_FAILED, UNABLE = (2, 4), (2, 1)
PIN_PERFORMED, PIN_FAILED, BLOCKED_BY_PIN = (2, 3), (2, 2), (3, 2)
BITS = {
    AUTHENTICATION_FAILED: ("发卡行认证失败", "issuer authentication failed"),
    PIN_PERFORMED: ("脱机PIN已执行", "offline PIN performed"),
    PIN_FAILED: ("脱机PIN失败", "offline PIN failed"),
    UNABLE: ("不能联机", "unable to go online"),
    NOT_COMPLETED: ("上次联机交易未完成", "last online transaction not completed"),
    PIN_EXCEEDED: ("PIN尝试次数超限", "PIN try limit exceeded"),
    VELOCITY: ("频度检查超限", "velocity exceeded"),
    NEW_CARD: ("新卡", "new card"),
    AUTHENTICATION_FAILED_LAST: ("上次交易发卡行认证失败", "issuer authentication failed in the last transaction"),
    NOT_AUTHENTICATED: ("联机后未执行发卡行认证", "issuer authentication not performed after online"),
    BLOCKED_BY_PIN: ("因PIN超限锁定应用", "application blocked by the PIN"),
    STATIC_FAILED: ("上次交易SDA失败且拒绝", "static authentication failed and declined last"),
    SCRIPT_FAILED: ("上次交易脚本失败", "script failed last"),
    DYNAMIC_FAILED: ("上次交易DDA失败且拒绝", "dynamic authentication failed and declined last"),
}
"""Bits of the card verification results 卡片验证结果 by byte and bit, b8 the highest (JR/T 0025.5 appendix A)."""
MOST_TRIES = 15
ALL_COUNTS, ALL_AMOUNTS = b"\xff", amount(10**12 - 1)
OUT_OF_REACH = {
    0x9F53: ALL_COUNTS,
    0x9F72: ALL_COUNTS,
    0x9F58: ALL_COUNTS,
    0x9F59: ALL_COUNTS,
    0x9F54: ALL_AMOUNTS,
    0x9F5C: ALL_AMOUNTS,
    0x9F75: ALL_AMOUNTS,
}
"""The limits that PUT DATA sets, each with the value that is exceeded last."""


# Judging


def judge(
    bench: Bench,
    requirement: str,
    made: Cryptogram,
    *,
    kind: int | None = None,
    shown: Collection[tuple[int, int]] = (),
    hidden: Collection[tuple[int, int]] = (),
) -> None:
    """Judge an answer: the kind of its cryptogram, bits of the card verification results that are 1, and some that are 0."""
    if kind is not None:
        bench.check(
            made.kind == kind,
            "应用密文类型",
            "kind of the cryptogram",
            expected=KINDS[kind],
            received=name_of(made.kind),
            requirement=requirement,
        )
    for places, wanted in ((shown, True), (hidden, False)):
        for byte, bit in places:
            zh, en = BITS[byte, bit]
            bench.check(
                made.has_results and made.bit(byte, bit) is wanted,
                f"CVR {byte}.b{bit} {zh}",
                f"CVR {byte}.b{bit} {en}",
                expected=int(wanted),
                received=f"{int(made.bit(byte, bit))} ({made.issuer_data.hex().upper() or '—'})",
                requirement=requirement,
            )


def name_of(kind: int) -> str:
    """The name of a kind of cryptogram."""
    return KINDS.get(kind, f"{kind:02X}")


def told(offered: Mapping[str, Offered]) -> str:
    """Offered values for a step of the report."""
    shown = {name: value.hex().upper() if isinstance(value, bytes) else value for name, value in offered.items()}
    return ", ".join(f"{name} {value}" for name, value in shown.items()) or "—"


def default_action(profile: Profile, byte: int, bit: int) -> bool:
    """Whether the declared application default action (ADA) 应用缺省行为 9F52 has a bit; without ADA it is 0."""
    return _bit(profile, "9F52", byte, bit)


def is_mandatory(profile: Profile) -> bool:
    """Whether issuer authentication is declared mandatory (9F56 b8)."""
    return _bit(profile, "9F56", 1, 8)


def _bit(profile: Profile, tag: str, byte: int, bit: int) -> bool:
    value = declared_objects(profile).get(tag, b"")
    return len(value) >= byte and bool(value[byte - 1] & 1 << bit - 1)


def settings(profile: Profile) -> PaymentSettings:
    """How the application is declared to behave where the standard leaves it open."""
    payment = application(profile).payment
    return payment.settings if payment else PaymentSettings()


def algorithm_choices(profile: Profile) -> tuple[bool, ...]:
    """What a terminal may say by DF69: both on a card with two algorithm sets, otherwise that it has the SM algorithms."""
    name = payment_directory(profile)
    return (False, True) if name is not None and len(algorithm_sets(profile, name)) > 1 else (True,)


# States of the card


def settled(bench: Bench, **offered: Offered) -> Visit:
    """A terminal after an approved online transaction, which leaves no reason for the card to go online or to decline."""
    visit = Visit(bench, **offered)
    require_kind(visit.online(), TC)
    return visit


def requested(bench: Bench, **offered: Offered) -> Visit:
    """A terminal whose transaction has its ARQC."""
    visit = Visit(bench)
    require_kind(visit.offline(ARQC, **offered), ARQC)
    return visit


def require_kind(made: Cryptogram, kind: int) -> Cryptogram:
    """A cryptogram of this kind on the way to what a case judges; inconclusive where it is another."""
    if made.kind != kind:
        raise Inconclusive(
            f"前提未满足：需要 {KINDS[kind]}，卡片返回 {name_of(made.kind)}",
            f"preamble: {KINDS[kind]} is needed, the card gave {name_of(made.kind)}",
        )
    return made


def preset(bench: Bench, values: Mapping[int, bytes]) -> Visit:
    """A settled card with these limits and objects, and all other declared limits out of reach."""
    set_data(bench, {tag: value for tag, value in OUT_OF_REACH.items() if tag in _declared(bench)} | dict(values))
    return settled(bench)


@contextmanager
def limits(bench: Bench, values: Mapping[int, bytes]) -> Iterator[Visit]:
    """As :func:`preset`; a card that is not renewed gets the declared values back."""
    with set_back(bench, values):
        yield preset(bench, values)


@contextmanager
def set_back(bench: Bench, changed: Collection[int]) -> Iterator[None]:
    """Give a card that is not renewed its declared limits, and these objects, back at the end, however the case ended."""
    declared = {tag: value for tag, value in _declared(bench).items() if tag in OUT_OF_REACH or tag in changed}
    try:
        yield
    except (CardFailure, Inconclusive):
        if not bench.target.renewable:
            with suppress(CardFailure, Inconclusive):
                set_data(bench, declared)
        raise
    if not bench.target.renewable:
        set_data(bench, declared)


def is_blocked_card(bench: Bench) -> bool:
    """Whether a card that stays in the bench had its CARD BLOCK already, from which nothing brings it back."""
    return not bench.target.renewable and Visit(bench).send_select().sw == SW.FUNCTION_NOT_SUPPORTED


def require_open_card(bench: Bench) -> None:
    """Not run on a card that had its CARD BLOCK: what this case takes from a card for ever is gone."""
    if is_blocked_card(bench):
        raise NotRun("卡片已永久锁定，需要另一张卡片", "the card is blocked for good already: needs another card")


def put_back(bench: Bench) -> None:
    """Unblock the application, give the PIN its tries back, and leave no reason to go online or to decline.

    As the issuer's device does: by scripts after an AAC, which a blocked application gives too.
    """
    if bench.target.interface is Interface.CONTACT:
        bench.reset()
    else:
        bench.switch(Interface.CONTACT)
    visit = Visit(bench)
    selected = visit.send_select()
    visit.begin().first(AAC)
    if selected.sw == SW.SELECTED_FILE_DEACTIVATED:
        bench.need(visit.send_script(unblock_application()), "解锁应用", "APPLICATION UNBLOCK")
    unblocked = visit.send_script(unblock_pin()) if application(bench.profile).pin else None
    settled(bench)
    if unblocked is not None:
        bench.need(unblocked, "解锁PIN", "PIN UNBLOCK")


def _declared(bench: Bench) -> dict[int, bytes]:
    return {int(tag, 16): value for tag, value in declared_objects(bench.profile).items()}


def new_card(bench: Bench, **offered: Offered) -> Visit:
    """A terminal at an application that was never online; not run where the card in the bench is no longer so."""
    visit = Visit(bench, **offered).open()
    last = get_data(bench, LAST_ONLINE)
    if not bench.target.renewable and last != bytes(2):
        raise NotRun("卡片已做过联机交易，不再是新卡", "the card was online before: it is no new card any more")
    return visit


def next_one(visit: Visit, kind: int = TC, requirement: str | None = None, **offered: Offered) -> Cryptogram:
    """The first cryptogram of the next transaction, after a new selection; records that were read are not read again."""
    known = visit.objects
    visit.open()
    visit.objects = {**known, **visit.objects}
    return visit.begin(**offered).first(kind, requirement=requirement)


# Transaction counter

NEARLY_COUNTED_OUT = "the transaction counter one before its end"
LAST_COUNTER = 0xFFFF


def count_nearly_out(bench: Bench) -> None:
    """Initiations over the contacts until the counter, which both interfaces share, stands one before its end: some 65,000."""
    require_open_card(bench)
    visit = Visit(bench)
    selected = visit.send_select()
    begun = counter(bench)
    if begun >= LAST_COUNTER:
        if visit.send_begin().sw == SW.CONDITIONS_OF_USE_NOT_SATISFIED:
            raise NotRun(
                "ATC 已到上限，需要另一张卡片", "the transaction counter is at its end already: needs another card"
            )
        return  # a card that goes on nevertheless, for the case to judge
    bench.need(selected, "选择金融应用", "SELECT of the payment application")
    times = LAST_COUNTER - 1 - begun
    if times:
        command = apdu(0x80, 0xA8, 0, 0, tlv.build(0x83, visit.pdol_values()), ne=256)
        bench.need(bench.repeat(command, times), f"应用初始化 {times} 次", f"GET PROCESSING OPTIONS {times} times")


# Offline PIN


def declared_pin(profile: Profile) -> str:
    """The digits of the offline PIN; not applicable where the profile has none."""
    for pin in application(profile).pin.values():
        return pin.value
    raise NotApplicable("卡片声明中没有脱机PIN", "the declared card has no offline PIN")


def verify(bench: Bench, pin: str) -> Response:
    """VERIFY of the offline PIN in plain."""
    return bench.send(apdu(0x00, 0x20, 0x00, 0x80, pin_block(pin)))


def wrong_pin(right: str) -> str:
    """A PIN of the same length that is another one."""
    return f"{(int(right[0]) + 1) % 10}{right[1:]}"


def exhaust_pin(bench: Bench) -> None:
    """VERIFY with a wrong PIN until no try is left; a transaction must have begun."""
    wrong = wrong_pin(declared_pin(bench.profile))
    for _ in range(MOST_TRIES + 1):
        if verify(bench, wrong).sw in (0x63C0, SW.AUTHENTICATION_METHOD_BLOCKED, SW.REFERENCE_DATA_NOT_USABLE):
            return
    raise Inconclusive("PIN尝试次数没有用尽", "wrong PINs do not use up the tries")
