"""Codes of the official reader interface 读写终端接口 (LD/T 6001.5), and what they say.

They are those of programs in use (reconstructed specification §3.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum


class Code(IntEnum):
    """Codes of the middleware itself."""

    GOOD = 0
    WRONG_KIND = -1
    NO_CARD = -2
    NO_ANSWER = -4
    NO_STEP_BEFORE = -12
    UNKNOWN_OPERATION = -13
    WRONG_ARGUMENT = -14
    IDENTIFICATION_MALFORMED = -20
    NOT_AUTHENTIC = -21
    WRONG_CARD = -22
    WRONG_INPUT = -23
    NOT_AS_THE_HSM_HAS_IT = -25
    PIN_CANCELLED = -31
    PIN_LENGTH = -33
    INITIAL_PIN = -35
    NOT_BACK_TO_INITIAL_PIN = -36
    PIN_WRONG = -51
    PIN_LOCKED = -52
    NO_SAM = -2201
    SAM_WITHOUT_ALGORITHM = -2202
    SAM_WITHOUT_READ_KEY = -2203


MESSAGES: Mapping[int, str] = {
    Code.WRONG_KIND: "卡类型不正确",
    Code.NO_CARD: "无卡",
    Code.NO_ANSWER: "卡无应答",
    Code.NO_STEP_BEFORE: "未建立连接：须先完成上一步",
    Code.UNKNOWN_OPERATION: "不支持该命令",
    Code.WRONG_ARGUMENT: "命令参数错误",
    Code.IDENTIFICATION_MALFORMED: "卡识别码格式错误",
    Code.NOT_AUTHENTIC: "内部认证失败",
    Code.WRONG_CARD: "传入数据与卡内不符",
    Code.WRONG_INPUT: "传入数据不合法",
    Code.NOT_AS_THE_HSM_HAS_IT: "内部认证结果与加密机不一致",
    Code.PIN_CANCELLED: "用户取消密码输入",
    Code.PIN_LENGTH: "输入密码长度错误",
    Code.INITIAL_PIN: "初始密码不能交易",
    Code.NOT_BACK_TO_INITIAL_PIN: "不能改为初始密码",
    Code.PIN_WRONG: "PIN校验失败",
    Code.PIN_LOCKED: "PIN锁定",
    Code.NO_SAM: "无PSAM卡",
    Code.SAM_WITHOUT_ALGORITHM: "PSAM卡算法不支持",
    Code.SAM_WITHOUT_READ_KEY: "PSAM卡内没有RKSSSE密钥",
}

WRONG_USES = frozenset(
    (Code.WRONG_KIND, Code.NO_STEP_BEFORE, Code.UNKNOWN_OPERATION, Code.WRONG_ARGUMENT, Code.PIN_LENGTH)
)
"""What the caller did wrong, not the card."""

Answer = tuple[int, str]


class Failed(Exception):
    """An operation ends with a code."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.text = text or MESSAGES.get(code, "")
