"""Processes of a soak that are killed (SIGKILL) at any moment: cards, and stations."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from conformance.actors.station import Step

LOOPBACK = "127.0.0.1"
LISTENING = "0A"
LOOK_EVERY = 0.02
REQUEST = "REQUEST"
"""Step of a station that has told of none yet."""
STEPS = {f"{step.zh} {step.en}": step.name for step in Step}


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.create_server((LOOPBACK, 0)) as probe:
        return int(probe.getsockname()[1])


def is_listening(port: int) -> bool:
    """Whether a reader waits for a card there; asked of the kernel, for a connection would be a card."""
    try:
        rows = Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]
    except OSError:  # a system without it: the card finds out
        return True
    wanted = f":{port:04X}"
    return any(row.split()[1].endswith(wanted) and row.split()[3] == LISTENING for row in rows)


def _dies_with_us() -> list[str]:
    """What lets a program end when this process does, whatever ends it; nothing where the machine has no setpriv."""
    found = shutil.which("setpriv")
    return [] if found is None else [found, "--pdeathsig", "KILL", "--"]


class Child:
    """A process that may be killed from any thread."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [*_dies_with_us(), sys.executable, "-m", "sscard", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        self.killed = False

    def kill(self) -> bool:
        """End it at once; answers whether it was still alive."""
        if self.process.poll() is not None:
            return False
        self.killed = True
        self.process.kill()
        return True


class CardInSlot:
    """A card as a process of its own, ``sscard emulate``, that is put back into its slot whenever it died."""

    def __init__(self, image: Path, port: int, said: Callable[[str], None]) -> None:
        self._words = ("emulate", "--image", str(image), "--port", str(port), "--quiet")
        self._port = port
        self._said = said
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._thread = threading.Thread(target=self._keep, name="card", daemon=True)

    def __enter__(self) -> CardInSlot:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._over.set()
        with self._lock:
            if self._child is not None:
                self._child.kill()
        self._thread.join()

    def _keep(self) -> None:
        while not self._over.is_set():
            if not is_listening(self._port):
                self._over.wait(LOOK_EVERY)
                continue
            with self._lock:
                if self._over.is_set():
                    return
                child = self._child = Child(self._words)
            output, _ = child.process.communicate()
            self._said(output)

    def kill(self) -> bool:
        """End the card's process at once, as when its supply is gone."""
        with self._lock:
            return self._child is not None and self._child.kill()


class StationRun:
    """One run of a station's command; tells in which step it is."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str]) -> None:
        self.step = REQUEST
        self._child = Child(words, environment)

    def kill(self) -> bool:
        """End it at once."""
        return self._child.kill()

    @property
    def killed(self) -> bool:
        """Whether it was killed."""
        return self._child.killed

    def wait(self, said: Callable[[str], None]) -> int:
        """Read what it says until it ends; answers its exit code, below zero where it was killed."""
        for line in self._child.process.stdout or ():
            said(line)
            _, found, name = line.partition("… ")
            self.step = STEPS.get(name.strip(), self.step) if found else self.step
        return self._child.process.wait()
