"""Life cycle 生命周期: blank card, pre-made card, personalisation, and what personalisation closes."""

from __future__ import annotations

from conformance.actors.key_service import KeyService
from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.dialogue import (
    REFUSED,
    FilePlace,
    apdu,
    authenticate,
    open_directory,
    place,
    read_first,
    read_record,
    satisfy,
    select_identifier,
)
from conformance.failures import CardFailure, NotApplicable
from conformance.maintenance import WRONG, historical, key_place, own_directories
from conformance.suites.standard.values import described, difference, shown
from emulator.iso7816 import SW
from profiles.dictionary import element

SUITE = Suite("life cycle", "生命周期", "Life cycle")

CLOSED = Expectation(
    (SW.SECURITY_STATUS_NOT_SATISFIED, SW.CONDITIONS_OF_USE_NOT_SATISFIED, SW.INSTRUCTION_NOT_SUPPORTED)
)
UPDATE_KEY, TRANSPORT_KEY = "UKSSSE", "TK"
MASTER_FILE = b"\x3f\x00"
FILE_BODY = bytes.fromhex("000000 0010 EF1D C4 00 1D 00 00 0000 0000")
"""CREATE FILE: a transparent file EF1D of 16 bytes, free to read and update (reconstructed specification §3.5)."""
PLAIN_KEY = bytes.fromhex("0005000000000010")
CREATE_FILE = apdu(0x80, 0xE0, 0x01, 0, FILE_BODY)
WRITE_KEY = apdu(0x80, 0xD4, 0, 0, (PLAIN_KEY + bytes(16)).ljust(32, b"\x80"))
ERASING = {
    "DELETE 01": apdu(0x80, 0xE1, 0, 0x01),
    "DELETE 02": apdu(0x80, 0xE1, 0, 0x02),
    "DELETE 03": apdu(0x80, 0xE1, 0, 0x03),
    "ERASE": apdu(0x80, 0x0E, 0, 0, MASTER_FILE),
}
"""Sent only where the card may be given up: a faulty card would lose everything."""
FILLED, EMPTY = ("01", "03", "04", "05", "06"), ("07", "08", "09")


@SUITE.case(
    "LIFE/closed/BO",
    "个人化后预置命令关闭",
    "Pre-issue commands are closed after personalisation",
    requirements=["SSC-LIFE-011"],
    kind=Kind.INOPPORTUNE,
    expected=("6982、6985 或 6D00，卡片不变", "6982, 6985 or 6D00, and the card is as before"),
)
def closed(bench: Bench) -> None:
    """CREATE FILE, DELETE, ERASE and WRITE KEY in every directory, with rights and without."""
    if bench.profile.life_cycle == "blank":
        raise NotApplicable("空白卡尚未个人化", "a blank card is not personalised yet")
    commands = {"CREATE FILE": CREATE_FILE, "WRITE KEY": WRITE_KEY}
    if bench.target.renewable or bench.destructive:
        commands |= ERASING
    for directory in own_directories(bench.profile):
        described = bench.profile.directory[directory]
        open_directory(bench, directory)
        for proven in (None, *described.key):
            if proven is not None:
                if described.key[proven].use not in _provable(bench):
                    continue
                bench.need(authenticate(bench, proven), f"用 {proven} 外部认证", f"EXTERNAL AUTHENTICATE with {proven}")
            for name, command in commands.items():
                shown = f"{directory} {name}" + (f"（{proven}）" if proven else "")
                bench.expect(bench.send(command), CLOSED, shown, shown, requirement="SSC-LIFE-011")
    issuer = place(bench, "SSSE/EF05")
    issuer.open(bench)
    bench.expect(read_first(bench, issuer.file), GOOD, "EF05 可读", "EF05 can be read", requirement="SSC-LIFE-011")
    bench.expect(
        bench.send(select_identifier(FILE_BODY[5:7], 0x02)),
        SW.FILE_NOT_FOUND,
        "没有新文件",
        "no new file",
        requirement="SSC-LIFE-011",
    )
    bench.expect(authenticate(bench, UPDATE_KEY), GOOD, "密钥不变", "keys as before", requirement="SSC-LIFE-011")


def _provable(bench: Bench) -> tuple[str, ...]:
    """Uses of keys that may be tried: a master key, which nothing but its right value unlocks, only on a card of ours."""
    return ("external authentication", "master") if bench.target.renewable else ("external authentication",)


