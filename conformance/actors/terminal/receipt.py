"""The slip 签购单 of a transaction, in Chinese or English, for a printer of narrow paper."""

from __future__ import annotations

from conformance.actors.bank.messages import TransactionKind
from conformance.actors.sector.trips import SectorOutcome, Stop
from conformance.actors.slip import WIDTH, Language, centred, printable, row
from conformance.actors.terminal.result import TransactionResult

CURRENCIES = {"0156": "CNY", "0344": "HKD", "0446": "MOP", "0840": "USD"}
KINDS = {
    TransactionKind.PURCHASE: ("消费", "SALE"),
    TransactionKind.CASH: ("取现", "CASH"),
    TransactionKind.CASHBACK: ("消费并返现", "SALE WITH CASHBACK"),
    TransactionKind.BALANCE_INQUIRY: ("余额查询", "BALANCE INQUIRY"),
    TransactionKind.LOAD: ("圈存", "E-CASH LOAD"),
}


def amount_text(amount: int, currency: str) -> str:
    """An amount with two decimals and its currency, such as ``CNY 12.34``; an unknown currency by its number."""
    return f"{CURRENCIES.get(currency, currency)} {amount // 100}.{amount % 100:02d}"


def receipt(result: TransactionResult, language: Language = Language.ZH) -> str:
    """The slip: lines of at most :data:`WIDTH` columns. The account number is masked, a declined one says so."""
    at = 0 if language is Language.ZH else 1
    lines = [
        centred(printable(result.merchant_name)),
        centred(("签购单", "SALES SLIP")[at]),
        "-" * WIDTH,
        *receipt_rows(result, language),
        "-" * WIDTH,
        centred(result.reason.value[at]),
    ]
    if result.approved and result.signature_wanted:
        lines += ["", ("持卡人签名：", "Signature: ")[at] + "_" * (WIDTH - 12)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def receipt_rows(result: TransactionResult, language: Language) -> list[str]:
    """The lines of the slip between its heading and how the transaction ended."""
    at = 0 if language is Language.ZH else 1
    kind = _kind(result)
    cryptogram = result.cryptogram
    rows: list[tuple[tuple[str, str], str]] = [
        (("商户编号", "MERCHANT"), result.merchant_id),
        (("终端编号", "TERMINAL"), result.terminal_id),
        (("交易类型", "TYPE"), kind[at]),
        (("卡号", "CARD"), result.masked_account_number),
        (("卡序列号", "SEQUENCE"), result.sequence_number if result.masked_account_number else ""),
        (("应用", "APPLICATION"), printable(result.label)),
        (("AID", "AID"), result.aid.hex().upper()),
        (("日期时间", "DATE/TIME"), f"{result.when:%Y/%m/%d %H:%M:%S}"),
        (("参考号", "REFERENCE"), result.number),
        (("应答码", "RESPONSE"), result.response_code),
        (("授权码", "AUTH CODE"), result.authorisation_code),
        (("金额", "AMOUNT"), amount_text(result.amount, result.currency)),
    ]
    rows += _passage_rows(result.sector) if result.sector else []
    if result.balance is not None:
        rows.append((("电子现金余额", "E-CASH BALANCE"), amount_text(result.balance, result.currency)))
    if cryptogram is not None:
        rows.append(((cryptogram.kind.name, cryptogram.kind.name), cryptogram.value.hex().upper()))
        rows.append((("ATC", "ATC"), cryptogram.counter.hex().upper()))
    rows.append((("TVR", "TVR"), result.tvr.hex().upper()))
    rows.append((("TSI", "TSI"), result.tsi.hex().upper()))
    return [line for names, value in rows if value for line in row(names[at], value)]


def _kind(result: TransactionResult) -> tuple[str, str]:
    if result.passage:
        return result.passage.zh, result.passage.en
    return ("电子现金消费", "E-CASH SALE") if result.e_cash and _spent(result) else KINDS[result.kind]


def _passage_rows(outcome: SectorOutcome) -> list[tuple[tuple[str, str], str]]:
    trip = outcome.trip
    rows = [
        (("城市/运营商", "CITY/OPERATOR"), f"{trip.city}/{trip.operator}"),
        (("行程", "TRIP"), f"{trip.number}"),
        (("进站", "ENTRY"), _stop(trip.entry)),
        (("出站", "EXIT"), _stop(trip.exit)),
    ]
    if outcome.deducted:
        rows.append((("已抵扣", "LENT"), f"{outcome.deducted // 100}.{outcome.deducted % 100:02d}"))
    return rows


def _stop(stop: Stop | None) -> str:
    return f"{stop.when:%m/%d %H:%M} {stop.line:02d}-{stop.station:04d}-{stop.gate:02d}" if stop else ""


def _spent(result: TransactionResult) -> bool:
    return result.clearing is not None and result.clearing.e_cash
