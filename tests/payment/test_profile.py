"""Payment cards as profiles: what is refused, what is warned of, and what is shown."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles import ProfileError, load, payment_content
from profiles.checks import check
from profiles.dictionary import ValueFormatError, payment_elements
from profiles.loader import from_table
from profiles.settings import assumptions
from profiles.sources import merge, products, read
from profiles.view import MASK, document

DEBIT = {"directory": {"DEBIT": {}}}


def changed(over):
    return merge(read(products()["debit"]), over)


def problems(over):
    """Places of the faults of the product with something laid over it."""
    with pytest.raises(ProfileError) as raised:
        from_table(changed(over))
    return {problem.path: problem.message for problem in raised.value.problems}


def warnings(over):
    return {problem.path for problem in check(from_table(changed(over)))}


def debit(**tables):
    return {"directory": {"DEBIT": tables}}


def records(name, *rows):
    return {"content": {"DEBIT": {name: {"records": list(rows)}}}}


@pytest.mark.parametrize(
    ("over", "path"),
    [
        (debit(data={"9F99": "00"}), "directory.DEBIT.data.9F99"),
        (debit(data={"9F79": "12A4"}), "directory.DEBIT.data.9F79"),
        (debit(data={"9F58": "0102"}), "directory.DEBIT.data.9F58"),
        (debit(data={"9F38": "9F"}), "directory.DEBIT.data.9F38"),
        (debit(payment={"path": {"ordinary": {"aip": "8000"}}}), "directory.DEBIT.payment.path.ordinary.aip"),
        (debit(payment={"path": {"ordinary": {"afl": "080102"}}}), "directory.DEBIT.payment.path.ordinary.afl"),
        (debit(payment={"path": {"ordinary": {"afl": "08010900"}}}), "directory.DEBIT.payment.path.ordinary.afl"),
        (debit(payment={"path": {"ordinary": {"afl": "48010100"}}}), "directory.DEBIT.payment.path.ordinary.afl"),
        (debit(payment={"path": {"ordinary": {"afl": "08010103"}}}), "directory.DEBIT.payment.path.ordinary.afl"),
        (debit(payment={"contactless": {"data": {"9F38": "9F0206"}}}), "directory.DEBIT.payment.contactless.data.9F38"),
        (debit(payment={"contactless": {"data": {"9F6C": "00"}}}), "directory.DEBIT.payment.contactless.data.9F6C"),
        (debit(key={"DEBITMAC": {"present": False}}), "directory.DEBIT.key"),
        (debit(key={"DEBITMAC": {"levels": 2}}), "directory.DEBIT.key.DEBITMAC"),
        (debit(file={"LOG": {"log_format": "9F50"}}), "directory.DEBIT.file.LOG.log_format"),
        (records("SFI04", {"9F14": "05", "9F23": "computed"}), "content.DEBIT.SFI04.records.1.9F23"),
        (records("SFI04", {"9F14": "0505"}), "content.DEBIT.SFI04.records.1.9F14"),
        (records("SFI03", {"5A": "6214988660100000304"}, {"9F08": "0030"}), "content.DEBIT"),
        ({"directory": {"PSE": {"parent": "DEBIT"}}}, "directory.PSE.parent"),
    ],
)
def test_faults(over, path):
    assert path in problems(over)


def test_every_fault_at_once():
    over = merge(debit(data={"9F99": "00"}), records("SFI04", {"9F14": "0505"}))
    assert {"directory.DEBIT.data.9F99", "content.DEBIT.SFI04.records.1.9F14"} <= set(problems(over))


def test_certificates_need_keys():
    table = changed({})
    del table["directory"]["DEBIT"]["payment"]["certification"]
    with pytest.raises(ProfileError, match=r"payment\.certification"):
        from_table(table)


def test_a_contactless_path_needs_options_of_its_own():
    table = changed({})
    del table["directory"]["DEBIT"]["payment"]["contactless"]
    with pytest.raises(ProfileError, match=r"payment\.contactless"):
        from_table(table)


SIGNED = load("debit").content["DEBIT"]["SFI03"]["records"]
CONTACTLESS, V01 = "directory.DEBIT.payment.contactless.data", "07 01 01 03000000 01 0A01"
AFL = "directory.DEBIT.payment.path"


@pytest.mark.parametrize(
    ("over", "path"),
    [
        (debit(data={"9F79": "000000100001"}), "directory.DEBIT.data.9F79"),
        (debit(data={"DF79": "000000100001"}), "directory.DEBIT.data.DF79"),
        (debit(data={"9F10": "07 01 02 03000000 01 0A01"}), "directory.DEBIT.data.9F10"),
        (debit(data={"9F10": "07 01 01 03000000 01 0A03"}), "directory.DEBIT.data.9F10"),
        (debit(data={"9F10": "07 01 01 03000000 01 0A02"}), "directory.DEBIT.data.9F10"),
        (debit(data={"9F4D": "0A0A"}), "directory.DEBIT.data.9F4D"),
        (debit(data={"9F68": "C0000000"}), "directory.DEBIT.data.9F68"),
        (debit(payment={"path": {"ordinary": {"afl": "18010201"}}}), f"{AFL}.ordinary.afl"),
        (debit(payment={"path": {"qPBOC": {"afl": "28010100"}}}), f"{AFL}.qPBOC.afl"),
        (debit(payment={"path": {"qPBOC": {"afl": "10010500 28010100 18010201"}}}), f"{AFL}.qPBOC.afl"),
        (records("SFI05", {"9F74": "ECC001", "9F05": "00"}), f"{AFL}.qPBOC.afl"),
        (debit(payment={"contactless": {"data": {"9F38": "9F6604 9F0206"}}}), f"{CONTACTLESS}.9F38"),
        (
            debit(payment={"contactless": {"data": {"9F38": "9F6604 9F0206 9F3704", "9F10": V01}}}),
            f"{CONTACTLESS}.9F38",
        ),
        (records("SFI04", {"9F14": "05", "9F23": "08", "9F08": "0030"}), f"{AFL}.ordinary.afl"),
        (records("SFI04", {"9F14": "05", "9F79": "000000000001"}), "content.DEBIT.SFI04.records.1.9F79"),
        (records("SFI01", {"57": "6214988660100000305D36122200"}, {}, {"9F62": "00"}), "content.DEBIT"),
        (records("SFI01", {"57": "6214988660100000304D35122200"}, {}, {"9F62": "00"}), "content.DEBIT"),
        (records("SFI01", {"57": "6214988660100000304D36122010"}, {}, {"9F62": "00"}), "content.DEBIT"),
        (records("SFI03", SIGNED[0], {**SIGNED[1], "9F42": "0840"}), "content.DEBIT"),
        (records("SFI03", {**SIGNED[0], "8E": "0000000000000000 4203 1F03"}, SIGNED[1]), "content.DEBIT"),
        (debit(pin={"DEBITPIN": {"present": False}}), "content.DEBIT"),
    ],
)
def test_warnings(over, path):
    assert path in warnings(over)


@pytest.mark.parametrize("product", ["debit", "debit-sm", "debit-dual", "ssc2-3des", "ssc3-sm4"])
def test_the_products_have_no_warnings(product):
    assert not list(check(load(product)))


def test_a_card_with_qpboc_has_its_processing_options():
    table = changed({})
    del table["directory"]["DEBIT"]["data"]["9F68"]
    assert "directory.DEBIT.data.9F68" in {problem.path for problem in check(from_table(table))}


def test_a_product_for_a_person_hides_the_holder():
    shown = str(document(load("debit")))
    for secret in ("6214988660100000304", "YU XIAOYANG", "500000199002280026", "123456"):
        assert secret not in shown
    assert MASK in shown


def test_every_open_point_has_a_name_in_both_languages():
    payment = load("debit").directory["DEBIT"].payment
    assert payment is not None
    for entry in assumptions(payment.settings):
        assert all((entry.zh, entry.en, entry.basis, entry.confidence))
        assert entry.is_default


@settings(max_examples=500)
@given(tag=st.sampled_from(sorted(payment_elements())), text=st.text(max_size=20), raw=st.binary(max_size=60))
def test_any_text_is_a_value_or_refused(tag, text, raw):
    element = payment_elements()[tag]
    element.decode(raw)
    try:
        value = element.encode(text)
    except ValueFormatError:
        return
    assert element.shortest <= len(value) <= element.longest


@given(st.binary(max_size=40))
def test_any_bytes_are_a_list_of_objects_or_refused(raw):
    try:
        found = payment_content.lengths(raw)
    except ValueFormatError:
        return
    assert b"".join(bytes.fromhex(tag) + bytes((length,)) for tag, length in found) == raw


# Two algorithm sets


def dual(**tables):
    return merge(read(products()["debit-dual"]), debit(**tables))


SM_DATA, SM_CONTACTLESS = "directory.DEBIT.payment.sm.data", "directory.DEBIT.payment.sm.contactless.data"
NO_PAYMENT_KEY = {"use": "master", "levels": 0, "algorithm": "SM4", "title": {"zh": "-", "en": "-"}}
SM_CERTIFICATES = load("debit-dual").content["DEBIT"]["SFI06"]["records"]


@pytest.mark.parametrize(
    ("over", "path"),
    [
        (debit(payment={"algorithm": "SM4"}), "directory.DEBIT.payment.algorithm"),
        (debit(payment={"certification": {"scheme": "SM2"}}), "directory.DEBIT.payment.certification.scheme"),
        (
            debit(payment={"sm": {"certification": {"scheme": "RSA"}}}),
            "directory.DEBIT.payment.sm.certification.scheme",
        ),
        (
            debit(payment={"sm": {"path": {"contactless": {"aip": "7D00", "afl": ""}}}}),
            "directory.DEBIT.payment.sm.path",
        ),
        (
            debit(payment={"sm": {"path": {"e-cash": {"afl": "38010100"}}}}),
            "directory.DEBIT.payment.sm.path.e-cash.afl",
        ),
        (debit(payment={"sm": {"data": {"9F79": "000000000001"}}}), SM_DATA),
        (debit(payment={"sm": {"data": {"9F10": "0"}}}), f"{SM_DATA}.9F10"),
        (debit(payment={"sm": {"contactless": {"data": {"9F6C": "0000"}}}}), SM_CONTACTLESS),
        (debit(data={"9F38": "9F7A01 9F0206 5F2A02"}), "directory.DEBIT.data.9F38"),
        (debit(payment={"contactless": {"data": {"9F38": "9F6604 9F0206 9F3704"}}}), f"{CONTACTLESS}.9F38"),
        (debit(key={"DEBITACSM": {"present": False}}), "directory.DEBIT.key"),
        (debit(key={"DEBITACSM": {"algorithm": "3DES"}}), "directory.DEBIT.key"),
        (records("SFI05", {"9F74": "ECC001", "8C": "9F0206"}), "content.DEBIT.SFI05.records.1.8C"),
        ({"directory": {"MF": {"key": {"K": NO_PAYMENT_KEY}}}}, "directory.MF.key.K.algorithm"),
    ],
)
def test_faults_of_two_sets(over, path):
    with pytest.raises(ProfileError) as raised:
        from_table(merge(dual(), over))
    assert path in {problem.path for problem in raised.value.problems}


def test_a_second_set_needs_9f10_for_the_antenna_too():
    table = dual()
    del table["directory"]["DEBIT"]["payment"]["sm"]["contactless"]
    with pytest.raises(ProfileError, match=r"payment\.sm\.contactless: is missing"):
        from_table(table)


def test_computed_for_sm_without_sm():
    with pytest.raises(ProfileError, match=r"only where payment\.sm\.certification says"):
        from_table(changed(records("SFI05", {"8F": "computed SM"})))


@pytest.mark.parametrize("product", ["debit", "debit-sm"])
def test_keys_of_a_set_that_is_not_there(product):
    table = merge(read(products()[product]), debit(key={"DEBITMAC": {"algorithm": "SM4", "levels": 1}}))
    if product == "debit-sm":
        from_table(table)
        return
    with pytest.raises(ProfileError, match="the application has no algorithm set with SM4"):
        from_table(table)


@pytest.mark.parametrize(
    ("over", "path"),
    [
        (debit(payment={"sm": {"data": {"9F10": V01}}}), f"{SM_DATA}.9F10"),
        (debit(payment={"sm": {"contactless": {"data": {"9F10": V01}}}}), f"{SM_CONTACTLESS}.9F10"),
        (debit(data={"9F10": "07 01 01 03000000 04 0A01"}), "directory.DEBIT.data.9F10"),
        (debit(payment={"sm": {"path": {"ordinary": {"aip": "5C00"}}}}), "directory.DEBIT.payment.sm.path.e-cash.afl"),
        (
            debit(payment={"sm": {"path": {"qPBOC": {"afl": "10010200 18010201 28010100"}}}}),
            "directory.DEBIT.payment.sm.path.qPBOC.afl",
        ),
        (
            debit(
                payment={"sm": {"path": {"e-cash": {"afl": "08010100 08030300 30010300 18010202 20010100 28010100"}}}}
            ),
            "directory.DEBIT.payment.sm.path.e-cash.afl",
        ),
        (
            records("SFI06", {**SM_CERTIFICATES[0], "5F24": "361231"}, *SM_CERTIFICATES[1:]),
            "directory.DEBIT.payment.sm.path.ordinary.afl",
        ),
    ],
)
def test_warnings_of_two_sets(over, path):
    assert path in {problem.path for problem in check(from_table(merge(dual(), over)))}


def test_a_card_with_sm_alone_asks_for_the_algorithm():
    table = merge(read(products()["debit-sm"]), debit(data={"9F38": "9F7A01 9F0206 5F2A02"}))
    assert {problem.path for problem in check(from_table(table))} == {"directory.DEBIT.data.9F38"}
