"""Where a hospital's terminal has its keys: in a PSAM in the reader's second slot, or behind the line in an HSM 加密机.

Both answer the same questions, so that a terminal need not know which it has (人社信息函〔2012〕38号 §2).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from conformance.actors.bank.messages import HostUnreachable
from conformance.actors.key_service import KeyService, KeysOfCard, Settlement
from conformance.actors.terminal.channel import Channel, Link
from conformance.actors.terminal.ending import Ended, Reason
from emulator.crypto import Algorithm, CryptoError, factors, pad_mac
from emulator.crypto.mac import fold_words
from emulator.iso7816 import SW, Response
from profiles.keys import RootKeyError, keys
from profiles.model import Key, Profile

ENVIRONMENTS = {Algorithm.DES3: None, Algorithm.SM4: bytes.fromhex("7378332E73682EC9E7BBE1B1A3D5CF")}
"""Name of the PSAM's environment; the triple DES keys lie in its MF (reconstructed specification §3.2)."""
KEY_APPLICATION = bytes.fromhex("DF01")
ALGORITHM_IDENTIFIERS = {Algorithm.DES3: 1, Algorithm.SM4: 3}
Computed = TypeVar("Computed")
TERMINAL_FILE, INDEX_FILE = 0x16, 0x1C
MAC_ONLY_BLOCK = 0x05


class KeysRefused(Exception):
    """PSAM or HSM does not compute what was asked.

    ``sw`` is the PSAM's status word, 0 of an HSM; ``key`` the card's key that was to be proven, where it was one.
    """

    def __init__(self, what: str, sw: int = 0) -> None:
        super().__init__(f"{what}: {sw:04X}" if sw else what)
        self.sw = sw
        self.key = ""


class KeysUnreachable(KeysRefused):
    """The HSM does not answer: nobody refused anything."""


@dataclass(frozen=True, slots=True)
class CardInTerminal:
    """What of a card decides about its keys: 13 historical bytes of the reset answer, and the city code of its identification."""

    historical: bytes
    city_code: str

    def factors(self, levels: int) -> bytes:
        """Diversification factors as a PSAM takes them, last level first: card, city, province."""
        return b"".join(reversed(self.upper_first(levels)))

    def upper_first(self, levels: int) -> tuple[bytes, ...]:
        """Diversification factors as an HSM takes them: province, city, card."""
        return tuple(factors(levels, self.city_code, self.historical))


@dataclass(frozen=True, slots=True)
class Begun:
    """A settlement for which MAC1 was made."""

    terminal_number: bytes
    """终端交易序号, 4 bytes."""
    mac1: bytes


class TerminalKeys(Protocol):
    """PSAM or HSM as a terminal uses it; every method may raise :class:`KeysRefused`."""

    @property
    def terminal(self) -> bytes:
        """Terminal number 终端机编号, 6 bytes."""

    @property
    def needs_line(self) -> bool:
        """Whether the keys are reached over a line, as those of an HSM are, and a PSAM's are not."""

    @property
    def purchase_index(self) -> int:
        """Index of the purchase key that INITIALIZE FOR PURCHASE shall name."""

    def external_authentication(self, name: str, card: CardInTerminal, challenge: bytes, source: bytes) -> bytes:
        """Data field of EXTERNAL AUTHENTICATE with the card's key ``name``: cryptogram 8 ‖ source 8 [‖ version 1]."""

    def maintenance_mac(self, name: str, card: CardInTerminal, challenge: bytes, covered: bytes) -> bytes:
        """MAC of a maintenance command, 4 bytes, over its header, Lc with the MAC counted, and data."""

    def encipher(self, name: str, card: CardInTerminal, challenge: bytes, blocks: bytes) -> bytes:
        """Whole blocks enciphered with the session key of the card's key ``name``."""

    def begin(
        self, card: CardInTerminal, random: bytes, number: bytes, amounts: bytes, time: bytes, version: int
    ) -> Begun:
        """MAC1 of a settlement (kind ``2``)."""

    def confirm(self, mac2: bytes) -> bool:
        """Whether the card's MAC2 of the settlement that was begun is right; then the terminal transaction number counts on."""


