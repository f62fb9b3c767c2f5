"""GET DATA of every tag there is (area PAY-GDT): none may show a secret."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import apdu, pin_bytes
from conformance.failures import Inconclusive
from conformance.payment_dialogue import TC, Visit, amount, application, declared_objects
from conformance.payment_judging import declared_pin, settled
from emulator.crypto import CryptoError
from emulator.crypto.payment import card_key, pin_block

SUITE = Suite("payment secrets", "金融应用秘密数据", "Payment: secret data")

ONE_BYTE_TAGS = [tag for tag in range(1, 0x100) if tag & 0x1F != 0x1F]
TWO_BYTE_TAGS = [first << 8 | last for first in range(0x1F, 0x100, 0x20) for last in range(0x80)]
COUNTERS = (0x9F36, 0x9F13)
"""Two bytes that may be any number, a PIN of four digits among them."""
TAGS = (*ONE_BYTE_TAGS, *TWO_BYTE_TAGS)


def pin_forms(bench: Bench) -> dict[str, bytes]:
    """The PIN as a card may keep it; nothing where it has none."""
    if not application(bench.profile).pin:
        return {}
    digits = declared_pin(bench.profile)
    block = pin_block(digits)
    return {"PIN block": block, "PIN, padded": block[1:], "PIN in characters": digits.encode("ascii")}


def _packed_pin(bench: Bench) -> bytes | None:
    """The digits alone, two to a byte; None where the card has no PIN."""
    return pin_bytes(declared_pin(bench.profile)) if application(bench.profile).pin else None


def key_halves(visit: Visit) -> dict[str, bytes]:
    """Both halves of each of the card's keys."""
    account = visit.objects.get(0x5A, b"").hex().upper().rstrip("F")
    sequence = visit.objects.get(0x5F34, b"\0").hex()
    found = {}
    for issuer in visit.issuers:
        for use, master in (("AC", issuer.ac), ("MAC", issuer.mac), ("ENC", issuer.enc)):
            try:
                key = card_key(issuer.algorithm, master, account, sequence)
            except CryptoError as problem:
                raise Inconclusive("无法计算卡片密钥", f"no card keys can be computed: {problem}") from problem
            name = f"{issuer.algorithm.value} key {use}"
            found[f"{name}, left half"], found[f"{name}, right half"] = key[:8], key[8:]
    return found


@contextmanager
def unwritten(bench: Bench) -> Iterator[None]:
    """Exchanges of which nothing is written down: a report must not spread the secret that a card gives away."""
    before, quiet = list(bench.recorder.example), bench.recorder.quiet
    bench.recorder.quiet = True
    try:
        yield
    finally:
        bench.recorder.quiet = quiet
        bench.recorder.example[:] = before


@SUITE.case(
    "PAY-GDT/secrets/BI",
    "秘密数据不可读",
    "Secret data",
    requirements=["PAY-GDT-005"],
    kind=Kind.INVALID,
    expected=(
        "任何标签的应答都不含 PIN、密钥和脱机累计金额",
        "no answer to any tag holds the PIN, a key or the total of offline amounts",
    ),
)
def secrets(bench: Bench) -> None:
    """Every tag of one and two bytes, after an online transaction and an offline one of an odd amount."""
    visit, spent = settled(bench), 1000 + bench.random.randrange(9000)
    forbidden = pin_forms(bench) | key_halves(visit)
    if visit.offline(TC, amount=spent).kind == TC:
        forbidden["total of offline amounts"] = amount(spent)
    public = b" ".join(declared_objects(bench.profile).values())
    forbidden = {name: value for name, value in forbidden.items() if value not in public}
    packed = _packed_pin(bench)
    packed = None if packed is None or packed in public else bytes((len(packed),)) + packed
    bench.step(
        f"GET DATA 共 {len(TAGS)} 个标签；应答不记录，只记录泄露秘密的标签",
        f"GET DATA of {len(TAGS)} tags; the answers are not written down, only the tags that give a secret away",
    )
    found: dict[int, list[str]] = {}
    with unwritten(bench):
        for tag in TAGS:
            data = bench.send(apdu(0x80, 0xCA, tag >> 8, tag & 0xFF, ne=256)).data
            shown = [name for name, value in forbidden.items() if value in data]
            if packed is not None and data.endswith(packed) and tag not in COUNTERS:
                shown.append("PIN")
            if shown:
                found[tag] = shown
    bench.check(
        not found,
        "各标签应答中的秘密数据",
        "secrets in the answers to all tags",
        expected="—",
        received="; ".join(f"{tag:X}: {', '.join(shown)}" for tag, shown in found.items()) or "—",
        requirement="PAY-GDT-005",
    )
