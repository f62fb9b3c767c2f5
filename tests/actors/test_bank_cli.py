"""``sscard bank`` as a person or a pipeline meets it."""

import json
import stat

import pytest
from typer.testing import CliRunner

from conformance.actors.terminal import Kernel
from conformance.failures import BenchError
from conformance.targets.in_process import InProcessTarget
from sscard import app

PAN = "6214980000000001235"
KEY = "000102030405060708090A0B0C0D0E0F"


def run(*arguments):
    return CliRunner().invoke(app, ["bank", *map(str, arguments)])


@pytest.fixture
def authority(tmp_path):
    path = tmp_path / "ca.toml"
    assert run("ca", "--out", path).exit_code == 0
    return path


def test_an_authority_of_ones_own(tmp_path):
    path = tmp_path / "ca.toml"
    result = run("ca", "--out", path, "--index", "D0", "--sm-index", "d1", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["rid"]) == (0, "A000000333")
    assert [(key["index"], key["algorithm"], key["bits"]) for key in found["keys"]] == [
        ("D0", "RSA", 1408), ("D1", "SM2", 256),
    ]  # fmt: skip
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert 'p = "' in path.read_text()
    assert '"p"' not in result.stdout
    again = run("ca", "--out", path)
    assert (again.exit_code, again.stderr.count("exists already")) == (2, 1)


@pytest.mark.parametrize(
    ("profile", "product"), [("debit-blank", "debit"), ("debit-sm-blank", "debit-sm"), ("debit-blank", "debit-dual")]
)
@pytest.mark.parametrize("level", ["none", "mac", "full"])
def test_a_chip_in_a_file_is_issued_and_pays(tmp_path, authority, profile, product, level):
    image = tmp_path / "card.img"
    options = ["--profile", profile, "--image", image, "--product", product, "--pan", PAN, "--level", level]
    result = run("personalise", *options, "--ca", authority, "--holder", "LI SI", "--try", "12.34", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["payment"] == {"approved": True, "reason": "approved online", "tvr": "0008000800"}
    assert (found["sequence"], found["card"]) == (1, "621498*********1235")
    assert found["key_data"].startswith("621498FFFFFF")
    secret = {each["dgi"] for each in found["groupings"] if each["secret"]}
    assert {"8000", "8010"} <= secret
    assert PAN not in result.stdout
    again = run("personalise", *options)
    assert (again.exit_code, "issued already" in again.stderr) == (1, True)


def test_a_chip_that_goes_during_its_first_payment_is_a_failure_of_the_bench(tmp_path, monkeypatch):
    real = Kernel.run

    def gone(target, command):
        raise BenchError("no card")

    def run_without_card(kernel, purchase):
        monkeypatch.setattr(InProcessTarget, "transmit", gone)
        return real(kernel, purchase)

    monkeypatch.setattr(Kernel, "run", run_without_card)
    result = run("personalise", "--image", tmp_path / "card.img", "--pan", PAN, "--try", "1", "--json")
    assert (result.exit_code, json.loads(result.stdout)["payment"]["approved"]) == (3, False)


def test_data_in_a_file(tmp_path, authority):
    path, image = tmp_path / "data.json", tmp_path / "card.img"
    made = run("data", "--out", path, "--pan", PAN, "--ca", authority, "--transport-key", KEY, "--social-security")
    assert (made.exit_code, "DGI 8000   48 bytes *" in made.stdout) == (0, True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    wrong = run("personalise", "--image", image, "--data", path, "--transport-key", KEY[::-1])
    assert (wrong.exit_code, "another transport key" in wrong.stderr) == (2, True)
    assert not image.exists()
    result = run("personalise", "--image", image, "--data", path, "--transport-key", KEY)
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "either --pan"),
        (["--pan", PAN], "either --image FILE or --reader"),
        (["--pan", PAN, "--reader", "x"], "--expect-chip"),
        (["--pan", PAN, "--reader", "x", "--expect-chip", "6"], "hexadecimal digits"),
        (["--pan", "1", "--image", "{}"], "12 to 19 digits"),
        (["--pan", PAN, "--image", "{}", "--expiry", "3613"], "no month YYMM"),
        (["--pan", PAN, "--image", "{}", "--sequence", "1"], "two digits"),
        (["--pan", PAN, "--image", "{}", "--product", "blank"], "no payment application"),
        (["--pan", PAN, "--image", "{}", "--product", "debti"], "neither a product"),
        (["--pan", PAN, "--image", "{}", "--profile", "debit"], "no application to personalise"),
        (["--pan", PAN, "--image", "{}", "--product", "debit-sm"], "3DES, the data are of a product with SM4"),
        (["--pan", PAN, "--image", "{}", "--ca", "{}"], "cannot be read"),
        (["--pan", PAN, "--image", "{}", "--bank-code", "01"], "16 hexadecimal digits"),
        (["--pan", PAN, "--image", "{}", "--pin", "12"], "four to twelve digits"),
        (["--pan", PAN, "--image", "{}", "--try", "x"], "no amount"),
        (["--data", "{}", "--image", "{}"], "cannot be read"),
        (["--data", "{}", "--image", "{}", "--try", "1"], "--try needs --pan"),
    ],
)
def test_wrong_use(tmp_path, options, said):
    image = tmp_path / "none"
    result = run("personalise", *(str(image) if option == "{}" else option for option in options))
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert not image.exists()


def test_an_image_that_is_none(tmp_path):
    image = tmp_path / "card.img"
    image.write_text("something else")
    result = run("personalise", "--image", image, "--pan", PAN)
    assert (result.exit_code, "not a card image" in result.stderr) == (2, True)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 2}', "\xff"])
def test_a_data_file_that_is_none(tmp_path, text):
    path = tmp_path / "data.json"
    path.write_text(text, "latin1")
    result = run("personalise", "--image", tmp_path / "card.img", "--data", path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("text", ["", "[RSA]", "\xff", '[RSA]\nindex = "C0"\nauthority = 3', "RSA = 1\nSM2 = 2"])
def test_an_authority_that_is_none(tmp_path, text):
    path = tmp_path / "ca.toml"
    path.write_text(text, "latin1")
    result = run("data", "--out", tmp_path / "d.json", "--pan", PAN, "--ca", path)
    assert (result.exit_code, "make one with: sscard bank ca" in result.stderr) == (2, True)
    assert not (tmp_path / "d.json").exists()


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("env:NO_SUCH_VARIABLE", "environment variable NO_SUCH_VARIABLE is not set"),
        ("file:/nowhere", "file /nowhere cannot be read as hexadecimal digits"),
        ("00", "the option holds 1 byte, 16 are needed"),
        ("x", "the option does not hold an even number of hexadecimal digits"),
    ],
)
def test_a_transport_key_that_is_none(tmp_path, key, sentence):
    result = run("data", "--out", tmp_path / "d.json", "--pan", PAN, "--transport-key", key)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"sscard bank: --transport-key: {sentence}\n"
    assert not (tmp_path / "d.json").exists()
