"""The secure access module 终端安全存取模块 (PSAM) as a card under test (area SAM; vol. 2 §7)."""

from __future__ import annotations

from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Suite
from conformance.dialogue import apdu, select_identifier, select_name
from conformance.failures import Inconclusive, NotApplicable
from conformance.suites._module import KEY_APPLICATION, SM4_ENVIRONMENT, F, Held, Module, R, folded
from emulator.crypto import Algorithm
from emulator.iso7816 import SW
from profiles.keys import keys, root_key

SUITE = Suite("secure access module", "终端安全存取模块", "Secure access module")

KEY_APPLICATION_NAME = bytes.fromhex("D15600000590")
WRONG_STATE = Expectation((SW.COMMAND_NOT_ACCEPTED, SW.CONDITIONS_OF_USE_NOT_SATISFIED))
REFUSED = Expectation((SW.CONDITIONS_OF_USE_NOT_SATISFIED,), families=(0x67, 0x69, 0x6A, 0x94))
COUNTED = Expectation((), families=(0x63,))
LOCKED = Expectation(
    (SW.APPLICATION_PERMANENTLY_BLOCKED, SW.FUNCTION_NOT_SUPPORTED, SW.CONDITIONS_OF_USE_NOT_SATISFIED)
)
TERMINAL_FILE = 0x16
MOST_FAILURES = 16
ENCIPHER, MAC_LAST, MAC_ONLY, MAC_FIRST = 0x00, 0x01, 0x05, 0x07


def _begun(module: Module, key: Held) -> tuple[bytes, bytes]:
    """Terminal transaction number and MAC1 of a settlement that was begun; inconclusive without."""
    answer = module.bench.need(module.initialize(key), "计算MAC1", "INIT_SAM_FOR_PURCHASE")
    if len(answer.data) != 8:
        raise Inconclusive("MAC1应答长度不符", f"INIT_SAM_FOR_PURCHASE answered {len(answer.data)} bytes")
    return answer.data[:4], answer.data[4:]


@SUITE.case(
    "SAM/environment/BV",
    "密钥环境与应用",
    "Environment and application of the keys",
    requirements=["SSC-SAM-001", "SSC-SAM-002"],
    kind=Kind.VALID,
    expected=("密钥应用 DF01 可按文件标识和 AID 选择", "DF01 can be selected by its identifier and by its AID"),
)
def environment(bench: Bench) -> None:
    """By identifier, after another reset by name; the SM4 environment by its name."""
    requirement = "SSC-SAM-002" if bench.profile.algorithm == "SM4" else "SSC-SAM-001"
    for way in (select_identifier(KEY_APPLICATION), select_name(KEY_APPLICATION_NAME)):
        bench.reset()
        if bench.profile.algorithm == "SM4":
            answer = bench.send(select_name(SM4_ENVIRONMENT))
            bench.expect(answer, GOOD, "选择 sx3.sh.社会保障", "SELECT of sx3.sh.社会保障", requirement=requirement)
        bench.expect(bench.send(way), GOOD, "选择 DF01", "SELECT of DF01", requirement=requirement)


@SUITE.case(
    "SAM/files/BV",
    "序列号和终端机编号",
    "Serial number and terminal number",
    requirements=["SSC-SAM-003"],
    kind=Kind.VALID,
    expected=("复位后可直接读出 10 字节和 6 字节", "ten and six bytes can be read right after the reset"),
)
def files(bench: Bench) -> None:
    """The forms that programs in use send."""
    bench.reset()
    for command, length in (("00B095010A", 10), ("00B0960006", 6)):
        answer = bench.expect(bench.send(command), GOOD, "读取", "READ BINARY", requirement="SSC-SAM-003")
        bench.check(
            len(answer.data) == length,
            "长度",
            "length",
            expected=length,
            received=len(answer.data),
            requirement="SSC-SAM-003",
        )


