"""Checks of a payment application: what it needs to work (errors), what JR/T 0025.10 §6.5 asks of its data (warnings)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from profiles import check_extended, payment_content
from profiles.algorithm_sets import AlgorithmSet, algorithm_sets
from profiles.check_algorithms import card_warnings, check_keys, check_sets
from profiles.dictionary import ValueFormatError
from profiles.model import Directory, Profile
from profiles.payment_content import COMPUTED_BY, given_records
from profiles.payment_model import PERSONALISATION, PathName, TransactionPath
from profiles.problems import Problem

APPLICATION = "debit"
NEEDED_IN_RECORDS = ("5A", "8C", "8D")
ONE_VALUE = ("57", "5A", "5F34", "5F20", "8C", "8D", "9F49", "9F4A")
"""Objects of the records with which the card works itself, so that all its records have to agree on them."""
MANDATORY = ("57", "5A", "5F24", "8C", "8D", "9F08")
MANDATORY_IN_QPBOC = ("5A", "5F24", "9F08")
"""57 comes with the answer of GET PROCESSING OPTIONS, and no GENERATE AC follows."""
NEEDED_BY_VERSION_17 = frozenset({"9F02", "9F37"})
NEEDED_BY_VERSION_01 = frozenset({"9F02", "9F03", "9F1A", "95", "5F2A", "9A", "9C", "9F37"})
LARGEST_LIST = 4
"""Entries of the list of files with a key of 1024 bits."""
NEVER_IN_RECORDS = ("9F79", "9F77", "9F78", "9F6D")
DISCRETIONARY_DATA = {b"\x0a": (1, 2, 5), b"\x0f": (3, 4)}
"""Identifiers of issuer discretionary data by the length that precedes them."""
KNOWN_BEFORE_PERSONALISATION = ("87", "9F12")
"""Objects of the entry in the payment system environment."""
CHIP_SERIAL = 4


def check(profile: Profile, ignored: frozenset[str]) -> Iterator[Problem]:
    """Faults of every payment application; files named in ``ignored`` count as existing."""
    yield from _antenna(profile)
    for name, directory in profile.directory.items():
        if directory.application == PERSONALISATION:
            yield from _awaited(profile, name, directory)
            continue
        if directory.personalisation is not None:
            yield Problem(f"directory.{name}.personalisation", f"belongs to the application {PERSONALISATION!r} alone")
        if directory.application != APPLICATION:
            for file_name, file in directory.file.items():
                if file.extended:
                    yield Problem(
                        f"directory.{name}.file.{file_name}.extended", "belongs to a payment application alone"
                    )
            for part in ("data", "payment"):
                if getattr(directory, part) and directory.application != "payment environment":
                    yield Problem(f"directory.{name}.{part}", "belongs to a payment application alone")
            for key_name, key in directory.key.items():
                if key.algorithm is not None:
                    where = f"directory.{name}.key.{key_name}.algorithm"
                    yield Problem(where, "belongs to a key of a payment application alone")
            continue
        faults = [*_objects(name, directory), *_needs(profile, name, directory), *_paths(profile, name, ignored)]
        faults += check_extended.faults(name, directory)
        yield from faults
        if not faults and _content_is_sound(profile, name, directory):
            yield from _card_values(name, directory)
            yield from card_warnings(profile, name)
            yield from check_extended.warnings(name, directory)
            yield from _records(profile, name, directory)


def _awaited(profile: Profile, name: str, directory: Directory) -> Iterator[Problem]:
    """Faults of an application that waits for its personalisation: all but its name comes with the data groupings."""
    path = f"directory.{name}"
    for part in ("file", "pin", "payment"):
        if getattr(directory, part):
            yield Problem(f"{path}.{part}", "comes with the personalisation; take it out")
    for tag, value in directory.data.items():
        try:
            payment_content.element(tag).encode(value)
        except ValueFormatError as error:
            yield Problem(f"{path}.data.{tag}", str(error))
        if tag not in KNOWN_BEFORE_PERSONALISATION:
            allowed = " and ".join(KNOWN_BEFORE_PERSONALISATION)
            yield Problem(f"{path}.data.{tag}", f"comes with the personalisation; only {allowed} are known before")
    described = directory.personalisation
    if described is None:
        yield Problem(f"{path}.personalisation", "is missing; it names the personalisation master key")
        return
    if not directory.aid:
        yield Problem(f"{path}.aid", "is missing; the application is selected by its name")
    key = directory.key.get(described.kmc)
    if key is None or (key.use, key.versions, key.length) != ("personalisation", 1, 16):
        message = f"names {described.kmc}; a key of {name} for personalisation with one version and 16 bytes is needed"
        yield Problem(f"{path}.personalisation.kmc", message)
    for other in directory.key:
        if other != described.kmc:
            yield Problem(f"{path}.key.{other}", "comes with the personalisation; take it out")
    if len(profile.chip.historical) < CHIP_SERIAL:
        yield Problem("chip.historical", f"at least {CHIP_SERIAL} bytes; the last are the serial number in KEYDATA")


def _content_is_sound(profile: Profile, name: str, directory: Directory) -> bool:
    files = [file for file, described in directory.file.items() if described.templates]
    return not any(True for file in files for _ in payment_content.faults(profile, name, file))


def _objects(name: str, directory: Directory) -> Iterator[Problem]:
    for tag, value in directory.data.items():
        path = f"directory.{name}.data.{tag}"
        try:
            raw = payment_content.element(tag).encode(value)
            if tag in ("9F38", "9F4F", "DF4F"):
                payment_content.lengths(raw)
        except ValueFormatError as error:
            yield Problem(path, str(error))
    yield from _contactless(name, directory)
    for file_name, file in directory.file.items():
        if file.log_format is not None and file.log_format not in directory.data:
            path = f"directory.{name}.file.{file_name}.log_format"
            yield Problem(path, f"names {file.log_format}, which is not among the data of {name}")


def _antenna(profile: Profile) -> Iterator[Problem]:
    """A card that shows something through an antenna declares one."""
    if profile.has_antenna:
        return
    for name, directory in profile.directory.items():
        if directory.interface == "contactless" or (directory.payment and directory.payment.contactless):
            yield Problem(f"directory.{name}", "is for an antenna, and features do not name 'contactless'", "warning")


def _contactless(name: str, directory: Directory) -> Iterator[Problem]:
    payment = directory.payment
    where = f"directory.{name}.payment.contactless"
    if payment is None or payment.contactless is None:
        if payment and {"contactless", "qPBOC"} & payment.path.keys():
            yield Problem(where, "is missing; a contactless path needs a PDOL of its own")
        return
    asked: list[str] = []
    for tag, value in payment.contactless.data.items():
        try:
            raw = payment_content.element(tag).encode(value)
            asked = [wanted for wanted, _ in payment_content.lengths(raw)] if tag == "9F38" else asked
        except ValueFormatError as error:
            yield Problem(f"{where}.data.{tag}", str(error))
    if "9F66" not in asked:
        yield Problem(f"{where}.data.9F38", "must ask for 9F66, by which the card chooses the path")


def _needs(profile: Profile, name: str, directory: Directory) -> Iterator[Problem]:
    path = f"directory.{name}"
    if directory.payment is None or "ordinary" not in directory.payment.path:
        yield Problem(f"{path}.payment", "a payment application needs at least payment.path.ordinary")
    if "9F10" not in directory.data:
        yield Problem(f"{path}.data.9F10", "is missing; every cryptogram comes with the issuer application data")
    yield from check_keys(profile, name)
    yield from check_sets(profile, name)
    given = {tag for _, _, record in _all_records(profile, name) for tag in record}
    for tag in NEEDED_IN_RECORDS:
        if tag not in given:
            yield Problem(f"content.{name}", f"no record has {tag}, without which the application cannot work")
    certified = {each.computed for each in algorithm_sets(profile, name) if each.certification}
    values: dict[str, object] = {}
    for file, number, record in _all_records(profile, name):
        for tag, value in record.items():
            where = f"content.{name}.{file}.records.{number}.{tag}"
            if value in COMPUTED_BY and value not in certified:
                part = "payment" if value == COMPUTED_BY[0] else "payment.sm"
                yield Problem(where, f"can be computed only where {part}.certification says with which keys")
            if tag in ONE_VALUE and values.setdefault(tag, value) != value:
                yield Problem(where, "has another value in another record; the card works with one")


def _all_records(profile: Profile, name: str) -> Iterator[tuple[str, int, Mapping[str, object]]]:
    for file_name, file in profile.directory[name].file.items():
        for number, record in enumerate(given_records(profile, name, file_name) if file.templates else (), 1):
            if isinstance(record, Mapping):
                yield file_name, number, record


def _paths(profile: Profile, name: str, ignored: frozenset[str]) -> Iterator[Problem]:
    for each in algorithm_sets(profile, name):
        for kind, path in each.path.items():
            for place, message in _listed(profile, name, path, ignored):
                yield Problem(f"directory.{name}.{each.place}.path.{kind}.{place}", message)


def _listed(profile: Profile, name: str, path: TransactionPath, ignored: frozenset[str]) -> Iterator[tuple[str, str]]:
    if path.aip[0] & 0x82 or path.aip[1]:
        yield "aip", "bits that are reserved are set"
    if len(path.afl) % 4:
        yield "afl", "an entry has four bytes"
        return
    files = {file.short_identifier: (file_name, file) for file_name, file in profile.directory[name].file.items()}
    for start in range(0, len(path.afl), 4):
        first_byte, first, last, signed = path.afl[start : start + 4]
        found = files.get(first_byte >> 3)
        if first_byte & 7 or not 1 <= first <= last or signed > last - first + 1:
            yield (
                "afl",
                f"{path.afl[start : start + 4].hex().upper()} is not SFI·8, first and last record, signed records",
            )
        elif found is None:
            if not ignored:
                yield "afl", f"no file has the short identifier {first_byte >> 3:02X}"
        elif found[0] not in ignored:
            records = given_records(profile, name, found[0])
            for number in range(first, last + 1):
                if not any(records[number - 1 : number]):
                    yield "afl", f"{found[0]} has no record {number}"


def _card_values(name: str, directory: Directory) -> Iterator[Problem]:
    objects = payment_content.data_objects(directory)

    def warn(tag: str, message: str) -> Problem:
        return Problem(f"directory.{name}.data.{tag}", message, "warning")

    for balance, limit in (("9F79", "9F77"), ("DF79", "DF77")):
        if balance in objects and limit in objects and objects[balance] > objects[limit]:
            yield warn(balance, f"the balance is above its limit {limit}")
    issuer_data = objects["9F10"]
    if issuer_data[0] != 7 or issuer_data[3] != 3 or issuer_data[2] not in (0x01, 0x17):
        yield warn("9F10", "begins with 07, derivation index, version 01 or 17, 03 and three bytes zero")
    kind = DISCRETIONARY_DATA.get(issuer_data[8:9])
    if len(issuer_data) == 10 and kind is not None:
        if issuer_data[9] not in kind:
            yield warn(
                "9F10", f"no discretionary data of length {issuer_data[8]:02X} has the identifier {issuer_data[9]:02X}"
            )
        if "DF71" in objects and issuer_data[9] in (2, 3, 4):
            yield warn("9F10", "discretionary data 02 to 04 do not go together with a second e-cash currency")
    for entry, log_format in (("9F4D", "9F4F"), ("DF4D", "DF4F")):
        sfis = [file.short_identifier for file in directory.file.values() if file.log_format == log_format]
        if entry in objects and (not 11 <= objects[entry][0] <= 30 or objects[entry][0] not in sfis):
            yield warn(entry, f"names no log of format {log_format} with a short identifier of 11 to 30")
    capabilities = objects.get("9F68", bytes(4))[0]
    if bin(capabilities >> 5).count("1") > 1:
        yield warn("9F68", "at most one of the offline checks may be chosen (byte 1, bits 8 to 6)")


def _records(profile: Profile, name: str, directory: Directory) -> Iterator[Problem]:
    for each in algorithm_sets(profile, name):
        for kind in each.path:
            yield from _path_warnings(profile, name, each, kind)
        yield from _quick(profile, name, directory, each)
    for file, number, record in _all_records(profile, name):
        for tag in NEVER_IN_RECORDS:
            if tag in record:
                yield Problem(f"content.{name}.{file}.records.{number}.{tag}", "may stand in no record", "warning")
    yield from _equal_values(profile, name, directory)


def _path_warnings(profile: Profile, name: str, answers: AlgorithmSet, kind: PathName) -> Iterator[Problem]:
    """What a terminal misses or meets twice in the records of a path, and what their signatures do not cover."""
    path, where = answers.path[kind], f"directory.{name}.{answers.place}.path.{kind}.afl"
    tags = Counter(tag for record in _reached(profile, name, path) for tag in record)
    for tag in MANDATORY_IN_QPBOC if kind == "qPBOC" else MANDATORY:
        if not tags[tag]:
            yield Problem(where, f"reaches no {tag}, which is mandatory", "warning")
    for tag, times in tags.items():
        if times > 1 or tag in ("82", "94"):
            yield Problem(where, f"a terminal would read {tag} twice and end the transaction", "warning")
    if path.aip[0] & 0x21 and "9F4A" not in tags:
        yield Problem(where, "the AIP is not signed: 9F4A is missing", "warning")
    ordinary = answers.path["ordinary"]
    if answers.certification and path.aip[0] & 0x61 and _signed_by(path, tags) != _signed_by(ordinary, tags):
        yield Problem(where, "the certificates are made for the signed records and the AIP of path ordinary", "warning")
    others = {value for record in _reached(profile, name, path) for value in record.values() if value in COMPUTED_BY}
    if others - {answers.computed}:
        yield Problem(where, "reaches certificates of the other algorithm set", "warning")


def _signed_by(path: TransactionPath, tags: Mapping[str, int]) -> tuple[object, ...]:
    """The signed records of a list of files, and the AIP where it is signed too."""
    entries = (path.afl[start : start + 4] for start in range(0, len(path.afl), 4))
    signed = tuple((entry[0], entry[1] + number) for entry in entries for number in range(entry[3]))
    return (*signed, path.aip if tags["9F4A"] else b"")


def _quick(profile: Profile, name: str, directory: Directory, answers: AlgorithmSet) -> Iterator[Problem]:
    """What qPBOC asks of its list of files, its PDOL and 9F68 (JR/T 0025.12 §7.3 to §7.5)."""
    payment = directory.payment
    if payment is None or payment.contactless is None or "qPBOC" not in answers.path:
        return
    where = f"directory.{name}.payment"
    path = answers.path["qPBOC"]
    records = list(_reached(profile, name, path))
    if records and set(records[-1]) != {"9F74"}:
        yield Problem(
            f"directory.{name}.{answers.place}.path.qPBOC.afl",
            "the last record holds 9F74 alone; the card adds 9F69",
            "warning",
        )
    if len(path.afl) > 4 * LARGEST_LIST:
        yield Problem(
            f"directory.{name}.{answers.place}.path.qPBOC.afl", f"more than {LARGEST_LIST} entries", "warning"
        )
    if answers.second:
        return  # what follows is shared by the sets
    objects = {**payment_content.data_objects(directory), **payment_content.contactless_objects(directory)}
    asked = {tag for tag, _ in payment_content.lengths(objects["9F38"])}
    needed = NEEDED_BY_VERSION_17 if objects["9F10"][2] == 0x17 else NEEDED_BY_VERSION_01
    for tag in sorted(needed - asked):
        yield Problem(
            f"{where}.contactless.data.9F38", f"does not ask for {tag}, which the cryptogram covers", "warning"
        )
    if "9F68" not in objects:
        yield Problem(f"directory.{name}.data.9F68", "a card with qPBOC has it", "warning")


def _reached(profile: Profile, name: str, path: TransactionPath) -> Iterator[Mapping[str, object]]:
    files = {file.short_identifier: file_name for file_name, file in profile.directory[name].file.items()}
    for start in range(0, len(path.afl), 4):
        records = given_records(profile, name, files[path.afl[start] >> 3])
        yield from records[path.afl[start + 1] - 1 : path.afl[start + 2]]


def _equal_values(profile: Profile, name: str, directory: Directory) -> Iterator[Problem]:
    values = payment_content.record_values(profile, name)
    objects = payment_content.data_objects(directory)

    def warn(tag: str, message: str) -> Problem:
        return Problem(f"content.{name}", f"{tag}: {message}", "warning")

    for tag, card_tag in (("9F42", "9F51"), ("5F28", "9F57")):
        if tag in values and card_tag in objects and values[tag] != objects[card_tag]:
            yield warn(tag, f"is not {card_tag} of the card")
    pan, separator, rest = values.get("57", b"").hex().upper().partition("D")
    if separator:
        if pan != values["5A"].hex().upper().rstrip("F"):
            yield warn("57", "has another account number than 5A")
        if "5F24" in values and rest[:4] != values["5F24"].hex()[:4]:
            yield warn("57", "has another expiry date than 5F24")
        if "5F30" in values and rest[4:7] != values["5F30"].hex()[1:]:
            yield warn("57", "has another service code than 5F30")
    if "5F20" in values and "9F0B" in values:
        yield warn("9F0B", "5F20 and its extension exclude each other")
    offline_pin = any(method & 0x3F in (1, 3) for method in values.get("8E", b"")[8::2])
    if offline_pin and not directory.pin:
        yield warn("8E", "asks for an offline PIN, which the application does not have")
    if "9F79" in objects and values.get("8E", b"")[8:9] in (b"\x02", b"\x42"):
        yield warn("8E", "online PIN is not the first method of an e-cash card")
