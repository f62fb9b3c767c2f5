"""Identification data 识别数据 (LD/T 6001.3 7.1): elements beside each other, beside the keys and beside the structure."""

from __future__ import annotations

from conformance.actors.key_service import KeyService
from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import external_authentication, get_challenge, open_directory, select
from conformance.failures import Inconclusive, NotApplicable
from conformance.suites.access import is_empty_element
from conformance.suites.identification_elements import FOREIGNER, element_value
from conformance.suites.standard import ENVIRONMENT, standard_file
from conformance.suites.standard.values import date_of, digits, is_area, is_unwritten, text, text_problem
from conformance.suites.standard.visit import holder, readable, record, start
from emulator.iso7816 import SW, Tlv, TlvError, tlv

SUITE = Suite("formats", "识别数据", "Identification data", as_issued=True)

JPEG_BEGINNING, JPEG_END = bytes.fromhex("FFD8"), bytes.fromhex("FFD9")
BITMAP_BEGINNING = b"BM"
CARD_FACTOR_LENGTH = 8
ALGORITHM_OBJECT = 0x9F0C


@SUITE.case(
    "FMT/city/BV",
    "识别码中的城市代码",
    "City of the identification code",
    requirements=["SSC-FMT-005"],
    kind=Kind.VALID,
    expected=(
        "GB/T 2260 代码，与声明及密钥分散所用城市一致",
        "a code of GB/T 2260, as declared, and the factor of the card's keys",
    ),
)
def city(bench: Bench) -> None:
    """A key derived with the city that the card itself shows opens the card."""
    code = element_value(bench, 0x01)[:3].hex()
    bench.check(
        is_area(code) and code == bench.profile.issuer.city_code,
        "应用城市代码",
        "city code",
        expected=bench.profile.issuer.city_code,
        received=code,
        requirement="SSC-FMT-005",
    )
    if holder(bench.profile, "UKSSSE") != ENVIRONMENT:
        raise Inconclusive("卡片声明中没有 UKSSSE", "the declared card has no UKSSSE")
    start(bench, ENVIRONMENT)
    if len(bench.historical) < CARD_FACTOR_LENGTH:
        raise Inconclusive("复位应答中没有卡分散因子", "the reset answer has no card factor")
    genuine = KeyService(bench.profile, bench.historical, code)
    data = genuine.external_authentication("UKSSSE", get_challenge(bench))
    answer = external_authentication(bench, "UKSSSE", data)
    zh, en = "用该城市代码分散的密钥外部认证", "EXTERNAL AUTHENTICATE with a key derived with that city"
    bench.expect(answer, SW.SUCCESS, zh, en, requirement="SSC-FMT-005")


@SUITE.case(
    "FMT/authentication-code/BV",
    "卡的认证码",
    "Card authentication code",
    requirements=["SSC-FMT-006"],
    kind=Kind.VALID,
    expected=(
        "IRK 对前 12 字节的 MAC；发卡前可为 FFFFFFFF",
        "the MAC with IRK over the first 12 bytes; before issue it may be FFFFFFFF",
    ),
)
def authentication_code(bench: Bench) -> None:
    """The issuer's proof that the card is genuine."""
    value = element_value(bench, 0x01)
    if holder(bench.profile, "IRK") is None:
        raise Inconclusive("卡片声明中没有 IRK", "the declared card has no IRK")
    wanted = bench.keys.identification_code("IRK", value)
    unissued = bench.profile.life_cycle != "personalised" and value[12:] == b"\xff" * 4
    bench.check(
        value[12:] == wanted or unissued,
        "识别码第 12–15 字节",
        "bytes 12 to 15 of the identification code",
        expected=wanted,
        received=value[12:],
        requirement="SSC-FMT-006",
    )


@SUITE.case(
    "FMT/version-and-structure/BV",
    "版本与结构一致",
    "Version agrees with structure",
    requirements=["SSC-FMT-009"],
    kind=Kind.VALID,
    expected=(
        "选择应答含 9F0C，认证前读 EF06 为 6982 或空数据元",
        "SELECT answers 9F0C; EF06 is refused with 6982 or empty before authentication",
    ),
)
def version_and_structure(bench: Bench) -> None:
    """What reader programs conclude from version 3.00."""
    open_directory(bench, ENVIRONMENT)
    answer = select(bench, ENVIRONMENT)
    try:
        found = tlv.find(Tlv.parse(answer.data, strict=False), 0x6F, 0xA5, ALGORITHM_OBJECT)
    except TlvError:
        found = None
    bench.check(
        found is not None,
        "选择 SSSE 的应答中的算法标识",
        "algorithm object in the answer of SELECT SSSE",
        expected="9F0C",
        received=answer.data or f"{answer.sw:04X}",
        requirement="SSC-FMT-009",
        go_on=True,
    )
    holder_file = standard_file(bench.profile, "SSSE/EF06")
    if holder_file is None:
        return
    for number in range(1, len(holder_file.records) + 1):
        response = record(bench, holder_file, number)
        bench.check(
            response.sw == SW.SECURITY_STATUS_NOT_SATISFIED or is_empty_element(response),
            f"认证前读 EF06 第 {number} 条",
            f"EF06 record {number} before authentication",
            expected="6982, or an empty element",
            received=f"{response.sw:04X}, {len(response.data)} bytes",
            requirement="SSC-FMT-009",
            go_on=True,
        )


