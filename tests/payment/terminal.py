"""A terminal and an issuer for the tests: whole transactions in a line or two."""

from typing import NamedTuple

from emulator import load_card
from emulator.apps.payment.application import Counter, counter_cell, data_cell
from emulator.crypto import Algorithm
from emulator.crypto import payment as crypto
from emulator.iso7816 import tlv
from profiles import model
from profiles.keys import root_key
from profiles.loader import from_table
from profiles.sources import merge, products, read

AAC, TC, ARQC = 0x00, 0x40, 0x80
AID = "A000000333010101"
SELECT = f"00A4040008{AID}00"
QUIET = {"9F52": "0000", "9F53": None, "9F54": None, "9F58": None, "9F59": None, "9F5C": None, "9F72": None}
"""A card without limits and default actions, so that one check at a time can be looked at."""
MERCHANT = b"TEST MERCHANT".ljust(20, b"\0").hex()


def profile(product: str = "debit", *, data=None, payment=None, content=None, **tables) -> model.Profile:
    """A product with other data objects (None takes one away), other payment tables, other records of files."""
    over = {"directory": {"DEBIT": {"data": data or {}, "payment": payment or {}}}, **tables}
    if content:
        over["content"] = {"DEBIT": {name: {"records": records} for name, records in content.items()}}
    table = merge(read(products()[product]), over)
    objects = table["directory"]["DEBIT"]["data"]
    table["directory"]["DEBIT"]["data"] = {tag: value for tag, value in objects.items() if value is not None}
    return from_table(table)


def several(tail: str = "99") -> model.Profile:
    """A card with three applications: the debit one, and two more whose names differ in the last byte and go on with ``tail``."""
    of = profile(data=QUIET)
    first = of.directory["DEBIT"]
    more = {
        f"DEBIT{number}": first.model_copy(
            update={
                "fid": bytes((0xDF, 0x20 + number)),
                "aid": bytes.fromhex(AID[:-2] + f"{number:02X}" + tail),
                "key": {name + str(number): key for name, key in first.key.items()},
                "file": {name: file for name, file in first.file.items() if not file.extended},
            }
        )
        for number in (2, 3)
    }
    content = {**of.content, **dict.fromkeys(more, of.content["DEBIT"])}
    return of.model_copy(update={"directory": {**of.directory, **more}, "content": content})


class Cryptogram(NamedTuple):
    """What GENERATE AC answered."""

    sw: str
    cid: int = 0
    atc: bytes = b""
    ac: bytes = b""
    issuer_data: bytes = b""

    @property
    def kind(self) -> int:
        return self.cid & 0xC0

    @property
    def cvr(self) -> str:
        return self.issuer_data[3:7].hex().upper()


