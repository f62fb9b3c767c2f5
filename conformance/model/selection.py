"""SELECT, and commands that nobody knows (reconstructed specification §3.1, vol. 2 §4.3)."""

from __future__ import annotations

from functools import partial

from conformance.model.card import Card
from conformance.model.prediction import Outcome, Prediction, any_data, refused, succeeds

SUCCESS, NOT_FOUND, INCORRECT_P1_P2 = 0x9000, 0x6A82, 0x6A86
MASTER_FILE = b"\x3f\x00"
BY_IDENTIFIER, CHILD_DIRECTORY, CHILD_FILE = 0x00, 0x01, 0x02
UNKNOWN, ELSEWHERE, MASTER, EF, ANY_DIRECTORY = "SSC-SEL-015", "SSC-FW-010", "SSC-SEL-014", "SSC-SEL-012", "SSC-SEL-011"
BY_NAME = {
    "SSSE": "SSC-SEL-001",
    "DF01": "SSC-SEL-006",
    "DF02": "SSC-SEL-007",
    "DF03": "SSC-SEL-008",
    "DF04": "SSC-SEL-009",
    "DF07": "SSC-SEL-010",
}
PARTIAL = "SSC-SEL-019"


def enter(card: Card, name: str, _: bytes = b"") -> None:
    """A directory becomes current: rights of the ADF go, those of the environment when it is left or selected again."""
    state = card.state
    left = card.environment_of(name) != card.environment
    again = name == card.environment and card.settings.reselecting_environment_clears_global_state
    if left or again:
        state.environment_rights.clear()
    state.application_rights.clear()
    state.directory, state.file, state.file_is_known = name, None, True
    card.challenge_ages()


def make_current(card: Card, name: str, _: bytes = b"") -> None:
    """An elementary file becomes current."""
    card.state.file, card.state.file_is_known = name, True
    card.challenge_ages()


def lose_track(card: Card, _: bytes = b"") -> None:
    """Which file is current is left open."""
    card.state.file, card.state.file_is_known = None, False
    card.challenge_ages()


def aged(card: Card, _: bytes = b"") -> None:
    """Nothing but time went by."""
    card.challenge_ages()


def _entering(
    card: Card, name: str, requirement: str, *, certain: bool, otherwise: tuple[int, ...] = (NOT_FOUND,)
) -> Prediction:
    found = Outcome((SUCCESS,), fits=any_data, then=partial(enter, card, name))
    if certain:
        return Prediction(requirement, (found,))
    return Prediction(requirement, (found, Outcome(otherwise, then=partial(aged, card))))


def _not_found(card: Card, requirement: str) -> Prediction:
    return refused(requirement, NOT_FOUND, then=partial(aged, card))


def by_name(card: Card, name: bytes) -> Prediction:
    """SELECT by DF name, whole or in part.

    An environment is found from everywhere, an application from inside its environment; whether it is found from
    elsewhere is open.
    """
    directories = card.profile.directory
    for label, directory in directories.items():
        if directory.aid == name:
            certain = directory.kind != "ADF" or card.environment_of(label) == card.environment
            return _entering(card, label, BY_NAME.get(label, ANY_DIRECTORY), certain=certain)
    begun = [label for label, directory in directories.items() if (directory.aid or b"").startswith(name)]
    if not begun:
        return _not_found(card, UNKNOWN)
    if card.settings.partial_name == "refused":
        return _not_found(card, PARTIAL)
    return _entering(card, begun[0], PARTIAL, certain=directories[begun[0]].kind != "ADF")


def by_identifier(card: Card, fid: bytes, p1: int) -> Prediction:
    """SELECT by file identifier: P1 00 anything, 01 a child DF, 02 an EF of the current directory."""
    if p1 == CHILD_DIRECTORY:
        child = _child(card, card.state.directory, fid)
        refusals = (NOT_FOUND, INCORRECT_P1_P2)
        if child is None:
            return refused(UNKNOWN, *refusals, then=partial(aged, card))
        return _entering(card, child, ANY_DIRECTORY, certain=False, otherwise=refusals)
    for name, file in card.directory.file.items():
        if file.fid == fid and file.structure == "internal":
            selected = Outcome((SUCCESS,), fits=any_data, then=partial(lose_track, card))
            return Prediction(UNKNOWN, (selected, Outcome(families=(0x69, 0x6A), then=partial(aged, card))))
        if file.fid == fid:
            return succeeds(EF, partial(make_current, card, name), fits=any_data)
    if p1 == BY_IDENTIFIER:
        if fid == MASTER_FILE:
            return _entering(card, card.master_file, MASTER, certain=True)
        child = _child(card, card.state.directory, fid)
        if child is not None:
            certain = card.profile.directory[child].kind == "ADF"
            return _entering(card, child, ANY_DIRECTORY, certain=certain)
        for label, directory in card.profile.directory.items():
            if directory.fid == fid:
                return _entering(card, label, ANY_DIRECTORY, certain=False)
    held_elsewhere = any(file.fid == fid for d in card.profile.directory.values() for file in d.file.values())
    return _not_found(card, ELSEWHERE if held_elsewhere else UNKNOWN)


def _child(card: Card, parent: str, fid: bytes) -> str | None:
    return next((n for n, d in card.profile.directory.items() if d.parent == parent and d.fid == fid), None)


def unknown_command(card: Card, requirement: str) -> Prediction:
    """A class or instruction that no card of the family has."""
    return refused(requirement, 0x6D00, 0x6E00, 0x6703, 0x6881, 0x6882, 0x6900, 0x6A81, then=partial(aged, card))
