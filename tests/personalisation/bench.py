"""Chips, orders and a personalisation device for the tests."""

from datetime import date

from conformance.actors.bank.authority import Authority
from conformance.actors.bank.card_data import CardOrder, individual, personalisation_data
from conformance.actors.bank.groupings import DataFile, DataGrouping, to_bytes
from conformance.actors.bank.personaliser import Level, MasterKey, Personaliser
from conformance.targets.in_process import InProcessTarget
from emulator import load_card
from emulator.cos.memory import Memory
from emulator.crypto import Algorithm, encrypt_ecb
from emulator.crypto.personalisation import pad_group
from emulator.iso7816 import Command, Response
from profiles import load

from . import oracle

AID = bytes.fromhex("A000000333010101")
CHIPS = {
    "debit": "debit-blank",
    "debit-sm": "debit-sm-blank",
    "debit-dual": "debit-blank",
    "ssc2-3des": "ssc2-blank",
    "ssc3-sm4": "ssc3-blank",
}
"""The chip for each product."""
HOST = bytes.fromhex("A1A2A3A4A5A6A7A8")
PIECE = 200
"""Bytes of a block."""
PAN, SEQUENCE = "6214980000000001235", "02"
ORDER = CardOrder(PAN, SEQUENCE, date(2031, 8, 1), holder="LI SI", identity_number="500000198001010019")
SAME = CardOrder("6214988660100000304", "01", date(2036, 12, 1))
"""The holder of the products."""


def data_of(product: str = "debit", order: CardOrder = SAME, **more) -> DataFile:
    authority = Authority.published(1984 if product == "debit-dual" else 1408)
    return personalisation_data(load(product), order, authority, key_pairs_of_authority=True, **more)


def profile_of(product: str = "debit", order: CardOrder = SAME):
    """A profile of the very card, before sectors opened records on it."""
    made = individual(load(product), order)
    sectors = {name: {} for name, file in made.directory["DEBIT"].file.items() if file.extended}
    content = {**made.content, "DEBIT": {**made.content["DEBIT"], **sectors}}
    return made.model_copy(update={"content": content})


def chip(product: str = "debit") -> InProcessTarget:
    """A chip for the product, powered."""
    target = InProcessTarget(load_card(CHIPS[product]))
    target.connect()
    return target


def personalise(target, product: str = "debit", order: CardOrder = SAME, level: Level = Level.MAC):
    name, key = MasterKey.of_profile(load(CHIPS[product]))
    return Personaliser(target, key, level=level).run(name, data_of(product, order))


def issued(product: str = "debit", order: CardOrder = SAME, level: Level = Level.MAC) -> InProcessTarget:
    target = chip(product)
    personalise(target, product, order, level)
    return target


class Device:
    """A personalisation device made of the oracle's computations, which can do everything wrong."""

    def __init__(self, product: str = "debit", target=None) -> None:
        self.product = product
        self.target = target or chip(product)
        profile = load(CHIPS[product])
        self.algorithm = profile.algorithm
        self.master = MasterKey.of_profile(profile)[1].value
        self.chained, self.block, self.level = b"", 0, 1
        self.answer = b""

    # Bytes

    def send(self, command: str | bytes) -> str:
        raw = bytes.fromhex(command.replace(" ", "")) if isinstance(command, str) else command
        return self.target.transmit(raw).hex().upper()

    def sw(self, cla, ins, p1, p2, data=b"") -> str:
        """Status word of a command without Le."""
        answer = Response.parse(self.target.transmit(Command(cla, ins, p1, p2, data, 0).to_bytes()))
        return f"{answer.sw:04X}"

    def select(self) -> str:
        return self.send(Command(0x00, 0xA4, 4, 0, AID, 256).to_bytes())[-4:]

    # The channel

    def initialise(self, version=0, host=HOST) -> str:
        raw = bytes.fromhex(self.send(Command(0x80, 0x50, version, 0, host, 256).to_bytes()))
        self.answer = raw[:-2]
        if raw[-2:] == b"\x90\x00":
            own = oracle.card_keys(self.algorithm, self.master, self.answer[:10])
            self.keys = oracle.session_keys(self.algorithm, own, self.answer[12:14])
        self.host = host
        return raw[-2:].hex()

    @property
    def host_cryptogram(self) -> bytes:
        return oracle.cryptogram(self.algorithm, self.keys[0], self.answer[12:20] + self.host)

    def protected(self, ins, p1, p2, data, *, wrong=False, encipher=False) -> bytes:
        """A command with its MAC."""
        head = bytes((0x84, ins, p1, p2, len(data) + 8))
        self.chained = oracle.mac(self.algorithm, self.keys[1], head + data, self.chained)
        mac = bytes((self.chained[0] ^ wrong,)) + self.chained[1:8]
        if encipher:
            data = b"".join(oracle.chain(self.algorithm, self.keys[0], oracle.padded(self.algorithm, data)))
        return Command(0x84, ins, p1, p2, data + mac, 0).to_bytes()

    def authenticate(self, level=1, *, cryptogram=None, wrong=False) -> str:
        self.chained, self.block, self.level = b"", 0, level
        return self.send(self.protected(0x82, level, 0, cryptogram or self.host_cryptogram, wrong=wrong))

    def open(self, level=1) -> "Device":
        assert self.select() == "9000"
        assert self.initialise() == "9000"
        assert self.authenticate(level) == "9000"
        return self

    def store(self, data: bytes, *, p1=0x00, p2=None, wrong=False) -> str:
        """STORE DATA under the level of the channel."""
        number = self.block if p2 is None else p2
        if self.level == 0:
            answer = self.sw(0x80, 0xE2, p1, number, data)
        else:
            answer = self.send(self.protected(0xE2, p1, number, data, wrong=wrong, encipher=self.level == 3))
        self.block += answer == "9000"
        return answer

    def grouping(self, identifier: str, value: bytes | str, *, p1=None, encipher=None, **more) -> str:
        """One grouping, in as many blocks as it needs; a secret is enciphered. The status word of the last."""
        value = bytes.fromhex(value) if isinstance(value, str) else value
        secret = DataGrouping(identifier, value).secret if encipher is None else encipher
        stream = self._stream(identifier, value, secret)
        answer = "9000"
        for start in range(0, len(stream), PIECE):
            if answer == "9000":
                indicator = (0x20 if secret else 0) if p1 is None else p1
                answer = self.store(stream[start : start + PIECE], p1=indicator, **more)
        return answer

    def everything(self, *, without=(), over=None) -> None:
        """All groupings of the product, but for some, or with other values."""
        for each in data_of(self.product).groupings:
            if each.identifier not in without:
                value = (over or {}).get(each.identifier, each.value)
                assert self.grouping(each.identifier, value) == "9000", each.identifier

    def _stream(self, identifier, value, secret) -> bytes:
        if secret:
            algorithm = Algorithm(self.algorithm)
            value = encrypt_ecb(algorithm, self.keys[2], pad_group(algorithm, value))
        return to_bytes(identifier, value)

    @property
    def memory(self) -> Memory:
        return self.target.card.memory
