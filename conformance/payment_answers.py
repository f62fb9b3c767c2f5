"""What a payment card answers: the data objects of templates, and application cryptograms taken apart.

Nothing here asks the card; :mod:`conformance.payment_dialogue` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance.actors.bank.issuer_data import IssuerData, IssuerDataError
from emulator.iso7816 import SW, Response, Tlv, TlvError, tlv

KIND_BITS = 0xC0
COUNTER, ISSUER_DATA = 0x9F36, 0x9F10
FORMAT_1, FORMAT_2 = 0x80, 0x77


def objects_of(data: bytes, *path: int) -> dict[int, bytes]:
    """The data objects of the template at the end of a path of tags; empty where the bytes are not so built."""
    try:
        level: tuple[Tlv, ...] = tuple(tlv.parse(data))
        for tag in path:
            level = next((tuple(each.children) for each in level if each.tag == tag), ())
        return {each.tag: each.value for each in level}
    except TlvError:
        return {}


@dataclass(frozen=True, slots=True)
class Cryptogram:
    """An answer to GENERATE AC or, contactless, to GET PROCESSING OPTIONS; what it lacks is empty or zero."""

    sw: int
    template: int = 0
    """80 or 77."""
    cid: int = 0
    counter: bytes = b""
    value: bytes = b""
    issuer_data: bytes = b""
    """9F10 as it came."""
    objects: Mapping[int, bytes] = field(default_factory=dict)
    """Everything in a template 77."""

    @classmethod
    def read(cls, answer: Response) -> Cryptogram:
        """Take an answer apart, as far as it can be understood."""
        if answer.sw != SW.SUCCESS:
            return cls(answer.sw)
        try:
            (found,) = tlv.parse(answer.data)
            if found.tag == FORMAT_1:
                v = found.value
                return cls(answer.sw, FORMAT_1, v[0] if v else 0, v[1:3], v[3:11], v[11:])
            objects = {each.tag: each.value for each in found.children} if found.tag == FORMAT_2 else {}
        except (TlvError, ValueError):
            return cls(answer.sw)
        cid = objects.get(0x9F27, b"\0")
        counter, value, issuer_data = (objects.get(tag, b"") for tag in (COUNTER, 0x9F26, ISSUER_DATA))
        return cls(answer.sw, found.tag, cid[0] if cid else 0, counter, value, issuer_data, objects)

    @property
    def kind(self) -> int:
        """The two highest bits of the CID: 00 AAC, 40 TC, 80 ARQC."""
        return self.cid & KIND_BITS

    @property
    def data(self) -> IssuerData | None:
        """9F10 taken apart; None where it is malformed."""
        try:
            return IssuerData.parse(self.issuer_data)
        except IssuerDataError:
            return None

    @property
    def has_results(self) -> bool:
        """Whether 9F10 begins as it must, so that the card verification results can be read."""
        return len(self.issuer_data) > 7 and self.issuer_data[0] == 0x07 and self.issuer_data[3] == 0x03

    @property
    def results(self) -> bytes:
        """Bytes 2 to 4 of the card verification results 卡片验证结果, zeros where there are none."""
        return self.issuer_data[4:7] if self.has_results else bytes(3)

    def bit(self, byte: int, bit: int) -> bool:
        """Bit ``bit`` (8 the highest) of byte ``byte`` (2 to 4) of the card verification results."""
        return bool(self.results[byte - 2] & 1 << bit - 1)
