"""``sscard upgrade``, ``sscard replace`` and ``sscard bank open`` as a clerk types them; the demonstration of the promises."""

import json
import shlex

import pytest
from typer.testing import CliRunner

from conformance.actors.bank import Bank, CardState, IssuerKeys, Ledger
from conformance.actors.bank.card_data import CardOrder
from conformance.actors.station import OldChip
from conformance.campaign.flows.persons import personalise
from conformance.demo import scene
from conformance.targets.in_process import virtual_target
from profiles import load
from sscard import app

NEW, PIN, PAN = "650981", "246813", "6214980000000001235"
FIELDS = {**scene.PERSON, "number": "CQ-1", "account number": PAN}
BOOKS = ("--journal", "station.db", "--books", "centre.db", "--bank", "bank.db")
PLACE = (*BOOKS, "--new-pin", NEW)


def run(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments])


def write_order(name="order.toml", **changes):
    fields = {**FIELDS, **{key.replace("_", " "): value for key, value in changes.items()}}
    with open(name, "w", encoding="utf-8") as file:
        file.writelines(f'"{key}" = "{value}"\n' for key, value in fields.items())
    return name


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """Books of a bank with an account, its debit card in an image file, and an order."""
    monkeypatch.chdir(tmp_path)
    opened = run(
        *("bank", "open", "--books", "bank.db", "--pan", PAN, "--pin", PIN, "--holder", scene.NAME),
        *("--identity-number", scene.IDENTITY, "--expiry", "2808", "--balance", 500_000, "--e-cash", 20_000),
    )
    assert opened.exit_code == 0, opened.output
    target = virtual_target(load("debit-blank"), tmp_path / "old.sscard")
    personalise(target, CardOrder(PAN, "01", scene.OLD_EXPIRY, scene.NAME, scene.IDENTITY, pin=PIN, balance=20_000))
    target.close()
    write_order()
    return tmp_path


def states():
    bank = Bank(*IssuerKeys.of_profile(load("ssc3-sm4")), ledger=Ledger("bank.db"))
    found = {card.sequence: card.state for card in bank.ledger.cards(PAN)}
    bank.ledger.close()
    return found


OLD = ("--old-image", "old.sscard", "--old-pin", PIN)


def test_a_bank_card_is_upgraded_and_the_new_card_replaced(desk):
    result = run("upgrade", "order.toml", *PLACE, "--image", "new.sscard", *OLD, "--json", "--timeline", "time.svg")
    assert result.exit_code == 0, result.output
    table = json.loads(result.stdout)
    assert table["ending"] == "completed"
    assert table["return"]["bank_number"] == f"{PAN[:6]}*********{PAN[-4:]} 02"
    assert table["notes"] == []
    assert [step["step"] for step in table["steps"]][-1] == "data return"
    assert (desk / "time.svg").exists()
    assert states() == {"01": CardState.SWITCHED_OFF, "02": CardState.ACTIVE}
    for secret in (PAN, PIN, NEW, scene.IDENTITY, scene.NAME):
        assert secret not in result.stdout
    again = run("upgrade", "order.toml", *PLACE, "--image", "new.sscard", *OLD)
    assert again.exit_code == 0
    assert "此前已完成" in again.stdout

    write_order("second.toml", number="CQ-2")
    replaced = run(
        *("replace", "second.toml", *PLACE, "--image", "third.sscard", "--serial", "00000102"),
        *("--old-image", "new.sscard", "--old-pin", PIN),
    )
    assert replaced.exit_code == 0, replaced.output
    assert "制卡完成" in replaced.stdout
    assert states() == {"01": CardState.SWITCHED_OFF, "02": CardState.SWITCHED_OFF, "03": CardState.ACTIVE}
    status = run("card", "status", table["return"]["card"], "--books", "centre.db", "--json")
    assert json.loads(status.stdout)["state"] == "cancelled"


