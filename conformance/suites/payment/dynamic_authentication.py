"""Dynamic data authentication 动态数据认证 (areas PAY-ODA and PAY-SMA): INTERNAL AUTHENTICATE with every algorithm set."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import strategies as st

from conformance.actors.terminal import certificates
from conformance.actors.terminal.certificates import PublicKey, Unsigned
from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.failures import Inconclusive, NotApplicable
from conformance.payment_chain import (
    Chain,
    certified_sets,
    ddol_values,
    internal_authenticate,
    sets_of,
    signature_of,
    started,
)
from conformance.payment_dialogue import (
    ARQC,
    Visit,
    counter,
)
from conformance.payment_judging import settings
from conformance.properties import for_all
from emulator.crypto.rsa import RsaPublicKey
from profiles.algorithm_sets import AlgorithmSet

SUITE = Suite("payment dynamic authentication", "动态数据认证", "Payment: dynamic data authentication")

DYNAMIC, COMBINED = 0x20, 0x01
NUMBERS = (bytes.fromhex("A1B2C3D4"), bytes.fromhex("00000000"))
"""Unpredictable numbers of the terminal, the second one unlikely and legal."""
SHORT_SM2 = 66
"""Bytes of an SM2 signature object beside its dynamic data: format, length, r and s."""


def able_to(bit: int, chosen: tuple[AlgorithmSet, ...]) -> tuple[AlgorithmSet, ...]:
    """The sets whose transactions on the contacts announce a method; not applicable where none does."""
    able = tuple(each for each in chosen if each.path["ordinary"].aip[0] & bit)
    if not able:
        raise NotApplicable("接触界面不支持该认证方法", "no transaction on the contacts announces this method")
    return able


def _able(bench: Bench, bit: int, chosen: tuple[AlgorithmSet, ...]) -> Iterator[Visit]:
    """A started transaction with each set whose AIP has a method."""
    return (started(bench, each) for each in able_to(bit, chosen))


def expect_signature(visit: Visit, values: bytes, requirement: str) -> bytes:
    """INTERNAL AUTHENTICATE, whose answer must be 80 with a signature."""
    bench = visit.bench
    answer = bench.expect(
        internal_authenticate(visit, values), GOOD, "内部认证", "INTERNAL AUTHENTICATE", requirement=requirement
    )
    signature = signature_of(answer.data)
    bench.check(
        signature is not None,
        "应答为模板 80",
        "the answer is a template 80",
        expected="80",
        received=answer.data[:2],
        requirement=requirement,
    )
    return signature or b""


def expect_dynamic_data(bench: Bench, key: PublicKey, signature: bytes, values: bytes, requirement: str) -> bytes:
    """The dynamic data in a signature that must be right."""
    try:
        return certificates.dynamic_data(key, signature, values)
    except Unsigned as problem:
        bench.check(
            False,
            "动态签名 9F4B 验证失败",
            "9F4B does not verify",
            expected="valid",
            received=str(problem),
            requirement=requirement,
        )
        raise Inconclusive("动态签名无法验证", str(problem)) from problem


def _dda(bench: Bench, scheme: str, requirement: str) -> None:
    for visit in _able(bench, DYNAMIC, sets_of(bench.profile, scheme=scheme)):
        key = Chain(visit).card().key
        for number in NUMBERS:
            values = ddol_values(visit, number)
            signature = expect_signature(visit, values, requirement)
            data = expect_dynamic_data(bench, key, signature, values, requirement)
            wanted = key.size if isinstance(key, RsaPublicKey) else SHORT_SM2 + len(data)
            bench.check(
                len(signature) == wanted,
                "签名长度",
                "length of the signature",
                expected=wanted,
                received=len(signature),
                requirement=requirement,
            )


@SUITE.case(
    "PAY-ODA/internal-authentication/BV",
    "RSA 动态签名可恢复",
    "The RSA dynamic signature recovers",
    requirements=["PAY-ODA-010"],
    kind=Kind.VALID,
    expected=(
        "80 和 NIC 字节，6A 05 … BC，哈希覆盖 DDOL 数据",
        "80 and NIC bytes, 6A 05 … BC, the hash over the DDOL values",
    ),
)
def rsa_dynamic(bench: Bench) -> None:
    """Two unpredictable numbers, with the key out of the card's certificate."""
    _dda(bench, "RSA", "PAY-ODA-010")


@SUITE.case(
    "PAY-SMA/internal-authentication/BV",
    "SM2 动态签名可验证",
    "The SM2 dynamic signature verifies",
    requirements=["PAY-SMA-008"],
    kind=Kind.VALID,
    expected=(
        "15 LDD 动态数据 r s，签名覆盖前三项和 DDOL 数据",
        "15, length, data, r and s over the first three and the DDOL values",
    ),
)
def sm2_dynamic(bench: Bench) -> None:
    """The same with the SM set."""
    _dda(bench, "SM2", "PAY-SMA-008")


