"""Load of the personal account 账户划入 and settlements from it, for cards of settlement mode 3 (area PAY; vol. 2 §6.6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from conformance.actors.key_service import AccountLoad
from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.dialogue import apdu, get_challenge
from conformance.failures import NotApplicable
from conformance.maintenance import flipped
from conformance.purchase_dialogue import (
    ABSENT_INDEX,
    DAY,
    DEFAULT_YEAR,
    LARGEST,
    LOAD,
    LOAD_INITIALIZED,
    NOTHING,
    SETTLEMENT,
    TERMINAL,
    Bill,
    LoadBegun,
    MedicalTerminal,
)
from conformance.suites.purchase import ALGORITHM_IDENTIFIERS, NO_TRANSACTION, REFUSED, judge_unchanged
from emulator.iso7816 import SW

SUITE = Suite("account load", "账户划入与脱网消费", "Account load and offline settlements")

AMOUNT = 0x00012345
MAC2_INPUT = 18
Mac2 = Callable[[LoadBegun], bytes]


def _terminal(bench: Bench) -> MedicalTerminal:
    """A session at a card of mode 3 that offers loads."""
    terminal = MedicalTerminal(bench)
    if not terminal.is_offline:
        raise NotApplicable("仅用于脱网模式", "only for cards of settlement mode 3")
    terminal.need_further_commands()
    return terminal.open()


@SUITE.case(
    "PAY/load-initialize/BV",
    "账户划入初始化",
    "INITIALIZE FOR LOAD",
    requirements=["SSC-PAY-026"],
    kind=Kind.VALID,
    expected=(
        "应答 16 字节，MAC1 正确，随机数每次不同",
        "answers 16 bytes with a right MAC1 and another random number each time",
    ),
)
def initialize(bench: Bench) -> None:
    """Several amounts; balance, number, algorithm and MAC1 in the answer."""
    terminal = _terminal(bench)
    requirement, randoms = "SSC-PAY-026", set[bytes]()
    amounts = (0, 1, AMOUNT, 0x7FFFFFFF)
    for amount in amounts:
        answer = terminal.send_initialize_load(amount)
        bench.expect(answer, GOOD, "账户划入初始化", f"INITIALIZE FOR LOAD of {amount}", requirement=requirement)
        bench.check(
            len(answer.data) == LOAD_INITIALIZED,
            "应答长度",
            "length of the answer",
            expected=LOAD_INITIALIZED,
            received=len(answer.data),
            requirement=requirement,
        )
        begun = LoadBegun(answer.data, amount, DEFAULT_YEAR + DAY)
        randoms.add(answer.data[8:12])
        mac1 = terminal.load_codes(begun).mac1
        algorithm = ALGORITHM_IDENTIFIERS[bench.profile.algorithm]
        for zh, en, expected, received in (
            ("MAC1", "MAC1", mac1, begun.mac1),
            ("余额", "balance", terminal.balance(), begun.balance),
            ("算法标识", "algorithm", algorithm, answer.data[7]),
        ):
            bench.check(expected == received, zh, en, expected=expected, received=received, requirement=requirement)
    zh, en = "随机数", "different random numbers"
    bench.check(
        len(randoms) == len(amounts), zh, en, expected=len(amounts), received=len(randoms), requirement=requirement
    )


@SUITE.case(
    "PAY/load-initialize/BI",
    "账户划入初始化错误",
    "Wrong INITIALIZE FOR LOAD",
    requirements=["SSC-PAY-026"],
    kind=Kind.INVALID,
    expected=(
        "长度、参数或密钥索引错误，或未验证密码时拒绝",
        "a wrong length, parameter or key index, or a missing PIN, is refused",
    ),
)
def initialize_wrong(bench: Bench) -> None:
    """None of them begins a load."""
    terminal = _terminal(bench)
    data = b"\x01" + AMOUNT.to_bytes(4, "big") + TERMINAL
    for p2, sent in ((1, data[:-1]), (1, data + b"\0"), (0, data), (2, data)):
        answer = bench.send(apdu(0xB0, 0x28, 0x00, p2, sent, LOAD_INITIALIZED))
        zh, en = f"P2 {p2:02X}、Lc {len(sent):02X}", f"INITIALIZE FOR LOAD with P2 {p2:02X}, Lc {len(sent):02X}"
        bench.expect(answer, REFUSED, zh, en, requirement="SSC-PAY-026")
    answer = terminal.send_initialize_load(AMOUNT, ABSENT_INDEX)
    bench.expect(answer, SW.KEY_INDEX_NOT_SUPPORTED, "未知密钥索引", "unknown index", requirement="SSC-PAY-026")
    if terminal.has_pin and bench.profile.settings.purchase_needs_pin:
        answer = terminal.open(pin=False).send_initialize_load(AMOUNT)
        refused = SW.SECURITY_STATUS_NOT_SATISFIED
        bench.expect(answer, refused, "未验证密码", "INITIALIZE FOR LOAD without PIN", requirement="SSC-PAY-026")


@SUITE.case(
    "PAY/load/BV",
    "账户划入",
    "CREDIT FOR LOAD",
    requirements=["SSC-PAY-027"],
    kind=Kind.VALID,
    expected=(
        "余额增加，联网序号加一，明细类型为 1，应答 TAC；可取交易认证",
        "the balance rises by the amount, the online number by one, the log has type 1, the answer is the TAC, and the proof is there",
    ),
    destructive=True,
)
def load(bench: Bench) -> None:
    """Several amounts, in the end all that the balance can hold; sums and offline number stay."""
    terminal = _terminal(bench)
    for amount in (1, AMOUNT, 0x80000000, None):
        balance = terminal.balance()
        _judge_load(terminal, LARGEST - balance if amount is None else min(amount, LARGEST - balance))


def _judge_load(terminal: MedicalTerminal, amount: int) -> None:
    bench = terminal.bench
    log, purchase = terminal.log(), terminal.begin(NOTHING).data[4:16]
    begun = terminal.begin_load(amount)
    answer = bench.expect(
        terminal.send_credit(begun), GOOD, "账户划入", f"CREDIT FOR LOAD of {amount}", requirement="SSC-PAY-027"
    )
    tac = terminal.load_tac(begun)
    proof = terminal.send_proof(LOAD, begun.number)
    number = terminal.logged_number(begun.number)
    following = terminal.begin_load(0)
    after = terminal.log()
    for zh, en, expected, received in (
        ("TAC", "TAC", tac, answer.data),
        ("余额", "balance", begun.balance + amount, terminal.balance()),
        ("联网序号", "online number", begun.number + 1, following.number),
        ("明细", "record of the log", begun.record(number), after[0] if after else b""),
        ("旧明细", "the records before it", b"".join(log[:2]), b"".join(after[1 : 1 + len(log[:2])])),
        ("交易认证", "the proof", terminal.load_codes(begun).mac2 + tac, proof.data),
        ("累计与脱网序号", "sums and offline number", purchase, terminal.begin(NOTHING).data[4:16]),
    ):
        bench.check(expected == received, zh, en, expected=expected, received=received, requirement="SSC-PAY-027")


@SUITE.case(
    "PAY/load-mac2/BI",
    "账户划入MAC2错误",
    "Wrong MAC2 of a load",
    requirements=["SSC-PAY-027"],
    kind=Kind.INVALID,
    expected=(
        "MAC2 或其任一输入字节错误时应答 9302，余额、序号和明细不变",
        "a MAC2 that is wrong, or covers any other byte, answers 9302 and changes nothing",
    ),
)
def wrong_mac2(bench: Bench) -> None:
    """Each byte of MAC2, each byte of what it covers, MAC1 in its place; then another balance is not there."""
    terminal = _terminal(bench)
    before, balance = terminal.state(), terminal.open().balance()
    codes: list[tuple[str, Mac2]] = [
        *((f"byte {at} of MAC2", _turned(terminal, at)) for at in range(4)),
        *((f"byte {at} of its input", _over_other(terminal, at)) for at in range(MAC2_INPUT)),
        ("MAC1 in its place", lambda begun: begun.mac1),
    ]
    for what, code in codes:
        begun = terminal.open().begin_load(AMOUNT)
        answer = terminal.send_credit(begun, code(begun))
        bench.expect(answer, SW.MAC_INVALID, f"MAC2错误：{what}", f"wrong MAC2: {what}", requirement="SSC-PAY-027")
    begun = terminal.open().begin_load(AMOUNT)
    terminal.send_credit(begun, bytes(4))
    again = terminal.send_credit(begun)
    bench.expect(again, NO_TRANSACTION, "MAC2错误后", "CREDIT behind a wrong MAC2", requirement="SSC-PAY-027")
    judge_unchanged(terminal, before, "SSC-PAY-027", "MAC2错误", "wrong MAC2s")
    found = terminal.open().balance()
    bench.check(found == balance, "余额", "balance", expected=balance, received=found, requirement="SSC-PAY-027")


def _turned(terminal: MedicalTerminal, at: int) -> Mac2:
    return lambda begun: flipped(terminal.load_codes(begun).mac2, 8 * at)


def _over_other(terminal: MedicalTerminal, at: int) -> Mac2:
    return lambda begun: terminal.load_codes(begun, _changed(begun.load, at)).mac2


def _changed(load: AccountLoad, at: int) -> AccountLoad:
    """The load with a bit turned in what MAC2 covers."""
    covered = flipped(load.signed + load.time, 8 * at)
    return replace(
        load, amount=int.from_bytes(covered[:4], "big"), kind=covered[4:5], terminal=covered[5:11], time=covered[11:]
    )


@SUITE.case(
    "PAY/load-order/BO",
    "账户划入次序",
    "Order of the commands of a load",
    requirements=["SSC-PAY-027"],
    kind=Kind.INOPPORTUNE,
    expected=(
        "无初始化、被中断或重放的 CREDIT，以及与消费混用的命令不被接受",
        "CREDIT without INITIALIZE, interrupted, replayed, or mixed with a purchase is not accepted",
    ),
    destructive=True,
)
def order(bench: Bench) -> None:
    """The load is begun by its own command and ended by its own; a replay loads nothing."""
    terminal = _terminal(bench)
    command = terminal.credit_command(terminal.begin_load(AMOUNT))
    terminal.open()
    _refused(bench, command, NO_TRANSACTION, "复位后", "CREDIT behind a reset")
    command = terminal.credit_command(terminal.begin_load(AMOUNT))
    get_challenge(bench)
    _refused(bench, command, NO_TRANSACTION, "中断后", "an interrupted CREDIT")
    command = terminal.credit_command(terminal.begin_load(AMOUNT))
    purchase = terminal.begin(NOTHING)
    _refused(bench, command, NO_TRANSACTION, "消费初始化后", "CREDIT behind INITIALIZE FOR PURCHASE")
    terminal.begin_load(AMOUNT)
    _refused(
        bench, terminal.debit_command(purchase), NO_TRANSACTION, "划入初始化后", "DEBIT behind INITIALIZE FOR LOAD"
    )
    balance = terminal.balance()
    command = terminal.credit_command(terminal.begin_load(1))
    bench.need(bench.send(command), "账户划入", "CREDIT FOR LOAD")
    _refused(bench, command, NO_TRANSACTION, "重放", "CREDIT once more")
    terminal.begin_load(1)
    _refused(bench, command, SW.MAC_INVALID, "重新初始化后重放", "the same CREDIT behind another INITIALIZE")
    found, requirement = terminal.balance(), "SSC-PAY-027"
    bench.check(found == balance + 1, "余额", "balance", expected=balance + 1, received=found, requirement=requirement)


def _refused(bench: Bench, command: bytes, word: int, zh: str, en: str) -> None:
    bench.expect(bench.send(command), word, zh, en, requirement="SSC-PAY-027")


@SUITE.case(
    "PAY/load-overflow/BI",
    "余额溢出",
    "Overflow of the balance",
    requirements=["SSC-PAY-028"],
    kind=Kind.INVALID,
    expected=(
        "余额将溢出的划入应答 6985，余额不变",
        "a load that the balance cannot hold answers 6985 and changes nothing",
    ),
    destructive=True,
)
def overflow(bench: Bench) -> None:
    """On a balance of one fen or more: FFFFFFFF, and one more than there is room for; at INITIALIZE or at CREDIT."""
    terminal = _terminal(bench)
    if terminal.balance() == 0:
        terminal.load(1)
    balance = terminal.balance()
    for amount in (LARGEST, LARGEST - balance + 1):
        answer = terminal.open().send_initialize_load(amount)
        if answer.sw == SW.SUCCESS and len(answer.data) == LOAD_INITIALIZED:
            answer = terminal.send_credit(LoadBegun(answer.data, amount, DEFAULT_YEAR + DAY))
        zh, en = f"划入 {amount:08X}", f"a load of {amount:08X} on {balance:08X}"
        bench.expect(answer, SW.CONDITIONS_OF_USE_NOT_SATISFIED, zh, en, requirement="SSC-PAY-028")
        found = terminal.open().balance()
        bench.check(found == balance, "余额", "balance", expected=balance, received=found, requirement="SSC-PAY-028")


@SUITE.case(
    "PAY/offline-balance/BV",
    "脱网消费与余额不足",
    "Offline settlements from the account",
    requirements=["SSC-PAY-029"],
    kind=Kind.VALID,
    expected=(
        "f1 不超过余额时扣减余额，超过时应答 9401",
        "f1 up to the balance is taken from it, one fen more answers 9401",
    ),
    destructive=True,
)
def offline_balance(bench: Bench) -> None:
    """Part of the balance, more than the rest, far more, and then exactly the rest."""
    terminal = _terminal(bench)
    terminal.load(min(5_000, LARGEST - terminal.balance()))
    balance = terminal.balance()
    for account in (1_234, balance, LARGEST, balance - 1_234):
        left = terminal.open().balance()
        bill = Bill(account=account, own=1, pooled=1)
        if account > left:
            answer = terminal.send_initialize(bill)
            zh, en = "超过余额", f"f1 {account} of a balance of {left}"
            bench.expect(answer, SW.INSUFFICIENT_BALANCE, zh, en, requirement="SSC-PAY-029")
            account = 0
        else:
            zh, en = "余额之内", f"DEBIT with f1 {account} of {left}"
            bench.expect(terminal.send_debit(terminal.begin(bill)), GOOD, zh, en, requirement="SSC-PAY-029")
        found = terminal.balance()
        zh, en = "余额", "balance"
        bench.check(found == left - account, zh, en, expected=left - account, received=found, requirement="SSC-PAY-029")


@SUITE.case(
    "PAY/both-numbers/BV",
    "联网与脱网序号",
    "Numbers of loads and of settlements",
    requirements=["SSC-PAY-014", "SSC-PAY-025", "SSC-PAY-027"],
    kind=Kind.VALID,
    expected=(
        "划入不改变消费序号，反之亦然；交易认证只属于最近一次交易",
        "neither raises the number of the other; the proof is of the last transaction alone",
    ),
    destructive=True,
)
def both_numbers(bench: Bench) -> None:
    """A load, a settlement, a load."""
    terminal = _terminal(bench)
    offline, online = terminal.begin(NOTHING).number, terminal.begin_load(0).number
    for kind in (LOAD, SETTLEMENT, LOAD):
        if kind == LOAD:
            terminal.load(1)
            online += 1
        else:
            terminal.settle(Bill())
            offline += 1
        found = terminal.begin(NOTHING).number, terminal.begin_load(0).number
        zh, en, requirement = "两个序号", "both numbers", "SSC-PAY-014" if kind == SETTLEMENT else "SSC-PAY-027"
        bench.check(
            found == (offline, online), zh, en, expected=(offline, online), received=found, requirement=requirement
        )
        for asked, number in ((SETTLEMENT, offline - 1), (LOAD, online - 1)):
            word = SW.SUCCESS if asked == kind else SW.MAC_UNAVAILABLE
            if number >= 0:
                zh, en = "交易认证", f"proof of type {asked.decode()} behind type {kind.decode()}"
                bench.expect(terminal.send_proof(asked, number), word, zh, en, requirement="SSC-PAY-025")