@SUITE.case(
    "SAM/session-key/BV",
    "会话密钥与加密",
    "Session key and enciphering",
    requirements=["SSC-SAM-004", "SSC-SAM-005", "SSC-SAM-018"],
    kind=Kind.VALID,
    expected=("各级密钥的密文与密钥服务计算一致", "for each number of levels what the key service computes"),
)
def session_key(bench: Bench) -> None:
    """A key of each number of levels, factors with the last level first."""
    module = Module(bench).open()
    for levels in sorted({key.levels for key in module.held if key.kind in (7, 8)}):
        key = module.general(levels)
        answer = module.derive(key)
        bench.expect(answer, GOOD, f"{key.name} 会话密钥", f"session key of {key.name}", requirement="SSC-SAM-004")
        made = bench.expect(
            module.cipher(ENCIPHER, module.filled(F)), GOOD, "加密", "CIPHER DATA", requirement="SSC-SAM-005"
        ).data
        size = module.algorithm.block_size
        bench.check(len(made) == size, "长度", "length", expected=size, received=len(made), requirement="SSC-SAM-018")
        expected = module.service.external_authentication(key.name, R, source=F)[:8]
        bench.check(
            folded(made) == expected,
            f"{levels} 级分散后的鉴别密文",
            f"cryptogram after {levels} levels",
            expected=expected,
            received=folded(made),
            requirement="SSC-SAM-005",
        )


@SUITE.case(
    "SAM/lengths/BI",
    "分散因子长度",
    "Length of the factors",
    requirements=["SSC-SAM-004"],
    kind=Kind.INVALID,
    expected=("因子个数与级数不符时拒绝", "refused unless there are as many factors as levels"),
)
def lengths(bench: Bench) -> None:
    """One factor too few, one too many, half a process factor."""
    module = Module(bench).open()
    key = module.general()
    good = module.factors(key.levels) + module.filled(R)
    for data in (good[8:], good[:8] + good, good[:-8], good[:-1]):
        answer = module.derive(key, data)
        bench.expect(answer, REFUSED, "长度不符", "wrong length", requirement="SSC-SAM-004", go_on=True)


@SUITE.case(
    "SAM/order/BI",
    "分散因子顺序",
    "Order of the factors",
    requirements=["SSC-SAM-005"],
    kind=Kind.INVALID,
    expected=("因子顺序颠倒时得到另一密钥", "factors the other way round make another key"),
)
def order(bench: Bench) -> None:
    """City before card."""
    module = Module(bench).open()
    key = module.general(2)
    factors = module.factors(2)
    bench.need(module.derive(key, factors[8:] + factors[:8] + module.filled(R)), "会话密钥", "DELIVERY SESSION KEY")
    made = bench.need(module.cipher(ENCIPHER, module.filled(F)), "加密", "CIPHER DATA").data
    right = module.service.external_authentication(key.name, R, source=F)[:8]
    bench.check(
        folded(made) != right,
        "另一密钥的密文",
        "cryptogram of another key",
        expected=f"≠ {right.hex().upper()}",
        received=folded(made),
        requirement="SSC-SAM-005",
    )


@SUITE.case(
    "SAM/forbidden-keys/BI",
    "主控、维护和消费密钥不得产生会话密钥",
    "Master, maintenance and purchase keys make no session key",
    requirements=["SSC-SAM-006"],
    kind=Kind.INVALID,
    expected=("拒绝，随后加密也被拒绝", "refused, and enciphering after it, too"),
)
def forbidden_keys(bench: Bench) -> None:
    """The declared purchase key, and the types 0 and 1 with each identifier of a held key."""
    module = Module(bench).open()
    candidates = [key for key in module.held if key.kind == 2][:3]
    general = module.general()
    candidates += [Held("—", general.levels << 5 | kind, general.identifier) for kind in (0, 1)]
    for key in candidates:
        answer = module.derive(key)
        bench.expect(answer, REFUSED, f"用途 {key.use:02X}", f"use {key.use:02X}", requirement="SSC-SAM-006")
        after = module.cipher(ENCIPHER, module.filled(F))
        bench.expect(after, WRONG_STATE, "随后加密", "CIPHER DATA after it", requirement="SSC-SAM-006")


