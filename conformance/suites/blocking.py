"""APPLICATION BLOCK 应用锁定: for a time, for good, and undone where the card offers that."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from hypothesis import strategies as st

from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Case, Kind, Loss, Suite
from conformance.dialogue import (
    ENVIRONMENT,
    REFUSED,
    FilePlace,
    authenticate,
    file_places,
    get_challenge,
    open_directory,
    read_first,
    satisfy,
    select,
)
from conformance.failures import NotApplicable, NotRun
from conformance.maintenance import (
    APPLICATION_BLOCK,
    APPLICATION_BLOCK_FOR_GOOD,
    APPLICATION_UNBLOCK,
    MAC_REFUSED,
    damaged_mac,
    life_cycle_command,
    lock_key,
    maintenance_key,
    own_directories,
    protected,
    prove_lock_key,
)
from conformance.properties import for_all
from conformance.suites.standard.values import described, difference
from emulator.iso7816 import SW, Response
from profiles.model import Profile, Text

SUITE = Suite("blocking", "应用锁定", "Blocking applications")

BLOCKED_FOR_GOOD = Expectation((SW.APPLICATION_PERMANENTLY_BLOCKED, SW.AUTHENTICATION_METHOD_BLOCKED))
NOT_SELECTED = Expectation((*BLOCKED_FOR_GOOD.words, SW.FUNCTION_NOT_SUPPORTED, SW.SELECTED_FILE_DEACTIVATED))
UNKNOWN_COMMAND = (SW.INSTRUCTION_NOT_SUPPORTED, SW.CLASS_NOT_SUPPORTED, SW.FUNCTION_NOT_SUPPORTED)


def _protected_file(bench: Bench, directory: str) -> FilePlace:
    """A file of an application that can be read, and is not empty on a new card."""
    for file in file_places({directory: bench.profile.directory[directory]}):
        if file.file.structure != "cyclic" and not file.file.read.is_never:
            return file
    raise NotApplicable(f"{directory} 没有可读文件", f"{directory} has no file to read")


def _read(bench: Bench, file: FilePlace) -> Response:
    """Open the application and read as its access condition asks."""
    file.open(bench)
    if not file.file.read.is_free:
        satisfy(bench, file.file.read)
    return read_first(bench, file.file)


def _block(bench: Bench, directory: str, header: bytes, requirement: str) -> None:
    """Block an application as its issuer does, also one that is blocked for a time already."""
    open_directory(bench, ENVIRONMENT)
    selected = select(bench, directory)
    _require_not_for_good(bench, directory, selected)
    prove_lock_key(bench, directory)
    answer = bench.send(life_cycle_command(bench, directory, header))
    bench.expect(answer, GOOD, f"锁定 {directory}", f"APPLICATION BLOCK of {directory}", requirement=requirement)


def _require_not_for_good(bench: Bench, directory: str, selected: Response) -> None:
    """Not run where an earlier case blocked an application of a card that stays in the bench for good."""
    for_a_time = int(bench.profile.settings.blocked_select_answer, 16)
    if BLOCKED_FOR_GOOD.met_by(selected.sw) and selected.sw != for_a_time and not bench.target.renewable:
        raise NotRun(
            f"{directory} 已永久锁定，需要另一张卡片", f"{directory} is blocked for good already: needs another card"
        )


def _expect_usable(bench: Bench, directory: str, requirement: str) -> None:
    """An application can be selected and read as before."""
    file = _protected_file(bench, directory)
    for name in (ENVIRONMENT, directory):
        answer = select(bench, name)
        bench.expect(answer, GOOD, f"{name} 可选择", f"{name} can be selected", requirement=requirement)
    if not file.file.read.is_free:
        satisfy(bench, file.file.read)
    answer = read_first(bench, file.file)
    bench.expect(answer, GOOD, f"{file.path} 可读", f"{file.path} can be read", requirement=requirement)


# Blocking an application: cases for every application with a lock key


def _not_authenticated(bench: Bench, directory: str) -> None:
    """Everything but the lock key; the MAC is wrong, so that no card is lost by it."""
    for environment_key in (None, "UKSSSE"):
        open_directory(bench, directory)
        if environment_key in bench.profile.directory[ENVIRONMENT].key:
            bench.need(authenticate(bench, environment_key), "外部认证", "EXTERNAL AUTHENTICATE")
        for header in (APPLICATION_BLOCK, APPLICATION_BLOCK_FOR_GOOD):
            answer = bench.send(damaged_mac(life_cycle_command(bench, directory, header)))
            bench.expect(
                answer, REFUSED, f"{header.hex()} 未认证", f"{header.hex()} without LK", requirement="SSC-LIFE-002"
            )
    _expect_usable(bench, directory, "SSC-LIFE-002")


def _not_authenticated_right_mac(bench: Bench, directory: str) -> None:
    """The right MAC without the lock key, and with a lock key that was authenticated before the DF was selected again."""
    open_directory(bench, directory)
    answer = bench.send(life_cycle_command(bench, directory, APPLICATION_BLOCK))
    bench.expect(answer, REFUSED, "未认证 LK", "without LK", requirement="SSC-LIFE-002")
    _expect_usable(bench, directory, "SSC-LIFE-002")
    prove_lock_key(bench, directory)
    open_directory(bench, directory)
    answer = bench.send(life_cycle_command(bench, directory, APPLICATION_BLOCK))
    bench.expect(answer, REFUSED, "重选后", "after selecting the DF again", requirement="SSC-LIFE-002")
    _expect_usable(bench, directory, "SSC-LIFE-002")


def _wrong_mac(bench: Bench, directory: str) -> None:
    """Any bit of the MAC; the MAC of the environment's maintenance key."""

    def judge(bit: int) -> None:
        open_directory(bench, directory)
        prove_lock_key(bench, directory)
        answer = bench.send(damaged_mac(life_cycle_command(bench, directory, APPLICATION_BLOCK), bit))
        bench.expect(answer, MAC_REFUSED, f"MAC 第 {bit} 位", f"bit {bit} of the MAC", requirement="SSC-LIFE-003")
        _expect_usable(bench, directory, "SSC-LIFE-003")

    judge(0)
    if maintenance_key(bench, directory) != maintenance_key(bench, ENVIRONMENT):
        open_directory(bench, directory)
        prove_lock_key(bench, directory)
        command = protected(bench, maintenance_key(bench, ENVIRONMENT), get_challenge(bench), APPLICATION_BLOCK)
        answer = bench.send(command)
        bench.expect(answer, MAC_REFUSED, "SSSE 的 STK", "STK of SSSE", requirement="SSC-LIFE-003")
        _expect_usable(bench, directory, "SSC-LIFE-003")
    if bench.target.renewable:
        for_all(bench, st.integers(0, 31), judge, share=0.3)


