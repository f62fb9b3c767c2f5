"""Faults of EXTERNAL AUTHENTICATE 外部认证 of payment applications."""

from __future__ import annotations

from conformance.faults.catalogue import FaultSet, paying
from conformance.faults.payment.means import counted
from emulator.apps.payment.application import Application, Counter
from emulator.apps.payment.transaction import Authentication, Cvr, transaction_of
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.crypto.payment import CRYPTOGRAM_SIZE, response_cryptogram
from emulator.iso7816 import SW, Command, StatusError
from profiles.applications import PAYMENT_APPLICATIONS

FAULTS = FaultSet(PAYMENT_APPLICATIONS)
COMMAND = "EXTERNAL AUTHENTICATE"
CODES = tuple(f"{number:02d}".encode("ascii") for number in range(100))
LAST_PROOF = "fault:last response cryptogram"


def taken_for_right(card: Card) -> bytes:
    """Go on as after the right response cryptogram."""
    transaction = transaction_of(card)
    transaction.authentication = Authentication.PASSED
    transaction.cvr &= ~Cvr.AUTHENTICATION_FAILED
    counted(card, Counter.AUTHENTICATION_FAILED, 0)
    return b""


@FAULTS.command(
    COMMAND, "exa.any-proof", "ARPC 不验证", "The response cryptogram is not checked", ["PAY-EXA-002"], paying
)
def any_proof(card: Card, command: Command, good: Handler) -> bytes:
    """Every cryptogram is right."""
    try:
        return good(card, command)
    except StatusError as refusal:
        if refusal.sw != SW.AUTHENTICATION_FAILED:
            raise
        return taken_for_right(card)


@FAULTS.command(
    COMMAND,
    "exa.first-half-compared",
    "只比较 ARPC 前 4 字节",
    "Only the first half of the response cryptogram is compared",
    ["PAY-EXA-002"],
    paying,
)
def first_half_compared(card: Card, command: Command, good: Handler) -> bytes:
    """Four bytes are enough."""
    try:
        return good(card, command)
    except StatusError as refusal:
        code = command.data[CRYPTOGRAM_SIZE:][:2]
        if refusal.sw != SW.AUTHENTICATION_FAILED or _proof(card, code)[:4] != command.data[:4]:
            raise
        return taken_for_right(card)


@FAULTS.command(
    COMMAND,
    "exa.code-not-covered",
    "ARPC 不含响应码",
    "The response cryptogram does not cover the response code",
    ["PAY-EXA-003"],
    paying,
)
def code_not_covered(card: Card, command: Command, good: Handler) -> bytes:
    """A cryptogram for any code will do."""
    try:
        return good(card, command)
    except StatusError as refusal:
        known = (_proof(card, code) for code in CODES)
        if refusal.sw != SW.AUTHENTICATION_FAILED or command.data[:CRYPTOGRAM_SIZE] not in known:
            raise
        return taken_for_right(card)


def _proof(card: Card, code: bytes) -> bytes:
    application = Application(card)
    key = application.session_key("payment cryptogram")
    return response_cryptogram(application.algorithm, key, transaction_of(card).cryptogram, code)


@FAULTS.command(
    COMMAND, "exa.second-accepted", "接受第二次外部认证", "A second one is accepted", ["PAY-EXA-004"], paying
)
def second_accepted(card: Card, command: Command, good: Handler) -> bytes:
    """Nothing remembers the first."""
    transaction_of(card).authentication_received = False
    return good(card, command)


@FAULTS.command(
    COMMAND,
    "exa.second-unnoticed",
    "第二次外部认证不置失败指示位",
    "A second one is refused, but not noted as a failure",
    ["PAY-EXA-005"],
    paying,
)
def second_unnoticed(card: Card, command: Command, good: Handler) -> bytes:
    """The indicator is what it was."""
    before = Application(card).counter(Counter.AUTHENTICATION_FAILED)
    try:
        return good(card, command)
    except StatusError as refusal:
        if refusal.sw == SW.CONDITIONS_OF_USE_NOT_SATISFIED:
            counted(card, Counter.AUTHENTICATION_FAILED, before)
        raise


@FAULTS.command(
    COMMAND,
    "exa.failure-not-shown",
    "GAC2 的 CVR 不反映认证失败",
    "The second cryptogram does not tell of the failure",
    ["PAY-EXA-006"],
    paying,
)
def failure_not_shown(card: Card, command: Command, good: Handler) -> bytes:
    """CVR 2.b4 stays 0."""
    try:
        return good(card, command)
    finally:
        transaction_of(card).cvr &= ~Cvr.AUTHENTICATION_FAILED


@FAULTS.card(
    "exa.failure-volatile", "失败指示位掉电丢失", "The failure indicator is lost without power", ["PAY-EXA-007"], paying
)
class FailureVolatile(Card):
    """The indicator lies in RAM."""

    def reset(self, cold: bool = True) -> bytes:
        """It is 0 after the reset."""
        place = f":{Counter.AUTHENTICATION_FAILED.value}"
        self.memory.commit({cell: 0 for cell in self.memory.cells if cell.endswith(place)})
        return super().reset(cold)


@FAULTS.command(
    COMMAND,
    "exa.failure-cleared-first",
    "比较 ARPC 前先清失败指示位",
    "The failure indicator is cleared before the comparison",
    ["PAY-EXA-007"],
    paying,
)
def failure_cleared_first(card: Card, command: Command, good: Handler) -> bytes:
    """Whoever cuts the supply in between wins."""
    counted(card, Counter.AUTHENTICATION_FAILED, 0)
    return good(card, command)


@FAULTS.command(
    COMMAND,
    "exa.failure-stays",
    "认证成功不清失败指示位",
    "Success does not clear the failure indicator",
    ["PAY-EXA-008"],
    paying,
)
def failure_stays(card: Card, command: Command, good: Handler) -> bytes:
    """Once failed, for ever failed."""
    before = Application(card).counter(Counter.AUTHENTICATION_FAILED)
    answer = good(card, command)
    counted(card, Counter.AUTHENTICATION_FAILED, before)
    return answer


@FAULTS.command(COMMAND, "exa.without-request", "无 ARQC 也应答 9000", "9000 without an ARQC", ["PAY-EXA-009"], paying)
def without_request(card: Card, command: Command, good: Handler) -> bytes:
    """Nothing to authenticate, so everything is well."""
    try:
        return good(card, command)
    except StatusError as refusal:
        if refusal.sw != SW.CONDITIONS_OF_USE_NOT_SATISFIED or transaction_of(card).authentication_received:
            raise
        return b""


@FAULTS.command(COMMAND, "exa.any-length", "不检查长度", "Data of any length are taken", ["PAY-EXA-010"], paying)
def any_length(card: Card, command: Command, good: Handler) -> bytes:
    """Cut or filled to ten bytes."""
    return good(card, command._replace(data=command.data[:10].ljust(10, b"\0")))


@FAULTS.command(
    COMMAND,
    "exa.replay-accepted",
    "接受先前交易的 ARPC",
    "The response cryptogram of the last transaction is accepted",
    ["PAY-EXA-011"],
    paying,
)
def replay_accepted(card: Card, command: Command, good: Handler) -> bytes:
    """As if the session key did not change with the counter."""
    try:
        answer = good(card, command)
    except StatusError as refusal:
        if refusal.sw != SW.AUTHENTICATION_FAILED or card.memory.cells.get(LAST_PROOF) != command.data:
            raise
        return taken_for_right(card)
    card.memory.commit({LAST_PROOF: command.data})
    return answer
