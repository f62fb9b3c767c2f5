"""What happens in a transaction at the terminal: one small event for each step, the source of traces and receipts."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.actors.named import Named

VERIFY, MASK = 0x20, "XX"


class Phase(Named):
    """The steps of a transaction, in the order of JR/T 0025.6 §7."""

    SELECTION = "应用选择", "application selection"
    INITIATION = "应用初始化", "application initiation"
    SECTOR = "扩展应用", "extended application"
    READING = "读应用数据", "reading application data"
    DATA_AUTHENTICATION = "脱机数据认证", "offline data authentication"
    RESTRICTIONS = "处理限制", "processing restrictions"
    HOLDER_VERIFICATION = "持卡人验证", "cardholder verification"
    RISK_MANAGEMENT = "终端风险管理", "terminal risk management"
    ACTION_ANALYSIS = "终端行为分析", "terminal action analysis"
    CRYPTOGRAM = "应用密文", "application cryptogram"
    ONLINE = "联机处理", "online processing"
    SCRIPTS = "发卡行脚本", "issuer scripts"
    COMPLETION = "交易结束", "completion"


@dataclass(frozen=True, slots=True)
class Event:
    """A step that was taken. ``zh`` and ``en`` say what came of it; no PIN and no whole account number stands in them."""

    phase: Phase
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Exchanged(Event):
    """A command and the card's answer, as bytes; a PIN and personal data may stand in them."""

    command: bytes = field(repr=False)
    response: bytes = field(repr=False)

    @property
    def command_text(self) -> str:
        """The command in hexadecimal digits, the data of VERIFY masked."""
        if len(self.command) > 5 and self.command[1] == VERIFY:
            return self.command[:5].hex().upper() + MASK * (len(self.command) - 5)
        return self.command.hex().upper()


@dataclass(frozen=True, slots=True)
class ApplicationSelected(Event):
    """An application was selected."""

    aid: bytes
    label: str


@dataclass(frozen=True, slots=True)
class OptionsGiven(Event):
    """GET PROCESSING OPTIONS was answered."""

    aip: bytes
    afl: bytes


@dataclass(frozen=True, slots=True)
class DataRead(Event):
    """The records of the AFL were read."""

    tags: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DataAuthenticated(Event):
    """The end of offline data authentication; ``failure`` tells what was wrong, empty when all was right."""

    method: str
    failure: str


@dataclass(frozen=True, slots=True)
class HolderVerified(Event):
    """The end of cardholder verification; ``results`` are the CVM results 9F34."""

    results: bytes


@dataclass(frozen=True, slots=True)
class Decided(Event):
    """What the terminal asks the card for: ``cryptogram`` is AAC, TC or ARQC."""

    cryptogram: str


@dataclass(frozen=True, slots=True)
class CryptogramGiven(Event):
    """The answer to a GENERATE AC; ``number`` is 1 or 2."""

    number: int
    cryptogram: str
    cid: int
    counter: bytes
    value: bytes
    issuer_data: bytes


@dataclass(frozen=True, slots=True)
class HostAnswered(Event):
    """The bank answered, or (``code`` empty) could not be reached."""

    code: str


@dataclass(frozen=True, slots=True)
class ScriptRun(Event):
    """A script command was given to the card."""

    template: int
    number: int
    sw: int


@dataclass(frozen=True, slots=True)
class Reversed(Event):
    """An approved request was taken back 冲正; ``delivered`` tells whether the bank heard it."""

    delivered: bool


@dataclass(frozen=True, slots=True)
class Finished(Event):
    """The end."""

    approved: bool
