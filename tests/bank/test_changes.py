"""The steps of a change: in order, out of order, twice, late, under other numbers, and what the new card is made of."""

import sqlite3
from datetime import date

import pytest

from conformance.actors.bank import (
    AgreementKind,
    Bank,
    CardState,
    ChangeError,
    ChangeKind,
    ChangeState,
    IssuerKeys,
    Outcome,
)
from conformance.actors.bank.authority import Authority
from conformance.actors.bank.card_data import CardDataError
from profiles import load

from .table import ACCOUNT, E_CASH, HOLDER, NEW_EXPIRY, OTHER_PAN, PAN, START, bank, chip

UPGRADE, REPLACEMENT, DIFFERENT = ChangeKind.UPGRADE, ChangeKind.REPLACEMENT, ChangeKind.DIFFERENT_NUMBER


@pytest.fixture
def desk():
    return bank().cards


@pytest.fixture
def made():
    return bank()


def states(made: Bank, pan: str = PAN) -> dict[str, CardState]:
    return {card.sequence: card.state for card in made.ledger.cards(pan)}


def ordered(made: Bank, change: str = "F") -> Bank:
    assert made.cards.freeze(change, PAN, REPLACEMENT, card_present=False).outcome is Outcome.DONE
    assert made.cards.order(f"{change}-O", change, NEW_EXPIRY).outcome is Outcome.DONE
    return made


def test_an_upgrade_keeps_number_account_money_and_agreements(made):
    before = made.agreements.of_account(ACCOUNT)
    ordered(made)
    assert states(made) == {"01": CardState.ACTIVE, "02": CardState.ORDERED}
    made.cards.switch("S", "F")
    assert states(made) == {"01": CardState.SWITCHED_OFF, "02": CardState.ACTIVE}
    new, old = made.account(PAN, "02"), made.account(PAN, "01")
    assert (new.number, new.balance, new.e_cash, new.expiry) == (ACCOUNT, START, 0, "2036-11")
    assert (old.number, old.e_cash, old.expiry) == (ACCOUNT, E_CASH, "2028-08")
    assert made.agreements.of_account(ACCOUNT) == before
    assert [each.kind for each in before] == [AgreementKind.UTILITY, AgreementKind.PAYROLL, AgreementKind.WEALTH]


def test_a_step_that_comes_again_gets_the_same_answer_and_does_nothing(made):
    steps = [
        lambda: made.cards.freeze("F", PAN, REPLACEMENT, card_present=False),
        lambda: made.cards.order("O", "F", NEW_EXPIRY),
        lambda: made.cards.switch("S", "F"),
        lambda: made.cards.return_e_cash("R", PAN, "01", without_chip=True),
    ]
    first = [step() for step in steps]
    after = states(made), made.ledger.balances()
    assert [step() for step in steps] == first
    assert (states(made), made.ledger.balances()) == after
    assert [each.outcome for each in first] == [Outcome.DONE] * 4


def test_a_step_under_another_number_is_told_that_it_was_done(made):
    ordered(made)
    assert made.cards.order("O2", "F", NEW_EXPIRY).outcome is Outcome.DONE_BEFORE
    made.cards.switch("S", "F")
    assert made.cards.switch("S2", "F").outcome is Outcome.DONE_BEFORE
    made.cards.return_e_cash("R", PAN, "01", without_chip=True)
    again = made.cards.return_e_cash("R2", PAN, "01", without_chip=True)
    assert (again.outcome, again.amount) == (Outcome.DONE_BEFORE, E_CASH)
    assert made.account(PAN, "02").balance == START + E_CASH


def test_another_content_under_a_number_is_refused(desk):
    desk.freeze("F", PAN, REPLACEMENT, card_present=False)
    assert desk.freeze("F", PAN, DIFFERENT, card_present=False).outcome is Outcome.DUPLICATE
    assert desk.undo("F", "F").outcome is Outcome.DUPLICATE
    assert desk.order("O", "F", NEW_EXPIRY).outcome is Outcome.DONE
    assert desk.order("O", "F", date(2037, 1, 1)).outcome is Outcome.DUPLICATE


