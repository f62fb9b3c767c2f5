"""Secure messaging 安全报文: how the MAC of a maintenance command is made, and where one is needed."""

from __future__ import annotations

from conformance.actors.key_service import KeyService
from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.dialogue import (
    FilePlace,
    apdu,
    declared_pin,
    file_places,
    get_challenge,
    open_directory,
    pin_bytes,
    read_first,
    satisfy,
    select,
    update_first,
    verify,
)
from conformance.failures import NotApplicable
from conformance.maintenance import (
    MAC_LENGTH,
    MAC_REFUSED,
    RELOAD_PIN,
    UNBLOCK_PIN,
    damaged_mac,
    declared_pin_again,
    expect_pin_untouched,
    historical,
    key_place,
    maintenance_key,
    open_pin,
    protected,
    prove_unblocking_key,
    reload_pin,
    unblock_command,
    verify_wrong,
)
from conformance.suites.standard.values import described, difference
from emulator.crypto import Algorithm, mac_blocks, pad_mac, session_key
from emulator.crypto.mac import fold_words
from emulator.iso7816 import SW

SUITE = Suite("secure messaging", "安全报文", "Secure messaging")

MAC_REQUIREMENT = {"3DES": "SSC-SM-001", "SM4": "SSC-SM-006"}
WRONG_CLASS = Expectation((SW.CLASS_NOT_SUPPORTED, SW.COMMAND_NOT_ALLOWED, SW.FUNCTION_NOT_SUPPORTED))
UPDATE_KEY = "UKSSSE"
LONG_PIN = "12345678901234"
"""Seven bytes: with its length byte just one block of triple DES."""
PLAIN_REFUSED = Expectation((SW.FUNCTION_NOT_SUPPORTED, SW.SECURE_MESSAGING_OBJECTS_INCORRECT))


class Laboratory(KeyService):
    """A key service that makes MACs of any form, to see what the card refuses."""

    def mac_of_blocks(
        self, name: str, challenge: bytes, blocks: bytes, *, iv: bytes | None = None, direct: bool = False
    ) -> bytes:
        """The last block of the CBC-MAC over whole blocks; ``direct`` takes the key itself for the session key."""
        key = self._card_key(name, 1)
        if not direct:
            key = session_key(self.algorithm, key, challenge)
        return mac_blocks(self.algorithm, key, blocks, iv)

    def cut(self, last: bytes) -> bytes:
        """The four bytes that are sent of a last block."""
        whole = self.algorithm is Algorithm.SM4 and self.profile.settings.sm4_mac_fold == "xor"
        return fold_words(last, MAC_LENGTH) if whole else last[:MAC_LENGTH]


def _try(bench: Bench, mac: bytes, expected: Expectation, zh: str, en: str, requirement: str) -> None:
    """UNBLOCK PIN with a MAC; what is refused must change nothing."""
    bench.expect(bench.send(UNBLOCK_PIN + bytes([MAC_LENGTH]) + mac), expected, zh, en, requirement=requirement)
    good = expected is GOOD
    expect_pin_untouched(
        bench, f"{zh}：其后次数", f"{en}: tries afterwards", requirement=requirement, wrong=1 if good else 2
    )
    if not good:
        prove_unblocking_key(bench)
        bench.need(bench.send(unblock_command(bench, get_challenge(bench))), "解锁", "UNBLOCK PIN")


def _prepared(bench: Bench) -> tuple[Laboratory, str, bytes]:
    """A lost try, the PUK and a challenge: all that UNBLOCK PIN needs but the MAC."""
    place = open_pin(bench, wrong=2)
    verify_wrong(bench)
    prove_unblocking_key(bench)
    return Laboratory(bench.profile, historical(bench)), maintenance_key(bench, place.directory), get_challenge(bench)


def _block_size(bench: Bench) -> int:
    return Algorithm(bench.profile.algorithm).block_size


