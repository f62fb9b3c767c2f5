"""Faults of the certificate application: its selection, PINs and master keys."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from conformance.faults.catalogue import FaultSet, having
from conformance.faults.means import rehearsed, with_directory
from emulator.cos.card import Card
from emulator.cos.dispatch import Handler
from emulator.cos.memory import Value, octets_in
from emulator.cos.structure import Pin, Structure
from emulator.crypto.challenge import challenge_proof, command_mac, pin_key
from emulator.iso7816 import Command, StatusError
from emulator.iso7816.status import tries_of
from profiles import load
from profiles.applications import certificates_of
from profiles.model import Certificates

FAULTS = FaultSet(frozenset({"certificate environment", "certificates"}))
CARRYING = having("CERT", "PKI")
COUNTER, MAC_LENGTH = "tries:", 4
LOOKED_AT = 1 << 30
"""A bit of the local security word that no right has."""


def _pin(card: Card, reference: int) -> Pin | None:
    node, _ = card.node_of_reference(reference)
    return node.pins.get(reference)


# Selection


@FAULTS.structure(
    "cert.no-name",
    "证书应用不能按名称选择",
    "The certificate application is not found by its name",
    ["SSC-CERT-001"],
    CARRYING,
)
def no_name(structure: Structure) -> Structure:
    """Only the file identifier is known."""
    return with_directory(structure, "CERT", lambda directory: dataclasses.replace(directory, aid=b""))


# PINs


@FAULTS.command(
    "VERIFY under challenge",
    "cert.plain-pin",
    "接受明文PIN",
    "VERIFY takes the PIN in clear",
    ["SSC-CERT-002"],
    CARRYING,
)
def plain_pin(card: Card, command: Command, good: Handler) -> bytes:
    """Data of another length are compared as they are."""
    pin = _pin(card, command.p2)
    if pin is not None and command.data == card.memory.cells[pin.cell]:
        node, local = card.node_of_reference(command.p2)
        card.session.grant(node.pins[command.p2].bit, locally=local)
        return b""
    return good(card, command)


@FAULTS.command(
    "VERIFY under challenge",
    "cert.challenge-stays",
    "PIN验证的随机数可重复使用",
    "A challenge serves any number of proofs",
    ["SSC-CERT-002"],
    CARRYING,
)
def challenge_stays(card: Card, command: Command, good: Handler) -> bytes:
    """Nobody forgets the challenge."""
    kept = card.session.challenge
    try:
        return good(card, command)
    finally:
        card.session.challenge = kept


@FAULTS.command(
    "VERIFY under challenge",
    "cert.half-proof",
    "只比较验证数据前 8 字节",
    "VERIFY compares the first eight bytes of the proof alone",
    ["SSC-CERT-002"],
    CARRYING,
)
def half_proof(card: Card, command: Command, good: Handler) -> bytes:
    """The length of the other application's cryptograms."""
    pin, challenge = _pin(card, command.p2), card.session.challenge
    if pin is not None and challenge is not None:
        right = challenge_proof(pin_key(octets_in(card.memory.cells[pin.cell])), challenge)
        if command.data[:8] == right[:8]:
            return good(card, command._replace(data=right))
    return good(card, command)


@FAULTS.structure(
    "cert.any-pin-opens",
    "管理PIN可使用私钥",
    "The administrator PIN opens the private key",
    ["SSC-CERT-002"],
    CARRYING,
)
def any_pin_opens(structure: Structure) -> Structure:
    """Any verified PIN will do: the first bit of either security word."""
    rules = next(d.certificates for d in structure.directories if d.certificates is not None)
    opened = dataclasses.replace(rules, use=(*rules.use, (1, 0)))
    return with_directory(structure, "CERT", lambda directory: dataclasses.replace(directory, certificates=opened))


@FAULTS.command(
    "VERIFY under challenge",
    "cert.no-decrement",
    "错误PIN不计次",
    "A wrong PIN costs no try",
    ["SSC-CERT-012"],
    CARRYING,
)
def no_decrement(card: Card, command: Command, good: Handler) -> bytes:
    """The counter stands still."""
    before = {cell: value for cell, value in card.memory.cells.items() if cell.startswith(COUNTER)}
    try:
        return good(card, command)
    except StatusError as refused:
        if tries_of(refused.sw) is not None:
            card.memory.commit(before)
        raise


@FAULTS.command(
    "VERIFY under challenge",
    "cert.shared-counter",
    "用户PIN与管理PIN共用次数",
    "User PIN and administrator PIN share their tries",
    ["SSC-CERT-012"],
    CARRYING,
)
def shared_counter(card: Card, command: Command, good: Handler) -> bytes:
    """A wrong PIN costs a try of both."""
    try:
        return good(card, command)
    except StatusError as refused:
        wrong = _pin(card, command.p2)
        if tries_of(refused.sw) is not None and wrong is not None:
            for node in card.session.node.environment.walk():
                for pin in node.pins.values():
                    left = card.memory.cells[pin.tries_cell]
                    if pin is not wrong and isinstance(left, int):
                        card.memory.commit({pin.tries_cell: max(left - 1, 0)})
        raise


