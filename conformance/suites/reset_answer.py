"""Reset answer 复位应答 (LD/T 6001.3 6.2): form, historical bytes, what reset forgets."""

from __future__ import annotations

from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import REFUSED, authenticate, open_directory, place, read_first, read_record, verify
from conformance.failures import CardFailure
from emulator.iso7816 import Atr, AtrError

SUITE = Suite("reset answer", "复位应答", "Reset answer")

HISTORICAL_BYTES = 13
CARD_MAKER = 0x86
REPETITIONS = 3


def _parsed(bench: Bench) -> Atr:
    """The ATR, or a failure that says where it breaks off."""
    try:
        return Atr.parse(bench.atr)
    except AtrError as problem:
        raise CardFailure(
            "SSC-ATR-001",
            "复位应答不符合 ISO/IEC 7816-3",
            f"the ATR is malformed: {problem}",
            "an ATR",
            bench.atr.hex().upper(),
        ) from None


@SUITE.case(
    "ATR/form/BV",
    "初始字符与接口字符",
    "Initial character and interface bytes",
    requirements=["SSC-ATR-001", "SSC-ATR-002"],
    kind=Kind.VALID,
    expected=(
        "3B 6D 00 00 与 13 个历史字节（支持 PPS 时为 3B 7D TA1 00 00）",
        "3B 6D 00 00 and 13 historical bytes, or 3B 7D TA1 00 00 with PPS",
    ),
)
def form(bench: Bench) -> None:
    """The contact reset answer announces T=0 with TB1 and TC1 zero, and carries 13 historical bytes."""
    atr = _parsed(bench)
    raw = bench.atr
    usual = raw[:4] == bytes.fromhex("3B6D0000")
    negotiable = raw[:2] == bytes.fromhex("3B7D") and raw[3:5] == bytes(2)
    bench.check(
        usual or negotiable,
        "复位应答的开头",
        "the beginning of the reset answer",
        expected="3B6D0000… / 3B7D TA1 0000…",
        received=raw[:5],
        requirement="SSC-ATR-001",
        go_on=True,
    )
    bench.check(
        len(atr.historical) == HISTORICAL_BYTES,
        "历史字节数",
        "number of historical bytes",
        expected=HISTORICAL_BYTES,
        received=len(atr.historical),
        requirement="SSC-ATR-002",
    )


@SUITE.case(
    "ATR/makers/BV",
    "芯片商与制卡商标识",
    "Chip maker and card maker",
    requirements=["SSC-ATR-003", "SSC-ATR-004"],
    kind=Kind.VALID,
    expected=("历史字节 0–1 与声明一致，字节 5 为 86", "historical bytes 0 and 1 as declared, byte 5 is 86"),
)
def makers(bench: Bench) -> None:
    """Registration numbers stand where the family puts them."""
    historical = _parsed(bench).historical
    declared = bench.profile.chip.historical
    bench.check(
        historical[:2] == declared[:2],
        "芯片商注册标识号",
        "registration number of the chip maker",
        expected=declared[:2],
        received=historical[:2],
        requirement="SSC-ATR-003",
        go_on=True,
    )
    bench.check(
        historical[5:6] == bytes([CARD_MAKER]),
        "制卡商注册标识号的首字节",
        "first byte of the card maker's registration number",
        expected=bytes([CARD_MAKER]),
        received=historical[5:6],
        requirement="SSC-ATR-004",
    )


@SUITE.case(
    "ATR/city/BV",
    "历史字节中的城市代码",
    "City code in the historical bytes",
    requirements=["SSC-ATR-005"],
    kind=Kind.VALID,
    expected=("与卡的识别码前两个字节相同", "the first two bytes of the card identification code"),
)
def city(bench: Bench) -> None:
    """Historical bytes 7 and 8 repeat the city code of the identification code."""
    issuer_file = place(bench, "SSSE/EF05")
    issuer_file.open(bench)
    record = bench.need(
        read_record(bench, issuer_file.file, 1), "读卡的识别码", "READ RECORD of the identification code"
    )
    bench.check(
        bench.historical[7:9] == record.data[2:4],
        "历史字节 7–8",
        "historical bytes 7 and 8",
        expected=record.data[2:4],
        received=bench.historical[7:9],
        requirement="SSC-ATR-005",
    )


@SUITE.case(
    "ATR/card-factor/BV",
    "历史字节为卡分散因子",
    "Historical bytes are the card factor",
    requirements=["SSC-ATR-006"],
    kind=Kind.VALID,
    expected=(
        "用后 8 个历史字节分散的密钥通过外部认证",
        "a key derived with the last 8 historical bytes authenticates",
    ),
)
def card_factor(bench: Bench) -> None:
    """The key service derives keys from the ATR of the card in the reader; one of them must open the card."""
    open_directory(bench, "SSSE")
    bench.expect(authenticate(bench, "UKSSSE"), GOOD, "外部认证", "EXTERNAL AUTHENTICATE", requirement="SSC-ATR-006")


@SUITE.case(
    "ATR/repeated/BV",
    "复位应答不变",
    "The same answer each time",
    requirements=["SSC-ATR-007"],
    kind=Kind.VALID,
    expected=("三次冷复位的应答相同", "three cold resets give the same bytes"),
)
def repeated(bench: Bench) -> None:
    """Cold resets answer alike."""
    first = bench.atr
    for _ in range(REPETITIONS):
        bench.check(
            bench.reset() == first,
            "冷复位",
            "cold reset",
            expected=first,
            received=bench.atr,
            requirement="SSC-ATR-007",
        )


@SUITE.case(
    "ATR/forgets/BO",
    "复位清除安全状态",
    "Reset forgets the security status",
    requirements=["SSC-ATR-009"],
    kind=Kind.INOPPORTUNE,
    expected=("复位后 DF01/EF05 读取被拒绝 6982", "after reset DF01/EF05 is refused with 6982"),
)
def forgets(bench: Bench) -> None:
    """A verified PIN does not survive a reset, cold or warm."""
    household = place(bench, "DF01/EF05")
    for cold in (True, False):
        household.open(bench)
        bench.need(verify(bench), "验证个人密码", "VERIFY")
        bench.need(read_first(bench, household.file), "验证后读取", "READ RECORD after VERIFY")
        bench.reset(cold)
        household.open(bench)
        bench.expect(
            read_first(bench, household.file),
            REFUSED,
            "复位后读取",
            "READ RECORD after reset",
            requirement="SSC-ATR-009",
        )
