"""Key pairs and certificates of the certificate application: generation, enveloped import, writing of certificates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from conformance.actors.certificates import commands
from conformance.actors.certificates.authority import CertificationAuthority
from conformance.actors.certificates.commands import ENCRYPTION_KEY, SIGNATURE_KEY
from conformance.actors.certificates.envelope import SESSION_KEY, EnvelopedKey
from conformance.actors.certificates.station import CertificateIssue, CertificateOrder, IssueError
from conformance.actors.certificates.x509 import ENCIPHERING, SIGNING, Subject
from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.certificate_dialogue import (
    REFUSED,
    check_keys_work,
    encipher,
    enter,
    open_application,
    place,
    prove,
    public_key,
    read_file,
    write_file,
)
from conformance.failures import Inconclusive
from conformance.suites.certificates import certificates_of, is_point
from emulator.crypto.sm2_curve import N
from emulator.iso7816 import SW

SUITE = Suite("certificate keys", "证书密钥与证书写入", "Keys and certificates of the certificate application")

SHUT = SW.SECURITY_STATUS_NOT_SATISFIED
HOLDER = Subject("测试持卡人")
NOT_BEFORE, NOT_AFTER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
PRIVATE_KEY_LENGTH = 32


def new_private_key(bench: Bench) -> bytes:
    """A private key from the randomness of the run, from 1 to n-2."""
    return (int.from_bytes(bench.random.randbytes(2 * PRIVATE_KEY_LENGTH)) % (N - 2) + 1).to_bytes(PRIVATE_KEY_LENGTH)


@SUITE.case(
    "CERT/generate/BV",
    "产生密钥对",
    "Generating a key pair",
    requirements=["SSC-CERT-003", "SSC-CERT-004", "SSC-CERT-008"],
    kind=Kind.VALID,
    expected=(
        "产生 9000，0012 为新的曲线上的点，0013 与之成对，0014 不变；再次产生又得新密钥",
        "9000: 0012 is a new point of the curve, 0013 belongs to it, 0014 is as before; a second generation gives another key",
    ),
    destructive=True,
)
def generate(bench: Bench) -> None:
    """Three pairs in a row, also after a reset, each put to use."""
    open_application(bench)
    seen = [public_key(bench, SIGNATURE_KEY[0])]
    encryption = public_key(bench, ENCRYPTION_KEY[0])
    for number in range(1, 4):
        answer = bench.send(commands.generate_key_pair())
        shown = f"第 {number} 次产生密钥对", f"GENERATE KEY PAIR, number {number}"
        bench.expect(answer, GOOD, *shown, requirement="SSC-CERT-003")
        key = public_key(bench, SIGNATURE_KEY[0])
        bench.check(
            is_point(key),
            "新公钥在曲线上",
            "the new public key is a point",
            expected="a point of the SM2 curve",
            received=key,
            requirement="SSC-CERT-004",
        )
        bench.check(
            key not in seen,
            "新公钥与此前不同",
            "the new public key is another one",
            expected="another key",
            received="another key" if key not in seen else "the same key",
            requirement="SSC-CERT-003",
        )
        seen.append(key)
        bench.reset()
        check_keys_work(bench, "SSC-CERT-003")
    bench.check(
        public_key(bench, ENCRYPTION_KEY[0]) == encryption,
        "加密公钥不变",
        "the encryption key is as before",
        expected=encryption,
        received=public_key(bench, ENCRYPTION_KEY[0]),
        requirement="SSC-CERT-003",
    )


@SUITE.case(
    "CERT/generate-rights/BI",
    "产生密钥对的权限与数据",
    "Rights and data of key generation",
    requirements=["SSC-CERT-003"],
    kind=Kind.INVALID,
    expected=(
        "未验证PIN 6982；其他文件、缺少对象、错误参数被拒绝；密钥不变",
        "6982 without the PIN; other files, missing objects and wrong parameters are refused; the key stays",
    ),
    destructive=True,
)
def generate_rights(bench: Bench) -> None:
    """The public key is read after every refusal."""
    found = enter(bench)
    key = public_key(bench, SIGNATURE_KEY[0])
    answer = bench.send(commands.generate_key_pair())
    bench.expect(answer, SHUT, "未验证PIN", "GENERATE KEY PAIR without the PIN", requirement="SSC-CERT-003")
    _check_key(bench, key, "SSC-CERT-003")
    prove(bench, found.user)
    for zh, en, command in (
        ("加密密钥对文件", "the files of the encryption key", commands.generate_key_pair(ENCRYPTION_KEY)),
        ("文件混用", "files of different pairs", commands.generate_key_pair((SIGNATURE_KEY[0], ENCRYPTION_KEY[1]))),
        ("文件不存在", "files that do not exist", commands.generate_key_pair((b"\x7f\x01", b"\x7f\x02"))),
        ("缺私钥文件", "no private key file", commands.apdu("80400000", bytes.fromhex("C0020012"))),
        ("无数据", "no data", commands.apdu("80400000")),
        ("P2 错误", "a wrong P2", commands.apdu("80400055", bytes.fromhex("C0020012C2020013"))),
    ):
        answer = bench.send(command)
        bench.expect(answer, REFUSED, zh, f"GENERATE KEY PAIR with {en}", requirement="SSC-CERT-003")
        _check_key(bench, key, "SSC-CERT-003")


def _check_key(bench: Bench, expected: bytes, requirement: str, file: bytes = SIGNATURE_KEY[0]) -> None:
    name = file.hex().upper()
    now = public_key(bench, file)
    bench.check(
        now == expected,
        f"公钥 {name} 不变",
        f"public key {name} is as before",
        expected=expected,
        received=now,
        requirement=requirement,
    )


def import_commands(bench: Bench, envelope: EnvelopedKey, session_key: bytes) -> tuple[tuple[str, str, bytes], ...]:
    """The commands behind DECIPHER that import an encryption key pair."""
    return (
        ("导入会话密钥", "IMPORT SESSION KEY", commands.import_session_key(session_key)),
        ("导入公钥", "IMPORT PUBLIC KEY", commands.import_public_key(envelope.public_key)),
        ("导入私钥", "IMPORT PRIVATE KEY", commands.import_private_key(envelope.enciphered_private_key)),
    )


def _envelope(bench: Bench) -> tuple[EnvelopedKey, bytes]:
    """A new encryption key pair enveloped for the card's signature key, and the session key inside."""
    session_key = bench.random.randbytes(SESSION_KEY)
    recipient = public_key(bench, SIGNATURE_KEY[0])
    if not is_point(recipient):
        raise Inconclusive("签名公钥不可用", "the public signature key is no point of the curve")
    return EnvelopedKey.seal(new_private_key(bench), recipient, session_key), session_key


