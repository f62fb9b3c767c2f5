"""The key service over a line: what a security module computes for a card. No operation takes or answers a key in clear.

The replacement of the certificate application's master keys by or of a key in clear is therefore not offered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from conformance.actors.hosts.operation import Desk, Line, asks
from conformance.actors.hosts.service import DirectLine, Kind, Service
from conformance.actors.key_service import (
    AccountLoad,
    KeyService,
    KeysOfCard,
    LoadCodes,
    Settlement,
    SettlementCodes,
)
from profiles.keys import RootKeyError
from profiles.model import Profile


@dataclass(frozen=True, slots=True)
class CardFactors:
    """Whose keys: product, historical bytes and city code of the card."""

    product: str
    historical: bytes
    city_code: str


@dataclass(frozen=True, slots=True)
class KeyRoom:
    """The key services of some products, by name."""

    products: Mapping[str, Profile]

    def of(self, card: CardFactors) -> KeyService:
        """The keys of a card; raises :class:`~profiles.keys.RootKeyError` for another product."""
        if card.product not in self.products:
            raise RootKeyError(f"the key service has no keys of product {card.product}; start it with that --profile")
        return KeyService(self.products[card.product], card.historical, card.city_code)

    def writing(self, card: CardFactors) -> KeyWriting:
        """The keys of a card on their way into its chip."""
        return KeyWriting(self, self.of(card))


@dataclass(frozen=True, slots=True)
class KeyWriting:
    """Keys under a key that may be that of another product: the chip maker's."""

    room: KeyRoom
    keys: KeyService

    def enciphered_key(self, name: str, version: int, header: bytes, master: CardFactors, master_name: str) -> bytes:
        """See :meth:`KeyService.enciphered_key`."""
        return self.keys.enciphered_key(name, version, header, (self.room.of(master), master_name))

    def exchange_master_key(self, name: str, present: CardFactors, challenge: bytes) -> bytes:
        """See :meth:`KeyService.exchange_master_key`."""
        return self.keys.exchange_master_key(name, self.room.of(present), challenge)


class KeysHost(Desk):
    """The operations with the keys of one card; see :class:`KeyService`."""

    subject_type = CardFactors
    check_values = asks(KeyService.check_values)
    external_authentication = asks(KeyService.external_authentication)
    internal_authentication = asks(KeyService.internal_authentication)
    maintenance_mac = asks(KeyService.maintenance_mac)
    enciphered_pin_block = asks(KeyService.enciphered_pin_block)
    encipher = asks(KeyService.encipher)
    identification_code = asks(KeyService.identification_code)
    settlement = asks(KeyService.settlement)
    transaction_code = asks(KeyService.transaction_code)
    load = asks(KeyService.load)
    load_transaction_code = asks(KeyService.load_transaction_code)
    transport_code = asks(KeyService.transport_code)
    master_authentication = asks(KeyService.master_authentication)
    enciphered_under = asks(KeyService.enciphered_under)
    authenticate_master_key = asks(KeyService.authenticate_master_key)


class WritingHost(Desk):
    """See :class:`KeyWriting`."""

    desk = "writing"
    subject_type = CardFactors
    enciphered_key = asks(KeyWriting.enciphered_key)
    exchange_master_key = asks(KeyWriting.exchange_master_key)


