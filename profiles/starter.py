"""A commented file from which a person writes a card product of their own."""

from __future__ import annotations

import re
from pathlib import Path

from profiles import sources
from profiles.model import Profile

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*\Z")


def starter(name: str, extends: str, base: Profile) -> str:
    """The text of a TOML file that extends ``base``, which loads as it stands; raises :class:`ValueError`."""
    if not _NAME.match(name):
        raise ValueError(f"{name!r} is no name of a product: small letters, digits, dots and hyphens are")
    parent = extends if extends in sources.products() else str(Path(extends).expanduser().resolve())
    without_bank = ", ".join(_quoted(feature) for feature in base.features if feature != "financial")
    historical = base.chip.historical.hex(" ").upper()
    return f'''\
# A card product. Everything that is not said here is taken from {base.name}.
# Check it with `sscard profile validate`, look at it with `sscard profile show`.

format = 1
name = "{name}"
extends = {_quoted(parent)}  # a product's name, or the path of another file
title = {{ zh = {_quoted(base.title.zh)}, en = {_quoted(base.title.en)} }}

[chip]
# 历史字节 The historical bytes of the answer to reset; the last 8 are the card factor, bytes 8 and 9 the city.
historical = "{historical}"

[issuer]
# 发卡地区行政区划代码 Six digits of GB/T 2260.
city_code = "{base.issuer.city_code}"

# 未公开之处 What the public specifications leave open: say here what your card does.
# `sscard profile show {base.name} --assumptions` lists all settings.
# [settings]
# pin_try_limit = {base.settings.pin_try_limit}
# key_try_limit = {base.settings.key_try_limit}

# 文件 Change single values of a directory or file; a directory or file that your card lacks is not present.
# [directory.DF07]
# present = false
# [directory.DF04.file.EF08]
# records = 50

# 金融应用 A card without a debit application; where it has one of its own, say its PIN: wrong ones cost tries.
# features = [{without_bank}]    # among the first lines of this file
# [directory.DEBIT]
# present = false
# [directory.DEBIT.pin.DEBITPIN]
# value = "123456"

# 地方扩展 A local file starts at EF0C, a local directory at DF0A.
# [directory.SSSE.file.EF0C]
# fid = "EF0C"
# structure = "transparent"   # transparent, fixed, variable, cyclic
# size = 0x40
# read = "RKMFEF0C"           # free, never, or names of PINs and keys joined by and / or
# update = "UKSSSE"
# usage = "local"
# title = {{ zh = "地方扩展文件", en = "local extension file" }}

# 密钥 Root keys come from a published seed: they open no real card. For other keys give references, not digits:
# [test_keys.value]
# "UKSSSE.1" = "env:UKSSSE_1"
# "UKSSSE.2" = "file:keys/UKSSSE.2"

# 内容 What the card holds after personalisation, by directory, file and tag.
# [content.SSSE.EF06]
# 09 = "渝小样"
'''


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