def test_a_lost_card_is_replaced_by_another_number(desk):
    run("upgrade", "order.toml", *PLACE, "--image", "new.sscard", *OLD)
    write_order("second.toml", number="CQ-2", old_card="lost", new_account_number="6214980000000002233")
    result = run(
        *("replace", "second.toml", *PLACE, "--image", "third.sscard", "--serial", "00000102"),
        *("--kind", "different-number", "--json"),
    )
    assert result.exit_code == 0, result.output
    table = json.loads(result.stdout)
    assert table["return"]["bank_number"].startswith("621498*********2233")
    assert [note["en"] for note in table["notes"]] == ["the e-cash of the old chip goes back when its end is known"]
    assert states()["02"] is CardState.CANCELLED


def test_a_wrong_pin_interrupts_and_resume_goes_on(desk):
    wrong = ("--old-image", "old.sscard", "--old-pin", "000000")
    result = run("upgrade", "order.toml", *PLACE, "--image", "new.sscard", *wrong)
    assert result.exit_code == 3
    assert "PIN" in result.stdout
    assert "sscard upgrade order.toml --resume --old-image old.sscard --journal station.db" in result.stderr
    assert "000000" not in result.stderr
    assert NEW not in result.stderr
    assert states() == {"01": CardState.ACTIVE}
    assert run("upgrade", "order.toml", *PLACE, "--image", "new.sscard", *OLD).exit_code == 3
    resumed = run("upgrade", "order.toml", *PLACE, "--image", "new.sscard", *OLD, "--resume")
    assert resumed.exit_code == 0, resumed.output


def test_what_goes_on_names_the_product_of_the_old_card_again(desk):
    run("upgrade", "order.toml", *PLACE, "--image", "new.sscard", *OLD)
    write_order("second.toml", number="CQ-2")
    old = ("--old-image", "new.sscard", "--old-profile", "ssc3-sm4")
    new = ("--image", "third.sscard", "--serial", "00000102")
    result = run("replace", "second.toml", *PLACE, *new, *old, "--old-pin", "000000")
    assert result.exit_code == 3, result.output
    assert f"replace second.toml --resume {' '.join(old)} --kind same-number " in result.stderr


