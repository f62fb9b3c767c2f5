"""Cards that deviate from the standard: by what their vendor declares, and by what single records say."""

from __future__ import annotations

from collections.abc import Callable

from conformance import events
from conformance.bench import NoRedaction
from conformance.cases import Suite
from conformance.engine import Engine, Plan
from conformance.targets.in_process import InProcessTarget
from emulator import load_card
from profiles.access import AccessCondition
from profiles.model import File, Profile

from .broken import OK, Alteration, BrokenTarget, Run, Transmit, is_good, product

READ_RECORD, READ_BINARY, UPDATE_RECORD, UPDATE_BINARY = 0xB2, 0xB0, 0xDC, 0xD6
NOT_FOUND = b"\x6a\x83"
Edit = Callable[[int, bytes], bytes]
"""From the record number and the record to the record that the broken card shows; empty: there is no such record."""


# The vendor says so himself


def vendor(change: Callable[[File], File | None], path: str, base: Profile | None = None) -> Profile:
    """A profile, of version 3.00 unless another one is given, in which one file is another, or absent."""
    profile = base or product("ssc3-sm4")
    directory, _, name = path.partition("/")
    described = profile.directory[directory]
    files = {key: file for key, file in described.file.items() if key != name}
    changed = change(described.file[name])
    if changed is not None:
        files[name] = changed
    content = {key: dict(value) for key, value in profile.content.items()}
    if changed is None or shape(changed) != shape(described.file[name]):
        content.get(directory, {}).pop(name, None)
    directories = {**profile.directory, directory: described.model_copy(update={"file": files})}
    return profile.model_copy(update={"directory": directories, "content": content})


def shape(file: File) -> tuple[object, ...]:
    """What must stay for the declared content to fit."""
    return file.structure, file.elements, file.layout, file.size


def with_access(
    path: str, *, read: str | None = None, update: str | None = None, base: Profile | None = None
) -> Profile:
    """A profile in which a file has other access conditions."""
    given = {"read": read, "update": update}
    changes = {key: AccessCondition.parse(text) for key, text in given.items() if text is not None}
    return vendor(lambda file: file.model_copy(update=changes), path, base)


def run_vendor(
    suite: Suite, profile: Profile, only: str | tuple[str, ...] = (), alteration: Alteration | None = None
) -> Run:
    """Run a suite on the card of a vendor who declares his card as it is."""
    target = BrokenTarget(InProcessTarget(load_card(profile)), alteration or Alteration())
    log: list[events.Event] = []
    plan = Plan(profile=profile, destructive=True, only=(only,) if isinstance(only, str) else only)
    engine = Engine(plan, target, [suite], log.append, NoRedaction())
    return Run(list(engine.run()), log)


# The card shows other records


class Edited(Alteration):
    """A card that shows the records of one file otherwise, however they are addressed by number."""

    def __init__(self, path: str, edit: Edit, name: str = "ssc3-sm4") -> None:
        directory, _, file = path.partition("/")
        described = product(name).directory[directory]
        self.here = described.aid or described.fid
        self.sfi = described.file[file].short_identifier
        self.edit = edit
        self.current = b""

    def reset(self, atr: bytes) -> bytes:
        self.current = b""
        return atr

    def transmit(self, command: bytes, card: Transmit) -> bytes:
        answer = card(command)
        if command[1:2] == b"\xa4" and is_good(answer):
            self.current = command[5:] if command[2] != 0x02 else self.current
        numbered = len(command) == 5 and command[1] == READ_RECORD and command[3] == self.sfi << 3 | 4
        if not numbered or self.current != self.here or answer[-2:] not in (OK, NOT_FOUND):
            return answer
        shown = self.edit(command[2], answer[:-2])
        return shown + OK if shown else NOT_FOUND


def replaced(tag: int, value: bytes) -> Edit:
    """Another value in every record of a tag, of the same length unless ``value`` has another one."""
    return lambda _, record: record[:2] + value if record[:1] == bytes([tag]) else record
