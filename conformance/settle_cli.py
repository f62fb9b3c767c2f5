"""``sscard settle``: its commands."""

from __future__ import annotations

import typer

from conformance.medical_cli import load, medical
from conformance.visit_cli import visit

app = typer.Typer(
    help="结算：医保结算、混合结算、账户划入。Settle a medical bill, its own part too, or load the account, with one card.",
    no_args_is_help=True,
)
app.command("medical", short_help="Settle a medical bill with a card.")(medical)
app.command("load", short_help="Load the personal account onto a card of an offline area.")(load)
app.command("visit", short_help="Settle a bill, its own part too, with one card.")(visit)
