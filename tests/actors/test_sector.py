"""Records and trips of a sector: what is formatted is parsed again, and any bytes are taken or refused."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.actors.sector import SectorRecord, SectorRecordError, Stop, Trip, TripError

DAYS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)).map(lambda when: when.replace(microsecond=0))
STOPS = st.none() | st.builds(Stop, DAYS, st.integers(0, 99), st.integers(0, 9999), st.integers(0, 99))
DIGITS = st.integers(0, 9999).map(lambda number: f"{number:04d}")
AMOUNTS = st.integers(0, 999_999)
TRIPS = st.builds(
    Trip, st.booleans(), DIGITS, DIGITS, STOPS, STOPS, AMOUNTS, AMOUNTS, st.integers(0, 0xFFFF),
    st.binary(min_size=4, max_size=4),
)  # fmt: skip


@given(TRIPS)
def test_trips(trip):
    raw = trip.to_bytes()
    assert len(raw) == 39
    assert Trip.parse(raw) == trip


@given(st.binary(max_size=80) | st.binary(min_size=39, max_size=39))
def test_any_bytes_are_a_trip_or_refused(raw):
    try:
        trip = Trip.parse(raw)
    except TripError:
        return
    assert trip.to_bytes() == raw


@pytest.mark.parametrize("values", [{"fare": 1_000_000}, {"held": 1_000_000}, {"number": 0x10000}])
def test_too_great_a_trip(values):
    with pytest.raises(TripError):
        Trip(True, "5000", "0001", **values).to_bytes()


@given(
    st.binary(min_size=2, max_size=2), st.integers(0, 255), st.binary(max_size=252), st.integers(0, 255),
    st.integers(0, 255),
)  # fmt: skip
def test_records(identifier, kind, data, valid, lock):
    record = SectorRecord(identifier, kind, data, valid, lock)
    assert SectorRecord.parse(record.to_bytes()) == record


@given(st.binary(max_size=300))
def test_any_bytes_are_a_record_or_refused(raw):
    try:
        record = SectorRecord.parse(raw)
    except SectorRecordError:
        return
    assert record.to_bytes() == raw


def test_too_long_a_record():
    with pytest.raises(SectorRecordError):
        SectorRecord(b"\1\1", 1, bytes(253)).to_bytes()
