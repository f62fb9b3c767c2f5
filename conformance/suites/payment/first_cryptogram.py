"""The first cryptogram 第一个应用密文 (area PAY-GAC): the form of the answer, and what the cryptogram is made of."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.actors.bank.issuer_data import ALGORITHMS
from conformance.actors.bank.keys import VERSION_01_INPUT
from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.payment_answers import (
    COUNTER,
    FORMAT_1,
    ISSUER_DATA,
    Cryptogram,
)
from conformance.payment_dialogue import (
    AAC,
    ARQC,
    CDOL1,
    DECLINED,
    OFFLINE_APPROVED,
    OFFLINE_DECLINED,
    TC,
    Visit,
    declared_objects,
    get_data,
)
from conformance.payment_history import abroad
from conformance.payment_judging import algorithm_choices, name_of, next_one
from emulator.iso7816 import tlv

SUITE = Suite("payment first cryptogram", "金融应用第一个密文", "Payment: the first cryptogram")

LONGEST_ISSUER_DATA = 32
CRYPTOGRAM_LENGTH = 8
NO_SECOND = 0x80


def cryptograms(bench: Bench, requirement: str) -> Iterator[tuple[Visit, Cryptogram]]:
    """Cryptograms of every kind, with each set of algorithms: ARQC and TC of an approval, then TC and AAC of the card alone."""
    for sm in algorithm_choices(bench.profile):
        visit = Visit(bench, sm=sm).open().begin()
        yield visit, visit.first(ARQC, requirement=requirement)
        visit.send_authenticate()
        yield visit, visit.second(TC, requirement=requirement)
        for kind in (TC, AAC):
            bench.step(f"请求 {name_of(kind)}", f"{name_of(kind)} requested")
            yield visit, next_one(visit, kind, requirement)


@SUITE.case(
    "PAY-GAC/format/BV",
    "应答格式 1",
    "Answer in format 1",
    requirements=["PAY-GAC-001"],
    kind=Kind.VALID,
    expected=("80 {CID 1, ATC 2, AC 8, 9F10}", "80 {CID 1, ATC 2, AC 8, 9F10}"),
)
def form(bench: Bench) -> None:
    """Every kind; the counter in it is the one that GET DATA reads."""
    for visit, made in cryptograms(bench, "PAY-GAC-001"):
        lengths = (len(made.counter), len(made.value), len(made.issuer_data) > 0)
        bench.check(
            made.template == FORMAT_1 and lengths == (2, CRYPTOGRAM_LENGTH, True),
            "应答格式",
            "form of the answer",
            expected=f"80: 1 + 2 + {CRYPTOGRAM_LENGTH} + n",
            received=f"{made.template:02X}: 1 + {lengths[0]} + {lengths[1]} + {len(made.issuer_data)}",
            requirement="PAY-GAC-001",
        )
        bench.check(
            (counter := get_data(visit.bench, COUNTER)) == made.counter,
            "应答中的 ATC",
            "transaction counter of the answer",
            expected=counter or "—",
            received=made.counter,
            requirement="PAY-GAC-001",
        )


@SUITE.case(
    "PAY-GAC/issuer-data/BV",
    "发卡行应用数据 9F10",
    "Issuer application data 9F10",
    requirements=["PAY-GAC-002", "PAY-GAC-039"],
    kind=Kind.VALID,
    expected=(
        "07、声明的 DKI 和 CVN、03 CVR、算法，至多 32 字节；IDD 长度字节正确",
        "07, the declared key index and version, 03 and CVR, algorithm, at most 32 bytes; right length of the IDD",
    ),
)
def issuer_data(bench: Bench) -> None:
    """Every kind of cryptogram, the second one too."""
    declared = declared_objects(bench.profile).get(f"{ISSUER_DATA:X}", b"")
    for visit, made in cryptograms(bench, "PAY-GAC-002"):
        data = made.issuer_data
        bench.check(
            data[8] == len(data) - 9 > 0 if len(data) > 8 else len(data) == len(declared) == 8,
            "IDD 长度字节",
            "length byte of the issuer discretionary data",
            expected=f"{max(len(data) - 9, 1):02X}" if len(declared) > 8 else "—",
            received=data[8:9] or "—",
            requirement="PAY-GAC-039",
            go_on=True,
        )
        algorithm = ALGORITHMS.get(data[7]) if len(data) > 7 else None
        bench.check(
            data[:1] + data[3:4] == b"\x07\x03"
            and data[1:3] == declared[1:3]
            and algorithm is visit.issuer.algorithm
            and len(data) <= LONGEST_ISSUER_DATA,
            "9F10 的结构",
            "structure of 9F10",
            expected=f"07 {declared[1:3].hex().upper()} 03 … {visit.issuer.algorithm.value}, ≤ {LONGEST_ISSUER_DATA}",
            received=data or "—",
            requirement="PAY-GAC-002",
        )


@SUITE.case(
    "PAY-GAC/type/BV",
    "CID 与 CVR 的密文类型一致",
    "Cryptogram information and CVR agree on the kind",
    requirements=["PAY-GAC-003"],
    kind=Kind.VALID,
    expected=("CID b8–b7 等于 CVR 2.b6–b5；CVR 2.b8–b7 为 10", "CID b8–b7 equals CVR 2.b6–b5; CVR 2.b8–b7 is 10"),
)
def kind_in_results(bench: Bench) -> None:
    """Every kind."""
    visit = Visit(bench)
    for kind in (ARQC, TC, AAC):
        made = next_one(visit, kind, "PAY-GAC-003")
        expected = NO_SECOND | made.kind >> 2
        bench.check(
            made.has_results and (made.results[0] & 0xF0) == expected,
            "CVR 字节 2 高四位",
            "high half of CVR byte 2",
            expected=f"{expected:02X}",
            received=made.issuer_data or "—",
            requirement="PAY-GAC-003",
        )
        if kind == ARQC:
            visit.send_authenticate()
            visit.second(TC)


@SUITE.case(
    "PAY-GAC/reserved/BV",
    "CID 保留位与保留类型",
    "Reserved bits and kinds of the cryptogram information",
    requirements=["PAY-GAC-040"],
    kind=Kind.VALID,
    expected=("CID b6–b5 为 00，b8–b7 不为 11", "CID b6–b5 are 00, b8–b7 never 11"),
)
def reserved(bench: Bench) -> None:
    """Every kind, the second cryptogram, a decline, and a failed issuer authentication."""
    for _, made in cryptograms(bench, "PAY-GAC-040"):
        _check_reserved(bench, made)
    visit = Visit(bench)
    for code, kind in ((DECLINED, AAC), (OFFLINE_APPROVED, TC), (OFFLINE_DECLINED, AAC)):
        visit.open().begin()
        _check_reserved(bench, visit.first(ARQC))
        if code == DECLINED:
            visit.send_authenticate(code, wrong=True)
        _check_reserved(bench, visit.second(kind, code))


def _check_reserved(bench: Bench, made: Cryptogram) -> None:
    bench.check(
        not made.cid & 0x30 and made.cid >> 6 != 3,
        "CID",
        "cryptogram information",
        expected="00/01/10 00 …",
        received=f"{made.cid:08b}",
        requirement="PAY-GAC-040",
    )


@SUITE.case(
    "PAY-GAC/value/BV",
    "应用密文正确",
    "The cryptogram is right",
    requirements=["PAY-GAC-004"],
    kind=Kind.VALID,
    expected=("与重新计算的密文相等", "equal to the one computed anew"),
)
def value(bench: Bench) -> None:
    """Every kind, with ordinary values and with random ones."""
    for visit, made in cryptograms(bench, "PAY-GAC-004"):
        _check_value(bench, visit, made)
        if made.kind != AAC:
            continue
        ordinary, chance = dict(visit.values), bench.random
        visit.offer(amount=chance.randrange(10**12), other_amount=chance.randrange(10**12), date="270228", kind="01")
        visit.open().begin(results=chance.randbytes(5), unpredictable=chance.randbytes(4), country="0840")
        _check_value(bench, visit, visit.first(AAC, requirement="PAY-GAC-004"))
        visit.values = ordinary


def _check_value(bench: Bench, visit: Visit, made: Cryptogram) -> None:
    expected = visit.expected(made)
    bench.check(
        made.value == expected != b"",
        "应用密文",
        "application cryptogram",
        expected=expected or "9F10 07 … 03 …",
        received=made.value or "—",
        requirement="PAY-GAC-004",
    )


@SUITE.case(
    "PAY-GAC/coverage/BV",
    "应用密文覆盖每个输入字节",
    "The cryptogram covers every byte of its input",
    requirements=["PAY-GAC-005"],
    kind=Kind.VALID,
    expected=("每改变一个字节，密文都不同", "another cryptogram for every byte that is changed"),
)
def coverage(bench: Bench) -> None:
    """From the first state of the card each time, so that counter and results are the same."""
    visit, values = _first_request(bench)
    plain = _made(bench, visit, values)
    covered = {tag for tag, _ in VERSION_01_INPUT}
    position = 0
    for tag, length in tlv.parse_tags_and_lengths(visit.objects[CDOL1]):
        for place in range(position, position + length) if tag in covered else ():
            changed = values[:place] + bytes((values[place] ^ 0x01,)) + values[place + 1 :]
            visit, _ = _first_request(bench)
            made = _made(bench, visit, changed)
            bench.check(
                len(made.value) == CRYPTOGRAM_LENGTH and made.value != plain.value,
                f"{tag:X} 第 {place - position + 1} 字节不同时的密文",
                f"cryptogram with another byte {place - position + 1} of {tag:X}",
                expected=f"≠ {plain.value.hex().upper()}",
                received=made.value or "—",
                requirement="PAY-GAC-005",
            )
        position += length


def _first_request(bench: Bench) -> tuple[Visit, bytes]:
    """A renewed card's first transaction, and the values that its CDOL1 asks for.

    Abroad no limit of amounts is looked at, so that no amount changes the results.
    """
    bench.renew()
    visit = Visit(bench, **abroad(bench)).open().begin().read()
    values = visit.filled(CDOL1)
    return visit, values


def _made(bench: Bench, visit: Visit, values: bytes) -> Cryptogram:
    answer = bench.need(visit.send_generate(ARQC, values), "生成应用密文", "GENERATE AC")
    return Cryptogram.read(answer)
