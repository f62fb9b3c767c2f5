"""金融个人化: the bank's data groupings onto the chip, and what the chip then shows to a terminal (JR/T 0025.10, §7.5)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from conformance.actors.bank.authority import Authority
from conformance.actors.bank.groupings import DataFile
from conformance.actors.bank.personaliser import (
    ChipLostError,
    IssuedAlreadyError,
    MasterKey,
    PersonalisationError,
    Personaliser,
)
from conformance.actors.medical.reader import CardGone, CardRefused
from conformance.actors.station.link import ChipLink
from conformance.actors.terminal.authentication import FAILED, authenticate
from conformance.actors.terminal.bits import Capability, Tsi
from conformance.actors.terminal.configuration import TerminalConfiguration, authority_keys
from conformance.actors.terminal.ending import Dropped, Ended, Reason
from conformance.actors.terminal.events import DataAuthenticated
from conformance.actors.terminal.reading import AFL, initiate, read_records
from conformance.actors.terminal.selection import Candidate, matching, select
from conformance.actors.terminal.transaction import PreparedHolder, Purchase, Transaction
from emulator.iso7816 import SW, TlvError, tlv
from profiles.algorithm_sets import AlgorithmSet, algorithm_sets
from profiles.applications import awaited_directory, payment_directory
from profiles.dictionary import find_grouping
from profiles.model import Profile

CHIP_SERIAL = 4
"""Last historical bytes, with which KEYDATA ends."""
OF_THE_KEY_PAIR = frozenset({0x90, 0x92, 0x93, 0x9F46, 0x9F47, 0x9F48})
"""Objects that the bank makes anew with each key pair; whether they are right, data authentication shows."""
OFFLINE_AMOUNT = 0x9F5D
"""Stored, it says whether GET DATA may answer the amount that can be spent off line (JR/T 0025.12)."""
OPTIONS, OPTIONS_SM, SELECTION = "9104", "9114", "9102"
RECORD, LAST_TEMPLATE_FILE = 0x70, 10
READ_RECORD = 0xB2
FCI, PROPRIETARY = 0x6F, 0xA5
AIP = 0x82


class FinancialHalf:
    """The bank's application of one chip.

    Args:
        link: The way to the chip.
        product: The card product.
        blank: The product of the blank chip: its personalisation master key.
        historical: Historical bytes of the chip.
    """

    def __init__(self, link: ChipLink, product: Profile, blank: Profile, historical: bytes) -> None:
        self._link = link
        self._product = product
        self._blank = blank
        self._historical = historical
        self._name, self._key = MasterKey.of_profile(blank)

    @property
    def _key_data(self) -> bytes:
        """KEYDATA of this very chip: no other one gets the holder's data."""
        name = awaited_directory(self._blank) or ""
        described = self._blank.directory[name].personalisation
        return (described.kmc_identifier if described else b"") + self._historical[-CHIP_SERIAL:]

    def is_waiting(self) -> bool:
        """Whether the application waits for its personalisation: INITIALIZE UPDATE, which changes nothing.

        Raises:
            CardGone: The chip was lost.
            CardRefused: It is another chip, or has another personalisation master key.
        """
        try:
            Personaliser(self._link, self._key).identify(self._name, expected=self._key_data)
        except IssuedAlreadyError:
            return False
        except PersonalisationError as problem:
            raise _refusal(problem) from problem
        return True

    def personalise(self, data: DataFile) -> None:
        """Store everything; the last block issues the application. Raises as :meth:`is_waiting`."""
        try:
            Personaliser(self._link, self._key).run(self._name, data, expected=self._key_data)
        except PersonalisationError as problem:
            raise _refusal(problem) from problem

    def check(self, data: DataFile, authority: Authority) -> None:
        """What a terminal that trusts the authority finds is what the bank meant for this card. Raises as :meth:`is_waiting`.

        With every algorithm set of the application: selection, options, each record, what GET DATA answers; the
        certificates lead to the authority, and the chip signs with the key that they certify.
        """
        name = payment_directory(self._product) or ""
        with _transactions_begin():
            for algorithms in algorithm_sets(self._product, name):
                self._as_terminal(algorithms, data, authority)

    def _as_terminal(self, algorithms: AlgorithmSet, data: DataFile, authority: Authority) -> None:
        sm = algorithms.certification is not None and algorithms.certification.scheme == "SM2"
        configuration = TerminalConfiguration(
            authority_keys=authority_keys(authority.rsa, authority.sm2), supports_sm=sm or algorithms.second
        )
        without_combined = int.from_bytes(configuration.capabilities) & ~Capability.COMBINED
        transaction, told = Transaction.begin(
            self._link,
            replace(configuration, capabilities=without_combined.to_bytes(3)),
            Purchase(amount=1, e_cash=False),
            PreparedHolder(),
            secrets.SystemRandom(),
        )
        self._compare_selection(transaction, data)
        options = self._begin(transaction)
        wanted = dict(_objects(data, OPTIONS_SM if algorithms.second else OPTIONS))
        _require(wanted == options, "处理选项", "GET PROCESSING OPTIONS")
        self._compare_records(transaction, data)
        self._compare_objects(transaction, data)
        authenticate(transaction)
        failures = [event.failure for event in told if isinstance(event, DataAuthenticated)]
        if algorithms.certification is None:
            return
        good = bool(transaction.tsi & Tsi.DATA_AUTHENTICATION) and not transaction.tvr & sum(FAILED.values())
        if not good or isinstance(transaction.card_key, bytes) is not sm:
            raise CardRefused(
                "脱机数据认证失败", f"the bank's application: {'; '.join(failures) or 'no data authentication'}"
            )

    def _begin(self, transaction: Transaction) -> dict[int, bytes]:
        """Selection and the records of the options; answers AIP and AFL."""
        parameters = matching(transaction.configuration.applications, self._name)
        if parameters is None:
            raise Ended(Reason.NO_APPLICATION, "no terminal accepts its name")
        select(transaction, Candidate(self._name, "", 0, parameters))
        locator = initiate(transaction)
        read_records(transaction, locator)
        return {AIP: transaction.card[AIP], AFL: locator}

    def _compare_records(self, transaction: Transaction, data: DataFile) -> None:
        """Every record that a grouping gave, also those that no option names."""
        for grouping in data.groupings:
            sfi, number = bytes.fromhex(grouping.identifier)
            if not 1 <= sfi <= LAST_TEMPLATE_FILE:
                continue
            answer = transaction.channel.send(0x00, READ_RECORD, number, sfi << 3 | 4)
            right = answer.sw == SW.SUCCESS and _held(answer.data) == _held(grouping.value)
            _require(right, f"记录 {grouping.identifier}", f"record {grouping.identifier}")

    def _compare_objects(self, transaction: Transaction, data: DataFile) -> None:
        """What GET DATA answers of the objects that groupings gave; most of them no command shows."""
        for grouping in data.groupings:
            known = find_grouping(int(grouping.identifier, 16))
            if known is None or known.kind != "objects":
                continue
            for each in tlv.parse(grouping.value):
                shown = transaction.channel.data(each.tag) if each.tag != OFFLINE_AMOUNT else None
                _require(shown in (None, each.value), f"数据 {each.tag:X}", f"{each.tag:X}")

    def _compare_selection(self, transaction: Transaction, data: DataFile) -> None:
        answer = transaction.channel.send(0x00, 0xA4, 0x04, 0x00, self._name)
        try:
            found = tlv.find(tlv.parse(answer.data), FCI, PROPRIETARY)
        except TlvError:
            found = None
        wanted = next((each.value for each in data.groupings if each.identifier == SELECTION), None)
        _require(found is not None and found.to_bytes() == wanted, "选择应答", "the answer of SELECT")


