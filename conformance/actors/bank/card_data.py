"""Data preparation 数据准备: from a card product and an order for one holder to the data groupings of the card (JR/T 0025.10 §6).

The product says what all its cards have; the order what this one has. Keys are named by the profile and never shown.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from conformance.actors.bank.authority import CARD_BITS, EXPONENT, Authority, new_sm2_key
from conformance.actors.bank.groupings import DataFile, DataGrouping
from conformance.actors.bank.keys import IssuerKeys
from emulator.crypto import Algorithm, CryptoError, rsa
from emulator.crypto.payment import card_key, pin_block
from emulator.crypto.payment_certification import Subject, rsa_objects, sm2_objects
from emulator.crypto.personalisation import check_value
from emulator.crypto.rsa import RsaCrtKey, RsaPublicKey
from emulator.crypto.sm2 import public_key_of
from emulator.iso7816 import tlv
from profiles import payment_content
from profiles.algorithm_sets import AlgorithmSet, algorithm_sets
from profiles.applications import payment_directory
from profiles.dictionary import ValueFormatError, groupings
from profiles.keys import root_key
from profiles.model import Directory, Profile
from profiles.payment_content import Computed
from profiles.payment_model import TestCertification

LONGEST_TRACK_2 = 37
"""Digits of 57, its separator counted."""
LONGEST_NAME, LONGEST_EXTENDED_NAME = 26, 45
OFFLINE_PIN = frozenset({1, 3})
SOCIAL_SECURITY = 0x08
"""Bit 4 of byte 9 of 9F63 产品标识信息: a card with social security functions."""
BANK_CODE_LENGTH, PRODUCT_LENGTH = 8, 16
SELECTION = ("87", "9F38", "5F2D", "9F11", "9F12", "9F4D", "DF4D", "9F5A", "5F50", "50")
"""Data objects of the product that the answer of SELECT carries."""
PATHS = {"ordinary": "9104", "e-cash": "9203", "qPBOC": "9207"}
SM_PATHS = {"ordinary": "9114", "e-cash": "9213", "qPBOC": "9217"}
"""Groupings of the options of GET PROCESSING OPTIONS, the second of a dual-algorithm card."""
ANSWER_DATA = ("9F10", "9F6C")
"""Objects of the contactless interface that go with the path qPBOC."""


class CardDataError(ValueError):
    """An order or a product of which no card can be made; the message says why."""


@dataclass(frozen=True, slots=True)
class CardOrder:
    """What one card has of its own.

    Attributes:
        account_number: 主账号, 12 to 19 digits.
        sequence: Its sequence number 5F34, two digits.
        expiry: Month of expiry: 5F24 is its last day.
        holder: Name; 27 to 45 bytes of GBK go into 9F0B instead of 5F20. None leaves the product's, "" none.
        identity_number, identity_kind: 9F61 and 9F62 (00 identity card). None leaves those of the product.
        product: 9F63, 16 bytes, see :func:`product_information`; nothing leaves it out.
        pin: Offline PIN; None takes the product's.
        balance: E-cash balance at issue in the smallest unit; None takes the product's.
        effective: First day 5F25; None takes the product's.
    """

    account_number: str
    sequence: str
    expiry: date
    holder: str | None = None
    identity_number: str | None = None
    identity_kind: str = "00"
    product: bytes = b""
    pin: str | None = None
    balance: int | None = None
    effective: date | None = None

    def check(self) -> None:
        """Raises :class:`CardDataError` when the number, the sequence number or the name is none."""
        number, sequence = self.account_number, self.sequence
        if not (number.isascii() and number.isdigit() and 12 <= len(number) <= 19):
            raise CardDataError("an account number has 12 to 19 digits")
        if not (sequence.isascii() and sequence.isdigit() and len(sequence) == 2):
            raise CardDataError(f"the sequence number {sequence!r} is not two digits")
        if self.holder is not None and len(self.holder.encode("gbk", "replace")) > LONGEST_EXTENDED_NAME:
            raise CardDataError(f"the name is longer than {LONGEST_EXTENDED_NAME} bytes of GBK")

    @property
    def masked(self) -> str:
        """The account number as it may be shown: first six and last four digits."""
        return self.account_number[:6] + "*" * (len(self.account_number) - 10) + self.account_number[-4:]


def product_information(bank_code: bytes = bytes(BANK_CODE_LENGTH), *, social_security: bool = True) -> bytes:
    """9F63: code of the bank (8 bytes), then the kinds of card, of which the one with social security may be set."""
    if len(bank_code) != BANK_CODE_LENGTH:
        raise CardDataError(f"the bank code has {len(bank_code)} bytes, it must have {BANK_CODE_LENGTH}")
    return (bank_code + bytes((SOCIAL_SECURITY if social_security else 0,))).ljust(PRODUCT_LENGTH, b"\0")


def individual(product: Profile, order: CardOrder) -> Profile:
    """The product with the values of the order in the place of its own: a profile of this very card.

    Raises:
        CardDataError: The product has no payment application, or the order does not fit it.
    """
    made, _ = _individual(product, order)
    return made


def _individual(product: Profile, order: CardOrder) -> tuple[Profile, str]:
    """The profile of the very card, and the name of its payment application."""
    order.check()
    name = payment_directory(product)
    if name is None:
        raise CardDataError(f"profile {product.name} has no payment application; give one that has, such as debit")
    directory = product.directory[name]
    content = {file: _with_records(product, name, file, order) for file in product.content.get(name, {})}
    changed = directory.model_copy(update=_changes(directory, order))
    made = product.model_copy(
        update={
            "content": {**product.content, name: content},
            "directory": {**product.directory, name: changed},
        }
    )
    _check_pin(made, name)
    return made, name


def _changes(directory: Directory, order: CardOrder) -> dict[str, Any]:
    data = dict(directory.data)
    if order.balance is not None:
        if "9F79" not in data:
            raise CardDataError("the product has no e-cash, so no balance either")
        data["9F79"] = f"{order.balance:012d}"
    pins = dict(directory.pin)
    if order.pin is not None:
        if not pins:
            raise CardDataError("the product has no offline PIN")
        first = next(iter(pins))
        pins[first] = pins[first].model_copy(update={"value": order.pin})
    changes: dict[str, Any] = {"data": data, "pin": pins}
    expiry = bytes.fromhex(f"{order.expiry:%m%y}")
    payment = directory.payment
    if payment is not None:
        sets: dict[str, Any] = {"certification": _until(payment.certification, expiry)}
        if payment.sm is not None:
            sets["sm"] = payment.sm.model_copy(update={"certification": _until(payment.sm.certification, expiry)})
        changes["payment"] = payment.model_copy(update=sets)
    return changes


def _until(certification: TestCertification | None, expiry: bytes) -> TestCertification | None:
    return certification and certification.model_copy(update={"expiry": expiry})


def _with_records(product: Profile, name: str, file: str, order: CardOrder) -> dict[str, Any]:
    """The content of a file with the values of the order."""
    content = dict(product.content[name][file])
    if product.directory[name].file[file].templates:
        content["records"] = [_with_values(record, order) for record in content.get("records", [])]
    return content


def _with_values(record: Mapping[str, Any], order: CardOrder) -> dict[str, Any]:
    """A record with the values of the order in the place of the product's."""
    found = {**record}
    last_day = order.expiry.replace(day=calendar.monthrange(order.expiry.year, order.expiry.month)[1])
    own = {
        "5A": order.account_number,
        "5F34": order.sequence,
        "5F24": f"{last_day:%y%m%d}",
        "5F25": f"{order.effective:%y%m%d}" if order.effective else None,
        "9F61": order.identity_number,
        "9F62": order.identity_kind if order.identity_number is not None else None,
    }
    found.update({tag: value for tag, value in own.items() if tag in record and value is not None})
    if "57" in record:
        found["57"] = _track_2(str(record["57"]), order)
    if order.holder is not None:
        _put_name(found, order.holder)
    if order.product and "9F61" in record:
        found["9F63"] = order.product.hex()
    return found