@SUITE.case(
    "FMT/date-of-expiry/BV",
    "卡有效期",
    "Date of expiry",
    requirements=["SSC-FMT-013"],
    kind=Kind.VALID,
    expected=("有效日期，晚于发卡日期", "a valid date after the date of issue"),
)
def expiry(bench: Bench) -> None:
    """Tag 06 beside tag 05."""
    issued, expires = element_value(bench, 0x05), element_value(bench, 0x06)
    first, last = date_of(issued), date_of(expires)
    bench.check(
        last is not None and (first is None or first < last),
        "卡有效期",
        "date of expiry",
        expected=f"a date after {digits(issued)}",
        received=digits(expires),
        requirement="SSC-FMT-013",
    )


@SUITE.case(
    "FMT/name/BV",
    "姓名与姓名扩展",
    "Name and extended name",
    requirements=["SSC-FMT-017"],
    kind=Kind.VALID,
    expected=(
        "姓名与扩展各自及相接均为完整汉字，姓名未满 30 字节时扩展为空",
        "whole characters in both parts; no second part unless the first is full",
    ),
)
def name(bench: Bench) -> None:
    """The boundary between 09 and 4E cuts no character."""
    first = element_value(bench, 0x09)
    try:
        second = element_value(bench, 0x4E)
    except NotApplicable:
        second = b""
    whole = first.rstrip(b"\x00\xff") + second
    for tag, value in ((0x09, first), (0x4E, second), (0x09, whole)):
        problem = text_problem(value)
        zh, en = ("姓名相接", "both parts together") if value is whole else (f"标识 {tag:02X}", f"tag {tag:02X}")
        bench.check(
            problem is None,
            zh,
            en,
            expected="whole GBK characters",
            received=problem or "whole GBK characters",
            requirement="SSC-FMT-017",
            go_on=True,
        )
    continued = bool(second.rstrip(b"\x00\xff"))
    room = len(first) - len(first.rstrip(b"\x00\xff"))
    bench.check(
        bool(text(first)) and (not continued or room <= 1),
        "姓名未满时不用扩展",
        "the name goes on only where the first part is full",
        expected="a name; a second part only behind a full first one",
        received=f"{len(first) - room} bytes, then {'more' if continued else 'nothing'}",
        requirement="SSC-FMT-017",
    )


@SUITE.case(
    "FMT/date-of-birth/BV",
    "出生日期与社会保障号码一致",
    "Date of birth agrees with the number",
    requirements=["SSC-FMT-021"],
    kind=Kind.VALID,
    expected=("等于公民身份号码第 7–14 位", "digits 7 to 14 of the citizen number"),
)
def date_of_birth(bench: Bench) -> None:
    """Tag 0D beside tag 08; neither is written to the log."""
    number, born = text(element_value(bench, 0x08)), element_value(bench, 0x0D)
    if FOREIGNER.match(number):
        raise NotApplicable("持卡人不是中国公民", "the holder is not a citizen")
    bench.check(
        digits(born) == number[6:14],
        "出生日期",
        "date of birth",
        expected="digits 7 to 14 of tag 08",
        received="the same" if digits(born) == number[6:14] else "another date",
        requirement="SSC-FMT-021",
    )


@SUITE.case(
    "FMT/photograph/BV",
    "照片格式",
    "Format of the photograph",
    requirements=["SSC-FMT-022"],
    kind=Kind.VALID,
    expected=("BMP 或 JPEG，完整地位于文件内", "a BMP or JPEG image that ends inside the file"),
)
def photograph(bench: Bench) -> None:
    """The first bytes tell the kind, the image's own end or length that it is whole."""
    file = standard_file(bench.profile, "SSSE/EF08")
    if file is None:
        raise NotApplicable("卡片没有 SSSE/EF08", "the card has no SSSE/EF08")
    data = readable(bench, file).records[0]
    if is_unwritten(data):
        raise NotApplicable("照片未写入", "no photograph was written")
    jpeg = data[:2] == JPEG_BEGINNING and JPEG_END in data
    bitmap = data[:2] == BITMAP_BEGINNING and 0 < int.from_bytes(data[2:6], "little") <= len(data)
    bench.check(
        jpeg or bitmap,
        "照片的开头与结尾",
        "beginning and end of the photograph",
        expected="FFD8 … FFD9, or 424D and a length within the file",
        received=f"{data[:2].hex().upper()}, {'with' if JPEG_END in data else 'without'} FFD9",
        requirement="SSC-FMT-022",
    )
