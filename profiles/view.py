"""A product for a person to read (tree, table), or for a program (JSON), with secrets masked unless asked for."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from profiles.applications import open_points
from profiles.content import values
from profiles.dictionary import Content, Element, elements, layouts, payment_elements
from profiles.keys import REFERENCES
from profiles.model import Directory, File, Key, Profile

MASK = "••••"


def document(profile: Profile, *, unmask: bool = False) -> dict[str, Any]:
    """The whole profile as JSON values; PINs, keys and personal data are masked unless ``unmask`` is set."""
    plain: dict[str, Any] = profile.model_dump(mode="json")
    if unmask:
        return plain
    for directory in plain["directory"].values():
        for pin in directory["pin"].values():
            pin["value"] = MASK
        if directory["certificates"]:
            directory["certificates"] |= {"initial_administrator_pin": MASK, "initial_master_key": MASK}
    references = plain["test_keys"]["value"]
    for name, value in references.items():
        references[name] = value if value.startswith(REFERENCES) else MASK
    for name, files in plain["content"].items():
        for file_name, content in files.items():
            file = profile.directory[name].file[file_name]
            files[file_name] = {tag: _masked(file, tag, value) for tag, value in content.items()}
    return plain


def _masked(file: File, tag: str, value: Any) -> Any:
    if tag == "data":
        return MASK
    if tag == "records" and file.extended:
        return [{**record, "data": MASK} for record in value]
    if tag == "records" and file.templates:
        return [_masked_objects(record) for record in value]
    if tag == "records" and file.layout:
        return [_masked_record(file.layout, record) for record in value]
    if tag in elements():
        given = [_masked_value(elements()[tag], one) for one in (value if isinstance(value, list) else [value])]
        return given if isinstance(value, list) else given[0]
    return value


def _masked_objects(record: dict[str, Any]) -> dict[str, Any]:
    known = payment_elements()
    return {tag: MASK if tag in known and known[tag].secret else value for tag, value in record.items()}


def _masked_value(element: Element, value: Any) -> Any:
    if element.secret:
        return MASK
    if element.children and isinstance(value, dict):
        return {tag: _masked_value(elements()[tag], inner) for tag, inner in value.items()}
    return value


def _masked_record(layout: str, record: Any) -> Any:
    fields = layouts()[layout].field
    if not isinstance(record, dict):
        return [MASK if field.secret else value for field, value in zip(fields, record, strict=True)]
    secret = {name for field in fields if field.secret for name in (field.zh, field.en)}
    return {name: MASK if name in secret else value for name, value in record.items()}


def tree(profile: Profile, *, content: bool = False, unmask: bool = False) -> Tree:
    """The directories with their PINs, keys and files, as they lie inside each other."""
    facts = f"{profile.specification} · {profile.algorithm} · {profile.life_cycle} · {profile.chip.historical.hex(' ').upper()}"
    root = Tree(f"[bold]{escape(profile.name)}[/] {escape(profile.title.zh)} {escape(profile.title.en)}\n{facts}")
    below: dict[str | None, Tree] = {None: root}
    shown = document(profile, unmask=unmask)
    waiting = list(profile.directory)
    while waiting:
        name = next(name for name in waiting if profile.directory[name].parent not in waiting)
        waiting.remove(name)
        directory = profile.directory[name]
        branch = below.get(directory.parent, root).add(_directory(name, directory))
        below[name] = branch
        _pins_and_keys(branch, directory, shown["directory"][name])
        for file_name, file in directory.file.items():
            leaf = branch.add(_file(file_name, file))
            if content:
                _content(leaf, file, shown["content"].get(name, {}).get(file_name, {}))
    return root


def _directory(name: str, directory: Directory) -> str:
    aid = f" · {directory.aid.hex().upper()}" if directory.aid else ""
    label = f" · {escape(directory.label)}" if directory.label else ""
    return f"[bold cyan]{name}[/] {directory.fid.hex().upper()} {escape(directory.title.zh)} {escape(directory.title.en)}{aid}{label}"


def _pins_and_keys(branch: Tree, directory: Directory, shown: dict[str, Any]) -> None:
    for name, pin in directory.pin.items():
        text = f"{pin.reference.hex()} {escape(pin.title.zh)} {escape(pin.title.en)} · {shown['pin'][name]['value']}"
        branch.add(f"[yellow]PIN[/] {text}" if name == "PIN" else f"[yellow]PIN {name}[/] {text}")
    if directory.key:
        keys = branch.add(f"[yellow]{len(directory.key)} 密钥 keys[/]")
        for name, key in directory.key.items():
            keys.add(_key(name, key))


def _key(name: str, key: Key) -> str:
    identifier = key.kid.hex().upper() if key.kid else "--"
    parts = [f"{key.use}", f"levels {key.levels}", f"versions {key.versions}", f"{key.length} bytes"]
    if key.index:
        parts.append(f"index {key.index}")
    if key.sam:
        parts.append(f"SAM {key.sam}")
    if key.hsm:
        parts.append(f"HSM {' '.join(key.hsm)}")
    return f"{identifier} [yellow]{name}[/] {escape(key.title.zh)} {escape(key.title.en)} · {' · '.join(parts)} {_mark(key.confidence)}"


def _file(name: str, file: File) -> str:
    shape = {
        "transparent": f"transparent {file.size} bytes",
        "internal": f"internal {file.size} bytes",
        "cyclic": f"cyclic {file.records} × {layouts()[file.layout].size if file.layout else 0} bytes",
    }.get(file.structure, f"{file.structure} {len(file.elements)} records")
    if file.is_directory or file.templates:
        shape = "directory file" if file.is_directory else "templates 70"
    elif file.log_format:
        shape = f"log of {file.records} records, format {file.log_format}"
    rights = f"[green]read[/] {file.read} · [red]update[/] {file.update}"
    title = f"{escape(file.title.zh)} {escape(file.title.en)}"
    identifier = file.fid.hex().upper()
    place = f"{identifier} SFI {file.short_identifier:02X}" if file.structure != "internal" else identifier
    return f"[bold]{name}[/] {place.removeprefix(f'{name} ')} {title} · {shape} · {rights} {_mark(file.confidence)}"


def _content(leaf: Tree, file: File, content: dict[str, Any]) -> None:
    for tag in dict.fromkeys(file.elements):
        element = elements()[tag]
        for value in values(tag, content) or ["初始填充 initial fill"]:
            leaf.add(f"{tag} {escape(element.zh)} {escape(element.en)}: {escape(_value(element, value))}")
    for number, record in enumerate(content.get("records", []), 1):
        leaf.add(f"{number}: {escape(_fields(record))}")
    if "fields" in content:
        leaf.add(escape(_fields(content["fields"])))
    if "data" in content:
        leaf.add(f"{content['data'][:32]}{'…' * (len(content['data']) > 32)}")


def _value(element: Content, value: Any) -> str:
    if isinstance(value, dict):
        return _fields(value)
    text = str(value)
    meaning = element.meaning(text)
    return f"{text} {meaning.zh} {meaning.en}" if meaning else text


def _fields(record: Any) -> str:
    if isinstance(record, dict):
        return ", ".join(f"{name} = {value}" for name, value in record.items())
    return ", ".join(map(str, record))


def _mark(confidence: str) -> str:
    return f"[dim]{escape(f'[{confidence}]')}[/]"


def assumptions_table(profile: Profile) -> Table:
    """Every setting of an open point, with its value and what it rests on; departures from the default are marked."""
    table = Table(
        "设置 setting", "值 value", "含义 meaning", "依据 basis", title="未公开之处 Open points", title_justify="left"
    )
    for entry in open_points(profile):
        value = entry.value if entry.is_default else f"[bold]{entry.value}[/]"
        table.add_row(entry.name, value, f"{entry.zh}\n{entry.en}", f"{entry.basis} {_mark(entry.confidence)}")
    return table
