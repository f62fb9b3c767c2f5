"""``sscard card``: the life of a card after its issue. Loss 挂失、解挂, unblocking 解锁, cancellation 注销, status 状态."""

from __future__ import annotations

import json
import re
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from conformance.card_place import open_card
from conformance.host_option import bank_at, cards_of, centre_at, socket_of

if TYPE_CHECKING:
    from conformance.actors.bank import Bank, CardDesk
    from conformance.actors.bank.change import Answer
    from conformance.actors.hosts.bank import BankHost, CardDeskHost
    from conformance.actors.hosts.centre import CentreHost
    from conformance.actors.medical.books import RegisteredCard
    from conformance.actors.medical.centre import Centre
    from conformance.actors.medical.messages import CardState
    from conformance.actors.medical.reader import CardReader

REFUSED, WRONG_USE, BENCH_FAILED = 1, 2, 3
LONGEST_PIN = 16

CardCode = Annotated[str, typer.Argument(metavar="CARD", help="卡的识别码: 32 hexadecimal digits.")]
BooksFile = Annotated[
    Path,
    typer.Option(
        "--books", help="The insurance centre's books, a SQLite file, or the socket of `sscard serve centre`."
    ),
]
BankFile = Annotated[
    Path | None,
    typer.Option("--bank", help="The bank's books, too, a SQLite file, or the socket of `sscard serve bank`."),
]
Account = Annotated[
    str | None,
    typer.Option("--account", help="Account number of the card; absent: as the bank has it from the data return."),
]
ByPhone = Annotated[bool, typer.Option("--phone", help="The holder calls (口头); absent: the holder is at the window.")]
Image = Annotated[Path | None, typer.Option("--image", help="The virtual card in this file.")]
Reader = Annotated[str | None, typer.Option("--reader", help="The card in this PC/SC reader (name or a part of it).")]
ProfileName = Annotated[str, typer.Option("--profile", help="Card product by name, or a profile file (TOML).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")]

app = typer.Typer(
    help="卡片生命周期：挂失、解挂、解锁、注销、状态。The life of a card: loss, unblocking, cancellation, status.",
    no_args_is_help=True,
)


@dataclass(frozen=True, slots=True)
class _Counter:
    """Which card, at which books, in which reader."""

    command: str
    card: str
    books: Path
    bank_file: Path | None = None
    account: str | None = None
    profile: str = "ssc3-sm4"
    image: Path | None = None
    reader: str | None = None

    def give_up(self, sentence: str, code: int = WRONG_USE) -> NoReturn:
        """End the command with one sentence."""
        typer.echo(f"sscard card {self.command}: {sentence}", err=True)
        raise typer.Exit(code)

    def check(self) -> None:
        """End the command where its options cannot be."""
        if not re.fullmatch("[0-9A-Fa-f]{32}", self.card):
            self.give_up("CARD is not thirty-two hexadecimal digits")
        if self.account is not None and self.bank_file is None:
            self.give_up("--account needs the bank's books: give --bank FILE")
        if self.image is not None and self.reader is not None:
            self.give_up("give --image FILE or --reader NAME, not both")
        for path in (self.books, self.bank_file, self.image):
            if path is not None and socket_of(path) is None and not path.exists():
                self.give_up(f"{path}: no such file")

    @property
    def has_card(self) -> bool:
        """Whether the card is here."""
        return self.image is not None or self.reader is not None

    @contextmanager
    def centre(self) -> Iterator[tuple[Centre | CentreHost, RegisteredCard]]:
        """The centre, and the card as it stands in the register."""
        from conformance.actors.bank.messages import HostUnreachable
        from profiles import ProfileError, load

        self.check()
        with ExitStack() as opened:
            try:
                centre = centre_at(load(self.profile), self.books, opened)
            except ProfileError as problem:
                self.give_up(str(problem))
            except (sqlite3.Error, ValueError) as problem:
                self.give_up(f"the books {self.books} cannot be used: {problem}")
            try:
                with self.using(self.books):
                    found = centre.card(self.card)
                if found is None:
                    self.give_up("the register has no such card", REFUSED)
                yield centre, found
            except HostUnreachable as problem:
                self.give_up(f"{problem}; give the same command again when the host is back", BENCH_FAILED)

    @contextmanager
    def bank(self) -> Iterator[tuple[Bank | BankHost, str] | None]:
        """The bank, and the account number of the card; None without the bank's books."""
        from profiles import load

        if self.bank_file is None:
            yield None
            return
        with ExitStack() as opened:
            try:
                bank = bank_at(load(self.profile), self.bank_file, opened)
            except (sqlite3.Error, ValueError) as problem:
                self.give_up(f"the books {self.bank_file} cannot be used: {problem}")
            with self.using(self.bank_file):
                number = self.account or bank.cards.number_of(self.card)
            if number is None:
                self.give_up("the bank has no data return of this card; give --account NUMBER", REFUSED)
            yield bank, number

    @contextmanager
    def using(self, books: Path | None) -> Iterator[None]:
        """End the command where books fail on the way; there are those of the centre and of the bank, and one alone is to blame."""
        try:
            yield
        except sqlite3.Error as problem:
            self.give_up(f"the books {books} cannot be used: {problem}", BENCH_FAILED)

    @contextmanager
    def card_reader(self) -> Iterator[CardReader]:
        """The card in its reader, of which nothing is known yet."""
        from conformance.actors.medical.keys import HsmKeys
        from conformance.actors.medical.reader import CardGone, CardReader, CardRefused
        from conformance.failures import BenchError
        from profiles import load

        product = load(self.profile)
        target = open_card(product, self.image, self.reader, self.give_up)
        try:
            target.connect()
            yield CardReader(target, product, HsmKeys(product, bytes(6)))
        except (BenchError, CardGone) as problem:
            self.give_up(f"the card is gone: {problem}", BENCH_FAILED)
        except CardRefused as problem:
            self.give_up(f"the card refuses: {problem}", REFUSED)
        finally:
            target.close()

    def require_card(self, reader: CardReader) -> None:
        """End the command unless the card in the reader, which has begun, is the one that is meant."""
        if reader.identification.hex().upper() != self.card.upper():
            self.give_up("another card is in the reader", REFUSED)


