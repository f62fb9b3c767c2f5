"""What a medical purchase 医疗消费 changes: sums of the year, number, balance, and the proof that it leaves (area PAY)."""

from __future__ import annotations

from conformance.actors.medical.messages import Quote
from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.failures import Inconclusive, NotApplicable, NotRun
from conformance.purchase_dialogue import (
    CODES,
    DAY,
    LARGEST,
    LOAD,
    NOTHING,
    SETTLEMENT,
    Begun,
    Bill,
    MedicalTerminal,
)
from conformance.suites.purchase import REFUSED, answered, judge_unchanged
from conformance.tearing import every_cut
from emulator.iso7816 import SW, Response

SUITE = Suite("sums of the medical purchase", "医疗消费累计与交易认证", "Sums and proof of the medical purchase")

LAST_DAY, FIRST_DAY = bytes.fromhex("1231235959"), bytes.fromhex("0101000000")
NO_PROOF = SW.MAC_UNAVAILABLE


def need_amounts(terminal: MedicalTerminal) -> None:
    """Not applicable where the profile declares that INITIALIZE shows no amounts."""
    if not terminal.shows_amounts:
        raise NotApplicable("卡片声明应答中不含金额", "the declared card does not show its sums")


def judge_sums(terminal: MedicalTerminal, bill: Bill) -> Begun:
    """A settlement that must go through, and what it adds."""
    bench = terminal.bench
    before = answered(terminal, bill, "SSC-PAY-013")
    zh, en = "消费", f"DEBIT of {bill.own} and {bill.pooled}"
    bench.expect(terminal.send_debit(before), GOOD, zh, en, requirement="SSC-PAY-013")
    after = terminal.begin(NOTHING)
    for zh, en, expected, received in (
        ("年度自付累计", "self-paid sum of the year", before.own + bill.own, after.own),
        ("年度统筹累计", "pooled-fund sum of the year", before.pooled + bill.pooled, after.pooled),
    ):
        bench.check(expected == received, zh, en, expected=expected, received=received, requirement="SSC-PAY-013")
    return after


def _following(begun: Begun) -> bytes:
    """The year after the card's payment year; inconclusive where that is none."""
    if not begun.year.hex().isdecimal() or int(begun.year.hex()) >= 9998:
        raise Inconclusive("支付年度不是数字", f"the payment year is {begun.year.hex()}")
    return bytes.fromhex(f"{int(begun.year.hex()) + 1:04d}")


def _begin_a_year(bench: Bench) -> None:
    """A settlement of nothing in the year after the card's: full sums are zero again."""
    terminal = MedicalTerminal(bench).open()
    terminal.settle(NOTHING.at(_following(terminal.begin(NOTHING)) + DAY))


@SUITE.case(
    "PAY/sums/BV",
    "年度累计",
    "Sums of the year",
    requirements=["SSC-PAY-013"],
    kind=Kind.VALID,
    expected=(
        "f2 计入年度自付累计，f3 计入年度统筹累计，直至最大值",
        "f2 is added to the self-paid sum and f3 to the pooled-fund sum, up to the greatest that both can hold",
    ),
    destructive=True,
    restore=_begin_a_year,
)
def sums(bench: Bench) -> None:
    """One fen, carries from byte to byte, amounts beyond 7FFFFFFF, and at last exactly as much as there is room for."""
    terminal = MedicalTerminal(bench)
    need_amounts(terminal)
    terminal.open()
    for own, pooled in ((1, 0), (0, 1), (0xFF, 0x100), (0x10000, 0xFFFF), (0, 0x80000000), (0x80000000, 0)):
        begun = terminal.begin(NOTHING)
        if begun.own + own <= LARGEST and begun.pooled + pooled <= LARGEST:
            judge_sums(terminal, Bill(own=own, pooled=pooled))
    begun = terminal.begin(NOTHING)
    judge_sums(terminal, Bill(own=LARGEST - begun.own, pooled=LARGEST - begun.pooled))


@SUITE.case(
    "PAY/sums-overflow/BI",
    "年度累计溢出",
    "Overflow of the sums",
    requirements=["SSC-PAY-013"],
    kind=Kind.INVALID,
    expected=(
        "超出累计上限的消费被拒绝，不改变数据",
        "a settlement that a sum cannot hold is refused and changes nothing",
    ),
    destructive=True,
)
def sums_overflow(bench: Bench) -> None:
    """FFFFFFFF on a sum that is not zero: of the person, of the fund, of both; at INITIALIZE or at DEBIT."""
    terminal = MedicalTerminal(bench)
    need_amounts(terminal)
    terminal.open().settle(Bill(own=1, pooled=1))
    before = terminal.state()
    for own, pooled in ((LARGEST, 0), (0, LARGEST), (LARGEST, LARGEST)):
        terminal.open()
        answer = terminal.send_initialize(Bill(own=own, pooled=pooled))
        if answer.sw == SW.SUCCESS and len(answer.data) == len(before.shown) + 6:
            answer = terminal.send_debit(Begun(answer.data, Bill(own=own, pooled=pooled)))
        zh, en = "溢出的消费", f"a settlement of {own:08X} and {pooled:08X}"
        bench.expect(answer, REFUSED, zh, en, requirement="SSC-PAY-013")
    judge_unchanged(terminal, before, "SSC-PAY-013", "被拒绝的消费", "settlements that were refused")


