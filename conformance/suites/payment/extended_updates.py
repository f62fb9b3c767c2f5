"""Extended application 扩展应用 (area PAY-CAP): records that change with the debit, and records that the bank opens."""

from __future__ import annotations

from dataclasses import replace

from conformance.actors.sector import SectorRecord, messages
from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Loss, Suite
from conformance.extended_dialogue import (
    NOBODY,
    SEGMENTED,
    Place,
    Ride,
    altered,
    append_of,
    at_the_bank,
    kept,
    sum_of,
)
from conformance.failures import NotApplicable
from conformance.payment_dialogue import BALANCE, application
from conformance.targets.base import Interface
from emulator.iso7816 import SW

SUITE = Suite(
    "extended application updates",
    "扩展应用更新",
    "Payment: extended application, updating",
    interface=Interface.CONTACTLESS,
)

REFUSED = Expectation((SW.CONDITIONS_OF_USE_NOT_SATISFIED,))
PRICE = 100
OWN = bytes.fromhex("0A0B")
OWN_DATA = bytes(12)
LONGEST_CAPACITY = 64
BETWEEN = (
    ("80CA9F3600", "GET DATA"),
    ("00B2011400", "READ RECORD"),
)


@SUITE.case(
    "PAY-CAP/update-place/BO",
    "更新命令的前置命令",
    "Where an update may come",
    requirements=["PAY-CAP-006"],
    kind=Kind.INOPPORTUNE,
    expected=(
        "仅可紧随 GPO 或另一条更新命令，否则 6985",
        "only straight after GPO or another update, otherwise 6985",
    ),
)
def place_of_update(bench: Bench) -> None:
    """Two updates in a row are taken; with a command between, or outside a transaction, they are refused."""
    ride = Ride(bench).open()
    place = ride.first_place
    record = ride.look(place)
    for command, name in BETWEEN:
        ride.start()
        ride.update(place, record)
        answer = ride.send_update(place, record)
        bench.expect(answer, GOOD, "连续更新", "two updates in a row", requirement="PAY-CAP-006")
        bench.send(command)
        bench.expect(
            ride.send_update(place, record), REFUSED, f"{name} 之后", f"after {name}", requirement="PAY-CAP-006"
        )
    outside = ride.update_of(place, record)
    ride.open()
    bench.expect(bench.send(outside), REFUSED, "未开始交易", "outside a transaction", requirement="PAY-CAP-006")


@SUITE.case(
    "PAY-CAP/update-mac/BI",
    "更新命令的 MAC",
    "MAC of an update",
    requirements=["PAY-CAP-007", "PAY-CAP-013"],
    kind=Kind.INVALID,
    expected=(
        "错误 MAC 被拒绝且不缓存；初始向量为 00⁶‖ATC 的 MAC 被接受",
        "a wrong MAC is refused and caches nothing; one with 00⁶ ‖ ATC as vector is accepted",
    ),
)
def mac_of_update(bench: Bench) -> None:
    """A wrong bit, the vector of the transaction before, then the right one; what was refused must not be there."""
    ride = Ride(bench).open()
    place = ride.first_place
    with kept(ride):
        old = ride.look(place)
        new = altered(old)
        ride.start()
        _refuse(bench, ride.send_update(place, new, wrong=True).sw, "错误的 MAC", "a wrong bit")
        ride.finish()
        ride.start()
        before = (int.from_bytes(ride.counter, "big") - 1).to_bytes(2, "big")
        _refuse(
            bench, bench.send(ride.update_of(place, new, counter=before)).sw, "上一 ATC 的 MAC", "the counter before"
        )
        ride.finish()
        now = ride.come_back().look(place)
        bench.check(
            now == old,
            "记录不变",
            "the record is as before",
            expected=old.to_bytes(),
            received=now.to_bytes(),
            requirement="PAY-CAP-007",
        )
        ride.start()
        answer = ride.send_update(place, old)
        bench.expect(answer, GOOD, "初始向量为 00⁶‖ATC", "the vector 00⁶ ‖ ATC", requirement="PAY-CAP-013")


def _refuse(bench: Bench, sw: int, zh: str, en: str) -> None:
    bench.check(sw != SW.SUCCESS, zh, en, expected="refusal", received=f"{sw:04X}", requirement="PAY-CAP-007")


