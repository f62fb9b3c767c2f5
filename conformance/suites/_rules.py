"""Rules of the machines: what is done with PIN, keys and files."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from conformance.bench import Bench
from conformance.dialogue import apdu, pin_bytes
from conformance.maintenance import KeyPlace, authentication_keys, key_place
from conformance.model import files, secrets
from conformance.model.secrets import Proof
from conformance.suites._machine import CHOICE, Identity, Machine
from profiles.model import File

DIGITS = st.text("0123456789", min_size=4, max_size=12)
BITS = st.one_of(st.none(), st.integers(0, 127))
BYTES_8 = st.binary(min_size=8, max_size=8)
ABSENT_KEYS = (0x7F, 0xFF, 0x01)
LONG_PIN = bytes(9)
BLOCK = 24
"""Bytes that are read of or written into a transparent file at once."""


class PinRules(Machine):
    """VERIFY and CHANGE PIN, right and wrong."""

    @rule()
    def verify_right(self) -> None:
        """VERIFY with the right PIN."""
        self.show_pin()

    @rule(digits=DIGITS)
    def verify_wrong(self, digits: str) -> None:
        """VERIFY with other digits."""
        if digits != self.pin and self.may_lose_try(secrets.pin_name(self.card)):
            self.play(secrets.verify(self.card, digits), apdu(0, 0x20, 0, 0, pin_bytes(digits)))

    @rule()
    def verify_too_long(self) -> None:
        """VERIFY with nine bytes."""
        self.play(secrets.verify_too_long(self.card), apdu(0, 0x20, 0, 0, LONG_PIN))

    @rule(new=DIGITS)
    def change_pin(self, new: str) -> None:
        """CHANGE PIN with the right old PIN."""
        self._change(self.pin, new)

    @rule(old=DIGITS, new=DIGITS)
    def change_pin_wrong(self, old: str, new: str) -> None:
        """CHANGE PIN with another old PIN."""
        if old != self.pin and self.may_lose_try(secrets.pin_name(self.card)):
            self._change(old, new)

    def _change(self, old: str, new: str) -> None:
        data = pin_bytes(old) + b"\xff" + pin_bytes(new)
        if len(old) % 2 == 0:
            self.play(secrets.change_pin(self.card, old, new), apdu(0x80, 0x5E, 1, 0, data))


class KeyRules(Machine):
    """Challenges and authentication, right, wrong, late and misdirected."""

    def __init__(self, bench: Bench, identity: Identity) -> None:
        super().__init__(bench, identity)
        self.keys = list(authentication_keys(bench.profile))

    def reachable(self) -> list[KeyPlace]:
        """Keys that P2 can name now."""
        here = (self.card.environment, self.card.state.directory)
        return [place for place in self.keys if place.directory in here]

    @rule(length=st.sampled_from([8, 8, 8, 4]))
    def get_challenge(self, length: int) -> None:
        """GET CHALLENGE."""
        self.take_challenge(length)

    @precondition(lambda self: self.reachable())
    @rule(choice=CHOICE, version=st.integers(1, 3), labelled=st.booleans(), source=BYTES_8)
    def prove(self, choice: int, version: int, labelled: bool, source: bytes) -> None:
        """GET CHALLENGE and EXTERNAL AUTHENTICATE with the right cryptogram."""
        place = self.reachable()[choice % len(self.reachable())]
        version = min(version if labelled else self.card.settings.default_key_version, place.key.versions)
        self.show_key(place, version, labelled=labelled, source=source)

    @precondition(lambda self: self.reachable())
    @rule(
        choice=CHOICE,
        version=st.integers(1, 3),
        label=st.one_of(st.none(), st.integers(1, 4)),
        back=st.integers(0, 2),
        bit=st.one_of(st.none(), st.integers(0, 127)),
        fresh=st.booleans(),
    )
    def authenticate(
        self, choice: int, version: int, label: int | None, back: int, bit: int | None, fresh: bool
    ) -> None:
        """EXTERNAL AUTHENTICATE with whatever version, version byte, challenge and cryptogram."""
        if fresh:
            self.take_challenge()
        place = self.reachable()[choice % len(self.reachable())]
        version = min(version, place.key.versions)
        number = self.card.state.challenges - back
        proof = Proof(place.reference, place.name, version, label, number if number > 0 else None, bit is None)
        self.present(proof, bytes(8), bit or 0)

    @precondition(lambda self: self.keys)
    @rule(choice=CHOICE, reference=st.one_of(st.none(), st.sampled_from(ABSENT_KEYS)), fresh=st.booleans())
    def authenticate_elsewhere(self, choice: int, reference: int | None, fresh: bool) -> None:
        """The right cryptogram of any key of the card, wherever the card stands, or under an identifier that no key has."""
        if fresh:
            self.take_challenge()
        place = self.keys[choice % len(self.keys)]
        number = self.card.state.challenges or None
        proof = Proof(place.reference if reference is None else reference, place.name, 1, 1, number)
        self.present(proof, bytes(8))

    @rule(choice=CHOICE, factor=BYTES_8, source=BYTES_8)
    def internal_authenticate(self, choice: int, factor: bytes, source: bytes) -> None:
        """INTERNAL AUTHENTICATE with the IRK, or with the identifier of another key."""
        held = self.card.profile.directory[self.card.environment].key
        names = [name for name, key in held.items() if key.kid and not key.kid[0] & 0x80]
        if not names:
            return
        own = [name for name in names if held[name].use == "internal authentication"]
        name = [*names, *own * len(names)][choice % (len(names) + len(own) * len(names))]
        reference = (held[name].kid or b"\0")[0]
        genuine = b""
        for other in own:
            if held[other].kid == bytes([reference]):
                version = self.card.settings.default_key_version
                genuine = self.bench.keys.internal_authentication(other, factor, source, version)
        prediction = secrets.internal_authenticate(self.card, reference, genuine)
        self.play(prediction, apdu(0, 0x88, 0, reference, factor + source, 8))


class FileRules(Machine):
    """Reading and updating every file, by short identifier and as the current one, with rights and without."""

    @rule(choice=CHOICE, updating=st.booleans(), some=st.integers(1, 4))
    def satisfy(self, choice: int, updating: bool, some: int) -> None:
        """Prove what a file of the current directory asks for, or only the beginning of it."""
        found = self._any_file(choice)
        alternatives = (found[1].update if updating else found[1].read).alternatives if found else ()
        if not alternatives:
            return
        for name in sorted(alternatives[choice // 64 % len(alternatives)])[:some]:
            if name in self.card.state.pins:
                self.show_pin()
            else:
                place = key_place(self.bench, name)
                self.show_key(place, 1, labelled=True)

    @rule(choice=CHOICE, updating=st.booleans(), filling=st.integers(0, 255))
    def use(self, choice: int, updating: bool, filling: int) -> None:
        """Prove what a file asks for, and use it."""
        self.satisfy(choice, updating, 4)
        if updating:
            self.update(choice, filling, 1, False)
        self.read(choice, 1, True)

    def _any_file(self, choice: int) -> tuple[str, File] | None:
        held = [(name, file) for name, file in self.card.directory.file.items() if file.structure != "internal"]
        return held[choice % len(held)] if held else None

    def _address(self, name: str, file: File, current: bool) -> int:
        """0 when the file is current and shall be addressed so."""
        return 0 if current and self.card.state.file == name else file.short_identifier

    @rule(choice=CHOICE, number=st.integers(1, 8), current=st.booleans())
    def read(self, choice: int, number: int, current: bool) -> None:
        """Read a record or some bytes of a file of the current directory."""
        found = self._any_file(choice)
        if found is None:
            return
        name, file = found
        sfi = self._address(name, file, current)
        if file.structure != "transparent":
            number = (choice // 64) % (len(file.elements) + 2) + 1 if file.elements else number
            self.play(files.read_record(self.card, sfi, number), apdu(0, 0xB2, number, sfi << 3 | 4, ne=256))
            return
        offset, count = self._window(file, number)
        p1, p2 = (0x80 | sfi, offset) if sfi else (offset >> 8, offset & 0xFF)
        self.play(files.read_binary(self.card, sfi, offset, count), apdu(0, 0xB0, p1, p2, ne=count))

    @staticmethod
    def _window(file: File, number: int) -> tuple[int, int]:
        """Offset and number of bytes inside a transparent file: its beginning, its end, and windows that overlap."""
        size = file.size or 1
        offset = max(0, min(size - BLOCK, 255, (number - 1) * BLOCK // 2))
        return offset, min(BLOCK, size - offset)

    @rule(choice=CHOICE, filling=st.integers(0, 255), number=st.integers(1, 8), current=st.booleans())
    def update(self, choice: int, filling: int, number: int, current: bool) -> None:
        """Update a record or some bytes, or append to a cyclic file.

        On a card that is not renewed only what was read before is written, and nothing is appended.
        """
        found = self._any_file(choice)
        if found is None:
            return
        name, file = found
        sfi = self._address(name, file, current)
        renewable = self.bench.target.renewable
        known = self.card.state.contents.get(files.path_of(self.card, name), {})
        if file.structure == "transparent":
            offset, count = self._window(file, number)
            value = bytes([filling]) * count
            if not renewable:
                value = b"".join(known.get(offset + at, b"") for at in range(count))
            if len(value) == count:
                p1, p2 = (0x80 | sfi, offset) if sfi else (offset >> 8, offset & 0xFF)
                self.play(files.update_binary(self.card, sfi, offset, value), apdu(0, 0xD6, p1, p2, value))
        elif file.structure == "cyclic":
            record = bytes([filling]) * (files.record_length(file, 1) or 1)
            if renewable:
                self.play(files.append_record(self.card, sfi, record), apdu(0, 0xDC, 0, sfi << 3 | 3, record))
        elif file.elements:
            number = (choice // 64) % len(file.elements) + 1
            length = files.record_length(file, number) or 3
            record = bytes([int(file.elements[number - 1], 16), length - 2]) + bytes([filling]) * (length - 2)
            record = record if renewable else known.get(number, b"")
            if record:
                self.play(
                    files.update_record(self.card, sfi, number, record), apdu(0, 0xDC, number, sfi << 3 | 4, record)
                )

    @rule(choice=CHOICE, change=st.sampled_from(["shorter", "longer", "tag", "length"]))
    def update_wrongly(self, choice: int, change: str) -> None:
        """A record that is too short, too long, or has another tag or inner length: nothing may change."""
        found = self._any_file(choice)
        if found is None or not found[1].elements:
            return
        _, file = found
        number = (choice // 64) % len(file.elements) + 1
        length = files.record_length(file, number) or 3
        good = bytes([int(file.elements[number - 1], 16), length - 2]) + b"\xa5" * (length - 2)
        record = {
            "shorter": good[:-1],
            "longer": good + b"\xa5",
            "tag": bytes([good[0] ^ 0x10]) + good[1:],
            "length": good[:1] + bytes([good[1] ^ 1]) + good[2:],
        }[change]
        sfi = file.short_identifier
        self.play(files.update_record(self.card, sfi, number, record), apdu(0, 0xDC, number, sfi << 3 | 4, record))

    @rule(choice=CHOICE, sfi=st.integers(1, 30))
    def misaddress(self, choice: int, sfi: int) -> None:
        """A short identifier that no file has; READ BINARY of a record file, READ RECORD of a transparent one."""
        found = self.card.file(sfi) or self._any_file(choice)
        if choice % 2 and self.card.file(sfi) is None:
            self.play(files.read_record(self.card, sfi, 1), apdu(0, 0xB2, 1, sfi << 3 | 4, ne=256))
        elif found and found[1].structure == "transparent":
            sfi = found[1].short_identifier
            self.play(files.read_record(self.card, sfi, 1), apdu(0, 0xB2, 1, sfi << 3 | 4, ne=256))
        elif found:
            sfi = found[1].short_identifier
            self.play(files.read_binary(self.card, sfi, 0, 4), apdu(0, 0xB0, 0x80 | sfi, 0, ne=4))
