"""``sscard read``: the card as the official middleware shows it; ``sscard call``: its operations by name (LD/T 6001.5)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

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
    from conformance.actors.medical.codes import Answer
    from conformance.actors.medical.middleware import Middleware
    from profiles.model import File, Profile

LONGEST_SHOWN = 96
SHORT_NUMBER = re.compile("[0-9]{1,9}")
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
            found = _everything(opened.cards, middleware)
            _print_everything(found, as_json)
            lost = any(exit_code(row["code"]) == BENCH_FAILED for row in found)
            raise typer.Exit(BENCH_FAILED if lost else 0)
        if files is None:
            name, answer = "iReadCardBas", middleware.call("iReadCardBas", CONTACT)
        else:
            name, answer = "iReadCard", middleware.call("iReadCard", CONTACT, 0, "", files)
    if as_json or files is not None or answer[0]:
        _print_answer(name, answer, as_json)
        _print_problem(place, middleware)
    else:
        _print_basics(answer[1])
    raise typer.Exit(exit_code(answer[0]))


def call(
    operation: Annotated[str, typer.Argument(help="Name of the operation, such as iReadCardBas or iDoDebit.")],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(help="Its parameters in their order but pOutInfo; those called iXxx are whole numbers."),
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

    With --hsm, the steps that follow a …_HSM_Step1 are carried out as well, with what the test HSM answers.

    Exit code: 0 good, 1 card or PSAM refused, 2 wrong use, 3 the card or a reader was lost.
    """
    place = Place("call", profile, reader, sam_reader, hsm, in_process, expect_card, image, sam_image, pin)
    from conformance.actors.medical.hsm import HsmRefused
    from conformance.actors.medical.middleware import Middleware

    with place.open() as opened:
        middleware = Middleware(opened, new_pin=lambda: new_pin)
        if operation not in middleware.operations:
            there = ", ".join(middleware.operations)
            place.give_up(f"no operation {operation!r}; there are {there}", WRONG_USE)
        given = _parameters(middleware.parameters(operation), arguments or [str(CONTACT)])
        try:
            done = (
                _carry_out(middleware, operation, given)
                if hsm
                else [Done(operation, middleware.call(operation, *given))]
            )
        except HsmRefused as refused:
            place.give_up(f"加密机拒绝 · {refused}", REFUSED)
    _print_steps(done, as_json)
    _print_problem(place, middleware)
    raise typer.Exit(exit_code(done[-1].answer[0]))


def _print_problem(place: Place, middleware: Middleware) -> None:
    """What was wrong with the arguments, on the error output: pOutInfo has a general sentence alone."""
    if middleware.problem:
        typer.echo(f"sscard {place.command}: {middleware.problem}", err=True)


def exit_code(code: int) -> int:
    """The exit code for a code of the interface."""
    from conformance.actors.medical.codes import WRONG_USES, Code

    if code in WRONG_USES:
        return WRONG_USE
    if code in (Code.NO_CARD, Code.NO_ANSWER):
        return BENCH_FAILED
    return REFUSED if code else 0


class Done(NamedTuple):
    """An operation that was carried out, and the HSM's answer that it was given."""

    operation: str
    answer: Answer
    from_hsm: str | None = None


def _carry_out(middleware: Middleware, operation: str, arguments: list[int | str]) -> list[Done]:
    """An operation, and the steps that follow it; what they need beside pKey stands behind the operation's own arguments."""
    from conformance.actors.medical.hsm import BackEnd, Hsm, HsmRefused

    further = [name for name in middleware.continued(operation) for _ in middleware.parameters(name)[1:]]
    own = len(arguments) - len(further)
    done = [Done(operation, middleware.call(operation, *arguments[:own]))]
    back_end: BackEnd | None = None
    while (following := middleware.awaited) is not None:
        back_end = back_end or BackEnd(Hsm(middleware.reader.cards), middleware.reader.card)
        from_hsm = back_end.answer(done[-1].operation, done[-1].answer[1])
        more = arguments[own:] if following in further else []
        done.append(Done(following, middleware.call(following, from_hsm, *more), from_hsm))
    code, text = done[-1].answer
    if back_end is not None and code == 0 and not back_end.accepts(done[-1].operation, text):
        raise HsmRefused("MAC2 of the card is wrong")
    return done


def _parameters(names: Sequence[str], texts: list[str]) -> list[int | str]:
    """Those called iXxx are whole numbers, everything else is text; what is no number stays as it is, and is refused."""
    whole = [name.startswith("i") for name in names] + [False] * len(texts)
    return [
        int(text) if is_whole and SHORT_NUMBER.fullmatch(text) else text
        for text, is_whole in zip(texts, whole, strict=False)
    ]


def _print_steps(done: list[Done], as_json: bool) -> None:
    if as_json:
        rows = [_row(step.operation, step.answer) | ({"pKey": step.from_hsm} if step.from_hsm else {}) for step in done]
        last = rows[-1] | ({"steps": rows[:-1]} if rows[:-1] else {})
        typer.echo(json.dumps(last, ensure_ascii=False))
        return
    for step in done:
        if step.from_hsm is not None:
            typer.echo(f"HSM {step.from_hsm}")
        _print_answer(step.operation, step.answer, as_json)


def _print_answer(name: str, answer: Answer, as_json: bool) -> None:
    code, text = answer
    if as_json:
        typer.echo(json.dumps(_row(name, answer), ensure_ascii=False))
    else:
        typer.echo(f"{name} {code}\n{text}".rstrip())


def _row(name: str, answer: Answer) -> dict[str, Any]:
    code, text = answer
    return {"operation": name, "code": code, "pOutInfo": text, "exit_code": exit_code(code)}


def _print_basics(text: str) -> None:
    for (zh, en), value in zip(BASICS, text.split("|"), strict=False):
        typer.echo(f"{zh} {en}: {value}")
    typer.echo(f"\niReadCardBas 0\n{text}")


def _everything(profile: Profile, middleware: Middleware) -> list[dict[str, Any]]:
    """Every file of the medical applications; one that the card refuses, such as without PIN, says so and is no failure."""
    return [
        _file(name, short, file, middleware)
        for name, directory in profile.directory.items()
        if directory.payment is None
        for short, file in directory.file.items()
        if short.startswith("EF")
    ]


def _print_everything(found: list[dict[str, Any]], as_json: bool) -> None:
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
