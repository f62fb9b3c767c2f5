"""Where a host listens, and the token that it asks for: a Unix socket, or a port of 127.0.0.1; nothing else is served."""

from __future__ import annotations

import os
import re
import secrets
import socket
import stat
from dataclasses import dataclass, field
from pathlib import Path

LOOPBACK = "127.0.0.1"
TOKEN_VARIABLE = "SSCARD_HOST_TOKEN"  # noqa: S105 - a name
TOKEN = re.compile("[!-~]{16,256}")
"""Printable characters without space, as a header carries them."""
LONGEST_SOCKET_PATH = 100
SCHEME = "Bearer "
"""What stands before a token in the header Authorization."""


class AddressError(ValueError):
    """An address or a token that cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Address:
    """A Unix socket, or a port of the loopback interface."""

    path: Path | None = None
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> Address:
        """A port number, ``127.0.0.1:PORT``, or else the path of a socket."""
        digits = text.removeprefix(f"{LOOPBACK}:")
        if digits.isascii() and digits.isdigit():
            return cls.of_port(int(digits))
        return cls.of_path(Path(text))

    @classmethod
    def of_port(cls, port: int) -> Address:
        """A port; 0 is any that is free."""
        if port > 0xFFFF or port < 0:
            raise AddressError(f"port {port} is none; give 1 to 65535, or 0 for any that is free")
        return cls(None, port)

    @classmethod
    def of_path(cls, path: Path) -> Address:
        """A socket."""
        if len(os.fsencode(path.absolute())) > LONGEST_SOCKET_PATH:
            raise AddressError(
                f"{path}: the path is too long for a socket; give one of at most {LONGEST_SOCKET_PATH} bytes"
            )
        return cls(path.absolute())

    def __str__(self) -> str:
        return str(self.path) if self.path is not None else f"{LOOPBACK}:{self.port}"

    def connect(self, timeout: float) -> socket.socket:
        """A connection; raises OSError where there is none."""
        if self.path is None:
            return socket.create_connection((LOOPBACK, self.port), timeout)
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.settimeout(timeout)
            made.connect(str(self.path))
        except BaseException:
            made.close()
            raise
        return made

    def make_free(self) -> None:
        """Take away the socket that a killed host left; raises :class:`AddressError` where something else is there."""
        if self.path is None or not os.path.lexists(self.path):
            return
        if not stat.S_ISSOCK(self.path.lstat().st_mode):
            raise AddressError(f"{self.path}: is no socket; name a path that is free")
        try:
            self.connect(1).close()
        except OSError:
            self.path.unlink(missing_ok=True)
        else:
            raise AddressError(f"{self.path}: another host listens there; end it, or name another path")


@dataclass(frozen=True, slots=True)
class Token:
    """What a caller must show; never printed."""

    value: str = field(repr=False)

    @classmethod
    def of_environment(cls) -> Token | None:
        """The token in the environment, None where there is none."""
        value = os.environ.get(TOKEN_VARIABLE)
        return None if value is None else cls._checked(value, f"environment variable {TOKEN_VARIABLE}")

    @classmethod
    def of_file(cls, path: Path, *, make: bool = False) -> Token:
        """The token in a file that its owner alone may read; ``make`` writes a new one where the file is missing."""
        if make and not os.path.lexists(path):
            return cls._written(path)
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(handle, encoding="ascii") as file:
                status = os.fstat(handle)
                if status.st_uid != os.geteuid() or status.st_mode & 0o077:
                    raise AddressError(f"{path}: others may read the token; give it to yourself alone: chmod 600")
                return cls._checked(file.read(1024).strip(), str(path))
        except OSError as problem:
            raise AddressError(f"{path}: the token cannot be read ({problem.strerror})") from None
        except UnicodeDecodeError:
            raise AddressError(f"{path}: holds no token; name a file that is free, and a token is made") from None

    @classmethod
    def _written(cls, path: Path) -> Token:
        made = cls(secrets.token_urlsafe(32))
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise AddressError(f"{path}: no token can be written there ({problem.strerror})") from None
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(made.value + "\n")
        return made

    @classmethod
    def _checked(cls, value: str, origin: str) -> Token:
        if not TOKEN.fullmatch(value):
            raise AddressError(f"{origin}: holds no token of 16 to 256 printable characters without space")
        return cls(value)
