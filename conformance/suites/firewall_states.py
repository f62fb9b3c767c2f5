"""Firewall 防火墙 (LD/T 6001.2), states: a transaction ends with its directory, a blocked application takes no other with it."""

from __future__ import annotations

from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Loss, Suite
from conformance.dialogue import (
    ENVIRONMENT,
    apdu,
    authenticate,
    get_challenge,
    open_directory,
    read_first,
    satisfy,
    select,
    select_name,
    verify,
)
from conformance.failures import NotApplicable
from conformance.maintenance import APPLICATION_BLOCK, enter, lock_key, maintenance_key, protected
from conformance.suites.firewall import BANK_APPLICATION, READABLE, applications, places_in
from emulator.iso7816 import SW

SUITE = Suite("firewall, states", "防火墙（状态）", "Firewall, states")


@SUITE.case(
    "FW/transaction/BO",
    "SELECT 结束交易状态",
    "SELECT ends a transaction",
    requirements=["SSC-FW-012"],
    kind=Kind.INOPPORTUNE,
    expected=(
        "消费初始化后重选 DF04，DEBIT FOR PURCHASE 为 6901",
        "after INITIALIZE FOR PURCHASE and SELECT, DEBIT FOR PURCHASE gives 6901",
    ),
)
def transaction(bench: Bench) -> None:
    """The state that INITIALIZE FOR PURCHASE sets goes with DF04, whether selected again or left."""
    index = next(
        (k.index for d in bench.profile.directory.values() for k in d.key.values() if k.use == "purchase"), None
    )
    if index is None:
        raise NotApplicable("卡片声明中没有消费密钥", "the declared card has no purchase key")
    amounts, terminal = (0).to_bytes(4) + (1).to_bytes(4) * 2, bytes.fromhex("500000000001")
    initialize = apdu(0xB0, 0x28, 0x01, 0x01, bytes([index]) + amounts + terminal, 0x16)
    debit = apdu(0xB0, 0x2C, 0x01, 0x00, bytes.fromhex("00000001 20240102030405 00000000"), 8)
    for moves in (("DF04",), (ENVIRONMENT, "DF04")):
        open_directory(bench, "DF04")
        bench.need(verify(bench), "验证个人密码", "VERIFY")
        bench.need(bench.send(initialize), "消费初始化", "INITIALIZE FOR PURCHASE")
        for directory in moves:
            enter(bench, directory)
        bench.expect(bench.send(debit), SW.COMMAND_NOT_ACCEPTED, "消费", "DEBIT FOR PURCHASE", requirement="SSC-FW-012")


@SUITE.case(
    "FW/blocked/BO",
    "锁定 DF03 不影响其他应用",
    "Blocking DF03 leaves the others working",
    requirements=["SSC-FW-013"],
    kind=Kind.INOPPORTUNE,
    expected=(
        "DF03 锁定后，其他 DF 与 SSSE 的文件可读，金融应用可选择",
        "with DF03 blocked, files of SSSE and the other DFs can be read and the bank application selected",
    ),
    destructive=True,
    loss=Loss.APPLICATION,
)
def blocked(bench: Bench) -> None:
    """A temporary APPLICATION BLOCK of DF03, then everything else."""
    open_directory(bench, "DF03")
    key = lock_key(bench, "DF03")
    bench.need(authenticate(bench, key), f"用 {key} 外部认证", f"EXTERNAL AUTHENTICATE with {key}")
    command = protected(bench, maintenance_key(bench, "DF03"), get_challenge(bench), APPLICATION_BLOCK)
    bench.need(bench.send(command), "锁定 DF03", "APPLICATION BLOCK")
    bench.reset()
    if "financial" in bench.traits.features:
        bench.expect(
            bench.send(select_name(BANK_APPLICATION)),
            GOOD,
            "选择金融应用",
            "SELECT the bank application",
            requirement="SSC-FW-013",
        )
    for directory in (ENVIRONMENT, *applications(bench.profile)):
        if directory == "DF03":
            continue
        open_directory(bench, ENVIRONMENT)
        bench.expect(
            select(bench, directory), GOOD, f"选择 {directory}", f"SELECT {directory}", requirement="SSC-FW-013"
        )
        for found in places_in(bench.profile, directory)[:3]:
            satisfy(bench, found.file.read)
            bench.expect(
                read_first(bench, found.file),
                READABLE if found.file.structure == "cyclic" else GOOD,
                f"读 {found.path}",
                f"read {found.path}",
                requirement="SSC-FW-013",
            )
