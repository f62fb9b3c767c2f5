"""The front door of the command line: joins the commands of each wing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from profiles.model import Profile
    from profiles.problems import Problem

WRONG_USE, BENCH_FAILED, INTERRUPTED = 2, 3, 130

try:
    import typer

    from conformance import (
        bank_books_cli,
        bank_cli,
        campaign_cli,
        card_cli,
        pay_cli,
        read_cli,
        serve_cli,
        settle_cli,
        station_cli,
        upgrade_cli,
        visit_cli,
    )
    from conformance import cli as conformance_cli
    from emulator.links import cli as links_cli
    from profiles import cli as profiles_cli
    from reports import cli as reports_cli
except KeyboardInterrupt:  # while the program itself is being read
    sys.exit(INTERRUPTED)

app = typer.Typer(
    name="sscard",
    help="第三代社会保障卡：虚拟卡与符合性测试。A social security card in software, and the harness that certifies such cards.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help shows in half the time
)
app.command("certify", short_help="Certify a card, virtual or in a reader.")(conformance_cli.certify)
app.command("pay", short_help="Run a payment transaction with a card.")(pay_cli.pay)
app.command("read", short_help="Print a card as the official middleware does.")(read_cli.read)
app.command("call", short_help="Call an operation of the official reader interface.")(read_cli.call)
app.command("issue", short_help="Issue a card from a blank chip.")(station_cli.issue)
app.command("upgrade", short_help="Make a social security card of a bank card.")(upgrade_cli.upgrade)
app.command("replace", short_help="Replace a social security card.")(upgrade_cli.replace_card)
app.command("campaign", short_help="Run flows of issuance and settlement with every failure.")(campaign_cli.campaign)
app.command("emulate", short_help="Put a card into a PC/SC reader.")(links_cli.emulate)
app.command("doctor", short_help="Tell what this machine has and lacks.")(links_cli.doctor)
app.command("report", short_help="Make the report of a run again.")(reports_cli.report)
bank_cli.app.command("open", short_help="Open an account in the bank's books.")(bank_books_cli.open_account)
bank_cli.app.command("deposit", short_help="Pay cash into an account.")(bank_books_cli.deposit)
app.add_typer(bank_cli.app, name="bank")
app.add_typer(card_cli.app, name="card")
settle_cli.app.command("visit", short_help="Settle a bill, its own part too, with one card.")(visit_cli.visit)
app.add_typer(serve_cli.app, name="serve")
app.add_typer(settle_cli.app, name="settle")
app.add_typer(station_cli.app, name="station")
app.add_typer(profiles_cli.app, name="profile")


def _unknown_features(profile: Profile) -> list[Problem]:
    from conformance.declared import unknown_features

    return unknown_features(profile)


profiles_cli.further_checks.append(_unknown_features)


def main() -> None:
    """Run the command line. Exit code 0 good, 1 the card failed, 2 incomplete or wrong use, 3 the bench failed, 130 Ctrl-C."""
    try:
        app()
    except KeyboardInterrupt:
        pass
    except SystemExit as end:
        if end.code != INTERRUPTED:  # with which typer ends a command that Ctrl-C broke off
            raise
    except Exception as problem:  # Python would end with 1, which is a verdict on a card
        sys.exit(_unforeseen(problem))
    typer.echo("sscard: broken off by Ctrl-C", err=True)
    sys.exit(INTERRUPTED)


def _unforeseen(problem: Exception) -> int:
    """Say what ended a command that did not expect it; the exit code."""
    from profiles.keys import RootKeyError

    if isinstance(problem, RootKeyError):
        typer.echo(f"sscard: {problem}", err=True)
        return WRONG_USE
    import traceback

    traceback.print_exception(problem)
    typer.echo("sscard: a mistake of sscard itself ended the command; nothing is said about a card", err=True)
    return BENCH_FAILED


if __name__ == "__main__":
    main()
