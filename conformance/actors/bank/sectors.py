"""开通扩展应用: the first record of each sector on a card, which the issuer orders by script (JR/T 0025.14 §5.1, A.3)."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.actors.bank.bank import Bank
from conformance.actors.bank.ledger import ScriptState
from conformance.actors.bank.scripts import Order, open_record
from conformance.actors.sector.keys import sector_keys
from profiles.extended_content import encode_records
from profiles.model import Profile

APPEND_RECORD = "APPEND RECORD"


def first_records(profile: Profile, directory: str) -> dict[int, bytes]:
    """What the operators of a product write at opening, by short identifier of their file: its first record there."""
    content = profile.content.get(directory, {})
    records = {
        file.short_identifier: encode_records(content.get(name, {}))
        for name, file in profile.directory[directory].file.items()
        if file.extended
    }
    return {sfi: each[0] for sfi, each in records.items() if each}


def order_opening(bank: Bank, profile: Profile, directory: str, pan: str, sequence: str, files: Iterable[int]) -> None:
    """Let the first records of files go to a card with its next online transaction; what waits for it is not ordered again."""
    keys, records = sector_keys(profile, directory), first_records(profile, directory)
    waiting = {order.header for _, order in _waiting(bank, pan, sequence)}
    wanted = (open_record(keys[sfi], pan, sequence, sfi, records[sfi]) for sfi in files)
    bank.order(pan, sequence, *(order for order in wanted if order.header not in waiting))


def note_opened(bank: Bank, pan: str, sequence: str, without_record: Iterable[int]) -> None:
    """Hear which files have no record; of the others an order that still waits was executed, and its answer lost."""
    missing = {f"{sfi << 3:02X}" for sfi in without_record}
    with bank.ledger.transaction():
        for script, order in _waiting(bank, pan, sequence):
            if order.header[6:] not in missing:
                bank.ledger.report(script, ScriptState.EXECUTED)


def _waiting(bank: Bank, pan: str, sequence: str) -> list[tuple[int, Order]]:
    return [(script, order) for script, order in bank.ledger.waiting(pan, sequence) if order.name == APPEND_RECORD]
