"""Derivation of keys 密钥分散: levels, factors, length of the STK, algorithm, indexes of the purchase key."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from conformance.actors.key_service import KeyService
from conformance.bench import GOOD, Bench
from conformance.cases import Case, Kind, Suite
from conformance.dialogue import (
    apdu,
    authenticate,
    external_authentication,
    get_challenge,
    open_directory,
    verify,
)
from conformance.failures import Inconclusive
from conformance.maintenance import (
    MAC_REFUSED,
    UNBLOCK_PIN,
    WRONG,
    KeyPlace,
    authentication_keys,
    historical,
    key_limit,
    key_place,
    maintenance_key,
    open_pin,
    prove_unblocking_key,
    tries,
    unblock_command,
)
from conformance.probe import probe
from emulator.iso7816 import SW
from profiles.model import Profile, Text

SUITE = Suite("key derivation", "密钥分散与算法", "Key derivation and algorithm")

UPDATE_KEY, INTERNAL_KEY = "UKSSSE", "IRK"
STK_LENGTH = {"3DES": 8, "SM4": 16}
OTHER_ALGORITHM = {"SM4": "3DES", "3DES": "SM4"}
FACTOR, SOURCE = bytes.fromhex("1122334455667788"), bytes.fromhex("0102030405060708")
INITIALIZE_FOR_PURCHASE = (0xB0, 0x28, 0x01, 0x01)
INITIALIZED_LENGTH = 22
TERMINAL = bytes.fromhex("500000000001")
PURCHASE_INDEXES, ABSENT_INDEX = (1, 2, 3), 4


class _OtherCipher(KeyService):
    """The card's own keys, used under the other algorithm: what a card accepts that kept an older cipher."""

    def __init__(self, own: KeyService, algorithm: str) -> None:
        super().__init__(own.profile.model_copy(update={"algorithm": algorithm}), own.historical)
        self._own = own

    def _card_key(self, name: str, version: int, levels: int | None = None) -> bytes:
        return self._own._card_key(name, version, levels)


def _wrong_then_right(
    bench: Bench,
    place: KeyPlace,
    service: KeyService,
    zh: str,
    en: str,
    requirement: str,
    levels: int | None = None,
) -> None:
    """A cryptogram of a key that was derived in another way fails; the right key opens, and restores the counter."""
    data = service.external_authentication(place.name, get_challenge(bench), levels=levels)
    bench.expect(
        external_authentication(bench, place.name, data),
        tries(key_limit(bench.profile, place.key), 1),
        f"{place.name}：{zh}",
        f"{place.name}: {en}",
        requirement=requirement,
    )
    bench.expect(
        authenticate(bench, place.name),
        GOOD,
        f"{place.name}：{place.key.levels} 级分散",
        f"{place.name}: {place.key.levels} levels",
        requirement=requirement,
    )


def _levels(bench: Bench, place: KeyPlace) -> None:
    """Every other number of factors fails."""
    open_directory(bench, place.directory)
    for levels in range(4):
        if levels != place.key.levels:
            _wrong_then_right(
                bench, place, bench.keys, f"{levels} 级分散", f"{levels} levels", "SSC-KEY-010", levels=levels
            )


@SUITE.cases_from
def levels(profile: Profile) -> Iterable[Case]:
    """Every authentication key with every number of levels."""
    for place in authentication_keys(profile):
        use = f"PSAM {place.key.sam}" if place.key.sam else "—"
        yield Case(
            identifier=f"KEY/levels/{place.directory}-{place.name}/BI",
            title=Text(
                zh=f"{place.name}（{use}）的分散级数 {place.key.levels}",
                en=f"Diversification levels of {place.name} ({use}): {place.key.levels}",
            ),
            requirements=("SSC-KEY-010",),
            kind=Kind.INVALID,
            expected=Text(
                zh="级数正确 9000，级数错误 63Cx", en="9000 with the stated number of factors, 63Cx with any other"
            ),
            body=partial(_levels, place=place),
        )


def _other_digit(code: str, position: int) -> str:
    return code[:position] + str((int(code[position]) + 1) % 10) + code[position + 1 :]


