"""Tables of people: encodings, columns, lines, and rows that contradict one another."""

from importlib.resources import files

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conformance.actors.batch import read_people
from conformance.actors.station.order import COLUMNS, NEEDED_COLUMNS
from conformance.actors.station.table import TableError, read_table
from tests.batch.people import person, text_of, write

INITIAL = "123456"
NAMES = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=15)


def refused(path):
    """Why the file is no table of people; empty where it is one."""
    try:
        read_people(path, INITIAL)
    except TableError as problem:
        return str(problem)
    return ""


@pytest.mark.parametrize(
    ("encoding", "told"),
    [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("gb18030", "GB18030"), ("gbk", "GB18030"), ("gb2312", "GB18030")],
)
def test_the_encodings_that_spreadsheets_write(tmp_path, encoding, told):
    path = write(tmp_path / "people.csv", [person(1, name="张伟"), person(2, name="买买提李")], encoding)
    good, wrong, found = read_people(path, INITIAL)
    assert [each.order.name for each in good] == ["张伟", "买买提李"]
    assert [each.line for each in good] == [2, 3]
    assert wrong == []
    assert found == told


@given(st.lists(NAMES, min_size=1, max_size=8), st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]))
@example(["联通"], "gb18030")
def test_a_name_is_read_as_it_was_written_or_the_file_is_refused(tmp_path_factory, names, encoding):
    path = tmp_path_factory.getbasetemp() / "names.csv"
    write(path, [person(index, name=name) for index, name in enumerate(names, 1)], encoding)
    if refusal := refused(path):
        assert encoding == "gb18030"
        assert "save it as" in refusal
        return
    good, wrong, _ = read_people(path, INITIAL)
    assert wrong == []
    assert [each.order.name for each in good] == names


@pytest.mark.parametrize(
    "raw",
    [
        "number,name\nA,张伟\n".encode("utf-16"),
        text_of([person(1)]).encode("utf-16-le"),
        b"\xff\xff\xff",
        text_of([person(1, name="张伟")]).encode()[:-1] + b"\x81\x30\n",
        text_of([person(1, name="Ali·B")]).encode(),  # the dot's two bytes are one GBK character
    ],
)
def test_a_doubtful_encoding_is_refused_with_what_to_do(tmp_path, raw):
    path = tmp_path / "people.csv"
    path.write_bytes(raw)
    with pytest.raises(TableError, match="save it as"):
        read_people(path, INITIAL)


def test_a_byte_order_mark_ends_the_doubt(tmp_path):
    path = write(tmp_path / "people.csv", [person(1, name="Ali·B")], "utf-8-sig")
    assert read_people(path, INITIAL)[0][0].order.name == "Ali·B"


