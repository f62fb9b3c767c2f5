"""PIN 个人密码: VERIFY, and the PIN that is blocked."""

from __future__ import annotations

from hypothesis import strategies as st

from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import (
    REFUSED,
    FilePlace,
    apdu,
    declared_pin,
    file_places,
    open_directory,
    pin_bytes,
    read_first,
    verify,
)
from conformance.failures import NotApplicable
from conformance.maintenance import (
    BLOCKED,
    block_pin,
    change_pin,
    declared_pin_again,
    enter,
    expect_pin_untouched,
    expect_silent,
    open_pin,
    pin_place,
    verify_wrong,
    wrong_pin,
)
from conformance.properties import for_all
from emulator.iso7816 import SW

SUITE = Suite("PIN", "验证个人密码", "PIN verification")

LONGEST_PIN = 8
NOT_BCD = (
    st.binary(min_size=1, max_size=LONGEST_PIN)
    .map(lambda raw: raw.rstrip(b"\xff"))
    .filter(lambda raw: bool(raw) and not raw.hex().removesuffix("f").isdecimal())
)


def pin_files(bench: Bench) -> list[FilePlace]:
    """A file of each application that the PIN alone opens for reading, and that is not empty on a new card."""
    found: dict[str, FilePlace] = {}
    for candidate in file_places(bench.profile.directory):
        names = set(bench.profile.directory[pin_place(bench).directory].pin)
        if candidate.file.structure != "cyclic" and any(a and a <= names for a in candidate.file.read.alternatives):
            found.setdefault(candidate.directory, candidate)
    if not found:
        raise NotApplicable("没有由个人密码保护的文件", "the PIN opens no file")
    return list(found.values())


@SUITE.case(
    "PIN/right/BV",
    "密码验证成功",
    "Right PIN",
    requirements=["SSC-PIN-001", "SSC-PIN-006"],
    kind=Kind.VALID,
    expected=(
        "9000；各应用中由密码保护的文件可读",
        "9000, and the files that it protects can be read in every application",
    ),
)
def right(bench: Bench) -> None:
    """Refused before; read after VERIFY in the application itself; in every DF in turn after VERIFY in SSSE."""
    files = pin_files(bench)
    for found in files:
        found.open(bench)
        zh, en = f"验证前读 {found.path}", f"reading {found.path} before VERIFY"
        bench.expect(read_first(bench, found.file), REFUSED, zh, en, requirement="SSC-PIN-001")
    expect_silent(bench, verify(bench), SW.SUCCESS, "验证个人密码", "VERIFY", requirement="SSC-PIN-001")
    zh, en = f"验证后读 {found.path}", f"reading {found.path} after VERIFY"
    bench.expect(read_first(bench, found.file), GOOD, zh, en, requirement="SSC-PIN-001")
    bench.reset()
    place = open_pin(bench)
    for found in files:
        enter(bench, found.directory)
        zh, en = f"{place.directory} 中验证后读 {found.path}", f"reading {found.path} after VERIFY in {place.directory}"
        bench.expect(read_first(bench, found.file), GOOD, zh, en, requirement="SSC-PIN-006")


@SUITE.case(
    "PIN/wrong/BI",
    "密码验证失败",
    "Wrong PIN",
    requirements=["SSC-PIN-002", "SSC-PIN-004"],
    kind=Kind.INVALID,
    expected=("63Cx，x 为剩余次数；成功后恢复", "63Cx with the tries that remain; a right PIN restores them"),
)
def wrong(bench: Bench) -> None:
    """Wrong twice, right, wrong; nothing opens meanwhile."""
    protected = pin_files(bench)[0]
    limit = open_pin(bench, wrong=2)
    expect_silent(
        bench, verify_wrong(bench), limit.after(1), "第 1 次错误", "first wrong PIN", requirement="SSC-PIN-002"
    )
    bench.reset()
    protected.open(bench)
    bench.expect(verify_wrong(bench), limit.after(2), "第 2 次错误", "second wrong PIN", requirement="SSC-PIN-002")
    bench.expect(
        read_first(bench, protected.file), REFUSED, "读取", f"reading {protected.path}", requirement="SSC-PIN-002"
    )
    bench.expect(verify(bench), GOOD, "正确密码", "right PIN", requirement="SSC-PIN-004")
    expect_pin_untouched(bench, "恢复后的次数", "tries after the right PIN", requirement="SSC-PIN-004")


