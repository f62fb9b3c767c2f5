"""Firewall between the social security environment and the other applications of the chip: bank, transport, certificates."""

from __future__ import annotations

from collections.abc import Iterator

from conformance import certificate_dialogue
from conformance.bench import Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.dialogue import (
    ENVIRONMENT,
    FilePlace,
    apdu,
    authenticate,
    external_authentication,
    file_places,
    open_directory,
    read_first,
    satisfy,
    select_name,
    verify,
)
from conformance.failures import Inconclusive, NotApplicable
from conformance.maintenance import expect_pin_untouched, open_pin, verify_wrong, wrong_pin
from conformance.suites.directory_file import PAYMENT_ENVIRONMENT_NAME
from conformance.suites.firewall import BANK_APPLICATION, NOTHING, check_refused, first_values
from emulator.iso7816 import SW, Response
from emulator.iso7816.status import tries_of

SUITE = Suite("firewall between applications", "应用间防火墙", "Firewall between applications")

TRANSPORT_APPLICATION = bytes.fromhex("A000000632010105")
PLAIN_BLOCK = 0x80
"""P2 of VERIFY in the bank application: PIN block 2N…FF in clear."""
UPDATE_KEY = "UKSSSE"


def _named(bench: Bench, aid: bytes) -> str | None:
    """The declared directory whose name begins with an AID."""
    return next((name for name, found in bench.profile.directory.items() if (found.aid or b"").startswith(aid)), None)


def _pin_of(bench: Bench, aid: bytes) -> str:
    """Digits of the PIN of an application; not applicable where the profile declares none."""
    name = _named(bench, aid)
    for pin in bench.profile.directory[name].pin.values() if name else ():
        return pin.value
    raise NotApplicable("卡片声明中没有该应用的密码", "the profile declares no PIN of that application")


def _enter_application(bench: Bench, aid: bytes) -> None:
    bench.need(bench.send(select_name(aid)), f"选择 {aid.hex().upper()}", f"SELECT {aid.hex().upper()}")


def _verify_bank_pin(bench: Bench, digits: str) -> Response:
    block = bytes.fromhex(f"2{len(digits):X}{digits}".ljust(16, "F"))
    return bench.send(apdu(0x00, 0x20, 0x00, PLAIN_BLOCK, block))


def _protected_by_pin(bench: Bench) -> Iterator[FilePlace]:
    pins = frozenset(bench.profile.directory[ENVIRONMENT].pin)
    for found in file_places(bench.profile.directory):
        inside = found.described_directory.parent == ENVIRONMENT and found.file.structure != "cyclic"
        if inside and not found.file.read.is_free and found.file.read.satisfied_by(pins):
            yield found


def _check_pin_not_verified(bench: Bench, requirement: str) -> None:
    """A file that the PIN of SSSE protects stays shut."""
    for found in list(_protected_by_pin(bench))[:2]:
        found.open(bench)
        bench.expect(
            read_first(bench, found.file),
            SW.SECURITY_STATUS_NOT_SATISFIED,
            f"读 {found.path}",
            f"read {found.path}",
            requirement=requirement,
        )


@SUITE.case(
    "FW/bank-PIN/BO",
    "金融应用密码与 SSSE 密码相互独立",
    "The PINs of the bank application and of SSSE are independent",
    requirements=["SSC-FW-006"],
    kind=Kind.INOPPORTUNE,
    expected=(
        "一方的错误不减少另一方的尝试次数，一方的验证不打开另一方的文件",
        "a wrong PIN of one costs no try of the other, and the PIN of one opens nothing of the other",
    ),
)
def bank_pin(bench: Bench) -> None:
    """Wrong and right presentations on both sides; every counter is brought back."""
    digits = _pin_of(bench, BANK_APPLICATION)
    open_pin(bench)
    _enter_application(bench, BANK_APPLICATION)
    full = bench.send(apdu(0x80, 0xCA, 0x9F, 0x17, ne=256))
    if tries_of(_verify_bank_pin(bench, wrong_pin(digits)).sw) is None:
        raise Inconclusive(
            "金融应用的错误密码没有得到 63Cx", "a wrong PIN of the bank application was not answered with 63Cx"
        )
    open_directory(bench, ENVIRONMENT)
    expect_pin_untouched(
        bench, "SSSE 密码的次数不变", "the counter of the SSSE PIN is unchanged", requirement="SSC-FW-006"
    )
    _enter_application(bench, BANK_APPLICATION)
    bench.need(_verify_bank_pin(bench, digits), "验证金融应用密码", "VERIFY the bank PIN")
    _check_pin_not_verified(bench, "SSC-FW-006")
    open_directory(bench, ENVIRONMENT)
    verify_wrong(bench)
    verify(bench)
    _enter_application(bench, BANK_APPLICATION)
    after = bench.send(apdu(0x80, 0xCA, 0x9F, 0x17, ne=256))
    bench.check(
        after == full,
        "金融应用密码的次数不变",
        "the counter of the bank PIN is unchanged",
        expected=full.to_bytes(),
        received=after.to_bytes(),
        requirement="SSC-FW-006",
    )


