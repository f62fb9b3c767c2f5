"""VERIFY torn or malformed, and a PIN that was personalised 脱机PIN (area PAY-PIN)."""

from __future__ import annotations

from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import apdu
from conformance.failures import Inconclusive, NotApplicable
from conformance.payment_dialogue import Visit, get_data
from conformance.payment_judging import declared_pin, exhaust_pin, put_back, settings, wrong_pin
from conformance.payment_pin import (
    TRIES,
    begun,
    expect_tries,
    present_right,
    present_wrong,
    require_limit,
    tries_left,
    try_limit,
    verify_command,
)
from conformance.targets.base import Interface
from conformance.tearing import every_cut
from emulator.crypto.payment import pin_block
from emulator.iso7816 import Response

SUITE = Suite("payment PIN blocks", "金融应用PIN块", "Payment: PIN blocks and tearing", restore=put_back)

ACCEPTING = (0x90, 0x61, 0x62)
"""SW1 of answers that accept a PIN."""


# Tearing


@SUITE.case(
    "PAY-PIN/torn/BI",
    "验证 PIN 时断电",
    "Power lost during VERIFY",
    requirements=["PAY-PIN-011"],
    kind=Kind.INVALID,
    needs_tearing=True,
    expected=(
        "断电不增加次数；比较结果可见之前计数器已减",
        "no cut gains a try; the counter falls before the outcome of the comparison can show",
    ),
)
def torn(bench: Bench) -> None:
    """A wrong PIN cut at every write gains nothing; of a right one some cut must show the counter lowered."""
    before = require_limit(bench, 3) - 1
    lefts: dict[str, list[int]] = {"wrong": [], "right": []}
    for which, lost in (("wrong", 1), ("right", 0)):
        digits = declared_pin(bench.profile)
        command = verify_command(pin_block(wrong_pin(digits) if which == "wrong" else digits))

        def prepare(command: bytes = command) -> bytes:
            begun(bench)
            present_wrong(bench)
            return command

        def after_cut(write: int, which: str = which) -> None:
            Visit(bench).open()
            left = tries_left(bench)
            lefts[which].append(left)
            if which == "wrong":
                bench.check(
                    left <= before,
                    f"第 {write} 次写入断电后的次数",
                    f"tries after a cut at write {write}",
                    expected=f"≤ {before}",
                    received=left,
                    requirement="PAY-PIN-011",
                )

        def undisturbed(answer: Response, lost: int = lost) -> None:
            if lost:
                expect_tries(bench, before - 1, "未断电的错误PIN", "wrong PIN, not cut", "PAY-PIN-011")

        every_cut(bench, prepare, after_cut, undisturbed)
    bench.check(
        any(left < before for left in lefts["right"]),
        "正确PIN：断电后出现过较低的次数",
        "right PIN: some cut leaves the counter lower than before",
        expected=f"< {before}",
        received=" ".join(str(left) for left in lefts["right"]) or "—",
        requirement="PAY-PIN-011",
    )


# Form of the PIN block, personalisation


def _malformed(digits: str) -> dict[str, bytes]:
    """Blocks with the right digits that are malformed, by what is wrong with them."""
    block = pin_block(digits)
    filler_at = 1 + (len(digits) + 1) // 2
    return {
        "控制域 1 control nibble 1": bytes((block[0] ^ 0x30,)) + block[1:],
        "控制域 0 control nibble 0": bytes((block[0] ^ 0x20,)) + block[1:],
        "长度 D length nibble D": b"\x2d" + block[1:],
        "长度 3 length nibble 3": b"\x23" + block[1:],
        "长度多 1 length one too much": bytes((block[0] + 1,)) + block[1:],
        "填充 0 filler 0": block[:-1] + b"\x00",
        "首个填充 0 first filler 0": block[:filler_at] + b"\x0f" + block[filler_at + 1 :],
        "数字 A digit A": block[:1] + bytes((0xA0 | block[1] & 0x0F,)) + block[2:],
        "7 字节 7 bytes": block[:-1],
        "9 字节 9 bytes": block + b"\xff",
    }


