"""What a sector's terminal says to a card: the steps that the suites of the extended application 扩展应用 share (JR/T 0025.14)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Self

from conformance.actors.sector import SectorKeys, SectorRecord, SectorRecordError, messages, sector_keys
from conformance.bench import Bench
from conformance.failures import CardFailure, Inconclusive, NotApplicable
from conformance.payment_answers import (
    COUNTER,
    FORMAT_2,
    Cryptogram,
    objects_of,
)
from conformance.payment_dialogue import (
    BALANCE,
    Offered,
    Visit,
    amount,
    application,
    get_data,
    set_data,
)
from conformance.targets.base import Interface
from emulator.crypto import CryptoError
from emulator.iso7816 import SW, Response
from profiles.applications import payment_directory
from profiles.model import Profile
from profiles.payment_settings import PaymentSettings

SEGMENTED, PRE_AUTHORISATION, COMPLETION = messages.SEGMENTED, messages.PRE_AUTHORISATION, messages.COMPLETION
OFFLINE_ONLY = "2A000080"
"""TTQ of a gate: qPBOC, offline alone, signature, fDDA version 01."""
EXTENDED, DEDUCTION_LIMIT, DEDUCTED = 0xDF61, 0xDF62, 0xDF63
TRACK_2, ACCOUNT, SEQUENCE, CRYPTOGRAM, BALANCE_LIMIT = 0x57, 0x5A, 0x5F34, 0x9F26, "9F77"
APPROVED_RESULT = 0x90
"""Byte 5 of 9F10 where qPBOC approved offline."""
RESPONSE_MAC, BOTH_KINDS = 0x80, 0x02
NOBODY = bytes.fromhex("EEEE")
"""An identifier that no record of the products has."""


@dataclass(frozen=True, slots=True)
class Place:
    """A record of the declared card: short identifier of its file, record identifier, and the keys of the file."""

    sfi: int
    identifier: bytes
    kind: int
    keys: SectorKeys


def settings(profile: Profile) -> PaymentSettings:
    """How the declared card settles the open points."""
    payment = application(profile).payment
    return payment.settings if payment else PaymentSettings()


def keys_of(profile: Profile) -> dict[int, SectorKeys]:
    """The keys of every file of the extended application, by short identifier."""
    name = payment_directory(profile)
    return dict(sector_keys(profile, name)) if name is not None else {}


def places(profile: Profile) -> list[Place]:
    """The records that sectors may use, as the profile declares them; not applicable where there is none."""
    name = payment_directory(profile) or ""
    keys, found = keys_of(profile), []
    for file_name, file in application(profile).file.items():
        if file.extended is None or file.structure != "variable":
            continue
        for record in profile.content.get(name, {}).get(file_name, {}).get("records", []):
            if record.get("valid", True) and not record.get("locked", False):
                kind = {"segmented": SEGMENTED}.get(record["type"], PRE_AUTHORISATION)
                sfi = file.short_identifier
                found.append(Place(sfi, bytes.fromhex(record["id"]), kind, keys[sfi]))
    if not found:
        raise NotApplicable("卡片声明中没有扩展应用记录", "the declared card has no record of the extended application")
    return found


def cyclic_sfi(profile: Profile) -> int | None:
    """Short identifier of the cyclic file of the extended application."""
    files = application(profile).file.values()
    return next((file.short_identifier for file in files if file.extended and file.structure == "cyclic"), None)


def altered(record: SectorRecord) -> SectorRecord:
    """The record with other data of the same length; inconclusive where it has none."""
    if not record.data:
        raise Inconclusive("记录没有行业数据", "the record holds no data of the sector")
    return record.with_data(bytes((record.data[0] ^ 1,)) + record.data[1:])


def sum_of(bench: Bench, tag: int) -> int:
    """An amount that GET DATA gives, in the smallest unit; inconclusive where it gives none."""
    value = get_data(bench, tag)
    if value is None or len(value) != 6 or not value.hex().isdecimal():
        raise Inconclusive(f"无法读取 {tag:X}", f"GET DATA gives no amount {tag:X}")
    return int(value.hex())


class Ride(Visit):
    """A sector's terminal at the contactless side of the card; what it offers unless told otherwise is a free passage."""

    def __init__(self, bench: Bench, **offered: Offered) -> None:
        super().__init__(bench, **{"qualifiers": OFFLINE_ONLY, "amount": 0, **offered})
        self.places = places(bench.profile)

    @property
    def first_place(self) -> Place:
        """The record that most cases use."""
        return self.places[0]

    @property
    def account(self) -> str:
        """The account number out of 57 or 5A; inconclusive before the card gave either."""
        track, separator, _ = self.objects.get(TRACK_2, b"").hex().upper().partition("D")
        digits = track if separator else self.objects.get(ACCOUNT, b"").hex().upper().rstrip("F")
        if not digits.isdecimal():
            raise Inconclusive("卡片未返回主账号", "the card gave no account number yet")
        return digits

    def management_key(self, place: Place) -> bytes:
        """The sector's key for the records of a file of this card."""
        try:
            return place.keys.management_key(self.account)
        except CryptoError as problem:
            raise Inconclusive("无法计算管理密钥", str(problem)) from problem

    # Reading

    def send_look(self, place: Place, random: bytes = b"", *, following: bool = False) -> Response:
        """READ CAPP DATA of the record, or of the next one with its identifier."""
        return self.bench.send(messages.read_command(place.sfi, place.identifier, random, following=following))

    def look(self, place: Place) -> SectorRecord:
        """READ CAPP DATA, which must give a record."""
        answer = self.bench.need(self.send_look(place), "读扩展应用数据", "READ CAPP DATA")
        try:
            return SectorRecord.parse(answer.data)
        except SectorRecordError as problem:
            raise Inconclusive("记录格式错误", str(problem)) from problem

    def prove(self, counter: bytes) -> Response:
        """GET TRANS PROVE."""
        return self.bench.send(messages.proof_command(counter))

    # A transaction

    def send_start(self, kind: int, money: int = 0, place: Place | None = None) -> Response:
        """GET PROCESSING OPTIONS with DF60, after READ CAPP DATA of the record that is meant."""
        if place is not None:
            self.look(place)
        self.offer(extended=bytes((kind,)), amount=money)
        for tag in (CRYPTOGRAM, COUNTER, TRACK_2):
            self.objects.pop(tag, None)
        return self.send_begin()

    def start(self, kind: int = SEGMENTED, money: int = 0, place: Place | None = None) -> Cryptogram:
        """The same, which the card must approve offline."""
        answer = self.bench.need(self.send_start(kind, money, place), "应用初始化", "GET PROCESSING OPTIONS")
        made = Cryptogram.read(answer)
        if not is_approved(answer):
            raise Inconclusive("卡片未脱机批准", "the card did not approve the transaction offline")
        self.counter = made.counter
        return made

    def update_of(
        self, place: Place, record: SectorRecord | bytes, key: bytes | None = None, counter: bytes | None = None
    ) -> bytes:
        """UPDATE CAPP DATA CACHE as a command, with the MAC of this transaction or of another counter."""
        raw = record if isinstance(record, bytes) else record.to_bytes()
        used = self.counter if counter is None else counter
        return messages.update_command(place.keys, key or self.management_key(place), place.sfi, used, raw)

    def send_update(
        self, place: Place, record: SectorRecord | bytes, *, key: bytes | None = None, wrong: bool = False
    ) -> Response:
        """UPDATE CAPP DATA CACHE with its MAC, or with one whose last bit is wrong."""
        command = self.update_of(place, record, key)
        if wrong:
            command = command[:-2] + bytes((command[-2] ^ 1,)) + command[-1:]
        return self.bench.send(command)

    def update(self, place: Place, record: SectorRecord, key: bytes | None = None) -> None:
        """The same, which must succeed."""
        answer = self.send_update(place, record, key=key)
        self.bench.need(answer, "更新扩展应用数据缓存", "UPDATE CAPP DATA CACHE")

    def read_but_last(self) -> tuple[int, int]:
        """Every record of the file locator but the last, whose file and number are answered."""
        listed = [(entry.sfi, at) for entry in self.entries for at in range(entry.first, entry.last + 1)]
        for sfi, at in listed[:-1]:
            answer = self.bench.need(self.read_record(sfi, at), "读应用记录", "READ RECORD of the AFL")
            self.objects.update(objects_of(answer.data, 0x70))
        return listed[-1]

    def send_last(self) -> Response:
        """Every record of the file locator; the last one's answer is for the case to judge."""
        return self.read_record(*self.read_but_last())

    def finish(self) -> None:
        """The same, which must succeed."""
        self.bench.need(self.send_last(), "读最后一条记录", "READ RECORD of the last record")

    def whole(self, kind: int, money: int, place: Place, record: SectorRecord | None = None) -> Cryptogram:
        """A transaction that writes the record, or writes it as it is."""
        old = self.look(place)
        made = self.start(kind, money)
        self.update(place, record or old)
        self.finish()
        return made

    def come_back(self) -> Self:
        """Out of the field and into it again."""
        self.bench.reset()
        self.open()
        return self


