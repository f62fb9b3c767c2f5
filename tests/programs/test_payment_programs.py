"""Programs of others take the virtual card for a bank's: Debian's cardpeek, PyPI's emvtool, opensc-tool and scriptor."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

import pytest

from emulator import load_card
from emulator.links.stack import PrivateStack
from profiles import load
from profiles.model import Profile
from tests.payment.terminal import AID, SELECT, profile
from tests.programs.test_card_readers import ANSWERED, READER, hexdump, opensc_tool

pytestmark = pytest.mark.pcsc

PRODUCTS = ("debit", "debit-sm", "ssc3-sm4", "ssc2-3des")
EMVTOOL = Path(sys.prefix) / "emvtool/bin/emvtool"
SHORT_PAN = "6214988660100304"
SECONDS = 60.0
LAST_PAYMENT_FILE = 20
LONGEST_OUTPUT = 1 << 20
"""cardpeek prints prompts without end when its input is at an end."""


def records(of: Profile, file: str) -> list[dict[str, str]]:
    """The records of a file as the profile writes them, the outside reason for what the programs must show."""
    return [dict(record) for record in of.content["DEBIT"][file]["records"]]


# cardpeek


class Cardpeek:
    """cardpeek in console mode with a home of its own, into which it first lays its scripts."""

    def __init__(self, stack: PrivateStack, home: Path) -> None:
        self._stack = stack
        self._home = home
        self.run('print("scripts")', "1\n1\n")
        self.scripts = home / ".cardpeek/scripts"

    def run(self, lua: str, answers: str) -> str:
        """Run Lua commands with answers to the questions, and hand out what is shown."""
        environment = {**self._stack.environment(), "HOME": str(self._home)}
        command = ["timeout", str(SECONDS), "cardpeek", "-c", "-r", f"pcsc://{READER}", "-e", lua]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(answers.encode("ascii"))
            process.stdin.close()
            shown = _bounded(process.stdout)
            process.kill()
        return shown

    def read_payment_card(self) -> ElementTree.Element:
        """Its script for payment cards, which asks before GET PROCESSING OPTIONS; the tree that it then shows."""
        view = self._home / "card.xml"
        shown = self.run(f'dofile("{self.scripts}/emv.lua"); ui.save_view("{view}")', "1\n" * 9)
        assert "Attempting GPO" in shown
        tree = view.read_text(encoding="utf-8").partition("?>")[2]  # its XML declaration is malformed
        return ElementTree.fromstring(tree)  # noqa: S314 - a file of our own card


def _bounded(stream: IO[bytes]) -> str:
    shown = b""
    while len(shown) < LONGEST_OUTPUT and shown.count(b"cardpeek> ") < 3 and (part := stream.read1(4096)):  # type: ignore[attr-defined]
        shown += part
    return shown.decode("utf-8", "replace")


def values(tree: ElementTree.Element) -> Mapping[str, str]:
    """The value of each data object by tag, in hexadecimal; the last of several.

    Files 21 to 30 are the issuer's own: their records are no data objects, though cardpeek shows them as such.
    """
    found: dict[str, str] = {}
    for node in tree.findall("node"):
        attributes = {each.get("name"): each.text or "" for each in node.findall("attr")}
        if attributes.get("classname") == "file" and int(attributes.get("id", "0")) > LAST_PAYMENT_FILE:
            continue
        if attributes.get("val", "").startswith("8:"):
            found[attributes.get("id", "")] = attributes["val"][2:]
        found.update(values(node))
    return found


@pytest.fixture
def cardpeek(stack: PrivateStack, tmp_path: Path) -> Cardpeek:
    return Cardpeek(stack, tmp_path)


@pytest.mark.parametrize("product", PRODUCTS)
def test_cardpeek_reads_the_payment_application(stack: PrivateStack, cardpeek: Cardpeek, product: str) -> None:
    """It knows no Chinese card: it walks PSE, AID, records, counters and log as with any other."""
    of = load(product)
    with stack.insert(load_card(of)):
        shown = values(cardpeek.read_payment_card())
    signed, track = records(of, "SFI03")[0], records(of, "SFI01")[0]
    assert shown["84"] == AID
    assert bytes.fromhex(shown["50"]).decode("gbk") == of.directory["DEBIT"].label
    assert shown["5A"].rstrip("F") == signed["5A"]
    assert shown["5F24"] == signed["5F24"]
    assert bytes.fromhex(shown["5F20"]).decode("gbk") == track["5F20"]
    assert shown["8C"] == signed["8C"].replace(" ", "")
    assert shown["9F4F"] == of.directory["DEBIT"].data["9F4F"].replace(" ", "")
    assert shown["9F36"] == "0001"
    assert shown["9F17"] == f"{of.directory['DEBIT'].pin['DEBITPIN'].limit:02X}"


# emvtool


def emvtool(stack: PrivateStack, *words: str) -> tuple[int, str]:
    """Its exit code and what it shows, without the frames of its tables."""
    environment = {**stack.environment(), "TERM": "dumb", "COLUMNS": "200"}
    done = subprocess.run([str(EMVTOOL), *words], capture_output=True, text=True, env=environment, timeout=SECONDS)
    return done.returncode, re.sub(r"\x1b[\[(][0-9;]*[A-Za-z]", "", done.stdout) + done.stderr


def with_short_number(data: Mapping[str, str | None]) -> Profile:
    """The debit card with sixteen digits: emvtool breaks on account numbers of odd length, as these cards have them."""
    first, signed = records(load("debit"), "SFI01"), records(load("debit"), "SFI03")
    first[0]["57"] = SHORT_PAN + "D36122200000000000000F"
    signed[0]["5A"] = SHORT_PAN
    return profile("debit", data=data, content={"SFI01": first, "SFI03": signed})


@pytest.mark.parametrize("product", ["debit", "debit-sm"])
def test_emvtool_lists_the_application(stack: PrivateStack, product: str) -> None:
    with stack.insert(load_card(product)):
        code, shown = emvtool(stack, "-r", "0", "listapps")
    assert code == 0
    assert '"PBOC DEBIT"' in shown
    assert "[A0 00 00 03 33 01 01 01]" in shown


def test_emvtool_shows_the_whole_card(stack: PrivateStack) -> None:
    with stack.insert(load_card(with_short_number({}))):
        code, shown = emvtool(stack, "-r", "0", "info")
    assert code == 0, shown
    assert SHORT_PAN in shown
    assert '"YU XIAOYANG"' in shown
    assert re.search(r"pin_retries\s+3", shown)
    assert re.search(r"\[9F 42\].*CNY", shown)


def test_emvtool_begins_a_transaction_and_has_the_pin_verified(stack: PrivateStack) -> None:
    """It offers no values to GET PROCESSING OPTIONS, so the card has no PDOL. A wrong PIN costs a try."""
    with stack.insert(load_card(with_short_number({"9F38": None}))):
        code, shown = emvtool(stack, "-r", "0", "appdata", "0")
        assert code == 0, shown
        assert re.search(r"AIP\s+\[125, 0\]", shown)
        code, shown = emvtool(stack, "-r", "0", "-p", "9999", "cap")
        assert (code, "Invalid PIN" in shown) == (1, True)
        code, shown = emvtool(stack, "-r", "0", "info")
    assert re.search(r"pin_retries\s+2", shown)
    assert re.search(r"\batc\s+2", shown)


# opensc-tool


@pytest.mark.parametrize("product", PRODUCTS)
def test_opensc_tool_reads_the_account_number(stack: PrivateStack, product: str) -> None:
    of = load(product)
    with stack.insert(load_card(of)):
        shown = opensc_tool(stack, "-s", SELECT, "-s", "00B2011C00")
    fci, record = ("".join(hexdump(part)).replace(" ", "") for part in shown.split(ANSWERED)[1:])
    assert AID in fci
    assert f"5A0A{records(of, 'SFI03')[0]['5A']}F" in record
