"""Faults of personalisation: what stands on the card is not what the standard lets stand there."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.faults.catalogue import FaultSet, having, version_3
from conformance.faults.means import element, files_of, records
from emulator.cos.memory import Value, octets_in

FAULTS = FaultSet()
ISSUER, HOLDER = "SSSE/EF05", "SSSE/EF06"
IDENTIFICATION, NAME, PHOTO = 0x01, 0x09, "SSSE/EF08"
NAME_OFFSET = 2
LOG = "DF04/EF08"
SETTLEMENTS = "DF04/EF15"
POLICIES = "DF02/EF16"


def _issuer(name: str, zh: str, en: str, requirements: list[str], tag: int, value: str) -> None:
    FAULTS.contents("fmt." + name, zh, en, requirements, element(ISSUER, tag, bytes.fromhex(value)))


def _holder(name: str, zh: str, en: str, requirements: list[str], tag: int, value: str) -> None:
    FAULTS.contents("fmt." + name, zh, en, requirements, element(HOLDER, tag, bytes.fromhex(value)))


# The issuer's file

_issuer(
    "provider",
    "卡的识别码中注册标识错误",
    "The identification code names another application provider",
    ["SSC-FMT-004"],
    0x01,
    "500000 D156000004",
)
_issuer(
    "city",
    "卡的识别码中城市代码错误",
    "The identification code names another city than the keys",
    ["SSC-FMT-005", "SSC-ATR-005"],
    0x01,
    "510100",
)
_issuer("category", "卡的类别不在代码表内", "The card category is in no list", ["SSC-FMT-007"], 0x02, "35")
_issuer("version", "规范版本不存在", "The version is none of the specification", ["SSC-FMT-008"], 0x03, "332E3032")
FAULTS.contents(
    "fmt.version-of-another",
    "规范版本与卡结构不符",
    "A card of version 3.00 says that it is 2.00",
    ["SSC-FMT-009", "SSC-FMT-008"],
    element(ISSUER, 0x03, b"2.00"),
    version_3,
)
_issuer(
    "institution-prefix",
    "初始化机构编号前缀错误",
    "The initialising body has a wrong prefix",
    ["SSC-FMT-010"],
    0x04,
    "9156000003",
)
_issuer(
    "institution-area",
    "初始化机构编号中的地区与声明不符",
    "The initialising body is of another area",
    ["SSC-FMT-011"],
    0x04,
    "9156000002 440300",
)
_issuer("issued-30-february", "发卡日期无效", "The date of issue is 30 February", ["SSC-FMT-012"], 0x05, "20260230")
_issuer(
    "expired-before-issue", "有效期早于发卡日期", "The card expires before its issue", ["SSC-FMT-013"], 0x06, "20150101"
)
_issuer(
    "card-number-length",
    "卡号只有 8 个字符",
    "The card number has eight characters",
    ["SSC-FMT-014"],
    0x07,
    b"A1234567\0".hex(),
)
_issuer(
    "card-number-check",
    "卡号校验码错误",
    "The check character of the card number is wrong",
    ["SSC-FMT-015"],
    0x07,
    b"A12345675".hex(),
)


def _wrong_authentication_code(found: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The identification code ends with the authentication code of another card."""
    return (found[0][:-1] + bytes([found[0][-1] ^ 0x01]), *found[1:])


FAULTS.contents(
    "fmt.authentication-code",
    "卡的认证码与 IRK 不符",
    "The card authentication code is not made with IRK",
    ["SSC-FMT-006"],
    records(ISSUER, _wrong_authentication_code),
)

# The holder's file

