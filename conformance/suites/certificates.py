"""The certificate application 数字证书应用 as the card was issued with it: selection, keys, certificates, initial secrets."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import strategies as st

from conformance.actors.certificates import commands
from conformance.actors.certificates.commands import ENCRYPTION_KEY, SIGNATURE_KEY
from conformance.actors.certificates.x509 import Certificate, CertificateError, without_padding
from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.certificate_dialogue import (
    WRONG,
    challenge,
    enter,
    enter_environment,
    master_key,
    open_application,
    place,
    prove,
    public_key,
    read_file,
    signature_fits,
    verify,
)
from conformance.failures import CardFailure, NotApplicable
from conformance.properties import for_all
from emulator.crypto import CryptoError
from emulator.crypto.sm2 import message_digest
from emulator.crypto.sm2_curve import decode_point
from emulator.iso7816 import SW

SUITE = Suite("certificates", "数字证书应用", "Certificate application", as_issued=True)

UNREADABLE = Expectation((SW.SECURITY_STATUS_NOT_SATISFIED, SW.INCOMPATIBLE_WITH_FILE_STRUCTURE))
CERTIFICATE_OF = {SIGNATURE_KEY: commands.SIGNATURE_CERTIFICATE, ENCRYPTION_KEY: commands.ENCRYPTION_CERTIFICATE}
BEGINNING = b"\x30\x82"
PRIVATE_KEY_LENGTH = 32


def is_point(key: bytes) -> bool:
    """Whether x‖y is a point of the SM2 curve."""
    try:
        decode_point(key)
    except CryptoError:
        return False
    return True


@SUITE.case(
    "CERT/selection/BV",
    "选择 PKI.社会保障 与 SS.CERT.ADF1",
    "Selecting PKI.社会保障 and SS.CERT.ADF1",
    requirements=["SSC-CERT-001"],
    kind=Kind.VALID,
    expected=(
        "两个目录均可按名称选择，SS.CERT.ADF1 也可按文件标识符 DF01 选择",
        "both are found by name, SS.CERT.ADF1 by its file identifier DF01, too",
    ),
)
def selection(bench: Bench) -> None:
    """By name with and without Le, and by file identifier from inside the environment."""
    found = place(bench)
    identifier = bench.profile.directory[found.name].fid
    for name in (commands.ENVIRONMENT_NAME, commands.APPLICATION_NAME):
        for command in (commands.apdu("00A40400", name), commands.select(name)):
            answer = bench.send(command)
            shown = name.decode("gbk")
            bench.expect(answer, GOOD, f"选择 {shown}", f"SELECT {shown}", requirement="SSC-CERT-001")
    enter_environment(bench)
    answer = bench.send(commands.select_file(identifier))
    bench.expect(
        answer, GOOD, "按标识符选择应用", "SELECT of the application by identifier", requirement="SSC-CERT-001"
    )
    prove(bench, found.user)


@SUITE.case(
    "CERT/public-keys/BV",
    "读公钥",
    "Reading the public keys",
    requirements=["SSC-CERT-004"],
    kind=Kind.VALID,
    expected=(
        "未验证任何 PIN 时可读 66 字节，后 64 字节为 SM2 曲线上的点；导出命令给出同一公钥",
        "66 bytes without any PIN, the last 64 a point of the SM2 curve; EXPORT PUBLIC KEY gives the same",
    ),
)
def public_keys(bench: Bench) -> None:
    """READ BINARY of 0012 and 0014, and both steps of EXPORT PUBLIC KEY."""
    enter(bench)
    for pair in (SIGNATURE_KEY, ENCRYPTION_KEY):
        name = pair[0].hex().upper()
        bench.need(bench.send(commands.select_file(pair[0])), f"选择 {name}", f"SELECT {name}")
        answer = bench.send(commands.read_binary(0, commands.PUBLIC_KEY_FILE_LENGTH))
        bench.expect(answer, GOOD, f"读公钥 {name}", f"READ BINARY of {name}", requirement="SSC-CERT-004")
        good = len(answer.data) == commands.PUBLIC_KEY_FILE_LENGTH and is_point(
            answer.data[-commands.PUBLIC_KEY_LENGTH :]
        )
        bench.check(
            good,
            f"{name} 的内容",
            f"content of {name}",
            expected="66 bytes, the last 64 a point of the curve",
            received=answer.data,
            requirement="SSC-CERT-004",
        )
        first = bench.send(commands.name_public_key(pair))
        bench.expect(first, GOOD, f"指定 {name}", f"naming {name} for export", requirement="SSC-CERT-004")
        exported = bench.send(commands.fetch_public_key())
        bench.check(
            exported.sw == SW.SUCCESS and exported.data == answer.data,
            f"导出的公钥 {name}",
            f"the exported public key {name}",
            expected=answer.data,
            received=exported.to_bytes(),
            requirement="SSC-CERT-004",
        )


@SUITE.case(
    "CERT/private-keys/BI",
    "私钥不可读",
    "Private keys cannot be read",
    requirements=["SSC-CERT-005"],
    kind=Kind.INVALID,
    expected=(
        "无论验证了哪些 PIN 与密钥，读 0013、0015 均为 6982 或 6981",
        "whatever PINs and keys were proven, reading 0013 and 0015 gives 6982 or 6981",
    ),
)
def private_keys(bench: Bench) -> None:
    """By file and by short identifier, without a right, then with each right added to those before it."""
    found = enter(bench)
    _check_unreadable(bench, "未验证", "without a right")
    for pin, zh, en in (
        (found.user, "用户PIN", "the user PIN"),
        (found.administrator, "管理PIN", "the administrator PIN"),
    ):
        prove(bench, pin)
        _check_unreadable(bench, f"验证{zh}后", f"with {en}")
    key = bench.keys.authenticate_master_key(master_key(bench, found.name), challenge(bench))
    bench.need(bench.send(key), "主控密钥认证", "authentication with the master key")
    _check_unreadable(bench, "主控密钥认证后", "with the master key")


def _check_unreadable(bench: Bench, when_zh: str, when_en: str) -> None:
    for identifier in (SIGNATURE_KEY[1], ENCRYPTION_KEY[1]):
        name = identifier.hex().upper()
        zh, en = f"{when_zh}读 {name}", f"READ BINARY of {name} {when_en}"
        by_short = bench.send(commands.apdu(f"00B0{0x80 | identifier[1]:02X}00", ne=PRIVATE_KEY_LENGTH))
        bench.expect(by_short, UNREADABLE, zh, en, requirement="SSC-CERT-005")
        bench.need(bench.send(commands.select_file(identifier)), f"选择 {name}", f"SELECT {name}")
        for offset, length in ((0, PRIVATE_KEY_LENGTH), (0, 1), (PRIVATE_KEY_LENGTH - 1, 1)):
            answer = bench.send(commands.read_binary(offset, length))
            bench.expect(answer, UNREADABLE, zh, en, requirement="SSC-CERT-005")


def certificates_of(bench: Bench, requirement: str) -> Iterator[tuple[tuple[bytes, bytes], Certificate]]:
    """Both certificates of the card with the key pair that each belongs to."""
    found = enter(bench)
    for pair, identifier in CERTIFICATE_OF.items():
        name = identifier.hex().upper()
        answer = read_file(bench, identifier, found.file(bench, identifier).size or 0)
        bench.expect(answer, GOOD, f"读证书 {name}", f"READ BINARY of {name}", requirement=requirement)
        certificate, problem = None, "no certificate"
        try:
            certificate = Certificate.parse(answer.data)
        except CertificateError as reason:
            problem = str(reason)
        bench.check(
            certificate is not None and answer.data[:2] == BEGINNING,
            f"{name} 为 SM2 的 X.509 证书",
            f"{name} is an X.509 certificate with an SM2 key",
            expected="3082…",
            received=f"{answer.data[:2].hex().upper()}…: {'a certificate' if certificate else problem}",
            requirement=requirement,
        )
        if certificate is not None:
            yield pair, certificate


@SUITE.case(
    "CERT/certificates/BV",
    "证书文件",
    "Certificate files",
    requirements=["SSC-CERT-006"],
    kind=Kind.VALID,
    expected=(
        "0018、0019 以 3082 开头，为含 SM2 公钥、以 SM2/SM3 签名的 X.509 证书，其后无其他数据",
        "0018 and 0019 begin with 3082 and are X.509 certificates with SM2 keys, signed with SM2 and SM3; nothing follows them",
    ),
)
def certificates(bench: Bench) -> None:
    """Both files are read from beginning to end; what fills the rest of a file is 00 or FF."""
    for pair, certificate in certificates_of(bench, "SSC-CERT-006"):
        identifier = CERTIFICATE_OF[pair]
        content = read_file(bench, identifier, place(bench).file(bench, identifier).size or 0).data
        rest = content[len(without_padding(content)) :]
        name = identifier.hex().upper()
        bench.check(
            set(rest) <= {0x00} or set(rest) <= {0xFF},
            f"{name} 证书之后的填充",
            f"filling behind the certificate in {name}",
            expected="00 or FF",
            received=rest[:16],
            requirement="SSC-CERT-006",
        )
        bench.check(
            certificate.not_before < certificate.not_after,
            f"{name} 的有效期",
            f"validity of {name}",
            expected="begins before it ends",
            received=f"{certificate.not_before:%Y-%m-%d} to {certificate.not_after:%Y-%m-%d}",
            requirement="SSC-CERT-006",
        )


@SUITE.case(
    "CERT/match/BV",
    "证书与公钥一致",
    "Certificates match the keys",
    requirements=["SSC-CERT-007"],
    kind=Kind.VALID,
    expected=(
        "0018 的公钥等于 0012，0019 的公钥等于 0014",
        "the key in 0018 is that of 0012, the key in 0019 that of 0014",
    ),
)
def match(bench: Bench) -> None:
    """The public keys inside the certificates, and those of the files."""
    for pair, certificate in certificates_of(bench, "SSC-CERT-007"):
        name, file = CERTIFICATE_OF[pair].hex().upper(), pair[0].hex().upper()
        bench.check(
            public_key(bench, pair[0]) == certificate.public_key,
            f"{name} 的公钥与 {file} 一致",
            f"the key in {name} is that of {file}",
            expected=certificate.public_key,
            received=public_key(bench, pair[0]),
            requirement="SSC-CERT-007",
        )


@SUITE.case(
    "CERT/signature/BV",
    "签名可用签名证书验证",
    "Signatures verify with the signature certificate",
    requirements=["SSC-CERT-008"],
    kind=Kind.VALID,
    expected=(
        "任意消息的签名可用 0018 的公钥按 SM2/SM3 验证，未验证用户PIN时为 6982",
        "the signature of any message verifies with SM2 and SM3 under the key in 0018; without the user PIN 6982",
    ),
)
def signature(bench: Bench) -> None:
    """Generated messages; the digest is SM3 over the identity hash of the certificate's key and the message."""
    if place(bench).rules.settings.signature_command == "none":
        raise NotApplicable("声明中没有签名命令", "the profile declares no signature command")
    key = next(found.public_key for pair, found in certificates_of(bench, "SSC-CERT-008") if pair == SIGNATURE_KEY)
    if not is_point(key):
        raise CardFailure(
            "SSC-CERT-008", "签名证书的公钥", "the key in the signature certificate", "a point", key.hex()
        )
    refused = bench.send(commands.compute_signature(message_digest(key, b"")))
    bench.expect(
        refused,
        SW.SECURITY_STATUS_NOT_SATISFIED,
        "未验证PIN签名",
        "signing without the PIN",
        requirement="SSC-CERT-008",
    )

    def signed(message: bytes) -> None:
        open_application(bench)
        digest = message_digest(key, message)
        answer = bench.send(commands.compute_signature(digest))
        bench.expect(answer, GOOD, "签名", "COMPUTE DIGITAL SIGNATURE", requirement="SSC-CERT-008")
        bench.check(
            signature_fits(key, digest, answer),
            "签名有效",
            "the signature is valid",
            expected="a signature of the message by the key in 0018",
            received=answer.data,
            requirement="SSC-CERT-008",
        )

    signed(b"")
    for_all(bench, st.binary(max_size=200), signed, share=0.3)


