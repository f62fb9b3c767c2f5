"""Application selection 应用选择 over the contacts (area PAY-SEL): names, blocks, what a selection ends."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.actors.bank.scripts import block_application, block_card
from conformance.bench import GOOD, Bench, Expectation
from conformance.cases import Kind, Loss, Suite
from conformance.payment_answers import (
    objects_of,
)
from conformance.payment_dialogue import (
    ARQC,
    CDOL1,
    Visit,
    application,
)
from conformance.payment_judging import is_blocked_card, put_back
from conformance.payment_reading import PPSE, PSE, template
from emulator.iso7816 import SW, Response
from profiles.model import Profile

SUITE = Suite("payment selection", "金融应用选择", "Payment: application selection", restore=put_back)

NOT_FOUND = Expectation((SW.FILE_NOT_FOUND,))
BLOCKED = Expectation((SW.SELECTED_FILE_DEACTIVATED,))
CARD_BLOCKED = Expectation((SW.FUNCTION_NOT_SUPPORTED,))
REFUSED = Expectation((SW.CONDITIONS_OF_USE_NOT_SATISFIED,))
PROVIDER, PARTIAL = 5, 7
"""Bytes of the registered application provider identifier RID, and of the part of a name that the standard shows."""
LONGEST_NAME = 16
MOST_OCCURRENCES = 64


def _names(profile: Profile, beginning: bytes = b"") -> list[bytes]:
    """The names of the card's directories on the contacts that begin so."""
    found = (each.aid for each in profile.directory.values() if each.interface != "contactless")
    return [name for name in found if name is not None and name.startswith(beginning)]


def _own_name(bench: Bench) -> bytes:
    return application(bench.profile).aid or b""


def _name_in(response: Response) -> bytes:
    return objects_of(response.data, 0x6F).get(0x84, b"")


def _expect_whole_name(bench: Bench, response: Response, wanted: list[bytes], requirement: str) -> bytes:
    """Tag 84 must be one of the whole names."""
    name = _name_in(response)
    bench.check(
        name in wanted,
        "标签84为完整AID",
        "tag 84 is a full AID",
        expected=" / ".join(each.hex().upper() for each in wanted),
        received=name,
        requirement=requirement,
    )
    return name


@SUITE.case(
    "PAY-SEL/answer/BV",
    "选择应用的应答",
    "Answer of SELECT",
    requirements=["PAY-SEL-001"],
    kind=Kind.VALID,
    expected=("9000；6F{84, A5{50 …}}，编码正确", "9000 with well-formed 6F{84, A5{50 …}}"),
)
def answer(bench: Bench) -> None:
    """By the full name."""
    response = bench.expect(Visit(bench).send_select(), GOOD, "选择应用", "SELECT", requirement="PAY-SEL-001")
    whole = template(response.data, 0x6F)
    inner = objects_of(response.data, 0x6F, 0xA5)
    bench.check(
        whole is not None and {0x84, 0xA5} <= {each.tag for each in whole.children} and 0x50 in inner,
        "文件控制信息",
        "file control information",
        expected="6F{84, A5{50 …}}",
        received=response.data,
        requirement="PAY-SEL-001",
    )


@SUITE.case(
    "PAY-SEL/full-name/BV",
    "应答中的完整 AID",
    "Full AID in the answer",
    requirements=["PAY-SEL-002"],
    kind=Kind.VALID,
    expected=("完整或部分名称选择后，84 均为完整 AID", "84 is the full AID after a full and after a partial name"),
)
def full_name(bench: Bench) -> None:
    """The full name; its first bytes too, where the card takes them."""
    visit, own = Visit(bench), _own_name(bench)
    response = bench.need(visit.send_select(), "选择金融应用", "SELECT of the payment application")
    _expect_whole_name(bench, response, [own], "PAY-SEL-002")
    response = visit.send_select(own[:PARTIAL])
    if response.sw == SW.SUCCESS:
        _expect_whole_name(bench, response, _names(bench.profile, own[:PARTIAL]), "PAY-SEL-002")


@SUITE.case(
    "PAY-SEL/partial/BV",
    "以部分名称选择",
    "Selection by partial name",
    requirements=["PAY-SEL-003"],
    kind=Kind.VALID,
    expected=("9000，所选应用的 AID 以该部分开头", "9000, and the AID of the application begins so"),
)
def partial(bench: Bench) -> None:
    """The provider alone, and the first seven bytes."""
    for length in (PROVIDER, PARTIAL):
        part = _own_name(bench)[:length]
        response = Visit(bench).send_select(part)
        bench.expect(response, GOOD, f"以 {length} 字节选择", f"SELECT by {length} bytes", requirement="PAY-SEL-003")
        _expect_whole_name(bench, response, _names(bench.profile, part), "PAY-SEL-003")


