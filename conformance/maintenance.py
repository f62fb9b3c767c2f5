"""Counters of tries and commands under a MAC 安全报文, as many suites need them beside :mod:`conformance.dialogue`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import NamedTuple

from conformance.bench import Bench, Expectation
from conformance.dialogue import (
    apdu,
    authenticate,
    declared_pin,
    environment_of,
    external_authentication,
    get_challenge,
    open_directory,
    pin_bytes,
    select,
    verify,
)
from conformance.failures import CardFailure, Inconclusive, NotApplicable
from emulator.iso7816 import SW, Response
from emulator.iso7816.status import tries_left
from profiles.applications import OWN_APPLICATIONS
from profiles.model import Directory, Key, Pin, Profile

UNBLOCKING_KEY = "PUK"
MAC_LENGTH, CARD_FACTOR_LENGTH = 4, 8
WRONG = Expectation((), families=(0x63,))
"""Any answer to a wrong PIN or cryptogram, whatever number of tries it tells."""
BLOCKED = Expectation((SW.AUTHENTICATION_METHOD_BLOCKED,))
NO_CHALLENGE = Expectation((SW.REFERENCE_DATA_NOT_USABLE,))
MAC_REFUSED = Expectation((SW.SECURE_MESSAGING_OBJECTS_INCORRECT,))


class KeyPlace(NamedTuple):
    """A key of the profile with the directory that holds it."""

    directory: str
    name: str
    key: Key

    @property
    def reference(self) -> int:
        """The key identifier that P2 carries."""
        return self.key.kid[0] if self.key.kid else 0


def authentication_keys(profile: Profile) -> Iterator[KeyPlace]:
    """Every key that EXTERNAL AUTHENTICATE names in P2, master keys left out, in the order of the profile."""
    for directory in own_directories(profile):
        for name, key in profile.directory[directory].key.items():
            if key.use == "external authentication" and key.kid is not None:
                yield KeyPlace(directory, name, key)


def own_directories(profile: Profile) -> list[str]:
    """The MF and the directories of the social security applications; others on the chip follow rules of their own."""
    return [name for name, described in profile.directory.items() if described.application in OWN_APPLICATIONS]


def key_place(bench: Bench, name: str) -> KeyPlace:
    """A key by its name; not applicable where the declared card has none."""
    for directory, described in bench.profile.directory.items():
        if name in described.key:
            return KeyPlace(directory, name, described.key[name])
    raise NotApplicable(f"卡片声明中没有密钥 {name}", f"the declared card has no key {name}")


def historical(bench: Bench) -> bytes:
    """The historical bytes of the card, for a key service of one's own; inconclusive without a card factor."""
    found = bench.historical
    if len(found) < CARD_FACTOR_LENGTH:
        raise Inconclusive(
            "复位应答中没有卡分散因子，无法计算密钥", "the reset answer has no card factor: keys cannot be computed"
        )
    return found


# Counters of tries


@dataclass(frozen=True, slots=True)
class PinPlace:
    """The PIN of the profile with the directory that holds it."""

    directory: str
    pin: Pin
    limit: int

    def after(self, wrong: int) -> Expectation:
        """The answer to a wrong PIN that is the n-th in a row."""
        return tries(self.limit, wrong)


def pin_place(bench: Bench) -> PinPlace:
    """The PIN; not applicable where the declared card has none."""
    for directory in own_directories(bench.profile):
        for pin in bench.profile.directory[directory].pin.values():
            limit = bench.profile.settings.pin_try_limit if pin.limit is None else pin.limit
            return PinPlace(directory, pin, limit)
    raise NotApplicable("卡片声明中没有个人密码", "the declared card has no PIN")


def key_limit(profile: Profile, key: Key) -> int:
    """Wrong tries in a row before a key is locked, 0 for any number."""
    return profile.settings.key_try_limit if key.limit is None else key.limit


def tries(limit: int, wrong: int) -> Expectation:
    """The answer to a wrong presentation that is the n-th in a row."""
    return Expectation((tries_left(limit - wrong) if limit else SW.AUTHENTICATION_FAILED,))


