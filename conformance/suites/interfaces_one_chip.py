"""One chip behind both interfaces 双界面同一芯片: one memory, one counter of tries, and no right that crosses over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import (
    REFUSED,
    environment_of,
    open_directory,
    select,
    verify,
)
from conformance.failures import BenchError, CardFailure, Inconclusive, NotApplicable
from conformance.maintenance import open_pin
from conformance.maintenance import verify_wrong as wrong_verify
from conformance.suites.access import probe
from conformance.suites.interfaces import ALIKE, present_files
from conformance.suites.standard import StandardFile
from conformance.suites.standard.values import described
from conformance.suites.standard.visit import (
    holder,
    open_for,
    other_record,
    read_first,
    readable,
    update_record,
)
from conformance.targets.base import Interface

SUITE = Suite("interfaces, one chip", "双界面同一芯片", "One chip behind both interfaces")


@SUITE.case(
    "ATR/one-memory/BV",
    "两个界面共用存储器",
    "One memory behind both interfaces",
    requirements=[ALIKE],
    kind=Kind.VALID,
    expected=(
        "经一个界面写入的内容经另一个界面读出；原值经非接触界面写回",
        "what is written through one interface is read through the other; the old value is put back through the antenna",
    ),
)
def one_memory(bench: Bench) -> None:
    """A record written through the contacts, read and put back through the antenna, read again through the contacts."""
    file = next(
        (file for file in present_files(bench) if file.structure == "variable" and _writable(bench, file)), None
    )
    if file is None:
        raise NotApplicable("没有可更新的记录文件", "no file of records can be updated")
    number, element = probe(file)
    before = readable(bench, file).records
    if len(before) < number:
        raise Inconclusive(f"{file.path} 没有第 {number} 条记录", f"{file.path} has no record {number}")
    old = before[number - 1]
    new = other_record(file, element, old)
    with _put_back(bench, lambda: _write(bench, file, number, old)):
        _write(bench, file, number, new)
        bench.switch(Interface.CONTACTLESS)
        _expect_record(bench, file, number, new, "经非接触界面读出", "read through the antenna")
        _write(bench, file, number, old)
        bench.switch(Interface.CONTACT)
        _expect_record(bench, file, number, old, "经接触界面读出", "read through the contacts")


@contextmanager
def _put_back(bench: Bench, act: Callable[[], None]) -> Iterator[None]:
    """Act at the contacts when the case breaks off, by a failure or for want of an antenna."""
    try:
        yield
    except BaseException:
        with suppress(CardFailure, Inconclusive, BenchError):
            bench.switch(Interface.CONTACT)
            act()
        raise


def _writable(bench: Bench, file: StandardFile) -> bool:
    conditions = (file.read.condition, file.update.condition)
    return all(
        not c.is_never and any(all(holder(bench.profile, n) for n in a) for a in c.alternatives) for c in conditions
    )


def _write(bench: Bench, file: StandardFile, number: int, record: bytes) -> None:
    open_for(bench, file.directory, file.update.condition)
    bench.need(update_record(bench, file, number, record), f"更新 {file.path}", f"UPDATE RECORD in {file.path}")


def _expect_record(bench: Bench, file: StandardFile, number: int, wanted: bytes, zh: str, en: str) -> None:
    found = readable(bench, file).records
    received = found[number - 1] if len(found) >= number else b""
    bench.check(received == wanted, zh, en, expected=described(wanted), received=described(received), requirement=ALIKE)


@SUITE.case(
    "ATR/one-counter/BI",
    "两个界面共用尝试次数",
    "One counter of tries behind both interfaces",
    requirements=[ALIKE],
    kind=Kind.INVALID,
    expected=(
        "接触界面错误一次后，非接触界面的错误为连续第二次；正确密码恢复次数",
        "after one wrong PIN through the contacts one through the antenna is the second in a row; the right PIN restores "
        "the tries",
    ),
)
def one_counter(bench: Bench) -> None:
    """Wrong PINs on one side, the other, and the first again; the right one on each side in turn."""
    place = open_pin(bench, wrong=3)
    with _put_back(bench, lambda: _verify_in(bench, place.directory)):
        bench.expect(
            wrong_verify(bench), place.after(1), "接触界面错误", "wrong through the contacts", requirement=ALIKE
        )
        bench.switch(Interface.CONTACTLESS)
        open_directory(bench, place.directory)
        second = wrong_verify(bench)
        bench.switch(Interface.CONTACT)
        open_directory(bench, place.directory)
        third = wrong_verify(bench)
        bench.need(verify(bench), "验证个人密码", "VERIFY")
        bench.expect(second, place.after(2), "非接触界面错误", "wrong through the antenna", requirement=ALIKE)
        bench.expect(third, place.after(3), "接触界面再次错误", "wrong through the contacts again", requirement=ALIKE)
        wrong_verify(bench)
        bench.switch(Interface.CONTACTLESS)
        open_directory(bench, place.directory)
        bench.expect(verify(bench), GOOD, "非接触界面正确", "right through the antenna", requirement=ALIKE)
        bench.switch(Interface.CONTACT)
        open_directory(bench, place.directory)
        again = wrong_verify(bench)
        bench.need(verify(bench), "验证个人密码", "VERIFY")
        bench.expect(again, place.after(1), "次数已恢复", "the tries are back", requirement=ALIKE)


def _verify_in(bench: Bench, directory: str) -> None:
    """Give the tries of the PIN back."""
    open_directory(bench, directory)
    verify(bench)


@SUITE.case(
    "ATR/sides-apart/BO",
    "安全状态不跨界面",
    "No right crosses from one interface to the other",
    requirements=[ALIKE],
    kind=Kind.INOPPORTUNE,
    expected=(
        "在一个界面取得的权限换界面后失效，与复位后相同",
        "a right of one interface is gone on the other, as after a reset",
    ),
)
def sides_apart(bench: Bench) -> None:
    """From the contacts to the antenna and back: a file that was opened there is shut here."""
    guarded = next((f for f in present_files(bench) if not f.read.condition.is_free and _writable(bench, f)), None)
    if guarded is None:
        raise NotApplicable("没有受保护的文件", "no file is guarded")
    for interface, zh, en in (
        (Interface.CONTACTLESS, "换到非接触界面后", "after going over to the antenna"),
        (Interface.CONTACT, "换回接触界面后", "after going back to the contacts"),
    ):
        open_for(bench, guarded.directory, guarded.read.condition)
        bench.need(read_first(bench, guarded), f"读 {guarded.path}", f"reading {guarded.path}")
        bench.switch(interface)
        for directory in dict.fromkeys((environment_of(bench, guarded.directory), guarded.directory)):
            bench.need(select(bench, directory), f"选择 {directory}", f"SELECT {directory}")
        bench.expect(
            read_first(bench, guarded),
            REFUSED,
            f"{zh}读 {guarded.path}",
            f"reading {guarded.path} {en}",
            requirement=ALIKE,
        )
