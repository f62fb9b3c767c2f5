"""Extended application 扩展应用 (area PAY-CAP): what the card announces, reads out and proves."""

from __future__ import annotations

from dataclasses import replace

from conformance.actors.sector import messages
from conformance.actors.terminal.dol import tags_of
from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Loss, Suite
from conformance.extended_dialogue import (
    BOTH_KINDS,
    EXTENDED,
    NOBODY,
    PRE_AUTHORISATION,
    RESPONSE_MAC,
    SEGMENTED,
    Place,
    Ride,
    cyclic_sfi,
    kept,
    settings,
)
from conformance.failures import NotApplicable
from conformance.payment_answers import (
    objects_of,
)
from conformance.payment_dialogue import (
    PDOL,
)
from conformance.targets.base import Interface
from emulator.iso7816 import SW

SUITE = Suite(
    "extended application reading",
    "扩展应用读取",
    "Payment: extended application, reading",
    interface=Interface.CONTACTLESS,
)

TRANSACTION_INDICATOR = 0xDF60
KINDS = (0x01, 0x02)
NO_FILE_SFI = (0x13, 0x14, 0x1C, 0x1D)
"""Short identifiers that JR/T 0025.14 reserves."""
SPARE = 3
"""Records that a card needs so that one can be locked for good."""


@SUITE.case(
    "PAY-CAP/announced/BV",
    "FCI 中的 DF61 与 PDOL 中的 DF60",
    "DF61 in the FCI and DF60 in the PDOL",
    requirements=["PAY-CAP-001", "PAY-CAP-002"],
    kind=Kind.VALID,
    expected=(
        "BF0C 含 DF61，取值 01 或 02（b8 表示 R-MAC），PDOL 含 DF60",
        "BF0C has DF61, 01 or 02 beside bit 8 for R-MAC, and the PDOL asks for DF60",
    ),
)
def announced(bench: Bench) -> None:
    """SELECT through the antenna."""
    ride = Ride(bench)
    answer = bench.need(ride.send_select(), "选择金融应用", "SELECT of the payment application")
    value = objects_of(answer.data, 0x6F, 0xA5, 0xBF0C).get(EXTENDED, b"")
    bench.check(
        len(value) == 1 and value[0] & ~RESPONSE_MAC in KINDS,
        "DF61 的取值",
        "value of DF61",
        expected="01, 02, 81, 82",
        received=value,
        requirement="PAY-CAP-002",
        go_on=True,
    )
    asked = tags_of(ride.objects.get(PDOL, b""))
    bench.check(
        TRANSACTION_INDICATOR in asked,
        "PDOL 含 DF60",
        "the PDOL asks for DF60",
        expected="DF60",
        received=", ".join(f"{tag:X}" for tag in sorted(asked)),
        requirement="PAY-CAP-001",
    )


@SUITE.case(
    "PAY-CAP/offered/BV",
    "卡片按 DF61 提供交易种类",
    "The card offers what DF61 says",
    requirements=["PAY-CAP-002"],
    kind=Kind.VALID,
    expected=(
        "分段扣费可用；预授权仅在 DF61 b2 时可用",
        "segmented charge works, pre-authorisation where DF61 has bit 2 alone",
    ),
)
def offered(bench: Bench) -> None:
    """A free segmented charge, and the beginning of a pre-authorisation of nothing."""
    ride = Ride(bench).open()
    value = objects_of(ride.send_select().data, 0x6F, 0xA5, 0xBF0C).get(EXTENDED, b"\0")
    answer = ride.send_start(SEGMENTED, 0, ride.first_place)
    bench.expect(answer, GOOD, "分段扣费", "segmented charge", requirement="PAY-CAP-002")
    answer = ride.send_start(PRE_AUTHORISATION, 0, ride.first_place)
    offers = bool(value[:1] and value[0] & BOTH_KINDS)
    bench.check(
        (answer.sw == SW.SUCCESS) is offers,
        "预授权",
        "pre-authorisation",
        expected="9000" if offers else "refusal",
        received=f"{answer.sw:04X}",
        requirement="PAY-CAP-002",
    )


@SUITE.case(
    "PAY-CAP/read/BV",
    "按记录 ID 读取",
    "Read by identifier",
    requirements=["PAY-CAP-003"],
    kind=Kind.VALID,
    expected=(
        "每条声明的记录均返回，ID 与长度一致",
        "each declared record comes, with its identifier and the length that it tells",
    ),
)
def read(bench: Bench) -> None:
    """Every record that the profile declares; what they hold may have been used since."""
    ride = Ride(bench).open()
    for place in ride.places:
        answer = bench.expect(
            ride.send_look(place), GOOD, "读扩展应用数据", "READ CAPP DATA", requirement="PAY-CAP-003"
        )
        whole = len(answer.data) > 2 and answer.data[2] == len(answer.data) - 3
        bench.check(
            answer.data[:2] == place.identifier and whole,
            "记录的 ID 和长度",
            "identifier and length of the record",
            expected=place.identifier.hex().upper(),
            received=answer.data,
            requirement="PAY-CAP-003",
        )


