"""Certificates and signed static data 证书与静态签名 (area PAY-ODA): what a terminal verifies before any command."""

from __future__ import annotations

from conformance.actors.terminal import certificates
from conformance.actors.terminal.certificates import PublicKey
from conformance.actors.terminal.reading import day_of
from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.failures import Inconclusive
from conformance.payment_chain import (
    ACCOUNT,
    CARD_CERTIFICATE,
    CARD_EXPONENT,
    CARD_REMAINDER,
    ISSUER_CERTIFICATE,
    ISSUER_EXPONENT,
    ISSUER_REMAINDER,
    ONLY_PROFILE,
    TAG_LIST,
    Chain,
    visits,
)
from conformance.payment_dialogue import AIP, DDOL, Visit
from emulator.crypto import CryptoError
from emulator.crypto.rsa import RsaPublicKey
from emulator.iso7816 import TlvError, tlv

SUITE = Suite(
    "payment certificates", "公钥证书与静态数据认证", "Payment: certificates and signed static data", as_issued=True
)

STATIC, DYNAMIC, COMBINED = 0x40, 0x20, 0x01
"""Bits of byte 1 of the AIP."""
EXPIRY, UNPREDICTABLE = 0x5F24, 0x9F37
LONGEST_KEY = 248
EXPONENTS = (b"\x03", b"\x01\x00\x01")
LENGTH_IN_ISSUER, LENGTH_IN_CARD = 13, 19
"""Where the length of the key stands in the recovered certificates 90 and 9F46."""
ROOM_OF_ISSUER, ROOM_OF_CARD = 36, 42
"""Bytes of a certificate that hold no part of the key (JR/T 0025.7 §5)."""


def profile_byte(visit: Visit) -> int:
    """Byte 1 of the AIP."""
    return visit.objects.get(AIP, b"\0")[0]


def _account(visit: Visit) -> str:
    return visit.objects.get(ACCOUNT, b"").hex().rstrip("f")


@SUITE.case(
    "PAY-ODA/issuer-certificate/BV",
    "RSA 发卡行公钥证书可恢复",
    "The RSA issuer certificate recovers",
    requirements=["PAY-ODA-001"],
    kind=Kind.VALID,
    expected=(
        "6A 02 … BC，SHA-1 哈希一致，余项与指数吻合",
        "6A 02 … BC with the right SHA-1; remainder and exponent fit",
    ),
)
def issuer_certificate(bench: Bench) -> None:
    """Over each list of files of the RSA set: recovered with the key of the test authority that 8F names."""
    for visit in visits(bench, "RSA"):
        Chain(visit).issuer("PAY-ODA-001")


@SUITE.case(
    "PAY-ODA/issuer-number/BV",
    "证书中的发卡行标识与主账号一致",
    "The issuer number of the certificate begins the account number",
    requirements=["PAY-ODA-002"],
    kind=Kind.VALID,
    expected=("3 至 8 位数字，为 5A 的开头", "3 to 8 digits with which 5A begins"),
)
def issuer_number(bench: Bench) -> None:
    """RSA and SM2."""
    for visit in visits(bench):
        subject = Chain(visit).issuer().subject
        bench.check(
            certificates.is_of_account(subject, _account(visit)),
            "发卡行标识",
            "issuer identification number",
            expected=_account(visit)[:8],
            received=subject,
            requirement="PAY-ODA-002",
        )


@SUITE.case(
    "PAY-ODA/validity/BV",
    "发卡行证书有效期覆盖应用有效期",
    "The issuer certificate outlasts the application",
    requirements=["PAY-ODA-003"],
    kind=Kind.VALID,
    expected=(
        "证书月末不早于交易日期和 5F24",
        "the end of its month is neither before the transaction date nor before 5F24",
    ),
)
def validity(bench: Bench) -> None:
    """A terminal takes a certificate until the end of its month."""
    for visit in visits(bench):
        expiry = Chain(visit).issuer().expiry
        application = day_of(visit.objects.get(EXPIRY, b""))
        today = day_of(visit.values[0x9A])
        if application is None or today is None:
            raise Inconclusive("5F24 不是日期", "5F24 is no date")
        for zh, en, day in (("交易日期", "transaction date", today), ("5F24", "5F24", application)):
            bench.check(
                not certificates.is_expired(expiry, day),
                f"发卡行证书有效期与{zh}",
                f"expiry of the issuer certificate and {en}",
                expected=f"≥ {day:%m%y}",
                received=expiry,
                requirement="PAY-ODA-003",
            )