@SUITE.case(
    "LIFE/transport-code/BO",
    "传输密码",
    "Transport code of a blank card",
    requirements=["SSC-LIFE-012"],
    kind=Kind.INOPPORTUNE,
    expected=("校验传输密码前创建文件 6982", "CREATE FILE before the transport code gives 6982"),
)
def transport_code(bench: Bench) -> None:
    """No code; and on a card that can be renewed a wrong code, then the right one."""
    maker = KeyService(bench.profile, historical(bench))
    bench.need(bench.send(select_identifier(MASTER_FILE)), "选择 MF", "SELECT MF")
    bench.expect(bench.send(CREATE_FILE), REFUSED, "无传输密码", "no transport code", requirement="SSC-LIFE-012")
    key_place(bench, TRANSPORT_KEY)
    if not bench.target.renewable:
        return
    code = maker.transport_code(TRANSPORT_KEY)
    wrong = bytes([code[0] ^ 1]) + code[1:]
    bench.expect(
        bench.send(apdu(0x80, 0xE0, 0x03, 0, wrong)), WRONG, "错误传输密码", "wrong code", requirement="SSC-LIFE-012"
    )
    bench.expect(bench.send(CREATE_FILE), REFUSED, "错误密码后创建", "CREATE FILE after it", requirement="SSC-LIFE-012")
    bench.expect(
        bench.send(apdu(0x80, 0xE0, 0x03, 0, code)), GOOD, "正确传输密码", "right code", requirement="SSC-LIFE-012"
    )
    bench.reset()
    bench.expect(
        bench.send(CREATE_FILE), REFUSED, "复位后创建", "CREATE FILE after a reset", requirement="SSC-LIFE-012"
    )
    bench.need(bench.send(apdu(0x80, 0xE0, 0x03, 0, code)), "正确传输密码", "right code")
    bench.expect(bench.send(CREATE_FILE), GOOD, "其后创建", "CREATE FILE afterwards", requirement="SSC-LIFE-012")


@SUITE.case(
    "LIFE/pre-made/BV",
    "预制卡内容",
    "What a pre-made card holds",
    requirements=["SSC-LIFE-013"],
    kind=Kind.VALID,
    expected=(
        "01、03、04、05、06 已写入，07、08、09 为初始值",
        "01, 03, 04, 05 and 06 are filled, 07, 08 and 09 are at their initial fill",
    ),
)
def pre_made(bench: Bench) -> None:
    """Every record of EF05 and EF06 that the requirement names."""
    for path in ("SSSE/EF05", "SSSE/EF06"):
        file = place(bench, path)
        file.open(bench)
        if not file.file.read.is_free:
            satisfy(bench, file.file.read)
        for number, tag in enumerate(file.file.elements, 1):
            if tag in FILLED or tag in EMPTY:
                answer = bench.need(read_record(bench, file.file, number), f"读 {tag}", f"READ RECORD of {tag}")
                bench.check(
                    (answer.data[2:] == element(tag).initial_fill) is (tag in EMPTY),
                    f"标识 {tag} {'为初始值' if tag in EMPTY else '已写入'}",
                    f"tag {tag} is {'at its initial fill' if tag in EMPTY else 'filled'}",
                    expected="initial fill" if tag in EMPTY else "a value",
                    received=shown(int(tag, 16), answer.data[2:]),
                    requirement="SSC-LIFE-013",
                    go_on=True,
                )


@SUITE.case(
    "LIFE/rewrite/BV",
    "发卡时可重写",
    "Rewriting at issue",
    requirements=["SSC-LIFE-014"],
    kind=Kind.VALID,
    expected=("认证 04 后同一记录可多次更新", "after key 04 the same record can be updated again and again"),
)
def rewrite(bench: Bench) -> None:
    """The last record of EF05 and of EF06: another value, read back, then the old one again."""
    for path in ("SSSE/EF05", "SSSE/EF06"):
        file = place(bench, path)
        number = len(file.file.elements)
        file.open(bench)
        if not file.file.read.is_free:
            satisfy(bench, file.file.read)
        bench.need(authenticate(bench, UPDATE_KEY), "外部认证", "EXTERNAL AUTHENTICATE")
        old = bench.need(read_record(bench, file.file, number), f"读 {path}", f"reading {path}").data
        if len(old) < 3:
            raise CardFailure(
                "SSC-LIFE-014", "记录过短", "the record is too short", "tag, length, value", old.hex().upper()
            )
        for value in (old[:-1] + bytes([old[-1] ^ 1]), old):
            _write(bench, file, number, value)


def _write(bench: Bench, file: FilePlace, number: int, value: bytes) -> None:
    answer = bench.send(apdu(0, 0xDC, number, file.file.short_identifier << 3 | 4, value))
    bench.expect(answer, GOOD, f"更新 {file.path}", f"UPDATE RECORD of {file.path}", requirement="SSC-LIFE-014")
    now = read_record(bench, file.file, number).data
    bench.check(
        now == value,
        f"{file.path} 内容",
        f"content of {file.path}",
        expected=described(value),
        received=difference(now, value),
        requirement="SSC-LIFE-014",
    )
