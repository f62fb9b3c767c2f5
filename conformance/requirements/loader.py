"""From the TOML files of the catalogue to :class:`Catalogue`.

A data file names its catalogue in ``catalogue``, wherever below the directory it lies; the word ``all`` is for vocabulary
that all catalogues share. A file may hold ``[[feature]]``, ``[[document]]`` and ``[[official_item]]`` tables, and one ``[area]`` with its ``[[requirement]]``
tables; a further area or catalogue is a further file and no code.

**Gate.** Only a MUST whose knowledge is official (S) or comes from several programs (P+) may be a hard failure. Where a
requirement rests on two marks the weakest decides: "S scope, A-V detail" and "S names" are not hard, because only the
scope or the name of the test is official; "S, key identifier P+" is hard. Two marks that support the same thing are
treated alike, which can only make a verdict milder. Where a requirement is merely assumed for a version, a failure on
a card of that version is not hard either.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from functools import cache, reduce
from pathlib import Path
from types import MappingProxyType

from conformance.requirements.conditions import VERSIONS, Algorithm, Condition, Feature, Relaxation
from conformance.requirements.model import (
    Area,
    Catalogue,
    Check,
    Document,
    OfficialItem,
    Requirement,
    Source,
    UnknownNameError,
)
from conformance.requirements.tables import Entry, Table
from conformance.requirements.terms import Confidence, Coverage, Evidence, Level, Text

DATA = Path(__file__).parent / "data"
SHARED = "all"
_ALGORITHMS: Mapping[str, Algorithm] = {"3DES": "3DES", "SM4": "SM4"}
_VERSIONS = {version: version for version in VERSIONS}
_MARKS = {mark.value: mark for mark in Confidence}
_CATALOGUE = re.compile(r"""^catalogue *= *["']([^"'\n]+)["']""", re.MULTILINE)


class CatalogueError(ValueError):
    """The data are malformed; :attr:`problems` lists everything that is wrong, each with file and entry."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("the requirement catalogue cannot be loaded:\n" + "\n".join(problems))
        self.problems = tuple(problems)


SOCIAL_SECURITY, PAYMENT = "social-security", "payment"
CATALOGUES = (SOCIAL_SECURITY, PAYMENT)
"""The catalogues that come with the product, in the order in which reports show them."""


@cache
def load_catalogue(*names: str) -> Catalogue:
    """A catalogue that comes with the product, or several joined into one; that of social security when none is named.

    Read once. Raises :class:`UnknownNameError` for a name that no catalogue has.
    """
    for name in names:
        if name not in CATALOGUES:
            raise UnknownNameError(f"catalogue {name!r} is unknown; known are {', '.join(CATALOGUES)}")
    first, *others = names or (SOCIAL_SECURITY,)
    if not others:
        return load_directory(DATA, first)
    return reduce(Catalogue.joined, (load_catalogue(name) for name in names))


def load_directory(directory: Path, name: str = SOCIAL_SECURITY) -> Catalogue:
    """Read the catalogue ``name`` from the TOML files of a directory and those below it.

    Raises :class:`CatalogueError` with all problems at once.
    """
    problems: list[str] = []
    found = ((path, path.relative_to(directory).as_posix()) for path in sorted(directory.rglob("*.toml")))
    files = [file for path, where in found if (file := _read(path, where, name, problems)) is not None]
    catalogue = _Builder(files, problems).build(name)
    if problems:
        raise CatalogueError(problems)
    return catalogue


def _read(path: Path, where: str, name: str, problems: list[str]) -> Table | None:
    """A file of the catalogue ``name``; None for one of another catalogue or an unreadable one."""
    try:
        text = path.read_text(encoding="utf-8")
        named = _CATALOGUE.search(text)
        if named is None:
            problems.append(f'{where}: a line catalogue = "…" must say to which catalogue the file belongs')
            return None
        # Files of other catalogues are not parsed: that would be most of the time that loading takes.
        return Table(tomllib.loads(text), where, problems) if named[1] in (name, SHARED) else None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as problem:
        problems.append(f"{where}: not a TOML file: {problem}")
        return None


