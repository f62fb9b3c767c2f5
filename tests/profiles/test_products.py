"""The products that come along, against the tables of the specification."""

from __future__ import annotations

import pytest

from profiles import Profile, available, load, profile_sha256
from profiles.checks import check
from profiles.content import encode_file
from profiles.dictionary import element
from profiles.keys import root_key

from .notice37 import FILES, KEYS, RIGHTS, rows

LEVELS = {"2": 1, "4": 2, "6": 3}


DEPARTS = {"debit-plain": ["directory.DEBIT.data.9F68"]}
"""What a product leaves out although the standard asks for it: the card without 9F68 is there to be without."""


def test_the_products_are_these() -> None:
    assert available() == [
        "blank",
        "blank-3des",
        "debit",
        "debit-blank",
        "debit-dual",
        "debit-either",
        "debit-plain",
        "debit-prepaid",
        "debit-sm",
        "debit-sm-blank",
        "debit-total",
        "psam-3des",
        "psam-sm4",
        "ssc2-3des",
        "ssc2-blank",
        "ssc3-blank",
        "ssc3-sm4",
    ]


@pytest.mark.parametrize("name", available())
def test_a_product_is_good_and_departs_from_nothing(name: str) -> None:
    profile = load(name)
    assert profile.name == name
    assert [problem.path for problem in check(profile)] == DEPARTS.get(name, [])
    assert profile_sha256(profile) == profile_sha256(load(name))


@pytest.mark.parametrize("product", ["ssc2-3des", "ssc3-sm4"])
@pytest.mark.parametrize("name", FILES)
def test_files_hold_the_records_of_the_standard(product: str, name: str) -> None:
    profile = load(product)
    directory, _, file = name.partition("/")
    if directory == "DF06":
        assert directory not in profile.directory
        return
    if name == "SSSE/EF0D" and product == "ssc2-3des":
        assert file not in profile.directory[directory].file
        return
    expected = [row.tag for row in rows(FILES[name]) for _ in range(row.times)]
    assert list(profile.directory[directory].file[file].elements) == expected
    records = encode_file(profile, directory, file)
    assert [record[0:2].hex().upper() for record in records if isinstance(record, bytes)] == [
        f"{row.tag}{row.length:02X}" for row in rows(FILES[name]) for _ in range(row.times)
    ]


@pytest.mark.parametrize("name", RIGHTS)
def test_structure_and_rights_are_those_of_the_standard(ssc2: Profile, name: str) -> None:
    directory, _, file_name = name.partition("/")
    if directory == "DF06":
        assert directory not in ssc2.directory
        return
    file = ssc2.directory[directory].file[file_name]
    shape, read, update = RIGHTS[name].split()
    structure, _, number = shape.partition(":")
    assert file.structure == structure
    if structure == "transparent":
        assert file.size == int(number, 16)
    if structure == "cyclic":
        assert file.records == int(number)
    assert str(file.read) == read.replace("|", " or ").replace("&", " and ")
    assert str(file.update) == update
    assert file.short_identifier == int(file_name[2:], 16)


def test_every_file_of_the_standard_and_no_other(ssc2: Profile) -> None:
    own = {"SF", "TF", "DIR"}
    found = {
        f"{name}/{file}"
        for name, directory in ssc2.directory.items()
        if directory.application != "debit"
        for file in directory.file
        if file not in own
    }
    assert found == {name for name in RIGHTS if not name.startswith("DF06")}


@pytest.mark.parametrize("name", KEYS)
def test_keys_are_those_of_the_table(ssc2: Profile, name: str) -> None:
    kid, sam, *hsm = KEYS[name].split()
    (key,) = [directory.key[name] for directory in ssc2.directory.values() if name in directory.key]
    assert key.kid is not None
    assert (key.kid.hex().upper(), key.sam, list(key.hsm)) == (kid, sam, hsm)
    assert key.levels == LEVELS[sam[0]]
    if hsm:
        assert key.versions == len(hsm)


def test_national_keys_have_three_levels(ssc2: Profile) -> None:
    three = {name for d in ssc2.directory.values() for name, key in d.key.items() if key.levels == 3}
    assert {"IRK", "RK1DF01", "RK1DF02", "RK1DF03", "RK2DF03", "RK1DF04"} <= three
    assert not three & {"STK", "UKSSSE", "RKSSSE", "UK1DF01"}


# Reconstructed specification §9 no. 8: identifiers of DF05 and DF07 go on from 83 in table order, marked as inferred.
def test_inferred_key_identifiers_are_marked(ssc2: Profile) -> None:
    kids = {name: key.kid.hex() for name, key in ssc2.directory["DF07"].key.items() if key.kid and name != "MKDF07"}
    assert kids == {
        f"{kind}{n}DF07": f"{0x82 + n + 3 * (kind == 'UK'):02x}" for kind in ("RK", "UK") for n in (1, 2, 3)
    }
    assert all(key.confidence == "I" for name in ("DF05", "DF07") for key in ssc2.directory[name].key.values())


@pytest.mark.parametrize(
    ("name", "fid", "aid"),
    [
        ("SSSE", "DDF1", "7378312E73682EC9E7BBE1B1A3D5CF"),
        ("DF01", "DF01", "D15600000500"),
        ("DF02", "DF02", "D15600000501"),
        ("DF03", "DF03", "D15600000502"),
        ("DF04", "DF04", "D15600000503"),
        ("DF05", "DF05", None),
        ("DF07", "DF07", "D15600000504"),
    ],
)
def test_directories_of_the_standard(ssc2: Profile, name: str, fid: str, aid: str | None) -> None:
    directory = ssc2.directory[name]
    assert directory.fid == bytes.fromhex(fid)
    assert directory.aid == (bytes.fromhex(aid) if aid else None)


