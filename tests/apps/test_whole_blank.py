"""A blank chip with a waiting debit application and a certificate application: what pre-issue commands may do to them."""

import pytest

from conformance.actors.bank.personaliser import MasterKey, PersonalisationError, Personaliser
from conformance.actors.certificates import commands
from conformance.actors.key_service import KeyService
from conformance.actors.medical.reader import CardGone, CardRefused
from conformance.actors.station.chip import Chip, Phase
from conformance.actors.station.link import ChipLink
from conformance.targets.in_process import InProcessTarget, cut_supply_at
from emulator import load_card
from profiles import load
from tests.personalisation.bench import data_of

CHIPS = pytest.mark.parametrize("product", ["ssc3-blank", "ssc2-blank"])
CARD = {"ssc3-blank": "ssc3-sm4", "ssc2-blank": "ssc2-3des"}
ENVIRONMENT = bytes.fromhex("7378312E73682EC9E7BBE1B1A3D5CF")
DDF = bytes(5) + b"\xdd\xf1\xd1" + bytes(8) + ENVIRONMENT
FILE = bytes.fromhex("000000 0010 EF1D C4 00 1D 44 00 0000 0000")
DEBIT = "A000000333010101"
SELECT = f"00A4040008{DEBIT}00"
MAKERS = {"ssc3-blank": {"MF", "DEBIT", "PKI", "CERT", "PPSE"}, "ssc2-blank": {"MF", "DEBIT"}}


class Bench:
    """A chip of the product, and its maker's keys."""

    def __init__(self, product):
        self.product = load(product)
        self.target = InProcessTarget(load_card(product))
        self.chip = Chip(ChipLink(self.target))
        self.keys = KeyService(self.product, self.chip.reset())

    def open(self):
        self.chip.reset()
        assert self.chip.show_transport_code(self.keys) is Phase.OPEN

    def send(self, command):
        return self.target.transmit(bytes.fromhex(command)).hex().upper()

    def personalise(self):
        name, key = MasterKey.of_profile(self.product)
        return Personaliser(self.target, key).run(name, data_of(CARD[self.product.name]))

    @property
    def directories(self):
        return {directory.name for directory in self.target.card.structure.directories}

    def issued(self):
        """Whether the debit application answers GET PROCESSING OPTIONS, and no personalisation command."""
        self.chip.reset()
        assert self.send(SELECT)[-4:] == "9000"
        known = self.send("8050000008A1A2A3A4A5A6A7A800")[-4:] == "9000"
        self.send(SELECT)
        options = self.send("80CA9F3600")[-4:]
        assert (options == "9000") is not known
        return not known


@CHIPS
def test_delete_leaves_what_the_maker_put_there(product):
    bench = Bench(product)
    before = bench.target.card.snapshot()
    bench.open()
    bench.chip.create(FILE, "a file")
    bench.chip.create(DDF, "SSSE")
    assert bench.chip.knows(ENVIRONMENT)
    bench.chip.select(b"\x3f\x00")
    bench.chip.delete_all()
    assert not bench.chip.knows(ENVIRONMENT)
    assert bench.directories == MAKERS[product]
    after = bench.target.card.memory.cells
    assert {name: value for name, value in after.items() if name in before} == before
    bench.chip.select(b"\x3f\x00")
    assert bench.send("00B2010C00").startswith("701B")


@CHIPS
def test_the_makers_files_are_not_deleted_one_by_one(product):
    bench = Bench(product)
    bench.open()
    bench.chip.select(b"\x3f\x00")
    bench.chip.select(b"\xef\x01")
    assert bench.send("80E10001") == "6985"
    assert bench.send("00B2010C00").startswith("701B")


@CHIPS
def test_nothing_is_built_in_what_the_maker_put_there(product):
    bench = Bench(product)
    for name in (DEBIT, "504B492EC9E7BBE1B1A3D5CF", "325041592E5359532E4444463031"):
        bench.open()
        if bench.send(f"00A40400{len(name) // 2:02X}{name}00")[-4:] != "9000":
            continue
        for command in ("80E00100" + "10" + FILE.hex(), "80E10002", "80E10003", "80D4000020" + "00" * 32):
            assert bench.send(command) in ("6D00", "6E00", "6985"), (name, command)
    assert bench.directories == MAKERS[product]


@CHIPS
@pytest.mark.parametrize("first", ["END", "bank"])
def test_bank_and_station_come_in_either_order(product, first):
    bench = Bench(product)

    def end():
        bench.open()
        bench.chip.select(b"\x3f\x00")
        bench.chip.end("the master file")

    for step in (end, bench.personalise) if first == "END" else (bench.personalise, end):
        assert bench.issued() is (step is end and first == "bank")
        step()
    assert bench.issued()
    assert bench.chip.show_transport_code(bench.keys) is Phase.CLOSED
    with pytest.raises(PersonalisationError, match="issued already"):
        bench.personalise()
    bench.send(SELECT)
    for command in ("80E2800003000100", "84E28000080000000000000000", "8482010010" + "00" * 16):
        assert bench.send(command)[-4:] in ("6D00", "6E00")


@CHIPS
def test_end_waits_for_what_the_station_began(product):
    bench = Bench(product)
    bench.open()
    bench.chip.create(DDF, "SSSE")
    bench.chip.select(b"\x3f\x00")
    with pytest.raises(CardRefused) as refused:
        bench.chip.end("the master file")
    assert refused.value.sw == 0x6985
    bench.open()
    bench.chip.delete_all()
    bench.chip.end("the master file")
    assert not bench.issued()


@CHIPS
def test_delete_after_the_bank_leaves_the_issued_application(product):
    bench = Bench(product)
    bench.personalise()
    bench.open()
    bench.chip.delete_all()
    assert bench.issued()


@CHIPS
@pytest.mark.parametrize("begun", [False, True])
def test_power_loss_at_every_write_of_delete_and_end(product, begun):
    """With the waiting application, and with the issued one: it is as it was."""
    bench = Bench(product)
    if begun:
        bench.personalise()
    bench.open()
    bench.chip.create(DDF, "SSSE")
    before = bench.target.card.snapshot()
    write, whole = 0, False
    while not whole:
        write += 1
        bench.target.card.restore(before)
        with cut_supply_at(bench.target.card, write) as cut:
            try:
                bench.open()
                bench.chip.delete_all()
                bench.chip.end("the master file")
            except CardGone:
                assert cut.happened
        whole = not cut.happened
        assert bench.issued() is begun
        assert MAKERS[product] <= bench.directories
    assert write > 3


def test_the_certificate_application_waits_with_its_initial_secrets():
    bench = Bench("ssc3-blank")
    bench.chip.reset()
    send = bench.target.transmit

    def challenge():
        return send(commands.get_challenge())[:-2]

    assert send(commands.select(commands.ENVIRONMENT_NAME))[-2:] == b"\x90\x00"
    assert send(commands.verify(commands.ADMINISTRATOR_PIN, "12345678", challenge())) == b"\x90\x00"
    assert send(commands.authenticate("盛数学社会保障卡".encode("gbk"), challenge()))[:1] == b"\x63"
    initial = bytes.fromhex("D1F9C0FDCAD0C9E7BBE1B1A3D5CFBFA8")
    assert send(commands.authenticate(initial, challenge())) == b"\x90\x00"
    assert send(commands.select(commands.APPLICATION_NAME))[-2:] == b"\x90\x00"
    assert send(commands.verify(commands.USER_PIN, "123456", challenge())) == b"\x90\x00"
    assert send(commands.authenticate(initial, challenge())) == b"\x90\x00"
