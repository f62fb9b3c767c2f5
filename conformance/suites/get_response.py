"""GET RESPONSE 取响应 under T=0: when nothing waits, and with another length than what waits."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.bench import Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.dialogue import ENVIRONMENT, apdu, select, select_name
from conformance.failures import NotApplicable
from conformance.suites.selection import ENVIRONMENT_NAME, open_environment
from emulator.iso7816 import SW, Response
from emulator.iso7816.status import count_of, is_more_available, wrong_le
from profiles.model import Text

SUITE = Suite("GET RESPONSE", "取响应", "GET RESPONSE")

NOTHING_WAITS = Expectation((SW.NO_PRECISE_DIAGNOSIS, SW.CONDITIONS_OF_USE_NOT_SATISFIED))
SELECT_ENVIRONMENT = select_name(ENVIRONMENT_NAME)
CHALLENGE = apdu(0x00, 0x84, 0, 0, ne=8)
REFUSED_COMMAND = apdu(0x00, 0xFF, 0, 0)


def get_response(bench: Bench, length: int) -> Response:
    """One GET RESPONSE; 256 bytes are asked for as Le ``00``."""
    return bench.transmit(apdu(0x00, 0xC0, 0, 0, ne=length))


def _under_t0(bench: Bench) -> None:
    if bench.target.description.protocol != "T=0":
        raise NotApplicable("仅适用于 T=0", "only under T=0")
    open_environment(bench)


def _promised(bench: Bench) -> int:
    """SELECT of SSSE: how many bytes now wait."""
    answer = bench.transmit(SELECT_ENVIRONMENT)
    if not is_more_available(answer.sw):
        raise NotApplicable("卡片直接给出 SELECT 的应答数据", "the card answers SELECT without GET RESPONSE")
    return count_of(answer.sw) or 0


def _nothing_waits(bench: Bench) -> Iterator[Text]:
    """Bring the card, one after the other, into states in which no data wait."""
    bench.reset()
    yield Text(zh="复位后", en="after reset")
    get_response(bench, _promised(bench))
    yield Text(zh="数据已取走", en="the data were fetched")
    for command in (CHALLENGE, REFUSED_COMMAND):
        _promised(bench)
        bench.transmit(command)
        yield Text(zh=f"其间有命令 {command[:2].hex().upper()}", en=f"command {command[:2].hex().upper()} came between")
    _promised(bench)
    bench.reset(cold=False)
    yield Text(zh="热复位后", en="after a warm reset")


@SUITE.case(
    "CMD/get-response-empty/BO",
    "没有数据时取响应",
    "GET RESPONSE when no data wait",
    requirements=["SSC-CMD-009"],
    kind=Kind.INOPPORTUNE,
    expected=("6F00 或 6985", "6F00 or 6985"),
)
def get_response_empty(bench: Bench) -> None:
    """After reset, after the data were fetched, and after another command, good or refused, came between."""
    _under_t0(bench)
    for state in _nothing_waits(bench):
        for length in (8, 256):
            answer = get_response(bench, length)
            bench.expect(answer, NOTHING_WAITS, state.zh, state.en, requirement="SSC-CMD-009")
            bench.check(
                not answer.data,
                f"{state.zh}：无数据",
                f"{state.en}: no data",
                expected="—",
                received=answer.data or "—",
                requirement="SSC-CMD-009",
            )


@SUITE.case(
    "CMD/get-response-length/BI",
    "取响应的 Le 不符",
    "GET RESPONSE with another length",
    requirements=["SSC-CMD-010"],
    kind=Kind.INVALID,
    expected=(
        "6Cxx，xx 为等待的字节数，随后以该 Le 取得全部数据（容许直接给出部分数据）",
        "6Cxx, xx being the number of bytes that wait, which then come with that Le (part of the data is tolerated)",
    ),
)
def get_response_length(bench: Bench) -> None:
    """One byte, one too few, one too many."""
    _under_t0(bench)
    length = _promised(bench)
    whole = select(bench, ENVIRONMENT).data
    for wrong in {1, length - 1, length + 1} & set(range(1, 256)) - {length}:
        bench.need(get_response(bench, _promised(bench)), "取响应", "GET RESPONSE")
        _promised(bench)
        answer = get_response(bench, wrong)
        tolerated = len(answer.data) == min(wrong, length) and whole.startswith(answer.data)
        bench.check(
            (answer.sw == wrong_le(length) and not answer.data) or tolerated,
            f"Le = {wrong:02X}，等待 {length:02X}",
            f"Le = {wrong:02X} while {length:02X} bytes wait",
            expected=f"{wrong_le(length):04X}",
            received=answer.to_bytes(),
            requirement="SSC-CMD-010",
        )
        if answer.sw == wrong_le(length):
            right = get_response(bench, length)
            bench.check(
                right == Response(whole, SW.SUCCESS),
                "以正确的 Le 再取",
                "once more with the right Le",
                expected=whole + b"\x90\x00",
                received=right.to_bytes(),
                requirement="SSC-CMD-010",
            )
