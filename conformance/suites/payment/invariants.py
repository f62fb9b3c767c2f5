"""Invariants of money and of cryptograms 安全不变式 (area PAY-INV): whatever comes, in whatever order, these hold."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st

from conformance.actors.bank.scripts import put_data, unblock_pin
from conformance.bench import Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import apdu
from conformance.failures import Inconclusive
from conformance.payment_answers import (
    Cryptogram,
)
from conformance.payment_dialogue import (
    AAC,
    APPROVED,
    ARQC,
    BALANCE,
    CDOL1,
    CDOL2,
    OFFLINE_APPROVED,
    SIGNED,
    TC,
    Visit,
    amount,
    get_data,
    set_data,
)
from conformance.payment_judging import name_of, set_back, settled
from conformance.properties import for_all
from conformance.tearing import every_cut
from emulator.crypto import payment as crypto
from emulator.iso7816 import SW, Response

SUITE = Suite("payment invariants", "金融应用安全不变式", "Payment: invariants")

SECOND_BALANCE = 0xDF79
TORN = 3
"""Amount of a torn purchase, in the smallest unit."""
LARGEST_PURCHASE, MOST_PURCHASES = 400, 8
MOST_MONEY = b"\x00\x00\x00\x09\x99\x99"
MAC_LENGTH = 4
RESPONSE_CODE = 0x8A


def balance(bench: Bench, tag: int = BALANCE) -> int | None:
    """A balance by GET DATA; None where the card does not give it."""
    value = get_data(bench, tag)
    return int(value.hex()) if value and value.hex().isdecimal() else None


def known_balance(bench: Bench) -> int:
    """The e-cash balance, without which nothing can be judged."""
    found = balance(bench)
    if found is None:
        raise Inconclusive("无法读取电子现金余额", "GET DATA does not give the e-cash balance")
    return found


def with_money(bench: Bench, needed: int) -> Visit:
    """A settled card with that balance at least: beyond its balance a purchase is none of e-cash, and moves nothing."""
    visit = settled(bench)
    if known_balance(bench) < needed:
        set_data(bench, {BALANCE: amount(needed)})
        visit = settled(bench)
    return visit


def check_balance(bench: Bench, allowed: tuple[int, ...], requirement: str) -> int:
    """The balance is one of these."""
    found = known_balance(bench)
    bench.check(
        found in allowed,
        "电子现金余额",
        "e-cash balance",
        expected=" / ".join(map(str, allowed)),
        received=found,
        requirement=requirement,
    )
    return found


# Money


class Purchase(NamedTuple):
    """An e-cash transaction and how it ends."""

    asked: int
    how: str


WAYS = ("pay", "pay", "pay", "other amount", "declined", "reset", "online")
PURCHASES = st.lists(
    st.builds(Purchase, st.integers(0, LARGEST_PURCHASE), st.sampled_from(WAYS)), min_size=1, max_size=MOST_PURCHASES
)


def _purchase(visit: Visit, asked: int, how: str) -> int:
    """One e-cash transaction, ended in one of several ways; answers what the card approved."""
    bench = visit.bench
    visit.open().begin(e_cash=True, amount=asked)
    if how == "reset":
        bench.reset()
        visit.open()
        return 0
    if how == "other amount":
        visit.offer(amount=asked + 1)
    kind = {"declined": AAC, "online": ARQC}.get(how, TC)
    return asked if visit.first(kind).kind == TC and how == "pay" else 0


@SUITE.case(
    "PAY-INV/conservation/BO",
    "余额守恒",
    "Debits and balances agree",
    requirements=["PAY-INV-001"],
    kind=Kind.INOPPORTUNE,
    expected=(
        "任意次序的消费后，余额 = 起始余额 − 已批准金额之和",
        "after any purchases the balance is the start minus what was approved",
    ),
)
def conservation(bench: Bench) -> None:
    """Generated purchases: paid, declined, with a changed amount, sent online, left in the middle."""

    def body(purchases: list[Purchase]) -> None:
        with set_back(bench, {BALANCE}):
            visit = with_money(bench, LARGEST_PURCHASE * MOST_PURCHASES)
            expected = known_balance(bench)
            for asked, how in purchases:
                expected -= _purchase(visit, asked, how)
                check_balance(bench, (expected,), "PAY-INV-001")

    for_all(bench, PURCHASES, body, share=0.5)


@SUITE.case(
    "PAY-INV/conservation-torn/BO",
    "消费中断电时余额守恒",
    "Debit and balance agree when the supply fails",
    requirements=["PAY-INV-001"],
    kind=Kind.INOPPORTUNE,
    needs_tearing=True,
    expected=("余额为消费前或消费后的值", "the balance is that before the purchase or that after it"),
)
def conservation_torn(bench: Bench) -> None:
    """The supply is cut at each write of the GENERATE AC that debits."""
    visit, before = Visit(bench), 0

    def prepare() -> bytes:
        nonlocal before
        with_money(bench, TORN)
        visit.open().begin(e_cash=True, amount=TORN).read()
        before = known_balance(bench)
        return apdu(0x80, 0xAE, TC, 0, visit.filled(CDOL1), ne=256)

    def after_cut(_: int) -> None:
        visit.open()
        check_balance(bench, (before, before - TORN), "PAY-INV-001")

    def undisturbed(answer: Response) -> None:
        paid = TORN if Cryptogram.read(answer).kind == TC and answer.sw == SW.SUCCESS else 0
        check_balance(bench, (before - paid,), "PAY-INV-001")

    with set_back(bench, {BALANCE}):
        every_cut(bench, prepare, after_cut, undisturbed)


# No money without the bank

FORGERIES = ("no MAC", "zeros", "wrong bit", "cryptogram key", "encryption key", "replayed")


class Step(NamedTuple):
    """Something that a thief may do, or anybody; what a step does not need it does not look at."""

    what: str
    how: str
    tag: int
    asked: int
    early: bool


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["forge", "forge", "forge", "pay", "reset", "online"]),
        st.sampled_from(FORGERIES),
        st.sampled_from((BALANCE, SECOND_BALANCE)),
        st.integers(0, LARGEST_PURCHASE),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


def _forged(visit: Visit, how: str, tag: int, genuine: bytes) -> bytes:
    """PUT DATA of much money with a MAC that the bank did not make; ``genuine`` is one that it made earlier."""
    keys, order = visit.keys, put_data(tag, MOST_MONEY)
    right = order.command(keys, visit.first_cryptogram)
    covered = right[:5] + keys.counter + visit.first_cryptogram + right[5:-MAC_LENGTH]
    match how:
        case "no MAC":
            return right[:4] + bytes((len(MOST_MONEY),)) + MOST_MONEY
        case "zeros":
            return right[:-MAC_LENGTH] + bytes(MAC_LENGTH)
        case "wrong bit":
            return right[:-1] + bytes((right[-1] ^ 1,))
        case "cryptogram key":
            return right[:-MAC_LENGTH] + crypto.payment_mac(keys.algorithm, keys.ac, covered)
        case "encryption key":
            return right[:-MAC_LENGTH] + crypto.payment_mac(keys.algorithm, keys.enc, covered)
    return genuine


@SUITE.case(
    "PAY-INV/no-growth/BI",
    "无有效圈存脚本时余额不增",
    "No balance grows without a script of the bank",
    requirements=["PAY-INV-002"],
    kind=Kind.INVALID,
    expected=("两个余额从不增加", "neither balance ever grows"),
)
def no_growth(bench: Bench) -> None:
    """Generated transactions with forged and replayed load scripts among them, before and after the second cryptogram."""

    def body(steps: list[Step]) -> None:
        with set_back(bench, {BALANCE}):
            _play(bench, steps)

    for_all(bench, STEPS, body, share=0.5)


def _play(bench: Bench, steps: list[Step]) -> None:
    visit = settled(bench)
    genuine = put_data(BALANCE, amount(known_balance(bench))).command(visit.keys, visit.first_cryptogram)
    bench.need(bench.send(genuine), "圈存脚本", "a load script of the bank")
    known = {tag: balance(bench, tag) for tag in (BALANCE, SECOND_BALANCE)}
    for step in steps:
        match step.what:
            case "forge":
                _online(visit, completed=not step.early)
                bench.send(_forged(visit, step.how, step.tag, genuine))
            case "pay":
                _purchase(visit, step.asked, "pay")
            case "reset":
                bench.reset(step.early)
                visit.open()
            case _:
                _online(visit, completed=not step.early)
        for tag, before in known.items():
            after = balance(bench, tag)
            if before is None or after is None:
                continue
            bench.check(
                after <= before,
                f"余额 {tag:X} 不增",
                f"balance {tag:X} does not grow",
                expected=f"≤ {before}",
                received=after,
                requirement="PAY-INV-002",
            )
            known[tag] = after


def _online(visit: Visit, *, completed: bool) -> None:
    """A transaction that the bank approved, its second cryptogram asked for or not yet."""
    visit.open().begin(e_cash=False)
    visit.first(ARQC)
    visit.send_authenticate(APPROVED)
    if completed:
        visit.second(TC, APPROVED)


# Cryptograms


class Request(NamedTuple):
    """A command of a transaction; what it does not need it does not look at."""

    what: str
    kind: int
    signed: bool
    second: bool
    code: str


COMMANDS = ("generate", "generate", "generate", "authenticate", "internal", "data", "record", "script")
REQUESTS = st.lists(
    st.builds(
        Request,
        st.sampled_from(COMMANDS),
        st.sampled_from([AAC, TC, ARQC]),
        st.booleans(),
        st.booleans(),
        st.sampled_from([APPROVED, OFFLINE_APPROVED]),
    ),
    min_size=2,
    max_size=12,
)


@SUITE.case(
    "PAY-INV/no-approval-after-decline/BO",
    "AAC 之后无 TC",
    "No TC after an AAC",
    requirements=["PAY-INV-003"],
    kind=Kind.INOPPORTUNE,
    expected=("同一交易中 AAC 之后不再有 TC", "no TC follows an AAC in the same transaction"),
)
def no_approval_after_decline(bench: Bench) -> None:
    """Generated requests of any kind, in any order, with and without signature, with other commands among them."""
    directed = [Request("generate", AAC, False, False, APPROVED)]
    for code in (APPROVED, OFFLINE_APPROVED):
        for second in (False, True):
            _judge_requests(bench, [*directed, Request("generate", TC, False, second, code)])
    for_all(bench, REQUESTS, lambda requests: _judge_requests(bench, requests))


def _judge_requests(bench: Bench, requests: list[Request]) -> None:
    """Send them in one transaction; no TC may come after an AAC."""
    visit = settled(bench).open().begin().read()
    declined = False
    for request in requests:
        answer = _asked(visit, request)
        if request.what != "generate" or answer.sw != SW.SUCCESS:
            continue
        made = Cryptogram.read(answer)
        bench.check(
            not (declined and made.kind == TC),
            "AAC 之后的密文",
            "cryptogram after an AAC",
            expected="AAC / 6985",
            received=name_of(made.kind),
            requirement="PAY-INV-003",
        )
        declined |= made.kind == AAC
        visit.counter = made.counter
        visit.first_cryptogram = visit.first_cryptogram or made.value


def _asked(visit: Visit, request: Request) -> Response:
    """One command of a transaction."""
    bench = visit.bench
    visit.values[RESPONSE_CODE] = request.code.encode("ascii")
    match request.what:
        case "generate":
            values = visit.filled(CDOL2 if request.second else CDOL1)
            return visit.send_generate(request.kind | (SIGNED if request.signed else 0), values)
        case "authenticate" if visit.first_cryptogram:
            return visit.send_authenticate(APPROVED, wrong=request.signed)
        case "script" if visit.first_cryptogram:
            return visit.send_script(unblock_pin(), wrong=request.signed)
        case "internal":
            return bench.send(apdu(0x00, 0x88, 0, 0, bytes(4), ne=256))
        case "record":
            return visit.read_record(1, 1)
    return bench.send(apdu(0x80, 0xCA, 0x9F, 0x36, ne=256))