@SUITE.case(
    "PAY-ODA/static-signature/BV",
    "RSA 静态签名数据可恢复",
    "The RSA signed static data recover",
    requirements=["PAY-ODA-004"],
    kind=Kind.VALID,
    expected=(
        "6A 03 … BC，哈希覆盖全部认证记录和 AIP",
        "6A 03 … BC, the hash over all authenticated records and the AIP",
    ),
)
def static_signature(bench: Bench) -> None:
    """Static data are those of the very list of files, so each list is tried."""
    for visit in visits(bench, "RSA"):
        if profile_byte(visit) & STATIC:
            Chain(visit).code("PAY-ODA-004")


@SUITE.case(
    "PAY-ODA/tag-list/BV",
    "静态数据认证标签列表仅含 82",
    "The static data authentication tag list holds 82 alone",
    requirements=["PAY-ODA-005"],
    kind=Kind.VALID,
    expected=("9F4A = 82", "9F4A = 82"),
)
def tag_list(bench: Bench) -> None:
    """Anything else makes static and dynamic authentication fail."""
    for visit in visits(bench):
        listed = visit.objects.get(TAG_LIST)
        bench.check(
            listed in (None, ONLY_PROFILE), "9F4A", "9F4A", expected="82", received=listed, requirement="PAY-ODA-005"
        )


def check_card_certificate(visit: Visit, requirement: str) -> None:
    """9F46: recovered or verified, with the account number of 5A, and not over on the transaction date."""
    found = Chain(visit).card(requirement)
    visit.bench.check(
        found.subject.hex().rstrip("f") == _account(visit),
        "IC 卡证书中的主账号",
        "account number in the card certificate",
        expected=_account(visit),
        received=found.subject.hex().rstrip("f"),
        requirement=requirement,
    )
    today = day_of(visit.values[0x9A])
    visit.bench.check(
        today is not None and not certificates.is_expired(found.expiry, today),
        "IC 卡证书有效期",
        "expiry of the card certificate",
        expected=f"≥ {today:%m%y}" if today else "",
        received=found.expiry,
        requirement=requirement,
    )


@SUITE.case(
    "PAY-ODA/card-certificate/BV",
    "RSA IC 卡公钥证书可恢复",
    "The RSA card certificate recovers",
    requirements=["PAY-ODA-006"],
    kind=Kind.VALID,
    expected=(
        "6A 04 … BC，主账号等于 5A，未过期，哈希覆盖静态数据",
        "6A 04 … BC, account number of 5A, not expired, the hash over the static data",
    ),
)
def card_certificate(bench: Bench) -> None:
    """Over each list of files of the RSA set."""
    for visit in visits(bench, "RSA"):
        check_card_certificate(visit, "PAY-ODA-006")


def _told(signer: PublicKey, certificate: bytes, at: int) -> int:
    """The length of the key that a certificate tells at this place, whether or not its hash is right."""
    try:
        block = signer.recover(certificate) if isinstance(signer, RsaPublicKey) else b""
    except CryptoError as problem:
        raise Inconclusive("证书无法恢复", f"the certificate does not recover: {problem}") from problem
    if len(block) <= at:
        raise Inconclusive("证书链不是 RSA", "the certificates are not of RSA")
    return block[at]


def _sizes(visit: Visit) -> tuple[int, int]:
    """Bytes of the keys of authority and issuer."""
    authority = Chain(visit).authority().key
    issuer = _told(authority, Chain(visit).object(ISSUER_CERTIFICATE), LENGTH_IN_ISSUER)
    return len(Chain(visit).object(ISSUER_CERTIFICATE)), issuer


def _card_size(visit: Visit) -> int:
    return _told(Chain(visit).issuer().key, Chain(visit).object(CARD_CERTIFICATE), LENGTH_IN_CARD)


@SUITE.case(
    "PAY-ODA/key-lengths/BV",
    "RSA 密钥长度与指数",
    "Lengths and exponents of the RSA keys",
    requirements=["PAY-ODA-007"],
    kind=Kind.VALID,
    expected=("NIC ≤ NI ≤ NCA ≤ 248，指数为 3 或 65537", "NIC ≤ NI ≤ NCA ≤ 248, exponents 3 or 65537"),
)
def key_lengths(bench: Bench) -> None:
    """The lengths that the certificates tell, the exponents of the records."""
    for visit in visits(bench, "RSA"):
        for tag in (ISSUER_EXPONENT, CARD_EXPONENT):
            exponent = Chain(visit).object(tag, "PAY-ODA-007")
            bench.check(
                exponent in EXPONENTS,
                f"公钥指数 {tag:X}",
                f"exponent {tag:X}",
                expected="03 / 010001",
                received=exponent,
                requirement="PAY-ODA-007",
            )
        sizes = [_card_size(visit), *reversed(_sizes(visit))]
        bench.check(
            sizes == sorted(sizes) and sizes[-1] <= LONGEST_KEY,
            "密钥长度",
            "key lengths",
            expected="NIC ≤ NI ≤ NCA ≤ 248",
            received=" ".join(map(str, sizes)),
            requirement="PAY-ODA-007",
        )


