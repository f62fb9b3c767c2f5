"""A counter with a social security card, a PSAM or HSM, and a key pad: what ``sscard settle``, ``read`` and ``call`` share."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from conformance.image_option import kept_card

if TYPE_CHECKING:
    from conformance.actors.medical.keys import TerminalKeys
    from conformance.actors.medical.reader import CardReader
    from conformance.targets.base import Target
    from profiles.model import Profile

SAM_PRODUCTS = {"3DES": "psam-3des", "SM4": "psam-sm4"}
REFUSED, WRONG_USE, BENCH_FAILED = 1, 2, 3
HSM_TERMINAL = bytes.fromhex("500000000009")
"""Terminal number of a reader without PSAM: the first six digits are an area."""

ProfileName = Annotated[str, typer.Option("--profile", help="Card product by name, or a profile file (TOML).")]
ReaderName = Annotated[
    str | None, typer.Option("--reader", help="Use the card in this PC/SC reader (name or a part of it).")
]
SamReaderName = Annotated[
    str | None, typer.Option("--sam-reader", help="Use the PSAM in this PC/SC reader or slot; absent: a virtual one.")
]
Hsm = Annotated[bool, typer.Option("--hsm", help="Keys of an HSM (加密机) instead of a PSAM.")]
InProcess = Annotated[
    bool, typer.Option("--in-process", help="A fresh virtual card in this process (the default without --reader).")
]
ExpectCard = Annotated[
    str | None,
    typer.Option("--expect-card", help="Identification code 卡的识别码, or its beginning; needed with --reader."),
]
Image = Annotated[
    Path | None,
    typer.Option(
        "--image", help="Keep the virtual card in this file: created when there is none, otherwise opened as it is."
    ),
]
SamImage = Annotated[
    Path | None,
    typer.Option(
        "--sam-image", help="Keep the virtual PSAM in this file: its transaction number counts on from call to call."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")]
Pin = Annotated[str | None, typer.Option("--pin", help="PIN that the holder enters; absent: none is entered.")]


@dataclass(frozen=True, slots=True)
class Place:
    """Which card, whose keys, what is entered."""

    command: str
    profile: str
    reader: str | None = None
    sam_reader: str | None = None
    hsm: bool = False
    in_process: bool = False
    expect_card: str | None = None
    image: Path | None = None
    sam_image: Path | None = None
    pin: str | None = None

    def give_up(self, sentence: str, code: int) -> NoReturn:
        """End the command with one sentence."""
        typer.echo(f"sscard {self.command}: {sentence}", err=True)
        raise typer.Exit(code)

    def check(self) -> None:
        """End the command where its options contradict each other."""
        if self.reader is not None and self.in_process:
            self.give_up("--reader and --in-process exclude each other; give one of them", WRONG_USE)
        if self.reader is not None and self.image is not None:
            self.give_up("--image is a virtual card, --reader a card in a reader; give one of them", WRONG_USE)
        if self.hsm and self.sam_reader is not None:
            self.give_up("--hsm takes the place of a PSAM; leave --sam-reader away", WRONG_USE)
        if self.sam_image is not None and (self.hsm or self.sam_reader is not None):
            self.give_up("--sam-image is a virtual PSAM; leave --hsm and --sam-reader away", WRONG_USE)
        if self.sam_reader is not None and self.sam_reader == self.reader:
            self.give_up("card and PSAM are in two readers or slots; --sam-reader names that of the card", WRONG_USE)
        if self.reader is not None and self.expect_card is None:
            sentence = "a card in a reader is used only when --expect-card gives its identification code, or the beginning of it"
            self.give_up(sentence, WRONG_USE)
        if self.expect_card is not None and not re.fullmatch("[0-9A-Fa-f]{1,32}", self.expect_card):
            self.give_up(f"--expect-card {self.expect_card!r} is not made of hexadecimal digits", WRONG_USE)
        if self.pin is not None and not re.fullmatch("[0-9]{4,16}", self.pin):
            self.give_up("--pin is not four to sixteen digits", WRONG_USE)

    @contextmanager
    def open(self) -> Iterator[CardReader]:
        """The reader with the expected card in it, its identification read.

        Whatever is missing, or fails while the card is there, ends the command with its exit code.
        """
        from conformance.actors.medical.keys import KeysRefused
        from conformance.actors.medical.reader import CardGone, CardReader, CardRefused
        from conformance.failures import BenchError
        from conformance.targets.in_process import UnusableCard

        self.check()
        profile = self.product()
        opened: list[Target] = []
        try:
            card = self._card(profile)
            opened.append(card)
            card.connect()
            reader = CardReader(card, profile, self._keys(profile, opened), pin=lambda: self.pin)
            reader.begin()
            self._expect(reader)
            yield reader
        except UnusableCard as problem:
            self.give_up(str(problem), WRONG_USE)
        except (BenchError, CardGone) as problem:
            self.give_up(str(problem), BENCH_FAILED)
        except CardRefused as problem:
            self.give_up(f"{problem.zh} · {problem}", REFUSED)
        except KeysRefused as problem:
            self.give_up(f"PSAM 或加密机拒绝 · {problem}", REFUSED)
        except sqlite3.Error as problem:  # of whoever has books while the card is here
            self.give_up(f"the books cannot be used: {problem}", BENCH_FAILED)
        finally:
            for target in opened:
                target.close()

    def _expect(self, reader: CardReader) -> None:
        shown, expected = reader.identification.hex().upper(), (self.expect_card or "").upper()
        if not shown.startswith(expected):
            self.give_up(f"another card than expected: its identification code is {shown}", REFUSED)

    def product(self) -> Profile:
        """The card product; ends the command where it is none, or has no social security application."""
        from profiles import ProfileError, load
        from profiles.applications import has_social_security

        try:
            profile = load(self.profile)
        except ProfileError as error:
            self.give_up(str(error), WRONG_USE)
        if not has_social_security(profile) or "SSSE" not in profile.directory:
            sentence = f"profile {profile.name} has no social security application; give one that has, such as ssc3-sm4"
            self.give_up(sentence, WRONG_USE)
        return profile

    def _card(self, profile: Profile) -> Target:
        return kept_card(self.command, profile, self.image) if self.reader is None else _in_reader(self.reader)

    def _keys(self, profile: Profile, opened: list[Target]) -> TerminalKeys:
        from conformance.actors.medical.keys import HsmKeys, SamKeys
        from profiles import load

        if self.hsm:
            milliseconds = time.time_ns() // 1_000_000  # no number comes twice in seven weeks
            return HsmKeys(profile, HSM_TERMINAL, terminal_number=milliseconds & 0xFFFFFFFF)
        module = (
            _in_reader(self.sam_reader)
            if self.sam_reader is not None
            else kept_card(self.command, load(SAM_PRODUCTS[profile.algorithm]), self.sam_image)
        )
        opened.append(module)
        module.connect()
        return SamKeys(module, profile)


def _in_reader(name: str) -> Target:
    from conformance.targets.pcsc import PcscTarget, choose_reader, list_readers

    return PcscTarget(choose_reader(name, list_readers()))