@contextmanager
def _transactions_begin() -> Iterator[None]:
    """The kernel's ends as those of a reader."""
    try:
        yield
    except Dropped as dropped:
        raise CardRefused("金融应用不可用", "the bank's application does not begin a transaction") from dropped
    except Ended as ended:
        if ended.reason is Reason.CARD_LOST:
            raise CardGone(ended.detail) from ended
        raise CardRefused("金融应用回读不符", f"the bank's application: {ended.detail or ended.reason.en}") from ended


def _objects(data: DataFile, identifier: str) -> Iterator[tuple[int, bytes]]:
    """Tags and values of a grouping of data objects."""
    for grouping in data.groupings:
        if grouping.identifier == identifier:
            yield from ((each.tag, each.value) for each in tlv.parse(grouping.value))


def _held(record: bytes) -> dict[int, bytes]:
    """The objects of a record, but for those of the key pair, of which it counts only that they are there."""
    try:
        template = tlv.parse(record)
        objects = template[0].children if len(template) == 1 and template[0].tag == RECORD else ()
    except TlvError:
        return {}
    return {each.tag: b"" if each.tag in OF_THE_KEY_PAIR else each.value for each in objects}


def _require(right: bool, zh: str, en: str) -> None:
    if not right:
        raise CardRefused(
            f"金融应用{zh}回读不符", f"the bank's application: {en} reads back otherwise than it was given"
        )


def _refusal(problem: PersonalisationError) -> CardGone | CardRefused:
    if isinstance(problem, ChipLostError):
        return CardGone(str(problem))
    return CardRefused("金融个人化", f"personalisation of the bank's application: {problem}")
