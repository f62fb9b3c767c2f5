"""Records of the extended application: read, prepared, opened (rows CAP of the requirements), with both block ciphers."""

import pytest

from emulator.iso7816 import tlv

from .antenna import AAC, ARQC, BALANCE, ONLINE_CAPABLE, TC
from .sector import (
    BUS,
    METRO,
    PARKING,
    RANDOM,
    SEGMENTED,
    TRIPS,
    build_record,
    sector,
)
from .terminal import Terminal


def test_what_the_card_announces(sectors):
    """Rows PAY-CAP-001 and 002."""
    shown = tlv.find(tlv.parse(bytes.fromhex(sectors.select()[:-4])), 0x6F, 0xA5)
    assert shown is not None
    objects = {item.tag: item.value for item in shown.children}
    assert tlv.find(shown.children, 0xBF0C, 0xDF61).value == b"\x82"
    assert (0xDF60, 1) in tlv.parse_tags_and_lengths(objects[0x9F38])


def test_read(sectors):
    """Row PAY-CAP-003."""
    (record,) = sectors.stored()
    assert sectors.capp() == record + "9000"
    assert sectors.capp(BUS) == sectors.stored(BUS)[0] + "9000"


def test_read_with_response_mac(sectors):
    """Row PAY-CAP-005."""
    (record,) = sectors.stored()
    made = sectors.mac(sectors.sector_key(METRO), bytes.fromhex(RANDOM), bytes.fromhex(record))
    assert sectors.capp(number=RANDOM) == record + made + "9000"


def test_a_card_without_response_mac_gives_none(without_response_mac):
    assert without_response_mac.capp(number=RANDOM) == without_response_mac.stored()[0] + "9000"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("80B400B802010100", "6A82"),
        ("80B400A802019900", "6A83"),
        ("80B400A902010100", None),
        ("80B400F002010100", "6981"),
        ("80B4000802010100", "6981"),
        ("80B400A80301010100", "6700"),
        ("80B400A800", "6700"),
        ("80B401A802010100", "6A86"),
        ("80B400AA02010100", "6A86"),
    ],
)
def test_refusals_of_reading(sectors, command, answer):
    """Row PAY-CAP-004."""
    assert sectors.send(command) == (answer or sectors.stored()[0] + "9000")


def test_records_of_one_identifier_follow_each_other(sectors):
    key = sectors.sector_key(METRO)
    second = build_record(data="02" * 39)
    sectors.begin()
    assert sectors.append(second, key=key) == "9000"
    first = sectors.stored()[0]
    assert sectors.capp() == first + "9000"
    assert sectors.capp(following=1) == second + "9000"
    assert sectors.capp(following=1) == "6A83"
    assert sectors.capp() == first + "9000"


def test_the_update_means_the_record_read_last(sectors):
    key = sectors.sector_key(METRO)
    sectors.begin()
    sectors.append(build_record(data="02" * 39), key=key)
    sectors.capp()
    sectors.capp(following=1)
    tap = sectors.begin()
    changed = build_record(data="03" * 39)
    assert sectors.update(changed) == "9000"
    sectors.last(tap)
    assert sectors.stored()[1] == changed
    assert sectors.stored()[0] != changed


def test_a_card_without_extended_application_knows_none_of_it():
    gone = {"DF61": None, "DF62": None, "DF63": None}
    files = {name: {"present": False} for name in (METRO, BUS, PARKING, TRIPS)}
    over = {"directory": {"DEBIT": {"file": files}}, "content": {"DEBIT": dict.fromkeys(files, None)}}
    sectors = Terminal(without(profile_over=over, data=gone))
    sectors.select()
    for command in ("80B400A802010100", "84DE00A80B010104010100AA0011223300", "805A000002000108"):
        assert sectors.send(command) == "6D00"


def without(profile_over, data):
    from profiles.loader import from_table
    from profiles.sources import merge, products, read

    table = merge(read(products()["debit"]), {"directory": profile_over["directory"]})
    debit = table["directory"]["DEBIT"]
    debit["data"] = {tag: value for tag, value in debit["data"].items() if data.get(tag, "") is not None}
    for name in profile_over["content"]["DEBIT"]:
        table["content"]["DEBIT"].pop(name)
    return from_table(table)


@pytest.mark.parametrize("command", ["80B400A802010100", "84DE00A80B010104010100AA0011223300", "805A000002000108"])
def test_nothing_before_an_application_is_selected(command):
    sectors = sector()
    sectors.send("00A404000E325041592E5359532E444446303100")
    assert sectors.send(command) == "6985"


