"""What a profile may say of an application before its personalisation, and what the chip then is."""

import pytest

from profiles import ProfileError, load
from profiles.checks import check
from profiles.loader import from_table
from profiles.sources import merge, products, read


def faults(**over):
    table = merge(read(products()["debit-blank"]), {"directory": {"DEBIT": over}})
    try:
        from_table(table)
    except ProfileError as error:
        return {problem.path: problem.message for problem in error.problems}
    return {}


KEY = {"use": "personalisation", "levels": 1, "title": {"zh": "k", "en": "k"}}


@pytest.mark.parametrize(
    ("over", "path"),
    [
        ({"personalisation": {"kmc": "KXX"}}, "directory.DEBIT.personalisation.kmc"),
        ({"key": {"KMC": {"use": "payment MAC"}}}, "directory.DEBIT.personalisation.kmc"),
        ({"key": {"KMC": {"versions": 3}}}, "directory.DEBIT.personalisation.kmc"),
        ({"key": {"OTHER": {**KEY, "versions": 1}}}, "directory.DEBIT.key.OTHER"),
        ({"data": {"9F38": ""}}, "directory.DEBIT.data.9F38"),
        ({"data": {"87": "0101"}}, "directory.DEBIT.data.87"),
        ({"personalisation": {"kmc_identifier": "6214"}}, "directory.DEBIT.personalisation.kmc_identifier"),
        ({"personalisation": {"key_version": "0101"}}, "directory.DEBIT.personalisation.key_version"),
        ({"payment": {"path": {"ordinary": {"aip": "7C00", "afl": "08010100"}}}}, "directory.DEBIT.payment"),
        ({"pin": {"P": {"reference": "80", "value": "1234", "title": KEY["title"]}}}, "directory.DEBIT.pin"),
        ({"application": "debit"}, "directory.DEBIT.personalisation"),
    ],
)
def test_faults(over, path):
    assert path in faults(**over)


def test_missing_table():
    table = read(products()["debit-blank"])
    del table["directory"]["DEBIT"]["personalisation"]
    del table["directory"]["DEBIT"]["aid"]
    with pytest.raises(ProfileError) as caught:
        from_table(table)
    assert {problem.path for problem in caught.value.problems} >= {"directory.DEBIT.personalisation"}


@pytest.mark.parametrize("product", ["debit-blank", "debit-sm-blank"])
def test_the_products_have_no_warnings(product):
    assert not list(check(load(product)))
    assert load(product).life_cycle == "initialised"
