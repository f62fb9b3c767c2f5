"""From files to one table: TOML, ``extends``, ``include``, referenced data files, ``present = false``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from profiles.problems import Problem, ProfileError

Table = dict[str, Any]


def products() -> dict[str, Path]:
    """The products that come along: TOML files by name."""
    folder = Path(str(files("profiles").joinpath("products")))
    return {path.stem: path for path in sorted(folder.glob("*.toml"), key=lambda path: path.stem)}


def locate(name_or_path: str | Path, beside: Path | None = None) -> Path:
    """The file that a product's name or a path means; ``beside`` is the folder to which a relative path refers."""
    known = products()
    if isinstance(name_or_path, str) and name_or_path in known:
        return known[name_or_path]
    path = Path(name_or_path).expanduser()
    if beside is not None and not path.is_absolute():
        path = beside / path
    if path.is_file():
        return path
    raise ProfileError(
        str(name_or_path),
        [Problem("", f"neither a product nor a TOML file; the products are {', '.join(known)}")],
    )


def read(path: Path, *, visited: tuple[Path, ...] = ()) -> Table:
    """The table of a profile file, merged over the parts that it includes and over the profile that it extends.

    ``include`` lists TOML files beside this one that hold part of a profile, such as an application; later ones win.
    """
    path = path.resolve()
    if path in visited:
        chain = " → ".join(seen.name for seen in (*visited, path))
        raise ProfileError(
            str(visited[0]), [Problem("extends", f"the profiles extend each other in a circle: {chain}")]
        )
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(str(path), [Problem("", f"not valid TOML: {error}")]) from None
    except OSError as error:
        raise ProfileError(str(path), [Problem("", f"cannot be read: {error.strerror}")]) from None
    _bring_in_files(table, path)
    table = _over_parts(table, path, visited)
    parent = table.pop("extends", None)
    if parent is None:
        return table
    if not isinstance(parent, str):
        raise ProfileError(
            str(path), [Problem("extends", "the name of a product or the path of a TOML file is expected")]
        )
    try:
        base = locate(parent, beside=path.parent)
    except ProfileError as error:
        raise ProfileError(str(path), [Problem("extends", f"{parent}: {error.problems[0].message}")]) from None
    return merge(read(base, visited=(*visited, path)), table)


def _over_parts(table: Table, path: Path, visited: tuple[Path, ...]) -> Table:
    """The table laid over the parts that it includes."""
    parts = table.pop("include", [])
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise ProfileError(str(path), [Problem("include", "a list of paths of TOML files is expected")])
    included: Table = {}
    for part in parts:
        place = path.parent / part
        if not place.is_file():
            raise ProfileError(str(path), [Problem("include", f"there is no file {part} beside this one")])
        included = merge(included, read(place, visited=(*visited, path)))
    return merge(included, table)


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> Table:
    """``over`` laid over ``base``: tables are merged, everything else is replaced."""
    merged = dict(base)
    for name, value in over.items():
        below = merged.get(name)
        merged[name] = merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def drop_absent(table: Table) -> Table:
    """The table without the directories, files, keys, PINs and data objects that say ``present = false``, and their content."""
    directories = table.get("directory")
    if not isinstance(directories, Mapping):
        return table
    kept: Table = {name: _without_absent_parts(entry) for name, entry in directories.items() if not _is_absent(entry)}
    result = {**table, "directory": kept}
    content = table.get("content")
    if isinstance(content, Mapping):
        result["content"] = {
            name: _without_absent_files(entry, directories.get(name))
            for name, entry in content.items()
            if not _is_absent(directories.get(name))
        }
    return result


def _is_absent(entry: object) -> bool:
    return isinstance(entry, Mapping) and entry.get("present") is False


def _without_absent_parts(directory: object) -> object:
    if not isinstance(directory, Mapping):
        return directory
    return {name: _without_absent_parts(part) for name, part in directory.items() if not _is_absent(part)}


def _without_absent_files(content: object, directory: object) -> object:
    parts = directory.get("file") if isinstance(directory, Mapping) else None
    if not isinstance(content, Mapping) or not isinstance(parts, Mapping):
        return content
    return {name: value for name, value in content.items() if not _is_absent(parts.get(name))}


def _bring_in_files(table: Table, path: Path) -> None:
    """Replace ``source = "photo.jpg"`` in a file's content by its bytes, and make key file paths absolute."""
    problems = []
    for directory, contents in _tables(table.get("content")):
        for name, content in _tables(contents):
            source = content.pop("source", None)
            if source is None:
                continue
            try:
                content["data"] = (path.parent / str(source)).read_bytes().hex().upper()
            except OSError as error:
                where = f"content.{directory}.{name}.source"
                problems.append(Problem(where, f"{source} cannot be read: {error.strerror}"))
    if problems:
        raise ProfileError(str(path), problems)
    for _, values in _tables(table.get("test_keys")):
        for name, value in values.items():
            if isinstance(value, str) and value.startswith("file:"):
                values[name] = f"file:{path.parent / value.removeprefix('file:')}"


def _tables(value: object) -> list[tuple[str, Table]]:
    return (
        [(name, entry) for name, entry in value.items() if isinstance(entry, dict)] if isinstance(value, dict) else []
    )
