"""Load, proof and balance of the medical account on the card (vol. 2 §6.4, §6.6).

Card keys are those of the worked examples of volume 2 §9.2; the codes are computed here, with pyemv and gmalg.
"""

from __future__ import annotations

from contextlib import suppress

import gmalg
import pytest
from pyemv.mac import mac_iso9797_3
from pyemv.tools import encrypt_tdes_ecb

from conformance.targets.in_process import cut_supply_at
from emulator.cos.memory import PowerLoss
from tests.apps.conftest import SSSE, Talk, worked_example

ROOT = "000102030405060708090A0B0C0D0E0F"
DTK = "101112131415161718191A1B1C1D1E1F"
CARD_KEYS = {"ssc2-3des": "571905A04D7151374CB9343D72EBBFFC", "ssc3-sm4": "119D1C23275CF3098A0F33070EE0EEE6"}
"""Three levels below ROOT (volume 2 §9.2)."""
IDENTIFIER = {"ssc2-3des": "01", "ssc3-sm4": "03"}
PRODUCTS = tuple(CARD_KEYS)
TERMINAL, TIME = "500000000001", "20260101093000"
BALANCE, AMOUNT, ONLINE, OFFLINE = "00001388", "000003E8", "0007", "0005"
TF = ONLINE + OFFLINE + BALANCE + "0000006400000032" + "20260101"
DF04, VERIFY = "00A4040006D15600000503", "0020000003123456"
CREDIT = "B02A00000B" + TIME


def _mac(key: bytes, data: str) -> str:
    """DES-CBC-MAC of an 8-byte key, or CBC-MAC of SM4 folded to four bytes; padding 80 00…."""
    raw = bytes.fromhex(data)
    if len(key) == 8:
        return mac_iso9797_3(key, key, raw, 2, 4).hex().upper()
    padded = raw + b"\x80" + bytes(-(len(raw) + 1) % 16)
    cipher, state = gmalg.SM4(key), bytes(16)
    for at in range(0, len(padded), 16):
        state = cipher.encrypt(bytes(a ^ b for a, b in zip(state, padded[at : at + 16], strict=True)))
    return bytes(state[at] ^ state[at + 4] ^ state[at + 8] ^ state[at + 12] for at in range(4)).hex().upper()


def _session_key(product: str, data: str) -> bytes:
    key = bytes.fromhex(CARD_KEYS[product])
    if product == "ssc2-3des":
        return encrypt_tdes_ecb(key, bytes.fromhex(data))
    return gmalg.SM4(key).encrypt(bytes.fromhex(data) + bytes(8))


def _tac(product: str, data: str) -> str:
    key = bytes.fromhex(DTK)
    halves = bytes(a ^ b for a, b in zip(key[:8], key[8:], strict=True))
    return _mac(halves if product == "ssc2-3des" else key, data)


def _card(product: str, **settings: object) -> Talk:
    """A card in DF04, PIN verified; DLK, DPK1 and DTK of the examples."""
    profile = worked_example(product)
    df04 = profile.directory["DF04"]
    keys = dict(df04.key)
    for name, levels in (("DLK", 3), ("DPK1", 3), ("DTK", 0)):
        keys[name] = keys[name].model_copy(update={"levels": levels})
    values = {**profile.test_keys.value, "DLK.1": ROOT, "DPK1.1": ROOT, "DTK.1": DTK}
    profile = profile.model_copy(
        update={
            "directory": {**profile.directory, "DF04": df04.model_copy(update={"key": keys})},
            "test_keys": profile.test_keys.model_copy(update={"value": values}),
            "settings": profile.settings.model_copy(update=settings),
        }
    )
    talk = Talk(profile)
    talk.card.memory.commit({"file:DF04/TF": bytes.fromhex(TF)})
    talk.send(SSSE, DF04, VERIFY)
    return talk


def _initialize(talk: Talk, amount: str = AMOUNT) -> str:
    return talk.send("B02800010B01" + amount + TERMINAL + "10")


