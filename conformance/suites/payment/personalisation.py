"""Personalisation of a payment application 个人化 (area PAY-PER): the secure channel, STORE DATA, and what becomes of the groupings.

For a chip before its issue. That a card is issued can't be undone, so the cases that do it are destructive.
"""

from __future__ import annotations

from conformance.actors.bank.groupings import to_bytes
from conformance.actors.bank.personaliser import ANSWER_SIZE, SECURE_CHANNEL_PROTOCOL, Level
from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Loss, Suite
from conformance.dialogue import apdu
from conformance.failures import NotRun
from conformance.payment_reading import Record
from conformance.suites.payment._workshop import CURRENCY, Stored, Workshop
from conformance.tearing import every_cut
from emulator.crypto.personalisation import KEY_DATA_SIZE
from emulator.iso7816 import SW, Response

SUITE = Suite("payment personalisation", "金融应用个人化", "Payment: personalisation")

IDENTIFIER_SIZE = 6
FIRST_SEQUENCE = 1
UNKNOWN_GROUPING = to_bytes("7001", b"\x01")
UNKNOWN = Expectation((SW.REFERENCED_DATA_NOT_FOUND,))
BITS = 64
TRIED_BITS = 4
INTERNAL_FILES = (0x0D, 0x0E)
TRACK_2 = 0x57
REFUSED = "6xxx"


def _refused(bench: Bench, answer: Response, zh: str, en: str, requirement: str) -> None:
    """Any error: which one is left to the card."""
    bench.check(
        answer.sw != SW.SUCCESS and answer.sw >> 8 != 0x61,
        zh,
        en,
        expected=REFUSED,
        received=f"{answer.sw:04X}",
        requirement=requirement,
    )


def _bits(bench: Bench) -> list[int]:
    """Some bits of eight bytes, the first and the last among them."""
    return [0, BITS - 1, *(bench.random.randrange(1, BITS - 1) for _ in range(TRIED_BITS - 2))]


@SUITE.case(
    "PAY-PER/initialise/BV",
    "初始化更新的应答",
    "Answer of INITIALIZE UPDATE",
    requirements=["PAY-PER-001", "PAY-PER-002", "PAY-PER-004"],
    kind=Kind.VALID,
    expected=(
        "28 字节：KMC标识和芯片序列号、密钥版本、02、序列计数器、随机数、由 KMC 导出的密钥验证的密文",
        "28 bytes: identifier of KMC and chip serial number, key version, 02, sequence counter, challenge, and a cryptogram that "
        "verifies with the key derived from KMC",
    ),
)
def initialise(bench: Bench) -> None:
    """Twice: the key data stay, the challenges differ."""
    workshop, told = Workshop(bench), []
    for _ in range(2):
        answer = workshop.select().channel.initialise()
        bench.expect(answer, GOOD, "初始化更新", "INITIALIZE UPDATE", requirement="PAY-PER-001")
        version, protocol = answer.data[KEY_DATA_SIZE:][:1], answer.data[KEY_DATA_SIZE + 1 :][:1]
        bench.check(
            len(answer.data) == ANSWER_SIZE
            and version == workshop.described.key_version
            and protocol == bytes((SECURE_CHANNEL_PROTOCOL,)),
            "长度、密钥版本、安全通道协议",
            "length, key version, protocol",
            expected=f"28 bytes, version {workshop.described.key_version.hex().upper()}, 02",
            received=answer.data,
            requirement="PAY-PER-001",
        )
        bench.check(
            answer.data.startswith(workshop.described.kmc_identifier),
            "KMC标识",
            "identifier of KMC",
            expected=workshop.described.kmc_identifier,
            received=answer.data[:IDENTIFIER_SIZE],
            requirement="PAY-PER-002",
        )
        bench.check(
            workshop.channel.is_genuine,
            "卡片密文",
            "card cryptogram",
            expected="that of KENC",
            received=answer.data[-8:],
            requirement="PAY-PER-004",
        )
        told.append(answer.data)
    bench.check(
        told[0][:KEY_DATA_SIZE] == told[1][:KEY_DATA_SIZE],
        "KEYDATA 不变",
        "the key data stay",
        expected=told[0][:KEY_DATA_SIZE],
        received=told[1][:KEY_DATA_SIZE],
        requirement="PAY-PER-002",
    )
    bench.check(
        told[0][14:20] != told[1][14:20],
        "卡片随机数变化",
        "another card challenge",
        expected=f"not {told[0][14:20].hex().upper()}",
        received=told[1][14:20],
        requirement="PAY-PER-001",
    )


