"""A first look at the card: who it is and what it offers, without any right and without a change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from conformance.bench import Bench
from conformance.dialogue import ENVIRONMENT, apdu, select
from conformance.failures import CardFailure
from emulator.iso7816 import SW, Response, Tlv, TlvError, tlv

IDENTIFICATION_TAG, VERSION_TAG = 0x01, 0x03
RECORD_OF = {IDENTIFICATION_TAG: 1, VERSION_TAG: 3}
ISSUER_FILE_BY_NUMBER = 0x05 << 3 | 4
ALGORITHMS = {1: "3DES", 2: "SSF33", 3: "SM4"}


@dataclass(frozen=True, slots=True)
class Probe:
    """What the card showed of itself."""

    identification: str | None
    """卡的识别码 in hexadecimal, 16 bytes."""
    observed: dict[str, str]


def probe(bench: Bench) -> Probe:
    """Look at the reset answer, the environment, the version and the applications."""
    observed: dict[str, str] = {"atr": bench.atr.hex().upper()}
    identification = None
    if ENVIRONMENT in bench.profile.directory:
        answer = _ask(partial(select, bench, ENVIRONMENT))
        observed["environment"] = _word(answer)
        if answer is not None and answer.sw == SW.SUCCESS:
            observed["algorithm"] = _algorithm(answer.data)
            identification = (_record(bench, IDENTIFICATION_TAG) or b"").hex().upper() or None
            version = _record(bench, VERSION_TAG)
            observed["version"] = version.decode("ascii", "replace") if version else "—"
            for name, directory in bench.profile.directory.items():
                if directory.kind == "ADF":
                    observed[name] = _word(_ask(partial(select, bench, name)))
    return Probe(identification, observed)


def _ask(question: Callable[[], Response]) -> Response | None:
    """Ask, and take a card that answers nonsense for one that answers nothing."""
    try:
        return question()
    except CardFailure:
        return None


def _word(answer: Response | None) -> str:
    return "—" if answer is None else f"{answer.sw:04X}"


def _algorithm(fci: bytes) -> str:
    """The algorithm object 9F0C 03 8601xx inside 6F/A5; without it the card is an old 3DES one (§2.4)."""
    try:
        found: Tlv | None = tlv.find(Tlv.parse(fci, strict=False), 0x6F, 0xA5, 0x9F0C)
        value = found.value if found else b""
    except TlvError:
        return "—"
    if not value:
        return "3DES"
    return ALGORITHMS.get(value[2], "?") if value[:2] == b"\x86\x01" and len(value) == 3 else "?"


def _record(bench: Bench, tag: int) -> bytes | None:
    """The value of a record of the issuer's file that anyone may read."""
    answer = _ask(partial(bench.send, apdu(0x00, 0xB2, RECORD_OF[tag], ISSUER_FILE_BY_NUMBER, ne=256)))
    if answer is None or answer.sw != SW.SUCCESS or answer.data[:1] != bytes([tag]):
        return None
    return answer.data[2:]
