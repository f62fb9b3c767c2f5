"""PIN CHANGE/UNBLOCK by scripts PIN修改和解锁 (area PAY-SCR)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from conformance.actors.bank.scripts import Order, change_pin, unblock_pin
from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.failures import Inconclusive, NotApplicable
from conformance.payment_dialogue import ARQC, Visit
from conformance.payment_judging import declared_pin, exhaust_pin, put_back, settings, settled, verify, wrong_pin
from conformance.payment_pin import shown_tries, try_limit
from conformance.suites.payment._steps import (
    expect_executed,
    expect_refusal,
    restoring,
    torn_script,
)
from conformance.tearing import every_cut
from emulator.crypto import encrypt_ecb
from emulator.iso7816 import SW, Response

SUITE = Suite("payment script PINs", "脚本修改PIN", "Payment: PIN change by scripts", restore=put_back)

NEW_PINS = ("8642", "864297", "864297531086")
"""The shortest, the usual, and the longest."""


@SUITE.case(
    "PAY-SCR/pin-unblock/BV",
    "PIN 用尽后解锁",
    "PIN UNBLOCK of an exhausted PIN",
    requirements=["PAY-SCR-018"],
    kind=Kind.VALID,
    destructive=True,
    expected=("应答 9000，9F17 恢复为上限，原 PIN 有效", "answers 9000, 9F17 is the limit again, the old PIN is right"),
)
def pin_unblock(bench: Bench) -> None:
    """Right after the first cryptogram, whatever that is: the default action may decline, or block the application."""
    pin = declared_pin(bench.profile)
    visit = Visit(bench).open().begin()
    exhaust_pin(bench)
    visit.send_select()
    visit.begin().read().first(ARQC)
    expect_executed(bench, visit.send_script(unblock_pin()), unblock_pin(), "PAY-SCR-018")
    _expect_pin(bench, pin, "PAY-SCR-018")


@SUITE.case(
    "PAY-SCR/pin-try-returned/BV",
    "PIN 解锁恢复已用的一次尝试",
    "PIN UNBLOCK after one wrong try",
    requirements=["PAY-SCR-018"],
    kind=Kind.VALID,
    expected=("应答 9000，9F17 恢复为上限，原 PIN 有效", "answers 9000, 9F17 is the limit again, the old PIN is right"),
)
def pin_try_returned(bench: Bench) -> None:
    """One try is spent and given back."""
    pin = declared_pin(bench.profile)
    _spend_try(bench, pin)
    visit = settled(bench)
    expect_executed(bench, visit.send_script(unblock_pin()), unblock_pin(), "PAY-SCR-018")
    _expect_pin(bench, pin, "PAY-SCR-018")


@SUITE.case(
    "PAY-SCR/pin-change/BV",
    "发卡行修改 PIN（P2=02）",
    "PIN CHANGE by the issuer (P2 02)",
    requirements=["PAY-SCR-019"],
    kind=Kind.VALID,
    expected=("应答 9000，新 PIN 有效，9F17 为上限", "answers 9000, the new PIN is right, 9F17 is the limit"),
)
@restoring(pin=True)
def pin_change(bench: Bench) -> None:
    """PINs of four, six and twelve digits, each after one wrong try."""
    pin = declared_pin(bench.profile)
    current = pin
    for new in NEW_PINS:
        _spend_try(bench, current)
        order = change_pin(new)
        expect_executed(bench, settled(bench).send_script(order), order, "PAY-SCR-019")
        _expect_pin(bench, new, "PAY-SCR-019", replaced=current)
        current = new


@SUITE.case(
    "PAY-SCR/pin-change-current/BV",
    "用原 PIN 修改 PIN（P2=01）",
    "PIN CHANGE with the current PIN (P2 01)",
    requirements=["PAY-SCR-020"],
    kind=Kind.VALID,
    expected=("应答 9000，新 PIN 有效", "answers 9000, and the new PIN is right"),
)
@restoring(pin=True)
def pin_change_current(bench: Bench) -> None:
    """From the present PIN to one of another length, and on from that one."""
    pin = declared_pin(bench.profile)
    current = pin
    for new in NEW_PINS:
        order = change_pin(new, current)
        expect_executed(bench, settled(bench).send_script(order), order, "PAY-SCR-020")
        _expect_pin(bench, new, "PAY-SCR-020", replaced=current)
        current = new


MALFORMED: Mapping[str, Callable[[bytes], bytes]] = {
    "长度字节 07 length byte 07": lambda block: b"\x07" + block + b"\x80" + bytes(6),
    "长度字节 09 length byte 09": lambda block: b"\x09" + block + b"\x80" + bytes(6),
    "无 80 填充 no 80": lambda block: b"\x08" + block + bytes(7),
    "填充末字节 01 padding ends with 01": lambda block: b"\x08" + block + b"\x80" + bytes(5) + b"\x01",
    "80 填充为 81 padding 81": lambda block: b"\x08" + block + b"\x81" + bytes(6),
    "三位 PIN three digits": lambda block: b"\x08" + _digits_counted(block, 3) + b"\x80" + bytes(6),
    "十三位 PIN thirteen digits": lambda block: b"\x08" + _digits_counted(block, 13) + b"\x80" + bytes(6),
}
"""Plaintexts of PIN CHANGE that are none (JR/T 0025.5 C.3.2), out of a right PIN block; the last two are of wrong length."""


@SUITE.case(
    "PAY-SCR/pin-change-malformed/BI",
    "格式错误的 PIN 修改数据",
    "PIN CHANGE with a malformed block",
    requirements=["PAY-SCR-021"],
    kind=Kind.INVALID,
    expected=("拒绝，PIN 不变", "refused, and the PIN stays"),
)
@restoring(pin=True)
def pin_change_malformed(bench: Bench) -> None:
    """Wrong length byte, wrong padding and wrong number of digits, each under the right MAC; then a wrong current PIN."""
    pin = declared_pin(bench.profile)
    visit = settled(bench)
    keys = visit.keys
    right = bytes(4) + keys.card_enc[4:8]
    block = bytes((len(pin),)) + bytes.fromhex(wrong_pin(pin).ljust(14, "F"))
    masked = bytes(a ^ b for a, b in zip(right, block, strict=True))
    for what, build in MALFORMED.items():
        bench.step(what, what)
        message = encrypt_ecb(keys.algorithm, keys.enc, build(masked))
        answer = visit.send_script(Order("PIN CHANGE", "84240002", message.hex()))
        expect_refusal(bench, answer, "格式错误的 PIN 块", "PIN CHANGE with a malformed block", "PAY-SCR-021", "6A80")
    answer = visit.send_script(change_pin(wrong_pin(pin), wrong_pin(pin)))
    expect_refusal(bench, answer, "原 PIN 错误", "PIN CHANGE with a wrong current PIN", "PAY-SCR-021", "6A80")
    lost = int(settings(bench.profile).wrong_current_pin_counts)
    _expect_pin(bench, pin, "PAY-SCR-021", lost=lost)


@SUITE.case(
    "PAY-SCR/torn-pin-change/BV",
    "PIN 修改中断电",
    "Power lost during PIN CHANGE",
    requirements=["PAY-SCR-031"],
    kind=Kind.VALID,
    needs_tearing=True,
    expected=("断电后原 PIN 或新 PIN 有效", "the old PIN or the new one is right after a cut at any write"),
)
def torn_pin_change(bench: Bench) -> None:
    """Cut at each write in turn."""
    pin = declared_pin(bench.profile)
    new = wrong_pin(pin)

    def after_cut(write: int) -> None:
        Visit(bench).open().begin()
        found = [candidate for candidate in (pin, new) if verify(bench, candidate).sw == SW.SUCCESS]
        bench.check(
            len(found) == 1,
            "断电后有效的 PIN 个数",
            "how many of old and new PIN are right after the cut",
            expected=1,
            received=len(found),
            requirement="PAY-SCR-031",
        )

    def undisturbed(answer: Response) -> None:
        expect_executed(bench, answer, change_pin(new), "PAY-SCR-031")

    every_cut(bench, lambda: torn_script(settled(bench), change_pin(new)), after_cut, undisturbed)


def _digits_counted(block: bytes, count: int) -> bytes:
    """A PIN block, masked as it is, that announces another number of digits."""
    return bytes((count,)) + block[1:]


def _spend_try(bench: Bench, current: str) -> None:
    if try_limit(bench) < 2:
        raise NotApplicable("PIN 只有一次尝试", "the PIN has one try only, which is not spent here")
    Visit(bench).open().begin()
    answer = verify(bench, wrong_pin(current))
    if answer.sw >> 4 != 0x63C:
        raise Inconclusive("错误的 PIN 未被计数", f"VERIFY of a wrong PIN answered {answer.sw:04X}")


def _expect_pin(bench: Bench, right: str, requirement: str, *, replaced: str | None = None, lost: int = 0) -> None:
    """All tries are there but ``lost`` ones, and the PIN is this one and not the one that was ``replaced``."""
    visit = Visit(bench)
    visit.send_select()
    visit.begin()
    limit, shown = try_limit(bench), shown_tries(bench)
    if shown is not None:
        bench.check(
            shown == limit - lost,
            "PIN 尝试计数器 9F17",
            "PIN try counter 9F17",
            expected=limit - lost,
            received=shown,
            requirement=requirement,
        )
    if replaced is not None and limit > 1:
        wanted = 0x63C0 | limit - 1
        bench.expect(verify(bench, replaced), wanted, "原 PIN 无效", "the old PIN is wrong", requirement=requirement)
    bench.expect(verify(bench, right), GOOD, "验证 PIN", "VERIFY", requirement=requirement)
