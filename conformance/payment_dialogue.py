"""What a payment terminal and its bank say to a card: the steps that many cases of the payment suites share.

A :class:`Visit` is a terminal at the payment application. It offers the values that a case chooses, fills the lists that
the card asks with, remembers what the card told, and computes what the bank would: cryptograms, MACs, script commands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Self, TypeAlias

from conformance.actors.bank.keys import ChipDataError, IssuerKeys, TransactionKeys
from conformance.actors.bank.scripts import Order, put_data
from conformance.actors.terminal import dol
from conformance.actors.terminal.reading import FileEntry, parse_afl
from conformance.bench import GOOD, Bench
from conformance.dialogue import apdu
from conformance.failures import Inconclusive, NotApplicable
from conformance.payment_answers import COUNTER, FORMAT_1, FORMAT_2, ISSUER_DATA, Cryptogram, objects_of
from emulator.crypto import Algorithm
from emulator.iso7816 import SW, Response, TlvError, tlv
from profiles import payment_content
from profiles.applications import payment_directory
from profiles.model import Directory, Profile

AAC, TC, ARQC = 0x00, 0x40, 0x80
SIGNED = 0x10
APPROVED, DECLINED, OFFLINE_APPROVED, OFFLINE_DECLINED = "00", "05", "Y3", "Z3"
"""Response codes 授权响应码: of the bank, and of a terminal that could not reach it."""
PDOL, CDOL1, CDOL2, DDOL = 0x9F38, 0x8C, 0x8D, 0x9F49
SM_SUPPORT, RESPONSE_CODE = 0xDF69, 0x8A
AIP, AFL, BALANCE = 0x82, 0x94, 0x9F79
TODAY = "261126"
"""Transaction date YYMMDD of the terminal; certificates and cards of the products are valid on it."""

Offered: TypeAlias = int | bool | str | bytes
"""A value that a terminal offers; see :meth:`Visit.offer`."""


# What the profile says


def application(profile: Profile) -> Directory:
    """The payment application as the profile describes it; not applicable where there is none."""
    name = payment_directory(profile)
    if name is None:
        raise NotApplicable("卡片声明中没有金融应用", "the declared card has no payment application")
    return profile.directory[name]


def declared_objects(profile: Profile) -> dict[str, bytes]:
    """The data objects that the application was personalised with, by tag in upper-case hexadecimal."""
    return payment_content.data_objects(application(profile))


def declared_number(profile: Profile, tag: str) -> int:
    """The value of a numeric data object (amounts in the smallest unit); not applicable where the card has none."""
    value = declared_objects(profile).get(tag)
    if value is None:
        raise NotApplicable(f"卡片声明中没有数据元 {tag}", f"the declared card has no data object {tag}")
    return int(value.hex())


def amount(number: int) -> bytes:
    """An amount in the smallest unit as six bytes of packed digits."""
    return bytes.fromhex(f"{number:012d}")


def terminal_values(profile: Profile, **changed: Offered) -> dict[int, bytes]:
    """What an ordinary terminal of the card's country offers; see :meth:`Visit.offer` for the names."""
    objects = declared_objects(profile)
    values = {
        0x9F02: amount(100),
        0x9F03: amount(0),
        0x9F1A: objects.get("9F57", bytes.fromhex("0156")),
        0x95: bytes(5),
        0x5F2A: objects.get("9F51", bytes.fromhex("0156")),
        0x9A: bytes.fromhex(TODAY),
        0x9C: b"\x00",
        0x9F37: bytes.fromhex("A1B2C3D4"),
        0x9F21: bytes.fromhex("143000"),
        0x9F4E: b"TEST MERCHANT".ljust(20, b"\0"),
        0x9F7A: b"\x00",
        0x9F66: bytes.fromhex("36000080"),
        0xDF60: b"\x00",
        SM_SUPPORT: b"\x01",
    }
    values.update(_named(changed))
    return values


