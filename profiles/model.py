"""The typed form of a card product: what a profile file may say.

A profile is TOML. All hexadecimal values are strings; blanks inside them are allowed. Every table is keyed by name, so a
profile that extends another one overrides single values of it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from profiles.certificate_settings import CertificateSettings
from profiles.fields import Access, FileIdentifier, HexByte, HexBytes, Names, Table
from profiles.payment_model import Payment, Personalisation
from profiles.settings import Settings


class Text(Table):
    """A name in Chinese and in English."""

    zh: str
    en: str


class Chip(Table):
    """What the reset answer says (reconstructed specification §5.2)."""

    protocol: Literal["T=0", "T=1"] = "T=0"
    historical: Annotated[HexBytes, Field(max_length=15)]
    """Historical bytes; on a social security card 13, of which the last 8 are the card factor 卡分散因子."""
    ta1: HexByte | None = None
    """Interface byte TA1 of a card that can negotiate its speed; absent means default speed."""


class Issuer(Table):
    """Who issues the card: enters the diversification of its keys."""

    city_code: Annotated[str, Field(pattern=r"^\d{6}$")]
    """发卡地区行政区划代码, six digits of GB/T 2260, e.g. ``500000``."""


class Pin(Table):
    """A PIN 个人密码 of a directory."""

    reference: HexByte
    value: Annotated[str, Field(pattern=r"^\d{4,16}$")]
    """Digits; packed two to a byte, an odd last digit followed by F."""
    limit: Annotated[int, Field(ge=1, le=15)] | None = None
    """Wrong tries before the PIN is blocked; absent: ``settings.pin_try_limit``."""
    title: Text
    present: bool = True


KeyUse = Literal[
    "master",
    "external authentication",
    "internal authentication",
    "maintenance",
    "purchase",
    "tac",
    "load",
    "starting day",
    "transport",
    "payment cryptogram",
    "payment MAC",
    "payment encryption",
    "extended opening",
    "extended management",
    "personalisation",
]


class Key(Table):
    """A key of a directory (reconstructed specification §4.1)."""

    kid: HexByte | None = None
    """Key identifier as P2 writes it, top bit set for keys of an ADF; absent when no command names the key in P2."""
    index: Annotated[int, Field(ge=1, le=255)] | None = None
    """Key index 密钥索引 by which the data field of a transaction command names a purchase or load key."""
    use: KeyUse
    algorithm: Literal["3DES", "SM4"] | None = None
    """Block cipher of a payment key; absent: that of its application."""
    levels: Annotated[int, Field(ge=0, le=3)]
    """Diversification levels: 0 none, 1 card, 2 city and card, 3 province, city and card.

    A payment key has one: account number and sequence number.
    """
    versions: Annotated[int, Field(ge=1, le=3)] = 3
    """How many key versions 密钥版本 (HSM groups 组) the card holds, numbered from 1."""
    length: Literal[8, 16] = 16
    limit: Annotated[int, Field(ge=0, le=15)] | None = None
    """Wrong tries before the key is blocked, 0 for no limit; absent: ``settings.key_try_limit``."""
    sam: Annotated[str, Field(pattern=r"^[0-9A-F]{2},[0-9A-F]{2}$")] | None = None
    """Use byte and identifier of the key in the SAM, e.g. ``48,12``."""
    hsm: Names = ()
    """Addresses in the key centre's HSM, one a version."""
    confidence: str = "P+"
    title: Text
    present: bool = True


FileStructure = Literal["transparent", "fixed", "variable", "cyclic", "internal"]
"""``internal``: no command reads or updates it."""


class ExtendedFile(Table):
    """What makes a file one of the extended application 扩展应用 (JR/T 0025.14 §8, appendix B)."""

    opening_key: str
    """Key of the directory that protects APPEND RECORD (应用开通密钥)."""
    management_key: str
    """Key of the directory that every initial record has (行业应用管理密钥)."""
    longest: Annotated[int, Field(ge=6, le=235)]
    """Bytes of the longest record, its head included: APPEND RECORD carries a key and a MAC besides. All records of a cyclic
    file have this length."""


