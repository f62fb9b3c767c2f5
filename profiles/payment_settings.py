"""The open points of JR/T 0025 as named settings: where its parts are silent or contradict each other."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from profiles.settings import setting


class PaymentSettings(BaseModel):
    """How a payment application behaves where the standard leaves it open."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    special_device: bool = setting(
        False,
        "特殊设备会话",
        "Whether GET DATA shows what the standard keeps for special devices of the issuer",
        "JR/T 0025.5 B.7",
        "S",
    )
    last_online_atc_readable: bool = setting(
        True, "可读上次联机ATC", "Whether GET DATA reads 9F13", "JR/T 0025.5 appendix A", "S"
    )
    pin_tries_readable: bool = setting(
        True, "可读PIN尝试计数器", "Whether GET DATA reads 9F17", "JR/T 0025.5 appendix A", "S"
    )
    e_cash_limits_readable: bool = setting(
        False,
        "可读电子现金限额",
        "Whether GET DATA reads 9F77 and 9F78 on any device: part 13 says yes, part 12 no",
        "JR/T 0025.12 appendix C, JR/T 0025.13 §5",
        "A",
    )
    refused_start_counts: bool = setting(
        False,
        "拒绝初始化时ATC加1",
        "Whether GET PROCESSING OPTIONS spends a transaction counter when a condition of the issuer refuses it",
        "JR/T 0025.5 §7.4",
        "I",
    )
    malformed_pin_counts: bool = setting(
        False, "格式错误的PIN计数", "Whether a malformed PIN block costs a try", "JR/T 0025.5 B.15", "I"
    )
    enciphered_pin: bool = setting(
        False,
        "支持脱机密文PIN",
        "Whether VERIFY with P2 88 and GET CHALLENGE are offered (EMV; part 5 reserves it)",
        "JR/T 0025.7 §5, JR/T 0025.12 appendix A",
        "I",
    )
    wrong_current_pin_counts: bool = setting(
        False,
        "PIN修改时原PIN错误计数",
        "Whether PIN CHANGE with a wrong current PIN costs a try",
        "JR/T 0025.5 B.10",
        "I",
    )
    conversion_rounding: Literal["down", "half up"] = setting(
        "down", "货币转换舍入", "How a converted amount is rounded", "JR/T 0025.5 §14.4.3.10", "I"
    )
    e_cash_unable_to_go_online: Literal["ordinary", "declined"] = setting(
        "ordinary",
        "电子现金联机失败",
        "Completion of an e-cash transaction that could not go online: as debit/credit, or declined",
        "JR/T 0025.13 §7.4.4",
        "I",
    )
    authentication_reason: bool = setting(
        True,
        "发卡行认证原因码",
        "Whether the cryptogram information gives the reason 011 when issuer authentication declines",
        "JR/T 0025.5 §16.6.2",
        "I",
    )
    dda_number_has_length: bool = setting(
        True,
        "DDA动态数据含长度字节",
        "Whether the dynamic data of DDA are the length of the dynamic number and the number (EMV Book 2 §6.5), or the "
        "number alone, as a published example of a card has them",
        "JR/T 0025.5 §9.4.1, JR/T 0025.7 §5",
        "I",
    )
    cda_carries_unpredictable_number: bool = setting(
        False,
        "CDA签名数据含不可预知数",
        "Whether the SM2 signature of CDA carries the unpredictable number in plain",
        "JR/T 0025.17 tables 14 and 17",
        "I",
    )
    put_data_limit_answer: Literal["6A80", "6985"] = setting(
        "6A80", "超过余额上限的状态字", "Answer to PUT DATA of a balance above its limit", "JR/T 0025.13 §8", "I"
    )
    put_data_unknown_tag_answer: Literal["6A88", "6A81"] = setting(
        "6A88", "不可设置标签的状态字", "Answer to PUT DATA of a tag that it may not set", "JR/T 0025.5 B.11.5", "I"
    )
    torn_debit_undone: Literal["next use", "next start"] = setting(
        "next use",
        "防拔恢复时机",
        "When a debit whose last record was not read is undone: at the next command of the application on any interface, "
        "or at the next GET PROCESSING OPTIONS",
        "JR/T 0025.12 §7.4.1",
        "I",
    )
    contactless_preference: Literal["qPBOC", "debit and credit"] = setting(
        "qPBOC",
        "非接触路径优先顺序",
        "Which path a card takes that has both when the terminal offers both",
        "JR/T 0025.12 §6.5.6",
        "I",
    )
    declined_foreign_amount_shown: bool = setting(
        True,
        "异币拒绝时返回可用脱机消费金额",
        "Whether a declined qPBOC transaction in another currency shows 9F5D: the text asks for a match only when online",
        "JR/T 0025.12 table 11",
        "I",
    )
    extended_deduction_reaches_limit: bool = setting(
        False,
        "抵扣金额可达抵扣限额",
        "Whether a segmented charge may bring the deducted amount DF63 up to DF62 itself: the text says less",
        "JR/T 0025.14 §5.2.7",
        "I",
    )
    extended_forbidden_answer: Literal["9407", "6985"] = setting(
        "9407",
        "扩展应用记录锁定的状态字",
        "Answer about a locked record of the extended application",
        "JR/T 0025.14 A.1.5",
        "I",
    )
    extended_cyclic_update: Literal["added", "replaced"] = setting(
        "added",
        "循环文件更新方式",
        "What UPDATE CAPP DATA CACHE does in a cyclic file: a new newest record, as a list of the last trips needs it, or "
        "other contents of the newest one",
        "JR/T 0025.14 A.2, annex E",
        "I",
    )
    extended_indicator_signed: Literal["extended", "always"] = setting(
        "extended",
        "卡片认证相关数据含扩展应用标识",
        "When the last byte of 9F69 is DF61: in transactions of the extended application alone, or in every one",
        "JR/T 0025.14 §5.2.6, JR/T 0025.12 appendix B",
        "I",
    )
    extended_sm4_vector: Literal["zeros left", "zeros right"] = setting(
        "zeros left",
        "SM4初始向量填充",
        "Where zeros fill the initial vector of 8 bytes up to the block of SM4",
        "JR/T 0025.14 §8.2, JR/T 0025.17",
        "I",
    )
    algorithms_before_start: Literal["3DES", "SM4"] = setting(
        "3DES",
        "初始化前的算法集",
        "Which set of a dual-algorithm card works before the first GET PROCESSING OPTIONS of a session, as in the MAC of the "
        "whole load log: DF69 has chosen none yet",
        "JR/T 0025.17 §10",
        "I",
    )
    full_load_log_order: Literal["newest first", "oldest first"] = setting(
        "newest first", "圈存日志一次性读取顺序", "Order of the records when all are read", "JR/T 0025.13 §10.2", "I"
    )
