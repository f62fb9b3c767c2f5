"""PIN letters and serial numbers: one for each card, kept over a new start."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.actors.batch import ChipStock, Letters, PinProblem
from conformance.actors.batch.letters import is_weak
from conformance.actors.batch.stock import StockExhausted
from conformance.actors.station import Order
from tests.batch.people import person


def order(index=1):
    return Order.of(person(index))


def test_a_letter_keeps_its_pin_and_is_for_its_owner_alone(tmp_path):
    pin = Letters(tmp_path, "123456").pin(order())
    assert Letters(tmp_path, "123456").pin(order()) == pin
    (path,) = tmp_path.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text("utf-8")
    assert pin in text
    assert person(1)["number"] in text
    assert person(1)["social security number"] not in text
    assert person(1)["name"] not in text
    assert len(pin) == 6
    assert pin.isdecimal()


def test_letters_differ(tmp_path):
    letters = Letters(tmp_path, "123456")
    assert len({letters.pin(order(index)) for index in range(1, 41)}) > 35


def test_a_withdrawn_letter_is_gone(tmp_path):
    letters = Letters(tmp_path, "123456")
    letters.pin(order())
    letters.withdraw("CQ-000001")
    letters.withdraw("CQ-000001")
    assert list(tmp_path.iterdir()) == []


def test_a_spoilt_letter_is_not_guessed_at(tmp_path):
    letters = Letters(tmp_path, "123456")
    letters.path("CQ-000001").write_text("coffee")
    with pytest.raises(PinProblem, match="no PIN in the letter"):
        letters.pin(order())


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    with pytest.raises(PinProblem, match="cannot be used"):
        Letters(tmp_path / "none", "123456").pin(order())


@pytest.mark.parametrize(
    "pin", ["000000", "777777", "234567", "890123", "654321", "210987", "199001", "500103", "260105"]
)
def test_pins_that_can_be_guessed(pin):
    assert is_weak(pin, order())


@pytest.mark.parametrize("pin", ["650981", "112233", "135791", "900190"])
def test_pins_that_cannot(pin):
    assert not is_weak(pin, order())


@given(st.lists(st.integers(0, 30), max_size=40), st.sets(st.integers(1, 40), max_size=20))
def test_no_serial_number_is_given_twice_and_each_request_keeps_its_own(requests, taken):
    stock = ChipStock(":memory:")
    others = {f"{number:08}" for number in taken}
    given_out = {}
    for request in requests:
        serial = stock.serial(str(request), others.__contains__)
        assert given_out.setdefault(request, serial) == serial
        assert len(bytes.fromhex(serial)) == 4
    assert len(set(given_out.values())) == len(given_out)
    assert others.isdisjoint(given_out.values())


def test_a_stock_without_numbers_says_so():
    stock = ChipStock(":memory:")
    stock.run("INSERT INTO chip_stock VALUES ('99999999', 'last')")
    with pytest.raises(StockExhausted):
        stock.serial("more", lambda serial: False)