@FAULTS.command(
    "VERIFY under challenge",
    "cert.block-ends-at-reset",
    "锁定的PIN复位后可用",
    "A blocked PIN has a try again after each reset",
    ["SSC-CERT-012"],
    CARRYING,
)
def block_ends(card: Card, command: Command, good: Handler) -> bytes:
    """The last try is kept in the session."""
    pin = _pin(card, command.p2)
    if pin is not None and card.memory.cells[pin.tries_cell] == 0 and not card.session.has(LOOKED_AT, locally=True):
        card.memory.commit({pin.tries_cell: 1})
    card.session.grant(LOOKED_AT, locally=True)
    return good(card, command)


@FAULTS.command(
    "CHANGE PIN with MAC",
    "cert.change-unchecked",
    "修改PIN不检查校验码",
    "CHANGE PIN does not check the MAC",
    ["SSC-CERT-002", "SSC-CERT-010"],
    CARRYING,
)
def change_unchecked(card: Card, command: Command, good: Handler) -> bytes:
    """Whatever deciphers to a PIN is one."""
    pin, challenge = _pin(card, command.p2), card.session.challenge
    if pin is None or challenge is None or len(command.data) < MAC_LENGTH:
        return good(card, command)
    covered = command.header + bytes([len(command.data)]) + command.data[:-MAC_LENGTH]
    mac = command_mac(pin_key(octets_in(card.memory.cells[pin.cell])), challenge, covered)
    return good(card, command._replace(data=command.data[:-MAC_LENGTH] + mac))


@FAULTS.command(
    "CHANGE PIN with MAC",
    "cert.change-not-done",
    "修改PIN应答成功但未修改",
    "CHANGE PIN is answered and not done",
    ["SSC-CERT-002", "SSC-CERT-010"],
    CARRYING,
)
def change_not_done(card: Card, command: Command, good: Handler) -> bytes:
    """The new PIN is never written."""
    answer, refused, _ = rehearsed(card, command, good)
    if refused is not None:
        raise refused
    return answer


@FAULTS.command(
    "RELOAD PIN by administrator",
    "cert.reload-without-administrator",
    "未验证管理PIN可重装用户PIN",
    "The user PIN is set anew without the administrator PIN",
    ["SSC-CERT-012"],
    CARRYING,
)
def reload_without_administrator(card: Card, command: Command, good: Handler) -> bytes:
    """The MAC is taken for proof enough."""
    administrator = _pin(card, 0x00)
    if administrator is not None:
        card.session.grant(administrator.bit, locally=False)
    return good(card, command)


# Master keys


@FAULTS.command(
    "REPLACE MASTER KEY",
    "cert.key-replaced-without-proof",
    "未认证可替换主控密钥",
    "A master key is replaced without its authentication",
    ["SSC-CERT-011"],
    CARRYING,
)
def replaced_without_proof(card: Card, command: Command, good: Handler) -> bytes:
    """The MAC is taken for proof enough."""
    key = card.session.node.authentication_keys.get(0x00)
    if key is not None:
        card.session.grant(key.bit, locally=not card.session.node.is_environment)
    return good(card, command)


@FAULTS.command(
    "REPLACE MASTER KEY",
    "cert.key-not-replaced",
    "替换主控密钥应答成功但未替换",
    "A replaced master key is answered and stays as it was",
    ["SSC-CERT-011"],
    CARRYING,
)
def key_not_replaced(card: Card, command: Command, good: Handler) -> bytes:
    """The new key is never written."""
    return change_not_done(card, command, good)


def _initial_pin(cells: Mapping[str, Value]) -> dict[str, Value]:
    """The PIN of the card as it came from its maker."""
    return {"pin:PKI/ADMINPIN": bytes.fromhex(_initial().initial_administrator_pin)}


def _initial_key(cells: Mapping[str, Value]) -> dict[str, Value]:
    """The key of the card as it came from its maker."""
    return {"key:CERT/MKCERT:1": _initial().initial_master_key}


def _initial() -> Certificates:
    """What the card has as it came from its maker."""
    return certificates_of(load("ssc3-sm4"))


FAULTS.contents(
    "cert.initial-pin", "初始管理PIN未更换", "The initial administrator PIN is still right", ["SSC-CERT-010"], _initial_pin,
    CARRYING,
)  # fmt: skip
FAULTS.contents(
    "cert.initial-key",
    "初始主控密钥未替换",
    "The initial master key is still right",
    ["SSC-CERT-011"],
    _initial_key,
    CARRYING,
)
