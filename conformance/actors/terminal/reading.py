"""GET PROCESSING OPTIONS and the records of the AFL, with what a terminal must check of them (JR/T 0025.6 §7.3, §7.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import NamedTuple

from conformance.actors.bank.messages import TransactionKind
from conformance.actors.terminal.ending import Dropped, Ended, Reason, Refused
from conformance.actors.terminal.events import DataRead, OptionsGiven, Phase
from conformance.actors.terminal.selection import READ_RECORD
from conformance.actors.terminal.transaction import Transaction
from emulator.iso7816 import SW, TlvError, tlv
from emulator.iso7816.status import describe
from profiles.dictionary import payment_elements

GET_PROCESSING_OPTIONS, GET_DATA_BALANCE, GET_DATA_THRESHOLD = 0xA8, 0x9F79, 0x9F6D
COMMAND_TEMPLATE, FORMAT_1, FORMAT_2, RECORD_TEMPLATE = 0x83, 0x80, 0x77, 0x70
PDOL, AIP, AFL, E_CASH_CODE = 0x9F38, 0x82, 0x94, 0x9F74
LAST_TEMPLATE_SFI, LAST_SFI = 10, 30
MANDATORY = (0x57, 0x5A, 0x5F24, 0x9F08, 0x8C, 0x8D)
"""Objects without which a transaction ends (JR/T 0025.5 appendix A: M)."""
LENGTH_FREE = frozenset({0x5F20, 0x9F0B, 0x8F, 0x90, 0x92, 0x9F32, 0x93, 0x9F46, 0x9F47, 0x9F48, 0x9F49, 0x9F4A})
"""Objects whose wrong length is no reason to end: names, and those that data authentication judges."""
CENTURY_PIVOT = 50
PRE_AUTHORISATION_REFUSED = (
    SW.PRE_AUTHORISATION_SLOTS_FULL,
    SW.PRE_AUTHORISATION_REPEATED,
    SW.PRE_AUTHORISATION_MISSING,
)


class FileEntry(NamedTuple):
    """An entry of the AFL: records ``first`` to ``last``, of which the first ``signed`` are authenticated."""

    sfi: int
    first: int
    last: int
    signed: int


def parse_afl(afl: bytes) -> tuple[FileEntry, ...]:
    """The entries of an application file locator 应用文件定位器.

    Raises:
        ValueError: It is malformed.
    """
    if not afl or len(afl) % 4:
        raise ValueError(f"an AFL of {len(afl)} bytes; four for each entry are needed")
    entries = tuple(FileEntry(afl[at] >> 3, *afl[at + 1 : at + 4]) for at in range(0, len(afl), 4))
    for at, entry in enumerate(entries):
        right = 1 <= entry.sfi <= LAST_SFI and not afl[4 * at] & 7 and 1 <= entry.first <= entry.last
        if not right or entry.signed > entry.last - entry.first + 1:
            raise ValueError(f"AFL entry {afl[4 * at : 4 * at + 4].hex().upper()} is malformed")
    return entries


def offers_e_cash(transaction: Transaction) -> bool:
    """Whether 9F7A is 1: a purchase below the e-cash limit of the terminal (JR/T 0025.13 §7.4.1)."""
    purchase, application = transaction.purchase, transaction.application
    limit = application.floor_limit if application.e_cash_limit is None else application.e_cash_limit
    wanted = transaction.configuration.e_cash and purchase.e_cash and purchase.kind is TransactionKind.PURCHASE
    return wanted and purchase.amount < limit


def initiate(transaction: Transaction) -> bytes:
    """GET PROCESSING OPTIONS; answers the AFL.

    Raises:
        Dropped: The card refuses this transaction with ``6985``; another application may serve.
        Ended: Any other refusal, or an answer of another form.
    """
    transaction.enter(Phase.INITIATION)
    transaction.e_cash_offered = offers_e_cash(transaction)
    transaction.pdol_values = transaction.filled(PDOL)
    data = tlv.build(COMMAND_TEMPLATE, transaction.pdol_values)
    if len(data) > 255:
        raise Ended(Reason.CARD_ERROR, "the PDOL asks for more than a command can carry")
    answer = transaction.channel.send(0x80, GET_PROCESSING_OPTIONS, 0, 0, data)
    if answer.sw == SW.CONDITIONS_OF_USE_NOT_SATISFIED:
        raise Dropped
    if answer.sw in PRE_AUTHORISATION_REFUSED:
        raise Ended(Reason.DECLINED_BY_CARD, describe(answer.sw))
    if answer.sw != SW.SUCCESS:
        raise Refused(Reason.CARD_ERROR, f"GET PROCESSING OPTIONS answered {answer.sw:04X}")
    aip, afl = _options(transaction, answer.data)
    transaction.aip = aip[0]
    transaction.card[AIP] = aip
    text = f"AIP {aip.hex().upper()} AFL {afl.hex().upper()}"
    transaction.listener(OptionsGiven(Phase.INITIATION, text, text, aip, afl))
    return afl


def _options(transaction: Transaction, data: bytes) -> tuple[bytes, bytes]:
    try:
        objects = tlv.parse(data)
        if len(objects) != 1 or objects[0].tag not in (FORMAT_1, FORMAT_2):
            raise Ended(Reason.CARD_ERROR, "GET PROCESSING OPTIONS answered neither format 80 nor 77")
        if objects[0].tag == FORMAT_1:
            aip, afl = objects[0].value[:2], objects[0].value[2:]
        else:
            values = {each.tag: each.value for each in objects[0].children}
            aip, afl = values.pop(AIP, b""), values.pop(AFL, b"")
            transaction.card.update(values)
            transaction.initiation_tags |= set(values)
    except TlvError as error:
        raise Ended(Reason.CARD_ERROR, f"GET PROCESSING OPTIONS: {error}") from error
    if len(aip) != 2:
        raise Ended(Reason.CARD_ERROR, "the AIP has not two bytes")
    return aip, afl


def read(transaction: Transaction, afl: bytes) -> None:
    """Read every record of the AFL into the transaction.

    Raises:
        Ended: A record is missing or malformed, an object comes twice, is mandatory and missing, or malformed.
    """
    seen = read_records(transaction, afl)
    _check(transaction, seen)
    _read_e_cash(transaction)


def read_records(
    transaction: Transaction, afl: bytes, before_last: Callable[[Mapping[int, bytes]], None] | None = None
) -> dict[int, bytes]:
    """Read every record of the AFL; the objects by tag, which the transaction keeps, too.

    ``before_last`` sees the objects of all records but the last before that one is asked for, and may end the transaction.

    Raises:
        Ended: A record is missing or malformed, or an object comes twice.
    """
    transaction.enter(Phase.READING)
    try:
        entries = parse_afl(afl)
    except ValueError as error:
        raise Ended(Reason.CARD_ERROR, str(error)) from error
    seen: dict[int, bytes] = {}
    for entry in entries:
        for number in range(entry.first, entry.last + 1):
            if before_last is not None and entry is entries[-1] and number == entry.last:
                before_last(seen)
            record = _record(transaction, entry.sfi, number)
            if number < entry.first + entry.signed:
                _sign_over(transaction, entry.sfi, record)
            for each in _objects(entry.sfi, record):
                if each.tag in seen:
                    raise Ended(Reason.CARD_ERROR, f"tag {each.tag:X} comes twice in the records")
                seen[each.tag] = each.value
    repeated = set(seen) & transaction.initiation_tags
    if repeated:
        raise Ended(Reason.CARD_ERROR, f"tag {min(repeated):X} comes in a record and at initiation")
    transaction.card.update(seen)
    transaction.listener(
        DataRead(Phase.READING, f"读取 {len(seen)} 个数据元", f"{len(seen)} data objects read", tuple(seen))
    )
    return seen


def _record(transaction: Transaction, sfi: int, number: int) -> bytes:
    answer = transaction.channel.send(0x00, READ_RECORD, number, sfi << 3 | 4)
    if answer.sw != SW.SUCCESS:
        raise Ended(Reason.CARD_ERROR, f"READ RECORD {number} of SFI {sfi} answered {answer.sw:04X}")
    return answer.data


def _objects(sfi: int, record: bytes) -> Iterator[tlv.Tlv]:
    """The objects of a record; files 11 to 30 may hold something else, which is left alone."""
    try:
        templates = tlv.parse(record)
        if len(templates) != 1 or templates[0].tag != RECORD_TEMPLATE:
            raise TlvError("no single template 70")
        yield from templates[0].children
    except TlvError as error:
        if sfi <= LAST_TEMPLATE_SFI:
            raise Ended(Reason.CARD_ERROR, f"a record of SFI {sfi}: {error}") from error


def _sign_over(transaction: Transaction, sfi: int, record: bytes) -> None:
    """Add a record to the static data to be authenticated: of files 1 to 10 what stands inside the template."""
    try:
        template = tlv.parse(record)
        if len(template) == 1 and template[0].tag == RECORD_TEMPLATE:
            transaction.static_data += template[0].value if sfi <= LAST_TEMPLATE_SFI else record
            return
    except TlvError:
        pass
    transaction.static_data_malformed = True


def _check(transaction: Transaction, seen: dict[int, bytes]) -> None:
    missing = [f"{tag:X}" for tag in MANDATORY if tag not in seen]
    if missing:
        raise Ended(Reason.CARD_ERROR, f"mandatory data missing: {', '.join(missing)}")
    for tag, value in seen.items():
        element = payment_elements().get(f"{tag:X}")
        judged = element is not None and element.kind == "record" and tag not in LENGTH_FREE
        if judged and element is not None and not element.shortest <= len(value) <= element.longest:
            raise Ended(Reason.CARD_ERROR, f"tag {tag:X} has {len(value)} bytes")
    for tag in (0x5F24, 0x5F25):
        if tag in seen and day_of(seen[tag]) is None:
            raise Ended(Reason.CARD_ERROR, f"tag {tag:X} is no date")
    if not seen[0x5A].hex().rstrip("f").isdecimal():
        raise Ended(Reason.CARD_ERROR, "the account number is not made of digits")
    if not seen.get(0x5F34, b"\0").hex().isdecimal():
        raise Ended(Reason.CARD_ERROR, "the sequence number is not made of digits")
    if len(seen.get(0x8E, b"")) % 2:
        raise Ended(Reason.CARD_ERROR, "the CVM list has an odd length")
    for tag in (0x8C, 0x8D):
        try:
            tlv.parse_tags_and_lengths(seen[tag])
        except TlvError as error:
            raise Ended(Reason.CARD_ERROR, f"the list {tag:X}: {error}") from error


def day_of(value: bytes) -> date | None:
    """The day of YYMMDD, years 50 to 99 in the last century (EMV Book 4 §6.7.3); None where it is none."""
    digits = value.hex()
    if len(digits) != 6 or not digits.isdecimal():
        return None
    year = int(digits[:2])
    try:
        return date(year + (1900 if year >= CENTURY_PIVOT else 2000), int(digits[2:4]), int(digits[4:]))
    except ValueError:
        return None


def _read_e_cash(transaction: Transaction) -> None:
    """A card that gives 9F74 chose e-cash: its balance and reset threshold are asked for (JR/T 0025.13 §7.4.3)."""
    transaction.e_cash = transaction.e_cash_offered and E_CASH_CODE in transaction.card
    if not transaction.e_cash:
        return
    transaction.balance = _amount(transaction.channel.data(GET_DATA_BALANCE))
    transaction.threshold = _amount(transaction.channel.data(GET_DATA_THRESHOLD))
    shown = "?" if transaction.balance is None else f"{transaction.balance / 100:.2f}"
    transaction.say(f"电子现金交易，余额 {shown}", f"e-cash transaction, balance {shown}")


def _amount(value: bytes | None) -> int | None:
    return int(value.hex()) if value and len(value) == 6 and value.hex().isdecimal() else None
