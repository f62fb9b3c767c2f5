"""An order 制卡数据: the request number and what the card shall say of its holder, as a TOML file or a row of a CSV file."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from conformance.actors.station import former
from conformance.actors.station.former import ACCOUNT, Former, FormerError
from conformance.actors.station.outcome import Kind
from conformance.actors.station.photo import PhotoError, check_photo
from conformance.actors.station.table import Row, TableError, read_table
from profiles.dictionary import ValueFormatError, element

PERSON, NAME, SEX, BORN, ISSUED, EXPIRES = "08", "09", "0A", "0D", "05", "06"
FIELDS: Mapping[str, str] = {
    "card number": "07",
    "date of issue": ISSUED,
    "date of expiry": EXPIRES,
    "social security number": PERSON,
    "name": NAME,
    "name extension": "4E",
    "sex": SEX,
    "nationality": "0B",
    "birthplace": "0C",
    "date of birth": BORN,
    "household registration category": "20",
    "address of household registration": "21",
    "address of residence": "23",
    "area of residence": "24",
    "telephone": "28",
    "citizenship": "37",
    "person identification number": "EA",
    "place of first application": "EB",
}
"""Names of an order's fields, and the tags of their elements: those that issuers write (reconstructed specification §2.4)."""
NEEDED = frozenset({"07", ISSUED, EXPIRES, PERSON, NAME, SEX, "0B", BORN})
"""The least that is written; a card may lack the others."""
NUMBER, PHOTO = "number", "photo"
COLUMNS = {
    **{name: name for name in (NUMBER, *FIELDS, PHOTO, ACCOUNT)},
    **{element(tag).zh: name for name, tag in FIELDS.items()},
    "申请编号": NUMBER,
    "照片": PHOTO,
    "主账号": ACCOUNT,
}
"""Names of columns, English or Chinese, and the fields that they hold."""
NEEDED_COLUMNS = (NUMBER, *(name for name, tag in FIELDS.items() if tag in NEEDED))
MALE = "1"


class OrderError(ValueError):
    """An order that cannot be carried out; the message says which field, why, and what to write.

    Attributes:
        field: Name of the field that is wrong; empty where it is the order as a whole.
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Order:
    """One card for one person.

    Attributes:
        number: Request number, which no other order has.
        values: Texts by tag.
        kind: Why the card is made.
        photo: The holder's photograph, a JPEG; nothing for a card without.
        former: The bank's part: accounts, and where the card is that is replaced.
    """

    number: str
    values: Mapping[str, str] = field(repr=False)
    kind: Kind = Kind.FIRST
    photo: bytes = field(default=b"", repr=False)
    former: Former = field(default_factory=Former)

    @property
    def person(self) -> str:
        """社会保障号码."""
        return self.values[PERSON]

    @property
    def name(self) -> str:
        """The holder's name."""
        return self.values[NAME]

    @property
    def masked_person(self) -> str:
        """The number of the person as logs may show it: the first six characters and the last one."""
        return f"{self.person[:6]}***********{self.person[-1:]}"

    def content(self) -> bytes:
        """Everything that the order says, in one form, for comparison."""
        said = [self.number, self.kind, sorted(self.values.items()), self.photo.hex(), self.former.content()]
        return json.dumps(said, ensure_ascii=False).encode()

    @classmethod
    def of(cls, table: Mapping[str, object], source: str = "order", folder: Path = Path()) -> Order:
        """Judge the fields of an order by the dictionary; raises :class:`OrderError` for the first that is wrong.

        Args:
            table: Fields by name; the photo as its file's name or its bytes.
            source: What messages call the order.
            folder: To which a relative file name refers.
        """
        unknown = [name for name in table if name not in (*FIELDS, NUMBER, PHOTO, *former.FIELDS)]
        if unknown:
            known = ", ".join((NUMBER, *FIELDS, PHOTO, *former.FIELDS))
            raise OrderError(f"{source}: no field {unknown[0]!r}; an order has {known}", unknown[0])
        number = str(table.get(NUMBER, ""))
        if not re.fullmatch("[0-9A-Za-z-]{1,32}", number):
            raise OrderError(f"{source}: {NUMBER} is not one to thirty-two letters, digits and hyphens", NUMBER)
        values = {tag: _value(source, name, table.get(name)) for name, tag in FIELDS.items() if _given(table, name)}
        missing = [name for name, tag in FIELDS.items() if tag in NEEDED and tag not in values]
        if missing:
            raise OrderError(f"{source}: {missing[0]!r} is missing; every card needs it", missing[0])
        _agree(source, values)
        photo = _photo(source, table.get(PHOTO), folder) if _given(table, PHOTO) else b""
        try:
            return cls(number, values, photo=photo, former=Former.of(table))
        except FormerError as problem:
            raise OrderError(f"{source}: {problem}", problem.field) from None


