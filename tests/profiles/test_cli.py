"""The commands about products, as a person or a pipeline meets them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import sscard
from profiles import load, profile_sha256
from profiles.cli import app

SECRETS = ("123456", "500000199002280026", "渝小样", "样例路", "023-00000000", "A12345674", "50000000000000000001")


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_list_tells_every_product() -> None:
    result = _run("list")
    assert result.exit_code == 0
    products = [line.split()[0] for line in result.stdout.splitlines()]
    assert products == [
        "blank",
        "blank-3des",
        "debit",
        "debit-blank",
        "debit-dual",
        "debit-either",
        "debit-plain",
        "debit-prepaid",
        "debit-sm",
        "debit-sm-blank",
        "debit-total",
        "psam-3des",
        "psam-sm4",
        "ssc2-3des",
        "ssc2-blank",
        "ssc3-blank",
        "ssc3-sm4",
    ]
    assert "第三代社会保障卡" in result.stdout


def test_list_as_json() -> None:
    entries = json.loads(_run("list", "--json").stdout)
    assert entries[-1]["name"] == "ssc3-sm4"
    assert entries[-1]["algorithm"] == "SM4"
    assert entries[-1]["title"]["zh"]


def test_show_draws_the_tree() -> None:
    text = _run("show", "ssc3-sm4").stdout
    assert (
        "EF06 SFI 06 持卡人的基本信息文件 holder's basic data · variable 7 records · read RKSSSE · update UKSSSE [P+]"
        in text
    )
    assert "83 UK1DF01 DF01 更新密钥1 update key 1 of DF01 · external authentication · levels 2 · versions 3" in text
    assert "cyclic 30 × 28 bytes · read PIN · update never" in text
    assert "500103" not in text


def test_show_with_content_masks_personal_data() -> None:
    text = _run("show", "ssc3-sm4", "--content").stdout
    assert "02 卡的类别 card category: 3 成年人 adult" in text
    assert "初始填充 initial fill" in text
    assert not [secret for secret in SECRETS if secret in text]


def test_show_tells_secrets_only_when_asked() -> None:
    text = _run("show", "ssc3-sm4", "--content", "--unmask").stdout
    assert not [secret for secret in SECRETS if secret not in text]


def test_show_as_json_masks_too(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    key = "00112233445566778899AABBCCDDEEFF"
    path.write_text(f'extends = "ssc3-sm4"\n[test_keys.value]\n"UKSSSE.1" = "{key}"\n"UKSSSE.2" = "env:UK"\n')
    masked = _run("show", str(path), "--json").stdout
    assert not [secret for secret in (*SECRETS, key, "FFD8FF") if secret in masked]
    assert json.loads(masked)["test_keys"]["value"] == {"UKSSSE.1": "••••", "UKSSSE.2": "env:UK"}
    assert json.loads(masked)["content"]["DF02"]["EF07"]["records"][0]["employer"] == "••••"
    document = json.loads(_run("show", str(path), "--json", "--unmask").stdout)
    assert document == load(path).model_dump(mode="json")


def test_show_lists_the_assumptions() -> None:
    text = _run("show", "blank", "--assumptions").stdout
    assert "pin_try_limit" in text
    assert "个人密码尝试次数上限" in text
    assert "[I]" in text


def test_validate_a_good_product() -> None:
    result = _run("validate", "ssc2-3des")
    assert result.exit_code == 0
    assert result.stdout == f"profile ssc2-3des is good, 0 warnings, sha256 {profile_sha256(load('ssc2-3des'))}\n"
    document = json.loads(_run("validate", "ssc2-3des", "--json").stdout)
    assert document == {
        "valid": True,
        "name": "ssc2-3des",
        "sha256": profile_sha256(load("ssc2-3des")),
        "problems": [],
    }


def test_validate_tells_every_fault(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(
        'extends = "ssc3-sm4"\nalgorithm = "AES"\n[directory.DF01.file.EF05]\nread = "PIN or RK9DF01"\nsfi = 6\n'
    )
    result = _run("validate", str(path))
    assert result.exit_code == 2
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[0] == f"profile {path}:"
    assert lines[1:] == [
        "  algorithm: must be '3DES' or 'SM4'",
        "  directory.DF01.file.EF06.sfi: 06 is the identifier of file EF05 already",
        "  directory.DF01.file.EF05.read: access condition names RK9DF01, which no key or PIN in DF01 or above has",
    ]
    document = json.loads(_run("validate", str(path), "--json").stdout)
    assert document["valid"] is False
    assert document["problems"][0]["path"] == "algorithm"


def test_validate_shows_warnings_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_text('extends = "ssc3-sm4"\n[issuer]\ncity_code = "430200"\n')
    result = _run("validate", str(path))
    assert result.exit_code == 0
    assert result.stdout.startswith("warning: chip.historical: bytes 8 and 9 say city 5000")
    assert "1 warning," in result.stdout


def test_validate_warns_of_a_root_key_that_is_not_here(tmp_path: Path) -> None:
    path = tmp_path / "away.toml"
    path.write_text('extends = "ssc3-sm4"\n[test_keys.value]\n"UKSSSE.1" = "env:SSCARD_ABSENT"\n')
    result = _run("validate", str(path))
    assert result.exit_code == 0
    assert "warning: test_keys.value: root key UKSSSE.1: environment variable SSCARD_ABSENT is not set" in result.stdout


def test_validate_knows_the_features_of_the_catalogues(tmp_path: Path) -> None:
    path = tmp_path / "misspelt.toml"
    path.write_text('extends = "ssc3-sm4"\nfeatures = ["financal", "contactless"]\n')
    result = CliRunner().invoke(sscard.app, ["profile", "validate", str(path)])
    assert result.exit_code == 2
    assert "features: 'financal' is no optional function of the catalogues; did you mean 'financial'?" in result.stderr


@pytest.mark.parametrize("command", ["show", "validate"])
@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "neither a product nor a TOML file"), ("name = ", "not valid TOML"), ("[a", "not valid TOML")],
)
def test_what_cannot_be_used_is_told_in_a_sentence(tmp_path: Path, command: str, text: str | None, said: str) -> None:
    path = tmp_path / "broken.toml"
    if text is not None:
        path.write_text(text)
    result = _run(command, str(path))
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_new_writes_a_file_that_loads(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    result = _run("new", "my-card", "--extends", "ssc2-3des", "--out", str(path))
    assert result.exit_code == 0
    mine = load(path)
    assert mine.name == "my-card"
    assert mine.directory == load("ssc2-3des").directory
    assert path.read_text("utf-8").count("# ") > 10


def test_what_the_starter_comments_out_is_good_when_brought_in(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    _run("new", "my-card", "--out", str(path))
    lines = path.read_text("utf-8").splitlines()
    samples = (
        "# [",
        "# fid",
        "# structure",
        "# size",
        "# read",
        "# update",
        "# usage",
        "# title",
        "# present",
        "# records",
        '# "',
        "# 09",
    )
    path.write_text(
        "\n".join(line.removeprefix("# ") if line.startswith((*samples, "# pin", "# key")) else line for line in lines)
    )
    mine = load(path)
    assert "DF07" not in mine.directory
    assert mine.directory["SSSE"].file["EF0C"].usage == "local"
    assert mine.test_keys.value["UKSSSE.2"] == f"file:{tmp_path}/keys/UKSSSE.2"


def test_new_extends_a_file_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _run("new", "one").exit_code == 0
    (tmp_path / "sub").mkdir()
    assert _run("new", "two", "--extends", "one.toml", "--out", "sub/two.toml").exit_code == 0
    assert load("sub/two.toml").name == "two"


def test_new_replaces_nothing_unasked(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("mine")
    result = _run("new", "my-card", "--out", str(path))
    assert result.exit_code == 2
    assert "is there already" in result.stderr
    assert path.read_text() == "mine"
    assert _run("new", "my-card", "--out", str(path), "--force").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("new", "My Card"), "'My Card' is no name of a product"),
        (("new", "my-card", "--extends", "ssc9"), "neither a product nor a TOML file"),
        (("new", "my-card", "--out", "/nowhere/mine.toml"), "cannot be written: No such file or directory"),
    ],
)
def test_new_refuses_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = _run(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not list(tmp_path.iterdir())


def test_the_commands_load_nothing_heavy_before_they_run() -> None:
    program = "import sys, profiles.cli; print([name for name in ('pydantic', 'rich.tree', 'tomllib') if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
