"""The bit tables: every bit of TVR and TSI by byte and bit, as JR/T 0025.6 appendix A lists them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.actors.terminal.bits import explain_tsi, explain_tvr

NAMED = {
    (1, 8): "未进行脱机数据认证",
    (1, 7): "静态数据认证失败",
    (1, 3): "复合动态数据认证失败",
    (2, 8): "IC卡和终端应用版本不一致",
    (2, 4): "新卡",
    (3, 8): "持卡人验证失败",
    (3, 6): "PIN重试次数超限",
    (3, 3): "输入联机PIN",
    (4, 8): "交易超过最低限额",
    (4, 4): "商户要求联机交易",
    (5, 8): "使用缺省TDOL",
    (5, 7): "发卡行认证失败",
    (1, 1): "预留",
    (5, 1): "预留",
}


@pytest.mark.parametrize(("place", "name"), NAMED.items())
def test_names(place, name):
    byte, bit = place
    value = bytearray(5)
    value[byte - 1] = 1 << (bit - 1)
    (found,) = explain_tvr(bytes(value))
    assert (found.byte, found.bit, found.zh) == (byte, bit, name)


@given(st.binary(min_size=5, max_size=5), st.binary(min_size=2, max_size=2))
def test_every_bit_is_told_once(tvr, tsi):
    for value, found in ((tvr, explain_tvr(tvr)), (tsi, explain_tsi(tsi))):
        told = bytearray(len(value))
        for bit in found:
            told[bit.byte - 1] |= 1 << (bit.bit - 1)
        assert told == value
        assert len(found) == int.from_bytes(value, "big").bit_count()


@given(st.binary(max_size=8).filter(lambda value: len(value) != 5))
def test_other_lengths_are_refused(value):
    with pytest.raises(ValueError, match="5 needed"):
        explain_tvr(value)