def _check_remainder(visit: Visit, tag: int, needed: bool) -> None:
    visit.bench.check(
        (tag in visit.objects) is needed,
        f"余项 {tag:X} 的存在",
        f"presence of the remainder {tag:X}",
        expected="present" if needed else "absent",
        received="present" if tag in visit.objects else "absent",
        requirement="PAY-ODA-008",
    )


@SUITE.case(
    "PAY-ODA/remainders/BV",
    "公钥余项仅在需要时存在",
    "Remainders exist just where they are needed",
    requirements=["PAY-ODA-008"],
    kind=Kind.VALID,
    expected=(
        "NI > NCA−36 时有 92，NIC > NI−42 时有 9F48",
        "92 where NI > NCA−36, 9F48 where NIC > NI−42, and only there",
    ),
)
def remainders(bench: Bench) -> None:
    """An empty remainder counts as one."""
    for visit in visits(bench, "RSA"):
        authority, issuer = _sizes(visit)
        _check_remainder(visit, ISSUER_REMAINDER, issuer > authority - ROOM_OF_ISSUER)
        _check_remainder(visit, CARD_REMAINDER, _card_size(visit) > issuer - ROOM_OF_CARD)


@SUITE.case(
    "PAY-ODA/ddol/BV",
    "DDOL 含不可预知数",
    "The DDOL asks for the unpredictable number",
    requirements=["PAY-ODA-009"],
    kind=Kind.VALID,
    expected=("9F49 含 9F3704", "9F49 contains 9F37 04"),
)
def ddol(bench: Bench) -> None:
    """A card without 9F49 takes the terminal's list, which has it."""
    for visit in visits(bench):
        raw = visit.objects.get(DDOL, bytes.fromhex("9F3704"))
        try:
            listed = tuple(tlv.parse_tags_and_lengths(raw))
        except TlvError:
            listed = ()
        bench.check(
            (UNPREDICTABLE, 4) in listed, "DDOL", "DDOL", expected="9F3704", received=raw, requirement="PAY-ODA-009"
        )


@SUITE.case(
    "PAY-ODA/records/BV",
    "参与认证的记录均为模板 70",
    "Records that are authenticated are templates 70",
    requirements=["PAY-ODA-019"],
    kind=Kind.VALID,
    expected=("AFL 第 4 字节所列的每条记录为 70", "each record that byte 4 of an AFL entry counts is a template 70"),
)
def signed_records(bench: Bench) -> None:
    """One template, and nothing behind it."""
    for visit in visits(bench):
        for entry in visit.entries:
            for number in range(entry.first, entry.first + entry.signed):
                record = visit.read_record(entry.sfi, number).data
                try:
                    tags = [each.tag for each in tlv.parse(record)]
                except TlvError:
                    tags = []
                bench.check(
                    tags == [0x70],
                    f"SFI {entry.sfi} 记录 {number}",
                    f"record {number} of SFI {entry.sfi}",
                    expected="70",
                    received=" ".join(f"{tag:X}" for tag in tags) or record[:8],
                    requirement="PAY-ODA-019",
                )


@SUITE.case(
    "PAY-ODA/methods/BV",
    "不应仅支持静态数据认证",
    "Static authentication is not the only method",
    requirements=["PAY-ODA-020"],
    kind=Kind.VALID,
    expected=("AIP b7 = 1 时 b6 或 b1 = 1", "where bit 7 of the AIP is set, bit 6 or 1 is set too"),
)
def methods(bench: Bench) -> None:
    """The AIP of each list of files."""
    for visit in visits(bench):
        functions = profile_byte(visit)
        bench.check(
            not functions & STATIC or bool(functions & (DYNAMIC | COMBINED)),
            "AIP 中的认证方法",
            "methods in the AIP",
            expected="b7 ⇒ b6 / b1",
            received=f"{functions:02X}",
            requirement="PAY-ODA-020",
        )
