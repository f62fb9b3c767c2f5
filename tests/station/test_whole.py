"""A whole card from one blank chip: social security, certificates, and the bank's application."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from conformance.actors.bank import HostUnreachable, Settlement, TransactionKind
from conformance.actors.bank.personaliser import MasterKey, PersonalisationError, Personaliser
from conformance.actors.certificates.authority import CertificationAuthority
from conformance.actors.certificates.card import CertificateCard
from conformance.actors.certificates.commands import ENCRYPTION_CERTIFICATE, SIGNATURE_CERTIFICATE
from conformance.actors.medical.line import Line
from conformance.actors.medical.terminal import HospitalTerminal
from conformance.actors.medical.visit import OfflineLimits, Visit
from conformance.actors.station import Ending, Step
from conformance.actors.station.run import MOST_RUNS
from conformance.actors.terminal import PreparedHolder, Purchase, QuickTerminal, Reason
from conformance.actors.terminal.decision import Kind as TerminalKind
from conformance.targets.base import Interface
from emulator import load_card
from emulator.apps.build import build, card_key
from emulator.cos.structure import Structure
from emulator.crypto.sm2 import verify
from profiles import load
from tests.station.whole import BANK_PIN, BLANKS, PAN, Prepared, WholeWorld, two_files
from tests.station.world import FIELDS, NEW, World

PRODUCTS = tuple(BLANKS)


@pytest.fixture(params=PRODUCTS)
def issued(request):
    world = WholeWorld(load(request.param))
    world.outcome = world.issue()
    assert world.outcome.ending is Ending.COMPLETED, world.outcome
    world.settled(world.outcome)
    return world


@pytest.mark.requirement("SSC-ISS-003")
@pytest.mark.requirement("SSC-ISS-004")
def test_one_card_does_all(issued):
    """Identity check, medical settlement, a purchase on line and one by e-cash; all with the card of one issuance."""
    reader = issued.reader()
    for tag in ("05", "06", "07"):
        assert reader.text("SSSE/EF05", tag) == issued.order.values[tag]
    for tag in ("08", "09", "0A", "0B", "0D"):
        assert reader.text("SSSE/EF06", tag) == issued.order.values[tag]
    terminal = HospitalTerminal(reader, Line(issued.centre), limits=OfflineLimits())
    assert terminal.settle(Visit("S1", 20000, None, when=datetime(2026, 3, 1, 10, 0))).outcome.good
    issued.pay_in()
    assert issued.pay(1234).reason is Reason.APPROVED_ONLINE
    assert issued.bank.account(PAN, "01").balance == 100_000 - 1234
    if issued.certificates is not None:
        card = CertificateCard(issued.target)
        card.select()
        card.verify_user_pin("123456")
        for identifier in (SIGNATURE_CERTIFICATE, ENCRYPTION_CERTIFICATE):
            certificate = card.read_certificate(identifier)
            assert issued.certificates.trusts(certificate)
            assert certificate.subject == FIELDS["name"]
            assert certificate.not_before == datetime(2026, 1, 5, tzinfo=UTC)
            assert certificate.not_after == datetime(2036, 1, 5, tzinfo=UTC)
        certificate = card.read_certificate(SIGNATURE_CERTIFICATE)
        assert verify(certificate.public_key, b"hello", card.sign(b"hello"))


def without_maker(directory):
    """A directory without the marks of what the chip's maker put there, its answer in the field spelt out."""
    files = tuple(replace(file, maker_made=False) for file in directory.files)
    tapped = directory.contactless_answer or directory.answer
    return replace(directory, files=files, maker_made=False, contactless_answer=tapped)


