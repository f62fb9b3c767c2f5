"""Code lists 代码表 (LD/T 6001.3 7.2 to 7.5): every code on the card is one of the standard's, or was never written."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.bench import Bench
from conformance.cases import Case, Kind, Suite
from conformance.failures import Inconclusive, NotApplicable
from conformance.suites.standard import StandardElement, StandardFile, standard_file
from conformance.suites.standard.codes import CodeRule, code_rules
from conformance.suites.standard.values import shown
from conformance.suites.standard.visit import elements_of, readable
from profiles.model import Profile, Text

SUITE = Suite("code lists", "代码表", "Code lists", as_issued=True)


@SUITE.cases_from
def lists(profile: Profile) -> Iterator[Case]:
    """A case for each code list that a file of the card uses."""
    for rule in code_rules():
        if standard_file(profile, rule.path) is not None:
            yield Case(
                identifier=f"CODE/{rule.name}/BV",
                title=Text(zh=f"{rule.path} {rule.title.zh}", en=f"{rule.path}: {rule.title.en}"),
                requirements=(rule.requirement,),
                kind=Kind.VALID,
                expected=Text(
                    zh=f"代码之一（{rule.shown}），或初始填充", en=f"one of {rule.shown}, or the initial fill"
                ),
                body=partial(_judge, rule),
            )


def values_of(
    rule: CodeRule, file: StandardFile, records: tuple[bytes, ...]
) -> Iterator[tuple[StandardElement, bytes]]:
    """Every value that a code list speaks of, wherever it stands in the file."""
    if rule.field is not None:
        for raw in records:
            yield from list(file.leaves(raw))[rule.field - 1 : rule.field]
        return
    for element, raw in elements_of(file, records):
        if element.tag == (rule.tag if rule.inside is None else rule.inside):
            yield from ((leaf, value) for leaf, value in element.leaves(raw[2:]) if leaf.tag == rule.tag)


def _judge(rule: CodeRule, bench: Bench) -> None:
    file = standard_file(bench.profile, rule.path)
    if file is None:
        raise NotApplicable(f"卡片声明中没有 {rule.path}", f"the declared card has no {rule.path}")
    records = readable(bench, file).records
    found = list(values_of(rule, file, records))
    if not found and records:
        raise Inconclusive("文件中没有该数据元", "the file holds no such element")
    if not found:
        zh, en = "文件中没有记录", "the file holds no record"
        bench.check(True, zh, en, expected="a code, or nothing", received="nothing", requirement=rule.requirement)
    for number, (element, value) in enumerate(found, 1):
        unwritten = value == element.initial_fill
        bench.check(
            unwritten or rule.holds(element, value),
            f"第 {number} 个{rule.title.zh}",
            f"{rule.title.en}, no. {number}",
            expected=f"one of {rule.shown}, or the initial fill",
            received=shown(element.tag, value) if rule.tag else value,
            requirement=rule.requirement,
            go_on=True,
        )
