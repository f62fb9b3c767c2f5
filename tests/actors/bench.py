"""A card, a terminal and a bank on one table."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from conformance.actors.bank import Account, Bank, HostUnreachable, IssuerKeys, TransactionKind
from conformance.actors.terminal import DEFAULT_CONFIGURATION, Kernel, PreparedHolder, Purchase, TransactionResult
from conformance.failures import BenchError
from conformance.targets.in_process import InProcessTarget
from emulator import load_card
from emulator.iso7816 import Command, Response
from profiles.model import Profile
from tests.payment.terminal import profile

PAN, PSN = "6214988660100000304", "01"
PIN = "123456"
HOLDER = PreparedHolder((PIN,))
START, E_CASH_START = 500_000, 20_000
READ_RECORD, GENERATE_AC, VERIFY, EXTERNAL_AUTHENTICATE, PUT_DATA = 0xB2, 0xAE, 0x20, 0x82, 0xDA

Change = Callable[[Command, Response], Response | None]


class Altered:
    """A link that may change what the card answers; None from ``change`` leaves an answer as it is."""

    def __init__(self, link: Any, change: Change) -> None:
        self.link, self.change = link, change

    def transmit(self, command: bytes) -> bytes:
        answer = self.link.transmit(command)
        changed = self.change(Command.parse(command), Response.parse(answer))
        return answer if changed is None else changed.to_bytes()


class Torn:
    """A link whose card is pulled out before command number ``at``, from 0, or just after the card worked on it."""

    def __init__(self, link: Any, at: int, *, after: bool = False) -> None:
        self.link, self.left, self.after = link, at, after

    def transmit(self, command: bytes) -> bytes:
        self.left -= 1
        if self.left == -1 and self.after:
            self.link.transmit(command)
        if self.left < 0:
            raise BenchError("the card is gone")
        return self.link.transmit(command)


class NoLine:
    """A bank behind a broken line; ``answers`` says whether requests still arrive there."""

    def __init__(self, bank: Bank | None = None) -> None:
        self.bank = bank

    def authorise(self, request: Any) -> Any:
        if self.bank:
            self.bank.authorise(request)
        raise HostUnreachable("time out")

    def complete(self, completion: Any) -> None:
        raise HostUnreachable("time out")

    def reverse(self, reversal: Any) -> None:
        raise HostUnreachable("time out")


@dataclass
class Chance:
    """A source of chance that always draws the same number, 50 of 99 unless told."""

    drawn: int = 50

    def randrange(self, start: int, stop: int, /) -> int:
        return min(max(self.drawn, start), stop - 1)

    def getrandbits(self, k: int, /) -> int:
        return 0xA1B2C3D4 & ((1 << k) - 1)


@dataclass
class Bench:
    """Transactions one after the other with the same card."""

    of: Profile
    settled: list[Any] = field(default_factory=list)
    number: int = 0

    def __post_init__(self) -> None:
        self.target = InProcessTarget(load_card(self.of))
        self.target.connect()
        self.bank = Bank(*IssuerKeys.of_profile(self.of))
        self.bank.open_account(PAN, PSN, balance=START, e_cash=E_CASH_START)

    @property
    def account(self) -> Account:
        return self.bank.account(PAN, PSN)

    def pay(
        self,
        amount: int = 1234,
        *,
        change: Change | None = None,
        link: Any = None,
        host: Any = "bank",
        holder: Any = None,
        random: Any = None,
        configuration: dict[str, Any] | None = None,
        application: dict[str, Any] | None = None,
        expected_account: str = "",
        **purchase: Any,
    ) -> TransactionResult:
        """One transaction from a reset on; ``configuration`` and ``application`` change the default terminal."""
        self.number += 1
        self.target.reset()
        terminal = replace(DEFAULT_CONFIGURATION, **(configuration or {}))
        if application:
            terminal = replace(
                terminal, applications=tuple(replace(each, **application) for each in terminal.applications)
            )
        reached = link or self.target
        kernel = Kernel(
            Altered(reached, change) if change else reached,
            terminal,
            host=self.bank if host == "bank" else host,
            holder=holder or PreparedHolder(HOLDER.pins),
            random=random or Chance(),
            expected_account=expected_account,
        )
        given = {"e_cash": False, "number": self.number, "when": datetime(2026, 11, 23, 12, 0, 0), **purchase}
        return kernel.run(Purchase(amount, **given))

    def load(self, amount: int, **more: Any) -> TransactionResult:
        return self.pay(amount, kind=TransactionKind.LOAD, **more)

    def card_data(self, tag: int) -> bytes:
        """GET DATA after a fresh selection."""
        self.target.reset()
        self.target.transmit(bytes.fromhex("00A4040008A00000033301010100"))
        answer = Response.parse(self.target.transmit(bytes((0x80, 0xCA, tag >> 8, tag & 0xFF, 0))))
        assert answer.sw == 0x9000
        return answer.data[3:]


def bench(product: str = "debit", **changes: Any) -> Bench:
    """A bench with a product, or a changed one."""
    return Bench(profile(product, **changes))


def seasoned(product: str = "debit", **changes: Any) -> Bench:
    """A bench whose card was online once, so that it may be used offline."""
    made = bench(product, **changes)
    assert made.pay(100).approved
    return made
