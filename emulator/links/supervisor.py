"""The keeper of one pcscd of our own: a program of its own.

It is started inside fresh namespaces (or, with `"private": false`, in the open), starts pcscd there, opens connections
into the network namespace for the process that ordered it, and ends with it. pcscd dies with the keeper, whatever
kills it, and the keeper with the process that started it: nothing is left behind.

It speaks JSON over a sequenced-packet socket, one request and one answer a packet; an open connection comes as an
ancillary file descriptor. It uses the standard library alone and starts in some 20 ms.

Argument: a JSON object with `fd` (of that socket), `private`, `folder` (for pcscd's configuration, drivers and log),
`config` (of pcscd's readers), `drivers` (target to source), `hidden` (the folder of the machine's drivers), `pcscd` (its
path), `socket` (pcscd's own), `ports` (on which vpcd will listen).
"""

import array
import ctypes
import fcntl
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from typing import Any

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
TCP_LISTEN = "0A"
START_SECONDS = 10.0


def listening_ports() -> set[int]:
    """Return the TCP ports on which something listens in this network namespace."""
    rows = (row.split() for row in pathlib.Path("/proc/self/net/tcp").read_text(encoding="ascii").splitlines()[1:])
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == TCP_LISTEN}


def mount_memory(where: str) -> None:
    """Cover a folder with an empty one in memory, for this mount namespace alone."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.mount(b"tmpfs", where.encode(), b"tmpfs", 0, b"mode=755"):
        raise OSError(ctypes.get_errno(), f"can't mount a tmpfs on {where}")


def raise_loopback() -> None:
    """Switch on 127.0.0.1 in a fresh network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


class Keeper:
    """Starts, watches and ends one pcscd."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.folder = pathlib.Path(order["folder"])
        self.socket = pathlib.Path(order["socket"])
        self.daemon: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Lay out the namespace and the configuration."""
        if self.order["private"]:
            mount_memory("/run")
        self.folder.mkdir(mode=0o700)
        for target, source in self.order["drivers"].items():
            shutil.copyfile(source, target)
        (self.folder / "reader.conf").write_text(self.order["config"], encoding="ascii")
        if self.order["private"]:
            # Real readers on USB stay with the machine's own pcscd: here are no drivers for them.
            mount_memory(self.order["hidden"])
            raise_loopback()

    def start(self) -> None:
        """Start pcscd and wait until it and all of vpcd's slots listen."""
        if self.order["private"]:
            # What a pcscd that was killed has left; the folder itself stays, clients hold on to it.
            for left in self.socket.parent.glob("*"):
                left.unlink()
        with (self.folder / "pcscd.log").open("ab") as log:
            pcscd = [self.order["pcscd"], "--foreground", "--config", str(self.folder / "reader.conf")]
            self.daemon = subprocess.Popen(  # noqa: S603  the words come from our own parent
                ["/usr/bin/env", "setpriv", "--pdeathsig", "KILL", "--", *pcscd],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        ports = set(self.order["ports"])
        deadline = time.monotonic() + START_SECONDS
        while not (self.answers() and ports <= listening_ports()):
            if self.daemon.poll() is not None:
                raise RuntimeError(f"pcscd ended with status {self.daemon.returncode}: {self.last_words()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"pcscd was not ready within {START_SECONDS:g} seconds: {self.last_words()}")
            time.sleep(0.005)

    def answers(self) -> bool:
        """Tell whether pcscd takes connections."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def last_words(self) -> str:
        """Return the end of what pcscd said."""
        return (self.folder / "pcscd.log").read_text(errors="replace")[-1000:].strip() or "it said nothing"

    def stop(self) -> None:
        """End pcscd. It keeps nothing that a gentler end would save, except in the open: its socket file."""
        if self.daemon and self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGKILL if self.order["private"] else signal.SIGTERM)
            try:
                self.daemon.wait(3)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()

    def handle(self, request: dict[str, Any]) -> tuple[dict[str, Any], list[int]]:
        """Carry out one request; return the answer and the file descriptors that go with it."""
        match request["do"]:
            case "connect":
                line = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                try:
                    line.connect(("127.0.0.1", request["port"]))
                except OSError as error:
                    line.close()
                    return {"errno": error.errno, "error": error.strerror}, []
                return {}, [line.detach()]
            case "stop":
                self.stop()
            case "start":
                self.start()
        return {"pid": self.daemon.pid if self.daemon else None}, []


def serve(order: dict[str, Any]) -> None:
    """Obey the process that started this one until it ends or closes its end."""
    parent = os.getppid()
    control = socket.socket(fileno=order["fd"])
    keeper = Keeper(order)

    def answer(what: dict[str, Any], descriptors: list[int]) -> None:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        control.sendmsg([json.dumps(what).encode()], rights)
        for descriptor in descriptors:
            os.close(descriptor)

    try:
        try:
            keeper.prepare()
            keeper.start()
        except (RuntimeError, OSError) as error:
            answer({"error": str(error)}, [])
            return
        answer({"pid": keeper.daemon.pid if keeper.daemon else None}, [])
        while True:
            # A forked child of our parent may hold its end open: look whether the parent itself still lives.
            if not select.select([control], [], [], 0.5)[0]:
                if os.getppid() != parent:
                    return
                continue
            packet = control.recv(65536)
            if not packet:
                return
            try:
                answer(*keeper.handle(json.loads(packet)))
            except RuntimeError as error:
                answer({"error": str(error)}, [])
    except OSError:
        return  # the other end is gone
    finally:
        keeper.stop()
        shutil.rmtree(keeper.folder, ignore_errors=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    serve(json.loads(sys.argv[1]))
