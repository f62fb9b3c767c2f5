"""The open points of the reconstructed specification (§9, vol. 2 §9A) as named settings.

No public text settles these points. Each has a working assumption as its default; a profile overrides it with what its
card does. Whatever stands here is reported as an assumption and never as the words of a standard.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


def setting(default: Any, zh: str, en: str, basis: str, confidence: str) -> Any:
    """A setting with its name in both languages, where it comes from and how sure that is."""
    return Field(default, title=zh, description=en, json_schema_extra={"basis": basis, "confidence": confidence})


class Settings(BaseModel):
    """How a card behaves where the specification is silent or contradicts itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    pin_try_limit: Annotated[int, Field(ge=1, le=15)] = setting(
        6, "个人密码尝试次数上限", "Consecutive wrong PINs before the PIN is blocked", "§9 no. 12; PBOC habit", "I"
    )
    key_try_limit: Annotated[int, Field(ge=0, le=15)] = setting(
        15,
        "密钥认证尝试次数上限",
        "Consecutive wrong authentications before a key is blocked",
        "§9 no. 12; MCOS 1–15",
        "A-V",
    )
    mac_error_limit: Annotated[int, Field(ge=1, le=15)] = setting(
        3,
        "MAC 错误次数上限",
        "Consecutive failed unblocks before an application is blocked for good",
        "vol. 2 §5.9",
        "A-HC",
    )
    challenge_used: Literal["last", "last or last but one"] = setting(
        "last", "外部认证所用随机数", "Which challenge is the process factor of an authentication", "§4.3", "I"
    )
    default_key_version: Annotated[int, Field(ge=1, le=3)] = setting(
        1,
        "无版本字节时的密钥版本",
        "Key version of an authentication that carries no version byte (Lc 10)",
        "§4.3",
        "I",
    )
    authentication_without_challenge: Literal["6984", "63Cx"] = setting(
        "6984", "无随机数时外部认证的状态字", "Answer to an authentication without a challenge", "vol. 2 §4.2", "A-V"
    )
    internal_authentication_needs_challenge: bool = setting(
        False,
        "内部认证须先取随机数",
        "Whether INTERNAL AUTHENTICATE needs a GET CHALLENGE before it",
        "vol. 2 §5.2",
        "A-HC",
    )
    select_ef_answer: Literal["none", "template"] = setting(
        "none", "选择 EF 的应答", "Whether SELECT of an EF answers file control information", "vol. 2 §4.3", "T"
    )
    select_adf_answer: Literal["name", "name and proprietary"] = setting(
        "name", "选择 ADF 的应答", "Content of the file control information of an ADF", "§9 no. 14; vol. 2 §4.3", "I"
    )
    partial_name: Literal["left", "refused"] = setting(
        "left", "部分 AID 选择", "Whether SELECT by name finds a DF by the left part of its name", "vol. 2 §4.3", "A-V"
    )
    reselecting_environment_clears_global_state: bool = setting(
        True,
        "重选环境清除全局安全状态",
        "Whether selecting the current DDF again drops PIN and key states",
        "vol. 2 §3.4",
        "I",
    )
    blocked_select_answer: Literal["6A81", "6283"] = setting(
        "6A81", "选择已锁定应用的状态字", "Answer to SELECT of a temporarily blocked application", "vol. 2 §5.8", "A-V"
    )
    blocked_command_answer: Literal["6985", "6A81", "9303"] = setting(
        "6985", "已锁定应用内命令的状态字", "Answer to commands inside a blocked application", "vol. 2 §5.8", "A-V"
    )
    application_unblock: bool = setting(
        False, "支持应用解锁命令", "Whether APPLICATION UNBLOCK (8418) is offered", "vol. 2 §4.7", "I"
    )
    card_block_scope: Literal["environment", "card"] = setting(
        "environment",
        "卡片锁定的范围",
        "Whether CARD BLOCK in SSSE ends SSSE with its applications alone, or the bank application too",
        "vol. 2 §5.10",
        "A-V",
    )
    update_length_answer: Literal["6700", "6A80", "6A85"] = setting(
        "6700", "更新记录长度不符的状态字", "Answer to UPDATE RECORD with another length", "vol. 2 §3.2", "A-V"
    )
    unknown_key_answer: Literal["6A88", "9403"] = setting(
        "6A88", "密钥不存在的状态字", "Answer to an authentication with an absent key", "§3.4; vol. 2 §5.1", "P1"
    )
    wrong_pin_clears_state: bool = setting(
        False, "密码错误清除已有状态", "Whether a wrong VERIFY drops an earlier verified state", "vol. 2 §3.4", "A-V"
    )
    sm4_diversification: Literal["complement"] = setting(
        "complement", "SM4 密钥分散方式", "Card key = SM4(K, F‖~F) at each level", "§9 no. 2", "I"
    )
    sm4_mac_fold: Literal["xor", "left"] = setting(
        "xor", "SM4 MAC 压缩方式", "How a 16-byte CBC-MAC becomes four bytes", "§9 no. 5; vol. 2 §9A", "I"
    )
    maintenance_mac_iv: Literal["zero"] = setting(
        "zero", "安全报文 MAC 初始向量", "Initial vector of maintenance MACs", "§4.4; §9 no. 5", "P1"
    )
    tolerate_non_bcd_pin: bool = setting(
        False,
        "非 BCD 密码按错误密码计",
        "Whether a PIN that is not BCD counts as wrong instead of 6A80",
        "vol. 2 §4.6",
        "A-V",
    )
    changed_pin_is_verified: bool = setting(
        False,
        "修改密码后视为已验证",
        "Whether a successful CHANGE PIN sets the verified state as VERIFY does; otherwise the state is as before",
        "vol. 2 §5.3",
        "I",
    )
    purchase_needs_pin: bool = setting(
        True, "医保结算须先校验个人密码", "Whether a purchase needs the PIN when the card has one", "38号文 §2", "S"
    )
    purchase_answer: Literal["amounts", "zeros"] = setting(
        "amounts",
        "结算初始化应答前 14 字节",
        "First 14 bytes of the answer: balance, paid by the person, paid by the fund, year; or zeros",
        "vol. 2 §6.2",
        "I",
    )
    purchase_logged_number: Literal["before", "after"] = setting(
        "before",
        "明细中的交易序号",
        "Transaction number in the log: before or after it is counted up",
        "vol. 2 §6.4",
        "I",
    )
    purchase_tac: Literal["halves", "whole"] = setting(
        "halves",
        "交易认证码密钥用法",
        "TAC with the exclusive or of the key's halves, or with the whole key",
        "vol. 2 §6.3",
        "A-V",
    )
    medical_load: bool = setting(
        True,
        "支持账户划入、交易认证和余额命令",
        "Whether CREDIT FOR LOAD, GET TRANSACTION PROOF and GET BALANCE (B02A, B032, B034) are offered",
        "vol. 2 §6.6",
        "I",
    )


@dataclass(frozen=True, slots=True)
class Assumption:
    """One setting with its value, for a person to read."""

    name: str
    zh: str
    en: str
    value: str
    is_default: bool
    basis: str
    confidence: str


def assumptions(settings: BaseModel) -> tuple[Assumption, ...]:
    """Every setting of a profile, or of a payment application, with its meaning, value, basis and confidence mark."""
    result = []
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        extra = field.json_schema_extra
        assert isinstance(extra, dict)  # noqa: S101 - set by setting() above
        result.append(
            Assumption(
                name=name,
                zh=field.title or name,
                en=field.description or name,
                value=str(value),
                is_default=value == field.default,
                basis=str(extra["basis"]),
                confidence=str(extra["confidence"]),
            )
        )
    return tuple(result)
