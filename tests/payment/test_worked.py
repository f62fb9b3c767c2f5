"""The card against values worked by the author of the specification with code of his own: weaker evidence, not published."""

import pytest

from emulator.apps.payment.application import Counter

from .terminal import ARQC, TC
from .test_vectors import published
from .vectors import WORKED

ALGORITHMS = ("3des", "sm4", "3des of a dual card", "sm4 of a dual card")
SCRIPTS = range(9)


def keys_of(algorithm):
    return WORKED[f"symmetric_{name_of(algorithm)}"]


def name_of(algorithm):
    return algorithm.split()[0]


def start(algorithm, counter=None, **data):
    """A card with the keys of the example, before its first GENERATE AC."""
    keys = keys_of(algorithm)
    sm = name_of(algorithm) == "sm4"
    identifier = "04" if sm else "01"
    vector = {"PAN": keys["pan"], "PSN": keys["psn"], "ATC": counter or keys["ATC"], **keys["IMK"]}
    product = "debit-dual" if algorithm.endswith("dual card") else "debit-sm" if sm else "debit"
    issuer_data = data.pop("9F10", f"070101 03000000 {identifier} 0A01")
    aip = keys["cvn01"]["AIP"]
    balance = {"9F79": "000000012345", "9F58": "FF", **data}
    terminal = published(product, vector, issuer_data, aip, balance, sm=sm)
    terminal.poke("9F13", vector["ATC"])
    terminal.start(amount=1000, sm=sm)
    return terminal


def request(terminal, algorithm, kind=ARQC):
    data = keys_of(algorithm)["cvn01"]["data"]
    return terminal.first(
        kind, amount=int(data[:12]), country=data[24:28], tvr=data[28:38], currency=data[38:42],
        date=data[42:48], number=data[50:58],
    )  # fmt: skip


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("number", range(3))
def test_cryptogram_and_answer_of_the_issuer(algorithm, number):
    terminal = start(algorithm)
    assert request(terminal, algorithm).ac.hex().upper() == keys_of(algorithm)["cvn01"]["AC"]
    assert terminal.send(keys_of(algorithm)["arpc"][number]["external_authenticate_apdu"]) == "9000"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("number", SCRIPTS)
def test_script(algorithm, number):
    terminal = start(algorithm)
    request(terminal, algorithm)
    assert terminal.send(keys_of(algorithm)["scripts"][number]["apdu"]) == "9000"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("case", ["P2_02_888888", "P2_01_1234_to_888888", "P2_02_12_digits", "P2_01_123456_to_0000"])
def test_pin_change(algorithm, case):
    item = keys_of(algorithm)["pin_change"][case]
    terminal = start(algorithm)
    terminal.card.memory.commit({"pin:DEBIT/DEBITPIN": bytes.fromhex(item.get("current_pin", "123456"))})
    request(terminal, algorithm)
    assert terminal.send(item["apdu"]) == "9000"
    assert terminal.verify(item["new_pin"]) == "9000"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("number", range(5))
def test_issuer_data(algorithm, number):
    item = keys_of(algorithm)["IDD"]["items"][number]
    shown = item["9F10"]
    values = keys_of(algorithm)["IDD"]["values"]
    data = {
        "9F10": shown[:6] + "03000000" + shown[14:20],
        "9F79": "00" + values["9F79_low5"],
        "9F54": "00" + values["CTTAL_low5"],
    }
    if item["id"] == "05":
        data["9F79"] = "00" + values["9F5D_low5"]
    if item["id"] in ("02", "03", "04"):
        data.update(dict.fromkeys(("DF71", "DF72", "DF76", "DF77", "DF78", "DF79")))
    terminal = start(algorithm, **data)
    terminal.set_counter(Counter.CUMULATIVE_AMOUNT, int(values["CTTA_low5"]))
    assert request(terminal, algorithm).issuer_data.hex().upper() == shown


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("case", ["empty", "one", "two"])
def test_whole_load_log(algorithm, case):
    log = keys_of(algorithm)["load_log_P1_00"]
    terminal = start(algorithm)
    records = tuple(
        bytes.fromhex(record[:28] + record[28:40] + "0156" + "00" * 20 + record[40:]) for record in log[case]["records"]
    )
    terminal.card.memory.commit({"file:DEBIT/LOADLOG": records})
    assert terminal.send(log["command"]) == log[case]["response_data"] + "9000"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_contactless_version_of_the_cryptogram(algorithm):
    keys = keys_of(algorithm)
    identifier = "04" if name_of(algorithm) == "sm4" else "01"
    kinds = {"ARQC": ARQC, "TC": TC, "AAC": 0}
    for name, item in keys["cvn17"].items():
        terminal = start(algorithm, **{"9F10": f"070117 03000000 {identifier} 0A01"})
        assert request(terminal, algorithm, kinds[name]).ac.hex().upper() == item["AC"]
