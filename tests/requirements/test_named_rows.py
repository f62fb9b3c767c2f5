"""Every row of the catalogues that binds systems is named by a test, and every name stands in a catalogue.

No row is exempt: what a terminal does with its hardware (a PIN pad, a printer, a display) is here what it asks of its holder, writes on
its receipt and tells as an event. That a test which names a row also shows it, this cannot see; that is for whoever reads it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.requirements import PAYMENT, SOCIAL_SECURITY, Coverage, load_catalogue

TESTS = Path(__file__).parent.parent
CATALOGUE = load_catalogue(SOCIAL_SECURITY, PAYMENT)
OF_SYSTEMS = [area for area in CATALOGUE.areas if area.coverage is Coverage.SYSTEMS]


def named(source: str) -> Iterator[tuple[str, str]]:
    """Row and test of every mark ``requirement`` on a test function; another place or another form of it is an error."""
    tree = ast.parse(source)
    seen = 0
    for node in ast.walk(tree):
        for mark in getattr(node, "decorator_list", ()):
            if not isinstance(mark, ast.Call) or ast.unparse(mark.func) != "pytest.mark.requirement":
                continue
            assert isinstance(node, ast.FunctionDef), ast.unparse(mark)
            assert node.name.startswith("test_"), node.name
            assert mark.args, f"{node.name} names no row"
            assert not mark.keywords, node.name
            seen += 1
            for argument in mark.args:
                yield ast.literal_eval(argument), node.name
    found = sum(
        ast.unparse(node) == "pytest.mark.requirement" for node in ast.walk(tree) if isinstance(node, ast.Attribute)
    )
    assert found == seen, "a mark stands elsewhere than on a test function"


def everywhere() -> dict[str, set[str]]:
    """The tests of the whole tree by the rows that they name."""
    found: dict[str, set[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        source = path.read_text("utf-8")
        if "mark.requirement" in source and path != Path(__file__):
            for row, test in named(source):
                found.setdefault(row, set()).add(f"{path.relative_to(TESTS)}::{test}")
    return found


NAMED = everywhere()


def test_areas_that_bind_systems() -> None:
    assert {area.code: len(area.requirements) for area in OF_SYSTEMS} == {
        "ISS": 15,
        "TERM": 21,
        "CTR": 12,
        "PAY-TRM": 44,
    }


@pytest.mark.parametrize("area", OF_SYSTEMS, ids=lambda area: area.code)
def test_every_row_is_named_by_a_test(area) -> None:  # type: ignore[no-untyped-def]
    assert [row.id for row in area.requirements if row.id not in NAMED] == []


def test_every_name_stands_in_a_catalogue() -> None:
    assert {row: tests for row, tests in NAMED.items() if row not in CATALOGUE.requirements} == {}


def test_marks_are_found_wherever_they_stand() -> None:
    source = """
class TestIt:
    @pytest.mark.requirement("A-1")
    @pytest.mark.requirement("A-2", "A-3")
    def test_one(self): assert True
"""
    assert [row for row, _ in named(source)] == ["A-1", "A-2", "A-3"]


@pytest.mark.parametrize(
    "source",
    [
        'pytestmark = pytest.mark.requirement("A-1")\n',
        '@pytest.mark.requirement("A-1")\ndef helper(): assert True\n',
        '@pytest.mark.requirement("A-1")\nclass TestIt: pass\n',
        "@pytest.mark.requirement()\ndef test_one(): assert True\n",
    ],
)
def test_marks_that_would_be_missed_are_refused(source: str) -> None:
    with pytest.raises(AssertionError):
        list(named(source))
