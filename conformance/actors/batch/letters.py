"""PIN letters 密码信封: each card gets a random PIN, which its holder reads in a letter of their own.

Social security cards leave initialisation with one initial PIN for all, which everybody knows and which the holder is to
change at a counter. Nobody stands there when a batch is made. So the station changes it, as bank issuers do with PIN mailers: a
random PIN for each card, in a file of its own that only the station's owner can read, to be printed into a sealed envelope and
sent apart from the card. The letter is there, on the disk, before the chip, or the bank, learns the PIN.
"""

from __future__ import annotations

import re
import secrets
from itertools import pairwise
from pathlib import Path

from conformance.actors.station.order import Order
from profiles.files import write_whole

DIGITS = 6
SOCIAL_SECURITY, BANK = "社会保障应用 social security", "银行卡 bank card"
"""Of which application a letter gives the PIN."""
LETTER = """密码信封 PIN letter

应用 application         {application}
申请编号 request         {number}
社会保障号码 person      {person}
个人密码 PIN             {pin}

请妥善保管，并在首次用卡时自行修改密码。测试卡，人员虚构。
Keep it to yourself and change it when you first use the card. A test card of an invented person.
"""


class PinProblem(Exception):
    """A letter cannot be read or written; the message says which, and why."""


class Letters:
    """The letters of a batch in a folder.

    Args:
        folder: Where they are; it exists.
        initial: The initial PIN, which no letter gives.
        application: What the letters call the application whose PIN they give.
    """

    def __init__(self, folder: Path, initial: str, application: str = SOCIAL_SECURITY) -> None:
        self._folder = folder
        self._initial = initial
        self._application = application

    def path(self, number: str) -> Path:
        """The letter of a request."""
        return self._folder / f"{number}.txt"

    def numbers(self) -> list[str]:
        """The requests that have a letter."""
        return sorted(path.stem for path in self._folder.glob("*.txt"))

    def has(self, number: str) -> bool:
        """Whether a request has a letter."""
        return self.path(number).exists()

    def pin(self, order: Order) -> str:
        """The PIN in the letter for an order, which is written when there is none; raises :class:`PinProblem`."""
        path = self.path(order.number)
        try:
            if path.exists():
                return self._read(path)
            pin = self._random(order)
            text = LETTER.format(
                number=order.number, person=order.masked_person, pin=pin, application=self._application
            )
            write_whole(path, text.encode())
        except OSError as problem:
            raise PinProblem(f"the PIN letter {path} cannot be used ({problem.strerror})") from None
        return pin

    def withdraw(self, number: str) -> None:
        """No card of this request will be handed out."""
        self.path(number).unlink(missing_ok=True)

    def _read(self, path: Path) -> str:
        found = re.search("PIN +([0-9]{4,16})$", path.read_text("utf-8", errors="replace"), re.MULTILINE)
        if found is None:
            raise PinProblem(f"there is no PIN in the letter {path}; delete it, and a new one is written")
        return found[1]

    def _random(self, order: Order) -> str:
        while True:
            pin = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
            if pin != self._initial and not is_weak(pin, order):
                return pin


def is_weak(pin: str, order: Order) -> bool:
    """Whether a PIN can be guessed: one digit repeated, digits in a row, or part of what stands on the card."""
    steps = {(int(later) - int(earlier)) % 10 for earlier, later in pairwise(pin)}
    shown = (*order.values.values(), order.former.account)
    return (len(steps) == 1 and steps <= {0, 1, 9}) or any(pin in text for text in shown)
