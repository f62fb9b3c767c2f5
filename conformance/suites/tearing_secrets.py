"""Tear protection of PIN, keys and blocks 防拔: old or new after every cut."""

from __future__ import annotations

from collections.abc import Callable

from conformance.actors.key_service import KeyService
from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.dialogue import (
    apdu,
    authenticate,
    declared_pin,
    external_authentication,
    file_places,
    get_challenge,
    open_directory,
    pin_bytes,
    read_first,
    satisfy,
    select,
    update_first,
    verify,
)
from conformance.failures import Inconclusive, NotApplicable
from conformance.maintenance import (
    APPLICATION_BLOCK,
    APPLICATION_BLOCK_FOR_GOOD,
    CARD_BLOCK,
    change_pin,
    declared_pin_again,
    historical,
    key_limit,
    key_place,
    lock_key,
    maintenance_key,
    open_key,
    open_pin,
    pin_place,
    protected,
    prove_unblocking_key,
    reload_command,
    tries,
    wrong_pin,
)
from conformance.tearing import every_cut
from emulator.crypto import encrypt_ecb, mac, pad_length_prefixed
from emulator.iso7816 import SW, Response

SUITE = Suite("tearing of secrets", "密码、密钥与锁定的防拔", "Tear protection of PIN, keys and blocks")

KEY, ENVIRONMENT = "UKSSSE", "SSSE"
WRITE_KEY = bytes.fromhex("84D40000")
NEW_KEY = bytes.fromhex("5A" * 16)
EXTERNAL_AUTHENTICATION_USE = 0x00


# The PIN


def _one_pin_is_right(bench: Bench, write: int, old: str, new: str, requirement: str) -> None:
    """Exactly one of the two PINs is right, and the counter is sound: full, or one try below it for the cut."""
    place = pin_place(bench)
    when_zh, when_en = f"第 {write} 次写入断电后", f"after a cut at write {write}"
    open_directory(bench, place.directory)
    third = wrong_pin(new)
    bench.expect(
        verify(bench, third),
        Expectation(tuple(tries(place.limit, lost).words[0] for lost in (1, 2))),
        f"{when_zh}的剩余次数",
        f"tries {when_en}",
        requirement=requirement,
    )
    right = [digits for digits in (old, new) if verify(bench, digits).sw == SW.SUCCESS]
    bench.check(
        len(right) == 1,
        f"{when_zh}有效的密码个数",
        f"number of PINs that are right {when_en}",
        expected=1,
        received=len(right),
        requirement=requirement,
    )
    if new in right:
        change_pin(bench, new, old)


def _pin_case(bench: Bench, make: Callable[[str, str], bytes], requirement: str) -> None:
    """Cut a command that sets another PIN, with a try lost before it."""
    old = declared_pin(bench)
    new = wrong_pin(old)

    def prepare() -> bytes:
        open_pin(bench, wrong=3)
        return make(old, new)

    def undisturbed(answer: Response) -> None:
        bench.expect(answer, GOOD, "未断电", "not cut", requirement=requirement)
        bench.expect(verify(bench, new), GOOD, "新密码", "the new PIN", requirement=requirement)
        bench.need(change_pin(bench, new, old), "改回原密码", "CHANGE PIN")

    with declared_pin_again(bench, new):
        cuts = every_cut(
            bench, prepare, lambda write: _one_pin_is_right(bench, write, old, new, requirement), undisturbed
        )
    _expect_writes(cuts)


def _expect_writes(cuts: int) -> None:
    if not cuts:
        raise Inconclusive("命令没有任何写入", "the command caused no write at all")


@SUITE.case(
    "TEAR/change-PIN/BV",
    "修改密码防拔",
    "Tear during CHANGE PIN",
    requirements=["SSC-TEAR-005"],
    kind=Kind.VALID,
    expected=("每次断电后新旧密码恰有一个有效", "after every cut exactly one of the two PINs is right"),
    needs_tearing=True,
)
def change(bench: Bench) -> None:
    """CHANGE PIN cut at every write."""
    _pin_case(
        bench,
        lambda old, new: apdu(0x80, 0x5E, 1, 0, pin_bytes(old) + b"\xff" + pin_bytes(new)),
        "SSC-TEAR-005",
    )


