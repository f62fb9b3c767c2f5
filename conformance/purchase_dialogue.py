"""What a terminal with its PSAM says to the medical insurance application: settlements, loads, log (vol. 2 §6)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from conformance.actors.key_service import AccountLoad, LoadCodes, Settlement, SettlementCodes
from conformance.bench import Bench
from conformance.dialogue import apdu, open_directory, place, read_record, verify
from conformance.failures import Inconclusive, NotApplicable
from emulator.iso7816 import SW, Response
from profiles.model import Profile

APPLICATION, AMOUNTS_FILE, LOG, SPECIAL = "DF04", "TF", "DF04/EF08", "DF04/EF15"
OFFLINE_MODE = "mode 3"
INITIALIZED, CODES = 22, 8
LOAD_INITIALIZED, TAC_LENGTH = 16, 4
RECORD_LENGTH, LAST_RECORD = 28, 254
LARGEST, LAST_NUMBER = 0xFFFFFFFF, 0xFFFF
SETTLEMENT, LOAD = b"2", b"1"
TERMINAL, SERIAL = bytes.fromhex("500000000001"), bytes.fromhex("0000000B")
DEFAULT_YEAR, DAY = bytes.fromhex("2026"), bytes.fromhex("0601093000")
"""Day and time of a settlement unless it says another."""
ABSENT_INDEX = 0x09


@dataclass(frozen=True, slots=True)
class Bill:
    """A settlement as the terminal puts it; amounts in fen.

    ``time`` is YYYYMMDDhhmmss in BCD; absent: a day of the card's own payment year, so that no sum begins anew.
    """

    account: int = 0
    own: int = 10_000
    pooled: int = 8_000
    terminal: bytes = TERMINAL
    serial: bytes = SERIAL
    time: bytes | None = None
    index: int = 1

    @property
    def amounts(self) -> bytes:
        """f1 ‖ f2 ‖ f3, 12 bytes."""
        return b"".join(amount.to_bytes(4, "big") for amount in (self.account, self.own, self.pooled))

    def at(self, time: bytes) -> Bill:
        """The same at another time."""
        return replace(self, time=time)


NOTHING = Bill(own=0, pooled=0)


@dataclass(frozen=True, slots=True)
class Begun:
    """A settlement that the card has begun: the 22 bytes of its answer, and the settlement that they belong to."""

    data: bytes
    bill: Bill

    @property
    def balance(self) -> int:
        """Balance of the personal account, where the card shows it."""
        return int.from_bytes(self.data[:4], "big")

    @property
    def own(self) -> int:
        """年度个人自付累计."""
        return int.from_bytes(self.data[4:8], "big")

    @property
    def pooled(self) -> int:
        """年度统筹支付累计."""
        return int.from_bytes(self.data[8:12], "big")

    @property
    def year(self) -> bytes:
        """支付年度."""
        return self.data[12:14]

    @property
    def number(self) -> int:
        """交易序号."""
        return int.from_bytes(self.data[14:16], "big")

    @property
    def version(self) -> int:
        """密钥版本."""
        return self.data[16]

    @property
    def random(self) -> bytes:
        """Four bytes."""
        return self.data[18:22]

    @property
    def time(self) -> bytes:
        """Date and time of the settlement, 7 bytes."""
        if self.bill.time is not None:
            return self.bill.time
        return (self.year if self.year.hex().startswith("20") and self.year.hex().isdecimal() else DEFAULT_YEAR) + DAY

    @property
    def settlement(self) -> Settlement:
        """What its codes cover."""
        bill = self.bill
        return Settlement(self.random, self.data[14:16], bill.amounts, bill.terminal, bill.serial, self.time)

    def record(self, number: int) -> bytes:
        """The record that belongs into the log, with the transaction number that the card writes there."""
        bill = self.bill
        return number.to_bytes(2, "big") + SETTLEMENT + bill.terminal + self.time + bill.amounts


class State(NamedTuple):
    """What can be seen of settlements: sums and number in the answer of INITIALIZE, 16 bytes, and the records of the log."""

    shown: bytes
    log: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class LoadBegun:
    """A load that the card has begun: the 16 bytes of its answer, with amount and terminal."""

    data: bytes
    amount: int
    time: bytes

    @property
    def balance(self) -> int:
        """Balance of the personal account before the load."""
        return int.from_bytes(self.data[:4], "big")

    @property
    def number(self) -> int:
        """联网交易序号."""
        return int.from_bytes(self.data[4:6], "big")

    @property
    def mac1(self) -> bytes:
        """The card's MAC1."""
        return self.data[12:16]

    @property
    def load(self) -> AccountLoad:
        """What its codes cover."""
        return AccountLoad(self.data[8:12], self.data[4:6], self.balance, self.amount, TERMINAL, self.time)

    def record(self, number: int) -> bytes:
        """The record that belongs into the log."""
        return number.to_bytes(2, "big") + LOAD + TERMINAL + self.time + self.amount.to_bytes(4, "big") + bytes(8)


