"""Whatever card and arguments say, an operation of the reader interface ends with a code and, unless it is good, a text."""

from __future__ import annotations

from contextlib import suppress
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.actors.medical.hsm import HsmRefused
from conformance.failures import BenchError
from tests.medical.counter import Counter
from tests.medical.hospital import MODULES

NAMES = Counter().interface.operations
FIRST_STEPS = {
    "iReadCardBas_HSM_Step1": (1,),
    "iReadCard_HSM_Step1": (1, "", "SSSEEF08|$DF04EF06|90|$"),
    "iWriteCard_HSM_Step1": (1, "", "DF01EF05|20|$"),
    "iReloadPIN_HSM_Step1": (1, ""),
    "iUnblockPIN_HSM_Step1": (1, ""),
    "iDoDebit_HSM_Step1": (1, "", "100|200|20260101120000|"),
}
PIECES = st.sampled_from(
    (
        *("SSSEEF05|07|$", "SSSEEF06|08|09|$", "SSSEEF08|$", "DF01EF05|20|$", "DF04EF08:01|$", "DF03EF06|4A:02|$"),
        *("SSSEEF05|A1|$", "DF01EF05|51|$", "100|200|20260101120000|", "", "1", "123456", "|", "$", "00" * 16),
        *(f"{'00' * 16}|{'00' * 16}|", f"8424000004{'00' * 4}", "00000001|20260101120000|00000000|"),
    )
)
TEXT = st.one_of(PIECES, st.text(max_size=40), st.builds(str.__add__, PIECES, PIECES))
NUMBER = st.one_of(st.sampled_from((1, 2, 3, 4)), st.integers())
NONSENSE = st.one_of(
    st.binary(max_size=40),
    st.binary(max_size=40).map(lambda data: data + b"\x90\x00"),
    st.binary(min_size=2, max_size=2).map(lambda status: b"\x61" + status),
    st.none(),
)
TAMPERED = st.dictionaries(st.integers(0, 12), NONSENSE, max_size=4)
"""Answers by their place among the commands; None stands for a card that is gone."""


@cache
def counter(product: str) -> Counter:
    """One counter for all examples: what they do to the card does not matter."""
    made = Counter(product)
    made.new_pin = "654321"
    return made


def tamper(made: Counter, tampered: dict[int, bytes | None]) -> None:
    target = made.hospital.slot.target
    good = type(target).transmit.__get__(target)
    sent = iter(range(1 << 16))

    def transmit(command: bytes) -> bytes:
        answer = tampered.get(next(sent), b"")
        if answer is None:
            raise BenchError("gone")
        return answer or good(command)

    target.transmit = transmit  # type: ignore[method-assign]


def assert_told(answer: tuple[int, str]) -> None:
    code, text = answer
    assert isinstance(code, int)
    assert isinstance(text, str)
    assert text or code == 0


@given(st.sampled_from(sorted(MODULES)), st.sampled_from(NAMES), TAMPERED, st.data())
def test_any_operation(product: str, name: str, tampered: dict[int, bytes | None], data: st.DataObject) -> None:
    made = counter(product)
    tamper(made, tampered)
    kinds = (NUMBER if parameter.startswith("i") else TEXT for parameter in made.interface.parameters(name))
    assert_told(made(name, *[data.draw(kind) for kind in kinds]))


@given(st.sampled_from(NAMES), st.lists(st.one_of(NUMBER, TEXT), max_size=6))
def test_any_arguments(name: str, arguments: list[int | str]) -> None:
    made = counter("ssc3-sm4")
    tamper(made, {})
    assert_told(made(name, *arguments))


@given(st.text(max_size=30).filter(lambda name: name not in NAMES), st.lists(TEXT, max_size=3))
def test_any_name(name: str, arguments: list[str]) -> None:
    assert counter("ssc3-sm4")(name, *arguments) == (-13, "不支持该命令")


@pytest.mark.parametrize("product", MODULES)
@given(
    st.sampled_from(sorted(FIRST_STEPS)), st.sampled_from(("", *"123")), TAMPERED, TAMPERED, st.one_of(st.none(), TEXT)
)
def test_steps_with_a_card_that_changes_its_mind(
    product: str, name: str, pin: str, first: dict[int, bytes | None], later: dict[int, bytes | None], key: str | None
) -> None:
    """The HSM's own answer, or any text for it, and a card that answers nonsense before or after."""
    made = counter(product)
    made.hospital.pin = pin * 6 or None
    tamper(made, first)
    answer = made(name, *FIRST_STEPS[name])
    while (following := made.interface.awaited) is not None:
        assert answer[0] == 0
        from_hsm = key
        if key is None:
            from_hsm = ""
            with suppress(HsmRefused):
                from_hsm = made.back_end().answer(name, answer[1])
        more = ["DF01EF05|51|$"] if following == "iWriteCard_HSM_Step2" else []
        tamper(made, later)
        name, answer = following, made(following, from_hsm or "", *more)
    assert_told(answer)