_holder(
    "citizen-number-check",
    "社会保障号码校验码错误",
    "The check character of the social security number is wrong",
    ["SSC-FMT-016"],
    0x08,
    b"500000199002280027".hex(),
)
_holder("sex", "性别代码错误", "The sex is in no list", ["SSC-FMT-018"], 0x0A, "33")
_holder("ethnic-group", "民族代码错误", "The ethnic group is in no list", ["SSC-FMT-019"], 0x0B, "57")
_holder("birthplace", "出生地代码错误", "The place of birth is no area code", ["SSC-FMT-020"], 0x0C, "000103")
_holder(
    "birth-date",
    "出生日期与社会保障号码不符",
    "The date of birth differs from that in the social security number",
    ["SSC-FMT-021"],
    0x0D,
    "19900301",
)
_holder(
    "letters-in-cn", "cn 元素含十六进制字母", "A cn element holds a hexadecimal letter", ["SSC-FMT-001"], 0x0C, "50010A"
)


def _name_cut(cells: Mapping[str, Value]) -> dict[str, Value]:
    """The name fills its element to the last byte, which is half a character; the other half is lost."""
    found = list(files_of(cells, HOLDER))
    index = next(index for index, record in enumerate(found) if record[0] == NAME)
    room = len(found[index]) - NAME_OFFSET
    found[index] = found[index][:NAME_OFFSET] + ("A" + "渝" * room).encode("gbk")[:room]
    return {"file:" + HOLDER: tuple(found)}


FAULTS.contents(
    "fmt.name-cut",
    "姓名在半个汉字处截断",
    "The name is cut in the middle of a character",
    ["SSC-FMT-003", "SSC-FMT-017"],
    _name_cut,
)


