"""Tear protection of certificate files 证书写防拔: a certificate goes in piece by piece, the supply is cut at every write."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.actors.certificates import commands
from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.certificate_dialogue import (
    LARGEST_PIECE,
    check_keys_work,
    enter,
    open_application,
    place,
    public_key,
    read_file,
    write_file,
)
from conformance.failures import Inconclusive
from conformance.tearing import every_cut
from emulator.iso7816 import Response

SUITE = Suite("tearing of certificates", "证书写防拔", "Tear protection of certificates")

REQUIREMENT = "SSC-TEAR-010"
CERTIFICATES = (commands.SIGNATURE_CERTIFICATE, commands.ENCRYPTION_CERTIFICATE)
KEYS = (commands.SIGNATURE_KEY[0], commands.ENCRYPTION_KEY[0])


@dataclass
class _Write:
    """A certificate file whose bytes are all inverted, piece by piece."""

    bench: Bench
    identifier: bytes
    old: dict[bytes, bytes] = field(default_factory=dict)
    keys: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.identifier.hex().upper()

    @property
    def new(self) -> bytes:
        return bytes(byte ^ 0xFF for byte in self.old[self.identifier])

    def remember(self) -> None:
        """Note both certificate files and both public keys."""
        enter(self.bench)
        for identifier in CERTIFICATES:
            answer = self.read(identifier)
            self.old[identifier] = self.bench.need(answer, "读证书", "reading a certificate").data
        self.keys = {identifier: public_key(self.bench, identifier) for identifier in KEYS}
        if len(self.old[self.identifier]) <= LARGEST_PIECE:
            raise Inconclusive(f"证书文件 {self.name} 过短", f"the certificate file {self.name} is too short")

    def read(self, identifier: bytes) -> Response:
        """A whole certificate file."""
        size = place(self.bench).file(self.bench, identifier).size or 0
        return read_file(self.bench, identifier, size)

    def up_to(self, start: int) -> bytes:
        """Write all pieces before ``start`` and hand out the command for the next one."""
        open_application(self.bench)
        new = self.new
        before = write_file(self.bench, self.identifier, new[:start])
        self.bench.need(before, f"写证书 {self.name}", f"writing the certificate {self.name}")
        return commands.update_binary(start, new[start : start + LARGEST_PIECE])

    def judge(self, start: int, when_zh: str, when_en: str, *, done: bool) -> None:
        """The file holds the new pieces, the torn one old or new, and the old rest; nothing else changed."""
        bench, old, new = self.bench, self.old[self.identifier], self.new
        enter(bench)
        allowed = {new[:stop] + old[stop:] for stop in ([] if done else [start]) + [start + LARGEST_PIECE]}
        self._compare(self.identifier, allowed, f"{when_zh}的 {self.name}", f"{self.name} {when_en}")
        other = CERTIFICATES[1 - CERTIFICATES.index(self.identifier)]
        self._compare(other, {self.old[other]}, f"{when_zh}的另一证书", f"the other certificate {when_en}")
        for identifier, key in self.keys.items():
            bench.check(
                public_key(bench, identifier) == key,
                f"{when_zh}的公钥 {identifier.hex().upper()}",
                f"public key {identifier.hex().upper()} {when_en}",
                expected="the same key",
                received="another key" if public_key(bench, identifier) != key else "the same key",
                requirement=REQUIREMENT,
            )
        check_keys_work(bench, REQUIREMENT)

    def _compare(self, identifier: bytes, allowed: set[bytes], zh: str, en: str) -> None:
        answer = self.bench.expect(self.read(identifier), GOOD, zh, en, requirement=REQUIREMENT)
        self.bench.check(
            answer.data in allowed,
            zh,
            en,
            expected="whole pieces, each old or new",
            received="whole pieces, each old or new" if answer.data in allowed else "a mixture",
            requirement=REQUIREMENT,
        )

    def finish(self) -> None:
        """Writing the certificate again from its beginning puts everything right."""
        open_application(self.bench)
        old = self.old[self.identifier]
        zh, en = f"断电后重写证书 {self.name}", f"writing the certificate {self.name} again after the cut"
        self.bench.expect(write_file(self.bench, self.identifier, old), GOOD, zh, en, requirement=REQUIREMENT)
        self._compare(self.identifier, {old}, f"重写后的 {self.name}", f"{self.name} written again")


def _torn(bench: Bench, identifier: bytes) -> None:
    write = _Write(bench, identifier)
    write.remember()
    pieces = range(0, len(write.old[identifier]), LARGEST_PIECE)
    if not sum(_torn_at(write, start) for start in pieces):
        raise Inconclusive("命令没有任何写入", "the commands caused no write at all")


def _torn_at(write: _Write, start: int) -> int:
    """Cut the piece at ``start`` at every physical write; the number of cuts."""
    bench = write.bench

    def after_cut(number: int) -> None:
        write.judge(start, f"第 {number} 次写入断电后", f"after a cut at write {number}", done=False)
        write.finish()

    def undisturbed(answer: Response) -> None:
        bench.expect(answer, GOOD, "未断电的写入", "the write, not cut", requirement=REQUIREMENT)
        bench.reset()
        write.judge(start, "未断电时", "without a cut", done=True)
        write.finish()

    return every_cut(bench, lambda: write.up_to(start), after_cut, undisturbed)


@SUITE.case(
    "TEAR/signature-certificate/BV",
    "写签名证书防拔",
    "Tear while the signature certificate is written",
    requirements=[REQUIREMENT],
    kind=Kind.VALID,
    expected=(
        "每次断电后每一段完全为旧或完全为新，另一证书与密钥不变，密钥可用，证书可重写",
        "after every cut each piece is old or new, the other certificate and the keys are as before, the keys work, and the "
        "certificate can be written again",
    ),
    needs_tearing=True,
)
def signature_certificate(bench: Bench) -> None:
    """Every piece of 0018 at every physical write."""
    _torn(bench, commands.SIGNATURE_CERTIFICATE)


@SUITE.case(
    "TEAR/encryption-certificate/BV",
    "写加密证书防拔",
    "Tear while the encryption certificate is written",
    requirements=[REQUIREMENT],
    kind=Kind.VALID,
    expected=(
        "每次断电后每一段完全为旧或完全为新，另一证书与密钥不变，密钥可用，证书可重写",
        "after every cut each piece is old or new, the other certificate and the keys are as before, the keys work, and the "
        "certificate can be written again",
    ),
    needs_tearing=True,
)
def encryption_certificate(bench: Bench) -> None:
    """Every piece of 0019 at every physical write."""
    _torn(bench, commands.ENCRYPTION_CERTIFICATE)
