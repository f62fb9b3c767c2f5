"""Faults of the walls between the social security environment and the bank application."""

from __future__ import annotations

import dataclasses

from conformance.faults.catalogue import FaultSet, having
from emulator.cos.card import Card
from emulator.cos.dispatch import SUCCESS, Handler
from emulator.cos.session import Session
from emulator.cos.structure import DirectoryState, Structure
from emulator.cos.tree import Node
from emulator.iso7816 import Command, StatusError
from emulator.iso7816.status import tries_of

FAULTS = FaultSet(applications=None)
VERIFY_INS, CHALLENGE_INS = 0x20, 0x84
CHALLENGE_LENGTH = 8
DEBIT = "debit"
CERTIFICATE_APPLICATIONS = frozenset({"certificate environment", "certificates"})


def _in_bank_application(card: Card) -> bool:
    return card.session.node.directory.application == DEBIT


class _OneChallenge(Session):
    """The challenge is no part of the selection."""

    def enter(self, node: Node, *, reselecting_clears: bool) -> None:
        """Keep the challenge."""
        kept = self.challenge
        super().enter(node, reselecting_clears=reselecting_clears)
        self.challenge = kept


@FAULTS.card(
    "fw.challenge-crosses",
    "其他应用的随机数可用于 SSSE 外部认证",
    "A challenge of another application serves an authentication in SSSE",
    ["SSC-FW-011"],
    having("DEBIT"),
)
class ChallengeCrosses(Card):
    """One buffer for the challenges of all applications."""

    def new_session(self) -> Session:
        """Begin a session whose challenge outlives a SELECT."""
        return _OneChallenge(self.master_file)

    def _perform(self, command: Command) -> bytes:
        answer = super()._perform(command)
        if command.ins == CHALLENGE_INS and len(answer) == CHALLENGE_LENGTH + len(SUCCESS):
            self.session.challenge = answer[:CHALLENGE_LENGTH]
        return answer


class _OneFlag(Session):
    """A single flag tells that a PIN was verified."""

    verified = False

    def enter(self, node: Node, *, reselecting_clears: bool) -> None:
        """Let the flag count in the environment that is entered."""
        super().enter(node, reselecting_clears=reselecting_clears)
        if self.verified:
            for pin in node.environment.pins.values():
                self.grant(pin.bit, locally=False)


@FAULTS.card(
    "fw.bank-pin-opens",
    "金融应用密码打开 SSSE 的文件",
    "The PIN of the bank application opens files of SSSE",
    ["SSC-FW-006"],
    having("DEBIT"),
)
class BankPinOpens(Card):
    """VERIFY of the bank application sets the flag of the chip."""

    def new_session(self) -> Session:
        """Begin a session with one flag."""
        return _OneFlag(self.master_file)

    def _perform(self, command: Command) -> bytes:
        answer = super()._perform(command)
        if command.ins == VERIFY_INS and answer == SUCCESS and isinstance(self.session, _OneFlag):
            self.session.verified = self.session.verified or _in_bank_application(self)
        return answer


@FAULTS.card(
    "fw.certificate-pin-opens",
    "证书应用的用户PIN打开 SSSE 的文件",
    "The user PIN of the certificate application opens files of SSSE",
    ["SSC-FW-008"],
    having("CERT", "PKI"),
)
class CertificatePinOpens(Card):
    """VERIFY of the certificate application sets the flag of the chip."""

    def new_session(self) -> Session:
        """Begin a session with one flag."""
        return _OneFlag(self.master_file)

    def _perform(self, command: Command) -> bytes:
        answer = super()._perform(command)
        if command.ins == VERIFY_INS and answer == SUCCESS and isinstance(self.session, _OneFlag):
            inside = self.session.node.directory.application in CERTIFICATE_APPLICATIONS
            self.session.verified = self.session.verified or inside
        return answer


@FAULTS.command(
    "VERIFY",
    "fw.pin-counter-shared",
    "金融应用密码与 SSSE 密码共用尝试次数",
    "The PINs of the bank application and of SSSE share their tries",
    ["SSC-FW-006"],
    having("DEBIT"),
)
def pin_counter_shared(card: Card, command: Command, good: Handler) -> bytes:
    """A wrong PIN costs a try of every PIN on the chip."""
    try:
        return good(card, command)
    except StatusError as refused:
        if tries_of(refused.sw) is not None:
            here = card.session.node.environment if not _in_bank_application(card) else card.session.node
            for node in card.master_file.walk():
                for pin in node.pins.values() if node is not here else ():
                    left = card.memory.cells[pin.tries_cell]
                    if isinstance(left, int):
                        card.memory.commit({pin.tries_cell: max(left - 1, 0)})
        raise


@FAULTS.session(
    "fw.rights-survive-bank",
    "选择金融应用后 SSSE 的安全状态仍有效",
    "The rights of SSSE survive SELECT of the bank application",
    ["SSC-FW-007"],
    having("DEBIT"),
)
class RightsSurviveBank(Session):
    """The bank application has no security word, and so nobody clears the other one."""

    left = 0

    def enter(self, node: Node, *, reselecting_clears: bool) -> None:
        """Put the global word away at the bank application and take it back afterwards."""
        before, kept = self.node, self.global_word
        super().enter(node, reselecting_clears=reselecting_clears)
        if node.directory.application == DEBIT:
            self.left = kept
        elif before.directory.application == DEBIT:
            self.global_word = self.left


@FAULTS.command(
    "APPLICATION BLOCK",
    "fw.block-spreads-to-bank",
    "锁定 SSSE 的应用波及金融应用",
    "Blocking an application of SSSE blocks the bank application",
    ["SSC-FW-013"],
    having("DEBIT", "DF03"),
)
def block_spreads_to_bank(card: Card, command: Command, good: Handler) -> bytes:
    """The state is kept for every application of the chip at once."""
    answer = good(card, command)
    others = [node for node in card.master_file.walk() if node.directory.application == DEBIT]
    card.memory.commit({node.state_cell: DirectoryState.BLOCKED for node in others})
    return answer


@FAULTS.structure(
    "fw.card-block-ends-bank",
    "SSSE 的卡片锁定波及金融应用",
    "CARD BLOCK in SSSE ends the bank application, too",
    ["SSC-LIFE-010"],
    having("DEBIT"),
)
def card_block_ends_bank(structure: Structure) -> Structure:
    """The block is that of the whole chip."""
    return dataclasses.replace(structure, settings=structure.settings.model_copy(update={"card_block_scope": "card"}))


@FAULTS.structure(
    "sel.no-payment-environment",
    "MF 没有支付系统环境的名称",
    "The MF has no name that a payment terminal looks for",
    ["SSC-SEL-018"],
    having("DEBIT"),
)
def no_payment_environment(structure: Structure) -> Structure:
    """The MF is found by its file identifier alone."""
    first, *others = structure.directories
    return dataclasses.replace(structure, directories=(dataclasses.replace(first, aid=b""), *others))
