"""``sscard serve``: bank, insurance centre, key service or certificate authority as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from conformance.settle_programs import ModeName, mode_of
from conformance.transport_key_option import transport_key_of

if TYPE_CHECKING:
    from conformance.actors.bank import Bank
    from conformance.actors.hosts.service import Service
    from profiles.model import Profile

WRONG_USE = 2

Socket = Annotated[Path | None, typer.Option("--socket", help="Listen on this Unix socket, which you alone may open.")]
Port = Annotated[
    int | None, typer.Option("--port", help="Listen on this port of 127.0.0.1; 0: any that is free. Needs a token.")
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        help="File (mode 600) of the token that callers must show; made when missing. Absent: SSCARD_HOST_TOKEN, if set.",
    ),
]
Books = Annotated[
    Path | None, typer.Option("--books", help="Keep the books in this SQLite file; absent: in memory, until the end.")
]
UntilEof = Annotated[bool, typer.Option("--until-eof", help="End also when standard input ends.")]
AsJson = Annotated[bool, typer.Option("--json", help="Tell where it listens as JSON.")]

app = typer.Typer(
    help="主机：发卡行、医保中心、密钥服务、证书机构。Run a bank, centre, key service or certificate authority as a host.",
    no_args_is_help=True,
)


def _give_up(sentence: str) -> NoReturn:
    typer.echo(f"sscard serve: {sentence}", err=True)
    raise typer.Exit(WRONG_USE)


@app.command("bank")
def bank(
    profile: Annotated[
        list[str] | None,
        typer.Option("--profile", help="Product whose cards the bank issues (debit); may be repeated."),
    ] = None,
    books: Books = None,
    account: Annotated[
        bool, typer.Option("--account/--no-account", help="Open an account for the test card of each product, once.")
    ] = True,
    ca: Annotated[
        Path | None, typer.Option("--ca", help="File of the bank's test authority; absent: the published one.")
    ] = None,
    transport_key: Annotated[
        str | None,
        typer.Option(
            "--transport-key",
            help="Key under which card data leave (env:VARIABLE or file:PATH); absent: none leave.",
        ),
    ] = None,
    socket: Socket = None,
    port: Port = None,
    token_file: TokenFile = None,
    until_eof: UntilEof = False,
    as_json: AsJson = False,
) -> None:
    """Serve the issuing bank: authorisation, clearing, changes of cards, agreements.

    Exit code: 0 ended by SIGTERM or SIGINT, 2 wrong use.
    """
    from conformance.actors.bank.authority import Authority, AuthorityError
    from conformance.actors.hosts.bank import bank_service
    from conformance.bank_option import open_test_account

    products = [_product(name) for name in profile or ["debit"]]
    key = transport_key_of(transport_key, _give_up)
    try:
        authority = Authority.published() if ca is None else Authority.read(ca)
    except AuthorityError as error:
        _give_up(str(error))

    def prepare(bank: Bank) -> None:
        for product in products if account else ():
            open_test_account(bank, product)

    def make() -> Service:
        return bank_service(products, books or ":memory:", authority=authority, transport_key=key, prepare=prepare)

    _serve("bank", make, socket, port, token_file, until_eof=until_eof, as_json=as_json)


@app.command("centre")
def centre(
    profile: Annotated[str, typer.Option("--profile", help="Product of the cards that settle.")] = "ssc3-sm4",
    books: Books = None,
    mode: Annotated[ModeName, typer.Option(help="How the area settles.")] = ModeName.online,
    socket: Socket = None,
    port: Port = None,
    token_file: TokenFile = None,
    until_eof: UntilEof = False,
    as_json: AsJson = False,
) -> None:
    """Serve the insurance centre: settlements, and its register of persons and cards.

    Exit code: 0 ended by SIGTERM or SIGINT, 2 wrong use.
    """
    from conformance.actors.hosts.centre import centre_service

    product, year = _product(profile), f"{datetime.now().astimezone():%Y}"

    def make() -> Service:
        return centre_service(product, books or ":memory:", mode=mode_of(mode), year=year)

    _serve("centre", make, socket, port, token_file, until_eof=until_eof, as_json=as_json)


@app.command("keys")
def keys(
    profile: Annotated[
        list[str] | None, typer.Option("--profile", help="Product whose keys the service has; may be repeated.")
    ] = None,
    socket: Socket = None,
    port: Port = None,
    token_file: TokenFile = None,
    until_eof: UntilEof = False,
    as_json: AsJson = False,
) -> None:
    """Serve the key service: MACs, cryptograms, enciphered keys. No key leaves it in clear. It has no books.

    Exit code: 0 ended by SIGTERM or SIGINT, 2 wrong use.
    """
    from conformance.actors.hosts.keys import keys_service

    products = [_product(name) for name in profile or ["ssc3-sm4", "blank"]]
    _serve(
        "keys",
        lambda: keys_service({product.name: product for product in products}),
        socket,
        port,
        token_file,
        until_eof=until_eof,
        as_json=as_json,
    )


@app.command("authority")
def authority(
    books: Books = None,
    socket: Socket = None,
    port: Port = None,
    token_file: TokenFile = None,
    until_eof: UntilEof = False,
    as_json: AsJson = False,
) -> None:
    """Serve the published test certificate authority of the certificate application; its books keep what it issued.

    Exit code: 0 ended by SIGTERM or SIGINT, 2 wrong use.
    """
    from conformance.actors.hosts.authority import authority_service

    _serve(
        "authority",
        lambda: authority_service(books or ":memory:"),
        socket,
        port,
        token_file,
        until_eof=until_eof,
        as_json=as_json,
    )


def _product(name: str) -> Profile:
    from profiles import ProfileError, load

    try:
        return load(name)
    except ProfileError as error:
        _give_up(str(error))


def _serve(
    kind: str,
    make: Callable[[], Service],
    socket: Path | None,
    port: int | None,
    token_file: Path | None,
    *,
    until_eof: bool,
    as_json: bool,
) -> None:
    """Listen until a signal ends it; tell where as soon as it does."""
    from conformance.actors.hosts.address import TOKEN_VARIABLE, Address, Token
    from conformance.actors.hosts.server import Host

    if (socket is None) == (port is None):
        _give_up("give either --socket PATH or --port NUMBER")
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    try:
        token = Token.of_environment() if token_file is None else Token.of_file(token_file, make=True)
        if port is not None and token is None:
            sentence = "every user of the machine reaches a port, so callers must show a token"
            _give_up(f"{sentence}: give --token-file FILE, or set {TOKEN_VARIABLE}")
        address = Address.of_port(port) if socket is None and port is not None else Address.of_path(socket or Path())
        host = Host(make, address, token)
    except ValueError as problem:
        _give_up(str(problem))
    except sqlite3.Error as problem:
        _give_up(f"the books cannot be used: {problem}")
    host.start()
    typer.echo(json.dumps({"host": kind, "address": str(host.address)}) if as_json else f"{kind} {host.address}")
    sys.stdout.flush()
    if until_eof:
        threading.Thread(target=_watch, args=(over,), daemon=True).start()
    over.wait()
    host.stop()


def _watch(over: threading.Event) -> None:
    """Wait for the end of standard input, whatever comes before it."""
    while os.read(0, 1024):
        pass
    over.set()
