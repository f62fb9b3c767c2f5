"""What a contactless terminal settles before it switches its field on 预处理: the TTQ, or that the tap is none of its business.

JR/T 0025.12 §6.2.2.
"""

from __future__ import annotations

from dataclasses import dataclass

from conformance.actors.terminal.bits import Capability
from conformance.actors.terminal.configuration import TerminalConfiguration
from conformance.actors.terminal.ending import Ended, Reason
from conformance.actors.terminal.transaction import Purchase


class Ttq:
    """终端交易属性 9F66 as a number of 32 bits, byte 1 highest."""

    QUICK, CONTACT, OFFLINE_ONLY, ONLINE_PIN, SIGNATURE = 0x20000000, 0x10000000, 0x08000000, 0x04000000, 0x02000000
    CRYPTOGRAM_REQUIRED, VERIFICATION_REQUIRED = 0x00800000, 0x00400000
    VERSION_01 = 0x00000080


@dataclass(frozen=True, slots=True)
class ContactlessSettings:
    """What a terminal without contact knows beside its :class:`TerminalConfiguration`; amounts in the smallest unit.

    Attributes:
        contact: Whether the same terminal can take the card by its contacts.
        version_01: Whether it verifies version 01 of fDDA, which signs amount and card qualifiers.
        transaction_limit: 非接触交易限额, from which another interface is used; None: no limit.
        verification_limit: 非接触CVM限额, from which the holder is verified; None: no limit.
        floor_limit: 非接触最低限额, above which the bank is asked; None takes the lowest 9F1B of the applications.
        status_check: Amount that only asks whether the card is good 状态检查, the single unit of the currency; None: not offered.
    """

    contact: bool = True
    version_01: bool = True
    transaction_limit: int | None = None
    verification_limit: int | None = None
    floor_limit: int | None = None
    status_check: int | None = None


def preprocess(configuration: TerminalConfiguration, settings: ContactlessSettings, purchase: Purchase) -> bytes:
    """The TTQ of this transaction.

    Raises:
        Ended: The amount is over the limit, or is zero where no bank can be asked; the field stays off.
    """
    ttq = _abilities(configuration, settings)
    if purchase.amount == 0:
        if configuration.offline_only:
            raise Ended(
                Reason.DECLINED_BY_TERMINAL, "an amount of zero at a terminal without line", "脱机终端不受理零金额"
            )
        ttq |= Ttq.CRYPTOGRAM_REQUIRED
    if settings.transaction_limit is not None and purchase.amount >= settings.transaction_limit:
        raise Ended(Reason.OTHER_INTERFACE, "the amount reaches the contactless limit", "金额达到非接触交易限额")
    if settings.verification_limit is not None and purchase.amount >= settings.verification_limit:
        ttq |= Ttq.VERIFICATION_REQUIRED
    if purchase.amount > _floor(configuration, settings) or purchase.amount == settings.status_check:
        ttq |= Ttq.CRYPTOGRAM_REQUIRED
    return ttq.to_bytes(4, "big")


def _abilities(configuration: TerminalConfiguration, settings: ContactlessSettings) -> int:
    offline = configuration.offline_only
    bits = {
        Ttq.QUICK: True,
        Ttq.CONTACT: settings.contact,
        Ttq.OFFLINE_ONLY: offline,
        Ttq.ONLINE_PIN: configuration.can(Capability.ONLINE_PIN) and not offline,
        Ttq.SIGNATURE: configuration.can_sign,
        Ttq.VERSION_01: settings.version_01,
    }
    return sum(bit for bit, able in bits.items() if able)


def _floor(configuration: TerminalConfiguration, settings: ContactlessSettings) -> int:
    if settings.floor_limit is not None:
        return settings.floor_limit
    return min((each.floor_limit for each in configuration.applications), default=0)
