"""Traces of the certificate application: the commands are named, and neither PIN nor key nor name is shown."""

import pytest

from reports.trace import Decoder, Redactor
from reports.trace.redact import redacted
from tests.trace.reading import field, profile

ENVIRONMENT, APPLICATION = "00A404000C504B492EC9E7BBE1B1A3D5CF", "00A404000C53532E434552542E41444631"
ENVELOPE = "804E000178C2020013C1820070" + "11" * 112
# Label, command, answer, and both as a redacted trace shows them: what personalisation programs send (EVO, T10).
EXCHANGES = [
    ("HASH", "80C4010305C10312345600", "3D" * 32 + "9000", "80C4010305" + "XX" * 5 + "00", "XX" * 32 + "9000"),
    ("VERIFY under challenge", "0020018110" + "AB" * 16, "9000", "0020018110" + "XX" * 16, "9000"),
    ("VERIFY under challenge", "0020010010" + "AB" * 16, "63C5", "0020010010" + "XX" * 16, "63C5"),
    ("GENERATE KEY PAIR", "8040000008C0020012C2020013", "9000", "8040000008C0020012C2020013", "9000"),
    ("EXPORT PUBLIC KEY", "80C9820008C0020012C2020013", "9000", "80C9820008C0020012C2020013", "9000"),
    ("EXPORT PUBLIC KEY", "80C9828042", "CA40" + "22" * 64 + "9000", "80C9828042", "CA40" + "22" * 64 + "9000"),
    ("DECIPHER", ENVELOPE, "BC" * 16 + "9000", ENVELOPE, "XX" * 16 + "9000"),
    ("IMPORT SESSION KEY", "804A021012C110" + "BC" * 16, "9000", "804A021012C110" + "XX" * 16, "9000"),
    ("IMPORT PUBLIC KEY", "80C2400046C0020014CA40" + "9D" * 64, "9000", "80C2400046C0020014CA40" + "9D" * 64, "9000"),
    ("IMPORT PRIVATE KEY", "80C2C00126C2020015CB20" + "10" * 32, "9000", "80C2C00126C2020015CB20" + "XX" * 32, "9000"),
    ("CHANGE PIN with MAC", "845E010014" + "91" * 20, "9000", "845E010014" + "XX" * 20, "9000"),
    ("AUTHENTICATE MASTER KEY", "0082000010" + "6C" * 16, "9000", "0082000010" + "6C" * 16, "9000"),
    ("REPLACE MASTER KEY", "84D4010024" + "6C" * 36, "9000", "84D4010024" + "XX" * 32 + "6C" * 4, "9000"),
    ("RELOAD PIN by administrator", "8424018114" + "91" * 20, "9000", "8424018114" + "XX" * 20, "9000"),
    ("COMPUTE DIGITAL SIGNATURE", "002A9E9A20" + "EE" * 32, "11" * 64 + "9000", "002A9E9A20" + "EE" * 32, "11" * 64 + "9000"),
]  # fmt: skip


def inside() -> Decoder:
    """A decoder of a card whose certificate application is selected."""
    card = Decoder(profile())
    card.reset("3B6D00000081544C978684500000000013")
    card.exchange(ENVIRONMENT, "9000")
    card.exchange(APPLICATION, "9000")
    return card


@pytest.mark.parametrize(("label", "command", "answer", "sent", "received"), EXCHANGES)
def test_each_command_is_named_and_its_secrets_are_hidden(
    label: str, command: str, answer: str, sent: str, received: str
) -> None:
    decoded = inside().exchange(command, answer)
    assert decoded.label == label
    assert decoded.problems == ()
    assert decoded.directory == "CERT"
    assert redacted(decoded) == (sent, received)


def test_pins_and_master_keys_are_those_of_their_directory() -> None:
    card = inside()
    assert card.exchange("0020018110" + "AB" * 16, "9000").subject == "USERPIN"
    assert card.exchange("0020010010" + "AB" * 16, "9000").subject == "ADMINPIN"
    assert card.exchange("0082000010" + "6C" * 16, "9000").subject == "MKCERT"
    assert card.exchange("0084000010", "11" * 16 + "9000").held == ("USERPIN", "ADMINPIN", "MKCERT")
    card.exchange(APPLICATION, "9000")
    assert card.exchange("0084000010", "11" * 16 + "9000").held == ("ADMINPIN",)
    card.exchange(ENVIRONMENT, "9000")
    assert card.exchange("0082000010" + "6C" * 16, "9000").subject == "MKPKI"


def test_the_same_bytes_in_the_environment_of_social_security_are_another_command() -> None:
    card = inside()
    card.exchange("00A404000F7378312E73682EC9E7BBE1B1A3D5CF", "9000")
    decoded = card.exchange("0082000010" + "6C" * 16, "9000")
    assert decoded.label == "EXTERNAL AUTHENTICATE"
    assert [entry.name.en for entry in decoded.fields] == ["cryptogram", "original information"]


def test_a_certificate_is_hidden_although_anyone_may_read_it() -> None:
    redactor = Redactor(profile())
    redactor.reset("3B6D00000081544C978684500000000013")
    for command in (ENVIRONMENT, APPLICATION, "00A40000020018"):
        redactor.exchange(command, "9000")
    sent, received = redactor.exchange("00B0000070", "30" * 112 + "9000")
    assert (sent, received) == ("00B0000070", "XX" * 112 + "9000")
    assert redactor.exchange("00D6000002ABCD", "9000")[0] == "00D6000002XXXX"


def test_the_public_key_file_is_shown() -> None:
    card = inside()
    card.exchange("00A40000020012", "9000")
    decoded = card.exchange("00B0000042", "CA40" + "22" * 64 + "9000")
    assert field(decoded, "public signature key").raw == "CA40" + "22" * 64
    assert redacted(decoded)[1] == "CA40" + "22" * 64 + "9000"
