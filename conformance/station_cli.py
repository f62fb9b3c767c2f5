"""``sscard issue`` and ``sscard station``: first issuance 即时制卡 of a card."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from conformance.face_option import FaceFile, FacePrinter
from conformance.host_option import socket_of
from conformance.station_desk import INTERRUPTED, NOT_ISSUED, WRONG_USE, Desk
from conformance.timeline_option import TimelineFile, draw, print_sum, table, unusable

if TYPE_CHECKING:
    from conformance.actors.station import Order, Outcome, Told

OrderFile = Annotated[
    Path, typer.Argument(metavar="ORDER", help="Order (制卡数据): a TOML file, or a CSV file with --number.")
]
JournalFile = Annotated[
    Path, typer.Option("--journal", help="The station's journal, a SQLite file; made when it is missing.")
]
BooksFile = Annotated[
    Path,
    typer.Option(
        "--books", help="The insurance centre's books, a SQLite file, or the socket of `sscard serve centre`."
    ),
]
MaybeOrderFile = Annotated[
    Path | None, typer.Argument(metavar="ORDER", help="Order (制卡数据): a TOML file, or a CSV file with --number.")
]
BatchFile = Annotated[Path | None, typer.Option("--batch", help="Issue a card for every row of this CSV file.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder of the batch: cards, PIN letters, results.")]
FacesKind = Annotated[str | None, typer.Option("--faces", help="Print the faces of the batch, too: svg or png.")]
MaybeNewPin = Annotated[
    str | None, typer.Option("--new-pin", help="PIN that the holder chooses in place of the initial one.")
]
NewPin = Annotated[str, typer.Option("--new-pin", help="PIN that the holder chooses in place of the initial one.")]
Image = Annotated[
    Path | None, typer.Option("--image", help="The virtual chip in this file; a blank one is made when it is missing.")
]
Serial = Annotated[
    str | None, typer.Option("--serial", help="Serial number of a virtual chip that is made: eight hexadecimal digits.")
]
Reader = Annotated[str | None, typer.Option("--reader", help="The chip in this PC/SC reader (name or a part of it).")]
ExpectChip = Annotated[
    str | None,
    typer.Option(
        "--expect-chip", help="Last eight historical bytes of the chip, or their beginning; needed with --reader."
    ),
]
Number = Annotated[str | None, typer.Option("--number", help="Number of the request in a CSV file.")]
ProfileName = Annotated[str, typer.Option("--profile", help="Card product by name, or a profile file (TOML).")]
Blank = Annotated[
    str | None,
    typer.Option("--blank", help="Product of the blank chip; absent: ssc3-blank or ssc2-blank, as the card needs it."),
]
BankFile = Annotated[
    Path | None, typer.Option("--bank", help="The bank's books, a SQLite file, or the socket of `sscard serve bank`.")
]
MaybeNewBank = Annotated[
    Path | None,
    typer.Option(
        "--bank",
        help="The bank's books, a SQLite file, made when it is missing, or the socket of `sscard serve bank`; absent: the "
        "bank's application waits on.",
    ),
]
BankPin = Annotated[
    str | None, typer.Option("--bank-pin", help="PIN that the holder chooses for the bank's application; with --bank.")
]
KeysSocket = Annotated[
    Path | None, typer.Option("--keys", help="Socket of `sscard serve keys`; absent: the test keys of the products.")
]
AuthoritySocket = Annotated[
    Path | None,
    typer.Option("--authority", help="Socket of `sscard serve authority`; absent: the published test authority."),
]
TransportKey = Annotated[
    str | None,
    typer.Option(
        "--transport-key",
        help="Key under which a bank behind a socket gives card data (env:VARIABLE or file:PATH).",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")]

app = typer.Typer(
    help="制卡设备：恢复、作废、流水。Go on with interrupted issuances of the station, or give their chips up.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class View:
    """Prints each step as it ends."""

    def __init__(self, silent: bool) -> None:
        self._silent = silent
        self._begin = time.perf_counter()

    def tell(self, told: Told) -> None:
        """Print what is told of a step."""
        if self._silent:
            return
        seconds = time.perf_counter() - self._begin
        name = f"{told.step.zh} {told.step.en}"
        if told.done:
            chip = f"{told.chip_seconds:.3f} s, {told.commands} APDU"
            typer.echo(f"{seconds:7.3f} s  ✓ {name}（芯片 chip {chip}）")
        else:
            typer.echo(f"{seconds:7.3f} s  … {name}")


def issue(
    *,
    order: MaybeOrderFile = None,
    journal: JournalFile,
    books: BooksFile,
    new_pin: MaybeNewPin = None,
    image: Image = None,
    serial: Serial = None,
    reader: Reader = None,
    expect_chip: ExpectChip = None,
    number: Number = None,
    bank: MaybeNewBank = None,
    bank_pin: BankPin = None,
    profile: ProfileName = "ssc3-sm4",
    blank: Blank = None,
    face: FaceFile = None,
    batch: BatchFile = None,
    out: Out = None,
    faces: FacesKind = None,
    timeline: TimelineFile = None,
    keys: KeysSocket = None,
    authority: AuthoritySocket = None,
    transport_key: TransportKey = None,
    as_json: AsJson = False,
) -> None:
    """Issue a card from a blank chip (即时制卡): social security, certificates, the bank's application, register, activation, first PIN.

    The holder's data are judged before the chip is touched. A request that was carried out is not carried out again.
    With --batch a card is issued for every row of a CSV file, into the folder --out; the same command goes on with an
    interrupted batch. Exit code of a batch: 0 every row has a card, 1 not every row, 2 wrong use or file, 3 interrupted.

    Exit code: 0 issued, 1 not issued or the chip destroyed, 2 wrong use, 3 interrupted: go on with `sscard station resume`.
    """
    desk = Desk(
        *("issue", profile, blank, journal, books, image, reader, expect_chip, serial, face, bank),
        bank_may_be_new=True,
        keys=keys,
        authority=authority,
        transport_key=transport_key,
    )
    if batch is not None or out is not None or faces is not None:
        if batch is None or out is None:
            desk.give_up("a batch needs --batch FILE and --out FOLDER")
        alone = (order, new_pin, image, serial, reader, expect_chip, number, face, timeline, bank_pin)
        hosts = (keys, authority, transport_key)
        if any(each is not None for each in (*alone, *hosts)):
            desk.give_up(
                "--batch goes with --out, --journal, --books, --bank, --profile, --blank, --faces and --json alone"
            )
        if any(place is not None and socket_of(place) is not None for place in (books, bank)):
            desk.give_up("a batch works with the books of centre and bank in files, not with sockets")
        from conformance.batch_cli import issue_batch

        issue_batch(desk, batch, out, faces, as_json)
    if order is None or new_pin is None:
        desk.give_up("give an ORDER and --new-pin, or --batch FILE and --out FOLDER")
    _work(desk, order, number, new_pin, bank_pin, as_json, timeline, resume=False)


@app.command("resume", short_help="Go on with an interrupted issuance.")
def resume(
    order: OrderFile,
    journal: JournalFile,
    books: BooksFile,
    new_pin: NewPin,
    image: Image = None,
    reader: Reader = None,
    expect_chip: ExpectChip = None,
    number: Number = None,
    bank: BankFile = None,
    bank_pin: BankPin = None,
    profile: ProfileName = "ssc3-sm4",
    blank: Blank = None,
    face: FaceFile = None,
    timeline: TimelineFile = None,
    keys: KeysSocket = None,
    authority: AuthoritySocket = None,
    transport_key: TransportKey = None,
    as_json: AsJson = False,
) -> None:
    """Go on with an interrupted request, its order and its chip: the card is finished, or the chip declared destroyed.

    Exit code: 0 issued, 1 the chip is destroyed, 2 wrong use, 3 interrupted again, or another chip in the reader.
    """
    desk = Desk(
        *("station resume", profile, blank, journal, books, image, reader, expect_chip),
        face=face,
        bank=bank,
        keys=keys,
        authority=authority,
        transport_key=transport_key,
    )
    if image is not None and not image.exists():
        desk.give_up(f"{image}: no such image; name that of the interrupted request")
    _work(desk, order, number, new_pin, bank_pin, as_json, timeline, resume=True)


@app.command("destroy", short_help="Give the chip of an open request up.")
def destroy(
    number: Annotated[str, typer.Argument(help="Number of the request.")],
    journal: JournalFile,
    books: BooksFile,
    reason: Annotated[str, typer.Option(help="Why the chip cannot be finished; the journal keeps it.")],
    bank: BankFile = None,
    profile: ProfileName = "ssc3-sm4",
    blank: Blank = None,
    keys: KeysSocket = None,
    authority: AuthoritySocket = None,
    transport_key: TransportKey = None,
    as_json: AsJson = False,
) -> None:
    """Declare the chip of an open request destroyed; the centre cancels its card, and with --bank the bank takes back its own.

    Exit code: 0 done, 2 wrong use or no such open request, 3 the books of centre or bank cannot be used.
    """
    from conformance.actors.station import Ending

    desk = Desk(
        *("station destroy", profile, blank, journal, books),
        bank=bank,
        keys=keys,
        authority=authority,
        transport_key=transport_key,
    )
    with desk.station(View(as_json).tell) as station:
        outcome = station.destroy(number, reason)
    codes = {Ending.DESTROYED: 0, Ending.INTERRUPTED: INTERRUPTED}
    code = codes.get(outcome.ending, WRONG_USE)
    print_outcome(outcome, code, as_json)
    raise typer.Exit(code)


@app.command("list", short_help="List the open requests.")
def open_requests(journal: JournalFile, as_json: AsJson = False) -> None:
    """List the requests of the journal that neither completed nor lost their chip.

    Exit code: 0 listed, 2 wrong use.
    """
    from conformance.actors.station import Journal, JournalError

    if not journal.exists():
        typer.echo(f"sscard station list: {journal}: no such journal", err=True)
        raise typer.Exit(WRONG_USE)
    try:
        with closing(Journal(journal)) as opened:
            found = opened.open_requests()
    except (JournalError, sqlite3.Error) as problem:
        typer.echo(f"sscard station list: {problem}", err=True)
        raise typer.Exit(WRONG_USE) from None
    rows = [
        {"number": each.number, "product": each.product, "atr": each.atr, "card": each.card, "runs": each.attempts}
        for each in found
    ]
    if as_json:
        typer.echo(json.dumps({"open": rows}))
        return
    for row in rows:
        typer.echo("  ".join(str(value) for value in row.values()))


def _work(
    desk: Desk,
    path: Path,
    number: str | None,
    new_pin: str,
    bank_pin: str | None,
    as_json: bool,
    timeline: Path | None,
    *,
    resume: bool,
) -> None:
    desk.check(new_pin)
    if timeline and (complaint := unusable(timeline)):
        desk.give_up(complaint)
    order = read_order(desk, path, number)
    desk.check_bank(order.former.account, bank_pin)
    product, _ = desk.products()
    if new_pin in {pin.value for pin in product.directory["SSSE"].pin.values()}:
        desk.give_up("--new-pin is the initial PIN; the holder must choose another one")
    with (
        desk.station(View(as_json).tell) as station,
        desk.image_of_request() as request,
        desk.chip(station.blank) as target,
    ):
        act = station.resume if resume else station.issue
        outcome = request.ended(lambda: act(order, target, new_pin, bank_pin=bank_pin or ""))
    code = exit_code(outcome)
    print_outcome(outcome, code, as_json, station.equipment.printer)
    if code == INTERRUPTED:
        tell_again(desk, outcome, "station", "resume", path, *(("--number", number) if number else ()))
    if timeline and outcome.steps and not code:
        draw(outcome, timeline, silent=as_json)
    raise typer.Exit(code)


def read_order(desk: Desk, path: Path, number: str | None) -> Order:
    """The order in a file; a wrong one ends the command."""
    from conformance.actors.station import OrderError, load_order

    try:
        return load_order(path, number)
    except OrderError as problem:
        desk.give_up(str(problem))


def exit_code(outcome: Outcome) -> int:
    """The exit code for the ending of an issuance."""
    from conformance.actors.station import Ending

    if outcome.unreachable:
        return INTERRUPTED
    return {Ending.COMPLETED: 0, Ending.INTERRUPTED: INTERRUPTED}.get(outcome.ending, NOT_ISSUED)


def tell_again(desk: Desk, outcome: Outcome, *command: str | Path) -> None:
    """Say on the error output how an interrupted request goes on; one that has not begun is begun again."""
    if outcome.unreachable:
        typer.echo(f"sscard {desk.command}: {outcome.en}; nothing has begun: start the same command again", err=True)
    else:
        typer.echo(f"sscard {desk.command}: {outcome.en}; go on, with the same PINs: {desk.again(*command)}", err=True)


def print_outcome(outcome: Outcome, code: int, as_json: bool, printer: object = None) -> None:
    """Print how an issuance ended, and its timeline."""
    face = (
        printer
        if isinstance(printer, FacePrinter) and any(step.step.name == "PRINT" for step in outcome.steps)
        else None
    )
    if as_json:
        typer.echo(json.dumps({**_table(outcome, code), "face": face and face.table}, ensure_ascii=False))
        return
    typer.echo(f"\n{outcome.ending.zh} {outcome.ending.en}: {outcome.zh} · {outcome.en}")
    if outcome.returned is not None:
        returned = outcome.returned
        number = f"，主账号 account {returned.bank_number}" if returned.bank_number else ""
        typer.echo(
            f"卡的识别码 card {returned.card}，规范版本 version {returned.version}，持卡人 person {returned.person}{number}"
        )
    for zh, en in outcome.notes:
        typer.echo(f"注意 note: {zh} · {en}")
    if face is not None:
        typer.echo(f"卡面 face: {face.files[0]}, {face.files[1]}")
        if face.warning:
            typer.echo(f"sscard: {face.warning}", err=True)
    if outcome.steps and not code:
        print_sum(outcome)


def _table(outcome: Outcome, code: int) -> dict[str, Any]:
    return {
        "ending": outcome.ending.name.lower(),
        "exit_code": code,
        "reason": {"zh": outcome.zh, "en": outcome.en},
        "return": outcome.returned and asdict(outcome.returned),
        "steps": [
            {
                "step": told.step.en,
                "zh": told.step.zh,
                "seconds": round(told.seconds, 4),
                "chip_seconds": round(told.chip_seconds, 4),
                "commands": told.commands,
            }
            for told in outcome.steps
        ],
        "notes": [{"zh": zh, "en": en} for zh, en in outcome.notes],
        "timeline": table(outcome),
    }
