"""Keys and key versions 密钥与密钥版本 (LD/T 6001.3 9.1 to 9.3): secrecy, versions, identifiers, purpose."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import permutations

from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Case, Kind, Suite
from conformance.dialogue import (
    FilePlace,
    apdu,
    authenticate,
    external_authentication,
    file_places,
    get_challenge,
    open_directory,
    prove,
    read_first,
    select_identifier,
    update_first,
    verify,
)
from conformance.failures import NotApplicable
from conformance.maintenance import (
    WRONG,
    KeyPlace,
    authentication_keys,
    expect_untouched,
    key_place,
    open_pin,
    own_directories,
)
from emulator.iso7816 import SW
from profiles.model import Profile, Text

SUITE = Suite("keys", "密钥与密钥版本", "Keys and key versions")

VERSIONS = (1, 2, 3)
UNKNOWN_VERSIONS = (4, 0xFF)
ABSENT_KEY = 0x7F
UPDATE_KEY = "UKSSSE"
KEY_FILES = (bytes.fromhex("EF80"), bytes.fromhex("0000"))
UNREADABLE = Expectation((SW.INCOMPATIBLE_WITH_FILE_STRUCTURE, SW.SECURITY_STATUS_NOT_SATISFIED, SW.FILE_NOT_FOUND))
UNKNOWN_KEY = Expectation((SW.REFERENCED_DATA_NOT_FOUND, SW.KEY_INDEX_NOT_SUPPORTED))
WRONG_PURPOSE = Expectation(
    (
        SW.INCOMPATIBLE_WITH_FILE_STRUCTURE,
        SW.REFERENCED_DATA_NOT_FOUND,
        SW.SECURITY_STATUS_NOT_SATISFIED,
        SW.KEY_INDEX_NOT_SUPPORTED,
    )
)


@SUITE.case(
    "KEY/unreadable/BI",
    "密钥文件不可读",
    "Key files cannot be read",
    requirements=["SSC-KEY-001"],
    kind=Kind.INVALID,
    expected=(
        "密钥文件不可选择，或读取返回 6981 或 6982",
        "a key file cannot be selected, or reading it gives 6981 or 6982",
    ),
)
def unreadable(bench: Bench) -> None:
    """Neither a verified PIN nor an authenticated key makes a key file readable."""
    open_pin(bench)
    for directory in own_directories(bench.profile):
        described = bench.profile.directory[directory]
        if described.kind == "MF":
            continue
        open_directory(bench, directory)
        internal = {file.fid for file in described.file.values() if file.structure == "internal"}
        for fid in sorted(internal | set(KEY_FILES)):
            bench.need(verify(bench), "验证个人密码", "VERIFY")
            if bench.send(select_identifier(fid, 0x02)).sw != SW.SUCCESS:
                continue
            for command in (apdu(0, 0xB2, 1, 4, ne=256), apdu(0, 0xB0, 0, 0, ne=256)):
                bench.expect(
                    bench.send(command),
                    UNREADABLE,
                    f"读 {directory}/{fid.hex().upper()}",
                    f"reading {directory}/{fid.hex().upper()}",
                    requirement="SSC-KEY-001",
                )


# Versions: a case for each key and version


def _opened_by(bench: Bench, place: KeyPlace) -> FilePlace | None:
    """A file that the key alone opens, for reading or, unless it is cyclic, for updating."""
    for found in file_places({place.directory: bench.profile.directory[place.directory]}):
        if frozenset((place.name,)) in found.file.read.alternatives:
            return found
        if found.file.structure != "cyclic" and frozenset((place.name,)) in found.file.update.alternatives:
            return found
    return None


def _version(bench: Bench, place: KeyPlace, version: int) -> None:
    """Authenticate with one version of a key, and use the right that it gives."""
    requirement = f"SSC-KEY-{version + 1:03d}"
    open_directory(bench, place.directory)
    opened = _opened_by(bench, place)
    reads = opened is not None and frozenset((place.name,)) in opened.file.read.alternatives
    old = b""
    if opened is not None and not reads:
        for name in sorted(opened.file.read.alternatives[0]):
            prove(bench, name)
        old = bench.need(read_first(bench, opened.file), f"读 {opened.path}", f"reading {opened.path}").data
    bench.expect(
        authenticate(bench, place.name, version=version),
        GOOD,
        f"用 {place.name} 版本 {version} 外部认证",
        f"EXTERNAL AUTHENTICATE with version {version} of {place.name}",
        requirement=requirement,
    )
    if opened is None or not (reads or old):
        return
    answer = read_first(bench, opened.file) if reads else update_first(bench, opened.file, old)
    if reads and opened.file.structure == "cyclic" and answer.sw == SW.RECORD_NOT_FOUND:
        return
    bench.expect(
        answer,
        GOOD,
        f"{'读' if reads else '写'} {opened.path}",
        f"{'reading' if reads else 'updating'} {opened.path}",
        requirement=requirement,
    )


@SUITE.cases_from
def versions(profile: Profile) -> Iterable[Case]:
    """Every key in every version that the product declares."""
    for version in VERSIONS:
        for place in authentication_keys(profile):
            if version <= place.key.versions:
                yield Case(
                    identifier=f"KEY/version-{version}/{place.directory}-{place.name}/BV",
                    title=Text(
                        zh=f"{place.directory} 密钥 {place.reference:02X} {place.name} 版本 {version}",
                        en=f"Key {place.reference:02X} {place.name} of {place.directory}, version {version}",
                    ),
                    requirements=(f"SSC-KEY-{version + 1:03d}",),
                    kind=Kind.VALID,
                    expected=Text(zh="认证成功并获得相应权限 9000", en="it authenticates and gives its right, 9000"),
                    body=partial(_version, place=place, version=version),
                )


@SUITE.case(
    "KEY/unknown-version/BI",
    "未知密钥版本",
    "Unknown key version",
    requirements=["SSC-KEY-005"],
    kind=Kind.INVALID,
    expected=("拒绝 6A88，错误计数不变", "refused with 6A88, and no try is lost"),
)
def unknown_version(bench: Bench) -> None:
    """A version byte that names no version is neither right nor wrong."""
    open_directory(bench, key_place(bench, UPDATE_KEY).directory)
    for version in UNKNOWN_VERSIONS:
        data = bench.keys.external_authentication(UPDATE_KEY, get_challenge(bench), with_version=False)
        bench.expect(
            external_authentication(bench, UPDATE_KEY, data + bytes([version])),
            int(bench.profile.settings.unknown_key_answer, 16),
            f"版本字节 {version:02X}",
            f"version byte {version:02X}",
            requirement="SSC-KEY-005",
        )
        expect_untouched(bench, UPDATE_KEY, "错误计数", "tries of the key", requirement="SSC-KEY-005")


@SUITE.case(
    "KEY/default-version/BV",
    "默认密钥版本",
    "Default key version",
    requirements=["SSC-KEY-006"],
    kind=Kind.VALID,
    expected=("无版本字节时只有默认版本认证成功", "without a version byte only the default version authenticates"),
)
def default_version(bench: Bench) -> None:
    """Lc 10: the version that the profile declares as the default, 1 unless it says otherwise."""
    place = key_place(bench, UPDATE_KEY)
    open_directory(bench, place.directory)
    for version in range(1, place.key.versions + 1):
        default = version == bench.profile.settings.default_key_version
        bench.expect(
            authenticate(bench, UPDATE_KEY, version=version, with_version=False),
            GOOD if default else WRONG,
            f"无版本字节，版本 {version} 的密文",
            f"no version byte, cryptogram of version {version}",
            requirement="SSC-KEY-006",
        )
        bench.need(authenticate(bench, UPDATE_KEY), "外部认证", "EXTERNAL AUTHENTICATE")


@SUITE.case(
    "KEY/versions-apart/BI",
    "密钥版本相互独立",
    "Versions are independent",
    requirements=["SSC-KEY-007"],
    kind=Kind.INVALID,
    expected=("一个版本的密文在另一版本字节下失败 63Cx", "the cryptogram of one version fails under another, 63Cx"),
)
def versions_apart(bench: Bench) -> None:
    """Every pair of versions, of one key of each directory that has several."""
    judged: set[str] = set()
    for place in authentication_keys(bench.profile):
        if place.directory in judged or place.key.versions == 1:
            continue
        judged.add(place.directory)
        open_directory(bench, place.directory)
        for made, named in permutations(range(1, place.key.versions + 1), 2):
            data = bench.keys.external_authentication(
                place.name, get_challenge(bench), version=made, with_version=False
            )
            bench.expect(
                external_authentication(bench, place.name, data + bytes([named])),
                WRONG,
                f"{place.name}：版本 {made} 的密文，版本字节 {named:02X}",
                f"{place.name}: cryptogram of version {made} under version byte {named:02X}",
                requirement="SSC-KEY-007",
            )
            bench.need(authenticate(bench, place.name), "外部认证", "EXTERNAL AUTHENTICATE")
    if not judged:
        raise NotApplicable("没有多版本密钥", "no key has several versions")


# References and purpose


@SUITE.case(
    "KEY/unknown-key/BI",
    "密钥标识不存在",
    "Unknown key identifier",
    requirements=["SSC-KEY-008"],
    kind=Kind.INVALID,
    expected=("拒绝 6A88（允许 9403）", "refused with 6A88; 9403 is tolerated"),
)
def unknown_key(bench: Bench) -> None:
    """Key identifiers that no key has, in the environment and in an application below it."""
    for directory in {key_place(bench, UPDATE_KEY).directory: 0, "DF01": 0x80}:
        if directory not in bench.profile.directory:
            continue
        open_directory(bench, directory)
        top = 0x80 if bench.profile.directory[directory].kind == "ADF" else 0
        data = bench.keys.external_authentication(UPDATE_KEY, get_challenge(bench))
        bench.expect(
            bench.send(apdu(0, 0x82, 0, ABSENT_KEY | top, data)),
            UNKNOWN_KEY,
            f"{directory} 密钥标识 {ABSENT_KEY | top:02X}",
            f"key identifier {ABSENT_KEY | top:02X} in {directory}",
            requirement="SSC-KEY-008",
        )


@SUITE.case(
    "KEY/purpose/BO",
    "密钥用途",
    "Keys serve one purpose",
    requirements=["SSC-KEY-009"],
    kind=Kind.INOPPORTUNE,
    expected=("用于其他功能时拒绝 6981、6A88 或 6982", "refused for any other function with 6981, 6A88 or 6982"),
)
def purpose(bench: Bench) -> None:
    """IRK and STK open nothing, an update key proves nothing of the card.

    A master key may share an identifier; it then takes the foreign cryptogram for a wrong one.
    """
    directory = key_place(bench, UPDATE_KEY).directory
    open_directory(bench, directory)
    held = bench.profile.directory[directory].key
    masters = {key.kid: name for name, key in held.items() if key.use == "master"}
    for place in (KeyPlace(directory, name, key) for name, key in held.items() if key.kid is not None):
        if place.key.use in ("internal authentication", "maintenance"):
            master = masters.get(place.key.kid)
            bench.expect(
                authenticate(bench, place.name),
                Expectation(WRONG_PURPOSE.words, WRONG.families if master else ()),
                f"用 {place.name} 外部认证",
                f"EXTERNAL AUTHENTICATE with {place.name}",
                requirement="SSC-KEY-009",
            )
            if master:
                authenticate(bench, master)
        elif place.key.use == "external authentication":
            bench.expect(
                bench.send(apdu(0, 0x88, 0, place.reference, bytes(16), 8)),
                WRONG_PURPOSE,
                f"用 {place.name} 内部认证",
                f"INTERNAL AUTHENTICATE with {place.name}",
                requirement="SSC-KEY-009",
            )


@SUITE.case(
    "KEY/local-reference/BO",
    "局部密钥标识",
    "Key identifiers of a directory",
    requirements=["SSC-KEY-012"],
    kind=Kind.INOPPORTUNE,
    expected=(
        "P2 最高位为 1 指当前 DF 的密钥，为 0 指 SSSE 的密钥",
        "with the top bit of P2 set a key of the current DF is meant, with the bit clear one of SSSE",
    ),
)
def local_reference(bench: Bench) -> None:
    """The same P2 in the DF that has the key, in SSSE, and in another DF."""
    place = next((found for found in authentication_keys(bench.profile) if found.reference & 0x80), None)
    if place is None:
        raise NotApplicable("没有应用内的认证密钥", "no application has an authentication key")
    open_directory(bench, place.directory)
    for name in (place.name, UPDATE_KEY):
        bench.expect(
            authenticate(bench, name),
            GOOD,
            f"在 {place.directory} 用 {name} 外部认证",
            f"EXTERNAL AUTHENTICATE with {name} in {place.directory}",
            requirement="SSC-KEY-012",
        )
    open_directory(bench, "SSSE")
    bench.expect(
        authenticate(bench, place.name),
        UNKNOWN_KEY,
        f"在 SSSE 用 P2={place.reference:02X} 外部认证",
        f"EXTERNAL AUTHENTICATE with P2 {place.reference:02X} in SSSE",
        requirement="SSC-KEY-012",
    )
    for other in authentication_keys(bench.profile):
        if other.reference == place.reference and other.directory != place.directory:
            open_directory(bench, other.directory)
            bench.expect(
                authenticate(bench, place.name),
                WRONG,
                f"在 {other.directory} 用 {place.name} 的密文",
                f"cryptogram of {place.name} in {other.directory}",
                requirement="SSC-KEY-012",
            )
            bench.need(authenticate(bench, other.name), "外部认证", "EXTERNAL AUTHENTICATE")
