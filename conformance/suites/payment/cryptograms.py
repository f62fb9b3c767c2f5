"""Keys and cryptograms 密钥与应用密文 (areas PAY-KEY and PAY-SMA): the bank computes everything that the card computes."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple, TypeAlias

from hypothesis import strategies as st

from conformance.actors.bank.keys import TransactionKeys
from conformance.actors.bank.scripts import Order, change_pin, put_data
from conformance.bench import GOOD, Bench
from conformance.cases import Body, Case, Kind, Suite
from conformance.failures import NotApplicable
from conformance.payment_answers import (
    Cryptogram,
)
from conformance.payment_chain import answered, asks_for, started
from conformance.payment_dialogue import (
    AAC,
    APPROVED,
    ARQC,
    DECLINED,
    TC,
    Offered,
    Visit,
    declared_objects,
)
from conformance.payment_judging import declared_pin, settled, verify
from conformance.payment_readings import DIGITS_RULE, RESULTS_RULE, RULES, SHORT_ACCOUNT_RULE, Rules, explain
from conformance.properties import for_all
from emulator.crypto import Algorithm, mac
from emulator.crypto import payment as crypto
from emulator.iso7816 import SW
from profiles.algorithm_sets import AlgorithmSet, algorithm_sets
from profiles.applications import payment_directory
from profiles.model import Profile, Text

SUITE = Suite("payment cryptograms", "密钥与应用密文", "Payment: keys and cryptograms")

WRONG = SW.AUTHENTICATION_FAILED
WRONG_MAC = SW.SECURE_MESSAGING_OBJECTS_INCORRECT
LIMIT = 0x9F58
"""A data object of one byte that scripts may set."""
TOTAL = 0x9F54
"""One of six bytes."""
MAC_LENGTH = 4
AREA = {"3DES": "PAY-KEY", "SM4": "PAY-SMA"}


def check_cryptogram(bench: Bench, visit: Visit, made: Cryptogram, value: bytes | None = None) -> None:
    """A cryptogram is the one that the bank computes; a wrong one fails the requirement whose misreading gives it."""
    given = made.value if value is None else value
    expected = visit.expected(made)
    good = hmac.compare_digest(given, expected) and bool(expected)
    if good:
        bench.check(
            True,
            "应用密文",
            "cryptogram",
            expected=expected,
            received=given,
            requirement=RULES[visit.issuer.algorithm].mac,
        )
        return
    why = explain(visit, made, given)
    bench.check(
        False,
        f"应用密文：{why.text.zh}",
        f"cryptogram: {why.text.en}",
        expected=expected,
        received=given,
        requirement=why.requirement,
    )


def _every_kind(bench: Bench, algorithms: AlgorithmSet) -> Iterator[tuple[Visit, Cryptogram]]:
    """AAC; ARQC and the bank's approval; ARQC and its refusal; a TC of the card alone."""
    visit = started(bench, algorithms)
    yield visit, visit.first(AAC)
    for kind, code in ((TC, APPROVED), (AAC, DECLINED)):
        visit = started(bench, algorithms)
        yield visit, visit.first(ARQC)
        answered(visit, code)
        yield visit, visit.second(kind, code)
    settled(bench, sm=asks_for(algorithms))
    visit = started(bench, algorithms)
    yield visit, visit.first(TC)


def _cryptograms(bench: Bench, algorithms: AlgorithmSet) -> None:
    for visit, made in _every_kind(bench, algorithms):
        check_cryptogram(bench, visit, made)


OFFERED: st.SearchStrategy[dict[str, Offered]] = st.builds(
    dict,
    amount=st.integers(0, 999_999_999_999),
    other_amount=st.integers(0, 999_999_999_999),
    country=st.binary(min_size=2, max_size=2),
    results=st.binary(min_size=5, max_size=5),
    currency=st.binary(min_size=2, max_size=2),
    date=st.binary(min_size=3, max_size=3),
    kind=st.binary(min_size=1, max_size=1),
    unpredictable=st.binary(min_size=4, max_size=4),
)


def _any_values(bench: Bench, algorithms: AlgorithmSet) -> None:
    def body(offered: dict[str, Offered]) -> None:
        visit = started(bench, algorithms).offer(**offered)
        check_cryptogram(bench, visit, visit.first(ARQC))

    for_all(bench, OFFERED, body)


def _follows_counter(bench: Bench, algorithms: AlgorithmSet) -> None:
    values = []
    for _ in range(3):
        visit = started(bench, algorithms)
        values.append(visit.first(AAC).value)
    bench.check(
        len(set(values)) == len(values),
        "相同数据、不同 ATC 的密文",
        "cryptograms of the same data under other counters",
        expected="all different",
        received=" ".join(value.hex().upper() for value in values),
        requirement="PAY-KEY-008",
    )


