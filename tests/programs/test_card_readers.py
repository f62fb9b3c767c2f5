"""Debian's own programs take the virtual card for a card: they read its holder's name and its number."""

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Iterator

import pytest

from conformance.actors.key_service import KeyService
from emulator import load_card
from emulator.links.stack import PrivateStack
from profiles import load

pytestmark = pytest.mark.pcsc

READER = "Virtual PCD 00 00"
SSSE = "00 A4 04 00 0F 73 78 31 2E 73 68 2E C9 E7 BB E1 B1 A3 D5 CF"
ANSWERED = "Received (SW1=0x90, SW2=0x00)"
CARD_NUMBER, NAME, NAME_LENGTH = "00 B2 07 2C 0B", "00 B2 02 34 20", 0x1E


def content(product: str, file: str, tag: str) -> str:
    """A value of the profile, the outside reason for what the programs must show."""
    return str(load(product).content["SSSE"][file][tag])


class Scriptor:
    """Debian's scriptor at a terminal of its own, where it shows each answer as it comes."""

    SECONDS = 10.0

    def __init__(self, stack: PrivateStack) -> None:
        self._ours, theirs = pty.openpty()
        self._shown = b""
        self._process = subprocess.Popen(
            ["scriptor", "-r", READER, "-p", "T=0"],
            stdin=subprocess.PIPE,
            stdout=theirs,
            stderr=theirs,
            env=stack.environment(),
        )
        os.close(theirs)

    def send(self, command: str) -> bytes:
        """Send a command and hand out data and status word."""
        assert self._process.stdin is not None
        self._process.stdin.write(command.encode("ascii") + b"\n")
        self._process.stdin.flush()
        answer = self._wait_for(rb"\n< ([0-9A-F \r\n]+) : ")
        return bytes.fromhex(answer.decode("ascii"))

    def _wait_for(self, pattern: bytes) -> bytes:
        """Read on until something appears, and forget all up to there."""
        deadline = time.monotonic() + self.SECONDS
        while (found := re.search(pattern, self._shown)) is None:
            readable, _, _ = select.select([self._ours], [], [], max(0.0, deadline - time.monotonic()))
            assert readable, f"scriptor says no more than {self._shown!r}"
            self._shown += os.read(self._ours, 4096)
        self._shown = self._shown[found.end() :]
        return found.group(1)

    def close(self) -> None:
        """End it as Ctrl-D does."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._ours)


@pytest.fixture
def scriptor(stack: PrivateStack) -> Iterator[Scriptor]:
    with stack.insert(load_card("ssc3-sm4")):
        program = Scriptor(stack)
        yield program
        program.close()


def test_scriptor_reads_name_and_number_after_authentication(scriptor: Scriptor) -> None:
    """A 3.00 card shows its holder only to who proves RKSSSE, over a challenge of this very session."""
    assert scriptor.send(SSSE)[:1] == b"\x61"
    assert scriptor.send(NAME) == bytes.fromhex("6982")
    challenge = scriptor.send("00 84 00 00 08")[:8]
    profile = load("ssc3-sm4")
    data = KeyService(profile, profile.chip.historical).external_authentication("RKSSSE", challenge)
    assert scriptor.send(f"00 82 00 0A 11 {data.hex(' ')}") == bytes.fromhex("9000")
    name = scriptor.send(NAME)
    expected = content("ssc3-sm4", "EF06", "09").encode("gbk")
    assert name == b"\x09\x1e" + expected.ljust(NAME_LENGTH, b"\0") + b"\x90\x00"
    number = content("ssc3-sm4", "EF05", "07").encode("ascii")
    assert scriptor.send(CARD_NUMBER) == b"\x07\x09" + number + b"\x90\x00"


def opensc_tool(stack: PrivateStack, *words: str) -> str:
    """What opensc-tool prints; tried again when it finds no card, as on a busy machine right after an insertion."""
    for _ in range(3):
        done = subprocess.run(
            ["opensc-tool", "-r", READER, *words],
            capture_output=True,
            text=True,
            env=stack.environment(),
            timeout=20,
        )
        if done.returncode == 0:
            return done.stdout
    raise AssertionError(f"opensc-tool: {done.stderr}")


def test_opensc_tool_reads_name_and_number_of_a_version_2_card(stack: PrivateStack) -> None:
    """On a 2.00 card both are free; opensc-tool has the reader from PC/SC and shows printable bytes."""
    with stack.insert(load_card("ssc2-3des")):
        commands = [word for command in (SSSE, CARD_NUMBER, NAME) for word in ("-s", command.replace(" ", ""))]
        shown = opensc_tool(stack, *commands)
    answers = [bytes.fromhex("".join(hexdump(block))) for block in shown.split(ANSWERED)[1:]]
    assert answers[1] == b"\x07\x09" + content("ssc2-3des", "EF05", "07").encode("ascii")
    assert answers[2][2:].rstrip(b"\0").decode("gbk") == content("ssc2-3des", "EF06", "09")


def hexdump(block: str) -> list[str]:
    """The hexadecimal columns of a dump, up to sixteen bytes a line."""
    found = []
    for line in block.split("Sending:")[0].splitlines()[1:]:
        match = re.match(r"((?:[0-9A-F]{2} ){1,16})", line)
        if match:
            found.append(match.group(1))
    return found


def test_pcsc_scan_shows_the_reset_answer(stack: PrivateStack) -> None:
    """pcsc_scan shows the card with its ATR as soon as it is in."""
    with stack.insert(load_card("ssc3-sm4")):
        scan = subprocess.run(
            ["timeout", "2", "pcsc_scan", "-n"], capture_output=True, text=True, env=stack.environment()
        ).stdout
    assert "Card inserted" in scan
    assert load_card("ssc3-sm4").reset().hex(" ").upper() in scan
