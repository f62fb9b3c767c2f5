"""INTERNAL AUTHENTICATE 内部认证: the card proves itself with the IRK 内部认证密钥."""

from __future__ import annotations

from hypothesis import strategies as st

from conformance.actors.key_service import KeyService
from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import apdu, get_challenge, open_directory
from conformance.maintenance import NO_CHALLENGE, historical, key_place
from conformance.properties import for_all
from emulator.iso7816 import Response

SUITE = Suite("internal authentication", "内部认证", "Internal authentication")

KEY = "IRK"
ANSWER_LENGTH = 8
FORM_REQUIREMENT = {"3DES": "SSC-AUT-015", "SM4": "SSC-AUT-016"}
FACTOR, SOURCE = bytes.fromhex("A1A2A3A4A5A6A7A8"), bytes.fromhex("0102030405060708")
BYTES_8 = st.binary(min_size=8, max_size=8)


def ask(bench: Bench, factor: bytes, source: bytes, version: int | None = None) -> Response:
    """INTERNAL AUTHENTICATE; where the profile says so with a challenge before it."""
    if bench.profile.settings.internal_authentication_needs_challenge:
        get_challenge(bench)
    data = factor + source + (b"" if version is None else bytes([version]))
    return bench.send(apdu(0, 0x88, 0, key_place(bench, KEY).reference, data, ANSWER_LENGTH))


def _opened(bench: Bench) -> None:
    open_directory(bench, key_place(bench, KEY).directory)


@SUITE.case(
    "AUT/internal/BV",
    "内部认证",
    "INTERNAL AUTHENTICATE",
    requirements=["SSC-AUT-015", "SSC-AUT-016", "SSC-AUT-019"],
    kind=Kind.VALID,
    expected=(
        "返回 8 字节，与由卡与城市因子分散的 IRK 计算结果一致",
        "8 bytes that equal what the IRK gives, derived with the card's and the city's factor",
    ),
)
def internal(bench: Bench) -> None:
    """Generated factors and source data, without a version byte and, on a card of 3.00, with each version of the key."""
    form = FORM_REQUIREMENT[bench.profile.algorithm]
    default = bench.profile.settings.default_key_version

    def judge(factor: bytes, source: bytes, version: int | None, requirement: str) -> None:
        _opened(bench)
        answer = ask(bench, factor, source, version)
        zh, en = f"版本 {version or '—'}", f"version {version or '—'}"
        bench.expect(answer, GOOD, zh, en, requirement=requirement)
        genuine = bench.keys.internal_authentication(KEY, factor, source, version or default)
        bench.check(
            answer.data == genuine,
            f"{zh}：认证结果",
            f"{en}: result",
            expected=genuine,
            received=answer.data,
            requirement=requirement,
        )

    numbered = key_place(bench, KEY).key.versions if bench.profile.specification == "3.00" else 0
    for version in (None, *range(1, numbered + 1)):
        judge(FACTOR, SOURCE, version, form)
    judge(SOURCE, SOURCE, None, "SSC-AUT-019")
    for_all(bench, st.tuples(BYTES_8, BYTES_8), lambda drawn: judge(*drawn, None, "SSC-AUT-019"))


@SUITE.case(
    "AUT/internal-without-challenge/BV",
    "内部认证无需随机数",
    "INTERNAL AUTHENTICATE without a challenge",
    requirements=["SSC-AUT-017"],
    kind=Kind.VALID,
    expected=("9000（卡片声明须先取随机数时 6984）", "9000; 6984 where the profile says that a challenge is needed"),
)
def without_challenge(bench: Bench) -> None:
    """The first command after the environment is selected."""
    needed = bench.profile.settings.internal_authentication_needs_challenge
    bench.reset()
    _opened(bench)
    bench.expect(
        bench.send(apdu(0, 0x88, 0, key_place(bench, KEY).reference, FACTOR + SOURCE, ANSWER_LENGTH)),
        NO_CHALLENGE if needed else GOOD,
        "复位后直接内部认证",
        "INTERNAL AUTHENTICATE right after reset",
        requirement="SSC-AUT-017",
    )


@SUITE.case(
    "AUT/internal-repeated/BV",
    "内部认证结果的确定性",
    "Equal inputs, equal results",
    requirements=["SSC-AUT-018"],
    kind=Kind.VALID,
    expected=(
        "同卡同输入结果相同；输入不同或换卡则不同",
        "the same result for the same input on one card, another one for another input and on another card",
    ),
)
def repeated(bench: Bench) -> None:
    """Twice in a session and once after a reset; with another factor; against the key of a card with the next serial."""
    _opened(bench)
    first = bench.expect(
        ask(bench, FACTOR, SOURCE), GOOD, "内部认证", "INTERNAL AUTHENTICATE", requirement="SSC-AUT-018"
    ).data
    for reset in (False, True):
        if reset:
            bench.reset()
            _opened(bench)
        again = ask(bench, FACTOR, SOURCE).data
        bench.check(
            again == first,
            "复位后重复" if reset else "重复",
            "again after a reset" if reset else "again",
            expected=first,
            received=again,
            requirement="SSC-AUT-018",
        )
    own = historical(bench)
    neighbour = own[:-1] + bytes([own[-1] ^ 1])
    others = {
        ("另一过程因子", "another factor"): ask(bench, SOURCE, SOURCE).data,
        ("另一原始信息", "other source data"): ask(bench, FACTOR, FACTOR).data,
        ("下一序号的卡", "the card with the next serial"): KeyService(bench.profile, neighbour).internal_authentication(
            KEY, FACTOR, SOURCE
        ),
    }
    for (zh, en), other in others.items():
        bench.check(
            other != first, zh, en, expected=f"≠ {first.hex().upper()}", received=other, requirement="SSC-AUT-018"
        )