def _factors(bench: Bench, place: KeyPlace) -> None:
    """Keys derived for another card, a neighbour city and another province fail."""
    open_directory(bench, place.directory)
    bench.need(authenticate(bench, place.name), "外部认证", "EXTERNAL AUTHENTICATE")
    profile, own, city = bench.profile, historical(bench), bench.profile.issuer.city_code
    other_card = own[:-1] + bytes([own[-1] ^ 1])
    strangers = (
        ("另一张卡的分散因子", "factor of another card", KeyService(profile, other_card, city)),
        ("另一城市的分散因子", "factor of another city", KeyService(profile, own, _other_digit(city, 5))),
        ("另一省份的分散因子", "factor of another province", KeyService(profile, own, _other_digit(city, 1))),
    )
    for zh, en, service in strangers[: place.key.levels]:
        _wrong_then_right(bench, place, service, zh, en, "SSC-KEY-011")


@SUITE.cases_from
def factors(profile: Profile) -> Iterable[Case]:
    """One key of every number of levels, with the factors of others."""
    judged: set[int] = set()
    for place in authentication_keys(profile):
        if place.key.levels in judged or not place.key.levels:
            continue
        judged.add(place.key.levels)
        yield Case(
            identifier=f"KEY/factors/level-{place.key.levels}/BI",
            title=Text(
                zh=f"分散因子：{place.key.levels} 级（{place.name}）",
                en=f"Diversification factors: {place.key.levels} levels ({place.name})",
            ),
            requirements=("SSC-KEY-011",),
            kind=Kind.INVALID,
            expected=Text(zh="因子正确 9000，因子错误 63Cx", en="9000 with the right factors, 63Cx with others"),
            body=partial(_factors, place=place),
        )


@SUITE.case(
    "KEY/maintenance-key/BV",
    "应用维护密钥长度",
    "Length of the maintenance key STK",
    requirements=["SSC-KEY-018"],
    kind=Kind.VALID,
    expected=(
        "3DES 卡接受 8 字节、SM4 卡接受 16 字节 STK 的 MAC",
        "the MAC of an 8-byte STK is accepted on a 3DES card, that of a 16-byte one on an SM4 card",
    ),
)
def maintenance_key_length(bench: Bench) -> None:
    """UNBLOCK PIN with the MAC of the STK; on a 3DES card also with that of a double-length one, which fails."""
    place = open_pin(bench)
    stk = key_place(bench, maintenance_key(bench, place.directory))
    bench.check(
        stk.key.length == STK_LENGTH[bench.profile.algorithm],
        f"{stk.name} 的声明长度",
        f"declared length of {stk.name}",
        expected=STK_LENGTH[bench.profile.algorithm],
        received=stk.key.length,
        requirement="SSC-KEY-018",
    )
    prove_unblocking_key(bench)
    bench.expect(
        bench.send(unblock_command(bench, get_challenge(bench))),
        GOOD,
        f"{stk.key.length} 字节 STK 的 MAC",
        f"MAC of the STK of {stk.key.length} bytes",
        requirement="SSC-KEY-018",
    )
    if bench.profile.algorithm == "3DES":
        challenge = get_challenge(bench)
        covered = UNBLOCK_PIN + b"\x04"
        double = _with_key_length(bench.profile, stk, 16)
        mac = KeyService(double, historical(bench)).maintenance_mac(stk.name, challenge, covered)
        bench.expect(
            bench.send(covered + mac),
            MAC_REFUSED,
            "16 字节 STK 的 MAC",
            "MAC of an STK of 16 bytes",
            requirement="SSC-KEY-018",
        )
        bench.need(bench.send(unblock_command(bench, get_challenge(bench))), "解锁个人密码", "UNBLOCK PIN")


def _with_key_length(profile: Profile, place: KeyPlace, length: int) -> Profile:
    """The profile with a key of another length, its value from the seed."""
    directory = profile.directory[place.directory]
    keys = {**directory.key, place.name: place.key.model_copy(update={"length": length})}
    directories = {**profile.directory, place.directory: directory.model_copy(update={"key": keys})}
    values = {name: value for name, value in profile.test_keys.value.items() if name != f"{place.name}.1"}
    return profile.model_copy(
        update={
            "directory": directories,
            "test_keys": profile.test_keys.model_copy(update={"value": values}),
        }
    )


