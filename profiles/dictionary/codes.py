"""Code lists of the data elements: which values are valid and what they mean (人社信息函〔2012〕37号 §8)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from profiles.model import Text

CodeList = Mapping[str, Text | None]
"""Meaning by code, in the order of the standard; None where no public text gives the meaning."""


@cache
def code_lists() -> Mapping[str, CodeList]:
    """All code lists by name."""
    document = tomllib.loads(files("profiles.dictionary").joinpath("codes.toml").read_text("utf-8"))
    lists: dict[str, CodeList] = {name: dict.fromkeys(codes) for name, codes in document["values"].items()}
    for name, codes in document["codes"].items():
        lists[name] = {code: Text(zh=zh, en=en) for code, (zh, en) in codes.items()}
    return lists


def code_list(name: str) -> CodeList:
    """One code list; raises :class:`KeyError` for an unknown name."""
    return code_lists()[name]
