"""The certificate application through commands: SM2 keys, certificates, master keys. gmalg and OpenSSL are the other side."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.targets.in_process import InProcessTarget
from emulator.crypto.sm2 import message_digest, public_key_of
from profiles.keys import root_key
from tests.apps.certificates import (
    ADMINISTRATOR_PIN,
    ENVIRONMENT,
    PROFILE,
    Terminal,
    block,
    changed,
    mac,
    sm4,
)
from tests.crypto.oracle import sm2_decrypt, sm2_encrypt, sm2_verify

MESSAGE = "社会保障卡".encode()
AUTHORITY = Path(__file__).parents[2] / "profiles" / "parts" / "certificates" / "authority.cer"


# Selection


def test_both_directories_answer_as_a_logged_card_did(terminal: Terminal) -> None:
    assert terminal.send("00A404000C504B492EC9E7BBE1B1A3D5CF00") == "6F14840C504B492EC9E7BBE1B1A3D5CF7304920233309000"
    assert terminal.send("00A404000C53532E434552542E4144463100") == "6F0E840C53532E434552542E414446319000"
    terminal.enter(ENVIRONMENT)
    assert terminal.send("00A4000002DF0100") == "6F0E840C53532E434552542E414446319000"


def test_commands_of_the_application_are_unknown_elsewhere(terminal: Terminal) -> None:
    terminal.enter(ENVIRONMENT)
    assert terminal.send("8040000008C0020012C2020013") == "6D00"
    terminal.enter("7378312E73682EC9E7BBE1B1A3D5CF")
    assert terminal.send("8040000008C0020012C2020013") == "6D00"
    assert terminal.send("0020018110" + "00" * 16) == "6A86"


# Keys


def test_signature_verifies_with_a_second_library(terminal: Terminal) -> None:
    digest = message_digest(public_key(terminal, "0012"), MESSAGE)
    command = f"002A9E9A20{digest.hex()}00"
    assert terminal.send(command) == "6982"
    terminal.verify()
    signature = terminal.data(command)
    assert sm2_verify(public_key(terminal, "0012"), MESSAGE, signature)
    assert not sm2_verify(public_key(terminal, "0012"), MESSAGE + b"!", signature)


def public_key(terminal: Terminal, identifier: str) -> bytes:
    """x‖y of a public key file."""
    found = terminal.read(identifier, 66)
    assert found[:2] == bytes.fromhex("CA40")
    return found[2:]


def test_generated_pair_replaces_the_old_one_and_belongs_together(terminal: Terminal) -> None:
    old = public_key(terminal, "0012")
    assert terminal.send("8040000008C0020012C2020013") == "6982"
    terminal.verify()
    terminal.good("8040000008C0020012C2020013")
    new = public_key(terminal, "0012")
    assert new != old
    terminal.good("80C9820008C0020012C2020013")
    assert terminal.data("80C9828042")[2:] == new
    stored = terminal.card.memory.cells["file:CERT/SIGNPRI"]
    assert isinstance(stored, bytes)
    assert public_key_of(stored) == new
    assert terminal.send("8040000008C0020014C2020015") == "6A80"


def test_public_key_is_fetched_after_it_was_named(terminal: Terminal) -> None:
    assert terminal.send("80C9828042") == "6985"
    terminal.good("80C9820008C0020014C2020015")
    assert terminal.send("80C9828041") == "6C42"
    assert terminal.data("80C9828042")[2:] == public_key(terminal, "0014")
    terminal.enter()
    assert terminal.send("80C9828042") == "6985"
    assert terminal.send("80C9820008C0020012C2020015") == "6A80"


@pytest.mark.parametrize("identifier", ["0013", "0015"])
def test_private_keys_are_never_read_nor_written(terminal: Terminal, identifier: str) -> None:
    terminal.verify()
    terminal.verify(ADMINISTRATOR_PIN, "00")
    terminal.good(f"00A4000002{identifier}")
    assert terminal.send("00B0000020") == "6982"
    assert terminal.send("00D6000020" + "11" * 32) == "6982"
    sfi = 0x80 | int(identifier, 16)
    assert terminal.send(f"00B0{sfi:02X}0020") == "6982"


def import_pair(terminal: Terminal, private_key: bytes, session_key: bytes) -> None:
    """The sequence of the personalisation programs; the envelope is made by gmalg."""
    ciphertext = sm2_encrypt(public_key(terminal, "0012"), session_key)
    opened = terminal.data("804E000178C2020013C1820070" + ciphertext.hex() + "00")
    assert opened == session_key
    terminal.good("804A021012C110" + opened.hex())
    public = public_key_of(private_key)
    terminal.good("80C2400046C0020014CA40" + public.hex())
    terminal.good("80C2C00126C2020015CB20" + sm4(session_key, private_key).hex())


def test_enveloped_encryption_key_is_imported_and_deciphers(terminal: Terminal) -> None:
    terminal.verify()
    private_key = bytes(range(1, 33))
    import_pair(terminal, private_key, bytes(range(16)))
    ciphertext = sm2_encrypt(public_key(terminal, "0014"), MESSAGE)
    assert sm2_decrypt(private_key, public_key(terminal, "0014"), ciphertext) == MESSAGE
    objects = b"\xc2\x02\x00\x15\xc1\x81" + bytes([len(ciphertext)]) + ciphertext
    command = f"804E0001{len(objects):02X}{objects.hex()}00"
    assert terminal.data(command) == MESSAGE
    altered = command[:-4] + f"{int(command[-4:-2], 16) ^ 1:02X}00"
    assert terminal.send(altered) == "6A80"
    assert changed(deciphering_keys="signature key").send(command) == "6A82"


def test_nothing_comes_in_without_envelope_or_right(terminal: Terminal) -> None:
    plain, sealed = "80C2C00026C2020015CB20" + "11" * 32, "80C2C00126C2020015CB20" + "11" * 32
    public = "80C2400046C0020014CA40" + public_key(terminal, "0012").hex()
    for command in (sealed, public, "804A021012C110" + "22" * 16):
        assert terminal.send(command) == "6982"
    terminal.verify()
    assert terminal.send(plain) == "6A86"
    assert terminal.send(sealed) == "6985"
    terminal.good("804A021012C110" + "22" * 16)
    terminal.enter()
    terminal.verify()
    assert terminal.send(sealed) == "6985"
    assert terminal.send(sealed.replace("C2020015", "C2020013")) == "6A80"
    assert terminal.send("80C2400046C0020014CA40" + "11" * 64) == "6A80"
    terminal.good("804A021012C110" + "22" * 16)
    out_of_range = sm4(bytes.fromhex("22" * 16), b"\xff" * 32)
    assert terminal.send("80C2C00126C2020015CB20" + out_of_range.hex()) == "6A80"


def test_a_card_that_lacks_a_key_says_so() -> None:
    content = {name: value for name, value in PROFILE.content["CERT"].items() if name.endswith("CERT")}
    terminal = Terminal(PROFILE.model_copy(update={"content": {**PROFILE.content, "CERT": content}}))
    terminal.enter()
    terminal.verify()
    assert terminal.send("80C9820008C0020012C2020013") == "6985"
    assert terminal.send("002A9E9A20" + "11" * 32 + "00") == "6985"
    terminal.good("8040000008C0020012C2020013")
    terminal.good("80C9820008C0020012C2020013")


def test_signature_command_that_the_profile_denies() -> None:
    terminal = changed(signature_command="none")
    terminal.verify()
    assert terminal.send("002A9E9A20" + "11" * 32 + "00") == "6D00"


# Certificates


@pytest.mark.parametrize(
    ("identifier", "key", "usage"), [("0018", "0012", "Digital Signature"), ("0019", "0014", "Key Encipherment")]
)
def test_openssl_verifies_the_certificates_of_the_card(
    terminal: Terminal, tmp_path: Path, identifier: str, key: str, usage: str
) -> None:
    found = terminal.read(identifier, 1020)
    size = int.from_bytes(found[2:4]) + 4
    certificate = tmp_path / "card.cer"
    certificate.write_bytes(found[:size])
    assert not any(found[size:])
    shown = openssl("x509", "-inform", "DER", "-in", str(certificate), "-noout", "-text", "-nameopt", "utf8")
    assert "CN=渝小样" in shown
    assert usage in shown
    octets = "".join(shown.split("pub:")[1].split("ASN1 OID")[0].split()).replace(":", "")
    assert octets == "04" + public_key(terminal, key).hex()
    for name in ("card", "authority"):
        source = certificate if name == "card" else AUTHORITY
        openssl("x509", "-inform", "DER", "-in", str(source), "-out", str(tmp_path / f"{name}.pem"))
    verdict = openssl(
        "verify",
        "-vfyopt",
        "distid:1234567812345678",
        "-CAfile",
        str(tmp_path / "authority.pem"),
        str(tmp_path / "card.pem"),
    )
    assert verdict.endswith("OK\n")


def openssl(*arguments: str) -> str:
    return subprocess.run(("openssl", *arguments), check=True, capture_output=True, text=True).stdout


def test_a_certificate_is_written_in_pieces(terminal: Terminal) -> None:
    terminal.good("00A40000020018")
    assert terminal.send("00D6000002AAAA") == "6982"
    terminal.verify()
    content = bytes(n * 7 & 0xFF for n in range(1020))
    for start in range(0, 1020, 0x70):
        piece = content[start : start + 0x70]
        terminal.good(f"00D6{start:04X}{len(piece):02X}{piece.hex()}")
    assert terminal.read("0018", 1020) == content
    assert terminal.send("00D603FC01AA") == "6B00"
    assert terminal.send("00D603FB02AAAA") == "6A84"


# Master keys


def master_keys() -> dict[str, bytes]:
    """Both master keys of the card, diversified by gmalg: SM4(root, F ‖ complement of F)."""
    factor = PROFILE.chip.historical[-8:]
    input_block = factor + bytes(byte ^ 0xFF for byte in factor)
    return {name: sm4(root_key(PROFILE, name, 1), input_block) for name in ("MKPKI", "MKCERT")}


def test_master_keys_are_replaced_each_in_its_directory(terminal: Terminal) -> None:
    keys, new = master_keys(), bytes(range(16))
    for names, key in (((ENVIRONMENT,), keys["MKPKI"]), ((), keys["MKCERT"])):
        terminal.enter(*names)
        assert terminal.replace_key(key, new) == "6982"
        assert terminal.authenticate(key) == "9000"
        assert terminal.replace_key(key, new, mac_key=bytes(16)) == "6988"
        assert terminal.replace_key(key, new) == "9000"
        assert terminal.authenticate(key) == "63CE"
        assert terminal.authenticate(new) == "9000"


def test_a_new_master_key_of_another_form_is_refused(terminal: Terminal) -> None:
    key = master_keys()["MKCERT"]
    assert terminal.authenticate(key) == "9000"
    for content in (b"\1\0\0" + bytes(16), bytes(18), bytes(20)):
        covered = bytes.fromhex("84D4010024") + sm4(key, block(content))
        assert terminal.send((covered + mac(key, terminal.challenge(), covered)).hex()) == "6A80"


# Everything else


HEADERS = ("00200181", "845E0181", "84240181", "00820000", "84D40100", "80C40103", "80400000", "80C98200", "80C98280", "804E0001",
           "804A0210", "80C24000", "80C2C001", "002A9E9A")  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    header=st.sampled_from(HEADERS),
    data=st.binary(max_size=130),
    verified=st.booleans(),
    le=st.sampled_from(["", "00"]),
)
def test_any_data_field_is_answered_and_changes_no_secret_but_a_counter(
    header: str, data: bytes, verified: bool, le: str
) -> None:
    terminal = SHARED
    terminal.card.restore(dict(START))
    terminal.enter()
    if verified:
        terminal.verify()
    length = f"{len(data):02X}" if data else ""
    answer = terminal.send(header + length + data.hex() + le)
    assert len(answer) >= 4
    after = terminal.card.memory.cells
    different = {name for name, value in after.items() if START[name] != value}
    if not answer.endswith("9000"):
        assert {name.split(":")[0] for name in different} <= {"tries"}


SHARED = Terminal()
START = SHARED.card.snapshot()


def test_every_cut_of_a_generation_leaves_a_pair_that_belongs_together(terminal: Terminal) -> None:
    target = InProcessTarget(terminal.card)
    for cut in range(1, 20):
        target.renew()
        terminal.enter()
        terminal.verify()
        answer = target.tear(bytes.fromhex("8040000008C0020012C2020013"), cut)
        private, public = (terminal.card.memory.cells[f"file:CERT/{name}"] for name in ("SIGNPRI", "SIGNPUB"))
        assert isinstance(private, bytes)
        assert b"\xca\x40" + public_key_of(private) == public
        if answer is not None:
            assert cut == 6  # two cells: two writes and a mark in the journal, two writes home
            return
    raise AssertionError("the command never ended by itself")