@pytest.mark.parametrize("journal", ["station.db", "folder"])
def test_a_command_broken_off_before_its_journal_leaves_none(desk, monkeypatch, journal):
    """It says so in one sentence, even where the journal could not be used."""
    (desk / "folder").mkdir()

    def break_off(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(OldChip, "__init__", break_off)
    where = [journal if each == "station.db" else each for each in PLACE]
    result = run("upgrade", "order.toml", *where, "--image", "new.sscard", *OLD)
    assert (result.exit_code, result.stderr) == (3, "sscard upgrade: broken off; start the same command again\n")
    assert not (desk / "station.db").exists()


def test_another_command_names_the_one_that_goes_on(desk):
    """The order alone does not say of which kind its request is; the sentence is then typed, with PINs and old card."""
    run("upgrade", "order.toml", *PLACE, "--image", "new.sscard", "--old-image", "old.sscard", "--timeline", "t.svg")
    for other in (("station", "resume"), ("replace", "--resume")):
        words = (*other, "order.toml", *PLACE, "--image", "new.sscard", "--face", "f.svg")
        result = run(*(words if other[0] == "station" else words[:-2]))
        assert (result.exit_code, result.stdout) == (2, "")
        assert "request CQ-1 is one of kind upgrade; go on, with the same PINs and the same old card: " in result.stderr
    again = shlex.split(result.stderr.partition("old card: ")[2])
    assert again[:4] == ["sscard", "upgrade", "order.toml", "--resume"]
    assert run(*again[1:], "--new-pin", NEW, *OLD).exit_code == 0


def test_a_request_that_goes_on_is_drawn_as_it_was_to_be(desk):
    """The command that the interruption tells repeats --timeline."""
    wrong = ("--old-image", "old.sscard", "--old-pin", "000000", "--timeline", "t.svg")
    result = run("upgrade", "order.toml", *PLACE, "--image", "new.sscard", *wrong)
    again = shlex.split(result.stderr.partition("PINs: ")[2])
    assert run(*again[1:], "--new-pin", NEW, "--old-pin", PIN).exit_code == 0
    assert (desk / "t.svg").exists()


def test_a_request_of_which_the_bank_does_not_know_is_given_up_without_it(desk):
    run("upgrade", "order.toml", *PLACE, "--image", "new.sscard", "--old-image", "old.sscard")
    given = ("--journal", "station.db", "--books", "centre.db", "--reason", "bent")
    assert run("station", "destroy", "CQ-1", *given).exit_code == 0
    assert states() == {"01": CardState.ACTIVE}


def test_a_change_that_began_at_the_bank_is_not_given_up_without_it(desk):
    from conformance.actors.station import Journal, Step

    run("upgrade", "order.toml", *PLACE, "--image", "new.sscard", "--old-image", "old.sscard")
    journal = Journal("station.db")
    journal.note("CQ-1", Step.FREEZE, "before")
    journal.close()
    given = ("--journal", "station.db", "--books", "centre.db", "--reason", "bent")
    refused = run("station", "destroy", "CQ-1", *given)
    assert refused.exit_code == 2
    assert "connect the bank" in refused.stdout
    assert run("station", "destroy", "CQ-1", *given, "--bank", "bank.db").exit_code == 0


WRONG = [
    (("upgrade",), 2, "give ORDER"),
    (("upgrade", "order.toml", "--demo"), 2, "brings its own"),
    (("upgrade", "--out", "x"), 2, "belong to --demo"),
    (("upgrade", "--demo", "--out", "."), 2, "not empty"),
    (("upgrade", "order.toml", *PLACE), 2, "--image FILE or --reader"),
    (("upgrade", "order.toml", *PLACE, "--image", "n", "--old-image", "nowhere"), 2, "no such image"),
    (("upgrade", "order.toml", *PLACE, "--image", "n", *OLD, "--old-reader", "x"), 2, "not both"),
    (("upgrade", "order.toml", *BOOKS, "--new-pin", "123456", "--image", "n", *OLD), 2, "initial PIN"),
    (("upgrade", "order.toml", *BOOKS, "--new-pin", "x", "--image", "n", *OLD), 2, "four to sixteen"),
    (("upgrade", "order.toml", *PLACE, "--image", "n", *OLD, "--timeline", "x.png"), 2, ".svg"),
    (("upgrade", "nowhere.toml", *PLACE, "--image", "n", *OLD), 2, "nowhere.toml"),
    (
        (
            "upgrade",
            "order.toml",
            "--journal",
            "s",
            "--books",
            "c",
            "--bank",
            "none.db",
            "--new-pin",
            NEW,
            "--image",
            "n",
        ),
        2,
        "sscard bank open",
    ),
    (("bank", "open", "--books", "bank.db", "--pan", PAN, "--pin", PIN), 2, "has an account"),
    (("bank", "open", "--books", "bank.db", "--pan", "12", "--pin", PIN), 2, "12 to 19 digits"),
    (("bank", "open", "--books", "bank.db", "--pan", PAN, "--pin", "x"), 2, "--pin"),
    (("bank", "open", "--books", "bank.db", "--pan", PAN, "--pin", PIN, "--expiry", "2813"), 2, "YYMM"),
    (("bank", "open", "--books", "bank.db", "--pan", PAN, "--pin", PIN, "--balance", "12.00"), 2, "--balance '12.00'"),
    (("bank", "open", "--books", "bank.db", "--pan", PAN, "--pin", PIN, "--e-cash", "x"), 2, "--e-cash 'x'"),
]


@pytest.mark.parametrize(("arguments", "code", "sentence"), WRONG)
def test_wrong_use_gets_one_sentence(desk, arguments, code, sentence):
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert states() == {"01": CardState.ACTIVE}
    assert sorted(each.name for each in desk.iterdir()) == ["bank.db", "old.sscard", "order.toml"]


def test_an_old_card_that_is_none_leaves_no_chip_behind(desk):
    (desk / "torn.sscard").write_bytes(b"no card")
    for command in ("upgrade", "replace"):
        result = run(command, "order.toml", *PLACE, "--image", "new.sscard", "--old-image", "torn.sscard")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "torn.sscard: not a card image" in result.stderr
    assert sorted(each.name for each in desk.iterdir()) == ["bank.db", "old.sscard", "order.toml", "torn.sscard"]


def test_a_station_that_breaks_down_keeps_the_chip_of_its_request(desk, monkeypatch):
    from conformance.actors.station import Station

    def break_down(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(Station, "_run", break_down)
    result = run("upgrade", "order.toml", *PLACE, "--image", "new.sscard", *OLD)
    assert result.exit_code == 3
    assert "broken off; go on, with the same PINs: sscard upgrade order.toml --resume" in result.stderr
    assert (desk / "new.sscard").exists()


def test_the_old_card_is_no_new_chip(desk):
    result = run("upgrade", "order.toml", *PLACE, "--image", "./old.sscard", *OLD)
    assert (result.exit_code, "name two files" in result.stderr) == (2, True)


def test_a_chip_that_is_not_the_expected_one_is_not_made(desk):
    result = run("upgrade", "order.toml", *PLACE, "--image", "new.sscard", *OLD, "--expect-chip", "FF")
    assert (result.exit_code, "another chip than expected" in result.stderr) == (1, True)
    assert not (desk / "new.sscard").exists()


def test_an_image_that_was_there_is_left_where_the_request_is_refused(desk):
    blank = virtual_target(load("ssc3-blank"), desk / "new.sscard")
    blank.close()
    before = (desk / "new.sscard").read_bytes()
    assert run("upgrade", "order.toml", *PLACE, "--image", "new.sscard").exit_code == 1
    assert (desk / "new.sscard").read_bytes() == before


def test_without_the_old_card_nothing_begins(desk):
    result = run("upgrade", "order.toml", *PLACE, "--image", "new.sscard")
    assert result.exit_code == 1
    assert "旧卡不在读卡器" in result.stdout
    assert not (desk / "new.sscard").exists()
    assert run("replace", "order.toml", *PLACE, "--image", "new.sscard", *OLD).exit_code == 1
    assert states() == {"01": CardState.ACTIVE}


# The demonstration

PROMISES = 7


def judged(result, link):
    assert result.exit_code == 0, result.output
    table = json.loads(result.stdout)
    assert (table["link"], table["kept"], table["ending"]) == (link, True, "completed")
    assert len(table["promises"]) == PROMISES
    assert all(promise["kept"] and len(promise["shown"]) >= 1 for promise in table["promises"])
    assert table["total"] <= table["promised"]
    shown = [check["en"] for promise in table["promises"] for check in promise["shown"]]
    for sentence in (
        "4 sectors opened by the bank's scripts",
        "contactless purchase off line (qPBOC): approved offline, e-cash left 28.00",
        "contactless purchase on line: approved online",
        "metro entry and exit, fare 4.00: approved offline, approved offline",
    ):
        assert sentence in shown
    return table


def test_the_demonstration_in_process_keeps_every_promise(tmp_path):
    result = run("upgrade", "--demo", "--in-process", "--out", tmp_path / "shown", "--json")
    table = judged(result, "in process")
    assert json.loads((tmp_path / "shown" / "upgrade.json").read_text("utf-8")) == table
    assert {path.name for path in (tmp_path / "shown").iterdir()} >= {"bank.db", "centre.db", "station.db"}
    for secret in (scene.PAN, scene.IDENTITY, scene.NAME, scene.BANK_PIN, scene.NEW_PIN):
        assert secret not in result.stdout


def test_a_promise_that_is_broken_is_told(monkeypatch):
    """A bank that answers the old card as if nothing had been switched."""
    from conformance.demo import upgrade

    honest = upgrade.pay
    monkeypatch.setattr(
        upgrade, "pay", lambda link, bank, amount, **more: _approved(honest(link, bank, amount, **more))
    )
    result = run("upgrade", "--demo", "--in-process")
    assert result.exit_code == 1
    assert "✗ 原卡权益不变" in result.stdout


def _approved(result):
    from dataclasses import replace

    from conformance.actors.terminal import Reason

    return replace(result, reason=Reason.APPROVED_ONLINE, response_code="00")


@pytest.mark.pcsc
def test_the_demonstration_in_readers_keeps_every_promise(tmp_path):
    judged(run("upgrade", "--demo", "--out", tmp_path / "shown", "--json"), "PC/SC")
