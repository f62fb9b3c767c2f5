"""What the doctor says of machines, and of this one."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from emulator.links.doctor import Finding, Machine, examine, installed_version, output_of
from emulator.links.pcsclite import VPCD_DRIVER, ReaderEntry
from emulator.links.stack import StackOffer


def printed(command: Sequence[str]) -> str | None:
    return "Noto Sans CJK SC" if command[0] == "fc-list" else "pcsc-lite version 1.9.9."


WHOLE = Machine(
    which=lambda program: f"/usr/bin/{program}",
    output_of=printed,
    version=lambda distribution: "2.3.1",
    find_pcscd=lambda: Path("/usr/sbin/pcscd"),
    find_driver=lambda: VPCD_DRIVER,
    readers=lambda: [ReaderEntry()],
    stacks=lambda: [StackOffer("private pcscd", True, "as root"), StackOffer("running pcscd", False, "start it")],
)
BARE = Machine(
    which=lambda program: None,
    output_of=lambda command: None,
    version=lambda distribution: None,
    find_pcscd=lambda: None,
    find_driver=lambda: None,
    readers=lambda: [],
    stacks=lambda: [
        StackOffer("private pcscd", False, "Not installed"),
        StackOffer("running pcscd", False, "start it"),
    ],
)


def found(machine: Machine, name: str) -> Finding:
    return next(finding for finding in examine(machine) if finding.name == name)


def test_whole_machine_is_well() -> None:
    assert [finding.name for finding in examine(WHOLE) if not finding.ok] == []
    assert found(WHOLE, "pcscd").found == "/usr/sbin/pcscd, pcsc-lite version 1.9.9."
    assert found(WHOLE, "vpcd").found == f"{VPCD_DRIVER}; Virtual PCD on port 35963"
    assert found(WHOLE, "Chinese fonts").found == "Noto Sans CJK SC"


def test_bare_machine_lacks_everything_and_hears_how_to_get_it() -> None:
    findings = examine(BARE)
    assert not any(finding.ok for finding in findings)
    assert all(finding.advice for finding in findings)
    packages = " ".join(re.findall(r"apt-get install ([a-z0-9 -]+)", " ".join(finding.advice for finding in findings)))
    for package in (
        "pcscd",
        "vsmartcard-vpcd",
        "swig",
        "libpcsclite-dev",
        "pcsc-tools",
        "opensc",
        "fonts-noto-cjk",
        "chromium",
    ):
        assert package in packages.split()


def test_one_stack_is_enough() -> None:
    assert found(WHOLE, "running pcscd") == Finding("running pcscd", True, "not here, and not needed", "start it")
    assert found(BARE, "running pcscd") == Finding("running pcscd", False, "not here", "start it")


@pytest.mark.parametrize(
    ("machine", "name", "words", "advice"),
    [
        (replace(WHOLE, output_of=lambda command: None), "pcscd", "does not run", "--reinstall pcscd"),
        (replace(WHOLE, readers=lambda: []), "vpcd", "no reader in /etc/reader.conf.d", "--reinstall vsmartcard-vpcd"),
        (
            replace(WHOLE, version=lambda name: None if name == "resvg-py" else "1"),
            "resvg-py",
            "faces of cards are SVG only",
            "sscard[face]",
        ),
        (replace(WHOLE, output_of=lambda command: ""), "Chinese fonts", "none", "fonts-noto-cjk"),
        (
            replace(WHOLE, which=lambda program: None if program == "fc-list" else program),
            "Chinese fonts",
            "no fc-list",
            "fontconfig",
        ),
        (
            replace(WHOLE, which=lambda program: None if program == "scriptor" else program),
            "pcsc-tools",
            "scriptor not installed",
            "pcsc-tools",
        ),
    ],
)
def test_what_is_half_there(machine: Machine, name: str, words: str, advice: str) -> None:
    finding = found(machine, name)
    assert not finding.ok
    assert words in finding.found
    assert advice in finding.advice


def test_any_chromium_will_do() -> None:
    chrome = replace(WHOLE, which=lambda program: "/opt/chrome" if program == "google-chrome" else None)
    assert found(chrome, "Chromium") == Finding("Chromium", True, "/opt/chrome", "")


def test_programs_that_fail_or_are_not_there_say_nothing() -> None:
    assert output_of(["false"]) is None
    assert output_of(["/no/such/program"]) is None
    assert output_of(["echo", "one\ntwo"]) == "one"
    assert output_of(["true"]) == ""


def test_distributions() -> None:
    assert installed_version("pytest")
    assert installed_version("no-such-distribution") is None


@pytest.mark.pcsc
def test_this_machine_has_what_these_tests_need() -> None:
    well = {finding.name for finding in examine() if finding.ok}
    assert {"pcscd", "vpcd", "pyscard", "private pcscd", "pcsc-tools", "OpenSC"} <= well
