"""PINs and master keys of the certificate application: challenges, counters, rights, change."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from conformance.actors.certificates import commands
from conformance.actors.certificates.commands import packed
from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Loss, Suite
from conformance.certificate_dialogue import (
    REFUSED,
    WRONG,
    DeclaredPin,
    Place,
    challenge,
    declared_user_pin,
    enter,
    enter_environment,
    master_key,
    open_application,
    place,
    prove,
    use_key,
    verify,
)
from conformance.dialogue import ENVIRONMENT, open_directory
from conformance.failures import NotApplicable
from conformance.maintenance import BLOCKED, NO_CHALLENGE, flipped, tries, wrong_pin
from emulator.iso7816 import SW

SUITE = Suite("certificate PINs", "数字证书应用的PIN", "PINs of the certificate application")

SHUT = SW.SECURITY_STATUS_NOT_SATISFIED
FLIPPED_BYTES = (0, 7, 8, 15)
"""Bytes of a proof that are falsified one by one: first and last of each half."""
OTHER_MASTER_KEY = bytes(range(16))
ZERO_FILLED = 8
"""Bytes of a challenge that is extended with zeros."""


def _check_shut(bench: Bench, zh: str, en: str, requirement: str) -> None:
    bench.expect(use_key(bench), SHUT, zh, en, requirement=requirement)


def _check_open(bench: Bench, zh: str, en: str, requirement: str) -> None:
    bench.expect(use_key(bench), GOOD, zh, en, requirement=requirement)


@SUITE.case(
    "CERT/user-PIN/BV",
    "验证用户PIN",
    "Verifying the user PIN",
    requirements=["SSC-CERT-002"],
    kind=Kind.VALID,
    expected=(
        "16 字节随机数，或 8 字节随机数补零，用 SM3(PIN) 前 16 字节加密后验证 9000，私钥随即可用",
        "a challenge of 16 bytes, or of 8 filled up with zeros, enciphered with the first half of SM3(PIN), verifies with 9000, "
        "and the private key may then be used",
    ),
)
def user_pin(bench: Bench) -> None:
    """Both lengths of challenge in sessions of their own."""
    for length in (commands.CHALLENGE_LENGTH, ZERO_FILLED):
        bench.reset()
        found = enter(bench)
        _check_shut(bench, "未验证PIN使用私钥", "using the private key without the PIN", "SSC-CERT-002")
        answer = bench.send(commands.verify(found.user.reference, found.user.digits, challenge(bench, length)))
        shown = f"{length} 字节随机数", f"VERIFY over a challenge of {length} bytes"
        bench.expect(answer, GOOD, *shown, requirement="SSC-CERT-002")
        _check_open(bench, "验证后使用私钥", "using the private key afterwards", "SSC-CERT-002")


@SUITE.case(
    "CERT/user-PIN-proof/BI",
    "用户PIN验证数据错误",
    "Wrong proofs of the user PIN",
    requirements=["SSC-CERT-002"],
    kind=Kind.INVALID,
    expected=(
        "任一比特不同、用旧随机数、用其他密钥：63Cx；随机数只用一次，无随机数 6984；明文PIN、长度错误被拒绝",
        "a bit changed, an old challenge, another key: 63Cx; a challenge serves once, without one 6984; a PIN in clear and a "
        "wrong length are refused",
    ),
)
def user_pin_proof(bench: Bench) -> None:
    """After each wrong proof the right one brings the counter back; no wrong one opens anything."""
    found = enter(bench)
    pin = found.user
    if pin.limit < 2:
        raise NotApplicable("用户PIN只有一次尝试", "the user PIN has one try: it would be blocked")

    def right(over: bytes) -> bytes:
        return commands.verify(pin.reference, pin.digits, over)

    def stale() -> bytes:
        old = right(challenge(bench))
        challenge(bench)
        return old

    def inverted(byte: int) -> bytes:
        return _flipped(right(challenge(bench)), 8 * byte + bench.random.randrange(8))

    proofs: list[tuple[str, str, Callable[[], bytes]]] = [
        (f"第 {byte + 1} 字节比特翻转", f"a bit of byte {byte + 1} inverted", partial(inverted, byte))
        for byte in FLIPPED_BYTES
    ]
    proofs += [
        ("随机数被改", "a changed challenge", lambda: right(flipped(challenge(bench), bench.random.randrange(128)))),
        ("旧随机数", "an old challenge", stale),
        ("管理PIN的密钥", "the administrator's key", lambda: _of(pin, found.administrator.digits, challenge(bench))),
        ("错误PIN", "other digits", lambda: _of(pin, wrong_pin(pin.digits), challenge(bench))),
    ]
    for zh, en, make in proofs:
        prove(bench, pin)
        enter(bench)
        bench.expect(bench.send(make()), tries(pin.limit, 1), zh, en, requirement="SSC-CERT-002")
        _check_shut(bench, f"{zh}后使用私钥", f"using the private key after {en}", "SSC-CERT-002")
    proof = right(challenge(bench))
    bench.need(bench.send(proof), "验证PIN", "VERIFY")
    bench.expect(bench.send(proof), NO_CHALLENGE, "重复使用随机数", "the same proof again", requirement="SSC-CERT-002")
    enter(bench)
    for zh, en, command in (
        ("明文PIN", "the PIN in clear", commands.apdu("00200081", packed(pin.digits))),
        ("P1 01 明文PIN", "the PIN in clear with P1 01", commands.apdu("00200181", packed(pin.digits))),
        ("15 字节", "15 bytes", right(challenge(bench))[:4] + b"\x0f" + bytes(15)),
        ("空", "no data", commands.apdu("00200181")),
    ):
        bench.expect(bench.send(command), REFUSED, zh, en, requirement="SSC-CERT-002")
        _check_shut(bench, f"{zh}后使用私钥", f"using the private key after {en}", "SSC-CERT-002")
    prove(bench, pin)


def _flipped(command: bytes, bit: int) -> bytes:
    return command[:5] + flipped(command[5:], bit)


def _of(pin: DeclaredPin, digits: str, over: bytes) -> bytes:
    return commands.verify(pin.reference, digits, over)


@SUITE.case(
    "CERT/rights/BO",
    "PIN 的权限",
    "Rights of the PINs",
    requirements=["SSC-CERT-002"],
    kind=Kind.INOPPORTUNE,
    expected=(
        "复位、重选应用、离开环境后用户PIN的权限失效；管理PIN不能代替用户PIN",
        "the right of the user PIN ends at reset, when the application is selected again and when the environment is left; the "
        "administrator PIN does not stand in for it",
    ),
)
def rights(bench: Bench) -> None:
    """The private key shows whether the right is there."""
    found = open_application(bench)
    _check_open(bench, "验证后使用私钥", "using the private key", "SSC-CERT-002")
    enter(bench)
    _check_shut(bench, "重选应用后", "after the application was selected again", "SSC-CERT-002")
    prove(bench, found.user)
    bench.reset()
    enter(bench)
    _check_shut(bench, "复位后", "after a reset", "SSC-CERT-002")
    prove(bench, found.user)
    open_directory(bench, ENVIRONMENT)
    enter(bench)
    _check_shut(bench, "选择 SSSE 后", "after SSSE was selected", "SSC-CERT-002")
    if not found.rules.use.satisfied_by(frozenset({found.administrator.name})):
        prove(bench, found.administrator)
        _check_shut(bench, "仅验证管理PIN", "with the administrator PIN alone", "SSC-CERT-002")


@SUITE.case(
    "CERT/PIN-counter/BI",
    "PIN 次数递减与恢复",
    "PIN counters go down and come back",
    requirements=["SSC-CERT-012"],
    kind=Kind.INVALID,
    expected=(
        "每次错误 63Cx 递减一次，复位后保持，正确验证后恢复；用户PIN与管理PIN互不影响",
        "each wrong PIN counts down by one, the count outlives a reset, the right PIN brings it back; the PINs do not touch "
        "each other",
    ),
)
def pin_counter(bench: Bench) -> None:
    """Two wrong presentations of each PIN at most; the other one is looked at between them."""
    found = enter(bench)
    for pin, other in ((found.user, found.administrator), (found.administrator, found.user)):
        prove(bench, pin)
        prove(bench, other)
        for wrong in range(1, min(2, pin.limit - 1) + 1):
            answer = verify(bench, pin, wrong_pin(pin.digits))
            shown = f"第 {wrong} 次错误", f"wrong PIN {pin.reference:02X}, number {wrong}"
            bench.expect(answer, tries(pin.limit, wrong), *shown, requirement="SSC-CERT-012")
            bench.reset()
            enter(bench)
        if other.limit > 1:
            answer = verify(bench, other, wrong_pin(other.digits))
            shown = f"PIN {other.reference:02X} 不受影响", f"PIN {other.reference:02X} is not touched"
            bench.expect(answer, tries(other.limit, 1), *shown, requirement="SSC-CERT-012")
            prove(bench, other)
        prove(bench, pin)
        if pin.limit > 1:
            answer = verify(bench, pin, wrong_pin(pin.digits))
            shown = "正确验证后次数恢复", f"the right PIN {pin.reference:02X} brought the count back"
            bench.expect(answer, tries(pin.limit, 1), *shown, requirement="SSC-CERT-012")
        prove(bench, pin)


@SUITE.case(
    "CERT/PIN-block/BI",
    "PIN 锁定",
    "A blocked PIN",
    requirements=["SSC-CERT-012"],
    kind=Kind.INVALID,
    expected=(
        "次数用尽后正确PIN也为 6983，复位后仍锁定，修改PIN同样 6983",
        "with no try left the right PIN gives 6983, too, also after a reset, and CHANGE PIN likewise",
    ),
    destructive=True,
    loss=Loss.PART,
)
def pin_block(bench: Bench) -> None:
    """Each PIN on a card of its own, as far as the bench has one; the other PIN still works."""
    found = enter(bench)
    for pin, other in ((found.user, found.administrator), (found.administrator, found.user)):
        bench.begin_example()
        enter(bench)
        _block(bench, pin)
        bench.reset()
        enter(bench)
        _check_blocked(bench, pin)
        change = commands.change_pin(pin.reference, pin.digits, packed(pin.digits), challenge(bench))
        bench.expect(bench.send(change), BLOCKED, "锁定后修改PIN", "CHANGE PIN", requirement="SSC-CERT-012")
        if bench.target.renewable or pin is found.user:
            bench.expect(verify(bench, other), GOOD, "另一PIN", "the other PIN", requirement="SSC-CERT-012")


def _block(bench: Bench, pin: DeclaredPin) -> None:
    prove(bench, pin)
    enter(bench)
    for wrong in range(1, pin.limit + 1):
        answer = verify(bench, pin, wrong_pin(pin.digits))
        shown = f"第 {wrong} 次错误", f"wrong PIN {pin.reference:02X}, number {wrong}"
        bench.expect(answer, tries(pin.limit, wrong), *shown, requirement="SSC-CERT-012")
    _check_blocked(bench, pin)


def _check_blocked(bench: Bench, pin: DeclaredPin) -> None:
    answer = verify(bench, pin)
    bench.expect(answer, BLOCKED, "锁定后正确PIN", "the right PIN when blocked", requirement="SSC-CERT-012")
    if pin.reference == commands.USER_PIN:
        _check_shut(bench, "锁定后使用私钥", "using the private key when blocked", "SSC-CERT-012")


@SUITE.case(
    "CERT/PIN-reload/BV",
    "管理员重装用户PIN",
    "The administrator sets the user PIN anew",
    requirements=["SSC-CERT-012"],
    kind=Kind.VALID,
    expected=(
        "用户PIN锁定后，验证管理PIN并重装 9000，新PIN有效且次数恢复；未验证管理PIN 6982，校验码错误 6988",
        "a blocked user PIN is set anew after the administrator PIN, 9000: the new one works with all its tries; without the "
        "administrator PIN 6982, with a wrong MAC 6988",
    ),
    destructive=True,
    restore=declared_user_pin,
)
def pin_reload(bench: Bench) -> None:
    """The command is an assumption of the profile."""
    found = enter(bench)
    if found.rules.settings.pin_reload == "none":
        raise NotApplicable(
            "声明中没有重装用户PIN的命令", "the profile declares no command that sets the user PIN anew"
        )
    new = wrong_pin(wrong_pin(found.user.digits))

    def command() -> bytes:
        return commands.reload_pin(found.administrator.digits, packed(new), challenge(bench))

    _block(bench, found.user)
    bench.expect(
        bench.send(command()), SHUT, "未验证管理PIN", "without the administrator PIN", requirement="SSC-CERT-012"
    )
    prove(bench, found.administrator)
    damaged = command()
    answer = bench.send(damaged[:-1] + flipped(damaged[-1:]))
    words = SW.SECURE_MESSAGING_OBJECTS_INCORRECT
    bench.expect(answer, words, "校验码错误", "a wrong MAC", requirement="SSC-CERT-012")
    _check_blocked(bench, found.user)
    bench.expect(bench.send(command()), GOOD, "重装用户PIN", "setting the user PIN anew", requirement="SSC-CERT-012")
    bench.expect(verify(bench, found.user, new), GOOD, "新PIN", "the new PIN", requirement="SSC-CERT-012")
    answer = verify(bench, found.user)
    bench.expect(answer, tries(found.user.limit, 1), "原PIN", "the old PIN", requirement="SSC-CERT-012")


@SUITE.case(
    "CERT/PIN-change/BV",
    "修改用户PIN与管理PIN",
    "Changing the user and the administrator PIN",
    requirements=["SSC-CERT-002", "SSC-CERT-010"],
    kind=Kind.VALID,
    expected=(
        "原PIN保护的修改 9000，此后新PIN有效、原PIN 63Cx，再改回；校验码或原PIN错误被拒绝并计数",
        "under the old PIN the change succeeds, then the new PIN is right and the old one 63Cx; a wrong MAC or old PIN is "
        "refused and counts",
    ),
)
def pin_change(bench: Bench) -> None:
    """Each PIN is changed and changed back."""
    found = enter(bench)
    for pin, requirement in ((found.user, "SSC-CERT-002"), (found.administrator, "SSC-CERT-010")):
        if pin.limit < 2:
            raise NotApplicable("PIN只有一次尝试", "a PIN has one try: it would be blocked")
        prove(bench, pin)
        new = wrong_pin(wrong_pin(pin.digits))
        _check_refused_change(bench, found, pin, new, requirement)
        zh, en = f"修改 PIN {pin.reference:02X}", f"CHANGE PIN {pin.reference:02X}"
        answer = bench.send(commands.change_pin(pin.reference, pin.digits, packed(new), challenge(bench)))
        bench.expect(answer, GOOD, zh, en, requirement=requirement)
        enter(bench)
        old = verify(bench, pin)
        renewed = verify(bench, pin, new)
        back = bench.send(commands.change_pin(pin.reference, new, packed(pin.digits), challenge(bench)))
        bench.expect(old, tries(pin.limit, 1), f"{zh}后的原PIN", f"the old PIN after {en}", requirement=requirement)
        bench.expect(renewed, GOOD, f"{zh}后的新PIN", f"the new PIN after {en}", requirement=requirement)
        bench.expect(back, GOOD, f"{zh}改回", f"{en} back", requirement=requirement)
        enter(bench)
        bench.expect(verify(bench, pin), GOOD, "改回后的PIN", "the PIN changed back", requirement=requirement)


def _check_refused_change(bench: Bench, found: Place, pin: DeclaredPin, new: str, requirement: str) -> None:
    """Another old PIN and a damaged MAC are refused, cost a try, and leave the PIN as it is."""
    declared = found.rules.settings.pin_change_failure
    for zh, en, old, damage in (
        ("原PIN错误", "another old PIN", wrong_pin(pin.digits), False),
        ("校验码错误", "a wrong MAC", pin.digits, True),
    ):
        command = commands.change_pin(pin.reference, old, packed(new), challenge(bench))
        answer = bench.send(command[:-1] + flipped(command[-1:]) if damage else command)
        expected = tries(pin.limit, 1) if declared == "63Cx" else SW.SECURE_MESSAGING_OBJECTS_INCORRECT
        bench.expect(answer, expected, f"修改PIN：{zh}", f"CHANGE PIN with {en}", requirement=requirement)
        if pin.limit > 2:
            answer = verify(bench, pin, wrong_pin(pin.digits))
            shown = f"{zh}计入次数", f"{en} costs a try"
            bench.expect(answer, tries(pin.limit, 2), *shown, requirement=requirement)
        prove(bench, pin)


@SUITE.case(
    "CERT/master-key/BV",
    "替换主控密钥",
    "Replacing the master keys",
    requirements=["SSC-CERT-011"],
    kind=Kind.VALID,
    expected=(
        "认证后替换 9000，此后新密钥有效、原密钥 63Cx；未认证 6982，无随机数 6984，校验码错误 6988",
        "after its authentication each key is replaced, then the new one works and the old one gives 63Cx; without "
        "authentication 6982, without challenge 6984, with a wrong MAC 6988",
    ),
    destructive=True,
)
def master_keys(bench: Bench) -> None:
    """The keys of environment and application, each replaced and brought back."""
    found = place(bench)
    for directory, go in ((found.environment, enter_environment), (found.name, enter)):
        name = master_key(bench, directory)
        go(bench)

        def replace(name: str = name) -> bytes:
            return bench.keys.replace_master_key(name, OTHER_MASTER_KEY, challenge(bench))

        zh, en = f"{directory} 主控密钥", f"master key of {directory}"
        bench.expect(bench.send(replace()), SHUT, f"未认证替换{zh}", f"{en} without proof", requirement="SSC-CERT-011")
        right = bench.keys.authenticate_master_key(name, challenge(bench))
        bench.expect(bench.send(right), GOOD, f"{zh}认证", f"{en}: proof", requirement="SSC-CERT-011")
        damaged = replace()
        for what_zh, what_en, command, word in (
            ("校验码错误", "a wrong MAC", damaged[:-1] + flipped(damaged[-1:]), SW.SECURE_MESSAGING_OBJECTS_INCORRECT),
            ("无随机数", "no challenge", damaged, SW.REFERENCE_DATA_NOT_USABLE),
        ):
            shown = f"替换{zh}：{what_zh}", f"replacing the {en} with {what_en}"
            bench.expect(bench.send(command), word, *shown, requirement="SSC-CERT-011")
        bench.expect(bench.send(replace()), GOOD, f"替换{zh}", f"replacing the {en}", requirement="SSC-CERT-011")
        go(bench)
        old = bench.send(bench.keys.authenticate_master_key(name, challenge(bench)))
        new = bench.send(commands.authenticate(OTHER_MASTER_KEY, challenge(bench)))
        back = bench.send(bench.keys.restore_master_key(name, OTHER_MASTER_KEY, challenge(bench)))
        bench.expect(old, WRONG, f"原{zh}", f"the old {en}", requirement="SSC-CERT-011")
        bench.expect(new, GOOD, f"新{zh}", f"the new {en}", requirement="SSC-CERT-011")
        bench.expect(back, GOOD, f"换回{zh}", f"the {en} brought back", requirement="SSC-CERT-011")
