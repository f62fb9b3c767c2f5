"""The books of a report: states in both languages, numbers masked."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from conformance.actors.bank import AgreementKind, Bank, IssuerKeys, Ledger
from conformance.actors.bank.ledger import CardState as BankState
from conformance.actors.medical.books import SettlementState
from conformance.actors.medical.messages import CardState
from conformance.campaign.tables import WORDS, tables
from conformance.campaign.world import World
from profiles import load

PAN = "6214980000000001235"


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (("cards at the bank", "state"), BankState),
        (("agreements", "kind"), AgreementKind),
        (("card register", "state"), CardState),
        (("settlements", "state"), SettlementState),
    ],
)
def test_every_state_has_words(column: tuple[str, str], values: type[Enum]) -> None:
    assert set(WORDS[column]) == {str(each.value) for each in values}


def test_the_books_of_a_bank_tell_states_in_both_languages(tmp_path: Path) -> None:
    bank = Bank(*IssuerKeys.of_profile(load("ssc3-sm4")), ledger=Ledger(tmp_path / "bank.db"))
    bank.open_account(PAN, "01", balance=100, pin="246813")
    bank.cards.report_lost("L", PAN)
    bank.ledger.close()
    world: Any = SimpleNamespace(hosts={"bank": SimpleNamespace(path=tmp_path / "bank.db")})
    cards = next(table for table in tables(cast(World, world)) if table["en"] == "cards at the bank")
    assert [(row[0], row[1], row[3]) for row in cards["rows"]] == [("621498…1235", "01", "挂失 blocked")]
