"""Stacks of pcscd and vpcd: what they start, what they show, and that they leave nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import emulator
from emulator.links import pcsclite
from emulator.links.card import NullCard
from emulator.links.stack import PrivateStack, StackError, StackOffer, SystemStack, available_stacks, open_stack
from emulator.links.vpcd import LinkError, LinkEvent, VpcdLink
from tests.links.fake import Witness
from tests.links.fixtures import PcscClient

pytestmark = pytest.mark.pcsc

SELECT = bytes.fromhex("00A40000023F00")
SECONDS = 10.0
ROOT = Path(emulator.__file__).parent.parent


def processes_with(word: str) -> list[int]:
    """Return the processes on whose command line the word stands."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue  # it ended while we looked
    return found


def wait_until_gone(*pids: int) -> None:
    deadline = time.monotonic() + SECONDS
    while alive := [pid for pid in pids if Path(f"/proc/{pid}/stat").exists() and not is_zombie(pid)]:
        assert time.monotonic() < deadline, f"still there: {alive}"
        time.sleep(0.01)


def is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def run_alone(program: str) -> str:
    """Run a Python program on a machine of its own, as far as pcscd can tell: nothing in /run, no network."""
    preamble = "from emulator.links import supervisor\nsupervisor.mount_memory('/run'); supervisor.raise_loopback()\n"
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    command = ["unshare", *user, "--mount", "--net", "--", sys.executable, "-c", preamble + program]
    environment = {name: value for name, value in os.environ.items() if name != pcsclite.SOCKET_VARIABLE}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, cwd=ROOT, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_names_are_those_that_pcscd_shows() -> None:
    with PrivateStack(3) as stack:
        client = PcscClient()
        assert tuple(client.readers()) == stack.reader_names
        client.close()
    assert stack.reader_names == (
        "Virtual PCD 00 00",
        "Virtual PCD 00 01",
        "Virtual PCD 2 00 00",
        "Virtual PCD 2 00 01",
        "Virtual PCD 3 00 00",
        "Virtual PCD 3 00 01",
    )


def test_as_many_readers_as_pcscd_can_hold() -> None:
    with PrivateStack(8) as stack:
        client = PcscClient()
        assert len(set(client.readers())) == 16
        client.close()
        assert stack.pcscd_pid


@pytest.mark.parametrize("readers", [0, 9])
def test_more_or_fewer_are_refused(readers: int) -> None:
    with pytest.raises(ValueError, match="1 to 8 readers"):
        PrivateStack(readers)


def test_each_slot_of_two_readers_holds_its_own_card() -> None:
    with PrivateStack(2) as stack:
        for slot in range(4):
            stack.link(NullCard(bytes([0x90, slot]), bytes([0x3B, 0x61, 0, 0, slot])), slot).start()
        for slot, name in enumerate(stack.reader_names):
            client = PcscClient().connect(name)
            assert client.wait(name)[-1] == slot
            assert client.transmit(SELECT) == bytes([0x90, slot])
            client.close()


def test_two_stacks_side_by_side_in_one_process() -> None:
    with PrivateStack() as first, PrivateStack() as second:
        clients = []
        for number, stack in enumerate((first, second)):
            stack.activate()
            stack.link(NullCard(bytes([0x90, number]))).start()
            clients.append(PcscClient())
        for number, client in enumerate(clients):
            assert client.connect("Virtual PCD 00 00").transmit(SELECT) == bytes([0x90, number])
            client.close()


def test_stacks_one_after_another_in_one_process() -> None:
    seen = []
    for number in range(3):
        with PrivateStack() as stack, stack.link(NullCard(bytes([0x90, number]))):
            client = PcscClient().connect("Virtual PCD 00 00")
            seen.append(client.transmit(SELECT)[1])
            client.close()
    assert seen == [0, 1, 2]


def test_card_returns_after_pcscd_was_started_again(stack: PrivateStack) -> None:
    events = []
    with stack.insert(NullCard(), on_event=lambda event, words: events.append(event)):
        before = stack.pcscd_pid
        stack.stop_pcscd()
        with pytest.raises(StackError, match="pcscd does not answer"):
            stack.activate()
        stack.start_pcscd()
        assert stack.pcscd_pid != before
        client = PcscClient().connect(stack.reader_names[0])
        assert client.transmit(SELECT) == b"\x90\x00"
        client.close()
    assert events == [LinkEvent.INSERTED, LinkEvent.LOST, LinkEvent.INSERTED, LinkEvent.STOPPED]