@SUITE.case(
    "TEAR/reload-PIN/BV",
    "重装密码防拔",
    "Tear during RELOAD PIN",
    requirements=["SSC-TEAR-006"],
    kind=Kind.VALID,
    expected=(
        "每次断电后新旧密码恰有一个有效，次数有效",
        "after every cut exactly one of the two PINs is right and the counter is sound",
    ),
    needs_tearing=True,
)
def reload(bench: Bench) -> None:
    """RELOAD PIN cut at every write."""

    def make(_: str, new: str) -> bytes:
        prove_unblocking_key(bench)
        return reload_command(bench, get_challenge(bench), new)

    _pin_case(bench, make, "SSC-TEAR-006")


# A key


class _KeyCentre(KeyService):
    """The key centre, which replaces a key of an issued card under the master key of its directory."""

    def replacement(self, master: str, name: str, challenge: bytes, value: bytes) -> bytes:
        """WRITE KEY: E(MK, LD ‖ header ‖ key ‖ padding) ‖ MAC with MK and the challenge as initial vector (vol. 2 §3.7)."""
        described = self.describe(name)
        reference = described.kid[0] if described.kid else 0
        limit = key_limit(self.profile, described)
        header = bytes([EXTERNAL_AUTHENTICATION_USE, reference, 1, 0, limit << 4 | limit, 0, 0, len(value)])
        key, size = self._card_key(master, 1), self.algorithm.block_size
        enciphered = encrypt_ecb(self.algorithm, key, pad_length_prefixed(header + value, size))
        covered = WRITE_KEY + bytes([len(enciphered) + 4]) + enciphered
        iv = challenge.ljust(size, b"\0")
        return covered + mac(self.algorithm, key, covered, iv=iv, fold=self.profile.settings.sm4_mac_fold)

    def old_value_again(self, master: str, name: str, challenge: bytes) -> bytes:
        """WRITE KEY with the value that the key had."""
        return self.replacement(master, name, challenge, self._card_key(name, 1))

    def with_value(self, name: str, value: bytes) -> KeyService:
        """A key service that takes another value for version 1 of a key."""
        other = _KeyCentre(self.profile, self.historical, self.city_code)
        other._cards_keys[name, 1, self.describe(name).levels] = value
        return other


@SUITE.case(
    "TEAR/write-key/BV",
    "密钥更新防拔",
    "Tear during WRITE KEY",
    requirements=["SSC-TEAR-007"],
    kind=Kind.VALID,
    expected=("每次断电后新旧密钥恰有一个有效", "after every cut exactly one of the two key values works"),
    needs_tearing=True,
)
def write_key(bench: Bench) -> None:
    """The vendor's WRITE KEY with MAC, cut at every write; inconclusive on a card whose WRITE KEY is another one."""
    place = key_place(bench, KEY)
    described = bench.profile.directory[place.directory]
    master = next((name for name, key in described.key.items() if key.use == "master"), None)
    if master is None:
        raise NotApplicable(f"{place.directory} 没有主控密钥", f"{place.directory} has no master key")
    centre = _KeyCentre(bench.profile, historical(bench))
    services = (bench.keys, centre.with_value(KEY, NEW_KEY))
    open_key(bench, KEY)
    for make in (centre.replacement, centre.old_value_again):
        value = (NEW_KEY,) if make == centre.replacement else ()
        bench.need(bench.send(make(master, KEY, get_challenge(bench), *value)), "更新密钥", "WRITE KEY")

    def prepare() -> bytes:
        open_key(bench, KEY)
        return centre.replacement(master, KEY, get_challenge(bench), NEW_KEY)

    def works(service: KeyService) -> bool:
        data = service.external_authentication(KEY, get_challenge(bench))
        return external_authentication(bench, KEY, data).sw == SW.SUCCESS

    def one_works(write: int) -> None:
        open_directory(bench, place.directory)
        working = [service for service in services if works(service)]
        bench.check(
            len(working) == 1,
            f"第 {write} 次写入断电后有效的密钥值个数",
            f"number of key values that work after a cut at write {write}",
            expected=1,
            received=len(working),
            requirement="SSC-TEAR-007",
        )
        if not bench.target.renewable:
            bench.send(centre.old_value_again(master, KEY, get_challenge(bench)))

    def undisturbed(answer: Response) -> None:
        bench.expect(answer, GOOD, "未断电", "not cut", requirement="SSC-TEAR-007")
        bench.check(
            works(services[1]), "新密钥", "the new key value", expected="9000", received="—", requirement="SSC-TEAR-007"
        )
        bench.need(bench.send(centre.old_value_again(master, KEY, get_challenge(bench))), "恢复密钥", "WRITE KEY")

    _expect_writes(every_cut(bench, prepare, one_works, undisturbed))


