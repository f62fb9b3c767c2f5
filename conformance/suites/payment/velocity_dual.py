"""The limit of offline amounts in two currencies 双货币累计金额限制 9F75, and the conversion factor 9F73 (area PAY-GAC)."""

from __future__ import annotations

from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.payment_dialogue import TC, Visit, amount, application, declared_objects
from conformance.payment_history import FOREIGN_CURRENCY, abroad
from conformance.payment_judging import limits, require_kind
from conformance.suites.payment.velocity import above, below
from profiles.model import Profile

SUITE = Suite("payment limit in two currencies", "金融应用双货币限制", "Payment: the limit in two currencies")

DUAL_LIMIT, FACTOR, SECOND_CURRENCY, OWN_CURRENCY = 0x9F75, 0x9F73, "9F76", "9F51"
LIMIT = 10_000
FACTORS = ("10000025", "30001234", "00000003")
"""2.5, 1.234 and 3: the first digit is the number of decimals."""


def converted(profile: Profile, factor: str, foreign: int) -> int:
    """An amount of the second currency in the first one; how it is rounded is a setting (JR/T 0025.5 A.1)."""
    number = int(factor[1:])
    unit: int = 10 ** int(factor[0])
    payment = application(profile).payment
    half = payment is not None and payment.settings.conversion_rounding == "half up"
    return (2 * foreign * number + unit) // (2 * unit) if half else foreign * number // unit


def reach_limit(bench: Bench, requirement: str, visit: Visit, factor: str) -> None:
    """Sums one below, at and one above the limit, the foreign amount last and, in a second round, first."""
    objects = declared_objects(bench.profile)
    own, second = objects.get(OWN_CURRENCY, b""), objects.get(SECOND_CURRENCY, b"")
    for foreign in (100, 101):
        counted = converted(bench.profile, factor, foreign)
        for rest in (LIMIT - counted - 1, LIMIT - counted, LIMIT - counted + 1):
            reach = above if rest + counted > LIMIT else below
            for foreign_last in (True, False):
                require_kind(visit.online(amount=1, currency=own), TC)
                pair = [(rest, own), (foreign, second)]
                (first, its), (last, of_last) = pair if foreign_last else pair[::-1]
                below(bench, requirement, visit, amount=first, currency=its)
                reach(bench, requirement, visit, amount=last, currency=of_last)


@SUITE.case(
    "PAY-GAC/dual-total/BV",
    "双货币累计金额限制 9F75",
    "Limit of offline amounts in two currencies 9F75",
    requirements=["PAY-GAC-026"],
    kind=Kind.VALID,
    expected=(
        "两种货币（按 9F73 换算）之和不超过限制得 TC，超过得 ARQC 且 CVR 3.b6 = 1",
        "TC while the sum of both, converted by 9F73, is not above the limit, then ARQC with CVR 3.b6 = 1",
    ),
)
def dual_total(bench: Bench) -> None:
    """With the declared factor; a third currency does not count."""
    factor = declared_objects(bench.profile)[f"{FACTOR:X}"].hex()
    with limits(bench, {DUAL_LIMIT: amount(LIMIT)}) as visit:
        reach_limit(bench, "PAY-GAC-026", visit, factor)
        own = declared_objects(bench.profile).get(OWN_CURRENCY, b"")
        require_kind(visit.online(amount=1, currency=own), TC)
        below(bench, "PAY-GAC-026", visit, amount=10 * LIMIT, **abroad(bench, FOREIGN_CURRENCY))
        below(bench, "PAY-GAC-026", visit, amount=LIMIT, currency=own)
        above(bench, "PAY-GAC-026", visit, amount=1)


@SUITE.case(
    "PAY-GAC/conversion/BV",
    "货币转换因子 9F73",
    "Conversion factor 9F73",
    requirements=["PAY-GAC-027"],
    kind=Kind.VALID,
    expected=("10000025 为 2.5：第二货币 100 计 250", "10000025 is 2.5: 100 of the second currency count 250"),
)
def conversion(bench: Bench) -> None:
    """The factor set to 2.5, to 1.234 and to 3."""
    for factor in FACTORS:
        bench.step(f"9F73 = {factor}", f"9F73 is {factor}")
        with limits(bench, {DUAL_LIMIT: amount(LIMIT), FACTOR: bytes.fromhex(factor)}) as visit:
            reach_limit(bench, "PAY-GAC-027", visit, factor)
