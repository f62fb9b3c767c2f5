"""The card itself gives the published cryptograms, with the keys and inputs of the examples."""

import json

import pytest

from emulator.crypto import payment as crypto

from .terminal import QUIET, SELECT, Terminal, profile
from .vectors import AMOUNTS_3DES, AMOUNTS_SM4, PBOC_3DES, PBOC_SM4, WORKED

LAST_TERMINAL_VALUES = "143000" + "00" * 20
PLAIN = {**QUIET, "9F56": "00", "9F79": "000000001000"}


CARDS = {"3des": ("debit", "debit-dual"), "sm4": ("debit-sm", "debit-dual")}
"""Products that can show the examples of an algorithm."""


def published(product, vector, issuer_data, aip, data=None, *, sm=False):
    """A card with the keys of an example; ``sm`` gives them to the SM set of a dual-algorithm card."""
    of_set = "SM" if sm and product == "debit-dual" else ""
    keys = {f"DEBIT{name}{of_set}.1": vector[name] for name in ("AC", "ENC", "MAC") if name in vector}
    records = profile(product).content["DEBIT"]["SFI03"]["records"]
    signed = [{**records[0], "5A": vector["PAN"], "5F34": vector["PSN"]}, *records[1:]]
    track = [{"57": f"{vector['PAN']}D36122200"}, {}, {"9F62": "00"}]
    path = {kind: {"aip": aip} for kind in ("ordinary", "e-cash")}
    own = {"9F10": issuer_data}
    more = {**PLAIN, **(data or {})}
    of = profile(
        product,
        data=more if of_set else {**more, **own},
        payment={"sm": {"path": path, "data": own}} if of_set else {"path": path},
        content={"SFI01": track, "SFI03": signed},
        test_keys={"value": keys},
    )
    terminal = Terminal(of)
    terminal.poke("9F36", f"{int(vector['ATC'], 16) - 1:04X}")
    terminal.poke("9F13", "0001")
    terminal.select()
    return terminal


@pytest.fixture(params=CARDS["3des"])
def triple_des(request):
    """The card of the 3DES example before its first GENERATE AC."""
    terminal = published(request.param, PBOC_3DES, "07 00 01 03000000 01 0A01", PBOC_3DES["AIP"])
    terminal.lose_pin_tries()
    terminal.start(amount=1)
    terminal.send("0088000004A1B2C3D400")
    return terminal


def test_triple_des_cryptogram_and_issuer_data(triple_des):
    answer = triple_des.send(f"80AE800034{AMOUNTS_3DES}{LAST_TERMINAL_VALUES}00")
    expected = "80" + "0240" + PBOC_3DES["ARQC"] + PBOC_3DES["IAD"]
    assert answer == f"80{len(expected) // 2:02X}{expected}9000"
    assert triple_des.send(f"008200000A{PBOC_3DES['ARPC']}{PBOC_3DES['ARC'].encode().hex()}") == "9000"


# MACs on the cryptogram of the published example, worked by the author of the specification.
@pytest.mark.parametrize(
    "command",
    [
        "841E00000442CA0591",
        "8418000004FC1D8DD2",
        "8416000004CED3BD17",
        "84240000045154F5A2",
        "04DA9F790A0000000500003CA63DD2",
        "84240002142282F364D85BFFC4C48BAFEFD63D7B4EEF811582",
    ],
)
def test_script_after_the_published_cryptogram(triple_des, command):
    triple_des.send(f"80AE800034{AMOUNTS_3DES}{LAST_TERMINAL_VALUES}00")
    changed = f"{command[:-2]}{int(command[-2:], 16) ^ 1:02X}"
    fresh = triple_des.card.snapshot()
    assert triple_des.send(command) == "9000"
    triple_des.card.memory.restore(fresh)
    assert triple_des.send(changed) == "6988"


@pytest.mark.parametrize("product", CARDS["sm4"])
def test_sm4_cryptogram(product):
    terminal = published(product, PBOC_SM4, "07 00 01 03000000 04", PBOC_SM4["AIP"], sm=True)
    terminal.start(amount=0, sm=True)
    answer = terminal.send(f"80AE800034{AMOUNTS_SM4}{LAST_TERMINAL_VALUES}00")
    expected = "800001" + PBOC_SM4["ARQC"] + "07000103A0000004"
    assert answer == f"80{len(expected) // 2:02X}{expected}9000"
    key = crypto.session_key(terminal.algorithm, bytes.fromhex(PBOC_SM4["UDK"]), b"\0\1")
    arpc = crypto.response_cryptogram(terminal.algorithm, key, bytes.fromhex(PBOC_SM4["ARQC"]), b"00")
    assert terminal.send(f"008200000A{arpc.hex()}3030") == "9000"


@pytest.fixture(params=[(name, product) for name, products in CARDS.items() for product in products])
def worked(request):
    """A card with the keys of the worked transcript, and the transcript."""
    name, product = request.param
    keys = WORKED[f"symmetric_{name}"]
    vector = {"PAN": keys["pan"], "PSN": keys["psn"], "ATC": "0008", **keys["IMK"]}
    algorithm = "01" if name == "3des" else "04"
    data = {"9F79": "000000012345", "9F38": "9F7A01 9F0206 5F2A02 DF6901"}
    sm = name == "sm4"
    terminal = published(product, vector, f"07 01 01 03000000 {algorithm} 0A01", "7C00", data, sm=sm)
    return terminal, WORKED[f"transcript_{name}"], f"{int(sm):02X}"


def test_worked_transcript(worked):
    terminal, transcript, asked = worked
    assert terminal.send(f"80A800000C830A000000000010000156{asked}00").endswith("9000")
    for step in transcript["contact_online_with_load"]:
        assert terminal.send(step["command"]) == step["response"], step["step"]
    start, spend = transcript["contact_ecash_TC"]
    assert terminal.send(SELECT).endswith("9000")
    assert terminal.send(start["command"]).endswith("28010100" + "9000")
    assert terminal.send(spend["command"]) == spend["response"]
    terminal.send(start["command"].replace("830A01", "830A00"))
    last = transcript["next_ordinary_txn_shows_script_counter"]
    assert terminal.send(last["command"]) == last["response"]


@pytest.mark.parametrize("algorithm", ["3des", "sm4"])
@pytest.mark.parametrize("identifier", range(5))
def test_worked_issuer_data(algorithm, identifier):
    keys = WORKED[f"symmetric_{algorithm}"]
    item = keys["IDD"]["items"][identifier]
    template = bytes.fromhex(item["9F10"])
    made = crypto.issuer_data_mac(
        {"3des": crypto.Algorithm.DES3, "sm4": crypto.Algorithm.SM4}[algorithm],
        bytes.fromhex(keys["SK"]["MAC"]),
        bytes.fromhex(keys["ATC"]),
        bytes.fromhex(item["fields"]),
    )
    assert made.hex().upper() == item["MAC"]
    assert template.endswith(made)


def test_worked_values_are_marked_as_such():
    assert "not published" in json.dumps(WORKED["symmetric_3des"]["status"])
