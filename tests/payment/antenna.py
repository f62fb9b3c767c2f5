"""A contactless terminal for the tests: one tap in a line."""

from typing import NamedTuple

from emulator.crypto import Algorithm
from emulator.iso7816 import tlv
from profiles import payment_content

from .terminal import MERCHANT, QUIET, Terminal, profile

ONLINE_CAPABLE, OFFLINE_ONLY = "27000080", "2F000080"
"""TTQ with qPBOC, online PIN and signature, fDDA version 01."""
TC, ARQC, AAC = "TC", "ARQC", "AAC"
KINDS = {0x90: TC, 0xA0: ARQC, 0x80: AAC}
LOW, LOW_AND_TOTAL, LOW_OR_TOTAL, NONE = "8110D000", "4110D000", "2110D000", "0110D000"
"""9F68 with one offline check each; 9F5D is shown, a log written."""
CVM_LIMIT = 30000
BALANCE = 20000


class Tap(NamedTuple):
    """What GET PROCESSING OPTIONS answered."""

    sw: str
    raw: bytes = b""
    objects: dict[int, bytes] = {}  # noqa: RUF012 - never changed

    @property
    def kind(self) -> str:
        """By byte 5 of the issuer application data, as a terminal must; the status word where there is none."""
        return KINDS[self.objects[0x9F10][4]] if self.objects else self.sw

    @property
    def cvr(self) -> str:
        return self.objects[0x9F10][3:7].hex().upper()

    @property
    def places(self) -> list[tuple[int, int]]:
        """Short identifier and number of the records to be read."""
        afl = self.objects[0x94]
        entries = [afl[start : start + 4] for start in range(0, len(afl), 4)]
        return [(entry[0] >> 3, number) for entry in entries for number in range(entry[1], entry[2] + 1)]

    def value(self, tag: int) -> str | None:
        value = self.objects.get(tag)
        return None if value is None else value.hex().upper()


class Antenna(Terminal):
    """The contactless side of a terminal's card; its contacts have no power."""

    def __init__(self, terminal: Terminal) -> None:
        self.__dict__.update(terminal.__dict__)
        self.contacts = terminal
        terminal.card.power_off()
        self.card = terminal.card.contactless()
        self.card.reset()
        self.select()

    def tap(
        self, amount=100, currency="0156", ttq=ONLINE_CAPABLE, tvr="0000000000", sm="01", number="A1B2C3D4", extended=0
    ) -> Tap:
        known = {
            "9F66": ttq, "9F02": f"{amount:012d}", "9F03": "0" * 12, "9F1A": "0156", "95": tvr, "5F2A": currency,
            "9A": "261123", "9C": "00", "9F37": number, "9F21": "143000", "9F4E": MERCHANT, "DF69": sm,
            "DF60": f"{extended:02d}",
        }  # fmt: skip
        if self.dual:
            self.algorithm = Algorithm.SM4 if sm == "01" else Algorithm.DES3
        pdol = payment_content.contactless_objects(self.profile.directory["DEBIT"])["9F38"]
        values = "".join(known[tag] for tag, _ in payment_content.lengths(pdol))
        self.sent = {tag: bytes.fromhex(value) for tag, value in known.items()}
        answer = self.send(f"80A80000{len(values) // 2 + 2:02X}83{len(values) // 2:02X}{values}00")
        if not answer.endswith("9000"):
            return Tap(answer)
        raw = bytes.fromhex(answer[:-4])
        (template,) = tlv.parse(raw)
        if template.tag != 0x77:
            return Tap(answer[-4:], raw)
        objects = {item.tag: item.value for item in template.children}
        assert len(objects) == len(template.children)
        return Tap(answer[-4:], raw, objects)

    def record(self, place) -> bytes:
        """A record without its status word."""
        sfi, number = place
        answer = self.send(f"00B2{number:02X}{sfi << 3 | 4:02X}00")
        assert answer.endswith("9000")
        return bytes.fromhex(answer[:-4])

    def read(self, tap: Tap, but_last: bool = False) -> dict[int, bytes]:
        """The objects of all records of the list, or of all but the last."""
        places = tap.places[:-1] if but_last else tap.places
        return {item.tag: item.value for place in places for item in tlv.parse(self.record(place))[0].children}

    def pay(self, amount=100, **values) -> Tap:
        """A whole tap, with its records where there are any."""
        tap = self.tap(amount, **values)
        if tap.kind == TC:
            self.read(tap)
        return tap

    def leave(self) -> None:
        """Out of the field and back."""
        self.card.power_off()
        self.card.reset()
        self.select()

    def logged(self) -> int:
        return len(self.card.memory.cells["file:DEBIT/LOG"])


def antenna(product="debit", *, data=None, contactless=None, new=False, **more) -> Antenna:
    """A card without limits and default actions; ``contactless`` are objects of that interface alone."""
    payment = {"contactless": {"data": contactless or {}}, **more.pop("payment", {})}
    made = Antenna(Terminal(profile(product, data={**QUIET, **(data or {})}, payment=payment, **more)))
    if not new:
        made.poke("9F13", "0001")
    return made
