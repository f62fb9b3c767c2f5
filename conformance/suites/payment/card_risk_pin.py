"""Card risk management after an exhausted offline PIN 脱机PIN尝试次数用尽 (area PAY-GAC)."""

from __future__ import annotations

from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.failures import NotApplicable
from conformance.payment_dialogue import AAC, ARQC, TC, Visit, declared_objects
from conformance.payment_judging import (
    PIN_EXCEEDED,
    declared_pin,
    default_action,
    exhaust_pin,
    judge,
    next_one,
    put_back,
    settled,
    verify,
)
from emulator.iso7816 import SW
from profiles.model import Profile

SUITE = Suite(
    "payment card risk: PIN", "金融应用卡片风险管理：PIN", "Payment: card risk management, PIN", restore=put_back
)

ADVICE, REASON_PIN = 0x08, 0x02


def exhausted(bench: Bench) -> Visit:
    """A settled card whose PIN tries ended in a transaction of their own."""
    visit = settled(bench).open().begin()
    exhaust_pin(bench)
    bench.reset()
    return visit


def kind_after_exhausted_pin(profile: Profile) -> int:
    """What a request for TC gets when the PIN was exhausted before and the default action is the declared one."""
    blocked_at_once, declines, blocks = (default_action(profile, 2, bit) for bit in (8, 7, 3))
    if blocked_at_once or declines or blocks:
        return AAC
    return ARQC if default_action(profile, 2, 6) else TC


@SUITE.case(
    "PAY-GAC/pin-exceeded/BV",
    "先前 PIN 超限且本次未验证",
    "PIN exhausted before, and not presented now",
    requirements=["PAY-GAC-029"],
    kind=Kind.VALID,
    destructive=True,
    expected=(
        "CVR 3.b7 = 1；按 ADA 2.b7 拒绝、2.b6 联机、2.b3 拒绝并锁定",
        "CVR 3.b7 is 1; declined, online, or declined and blocked as ADA 2.b7, 2.b6 and 2.b3 say",
    ),
)
def pin_exceeded(bench: Bench) -> None:
    """The transaction after the one in which the tries ended, and the selection after that.

    Without ADA the bit is not judged: the check may be left out, or run as with an ADA of zeros (JR/T 0025.5 §14.4.2).
    """
    requirement, profile = "PAY-GAC-029", bench.profile
    shown = [PIN_EXCEEDED] if "9F52" in declared_objects(profile) else []
    visit = exhausted(bench)
    visit.send_select()
    made = visit.begin().first(TC, requirement=requirement)
    judge(bench, requirement, made, kind=kind_after_exhausted_pin(profile), shown=shown)
    blocked = default_action(profile, 2, 8) or default_action(profile, 2, 3)
    bench.reset()
    bench.expect(
        Visit(bench).send_select(),
        SW.SELECTED_FILE_DEACTIVATED if blocked else SW.SUCCESS,
        "再次选择应用",
        "next SELECT of the application",
        requirement=requirement,
    )


@SUITE.case(
    "PAY-GAC/pin-presented/BV",
    "本次已验证 PIN 则不做该检查",
    "VERIFY in this transaction replaces the check",
    requirements=["PAY-GAC-030"],
    kind=Kind.VALID,
    destructive=True,
    expected=("VERIFY 应答 6984 后请求 TC 得 TC", "TC for TC after VERIFY was answered by 6984"),
)
def pin_presented(bench: Bench) -> None:
    """The right PIN, which comes too late."""
    if default_action(bench.profile, 2, 8):
        raise NotApplicable("ADA 2.b8：PIN 超限即锁定应用", "ADA 2.b8: the exhausted PIN blocks the application")
    visit = exhausted(bench).open().begin()
    answer = verify(bench, declared_pin(bench.profile))
    bench.expect(answer, SW.REFERENCE_DATA_NOT_USABLE, "VERIFY", "VERIFY", requirement="PAY-GAC-030")
    judge(bench, "PAY-GAC-030", visit.first(TC, requirement="PAY-GAC-030"), kind=TC, shown=[PIN_EXCEEDED])


# Advice


def check_information(bench: Bench, requirement: str, cid: int, expected: int) -> None:
    """Judge kind, advice and reason in the cryptogram information."""
    bench.check(
        cid == expected,
        "CID：类型、通知、原因码",
        "cryptogram information: kind, advice, reason",
        expected=f"{expected:02X}",
        received=f"{cid:02X}",
        requirement=requirement,
    )


@SUITE.case(
    "PAY-GAC/advice/BV",
    "拒绝时要求通知（ADA 1.b5）",
    "Advice on a declined transaction (ADA 1.b5)",
    requirements=["PAY-GAC-033"],
    kind=Kind.VALID,
    expected=("CID b4 = 1", "CID b4 is 1"),
)
def advice(bench: Bench) -> None:
    """The terminal declines."""
    made = next_one(settled(bench), AAC, "PAY-GAC-033")
    check_information(bench, "PAY-GAC-033", made.cid, AAC | ADVICE)


@SUITE.case(
    "PAY-GAC/advice-pin/BV",
    "本次 PIN 超限后拒绝要求通知（ADA 1.b4）",
    "Advice when declined after the PIN was exhausted now (ADA 1.b4)",
    requirements=["PAY-GAC-034"],
    kind=Kind.VALID,
    destructive=True,
    expected=("CID b4 = 1，b3–b1 = 010", "CID b4 is 1, b3–b1 are 010"),
)
def advice_pin(bench: Bench) -> None:
    """Wrong PINs until no try is left, and AAC in the same transaction."""
    visit = settled(bench).open().begin()
    exhaust_pin(bench)
    made = visit.first(AAC, requirement="PAY-GAC-034")
    check_information(bench, "PAY-GAC-034", made.cid, AAC | ADVICE | REASON_PIN)
