"""The operations of the official reader interface with an HSM 加密机 behind the caller's line (LD/T 6001.5 §6).

Step 1 answers what the HSM needs, the caller brings it to the HSM, and the next step takes the HSM's answer as pKey. A step
is good once, for the card of step 1, and only as the very next call (assumed).

Fields are those of programs in use (reconstructed specification §4.5, §8.4). Two challenges are taken for an authentication,
its 原始信息 first and its 过程因子 last, which is the one that the card remembers (§4.3). A key address 密钥地址 is the
four digits of the key's first version in the HSM and the two of its identifier there, ``004C0A``.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from conformance.actors.key_service import Settlement
from conformance.actors.medical.addresses import FIELD, FileAddress, format_values, parse_addresses
from conformance.actors.medical.codes import Code, Failed
from conformance.actors.medical.counter import Counter, fields, payment
from conformance.actors.medical.debit import (
    APPLICATION,
    Debited,
    Prepared,
    codes,
    initialize,
    packed_time,
    send,
)
from conformance.actors.medical.maintenance import MAC_LENGTH
from conformance.actors.medical.operations import KIND, Operation, settled
from conformance.actors.medical.pins import RELOAD, UNBLOCK, UNBLOCKING_KEY
from conformance.actors.medical.reader import ENVIRONMENT, READ_KEY, CardRefused
from conformance.actors.medical.values import changes, read_values
from emulator.crypto import Algorithm
from profiles.access import AccessCondition
from profiles.keys import keys

SINCE_SUCH_A_VERSION = "3"
"""规范版本 from which the holder's data want an external authentication (§2.4 no. 3)."""
CRYPTOGRAM, SOURCE = 8, 8
PURCHASE = "purchase"
PURCHASE_INDEX = 1
KIND_OF_SETTLEMENT = b"2"
KEY = "pKey"

Step = Callable[..., str]


