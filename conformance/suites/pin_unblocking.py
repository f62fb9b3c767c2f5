"""UNBLOCK PIN 解锁 and RELOAD PIN 重装个人密码: what an issuing station does with PUK, a challenge and a MAC."""

from __future__ import annotations

from hypothesis import strategies as st

from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.dialogue import (
    REFUSED,
    declared_pin,
    external_authentication,
    get_challenge,
    open_directory,
    pin_bytes,
    read_first,
    verify,
)
from conformance.maintenance import (
    BLOCKED,
    MAC_REFUSED,
    NO_CHALLENGE,
    RELOAD_PIN,
    UNBLOCKING_KEY,
    block_pin,
    damaged_mac,
    declared_pin_again,
    enter,
    expect_pin_untouched,
    expect_silent,
    flipped,
    maintenance_key,
    open_pin,
    pin_place,
    protected,
    prove_unblocking_key,
    reload_command,
    reload_pin,
    unblock_command,
    unblock_pin,
    verify_wrong,
    wrong_pin,
)
from conformance.properties import for_all
from conformance.suites.pins import pin_files
from emulator.iso7816 import SW

SUITE = Suite("PIN unblocking", "个人密码解锁与重装", "Unblocking and reloading the PIN")

BLOCK_SIZE = {"3DES": 8, "SM4": 16}
RELOAD_REQUIREMENT = {"3DES": "SSC-PIN-018", "SM4": "SSC-PIN-019"}
RELOADED_PINS = st.text("0123456789", min_size=4, max_size=12)
BAD_BLOCK = Expectation((SW.WRONG_DATA, SW.SECURE_MESSAGING_OBJECTS_INCORRECT))
REPEATED = Expectation((SW.REFERENCE_DATA_NOT_USABLE, SW.SECURE_MESSAGING_OBJECTS_INCORRECT))


@SUITE.case(
    "PIN/unblock-without-PUK/BO",
    "未认证 PUK 的解锁",
    "Unblocking without the PUK",
    requirements=["SSC-PIN-014"],
    kind=Kind.INOPPORTUNE,
    expected=(
        "拒绝 6982，次数不变；同一会话中认证 PUK 后成功",
        "refused with 6982; 9000 after the PUK in the same session",
    ),
)
def without_unblocking_key(bench: Bench) -> None:
    """The right MAC and nothing else; the PUK of an earlier session; a verified PIN; then the PUK."""
    place = open_pin(bench, wrong=2)
    reload = reload_command(bench, get_challenge(bench), wrong_pin(declared_pin(bench)))
    for zh, en in (("验证密码后", "after VERIFY"), ("复位后", "after a reset")):
        for command in (unblock_command(bench, get_challenge(bench)), reload):
            answer = bench.send(command)
            bench.expect(
                answer, REFUSED, f"{zh} {command[:4].hex()}", f"{command[:4].hex()} {en}", requirement="SSC-PIN-014"
            )
        prove_unblocking_key(bench)
        bench.reset()
        open_directory(bench, place.directory)
    verify_wrong(bench)
    bench.expect(
        bench.send(unblock_command(bench, get_challenge(bench))),
        REFUSED,
        "复位后解锁",
        "UNBLOCK PIN after a reset",
        requirement="SSC-PIN-014",
    )
    bench.expect(
        verify_wrong(bench), place.after(2), "次数未恢复", "the tries are not restored", requirement="SSC-PIN-014"
    )
    bench.expect(unblock_pin(bench), GOOD, "认证 PUK 后解锁", "UNBLOCK PIN after the PUK", requirement="SSC-PIN-014")
    bench.need(verify(bench), "验证个人密码", "VERIFY")


@SUITE.case(
    "PIN/unblock/BV",
    "恢复剩余次数",
    "Unblocking restores the tries",
    requirements=["SSC-PIN-015"],
    kind=Kind.VALID,
    expected=("9000，次数恢复，密码不变", "9000, the tries are restored and the PIN is kept"),
)
def unblock(bench: Bench) -> None:
    """A PIN with a try lost; the station that unblocks it gains no right of the holder's."""
    place = open_pin(bench)
    verify_wrong(bench)
    bench.reset()
    open_directory(bench, place.directory)
    expect_silent(bench, unblock_pin(bench), SW.SUCCESS, "解锁", "UNBLOCK PIN", requirement="SSC-PIN-015")
    _expect_no_right(bench, "SSC-PIN-015")
    bench.expect(verify_wrong(bench), place.after(1), "恢复后的次数", "tries afterwards", requirement="SSC-PIN-015")
    bench.expect(verify(bench), GOOD, "原密码", "the PIN", requirement="SSC-PIN-015")


