"""A store: what belongs together happens as a whole, also where one part stands inside another."""

import sqlite3

import pytest

from conformance.actors.store import Store


class Things(Store):
    schema = "CREATE TABLE IF NOT EXISTS thing (name TEXT PRIMARY KEY);"

    def names(self) -> list[str]:
        return [row["name"] for row in self.all("SELECT name FROM thing ORDER BY name")]

    def add(self, name: str) -> None:
        self.run("INSERT INTO thing VALUES (?)", name)


def add_both(store: Things, *names: str) -> None:
    with store.transaction():
        for name in names:
            store.add(name)


def test_a_part_inside_fails_alone():
    store = Things()
    with store.transaction():
        store.add("a")
        with pytest.raises(sqlite3.IntegrityError):
            add_both(store, "b", "a")
        with store.transaction():
            store.add("c")
    assert store.names() == ["a", "c"]


def test_a_part_inside_goes_with_the_whole():
    store = Things()

    def fail():
        with store.transaction():
            with store.transaction():
                store.add("a")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert store.names() == []


def test_nothing_of_a_part_is_seen_by_others_before_the_whole_is_done(tmp_path):
    store, other = Things(tmp_path / "books"), Things(tmp_path / "books")
    with store.transaction():
        with store.transaction():
            store.add("a")
        assert other.names() == []
    assert other.names() == ["a"]


class Related(Store):
    schema = (
        "CREATE TABLE IF NOT EXISTS thing ("
        "name TEXT PRIMARY KEY, other TEXT REFERENCES thing DEFERRABLE INITIALLY DEFERRED);"
    )

    def add(self, name: str, other: str) -> None:
        with self.transaction():
            self.run("INSERT INTO thing VALUES (?, ?)", name, other)


def test_what_cannot_be_committed_is_gone_and_the_next_is_a_whole_of_its_own(tmp_path):
    """COMMIT itself refuses a relation that nothing made good; the transaction must not stay open under the next one."""
    store, other = Related(tmp_path / "books"), Related(tmp_path / "books")
    with pytest.raises(sqlite3.IntegrityError):
        store.add("a", "nothing")
    store.add("b", "b")
    assert [row["name"] for row in other.all("SELECT name FROM thing")] == ["b"]
