"""Every operation over the wire answers, and says no, as the actor in this process does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from conformance.actors.bank import AgreementKind, Agreements, Bank, CardDesk, ChangeKind, Completion, Reversal
from conformance.actors.bank.authority import Authority
from conformance.actors.bank.change import ChipReturn
from conformance.actors.bank.groupings import DataFile
from conformance.actors.certificates.authority import CertificationAuthority
from conformance.actors.certificates.x509 import Certificate, Subject, build_request
from conformance.actors.hosts import FaultyLine
from conformance.actors.hosts.authority import AUTHORITY, AuthorityHost, authority_line, authority_service
from conformance.actors.hosts.bank import BANK, AgreementsHost, BankHost, CardDeskHost, DataDesk, bank_line
from conformance.actors.hosts.centre import CENTRE, CentreHost, centre_line
from conformance.actors.hosts.keys import KEYS, RemoteKeys, keys_line, keys_service
from conformance.actors.hosts.operation import Line
from conformance.actors.hosts.service import ERRORS, DirectLine, Kind, Service
from conformance.actors.key_service import AccountLoad, KeyService
from conformance.actors.medical.centre import Centre
from conformance.actors.medical.messages import CardState, LoadRequest, Mode
from conformance.actors.station.tree import key_header
from emulator.crypto.sm2 import public_key_of, sign
from profiles import load
from profiles.keys import RootKeyError
from tests.bank import table
from tests.bank.crashing import Chip
from tests.medical.test_centre import CARD, HISTORICAL, OTHER, OTHER_CARD, PERSON, asked, confirmed, settlement

from .world import line_to

DEBIT, PRODUCT, BLANK = load("debit"), load("ssc3-sm4"), load("blank")
TRANSPORT_KEY = bytes(range(16))
Step = Callable[[Any], object]


def outcome(step: Step, desk: object) -> object:
    """What a step answers, or what it raises."""
    try:
        return step(desk)
    except ERRORS as refusal:
        return type(refusal), refusal.args


def paths(kind: Kind) -> set[str]:
    return {f"{desk.desk}.{name}" if desk.desk else name for desk in kind.desks for name in desk.operations()}


def compared(
    make: Callable[[], Service], direct: Line, desk: Callable[[Line], object], steps: Sequence[Step], directory: Path
) -> set[str]:
    """Take the same steps here and there; answers which operations that were."""
    with line_to(make, directory) as wire:
        far, near = FaultyLine(wire, {}), FaultyLine(direct, {})
        there, here = desk(far), desk(near)
        for number, step in enumerate(steps):
            assert outcome(step, there) == outcome(step, here), f"step {number}"
        assert far.paths == near.paths
    return set(far.paths)


def clock() -> float:
    return 1_000_000.0


def a_bank() -> Bank:
    made = table.bank()
    made._verifications._now = clock
    return made


def bank_service() -> Service:
    bank = a_bank()
    return Service(BANK, bank_line(bank, data_of(bank)), bank.ledger)


def data_of(bank: Bank) -> DataDesk:
    return DataDesk(bank, {"debit": DEBIT}, Authority.published(), TRANSPORT_KEY)


def bank_steps() -> list[Step]:
    chip, pan = Chip("01", table.E_CASH), table.PAN
    bought, returned, inquiry = chip.purchase("A1", 700), chip.purchase("A2", 900), chip.inquiry("A3", "C1")
    spent = chip.spend("E1", 300)
    change = ChipReturn("50" * 16, "3B00", "3.00", pan, "02")
    return [
        lambda bank: bank.account(pan, "01"),
        lambda bank: bank.account("1"),
        lambda bank: bank.authorise(bought),
        lambda bank: bank.authorise(bought),
        lambda bank: bank.complete(Completion("A1", True, bought.chip_data)),
        lambda bank: bank.authorise(returned),
        lambda bank: bank.reverse(Reversal("A2", "the card was torn out")),
        lambda bank: bank.clear(spent),
        lambda bank: bank.clear(spent),
        lambda bank: bank.agreements.agree("P-2", table.ACCOUNT, AgreementKind.PAYROLL, "School"),
        lambda bank: bank.agreements.agree("P-2", table.ACCOUNT, AgreementKind.PAYROLL, "School"),
        lambda bank: bank.agreements.credit("1", "P-2", pan, 5_000),
        lambda bank: bank.agreements.credit("2", "P-2", pan, -1),
        lambda bank: bank.agreements.debit("3", "GAS-1", pan, 5),
        lambda bank: bank.agreements.end("P-2"),
        lambda bank: bank.agreements.of_account(table.ACCOUNT),
        lambda bank: bank.cards.in_use(pan),
        lambda bank: bank.cards.in_use("1"),
        lambda bank: bank.cards.freeze("C1", pan, ChangeKind.UPGRADE),
        lambda bank: bank.authorise(inquiry),
        lambda bank: bank.cards.freeze("C1", pan, ChangeKind.UPGRADE),
        lambda bank: bank.cards.change("C1"),
        lambda bank: bank.cards.order("C1/o", "C1", table.NEW_EXPIRY),
        lambda bank: _secrets(bank.cards.personalisation("C1", DEBIT, Authority.published())),
        lambda bank: bank.cards.personalisation("C9", DEBIT, Authority.published()),
        lambda bank: bank.cards.personalisation("C1", PRODUCT, Authority.published()),
        lambda bank: bank.cards.record("C1/r", "C1", change),
        lambda bank: bank.cards.chip(pan, "02"),
        lambda bank: bank.cards.number_of("50" * 16),
        lambda bank: bank.cards.switch("C1/s", "C1"),
        lambda bank: bank.cards.undo("C1/u", "C1"),
        lambda bank: bank.cards.return_e_cash("C1/e", pan, "01", without_chip=True),
        lambda bank: bank.cards.report_lost("L1", pan),
        lambda bank: bank.cards.found("L2", pan),
        lambda bank: bank.cards.cancel("L3", pan),
        lambda bank: bank.cards.open("C2", table.OTHER_PAN, holder="ZHANG", identity="5", pin="123456"),
        lambda bank: bank.account(pan, "02"),
    ]


def _secrets(file: DataFile) -> object:
    """The data groupings, and those with symmetric keys and PIN in full; the card's RSA key pair is a new one each time."""
    secrets = [(each.identifier, each.value) for each in file.groupings if each.identifier in ("8000", "8010")]
    return file.card, file.algorithm, [each.identifier for each in file.groupings], secrets


