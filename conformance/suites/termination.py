"""Termination of the card, CARD BLOCK 卡片锁定: what it needs, and that nothing works afterwards.

Suites run in the order of their modules' names. This one comes last, so that a card which cannot be renewed has shown
everything else before it is given up.
"""

from __future__ import annotations

from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Loss, Suite
from conformance.dialogue import (
    ENVIRONMENT,
    REFUSED,
    apdu,
    authenticate,
    open_directory,
    select,
    select_identifier,
    verify,
)
from conformance.maintenance import (
    CARD_BLOCK,
    MAC_REFUSED,
    damaged_mac,
    life_cycle_command,
    lock_key,
    own_directories,
    prove_lock_key,
)
from emulator.iso7816 import SW

SUITE = Suite("termination", "卡片锁定", "Termination of the card", loss=Loss.ENVIRONMENT)

BANK_APPLICATION = bytes.fromhex("A000000333010101")
CARD_IS_BLOCKED = SW.FUNCTION_NOT_SUPPORTED


@SUITE.case(
    "LIFE/card-block-without-BK/BO",
    "未认证 BK 的卡锁定",
    "CARD BLOCK without BK",
    requirements=["SSC-LIFE-009"],
    kind=Kind.INOPPORTUNE,
    expected=("6982，卡片可用", "6982, and the card goes on"),
)
def card_block_without_key(bench: Bench) -> None:
    """Other rights instead of BK; the MAC is wrong, so that no card is lost by it."""
    open_directory(bench, ENVIRONMENT)
    lock_key(bench, ENVIRONMENT)
    for name in (None, "UKSSSE", "PUK"):
        if name in bench.profile.directory[ENVIRONMENT].key:
            bench.need(authenticate(bench, name), f"用 {name} 外部认证", f"EXTERNAL AUTHENTICATE with {name}")
        answer = bench.send(damaged_mac(life_cycle_command(bench, ENVIRONMENT, CARD_BLOCK)))
        bench.expect(
            answer,
            REFUSED,
            f"卡锁定（{name or '无认证'}）",
            f"CARD BLOCK ({name or 'nothing'})",
            requirement="SSC-LIFE-009",
        )
    bench.expect(select(bench, ENVIRONMENT), GOOD, "卡片可用", "the card goes on", requirement="SSC-LIFE-009")


@SUITE.case(
    "LIFE/card-block-without-BK-right-MAC/BO",
    "未认证 BK、MAC 正确的卡锁定",
    "CARD BLOCK without BK, right MAC",
    requirements=["SSC-LIFE-009"],
    kind=Kind.INOPPORTUNE,
    expected=("6982，卡片可用", "6982, and the card goes on"),
    destructive=True,
)
def card_block_without_key_right_mac(bench: Bench) -> None:
    """Nothing but the lock key is missing; then a BK of an earlier session."""
    for _ in range(2):
        open_directory(bench, ENVIRONMENT)
        answer = bench.send(life_cycle_command(bench, ENVIRONMENT, CARD_BLOCK))
        bench.expect(answer, REFUSED, "卡锁定", "CARD BLOCK", requirement="SSC-LIFE-009")
        bench.expect(select(bench, ENVIRONMENT), GOOD, "卡片可用", "the card goes on", requirement="SSC-LIFE-009")
        prove_lock_key(bench, ENVIRONMENT)
        bench.reset()


def _block_card(bench: Bench, requirement: str) -> None:
    open_directory(bench, ENVIRONMENT)
    prove_lock_key(bench, ENVIRONMENT)
    answer = bench.send(damaged_mac(life_cycle_command(bench, ENVIRONMENT, CARD_BLOCK)))
    bench.expect(answer, MAC_REFUSED, "MAC 错误的卡锁定", "CARD BLOCK with a wrong MAC", requirement=requirement)
    answer = bench.send(life_cycle_command(bench, ENVIRONMENT, CARD_BLOCK))
    bench.expect(answer, GOOD, "卡锁定", "CARD BLOCK", requirement=requirement)


@SUITE.case(
    "LIFE/card-block/BV",
    "卡锁定",
    "CARD BLOCK",
    requirements=["SSC-LIFE-008"],
    kind=Kind.VALID,
    expected=("其后所有命令 6A81", "every command afterwards gives 6A81"),
    destructive=True,
)
def card_block(bench: Bench) -> None:
    """A wrong MAC does nothing; after the right one every command is refused, before and after resets.

    On a card that is declared to block the environment alone, MF and other applications are not asked.
    """
    own = own_directories(bench.profile)
    alone = bench.profile.settings.card_block_scope == "environment" and len(own) < len(bench.profile.directory)
    _block_card(bench, "SSC-LIFE-008")
    for cold in (None, True, False):
        if cold is not None:
            bench.reset(cold)
        answers = {
            **({} if alone else {"SELECT 3F00": bench.send(select_identifier(b"\x3f\x00"))}),
            **{f"SELECT {name}": select(bench, name) for name in own if bench.profile.directory[name].kind == "ADF"},
            "SELECT": select(bench, ENVIRONMENT),
            "SELECT EF05": bench.send(select_identifier(b"\xef\x05", 0x02)),
            "GET CHALLENGE": bench.send(apdu(0, 0x84, 0, 0, ne=8)),
            "VERIFY": verify(bench),
            "READ RECORD": bench.send(apdu(0, 0xB2, 1, 0x2C, ne=256)),
            "INTERNAL AUTHENTICATE": bench.send(apdu(0, 0x88, 0, 0, bytes(16), 8)),
        }
        for name, answer in answers.items():
            bench.expect(answer, CARD_IS_BLOCKED, f"锁定后 {name}", f"{name} when blocked", requirement="SSC-LIFE-008")


@SUITE.case(
    "LIFE/card-block-bank/BV",
    "卡锁定后的金融应用",
    "The bank application after CARD BLOCK",
    requirements=["SSC-LIFE-010"],
    kind=Kind.VALID,
    expected=("金融应用仍可选择 9000", "the bank application can still be selected, 9000"),
    destructive=True,
)
def bank_application_survives(bench: Bench) -> None:
    """Select the bank application before and after SSSE is blocked, which a card that is kept may be already."""
    by_name = apdu(0, 0xA4, 0x04, 0, BANK_APPLICATION)
    if select(bench, ENVIRONMENT).sw != CARD_IS_BLOCKED:
        bench.need(bench.send(by_name), "选择金融应用", "SELECT of the bank application")
        _block_card(bench, "SSC-LIFE-010")
    bench.reset()
    bench.expect(
        bench.send(by_name), GOOD, "选择金融应用", "SELECT of the bank application", requirement="SSC-LIFE-010"
    )
