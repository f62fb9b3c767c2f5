"""``sscard issue`` and ``sscard station`` as a clerk types them."""

import json
import shlex
import sqlite3

import pytest
from typer.testing import CliRunner

import sscard
from conformance.actors.station import Journal, Station, Step, Told
from conformance.station_request import View
from sscard import app
from tests.station.world import FIELDS, NEW


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "order.toml").write_text("".join(f'"{n}" = "{v}"\n' for n, v in FIELDS.items()), "utf-8")
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments])


PLACE = ("--journal", "station.db", "--books", "centre.db", "--new-pin", NEW)


@pytest.mark.parametrize("product", ["ssc3-sm4", "ssc2-3des"])
def test_a_card_is_issued_read_and_settled_with(desk, product):
    what = ("--image", "card.sscard", "--profile", product)
    result = run("issue", "order.toml", *PLACE, *what, "--json")
    assert result.exit_code == 0, result.output
    table = json.loads(result.stdout)
    assert table["ending"] == "completed"
    assert table["timeline"]["kept"] is (table["timeline"]["total"] <= 480)
    assert table["timeline"]["total"] >= sum(budget["seconds"] for budget in table["timeline"]["budgets"])
    assert sum(step["commands"] for step in table["steps"]) > 400
    assert FIELDS["social security number"] not in result.stdout

    read = run("read", *what)
    assert read.exit_code == 0
    for text in (FIELDS["social security number"], FIELDS["name"], FIELDS["card number"], table["return"]["card"]):
        assert text in read.stdout
    settled = run("settle", "medical", *what, "--books", "centre.db", "--total", "200", "--pin", NEW, "--json")
    assert settled.exit_code == 0, settled.output
    assert json.loads(settled.stdout)["books"]["account"] == 120_000 - 20_000
    refused = run("settle", "medical", *what, "--books", "centre.db", "--total", "1", "--pin", "123456")
    assert refused.exit_code == 1

    again = run("issue", "order.toml", *PLACE, *what, "--json")
    assert again.exit_code == 0
    assert json.loads(again.stdout)["return"] == table["return"]
    assert json.loads(run("station", "list", "--journal", "station.db", "--json").stdout) == {"open": []}
    assert run("station", "list", "--journal", "station.db").stdout == "无未完成的申请 no open requests\n"


def test_the_live_view_tells_each_step_and_the_sum(desk):
    result = run("issue", "order.toml", *PLACE, "--image", "card.sscard")
    assert result.exit_code == 0
    for text in ("初始化 initialisation", "数据回盘 data return", "制卡完成", "合计 total"):
        assert text in result.stdout


@pytest.mark.parametrize(("step", "begun"), [(Step.BLANK_CHECK, False), (Step.PERSONALISE, True), (Step.RETURN, True)])
def test_ctrl_c_ends_in_one_sentence_that_tells_how_to_go_on(desk, monkeypatch, step, begun):
    """What it tells is then typed, with the PIN."""
    tell = View.tell
    what = ("issue", "order.toml", *PLACE, "--image", "card.sscard")

    def break_off(view, told):
        tell(view, told)
        if told.step is step:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        if begun:
            patched.setattr(View, "tell", break_off)
        else:
            patched.setattr(Station, "issue", lambda *given: break_off(View(True), Told(step, True)))
        broken = run(*what)
    assert broken.exit_code == 3
    assert broken.stderr.startswith("sscard issue: broken off; ")
    assert broken.stderr.count("\n") == 1
    if begun:
        again = shlex.split(broken.stderr.partition("PINs: ")[2])
        assert again.pop(0) == "sscard"
        result = run(*again, "--new-pin", NEW)
    else:
        assert "start the same command again" in broken.stderr
        result = run(*what)
    assert result.exit_code == 0, result.output


def test_ctrl_c_elsewhere_has_an_exit_code_of_its_own(monkeypatch, capsys):
    """In a command, which typer ends, and between two."""
    for end in (SystemExit(130), KeyboardInterrupt()):

        def break_off(end=end):
            raise end

        monkeypatch.setattr(sscard, "app", break_off)
        with pytest.raises(SystemExit) as left:
            sscard.main()
        assert left.value.code == 130
        assert capsys.readouterr().err == "sscard: broken off by Ctrl-C\n"


