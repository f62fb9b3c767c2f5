"""Decisions of qPBOC before the spending checks (area PAY-QPB): path, currency, verification of the holder, reasons to go online."""

from __future__ import annotations

from conformance.bench import Bench
from conformance.cases import Kind, Loss, Suite
from conformance.failures import NotApplicable, NotRun
from conformance.payment_dialogue import AAC, ARQC, TC, Visit, get_data
from conformance.payment_judging import (
    NEARLY_COUNTED_OUT,
    NEW_CARD,
    PIN_EXCEEDED,
    count_nearly_out,
    exhaust_pin,
    put_back,
)
from conformance.quick_dialogue import (
    CAPABLE,
    FOREIGN,
    LAST_ONLINE,
    OFFLINE_ONLY,
    ONLINE,
    Terminal,
    at_the_contacts,
    decide,
    prepared,
    processing,
    qualifiers,
)
from conformance.targets.base import Interface
from emulator.iso7816 import SW

SUITE = Suite(
    "qPBOC decisions", "qPBOC 决定", "Payment: qPBOC decisions", interface=Interface.CONTACTLESS, restore=put_back
)

END = SW.CONDITIONS_OF_USE_NOT_SATISFIED
LIMIT = 3000
NO_METHOD = qualifiers(online_pin=False, signature=False, verification=True)


def spends(bench: Bench) -> int:
    """The decision on 1.00 at a terminal with everything, on a card that has no reason to go online: by its offline checks."""
    return TC if any(processing(bench, 1, bit) for bit in (8, 7, 6)) else ARQC


# The path


@SUITE.case(
    "PAY-QPB/path/BV",
    "qPBOC 路径",
    "The path of qPBOC",
    requirements=["PAY-QPB-001"],
    kind=Kind.VALID,
    expected=("TTQ 1.b6 = 1 时应答模板 77，含 9F26", "TTQ 1.b6 is answered by a template 77 with 9F26"),
)
def path(bench: Bench) -> None:
    """Terminals of every make-up that know qPBOC, the offline-only one too."""
    with prepared(bench) as terminal:
        for ttq in (qualifiers(signature=False), CAPABLE, ONLINE, OFFLINE_ONLY, b"\x60\0\0\x80"):
            tap = terminal.tap(ttq=ttq)
            bench.check(
                tap.kind is not None and len(tap.made.value) == 8,
                f"TTQ {ttq.hex().upper()}",
                f"TTQ {ttq.hex().upper()}",
                expected="77 {9F26 (8 bytes), …}, 9000",
                received=f"{tap.answer.data[:1].hex().upper() or '—'} {tap.sw:04X}",
                requirement="PAY-QPB-001",
            )


@SUITE.case(
    "PAY-QPB/no-path/BI",
    "终端与卡片没有共同路径",
    "No path in common",
    requirements=["PAY-QPB-002"],
    kind=Kind.INVALID,
    expected=("TTQ 1.b7 与 1.b6 均为 0 时 6985", "6985 when TTQ has neither 1.b7 nor 1.b6"),
)
def no_path(bench: Bench) -> None:
    """Nothing, and everything but the two bits."""
    with prepared(bench) as terminal:
        for ttq in (bytes(4), qualifiers(quick=False), qualifiers(quick=False, contact=True, online=True)):
            decide(bench, "PAY-QPB-002", terminal.tap(ttq=ttq), sw=END, words=("TTQ " + ttq.hex(), "TTQ " + ttq.hex()))


# Currency and terminals that work offline alone


@SUITE.case(
    "PAY-QPB/foreign-forbidden/BV",
    "禁止异币交易",
    "Another currency is forbidden",
    requirements=["PAY-QPB-011"],
    kind=Kind.VALID,
    expected=("CAP 2.b7 = 1：异币 AAC，匹配货币照常", "with CAP 2.b7 another currency is AAC, the card's own goes on"),
)
def foreign_forbidden(bench: Bench) -> None:
    """At online-capable and offline-only terminals, and when the terminal wants to go online."""
    require_processing(bench, 2, 7)
    with prepared(bench) as terminal:
        for ttq in (CAPABLE, OFFLINE_ONLY, ONLINE):
            decide(bench, "PAY-QPB-011", Terminal(bench, currency=FOREIGN).tap(ttq=ttq), kind=AAC)
        decide(bench, "PAY-QPB-011", terminal.tap(), kind=spends(bench))


@SUITE.case(
    "PAY-QPB/foreign-online/BV",
    "异币交易联机",
    "Another currency goes online",
    requirements=["PAY-QPB-022"],
    kind=Kind.VALID,
    expected=(
        "CAP 1.b3 = 0：异币 ARQC（CAP 2.b7 = 1 时 AAC）",
        "without CAP 1.b3 another currency is ARQC; AAC where CAP 2.b7 forbids it",
    ),
)
def foreign_online(bench: Bench) -> None:
    """A small amount that the card would approve in its own currency."""
    if processing(bench, 1, 3):
        raise NotApplicable("卡片允许异币脱机", "the card allows other currencies offline")
    with prepared(bench):
        kind = AAC if processing(bench, 2, 7) else ARQC
        decide(bench, "PAY-QPB-022", Terminal(bench, currency=FOREIGN).tap(1), kind=kind)