class Terminal:
    """A card with hexadecimal in and out, and the keys of its issuer."""

    def __init__(self, of: model.Profile) -> None:
        self.profile = of
        self.card = load_card(of)
        self.card.reset()
        payment = of.directory["DEBIT"].payment
        self.dual = payment is not None and payment.sm is not None
        self.algorithm = Algorithm(of.algorithm)
        self.first_ac = b""
        signed = of.content["DEBIT"]["SFI03"]["records"][0]
        self.pan, self.psn = signed["5A"], signed.get("5F34", "00")

    # Bytes

    def send(self, command: str) -> str:
        return self.card.transmit(bytes.fromhex(command.replace(" ", ""))).hex().upper()

    def data(self, tag: str) -> str | None:
        """The value that GET DATA answers, None when it is refused."""
        answer = self.send(f"80CA{tag.zfill(4)}00")
        return tlv.parse(bytes.fromhex(answer[:-4]))[0].value.hex().upper() if answer.endswith("9000") else None

    def power_off(self) -> None:
        self.card.power_off()
        self.card.reset()
        self.select()

    # What lies in the card's memory

    def poke(self, tag: str, value: str) -> None:
        self.card.memory.commit({data_cell("DEBIT", int(tag, 16)): bytes.fromhex(value)})

    def peek(self, counter: Counter) -> int:
        return self.card.memory.cells[counter_cell("DEBIT", counter)]

    def set_counter(self, counter: Counter, value: int) -> None:
        self.card.memory.commit({counter_cell("DEBIT", counter): value})

    def lose_pin_tries(self) -> None:
        self.card.memory.commit({"tries:DEBIT/DEBITPIN": 0})

    # A transaction

    def select(self) -> str:
        return self.send(SELECT)

    def start(self, amount: int = 100, currency: str = "0156", e_cash: bool = False, sm: bool = False) -> str:
        """GET PROCESSING OPTIONS; ``sm`` asks a dual-algorithm card for its SM set."""
        self.first_ac = b""
        if self.dual:
            self.algorithm = Algorithm.SM4 if sm else Algorithm.DES3
        asked = f"{int(sm):02d}" if self.dual else "01" if self.algorithm is Algorithm.SM4 else ""
        values = f"{int(e_cash):02d}{amount:012d}{currency}{asked}"
        length = len(values) // 2
        return self.send(f"80A80000{length + 2:02X}83{length:02X}{values}00")

    def cdol(
        self, amount=100, currency="0156", country="0156", tvr="0000000000", number="A1B2C3D4", other=0, date="261123"
    ) -> str:
        return f"{amount:012d}{other:012d}{country}{tvr}{currency}{date}00{number}143000{MERCHANT}"

    def first(self, kind: int = ARQC, **values) -> Cryptogram:
        made = self._generate(kind, self.cdol(**values))
        self.first_ac = self.first_ac or made.ac
        return made

    def second(self, kind: int = TC, arc: str = "00", **values) -> Cryptogram:
        return self._generate(kind, arc.encode().hex() + self.cdol(**values))

    def _generate(self, kind: int, values: str) -> Cryptogram:
        answer = self.send(f"80AE{kind:02X}00{len(values) // 2:02X}{values}00")
        if not answer.endswith("9000"):
            return Cryptogram(answer)
        value = tlv.parse(bytes.fromhex(answer[:-4]))[0].value
        return Cryptogram(answer[-4:], value[0], value[1:3], value[3:11], value[11:])

    def authenticate(self, arc: str = "00", wrong: bool = False) -> str:
        arpc = crypto.response_cryptogram(self.algorithm, self.session_key("AC"), self.first_ac, arc.encode())
        if wrong:
            arpc = bytes((arpc[0] ^ 1,)) + arpc[1:]
        return self.send(f"008200000A{arpc.hex()}{arc.encode().hex()}")

    def online(self, arc: str = "00", kind: int = TC, **values) -> Cryptogram:
        """A whole online transaction that the issuer answers."""
        self.start()
        self.first(ARQC, **values)
        self.authenticate(arc)
        return self.second(kind, arc, **values)

    def offline(self, kind: int = TC, **values) -> Cryptogram:
        """A transaction of one cryptogram."""
        self.start()
        return self.first(kind, **values)

    # The issuer

    def card_key(self, name: str) -> bytes:
        of_set = "SM" if self.dual and self.algorithm is Algorithm.SM4 else ""
        return crypto.card_key(self.algorithm, root_key(self.profile, f"DEBIT{name}{of_set}", 1), self.pan, self.psn)

    def session_key(self, name: str) -> bytes:
        counter = self.card.memory.cells[data_cell("DEBIT", 0x9F36)]
        return crypto.session_key(self.algorithm, self.card_key(name), counter)

    def script(self, header: str, data: str = "", wrong: bool = False, length: int = 4) -> str:
        """A script command with its MAC."""
        body = bytes.fromhex(data)
        head = bytes.fromhex(header) + bytes((len(body) + length,))
        counter = self.card.memory.cells[data_cell("DEBIT", 0x9F36)]
        covered = head + counter + self.first_ac + body
        mac = crypto.payment_mac(self.algorithm, self.session_key("MAC"), covered, length)
        if wrong:
            mac = bytes((mac[0] ^ 1,)) + mac[1:]
        return self.send((head + body + mac).hex())

    def change_pin(self, new: str, current: str | None = None) -> str:
        message = crypto.pin_change_message(self.algorithm, self.session_key("ENC"), self.card_key("ENC"), new, current)
        return self.script(f"842400{1 if current else 2:02X}", message.hex())

    def verify(self, pin: str) -> str:
        return self.send("0020008008" + crypto.pin_block(pin).hex())