def test_update_becomes_durable_with_the_last_record(sectors):
    """Rows PAY-CAP-009, 012 and 013."""
    before = sectors.stored()
    tap = sectors.begin(SEGMENTED, 300)
    assert tap.kind == TC
    changed = sectors.changed("01")
    assert sectors.update(changed) == "9000"
    sectors.read(tap, but_last=True)
    assert (sectors.stored(), sectors.data("9F79")) == (before, f"{BALANCE:012d}")
    assert sectors.last(tap) == "9000"
    assert (sectors.stored(), sectors.data("9F79")) == ([changed], f"{BALANCE - 300:012d}")
    assert sectors.capp() == changed + "9000"
    assert sectors.logged() == 1


def test_several_updates(sectors):
    """Row PAY-CAP-010."""
    tap = sectors.begin(SEGMENTED, 100)
    metro, bus = sectors.changed("01"), sectors.changed("07", BUS)
    assert sectors.update(metro) == sectors.update(bus, BUS) == "9000"
    sectors.last(tap)
    assert (sectors.stored(), sectors.stored(BUS)) == ([metro], [bus])


def test_the_later_of_two_updates_of_a_record_counts(sectors):
    tap = sectors.begin()
    assert sectors.update(sectors.changed("01")) == sectors.update(sectors.changed("02")) == "9000"
    sectors.last(tap)
    assert sectors.stored()[0][12:14] == "02"


def test_a_charge_without_update(sectors):
    tap = sectors.begin(SEGMENTED, 100)
    assert sectors.last(tap) == "9000"
    assert sectors.data("9F79") == f"{BALANCE - 100:012d}"


@pytest.mark.parametrize("between", ["80CA9F3600", "00B2011400", "80B400A802010100", "FF00000000"])
def test_only_straight_after_the_options_or_another_update(sectors, between):
    """Row PAY-CAP-006."""
    sectors.begin()
    assert sectors.update(sectors.changed("01")) == "9000"
    sectors.send(between)
    assert sectors.update(sectors.changed("02")) == "6985"


def test_not_without_options(sectors):
    assert sectors.update(sectors.changed("01")) == "6985"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"amount": 0, "indicator": 0}, TC),
        ({"amount": BALANCE + 3000}, AAC),
        ({"amount": BALANCE + 3000, "ttq": ONLINE_CAPABLE}, ARQC),
    ],
)
def test_not_in_another_transaction_than_an_approved_one(sectors, values, kind):
    assert sectors.begin(**values).kind == kind
    assert sectors.update(sectors.changed("01")) == "6985"


def test_a_wrong_mac_caches_nothing_and_ends_the_chain(sectors):
    """Row PAY-CAP-007."""
    before = sectors.stored()
    tap = sectors.begin(SEGMENTED, 100)
    assert sectors.update(sectors.changed("01"), wrong=True) == "6988"
    assert sectors.update(sectors.changed("01")) == "6985"
    sectors.last(tap)
    assert sectors.stored() == before


def test_a_mac_of_another_counter_is_wrong(sectors):
    sectors.begin()
    record = sectors.changed("01")
    head = bytes.fromhex(f"84DE00A8{len(record) // 2 + 4:02X}{record}")
    old = sectors.mac(sectors.sector_key(METRO), bytes(6) + b"\0\0", head)
    assert sectors.send(head.hex() + old) == "6988"


@pytest.mark.parametrize(
    ("record", "answer"),
    [
        (build_record(data="00" * 40), "6A84"),
        (build_record(data="00" * 38), "6A80"),
        (build_record("0199", data="00" * 39), "6A83"),
    ],
)
def test_lengths_and_identifier(sectors, record, answer):
    """Row PAY-CAP-008: whatever is wrong, the MAC is judged later, and the chain goes on."""
    tap = sectors.begin()
    assert sectors.update(record, wrong=True) == answer
    assert sectors.update(sectors.changed("01")) == "9000"
    sectors.last(tap)
    assert sectors.stored()[0][12:14] == "01"


def test_a_record_whose_length_byte_lies(sectors):
    sectors.begin()
    record = sectors.changed("01")
    assert sectors.update(record[:4] + "05" + record[6:]) == "6A80"


@pytest.mark.parametrize(("p2", "answer"), [("B8", "6A82"), ("08", "6981"), ("A9", "6A86")])
def test_other_files(sectors, p2, answer):
    sectors.begin()
    assert sectors.send(f"84DE00{p2}0B010104010100AA0011223300") == answer


def test_too_short_an_update(sectors):
    sectors.begin()
    assert sectors.send("84DE00A809010103010100AABBCC00") == "6700"


def test_an_update_without_le_gives_no_response_mac(sectors):
    sectors.begin()
    record = sectors.changed("01")
    head = f"84DE00A8{len(record) // 2 + 4:02X}{record}"
    made = sectors.mac(sectors.sector_key(METRO), bytes(6) + sectors.counter, bytes.fromhex(head))
    assert sectors.send(head + made) == "9000"