@SUITE.case(
    "PAY-CAP/update-length/BI",
    "更新数据的长度和记录 ID",
    "Length and identifier of an update",
    requirements=["PAY-CAP-008"],
    kind=Kind.INVALID,
    expected=("过长 6A84，过短 6A80，无此 ID 6A83", "6A84 longer, 6A80 shorter, 6A83 for an unknown identifier"),
)
def length_of_update(bench: Bench) -> None:
    """One fault at a time, each with its right MAC."""
    ride = Ride(bench).open()
    place = ride.first_place
    record = ride.look(place)
    for changed, sw, zh, en in (
        (record.with_data(record.data + b"\0"), SW.NOT_ENOUGH_MEMORY, "过长", "one byte longer"),
        (record.with_data(record.data[:-1]), SW.WRONG_DATA, "过短", "one byte shorter"),
        (replace(record, identifier=NOBODY), SW.RECORD_NOT_FOUND, "无此 ID", "an unknown identifier"),
    ):
        ride.start()
        bench.expect(ride.send_update(place, changed), sw, zh, en, requirement="PAY-CAP-008")


@SUITE.case(
    "PAY-CAP/update-together/BV",
    "记录与扣款同时生效",
    "Record and debit together",
    requirements=["PAY-CAP-009", "PAY-CAP-010"],
    kind=Kind.VALID,
    expected=(
        "读最后一条记录后所有更新和扣款生效，之前均不变",
        "with the last record all updates and the debit count, before it none",
    ),
)
def together(bench: Bench) -> None:
    """Every declared record is written in one transaction that costs something."""
    ride = Ride(bench).open()
    with kept(ride):
        balance = sum_of(bench, BALANCE)
        written = {place: altered(ride.look(place)) for place in ride.places}
        ride.start(SEGMENTED, PRICE)
        for place, record in written.items():
            ride.update(place, record)
        ride.finish()
        ride.come_back()
        for place, record in written.items():
            requirement = "PAY-CAP-009" if place == ride.first_place else "PAY-CAP-010"
            _same(bench, ride, place, record, requirement)
        _balance(bench, balance - PRICE, "PAY-CAP-009")


@SUITE.case(
    "PAY-CAP/update-broken/BV",
    "最后一条记录之前离开",
    "The card leaves before the last record",
    requirements=["PAY-CAP-009", "PAY-CAP-011"],
    kind=Kind.VALID,
    expected=("记录和余额均为原值", "record and balance are as before"),
)
def broken(bench: Bench) -> None:
    """Straight after the update, and with all records but the last read."""
    ride = Ride(bench).open()
    place = ride.first_place
    with kept(ride):
        balance, old = sum_of(bench, BALANCE), ride.look(place)
        for reads, requirement in ((False, "PAY-CAP-011"), (True, "PAY-CAP-009")):
            ride.start(SEGMENTED, PRICE)
            ride.update(place, altered(old))
            if reads:
                ride.read_but_last()
            ride.come_back()
            _same(bench, ride, place, old, requirement)
            _balance(bench, balance, requirement)


@SUITE.case(
    "PAY-CAP/update-torn/BV",
    "读最后一条记录时断电",
    "Power lost while the last record is read",
    requirements=["PAY-CAP-009"],
    kind=Kind.VALID,
    needs_tearing=True,
    expected=("记录和余额同为旧值或同为新值", "record and balance are both old or both new"),
)
def torn(bench: Bench) -> None:
    """The supply is cut at each write of the command in turn."""
    for write in range(1, 40):
        ride = Ride(bench).open()
        place = ride.first_place
        balance, old = sum_of(bench, BALANCE), ride.look(place)
        new = altered(old)
        ride.start(SEGMENTED, PRICE)
        ride.update(place, new)
        sfi, number = ride.read_but_last()
        answer = bench.tear(bytes((0x00, 0xB2, number, sfi << 3 | 4, 0x00)), write)
        ride.come_back()
        now, left = ride.look(place), sum_of(bench, BALANCE)
        bench.check(
            (now, left) in ((old, balance), (new, balance - PRICE)),
            f"第 {write} 次写入时断电",
            f"supply cut at write {write}",
            expected="both old or both new",
            received=f"{now.to_bytes().hex().upper()} {left}",
            requirement="PAY-CAP-009",
        )
        if answer is not None:
            return


@SUITE.case(
    "PAY-CAP/update-response-mac/BV",
    "更新响应的 R-MAC",
    "R-MAC of an update",
    requirements=["PAY-CAP-012"],
    kind=Kind.VALID,
    expected=("对 9000 以 00⁴‖命令 MAC 为初始向量的 MAC", "MAC over 9000 with 00⁴ ‖ MAC of the command as vector"),
)
def response_mac(bench: Bench) -> None:
    """Two updates of one transaction are answered with two MACs."""
    ride = Ride(bench).open()
    place = ride.first_place
    old = ride.look(place)
    ride.start()
    for record in (altered(old), old):
        command = ride.update_of(place, record)
        answer = bench.need(bench.send(command), "更新扩展应用数据缓存", "UPDATE CAPP DATA CACHE")
        expected = messages.update_response_mac(place.keys, ride.management_key(place), command)
        bench.check(
            answer.data == expected,
            "R-MAC",
            "R-MAC",
            expected=expected,
            received=answer.data,
            requirement="PAY-CAP-012",
        )


