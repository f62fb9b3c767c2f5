"""``sscard settle visit``: a bill settled with both applications of one card, told step by step."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from conformance.bank_option import account_of, bank_named
from conformance.medical_cli import (
    Books,
    CategoryName,
    CategoryOption,
    Eligible,
    LanguageName,
    LanguageOption,
    LineDown,
    ModeOption,
    Number,
    Total,
    UseAccount,
    print_books,
    table_of,
    visit_of,
)
from conformance.medical_desk import (
    BENCH_FAILED,
    REFUSED,
    WRONG_USE,
    AsJson,
    ExpectCard,
    Hsm,
    Image,
    InProcess,
    Pin,
    Place,
    ProfileName,
    ReaderName,
    SamImage,
    SamReaderName,
)
from conformance.outbox_option import OutboxPath, outbox_at
from conformance.pay_cli import LanguageName as PaymentLanguage
from conformance.pay_cli import table_of as payment_table
from conformance.settle_programs import ModeName, Timeline, centre_of, require_new, station_of, terminal_of

if TYPE_CHECKING:
    from conformance.actors.bank import Account, Bank
    from conformance.actors.hosts.bank import BankHost
    from conformance.actors.medical.messages import PersonAccount
    from conformance.actors.medical.visit_payment import VisitDesk, VisitResult
    from conformance.actors.terminal import Event
    from profiles.model import Profile

NESTED = ("exit_code", "books", "steps", "receipt", "settlement")
"""What the tables of both parts have of their own, and the visit's has once."""


class OwnPartName(StrEnum):
    """How the holder pays the own part."""

    card = "card"
    cash = "cash"


class UnpaidName(StrEnum):
    """What the hospital does where the card does not pay."""

    keep = "keep"
    reverse = "reverse"


class BankLineName(StrEnum):
    """What becomes of messages to the bank."""

    up = "up"
    down = "down"
    answer_lost = "answer-lost"


def visit(
    total: Total,
    eligible: Eligible = None,
    category: CategoryOption = CategoryName.ordinary,
    use_account: UseAccount = True,
    mode: ModeOption = ModeName.online,
    line_down: LineDown = False,
    own_part: Annotated[
        OwnPartName, typer.Option(help="How the holder pays the own part (个人自付): by the same card, or in cash.")
    ] = OwnPartName.card,
    unpaid: Annotated[
        UnpaidName,
        typer.Option(
            help="Where the card does not pay: keep the medical settlement and take cash, or reverse it (冲正)."
        ),
    ] = UnpaidName.keep,
    has_cash: Annotated[
        bool, typer.Option("--has-cash/--no-cash", help="Whether the holder can pay the own part in cash.")
    ] = True,
    bank_line: Annotated[
        BankLineName,
        typer.Option(help="The line to the bank: up, down, or one on which the answer to the request is lost."),
    ] = BankLineName.up,
    bank_pin: Annotated[
        str | None, typer.Option(help="PIN of the debit application; absent: the same as --pin.")
    ] = None,
    books: Books = None,
    bank_books: Annotated[
        Path | None,
        typer.Option(
            "--bank", help="The bank's books, a SQLite file, or the socket of `sscard serve bank`; absent: a test bank."
        ),
    ] = None,
    outbox: OutboxPath = None,
    number: Number = None,
    profile: ProfileName = "ssc3-sm4",
    reader: ReaderName = None,
    sam_reader: SamReaderName = None,
    hsm: Hsm = False,
    in_process: InProcess = False,
    expect_card: ExpectCard = None,
    image: Image = None,
    sam_image: SamImage = None,
    pin: Pin = None,
    language: LanguageOption = LanguageName.zh,
    as_json: AsJson = False,
) -> None:
    """Settle one bill: the insurance's part by the medical application, the own part by the debit application of the same card.

    Exit code: 0 settled and paid as the holder wished, 1 not settled, or not paid by the card, whatever was done then,
    2 wrong use, 3 the card or a reader was lost.
    """
    place = Place("settle visit", profile, reader, sam_reader, hsm, in_process, expect_card, image, sam_image, pin)
    asked = visit_of(place, number, total, eligible, category, use_account)
    entered = pin if bank_pin is None else bank_pin
    if bank_pin is not None and not re.fullmatch("[0-9]{4,12}", bank_pin):
        place.give_up("--bank-pin is not four to twelve digits", WRONG_USE)
    place.check()
    product = place.product()
    if outbox is not None and bank_books is None:
        place.give_up(
            "--outbox is delivered to hosts that remember from one call to the next; give --bank too", WRONG_USE
        )

    def no_bank(sentence: str, code: int) -> NoReturn:
        none_in_profile = bank_books is None and code == WRONG_USE
        where = "; give a profile with both applications, such as ssc3-sm4" if none_in_profile else ""
        place.give_up(f"{sentence}{where}", code)

    with (
        bank_named(product, bank_books, no_bank) as bank,
        outbox_at(outbox, books, "--books", place.give_up) as kept,
        place.open() as opened,
    ):
        from conformance.actors.bank.line import BankLine
        from conformance.actors.medical.visit_payment import Unpaid, VisitDesk
        from conformance.actors.terminal import DEFAULT_CONFIGURATION, PreparedHolder

        timeline = Timeline(as_json)
        centre = centre_of(place, opened, mode, books)
        to_bank = BankLine(
            bank, down=bank_line is BankLineName.down, loses_answers=bank_line is BankLineName.answer_lost
        )
        try:
            terminal, line = terminal_of(opened, centre, timeline, kept, line_down=line_down)
            desk = VisitDesk(
                terminal,
                to_bank,
                holder=lambda: PreparedHolder((entered,) if entered else ()),
                unpaid=Unpaid[unpaid.name.upper()],
                cash=lambda fen: has_cash,
                configuration=replace(DEFAULT_CONFIGURATION, terminal_id=kept.terminal),
                next_number=kept.next_number,
                listener=timeline.told,
                payment_listener=lambda event: _tell(timeline, event),
                outbox=kept,
            )
            station_of(terminal, kept).deliver()
            _make_good(desk, timeline)
            require_new(place, centre, line, asked.number)
            result = desk.settle(asked, by_card=own_part is OwnPartName.card)
            line.down = to_bank.down = to_bank.loses_answers = False
            for clearing in desk.deliver():
                timeline.cleared(clearing)
            account = centre.inquire(result.medical.person)
            at_bank = _at_bank(bank, product)
        finally:
            centre.books.close()
    _show(result, account, at_bank, timeline, language, as_json=as_json)
    raise typer.Exit(_exit_code(result))