_NAMES = {
    "amount": 0x9F02,
    "other_amount": 0x9F03,
    "country": 0x9F1A,
    "results": 0x95,
    "currency": 0x5F2A,
    "date": 0x9A,
    "kind": 0x9C,
    "unpredictable": 0x9F37,
    "e_cash": 0x9F7A,
    "qualifiers": 0x9F66,
    "extended": 0xDF60,
    "sm": SM_SUPPORT,
}


def _named(changed: Mapping[str, Offered]) -> Iterator[tuple[int, bytes]]:
    for name, value in changed.items():
        if isinstance(value, bool):
            value = bytes((value,))
        elif isinstance(value, int):
            value = amount(value)
        elif isinstance(value, str):
            value = bytes.fromhex(value)
        yield _NAMES[name], value


# The terminal


class Visit:
    """A terminal at the payment application of the card in the bench.

    Steps that are on the way (``open``, ``begin``, ``first`` …) are preamble: a card that refuses them makes the case
    inconclusive. The ``send_…`` steps hand the answer on, for a case to judge.
    """

    def __init__(self, bench: Bench, **offered: Offered) -> None:
        self.bench = bench
        self.application = application(bench.profile)
        self.values = terminal_values(bench.profile, **offered)
        self.objects: dict[int, bytes] = {}
        """What the card told by SELECT, GET PROCESSING OPTIONS and in records; the later value of a tag."""
        self.static_data = b""
        """Contents of the records to be authenticated, without the value of 82 that may follow (JR/T 0025.7 §5)."""
        self.first_cryptogram = b""
        self.counter = b""

    def offer(self, **changed: Offered) -> Self:
        """Other values from now on.

        ``amount`` and ``other_amount`` are numbers of the smallest unit, ``e_cash`` and ``sm`` (DF69) truth values;
        ``currency``, ``country``, ``results`` (TVR), ``date``, ``kind`` (9C), ``unpredictable``, ``qualifiers`` (TTQ) and
        ``extended`` (DF60) are hexadecimal digits or bytes.
        """
        self.values.update(_named(changed))
        return self

    # Selection and initiation

    def send_select(self, name: bytes | None = None, *, again: bool = False) -> Response:
        """SELECT the application, or another name; ``again`` asks for the next one that begins so (P2 02)."""
        wanted = (self.application.aid or b"") if name is None else name
        answer = self.bench.send(apdu(0x00, 0xA4, 0x04, 0x02 if again else 0x00, wanted, ne=256))
        if answer.sw in (SW.SUCCESS, SW.SELECTED_FILE_DEACTIVATED):
            proprietary = objects_of(answer.data, 0x6F, 0xA5)
            self.objects = {**objects_of(answer.data, 0x6F, 0xA5, 0xBF0C), **proprietary}
        self.first_cryptogram = b""
        return answer

    def open(self) -> Self:
        """SELECT, which must succeed."""
        self.bench.need(self.send_select(), "选择金融应用", "SELECT of the payment application")
        return self

    def pdol_values(self) -> bytes:
        """The values that the PDOL asks for."""
        return self.filled(PDOL)

    def filled(self, tag: int) -> bytes:
        """The values of a list that the card gave; inconclusive where it is malformed."""
        try:
            return dol.fill(self.objects.get(tag, b""), {**self.objects, **self.values})
        except TlvError as problem:
            raise Inconclusive(f"{tag:X} 格式错误", f"the list {tag:X} is malformed: {problem}") from problem

    def send_begin(self, values: bytes | None = None) -> Response:
        """GET PROCESSING OPTIONS, with the values of the PDOL or others."""
        data = self.pdol_values() if values is None else values
        self.first_cryptogram = b""
        answer = self.bench.send(apdu(0x80, 0xA8, 0, 0, tlv.build(0x83, data), ne=256))
        if answer.sw == SW.SUCCESS:
            self.objects.update(_options(answer.data))
        return answer

    def begin(self, **offered: Offered) -> Self:
        """GET PROCESSING OPTIONS, which must succeed."""
        self.offer(**offered)
        self.bench.need(self.send_begin(), "应用初始化", "GET PROCESSING OPTIONS")
        return self

    # Records

    @property
    def entries(self) -> tuple[FileEntry, ...]:
        """The application file locator 应用文件定位器; inconclusive where it is malformed."""
        try:
            return parse_afl(self.objects.get(AFL, b""))
        except ValueError as problem:
            raise Inconclusive("AFL 格式错误", str(problem)) from problem

    def read_record(self, sfi: int, number: int) -> Response:
        """READ RECORD."""
        return self.bench.send(apdu(0x00, 0xB2, number, sfi << 3 | 4, ne=256))

    def read(self) -> Self:
        """Read every record of the AFL, as a terminal does."""
        self.static_data = b""
        for entry in self.entries:
            for number in range(entry.first, entry.last + 1):
                answer = self.bench.need(self.read_record(entry.sfi, number), "读应用记录", "READ RECORD of the AFL")
                content = objects_of(answer.data, 0x70)
                self.objects.update(content)
                if number < entry.first + entry.signed:
                    self.static_data += signed_part(answer.data)
        return self

    # Cryptograms

    def send_generate(self, kind: int, values: bytes) -> Response:
        """GENERATE AC; ``kind`` is P1."""
        return self.bench.send(apdu(0x80, 0xAE, kind, 0, values, ne=256))

    def first(
        self, kind: int = ARQC, *, signed: bool = False, requirement: str | None = None, **offered: Offered
    ) -> Cryptogram:
        """The first GENERATE AC, which must succeed; ``signed`` asks for CDA.

        With a ``requirement`` a refusal counts against the card by it, instead of making the case inconclusive.
        """
        self.offer(**offered)
        if CDOL1 not in self.objects:
            self.read()
        made = self._generate(kind | (SIGNED if signed else 0), CDOL1, requirement)
        self.first_cryptogram, self.counter = made.value, made.counter
        return made

    def second(
        self,
        kind: int = TC,
        code: str = APPROVED,
        *,
        signed: bool = False,
        requirement: str | None = None,
        **offered: Offered,
    ) -> Cryptogram:
        """The second GENERATE AC with a response code, which must succeed; the rest as with the first."""
        self.offer(**offered)
        self.values[RESPONSE_CODE] = code.encode("ascii")
        return self._generate(kind | (SIGNED if signed else 0), CDOL2, requirement)

    def _generate(self, kind: int, tag: int, requirement: str | None) -> Cryptogram:
        answer = self.send_generate(kind, self.filled(tag))
        if requirement is None:
            self.bench.need(answer, "生成应用密文", "GENERATE AC")
        else:
            self.bench.expect(answer, GOOD, "生成应用密文", "GENERATE AC", requirement=requirement)
        return Cryptogram.read(answer)

    # The bank

    @cached_property
    def issuers(self) -> tuple[IssuerKeys, ...]:
        """The issuer's test keys for cards of this product, a set for each of its algorithms."""
        try:
            return IssuerKeys.of_profile(self.bench.profile)
        except ValueError as problem:
            raise NotApplicable("没有发卡行密钥", str(problem)) from problem

    @property
    def issuer(self) -> IssuerKeys:
        """The keys of the algorithms of this transaction: DF69 decides on a card that has two sets (JR/T 0025.17 §10)."""
        asked = SM_SUPPORT in dol.tags_of(self.objects.get(PDOL, b"")) and self.values[SM_SUPPORT] == b"\x01"
        wanted = (each for each in self.issuers if (each.algorithm is Algorithm.SM4) is asked)
        return next(wanted, self.issuers[0])

    @property
    def keys(self) -> TransactionKeys:
        """The session keys of the transaction whose counter the card gave last."""
        pan = self.objects.get(0x5A, b"").hex().upper().rstrip("F")
        sequence = self.objects.get(0x5F34, b"\0").hex()
        try:
            return self.issuer.transaction(pan, sequence, {COUNTER: self.counter})
        except ChipDataError as problem:
            raise Inconclusive("无法计算会话密钥", f"no session keys can be computed: {problem}") from problem

    def expected(self, made: Cryptogram) -> bytes:
        """The cryptogram that a genuine card makes of the values offered and of what ``made`` says beside it.

        Empty where the answer is so malformed that there is none.
        """
        chip = {**self.values, AIP: self.objects.get(AIP, b""), COUNTER: made.counter, ISSUER_DATA: made.issuer_data}
        try:
            return self.keys.cryptogram(chip)
        except ChipDataError:
            return b""

    def send_authenticate(self, code: str = APPROVED, *, wrong: bool = False) -> Response:
        """EXTERNAL AUTHENTICATE with the ARPC for the first cryptogram, or with one whose first bit is wrong."""
        proof = self.keys.response_cryptogram(self.first_cryptogram, code)
        if wrong:
            proof = bytes((proof[0] ^ 0x80,)) + proof[1:]
        return self.bench.send(apdu(0x00, 0x82, 0, 0, proof + code.encode("ascii")))

    def send_script(self, order: Order, *, wrong: bool = False) -> Response:
        """A script command with its MAC, or with one whose last bit is wrong."""
        command = order.command(self.keys, self.first_cryptogram)
        return self.bench.send(command[:-1] + bytes((command[-1] ^ 1,)) if wrong else command)

    # Whole transactions

    def offline(self, kind: int = TC, **offered: Offered) -> Cryptogram:
        """SELECT, GET PROCESSING OPTIONS, records, and one GENERATE AC."""
        self.open().begin(**offered).read()
        return self.first(kind)

    def online(self, code: str = APPROVED, kind: int = TC, *, wrong: bool = False, **offered: Offered) -> Cryptogram:
        """A whole transaction that the bank answers, with a right ARPC unless ``wrong``."""
        self.offline(ARQC, **offered)
        self.send_authenticate(code, wrong=wrong)
        return self.second(kind, code)

    def ordered(self, *orders: Order) -> Self:
        """An approved online transaction with these script commands after it, which must succeed."""
        self.online()
        for order in orders:
            self.bench.need(self.send_script(order), f"发卡行脚本 {order.name}", f"script command {order.name}")
        return self


