"""From blank to a working file system by commands alone (reconstructed specification §3.5)."""

import pytest

from emulator.apps.build import card_key
from emulator.apps.load import card_of
from emulator.cos.memory import Memory
from emulator.crypto import Algorithm, encrypt_block, encrypt_ecb, mac, pad_length_prefixed
from profiles import load
from tests.apps.conftest import Talk

AID = "D15600000A0A"


def blank():
    return Talk(load("blank"))


def transport_code(talk) -> str:
    """3DES(transport key, 00 00 ‖ ATR bytes 11 to 16)."""
    key = card_key(load("blank"), "MF", "TK", 1)
    return encrypt_block(Algorithm.DES3, key, bytes(2) + talk.card.reset()[11:17]).hex()


def create(kind: str, fid: str, sfi: int, space: int, read: str, write: str, mode: str = "44", record: int = 0) -> str:
    """CREATE FILE with the body of the script."""
    body = f"000000{space:04X}{fid}{kind}00{sfi:02X}{mode}{record:02X}{read}{write}"
    return f"80E0010010{body}"


@pytest.mark.requirement("SSC-LIFE-012")
def test_nothing_is_created_before_the_transport_code():
    talk = blank()
    assert talk.send(create("C6", "EF05", 5, 64, "0000", "0000")) == "6982"
    assert talk.send("80E0030008" + "00" * 8)[:3] == "63C"
    assert talk.send("80E0030008" + transport_code(talk)) == "9000"
    assert talk.send(create("C6", "EF05", 5, 64, "0000", "0000")) == "9000"
    assert talk.send(create("C6", "EF05", 6, 64, "0000", "0000")) == "6A89"
    talk.card.reset()
    assert talk.send(create("C6", "EF06", 6, 64, "0000", "0000")) == "6982"


@pytest.fixture
def built():
    """A DDF with two files, an external authentication key of level 1 and a PIN of level 2."""
    talk = blank()
    profile = load("blank")
    talk.send("80E0030008" + transport_code(talk))
    master = card_key(profile, "MF", "MKMF", 1)
    algorithm = Algorithm(profile.algorithm)

    def write_key(header: str, value: str) -> str:
        data = encrypt_ecb(algorithm, master, pad_length_prefixed(bytes.fromhex(header + value), algorithm.block_size))
        return talk.send(f"80D40000{len(data):02X}{data.hex()}")

    name = "D1560000050A0B"
    body = f"0000000000DDF1D10000000000000000{name}"
    assert talk.send(f"80E00100{len(body) // 2:02X}{body}") == "9000"
    assert talk.send(create("C6", "EF05", 5, 64, "0000", "0001")) == "9000"
    assert talk.send("00E200280B" + "0709443231343335363958") == "9000"
    assert talk.send(create("C4", "EF08", 8, 32, "0002", "00EF")) == "9000"
    assert write_key("0004010033000110", "11" * 16) == "9000"
    assert write_key("1F00010066000210", "123456" + "FF" * 13) == "9000"
    assert talk.send("80E0020000"[:8]) == "9000"
    talk.card.reset()
    assert talk.send(f"00A4040007{name}")[:2] == "61"
    return talk


def test_the_built_application_works(built):
    assert built.send("00B2012C00") == "07094432313433353639589000"
    assert built.send("00B0880000") == "6982"
    assert built.send("0020000003123456") == "9000"
    assert built.send("00B0880000") == "00" * 32 + "9000"
    assert built.send("00DC012C0B" + "0709443231343335363958") == "6982"
    assert built.send("00D6880001FF") == "6982"
    assert built.send(create("C4", "EF09", 9, 32, "0000", "0000")) == "6985"


def test_what_was_built_is_read_from_memory_as_it_was_meant(built):
    again = card_of(Memory(built.card.snapshot()))
    assert again.structure == built.card.structure
    assert again.structure is not built.card.structure


def test_a_written_key_authenticates(built):
    from emulator.crypto import authentication_cryptogram

    challenge = bytes.fromhex(built.send("0084000008")[:16])
    algorithm = built.card.algorithm
    cryptogram = authentication_cryptogram(algorithm, b"\x11" * 16, challenge, bytes(8))
    assert built.send("0082000410" + cryptogram.hex() + "00" * 8) == "9000"
    assert built.send("00DC012C0B" + "0709443231343335363958") == "9000"


