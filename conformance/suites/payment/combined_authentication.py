"""Combined data authentication 复合动态数据认证 (areas PAY-ODA and PAY-SMA): signed cryptograms, and all signatures of a card together."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from hypothesis import strategies as st

from conformance.actors.terminal import certificates
from conformance.actors.terminal.certificates import PublicKey, SignedCryptogram, Unsigned
from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.failures import Inconclusive
from conformance.payment_answers import (
    FORMAT_2,
    ISSUER_DATA,
    Cryptogram,
    objects_of,
)
from conformance.payment_chain import (
    SIGNATURE,
    Chain,
    Combined,
    CombinedVisit,
    answered,
    asks_for,
    certified_sets,
    ddol_values,
    sets_of,
    started,
)
from conformance.payment_dialogue import (
    AAC,
    APPROVED,
    ARQC,
    DECLINED,
    SIGNED,
    TC,
    Visit,
)
from conformance.payment_judging import settings, settled
from conformance.properties import for_all
from conformance.suites.payment.dynamic_authentication import (
    COMBINED,
    DYNAMIC,
    NUMBERS,
    SHORT_SM2,
    able_to,
    expect_dynamic_data,
    expect_signature,
)
from profiles.algorithm_sets import AlgorithmSet

SUITE = Suite("payment combined authentication", "复合动态数据认证", "Payment: combined data authentication")

CID, COUNTER = 0x9F27, 0x9F36
SM3_SIZE = 32
SM2_DYNAMIC = 44
"""Bytes of the dynamic data: length, counter, CID, cryptogram, SM3."""


def combined(bench: Bench, algorithms: AlgorithmSet) -> tuple[CombinedVisit, PublicKey]:
    """A transaction in which cryptograms will be signed, and the card's key."""
    visit = started(bench, algorithms)
    return CombinedVisit(visit), Chain(visit).card().key


def able_to_combine(bench: Bench) -> tuple[AlgorithmSet, ...]:
    """The sets whose transactions on the contacts announce CDA."""
    return able_to(COMBINED, certified_sets(bench.profile))


def _opened(bench: Bench, given: Combined, key: PublicKey, visit: Visit, requirement: str) -> SignedCryptogram:
    """The content of the signature, which must be right."""
    try:
        return given.signed(key, visit.values[0x9F37])
    except Unsigned as problem:
        bench.check(
            False,
            "复合签名 9F4B 验证失败",
            "9F4B of the cryptogram does not verify",
            expected="valid",
            received=str(problem),
            requirement=requirement,
        )
        raise Inconclusive("复合签名无法验证", str(problem)) from problem


def _signed_answers(
    bench: Bench, algorithms: AlgorithmSet, requirement: str
) -> Iterator[tuple[Visit, Combined, PublicKey]]:
    """Signed cryptograms of each kind: ARQC, the TC that the bank approves, and a TC of the card alone."""
    for kind in (ARQC, TC):
        if kind == TC:
            settled(bench, sm=asks_for(algorithms))
        transaction, key = combined(bench, algorithms)
        visit = transaction.visit
        first = transaction.generate(kind)
        yield visit, first, key
        if first.made.kind == ARQC and kind == ARQC:
            visit.first_cryptogram = _opened(bench, first, key, visit, requirement).value
            answered(visit, APPROVED)
            visit.values[0x8A] = APPROVED.encode("ascii")
            second = transaction.generate(TC, second=True)
            if second.made.kind == TC:
                yield visit, second, key


@SUITE.case(
    "PAY-ODA/combined-answer/BV",
    "复合认证应答的格式",
    "Form of a signed cryptogram",
    requirements=["PAY-ODA-014"],
    kind=Kind.VALID,
    expected=("77{9F27, 9F36, 9F4B, 9F10}，无 9F26", "77{9F27, 9F36, 9F4B, 9F10} without 9F26"),
)
def combined_answer(bench: Bench) -> None:
    """ARQC and TC, the first and the second cryptogram."""
    for algorithms in able_to_combine(bench):
        for _, given, _ in _signed_answers(bench, algorithms, "PAY-ODA-014"):
            found = set(objects_of(given.answer, FORMAT_2))
            bench.check(
                found | {ISSUER_DATA} == {CID, COUNTER, SIGNATURE, ISSUER_DATA},
                "应答中的数据元",
                "objects of the answer",
                expected="9F27 9F36 9F4B [9F10]",
                received=" ".join(f"{tag:X}" for tag in sorted(found)) or given.answer[:2],
                requirement="PAY-ODA-014",
            )