def _expect_no_right(bench: Bench, requirement: str) -> None:
    """A file that the PIN protects stays shut."""
    protected = pin_files(bench)[0]
    enter(bench, protected.directory)
    zh, en = f"未验证密码读 {protected.path}", f"reading {protected.path} without VERIFY"
    bench.expect(read_first(bench, protected.file), REFUSED, zh, en, requirement=requirement)


@SUITE.case(
    "PIN/unblock-blocked/BV",
    "解锁已锁定的密码",
    "Unblocking a blocked PIN",
    requirements=["SSC-PIN-015", "SSC-PIN-016"],
    kind=Kind.VALID,
    expected=(
        "MAC 错误 6988 且仍锁定；MAC 正确 9000，原密码有效",
        "wrong MAC: 6988 and still blocked; right MAC: 9000, and the old PIN is right",
    ),
    destructive=True,
)
def unblock_blocked(bench: Bench) -> None:
    """Block, try with a wrong MAC, unblock, use."""
    with declared_pin_again(bench):
        place = block_pin(bench, requirement="SSC-PIN-015")
        prove_unblocking_key(bench)
        bench.expect(
            bench.send(damaged_mac(unblock_command(bench, get_challenge(bench)))),
            MAC_REFUSED,
            "错误 MAC",
            "wrong MAC",
            requirement="SSC-PIN-016",
        )
        bench.expect(verify(bench), BLOCKED, "仍锁定", "still blocked", requirement="SSC-PIN-016")
        bench.expect(unblock_pin(bench), GOOD, "解锁", "UNBLOCK PIN", requirement="SSC-PIN-015")
        bench.expect(verify_wrong(bench), place.after(1), "恢复后的次数", "tries afterwards", requirement="SSC-PIN-015")
        bench.expect(verify(bench), GOOD, "原密码", "the PIN", requirement="SSC-PIN-015")


@SUITE.case(
    "PIN/unblock-MAC/BI",
    "解锁命令 MAC 错误",
    "Wrong MAC of UNBLOCK PIN",
    requirements=["SSC-PIN-016"],
    kind=Kind.INVALID,
    expected=("6988，次数不变", "6988, and the tries are as before"),
)
def unblock_wrong_mac(bench: Bench) -> None:
    """Every bit of the MAC."""

    def judge(bit: int) -> None:
        open_pin(bench, wrong=2)
        verify_wrong(bench)
        prove_unblocking_key(bench)
        answer = bench.send(damaged_mac(unblock_command(bench, get_challenge(bench)), bit))
        bench.expect(answer, MAC_REFUSED, f"MAC 第 {bit} 位", f"bit {bit} of the MAC", requirement="SSC-PIN-016")
        expect_pin_untouched(bench, "次数未恢复", "the tries are not restored", requirement="SSC-PIN-016", wrong=2)
        bench.need(unblock_pin(bench), "解锁", "UNBLOCK PIN")

    judge(31)
    if bench.target.renewable:
        for_all(bench, st.integers(0, 31), judge, share=0.5)


@SUITE.case(
    "PIN/unblock-challenge/BO",
    "解锁与重装须取随机数",
    "Unblocking needs a challenge",
    requirements=["SSC-PIN-017"],
    kind=Kind.INOPPORTUNE,
    expected=("没有新随机数时 6984，次数与密码不变", "6984 without a fresh challenge, PIN and tries as before"),
)
def unblock_without_challenge(bench: Bench) -> None:
    """The PUK uses up the challenge; the MAC is made with that one again, and with zeros."""
    open_pin(bench, wrong=2)
    verify_wrong(bench)
    for again in (True, False):
        challenge = get_challenge(bench)
        data = bench.keys.external_authentication(UNBLOCKING_KEY, challenge)
        bench.need(
            external_authentication(bench, UNBLOCKING_KEY, data), "用 PUK 外部认证", "EXTERNAL AUTHENTICATE with PUK"
        )
        factor = challenge if again else bytes(len(challenge))
        for command in (unblock_command(bench, factor), reload_command(bench, factor, wrong_pin(declared_pin(bench)))):
            zh, en = f"{command[:4].hex()} 无随机数", f"{command[:4].hex()} without a challenge"
            bench.expect(bench.send(command), NO_CHALLENGE, zh, en, requirement="SSC-PIN-017")
    expect_pin_untouched(bench, "次数未恢复", "the tries are not restored", requirement="SSC-PIN-017", wrong=2)


# RELOAD PIN


