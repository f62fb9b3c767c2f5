"""Application selection 应用选择: the candidate list by the payment system environment or by AIDs (JR/T 0025.6 §7.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from conformance.actors.terminal.configuration import ApplicationParameters
from conformance.actors.terminal.ending import Dropped, Ended, Reason
from conformance.actors.terminal.events import ApplicationSelected
from conformance.actors.terminal.transaction import Transaction
from emulator.iso7816 import SW, Response, TlvError, tlv
from emulator.iso7816.status import is_warning

PSE, PPSE = b"1PAY.SYS.DDF01", b"2PAY.SYS.DDF01"
SELECT, READ_RECORD = 0xA4, 0xB2
FIRST, NEXT = 0x00, 0x02
SHORTEST_AID, LONGEST_AID = 5, 16
LAST_RECORD = 255
LONGEST_LIST = 64
"""Applications after which a card that always offers another one is not believed."""
FCI, PROPRIETARY, NAME, LABEL, PREFERRED, PRIORITY, DIRECTORY = 0x6F, 0xA5, 0x84, 0x50, 0x9F12, 0x87, 0x88
DISCRETIONARY = 0xBF0C
RECORD, ENTRY, AID = 0x70, 0x61, 0x4F
CONFIRMATION, ORDER = 0x80, 0x0F


@dataclass(frozen=True, slots=True)
class Candidate:
    """An application of the card that the terminal accepts."""

    aid: bytes
    label: str
    priority: int
    parameters: ApplicationParameters

    @property
    def rank(self) -> int:
        """Order of choice: 1 first, without priority last."""
        return self.priority & ORDER or ORDER + 1


def candidates(transaction: Transaction) -> list[Candidate]:
    """The candidate list 候选列表 in the order of choice.

    Raises:
        Ended: The card is blocked, or there is no application in common.
    """
    found = _by_environment(transaction) or _by_list(transaction)
    if not found:
        raise Ended(Reason.NO_APPLICATION)
    found.sort(key=lambda each: each.rank)
    names = ", ".join(f"{each.aid.hex().upper()} {each.label}".strip() for each in found)
    transaction.say(f"候选应用：{names}", f"candidates: {names}")
    return found


def _select(transaction: Transaction, name: bytes, occurrence: int = FIRST) -> Response:
    answer = transaction.channel.send(0x00, SELECT, 0x04, occurrence, name)
    if answer.sw == SW.FUNCTION_NOT_SUPPORTED:
        raise Ended(Reason.CARD_BLOCKED)
    return answer


def _by_environment(transaction: Transaction) -> list[Candidate]:
    """What the directory of the environment lists; any error empties the list."""
    answer = _select(transaction, PSE)
    if answer.sw != SW.SUCCESS:
        return []
    found: list[Candidate] = []
    try:
        directory = tlv.find(tlv.parse(answer.data), FCI, PROPRIETARY, DIRECTORY)
        if directory is None or len(directory.value) != 1 or not 1 <= directory.value[0] <= 10:
            return []
        for number in range(1, LAST_RECORD + 1):
            record = transaction.channel.send(0x00, READ_RECORD, number, directory.value[0] << 3 | 4)
            if record.sw == SW.RECORD_NOT_FOUND:
                return found
            if record.sw != SW.SUCCESS:
                return []
            found += _entries(transaction, record.data)
            if len(found) > LONGEST_LIST:
                return []
    except TlvError:
        return []
    return found


def _entries(transaction: Transaction, record: bytes) -> Iterable[Candidate]:
    """The matching entries of a directory record; raises TlvError where it is none."""
    for template in tlv.parse(record):
        if template.tag != RECORD:
            raise tlv.TlvError("a directory record is a template 70", template.offset)
        yield from _of_entries(transaction, template.children)


def _of_entries(transaction: Transaction, entries: Iterable[tlv.Tlv]) -> Iterable[Candidate]:
    """The applications of templates 61 that the terminal accepts."""
    for entry in entries:
        aid = entry.find(AID) if entry.tag == ENTRY else None
        if aid is None or not SHORTEST_AID <= len(aid.value) <= LONGEST_AID:
            continue
        parameters = matching(transaction.configuration.applications, aid.value)
        if parameters is not None:
            yield Candidate(aid.value, _label(entry.children), _priority(entry.children), parameters)


def matching(accepted: Iterable[ApplicationParameters], aid: bytes) -> ApplicationParameters | None:
    """The accepted application that fits an AID of the card, whole or, where that is allowed, its beginning."""
    fits = (each for each in accepted if each.aid == aid or (each.partial and aid.startswith(each.aid)))
    return next(fits, None)


def contactless_candidates(transaction: Transaction) -> list[Candidate]:
    """The candidates that the proximity environment PPSE 近距离支付系统环境 lists, in the order of choice (JR/T 0025.12 §6.4).

    Raises:
        Ended: The card is blocked, or there is no application in common.
    """
    answer = _select(transaction, PPSE)
    found: list[Candidate] = []
    if answer.sw == SW.SUCCESS:
        try:
            listed = tlv.find(tlv.parse(answer.data), FCI, PROPRIETARY, DISCRETIONARY)
            found = list(_of_entries(transaction, listed.children if listed else ()))
        except TlvError:
            found = []
    if not found:
        raise Ended(Reason.NO_APPLICATION)
    return sorted(found, key=lambda each: each.rank)


def _by_list(transaction: Transaction) -> list[Candidate]:
    """Every accepted AID asked for, longer names of the card by further occurrences."""
    found: list[Candidate] = []
    for parameters in transaction.configuration.applications:
        answer = _select(transaction, parameters.aid)
        for _ in range(LONGEST_LIST):
            name = _name(answer.data)
            blocked = answer.sw == SW.SELECTED_FILE_DEACTIVATED
            usable = answer.sw == SW.SUCCESS or (blocked and transaction.configuration.special_device)
            if not usable and not is_warning(answer.sw):
                break
            exact = name == parameters.aid
            if usable and (exact or (parameters.partial and name.startswith(parameters.aid))):
                objects = _proprietary(answer.data)
                candidate = Candidate(name, _label(objects), _priority(objects), parameters)
                if all(each.aid != name for each in found):
                    found.append(candidate)
            if exact or not parameters.partial:
                break
            answer = _select(transaction, parameters.aid, NEXT)
    return found


def _proprietary(fci: bytes) -> tuple[tlv.Tlv, ...]:
    try:
        found = tlv.find(tlv.parse(fci), FCI, PROPRIETARY)
        return found.children if found else ()
    except TlvError:
        return ()


def _children(template: tlv.Tlv) -> tuple[tlv.Tlv, ...]:
    """The objects of the issuer's discretionary data, none where they are malformed."""
    try:
        return template.children
    except TlvError:
        return ()


