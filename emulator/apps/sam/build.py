"""The keys of a secure access module: those of a card product, at the level from which the module diversifies them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from emulator.cos.memory import Value
from emulator.cos.structure import Key
from profiles import keys, load, model

SAM_USE = "SAM"


def keys_of(profile: model.Profile, directory: str) -> tuple[Key, ...]:
    """The keys that the module in a directory holds; none where there is no module."""
    return tuple(key for _, _, key in _held(profile, directory))


def cells_of(profile: model.Profile, directory: str) -> Mapping[str, Value]:
    """Their values by cell: the root keys, which the use byte's levels lead to the cards' keys."""
    return {
        key.cell(version): keys.root_key(cards, name, version)
        for cards, name, key in _held(profile, directory)
        for version in range(1, key.versions + 1)
    }


def _held(profile: model.Profile, directory: str) -> Iterator[tuple[model.Profile, str, Key]]:
    module = profile.directory[directory].sam
    if module is None:
        return
    cards = load(module.cards)
    for name, key in keys.keys(cards).items():
        if key.sam is not None and name not in module.without:
            use, _, identifier = key.sam.partition(",")
            held = Key(
                path=f"{directory}/{name}",
                reference=int(identifier, 16),
                bit=0,
                limit=0,
                use=SAM_USE,
                versions=key.versions,
                use_byte=int(use, 16),
            )
            yield cards, name, held
