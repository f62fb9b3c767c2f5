"""Names of the BER-TLV data objects that answers of SELECT and directory files hold (ISO/IEC 7816-4, -5; EMV; PBOC)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reports.trace.parts import NOTHING, Name, readable

Reading = tuple[str, Name]


class Entry(NamedTuple):
    """A data object: its name, how its value reads, whether it is personal data."""

    name: Name
    read: Callable[[bytes], Reading]
    secret: bool = False
    objects: bool = False
    """Whether the value holds data objects although the tag doesn't say so."""


def _hexadecimal(_value: bytes) -> Reading:
    return "", NOTHING


def _text(value: bytes) -> Reading:
    """Text as in the DF name ``sx1.sh.社会保障``."""
    return readable(value), NOTHING


def _short_identifier(value: bytes) -> Reading:
    return (f"SFI {value[0]:02X}", NOTHING) if len(value) == 1 else ("", NOTHING)


_ALGORITHMS = {1: Name("3DES 算法", "3DES"), 2: Name("SSF33 算法", "SSF33"), 3: Name("SM4 算法", "SM4")}


def _algorithm(value: bytes) -> Reading:
    if len(value) == 2 and value[0] == 1:
        return "", _ALGORITHMS.get(value[1], NOTHING)
    return "", _ALGORITHMS.get(value[0], NOTHING) if len(value) == 1 else NOTHING


def _entry(zh: str, en: str, read: Callable[[bytes], Reading] = _hexadecimal, secret: bool = False) -> Entry:
    return Entry(Name(zh, en), read, secret)


INTERINDUSTRY: dict[str, Entry] = {
    "4F": _entry("应用标识符 AID", "application identifier", _text),
    "50": _entry("应用标签", "application label", _text),
    "57": _entry("二磁道等效数据", "track 2 equivalent data", secret=True),
    "5A": _entry("主账号", "primary account number", secret=True),
    "5F20": _entry("持卡人姓名", "cardholder name", _text, secret=True),
    "61": _entry("应用模板", "application template"),
    "62": _entry("文件控制参数 FCP", "file control parameters"),
    "6F": _entry("文件控制信息 FCI", "file control information"),
    "70": _entry("记录模板", "record template"),
    "77": _entry("响应模板", "response message template"),
    "80": _entry("响应数据 / 文件长度", "response data, or file size"),
    "82": _entry("文件描述符", "file descriptor"),
    "83": _entry("文件标识符", "file identifier"),
    "84": _entry("DF 名称", "DF name", _text),
    "86": _entry("算法标识", "algorithm identifier", _algorithm),
    "87": _entry("应用优先指示器", "application priority indicator"),
    "88": _entry("目录文件短标识符", "SFI of the directory file", _short_identifier),
    "8A": _entry("生命周期状态", "life cycle status"),
    "9F08": _entry("应用版本号", "application version number"),
    "9F0B": _entry("持卡人姓名扩展", "cardholder name, extended", _text, secret=True),
    "9F0C": Entry(Name("发卡方自定义数据", "issuer discretionary data"), _hexadecimal, objects=True),
    "9F11": _entry("发卡方代码表索引", "issuer code table index"),
    "9F12": _entry("应用首选名称", "application preferred name", _text),
    "9F1F": _entry("一磁道自定义数据", "track 1 discretionary data", secret=True),
    "9F20": _entry("二磁道自定义数据", "track 2 discretionary data", secret=True),
    "9F38": _entry("处理选项数据对象列表 PDOL", "processing options data object list"),
    "9F4D": _entry("交易日志入口", "log entry"),
    "9F61": _entry("持卡人证件号", "cardholder identification number", secret=True),
    "A5": _entry("FCI 专用数据", "FCI proprietary template"),
    "BF0C": _entry("FCI 发卡方自定义数据", "FCI issuer discretionary data"),
}
