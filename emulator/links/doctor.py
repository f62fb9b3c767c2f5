"""What this machine has, and lacks, of what cards and reports need."""

import importlib.metadata
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from emulator.links import pcsclite
from emulator.links.pcsclite import ReaderEntry
from emulator.links.stack import StackOffer, available_stacks

COMMAND_SECONDS = 10.0
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class Finding(NamedTuple):
    """One thing looked at."""

    name: str
    ok: bool
    found: str
    """What is there: a path, a version; or that nothing is."""
    advice: str
    """What to do about it; empty when all is well."""


def output_of(command: Sequence[str]) -> str | None:
    """Return the first line that a program prints; nothing when it can't be run or fails."""
    try:
        done = subprocess.run(  # noqa: S603  fixed words
            command, capture_output=True, text=True, errors="replace", check=True, timeout=COMMAND_SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return (done.stdout.strip().splitlines() or [""])[0]


def installed_version(distribution: str) -> str | None:
    """Return the version of an installed Python distribution."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


@dataclass(frozen=True)
class Machine:
    """The questions that are asked of a machine; tests answer them themselves."""

    which: Callable[[str], str | None] = shutil.which
    output_of: Callable[[Sequence[str]], str | None] = output_of
    version: Callable[[str], str | None] = installed_version
    find_pcscd: Callable[[], Path | None] = pcsclite.find_pcscd
    find_driver: Callable[[], Path | None] = pcsclite.find_driver
    readers: Callable[[], Sequence[ReaderEntry]] = pcsclite.configured_readers
    stacks: Callable[[], Sequence[StackOffer]] = field(default=available_stacks)


def examine(machine: Machine | None = None) -> list[Finding]:
    """Look at everything once."""
    machine = machine or Machine()
    return [
        examine_pcscd(machine),
        examine_vpcd(machine),
        examine_pyscard(machine),
        *examine_stacks(machine),
        examine_program(machine, "pcsc-tools", ("pcsc_scan", "scriptor"), "pcsc-tools"),
        examine_program(machine, "OpenSC", ("opensc-tool",), "opensc"),
        examine_fonts(machine),
        examine_faces(machine),
        examine_browser(machine),
    ]


def examine_pcscd(machine: Machine) -> Finding:
    """Look for the PC/SC daemon."""
    path = machine.find_pcscd()
    if not path:
        return Finding("pcscd", False, "not installed", "apt-get install pcscd")
    version = machine.output_of([str(path), "--version"])
    if version is None:
        return Finding("pcscd", False, f"{path} does not run", "apt-get install --reinstall pcscd")
    return Finding("pcscd", True, f"{path}, {version}", "")


def examine_vpcd(machine: Machine) -> Finding:
    """Look for the driver of the virtual reader, and whether pcscd is told to load it."""
    driver, readers = machine.find_driver(), machine.readers()
    if not driver:
        return Finding("vpcd", False, "not installed", "apt-get install vsmartcard-vpcd")
    if not readers:
        found = f"{driver}, but no reader in {pcsclite.CONFIGURATION}"
        return Finding("vpcd", False, found, "apt-get install --reinstall vsmartcard-vpcd")
    return Finding("vpcd", True, f"{driver}; {', '.join(f'{one.name} on port {one.port}' for one in readers)}", "")


def examine_pyscard(machine: Machine) -> Finding:
    """Look for Python's way to PC/SC."""
    if version := machine.version("pyscard"):
        return Finding("pyscard", True, version, "")
    advice = "apt-get install gcc python3-dev swig libpcsclite-dev pkg-config, then pip install 'sscard[pcsc]'"
    return Finding("pyscard", False, "not installed", advice)


def examine_stacks(machine: Machine) -> list[Finding]:
    """Try which PC/SC stacks can be had. One that can't is no fault as long as another one can."""
    offers = machine.stacks()
    enough = any(offer.usable for offer in offers)
    return [
        Finding(offer.name, True, offer.why, "")
        if offer.usable
        else Finding(offer.name, enough, "not here, and not needed" if enough else "not here", offer.why)
        for offer in offers
    ]


def examine_program(machine: Machine, name: str, programs: Sequence[str], package: str) -> Finding:
    """Look for the programs of a package."""
    paths = [machine.which(program) for program in programs]
    if missing := [program for program, path in zip(programs, paths, strict=True) if not path]:
        return Finding(name, False, f"{', '.join(missing)} not installed", f"apt-get install {package}")
    return Finding(name, True, ", ".join(path for path in paths if path), "")


def examine_fonts(machine: Machine) -> Finding:
    """Look for a font with Chinese characters, without which a printed report is empty boxes."""
    if not machine.which("fc-list"):
        return Finding("Chinese fonts", False, "unknown: no fc-list", "apt-get install fontconfig fonts-noto-cjk")
    if font := machine.output_of(["fc-list", ":lang=zh", "family"]):
        return Finding("Chinese fonts", True, font, "")
    return Finding("Chinese fonts", False, "none", "apt-get install fonts-noto-cjk")


def examine_faces(machine: Machine) -> Finding:
    """Look for what makes the face of a card a PNG."""
    if version := machine.version("resvg-py"):
        return Finding("resvg-py", True, version, "")
    return Finding("resvg-py", False, "not installed; faces of cards are SVG only", "pip install 'sscard[face]'")


def examine_browser(machine: Machine) -> Finding:
    """Look for a Chromium, which prints reports as PDF."""
    for program in BROWSERS:
        if path := machine.which(program):
            return Finding("Chromium", True, path, "")
    return Finding("Chromium", False, "not installed", "apt-get install chromium")