@app.command("status", short_help="Tell how a card stands at centre and bank.")
def status(
    card: CardCode,
    books: BooksFile,
    bank: BankFile = None,
    account: Account = None,
    profile: ProfileName = "ssc3-sm4",
    as_json: AsJson = False,
) -> None:
    """Tell how a card stands in the register, and with --bank its account number at the bank.

    Exit code: 0 told, 1 no such card, 2 wrong use, 3 the books cannot be used.
    """
    counter = _Counter("status", card, books, bank, account, profile)
    with counter.centre() as (_, found), counter.bank() as known:
        _tell(counter, found, known, [], as_json)


@app.command("lose", short_help="Report a card lost.")
def lose(
    card: CardCode,
    books: BooksFile,
    bank: BankFile = None,
    account: Account = None,
    phone: ByPhone = False,
    profile: ProfileName = "ssc3-sm4",
    as_json: AsJson = False,
) -> None:
    """Report a card lost (挂失): formally 正式挂失 at the window, for a while 临时挂失 with --phone; with --bank there, too.

    Exit code: 0 reported, 1 refused, 2 wrong use, 3 the books cannot be used.
    """
    from conformance.actors.medical.messages import CardState

    state = CardState.TEMPORARILY_LOST if phone else CardState.FORMALLY_LOST
    counter = _Counter("lose", card, books, bank, account, profile)
    _change(counter, state, phone, as_json, lambda desk, *card: desk.report_lost(*card))


@app.command("found", short_help="Lift a loss report.")
def found(
    card: CardCode,
    books: BooksFile,
    bank: BankFile = None,
    account: Account = None,
    phone: ByPhone = False,
    profile: ProfileName = "ssc3-sm4",
    as_json: AsJson = False,
) -> None:
    """Lift a loss report (解挂): one that was made formally at the window alone; with --bank there, too.

    Exit code: 0 lifted, 1 refused, 2 wrong use, 3 the books cannot be used.
    """
    from conformance.actors.medical.messages import CardState

    counter = _Counter("found", card, books, bank, account, profile)
    _change(counter, CardState.NORMAL, phone, as_json, lambda desk, *card: desk.found(*card))


@app.command("unblock", short_help="Unblock a PIN, an application, or a locked card.")
def unblock(
    card: CardCode,
    books: BooksFile,
    image: Image = None,
    reader: Reader = None,
    application: Annotated[
        str | None, typer.Option("--application", help="Unblock this application of the card, such as DF04.")
    ] = None,
    new_pin: Annotated[
        str | None, typer.Option("--new-pin", help="Set this PIN instead of giving the old one its tries back.")
    ] = None,
    profile: ProfileName = "ssc3-sm4",
    as_json: AsJson = False,
) -> None:
    """Unblock the card in the reader (解锁): its PIN, or an application; without a card, the lock 应用锁定 in the register.

    Exit code: 0 unblocked, 1 refused, 2 wrong use, 3 the card is gone or the books cannot be used.
    """
    from conformance.actors.medical.blocking import unblock_application
    from conformance.actors.medical.keys import KeysRefused
    from conformance.actors.medical.messages import CardState
    from conformance.actors.medical.pins import reload_pin, unblock_pin

    counter = _Counter("unblock", card, books, profile=profile, image=image, reader=reader)
    if not counter.has_card and (application is not None or new_pin is not None):
        counter.give_up("--application and --new-pin need the card: give --image FILE or --reader NAME")
    if new_pin is not None and not re.fullmatch(f"[0-9]{{4,{LONGEST_PIN}}}", new_pin):
        counter.give_up("--new-pin is not four to sixteen digits")
    if application is not None and new_pin is not None:
        counter.give_up("--application and --new-pin are two unblockings; give one of them")
    with counter.centre() as (_, registered):
        _require_present(counter, registered)
    if not counter.has_card:
        _change(counter, CardState.NORMAL, False, as_json, None)
        return
    with counter.card_reader() as card_reader:
        if application is not None and application not in card_reader.cards.directory:
            counter.give_up(f"profile {profile} has no application {application}")
        card_reader.begin()
        counter.require_card(card_reader)
        try:
            if application is not None:
                unblock_application(card_reader, application)
            elif new_pin is not None:
                reload_pin(card_reader, new_pin)
            else:
                unblock_pin(card_reader)
        except KeysRefused as problem:
            counter.give_up(f"cannot be unblocked: {problem}", REFUSED)
        what = application or "PIN"
        _tell(counter, registered, None, [(f"{what} 已解锁", f"{what} unblocked")], as_json)