@SUITE.case(
    "SAM/cipher-order/BO",
    "加密须先取会话密钥，且只用一次",
    "CIPHER DATA needs a session key, once",
    requirements=["SSC-SAM-007", "SSC-SAM-008"],
    kind=Kind.INOPPORTUNE,
    expected=("无会话密钥时拒绝；最后一块之后会话密钥失效", "refused without one; after the last block it is gone"),
)
def cipher_order(bench: Bench) -> None:
    """Without, after the last block, and after a reset."""
    module = Module(bench).open()
    block = module.filled(F)
    bench.expect(module.cipher(ENCIPHER, block), WRONG_STATE, "无会话密钥", "no session key", requirement="SSC-SAM-007")
    key = module.general()
    bench.need(module.derive(key), "会话密钥", "DELIVERY SESSION KEY")
    bench.need(module.cipher(ENCIPHER, block), "加密", "CIPHER DATA")
    bench.expect(module.cipher(ENCIPHER, block), WRONG_STATE, "第二次", "a second time", requirement="SSC-SAM-008")
    bench.need(module.derive(key), "会话密钥", "DELIVERY SESSION KEY")
    bench.reset()
    module.open()
    bench.expect(module.cipher(ENCIPHER, block), WRONG_STATE, "复位之后", "after a reset", requirement="SSC-SAM-007")


