"""Records behind an approval of qPBOC (area PAY-QPB): no object twice, the last record, where the signature stands."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.failures import NotApplicable
from conformance.payment_dialogue import (
    AFL,
    TC,
)
from conformance.payment_judging import algorithm_choices
from conformance.payment_reading import Record
from conformance.quick_dialogue import (
    AVAILABLE,
    Tap,
    Terminal,
    approving,
    declared,
    prepared,
    processing,
    qualifiers,
    require,
)
from conformance.suites.payment.quick_answers import tags
from conformance.targets.base import Interface
from profiles.algorithm_sets import algorithm_sets
from profiles.applications import payment_directory
from profiles.payment_keys import rsa_test_keys

SUITE = Suite("qPBOC records", "qPBOC 记录", "Payment: qPBOC records", interface=Interface.CONTACTLESS)

SIGNATURE, EXPIRY, AUTHORISATION_CODE, CARD_DATA = 0x9F4B, 0x5F24, 0x9F74, 0x9F69
LONGEST_LAST_RECORD, LARGEST_LIST, SHORT_KEY = 32, 16, 1024


@SUITE.case(
    "PAY-QPB/once/BV",
    "数据元不重复返回",
    "No data object comes twice",
    requirements=["PAY-QPB-044"],
    kind=Kind.VALID,
    expected=("应答中的数据元不在 AFL 的任何记录中", "no object of the answer stands in a record of the AFL"),
)
def once(bench: Bench) -> None:
    """An approval with each algorithm set and each version of fDDA."""
    for tap, records, _ in approvals(bench):
        twice = {each.tag for record in records for each in record.objects} & tap.objects.keys()
        bench.check(
            not twice,
            "重复的数据元",
            "objects that come twice",
            expected="none",
            received=" ".join(f"{tag:X}" for tag in sorted(twice)) or "none",
            requirement="PAY-QPB-044",
        )


def approvals(bench: Bench) -> Iterator[tuple[Tap, list[Record], Terminal]]:
    """An approval and its records, with each algorithm set and each version of fDDA."""
    approving(bench)
    with prepared(bench):
        for sm in algorithm_choices(bench.profile):
            for version_01 in (True, False):
                terminal = Terminal(bench, sm=sm)
                tap = require(terminal.tap(1, qualifiers(version_01=version_01)), TC)
                yield tap, terminal.records(), terminal


@SUITE.case(
    "PAY-QPB/last-record/BV",
    "AFL 的最后一条记录",
    "The last record of the AFL",
    requirements=["PAY-QPB-045", "PAY-QPB-046", "PAY-QPB-047"],
    kind=Kind.VALID,
    expected=(
        "模板 70 内至多 32 字节；仅 9F74（fDDA 01 时还有 9F69）；没有 5F24",
        "at most 32 bytes in 70; 9F74 alone, with fDDA 01 9F69 too; no 5F24",
    ),
)
def last_record(bench: Bench) -> None:
    """An approval with each algorithm set and each version of fDDA."""
    for _, records, _ in approvals(bench):
        objects = records[-1].objects
        length = sum(len(each.to_bytes()) for each in objects)
        found = {each.tag for each in objects}
        told = " ".join(f"{each.tag:X}" for each in objects) or "—"
        bench.check(
            0 < length <= LONGEST_LAST_RECORD,
            "末记录的长度",
            "length of the last record",
            expected=f"1 to {LONGEST_LAST_RECORD}",
            received=length,
            requirement="PAY-QPB-045",
        )
        bench.check(
            EXPIRY not in found, "失效日期", "expiry date", expected="no 5F24", received=told, requirement="PAY-QPB-047"
        )
        bench.check(
            found <= {AUTHORISATION_CODE, CARD_DATA},
            "末记录的内容",
            "content of the last record",
            expected="9F74, 9F69",
            received=told,
            requirement="PAY-QPB-046",
            go_on=True,
        )


@SUITE.case(
    "PAY-QPB/signature-place/BV",
    "签名的位置",
    "Where the signature stands",
    requirements=["PAY-QPB-048", "PAY-QPB-049"],
    kind=Kind.VALID,
    expected=(
        "RSA 1024 位以内：应答含 9F4B，AFL 至多 4 项；大于 1024 位：9F4B 与 9F5D 只在记录中",
        "RSA up to 1024 bits: 9F4B in the answer and at most 4 entries; above: 9F4B and 9F5D in a record alone",
    ),
)
def signature_place(bench: Bench) -> None:
    """An approval of the RSA set with each version of fDDA."""
    bits = _rsa_bits(bench)
    for tap, records, terminal in approvals(bench):
        if terminal.values[0xDF69] == b"\x01" and len(algorithm_choices(bench.profile)) > 1:
            continue
        inside = {each.tag for record in records for each in record.objects}
        if bits <= SHORT_KEY:
            length = len(tap.objects.get(AFL, b""))
            bench.check(
                0 < length <= LARGEST_LIST,
                "AFL 长度",
                "length of the AFL",
                expected=f"up to {LARGEST_LIST}",
                received=length,
                requirement="PAY-QPB-048",
            )
            continue
        moving = {SIGNATURE, AVAILABLE} if declared(bench, AVAILABLE) and processing(bench, 1, 1) else {SIGNATURE}
        bench.check(
            moving <= inside and not moving & tap.objects.keys(),
            "9F4B 与 9F5D 的位置",
            "place of 9F4B and 9F5D",
            expected="in a record alone",
            received=f"answer: {tags(tap)}; records: {' '.join(f'{tag:X}' for tag in sorted(moving & inside)) or '—'}",
            requirement="PAY-QPB-049",
        )


def _rsa_bits(bench: Bench) -> int:
    """The length of the card's RSA key; not applicable where it has none."""
    name = payment_directory(bench.profile)
    for each in algorithm_sets(bench.profile, name) if name else ():
        if each.certification is not None and each.certification.scheme == "RSA":
            key = rsa_test_keys(each.certification.authority_bits).card
            return (key.p * key.q).bit_length()
    raise NotApplicable("卡片没有 RSA 公钥", "the card has no RSA key")