def check_hash(bench: Bench, given: Combined, key: PublicKey, visit: Visit, requirement: str) -> SignedCryptogram:
    """The signature verifies, its CID is the one in plain, its hash covers what was exchanged."""
    signed = _opened(bench, given, key, visit, requirement)
    expected = certificates.transaction_hash(key, given.covered)
    bench.check(
        hmac.compare_digest(signed.digest, expected),
        "交易数据哈希",
        "hash of the transaction data",
        expected=expected,
        received=signed.digest,
        requirement=requirement,
    )
    bench.check(
        signed.cid == bytes((given.made.cid,)) and signed.number == given.made.counter,
        "签名中的 CID 与 ATC",
        "cryptogram information and counter in the signature",
        expected=bytes((given.made.cid,)) + given.made.counter,
        received=signed.cid + signed.number,
        requirement=requirement,
    )
    return signed


@SUITE.case(
    "PAY-ODA/combined-hash/BV",
    "复合签名的交易数据哈希",
    "The hash of a signed cryptogram",
    requirements=["PAY-ODA-015"],
    kind=Kind.VALID,
    expected=(
        "依次覆盖 PDOL、CDOL1、（第二次）CDOL2 数据和应答数据元",
        "it covers the values of PDOL, CDOL1, at the second also CDOL2, and the objects of the answer, in this order",
    ),
)
def combined_hash(bench: Bench) -> None:
    """First and second GENERATE AC, RSA with SHA-1 and SM2 with SM3."""
    for algorithms in able_to_combine(bench):
        for visit, given, key in _signed_answers(bench, algorithms, "PAY-ODA-015"):
            check_hash(bench, given, key, visit, "PAY-ODA-015")


@SUITE.case(
    "PAY-SMA/combined/BV",
    "SM2 复合动态数据",
    "Dynamic data of a cryptogram signed with SM2",
    requirements=["PAY-SMA-009"],
    kind=Kind.VALID,
    expected=("02 ATC CID AC SM3（32 字节）", "02, counter, CID, cryptogram, SM3 of 32 bytes"),
)
def sm2_combined(bench: Bench) -> None:
    """44 bytes of dynamic data; whether the unpredictable number stands in plain behind them is a setting."""
    carried = 4 if settings(bench.profile).cda_carries_unpredictable_number else 0
    for algorithms in able_to(COMBINED, sets_of(bench.profile, scheme="SM2")):
        for visit, given, key in _signed_answers(bench, algorithms, "PAY-SMA-009"):
            signed = check_hash(bench, given, key, visit, "PAY-SMA-009")
            raw = objects_of(given.answer, FORMAT_2).get(SIGNATURE, b"")
            bench.check(
                len(signed.digest) == SM3_SIZE and len(raw) == SHORT_SM2 + SM2_DYNAMIC + carried,
                "动态数据长度",
                "lengths of hash and signature",
                expected=f"32, {SHORT_SM2 + SM2_DYNAMIC + carried}",
                received=f"{len(signed.digest)}, {len(raw)}",
                requirement="PAY-SMA-009",
            )


@SUITE.case(
    "PAY-ODA/combined-results/BV",
    "复合认证在计算密文前置 CVR",
    "Combined authentication shows in the CVR before the cryptogram is computed",
    requirements=["PAY-ODA-016"],
    kind=Kind.VALID,
    expected=(
        "CVR 4.b2 = 1，签名中的密文按此 CVR 计算",
        "CVR 4.b2 is 1, and the cryptogram in the signature is made with it",
    ),
)
def combined_results(bench: Bench) -> None:
    """The bank computes the cryptogram that the signature holds."""
    for algorithms in able_to_combine(bench):
        for visit, given, key in _signed_answers(bench, algorithms, "PAY-ODA-016"):
            bench.check(given.made.bit(4, 2), "CVR 4.b2", "CVR 4.b2", expected=1, received=0, requirement="PAY-ODA-016")
            expected = visit.expected(given.made)
            value = _opened(bench, given, key, visit, "PAY-ODA-016").value
            bench.check(
                value == expected,
                "签名中的应用密文",
                "cryptogram in the signature",
                expected=expected,
                received=value,
                requirement="PAY-ODA-016",
            )


def _check_unsigned(bench: Bench, made: Cryptogram, kind: int | None, requirement: str) -> None:
    """An answer in the ordinary form."""
    if kind is not None:
        bench.check(
            made.kind == kind,
            "密文类型",
            "kind of cryptogram",
            expected=f"{kind:02X}",
            received=made.cid,
            requirement=requirement,
        )
    bench.check(
        SIGNATURE not in made.objects and len(made.value) == 8,
        "无签名，密文为明文",
        "no signature, the cryptogram in plain",
        expected="80 … / 77{9F26 …}",
        received=f"{made.template:02X} " + " ".join(f"{tag:X}" for tag in made.objects),
        requirement=requirement,
    )


