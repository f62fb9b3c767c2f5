"""Scripts that block and unblock 锁定和解锁 (area PAY-SCR): APPLICATION BLOCK, APPLICATION UNBLOCK, CARD BLOCK."""

from __future__ import annotations

from conformance.actors.bank.scripts import block_application, block_card, unblock_application
from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Loss, Suite
from conformance.failures import Inconclusive
from conformance.payment_answers import (
    Cryptogram,
)
from conformance.payment_dialogue import (
    AAC,
    ARQC,
    TC,
    Visit,
)
from conformance.payment_judging import judge, put_back, require_open_card, settled
from conformance.suites.payment._steps import (
    asked_online,
    expect_executed,
    torn_script,
)
from conformance.tearing import every_cut
from emulator.iso7816 import SW, Response
from profiles.model import Profile

SUITE = Suite("payment script blocking", "脚本锁定和解锁", "Payment: blocking by scripts", restore=put_back)

BLOCKED = Expectation((SW.SELECTED_FILE_DEACTIVATED,))
NO_CARD = Expectation((SW.FUNCTION_NOT_SUPPORTED,))
WRONG_MAC = Expectation((SW.SECURE_MESSAGING_OBJECTS_INCORRECT,))


@SUITE.case(
    "PAY-SCR/block-in-transaction/BV",
    "交易中锁定应用",
    "APPLICATION BLOCK during a transaction",
    requirements=["PAY-SCR-012"],
    kind=Kind.VALID,
    destructive=True,
    expected=(
        "应答 9000，本交易以 TC 完成；之后选择应用应答 6283",
        "answers 9000, the transaction ends with a TC; the next SELECT answers 6283",
    ),
)
def block_in_transaction(bench: Bench) -> None:
    """Between the two cryptograms, before the issuer is authenticated."""
    visit = asked_online(bench)
    expect_executed(bench, visit.send_script(block_application()), block_application(), "PAY-SCR-012")
    bench.expect(
        visit.send_authenticate(), GOOD, "发卡行认证", "EXTERNAL AUTHENTICATE", requirement="PAY-SCR-012", go_on=True
    )
    judge(bench, "PAY-SCR-012", visit.second(TC), kind=TC)
    bench.reset()
    bench.expect(visit.send_select(), BLOCKED, "选择已锁定的应用", "SELECT after the block", requirement="PAY-SCR-012")


@SUITE.case(
    "PAY-SCR/block-again/BV",
    "锁定已锁定的应用",
    "APPLICATION BLOCK of a blocked application",
    requirements=["PAY-SCR-013"],
    kind=Kind.VALID,
    destructive=True,
    expected=("每次应答 9000，应用保持锁定", "answers 9000 each time, and the application stays blocked"),
)
def block_again(bench: Bench) -> None:
    """Twice in one transaction, and once more in the next."""
    visit = settled(bench)
    for _ in range(2):
        expect_executed(bench, visit.send_script(block_application()), block_application(), "PAY-SCR-013")
    _first_of_blocked(bench, visit)
    expect_executed(bench, visit.send_script(block_application()), block_application(), "PAY-SCR-013")
    bench.expect(visit.send_select(), BLOCKED, "选择已锁定的应用", "SELECT", requirement="PAY-SCR-013")


@SUITE.case(
    "PAY-SCR/unblock/BV",
    "解锁应用",
    "APPLICATION UNBLOCK",
    requirements=["PAY-SCR-014", "PAY-SCR-015"],
    kind=Kind.VALID,
    destructive=True,
    expected=(
        "锁定的应用初始化、AAC 之后解锁应答 9000；选择应答 9000，可联机批准交易",
        "9000 after GET PROCESSING OPTIONS and an AAC alone; SELECT answers 9000, and a transaction can be approved",
    ),
)
def unblock(bench: Bench) -> None:
    """As the bank's device does it: neither issuer authentication nor a second cryptogram comes before."""
    visit = settled(bench)
    bench.need(visit.send_script(block_application()), "应用锁定", "APPLICATION BLOCK")
    _first_of_blocked(bench, visit)
    expect_executed(bench, visit.send_script(unblock_application()), unblock_application(), "PAY-SCR-015")
    for reset in (False, True):
        if reset:
            bench.reset()
        bench.expect(visit.send_select(), GOOD, "选择已解锁的应用", "SELECT after it", requirement="PAY-SCR-014")
    visit.begin().read()
    judge(bench, "PAY-SCR-014", visit.first(ARQC), kind=ARQC)
    visit.send_authenticate()
    judge(bench, "PAY-SCR-014", visit.second(TC), kind=TC)


