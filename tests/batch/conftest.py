"""Batches of cards with social security alone, and of whole ones."""

import pytest

from .world import Place


@pytest.fixture(params=[False, True], ids=["half", "whole"])
def place(tmp_path, request):
    return Place(tmp_path, whole_cards=request.param)


@pytest.fixture
def at_bank(tmp_path):
    return Place(tmp_path, whole_cards=True)
