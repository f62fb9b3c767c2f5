"""The official reader interface by its names: grammar, results, codes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.actors.medical.addresses import (
    AddressError,
    FileAddress,
    Wanted,
    format_addresses,
    format_values,
    parse_addresses,
    parse_values,
)
from conformance.failures import BenchError
from profiles import load
from tests.medical.counter import DEVICE, Counter, content
from tests.medical.hospital import MODULES

PRODUCTS = pytest.mark.parametrize("product", MODULES)


# Grammar


def test_examples_of_the_grammar() -> None:
    """Those of the reconstructed specification §8.4."""
    assert parse_addresses("SSSEEF05|07|$DF01EF05|20|21|$") == (
        FileAddress("SSSE", "EF05", None, (Wanted("07"),)),
        FileAddress("DF01", "EF05", None, (Wanted("20"), Wanted("21"))),
    )
    assert parse_addresses("DF02EF07:01|$") == (FileAddress("DF02", "EF07", 1),)
    assert parse_addresses("DF03EF06|4A:02|$") == (FileAddress("DF03", "EF06", None, (Wanted("4A", 2),)),)
    assert parse_addresses("SSSEEF08|$") == (FileAddress("SSSE", "EF08"),)
    assert parse_values("SSSEEF05|A12345674|$DF01EF05|51|||$") == (("A12345674",), ("51", "", ""))


ADDRESSES = st.lists(
    st.builds(
        FileAddress,
        st.sampled_from(["SSSE", "DF01", "DF0A", "MF"]),
        st.sampled_from(["EF05", "EF1F"]),
        st.one_of(st.none(), st.integers(0, 99)),
        st.lists(st.builds(Wanted, st.sampled_from(["07", "4A"]), st.integers(1, 99)), max_size=3).map(tuple),
    ),
    min_size=1,
    max_size=4,
)
PLAIN = st.text(st.characters(exclude_characters="|$", exclude_categories=("Cs",)), max_size=8)


@given(ADDRESSES)
def test_addresses_are_read_as_they_are_written(addresses: list[FileAddress]) -> None:
    assert parse_addresses(format_addresses(addresses)) == tuple(addresses)


@given(ADDRESSES, st.data())
def test_values_are_read_as_they_are_written(addresses: list[FileAddress], data: st.DataObject) -> None:
    values = [data.draw(st.lists(PLAIN, max_size=3)) for _ in addresses]
    assert parse_values(format_values(addresses, values)) == tuple(tuple(given) for given in values)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_addresses, parse_values):
        with suppress(AddressError):
            assert isinstance(parse(text), tuple)


# Reading


@PRODUCTS
@pytest.mark.parametrize("with_sam", [True, False], ids=["PSAM", "HSM"])
def test_basics(product: str, with_sam: bool) -> None:
    """Eleven fields, the number's first nine characters, the reset answer's historical bytes, the terminal's number."""
    counter = Counter(product, with_sam=with_sam)
    code, shown = counter("iReadCardBas", 3)
    fields = shown.split("|")
    assert (code, len(fields), fields[-1]) == (0, 12, "")
    expected = {
        0: "500000",
        1: content(product, "EF06", "08"),
        2: content(product, "EF05", "07")[:9],
        3: counter.hospital.identification,
        4: content(product, "EF06", "09"),
        5: load(product).chip.historical.hex().upper(),
        6: content(product, "EF05", "03"),
        7: content(product, "EF05", "05"),
        8: content(product, "EF05", "06"),
        9: counter.hospital.keys.terminal.hex(),
        10: DEVICE,
    }
    assert {at: fields[at] for at in expected} == expected


@PRODUCTS
def test_elements_records_and_templates(product: str) -> None:
    counter = Counter(product)
    card = f"{counter.hospital.identification}|{content(product, 'EF05', '07')}|"
    code, shown = counter("iReadCard", 1, 1, card, "SSSEEF05|03|07|$DF01EF05|0E|$DF04EF08:01|$")
    assert code == 0
    records = load(product).content["DF04"]["EF08"]["records"]
    newest = "^".join(str(value) for value in ("0001", *list(records[0].values())[1:4]))
    basics, place, log, rest = shown.split("$")
    assert basics == f"SSSEEF05|{content(product, 'EF05', '03')}|{content(product, 'EF05', '07')}|"
    assert place == f"DF01EF05|{load(product).content['DF01']['EF05']['0E']}|"
    assert log.startswith(f"DF04EF08:01|{newest}")
    assert rest == ""


def test_another_card_is_told() -> None:
    counter = Counter()
    assert counter("iReadCard", 1, 1, "500000D15600000500000000FFFFFFFF|A|", "SSSEEF05|03|$")[0] == -22
    assert counter("iReadCard", 1, 1, "nonsense", "SSSEEF05|03|$")[0] == -14
    assert counter("iReadCard", 1, 1, "", "SSSEEF05|03|$") == (0, "SSSEEF05|3.00|$")


# Writing


