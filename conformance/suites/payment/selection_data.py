"""What the answers of SELECT and the directory of the payment system environment hold (area PAY-SEL)."""

from __future__ import annotations

from conformance.actors.bank.scripts import block_application
from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Loss, Suite
from conformance.failures import NotApplicable
from conformance.payment_answers import (
    objects_of,
)
from conformance.payment_dialogue import (
    PDOL,
    SM_SUPPORT,
    Visit,
)
from conformance.payment_judging import put_back
from conformance.payment_reading import PSE, directory_entries, directory_records, every_object, tags_and_lengths
from emulator.iso7816 import SW
from profiles.model import Profile

SUITE = Suite("payment selection data", "金融应用选择数据", "Payment: data of selection", restore=put_back)

LOG_FILES = range(11, 31)
"""Short identifiers of logs (JR/T 0025.5 §18.1, JR/T 0025.13 §5.8)."""
LEAST_LOAD_RECORDS = 10
LOG_ENTRY, LOAD_LOG_ENTRY = 0x9F4D, 0xDF4D
ISSUER_DISCRETIONARY = 0xBF0C


@SUITE.case(
    "PAY-SEL/environment/BV",
    "选择 PSE",
    "SELECT of the PSE",
    requirements=["PAY-SEL-007"],
    kind=Kind.VALID,
    expected=("9000；A5 中 88 为 01 至 0A", "9000; 88 inside A5 is 01 to 0A"),
)
def environment(bench: Bench) -> None:
    """The short identifier of the directory file."""
    response = bench.expect(Visit(bench).send_select(PSE), GOOD, "选择PSE", "SELECT PSE", requirement="PAY-SEL-007")
    found = objects_of(response.data, 0x6F, 0xA5).get(0x88, b"")
    bench.check(
        len(found) == 1 and 1 <= found[0] <= 10,
        "目录文件的短文件标识",
        "short identifier of the directory file",
        expected="88 01 01–0A",
        received=found or response.data,
        requirement="PAY-SEL-007",
    )


@SUITE.case(
    "PAY-SEL/directory/BV",
    "PSE 目录记录",
    "Directory records",
    requirements=["PAY-SEL-008", "PAY-SEL-009"],
    kind=Kind.VALID,
    expected=(
        "每条记录为 70{61{4F, 50 …}}，标签长 1 至 16；末条之后 6A83",
        "each record is 70{61{4F, 50 …}} with a label of 1 to 16 characters; 6A83 after the last",
    ),
)
def directory(bench: Bench) -> None:
    """Records 1, 2, … until the card refuses."""
    records, end = directory_records(bench)
    for record in records:
        entries = [objects_of(entry.value) for entry in record.objects]
        bench.check(
            bool(entries)
            and all(each.tag == 0x61 for each in record.objects)
            and all(5 <= len(entry.get(0x4F, b"")) <= 16 for entry in entries),
            f"目录记录 {record.number}",
            f"directory record {record.number}",
            expected="70{61{4F, 50 …}…}",
            received=record.data,
            requirement="PAY-SEL-008",
        )
        for entry in entries:
            label = entry.get(0x50, b"")
            bench.check(
                1 <= len(label) <= 16,
                "应用标签",
                "application label",
                expected="50: 1–16",
                received=label or record.data,
                requirement="PAY-SEL-009",
            )
    bench.check(
        bool(records),
        "目录记录数",
        "directory records",
        expected="≥ 1",
        received=len(records),
        requirement="PAY-SEL-008",
    )
    bench.expect(end, SW.RECORD_NOT_FOUND, "末条记录之后", "after the last record", requirement="PAY-SEL-008")


@SUITE.case(
    "PAY-SEL/directory-names/BV",
    "目录中的 AID 可选择",
    "AIDs of the directory",
    requirements=["PAY-SEL-010"],
    kind=Kind.VALID,
    expected=("每个 4F 均应答 9000", "9000 for every 4F"),
)
def directory_names(bench: Bench) -> None:
    """Each of them as the terminal would."""
    for entry in directory_entries(bench):
        name = entry.get(0x4F, b"")
        shown = name.hex().upper()
        bench.expect(
            Visit(bench).send_select(name), GOOD, f"选择 {shown}", f"SELECT {shown}", requirement="PAY-SEL-010"
        )


def _has_environment(profile: Profile) -> bool:
    return any(each.aid == PSE for each in profile.directory.values())


@SUITE.case(
    "PAY-SEL/priorities/BV",
    "多应用的优先指示器",
    "Priorities of several applications",
    requirements=["PAY-SEL-011"],
    kind=Kind.VALID,
    expected=("目录入口和各应用的应答均有 87", "87 in each directory entry and in each answer of SELECT"),
)
def priorities(bench: Bench) -> None:
    """In the directory, where there is one, and in the file control information of every application."""
    names = [each.aid for each in bench.profile.directory.values() if each.payment is not None and each.aid]
    if _has_environment(bench.profile):
        for entry in directory_entries(bench):
            if entry.get(0x4F, b"") in names:
                _expect_priority(bench, entry, "目录入口", "directory entry")
    for name in names:
        answer = bench.need(Visit(bench).send_select(name), "选择金融应用", "SELECT of the payment application")
        _expect_priority(bench, objects_of(answer.data, 0x6F, 0xA5), "文件控制信息", "file control information")


