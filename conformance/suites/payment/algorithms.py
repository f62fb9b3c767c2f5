"""The choice between algorithm sets 算法选择 (area PAY-SMA): DF69 of the terminal, and what both sets share."""

from __future__ import annotations

from conformance.actors.bank.scripts import put_data
from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.failures import Inconclusive, NotApplicable
from conformance.payment_answers import (
    Cryptogram,
)
from conformance.payment_chain import ISSUER_CERTIFICATE, Chain, asks_for, sets_of, started
from conformance.payment_dialogue import (
    ARQC,
    BALANCE,
    TC,
    Visit,
    amount,
    counter,
    get_data,
)
from conformance.payment_judging import declared_pin, settled, verify, wrong_pin
from conformance.payment_readings import other_set
from emulator.crypto.rsa import RsaPublicKey
from profiles.algorithm_sets import AlgorithmSet

SUITE = Suite("payment algorithms", "算法集选择", "Payment: choice of algorithms")

IDENTIFIERS = {"3DES": 0x01, "SM4": 0x04}
"""Algorithm byte of 9F10 (JR/T 0025.17 appendix A)."""
SM2_ISSUER_FORMAT = 0x12
WRONG_PIN = Expectation((), families=(0x63,))
PIN_TRIES = 0x9F17
SHARED = "PAY-SMA-018"


def check_set(visit: Visit, made: Cryptogram, algorithm: str, requirement: str) -> None:
    """The list of files reaches certificates of the set, 9F10 names its algorithm, the cryptogram is made with its keys."""
    bench, sm = visit.bench, algorithm == "SM4"
    certificate = Chain(visit).object(ISSUER_CERTIFICATE, requirement)
    authority = Chain(visit).authority(requirement).key
    by_sm2 = not isinstance(authority, RsaPublicKey) and certificate[:1] == bytes((SM2_ISSUER_FORMAT,))
    bench.check(
        by_sm2 is sm,
        "AFL 所列证书的算法",
        "algorithm of the certificates that the AFL reaches",
        expected="SM2" if sm else "RSA",
        received="SM2" if by_sm2 else "RSA",
        requirement=requirement,
    )
    found = made.data.algorithm if made.data else 0
    bench.check(
        found == IDENTIFIERS[algorithm],
        "9F10 第 8 字节的算法标识",
        "algorithm identifier in byte 8 of 9F10",
        expected=f"{IDENTIFIERS[algorithm]:02X}",
        received=f"{found:02X}",
        requirement=requirement,
    )
    other = other_set(visit, made, made.value)
    bench.check(
        other is None,
        "应用密文不用另一算法集的密钥",
        "the cryptogram is not made with the keys of the other set",
        expected=algorithm,
        received=other.value if other else algorithm,
        requirement=requirement,
    )


def _check_choice(bench: Bench, *, sm: bool, algorithm: str, requirement: str) -> None:
    """Ordinary and e-cash; each twice with the other value of DF69 between them, so that nothing sticks."""
    for e_cash in (False, True):
        for asked in (sm, not sm, sm):
            visit = Visit(bench, sm=asked, e_cash=e_cash).open()
            answer = visit.send_begin()
            if asked is sm:
                bench.expect(answer, GOOD, "应用初始化", "GET PROCESSING OPTIONS", requirement=requirement)
                check_set(visit, visit.read().first(ARQC), algorithm, requirement)


@SUITE.case(
    "PAY-SMA/chosen/BV",
    "DF69 = 01 选择国密算法",
    "DF69 = 01 chooses the SM algorithms",
    requirements=["PAY-SMA-001"],
    kind=Kind.VALID,
    expected=(
        "AFL 含 SM2 证书，9F10 第 8 字节 04，SM4 密文",
        "SM2 certificates, 04 in byte 8 of 9F10, a cryptogram of SM4",
    ),
)
def chosen(bench: Bench) -> None:
    """Also after a transaction with the other set."""
    _check_choice(bench, sm=True, algorithm="SM4", requirement="PAY-SMA-001")


@SUITE.case(
    "PAY-SMA/not-chosen/BV",
    "DF69 = 00 选择 RSA 与 3DES",
    "DF69 = 00 chooses RSA and triple DES",
    requirements=["PAY-SMA-002"],
    kind=Kind.VALID,
    expected=(
        "AFL 含 RSA 证书，9F10 第 8 字节 01，3DES 密文",
        "RSA certificates, 01 in byte 8 of 9F10, a cryptogram of 3DES",
    ),
)
def not_chosen(bench: Bench) -> None:
    """Also after a transaction with the other set."""
    _check_choice(bench, sm=False, algorithm="3DES", requirement="PAY-SMA-002")


