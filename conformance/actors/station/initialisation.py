"""初始化: the tree, the keys and the first contents of a card go onto a blank chip; then it is closed for good."""

from __future__ import annotations

from typing import Any

from conformance.actors.key_service import KeyService, KeysOfCard
from conformance.actors.medical.reader import ENVIRONMENT, CardRefused
from conformance.actors.station.chip import MASTER_FILE, MASTER_KEY, Chip, Phase
from conformance.actors.station.contents import PHOTO, items
from conformance.actors.station.order import ISSUED, Order
from conformance.actors.station.tree import (
    FCI_FILE,
    directory_body,
    file_body,
    internal_body,
    key_header,
    own_directories,
    pin_record,
)
from profiles import content
from profiles.model import Chip as ChipModel
from profiles.model import Profile

PRESENT = ("02", "04")
"""Elements of SSSE/EF05 that come from the product: class of the card, initialising institution."""


class CardData:
    """What a card of a product holds for an order, on the chip with these historical bytes."""

    def __init__(self, product: Profile, order: Order, historical: bytes, keys: KeysOfCard = KeyService) -> None:
        self._product = product
        self._historical = historical
        self._order = order
        self.keys = keys(product, historical, None)
        self._first = self._with(Order("", {}))
        self._whole = self._with(order)

    def _with(self, order: Order) -> Profile:
        """The product with the content of this card alone: its own holder is never on it."""
        issuer = self._product.content.get(ENVIRONMENT, {}).get("EF05", {})
        fixed = {tag: issuer[tag] for tag in PRESENT if tag in issuer}
        serial = {"computed": "card identification code", "serial": self._historical[-4:].hex()}
        card = {"01": serial, "03": self._product.specification, **fixed}
        tables: dict[str, dict[str, dict[str, Any]]] = {ENVIRONMENT: {"EF05": card}}
        for path, tag, text in items(self._product, order):
            place, _, name = path.partition("/")
            tables.setdefault(place, {}).setdefault(name, {})[tag] = text
        if order.photo:
            tables[ENVIRONMENT][PHOTO] = {"data": order.photo.hex()}
        for place in own_directories(self._product):
            for name, file in self._product.directory[place].file.items():
                if file.layout == "medical amounts":
                    tables.setdefault(place, {})[name] = {"fields": self._amounts(place, name)}
        chip = ChipModel(historical=self._historical, protocol=self._product.chip.protocol)
        return self._product.model_copy(update={"content": tables, "chip": chip})

    def _amounts(self, place: str, name: str) -> dict[str, object]:
        """Nothing was ever paid; the year begins on the area's day."""
        described = self._product.content.get(place, {}).get(name, {}).get("fields", {})
        return {
            "payment year": self._order.values[ISSUED][:4],
            "first day of the year": described.get("first day of the year", "0101"),
        }

    def _code(self, identification: bytes) -> bytes:
        name = next(
            name
            for name, key in self._product.directory[ENVIRONMENT].key.items()
            if key.use == "internal authentication"
        )
        return self.keys.identification_code(name, identification)

    @property
    def identification(self) -> str:
        """卡的识别码, 32 hexadecimal digits."""
        records = content.encode_file(self._whole, ENVIRONMENT, "EF05", self._code)
        elements = self._product.directory[ENVIRONMENT].file["EF05"].elements
        record = records[elements.index("01")]
        return record[2:].hex().upper() if isinstance(record, bytes) else ""

    def first(self, place: str, name: str) -> tuple[bytes, ...] | bytes:
        """What a file holds after initialisation: nothing of a person."""
        return content.encode_file(self._first, place, name, self._code)

    def whole(self, place: str, name: str) -> tuple[bytes, ...] | bytes:
        """What a file holds on the issued card."""
        return content.encode_file(self._whole, place, name, self._code)


class Initialiser:
    """Makes the tree of ``data`` on a chip whose maker's keys are ``production``."""

    def __init__(self, chip: Chip, product: Profile, data: CardData, production: KeyService) -> None:
        self._chip = chip
        self._product = product
        self._data = data
        self._production = production

    def build(self, *, anew: bool) -> None:
        """Tree, keys and first contents; ``anew`` takes away first what an earlier run left."""
        self._open()
        if anew:
            self._chip.delete_all()
        master = self._present_master()
        environment, *applications = own_directories(self._product)
        self._begin(environment, (master, MASTER_KEY))
        self._files(environment)
        for place in applications:
            self._chip.select(self._product.directory[environment].fid)
            self._begin(place, (self._data.keys, self._master_of(environment)))
            self._files(place)
            self._chip.end(place)
        self._chip.select(self._product.directory[environment].fid)
        self._chip.end(environment)

    def close(self) -> None:
        """Replace the maker's master key 密钥替换 and end the master file; nothing happens to a chip that is closed."""
        if self._chip.show_transport_code(self._production) is Phase.CLOSED:
            return
        master = self._present_master()
        self._chip.select(MASTER_FILE)
        directory = self._product.directory["MF"]
        header = key_header(self._product, directory, MASTER_KEY, 1)
        self._chip.write_key(
            self._data.keys.enciphered_key(MASTER_KEY, 1, header, (master, MASTER_KEY)), "the master key of the card"
        )
        self._chip.end("the master file")

    def _open(self) -> None:
        if self._chip.show_transport_code(self._production) is Phase.CLOSED:
            raise CardRefused("芯片已关闭", "the chip's pre-issue commands are closed already")

    def _present_master(self) -> KeyService:
        """Whose master key the chip has: the maker's, or the issuer's after a replacement that was not ended."""
        self._chip.select(MASTER_FILE)
        for keys in (self._production, self._data.keys):
            if self._chip.authenticate_master(keys, MASTER_KEY):
                return keys
        raise CardRefused("卡片主控密钥不符", "the chip has another master key than its maker's")

    def _begin(self, place: str, above: tuple[KeyService, str]) -> None:
        """The directory, its internal files and its keys, the master key first."""
        directory = self._product.directory[place]
        self._chip.create(directory_body(directory), place)
        for name, file in directory.file.items():
            if file.structure == "internal":
                held = self._data.first(place, name)
                self._chip.create(file_body(self._product, place, file, held), f"{place}/{name}")
        if directory.proprietary:
            self._chip.create(internal_body(FCI_FILE, directory.proprietary), f"{place}/FCI")
        master = self._master_of(place)
        self._key(place, master, above)
        if not self._chip.authenticate_master(self._data.keys, master):
            raise CardRefused(f"{master} 未生效", f"the chip does not know {master}, which it was just given")
        for name in directory.key:
            if name != master:
                self._key(place, name, (self._data.keys, master))
        for name in directory.pin:
            record = pin_record(self._product, directory, name)
            self._chip.write_key(self._data.keys.enciphered_under(master, record), name)

    def _master_of(self, place: str) -> str:
        return next(name for name, key in self._product.directory[place].key.items() if key.use == "master")

    def _key(self, place: str, name: str, above: tuple[KeyService, str]) -> None:
        directory = self._product.directory[place]
        for version in range(1, directory.key[name].versions + 1):
            header = key_header(self._product, directory, name, version)
            self._chip.write_key(self._data.keys.enciphered_key(name, version, header, above), name)

    def _files(self, place: str) -> None:
        for name, file in self._product.directory[place].file.items():
            if file.structure == "internal":
                continue
            held = self._data.first(place, name)
            self._chip.create(file_body(self._product, place, file, held), f"{place}/{name}")
            if not isinstance(held, bytes):
                for record in held:
                    self._chip.append(file.short_identifier, record, f"{place}/{name}")
