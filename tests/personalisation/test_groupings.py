"""Data groupings: what one side writes the other reads, whole or in pieces, and no bytes break a reader."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.actors.bank.groupings import DataFile, DataFileError, DataGrouping, to_bytes
from emulator.apps.personalisation.groups import LONGEST_VALUE, Group, GroupTooLong, split
from emulator.crypto import Algorithm, decrypt_ecb
from profiles.dictionary import find_grouping, groupings, payment_elements

IDENTIFIERS = st.integers(0, 0xFFFF).map(lambda number: f"{number:04X}")
GROUPS = st.lists(st.tuples(IDENTIFIERS, st.binary(max_size=600)), max_size=6)
KNOWN = st.sampled_from(sorted(groupings()))
FILES = st.lists(st.builds(DataGrouping, KNOWN, st.binary(min_size=1, max_size=600)), min_size=1, max_size=8)
KEY = bytes(range(16))


@given(GROUPS)
def test_what_is_written_is_read(groups):
    stream = b"".join(to_bytes(identifier, value) for identifier, value in groups)
    found, rest = split(stream)
    assert (found, rest) == (tuple(Group(int(name, 16), value) for name, value in groups), b"")


@given(GROUPS, st.integers(1, 300))
def test_pieces_give_the_same(groups, size):
    stream = b"".join(to_bytes(identifier, value) for identifier, value in groups)
    found: list[Group] = []
    waiting = b""
    for start in range(0, len(stream), size):
        whole, waiting = split(waiting + stream[start : start + size])
        found += whole
    assert found == list(split(stream)[0])
    assert waiting == b""


@given(st.binary(max_size=400))
def test_any_bytes(data):
    try:
        found, rest = split(data)
    except GroupTooLong:
        return
    assert len(rest) < LONGEST_VALUE + 5
    assert sum(len(group.value) for group in found) + len(rest) <= len(data)
    assert data.endswith(rest)


def test_lengths():
    """A value of 254 bytes has one byte of length, one of 255 three (EMV card personalisation specification)."""
    assert to_bytes("0101", bytes(254))[:4].hex() == "0101fe00"
    assert to_bytes("0101", bytes(255))[:5].hex() == "0101ff00ff"
    assert split(bytes.fromhex("0101FF0001AA"))[0] == (Group(0x0101, b"\xaa"),)
    with pytest.raises(GroupTooLong):
        split(bytes.fromhex("0101FFFFFF"))
    with pytest.raises(ValueError, match="65535"):
        to_bytes("0101", bytes(65536))


@given(FILES, st.sampled_from(list(Algorithm)), st.integers(16, 255))
def test_blocks_carry_all_and_hide_the_secrets(groups, algorithm, room):
    data = DataFile("x", algorithm, tuple(groups))
    found: list[Group] = []
    waiting, before = b"", None
    for block in data.blocks(KEY, room):
        assert 1 <= len(block.data) <= room
        assert not waiting or block.indicator == before
        whole, waiting = split(waiting + block.data)
        assert {find_grouping(group.identifier).enciphered for group in whole} <= {bool(block.indicator)}
        found += whole
        before = block.indicator
    assert waiting == b""
    assert [f"{group.identifier:04X}" for group in found] == [each.identifier for each in groups]
    for group, each in zip(found, groups, strict=True):
        plain = decrypt_ecb(algorithm, KEY, group.value) if each.secret else group.value
        assert plain[: len(each.value)] == each.value
        assert plain[len(each.value) :] in (b"", b"\x80".ljust(len(plain) - len(each.value), b"\0"))


@given(FILES, st.sampled_from(list(Algorithm)))
def test_a_file_is_read_back_with_its_key_alone(groups, algorithm):
    data = DataFile("621498*********0304", algorithm, tuple(groups))
    assert DataFile.from_json(data.to_json(KEY), KEY) == data
    secret = [each for each in groups if each.secret]
    for text, key in ((data.to_json(KEY), None), (data.to_json(KEY), bytes(16)), (data.to_json(), KEY)):
        if secret:
            with pytest.raises(DataFileError):
                DataFile.from_json(text, key)
    for text in (data.to_json(KEY), data.to_json()):
        for each, entry in zip(groups, json.loads(text)["groupings"], strict=True):
            assert ("value" in entry) is not each.secret
            assert not entry.get("enciphered", "").startswith(each.value.hex().upper())


@given(st.one_of(st.text(max_size=60), st.binary(max_size=40).map(lambda raw: raw.decode("latin1"))))
def test_any_text_is_a_file_or_named_as_none(text):
    with pytest.raises(DataFileError):
        DataFile.from_json(text, KEY)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 300) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.fixed_dictionaries({}, optional={"dgi": JSON, "value": JSON, "enciphered": JSON, "length": JSON}), JSON)
def test_any_entries_are_named(entry, card):
    text = json.dumps({"format": 1, "card": card, "algorithm": "3DES", "groupings": [entry]})
    with contextlib.suppress(DataFileError):
        assert DataFile.from_json(text, KEY).algorithm is Algorithm.DES3


def test_the_dictionary_names_tags_that_exist():
    known = set(payment_elements()) | {"A5", "82", "94"}
    for each in groupings().values():
        assert set(each.tags) <= known, each.identifier
        assert len(bytes.fromhex(each.identifier)) == 2


@pytest.mark.parametrize(
    ("identifier", "kind"),
    [(0x0101, "record"), (0x0A05, "record"), (0x1E01, "record"), (0x0D01, "objects"), (0x8000, "keys"), (0x0D07, None),
     (0x0E02, None), (0x1F01, None), (0x0001, None), (0x0100, None), (0x01FF, None), (0x7001, None), (0x8202, "RSA key")],
)  # fmt: skip
def test_which_groupings_there_are(identifier, kind):
    """The first byte is the short identifier, the second the record, but for 0D and 0E (JR/T 0025.10 section 6.4)."""
    found = find_grouping(identifier)
    assert (found and found.kind) == kind
