"""Reading event logs: whole, cut off, broken, hostile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.events import Event, EventError, Exchange, from_line, to_line
from reports.log import LogError, read_log
from tests.reports.building import Run

EVENTS: list[Event] = (
    Run()
    .target()
    .begin("A/1/BV", "SSC-ATR-001")
    .step("A/1/BV", "复位")
    .send("A/1/BV", "RESET", "3B00")
    .check("A/1/BV", None, True)
    .finish("A/1/BV", counterexample=[{"command": "00", "response": "9000"}])
    .flow("issue", "apdu 17, write 2")
    .end()
    .events
)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_survives_its_line(event: Event) -> None:
    assert from_line(to_line(event)) == event


@given(st.text())
def test_any_line_is_an_event_or_refused(line: str) -> None:
    with pytest.raises(EventError):
        from_line(line)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(EVENTS), st.data(), json_values)
def test_a_field_of_another_type_is_refused_or_kept(event: Event, data: st.DataObject, value: object) -> None:
    content = json.loads(to_line(event))
    content[data.draw(st.sampled_from(sorted(content)))] = value
    try:
        read = from_line(json.dumps(content))
    except EventError:
        return
    assert from_line(to_line(read)) == read or value != value


@pytest.mark.parametrize(
    ("event", "field", "value"),
    [
        ("FlowStarted", "steps", [{"step": "blank", "zh": "空白卡", "en": "blank"}]),
        ("FlowTimed", "entries", [{}]),
        ("FlowBooks", "tables", [{"zh": "卡", "en": "cards", "columns": [{"zh": "状态"}], "rows": []}]),
        ("FlowTrials", "broken", [{"rule": "4", "zh": "", "en": "", "place": "", "reproduce": ""}]),
        ("FlowTrials", "failure_title", {"zh": 1, "en": ""}),
    ],
)
def test_an_event_of_a_flow_with_a_part_missing_or_wrong_is_refused(event: str, field: str, value: object) -> None:
    content = next(json.loads(to_line(each)) for each in EVENTS if type(each).__name__ == event)
    with pytest.raises(EventError, match=field):
        from_line(json.dumps(content | {field: value}))


def test_a_time_without_a_zone_is_utc() -> None:
    line = to_line(Exchange(t=EVENTS[0].t, case=None, number=1, command="", response="", seconds=0.0))
    assert from_line(line.replace("+00:00", "")).t == EVENTS[0].t


def test_a_whole_log_is_read(tmp_path: Path) -> None:
    run = Run().target().case("A/1/BV", "SSC-ATR-001").end()
    log = run.log(tmp_path)
    assert log.events == tuple(run.events)
    assert (log.cut_off, log.name, log.size) == (False, "run.ndjson", (tmp_path / "run.ndjson").stat().st_size)


@given(st.integers(min_value=1))
def test_a_log_may_be_cut_anywhere_after_its_first_line(cut: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        path = Run().target().case("卡/1/BV", "SSC-ATR-001").end().write(Path(directory))
        raw = path.read_bytes()
        first = raw.index(b"\n")
        text = raw.decode()[: first + 1 + cut % (len(raw.decode()) - first)]
        path.write_text(text, "utf-8")
        log = read_log(path)
        assert len(log.events) == text.count("\n") or not log.cut_off


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "does not begin with"),
        (b"hello\n", "line 1: not an event"),
        (b"\xff\xfe\n", "not UTF-8"),
        (b'{"v":9,"event":"Run"}\n', "format 9"),
    ],
)
def test_other_files_are_refused_in_one_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.ndjson"
    path.write_bytes(content)
    with pytest.raises(LogError, match=message) as caught:
        read_log(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="cannot be read"):
        read_log(tmp_path / "none")


def test_a_broken_line_in_the_middle_is_refused_by_its_number(tmp_path: Path) -> None:
    path = Run().target().end().write(tmp_path)
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([lines[0], lines[1][:40], lines[2], ""]), "utf-8")
    with pytest.raises(LogError, match="line 2"):
        read_log(path)