def _wrong_places(ride: Ride) -> list[tuple[Place, int, str, str]]:
    """Places that READ CAPP DATA must refuse, with the status word."""
    first = ride.first_place
    taken = {file.short_identifier for file in ride.application.file.values()}
    free = next(sfi for sfi in NO_FILE_SFI if sfi not in taken)
    found = [
        (replace(first, sfi=free), SW.FILE_NOT_FOUND, "无此文件", "no such file"),
        (replace(first, identifier=NOBODY), SW.RECORD_NOT_FOUND, "无此记录 ID", "no such identifier"),
    ]
    cyclic = cyclic_sfi(ride.bench.profile)
    if cyclic is not None:
        other = replace(first, sfi=cyclic)
        found.append((other, SW.INCOMPATIBLE_WITH_FILE_STRUCTURE, "循环文件", "the cyclic file"))
    return found


@SUITE.case(
    "PAY-CAP/read-refused/BI",
    "读取不存在的文件、记录，以及非变长记录文件",
    "Files and identifiers that are not there, and a file of another structure",
    requirements=["PAY-CAP-004"],
    kind=Kind.INVALID,
    expected=("6A82、6A83、6981", "6A82, 6A83 and 6981"),
)
def refused(bench: Bench) -> None:
    """One fault at a time; a record must still be read afterwards."""
    ride = Ride(bench).open()
    for place, sw, zh, en in _wrong_places(ride):
        bench.expect(ride.send_look(place), sw, zh, en, requirement="PAY-CAP-004")
    bench.expect(ride.send_look(ride.first_place), GOOD, "仍可读取", "still readable", requirement="PAY-CAP-003")


@SUITE.case(
    "PAY-CAP/read-response-mac/BV",
    "读取响应的 R-MAC",
    "R-MAC of what is read",
    requirements=["PAY-CAP-005"],
    kind=Kind.VALID,
    expected=(
        "记录后 4 字节为以终端随机数为初始向量的 MAC",
        "four bytes follow: MAC with the terminal's random number as initial vector",
    ),
)
def response_mac(bench: Bench) -> None:
    """Two random numbers give two MACs; the key is that of the sector for this card."""
    ride = Ride(bench).open()
    place = ride.first_place
    for _ in range(2):
        random = bench.random.randbytes(messages.RANDOM_SIZE)
        record = ride.look(place).to_bytes()
        answer = bench.expect(
            ride.send_look(place, random),
            GOOD,
            "带随机数读取",
            "READ CAPP DATA with a random number",
            requirement="PAY-CAP-005",
        )
        ride.start()
        expected = messages.response_mac(place.keys, ride.management_key(place), random, record)
        bench.check(
            answer.data == record + expected,
            "记录和 R-MAC",
            "record and R-MAC",
            expected=record + expected,
            received=answer.data,
            requirement="PAY-CAP-005",
        )


@SUITE.case(
    "PAY-CAP/proof/BV",
    "取交易证明",
    "Proof of a transaction",
    requirements=["PAY-CAP-029"],
    kind=Kind.VALID,
    expected=(
        "以该交易的 ATC 返回其 TC，其他 ATC 以及未完成的交易为 9406",
        "the TC for the counter of the transaction; 9406 for others and for one that was not finished",
    ),
)
def proof(bench: Bench) -> None:
    """After a free passage, after a reset, with other counters, and while the next passage is under way."""
    ride = Ride(bench).open()
    with kept(ride):
        made = ride.whole(SEGMENTED, 0, ride.first_place)
        for when in (("交易后", "after the transaction"), ("复位后", "after a reset")):
            answer = bench.expect(ride.prove(made.counter), GOOD, *when, requirement="PAY-CAP-029")
            bench.check(
                answer.data == made.value,
                "交易证书",
                "certificate",
                expected=made.value,
                received=answer.data,
                requirement="PAY-CAP-029",
            )
            ride.come_back()
        other = bytes((made.counter[0] ^ 0x80, made.counter[1]))
        unavailable = Expectation((SW.MAC_UNAVAILABLE,))
        bench.expect(ride.prove(other), unavailable, "其他 ATC", "another counter", requirement="PAY-CAP-029")
        later = ride.start()
        ride.read_but_last()
        bench.expect(
            ride.prove(later.counter), unavailable, "未完成的交易", "a transaction under way", requirement="PAY-CAP-029"
        )


@SUITE.case(
    "PAY-CAP/locked/BI",
    "锁定的记录",
    "A locked record",
    requirements=["PAY-CAP-031"],
    kind=Kind.INVALID,
    destructive=True,
    loss=Loss.PART,
    expected=("读取和更新均为 9407", "9407 to reading and to updating"),
)
def locked(bench: Bench) -> None:
    """Byte 6 becomes 1 by an update; the profile may declare another status word."""
    ride = Ride(bench).open()
    place, sw = ride.places[-1], Expectation((int(settings(bench.profile).extended_forbidden_answer, 16),))
    if len(ride.places) < SPARE:
        raise NotApplicable("没有可供锁定的记录", "the card has no record to spare")
    shut = replace(ride.look(place), lock=1)
    ride.whole(SEGMENTED, 0, place, shut)
    bench.expect(
        ride.send_look(place), sw, "读取锁定记录", "READ CAPP DATA of it", requirement="PAY-CAP-031", go_on=True
    )
    ride.start()
    bench.expect(
        ride.send_update(place, replace(shut, lock=0)),
        sw,
        "更新锁定记录",
        "UPDATE CAPP DATA CACHE of it",
        requirement="PAY-CAP-031",
    )
