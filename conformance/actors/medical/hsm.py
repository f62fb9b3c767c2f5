"""An HSM 加密机 of the key centre, and the back end that brings it what the steps of the reader interface answer.

A request names a key by address, which tells its group 组 (version 1 to 3) as well, and carries algorithm identifier and
diversification factors, the upper level first: (province,) city, card (reconstructed specification §4.1, §4.2). Products
of SM4 have their keys at the addresses that are known of triple DES (assumed).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from conformance.actors.key_service import KeyService, Settlement
from conformance.actors.medical.addresses import FIELD
from conformance.actors.medical.counter import fields
from conformance.actors.medical.keys import ALGORITHM_IDENTIFIERS, CardInTerminal
from conformance.actors.medical.reader import INTERNAL_KEY, READ_KEY
from emulator.crypto import Algorithm, CryptoError, pad_length_prefixed
from profiles.keys import RootKeyError, keys
from profiles.model import Key, Profile

ADDRESS, MAC1_DATA = 4, 26


class HsmRefused(Exception):
    """The HSM, or the back end before it, does not compute what was asked; the message says why, in English."""


@dataclass(frozen=True, slots=True)
class HsmRequest:
    """A request to the HSM.

    Attributes:
        algorithm: 算法标识, 1 triple DES or 3 SM4.
        address: Key address, four hexadecimal digits, or six with the key's identifier.
        factors: 分散因子, 8 bytes each, the upper level first.
        process_factor: 过程因子: a challenge, or random ‖ number ‖ right half of the terminal's number of a settlement.
        data: 原始信息, or what the MAC covers.
    """

    algorithm: int
    address: str
    factors: tuple[bytes, ...]
    process_factor: bytes
    data: bytes


class Hsm:
    """The HSM with the root keys of one card product. ``requests`` keeps what it was asked, without any answer."""

    def __init__(self, cards: Profile) -> None:
        self._cards = cards
        self.requests: list[HsmRequest] = []

    def address(self, name: str, group: int = 1) -> str:
        """Address of a key's version; raises :class:`HsmRefused` where it has none."""
        key = keys(self._cards).get(name)
        if key is None or not 1 <= group <= len(key.hsm):
            raise HsmRefused(f"the HSM has no group {group} of key {name}")
        return key.hsm[group - 1]

    def levels(self, address: str) -> int:
        """How many factors a key takes 分散次数."""
        return self._find(address)[1].levels

    def group(self, address: str) -> int:
        """Which version of its key is at an address."""
        return self._find(address)[2]

    def in_group(self, address: str, group: int) -> str:
        """Address of the same key in a group; as it is, for a key of one group alone."""
        name, key, _ = self._find(address)
        return address if len(key.hsm) == 1 else self.address(name, group)

    @property
    def algorithm(self) -> Algorithm:
        """The block cipher of its keys."""
        return Algorithm(self._cards.algorithm)

    def cryptogram(self, request: HsmRequest) -> bytes:
        """Eight bytes of an internal or external authentication."""
        service, name, version = self._keys(request)
        return self._computed(
            lambda: service.internal_authentication(name, request.process_factor, request.data, version)
        )

    def mac(self, request: HsmRequest) -> bytes:
        """Four MAC bytes of a maintenance command over its header and data."""
        service, name, _ = self._keys(request)
        return self._computed(lambda: service.maintenance_mac(name, request.process_factor, request.data))

    def encipher(self, request: HsmRequest) -> bytes:
        """Whole blocks enciphered for a maintenance command."""
        service, name, _ = self._keys(request)
        return self._computed(lambda: service.encipher(name, request.process_factor, request.data))

    def mac1(self, request: HsmRequest) -> bytes:
        """MAC1 of a settlement."""
        service, name, version = self._keys(request)
        return self._computed(lambda: service.settlement(name, _settlement(request), version).mac1)

    def confirm(self, request: HsmRequest, mac2: bytes) -> bool:
        """Whether a card's MAC2 belongs to the settlement for which MAC1 was asked."""
        service, name, version = self._keys(request)
        expected = self._computed(lambda: service.settlement(name, _settlement(request), version).mac2)
        return hmac.compare_digest(expected, mac2)

    def _keys(self, request: HsmRequest) -> tuple[KeyService, str, int]:
        self.requests.append(request)
        own = ALGORITHM_IDENTIFIERS[self.algorithm]
        if request.algorithm != own:
            raise HsmRefused(f"the HSM has keys of algorithm {own:02X}, not {request.algorithm:02X}")
        name, key, version = self._find(request.address)
        if len(request.factors) != key.levels:
            raise HsmRefused(f"the key at {request.address} takes {key.levels} factors, not {len(request.factors)}")
        return KeyService.with_factors(self._cards, request.factors), name, version

    def _find(self, address: str) -> tuple[str, Key, int]:
        place, identifier = address[:ADDRESS], address[ADDRESS:]
        for name, key in keys(self._cards).items():
            if place in key.hsm and (not identifier or (key.sam or "").endswith(f",{identifier}")):
                return name, key, key.hsm.index(place) + 1
        raise HsmRefused(f"the HSM has no key at {address!r}")

    @staticmethod
    def _computed(act: Callable[[], bytes]) -> bytes:
        try:
            return act()
        except (CryptoError, RootKeyError) as problem:
            raise HsmRefused(str(problem)) from problem