def test_steps_out_of_order(desk):
    assert desk.order("1", "F", NEW_EXPIRY).outcome is Outcome.NO_SUCH_CHANGE
    assert desk.switch("2", "F").outcome is Outcome.NO_SUCH_CHANGE
    assert desk.freeze("F", PAN, REPLACEMENT, card_present=False).outcome is Outcome.DONE
    assert desk.switch("3", "F").outcome is Outcome.NOT_ORDERED
    assert desk.return_e_cash("4", PAN, "01", without_chip=True).outcome is Outcome.STILL_IN_USE
    assert desk.return_e_cash("5", PAN, "02").outcome is Outcome.NO_SUCH_CARD
    assert desk.order("6", "F", NEW_EXPIRY).outcome is Outcome.DONE
    assert desk.return_e_cash("7", PAN, "02", without_chip=True).outcome is Outcome.STILL_IN_USE
    assert desk.switch("8", "F").outcome is Outcome.DONE
    assert desk.undo("9", "F").outcome is Outcome.SWITCHED
    assert desk.order("10", "F", NEW_EXPIRY).outcome is Outcome.SWITCHED


@pytest.mark.parametrize("up_to", ["freeze", "order"])
def test_undo_before_the_switch_leaves_all_as_it_was(made, up_to):
    money = made.ledger.balances()
    if up_to == "order":
        ordered(made)
    else:
        made.cards.freeze("F", PAN, REPLACEMENT, card_present=False)
    assert made.cards.undo("U", "F").outcome is Outcome.DONE
    assert states(made)["01"] is CardState.ACTIVE
    assert CardState.ORDERED not in states(made).values()
    assert {name: money[name] for name in money} == {name: made.ledger.balances()[name] for name in money}
    assert made.cards.freeze("F", PAN, REPLACEMENT, card_present=False).outcome is Outcome.UNDONE
    assert made.cards.order("F-O", "F", NEW_EXPIRY).outcome is Outcome.UNDONE
    assert made.cards.switch("S", "F").outcome is Outcome.UNDONE
    assert made.cards.undo("U2", "F").outcome is Outcome.DONE_BEFORE


def test_sequence_number_of_an_undone_card_is_spent(made):
    ordered(made)
    made.cards.undo("U", "F")
    ordered(made, "G")
    assert states(made) == {"01": CardState.ACTIVE, "02": CardState.CANCELLED, "03": CardState.ORDERED}


def test_undo_that_comes_before_its_freeze_wins(made):
    assert made.cards.undo("U", "F").outcome is Outcome.DONE
    assert made.cards.freeze("F", PAN, REPLACEMENT, card_present=False).outcome is Outcome.UNDONE
    assert made.cards.freeze("G", PAN, REPLACEMENT, card_present=False).outcome is Outcome.DONE


def test_a_second_station_is_refused_while_a_change_is_open(made):
    ordered(made)
    assert made.cards.freeze("G", PAN, REPLACEMENT, card_present=False).outcome is Outcome.FROZEN
    assert made.cards.report_lost("L", PAN).outcome is Outcome.FROZEN
    made.cards.switch("S", "F")
    assert made.cards.freeze("G2", PAN, REPLACEMENT, card_present=False).outcome is Outcome.DONE


def test_loss_and_finding(made):
    assert made.cards.found("1", PAN).outcome is Outcome.DONE_BEFORE
    assert made.cards.report_lost("2", PAN).outcome is Outcome.DONE
    assert states(made) == {"01": CardState.BLOCKED}
    assert made.cards.report_lost("3", PAN).outcome is Outcome.DONE_BEFORE
    assert made.cards.found("4", PAN).outcome is Outcome.DONE
    assert states(made) == {"01": CardState.ACTIVE}
    assert made.cards.report_lost("5", OTHER_PAN).outcome is Outcome.NO_SUCH_CARD


def test_a_lost_card_is_off_at_once_and_stays_off_when_its_replacement_is_undone(made):
    made.cards.freeze("F", PAN, REPLACEMENT, lost=True)
    assert states(made) == {"01": CardState.BLOCKED}
    made.cards.undo("U", "F")
    assert states(made) == {"01": CardState.BLOCKED}
    made.cards.freeze("G", PAN, REPLACEMENT, lost=True)
    made.cards.order("O", "G", NEW_EXPIRY)
    made.cards.switch("S", "G")
    assert states(made) == {"01": CardState.SWITCHED_OFF, "02": CardState.ACTIVE}
    assert made.cards.found("X", PAN).outcome is Outcome.DONE_BEFORE
    assert states(made)["01"] is CardState.SWITCHED_OFF


