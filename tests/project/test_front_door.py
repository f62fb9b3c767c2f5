"""The front door: what it says of every command, and that it reads only the one that is called."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from sscard import COMMANDS, app

AFTERWARDS = """
import sys
from typer.testing import CliRunner
import sscard
assert CliRunner().invoke(sscard.app, sys.argv[1:]).exit_code == 0
print([name for name in sys.modules if name.endswith("cli") and name.startswith(("conformance.", "emulator.", "profiles.", "reports."))])
"""


def commands_read(*arguments: str) -> str:
    """The modules with commands that a call has read."""
    program = (sys.executable, "-c", AFTERWARDS, *arguments)
    return subprocess.run(program, capture_output=True, text=True, check=True).stdout.strip()


def test_the_help_reads_no_command() -> None:
    assert commands_read("--help") == "[]"


def test_a_call_reads_its_command_alone() -> None:
    assert commands_read("report", "--help") == "['reports.cli']"


def test_the_help_names_every_command_and_what_it_does() -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "80"}).stdout
    for name, (_, told) in COMMANDS.items():
        assert f"  {name:8}  {told}\n" in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_where_the_front_door_says(name: str) -> None:
    shown = CliRunner().invoke(app, [name, "--help"])
    assert shown.exit_code == 0
    assert shown.stdout.startswith(f"Usage: sscard {name} [OPTIONS]")


def test_an_output_that_nobody_reads_to_its_end_is_no_verdict() -> None:
    """As behind `| true`: the pipe is closed when the command begins to tell."""
    read, write = os.pipe()
    os.close(read)
    words = (sys.executable, "-m", "sscard", "profile", "list")
    with os.fdopen(write, "wb") as pipe:
        done = subprocess.run(words, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_misspelt_command_is_named_with_the_one_that_was_meant() -> None:
    result = CliRunner().invoke(app, ["stettle"])
    assert result.exit_code == 2
    assert "No such command 'stettle'. Did you mean 'settle'?" in result.stderr
