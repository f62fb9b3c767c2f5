"""The debit is final with the last record: rows TEA of the requirements, and loss of power at every write."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.apps.payment.application import Counter
from emulator.cos.memory import PowerLoss

from .antenna import BALANCE, LOW, LOW_AND_TOTAL, LOW_OR_TOTAL, TC, antenna

HKD, USD = "0344", "0840"
CELLS = ("data:DEBIT:9F79", "data:DEBIT:DF79", "file:DEBIT/LOG")
COUNTERS = (Counter.CUMULATIVE_AMOUNT, Counter.FOREIGN_CURRENCY, Counter.DEBIT_OPEN)
LIMITS = {"9F5C": "000000900000", "9F53": "09"}
WAYS = [(LOW, "0156"), (LOW, HKD), (LOW_AND_TOTAL, "0156"), (LOW_OR_TOTAL, "0156"), ("8510D000", USD)]


def account(card):
    """Everything that a debit changes."""
    cells = card.card.memory.cells
    return [*(cells[name] for name in CELLS), *(card.peek(counter) for counter in COUNTERS)]


@pytest.fixture(params=WAYS)
def way(request):
    """A card and a currency for every kind of offline approval."""
    value, currency = request.param
    return antenna(data={"9F68": value, **LIMITS}), currency


def test_removal_before_the_last_record(way):
    """Rows PAY-TEA-001, 002 and 007."""
    card, currency = way
    before = account(card)
    tap = card.tap(300, currency=currency)
    assert tap.kind == TC
    card.read(tap, but_last=True)
    assert card.peek(Counter.DEBIT_OPEN) == 1
    card.leave()
    assert card.data("9F36") == "0001"
    assert account(card) == before


def test_after_the_last_record(way):
    """Row PAY-TEA-003."""
    card, currency = way
    before = account(card)
    card.pay(300, currency=currency)
    after = account(card)
    assert after[:-1] != before[:-1]
    assert after[-1] == 0
    card.leave()
    assert card.data("9F36") == "0001"
    assert account(card) == after


def test_the_last_record_alone_is_enough():
    card = antenna()
    tap = card.tap(300)
    card.record(tap.places[-1])
    card.leave()
    assert card.data("9F79") == f"{BALANCE - 300:012d}"


def test_the_last_record_counts_once():
    card = antenna()
    tap = card.tap(300)
    for _ in range(3):
        card.record(tap.places[-1])
    assert (card.logged(), card.data("9F79")) == (1, f"{BALANCE - 300:012d}")


@pytest.mark.parametrize(("value", "logged"), [("8110D000", 1), ("8100D000", 0)])
def test_log(value, logged):
    """Rows PAY-TEA-004 and 005."""
    card = antenna(data={"9F68": value})
    tap = card.tap(300)
    card.read(tap, but_last=True)
    assert card.logged() == 0
    card.record(tap.places[-1])
    assert card.logged() == logged
    if logged:
        record = card.send("00B2015C00")
        assert record.startswith("261123" + "143000" + "000000000300" + "000000000000" + "0156" + "0156")
        assert record.endswith("00" + "0001" + "9000")


@pytest.mark.parametrize("next_use", ["contact", "select", "options", "refused options"])
def test_what_undoes_it(next_use):
    """Row PAY-TEA-006, and every other way to go on."""
    card = antenna()
    tap = card.tap(300)
    if next_use == "contact":
        card.card.power_off()
        card.contacts.power_off()
        assert card.contacts.data("9F79") == f"{BALANCE:012d}"
        return
    if next_use == "select":
        card.select()
    else:
        assert card.tap(BALANCE + 1, ttq="27000080" if next_use == "options" else "00000000").kind != TC
    assert card.data("9F79") == f"{BALANCE:012d}"
    card.record(tap.places[-1])
    assert (card.data("9F79"), card.logged()) == (f"{BALANCE:012d}", 0)


@pytest.mark.parametrize("how", ["the other interface", "a snapshot"])
def test_a_record_read_after_the_undoing_counts_nothing(how):
    card = antenna()
    fresh = card.card.snapshot()
    tap = card.tap(300)
    if how == "a snapshot":
        card.contacts.card.restore(fresh)
        card.select()
    else:
        card.contacts.select()
        assert card.contacts.data("9F79") == f"{BALANCE:012d}"
    card.record(tap.places[-1])
    assert (card.data("9F79"), card.logged()) == (f"{BALANCE:012d}", 0)


def test_undone_only_at_the_next_start():
    card = antenna(payment={"settings": {"torn_debit_undone": "next start"}})
    tap = card.tap(300)
    card.leave()
    assert card.data("9F79") == f"{BALANCE - 300:012d}"
    card.record(tap.places[-1])
    assert card.tap(ttq="00000000").kind == "6985"
    assert card.data("9F79") == f"{BALANCE:012d}"


def test_contacts_may_start_after_a_removal():
    card = antenna(payment={"settings": {"torn_debit_undone": "next start"}})
    card.tap(300)
    card.card.power_off()
    contacts = card.contacts
    contacts.power_off()
    assert "28010100" in contacts.start(BALANCE, e_cash=True)
    assert contacts.first(0x40, amount=BALANCE).kind == 0x40
    assert contacts.data("9F79") == "000000000000"
    card.card.power_off()
    contacts.power_off()
    assert contacts.data("9F79") == "000000000000"


def test_a_hundred_removals():
    """Row PAY-TEA-008."""
    card = antenna()
    for number in range(100):
        card.read(card.tap(300 + number), but_last=True)
        card.leave()
    assert (card.data("9F79"), card.data("9F36"), card.logged()) == (f"{BALANCE:012d}", "0064", 0)


def cut_at(card, write: int) -> None:
    left = [write]

    def hook():
        left[0] -= 1
        if not left[0]:
            raise PowerLoss

    card.card.memory.write_hook = hook


def whole(card, currency, done):
    """A tap that tells how far it came; the undoing of an earlier one comes first."""
    tap = card.tap(300, currency=currency)
    done.append(tap.kind)
    card.read(tap)
    done.append("paid")


@pytest.mark.parametrize(("value", "currency"), WAYS)
@pytest.mark.parametrize("after", ["nothing", "a removal"])
def test_loss_of_power_at_every_write(value, currency, after):
    """Whatever write is the last: the money is all there or spent once and logged; who saw the last record has paid."""
    card = antenna(data={"9F68": value, **LIMITS})
    before = account(card)
    before.pop(2)
    spent = antenna(data={"9F68": value, **LIMITS})
    spent.pay(300, currency=currency)
    after_payment = account(spent)
    after_payment.pop(2)
    if after == "a removal":
        card.tap(200, currency=currency)
        card.leave()
    start = card.card.snapshot()
    outcomes, writes = [], 0
    while True:
        writes += 1
        card.card.restore(start)
        card.card.reset()
        card.select()
        done: list[str] = []
        cut_at(card, writes)
        with contextlib.suppress(PowerLoss):
            whole(card, currency, done)
        card.card.memory.write_hook = None
        card.leave()
        assert card.data("9F36") in ("0000", "0001", "0002")
        left = account(card)
        log = left.pop(2)
        paid = left != before
        assert len(log) == paid
        assert left == (after_payment if paid else before)
        assert paid or "paid" not in done
        outcomes.append(paid)
        if "paid" in done:
            break
    assert outcomes == sorted(outcomes)
    assert outcomes[0] is False
    assert writes > 8


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 6000), st.sampled_from(["0156", HKD, USD]), st.integers(1, 25), st.booleans()),
        max_size=8,
    )
)
def test_no_money_is_lost_or_made(taps):
    """Any taps, cut anywhere: each balance falls by exactly what was paid, and the log has a record for each."""
    card = antenna(data={"9F6B": None, "9F78": None, "DF78": None, "DF72": None})
    paid = {"0156": 0, HKD: 0, USD: 0}
    logged = 0
    for amount, currency, write, complete in taps:
        before = card.data("9F79"), card.card.memory.cells["data:DEBIT:DF79"].hex()
        cut_at(card, write)
        with contextlib.suppress(PowerLoss):
            tap = card.tap(amount, currency=currency)
            if tap.kind == TC:
                card.read(tap, but_last=not complete)
        card.card.memory.write_hook = None
        card.leave()
        now = card.data("9F79"), card.card.memory.cells["data:DEBIT:DF79"].hex()
        fell = [int(old) - int(new) for old, new in zip(before, now, strict=True)]
        if card.logged() > logged:
            paid[currency] += amount
            logged += 1
            assert fell == ([amount, 0] if currency == "0156" else [0, amount])
        else:
            assert fell == [0, 0]
    assert card.data("9F79") == f"{BALANCE - paid['0156']:012d}"
    assert card.card.memory.cells["data:DEBIT:DF79"].hex() == f"{10000 - paid[HKD]:012d}"