def is_approved(answer: Response) -> bool:
    """Whether an answer of GET PROCESSING OPTIONS is an offline approval."""
    issuer_data = objects_of(answer.data, FORMAT_2).get(0x9F10, b"")
    return answer.sw == SW.SUCCESS and len(issuer_data) > 4 and issuer_data[4] == APPROVED_RESULT


# The bank


@contextmanager
def at_the_bank(bench: Bench) -> Iterator[Visit]:
    """The contacts of the card in an online transaction that the bank approved; afterwards the antenna again."""
    bench.switch(Interface.CONTACT)
    try:
        visit = Visit(bench)
        visit.online()
        yield visit
    finally:
        bench.switch(Interface.CONTACTLESS)


def append_of(visit: Visit, place: Place, record: SectorRecord, key: bytes) -> bytes:
    """APPEND RECORD as the bank makes it in this transaction; ``key`` is the new management key."""
    account = visit.objects.get(ACCOUNT, b"").hex().upper().rstrip("F")
    try:
        opening = place.keys.opening_key(account, visit.objects.get(SEQUENCE, b"\0").hex())
    except CryptoError as problem:
        raise Inconclusive("无法计算开通密钥", str(problem)) from problem
    return messages.append_command(place.keys, opening, place.sfi, visit.counter, key, record.to_bytes())