def open_pin(bench: Bench, wrong: int = 1) -> PinPlace:
    """Open the directory of the PIN and bring its counter to the full number of tries.

    ``wrong`` is how many wrong PINs in a row the case is going to present: never as many as would block the PIN.
    """
    place = pin_place(bench)
    if place.limit <= wrong:
        raise NotApplicable(
            f"密码只有 {place.limit} 次尝试，本用例会锁定密码", f"the PIN has {place.limit} tries: it would be blocked"
        )
    open_directory(bench, place.directory)
    bench.need(verify(bench), "验证个人密码", "VERIFY")
    return place


def enter(bench: Bench, directory: str) -> None:
    """Select a directory of the current environment, which keeps its rights; inconclusive when the card refuses."""
    bench.need(select(bench, directory), f"选择 {directory}", f"SELECT {directory}")


def wrong_pin(digits: str) -> str:
    """Another PIN of the same length: each digit one higher."""
    return "".join(str((int(digit) + 1) % 10) for digit in digits)


def verify_wrong(bench: Bench) -> Response:
    """VERIFY with another PIN than the declared one."""
    return verify(bench, wrong_pin(declared_pin(bench)))


def change_pin(bench: Bench, old: str, new: str) -> Response:
    """CHANGE PIN: old ‖ FF ‖ new."""
    return bench.send(apdu(0x80, 0x5E, 0x01, 0x00, pin_bytes(old) + b"\xff" + pin_bytes(new)))


def open_key(bench: Bench, name: str) -> KeyPlace:
    """Open the directory of a key in a new session, the key's counter full and its right not held."""
    found = key_place(bench, name)
    open_directory(bench, found.directory)
    bench.need(authenticate(bench, name), f"用 {name} 外部认证", f"EXTERNAL AUTHENTICATE with {name}")
    bench.reset()
    open_directory(bench, found.directory)
    return found


def flipped(data: bytes, bit: int = 0) -> bytes:
    """The data with one bit inverted, counted from the first bit of the first byte, round and round."""
    bit %= 8 * len(data)
    return (int.from_bytes(data) ^ 1 << 8 * len(data) - 1 - bit).to_bytes(len(data))


def authenticate_wrong(bench: Bench, key: str, *, version: int = 1) -> Response:
    """GET CHALLENGE and EXTERNAL AUTHENTICATE with a cryptogram of which one bit is wrong."""
    data = bench.keys.external_authentication(key, get_challenge(bench), version=version)
    return external_authentication(bench, key, flipped(data))


def expect_untouched(bench: Bench, key: str, zh: str, en: str, *, requirement: str) -> None:
    """Judge that no try of a key is lost: one wrong cryptogram shows the counter, the right one restores it."""
    limit = key_limit(bench.profile, key_place(bench, key).key)
    answer = authenticate_wrong(bench, key)
    authenticate(bench, key)
    bench.expect(answer, tries(limit, 1), zh, en, requirement=requirement)


def expect_pin_untouched(bench: Bench, zh: str, en: str, *, requirement: str, wrong: int = 1) -> None:
    """Judge the counter of the PIN: a wrong PIN now must be the n-th in a row. The right one then restores it."""
    answer = verify_wrong(bench)
    verify(bench)
    bench.expect(answer, pin_place(bench).after(wrong), zh, en, requirement=requirement)


def block_pin(bench: Bench, *, requirement: str) -> PinPlace:
    """Use up all tries of the PIN; each answer must tell how many are left."""
    place = open_pin(bench, wrong=0)
    for wrong in range(1, place.limit + 1):
        zh, en = f"第 {wrong} 次错误密码", f"wrong PIN number {wrong}"
        bench.expect(verify_wrong(bench), place.after(wrong), zh, en, requirement=requirement)
    return place


# Commands under a MAC


def maintenance_key(bench: Bench, directory: str) -> str:
    """Name of the key of a directory's maintenance MACs (STK); not applicable where the declared card has none."""
    described: Directory = bench.profile.directory[directory]
    name = described.maintenance_key or bench.profile.directory[environment_of(bench, directory)].maintenance_key
    if name is None:
        raise NotApplicable(f"{directory} 没有应用维护密钥", f"{directory} has no maintenance key")
    return key_place(bench, name).name


def lock_key(bench: Bench, directory: str) -> str:
    """Name of the key that APPLICATION BLOCK or CARD BLOCK needs (LK, BK)."""
    name = bench.profile.directory[directory].lock_key
    if name is None:
        raise NotApplicable(f"{directory} 没有锁定密钥", f"{directory} has no lock key")
    return key_place(bench, name).name