@SUITE.case(
    "PAY-PER/sequence/BV",
    "首个序列计数器",
    "First sequence counter",
    requirements=["PAY-PER-003"],
    kind=Kind.VALID,
    expected=("新芯片为 0001，每次认证成功后加 1", "0001 on a fresh chip, one more after each authentication"),
)
def sequence(bench: Bench) -> None:
    """A session that was not authenticated does not count."""
    if not bench.target.renewable:
        raise NotRun("芯片可能已建立过会话", "sessions may have been opened on this chip before")
    workshop = Workshop(bench)
    for expected in (FIRST_SEQUENCE, FIRST_SEQUENCE):
        workshop.select().initialise()
        _counter(bench, workshop, expected)
    workshop.open()
    workshop.select().initialise()
    _counter(bench, workshop, FIRST_SEQUENCE + 1)


def _counter(bench: Bench, workshop: Workshop, expected: int) -> None:
    bench.check(
        workshop.channel.identity.sequence == expected,
        "序列计数器",
        "sequence counter",
        expected=f"{expected:04X}",
        received=f"{workshop.channel.identity.sequence:04X}",
        requirement="PAY-PER-003",
    )


@SUITE.case(
    "PAY-PER/host-cryptogram/BI",
    "主机密文错误",
    "Wrong host cryptogram",
    requirements=["PAY-PER-005"],
    kind=Kind.INVALID,
    expected=("外部认证和其后的存储数据均被拒绝", "refusal of EXTERNAL AUTHENTICATE and of the STORE DATA after it"),
)
def host_cryptogram(bench: Bench) -> None:
    """One bit is wrong, the MAC of the command is right."""
    workshop = Workshop(bench)
    for bit in _bits(bench):
        workshop.select().initialise()
        answer = workshop.channel.authenticate(Level.MAC, flip=bit)
        _refused(bench, answer, "主机密文错误", "wrong host cryptogram", "PAY-PER-005")
        _refused(bench, workshop.channel.store(CURRENCY), "其后的存储数据", "STORE DATA after it", "PAY-PER-005")


@SUITE.case(
    "PAY-PER/no-channel/BO",
    "无安全通道的存储数据",
    "STORE DATA without a channel",
    requirements=["PAY-PER-006"],
    kind=Kind.INOPPORTUNE,
    expected=("拒绝", "refusal"),
)
def no_channel(bench: Bench) -> None:
    """After selection, after INITIALIZE UPDATE alone, and after a new selection or a reset of an open session."""
    workshop = Workshop(bench)
    workshop.select()
    _plain_is_refused(bench, "选择后", "after selection")
    workshop.initialise()
    _plain_is_refused(bench, "仅初始化更新后", "after INITIALIZE UPDATE alone")
    _refused(bench, workshop.channel.store(CURRENCY), "仅初始化更新后", "after INITIALIZE UPDATE alone", "PAY-PER-006")
    workshop.open()
    bench.need(workshop.channel.select(workshop.aid), "重新选择", "SELECT again")
    _refused(bench, workshop.channel.store(CURRENCY), "重新选择后", "after a new selection", "PAY-PER-006")
    workshop.open()
    workshop.select()
    _refused(bench, workshop.channel.store(CURRENCY), "复位后", "after a reset", "PAY-PER-006")


def _plain_is_refused(bench: Bench, zh: str, en: str) -> None:
    _refused(bench, bench.send(apdu(0x80, 0xE2, 0, 0, CURRENCY)), zh, en, "PAY-PER-006")


