"""What the decoder says of exchanges that are known from outside: transcripts, notices, public programs."""

import pytest

from reports.trace import Decoder
from tests.trace.reading import SELECT_SSSE, decoder, field, walk

# Reconstructed specification §3.6: transcript of a card of version 2.0, and the form with the algorithm object of §2.4.
FCI_2 = "6F16840F7378312E73682EC9E7BBE1B1A3D5CFA50388011E"
FCI_3 = "6F1C840F7378312E73682EC9E7BBE1B1A3D5CFA50988011E9F0C03860103"
# Reconstructed specification §5.1 and §5.2: a test card of Hunan.
ATR = "3B6D0000008131473186504302 00000013"
IDENTIFICATION = "430299D15600000500000013 3A05F2E3".replace(" ", "")


def test_selecting_the_environment_by_name_over_t0() -> None:
    card = decoder("ssc2-3des", selected=False)
    announced = card.exchange(SELECT_SSSE, "6118")
    assert announced.label == "SELECT"
    assert announced.directory == "SSSE"
    assert field(announced, "DF name").text == "sx1.sh.社会保障"
    assert announced.answer == ()
    fetched = card.exchange("00C0000018", FCI_2 + "9000")
    assert (fetched.label, fetched.completes, fetched.subject) == ("GET RESPONSE", "SELECT", "SSSE")
    assert field(fetched, "84").text == "sx1.sh.社会保障"
    assert field(fetched, "88").raw == "1E"
    assert [entry.tag for entry in walk(fetched.answer)] == ["6F", "84", "A5", "88"]


def test_the_algorithm_object_of_a_third_generation_card() -> None:
    fetched = decoder(selected=False).exchange(SELECT_SSSE + "00", FCI_3 + "9000")
    assert field(fetched, "9F0C").raw == "860103"
    assert field(fetched, "86").meaning.en == "SM4"


def test_an_answer_in_several_pieces_is_joined() -> None:
    card = decoder(selected=False)
    card.exchange(SELECT_SSSE, "6110")
    first = card.exchange("00C0000010", FCI_2[:32] + "6108")
    last = card.exchange("00C0000008", FCI_2[32:] + "9000")
    assert first.completes == last.completes == "SELECT"
    assert field(last, "88").raw == "1E"
    assert last.answer_offset == 16


def test_a_wrong_length_and_the_command_again_are_one_command() -> None:
    card = decoder("ssc2-3des")
    refused = card.exchange("00B2012C00", "6C12")
    again = card.exchange("00B2012C12", f"0110{IDENTIFICATION}9000")
    other = card.exchange("00B2022C03", "0201339000")
    assert (refused.completes, again.completes, other.completes) == ("", "READ RECORD", "")
    assert field(again, "01").text == IDENTIFICATION


@pytest.mark.parametrize(
    ("command", "parameters", "subject"),
    [
        ("00B2013406", {"record number 1", "SFI 06"}, "SSSE/EF06"),  # §3.1: READ RECORD by number, SFI
        ("00B2032806", {"first record with tag 03", "SFI 05"}, "SSSE/EF05"),  # §3.1: by tag, SFI
        ("00B2012DFF", {"records from 1 to the last", "SFI 05"}, "SSSE/EF05"),  # §3.1: all records
        ("00B0880000", {"SFI 08, offset 0000"}, "SSSE/EF08"),  # §3.1: READ BINARY, SFI form
        ("00DC092C03050100", {"record number 9", "SFI 05"}, "SSSE/EF05"),
    ],
)
def test_parameters_and_the_file_that_is_addressed(command: str, parameters: set[str], subject: str) -> None:
    decoded = decoder().exchange(command, "6982")
    assert {text.en for text in decoded.parameters} >= parameters
    assert decoded.subject == subject
    assert decoded.file == ""


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ("00A4000002EF05", "SSSE/EF05"),
        ("00A4020002EF06", "SSSE/EF06"),
        ("00A4000002DF01", "DF01"),
        ("00A4010002DF03", "DF03"),
        ("00A4040006D15600000503", "DF04"),
        ("00A40000023F00", "MF"),
    ],
)
def test_where_a_selection_leads(command: str, path: str) -> None:
    decoded = decoder().exchange(command, "9000")
    assert decoded.subject == path


def test_a_refused_selection_leads_nowhere() -> None:
    decoded = decoder().exchange("00A4000002EE77", "6A82")
    assert (decoded.directory, decoded.status.en, decoded.status_kind) == ("SSSE", "file not found", "error")


def test_an_unknown_directory_is_told_by_its_identifier() -> None:
    decoded = decoder().exchange("00A4040008A000000333010106", "9000")
    assert decoded.directory == "A000000333010106"


def test_records_read_with_names_formats_and_codes() -> None:
    card = decoder("ssc2-3des")
    everything = card.exchange("00B2012DFF", f"0110{IDENTIFICATION}0201330304322E30300504201201059000")
    assert [entry.tag for entry in everything.answer] == ["01", "02", "03", "05"]
    assert field(everything, "specification version").text == "2.00"
    assert field(everything, "date of issue").text == "2012-01-05"
    assert "成年人" in field(everything, "card category").meaning.zh


def test_a_template_record_shows_its_inner_objects() -> None:
    value = "5703343033" + "5803080900" + "5928" + "重庆大学".encode("gbk").ljust(0x28, b"\0").hex()
    card = decoder()
    card.exchange("00A4040006D15600000500", "9000")
    decoded = card.exchange("00B202AC36", f"4034{value}9000")
    assert field(decoded, "59").text == "重庆大学"
    assert field(decoded, "57").raw == "343033"


