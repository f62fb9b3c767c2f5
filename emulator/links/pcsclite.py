"""Where pcsc-lite keeps its things: pcscd, its socket, its readers' configuration, the driver of vpcd.

The client library reads the environment variable PCSCLITE_CSOCK_NAME once and remembers the path for the life of the
process (pcsc-lite 1.9.9, `getSocketName`). A process that speaks with several pcscd one after another therefore names
a path that can be turned from one to the next: `ProcessSocket`.
"""

import contextlib
import ctypes
import os
import re
import shutil
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from emulator.links.wire import DEFAULT_PORT

SOCKET = Path("/run/pcscd/pcscd.comm")
SOCKET_VARIABLE = "PCSCLITE_CSOCK_NAME"
CONFIGURATION = Path("/etc/reader.conf.d")
DRIVERS = Path("/usr/lib/pcsc/drivers")
VPCD_DRIVER = DRIVERS / "serial" / "libifdvpcd.so"
LIBRARY = "libpcsclite.so.1"

MAX_SLOTS = 16
"""Slots of all readers together that pcscd can hold (PCSCLITE_MAX_READERS_CONTEXTS)."""

SLOTS = 2
"""Slots of one vpcd reader."""

SCARD_SCOPE_SYSTEM = 2


class PcscError(Exception):
    """pcscd can't be asked; the message says why."""


@dataclass(frozen=True)
class ReaderEntry:
    """One reader of vpcd in pcscd's configuration: two slots on two neighbouring ports."""

    name: str = "Virtual PCD"
    port: int = DEFAULT_PORT
    driver: Path = VPCD_DRIVER

    @property
    def slot_names(self) -> tuple[str, ...]:
        """The names under which PC/SC shows the slots: pcscd adds the number of the device (always 00) and the slot."""
        return tuple(f"{self.name} 00 {slot:02X}" for slot in range(SLOTS))

    @property
    def ports(self) -> tuple[int, ...]:
        """The TCP ports on which the slots listen."""
        return tuple(range(self.port, self.port + SLOTS))

    def to_text(self) -> str:
        """Return the entry as reader.conf(5) wants it."""
        return (
            f'FRIENDLYNAME "{self.name}"\nDEVICENAME /dev/null:{self.port}\n'
            f"LIBPATH {self.driver}\nCHANNELID {self.port}\n"
        )


def parse_configuration(text: str) -> list[ReaderEntry]:
    """Return the readers of vpcd in a reader.conf file; other readers, comments and broken entries are left out."""
    entries = []
    current: dict[str, str] = {}
    for key, quoted, bare in re.findall(r'^[ \t]*(\w+)[ \t]+(?:"([^"\n]*)"|([^\s#]+))', text, re.MULTILINE):
        current[key] = quoted or bare
        if {"FRIENDLYNAME", "DEVICENAME", "LIBPATH", "CHANNELID"} <= current.keys():
            device, _, port = current["DEVICENAME"].partition(":")
            if "vpcd" in current["LIBPATH"] and device == "/dev/null":
                with contextlib.suppress(ValueError):
                    number = int(port or str(DEFAULT_PORT), 0)
                    entries.append(ReaderEntry(current["FRIENDLYNAME"], number, Path(current["LIBPATH"])))
            current = {}
    return entries


def to_configuration(entries: Iterable[ReaderEntry]) -> str:
    """Return a whole reader.conf file."""
    return "\n".join(entry.to_text() for entry in entries)


def configured_readers(folder: Path = CONFIGURATION) -> list[ReaderEntry]:
    """Return the readers of vpcd in this machine's configuration."""
    files = sorted(path for path in folder.glob("*") if path.is_file()) if folder.is_dir() else []
    return [entry for path in files for entry in parse_configuration(path.read_text(errors="replace"))]


def find_pcscd() -> Path | None:
    """Return the path of pcscd; it is outside an ordinary user's PATH."""
    found = shutil.which("pcscd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    return Path(found) if found else None


def find_driver() -> Path | None:
    """Return vpcd's driver, where the configuration says or where Debian puts it."""
    candidates = [*(entry.driver for entry in configured_readers()), VPCD_DRIVER]
    return next((path for path in candidates if path.is_file()), None)


def answers(path: Path | str) -> bool:
    """Tell whether a pcscd takes connections on this socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(path)) == 0


def list_readers() -> list[str]:
    """Return the readers that this process's PC/SC library sees, without pyscard.

    Raises:
        PcscError: there is no PC/SC library, or no pcscd answers it.
    """
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise PcscError(f"The PC/SC library {LIBRARY} is missing: install the package libpcsclite1.") from error
    context = ctypes.c_long()
    if status := library.SCardEstablishContext(SCARD_SCOPE_SYSTEM, None, None, ctypes.byref(context)):
        raise PcscError(f"pcscd does not answer (PC/SC error {status & 0xFFFFFFFF:08X}): is it running?")
    try:
        names = ctypes.create_string_buffer(MAX_SLOTS * 128 + 1)
        length = ctypes.c_ulong(len(names))
        status = library.SCardListReaders(context, None, names, ctypes.byref(length))
        return (
            [] if status else [name.decode(errors="replace") for name in names.raw[: length.value].split(b"\0") if name]
        )
    finally:
        library.SCardReleaseContext(context)


class ProcessSocket:
    """Decides which pcscd the PC/SC library of this process speaks with.

    The library's one path leads through a file descriptor of this process, which is turned to the folder of one pcscd's
    socket after the other: /proc/<process>/fd/<number>/pcscd.comm. Nothing is left on disk, child processes that inherit
    the environment go the same way, and a pcscd that was started again is found again.
    """

    def __init__(self) -> None:
        original = os.environ.get(SOCKET_VARIABLE)
        self.system = Path(original) if original else SOCKET
        """The socket that this process would use without us."""
        self._target: Path | None = None
        self._descriptor = -1

    def turn_to(self, target: Path) -> None:
        """Let all PC/SC contexts that this process makes from now on go to this socket.

        The process must not have used PC/SC before the first call: the library has fixed its path then.

        Raises:
            PcscError: the socket is not called pcscd.comm.
        """
        if self._target is None and target == self.system:
            return  # that is where the library goes anyway
        if target.name != SOCKET.name:
            raise PcscError(
                f"A process that was in a private stack finds no {target}: only a socket called {SOCKET.name}."
            )
        folder = target.parent if target.parent.is_dir() else Path("/")  # where no pcscd is, none is found
        opened = os.open(folder, os.O_PATH | os.O_DIRECTORY)
        if self._target is None:
            self._descriptor = opened
            os.environ[SOCKET_VARIABLE] = f"/proc/{os.getpid()}/fd/{opened}/{SOCKET.name}"
        else:
            os.dup2(opened, self._descriptor, inheritable=False)
            os.close(opened)
        self._target = target

    def points_to(self, target: Path) -> bool:
        """Tell whether this socket is the one in use."""
        return self._target == target


process_socket = ProcessSocket()