def _require_present(counter: _Counter, registered: RegisteredCard) -> None:
    """A card that is lost or cancelled is not unblocked: a lost one is found first, at the bank as well."""
    from conformance.actors.medical.messages import CardState

    if registered.state in (CardState.TEMPORARILY_LOST, CardState.FORMALLY_LOST):
        counter.give_up("the card is reported lost; lift the report first: sscard card found", REFUSED)
    if registered.state is CardState.CANCELLED:
        counter.give_up("the card is cancelled for good", REFUSED)


@app.command("cancel", short_help="Cancel a card for good.")
def cancel(
    card: CardCode,
    books: BooksFile,
    bank: BankFile = None,
    account: Account = None,
    image: Image = None,
    reader: Reader = None,
    profile: ProfileName = "ssc3-sm4",
    as_json: AsJson = False,
) -> None:
    """Cancel a card for good (注销): in the register, with --bank there, and a card that is in a reader by CARD BLOCK.

    Exit code: 0 cancelled, 1 refused, 2 wrong use, 3 the card is gone or the books cannot be used.
    """
    from conformance.actors.medical.messages import CardState

    counter = _Counter("cancel", card, books, bank, account, profile, image, reader)
    with counter.centre(), counter.bank():  # before anything that cannot be taken back
        done = [_block(counter)] if counter.has_card else []
    _change(counter, CardState.CANCELLED, False, as_json, lambda desk, *card: desk.cancel(*card), done)


def _block(counter: _Counter) -> tuple[str, str]:
    """CARD BLOCK of the card in the reader; one that was blocked before shows nobody which card it is."""
    from conformance.actors.medical.blocking import block_card, is_blocked
    from conformance.actors.medical.keys import KeysRefused

    with counter.card_reader() as reader:
        if is_blocked(reader):
            return "读卡器中的卡此前已锁定", "the card in the reader was blocked before"
        counter.require_card(reader)
        try:
            block_card(reader)
        except KeysRefused as problem:
            counter.give_up(f"the card cannot be blocked: {problem}", REFUSED)
    return "卡内社保应用已锁定", "social security on the card is blocked for good"


def _change(
    counter: _Counter,
    state: CardState,
    phone: bool,
    as_json: bool,
    at_bank: Callable[[CardDesk | CardDeskHost, str, str, str], Answer] | None,
    done: list[tuple[str, str]] | None = None,
) -> None:
    """Another state in the register, and at the bank the step that belongs to it; once more is no error."""
    from conformance.actors.bank.change import Outcome
    from conformance.actors.medical.messages import Channel

    told = done or []
    with counter.centre() as (centre, registered), counter.bank() as known:
        try:
            with counter.using(counter.books):
                if registered.state is not state:
                    centre.change_card(counter.card, state, Channel.PHONE if phone else Channel.WINDOW)
        except ValueError as problem:
            counter.give_up(str(problem), REFUSED)
        if known is not None and at_bank is not None:
            bank, number = known
            with counter.using(counter.bank_file):
                answer = at_bank(bank.cards, f"card-{uuid.uuid4()}", number, counter.card.upper())
            if answer.outcome not in (Outcome.DONE, Outcome.DONE_BEFORE):
                counter.give_up(f"the register is changed, and the bank refuses: {answer.outcome}", REFUSED)
        with counter.using(counter.books):
            after = centre.card(counter.card)
        _tell(counter, after or registered, known, told, as_json)


STATES = {
    "SEALED": "封存",
    "NORMAL": "正常",
    "FORMALLY_LOST": "正式挂失",
    "LOCKED": "应用锁定",
    "TEMPORARILY_LOST": "临时挂失",
    "CANCELLED": "注销",
}


def _tell(
    counter: _Counter,
    found: RegisteredCard,
    known: tuple[Bank | BankHost, str] | None,
    done: list[tuple[str, str]],
    as_json: bool,
) -> None:
    """The card at centre and bank, of which a bank behind a socket tells the card in use alone; nothing of a person."""
    with counter.using(counter.bank_file):
        cards = [] if known is None else cards_of(*known)
    if as_json:
        table = {
            "card": found.card,
            "state": found.state.name.lower(),
            "bank": [{"sequence": each.sequence, "state": str(each.state)} for each in cards],
            "done": [en for _, en in done],
        }
        typer.echo(json.dumps(table))
        return
    for zh, en in done:
        typer.echo(f"{zh} · {en}")
    typer.echo(f"{found.card}: {STATES[found.state.name]} {found.state.en}")
    for each in cards:
        typer.echo(f"银行卡序列号 card sequence number {each.sequence}: {each.state}")
