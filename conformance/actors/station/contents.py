"""Where the items of an order go on a card of a product."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.actors.medical.reader import ENVIRONMENT
from conformance.actors.station.order import FIELDS, Order
from conformance.actors.station.refusals import Refused
from conformance.actors.station.tree import own_directories
from profiles.model import File, Profile

CARD, PHOTO = f"{ENVIRONMENT}/EF05", "EF08"


def place_of(product: Profile, tag: str) -> str | None:
    """Directory and file of an element, such as ``DF01/EF06``; None where cards of the product have it not."""
    for place in own_directories(product):
        for name, file in product.directory[place].file.items():
            if tag in file.elements:
                return f"{place}/{name}"
    return None


def items(product: Profile, order: Order) -> Iterator[tuple[str, str, str]]:
    """Path, tag and text of every element of an order: first the environment, the holder's before the card's."""
    found = [(path, tag) for tag in order.values if (path := place_of(product, tag)) is not None]
    for path, tag in sorted(found, key=lambda each: (each[0].partition("/")[0] != ENVIRONMENT, each[0] == CARD, each)):
        yield path, tag, order.values[tag]


def photo_file(product: Profile) -> File | None:
    """The file of the photograph, where cards of the product use it."""
    file = product.directory[ENVIRONMENT].file.get(PHOTO)
    return file if file is not None and file.usage == "in use" else None


def require_places(product: Profile, order: Order) -> None:
    """Raises :class:`Refused` for an item that a card of the product has no place for."""
    for name, tag in FIELDS.items():
        if tag in order.values and place_of(product, tag) is None:
            raise Refused(
                f"卡中没有数据元 {tag}", f"a card of product {product.name} has no {name}; take it out of the order"
            )
    if order.photo:
        file = photo_file(product)
        if file is None:
            raise Refused(
                "卡中不写照片", f"a card of product {product.name} carries no photo; take it out of the order"
            )
        if len(order.photo) > (file.size or 0):
            sentence = f"the photo has {len(order.photo)} bytes, the card takes {file.size}; compress it further"
            raise Refused("照片过大", sentence)
