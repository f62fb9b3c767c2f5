"""Load a card: from a profile into memory, or from an image file that survives the program."""

from __future__ import annotations

from pathlib import Path

from emulator.apps import pre_issue
from emulator.apps.build import build
from emulator.apps.certificates import keys, master_key
from emulator.apps.certificates import pins as certificate_pins
from emulator.apps.payment import authentication as payment_authentication
from emulator.apps.payment import contactless, extended, generation, initiation, reading, scripts, updates
from emulator.apps.payment import pins as payment_pins
from emulator.apps.payment import selection as payment_selection
from emulator.apps.personalisation import channel, store
from emulator.apps.sam import ciphering, unlocking
from emulator.apps.sam import purchase as sam_purchase
from emulator.apps.social_security import account_load, authentication, maintenance, pins, protected_updates, purchase
from emulator.cos import binaries, challenges, records, selection
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet, CommandTable
from emulator.cos.image import create_image, open_image
from emulator.cos.memory import Memory
from profiles import dictionary, load, model
from profiles.payment_model import PERSONALISATION

FILE_SYSTEM = CommandSet(selection.COMMANDS, records.COMMANDS, binaries.COMMANDS, challenges.COMMANDS)
SOCIAL_SECURITY = CommandSet(
    FILE_SYSTEM,
    authentication.COMMANDS,
    pins.COMMANDS,
    maintenance.COMMANDS,
    protected_updates.COMMANDS,
    purchase.COMMANDS,
    account_load.COMMANDS,
    pre_issue.COMMANDS,
)
PAYMENT_ENVIRONMENT = CommandSet(payment_selection.SELECT, reading.RECORDS, payment_selection.NOTHING_SELECTED)
DEBIT = CommandSet(
    payment_selection.SELECT,
    initiation.COMMANDS,
    reading.RECORDS,
    reading.COMMANDS,
    payment_pins.COMMANDS,
    payment_authentication.COMMANDS,
    generation.COMMANDS,
    scripts.COMMANDS,
    updates.COMMANDS,
    extended.COMMANDS,
)
CONTACTLESS_DEBIT = CommandSet(DEBIT, contactless.COMMANDS)
CERTIFICATE_ENVIRONMENT = CommandSet(FILE_SYSTEM, certificate_pins.COMMANDS, master_key.COMMANDS, keys.HASHING)
CERTIFICATES = CommandSet(CERTIFICATE_ENVIRONMENT, keys.COMMANDS)
SAM = CommandSet(FILE_SYSTEM, ciphering.COMMANDS, sam_purchase.COMMANDS, unlocking.COMMANDS)
AWAITED = CommandSet(payment_selection.SELECT, payment_selection.NOTHING_SELECTED, channel.COMMANDS, store.COMMANDS)
CHIP = CommandSet(FILE_SYSTEM, authentication.COMMANDS, pre_issue.COMMANDS)

OPTIONAL_APPLICATIONS = frozenset(
    {
        "payment environment",
        "debit",
        PERSONALISATION,
        "certificate environment",
        "certificates",
        "SAM environment",
        "SAM",
    }
)
"""Applications whose commands are unknown on a card without them; social security can come later, with the pre-issue commands."""

SERVED_WHEN_BLOCKED = (
    "SELECT",
    "GET CHALLENGE",
    "EXTERNAL AUTHENTICATE",
    "APPLICATION BLOCK",
    "APPLICATION UNBLOCK",
    "CARD BLOCK",
)


def command_tables() -> dict[str, CommandTable]:
    """Commands of every application by its name in a profile; fresh tables, free to be changed."""
    return {
        "chip": dict(CHIP.table),
        "social security": dict(SOCIAL_SECURITY.table),
        "payment environment": dict(PAYMENT_ENVIRONMENT.table),
        "debit": dict(DEBIT.table),
        "certificate environment": dict(CERTIFICATE_ENVIRONMENT.table),
        "certificates": dict(CERTIFICATES.table),
        "SAM environment": dict(FILE_SYSTEM.table),
        "SAM": dict(SAM.table),
        PERSONALISATION: dict(AWAITED.table),
    }


def contactless_tables() -> dict[str, CommandTable]:
    """The same for the contactless interface."""
    return {**command_tables(), "debit": dict(CONTACTLESS_DEBIT.table)}


def served_when_blocked() -> frozenset[int]:
    """Codes of the commands that a blocked application still accepts (vol. 2 §5.8)."""
    entries = (dictionary.command(name) for name in SERVED_WHEN_BLOCKED)
    return frozenset(entry.cla << 8 | entry.ins for entry in entries)


def card_of(memory: Memory) -> Card:
    """A card on a memory that is already filled."""
    card = Card(memory, command_tables(), served_when_blocked(), contactless_tables())
    present = {directory.application for directory in card.structure.directories}
    if PERSONALISATION in present:
        present.add("debit")
    for application in OPTIONAL_APPLICATIONS - present:
        del card.tables[application], card.contactless_tables[application]
    return card


def load_card(name_or_path: str | Path | model.Profile, image: str | Path | None = None) -> Card:
    """A card of a product, named or given as a profile file, that answers ``reset()`` and ``transmit()``.

    With ``image`` the card lives in that file: opened when it exists (the product is then what the image says),
    created otherwise.

    Raises:
        profiles.ProfileError: The profile cannot be used; all its faults at once.
        emulator.cos.image.ImageError: The image cannot be used.
    """
    if image is not None and Path(image).exists():
        return card_of(open_image(Path(image)))
    profile = name_or_path if isinstance(name_or_path, model.Profile) else load(name_or_path)
    cells = build(profile)
    return card_of(Memory(cells) if image is None else create_image(Path(image), cells))
