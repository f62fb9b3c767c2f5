"""What ``sscard emulate`` says of slots that other cards have."""

import socketserver
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from emulator.links import cli
from emulator.links.card import NullCard
from emulator.links.vpcd import LinkError, VpcdLink, tcp_connector


def test_a_module_claims_no_slot_that_another_card_has(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its connection stands in the queue of the slot, and nobody asks it anything."""
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as taken:

        def link(card, slot, **options):
            return VpcdLink(card, tcp_connector(taken.server_address[1]), where=f"slot {slot}", **options)

        stack = SimpleNamespace(reader_names=("first", "second"), link=link)
        monkeypatch.setattr(cli, "_choose_stack", lambda choice: nullcontext(stack))
        with pytest.raises(LinkError, match="slot 1 did not take the card"):
            cli._serve_in_stack(NullCard(), cli.StackChoice.running, None, {}, (NullCard(), {}))
    assert capsys.readouterr().out == ""
