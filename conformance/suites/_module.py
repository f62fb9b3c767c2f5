"""A terminal at a secure access module, for the cases of its suite."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.actors.key_service import KeyService, Settlement
from conformance.bench import Bench
from conformance.dialogue import apdu, select_identifier, select_name
from conformance.failures import Inconclusive, NotApplicable
from emulator.crypto import Algorithm, card_factor, city_factor, province_factor
from emulator.crypto.mac import fold_words
from emulator.iso7816 import Response
from profiles import load
from profiles.keys import keys
from profiles.model import Profile

KEY_APPLICATION = bytes.fromhex("DF01")
SM4_ENVIRONMENT = bytes.fromhex("7378332E73682EC9E7BBE1B1A3D5CF")
HISTORICAL = bytes.fromhex("0081544C978684500000000777")
"""Of an invented card, whose keys the module makes."""
CITY = "500000"
R, F = bytes.fromhex("1122334455667788"), bytes.fromhex("0102030405060708")
AMOUNTS = bytes.fromhex("000000000000271000001F40")
RANDOM, NUMBER, TIME = bytes.fromhex("A1B2C3D4"), bytes.fromhex("0005"), bytes.fromhex("20260301093000")
SETTLEMENT = b"2"
ALGORITHM_IDENTIFIERS = {Algorithm.DES3: 1, Algorithm.SM4: 3}
INDEX_FILE = 0x1C


@dataclass(frozen=True, slots=True)
class Held:
    """A key that the module is declared to hold."""

    name: str
    use: int
    identifier: int

    @property
    def levels(self) -> int:
        """Diversification levels 分散级数."""
        return self.use >> 5

    @property
    def kind(self) -> int:
        """Type: 2 purchase, 5 maintenance of user cards, 6 MAC, 7 cipher, 8 both."""
        return self.use & 0x1F


class Module:
    """A terminal at the module in the bench; opens its key application."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        described = next(d.sam for d in bench.profile.directory.values() if d.sam is not None)
        if described is None:
            raise NotApplicable("被测对象不是 PSAM", "what is tested is no PSAM")
        self.cards: Profile = load(described.cards)
        self.algorithm = Algorithm(bench.profile.algorithm)
        self.service = KeyService(self.cards, HISTORICAL, CITY)
        self.held = tuple(
            Held(name, *(int(part, 16) for part in key.sam.split(",")))
            for name, key in keys(self.cards).items()
            if key.sam is not None and name not in described.without
        )

    def open(self) -> Module:
        """Select the environment where there is one, and the key application."""
        if self.algorithm is Algorithm.SM4:
            self.bench.need(self.bench.send(select_name(SM4_ENVIRONMENT)), "选择环境", "SELECT of the environment")
        answer = self.bench.send(select_identifier(KEY_APPLICATION))
        self.bench.need(answer, "选择密钥应用", "SELECT of the key application")
        return self

    def general(self, levels: int | None = None) -> Held:
        """A key that makes session keys, of so many levels."""
        for key in self.held:
            if key.kind in (7, 8) and levels in (None, key.levels) and keys(self.cards)[key.name].use != "maintenance":
                return key
        raise NotApplicable("没有这种密钥", "the declared module has no such key")

    def purchase(self) -> Held:
        """The purchase key that the index file names."""
        index = self.read(INDEX_FILE, 1)[0]
        for key in self.held:
            if key.kind == 2 and key.identifier == index:
                return key
        raise NotApplicable("没有结算密钥", "the declared module has no purchase key of its index")

    def factors(self, levels: int) -> bytes:
        """Card, city and province, as many as there are levels."""
        return b"".join((card_factor(HISTORICAL), city_factor(CITY), province_factor(CITY))[:levels])

    def filled(self, half: bytes) -> bytes:
        """R, or R ‖ eight 00 for SM4."""
        return half.ljust(self.algorithm.block_size, b"\0")

    def derive(self, key: Held, data: bytes | None = None, use: int | None = None) -> Response:
        """DELIVERY SESSION KEY."""
        given = self.factors(key.levels) + self.filled(R) if data is None else data
        return self.bench.send(apdu(0xBF, 0xDE, key.use if use is None else use, key.identifier, given))

    def cipher(self, mode: int, data: bytes) -> Response:
        """CIPHER DATA."""
        return self.bench.send(apdu(0x80, 0xFA, mode, 0x00, data, ne=256))

    def read(self, short_identifier: int, length: int) -> bytes:
        """READ BINARY of a file of the module, which must succeed."""
        answer = self.bench.send(apdu(0x00, 0xB0, 0x80 | short_identifier, 0x00, ne=length))
        self.bench.need(answer, f"读 {short_identifier:04X}", f"READ BINARY of {short_identifier:04X}")
        if len(answer.data) != length:
            raise Inconclusive(
                "文件长度不符", f"file {short_identifier:04X} has {len(answer.data)} bytes, not {length}"
            )
        return answer.data

    def initialize(self, key: Held, amounts: bytes = AMOUNTS) -> Response:
        """INIT_SAM_FOR_PURCHASE of a settlement."""
        identifiers = bytes((1, ALGORITHM_IDENTIFIERS[self.algorithm]))
        data = RANDOM + NUMBER + amounts + SETTLEMENT + TIME + identifiers + self.factors(key.levels)
        return self.bench.send(apdu(0x80, 0x70, 0x01, 0x00, data, ne=8))

    def credit(self, mac2: bytes) -> Response:
        """CREDIT_SAM_FOR_PURCHASE."""
        return self.bench.send(apdu(0x80, 0x72, 0x00, 0x00, mac2))

    def settlement(self, terminal: bytes, terminal_number: bytes) -> Settlement:
        """What the codes of the settlement cover."""
        return Settlement(RANDOM, NUMBER, AMOUNTS, terminal, terminal_number, TIME)


def folded(made: bytes) -> bytes:
    """The cryptogram that a terminal makes of enciphered data: its words of eight bytes joined; of anything else nothing."""
    return fold_words(made, 8) if made and len(made) % 8 == 0 else b""