@SUITE.case(
    "SM/mac/BI",
    "维护命令的 MAC",
    "MAC of a maintenance command",
    requirements=["SSC-SM-001", "SSC-SM-006"],
    kind=Kind.INVALID,
    expected=(
        "仅接受由 STK 与 8 字节随机数的会话密钥、零初始向量、前 4 字节构成的 MAC",
        "only the MAC with the session key of STK and the 8-byte challenge, a zero initial vector, cut to 4 bytes",
    ),
)
def mac(bench: Bench) -> None:
    """The right construction, and those of other card families."""
    requirement = MAC_REQUIREMENT[bench.profile.algorithm]
    size = _block_size(bench)
    blocks = pad_mac(UNBLOCK_PIN + bytes([MAC_LENGTH]), size)
    service, key, challenge = _prepared(bench)
    right = service.cut(service.mac_of_blocks(key, challenge, blocks))
    _try(bench, right, GOOD, "会话密钥、零初始向量", "session key and zero initial vector", requirement)
    service, key, challenge = _prepared(bench)
    iv = challenge.ljust(size, b"\x00")
    last = service.mac_of_blocks(key, challenge, blocks, iv=iv)
    _try(bench, service.cut(last), MAC_REFUSED, "初始向量为随机数", "the challenge as initial vector", requirement)
    service, key, challenge = _prepared(bench)
    last = service.mac_of_blocks(key, challenge, blocks, iv=challenge.ljust(size, b"\x00"), direct=True)
    _try(bench, service.cut(last), MAC_REFUSED, "直接使用 STK（PBOC 形式）", "STK itself, as PBOC does", requirement)
    service, key, challenge = _prepared(bench)
    last = service.mac_of_blocks(key, challenge, blocks)
    _try(bench, last[-MAC_LENGTH:], MAC_REFUSED, "取最后 4 字节", "the last 4 bytes", requirement)
    service, key, challenge = _prepared(bench)
    last = service.mac_of_blocks(key_place(bench, UPDATE_KEY).name, challenge, blocks)
    _try(bench, service.cut(last), MAC_REFUSED, f"{UPDATE_KEY} 的 MAC", f"MAC of {UPDATE_KEY}", requirement)


@SUITE.case(
    "SM/mac-padding/BI",
    "MAC 填充",
    "Padding of the MAC",
    requirements=["SSC-SM-002"],
    kind=Kind.INVALID,
    expected=("80 00… 填充的 MAC 被接受，其他填充 6988", "padded with 80 00… it is accepted, otherwise 6988"),
)
def mac_padding(bench: Bench) -> None:
    """80 and zeros; zeros alone; FF; a whole block too many."""
    size = _block_size(bench)
    covered = UNBLOCK_PIN + bytes([MAC_LENGTH])
    forms = (
        ("80 00…", "80 00…", pad_mac(covered, size), GOOD),
        ("仅 00", "zeros alone", covered.ljust(size, b"\x00"), MAC_REFUSED),
        ("FF…", "FF…", covered.ljust(size, b"\xff"), MAC_REFUSED),
        ("多一个分组", "a block too many", pad_mac(covered, size) + bytes(size), MAC_REFUSED),
    )
    for zh, en, blocks, expected in forms:
        service, key, challenge = _prepared(bench)
        mac = service.cut(service.mac_of_blocks(key, challenge, blocks))
        _try(bench, mac, expected, zh, en, "SSC-SM-002")


@SUITE.case(
    "SM/mac-length/BI",
    "MAC 输入中的 Lc",
    "Lc in the input of the MAC",
    requirements=["SSC-SM-004"],
    kind=Kind.INVALID,
    expected=("Lc 含 MAC 长度时被接受，否则 6988", "accepted when Lc counts the MAC, otherwise 6988"),
)
def mac_length(bench: Bench) -> None:
    """Header with Lc 04, with Lc 00, without Lc."""
    forms = (
        (UNBLOCK_PIN + b"\x04", "04", GOOD),
        (UNBLOCK_PIN + b"\x00", "00", MAC_REFUSED),
        (UNBLOCK_PIN, "—", MAC_REFUSED),
    )
    for covered, shown, expected in forms:
        service, key, challenge = _prepared(bench)
        mac = service.maintenance_mac(key, challenge, covered)
        _try(bench, mac, expected, f"Lc {shown}", f"Lc {shown}", "SSC-SM-004")


