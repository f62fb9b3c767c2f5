"""Rows of the catalogue on issuing systems, each shown by what passes between station and chip, and by the card in the end."""

import pytest

from conformance.actors.key_service import KeyService
from conformance.actors.station import Ending, Step
from conformance.actors.station.chip import Chip
from conformance.actors.station.link import ChipLink
from profiles import load
from tests.profiles.notice37 import FILES, RIGHTS, rows
from tests.station.whole import BANK_PIN, BLANKS, WholeWorld
from tests.station.world import NEW

PRODUCTS = pytest.mark.parametrize("product", BLANKS)
ENVIRONMENT = "7378312E73682EC9E7BBE1B1A3D5CF"
AUTHENTICATE, UPDATE, READ, SELECT, UPDATE_BINARY, READ_BINARY = "0082", "00DC", "00B2", "00A4", "00D6", "00B0"


class Traced:
    """A link that keeps what passes in each step."""

    def __init__(self, target):
        self._target = target
        self.step, self.trace = None, {}

    def told(self, told):
        self.step = None if told.done else told.step

    def reset(self, cold=True):
        return self._target.reset(cold)

    def transmit(self, command, /):
        answer = self._target.transmit(command)
        self.trace.setdefault(self.step, []).append((command.hex().upper(), answer.hex().upper()))
        return answer


@pytest.fixture(scope="module", params=BLANKS)
def traced(request):
    """A whole issuance, step by step."""
    world = WholeWorld(load(request.param), prepared=True)
    world.link = Traced(world.target)
    outcome = world.station(world.link.told).issue(world.order, world.link, NEW, bank_pin=BANK_PIN)
    assert outcome.ending is Ending.COMPLETED
    return world


def commands(world, step):
    return [command for command, answer in world.link.trace[step] if answer[-4:] == "9000" or answer[-4:-2] == "61"]


@pytest.mark.requirement("SSC-ISS-002")
def test_keys_are_proven_before_anything_is_written(traced):
    """EXTERNAL AUTHENTICATE with kid 0A, on 3.0 before all else, then with kid 04, then the records."""
    said = commands(traced, Step.PERSONALISE)
    proofs = [command[6:8] for command in said if command.startswith(AUTHENTICATE)]
    assert proofs == ["0A", "04"]
    first = next(number for number, command in enumerate(said) if command.startswith((UPDATE, UPDATE_BINARY)))
    assert max(number for number, command in enumerate(said) if command.startswith(AUTHENTICATE)) < first


@pytest.mark.requirement("SSC-ISS-003")
def test_every_record_that_was_written_is_read_again(traced):
    """After the last write, before the card enters the register."""
    written = {command[4:8] for command in commands(traced, Step.PERSONALISE) if command.startswith(UPDATE)}
    assert len(written) == 9
    read, inside = set(), False
    for command in commands(traced, Step.READ_BACK):
        if command.startswith(SELECT):
            inside = inside if command.startswith("00A402") else ENVIRONMENT in command
        elif command.startswith(READ) and inside:
            read.add(command[4:8])
    assert written <= read
    assert not any(command.startswith((UPDATE, UPDATE_BINARY)) for command in commands(traced, Step.READ_BACK))


@PRODUCTS
@pytest.mark.requirement("SSC-ISS-005")
def test_what_initialisation_wrote_is_kept(product):
    """Identification, version and initialising institution, before personalisation and at hand-over."""
    world, before = WholeWorld(load(product), prepared=True), []

    def look(told):
        if told.step is Step.CLOSE and told.done:
            before.extend(world.reader().read("SSSE/EF05", tag) for tag in ("01", "03", "04"))
            before.extend(world.reader().read("SSSE/EF05", tag) for tag in ("05", "06", "07"))

    outcome = world.station(look).issue(world.order, world.target, NEW, bank_pin=BANK_PIN)
    assert outcome.ending is Ending.COMPLETED
    assert [world.reader().read("SSSE/EF05", tag) for tag in ("01", "03", "04")] == before[:3]
    assert before[0].hex().upper() == outcome.returned.card
    assert before[1] == load(product).specification.encode()
    assert before[3:] == [b"\xff" * 4, b"\xff" * 4, bytes(9)]


@pytest.mark.requirement("SSC-ISS-012")
def test_the_makers_master_key_is_refused(traced):
    """卡片主控密钥: 63Cx for that of the production stage, good for the issuer's."""
    chip = Chip(ChipLink(traced.target))
    historical = chip.reset()
    for product, good in ((traced.blank, False), (traced.product, True)):
        chip.select(b"\x3f\x00")
        assert chip.authenticate_master(KeyService(product, historical), "MKMF") is good


@pytest.mark.requirement("SSC-ISS-013")
def test_local_files_have_local_identifiers(traced):
    """Every directory and file that answers SELECT: what the standard does not name lies from DF0A and EF0C on."""
    standard = {"SSSE": set(), **{f"DF0{number}": set() for number in range(1, 8)}}
    for name in RIGHTS:
        place, _, file = name.partition("/")
        if file.startswith("EF") and name != "SSSE/EF0D":
            standard[place].add(int(file, 16))
    target = traced.target
    target.reset()

    def answers(command):
        return target.transmit(bytes.fromhex(command))[:1] in (b"\x90", b"\x61")

    assert answers(f"00A404000F{ENVIRONMENT}")
    directories = [fid for fid in range(0xDF00, 0xDF20) if answers(f"00A4010C02{fid:04X}") and enter(target)]
    assert {0xDF01, 0xDF02, 0xDF03, 0xDF04} <= set(directories)
    assert all(1 <= fid & 0xFF <= 7 or fid >= 0xDF0A for fid in directories)
    for place in ("SSSE", *(f"{fid:04X}" for fid in directories if fid < 0xDF08)):
        enter(target)
        if place != "SSSE":
            assert answers(f"00A4010C02{place}")
        files = {fid for fid in range(0xEF01, 0xEF1E) if answers(f"00A4020C02{fid:04X}")}
        assert standard[place] <= files
        assert all(fid >= 0xEF0C for fid in files - standard[place])


def enter(target):
    """The environment again."""
    return bool(target.transmit(bytes.fromhex(f"00A404000F{ENVIRONMENT}00")))


@pytest.mark.requirement("SSC-ISS-014")
def test_files_of_the_environment_have_the_items_of_the_standard(traced):
    """Record by record their tags; behind the last one there is none."""
    target, reader = traced.target, traced.reader()
    for name in ("EF05", "EF06"):
        path = f"SSSE/{name}"
        reader.satisfy(reader.file(path).read)
        expected = [row.tag for row in rows(FILES[path])]
        found = []
        for number in range(1, len(expected) + 2):
            answer = target.transmit(bytes.fromhex(f"00B2{number:02X}{int(name[2:], 16) << 3 | 4:02X}00"))
            if answer[-2:] == b"\x90\x00":
                found.append(f"{answer[0]:02X}")
        assert found == expected


@pytest.mark.requirement("SSC-ISS-015")
def test_the_card_is_good_for_ten_years(traced):
    issued, expires = (traced.reader().text("SSSE/EF05", tag) for tag in ("05", "06"))
    assert (issued, expires) == (traced.order.values["05"], traced.order.values["06"])
    assert int(expires[:4]) - int(issued[:4]) == 10
    traced.select_debit()
    assert traced.send("00B2011C00").find("5F2403360131") > 0