def test_a_key_of_an_issued_card_changes_only_under_mac(built):
    profile = load("blank")
    algorithm = built.card.algorithm
    master = card_key(profile, "MF", "MKMF", 1)
    plain = pad_length_prefixed(bytes.fromhex("0004010033000110") + b"\x22" * 16, algorithm.block_size)
    data = encrypt_ecb(algorithm, master, plain)
    assert built.send(f"80D40000{len(data):02X}{data.hex()}") == "6985"
    challenge = bytes.fromhex(built.send("0084000008")[:16])
    header = bytes.fromhex("84D40000") + bytes([len(data) + 4])
    code = mac(algorithm, master, header + data, iv=challenge.ljust(algorithm.block_size, b"\0"))
    command = (header + data + code).hex()
    assert built.send(command[:-2] + f"{code[3] ^ 1:02x}") == "6988"
    assert built.send(command) == "6984"
    challenge = bytes.fromhex(built.send("0084000008")[:16])
    code = mac(algorithm, master, header + data, iv=challenge.ljust(algorithm.block_size, b"\0"))
    assert built.send((header + data + code).hex()) == "9000"
    key = built.card.session.node.authentication_keys[4]
    assert built.card.memory.cells[key.cell(1)] == b"\x22" * 16


def in_creation():
    talk = blank()
    talk.send("80E0030008" + transport_code(talk))
    return talk


@pytest.mark.parametrize(
    ("function", "answer", "left"), [("01", "9000", False), ("02", "6985", True), ("03", "9000", False)]
)
def test_delete_in_the_master_file(function, answer, left):
    talk = in_creation()
    talk.send(create("C6", "EF05", 5, 64, "0000", "0000"), "00A4000002EF05")
    assert talk.send(f"80E100{function}") == answer
    assert (talk.send("00A4000002EF05") == "9000") is left


def test_delete_a_directory_with_its_files():
    talk = in_creation()
    talk.send("80E0010010" + "0000000000DDF1D10000000000000000", create("C6", "EF05", 5, 64, "0000", "0000"))
    assert talk.send("80E10002") == "9000"
    assert talk.send("00A4000002DDF1") == "6A82"
    assert talk.card.session.node is talk.card.master_file


def test_an_internal_file_is_made_with_its_contents_and_only_once():
    talk = in_creation()
    body = "0000000014" + "EF81" + "C300004400EFEFEFEF"
    contents = "0001" + "00" * 16 + "0101"
    assert talk.send(f"80E0010024{body}{contents}") == "9000"
    assert talk.send(f"80E0010024{body}{contents}") == "6A89"
    assert talk.card.memory.cells["file:MF/TF"].hex() == contents
    assert talk.send("80E0010025" + body.replace("EF81", "EF23") + contents + "00") == "6A80"
    assert talk.send("80E0010011" + "0000000010EF05C4000544000000" + "0000" + "00") == "6A80"


def test_the_fci_file_adds_to_the_answer_of_select():
    talk = in_creation()
    name = "D1560000050A0B"
    assert talk.send("80E0010017" + "0000000000DDF1D10000000000000000" + name) == "9000"
    assert talk.send("80E0010016" + "0000000006EF23C300004400EFEFEFEF" + "9F0C03860103") == "9000"
    talk.card.reset()
    length = talk.send(f"00A4040007{name}")
    assert length[:2] == "61"
    assert talk.send("00C00000" + length[2:]) == "6F118407" + name + "A5069F0C03860103" + "9000"


def test_end_waits_for_what_lies_below_and_takes_the_transport_key_away():
    talk = in_creation()
    assert talk.send("80E0010010" + "0000000000DDF1D10000000000000000") == "9000"
    assert talk.send("00A40000023F00")[:2] == "61"
    assert talk.send("80E00200") == "6985"
    assert talk.send("00A4000002DDF1")[:2] == "61"
    assert talk.send("80E00200") == "9000"
    talk.send("00A40000023F00")
    assert talk.send("80E00200") == "9000"
    assert talk.send("80E0030008" + transport_code(talk)) == "6A88"
    assert talk.card.memory.cells["key:MF/TK:1"] == b""
    assert talk.send(create("C4", "EF08", 8, 32, "0000", "0000")) == "6985"
