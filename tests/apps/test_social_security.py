"""Authentication, PINs and maintenance against the worked examples of volume 2 §9.2.

Those examples are the document's own consistency vectors, not official ones; the commands they give are sent whole.
"""

import dataclasses

import pytest

from emulator.crypto import mac_sm4
from profiles import load
from tests.apps.conftest import CHALLENGE, SSSE, Talk

DES_AUTHENTICATION = "0082000410 038B8D72DC34521F 0102030405060708"
SM4_AUTHENTICATION = "0082000A11 7731EFB5C0ABBEDC 0102030405060708 01"


def test_external_authentication_3des(des):
    des.challenge()
    assert des.send(DES_AUTHENTICATION) == "9000"
    assert des.send(DES_AUTHENTICATION) == "6984"


def test_external_authentication_sm4_opens_the_holders_file(sm4):
    assert sm4.send("00B2013400") == "6982"
    sm4.challenge()
    assert sm4.send(SM4_AUTHENTICATION) == "9000"
    assert sm4.send("00B2013400").startswith("0812")


def test_both_lengths_of_the_data_field(sm4):
    sm4.challenge()
    assert sm4.send("0082000A10 7731EFB5C0ABBEDC 0102030405060708") == "9000"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("0082000A0F" + "00" * 15, "6700"),
        ("0082000A08" + "00" * 8, "6700"),
        ("0082007F10" + "00" * 16, "6A88"),
        ("0082008810" + "00" * 16, "6A88"),
        ("0082010A10" + "00" * 16, "6A86"),
        ("0082000A11" + "00" * 16 + "04", "6A88"),
        ("0082000A11" + "00" * 16 + "00", "6A88"),
        ("0082000A10" + "00" * 16, "63CE"),
    ],
)
def test_refusals(sm4, command, answer):
    sm4.challenge()
    assert sm4.send(command) == answer


def test_the_last_of_two_challenges_counts(sm4):
    sm4.challenge(bytes(8))
    sm4.challenge()
    assert sm4.send(SM4_AUTHENTICATION) == "9000"
    sm4.challenge()
    sm4.challenge(bytes(8))
    assert sm4.send(SM4_AUTHENTICATION) == "63CE"


def test_a_key_counts_for_itself_and_is_blocked_in_the_end(sm4):
    for left in range(14, -1, -1):
        sm4.challenge()
        assert sm4.send("0082000A10" + "00" * 16) == f"63C{left:X}"
    sm4.challenge()
    assert sm4.send(SM4_AUTHENTICATION) == "6983"
    sm4.challenge()
    assert sm4.send("0082000410" + "00" * 16) == "63CE"


def test_internal_authentication_gives_the_same_cryptogram(des, sm4):
    """The process factor takes the place of the challenge (§4.5)."""
    field = CHALLENGE.hex() + "0102030405060708"
    assert des.send("0088000010" + field + "00") == "038B8D72DC34521F9000"
    assert sm4.send("0088000011" + field + "0100") == "7731EFB5C0ABBEDC9000"
    assert sm4.send("0088000010" + field) == "6108"


def unlock_puk(talk):
    """Show the card the PUK without its cryptogram."""
    puk = talk.card.session.node.keys["PUK"]
    talk.card.session.grant(puk.bit, locally=False)


@pytest.mark.parametrize(
    ("kind", "unblock", "reload"),
    [
        ("des", "8424000004 89162014", "842400010C 72EDF45628BA3A59 4332FFA2"),
        ("sm4", "8424000004 7E30FB74", "8424000114 08964372D4298340442ECE435F04241A 7C73500A"),
    ],
)
def test_unblock_and_reload(kind, unblock, reload, request):
    talk = request.getfixturevalue(kind)
    assert talk.send("805E010007 123456 FF 654321") == "9000"
    for _ in range(6):
        talk.send("0020000003 999999")
    assert talk.send("0020000003 654321") == "6983"
    talk.challenge()
    assert talk.send(unblock) == "6982"
    unlock_puk(talk)
    assert talk.send(unblock[:-1] + "F") == "6988"
    assert talk.send(unblock) == "6984"
    talk.challenge()
    assert talk.send(unblock) == "9000"
    assert talk.send("0020000003 654321") == "9000"
    talk.challenge()
    assert talk.send(reload) == "9000"
    assert talk.send("0020000003 123456") == "9000"
    assert talk.send(reload) == "6984"


