"""Card risk management 卡片风险管理 and completion 交易结束: which cryptogram a payment application gives, and why."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.model.payment import (
    AAC,
    ARQC,
    E_CASH_SETS,
    GREATEST_COUNTER,
    NOT_COMPARED,
    TC,
    Generated,
    PaymentCard,
    Stage,
    number,
)

GIVEN_FIRST = {AAC: 0x80, TC: 0x90, ARQC: 0xA0}
"""Byte 2 of the card verification results: no second cryptogram was asked for."""
GIVEN_SECOND = {AAC: 0x20, TC: 0x60}
APPROVING = ("00", "10", "11", "01", "02")
UNABLE = ("Y3", "Z3")
STATIC, DYNAMIC, AUTHENTICATION = 7, 6, 3
"""Bits of byte 1 of the AIP."""
STATIC_FAILED, DYNAMIC_FAILED = 0x40, 0x0C
"""Bits of byte 1 of the TVR: SDA failed; DDA or CDA failed."""
ORDINARY, REQUESTED = "PAY-GAC-036", "PAY-GAC-006"


# The first cryptogram


def first(card: PaymentCard, kind: int, offered: Mapping[int, bytes]) -> Generated:
    """The first GENERATE AC for ``kind`` with the values of CDOL1."""
    now = card.transaction
    if now.e_cash is not None:
        return _first_of_e_cash(card, kind, offered, E_CASH_SETS[now.e_cash]["balance"])
    wants, results = _risks(card, offered)
    if kind == AAC or now.blocked:
        given, because = AAC, REQUESTED if kind == AAC else "PAY-GAC-038"
    elif "decline" in wants:
        given, because = AAC, wants["decline"]
    elif kind == ARQC or "online" in wants:
        given, because = ARQC, REQUESTED if kind == ARQC else wants["online"]
    else:
        given, because = TC, ORDINARY
    now.results = results
    advice = _finish_first(card, given, offered)
    return Generated(given, bytes((GIVEN_FIRST[given] | _pin_bits(card), *now.results)), because, advice)


def _risks(card: PaymentCard, offered: Mapping[int, bytes]) -> tuple[dict[str, str], tuple[int, int]]:
    """What the checks of JR/T 0025.5 §14.4.3 want, each with its requirement, and bytes 3 and 4 of the results."""
    memory, issued, now = card.memory, card.issued, card.transaction
    wants: dict[str, str] = {}
    third, fourth = _flags(card), memory.scripts << 4 | (0x08 if memory.script_failed else 0) | _dynamic(card)

    def online(requirement: str) -> None:
        wants.setdefault("online", requirement)

    if memory.online_pending:
        third |= 0x80
        online("PAY-GAC-012")
    if issued.supports(AUTHENTICATION) and memory.authentication_failed:
        third |= 0x08
        if issued.action(1, 8):
            online("PAY-GAC-015")
    if memory.script_failed and issued.action(2, 4):
        online("PAY-GAC-020")
    for exceeded, requirement in _velocity(card, offered):
        if exceeded:
            third |= 0x20
            online(requirement)
    if memory.last_online == 0 and issued.actions is not None:
        third |= 0x10
        if issued.action(1, 2):
            online("PAY-GAC-028")
    if memory.tries == 0 and not now.pin_performed and issued.actions is not None and memory.pin is not None:
        third |= 0x40
        if issued.action(2, 7) or issued.action(2, 3):
            wants.setdefault("decline", "PAY-GAC-029")
            memory.blocked = memory.blocked or issued.action(2, 3)
        if issued.action(2, 6):
            online("PAY-GAC-029")
    return wants, (third, fourth)


def _velocity(card: PaymentCard, offered: Mapping[int, bytes]) -> list[tuple[bool, str]]:
    """The four lower limits."""
    memory, values = card.memory, card.memory.values
    currency = offered.get(0x5F2A, b"")
    return [
        (0x9F58 in values and memory.counter - memory.last_online > values[0x9F58], "PAY-GAC-021"),
        (
            0x9F53 in values and card.is_foreign_currency(offered) and memory.foreign_currency + 1 > values[0x9F53],
            "PAY-GAC-022",
        ),
        (
            0x9F72 in values and card.is_foreign_country(offered) and memory.foreign_country + 1 > values[0x9F72],
            "PAY-GAC-023",
        ),
        (
            0x9F54 in values
            and currency == card.issued.currency
            and memory.cumulative + number(offered.get(0x9F02, b"")) > values[0x9F54],
            "PAY-GAC-024",
        ),
    ]


def _flags(card: PaymentCard) -> int:
    """Byte 3 as far as earlier steps of the transaction and the last one set it."""
    now = card.transaction
    static = 0x01 if card.issued.supports(STATIC) and card.memory.static_failed else 0
    return static | (0x40 if now.pin_exceeded else 0) | (0x02 if now.blocked_by_pin else 0)


def _dynamic(card: PaymentCard) -> int:
    """Bit 3 of byte 4: dynamic authentication failed last time."""
    return 0x04 if card.issued.supports(DYNAMIC) and card.memory.dynamic_failed else 0


def _pin_bits(card: PaymentCard) -> int:
    now = card.transaction
    return (0x04 if now.pin_performed else 0) | (0x02 if now.pin_failed else 0)


def _finish_first(card: PaymentCard, given: int, offered: Mapping[int, bytes]) -> int | None:
    """What the first cryptogram of an ordinary transaction changes; the low half of the cryptogram information."""
    memory, now = card.memory, card.transaction
    if given == ARQC:
        now.stage, memory.online_pending = Stage.ONLINE, True
        return 0
    now.stage = Stage.ENDED
    if given == TC:
        _count_approved(card, offered)
        return 0
    _note_failures(card, offered)
    _count_foreign(card, offered)
    return _advice(card)


def _advice(card: PaymentCard) -> int:
    """Bit 4 and reason of a declined transaction (JR/T 0025.5 §14.5.1)."""
    issued = card.issued
    advice = 0x08 if issued.action(1, 5) else 0
    if card.transaction.pin_exceeded and card.transaction.pin_performed and issued.action(1, 4):
        advice = 0x0A
    return advice


def _count_approved(card: PaymentCard, offered: Mapping[int, bytes]) -> None:
    """TC without the bank (JR/T 0025.5 §14.5.3)."""
    if offered.get(0x5F2A) == card.issued.currency:
        card.memory.cumulative += number(offered.get(0x9F02, b""))
    _count_foreign(card, offered)
    card.approved(offered)


def _count_foreign(card: PaymentCard, offered: Mapping[int, bytes]) -> None:
    memory = card.memory
    if card.is_foreign_country(offered):
        memory.foreign_country = min(memory.foreign_country + 1, GREATEST_COUNTER)
    if card.is_foreign_currency(offered):
        memory.foreign_currency = min(memory.foreign_currency + 1, GREATEST_COUNTER)


def _note_failures(card: PaymentCard, offered: Mapping[int, bytes]) -> None:
    """Flags of a declined transaction from byte 1 of the TVR."""
    verification = offered.get(0x95, b"\0")[0]
    card.memory.static_failed |= bool(verification & STATIC_FAILED)
    card.memory.dynamic_failed |= bool(verification & DYNAMIC_FAILED)


def _first_of_e_cash(card: PaymentCard, kind: int, offered: Mapping[int, bytes], balance: int) -> Generated:
    """JR/T 0025.13 §7.4.5: of the checks those of failed authentication alone, and a debit of ``balance`` with the TC."""
    memory, now = card.memory, card.transaction
    now.results = (_flags(card), _dynamic(card))
    given, because = kind, REQUESTED
    if now.blocked:
        given, because = AAC, "PAY-GAC-038"
    elif kind == TC and not _same(now.offered, offered):
        given, because = AAC, "PAY-ECC-014"
    if given == TC:
        memory.values[balance] -= number(offered.get(0x9F02, b""))
        card.approved(offered)
        because = "PAY-ECC-010"
    memory.online_pending |= given == ARQC
    now.stage = Stage.ONLINE if given == ARQC else Stage.ENDED
    results = bytes((GIVEN_FIRST[given] | _pin_bits(card), *now.results))
    return Generated(given, results, because, None if given == AAC else 0)


def _same(before: Mapping[int, bytes], after: Mapping[int, bytes]) -> bool:
    common = (before.keys() & after.keys()) - NOT_COMPARED
    return all(before[tag] == after[tag] for tag in common)


# The second cryptogram


def second(card: PaymentCard, kind: int, code: str, offered: Mapping[int, bytes]) -> Generated:
    """The second GENERATE AC for ``kind`` with the values of CDOL2 (JR/T 0025.5 §16)."""
    card.transaction.stage = Stage.ENDED
    if code in UNABLE:
        return _unable_to_go_online(card, kind, offered)
    given, because = _decided(card, kind)
    now, memory = card.transaction, card.memory
    third, fourth = now.results
    missing = card.issued.supports(AUTHENTICATION) and now.authenticated is None
    if missing:
        third |= 0x04
        memory.authentication_failed |= card.issued.authentication_is_mandatory
    refused = given == AAC and kind == TC and because in ("PAY-GA2-006", "PAY-GA2-007")
    if refused and card.issued.authentication_is_mandatory:
        memory.authentication_failed = True
    if not refused:
        _clear(card, given)
    if given == TC:
        card.approved(offered)
    byte = GIVEN_SECOND[given] | _pin_bits(card) | (0x08 if now.authenticated is False else 0)
    return Generated(given, bytes((byte, third, fourth)), because, None if given == AAC else 0)


def _decided(card: PaymentCard, kind: int) -> tuple[int, str]:
    """The kind of the second cryptogram after an answer of the bank, with its requirement."""
    now, issued = card.transaction, card.issued
    if kind == AAC:
        return AAC, "PAY-GA2-001"
    if now.authenticated is not None and now.code not in APPROVING:
        return AAC, "PAY-GA2-002"
    if now.authenticated is False:
        return (AAC if issued.action(1, 7) else TC), "PAY-GA2-006"
    if now.authenticated is None and issued.supports(AUTHENTICATION) and issued.authentication_is_mandatory:
        return (AAC if issued.action(1, 6) else TC), "PAY-GA2-007"
    return TC, "PAY-GA2-003"


def _clear(card: PaymentCard, given: int) -> None:
    """What a completed online transaction sets back; nothing after a failed or missing authentication (§16.6)."""
    memory, now, issued = card.memory, card.transaction, card.issued
    missing = now.authenticated is None and issued.supports(AUTHENTICATION) and issued.authentication_is_mandatory
    if now.authenticated is False or missing:
        return
    memory.online_pending = memory.static_failed = memory.dynamic_failed = memory.script_failed = False
    memory.scripts = 0
    if given == TC:
        memory.cumulative = memory.foreign_currency = memory.foreign_country = 0
        memory.last_online = memory.counter


def _unable_to_go_online(card: PaymentCard, kind: int, offered: Mapping[int, bytes]) -> Generated:
    """Completion without an answer of the bank (§16.7): every check runs, whatever is asked for."""
    memory, issued, now, values = card.memory, card.issued, card.transaction, card.memory.values
    third, fourth = now.results
    declines: list[str] = []
    if 0x9F59 in values and memory.counter - memory.last_online > values[0x9F59]:
        third |= 0x20
        declines.append("PAY-GA2-018")
    if memory.last_online == 0:
        third |= 0x10
        declines += ["PAY-GA2-021"] if issued.action(1, 1) else []
    if memory.pin is not None and memory.tries == 0 and not now.pin_performed and issued.action(2, 5):
        third |= 0x40
        declines.append("PAY-GA2-022")
    home = offered.get(0x5F2A) == issued.currency
    if 0x9F5C in values and home and memory.cumulative + number(offered.get(0x9F02, b"")) > values[0x9F5C]:
        third |= 0x20
        declines.append("PAY-GA2-019")
    given = AAC if kind == AAC or declines else TC
    if given == TC:
        _count_approved(card, offered)
    else:
        _note_failures(card, offered)
        _count_foreign(card, offered)
    results = bytes((GIVEN_SECOND[given] | _pin_bits(card) | 0x01, third, fourth))
    because = declines[0] if declines else "PAY-GA2-017"
    return Generated(given, results, because, _advice(card) if given == AAC else 0)