def test_the_other_applications_are_those_of_the_product(issued):
    """Environments and certificates as the emulator builds them at once; of the bank's application names, rights and keys."""
    built = {d.name: without_maker(d) for d in Structure.from_json(build(issued.product)["structure"]).directories}
    made = {d.name: without_maker(d) for d in issued.card.structure.directories}
    for name in {"PPSE", "PKI", "CERT"} & built.keys():
        assert made[name] == built[name]
    for name in ("MF", "DEBIT"):
        one, other = made[name], built[name]
        plain = {"files": (), "keys": (), "pins": ()}
        assert replace(one, **plain) == replace(other, **plain)
        assert sorted((f.fid, f.sfi, f.structure, f.record_length) for f in one.files if f.sfi) == sorted(
            (f.fid, f.sfi, f.structure, f.record_length) for f in other.files if f.sfi
        )
    assert {key.use for key in made["DEBIT"].keys} == {key.use for key in built["DEBIT"].keys} - {"extended management"}


THROUGH_THE_ANTENNA = (
    "00A404000E325041592E5359532E444446303100",  # PPSE
    "00A404000E315041592E5359532E444446303100",  # PSE
    "00A4040008A00000033301010100",  # debit application
    "00A404000F7378312E73682EC9E7BBE1B1A3D5CF00",  # social security environment
    "00A4000002EF0600",
    "00B2080000",  # the holder's record, without a right
    "00A4000002EF0500",
    "00B2030000",  # the version, which anybody may read
    "00A4000002DF0300",
)


def test_the_antenna_answers_as_that_of_the_product(issued):
    """A second-generation card has none; of a third-generation one anything can be asked that the product's rules allow."""
    built = load_card(issued.product)
    sides = [card.contactless() if card.structure.contactless else None for card in (issued.card, built)]
    if issued.product.name == "ssc2-3des":
        assert sides == [None, None]
        return
    issued.card.power_off()
    serial, other = (profile.chip.historical[-4:] for profile in (issued.blank, issued.product))
    assert sides[0].reset()[:-5] == sides[1].reset()[:-5]
    assert sides[0].reset()[-5:-1] == serial != other
    for command in THROUGH_THE_ANTENNA:
        answers = [side.transmit(bytes.fromhex(command)).hex().upper() for side in sides]
        assert answers[0] == answers[1], command
        assert answers[0][-4:] in ("9000", "6982"), command


def test_an_issued_card_pays_without_contact(issued):
    """E-cash off line within the balance, the bank beyond it; both are booked."""
    if issued.product.name == "ssc2-3des":
        assert issued.target.interfaces == (Interface.CONTACT,)
        return
    issued.pay_in()
    assert issued.pay(5_000, kind=TransactionKind.LOAD).reason is Reason.APPROVED_ONLINE
    issued.target.switch(Interface.CONTACTLESS)
    terminal = QuickTerminal(issued.target, host=issued.bank, holder=PreparedHolder((), online_pin=BANK_PIN))
    tapped = terminal.run(Purchase(1_200, number=2))
    assert (tapped.reason, tapped.e_cash, tapped.balance) == (Reason.APPROVED_OFFLINE, True, 3_800)
    assert issued.bank.clear(tapped.clearing) is Settlement.SETTLED
    before = issued.bank.account(PAN, "01").balance
    issued.target.reset()
    beyond = terminal.run(Purchase(3_801, number=3))
    assert (beyond.reason, beyond.cryptogram.kind) == (Reason.APPROVED_ONLINE, TerminalKind.ARQC)
    assert issued.bank.account(PAN, "01").balance == before - 3_801


@pytest.mark.requirement("SSC-ISS-006")
def test_the_data_return_has_the_bank_number_masked(issued):
    returned, reader = issued.outcome.returned, issued.reader()
    assert returned.bank_number == f"{PAN[:6]}{'*' * 9}{PAN[-4:]} 01"
    assert returned.card == reader.identification.hex().upper()
    assert returned.atr == issued.card.reset().hex().upper()
    assert returned.version == issued.product.specification


@pytest.mark.requirement("SSC-ISS-012")
def test_no_secret_of_the_maker_is_left(issued):
    production = {
        value
        for cell, value in build(issued.blank).items()
        if cell.startswith("key:") or (cell.startswith("personalisation:") and isinstance(value, bytes))
    }
    assert production.isdisjoint(issued.card.memory.cells.values())
    assert issued.card.memory.cells["personalisation:DEBIT"] == ()
    if issued.certificates is not None:
        chip = issued.product.chip.model_copy(update={"historical": issued.blank.chip.historical})
        meant = issued.product.model_copy(update={"chip": chip})
        for place, name in (("PKI", "MKPKI"), ("CERT", "MKCERT")):
            assert issued.card.memory.cells[f"key:{place}/{name}:1"] == card_key(meant, place, name, 1)