@SUITE.case(
    "SM/padding/BV",
    "加密填充",
    "Padding of enciphered data",
    requirements=["SSC-SM-003"],
    kind=Kind.VALID,
    expected=(
        "7 字节密码加长度字节不另加分组，9000；缺长度字节被拒绝",
        "a PIN of 7 bytes takes no further block, 9000; without its length byte it is refused",
    ),
)
def encryption_padding(bench: Bench) -> None:
    """A PIN of 14 digits, with and without its length byte; then the declared one again."""
    place = open_pin(bench)
    size = _block_size(bench)
    with declared_pin_again(bench, LONG_PIN):
        prove_unblocking_key(bench)
        key, challenge = maintenance_key(bench, place.directory), get_challenge(bench)
        block = pin_bytes(LONG_PIN).ljust(size, b"\x00") if size == 8 else pad_mac(pin_bytes(LONG_PIN), size)
        enciphered = bench.keys.encipher(key, challenge, block)
        answer = bench.send(protected(bench, key, challenge, RELOAD_PIN, enciphered))
        refused = Expectation((SW.WRONG_DATA, SW.SECURE_MESSAGING_OBJECTS_INCORRECT))
        bench.expect(answer, refused, "缺长度字节", "no length byte", requirement="SSC-SM-003")
        bench.expect(verify(bench), GOOD, "原密码", "the PIN", requirement="SSC-SM-003")
        answer = reload_pin(bench, LONG_PIN)
        bench.expect(answer, GOOD, "7 字节密码", "PIN of 7 bytes", requirement="SSC-SM-003")
        bench.expect(verify(bench, LONG_PIN), GOOD, "新密码", "the new PIN", requirement="SSC-SM-003")
        bench.need(reload_pin(bench, declared_pin(bench)), "重装原密码", "RELOAD PIN")
    bench.need(verify(bench), "验证个人密码", "VERIFY")


@SUITE.case(
    "SM/class/BI",
    "CLA 低半字节",
    "Low half of CLA",
    requirements=["SSC-SM-005"],
    kind=Kind.INVALID,
    expected=("CLA 与 MAC 不符时 6E00、6900 或 6A81", "6E00, 6900 or 6A81 when CLA and MAC do not fit each other"),
)
def command_class(bench: Bench) -> None:
    """Commands with a MAC under CLA 80 and 00; plain commands under CLA 84 and 04."""
    key = maintenance_key(bench, open_pin(bench).directory)
    prove_unblocking_key(bench)
    pin = pin_bytes(declared_pin(bench))
    for cla, ins in ((0x80, 0x24), (0x80, 0x1E), (0x80, 0x16), (0x00, 0x24)):
        command = protected(bench, key, get_challenge(bench), bytes([cla, ins, 0, 0]))
        shown = f"{cla:02X}{ins:02X}"
        bench.expect(
            bench.send(command), WRONG_CLASS, f"{shown} 带 MAC", f"{shown} with a MAC", requirement="SSC-SM-005"
        )
    for command in (apdu(0x04, 0x20, 0, 0, pin), apdu(0x84, 0x5E, 1, 0, pin + b"\xff" + pin)):
        shown = command[:2].hex().upper()
        bench.expect(
            bench.send(command), WRONG_CLASS, f"{shown} 无 MAC", f"{shown} without a MAC", requirement="SSC-SM-005"
        )


def _updatable(bench: Bench, *, with_mac: bool) -> list[FilePlace]:
    """The first file of each directory that a key opens for updating, with or without line protection."""
    found: dict[str, FilePlace] = {}
    for file in file_places(bench.profile.directory):
        good = file.file.structure != "cyclic" and file.file.protected is with_mac and not file.file.read.is_never
        if good and file.file.update.names:
            found.setdefault(file.directory, file)
    return list(found.values())


def _read(bench: Bench, file: FilePlace) -> bytes:
    file.open(bench)
    if not file.file.read.is_free:
        satisfy(bench, file.file.read)
    return bench.need(read_first(bench, file.file), f"读 {file.path}", f"reading {file.path}").data or b"\x00"


@SUITE.case(
    "SM/plain/BV",
    "明文更新",
    "Update without a MAC",
    requirements=["SSC-SM-007"],
    kind=Kind.VALID,
    expected=("认证更新密钥后明文更新成功 9000", "after the update key a plain update succeeds, 9000"),
)
def plain_update(bench: Bench) -> None:
    """The first file of every directory, written as it was read."""
    files = _updatable(bench, with_mac=False)
    if not files:
        raise NotApplicable("没有明文更新的文件", "no file takes plain updates")
    for file in files:
        old = _read(bench, file)
        satisfy(bench, file.file.update)
        answer = update_first(bench, file.file, old)
        bench.expect(answer, GOOD, f"明文更新 {file.path}", f"plain update of {file.path}", requirement="SSC-SM-007")


def _with_mac(bench: Bench, file: FilePlace, value: bytes) -> bytes:
    """The update of what :func:`read_first` reads, under a MAC of the directory's STK."""
    sfi = file.file.short_identifier
    header = (
        bytes([0x04, 0xD6, 0x80 | sfi, 0])
        if file.file.structure == "transparent"
        else bytes([0x04, 0xDC, 1, sfi << 3 | 4])
    )
    return protected(bench, maintenance_key(bench, file.directory), get_challenge(bench), header, value)


