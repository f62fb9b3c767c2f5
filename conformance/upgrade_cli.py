"""``sscard upgrade`` and ``sscard replace``: a new card in the place of an old one, at bank and insurance centre."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from conformance.card_place import open_card
from conformance.station_cli import (
    AsJson,
    AuthoritySocket,
    Blank,
    BooksFile,
    ExpectChip,
    Image,
    JournalFile,
    KeysSocket,
    Number,
    OrderFile,
    ProfileName,
    Reader,
    Serial,
    TransportKey,
)
from conformance.station_desk import INTERRUPTED, NOT_ISSUED, WRONG_USE, Desk
from conformance.station_request import View, carry_out, read_order, require_kind
from conformance.timeline_option import TimelineFile

if TYPE_CHECKING:
    from conformance.actors.station import OldChip
    from conformance.demo.upgrade import Shown
    from conformance.targets.slots import Slots

MaybeOrder = Annotated[
    Path | None,
    typer.Argument(metavar="[ORDER]", help="Order (制卡数据) with the account number; absent with --demo."),
]
BankFile = Annotated[
    Path, typer.Option("--bank", help="The bank's books, a SQLite file, or the socket of `sscard serve bank`.")
]
MaybeJournal = Annotated[Path | None, typer.Option("--journal", help="The station's journal, a SQLite file.")]
MaybeBooks = Annotated[
    Path | None,
    typer.Option(
        "--books", help="The insurance centre's books, a SQLite file, or the socket of `sscard serve centre`."
    ),
]
MaybeBank = Annotated[
    Path | None, typer.Option("--bank", help="The bank's books, a SQLite file, or the socket of `sscard serve bank`.")
]
NewPin = Annotated[
    str | None,
    typer.Option("--new-pin", help="PIN of social security that the holder chooses in place of the initial one."),
]
OldImage = Annotated[Path | None, typer.Option("--old-image", help="The old card, a virtual one, in this file.")]
OldReader = Annotated[
    str | None, typer.Option("--old-reader", help="The old card in this PC/SC reader or slot (name or a part of it).")
]
OldPin = Annotated[
    str | None, typer.Option("--old-pin", help="PIN of the old card's bank application, checked on line.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the interrupted request of this order.")]
BANK_CARD = "debit"


class ReplaceKind(StrEnum):
    """Kinds of replacement."""

    same = "same-number"
    different = "different-number"
    generation = "generation"


@dataclass(frozen=True, slots=True)
class _Old:
    """The old card of a request."""

    image: Path | None
    reader: str | None
    pin: str | None
    profile: str
    bank_card: bool
    given_profile: str | None = None
    """What ``--old-profile`` said."""

    @property
    def again(self) -> tuple[str, ...]:
        """The options by which the old card is named again."""
        given = ("--old-image", self.image), ("--old-reader", self.reader), ("--old-profile", self.given_profile)
        return tuple(str(each) for name, value in given if value is not None for each in (name, value))

    @contextmanager
    def chip(self, desk: Desk) -> Iterator[OldChip | None]:
        """The old card in its reader; None where none is given."""
        from conformance.actors.station import OldChip
        from conformance.failures import BenchError
        from profiles import ProfileError, load

        if self.image is None and self.reader is None:
            yield None
            return
        if self.image is not None and self.reader is not None:
            desk.give_up("give --old-image FILE or --old-reader NAME, not both")
        if self.image is not None and not self.image.exists():
            desk.give_up(f"{self.image}: no such image of an old card")
        try:
            product = load(self.profile)
        except ProfileError as problem:
            desk.give_up(str(problem))
        target = open_card(product, self.image, self.reader, desk.give_up)
        try:
            target.connect()
            yield OldChip(target, lambda: self.pin, None if self.bank_card else product)
        except BenchError as problem:
            desk.give_up(str(problem), INTERRUPTED)
        finally:
            target.close()


def upgrade(
    *,
    order: MaybeOrder = None,
    journal: MaybeJournal = None,
    books: MaybeBooks = None,
    bank: MaybeBank = None,
    new_pin: NewPin = None,
    image: Image = None,
    serial: Serial = None,
    reader: Reader = None,
    expect_chip: ExpectChip = None,
    old_image: OldImage = None,
    old_reader: OldReader = None,
    old_pin: OldPin = None,
    number: Number = None,
    profile: ProfileName = "ssc3-sm4",
    blank: Blank = None,
    keys: KeysSocket = None,
    authority: AuthoritySocket = None,
    transport_key: TransportKey = None,
    resume: Resume = False,
    timeline: TimelineFile = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Show every promise of the service with an invented person's cards.")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the books and the result of --demo.")] = None,
    in_process: Annotated[bool, typer.Option("--in-process", help="Run --demo without PC/SC readers.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a social security card of a bank card, with the same card number (同号升级).

    The holder is verified on line by the old card and its PIN; one switch at the bank ends the old card and puts the new one into
    use. Until then a request that is given up leaves all as it was. With --demo an invented bank card is upgraded in PC/SC
    readers of its own, and each promise of the service is printed with what was shown of it.

    Exit code: 0 issued or shown, 1 not issued, the chip destroyed or a promise not kept, 2 wrong use, 3 interrupted: go on with
    --resume.
    """
    given = (order, journal, books, bank, new_pin)
    if demo:
        if any(each is not None for each in (*given, image, reader, old_image, old_reader)) or resume:
            _give_up("--demo brings its own cards and books; give --out, --in-process and --json alone")
        _demonstrate(out, in_process, as_json)
    if out is not None or in_process:
        _give_up("--out and --in-process belong to --demo")
    if order is None or journal is None or books is None or bank is None or new_pin is None:
        _give_up("give ORDER, --journal, --books, --bank and --new-pin, or --demo")
    desk = Desk(
        *("upgrade", profile, blank, journal, books, image, reader, expect_chip, None if resume else serial),
        bank=bank,
        keys=keys,
        authority=authority,
        transport_key=transport_key,
    )
    old = _Old(old_image, old_reader, old_pin, BANK_CARD, bank_card=True)
    _work(desk, order, number, new_pin, "upgrade", old, timeline, resume, as_json)