def test_bank(tmp_path: Path) -> None:
    bank = a_bank()
    direct = bank_line(bank, data_of(bank))
    assert compared(bank_service, direct, lambda line: BankHost(line, TRANSPORT_KEY), bank_steps(), tmp_path) == paths(
        BANK
    )


def test_no_pin_leaves_the_bank(tmp_path: Path) -> None:
    with line_to(bank_service, tmp_path) as line:
        bank = BankHost(line)
        for card in (bank.account(table.PAN, "01"), bank.cards.in_use(table.PAN)):
            assert card is not None
            assert (card.number, card.pin) == (table.ACCOUNT, "")


def test_card_data_leave_under_the_transport_key_alone(tmp_path: Path) -> None:
    """What goes over the wire holds none of the card's secrets in clear, and nothing leaves without the key."""
    bank = a_bank()
    bank.cards.freeze("C1", table.PAN, ChangeKind.REPLACEMENT, card_present=False)
    bank.cards.order("C1/o", "C1", table.NEW_EXPIRY)
    text = data_of(bank).data("C1", "debit")
    secrets = [each for each in bank.cards.personalisation("C1", DEBIT, Authority.published()).groupings if each.secret]
    assert secrets
    assert all(each.value.hex().upper() not in text for each in secrets)
    without = BankHost(bank_line(bank), TRANSPORT_KEY)
    with pytest.raises(ValueError, match="no transport key"):
        without.cards.personalisation("C1", DEBIT, Authority.published())


def a_centre(mode: Mode) -> Centre:
    moment = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
    made = Centre(PRODUCT, mode=mode, now=lambda: moment)
    made.insure(PERSON, "余晓阳")
    made.register(CARD, PERSON, HISTORICAL, CardState.NORMAL)
    return made


