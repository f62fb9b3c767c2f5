"""The state of a card as the profile and the commands so far make it (reconstructed specification, vol. 2 §3.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from profiles.access import AccessCondition
from profiles.model import Directory, File, Key, Pin, Profile

GENERAL_REFUSAL = "SSC-ACC-075"
"""The requirement behind an access whose file the standard does not have."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge that the card may still hold."""

    number: int
    """Which one it was, counted from 1."""
    certain: bool
    """Whether nothing came between that some cards take for the end of a challenge."""
    whole: bool
    """Whether it had 8 bytes, as all programs take it."""


@dataclass(slots=True)
class State:
    """What changes. Rights are those of the environment (MF or DDF) and of the current ADF."""

    directory: str
    file: str | None = None
    """Name of the current EF."""
    file_is_known: bool = True
    environment_rights: set[str] = field(default_factory=set)
    application_rights: set[str] = field(default_factory=set)
    challenge: Challenge | None = None
    previous: Challenge | None = None
    challenges: int = 0
    """Challenges given since the card was made."""
    pins: dict[str, str] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    contents: dict[str, dict[int, bytes]] = field(default_factory=dict)
    """By path: records by number, or single bytes by offset; what was never seen is absent."""
    ends: dict[str, int] = field(default_factory=dict)
    """By path: the first record number that a cyclic file was seen not to have."""


class Card:
    """A card of a profile, fresh from the factory and just switched on.

    ``access`` names the requirement behind the access to a file, by (path, ``read`` or ``update``).
    """

    def __init__(self, profile: Profile, access: Mapping[tuple[str, str], str] | None = None) -> None:
        self.profile = profile
        self.settings = profile.settings
        self._access = access or {}
        self.master_file = next(name for name, directory in profile.directory.items() if directory.kind == "MF")
        self.state = State(self.master_file)
        for directory in profile.directory.values():
            for name, pin in directory.pin.items():
                self.state.pins[name] = pin.value
                self.state.tries[name] = self.limit(name)
            for name in directory.key:
                self.state.tries[name] = self.limit(name)

    def reset(self) -> None:
        """The session ends; counters, PINs and contents stay."""
        state = self.state
        state.directory, state.file, state.file_is_known = self.master_file, None, True
        state.environment_rights.clear()
        state.application_rights.clear()
        state.challenge = state.previous = None

    # The tree

    @property
    def directory(self) -> Directory:
        """The current directory."""
        return self.profile.directory[self.state.directory]

    def environment_of(self, name: str) -> str:
        """The MF or DDF of a directory, itself included."""
        while self.profile.directory[name].kind == "ADF":
            name = self.profile.directory[name].parent or self.master_file
        return name

    @property
    def environment(self) -> str:
        """The current MF or DDF."""
        return self.environment_of(self.state.directory)

    def file(self, short_identifier: int) -> tuple[str, File] | None:
        """Name and entry of a file of the current directory that commands can address."""
        for name, file in self.directory.file.items():
            if file.structure != "internal" and file.short_identifier == short_identifier:
                return name, file
        return None

    # Secrets

    def secret(self, name: str) -> Pin | Key:
        """The entry of a PIN or key."""
        for directory in self.profile.directory.values():
            if name in directory.pin:
                return directory.pin[name]
            if name in directory.key:
                return directory.key[name]
        raise KeyError(name)

    def limit(self, name: str) -> int:
        """Wrong tries in a row before a PIN or key is blocked, 0 for any number."""
        secret = self.secret(name)
        if secret.limit is not None:
            return secret.limit
        return self.settings.pin_try_limit if isinstance(secret, Pin) else self.settings.key_try_limit

    def is_blocked(self, name: str) -> bool:
        """Whether no try is left."""
        return bool(self.limit(name)) and not self.state.tries[name]

    def lose_try(self, name: str) -> None:
        """A wrong presentation."""
        if self.limit(name):
            self.state.tries[name] -= 1

    def restore_tries(self, name: str) -> None:
        """A right presentation."""
        self.state.tries[name] = self.limit(name)

    def wrong_word(self, name: str) -> int:
        """The status word of a wrong presentation."""
        return 0x63C0 | self.state.tries[name] - 1 if self.limit(name) else 0x6300

    # Rights

    def rights_of(self, name: str) -> set[str]:
        """Where the right of a PIN or key is kept: with the environment or with the ADF that has it."""
        owner = next(d for d in self.profile.directory.values() if name in d.pin or name in d.key)
        return self.state.application_rights if owner.kind == "ADF" else self.state.environment_rights

    def grant(self, name: str) -> None:
        """A PIN or key was proven."""
        self.rights_of(name).add(name)

    def revoke(self, name: str) -> None:
        """The right of a PIN or key ends."""
        self.rights_of(name).discard(name)

    def allows(self, condition: AccessCondition) -> bool:
        """Whether an access is open."""
        return condition.satisfied_by(frozenset(self.state.environment_rights | self.state.application_rights))

    def access_requirement(self, path: str, right: str) -> str:
        """What an access that is wrongly open or shut breaks."""
        return self._access.get((path, right), GENERAL_REFUSAL)

    # Challenges

    def challenge_ages(self) -> None:
        """A command came between: some cards take that for the end of a challenge (vol. 2 §4.2)."""
        state = self.state
        state.challenge, state.previous = _aged(state.challenge), _aged(state.previous)

    def challenge_ends(self) -> None:
        """The challenge is used up."""
        self.state.challenge = self.state.previous = None


def _aged(challenge: Challenge | None) -> Challenge | None:
    return challenge and Challenge(challenge.number, False, challenge.whole)