class RemoteKeys(KeyService):
    """A key service whose keys are behind a line; what it does not offer is refused, for there is no key here."""

    def __init__(self, line: Line, profile: Profile, historical: bytes, city_code: str | None = None) -> None:
        super().__init__(profile, historical, city_code)
        subject = _factors(self)
        self._host, self._writing = KeysHost(line, subject), WritingHost(line, subject)

    @classmethod
    def behind(cls, line: Line) -> KeysOfCard:
        """The key service behind a line, for whichever card."""
        return partial(cls, line)

    def check_values(self) -> list[dict[str, str]]:
        """See :class:`KeyService`, here and below."""
        return self._host.check_values()

    def external_authentication(
        self,
        name: str,
        challenge: bytes,
        *,
        source: bytes = bytes.fromhex("0102030405060708"),
        version: int = 1,
        with_version: bool | None = None,
        levels: int | None = None,
    ) -> bytes:
        """Data field of EXTERNAL AUTHENTICATE."""
        return self._host.external_authentication(
            name, challenge, source=source, version=version, with_version=with_version, levels=levels
        )

    def internal_authentication(self, name: str, factor: bytes, source: bytes, version: int = 1) -> bytes:
        """What a genuine card answers."""
        return self._host.internal_authentication(name, factor, source, version)

    def maintenance_mac(self, name: str, challenge: bytes, covered: bytes) -> bytes:
        """MAC of a maintenance command."""
        return self._host.maintenance_mac(name, challenge, covered)

    def enciphered_pin_block(self, name: str, challenge: bytes, pin: bytes) -> bytes:
        """The block of RELOAD PIN."""
        return self._host.enciphered_pin_block(name, challenge, pin)

    def encipher(self, name: str, challenge: bytes, blocks: bytes) -> bytes:
        """Blocks under a maintenance session key."""
        return self._host.encipher(name, challenge, blocks)

    def identification_code(self, name: str, identification: bytes) -> bytes:
        """卡的认证码."""
        return self._host.identification_code(name, identification)

    def settlement(self, name: str, settlement: Settlement, version: int = 1) -> SettlementCodes:
        """MAC1 and MAC2."""
        return self._host.settlement(name, settlement, version)

    def transaction_code(self, name: str, settlement: Settlement, version: int = 1) -> bytes:
        """TAC of a settlement."""
        return self._host.transaction_code(name, settlement, version)

    def load(self, name: str, load: AccountLoad, version: int = 1) -> LoadCodes:
        """MAC1 and MAC2 of a load."""
        return self._host.load(name, load, version)

    def load_transaction_code(self, name: str, load: AccountLoad) -> bytes:
        """TAC of a load."""
        return self._host.load_transaction_code(name, load)

    def transport_code(self, name: str) -> bytes:
        """传输密码."""
        return self._host.transport_code(name)

    def master_authentication(self, name: str, challenge: bytes) -> bytes:
        """EXTERNAL AUTHENTICATE with a master key."""
        return self._host.master_authentication(name, challenge)

    def enciphered_key(self, name: str, version: int, header: bytes, master: tuple[KeyService, str]) -> bytes:
        """Data field of WRITE KEY."""
        return self._writing.enciphered_key(name, version, header, _factors(master[0]), master[1])

    def enciphered_under(self, master: str, plain: bytes) -> bytes:
        """Blocks under a master key."""
        return self._host.enciphered_under(master, plain)

    def authenticate_master_key(self, name: str, challenge: bytes) -> bytes:
        """EXTERNAL AUTHENTICATE with a master key of the certificate application."""
        return self._host.authenticate_master_key(name, challenge)

    def exchange_master_key(self, name: str, present: KeyService, challenge: bytes) -> bytes:
        """The command that puts a master key in the place of that of another service."""
        return self._writing.exchange_master_key(name, _factors(present), challenge)

    def _card_key(self, name: str, version: int, levels: int | None = None) -> bytes:
        raise RootKeyError(f"key {name} stays in the key service, which does not offer this operation")


def _factors(keys: KeyService) -> CardFactors:
    return CardFactors(keys.profile.name, keys.historical, keys.city_code)


KEYS = Kind("keys", (KeysHost, WritingHost))


def keys_service(products: Mapping[str, Profile]) -> Service:
    """The key service for cards of these products, as a host serves it."""
    return Service(KEYS, keys_line(products))


def keys_line(products: Mapping[str, Profile]) -> DirectLine:
    """A key service in this process, over whose line every desk of this module works."""
    room = KeyRoom(products)
    return DirectLine({"": room.of, "writing": room.writing})