def _response(bench: Bench, algorithms: AlgorithmSet) -> None:
    if not algorithms.path["ordinary"].aip[0] & 0x04:
        raise NotApplicable("不支持发卡行认证", "the declared card has no issuer authentication")
    requirement = RULES[Algorithm(algorithms.algorithm)].response
    for code in (APPROVED, "05", "Z9"):
        visit = started(bench, algorithms)
        visit.first(ARQC)
        bench.expect(
            visit.send_authenticate(code), GOOD, f"ARPC，响应码 {code}", f"ARPC for {code}", requirement=requirement
        )
    visit = started(bench, algorithms)
    visit.first(ARQC)
    bench.expect(
        visit.send_authenticate(wrong=True), WRONG, "错一位的 ARPC", "an ARPC with a wrong bit", requirement=requirement
    )


# Issuer discretionary data


def _issuer_data(bench: Bench, algorithms: AlgorithmSet) -> None:
    found = False
    for visit, made in _every_kind(bench, algorithms):
        data = made.data
        if data is None or not data.amounts:
            continue
        found = True
        expected = _amounts_mac(visit.keys, data.amounts)
        bench.check(
            hmac.compare_digest(data.mac, expected),
            "发卡行自定义数据的 MAC",
            "MAC of the issuer discretionary data",
            expected=expected,
            received=data.mac,
            requirement="PAY-KEY-010",
        )
    if not found:
        bench.check(
            not _declares_mac(bench.profile),
            "9F10 中的自定义数据",
            "discretionary data in 9F10",
            expected="amount ‖ MAC",
            received="—",
            requirement="PAY-KEY-010",
        )


def _amounts_mac(keys: TransactionKeys, amounts: bytes) -> bytes:
    return crypto.issuer_data_mac(keys.algorithm, keys.mac, keys.counter, amounts)


def _declares_mac(profile: Profile) -> bool:
    """Whether the card is personalised with discretionary data that carry a MAC: length and identifier alone."""
    return len(declared_objects(profile).get("9F10", b"")) == 10


# Script commands


def _after_approval(bench: Bench, algorithms: AlgorithmSet) -> Visit:
    """A transaction that the bank approved, in which scripts may come."""
    visit = started(bench, algorithms)
    visit.first(ARQC)
    answered(visit, APPROVED)
    visit.second(TC, APPROVED)
    return visit


def _limit(profile: Profile) -> Order:
    """PUT DATA of the lower consecutive limit with the value that it has: one byte, so that the MAC covers 16."""
    value = declared_objects(profile).get(f"{LIMIT:X}")
    if value is None:
        raise NotApplicable("卡片没有 9F58", "the declared card has no data object 9F58")
    return put_data(LIMIT, value)


def _with_mac(visit: Visit, order: Order, make: Callable[[bytes], bytes]) -> bytes:
    """A script command with a MAC of another making over what its MAC covers."""
    command = order.command(visit.keys, visit.first_cryptogram)
    covered = command[:5] + visit.keys.counter + visit.first_cryptogram + command[5:-MAC_LENGTH]
    return command[:-MAC_LENGTH] + make(covered)


def _separate_keys(bench: Bench, algorithms: AlgorithmSet) -> None:
    keys = _after_approval(bench, algorithms).keys
    bench.check(
        len({keys.ac, keys.mac, keys.enc}) == 3,
        "三个密钥互不相同",
        "the three keys differ",
        expected=3,
        received=len({keys.ac, keys.mac, keys.enc}),
        requirement="PAY-KEY-007",
    )
    order = _limit(bench.profile)
    for name in ("AC", "ENC"):
        visit = _after_approval(bench, algorithms)
        keys = visit.keys
        key = keys.ac if name == "AC" else keys.enc
        bench.expect(
            bench.send(_with_mac(visit, order, partial(crypto.payment_mac, keys.algorithm, key))),
            WRONG_MAC,
            f"用 {name} 密钥计算的脚本 MAC",
            f"script MAC made with the {name} key",
            requirement="PAY-KEY-007",
        )
    bench.need(
        _after_approval(bench, algorithms).send_script(order), "用 MAC 密钥的脚本", "a script command with the MAC key"
    )


def _whole_block(bench: Bench, algorithms: AlgorithmSet) -> None:
    visit = _after_approval(bench, algorithms)
    bench.expect(
        visit.send_script(_limit(bench.profile)),
        GOOD,
        "MAC 覆盖 16 字节，另加一整块填充",
        "a MAC over 16 bytes and a whole block of padding",
        requirement="PAY-KEY-005",
    )


def _script_mac(bench: Bench, algorithms: AlgorithmSet) -> None:
    visit = _after_approval(bench, algorithms)
    orders = [_limit(bench.profile)]
    total = declared_objects(bench.profile).get(f"{TOTAL:X}")
    if total is not None:
        orders.append(put_data(TOTAL, total))
    for order in orders:
        bench.expect(
            visit.send_script(order), GOOD, f"脚本 {order.header}", f"script {order.header}", requirement="PAY-SMA-015"
        )
    folded = _with_mac(visit, orders[0], partial(mac, Algorithm.SM4, visit.keys.mac, fold="xor", length=MAC_LENGTH))
    bench.expect(
        bench.send(folded), WRONG_MAC, "各字异或的脚本 MAC", "a script MAC of combined words", requirement="PAY-SMA-015"
    )
    _after_approval(bench, algorithms)