def test_the_face_is_printed_beside_the_card(desk):
    result = run("issue", "order.toml", *PLACE, "--image", "card.sscard", "--face", "face.svg", "--json")
    assert result.exit_code == 0, result.output
    table = json.loads(result.stdout)
    assert (table["face"]["front"], table["face"]["back"]) == ("face.svg", "face-back.svg")
    assert "printing the face" in [step["step"] for step in table["steps"]]
    front = (desk / "face.svg").read_text("utf-8")
    for field in ("name", "social security number", "card number"):
        assert FIELDS[field] in front
        assert FIELDS[field] not in result.stdout
    assert (desk / "face.svg").stat().st_mode & 0o777 == 0o600
    again = run("issue", "order.toml", *PLACE, "--image", "card.sscard", "--face", "other.svg")
    assert "this call printed no face" in again.stdout
    assert not (desk / "other.svg").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--image", "c", "--reader", "r"), "either --image FILE or --reader NAME"),
        ((), "either --image FILE or --reader NAME"),
        (("--reader", "r"), "--expect-chip"),
        (("--image", "c", "--new-pin", "12"), "--new-pin"),
        (("--image", "c", "--new-pin", "123456"), "initial PIN"),
        (("--image", "c", "--serial", "1"), "--serial"),
        (("--image", "c", "--profile", "debit"), "no social security application"),
        (("--image", "c", "--blank", "ssc3-sm4"), "no blank chip"),
        (("--image", "c", "--blank", "blank-3des"), "no blank chip"),
        (("--image", "c", "--number", "other"), "not other"),
        (("--image", "c", "--journal", "order.toml"), "journal"),
        (("--image", "c", "--books", "order.toml"), "books"),
        (("--image", "order.toml"), "not a card image"),
        (("--image", "c", "--expect-chip", "00"), "another chip"),
        (("--image", "c", "--face", "face.jpg"), ".svg or .png"),
        (("--image", "c", "--face", "none/face.svg"), "no such folder"),
    ],
)
def test_wrong_use_is_one_sentence(desk, arguments, sentence):
    result = run("issue", "order.toml", *PLACE, *arguments)
    assert result.exit_code == (1 if "another chip" in sentence else 2), result.output
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1


def test_wrong_data_of_the_order_leave_no_chip_and_no_journal(desk):
    (desk / "order.toml").write_text('number = "X"\n', "utf-8")
    result = run("issue", "order.toml", *PLACE, "--image", "card.sscard")
    assert result.exit_code == 2
    assert sorted(path.name for path in desk.iterdir()) == ["order.toml"]


def interrupted(desk):
    """A station that was killed after it had begun the initialisation."""
    from conformance.actors.medical.centre import Centre
    from conformance.actors.station import Equipment, Journal, Station, load_order
    from conformance.targets.in_process import virtual_target
    from profiles import load
    from tests.station.world import Cutting

    product = load("ssc3-sm4")
    target, journal, centre = (
        virtual_target(load("ssc3-blank"), desk / "card.sscard"),
        Journal("station.db"),
        Centre(product, "centre.db"),
    )
    Station(Equipment(product, load("ssc3-blank"), centre, journal)).issue(
        load_order(desk / "order.toml"), Cutting(target, 60, acts=False), NEW
    )
    target.close()
    journal.close()
    centre.books.close()


def test_an_interrupted_request_is_listed_and_resumed(desk):
    interrupted(desk)
    rows = json.loads(run("station", "list", "--journal", "station.db", "--json").stdout)["open"]
    assert [row["number"] for row in rows] == [FIELDS["number"]]
    again = run("issue", "order.toml", *PLACE, "--image", "card.sscard")
    assert again.exit_code == 3
    assert "sscard station resume" in again.stderr
    assert run("station", "resume", "order.toml", *PLACE, "--image", "none.sscard").exit_code == 2
    result = run("station", "resume", "order.toml", *PLACE, "--image", "card.sscard")
    assert result.exit_code == 0, result.output
    assert run("read", "--image", "card.sscard").exit_code == 0


def test_a_request_that_is_gone_on_with_as_it_is_told_has_its_face(desk):
    """The command that is printed names the printer's file, too."""
    interrupted(desk)
    again = run("issue", "order.toml", *PLACE, "--image", "card.sscard", "--face", "face.svg")
    command = shlex.split(again.stderr.partition("with the same PINs: ")[2])
    assert command[0] == "sscard"
    result = run(*command[1:], "--new-pin", NEW)
    assert result.exit_code == 0, result.output
    assert FIELDS["name"] in (desk / "face.svg").read_text("utf-8")


