"""``sscard settle medical`` and ``load``: a bill settled with card, PSAM and insurance centre, told step by step."""

from __future__ import annotations

import json
import re
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
from conformance.settle_programs import ModeName, Timeline, centre_of, require_new, station_of, terminal_of

if TYPE_CHECKING:
    from conformance.actors.medical.account_load import LoadResult
    from conformance.actors.medical.centre import Centre
    from conformance.actors.medical.messages import PersonAccount
    from conformance.actors.medical.reader import CardReader
    from conformance.actors.medical.visit import Result, Visit
    from conformance.actors.outbox import Keeper

LARGEST_BILL = 0xFFFFFFFF


class LanguageName(StrEnum):
    """Languages of the slip."""

    zh = "zh"
    en = "en"


class CategoryName(StrEnum):
    """What is settled."""

    ordinary = "ordinary"
    work_injury = "work-injury"
    maternity = "maternity"
    medical_assistance = "medical-assistance"
    other = "other"


Total = Annotated[str, typer.Option(help="The whole bill, such as 200.00.")]
Eligible = Annotated[
    str | None, typer.Option(help="What of it lies within the insurance's list (政策范围内); absent: all.")
]
CategoryOption = Annotated[
    CategoryName, typer.Option(help="What is settled; all but ordinary are also noted in DF04/EF15.")
]
UseAccount = Annotated[
    bool, typer.Option("--account/--no-account", help="Whether the personal account (个人账户) pays what it can.")
]
ModeOption = Annotated[
    ModeName,
    typer.Option(
        help="How the area settles: on line, on line with temporary offline (临时脱网), or off line from the card (脱网)."
    ),
]
LineDown = Annotated[bool, typer.Option("--line-down", help="The centre cannot be reached during the settlement.")]
LanguageOption = Annotated[LanguageName, typer.Option(help="Language of the slip.")]
Books = Annotated[
    Path | None,
    typer.Option("--books", help="Keep the centre's books in this SQLite file from one call to the next."),
]
Number = Annotated[str | None, typer.Option("--number", help="Number of the settlement; absent: made of the time.")]


