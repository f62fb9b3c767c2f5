"""A personalised card answers as the card of the same profile does, and pays with the terminal and the bank."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from conformance.actors.bank import Bank, IssuerKeys, Settlement, TransactionKind, scripts
from conformance.actors.bank.authority import Authority
from conformance.actors.bank.card_data import CardOrder, personalisation_data, product_information
from conformance.actors.bank.personaliser import Level, MasterKey, Personaliser
from conformance.actors.sector.keys import sector_keys
from conformance.actors.terminal import DEFAULT_CONFIGURATION, Kernel, PreparedHolder, Purchase, Reason
from emulator import load_card
from emulator.apps.payment.application import Counter
from profiles import load
from tests.actors.bench import Chance
from tests.payment.antenna import Antenna
from tests.payment.terminal import TC, Terminal

from .bench import CHIPS, ORDER, PAN, SAME, SEQUENCE, chip, issued, profile_of

PRODUCTS = pytest.mark.parametrize("product", CHIPS)
ORDERS = pytest.mark.parametrize("order", [SAME, ORDER], ids=["holder of the product", "another holder"])
PIN = "123456"


def twins(product, order) -> tuple[Terminal, Terminal]:
    """The card made of the profile of the very card, and the one that was personalised."""
    made, given = Terminal(profile_of(product, order)), Terminal(profile_of(product, order))
    given.card = issued(product, order).card
    given.card.reset()
    for each in (made, given):
        each.select()
    return made, given


def story(card: Terminal, *, sm: bool) -> list[str]:
    """Selection, data, records, e-cash, an online transaction with scripts, PINs, logs: every answer."""
    said = []
    heard = card.send

    def send(command: str) -> str:
        answer = heard(command)
        said.append(answer)
        return answer

    card.send = send
    card.send("00A404000E315041592E5359532E444446303100")
    card.send("00B2010C00")
    card.select()
    for tag in ("9F36", "9F13", "9F17", "9F4F", "9F79", "9F6D", "DF4F", "9F5D", "9F77", "9F51", "DF79"):
        card.data(tag)
    for sfi in range(1, 31):
        for number in range(0, 8):
            card.send(f"00B2{number:02X}{sfi << 3 | 4:02X}00")
    card.start(amount=500, e_cash=True, sm=sm)
    card.first(TC, amount=500)
    card.start(amount=700, sm=sm)
    card.verify("654321")
    card.verify(PIN)
    card.first(amount=700)
    card.authenticate()
    card.second(TC, amount=700)
    card.script("04DA9F79", "000000030000")
    card.script("04DC010C", "7003570111")
    card.change_pin("4321")
    card.script("841E0000")
    card.select()
    card.script("84180000")
    card.start(sm=sm)
    card.verify("4321")
    card.first(TC)
    for command in ("00B2015C00", "00B2016400", "00B2006400", "00B2025C00"):
        card.send(command)
    return said


@PRODUCTS
@ORDERS
@pytest.mark.parametrize("sm", [False, True])
def test_same_answers_on_the_contacts(product, order, sm):
    made, given = (story(each, sm=sm) for each in twins(product, order))
    assert len(made) > 270
    assert sum(answer.endswith("9000") for answer in made) > 40
    assert made == given


@pytest.mark.parametrize("product", [product for product in CHIPS if load(product).has_antenna])
@ORDERS
@pytest.mark.parametrize("sm", ["00", "01"])
def test_same_answers_in_the_field(product, order, sm):
    """PPSE and qPBOC: approved, online, declined; signatures of SM2 and of version 01 hold random numbers."""
    answers = []
    for each in twins(product, order):
        tapped = Antenna(each)
        tapped.poke("9F13", "0001")
        said = [tapped.send("00A404000E325041592E5359532E444446303100"), tapped.select()]
        for amount, ttq in ((300, "27000000"), (40000, "27000000"), (300, "2F000000"), (10, "40000000")):
            tap = tapped.tap(amount, ttq=ttq, sm=sm)
            said += [tap.kind, *(f"{tag:X}{value.hex()}" for tag, value in tap.objects.items() if tag != 0x9F4B)]
            if tap.kind == "TC":
                said += [f"{tag:X}{value.hex()}" for tag, value in tapped.read(tap).items() if tag != 0x9F4B]
        said.append(tapped.data("9F79") or "")
        answers.append(said)
    assert answers[0] == answers[1]
    assert "TC" in answers[0] or (product == "debit-sm" and sm == "00")


class Counterside:
    """A terminal and the bank at a card that was personalised with a key pair of its own, under an authority of its own."""

    def __init__(self, product: str, order: CardOrder = ORDER, level: Level = Level.MAC) -> None:
        self.authority = Authority.generate(0xC8, 0xC9)
        self.order, self.number = order, 0
        self.target = chip(product)
        of = load(product)
        name, key = MasterKey.of_profile(load(CHIPS[product]))
        Personaliser(self.target, key, level=level).run(name, personalisation_data(of, order, self.authority))
        self.bank = Bank(*IssuerKeys.of_profile(of))
        self.bank.open_account(order.account_number, order.sequence, balance=500_000, e_cash=20_000)

    def pay(self, amount=1234, *, host="bank", authority=True, **purchase):
        self.number += 1
        self.target.reset()
        keys = self.authority.terminal_keys() if authority else DEFAULT_CONFIGURATION.authority_keys
        kernel = Kernel(
            self.target,
            replace(DEFAULT_CONFIGURATION, authority_keys=keys),
            host=self.bank if host == "bank" else host,
            holder=PreparedHolder((PIN,)),
            random=Chance(),
            expected_account=self.order.account_number,
        )
        given = {"e_cash": False, "number": self.number, "when": datetime(2026, 11, 26, 12, 0, 0), **purchase}
        return kernel.run(Purchase(amount, **given))


@PRODUCTS
@pytest.mark.parametrize("level", list(Level))
def test_round_trip(product, level):
    """Online, offline, e-cash and a load, with the card's own certificates: no bit of TVR but that of a new card."""
    at = Counterside(product, level=level)
    first = at.pay()
    assert (first.reason, first.tvr.hex(), first.tsi.hex()) == (Reason.APPROVED_ONLINE, "0008000000", "f800")
    assert first.masked_account_number.endswith("1235")
    second = at.pay(100)
    assert (second.reason, second.tvr.hex()) == (Reason.APPROVED_OFFLINE, "0000000000")
    assert at.bank.clear(second.clearing) is Settlement.SETTLED
    third = at.pay(500, e_cash=True)
    assert (third.reason, third.balance) == (Reason.APPROVED_OFFLINE, 19_500)
    assert at.bank.clear(third.clearing) is Settlement.SETTLED
    loaded = at.pay(3000, kind=TransactionKind.LOAD)
    assert loaded.approved
    account = at.bank.account(PAN, SEQUENCE)
    assert (account.e_cash, account.balance) == (22_500, 500_000 - 1234 - 100 - 3000)


