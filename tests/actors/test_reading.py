"""Which faults of the card's data end a transaction, and which do not (JR/T 0025.6 §7.4)."""

import pytest

from conformance.actors.terminal import Reason
from conformance.actors.terminal.reading import day_of
from emulator.iso7816 import tlv

from .bench import READ_RECORD, bench, profile, seasoned
from .test_authentication import altered, gone

OPTIONS = 0xA8


def signed_records(**changes):
    first, second = profile().content["DEBIT"]["SFI03"]["records"]
    return {"SFI03": [{**first, **changes}, dict(second)]}


@pytest.mark.requirement("PAY-TRM-005")
@pytest.mark.parametrize("tag", [0x57, 0x5A, 0x5F24, 0x9F08, 0x8C, 0x8D])
def test_missing_mandatory_data_end_it(tag):
    result = bench().pay(100, change=altered(tag, gone))
    assert (result.reason, f"{tag:X}" in result.detail) == (Reason.CARD_ERROR, True)


@pytest.mark.parametrize("tag", [0x5F20, 0x9F1F, 0x5F25, 0x9F0D, 0x9F42, 0x9F61])
def test_other_missing_data_do_not(tag):
    assert bench().pay(100, change=altered(tag, gone), configuration={"capabilities": bytes.fromhex("E0E900")}).approved


def added(extra, where=0x5F20):
    """Another object in the record that has ``where``."""

    def add(command, answer):
        if command.ins != READ_RECORD or not answer.data.startswith(b"\x70"):
            return None
        value = tlv.parse(answer.data)[0].value
        if all(each.tag != where for each in tlv.parse(value)):
            return None
        return answer._replace(data=tlv.build(0x70, value + bytes.fromhex(extra)))

    return add


@pytest.mark.requirement("PAY-TRM-005", "PAY-TRM-006")
@pytest.mark.parametrize(
    ("extra", "ends"),
    [
        ("5F200141", True),
        ("5A086214988660100000", True),
        ("82027D00", True),
        ("940408010200", True),
        ("9F7F020102", False),
        ("DF7F00", False),
        ("9F0B0141", False),
        ("5F30010220", True),
        ("9F0D0100", True),
        ("9F07", True),
    ],
)
def test_repeated_malformed_and_unknown_objects(extra, ends):
    """A wrong length of a name is no reason to end, nor is an unknown object."""
    result = bench().pay(100, change=added(extra))
    assert (result.reason is Reason.CARD_ERROR) is ends


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        (0x5F24, "361331"),
        (0x5F24, "360230"),
        (0x5F25, "AA0101"),
        (0x5A, "62149A8660100000304F"),
        (0x5F34, "0A"),
        (0x8C, "9F"),
    ],
)
def test_values_that_are_none_end_it(tag, value):
    assert bench().pay(100, change=altered(tag, lambda _: bytes.fromhex(value))).reason is Reason.CARD_ERROR


@pytest.mark.requirement("PAY-TRM-005")
@pytest.mark.parametrize(
    "answer",
    ["", "80027D00", "80057D00080102", "80067D0008010203", "80067D0009010200", "80067D0008000200", "80067D0008020100",
     "80067D00F8010200", "77049404080102", "770882027D00940408", "770382017D", "81067D0008010200", "80067D0008010200FF"],
)  # fmt: skip
def test_options_of_another_form_end_it(answer):
    data = bytes.fromhex(answer)

    def other(command, given):
        return given._replace(data=data) if command.ins == OPTIONS else None

    assert bench().pay(100, change=other).reason is Reason.CARD_ERROR


def test_options_in_format_2(new):
    def second_format(command, answer):
        if command.ins != OPTIONS:
            return None
        value = tlv.parse(answer.data)[0].value
        return answer._replace(data=tlv.build(0x77, tlv.build(0x82, value[:2]), tlv.build(0x94, value[2:])))

    assert new.pay(100, change=second_format).reason is Reason.APPROVED_ONLINE


@pytest.mark.requirement("PAY-TRM-005")
@pytest.mark.parametrize("sw", [0x6A83, 0x6281, 0x6F00])
def test_record_that_is_not_given_ends_it(new, sw):
    def refuse(command, answer):
        return answer._replace(sw=sw) if command.ins == READ_RECORD and command.p2 == 0x14 else None

    assert new.pay(100, change=refuse).reason is Reason.CARD_ERROR


def test_list_with_a_hash_takes_the_terminals_own_list():
    """98 in CDOL1, and no 97 on the card: default TDOL, TVR byte 5 bit 8."""
    lists = profile().content["DEBIT"]["SFI03"]["records"][0]
    with_hash = signed_records(**{"8C": lists["8C"] + " 9814"})
    result = seasoned(content=with_hash).pay(100)
    assert (result.reason, result.tvr.hex()) == (Reason.APPROVED_OFFLINE, "0000000080")
    result = seasoned(content=signed_records(**{"8C": lists["8C"] + " 9814", "97": "9F0206"})).pay(100)
    assert (result.reason, result.tvr.hex()) == (Reason.APPROVED_OFFLINE, "0000000000")


@pytest.mark.parametrize(
    ("value", "day"),
    [("361231", "2036-12-31"), ("490101", "2049-01-01"), ("500101", "1950-01-01"), ("240229", "2024-02-29")],
)
def test_days_and_their_century(value, day):
    assert str(day_of(bytes.fromhex(value))) == day


@pytest.mark.parametrize("value", ["", "3612", "250229", "36AA31", "000000"])
def test_no_days(value):
    assert day_of(bytes.fromhex(value)) is None