@SUITE.case(
    "PIN/wrong-anything/BI",
    "任意错误密码",
    "Any wrong PIN",
    requirements=["SSC-PIN-002", "SSC-PIN-004"],
    kind=Kind.INVALID,
    expected=("每个错误密码各减一次", "every wrong PIN costs one try"),
)
def wrong_anything(bench: Bench) -> None:
    """Generated digits of every length; the right ones cut short, prolonged, and with a single digit changed."""
    declared = declared_pin(bench)
    digits = st.text("0123456789", min_size=4, max_size=2 * LONGEST_PIN)
    begun = st.builds(lambda kept, rest: declared[:kept] + rest, st.integers(1, len(declared)), digits)
    neighbours = [declared[:at] + wrong_pin(declared[at]) + declared[at + 1 :] for at in range(len(declared))]
    neighbours += [declared[:at] for at in range(4, len(declared))]
    neighbours += [(declared + more)[: 2 * LONGEST_PIN] for more in ("0", "00", declared)]

    def judge(presented: str) -> None:
        limit = open_pin(bench)
        answer = verify(bench, presented)
        verify(bench)
        bench.expect(answer, limit.after(1), "错误密码", "wrong PIN", requirement="SSC-PIN-002")
        expect_pin_untouched(bench, "恢复后的次数", "tries after the right PIN", requirement="SSC-PIN-004")

    for presented in neighbours:
        if pin_bytes(presented) != pin_bytes(declared):
            judge(presented)
    candidates = st.one_of(digits, begun).map(lambda text: text[: 2 * LONGEST_PIN])
    for_all(bench, candidates.filter(lambda text: pin_bytes(text) != pin_bytes(declared)), judge)


@SUITE.case(
    "PIN/blocked/BI",
    "密码锁定",
    "Blocked PIN",
    requirements=["SSC-PIN-003", "SSC-PIN-012"],
    kind=Kind.INVALID,
    expected=("次数用尽后正确密码与修改均返回 6983", "when no try is left the right PIN and CHANGE PIN give 6983"),
    destructive=True,
)
def blocked(bench: Bench) -> None:
    """Blocked stays blocked over resets, opens nothing, and tells nothing of right or wrong."""
    with declared_pin_again(bench):
        _stays_blocked(bench)


def _stays_blocked(bench: Bench) -> None:
    limit = block_pin(bench, requirement="SSC-PIN-003")
    protected = pin_files(bench)[0]
    for cold in (True, False):
        for digits in (declared_pin(bench), wrong_pin(declared_pin(bench))):
            bench.expect(verify(bench, digits), BLOCKED, "锁定后验证", "VERIFY when blocked", requirement="SSC-PIN-003")
            expect_silent(
                bench,
                change_pin(bench, digits, "654321"),
                BLOCKED.words[0],
                "锁定后修改",
                "CHANGE PIN when blocked",
                requirement="SSC-PIN-012",
            )
        bench.reset(cold)
        protected.open(bench)
        bench.expect(
            read_first(bench, protected.file), REFUSED, "读取", f"reading {protected.path}", requirement="SSC-PIN-003"
        )
    open_directory(bench, limit.directory)
    bench.expect(verify(bench, "654321"), BLOCKED, "新密码", "the new PIN", requirement="SSC-PIN-012")


@SUITE.case(
    "PIN/status-after-wrong/BI",
    "验证失败后的安全状态",
    "Security status after a wrong PIN",
    requirements=["SSC-PIN-005"],
    kind=Kind.INVALID,
    expected=("已有状态按卡片声明保持或清除", "a status reached before is kept or dropped, as the profile declares"),
)
def status_after_wrong(bench: Bench) -> None:
    """Right, wrong, then a file that the PIN protects."""
    protected = pin_files(bench)[0]
    drops = bench.profile.settings.wrong_pin_clears_state
    open_pin(bench)
    enter(bench, protected.directory)
    bench.need(verify(bench), "验证个人密码", "VERIFY")
    verify_wrong(bench)
    bench.expect(
        read_first(bench, protected.file),
        REFUSED if drops else GOOD,
        f"卡片声明：错误密码{'清除' if drops else '不清除'}已有状态",
        f"declared: a wrong PIN {'drops' if drops else 'keeps'} the status",
        requirement="SSC-PIN-005",
    )
    bench.need(verify(bench), "验证个人密码", "VERIFY")


