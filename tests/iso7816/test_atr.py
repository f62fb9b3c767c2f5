"""The answer to reset: published and observed answers, and properties over all that ISO/IEC 7816-3 allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.iso7816 import Atr, AtrError, InterfaceBytes

from .reading import attempt

BYTE = st.integers(0, 255)


@pytest.mark.parametrize(
    ("raw", "interface", "historical"),
    [
        # Social security cards and a PSAM, reconstructed specification §5.2
        ("3B6D000000813147318650430200000013", (InterfaceBytes(tb=0, tc=0),), "00813147318650430200000013"),
        ("3B6D00000081544C9786843202AD932A48", (InterfaceBytes(tb=0, tc=0),), "0081544C9786843202AD932A48"),
        ("3B7D940000008150220886431E10C9022736", (InterfaceBytes(0x94, 0, 0),), "008150220886431E10C9022736"),
        # EMV Book 1 §8.2, the basic answers for T=0 and T=1
        ("3B600000", (InterfaceBytes(tb=0, tc=0),), ""),
        (
            "3BE000008131204535",
            (InterfaceBytes(tb=0, tc=0), InterfaceBytes(protocol=1), InterfaceBytes(0x20, 0x45, protocol=1)),
            "",
        ),
        # Observed and published in lists of answers: JCOP 2.4.1, OpenPGP card 2
        (
            "3BF81300008131FE454A434F5076323431B7",
            (InterfaceBytes(0x13, 0, 0), InterfaceBytes(protocol=1), InterfaceBytes(0xFE, 0x45, protocol=1)),
            b"JCOPv241".hex(),
        ),
        (
            "3BDA18FF81B1FE751F030031C573C001400090000C",
            (
                InterfaceBytes(0x18, tc=0xFF),
                InterfaceBytes(protocol=1),
                InterfaceBytes(0xFE, 0x75, protocol=1),
                InterfaceBytes(0x03, protocol=15),
            ),
            "0031C573C00140009000",
        ),
    ],
)
def test_known_answers(raw: str, interface: tuple[InterfaceBytes, ...], historical: str) -> None:
    data = bytes.fromhex(raw)
    atr = Atr.parse(data)
    assert atr.interface == interface
    assert atr.historical == bytes.fromhex(historical)
    assert atr.to_bytes() == data
    assert Atr.build(bytes.fromhex(historical), interface) == data
    assert atr.size == len(data)


def test_what_the_interface_bytes_mean() -> None:
    atr = Atr.parse(bytes.fromhex("3B7D940000008150220886431E10C9022736"))
    assert (atr.clock_rate_conversion, atr.baud_rate_adjustment, atr.extra_guard_time) == (512, 8, 0)
    assert (atr.protocols, atr.specific_mode, atr.waiting_time_integer, atr.tck) == ((0,), None, 10, None)
    openpgp = Atr.parse(bytes.fromhex("3BDA18FF81B1FE751F030031C573C001400090000C"))
    assert (openpgp.clock_rate_conversion, openpgp.baud_rate_adjustment, openpgp.extra_guard_time) == (372, 12, 255)
    assert (openpgp.protocols, openpgp.tck) == ((1,), 0x0C)
    assert (openpgp.information_field_size, openpgp.waiting_integers) == (254, (7, 5))
    assert (openpgp.error_detection, openpgp.supply_classes) == ("LRC", "AB")


def test_what_absent_interface_bytes_mean() -> None:
    atr = Atr.contactless(b"")
    assert (atr.clock_rate_conversion, atr.baud_rate_adjustment, atr.extra_guard_time) == (372, 1, 0)
    assert (atr.information_field_size, atr.waiting_integers) == (32, (4, 13))
    assert (atr.error_detection, atr.supply_classes) == ("LRC", "A")


def test_the_specific_mode_of_the_family() -> None:
    # Details §1.1: 3B Fx TA1 00 00 10 80, TD1 = 10, TA2 = 80
    raw = Atr.build(b"\x00\x81", (InterfaceBytes(0x18, 0, 0), InterfaceBytes(ta=0x80)))
    assert raw == bytes.fromhex("3BF218000010800081")
    atr = Atr.parse(raw)
    assert (atr.specific_mode, atr.protocols, atr.has_tck) == (0, (0,), False)


def test_two_protocols_in_their_order_and_without_t15() -> None:
    atr = Atr(
        interface=(
            InterfaceBytes(),
            InterfaceBytes(protocol=0, tc=20),
            InterfaceBytes(0x40, protocol=1),
            InterfaceBytes(3, protocol=15),
        )
    )
    assert atr.protocols == (0, 1)
    assert atr.waiting_time_integer == 20
    assert Atr.parse(atr.to_bytes()) == atr


def test_t15_alone_keeps_t0_as_the_offer() -> None:
    atr = Atr(interface=(InterfaceBytes(), InterfaceBytes(), InterfaceBytes(3, protocol=15)))
    assert atr.protocols == (0,)
    assert atr.has_tck
    assert atr.to_bytes().hex().upper() == "3B80801F031C"


def test_contactless_card_with_apdus() -> None:
    # PC/SC part 3 §3.1.3.2.3.1: 3B 8N 80 01 historical bytes TCK
    atr = Atr.contactless(bytes.fromhex("00813147318650430200000013"))
    raw = atr.to_bytes()
    assert raw[:4] == bytes.fromhex("3B8D8001")
    assert Atr.parse(raw) == atr
    identity = atr.contactless_identity
    assert identity is not None
    assert (identity.kind, identity.historical) == ("ISO/IEC 14443-4", atr.historical)
    assert Atr.contactless(b"").to_bytes() == bytes.fromhex("3B80800101")


def test_contactless_storage_card() -> None:
    # PC/SC part 3 §3.1.3.2.3.2 and its supplement: MIFARE Standard 1K, number 0001
    atr = Atr.parse(bytes.fromhex("3B8F8001804F0CA000000306030001000000006A"))
    identity = atr.contactless_identity
    assert identity is not None
    assert (identity.kind, identity.standard, identity.card_name) == ("storage card", "ISO/IEC 14443 A part 3", 1)


@pytest.mark.parametrize("raw", ["3B6D000000813147318650430200000013", "3F600000", "3B800181"])
def test_contact_cards_have_no_contactless_identity(raw: str) -> None:
    assert Atr.parse(bytes.fromhex(raw)).contactless_identity is None


@pytest.mark.parametrize(
    ("raw", "offset", "words"),
    [
        ("", 0, "empty"),
        ("3A00", 0, "TS is 3A"),
        ("3B", 1, "T0 is announced but missing"),
        ("3B1D", 2, "TA1 is announced but missing"),
        ("3B6000", 3, "TC1 is announced but missing"),
        ("3B80", 2, "TD1 is announced but missing"),
        ("3B800F", 2, "TD1 names T=15"),
        ("3B8081", 3, "TD2 is announced but missing"),
        ("3B6D0000008131", 7, "13 historical bytes, 3 are there"),
        ("3B600000AA", 4, "T=0 alone has no TCK"),
        ("3B8001", 3, "TCK is missing"),
        ("3B800180", 3, "TCK is 80, it must be 81"),
        ("3B80018100", 4, "bytes follow TCK"),
        ("3B60000000" + "00" * 30, 33, "at most 33"),
    ],
)
def test_fault_and_its_offset(raw: str, offset: int, words: str) -> None:
    with pytest.raises(AtrError, match=words) as error:
        Atr.parse(bytes.fromhex(raw))
    assert error.value.offset == offset


@pytest.mark.parametrize(
    ("historical", "interface", "ts", "words"),
    [
        (bytes(16), (InterfaceBytes(),), 0x3B, "at most 15"),
        (b"", (InterfaceBytes(),), 0x3C, "TS is 3C"),
        (b"", (), 0x3B, "first group"),
        (b"", (InterfaceBytes(protocol=1),), 0x3B, "first group"),
        (b"", (InterfaceBytes(ta=256),), 0x3B, "no byte"),
        (b"", (InterfaceBytes(), InterfaceBytes(protocol=15)), 0x3B, "TD1 names T=15"),
        (b"", (InterfaceBytes(), InterfaceBytes(protocol=16)), 0x3B, "TD1 names T=16"),
        (bytes(15), (InterfaceBytes(1, 2, 3, 0),) * 5, 0x3B, "at most 33"),
    ],
)
def test_answers_that_cannot_be_written(
    historical: bytes, interface: tuple[InterfaceBytes, ...], ts: int, words: str
) -> None:
    with pytest.raises(AtrError, match=words):
        Atr.build(historical, interface, ts)


OPTIONAL = st.none() | BYTE
GROUP = st.builds(InterfaceBytes, OPTIONAL, OPTIONAL, OPTIONAL, st.integers(0, 14))


@given(
    st.binary(max_size=15),
    st.builds(InterfaceBytes, OPTIONAL, OPTIONAL, OPTIONAL),
    st.lists(GROUP, max_size=3),
    st.sampled_from([0x3B, 0x3F]),
)
def test_parse_undoes_format(historical: bytes, first: InterfaceBytes, more: list[InterfaceBytes], ts: int) -> None:
    atr = Atr(historical, (first, *more), ts)
    raw = atr.to_bytes()
    assert Atr.parse(raw) == atr
    assert len(raw) == atr.size


@given(st.binary(max_size=40) | st.binary(max_size=40).map(lambda rest: b"\x3b" + rest))
def test_reading_is_total(raw: bytes) -> None:
    atr, offset = attempt(Atr.parse, raw)
    assert 0 <= offset <= len(raw)
    if atr is not None:
        assert atr.to_bytes() == raw
        assert atr.protocols