def _put_name(record: dict[str, Any], holder: str) -> None:
    """5F20 where it was, or, for a long name, 9F0B with the unsigned data of DGI 0302."""
    extended = len(holder.encode("gbk", "replace")) > LONGEST_NAME
    if "5F20" in record:
        del record["5F20"]
        if holder and not extended:
            record["5F20"] = holder
    record.pop("9F0B", None)
    if extended and "9F08" in record:
        record["9F0B"] = holder


def _track_2(product: str, order: CardOrder) -> str:
    """Account number, D, YYMM, and the service code and what follows it in the product, as many digits as fit."""
    _, _, rest = product.replace(" ", "").upper().rstrip("F").partition("D")
    return f"{order.account_number}D{order.expiry:%y%m}{rest[4:]}"[:LONGEST_TRACK_2]


def _check_pin(made: Profile, name: str) -> None:
    methods = payment_content.record_values(made, name).get("8E", b"")[8::2]
    if any(method & 0x3F in OFFLINE_PIN for method in methods) and not made.directory[name].pin:
        raise CardDataError("the CVM list asks for an offline PIN, and the product has none")


def personalisation_data(
    product: Profile,
    order: CardOrder,
    authority: Authority,
    keys: tuple[IssuerKeys, ...] = (),
    *,
    key_pairs_of_authority: bool = False,
) -> DataFile:
    """The data groupings of a card, in the order in which they are stored.

    The card's key pairs are made here, unless those of the authority's file shall serve. The issuer's master keys are those
    that the product names unless others are given, a set for each of its algorithms.

    Raises:
        CardDataError: The product has no payment application or a part that no grouping carries, or the order does not fit.
    """
    try:
        made, name = _individual(product, order)
    except ValueFormatError as error:
        raise CardDataError(str(error)) from error
    directory, sets = made.directory[name], algorithm_sets(made, name)
    masters = keys or IssuerKeys.of_profile(made)
    computed: dict[str, dict[str, bytes]] = {}
    private: list[DataGrouping] = []
    try:
        for each in sets:
            pairs = authority if key_pairs_of_authority else None
            computed[each.computed], own = _certified(made, name, each, authority, pairs)
            private += own
        found = [
            *_selection(directory),
            *(one for each in sets for one in _options(directory, each, order)),
            *_objects(directory),
            *_records(made, name, computed),
            *(one for each, master in zip(sets, masters, strict=True) for one in _keys(master, order, sm=each.second)),
            *_sector_files(made, name, masters[0].algorithm, order),
            *_pin(made, name),
            *private,
        ]
    except (CryptoError, ValueFormatError) as error:
        raise CardDataError(str(error)) from error
    return DataFile(order.masked, masters[0].algorithm, tuple(found))


