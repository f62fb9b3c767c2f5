"""Challenges 随机数: GET CHALLENGE, and which challenge an external authentication takes, and how often."""

from __future__ import annotations

from hypothesis import strategies as st

from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Level, Suite
from conformance.dialogue import apdu, authenticate, external_authentication, get_challenge, open_directory
from conformance.maintenance import NO_CHALLENGE, expect_untouched, flipped, key_limit, key_place, open_key, tries
from conformance.properties import for_all
from emulator.iso7816 import SW

SUITE = Suite("challenges", "随机数", "Challenges")

UPDATE_KEY, READ_KEY = "UKSSSE", "RKSSSE"
CHALLENGES = {Level.QUICK: 1000, Level.STANDARD: 2000, Level.OFFICIAL: 10000}
"""Samples; the requirement asks for 1000."""
SHORT_SAMPLES = 100
SUPPORTED_LENGTHS = frozenset({4, 8, 16})
REUSED = Expectation((SW.REFERENCE_DATA_NOT_USABLE,), families=(0x63,))


@SUITE.case(
    "AUT/challenge/BV",
    "取随机数",
    "GET CHALLENGE",
    requirements=["SSC-AUT-001", "SSC-AUT-002"],
    kind=Kind.VALID,
    expected=("按 Le 返回 4 或 8 字节；1000 个随机数互不相同", "4 or 8 bytes as Le asks; 1000 challenges all differ"),
)
def challenge(bench: Bench) -> None:
    """Both lengths, many samples over several sessions, and every bit of them both 0 and 1.

    A hundred random values of 4 bytes hold the same one twice in one run out of a million; never more often.
    """
    for length in (4, 8):
        answer = bench.send(apdu(0, 0x84, 0, 0, ne=length))
        bench.expect(answer, GOOD, f"Le {length:02X}", f"Le {length:02X}", requirement="SSC-AUT-001")
        bench.check(
            len(answer.data) == length,
            "字节数",
            "number of bytes",
            expected=length,
            received=len(answer.data),
            requirement="SSC-AUT-001",
        )
    short = [bench.send(apdu(0, 0x84, 0, 0, ne=4)).data for _ in range(SHORT_SAMPLES)]
    bench.check(
        len(set(short)) >= SHORT_SAMPLES - 1,
        f"{SHORT_SAMPLES} 个 4 字节随机数中不同的个数",
        f"different values among {SHORT_SAMPLES} challenges of 4 bytes",
        expected=SHORT_SAMPLES,
        received=len(set(short)),
        requirement="SSC-AUT-002",
    )
    samples: set[bytes] = set()
    count = CHALLENGES[bench.level]
    ones = zeros = 0
    for number in range(count):
        if number % (count // 4) == 0:
            bench.reset(cold=number % (count // 2) == 0)
        sample = bench.send(apdu(0, 0x84, 0, 0, ne=8)).data
        bench.check(
            len(sample) == 8 and sample not in samples,
            f"第 {number + 1} 个随机数",
            f"challenge number {number + 1}",
            expected="8 bytes not seen before",
            received=sample,
            requirement="SSC-AUT-002",
        )
        samples.add(sample)
        ones |= int.from_bytes(sample)
        zeros |= ~int.from_bytes(sample) & (1 << 64) - 1
    bench.check(
        ones == zeros == (1 << 64) - 1,
        "每一位都有 0 和 1",
        "every bit is seen as 0 and as 1",
        expected="FFFFFFFFFFFFFFFF",
        received=f"{ones & zeros:016X}",
        requirement="SSC-AUT-002",
    )


@SUITE.case(
    "AUT/challenge-length/BI",
    "随机数长度错误",
    "Unsupported length of a challenge",
    requirements=["SSC-AUT-003"],
    kind=Kind.INVALID,
    expected=("6700，无数据", "6700 and no data"),
)
def challenge_length(bench: Bench) -> None:
    """Lengths other than 4, 8 and 16."""

    def judge(length: int) -> None:
        answer = bench.transmit(apdu(0, 0x84, 0, 0, ne=length))
        bench.expect(answer, SW.WRONG_LENGTH, f"Le {length:02X}", f"Le {length:02X}", requirement="SSC-AUT-003")

    judge(3)
    for_all(bench, st.integers(1, 255).filter(lambda length: length not in SUPPORTED_LENGTHS), judge)


@SUITE.case(
    "AUT/last-challenge/BO",
    "最后一个随机数",
    "The last challenge counts",
    requirements=["SSC-AUT-008"],
    kind=Kind.INOPPORTUNE,
    expected=(
        "过程因子为最后一个随机数（卡片声明可接受倒数第二个）",
        "the process factor is the last challenge; the last but one too where the profile says so",
    ),
)
def last_challenge(bench: Bench) -> None:
    """Of three challenges each is tried in its own round."""
    found = open_key(bench, UPDATE_KEY)
    both = bench.profile.settings.challenge_used == "last or last but one"
    for used, zh, en in ((0, "倒数第三个", "last but two"), (1, "倒数第二个", "last but one"), (2, "最后一个", "last")):
        challenges = [get_challenge(bench) for _ in range(3)]
        data = bench.keys.external_authentication(UPDATE_KEY, challenges[used])
        good = used == 2 or (used == 1 and both)
        bench.expect(
            external_authentication(bench, UPDATE_KEY, data),
            GOOD if good else tries(key_limit(bench.profile, found.key), 1),
            f"{zh}随机数",
            f"the {en} challenge",
            requirement="SSC-AUT-008",
        )
        bench.need(authenticate(bench, UPDATE_KEY), "外部认证", "EXTERNAL AUTHENTICATE")


@SUITE.case(
    "AUT/challenge-once/BO",
    "随机数一次有效",
    "A challenge serves once",
    requirements=["SSC-AUT-009"],
    kind=Kind.INOPPORTUNE,
    expected=("第二次使用 6984（允许 63Cx）", "6984 the second time; 63Cx is tolerated"),
)
def challenge_once(bench: Bench) -> None:
    """After a right and after a wrong authentication, with the same key and with another."""
    open_key(bench, UPDATE_KEY)
    for good in (True, False):
        for second in (UPDATE_KEY, READ_KEY):
            key_place(bench, second)
            challenge = get_challenge(bench)
            first = bench.keys.external_authentication(UPDATE_KEY, challenge)
            answer = external_authentication(bench, UPDATE_KEY, first if good else flipped(first))
            if good:
                bench.need(answer, "外部认证", "EXTERNAL AUTHENTICATE")
            bench.expect(
                external_authentication(bench, second, bench.keys.external_authentication(second, challenge)),
                REUSED,
                f"{'成功' if good else '失败'}后用同一随机数认证 {second}",
                f"{second} with the same challenge after {'success' if good else 'failure'}",
                requirement="SSC-AUT-009",
            )
            for name in (UPDATE_KEY, second):
                bench.need(authenticate(bench, name), "外部认证", "EXTERNAL AUTHENTICATE")


@SUITE.case(
    "AUT/no-challenge/BO",
    "无随机数的外部认证",
    "EXTERNAL AUTHENTICATE without a challenge",
    requirements=["SSC-AUT-010"],
    kind=Kind.INOPPORTUNE,
    expected=("6984，错误计数不变（或按卡片声明 63Cx）", "6984 and no try lost, or 63Cx as the profile declares"),
)
def no_challenge(bench: Bench) -> None:
    """After a reset: with a challenge of the session before, with zeros; and with a challenge that is used up."""
    found = open_key(bench, UPDATE_KEY)
    counted = bench.profile.settings.authentication_without_challenge == "63Cx"
    limit = key_limit(bench.profile, found.key)
    for zh, en, zeros in (
        ("复位前的随机数", "challenge from before the reset", False),
        ("全零随机数", "a challenge of zeros", True),
    ):
        challenge = bytes(8) if zeros else get_challenge(bench)
        bench.reset()
        open_directory(bench, found.directory)
        bench.expect(
            external_authentication(bench, UPDATE_KEY, bench.keys.external_authentication(UPDATE_KEY, challenge)),
            tries(limit, 1) if counted else NO_CHALLENGE,
            zh,
            en,
            requirement="SSC-AUT-010",
        )
        if not counted:
            expect_untouched(bench, UPDATE_KEY, "错误计数", "tries of the key", requirement="SSC-AUT-010")
        else:
            bench.need(authenticate(bench, UPDATE_KEY), "外部认证", "EXTERNAL AUTHENTICATE")