def _name(fci: bytes) -> bytes:
    """The DF name of an answer, empty where it has none."""
    try:
        found = tlv.find(tlv.parse(fci), FCI, NAME)
    except TlvError:
        return b""
    return found.value if found else b""


def _label(objects: Iterable[tlv.Tlv]) -> str:
    """Preferred name or label, printable characters of the issuer's code table only."""
    values = {each.tag: each.value for each in objects}
    text = (values.get(PREFERRED) or values.get(LABEL) or b"")[:LONGEST_AID].decode("gbk", errors="replace")
    return "".join(character for character in text if character.isprintable())


def _priority(objects: Iterable[tlv.Tlv]) -> int:
    value = next((each.value for each in objects if each.tag == PRIORITY), b"")
    return value[0] if len(value) == 1 else 0


def select(transaction: Transaction, candidate: Candidate) -> None:
    """Final selection of a candidate, whose FCI the transaction keeps.

    Raises:
        Dropped: The card does not select it any more, the holder does not want it, or its FCI is malformed.
        Ended: The card is blocked.
    """
    if candidate.priority & CONFIRMATION and not transaction.holder.confirm(candidate.label):
        raise Dropped
    answer = _select(transaction, candidate.aid)
    usable = answer.sw == SW.SUCCESS or (
        answer.sw == SW.SELECTED_FILE_DEACTIVATED and transaction.configuration.special_device
    )
    if not usable or _name(answer.data) != candidate.aid:
        raise Dropped
    transaction.begin_again()
    transaction.application, transaction.aid = candidate.parameters, candidate.aid
    try:
        fci = tlv.find(tlv.parse(answer.data), FCI, PROPRIETARY)
        objects = fci.children if fci else ()
    except TlvError:
        raise Dropped from None
    transaction.label = _label(objects) or candidate.label
    inner = tuple(child for each in objects if each.tag == DISCRETIONARY for child in _children(each))
    transaction.card.update((each.tag, each.value) for each in (*objects, *inner) if not each.constructed)
    name = candidate.aid.hex().upper()
    transaction.listener(
        ApplicationSelected(
            transaction.channel.phase,
            f"选择 {name} {transaction.label}",
            f"selected {name} {transaction.label}",
            candidate.aid,
            transaction.label,
        )
    )