@pytest.mark.requirement("SSC-LIFE-011")
def test_the_bank_half_takes_no_data_after_issue(issued):
    before = issued.card.snapshot()
    name, key = MasterKey.of_profile(issued.blank)
    with pytest.raises(PersonalisationError, match="issued already"):
        Personaliser(issued.target, key).run(name, two_files(issued.product.name)[0])
    assert issued.card.snapshot() == before


def test_the_journal_tells_nothing_of_the_bank_half(issued):
    text = "\n".join(issued.journal._base.iterdump())
    for secret in (PAN, BANK_PIN, issued.order.person, issued.order.name, "26010574", "12345678"):
        assert secret not in text
    steps = [step for step, phase in issued.journal.entries(issued.order.number) if phase == "after"]
    assert "FINANCIAL" in steps
    assert ("CERTIFICATES" in steps) is (issued.certificates is not None)


def test_a_station_without_a_bank_makes_the_social_security_half_alone():
    world = WholeWorld(load("ssc3-sm4"))
    world.desk = world.certificates = None
    outcome = world.issue()
    World.settled(world, outcome)
    assert outcome.returned.bank_number == ""
    assert {told.step for told in outcome.steps}.isdisjoint({Step.FINANCIAL, Step.CERTIFICATES})
    world.select_debit()
    assert world.send("8050000008A1A2A3A4A5A6A7A800")[-4:] == "9000"


def test_the_bank_may_have_been_there_first_but_not_for_a_blank_chip():
    """Pre-made stock is no blank chip: its bank's application is somebody's already."""
    world = WholeWorld(load("ssc3-sm4"))
    name, key = MasterKey.of_profile(world.blank)
    Personaliser(world.target, key).run(name, two_files(world.product.name)[0])
    before = world.card.snapshot()
    outcome = world.issue()
    assert outcome.ending is Ending.REFUSED
    assert "personalised already" in outcome.en
    assert world.card.snapshot() == before


class OtherCard(Prepared):
    """A bank that gives the data of another card in the end."""

    def __init__(self, bank, product, change):
        super().__init__(bank, product)
        given = self._files
        self._files = iter([next(given), *(change(next(given)) for _ in range(8))])


def turned(identifier, at):
    """One bit of a byte of a grouping turns."""

    def turn(data):
        groupings = []
        for each in data.groupings:
            value = bytearray(each.value)
            value[at if each.identifier == identifier else 0] ^= each.identifier == identifier
            groupings.append(replace(each, value=bytes(value)))
        return replace(data, groupings=tuple(groupings))

    return turn


@pytest.mark.requirement("SSC-ISS-003")
@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize(
    ("identifier", "at", "sentence"),
    [("0101", -2, "record 0101"), ("0301", -3, "record 0301"), ("0501", -1, "record 0501"), ("9102", -1, "SELECT"),
     ("9104", -1, "PROCESSING"), ("0D02", 8, "9F79")],
)  # fmt: skip
def test_what_the_bank_did_not_mean_is_not_handed_out(product, identifier, at, sentence):
    """The chip holds something else than the bank says: the card is never finished."""
    world = WholeWorld(load(product))
    world.desk = OtherCard(world.bank, world.product, turned(identifier, at))
    outcome = world.issue()
    assert outcome.ending is Ending.INTERRUPTED
    assert sentence in outcome.en
    assert PAN not in outcome.en
    for _ in range(3):
        outcome = world.resume()
    assert outcome.ending is Ending.DESTROYED
    assert world.active() == []


