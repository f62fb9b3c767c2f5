"""SM2 certificates and signed static data 国密证书与静态签名 (area PAY-SMA)."""

from __future__ import annotations

from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.payment_chain import CARD_CERTIFICATE, ISSUER_CERTIFICATE, SIGNED_STATIC, Chain, visits
from conformance.payment_dialogue import Visit
from conformance.suites.payment.certificates import STATIC, check_card_certificate, profile_byte

SUITE = Suite(
    "SM2 certificates", "国密公钥证书与静态数据认证", "Payment: SM2 certificates and signed static data", as_issued=True
)

SM2_IDENTIFIERS = bytes.fromhex("04001140")
SM2_LENGTHS = {ISSUER_CERTIFICATE: (142, 10), SIGNED_STATIC: (67, 0), CARD_CERTIFICATE: (148, 16)}
"""Length of the object, and where its algorithm identifiers begin."""


def _check_length(visit: Visit, tag: int, requirement: str) -> bytes:
    value = Chain(visit).object(tag, requirement)
    length, _ = SM2_LENGTHS[tag]
    visit.bench.check(
        len(value) == length,
        f"{tag:X} 的长度",
        f"length of {tag:X}",
        expected=length,
        received=len(value),
        requirement=requirement,
    )
    return value


@SUITE.case(
    "PAY-SMA/issuer-certificate/BV",
    "SM2 发卡行公钥证书可验证",
    "The SM2 issuer certificate verifies",
    requirements=["PAY-SMA-005"],
    kind=Kind.VALID,
    expected=("142 字节，12 …，签名有效", "142 bytes that begin with 12 and a signature that verifies"),
)
def sm2_issuer_certificate(bench: Bench) -> None:
    """With the key of the test authority that 8F names; the key in it lies on the curve."""
    for visit in visits(bench, "SM2"):
        _check_length(visit, ISSUER_CERTIFICATE, "PAY-SMA-005")
        Chain(visit).issuer("PAY-SMA-005")


@SUITE.case(
    "PAY-SMA/static-signature/BV",
    "SM2 静态签名数据可验证",
    "The SM2 signed static data verify",
    requirements=["PAY-SMA-006"],
    kind=Kind.VALID,
    expected=(
        "67 字节，13 …，签名覆盖 13、DAC 和静态数据",
        "67 bytes; the signature covers 13, the code and the static data",
    ),
)
def sm2_static_signature(bench: Bench) -> None:
    """Over each list of files of the SM set."""
    for visit in visits(bench, "SM2"):
        if profile_byte(visit) & STATIC:
            _check_length(visit, SIGNED_STATIC, "PAY-SMA-006")
            Chain(visit).code("PAY-SMA-006")


@SUITE.case(
    "PAY-SMA/card-certificate/BV",
    "SM2 IC 卡公钥证书可验证",
    "The SM2 card certificate verifies",
    requirements=["PAY-SMA-007"],
    kind=Kind.VALID,
    expected=(
        "148 字节，14 …，签名覆盖前九个字段和静态数据，主账号等于 5A",
        "148 bytes; the signature covers nine fields and the static data; the account number is that of 5A",
    ),
)
def sm2_card_certificate(bench: Bench) -> None:
    """Over each list of files of the SM set."""
    for visit in visits(bench, "SM2"):
        _check_length(visit, CARD_CERTIFICATE, "PAY-SMA-007")
        check_card_certificate(visit, "PAY-SMA-007")


@SUITE.case(
    "PAY-SMA/identifiers/BV",
    "SM2 证书的算法标识",
    "Algorithm identifiers of the SM2 certificates",
    requirements=["PAY-SMA-017"],
    kind=Kind.VALID,
    expected=("90 和 9F46 中均为 04 00 11 40", "04 00 11 40 in 90 and in 9F46"),
)
def sm2_identifiers(bench: Bench) -> None:
    """Signature SM2 with SM3, no encryption, curve of SM2, 64 bytes of key."""
    for visit in visits(bench, "SM2"):
        for tag in (ISSUER_CERTIFICATE, CARD_CERTIFICATE):
            _, at = SM2_LENGTHS[tag]
            found = Chain(visit).object(tag, "PAY-SMA-017")[at : at + len(SM2_IDENTIFIERS)]
            bench.check(
                found == SM2_IDENTIFIERS,
                f"{tag:X} 的算法标识",
                f"algorithm identifiers of {tag:X}",
                expected=SM2_IDENTIFIERS,
                received=found,
                requirement="PAY-SMA-017",
            )
