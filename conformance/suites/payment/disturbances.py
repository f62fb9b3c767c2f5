"""Disturbed payment applications 扰动下的金融应用 (area PAY-INV): what no answer shows, and what nothing may change or stop."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import strategies as st

from conformance.bench import Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.dialogue import apdu
from conformance.payment_answers import (
    COUNTER,
)
from conformance.payment_chain import sets_of
from conformance.payment_dialogue import (
    AAC,
    APPROVED,
    ARQC,
    BALANCE,
    TC,
    Visit,
    declared_objects,
    get_data,
)
from conformance.payment_judging import LAST_ONLINE, name_of, settled
from conformance.properties import for_all
from conformance.suites.payment.secret_data import key_halves, pin_forms, unwritten
from conformance.suites.robustness import CLASSES, NO_INSTRUCTION, commands, declared, may_do_harm, takes_any_bytes
from emulator.iso7816 import SW
from profiles.model import Profile
from profiles.payment_keys import RsaTestKey, rsa_test_keys, sm2_test_keys

SUITE = Suite("payment disturbances", "扰动下的金融应用", "Payment: disturbances")

PIN_TRIES, SECOND_BALANCE = 0x9F17, 0xDF79
WATCHED = (COUNTER, LAST_ONLINE, PIN_TRIES, BALANCE, SECOND_BALANCE)
SELECTABLE = Expectation((SW.SUCCESS, SW.SELECTED_FILE_DEACTIVATED))
"""A PIN that was exhausted may have blocked the application, where the default action says so."""
WINDOW = 16
"""Bytes of a private number that would be a leak."""
LAST_SFI, LAST_RECORD = 31, 12
MOST_SHOWN = 3


# Secrets


def _private_numbers(bench: Bench) -> Iterator[tuple[str, bytes]]:
    """The private key of each algorithm set that the published test keys certify."""
    for each in sets_of(bench.profile):
        if each.certification is None:
            continue
        if each.certification.scheme == "SM2":
            yield "SM2 private key", sm2_test_keys().card
            continue
        for name, number in _parts(rsa_test_keys(each.certification.authority_bits).card):
            yield f"RSA {name}", number.to_bytes((number.bit_length() + 7) // 8)


def _parts(key: RsaTestKey) -> Iterator[tuple[str, int]]:
    d = pow(key.e, -1, (key.p - 1) * (key.q - 1))
    yield from (("p", key.p), ("q", key.q), ("d", d))
    yield from (("d mod p-1", d % (key.p - 1)), ("d mod q-1", d % (key.q - 1)), ("1/q mod p", pow(key.q, -1, key.p)))


def secrets_of(bench: Bench, visit: Visit) -> dict[str, bytes]:
    """Everything that no answer may hold, by name: PIN, halves of card and session keys, pieces of private keys.

    What the public data of the card hold by chance is left out.
    """
    keys = visit.keys
    found = {**pin_forms(bench), **key_halves(visit)}
    for name, key in (("AC", keys.ac), ("MAC", keys.mac), ("ENC", keys.enc)):
        found |= {f"session key {name}, left half": key[:8], f"session key {name}, right half": key[8:]}
    for name, number in _private_numbers(bench):
        found |= {
            f"{name} from byte {at}": number[at : at + WINDOW] for at in range(0, len(number) - WINDOW + 1, WINDOW // 2)
        }
    public = b" ".join(declared_objects(bench.profile).values())
    return {name: value for name, value in found.items() if value not in public}


def _check_silent(bench: Bench, sent: list[bytes], secrets: dict[str, bytes]) -> None:
    """Send commands and look for secrets in their answers, which are not written down: a report must not spread them."""
    shown = []
    with unwritten(bench):
        for command in sent:
            data = bench.transmit(command).data
            shown += [f"{command[:4].hex().upper()}: {name}" for name, value in secrets.items() if value in data]
    bench.check(
        not shown,
        f"{len(sent)} 条命令应答中的秘密数据",
        f"secrets in the answers to {len(sent)} commands",
        expected="—",
        received="; ".join(shown[:MOST_SHOWN]) or "—",
        requirement="PAY-INV-004",
    )


@SUITE.case(
    "PAY-INV/secrets/BI",
    "任何应答都不泄露秘密",
    "No answer shows a secret",
    requirements=["PAY-INV-004"],
    kind=Kind.INVALID,
    expected=("密钥、PIN、私钥不出现在任何应答中", "neither key nor PIN nor private key in any answer"),
)
def secrets_stay(bench: Bench) -> None:
    """Every record of every file, and generated commands, valid, nearly valid and invalid, in the middle of a transaction."""
    visit = settled(bench)
    secrets = secrets_of(bench, visit)
    reads = [apdu(0x00, 0xB2, n, sfi << 3 | 4, ne=256) for sfi in range(LAST_SFI) for n in range(LAST_RECORD + 1)]
    _check_silent(bench, reads, secrets)
    some = commands(bench.profile, harmless=not may_do_harm(bench), any_bytes=takes_any_bytes(bench))

    def body(given: list[bytes]) -> None:
        visit.open().begin().read()
        made = visit.first(ARQC)
        current = {**secrets, **secrets_of(bench, visit)} if made.counter else secrets
        _check_silent(bench, given, current)

    for_all(bench, st.lists(some, min_size=1, max_size=12), body)


# Commands that are none


def unknown_commands(profile: Profile) -> st.SearchStrategy[bytes]:
    """Commands with a class, an instruction or parameters that no payment application has."""
    known = declared(profile)
    classes = st.sampled_from([cla for cla in CLASSES if cla & 0x03 == 0])
    instruction = st.integers(0, 0xFF).filter(lambda value: value not in NO_INSTRUCTION)
    undeclared = st.tuples(classes, instruction, st.integers(0, 0xFF), st.integers(0, 0xFF)).filter(
        lambda header: header[:2] not in known
    )
    misguided = st.sampled_from(MISGUIDED)
    return st.builds(
        lambda header, data: apdu(header[0], header[1], header[2], header[3], data),
        st.one_of(undeclared, misguided),
        st.binary(max_size=20),
    )


MISGUIDED = (
    (0x80, 0xA8, 0x01, 0x00),
    (0x80, 0xA8, 0x00, 0x01),
    (0x80, 0xAE, 0xC0, 0x00),
    (0x80, 0xAE, 0x40, 0x01),
    (0x80, 0xCA, 0x9F, 0x00),
    (0x00, 0x20, 0x00, 0x81),
    (0x00, 0x20, 0x01, 0x80),
    (0x00, 0x82, 0x01, 0x00),
    (0x00, 0x88, 0x00, 0x01),
    (0x00, 0xB2, 0x01, 0x07),
)
"""Declared commands with parameters that the standard reserves."""


def _watched(bench: Bench) -> dict[int, bytes | None]:
    return {tag: get_data(bench, tag) for tag in WATCHED}


@SUITE.case(
    "PAY-INV/unknown-commands/BI",
    "未知命令不改变任何状态",
    "Unknown commands change nothing",
    requirements=["PAY-INV-005"],
    kind=Kind.INVALID,
    expected=(
        "计数器、余额、PIN 次数不变，进行中的交易照常完成，结果与无干扰时相同",
        "counters, balances and tries stay, and the transaction under way ends as it would without them",
    ),
)
def unknown_change_nothing(bench: Bench) -> None:
    """The same transaction twice, once with generated commands in its middle: the results must be equal."""

    def body(given: list[bytes]) -> None:
        visit = settled(bench).open().begin().read()
        undisturbed = visit.first(TC)
        visit = settled(bench).open().begin().read()
        before = _watched(bench)
        for command in given:
            bench.transmit(command)
        after = _watched(bench)
        bench.check(
            after == before,
            "数据元",
            "data objects",
            expected=_shown(before),
            received=_shown(after),
            requirement="PAY-INV-005",
        )
        made = visit.first(TC, requirement="PAY-INV-005")
        bench.check(
            made.kind == undisturbed.kind and made.results == undisturbed.results,
            "密文类型与 CVR",
            "kind of cryptogram and card verification results",
            expected=f"{name_of(undisturbed.kind)} {undisturbed.results.hex().upper()}",
            received=f"{name_of(made.kind)} {made.results.hex().upper()}",
            requirement="PAY-INV-005",
        )
        expected = visit.expected(made)
        bench.check(
            made.value == expected,
            "应用密文",
            "cryptogram",
            expected=expected,
            received=made.value,
            requirement="PAY-INV-005",
        )

    for_all(bench, st.lists(unknown_commands(bench.profile), min_size=1, max_size=6), body, share=0.5)


def _shown(values: dict[int, bytes | None]) -> str:
    return " ".join(f"{tag:X}={value.hex().upper() if value is not None else '—'}" for tag, value in values.items())


# Resets

STAGES = ("selected", "started", "read", "requested", "authenticated", "completed")


def _reach(visit: Visit, stage: str) -> None:
    """Bring a transaction to a stage."""
    visit.open()
    if stage == "selected":
        return
    visit.begin()
    if stage in ("started", "read"):
        if stage == "read":
            visit.read()
        return
    visit.first(ARQC)
    if stage == "requested":
        return
    visit.send_authenticate(APPROVED)
    if stage == "completed":
        visit.second(AAC, "05")


@SUITE.case(
    "PAY-INV/resets/BO",
    "任意时刻复位后应用仍可选择",
    "After a reset at any point the application can be selected",
    requirements=["PAY-INV-006"],
    kind=Kind.INOPPORTUNE,
    expected=("复位后 SELECT 应答 9000", "SELECT answers 9000 after the reset"),
)
def resets(bench: Bench) -> None:
    """Generated: a transaction up to a stage, any commands, a reset, and again."""
    some = commands(bench.profile, harmless=not may_do_harm(bench), any_bytes=takes_any_bytes(bench))
    steps = st.tuples(st.sampled_from(STAGES), st.lists(some, max_size=3), st.booleans())

    def body(given: list[tuple[str, list[bytes], bool]]) -> None:
        for stage, garbage, cold in given:
            visit = Visit(bench)
            _reach(visit, stage)
            for command in garbage:
                bench.transmit(command)
            bench.reset(cold)
            bench.expect(
                visit.send_select(), SELECTABLE, "复位后选择应用", "SELECT after the reset", requirement="PAY-INV-006"
            )

    for_all(bench, st.lists(steps, min_size=1, max_size=4), body, share=0.5)


@SUITE.case(
    "PAY-INV/power-lost/BO",
    "任意写入时断电后应用仍可选择",
    "After a loss of power at any write the application can be selected",
    requirements=["PAY-INV-006"],
    kind=Kind.INOPPORTUNE,
    needs_tearing=True,
    expected=("复位后 SELECT 应答 9000，且可开始交易", "SELECT answers 9000 after the reset, and a transaction begins"),
)
def power_lost(bench: Bench) -> None:
    """Each write of the first and of the second cryptogram in turn."""
    for second in (False, True):
        for write in range(1, 60):
            visit = Visit(bench).open().begin().read()
            if second:
                visit.first(ARQC)
                visit.send_authenticate(APPROVED)
                visit.values[0x8A] = APPROVED.encode("ascii")
            values = visit.filled(0x8D if second else 0x8C)
            answer = bench.tear(apdu(0x80, 0xAE, TC, 0, values, ne=256), write)
            bench.reset()
            bench.expect(
                visit.send_select(), SELECTABLE, "断电后选择应用", "SELECT after the cut", requirement="PAY-INV-006"
            )
            bench.expect(
                visit.send_begin(),
                SW.SUCCESS,
                "断电后初始化",
                "GET PROCESSING OPTIONS after the cut",
                requirement="PAY-INV-006",
            )
            if answer is not None:
                break