@SUITE.case(
    "PAY-SCR/unblock-wrong-mac/BI",
    "MAC 错误的解锁",
    "APPLICATION UNBLOCK with a wrong MAC",
    requirements=["PAY-SCR-016"],
    kind=Kind.INVALID,
    destructive=True,
    expected=("应答 6988，应用保持锁定", "answers 6988, and the application stays blocked"),
)
def unblock_wrong_mac(bench: Bench) -> None:
    """SELECT afterwards, before a reset and after one."""
    visit = settled(bench)
    bench.need(visit.send_script(block_application()), "应用锁定", "APPLICATION BLOCK")
    _first_of_blocked(bench, visit)
    answer = visit.send_script(unblock_application(), wrong=True)
    bench.expect(answer, WRONG_MAC, "MAC 错误的解锁", "APPLICATION UNBLOCK", requirement="PAY-SCR-016")
    for reset in (False, True):
        if reset:
            bench.reset()
        bench.expect(visit.send_select(), BLOCKED, "选择仍锁定的应用", "SELECT", requirement="PAY-SCR-016")


@SUITE.case(
    "PAY-SCR/card-block/BV",
    "锁定卡片",
    "CARD BLOCK",
    requirements=["PAY-SCR-017"],
    kind=Kind.VALID,
    destructive=True,
    loss=Loss.CARD,
    expected=(
        "之后每个应用的选择应答 6A81，解锁命令不能恢复",
        "SELECT of every application answers 6A81 from then on, and no script reverses it",
    ),
)
def card_block(bench: Bench) -> None:
    """APPLICATION UNBLOCK with the right MAC in the transaction that is still open, and again after resets."""
    require_open_card(bench)
    visit = settled(bench)
    expect_executed(bench, visit.send_script(block_card()), block_card(), "PAY-SCR-017")
    command = torn_script(visit, unblock_application())
    bench.step("同一交易中解锁", "APPLICATION UNBLOCK in the same transaction")
    bench.send(command)
    for cold in (True, False):
        bench.reset(cold)
        _expect_no_application(bench, visit)
        bench.step("再次解锁", "APPLICATION UNBLOCK again")
        bench.send(command)
        _expect_no_application(bench, visit)


@SUITE.case(
    "PAY-SCR/torn-block/BV",
    "应用锁定执行中断电",
    "Power lost during APPLICATION BLOCK",
    requirements=["PAY-SCR-031"],
    kind=Kind.VALID,
    destructive=True,
    needs_tearing=True,
    expected=(
        "断电后应用或可用或锁定，选择与密文一致",
        "the application is open or blocked after a cut at any write, and SELECT and the cryptogram agree",
    ),
)
def torn_block(bench: Bench) -> None:
    """Cut at each write in turn."""

    def after_cut(write: int) -> None:
        visit = Visit(bench)
        selected = visit.send_select()
        bench.expect(
            selected,
            (SW.SUCCESS, SW.SELECTED_FILE_DEACTIVATED),
            "断电后选择应用",
            "SELECT after the cut",
            requirement="PAY-SCR-031",
        )
        made = visit.begin().read().first(ARQC)
        wanted = ARQC if selected.sw == SW.SUCCESS else AAC
        judge(bench, "PAY-SCR-031", made, kind=wanted)

    def undisturbed(answer: Response) -> None:
        expect_executed(bench, answer, block_application(), "PAY-SCR-031")

    every_cut(bench, lambda: torn_script(settled(bench), block_application()), after_cut, undisturbed)


def _first_of_blocked(bench: Bench, visit: Visit) -> Cryptogram:
    """SELECT, GET PROCESSING OPTIONS and the first cryptogram of an application that must be blocked."""
    selected = visit.send_select()
    if selected.sw != SW.SELECTED_FILE_DEACTIVATED:
        raise Inconclusive("应用未锁定", f"the application is not blocked: SELECT answered {selected.sw:04X}")
    made = visit.begin().read().first(ARQC)
    if made.kind != AAC:
        raise Inconclusive("锁定的应用未给出 AAC", f"the blocked application gave no AAC (CID {made.cid:02X})")
    return made


def _names(profile: Profile) -> list[bytes]:
    """The names of all applications and environments that SELECT finds on the contacts."""
    return [each.aid for each in profile.directory.values() if each.aid and each.interface != "contactless"]


def _expect_no_application(bench: Bench, visit: Visit) -> None:
    for name in _names(bench.profile):
        bench.expect(
            visit.send_select(name),
            NO_CARD,
            f"卡片锁定后选择 {name.hex().upper()}",
            f"SELECT {name.hex().upper()} after CARD BLOCK",
            requirement="PAY-SCR-017",
        )
