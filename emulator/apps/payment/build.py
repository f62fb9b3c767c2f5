"""What a payment application adds to a card's memory, from its profile."""

from __future__ import annotations

from emulator.apps.payment.application import (
    Counter,
    Tag,
    allowed_cell,
    backup_cell,
    contactless_cell,
    counter_cell,
    data_cell,
    management_keys_cell,
    path_cell,
    pending_cell,
    private_key_cell,
    proof_cell,
    sm_cell,
)
from emulator.apps.payment.certification import certified_objects
from emulator.cos.memory import Snapshot
from emulator.crypto import Algorithm
from emulator.crypto.payment import card_key
from profiles import keys
from profiles.algorithm_sets import algorithm_sets
from profiles.dictionary.payment import payment_elements
from profiles.model import Profile
from profiles.payment_content import (
    Computed,
    contactless_objects,
    data_objects,
    lengths,
    record_values,
    sm_objects,
)

APPLICATION = "debit"
DIVERSIFIED = frozenset(
    {"payment cryptogram", "payment MAC", "payment encryption", "extended opening", "extended management"}
)
"""Uses of keys that a card has of its own by account number and sequence number."""
SECTOR, NO_SEQUENCE = "extended management", "00"
"""A sector's terminal needs its key when the card has told no more than the account number: it counts with sequence 00."""
FROM_RECORDS = (Tag.CDOL1, Tag.CDOL2, Tag.DDOL)
"""Objects of the records with which the card itself works."""
LOAD_LOG_HEAD = 14
"""Bytes of a load log record before what its format lists: tag, old and new balance."""


def is_payment(profile: Profile, directory: str) -> bool:
    """Whether a directory holds a payment application."""
    return profile.directory[directory].application == APPLICATION


def algorithm_of(profile: Profile, directory: str) -> Algorithm:
    """Block cipher of the application's keys."""
    payment = profile.directory[directory].payment
    return Algorithm((payment.algorithm if payment else None) or profile.algorithm)


def payment_key(profile: Profile, directory: str, name: str) -> bytes:
    """A key of this very card: the issuer's key diversified by account number and sequence number."""
    values = record_values(profile, directory)
    account = payment_elements()["5A"].decode(values["5A"])
    key = profile.directory[directory].key[name]
    sequence = values["5F34"].hex() if "5F34" in values and key.use != SECTOR else NO_SEQUENCE
    algorithm = key.algorithm
    cipher = Algorithm(algorithm) if algorithm else algorithm_of(profile, directory)
    return card_key(cipher, keys.root_key(profile, name, 1), account, sequence)


def log_record_length(profile: Profile, directory: str, log_format: str) -> int:
    """Bytes of a record of a log."""
    details = sum(length for _, length in lengths(data_objects(profile.directory[directory])[log_format]))
    return details + (LOAD_LOG_HEAD if int(log_format, 16) == Tag.LOAD_LOG_FORMAT else 0)


def cells_of(profile: Profile, directory: str) -> tuple[Snapshot, Computed]:
    """The cells of an application beside files, keys and PIN, and the computed objects of its records."""
    described = profile.directory[directory]
    records = record_values(profile, directory)
    cells: Snapshot = {data_cell(directory, Tag.ATC): bytes(2), data_cell(directory, Tag.LAST_ONLINE_ATC): bytes(2)}
    for tag, value in data_objects(described).items():
        cells[data_cell(directory, int(tag, 16))] = value
    for tag, value in contactless_objects(described).items():
        cells[contactless_cell(directory, int(tag, 16))] = value
    cells[backup_cell(directory)] = ()
    for number in FROM_RECORDS:
        if f"{number:X}" in records:
            cells[data_cell(directory, number)] = records[f"{number:X}"]
    for counter in Counter:
        cells[counter_cell(directory, counter)] = 0
    computed = {}
    for each in algorithm_sets(profile, directory):
        for kind, path in each.path.items():
            cells[path_cell(directory, kind, sm=each.second)] = (path.aip, path.afl)
        made = certified_objects(profile, directory, each)
        if made is not None:
            computed[each.computed] = made.objects
            cells[private_key_cell(directory, sm=each.second)] = made.private_key
    for contactless in (False, True):
        for tag, value in sm_objects(described, contactless=contactless).items():
            cells[sm_cell(directory, int(tag, 16), contactless=contactless)] = value
    payment = described.payment
    if payment and payment.allowed:
        cells[allowed_cell(directory)] = tuple(
            int(tag, 16).to_bytes(2, "big") + value for tag, values in payment.allowed.items() for value in values
        )
    cells.update(_extended(profile, directory))
    return cells, computed


def _extended(profile: Profile, directory: str) -> Snapshot:
    """The cells of the extended application beside its files: a key for each record, no pre-authorisation, no proof."""
    cells: Snapshot = {pending_cell(directory): (), proof_cell(directory): b""}
    for name, file in profile.directory[directory].file.items():
        if file.extended:
            records = profile.content.get(directory, {}).get(name, {}).get("records", [])
            key = payment_key(profile, directory, file.extended.management_key)
            count = len(records) if file.structure == "variable" else min(len(records), 1)
            cells[management_keys_cell(f"{directory}/{name}")] = (key,) * count
    return cells
