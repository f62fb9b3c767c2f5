"""``sscard read``: the card as the official middleware shows it; ``sscard call``: its operations by name (LD/T 6001.5)."""

from __future__ import annotations

import json
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

if TYPE_CHECKING:
    from conformance.actors.medical.middleware import Answer, Middleware
    from profiles.model import File, Profile

LONGEST_SHOWN = 96
CONTACT = 1
"""iType: the card's contacts."""
BASICS = (
    ("发卡地区行政区划代码", "area of issue"),
    ("社会保障号码", "social security number"),
    ("卡号", "card number"),
    ("卡的识别码", "identification code"),
    ("姓名", "name"),
    ("卡复位信息", "historical bytes of the ATR"),
    ("规范版本", "version of the specification"),
    ("发卡日期", "date of issue"),
    ("卡有效期", "date of expiry"),
    ("终端机编号", "terminal number"),
    ("终端设备号", "device number"),
)


def read(
    files: Annotated[
        str | None,
        typer.Argument(help="Files and elements in the grammar of iReadCard, such as 'SSSEEF05|07|$DF01EF05|20|$'."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Read every file of the product, and say of each why it does not open.")
    ] = False,
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
    """Print a card as the official middleware does: its base string (iReadCardBas), named files, or all of them.

    Exit code: 0 read, 1 card or PSAM refused, 2 wrong use, 3 the card or a reader was lost.
    """
    place = Place("read", profile, reader, sam_reader, hsm, in_process, expect_card, image, sam_image, pin)
    if everything and files is not None:
        place.give_up("--all names every file already; leave the files away", WRONG_USE)
    from conformance.actors.medical.middleware import Middleware

    with place.open() as opened:
        middleware = Middleware(opened)
        if everything:
            _print_everything(opened.cards, middleware, as_json)
            return
        if files is None:
            name, answer = "iReadCardBas", middleware.call("iReadCardBas", CONTACT)
        else:
            name, answer = "iReadCard", middleware.call("iReadCard", CONTACT, 0, "", files)
    if as_json or files is not None or answer[0]:
        _print_answer(name, answer, as_json)
    else:
        _print_basics(answer[1])
    raise typer.Exit(exit_code(answer[0]))


def call(
    operation: Annotated[str, typer.Argument(help="Name of the operation, such as iReadCardBas or iDoDebit.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(help="Its parameters in their order; those called iXxx are whole numbers.")
    ] = None,
    new_pin: Annotated[str | None, typer.Option(help="New PIN for iChangePIN and iReloadPIN.")] = None,
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
    """Carry out one operation of the official reader interface by its name; print its code and pOutInfo.

    Exit code: 0 good, 1 card or PSAM refused, 2 wrong use, 3 the card or a reader was lost.
    """
    place = Place("call", profile, reader, sam_reader, hsm, in_process, expect_card, image, sam_image, pin)
    from conformance.actors.medical.middleware import Middleware

    with place.open() as opened:
        middleware = Middleware(opened, new_pin=lambda: new_pin)
        if operation not in middleware.operations:
            there = ", ".join(middleware.operations)
            place.give_up(f"no operation {operation!r}; there are {there}", WRONG_USE)
        answer = middleware.call(operation, *_parameters(arguments or [str(CONTACT)]))
    _print_answer(operation, answer, as_json)
    raise typer.Exit(exit_code(answer[0]))


def exit_code(code: int) -> int:
    """The exit code for a code of the interface."""
    from conformance.actors.medical.middleware import Code

    if code in (Code.WRONG_KIND, Code.UNKNOWN_OPERATION, Code.WRONG_ARGUMENT, Code.PIN_LENGTH):
        return WRONG_USE
    if code == Code.NO_CARD:
        return BENCH_FAILED
    return REFUSED if code else 0


def _parameters(texts: list[str]) -> list[int | str]:
    """iType, and the iAuthType that follows where there is one, are whole numbers; everything else is text."""
    leading = 0
    while leading < min(len(texts), 2) and texts[leading].isascii() and texts[leading].isdigit():
        leading += 1
    return [int(text) if at < leading else text for at, text in enumerate(texts)]


def _print_answer(name: str, answer: Answer, as_json: bool) -> None:
    code, text = answer
    if as_json:
        row = {"operation": name, "code": code, "pOutInfo": text, "exit_code": exit_code(code)}
        typer.echo(json.dumps(row, ensure_ascii=False))
    else:
        typer.echo(f"{name} {code}\n{text}".rstrip())


def _print_basics(text: str) -> None:
    for (zh, en), value in zip(BASICS, text.split("|"), strict=False):
        typer.echo(f"{zh} {en}: {value}")
    typer.echo(f"\niReadCardBas 0\n{text}")


def _print_everything(profile: Profile, middleware: Middleware, as_json: bool) -> None:
    found = [
        _file(name, short, file, middleware)
        for name, directory in profile.directory.items()
        if directory.payment is None
        for short, file in directory.file.items()
        if short.startswith("EF")
    ]
    if as_json:
        typer.echo(json.dumps({"files": found}, ensure_ascii=False))
        return
    for row in found:
        typer.echo(f"{row['file']} {row['title']}" + (f": {row['code']} {row['message']}" if row["code"] else ""))
        for value in row["values"]:
            name = f"{value['tag']} {value['zh']} {value['en']}: " if value["tag"] else ""
            typer.echo(f"  {name}{_short(value['value'])}")


def _short(value: str) -> str:
    """A long value by its beginning and length."""
    shown = value[:LONGEST_SHOWN].rstrip()
    return value if len(value) <= LONGEST_SHOWN else f"{shown}… ({len(value)} characters)"


def _file(directory: str, short: str, file: File, middleware: Middleware) -> dict[str, Any]:
    from conformance.actors.medical.addresses import parse_values

    code, text = middleware.call("iReadCard", CONTACT, 0, "", f"{directory}{short}|$")
    values = parse_values(text)[0] if code == 0 else ()
    tags = file.elements if file.structure not in ("transparent", "cyclic") else ()
    return {
        "file": f"{directory}/{short}",
        "title": file.title.zh,
        "code": code,
        "message": "" if code == 0 else text,
        "values": [_value(tags[at] if at < len(tags) else "", value) for at, value in enumerate(values)],
    }


def _value(tag: str, value: str) -> dict[str, str]:
    from profiles.dictionary import element

    described = element(tag) if tag else None
    return {
        "tag": tag,
        "zh": described.zh if described else "",
        "en": described.en if described else "",
        "value": value,
    }
