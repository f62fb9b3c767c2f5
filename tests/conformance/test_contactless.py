"""The contactless side in the harness: two readers for one card, a card that is moved, another one, none."""

import subprocess
import sys
from pathlib import Path

import pytest

from conformance.failures import BenchError
from conformance.targets.base import Interface
from conformance.targets.in_process import InProcessTarget
from conformance.targets.pcsc import PcscTarget
from conformance.targets.reader import CardInReader
from conformance.targets.virtual_reader import VirtualReaderTarget
from conformance.verdict import Verdict
from emulator import load_card
from emulator.iso7816 import Atr
from emulator.links.stack import PrivateStack
from profiles import load
from tests.conformance.test_foreign_cards import run
from tests.conformance.test_front_ends import sscard, verdicts
from tests.links.fixtures import stack

__all__ = ["stack"]

SELECT_ENVIRONMENT = bytes.fromhex("00A404000F7378312E73682EC9E7BBE1B1A3D5CF")
PPSE = bytes.fromhex("00A404000E325041592E5359532E444446303100")
PHYSICAL = ["certify", "--reader", "00 00", "--expect-card", "500000D1", "--out", "out"]


def both_sides(target):
    """Go there and back, and show that each side is itself."""
    contact = target.connect()
    assert target.interfaces == (Interface.CONTACT, Interface.CONTACTLESS)
    assert target.transmit(PPSE) == b"\x6a\x82"
    antenna = target.switch(Interface.CONTACTLESS)
    assert target.interface is Interface.CONTACTLESS
    assert Atr.parse(antenna).contactless_identity is not None
    assert Atr.parse(antenna).historical == Atr.parse(contact).historical
    assert target.transmit(PPSE).endswith(b"\x90\x00")
    assert target.reset() == target.reset(cold=False) == antenna
    assert target.switch(Interface.CONTACT) == contact
    assert target.transmit(PPSE) == b"\x6a\x82"


def test_both_sides_in_process():
    both_sides(InProcessTarget(load_card("ssc3-sm4")))


@pytest.mark.pcsc
def test_both_sides_in_a_reader():
    target = VirtualReaderTarget(load_card("ssc3-sm4"))
    try:
        both_sides(target)
        assert target.description.contactless_reader != target.description.reader
    finally:
        target.close()


def torn_and_renewed(target):
    """A wrong PIN cut at its first write through the antenna; a fresh card, and copies of a used one, through the antenna."""
    target.connect()
    target.switch(Interface.CONTACTLESS)
    verify = bytes.fromhex("0020000003999999")
    target.transmit(SELECT_ENVIRONMENT)
    assert target.tear(verify, 1) is None
    target.reset()
    target.transmit(SELECT_ENVIRONMENT)
    assert target.tear(verify, 99) in (b"\x63\xc5", b"\x63\xc4")
    target.renew()
    target.transmit(SELECT_ENVIRONMENT)
    assert target.transmit(verify) == b"\x63\xc5"
    put_used_in = target.keep()
    for put_in, left in ((target.renew, 5), (put_used_in, 4), (put_used_in, 4)):
        put_in()
        assert target.interface is Interface.CONTACTLESS
        target.transmit(SELECT_ENVIRONMENT)
        assert target.transmit(verify) == bytes((0x63, 0xC0 | left))


def test_tear_and_renew_through_the_antenna_in_process():
    torn_and_renewed(InProcessTarget(load_card("ssc3-sm4")))


@pytest.mark.pcsc
def test_tear_and_renew_through_the_antenna_in_a_reader():
    target = VirtualReaderTarget(load_card("ssc3-sm4"))
    try:
        torn_and_renewed(target)
    finally:
        target.close()


@pytest.mark.parametrize("product", ["ssc2-3des", "blank"])
def test_a_card_without_antenna(product):
    target = InProcessTarget(load_card(product))
    assert target.interfaces == (Interface.CONTACT,)
    with pytest.raises(ValueError, match="contactless"):
        target.switch(Interface.CONTACTLESS)


# Physical cards


@pytest.mark.pcsc
def test_a_card_in_two_readers(tmp_path: Path, stack: PrivateStack):
    card = load_card("ssc3-sm4")
    before = card.snapshot()
    words = ["--only", "ATR/antenna", "--only", "ATR/both-r", "--only", "ATR/one", "--only", "ATR/sides"]
    with stack.insert(card.contactless(), 1), stack.insert(card):
        without = sscard(*PHYSICAL, *words, cwd=tmp_path, env=stack.environment())
        alone = verdicts(tmp_path / "out" / "run.ndjson")
        done = sscard(*PHYSICAL, "--contactless-reader", "00 01", *words, cwd=tmp_path, env=stack.environment())
    assert (without.returncode, set(alone.values())) == (2, {"not run"})
    assert "--contactless-reader" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    found = verdicts(tmp_path / "out" / "run.ndjson")
    assert done.returncode == 2, done.stderr
    assert set(found.values()) == {"pass"}
    assert len(found) == len(alone) == 5
    assert card.snapshot() == before


@pytest.mark.pcsc
def test_another_card_in_the_field_is_left_alone(tmp_path: Path, stack: PrivateStack):
    profile = load("ssc3-sm4")
    serial = {"01": {"computed": "card identification code", "serial": "00000099"}}
    content = {
        **profile.content,
        "SSSE": {**profile.content["SSSE"], "EF05": {**profile.content["SSSE"]["EF05"], **serial}},
    }
    stranger = load_card(profile.model_copy(update={"content": content}))
    before = stranger.snapshot()
    named = ["certify", "--reader", "00 00", "--expect-card", "500000D15600000500000013", "--out", "out"]
    with stack.insert(stranger.contactless(), 1), stack.insert(load_card("ssc3-sm4")):
        done = sscard(*named, "--contactless-reader", "00 01", "--only", "ATR/", cwd=tmp_path, env=stack.environment())
    assert done.returncode == 3, done.stderr
    assert "nothing was done to it" in done.stderr
    assert "fail" not in verdicts(tmp_path / "out" / "run.ndjson").values()
    assert stranger.snapshot() == before


