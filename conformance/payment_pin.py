"""The offline PIN 脱机PIN of a payment application: presented right and wrong, its tries, and giving them back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from conformance.bench import Bench, Expectation
from conformance.dialogue import apdu
from conformance.failures import CardFailure, Inconclusive, NotApplicable
from conformance.payment_dialogue import Visit, application, get_data
from conformance.payment_judging import declared_pin, settings, verify, wrong_pin
from emulator.iso7816 import SW, Response

TRIES = 0x9F17
NOT_ACCEPTED = Expectation((SW.AUTHENTICATION_METHOD_BLOCKED, SW.REFERENCE_DATA_NOT_USABLE))


def try_limit(bench: Bench) -> int:
    """Wrong tries that the declared card allows."""
    declared_pin(bench.profile)
    pin = next(iter(application(bench.profile).pin.values()))
    return pin.limit or bench.profile.settings.pin_try_limit


def require_limit(bench: Bench, least: int) -> int:
    """The same; not applicable where it is below what a case needs."""
    limit = try_limit(bench)
    if limit < least:
        raise NotApplicable(f"PIN尝试限制数小于 {least}", f"the PIN try limit is below {least}")
    return limit


def begun(bench: Bench) -> Visit:
    """A transaction whose PIN has all its tries: the right one was presented in the transaction before."""
    visit = Visit(bench).open().begin()
    bench.need(present_right(bench), "验证正确PIN", "VERIFY with the right PIN")
    return visit.begin()


def present_right(bench: Bench) -> Response:
    """VERIFY with the declared PIN."""
    return verify(bench, declared_pin(bench.profile))


def present_wrong(bench: Bench) -> Response:
    """VERIFY with another PIN."""
    return verify(bench, wrong_pin(declared_pin(bench.profile)))


def shown_tries(bench: Bench) -> int | None:
    """The try counter by GET DATA; None where the profile says that the card withholds it."""
    if not settings(bench.profile).pin_tries_readable:
        return None
    value = get_data(bench, TRIES)
    if value is None or len(value) != 1:
        raise Inconclusive("无法读取9F17", "GET DATA does not give the PIN try counter 9F17")
    return value[0]


def tries_left(bench: Bench) -> int:
    """Tries left: by GET DATA or, where the card withholds the counter, at the price of a wrong try."""
    shown = shown_tries(bench)
    if shown is not None:
        return shown
    answer = present_wrong(bench)
    if answer.sw >> 4 == 0x63C:
        return (answer.sw & 0x0F) + 1
    if answer.sw in NOT_ACCEPTED.words:
        return 0
    raise Inconclusive("无法得知剩余次数", f"a wrong PIN is answered {answer.sw:04X}: the tries left are unknown")


@contextmanager
def tries_given_back(bench: Bench) -> Iterator[None]:
    """Whatever a case finds, the right PIN is presented at its end."""
    try:
        yield
    finally:
        with suppress(CardFailure):
            present_right(bench)


def expect_tries(bench: Bench, wanted: int, zh: str, en: str, requirement: str) -> None:
    """So many tries must be left."""
    left = tries_left(bench)
    bench.check(left == wanted, zh, en, expected=wanted, received=left, requirement=requirement)


def verify_command(block: bytes) -> bytes:
    """VERIFY of a PIN block in plain."""
    return apdu(0x00, 0x20, 0x00, 0x80, block)
