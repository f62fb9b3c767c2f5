"""Orders: what is refused before any chip is touched, and that no message repeats what tells of a person."""

import contextlib
import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.actors.station import Order, OrderError, load_order
from tests.station.world import FIELDS, order

WRONG = {
    "number": ["", "with blank", "x" * 33],
    "card number": ["A12345675", "12", None],
    "date of issue": ["20260230", "2026-01-05", 20260105],
    "date of expiry": ["20260105", "19990101", ""],
    "social security number": ["500000199002280027", "x", "500000199002280026 "],
    "name": ["", "甲" * 40, "名😀"],
    "sex": ["7", "M", "1"],
    "nationality": ["99x", "00"],
    "birthplace": ["12", "000000"],
    "date of birth": ["19900301", "19901301"],
    "favourite colour": ["red"],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in WRONG.items() for value in values])
def test_a_wrong_field_is_named_and_not_repeated(field, value):
    with pytest.raises(OrderError) as refused:
        Order.of({**FIELDS, field: value})
    message = str(refused.value)
    assert field in message or (field == "date of expiry" and "date of expiry" in message)
    if field in ("social security number", "name", "date of birth") and value:
        assert str(value) not in message


@pytest.mark.parametrize("field", [name for name in FIELDS if name not in ("number", "birthplace")])
def test_what_every_card_needs_is_missed(field):
    with pytest.raises(OrderError, match=field):
        Order.of({name: value for name, value in FIELDS.items() if name != field})


def test_toml_and_csv_say_the_same(tmp_path):
    toml = tmp_path / "order.toml"
    toml.write_text("".join(f'"{name}" = "{value}"\n' for name, value in FIELDS.items()), "utf-8")
    text = io.StringIO()
    rows = csv.DictWriter(text, FIELDS)
    rows.writeheader()
    rows.writerow(FIELDS)
    rows.writerow({**FIELDS, "number": "CQ-2026-000002", "name": "样例甲"})
    table = tmp_path / "orders.csv"
    table.write_text(text.getvalue(), "utf-8-sig")
    assert load_order(toml) == load_order(table, "CQ-2026-000001") == order()
    assert load_order(table, "CQ-2026-000002").name == "样例甲"
    with pytest.raises(OrderError, match="--number"):
        load_order(table)
    with pytest.raises(OrderError, match="number other"):
        load_order(table, "other")


@given(st.binary(max_size=200), st.sampled_from([".toml", ".csv"]))
def test_no_file_raises_anything_else(tmp_path_factory, data, suffix):
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    path.write_bytes(data)
    with pytest.raises(OrderError):
        load_order(path)


@given(st.dictionaries(st.sampled_from([*FIELDS, "x"]), st.one_of(st.none(), st.integers(), st.text(), st.booleans())))
def test_no_table_raises_anything_else(changes):
    table = {**FIELDS, **changes}
    with contextlib.suppress(OrderError):
        assert Order.of(table).values["08"] == table["social security number"]


def test_an_order_does_not_show_its_person():
    assert "500000199002280026" not in repr(order())
    assert order().masked_person == "500000***********6"
