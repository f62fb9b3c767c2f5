"""``sscard pay --transit``: a gate of a sector in place of a terminal, and the counter that opens the sectors of a card."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NoReturn

import typer

if TYPE_CHECKING:
    from conformance.actors.bank import Bank
    from conformance.actors.hosts.bank import BankHost
    from conformance.actors.sector import SectorKeys, SectorOutcome
    from conformance.actors.terminal import Event, Purchase, TerminalConfiguration, TransactionResult
    from conformance.actors.terminal.opening import Opening
    from conformance.targets.base import Target
    from profiles.model import Profile

WRONG_USE = 2


class PassageName(StrEnum):
    """What is done with the card: its sectors opened, or a gate passed."""

    open = "open"
    entry = "entry"
    exit = "exit"
    park = "park"
    leave = "leave"


def give_up(sentence: str, code: int = WRONG_USE) -> NoReturn:
    """End the command with one sentence."""
    typer.echo(f"sscard pay: {sentence}", err=True)
    raise typer.Exit(code)


def amount_beside(
    transit: PassageName, amount: str | None, load: str | None, pin: str | None, *, rsa_only: bool, line: bool
) -> str:
    """The amount of the passage: none is needed at an entry, none is paid at the counter."""
    if transit is PassageName.open:
        if amount is not None or load is not None or rsa_only or line:
            give_up("--transit open asks the bank and costs nothing; give --pin, and no amount or choice of line")
        if pin is None:
            give_up("--transit open needs --pin, by which the bank knows the holder")
        return "0"
    if load is not None or pin is not None or rsa_only or line:
        sentence = (
            "--transit is a gate without line, keypad or choice of algorithms: of the transaction it takes --amount"
        )
        give_up(f"{sentence} and --currency alone")
    if transit is PassageName.entry:
        if amount is not None:
            give_up("--transit entry costs nothing; give --amount at the exit")
        return "0"
    if amount is None:
        give_up(f"--transit {transit.value} needs --amount, such as --amount 4.00")
    return amount


def pass_gate(
    profile: Profile,
    target: Target,
    transit: PassageName,
    purchase: Purchase,
    expected: str,
    terminal: TerminalConfiguration,
    say: Callable[[Event], None],
) -> TransactionResult:
    """A passage through a gate of the sector."""
    from conformance.actors.sector import Passage
    from conformance.actors.terminal import Gate

    _, keys = _sectors(profile)
    gate = Gate(target, keys, configuration=terminal, listener=say, expected_account=expected)
    return gate.run(Passage[transit.name.upper()], purchase)


def open_sectors(
    profile: Profile, target: Target, bank: Bank | BankHost, pin: str, expected: str, say: Callable[[Event], None]
) -> Opening:
    """The counter, with the card on its contacts; ends the command where it is none of the counter's business."""
    from conformance.actors.bank import Bank
    from conformance.actors.terminal import Reason
    from conformance.actors.terminal.ending import Ended
    from conformance.actors.terminal.opening import SectorCounter

    directory, _ = _sectors(profile)
    if not isinstance(bank, Bank):
        give_up("a bank behind a socket takes no orders for scripts; give its books with --bank FILE")
    counter = SectorCounter(target, bank, profile, directory, pin=pin, listener=say, expected_account=expected)
    try:
        return counter.run()
    except Ended as end:
        give_up(end.detail or end.reason.en, 3 if end.reason is Reason.CARD_LOST else 1)


def _sectors(profile: Profile) -> tuple[str, dict[int, SectorKeys]]:
    from conformance.actors.sector import sector_keys
    from profiles.applications import payment_directory

    name = payment_directory(profile)
    keys = dict(sector_keys(profile, name)) if name is not None else {}
    if name is None or not keys:
        give_up(f"profile {profile.name} has no extended application; give one that has, such as debit")
    return name, keys


def opening_code(opening: Opening) -> int:
    """Exit code: 0 where no file is without its record any more."""
    if opening.lost:
        return 3
    return 1 if opening.missing else 0


def opening_table(opening: Opening) -> dict[str, Any]:
    """The result as JSON shows it."""
    made = opening.transaction
    return {
        "opened": [f"{sfi:02X}" for sfi in opening.opened],
        "missing": [f"{sfi:02X}" for sfi in opening.missing],
        "reason": made and {"zh": made.reason.zh, "en": made.reason.en, "detail": made.detail},
        "response_code": made and made.response_code,
        "card": made and made.masked_account_number,
        "exit_code": opening_code(opening),
    }


def print_opening(opening: Opening) -> None:
    """The result for a person."""
    made = opening.transaction
    if made is None:
        typer.echo("扩展应用均已开通 · every sector of this card is open already")
        return
    typer.echo(f"{made.reason.zh} · {made.reason.en}")
    for zh, en, files in (("已开通", "opened", opening.opened), ("未开通", "not opened", opening.missing)):
        if files:
            typer.echo(f"{zh} {en}: SFI {', '.join(f'{sfi:02X}' for sfi in files)}")


def passage_table(outcome: SectorOutcome) -> dict[str, Any]:
    """A passage as JSON shows it."""
    trip = outcome.trip
    stops = {
        name: stop and {"when": stop.when.isoformat(), "line": stop.line, "station": stop.station, "gate": stop.gate}
        for name, stop in (("entry", trip.entry), ("exit", trip.exit))
    }
    return {
        "passage": outcome.passage.name.lower(),
        "city": trip.city,
        "operator": trip.operator,
        "trip": trip.number,
        "inside": trip.inside,
        **stops,
        "fare": trip.fare,
        "held": trip.held,
        "deducted": outcome.deducted,
    }