# Opening


@SUITE.case(
    "PAY-CAP/open/BV",
    "开通记录并使用其管理密钥",
    "A record is opened and used with its own key",
    requirements=["PAY-CAP-014", "PAY-CAP-016"],
    kind=Kind.VALID,
    destructive=True,
    loss=Loss.PART,
    expected=(
        "新记录可读，仅以其管理密钥可更新",
        "the new record is read, and updated under its own management key alone",
    ),
)
def open_record(bench: Bench) -> None:
    """The bank brings a key that is not the sector's usual one."""
    ride = Ride(bench).open()
    record, key = SectorRecord(OWN, 1, OWN_DATA), bench.random.randbytes(16)
    with at_the_bank(bench) as visit:
        command = append_of(visit, ride.first_place, record, key)
        bench.expect(bench.send(command), GOOD, "开通扩展应用", "APPEND RECORD", requirement="PAY-CAP-014")
    place = replace(ride.first_place, identifier=OWN)
    ride.come_back()
    answer = bench.expect(ride.send_look(place), GOOD, "读新记录", "READ CAPP DATA", requirement="PAY-CAP-014")
    bench.check(
        answer.data == record.to_bytes(),
        "新记录",
        "the new record",
        expected=record.to_bytes(),
        received=answer.data,
        requirement="PAY-CAP-014",
    )
    ride.start()
    usual = ride.send_update(place, altered(record))
    bench.check(
        usual.sw != SW.SUCCESS,
        "原管理密钥",
        "the usual key",
        expected="refusal",
        received=f"{usual.sw:04X}",
        requirement="PAY-CAP-016",
    )
    ride.start()
    answer = ride.send_update(place, altered(record), key=key)
    bench.expect(answer, GOOD, "新管理密钥", "the new key", requirement="PAY-CAP-016")


@SUITE.case(
    "PAY-CAP/open-refused/BI",
    "过长的记录和已满的文件",
    "Records too long, and a file without room",
    requirements=["PAY-CAP-015"],
    kind=Kind.INVALID,
    destructive=True,
    loss=Loss.PART,
    expected=("过长 6A80，无空间 6A84", "6A80 for a record too long, 6A84 without room"),
)
def open_refused(bench: Bench) -> None:
    """One byte above the greatest length; then records of the greatest length until there is no room."""
    ride = Ride(bench).open()
    place = ride.first_place
    longest, size = _sizes(bench, place)
    data = longest - messages.HEAD
    key = bytes(16)
    if data < messages.LARGEST_DATA:
        with at_the_bank(bench) as visit:
            command = append_of(visit, place, SectorRecord(OWN, 1, bytes(data + 1)), key)
            bench.expect(bench.send(command), SW.WRONG_DATA, "过长", "one byte too long", requirement="PAY-CAP-015")
    for number in range(size // longest + 1):
        identifier = OWN[:1] + bytes((0x80 + number,))
        with at_the_bank(bench) as visit:
            answer = bench.send(append_of(visit, place, SectorRecord(identifier, 1, bytes(data)), key))
        if answer.sw != SW.SUCCESS:
            break
    bench.expect(answer, SW.NOT_ENOUGH_MEMORY, "无空间", "without room", requirement="PAY-CAP-015")
    ride.come_back()
    if number:
        opened_last = replace(place, identifier=OWN[:1] + bytes((0x80 + number - 1,)))
        bench.expect(
            ride.send_look(opened_last), GOOD, "之前开通的记录", "the record before", requirement="PAY-CAP-014"
        )


def _sizes(bench: Bench, place: Place) -> tuple[int, int]:
    """Bytes of the longest record of a file, and of all its records."""
    files = application(bench.profile).file.values()
    file = next(file for file in files if file.short_identifier == place.sfi)
    if file.extended is None or file.size is None:
        raise NotApplicable("文件大小未声明", "the profile declares no size of the file")
    return file.extended.longest, file.size


def _same(bench: Bench, ride: Ride, place: Place, record: SectorRecord, requirement: str) -> None:
    now = ride.look(place)
    bench.check(
        now == record,
        "记录",
        "the record",
        expected=record.to_bytes(),
        received=now.to_bytes(),
        requirement=requirement,
    )


def _balance(bench: Bench, expected: int, requirement: str) -> None:
    now = sum_of(bench, BALANCE)
    bench.check(
        now == expected, "电子现金余额", "e-cash balance", expected=expected, received=now, requirement=requirement
    )
