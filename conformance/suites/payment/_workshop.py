"""A personalisation device at the chip in the bench, as the cases of a personalisation need it."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import NamedTuple

from conformance.actors.bank.authority import Authority
from conformance.actors.bank.card_data import CardDataError, CardOrder, personalisation_data
from conformance.actors.bank.groupings import DataFile, to_bytes
from conformance.actors.bank.personaliser import LAST_BLOCK, Level, MasterKey, SecureChannel
from conformance.bench import Bench
from conformance.dialogue import apdu
from conformance.failures import Inconclusive, NotApplicable
from emulator.iso7816 import SW, Response
from profiles import ProfileError, load
from profiles.applications import payment_directory
from profiles.keys import RootKeyError
from profiles.model import Profile
from profiles.payment_content import record_values
from profiles.payment_model import Personalisation

CENTURY = 2000
CURRENCY = to_bytes("0E01", bytes.fromhex("9F51020156"))
"""A grouping that every card takes: the currency of the application."""


class Stored(NamedTuple):
    """A record as its grouping gave it."""

    sfi: int
    number: int
    value: bytes


class Workshop:
    """The device of the issuer whose master key the profile names; each case begins with :meth:`select`.

    Steps that are on the way are preamble: a chip that refuses them makes the case inconclusive.
    """

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        awaited = (directory.personalisation for directory in bench.profile.directory.values())
        described = next((each for each in awaited if each is not None), None)
        if described is None:
            raise NotApplicable("卡片声明中没有待个人化的应用", "the declared card has no application to personalise")
        self.described: Personalisation = described
        try:
            self.aid, self.master_key = MasterKey.of_profile(bench.profile)
        except RootKeyError as problem:
            raise NotApplicable("没有个人化主密钥", str(problem)) from problem
        self.channel = SecureChannel(lambda command: bench.send(command.to_bytes()), self.master_key, self._random)

    def _random(self, count: int) -> bytes:
        return self.bench.random.randbytes(count)

    def select(self) -> Workshop:
        """Reset and SELECT."""
        self.bench.reset()
        self.bench.need(self.channel.select(self.aid), "选择待个人化应用", "SELECT of the application")
        return self

    def is_issued(self) -> bool:
        """Whether a chip that stays in the bench takes no personalisation any more, and pays."""
        if self.bench.target.renewable:
            return False
        if self.select().channel.initialise().sw == SW.SUCCESS:
            return False
        self.select()
        return self.bench.send(apdu(0x80, 0xCA, 0x9F, 0x36, ne=256)).sw == SW.SUCCESS

    def initialise(self) -> Workshop:
        """INITIALIZE UPDATE, whose cryptogram must be right."""
        self.bench.need(self.channel.initialise(), "初始化更新", "INITIALIZE UPDATE")
        if not self.channel.is_genuine:
            raise Inconclusive("卡片密文错误，无法建立通道", "the card cryptogram is wrong: no channel can be opened")
        return self

    def open(self, level: Level = Level.MAC) -> Workshop:
        """A fresh session with an open channel."""
        self.select().initialise()
        self.bench.need(self.channel.authenticate(level), "外部认证", "EXTERNAL AUTHENTICATE")
        return self

    # The data of a card

    @cached_property
    def product(self) -> Profile:
        """The product whose data the chip gets."""
        if self.described.product is None:
            raise NotApplicable("卡片声明没有个人化用产品", "the profile names no product to personalise the chip with")
        try:
            return load(self.described.product)
        except ProfileError as problem:
            raise NotApplicable(
                "个人化用产品不可用", f"the product to personalise with is unusable: {problem}"
            ) from None

    @cached_property
    def data(self) -> DataFile:
        """The data groupings of the product's own holder."""
        name = payment_directory(self.product)
        values = record_values(self.product, name) if name else {}
        try:
            day = values["5F24"].hex()
            order = CardOrder(
                values["5A"].hex().upper().rstrip("F"),
                values.get("5F34", b"\0").hex(),
                _month(day),
            )
            return personalisation_data(self.product, order, Authority.published(), key_pairs_of_authority=True)
        except (CardDataError, KeyError, ValueError) as problem:
            raise NotApplicable("无法准备个人化数据", f"no data can be prepared: {problem}") from None

    @property
    def records(self) -> list[Stored]:
        """The records that the groupings make."""
        found = []
        for each in self.data.groupings:
            sfi, number = bytes.fromhex(each.identifier)
            if 1 <= sfi <= 10:
                found.append(Stored(sfi, number, each.value))
        return found

    def store_all(self, *, but_last: bool = False) -> Response:
        """Every block, the last one with P1 b8, or all but that; the answer to the last that was sent."""
        blocks = self.data.blocks(self.channel.keys.dek, self.channel.room(self.channel.level))
        answer = Response(b"", SW.SUCCESS)
        for number, block in enumerate(blocks, 1):
            last = number == len(blocks)
            if last and but_last:
                break
            answer = self.channel.store(block.data, block.indicator | (LAST_BLOCK if last else 0))
            if not last:
                self.bench.need(answer, f"存储数据第 {number} 块", f"STORE DATA, block {number}")
        return answer

    def last_command(self) -> bytes:
        """The command with the last block, after all others were stored."""
        block = self.data.blocks(self.channel.keys.dek, self.channel.room(self.channel.level))[-1]
        command = self.channel.protected(0xE2, block.indicator | LAST_BLOCK, self.channel.block & 0xFF, block.data)
        return command.to_bytes()

    def issue(self) -> Workshop:
        """A whole personalisation, which must succeed; the card is issued and selected."""
        self.open()
        self.bench.need(self.store_all(), "最后一条存储数据", "the last STORE DATA")
        self.bench.reset()
        self.bench.need(self.channel.select(self.aid), "选择已发行应用", "SELECT of the issued application")
        counter = self.bench.send(apdu(0x80, 0xCA, 0x9F, 0x36, ne=256))
        self.bench.need(counter, "已发行应用的 ATC", "GET DATA 9F36 of the issued application")
        return self


def _month(day: str) -> date:
    """The month of YYMMDD; raises ValueError for something else."""
    return date(CENTURY + int(day[:2]), int(day[2:4]), 1)