@SUITE.case(
    "CERT/initial-administrator-PIN/BI",
    "初始管理PIN已更换",
    "The initial administrator PIN was changed",
    requirements=["SSC-CERT-010"],
    kind=Kind.INVALID,
    expected=("用初始管理PIN验证：63Cx", "VERIFY with the initial administrator PIN: 63Cx"),
)
def initial_administrator_pin(bench: Bench) -> None:
    """A try is lost and given back by the declared PIN. Where that one fails, the initial one may be the right one."""
    found = enter(bench)
    pin, initial = found.administrator, found.rules.initial_administrator_pin
    if pin.limit < 2:
        raise NotApplicable("管理PIN只有一次尝试", "the administrator PIN has one try: it would be blocked")
    declared = verify(bench, pin)
    enter(bench)
    answer = verify(bench, pin, initial)
    if declared.sw == SW.SUCCESS:
        verify(bench, pin)
    if answer.sw != SW.SUCCESS:
        bench.need(declared, "验证声明的管理PIN", "VERIFY with the declared administrator PIN")
    bench.expect(answer, WRONG, "初始管理PIN", "the initial administrator PIN", requirement="SSC-CERT-010")


@SUITE.case(
    "CERT/initial-master-key/BI",
    "初始主控密钥已替换",
    "The initial master keys were replaced",
    requirements=["SSC-CERT-011"],
    kind=Kind.INVALID,
    expected=(
        "环境与应用均拒绝初始主控密钥 63Cx，接受声明的主控密钥 9000",
        "environment and application refuse the initial master key with 63Cx and take the declared one, 9000",
    ),
)
def initial_master_key(bench: Bench) -> None:
    """A try of each key is lost and given back by the declared key. Where that one fails, the initial one may be right."""
    found = place(bench)
    for directory, go in ((found.environment, enter_environment), (found.name, enter)):
        go(bench)
        key, zh, en = master_key(bench, directory), f"{directory} 主控密钥", f"master key of {directory}"
        declared = bench.send(bench.keys.authenticate_master_key(key, challenge(bench)))
        go(bench)
        answer = bench.send(commands.authenticate(found.rules.initial_master_key, challenge(bench)))
        if declared.sw == SW.SUCCESS:
            bench.send(bench.keys.authenticate_master_key(key, challenge(bench)))
        if answer.sw != SW.SUCCESS:
            bench.need(declared, f"声明的{zh}", f"declared {en}")
        bench.expect(answer, WRONG, f"初始{zh}", f"initial {en}", requirement="SSC-CERT-011")
