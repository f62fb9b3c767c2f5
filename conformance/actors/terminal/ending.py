"""How a transaction ends before its time: the signal by which a step of the kernel stops all others."""

from __future__ import annotations

from conformance.actors.named import Named


class Reason(Named):
    """Why a transaction ended as it did."""

    APPROVED_OFFLINE = "脱机批准", "approved offline"
    APPROVED_ONLINE = "联机批准", "approved online"
    APPROVED_UNABLE_ONLINE = "无法联机，脱机批准", "approved offline, unable to go online"
    LOAD_UNCONFIRMED = "圈存未经卡片确认", "load not confirmed by the card"
    DECLINED_BY_TERMINAL = "终端拒绝", "declined by the terminal"
    DECLINED_BY_CARD = "卡片拒绝", "declined by the card"
    DECLINED_BY_ISSUER = "发卡行拒绝", "declined by the issuer"
    DECLINED_UNABLE_ONLINE = "无法联机，拒绝", "declined, unable to go online"
    SIGNATURE_WRONG = "复合动态数据认证失败，拒绝", "declined, the signature is wrong"
    OTHER_CARD = "不是预期的卡片", "another card than expected"
    NOT_ADMITTED = "不允许通行", "passage not allowed"
    OTHER_INTERFACE = "请改用其他交易界面", "use another interface"
    CARD_BLOCKED = "卡片锁定", "card blocked"
    NO_APPLICATION = "没有可接受的应用", "no application in common"
    CARD_ERROR = "卡片数据错误", "the card answers against the standard"
    CARD_LOST = "卡片已移除或无响应", "card removed or mute"
    CANCELLED = "交易取消", "cancelled"

    @property
    def approved(self) -> bool:
        """Whether goods may be handed out."""
        return self in (Reason.APPROVED_OFFLINE, Reason.APPROVED_ONLINE, Reason.APPROVED_UNABLE_ONLINE)


class Ended(Exception):
    """The transaction ends here.

    ``detail`` says in English what the card did, ``detail_zh`` the same in Chinese where a person at the terminal can act on it.
    """

    def __init__(self, reason: Reason, detail: str = "", detail_zh: str = "") -> None:
        super().__init__(detail or reason.en)
        self.reason = reason
        self.detail = detail
        self.detail_zh = detail_zh

    def finished(self) -> tuple[str, str]:
        """The end in Chinese and English, each with its detail; a detail that is English alone stands in both."""
        reason, detail = self.reason, self.detail
        if not detail:
            return reason.zh, reason.en
        return f"{reason.zh}：{self.detail_zh or detail}", f"{reason.en}: {detail}"


class Refused(Ended):
    """The card refuses a command on which the transaction depends by a status word."""


class Dropped(Exception):
    """The selected application does not serve for this transaction; another one may."""
