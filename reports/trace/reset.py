"""The answer to reset, piece by piece (ISO/IEC 7816-3; historical bytes: reconstructed specification §5.2, volume 2 §1.2)."""

from __future__ import annotations

from emulator.iso7816.atr import Atr, AtrError
from reports.trace import contents
from reports.trace.octets import Octets
from reports.trace.parts import Field, Name

_HISTORICAL = (
    (Name("芯片商注册标识号", "chip maker"), 2),
    (Name("COS 标识与版本", "chip operating system"), 3),
    (Name("制卡商注册标识号", "card maker"), 2),
    (Name("城市代码（前 4 位）", "city code, first four digits"), 2),
    (Name("卡流水号", "card serial number"), 4),
)


def fields(answer: Octets) -> tuple[Field, ...]:
    """Convention, interface bytes, historical bytes and check byte; one field when the answer is malformed."""
    if not len(answer):
        return ()
    try:
        atr = Atr.parse(answer.value)
    except AtrError as error:
        whole = contents.opaque(Name("复位应答", "answer to reset"), answer)
        return (Field(whole.name, 0, len(answer), whole.raw, problem=str(error)),)
    end = len(answer) - int(atr.has_tck)
    start = end - len(atr.historical)
    protocols = ", ".join(f"T={number}" for number in atr.protocols)
    historical = answer.cut(start, end)
    inner = contents.named(_HISTORICAL, historical, start) if len(historical) == 13 else ()
    return (
        contents.opaque(Name("初始字符 TS", "initial character"), answer.cut(0, 1)),
        contents.opaque(
            Name("格式与接口字符", "format and interface characters"), answer.cut(1, start), 1, text=protocols
        ),
        *(
            (Field(Name("历史字节", "historical bytes"), start, end, historical.hex(), children=inner),)
            if end > start
            else ()
        ),
        *((contents.opaque(Name("校验字符 TCK", "check character"), answer.cut(end), end),) if atr.has_tck else ()),
    )