@pytest.mark.pcsc
def test_a_card_that_is_moved(stack: PrivateStack):
    """One slot at a time, as with a contact reader and a contactless one; the bench asks for each move."""
    card = load_card("ssc3-sm4")
    contact = stack.insert(card)
    asked = []

    def move(zh: str, en: str) -> None:
        asked.append(en)
        contact.remove()
        stack.insert(card.contactless(), 1)

    target = PcscTarget(stack.reader_names[0], contactless_reader=stack.reader_names[1], tell=move)
    try:
        target.connect()
        assert Atr.parse(target.switch(Interface.CONTACTLESS)).contactless_identity is not None
        assert target.transmit(PPSE).endswith(b"\x90\x00")
    finally:
        target.close()
    assert asked == [f"bring the card to the reader {stack.reader_names[1]}"]


@pytest.mark.pcsc
def test_a_card_that_never_comes_is_an_error_of_the_bench(stack: PrivateStack):
    line = CardInReader(stack.reader_names[1])
    try:
        with pytest.raises(BenchError, match="no card came"):
            line.wait_for_card(lambda zh, en: None, seconds=0.05)
    finally:
        line.close()


@pytest.mark.pcsc
def test_a_card_taken_out_of_the_field_is_an_error_of_the_bench(tmp_path: Path, stack: PrivateStack):
    card = load_card("ssc3-sm4")
    left = 200

    def count(command: bytes, response: bytes, seconds: float) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            antenna.remove()

    antenna = stack.insert(card.contactless(), 1, on_exchange=count)
    with stack.insert(card):
        words = ["--contactless-reader", "00 01", "--only", "ATR/both-rights"]
        done = sscard(*PHYSICAL, *words, cwd=tmp_path, env=stack.environment())
    assert left <= 0
    assert done.returncode == 3, done.stderr
    assert set(verdicts(tmp_path / "out" / "run.ndjson").values()) == {"error"}


@pytest.mark.pcsc
def test_a_contactless_reader_alone_shows_the_interface(stack: PrivateStack):
    with stack.insert(load_card("ssc3-sm4").contactless(), 1):
        target = PcscTarget(stack.reader_names[1])
        try:
            target.wait_for_card()
            target.connect()
            assert target.interfaces == (Interface.CONTACTLESS,)
            assert target.interface is Interface.CONTACTLESS
        finally:
            target.close()


@pytest.mark.pcsc
@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--contactless-reader", "00 01"], 2, "name that reader, too"),
        ([*PHYSICAL[1:], "--contactless-reader", "00 00"], 2, "must be another one"),
        ([*PHYSICAL[1:], "--contactless-reader", "Nowhere"], 3, "no reader 'Nowhere'"),
    ],
)
def test_wrong_use(tmp_path: Path, stack: PrivateStack, words: list[str], code: int, sentence: str):
    done = sscard("certify", *words, cwd=tmp_path, env=stack.environment())
    assert (done.returncode, sentence in done.stderr) == (code, True), done.stderr


@pytest.mark.pcsc
def test_the_plugin_has_the_option_too(tmp_path: Path, stack: PrivateStack):
    card = load_card("ssc3-sm4")
    words = ["--sscard-reader", "00 00", "--sscard-contactless-reader", "00 01", "--sscard-expect-card", "500000D1"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs", "conformance.suites", *words]
    with stack.insert(card.contactless(), 1), stack.insert(card):
        done = subprocess.run(
            [*command, "-k", "antenna-history or one-memory"],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=120,
            env=stack.environment(),
        )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


class AntennaAlone(InProcessTarget):
    """A card in a reader that has a field and no contacts."""

    def __init__(self, card):
        super().__init__(card)
        self.switch(Interface.CONTACTLESS)
        self.interfaces = (Interface.CONTACTLESS,)


def test_what_a_payment_card_does_over_contacts_is_not_asked_of_its_antenna():
    """Selection: the contact cases are not run, those of the antenna pass, and nothing counts against the card."""
    plan = {"profile": load("debit"), "only": ("PAY-SEL", "PAY-PIN/right"), "destructive": True}
    _, outcomes, _ = run(AntennaAlone(load_card("debit")), **plan)
    given = {outcome.case.identifier: (outcome.case.side, outcome.verdict) for outcome in outcomes}
    assert given["PAY-SEL/qualifiers/BV"] == (Interface.CONTACTLESS, Verdict.PASS)
    assert given["PAY-PIN/right/BV"] == (Interface.CONTACT, Verdict.NOT_RUN)
    assert {verdict for side, verdict in given.values() if side is Interface.CONTACT} == {Verdict.NOT_RUN}
    assert {verdict for side, verdict in given.values() if side is Interface.CONTACTLESS} == {Verdict.PASS}


@pytest.mark.pcsc
def test_a_card_whose_contacts_get_power_leaves_the_field_and_comes_back(stack: PrivateStack):
    """pcscd takes a card that is there and does not answer for mute until somebody takes it out."""
    card = load_card("debit")
    with stack.insert(card.contactless(), 1):
        reader = CardInReader(stack.reader_names[1])
        try:
            card.reset()
            with pytest.raises(BenchError):
                reader.connect(seconds=1)
            card.power_off()
            reader.wait_for_card(lambda zh, en: None)
            assert Atr.parse(reader.connect(seconds=3)).contactless_identity is not None
        finally:
            reader.close()