@SUITE.case(
    "CERT/import/BV",
    "导入数字信封中的加密密钥对",
    "Importing an enveloped encryption key pair",
    requirements=["SSC-CERT-009"],
    kind=Kind.VALID,
    expected=(
        "804E 打开信封，804A、80C2 依次 9000；0014 为导入的公钥，0015 可解密；签名密钥不变",
        "804E opens the envelope, 804A and 80C2 give 9000; 0014 is the key of the envelope, 0015 deciphers; the signature key is "
        "as before",
    ),
    destructive=True,
)
def import_pair(bench: Bench) -> None:
    """The envelope of a key centre, as programs hand it in."""
    open_application(bench)
    signature = public_key(bench, SIGNATURE_KEY[0])
    envelope, session_key = _envelope(bench)
    opened = bench.send(commands.decipher(SIGNATURE_KEY[1], envelope.enciphered_session_key))
    bench.expect(opened, GOOD, "打开信封", "DECIPHER the session key", requirement="SSC-CERT-009")
    bench.check(
        opened.data == session_key,
        "信封中的会话密钥",
        "the session key in the envelope",
        expected="the session key of the key centre",
        received="the session key" if opened.data == session_key else f"{len(opened.data)} other bytes",
        requirement="SSC-CERT-009",
    )
    for zh, en, command in import_commands(bench, envelope, opened.data):
        bench.expect(bench.send(command), GOOD, zh, en, requirement="SSC-CERT-009")
    _check_key(bench, envelope.public_key, "SSC-CERT-009", ENCRYPTION_KEY[0])
    _check_key(bench, signature, "SSC-CERT-009")
    bench.reset()
    check_keys_work(bench, "SSC-CERT-009")