def opened(bench: Bench, place: Place, record: SectorRecord, key: bytes) -> Place:
    """A new record on the card, opened by the bank, which must succeed."""
    with at_the_bank(bench) as visit:
        bench.need(bench.send(append_of(visit, place, record, key)), "开通扩展应用", "APPEND RECORD")
    return replace(place, identifier=record.identifier, kind=record.kind)


@contextmanager
def kept(ride: Ride) -> Iterator[Ride]:
    """Put back balance and records, and give free what is frozen, where the card must survive."""
    bench = ride.bench
    if bench.target.renewable:
        yield ride
        return
    balance = sum_of(bench, BALANCE)
    records = {place: ride.look(place) for place in ride.places}
    try:
        yield ride
    finally:
        ride.come_back()
        for place, record in records.items():
            with suppress(Inconclusive, CardFailure):
                if not _settled(ride, place, record) and ride.look(place) != record:
                    ride.whole(SEGMENTED, 0, place, record)
        if sum_of(bench, BALANCE) != balance:
            bench.switch(Interface.CONTACT)
            set_data(bench, {BALANCE: amount(balance)})
            bench.switch(Interface.CONTACTLESS)


def _settled(ride: Ride, place: Place, record: SectorRecord) -> bool:
    """Give back what a pre-authorisation of the record froze, if there is one, and write the record as it was."""
    answer = ride.send_start(COMPLETION, 0, place)
    if not is_approved(answer):
        return False
    ride.counter = Cryptogram.read(answer).counter
    ride.update(place, record)
    ride.finish()
    return True
