"""Selection of the social security environment SSSE 社会保障系统环境 (LD/T 6001.3 7.1), and what SELECT answers of it."""

from __future__ import annotations

from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import ENVIRONMENT, select_name
from conformance.failures import NotApplicable
from conformance.suites.selection import ENVIRONMENT_NAME, READ_IDENTIFICATION, SELECTED, fetched, objects
from emulator.iso7816 import SW, tlv
from profiles.model import Text

SUITE = Suite("selection of the environment", "选择 SSSE", "Selection of the environment")

ALGORITHM_NUMBERS = {"3DES": 1, "SM4": 3}
DIRECTORY_FILE = 0x1E


@SUITE.case(
    "SEL/environment/BV",
    "选择社会保障系统环境 SSSE",
    "Selecting the social security environment SSSE",
    requirements=["SSC-SEL-001"],
    kind=Kind.VALID,
    expected=("61xx 或 9000", "61xx or 9000"),
)
def environment(bench: Bench) -> None:
    """SSSE is found by its 15-byte name, after a reset and once more from inside."""
    _needs_environment(bench)
    for _ in range(2):
        bench.expect(
            bench.transmit(select_name(ENVIRONMENT_NAME)),
            SELECTED,
            "按 AID 选择 SSSE",
            "SELECT SSSE by its AID",
            requirement="SSC-SEL-001",
        )
    answer = bench.send(READ_IDENTIFICATION)
    bench.check(
        answer.sw == SW.SUCCESS and answer.data[:1] == b"\x01",
        "SSSE 为当前目录：读卡的识别码",
        "SSSE is the current directory: the card identification code can be read",
        expected="01…9000",
        received=answer.to_bytes(),
        requirement="SSC-SEL-001",
    )


def _needs_environment(bench: Bench) -> None:
    if ENVIRONMENT not in bench.profile.directory:
        raise NotApplicable("卡片声明中没有 SSSE", "the declared card has no SSSE")


def _environment_information(bench: Bench, requirement: str) -> bytes:
    _needs_environment(bench)
    what = Text(zh="选择 SSSE", en="SELECT SSSE")
    return fetched(bench, select_name(ENVIRONMENT_NAME), what, requirement)


@SUITE.case(
    "SEL/environment-information/BV",
    "SSSE 的文件控制信息",
    "File control information of SSSE",
    requirements=["SSC-SEL-002"],
    kind=Kind.VALID,
    expected=(
        "6F 内有 84（SSSE 的 AID）与 A5，A5 内有 88 = 1E",
        "6F with 84, the AID of SSSE, and A5, in it 88 = 1E",
    ),
)
def environment_information(bench: Bench) -> None:
    """One template 6F that names SSSE and its directory file."""
    answer = _environment_information(bench, "SSC-SEL-002")
    found = objects(answer, "SSC-SEL-002")
    bench.check(
        [item.tag for item in found] == [0x6F],
        "唯一的模板",
        "a single template",
        expected="6F",
        received=" ".join(f"{item.tag:02X}" for item in found) or "—",
        requirement="SSC-SEL-002",
    )
    for path, value in (((0x6F, 0x84), ENVIRONMENT_NAME), ((0x6F, 0xA5, 0x88), bytes([DIRECTORY_FILE]))):
        item = tlv.find(found, *path)
        shown = "/".join(f"{tag:02X}" for tag in path)
        bench.check(
            item is not None and item.value == value,
            f"对象 {shown}",
            f"object {shown}",
            expected=value,
            received=item.value if item else "—",
            requirement="SSC-SEL-002",
        )


@SUITE.case(
    "SEL/algorithm/BV",
    "文件控制信息中的算法标识",
    "Algorithm identifier in the file control information",
    requirements=["SSC-SEL-003"],
    kind=Kind.VALID,
    expected=(
        "A5 内有 9F0C 03 8601xx，xx 与声明的算法一致（01 3DES，03 SM4）",
        "9F0C 03 8601xx in A5, xx being the declared algorithm (01 3DES, 03 SM4)",
    ),
)
def algorithm(bench: Bench) -> None:
    """A card of version 3.00 says which block cipher its keys are for, at the end of its answer."""
    answer = _environment_information(bench, "SSC-SEL-003")
    wanted = tlv.build(0x9F0C, bytes([0x86, 0x01, ALGORITHM_NUMBERS[bench.profile.algorithm]]))
    item = tlv.find(objects(answer, "SSC-SEL-003"), 0x6F, 0xA5, 0x9F0C)
    bench.check(
        item is not None and item.to_bytes() == wanted and answer.endswith(wanted),
        f"算法标识（{bench.profile.algorithm}）在末尾",
        f"algorithm identifier ({bench.profile.algorithm}) at the end",
        expected=wanted,
        received=answer[-len(wanted) :],
        requirement="SSC-SEL-003",
    )