def test_a_different_number(made):
    made.cards.freeze("F", PAN, DIFFERENT, card_present=False)
    assert made.cards.order("1", "F", NEW_EXPIRY).outcome is Outcome.NUMBER_TAKEN
    assert made.cards.order("2", "F", NEW_EXPIRY, pan=PAN).outcome is Outcome.NUMBER_TAKEN
    assert made.cards.order("3", "F", NEW_EXPIRY, pan=OTHER_PAN, sequence="00").outcome is Outcome.DONE
    assert made.cards.freeze("4", OTHER_PAN, REPLACEMENT, card_present=False).outcome is Outcome.NO_SUCH_CARD
    made.cards.switch("S", "F")
    assert states(made) == {"01": CardState.CANCELLED}
    assert states(made, OTHER_PAN) == {"00": CardState.ACTIVE}
    assert made.cards.freeze("G", PAN, REPLACEMENT, card_present=False).outcome is Outcome.NO_SUCH_CARD
    assert made.cards.freeze("H", OTHER_PAN, REPLACEMENT, card_present=False).outcome is Outcome.DONE


@pytest.mark.parametrize(("pan", "sequence"), [("12", "00"), ("62149800000000x2233", "00"), (OTHER_PAN, "1")])
def test_a_number_that_is_none_is_refused_before_anything_is_written(desk, pan, sequence):
    desk.freeze("F", PAN, DIFFERENT, card_present=False)
    with pytest.raises(CardDataError):
        desk.order("O", "F", NEW_EXPIRY, pan=pan, sequence=sequence)
    assert desk.change("F").state is ChangeState.FROZEN
    with pytest.raises(ValueError, match="needs a number"):
        desk.switch("", "F")


def test_a_blocked_account_cannot_change_its_card(made):
    with made.ledger.transaction():
        made.ledger.block(made.account(PAN, "01"))
    assert made.cards.freeze("F", PAN, REPLACEMENT, card_present=False).outcome is Outcome.BLOCKED


def test_after_sequence_number_99_the_number_has_none_left():
    made = Bank(*IssuerKeys.of_profile(load("debit")))
    made.open_account(PAN, "99", balance=0)
    made.cards.freeze("F", PAN, REPLACEMENT, card_present=False)
    assert made.cards.order("O", "F", NEW_EXPIRY).outcome is Outcome.NO_SEQUENCE_LEFT
    assert made.cards.undo("U", "F").outcome is Outcome.DONE


# What the new card is made of


def test_the_new_chip_has_the_holders_data_and_nobody_elses(made):
    product = load("debit")
    data = ordered(made).cards.personalisation("F", product, Authority.published())
    records = b"".join(each.value for each in data.groupings if not each.secret).hex().upper()
    assert PAN + "F" in records
    assert HOLDER.encode().hex().upper() in records
    holder = next(record["5F20"] for record in _records(product) if "5F20" in record)
    assert holder.encode("gbk").hex().upper() not in records
    card = chip("debit", data)
    card.transmit(bytes.fromhex("00A4040008A00000033301010100"))
    assert card.transmit(bytes.fromhex("80CA9F7900")).hex() == "9f7906" + "0" * 12 + "9000"


@pytest.mark.parametrize(
    ("name", "shown"), [("debit", set()), ("ssc2-3des", {"9F63 10 0000000000000000 08 00000000000000"})]
)
def test_the_application_of_a_social_security_card_says_so(made, name, shown):
    """9F63 产品标识信息: bit 4 of byte 9 (JR/T 0025.5)."""
    data = ordered(made).cards.personalisation("F", load(name), Authority.published())
    plain = b"".join(each.value for each in data.groupings if not each.secret)
    found = {plain[at : at + 19] for at in range(len(plain)) if plain[at : at + 3] == bytes.fromhex("9F6310")}
    assert found == {bytes.fromhex(each) for each in shown}


def _records(product):
    return [record for file in product.content["DEBIT"].values() for record in file.get("records", [])]


