"""The extended application 扩展应用 (JR/T 0025.14): its commands, and what becomes durable with the last record."""

from __future__ import annotations

import hmac
from typing import NamedTuple

from emulator.apps.payment.application import Application, Tag, management_keys_cell, proof_cell
from emulator.apps.payment.extended_decision import COMPLETION, OFFERS_RESPONSE_MAC, PRE_AUTHORISATION, SEGMENTED
from emulator.apps.payment.extended_records import HEAD, IDENTIFIER, LENGTH, is_whole, refuse_locked
from emulator.apps.payment.logs import record_transaction
from emulator.apps.payment.quick import Processing, card_processing
from emulator.apps.payment.scripts import run_script
from emulator.apps.payment.transaction import ExtendedUse, Place, Transaction, transaction_of
from emulator.cos.card import Card
from emulator.cos.dispatch import CommandSet
from emulator.cos.memory import Value, records_in
from emulator.cos.structure import File, FileStructure
from emulator.crypto import decrypt_ecb
from emulator.crypto.payment import CRYPTOGRAM_SIZE, extended_mac, extended_vector
from emulator.iso7816 import SW, Command, StatusError

MAC_SIZE, KEY_SIZE, RANDOM_SIZE, COUNTER_SIZE = 4, 16, 8, 2
SUCCESS = bytes.fromhex("9000")
NEW_RECORD = -1
NEXT_OCCURRENCE = 1

COMMANDS = CommandSet()


class UpdateChain(NamedTuple):
    """UPDATE CAPP DATA CACHE may come: straight after GET PROCESSING OPTIONS, or after another of its kind."""

    next_command: int = 0x84DE


def _application(card: Card) -> Application:
    """The application; ``6D00`` where it has no extended application."""
    application = Application(card)
    if application.get(Tag.EXTENDED) is None:
        raise StatusError(SW.INSTRUCTION_NOT_SUPPORTED)
    return application


def _response_mac(application: Application) -> bool:
    return bool(application.value(Tag.EXTENDED)[0] & OFFERS_RESPONSE_MAC)


def _mac(application: Application, key: bytes, vector: bytes, data: bytes) -> bytes:
    # The sets that DF69 chooses between are those of the cryptograms; keys of sectors exist once.
    left = application.settings.extended_sm4_vector == "zeros left"
    return extended_mac(application.own_algorithm, key, vector, data, zeros_left=left)


def _file(application: Application, command: Command, known_bits: int) -> File:
    """The file that P2 names; ``6A82`` for none, ``6981`` for one of another application."""
    if command.p1 or command.p2 & 7 & ~known_bits:
        raise StatusError(SW.INCORRECT_P1_P2)
    file = application.node.files_by_sfi.get(command.p2 >> 3)
    if file is None:
        raise StatusError(SW.FILE_NOT_FOUND)
    if not file.opening_key:
        raise StatusError(SW.INCOMPATIBLE_WITH_FILE_STRUCTURE)
    return file


def _tuple(application: Application, cell: str) -> tuple[bytes, ...]:
    return records_in(application.cell(cell))


def _management_key(application: Application, file: File, index: int) -> bytes:
    keys = _tuple(application, management_keys_cell(file.path))
    return keys[0 if file.structure is FileStructure.CYCLIC else index]


# Reading


@COMMANDS.command("READ CAPP DATA")
def read_record(card: Card, command: Command) -> bytes:
    """READ CAPP DATA 读扩展应用数据 (JR/T 0025.14 A.1): a record by its identifier, the first one or the next of the same.

    With eight random bytes, on a card with R-MAC, four bytes follow: MAC under the management key with them as vector.
    """
    application = _application(card)
    file = _file(application, command, NEXT_OCCURRENCE)
    if file.structure is not FileStructure.VARIABLE:
        raise StatusError(SW.INCOMPATIBLE_WITH_FILE_STRUCTURE)
    if len(command.data) not in (2, 2 + RANDOM_SIZE):
        raise StatusError(SW.WRONG_LENGTH)
    transaction = transaction_of(card)
    identifier, number = command.data[:2], command.data[2:]
    index = _find(application, transaction, file, identifier, following=bool(command.p2 & NEXT_OCCURRENCE))
    transaction.record_read = Place(file.sfi, identifier, index)
    record = _tuple(application, file.cell)[index]
    refuse_locked(application, record)
    if number and _response_mac(application):
        return record + _mac(application, _management_key(application, file, index), number, record)
    return record


