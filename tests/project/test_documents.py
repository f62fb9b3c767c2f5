"""What documents say must be so: commands, options, links, names."""

from __future__ import annotations

import re
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from conformance.faults import FAULTS
from conformance.pytest_plugin import pytest_addoption
from conformance.requirements import PAYMENT, SOCIAL_SECURITY, Coverage, load_catalogue
from profiles import load
from profiles.certificate_settings import CertificateSettings
from profiles.loader import available
from profiles.payment_settings import PaymentSettings
from profiles.settings import Settings, assumptions
from sscard import COMMANDS, command_of
from tests.project.documents import DOCUMENTS, READMES, ROOT, blocks, commands_of, text

NAMED = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
CLI = ROOT / "docs" / "cli.md"


def options() -> dict[str, set[str]]:
    """The options of each command of the command line."""
    found: dict[str, set[str]] = {}

    def walk(name: str, command: Any) -> None:
        if hasattr(command, "commands"):
            for part, below in command.commands.items():
                walk(f"{name} {part}", below)
        else:
            given = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
            found[name] = {option for option in given if option.startswith("--")} | {"--help"}

    for name in COMMANDS:
        walk(name, command_of(name))
    return found


def section(command: str) -> str:
    """What docs/cli.md says about a command; the profile commands share one section."""
    name = command.split()[0]
    return re.split(r"^## ", text(CLI).split(f"\n## sscard {name}\n")[1], flags=re.MULTILINE)[0]


def test_every_command_has_a_section_with_all_its_options() -> None:
    for command, given in options().items():
        missing = {option for option in given - {"--help"} if f"`{option}`" not in section(command)}
        assert not missing, f"docs/cli.md says nothing about {command} {missing}"
        if " " in command:
            assert f"`sscard {command}" in section(command)


def test_every_option_in_the_command_line_document_exists() -> None:
    for name in {command.split()[0] for command in options()}:
        known = set().union(*(given for command, given in options().items() if command.split()[0] == name))
        first_column = "\n".join(line.split("|")[1] for line in section(name).splitlines() if line.startswith("|"))
        assert set(re.findall(r"`(--[\w-]+)`", first_column)) <= known


def test_every_pytest_option_is_documented() -> None:
    given: set[str] = set()

    class Group:
        def addoption(self, name: str, **_: Any) -> None:
            given.add(name)

    class Parser:
        def getgroup(self, *_: str) -> Group:
            return Group()

    pytest_addoption(Parser())  # type: ignore[arg-type]  # stands in for pytest's parser
    assert given == set(re.findall(r"`(--sscard-[\w-]+)`", text(CLI)))


@NAMED
def test_sscard_commands_exist_with_the_options_that_are_given(path: Path) -> None:
    known = options()
    groups = {command.split()[0] for command in known if " " in command}
    for words in commands_of(path, "sscard"):
        command = " ".join(words[:2]) if words[0] in groups else words[0]
        if command in groups | {"--help"}:
            continue
        assert command in known, f"{path.name}: sscard {' '.join(words)}"
        unknown = {word for word in words if word.startswith("--")} - known[command]
        assert not unknown, f"{path.name}: sscard {command} has no {unknown}"


@NAMED
def test_faults_and_products_that_commands_name_exist(path: Path) -> None:
    for words in commands_of(path, "sscard"):
        for option, value in pairwise(words):
            if option == "--fault":
                assert value in FAULTS or value == "list", f"{path.name}: no fault {value}"
            if option == "--profile" and not value.endswith(".toml"):
                assert value in available(), f"{path.name}: no product {value}"


@NAMED
def test_make_targets_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text(ROOT / "Makefile"), re.MULTILINE))
    for words in commands_of(path, "make"):
        named = [word for place, word in enumerate(words) if not word.startswith("-") and words[place - 1] != "-C"]
        assert {word for word in named if "=" not in word} <= targets, f"{path.name}: make {' '.join(words)}"


@NAMED
def test_links_lead_to_files(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text(path)):
        if not target.startswith("https://"):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


@NAMED
def test_folders_and_files_that_are_named_exist(path: Path) -> None:
    wings = "conformance|docs|emulator|profiles|reports|tests"
    for name in re.findall(rf"`((?:{wings})/[\w./*-]+)`", text(path)):
        assert list(ROOT.glob(name.rstrip("/"))), f"{path.name}: {name}"


@NAMED
def test_toml_examples_are_toml(path: Path) -> None:
    for code in blocks(path, "toml"):
        tomllib.loads(code)


def test_the_first_profile_example_is_a_profile(tmp_path: Path) -> None:
    example = tmp_path / "mycard.toml"
    example.write_text(blocks(ROOT / "docs" / "profiles.md", "toml")[0], "utf-8")
    profile = load(example)
    assert profile.settings.pin_try_limit == 3
    assert "DF07" not in profile.directory


@NAMED
def test_python_examples_run(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for code in blocks(path, "python"):
        if "print(" in code:
            exec(compile(code, path.name, "exec"), {})  # noqa: S102 - our own documents
            assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_areas_are_those_of_the_catalogue(path: Path) -> None:
    areas = load_catalogue(SOCIAL_SECURITY, PAYMENT).areas
    rows = [line for line in text(path).splitlines() if re.match(r"\| (of cards|of systems|对卡片|对系统)", line)]
    cards, systems = (set(re.findall(r"[A-Z][A-Z0-9-]+", row)) for row in rows)
    assert cards == {area.code for area in areas if area.coverage is Coverage.COVERED}, f"{path.name}: of cards"
    assert systems == {area.code for area in areas if area.coverage is Coverage.SYSTEMS}, f"{path.name}: of systems"
    assert len(cards | systems) == len(areas)
    for name in (SOCIAL_SECURITY, PAYMENT):
        assert f"{len(load_catalogue(name).requirements)} " in text(path)


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_products_that_are_named_come_along(path: Path) -> None:
    named = set(re.findall(r"^\| `([a-z0-9-]+)` \|", text(path), re.MULTILINE))
    assert named
    assert named <= set(available())


def test_both_readmes_show_the_same_commands() -> None:
    english, chinese = ([*commands_of(path, "sscard"), *commands_of(path, "make")] for path in READMES)
    assert english == chinese


def test_every_setting_stands_in_the_assumptions_with_its_default() -> None:
    rows = re.findall(r"^\| `\w+` \| `.*\|$", text(ROOT / "docs" / "assumptions.md"), re.MULTILINE)
    told = {tuple(cell.strip(" `") for cell in row.split("|")[1:3]): row for row in rows}
    known = {}
    for one in (*assumptions(Settings()), *assumptions(PaymentSettings()), *assumptions(CertificateSettings())):
        value = one.value.lower() if one.value in ("True", "False") else one.value
        known[one.name, value] = f"| `{one.name}` | `{value}` | {one.zh}: {one.en} | {one.basis} | {one.confidence} |"
    missing = "\n".join(row for key, row in known.items() if key not in told)
    assert not missing, f"docs/assumptions.md lacks:\n{missing}"
    surplus = "\n".join(row for key, row in told.items() if key not in known)
    assert not surplus, f"docs/assumptions.md has no longer true:\n{surplus}"


def test_the_changelog_knows_the_version() -> None:
    version = tomllib.loads(text(ROOT / "pyproject.toml"))["project"]["version"]
    assert re.search(rf"^## \[{re.escape(version)}\] - ", text(ROOT / "CHANGELOG.md"), re.MULTILINE)


def test_pictures_are_small() -> None:
    for picture in (ROOT / "docs" / "images").iterdir():
        assert picture.stat().st_size < 200_000
