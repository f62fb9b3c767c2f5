"""First issuance from end to end: what the card can do afterwards, and who may not begin one."""

import hashlib
from datetime import datetime
from pathlib import Path

import pytest

import profiles
from conformance.actors.medical.line import Line
from conformance.actors.medical.messages import CardState
from conformance.actors.medical.terminal import HospitalTerminal
from conformance.actors.medical.visit import OfflineLimits, Visit
from conformance.actors.station import Ending, Journal, Order, Step
from conformance.actors.station.steps import plan
from conformance.targets.in_process import InProcessTarget
from emulator import load_card
from emulator.apps.build import build
from emulator.cos.structure import Structure
from profiles import load
from tests.station.world import FIELDS, NEW, World, order

PHOTO = (Path(profiles.__file__).parent / "products" / "photo.jpg").read_bytes()
PRODUCTS = ("ssc3-sm4", "ssc2-3des")


@pytest.fixture(params=PRODUCTS)
def issued(request):
    world = World(load(request.param))
    outcome = world.issue()
    assert outcome.ending is Ending.COMPLETED, outcome
    world.settled(outcome)
    world.outcome = outcome
    return world


def test_the_card_has_the_tree_the_rights_and_the_keys_of_its_product(issued):
    """Against the chip that the emulator builds of the profile in its own way."""
    chip = issued.product.chip.model_copy(update={"historical": issued.blank.chip.historical})
    cells = build(issued.product.model_copy(update={"chip": chip}))
    meant = {
        d.fid: d for d in Structure.from_json(cells["structure"]).directories if d.application == "social security"
    }
    made = {d.fid: d for d in issued.card.structure.directories if d.application == "social security"}
    assert made.keys() == meant.keys()
    for fid, directory in made.items():
        other = meant[fid]
        assert (directory.aid, directory.directory_file, directory.proprietary) == (
            other.aid,
            other.directory_file,
            other.proprietary,
        )
        assert [
            (f.fid, f.sfi, f.structure, f.record_length)
            for f in sorted(directory.files, key=lambda f: f.fid)
            if f.fid != 0xEF23
        ] == [
            (f.fid, f.sfi if f.structure.value != "internal" else f.fid & 0x1F, f.structure, f.record_length)
            for f in sorted(other.files, key=lambda f: f.fid)
        ]
        for key in other.keys:
            own = next(k for k in directory.keys if (k.use, k.reference) == (key.use, key.reference))
            assert own.limit == key.limit
            for version in range(1, key.versions + 1):
                assert issued.card.memory.cells[own.cell(version)] == cells[key.cell(version)], key.path


@pytest.mark.requirement("SSC-ISS-012")
def test_the_keys_of_the_maker_are_gone(issued):
    master = issued.card.structure.directories[0]
    assert [key.use for key in master.keys] == ["master"]
    production = {value for cell, value in build(issued.blank).items() if cell.startswith("key:")}
    assert production.isdisjoint(issued.card.memory.cells.values())


@pytest.mark.requirement("SSC-LIFE-011")
def test_pre_issue_commands_are_refused_everywhere(issued):
    closed = {"6982", "6985", "6D00", "6A88"}
    commands = ("80E00100100000000010EF1DC4001D000000000000", "80E00200", "80E10003", "80D4000020" + "00" * 32)
    for path in (("3F00",), ("DDF1",), *(("DDF1", f"DF0{number}") for number in (1, 2, 3, 4, 5, 7))):
        issued.card.reset()
        for fid in path:
            issued.card.transmit(bytes.fromhex(f"00A4000002{fid}"))
        for command in commands:
            assert issued.card.transmit(bytes.fromhex(command)).hex().upper() in closed, (path, command)
    assert issued.card.transmit(bytes.fromhex("80E0030008" + "00" * 8)).hex().upper() in closed


def test_nothing_of_the_products_own_holder_is_on_the_card():
    world = World(load("ssc3-sm4"))
    world.order = order(name="样例甲", card_number="A12345674")
    assert world.issue().ending is Ending.COMPLETED
    held = b"".join(
        value if isinstance(value, bytes) else b"".join(value)
        for value in world.card.memory.cells.values()
        if isinstance(value, bytes | tuple)
    )
    assert "样例甲".encode("gbk") in held
    for text in ("渝小样", "重庆市渝中区样例路", "渝大样", "重庆样例科技"):
        assert text.encode("gbk") not in held


def test_the_card_settles_a_medical_bill_that_the_centre_clears(issued):
    reader = issued.reader()
    terminal = HospitalTerminal(reader, Line(issued.centre), limits=OfflineLimits())
    result = terminal.settle(Visit("S1", 20000, None, when=datetime(2026, 3, 1, 10, 0)))
    assert result.outcome.good, result
    assert issued.centre.books.balance(f"account {issued.order.person}") == 120_000 - 20_000


