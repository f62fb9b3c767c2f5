"""Memory: all or nothing, whatever happens; snapshots; images."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator import load_card
from emulator.cos.image import ImageError, create_image, open_image
from emulator.cos.memory import Memory, PowerLoss
from emulator.cos.structure import Structure

VALUES = st.one_of(
    st.integers(0, 2**31), st.binary(max_size=40), st.lists(st.binary(max_size=9), max_size=5).map(tuple)
)
CELLS = st.dictionaries(st.text(min_size=1, max_size=8), VALUES, min_size=1, max_size=5)


def cut_after(writes: int):
    """A write hook that cuts the supply at a write."""
    left = [writes]

    def hook() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise PowerLoss

    return hook


@given(old=CELLS, new=CELLS, writes=st.integers(0, 12))
def test_a_torn_commit_leaves_the_old_values_or_the_new_ones(old, new, writes):
    memory = Memory(dict(old))
    memory.write_hook = cut_after(writes)
    with contextlib.suppress(PowerLoss):
        memory.commit(new)
    assert memory.cells in (old, {**old, **new})


def test_the_switch_comes_after_the_journal_is_complete():
    changes = {"a": 1, "b": 2}
    outcomes = []
    for writes in range(2 * len(changes) + 2):
        memory = Memory({"a": 0, "b": 0})
        memory.write_hook = cut_after(writes)
        with contextlib.suppress(PowerLoss):
            memory.commit(changes)
        outcomes.append(memory.cells["a"])
    # Two journal writes and the mark find the old values; the two writes home and the end the new ones.
    assert outcomes == [0, 0, 0, 1, 1, 1]


@given(old=CELLS, new=CELLS)
def test_restore_brings_back_the_snapshot_and_nothing_else(old, new):
    memory = Memory(dict(old))
    snapshot = memory.snapshot()
    memory.commit(new)
    memory.restore(snapshot)
    assert memory.cells == old
    memory.commit(new)
    assert snapshot == old


def test_an_image_keeps_commits_and_restores(tmp_path):
    path = tmp_path / "card.sscard"
    card = load_card("ssc2-3des", path)
    before = card.snapshot()
    card.memory.commit({"tries:SSSE/PIN": 3})
    card.memory.close()
    again = load_card("ssc2-3des", path)
    assert again.memory.cells == {**before, "tries:SSSE/PIN": 3}
    again.memory.commit({"something new": 1})
    again.restore(before)
    again.memory.close()
    assert open_image(path).cells == before


def test_an_image_needs_no_profile(tmp_path):
    path = tmp_path / "card.sscard"
    load_card("ssc2-3des", path).memory.close()
    assert load_card("ssc3-sm4", path).structure.product == "ssc2-3des"


def test_an_image_in_use_is_refused_in_a_sentence(tmp_path):
    path = tmp_path / "card.sscard"
    card = load_card("ssc2-3des", path)
    with pytest.raises(ImageError, match="in use by another program"):
        open_image(path)
    card.memory.close()


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 50, b"SQLite format 3\0" + bytes(200)])
def test_a_file_that_is_no_image_is_refused_in_a_sentence(tmp_path, content):
    path = tmp_path / "card.sscard"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=r"card\.sscard: .*image"):
        open_image(path)


def test_a_later_format_is_refused(tmp_path):
    path = tmp_path / "card.sscard"
    load_card("ssc2-3des", path).memory.close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(ImageError, match="image format 99"):
        open_image(path)


def test_an_image_is_one_file_when_it_is_closed(tmp_path):
    card = load_card("ssc2-3des", tmp_path / "card.sscard")
    card.memory.commit({"tries:SSSE/PIN": 3})
    card.memory.close()
    assert [path.name for path in tmp_path.iterdir()] == ["card.sscard"]


def test_an_image_of_an_earlier_version_is_opened(tmp_path):
    """Earlier versions kept a rollback journal."""
    path = tmp_path / "card.sscard"
    card = load_card("ssc2-3des", path)
    cells = card.snapshot()
    card.memory.close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        assert database.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    memory = open_image(path)
    assert memory.cells == cells
    memory.close()


def test_an_existing_file_is_not_overwritten(tmp_path):
    path = tmp_path / "precious"
    path.write_text("precious")
    with pytest.raises(ImageError, match="exists already"):
        create_image(path, {})
    assert path.read_text() == "precious"


WRITER = """
import sys
from emulator import load_card
card = load_card("ssc2-3des", sys.argv[1])
value = 0
print("ready", flush=True)
while True:
    value += 1
    card.memory.commit({"left": value, "right": value, "records": (bytes([value % 256]),) * 3})
"""


@pytest.mark.parametrize("delay", [0.0, 0.003, 0.01, 0.03, 0.07])
def test_an_image_survives_kill_9_with_old_or_new_values(tmp_path, delay):
    path = tmp_path / "card.sscard"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    time.sleep(delay)
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    memory = open_image(Path(path))
    left = memory.cells.get("left")
    assert memory.cells.get("right") == left
    if left is not None:
        assert memory.cells["records"] == (bytes([left % 256]),) * 3
    memory.close()


@pytest.mark.parametrize("product", ["ssc3-sm4", "ssc2-3des", "blank"])
def test_a_structure_survives_its_written_form(product):
    structure = load_card(product).structure
    assert Structure.from_json(structure.to_json()) == structure