@pytest.mark.parametrize("product", ["debit", "debit-sm"])
def test_another_authority_is_not_believed(product):
    """A terminal without the key of the authority fails the offline authentication (TVR 1.b3 or 1.b4 or CDA 1.b3)."""
    at = Counterside(product)
    assert at.pay(authority=False).tvr[0] & 0x4C


def test_a_fresh_card_has_no_history():
    """Initial values (JR/T 0025.10 section 5): counters and indicators zero, row PAY-PER-031."""
    card = twins("debit", SAME)[1]
    assert (card.data("9F36"), card.data("9F13")) == ("0000", "0000")
    assert {counter: card.peek(counter) for counter in Counter} == dict.fromkeys(Counter, 0)


def test_social_security_card():
    """9F61, 9F62 and 9F63 with byte 9 bit 4 in DGI 0103, and 9F63 in the answer of an online qPBOC transaction."""
    information = product_information(bytes.fromhex("0102030405060708"))
    assert information.hex() == "0102030405060708" + "08" + "00" * 7
    order = replace(ORDER, product=information)
    target = issued("debit", order)
    target.transmit(bytes.fromhex("00A4040008A00000033301010100"))
    record = target.transmit(bytes.fromhex("00B2031C00".replace("1C", "0C")))
    assert b"\x9f\x61\x12500000198001010019\x9f\x62\x01\x00\x9f\x63\x10" + information in record
    terminal = Terminal(profile_of("debit", order))
    terminal.card = target.card
    tap = Antenna(terminal).tap(40000)
    assert tap.objects[0x9F63] == information