@SUITE.case(
    "FW/other-application/BO",
    "选择其他应用后 SSSE 的权限失效",
    "Selecting another application drops the rights of SSSE",
    requirements=["SSC-FW-007"],
    kind=Kind.INOPPORTUNE,
    expected=("返回 SSSE 后受保护的读取与更新均为 6982", "back in SSSE, protected reads and updates give 6982"),
)
def other_application(bench: Bench) -> None:
    """PIN and keys of SSSE are shown, then the bank or the transport application is selected."""
    values = first_values(bench, ENVIRONMENT)
    there = [aid for aid in (BANK_APPLICATION, TRANSPORT_APPLICATION) if bench.send(select_name(aid)).sw == SW.SUCCESS]
    if not there:
        raise NotApplicable("卡片没有其他应用", "the card has no other application")
    for aid in there:
        open_directory(bench, ENVIRONMENT)
        bench.need(verify(bench), "验证个人密码", "VERIFY")
        for file in bench.profile.directory[ENVIRONMENT].file.values():
            for condition in (file.read, file.update):
                if not condition.is_never:
                    satisfy(bench, condition)
        _enter_application(bench, aid)
        open_directory(bench, ENVIRONMENT)
        check_refused(bench, ENVIRONMENT, NOTHING, values, "SSC-FW-007")
        _check_pin_not_verified(bench, "SSC-FW-007")


@SUITE.case(
    "FW/certificate-PIN/BO",
    "证书应用密码与 SSSE 密码相互独立",
    "The PINs of the certificate application and of SSSE are independent",
    requirements=["SSC-FW-008"],
    kind=Kind.INOPPORTUNE,
    expected=(
        "一方的验证不打开另一方（6982），用户密码（81）的错误不减少 SSSE 密码的次数",
        "the PIN of one opens nothing of the other (6982), and a wrong user PIN (81) costs no try of the SSSE PIN",
    ),
)
def certificate_pin(bench: Bench) -> None:
    """Wrong and right presentations on both sides; every counter is brought back."""
    certificate_dialogue.open_application(bench)
    _check_pin_not_verified(bench, "SSC-FW-008")
    open_pin(bench)
    application = certificate_dialogue.enter(bench)
    bench.expect(
        certificate_dialogue.use_key(bench),
        SW.SECURITY_STATUS_NOT_SATISFIED,
        "验证 SSSE 密码后使用证书私钥",
        "using the private key after VERIFY of the SSSE PIN",
        requirement="SSC-FW-008",
    )
    answer = certificate_dialogue.verify(bench, application.user, wrong_pin(application.user.digits))
    certificate_dialogue.prove(bench, application.user)
    if tries_of(answer.sw) is None:
        raise Inconclusive("错误的用户密码没有得到 63Cx", "a wrong user PIN was not answered with 63Cx")
    open_directory(bench, ENVIRONMENT)
    expect_pin_untouched(
        bench, "SSSE 密码的次数不变", "the counter of the SSSE PIN is unchanged", requirement="SSC-FW-008"
    )


@SUITE.case(
    "FW/foreign-challenge/BO",
    "随机数不跨应用使用",
    "A challenge belongs to its application",
    requirements=["SSC-FW-011"],
    kind=Kind.INOPPORTUNE,
    expected=(
        "在金融应用或支付系统环境中取随机数，返回 SSSE 外部认证：6984（或声明的 63Cx）",
        "a challenge of the bank application or of the payment system environment, EXTERNAL AUTHENTICATE in SSSE: 6984, "
        "or 63Cx where declared",
    ),
)
def foreign_challenge(bench: Bench) -> None:
    """A right cryptogram over a challenge that the bank's side gave; the key's counter is then brought back each time."""
    _enter_application(bench, BANK_APPLICATION)
    judged = 0
    for aid in (BANK_APPLICATION, PAYMENT_ENVIRONMENT_NAME):
        if bench.send(select_name(aid)).sw == SW.SUCCESS:
            answer = bench.send(apdu(0x00, 0x84, 0, 0, ne=8))
            if answer.sw == SW.SUCCESS and len(answer.data) == 8:
                _check_challenge_is_foreign(bench, answer.data)
                judged += 1
    if not judged:
        raise NotApplicable("金融应用不提供随机数", "the bank application gives no challenge")


def _check_challenge_is_foreign(bench: Bench, challenge: bytes) -> None:
    open_directory(bench, ENVIRONMENT)
    declared = bench.profile.settings.authentication_without_challenge
    expected = Expectation((SW.REFERENCE_DATA_NOT_USABLE,)) if declared == "6984" else Expectation((), families=(0x63,))
    data = bench.keys.external_authentication(UPDATE_KEY, challenge)
    bench.expect(
        external_authentication(bench, UPDATE_KEY, data),
        expected,
        f"外部认证（声明：{declared}）",
        f"EXTERNAL AUTHENTICATE (declared: {declared})",
        requirement="SSC-FW-011",
        go_on=True,
    )
    authenticate(bench, UPDATE_KEY)