def replace_card(
    *,
    order: OrderFile,
    journal: JournalFile,
    books: BooksFile,
    bank: BankFile,
    new_pin: Annotated[str, typer.Option("--new-pin", help="PIN that the holder chooses in place of the initial one.")],
    kind: Annotated[ReplaceKind, typer.Option("--kind", help="Same number, another number, or a new generation.")] = (
        ReplaceKind.same
    ),
    image: Image = None,
    serial: Serial = None,
    reader: Reader = None,
    expect_chip: ExpectChip = None,
    old_image: OldImage = None,
    old_reader: OldReader = None,
    old_pin: OldPin = None,
    old_profile: Annotated[
        str | None, typer.Option("--old-profile", help="Product of the old card; absent: as --profile, or ssc2-3des.")
    ] = None,
    number: Number = None,
    profile: ProfileName = "ssc3-sm4",
    blank: Blank = None,
    keys: KeysSocket = None,
    authority: AuthoritySocket = None,
    transport_key: TransportKey = None,
    resume: Resume = False,
    timeline: TimelineFile = None,
    as_json: AsJson = False,
) -> None:
    """Replace a social security card (换卡、补卡): the old identification is cancelled by the act that activates the new one.

    The order says where the old card is: present, damaged or lost; of one that is not present the identity check alone counts,
    and a lost one is off at once. With another number (异号换卡) the order names the new account number.

    Exit code: 0 issued, 1 not issued or the chip destroyed, 2 wrong use, 3 interrupted: go on with --resume.
    """
    kinds = {ReplaceKind.same: "replacement", ReplaceKind.different: "different number"}
    desk = Desk(
        *("replace", profile, blank, journal, books, image, reader, expect_chip, None if resume else serial),
        bank=bank,
        keys=keys,
        authority=authority,
        transport_key=transport_key,
    )
    former = old_profile or ("ssc2-3des" if kind is ReplaceKind.generation else profile)
    old = _Old(old_image, old_reader, old_pin, former, bank_card=False, given_profile=old_profile)
    name = kinds.get(kind, "generation change")
    _work(desk, order, number, new_pin, name, old, timeline, resume, as_json, "--kind", kind.value)


def _give_up(sentence: str, code: int = WRONG_USE) -> NoReturn:
    typer.echo(f"sscard upgrade: {sentence}", err=True)
    raise typer.Exit(code)


def _work(
    desk: Desk,
    path: Path,
    number: str | None,
    new_pin: str,
    kind: str,
    old: _Old,
    timeline: Path | None,
    resume: bool,
    as_json: bool,
    *more: str,
) -> NoReturn:
    """Make the new card; ``more`` are options of the command that say how an interrupted request goes on."""
    from conformance.actors.station import Kind

    if desk.image is not None and old.image is not None and desk.image.resolve() == old.image.resolve():
        desk.give_up("--image is the new chip and --old-image the old card; name two files")
    order = replace(read_order(desk, path, number), kind=Kind(kind))
    row = ("--number", number) if number else ()
    if resume:
        desk.require_books()
        require_kind(desk, order, path, *row)
    again = (desk.command, path, *row, "--resume", *old.again, *more)
    carry_out(desk, order, new_pin, again, timeline, resume=resume, as_json=as_json, old=old.chip(desk))


# The demonstration


def _demonstrate(out: Path | None, in_process: bool, as_json: bool) -> NoReturn:
    from conformance.demo.upgrade import SLOTS, Demonstration
    from conformance.failures import BenchError
    from conformance.targets.slots import Slots, open_slots

    if out is not None:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            _give_up(f"{out}: cannot be made ({problem.strerror}); name another folder")
        if any(out.iterdir()):
            _give_up(f"{out}: the folder is not empty; name a new one")

    def tell(zh: str, en: str) -> None:
        typer.echo(f"sscard upgrade: {zh} · {en}", err=True)

    slots: Slots = Slots() if in_process else open_slots(SLOTS, tell)
    with slots:
        demonstration = Demonstration(slots, View(as_json).tell, out)
        try:
            shown = demonstration.run()
        except BenchError as problem:
            _give_up(f"the bench failed: {problem}", INTERRUPTED)
        finally:
            demonstration.close()
    table = shown.table()
    if out is not None:
        (out / "upgrade.json").write_text(json.dumps(table, ensure_ascii=False, indent=1) + "\n", "utf-8")
    if as_json:
        typer.echo(json.dumps(table, ensure_ascii=False))
    else:
        _print_promises(shown)
    raise typer.Exit(0 if shown.promises.kept else NOT_ISSUED)


def _print_promises(shown: Shown) -> None:
    typer.echo(f"\n服务承诺 promises（卡片经 {shown.link}）")
    for promise in shown.promises.all():
        typer.echo(f"{'✓' if promise.kept else '✗'} {promise.zh} {promise.en}")
        for check in promise.checks:
            typer.echo(f"    {'✓' if check.good else '✗'} {check.zh} · {check.en}")
