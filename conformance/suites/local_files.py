"""Local files 地方扩展文件 and the medical insurance amount file, which no command reads."""

from __future__ import annotations

from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.dialogue import apdu
from conformance.failures import NotApplicable
from conformance.suites.standard import standard_files
from conformance.suites.standard.values import described
from conformance.suites.standard.visit import BY_NUMBER, credentials, open_for, start
from emulator.iso7816 import SW

SUITE = Suite("local files", "地方扩展文件与金额文件", "Local files and the medical insurance amount file")

NO_ACCESS = Expectation(
    (
        SW.FILE_NOT_FOUND,
        SW.SECURITY_STATUS_NOT_SATISFIED,
        SW.INCOMPATIBLE_WITH_FILE_STRUCTURE,
        SW.NO_CURRENT_EF,
        SW.RECORD_NOT_FOUND,
    )
)


@SUITE.case(
    "REC/SSSE-EF0D/BV",
    "SSSE/EF0D 个人识别信息",
    "SSSE/EF0D personal identification",
    requirements=["SSC-REC-064"],
    kind=Kind.VALID,
    expected=("记录 EA(12) EB(3) EC(1) ED(1)", "records EA(12) EB(3) EC(1) ED(1)"),
)
def person_number(bench: Bench) -> None:
    """The local file of the person number, as reader programs know it."""
    wanted = {1: (0xEA, 12), 2: (0xEB, 3), 3: (0xEC, 1), 4: (0xED, 1)}
    _local_file(bench, "EF0D", "SSC-REC-064", wanted)


@SUITE.case(
    "REC/SSSE-EF0C/BV",
    "SSSE/EF0C 地方数据",
    "SSSE/EF0C local data",
    requirements=["SSC-REC-065"],
    kind=Kind.VALID,
    expected=("用密钥 07 外部认证后可读", "read after authentication with key 07"),
)
def local_data(bench: Bench) -> None:
    """The local file that some areas use for their medical insurance number."""
    _local_file(bench, "EF0C", "SSC-REC-065", {})


def _local_file(bench: Bench, name: str, requirement: str, wanted: dict[int, tuple[int, int]]) -> None:
    described = bench.profile.directory.get("SSSE")
    file = described.file.get(name) if described else None
    if file is None:
        raise NotApplicable(f"卡片声明中没有 SSSE/{name}", f"the declared card has no SSSE/{name}")
    open_for(bench, "SSSE", file.read)
    bench.need(bench.send(apdu(0x00, 0xA4, 0x02, 0x00, file.fid)), f"选择 SSSE/{name}", f"SELECT SSSE/{name}")
    first = bench.send(apdu(0x00, 0xB2, 1, BY_NUMBER, ne=256))
    bench.expect(first, GOOD, "读第 1 条记录", "READ RECORD 1", requirement=requirement)
    for number, (tag, length) in wanted.items():
        answer = bench.send(apdu(0x00, 0xB2, number, BY_NUMBER, ne=256))
        bench.check(
            answer.sw == SW.SUCCESS and answer.data[:2] == bytes([tag, length]) and len(answer.data) == length + 2,
            f"第 {number} 条记录",
            f"record {number}",
            expected=f"{tag:02X}({length})",
            received=f"{answer.data[:2].hex().upper()} {answer.sw:04X}",
            requirement=requirement,
            go_on=True,
        )


@SUITE.case(
    "REC/DF04-TF/BO",
    "医疗保险金额文件不可读",
    "The medical insurance amount file cannot be read",
    requirements=["SSC-REC-066"],
    kind=Kind.INOPPORTUNE,
    expected=("任何选择与读取命令均被拒绝", "every command that selects or reads it is refused"),
)
def medical_amounts(bench: Bench) -> None:
    """By its file identifier where the profile names one, and by every short file identifier that no known file has."""
    directory = bench.profile.directory.get("DF04")
    if directory is None:
        raise NotApplicable("卡片声明中没有 DF04", "the declared card has no DF04")
    known = {file.short_identifier for file in directory.file.values() if file.structure != "internal"}
    known |= {file.short_identifier for file in standard_files(bench.profile) if file.directory == "DF04"}
    start(bench, "DF04", credentials(bench, "DF04"))
    commands: dict[str, tuple[bytes, ...]] = {}
    for file in directory.file.values():
        if file.structure == "internal":
            fid = file.fid.hex().upper()
            commands[f"SELECT {fid}, READ BINARY"] = (
                apdu(0x00, 0xA4, 0x02, 0x00, file.fid),
                apdu(0x00, 0xB0, 0, 0, ne=256),
            )
            commands[f"SELECT {fid}, READ RECORD"] = (
                apdu(0x00, 0xA4, 0x02, 0x00, file.fid),
                apdu(0x00, 0xB2, 1, 4, ne=256),
            )
    for sfi in sorted(set(range(1, 31)) - known):
        commands[f"READ BINARY, SFI {sfi:02X}"] = (apdu(0x00, 0xB0, 0x80 | sfi, 0, ne=256),)
        commands[f"READ RECORD, SFI {sfi:02X}"] = (apdu(0x00, 0xB2, 1, sfi << 3 | 4, ne=256),)
    for name, sequence in commands.items():
        answers = [bench.send(command) for command in sequence]
        bench.check(
            NO_ACCESS.met_by(answers[-1].sw) and not answers[-1].data,
            name,
            name,
            expected=NO_ACCESS,
            received=f"{described(answers[-1].data)} {answers[-1].sw:04X}",
            requirement="SSC-REC-066",
            go_on=True,
        )
