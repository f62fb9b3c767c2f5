"""What cases of scripts, logs and e-cash share: a card in good standing, values that a script may set, putting back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps

from conformance.actors.bank.scripts import Order, change_pin, put_data, unblock_application, update_record
from conformance.bench import GOOD, Bench
from conformance.cases import Body
from conformance.failures import CardFailure, Inconclusive, NotApplicable, NotRun
from conformance.payment_answers import (
    Cryptogram,
)
from conformance.payment_dialogue import (
    ARQC,
    BALANCE,
    TC,
    Offered,
    Visit,
    amount,
    application,
    declared_objects,
    get_data,
)
from conformance.payment_judging import declared_pin, require_kind, settings, settled
from conformance.targets.base import Interface
from emulator.iso7816 import SW, Response
from profiles.model import Profile

BALANCE_LIMIT, SINGLE_LIMIT, THRESHOLD = 0x9F77, 0x9F78, 0x9F6D
SECOND_BALANCE, SECOND_LIMIT, SECOND_SINGLE_LIMIT, SECOND_THRESHOLD, SECOND_CURRENCY = (
    0xDF79,
    0xDF77,
    0xDF78,
    0xDF76,
    0xDF71,
)
SECOND_OF = {
    BALANCE: SECOND_BALANCE,
    BALANCE_LIMIT: SECOND_LIMIT,
    SINGLE_LIMIT: SECOND_SINGLE_LIMIT,
    THRESHOLD: SECOND_THRESHOLD,
}
"""E-cash objects of the second currency (JR/T 0025.15 §5.2)."""
BALANCES = (BALANCE, SECOND_BALANCE)
LIMITS = (0x9F58, 0x9F59, 0x9F53, 0x9F54, 0x9F5C, 0x9F72, 0x9F73, 0x9F75)
"""What JR/T 0025.5 B.11 lets PUT DATA set."""
LOWER_LIMIT, CURRENCY_LIMIT, AMOUNT_LIMIT, UPPER_AMOUNT_LIMIT, COUNTRY_LIMIT = 0x9F58, 0x9F53, 0x9F54, 0x9F5C, 0x9F72
LAST_ONLINE, PIN_TRIES = 0x9F13, 0x9F17
LAST_RECORD = 0xFE
WARNINGS = (0x61, 0x62, 0x63, 0x90)
"""SW1 of answers that refuse nothing."""


# What the profile says


def declared(profile: Profile, tag: int) -> bytes:
    """The value of a data object; not applicable where the card has none."""
    value = declared_objects(profile).get(f"{tag:X}")
    if value is None:
        raise NotApplicable(f"卡片声明中没有数据元 {tag:X}", f"the declared card has no data object {tag:X}")
    return value


def has(profile: Profile, tag: int) -> bool:
    """Whether the application has a data object."""
    return f"{tag:X}" in declared_objects(profile)


def readable_by_anyone(profile: Profile, tag: int) -> bool:
    """Whether GET DATA shows an object that a script may set (JR/T 0025.5 B.7, JR/T 0025.12 appendix C)."""
    given = settings(profile)
    if tag in (BALANCE, THRESHOLD, SECOND_BALANCE):
        return True
    return given.special_device or (tag in (BALANCE_LIMIT, SINGLE_LIMIT) and given.e_cash_limits_readable)


# A card in good standing


def next_results(bench: Bench) -> Cryptogram:
    """The first cryptogram of the next transaction: SELECT, GET PROCESSING OPTIONS, a request for TC."""
    bench.step("下一笔交易", "the next transaction")
    return Visit(bench).offline(TC)


# Judging


def expect_refusal(
    bench: Bench, answer: Response, zh: str, en: str, requirement: str, usual: str = "69xx / 6Axx"
) -> None:
    """The card must not have executed a command."""
    bench.check(
        answer.sw >> 8 not in WARNINGS,
        zh,
        en,
        expected=usual,
        received=f"{answer.sw:04X}",
        requirement=requirement,
    )


def expect_value(bench: Bench, tag: int, wanted: bytes, requirement: str, *, go_on: bool = False) -> None:
    """GET DATA must show a value."""
    shown = get_data(bench, tag)
    bench.check(
        shown == wanted,
        f"GET DATA {tag:X}",
        f"GET DATA {tag:X}",
        expected=wanted,
        received=shown if shown is not None else "—",
        requirement=requirement,
        go_on=go_on,
    )


def expect_executed(bench: Bench, answer: Response, order: Order, requirement: str) -> None:
    """A script command must have succeeded."""
    bench.expect(answer, GOOD, f"发卡行脚本 {order.name}", f"script command {order.name}", requirement=requirement)


# Balances


def read_number(bench: Bench, tag: int) -> int:
    """An amount by GET DATA; inconclusive where the card does not give one."""
    value = get_data(bench, tag)
    if value is None or len(value) != 6 or not value.hex().isdecimal():
        raise Inconclusive(f"无法读取 {tag:X}", f"GET DATA gives no amount for {tag:X}")
    return int(value.hex())


def require_balance(bench: Bench, least: int, tag: int = BALANCE) -> int:
    """The e-cash balance, after a load where it was below ``least``."""
    Visit(bench).open()
    balance = read_number(bench, tag)
    if balance < least:
        settled(bench).ordered(put_data(tag, amount(least)))
        balance = read_number(bench, tag)
    return balance


# A script command that does no harm


@dataclass(frozen=True, slots=True)
class Sample:
    """A harmless script command; where ``tag`` is given GET DATA shows whether it was executed."""

    order: Order
    tag: int | None = None
    old: bytes = b""
    new: bytes = b""

    def expect(self, bench: Bench, executed: bool, requirement: str) -> None:
        """The value must be the new one, or still the old one."""
        if self.tag is not None:
            expect_value(bench, self.tag, self.new if executed else self.old, requirement)


def neighbour(value: bytes) -> bytes:
    """Another value of the same form: the last digit or bit changed."""
    return value[:-1] + bytes((value[-1] ^ 1,))


def sample_tag(profile: Profile) -> int | None:
    """An object that a script may set, without a log, and that GET DATA shows; None where there is none."""
    tags = (THRESHOLD, *LIMITS, SINGLE_LIMIT)
    return next((tag for tag in tags if has(profile, tag) and readable_by_anyone(profile, tag)), None)


def sample(bench: Bench) -> Sample:
    """A script command for this card: PUT DATA, or, where no value can be seen, unblocking what is not blocked."""
    tag = sample_tag(bench.profile)
    if tag is None:
        return Sample(unblock_application())
    Visit(bench).open()
    old = get_data(bench, tag)
    if old is None or len(old) != len(declared(bench.profile, tag)):
        raise Inconclusive(f"无法读取 {tag:X}", f"GET DATA gives no value for {tag:X}")
    return Sample(put_data(tag, neighbour(old)), tag, old, neighbour(old))


def put_all(visit: Visit, values: Mapping[int, int]) -> None:
    """Set those amounts that the card has; a step of the way."""
    for tag, value in values.items():
        if has(visit.bench.profile, tag):
            order = put_data(tag, amount(value))
            visit.bench.need(visit.send_script(order), f"设置 {tag:X}", f"PUT DATA of {tag:X}")


# Putting back


def updatable_files(profile: Profile) -> Iterable[int]:
    """Short identifiers of the files of templates that UPDATE RECORD may change."""
    files = application(profile).file.values()
    return sorted(file.short_identifier for file in files if file.present and file.templates and file.protected)


def records_of(visit: Visit, sfi: int) -> list[bytes]:
    """All records of a file, as far as they can be read."""
    found: list[bytes] = []
    while len(found) < LAST_RECORD:
        answer = visit.read_record(sfi, len(found) + 1)
        if answer.sw != SW.SUCCESS:
            break
        found.append(answer.data)
    return found


def restoring(*tags: int, sampled: bool = False, pin: bool = False, records: bool = False) -> Callable[[Body], Body]:
    """Let a case put back what it changed on a card that stays in the bench, and clear the flags that it left.

    Args:
        tags: Data objects that it sets.
        sampled: Whether it sends the command of :func:`sample`.
        pin: Whether it changes the PIN.
        records: Whether it updates records.
    """

    def decorate(body: Body) -> Body:
        @wraps(body)
        def case(bench: Bench) -> None:
            if bench.target.renewable:
                body(bench)
                return
            visit = Visit(bench).open()
            chosen = sample_tag(bench.profile) if sampled else None
            before = _values(bench, tags if chosen is None else (*tags, chosen))
            contents = _contents(visit) if records else {}
            try:
                body(bench)
            finally:
                _put_back(bench, before, contents, pin=pin)

        return case

    return decorate


def _values(bench: Bench, tags: Iterable[int]) -> dict[int, bytes]:
    found = {tag: get_data(bench, tag) or declared_objects(bench.profile).get(f"{tag:X}") for tag in tags}
    return {tag: value for tag, value in found.items() if value is not None}


def _contents(visit: Visit) -> dict[tuple[int, int], bytes]:
    return {
        (sfi, number): record
        for sfi in updatable_files(visit.bench.profile)
        for number, record in enumerate(records_of(visit, sfi), 1)
    }


def _put_back(
    bench: Bench, values: Mapping[int, bytes], contents: Mapping[tuple[int, int], bytes], *, pin: bool
) -> None:
    bench.step("恢复卡片", "the card is put back")
    try:
        if bench.target.interface is Interface.CONTACT:
            bench.reset()
        else:
            bench.switch(Interface.CONTACT)
        visit = settled(bench)
        orders = [put_data(tag, value) for tag, value in values.items() if get_data(bench, tag) != value]
        orders.sort(key=lambda order: order.header.endswith("79"))  # a limit before the balance that it bounds
        now = _contents(visit) if contents else {}
        orders += [update_record(*place, old) for place, old in contents.items() if now.get(place) != old]
        if pin:
            orders.append(change_pin(declared_pin(bench.profile)))
        for order in orders:
            bench.need(visit.send_script(order), f"恢复 {order.name}", f"putting back by {order.name}")
    except (CardFailure, Inconclusive, NotApplicable, NotRun) as problem:
        bench.step(f"未能恢复：{problem.zh}", f"could not be put back: {problem.en}")


def torn_script(visit: Visit, order: Order) -> bytes:
    """A script command as bytes, for a loss of power."""
    return order.command(visit.keys, visit.first_cryptogram)


def asked_online(bench: Bench, **offered: Offered) -> Visit:
    """A terminal whose first cryptogram is an ARQC."""
    visit = Visit(bench, **offered)
    require_kind(visit.offline(ARQC), ARQC)
    return visit
