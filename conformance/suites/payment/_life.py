"""The machine of payment transactions: plays what a rule asks for, and compares each answer with the model's prediction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine

from conformance.actors.bank.scripts import Order
from conformance.actors.terminal import dol
from conformance.bench import Bench
from conformance.dialogue import apdu
from conformance.failures import CardFailure, NotApplicable
from conformance.model.payment import Generated, Issued, PaymentCard
from conformance.model.payment_risk import first, second
from conformance.payment_answers import (
    Cryptogram,
)
from conformance.payment_dialogue import (
    AFL,
    CDOL1,
    CDOL2,
    PDOL,
    Visit,
    application,
    declared_objects,
    get_data,
)
from conformance.suites._machine import Identity
from emulator.iso7816 import SW, Response
from profiles.model import Profile

E_CASH_CODE, LOG_ENTRY, LOG_FORMAT, BALANCE, LAST_ONLINE, TRIES, COUNTER = (
    *(0x9F74, 0x9F4D, 0x9F4F, 0x9F79, 0x9F13, 0x9F17),
    0x9F36,
)
NUMBERS = ("9F53", "9F54", "9F58", "9F59", "9F5C", "9F72", "9F77", "9F78", "9F79", "DF77", "DF78", "DF79")
BINARY = ("9F53", "9F58", "9F59", "9F72")
"""Of these, the ones that are a binary number and not packed digits."""
CONVERTED = frozenset({"9F73", "9F75", "9F76"})
RESULT_BITS: tuple[tuple[int, int, str, str, str], ...] = (
    (0, 0xF0, "PAY-GAC-003", "密文类型位", "kinds of the cryptograms"),
    (0, 0x08, "PAY-EXA-006", "发卡行认证失败位", "issuer authentication failed"),
    (0, 0x04, "PAY-PIN-007", "执行脱机PIN位", "offline PIN performed"),
    (0, 0x02, "PAY-PIN-008", "脱机PIN失败位", "offline PIN failed"),
    (0, 0x01, "PAY-GA2-017", "无法联机位", "unable to go online"),
    (1, 0x80, "PAY-GAC-012", "上次联机未完成位", "last online transaction not completed"),
    (1, 0x40, "PAY-PIN-009", "PIN超限位", "PIN tries exceeded"),
    (1, 0x20, "PAY-GAC-021", "频度超限位", "velocity limits exceeded"),
    (1, 0x10, "PAY-GAC-028", "新卡位", "new card"),
    (1, 0x08, "PAY-GAC-014", "上次发卡行认证失败位", "issuer authentication failed last"),
    (1, 0x04, "PAY-GA2-005", "联机后未认证位", "no issuer authentication after going online"),
    (1, 0x02, "PAY-PIN-010", "PIN超限锁定应用位", "application blocked by PIN"),
    (1, 0x01, "PAY-GAC-017", "上次SDA失败位", "SDA failed last"),
    (2, 0xF0, "PAY-GAC-019", "脚本计数", "number of scripts"),
    (2, 0x08, "PAY-GAC-020", "上次脚本失败位", "script failed last"),
    (2, 0x04, "PAY-GAC-018", "上次DDA失败位", "DDA failed last"),
    (2, 0x03, "PAY-GAC-003", "其余位", "the other bits"),
)


def issued(profile: Profile) -> Issued:
    """What the model needs to know of a profile; not applicable for cards that convert currencies."""
    directory, objects = application(profile), declared_objects(profile)
    payment = directory.payment
    if payment is None or CONVERTED & objects.keys():
        raise NotApplicable("模型不含第二货币折算", "the model does not convert a second currency")
    values = {
        int(tag, 16): int.from_bytes(objects[tag], "big") if tag in BINARY else int(objects[tag].hex())
        for tag in NUMBERS
        if tag in objects
    }
    pin = next(iter(directory.pin.values()), None)
    log = next((file for file in directory.file.values() if file.log_format == f"{LOG_FORMAT:X}"), None)
    return Issued(
        profile=payment.path["ordinary"].aip[0],
        currency=objects.get("9F51", b""),
        second_currency=objects.get("DF71"),
        country=objects.get("9F57"),
        actions=objects.get("9F52"),
        authentication_is_mandatory=bool(objects.get("9F56", b"\0")[0] & 0x80),
        values=values,
        pin=pin.value if pin else None,
        pin_limit=(pin.limit or profile.settings.pin_try_limit) if pin else 1,
        has_e_cash="e-cash" in payment.path and "9F79" in objects,
        log_capacity=(log.records or 0) if log else 0,
    )


class PaymentMachine(RuleBasedStateMachine):
    """Commands of a transaction with their judgement; the rules stand in a subclass.

    Rules look at the model alone: a choice that followed the card's answers could not be repeated when an example is
    shrunk.
    """

    def __init__(self, bench: Bench, identity: Identity) -> None:
        super().__init__()
        self.bench = bench
        self.identity = identity
        self.model = PaymentCard(issued(bench.profile))
        self.visit = Visit(bench)
        self._home = dict(self.visit.values)
        self._told: dict[int, bytes] = {}
        """What a terminal reads once: lists and account."""
        self._code_place: tuple[int, int] | None = None
        self._meet()

    def _meet(self) -> None:
        """Read the card as terminals do, ordinary and for e-cash."""
        for e_cash in (True, False):
            self.visit.open()
            self._offer(e_cash=e_cash)
            self.visit.begin()
            self.model.begin(self._listed(PDOL))
            self.visit.read()
            self._told.update({tag: self.visit.objects[tag] for tag in self.visit.objects if tag not in (PDOL, AFL)})
            if e_cash and E_CASH_CODE in self.visit.objects:
                last = self.visit.entries[-1]
                self._code_place = last.sfi, last.last

    # Judging

    def compare(self, good: bool, requirement: str, zh: str, en: str, expected: object, received: object) -> None:
        """A comparison with what the model says."""
        try:
            self.bench.check(good, zh, en, expected=expected, received=received, requirement=requirement)
        except CardFailure as failure:
            self.identity.keep(failure, 0, en)
            raise

    def word(self, response: Response, expected: int, requirement: str, zh: str, en: str) -> Response:
        """The status word of an answer."""
        self.compare(response.sw == expected, requirement, zh, en, f"{expected:04X}", f"{response.sw:04X}")
        return response

    # What the terminal offers

    def _offer(
        self,
        *,
        amount: int = 100,
        e_cash: bool = False,
        currency: bytes | None = None,
        country: bytes | None = None,
        results: bytes = bytes(5),
    ) -> None:
        self.visit.values = dict(self._home)
        self.visit.offer(amount=amount, e_cash=e_cash, results=results)
        if currency is not None:
            self.visit.offer(currency=currency)
        if country is not None:
            self.visit.offer(country=country)

    def _listed(self, tag: int) -> dict[int, bytes]:
        """The values that a list of the card asks for."""
        wanted = dol.tags_of(self.visit.objects.get(tag, b""))
        return {each: value for each, value in self.visit.values.items() if each in wanted}

    # Steps

    def select(self) -> None:
        """SELECT the application."""
        self.visit.send_select()
        self.model.forget_session()
        proprietary = self.visit.objects
        self.visit.objects = {**self._told, **proprietary}

    def reset(self, cold: bool) -> None:
        """Reset, and SELECT."""
        self.bench.reset(cold)
        self.select()

    def begin(self, **offered: Any) -> None:
        """SELECT and GET PROCESSING OPTIONS with what is offered; the list of records says whether it is e-cash."""
        self.select()
        self._offer(**offered)
        response = self.visit.send_begin()
        self.word(response, SW.SUCCESS, "PAY-GPO-001", "应用初始化", "GET PROCESSING OPTIONS")
        self.model.begin(self._listed(PDOL))
        if self._code_place is not None:
            sfi, number = self._code_place
            listed = any(entry.sfi == sfi and entry.first <= number <= entry.last for entry in self.visit.entries)
            wanted = self.model.transaction.e_cash is not None
            self.compare(
                listed is wanted,
                "PAY-ECC-001" if wanted else "PAY-ECC-004",
                "电子现金判定",
                "whether the transaction is one of e-cash",
                wanted,
                listed,
            )
        self.look(COUNTER, self.model.memory.counter, "PAY-GPO-003", "交易计数器", "transaction counter")

    def first(self, kind: int) -> Cryptogram:
        """The first GENERATE AC."""
        wanted = first(self.model, kind, self._listed(CDOL1))
        made = self._generate(kind, CDOL1)
        self.visit.first_cryptogram, self.visit.counter = made.value, made.counter
        self._judge(made, wanted, "PAY-GAC-004")
        return made

    def second(self, kind: int, code: str) -> Cryptogram:
        """The second GENERATE AC."""
        self.visit.values[0x8A] = code.encode("ascii")
        wanted = second(self.model, kind, code, self._listed(CDOL2))
        made = self._generate(kind, CDOL2)
        self._judge(made, wanted, "PAY-GA2-016")
        return made

    def _generate(self, kind: int, tag: int) -> Cryptogram:
        response = self.visit.send_generate(kind, self.visit.filled(tag))
        self.word(response, SW.SUCCESS, "PAY-GAC-001", "生成应用密文", "GENERATE AC")
        return Cryptogram.read(response)

    def _judge(self, made: Cryptogram, wanted: Generated, cryptogram_requirement: str) -> None:
        """Kind, card verification results, cryptogram and balance of an answer."""
        self.compare(
            made.kind == wanted.kind,
            wanted.because,
            "密文类型",
            "kind of the cryptogram",
            f"{wanted.kind:02X}",
            f"{made.kind:02X}",
        )
        for byte, mask, requirement, zh, en in RESULT_BITS:
            expected, received = wanted.results[byte] & mask, made.results[byte] & mask
            self.compare(
                expected == received,
                requirement,
                f"CVR {byte + 2}: {zh}",
                f"CVR {byte + 2}: {en}",
                f"{expected:02X}",
                f"{received:02X}",
            )
        if wanted.advice is not None:
            low = made.cid & 0x3F
            self.compare(low == wanted.advice, "PAY-GAC-033", "通知位和原因码", "advice and reason", wanted.advice, low)
        right = self.visit.expected(made)
        self.compare(made.value == right, cryptogram_requirement, "应用密文", "cryptogram", right, made.value)
        self._judge_balance(made)

    def _judge_balance(self, made: Cryptogram) -> None:
        """The balance in the issuer discretionary data, where they have one."""
        if made.data is None or made.data.balance is None:
            return
        tag = 0xDF79 if self.model.transaction.second else BALANCE
        expected = self.model.memory.values.get(tag)
        self.compare(
            made.data.balance == expected,
            "PAY-ECC-011",
            "9F10 中的余额",
            "balance in 9F10",
            expected,
            made.data.balance,
        )
        self.compare(
            self.visit.keys.balance(made.data) == expected,
            "PAY-ECC-011",
            "余额的MAC",
            "MAC of the balance",
            "right",
            "wrong",
        )

    def verify(self, pin: str) -> None:
        """VERIFY."""
        block = bytes.fromhex(f"2{len(pin):X}{pin}".ljust(16, "F"))
        response = self.bench.send(apdu(0x00, 0x20, 0, 0x80, block))
        expected = self.model.verify(pin)
        requirement = "PAY-PIN-001" if expected == SW.SUCCESS else "PAY-PIN-002"
        requirement = {0x6984: "PAY-PIN-005", 0x6983: "PAY-PIN-004"}.get(expected, requirement)
        self.word(response, expected, requirement, "脱机PIN", "VERIFY")

    def authenticate(self, right: bool, code: str) -> None:
        """EXTERNAL AUTHENTICATE with a right or a wrong ARPC."""
        response = self.visit.send_authenticate(code, wrong=not right)
        expected = self.model.authenticate(right, code)
        requirement = {SW.SUCCESS: "PAY-EXA-001", 0x6300: "PAY-EXA-002"}.get(expected, "PAY-EXA-004")
        self.word(response, expected, requirement, "外部认证", "EXTERNAL AUTHENTICATE")

    def script(self, order: Order, right: bool = True) -> bool:
        """A script command that may be executed, with a right or a wrong MAC; whether it was executed."""
        response = self.visit.send_script(order, wrong=not right)
        refusal = self.model.script(right)
        requirement = {None: "PAY-SCR-001", 0x6988: "PAY-SCR-002"}.get(refusal, "PAY-SCR-003")
        expected = SW.SUCCESS if refusal is None else refusal
        self.word(response, expected, requirement, f"脚本命令 {order.name}", f"script command {order.name}")
        return refusal is None

    # What can be read

    def look(self, tag: int, expected: int, requirement: str, zh: str, en: str) -> None:
        """GET DATA of a number."""
        value = get_data(self.bench, tag)
        binary = tag in (COUNTER, LAST_ONLINE, TRIES)
        received = None if value is None else int.from_bytes(value, "big") if binary else _digits(value)
        self.compare(received == expected, requirement, zh, en, expected, received)

    def look_at_log(self) -> None:
        """Every record of the transaction log, and that there is none beyond."""
        entry, form = self.visit.objects.get(LOG_ENTRY, b""), get_data(self.bench, LOG_FORMAT)
        if self.model.issued.log_capacity == 0 or len(entry) != 2 or form is None:
            return
        for number, values in enumerate(self.model.memory.log, 1):
            response = self.visit.read_record(entry[0], number)
            expected = dol.fill(form, values)
            self.compare(
                response.sw == SW.SUCCESS and response.data == expected,
                "PAY-LOG-001",
                f"交易日志记录 {number}",
                f"record {number} of the transaction log",
                expected,
                response.data or f"{response.sw:04X}",
            )
        if len(self.model.memory.log) < self.model.issued.log_capacity:
            response = self.visit.read_record(entry[0], len(self.model.memory.log) + 1)
            self.word(response, SW.RECORD_NOT_FOUND, "PAY-LOG-001", "日志到此为止", "no further record in the log")

    # Loss of power

    def torn(self, command: bytes, write: int, settled: Mapping[str, PaymentCard]) -> bool:
        """Cut the supply at a write; the model becomes whichever of the two states the card shows. Whether it was cut."""
        response = self.bench.tear(command, write)
        self.bench.reset()
        self.model = settled["after" if response is not None or self._shows(settled["after"]) else "before"]
        self.select()
        return response is None

    def _shows(self, state: PaymentCard) -> bool:
        """Whether the newest record of the log is that of this state's newest transaction."""
        self.select()
        entry, form = self.visit.objects.get(LOG_ENTRY, b"\0"), get_data(self.bench, LOG_FORMAT) or b""
        response = self.visit.read_record(entry[0], 1)
        return bool(state.memory.log) and response.data == dol.fill(form, state.memory.log[0])


def _digits(value: bytes) -> int | None:
    digits = value.hex()
    return int(digits) if digits.isdecimal() else None
