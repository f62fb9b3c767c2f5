"""Answers of qPBOC (area PAY-QPB): data objects of each decision, results, cryptograms, amounts, and the records behind them."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.failures import Inconclusive, NotApplicable
from conformance.payment_answers import (
    COUNTER,
    ISSUER_DATA,
)
from conformance.payment_dialogue import (
    AAC,
    AFL,
    AIP,
    ARQC,
    TC,
    Offered,
    amount,
    counter,
    declared_objects,
)
from conformance.payment_judging import KINDS, algorithm_choices
from conformance.quick_dialogue import (
    AVAILABLE,
    CAPABLE,
    CARD_QUALIFIERS,
    DECLINED_AMOUNT,
    OFFLINE_ONLY,
    ONLINE,
    RESERVED_RESULTS,
    TRACK_2,
    Tap,
    Terminal,
    approving,
    declared,
    prepared,
    processing,
    require,
)
from conformance.suites.payment.quick_spending import HELD, TOTAL, total_limit, with_values
from conformance.targets.base import Interface
from emulator.crypto import payment as crypto
from profiles import payment_content
from profiles.applications import payment_directory

SUITE = Suite("qPBOC answers", "qPBOC 应答", "Payment: qPBOC answers", interface=Interface.CONTACTLESS)

VALUE, SIGNATURE, EXPIRY, AUTHORISATION_CODE, CARD_DATA = 0x9F26, 0x9F4B, 0x5F24, 0x9F74, 0x9F69
REQUESTED = {AIP, COUNTER, TRACK_2, ISSUER_DATA, VALUE}
APPROVED = {AIP, AFL, COUNTER, VALUE, ISSUER_DATA}
LONGEST_LAST_RECORD, LARGEST_LIST, SHORT_KEY = 32, 16, 1024
FOREIGN_RESULTS = "0000008000"
"""Terminal verification results that are not zero."""


def decisions(bench: Bench, **offered: Offered) -> Iterator[tuple[Tap, int, Terminal]]:
    """A tap for each decision that the card can be brought to, with the decision: TC, ARQC, AAC."""
    terminal = Terminal(bench, **offered)
    approves = any(processing(bench, 1, bit) for bit in (8, 7, 6))
    asked = [(100, CAPABLE, TC)] if approves else []
    for spend, ttq, kind in (*asked, (100, ONLINE, ARQC), (DECLINED_AMOUNT, OFFLINE_ONLY, AAC)):
        bench.step(KINDS[kind], KINDS[kind])
        tap = terminal.tap(spend, ttq)
        if tap.kind is None or (AFL in tap.objects and tap.kind != kind):
            raise Inconclusive(f"卡片应答 {tap}", f"the card answered {tap} where {KINDS[kind]} is needed")
        yield tap, kind, terminal


def every_decision(bench: Bench) -> Iterator[tuple[Tap, int, Terminal]]:
    """As :func:`decisions`, with each algorithm set of the card, after an online transaction."""
    with prepared(bench, with_values(bench)):
        for sm in algorithm_choices(bench.profile):
            yield from decisions(bench, sm=sm)


def tags(tap: Tap) -> str:
    """The tags of an answer."""
    return " ".join(f"{tag:X}" for tag in tap.objects) or f"{tap.sw:04X}"


@SUITE.case(
    "PAY-QPB/refused-answer/BV",
    "联机和拒绝应答的数据元",
    "Data objects of ARQC and AAC",
    requirements=["PAY-QPB-003", "PAY-QPB-004"],
    kind=Kind.VALID,
    expected=(
        "模板 77，含 82、9F36、57、9F10、9F26，不含 94",
        "template 77 with 82, 9F36, 57, 9F10 and 9F26, without 94",
    ),
)
def refused_answer(bench: Bench) -> None:
    """ARQC and AAC with each algorithm set."""
    for tap, kind, _ in every_decision(bench):
        if kind != TC:
            _has(bench, tap, REQUESTED, "PAY-QPB-003")
            bench.check(
                AFL not in tap.objects,
                "没有 AFL",
                "no file locator",
                expected="no 94",
                received=tags(tap),
                requirement="PAY-QPB-004",
            )


def _has(bench: Bench, tap: Tap, wanted: set[int], requirement: str) -> None:
    bench.check(
        wanted <= tap.objects.keys(),
        "应答的数据元",
        "data objects of the answer",
        expected=" ".join(f"{tag:X}" for tag in sorted(wanted)),
        received=tags(tap),
        requirement=requirement,
    )


@SUITE.case(
    "PAY-QPB/approved-answer/BV",
    "脱机批准应答的数据元",
    "Data objects of TC",
    requirements=["PAY-QPB-005"],
    kind=Kind.VALID,
    expected=(
        "模板 77，含 82、94、9F36、9F26、9F10；57 在应答中或在参与认证的记录中",
        "template 77 with 82, 94, 9F36, 9F26 and 9F10; 57 in the answer or in an authenticated record",
    ),
)
def approved_answer(bench: Bench) -> None:
    """TC with each algorithm set."""
    approving(bench)
    for tap, kind, terminal in every_decision(bench):
        if kind == TC:
            _has(bench, tap, APPROVED, "PAY-QPB-005")
            terminal.read()
            signed = TRACK_2.to_bytes(1) in terminal.static_data
            bench.check(
                TRACK_2 in tap.objects or signed,
                "57 的位置",
                "where 57 stands",
                expected="answer or authenticated record",
                received=tags(tap),
                requirement="PAY-QPB-005",
            )


@SUITE.case(
    "PAY-QPB/results/BV",
    "卡片验证结果的形式",
    "Form of the card verification results",
    requirements=["PAY-QPB-006", "PAY-QPB-007"],
    kind=Kind.VALID,
    expected=(
        "03 开头；保留位为 0；第二个密文未请求；类型 TC 01、ARQC 10、AAC 00",
        "begin with 03, reserved bits zero, second cryptogram not requested; types TC 01, ARQC 10, AAC 00",
    ),
)
def results(bench: Bench) -> None:
    """Every decision with each algorithm set."""
    for tap, kind, _ in every_decision(bench):
        found = tap.made.results
        clear = tap.made.has_results and not any(a & b for a, b in zip(found, RESERVED_RESULTS, strict=True))
        shown = tap.made.issuer_data.hex().upper() or "—"
        bench.check(
            clear,
            "CVR 的保留位",
            "reserved bits of the CVR",
            expected="03, 0",
            received=shown,
            requirement="PAY-QPB-006",
        )
        bench.check(
            found[0] & 0xF0 == 0x80 | kind >> 2,
            f"CVR 的密文类型 {KINDS[kind]}",
            f"types of the cryptograms in the CVR: {KINDS[kind]}",
            expected=f"{0x80 | kind >> 2:02X}",
            received=f"{found[0] & 0xF0:02X}",
            requirement="PAY-QPB-007",
        )


@SUITE.case(
    "PAY-QPB/cryptogram/BV",
    "应用密文",
    "Cryptogram",
    requirements=["PAY-QPB-008", "PAY-QPB-009", "PAY-QPB-010"],
    kind=Kind.VALID,
    expected=(
        "9F36 每次加 1 且用于密文；9F26 与按版本 17 或 01 重算的值相同",
        "9F36 is one more each time and enters the cryptogram; 9F26 is what version 17 or 01 gives",
    ),
)
def cryptogram(bench: Bench) -> None:
    """Every decision with each algorithm set; amounts, unpredictable numbers and TVR that differ."""
    objects = {**declared_objects(bench.profile), **_contactless(bench)}
    version = {0x17: "PAY-QPB-009", 0x01: "PAY-QPB-010"}[objects["9F10"][2]]
    with prepared(bench, with_values(bench)):
        for sm in algorithm_choices(bench.profile):
            for number in ("A1B2C3D4", "00000000"):
                last = counter_of(bench)
                for tap, kind, terminal in decisions(bench, sm=sm, unpredictable=number, results=FOREIGN_RESULTS):
                    last += 1
                    if kind == TC:
                        terminal.records()
                    told = int.from_bytes(tap.made.counter, "big")
                    bench.check(
                        told == last,
                        "ATC 加 1",
                        "the counter is one more",
                        expected=last,
                        received=told,
                        requirement="PAY-QPB-008",
                    )
                    _check_value(bench, tap, terminal, version)


def counter_of(bench: Bench) -> int:
    """The transaction counter, by GET DATA."""
    Terminal(bench).open()
    return counter(bench)


def _check_value(bench: Bench, tap: Tap, terminal: Terminal, requirement: str) -> None:
    expected = terminal.genuine(tap)
    bench.check(
        tap.made.value == expected,
        "应用密文 9F26",
        "cryptogram 9F26",
        expected=expected,
        received=tap.made.value,
        requirement=requirement,
    )


def _contactless(bench: Bench) -> dict[str, bytes]:
    name = payment_directory(bench.profile)
    return payment_content.contactless_objects(bench.profile.directory[name]) if name else {}


# Amounts


@SUITE.case(
    "PAY-QPB/available/BV",
    "可用脱机消费金额 9F5D",
    "Available offline spending amount 9F5D",
    requirements=["PAY-QPB-039", "PAY-QPB-040"],
    kind=Kind.VALID,
    expected=(
        "小额：余额；小额和 CTTA：上限减累计；小额或 CTTA：两者之和；批准后为扣款后的值",
        "low value: the balance; low value and total: what is left of the total; low value or total: the sum; after an "
        "approval less the amount",
    ),
)
def available(bench: Bench) -> None:
    """Without a payment, at an approval, and when the next one goes online."""
    if not declared(bench, AVAILABLE):
        raise NotApplicable("卡片没有 9F5D", "the card has no 9F5D")
    chosen = next((bit for bit in (8, 7, 6) if processing(bench, 1, bit)), None)
    start = {8: HELD, 7: TOTAL, 6: HELD + TOTAL, None: None}[chosen]
    values = with_values(bench, held=HELD) | ({total_limit(bench): amount(TOTAL)} if chosen in (7, 6) else {})
    with prepared(bench, values) as terminal:
        declined = terminal.tap(DECLINED_AMOUNT, OFFLINE_ONLY)
        if start is None:
            _amount(bench, declined, None, "PAY-QPB-039")
            return
        _amount(bench, declined, start, "PAY-QPB-039")
        for spend in (100, 250):
            tap = require(terminal.tap(spend), TC)
            terminal.objects[AVAILABLE] = tap.objects.get(AVAILABLE, b"")
            terminal.records()
            start -= spend
            _shown(bench, terminal.objects[AVAILABLE], start, "PAY-QPB-040")
        if not processing(bench, 2, 8):
            _amount(bench, require(terminal.tap(100, ONLINE), ARQC), start, "PAY-QPB-039")


def _amount(bench: Bench, tap: Tap, wanted: int | None, requirement: str) -> None:
    if wanted is None:
        bench.check(
            AVAILABLE in tap.objects, "9F5D", "9F5D", expected="present", received=tags(tap), requirement=requirement
        )
    else:
        _shown(bench, tap.objects.get(AVAILABLE, b""), wanted, requirement)


def _shown(bench: Bench, value: bytes, wanted: int, requirement: str) -> None:
    bench.check(
        value == amount(wanted), "9F5D", "9F5D", expected=amount(wanted), received=value, requirement=requirement
    )


@SUITE.case(
    "PAY-QPB/qualifiers/BV",
    "卡片交易属性 9F6C",
    "Card transaction qualifiers 9F6C",
    requirements=["PAY-QPB-041"],
    kind=Kind.VALID,
    expected=(
        "个人化了 9F6C 的卡每次返回 2 字节，其他卡不返回",
        "two bytes each time where it was personalised, otherwise never",
    ),
)
def card_qualifiers(bench: Bench) -> None:
    """Every decision with each algorithm set."""
    has = f"{CARD_QUALIFIERS:X}" in {**declared_objects(bench.profile), **_contactless(bench)}
    for tap, _, _ in every_decision(bench):
        value = tap.objects.get(CARD_QUALIFIERS)
        bench.check(
            len(value or b"") == 2 if has else value is None,
            "9F6C",
            "9F6C",
            expected="2 bytes" if has else "absent",
            received="absent" if value is None else value,
            requirement="PAY-QPB-041",
        )


@SUITE.case(
    "PAY-QPB/discretionary/BV",
    "发卡行自定义数据",
    "Issuer discretionary data",
    requirements=["PAY-QPB-042", "PAY-QPB-031"],
    kind=Kind.VALID,
    expected=(
        "余额与累计金额为决定后的值，MAC 正确",
        "balance and total as the decision leaves them, with a right MAC",
    ),
)
def discretionary(bench: Bench) -> None:
    """Every decision with each algorithm set; the balance beside it by GET DATA."""
    identifier = (_contactless(bench).get("9F10") or declared_objects(bench.profile)["9F10"])[9]
    with prepared(bench, with_values(bench, held=HELD)):
        for sm in algorithm_choices(bench.profile):
            for tap, kind, terminal in decisions(bench, sm=sm):
                spent = 100 if kind == TC or (kind == ARQC and processing(bench, 2, 8)) else 0
                if kind == TC:
                    terminal.records()
                held = terminal.balance()
                _check_discretionary(bench, tap, terminal, identifier, held=held, spent=spent)


def _check_discretionary(bench: Bench, tap: Tap, terminal: Terminal, identifier: int, *, held: int, spent: int) -> None:
    data = tap.made.data
    amounts = data.amounts if data else b""
    begins = bool(data and data.discretionary[:1] == bytes((identifier,)) and amounts)
    bench.check(
        begins,
        "发卡行自定义数据的形式",
        "form of the discretionary data",
        expected=f"identifier {identifier:02X}, amounts, MAC",
        received=tap.made.issuer_data,
        requirement="PAY-QPB-042",
    )
    if data is None:
        return
    keys = terminal.keys
    wanted = crypto.issuer_data_mac(keys.algorithm, keys.mac, tap.made.counter, amounts)
    bench.check(data.mac == wanted, "MAC", "MAC", expected=wanted, received=data.mac, requirement="PAY-QPB-042")
    if data.balance is not None:
        bench.check(
            data.balance == held, "余额", "balance", expected=held, received=data.balance, requirement="PAY-QPB-042"
        )