def _codes(product: str, answer: str, amount: str = AMOUNT, balance: str = BALANCE) -> tuple[str, str, str]:
    """MAC1, MAC2 and TAC of the load whose INITIALIZE was answered so."""
    key = _session_key(product, answer[16:24] + answer[8:12] + "8000")
    signed = amount + "31" + TERMINAL
    after = f"{int(balance, 16) + int(amount, 16):08X}"
    return (
        _mac(key, balance + signed),
        _mac(key, signed + TIME),
        _tac(product, after + answer[8:12] + signed + TIME),
    )


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_load_with_its_codes(product: str) -> None:
    talk = _card(product)
    answer = _initialize(talk)
    mac1, mac2, tac = _codes(product, answer)
    assert answer == BALANCE + ONLINE + "01" + IDENTIFIER[product] + answer[16:24] + mac1 + "9000"
    assert talk.send(CREDIT + mac2 + "04") == tac + "9000"
    assert talk.send("B034000004") == "00001770" + "9000"
    assert talk.send("00B201441C") == "0007" + "31" + TERMINAL + TIME + AMOUNT + "00" * 8 + "9000"
    assert talk.send("B0320031020007" + "08") == mac2 + tac + "9000"
    assert talk.card.memory.cells["file:DF04/TF"].hex().upper() == "0008" + OFFLINE + "00001770" + TF[16:]


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_wrong_mac2_changes_nothing_and_ends_the_load(product: str) -> None:
    talk = _card(product)
    before = talk.card.snapshot()
    _, mac2, _ = _codes(product, _initialize(talk))
    wrong = f"{int(mac2, 16) ^ 1:08X}"
    assert talk.send(CREDIT + wrong) == "9302"
    assert talk.send(CREDIT + mac2) == "6901"
    assert talk.card.snapshot() == before


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_load_is_whole_or_has_not_been(product: str) -> None:
    """The supply fails at every write of CREDIT FOR LOAD in turn: balance, number, log and proof are all old or all new."""
    seen, write = set(), 0
    while True:
        write += 1
        talk = _card(product)
        before = talk.card.snapshot()
        _, mac2, _ = _codes(product, _initialize(talk))
        with cut_supply_at(talk.card, write) as cut, suppress(PowerLoss):
            talk.send(CREDIT + mac2)
        if not cut.happened:
            break
        talk.card.power_off()
        talk.card.reset()
        assert talk.card.snapshot() == before or talk.send(SSSE, DF04, VERIFY, "B034000004") == "000017709000"
        loaded = talk.card.snapshot() != before
        if loaded:
            assert talk.card.memory.cells["file:DF04/TF"].hex().upper()[:4] == "0008"
            assert talk.send("B0320031020007" + "08")[:8] == mac2
            assert talk.send("00B201441C")[:4] == "0007"
        seen.add(loaded)
    assert write > 1
    assert False in seen


def test_the_time_is_what_mac2_covers() -> None:
    talk = _card("ssc2-3des")
    _, mac2, _ = _codes("ssc2-3des", _initialize(talk))
    assert talk.send("B02A00000B" + "20260101093001" + mac2) == "9302"


@pytest.mark.parametrize("between", ["00B201441C", DF04, "0084000008", "B034000004"])
def test_any_other_command_ends_the_load(between: str) -> None:
    talk = _card("ssc2-3des")
    _, mac2, _ = _codes("ssc2-3des", _initialize(talk))
    talk.send(between)
    assert talk.send(CREDIT + mac2) == "6901"


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("B02800010A01" + AMOUNT + TERMINAL[:10], "6700"),
        ("B02800020B01" + AMOUNT + TERMINAL, "6A86"),
        ("B02800010B09" + AMOUNT + TERMINAL, "9403"),
        ("B02800010B01" + "FFFFEC78" + TERMINAL, "6985"),
        ("B02800010B01" + "FFFFFFFF" + TERMINAL, "6985"),
        (CREDIT + "00000000", "6901"),
        ("B0320033020007", "6A86"),
        ("B0320131020007", "6A86"),
        ("B03200310100", "6700"),
        ("B0320031020007", "9406"),
        ("B034010004", "6A86"),
        ("B03400000100", "6700"),
    ],
)
def test_refusals(command: str, word: str) -> None:
    talk = _card("ssc2-3des")
    before = talk.card.snapshot()
    assert talk.send(command) == word
    assert talk.card.snapshot() == before


def test_the_greatest_balance_can_be_reached() -> None:
    talk = _card("ssc2-3des")
    amount = "FFFFEC77"
    _, mac2, tac = _codes("ssc2-3des", _initialize(talk, amount), amount)
    assert talk.send(CREDIT + mac2 + "04") == tac + "9000"
    assert talk.send("B034000004") == "FFFFFFFF9000"