def test_reload_of_the_other_algorithms_length(sm4):
    unlock_puk(sm4)
    sm4.challenge()
    assert sm4.send("842400010C 72EDF45628BA3A59 4332FFA2") == "6700"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("0020000000", "6700"),
        ("0020000009" + "12" * 9, "6700"),
        ("0020010003123456", "6A86"),
        ("00200000031A2B3C", "6A80"),
        ("0020000003000000", "63C5"),
        ("0020000008123456FFFFFFFFFF", "9000"),
        ("805E010006123456654321", "6A80"),
        ("805E010007000000FF654321", "63C5"),
        ("805E010007123456FF65432A", "6A80"),
        ("805E000007123456FF654321", "6A86"),
        ("8024000004" + "00" * 4, "6E00"),
    ],
)
def test_pin_commands(sm4, command, answer):
    assert sm4.send(command) == answer


def test_a_blocked_pin_stays_blocked(sm4):
    answers = [sm4.send("0020000003 000000") for _ in range(7)]
    assert answers == ["63C5", "63C4", "63C3", "63C2", "63C1", "63C0", "6983"]
    assert sm4.send("0020000003 123456") == "6983"
    assert sm4.send("805E010007 123456 FF 654321") == "6983"
    sm4.card.reset()
    assert sm4.send(SSSE, "0020000003 123456") == "6983"


def test_rights_end_with_the_directory(sm4):
    sm4.send("0020000003123456", "00A4040006D15600000500")
    assert sm4.send("00B2012C00").endswith("9000")
    assert sm4.send("00A4040006D15600000501", "00B2013400").endswith("9000")
    sm4.send("00A4040006D15600000500")
    sm4.give_all_rights()
    assert sm4.send("00DC012C04 20023131") == "9000"
    sm4.send("00A4040006D15600000501", "00A4040006D15600000500")
    assert sm4.send("00DC012C04 20023131") == "6982"
    assert sm4.send(SSSE, "00A4040006D15600000500", "00B2012C00") == "6982"


def test_medical_offline_file_needs_pin_and_key(sm4):
    """DF04/EF06: PIN and RK1DF04 (§2.2)."""
    sm4.send("00A4040006D15600000503")
    key = sm4.card.session.node.keys["RK1DF04"]
    assert sm4.send("0020000003123456", "00B2013400") == "6982"
    sm4.card.session.grant(key.bit, locally=True)
    assert sm4.send("00B2013400").endswith("9000")
    sm4.card.session.global_word = 0
    assert sm4.send("00B2013400") == "6982"


def test_issued_cards_create_and_append_nothing(sm4):
    assert sm4.send("80E0010010" + "00" * 16) == "6985"
    assert sm4.send("80E00200") == "6985"
    assert sm4.send("80E1000100"[:8]) == "6985"
    assert sm4.send("00E200280411020000") == "6D00"


@pytest.fixture
def protected(sm4):
    """The SM4 card with SSSE/EF05 under line protection."""
    structure = sm4.card.structure
    ssse = next(d for d in structure.directories if d.name == "SSSE")
    files = tuple(dataclasses.replace(f, protected=f.fid == 0xEF05) for f in ssse.files)
    changed = dataclasses.replace(ssse, files=files)
    directories = tuple(changed if d is ssse else d for d in structure.directories)
    sm4.card.change_structure(dataclasses.replace(structure, directories=directories), {})
    sm4.card.session.global_word = -1
    return sm4


def with_mac(talk, header: str, data: str) -> str:
    """A command with the MAC under the session key of the example (59C9D554…, vol. 2 §9.2)."""
    key = bytes.fromhex("59C9D55423F3B42A2F65596A48077002")
    covered = bytes.fromhex(f"{header}{len(data) // 2 + 4:02X}{data}")
    return (covered + mac_sm4(key, covered)).hex()


def test_a_protected_file_takes_updates_with_mac_only(protected):
    record = "0709443231343335363958"
    assert protected.send(f"00DC072C0B{record}") == "6988"
    command = with_mac(protected, "04DC072C", record)
    assert protected.send(command) == "6984"
    protected.challenge()
    assert protected.send(command) == "9000"
    assert protected.send("00B2072C00") == f"{record}9000"
    protected.challenge()
    assert protected.send(with_mac(protected, "04DC0134", "08120000")) == "6A81"


@pytest.mark.parametrize("verified", [False, True])
def test_changing_the_pin_verifies_it_only_where_the_profile_says_so(verified):
    profile = load("ssc3-sm4")
    settings = profile.settings.model_copy(update={"changed_pin_is_verified": verified})
    talk = Talk(profile.model_copy(update={"settings": settings}))
    talk.send(SSSE)
    assert talk.send("805E010007 123456 FF 654321") == "9000"
    talk.send("00A4040006D15600000500")
    assert talk.send("00B2012C00").endswith("9000" if verified else "6982")
