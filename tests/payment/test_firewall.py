"""A social security card with a debit application: neither gives anything to the other (rows SSC-FW of the catalogue)."""

import pytest

from emulator import load_card
from emulator.crypto import mac
from emulator.crypto import session_key as key_of_session
from profiles import load, sources
from profiles.checks import check
from profiles.sources import read

from .terminal import ARQC, SELECT, TC, Terminal

SSSE = "00A404000F7378312E73682EC9E7BBE1B1A3D5CF"
PSE = "00A404000E315041592E5359532E444446303100"


@pytest.fixture(params=["ssc2-3des", "ssc3-sm4"])
def card(request):
    terminal = Terminal(load(request.param))
    terminal.algorithm = terminal.algorithm.DES3
    return terminal


def test_the_profile_is_good(card):
    assert check(card.profile) == []


def test_the_master_file_is_the_payment_system_environment(card):
    assert card.send(PSE).startswith("6F15840E315041592E5359532E4444463031A503880101")
    assert "A000000333010101" in card.send("00B2010C00")
    assert card.send("00B2020C00") == "6A83"
    assert card.select().endswith("9000")


def test_transactions_work_beside_social_security(card):
    card.select()
    assert card.start().endswith("9000")
    assert card.first(ARQC).kind == ARQC
    assert card.authenticate() == "9000"
    assert card.second(TC).kind == TC
    assert card.script("04DA9F79", "000000050000") == "9000"
    assert card.data("9F79") == "000000050000"


def test_leaving_for_social_security_ends_the_transaction(card):
    card.select()
    card.start()
    assert card.send(SSSE + "00").endswith("9000")
    assert card.send("80CA9F3600") == "6D00"
    card.select()
    assert card.first(ARQC).sw == "6985"


def test_pins_are_apart(card):
    tries = {key for key in card.card.memory.cells if key.startswith("tries:") and key.endswith("PIN")}
    assert tries >= {"tries:DEBIT/DEBITPIN", "tries:SSSE/PIN"}
    before = card.card.memory.cells["tries:SSSE/PIN"]
    card.select()
    card.start()
    assert card.verify("000000") == "63C2"
    assert card.card.memory.cells["tries:SSSE/PIN"] == before
    assert card.verify("123456") == "9000"
    card.send(SSSE)
    card.send("00A4040006D15600000500")
    assert card.send("00B2012C00") == "6982"
    card.send(SSSE)
    assert card.send("0020000003654321") == f"63C{before - 1:X}"
    assert card.card.memory.cells["tries:DEBIT/DEBITPIN"] == 3


def test_rights_of_social_security_end_at_the_debit_application(card):
    card.send(SSSE)
    assert card.send("0020000003123456") == "9000"
    card.select()
    assert card.card.session.global_word == 0
    card.send(SSSE)
    card.send("00A4040006D15600000500")
    assert card.send("00B2012C00") == "6982"


def test_a_challenge_serves_one_application(card):
    card.send(SSSE)
    card.send("0084000008")
    card.select()
    card.send(SSSE)
    assert card.send("0082000410" + "00" * 16) == "6984"


def test_blocking_the_debit_application_leaves_social_security(card):
    card.select()
    card.start()
    card.first(ARQC)
    assert card.script("841E0000") == "9000"
    assert card.select().endswith("6283")
    assert card.send(SSSE + "00").endswith("9000")
    assert card.send("00B2012C00").endswith("9000")
    assert card.send(SELECT).endswith("6283")


def test_blocking_the_card_by_the_bank_blocks_everything(card):
    card.select()
    card.start()
    card.first(ARQC)
    assert card.script("84160000") == "9000"
    card.card.reset()
    assert card.send(SSSE) == card.send(PSE) == card.send(SELECT) == "6A81"


def test_unknown_commands_on_both_sides(card):
    card.select()
    assert card.send("B0280101") == "6D00"
    assert card.send("80E0010000") == "6D00"
    card.send(SSSE)
    assert card.send("80A8000002830000") == "6D00"
    assert card.send("04DA9F790A" + "00" * 10) == "6D00"


def test_selection_by_identifier_stays(card):
    card.select()
    assert card.send("00A40000023F0000").endswith("9000")
    assert card.send("00A4000002DDF100").endswith("9000")


def test_social_security_keeps_its_commands():
    """A command is looked up in the table of the current application alone."""
    card, blank = load_card("ssc3-sm4"), load_card("blank")
    assert card.tables["social security"] == blank.tables["social security"]


def block_social_security(terminal):
    """CARD BLOCK in SSSE with every right, whatever the lock key and the MAC."""
    terminal.send(SSSE)
    environment = terminal.card.session.node
    terminal.card.session.grant(environment.keys["BK"].bit, locally=False)
    terminal.send("0084000008")
    key = terminal.card.memory.cells[environment.keys["STK"].cell(1)]
    algorithm = terminal.card.algorithm
    command = bytes.fromhex("8416000004")
    return terminal.send(
        (command + mac(algorithm, key_of_session(algorithm, key, terminal.card.session.challenge), command)).hex()
    )


def test_blocking_social_security_leaves_the_bank(card):
    assert block_social_security(card) == "9000"
    assert card.send("00A4000002DF01") == card.send("0084000008") == card.send("00FF0000") == "6A81"
    for _ in range(2):
        assert card.send(SSSE) == card.send("00B2012C00") == card.send("00A4000002EF05") == "6A81"
        assert card.send("00A4040006D15600000500") == card.send("0084000008") == "6A81"
        assert card.send(PSE).startswith("6F15840E")
        assert card.select().endswith("9000")
        assert card.start().endswith("9000")
        assert card.first(ARQC).kind == ARQC
        card.card.reset()


def test_a_card_may_be_declared_to_end_as_a_whole():
    profile = load("ssc3-sm4")
    settings = profile.settings.model_copy(update={"card_block_scope": "card"})
    terminal = Terminal(profile.model_copy(update={"settings": settings}))
    assert block_social_security(terminal) == "9000"
    terminal.card.reset()
    assert terminal.send(SSSE) == terminal.send(PSE) == terminal.send(SELECT) == "6A81"


@pytest.mark.parametrize(
    ("text", "message"),
    [('include = "x.toml"', "a list of paths"), ('include = ["x.toml"]', "there is no file x.toml")],
)
def test_faulty_includes(tmp_path, text, message):
    path = tmp_path / "card.toml"
    path.write_text(text)
    with pytest.raises(sources.ProfileError, match=message):
        read(path)
