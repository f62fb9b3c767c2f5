"""Faults of the records of the extended application 扩展应用: read, updated, opened, proven (JR/T 0025.14)."""

from __future__ import annotations

from conformance.faults.catalogue import FaultSet
from conformance.faults.means import files_of, rehearsed
from conformance.faults.payment.extended_means import (
    APPEND,
    COUNTER_SIZE,
    LOOK,
    PROVE,
    RANDOM_SIZE,
    READ,
    START,
    UPDATE,
    file_of,
    guarded,
    holding,
    riding,
    use_of,
)
from emulator.apps.payment.application import (
    Application,
    management_keys_cell,
    proof_cell,
)
from emulator.apps.payment.extended import MAC_SIZE, UpdateChain, mac_of_update
from emulator.apps.payment.extended_decision import PRE_AUTHORISATION
from emulator.apps.payment.extended_records import LOCK
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.iso7816 import SW, Command, StatusError
from profiles.applications import PAYMENT_APPLICATIONS
from profiles.dictionary import command as entry_of

FAULTS = FaultSet(PAYMENT_APPLICATIONS)


# Reading


@FAULTS.command(
    LOOK, "cap.any-identifier", "忽略记录 ID", "Any identifier gets the first record", ["PAY-CAP-004"], riding
)
def any_identifier(card: Card, command: Command, good: Handler) -> bytes:
    """The identifier is not looked at where it is unknown."""
    file = file_of(card, command)
    try:
        return good(card, command)
    except StatusError as refusal:
        if refusal.sw != SW.RECORD_NOT_FOUND or file is None:
            raise
        return good(card, command._replace(data=files_of(card.memory.cells, file.path)[0][:2] + command.data[2:]))


@FAULTS.command(
    LOOK, "cap.data-alone", "仅返回行业数据", "Only the data of the sector come", ["PAY-CAP-003", "PAY-CAP-014"], riding
)
def data_alone(card: Card, command: Command, good: Handler) -> bytes:
    """The head of the record stays on the card."""
    answer = good(card, command)
    return answer if len(command.data) > COUNTER_SIZE else answer[1:]


@FAULTS.command(
    LOOK,
    "cap.read-vector-zero",
    "读取 R-MAC 初始向量为 0",
    "R-MAC of reading with vector zero",
    ["PAY-CAP-005"],
    guarded,
)
def read_vector_zero(card: Card, command: Command, good: Handler) -> bytes:
    """The terminal's random number is left out."""
    if len(command.data) == COUNTER_SIZE:
        return good(card, command)
    return good(card, command._replace(data=command.data[:COUNTER_SIZE] + bytes(RANDOM_SIZE)))


@FAULTS.command(
    [LOOK, UPDATE, READ],
    "cap.lock-ignored",
    "忽略记录锁定",
    "The lock of a record is not looked at",
    ["PAY-CAP-031"],
    riding,
)
def lock_ignored(card: Card, command: Command, good: Handler) -> bytes:
    """The byte is zero while the command is carried out."""
    file = file_of(card, command)
    if file is None or not file.opening_key:
        return good(card, command)
    shut = files_of(card.memory.cells, file.path)
    opened = tuple(record[:LOCK] + b"\0" + record[LOCK + 1 :] for record in shut)
    cells = card.memory.cells
    cells[file.cell] = opened
    try:
        return good(card, command)
    finally:
        cells[file.cell] = shut


@FAULTS.command(
    PROVE, "cap.proof-of-any", "交易证明忽略 ATC", "The proof is given for any counter", ["PAY-CAP-029"], riding
)
def proof_of_any(card: Card, command: Command, good: Handler) -> bytes:
    """The counter is not compared."""
    proof = card.memory.cells.get(proof_cell(Application(card).name))
    if isinstance(proof, bytes) and proof:
        return good(card, command._replace(data=proof[:COUNTER_SIZE]))
    return good(card, command)


@FAULTS.command(
    START,
    "cap.proof-of-hold",
    "预授权也保存 TC",
    "A pre-authorisation leaves a TC to be proven",
    ["PAY-CAP-030"],
    holding,
)
def proof_of_hold(card: Card, command: Command, good: Handler) -> bytes:
    """Something other than zeros."""
    answer = good(card, command)
    use = use_of(card)
    if use is not None and use.indicator == PRE_AUTHORISATION:
        use.cryptogram = answer[-8:]
    return answer


# Updating


@FAULTS.command(
    [UPDATE, READ, "GET DATA", LOOK],
    "cap.update-anywhere",
    "更新命令不检查前置命令",
    "An update may come at any time within a transaction",
    ["PAY-CAP-006"],
    riding,
)
def update_anywhere(card: Card, command: Command, good: Handler) -> bytes:
    """The chain is tied anew whatever was sent."""
    if command.ins == entry_of(UPDATE).ins and use_of(card) is not None:
        card.session.transaction = UpdateChain()
    return good(card, command)


def _expected(card: Card, command: Command) -> bytes | None:
    """The MAC that an update must carry, under the key of the first record with its identifier."""
    file = file_of(card, command)
    if file is None or not file.opening_key or len(command.data) < MAC_SIZE:
        return None
    keys = card.memory.cells[management_keys_cell(file.path)]
    records = files_of(card.memory.cells, file.path)
    found = next((i for i, record in enumerate(records) if record[:2] == command.data[:2]), None)
    if found is None or not isinstance(keys, tuple):
        return None
    return mac_of_update(Application(card), keys[min(found, len(keys) - 1)], command)


