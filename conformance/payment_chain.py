"""From the records of a card to its public key, as a terminal goes: authority, issuer, card (JR/T 0025.7 §5, JR/T 0025.17 §5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from conformance.actors.terminal import certificates
from conformance.actors.terminal.certificates import (
    CARD,
    ISSUER,
    CertifiedKey,
    PublicKey,
    SignedCryptogram,
    Unsigned,
)
from conformance.actors.terminal.configuration import AuthorityKey, published_authority_keys
from conformance.bench import Bench
from conformance.dialogue import apdu
from conformance.failures import Inconclusive, NotApplicable
from conformance.payment_answers import (
    FORMAT_1,
    FORMAT_2,
    Cryptogram,
)
from conformance.payment_dialogue import (
    AIP,
    CDOL1,
    CDOL2,
    DDOL,
    SIGNED,
    Visit,
)
from emulator.crypto.rsa import RsaPublicKey
from emulator.iso7816 import Response, Tlv, TlvError, tlv
from profiles.algorithm_sets import AlgorithmSet, algorithm_sets
from profiles.applications import payment_directory
from profiles.model import Profile
from profiles.payment_model import PathName

AUTHORITY_INDEX, ISSUER_CERTIFICATE, SIGNED_STATIC, CARD_CERTIFICATE = 0x8F, 0x90, 0x93, 0x9F46
ISSUER_REMAINDER, ISSUER_EXPONENT, CARD_REMAINDER, CARD_EXPONENT = 0x92, 0x9F32, 0x9F48, 0x9F47
TAG_LIST, SIGNATURE, ACCOUNT = 0x9F4A, 0x9F4B, 0x5A
CONTACT_PATHS: tuple[PathName, ...] = ("ordinary", "e-cash")
ISSUER_AUTHENTICATION = 0x04
"""Bit 3 of byte 1 of the AIP."""
ONLY_PROFILE = b"\x82"
"""The one value of 9F4A: the AIP is signed too."""


def sets_of(profile: Profile, *, scheme: str | None = None, algorithm: str | None = None) -> tuple[AlgorithmSet, ...]:
    """The algorithm sets of the payment application: those certified with a scheme, or with keys of an algorithm.

    Not applicable where the card has none of that kind.
    """
    name = payment_directory(profile)
    found = tuple(
        each
        for each in (algorithm_sets(profile, name) if name else ())
        if algorithm in (None, each.algorithm)
        and (scheme is None or (each.certification is not None and each.certification.scheme == scheme))
    )
    if not found:
        raise NotApplicable("卡片声明中没有该算法", "the declared card has no algorithm set of this kind")
    return found


def certified_sets(profile: Profile) -> tuple[AlgorithmSet, ...]:
    """The algorithm sets whose certificates the terminal of the bench can verify."""
    found = tuple(each for each in sets_of(profile) if each.certification is not None)
    if not found:
        raise NotApplicable("卡片未声明证书", "the declared card has no certificates")
    return found


def asks_for(algorithms: AlgorithmSet) -> bool:
    """DF69 of a terminal that wants this set."""
    return algorithms.algorithm == "SM4"


def started(bench: Bench, algorithms: AlgorithmSet, *, e_cash: bool = False) -> Visit:
    """A transaction with a set, its records read."""
    bench.step(
        f"{algorithms.algorithm} 算法集{'，电子现金' if e_cash else ''}",
        f"algorithm set of {algorithms.algorithm}{', e-cash' if e_cash else ''}",
    )
    return Visit(bench, sm=asks_for(algorithms), e_cash=e_cash).open().begin().read()


def visits(bench: Bench, scheme: str | None = None) -> Iterator[Visit]:
    """A transaction over each list of files of the contacts, of the sets certified with a scheme or of all."""
    chosen = certified_sets(bench.profile) if scheme is None else sets_of(bench.profile, scheme=scheme)
    for algorithms in chosen:
        for kind in CONTACT_PATHS:
            if kind in algorithms.path:
                yield started(bench, algorithms, e_cash=kind == "e-cash")


@dataclass(frozen=True)
class Chain:
    """The certificates that the records of a visit hold.

    With a ``requirement`` a certificate that is wrong fails the case; without one it is a step of the way, and the case is
    inconclusive.
    """

    visit: Visit

    @property
    def static_data(self) -> bytes:
        """The static data to be authenticated: the signed records, and the AIP where 9F4A asks for it."""
        objects = self.visit.objects
        signed = objects.get(TAG_LIST) == ONLY_PROFILE
        return self.visit.static_data + (objects.get(AIP, b"") if signed else b"")

    def object(self, tag: int, requirement: str | None = None) -> bytes:
        """A data object of the records, which must be there."""
        value = self.visit.objects.get(tag)
        if value is None:
            self._wrong(f"记录中没有 {tag:X}", f"no {tag:X} in the records", requirement)
        return value or b""

    def authority(self, requirement: str | None = None) -> AuthorityKey:
        """The key of the certification authority that 8F names."""
        index = self.object(AUTHORITY_INDEX, requirement)
        name = self.visit.application.aid or b""
        known = [key for key in published_authority_keys() if bytes((key.index,)) == index and key.rid == name[:5]]
        if not known:
            told = index.hex().upper()
            self._wrong(f"终端没有认证中心公钥 {told}", f"the terminal has no CA key {told}", requirement)
        return known[0]

    def issuer(self, requirement: str | None = None) -> CertifiedKey:
        """The issuer's key out of 90."""
        signer = self.authority(requirement).key
        return self._certified(signer, ISSUER, requirement)

    def card(self, requirement: str | None = None) -> CertifiedKey:
        """The card's key out of 9F46."""
        return self._certified(self.issuer().key, CARD, requirement)

    def code(self, requirement: str) -> bytes:
        """The data authentication code out of 93."""
        issuer, signature = self.issuer().key, self.object(SIGNED_STATIC, requirement)
        try:
            return certificates.authentication_code(issuer, signature, self.static_data)
        except Unsigned as problem:
            self._wrong("静态签名数据 93 验证失败", f"93 is wrong: {problem}", requirement)
            raise Inconclusive("93 无法验证", str(problem)) from problem

    def _certified(self, signer: PublicKey, kind: int, requirement: str | None) -> CertifiedKey:
        name, rest, power = (
            (ISSUER_CERTIFICATE, ISSUER_REMAINDER, ISSUER_EXPONENT)
            if kind == ISSUER
            else (CARD_CERTIFICATE, CARD_REMAINDER, CARD_EXPONENT)
        )
        certificate = self.object(name, requirement)
        by_rsa = isinstance(signer, RsaPublicKey)
        exponent = self.object(power, requirement) if by_rsa else b""
        remainder = self.visit.objects.get(rest, b"") if by_rsa else b""
        static = b"" if kind == ISSUER else self.static_data
        try:
            return certificates.certified_key(signer, kind, certificate, remainder, exponent, static)
        except Unsigned as problem:
            self._wrong(f"证书 {name:X} 验证失败", f"certificate {name:X} is wrong: {problem}", requirement)
            raise Inconclusive(f"证书 {name:X} 无法验证", str(problem)) from problem

    def _wrong(self, zh: str, en: str, requirement: str | None) -> None:
        """Fail the case, or end it without a verdict."""
        if requirement is None:
            raise Inconclusive(zh, en)
        self.visit.bench.check(False, zh, en, expected="valid", received=en, requirement=requirement)


