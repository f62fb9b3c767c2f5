"""The card as a guest of vicc: with a stand-in for vicc, and in the real one."""

import subprocess
import sys
from pathlib import Path

import pytest

from emulator.cos.memory import PowerLoss
from emulator.links.host import HostedCard, run_in_vicc, vicc_class
from emulator.links.stack import PrivateStack
from emulator.links.vpcd import LinkError
from tests.links.fake import ATR, RecordingCard
from tests.links.fixtures import PcscClient

SELECT = bytes.fromhex("00A40000023F00")
ROOT = Path(__file__).parent.parent.parent


def test_each_method_does_to_the_card_what_vicc_means() -> None:
    card = RecordingCard()
    hosted = HostedCard(card)
    assert hosted.getATR() == ATR
    hosted.powerUp()
    hosted.reset()
    assert hosted.getATR() == ATR
    assert hosted.execute(SELECT) == SELECT[::-1] + b"\x90\x00"
    hosted.powerDown()
    assert card.events == ["cold", "off", "cold", "warm", SELECT, "off"]


def test_torn_card_answers_nothing() -> None:
    class Torn(Exception):
        pass

    def lose() -> None:
        raise Torn

    card = RecordingCard()
    card.gone_at = SELECT
    assert HostedCard(card).execute(SELECT) == b""
    card.on_transmit = lose
    assert HostedCard(card, (Torn,)).execute(SELECT) == b""
    with pytest.raises(Torn):
        HostedCard(card, (PowerLoss,)).execute(SELECT)


VICC = """
class VirtualICC:
    def __init__(self, datasetfile, card_type, host, port):
        self.made = (datasetfile, card_type, host, port)
    def run(self):
        self.os.powerUp()
        assert self.os.execute(b"\\0\\1\\2\\3")
        print(self.made)
"""


@pytest.fixture
def no_vicc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide any vicc that this Python may find, and forget the one that a test brings."""
    monkeypatch.setattr(sys, "path", [path for path in sys.path if "virtualsmartcard" not in path])
    for name in ("virtualsmartcard", "virtualsmartcard.VirtualSmartcard"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.usefixtures("no_vicc")
def test_vicc_is_looked_for_where_debian_puts_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "virtualsmartcard"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "VirtualSmartcard.py").write_text(VICC)
    vicc_class(tmp_path)
    card = RecordingCard()
    run_in_vicc(card, "example.org", 1234)
    assert capsys.readouterr().out == "(None, 'iso7816', 'example.org', 1234)\n"
    assert card.events == ["cold", b"\0\1\2\3"]


@pytest.mark.usefixtures("no_vicc")
def test_missing_vicc_is_said_clearly(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match="apt-get install vsmartcard-vpicc, then pip install pycryptodome"):
        vicc_class(tmp_path / "nowhere")


# Debian's package falls back to Python 2's module `sha` where pycryptodome is missing; our card needs neither.
GUEST = """
import sys, types
sys.modules["sha"] = types.ModuleType("sha")
from emulator.links.card import NullCard
from emulator.links.host import run_in_vicc
run_in_vicc(NullCard(b"\\x12\\x34\\x90\\x00"), "127.0.0.1")
"""


@pytest.mark.pcsc
def test_debians_vicc_keeps_our_card_in_a_real_reader(stack: PrivateStack, client: PcscClient) -> None:
    vicc = subprocess.Popen(stack.inside([sys.executable, "-c", GUEST]), cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        client.connect(stack.reader_names[0])
        assert client.transmit(SELECT) == bytes.fromhex("12349000")
        client.reconnect()
    finally:
        vicc.kill()
        errors = vicc.communicate()[1]
    assert "Traceback" not in errors