@SUITE.case(
    "SAM/mac/BV",
    "计算MAC",
    "Making a MAC",
    requirements=["SSC-SAM-009"],
    kind=Kind.VALID,
    expected=("4 字节，与密钥服务计算一致，分块计算结果相同", "four bytes, as the key service has them, in pieces too"),
)
def make_mac(bench: Bench) -> None:
    """In one piece with an initial vector, and in two pieces."""
    module = Module(bench).open()
    key = next((key for key in module.held if keys(module.cards)[key.name].use == "maintenance"), None)
    if key is None:
        raise NotApplicable("没有维护密钥", "the declared module has no maintenance key")
    size = module.algorithm.block_size
    covered = bytes.fromhex("842400011C") + bytes(range(16))
    padded = (covered + b"\x80").ljust(-(-(len(covered) + 1) // size) * size, b"\0")
    expected = module.service.maintenance_mac(key.name, R, covered)
    pieces = {
        "一次 in one piece": [(MAC_ONLY, bytes(size) + padded)],
        "分块 in two pieces": [(MAC_FIRST, bytes(size) + padded[:size]), (MAC_LAST, padded[size:])],
    }
    for what, commands in pieces.items():
        bench.step(what, what)
        bench.need(module.derive(key), "会话密钥", "DELIVERY SESSION KEY")
        for mode, data in commands:
            answer = bench.expect(module.cipher(mode, data), GOOD, "计算MAC", "MAC", requirement="SSC-SAM-009")
        bench.check(
            answer.data == expected, "MAC", "MAC", expected=expected, received=answer.data, requirement="SSC-SAM-009"
        )


@SUITE.case(
    "SAM/data-length/BI",
    "数据长度不是整块",
    "Data that are no whole blocks",
    requirements=["SSC-SAM-010"],
    kind=Kind.INVALID,
    expected=("6700", "6700"),
)
def data_length(bench: Bench) -> None:
    """Seven bytes, and one more than a block."""
    module = Module(bench).open()
    for data in (bytes(7), bytes(module.algorithm.block_size + 1)):
        bench.need(module.derive(module.general()), "会话密钥", "DELIVERY SESSION KEY")
        answer = module.cipher(ENCIPHER, data)
        bench.expect(answer, SW.WRONG_LENGTH, "不是整块", "no whole blocks", requirement="SSC-SAM-010")


@SUITE.case(
    "SAM/purchase/BV",
    "MAC1 与终端交易序号",
    "MAC1 and terminal transaction number",
    requirements=["SSC-SAM-011", "SSC-SAM-012", "SSC-SAM-013"],
    kind=Kind.VALID,
    destructive=True,
    expected=(
        "MAC1 用 PSAM 自己的终端机编号和序号；序号仅在 MAC2 正确后加一",
        "MAC1 with the module's own numbers; the transaction number rises with a right MAC2 only",
    ),
)
def purchase(bench: Bench) -> None:
    """Begun twice, then ended with the right MAC2, then begun again."""
    module = Module(bench)
    terminal = module.read(TERMINAL_FILE, 6)
    key = module.open().purchase()
    number, mac1 = _begun(module, key)
    codes = module.service.settlement(key.name, module.settlement(terminal, number))
    bench.check(mac1 == codes.mac1, "MAC1", "MAC1", expected=codes.mac1, received=mac1, requirement="SSC-SAM-012")
    again, _ = _begun(module, key)
    bench.check(
        again == number,
        "未完成的交易不计数",
        "an unfinished settlement does not count",
        expected=number,
        received=again,
        requirement="SSC-SAM-013",
    )
    bench.expect(module.credit(codes.mac2), GOOD, "校验MAC2", "MAC2", requirement="SSC-SAM-011")
    following, _ = _begun(module, key)
    expected = (int.from_bytes(number, "big") + 1).to_bytes(4, "big")
    bench.check(
        following == expected,
        "终端交易序号加一",
        "the terminal transaction number is one higher",
        expected=expected,
        received=following,
        requirement="SSC-SAM-013",
    )


@SUITE.case(
    "SAM/purchase-order/BO",
    "校验MAC2 须先计算MAC1",
    "MAC2 needs a MAC1 before it",
    requirements=["SSC-SAM-015"],
    kind=Kind.INOPPORTUNE,
    expected=("拒绝", "refused"),
)
def purchase_order(bench: Bench) -> None:
    """Right after the selection, and after a session key."""
    module = Module(bench).open()
    bench.expect(module.credit(bytes(4)), WRONG_STATE, "未计算MAC1", "no MAC1", requirement="SSC-SAM-015")
    bench.need(module.derive(module.general()), "会话密钥", "DELIVERY SESSION KEY")
    bench.expect(module.credit(bytes(4)), WRONG_STATE, "只有会话密钥", "a session key alone", requirement="SSC-SAM-015")


@SUITE.case(
    "SAM/wrong-mac2/BI",
    "MAC2 错误计数与锁定",
    "Wrong MAC2s count and lock",
    requirements=["SSC-SAM-014", "SSC-SAM-013"],
    kind=Kind.INVALID,
    destructive=True,
    expected=("63Cx 递减，为零后应用锁定", "63Cx counts down, at zero the application locks"),
)
def wrong_mac2(bench: Bench) -> None:
    """Until the counter is zero."""
    module = Module(bench).open()
    key = module.purchase()
    number, _ = _begun(module, key)
    left: int | None = None
    for _ in range(MOST_FAILURES):
        answer = bench.expect(module.credit(bytes(4)), COUNTED, "错误MAC2", "wrong MAC2", requirement="SSC-SAM-014")
        tries = answer.sw & 0x0F
        bench.check(
            left is None or tries == left - 1,
            "剩余次数",
            "tries left",
            expected="—" if left is None else left - 1,
            received=tries,
            requirement="SSC-SAM-014",
        )
        left = tries
        if not left:
            break
        again, _ = _begun(module, key)
        bench.check(
            again == number,
            "序号不变",
            "the number stays",
            expected=number,
            received=again,
            requirement="SSC-SAM-013",
        )
    bench.expect(module.initialize(key), LOCKED, "锁定之后", "after the lock", requirement="SSC-SAM-014")
    bench.reset()
    if module.algorithm is Algorithm.SM4:
        bench.need(bench.send(select_name(SM4_ENVIRONMENT)), "选择环境", "SELECT of the environment")
    bench.expect(
        bench.send(select_identifier(KEY_APPLICATION)),
        Expectation((SW.FUNCTION_NOT_SUPPORTED, SW.SELECTED_FILE_DEACTIVATED, SW.APPLICATION_PERMANENTLY_BLOCKED)),
        "复位后仍锁定",
        "locked after a reset as well",
        requirement="SSC-SAM-014",
    )


@SUITE.case(
    "SAM/no-key-leaves/BV",
    "密钥不外泄",
    "No key leaves the module",
    requirements=["SSC-SAM-016"],
    kind=Kind.VALID,
    expected=("任何应答中都没有根密钥", "no root key stands in any answer"),
)
def no_key_leaves(bench: Bench) -> None:
    """Every general key is used on zeros, and every file is read."""
    module = Module(bench).open()
    roots = {root_key(module.cards, key.name, 1) for key in module.held}
    for key in module.held:
        if key.kind not in (7, 8) or module.derive(key).sw != SW.SUCCESS:
            continue
        said = module.cipher(ENCIPHER, bytes(2 * module.algorithm.block_size)).data
        _no_root(bench, roots, said)
    for short_identifier in range(1, 31):
        answer = bench.send(apdu(0x00, 0xB0, 0x80 | short_identifier, 0x00, ne=256))
        _no_root(bench, roots, answer.data)


def _no_root(bench: Bench, roots: set[bytes], said: bytes) -> None:
    bench.check(
        not any(root in said for root in roots),
        "应答中没有密钥",
        "no key in the answer",
        expected="—",
        received="—" if not any(root in said for root in roots) else "a root key",
        requirement="SSC-SAM-016",
    )