@SUITE.case(
    "PAY-ODA/dynamic-number/BV",
    "动态数为本次交易的 ATC",
    "The dynamic number is the counter of the transaction",
    requirements=["PAY-ODA-011"],
    kind=Kind.VALID,
    expected=("02 和 ATC", "02 and the counter"),
)
def dynamic_number(bench: Bench) -> None:
    """Two transactions with each set; whether 02 stands before the counter is a setting."""
    head = b"\x02" if settings(bench.profile).dda_number_has_length else b""
    for algorithms in certified_sets(bench.profile):
        for visit in _able(bench, DYNAMIC, (algorithms, algorithms)):
            key, values = Chain(visit).card().key, ddol_values(visit, NUMBERS[0])
            data = expect_dynamic_data(
                bench, key, expect_signature(visit, values, "PAY-ODA-011"), values, "PAY-ODA-011"
            )
            expected = head + counter(bench).to_bytes(2)
            bench.check(
                data == expected,
                "动态数据",
                "dynamic data",
                expected=expected,
                received=data,
                requirement="PAY-ODA-011",
            )


@SUITE.case(
    "PAY-ODA/results/BV",
    "内部认证置 CVR",
    "INTERNAL AUTHENTICATE shows in the card verification results",
    requirements=["PAY-ODA-012"],
    kind=Kind.VALID,
    expected=("执行后 CVR 4.b2 = 1，未执行时为 0", "CVR 4.b2 is 1 after it and 0 without it"),
)
def results(bench: Bench) -> None:
    """With and without the command."""
    for algorithms in certified_sets(bench.profile):
        for performed in (False, True):
            for visit in _able(bench, DYNAMIC, (algorithms,)):
                if performed:
                    bench.need(
                        internal_authenticate(visit, ddol_values(visit, NUMBERS[0])),
                        "内部认证",
                        "INTERNAL AUTHENTICATE",
                    )
                made = visit.first(ARQC)
                bench.check(
                    made.bit(4, 2) is performed,
                    "CVR 4.b2",
                    "CVR 4.b2",
                    expected=int(performed),
                    received=int(made.bit(4, 2)),
                    requirement="PAY-ODA-012",
                )


@SUITE.case(
    "PAY-ODA/random-number/BV",
    "签名只对自己的随机数有效",
    "A signature holds for its own number alone",
    requirements=["PAY-ODA-013"],
    kind=Kind.VALID,
    expected=(
        "不同随机数的签名不同，且互换后验证失败",
        "signatures over two numbers differ, and neither verifies with the other",
    ),
)
def random_number(bench: Bench) -> None:
    """Within one transaction, so that nothing else differs."""
    for visit in _able(bench, DYNAMIC, certified_sets(bench.profile)):
        key = Chain(visit).card().key
        given = [
            (values := ddol_values(visit, number), expect_signature(visit, values, "PAY-ODA-013")) for number in NUMBERS
        ]
        for values, signature in given:
            for other, _ in given:
                right = _holds(key, signature, other)
                bench.check(
                    right is (other == values),
                    "签名与随机数",
                    "signature and unpredictable number",
                    expected="valid" if other == values else "invalid",
                    received="valid" if right else "invalid",
                    requirement="PAY-ODA-013",
                )


def _holds(key: PublicKey, signature: bytes, values: bytes) -> bool:
    try:
        certificates.dynamic_data(key, signature, values)
    except Unsigned:
        return False
    return True


@SUITE.case(
    "PAY-ODA/any-random-number/BV",
    "任意随机数的动态签名",
    "Dynamic signatures over any unpredictable number",
    requirements=["PAY-ODA-013"],
    kind=Kind.VALID,
    expected=("签名总能用自己的随机数验证", "a signature always verifies with its own number"),
)
def any_random_number(bench: Bench) -> None:
    """Generated numbers, with each set."""
    offered = st.tuples(
        st.sampled_from(able_to(DYNAMIC, certified_sets(bench.profile))), st.binary(min_size=4, max_size=4)
    )

    def body(value: tuple[AlgorithmSet, bytes]) -> None:
        algorithms, unpredictable = value
        visit = started(bench, algorithms)
        values = ddol_values(visit, unpredictable)
        signature = expect_signature(visit, values, "PAY-ODA-013")
        expect_dynamic_data(bench, Chain(visit).card().key, signature, values, "PAY-ODA-013")

    for_all(bench, offered, body)