@SUITE.case(
    "PAY-PIN/malformed/BI",
    "格式错误的 PIN 块",
    "Malformed PIN block",
    requirements=["PAY-PIN-012"],
    kind=Kind.INVALID,
    expected=("拒绝，不接受；是否计数按声明", "refused and never accepted; whether it costs a try as declared"),
)
def malformed(bench: Bench) -> None:
    """The right digits in blocks that are wrong."""
    counts = settings(bench.profile).malformed_pin_counts
    limit = require_limit(bench, 2) if counts else try_limit(bench)
    visit = begun(bench)
    for what, block in _malformed(declared_pin(bench.profile)).items():
        bench.step(what, what)
        answer = bench.send(verify_command(block))
        bench.check(
            answer.sw >> 8 not in ACCEPTING,
            "拒绝格式错误的PIN块",
            "malformed PIN block refused",
            expected="6A80 / 6700",
            received=f"{answer.sw:04X}",
            requirement="PAY-PIN-012",
        )
        if not counts:
            expect_tries(bench, limit, "不计数", "costs no try", "PAY-PIN-012")
        visit.begin()
        bench.need(present_right(bench), "恢复尝试次数", "VERIFY with the right PIN")


@SUITE.case(
    "PAY-PIN/personalised/BV",
    "PIN 已个人化",
    "Personalised PIN",
    requirements=["PAY-PIN-014"],
    kind=Kind.VALID,
    expected=("9F17：9000，至少为 1", "9000 for 9F17, which is at least 1"),
)
def personalised(bench: Bench) -> None:
    """A cardholder verification list that asks for an offline PIN promises one."""
    Visit(bench).open()
    response = bench.send(apdu(0x80, 0xCA, TRIES >> 8, TRIES & 0xFF, ne=256))
    bench.expect(response, GOOD, "取 9F17", "GET DATA 9F17", requirement="PAY-PIN-014")
    value = get_data(bench, TRIES) or b""
    bench.check(
        len(value) == 1 and value[0] >= 1,
        "尝试次数",
        "tries",
        expected="≥ 1",
        received=response.data,
        requirement="PAY-PIN-014",
    )


# Both interfaces


@SUITE.case(
    "PAY-PIN/one-counter/BV",
    "两个界面共用尝试计数器",
    "One try counter for both interfaces",
    requirements=["PAY-PIN-013"],
    kind=Kind.VALID,
    expected=(
        "接触界面每次验证后，非接触界面的 9F17 与之相同",
        "9F17 through the antenna follows each VERIFY over the contacts",
    ),
)
def one_counter(bench: Bench) -> None:
    """A wrong PIN over the contacts, and the right one again."""
    limit = require_limit(bench, 2)
    begun(bench)
    present_wrong(bench)
    try:
        _expect_through_antenna(bench, limit - 1)
    finally:
        bench.switch(Interface.CONTACT)
        Visit(bench).open().begin()
        present_right(bench)


@SUITE.case(
    "PAY-PIN/exhausted-for-both/BV",
    "接触界面用尽后非接触界面亦用尽",
    "Tries exhausted over the contacts are gone for the antenna",
    requirements=["PAY-PIN-013"],
    kind=Kind.VALID,
    destructive=True,
    expected=("非接触界面 9F17 为 0", "9F17 is 0 through the antenna"),
)
def exhausted_for_both(bench: Bench) -> None:
    """All tries over the contacts."""
    begun(bench)
    exhaust_pin(bench)
    _expect_through_antenna(bench, 0)


def _expect_through_antenna(bench: Bench, wanted: int) -> None:
    if not settings(bench.profile).pin_tries_readable:
        raise NotApplicable("9F17 不可读", "the card withholds 9F17")
    bench.switch(Interface.CONTACTLESS)
    Visit(bench).send_select()
    value = get_data(bench, TRIES)
    if value is None:
        raise Inconclusive("非接触界面无法读取9F17", "GET DATA does not give 9F17 through the antenna")
    bench.check(
        value == bytes((wanted,)),
        "非接触界面的尝试计数器",
        "try counter through the antenna",
        expected=f"{wanted:02X}",
        received=value,
        requirement="PAY-PIN-013",
    )
