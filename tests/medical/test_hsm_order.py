"""The stepwise operations with an HSM: no step without the one before, each once, with the same card and whole keys."""

from __future__ import annotations

import pytest

from tests.medical.counter import Counter, content, first_and_second
from tests.medical.hospital import MODULES, Hospital

PRODUCTS = pytest.mark.parametrize("product", MODULES)

LATER = {
    "iReadCardBas_HSM_Step2": 1,
    "iReadCard_HSM_Step2": 1,
    "iWriteCard_HSM_Step2": 2,
    "iReloadPIN_HSM_Step2": 1,
    "iReloadPIN_HSM_Step3": 1,
    "iUnblockPIN_HSM_Step2": 1,
    "iUnblockPIN_HSM_Step3": 1,
    "iDoDebit_HSM_Step2": 1,
}


@pytest.mark.parametrize("step", LATER)
def test_no_step_without_the_one_before(step: str) -> None:
    """−12, whether nothing came before or another operation; the card is asked nothing."""
    counter = Counter()
    none = ["00" * 16] * LATER[step]
    counter.hospital.slot.commands.clear()
    assert counter(step, *none) == (-12, "未建立连接：须先完成上一步")
    assert counter.hospital.slot.commands == []
    other = "iUnblockPIN" if step.startswith("iReadCard") else "iReadCardBas"
    counter(f"{other}_HSM_Step1", 1, *([""] if other == "iUnblockPIN" else []))
    counter.hospital.slot.commands.clear()
    assert counter(step, *none)[0] == -12
    assert counter.hospital.slot.commands == []


def test_a_step_serves_once_and_only_next() -> None:
    counter = Counter()
    _, key = first_and_second(counter, "iReadCardBas", 1)
    assert counter("iReadCardBas_HSM_Step2", key)[0] == 0
    assert counter("iReadCardBas_HSM_Step2", key)[0] == -12
    _, key = first_and_second(counter, "iReadCardBas", 1)
    assert counter("iReadDebitRecord", 1)[0] == 0
    assert counter("iReadCardBas_HSM_Step2", key)[0] == -12
    _, key = first_and_second(counter, "iReadCardBas", 1)
    assert counter("iReadCardBas_HSM_Step2", "nonsense")[0] == -23
    assert counter("iReadCardBas_HSM_Step2", key)[0] == -12
    _, old = first_and_second(counter, "iReadCardBas", 1)
    first_and_second(counter, "iReadCardBas", 1)
    assert counter("iReadCardBas_HSM_Step2", old)[0] == -25


@PRODUCTS
def test_another_card_between_the_steps(product: str) -> None:
    """With the same keys, whether the new one was reset only or stands ready in SSSE: nothing is read as the first one's."""
    for ready in (False, True):
        counter = Counter(product)
        _, key = first_and_second(counter, "iReadCardBas", 1)
        other = Hospital(product, with_sam=False)
        other.card.reset()
        cells = other.card.memory.cells
        records = list(cells["file:SSSE/EF05"])  # type: ignore[arg-type]
        records[0] = records[0][:13] + bytes((records[0][13] ^ 1,)) + records[0][14:]
        cells["file:SSSE/EF05"] = tuple(records)
        if ready:
            other.card.transmit(bytes.fromhex("00A404000F7378312E73682EC9E7BBE1B1A3D5CF"))
        counter.hospital.slot.target = other.slot.target
        code, text = counter("iReadCardBas_HSM_Step2", key)
        assert code < 0
        assert content(product, "EF06", "09") not in text
        if product == "ssc2-3des":
            assert code == -22


def test_keys_of_wrong_form_never_come_to_the_card() -> None:
    counter = Counter()
    begin = {
        "iReadCardBas": (1,),
        "iReadCard": (1, "", "DF01EF05|20|$"),
        "iReloadPIN": (1, ""),
        "iUnblockPIN": (1, ""),
    }
    for name, arguments in begin.items():
        for key in ("", "|", "00", "00" * 15, "00" * 18, "xx" * 16, f"{'00' * 16}|{'00' * 16}|{'00' * 16}|"):
            first_and_second(counter, name, *arguments)
            counter.hospital.slot.commands.clear()
            assert counter(f"{name}_HSM_Step2", key)[0] == -23, (name, key)
            assert counter.hospital.slot.commands == []