@SUITE.case(
    "PAY-SMA/alone/BV",
    "单 SM 卡在借贷记中不受 DF69 影响",
    "A card with SM alone answers with SM whatever DF69 says",
    requirements=["PAY-SMA-003"],
    kind=Kind.VALID,
    expected=("DF69 = 00 与 01 时均返回 SM 数据", "SM data for DF69 = 00 and 01"),
)
def alone(bench: Bench) -> None:
    """A terminal without SM then fails to authenticate the card, and may go online."""
    for asked in (False, True):
        visit = Visit(bench, sm=asked).open()
        bench.expect(visit.send_begin(), GOOD, "应用初始化", "GET PROCESSING OPTIONS", requirement="PAY-SMA-003")
        check_set(visit, visit.read().first(ARQC), "SM4", "PAY-SMA-003")


# What both sets share


def _both(bench: Bench) -> tuple[AlgorithmSet, ...]:
    chosen_sets = sets_of(bench.profile)
    if len(chosen_sets) < 2:
        raise NotApplicable("卡片只有一个算法集", "the declared card has one algorithm set")
    return (*chosen_sets, *chosen_sets)


@SUITE.case(
    "PAY-SMA/shared-counters/BV",
    "两个算法集共用 ATC 与标志",
    "Both sets share counter and flags",
    requirements=[SHARED],
    kind=Kind.VALID,
    expected=(
        "交替使用时 ATC 连续；一个算法集未完成的联机交易在另一个的 CVR 中可见",
        "one sequence of counters; an online transaction left open with one shows in the CVR of the other",
    ),
)
def shared_counters(bench: Bench) -> None:
    """Transactions with the sets in turn."""
    both = _both(bench)
    settled(bench, sm=asks_for(both[0]))
    before = counter(bench)
    for number, algorithms in enumerate(both, 1):
        visit = started(bench, algorithms)
        made = visit.first(ARQC)
        bench.check(
            int.from_bytes(made.counter) == before + number,
            "ATC 连续",
            "one sequence of counters",
            expected=f"{before + number:04X}",
            received=made.counter,
            requirement=SHARED,
        )
        bench.check(
            made.bit(3, 8) is (number > 1),
            "上次联机交易未完成（CVR 3.b8）",
            "last online transaction not completed (CVR 3.b8)",
            expected=int(number > 1),
            received=int(made.bit(3, 8)),
            requirement=SHARED,
        )
    settled(bench, sm=asks_for(both[0]))


@SUITE.case(
    "PAY-SMA/shared-balance/BV",
    "两个算法集共用电子现金余额",
    "Both sets share the e-cash balance",
    requirements=[SHARED],
    kind=Kind.VALID,
    expected=("每次脱机消费后余额减少，与算法集无关", "each offline purchase lowers the balance, whatever the set"),
)
def shared_balance(bench: Bench) -> None:
    """One unit with each set in turn; a script brings the balance back."""
    both = _both(bench)
    if "e-cash" not in both[0].path:
        raise NotApplicable("没有电子现金", "the declared card has no e-cash")
    settled(bench, sm=asks_for(both[0]))
    issued = start = get_data(bench, BALANCE)
    if issued is None or start is None:
        raise Inconclusive("无法读取余额", "GET DATA does not give the balance")
    if int(start.hex()) < len(both):
        start = amount(len(both))
        Visit(bench).ordered(put_data(BALANCE, start))
        settled(bench, sm=asks_for(both[0]))
    for number, algorithms in enumerate(both, 1):
        visit = started(bench, algorithms, e_cash=True).offer(amount=1)
        visit.open().begin().read()
        if visit.first(TC).kind != TC:
            raise Inconclusive("电子现金交易未批准", "the e-cash purchase was not approved")
        found = get_data(bench, BALANCE) or b""
        expected = int(start.hex()) - number
        bench.check(
            found.hex() == f"{expected:012d}",
            "余额",
            "balance",
            expected=f"{expected:012d}",
            received=found,
            requirement=SHARED,
        )
    Visit(bench).ordered(put_data(BALANCE, issued))


@SUITE.case(
    "PAY-SMA/shared-pin/BV",
    "两个算法集共用 PIN 及其尝试次数",
    "Both sets share the PIN and its tries",
    requirements=[SHARED],
    kind=Kind.VALID,
    expected=(
        "一个算法集中的 PIN 错误在另一个中减少剩余次数，正确 PIN 恢复",
        "a wrong PIN with one set lowers the tries of the other; the right PIN gives them back",
    ),
)
def shared_pin(bench: Bench) -> None:
    """One wrong PIN, then the right one with the other set."""
    pin = declared_pin(bench.profile)
    for first, second in (both := _both(bench))[:2], both[1:3]:
        started(bench, first)
        before = get_data(bench, PIN_TRIES)
        if before is None or before[0] < 2:
            raise Inconclusive("剩余次数不足", "fewer than two tries are left, or cannot be read")
        bench.expect(verify(bench, wrong_pin(pin)), WRONG_PIN, "错误的 PIN", "a wrong PIN", requirement=SHARED)
        started(bench, second)
        left = get_data(bench, PIN_TRIES)
        bench.check(
            left == bytes((before[0] - 1,)),
            "另一算法集中的剩余次数",
            "tries left with the other set",
            expected=before[0] - 1,
            received=left,
            requirement=SHARED,
        )
        bench.expect(verify(bench, pin), GOOD, "正确的 PIN", "the right PIN", requirement=SHARED)
