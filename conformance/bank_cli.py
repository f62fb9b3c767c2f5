"""``sscard bank``: what an issuer does before a card pays. A test authority, the data of a card, the personalisation of a chip."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from conformance.bank_authority_cli import make_authority
from conformance.bank_books_cli import deposit, open_account
from conformance.bank_option import BANK_BALANCE
from conformance.pay_cli import exit_code, purchase_of
from conformance.transport_key_option import transport_key_of

if TYPE_CHECKING:
    from conformance.actors.bank.authority import Authority
    from conformance.actors.bank.card_data import CardOrder
    from conformance.actors.bank.groupings import DataFile
    from conformance.actors.bank.personaliser import ChipIdentity, MasterKey
    from conformance.actors.terminal import Purchase, TransactionResult
    from conformance.targets.base import Target
    from profiles.model import Profile

CARD_FAILED, WRONG_USE, BENCH_FAILED = 1, 2, 3
CENTURY = 2000

app = typer.Typer(
    help="发卡行：测试CA、个人化数据、个人化。The issuer: test authority, personalisation data, personalisation.",
    no_args_is_help=True,
)


class LevelName(StrEnum):
    """Security levels of the channel."""

    none = "none"
    mac = "mac"
    full = "full"


Product = Annotated[str, typer.Option(help="Card product whose limits, lists and records the card gets.")]
AccountNumber = Annotated[str | None, typer.Option("--pan", help="Account number (主账号), 12 to 19 digits.")]
Sequence = Annotated[str, typer.Option(help="Its sequence number 5F34, two digits.")]
Expiry = Annotated[str, typer.Option(help="Month of expiry, YYMM.")]
Holder = Annotated[str | None, typer.Option(help="Name of the holder; absent: that of the product.")]
IdentityNumber = Annotated[str | None, typer.Option(help="Number of the identity document, 9F61.")]
IdentityKind = Annotated[str, typer.Option(help="Kind of the document, 9F62: 00 identity card to 05 other.")]
Pin = Annotated[str | None, typer.Option(help="Offline PIN; absent: the test PIN of the product.")]
BankCode = Annotated[str | None, typer.Option(help="Code of the bank in 9F63, 16 hexadecimal digits.")]
SocialSecurity = Annotated[bool, typer.Option("--social-security", help="Mark a social security card in 9F63.")]
AuthorityFile = Annotated[
    Path | None, typer.Option("--ca", help="File of a test authority; absent: the published one.")
]
TransportKey = Annotated[
    str | None,
    typer.Option(help="Key of the secrets in a data file: env:VARIABLE, file:PATH or 32 hexadecimal digits."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")]


@dataclass(frozen=True, slots=True)
class _Order:
    """What the options say of one card."""

    product: str
    pan: str | None
    sequence: str
    expiry: str
    holder: str | None
    identity_number: str | None
    identity_kind: str
    pin: str | None
    bank_code: str | None
    social_security: bool
    authority: Path | None


def _give_up(sentence: str, code: int = WRONG_USE) -> NoReturn:
    typer.echo(f"sscard bank: {sentence}", err=True)
    raise typer.Exit(code)


app.command("ca")(make_authority)
app.command("open", short_help="Open an account in the bank's books.")(open_account)
app.command("deposit", short_help="Pay cash into an account.")(deposit)


@app.command("data")
def prepare(
    out: Annotated[Path, typer.Option(help="File for the data groupings (JSON); it is replaced.")],
    pan: AccountNumber = None,
    product: Product = "debit",
    sequence: Sequence = "01",
    expiry: Expiry = "3612",
    holder: Holder = None,
    identity_number: IdentityNumber = None,
    identity_kind: IdentityKind = "00",
    pin: Pin = None,
    bank_code: BankCode = None,
    social_security: SocialSecurity = False,
    ca: AuthorityFile = None,
    transport_key: TransportKey = None,
    as_json: AsJson = False,
) -> None:
    """Prepare the data groupings of one card; keys and PIN leave only enciphered under a transport key, otherwise not at all.

    Exit code: 0 made, 2 wrong use.
    """
    order = _Order(
        product, pan, sequence, expiry, holder, identity_number, identity_kind, pin, bank_code, social_security, ca
    )
    data = _data(order)
    text = data.to_json(transport_key_of(transport_key, _give_up, digits=True))
    try:
        out.touch(mode=0o600)
        out.write_text(text, "utf-8")
    except OSError as error:
        _give_up(f"{out} cannot be written: {error.strerror}", WRONG_USE)
    _print_groupings(data, {"file": str(out)}, as_json=as_json)


@app.command("personalise")
def personalise(
    profile: Annotated[
        str, typer.Option(help="Chip before personalisation, by name or as a profile file.")
    ] = "debit-blank",
    image: Annotated[
        Path | None, typer.Option(help="The virtual chip in this file, which is made when missing.")
    ] = None,
    reader: Annotated[str | None, typer.Option(help="The chip in this PC/SC reader (name or a part of it).")] = None,
    expect_chip: Annotated[
        str | None, typer.Option(help="Hexadecimal digits with which KEYDATA must begin; needed with --reader.")
    ] = None,
    level: Annotated[
        LevelName, typer.Option(help="Secure channel: no protection, C-MAC, or C-MAC and encryption.")
    ] = LevelName.mac,
    data: Annotated[
        Path | None, typer.Option(help="Data file of `sscard bank data`, instead of the options below.")
    ] = None,
    pan: AccountNumber = None,
    product: Product = "debit",
    sequence: Sequence = "01",
    expiry: Expiry = "3612",
    holder: Holder = None,
    identity_number: IdentityNumber = None,
    identity_kind: IdentityKind = "00",
    pin: Pin = None,
    bank_code: BankCode = None,
    social_security: SocialSecurity = False,
    ca: AuthorityFile = None,
    transport_key: TransportKey = None,
    amount: Annotated[
        str | None, typer.Option("--try", help="Pay this amount on line afterwards, such as 12.34.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Personalise a chip by data groupings (JR/T 0025.10), which issues the card.

    Exit code: 0 issued, 1 the chip refused or the payment was declined, 2 wrong use, 3 the bench failed.
    """
    order = _Order(
        product, pan, sequence, expiry, holder, identity_number, identity_kind, pin, bank_code, social_security, ca
    )
    if (data is None) == (pan is None):
        _give_up("give either --pan with the holder's options, or --data FILE", WRONG_USE)
    if (image is None) == (reader is None):
        _give_up("give either --image FILE or --reader NAME", WRONG_USE)
    if reader is not None and expect_chip is None:
        _give_up("a chip in a reader is used only when --expect-chip gives the beginning of its KEYDATA", WRONG_USE)
    if amount is not None and pan is None:
        _give_up("--try needs --pan and the other options of the card", WRONG_USE)
    expected = _hexadecimal("--expect-chip", expect_chip or "")
    groupings = _data(order) if data is None else _read(data, transport_key)
    purchase = None if amount is None else purchase_of(amount)
    chip = _profile(profile)
    name, key = _master_key(chip, groupings)
    target = _open(chip, image, reader)
    try:
        identity = _run(target, name, key, groupings, level, expected)
        paid = None if purchase is None else _try(target, order, purchase)
    finally:
        target.close()
    shown: dict[str, Any] = {"key_data": identity.key_data.hex().upper(), "sequence": identity.sequence}
    if paid is not None:
        shown["payment"] = {"approved": paid.approved, "reason": paid.reason.en, "tvr": paid.tvr.hex().upper()}
    _print_groupings(groupings, shown, as_json=as_json)
    raise typer.Exit(0 if paid is None else exit_code(paid))