class BackEnd:
    """业务系统: asks the HSM for the card at the counter. ``group`` is that of the keys of external authentications."""

    def __init__(self, hsm: Hsm, card: CardInTerminal, *, group: int = 1, terminal_number: int = 1) -> None:
        self.hsm = hsm
        self._card = card
        self._group = group
        self._terminal_number = terminal_number
        self._settling: HsmRequest | None = None
        self._answers: Mapping[str, Callable[[str], str]] = {
            "iReadCardBas_HSM_Step1": self._basics,
            "iReadCard_HSM_Step1": self._authentication,
            "iWriteCard_HSM_Step1": self._authentication,
            "iReloadPIN_HSM_Step1": self._authentication,
            "iReloadPIN_HSM_Step2": self._reload,
            "iUnblockPIN_HSM_Step1": self._authentication,
            "iUnblockPIN_HSM_Step2": self._unblock,
            "iDoDebit_HSM_Step1": self._settlement,
        }

    def answer(self, step: str, asked: str) -> str:
        """pKey of the next step, from what a step answered.

        Raises:
            HsmRefused: No step that is followed by another, not what such a step answers, or no such key.
        """
        act = self._answers.get(step)
        if act is None:
            raise HsmRefused(f"nothing follows {step}")
        return act(asked)

    def accepts(self, step: str, answer: str) -> bool:
        """Whether what a last step answered is in order: of a settlement, whether MAC2, its fifth field, is right."""
        if step != "iDoDebit_HSM_Step2":
            return True
        parts = answer.split(FIELD)
        return self._settling is not None and len(parts) == 6 and self.hsm.confirm(self._settling, _octets(parts[4]))

    def _basics(self, asked: str) -> str:
        """内部认证结果|外部认证数据|; the first has its 原始信息 behind as the second has."""
        city, historical, algorithm, _, factor, source, outer_factor, outer_source, _ = _cut(asked, 9)
        card = CardInTerminal(_octets(historical), city)
        inner = self._request(algorithm, self.hsm.address(INTERNAL_KEY), factor, source, card)
        proof = self.hsm.cryptogram(inner) + inner.data
        if not outer_factor:
            return fields(_digits(proof), "")
        address = self.hsm.address(READ_KEY, self._group)
        return fields(_digits(proof), self._proof(algorithm, address, outer_factor, outer_source, card))

    def _authentication(self, asked: str) -> str:
        algorithm, address, factor, source = _cut(asked, 4)
        return self._proof(algorithm, self.hsm.in_group(address, self._group), factor, source, self._card)

    def _proof(self, algorithm: str, address: str, factor: str, source: str, card: CardInTerminal) -> str:
        """外部认证数据, 32 digits, and the version byte for a key of another group than the first."""
        request = self._request(algorithm, address, factor, source, card)
        group = self.hsm.group(address)
        version = b"" if group == 1 else bytes((group,))
        return _digits(self.hsm.cryptogram(request) + request.data + version)

    def _reload(self, asked: str) -> str:
        algorithm, address, factor, header, pin = _cut(asked, 5)
        if not (pin.isascii() and pin.isdigit()):
            raise HsmRefused("the new PIN is not made of digits")
        packed = bytes.fromhex(pin + "F" * (len(pin) % 2))
        block = pad_length_prefixed(packed, self.hsm.algorithm.block_size)
        request = self._request(algorithm, address, factor, block.hex(), self._card)
        return self._protected(request, _octets(header), self.hsm.encipher(request))

    def _unblock(self, asked: str) -> str:
        algorithm, address, factor, header = _cut(asked, 4)
        request = self._request(algorithm, address, factor, "", self._card)
        return self._protected(request, _octets(header), b"")

    def _protected(self, request: HsmRequest, header: bytes, data: bytes) -> str:
        covered = header + data
        asked = HsmRequest(request.algorithm, request.address, request.factors, request.process_factor, covered)
        return _digits(covered + self.hsm.mac(asked))

    def _settlement(self, asked: str) -> str:
        """终端交易序号|交易时间|MAC1|."""
        algorithm, address, random, number, own, fund, kind_and_terminal, time = _cut(asked, 8)
        serial = self._terminal_number.to_bytes(4, "big")
        self._terminal_number += 1
        factor = f"{random}{number}{serial[2:].hex()}"
        data = f"00000000{own}{fund}{kind_and_terminal}{time}"
        self._settling = self._request(algorithm, address, factor, data, self._card)
        return fields(_digits(serial), time, _digits(self.hsm.mac1(self._settling)))

    def _request(self, algorithm: str, address: str, factor: str, data: str, card: CardInTerminal) -> HsmRequest:
        levels = self.hsm.levels(address)
        try:
            upper_first = card.upper_first(levels)
        except CryptoError as problem:
            raise HsmRefused(str(problem)) from problem
        return HsmRequest(int.from_bytes(_octets(algorithm)), address, upper_first, _octets(factor), _octets(data))


def _settlement(request: HsmRequest) -> Settlement:
    factor, data = request.process_factor, request.data
    if len(factor) != 8 or len(data) != MAC1_DATA:
        raise HsmRefused("MAC1 is computed with a process factor of 8 bytes over 26 bytes")
    serial = bytes(2) + factor[6:]
    return Settlement(factor[:4], factor[4:6], data[:12], data[13:19], serial, data[19:], data[12:13])


def _cut(asked: str, count: int) -> list[str]:
    *parts, rest = asked.split(FIELD)
    if rest or len(parts) != count:
        raise HsmRefused(f"{count} fields, each ended by {FIELD}, were expected")
    return parts


def _octets(digits: str) -> bytes:
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise HsmRefused(f"{digits!r} is not an even number of hexadecimal digits") from None


def _digits(octets: bytes) -> str:
    return octets.hex().upper()
