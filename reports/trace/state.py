"""What an observer of a trace knows of the card's session: current directory and file, verified PINs and keys.

The observer follows the commands that the card confirmed and never asks the card. Where the trace begins in the middle, or
the card has directories that the profile doesn't name, the state says ``?`` or the identifier that was sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from profiles.model import Directory, File, Profile
from reports.trace.groupings import NOTHING_OPEN, Open
from reports.trace.parts import NOTHING, Name

UNKNOWN = "?"


@dataclass(slots=True)
class Session:
    """The state of one card session as seen from outside."""

    profile: Profile | None
    directory: str = UNKNOWN
    """Name of the current directory in the profile, or the identifier under which it was selected."""
    file: str = ""
    """Name of the current elementary file, or empty."""
    held: dict[str, bool] = field(default_factory=dict)
    """Verified PINs and keys in the order of their verification; the value tells whether they belong to an ADF."""
    channel: int = 0
    """Level of the secure channel of a personalisation."""
    open_grouping: Open = NOTHING_OPEN
    """What the next STORE DATA goes on with."""

    def reset(self) -> None:
        """The card was reset: MF is current, nothing is verified (volume 2 §1.4)."""
        masters = [name for name, directory in self._directories() if directory.kind == "MF"]
        self.directory = masters[0] if masters else "MF"
        self.file = ""
        self.held.clear()
        self.open_channel(0)

    # What is current

    @property
    def current(self) -> Directory | None:
        """The profile's entry of the current directory."""
        return self.profile.directory.get(self.directory) if self.profile else None

    @property
    def application(self) -> str | None:
        """The application of the current directory, None where the profile doesn't tell."""
        directory = self.current
        return directory.application if directory else None

    @property
    def current_file(self) -> File | None:
        """The profile's entry of the current file."""
        return self.file_entry(self.file)

    def file_entry(self, name: str) -> File | None:
        """The profile's entry of a file in the current directory."""
        directory = self.current
        return directory.file.get(name) if directory else None

    @property
    def title(self) -> Name:
        """Name of the current file, or of the current directory when no file is current."""
        entry = self.current_file if self.file else self.current
        return Name(entry.title.zh, entry.title.en) if entry else NOTHING

    @property
    def path(self) -> str:
        """``SSSE/EF05``, or ``SSSE`` when no file is current."""
        return f"{self.directory}/{self.file}" if self.file else self.directory

    def is_directory_file(self, name: str) -> bool:
        """Whether this is the directory file DIR of the current directory."""
        directory = self.current
        return bool(
            directory and directory.directory_file is not None and name == f"SFI {directory.directory_file:02X}"
        )

    def file_by_short_identifier(self, sfi: int) -> str:
        """Name of the file that a short file identifier reaches in the current directory."""
        directory = self.current
        for name, file in directory.file.items() if directory else ():
            if file.short_identifier == sfi:
                return name
        return f"SFI {sfi:02X}"

    # What commands change

    def select_by_name(self, aid: bytes) -> None:
        """SELECT by DF name, whole or from the left, was confirmed."""
        entries = list(self._directories())
        for exact in (True, False):
            for name, directory in entries:
                if directory.aid and (directory.aid == aid if exact else aid and directory.aid.startswith(aid)):
                    return self._enter(name)
        return self._enter(aid.hex().upper() or UNKNOWN)

    def select_by_identifier(self, fid: bytes, p1: int) -> None:
        """SELECT by file identifier was confirmed; ``p1`` tells where to look (ISO/IEC 7816-4 table 39)."""
        directory = self.current
        if p1 in (0x00, 0x02) and directory:
            for name, file in directory.file.items():
                if file.fid == fid:
                    self.file = name
                    return
        if p1 != 0x02:
            for name in self._reachable():
                if self.profile and self.profile.directory[name].fid == fid:
                    return self._enter(name)
        if p1 == 0x02 or (p1 == 0x00 and fid[:1] == b"\xef"):
            self.file = fid.hex().upper()
            return None
        return self._enter({b"\x3f\x00": "MF", b"": "MF"}.get(fid, fid.hex().upper()))

    def select_parent(self) -> None:
        """SELECT of the parent directory was confirmed."""
        directory = self.current
        self._enter((directory.parent if directory else None) or UNKNOWN)

    def lose_track(self) -> None:
        """A directory was selected that the trace doesn't tell."""
        self._enter(UNKNOWN)

    def verified(self, reference: int) -> None:
        """VERIFY succeeded with this P2."""
        self.held[self.pin_name(reference)] = bool(reference & 0x80)

    def authenticated(self, kid: int) -> None:
        """EXTERNAL AUTHENTICATE succeeded with this P2."""
        directory = self.current if self._in_certificates() else None
        self.held[self.key_name(kid)] = bool(kid & 0x80) or (directory is not None and directory.kind == "ADF")

    def open_channel(self, level: int) -> None:
        """The secure channel of a personalisation was opened with this level, or ended (0)."""
        self.channel, self.open_grouping = level, NOTHING_OPEN

    # What P2 refers to

    def pin_name(self, reference: int) -> str:
        """Name of the PIN that P2 refers to."""
        return self._pin(reference)[0]

    def pin_title(self, reference: int) -> Name:
        """What the profile says that PIN is."""
        return self._pin(reference)[1]

    def key_name(self, kid: int) -> str:
        """Name of the key that P2 refers to."""
        return self._key(kid)[0]

    def key_title(self, kid: int) -> Name:
        """What the profile says that key is."""
        return self._key(kid)[1]

    def _pin(self, reference: int) -> tuple[str, Name]:
        directory = self._owner(reference)
        for name, pin in directory.pin.items() if directory else ():
            if pin.reference[0] == reference:
                return name, Name(pin.title.zh, pin.title.en)
        return f"PIN {reference:02X}", NOTHING

    def _key(self, kid: int) -> tuple[str, Name]:
        directory = self.current if self._in_certificates() else self._owner(kid)
        for name, key in directory.key.items() if directory else ():
            if key.kid is not None and key.kid[0] == kid:
                return name, Name(key.title.zh, key.title.en)
        return f"KID {kid:02X}", NOTHING

    # Inside

    def _in_certificates(self) -> bool:
        """Whether a certificate application is current, where key 00 is that of the very directory (§3.3)."""
        return self.application in ("certificate environment", "certificates")

    def _directories(self) -> Iterator[tuple[str, Directory]]:
        yield from self.profile.directory.items() if self.profile else ()

    def _reachable(self) -> list[str]:
        """Directories that a file identifier reaches: children, self, siblings, ancestors and their children."""
        names: list[str] = []
        current: str | None = self.directory
        while current:
            names += [name for name, entry in self._directories() if entry.parent == current]
            names.append(current)
            entry = self.profile.directory.get(current) if self.profile else None
            current = entry.parent if entry and entry.parent not in names else None
        names += [name for name, entry in self._directories() if entry.kind == "MF"]
        return [name for name in names if self.profile and name in self.profile.directory]

    def _enter(self, name: str) -> None:
        """Make a directory current: an ADF drops its own rights, another environment drops all (volume 2 §3.4)."""
        self.open_channel(0)
        before = self._environment()
        again = name == self.directory
        self.directory, self.file = name, ""
        entry = self.current
        self.held = {key: local for key, local in self.held.items() if not local}
        if entry and entry.kind == "ADF" and self._environment() == before:
            return
        keeps = bool(self.profile and not self.profile.settings.reselecting_environment_clears_global_state)
        if not (again and keeps):
            self.held.clear()

    def _environment(self) -> str:
        """The DDF or MF whose global rights hold in the current directory."""
        name = self.directory
        entry = self.current
        while entry and entry.kind == "ADF" and entry.parent:
            name = entry.parent
            entry = self.profile.directory.get(name) if self.profile else None
        return name

    def _owner(self, reference: int) -> Directory | None:
        """The directory whose key or PIN a reference means: top bit set for the current ADF (volume 2 §3.5)."""
        if reference & 0x80 or not self.profile:
            return self.current
        return self.profile.directory.get(self._environment())
