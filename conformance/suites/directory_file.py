"""Finding applications without knowing them: directory file 目录文件, labels, parts of names, payment environment."""

from __future__ import annotations

from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.dialogue import ENVIRONMENT, apdu, open_directory, select_identifier, select_name
from conformance.failures import CardFailure, NotApplicable
from conformance.suites.selection import ENVIRONMENT_NAME, MASTER_FILE, NOT_FOUND, SELECTED, objects, wants_answer
from emulator.iso7816 import SW, Tlv, TlvError, tlv

SUITE = Suite("directory file", "目录文件与应用查找", "Directory file and finding applications")

DIRECTORY_FILE = 0x1E
MOST_RECORDS = 32
PAYMENT_ENVIRONMENT_NAME = b"1PAY.SYS.DDF01"
REGISTERED_PREFIX = bytes.fromhex("D156000005")
"""What the names of all applications of the environment begin with."""
LABELS = {"DF05": "生命与健康信息区", "DF06": "救助与优抚信息区"}
FIRST, NEXT = 0x00, 0x02


def _directory_records(bench: Bench, requirement: str) -> list[bytes]:
    """All records of the directory file, read until 6A83."""
    open_directory(bench, ENVIRONMENT)
    records: list[bytes] = []
    for number in range(1, MOST_RECORDS):
        answer = bench.send(apdu(0x00, 0xB2, number, DIRECTORY_FILE << 3 | 4, ne=256))
        if answer.sw == SW.RECORD_NOT_FOUND and records:
            return records
        bench.expect(
            answer,
            GOOD,
            f"读目录文件记录 {number}",
            f"READ RECORD {number} of the directory file",
            requirement=requirement,
        )
        records.append(answer.data)
    raise CardFailure(
        requirement, "目录文件没有末尾", "the directory file has no end", "6A83", f"{MOST_RECORDS - 1} × 9000"
    )


def _labels(records: list[bytes]) -> dict[bytes, bytes]:
    """AIDs by label, both of whatever can be made out; a record without a name gives an empty AID."""
    found = {}
    for record in records:
        try:
            template = Tlv.parse(record)
            label, name = tlv.find(template, 0x70, 0x61, 0x50), tlv.find(template, 0x70, 0x61, 0x4F)
        except TlvError:
            continue
        found[label.value if label else b""] = name.value if name else b""
    return found


@SUITE.case(
    "SEL/directory-file/BV",
    "目录文件列出全部 ADF",
    "The directory file lists every ADF",
    requirements=["SSC-SEL-017"],
    kind=Kind.VALID,
    expected=(
        "每个 ADF 一条记录 70 { 61 { 4F AID, 50 应用标签 } }",
        "one record 70 { 61 { 4F AID, 50 label } } for each ADF",
    ),
)
def directory_file(bench: Bench) -> None:
    """The records are well formed, and the names in them are those of the declared applications, each once."""
    records = _directory_records(bench, "SSC-SEL-017")
    names = []
    for number, record in enumerate(records, 1):
        template = objects(record, "SSC-SEL-017")
        entry = template[0].find(0x61) if [item.tag for item in template] == [0x70] else None
        bench.check(
            entry is not None and entry.find(0x50) is not None,
            f"记录 {number} 的结构",
            f"structure of record {number}",
            expected="70 { 61 { 4F …, 50 … } }",
            received=record,
            requirement="SSC-SEL-017",
        )
        name = entry.find(0x4F) if entry else None
        if name is not None:
            names.append(name.value)
    declared = [
        directory.aid
        for directory in bench.profile.directory.values()
        if directory.parent == ENVIRONMENT and directory.kind == "ADF" and directory.aid
    ]
    bench.check(
        sorted(names) == sorted(declared),
        "各 ADF 的 AID",
        "AIDs of the ADFs",
        expected=_listed(declared),
        received=_listed(names),
        requirement="SSC-SEL-017",
    )


def _listed(names: list[bytes]) -> str:
    return " ".join(name.hex().upper() for name in sorted(names)) or "—"


@SUITE.case(
    "SEL/labels/BV",
    "以应用标签公布的应用",
    "Applications announced by their label",
    requirements=["SSC-SEL-016"],
    kind=Kind.VALID,
    expected=(
        "目录文件中有 DF05 的标签生命与健康信息区、DF06 的标签救助与优抚信息区",
        "the directory file has the label 生命与健康信息区 for DF05, 救助与优抚信息区 for DF06",
    ),
)
def labels(bench: Bench) -> None:
    """DF05 and DF06 have no AID, so a program finds them by their label (GBK)."""
    there = [name for name in LABELS if name in bench.profile.directory]
    if not there:
        raise NotApplicable("卡片声明中没有 DF05 和 DF06", "the declared card has neither DF05 nor DF06")
    found = _labels(_directory_records(bench, "SSC-SEL-016"))
    for name in there:
        label = LABELS[name].encode("gbk")
        bench.check(
            label in found,
            f"{name} 的应用标签",
            f"label of {name}",
            expected=label,
            received=" ".join(known.hex().upper() for known in found) or "—",
            requirement="SSC-SEL-016",
        )


