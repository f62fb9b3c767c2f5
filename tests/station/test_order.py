"""Orders: what is refused before any chip is touched, and that no message repeats what tells of a person."""

import contextlib
import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import profiles
from conformance.actors.station import Order, OrderError, load_order
from conformance.actors.station.photo import PhotoError, check_photo
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
    "household registration category": ["60", "5"],
    "telephone": ["0" * 16],
    "area of residence": ["5001", "000000"],
    "citizenship": ["China", "usa"],
    "place of first application": ["50010"],
    "favourite colour": ["red"],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in WRONG.items() for value in values])
def test_a_wrong_field_is_named_and_not_repeated(field, value):
    with pytest.raises(OrderError) as refused:
        Order.of({**FIELDS, field: value})
    message = str(refused.value)
    assert field in message
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


PHOTO = (Path(profiles.__file__).parent / "products" / "photo.jpg").read_bytes()
FRAME = PHOTO.index(b"\xff\xc0") + 4
"""Where bits, height, width and components of the picture stand."""


def framed(height, width, components=3, bits=8, marker=0xC0):
    frame = bytes((bits,)) + height.to_bytes(2) + width.to_bytes(2) + bytes((components,))
    return PHOTO[: FRAME - 3] + bytes((marker,)) + PHOTO[FRAME - 2 : FRAME] + frame + PHOTO[FRAME + 6 :]


def test_a_photo_is_taken_beside_the_order(tmp_path):
    (tmp_path / "face.jpg").write_bytes(PHOTO)
    toml = tmp_path / "order.toml"
    toml.write_text("".join(f'"{name}" = "{value}"\n' for name, value in FIELDS.items()) + 'photo = "face.jpg"\n')
    assert load_order(toml).photo == PHOTO == framed(441, 358)
    assert load_order(toml).content() != order().content()
    for good in (framed(378, 308), framed(1260, 1024), framed(441, 358, marker=0xC2)):
        (tmp_path / "face.jpg").write_bytes(good)
        assert load_order(toml).photo == good


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no whole JPEG"),
        (PHOTO[:-2], "no whole JPEG"),
        (b"BM" + bytes(200), "no whole JPEG"),
        (b"\xff\xd8\xff\xd9", "no picture"),
        (framed(441, 358, marker=0xC3), "no picture"),
        (framed(441, 358, components=1), "1 colours of 8 bits"),
        (framed(441, 358, bits=12), "3 colours of 12 bits"),
        (framed(377, 308), "fewer than 300"),
        (framed(378, 307), "fewer than 300"),
        (framed(441, 441), "not of the form"),
    ],
)
def test_a_wrong_photo_is_refused_with_its_reason(data, reason):
    with pytest.raises(OrderError, match=f"photo: .*{reason}"):
        order(photo=data)


@pytest.mark.parametrize("name", ["none.jpg", "", ".", "a\0b", 7])
def test_a_photo_that_cannot_be_read_is_refused(name, tmp_path):
    if name == "":
        assert Order.of({**FIELDS, "photo": name}, "order", tmp_path).photo == b""
        return
    with pytest.raises(OrderError, match="photo"):
        Order.of({**FIELDS, "photo": name}, "order", tmp_path)


@given(st.binary(max_size=80), st.integers(0, 60))
def test_no_photo_raises_anything_else(noise, at):
    for data in (noise, b"\xff\xd8" + noise + b"\xff\xd9", PHOTO[: FRAME - 4 + at] + noise + b"\xff\xd9"):
        with contextlib.suppress(PhotoError):
            check_photo(data)


def test_an_order_does_not_show_its_person():
    assert "500000199002280026" not in repr(order())
    assert order().masked_person == "500000***********6"


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("card number", "A12345675", "eight digits or capital letters, then their check character"),
        ("sex", "7", "one of"),
        ("date of birth", "19900231", "a date YYYYMMDD"),
    ],
)
def test_a_refusal_says_what_to_write_and_repeats_nothing(name, value, wanted):
    with pytest.raises(OrderError) as refused:
        Order.of({**FIELDS, name: value})
    assert wanted in str(refused.value)
    assert value not in str(refused.value)


def test_a_file_that_cannot_be_read_is_told_why(tmp_path):
    (tmp_path / "picture.toml").write_bytes(b"\x89PNG\xff")
    for name, why in (("none.toml", "No such file"), (".", "Is a directory"), ("picture.toml", "no UTF-8 text")):
        with pytest.raises(OrderError, match=why):
            load_order(tmp_path / name)
