"""A whole personalisation as the trace shows it: every grouping by its name, no key, PIN or person in clear."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.actors.bank.personaliser import Level
from profiles import load
from reports.trace.decode import Decoder
from reports.trace.redact import Redactor
from tests.personalisation.bench import CHIPS, ORDER, Device, chip, data_of, personalise

SECRETS = ("8000", "8010", "8201", "8202", "8203", "8204", "8205")


class Listening:
    """A link that keeps what was said."""

    def __init__(self, link):
        self.link, self.heard = link, []

    def transmit(self, command: bytes) -> bytes:
        answer = self.link.transmit(command)
        self.heard.append((command, answer))
        return answer


def trace_of(level, product="debit"):
    link = Listening(chip(product))
    personalise(link, product, ORDER, level)
    decoder = Decoder(load(CHIPS[product]))
    return [decoder.exchange(*each) for each in link.heard], link.heard


@pytest.mark.parametrize("level", [Level.NONE, Level.MAC])
def test_every_grouping_has_its_name(level):
    decoded, _ = trace_of(level)
    assert [each.label for each in decoded[:3]] == ["SELECT", "INITIALIZE UPDATE", "EXTERNAL AUTHENTICATE with MAC"]
    assert {each.label for each in decoded[3:]} == {"STORE DATA with MAC" if level else "STORE DATA"}
    assert decoded[2].held == ()
    shown = [field for each in decoded[3:] for field in each.fields if field.tag.startswith("DGI")]
    assert [field.tag[4:] for field in shown] == [each.identifier for each in data_of().groupings]
    hidden = {field.tag[4:] for field in shown if field.secret}
    assert set(SECRETS) <= hidden
    assert "0301" not in hidden
    signed = next(field for field in shown if field.tag == "DGI 0301")
    assert {child.tag for child in signed.children[0].children} >= {"5A", "8C", "9F0D", "5F24"}
    assert all(str(child.name) != "未定义的数据元 unknown data element" for child in signed.children[0].children)
    assert decoded[-1].parameters[0].zh == "最后一条"


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("product", ["debit", "debit-sm"])
def test_nothing_secret_is_shown(level, product):
    _, heard = trace_of(level, product)
    redactor = Redactor(load(CHIPS[product]))
    text = "".join("".join(redactor.exchange(*each)) for each in heard)
    person = ("6214980000000001235", "4C492053490", "35303030303031393830")
    groups = {each.identifier: each.value.hex().upper() for each in data_of(product, ORDER).groupings}
    assert not [digits for digits in person if digits in text]
    for each in data_of(product, ORDER).groupings:
        if each.secret:
            assert groups[each.identifier] not in text
    if level is Level.MAC:
        raw = "".join(command.hex().upper() for command, _ in heard)
        assert all(digits in raw for digits in person[:1])


def test_pieces_of_a_grouping():
    device = Device().open()
    whole = bytes.fromhex("0401FE7081FB5A81F8" + "11" * 248)
    decoder = Decoder(load("debit-blank"))
    found = []
    for piece in (whole[:1], whole[1:2], whole[2:100], whole[100:]):
        command = device.protected(0xE2, 0, len(found), piece)
        found.append(decoder.exchange(command, device.target.transmit(command)))
    assert [len(each.fields) for each in found] == [2, 2, 2, 2]
    assert found[2].fields[0].tag == "DGI 0401"
    assert found[2].fields[0].secret
    assert found[3].fields[0].name.en == "continuation of the grouping before"
    assert found[3].fields[0].secret
    assert found[3].sw == 0x9000


@given(st.lists(st.tuples(st.sampled_from([0x80, 0x84]), st.integers(0, 255), st.binary(max_size=60)), max_size=6))
def test_any_groupings_are_decoded_without_loss(blocks):
    decoder = Decoder(None)
    for cla, p1, data in blocks:
        command = bytes((cla, 0xE2, p1, 0, len(data))) + data if data else bytes((cla, 0xE2, p1, 0))
        decoded = decoder.exchange(command, "9000")
        spans = [(field.start, field.stop) for field in decoded.fields]
        assert all(start <= stop <= len(command) for start, stop in spans)
        assert spans == sorted(spans)