# Names in part


def _name_of(data: bytes, requirement: str) -> bytes:
    found = tlv.find(objects(data, requirement), 0x6F, 0x84)
    return found.value if found else b""


@SUITE.case(
    "SEL/partial-name/BV",
    "以 AID 的左部选择",
    "Selection by the left part of an AID",
    requirements=["SSC-SEL-019"],
    kind=Kind.VALID,
    expected=(
        "声明为左部匹配时选中名称以之开头的目录，否则 6A82",
        "where the profile declares left matching a DF whose name begins so, otherwise 6A82",
    ),
)
def partial_name(bench: Bench) -> None:
    """Every left part of the name of SSSE, and the part that all applications share."""
    left = bench.profile.settings.partial_name == "left"
    parts = [ENVIRONMENT_NAME[:length] for length in range(5, len(ENVIRONMENT_NAME))] + [REGISTERED_PREFIX]
    for part in parts:
        open_directory(bench, ENVIRONMENT)
        answer = bench.send(wants_answer(bench, select_name(part)))
        bench.expect(
            answer,
            SELECTED if left else NOT_FOUND,
            f"以 {part.hex().upper()} 选择（声明：{'左部匹配' if left else '不接受'}）",
            f"SELECT {part.hex().upper()} (declared: {'left match' if left else 'refused'})",
            requirement="SSC-SEL-019",
        )
        if left:
            name = _name_of(answer.data, "SSC-SEL-019")
            bench.check(
                name.startswith(part),
                "所选目录的名称",
                "name of the selected DF",
                expected=f"{part.hex().upper()}…",
                received=name or "—",
                requirement="SSC-SEL-019",
            )


@SUITE.case(
    "SEL/next-name/BV",
    "以左部选择下一个应用",
    "The next application whose name begins so",
    requirements=["SSC-SEL-019"],
    kind=Kind.VALID,
    expected=(
        "P2 = 02 逐个选中其余应用，各一次，最后 6A82",
        "P2 = 02 selects the other applications one after the other, each once, and then 6A82",
    ),
)
def next_name(bench: Bench) -> None:
    """First and next over the prefix of the family's applications."""
    if bench.profile.settings.partial_name != "left":
        raise NotApplicable("声明为不接受部分 AID", "the card is declared to refuse parts of names")
    open_directory(bench, ENVIRONMENT)
    declared = [
        directory.aid
        for directory in bench.profile.directory.values()
        if directory.aid and directory.aid.startswith(REGISTERED_PREFIX)
    ]
    found: list[bytes] = []
    for p2 in (FIRST, *[NEXT] * len(declared)):
        answer = bench.send(wants_answer(bench, apdu(0x00, 0xA4, 0x04, p2, REGISTERED_PREFIX)))
        if answer.sw == SW.FILE_NOT_FOUND:
            break
        if p2 == NEXT and answer.sw in (SW.INCORRECT_P1_P2, SW.FUNCTION_NOT_SUPPORTED):
            raise NotApplicable("卡片不支持选择下一个", "the card has no SELECT of the next occurrence")
        bench.expect(answer, GOOD, "选择下一个", "SELECT the next one", requirement="SSC-SEL-019")
        found.append(_name_of(answer.data, "SSC-SEL-019"))
    bench.check(
        sorted(found) == sorted(declared),
        "依次选中的应用",
        "applications selected one after the other",
        expected=_listed(declared),
        received=_listed(found),
        requirement="SSC-SEL-019",
    )


@SUITE.case(
    "SEL/payment-environment/BV",
    "支付系统环境 PSE",
    "Payment system environment PSE",
    requirements=["SSC-SEL-018"],
    kind=Kind.VALID,
    expected=("MF 的名称为 1PAY.SYS.DDF01，按名称可选择", "the MF is named 1PAY.SYS.DDF01 and selected by that name"),
)
def payment_environment(bench: Bench) -> None:
    """A chip with a bank application names its MF as terminals look for it."""
    for command in (select_name(PAYMENT_ENVIRONMENT_NAME), select_identifier(MASTER_FILE)):
        answer = bench.expect(
            bench.send(wants_answer(bench, command)),
            Expectation((SW.SUCCESS,)),
            "选择 MF",
            "SELECT the MF",
            requirement="SSC-SEL-018",
        )
        name = _name_of(answer.data, "SSC-SEL-018")
        bench.check(
            name == PAYMENT_ENVIRONMENT_NAME,
            "MF 的名称",
            "name of the MF",
            expected=PAYMENT_ENVIRONMENT_NAME,
            received=name or "—",
            requirement="SSC-SEL-018",
        )
