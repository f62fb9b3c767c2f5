"""Fast dynamic data authentication fDDA 快速DDA (area PAY-FDD): what the signature covers, 9F69, dynamic data, tampering."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from conformance.actors.terminal import certificates
from conformance.actors.terminal.certificates import PublicKey, Unsigned
from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.failures import Inconclusive
from conformance.payment_answers import (
    COUNTER,
)
from conformance.payment_chain import Chain
from conformance.payment_dialogue import (
    AIP,
    TC,
    Offered,
    declared_objects,
)
from conformance.payment_judging import algorithm_choices, settings
from conformance.payment_reading import Record
from conformance.quick_dialogue import (
    CARD_QUALIFIERS,
    Tap,
    Terminal,
    approving,
    prepared,
    processing,
    qualifiers,
    require,
)
from conformance.suites.payment.quick_spending import with_values
from conformance.targets.base import Interface

SUITE = Suite("fDDA", "快速DDA", "Payment: fast dynamic data authentication", interface=Interface.CONTACTLESS)

SIGNATURE, CARD_DATA, EXTENDED = 0x9F4B, 0x9F69, 0xDF61
UNPREDICTABLE, AMOUNT, CURRENCY = 0x9F37, 0x9F02, 0x5F2A
SIGNED_01 = (UNPREDICTABLE, AMOUNT, CURRENCY)
DYNAMIC = 0x20
CARD_DATA_LENGTH = 8
SEGMENTED_OFFERED = 0x03
"""Bits of DF61 of a card with segmented charge 分段扣费, alone or with pre-authorisation."""
VERIFICATION = qualifiers(online_pin=False, verification=True)


@dataclass(frozen=True)
class Approval:
    """A TC with everything that was read: the signature, the key that must have made it, 9F69."""

    bench: Bench
    tap: Tap
    terminal: Terminal
    records: list[Record]

    @property
    def signature(self) -> bytes:
        """9F4B out of the answer or a record."""
        return self.terminal.objects.get(SIGNATURE, b"")

    @property
    def card_data(self) -> bytes:
        """9F69 out of a record; empty where there is none."""
        found = [each.value for record in self.records for each in record.objects if each.tag == CARD_DATA]
        return found[0] if found else b""

    def key(self) -> PublicKey:
        """The card's key, out of the records."""
        return Chain(self.terminal).card().key

    def values(self, *tags: int) -> bytes:
        """Values that the terminal sent."""
        return b"".join(self.terminal.values[tag] for tag in tags)

    def dynamic_data(self, covered: bytes) -> bytes | None:
        """The dynamic data of a signature over these values; None where it is not over them."""
        try:
            return certificates.dynamic_data(self.key(), self.signature, covered)
        except Unsigned:
            return None

    def check(self, covered: bytes, requirement: str, *, valid: bool = True, words: tuple[str, str] = ("", "")) -> None:
        """Judge whether the signature is right over these values."""
        found = self.dynamic_data(covered) is not None
        self.bench.check(
            found is valid,
            f"fDDA 签名{words[0]}",
            f"signature of fDDA{words[1]}",
            expected="valid" if valid else "invalid",
            received="valid" if found else "invalid",
            requirement=requirement,
        )


def approvals(bench: Bench, *taps: bytes, **offered: Offered) -> Iterator[Approval]:
    """An approval of 0.01 for each of these terminal qualifiers, with each algorithm set that has a certificate."""
    approving(bench)
    with prepared(bench, with_values(bench)):
        for sm in algorithm_choices(bench.profile):
            for ttq in taps:
                yield approval(bench, ttq, sm=sm, **offered)


def approval(bench: Bench, ttq: bytes, **offered: Offered) -> Approval:
    """A whole approved tap of 0.01."""
    terminal = Terminal(bench, **offered)
    tap = require(terminal.tap(1, ttq), TC)
    return Approval(bench, tap, terminal, terminal.records())


VERSION_00, VERSION_01 = qualifiers(version_01=False), qualifiers()


@SUITE.case(
    "PAY-FDD/version-00/BV",
    "fDDA 版本 00",
    "fDDA version 00",
    requirements=["PAY-FDD-001", "PAY-FDD-007"],
    kind=Kind.VALID,
    expected=("TTQ 4.b8 = 0：签名覆盖 9F37；AIP 1.b6 = 1", "TTQ 4.b8 = 0: the signature covers 9F37; AIP 1.b6 is 1"),
)
def version_00(bench: Bench) -> None:
    """Two unpredictable numbers with each algorithm set; the signature of the one is not one of the other."""
    for number in ("A1B2C3D4", "00000001"):
        for made in approvals(bench, VERSION_00, unpredictable=number):
            made.check(made.values(UNPREDICTABLE), "PAY-FDD-001")
            made.check(
                bytes.fromhex("DEADBEEF"), "PAY-FDD-001", valid=False, words=("（另一 9F37）", " over another 9F37")
            )
            profile = made.tap.objects.get(AIP, b"\0")
            bench.check(
                bool(profile[:1] and profile[0] & DYNAMIC),
                "AIP 1.b6",
                "AIP 1.b6",
                expected=1,
                received=profile,
                requirement="PAY-FDD-007",
            )