@PRODUCTS
def test_writing(product: str) -> None:
    """Elements, and a new record of a cyclic file; a wrong value anywhere writes nothing."""
    counter = Counter(product)
    assert counter("iWriteCard", 1, "", "DF01EF05|20|21|$", "DF01EF05|31|重庆市江北区|$") == (0, "")
    assert counter("iReadCard", 1, 1, "", "DF01EF05|20|21|$") == (0, "DF01EF05|31|重庆市江北区|$")
    assert counter("iWriteCard", 1, "", "DF04EF15|$", "DF04EF15|0007^2|$") == (0, "")
    assert counter("iReadCard", 1, 1, "", "DF04EF15:01|$") == (0, "DF04EF15:01|0007^2|$")
    before = counter.hospital.card.snapshot()
    assert counter("iWriteCard", 1, "", "DF01EF05|20|21|$", f"DF01EF05|51|{'长' * 90}|$")[0] == -14
    assert counter("iWriteCard", 1, "", "DF01EF05|20|21|$", "DF01EF05|51|$")[0] == -14
    assert counter("iWriteCard", 1, "", "DF04EF08|$", "DF04EF08|1^2^3^4^5^6^7|$")[0] != 0
    assert counter("iWriteCard", 1, "", "DF01EF05|20|$", "DF01EF06|31|$")[0] == -14, "the value is another file's"
    assert counter("iWriteCard", 1, "", "DF04EF15:03|$", "DF04EF15:03|0007^2|$")[0] == -14, "no old record is written"
    for place, wrong in (("SSSEEF05|01|$", "00"), ("SSSEEF05|01|$", ""), ("SSSEEF06|08|$", "5000")):
        path = place.partition("|")[0]
        assert counter("iWriteCard", 1, "", place, f"{path}|{wrong}|$")[0] == -14, "no value of the dictionary"
    two = "DF01EF05|20|$DF01EF07|29|$"
    assert counter("iWriteCard", 1, "", two, "DF01EF07|1|$DF01EF05|31|$")[0] == -14, "the order is another one"
    assert counter.hospital.card.snapshot() == before


# PINs


@PRODUCTS
def test_pins(product: str) -> None:
    counter = Counter(product)
    assert counter("iVerifyPIN", 1) == (0, "")
    counter.new_pin = "654321"
    assert counter("iChangePIN", 1) == (0, "")
    assert counter("iVerifyPIN", 1)[0] == -51
    counter.hospital.pin = "654321"
    assert counter("iVerifyPIN", 1)[0] == 0
    counter.new_pin = "123456"
    assert counter("iChangePIN", 1)[0] == -36
    counter.new_pin = "12"
    assert counter("iChangePIN", 1)[0] == -33
    counter.hospital.pin = "000000"
    limit = load(product).settings.pin_try_limit
    assert [counter("iVerifyPIN", 1)[0] for _ in range(limit + 1)] == [-51] * (limit - 1) + [-52] * 2
    assert counter("iUnblockPIN", 1, "") == (0, "")
    counter.hospital.pin = "654321"
    assert counter("iVerifyPIN", 1)[0] == 0
    counter.new_pin = "246810"
    assert counter("iReloadPIN", 1, "") == (0, "")
    counter.hospital.pin = "246810"
    assert counter("iVerifyPIN", 1)[0] == 0


# Settlement


@PRODUCTS
def test_debit_and_its_records(product: str) -> None:
    counter = Counter(product)
    payment = "20000|20000|20261126120000|"
    assert counter("iDoDebit", 1, "", payment)[0] == -35
    counter.new_pin = "654321"
    assert counter("iChangePIN", 1)[0] == 0
    counter.hospital.pin = "654321"
    code, shown = counter("iDoDebit", 1, "", payment)
    assert (code, len(shown.split("|"))) == (0, 5)
    tac, terminal, _, number = shown.split("|")[:4]
    assert (len(tac), terminal) == (8, counter.hospital.keys.terminal.hex())
    code, records = counter("iReadDebitRecord", 1)
    newest = records.split("|")[0]
    assert code == 0
    assert newest == f"{number}^2^{terminal}^20261126120000^00000000^00004E20^00004E20"
    for wrong in ("", "1|2|", "x|2|20261126120000|", "1|2|20261341120000|", "1|-2|20261126120000|", "1|2|3|4|5"):
        assert counter("iDoDebit", 1, "", wrong)[0] == -14


# Codes


def test_codes_of_what_is_missing() -> None:
    counter = Counter()
    assert counter("iReadCardBas", 9)[0] == -1
    assert counter("iReadNothing", 1)[0] == -13
    assert counter("iReadCard", 1)[0] == -14
    assert counter("iReadCard", 1, 1, "", "SSSEEF99|$")[0] == -23
    counter.hospital.pin = None
    assert counter("iVerifyPIN", 1)[0] == -31
    counter.reader.keys = None
    assert counter("iReadCardBas", 1)[0] == -2201


def test_status_words_become_negative_codes() -> None:
    """6A88 is −27272, 63C5 −25541 (reconstructed specification §3.4)."""
    counter = Counter()
    good = counter.hospital.slot.target.transmit
    for sw, code in (("6A88", -27272), ("63C5", -25541), ("6E00", -28160)):
        answer = bytes.fromhex(sw)
        counter.hospital.slot.target.transmit = (  # type: ignore[method-assign]
            lambda command, answer=answer: answer if command[1] == 0x82 else good(command)
        )
        assert counter("iReadCardBas", 1)[0] == code


def test_no_card() -> None:
    counter = Counter()

    def gone(cold: bool = True) -> bytes:
        raise BenchError("no card")

    counter.hospital.slot.reset = gone  # type: ignore[method-assign]
    assert counter("iReadCardBas", 1) == (-2, "无卡")
