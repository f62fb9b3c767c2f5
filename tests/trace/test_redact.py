"""Secrets never leave a redacted trace."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.trace import Decoder, Redactor
from reports.trace.redact import redacted
from tests.trace.reading import SELECT_SSSE, decoder, profile, walk

SSC = profile()
NAME = "欧阳娜娜".encode("gbk")
PERSONAL = {
    "09": NAME.ljust(30, b"\0"),
    "08": b"500101199001011234",
    "07": b"A1234567X",
    "0D": bytes.fromhex("19900101"),
}


def redactor(known: bool = True) -> Redactor:
    result = Redactor(SSC if known else None)
    result.reset("3B6D00000081544C978684500000000013")
    result.exchange(SELECT_SSSE, "9000")
    return result


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("0020000003123456", "0020000003XXXXXX"),
        ("805E010007123456FF654321", "805E010007XXXXXXXXXXXXXX"),
        ("842400010C72EDF45628BA3A594332FFA2", "842400010CXXXXXXXXXXXXXXXX4332FFA2"),
        ("84240001140896437 2D4298340442ECE435F04241A7C73500A".replace(" ", ""), "8424000114" + "XX" * 16 + "7C73500A"),
        ("80D401000D0D05003433002210AABBCCDDEE", "80D401000D" + "XX" * 13),
        ("80E003000811223344556677 88".replace(" ", ""), "80E0030008" + "XX" * 8),
        ("0082000A1038B8D72DC34521F0102030405060708", "0082000A1038B8D72DC34521F0102030405060708"),
    ],
)
def test_pins_and_keys_in_commands(command: str, expected: str, known: bool) -> None:
    if len(command) % 2:
        command = command.replace("1038B8", "10038B8")
        expected = expected.replace("1038B8", "10038B8")
    assert redactor(known).exchange(command, "9000")[0] == expected


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("tag", PERSONAL)
def test_personal_data_in_records(tag: str, known: bool) -> None:
    value = PERSONAL[tag]
    head = f"{tag}{len(value):02X}"
    command = f"00DC{tag}28{len(value) + 2:02X}{head}{value.hex()}".upper()
    sent, received = redactor(known).exchange(command, f"{head}{value.hex()}9000")
    assert sent == command[:14] + "XX" * len(value)
    assert received == head + "XX" * len(value) + "9000"


def test_the_identification_code_and_the_version_stay_readable() -> None:
    identification = "0110500000D156000005000000133A05F2E39000"
    assert redactor().exchange("00B2012C12", identification)[1] == identification


def test_a_photograph_is_hidden() -> None:
    assert redactor().exchange("00B0880004", "FFD8FFE09000")[1] == "XXXXXXXX9000"


def test_a_secret_that_comes_in_pieces_is_hidden_in_each() -> None:
    trace = redactor()
    record = bytes((0x09, 0x1E)) + PERSONAL["09"]
    trace.exchange("00B2023400", "6120")
    first = trace.exchange("00C0000010", record[:16].hex() + "6110")[1]
    second = trace.exchange("00C0000010", record[16:].hex() + "9000")[1]
    assert first == "091E" + "XX" * 14 + "6110"
    assert second == "XX" * 16 + "9000"


@given(
    st.binary(max_size=6), st.binary(max_size=6), st.sampled_from(sorted(PERSONAL)), st.integers(0, 40), st.booleans()
)
def test_personal_data_in_a_record_that_is_malformed(
    before: bytes, after: bytes, tag: str, length: int, known: bool
) -> None:
    value = PERSONAL[tag]
    answer = before + bytes.fromhex(tag) + bytes((length,)) + value + after
    shown = redactor(known).exchange("00B2023400", answer.hex() + "9000")[1]
    assert value.hex().upper() not in shown


@given(
    st.integers(0, 255), st.sampled_from([0x20, 0x24, 0x5E, 0xD4]), st.binary(min_size=2, max_size=2), st.integers(0, 9)
)
def test_a_pin_in_a_command_whose_class_or_length_is_wrong(cla: int, ins: int, p: bytes, lc: int) -> None:
    command = bytes((cla, ins)) + p + bytes((lc,)) + b"\x98\x76\x54"
    shown = redactor().exchange(command, b"\x67\x00")[0]
    assert "987654" not in shown


@given(st.binary(max_size=4))
def test_a_redacted_trace_decodes_to_the_same_names(noise: bytes) -> None:
    exchanges = [
        (SELECT_SSSE, "6F16840F7378312E73682EC9E7BBE1B1A3D5CFA50388011E9000"),
        ("0020000003123456", "9000"),
        ("00B2023400", "091E" + PERSONAL["09"].hex() + noise.hex() + "9000"),
        ("00B2013420", "0812" + PERSONAL["08"].hex() + "9000"),
    ]
    open_eyed, trace, blind = decoder(), redactor(), decoder()
    for command, response in exchanges:
        clear = open_eyed.exchange(command, response)
        masked = blind.exchange(*trace.exchange(command, response))
        assert [(f.tag, f.start, f.stop) for f in walk(masked.answer) if f.tag] == [
            (f.tag, f.start, f.stop) for f in walk(clear.answer) if f.tag
        ]
        assert masked.state == clear.state


def test_what_is_redacted_is_redacted_again_to_the_same() -> None:
    trace = redactor()
    once = trace.exchange("00B2023420", "091E" + PERSONAL["09"].hex() + "9000")
    assert redactor().exchange(*once) == once


def test_the_masked_form_of_an_exchange_holds_no_secret_anywhere() -> None:
    decoded = decoder().exchange("00B2023420", "091E" + PERSONAL["09"].hex() + "9000").masked()
    assert "欧阳" not in repr(decoded)
    assert NAME.hex().upper() not in repr(decoded)
    assert redacted(decoded)[1] == "091E" + "XX" * 30 + "9000"


def test_the_words_of_the_event_log_pass() -> None:
    assert redactor().exchange("RESET", "3B00") == ("RESET", "3B00")
    assert Decoder(SSC).exchange("POWER OFF", "").kind == "power off"


@pytest.mark.parametrize("tag", PERSONAL)
def test_a_sentence_about_an_exchange_tells_no_secret(tag: str) -> None:
    value = PERSONAL[tag]
    record = f"{tag}{len(value):02X}{value.hex().upper()}"
    trace = redactor()
    trace.exchange("00B2023400", record + "9000")
    bare = value.rstrip(b"\0").hex().upper()
    for sentence in (record + "9000", record.lower(), f"记录 {value.hex()} 不符", bare):
        shown = trace.text(sentence)
        assert bare not in shown.upper()
        assert "XX" in shown


def test_a_sentence_with_a_name_or_a_pin_in_words() -> None:
    trace = redactor()
    trace.exchange("00B2023400", "091E" + PERSONAL["09"].hex() + "9000")
    trace.exchange("0020000003987654", "63C5")
    assert trace.text("姓名为欧阳娜娜，密码 987654") == "姓名为XXXXXXXXXXXXXXXX，密码 XXXXXX"


def test_sentences_without_secrets_stay_as_they_are() -> None:
    trace = redactor()
    trace.exchange("0020000003000000", "63C5")
    trace.exchange("00B2012C12", "0110500000D156000005000000133A05F2E39000")
    for sentence in ("", "6982 / 6A82", "0110500000D156000005000000133A05F2E39000", "记录 1 的标识"):
        assert trace.text(sentence) == sentence


@given(st.text(), st.binary(max_size=12))
def test_any_sentence_is_taken(sentence: str, pin: bytes) -> None:
    trace = redactor()
    trace.exchange(b"\x00\x20\x00\x00" + bytes((len(pin),)) + pin, b"\x90\x00")
    shown = trace.text(sentence)
    assert trace.text(shown) == shown or "XX" in shown
