"""Selection, records, binaries and the answers of T=0 and T=1, against the reconstructed specification."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator import load_card
from profiles import load

SSSE = "00A404000F7378312E73682EC9E7BBE1B1A3D5CF"


@pytest.fixture(scope="module", params=["ssc2-3des", "ssc3-sm4"])
def product(request):
    return load_card(request.param)


@pytest.fixture
def card(product):
    fresh = product.snapshot()
    product.reset()
    yield product
    product.restore(fresh)


def send(card, *commands: str) -> str:
    """Send commands, and hand out the last answer in hexadecimal."""
    answer = b""
    for command in commands:
        answer = card.transmit(bytes.fromhex(command))
    return answer.hex().upper()


def test_transcript_of_a_card_of_version_2():
    """Recorded on a card of 2012 (reconstructed specification §1, §3.6)."""
    card = load_card("ssc2-3des")
    card.reset()
    assert send(card, SSSE) == "6118"
    assert send(card, "00C0000018") == "6F16840F7378312E73682EC9E7BBE1B1A3D5CFA50388011E9000"


def test_answer_of_a_version_3_card_announces_sm4():
    """Built from the algorithm object that readers look for, and of the length seen (§2.4 no. 2)."""
    card = load_card("ssc3-sm4")
    card.reset()
    assert send(card, SSSE) == "611E"
    assert send(card, "00C000001E") == "6F1C840F7378312E73682EC9E7BBE1B1A3D5CFA50988011E9F0C038601039000"


@pytest.mark.parametrize("name", ["7378312E73682EC9E7BBE1B1A3D5CF", "7378312E73"])
def test_select_by_whole_and_partial_name(card, name):
    assert send(card, f"00A40400{len(name) // 2:02X}{name}")[:2] == "61"


def test_next_occurrence_walks_through_the_applications(card):
    send(card, SSSE, "00A4040005D156000005")
    found = [card.session.node.directory.name]
    while send(card, "00A4040205D156000005")[:2] == "61":
        found.append(card.session.node.directory.name)
    assert found == ["DF01", "DF02", "DF03", "DF04", "DF07"]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("00A40000023F00", "61"),
        ("00A4000002DF01", "61"),
        ("00A4010002DF03", "61"),
        ("00A4000002EF05", "9000"),
        ("00A4020002EF05", "9000"),
        ("00A4020002DF01", "6A82"),
        ("00A4010002EF05", "6A82"),
        ("00A4000002EE77", "6A82"),
        ("00A40F0002EF05", "6A86"),
        ("00A4000102EF05", "6A86"),
        ("00A4000001EF", "6700"),
    ],
)
def test_select_by_identifier(card, command, answer):
    assert send(card, SSSE, command).startswith(answer)


def test_a_failed_select_keeps_directory_and_file(card):
    send(card, SSSE, "00A4000002EF05", "00A4000002EE77")
    assert send(card, "00B2030406") == send(card, "00B2032C06")


def test_an_ef_of_another_directory_is_not_found(card):
    assert send(card, SSSE, "00A4040006D15600000501", "00A4000002EF0A") == "6A82"


VERSION = {"ssc2-3des": "322E3030", "ssc3-sm4": "332E3030"}


@pytest.mark.parametrize(
    "command",
    ["00B2032C06", "00B2032C00", "00B2032806", "00B2032906", "00B2030406", "00B2030006"],
)
def test_all_ways_to_the_version_record(card, command):
    """By number and by tag, with SFI and in the current file (§3.1)."""
    version = VERSION[card.structure.product]
    assert send(card, SSSE, "00A4000002EF05", command) == f"0304{version}9000"


def test_le_of_read_record(card):
    """Wrong Le answers 6Cxx and no data; no Le leaves the answer to GET RESPONSE (§1)."""
    send(card, SSSE)
    assert send(card, "00B2012C01") == "6C12"
    assert send(card, "00B2012C") == "6112"
    assert send(card, "00C0000011") == "6C12"
    assert len(send(card, "00C0000012")) == 2 * 0x12 + 4
    assert send(card, "00C0000012") == "6985"


def test_records_from_the_first_to_the_last(card):
    """``00B2 01 05 FF`` answers all records, one after the other (§3.1)."""
    send(card, SSSE, "00A4000002EF05")
    one_by_one = "".join(send(card, f"00B2{number:02X}0400")[:-4] for number in range(1, 8))
    assert send(card, "00B20105FF") == one_by_one + "9000"
    assert send(card, "00B20804FF") == "6A83"


def test_repeated_tags(card):
    """First, next, next, last of tag 40 in DF01/EF15 (vol. 2 §4.4)."""
    send(card, SSSE, "0020000003123456", "00A4040006D15600000500")
    by_number = [send(card, f"00B2{number:02X}AC00") for number in (2, 3, 4)]
    assert [send(card, f"00B240{mode}00") for mode in ("A8", "AA", "AA")] == by_number
    assert send(card, "00B240AA00") == "6A83"
    assert send(card, "00B240A900") == by_number[2]
    assert send(card, "00B240AB00") == by_number[1]


@pytest.mark.parametrize("style", ["00DC003B{}", "00DC013C{}"])
def test_both_styles_of_append_put_a_new_first_record(card, style):
    """P1=00 with 'previous', and record number 1 (§3.1); the oldest goes when the file is full."""
    places = {file.path: file for d in card.structure.directories for file in d.files}
    card.session.node = next(n for n in card.master_file.walk() if n.directory.name == "DF02")
    card.session.local_word = card.session.global_word = -1
    capacity = places["DF02/EF07"].capacity
    records = [bytes([number]) * 0x55 for number in range(capacity + 1)]
    for record in records:
        assert send(card, style.format(f"55{record.hex()}")) == "9000"
    kept = [send(card, f"00B2{number:02X}3C55")[:-4] for number in range(1, capacity + 1)]
    assert kept == [record.hex().upper() for record in reversed(records[1:])]
    assert send(card, f"00B2{capacity + 1:02X}3C55") == "6A83"


@pytest.mark.parametrize("length", [1, 2, 4])
def test_an_empty_cyclic_file_knows_its_record_length(card, length):
    send(card, SSSE, "00A4000002DF04")
    card.session.local_word = -1
    assert send(card, f"00DC00AB{length:02X}" + "31" * length) == "6700"
    assert send(card, "00DC00AB03313131") == "9000"


def test_binary_offsets(card):
    send(card, SSSE, "00A4040006D15600000500")
    assert len(send(card, "00B0960000")) == 2 * 256 + 4
    assert send(card, "00A4000002EF16", "00B0012801") == "6B00"
    assert send(card, "00B0012702") == "6C01"
    assert send(card, "00B0012701") == "009000"
    assert send(card, "00B201B400") == "6981"


def test_type_of_file(card):
    assert send(card, SSSE, "00A4000002EF05", "00B0000004") == "6981"
    assert send(card, "00B2010700") == "6A86"
    assert send(card, SSSE, "00B2010400") == "6986"
    assert send(card, "00B201E400") == "6A82"


def test_t1_sends_at_once_what_le_allows():
    profile = load("ssc3-sm4")
    block = profile.model_copy(update={"chip": profile.chip.model_copy(update={"protocol": "T=1"})})
    card = load_card(block)
    assert card.reset()[:3].hex() == "3b8d01"
    assert send(card, SSSE + "00").startswith("6F1C")
    assert send(card, SSSE) == "9000"
    assert send(card, "00C000001E") in ("6D00", "6E00")


@settings(max_examples=400)
@given(raw=st.binary(max_size=300), before=st.lists(st.sampled_from([SSSE, "00A4040006D15600000500", "0084000008"])))
def test_any_bytes_get_a_status_word_and_the_card_lives_on(raw, before):
    card = _SHARED
    card.reset()
    send(card, *before)
    assert len(card.transmit(raw)) >= 2
    assert send(card, SSSE)[:2] in ("61", "6A")


_SHARED = load_card("ssc3-sm4")