def protected(bench: Bench, key: str, challenge: bytes, header: bytes, enciphered: bytes = b"") -> bytes:
    """A maintenance command: header ‖ Lc with the MAC counted ‖ enciphered data ‖ MAC over all before."""
    covered = header + bytes([len(enciphered) + MAC_LENGTH]) + enciphered
    return covered + bench.keys.maintenance_mac(key, challenge, covered)


def damaged_mac(command: bytes, bit: int = 0) -> bytes:
    """The command with one bit of its MAC inverted."""
    return command[:-MAC_LENGTH] + flipped(command[-MAC_LENGTH:], bit)


UNBLOCK_PIN = bytes.fromhex("84240000")
RELOAD_PIN = bytes.fromhex("84240001")
APPLICATION_BLOCK = bytes.fromhex("841E0000")
APPLICATION_BLOCK_FOR_GOOD = bytes.fromhex("841E0001")
APPLICATION_UNBLOCK = bytes.fromhex("84180000")
CARD_BLOCK = bytes.fromhex("84160000")


def unblock_command(bench: Bench, challenge: bytes) -> bytes:
    """UNBLOCK PIN: ``8424000004`` and the MAC."""
    return protected(bench, maintenance_key(bench, pin_place(bench).directory), challenge, UNBLOCK_PIN)


def reload_command(bench: Bench, challenge: bytes, digits: str) -> bytes:
    """RELOAD PIN 重装个人密码: ``84240001``, the enciphered PIN block and the MAC."""
    key = maintenance_key(bench, pin_place(bench).directory)
    block = bench.keys.enciphered_pin_block(key, challenge, pin_bytes(digits))
    return protected(bench, key, challenge, RELOAD_PIN, block)


def prove_lock_key(bench: Bench, directory: str) -> None:
    """Authenticate the lock key of a directory (LK, BK)."""
    name = lock_key(bench, directory)
    bench.need(authenticate(bench, name), f"用 {name} 外部认证", f"EXTERNAL AUTHENTICATE with {name}")


def life_cycle_command(bench: Bench, directory: str, header: bytes) -> bytes:
    """A life cycle command with the MAC of the directory's maintenance key over a fresh challenge."""
    return protected(bench, maintenance_key(bench, directory), get_challenge(bench), header)


def prove_unblocking_key(bench: Bench) -> None:
    """Authenticate the PUK 个人密码解锁密钥."""
    key_place(bench, UNBLOCKING_KEY)
    bench.need(authenticate(bench, UNBLOCKING_KEY), "用 PUK 外部认证", "EXTERNAL AUTHENTICATE with PUK")


def unblock_pin(bench: Bench) -> Response:
    """Unblock the PIN as an issuing station does: PUK, a fresh challenge, UNBLOCK PIN."""
    prove_unblocking_key(bench)
    return bench.send(unblock_command(bench, get_challenge(bench)))


def reload_pin(bench: Bench, digits: str) -> Response:
    """Set a PIN without knowing the old one: PUK, a fresh challenge, RELOAD PIN."""
    prove_unblocking_key(bench)
    return bench.send(reload_command(bench, get_challenge(bench), digits))


def expect_silent(
    bench: Bench, response: Response, expected: Expectation | int, zh: str, en: str, *, requirement: str
) -> None:
    """Check a status word, and that no data come with it: no byte of a secret may leave the card."""
    bench.expect(response, expected, zh, en, requirement=requirement)
    bench.check(
        not response.data,
        f"{zh}：应答不含数据",
        f"{en}: no data in the answer",
        expected="0 bytes",
        received=f"{len(response.data)} bytes",
        requirement=requirement,
    )


@contextmanager
def declared_pin_again(bench: Bench, *possible: str) -> Iterator[None]:
    """Whatever happens inside, a card that cannot be renewed keeps the declared PIN, unblocked.

    ``possible`` are the PINs that may stand in its place.
    """
    try:
        yield
    finally:
        if not bench.target.renewable:
            with suppress(CardFailure, Inconclusive, NotApplicable):
                bench.reset()
                open_directory(bench, pin_place(bench).directory)
                if verify(bench).sw == SW.AUTHENTICATION_METHOD_BLOCKED:
                    unblock_pin(bench)
                for digits in possible if verify(bench).sw != SW.SUCCESS else ():
                    change_pin(bench, digits, declared_pin(bench))
                verify(bench)