def centre_steps() -> list[Step]:
    keys = KeyService(PRODUCT, HISTORICAL, CARD[:6])
    load_key = next(name for name, key in PRODUCT.directory["DF04"].key.items() if key.use == "load")
    wanted = AccountLoad(b"\1\2\3\4", b"\0\1", 0, 500, bytes(6), b"")
    asking = LoadRequest("L1", CARD, wanted, keys.load(load_key, wanted).mac1)
    other = "500000D1560000050000000387654321"
    return [
        lambda centre: centre.mode,
        lambda centre: centre.inquire(PERSON),
        lambda centre: centre.inquire("1"),
        lambda centre: centre.inquire_by_card(CARD),
        lambda centre: centre.pre_settle(asked()),
        lambda centre: centre.settle(confirmed(centre.pre_settle(asked("2", 3_000)))),
        lambda centre: centre.settle(confirmed(centre.pre_settle(asked("3", 3_000)), historical=bytes(13))),
        lambda centre: centre.reverse("2"),
        lambda centre: centre.load(asking),
        lambda centre: centre.confirm_load("L1", bytes(4)),
        lambda centre: centre.upload(_upload(centre)),
        lambda centre: centre.insure(OTHER, "某人", balance=77),
        lambda centre: centre.insure(OTHER, "某人"),
        lambda centre: centre.register(OTHER_CARD, OTHER, HISTORICAL),
        lambda centre: centre.change_card(OTHER_CARD, CardState.NORMAL),
        lambda centre: centre.change_card(OTHER_CARD, CardState.SEALED),
        lambda centre: centre.change_card("1", CardState.NORMAL),
        lambda centre: centre.register(other, OTHER, HISTORICAL),
        lambda centre: centre.replace_card(other, OTHER_CARD),
        lambda centre: centre.card(other),
        lambda centre: centre.card("1"),
        lambda centre: centre.cards_of(OTHER),
        lambda centre: centre.begin_year("2027"),
        lambda centre: centre.inquire(OTHER),
    ]


def _upload(centre: Any) -> Any:
    from conformance.actors.medical.messages import OfflineUpload

    paid = settlement((500).to_bytes(4, "big") + bytes(8), serial=9, number=9)
    tac_key = next(name for name, key in PRODUCT.directory["DF04"].key.items() if key.use == "tac")
    tac = KeyService(PRODUCT, HISTORICAL, CARD[:6]).transaction_code(tac_key, paid)
    return OfflineUpload("U1", PERSON, CARD, paid, tac)


@pytest.mark.parametrize("mode", Mode)
def test_centre(mode: Mode, tmp_path: Path) -> None:
    def make() -> Service:
        centre = a_centre(mode)
        return Service(CENTRE, centre_line(centre), centre.books)

    assert compared(make, centre_line(a_centre(mode)), CentreHost, centre_steps(), tmp_path) == paths(CENTRE)


def keys_of(line: Line) -> KeyService:
    return RemoteKeys.behind(line)(PRODUCT, HISTORICAL, CARD[:6])


def key_steps(blank: Callable[[KeyService], KeyService]) -> list[Step]:
    named = {key.use: name for directory in PRODUCT.directory.values() for name, key in directory.key.items()}
    reading, inner = "RKSSSE", named["internal authentication"]
    paid, load = settlement(bytes(12)), AccountLoad(b"\1\2\3\4", b"\0\1", 0, 500, bytes(6), bytes(7))
    header = key_header(PRODUCT, PRODUCT.directory["MF"], "MKMF", 1)
    return [
        lambda keys: keys.check_values(),
        lambda keys: keys.external_authentication(reading, bytes(8)),
        lambda keys: keys.external_authentication(reading, bytes(8), source=bytes(8), version=2, levels=1),
        lambda keys: keys.external_authentication(reading, bytes(8), version=9),
        lambda keys: keys.internal_authentication(inner, bytes(8), bytes(8)),
        lambda keys: keys.maintenance_mac("STK", bytes(8), bytes(5)),
        lambda keys: keys.enciphered_pin_block("PUK", bytes(8), b"\x12\x34\x56"),
        lambda keys: keys.encipher("PUK", bytes(8), bytes(16)),
        lambda keys: keys.encipher("PUK", bytes(8), bytes(15)),
        lambda keys: keys.identification_code(inner, bytes.fromhex(CARD)),
        lambda keys: keys.settlement(named["purchase"], paid),
        lambda keys: keys.transaction_code(named["tac"], paid),
        lambda keys: keys.load(named["load"], load),
        lambda keys: keys.load_transaction_code(named["tac"], load),
        lambda keys: keys.master_authentication("MKMF", bytes(8)),
        lambda keys: keys.enciphered_under("MKMF", b"\x01"),
        lambda keys: keys.enciphered_key("MKMF", 1, header, (blank(keys), "MKMF")),
        lambda keys: keys.authenticate_master_key("MKPKI", bytes(8)),
        lambda keys: keys.exchange_master_key("MKPKI", blank(keys), bytes(8)),
        lambda keys: keys.exchange_master_key("MKPKI", keys, bytes(8)),
        lambda keys: blank(keys).transport_code("TK"),
        lambda keys: keys.maintenance_mac("no such key", bytes(8), bytes(5)),
    ]


