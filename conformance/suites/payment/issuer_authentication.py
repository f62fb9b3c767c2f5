"""EXTERNAL AUTHENTICATE 外部认证 (area PAY-EXA): the issuer's response cryptogram, and the failure indicator that outlives power."""

from __future__ import annotations

from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import apdu
from conformance.payment_dialogue import APPROVED, ARQC, TC, Visit
from conformance.payment_judging import (
    AUTHENTICATION_FAILED,
    AUTHENTICATION_FAILED_LAST,
    NOT_COMPLETED,
    algorithm_choices,
    judge,
    next_one,
    requested,
    require_kind,
    settled,
)
from conformance.tearing import every_cut
from emulator.iso7816 import SW, Response

SUITE = Suite("payment issuer authentication", "金融应用发卡行认证", "Payment: issuer authentication")

WRONG_PROOF = SW.AUTHENTICATION_FAILED
NAME = ("外部认证", "EXTERNAL AUTHENTICATE")


def authenticate(proof: bytes, code: str = APPROVED) -> bytes:
    """The command, with any response cryptogram."""
    return apdu(0x00, 0x82, 0, 0, proof + code.encode("ascii"))


def proof_of(visit: Visit, code: str = APPROVED) -> bytes:
    """The right response cryptogram (ARPC) of this transaction."""
    return visit.keys.response_cryptogram(visit.first_cryptogram, code)


@SUITE.case(
    "PAY-EXA/right/BV",
    "正确的 ARPC",
    "The right response cryptogram",
    requirements=["PAY-EXA-001"],
    kind=Kind.VALID,
    expected=("9000", "9000"),
)
def right(bench: Bench) -> None:
    """Approval and refusal, with each set of algorithms."""
    for sm in algorithm_choices(bench.profile):
        for code in (APPROVED, "05"):
            visit = requested(bench, sm=sm)
            bench.expect(visit.send_authenticate(code), GOOD, *NAME, requirement="PAY-EXA-001")


@SUITE.case(
    "PAY-EXA/wrong/BI",
    "错误的 ARPC",
    "A wrong response cryptogram",
    requirements=["PAY-EXA-002"],
    kind=Kind.INVALID,
    expected=("6300", "6300"),
)
def wrong(bench: Bench) -> None:
    """One bit changed in each byte in turn, zeros, and the ARQC itself."""
    for place in range(10):
        visit = requested(bench)
        proof = bytearray(proof_of(visit))
        if place < len(proof):
            proof[place] ^= 1 << bench.random.randrange(8)
        else:
            proof = bytearray(bytes(8) if place == 8 else visit.first_cryptogram)
        bench.step(f"错误的 ARPC {proof.hex().upper()}", "a wrong response cryptogram")
        bench.expect(bench.send(authenticate(bytes(proof))), WRONG_PROOF, *NAME, requirement="PAY-EXA-002")


@SUITE.case(
    "PAY-EXA/other-code/BI",
    "响应码与 ARPC 不符",
    "Another response code than the one in the cryptogram",
    requirements=["PAY-EXA-003"],
    kind=Kind.INVALID,
    expected=("6300", "6300"),
)
def other_code(bench: Bench) -> None:
    """An approval of which somebody makes a refusal, and the other way round."""
    for proven, sent in ((APPROVED, "05"), ("05", APPROVED), (APPROVED, "01")):
        visit = requested(bench)
        command = authenticate(proof_of(visit, proven), sent)
        bench.expect(bench.send(command), WRONG_PROOF, *NAME, requirement="PAY-EXA-003")


@SUITE.case(
    "PAY-EXA/twice/BO",
    "一次交易中第二次外部认证",
    "A second one in a transaction",
    requirements=["PAY-EXA-004", "PAY-EXA-005"],
    kind=Kind.INOPPORTUNE,
    expected=(
        "6985，即使 ARPC 正确；下一交易 CVR 3.b4 = 1",
        "6985, also with the right cryptogram; CVR 3.b4 is 1 in the next transaction",
    ),
)
def twice(bench: Bench) -> None:
    """The right one twice, and the right one after a wrong one."""
    for first_wrong in (False, True):
        settled(bench)
        visit = requested(bench)
        first = visit.send_authenticate(wrong=first_wrong)
        if not first_wrong:
            bench.need(first, *NAME)
        bench.expect(
            visit.send_authenticate(),
            SW.CONDITIONS_OF_USE_NOT_SATISFIED,
            "第二次外部认证",
            "second EXTERNAL AUTHENTICATE",
            requirement="PAY-EXA-004",
        )
        visit.second(TC)
        judge(
            bench,
            "PAY-EXA-005",
            next_one(visit, requirement="PAY-EXA-005"),
            shown=[AUTHENTICATION_FAILED_LAST],
        )


@SUITE.case(
    "PAY-EXA/failure-shown/BV",
    "认证失败出现在第二个密文中",
    "A failure shows in the second cryptogram",
    requirements=["PAY-EXA-006"],
    kind=Kind.VALID,
    expected=("GAC2 的 CVR 2.b4 = 1；成功时为 0", "CVR 2.b4 of the second one is 1, and 0 after success"),
)
def failure_shown(bench: Bench) -> None:
    """Wrong, then, in a transaction of its own, right."""
    requirement = "PAY-EXA-006"
    for is_wrong in (True, False):
        visit = requested(bench)
        visit.send_authenticate(wrong=is_wrong)
        made = visit.second(TC, requirement=requirement)
        places = [AUTHENTICATION_FAILED]
        judge(bench, requirement, made, shown=places if is_wrong else (), hidden=() if is_wrong else places)