def _find(
    application: Application, transaction: Transaction, file: File, identifier: bytes, *, following: bool = False
) -> int:
    """Index of the record of an identifier: the first, or the next after the one read last; ``6A83`` for none."""
    last = transaction.record_read
    after = last.position if following and last and last[:2] == (file.sfi, identifier) else -1
    records = _tuple(application, file.cell)
    found = next((i for i in range(after + 1, len(records)) if records[i][IDENTIFIER] == identifier), None)
    if found is None:
        raise StatusError(SW.RECORD_NOT_FOUND)
    return found


@COMMANDS.command("GET TRANS PROVE")
def get_proof(card: Card, command: Command) -> bytes:
    """GET TRANS PROVE 取交易证明 (A.4): the cryptogram of the last completed transaction, zeros for a pre-authorisation."""
    application = _application(card)
    if command.p1 or command.p2:
        raise StatusError(SW.INCORRECT_P1_P2)
    if len(command.data) != COUNTER_SIZE:
        raise StatusError(SW.WRONG_LENGTH)
    proof = application.cell(proof_cell(application.name))
    if not isinstance(proof, bytes) or proof[:COUNTER_SIZE] != command.data:
        raise StatusError(SW.MAC_UNAVAILABLE)
    return proof[COUNTER_SIZE:]


# Preparing updates


@COMMANDS.command("UPDATE CAPP DATA CACHE")
def update_cache(card: Card, command: Command) -> bytes:
    """UPDATE CAPP DATA CACHE 更新扩展应用数据缓存 (A.2): keeps a record until the last one of the list is read.

    A wrong MAC ends the chain, so that no terminal can try one MAC after the other within one transaction.
    """
    application = _application(card)
    transaction = transaction_of(card)
    file = _file(application, command, 0)
    use = transaction.extended
    if use is None or not isinstance(card.session.transaction, UpdateChain):
        raise StatusError(SW.CONDITIONS_OF_USE_NOT_SATISFIED)
    if len(command.data) < HEAD + MAC_SIZE:
        raise StatusError(SW.WRONG_LENGTH)
    record, received = command.data[:-MAC_SIZE], command.data[-MAC_SIZE:]
    index = _index(application, transaction, file, record)
    old = _tuple(application, file.cell)[index]
    _require_same_length(record, old)
    refuse_locked(application, old)
    key = _management_key(application, file, index)
    if not hmac.compare_digest(mac_of_update(application, key, command), received):
        card.session.transaction = None
        raise StatusError(SW.SECURE_MESSAGING_OBJECTS_INCORRECT)
    adds = file.structure is FileStructure.CYCLIC and application.settings.extended_cyclic_update == "added"
    use.updates[file.cell, NEW_RECORD if adds else index] = record
    return _mac(application, key, bytes(4) + received, SUCCESS) if _response_mac(application) else b""


def mac_of_update(application: Application, key: bytes, command: Command) -> bytes:
    """The MAC that an update must carry under a management key: header, Lc, data, and the counter in the vector."""
    covered = command.header + bytes((len(command.data) & 0xFF,)) + command.data[:-MAC_SIZE]
    return _mac(application, key, extended_vector(application.value(Tag.ATC)), covered)


def _index(application: Application, transaction: Transaction, file: File, record: bytes) -> int:
    """Which record an update means: the newest of a cyclic file; else the one read last, or the first of its identifier."""
    if file.structure is FileStructure.CYCLIC:
        if not _tuple(application, file.cell):
            raise StatusError(SW.RECORD_NOT_FOUND)
        return 0
    last = transaction.record_read
    if last and last[:2] == (file.sfi, record[IDENTIFIER]):
        return last.position
    return _find(application, transaction, file, record[IDENTIFIER])


def _require_same_length(record: bytes, old: bytes) -> None:
    if len(record) > len(old):
        raise StatusError(SW.NOT_ENOUGH_MEMORY)
    if len(record) < len(old) or record[LENGTH] != old[LENGTH]:
        raise StatusError(SW.WRONG_DATA)


# The transaction


