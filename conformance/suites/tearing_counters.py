"""Counters of tries under power cuts 先减后验: no cut of the supply saves a try."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import apdu, declared_pin, get_challenge, open_directory, pin_bytes
from conformance.failures import NotApplicable
from conformance.maintenance import (
    KeyPlace,
    authenticate_wrong,
    flipped,
    key_limit,
    key_place,
    open_key,
    open_pin,
    pin_place,
    tries,
    verify_wrong,
    wrong_pin,
)
from conformance.tearing import every_cut
from emulator.iso7816 import Response

SUITE = Suite("tearing of counters", "计数防拔", "Tear protection of counters")

KEY = "UKSSSE"


def _no_try_saved(bench: Bench, prepare: Callable[[bool], bytes], show: Callable[[], Response], limit: int) -> None:
    """Judge the tries that a cut costs, for a wrong and for a right presentation.

    A card that compares first writes only after a wrong presentation: whoever cuts at that write has tried for nothing.
    On a good card the right one begins with the same writes, so that a cut after them costs a try as well.
    """
    spent: dict[bool, list[int]] = {}
    for good in (False, True):
        lost: list[int] = []

        def after_cut(write: int, lost: list[int] = lost) -> None:
            shown = show()
            found = next((n for n in range(limit) if tries(limit, n + 1).met_by(shown.sw)), None)
            bench.check(
                found is not None,
                f"第 {write} 次写入断电后的错误认证",
                f"wrong presentation after a cut at write {write}",
                expected="63Cx",
                received=f"{shown.sw:04X}",
                requirement="SSC-KEY-016",
            )
            lost.append(found or 0)

        def undisturbed(answer: Response, good: bool = good) -> None:
            expected = GOOD if good else tries(limit, 1)
            bench.expect(answer, expected, "未断电", "not cut", requirement="SSC-KEY-016")

        every_cut(bench, partial(prepare, good), after_cut, undisturbed)
        spent[good] = lost
    wrong, right = spent[False], spent[True]
    bench.check(
        wrong == sorted(wrong) and set(wrong) <= {0, 1},
        "错误认证在各写入点断电后已减的次数",
        "tries lost when a wrong presentation is cut at each write",
        expected="0 … 0 1 … 1",
        received=" ".join(map(str, wrong)) or "—",
        requirement="SSC-KEY-016",
    )
    before = wrong.count(0)
    bench.check(
        1 in right and right.index(1) == before,
        "正确认证与错误认证在同一写入点减计数",
        "a right presentation lowers the counter at the same write as a wrong one",
        expected=f"{'0 ' * before}1 …",
        received=" ".join(map(str, right)) or "—",
        requirement="SSC-KEY-016",
    )


def _counted_key(bench: Bench) -> tuple[KeyPlace, int]:
    place = key_place(bench, KEY)
    limit = key_limit(bench.profile, place.key)
    if not limit:
        raise NotApplicable(f"{KEY} 不限次数", f"{KEY} has no limit of tries")
    return place, limit


@SUITE.case(
    "KEY/counter-first/BI",
    "密钥先减计数后比较",
    "The counter of a key is lowered before the result can be seen",
    requirements=["SSC-KEY-016"],
    kind=Kind.INVALID,
    expected=("断电不能保住一次尝试", "no cut saves a try"),
    needs_tearing=True,
)
def key_counter_first(bench: Bench) -> None:
    """EXTERNAL AUTHENTICATE, wrong and right, cut at every write."""
    place, limit = _counted_key(bench)

    def prepare(good: bool) -> bytes:
        open_key(bench, KEY)
        data = bench.keys.external_authentication(KEY, get_challenge(bench))
        return apdu(0, 0x82, 0, place.reference, data if good else flipped(data))

    def show() -> Response:
        open_directory(bench, place.directory)
        return authenticate_wrong(bench, KEY)

    _no_try_saved(bench, prepare, show, limit)


@SUITE.case(
    "PIN/counter-first/BI",
    "密码先减计数后比较",
    "The counter of the PIN is lowered before the result can be seen",
    requirements=["SSC-KEY-016"],
    kind=Kind.INVALID,
    expected=("断电不能保住一次尝试", "no cut saves a try"),
    needs_tearing=True,
)
def pin_counter_first(bench: Bench) -> None:
    """VERIFY, wrong and right, cut at every write."""
    place = pin_place(bench)
    right = declared_pin(bench)

    def prepare(good: bool) -> bytes:
        open_pin(bench, wrong=2)
        return apdu(0, 0x20, 0, 0, pin_bytes(right if good else wrong_pin(right)))

    def show() -> Response:
        open_directory(bench, place.directory)
        return verify_wrong(bench)

    _no_try_saved(bench, prepare, show, place.limit)
