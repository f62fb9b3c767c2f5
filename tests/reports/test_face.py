"""The face of a card: it says what the chip says, keeps inside its lines and the card, and needs nothing beside itself."""

import builtins
import re
import struct
import zlib
from importlib.resources import files
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from profiles.face import Face, province
from reports.face import FaceError, FilePrinter, Side, back_of, check_destination, read, render, write
from reports.face.fonts import lacking, warning
from reports.face.lines import fit, width
from reports.face.png import with_resolution
from reports.trace.parts import printable

PHOTO = files("profiles").joinpath("products/photo.jpg").read_bytes()
FACE = Face("渝小样", "500000199002280026", "A12345674", "20260105", "500000", PHOTO, "6217000000000000003")
LONG = "阿卜杜热合曼艾克拜尔江·吐尔逊阿卜杜热合曼买买提艾"  # 25 characters: all that 姓名 and 姓名扩展 hold
SVG = "{http://www.w3.org/2000/svg}"


def tree(svg):
    return ElementTree.fromstring(svg)  # noqa: S314 - our own document


def both(face):
    return render(face, Side.FRONT), render(face, Side.BACK)


def test_only_cards_with_an_antenna_show_the_sign_for_reading_without_contacts():
    sides = {antenna: render(changed(antenna=antenna), Side.FRONT) for antenna in (False, True)}
    assert sides[False].count("<path") == sides[True].count("<path") - 1
    assert [read(side, render(FACE, Side.BACK)).antenna for side in sides.values()] == [False, True]


def changed(**fields):
    return Face(**{name: fields.get(name, getattr(FACE, name)) for name in Face.__slots__})


def test_both_sides_say_everything_that_a_card_shows():
    front, back = both(FACE)
    words = "".join(tree(front).itertext())
    for text in (
        "中华人民共和国", "社会保障卡", "重庆市", "姓名", "渝小样", "社会保障号码", "500000199002280026", "社会保障卡卡号",
        "A12345674", "发卡日期", "2026年1月5日", "TEST CARD 测试卡", "invented person",
    ):  # fmt: skip
        assert text in words
    words = "".join(tree(back).itertext())
    for text in ("6217 0000 0000 0000 003", "12333", "TEST CARD 测试卡", "invented person"):
        assert text in words
    assert "6217" not in front
    assert "渝小样" not in back


@pytest.mark.parametrize("side", Side)
def test_a_side_is_a_card_of_id_1_and_needs_no_other_file(side):
    svg = render(FACE, side)
    root = tree(svg)
    assert (root.attrib["width"], root.attrib["height"], root.attrib["viewBox"]) == (
        "85.6mm",
        "53.98mm",
        "0 0 85.6 53.98",
    )
    links = [value for each in root.iter() for name, value in each.attrib.items() if name.endswith("href")]
    assert all(link.startswith("data:image/jpeg;base64,") for link in links)
    assert len(links) == (side is Side.FRONT)
    assert not re.search("<script|<style|url\\((?!#)|<!DOCTYPE|<\\?xml-stylesheet", svg)


@pytest.mark.parametrize("account", ["", "622848000000001", "6217000000000000003"])
@pytest.mark.parametrize("name", ["李一", LONG, "Abdurehman Akbarjan Memet", "A<&>\"'·B", "㛃喆龘"])
@pytest.mark.parametrize("photo", [PHOTO, b""])
def test_what_is_printed_reads_back_as_it_was(name, photo, account):
    face = changed(name=name, photo=photo, account=account)
    assert read(*both(face)) == face


@given(st.text(max_size=30), st.text(max_size=20), st.binary(max_size=40))
@example("\x00\x1b]0;\u202e\ue000\ufffe\ud800", "]]>&#0;", b"\xff\xd8\xff")
def test_any_text_is_text_and_never_markup(name, person, photo):
    face = changed(name=name, person=person, photo=photo)
    front, back = both(face)
    found = read(front, back)
    # XML makes a carriage return a line feed; `printable` has taken both away before.
    assert found.name == printable(name)
    assert found.person == printable(person)
    assert found.photo == (photo if photo.startswith((b"\xff\xd8\xff", b"BM")) else b"")
    tags = {each.tag for each in tree(front).iter()}
    assert tags <= {SVG + tag for tag in (
        "svg", "title", "defs", "linearGradient", "stop", "clipPath", "rect", "g", "path", "circle", "text", "image",
    )}  # fmt: skip


def test_no_repr_shows_a_person():
    assert "渝小样" not in repr(FACE)
    assert "500000199002280026" not in repr(FACE)


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=25), st.booleans())
def test_every_name_that_a_card_holds_keeps_inside_its_line_and_stays_legible(name, with_dot):
    name = name[:12] + "·" + name[12:24] if with_dot else name
    fitted = fit(name, 37.5, 3.0, 2.1)
    assert "".join(fitted.lines) == name
    assert len(fitted.lines) <= 2
    # A wide character is as wide as its size (no face of CJK differs): 300 dots per inch leave it 24 dots and more.
    assert all(len(line) * fitted.size <= 37.5 + 1e-9 for line in fitted.lines)
    assert fitted.size * 300 / 25.4 >= 24
    if len(name) <= 12:
        assert fitted.lines == (name,)
        assert fitted.size == 3.0


