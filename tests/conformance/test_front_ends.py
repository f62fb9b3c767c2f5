"""``sscard certify`` and the pytest plugin: the same cases, the same verdicts, documented exit codes, no traceback."""

import json
import os
import re
import signal
import socketserver
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from conformance import events
from conformance.faults import FAULTS
from emulator import load_card
from emulator.links.stack import PrivateStack
from sscard import main
from tests.links.fixtures import stack

__all__ = ["stack"]

PLUGIN = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs", "conformance.suites"]
PLUGIN += ["--sscard-in-process"]
HEAD = 'format = 1\nname = "own"\nextends = "ssc3-sm4"\ntitle = { zh = "自有", en = "own" }\n'
KEY_AWAY = f'{HEAD}[test_keys.value]\n"UKSSSE.1" = "env:SSCARD_ABSENT"\n'
MISSPELT = f'{HEAD}features = ["mode 1", "contactles"]\n'
GONE = """
from conformance.engine import Engine
from conformance.failures import BenchError
from conformance.targets.in_process import InProcessTarget
def gone(target, command):
    raise BenchError("the card is gone")
real = Engine.run_case
def without_card(engine, suite, case):
    InProcessTarget.transmit = InProcessTarget.reset = gone
    return real(engine, suite, case)
Engine.run_case = without_card
"""
SSCARD = [sys.executable, "-m", "sscard"]


def sscard(*words: str, cwd: Path, **more) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*SSCARD, *words], capture_output=True, text=True, cwd=cwd, timeout=120, **more)
    assert "Traceback" not in done.stderr + done.stdout
    return done


def verdicts(log: Path) -> dict[str, str]:
    """Verdicts by case, as the event log tells."""
    with log.open(encoding="utf-8") as lines:
        return {e.case: e.verdict for e in events.read(lines) if isinstance(e, events.CaseFinished)}


def test_certify_and_pytest_say_the_same(tmp_path):
    only = [word for area in ("ATR/", "SEL/", "PIN/") for word in ("--only", area)]
    certified = sscard("certify", "--in-process", *only, "--out", "certify", "--json", cwd=tmp_path)
    told = json.loads(certified.stdout)
    assert told["exit_code"] == certified.returncode == 2  # a part of the cases settles no statement
    assert told["unsettled"] > 100
    plugin = subprocess.run(
        [*PLUGIN, "--sscard-out", "plugin", "-k", "ATR or SEL or PIN"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=180,
    )
    assert plugin.returncode == 0, plugin.stdout
    by_pytest = verdicts(tmp_path / "plugin" / "run.ndjson")
    by_certify = verdicts(tmp_path / "certify" / "run.ndjson")
    assert len(by_certify) > 100
    assert by_certify.items() <= by_pytest.items()
    for folder in ("plugin", "certify"):
        assert (tmp_path / folder / "report.html").stat().st_size > 10_000


def test_a_broken_card_is_not_conformant_and_the_reason_is_told(tmp_path):
    fault = FAULTS["pin.no-decrement"]
    done = sscard("certify", "--in-process", "--fault", fault.name, "--only", "PIN/", "--out", "out", cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert "✗ PIN/" in done.stderr
    assert re.search(r"SSC-PIN-\d+ .*期望 expected \S.*, 实际 received \S", done.stderr)
    plugin = subprocess.run(
        [*PLUGIN, "--sscard-fault", fault.name, "-k", "PIN"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=180,
    )
    assert plugin.returncode == 1
    assert any(name in plugin.stdout for name in fault.requirements)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--profile", "no-such-card"], 2, "no-such-card"),
        (["--profile", "missing.toml"], 2, "missing.toml"),
        (["--reader", "x", "--in-process"], 2, "exclude each other"),
        (["--in-process", "--expect-card", "xyz"], 2, "not hexadecimal"),
        (["--in-process", "--only", "NOTHING/"], 2, "no case begins with NOTHING/"),
        (["--in-process", "--only", "ATR/", "--only", "NOTHING/"], 2, "no case begins with NOTHING/"),
        (
            ["--in-process", "--profile", KEY_AWAY],
            2,
            "root key UKSSSE.1: environment variable SSCARD_ABSENT is not set",
        ),
        (
            ["--in-process", "--profile", MISSPELT],
            2,
            "'contactles' is no optional function of the catalogues; did you mean",
        ),
        (["--in-process", "--fault", "no-such-fault"], 2, "no-such-fault"),
        (["--in-process", "--unmask", " "], 2, "needs a reason"),
        (["--in-process", "--level", "thorough"], 2, "thorough"),
        (["--in-process", "--expect-card", "11", "--only", "ATR/"], 3, "is 500000D156000005"),
        (["--in-process", "--only", "ATR/form", "--out", "/proc/nowhere"], 2, "cannot be written"),
    ],
)
def test_wrong_use_is_one_sentence(tmp_path, words, code, sentence):
    if words[-1].startswith(HEAD):
        (tmp_path / "own.toml").write_text(words[-1], "utf-8")
        words = [*words[:-1], "own.toml"]
    done = sscard("certify", *words, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert sentence in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--sscard-profile", "no-such-card"], 2, "no-such-card"),
        (["--sscard-fault", "no-such-fault"], 2, "no-such-fault"),
        (["--sscard-out", "/proc/nowhere"], 2, "cannot be written there"),
        (["--sscard-reader", "x"], 2, "needs --sscard-expect-card"),
        (["--sscard-reader", "x", "--sscard-expect-card", "50"], 3, "the bench failed: PC/SC cannot be reached"),
    ],
)
def test_a_pytest_session_without_a_run_ends_with_one_sentence(tmp_path, words, code, sentence):
    where = {**os.environ, "PCSCLITE_CSOCK_NAME": str(tmp_path / "nobody")}
    done = subprocess.run([*PLUGIN, *words], capture_output=True, text=True, cwd=tmp_path, timeout=120, env=where)
    assert done.returncode == code, done.stdout
    assert done.stdout.count(sentence) == 1
    assert "error" not in done.stdout  # of collection, one a suite