@FAULTS.command(
    UPDATE,
    "cap.update-mac-unchecked",
    "不检查更新命令的 MAC",
    "The MAC of an update is not looked at",
    ["PAY-CAP-007", "PAY-CAP-016"],
    riding,
)
def update_mac_unchecked(card: Card, command: Command, good: Handler) -> bytes:
    """Any four bytes do."""
    expected = _expected(card, command)
    return good(card, command if expected is None else command._replace(data=command.data[:-MAC_SIZE] + expected))


@FAULTS.command(
    UPDATE,
    "cap.update-refused-cached",
    "MAC 错误的更新仍被缓存",
    "An update with a wrong MAC is refused and kept all the same",
    ["PAY-CAP-007"],
    riding,
)
def update_refused_cached(card: Card, command: Command, good: Handler) -> bytes:
    """The record is put into the cache before the MAC is compared."""
    expected = _expected(card, command)
    if expected is None or expected == command.data[-MAC_SIZE:]:
        return good(card, command)
    good(card, command._replace(data=command.data[:-MAC_SIZE] + expected))
    raise StatusError(SW.SECURE_MESSAGING_OBJECTS_INCORRECT)


@FAULTS.command(
    UPDATE,
    "cap.update-vector",
    "更新 MAC 的初始向量不含 ATC",
    "The vector of an update's MAC has no counter",
    ["PAY-CAP-013", "PAY-CAP-016"],
    riding,
)
def update_vector(card: Card, command: Command, good: Handler) -> bytes:
    """What is right elsewhere is wrong here."""
    if _expected(card, command) == command.data[-MAC_SIZE:]:
        command = command._replace(data=command.data[:-1] + bytes((command.data[-1] ^ 1,)))
    return good(card, command)


@FAULTS.command(
    UPDATE,
    "cap.update-length",
    "更新数据过长时状态字错误",
    "Another word for a record too long",
    ["PAY-CAP-008"],
    riding,
)
def update_length(card: Card, command: Command, good: Handler) -> bytes:
    """6A80 whatever is wrong."""
    try:
        return good(card, command)
    except StatusError as refusal:
        if refusal.sw == SW.NOT_ENOUGH_MEMORY:
            raise StatusError(SW.WRONG_DATA) from None
        raise


@FAULTS.command(
    UPDATE,
    "cap.update-at-once",
    "更新命令立即生效",
    "An update counts at once",
    ["PAY-CAP-009", "PAY-CAP-011"],
    riding,
)
def update_at_once(card: Card, command: Command, good: Handler) -> bytes:
    """Written before the last record is read."""
    answer = good(card, command)
    use, file = use_of(card), file_of(card, command)
    if use is not None and file is not None and file.opening_key:
        records = list(files_of(card.memory.cells, file.path))
        for (cell, index), record in use.updates.items():
            if cell == file.cell and 0 <= index < len(records):
                records[index] = record
        card.memory.commit({file.cell: tuple(records)})
    return answer


@FAULTS.command(
    UPDATE, "cap.update-last-only", "仅最后一条更新生效", "Only the last update counts", ["PAY-CAP-009"], riding
)
def update_last_only(card: Card, command: Command, good: Handler) -> bytes:
    """One place in the cache."""
    answer = good(card, command)
    use = use_of(card)
    if use is not None:
        last = list(use.updates.items())[-1:]
        use.updates.clear()
        use.updates.update(last)
    return answer


@FAULTS.command(
    UPDATE, "cap.update-first-only", "仅第一条更新生效", "Only the first update counts", ["PAY-CAP-010"], riding
)
def update_first_only(card: Card, command: Command, good: Handler) -> bytes:
    """One place in the cache, taken."""
    answer = good(card, command)
    use = use_of(card)
    if use is not None:
        first = list(use.updates.items())[:1]
        use.updates.clear()
        use.updates.update(first)
    return answer


@FAULTS.command(
    UPDATE,
    "cap.update-response-vector",
    "更新 R-MAC 初始向量错误",
    "R-MAC of an update with another vector",
    ["PAY-CAP-012"],
    guarded,
)
def update_response_vector(card: Card, command: Command, good: Handler) -> bytes:
    """As if it were the MAC of another command."""
    return bytes(byte ^ 0xFF for byte in good(card, command))


# Opening


@FAULTS.command(
    APPEND,
    "cap.open-lost",
    "开通命令不写入",
    "A record that is opened is not there",
    ["PAY-CAP-014", "PAY-CAP-015"],
    riding,
)
def open_lost(card: Card, command: Command, good: Handler) -> bytes:
    """The command succeeds without writing."""
    _, refused, _ = rehearsed(card, command, good)
    if refused is not None:
        raise refused
    return b""


@FAULTS.command(
    APPEND, "cap.open-too-long", "开通不检查记录长度", "A record of any length is opened", ["PAY-CAP-015"], riding
)
def open_too_long(card: Card, command: Command, good: Handler) -> bytes:
    """No word of its own for a record too long."""
    try:
        return good(card, command)
    except StatusError as refusal:
        if refusal.sw == SW.WRONG_DATA:
            raise StatusError(SW.WRONG_LENGTH) from None
        raise


@FAULTS.command(
    APPEND,
    "cap.open-key-ignored",
    "忽略开通命令中的管理密钥",
    "The key of a new record is not taken",
    ["PAY-CAP-016"],
    riding,
)
def open_key_ignored(card: Card, command: Command, good: Handler) -> bytes:
    """Every record of a file has the key of the first."""
    answer = good(card, command)
    file = file_of(card, command)
    if file is not None:
        cell = management_keys_cell(file.path)
        keys = card.memory.cells[cell]
        if isinstance(keys, tuple) and keys:
            card.memory.commit({cell: (keys[0],) * len(keys)})
    return answer
