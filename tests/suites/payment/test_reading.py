"""The suite of the records: what other vendors declare, and each way to be wrong by the requirement that it breaks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.suites.payment.reading import SUITE
from emulator.iso7816 import tlv
from tests.suites.broken import (
    OK,
    Alteration,
    answers,
    is_command,
    is_good,
    run,
)

from .cards import objects_changed, without

GET_PROCESSING_OPTIONS, READ_RECORD = 0xA8, 0xB2


def records(alter: Callable[[int, int, bytes], bytes]) -> Alteration:
    """Other records by short identifier and number; an answer without data stays."""

    def answer(command: bytes, good: bytes) -> bytes:
        if not is_command(command, ins=READ_RECORD) or not is_good(good):
            return good
        return alter(command[3] >> 3, command[2], good[:-2]) + OK

    return answers(answer)


def options(*objects: bytes) -> Alteration:
    """Format 2, with further objects."""

    def answer(command: bytes, good: bytes) -> bytes:
        if not is_command(command, ins=GET_PROCESSING_OPTIONS) or not is_good(good):
            return good
        value = tlv.parse(good[:-2])[0].value
        return tlv.build(0x77, tlv.build(0x82, value[:2]), tlv.build(0x94, value[2:]), *objects) + OK

    return answers(answer)


def value(tag: int, new: str) -> Alteration:
    return objects_changed(lambda each, old: bytes.fromhex(new) if each == tag else old, READ_RECORD)


BROKEN: dict[str, Callable[[], Alteration]] = {
    "PAY-RDR-001 no template": lambda: records(lambda sfi, number, data: data[2:] if (sfi, number) == (4, 1) else data),
    "PAY-RDR-001 length": lambda: records(
        lambda sfi, number, data: bytes((data[0], data[1] + 1)) + data[2:] if (sfi, number) == (4, 1) else data
    ),
    "PAY-RDR-005": lambda: without(0x8D, ins=READ_RECORD),
    "PAY-RDR-007 across records": lambda: records(
        lambda sfi, number, data: (
            tlv.build(0x70, data[2:], tlv.build(0x5A, b"\x62")) if (sfi, number) == (4, 1) else data
        )
    ),
    "PAY-RDR-007 initiation": lambda: options(bytes.fromhex("5F340101")),
    "PAY-RDR-007 initiation alone": lambda: options(bytes.fromhex("9F360200019F36020001")),
    "PAY-RDR-008 unlisted": lambda: records(
        lambda sfi, number, data: (
            tlv.build(0x70, tlv.build(0x61, bytes.fromhex("9F6D0101"))) if (sfi, number) == (5, 1) else data
        )
    ),
    "PAY-RDR-010 account": lambda: value(0x57, "6214988660100000305D36122200000000000F"),
    "PAY-RDR-010 service": lambda: value(0x5F30, "0120"),
    "PAY-RDR-010 form": lambda: value(0x57, "62149886601000003043612220"),
    "PAY-RDR-011 short": lambda: value(0x5F20, "41"),
    "PAY-RDR-011 long": lambda: value(0x5F20, "41" * 27),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_card_is_found(case: str) -> None:
    assert run(SUITE, "debit", BROKEN[case]()).failed >= {case.split()[0]}


@pytest.mark.parametrize("case", ["PAY-RDR-005", "PAY-RDR-007 initiation", "PAY-RDR-010 service", "PAY-RDR-011 long"])
def test_nothing_else_is_found(case: str) -> None:
    assert run(SUITE, "debit", BROKEN[case]()).failed == {case.split()[0]}


def test_format_2_passes() -> None:
    assert run(SUITE, "debit", options()).failed == set()


def test_long_name_in_the_extension_passes() -> None:
    moved = objects_changed(lambda tag, old: None if tag == 0x5F20 else old, READ_RECORD)
    assert run(SUITE, "debit", moved, only="PAY-RDR/holder-name").failed == set()