class HsmSteps:
    """The stepwise operations; remembers between the steps of one what the next one does."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._reader = counter.reader
        self._next: Step = _nothing
        first: dict[str, tuple[tuple[str, ...], Step]] = {
            "iReadCardBas": ((KIND,), self._basics),
            "iReadCard": ((KIND, "pCardInfo", "pFileAddr"), self._read),
            "iWriteCard": ((KIND, "pCardInfo", "pFileAddr"), self._write),
            "iReloadPIN": ((KIND, "pCardInfo"), self._reload_pin),
            "iUnblockPIN": ((KIND, "pCardInfo"), self._unblock_pin),
            "iDoDebit": ((KIND, "pCardInfo", "pPayInfo"), self._debit),
        }
        further = {
            "iReadCardBas_HSM_Step2": (KEY,),
            "iReadCard_HSM_Step2": (KEY,),
            "iWriteCard_HSM_Step2": (KEY, "pWriteData"),
            "iReloadPIN_HSM_Step2": (KEY,),
            "iReloadPIN_HSM_Step3": (KEY,),
            "iUnblockPIN_HSM_Step2": (KEY,),
            "iUnblockPIN_HSM_Step3": (KEY,),
            "iDoDebit_HSM_Step2": (KEY,),
        }
        self.operations: Mapping[str, Operation] = {
            **{f"{name}_HSM_Step1": Operation(parameters, act) for name, (parameters, act) in first.items()},
            **{name: Operation(parameters, self._continue) for name, parameters in further.items()},
        }

    def _continue(self, *arguments: str) -> str:
        act, self._next = self._next, _nothing
        return act(*arguments)

    # The base string

    def _basics(self, kind: int) -> str:
        """城市代码|卡复位信息|算法标识|卡识别码|内部认证过程因子|内部原始信息|外部认证过程因子|外部原始信息|终端机编号|.

        The card proves itself here already, so that nothing comes between the last challenge and the external
        authentication, which cards before version 3.00 do without.
        """
        reader = self._reader
        reader.open(ENVIRONMENT)
        needed = reader.text("SSSE/EF05", "03")[:1] >= SINCE_SUCH_A_VERSION
        source, factor = reader.challenge(), reader.challenge()
        own = reader.internal_authentication(factor, source)
        if len(own) < CRYPTOGRAM:
            raise Failed(Code.NOT_AUTHENTIC)
        outer = tuple(reversed((reader.challenge(), reader.challenge()))) if needed else (b"", b"")
        identification = reader.identification

        def second(key: str) -> str:
            inner, proof, *rest = [*key.split(FIELD), ""]
            expected = _octets(inner, CRYPTOGRAM, CRYPTOGRAM + SOURCE)
            data = _proof(proof) if needed else b""
            if any(rest):
                raise Failed(Code.WRONG_INPUT)
            if not hmac.compare_digest(expected[:CRYPTOGRAM], own[:CRYPTOGRAM]):
                raise Failed(Code.NOT_AS_THE_HSM_HAS_IT)
            if needed:
                reader.prove_with(READ_KEY, data)
            self._require_same(identification)
            return self._counter.basics()

        self._next = second
        return fields(
            *(identification[:3].hex(), reader.card.historical.hex().upper(), self._algorithm),
            *(identification.hex().upper(), *(each.hex().upper() for each in (factor, source, *outer))),
            self._counter.terminal.hex(),
        )

    # Reading and writing

    def _read(self, kind: int, card: str, files: str) -> str:
        """算法标识|密钥地址|过程因子|原始信息| for the key that opens all the files."""
        addresses = parse_addresses(files)
        self._counter.require_card(card)
        name, wanted = self._open([self._reader.file(address.path).read for address in addresses])

        def second(key: str) -> str:
            self._prove(name, key)
            found = {at: read_values(self._reader, addresses[at]) for at in self._in_order(name, addresses)}
            return format_values(addresses, [found[at] for at in range(len(addresses))])

        self._next = second
        return wanted

    def _write(self, kind: int, card: str, files: str) -> str:
        """As for reading, with the key under which all the files are written."""
        addresses = parse_addresses(files)
        self._counter.require_card(card)
        name, wanted = self._open([self._reader.file(address.path).update for address in addresses])

        def second(key: str, data: str) -> str:
            prepared = changes(self._reader, addresses, data)
            self._prove(name, key)
            for at in self._in_order(name, addresses):
                prepared[at]()
            return ""

        self._next = second
        return wanted

    def _open(self, conditions: Sequence[AccessCondition]) -> tuple[str, str]:
        """Name of the one key that opens everything, and what its authentication needs; PINs are proven at once."""
        name, pins = self._opening(conditions)
        self._reader.open(self._reader.owner(name))
        for pin in sorted(pins):
            self._counter.judged(partial(self._reader.prove, pin))
        return name, self._authentication(name)

    def _opening(self, conditions: Sequence[AccessCondition]) -> tuple[str, frozenset[str]]:
        is_pin = self._reader.is_pin
        found: list[tuple[str, frozenset[str]]] = []
        for key in sorted({name for condition in conditions for name in condition.names if not is_pin(name)}):
            pins = [
                min(
                    (way - {key} for way in condition.alternatives if all(map(is_pin, way - {key}))),
                    key=len,
                    default=None,
                )
                for condition in conditions
            ]
            if None not in pins:
                found.append((key, frozenset().union(*(each for each in pins if each))))
        if not found:
            raise Failed(Code.WRONG_INPUT, "这些文件无需密钥，或不能用同一密钥打开")
        return min(found, key=lambda way: len(way[1]))

    def _in_order(self, name: str, addresses: Sequence[FileAddress]) -> list[int]:
        """Positions of the addresses, so that no right is lost: the directory of the key first, the environment last."""
        here = self._reader.owner(name)

        def rank(at: int) -> tuple[bool, bool]:
            directory = addresses[at].directory
            return directory != here, directory == ENVIRONMENT

        return sorted(range(len(addresses)), key=rank)

    # PINs

    def _reload_pin(self, kind: int, card: str) -> str:
        """Step 2 asks for the new PIN and answers 算法标识|密钥地址|过程因子|命令头|新密码|."""
        return self._maintain(card, RELOAD)

    def _unblock_pin(self, kind: int, card: str) -> str:
        """Step 2 answers 算法标识|密钥地址|过程因子|命令头|."""
        return self._maintain(card, UNBLOCK)

    def _maintain(self, card: str, mode: int) -> str:
        self._counter.require_card(card)
        reader = self._reader
        reader.open(ENVIRONMENT)
        block = Algorithm(reader.cards.algorithm).block_size if mode == RELOAD else 0
        header = bytes((0x84, 0x24, 0x00, mode, block + MAC_LENGTH))

        def second(key: str) -> str:
            self._prove(UNBLOCKING_KEY, key)
            new = (self._counter.new_pin(),) if mode == RELOAD else ()
            name = reader.cards.directory[ENVIRONMENT].maintenance_key or ""
            self._next = third
            return fields(
                self._algorithm, self._address(name), reader.challenge().hex().upper(), header.hex().upper(), *new
            )

        def third(key: str) -> str:
            command = _octets(key.removesuffix(FIELD), len(header) + header[4])
            if not command.startswith(header):
                raise Failed(Code.WRONG_INPUT)
            answer = reader.send(0x84, 0x24, 0x00, mode, command[len(header) :], ne=0)
            reader.need(answer, "重装个人密码" if mode == RELOAD else "解锁个人密码", "the command of the HSM")
            return ""

        wanted = self._authentication(UNBLOCKING_KEY)
        self._next = second
        return wanted

    # Settlement

    def _debit(self, kind: int, card: str, text: str) -> str:
        """算法标识|密钥地址|随机数|卡交易序号|个人自付金额|统筹基金支付金额|交易类型及终端机编号|交易时间|.

        pKey of step 2 is ``终端交易序号|交易时间|MAC1|``. Its answer is that of iDoDebit with MAC2 behind, for the HSM to
        judge: nobody else can (the place of MAC2 is assumed).
        """
        self._counter.require_card(card)
        own, fund, when = payment(text)
        digits = self._counter.pin_for_payment()
        reader, terminal, time = self._reader, self._counter.terminal, packed_time(when)
        reader.open(APPLICATION)
        self._counter.judged(lambda: reader.verify(digits))
        amounts = b"".join(amount.to_bytes(4, "big") for amount in (0, own, fund))
        begun = initialize(reader, PURCHASE_INDEX, amounts, terminal)
        address = self._address(self._purchase_key(), begun.version)

        def second(key: str) -> str:
            parts = key.removesuffix(FIELD).split(FIELD)
            if len(parts) != 3:
                raise Failed(Code.WRONG_INPUT)
            number, stated, mac1 = (_octets(part, length) for part, length in zip(parts, (4, 7, 4), strict=True))
            if stated != time:
                raise Failed(Code.WRONG_CARD)
            settlement = Settlement(begun.random, begun.number, amounts, terminal, number, time)
            tac, mac2 = codes(reader, send(reader, Prepared(settlement, number + time + mac1)))
            return settled(Debited(settlement, tac), mac2)

        self._next = second
        parts = (begun.random, begun.number, amounts[4:8], amounts[8:], KIND_OF_SETTLEMENT + terminal, time)
        return fields(self._algorithm, address, *(part.hex().upper() for part in parts))

    def _purchase_key(self) -> str:
        for name, key in keys(self._reader.cards).items():
            if key.use == PURCHASE and key.index == PURCHASE_INDEX:
                return name
        raise Failed(Code.WRONG_INPUT, "没有医保结算密钥")

    # Together

    @property
    def _algorithm(self) -> str:
        return f"{self._reader.algorithm_identifier:02X}"

    def _address(self, name: str, version: int = 1) -> str:
        key = keys(self._reader.cards).get(name)
        if key is None or key.sam is None or not 1 <= version <= len(key.hsm):
            raise Failed(Code.WRONG_INPUT, f"密钥 {name} 第 {version} 组没有加密机地址")
        return key.hsm[version - 1] + key.sam.partition(",")[2]

    def _authentication(self, name: str) -> str:
        address = self._address(name)
        source, factor = self._reader.challenge(), self._reader.challenge()
        return fields(self._algorithm, address, factor.hex().upper(), source.hex().upper())

    def _prove(self, name: str, key: str) -> None:
        """Another card than that of step 1 takes no proof that was made for it."""
        self._reader.prove_with(name, _proof(key.removesuffix(FIELD)))

    def _require_same(self, identification: bytes) -> None:
        """A card that takes no proof must still be that of step 1."""
        reader = self._reader
        try:
            shown = reader.read_identification()
        except CardRefused as refused:
            raise Failed(Code.WRONG_CARD) from refused
        if shown != identification:
            raise Failed(Code.WRONG_CARD)


def _nothing(*arguments: str) -> str:
    raise Failed(Code.NO_STEP_BEFORE)


def _octets(digits: str, *lengths: int) -> bytes:
    """Hexadecimal digits of one of these lengths in bytes."""
    try:
        octets = bytes.fromhex(digits)
    except ValueError:
        raise Failed(Code.WRONG_INPUT) from None
    if len(octets) not in lengths:
        raise Failed(Code.WRONG_INPUT)
    return octets


def _proof(digits: str) -> bytes:
    """Cryptogram and source, and the version byte where the key is not of the first group (assumed)."""
    return _octets(digits, CRYPTOGRAM + SOURCE, CRYPTOGRAM + SOURCE + 1)
