"""``sscard emulate``: a card in the reader with a live trace; ``sscard doctor``: what this machine offers."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from emulator.cos.card import Card
    from emulator.links.stackbase import Stack
    from emulator.links.vpcd import LinkEvent, VpcdLink
    from profiles.model import Profile

WRONG_USE, BENCH_FAILED = 2, 3


class StackChoice(StrEnum):
    """Which PC/SC service the card goes to."""

    auto = "auto"
    running = "running"
    started = "started"
    private = "private"


def _give_up(command: str, sentence: str, code: int) -> NoReturn:
    typer.echo(f"sscard {command}: {sentence}", err=True)
    raise typer.Exit(code)


def emulate(
    profile: Annotated[str, typer.Option(help="Card product by name, or a profile file (TOML).")] = "ssc3-sm4",
    image: Annotated[
        Path | None, typer.Option(help="Keep the card in this file; it is created from the profile when it is missing.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Connect to the vpcd that listens on this TCP port (usually 35963)."),
    ] = None,
    reader: Annotated[
        str | None, typer.Option(help="Slot by its PC/SC name or a part of it; default: the first one.")
    ] = None,
    stack: Annotated[
        StackChoice, typer.Option(help="PC/SC service: the running one, one started for the run, or a private one.")
    ] = StackChoice.auto,
    contactless: Annotated[
        bool, typer.Option("--contactless", help="Show the card through its antenna: contactless ATR, PPSE, qPBOC.")
    ] = False,
    sam: Annotated[
        str | None,
        typer.Option(
            help="Put a secure access module (PSAM) into the other slot of the reader: psam-sm4, psam-3des, or a file."
        ),
    ] = None,
    fault: Annotated[str | None, typer.Option(help="Break the card by a named fault.")] = None,
    unmask: Annotated[bool, typer.Option("--unmask", help="Show PINs and personal data in the trace.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no trace.")] = False,
) -> None:
    """Put a card into a PC/SC reader until Ctrl-C, and show a decoded trace of all that is said to it.

    Exit code: 0 ended by Ctrl-C or SIGTERM, 2 wrong use, 3 no reader, or another card in it.
    """
    from emulator.links.stackbase import StackError
    from emulator.links.vpcd import LinkError

    if port is not None and (reader is not None or stack is not StackChoice.auto):
        _give_up("emulate", "--port names the slot already; leave --reader and --stack away", WRONG_USE)
    if port is not None and sam is not None:
        _give_up("emulate", "--port names one slot, --sam needs another; leave --port away", WRONG_USE)
    if image is not None and fault is not None:
        _give_up("emulate", "--fault would spoil the image for good; leave --image away", WRONG_USE)
    loaded, card = _load(profile, image, fault)
    if contactless and not card.structure.contactless:
        card.memory.close()
        _give_up(
            "emulate", f"{card.structure.product} has no contactless interface; leave --contactless away", WRONG_USE
        )
    shown = card.contactless() if contactless else card
    options = _trace_options(loaded, unmask, quiet)
    module = None
    if sam is not None:
        described, beside = _load(sam, None, None)
        module = beside, _trace_options(described, unmask, quiet, heading="PSAM")
    try:
        if port is not None:
            _serve_at_port(shown, port, options)
        else:
            _serve_in_stack(shown, stack, reader, options, module)
    except (StackError, LinkError) as problem:
        _give_up("emulate", f"{problem} See: sscard doctor", BENCH_FAILED)
    finally:
        card.memory.close()


def _load(name: str, image: Path | None, fault: str | None) -> tuple[Profile, Card]:
    from emulator import load_card
    from emulator.cos.image import ImageError
    from profiles import ProfileError, load

    try:
        profile = load(name)
        card = load_card(profile, image)
    except (ProfileError, ImageError) as problem:
        _give_up("emulate", str(problem), WRONG_USE)
    product = card.structure.product
    if product != profile.name:
        typer.echo(
            f"sscard emulate: {image} keeps a card of {product}, not of {profile.name}: it is that card", err=True
        )
        with contextlib.suppress(ProfileError):  # a card of a file that is elsewhere is told of by the profile at hand
            profile = load(product)
    if fault is not None:
        from conformance.faults import FAULTS, with_fault

        if fault not in FAULTS:
            _give_up("emulate", f"no fault {fault!r}; see: sscard certify --fault list", WRONG_USE)
        card = with_fault(card, fault)
    return profile, card


def _trace_options(profile: Profile, unmask: bool, quiet: bool, heading: str = "") -> dict[str, Any]:
    """What the link tells while it serves; ``heading`` stands before it where two cards are told of."""
    before = f"{heading} " if heading else ""

    def tell(event: LinkEvent, sentence: str) -> None:
        typer.echo(f"— {before}{sentence}")

    if quiet:
        return {"on_event": tell}
    from rich.console import Console

    from reports.trace.live import LiveTrace

    trace, console = LiveTrace(profile, masked=not unmask), Console(soft_wrap=True, highlight=False)
    return {
        "on_event": tell,
        "on_exchange": lambda command, response, seconds: console.print(
            before, trace.exchange(command, response, seconds), sep=""
        ),
        "on_reset": lambda kind, atr: console.print(before, trace.reset(kind, atr), sep=""),
    }


def _serve_at_port(card: Card, port: int, options: dict[str, Any]) -> None:
    from emulator.cos.memory import PowerLoss
    from emulator.links.vpcd import VpcdLink, tcp_connector

    link = VpcdLink(card, tcp_connector(port), where=f"port {port}", gone=(PowerLoss,), **options)
    _until_interrupted(link, f"port {port}")


def _serve_in_stack(
    card: Card,
    choice: StackChoice,
    reader: str | None,
    options: dict[str, Any],
    module: tuple[Card, dict[str, Any]] | None,
) -> None:
    """Serve a card, and a module in the other slot of its reader."""
    from emulator.cos.memory import PowerLoss

    with _choose_stack(choice) as stack:
        slot = _slot(stack, reader)
        link = stack.link(card, slot, gone=(PowerLoss,), **options)
        if choice is StackChoice.private:
            variable = "PCSCLITE_CSOCK_NAME"
            typer.echo(f"Other programs reach this reader with {variable}={stack.environment()[variable]}")
        if module is None:
            _until_interrupted(link, stack.reader_names[slot])
            return
        other = slot ^ 1
        with stack.link(module[0], other, gone=(PowerLoss,), **module[1]) as beside:
            beside.wait_until_powered()
            typer.echo(f"PSAM 在读卡器中 · the secure access module is in {stack.reader_names[other]}")
            _until_interrupted(link, stack.reader_names[slot])


def _choose_stack(choice: StackChoice) -> Stack:
    """The service asked for; by itself the running one, else one started for the run."""
    from emulator.links.kept import PrivateStack, StartedStack
    from emulator.links.stack import SystemStack

    if choice is StackChoice.private:
        return PrivateStack()
    if choice is StackChoice.running or (choice is StackChoice.auto and SystemStack.offer().usable):
        return SystemStack()
    return StartedStack()


def _slot(stack: Stack, wanted: str | None) -> int:
    """Index of the slot that is meant."""
    names = stack.reader_names
    if wanted is None:
        return 0
    found = [index for index, name in enumerate(names) if wanted.lower() in name.lower()]
    exact = [index for index, name in enumerate(names) if name == wanted]
    if len(exact or found) != 1:
        _give_up("emulate", f"--reader {wanted!r} names no single slot; slots here: {'; '.join(names)}", WRONG_USE)
    return (exact or found)[0]


def _until_interrupted(link: VpcdLink, where: str) -> None:
    """Serve until Ctrl-C or a polite request to end."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with link:
        link.wait_until_powered()
        typer.echo(f"卡片在读卡器中 · the card is in {where}; Ctrl-C takes it out")
        ended.wait()


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False) -> None:
    """Tell what this machine has of what cards and reports need, and what to install.

    Exit code: 0 when a virtual card can be put into a PC/SC reader here, 3 when not.
    """
    from emulator.links.doctor import examine
    from emulator.links.stack import available_stacks

    findings = examine()
    usable = any(offer.usable for offer in available_stacks()) and all(f.ok for f in findings if f.name == "pyscard")
    if as_json:
        rows = [finding._asdict() for finding in findings]
        typer.echo(json.dumps({"pcsc": usable, "findings": rows}, ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            typer.echo(f"{'✓' if finding.ok else '✗'} {finding.name:18} {finding.found}")
            if finding.advice:
                typer.echo(f"  {'':18} → {finding.advice}")
        en = "a virtual card can go into a PC/SC reader here" if usable else "no PC/SC here: cards run in process only"
        typer.echo(f"{'可以使用 PC/SC 虚拟读卡器' if usable else '不能使用 PC/SC，只能进程内运行'} · {en}")
    raise typer.Exit(0 if usable else BENCH_FAILED)
