"""A counter where a card gets its sectors 应用开通柜台: metro, bus, car park and the list of trips (JR/T 0025.14 §5.1, A.3).

The holder proves by the PIN on line that the card is theirs. Then the bank orders an APPEND RECORD for each file that has no record
yet, and the answer to a further inquiry carries them to the card, which a gate can use afterwards.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from conformance.actors.bank.bank import Bank
from conformance.actors.bank.messages import TransactionKind
from conformance.actors.bank.sectors import first_records, note_opened, order_opening
from conformance.actors.terminal.channel import Channel, Link
from conformance.actors.terminal.ending import Ended, Reason
from conformance.actors.terminal.events import Event
from conformance.actors.terminal.kernel import COUNTER_CONFIGURATION, Kernel
from conformance.actors.terminal.result import TransactionResult
from conformance.actors.terminal.shown import shown_card
from conformance.actors.terminal.transaction import PreparedHolder, Purchase
from emulator.iso7816 import SW
from emulator.iso7816.status import describe
from profiles.model import Profile

READ_RECORD, SELECT, BY_NAME, BY_NUMBER = 0xB2, 0xA4, 0x04, 4
LARGEST_NUMBER = 1_000_000


@dataclass(frozen=True, slots=True)
class Opening:
    """How it went.

    Attributes:
        opened: Short identifiers of the files that got their first record.
        missing: Those that still have none, as far as is known.
        transaction: The last inquiry, which carried the scripts or was declined; None where nothing was to be opened.
        lost: Whether the card was gone at the end; the next visit sees what it has.
    """

    opened: tuple[int, ...]
    missing: tuple[int, ...]
    transaction: TransactionResult | None
    lost: bool = False


class SectorCounter:
    """A counter with a card in its reader, on the contacts.

    Args:
        link: The card.
        bank: Its issuer, who orders the records.
        profile: The card product, with its operators' first records.
        directory: The payment application in it.
        pin: The PIN that the holder enters for the bank.
        listener: Hears every event when it happens.
        expected_account: Digits that the account number must contain, so that no other card is written to.
    """

    def __init__(
        self,
        link: Link,
        bank: Bank,
        profile: Profile,
        directory: str,
        *,
        pin: str,
        listener: Callable[[Event], None] = lambda event: None,
        expected_account: str = "",
    ) -> None:
        self._link = link
        self._bank = bank
        self._profile = profile
        self._directory = directory
        self._pin = pin
        self._listener = listener
        self._expected_account = expected_account

    def run(self) -> Opening:
        """Open what is not open; a card that has everything is left alone.

        The bank orders nothing before it knows the holder, so that there are two inquiries: the first one is the holder's, the
        second one carries the scripts.

        Raises:
            Ended: It is another card, has no such application, or was lost before the bank was asked.
        """
        shown = shown_card(self._link)
        if self._expected_account not in shown.account_number:
            raise Ended(Reason.OTHER_CARD)
        card = shown.account_number, shown.sequence_number
        wanted = self._without_record()
        note_opened(self._bank, *card, wanted)
        if not wanted:
            return Opening((), (), None)
        result = self._inquire(shown.account_number)
        if result.approved:
            order_opening(self._bank, self._profile, self._directory, *card, self._without_record())
            result = self._inquire(shown.account_number)
        try:
            missing = self._without_record()
        except Ended as end:
            if end.reason is not Reason.CARD_LOST:
                raise
            return Opening((), wanted, result, lost=True)
        return Opening(tuple(sfi for sfi in wanted if sfi not in missing), missing, result)

    def _inquire(self, account: str) -> TransactionResult:
        kernel = Kernel(
            self._link,
            COUNTER_CONFIGURATION,
            host=self._bank,
            holder=PreparedHolder((), online_pin=self._pin),
            listener=self._listener,
            expected_account=account,
        )
        number = secrets.randbelow(LARGEST_NUMBER)
        return kernel.run(Purchase(0, kind=TransactionKind.BALANCE_INQUIRY, number=number, force_online=True))

    def _without_record(self) -> tuple[int, ...]:
        """The files that operators of this product use and that have no record on the card."""
        channel = Channel(self._link, self._listener)
        name = self._profile.directory[self._directory].aid or b""
        answer = channel.send(0x00, SELECT, BY_NAME, 0x00, name)
        if answer.sw != SW.SUCCESS:
            raise Ended(Reason.NO_APPLICATION, f"SELECT answered {describe(answer.sw)}")
        found = []
        for sfi in first_records(self._profile, self._directory):
            answer = channel.send(0x00, READ_RECORD, 1, sfi << 3 | BY_NUMBER)
            if answer.sw == SW.RECORD_NOT_FOUND:
                found.append(sfi)
            elif answer.sw != SW.SUCCESS:
                raise Ended(Reason.CARD_ERROR, f"READ RECORD of SFI {sfi:02X} answered {describe(answer.sw)}")
        return tuple(found)