@SUITE.case(
    "PAY-EXA/failure-kept/BV",
    "失败指示位掉电保持",
    "The failure indicator survives loss of power",
    requirements=["PAY-EXA-007"],
    kind=Kind.VALID,
    expected=("下一交易 CVR 3.b4 = 1", "CVR 3.b4 is 1 in the next transaction"),
)
def failure_kept(bench: Bench) -> None:
    """Cold and warm reset, right after the answer and after the second cryptogram."""
    requirement = "PAY-EXA-007"
    for cold, completed in ((True, False), (False, False), (True, True)):
        settled(bench)
        visit = requested(bench)
        visit.send_authenticate(wrong=True)
        if completed:
            visit.second(TC)
        bench.reset(cold)
        judge(bench, requirement, next_one(visit, requirement=requirement), shown=[AUTHENTICATION_FAILED_LAST])


@SUITE.case(
    "PAY-EXA/failure-torn/BV",
    "外部认证过程中断电",
    "Power lost during EXTERNAL AUTHENTICATE",
    requirements=["PAY-EXA-007"],
    kind=Kind.VALID,
    needs_tearing=True,
    expected=("每次断电后 CVR 3.b4 和 3.b8 均为 1", "CVR 3.b4 and 3.b8 are 1 after every cut"),
)
def failure_torn(bench: Bench) -> None:
    """A failure, then a second transaction with a wrong cryptogram, cut at each write: nothing clears what was set."""
    requirement = "PAY-EXA-007"
    kept = [AUTHENTICATION_FAILED_LAST, NOT_COMPLETED]

    def prepare() -> bytes:
        requested(bench).send_authenticate(wrong=True)
        visit = requested(bench)
        return authenticate(bytes(byte ^ 0xFF for byte in proof_of(visit)))

    def after_cut(_: int) -> None:
        judge(bench, requirement, next_one(Visit(bench), requirement=requirement), shown=kept)

    def undisturbed(answer: Response) -> None:
        bench.expect(answer, WRONG_PROOF, *NAME, requirement=requirement)
        bench.reset()
        after_cut(0)

    every_cut(bench, prepare, after_cut, undisturbed)


@SUITE.case(
    "PAY-EXA/failure-cleared/BV",
    "认证成功清除失败指示位",
    "Success clears the failure indicator",
    requirements=["PAY-EXA-008"],
    kind=Kind.VALID,
    expected=(
        "第二交易 CVR 3.b4 = 1，认证成功后第三交易为 0",
        "CVR 3.b4 is 1 in the second transaction and, after success, 0 in the third",
    ),
)
def failure_cleared(bench: Bench) -> None:
    """Wrong; right; another transaction."""
    requirement = "PAY-EXA-008"
    visit = requested(bench)
    visit.send_authenticate(wrong=True)
    visit.second(TC)
    made = next_one(visit, ARQC, requirement)
    judge(bench, requirement, made, kind=ARQC, shown=[AUTHENTICATION_FAILED_LAST])
    bench.need(visit.send_authenticate(), *NAME)
    visit.second(TC)
    judge(bench, requirement, next_one(visit, requirement=requirement), hidden=[AUTHENTICATION_FAILED_LAST])


@SUITE.case(
    "PAY-EXA/without-request/BO",
    "没有 ARQC 时的外部认证",
    "Without an ARQC",
    requirements=["PAY-EXA-009"],
    kind=Kind.INOPPORTUNE,
    expected=("6985，失败指示位不变", "6985, and the failure indicator stays 0"),
)
def without_request(bench: Bench) -> None:
    """After GET PROCESSING OPTIONS, and after a TC with the cryptogram that would fit to it."""
    requirement = "PAY-EXA-009"
    visit = settled(bench).open().begin()
    for proof in (bytes(8), None):
        if proof is None:
            require_kind(visit.first(TC), TC)
        bench.expect(
            bench.send(authenticate(proof_of(visit) if proof is None else proof)),
            SW.CONDITIONS_OF_USE_NOT_SATISFIED,
            "无 ARQC 的外部认证",
            "EXTERNAL AUTHENTICATE without ARQC",
            requirement=requirement,
        )
    judge(bench, requirement, next_one(visit, requirement=requirement), hidden=[AUTHENTICATION_FAILED_LAST])


@SUITE.case(
    "PAY-EXA/length/BI",
    "长度超出范围",
    "Length out of range",
    requirements=["PAY-EXA-010"],
    kind=Kind.INVALID,
    expected=("Lc 为 07 或 11 时应答 6700", "6700 for Lc 07 and 11"),
)
def length(bench: Bench) -> None:
    """One byte fewer than the shortest, one more than the longest; each begins with what is right."""
    for size in (7, 17):
        visit = requested(bench)
        whole = (proof_of(visit) + APPROVED.encode("ascii")).ljust(size, b"\0")
        response = bench.send(apdu(0x00, 0x82, 0, 0, whole[:size]))
        bench.expect(response, SW.WRONG_LENGTH, f"Lc {size:02X}", f"Lc {size:02X}", requirement="PAY-EXA-010")


@SUITE.case(
    "PAY-EXA/replay/BI",
    "重放先前交易的 ARPC",
    "The response cryptogram of an earlier transaction",
    requirements=["PAY-EXA-011"],
    kind=Kind.INVALID,
    expected=("6300", "6300"),
)
def replay(bench: Bench) -> None:
    """With the values of the earlier transaction, so that only the counter is another one."""
    visit = requested(bench)
    proof = proof_of(visit)
    bench.need(bench.send(authenticate(proof)), *NAME)
    visit.second(TC)
    for _ in range(2):
        requested(bench)
        bench.expect(bench.send(authenticate(proof)), WRONG_PROOF, *NAME, requirement="PAY-EXA-011")