def _encryption(bench: Bench, algorithms: AlgorithmSet) -> None:
    pin = declared_pin(bench.profile)
    for order in (change_pin(pin), change_pin(pin, pin)):
        visit = _after_approval(bench, algorithms)
        how = f"P2 = {order.header[-2:]}"
        bench.expect(
            visit.send_script(order), GOOD, f"PIN 修改，{how}", f"PIN CHANGE, {how}", requirement="PAY-SMA-016"
        )
        bench.expect(verify(bench, pin), GOOD, "校验新 PIN", "VERIFY of the new PIN", requirement="PAY-SMA-016")


# The cases of each algorithm set

Judge: TypeAlias = Callable[[Bench, AlgorithmSet], None]
BOTH, DES_ALONE, SM_ALONE = ("3DES", "SM4"), ("3DES",), ("SM4",)


class _Row(NamedTuple):
    """A case that every set of these algorithms has; the requirement follows from the algorithm where it is a tuple of two."""

    subject: str
    zh: str
    en: str
    expected: Text
    requirements: Callable[[Rules], tuple[str, ...]]
    judge: Judge
    algorithms: tuple[str, ...] = BOTH


ROWS = (
    _Row(
        "cryptogram",
        "应用密文与发卡行计算一致",
        "Cryptograms are those that the bank computes",
        Text(zh="AAC、ARQC、TC、第二次密文均一致", en="AAC, ARQC, TC and second cryptograms are equal"),
        lambda rules: (*sorted({*rules[:3], DIGITS_RULE}), RESULTS_RULE, SHORT_ACCOUNT_RULE),
        _cryptograms,
    ),
    _Row(
        "any-values",
        "任意终端数据的应用密文",
        "Cryptograms over any terminal values",
        Text(zh="密文总与发卡行计算一致", en="the cryptogram is always the one that the bank computes"),
        lambda rules: (*rules[:3], RESULTS_RULE),
        _any_values,
    ),
    _Row(
        "follows-counter",
        "密文随 ATC 变化",
        "Cryptograms follow the counter",
        Text(zh="相同数据、不同 ATC 的密文互不相同", en="the same data under other counters give other cryptograms"),
        lambda rules: ("PAY-KEY-008",),
        _follows_counter,
    ),
    _Row(
        "response",
        "授权响应密文 ARPC",
        "Response cryptogram ARPC",
        Text(zh="正确 9000，错一位 6300", en="9000 for the right one, 6300 for one with a wrong bit"),
        lambda rules: (rules.response,),
        _response,
    ),
    _Row(
        "separate-keys",
        "密文、MAC、加密密钥相互分离",
        "Keys for cryptogram, MAC and encryption are separate",
        Text(zh="仅接受 MAC 密钥计算的脚本 MAC", en="only script MACs made with the MAC key are taken"),
        lambda rules: ("PAY-KEY-007",),
        _separate_keys,
    ),
    _Row(
        "issuer-data",
        "发卡行自定义数据的 MAC",
        "MAC of the issuer discretionary data",
        Text(zh="用 MAC 过程密钥计算，每个密文均一致", en="made with the MAC session key, in every cryptogram"),
        lambda rules: ("PAY-KEY-010",),
        _issuer_data,
    ),
    _Row(
        "whole-block",
        "整块数据另加一块填充",
        "A whole block of padding",
        Text(zh="覆盖 16 字节的脚本 MAC 被接受", en="a script MAC over 16 bytes is accepted"),
        lambda rules: ("PAY-KEY-005",),
        _whole_block,
        DES_ALONE,
    ),
    _Row(
        "script-mac",
        "SM4 脚本 MAC 取左 4 字节",
        "The SM4 script MAC is the leftmost 4 bytes",
        Text(zh="左 4 字节 9000，各字异或 6988", en="9000 for the left 4 bytes, 6988 for combined words"),
        lambda rules: ("PAY-SMA-015",),
        _script_mac,
        SM_ALONE,
    ),
    _Row(
        "encryption",
        "SM4 脚本加密",
        "Script encryption with SM4",
        Text(zh="PIN 修改后新 PIN 校验成功", en="the new PIN of a PIN CHANGE verifies"),
        lambda rules: ("PAY-SMA-016",),
        _encryption,
        SM_ALONE,
    ),
)


def _of_set(judge: Judge, algorithms: AlgorithmSet) -> Body:
    return lambda bench: judge(bench, algorithms)


@SUITE.cases_from
def cryptogram_cases(profile: Profile) -> Iterator[Case]:
    """Every row for every algorithm set of the card."""
    name = payment_directory(profile)
    for algorithms in algorithm_sets(profile, name) if name else ():
        for row in ROWS:
            if algorithms.algorithm in row.algorithms:
                yield Case(
                    identifier=f"{AREA[algorithms.algorithm]}/{row.subject}/BV",
                    title=Text(zh=f"{row.zh}（{algorithms.algorithm}）", en=f"{row.en} ({algorithms.algorithm})"),
                    requirements=row.requirements(RULES[Algorithm(algorithms.algorithm)]),
                    kind=Kind.VALID,
                    expected=row.expected,
                    body=_of_set(row.judge, algorithms),
                )