def _temporary(bench: Bench, directory: str) -> None:
    """Block, use, reset, use; the other applications go on."""
    settings = bench.profile.settings
    file = _protected_file(bench, directory)
    _block(bench, directory, APPLICATION_BLOCK, "SSC-LIFE-001")
    command, selected = int(settings.blocked_command_answer, 16), int(settings.blocked_select_answer, 16)
    for when_zh, when_en in (("锁定后", "after the block"), ("复位后", "after a reset")):
        bench.expect(
            read_first(bench, file.file), command, f"{when_zh}读取", f"reading {when_en}", requirement="SSC-LIFE-001"
        )
        bench.reset()
        open_directory(bench, ENVIRONMENT)
        bench.expect(
            select(bench, directory), selected, f"{when_zh}选择", f"SELECT {when_en}", requirement="SSC-LIFE-004"
        )
    for other in own_directories(bench.profile):
        if bench.profile.directory[other].kind == "ADF" and other != directory:
            _expect_usable(bench, other, "SSC-LIFE-001")
            return


def _for_good(bench: Bench, directory: str) -> None:
    """Block for good; a reset and an unblock, on a card that knows one, change nothing."""
    file = _protected_file(bench, directory)
    _block(bench, directory, APPLICATION_BLOCK_FOR_GOOD, "SSC-LIFE-006")
    offered = bench.profile.settings.application_unblock
    for number in range(2):
        answer = read_first(bench, file.file)
        bench.check(
            answer.sw != SW.SUCCESS and not answer.data,
            "锁定后读取",
            "reading after the block",
            expected="9303 / 6983 / 6A81 / 6985",
            received=f"{answer.sw:04X}",
            requirement="SSC-LIFE-006",
        )
        authenticate(bench, lock_key(bench, directory))
        answer = bench.send(life_cycle_command(bench, directory, APPLICATION_UNBLOCK))
        expected = BLOCKED_FOR_GOOD if offered else Expectation((*BLOCKED_FOR_GOOD.words, *UNKNOWN_COMMAND))
        bench.expect(answer, expected, "解锁", "APPLICATION UNBLOCK", requirement="SSC-LIFE-006")
        if not number:
            bench.reset()
            open_directory(bench, ENVIRONMENT)
            answer = select(bench, directory)
            bench.expect(answer, NOT_SELECTED, "复位后选择", "SELECT after a reset", requirement="SSC-LIFE-006")


