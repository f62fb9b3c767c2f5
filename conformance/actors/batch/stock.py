"""Serial numbers 卡的流水号 of the virtual chips that a station makes: no two chips have the same."""

from __future__ import annotations

from collections.abc import Callable

from conformance.actors.store import Store

LAST = 99_999_999
"""Eight decimal digits in four bytes."""


class StockExhausted(Exception):
    """There is no serial number left."""


class ChipStock(Store):
    """The serial numbers that were given out, in the file of the journal."""

    schema = "CREATE TABLE IF NOT EXISTS chip_stock (serial TEXT PRIMARY KEY, request TEXT NOT NULL UNIQUE) STRICT;"

    def serial(self, request: str, taken: Callable[[str], bool]) -> str:
        """The serial number of a request's chip: always the same one.

        Args:
            request: Number of the request.
            taken: Whether another chip has a serial number that this stock did not give out.
        """
        with self.transaction():
            given = self.one("SELECT serial FROM chip_stock WHERE request = ?", request)
            if given is not None:
                return str(given["serial"])
            last = self.one("SELECT max(serial) AS serial FROM chip_stock")
            number = int(last["serial"]) + 1 if last is not None and last["serial"] is not None else 1
            while taken(f"{number:08}"):
                number += 1
            if number > LAST:
                raise StockExhausted("the station has given out all serial numbers")
            self.run("INSERT INTO chip_stock VALUES (?, ?)", f"{number:08}", request)
        return f"{number:08}"
