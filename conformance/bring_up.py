"""What the two front ends of the engine share: which card to test, and how it is reached."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from conformance.dialogue import ENVIRONMENT
from conformance.failures import BenchError
from conformance.targets.base import Target
from profiles.model import Profile

NOTED_DISTRIBUTIONS = ("hypothesis", "cryptography", "gmssl-pyx", "pyscard")


class WrongUse(Exception):
    """What was asked for does not exist; the message says what does."""


def refuse_unfit(profile: Profile) -> None:
    """Raise :class:`WrongUse` where a profile cannot be tested against: a feature that is none, a root key that is not here."""
    from conformance.declared import unknown_features
    from profiles.keys import unresolved

    faults = [*map(str, unknown_features(profile)), *map(str, unresolved(profile))]
    if faults:
        raise WrongUse(f"profile {profile.name}: {'; '.join(faults)}")


def open_target(
    profile: Profile,
    *,
    reader: str | None,
    in_process: bool,
    fault: str | None,
    tell: Callable[[str, str], None],
    contactless_reader: str | None = None,
) -> Target:
    """The card under test.

    A named reader means the card in it, a contactless one beside it the way to its antenna; ``tell`` (Chinese, English) asks
    for a card that has to be moved. Otherwise it is the virtual card of the profile: in a PC/SC reader of its own, or in
    this process when that is asked for or no PC/SC can be had, which ``tell`` then says.

    Raises:
        BenchError: The reader cannot be used.
        WrongUse: There is no such fault, the readers are not two, or at the second one the card could not be recognised.
    """
    if reader is not None:
        if contactless_reader is not None and ENVIRONMENT not in profile.directory:
            raise WrongUse(
                f"a card of {profile.name} has no identification code by which it is known again at the antenna: "
                "leave the contactless reader away"
            )
        return _in_readers(reader, contactless_reader, tell)
    if contactless_reader is not None:
        raise WrongUse("a contactless reader is the second way to the card in a reader: name that reader, too")
    from conformance.targets.in_process import InProcessTarget
    from emulator import load_card

    card = load_card(profile)
    if fault is not None:
        from conformance.faults import FAULTS, with_fault

        if fault not in FAULTS:
            raise WrongUse(f"no fault {fault!r}; see: sscard certify --fault list")
        card = with_fault(card, fault)
    if in_process:
        return InProcessTarget(card)
    try:
        from conformance.targets.virtual_reader import VirtualReaderTarget

        return VirtualReaderTarget(card)
    except BenchError as problem:
        tell("没有可用的 PC/SC，改为进程内测试", f"no PC/SC to be had here, testing in process instead: {problem}")
        return InProcessTarget(card)


def _in_readers(reader: str, contactless_reader: str | None, tell: Callable[[str, str], None]) -> Target:
    from conformance.targets.pcsc import PcscTarget, choose_reader, list_readers

    names = list_readers()
    chosen = choose_reader(reader, names)
    other = None if contactless_reader is None else choose_reader(contactless_reader, names)
    if other == chosen:
        raise WrongUse(f"{chosen} is one reader: the contactless reader must be another one")
    return PcscTarget(chosen, contactless_reader=other, tell=tell)


def tool() -> dict[str, str]:
    """Version of this program, and the commit where it runs from a checkout."""
    return {"name": "sscard", "version": _version("sscard") or "unknown", "commit": _commit()}


def environment() -> dict[str, str]:
    """What a run depends on besides the card."""
    found = {"python": platform.python_version(), "system": platform.platform(terse=True)}
    found.update({name: known for name in NOTED_DISTRIBUTIONS if (known := _version(name)) is not None})
    if os.environ.get("CI"):
        found["ci"] = "yes"
    return found


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _commit() -> str:
    """The commit of the checkout that this file belongs to, with ``+`` when it was changed; a dash outside one."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return "—"
    try:
        described = subprocess.run(  # noqa: S603 - fixed words
            ["git", "-C", str(root), "describe", "--always", "--dirty=+"],  # noqa: S607 - git from the user's PATH
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "—"
    return described.stdout.strip()