@SUITE.case(
    "PAY-SEL/next/BV",
    "选择下一个应用",
    "Next occurrence",
    requirements=["PAY-SEL-004"],
    kind=Kind.VALID,
    expected=(
        "每个应用恰好出现一次，最后 6A82",
        "every application exactly once, and 6A82 at last",
    ),
)
def following(bench: Bench) -> None:
    """From the provider alone, until the card refuses."""
    visit, part = Visit(bench), _own_name(bench)[:PROVIDER]
    response = bench.need(visit.send_select(part), "以部分名称选择", "SELECT by partial name")
    found: list[bytes] = []
    while response.sw in (SW.SUCCESS, SW.SELECTED_FILE_DEACTIVATED) and len(found) < MOST_OCCURRENCES:
        found.append(_name_in(response))
        response = visit.send_select(part, again=True)
    bench.expect(response, NOT_FOUND, "没有下一个", "no further application", requirement="PAY-SEL-004")
    bench.check(
        sorted(found) == sorted(_names(bench.profile, part)),
        "依次选择的应用",
        "applications found one after the other",
        expected=" ".join(each.hex().upper() for each in _names(bench.profile, part)),
        received=" ".join(each.hex().upper() for each in found),
        requirement="PAY-SEL-004",
    )


def _unused_names(bench: Bench) -> Iterator[bytes]:
    """Names that no application of the card has or begins with: foreign ones, and neighbours of its own."""
    own = _own_name(bench)
    names = [
        b"\xf0" + bench.random.randbytes(7),
        own[:PROVIDER] + b"\xf0" + bench.random.randbytes(2),
        own[:-1] + bytes((own[-1] ^ 0x80,)),
        own + b"\xff",
    ]
    for name in names:
        if len(name) <= LONGEST_NAME and not _names(bench.profile, name):
            yield name


@SUITE.case(
    "PAY-SEL/unknown/BI",
    "选择不存在的应用",
    "Unknown application",
    requirements=["PAY-SEL-005"],
    kind=Kind.INVALID,
    expected=("6A82，无数据", "6A82 without data"),
)
def unknown(bench: Bench) -> None:
    """Another provider, another PIX, another last byte, a byte too many."""
    visit = Visit(bench)
    for name in _unused_names(bench):
        shown = name.hex().upper()
        response = visit.send_select(name)
        bench.expect(response, NOT_FOUND, f"选择 {shown}", f"SELECT {shown}", requirement="PAY-SEL-005")
        bench.check(
            not response.data, "无数据", "no data", expected="—", received=response.data, requirement="PAY-SEL-005"
        )


@SUITE.case(
    "PAY-SEL/no-environment/BI",
    "无 PSE 的卡",
    "Card without PSE",
    requirements=["PAY-SEL-006"],
    kind=Kind.INVALID,
    expected=("6A82", "6A82"),
)
def no_environment(bench: Bench) -> None:
    """The terminal goes on with its list of AIDs."""
    bench.expect(Visit(bench).send_select(PSE), NOT_FOUND, "选择PSE", "SELECT PSE", requirement="PAY-SEL-006")


@SUITE.case(
    "PAY-SEL/blocked/BV",
    "选择锁定的应用",
    "Blocked application",
    requirements=["PAY-SEL-012"],
    kind=Kind.VALID,
    destructive=True,
    expected=("6283，复位后仍然", "6283, after a reset too"),
)
def blocked(bench: Bench) -> None:
    """APPLICATION BLOCK by the bank; SELECT in the same session and after a reset."""
    visit = Visit(bench).ordered(block_application())
    bench.expect(visit.send_select(), BLOCKED, "重新选择", "SELECT again", requirement="PAY-SEL-012")
    bench.reset()
    bench.expect(visit.send_select(), BLOCKED, "复位后选择", "SELECT after a reset", requirement="PAY-SEL-012")


@SUITE.case(
    "PAY-SEL/card-blocked/BO",
    "卡片锁定后的选择",
    "Selection after CARD BLOCK",
    requirements=["PAY-SEL-014"],
    kind=Kind.INOPPORTUNE,
    destructive=True,
    loss=Loss.CARD,
    expected=("应用、PSE、PPSE 均为 6A81", "6A81 for application, PSE and PPSE"),
)
def card_blocked(bench: Bench) -> None:
    """Every payment application, both environments; a card that is kept may be blocked already."""
    visit = Visit(bench)
    if not is_blocked_card(bench):
        visit.ordered(block_card())
        bench.reset()
    own = [each.aid for each in bench.profile.directory.values() if each.payment is not None and each.aid]
    for name in (*own, PSE, PPSE):
        shown = name.hex().upper()
        bench.expect(
            visit.send_select(name), CARD_BLOCKED, f"选择 {shown}", f"SELECT {shown}", requirement="PAY-SEL-014"
        )


@SUITE.case(
    "PAY-SEL/ends-transaction/BO",
    "重新选择或复位终止交易",
    "Selection and reset end the transaction",
    requirements=["PAY-SEL-023"],
    kind=Kind.INOPPORTUNE,
    expected=("GENERATE AC 应答 6985", "GENERATE AC answers 6985"),
)
def ends_transaction(bench: Bench) -> None:
    """Between GET PROCESSING OPTIONS and GENERATE AC: SELECT, then a warm reset and SELECT."""
    for reset in (False, True):
        visit = Visit(bench).open().begin().read()
        values = visit.filled(CDOL1)
        if reset:
            bench.reset(cold=False)
        visit.open()
        what_zh, what_en = ("复位并选择", "a reset and SELECT") if reset else ("选择", "SELECT")
        bench.expect(
            visit.send_generate(ARQC, values),
            REFUSED,
            f"{what_zh}之后生成密文",
            f"GENERATE AC after {what_en}",
            requirement="PAY-SEL-023",
        )