def hold(application: Application, transaction: Transaction, indicator: int, cryptogram: bytes) -> None:
    """Keep back everything that an approval changes: nothing is durable before the last record (§5.2.4)."""
    proof = bytes(CRYPTOGRAM_SIZE) if indicator == PRE_AUTHORISATION else cryptogram
    changes: dict[str, Value] = application.changes
    transaction.extended = ExtendedUse(indicator, application.atc, transaction.record_read, changes, proof)
    application.changes = {}


def begin_updates(card: Card, transaction: Transaction) -> None:
    """Let UPDATE CAPP DATA CACHE follow, where the transaction was approved."""
    if transaction.extended is not None:
        card.session.transaction = UpdateChain()


def finish(application: Application, transaction: Transaction) -> None:
    """Make debit, records and proof durable together; ``6974`` where a pre-authorisation has not updated its record.

    Nothing where another transaction came between.
    """
    use = transaction.extended
    if use is None or use.counter != application.atc:
        return
    if use.indicator in (PRE_AUTHORISATION, COMPLETION) and not _updates_its_record(application, use):
        raise StatusError(SW.RECORD_NOT_UPDATED)
    application.changes.update(use.changes)
    for (cell, index), record in use.updates.items():
        records = _tuple(application, cell)
        if index == NEW_RECORD:
            file = next(file for file in application.directory.files if file.cell == cell)
            application.changes[cell] = (record, *records)[: file.capacity]
        else:
            application.changes[cell] = (*records[:index], record, *records[index + 1 :])
    application.changes[proof_cell(application.name)] = use.counter.to_bytes(COUNTER_SIZE, "big") + use.cryptogram
    if use.indicator in (SEGMENTED, COMPLETION) and card_processing(application) & Processing.LOG:
        record_transaction(application, transaction)
    application.commit()
    transaction.extended = None


def _updates_its_record(application: Application, use: ExtendedUse) -> bool:
    if use.place is None:
        return False
    file = application.node.files_by_sfi[use.place.sfi]
    return (file.cell, use.place.position) in use.updates


# Opening


@COMMANDS.command("APPEND RECORD with MAC")
def append_record(card: Card, command: Command) -> bytes:
    """APPEND RECORD 开通扩展应用 (A.3): an issuer script that adds a record with its management key, at once."""
    _application(card)
    return run_script(card, command, _append, authenticate=_opened)


def _opened(application: Application, transaction: Transaction, command: Command, length: int | None) -> bytes:
    """Enciphered key and record of a command, whose form, place and MAC are checked."""
    file = _file(application, command, 0)
    if len(command.data) < KEY_SIZE + HEAD + MAC_SIZE:
        raise StatusError(SW.WRONG_LENGTH)
    data, received = command.data[:-MAC_SIZE], command.data[-MAC_SIZE:]
    record = data[KEY_SIZE:]
    fits = (
        len(record) == file.record_length
        if file.structure is FileStructure.CYCLIC
        else len(record) <= file.record_length
    )
    if not fits or not is_whole(record):
        raise StatusError(SW.WRONG_DATA)
    if not _has_room(application, file, record):
        raise StatusError(SW.NOT_ENOUGH_MEMORY)
    covered = command.header + bytes((len(command.data) & 0xFF,)) + data
    vector = extended_vector(application.value(Tag.ATC))
    if not hmac.compare_digest(_mac(application, application.key_of(file.opening_key), vector, covered), received):
        transaction.scripts_refused = True
        raise StatusError(SW.SECURE_MESSAGING_OBJECTS_INCORRECT)
    return data


def _has_room(application: Application, file: File, record: bytes) -> bool:
    """A cyclic file takes its first record alone; the records of another may fill its bytes."""
    records = _tuple(application, file.cell)
    if file.structure is FileStructure.CYCLIC:
        return not records
    return sum(map(len, records)) + len(record) <= file.capacity


def _append(application: Application, transaction: Transaction, command: Command, data: bytes) -> None:
    file = _file(application, command, 0)
    key = decrypt_ecb(application.own_algorithm, application.key_of(file.opening_key), data[:KEY_SIZE])
    keys = management_keys_cell(file.path)
    application.changes[keys] = (*_tuple(application, keys), key)
    application.changes[file.cell] = (*_tuple(application, file.cell), data[KEY_SIZE:])