@pytest.mark.parametrize("entries", [0, 3, 8])
def test_a_journal_that_fails_on_the_way_is_one_sentence_and_the_request_goes_on(desk, monkeypatch, entries):
    """As on a full disk: neither the step nor what became of it can be written."""
    note, left = Journal.note, [entries]

    def fail_later(journal, *entry):
        left[0] -= 1
        if left[0] < 0:
            raise sqlite3.OperationalError("database or disk is full")
        note(journal, *entry)

    with monkeypatch.context() as failing:
        failing.setattr(Journal, "note", fail_later)
        result = run("issue", "order.toml", *PLACE, "--image", "card.sscard")
    assert result.exit_code == 3
    assert result.stderr == (
        "sscard issue: journal or books cannot be used (database or disk is full); "
        "start the same command again when they can be\n"
    )
    again = run("issue", "order.toml", *PLACE, "--image", "card.sscard")
    assert "sscard station resume" in again.stderr
    result = run("station", "resume", "order.toml", *PLACE, "--image", "card.sscard")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("mistyped", "sentence"), [("journal", "no such journal"), ("books", "no such books of a centre")]
)
def test_what_goes_on_makes_no_new_books(desk, mistyped, sentence):
    """Those of a mistyped name would know nothing of the request, and the next call would take them for the right ones."""
    interrupted(desk)
    place = {"journal": "station.db", "books": "centre.db", mistyped: "mistyped.db"}
    where = [word for name, path in place.items() for word in (f"--{name}", path)]
    before = sorted(desk.iterdir())
    for command in (
        ("station", "destroy", FIELDS["number"], *where, "--reason", "bent"),
        ("station", "resume", "order.toml", *where, "--new-pin", NEW, "--image", "card.sscard"),
        ("replace", "order.toml", *where, "--bank", "bank.db", "--new-pin", NEW, "--image", "card.sscard", "--resume"),
    ):
        result = run(*command)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.endswith(f": mistyped.db: {sentence}; name that of the request\n")
        assert sorted(desk.iterdir()) == before


