"""``sscard settle visit``: a bill settled with both applications of one card, told step by step."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from conformance.bank_option import account_of, bank_of
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
from conformance.pay_cli import LanguageName as PaymentLanguage
from conformance.pay_cli import table_of as payment_table
from conformance.settle_cli import (
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
from conformance.settle_programs import ModeName, Timeline, centre_of, terminal_of

if TYPE_CHECKING:
    from conformance.actors.bank import Account, Bank
    from conformance.actors.medical.messages import PersonAccount
    from conformance.actors.medical.visit_payment import VisitResult
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
    bank = _bank(place, product)
    with place.open() as opened:
        from conformance.actors.bank.line import BankLine
        from conformance.actors.medical.visit_payment import Unpaid, VisitDesk
        from conformance.actors.terminal import PreparedHolder

        timeline = Timeline(as_json)
        centre = centre_of(place, opened, mode, books)
        to_bank = BankLine(
            bank, down=bank_line is BankLineName.down, loses_answers=bank_line is BankLineName.answer_lost
        )
        try:
            terminal, line = terminal_of(opened, centre, timeline, None, line_down=line_down)
            desk = VisitDesk(
                terminal,
                to_bank,
                holder=lambda: PreparedHolder((entered,) if entered else ()),
                unpaid=Unpaid[unpaid.name.upper()],
                cash=lambda fen: has_cash,
                first_number=int(f"{asked.when:%H%M%S}"),
                listener=timeline.told,
                payment_listener=lambda event: _tell(timeline, event),
            )
            result = desk.settle(asked, by_card=own_part is OwnPartName.card)
            line.down = to_bank.down = to_bank.loses_answers = False
            for clearing in desk.deliver():
                timeline.cleared(clearing)
            account = centre.inquire(result.medical.person)
        finally:
            centre.books.close()
    _show(result, account, account_of(bank, product), timeline, language, as_json=as_json)
    raise typer.Exit(_exit_code(result))


def _bank(place: Place, profile: Profile) -> Bank:
    try:
        return bank_of(profile)
    except ValueError as problem:
        place.give_up(f"{problem}; give a profile with both applications, such as ssc3-sm4", WRONG_USE)


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
    at_bank: Account,
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
    typer.echo(f"银行账 bank's books: 余额 balance {amount_text(at_bank.balance)}")


def _table(
    result: VisitResult,
    account: PersonAccount | None,
    at_bank: Account,
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
        "bank_balance": at_bank.balance,
        "steps": timeline.steps,
    }