class _Builder:
    """Turns files into a catalogue, vocabulary first."""

    def __init__(self, files: list[Table], problems: list[str]) -> None:
        self._files = files
        self._problems = problems
        self._features = self._collect("feature", _feature, lambda feature: feature.name)
        self._documents = self._collect("document", _document, lambda document: document.name)
        self._official = self._collect("official_item", _official_item, lambda item: item.key)
        self._requirement_ids: set[str] = set()

    def _collect(
        self, key: str, parse: Callable[[Table], Entry], name_of: Callable[[Entry], str]
    ) -> Mapping[str, Entry]:
        found: dict[str, Entry] = {}
        for file in self._files:
            for table in file.tables(key):
                entry = parse(table)
                table.finish()
                if name_of(entry) in found:
                    table.complain("is defined twice")
                found[name_of(entry)] = entry
        return MappingProxyType(found)

    def build(self, name: str) -> Catalogue:
        """The catalogue; worth nothing when there were problems."""
        titles, areas = [], []
        for file in self._files:
            file.text("catalogue")
            if "title" in file:
                titles.append(file.bilingual("title"))
            requirements = file.tables("requirement")
            if "area" in file:
                areas.append(self._area(file, requirements))
            elif requirements:
                file.complain("has requirements and no [area]")
            file.finish()
        if len(titles) != 1:
            self._problems.append(f"catalogue {name!r}: {len(titles)} files give its title, exactly one must")
        for codes in ([area.code for area in areas], [str(area.order) for area in areas]):
            for code in sorted({code for code in codes if codes.count(code) > 1}):
                self._problems.append(f"catalogue {name!r}: several areas have the code or order {code}")
        areas.sort(key=lambda area: area.order)
        title = titles[0] if titles else Text("", "")
        return Catalogue(name, title, tuple(areas), self._official, self._features)

    def _area(self, file: Table, requirements: list[Table]) -> Area:
        table = file.table("area")
        code = table.text("code")
        area = Area(
            code=code,
            order=table.number("order"),
            title=table.bilingual("title"),
            coverage=table.choice("coverage", Coverage),
            requirements=tuple(self._requirement(entry, code) for entry in requirements),
        )
        table.finish()
        return area

    def _requirement(self, table: Table, area: str) -> Requirement:
        requirement = Requirement(
            id=self._requirement_id(table, area),
            area=area,
            title=table.bilingual("title"),
            statement=table.text("statement"),
            sources=self._sources(table),
            level=table.choice("level", Level),
            condition=self._condition(table.table("applies")),
            checks=_checks(table),
            official=table.members("official", self._official),
            confidence=_evidence(table),
        )
        table.finish()
        return requirement

    def _requirement_id(self, table: Table, area: str) -> str:
        name = table.text("id")
        if not re.fullmatch(rf"(?:[A-Z]+-)?{re.escape(area)}-[0-9]{{3}}", name):
            table.complain(f"id {name!r} must be a prefix, the area {area} and three digits, joined by hyphens")
        if name in self._requirement_ids:
            table.complain("the id is used twice")
        self._requirement_ids.add(name)
        return name

    def _sources(self, table: Table) -> tuple[Source, ...]:
        found = []
        for text in table.texts("sources"):
            named = [name for name in self._documents if text == name or text.startswith(f"{name} ")]
            if named:
                name = max(named, key=len)
                found.append(Source(self._documents[name], text[len(name) :].strip()))
            else:
                table.complain(f"source {text!r} begins with none of {', '.join(self._documents)}")
        return tuple(found)

    def _condition(self, table: Table) -> Condition:
        def optional(key: str, known: Mapping[str, Entry]) -> tuple[Entry, ...]:
            return table.members(key, known) if key in table else ()

        algorithm = table.member("algorithm", table.text("algorithm"), _ALGORITHMS) if "algorithm" in table else None
        condition = Condition(
            versions=optional("versions", _VERSIONS),
            assumed=optional("assumed", _VERSIONS),
            algorithm=algorithm,
            features=optional("features", self._features),
            any_feature=optional("any_feature", self._features),
            relaxed=self._relaxation(table.table("relaxed")) if "relaxed" in table else None,
        )
        table.finish()
        return condition

    def _relaxation(self, table: Table) -> Relaxation | None:
        without = table.member("without", table.text("without"), self._features)
        level = table.choice("level", Level)
        table.finish()
        return Relaxation(without, level) if without is not None else None


def _feature(table: Table) -> Feature:
    return Feature(table.text("name"), table.bilingual("title"), table.text("part") if "part" in table else None)


def _document(table: Table) -> Document:
    return Document(table.text("name"), table.bilingual("title"))


def _official_item(table: Table) -> OfficialItem:
    return OfficialItem(
        standard=table.text("standard"),
        number=table.text("number") if "number" in table else None,
        name=table.text("name"),
        title=table.bilingual("title"),
        coverage=table.choice("coverage", Coverage),
        reason=table.bilingual("reason") if "reason" in table else None,
    )


def _checks(table: Table) -> tuple[Check, ...]:
    found = []
    for text in table.texts("checks"):
        parts = text.split(" → ")
        if len(parts) == 2:
            found.append(Check(*parts))
        else:
            table.complain(f"check {text!r} must be a stimulus, ' → ' and what is expected")
    if not found:
        table.complain("checks must hold at least one check")
    return tuple(found)


def _evidence(table: Table) -> Evidence:
    marks = table.members("confidence", _MARKS)
    note = table.text("confidence_note") if "confidence_note" in table else ""
    if not marks:
        table.complain("confidence must hold at least one mark")
    if len(marks) > 1 and not note:
        table.complain("confidence_note must say which mark supports what")
    return Evidence(marks or (Confidence.UNKNOWN,), note)
