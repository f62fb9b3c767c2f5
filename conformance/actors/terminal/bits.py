"""The bit tables of a contact terminal: TVR 95, TSI 9B, AIP 82, capabilities 9F33 (JR/T 0025.6 appendix A)."""

from __future__ import annotations

from typing import Final, NamedTuple

TVR_LENGTH, TSI_LENGTH = 5, 2


class Bit(NamedTuple):
    """A bit that is set: byte from 1, bit 8 to 1, its meaning."""

    byte: int
    bit: int
    zh: str
    en: str


class Tvr:
    """终端验证结果 TVR as a number of 40 bits, byte 1 highest."""

    AUTHENTICATION_NOT_PERFORMED: Final = 0x80_00_00_00_00
    STATIC_FAILED: Final = 0x40_00_00_00_00
    DATA_MISSING: Final = 0x20_00_00_00_00
    EXCEPTION_FILE: Final = 0x10_00_00_00_00
    DYNAMIC_FAILED: Final = 0x08_00_00_00_00
    COMBINED_FAILED: Final = 0x04_00_00_00_00
    VERSIONS_DIFFER: Final = 0x80_00_00_00
    EXPIRED: Final = 0x40_00_00_00
    NOT_YET_EFFECTIVE: Final = 0x20_00_00_00
    SERVICE_NOT_ALLOWED: Final = 0x10_00_00_00
    NEW_CARD: Final = 0x08_00_00_00
    HOLDER_NOT_VERIFIED: Final = 0x80_00_00
    UNKNOWN_METHOD: Final = 0x40_00_00
    PIN_TRIES_EXCEEDED: Final = 0x20_00_00
    NO_PIN_PAD: Final = 0x10_00_00
    PIN_NOT_ENTERED: Final = 0x08_00_00
    ONLINE_PIN_ENTERED: Final = 0x04_00_00
    FLOOR_LIMIT: Final = 0x80_00
    LOWER_LIMIT: Final = 0x40_00
    UPPER_LIMIT: Final = 0x20_00
    RANDOMLY_SELECTED: Final = 0x10_00
    FORCED_ONLINE: Final = 0x08_00
    DEFAULT_TDOL: Final = 0x80
    ISSUER_AUTHENTICATION_FAILED: Final = 0x40
    SCRIPT_FAILED_BEFORE: Final = 0x20
    SCRIPT_FAILED_AFTER: Final = 0x10


class Tsi:
    """交易状态信息 TSI as a number of 16 bits."""

    DATA_AUTHENTICATION: Final = 0x8000
    HOLDER_VERIFICATION: Final = 0x4000
    CARD_RISK_MANAGEMENT: Final = 0x2000
    ISSUER_AUTHENTICATION: Final = 0x1000
    TERMINAL_RISK_MANAGEMENT: Final = 0x0800
    SCRIPTS: Final = 0x0400


class Aip:
    """应用交互特征 AIP, bits of byte 1."""

    STATIC, DYNAMIC, HOLDER_VERIFICATION, RISK_MANAGEMENT, ISSUER_AUTHENTICATION, COMBINED = 64, 32, 16, 8, 4, 1


class Capability:
    """终端性能 9F33 as a number of 24 bits."""

    OFFLINE_PIN: Final = 0x00_80_00
    ONLINE_PIN: Final = 0x00_40_00
    SIGNATURE: Final = 0x00_20_00
    ENCIPHERED_PIN: Final = 0x00_10_00
    NO_METHOD: Final = 0x00_08_00
    IDENTITY_DOCUMENT: Final = 0x00_01_00
    STATIC: Final = 0x00_00_80
    DYNAMIC: Final = 0x00_00_40
    COMBINED: Final = 0x00_00_08


