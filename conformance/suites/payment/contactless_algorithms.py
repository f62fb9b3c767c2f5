"""Algorithm sets and certificates through the antenna 非接触算法选择与证书 (areas PAY-SMA and PAY-ODA): qPBOC."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.actors.terminal import certificates
from conformance.actors.terminal.certificates import Unsigned
from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Body, Case, Kind, Suite
from conformance.failures import Inconclusive
from conformance.payment_answers import (
    Cryptogram,
)
from conformance.payment_chain import ACCOUNT, SIGNATURE, Chain, asks_for, sets_of
from conformance.payment_dialogue import (
    Visit,
)
from conformance.payment_readings import RULES
from conformance.quick_dialogue import approving, prepared
from conformance.suites.payment.algorithms import check_set
from conformance.targets.base import Interface
from emulator.crypto import Algorithm
from emulator.iso7816 import SW
from profiles.algorithm_sets import AlgorithmSet, algorithm_sets
from profiles.applications import payment_directory
from profiles.model import Profile, Text

SUITE = Suite(
    "payment contactless algorithms",
    "非接触算法集选择",
    "Payment: choice of algorithms through the antenna",
    interface=Interface.CONTACTLESS,
)

REFUSED = Expectation((SW.CONDITIONS_OF_USE_NOT_SATISFIED,))
QUICK_00 = bytes.fromhex("26000000")
"""TTQ: qPBOC, online PIN and signature, fDDA version 00."""
FIRST_TC = 0x90
"""Byte 2 of the card verification results of a TC."""


@SUITE.case(
    "PAY-SMA/alone-contactless/BI",
    "单 SM 卡在 qPBOC 中拒绝 DF69 = 00",
    "A card with SM alone refuses DF69 = 00 in qPBOC",
    requirements=["PAY-SMA-004"],
    kind=Kind.INVALID,
    expected=("DF69 = 00 应答 6985，01 应答 9000", "6985 for DF69 = 00, 9000 for 01"),
)
def alone(bench: Bench) -> None:
    """The terminal goes to another interface then."""
    for asked, expected in ((False, REFUSED), (True, GOOD)):
        visit = Visit(bench, sm=asked, amount=0, qualifiers=QUICK_00).open()
        bench.expect(
            visit.send_begin(), expected, f"DF69 = {asked:02d}", f"DF69 = {asked:02d}", requirement="PAY-SMA-004"
        )


def _tapped(bench: Bench, algorithms: AlgorithmSet) -> tuple[Visit, Cryptogram]:
    """A quick transaction of no money that the card approves, its records read."""
    visit = Visit(bench, sm=asks_for(algorithms), amount=0, qualifiers=QUICK_00).open()
    answer = bench.need(visit.send_begin(), "qPBOC 初始化", "GET PROCESSING OPTIONS of qPBOC")
    made = Cryptogram.read(answer)
    if made.results[0] != FIRST_TC:
        raise Inconclusive("qPBOC 交易未脱机批准", "the quick transaction was not approved offline")
    visit.counter = made.counter
    return visit.read(), made


def _check_quick(bench: Bench, *, sm: bool, requirement: str) -> None:
    """Certificates, 9F10, cryptogram and signature of the set that DF69 asks for."""
    approving(bench)
    with prepared(bench):
        for algorithms in sets_of(bench.profile, algorithm="SM4" if sm else "3DES"):
            visit, made = _tapped(bench, algorithms)
            check_set(visit, made, algorithms.algorithm, requirement)
            expected = visit.expected(made)
            bench.check(
                made.value == expected,
                "应用密文",
                "cryptogram",
                expected=expected,
                received=made.value,
                requirement=RULES[Algorithm(algorithms.algorithm)].mac,
            )
            signature = visit.objects.get(SIGNATURE, b"")
            try:
                certificates.dynamic_data(Chain(visit).card().key, signature, visit.values[0x9F37])
                told = "valid"
            except Unsigned as problem:
                told = str(problem)
            bench.check(
                told == "valid",
                "fDDA 签名用该算法集的密钥",
                "the signature of fDDA is made with the key of the set",
                expected="valid",
                received=told,
                requirement=requirement,
            )


@SUITE.case(
    "PAY-SMA/chosen-contactless/BV",
    "qPBOC 中 DF69 = 01 选择国密算法",
    "DF69 = 01 chooses the SM algorithms in qPBOC",
    requirements=["PAY-SMA-001", "PAY-SMA-013"],
    kind=Kind.VALID,
    expected=(
        "SM2 证书与签名，9F10 第 8 字节 04，SM4 密文",
        "SM2 certificates and signature, 04 in 9F10, a cryptogram of SM4",
    ),
)
def chosen(bench: Bench) -> None:
    """A transaction of no money, approved offline."""
    _check_quick(bench, sm=True, requirement="PAY-SMA-001")


@SUITE.case(
    "PAY-SMA/not-chosen-contactless/BV",
    "qPBOC 中 DF69 = 00 选择 RSA 与 3DES",
    "DF69 = 00 chooses RSA and triple DES in qPBOC",
    requirements=["PAY-SMA-002"],
    kind=Kind.VALID,
    expected=(
        "RSA 证书与签名，9F10 第 8 字节 01，3DES 密文",
        "RSA certificates and signature, 01 in 9F10, a cryptogram of 3DES",
    ),
)
def not_chosen(bench: Bench) -> None:
    """The same without SM."""
    _check_quick(bench, sm=False, requirement="PAY-SMA-002")


# The certificates that a quick transaction shows


def _certificates(bench: Bench, algorithms: AlgorithmSet, issuer: str, card: str) -> None:
    approving(bench)
    with prepared(bench):
        visit, _ = _tapped(bench, algorithms)
    chain = Chain(visit)
    chain.issuer(issuer)
    found = chain.card(card)
    account = visit.objects.get(ACCOUNT, b"").hex().rstrip("f")
    bench.check(
        found.subject.hex().rstrip("f") == account,
        "IC 卡证书中的主账号",
        "account number in the card certificate",
        expected=account,
        received=found.subject.hex().rstrip("f"),
        requirement=card,
    )


CERTIFICATES = {"RSA": ("PAY-ODA", "PAY-ODA-001", "PAY-ODA-006"), "SM2": ("PAY-SMA", "PAY-SMA-005", "PAY-SMA-007")}
"""Area, and the requirements on the certificates of issuer and card, by their scheme."""


def _of_set(algorithms: AlgorithmSet, issuer: str, card: str) -> Body:
    return lambda bench: _certificates(bench, algorithms, issuer, card)


@SUITE.cases_from
def certificate_cases(profile: Profile) -> Iterator[Case]:
    """The list of files of qPBOC is another one than those of the contacts, with static data of its own."""
    name = payment_directory(profile)
    for algorithms in algorithm_sets(profile, name) if name else ():
        if algorithms.certification is None or "qPBOC" not in algorithms.path:
            continue
        scheme = algorithms.certification.scheme
        area, issuer, card = CERTIFICATES[scheme]
        yield Case(
            identifier=f"{area}/certificates-contactless/BV",
            title=Text(zh=f"qPBOC 的 {scheme} 证书可验证", en=f"The {scheme} certificates of qPBOC verify"),
            requirements=(issuer, card),
            kind=Kind.VALID,
            expected=Text(
                zh="发卡行与 IC 卡证书有效，主账号等于 5A",
                en="certificates of issuer and card hold, the account number is that of 5A",
            ),
            body=_of_set(algorithms, issuer, card),
            interface=Interface.CONTACTLESS,
        )