@SUITE.case(
    "PAY-QPB/new-card-offline/BV",
    "新卡在仅脱机终端拒绝",
    "A new card declines at an offline-only terminal",
    requirements=["PAY-QPB-012"],
    kind=Kind.VALID,
    expected=(
        "9F13 = 0 时 AAC；联机过一次后照常",
        "AAC while 9F13 is 0; after one online transaction the decision goes on",
    ),
)
def new_card_offline(bench: Bench) -> None:
    """The card in its first state, and after its first online transaction."""
    require_processing(bench, 2, 6)
    _require_new(bench)
    decide(bench, "PAY-QPB-012", Terminal(bench).tap(ttq=OFFLINE_ONLY), kind=AAC)
    with prepared(bench) as terminal:
        kind = TC if spends(bench) == TC else AAC
        decide(bench, "PAY-QPB-012", terminal.tap(ttq=OFFLINE_ONLY), kind=kind)


@SUITE.case(
    "PAY-QPB/new-card-online/BV",
    "新卡联机",
    "A new card goes online",
    requirements=["PAY-QPB-023"],
    kind=Kind.VALID,
    expected=(
        "9F13 = 0 时 ARQC，CVR 3.b5 = 1；联机过一次后照常",
        "ARQC with CVR 3.b5 while 9F13 is 0; afterwards the decision goes on",
    ),
)
def new_card_online(bench: Bench) -> None:
    """The card in its first state, and after its first online transaction."""
    require_processing(bench, 1, 5)
    _require_new(bench)
    decide(bench, "PAY-QPB-023", Terminal(bench).tap(), kind=ARQC, shown=[NEW_CARD])
    with prepared(bench) as terminal:
        decide(bench, "PAY-QPB-023", terminal.tap(), kind=spends(bench))


@SUITE.case(
    "PAY-QPB/pin-exhausted/BV",
    "脱机 PIN 尝试次数用尽",
    "No PIN try left",
    requirements=["PAY-QPB-013", "PAY-QPB-024"],
    kind=Kind.VALID,
    destructive=True,
    expected=(
        "仅脱机终端 AAC，联机终端 ARQC，CVR 3.b7 = 1；用尽前照常",
        "AAC at an offline-only terminal, ARQC at another, with CVR 3.b7; before that the decision goes on",
    ),
)
def pin_exhausted(bench: Bench) -> None:
    """Wrong PINs over the contacts use up the tries; the same taps before and after."""
    require_processing(bench, 1, 4)
    with prepared(bench) as terminal:
        decide(bench, "PAY-QPB-024", terminal.tap(), kind=spends(bench))
        with at_the_contacts(bench):
            Visit(bench).open().begin()
            exhaust_pin(bench)
        tap = terminal.tap(ttq=OFFLINE_ONLY)
        decide(bench, "PAY-QPB-013", tap, kind=AAC, shown=[PIN_EXCEEDED])
        decide(bench, "PAY-QPB-024", terminal.tap(), kind=ARQC, shown=[PIN_EXCEEDED])


# Reasons to go online


@SUITE.case(
    "PAY-QPB/terminal-online/BV",
    "终端要求联机",
    "The terminal wants an online cryptogram",
    requirements=["PAY-QPB-021"],
    kind=Kind.VALID,
    expected=("TTQ 2.b8 = 1 时 ARQC", "TTQ 2.b8 gives ARQC"),
)
def terminal_online(bench: Bench) -> None:
    """The smallest amount, and 1.00."""
    with prepared(bench) as terminal:
        for spend in (1, 100):
            decide(bench, "PAY-QPB-021", terminal.tap(spend, ONLINE), kind=ARQC)


@SUITE.case(
    "PAY-QPB/no-check/BV",
    "未选择脱机检查",
    "No offline check is chosen",
    requirements=["PAY-QPB-025"],
    kind=Kind.VALID,
    expected=("联机终端 ARQC，仅脱机终端 AAC", "ARQC at an online-capable terminal, AAC at an offline-only one"),
)
def no_check(bench: Bench) -> None:
    """Nothing, the smallest amount, and 1.00."""
    if spends(bench) == TC:
        raise NotApplicable("卡片选择了脱机检查", "the card has an offline check")
    with prepared(bench) as terminal:
        for spend in (0, 1, 100):
            decide(bench, "PAY-QPB-025", terminal.tap(spend), kind=ARQC)
            decide(bench, "PAY-QPB-025", terminal.tap(spend, OFFLINE_ONLY), kind=AAC)


