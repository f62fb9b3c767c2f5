"""Checks of the extended application 扩展应用 of a payment application (JR/T 0025.14)."""

from __future__ import annotations

from collections.abc import Iterator

from profiles import payment_content
from profiles.model import Directory
from profiles.problems import Problem

OPENING, MANAGEMENT = "extended opening", "extended management"
KEY_USES = (OPENING, MANAGEMENT)
IDENTIFIER, INDICATOR, LIMIT, DEDUCTED = "DF61", "DF60", "DF62", "DF63"
KINDS, RESPONSE_MAC = 0x03, 0x80
SFIS = (0x15, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1E)
CYCLIC_SFI = 0x1E


def faults(name: str, directory: Directory) -> Iterator[Problem]:
    """What keeps the extended application from working."""
    for file_name, file in directory.file.items():
        if file.extended is None:
            continue
        where = f"directory.{name}.file.{file_name}.extended"
        for role, key_name, use in (
            ("opening_key", file.extended.opening_key, OPENING),
            ("management_key", file.extended.management_key, MANAGEMENT),
        ):
            key = directory.key.get(key_name)
            if key is None or key.use != use:
                yield Problem(f"{where}.{role}", f"names {key_name}, which is no key of {name} for {use}")
        if IDENTIFIER not in directory.data:
            yield Problem(
                where, f"{name} has no {IDENTIFIER}, by which a card tells that it has an extended application"
            )
    for key_name, key in directory.key.items():
        if key.use in KEY_USES and (key.levels, key.versions, key.length, key.algorithm) != (1, 1, 16, None):
            where = f"directory.{name}.key.{key_name}"
            yield Problem(
                where, "a key of the extended application has one level, one version, 16 bytes and no algorithm"
            )
    if IDENTIFIER not in directory.data:
        for tag in (LIMIT, DEDUCTED):
            if tag in directory.data:
                yield Problem(f"directory.{name}.data.{tag}", f"needs {IDENTIFIER}")
    elif (LIMIT in directory.data) != (DEDUCTED in directory.data):
        yield Problem(f"directory.{name}.data", f"{LIMIT} and {DEDUCTED} go together")


def warnings(name: str, directory: Directory) -> Iterator[Problem]:
    """What part 14 asks of the data; the faults were looked at before."""
    objects = payment_content.data_objects(directory)
    if IDENTIFIER not in objects:
        return
    offered = objects[IDENTIFIER][0]
    if offered & ~(KINDS | RESPONSE_MAC) or offered & KINDS in (0, KINDS):
        yield Problem(f"directory.{name}.data.{IDENTIFIER}", "has bit 1 or bit 2, and bit 8 for R-MAC", "warning")
    if LIMIT in objects and objects[LIMIT] < objects[DEDUCTED]:
        yield Problem(f"directory.{name}.data.{LIMIT}", f"is below {DEDUCTED}", "warning")
    asked = payment_content.contactless_objects(directory).get("9F38", b"")
    if INDICATOR not in [tag for tag, _ in payment_content.lengths(asked)]:
        where = f"directory.{name}.payment.contactless.data.9F38"
        yield Problem(where, f"does not ask for {INDICATOR}, as a card with {IDENTIFIER} does", "warning")
    for file_name, file in directory.file.items():
        cyclic = file.structure == "cyclic"
        if file.extended and (file.short_identifier not in SFIS or cyclic != (file.short_identifier == CYCLIC_SFI)):
            where = f"directory.{name}.file.{file_name}"
            yield Problem(where, "sectors have the files 15 to 1B, the cyclic file is 1E", "warning")
