"""Power lost during a first GENERATE AC (area PAY-GAC): counters move together, and the online authorisation indicator stays."""

from __future__ import annotations

from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import apdu
from conformance.failures import NotApplicable
from conformance.payment_answers import (
    Cryptogram,
)
from conformance.payment_dialogue import (
    ARQC,
    CDOL1,
    TC,
    Visit,
    amount,
)
from conformance.payment_history import FOREIGN_COUNTRY, LIMIT, TOTAL, abroad, declared_limits
from conformance.payment_judging import (
    NOT_COMPLETED,
    VELOCITY,
    judge,
    next_one,
    preset,
    require_kind,
    set_back,
    settled,
)
from conformance.tearing import every_cut
from emulator.iso7816 import Response

SUITE = Suite("payment cryptograms, power lost", "金融应用密文防拔", "Payment: power lost at the first cryptogram")

SPENT = 600
PRESET = {FOREIGN_COUNTRY: b"\x01", TOTAL: amount(LIMIT)}


def request(visit: Visit, kind: int, tag: int = CDOL1) -> bytes:
    """GENERATE AC as bytes, so that it can be cut."""
    if tag not in visit.objects:
        visit.read()
    return apdu(0x80, 0xAE, kind, 0, visit.filled(tag), ne=256)


def counted(bench: Bench, requirement: str) -> tuple[bool, bool]:
    """Whether a transaction of :data:`SPENT` abroad counted as foreign, and to the total: what two requests for ARQC show.

    Such requests count nothing themselves.
    """
    away = next_one(Visit(bench), ARQC, requirement, amount=1, **abroad(bench, FOREIGN_COUNTRY))
    at_home = next_one(Visit(bench), ARQC, requirement, amount=LIMIT - SPENT + 1)
    return away.bit(*VELOCITY), at_home.bit(*VELOCITY)


def check_together(bench: Bench, requirement: str, expected: bool | None = None) -> None:
    """Both counted, or neither; or what is expected."""
    country, total = counted(bench, requirement)
    bench.check(
        country is total and (expected is None or country is expected),
        "国际-国家计数与累计金额同时改变",
        "country counter and total change together",
        expected="00 / 11" if expected is None else f"{expected:d}{expected:d}",
        received=f"{country:d}{total:d}",
        requirement=requirement,
    )


def require_both_limits(bench: Bench) -> None:
    """Not applicable to a card that lacks one of the limits by which the counters are seen."""
    if len(declared_limits(bench, tuple(PRESET))) < len(PRESET):
        raise NotApplicable("卡片没有 9F54 和 9F72", "the card has not both 9F54 and 9F72")


@SUITE.case(
    "PAY-GAC/approval-torn/BV",
    "脱机批准过程中断电",
    "Power lost during an offline approval",
    requirements=["PAY-GAC-036"],
    kind=Kind.VALID,
    needs_tearing=True,
    expected=("计数器和累计金额同时改变或都不变", "counters and totals change together, or not at all"),
)
def approval_torn(bench: Bench) -> None:
    """A TC abroad, cut at each write."""
    requirement = "PAY-GAC-036"
    require_both_limits(bench)

    def prepare() -> bytes:
        visit = preset(bench, PRESET).open().begin(amount=SPENT, **abroad(bench, FOREIGN_COUNTRY))
        return request(visit, TC)

    def undisturbed(answer: Response) -> None:
        require_kind(Cryptogram.read(bench.need(answer, "生成应用密文", "GENERATE AC")), TC)
        check_together(bench, requirement, expected=True)

    with set_back(bench, PRESET):
        every_cut(bench, prepare, lambda _: check_together(bench, requirement), undisturbed)


@SUITE.case(
    "PAY-GAC/indicator-torn/BV",
    "请求联机过程中断电",
    "Power lost during a request to go online",
    requirements=["PAY-GAC-013"],
    kind=Kind.VALID,
    needs_tearing=True,
    expected=("断电前已置的联机授权指示位保持", "the online authorisation indicator that was set stays set"),
)
def indicator_torn(bench: Bench) -> None:
    """An online transaction left open, and the next one cut at each write of its first cryptogram."""
    requirement = "PAY-GAC-013"

    def prepare() -> bytes:
        visit = settled(bench)
        require_kind(next_one(visit, ARQC), ARQC)
        return request(visit.open().begin(), TC)

    def after_cut(_: int) -> None:
        judge(bench, requirement, next_one(Visit(bench), requirement=requirement), kind=ARQC, shown=[NOT_COMPLETED])

    def undisturbed(answer: Response) -> None:
        bench.expect(answer, GOOD, "生成应用密文", "GENERATE AC", requirement=requirement)
        after_cut(0)

    every_cut(bench, prepare, after_cut, undisturbed)