@SUITE.case(
    "CERT/import-plain/BI",
    "非信封形式的导入",
    "Import in any other form",
    requirements=["SSC-CERT-009"],
    kind=Kind.INVALID,
    expected=(
        "未验证PIN 6982；明文私钥、无会话密钥、写入签名私钥、曲线外的公钥均被拒绝；密钥不变",
        "6982 without the PIN; a private key in clear or without session key, the file of the signature key, a public key off the "
        "curve are refused; the keys stay",
    ),
    destructive=True,
)
def import_plain(bench: Bench) -> None:
    """The keys are put to use after all refusals, so that a silent import is found."""
    found = enter(bench)
    envelope, session_key = _envelope(bench)
    plain = new_private_key(bench)
    for zh, en, command in import_commands(bench, envelope, session_key):
        bench.expect(bench.send(command), SHUT, f"未验证PIN：{zh}", f"{en} without the PIN", requirement="SSC-CERT-009")
    prove(bench, found.user)
    enciphered = envelope.enciphered_private_key

    def load_session_key() -> None:
        bench.need(bench.send(commands.import_session_key(session_key)), "导入会话密钥", "IMPORT SESSION KEY")

    attempts: tuple[tuple[str, str, Callable[[], None], bytes], ...] = (
        ("无会话密钥", "no session key", lambda: None, commands.import_private_key(enciphered)),
        ("明文私钥", "a key in clear", lambda: None, commands.import_private_key(plain, in_clear=True)),
        ("有会话密钥的明文私钥", "a key in clear beside a session key", load_session_key,
         commands.import_private_key(plain, in_clear=True)),
        ("写入签名私钥", "the file of the signature key", load_session_key,
         commands.import_private_key(enciphered, SIGNATURE_KEY[1])),
        ("私钥过短", "a short key", load_session_key, commands.import_private_key(enciphered[:16])),
        ("曲线外的公钥", "a point off the curve", lambda: None, commands.import_public_key(b"\x11" * 64)),
        ("写入签名公钥", "the file of the public signature key", lambda: None,
         commands.import_public_key(envelope.public_key, SIGNATURE_KEY[0])),
    )  # fmt: skip
    for zh, en, before, command in attempts:
        before()
        bench.expect(bench.send(command), REFUSED, f"导入：{zh}", f"import with {en}", requirement="SSC-CERT-009")
    load_session_key()
    open_application(bench)
    answer = bench.send(commands.import_private_key(enciphered))
    bench.expect(
        answer, REFUSED, "重选应用后无会话密钥", "import after the application was left", requirement="SSC-CERT-009"
    )
    damaged = bytearray(envelope.enciphered_session_key)
    damaged[-1] ^= 1
    answer = bench.send(commands.decipher(SIGNATURE_KEY[1], bytes(damaged)))
    bench.expect(answer, REFUSED, "被改的信封", "DECIPHER of an altered envelope", requirement="SSC-CERT-009")
    answer = bench.send(commands.decipher(SIGNATURE_KEY[1], encipher(bench, ENCRYPTION_KEY[0], session_key)))
    bench.expect(answer, REFUSED, "另一密钥的信封", "DECIPHER for another key", requirement="SSC-CERT-009")
    check_keys_work(bench, "SSC-CERT-009")


@SUITE.case(
    "CERT/write/BV",
    "分段写入证书",
    "Writing certificates in pieces",
    requirements=["SSC-CERT-006"],
    kind=Kind.VALID,
    expected=(
        "未验证PIN 6982；验证后分段写入 0018、0019 并读回相同内容，二者互不影响，再写回原内容",
        "6982 without the PIN; then 0018 and 0019 are written in pieces and read back alike, neither touching the other, and "
        "written back",
    ),
)
def write(bench: Bench) -> None:
    """New certificates of the published test authority for the keys of the card."""
    found = enter(bench)
    authority = CertificationAuthority.published(bench.random.randbytes)
    pairs = (
        (commands.SIGNATURE_CERTIFICATE, SIGNATURE_KEY[0], SIGNING),
        (commands.ENCRYPTION_CERTIFICATE, ENCRYPTION_KEY[0], ENCIPHERING),
    )
    content: dict[bytes, bytes] = {}
    for identifier, _, _ in pairs:
        answer = read_file(bench, identifier, found.file(bench, identifier).size or 0)
        content[identifier] = bench.need(answer, "读证书", "reading a certificate").data
    before = dict(content)
    for identifier, key, usage in pairs:
        name = identifier.hex().upper()
        issued = authority.issue(
            HOLDER.to_der(), public_key(bench, key), usage, not_before=NOT_BEFORE, not_after=NOT_AFTER
        ).ljust(len(content[identifier]), b"\0")
        refused = write_file(bench, identifier, issued)
        bench.expect(
            refused, SHUT, f"未验证PIN写 {name}", f"writing {name} without the PIN", requirement="SSC-CERT-006"
        )
        open_application(bench)
        answer = write_file(bench, identifier, issued)
        bench.expect(answer, GOOD, f"写证书 {name}", f"writing {name}", requirement="SSC-CERT-006")
        content[identifier] = issued
        bench.reset()
        enter(bench)
        _check_contents(bench, content)
    open_application(bench)
    for identifier, old in before.items():
        bench.need(write_file(bench, identifier, old), "写回证书", "writing a certificate back")
    _check_contents(bench, before)