class SamKeys:
    """A PSAM behind a link.

    ``cards`` is the product whose keys it holds: it names their use bytes and identifiers. Opens the key application;
    raises :class:`KeysRefused` when there is none.
    """

    needs_line = False

    def __init__(self, link: Link, cards: Profile) -> None:
        self._channel = Channel(link, lambda event: None)
        self._algorithm = Algorithm(cards.algorithm)
        self._keys = keys(cards)
        environment = ENVIRONMENTS[self._algorithm]
        self.terminal = self._read(TERMINAL_FILE, 6)
        if environment is not None:
            self._need(self._send(0x00, 0xA4, 0x04, 0x00, environment), "the PSAM has no environment for these keys")
        self._need(self._send(0x00, 0xA4, 0x00, 0x00, KEY_APPLICATION), "the PSAM has no key application DF01")

    @property
    def purchase_index(self) -> int:
        """Index of the purchase key, from file EF1C."""
        return self._read(INDEX_FILE, 1)[0]

    def external_authentication(self, name: str, card: CardInTerminal, challenge: bytes, source: bytes) -> bytes:
        """See :class:`TerminalKeys`."""
        self._derive(self._key(name), card, challenge)
        made = self._cipher(0x00, self._filled(source))
        version = b"\x01" if self._algorithm is Algorithm.SM4 else b""
        return fold_words(made, 8) + source + version

    def maintenance_mac(self, name: str, card: CardInTerminal, challenge: bytes, covered: bytes) -> bytes:
        """See :class:`TerminalKeys`."""
        self._derive(self._key(name), card, challenge)
        size = self._algorithm.block_size
        return self._cipher(MAC_ONLY_BLOCK, bytes(size) + pad_mac(covered, size))

    def encipher(self, name: str, card: CardInTerminal, challenge: bytes, blocks: bytes) -> bytes:
        """See :class:`TerminalKeys`."""
        self._derive(self._key(name), card, challenge)
        return self._cipher(0x00, blocks)

    def begin(
        self, card: CardInTerminal, random: bytes, number: bytes, amounts: bytes, time: bytes, version: int
    ) -> Begun:
        """See :class:`TerminalKeys`; terminal number and terminal transaction number are the PSAM's own."""
        levels = next(key.levels for key in self._keys.values() if key.use == "purchase")
        identifiers = bytes((version, ALGORITHM_IDENTIFIERS[self._algorithm]))
        data = random + number + amounts + b"2" + time + identifiers + card.factors(levels)
        answer = self._need(self._send(0x80, 0x70, 0x01, 0x00, data, ne=8), "the PSAM makes no MAC1")
        if len(answer.data) != 8:
            raise KeysRefused(f"the PSAM answered {len(answer.data)} bytes for MAC1 instead of 8")
        return Begun(answer.data[:4], answer.data[4:])

    def confirm(self, mac2: bytes) -> bool:
        """See :class:`TerminalKeys`."""
        return self._send(0x80, 0x72, 0x00, 0x00, mac2, ne=0).sw == SW.SUCCESS

    def _key(self, name: str) -> Key:
        key = self._keys.get(name)
        if key is None or key.sam is None:
            raise KeysRefused(f"no key {name} is known in a PSAM")
        return key

    def _derive(self, key: Key, card: CardInTerminal, challenge: bytes) -> None:
        use, _, identifier = (key.sam or "").partition(",")
        data = card.factors(int(use, 16) >> 5) + self._filled(challenge)
        answer = self._send(0xBF, 0xDE, int(use, 16), int(identifier, 16), data, ne=0)
        self._need(answer, f"the PSAM makes no session key of {use},{identifier}")

    def _cipher(self, mode: int, data: bytes) -> bytes:
        return self._need(self._send(0x80, 0xFA, mode, 0x00, data), "the PSAM does not encipher").data

    def _filled(self, half: bytes) -> bytes:
        return half.ljust(self._algorithm.block_size, b"\0")

    def _read(self, short_identifier: int, length: int) -> bytes:
        answer = self._send(0x00, 0xB0, 0x80 | short_identifier, 0x00, ne=length)
        self._need(answer, f"the PSAM does not show its file {short_identifier:04X}")
        if len(answer.data) != length:
            raise KeysRefused(
                f"file {short_identifier:04X} of the PSAM has {len(answer.data)} bytes instead of {length}"
            )
        return answer.data

    def _send(self, cla: int, ins: int, p1: int, p2: int, data: bytes = b"", ne: int = 256) -> Response:
        try:
            return self._channel.send(cla, ins, p1, p2, data, ne)
        except Ended as ended:
            lost = ended.reason is Reason.CARD_LOST
            raise KeysRefused("the PSAM is gone" if lost else "the PSAM answers nonsense") from ended

    @staticmethod
    def _need(answer: Response, what: str) -> Response:
        if answer.sw != SW.SUCCESS:
            raise KeysRefused(what, answer.sw)
        return answer