def test_a_bank_application_that_another_authority_certified_is_not_handed_out():
    from conformance.actors.bank.authority import Authority

    world = WholeWorld(load("ssc3-sm4"))
    world.desk, world.authority = Prepared(world.bank, world.product), Authority.generate(0xC8, 0xC9)
    outcome = world.issue()
    assert outcome.ending is Ending.INTERRUPTED
    assert "no CA key" in outcome.en


def test_another_chip_gets_no_data_of_this_card():
    """KEYDATA of another serial number: the device stops before anything secret is sent."""
    world = WholeWorld(load("ssc3-sm4"))
    data = world.card.memory.cells["personalisation:DEBIT"]
    world.card.memory.cells["personalisation:DEBIT"] = (data[0][:-1] + b"\x77", *data[1:])
    outcome = world.issue()
    assert outcome.ending is Ending.REFUSED
    assert "KEYDATA" in outcome.en


def test_an_authority_that_refuses_leaves_no_card():
    class Refusing(CertificationAuthority):
        def answer(self, request, not_before, not_after):
            raise ValueError("no such person")

    world = WholeWorld(load("ssc3-sm4"))
    world.certificates = Refusing.published()
    outcome = world.issue()
    assert outcome.ending is Ending.INTERRUPTED
    assert "the authority refuses" in outcome.en
    world.certificates = CertificationAuthority.published()
    outcome = world.resume()
    world.settled(outcome)


def test_an_authority_that_does_not_answer_never_costs_the_chip():
    """The runs that were in vain for want of the authority are more than a chip has; none of them was the chip's fault."""

    class Silent(CertificationAuthority):
        def answer(self, request, not_before, not_after):
            raise HostUnreachable("nobody listens")

    world = WholeWorld(load("ssc3-sm4"))
    world.certificates = Silent.published()
    outcome = world.issue()
    for _ in range(MOST_RUNS + 1):
        assert (outcome.ending, outcome.zh) == (Ending.INTERRUPTED, "主机不可达")
        outcome = world.resume()
    world.certificates = CertificationAuthority.published()
    outcome = world.resume()
    assert outcome.ending is Ending.COMPLETED
    world.settled(outcome)


def test_a_bank_that_gives_no_data_ends_the_chip():
    world = WholeWorld(load("ssc3-sm4"))

    def undo(told):
        if told.step is Step.ORDER and told.done:
            world.bank.cards.undo("U", world.order.number)

    outcome = world.station(undo).issue(world.order, world.target, NEW, bank_pin=BANK_PIN)
    assert outcome.ending is Ending.DESTROYED
    assert "the bank gives no data" in outcome.en
    world.settled(outcome)


def test_certificates_that_read_back_otherwise_are_written_again():
    world, turned_cells = WholeWorld(load("ssc3-sm4")), []

    def turn(told):
        if told.step is Step.FINANCIAL and told.done and not turned_cells:
            cell = "file:CERT/SIGNCERT"
            turned_cells.append(cell)
            content = world.card.memory.cells[cell]
            world.card.memory.cells[cell] = content[:300] + bytes([content[300] ^ 1]) + content[301:]

    outcome = world.station(turn).issue(world.order, world.target, NEW, bank_pin=BANK_PIN)
    assert outcome.ending is Ending.INTERRUPTED
    outcome = world.resume()
    assert outcome.ending is Ending.COMPLETED, outcome
    world.settled(outcome)


@pytest.mark.requirement("SSC-ISS-001")
def test_two_chips_of_one_maker_differ():
    cards = []
    for serial in (b"\x00\x00\x01\x00", b"\x00\x00\x01\x01"):
        world = WholeWorld(load("ssc3-sm4"))
        chip = world.blank.chip.model_copy(update={"historical": world.blank.chip.historical[:-4] + serial})
        world.blank = world.blank.model_copy(update={"chip": chip})
        from conformance.targets.in_process import InProcessTarget
        from emulator import load_card

        world.card = load_card(world.blank)
        world.target = InProcessTarget(world.card)
        outcome = world.issue()
        world.settled(outcome)
        cards.append((outcome.returned.card, outcome.returned.atr))
    assert cards[0][0] != cards[1][0]
    assert cards[0][1] != cards[1][1]