@SUITE.case(
    "SM/protected/BI",
    "带 MAC 保护的更新",
    "Update of a protected file",
    requirements=["SSC-SM-008"],
    kind=Kind.INVALID,
    expected=(
        "带 MAC 9000，明文 6A81 或 6988，MAC 错误 6988",
        "9000 with the MAC, 6A81 or 6988 in plain form, 6988 with a wrong MAC",
    ),
)
def protected_update(bench: Bench) -> None:
    """Every directory with protected files."""
    files = _updatable(bench, with_mac=True)
    if not files:
        raise NotApplicable("没有带 MAC 保护的文件", "no file is protected by a MAC")
    for file in files:
        old = _read(bench, file)
        satisfy(bench, file.file.update)
        answer = update_first(bench, file.file, old)
        bench.expect(
            answer, PLAIN_REFUSED, f"明文更新 {file.path}", f"plain update of {file.path}", requirement="SSC-SM-008"
        )
        changed = old[:-1] + bytes([old[-1] ^ 1])
        answer = bench.send(damaged_mac(_with_mac(bench, file, changed)))
        bench.expect(
            answer, MAC_REFUSED, f"{file.path} MAC 错误", f"wrong MAC for {file.path}", requirement="SSC-SM-008"
        )
        for value in (changed, old):
            answer = bench.send(_with_mac(bench, file, value))
            bench.expect(
                answer, GOOD, f"带 MAC 更新 {file.path}", f"update of {file.path} with MAC", requirement="SSC-SM-008"
            )
            now = read_first(bench, file.file).data
            bench.check(
                now == value,
                f"{file.path} 内容",
                f"content of {file.path}",
                expected=described(value),
                received=difference(now, value),
                requirement="SSC-SM-008",
            )


@SUITE.case(
    "SM/mac-errors/BI",
    "MAC 错误次数",
    "Repeated wrong MACs",
    requirements=["SSC-SM-009"],
    kind=Kind.INVALID,
    expected=("达到上限后应用被临时锁定", "at the limit the application is blocked"),
    destructive=True,
)
def mac_errors(bench: Bench) -> None:
    """Wrong MACs as often as the profile allows, in an application."""
    settings = bench.profile.settings
    files = [file for file in _updatable(bench, with_mac=True) if file.described_directory.kind == "ADF"]
    if not files:
        raise NotApplicable("应用中没有带 MAC 保护的文件", "no file of an application is protected by a MAC")
    file = files[0]
    old = _read(bench, file)
    satisfy(bench, file.file.update)
    for number in range(1, settings.mac_error_limit + 1):
        answer = bench.send(damaged_mac(_with_mac(bench, file, old)))
        bench.expect(
            answer, MAC_REFUSED, f"第 {number} 次 MAC 错误", f"wrong MAC number {number}", requirement="SSC-SM-009"
        )
    bench.expect(
        read_first(bench, file.file),
        int(settings.blocked_command_answer, 16),
        "锁定后读取",
        "reading afterwards",
        requirement="SSC-SM-009",
    )
    bench.reset()
    open_directory(bench, "SSSE")
    bench.expect(
        select(bench, file.directory),
        int(settings.blocked_select_answer, 16),
        "复位后选择",
        "SELECT after a reset",
        requirement="SSC-SM-009",
    )


@SUITE.case(
    "SM/challenge-once/BO",
    "每条维护命令须取新随机数",
    "A fresh challenge for each maintenance command",
    requirements=["SSC-LIFE-015"],
    kind=Kind.INOPPORTUNE,
    expected=("同一随机数的第二条命令 6984", "6984 for the second command with one challenge"),
)
def fresh_challenge(bench: Bench) -> None:
    """After a command that succeeded and after one with a wrong MAC."""
    for good in (True, False):
        service, key, challenge = _prepared(bench)
        first = UNBLOCK_PIN + b"\x04" + service.maintenance_mac(key, challenge, UNBLOCK_PIN + b"\x04")
        answer = bench.send(first if good else damaged_mac(first))
        bench.expect(answer, GOOD if good else MAC_REFUSED, "第一条", "the first", requirement="SSC-LIFE-015")
        verify_wrong(bench)
        answer = bench.send(first)
        bench.expect(answer, SW.REFERENCE_DATA_NOT_USABLE, "第二条", "the second", requirement="SSC-LIFE-015")
        bench.need(verify(bench), "验证个人密码", "VERIFY")
        prove_unblocking_key(bench)
        bench.need(bench.send(unblock_command(bench, get_challenge(bench))), "解锁", "UNBLOCK PIN")