def _options(data: bytes) -> dict[int, bytes]:
    """AIP, AFL and whatever else GET PROCESSING OPTIONS answered, in either format."""
    whole = objects_of(data)
    if FORMAT_1 in whole:
        return {AIP: whole[FORMAT_1][:2], AFL: whole[FORMAT_1][2:]}
    return objects_of(data, FORMAT_2)


def signed_part(record: bytes) -> bytes:
    """What a record's template 70 holds, the whole record where it is none (files 11 to 30, JR/T 0025.7 §5)."""
    return objects_of(record).get(0x70, record)


def get_data(bench: Bench, tag: int) -> bytes | None:
    """The value of a data object by GET DATA; None when the card does not give it."""
    answer = bench.send(apdu(0x80, 0xCA, tag >> 8, tag & 0xFF, ne=256))
    return objects_of(answer.data).get(tag) if answer.sw == SW.SUCCESS else None


def counter(bench: Bench) -> int:
    """The application transaction counter 应用交易计数器; inconclusive where the card does not give it."""
    value = get_data(bench, COUNTER)
    if value is None or len(value) != 2:
        raise Inconclusive("无法读取ATC", "GET DATA does not give the transaction counter 9F36")
    return int.from_bytes(value, "big")


def set_data(bench: Bench, values: Mapping[int, bytes]) -> None:
    """Give data objects other values, as the bank does: PUT DATA after an approved online transaction."""
    Visit(bench).ordered(*(put_data(tag, value) for tag, value in values.items()))