def _print_groupings(data: DataFile, more: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        listed = [
            {"dgi": each.identifier, "title": each.title, "length": len(each.value), "secret": each.secret}
            for each in data.groupings
        ]
        typer.echo(json.dumps({**more, "card": data.card, "groupings": listed}, ensure_ascii=False))
        return
    for each in data.groupings:
        typer.echo(f"DGI {each.identifier} {len(each.value):4} bytes{' *' if each.secret else '  '} {each.title}")
    typer.echo(f"{data.card}: {len(data.groupings)} data groupings, those with * enciphered")
    for name, value in more.items():
        typer.echo(f"{name.replace('_', ' ')}: {value if not isinstance(value, dict) else json.dumps(value)}")


def _profile(name: str) -> Profile:
    from profiles import ProfileError, load

    try:
        return load(name)
    except ProfileError as error:
        _give_up(str(error), WRONG_USE)


def _authority(order: _Order) -> Authority:
    from conformance.actors.bank.authority import Authority, AuthorityError

    try:
        return Authority.published() if order.authority is None else Authority.read(order.authority)
    except AuthorityError as error:
        _give_up(str(error), WRONG_USE)


def _data(order: _Order) -> DataFile:
    from conformance.actors.bank.card_data import CardDataError, personalisation_data
    from profiles.keys import RootKeyError

    product, authority = _profile(order.product), _authority(order)
    try:
        return personalisation_data(product, _card_order(order), authority)
    except (CardDataError, RootKeyError) as error:
        _give_up(str(error), WRONG_USE)


def _card_order(order: _Order) -> CardOrder:
    from conformance.actors.bank.card_data import CardOrder, product_information

    if order.pan is None:
        _give_up("--pan is missing: the account number of the card", WRONG_USE)
    if not re.fullmatch("[0-9]{2}(0[1-9]|1[0-2])", order.expiry):
        _give_up(f"--expiry {order.expiry!r} is no month YYMM, such as 3612", WRONG_USE)
    information = b""
    if order.social_security or order.bank_code is not None:
        code = _hexadecimal("--bank-code", order.bank_code or "00" * 8)
        if len(code) != 8:
            _give_up("--bank-code has 16 hexadecimal digits", WRONG_USE)
        information = product_information(code, social_security=order.social_security)
    return CardOrder(
        order.pan,
        order.sequence,
        date(CENTURY + int(order.expiry[:2]), int(order.expiry[2:]), 1),
        holder=order.holder,
        identity_number=order.identity_number,
        identity_kind=order.identity_kind,
        product=information,
        pin=order.pin,
    )


def _hexadecimal(name: str, digits: str) -> bytes:
    try:
        return bytes.fromhex(digits)
    except ValueError:
        _give_up(f"{name} {digits!r} is not an even number of hexadecimal digits", WRONG_USE)


def _read(path: Path, transport_key: str | None) -> DataFile:
    from conformance.actors.bank.groupings import DataFile, DataFileError

    try:
        return DataFile.from_json(path.read_text("utf-8"), transport_key_of(transport_key, _give_up, digits=True))
    except OSError as error:
        _give_up(f"{path} cannot be read: {error.strerror}", WRONG_USE)
    except (DataFileError, UnicodeDecodeError) as error:
        _give_up(f"{path}: {error}", WRONG_USE)


def _open(profile: Profile, image: Path | None, reader: str | None) -> Target:
    from conformance.bring_up import open_target
    from conformance.failures import BenchError
    from conformance.targets.in_process import UnusableCard, virtual_target

    try:
        target: Target = (
            virtual_target(profile, image)
            if reader is None
            else open_target(profile, reader=reader, in_process=False, fault=None, tell=lambda zh, en: None)
        )
        target.connect()
    except UnusableCard as problem:
        _give_up(str(problem), WRONG_USE)
    except BenchError as problem:
        _give_up(str(problem), BENCH_FAILED)
    return target


def _master_key(chip: Profile, data: DataFile) -> tuple[bytes, MasterKey]:
    from conformance.actors.bank.personaliser import MasterKey, PersonalisationError
    from profiles.keys import RootKeyError

    try:
        name, key = MasterKey.of_profile(chip)
    except (PersonalisationError, RootKeyError) as error:
        _give_up(str(error), WRONG_USE)
    if key.algorithm is not data.algorithm:
        kind = f"{key.algorithm.value}, the data are of a product with {data.algorithm.value}"
        _give_up(f"the channel of {chip.name} works with {kind}; give a product and a chip of one kind", WRONG_USE)
    return name, key


def _run(
    target: Target, name: bytes, key: MasterKey, data: DataFile, level: LevelName, expected: bytes
) -> ChipIdentity:
    from conformance.actors.bank.personaliser import ChipLostError, Level, PersonalisationError, Personaliser

    levels = {LevelName.none: Level.NONE, LevelName.mac: Level.MAC, LevelName.full: Level.MAC_AND_ENCRYPTION}
    try:
        return Personaliser(target, key, level=levels[level]).run(name, data, expected=expected)
    except ChipLostError as error:
        _give_up(str(error), BENCH_FAILED)
    except PersonalisationError as error:
        _give_up(str(error), CARD_FAILED)


def _try(target: Target, order: _Order, purchase: Purchase) -> TransactionResult:
    """One purchase on line with a terminal that trusts the authority and the bank of the product."""
    from dataclasses import replace

    from conformance.actors.bank import Bank, IssuerKeys
    from conformance.actors.terminal import DEFAULT_CONFIGURATION, Kernel, PreparedHolder
    from conformance.failures import BenchError

    product = _profile(order.product)
    bank = Bank(*IssuerKeys.of_profile(product))
    bank.open_account(order.pan or "", order.sequence, balance=BANK_BALANCE)
    pins = [order.pin] if order.pin else [pin.value for each in product.directory.values() for pin in each.pin.values()]
    terminal = DEFAULT_CONFIGURATION
    if order.authority is not None:
        terminal = replace(terminal, authority_keys=_authority(order).terminal_keys())
    try:
        target.reset()
    except BenchError as problem:
        _give_up(str(problem), BENCH_FAILED)
    kernel = Kernel(target, terminal, host=bank, holder=PreparedHolder(tuple(pins)), expected_account=order.pan or "")
    return kernel.run(purchase)