@SUITE.case(
    "KEY/algorithm/BI",
    "认证算法与 FCI 一致",
    "One algorithm for all authentications",
    requirements=["SSC-KEY-019"],
    kind=Kind.INVALID,
    expected=("仅接受 FCI 所示算法的密文", "only cryptograms of the algorithm that the FCI announces are accepted"),
)
def one_algorithm(bench: Bench) -> None:
    """The announced algorithm authenticates in every directory, the other one nowhere; the card itself uses it, too."""
    open_directory(bench, key_place(bench, UPDATE_KEY).directory)
    announced = probe(bench).observed.get("algorithm", "—")
    if announced not in OTHER_ALGORITHM:
        raise Inconclusive(f"FCI 所示算法 {announced} 未知", f"the FCI announces an unknown algorithm: {announced}")
    own, other = (
        KeyService(bench.profile.model_copy(update={"algorithm": algorithm}), historical(bench))
        for algorithm in (announced, OTHER_ALGORITHM[announced])
    )
    services = (
        (other, WRONG, f"{OTHER_ALGORITHM[announced]}"),
        (_OtherCipher(own, OTHER_ALGORITHM[announced]), WRONG, f"{OTHER_ALGORITHM[announced]} ({announced} key)"),
        (own, GOOD, announced),
    )
    first_of = {place.directory: place for place in reversed(list(authentication_keys(bench.profile)))}
    for place in first_of.values():
        open_directory(bench, place.directory)
        for service, expected, shown in services:
            data = service.external_authentication(place.name, get_challenge(bench), with_version=True)
            bench.expect(
                external_authentication(bench, place.name, data),
                expected,
                f"{place.name}：{shown} 密文",
                f"{place.name}: cryptogram of {shown}",
                requirement="SSC-KEY-019",
            )
    open_directory(bench, key_place(bench, INTERNAL_KEY).directory)
    answer = bench.send(apdu(0, 0x88, 0, key_place(bench, INTERNAL_KEY).reference, FACTOR + SOURCE, 8))
    genuine = own.internal_authentication(INTERNAL_KEY, FACTOR, SOURCE)
    bench.check(
        answer.data == genuine,
        f"{announced} 内部认证结果",
        f"result of INTERNAL AUTHENTICATE with {announced}",
        expected=genuine,
        received=answer.data,
        requirement="SSC-KEY-019",
    )


@SUITE.case(
    "KEY/purchase-indexes/BV",
    "消费密钥的三个索引",
    "Three indexes of the purchase key",
    requirements=["SSC-KEY-017"],
    kind=Kind.VALID,
    expected=("索引 01、02、03 成功，04 返回 9403", "indexes 01, 02 and 03 succeed, 04 gives 9403"),
)
def purchase_indexes(bench: Bench) -> None:
    """INITIALIZE FOR PURCHASE with each index of the DPK, and with one that does not exist."""
    open_directory(bench, "DF04")
    bench.need(verify(bench), "验证个人密码", "VERIFY")
    for index in (*PURCHASE_INDEXES, ABSENT_INDEX):
        data = bytes([index]) + bytes(12) + TERMINAL
        answer = bench.send(apdu(*INITIALIZE_FOR_PURCHASE, data, INITIALIZED_LENGTH))
        absent = index == ABSENT_INDEX
        bench.expect(
            answer,
            SW.KEY_INDEX_NOT_SUPPORTED if absent else GOOD,
            f"消费密钥索引 {index:02X}",
            f"index {index:02X} of the purchase key",
            requirement="SSC-KEY-017",
        )
        bench.check(
            len(answer.data) == (0 if absent else INITIALIZED_LENGTH),
            f"索引 {index:02X} 的应答长度",
            f"length of the answer for index {index:02X}",
            expected=0 if absent else INITIALIZED_LENGTH,
            received=len(answer.data),
            requirement="SSC-KEY-017",
        )
