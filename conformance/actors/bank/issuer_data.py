"""Issuer application data 发卡行应用数据 9F10: ``07 ‖ derivation index ‖ version ‖ 03 CVR ‖ algorithm [‖ length ‖ data]``."""

from __future__ import annotations

from dataclasses import dataclass

from emulator.crypto import Algorithm

FIXED_LENGTH = 0x07
RESULTS_LENGTH = 0x03
LONGEST_DISCRETIONARY = 15
MAC_LENGTH = 4
AMOUNT_LENGTH = 5
AMOUNTS_OF = {0x01: 1, 0x02: 1, 0x03: 2, 0x04: 2, 0x05: 1}
"""How many amounts issuer discretionary data have by their identifier (JR/T 0025.5 appendix D, JR/T 0025.12)."""
BALANCE_FIRST = frozenset({0x01, 0x03})
"""Identifiers whose first amount is the e-cash balance."""
ALGORITHMS = {0x01: Algorithm.DES3, 0x04: Algorithm.SM4}


class IssuerDataError(ValueError):
    """Bytes that are no issuer application data."""


@dataclass(frozen=True, slots=True)
class IssuerData:
    """The parts of 9F10.

    Attributes:
        derivation_index: 分散密钥索引 of the issuer's keys.
        version: Cryptogram version: 01 or 17.
        results: Card verification results 卡片验证结果, three bytes after their length byte.
        algorithm: Algorithm identifier: 01 triple DES, 04 SM4.
        discretionary: Issuer discretionary data without their length; empty where there are none.
    """

    derivation_index: int
    version: int
    results: bytes
    algorithm: int
    discretionary: bytes = b""

    @classmethod
    def parse(cls, raw: bytes) -> IssuerData:
        """Read a value of 9F10.

        Raises:
            IssuerDataError: Another length or structure.
        """
        if len(raw) < 8 or raw[0] != FIXED_LENGTH or raw[3] != RESULTS_LENGTH:
            raise IssuerDataError("9F10 does not have the form 07 … 03 … of JR/T 0025.5 appendix D")
        rest = raw[8:]
        if rest and (rest[0] != len(rest) - 1 or not 1 <= rest[0] <= LONGEST_DISCRETIONARY):
            raise IssuerDataError("the length of the issuer discretionary data in 9F10 does not fit")
        return cls(raw[1], raw[2], raw[4:7], raw[7], rest[1:])

    def to_bytes(self) -> bytes:
        """The value of 9F10."""
        fixed = bytes((FIXED_LENGTH, self.derivation_index, self.version, RESULTS_LENGTH))
        tail = bytes((len(self.discretionary),)) + self.discretionary if self.discretionary else b""
        return fixed + self.results + bytes((self.algorithm,)) + tail

    @property
    def amounts(self) -> bytes:
        """The amounts in the discretionary data, five bytes each, without identifier and MAC; empty where there are none."""
        count = AMOUNTS_OF.get(self.discretionary[0]) if self.discretionary else None
        if count is None or len(self.discretionary) != 1 + count * AMOUNT_LENGTH + MAC_LENGTH:
            return b""
        return self.discretionary[1:-MAC_LENGTH]

    @property
    def mac(self) -> bytes:
        """The MAC of the amounts, four bytes, empty where there are none."""
        return self.discretionary[-MAC_LENGTH:] if self.amounts else b""

    @property
    def balance(self) -> int | None:
        """The e-cash balance that the card reports, in the smallest unit; None where it reports none."""
        digits = self.amounts[:AMOUNT_LENGTH].hex()
        if not self.amounts or self.discretionary[0] not in BALANCE_FIRST or not digits.isdecimal():
            return None
        return int(digits)
