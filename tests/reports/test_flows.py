"""What a report knows of a flow: matrix, timeline, books. Expected values are counted by hand from the logs made here."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.events import FlowTimed
from reports.books import BooksReport, Change, compared
from reports.flows import FlowReport, flow_reports
from reports.picture import Picture, clock, spoken
from reports.timeline import Lane, TimelineReport, timeline
from tests.reports.building import START, Run
from tests.reports.flow_logs import ENTRIES, STEPS, Flow, table


def only(flow: Flow) -> FlowReport:
    (found,) = flow_reports(flow.run.events)
    return found


# The matrix


def test_the_columns_are_the_steps_of_the_flow_in_its_order() -> None:
    found = only(Flow(Run()).trials("switch", "power-cut", completed=1))
    assert [step.name for step in found.steps] == [name for name, *_ in STEPS]
    assert [step.name for step in found.steps if not step.irreversible] == ["verify", "read-back"]


def test_a_step_that_only_a_trial_names_has_a_column_too() -> None:
    found = only(Flow(Run()).trials("elsewhere", "power-cut", completed=1))
    assert found.steps[-1].title == ("elsewhere", "")


def test_a_cell_adds_what_several_events_say_and_drops_zeros() -> None:
    flow = Flow(Run()).trials("close", "killed", destroyed=2, completed=3, as_before=0)
    found = only(flow.trials("close", "killed", (4, "x"), half_made=1, completed=2))
    cell = found.cell("close", "killed")
    assert list(cell.outcomes.items()) == [("completed", 5), ("destroyed", 2), ("half made", 1)]
    assert (cell.trials, [trial.place for trial in cell.broken]) == (8, ["x"])
    assert found.cell("close", "power-cut").trials == 0


def test_the_sums_add_all_steps_and_all_single_failures() -> None:
    flow = Flow(Run()).trials("close", "killed", completed=3).trials("switch", "killed", completed=4, as_before=1)
    found = only(flow.trials("switch", "late", completed=50).trials("switch", "late+killed", completed=500))
    assert found.of_failure("killed").outcomes == {"completed": 7, "as before": 1}
    assert found.of_step("switch").outcomes == {"completed": 54, "as before": 1}


def test_pairs_of_failures_are_no_rows() -> None:
    flow = Flow(Run()).trials("close", "killed", completed=3).trials("close", "killed+answer-lost", completed=4)
    found = only(flow)
    assert [failure.name for failure in found.single] == ["killed"]
    assert [failure.name for failure in found.pairs] == ["killed+answer-lost"]


def test_what_one_trial_broke_stands_together_and_counts_once() -> None:
    flow = Flow(Run()).trials("switch", "killed", (4, "a"), (1, "b"), (1, "a"), (4, "a"), completed=3)
    found = only(flow.trials("close", "killed", (4, "a"), completed=3))
    assert [
        (finding.step.name, finding.trial.place, [entry["rule"] for entry in finding.trial.entries])
        for finding in found.findings
    ] == [("switch", "a", [1, 4, 4]), ("switch", "b", [1]), ("close", "a", [4])]
    assert {rule.number: rule.broken for rule in found.rules if rule.broken} == {1: 2, 4: 2}
    assert (found.breaches, len(found.cell("switch", "killed").broken), len(found.whole.broken)) == (3, 2, 3)


def test_events_of_a_flow_that_never_started_are_still_shown() -> None:
    run = Flow(Run(), "upgrade").trials("close", "killed", completed=3).end()
    run.events = [event for event in run.events if type(event).__name__ != "FlowStarted"]
    (found,) = flow_reports(run.events)
    assert (found.title, found.start) == (("upgrade", ""), None)


# The timeline


def timed(*entries: tuple[str, float, float, bool], promised: float | None = 480.0) -> TimelineReport:
    """A timeline of entries: kind, seconds, chip seconds, measured."""
    return timeline(
        FlowTimed(
            t=START,
            flow="x",
            entries=[
                {"step": "s", "zh": "步", "en": "step", "kind": kind, "seconds": seconds, "chip_seconds": chip,
                 "commands": 1, "measured": measured}
                for kind, seconds, chip, measured in entries
            ],
            total=sum(entry[1] for entry in entries),
            promised=promised,
        )
    )  # fmt: skip


def test_steps_follow_one_another() -> None:
    found = timed(("human", 60, 0, False), ("station", 2, 1.5, True), ("machine", 30, 0, False))
    assert [(span.begin, span.end) for span in found.spans] == [(0, 60), (60, 62), (62, 92)]
    assert (found.measured, found.budgets, found.total) == (2, 90, 92)


def test_the_station_s_work_stands_in_its_lane_and_its_chip_s_in_the_chip_s() -> None:
    found = timed(("station", 2, 1.5, True), ("chip", 3, 2.0, True), ("chip", 1, 0, True), ("station", 4, 0, True))
    assert [list(span.bars) for span in found.spans] == [
        [(Lane.STATION, 2), (Lane.CHIP, 1.5)],
        [(Lane.CHIP, 2.0), (Lane.STATION, 3)],
        [(Lane.CHIP, 1)],
        [(Lane.STATION, 4)],
    ]
    assert found.lanes == (Lane.STATION, Lane.CHIP)


def test_the_measured_steps_alone_close_up_and_keep_their_numbers() -> None:
    found = timed(("human", 60, 0, False), ("station", 2, 1.5, True), ("machine", 30, 0, False), ("chip", 1, 1, True))
    assert [(span.number, span.begin) for span in found.only_measured().spans] == [(2, 0), (4, 2)]


@pytest.mark.parametrize("seconds", [math.nan, math.inf, -math.inf, -3.0, -(10**400)])
def test_times_that_cannot_be_are_not_drawn(seconds: float) -> None:
    assert timed(("human", seconds, seconds, False), promised=seconds).total == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["chip", "station", "human", "machine", "?"]),
            st.floats(),
            st.floats(),
            st.booleans(),
        ),
        max_size=20,
    ),
    st.none() | st.floats(),
)
def test_every_picture_stays_inside_its_frame(
    entries: list[tuple[str, float, float, bool]], promised: float | None
) -> None:
    picture = Picture(timed(*entries, promised=promised), "x")
    for bar in picture.bars:
        assert 0 <= bar.x <= 99.001
        assert 0 < bar.width <= 98.001
        assert bar.x + bar.width <= 100
        assert picture.head < bar.y < picture.bottom
    assert 1 <= len(list(picture.marks)) <= 10
    for link in picture.links:
        assert link.top < link.bottom <= picture.bottom


def test_the_line_of_eight_minutes_stands_where_eight_minutes_are() -> None:
    """The middle of the picture is half of its 16 minutes, but for the margin."""
    picture = Picture(timed(("human", 960 / 1.02, 0, False)), "x")
    assert picture.x(480) == pytest.approx(50)
    assert picture.x(0) == pytest.approx(1)


@pytest.mark.parametrize(
    ("seconds", "short", "said"),
    [(0.0004, "0:00", "0.40 ms"), (0.25, "0:00", "250 ms"), (59.6, "1:00", "59.6 s"), (480, "8:00", "8:00 min")],
)
def test_times_are_said_as_people_say_them(seconds: float, short: str, said: str) -> None:
    assert (clock(seconds), spoken(seconds)) == (short, said)


# The books


def books(before: list[list[str]] | None, after: list[list[str]] | None, columns: int = 2) -> BooksReport:
    flow = Flow(Run())
    for moment, rows in (("before", before), ("after", after)):
        if rows is not None:
            titles = [(f"列{number}", f"column {number}") for number in range(columns)]
            flow.books(moment, [table(("表", "table"), titles, rows)])
    found = only(flow).books
    assert found is not None
    return found


def changes(before: list[list[str]], after: list[list[str]]) -> list[tuple[Change, str]]:
    (found,) = books(before, after).tables
    return [(row.change, (row.before or row.after or ("",))[0]) for row in found.rows]


def test_rows_of_one_key_stand_side_by_side() -> None:
    assert changes([["a", "1"], ["b", "2"], ["c", "3"]], [["d", "4"], ["b", "9"], ["a", "1"]]) == [
        (Change.SAME, "a"),
        (Change.CHANGED, "b"),
        (Change.REMOVED, "c"),
        (Change.ADDED, "d"),
    ]


def test_a_changed_row_tells_its_changed_cells() -> None:
    (found,) = books([["a", "1"]], [["a", "2"]]).tables
    assert [found.rows[0].differs(column) for column in range(2)] == [False, True]


def test_cards_of_one_number_are_told_apart_by_their_sequence_number() -> None:
    before = [["6217…0017", "01", "normal"], ["6217…0942", "01", "normal"]]
    after = [["6217…0017", "01", "cancelled"], ["6217…0017", "02", "normal"], ["6217…0942", "01", "normal"]]
    (found,) = books(before, after, 3).tables
    assert [(row.change, (row.after or ("",))[:2]) for row in found.rows] == [
        (Change.CHANGED, ("6217…0017", "01")),
        (Change.SAME, ("6217…0942", "01")),
        (Change.ADDED, ("6217…0017", "02")),
    ]


def test_rows_without_a_key_are_compared_in_their_order() -> None:
    before = [["x", "1"], ["x", "2"], ["y", "3"]]
    assert changes(before, [["x", "1"], ["y", "3"], ["y", "4"]]) == [
        (Change.SAME, "x"),
        (Change.REMOVED, "x"),
        (Change.SAME, "y"),
        (Change.ADDED, "y"),
    ]


def test_rows_without_a_key_of_which_nothing_says_what_became_are_gone_and_new() -> None:
    assert changes([["x", "1"], ["x", "1"]], [["z", "1"], ["z", "2"], ["z", "2"]]) == [
        *[(Change.REMOVED, "x")] * 2,
        *[(Change.ADDED, "z")] * 3,
    ]


def test_books_that_were_read_once_tell_no_change() -> None:
    for found in (books([["a", "1"]], None), books(None, [["a", "1"]])):
        assert found.changed == 0
        assert [row.before for row in found.tables[0].rows] == [("a", "1")]


def test_a_table_that_appears_is_new_in_all_its_rows() -> None:
    flow = Flow(Run()).books("before", []).books("after", [table(("表", "table"), [("甲", "a")], [["1"], ["2"]])])
    found = only(flow).books
    assert found is not None
    assert (found.changed, found.tables[0].count(Change.ADDED)) == (2, 2)


rows = st.lists(st.lists(st.sampled_from("abc"), max_size=3), max_size=6)


@given(rows, rows)
def test_no_row_is_lost_or_invented(before: list[list[str]], after: list[list[str]]) -> None:
    (found,) = books(before, after).tables
    width = len(found.columns)
    for side, given_rows in (("before", before), ("after", after)):
        shown = [getattr(row, side) for row in found.rows if getattr(row, side) is not None]
        assert sorted(shown) == sorted(tuple(row) + ("",) * (width - len(row)) for row in given_rows)


def test_compared_books_need_at_least_one_side() -> None:
    assert compared(None, None).tables == ()


def test_the_example_of_the_tests_adds_up() -> None:
    """4:49 by hand: 60+.9+60+15+.42+1.9+.6+60+.05+30+.12+60."""
    assert sum(entry[4] for entry in ENTRIES) == pytest.approx(288.99)


def test_a_length_beyond_all_measure_is_drawn_as_a_long_one() -> None:
    assert timed(("human", 10**400, 0, False)).total == 1e7