@SUITE.case(
    "PAY-QPB/prefers-contact/BV",
    "联机交易首选接触界面",
    "The contacts are preferred for what goes online",
    requirements=["PAY-QPB-037"],
    kind=Kind.VALID,
    expected=(
        "需联机且 TTQ 1.b5 = 1 时 6985；1.b5 = 0 时 ARQC；脱机批准不受影响",
        "6985 for what would go online when TTQ has 1.b5, ARQC without; offline approvals go on",
    ),
)
def prefers_contact(bench: Bench) -> None:
    """The terminal wants to go online, with contacts and without; then an offline approval with contacts."""
    require_processing(bench, 1, 2)
    with prepared(bench) as terminal:
        decide(bench, "PAY-QPB-037", terminal.tap(ttq=qualifiers(online=True, contact=True)), sw=END)
        decide(bench, "PAY-QPB-037", terminal.tap(ttq=ONLINE), kind=ARQC)
        if spends(bench) == TC:
            decide(bench, "PAY-QPB-037", terminal.tap(ttq=qualifiers(contact=True)), kind=TC)


# Beside the contacts


@SUITE.case(
    "PAY-QPB/indicators-kept/BV",
    "不影响接触借贷记的指示位",
    "The indicators of debit and credit stay as they are",
    requirements=["PAY-QPB-050"],
    kind=Kind.VALID,
    expected=(
        "qPBOC 交易前后，接触交易的 CVR 相同；9F13 不变",
        "contact transactions before and after qPBOC show the same CVR, and 9F13 is the same",
    ),
)
def indicators_kept(bench: Bench) -> None:
    """A failed online transaction leaves indicators; taps of every kind neither show nor clear them."""
    with prepared(bench) as terminal:
        with at_the_contacts(bench):
            visit = Visit(bench).open().begin().read()
            visit.first(ARQC)
            before = Visit(bench).open().begin().first(ARQC)
            last = get_data(bench, LAST_ONLINE)
        for ttq in (ONLINE, CAPABLE, OFFLINE_ONLY):
            if terminal.tap(ttq=ttq).kind == TC:
                terminal.records()
        with at_the_contacts(bench):
            after = Visit(bench).open().begin().first(ARQC)
            bench.check(
                (after.results, get_data(bench, LAST_ONLINE)) == (before.results, last),
                "CVR 与 9F13",
                "CVR and 9F13",
                expected=f"{before.results.hex()} {(last or b'').hex()}",
                received=f"{after.results.hex()} {(get_data(bench, LAST_ONLINE) or b'').hex()}",
                requirement="PAY-QPB-050",
            )


@SUITE.case(
    "PAY-QPB/counter-end/BO",
    "ATC 到达 FFFF",
    "The end of the transaction counter",
    requirements=["PAY-QPB-051"],
    kind=Kind.INOPPORTUNE,
    destructive=True,
    loss=Loss.COUNTER,
    expected=(
        "ATC 成为 FFFF 的交易应答 6985，之后一直如此",
        "the tap that reaches FFFF answers 6985, and so do all after it",
    ),
)
def counter_end(bench: Bench) -> None:
    """Initiations over the contacts, whose counter it is, too, until it stands one before its end; then two taps."""

    def way() -> None:
        with at_the_contacts(bench):
            count_nearly_out(bench)

    bench.reach(NEARLY_COUNTED_OUT, way)
    terminal = Terminal(bench)
    for _ in range(2):
        terminal.send_select()
        decide(bench, "PAY-QPB-051", terminal.ask(ttq=ONLINE), sw=END)
        bench.reset()


@SUITE.case(
    "PAY-QPB/contacts-first/BO",
    "接触界面通电时非接触界面不应答",
    "The field gets no answer while the contacts have power",
    requirements=["PAY-QPB-052"],
    kind=Kind.INOPPORTUNE,
    expected=("无应答；接触界面断电后恢复", "no answer; after the contacts lost their power there is one again"),
)
def contacts_first(bench: Bench) -> None:
    """Contacts with power, and somebody who calls the card in the field."""
    bench.switch(Interface.CONTACT)
    answered = bench.target.answers_beside()
    if answered is None:
        raise NotRun("本测试台不能同时为两个界面供电", "this bench cannot give power to both interfaces at once")
    bench.check(
        not answered,
        "接触界面通电时的非接触界面",
        "the field while the contacts have power",
        expected="silence",
        received="an answer" if answered else "silence",
        requirement="PAY-QPB-052",
    )
    bench.switch(Interface.CONTACTLESS)
    bench.need(Terminal(bench).send_select(), "选择金融应用", "SELECT through the antenna")


def require_processing(bench: Bench, byte: int, bit: int) -> None:
    """Go on only where the card additional processes have a bit."""
    if not processing(bench, byte, bit):
        raise NotApplicable(f"CAP {byte}.b{bit} = 0", f"CAP {byte}.b{bit} is 0")


def _require_new(bench: Bench) -> None:
    """Go on only with a card that was never online."""
    Terminal(bench).open()
    if get_data(bench, LAST_ONLINE) != bytes(2):
        raise NotRun("卡片已做过联机交易，不再是新卡", "the card was online before: it is no new card any more")
