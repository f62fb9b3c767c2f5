"""Files of the extended application in profiles: what is refused, what is warned of, what is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.apps.payment.extended_records import is_whole
from profiles import ProfileError, extended_content, load
from profiles.checks import check
from profiles.loader import from_table
from profiles.sources import merge, products, read
from profiles.view import MASK, document

from .sector import build_record

METRO = "directory.DEBIT.file.METRO"
CONTENT = "content.DEBIT.METRO"
ONE = {"id": "0101", "type": "segmented", "data": "00"}


def over(**tables):
    return merge(read(products()["debit"]), {"directory": {"DEBIT": tables}})


def metro(**changes):
    return over(file={"METRO": changes})


def records(*given, file="METRO", **more):
    return merge(read(products()["debit"]), {"content": {"DEBIT": {file: {"records": list(given), **more}}}})


def paths(table):
    with pytest.raises(ProfileError) as raised:
        from_table(table)
    return {problem.path for problem in raised.value.problems}


@pytest.mark.parametrize(
    ("table", "path"),
    [
        (metro(structure="transparent"), METRO),
        (metro(records=3), METRO),
        (metro(elements=["01"]), METRO),
        (metro(templates=True), METRO),
        (over(file={"TRIPS": {"size": 100}}), "directory.DEBIT.file.TRIPS"),
        (metro(extended={"longest": 236}), f"{METRO}.extended.longest"),
        (metro(extended={"opening_key": "DEBITMETRO"}), f"{METRO}.extended.opening_key"),
        (metro(extended={"management_key": "NOWHERE"}), f"{METRO}.extended.management_key"),
        (over(key={"DEBITMETRO": {"levels": 2}}), "directory.DEBIT.key.DEBITMETRO"),
        (records({**ONE, "id": "01"}), f"{CONTENT}.records.1"),
        (records({**ONE, "type": "ticket"}), f"{CONTENT}.records.1"),
        (records({**ONE, "valid": 1}), f"{CONTENT}.records.1"),
        (records({**ONE, "data": 5}), f"{CONTENT}.records.1"),
        (records({**ONE, "data": "0"}), f"{CONTENT}.records.1"),
        (records({**ONE, "data": "00" * 253}), f"{CONTENT}.records.1"),
        (records({**ONE, "data": "00" * 59}), f"{CONTENT}.records.1"),
        (records({**ONE, "colour": "red"}), f"{CONTENT}.records.1.colour"),
        (records(*[{**ONE, "data": "00" * 50}] * 4), f"{CONTENT}.records"),
        (records("00"), f"{CONTENT}.records"),
        (records(ONE, data="00"), f"{CONTENT}.data"),
        (records(ONE, file="TRIPS"), "content.DEBIT.TRIPS.records.1"),
        (records(*[{**ONE, "data": "00" * 39}] * 11, file="TRIPS"), "content.DEBIT.TRIPS.records"),
    ],
)
def test_faults(table, path):
    assert path in paths(table)


def test_files_need_the_identifier_of_the_application():
    table = over()
    del table["directory"]["DEBIT"]["data"]["DF61"]
    found = paths(table)
    assert {f"{METRO}.extended", "directory.DEBIT.data.DF62", "directory.DEBIT.data.DF63"} <= found


def test_limit_and_deducted_amount_go_together():
    table = over()
    del table["directory"]["DEBIT"]["data"]["DF63"]
    assert paths(table) == {"directory.DEBIT.data"}


def test_only_a_payment_application_has_such_files():
    table = over()
    table["directory"]["PSE"]["file"]["METRO"] = table["directory"]["DEBIT"]["file"].pop("METRO")
    assert "directory.PSE.file.METRO.extended" in paths(table)


@pytest.mark.parametrize(
    ("table", "path"),
    [
        (over(data={"DF61": "83"}), "directory.DEBIT.data.DF61"),
        (over(data={"DF61": "80"}), "directory.DEBIT.data.DF61"),
        (over(data={"DF61": "06"}), "directory.DEBIT.data.DF61"),
        (over(data={"DF63": "000000002001"}), "directory.DEBIT.data.DF62"),
        (
            over(payment={"contactless": {"data": {"9F38": "9F6604 9F0206 9F3704"}}}),
            "directory.DEBIT.payment.contactless.data.9F38",
        ),
        (metro(sfi=0x13), METRO),
        (metro(sfi=0x1D), METRO),
    ],
)
def test_warnings(table, path):
    assert path in {problem.path for problem in check(from_table(table))}


def test_a_product_for_a_person_hides_the_trips():
    shown = document(load("debit"))["content"]["DEBIT"]["TRIPS"]["records"]
    assert shown == [{"id": "0101", "type": "segmented", "data": MASK}]


@given(
    st.binary(min_size=2, max_size=2), st.sampled_from([1, 2]), st.binary(max_size=252), st.booleans(), st.booleans()
)
def test_records_have_one_form(identifier, kind, data, valid, locked):
    """Against the form that the tests write by hand."""
    made = extended_content.record(identifier, kind, data, valid=valid, locked=locked)
    assert made.hex().upper() == build_record(identifier.hex().upper(), kind, data.hex(), valid, locked)
    assert is_whole(made)
    assert not is_whole(made + b"\0")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_record_or_not(raw):
    assert is_whole(raw) == (len(raw) >= 6 and raw[2] == len(raw) - 3)