def test_keys(tmp_path: Path) -> None:
    """Behind a line as in this process."""
    products = {each.name: each for each in (PRODUCT, BLANK)}

    def blank(keys: KeyService) -> KeyService:
        line = keys._host.line if isinstance(keys, RemoteKeys) else None
        return KeyService(BLANK, HISTORICAL) if line is None else RemoteKeys(line, BLANK, HISTORICAL)

    with line_to(lambda: keys_service(products), tmp_path) as wire:
        counted = FaultyLine(wire, {})
        far, near = keys_of(counted), KeyService(PRODUCT, HISTORICAL, CARD[:6])
        for number, step in enumerate(key_steps(blank)):
            assert outcome(step, far) == outcome(step, near), f"step {number}"
        assert set(counted.paths) == paths(KEYS)


def test_a_key_that_would_leave_in_clear_is_not_offered() -> None:
    """Whatever the key service computes, and the wire does not offer, finds no key at the client."""
    keys = keys_of(keys_line({PRODUCT.name: PRODUCT}))
    for ask in (
        lambda: keys.replace_master_key("MKPKI", bytes(16), bytes(8)),
        lambda: keys.restore_master_key("MKPKI", bytes(16), bytes(8)),
    ):
        with pytest.raises(RootKeyError, match="stays in the key service"):
            ask()


def test_the_key_service_has_the_keys_of_its_products_alone(tmp_path: Path) -> None:
    with (
        line_to(lambda: keys_service({"blank": BLANK}), tmp_path) as wire,
        pytest.raises(RootKeyError, match="no keys of"),
    ):
        keys_of(wire).check_values()


def repeatable(count: int) -> bytes:
    return bytes(range(1, count + 1))


def test_authority(tmp_path: Path) -> None:
    private = bytes(range(1, 33))
    first, last = datetime(2026, 11, 26, tzinfo=UTC), datetime(2036, 11, 26, tzinfo=UTC)
    request = build_request(Subject("渝小样"), public_key_of(private), lambda message: sign(private, message))
    other = Certificate.parse(CertificationAuthority.self_signed(private, Subject("x"), first, last))

    def plain(issued: Any) -> tuple[Any, ...]:
        """What an authority decides, without signatures and envelopes, which are never the same twice."""
        read = [Certificate.parse(each) for each in (issued.signature, issued.encryption)]
        return tuple((each.subject, each.not_before, each.not_after, each.public_key) for each in read)

    steps: list[Step] = [
        lambda ca: plain(ca.answer(request, first, last)),
        lambda ca: ca.answer(b"no request", first, last),
        lambda ca: plain(ca.answer_key(Subject("渝小样", "重庆市"), public_key_of(private), first, last)),
        lambda ca: ca.answer_key(Subject("渝小样"), bytes(64), first, last),
        lambda ca: ca.trusts(Certificate.parse(ca.answer(request, first, last).encryption)),
        lambda ca: ca.trusts(other),
    ]
    authority = CertificationAuthority.published(repeatable)

    def make() -> Service:
        return authority_service(authority=CertificationAuthority.published(repeatable))

    assert compared(make, authority_line(authority), AuthorityHost, steps, tmp_path) == paths(AUTHORITY)


@pytest.mark.parametrize(
    ("actor", "desk", "kept"),
    [
        (Bank, BankHost, {"open_account", "order"}),
        (CardDesk, CardDeskHost, set()),
        (Agreements, AgreementsHost, set()),
        (Centre, CentreHost, set()),
        (CertificationAuthority, AuthorityHost, {"published", "self_signed", "issue"}),
        (
            KeyService,
            RemoteKeys,
            {"replace_master_key", "restore_master_key", "describe", "directory_of", "with_factors"},
        ),
    ],
)
def test_what_an_actor_learns_is_offered_or_kept_for_a_reason(actor: type, desk: type, kept: set[str]) -> None:
    """What its own people do, and what takes or answers keys in clear, stays; all else has its line in the desk."""
    able = {name for name in vars(actor) if not name.startswith("_") and callable(getattr(actor, name))}
    assert able - set(vars(desk)) == kept


def test_nothing_else_is_reachable() -> None:
    """The operations are those that a desk lists, and no other attribute of an actor."""
    assert BANK.find("ledger.balances") is None
    assert BANK.find("open_account") is None
    assert BANK.find("cards.__init__") is None
    assert CENTRE.find("books.move") is None
    assert isinstance(centre_line(a_centre(Mode.ONLINE)), DirectLine)