def _reload(bench: Bench, new: str, requirement: str) -> None:
    """Set a PIN with the PUK, see that it and no other is right, and set the declared one again in the same way."""
    old = declared_pin(bench)
    place = open_pin(bench, wrong=2)
    verify_wrong(bench)
    bench.reset()
    open_directory(bench, place.directory)
    with declared_pin_again(bench, new):
        expect_silent(bench, reload_pin(bench, new), SW.SUCCESS, "重装密码", "RELOAD PIN", requirement=requirement)
        _expect_no_right(bench, requirement)
        bench.expect(verify(bench, old), place.after(1), "旧密码", "the old PIN", requirement=requirement)
        bench.reset()
        open_directory(bench, place.directory)
        bench.expect(verify(bench, new), GOOD, "新密码", "the new PIN", requirement=requirement)
        bench.expect(reload_pin(bench, old), GOOD, "重装原密码", "RELOAD PIN to the old one", requirement=requirement)
        bench.expect(verify(bench, old), GOOD, "原密码", "the old PIN", requirement=requirement)


def _reload_any(bench: Bench, requirement: str) -> None:
    old = declared_pin(bench)
    _reload(bench, wrong_pin(old), requirement)
    others = RELOADED_PINS.filter(lambda new: pin_bytes(new) != pin_bytes(old))
    for_all(bench, others, lambda new: _reload(bench, new, requirement), share=0.3)


@SUITE.case(
    "PIN/reload-3DES/BV",
    "重装密码（3DES）",
    "RELOAD PIN, 3DES",
    requirements=["SSC-PIN-018"],
    kind=Kind.VALID,
    expected=(
        "842400010C：9000，新密码有效，次数恢复",
        "842400010C gives 9000, the new PIN is right and the tries are restored",
    ),
)
def reload_3des(bench: Bench) -> None:
    """An enciphered block of 8 bytes and a MAC."""
    _reload_any(bench, "SSC-PIN-018")


@SUITE.case(
    "PIN/reload-SM4/BV",
    "重装密码（SM4）",
    "RELOAD PIN, SM4",
    requirements=["SSC-PIN-019"],
    kind=Kind.VALID,
    expected=(
        "8424000114：9000，新密码有效，次数恢复",
        "8424000114 gives 9000, the new PIN is right and the tries are restored",
    ),
)
def reload_sm4(bench: Bench) -> None:
    """An enciphered block of 16 bytes and a MAC."""
    _reload_any(bench, "SSC-PIN-019")


@SUITE.case(
    "PIN/reload-blocked/BV",
    "重装已锁定的密码",
    "Reloading a blocked PIN",
    requirements=["SSC-PIN-018", "SSC-PIN-019"],
    kind=Kind.VALID,
    expected=("9000，次数恢复", "9000, and the tries are restored"),
    destructive=True,
)
def reload_blocked(bench: Bench) -> None:
    """Block, set another PIN, use it, set the declared one again."""
    requirement = RELOAD_REQUIREMENT[bench.profile.algorithm]
    old = declared_pin(bench)
    new = wrong_pin(old)
    with declared_pin_again(bench, new):
        block_pin(bench, requirement=requirement)
        for digits in (new, old):
            bench.expect(reload_pin(bench, digits), GOOD, "重装密码", "RELOAD PIN", requirement=requirement)
            bench.expect(verify(bench, digits), GOOD, "新密码", "the new PIN", requirement=requirement)
        expect_pin_untouched(bench, "恢复后的次数", "tries afterwards", requirement=requirement)


@SUITE.case(
    "PIN/reload-length/BI",
    "另一算法的 Lc",
    "RELOAD PIN with the Lc of the other algorithm",
    requirements=["SSC-PIN-020"],
    kind=Kind.INVALID,
    expected=("6700，密码不变", "6700, and the PIN is kept"),
)
def reload_length(bench: Bench) -> None:
    """SM4: 0C; 3DES: 14."""
    place = open_pin(bench)
    other = BLOCK_SIZE["3DES" if bench.profile.algorithm == "SM4" else "SM4"]
    prove_unblocking_key(bench)
    key = maintenance_key(bench, place.directory)
    command = protected(bench, key, get_challenge(bench), RELOAD_PIN, bytes(other))
    bench.expect(
        bench.send(command), SW.WRONG_LENGTH, f"Lc {command[4]:02X}", f"Lc {command[4]:02X}", requirement="SSC-PIN-020"
    )
    bench.expect(verify(bench), GOOD, "原密码", "the PIN", requirement="SSC-PIN-020")