_TVR: Final[dict[int, tuple[str, str]]] = {
    Tvr.AUTHENTICATION_NOT_PERFORMED: ("未进行脱机数据认证", "offline data authentication not performed"),
    Tvr.STATIC_FAILED: ("静态数据认证失败", "static data authentication failed"),
    Tvr.DATA_MISSING: ("IC卡数据缺失", "card data missing"),
    Tvr.EXCEPTION_FILE: ("卡片出现在终端异常文件中", "card on the exception file"),
    Tvr.DYNAMIC_FAILED: ("动态数据认证失败", "dynamic data authentication failed"),
    Tvr.COMBINED_FAILED: ("复合动态数据认证失败", "combined data authentication failed"),
    Tvr.VERSIONS_DIFFER: ("IC卡和终端应用版本不一致", "application versions differ"),
    Tvr.EXPIRED: ("应用已过有效期", "application expired"),
    Tvr.NOT_YET_EFFECTIVE: ("应用尚未生效", "application not yet effective"),
    Tvr.SERVICE_NOT_ALLOWED: ("卡片不允许所请求的服务", "requested service not allowed"),
    Tvr.NEW_CARD: ("新卡", "new card"),
    Tvr.HOLDER_NOT_VERIFIED: ("持卡人验证失败", "cardholder verification failed"),
    Tvr.UNKNOWN_METHOD: ("未知的CVM", "unknown verification method"),
    Tvr.PIN_TRIES_EXCEEDED: ("PIN重试次数超限", "PIN tries exceeded"),
    Tvr.NO_PIN_PAD: ("要求输入PIN，但密码键盘不存在或工作不正常", "PIN asked for, PIN pad absent or broken"),
    Tvr.PIN_NOT_ENTERED: ("要求输入PIN，密码键盘存在但未输入PIN", "PIN asked for and not entered"),
    Tvr.ONLINE_PIN_ENTERED: ("输入联机PIN", "online PIN entered"),
    Tvr.FLOOR_LIMIT: ("交易超过最低限额", "floor limit reached"),
    Tvr.LOWER_LIMIT: ("超过连续脱机交易下限", "lower consecutive offline limit exceeded"),
    Tvr.UPPER_LIMIT: ("超过连续脱机交易上限", "upper consecutive offline limit exceeded"),
    Tvr.RANDOMLY_SELECTED: ("交易被随机选择联机处理", "selected at random for going online"),
    Tvr.FORCED_ONLINE: ("商户要求联机交易", "forced online by the merchant"),
    Tvr.DEFAULT_TDOL: ("使用缺省TDOL", "default TDOL used"),
    Tvr.ISSUER_AUTHENTICATION_FAILED: ("发卡行认证失败", "issuer authentication failed"),
    Tvr.SCRIPT_FAILED_BEFORE: (
        "最后一次生成应用密文之前脚本处理失败",
        "script failed before the last application cryptogram",
    ),
    Tvr.SCRIPT_FAILED_AFTER: (
        "最后一次生成应用密文之后脚本处理失败",
        "script failed after the last application cryptogram",
    ),
}
_TSI: Final[dict[int, tuple[str, str]]] = {
    Tsi.DATA_AUTHENTICATION: ("脱机数据认证已进行", "offline data authentication performed"),
    Tsi.HOLDER_VERIFICATION: ("持卡人验证已进行", "cardholder verification performed"),
    Tsi.CARD_RISK_MANAGEMENT: ("卡片风险管理已进行", "card risk management performed"),
    Tsi.ISSUER_AUTHENTICATION: ("发卡行认证已进行", "issuer authentication performed"),
    Tsi.TERMINAL_RISK_MANAGEMENT: ("终端风险管理已进行", "terminal risk management performed"),
    Tsi.SCRIPTS: ("脚本处理已进行", "script processing performed"),
}


def explain_tvr(value: bytes) -> tuple[Bit, ...]:
    """The bits of a TVR (5 bytes) that are set, from byte 1 bit 8 on; reserved ones say so.

    Raises:
        ValueError: Another length.
    """
    return _explain(value, TVR_LENGTH, _TVR)


def explain_tsi(value: bytes) -> tuple[Bit, ...]:
    """The bits of a TSI (2 bytes) that are set.

    Raises:
        ValueError: Another length.
    """
    return _explain(value, TSI_LENGTH, _TSI)


def _explain(value: bytes, length: int, table: dict[int, tuple[str, str]]) -> tuple[Bit, ...]:
    if len(value) != length:
        raise ValueError(f"{len(value)} bytes given, {length} needed")
    number = int.from_bytes(value, "big")
    masks = (1 << position for position in range(8 * length - 1, -1, -1))
    found = []
    for index, mask in enumerate(masks):
        if number & mask:
            zh, en = table.get(mask, ("预留", "reserved"))
            found.append(Bit(index // 8 + 1, 8 - index % 8, zh, en))
    return tuple(found)