def test_an_element_that_was_never_written_says_so() -> None:
    card = decoder()
    card.exchange("00A4040006D15600000502", "9000")
    assert field(card.exchange("00B2022C06", "6004FFFFFFFF9000"), "60").meaning.en == "initial fill"


def test_a_cyclic_record_reads_by_its_layout() -> None:
    # Details §6.4: sequence 2, type 1, terminal 6, time 7, three amounts of 4; amounts in fen.
    card = decoder()
    card.exchange("00A4040006D15600000503", "9000")
    decoded = card.exchange(
        "00B201441C", "0005325000000000012026010109300000000000000027100000 1F409000".replace(" ", "")
    )
    assert decoded.subject == "DF04/EF08"
    assert field(decoded, "transaction time").text == "2026-01-01 09:30:00"
    assert field(decoded, "amount paid by the person").text == "100.00 元"
    assert field(decoded, "transaction type").meaning.zh == "医疗结算"
    assert field(decoded, "transaction number").text == "5"


def test_external_authentication_with_a_key_version() -> None:
    # Details §9.2, SM4 column.
    card = decoder()
    decoded = card.exchange("0082000A117731EFB5C0ABBEDC010203040506070801", "9000")
    assert decoded.subject == "RKSSSE"
    assert field(decoded, "cryptogram").raw == "7731EFB5C0ABBEDC"
    assert field(decoded, "original information").raw == "0102030405060708"
    assert field(decoded, "key version").raw == "01"
    assert decoded.held == ("RKSSSE",)


def test_internal_authentication_gives_a_cryptogram() -> None:
    decoded = decoder().exchange("008800001011223344556677880102030405060708", "038B8D72DC34521F9000")
    assert field(decoded, "process factor").raw == "1122334455667788"
    assert field(decoded, "cryptogram").raw == "038B8D72DC34521F"


def test_a_medical_purchase() -> None:
    # Details §6.3 and §9.2.
    card = decoder()
    card.exchange("00A4040006D15600000503", "9000")
    sent = card.exchange("B02801011301000000000000271000001F4050000000000116", "6116")
    assert field(sent, "terminal number").raw == "500000000001"
    answer = "00000000" + "00002710" + "00001F40" + "2026" + "0005" + "01" + "00" + "A1B2C3D4"
    init = card.exchange("00C0000016", answer + "9000")
    assert init.completes == "INITIALIZE FOR PURCHASE"
    assert field(init, "transaction number").text == "5"
    assert field(init, "random number").raw == "A1B2C3D4"
    debit = card.exchange("B02C01000F0000000B20260101093000184B012708", "52DDB90B10B0D35C9000")
    assert field(debit, "MAC1").raw == "184B0127"
    assert field(debit, "MAC2").raw == "10B0D35C"


def test_rights_of_an_application_end_with_it_and_those_of_the_environment_stay() -> None:
    # Details §3.4.
    card = decoder()
    assert card.exchange("0020000003123456", "9000").held == ("PIN",)
    card.exchange("00A4040006D15600000500", "9000")
    inside = card.exchange("008200881100000000000000000000000000000000" + "01", "9000")
    assert inside.held == ("PIN", "RK1DF01")
    assert card.exchange("00A4040006D15600000501", "9000").held == ("PIN",)
    assert card.exchange(SELECT_SSSE, "9000").held == ()


def test_a_wrong_pin_gives_no_right() -> None:
    decoded = decoder().exchange("0020000003123456", "63C5")
    assert (decoded.held, decoded.status_kind) == ((), "warning")
    assert "5" in decoded.status.en


def test_the_answer_to_reset_of_a_known_card() -> None:
    # Details §1.2: chip maker 2, operating system 3, card maker 2, city 2, serial 4.
    decoded = Decoder().reset(ATR)
    assert field(decoded, "chip maker").raw == "0081"
    assert field(decoded, "card maker").raw == "8650"
    assert field(decoded, "card serial number").raw == "00000013"


def test_a_malformed_answer_to_reset_says_why() -> None:
    assert "TC1" in Decoder().reset("3B6D00").answer[0].problem


def test_the_words_of_the_event_log() -> None:
    card = decoder()
    for word in ("WARM RESET", "NEW CARD", "COPY OF A CARD"):
        assert card.exchange(word, ATR).kind == "reset"
    assert card.exchange("POWER OFF", "").kind == "power off"
    torn = card.exchange("00DC092C03050100", "POWER LOST AT WRITE 2")
    assert torn.status.en == "power lost before the answer"
    assert card.exchange("hello", "9000").kind == "unreadable"


def test_masked_bytes_stay_unknown() -> None:
    decoded = decoder().exchange("00B2023420", "091E" + "XX" * 30 + "9000")
    name = field(decoded, "name")
    assert (name.raw, name.text) == ("XX" * 30, "")


def test_an_undefined_class_tells_what_the_instruction_resembles() -> None:
    decoded = decoder().exchange("F0A4040000", "6E00")
    assert decoded.label == "CLA F0 INS A4"
    assert "SELECT" in decoded.name.en


@pytest.mark.parametrize("command", ["", "00", "00A404"])
def test_an_incomplete_command_is_shown(command: str) -> None:
    decoded = decoder().exchange(command, "6700")
    assert decoded.name.en == "incomplete command"
    assert decoded.status_kind == "error"
