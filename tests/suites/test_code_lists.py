"""The suite of code lists: every code of the standard is taken, every other value is found under its requirement."""

from __future__ import annotations

import pytest

from conformance.declared import traits_of
from conformance.requirements import load_catalogue
from conformance.suites.code_lists import SUITE
from conformance.suites.standard import StandardElement, StandardFile, all_files
from conformance.suites.standard.codes import CodeRule, code_rules

from .broken import HOSTILE, PRODUCTS, assert_good, assert_judged, assert_left_as_it_was, failed, product, run
from .deviating import Edited

MANY = 8
FILES = {file.path: file for file in all_files() if "3.0" in file.versions}
WRONG = {"cn": "99", "an": "~~~~~~~~"}


@pytest.mark.parametrize("name", PRODUCTS)
def test_good_card_passes(name: str) -> None:
    assert_good(run(SUITE, name))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_card_fails_cleanly(name: str) -> None:
    assert_judged(run(SUITE, "ssc3-sm4", HOSTILE[name]()))


def test_card_that_must_survive_is_left_as_it_was() -> None:
    assert_left_as_it_was(SUITE, "ssc3-sm4")


@pytest.mark.parametrize("name", PRODUCTS)
def test_every_applicable_requirement_is_judged(name: str) -> None:
    traits = traits_of(product(name))
    wanted = {row.id for row in load_catalogue().area("CODE").requirements if row.applicability(traits).applies}
    assert wanted == run(SUITE, name).judged


def written(element: StandardElement, code: str) -> bytes:
    """A code in the format of its element."""
    if element.format == "cn":
        return bytes.fromhex(code.ljust(2 * element.length, "F"))
    return code.encode()[: element.length].ljust(element.length, b"\x00")


def element_of(rule: CodeRule) -> StandardElement:
    file = FILES[rule.path]
    if rule.field is not None:
        return file.fields[rule.field - 1]
    for element in file.records:
        for leaf in (element, *element.children):
            if leaf.tag == rule.tag and (rule.inside is None or element.tag == rule.inside):
                return leaf
    raise AssertionError(rule.name)


def with_value(file: StandardFile, rule: CodeRule, value: bytes) -> Edited:
    """A card that shows a value wherever a rule looks."""

    def edit(number: int, record: bytes) -> bytes:
        if rule.field is not None:
            if number > 1:
                return record
            fields = [field.initial_fill for field in file.fields]
            fields[rule.field - 1] = value
            return b"".join(fields)
        if rule.inside is None:
            return record[:2] + value if record[:1] == bytes([rule.tag or 0]) else record
        if record[:1] != bytes([rule.inside]):
            return record
        element = next(element for element in file.records if element.tag == rule.inside)
        inner = (
            child.record(value if child.tag == rule.tag else old)
            for child, old in zip(element.children, (old for _, old in element.leaves(record[2:])), strict=True)
        )
        return record[:2] + b"".join(inner)

    return Edited(rule.path, edit)


@pytest.mark.parametrize("rule", code_rules(), ids=lambda rule: rule.name)
def test_codes_of_the_standard_are_taken(rule: CodeRule) -> None:
    codes = sorted(rule.codes)
    for code in codes[:: max(1, len(codes) // MANY)]:
        card = with_value(FILES[rule.path], rule, written(element_of(rule), code))
        assert_good(run(SUITE, "ssc3-sm4", card, only=f"CODE/{rule.name}/"))


@pytest.mark.parametrize("rule", code_rules(), ids=lambda rule: rule.name)
def test_other_values_are_found(rule: CodeRule) -> None:
    element = element_of(rule)
    some = min(rule.codes)
    wrong = [written(element, WRONG[element.format])]
    if element.format == "an":
        wrong += [b" " * element.length, written(element, some)[:-1] + b"\xff", b"\xff" * element.length]
    else:
        wrong += [bytes(element.length), bytes.fromhex(f"{int(some[-1])}A")]
    for value in wrong:
        card = with_value(FILES[rule.path], rule, value)
        assert failed(SUITE, "ssc3-sm4", card, only=f"CODE/{rule.path[:4]}") == {rule.requirement}


@pytest.mark.parametrize("rule", code_rules(), ids=lambda rule: rule.name)
def test_initial_fill_is_taken(rule: CodeRule) -> None:
    card = with_value(FILES[rule.path], rule, element_of(rule).initial_fill)
    assert_good(run(SUITE, "ssc3-sm4", card, only=f"CODE/{rule.name}/"))