@SUITE.case(
    "PAY-PER/command-mac/BI",
    "C-MAC 错误",
    "Wrong C-MAC",
    requirements=["PAY-PER-007"],
    kind=Kind.INVALID,
    expected=(
        "安全级别 01 和 03 下拒绝错误、缺少和重复的 MAC",
        "a wrong, missing or repeated MAC is refused at levels 01 and 03",
    ),
)
def command_mac(bench: Bench) -> None:
    """Each time in a fresh session, because a wrong MAC may end one."""
    workshop = Workshop(bench)
    for level in (Level.MAC, Level.MAC_AND_ENCRYPTION):
        for bit in _bits(bench):
            answer = workshop.open(level).channel.store(CURRENCY, flip=bit)
            _refused(bench, answer, "MAC 错误", "wrong MAC", "PAY-PER-007")
        workshop.open(level)
        _refused(bench, bench.send(apdu(0x80, 0xE2, 0, 0, CURRENCY)), "无 MAC", "no MAC", "PAY-PER-007")
    workshop.open()
    again = workshop.channel.protected(0xE2, 0, 0, CURRENCY).to_bytes()
    bench.need(bench.send(again), "存储数据", "STORE DATA")
    repeated = again[:3] + b"\x01" + again[4:]
    _refused(bench, bench.send(repeated), "重复的 MAC", "the same MAC again", "PAY-PER-007")


@SUITE.case(
    "PAY-PER/unknown-grouping/BI",
    "未知数据分组",
    "Unknown data grouping",
    requirements=["PAY-PER-009"],
    kind=Kind.INVALID,
    expected=("6A88", "6A88"),
)
def unknown_grouping(bench: Bench) -> None:
    """DGI 7001."""
    answer = Workshop(bench).open().channel.store(UNKNOWN_GROUPING)
    bench.expect(answer, UNKNOWN, "未知数据分组", "unknown data grouping", requirement="PAY-PER-009")


@SUITE.case(
    "PAY-PER/records/BV",
    "数据分组成为记录",
    "Groupings become records",
    requirements=["PAY-PER-010", "PAY-PER-011"],
    kind=Kind.VALID,
    destructive=True,
    loss=Loss.APPLICATIONS,
    expected=(
        "读记录返回数据分组的值；DGI 0101 或 0102 之一以 57 开始",
        "READ RECORD gives the values of the groupings; one of DGI 0101 and 0102 begins with 57",
    ),
)
def records(bench: Bench) -> None:
    """Every record of the files 1 to 10, and those of the first file that no grouping makes."""
    workshop = Workshop(bench)
    if workshop.is_issued():
        raise NotRun("芯片已发行，需要另一芯片", "the chip is issued already: needs another one")
    stored = workshop.issue().records
    for each in stored:
        answer = _read(bench, each.sfi, each.number)
        place = f"DGI {each.sfi:02X}{each.number:02X}"
        bench.expect(answer, GOOD, f"读 {place}", f"READ RECORD of {place}", requirement="PAY-PER-011")
        bench.check(
            answer.data == each.value,
            f"{place} 的值",
            f"value of {place}",
            expected=each.value,
            received=answer.data,
            requirement="PAY-PER-011",
        )
    _first_records(bench, stored)


def _first_records(bench: Bench, stored: list[Stored]) -> None:
    first = [Record(1, number, _read(bench, 1, number).data) for number in (1, 2)]
    beginnings = [each.objects[0].tag if each.objects else 0 for each in first]
    bench.check(
        beginnings.count(TRACK_2) == 1 and not all(each.data for each in first),
        "DGI 0101、0102",
        "DGI 0101 and 0102",
        expected="one of both, beginning with 57",
        received=", ".join(f"{tag:X}" if tag else "—" for tag in beginnings),
        requirement="PAY-PER-010",
    )


def _read(bench: Bench, sfi: int, number: int) -> Response:
    return bench.send(apdu(0x00, 0xB2, number, sfi << 3 | 4, ne=256))


@SUITE.case(
    "PAY-PER/internal/BI",
    "内部数据分组不可读",
    "Internal groupings are no records",
    requirements=["PAY-PER-012"],
    kind=Kind.INVALID,
    destructive=True,
    loss=Loss.APPLICATIONS,
    expected=("SFI 0D 和 0E 读记录被拒绝", "READ RECORD of SFI 0D and 0E is refused"),
)
def internal(bench: Bench) -> None:
    """After 0D01 and 0E01 were stored."""
    workshop = Workshop(bench)
    if workshop.is_issued():
        workshop.select()
    else:
        workshop.issue()
    for sfi in INTERNAL_FILES:
        for number in (1, 2):
            answer = _read(bench, sfi, number)
            _refused(bench, answer, f"SFI {sfi:02X} 记录 {number}", f"record {number} of SFI {sfi:02X}", "PAY-PER-012")


