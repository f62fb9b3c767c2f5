"""``sscard bank ca``: a test certification authority of a bank."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from conformance.actors.bank.authority import Authority

WRONG_USE = 2


def make_authority(
    out: Annotated[Path, typer.Option(help="File for the keys; a new one, which its owner alone may read.")],
    index: Annotated[str, typer.Option(help="CA public key index 8F of the RSA key, two hexadecimal digits.")] = "C0",
    sm_index: Annotated[str, typer.Option(help="The same of the SM2 key.")] = "C1",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")] = False,
) -> None:
    """Make a test certification authority and an issuer under RID A000000333; print the public keys for terminals.

    Private keys go into the file alone. Exit code: 0 made, 2 wrong use.
    """
    from conformance.actors.bank.authority import Authority, AuthorityError

    for name, digits in (("--index", index), ("--sm-index", sm_index)):
        if not re.fullmatch("[0-9A-Fa-f]{2}", digits):
            _give_up(f"{name} {digits!r} is not two hexadecimal digits")
    made = Authority.generate(int(index, 16), int(sm_index, 16))
    try:
        made.write(out)
    except AuthorityError as error:
        _give_up(str(error))
    keys = _public_keys(made)
    if as_json:
        typer.echo(json.dumps({"file": str(out), "rid": "A000000333", "keys": keys}))
        return
    typer.echo(f"{out}: RID A000000333; test keys, never for a real card or terminal")
    for key in keys:
        typer.echo(f"index {key['index']} {key['algorithm']} {key['bits']} bits, check value {key['check_value']}")


def _public_keys(authority: Authority) -> list[dict[str, Any]]:
    found = []
    for each in authority.terminal_keys():
        entry: dict[str, Any] = {"index": f"{each.index:02X}", "check_value": each.check_value.hex().upper()}
        if isinstance(each.key, bytes):
            entry |= {"algorithm": "SM2", "bits": 256, "key": each.key.hex().upper()}
        else:
            modulus = each.key.n.to_bytes(each.key.size).hex().upper()
            entry |= {
                "algorithm": "RSA",
                "bits": each.key.size * 8,
                "modulus": modulus,
                "exponent": f"{each.key.e:02X}",
            }
        found.append(entry)
    return found


def _give_up(sentence: str) -> NoReturn:
    typer.echo(f"sscard bank: {sentence}", err=True)
    raise typer.Exit(WRONG_USE)