@SUITE.case(
    "PIN/reload-block/BI",
    "密码块内容错误",
    "Malformed PIN block",
    requirements=["SSC-PIN-021"],
    kind=Kind.INVALID,
    expected=("6A80 或 6988，密码不变", "6A80 or 6988, and the PIN is kept"),
)
def reload_malformed(bench: Bench) -> None:
    """A length byte that is too great, padding that is none, a PIN that is not BCD, under a right MAC."""
    size = BLOCK_SIZE[bench.profile.algorithm]
    pin = pin_bytes(wrong_pin(declared_pin(bench)))
    good = bytes([len(pin)]) + pin + b"\x80"
    blocks = {
        ("长度字节 09", "length byte 09"): b"\x09" + good[1:],
        ("长度字节 00", "length byte 00"): b"\x00" + good[1:],
        ("填充不以 80 开始", "padding that does not begin with 80"): good[:-1] + b"\x00",
        ("填充含其他字节", "padding with another byte in it"): good.ljust(size - 1, b"\x00") + b"\x01",
        ("非 BCD 密码", "a PIN that is not BCD"): b"\x03\xab\xcd\xef\x80",
    }
    with declared_pin_again(bench, wrong_pin(declared_pin(bench))):
        for (zh, en), block in blocks.items():
            place = open_pin(bench)
            prove_unblocking_key(bench)
            challenge = get_challenge(bench)
            key = maintenance_key(bench, place.directory)
            enciphered = bench.keys.encipher(key, challenge, block.ljust(size, b"\x00"))
            answer = bench.send(protected(bench, key, challenge, RELOAD_PIN, enciphered))
            bench.expect(answer, BAD_BLOCK, zh, en, requirement="SSC-PIN-021")
            bench.expect(verify(bench), GOOD, "原密码", "the PIN", requirement="SSC-PIN-021")
            bench.need(reload_pin(bench, declared_pin(bench)), "重装密码", "RELOAD PIN")


@SUITE.case(
    "PIN/reload-MAC/BI",
    "重装命令 MAC 错误",
    "Wrong MAC of RELOAD PIN",
    requirements=["SSC-PIN-018", "SSC-PIN-019"],
    kind=Kind.INVALID,
    expected=("6988，密码与次数不变", "6988, PIN and tries as before"),
)
def reload_wrong_mac(bench: Bench) -> None:
    """Any bit of the enciphered block or of the MAC."""
    requirement = RELOAD_REQUIREMENT[bench.profile.algorithm]
    new = wrong_pin(declared_pin(bench))

    def judge(bit: int) -> None:
        open_pin(bench, wrong=2)
        verify_wrong(bench)
        prove_unblocking_key(bench)
        command = reload_command(bench, get_challenge(bench), new)
        with declared_pin_again(bench, new):
            answer = bench.send(command[:5] + flipped(command[5:], bit))
            bench.expect(
                answer, MAC_REFUSED, f"数据域第 {bit} 位", f"bit {bit} of the data field", requirement=requirement
            )
            bench.expect(
                verify(bench, new), pin_place(bench).after(2), "新密码", "the new PIN", requirement=requirement
            )
            bench.expect(verify(bench), GOOD, "原密码", "the PIN", requirement=requirement)
        bench.need(unblock_pin(bench), "解锁", "UNBLOCK PIN")

    judge(0)
    if bench.target.renewable:
        for_all(bench, st.integers(0, 8 * (BLOCK_SIZE[bench.profile.algorithm] + 4) - 1), judge, share=0.5)


@SUITE.case(
    "PIN/repeated/BO",
    "重发解锁与重装命令",
    "The same command a second time",
    requirements=["SSC-PIN-022"],
    kind=Kind.INOPPORTUNE,
    expected=("第二次 6984 或 6988", "6984 or 6988 the second time"),
)
def repeated(bench: Bench) -> None:
    """An overheard command does nothing again: at once, and after a new challenge."""
    old = declared_pin(bench)
    for make in (unblock_command, lambda bench, challenge: reload_command(bench, challenge, old)):
        open_pin(bench, wrong=2)
        prove_unblocking_key(bench)
        command = make(bench, get_challenge(bench))
        bench.need(bench.send(command), "首次执行", "the command for the first time")
        verify_wrong(bench)
        bench.expect(bench.send(command), REPEATED, "重发", "the same again", requirement="SSC-PIN-022")
        get_challenge(bench)
        bench.expect(
            bench.send(command), REPEATED, "新随机数后重发", "the same after a new challenge", requirement="SSC-PIN-022"
        )
        expect_pin_untouched(bench, "次数未恢复", "the tries are not restored", requirement="SSC-PIN-022", wrong=2)
        bench.need(unblock_pin(bench), "解锁", "UNBLOCK PIN")
