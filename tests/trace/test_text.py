"""Traces for a terminal."""

from reports.trace.text import format_exchange, renderable
from tests.trace.reading import decoder


def test_an_exchange_in_lines() -> None:
    decoded = decoder().exchange("00B2012C12", "0110500000D156000005000000133A05F2E39000")
    lines = format_exchange(decoded, 7, 0.00042).splitlines()
    assert lines[0].split() == [
        "7",
        "READ",
        "RECORD",
        "读记录文件",
        "记录号",
        "1，短标识符",
        "05",
        "SSSE/EF05",
        "发卡机构数据文件",
        "0.4",
        "ms",
    ]
    assert lines[1].split() == ["C", "00B2012C12"]
    assert lines[2].split() == ["R", "0110500000D156000005000000133A05F2E3", "9000", "正常完成"]
    assert lines[3].split() == ["01", "卡的识别码", "500000D156000005000000133A05F2E3"]
    assert len(lines) == 4


def test_a_pin_shows_only_when_asked_for() -> None:
    decoded = decoder().exchange("0020000003987654", "63C5")
    assert "987654" not in format_exchange(decoded, 1, 0.1)
    assert "987654" in format_exchange(decoded, 1, 0.1, masked=False)


def test_status_words_have_the_colour_of_their_kind() -> None:
    for sw, colour in (("9000", "green"), ("63C2", "yellow"), ("6A82", "red")):
        text = renderable(decoder().exchange("0020000003123456", sw), 1, 0.1)
        assert [span.style for span in text.spans if text.plain[span.start : span.end] == sw] == [colour]


def test_a_long_answer_is_shortened_with_its_length() -> None:
    decoded = decoder().exchange("00A40000023F00", "6F80" + "00" * 128 + "9000")
    assert "(130 bytes)" in format_exchange(decoded, 1, 0.1)


def test_brackets_of_a_card_are_no_markup() -> None:
    decoded = decoder().exchange("00B2023400", b"[bold red]".hex() + "9000")
    assert renderable(decoded, 1, 0.1, masked=False).plain == format_exchange(decoded, 1, 0.1, masked=False)
