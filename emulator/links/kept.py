"""A pcscd of our own, in namespaces or in the open, kept by a process that ends it when we end."""

import array
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from emulator.links import pcsclite, supervisor
from emulator.links.pcsclite import ReaderEntry
from emulator.links.stackbase import Stack, StackError, StackOffer, missing_packages
from emulator.links.vpcd import Connector
from emulator.links.wire import DEFAULT_PORT

ANSWER_SECONDS = 15.0
"""How long the keeper of a pcscd may take for an answer; it gives up on pcscd before that."""


class KeptStack(Stack):
    """A pcscd that a keeper process starts and ends for us. See `emulator.links.supervisor`."""

    private: ClassVar[bool]

    def __init__(self, readers: int = 1) -> None:
        """Plan a stack with this many readers, of two slots each.

        Raises:
            ValueError: pcscd can't hold as many.
        """
        most = pcsclite.MAX_SLOTS // pcsclite.SLOTS
        if not 1 <= readers <= most:
            raise ValueError(f"A stack has 1 to {most} readers, not {readers}.")
        self._folder = (
            Path("/run/sscard") if self.private else Path(tempfile.gettempdir()) / f"sscard-{os.urandom(6).hex()}"
        )
        super().__init__([self._entry(number) for number in range(readers)])
        self._keeper: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._turn = threading.Lock()
        self.pcscd_pid = 0

    def _entry(self, number: int) -> ReaderEntry:
        """Return one reader's entry.

        vpcd keeps its slots in variables of the loaded library, and pcscd names every reader of a library "00": each
        reader needs a name and a copy of the driver of its own.
        """
        name = f"Virtual PCD {number + 1}" if number else "Virtual PCD"
        return ReaderEntry(name, DEFAULT_PORT + number * pcsclite.SLOTS, self._folder / f"libifdvpcd{number}.so")

    @abstractmethod
    def _namespaces(self) -> list[str]:
        """Return the command that starts the keeper in its namespaces."""

    def start(self) -> Self:
        """Start pcscd, and return when it and all slots of vpcd listen. Takes some 50 ms."""
        if missing := missing_packages():
            raise StackError(missing)
        if self._keeper:
            raise StackError(f"This {self.kind} runs already.")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        order = {
            "fd": theirs.fileno(),
            "private": self.private,
            "folder": str(self._folder),
            "config": pcsclite.to_configuration(self.readers),
            "drivers": {str(entry.driver): str(pcsclite.find_driver()) for entry in self.readers},
            "hidden": str(pcsclite.DRIVERS),
            "pcscd": str(pcsclite.find_pcscd()),
            "socket": str(pcsclite.SOCKET),
            "ports": self.ports,
        }
        with theirs:
            self._keeper = subprocess.Popen(  # noqa: S603  our own program, with our own arguments
                [*self._namespaces(), sys.executable, "-I", "-S", supervisor.__file__, json.dumps(order)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for us; the keeper ends when we do
            )
        ours.settimeout(ANSWER_SECONDS)
        self._control = ours
        try:
            self._receive()
            self.activate()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End pcscd and its keeper."""
        if not self._keeper:
            return
        super().stop()
        with self._turn:
            if self._control:
                self._control.close()
                self._control = None
        try:
            self._keeper.wait(ANSWER_SECONDS)
        except subprocess.TimeoutExpired:
            self._keeper.kill()  # pcscd dies with it
            self._keeper.wait()
        if self._keeper.stderr:
            self._keeper.stderr.close()
        self._keeper = None

    def connector(self, slot: int = 0) -> Connector:
        """Return what makes connections to a slot, through the keeper."""
        port = self.ports[slot]

        def connect() -> socket.socket:
            try:
                return socket.socket(fileno=self._ask(do="connect", port=port)[1][0])
            except StackError as error:
                raise ConnectionError(str(error)) from error

        return connect

    def stop_pcscd(self) -> None:
        """End pcscd as if it had crashed; all cards and clients lose it."""
        self._ask(do="stop")

    def start_pcscd(self) -> None:
        """Start pcscd again after `stop_pcscd()`."""
        self._ask(do="start")

    @property
    def log(self) -> str:
        """What pcscd has said so far."""
        return (self._root / str(self._folder).lstrip("/") / "pcscd.log").read_text(errors="replace")

    @property
    def _root(self) -> Path:
        """The root of the file system that pcscd sees."""
        if not self._keeper:
            raise StackError(f"This {self.kind} does not run.")
        return Path(f"/proc/{self._keeper.pid}/root")

    def _ask(self, **request: Any) -> tuple[dict[str, Any], list[int]]:
        """Let the keeper do something; return its answer and the file descriptors that came with it.

        Raises:
            OSError: a connection was wanted, and refused.
            StackError: the keeper can't do it, or is gone.
        """
        with self._turn:
            if self._control:
                self._control.send(json.dumps(request).encode())
            return self._receive()

    def _receive(self) -> tuple[dict[str, Any], list[int]]:
        if not self._control or not self._keeper:
            raise ConnectionRefusedError(f"the {self.kind} does not run")
        packet, ancillary, _, _ = self._control.recvmsg(65536, socket.CMSG_SPACE(4))
        if not packet:
            words = self._keeper.communicate()[1].decode(errors="replace").strip()
            raise StackError(f"The {self.kind} can't be started: {words or 'its keeper died'}.")
        descriptors = array.array("i")
        for _, _, data in ancillary:
            descriptors.frombytes(data)
        answer = json.loads(packet)
        if "errno" in answer:
            raise OSError(answer["errno"], answer["error"])
        if "error" in answer:
            raise StackError(f"The {self.kind} can't be started: {answer['error']}.")
        self.pcscd_pid = answer.get("pid", self.pcscd_pid)
        return answer, descriptors.tolist()


class PrivateStack(KeptStack):
    """A pcscd that only we see, in a mount and a network namespace of its own."""

    kind = "private pcscd"
    private = True

    @property
    def socket_path(self) -> Path:
        """The socket in pcscd's own file system, seen from outside."""
        return self._root / str(pcsclite.SOCKET).lstrip("/")

    def inside(self, command: Sequence[str]) -> list[str]:
        """Return the command that runs a command inside the namespaces: there vpcd is on 127.0.0.1, as on any machine."""
        if not self._keeper:
            raise StackError(f"This {self.kind} does not run.")
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        return ["nsenter", "--target", str(self._keeper.pid), *user, "--mount", "--net", "--", *command]

    @staticmethod
    def _unshare() -> list[str]:
        return ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--mount", "--net", "--"]

    def _namespaces(self) -> list[str]:
        return self._unshare()

    @classmethod
    def offer(cls) -> StackOffer:
        """Try whether namespaces can be had."""
        if missing := missing_packages():
            return StackOffer(cls.kind, False, missing)
        tools = [tool for tool in ("unshare", "setpriv") if not shutil.which(tool)]
        if tools:
            return StackOffer(cls.kind, False, f"{', '.join(tools)} missing: apt-get install util-linux")
        trial = subprocess.run([*cls._unshare(), "true"], capture_output=True, text=True, check=False)  # noqa: S603  fixed words
        if trial.returncode:
            return StackOffer(
                cls.kind,
                False,
                f"No namespaces for this user ({trial.stderr.strip()}): run as root, or allow user namespaces.",
            )
        return StackOffer(cls.kind, True, "as root" if os.geteuid() == 0 else "in a user namespace")


class StartedStack(KeptStack):
    """A pcscd of our own in the open, for the time of the run."""

    kind = "pcscd started for the run"
    private = False

    @property
    def socket_path(self) -> Path:
        """The machine's usual socket."""
        return pcsclite.SOCKET

    def _namespaces(self) -> list[str]:
        return []

    def start(self) -> Self:
        """Start pcscd, unless there is one or it may not be started."""
        offer = self.offer()
        if not offer.usable:
            raise StackError(f"The {self.kind} can't be had: {offer.why}")
        return super().start()

    @classmethod
    def offer(cls) -> StackOffer:
        """See whether the place of the machine's pcscd is free, and open to this user."""
        if missing := missing_packages():
            return StackOffer(cls.kind, False, missing)
        if pcsclite.answers(pcsclite.SOCKET):
            return StackOffer(cls.kind, False, "A pcscd runs already: use that one, or stop it.")
        home = pcsclite.SOCKET.parent
        if not os.access(home if home.exists() else home.parent, os.W_OK):
            return StackOffer(cls.kind, False, f"This user may not write to {home}: run as root.")
        if taken := {DEFAULT_PORT, DEFAULT_PORT + 1} & supervisor.listening_ports():
            return StackOffer(cls.kind, False, f"Port {min(taken)} is taken by another program: stop that one.")
        return StackOffer(cls.kind, True, "vpcd will listen on all network interfaces of this machine")