# Blocks


@SUITE.case(
    "TEAR/application-block/BV",
    "应用锁定防拔",
    "Tear during APPLICATION BLOCK",
    requirements=["SSC-TEAR-008"],
    kind=Kind.VALID,
    expected=(
        "每次断电后应用完全锁定或完全可用",
        "after every cut the application is completely blocked or fully usable",
    ),
    destructive=True,
    needs_tearing=True,
)
def application_block(bench: Bench) -> None:
    """For a time and for good, cut at every write."""
    directory = next((n for n, d in bench.profile.directory.items() if d.kind == "ADF" and d.lock_key), None)
    if directory is None:
        raise NotApplicable("没有可锁定的应用", "no application has a lock key")
    file = next(f for f in file_places({directory: bench.profile.directory[directory]}) if not f.file.read.is_never)
    for header in (APPLICATION_BLOCK, APPLICATION_BLOCK_FOR_GOOD):

        def prepare(header: bytes = header) -> bytes:
            bench.renew()
            open_directory(bench, directory)
            name = lock_key(bench, directory)
            bench.need(authenticate(bench, name), f"用 {name} 外部认证", f"EXTERNAL AUTHENTICATE with {name}")
            return protected(bench, maintenance_key(bench, directory), get_challenge(bench), header)

        def whole(write: int) -> None:
            open_directory(bench, ENVIRONMENT)
            bench.need(verify(bench), "验证个人密码", "VERIFY")
            selected = select(bench, directory).sw
            usable = selected == SW.SUCCESS
            if usable and not file.file.read.is_free:
                satisfy(bench, file.file.read)
            answer = read_first(bench, file.file)
            bench.check(
                usable is (answer.sw == SW.SUCCESS),
                f"第 {write} 次写入断电后：选择与读取一致",
                f"SELECT and READ agree after a cut at write {write}",
                expected="9000 9000 / blocked blocked",
                received=f"{selected:04X} {answer.sw:04X}",
                requirement="SSC-TEAR-008",
            )
            written = update_first(bench, file.file, answer.data or b"\0")
            bench.check(
                written.sw != SW.SUCCESS,
                f"第 {write} 次写入断电后：无权限不可更新",
                f"no update without its right after a cut at write {write}",
                expected="6982",
                received=f"{written.sw:04X}",
                requirement="SSC-TEAR-008",
            )

        _expect_writes(every_cut(bench, prepare, whole, lambda answer: _blocked(bench, answer)))


def _blocked(bench: Bench, answer: Response) -> None:
    bench.expect(answer, GOOD, "未断电", "not cut", requirement="SSC-TEAR-008")


@SUITE.case(
    "TEAR/card-block/BV",
    "卡锁定防拔",
    "Tear during CARD BLOCK",
    requirements=["SSC-TEAR-008"],
    kind=Kind.VALID,
    expected=("每次断电后卡片完全锁定或完全可用", "after every cut the card is completely blocked or fully usable"),
    destructive=True,
    needs_tearing=True,
)
def card_block(bench: Bench) -> None:
    """CARD BLOCK cut at every write."""

    def prepare() -> bytes:
        bench.renew()
        open_directory(bench, ENVIRONMENT)
        name = lock_key(bench, ENVIRONMENT)
        bench.need(authenticate(bench, name), f"用 {name} 外部认证", f"EXTERNAL AUTHENTICATE with {name}")
        return protected(bench, maintenance_key(bench, ENVIRONMENT), get_challenge(bench), CARD_BLOCK)

    def whole(write: int) -> None:
        selected = select(bench, ENVIRONMENT).sw
        answers = {
            verify(bench).sw,
            bench.send(apdu(0, 0x84, 0, 0, ne=8)).sw,
            bench.send(apdu(0, 0xB2, 1, 0x2C, ne=256)).sw,
        }
        bench.check(
            answers == {selected} and selected in (SW.SUCCESS, SW.FUNCTION_NOT_SUPPORTED),
            f"第 {write} 次写入断电后：各命令一致",
            f"all commands agree after a cut at write {write}",
            expected="9000 / 6A81",
            received=" ".join(f"{sw:04X}" for sw in sorted({selected, *answers})),
            requirement="SSC-TEAR-008",
        )

    _expect_writes(every_cut(bench, prepare, whole, lambda answer: _blocked(bench, answer)))
