"""The contactless environment and the data of the contactless application 非接触界面 (areas PAY-SEL and PAY-GDT)."""

from __future__ import annotations

from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.failures import Inconclusive
from conformance.payment_answers import (
    objects_of,
)
from conformance.payment_dialogue import (
    PDOL,
    Visit,
    declared_objects,
)
from conformance.payment_reading import PPSE, expect_not_available, expect_object, tags_and_lengths, template
from conformance.targets.base import Interface

SUITE = Suite("payment contactless", "金融应用非接触界面", "Payment: contactless side", interface=Interface.CONTACTLESS)

AVAILABLE, QUALIFIERS = 0x9F5D, 0x9F66
NAME_LENGTHS = (7, 8)
PERSONALISED = b"\x01"


def _entries(data: bytes) -> list[dict[int, bytes]]:
    """The entries 61 of an answer of SELECT PPSE, each by tag."""
    whole = template(data, 0x6F)
    found = whole.find(0xA5, 0xBF0C) if whole else None
    return [objects_of(each.value) for each in found.children if each.tag == 0x61] if found else []


def _listed(bench: Bench) -> list[dict[int, bytes]]:
    """The same, on the way to what a case judges."""
    answer = bench.need(Visit(bench).send_select(PPSE), "选择PPSE", "SELECT of the PPSE")
    entries = _entries(answer.data)
    if not entries:
        raise Inconclusive("PPSE 没有入口", "the PPSE lists no application")
    return entries


@SUITE.case(
    "PAY-SEL/proximity-environment/BV",
    "选择 PPSE",
    "SELECT of the PPSE",
    requirements=["PAY-SEL-015"],
    kind=Kind.VALID,
    expected=("9000；BF0C 含至少一个 61{4F}", "9000; at least one 61 with 4F in BF0C"),
)
def proximity_environment(bench: Bench) -> None:
    """Through the antenna."""
    response = bench.expect(Visit(bench).send_select(PPSE), GOOD, "选择PPSE", "SELECT PPSE", requirement="PAY-SEL-015")
    entries = _entries(response.data)
    bench.check(
        bool(entries) and all(entry.get(0x4F) for entry in entries),
        "PPSE 的入口",
        "entries of the PPSE",
        expected="6F{84, A5{BF0C{61{4F …}…}}}",
        received=response.data,
        requirement="PAY-SEL-015",
    )


@SUITE.case(
    "PAY-SEL/proximity-names/BV",
    "PPSE 的 AID",
    "AIDs of the PPSE",
    requirements=["PAY-SEL-016"],
    kind=Kind.VALID,
    expected=("每个 4F 为 7 或 8 字节，均可选择", "every 4F has 7 or 8 bytes and can be selected"),
)
def proximity_names(bench: Bench) -> None:
    """Each of them as the terminal would."""
    for entry in _listed(bench):
        name = entry.get(0x4F, b"")
        shown = name.hex().upper()
        bench.check(
            len(name) in NAME_LENGTHS,
            "AID 长度",
            "length of the AID",
            expected="7 / 8",
            received=len(name),
            requirement="PAY-SEL-016",
        )
        bench.expect(
            Visit(bench).send_select(name), GOOD, f"选择 {shown}", f"SELECT {shown}", requirement="PAY-SEL-016"
        )


@SUITE.case(
    "PAY-SEL/proximity-priorities/BV",
    "PPSE 的优先指示器",
    "Priorities in the PPSE",
    requirements=["PAY-SEL-017"],
    kind=Kind.VALID,
    expected=("每个入口有 87，值为 00 至 0F", "87 in each entry, with a value of 00 to 0F"),
)
def proximity_priorities(bench: Bench) -> None:
    """Bits 8 to 5 are zero: there is no confirmation at a contactless terminal."""
    for entry in _listed(bench):
        found = entry.get(0x87, b"")
        bench.check(
            len(found) == 1 and found[0] <= 0x0F,
            "优先指示器",
            "priority",
            expected="87 01 00–0F",
            received=found,
            requirement="PAY-SEL-017",
        )


@SUITE.case(
    "PAY-SEL/qualifiers/BV",
    "非接触 PDOL 含 9F66",
    "Terminal qualifiers in the contactless PDOL",
    requirements=["PAY-SEL-018"],
    kind=Kind.VALID,
    expected=("9F38 含 9F66，长度 04", "9F38 lists 9F66 with length 04"),
)
def qualifiers(bench: Bench) -> None:
    """In the file control information that the antenna gives."""
    asked = Visit(bench).open().objects.get(PDOL, b"")
    bench.check(
        (QUALIFIERS, 4) in tags_and_lengths(asked),
        "PDOL 中的 9F66",
        "9F66 in the PDOL",
        expected="9F6604",
        received=asked,
        requirement="PAY-SEL-018",
    )


@SUITE.case(
    "PAY-GDT/available-amount/BV",
    "可用脱机消费金额",
    "Available offline amount",
    requirements=["PAY-GDT-008"],
    kind=Kind.VALID,
    expected=("个人化为 1：9000，6 字节；否则 6A88", "personalised with 1: 9000 with six bytes; otherwise 6A88"),
)
def available_amount(bench: Bench) -> None:
    """As the profile says that 9F5D was personalised."""
    Visit(bench).open()
    if declared_objects(bench.profile).get(f"{AVAILABLE:X}") == PERSONALISED:
        expect_object(bench, AVAILABLE, "PAY-GDT-008", 6)
    else:
        expect_not_available(bench, AVAILABLE, "PAY-GDT-008")