def medical(
    total: Total,
    eligible: Eligible = None,
    category: CategoryOption = CategoryName.ordinary,
    use_account: UseAccount = True,
    mode: ModeOption = ModeName.online,
    line_down: LineDown = False,
    books: Books = None,
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
    """Settle one medical bill; print its steps with their time, and the slip.

    The centre insures the holder of the card and knows the test keys of the product. Exit code: 0 settled, 1 not settled,
    2 wrong use, 3 the card or a reader was lost.
    """
    place = Place("settle medical", profile, reader, sam_reader, hsm, in_process, expect_card, image, sam_image, pin)
    visit = visit_of(place, number, total, eligible, category, use_account)
    with outbox_at(outbox, books, "--books", place.give_up) as kept, place.open() as opened:
        timeline = Timeline(as_json)
        centre = centre_of(place, opened, mode, books)
        try:
            result = _settled(place, opened, centre, visit, timeline, kept, line_down=line_down)
            account = centre.inquire(result.person)
        finally:
            centre.books.close()
    if as_json:
        typer.echo(json.dumps(table_of(result, account, timeline, language), ensure_ascii=False))
    else:
        _print_end(result, account, language)
    raise typer.Exit(exit_code(result))


def load(
    amount: Annotated[str, typer.Option(help="What of the personal account goes onto the card, such as 100.00.")],
    books: Books = None,
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
    as_json: AsJson = False,
) -> None:
    """Load an amount of the personal account onto the card (账户划入), from which `settle medical --mode offline` pays.

    Exit code: 0 loaded, 1 not loaded, 2 wrong use, 3 the card or a reader was lost.
    """
    place = Place("settle load", profile, reader, sam_reader, hsm, in_process, expect_card, image, sam_image, pin)
    fen, name = _amount(place, "--amount", amount), _number(place, number)
    with outbox_at(outbox, books, "--books", place.give_up) as kept, place.open() as opened:
        centre = centre_of(place, opened, ModeName.offline, books)
        try:
            terminal, _ = terminal_of(opened, centre, Timeline(as_json), kept, line_down=False)
            station = station_of(terminal, kept)
            terminal.deliver()
            station.deliver()
            result = station.load(name, fen)
        finally:
            centre.books.close()
    code = 0 if result.loaded else BENCH_FAILED if result.card_lost else REFUSED
    if as_json:
        row = {
            "loaded": result.loaded,
            "exit_code": code,
            "reason": {"zh": result.zh, "en": result.en, "sw": f"{result.sw:04X}" if result.sw else ""},
            "number": result.number,
            "amount": result.amount,
            "balance": result.balance,
            "tac": result.tac.hex().upper(),
        }
        typer.echo(json.dumps(row, ensure_ascii=False))
    else:
        _print_load(result)
    raise typer.Exit(code)


def _print_load(result: LoadResult) -> None:
    from conformance.actors.medical.bill import amount_text

    if result.loaded:
        tac = result.tac.hex().upper()
        typer.echo(
            f"已划入 loaded {amount_text(result.amount)}，卡内余额 balance {amount_text(result.balance)}，TAC {tac}"
        )
    else:
        sw = f" {result.sw:04X}" if result.sw else ""
        typer.echo(f"未划入 not loaded: {result.zh} · {result.en}{sw}")


def _number(place: Place, number: str | None) -> str:
    if number is not None and not re.fullmatch("[0-9A-Za-z-]{1,32}", number):
        place.give_up(f"--number {number!r} is not one to thirty-two letters, digits and hyphens", WRONG_USE)
    return number or f"{datetime.now().astimezone():%Y%m%d%H%M%S%f}"


def _amount(place: Place, name: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,8}(\.[0-9]{1,2})?", text):
        place.give_up(f"{name} {text!r} is no amount; write it such as 12.34", WRONG_USE)
    whole, _, part = text.partition(".")
    amount = int(whole) * 100 + int(part.ljust(2, "0"))
    if amount > LARGEST_BILL:
        place.give_up(f"{name} {text} is more than a card can count: 42949672.95", WRONG_USE)
    return amount


def visit_of(
    place: Place, number: str | None, total: str, eligible: str | None, category: CategoryName, use_account: bool
) -> Visit:
    """The visit that the options describe; ends the command where they do not fit."""
    from conformance.actors.medical.messages import Category
    from conformance.actors.medical.visit import Visit

    name = _number(place, number)
    now, whole = datetime.now().astimezone(), _amount(place, "--total", total)
    within = None if eligible is None else _amount(place, "--eligible", eligible)
    if within is not None and within > whole:
        place.give_up("--eligible is a part of --total and cannot be more", WRONG_USE)
    kind = Category[category.name.upper()]
    return Visit(name, whole, within, kind, use_account, now)


def _settled(
    place: Place,
    reader: CardReader,
    centre: Centre,
    visit: Visit,
    timeline: Timeline,
    outbox: Keeper,
    *,
    line_down: bool,
) -> Result:
    """What waits is delivered, then the settlement; afterwards the line is there again, and what waits is delivered."""
    terminal, line = terminal_of(reader, centre, timeline, outbox, line_down=line_down)
    station = station_of(terminal, outbox)
    station.deliver()
    for clearing in terminal.deliver():
        timeline.cleared(clearing)
    require_new(place, centre, line, visit.number)
    before = set(terminal.resolved)
    result = terminal.settle(visit)
    for number in terminal.resolved.keys() - before:
        timeline.left(terminal.resolved[number])
    line.down = False
    station.deliver()
    for clearing in terminal.deliver():
        timeline.cleared(clearing)
    return result


def exit_code(result: Result) -> int:
    """0 settled, 1 not settled, 3 the card was lost."""
    if result.outcome.good:
        return 0
    return BENCH_FAILED if result.card_lost else REFUSED


def _print_end(result: Result, account: PersonAccount | None, language: LanguageName) -> None:
    from conformance.actors.medical.bill import bill
    from conformance.actors.slip import Language

    typer.echo("")
    typer.echo(bill(result, Language(language.value)), nl=False)
    print_books(account)


def print_books(account: PersonAccount | None) -> None:
    """What the centre's books say of the person."""
    from conformance.actors.medical.bill import amount_text

    if account is not None:
        texts = [amount_text(each) for each in (account.balance, account.own_year, account.fund_year)]
        typer.echo(f"\n中心账 centre's books {account.year}: 个人账户 account {texts[0]}", nl=False)
        typer.echo(f"，年度个人支付 paid by the person {texts[1]}，年度统筹 fund {texts[2]}")


def table_of(
    result: Result, account: PersonAccount | None, timeline: Timeline, language: LanguageName
) -> dict[str, Any]:
    """The result as JSON shows it."""
    from conformance.actors.medical.bill import bill
    from conformance.actors.slip import Language

    quote, settlement = result.quote, result.settlement
    return {
        "outcome": result.outcome.name.lower(),
        "exit_code": exit_code(result),
        "reason": {"zh": result.zh, "en": result.en, "sw": f"{result.sw:04X}" if result.sw else ""},
        "number": result.visit.number,
        "total": result.visit.total,
        "shares": quote and {"fund": quote.fund, "account": quote.account, "own": quote.own},
        "category": result.visit.category.name.lower().replace("_", "-"),
        "area": result.area,
        "card_amounts": settlement and settlement.amounts.hex().upper(),
        "card_number": settlement and settlement.number.hex().upper(),
        "terminal": settlement and settlement.terminal.hex(),
        "terminal_number": settlement and settlement.terminal_number.hex().upper(),
        "tac": result.tac.hex().upper(),
        "written_back": result.written_back,
        "books": account
        and {
            "year": account.year,
            "account": account.balance,
            "own": account.own_year,
            "fund": account.fund_year,
        },
        "steps": timeline.steps,
        "receipt": bill(result, Language(language.value)),
    }