@SUITE.case(
    "PAY-FDD/version-01/BV",
    "fDDA 版本 01",
    "fDDA version 01",
    requirements=["PAY-FDD-002", "PAY-FDD-008"],
    kind=Kind.VALID,
    expected=(
        "TTQ 4.b8 = 1：签名覆盖 9F37、9F02、5F2A、9F69；改变金额、货币或 9F69 的任一字节后验证失败",
        "TTQ 4.b8 = 1: the signature covers 9F37, 9F02, 5F2A and 9F69; with another amount, currency or any byte of 9F69 it fails",
    ),
)
def version_01(bench: Bench) -> None:
    """The values as sent, and each of them changed."""
    for made in approvals(bench, VERSION_01):
        sent, data = made.values(*SIGNED_01), made.card_data
        made.check(sent + data, "PAY-FDD-002")
        for position in range(len(sent + data)):
            changed = bytearray(sent + data)
            changed[position] ^= 1
            words = (f"（第 {position + 1} 字节改变）", f" with byte {position + 1} changed")
            made.check(bytes(changed), "PAY-FDD-008", valid=False, words=words)
        made.check(made.values(UNPREDICTABLE), "PAY-FDD-008", valid=False, words=("（仅 9F37）", " over 9F37 alone"))


@SUITE.case(
    "PAY-FDD/card-data/BV",
    "卡片认证相关数据 9F69",
    "Card authentication related data 9F69",
    requirements=["PAY-FDD-003", "PAY-FDD-004"],
    kind=Kind.VALID,
    expected=(
        "版本 01 时仅在末记录，8 字节，01 开头，随机数每次不同，第 6–7 字节为本次 9F6C（无则 0000）；版本 00 时没有",
        "with version 01 in the last record alone, 8 bytes from 01 on, a fresh random number, bytes 6 and 7 are 9F6C of the "
        "answer or 0000; none with version 00",
    ),
)
def card_data(bench: Bench) -> None:
    """Several approvals with each algorithm set: one in which the holder signs where the card can, one of version 00."""
    signs = processing(bench, 3, 5)
    seen: set[bytes] = set()
    for made in approvals(bench, VERSION_01, VERSION_01, VERIFICATION if signs else VERSION_01, VERSION_00):
        data, wanted = made.card_data, made.terminal.values[0x9F66][3] & 0x80
        earlier = {each.tag for record in made.records[:-1] for each in record.objects}
        elsewhere = CARD_DATA in earlier | made.tap.objects.keys()
        form = len(data) == CARD_DATA_LENGTH and data[0] == 1 if wanted else not data
        bench.check(
            form and not elsewhere,
            "9F69 的形式和位置",
            "form and place of 9F69",
            expected="01 … in the last record" if wanted else "none",
            received=data.hex().upper() or "none",
            requirement="PAY-FDD-003",
        )
        if not wanted:
            continue
        told = made.tap.objects.get(CARD_QUALIFIERS, b"\0\0")
        bench.check(
            data[1:5] not in seen and data[5:7] == told,
            "9F69 的随机数和 CTQ",
            "random number and qualifiers in 9F69",
            expected=f"a new number, {told.hex().upper()}",
            received=data,
            requirement="PAY-FDD-004",
        )
        seen.add(data[1:5])


@SUITE.case(
    "PAY-FDD/extended/BV",
    "9F69 第 8 字节",
    "Byte 8 of 9F69",
    requirements=["PAY-FDD-005"],
    kind=Kind.VALID,
    expected=(
        "扩展应用交易为 DF61，其他交易为 00（或卡片声明总为 DF61）",
        "DF61 in a transaction of the extended application; in any other 00, or DF61 where the profile declares it",
    ),
)
def extended(bench: Bench) -> None:
    """An ordinary approval; a segmented charge where the card has it."""
    always = settings(bench.profile).extended_indicator_signed == "always"
    own = _extended(bench)
    for made in approvals(bench, VERSION_01):
        _check_indicator(made, own if always and own else b"\0")
    if own and own[0] & SEGMENTED_OFFERED:
        for made in approvals(bench, VERSION_01, extended=b"\x01"):
            _check_indicator(made, own)


def _extended(bench: Bench) -> bytes:
    """DF61 as the card was personalised with it; empty without extended application."""
    return declared_objects(bench.profile).get(f"{EXTENDED:X}", b"")


def _check_indicator(made: Approval, wanted: bytes) -> None:
    if len(made.card_data) != CARD_DATA_LENGTH:
        raise Inconclusive("没有 8 字节的 9F69", "there is no 9F69 of 8 bytes")
    made.bench.check(
        made.card_data[7:] == wanted,
        "9F69 第 8 字节",
        "byte 8 of 9F69",
        expected=wanted,
        received=made.card_data,
        requirement="PAY-FDD-005",
    )


@SUITE.case(
    "PAY-FDD/dynamic-data/BV",
    "动态数据为 02 和 ATC",
    "The dynamic data are 02 and the counter",
    requirements=["PAY-FDD-006", "PAY-QPB-008"],
    kind=Kind.VALID,
    expected=("9F4B 中的动态数据为 02 ‖ 9F36", "the dynamic data in 9F4B are 02 and 9F36 of the answer"),
)
def dynamic_data(bench: Bench) -> None:
    """Both versions with each algorithm set."""
    for made in approvals(bench, VERSION_00, VERSION_01):
        counter = made.tap.objects.get(COUNTER, b"")
        covered = made.values(UNPREDICTABLE)
        if made.terminal.values[0x9F66][3] & 0x80:
            covered = made.values(*SIGNED_01) + made.card_data
        found = made.dynamic_data(covered)
        if found is None:
            raise Inconclusive("fDDA 签名无法验证", "the signature of fDDA does not verify")
        bench.check(
            found == b"\x02" + counter,
            "动态数据",
            "dynamic data",
            expected=b"\x02" + counter,
            received=found,
            requirement="PAY-FDD-006",
        )
        bench.check(
            found[1:] == counter,
            "签名中的 ATC",
            "counter in the signature",
            expected=counter,
            received=found,
            requirement="PAY-QPB-008",
        )
