"""The machine that plays sequences: sends what a rule asks for, and compares the answer with the model's prediction."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from conformance.bench import Bench
from conformance.dialogue import (
    apdu,
    authenticate,
    declared_pin,
    open_directory,
    pin_bytes,
    select_identifier,
    select_name,
    verify,
)
from conformance.failures import CardFailure, Inconclusive
from conformance.maintenance import KeyPlace, change_pin, flipped, key_place, own_directories, pin_place
from conformance.model import Card, Outcome, Prediction, secrets, selection
from conformance.model.secrets import Proof
from conformance.suites.standard import standard_files
from conformance.suites.standard.values import described
from emulator.iso7816 import Response
from profiles.model import Profile

CHOICE = st.integers(0, 10**6)
"""A choice among whatever the model has to offer at that moment."""
LOWEST_TRIES = 2
"""No counter is brought below this unless the card may be given up."""
UNKNOWN_COMMANDS = (
    (0x00, 0x02, "SSC-CMD-002"),
    (0x00, 0x5A, "SSC-CMD-002"),
    (0x80, 0x06, "SSC-CMD-002"),
    (0xF0, 0x20, "SSC-CMD-001"),
    (0xE0, 0xB2, "SSC-CMD-001"),
)
UNKNOWN_IDENTIFIERS = (b"\x7f\x7f", b"\xef\x1d", b"\xdf\x0f")
UNKNOWN_NAMES = (b"sscard", bytes.fromhex("D1560000059F"))
MASTER_FILE = b"\x3f\x00"


def access_requirements(profile: Profile) -> dict[tuple[str, str], str]:
    """The requirement behind reading and updating each file of the standard."""
    found = {}
    for file in standard_files(profile):
        found[file.path, "read"] = file.read.requirement
        found[file.path, "update"] = file.update.requirement
    return found


@dataclass
class Identity:
    """Which failure a run is about: shrinking must end at the fault that was found, not at another one."""

    found: tuple[str | None, int, str] | None = None

    def keep(self, failure: CardFailure, instruction: int, received: str) -> None:
        """Take the first failure for the one of the run, and an example with another one for none."""
        identity = failure.requirement, instruction, received
        if self.found is None:
            self.found = identity
        assume(self.found == identity)


class Player(RuleBasedStateMachine):
    """Sends commands and judges each answer by a prediction.

    Rules and their preconditions look at the model alone: a choice that followed the card's answers could not be
    repeated when an example is shrunk.
    """

    def __init__(self, bench: Bench, identity: Identity) -> None:
        super().__init__()
        self.bench = bench
        self.identity = identity

    def play(self, prediction: Prediction, command: bytes) -> Response:
        """Send a command, judge its answer, and bring the model into the state that follows."""
        shown = f"{command[:4].hex().upper()}"
        received = ""
        try:
            response = self.bench.send(command)
            received = f"{response.sw:04X}"
            foreseen = prediction.outcome(response.sw)
            requirement = prediction.broken_by(response.sw)
            self.bench.check(
                foreseen is not None,
                f"{shown} 的状态字",
                f"status word of {shown}",
                expected=prediction,
                received=received,
                requirement=requirement,
            )
            outcome = foreseen or Outcome()  # never: the check has ended the case
            self.bench.check(
                outcome.fits(response.data),
                f"{shown} 的应答数据",
                f"data in the answer of {shown}",
                expected=outcome.shown,
                received=described(response.data),
                requirement=requirement,
            )
        except CardFailure as failure:
            self.identity.keep(failure, command[1], received)
            raise
        outcome.then(response.data)
        return response


class Machine(Player):
    """Resets, selections and unknown commands; the rules of PIN, keys and files stand in subclasses."""

    def __init__(self, bench: Bench, identity: Identity) -> None:
        super().__init__(bench, identity)
        self.challenges: dict[int, bytes] = {}
        self.card = Card(bench.profile, access_requirements(bench.profile))
        self.directories = {name: bench.profile.directory[name] for name in own_directories(bench.profile)}
        """Where sequences go."""
        self.may_block = bench.destructive and bench.target.renewable

    def may_lose_try(self, name: str | None) -> bool:
        """Whether a wrong presentation may be shown."""
        return name is None or self.may_block or not self.card.limit(name) or self.card.state.tries[name] > LOWEST_TRIES

    def teardown(self) -> None:
        """A card that is not renewed gets its PIN and its tries back."""
        if self.bench.target.renewable:
            return
        with suppress(CardFailure, Inconclusive):
            for digits in self.card.state.pins.values():
                self.bench.reset()
                open_directory(self.bench, pin_place(self.bench).directory)
                if digits != declared_pin(self.bench):
                    change_pin(self.bench, digits, declared_pin(self.bench))
                verify(self.bench)
            for name, left in self.card.state.tries.items():
                if name not in self.card.state.pins and left != self.card.limit(name):
                    open_directory(self.bench, key_place(self.bench, name).directory)
                    authenticate(self.bench, name)

    # What many rules do

    def show_pin(self) -> None:
        """VERIFY with the PIN that is right now."""
        digits = self.pin
        self.play(secrets.verify(self.card, digits), apdu(0, 0x20, 0, 0, pin_bytes(digits)))

    @property
    def pin(self) -> str:
        """The PIN that is right now; any digits where the environment has none."""
        name = secrets.pin_name(self.card)
        return self.card.state.pins[name] if name else "1234"

    def take_challenge(self, length: int = 8) -> None:
        """GET CHALLENGE."""
        answer = self.play(secrets.get_challenge(self.card, length), apdu(0, 0x84, 0, 0, ne=length))
        self.challenges[self.card.state.challenges] = answer.data

    def show_key(self, place: KeyPlace, version: int, *, labelled: bool, source: bytes = bytes(8)) -> None:
        """GET CHALLENGE and EXTERNAL AUTHENTICATE with the right cryptogram."""
        self.take_challenge()
        label = version if labelled else None
        self.present(Proof(place.reference, place.name, version, label, self.card.state.challenges), source)

    def present(self, proof: Proof, source: bytes, bit: int = 0) -> None:
        """Make the cryptogram that a proof describes, and send it; ``bit`` is inverted when it shall not be intact."""
        prediction = secrets.external_authenticate(self.card, proof)
        addressed = secrets.addressed_key(self.card, proof.reference)
        if addressed and prediction.may_cost_a_try and not self.may_lose_try(addressed[0]):
            return
        challenge = self.challenges.get(proof.challenge or 0, b"").ljust(8, b"\0")
        data = self.bench.keys.external_authentication(
            proof.key, challenge, source=source, version=proof.version, with_version=False
        )
        data = data if proof.intact else flipped(data, bit)
        label = b"" if proof.label is None else bytes([proof.label])
        self.play(prediction, apdu(0, 0x82, 0, proof.reference, data + label))

    # Rules that every machine has

    @initialize(choice=CHOICE)
    def begin(self, choice: int) -> None:
        """Sequences begin inside an application, as a terminal's do."""
        self.go(choice)

    def enter(self, directory: str) -> None:
        """Select a directory through its environment."""
        environment = self.card.environment_of(directory)
        for name in dict.fromkeys((environment, directory)):
            if name != self.card.state.directory:
                self.select(name)

    def select(self, directory: str) -> None:
        """SELECT by name, or by file identifier where there is no name."""
        described = self.card.profile.directory[directory]
        if described.aid:
            self.play(selection.by_name(self.card, described.aid), select_name(described.aid))
        else:
            self.play(selection.by_identifier(self.card, described.fid, 0), select_identifier(described.fid))

    @rule(cold=st.booleans(), choice=st.one_of(st.none(), CHOICE, CHOICE))
    def reset(self, cold: bool, choice: int | None) -> None:
        """Reset the card, and mostly go somewhere at once."""
        self.bench.reset(cold)
        self.card.reset()
        if choice is not None:
            self.go(choice)

    @rule(choice=CHOICE)
    def go(self, choice: int) -> None:
        """Go to a directory below the MF as programs do."""
        names = [name for name, directory in self.directories.items() if directory.kind != "MF"]
        self.enter(names[choice % len(names)])

    @rule(choice=CHOICE, length=st.integers(1, 16))
    def select_by_name(self, choice: int, length: int) -> None:
        """SELECT by name: whole, the left part of it, or unknown."""
        names = [d.aid for d in self.directories.values() if d.aid]
        name = [*names, *names, *UNKNOWN_NAMES][choice % (2 * len(names) + len(UNKNOWN_NAMES))]
        if choice % (2 * len(names) + len(UNKNOWN_NAMES)) < len(names):
            name = name[: max(length, len(name) - 1)]
        self.play(selection.by_name(self.card, name), select_name(name))

    @rule(choice=CHOICE, p1=st.sampled_from([0, 0, 1, 2]))
    def select_by_identifier(self, choice: int, p1: int) -> None:
        """SELECT by file identifier: of any directory, any file, or unknown."""
        directories = self.directories.values()
        files = {file.fid for directory in directories for file in directory.file.values()}
        fids = [*(d.fid for d in directories), MASTER_FILE, *sorted(files), *UNKNOWN_IDENTIFIERS]
        fid = fids[choice % len(fids)]
        self.play(selection.by_identifier(self.card, fid, p1), select_identifier(fid, p1))

    @rule(choice=st.sampled_from(UNKNOWN_COMMANDS))
    def unknown(self, choice: tuple[int, int, str]) -> None:
        """A class or instruction that does not exist."""
        cla, ins, requirement = choice
        self.play(selection.unknown_command(self.card, requirement), apdu(cla, ins, 0, 0))