def test_no_data_before_the_order_nor_after_the_end(made):
    product, authority = load("debit"), Authority.published()
    made.cards.freeze("F", PAN, REPLACEMENT, card_present=False)
    with pytest.raises(ChangeError, match="no card to be made"):
        made.cards.personalisation("F", product, authority)
    made.cards.order("O", "F", NEW_EXPIRY)
    with pytest.raises(ChangeError, match="has not the keys"):
        made.cards.personalisation("F", load("debit-sm"), authority)
    made.cards.switch("S", "F")
    with pytest.raises(ChangeError, match="no card to be made"):
        made.cards.personalisation("F", product, authority)


def test_a_pre_made_card_has_its_data(made):
    made.cards.freeze("F", PAN, DIFFERENT, card_present=False)
    made.cards.order("O", "F", NEW_EXPIRY, pan=OTHER_PAN)
    with pytest.raises(ChangeError, match="pre-made"):
        made.cards.personalisation("F", load("debit"), Authority.published())


# What the tables refuse, whatever a program tries


def frozen(made):
    made.cards.freeze("F", PAN, REPLACEMENT, card_present=False)


def switched(made):
    ordered(made).cards.switch("S", "F")


def nothing(made):
    """As opened."""


REFUSED = [
    (ordered, "UPDATE card SET state = 'active' WHERE sequence = '02'", "frozen"),
    (ordered, "UPDATE card SET state = 'blocked' WHERE sequence = '01'", "frozen"),
    (switched, "UPDATE card SET state = 'active' WHERE sequence = '01'", "from this state"),
    (switched, "UPDATE change SET state = 'undone'", "from this state"),
    (frozen, "UPDATE change SET state = 'switched', new_sequence = '02'", "from this state"),
    (
        frozen,
        "INSERT INTO change VALUES ('G', '6214980000000001235', 'replacement', '01', '', '', 'frozen', 'identity document', 0)",
        "UNIQUE",
    ),
    (nothing, "INSERT INTO card VALUES ('6214980000000001235', '02', '', 'active', 0, 0, NULL)", "comes by a change"),
    (
        nothing,
        "INSERT INTO card VALUES ('6214980000000001235', '02', '', 'ordered', 0, 0, NULL)",
        "ordered by a change",
    ),
    (nothing, "DELETE FROM card", "stays in the register"),
    (nothing, "UPDATE card SET sequence = '05'", "keeps its number"),
    (nothing, "UPDATE card_number SET account = 'x'", "stays with its account"),
    (nothing, "UPDATE card SET last_counter = -1", "never falls"),
    (nothing, "UPDATE agreement SET account = 'x'", "never changed"),
    (nothing, "UPDATE agreement SET number = number || 'x'", "never changed"),
    (nothing, "DELETE FROM agreement", "stays in the books"),
    (nothing, "UPDATE book SET balance = balance + 1 WHERE overdraft = 0", "by an entry alone"),
    (nothing, "UPDATE book SET balance = 0, last_entry = 1", "by an entry alone"),
    (nothing, "INSERT INTO book VALUES ('x', 1, 5, 0)", "begins empty"),
    (nothing, "UPDATE book SET overdraft = 1", "its kind"),
    (nothing, "UPDATE entry SET amount = 1", "never changed"),
    (nothing, "DELETE FROM entry", "never deleted"),
    (nothing, "INSERT INTO entry VALUES (NULL, 'account 50000100002345', 'network', 500001, '1', 'x')", "balance >= 0"),
    (nothing, "INSERT INTO entry VALUES (NULL, 'network', 'network', 1, '1', 'x')", "source <> target"),
    (nothing, "INSERT INTO entry VALUES (NULL, 'opening', 'account 50000100002345', 1, '', 'opened')", "UNIQUE"),
]


@pytest.mark.parametrize(("before", "statement", "reason"), REFUSED)
def test_the_tables_refuse_what_breaks_a_rule(made, before, statement, reason):
    before(made)
    with pytest.raises(sqlite3.IntegrityError, match=reason), made.ledger.transaction():
        made.ledger.run(statement)


def test_an_ended_agreement_does_not_begin_again(made):
    made.agreements.end("GAS-1")
    with pytest.raises(sqlite3.IntegrityError, match="does not begin again"), made.ledger.transaction():
        made.ledger.run("UPDATE agreement SET ended = 0")
