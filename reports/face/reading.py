"""What a rendered face says, read from its two documents: the check of a print against the chip."""

from __future__ import annotations

import re
from base64 import b64decode
from xml.etree import ElementTree

from profiles.face import Face, province

TEXT, IMAGE = "{http://www.w3.org/2000/svg}text", "{http://www.w3.org/2000/svg}image"


def read(front: str, back: str) -> Face:
    """The data of a face from both sides as :func:`reports.face.render.render` makes them."""
    front_tree, back_tree = (ElementTree.fromstring(side) for side in (front, back))  # noqa: S314 - our own documents
    image = front_tree.find(f".//{IMAGE}[@data-field='photo']")
    photo = b"" if image is None else b64decode(image.attrib["href"].partition(",")[2])
    return Face(
        name=_text(front_tree, "name"),
        person=_text(front_tree, "person"),
        card_number=_text(front_tree, "card_number"),
        issued=_digits(_text(front_tree, "issued")),
        area=_area(front_tree),
        antenna=_antenna(front_tree),
        photo=photo,
        account=_text(back_tree, "account").replace(" ", ""),
    )


def _text(tree: ElementTree.Element, field: str) -> str:
    return "".join(each.text or "" for each in tree.iterfind(f".//{TEXT}[@data-field='{field}']"))


def _antenna(tree: ElementTree.Element) -> bool:
    """Whether the sign is drawn."""
    return tree.find(".//{*}g[@data-field='contactless']") is not None


def _digits(day: str) -> str:
    found = re.fullmatch("([0-9]{4})年([0-9]{1,2})月([0-9]{1,2})日", day)
    return day if found is None else f"{found[1]}{int(found[2]):02}{int(found[3]):02}"


def _area(tree: ElementTree.Element) -> str:
    """The code behind the printed name; empty where the name is not that of the code."""
    found = tree.find(f".//{TEXT}[@data-area]")
    code = "" if found is None else found.attrib["data-area"]
    return code if found is not None and (found.text or "") == province(code) else ""
