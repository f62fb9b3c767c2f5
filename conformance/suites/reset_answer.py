"""Reset answer 复位应答 (LD/T 6001.3 6.2): form, historical bytes, what reset forgets."""

from __future__ import annotations

from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.dialogue import (
    ENVIRONMENT,
    REFUSED,
    authenticate,
    open_directory,
    place,
    prove,
    read_first,
    read_record,
    select_identifier,
    select_name,
)
from conformance.failures import CardFailure, NotApplicable, NotRun
from conformance.suites.selection import CHILD_FILE, ENVIRONMENT_NAME, MASTER_FILE
from emulator.iso7816 import SW, Atr, AtrError

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
    if raw == Atr.contactless(atr.historical).to_bytes():
        raise NotApplicable("非接触界面，没有接触式复位应答", "the contactless interface has no contact reset answer")
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
    "ATR/no-negotiation/BV",
    "不经 PPS 直接使用",
    "Commands without negotiation",
    requirements=["SSC-ATR-008"],
    kind=Kind.VALID,
    expected=(
        "复位后首字节非 FF 即按命令处理：SELECT 为 61xx（错误 PPS 的无应答须用接触层设备测试）",
        "a first byte other than FF is a command: SELECT answers 61xx; that a malformed PPS request stays "
        "unanswered needs a bench at the contacts",
    ),
)
def no_negotiation(bench: Bench) -> None:
    """The half of the requirement that APDUs can show; for the other half the case says that it was not run."""
    first = select_name(ENVIRONMENT_NAME) if ENVIRONMENT in bench.profile.directory else select_identifier(MASTER_FILE)
    for cold in (True, False):
        bench.reset(cold)
        bench.expect(
            bench.transmit(first),
            Expectation((SW.SUCCESS,), families=(0x61,)),
            "复位后的第一条命令",
            "the first command after reset",
            requirement="SSC-ATR-008",
        )
    raise NotRun(
        "复位后不经 PPS 可用（已检查）；错误 PPS 请求的无应答超出 APDU 测试台的能力",
        "usable without PPS, which was checked; a bench of APDUs cannot send a malformed PPS request",
    )


@SUITE.case(
    "ATR/master-file/BO",
    "复位后 MF 为当前目录",
    "The MF is current after reset",
    requirements=["SSC-ATR-009"],
    kind=Kind.INOPPORTUNE,
    expected=(
        "复位前所选的文件与目录不再有效：6986 与 6A82",
        "neither the file nor the directory selected before is current: 6986 and 6A82",
    ),
)
def master_file_again(bench: Bench) -> None:
    """A file that was current before is unknown to the directory in which the card stands afterwards."""
    known = {
        file.fid for name, found in bench.profile.directory.items() if name == "MF" for file in found.file.values()
    }
    for name, described in bench.profile.directory.items():
        files = [file for file in described.file.values() if file.structure != "internal" and file.fid not in known]
        for cold in (True, False) if files else ():
            open_directory(bench, name)
            bench.need(bench.send(select_identifier(files[0].fid, CHILD_FILE)), "选择文件", "SELECT a file")
            bench.reset(cold)
            bench.expect(
                bench.send(select_identifier(files[0].fid, CHILD_FILE)),
                SW.FILE_NOT_FOUND,
                f"复位后选择 {name} 的文件",
                f"SELECT a file of {name} after reset",
                requirement="SSC-ATR-009",
            )


@SUITE.case(
    "ATR/forgets/BO",
    "复位清除安全状态",
    "Reset forgets the security status",
    requirements=["SSC-ATR-009"],
    kind=Kind.INOPPORTUNE,
    expected=(
        "以密码或密钥取得的权限复位后失效：读 DF01/EF05 为 6982",
        "no right by PIN or key survives: reading DF01/EF05 is refused with 6982",
    ),
)
def forgets(bench: Bench) -> None:
    """Neither a verified PIN nor an authenticated key survives a reset, cold or warm."""
    household = place(bench, "DF01/EF05")
    for cold in (True, False):
        for condition in household.file.read.alternatives:
            household.open(bench)
            for name in sorted(condition):
                prove(bench, name)
            bench.need(read_first(bench, household.file), "满足条件后读取", "READ RECORD with the right")
            bench.reset(cold)
            household.open(bench)
            bench.expect(
                read_first(bench, household.file),
                REFUSED,
                "复位后读取",
                "READ RECORD after reset",
                requirement="SSC-ATR-009",
            )