def test_a_full_disk_is_no_verdict_on_the_card(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.ndjson").symlink_to("/dev/full")
    done = sscard("certify", "--in-process", "--only", "ATR/form", "--out", "out", cwd=tmp_path)
    assert (done.returncode, "could not be written to its end (No space left" in done.stderr) == (3, True)


def test_a_full_disk_ends_a_pytest_session_as_a_bench_that_failed(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.ndjson").symlink_to("/dev/full")
    words = [*PLUGIN, "--sscard-out", "out", "-k", "ATR/form"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 3, done.stdout
    assert "the bench failed: out: the report could not be written to its end (No space left on device)" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_card_that_goes_in_the_last_case_ends_a_pytest_session_as_a_bench_that_failed(tmp_path):
    (tmp_path / "conftest.py").write_text(GONE, "utf-8")
    words = [sys.executable, "-m", "pytest", "-p", "conftest", *PLUGIN[3:], "-k", "PIN/reload-blocked/BV"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 3, done.stdout
    assert "the bench failed: the card is gone" in done.stderr


def test_failures_are_in_the_result_as_json(tmp_path):
    words = ["--in-process", "--fault", "acc.and-as-or", "--only", "ACC/DF04-EF06-read/BO", "--json"]
    done = sscard("certify", *words, cwd=tmp_path)
    (failure,) = json.loads(done.stdout)["failures"]
    assert (
        failure.items() >= {"case": "ACC/DF04-EF06-read/BO", "requirement": "SSC-ACC-055", "expected": "6982"}.items()
    )


def test_a_mistake_of_the_program_is_no_verdict_on_the_card(monkeypatch, capsys):
    def broken() -> None:
        raise ZeroDivisionError("by chance")

    monkeypatch.setattr("sscard.app", broken)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 3
    assert "a mistake of sscard itself" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [("read", "--image"), ("profile", "validate"), ("settle", "medical", "--total", "1", "--books")]
)
def test_a_path_of_which_nothing_can_be_told_is_wrong_use(tmp_path, words):
    """As one in a folder that its owner has closed to others."""
    done = sscard(*words, "x" * 300, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"sscard: {'x' * 300}: File name too long; name another path, or get the right to it\n"


def test_ctrl_c_leaves_a_report(tmp_path):
    running = subprocess.Popen(
        [*SSCARD, "certify", "--in-process", "--level", "official", "--out", "out"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    log = tmp_path / "out" / "run.ndjson"
    deadline = time.monotonic() + 30
    while not (log.exists() and log.stat().st_size > 50_000):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 2
    assert "Traceback" not in told
    with log.open(encoding="utf-8") as lines:
        last = list(events.read(lines))[-1]
    assert isinstance(last, events.RunFinished)
    assert last.interrupted
    assert (tmp_path / "out" / "report.html").exists()


@pytest.mark.pcsc
def test_a_card_in_a_reader_is_tested_only_by_its_name(tmp_path, stack: PrivateStack):
    environment = stack.environment()
    missing = sscard("certify", "--reader", "No Such Reader", "--expect-card", "50", cwd=tmp_path, env=environment)
    assert missing.returncode == 3
    assert "no reader 'No Such Reader'" in missing.stderr
    card = load_card("ssc3-sm4")
    with stack.insert(card):
        unnamed = sscard("certify", "--reader", "00 00", cwd=tmp_path, env=environment)
        assert unnamed.returncode == 2
        identification = unnamed.stderr.split("The card there shows ")[1].split(".")[0]
        assert identification.startswith("500000D156000005")
        named = ["certify", "--reader", "00 00", "--expect-card", identification]
        done = sscard(*named, "--only", "ATR/", "--only", "ACC/", "--out", "out", cwd=tmp_path, env=environment)
    assert done.returncode == 2
    found = verdicts(tmp_path / "out" / "run.ndjson")
    assert set(found.values()) <= {"pass", "not applicable", "not run"}
    assert list(found.values()).count("pass") > 50


@pytest.mark.pcsc
def test_a_physical_card_is_left_as_it_was(tmp_path, stack: PrivateStack):
    """Without --destructive every value that a case changes is written back; transactions leave their traces."""
    card = load_card("ssc3-sm4")
    before = card.snapshot()
    with stack.insert(card):
        done = sscard(
            *["certify", "--reader", "00 00", "--expect-card", "500000D1", "--out", "out", "--json"],
            cwd=tmp_path,
            env=stack.environment(),
        )
    assert done.returncode in (0, 2), done.stderr
    changed = {name: value for name, value in card.snapshot().items() if before.get(name) != value}
    logs = {"file:DF04/TF", "file:DF04/EF08", "file:DF04/EF15", "file:DF02/EF07", "file:DF02/EF16"}
    transactions = {"data:DEBIT:9F36", "data:DEBIT:9F13", "file:DEBIT/LOG", "file:DEBIT/LOADLOG"}
    counters = {name for name in before if name.startswith("counter:DEBIT:")}
    assert changed.keys() <= logs | transactions | counters


@pytest.mark.pcsc
def test_a_card_pulled_out_is_an_error_of_the_bench(tmp_path, stack: PrivateStack):
    link = stack.insert(load_card("ssc3-sm4"))
    words = ["certify", "--reader", "00 00", "--expect-card", "500000D1", "--out", "out"]
    running = subprocess.Popen(
        [*SSCARD, *words],
        cwd=tmp_path,
        env=stack.environment(),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    log = tmp_path / "out" / "run.ndjson"
    deadline = time.monotonic() + 30
    while not (log.exists() and log.stat().st_size > 200_000):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    link.stop()
    _, told = running.communicate(timeout=60)
    assert running.returncode == 3, told
    assert "Traceback" not in told
    assert (tmp_path / "out" / "report.html").exists()


class PulledInACommand:
    """A card that leaves the reader while it works on its n-th command."""

    def __init__(self, card, commands: int) -> None:
        self._card = card
        self._left = commands
        self.leave = lambda: None
        self.reset, self.power_off = card.reset, card.power_off

    def transmit(self, command: bytes) -> bytes:
        self._left -= 1
        if self._left == 0:
            threading.Thread(target=self.leave).start()
            time.sleep(0.2)
        return self._card.transmit(command)


@pytest.mark.pcsc
def test_a_card_pulled_in_the_middle_of_a_command_has_not_failed(tmp_path, stack: PrivateStack):
    """PC/SC tells an answer without data first and the removal later; the verdict must wait for it."""
    card = PulledInACommand(load_card("ssc3-sm4"), 40)
    link = stack.link(card)
    card.leave = link.remove
    with link:
        link.wait_until_powered()
        words = ["certify", "--reader", "00 00", "--expect-card", "500000D1", "--out", "out"]
        done = sscard(*words, cwd=tmp_path, env=stack.environment())
    assert done.returncode == 3, done.stderr
    assert "fail" not in verdicts(tmp_path / "out" / "run.ndjson").values()


def test_emulate_and_doctor_tell_their_wrong_use(tmp_path):
    both = sscard("emulate", "--port", "1", "--reader", "x", cwd=tmp_path)
    assert (both.returncode, "leave --reader" in both.stderr) == (2, True)
    spoilt = sscard("emulate", "--image", "card.sscard", "--fault", "pin.no-decrement", cwd=tmp_path)
    assert (spoilt.returncode, (tmp_path / "card.sscard").exists()) == (2, False)
    nobody = sscard("emulate", "--port", "1", cwd=tmp_path)
    assert (nobody.returncode, "port 1" in nobody.stderr) == (3, True)
    broken = tmp_path / "broken.toml"
    broken.write_text("format = [")
    wrong = sscard("emulate", "--profile", str(broken), cwd=tmp_path)
    assert (wrong.returncode, "broken.toml" in wrong.stderr) == (2, True)
    examined = sscard("doctor", "--json", cwd=tmp_path)
    assert examined.returncode in (0, 3)
    assert json.loads(examined.stdout)["pcsc"] is (examined.returncode == 0)


def test_emulate_does_not_claim_a_slot_that_another_card_has(tmp_path):
    """A second connection waits in vpcd's queue: it stands, and the reader never asks the card anything."""
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as taken:
        done = sscard("emulate", "--port", str(taken.server_address[1]), cwd=tmp_path)
    assert (done.returncode, "is another card in this slot?" in done.stderr) == (3, True)
    assert "Ctrl-C takes it out" not in done.stdout


def test_emulate_says_that_an_image_keeps_a_card_of_another_product(tmp_path):
    load_card("ssc2-3des", tmp_path / "old.img").memory.close()
    done = sscard("emulate", "--port", "1", "--image", "old.img", "--profile", "ssc3-sm4", cwd=tmp_path)
    assert done.stderr.startswith("sscard emulate: old.img keeps a card of ssc2-3des, not of ssc3-sm4")


@pytest.mark.pcsc
def test_emulate_ends_politely_and_keeps_its_image(tmp_path):
    """The card sits in a private reader; SIGTERM takes it out, and the image can be opened again."""
    words = ["emulate", "--stack", "private", "--image", "card.sscard", "--profile", "ssc2-3des"]
    running = subprocess.Popen([*SSCARD, *words], cwd=tmp_path, stdout=subprocess.PIPE, text=True, env={**os.environ})
    assert running.stdout is not None
    line = ""
    while "Ctrl-C takes it out" not in line:
        line = running.stdout.readline()
        assert line
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=20)
    assert running.returncode == 0
    again = load_card("ssc3-sm4", tmp_path / "card.sscard")
    assert again.structure.product == "ssc2-3des"
    again.memory.close()


@pytest.mark.pcsc
def test_emulate_puts_a_module_into_the_other_slot(tmp_path):
    """The terminal number of the PSAM is read beside the card's own reset answer, and the trace tells of both."""
    words = ["emulate", "--stack", "private", "--profile", "ssc3-sm4", "--sam", "psam-sm4"]
    running = subprocess.Popen([*SSCARD, *words], cwd=tmp_path, stdout=subprocess.PIPE, text=True, env={**os.environ})
    assert running.stdout is not None
    told = ""
    while "Ctrl-C takes it out" not in told:
        line = running.stdout.readline()
        assert line
        told += line
    socket = re.search(r"PCSCLITE_CSOCK_NAME=(\S+)", told)
    assert socket is not None
    reading = ["opensc-tool", "-r", "Virtual PCD 00 01", "-s", "00B0960006"]
    environment = {**os.environ, "PCSCLITE_CSOCK_NAME": socket[1]}
    while (shown := subprocess.run(reading, capture_output=True, text=True, env=environment, timeout=30)).returncode:
        assert "not present" in shown.stderr  # until pcscd has seen the insertion
    running.send_signal(signal.SIGTERM)
    told += running.communicate(timeout=20)[0]
    assert "50 00 00 00 00 02" in shown.stdout, shown.stderr
    assert running.returncode == 0
    assert "PSAM" in told
    assert "READ BINARY" in told


def test_emulate_needs_a_slot_for_the_module(tmp_path):
    done = sscard("emulate", "--port", "35963", "--sam", "psam-sm4", cwd=tmp_path)
    assert (done.returncode, "leave --port away" in done.stderr) == (2, True)
    done = sscard("emulate", "--sam", "psam-sm5", cwd=tmp_path)
    assert (done.returncode, "psam-sm5" in done.stderr) == (2, True)