def _expect_priority(bench: Bench, objects: dict[int, bytes], zh: str, en: str) -> None:
    found = objects.get(0x87, b"")
    bench.check(
        len(found) == 1,
        f"{zh}中的优先指示器",
        f"priority in the {en}",
        expected="87 01 …",
        received=found,
        requirement="PAY-SEL-011",
    )


@SUITE.case(
    "PAY-SEL/environment-blocked/BV",
    "选择锁定的 PSE",
    "Blocked PSE",
    requirements=["PAY-SEL-013"],
    kind=Kind.VALID,
    destructive=True,
    loss=Loss.APPLICATIONS,
    expected=("卡片支持锁定 PSE 时 6283", "6283, where the card lets the PSE be blocked"),
)
def environment_blocked(bench: Bench) -> None:
    """APPLICATION BLOCK with the PSE selected, under the keys of the last transaction; few cards have that."""
    visit = Visit(bench)
    visit.online()
    bench.need(Visit(bench).send_select(PSE), "选择PSE", "SELECT of the PSE")
    if visit.send_script(block_application()).sw != SW.SUCCESS:
        raise NotApplicable("卡片不支持锁定PSE", "the card has no command that blocks its PSE")
    bench.reset()
    bench.expect(
        visit.send_select(PSE),
        Expectation((SW.SELECTED_FILE_DEACTIVATED,)),
        "选择锁定的PSE",
        "SELECT of the blocked PSE",
        requirement="PAY-SEL-013",
    )


@SUITE.case(
    "PAY-SEL/preferred-name/BV",
    "首选名称与代码表",
    "Preferred name and code table",
    requirements=["PAY-SEL-019"],
    kind=Kind.VALID,
    expected=("9F12 与 9F11 同时存在，9F11 为 01 至 10", "9F12 and 9F11 are both there; 9F11 is 01 to 10"),
)
def preferred_name(bench: Bench) -> None:
    """Both stand in the answer of SELECT."""
    visit = Visit(bench).open()
    for tag, good, wanted in (
        (0x9F12, 1 <= len(visit.objects.get(0x9F12, b"")) <= 16, "9F12: 1–16"),
        (0x9F11, visit.objects.get(0x9F11) in [bytes.fromhex(f"{n:02d}") for n in range(1, 11)], "9F11: 01–10"),
    ):
        bench.check(
            good,
            f"文件控制信息中的 {tag:X}",
            f"{tag:X} in the file control information",
            expected=wanted,
            received=visit.objects.get(tag, b""),
            requirement="PAY-SEL-019",
        )


@SUITE.case(
    "PAY-SEL/log-entry/BV",
    "交易日志入口",
    "Entry of the transaction log",
    requirements=["PAY-SEL-020"],
    kind=Kind.VALID,
    expected=("BF0C 中 9F4D 长 2 字节，短文件标识 11 至 30", "9F4D of two bytes in BF0C, short identifier 11 to 30"),
)
def log_entry(bench: Bench) -> None:
    """In the issuer discretionary data of the answer of SELECT."""
    answer = bench.need(Visit(bench).send_select(), "选择金融应用", "SELECT of the payment application")
    found = objects_of(answer.data, 0x6F, 0xA5, ISSUER_DISCRETIONARY).get(LOG_ENTRY, b"")
    bench.check(
        len(found) == 2 and found[0] in LOG_FILES,
        "交易日志入口",
        "entry of the transaction log",
        expected="9F4D: 0B–1E, n",
        received=found or answer.data,
        requirement="PAY-SEL-020",
    )


@SUITE.case(
    "PAY-SEL/load-log-entry/BV",
    "圈存日志入口",
    "Entry of the load log",
    requirements=["PAY-SEL-021"],
    kind=Kind.VALID,
    expected=(
        "DF4D 长 2 字节，短文件标识 11 至 30 且不与其他文件相同，至少 10 条",
        "DF4D of two bytes, short identifier 11 to 30 that no other file has, room for at least 10",
    ),
)
def load_log_entry(bench: Bench) -> None:
    """Neither the transaction log nor a file of the AFL has the same short identifier."""
    visit = Visit(bench)
    answer = bench.need(visit.send_select(), "选择金融应用", "SELECT of the payment application")
    objects = {each.tag: each.value for each in every_object(answer.data)}
    found = objects.get(LOAD_LOG_ENTRY, b"")
    others = {objects.get(LOG_ENTRY, b"")[:1], *(bytes((entry.sfi,)) for entry in visit.begin().entries)}
    bench.check(
        len(found) == 2 and found[0] in LOG_FILES and found[:1] not in others and found[1] >= LEAST_LOAD_RECORDS,
        "圈存日志入口",
        "entry of the load log",
        expected="DF4D: 0B–1E, ≥ 0A",
        received=found or answer.data,
        requirement="PAY-SEL-021",
    )


@SUITE.case(
    "PAY-SEL/sm-list/BV",
    "PDOL 含算法支持指示器",
    "PDOL of a card with SM algorithms",
    requirements=["PAY-SEL-022"],
    kind=Kind.VALID,
    expected=("9F38 含 DF69，长度 01", "9F38 lists DF69 with length 01"),
)
def sm_list(bench: Bench) -> None:
    """What the terminal must tell before the card chooses its algorithms."""
    visit = Visit(bench).open()
    asked = visit.objects.get(PDOL, b"")
    bench.check(
        (SM_SUPPORT, 1) in tags_and_lengths(asked),
        "PDOL 中的 DF69",
        "DF69 in the PDOL",
        expected="DF6901",
        received=asked,
        requirement="PAY-SEL-022",
    )