def test_stop_ends_pcscd_and_keeper() -> None:
    stack = PrivateStack().start()
    pids = [stack.pcscd_pid, int(stack.socket_path.parts[2])]
    assert all(Path(f"/proc/{pid}").exists() for pid in pids)
    stack.stop()
    stack.stop()
    wait_until_gone(*pids)
    with pytest.raises(StackError, match="does not run"):
        _ = stack.socket_path


def test_stop_takes_the_cards_out() -> None:
    events = []
    with PrivateStack() as stack:
        stack.link(NullCard(), 0, on_event=lambda event, words: events.append(event)).start()
        stack.link(NullCard(), 1, on_event=lambda event, words: events.append(event)).start()
    assert events.count(LinkEvent.STOPPED) == 2


def test_start_twice_is_an_error(stack: PrivateStack) -> None:
    with pytest.raises(StackError, match="runs already"):
        stack.start()


def test_log_tells_what_pcscd_said(stack: PrivateStack) -> None:
    with stack.insert(NullCard()):
        client = PcscClient().connect(stack.reader_names[0])
        with pytest.raises(Exception, match="Transaction failed"):
            client.transmit(bytes(65536))
        client.close()
    assert "Card not transacted" in stack.log


PARENT = """
import time
from emulator.links.stack import PrivateStack
stack = PrivateStack().start()
print(stack.pcscd_pid, int(stack.socket_path.parts[2]), flush=True)
time.sleep(60)
"""


@pytest.fixture
def parent() -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A process with a stack; and the processes of the stack."""
    child = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    )
    assert child.stdout
    yield child, [int(pid) for pid in child.stdout.readline().split()]
    child.kill()
    child.communicate()


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_when_the_parent_dies(
    parent: tuple[subprocess.Popen[str], list[int]], signal_number: signal.Signals
) -> None:
    child, pids = parent
    assert len(pids) == 2
    child.send_signal(signal_number)
    child.wait(SECONDS)
    wait_until_gone(*pids)


def test_pcscd_dies_with_its_keeper(parent: tuple[subprocess.Popen[str], list[int]]) -> None:
    _, (pcscd, keeper) = parent
    os.kill(keeper, signal.SIGKILL)
    wait_until_gone(pcscd, keeper)


def test_link_outlives_the_death_of_the_keeper() -> None:
    events = Witness()
    stack = PrivateStack().start()
    stack.insert(NullCard(), on_event=events)
    os.kill(int(stack.socket_path.parts[2]), signal.SIGKILL)
    events.wait_for(LinkEvent.LOST)
    stack.stop()
    assert events.kinds()[-1] is LinkEvent.STOPPED


def test_slot_that_is_taken_refuses_the_card(stack: PrivateStack, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = VpcdLink.wait_until_powered
    monkeypatch.setattr(VpcdLink, "wait_until_powered", lambda link: waiting(link, 1.0))
    events = Witness()
    with stack.insert(NullCard()):
        with pytest.raises(LinkError, match="Virtual PCD 00 00 did not take the card within 1 seconds"):
            stack.insert(NullCard(), on_event=events)
        assert events.kinds() == [LinkEvent.STOPPED]


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pcsclite, "find_pcscd", lambda: None)
    monkeypatch.setattr(pcsclite, "find_driver", lambda: None)
    with pytest.raises(StackError, match="apt-get install pcscd vsmartcard-vpcd"):
        PrivateStack().start()
    monkeypatch.setattr(SystemStack, "offer", lambda: StackOffer("running pcscd", False, "start it"))
    with pytest.raises(StackError, match=r"No PC/SC stack can be had\. private pcscd: Not installed.*: start it"):
        open_stack()


def test_pcscd_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pcsclite, "find_pcscd", lambda: Path("/bin/false"))
    with pytest.raises(StackError, match=r"pcscd ended with status 1: it said nothing"):
        PrivateStack().start()
    monkeypatch.setattr(pcsclite, "find_pcscd", lambda: Path("/bin/ls"))
    with pytest.raises(StackError, match=r"pcscd ended with status 2: .*--foreground"):
        PrivateStack().start()


def test_user_without_namespaces_hears_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PrivateStack, "_unshare", staticmethod(lambda: ["unshare", "--no-such-option"]))
    offer = PrivateStack.offer()
    assert not offer.usable
    assert "no-such-option" in offer.why
    assert "allow user namespaces" in offer.why
    with pytest.raises(StackError, match=r"can't be started: unshare: .*no-such-option"):
        PrivateStack().start()


def test_children_reach_the_stack_by_its_environment() -> None:
    with PrivateStack() as first, PrivateStack(2):
        done = subprocess.run(
            ["pcsc_scan", "-r"], env=first.environment(), capture_output=True, text=True, timeout=SECONDS, check=False
        )
    assert "Virtual PCD 00 01" in done.stdout
    assert "Virtual PCD 2" not in done.stdout


def test_inside_is_where_vpcd_listens(stack: PrivateStack) -> None:
    program = "import socket; socket.create_connection(('127.0.0.1', 35963)); print('reached')"
    done = subprocess.run(
        stack.inside([sys.executable, "-c", program]), capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.stdout == "reached\n", done.stderr


def test_stack_made_after_pc_sc_was_used_is_an_error_not_a_riddle() -> None:
    output = run_alone(
        "from emulator.links import pcsclite\n"
        "from emulator.links.stack import *\n"
        "try: pcsclite.list_readers()\n"
        "except pcsclite.PcscError as error: print(error)\n"
        "try: PrivateStack().start()\n"
        "except StackError as error: print(error)\n"
    )
    first, second = output.splitlines()
    assert "is it running?" in first
    assert second.startswith("The private pcscd can't be used")


USE = """
with stack:
    with stack.insert(NullCard()):
        client = PcscClient().connect("Virtual PCD 00 00")
        print(client.transmit(bytes(5)).hex())
        client.close()