@SUITE.case(
    "PAY-ODA/declined/BV",
    "AAC 不签名",
    "An AAC is never signed",
    requirements=["PAY-ODA-017"],
    kind=Kind.VALID,
    expected=("请求复合签名而应答 AAC 时无 9F4B", "an AAC in answer to a request with signature carries no 9F4B"),
)
def declined(bench: Bench) -> None:
    """The first cryptogram, the second one, and a TC that the card itself lowers where it has e-cash."""
    for algorithms in able_to_combine(bench):
        given = CombinedVisit(started(bench, algorithms)).generate(AAC)
        _check_unsigned(bench, given.made, AAC, "PAY-ODA-017")
        visit = started(bench, algorithms)
        visit.first(ARQC)
        answered(visit, DECLINED)
        second = visit.second(AAC, DECLINED, signed=True)
        _check_unsigned(bench, second, AAC, "PAY-ODA-017")
        if "e-cash" in algorithms.path:
            settled(bench, sm=asks_for(algorithms))
            visit = started(bench, algorithms, e_cash=True)
            lowered = CombinedVisit(visit.offer(amount=200)).generate(TC)
            if lowered.made.kind == AAC:
                _check_unsigned(bench, lowered.made, AAC, "PAY-ODA-017")


@SUITE.case(
    "PAY-ODA/without-combined/BV",
    "不支持复合认证的卡不签名",
    "A card without combined authentication does not sign",
    requirements=["PAY-ODA-018"],
    kind=Kind.VALID,
    expected=("P1 b5 = 1 时按普通格式应答", "the ordinary answer to P1 with bit 5"),
)
def without_combined(bench: Bench) -> None:
    """ARQC and AAC."""
    for algorithms in sets_of(bench.profile):
        if algorithms.path["ordinary"].aip[0] & COMBINED:
            continue
        for kind in (ARQC, AAC):
            visit = started(bench, algorithms)
            answer = bench.expect(
                visit.send_generate(kind | SIGNED, visit.filled(0x8C)),
                GOOD,
                "请求复合签名",
                "request for a signature",
                requirement="PAY-ODA-018",
            )
            _check_unsigned(bench, Cryptogram.read(answer), None, "PAY-ODA-018")


# Any values, and all signatures of a card


@SUITE.case(
    "PAY-ODA/combined-any-values/BV",
    "任意终端数据的复合签名",
    "Signed cryptograms over any terminal values",
    requirements=["PAY-ODA-015"],
    kind=Kind.VALID,
    expected=("复合签名与哈希总能验证", "signature and hash always verify"),
)
def any_values(bench: Bench) -> None:
    """Generated amounts, terminal verification results and unpredictable numbers, with each set."""
    offered = st.tuples(
        st.sampled_from(able_to_combine(bench)),
        st.integers(0, 999_999_999_999),
        st.binary(min_size=5, max_size=5),
        st.binary(min_size=4, max_size=4),
    )

    def body(value: tuple[AlgorithmSet, int, bytes, bytes]) -> None:
        algorithms, asked, found, unpredictable = value
        transaction, key = combined(bench, algorithms)
        transaction.visit.offer(amount=asked, results=found, unpredictable=unpredictable)
        check_hash(bench, transaction.generate(ARQC), key, transaction.visit, "PAY-ODA-015")

    for_all(bench, offered, body)


@SUITE.case(
    "PAY-SMA/identity/BV",
    "所有 SM2 签名使用默认标识",
    "All SM2 signatures use the default identity",
    requirements=["PAY-SMA-010"],
    kind=Kind.VALID,
    expected=(
        "ENTLA 0080、标识 1234567812345678 下全部签名有效",
        "with length 0080 and identity 1234567812345678 every signature verifies",
    ),
)
def identity(bench: Bench) -> None:
    """Certificates, static, dynamic and combined signature; the terminal knows no other identity."""
    for algorithms in sets_of(bench.profile, scheme="SM2"):
        visit = started(bench, algorithms)
        chain = Chain(visit)
        chain.issuer("PAY-SMA-010")
        functions = algorithms.path["ordinary"].aip[0]
        if functions & 0x40:
            chain.code("PAY-SMA-010")
        key = chain.card("PAY-SMA-010").key
        if functions & DYNAMIC:
            values = ddol_values(visit, NUMBERS[0])
            expect_dynamic_data(bench, key, expect_signature(visit, values, "PAY-SMA-010"), values, "PAY-SMA-010")
        if functions & COMBINED:
            _opened(bench, CombinedVisit(visit).generate(ARQC), key, visit, "PAY-SMA-010")
