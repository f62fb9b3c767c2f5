"""Commands about card products: list, show, validate, new. Exit codes: 0 good, 2 wrong use."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from profiles.model import Profile
    from profiles.problems import Problem

app = typer.Typer(name="profile", help="List, show, check and start card products 卡片产品.", no_args_is_help=True)

WRONG_USE = 2
WIDTH_OF_A_FILE = 240
"""Columns of a tree that goes to a file or pipe; no line of it is longer."""

further_checks: list[Callable[[Profile], list[Problem]]] = []
"""What the front door adds of other wings to ``validate``: features that their catalogues do not know."""

Product = Annotated[str, typer.Argument(metavar="PRODUCT", help="A product's name, or the path of a TOML file.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_products(as_json: Json = False) -> None:
    """列出自带产品 List the products that come along."""
    from profiles.loader import available

    products = [_load(name) for name in available()]
    if as_json:
        named = ("name", "title", "specification", "algorithm", "life_cycle")
        _print_json([profile.model_dump(mode="json", include=set(named)) for profile in products])
        return
    for profile in products:
        facts = f"{profile.name:12} {profile.specification} {profile.algorithm:5}"
        typer.echo(f"{facts} {profile.title.zh} {profile.title.en}")


@app.command()
def show(
    product: Product,
    as_json: Json = False,
    content: Annotated[bool, typer.Option("--content", help="The values in the files, too.")] = False,
    assumptions: Annotated[bool, typer.Option("--assumptions", help="Every setting of an open point, too.")] = False,
    unmask: Annotated[bool, typer.Option("--unmask", help="PINs, keys and personal data in clear.")] = False,
) -> None:
    """显示产品 Show a product: directories, files, access conditions, PINs and keys."""
    profile = _load(product)
    from profiles import view

    if as_json:
        _print_json(view.document(profile, unmask=unmask))
        return
    from rich.console import Console

    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE)
    console.print(view.tree(profile, content=content, unmask=unmask))
    if assumptions:
        console.print(view.assumptions_table(profile))


@app.command()
def validate(
    product: Annotated[str, typer.Argument(metavar="PATH", help="The path of a TOML file, or a product's name.")],
    as_json: Json = False,
) -> None:
    """检查产品文件 Check a profile: every fault at once, each with its place."""
    from profiles.checks import check
    from profiles.keys import unresolved
    from profiles.loader import load, profile_sha256
    from profiles.problems import Problem, ProfileError

    try:
        profile = load(product)
        faults = [fault for find in further_checks for fault in find(profile)]
        if faults:
            raise ProfileError(product, faults)
    except ProfileError as error:
        if as_json:
            _print_json({"valid": False, "problems": [_plain(problem) for problem in error.problems]})
            raise typer.Exit(WRONG_USE) from None
        _stop(str(error))
    warnings = check(profile) + [Problem("test_keys.value", str(fault), "warning") for fault in unresolved(profile)]
    if as_json:
        found = [_plain(problem) for problem in warnings]
        _print_json({"valid": True, "name": profile.name, "sha256": profile_sha256(profile), "problems": found})
        return
    for problem in warnings:
        typer.echo(f"warning: {problem}")
    count = f"{len(warnings)} warning{'s' * (len(warnings) != 1)}"
    typer.echo(f"profile {profile.name} is good, {count}, sha256 {profile_sha256(profile)}")


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the new product: small letters, digits, dots and hyphens.")],
    extends: Annotated[str, typer.Option(help="The product that the new one changes, by name or path.")] = "ssc3-sm4",
    out: Annotated[Path | None, typer.Option(help="The file to write; NAME.toml if absent.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
) -> None:
    """新建产品文件 Write a commented starter file for a product of your own."""
    base = _load(extends)
    from profiles.starter import starter

    target = out or Path(f"{name}.toml")
    if target.exists() and not force:
        _stop(f"{target} is there already; choose another file with --out, or replace it with --force")
    try:
        target.write_text(starter(name, extends, base), "utf-8")
    except ValueError as error:
        _stop(str(error))
    except OSError as error:
        _stop(f"{target} cannot be written: {error.strerror}")
    typer.echo(f"{target} written; edit it, then: sscard profile validate {target}")


def _load(product: str) -> Profile:
    from profiles.loader import load
    from profiles.problems import ProfileError

    try:
        return load(product)
    except ProfileError as error:
        _stop(str(error))


def _stop(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(WRONG_USE)


def _plain(problem: Problem) -> dict[str, str]:
    return {"path": problem.path, "message": problem.message, "level": problem.level}


def _print_json(value: Any) -> None:
    import json

    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