def is_medical(profile: Profile) -> bool:
    """Whether a card has the medical insurance amounts 医疗保险金额文件."""
    directory = profile.directory.get(APPLICATION)
    return directory is not None and AMOUNTS_FILE in directory.file


def key_of(bench: Bench, use: str, index: int | None = None) -> str:
    """Name of the purchase or load key of an index, or of the TAC key; not applicable where the card has none."""
    described = bench.profile.directory.get(APPLICATION)
    for name, key in described.key.items() if described else ():
        if key.use == use and index in (None, key.index):
            return name
    raise NotApplicable(f"没有密钥：{use}", f"the declared card has no key for: {use}")


def indices(profile: Profile, use: str) -> list[int]:
    """The indices of all keys of a use."""
    return [key.index for key in profile.directory[APPLICATION].key.values() if key.use == use and key.index]


class MedicalTerminal:
    """A terminal at the card on the bench. ``send_…`` hands the answer on; the others need it to be good."""

    def __init__(self, bench: Bench) -> None:
        if not is_medical(bench.profile):
            raise NotApplicable("没有医疗保险金额文件", "the declared card has no medical insurance amounts")
        self.bench = bench
        self.has_pin = any(bench.profile.directory[name].pin for name in ("SSSE", APPLICATION) if self._has(name))

    def _has(self, directory: str) -> bool:
        return directory in self.bench.profile.directory

    @property
    def is_offline(self) -> bool:
        """Whether the card is one of settlement mode 3."""
        return OFFLINE_MODE in self.bench.traits.features

    @property
    def shows_amounts(self) -> bool:
        """Whether INITIALIZE FOR PURCHASE shows balance, sums and year."""
        return self.bench.profile.settings.purchase_answer == "amounts"

    # The way in

    def open(self, *, pin: bool = True) -> MedicalTerminal:
        """A new session in the medical insurance application, with the holder's PIN unless told otherwise."""
        self.bench.reset()
        open_directory(self.bench, APPLICATION)
        if pin and self.has_pin:
            self.bench.need(verify(self.bench), "验证个人密码", "VERIFY")
        return self

    # Settlements

    def initialize_command(self, bill: Bill) -> bytes:
        """INITIALIZE FOR PURCHASE."""
        return apdu(0xB0, 0x28, 0x01, 0x01, bytes((bill.index,)) + bill.amounts + bill.terminal, INITIALIZED)

    def send_initialize(self, bill: Bill) -> Response:
        """INITIALIZE FOR PURCHASE."""
        return self.bench.send(self.initialize_command(bill))

    def begin(self, bill: Bill) -> Begun:
        """INITIALIZE FOR PURCHASE, its answer taken apart."""
        answer = self.bench.need(self.send_initialize(bill), "消费初始化", "INITIALIZE FOR PURCHASE")
        if len(answer.data) != INITIALIZED:
            raise Inconclusive("消费初始化应答长度不符", f"INITIALIZE FOR PURCHASE answered {len(answer.data)} bytes")
        return Begun(answer.data, bill)

    def codes(self, begun: Begun, settlement: Settlement | None = None) -> SettlementCodes:
        """MAC1 and MAC2 of a settlement that was begun, or of another one under its key."""
        name = key_of(self.bench, "purchase", begun.bill.index)
        return self.bench.keys.settlement(name, settlement or begun.settlement, self.version(name, begun.version))

    def tac(self, begun: Begun) -> bytes:
        """The TAC of a settlement."""
        return self.bench.keys.transaction_code(key_of(self.bench, "tac"), begun.settlement)

    def version(self, key: str, told: int) -> int:
        """The key version that the card names; inconclusive when it holds none of it."""
        if not 1 <= told <= self.bench.keys.describe(key).versions:
            raise Inconclusive(f"密钥版本未知：{told}", f"the card names key version {told}, which it does not have")
        return told

    def debit_command(self, begun: Begun, mac1: bytes | None = None) -> bytes:
        """DEBIT FOR PURCHASE with the right MAC1, or another one."""
        mac1 = self.codes(begun).mac1 if mac1 is None else mac1
        return apdu(0xB0, 0x2C, 0x01, 0x00, begun.bill.serial + begun.time + mac1, CODES)

    def send_debit(self, begun: Begun, mac1: bytes | None = None) -> Response:
        """DEBIT FOR PURCHASE."""
        return self.bench.send(self.debit_command(begun, mac1))

    def settle(self, bill: Bill) -> Begun:
        """A whole settlement."""
        begun = self.begin(bill)
        self.bench.need(self.send_debit(begun), "消费", "DEBIT FOR PURCHASE")
        return begun

    def count_up(self, times: int) -> None:
        """Many settlements of nothing; only the last one is written down."""
        self.bench.step(f"{times} 次零金额消费", f"{times} settlements of nothing")
        quiet, self.bench.recorder.quiet = self.bench.recorder.quiet, True
        try:
            for _ in range(times):
                self.settle(NOTHING)
        finally:
            self.bench.recorder.quiet = quiet

    # What can be seen

    def log(self) -> tuple[bytes, ...]:
        """The records of the log, the newest first."""
        file, found = place(self.bench, LOG).file, list[bytes]()
        while len(found) < LAST_RECORD:
            answer = read_record(self.bench, file, len(found) + 1)
            if answer.sw == SW.RECORD_NOT_FOUND:
                break
            self.bench.need(answer, "读交易明细", "READ RECORD of the log")
            found.append(answer.data)
        return tuple(found)

    def state(self) -> State:
        """Sums and number, and the log, in a new session."""
        self.open()
        return State(self.begin(NOTHING).data[:16], self.log())

    def logged_number(self, number: int) -> int:
        """The number that the log has for a transaction (``purchase_logged_number``)."""
        return number + (self.bench.profile.settings.purchase_logged_number == "after")

    # What the profile may leave out

    def need_further_commands(self) -> None:
        """Not applicable where load, proof and balance are not offered (``medical_load``)."""
        if not self.bench.profile.settings.medical_load:
            raise NotApplicable("卡片声明不支持该命令", "the declared card does not offer this command")

    def proof_command(self, kind: bytes, number: int) -> bytes:
        """GET TRANSACTION PROOF."""
        return apdu(0xB0, 0x32, 0x00, kind[0], number.to_bytes(2, "big"), CODES)

    def send_proof(self, kind: bytes, number: int) -> Response:
        """GET TRANSACTION PROOF."""
        return self.bench.send(self.proof_command(kind, number))

    def balance(self) -> int:
        """GET BALANCE."""
        answer = self.bench.need(self.bench.send(apdu(0xB0, 0x34, 0, 0, ne=4)), "读余额", "GET BALANCE")
        if len(answer.data) != 4:
            raise Inconclusive("余额长度不符", f"GET BALANCE answered {len(answer.data)} bytes")
        return int.from_bytes(answer.data, "big")

    # Loads

    def load_command(self, amount: int, index: int | None = None) -> bytes:
        """INITIALIZE FOR LOAD."""
        if index is None:
            index = next(iter(indices(self.bench.profile, "load")), 1)
        return apdu(0xB0, 0x28, 0x00, 0x01, bytes((index,)) + amount.to_bytes(4, "big") + TERMINAL, LOAD_INITIALIZED)

    def send_initialize_load(self, amount: int, index: int | None = None) -> Response:
        """INITIALIZE FOR LOAD."""
        return self.bench.send(self.load_command(amount, index))

    def begin_load(self, amount: int, time: bytes = DEFAULT_YEAR + DAY) -> LoadBegun:
        """INITIALIZE FOR LOAD, its answer taken apart."""
        answer = self.bench.need(self.send_initialize_load(amount), "账户划入初始化", "INITIALIZE FOR LOAD")
        if len(answer.data) != LOAD_INITIALIZED:
            raise Inconclusive("账户划入初始化应答长度不符", f"INITIALIZE FOR LOAD answered {len(answer.data)} bytes")
        return LoadBegun(answer.data, amount, time)

    def load_codes(self, begun: LoadBegun, load: AccountLoad | None = None) -> LoadCodes:
        """MAC1 and MAC2 of a load, or of another one under its key."""
        name = key_of(self.bench, "load")
        return self.bench.keys.load(name, load or begun.load, self.version(name, begun.data[6]))

    def credit_command(self, begun: LoadBegun, mac2: bytes | None = None) -> bytes:
        """CREDIT FOR LOAD with the right MAC2, or another one."""
        mac2 = self.load_codes(begun).mac2 if mac2 is None else mac2
        return apdu(0xB0, 0x2A, 0x00, 0x00, begun.time + mac2, TAC_LENGTH)

    def send_credit(self, begun: LoadBegun, mac2: bytes | None = None) -> Response:
        """CREDIT FOR LOAD."""
        return self.bench.send(self.credit_command(begun, mac2))

    def load_tac(self, begun: LoadBegun) -> bytes:
        """The TAC of a load."""
        return self.bench.keys.load_transaction_code(key_of(self.bench, "tac"), begun.load)

    def load(self, amount: int) -> LoadBegun:
        """A whole load."""
        begun = self.begin_load(amount)
        self.bench.need(self.send_credit(begun), "账户划入", "CREDIT FOR LOAD")
        return begun