def _selection(directory: Directory) -> Iterator[DataGrouping]:
    for identifier, contactless in (("9102", False), ("9103", True)):
        if contactless and not payment_content.contactless_objects(directory):
            continue
        template = payment_content.file_control_information(directory, contactless=contactless)
        proprietary = tlv.parse(template)[0].find(0xA5)
        yield DataGrouping(identifier, proprietary.to_bytes() if proprietary else b"")


def _options(directory: Directory, algorithms: AlgorithmSet, order: CardOrder) -> Iterator[DataGrouping]:
    sm = algorithms.second
    for kind, path in algorithms.path.items():
        if kind not in PATHS:
            raise CardDataError(f"no data grouping carries the path {kind!r}")
        value = tlv.build(0x82, path.aip) + tlv.build(0x94, path.afl)
        if kind == "qPBOC":
            objects = payment_content.sm_objects(directory, contactless=True) if sm else None
            objects = payment_content.contactless_objects(directory) if objects is None else objects
            value += b"".join(tlv.build(int(tag, 16), objects[tag]) for tag in ANSWER_DATA if tag in objects)
            value += tlv.build(0x9F63, order.product) if order.product and not sm else b""
        yield DataGrouping((SM_PATHS if sm else PATHS)[kind], value)
    if sm:
        yield DataGrouping("9201", tlv.build(0x9F10, payment_content.sm_objects(directory)["9F10"]))


def _objects(directory: Directory) -> Iterator[DataGrouping]:
    """The groupings of data objects; every object of the product must be in one, or in the answer of SELECT."""
    objects = payment_content.data_objects(directory)
    left = set(objects) - set(SELECTION)
    for identifier, grouping in groupings().items():
        tags = [tag for tag in grouping.tags if tag in left] if grouping.kind == "objects" else []
        if tags:
            left -= set(tags)
            yield DataGrouping(identifier, b"".join(tlv.build(int(tag, 16), objects[tag]) for tag in tags))
    if left:
        raise CardDataError(f"no data grouping carries {', '.join(sorted(left))}")