def test_the_card_comes_to_the_register_sealed_and_is_then_activated():
    world = World(load("ssc3-sm4"))
    states = []

    def watch(told):
        card = world.centre.books.cards_of(world.order.person)
        states.append((told.step, told.done, card[0].state if card else None))

    assert world.station(watch).issue(world.order, world.target, NEW).ending is Ending.COMPLETED
    assert (Step.READ_BACK, True, None) in states
    assert (Step.REGISTER, True, CardState.SEALED) in states
    assert (Step.ACTIVATE, False, CardState.SEALED) in states
    assert (Step.ACTIVATE, True, CardState.NORMAL) in states


def test_the_data_return_says_what_the_card_shows(issued):
    returned, reader = issued.outcome.returned, issued.reader()
    assert returned.card == reader.identification.hex().upper()
    assert returned.atr == issued.card.reset().hex().upper()
    assert returned.version == issued.product.specification
    assert issued.order.person not in str(returned)


def test_a_guess_at_a_person_costs_who_has_the_journal():
    """As much as scrypt with n = 2^12 and r = 8, and for each journal anew."""
    journal = Journal()
    journal.begin(order(), "ssc3-sm4", "3B00")
    salt = journal.one("SELECT value FROM salt")["value"]
    digest = hashlib.scrypt(order().person.encode(), salt=salt, n=4096, r=8, p=1, dklen=32)
    assert journal.one("SELECT person FROM request")["person"] == digest.hex()
    assert journal.one("SELECT value FROM salt")["value"] != Journal().one("SELECT value FROM salt")["value"]


def test_the_journal_tells_of_each_step_twice_and_of_no_person(issued, tmp_path):
    entries = issued.journal.entries(issued.order.number)
    steps = plan(issued.order, issued.station().equipment)
    assert steps[-1] is Step.RETURN
    assert entries == [(step.name, phase) for step in steps for phase in ("before", "after")]
    text = "\n".join(issued.journal._base.iterdump())
    for secret in (issued.order.person, issued.order.name, issued.order.values["07"], NEW, "123456"):
        assert secret not in text
    for cell, value in issued.card.memory.cells.items():
        if cell.startswith("key:") and len(value) == 16:
            assert value.hex().upper() not in text.upper()


def test_the_same_request_again_answers_as_before_and_touches_no_chip(issued):
    before = issued.card.snapshot()

    class NoChip:
        def reset(self, cold=True):
            raise AssertionError("the chip was touched")

        transmit = reset

    again = issued.station().issue(issued.order, NoChip(), "777777")
    assert again.ending is Ending.COMPLETED
    assert again.returned == issued.outcome.returned
    assert issued.card.snapshot() == before
    assert len(issued.active()) == 1


def test_a_number_that_comes_with_another_order_is_refused(issued):
    outcome = issued.station().issue(order(name="样例甲"), issued.target, NEW)
    assert outcome.ending is Ending.REFUSED


def second_chip(world, serial="00000077"):
    historical = world.blank.chip.historical[:-4] + bytes.fromhex(serial)
    blank = world.blank.model_copy(update={"chip": world.blank.chip.model_copy(update={"historical": historical})})
    return InProcessTarget(load_card(blank))


def test_a_person_with_a_card_gets_no_second_first_one(issued):
    other = second_chip(issued)
    fresh = other.card.snapshot()
    outcome = issued.station(journal=Journal()).issue(order(number="X2"), other, NEW)
    assert outcome.ending is Ending.REFUSED
    assert other.card.snapshot() == fresh


def test_a_chip_that_is_not_blank_is_refused_and_left_alone(issued):
    before = issued.card.snapshot()
    other = order(number="X2", social_security_number="500000199002280018", sex="1")
    outcome = issued.station(journal=Journal()).issue(other, issued.target, NEW)
    assert outcome.ending is Ending.REFUSED
    assert issued.card.snapshot() == before


def test_two_stations_for_one_person_make_one_card():
    """The second station begins and ends while the first one stands before its registration."""
    world = World(load("ssc3-sm4"))
    other, second = second_chip(world), []

    def meanwhile(told):
        if told.step is Step.REGISTER and not told.done and not second:
            rival = world.station(journal=Journal())
            second.append(rival.issue(order(number="X2"), other, NEW))

    first = world.station(meanwhile).issue(world.order, world.target, NEW)
    assert second[0].ending is Ending.COMPLETED
    assert first.ending is Ending.DESTROYED
    assert world.active() == [second[0].returned.card]


