"""The project's documents, read as their readers read them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def text(path: Path) -> str:
    """A document as it stands."""
    return path.read_text("utf-8")


def blocks(path: Path, language: str) -> list[str]:
    """The code blocks of a language."""
    return [code for _, named, code in _FENCE.findall(text(path)) if named == language]


def shell_lines(path: Path) -> list[list[str]]:
    """The words of each command in shell blocks, comments left out."""
    lines = [line.strip() for code in blocks(path, "sh") for line in code.splitlines()]
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def commands_of(path: Path, program: str) -> list[list[str]]:
    """What a document calls a program with: in shell blocks, and in running text between backticks."""
    quoted = re.findall(rf"`({program} [^`\n]+)`", text(path))
    lines = [*shell_lines(path), *(shlex.split(command) for command in quoted)]
    found = []
    for words in lines:
        if words[0] == program:
            end = next((place for place, word in enumerate(words) if word in ("||", "&&", "|")), len(words))
            found.append(words[1:end])
    return found