def test_a_long_name_breaks_behind_its_dot():
    assert fit(LONG, 37.5, 3.0, 2.1).lines == ("阿卜杜热合曼艾克拜尔江·", "吐尔逊阿卜杜热合曼买买提艾")
    assert width("e\u0301") == width("e")


def test_areas_have_the_names_of_gb_t_2260():
    assert province("500000") == "重庆市"
    assert province("650100") == "新疆维吾尔自治区"
    assert province("990000") == ""
    front = render(changed(area="990000"), Side.FRONT)
    assert read(front, render(FACE, Side.BACK)).area == "990000"


def test_an_area_whose_printed_name_is_another_one_is_none():
    front, back = both(FACE)
    assert read(front.replace("重庆市", "北京市"), back).area == ""


def chunks(png):
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, found = 8, []
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        body = png[at + 4 : at + 8 + length]
        assert struct.unpack_from(">I", png, at + 8 + length)[0] == zlib.crc32(body)
        found.append((body[:4], body[4:]))
        at += 12 + length
    return found


def test_png_has_the_dots_and_the_resolution_of_a_printed_card(tmp_path):
    pytest.importorskip("resvg_py")
    write(FACE, tmp_path / "card.png")
    for name in ("card.png", "card-back.png"):
        path = tmp_path / name
        assert path.stat().st_mode & 0o777 == 0o600
        parts = chunks(path.read_bytes())
        assert struct.unpack(">II", parts[0][1][:8]) == (1011, 638)
        assert [body for kind, body in parts if kind == b"pHYs"] == [struct.pack(">IIB", 11811, 11811, 1)]
        assert parts[-1][0] == b"IEND"
        assert sum(len(body) for kind, body in parts if kind == b"IDAT") > 50_000
    assert (tmp_path / "card.png").read_bytes() != (tmp_path / "card-back.png").read_bytes()


def test_an_earlier_resolution_is_replaced():
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    rest = chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
    plain = with_resolution(head + rest)
    assert with_resolution(head + chunk(b"pHYs", struct.pack(">IIB", 1, 1, 1)) + rest) == plain
    assert [kind for kind, _ in chunks(plain)] == [b"IHDR", b"pHYs", b"IDAT", b"IEND"]


def test_svg_files_are_for_their_owner_alone(tmp_path):
    write(FACE, tmp_path / "card.svg")
    assert (tmp_path / "card.svg").read_text("utf-8") == render(FACE, Side.FRONT)
    assert (tmp_path / "card-back.svg").read_text("utf-8") == render(FACE, Side.BACK)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert len(list(tmp_path.iterdir())) == 2


def test_a_second_print_replaces_the_first_one(tmp_path):
    printer = FilePrinter(tmp_path / "card.svg")
    assert printer.print_face(changed(name="样例甲")) == changed(name="样例甲")
    assert printer.print_face(FACE) == FACE
    assert "样例甲" not in (tmp_path / "card.svg").read_text("utf-8")
    assert printer.back == back_of(printer.front) == tmp_path / "card-back.svg"


@pytest.mark.parametrize(("name", "sentence"), [("card.jpg", ".svg or .png"), ("none/card.svg", "no such folder")])
def test_a_face_that_cannot_be_written_is_one_sentence(tmp_path, name, sentence):
    with pytest.raises(FaceError, match=sentence):
        write(FACE, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_without_the_package_png_is_refused_before_anything_else_and_svg_works(tmp_path, monkeypatch):
    real = builtins.__import__

    def bare(name, *rest):
        if name == "resvg_py":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", bare)
    with pytest.raises(FaceError, match=r"sscard\[face\]"):
        check_destination(tmp_path / "card.png")
    write(FACE, tmp_path / "card.svg")


def test_characters_without_a_font_are_counted_and_not_repeated():
    assert lacking(["渝a样"], lambda text: set(text) <= set("渝")) == ["样"]
    assert lacking(["渝\ufffd"], lambda text: True) == ["\ufffd"]
    assert lacking(["渝样\ufffd"], lambda text: set(text) <= set("渝")) == ["样", "\ufffd"]
    assert warning(["渝a"], lambda text: True) is None
    sentence = warning(["渝样"], lambda text: False)
    assert "2 characters" in sentence
    assert "fonts-noto-cjk" in sentence
    assert "渝" not in sentence


def test_fonts_that_cannot_be_asked_are_said_not_to_be_known(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert "not known" in warning(["渝"])
    assert warning(["abc"]) is None