"""
IMPORTS = """
import sys, subprocess, time

from tests.links.fixtures import PcscClient
from emulator.links.card import NullCard
from emulator.links import pcsclite
from emulator.links.stack import *
"""


def test_stack_started_in_the_open() -> None:
    output = run_alone(
        IMPORTS
        + "print([offer.usable for offer in available_stacks()])\n"
        + "stack = StartedStack()\n"
        + USE
        + "print(pcsclite.SOCKET.exists(), pcsclite.answers(pcsclite.SOCKET))\n"
    )
    assert output.splitlines()[:2] == ["[True, False, True]", "9000"]
    assert output.splitlines()[2].endswith("False")


def test_pcscd_that_runs_already() -> None:
    output = run_alone(
        IMPORTS
        + "pcscd = subprocess.Popen([pcsclite.find_pcscd(), '-f'])\n"
        + "while not SystemStack.offer().usable: time.sleep(0.01)\n"
        + "print([offer.usable for offer in available_stacks()])\n"
        + "stack = SystemStack()\n"
        + USE
        + "print(pcscd.poll())\npcscd.kill()\n"
    )
    assert output.splitlines() == ["[True, True, False]", "9000", "None"]


def test_machine_without_pcscd_is_told_so() -> None:
    output = run_alone(
        IMPORTS
        + "try: SystemStack().start()\nexcept StackError as error: print(error)\nprint(SystemStack.offer().why)\n"
    )
    assert output.count("start it with `pcscd`") == 2


def test_ordinary_user_gets_a_private_stack() -> None:
    """Root tries as user 65534, with Debian's Python: that user may not reach ours. Others are ordinary users already."""
    program = (
        "from emulator.links.card import NullCard; from emulator.links import pcsclite; from emulator.links.stack import *\n"
        "print([offer.usable for offer in available_stacks()])\n"
        "with PrivateStack() as stack, stack.insert(NullCard()) as link: print(pcsclite.list_readers())\n"
    )
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)
        shutil.copytree(ROOT / "emulator", folder / "emulator", ignore=shutil.ignore_patterns("__pycache__"))
        user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        done = subprocess.run(
            [*user, "/usr/bin/python3", "-c", program],
            capture_output=True, text=True, timeout=SECONDS, cwd=folder, check=False, env={"PATH": "/usr/bin:/bin"},
        )  # fmt: skip
    finally:
        shutil.rmtree(folder)
    assert done.stdout.splitlines() == ["[True, False, False]", "['Virtual PCD 00 00', 'Virtual PCD 00 01']"], (
        done.stderr
    )


def test_best_stack_is_private() -> None:
    assert [offer.name for offer in available_stacks()] == [
        "private pcscd",
        "running pcscd",
        "pcscd started for the run",
    ]
    with open_stack(readers=2) as stack:
        assert isinstance(stack, PrivateStack)
        assert len(stack.reader_names) == 4