def _check_contents(bench: Bench, expected: dict[bytes, bytes]) -> None:
    for identifier, content in expected.items():
        name = identifier.hex().upper()
        answer = read_file(bench, identifier, len(content))
        bench.expect(answer, GOOD, f"读回 {name}", f"reading {name} back", requirement="SSC-CERT-006")
        bench.check(
            answer.data == content,
            f"{name} 的内容",
            f"content of {name}",
            expected="what was written",
            received="what was written" if answer.data == content else "something else",
            requirement="SSC-CERT-006",
        )


@SUITE.case(
    "CERT/write-bounds/BI",
    "证书文件边界",
    "Borders of the certificate files",
    requirements=["SSC-CERT-006"],
    kind=Kind.INVALID,
    expected=(
        "超出文件末尾的写入被拒绝且不改变内容，末字节可写",
        "a write beyond the end is refused and changes nothing; the last byte can be written",
    ),
)
def write_bounds(bench: Bench) -> None:
    """At the end, across it and behind it; the last byte is put back."""
    open_application(bench)
    for identifier in (commands.SIGNATURE_CERTIFICATE, commands.ENCRYPTION_CERTIFICATE):
        name = identifier.hex().upper()
        size = place(bench).file(bench, identifier).size or 0
        whole = bench.need(read_file(bench, identifier, size), f"读 {name}", f"reading {name}").data
        if len(whole) != size or size < 2:
            raise Inconclusive(f"{name} 长度不符", f"{name} has {len(whole)} bytes")
        last = bytes([whole[-1] ^ 0xFF])
        for offset, data in ((size, last), (size - 1, last * 2), (size + 100, last)):
            answer = bench.send(commands.update_binary(offset, data))
            bench.expect(answer, REFUSED, f"{name} 越界写入", f"writing {name} at {offset}", requirement="SSC-CERT-006")
        _check_contents(bench, {identifier: whole})
        answer = bench.send(commands.update_binary(size - 1, last))
        bench.expect(answer, GOOD, f"{name} 末字节", f"the last byte of {name}", requirement="SSC-CERT-006")
        _check_contents(bench, {identifier: whole[:-1] + last})
        bench.need(bench.send(commands.update_binary(size - 1, whole[-1:])), "写回末字节", "writing the last byte back")


class _Through:
    """The bench as a link, for the station."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def transmit(self, command: bytes, /) -> bytes:
        """One exchange."""
        return self._bench.transmit(command).to_bytes()


@SUITE.case(
    "CERT/issue/BV",
    "签发证书全流程",
    "Issuing certificates from beginning to end",
    requirements=["SSC-CERT-006", "SSC-CERT-007"],
    kind=Kind.VALID,
    expected=(
        "产生密钥、申请、导入加密密钥对、写入两张证书，读回后证书、公钥、私钥与签发机构一致",
        "key pair, request, encryption key pair, both certificates: read back, certificates, keys and authority fit each other",
    ),
    destructive=True,
)
def issue(bench: Bench) -> None:
    """An issuing station does its work with the test authority; administrator PIN and master keys stay."""
    found = place(bench)
    order = CertificateOrder(HOLDER, NOT_BEFORE, NOT_AFTER, user_pin=found.user.digits, settings=found.rules.settings)
    authority = CertificationAuthority.published(bench.random.randbytes)
    problem = ""
    try:
        CertificateIssue(_Through(bench), authority, order).run()
    except IssueError as refusal:
        problem = str(refusal)
    bench.check(
        not problem,
        "签发证书",
        "issuing certificates",
        expected="a card with two certificates for its keys",
        received=problem or "a card with two certificates for its keys",
        requirement="SSC-CERT-006",
    )
    bench.reset()
    for pair, certificate in certificates_of(bench, "SSC-CERT-007"):
        bench.check(
            public_key(bench, pair[0]) == certificate.public_key and authority.trusts(certificate),
            "证书与密钥一致",
            "certificate and key fit",
            expected="the card's key, signed by the authority",
            received=certificate.public_key,
            requirement="SSC-CERT-007",
        )
