"""What a chip consists of: directories, elementary files, keys and PINs, as immutable descriptions.

The description says what there is and who may do what; the contents and the counters live in the cells of
:class:`~emulator.cos.memory.Memory`, under the names given here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, TypeAlias

from pydantic import ConfigDict, TypeAdapter

from emulator.crypto import Algorithm
from profiles.certificate_settings import CertificateSettings
from profiles.payment_settings import PaymentSettings
from profiles.settings import Settings

CONTACT, CONTACTLESS, BOTH_INTERFACES = "contact", "contactless", "both"
STRUCTURE_CELL = "structure"
CARD_STATE_CELL = "card state"

AccessRule: TypeAlias = tuple[tuple[int, int], ...]
"""Alternatives of (bits needed in the global security word, bits needed in the local one); none at all: never."""

FREE: AccessRule = ((0, 0),)
NEVER: AccessRule = ()

_HEX = ConfigDict(ser_json_bytes="hex", val_json_bytes="hex", extra="forbid")


class CardState:
    """Values of the cell ``card state``."""

    INITIALISING: ClassVar[int] = 0
    OPERATIONAL: ClassVar[int] = 1
    TERMINATED: ClassVar[int] = 2


class DirectoryState:
    """Values of the state cell of a directory."""

    CREATION: ClassVar[int] = 0
    OPERATIONAL: ClassVar[int] = 1
    BLOCKED: ClassVar[int] = 2
    BLOCKED_FOR_GOOD: ClassVar[int] = 3
    TERMINATED: ClassVar[int] = 4
    """CARD BLOCK ended the environment of the directory; other applications of the chip go on."""
    USABLE: ClassVar[tuple[int, int]] = (CREATION, OPERATIONAL)


class FileStructure(Enum):
    """Structure of an elementary file (ISO/IEC 7816-4 §7.3.3)."""

    TRANSPARENT = "transparent"
    FIXED = "fixed"
    VARIABLE = "variable"
    CYCLIC = "cyclic"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class File:
    """An elementary file."""

    __pydantic_config__: ClassVar[ConfigDict] = _HEX

    path: str
    """Directory and file, e.g. ``SSSE/EF05``."""
    fid: int
    sfi: int
    structure: FileStructure
    read: AccessRule
    update: AccessRule
    capacity: int
    """Records of a cyclic file, bytes of a transparent or internal one, 0 where the contents decide."""
    record_length: int = 0
    """Bytes of a cyclic record, or of the longest in a file of the extended application; 0 in other files."""
    protected: bool = False
    """Whether updates need a MAC 线路保护 (vol. 2 §3.8)."""
    log_format: int = 0
    """Tag of the data object that lists what a record of a payment log holds; 0 in other files."""
    opening_key: str = ""
    """Path of the key that protects APPEND RECORD in a file of the extended application; empty in other files."""
    updatable: tuple[int, ...] | None = None
    """Numbers of the records that may be updated where not all are alike; None: all, as ``update`` says."""
    maker_made: bool = False
    """Whether the chip left its maker with it: the pre-issue DELETE takes away what pre-issue commands made, and no more."""

    @property
    def cell(self) -> str:
        """Where the contents live: bytes, or a tuple of records (newest first in a cyclic file)."""
        return "file:" + self.path


@dataclass(frozen=True, slots=True)
class Secret:
    """What a key and a PIN have in common: a bit in a security word, and a counter of tries left."""

    __pydantic_config__: ClassVar[ConfigDict] = _HEX

    path: str
    reference: int
    bit: int
    limit: int
    """Consecutive failures allowed; 0 for any number."""

    @property
    def tries_cell(self) -> str:
        """Where the remaining tries live."""
        return "tries:" + self.path


@dataclass(frozen=True, slots=True)
class Pin(Secret):
    """A PIN; its cell holds the BCD bytes without padding."""

    @property
    def cell(self) -> str:
        """Where the value lives."""
        return "pin:" + self.path


@dataclass(frozen=True, slots=True)
class Key(Secret):
    """A key with its versions; each version's cell holds the 8 or 16 bytes."""

    use: str
    versions: int
    algorithm: Algorithm | None = None
    """Block cipher of a payment key where the application has two algorithm sets; otherwise that of the application."""
    use_byte: int = 0
    """用途 of a key in a secure access module: diversification levels in the upper three bits, type in the others."""

    def cell(self, version: int) -> str:
        """Where the value of a version lives, versions counted from 1."""
        return f"key:{self.path}:{version}"


@dataclass(frozen=True, slots=True)
class CertificateRules:
    """Who may do what with the key pairs of a certificate application, and its settings."""

    __pydantic_config__: ClassVar[ConfigDict] = _HEX

    generate: AccessRule
    use: AccessRule
    settings: CertificateSettings


@dataclass(frozen=True, slots=True)
class Directory:
    """MF, DDF or ADF."""

    __pydantic_config__: ClassVar[ConfigDict] = _HEX

    name: str
    fid: int
    kind: str
    parent: str | None
    aid: bytes
    application: str
    directory_file: int | None
    proprietary: bytes
    template: bytes = b""
    """Objects of the answer of SELECT that stand in the template itself."""
    files: tuple[File, ...] = ()
    keys: tuple[Key, ...] = ()
    pins: tuple[Pin, ...] = ()
    lock_key: str | None = None
    maintenance_key: str | None = None
    unblocking_key: str = "PUK"
    """Key that opens UNBLOCK PIN and RELOAD PIN."""
    answer: bytes = b""
    """Answer of SELECT where the application makes its own; empty: it follows from name and identifiers."""
    blocked_answer: int = 0
    """Status word of SELECT while the application is blocked; where set, the application itself judges its commands then."""
    algorithm: Algorithm | None = None
    """Block cipher of the application where it differs from the card's."""
    payment: PaymentSettings | None = None
    certificates: CertificateRules | None = None
    interface: str = BOTH_INTERFACES
    """Where SELECT finds it: ``contact``, ``contactless`` or ``both``."""
    contactless_answer: bytes = b""
    """Answer of SELECT on the contactless interface where it is another; empty: the same."""
    maker_made: bool = False
    """Whether the chip left its maker with it, see :attr:`File.maker_made`."""

    @property
    def state_cell(self) -> str:
        """Where the life cycle state lives."""
        return "directory:" + self.name


@dataclass(frozen=True, slots=True)
class Structure:
    """A whole chip. Directories stand in the order of their creation, the MF first."""

    __pydantic_config__: ClassVar[ConfigDict] = _HEX

    product: str
    product_sha256: str
    atr: bytes
    historical: bytes
    protocol: str
    algorithm: Algorithm
    settings: Settings
    directories: tuple[Directory, ...] = field(default=())
    contactless: bool = False
    """Whether the chip has an antenna besides its contacts."""

    def to_json(self) -> bytes:
        """The form that an image file keeps."""
        return _ADAPTER.dump_json(self)

    @classmethod
    def from_json(cls, data: bytes) -> Structure:
        """Read back; raise :class:`ValueError` when it is none."""
        return _ADAPTER.validate_json(data)


_ADAPTER = TypeAdapter(Structure)
