"""The front door of the command line: names the commands of each wing, and reads the one that is called."""

from __future__ import annotations

import errno
import sys
from importlib import import_module
from typing import Any

WRONG_USE, BENCH_FAILED, INTERRUPTED, UNHEARD = 2, 3, 130, 141
"""The last two as a shell tells of a program that SIGINT or SIGPIPE ended."""
OF_A_PATH = (errno.EACCES, errno.ELOOP, errno.ENAMETOOLONG)
"""Why nobody can even ask whether there is a file."""

try:
    import typer
    from typer.core import TyperGroup
except KeyboardInterrupt:  # while the program itself is being read
    sys.exit(INTERRUPTED)

COMMANDS = {
    "certify": ("conformance.cli:certify", "Certify a card, virtual or in a reader."),
    "pay": ("conformance.pay_cli:pay", "Run a payment transaction with a card."),
    "read": ("conformance.read_cli:read", "Print a card as the official middleware does."),
    "call": ("conformance.read_cli:call", "Call an operation of the official reader interface."),
    "issue": ("conformance.station_cli:issue", "Issue a card from a blank chip."),
    "upgrade": ("conformance.upgrade_cli:upgrade", "Make a social security card of a bank card."),
    "replace": ("conformance.upgrade_cli:replace_card", "Replace a social security card."),
    "campaign": ("conformance.campaign_cli:campaign", "Run flows of issuance and settlement with every failure."),
    "emulate": ("emulator.links.cli:emulate", "Put a card into a PC/SC reader."),
    "doctor": ("emulator.links.cli:doctor", "Tell what this machine has and lacks."),
    "report": ("reports.cli:report", "Make the report of a run again."),
    "bank": ("conformance.bank_cli:app", "Be the issuer: authority, accounts, personalisation."),
    "card": ("conformance.card_cli:app", "Report a card lost, unblock or cancel it, tell its state."),
    "serve": ("conformance.serve_cli:app", "Run a bank, centre, key service or authority as a host."),
    "settle": ("conformance.settle_cli:app", "Settle a medical bill, or load the account."),
    "station": ("conformance.station_cli:app", "Go on with interrupted issuances, or give their chips up."),
    "profile": ("conformance.profile_cli:app", "List, show, check and start card products."),
}
"""Where each command is, and what the help of ``sscard`` says of it."""


class Commands(TyperGroup):
    """Commands that are read when they are called: to read them all takes longer than to show the help."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is called, in place of its entry in the help."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, None if name is None else command_of(name), rest


def command_of(name: str) -> Any:
    """A command, or a group of commands, as its wing defines it."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    part = getattr(import_module(module), attribute)
    front = typer.Typer(rich_markup_mode=None)
    if isinstance(part, typer.Typer):
        front.add_typer(part, name=name)
    else:
        front.command(name)(part)
    return typer.main.get_group(front).commands[name]


def _entry() -> None:
    """Stands for a command in the help."""


app = typer.Typer(
    name="sscard",
    cls=Commands,
    help="第三代社会保障卡：虚拟卡与符合性测试。A social security card in software, and the harness that certifies such cards.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help shows in half the time
)
for _name, (_, _short_help) in COMMANDS.items():
    app.command(_name, short_help=_short_help)(_entry)


def main() -> None:
    """Run the command line.

    Exit code 0 good, 1 the card failed, 2 incomplete or wrong use, 3 the bench failed, 130 Ctrl-C, 141 nobody read to the end.
    """
    output = sys.stdout
    try:
        app()
    except KeyboardInterrupt:
        pass
    except SystemExit as end:
        if sys.stdout is not output:  # typer puts another one there when its reader has gone, and ends with 1
            sys.exit(UNHEARD)
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
    if isinstance(problem, OSError) and problem.errno in OF_A_PATH and problem.filename is not None:
        typer.echo(
            f"sscard: {problem.filename}: {problem.strerror}; name another path, or get the right to it", err=True
        )
        return WRONG_USE
    import traceback

    traceback.print_exception(problem)
    typer.echo("sscard: a mistake of sscard itself ended the command; nothing is said about a card", err=True)
    return BENCH_FAILED


if __name__ == "__main__":
    main()
