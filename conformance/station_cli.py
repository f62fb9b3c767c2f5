"""``sscard issue`` and ``sscard station``: first issuance 即时制卡 of a card."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from conformance.face_option import FaceFile
from conformance.host_option import socket_of
from conformance.station_desk import INTERRUPTED, WRONG_USE, Desk
from conformance.station_request import View, carry_out, print_outcome, read_order, require_kind
from conformance.timeline_option import TimelineFile

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
)


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

    Exit code: 0 issued, 1 the chip is destroyed, or the request is none to go on with, 2 wrong use, 3 interrupted again, or
    another chip in the reader.
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
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="Number of the request.")],
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
    desk.require_books()
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
    if not rows:
        typer.echo("无未完成的申请 no open requests")
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
) -> NoReturn:
    order = read_order(desk, path, number)
    row = ("--number", number) if number else ()
    if resume:
        desk.require_books()
        require_kind(desk, order, path, *row)
    desk.check_bank(order.former.account, bank_pin)
    again = ("station", "resume", path, *row)
    carry_out(desk, order, new_pin, again, timeline, resume=resume, as_json=as_json, bank_pin=bank_pin or "")