def test_load_and_balance_ask_for_the_pin() -> None:
    talk = _card("ssc2-3des")
    talk.send(SSSE, DF04)
    assert _initialize(talk) == "6982"
    assert talk.send("B034000004") == "6982"
    free = _card("ssc2-3des", purchase_needs_pin=False)
    free.send(SSSE, DF04)
    assert _initialize(free)[-4:] == "9000"
    assert free.send("B034000004") == BALANCE + "9000"


def test_the_highest_online_number_takes_no_load_and_no_purchase_minds_it() -> None:
    talk = _card("ssc2-3des")
    talk.card.memory.commit({"file:DF04/TF": bytes.fromhex("FFFF" + TF[4:])})
    assert _initialize(talk) == "9402"
    assert talk.send("B0280101130100000000000000010000000150000000000116")[-4:] == "9000"


def test_outside_the_application_and_where_a_profile_leaves_them_out() -> None:
    talk = _card("ssc2-3des")
    talk.send(SSSE, VERIFY)
    for command in ("B02800010B01" + AMOUNT + TERMINAL, "B034000004", "B0320031020007"):
        assert talk.send(command) == "6985"
    without = _card("ssc2-3des", medical_load=False)
    assert _initialize(without) == "6A86"
    for command in (CREDIT + "00000000", "B0320031020007", "B034000004"):
        assert without.send(command) == "6D00"


def test_the_proof_survives_a_reset_and_ends_with_the_next_transaction() -> None:
    product = "ssc2-3des"
    talk = _card(product)
    _, mac2, tac = _codes(product, _initialize(talk))
    talk.send(CREDIT + mac2 + "04")
    talk.card.reset()
    talk.send(SSSE, DF04, VERIFY)
    assert talk.send("B032003102000708") == mac2 + tac + "9000"
    for other in ("B0320032020007", "B0320031020008", "B0320031020107"):
        assert talk.send(other) == "9406"
    again = _codes(product, answer := _initialize(talk), balance="00001770")
    assert answer[:12] == "00001770" + "0008"
    assert talk.send(CREDIT + again[1] + "04") == again[2] + "9000"
    assert talk.send("B0320031020007") == "9406"
    assert talk.send("B032003102000808") == again[1] + again[2] + "9000"


def test_the_log_has_the_number_that_the_profile_declares() -> None:
    talk = _card("ssc2-3des", purchase_logged_number="after")
    _, mac2, _ = _codes("ssc2-3des", _initialize(talk))
    talk.send(CREDIT + mac2 + "04")
    assert talk.send("00B201441C")[:6] == "000831"


def test_a_purchase_draws_on_the_balance() -> None:
    """f1 of a settlement off line: up to the balance, not a fen more."""
    talk = _card("ssc2-3des")

    def initialize(account: str) -> str:
        return talk.send("B02801011301" + account + "0000000200000003" + TERMINAL + "16")

    assert initialize("00001389") == "9401"
    answer = initialize(BALANCE)
    key = _session_key("ssc2-3des", answer[36:44] + answer[28:32] + "000B")
    mac1 = _mac(key, BALANCE + "0000000200000003" + "32" + TERMINAL + TIME)
    assert talk.send("B02C01000F0000000B" + TIME + mac1 + "08")[-4:] == "9000"
    assert talk.send("B034000004") == "000000009000"


def test_the_day_before_the_year_begins_belongs_to_the_old_year() -> None:
    """A medical year that begins on 1 July (vol. 2 §6.5): 30 June of the next year still adds, 1 July begins anew."""
    talk = _card("ssc2-3des")
    talk.card.memory.commit({"file:DF04/TF": bytes.fromhex(TF[:32] + "2025" + "0701")})
    for time, expected in (
        ("20260630235959", "0000006500000034" + "2025"),
        ("20260701000000", "0000000100000002" + "2026"),
    ):
        answer = talk.send("B028010113010000000000000001" + "00000002" + TERMINAL + "16")
        key = _session_key("ssc2-3des", answer[36:44] + answer[28:32] + "000B")
        mac1 = _mac(key, "00000000" + "0000000100000002" + "32" + TERMINAL + time)
        assert talk.send("B02C01000F0000000B" + time + mac1 + "08")[-4:] == "9000"
        assert talk.card.memory.cells["file:DF04/TF"].hex()[16:36] == expected
