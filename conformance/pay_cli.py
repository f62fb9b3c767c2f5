"""``sscard pay``: one payment transaction with a card, a terminal and a bank, told step by step."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from conformance.bank_option import bank_named
from conformance.image_option import kept_card
from conformance.outbox_option import OutboxPath, outbox_at, till_at
from conformance.transit_cli import (
    PassageName,
    amount_beside,
    open_sectors,
    opening_code,
    opening_table,
    pass_gate,
    passage_table,
    print_opening,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.actors.bank import Bank, Settlement
    from conformance.actors.hosts.bank import BankHost
    from conformance.actors.terminal import Event, Purchase, TerminalConfiguration, TransactionResult
    from conformance.actors.terminal.bits import Bit
    from conformance.actors.terminal.opening import Opening
    from conformance.actors.terminal.till_outbox import TillOutbox
    from conformance.targets.base import Target
    from profiles.model import Profile

DECLINED, WRONG_USE, BENCH_FAILED = 1, 2, 3
CURRENCIES = {"CNY": "0156", "HKD": "0344", "MOP": "0446", "USD": "0840"}
OFFLINE_TERMINAL = 0x23


class LanguageName(StrEnum):
    """Languages of the receipt."""

    zh = "zh"
    en = "en"


def pay(
    profile: Annotated[str, typer.Option(help="Card product by name, or a profile file (TOML).")] = "debit",
    reader: Annotated[
        str | None, typer.Option(help="Pay with the card in this PC/SC reader (name or a part of it).")
    ] = None,
    in_process: Annotated[
        bool, typer.Option("--in-process", help="Pay with a fresh virtual card in this process (the default).")
    ] = False,
    expect_card: Annotated[
        str | None, typer.Option(help="Digits that the account number must contain; needed with --reader.")
    ] = None,
    amount: Annotated[str | None, typer.Option(help="Amount, such as 12.34.")] = None,
    load: Annotated[str | None, typer.Option(help="Load this amount into e-cash (圈存) instead of paying.")] = None,
    currency: Annotated[str, typer.Option(help="Currency: CNY, HKD, MOP, USD or four digits.")] = "CNY",
    pin: Annotated[str | None, typer.Option(help="PIN that the holder enters; absent: none is entered.")] = None,
    rsa_only: Annotated[
        bool, typer.Option("--rsa-only", help="A terminal without the SM algorithms (DF69 00).")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="A terminal without line to the bank.")] = False,
    online: Annotated[bool, typer.Option("--online", help="The merchant wants the bank to decide.")] = False,
    e_cash: Annotated[bool, typer.Option("--e-cash", help="Offer e-cash (电子现金).")] = False,
    contactless: Annotated[
        bool,
        typer.Option("--contactless", help="Pay through the antenna, with one tap (qPBOC); the card chooses e-cash."),
    ] = False,
    transit: Annotated[
        PassageName | None,
        typer.Option(
            help="Open the sectors of a card (扩展应用), or pass a gate without contact: metro entry or exit, park or leave."
        ),
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option(help="Keep the virtual card in this file: created when there is none, otherwise opened as it is."),
    ] = None,
    books: Annotated[
        Path | None,
        typer.Option(
            "--bank",
            help="The bank's books, a SQLite file, or the socket of `sscard serve bank`; absent: a test bank of the card.",
        ),
    ] = None,
    outbox: OutboxPath = None,
    language: Annotated[LanguageName, typer.Option(help="Language of the receipt.")] = LanguageName.zh,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")] = False,
) -> None:
    """Run one payment transaction; print its steps, TVR and TSI bit by bit, and the receipt.

    The terminal trusts the published test authority, the bank has the test keys of the product and an account for its
    card, or what --bank says of a card that a station made. Exit code: 0 approved, 1 declined, 2 wrong use, 3 the bench failed.
    """
    if transit is not None:
        amount = amount_beside(transit, amount, load, pin, rsa_only=rsa_only, line=offline or online or e_cash)
    if outbox is not None and (transit is not None or contactless):
        _give_up("--outbox is of a terminal with contacts; leave --transit and --contactless away", WRONG_USE)
    if image is not None and reader is not None:
        _give_up("--image is a virtual card, --reader a card in a reader; give one of them", WRONG_USE)
    if contactless and (transit is not None or load is not None or e_cash):
        _give_up(
            "--contactless is a purchase of --amount by one tap; leave --transit, --load and --e-cash away", WRONG_USE
        )
    _refuse_contradictions(reader, in_process, expect_card, amount, load, offline, online, e_cash)
    purchase = _purchase(amount, load, currency, online=online, e_cash=e_cash)
    loaded = _load_profile(profile)
    say = _tell_nobody if as_json else _print_step
    if pin is not None and not re.fullmatch("[0-9]{4,12}", pin):
        _give_up("--pin is not four to twelve digits", WRONG_USE)
    counter = transit is PassageName.open
    antenna = contactless or (transit is not None and not counter)
    with bank_named(loaded, books, _give_up) as bank, outbox_at(outbox, books, "--bank", _give_up) as kept:
        till = till_at(kept, bank, tell=lambda text: None if as_json else typer.echo(text))
        terminal = _terminal(kept.terminal, offline=offline, rsa_only=rsa_only)
        purchase = replace(purchase, number=kept.next_number())
        with _target(loaded, reader, image, contactless=antenna) as target:
            if counter:
                _open(open_sectors(loaded, target, bank, pin or "", expect_card or "", say), as_json=as_json)
            if transit is not None:
                result = pass_gate(loaded, target, transit, purchase, expect_card or "", terminal, say)
            else:
                result = _run(
                    target, purchase, bank, pin, expect_card or "", terminal, say, till, contactless=contactless
                )
        settlement = _cleared(bank, result)
        till.forget_record(result.clearing)
    if as_json:
        typer.echo(json.dumps(table_of(result, settlement, language), ensure_ascii=False))
    else:
        _print_end(result, settlement, language)
    raise typer.Exit(exit_code(result))


def _open(opening: Opening, *, as_json: bool) -> NoReturn:
    """What the counter says."""
    if as_json:
        typer.echo(json.dumps(opening_table(opening), ensure_ascii=False))
    else:
        print_opening(opening)
    raise typer.Exit(opening_code(opening))


def _give_up(sentence: str, code: int) -> NoReturn:
    typer.echo(f"sscard pay: {sentence}", err=True)
    raise typer.Exit(code)


def _refuse_contradictions(
    reader: str | None,
    in_process: bool,
    expect_card: str | None,
    amount: str | None,
    load: str | None,
    offline: bool,
    online: bool,
    e_cash: bool,
) -> None:
    if reader is not None and in_process:
        _give_up("--reader and --in-process exclude each other; give one of them", WRONG_USE)
    if reader is not None and expect_card is None:
        _give_up("a card in a reader is used only when --expect-card gives digits of its account number", WRONG_USE)
    if expect_card is not None and not re.fullmatch("[0-9]+", expect_card):
        _give_up(f"--expect-card {expect_card!r} is not made of digits", WRONG_USE)
    if (amount is None) == (load is None):
        _give_up("give either --amount or --load, such as --amount 12.34", WRONG_USE)
    if offline and (online or load is not None):
        _give_up("--offline excludes --online and --load, for which the bank is needed", WRONG_USE)
    if e_cash and load is not None:
        _give_up("--e-cash pays from e-cash, --load fills it; give one of them", WRONG_USE)


def purchase_of(amount: str) -> Purchase:
    """A purchase in yuan that the bank decides, of an amount such as 12.34."""
    return _purchase(amount, None, "CNY", online=True, e_cash=False)


def _purchase(amount: str | None, load: str | None, currency: str, *, online: bool, e_cash: bool) -> Purchase:
    from conformance.actors.bank import TransactionKind
    from conformance.actors.terminal import Purchase

    text = amount if amount is not None else load or ""
    if not re.fullmatch("[0-9]{1,10}(\\.[0-9]{1,2})?", text):
        _give_up(f"{text!r} is no amount; write it such as 12.34", WRONG_USE)
    whole, _, part = text.partition(".")
    fen = int(whole) * 100 + int(part.ljust(2, "0"))
    if load is not None and fen == 0:
        _give_up(f"--load {load} loads nothing; give an amount such as 12.34", WRONG_USE)
    code = CURRENCIES.get(currency.upper(), currency)
    if not re.fullmatch("[0-9]{4}", code):
        _give_up(f"--currency {currency!r} is unknown; give {', '.join(CURRENCIES)} or four digits", WRONG_USE)
    kind = TransactionKind.PURCHASE if load is None else TransactionKind.LOAD
    return Purchase(fen, code, kind, e_cash=e_cash, force_online=online)


def _load_profile(name: str) -> Profile:
    from profiles import ProfileError, load

    try:
        return load(name)
    except ProfileError as error:
        _give_up(str(error), WRONG_USE)


def _cleared(bank: Bank | BankHost, result: TransactionResult) -> Settlement | None:
    """What the bank says to an offline payment."""
    from conformance.actors.bank import HostUnreachable

    try:
        return bank.clear(result.clearing) if result.clearing else None
    except HostUnreachable as problem:
        _give_up(f"the payment was approved and not presented yet: {problem}", BENCH_FAILED)


def _terminal(identification: str, *, offline: bool, rsa_only: bool) -> TerminalConfiguration:
    from conformance.actors.terminal import DEFAULT_CONFIGURATION

    chosen = replace(DEFAULT_CONFIGURATION, terminal_id=identification, supports_sm=not rsa_only)
    return replace(chosen, terminal_type=OFFLINE_TERMINAL) if offline else chosen


@contextmanager
def _target(profile: Profile, reader: str | None, image: Path | None, *, contactless: bool) -> Iterator[Target]:
    """The card, switched on; the virtual one through the interface that the terminal has."""
    from conformance.bring_up import open_target
    from conformance.failures import BenchError
    from conformance.targets.in_process import UnusableCard

    try:
        target: Target = (
            kept_card("pay", profile, image, contactless=contactless)
            if reader is None
            else open_target(profile, reader=reader, in_process=False, fault=None, tell=lambda zh, en: None)
        )
        try:
            target.connect()
            yield target
        finally:
            target.close()
    except UnusableCard as problem:
        _give_up(str(problem), WRONG_USE)
    except BenchError as problem:
        _give_up(str(problem), BENCH_FAILED)


def _run(
    target: Target,
    purchase: Purchase,
    bank: Bank | BankHost,
    pin: str | None,
    expected: str,
    terminal: TerminalConfiguration,
    say: Callable[[Event], None],
    till: TillOutbox,
    *,
    contactless: bool,
) -> TransactionResult:
    from conformance.actors.terminal import ContactlessSettings, Kernel, PreparedHolder, QuickTerminal

    holder = PreparedHolder((pin,) if pin else ())
    if contactless:
        # No amount is below a floor of zero, so that the bank is asked for any.
        settings = ContactlessSettings(floor_limit=0) if purchase.force_online else ContactlessSettings()
        terminal_without_contact = QuickTerminal(
            target, terminal, settings, host=bank, holder=holder, listener=say, expected_account=expected
        )
        return terminal_without_contact.run(purchase)
    kernel = Kernel(target, terminal, host=bank, holder=holder, listener=say, expected_account=expected, outbox=till)
    return kernel.run(purchase)


def _tell_nobody(event: Event) -> None:
    """JSON carries the steps at the end."""


def _print_step(event: Event) -> None:
    from conformance.actors.terminal.events import Exchanged

    if not isinstance(event, Exchanged):
        text = event.zh if event.zh == event.en else f"{event.zh} · {event.en}"
        typer.echo(f"{event.phase.zh} {event.phase.en}: {text}")


def _print_end(result: TransactionResult, settlement: Settlement | None, language: LanguageName) -> None:
    from conformance.actors.slip import Language
    from conformance.actors.terminal import receipt

    for name, value, bits in (("TVR", result.tvr, result.tvr_bits), ("TSI", result.tsi, result.tsi_bits)):
        typer.echo(f"{name} {value.hex().upper()}")
        for bit in bits:
            typer.echo(f"  {bit.byte}.b{bit.bit} {bit.zh} {bit.en}")
    if settlement is not None:
        typer.echo(f"清算 clearing: {settlement.value}")
    typer.echo("")
    typer.echo(receipt(result, Language(language.value)), nl=False)


def _bits(value: bytes, bits: tuple[Bit, ...]) -> dict[str, Any]:
    return {"value": value.hex().upper(), "bits": [bit._asdict() for bit in bits]}


def table_of(result: TransactionResult, settlement: Settlement | None, language: LanguageName) -> dict[str, Any]:
    """The result as JSON shows it."""
    from conformance.actors.slip import Language
    from conformance.actors.terminal import receipt
    from conformance.actors.terminal.events import Exchanged

    cryptogram = result.cryptogram
    return {
        "approved": result.approved,
        "reason": {"zh": result.reason.zh, "en": result.reason.en, "detail": result.detail},
        "exit_code": exit_code(result),
        "number": result.number,
        "aid": result.aid.hex().upper(),
        "label": result.label,
        "card": result.masked_account_number,
        "kind": result.kind.name.lower(),
        "amount": result.amount,
        "currency": result.currency,
        "tvr": _bits(result.tvr, result.tvr_bits),
        "tsi": _bits(result.tsi, result.tsi_bits),
        "cvm_results": result.cvm_results.hex().upper(),
        "response_code": result.response_code,
        "authorisation_code": result.authorisation_code,
        "cryptogram": cryptogram
        and {
            "kind": cryptogram.kind.name,
            "value": cryptogram.value.hex().upper(),
            "counter": cryptogram.counter.hex().upper(),
            "issuer_data": cryptogram.issuer_data.hex().upper(),
        },
        "e_cash": result.e_cash,
        "transit": result.sector and passage_table(result.sector),
        "e_cash_balance": result.balance,
        "script_results": [each.hex().upper() for each in result.script_results],
        "settlement": settlement and settlement.value,
        "steps": [
            {"phase": event.phase.en, "zh": event.zh, "en": event.en}
            for event in result.events
            if not isinstance(event, Exchanged)
        ],
        "receipt": receipt(result, Language(language.value)),
    }


def exit_code(result: TransactionResult) -> int:
    """0 approved, 1 declined, 3 the card was lost."""
    from conformance.actors.terminal import Reason

    if result.approved:
        return 0
    return BENCH_FAILED if result.reason is Reason.CARD_LOST else DECLINED