class File(Table):
    """An elementary file (reconstructed specification §2.2)."""

    fid: FileIdentifier
    sfi: Annotated[int, Field(ge=1, le=30)] | None = None
    """Short file identifier; absent: the low five bits of the file identifier."""
    structure: FileStructure
    title: Text
    read: Access
    update: Access
    elements: Names = ()
    """Tags of the records of a variable or fixed file, in order, as the dictionary defines them."""
    layout: str | None = None
    """Name of the record layout in the dictionary: of a cyclic file, or of an internal one that has fields."""
    records: Annotated[int, Field(ge=1, le=254)] | None = None
    """How many records a cyclic file keeps."""
    size: Annotated[int, Field(ge=1, le=0x7FFF)] | None = None
    """Bytes of a transparent or internal file."""
    protected: bool = False
    """Whether updates need a MAC under the directory's maintenance key (line protection 线路保护)."""
    templates: bool = False
    """Whether the records are templates 70 of payment data objects, which the content gives as tables by tag."""
    personal: bool = False
    """Whether a transparent file that anyone may read tells of the holder, so that traces hide it."""
    log_format: str | None = None
    """Tag of the data object that lists what a record of this cyclic file holds: 9F4F or DF4F."""
    extended: ExtendedFile | None = None
    """Set in a file of the extended application; a variable one has ``size``, the bytes that its records may take."""
    is_directory: bool = False
    """目录文件 DIR: a variable file whose records, a template 70 for each ADF, follow from the directories below."""
    usage: Literal["in use", "preset", "reserved", "optional", "local"] = "in use"
    """类别: 启用, 预设, 预留; ``optional`` for Annex B, ``local`` for extensions."""
    confidence: str = "S"
    present: bool = True

    @model_validator(mode="after")
    def _consistent(self) -> File:
        needed: dict[str, tuple[str, ...]] = {
            "transparent": ("size",),
            "internal": ("size",),
            "variable": ("elements",),
            "fixed": ("elements",),
            "cyclic": ("layout", "records"),
        }
        if (self.is_directory or self.templates) and self.structure != "variable":
            raise ValueError(f"a {'directory file' if self.is_directory else 'file of templates'} is a variable file")
        if self.log_format is not None and (self.structure != "cyclic" or self.layout):
            raise ValueError("log_format belongs to a cyclic file without layout")
        if self.extended is not None:
            return self._extended()
        for name in ("size", "elements", "layout", "records"):
            given = bool(getattr(self, name))
            if (self.structure, name) == ("internal", "layout") or (name == "layout" and self.log_format):
                continue
            if given != (name in needed[self.structure] and not self.is_directory and not self.templates):
                raise ValueError(f"a {self.structure} file {'takes no' if given else 'needs'} {name}")
        return self

    def _extended(self) -> File:
        if self.structure not in ("variable", "cyclic"):
            raise ValueError("a file of the extended application is variable or cyclic")
        if self.templates or self.is_directory or self.log_format or self.elements or self.layout:
            raise ValueError("a file of the extended application takes no elements, layout, templates or log format")
        needed, other = ("records", "size") if self.structure == "cyclic" else ("size", "records")
        for name in (needed, other):
            if bool(getattr(self, name)) != (name == needed):
                raise ValueError(f"a {self.structure} file of the extended application needs {needed}, and no {other}")
        return self

    @property
    def short_identifier(self) -> int:
        """Short file identifier, 1 to 30; 0 or 31 names no file."""
        return self.sfi if self.sfi is not None else self.fid[1] & 0x1F


CONTACTLESS_FEATURE = "contactless"


class Certificates(Table):
    """What a certificate application has besides files, keys and PINs (reconstructed specification §3.3)."""

    generate: Access
    """Who may generate the signature key pair and import the encryption key pair."""
    use: Access
    """Who may sign and decipher."""
    initial_administrator_pin: Annotated[str, Field(pattern=r"^\d{4,16}$")]
    """The PIN that the application has before it is issued; an issued card has another."""
    initial_master_key: Annotated[HexBytes, Field(min_length=16, max_length=16)]
    """The master key before issue; an issued card has another."""
    settings: CertificateSettings = CertificateSettings()