def test_chinese_columns_and_quoted_line_breaks_keep_their_lines(tmp_path):
    titles = {
        "number": "申请编号", "card number": "卡号", "date of issue": "发卡日期", "date of expiry": "卡有效期",
        "social security number": "社会保障号码", "name": "姓名", "sex": "性别", "nationality": "民族",
        "birthplace": "出生地", "date of birth": "出生日期",
    }  # fmt: skip
    rows = [{titles[name]: value for name, value in person(index).items()} for index in (1, 2, 3)]
    rows[0]["姓名"] = "甲\n乙"
    path = tmp_path / "people.csv"
    path.write_text(text_of(rows) + "\n\n", "utf-8")
    good, wrong, _ = read_people(path, INITIAL)
    assert [(each.line, each.order.number) for each in good] == [(2, "CQ-000001"), (4, "CQ-000002"), (5, "CQ-000003")]
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no row"),
        (text_of([person(1)]).splitlines()[0], "no row"),
        (text_of([{**person(1), "colour": "red"}]), "column 11"),
        (text_of([{name: value for name, value in person(1).items() if name != "name"}]), "'name' is missing"),
        (text_of([person(1)]).replace("birthplace", "name"), "comes twice"),
        (text_of([person(1)]) + '"', "not CSV"),
        (text_of([person(1)]).splitlines()[1], "column 1"),
    ],
)
def test_a_wrong_file_is_one_sentence_without_a_person(tmp_path, text, sentence):
    path = tmp_path / "people.csv"
    path.write_text(text, "utf-8-sig")
    with pytest.raises(TableError, match=sentence) as refused:
        read_people(path, INITIAL)
    assert "\n" not in str(refused.value)
    assert person(1)["social security number"] not in str(refused.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(TableError, match="cannot be read"):
        read_people(tmp_path / "none.csv", INITIAL)
    with pytest.raises(TableError, match="cannot be read"):
        read_people(tmp_path, INITIAL)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "甲" * 16}, "name"),
        ({"name": "㛃"}, "name"),
        ({"social_security_number": "500103199001010027"}, "social security number"),
        ({"card_number": "A00000010"}, "card number"),
        ({"sex": "1"}, "sex"),
        ({"date_of_expiry": "20250101"}, "date of expiry"),
        ({"date_of_birth": "19900102"}, "date of birth"),
        ({"number": "CQ 1"}, "number"),
        ({"pin": "12"}, "pin"),
        ({"pin": INITIAL}, "pin"),
        ({"photo": "none.jpg"}, "photo"),
    ],
)
def test_a_bad_row_is_told_with_line_and_field_and_does_not_stop_the_others(tmp_path, changes, field):
    rows = [person(1), person(2, **changes), person(3)]
    good, wrong, _ = read_people(write(tmp_path / "people.csv", rows), INITIAL)
    assert [each.order.number for each in good] == ["CQ-000001", "CQ-000003"]
    (bad,) = wrong
    assert (bad.line, bad.field) == (3, field)
    assert bad.reason.startswith("line 3: ")
    for name in ("name", "social security number", "pin"):
        assert len(rows[1].get(name, "")) < 3 or rows[1][name] not in bad.reason


def test_a_row_that_is_too_long_is_bad(tmp_path):
    path = tmp_path / "people.csv"
    lines = text_of([person(1), person(2)]).splitlines()
    path.write_text("\n".join([lines[0], lines[1] + ",more", lines[2]]), "utf-8")
    good, wrong, _ = read_people(path, INITIAL)
    assert [each.line for each in good] == [3]
    assert "11 fields" in wrong[0].reason


@pytest.mark.parametrize("field", ["number", "social_security_number", "card_number"])
def test_of_rows_that_share_what_they_may_not_none_is_good(tmp_path, field):
    shared = {field: person(1)[field.replace("_", " ")]}
    rows = [person(1), person(2), person(3, **shared), person(4)]
    good, wrong, _ = read_people(write(tmp_path / "people.csv", rows), INITIAL)
    assert [each.line for each in good] == [3, 5]
    assert [(each.line, each.field) for each in wrong] == [(2, field.replace("_", " ")), (4, field.replace("_", " "))]
    assert "line 4, too" in wrong[0].reason
    assert person(1)["social security number"] not in wrong[0].reason + wrong[1].reason


def test_a_photo_lies_beside_the_table(tmp_path):
    photo = files("profiles").joinpath("products/photo.jpg").read_bytes()
    (tmp_path / "1.jpg").write_bytes(photo)
    good, wrong, _ = read_people(write(tmp_path / "people.csv", [person(1, photo="1.jpg"), person(2)]), INITIAL)
    assert [each.order.photo for each in good] == [photo, b""]
    assert wrong == []


def test_a_pin_of_the_holder_s_choice_is_read_and_not_shown(tmp_path):
    good, _, _ = read_people(write(tmp_path / "people.csv", [person(1, pin="650981"), person(2)]), INITIAL)
    assert [each.pin for each in good] == ["650981", None]
    assert "650981" not in repr(good)
    assert person(1)["social security number"] not in repr(good)


@given(st.binary(max_size=300))
@example(b'"')
@example(b"number\n\r\n\x00")
def test_no_file_raises_anything_else(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(text_of([person(1)]).splitlines()[0].encode() + b"\n" + data)
    if refusal := refused(path):
        assert refusal.startswith(str(path))
        return
    good, wrong, _ = read_people(path, INITIAL)
    assert len(good) + len(wrong) == len(read_table(path, {**COLUMNS, "pin": "pin"}, NEEDED_COLUMNS).rows)