def _records(made: Profile, name: str, computed: Computed) -> Iterator[DataGrouping]:
    for file_name, file in made.directory[name].file.items():
        if not file.templates:
            continue
        for number, record in enumerate(payment_content.encode_records(made, name, file_name, computed), 1):
            if record:
                yield DataGrouping(f"{file.short_identifier:02X}{number:02X}", record)


def _keys(keys: IssuerKeys, order: CardOrder, *, sm: bool) -> Iterator[DataGrouping]:
    own = [card_key(keys.algorithm, key, order.account_number, order.sequence) for key in (keys.ac, keys.mac, keys.enc)]
    yield DataGrouping("8001" if sm else "8000", b"".join(own))
    yield DataGrouping("9001" if sm else "9000", b"".join(check_value(keys.algorithm, key) for key in own))


def _sector_files(made: Profile, name: str, algorithm: Algorithm, order: CardOrder) -> Iterator[DataGrouping]:
    """The empty files of the extended application; sectors open their records later, by APPEND RECORD (JR/T 0025.14 A.3)."""
    for file in made.directory[name].file.values():
        if file.extended is not None:
            root = root_key(made, file.extended.opening_key, 1)
            key = card_key(algorithm, root, order.account_number, order.sequence)
            size = (file.records or file.size or 0).to_bytes(2) + bytes((file.extended.longest,))
            yield DataGrouping(f"81{file.short_identifier:02X}", size + key)


def _pin(made: Profile, name: str) -> Iterator[DataGrouping]:
    for pin in made.directory[name].pin.values():
        limit = made.settings.pin_try_limit if pin.limit is None else pin.limit
        yield DataGrouping("8010", pin_block(pin.value))
        yield DataGrouping("9010", bytes((limit, limit)))


def _certified(
    made: Profile, name: str, algorithms: AlgorithmSet, authority: Authority, pairs: Authority | None
) -> tuple[dict[str, bytes], list[DataGrouping]]:
    """The certificates by tag, and the groupings of the private key; nothing where the product asks for none."""
    wanted = algorithms.certification
    if wanted is None:
        return {}, []
    static = payment_content.static_data(made, name, algorithms.path["ordinary"])
    account = payment_content.element("5A").decode(payment_content.record_values(made, name)["5A"])
    subject = Subject(account, wanted.expiry, wanted.code, static)
    if wanted.scheme == "SM2":
        sm2 = authority.sm2
        key = pairs.sm2.card if pairs else new_sm2_key()
        made_of = sm2_objects(sm2.authority_index, sm2.authority, sm2.issuer, public_key_of(key), subject)
        return made_of, [DataGrouping("8401", key)]
    card = pairs.rsa.card if pairs else None
    pair = RsaCrtKey.of(card.p, card.q, card.e) if card else rsa.generate(CARD_BITS, EXPONENT)[0]
    public = RsaPublicKey(pair.n, card.e if card else EXPONENT)
    root, issuer = (RsaCrtKey.of(each.p, each.q, each.e) for each in (authority.rsa.authority, authority.rsa.issuer))
    made_of = rsa_objects(authority.rsa.authority_index, root, issuer, public, subject)
    return made_of, list(_private_key(pair, public))


def _private_key(pair: RsaCrtKey, public: RsaPublicKey) -> Iterator[DataGrouping]:
    """The five numbers, each as long as a prime."""
    size = public.size // 2
    numbers = (pair.q_inverse, pair.dq, pair.dp, pair.q, pair.p)
    for identifier, number in zip(("8201", "8202", "8203", "8204", "8205"), numbers, strict=True):
        yield DataGrouping(identifier, number.to_bytes(size))


def algorithm_of(product: Profile) -> Algorithm:
    """Block cipher of the keys of a product.

    Raises:
        CardDataError: It has no payment application.
    """
    name = payment_directory(product)
    if name is None:
        raise CardDataError(f"profile {product.name} has no payment application; give one that has, such as debit")
    return Algorithm(algorithm_sets(product, name)[0].algorithm)