# Dynamic signatures


def ddol_values(visit: Visit, unpredictable: bytes) -> bytes:
    """The values of the DDOL, of the default one where the card has none, with an unpredictable number."""
    visit.values[0x9F37] = unpredictable
    return visit.filled(DDOL) if DDOL in visit.objects else unpredictable


def internal_authenticate(visit: Visit, values: bytes) -> Response:
    """INTERNAL AUTHENTICATE."""
    return visit.bench.send(apdu(0x00, 0x88, 0, 0, values, ne=256))


def signature_of(answer: bytes, template: int = FORMAT_1) -> bytes | None:
    """9F4B out of a template 80, or out of 77; None where there is none."""
    try:
        (whole,) = tlv.parse(answer)
    except (TlvError, ValueError):
        return None
    if whole.tag != template:
        return None
    return (
        whole.value
        if template == FORMAT_1
        else next((each.value for each in _children(whole) if each.tag == SIGNATURE), None)
    )


def _children(whole: Tlv) -> tuple[Tlv, ...]:
    try:
        return tuple(whole.children)
    except TlvError:
        return ()


@dataclass(frozen=True)
class Combined:
    """A GENERATE AC with a request for a signature: what was sent, what came, what the signature must cover."""

    made: Cryptogram
    answer: bytes
    covered: bytes
    """Values of PDOL, CDOL1 and CDOL2, and the objects of the answer without 9F4B."""

    def signed(self, card: PublicKey, unpredictable: bytes) -> SignedCryptogram:
        """The content of the signature.

        Raises:
            Unsigned: There is none, or it is wrong.
        """
        signature = signature_of(self.answer, FORMAT_2)
        if signature is None:
            raise Unsigned("the cryptogram is not signed")
        return certificates.signed_cryptogram(card, signature, unpredictable)


class CombinedVisit:
    """The cryptograms of one transaction with signature; keeps what earlier commands told the card."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self._told = visit.pdol_values()

    def generate(self, kind: int, *, second: bool = False, signed: bool = True) -> Combined:
        """The first or second GENERATE AC, which must succeed."""
        visit = self.visit
        values = visit.filled(CDOL2 if second else CDOL1)
        answer = visit.send_generate(kind | (SIGNED if signed else 0), values)
        visit.bench.need(answer, "生成应用密文", "GENERATE AC")
        self._told += values
        made = Cryptogram.read(answer)
        visit.counter = made.counter
        covered = self._told + _without_signature(answer.data)
        if not second:
            visit.first_cryptogram = made.value
        return Combined(made, answer.data, covered)


def _without_signature(answer: bytes) -> bytes:
    """The objects of a template 77 in the order of the answer, 9F4B left out."""
    try:
        (whole,) = tlv.parse(answer)
    except (TlvError, ValueError):
        return b""
    return b"".join(each.to_bytes() for each in _children(whole) if each.tag != SIGNATURE)


def answered(visit: Visit, code: str) -> None:
    """The bank's answer to the first cryptogram: EXTERNAL AUTHENTICATE, which must succeed, where the card takes it."""
    if visit.objects.get(AIP, b"\0")[0] & ISSUER_AUTHENTICATION:
        visit.bench.need(visit.send_authenticate(code), "发卡行认证", "EXTERNAL AUTHENTICATE")