def _given(table: Mapping[str, object], name: str) -> bool:
    return table.get(name) not in (None, "")


def _photo(source: str, given: object, folder: Path) -> bytes:
    """The bytes of the photograph, judged."""
    if not isinstance(given, str | bytes):
        raise OrderError(f"{source}: {PHOTO} is no file name; write it between quotation marks", PHOTO)
    try:
        data = given if isinstance(given, bytes) else (folder / given).read_bytes()
        check_photo(data)
    except (OSError, ValueError) as problem:
        reason = problem if isinstance(problem, PhotoError) else "the file cannot be read; name a JPEG file"
        raise OrderError(f"{source}: {PHOTO}: {reason}", PHOTO) from None
    return data


def _value(source: str, name: str, value: object) -> str:
    """The text of a field; no message repeats a value that tells of a person."""
    entry = element(FIELDS[name])
    text = value if isinstance(value, str) else ""
    shown = f"{source}: {name} ({entry.zh})"
    if not text:
        raise OrderError(f"{shown} is no text; write it between quotation marks", name)
    if entry.format == "an" and not _is_gbk(text):
        raise OrderError(f"{shown} has a character without code in GBK, in which a card's text is written", name)
    try:
        fits = entry.decode(entry.encode(text)) == text
    except ValueFormatError:
        fits = False
    if not fits:
        raise OrderError(f"{shown} does not fit the {entry.length} bytes of its format {entry.format}", name)
    if entry.problem(text) is not None:
        raise OrderError(f"{shown} is not a value that the dictionary allows: write {entry.wanted}", name)
    return text


def _is_gbk(text: str) -> bool:
    try:
        text.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True


def _agree(source: str, values: Mapping[str, str]) -> None:
    """A citizen's number says birth and sex, too (GB 11643); a card expires after its issue."""
    person = values[PERSON]
    if len(person) == 18 and person[6:14] != values[BORN]:
        raise OrderError(
            f"{source}: date of birth is another one than that in the social security number", "date of birth"
        )
    if len(person) == 18 and (int(person[16]) % 2 == 1) is not (values[SEX] == MALE):
        raise OrderError(f"{source}: sex is another one than that in the social security number", "sex")
    if not values[ISSUED] < values[EXPIRES]:
        raise OrderError(f"{source}: date of expiry does not lie after date of issue", "date of expiry")
    if _day(values[BORN]) > _day(values[ISSUED]):
        raise OrderError(f"{source}: date of birth lies after date of issue", "date of birth")


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))


def load_order(path: Path, number: str | None = None) -> Order:
    """Read an order from a TOML file, or from the row ``number`` of a CSV file with the field names in its first line.

    Raises :class:`OrderError`.
    """
    csv = path.suffix.lower() == ".csv"
    order = _row(path, number) if csv else Order.of(_table(path), str(path), path.parent)
    if number is not None and order.number != number:
        raise OrderError(f"{path}: the order in it has number {order.number}, not {number}")
    return order


def order_of(row: Row, source: str, folder: Path) -> Order:
    """The order of a row of a table in ``folder``; raises :class:`OrderError`."""
    if row.problem is not None:
        raise OrderError(f"{source}: {row.problem}")
    return Order.of(row.fields, source, folder)


def _table(path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as problem:
        raise OrderError(f"{path}: cannot be read ({problem.strerror})") from None
    except UnicodeDecodeError:
        raise OrderError(f"{path}: is no UTF-8 text") from None
    except tomllib.TOMLDecodeError as problem:
        raise OrderError(f"{path}: not a TOML file ({problem})") from None


def _row(path: Path, number: str | None) -> Order:
    try:
        rows = read_table(path, COLUMNS, NEEDED_COLUMNS).rows
    except TableError as problem:
        raise OrderError(str(problem)) from None
    found = [row for row in rows if number is None or row.fields.get(NUMBER) == number]
    if len(found) != 1:
        wanted = "give --number" if number is None else f"none or several have number {number}"
        raise OrderError(f"{path}: {len(found)} rows to choose from; {wanted}")
    return order_of(found[0], f"{path}: line {found[0].line}", path.parent)
