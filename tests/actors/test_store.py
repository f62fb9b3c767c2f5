"""A store: what belongs together happens as a whole, also where one part stands inside another."""

import sqlite3

import pytest

from conformance.actors.bank import Ledger
from conformance.actors.hosts.authority import AuthorityBooks
from conformance.actors.medical.books import Books
from conformance.actors.outbox import OutboxError, OutboxFile
from conformance.actors.station import Journal, JournalError
from conformance.actors.store import KINDS, Store
from emulator.cos.image import APPLICATION_ID, create_image


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


# Files of several kinds

STORES = (Ledger, Books, Journal, AuthorityBooks, OutboxFile)


def test_every_kind_of_file_has_a_mark_of_its_own():
    assert sorted((*(each.kind for each in STORES), APPLICATION_ID.to_bytes(4, "big").decode())) == sorted(KINDS)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("other", [*STORES, Things, create_image])
def test_a_file_of_another_kind_is_refused_and_stays_as_it_was(tmp_path, store, other):
    """Books of centre and bank both have a table of cards, journal and outbox one of entries."""
    path = tmp_path / "file"
    made = create_image(path, {}) if other is create_image else other(path)
    made.close()
    if store is other:
        store(path).close()
        return
    before = path.read_bytes()
    with pytest.raises((sqlite3.DatabaseError, JournalError, OutboxError), match=r"it is |is no outbox"):
        store(path)
    assert path.read_bytes() == before
    assert store is not OutboxFile or not path.with_name("file.key").exists()


@pytest.mark.parametrize("store", [Ledger, Books, AuthorityBooks])
def test_what_is_no_file_is_told(tmp_path, store):
    for place, sentence in ((tmp_path, "folder"), (tmp_path / "none" / "file", "no such folder")):
        with pytest.raises(sqlite3.OperationalError, match=sentence):
            store(place)
    text = tmp_path / "text"
    text.write_text("no database", "utf-8")
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        store(text)


@pytest.mark.parametrize("make", [Ledger, Books, Journal, lambda path: create_image(path, {})])
def test_what_tells_of_persons_is_for_its_owner_alone(tmp_path, make):
    """Books have names and numbers, an image keys and PINs."""
    path = tmp_path / "file"
    make(path).close()
    assert path.stat().st_mode & 0o777 == 0o600
