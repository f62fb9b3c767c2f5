"""Tear protection of the medical settlement 医疗消费防拔: number, sums and log change together or not at all."""

from __future__ import annotations

from typing import NamedTuple

from conformance.actors.key_service import Settlement
from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import apdu, open_directory, place, read_record, verify
from conformance.failures import Inconclusive, NotApplicable, NotRun
from conformance.tearing import every_cut
from emulator.iso7816 import SW, Response

SUITE = Suite("tearing of settlements", "医疗消费防拔", "Tear protection of settlements")

APPLICATION, LOG = "DF04", "DF04/EF08"
INDEX = 1
AMOUNTS = bytes.fromhex("00000000 00002710 00001F40")
"""Account 0, own payments 100.00, pooled payments 80.00."""
NOTHING = bytes(12)
TERMINAL, TERMINAL_NUMBER = bytes.fromhex("500000000001"), bytes.fromhex("0000000B")
TIME = bytes.fromhex("20260301093000")
SETTLEMENT = b"2"
INITIALIZED_LENGTH, DEBITED_LENGTH = 22, 8


class _State(NamedTuple):
    """What can be seen of the settlements: sums and number of INITIALIZE, and the newest record of the log."""

    sums_and_number: bytes
    newest: bytes


def _initialize(bench: Bench, amounts: bytes) -> bytes:
    """INITIALIZE FOR PURCHASE in the medical application with a verified PIN."""
    open_directory(bench, APPLICATION)
    bench.need(verify(bench), "验证个人密码", "VERIFY")
    answer = bench.send(apdu(0xB0, 0x28, 0x01, 0x01, bytes([INDEX]) + amounts + TERMINAL, INITIALIZED_LENGTH))
    bench.need(answer, "消费初始化", "INITIALIZE FOR PURCHASE")
    if len(answer.data) != INITIALIZED_LENGTH:
        raise Inconclusive("消费初始化应答长度不符", f"INITIALIZE FOR PURCHASE answered {len(answer.data)} bytes")
    return answer.data


def _debit(bench: Bench, key: str, initialized: bytes) -> bytes:
    """DEBIT FOR PURCHASE as a terminal with its SAM makes it (vol. 2 §6.3)."""
    settlement = Settlement(
        initialized[18:22], initialized[14:16], AMOUNTS, TERMINAL, TERMINAL_NUMBER, TIME, kind=SETTLEMENT
    )
    mac1 = bench.keys.settlement(key, settlement).mac1
    return apdu(0xB0, 0x2C, 0x01, 0x00, TERMINAL_NUMBER + TIME + mac1, DEBITED_LENGTH)


def _state(bench: Bench) -> _State:
    shown = _initialize(bench, NOTHING)[:16]
    newest = read_record(bench, place(bench, LOG).file, 1)
    return _State(shown, newest.data if newest.sw == SW.SUCCESS else b"")


@SUITE.case(
    "TEAR/purchase/BV",
    "消费防拔",
    "Tear during DEBIT FOR PURCHASE",
    requirements=["SSC-TEAR-004"],
    kind=Kind.VALID,
    expected=(
        "每次断电后交易序号、累计金额与明细全部为旧或全部为新",
        "after every cut number, sums and log are all old or all new",
    ),
    needs_tearing=True,
)
def purchase(bench: Bench) -> None:
    """The state after a settlement that was left alone is what a cut one may leave, or the state before it."""
    key = _purchase_key(bench)
    if not bench.target.renewable:
        raise NotRun("需要新卡片，本测试台无法更换", "needs a fresh card, which this bench cannot put in")
    old = _state(bench)
    bench.need(bench.send(_debit(bench, key, _initialize(bench, AMOUNTS))), "消费", "DEBIT FOR PURCHASE")
    bench.reset()
    new = _state(bench)
    if new == old:
        raise Inconclusive("消费未改变任何可见数据", "a settlement changes nothing that can be seen")

    def after_cut(write: int) -> None:
        found = _state(bench)
        bench.check(
            found in (old, new),
            f"第 {write} 次写入断电后的序号、累计与明细",
            f"number, sums and log after a cut at write {write}",
            expected="all old / all new",
            received=" ".join(_named(*parts) for parts in zip(found, old, new, strict=True)),
            requirement="SSC-TEAR-004",
        )

    def undisturbed(answer: Response) -> None:
        bench.expect(answer, GOOD, "未断电", "not cut", requirement="SSC-TEAR-004")

    if not every_cut(bench, lambda: _debit(bench, key, _initialize(bench, AMOUNTS)), after_cut, undisturbed):
        raise Inconclusive("命令没有任何写入", "the command caused no write at all")


def _named(found: bytes, old: bytes, new: bytes) -> str:
    return "old" if found == old else "new" if found == new else "neither"


def _purchase_key(bench: Bench) -> str:
    """Name of the purchase key of index 1."""
    described = bench.profile.directory.get(APPLICATION)
    for name, key in described.key.items() if described else ():
        if key.use == "purchase" and key.index == INDEX:
            return name
    raise NotApplicable("没有医保结算密钥", "the declared card has no medical purchase key")