def _name_in_utf8(found: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The name in UTF-8: three bytes a character, so that an odd number of characters is no GBK."""
    return tuple(
        record[:NAME_OFFSET] + "渝小样".encode().ljust(len(record) - NAME_OFFSET, b"\0")
        if record[0] == NAME
        else record
        for record in found
    )


FAULTS.contents(
    "fmt.name-in-utf-8",
    "姓名用 UTF-8 编码",
    "The name is written in UTF-8",
    ["SSC-FMT-003", "SSC-FMT-017"],
    records(HOLDER, _name_in_utf8),
)


def _padded_with_blanks(found: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Blanks instead of zeros behind the name."""
    return tuple(
        record[:NAME_OFFSET] + record[NAME_OFFSET:].rstrip(b"\0").ljust(len(record) - NAME_OFFSET)
        if record[0] == NAME
        else record
        for record in found
    )


FAULTS.contents(
    "fmt.padded-with-blanks",
    "an 元素以空格填充",
    "An an element is padded with blanks",
    ["SSC-FMT-002"],
    records(HOLDER, _padded_with_blanks),
)
FAULTS.contents(
    "fmt.photo",
    "照片既非 JPEG 也非 BMP",
    "The photograph is neither JPEG nor BMP",
    ["SSC-FMT-022"],
    lambda cells: {"file:" + PHOTO: b"\x89PNG" + octets_in(cells["file:" + PHOTO])[4:]},
    having(PHOTO),
)


def _log(name: str, zh: str, en: str, requirement: str, offset: int, value: str) -> None:
    """Bytes in the newest record of the medical log."""
    field = bytes.fromhex(value)

    def change(found: tuple[bytes, ...]) -> tuple[bytes, ...]:
        return (found[0][:offset] + field + found[0][offset + len(field) :], *found[1:])

    FAULTS.contents(name, zh, en, [requirement], records(LOG, change), having(LOG))


_log("fmt.terminal-area", "终端机编号中的地区无效", "A terminal number begins with no area", "SSC-FMT-024", 3, "000103")
_log(
    "fmt.amounts-in-bcd",
    "交易明细中的金额为 BCD",
    "An amount in the log is BCD, not binary",
    "SSC-FMT-023",
    20,
    "00012850",
)
_log("fmt.month-13", "交易时间的月份为 13", "A transaction was made in month 13", "SSC-FMT-025", 9, "20261312")
_log("code.transaction", "交易类型不在代码表内", "The transaction type is in no list", "SSC-CODE-026", 2, "37")

# Code lists: a value next to the valid ones, for every element that has a list

UNLISTED = (
    ("household", "户口类别", "the household registration", 1, "DF01/EF05", 0x20, b"60"),
    ("employment-state", "就业或离退休状态", "the employment or retirement state", 2, "DF01/EF07", 0x29, b"9"),
    ("marital-status", "婚姻状况", "the marital status", 3, "DF01/EF08", 0x2B, b"5"),
    ("category-of-person", "人员身份类别", "the category of person", 4, "DF01/EF09", 0x32, b"99"),
    ("nationality", "国籍", "the nationality", 5, "DF01/EF0A", 0x37, b"Z#9"),
    ("political-status", "政治面貌", "the political status", 6, "DF01/EF0A", 0x38, b"14"),
    ("education", "学历", "the education", 7, "DF01/EF15", 0x2A, b"\x99"),
    ("professional-rank", "专业技术职务级别", "the professional rank", 8, "DF02/EF05", 0x41, b"999"),
    ("employment-form", "就业登记类型", "the employment registration", 9, "DF02/EF06", 0x4B, b"30010"),
    ("unemployment-reason", "失业登记类型", "the unemployment registration", 10, "DF02/EF06", 0x4F, b"301099"),
    ("assistance", "就业援助对象类型", "the employment assistance", 11, "DF02/EF15", 0x99, b"\x10\x03999"),
    ("assessment-matter", "申请鉴定事项", "the matter to be assessed", 13, "DF03/EF06", 0x46, b"99"),
    ("disability", "伤残等级", "the degree of disability", 14, "DF03/EF06", 0x47, b"12"),
    ("dependence", "生活自理障碍等级", "the degree of dependence", 15, "DF03/EF06", 0x48, b"5"),
    ("labour-capacity", "丧失劳动能力鉴定结论", "the loss of labour capacity", 16, "DF03/EF06", 0x49, b"2"),
    ("pension", "养老保险险种类型", "the pension insurance", 17, "DF03/EF07", 0x70, b"999"),
    ("dependant-insurance", "供养险种类型", "the dependant's insurance", 18, "DF03/EF18", 0x74, b"999"),
    ("dependant-relation", "供养关系", "the dependant's relation", 19, "DF03/EF18", 0x76, b"\x3f"),
    ("certified-insurance", "参保凭证险种类型", "the certified insurance", 20, "DF03/EF19", 0x79, b"\x18\x03999"),
    ("work-injury", "工伤认定结论", "the conclusion on a work injury", 21, "DF03/EF17", 0x3D, b"5"),
    (
        "medical-insurance",
        "医疗保险险种类型及标识",
        "a flag of the medical insurance",
        22,
        "DF04/EF05",
        0x81,
        b"31001002",
    ),
    ("insured-person", "参保人员类别", "the category of the insured person", 23, "DF04/EF05", 0x8C, b"\x99"),
    ("card-use", "医疗保险用卡方式", "the mode of card use", 24, "DF04/EF05", 0x8F, b"3"),
    ("offline-settlement", "准许脱网医保结算标识", "the permission of offline settlement", 25, "DF04/EF06", 0x90, b"2"),
)
"""Name, element in Chinese and English, number in area CODE, file, tag, value in no list."""

for _name, _zh, _en, _number, _path, _tag, _value in UNLISTED:
    FAULTS.contents(
        "code." + _name,
        f"{_zh}的值不在代码表内",
        f"The value of {_en} is in no list",
        [f"SSC-CODE-{_number:03d}"],
        element(_path, _tag, _value),
        having(_path),
    )

FAULTS.contents(
    "code.policy",
    "就业扶持政策类型不在代码表内",
    "The kind of an employment policy is in no list",
    ["SSC-CODE-012"],
    records(POLICIES, lambda found: (b"999" + found[0][3:], *found[1:])),
    having(POLICIES),
)
FAULTS.contents(
    "code.settlement",
    "特殊医疗结算类别不在代码表内",
    "The category of a special settlement is in no list",
    ["SSC-CODE-027"],
    records(SETTLEMENTS, lambda found: (b"\0\x015", *found)),
    having(SETTLEMENTS),
)