@SUITE.case(
    "PAY/number/BV",
    "交易序号加一",
    "The transaction number rises",
    requirements=["SSC-PAY-014"],
    kind=Kind.VALID,
    expected=(
        "每次成功消费后序号加一，初始化和失败的消费不计",
        "each settlement raises the number by one; INITIALIZE and a refused DEBIT do not",
    ),
    destructive=True,
)
def number(bench: Bench) -> None:
    """Good settlements, also of nothing, with unfinished and wrong ones between them, across a reset."""
    terminal = MedicalTerminal(bench).open()
    expected = terminal.begin(NOTHING).number
    for bill in (Bill(), NOTHING, Bill(own=1), Bill(pooled=1)):
        terminal.settle(bill)
        expected += 1
        terminal.begin(Bill())
        terminal.send_debit(terminal.begin(Bill()), bytes(4))
        found = terminal.open().begin(NOTHING).number
        zh, en = "交易序号", "transaction number"
        bench.check(found == expected, zh, en, expected=expected, received=found, requirement="SSC-PAY-014")


@SUITE.case(
    "PAY/online-amounts/BV",
    "联网金额规则",
    "Amounts in the online modes",
    requirements=["SSC-PAY-015", "SSC-PAY-016"],
    kind=Kind.VALID,
    expected=(
        "明细中 f1 为 0，f2 为总额，f3 为个人账户与统筹之和；余额不变",
        "the log has f1 = 0, f2 the total, f3 account and pooled fund; the balance stays",
    ),
    destructive=True,
)
def online_amounts(bench: Bench) -> None:
    """A bill that account, person and fund share, as the centre divides it."""
    terminal = MedicalTerminal(bench)
    if terminal.is_offline:
        raise NotApplicable("卡片声明为脱网模式", "the declared card settles off line")
    terminal.open()
    quote = Quote("1", account=3_000, own=2_500, fund=7_700)
    account, own, pooled = (int.from_bytes(quote.card_amounts[at : at + 4], "big") for at in (0, 4, 8))
    before = terminal.settle(Bill(account=account, own=own, pooled=pooled))
    logged = terminal.log()[:1]
    received = logged[0][16:28] if logged else b""
    expected = bytes(4) + (13_200).to_bytes(4, "big") + (10_700).to_bytes(4, "big")
    zh, en = "明细中的金额", "amounts in the log"
    bench.check(received == expected, zh, en, expected=expected, received=received, requirement="SSC-PAY-015")
    after = terminal.begin(NOTHING)
    balances = [(before.balance, after.balance)] if terminal.shows_amounts else []
    if bench.profile.settings.medical_load and terminal.shows_amounts:
        balances.append((before.balance, terminal.balance()))
    for old, new in balances:
        bench.check(old == new, "余额", "balance", expected=old, received=new, requirement="SSC-PAY-016")


@SUITE.case(
    "PAY/type/BV",
    "交易类型",
    "Transaction type",
    requirements=["SSC-PAY-021"],
    kind=Kind.VALID,
    expected=("明细第 2 字节为 32；账户划入为 31", "byte 2 of the log record is 32, and 31 for a load"),
    destructive=True,
)
def transaction_type(bench: Bench) -> None:
    """A settlement, and in mode 3 a load."""
    terminal = MedicalTerminal(bench).open()
    terminal.settle(Bill())
    kinds = [SETTLEMENT]
    if terminal.is_offline and bench.profile.settings.medical_load:
        terminal.load(1)
        kinds.append(LOAD)
    logged = b"".join(raw[2:3] for raw in terminal.log()[: len(kinds)])
    expected = b"".join(reversed(kinds))
    bench.check(
        logged == expected,
        "交易类型",
        "types in the log",
        expected=expected,
        received=logged,
        requirement="SSC-PAY-021",
    )


@SUITE.case(
    "PAY/new-year/BV",
    "跨年清零",
    "New medical year",
    requirements=["SSC-PAY-023"],
    kind=Kind.VALID,
    expected=(
        "同年末日的消费继续累计；新年度首次消费后累计为本次金额，年度随之改变，其后继续累计",
        "the last day of the year still adds; the first settlement of a new year leaves its own amounts as sums and its year",
    ),
    destructive=True,
)
def new_year(bench: Bench) -> None:
    """31 December of the card's year, 31 December of the next one, a second settlement, and a late one of the old year."""
    terminal = MedicalTerminal(bench)
    need_amounts(terminal)
    terminal.open().settle(Bill(own=700, pooled=500))
    begun = terminal.begin(NOTHING)
    following = _following(begun)
    expected = begun.own, begun.pooled, begun.year
    for time, restarts in (
        (begun.year + LAST_DAY, False),
        (following + LAST_DAY, True),
        (following + LAST_DAY, False),
        (begun.year + DAY, False),
    ):
        terminal.settle(Bill(own=31, pooled=17, time=time))
        own, pooled, year = expected
        expected = (31, 17, following) if restarts else (own + 31, pooled + 17, year)
        after = terminal.begin(NOTHING)
        found = after.own, after.pooled, after.year
        bench.check(
            found == expected,
            f"{time.hex()[:8]} 消费后的累计与年度",
            f"sums and year behind a settlement of {time.hex()[:8]}",
            expected=_shown(expected),
            received=_shown(found),
            requirement="SSC-PAY-023",
        )