def _make_good(desk: VisitDesk, timeline: Timeline) -> None:
    """What an earlier call left: its end is told, what waits delivered, and the card, if it is that one, goes on."""
    left = list(desk.results.values())
    for clearing in desk.deliver():
        timeline.cleared(clearing)
    for result in left + desk.resume():
        number, own = result.medical.visit.number, result.own
        timeline.tell("待发箱", "outbox", f"{number} {own.zh}", f"{number} {own.en}")


def _at_bank(bank: Bank | BankHost, profile: Profile) -> Account | None:
    """The account of the product's card; None for a card that a station made, and for a bank behind a socket."""
    from conformance.actors.bank import Bank

    try:
        return account_of(bank, profile) if isinstance(bank, Bank) else None
    except KeyError:
        return None


def _tell(timeline: Timeline, event: Event) -> None:
    from conformance.actors.terminal.events import Exchanged

    if not isinstance(event, Exchanged):
        timeline.tell(event.phase.zh, event.phase.en, event.zh, event.en)


def _exit_code(result: VisitResult) -> int:
    if result.good:
        return 0
    return BENCH_FAILED if result.card_lost else REFUSED


def _show(
    result: VisitResult,
    account: PersonAccount | None,
    at_bank: Account | None,
    timeline: Timeline,
    language: LanguageName,
    *,
    as_json: bool,
) -> None:
    from conformance.actors.medical.bill import amount_text
    from conformance.actors.medical.visit_slip import visit_slip
    from conformance.actors.slip import Language

    slip = visit_slip(result, Language(language.value))
    if as_json:
        row = _table(result, account, at_bank, timeline, language)
        typer.echo(json.dumps({**row, "receipt": slip}, ensure_ascii=False))
        return
    typer.echo("")
    typer.echo(slip, nl=False)
    print_books(account)
    if at_bank is not None:
        typer.echo(f"银行账 bank's books: 余额 balance {amount_text(at_bank.balance)}")


def _table(
    result: VisitResult,
    account: PersonAccount | None,
    at_bank: Account | None,
    timeline: Timeline,
    language: LanguageName,
) -> dict[str, Any]:
    medical = table_of(result.medical, account, timeline, language)
    payment = result.payment and payment_table(result.payment, None, PaymentLanguage(language.value))
    return {
        "outcome": result.own.name.lower(),
        "exit_code": _exit_code(result),
        "reason": {"zh": result.zh, "en": result.en},
        "number": result.medical.visit.number,
        "own_part": result.due,
        "medical": {key: value for key, value in medical.items() if key not in NESTED},
        "payment": payment and {key: value for key, value in payment.items() if key not in NESTED},
        "books": medical["books"],
        "bank_balance": at_bank and at_bank.balance,
        "steps": timeline.steps,
    }
