"""Power lost at every write: balance, deduction, frozen amounts, records, log and proof are all old or all new."""

import contextlib

import pytest

from emulator.apps.load import load_card
from emulator.cos.memory import PowerLoss
from emulator.crypto.payment import CRYPTOGRAM_SIZE

from .sector import (
    BUS,
    COMPLETION,
    METRO,
    PARKING,
    PRE,
    SEGMENTED,
    TRIPS,
    build_record,
    on_contacts,
    sector,
)
from .terminal import SELECT
from .test_tearing import cut_at

COUNTER = "data:DEBIT:9F36"


def state(card):
    """Everything durable but the counter, and the proof without its cryptogram, which the counter changes."""
    cells = {name: value for name, value in card.card.snapshot().items() if name != COUNTER}
    cells["proof:DEBIT"] = bool(cells["proof:DEBIT"])
    cells["file:DEBIT/LOG"] = len(cells["file:DEBIT/LOG"])
    return cells


def segmented(card):
    card.poke("9F79", "000000000500")
    return lambda: transact(card, SEGMENTED, 800, METRO, BUS, TRIPS)


def pre_authorised(card):
    return lambda: transact(card, PRE, 6000, PARKING)


def completed(card):
    card.authorise(6000)
    return lambda: transact(card, COMPLETION, 3500, PARKING, TRIPS)


def transact(card, indicator, amount, *files) -> str:
    card.capp(files[0])
    tap = card.begin(indicator, amount)
    assert tap.kind == "TC"
    for file in files:
        assert card.update(card.changed("07", file), file) == "9000"
    return card.last(tap)


@pytest.mark.parametrize("product", ["debit", "debit-sm"])
@pytest.mark.parametrize("prepare", [segmented, pre_authorised, completed])
def test_loss_of_power_at_every_write(product, prepare):
    """Rows PAY-CAP-009 and 011."""
    card = sector(product)
    run = prepare(card)
    start = card.card.snapshot()
    before = state(card)
    assert run() == "9000"
    after = state(card)
    assert before != after
    outcomes, writes = [], 0
    while True:
        writes += 1
        card.contacts.card.restore(start)
        card.card.reset()
        card.select()
        done = []
        cut_at(card, writes)
        with contextlib.suppress(PowerLoss):
            done.append(run())
        card.card.memory.write_hook = None
        card.leave()
        now = state(card)
        assert now in (before, after)
        outcomes.append(now == after)
        assert now == after or "9000" not in done
        if done:
            break
    assert outcomes == sorted(outcomes)
    assert outcomes[0] is False
    assert writes > 8


@pytest.mark.parametrize("prepare", [segmented, pre_authorised, completed])
def test_removal_before_the_last_record(prepare):
    """Row PAY-CAP-011, with every other record read."""
    card = sector()
    prepare(card)
    before = state(card)
    indicator = {segmented: SEGMENTED, pre_authorised: PRE, completed: COMPLETION}[prepare]
    card.capp(PARKING)
    tap = card.begin(indicator, 800)
    assert card.update(card.changed("07", PARKING), PARKING) == "9000"
    card.read(tap, but_last=True)
    assert state(card) == before
    card.leave()
    assert state(card) == before
    sfi, number = tap.places[-1]
    assert card.send(f"00B2{number:02X}{sfi << 3 | 4:02X}00").endswith("9000")
    assert state(card) == before


def test_loss_of_power_while_a_record_is_opened():
    card = sector()
    start = card.card.snapshot()
    record = build_record("0A0B", data="AA" * 5)
    card.append(record)
    after = card.card.snapshot()
    for writes in range(1, 99):
        card.contacts.card.restore(start)
        card.card.reset()
        card.select()
        cut_at(card, writes)
        answer = ""
        with contextlib.suppress(PowerLoss):
            answer = card.append(record)
        card.card.memory.write_hook = None
        assert card.card.snapshot() in (start, after)
        if answer:
            assert card.card.snapshot() == after
            break
    assert 4 < writes < 9


def test_loss_of_power_while_a_load_pays_the_deduction():
    card = sector()
    card.poke("9F79", "000000000000")
    card.poke("DF63", "000000000300")
    contacts = on_contacts(card)
    memory = contacts.card.memory
    start = memory.snapshot()
    names = ("data:DEBIT:9F79", "data:DEBIT:DF63")
    seen = set()
    for writes in range(1, 99):
        contacts.card.restore(start)
        contacts.select()
        contacts.online()
        cut_at(contacts, writes)
        answer = ""
        with contextlib.suppress(PowerLoss):
            answer = contacts.script("04DA9F79", "000000000500")
        memory.write_hook = None
        seen.add(tuple(memory.cells[name].hex() for name in names))
        if answer:
            break
    assert seen == {("000000000000", "000000000300"), ("000000000200", "000000000000")}


def test_an_image_keeps_it_all(tmp_path):
    made = sector()
    stored = load_card(made.profile, tmp_path / "transit.card")
    made.contacts.card = stored
    made.card = stored.contactless()
    made.card.reset()
    made.select()
    made.poke("9F13", "0001")
    assert made.charge(300).kind == made.authorise(1000).kind == "TC"
    proof, cells = made.prove(), made.card.snapshot()
    made.card.power_off()
    stored.memory.close()
    again = load_card("debit", tmp_path / "transit.card")
    assert again.snapshot() == cells
    antenna = again.contactless()
    antenna.reset()
    antenna.transmit(bytes.fromhex(SELECT))
    assert antenna.transmit(bytes.fromhex("805A000002000208")).hex() == "00" * CRYPTOGRAM_SIZE + "9000" == proof
    again.memory.close()


def test_a_snapshot_undoes_everything():
    card = sector()
    before = card.card.snapshot()
    card.charge(300)
    card.authorise(100)
    card.contacts.card.restore(before)
    card.card.reset()
    card.select()
    assert card.card.snapshot() == before
    assert card.prove() == "9406"