def test_two_stations_that_both_registered_activate_one_card():
    world = World(load("ssc3-sm4"))

    def rival(told):
        """Another card of the person becomes active between registration and activation of this one."""
        if told.step is Step.REGISTER and told.done:
            world.centre.register("F" * 32, world.order.person, bytes(13), CardState.NORMAL)

    outcome = world.station(rival).issue(world.order, world.target, NEW)
    assert outcome.ending is Ending.DESTROYED
    assert world.active() == ["F" * 32]
    states = {card.card: card.state for card in world.centre.books.cards_of(world.order.person)}
    assert sorted(state.name for state in states.values()) == ["CANCELLED", "NORMAL"]


MORE = {
    "household registration category": "51",
    "address of household registration": "重庆市渝中区样例路1号",
    "address of residence": "重庆市渝中区样例路2号",
    "area of residence": "500103",
    "telephone": "023-00000000",
}


def test_photo_and_common_data_are_written_and_read_back():
    """SSSE/EF08, DF01/EF05, EF06, EF0A, SSSE/EF0D, as issuers of several regions write them (reconstructed specification §2.4)."""
    world = World(load("ssc3-sm4"))
    more = MORE | {"person identification number": "500000000013", "place of first application": "500103"}
    world.order = Order.of({**FIELDS, **more, "photo": PHOTO})
    assert world.issue().ending is Ending.COMPLETED
    reader = world.reader()
    for path, tag, text in (
        ("DF01/EF05", "20", "51"),
        ("DF01/EF05", "21", "重庆市渝中区样例路1号"),
        ("DF01/EF06", "23", "重庆市渝中区样例路2号"),
        ("DF01/EF06", "24", "500103"),
        ("DF01/EF06", "28", "023-00000000"),
        ("SSSE/EF0D", "EA", "500000000013"),
        ("SSSE/EF0D", "EB", "500103"),
    ):
        assert reader.text(path, tag) == text, path
    assert reader.text("DF01/EF06", "2C") == ""
    assert reader.read_binary("SSSE/EF08") == PHOTO.ljust(0x1000, b"\0")


def test_a_photo_that_reads_back_otherwise_is_written_again():
    world = World(load("ssc3-sm4"))
    world.order, turned = order(photo=PHOTO), []

    def turn(told):
        if told.step is Step.PERSONALISE and told.done and not turned:
            turned.append(next(name for name in world.card.memory.cells if name.endswith("DDF1/EF08")))
            photo = world.card.memory.cells[turned[0]]
            world.card.memory.cells[turned[0]] = photo[:3000] + bytes([photo[3000] ^ 4]) + photo[3001:]

    outcome = world.station(turn).issue(world.order, world.target, NEW)
    assert outcome.ending is Ending.INTERRUPTED
    assert "EF08" in outcome.en
    outcome = world.resume()
    assert outcome.ending is Ending.COMPLETED
    assert world.reader().read_binary("SSSE/EF08").startswith(PHOTO)


@pytest.mark.parametrize(
    ("product", "change", "sentence"),
    [
        ("ssc2-3des", {"photo": PHOTO}, "carries no photo"),
        ("ssc3-sm4", {"photo": PHOTO[:2] + b"\xff\xfe\x02\x02" + bytes(512) + PHOTO[2:]}, "the card takes 4096"),
        ("ssc2-3des", {"place_of_first_application": "500103"}, "has no place of first application"),
    ],
)
def test_what_the_card_has_no_place_for_is_refused_before_the_chip_is_touched(product, change, sentence):
    world = World(load(product))
    world.order, fresh = order(**change), world.card.snapshot()
    outcome = world.issue()
    assert outcome.ending is Ending.REFUSED
    assert sentence in outcome.en
    assert world.card.snapshot() == fresh
    assert world.journal.request(world.order.number) is None


def test_fields_of_the_tests_are_those_of_an_order():
    assert set(order().values) == {"05", "06", "07", "08", "09", "0A", "0B", "0C", "0D"}
    assert "name extension" not in FIELDS


@pytest.mark.parametrize("asked", ["insure", "register"])
def test_a_centre_that_is_asked_twice_costs_no_chip(monkeypatch, asked):
    """The second answer, which the station gets, says that the person, or the card, is there already."""
    world = World(load("ssc3-sm4"))
    once = getattr(world.centre, asked)

    def twice(*given):
        once(*given)
        return once(*given)

    monkeypatch.setattr(world.centre, asked, twice)
    outcome = world.issue()
    assert outcome.ending is Ending.COMPLETED, outcome
    world.settled(outcome)
