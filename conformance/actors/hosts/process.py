"""A host as a process of its own, which can be started, stopped, killed and started again on the same books."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Self

from conformance.actors.hosts.address import TOKEN_VARIABLE, Address, Token
from conformance.actors.hosts.client import USUAL_PATIENCE, Patience, RemoteLine

START_PATIENCE, END_PATIENCE = 30.0, 10.0
"""Seconds until a host has to listen, and until it has to be gone after it was asked to end."""


class HostFailed(Exception):
    """A host did not start; the message holds what it said."""


class HostProcess:
    """``sscard serve``, as a child of this process, which it never outlives.

    Args:
        kind: ``bank``, ``centre``, ``keys`` or ``authority``.
        address: Where it shall listen; of port 0 the one that it found stays when it is started again.
        options: Its other options, such as ``("--books", "bank.db")``.
        token: What it asks callers for; it gets it in its environment.
        environment: What its environment has besides.
    """

    def __init__(
        self,
        kind: str,
        address: Address,
        options: Sequence[str | Path] = (),
        *,
        token: Token | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.kind = kind
        self.address = address
        self._options = [str(each) for each in options]
        self._token = token
        self._environment = dict(environment or {})
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it, and wait until it listens.

        Raises:
            HostFailed: It ended, or does not listen in time.
        """
        if self._child is not None:
            raise HostFailed(f"the {self.kind} is running already")
        where = (
            ["--port", str(self.address.port)] if self.address.path is None else ["--socket", str(self.address.path)]
        )
        command = [sys.executable, "-m", "sscard", "serve", self.kind, *where, *self._options, "--json", "--until-eof"]
        environment = {**os.environ, **self._environment}
        if self._token is not None:
            environment[TOKEN_VARIABLE] = self._token.value
        # What it says goes into a file: nobody reads a pipe while it works, and a full one would hold it up.
        with tempfile.TemporaryFile() as said:
            pipe = subprocess.PIPE
            self._child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=said, env=environment)  # noqa: S603
            told = self._first_line(self._child.stdout)
            if not told:
                raise HostFailed(f"the {self.kind} did not start: {self._last_words(said)}")
        self.address = Address.parse(json.loads(told)["address"])
        return self

    @staticmethod
    def _first_line(pipe: IO[bytes] | None) -> bytes:
        if pipe is None or not select.select([pipe], [], [], START_PATIENCE)[0]:
            return b""
        return pipe.readline()

    def _last_words(self, said: IO[bytes]) -> str:
        child = self._taken()
        child.kill()
        child.communicate()
        said.seek(0)
        return said.read().decode("utf-8", "replace").strip() or f"exit code {child.returncode}"

    @property
    def running(self) -> bool:
        """Whether it was started, and neither stopped nor ended by itself."""
        return self._child is not None and self._child.poll() is None

    def stop(self) -> int:
        """Ask it to end (SIGTERM); answers its exit code. One that does not end in time is killed."""
        child = self._taken()
        child.terminate()
        try:
            child.communicate(timeout=END_PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
        return child.returncode

    def kill(self) -> None:
        """End it at once (SIGKILL), whatever it is doing; its books hold the old or the new state."""
        child = self._taken()
        child.kill()
        child.communicate()

    def _taken(self) -> subprocess.Popen[bytes]:
        child, self._child = self._child, None
        if child is None:
            raise HostFailed(f"the {self.kind} is not running")
        return child

    def line(self, patience: Patience = USUAL_PATIENCE) -> RemoteLine:
        """A line to it."""
        return RemoteLine(self.kind, self.address, self._token, patience=patience)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *raised: object) -> None:
        if self._child is not None:
            self.stop()
