"""CHANGE PIN 修改密码 of LD/T 6001.3 6.1."""

from __future__ import annotations

from hypothesis import strategies as st

from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.dialogue import REFUSED, apdu, declared_pin, open_directory, pin_bytes, read_first, verify
from conformance.failures import NotApplicable
from conformance.maintenance import (
    WRONG,
    change_pin,
    declared_pin_again,
    expect_pin_untouched,
    expect_silent,
    open_pin,
    verify_wrong,
    wrong_pin,
)
from conformance.properties import for_all
from conformance.suites.pins import pin_files
from emulator.iso7816 import SW

SUITE = Suite("PIN change", "修改密码", "CHANGE PIN")

NEW_PINS = st.text("0123456789", min_size=4, max_size=12)
"""Two to six bytes, the lengths that CHANGE PIN carries with certainty (vol. 2 §3.3, §5.3)."""


@SUITE.case(
    "PIN/change/BV",
    "修改密码",
    "CHANGE PIN",
    requirements=["SSC-PIN-010", "SSC-PIN-023"],
    kind=Kind.VALID,
    expected=(
        "新密码有效、旧密码无效，次数恢复；可改回初始密码",
        "the new PIN is right, the old one wrong, the tries are restored; the initial PIN can be set again",
    ),
)
def change(bench: Bench) -> None:
    """Change with a lowered counter, verify both PINs, look again after a reset, change back."""
    old = declared_pin(bench)

    def judge(new: str) -> None:
        limit = open_pin(bench, wrong=2)
        verify_wrong(bench)
        with declared_pin_again(bench, new):
            answer = change_pin(bench, old, new)
            expect_silent(bench, answer, SW.SUCCESS, "修改密码", "CHANGE PIN", requirement="SSC-PIN-010")
            bench.expect(verify(bench, old), limit.after(1), "旧密码", "the old PIN", requirement="SSC-PIN-010")
            bench.reset()
            open_directory(bench, limit.directory)
            bench.expect(
                verify(bench, old), limit.after(2), "复位后旧密码", "the old PIN after reset", requirement="SSC-PIN-010"
            )
            bench.expect(verify(bench, new), GOOD, "新密码", "the new PIN", requirement="SSC-PIN-010")
            answer = change_pin(bench, new, old)
            bench.expect(answer, GOOD, "改回初始密码", "change to the initial PIN", requirement="SSC-PIN-023")
        bench.expect(verify(bench), GOOD, "初始密码", "the initial PIN", requirement="SSC-PIN-023")

    judge("654321" if old != "654321" else "123456")
    for_all(bench, NEW_PINS.filter(lambda new: pin_bytes(new) != pin_bytes(old)), judge, share=0.5)


@SUITE.case(
    "PIN/change-wrong/BI",
    "旧密码错误",
    "CHANGE PIN with a wrong old PIN",
    requirements=["SSC-PIN-011"],
    kind=Kind.INVALID,
    expected=("63Cx，密码不变", "63Cx, and the PIN is kept"),
)
def change_wrong(bench: Bench) -> None:
    """CHANGE PIN and VERIFY count on one counter."""
    limit = open_pin(bench, wrong=2)
    old = declared_pin(bench)
    false, new = wrong_pin(old), wrong_pin(wrong_pin(old))
    with declared_pin_again(bench, new):
        answer = change_pin(bench, false, new)
        expect_silent(bench, answer, limit.after(1), "旧密码错误", "wrong old PIN", requirement="SSC-PIN-011")
        bench.expect(verify(bench, new), limit.after(2), "新密码", "the new PIN", requirement="SSC-PIN-011")
        bench.expect(verify(bench), GOOD, "原密码", "the PIN", requirement="SSC-PIN-011")
        bench.expect(
            verify(bench, false), limit.after(1), "错误的旧密码", "the wrong old PIN", requirement="SSC-PIN-011"
        )
        bench.expect(verify(bench), GOOD, "原密码", "the PIN", requirement="SSC-PIN-011")
    expect_pin_untouched(bench, "恢复后的次数", "tries after the right PIN", requirement="SSC-PIN-011")


@SUITE.case(
    "PIN/change-separator/BI",
    "缺少分隔符",
    "CHANGE PIN without the separator",
    requirements=["SSC-PIN-013"],
    kind=Kind.INVALID,
    expected=("6A80，密码不变", "6A80, and the PIN is kept"),
)
def change_without_separator(bench: Bench) -> None:
    """Both PINs without FF between them."""
    open_pin(bench)
    old = declared_pin(bench)
    new = wrong_pin(old)
    if len(old) % 2:
        raise NotApplicable("奇数位密码以 F 结尾", "a PIN of an odd number of digits ends with F")
    with declared_pin_again(bench, new):
        answer = bench.send(apdu(0x80, 0x5E, 1, 0, pin_bytes(old) + pin_bytes(new)))
        bench.expect(answer, Expectation((SW.WRONG_DATA,)), "无 FF", "no FF", requirement="SSC-PIN-013")
        bench.expect(verify(bench), GOOD, "原密码", "the PIN", requirement="SSC-PIN-013")
        bench.expect(verify(bench, new), WRONG, "新密码", "the new PIN", requirement="SSC-PIN-013")
        bench.need(verify(bench), "验证个人密码", "VERIFY")


@SUITE.case(
    "PIN/change-status/BV",
    "修改密码后的安全状态",
    "Security status after CHANGE PIN",
    requirements=["SSC-PIN-010"],
    kind=Kind.VALID,
    expected=("按卡片声明：不改变或等同于验证", "as the profile declares: as before, or as after VERIFY"),
)
def status_after_change(bench: Bench) -> None:
    """CHANGE PIN in a new session, to the PIN that stands, then a file that the PIN protects."""
    verified = bench.profile.settings.changed_pin_is_verified
    protected = pin_files(bench)[0]
    protected.open(bench)
    bench.need(change_pin(bench, declared_pin(bench), declared_pin(bench)), "修改密码", "CHANGE PIN")
    bench.expect(
        read_first(bench, protected.file),
        GOOD if verified else REFUSED,
        f"卡片声明：修改密码{'等同于验证' if verified else '不改变状态'}",
        f"declared: CHANGE PIN {'verifies' if verified else 'changes no status'}",
        requirement="SSC-PIN-010",
    )