# The end of personalisation: last, since a chip that stays in the bench is issued but once


@SUITE.case(
    "PAY-PER/last-block/BV",
    "最后一条存储数据结束个人化",
    "The last STORE DATA closes personalisation",
    requirements=["PAY-PER-008"],
    kind=Kind.VALID,
    destructive=True,
    loss=Loss.APPLICATIONS,
    expected=(
        "P1 b8 = 1 得 9000，其后个人化命令均被拒绝，复位后亦然",
        "9000 with P1 b8 = 1; the commands of personalisation are refused afterwards, after a reset too",
    ),
)
def last_block(bench: Bench) -> None:
    """In the session that ended, and in a new one; a chip that is issued already is asked in new ones alone."""
    workshop = Workshop(bench)
    if workshop.is_issued():
        _closed(bench, workshop)
        return
    workshop.open()
    bench.expect(workshop.store_all(), GOOD, "最后一条存储数据", "last STORE DATA", requirement="PAY-PER-008")
    for zh, en in (("同一会话", "the same session"), ("复位后", "after a reset")):
        _refused(bench, workshop.channel.store(CURRENCY), f"存储数据，{zh}", f"STORE DATA, {en}", "PAY-PER-008")
        _refused(
            bench, bench.send(apdu(0x80, 0xE2, 0, 0, CURRENCY)), f"存储数据，{zh}", f"STORE DATA, {en}", "PAY-PER-008"
        )
        workshop.select()
        answer = workshop.channel.initialise()
        _refused(bench, answer, f"初始化更新，{zh}", f"INITIALIZE UPDATE, {en}", "PAY-PER-008")
        answer = workshop.channel.authenticate(Level.MAC)
        _refused(bench, answer, f"外部认证，{zh}", f"EXTERNAL AUTHENTICATE, {en}", "PAY-PER-008")


def _closed(bench: Bench, workshop: Workshop) -> None:
    """The commands of a session that cannot be opened: in plain, since there are no keys of a session."""
    workshop.select()
    _refused(bench, workshop.channel.initialise(), "初始化更新", "INITIALIZE UPDATE", "PAY-PER-008")
    for zh, en, header, data in (
        ("外部认证", "EXTERNAL AUTHENTICATE", (0x84, 0x82, Level.MAC, 0), bytes(16)),
        ("存储数据", "STORE DATA", (0x80, 0xE2, 0, 0), CURRENCY),
    ):
        _refused(bench, bench.send(apdu(*header, data)), zh, en, "PAY-PER-008")


@SUITE.case(
    "PAY-PER/torn-last-block/BV",
    "最后一条存储数据时断电",
    "Loss of power at the last STORE DATA",
    requirements=["PAY-PER-008"],
    kind=Kind.VALID,
    destructive=True,
    loss=Loss.APPLICATIONS,
    needs_tearing=True,
    expected=(
        "或可重新个人化，或已发行，无中间状态",
        "the chip can be personalised anew, or is issued; nothing between",
    ),
)
def torn_last_block(bench: Bench) -> None:
    """At every write: an open chip takes the channel and answers no transaction, an issued one the other way round."""
    workshop = Workshop(bench)

    def prepare() -> bytes:
        workshop.open()
        bench.need(workshop.store_all(but_last=True), "存储数据", "STORE DATA")
        return workshop.last_command()

    def judge(write: int) -> None:
        workshop.select()
        still_open = workshop.channel.initialise().sw == SW.SUCCESS
        workshop.select()
        pays = bench.send(apdu(0x80, 0xCA, 0x9F, 0x36, ne=256)).sw == SW.SUCCESS
        bench.check(
            still_open is not pays and (write > 0 or pays),
            f"第 {write} 次写入时断电后的状态" if write else "未断电时的状态",
            f"state after a loss of power at write {write}" if write else "state without a loss of power",
            expected="open or issued" if write else "issued",
            received=f"personalisation {'open' if still_open else 'closed'}, GET DATA {'good' if pays else 'refused'}",
            requirement="PAY-PER-008",
        )

    every_cut(bench, prepare, judge, lambda answer: judge(0))