class HsmKeys:
    """The keys in an HSM, with a terminal that has a number and counts its transactions itself.

    ``cards`` is the product whose root keys the HSM holds, ``service`` computes with them, here or behind a line.
    """

    needs_line = True

    def __init__(
        self,
        cards: Profile,
        terminal: bytes,
        *,
        terminal_number: int = 1,
        purchase_index: int = 1,
        service: KeysOfCard = KeyService,
    ) -> None:
        self._cards = cards
        self._service = service
        self.terminal = terminal
        self.terminal_number = terminal_number
        self.purchase_index = purchase_index
        self._expected: bytes | None = None

    def external_authentication(self, name: str, card: CardInTerminal, challenge: bytes, source: bytes) -> bytes:
        """See :class:`TerminalKeys`."""
        return self._ask(card, lambda service: service.external_authentication(name, challenge, source=source))

    def maintenance_mac(self, name: str, card: CardInTerminal, challenge: bytes, covered: bytes) -> bytes:
        """See :class:`TerminalKeys`."""
        return self._ask(card, lambda service: service.maintenance_mac(name, challenge, covered))

    def encipher(self, name: str, card: CardInTerminal, challenge: bytes, blocks: bytes) -> bytes:
        """See :class:`TerminalKeys`."""
        return self._ask(card, lambda service: service.encipher(name, challenge, blocks))

    def begin(
        self, card: CardInTerminal, random: bytes, number: bytes, amounts: bytes, time: bytes, version: int
    ) -> Begun:
        """See :class:`TerminalKeys`."""
        serial = self.terminal_number.to_bytes(4, "big")
        settlement = Settlement(random, number, amounts, self.terminal, serial, time)
        name = self._purchase_key()
        codes = self._ask(card, lambda service: service.settlement(name, settlement, version))
        self._expected = codes.mac2
        return Begun(serial, codes.mac1)

    def confirm(self, mac2: bytes) -> bool:
        """See :class:`TerminalKeys`."""
        expected, self._expected = self._expected, None
        right = expected is not None and hmac.compare_digest(expected, mac2)
        self.terminal_number += right
        return right

    def _purchase_key(self) -> str:
        for name, key in keys(self._cards).items():
            if key.use == "purchase" and key.index == self.purchase_index:
                return name
        raise KeysRefused(f"the HSM has no purchase key of index {self.purchase_index}")

    def _ask(self, card: CardInTerminal, compute: Callable[[KeyService], Computed]) -> Computed:
        """What the key service computes for a card."""
        try:
            return compute(self._service(self._cards, card.historical, card.city_code))
        except (RootKeyError, CryptoError) as problem:
            raise KeysRefused(f"the HSM does not compute: {problem}") from problem
        except HostUnreachable as problem:
            raise KeysUnreachable(f"the HSM cannot be reached: {problem}") from problem