def test_the_environment_is_named_in_gbk(ssc2: Profile) -> None:
    assert ssc2.directory["SSSE"].aid == "sx1.sh.社会保障".encode("gbk")


def test_what_a_third_generation_card_has_otherwise(ssc2: Profile, ssc3: Profile) -> None:
    # Reconstructed specification §2.4 and §3.6: the objects inside A5 are 88 01 1E and 9F0C 03 860103.
    assert (ssc3.specification, ssc3.algorithm) == ("3.00", "SM4")
    assert ssc3.directory["SSSE"].proprietary == bytes.fromhex("9F0C03860103")
    assert ssc2.directory["SSSE"].proprietary == b""
    assert str(ssc3.directory["SSSE"].file["EF06"].read) == "RKSSSE"
    assert str(ssc3.directory["SSSE"].file["EF05"].read) == "free"
    changed = {"EF06", "EF08", "EF0D"}
    for name, directory in ssc2.directory.items():
        for file_name, file in directory.file.items():
            if name != "SSSE" or file_name not in changed:
                assert ssc3.directory[name].file[file_name] == file
    assert all(key.length == 16 for directory in ssc3.directory.values() for key in directory.key.values())
    short = {name for directory in ssc2.directory.values() for name, key in directory.key.items() if key.length == 8}
    assert short == {"STK", *(f"STKDF0{number}" for number in (1, 2, 3, 4, 5, 7))}


def test_key_files_are_never_open(ssc3: Profile) -> None:
    for directory in ssc3.directory.values():
        for file in directory.file.values():
            if file.structure == "internal":
                assert file.read.is_never
                assert file.update.is_never
    own = [d for d in ssc3.directory.values() if d.application in ("chip", "social security")]
    assert all("SF" in directory.file for directory in own)


def test_a_blank_card_has_a_master_file_and_a_transport_key() -> None:
    blank = load("blank")
    assert list(blank.directory) == ["MF"]
    assert blank.life_cycle == "blank"
    assert blank.directory["MF"].key["TK"].use == "transport"
    assert not blank.directory["MF"].file


@pytest.mark.parametrize(("chip", "card"), [("ssc3-blank", "ssc3-sm4"), ("ssc2-blank", "ssc2-3des")])
def test_a_blank_chip_has_what_its_card_has_from_the_maker(chip: str, card: str) -> None:
    """All but social security; nothing of a bank's or of a holder's."""
    blank, product = load(chip), load(card)
    made = {name for name, found in product.directory.items() if found.application != "social security"}
    assert blank.directory.keys() == made
    assert blank.life_cycle == "blank"
    assert not blank.content
    assert blank.algorithm == product.algorithm
    assert blank.specification == product.specification
    assert blank.has_antenna == product.has_antenna
    for name in made - {"DEBIT", "MF"}:
        one, other = blank.directory[name], product.directory[name]
        assert one.model_dump(exclude={"key", "pin"}) == other.model_dump(exclude={"key", "pin"})
        assert one.key.keys() == other.key.keys()
    waiting, payment = blank.directory["DEBIT"].personalisation, product.directory["DEBIT"].payment
    assert waiting is not None
    assert payment is not None
    assert waiting.settings == payment.settings
    assert waiting.algorithm == payment.algorithm
    assert waiting.product == card


def test_a_blank_chip_has_the_secrets_that_certificates_are_issued_with(ssc3: Profile) -> None:
    blank, rules = load("ssc3-blank"), ssc3.directory["CERT"].certificates
    assert rules is not None
    assert blank.directory["PKI"].pin["ADMINPIN"].value == rules.initial_administrator_pin
    for name in ("MKPKI", "MKCERT"):
        assert root_key(blank, name, 1) == rules.initial_master_key
        assert root_key(ssc3, name, 1) != rules.initial_master_key


def test_the_holder_is_invented(ssc3: Profile) -> None:
    holder = ssc3.content["SSSE"]["EF06"]
    assert holder["08"].startswith("500000")  # the area of the whole municipality, in which no number is issued
    assert "样" in holder["09"]


def test_some_elements_keep_their_initial_fill_and_most_do_not(ssc3: Profile) -> None:
    filled = empty = 0
    for name, directory in ssc3.directory.items():
        for file_name, file in directory.file.items():
            if file.elements and name != "DF05":
                for tag, record in zip(file.elements, encode_file(ssc3, name, file_name), strict=True):
                    assert isinstance(record, bytes)
                    is_empty = element(tag).is_initial_fill(record[2:])
                    filled, empty = filled + (not is_empty), empty + is_empty
    assert filled > empty > 10


def test_the_photo_is_a_small_jpeg_of_the_prescribed_size(ssc3: Profile) -> None:
    # 37号文 §8: 24 bits, 26 × 32 mm at more than 300 dpi, at most 4096 bytes. Markers: ISO/IEC 10918-1, JFIF 1.02.
    photo = encode_file(ssc3, "SSSE", "EF08")
    assert isinstance(photo, bytes)
    assert len(photo) == 0x1000
    assert photo.rstrip(b"\x00").endswith(b"\xff\xd9")
    assert photo[:4] == b"\xff\xd8\xff\xe0"
    assert photo[13:18] == b"\x01" + (350).to_bytes(2, "big") * 2
    position = 2
    while photo[position + 1] != 0xC0:
        position += 2 + int.from_bytes(photo[position + 2 : position + 4], "big")
    bits, height, width, components = (
        photo[position + 4],
        photo[position + 5 : position + 7],
        photo[position + 7 : position + 9],
        photo[position + 9],
    )
    assert bits * components == 24
    millimetres = [int.from_bytes(side, "big") / 350 * 25.4 for side in (width, height)]
    assert millimetres == pytest.approx([26, 32], abs=0.1)