def _shown(found: tuple[int, int, bytes]) -> str:
    own, pooled, year = found
    return f"{own} / {pooled} / {year.hex()}"


# GET TRANSACTION PROOF


def judge_proof(terminal: MedicalTerminal, answer: Response, expected: bytes, zh: str, en: str) -> None:
    """MAC2 and TAC of the last transaction."""
    bench, requirement = terminal.bench, "SSC-PAY-025"
    bench.expect(answer, GOOD, zh, en, requirement=requirement)
    bench.check(answer.data == expected, zh, en, expected=expected, received=answer.data, requirement=requirement)


@SUITE.case(
    "PAY/proof/BV",
    "取交易认证",
    "Transaction proof",
    requirements=["SSC-PAY-025"],
    kind=Kind.VALID,
    expected=(
        "复位后仍返回最近一次交易的 MAC2 与 TAC，其他序号或类型应答 9406",
        "gives MAC2 and TAC of the last transaction, also after a reset, and 9406 for any other number or type",
    ),
    destructive=True,
)
def proof(bench: Bench) -> None:
    """Two settlements, the second followed by unfinished and wrong ones, which leave the proof alone."""
    terminal = MedicalTerminal(bench)
    terminal.need_further_commands()
    terminal.open()
    for bill in (Bill(), Bill(own=55, pooled=44)):
        begun = terminal.settle(bill)
        expected = terminal.codes(begun).mac2 + terminal.tac(begun)
        judge_proof(terminal, terminal.send_proof(SETTLEMENT, begun.number), expected, "交易认证", "the proof")
        terminal.begin(Bill())
        terminal.send_debit(terminal.begin(Bill(own=1)), bytes(4))
        terminal.open()
        zh, en = "复位后的交易认证", "the proof after a reset"
        judge_proof(terminal, terminal.send_proof(SETTLEMENT, begun.number), expected, zh, en)
        for kind, other in (
            (SETTLEMENT, begun.number + 1),
            (SETTLEMENT, begun.number - 1 & 0xFFFF),
            (SETTLEMENT, begun.number ^ 0x0100),
            (LOAD, begun.number),
        ):
            answer = terminal.send_proof(kind, other)
            zh, en = "其他交易", f"proof of type {kind.decode()}, number {other:04X}"
            bench.expect(answer, NO_PROOF, zh, en, requirement="SSC-PAY-025")
            bench.check(
                not answer.data, "无数据", "no data", expected="none", received=answer.data, requirement="SSC-PAY-025"
            )


@SUITE.case(
    "PAY/torn-proof/BV",
    "断电后取交易认证",
    "Proof after loss of power",
    requirements=["SSC-PAY-025"],
    kind=Kind.VALID,
    expected=(
        "断电后，已入账的交易可取认证，未入账的应答 9406",
        "after a cut a booked settlement has its proof, and one that was not booked has none",
    ),
    needs_tearing=True,
)
def torn_proof(bench: Bench) -> None:
    """A cut at every write of DEBIT; the number tells whether the settlement was booked."""
    terminal = MedicalTerminal(bench)
    terminal.need_further_commands()
    if not bench.target.renewable:
        raise NotRun("需要新卡片，本测试台无法更换", "needs a fresh card, which this bench cannot put in")
    torn: list[Begun] = []

    def prepare() -> bytes:
        torn[:] = [terminal.open().begin(Bill())]
        return terminal.debit_command(torn[0])

    def after_cut(write: int) -> None:
        begun = torn[0]
        booked = terminal.open().begin(NOTHING).number != begun.number
        answer = terminal.send_proof(SETTLEMENT, begun.number)
        zh, en = f"第 {write} 次写入断电后", f"proof after a cut at write {write}"
        if booked:
            judge_proof(terminal, answer, terminal.codes(begun).mac2 + terminal.tac(begun), zh, en)
        else:
            bench.expect(answer, NO_PROOF, zh, en, requirement="SSC-PAY-025")

    def undisturbed(answer: Response) -> None:
        terminal.open()
        expected = answer.data[4:CODES] + answer.data[:4]
        judge_proof(terminal, terminal.send_proof(SETTLEMENT, torn[0].number), expected, "未断电", "not cut")

    if not every_cut(bench, prepare, after_cut, undisturbed):
        raise Inconclusive("命令没有任何写入", "the command caused no write at all")