def test_an_interrupted_request_is_given_up(desk):
    interrupted(desk)
    place = ("--journal", "station.db", "--books", "centre.db")
    result = run("station", "destroy", FIELDS["number"], *place, "--reason", "bent", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["ending"] == "destroyed"
    assert run("station", "destroy", FIELDS["number"], *place, "--reason", "bent").exit_code == 2
    assert run("station", "resume", "order.toml", *PLACE, "--image", "card.sscard").exit_code == 1


ACCOUNT = "6214980000000001235"
BANK = ("--bank", "bank.db", "--bank-pin", "135790")


@pytest.fixture
def with_account(desk):
    with (desk / "order.toml").open("a", encoding="utf-8") as order:
        order.write(f'"account number" = "{ACCOUNT}"\n')
    return desk


def pay(amount, product, *more):
    place = ("--profile", product, "--image", "card.sscard", "--bank", "bank.db", "--pin", "135790")
    return run("pay", *place, "--amount", amount, "--json", *more)


@pytest.mark.parametrize("product", ["ssc3-sm4", "ssc2-3des"])
def test_a_whole_card_is_issued_and_pays(with_account, product):
    result = run("issue", "order.toml", *PLACE, *BANK, "--image", "card.sscard", "--profile", product, "--json")
    assert result.exit_code == 0, result.output
    table = json.loads(result.stdout)
    assert table["return"]["bank_number"] == f"{ACCOUNT[:6]}{'*' * 9}{ACCOUNT[-4:]} 01"
    assert table["notes"] == []
    assert ACCOUNT not in result.stdout
    refused = pay("10.00", product)
    assert (refused.exit_code, json.loads(refused.stdout)["response_code"]) == (1, "51")
    for _ in range(2):
        paid = ("bank", "deposit", "--books", "bank.db", "--pan", ACCOUNT, "--amount", 2_500, "--number", "D1")
        assert run(*paid).exit_code == 0
    assert pay("30.00", product, "--online").exit_code == 1
    assert pay("20.00", product, "--online").exit_code == 0
    settled = run("settle", "medical", "--profile", product, "--image", "card.sscard", "--books", "centre.db",
                  "--total", "200", "--pin", NEW, "--json")  # fmt: skip
    assert settled.exit_code == 0, settled.output


def test_without_a_bank_the_half_is_said_to_be_one(with_account):
    result = run("issue", "order.toml", *PLACE, "--image", "card.sscard", "--json")
    assert result.exit_code == 0, result.output
    table = json.loads(result.stdout)
    assert table["return"]["bank_number"] == ""
    assert [note["en"].partition(":")[0] for note in table["notes"]] == [
        "the bank's application waits for its personalisation"
    ]
    assert "certificates" in [step["step"] for step in table["steps"]]


def test_a_bare_chip_becomes_the_social_security_half(desk):
    result = run("issue", "order.toml", *PLACE, "--image", "card.sscard", "--blank", "blank")
    assert result.exit_code == 0, result.output
    assert "certificates" not in result.stdout
    assert "waits" not in result.stdout


@pytest.mark.parametrize(
    ("account", "arguments", "sentence"),
    [
        (False, BANK, '"account number"'),
        (True, BANK[:2], "--bank-pin"),
        (True, BANK[2:], "--bank-pin goes with --bank"),
        (True, (*BANK[:3], "12"), "four to twelve digits"),
        (True, ("--bank", "order.toml", *BANK[2:]), "cannot be used"),
    ],
)
def test_wrong_use_of_the_bank_is_one_sentence(desk, account, arguments, sentence):
    if account:
        with (desk / "order.toml").open("a", encoding="utf-8") as order:
            order.write(f'"account number" = "{ACCOUNT}"\n')
    result = run("issue", "order.toml", *PLACE, *arguments, "--image", "card.sscard")
    assert result.exit_code == 2, result.output
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (desk / "card.sscard").exists()


def test_a_bare_chip_is_refused_for_a_card_with_an_account(with_account):
    result = run("issue", "order.toml", *PLACE, *BANK, "--image", "card.sscard", "--blank", "blank")
    assert result.exit_code == 1
    assert "no application that waits for a bank" in result.stdout


def test_a_whole_card_that_broke_off_is_resumed_with_its_bank(with_account):
    from conformance.actors.bank import Bank, IssuerKeys, Ledger
    from conformance.actors.medical.centre import Centre
    from conformance.actors.station import Equipment, Journal, Station, load_order
    from conformance.targets.in_process import virtual_target
    from profiles import load
    from tests.station.world import Cutting

    product, blank = load("ssc3-sm4"), load("ssc3-blank")
    target, journal, centre = (
        virtual_target(blank, with_account / "card.sscard"),
        Journal("station.db"),
        Centre(product, "centre.db"),
    )
    bank = Bank(*IssuerKeys.of_profile(product), ledger=Ledger("bank.db"))
    order = load_order(with_account / "order.toml")
    Station(Equipment(product, blank, centre, journal, bank=bank)).issue(
        order, Cutting(target, 480, acts=True), NEW, bank_pin="135790"
    )
    for each in (target, journal, centre.books, bank.ledger):
        each.close()
    place = ("--image", "card.sscard")
    assert run("station", "resume", "order.toml", *PLACE, *place, "--bank", "bank.db").exit_code == 2
    result = run("station", "resume", "order.toml", *PLACE, *place, *BANK)
    assert result.exit_code == 0, result.output
    assert "personalisation of the bank's application" in result.stdout
    assert f"{ACCOUNT[:6]}{'*' * 9}{ACCOUNT[-4:]} 01" in result.stdout


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"--pan": "6214980000000009999"}, 1, "no card of this number"),
        ({"--books": "none.db"}, 2, "no such books"),
        ({"--books": "order.toml"}, 2, "cannot be used"),
        ({"--amount": 0}, 2, "give one above zero"),
        ({"--amount": "-5"}, 2, "no whole number of fen"),
        ({"--amount": "5.00"}, 2, "CNY 5.00 is written 500"),
        ({"--number": ""}, 2, "needs a number"),
    ],
)
def test_a_deposit_that_cannot_be(with_account, changes, code, said):
    assert run("issue", "order.toml", *PLACE, *BANK, "--image", "card.sscard").exit_code == 0
    options = {"--books": "bank.db", "--pan": ACCOUNT, "--amount": 1_000, "--number": "D1"} | changes
    result = run("bank", "deposit", *(word for option in options.items() for word in option))
    assert result.exit_code == code
    assert said in result.output + result.stderr


def test_a_deposit_with_another_content_under_its_number_is_refused(with_account):
    assert run("issue", "order.toml", *PLACE, *BANK, "--image", "card.sscard").exit_code == 0
    place = ("bank", "deposit", "--books", "bank.db", "--pan", ACCOUNT, "--number", "D1", "--json")
    assert json.loads(run(*place, "--amount", 100).stdout) == {"outcome": "done", "exit_code": 0}
    assert json.loads(run(*place, "--amount", 100).stdout) == {"outcome": "done", "exit_code": 0}
    again = run(*place, "--amount", 200)
    assert (again.exit_code, json.loads(again.stdout)["outcome"]) == (1, "duplicate")