def _unblock(bench: Bench, directory: str) -> None:
    """Block, unblock, and compare what the application holds."""
    file = _protected_file(bench, directory)
    before = bench.need(_read(bench, file), f"读 {file.path}", f"reading {file.path}").data
    _block(bench, directory, APPLICATION_BLOCK, "SSC-LIFE-005")
    bench.reset()
    open_directory(bench, ENVIRONMENT)
    select(bench, directory)
    answer = bench.send(life_cycle_command(bench, directory, APPLICATION_UNBLOCK))
    bench.expect(answer, REFUSED, "未认证 LK 解锁", "APPLICATION UNBLOCK without LK", requirement="SSC-LIFE-005")
    prove_lock_key(bench, directory)
    answer = bench.send(life_cycle_command(bench, directory, APPLICATION_UNBLOCK))
    bench.expect(answer, GOOD, "解锁", "APPLICATION UNBLOCK", requirement="SSC-LIFE-005")
    after = bench.expect(_read(bench, file), GOOD, "解锁后读取", "reading afterwards", requirement="SSC-LIFE-005").data
    bench.check(
        after == before,
        "数据",
        "data",
        expected=described(before),
        received=difference(after, before),
        requirement="SSC-LIFE-005",
    )


def _failed_unblocks(bench: Bench, directory: str) -> None:
    """As many failures as the profile allows; then the right MAC."""
    _block(bench, directory, APPLICATION_BLOCK, "SSC-LIFE-007")
    for number in range(1, bench.profile.settings.mac_error_limit + 1):
        answer = bench.send(damaged_mac(life_cycle_command(bench, directory, APPLICATION_UNBLOCK)))
        bench.expect(
            answer, MAC_REFUSED, f"第 {number} 次解锁失败", f"failed unblock {number}", requirement="SSC-LIFE-007"
        )
    answer = bench.send(life_cycle_command(bench, directory, APPLICATION_UNBLOCK))
    bench.expect(answer, BLOCKED_FOR_GOOD, "其后正确解锁", "the right unblock afterwards", requirement="SSC-LIFE-007")


_OF_APPLICATIONS = (
    (
        "block-without-LK/{0}/BO",
        "未认证 LK 的应用锁定",
        "APPLICATION BLOCK without LK",
        ("SSC-LIFE-002",),
        Kind.INOPPORTUNE,
        "6982，应用可用",
        "6982, and the application goes on",
        _not_authenticated,
        None,
    ),
    (
        "block-without-LK-right-MAC/{0}/BO",
        "未认证 LK、MAC 正确的应用锁定",
        "APPLICATION BLOCK without LK, right MAC",
        ("SSC-LIFE-002",),
        Kind.INOPPORTUNE,
        "6982，应用可用",
        "6982, and the application goes on",
        _not_authenticated_right_mac,
        Loss.NOTHING,
    ),
    (
        "block-MAC/{0}/BI",
        "MAC 错误的应用锁定",
        "APPLICATION BLOCK with a wrong MAC",
        ("SSC-LIFE-003",),
        Kind.INVALID,
        "6988，应用可用",
        "6988, and the application goes on",
        _wrong_mac,
        None,
    ),
    (
        "block/{0}/BV",
        "应用临时锁定",
        "APPLICATION BLOCK",
        ("SSC-LIFE-001", "SSC-LIFE-004"),
        Kind.VALID,
        "应用内命令与选择按卡片声明被拒绝，其他应用可用",
        "commands inside and SELECT are refused as declared, other applications go on",
        _temporary,
        Loss.APPLICATIONS,
    ),
    (
        "block-for-good/{0}/BV",
        "应用永久锁定",
        "APPLICATION BLOCK for good",
        ("SSC-LIFE-006",),
        Kind.VALID,
        "不可读取；解锁 9303 或 6983",
        "nothing can be read; an unblock gives 9303 or 6983",
        _for_good,
        Loss.APPLICATIONS,
    ),
    (
        "unblock/{0}/BV",
        "应用解锁",
        "APPLICATION UNBLOCK",
        ("SSC-LIFE-005",),
        Kind.VALID,
        "9000，数据不变",
        "9000, data as before",
        _unblock,
        Loss.NOTHING,
    ),
    (
        "failed-unblocks/{0}/BI",
        "应用解锁连续失败",
        "Failed unblocks in a row",
        ("SSC-LIFE-007",),
        Kind.INVALID,
        "达到上限后永久锁定 9303",
        "blocked for good, 9303, at the limit",
        _failed_unblocks,
        Loss.APPLICATIONS,
    ),
)


@SUITE.cases_from
def of_applications(profile: Profile) -> Iterable[Case]:
    """Every application that has a lock key."""
    for directory, application in profile.directory.items():
        if application.kind != "ADF" or application.lock_key is None:
            continue
        for identifier, zh, en, requirements, kind, good_zh, good_en, body, loss in _OF_APPLICATIONS:
            yield Case(
                identifier="LIFE/" + identifier.format(directory),
                title=Text(zh=f"{directory}：{zh}", en=f"{directory}: {en}"),
                requirements=requirements,
                kind=kind,
                expected=Text(zh=good_zh, en=good_en),
                body=partial(body, directory=directory),
                destructive=loss is not None,
                loss=loss or Loss.NOTHING,
            )