@SUITE.case(
    "PIN/inside-application/BV",
    "应用内验证密码",
    "VERIFY inside an application",
    requirements=["SSC-PIN-007"],
    kind=Kind.VALID,
    expected=("选择应用后验证的是 SSSE 的密码", "after an application is selected the PIN of SSSE is verified"),
)
def inside_application(bench: Bench) -> None:
    """A wrong and a right PIN in every application share one counter with SSSE."""
    applications = [found.directory for found in pin_files(bench)]
    limit = open_pin(bench, wrong=2)
    for directory in dict.fromkeys(["DF04", *applications]):
        if directory not in bench.profile.directory:
            continue
        open_directory(bench, directory)
        bench.expect(
            verify_wrong(bench),
            limit.after(1),
            f"{directory} 内错误密码",
            f"wrong PIN in {directory}",
            requirement="SSC-PIN-007",
        )
        open_directory(bench, limit.directory)
        bench.expect(
            verify_wrong(bench),
            limit.after(2),
            f"{limit.directory} 内错误密码",
            f"wrong PIN in {limit.directory}",
            requirement="SSC-PIN-007",
        )
        open_directory(bench, directory)
        bench.expect(
            verify(bench), GOOD, f"{directory} 内正确密码", f"right PIN in {directory}", requirement="SSC-PIN-007"
        )


@SUITE.case(
    "PIN/not-BCD/BI",
    "非 BCD 密码",
    "PIN that is not BCD",
    requirements=["SSC-PIN-008"],
    kind=Kind.INVALID,
    expected=(
        "6A80 且不计次，或按错误密码计（依卡片声明）",
        "6A80 and no try lost, or counted as wrong, as the profile declares",
    ),
)
def not_bcd(bench: Bench) -> None:
    """Half bytes above 9 in every place."""
    counted = bench.profile.settings.tolerate_non_bcd_pin

    def judge(raw: bytes) -> None:
        limit = open_pin(bench, wrong=2)
        answer = bench.send(apdu(0, 0x20, 0, 0, raw))
        after = verify_wrong(bench)
        verify(bench)
        bench.expect(
            answer,
            limit.after(1) if counted else SW.WRONG_DATA,
            "卡片声明：" + ("按错误密码计" if counted else "6A80"),
            "declared: " + ("counts as a wrong PIN" if counted else "6A80"),
            requirement="SSC-PIN-008",
        )
        bench.expect(
            after, limit.after(2 if counted else 1), "其后错误密码", "wrong PIN afterwards", requirement="SSC-PIN-008"
        )

    for_all(bench, st.one_of(st.just(bytes.fromhex("1A2B3C")), NOT_BCD), judge, share=0.5)


@SUITE.case(
    "PIN/length/BI",
    "密码长度错误",
    "Length of the PIN",
    requirements=["SSC-PIN-009"],
    kind=Kind.INVALID,
    expected=("Lc 为 0 或大于 8 时返回 6700，不计次", "Lc 0 or above 8 gives 6700, and no try is lost"),
)
def length(bench: Bench) -> None:
    """No PIN at all, and nine to sixteen bytes, the right PIN in front of them."""
    open_pin(bench)
    right_pin = pin_bytes(declared_pin(bench))
    bench.expect(bench.transmit("0020000000"), SW.WRONG_LENGTH, "Lc 0", "Lc 0", requirement="SSC-PIN-009")
    for count in range(LONGEST_PIN + 1, 2 * LONGEST_PIN + 1):
        bench.expect(
            bench.send(apdu(0, 0x20, 0, 0, right_pin.ljust(count, b"\xff"))),
            SW.WRONG_LENGTH,
            f"Lc {count:02X}",
            f"Lc {count:02X}",
            requirement="SSC-PIN-009",
        )
    bench.send("00200000")
    expect_pin_untouched(bench, "剩余次数", "tries left", requirement="SSC-PIN-009")