class SecureAccessModule(Table):
    """Whose keys an application of a secure access module 安全存取模块 (PSAM) holds (reconstructed specification §3.2)."""

    cards: str
    """Card product, by name or as a profile file, whose keys it holds: those with a ``sam`` entry, at their upper level."""
    without: Names = ()
    """Names of keys that it does not hold: modules differ by content (vol. 2 §7.10)."""


class Directory(Table):
    """MF, DDF or ADF."""

    fid: FileIdentifier
    kind: Literal["MF", "DDF", "ADF"]
    parent: str | None = None
    aid: Annotated[HexBytes, Field(max_length=16)] | None = None
    """DF name for SELECT P1=04."""
    label: str | None = None
    """应用标签 in the directory file (tag 50)."""
    title: Text
    interface: Literal["both", "contact", "contactless"] = "both"
    """Where SELECT finds the directory; what lies in it is found anyway."""
    application: str
    """Which application's commands work here, e.g. ``social security``."""
    directory_file: int | None = None
    """SFI of the directory file DIR, announced as tag 88 in the answer of SELECT."""
    proprietary: HexBytes = b""
    """Further objects inside tag A5 of the answer of SELECT, e.g. ``9F0C 03 860103``."""
    template: HexBytes = b""
    """Further objects inside the template 6F of that answer, behind A5."""
    file: dict[str, File] = Field(default_factory=dict)
    key: dict[str, Key] = Field(default_factory=dict)
    pin: dict[str, Pin] = Field(default_factory=dict)
    data: dict[str, str] = Field(default_factory=dict)
    """Data objects of a payment application by tag, written as the dictionary says."""
    payment: Payment | None = None
    certificates: Certificates | None = None
    sam: SecureAccessModule | None = None
    personalisation: Personalisation | None = None
    """Set where the application waits for its personalisation; it has then neither ``payment`` nor files, keys and PIN."""
    lock_key: str | None = None
    """Key whose authentication APPLICATION BLOCK or CARD BLOCK needs (LK, BK)."""
    maintenance_key: str | None = None
    """Key of maintenance MACs (STK)."""
    confidence: str = "S"
    present: bool = True


class TestKeys(Table):
    """Where the root keys come from. Published test keys only; real ones by reference."""

    seed: str = "sscard published test keys"
    """Root key of (name, version) = left bytes of SM3(seed ‖ '/' ‖ name ‖ '/' ‖ version)."""
    value: dict[str, str] = Field(default_factory=dict)
    """Overrides by ``NAME.version``: hexadecimal digits, ``env:VARIABLE`` or ``file:PATH``."""


class Profile(Table):
    """A card product."""

    format: Literal[1]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")]
    title: Text
    specification: Literal["1.00", "2.00", "2.01", "3.00"]
    """规范版本 that the card announces in SSSE/EF05 tag 03."""
    algorithm: Literal["3DES", "SM4"]
    life_cycle: Literal["blank", "initialised", "pre-made", "personalised"]
    features: Names = ()
    """Optional functions the product declares, in the catalogue's words."""
    chip: Chip
    issuer: Issuer
    settings: Settings = Settings()
    test_keys: TestKeys = TestKeys()
    directory: dict[str, Directory]
    content: dict[str, dict[str, dict[str, Any]]] = Field(default_factory=dict)
    """Values by directory, file and tag; a list where a tag repeats; ``records`` for cyclic, ``data`` for transparent."""

    @property
    def has_antenna(self) -> bool:
        """Whether the card declares a contactless interface."""
        return CONTACTLESS_FEATURE in self.features

    def above(self, name: str) -> tuple[str, ...]:
        """The directories above one, nearest first; ends where a name leads nowhere or into a circle."""
        found: list[str] = []
        parent = self.directory[name].parent
        while parent in self.directory and parent not in found:
            found.append(parent)
            parent = self.directory[parent].parent
        return tuple(found)
