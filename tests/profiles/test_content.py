"""From values to the raw records and bytes of a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from profiles import Profile, load
from profiles.content import ContentError, encode_file, faults, identification_code


def _with_content(directory: str, file: str, content: Mapping[str, Any]) -> Profile:
    return load("ssc3-sm4").model_copy(update={"content": {directory: {file: dict(content)}}})


def test_records_are_tag_length_value(ssc3: Profile) -> None:
    records = encode_file(ssc3, "SSSE", "EF06")
    assert records[0] == b"\x08\x12" + b"500000199002280026"
    # 渝小样 in GBK by the code table of GB 2312-80: D3E5 D0A1 D1F9
    assert records[1] == bytes.fromhex("091E D3E5D0A1D1F9" + "00" * 24)
    assert records[2] == bytes.fromhex("4E14" + "00" * 20)
    assert records[4:] == (bytes.fromhex("0B0101"), bytes.fromhex("0C03500103"), bytes.fromhex("0D0419900228"))


def test_absent_values_keep_their_initial_fill(ssc3: Profile) -> None:
    bare = ssc3.model_copy(update={"content": {}})
    assert encode_file(bare, "SSSE", "EF05")[4] == bytes.fromhex("0504FFFFFFFF")
    assert encode_file(bare, "SSSE", "EF05")[1] == bytes.fromhex("020100")
    assert encode_file(bare, "SSSE", "EF07") == bytes(0x300)
    assert encode_file(bare, "DF04", "EF08") == ()


def test_a_repeated_tag_takes_a_list_in_order(ssc3: Profile) -> None:
    records = encode_file(ssc3, "DF03", "EF19")
    assert [record[:7] for record in records if isinstance(record, bytes)] == [
        bytes.fromhex("7927 1803") + kind for kind in (b"110", b"310", b"210", bytes(3))
    ]


def test_the_identification_code_carries_what_the_card_builder_computes(ssc3: Profile) -> None:
    asked = []

    def authentication_code(data: bytes) -> bytes:
        asked.append(data.hex().upper())
        return bytes.fromhex("18E4772A")

    record = encode_file(ssc3, "SSSE", "EF05", authentication_code)[0]
    assert asked == ["500000D15600000500000013"]
    assert record == bytes.fromhex("0110 500000D15600000500000013 18E4772A")
    unissued = encode_file(ssc3, "SSSE", "EF05")[0]
    assert unissued == bytes.fromhex("0110 500000D15600000500000013 FFFFFFFF")


def test_the_identification_code_of_a_real_card() -> None:
    # Reconstructed specification §5.1, Hunan test card of 2012.
    code = identification_code("430299", bytes.fromhex("00000013"), lambda data: bytes.fromhex("3A05F2E3"))
    assert code == bytes.fromhex("430299D156000005000000133A05F2E3")


def test_cyclic_records_come_newest_first_and_leave_the_rest_empty(ssc3: Profile) -> None:
    records = encode_file(ssc3, "DF04", "EF08")
    assert records == (
        bytes.fromhex("0001 32 500000000001 20260112093012 00000000 00003232 0000267A"),
        bytes.fromhex("0000 32 500000000001 20260108154501 00000000 00002134 00001BDA"),
    )


def test_the_medical_amounts_agree_with_the_log(ssc3: Profile) -> None:
    # 37号文 §7: counters 2 + 2, balance 4, paid by the person 4, by the fund 4, year 2, first day 2.
    amounts = encode_file(ssc3, "DF04", "TF")
    assert amounts == bytes.fromhex("0000 0002 00000000") + (0x3232 + 0x2134).to_bytes(4, "big") + (
        0x267A + 0x1BDA
    ).to_bytes(4, "big") + bytes.fromhex("2026 0101")


def test_the_directory_file_names_each_application(ssc3: Profile) -> None:
    # Reconstructed specification §3.5: 70 LL 61 LL 4F LL AID 50 LL label; labels in GBK by the table of GB 2312-80.
    records = encode_file(ssc3, "SSSE", "DIR")
    assert records[0] == bytes.fromhex("701A 6118 4F06D15600000500 500E B9ABB9B2D3A6D3C3D0C5CFA2C7F8")
    assert records[4] == bytes.fromhex("7014 6112 5010 C9FAC3FCD3EBBDA1BFB5D0C5CFA2C7F8")
    assert len(records) == 6


def test_transparent_content_is_padded_to_the_size_of_the_file() -> None:
    profile = _with_content("DF01", "EF16", {"data": "0102"})
    assert encode_file(profile, "DF01", "EF16") == b"\x01\x02" + bytes(0x126)


@pytest.mark.parametrize(
    ("directory", "file", "content", "path", "said"),
    [
        ("SSSE", "EF06", {"0D": "199002281"}, "0D", "9 digits given, 8 fit"),
        ("SSSE", "EF06", {"0D": 19900228}, "0D", "between quotation marks"),
        ("SSSE", "EF06", {"20": "10"}, "20", "no such tag; it has 08, 09, 4E"),
        ("SSSE", "EF06", {"09": ["a", "b"]}, "09", "2 values for 1 record"),
        ("SSSE", "EF05", {"01": {"computed": "sum"}}, "01", "computed"),
        ("SSSE", "EF05", {"01": {"computed": "card identification code"}}, "01", "serial"),
        ("SSSE", "EF05", {"01": {"computed": "card identification code", "serial": "13"}}, "01", "eight hex"),
        ("DF01", "EF15", {"40": [{}, {"57": "4033"}]}, "40.2", "57 学位代码"),
        ("DF01", "EF15", {"40": [{}, {"99": "4033"}]}, "40.2", "no inner element 99"),
        ("DF01", "EF16", {"data": "0"}, "data", "even number"),
        ("DF01", "EF16", {"data": "00" * 297}, "data", "297 bytes given, 296 fit"),
        ("DF01", "EF16", {"01": "1"}, "01", "takes 'data'"),
        ("DF02", "EF07", {"records": [{}] * 5}, "records", "5 records given, the file keeps 4"),
        ("DF02", "EF07", {"records": {}}, "records", "a list"),
        ("DF02", "EF07", {"records": [{}, {"job": "x"}]}, "records.2", "no field job"),
        ("DF04", "TF", {"fields": {"payment year": "20260"}}, "fields", "payment year 支付年度"),
        ("SSSE", "DIR", {"records": []}, "records", "follow from the profile"),
    ],
)
def test_content_that_does_not_fit(directory: str, file: str, content: Mapping[str, Any], path: str, said: str) -> None:
    profile = _with_content(directory, file, content)
    with pytest.raises(ContentError, match=said) as caught:
        encode_file(profile, directory, file)
    assert caught.value.path == path
    assert [fault.path for fault in faults(profile, directory, file)] == [path]


def test_all_faults_of_a_file_are_told_at_once() -> None:
    profile = _with_content("SSSE", "EF06", {"0D": "1", "0A": "12", "0C": "abc xyz", "99": "1"})
    assert [fault.path for fault in faults(profile, "SSSE", "EF06")] == ["99", "0A", "0C"]