def test_a_locked_record(sectors):
    """Row PAY-CAP-031."""
    tap = sectors.begin()
    locked = sectors.stored()[0][:10] + "01" + sectors.stored()[0][12:]
    sectors.update(locked)
    sectors.last(tap)
    assert sectors.capp() == "9407"
    assert sectors.send("00B201AC00") == "9407"
    sectors.begin()
    assert sectors.update(locked) == "9407"


def test_a_record_that_is_no_longer_valid_can_be_read(sectors):
    tap = sectors.begin()
    invalid = sectors.stored()[0][:6] + "00" + sectors.stored()[0][8:]
    assert sectors.update(invalid) == "9000"
    sectors.last(tap)
    assert sectors.capp() == invalid + "9000"


def test_cyclic_file_lists_the_newest_first(sectors):
    trips = [sectors.changed(f"{number:02X}", TRIPS) for number in range(1, 13)]
    for trip in trips:
        tap = sectors.begin()
        assert sectors.update(trip, TRIPS) == "9000"
        sectors.last(tap)
    assert sectors.stored(TRIPS) == trips[:1:-1]
    assert sectors.send("00B201F400") == trips[-1] + "9000"


def test_cyclic_file_whose_newest_record_is_replaced():
    sectors = sector(payment={"settings": {"extended_cyclic_update": "replaced"}})
    tap = sectors.begin()
    trip = sectors.changed("01", TRIPS)
    sectors.update(trip, TRIPS)
    sectors.last(tap)
    assert sectors.stored(TRIPS) == [trip]


def test_cyclic_file_without_records():
    sectors = sector()
    sectors.card.memory.commit({"file:DEBIT/TRIPS": (), "management keys:DEBIT/TRIPS": ()})
    record = build_record(data="00" * 39)
    sectors.begin()
    assert sectors.update(record, TRIPS) == "6A83"
    assert sectors.append(record + "00", TRIPS) == "6A80"
    assert sectors.append(record, TRIPS) == "9000"
    assert sectors.append(record, TRIPS) == "6A84"
    tap = sectors.begin()
    assert sectors.update(sectors.changed("01", TRIPS), TRIPS, key=bytes(range(16))) == "9000"
    assert sectors.last(tap) == "9000"


def test_a_record_is_opened_and_used_with_its_own_key(sectors):
    """Rows PAY-CAP-014 and 016."""
    record, key = build_record("0A0B", data="00" * 10), bytes(range(0x40, 0x50))
    sectors.begin()
    assert sectors.append(record, key=key) == "9000"
    assert sectors.capp(identifier="0A0B") == record + "9000"
    changed = build_record("0A0B", data="01" + "00" * 9)
    tap = sectors.begin()
    assert sectors.update(changed) == "6988"
    tap = sectors.begin()
    assert sectors.update(changed, key=key) == "9000"
    sectors.last(tap)
    assert sectors.capp(identifier="0A0B") == changed + "9000"


@pytest.mark.parametrize(
    ("record", "answer"),
    [
        (build_record("0A0B", data="00" * 59), "6A80"),
        (build_record("0A0B", data="00" * 10)[:4] + "04" + "00" * 13, "6A80"),
        ("", "6700"),
    ],
)
def test_records_that_cannot_be_opened(sectors, record, answer):
    """Row PAY-CAP-015."""
    before = sectors.card.snapshot()
    assert sectors.append(record) == answer
    assert sectors.card.snapshot() == before


def test_a_file_that_is_full(sectors):
    """Row PAY-CAP-015: 192 bytes take three more records of 45."""
    for number in range(3):
        assert sectors.append(build_record(f"0B{number:02X}", data="00" * 39)) == "9000"
    before = sectors.stored()
    assert sectors.append(build_record("0B03", data="00" * 39)) == "6A84"
    assert sectors.stored() == before
    assert sectors.append(build_record("0B04", data="00" * 6)) == "9000"


@pytest.mark.parametrize(("p2", "answer"), [("B8", "6A82"), ("08", "6981"), ("AC", "6A86")])
def test_opening_in_other_files(sectors, p2, answer):
    assert sectors.send(f"04E200{p2}1B{'00' * 27}") == answer


def test_a_wrong_mac_opens_nothing_and_ends_the_scripts(sectors):
    before = sectors.stored()
    assert sectors.append(build_record("0A0B"), wrong=True) == "6988"
    assert sectors.append(build_record("0A0B")) == "6985"
    assert sectors.stored() == before


def test_opening_is_a_script_of_the_bank():
    """After the second GENERATE AC it counts, and a failure is noted."""
    sectors = sector()
    contacts = sectors.contacts
    sectors.card.power_off()
    contacts.power_off()
    contacts.online()
    own = type(sectors).__new__(type(sectors))
    own.__dict__.update(contacts.__dict__)
    assert own.append(build_record("0A0B", data="AA")) == "9000"
    assert own.append(build_record("0A0C", data="AA"), wrong=True) == "6988"
    contacts.start()
    assert contacts.first(0x00).cvr[6:] == "28"
