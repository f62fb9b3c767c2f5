"""What is printed on a card: the words of its face, and the names of the areas that issue cards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Face:
    """The data of a card's face 卡面, as the chip holds them, and whether its body has an antenna."""

    name: str = field(repr=False)
    """姓名, with its continuation."""
    person: str = field(repr=False)
    """社会保障号码."""
    card_number: str = field(repr=False)
    """社会保障卡卡号."""
    issued: str
    """发卡日期, YYYYMMDD."""
    area: str
    """应用城市代码, six digits of GB/T 2260."""
    photo: bytes = field(default=b"", repr=False)
    """JPEG or BMP; empty for a card without photograph."""
    account: str = field(default="", repr=False)
    """Bank card number; empty on a card without financial application."""
    antenna: bool = True
    """Whether the card can be read without contacts; then its face has the sign 非接触标识."""


_PROVINCES: Mapping[str, str] = {
    "11": "北京市", "12": "天津市", "13": "河北省", "14": "山西省", "15": "内蒙古自治区",
    "21": "辽宁省", "22": "吉林省", "23": "黑龙江省",
    "31": "上海市", "32": "江苏省", "33": "浙江省", "34": "安徽省", "35": "福建省", "36": "江西省", "37": "山东省",
    "41": "河南省", "42": "湖北省", "43": "湖南省", "44": "广东省", "45": "广西壮族自治区", "46": "海南省",
    "50": "重庆市", "51": "四川省", "52": "贵州省", "53": "云南省", "54": "西藏自治区",
    "61": "陕西省", "62": "甘肃省", "63": "青海省", "64": "宁夏回族自治区", "65": "新疆维吾尔自治区",
}  # fmt: skip
"""Divisions of the first level by the first two digits of GB/T 2260, as far as they issue social security cards."""


def province(area: str) -> str:
    """Name of the province, autonomous region or municipality of an area code; empty for a code that has none."""
    return _PROVINCES.get(area[:2], "")