@pytest.mark.parametrize(
    ("name", "tag"), [("ZHANG SAN", "5F20"), ("A" * 26, "5F20"), ("A" * 27, "9F0B"), ("欧阳" * 7, "9F0B"), ("", None)]
)
def test_long_names(name, tag):
    """Up to 26 bytes in 5F20, more in 9F0B, never both."""
    from emulator.iso7816 import tlv

    target = issued("debit", replace(ORDER, holder=name))
    target.transmit(bytes.fromhex("00A4040008A00000033301010100"))
    found = {}
    for command in ("00B2010C00", "00B2021C00"):
        found.update(
            {each.tag: each.value for each in tlv.parse(target.transmit(bytes.fromhex(command))[:-2])[0].children}
        )
    names = {f"{each:X}": found[each] for each in (0x5F20, 0x9F0B) if each in found}
    assert names == ({tag: name.encode("gbk")} if tag else {})


@pytest.mark.parametrize("pan", ["621498000000", "6214980000001234", "6214980000000001235"])
def test_account_numbers_of_any_length(pan):
    """57 is 5A, D, YYMM and the service code, in at most 37 digits."""
    at = Counterside("debit", CardOrder(pan, "00", date(2030, 2, 1)))
    result = at.pay()
    assert result.reason is Reason.APPROVED_ONLINE
    made = profile_of("debit", CardOrder(pan, "00", date(2030, 2, 1)))
    record = made.content["DEBIT"]["SFI01"]["records"][0]
    assert record["57"].startswith(f"{pan}D3002220")
    assert len(record["57"]) <= 37
    assert made.content["DEBIT"]["SFI03"]["records"][0]["5F24"] == "300228"


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (replace(ORDER, account_number="62149"), "12 to 19 digits"),
        (replace(ORDER, account_number="62149800000000012X5"), "12 to 19 digits"),
        (replace(ORDER, sequence="1"), "two digits"),
        (replace(ORDER, holder="A" * 46), "45 bytes"),
        (replace(ORDER, pin="12"), "four to twelve"),
        (replace(ORDER, identity_number="1" * 41), "41 bytes given"),
        (replace(ORDER, holder="☃"), "no code in GBK"),
        (replace(ORDER, holder="A"), "1 bytes given"),
    ],
)
def test_orders_that_no_card_can_be_made_of(order, reason):
    from conformance.actors.bank.card_data import CardDataError

    with pytest.raises(CardDataError, match=reason):
        personalisation_data(load("debit"), order, Authority.published())


def test_products_that_no_card_can_be_made_of():
    from conformance.actors.bank.card_data import CardDataError

    with pytest.raises(CardDataError, match="no payment application"):
        personalisation_data(load("blank"), ORDER, Authority.published())


def test_profile_and_image_of_the_chips():
    for name in CHIPS.values():
        assert load_card(name).structure.product == name


@pytest.mark.parametrize("product", [product for product in CHIPS if sector_keys(load(product), "DEBIT")])
def test_sectors_open_records_on_an_issued_card(product):
    """APPEND RECORD under the opening key that came with the file (JR/T 0025.14 A.3), by a script of the bank."""
    at = Counterside(product)
    record = bytes.fromhex("0A0B" + "06" + "010100" + "AABBCC")
    keys = sector_keys(load(product), "DEBIT")[0x15]
    at.bank.order(PAN, SEQUENCE, scripts.open_record(keys, PAN, SEQUENCE, 0x15, record))
    paid = at.pay(force_online=True)
    assert (paid.reason, paid.script_results[0][0] >> 4) == (Reason.APPROVED_ONLINE, 2)
    at.target.reset()
    at.target.transmit(bytes.fromhex("00A4040008A00000033301010100"))
    assert at.target.transmit(bytes.fromhex("00B201AC00")) == record + b"\x90\x00"
