"""Error counters of keys 密钥错误计数: one for each key, kept over resets, final at its end."""

from __future__ import annotations

from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Loss, Suite
from conformance.dialogue import authenticate, open_directory
from conformance.failures import NotApplicable
from conformance.maintenance import (
    BLOCKED,
    KeyPlace,
    authenticate_wrong,
    authentication_keys,
    expect_untouched,
    key_limit,
    key_place,
    tries,
)

SUITE = Suite("key counters", "密钥错误计数", "Error counters of keys")

KEY = "UKSSSE"


def _counted(bench: Bench, name: str = KEY) -> tuple[KeyPlace, int]:
    """A key with a limit, its directory open and its counter at the limit."""
    place = key_place(bench, name)
    limit = key_limit(bench.profile, place.key)
    if not limit:
        raise NotApplicable(f"{name} 不限次数", f"{name} has no limit of tries")
    _restored(bench, place)
    return place, limit


def _restored(bench: Bench, place: KeyPlace) -> None:
    open_directory(bench, place.directory)
    bench.need(authenticate(bench, place.name), f"用 {place.name} 外部认证", f"EXTERNAL AUTHENTICATE with {place.name}")


def _expect_wrong(bench: Bench, place: KeyPlace, expected: Expectation, zh: str, en: str, requirement: str) -> None:
    bench.expect(
        authenticate_wrong(bench, place.name),
        expected,
        f"{place.name} {zh}",
        f"{place.name}: {en}",
        requirement=requirement,
    )


@SUITE.case(
    "KEY/counter/BI",
    "每个密钥的错误计数",
    "A counter for each key",
    requirements=["SSC-KEY-013"],
    kind=Kind.INVALID,
    expected=(
        "错误只减少本密钥的次数，成功后恢复",
        "an error lowers the counter of that key alone, success restores it",
    ),
)
def counter(bench: Bench) -> None:
    """Wrong, wrong with another key of the same directory and of another one, right, wrong again."""
    place, limit = _counted(bench)
    others = [key for key in authentication_keys(bench.profile) if key.name != place.name]
    neighbours = [next((k for k in others if k.directory == place.directory), None)]
    neighbours.append(next((k for k in others if k.reference & 0x0F == place.reference & 0x0F), None))
    _expect_wrong(bench, place, tries(limit, 1), "第 1 次错误", "first error", "SSC-KEY-013")
    _expect_wrong(bench, place, tries(limit, 2), "第 2 次错误", "second error", "SSC-KEY-013")
    for other in filter(None, neighbours):
        open_directory(bench, other.directory)
        expect_untouched(bench, other.name, f"{other.name} 的次数", f"tries of {other.name}", requirement="SSC-KEY-013")
    open_directory(bench, place.directory)
    _expect_wrong(bench, place, tries(limit, 3), "第 3 次错误", "third error", "SSC-KEY-013")
    bench.expect(authenticate(bench, KEY), GOOD, "正确认证", "right cryptogram", requirement="SSC-KEY-013")
    _expect_wrong(bench, place, tries(limit, 1), "恢复后第 1 次错误", "first error after success", "SSC-KEY-013")
    _restored(bench, place)


@SUITE.case(
    "KEY/counter-kept/BI",
    "错误计数掉电保持",
    "The counter survives a reset",
    requirements=["SSC-KEY-015"],
    kind=Kind.INVALID,
    expected=("复位后继续递减", "it goes on from where it was before the reset"),
)
def counter_kept(bench: Bench) -> None:
    """A cold and a warm reset between errors."""
    place, limit = _counted(bench)
    for wrong, cold in ((1, True), (2, False), (3, True)):
        _expect_wrong(bench, place, tries(limit, wrong), f"第 {wrong} 次错误", f"error number {wrong}", "SSC-KEY-015")
        bench.reset(cold)
        open_directory(bench, place.directory)
    _restored(bench, place)


@SUITE.case(
    "KEY/locked/BI",
    "密钥锁定",
    "Locked key",
    requirements=["SSC-KEY-014"],
    kind=Kind.INVALID,
    expected=("次数用尽后正确密文也返回 6983", "when no try is left even the right cryptogram gives 6983"),
    destructive=True,
    loss=Loss.PART,
)
def locked(bench: Bench) -> None:
    """Wrong cryptograms to the end; the key stays locked over a reset, and the others go on working."""
    places = [place for place in authentication_keys(bench.profile) if key_limit(bench.profile, place.key)]
    if len(places) < 2:
        raise NotApplicable("没有两个限次密钥", "there are no two keys with a limit of tries")
    place, other = places[-1], places[0]
    limit = key_limit(bench.profile, place.key)
    _restored(bench, place)
    for wrong in range(1, limit + 1):
        _expect_wrong(bench, place, tries(limit, wrong), f"第 {wrong} 次错误", f"error number {wrong}", "SSC-KEY-014")
    for cold in (None, True, False):
        if cold is not None:
            bench.reset(cold)
            open_directory(bench, place.directory)
        bench.expect(
            authenticate(bench, place.name),
            BLOCKED,
            f"{place.name} 锁定后正确密文",
            f"right cryptogram for the locked {place.name}",
            requirement="SSC-KEY-014",
        )
        _expect_wrong(bench, place, BLOCKED, "锁定后错误密文", "wrong cryptogram when locked", "SSC-KEY-014")
    open_directory(bench, other.directory)
    bench.expect(
        authenticate(bench, other.name),
        GOOD,
        f"其他密钥 {other.name}",
        f"another key, {other.name}",
        requirement="SSC-KEY-014",
    )
