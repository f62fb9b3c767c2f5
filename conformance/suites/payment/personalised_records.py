"""The records of a personalised card 个人化记录 (area PAY-PER): lists, action codes, verification methods, documents, limits."""

from __future__ import annotations

from conformance.bench import GOOD, Bench
from conformance.cases import Kind, Suite
from conformance.payment_dialogue import CDOL1, CDOL2
from conformance.payment_reading import ask_data, records_of_ways, tags_and_lengths, template

SUITE = Suite("payment personalised records", "金融应用个人化记录", "Payment: personalised records")

CURRENCY = 0x9F42
VERSION, EDITION = 0x9F08, bytes.fromhex("0030")
ACTION_CODES = (0x9F0D, 0x9F0E, 0x9F0F)
RESULT_BITS = bytes.fromhex("FCF8FCF8F0")
"""Bits of the terminal verification results TVR that mean something (JR/T 0025.6 appendix A)."""
NEW_CARD_BYTE, NEW_CARD_BIT = 1, 0x08
VERIFICATION, AMOUNTS = 0x8E, 8
METHODS = frozenset({0x00, 0x01, 0x02, 0x03, 0x1E, 0x1F, 0x20})
"""Methods of the cardholder verification list: fail, plain PIN, online PIN, PIN and signature, signature, none, document."""
DOCUMENT_METHOD, LAST_CONDITION = 0x20, 9
AMOUNT_CONDITIONS = range(6, LAST_CONDITION + 1)
DOCUMENT, DOCUMENT_KIND = 0x9F61, 0x9F62
LONGEST_DOCUMENT, LAST_DOCUMENT_KIND = 40, 5
LOWER, UPPER, LAST_ONLINE = 0x9F14, 0x9F23, 0x9F13
TERMINAL_DATA = (0x9F02, 0x9F03, 0x9F1A, 0x95, 0x5F2A, 0x9A, 0x9C, 0x9F37)
"""What a cryptogram of version 01 covers of the terminal (JR/T 0025.5 appendix E)."""
RESPONSE = 0x8A


@SUITE.case(
    "PAY-PER/lists/BV",
    "CDOL1 和 CDOL2",
    "CDOL1 and CDOL2",
    requirements=["PAY-PER-015", "PAY-PER-016", "PAY-PER-017"],
    kind=Kind.VALID,
    expected=(
        "位于参与签名的记录中，标签不重复，含密文版本 01 所需数据，CDOL2 另含 8A",
        "in signed records, no tag twice, with what cryptogram version 01 covers; CDOL2 has 8A besides",
    ),
)
def lists(bench: Bench) -> None:
    """On each way through a transaction."""
    for visit, records, objects in records_of_ways(bench):
        signed = {
            (entry.sfi, number) for entry in visit.entries for number in range(entry.first, entry.first + entry.signed)
        }
        for tag, name, needed in ((CDOL1, "CDOL1", ()), (CDOL2, "CDOL2", (RESPONSE,))):
            homes = {(each.sfi, each.number) for each in records if tag in [one.tag for one in each.objects]}
            bench.check(
                bool(homes) and (homes <= signed or not bench.traits.features & {"SDA", "DDA", "CDA"}),
                f"{name} 所在记录参与签名",
                f"the record of {name} is signed",
                expected="a signed record",
                received=", ".join(f"SFI {sfi} record {number}" for sfi, number in homes) or "—",
                requirement="PAY-PER-015",
            )
            tags = [found for found, _ in tags_and_lengths(objects[tag])]
            bench.check(
                bool(tags) and len(set(tags)) == len(tags),
                f"{name} 标签不重复",
                f"no tag twice in {name}",
                expected="every tag once",
                received=objects[tag],
                requirement="PAY-PER-016",
            )
            missing = [each for each in (*TERMINAL_DATA, *needed) if each not in tags]
            bench.check(
                not missing or "CVN 01" not in bench.traits.features,
                f"{name} 的内容",
                f"content of {name}",
                expected="what the cryptogram covers",
                received=f"without {', '.join(f'{each:X}' for each in missing)}" if missing else "complete",
                requirement="PAY-PER-017",
            )


@SUITE.case(
    "PAY-PER/version/BV",
    "应用版本号",
    "Application version",
    requirements=["PAY-PER-018"],
    kind=Kind.VALID,
    expected=("9F08 = 0030", "9F08 = 0030"),
)
def version(bench: Bench) -> None:
    """In the records of each way."""
    for _, _, objects in records_of_ways(bench):
        bench.check(
            objects.get(VERSION) == EDITION,
            "应用版本号",
            "application version",
            expected=EDITION,
            received=objects.get(VERSION, b""),
            requirement="PAY-PER-018",
        )


@SUITE.case(
    "PAY-PER/action-codes/BV",
    "发卡行行为代码",
    "Issuer action codes",
    requirements=["PAY-PER-019"],
    kind=Kind.VALID,
    expected=("9F0D、9F0E、9F0F 各 5 字节，保留位为 0", "9F0D, 9F0E and 9F0F of 5 bytes, reserved bits 0"),
)
def action_codes(bench: Bench) -> None:
    """By the layout of the terminal verification results."""
    for _, _, objects in records_of_ways(bench):
        for tag in ACTION_CODES:
            value = objects.get(tag, b"")
            sound = len(value) == len(RESULT_BITS) and not any(a & ~b for a, b in zip(value, RESULT_BITS, strict=True))
            bench.check(
                sound,
                f"行为代码 {tag:X}",
                f"action code {tag:X}",
                expected=f"5 bytes of bits {RESULT_BITS.hex().upper()}",
                received=value,
                requirement="PAY-PER-019",
            )


@SUITE.case(
    "PAY-PER/verification-list/BV",
    "持卡人验证方法列表",
    "Cardholder verification list",
    requirements=["PAY-PER-020", "PAY-PER-021", "PAY-PER-022"],
    kind=Kind.VALID,
    expected=(
        "规则成对，方法和条件有定义；含金额条件时有 9F42；出示证件时有 9F61 和 9F62",
        "pairs of defined methods and conditions; 9F42 where amounts are compared; 9F61 and 9F62 where a document is shown",
    ),
)
def verification_list(bench: Bench) -> None:
    """8E of each way that has one."""
    for _, _, objects in records_of_ways(bench):
        listed = objects.get(VERIFICATION)
        if listed is None:
            continue
        rules = listed[AMOUNTS:]
        pairs = list(zip(rules[::2], rules[1::2], strict=False))
        defined = all(
            not method & 0x80 and method & 0x3F in METHODS and condition <= LAST_CONDITION
            for method, condition in pairs
        )
        bench.check(
            len(listed) >= AMOUNTS and len(rules) % 2 == 0 and bool(pairs) and defined,
            "规则成对，方法和条件有定义",
            "pairs of defined methods and conditions",
            expected="amounts (8 bytes), pairs",
            received=listed,
            requirement="PAY-PER-020",
        )
        compares = any(condition in AMOUNT_CONDITIONS for _, condition in pairs)
        bench.check(
            not compares or CURRENCY in objects,
            "金额条件需要 9F42",
            "amounts need 9F42",
            expected="9F42 in the records",
            received="present" if CURRENCY in objects else "missing",
            requirement="PAY-PER-021",
        )
        shows = any(method & 0x3F == DOCUMENT_METHOD for method, _ in pairs)
        missing = [f"{tag:X}" for tag in (DOCUMENT, DOCUMENT_KIND) if tag not in objects]
        bench.check(
            not shows or not missing,
            "出示证件需要 9F61、9F62",
            "a document needs 9F61 and 9F62",
            expected="both in the records",
            received=f"without {', '.join(missing)}" if missing else "present",
            requirement="PAY-PER-022",
        )


@SUITE.case(
    "PAY-PER/document/BV",
    "证件号码和类型",
    "Number and kind of the document",
    requirements=["PAY-PER-023"],
    kind=Kind.VALID,
    expected=("9F62 为 00 至 05，9F61 有 1 至 40 个字符", "9F62 of 00 to 05, 9F61 of 1 to 40 characters"),
)
def document(bench: Bench) -> None:
    """In the records of each way that have them."""
    for _, _, objects in records_of_ways(bench):
        number, kind = objects.get(DOCUMENT), objects.get(DOCUMENT_KIND)
        bench.check(
            number is None or 1 <= len(number) <= LONGEST_DOCUMENT,
            "证件号码长度",
            "length of the number",
            expected=f"1 to {LONGEST_DOCUMENT}",
            received=len(number or b""),
            requirement="PAY-PER-023",
        )
        bench.check(
            number is None or (kind is not None and len(kind) == 1 and kind[0] <= LAST_DOCUMENT_KIND),
            "证件类型",
            "kind of the document",
            expected="00 to 05",
            received=kind or b"",
            requirement="PAY-PER-023",
        )


@SUITE.case(
    "PAY-PER/velocity/BV",
    "终端频度检查数据",
    "Velocity limits for terminals",
    requirements=["PAY-PER-024", "PAY-PER-025"],
    kind=Kind.VALID,
    expected=(
        "9F14 和 9F23 同有或同无；有时或行为代码含新卡位时 9F13 可读",
        "9F14 and 9F23 both or none; with them, or where an action code names a new card, 9F13 can be read",
    ),
)
def velocity(bench: Bench) -> None:
    """9F13 is what the terminal compares with the counter."""
    wanted = False
    for _, _, objects in records_of_ways(bench):
        given = [tag for tag in (LOWER, UPPER) if tag in objects]
        bench.check(
            len(given) != 1,
            "9F14 与 9F23",
            "9F14 and 9F23",
            expected="both or none",
            received=", ".join(f"{tag:X}" for tag in given) or "none",
            requirement="PAY-PER-024",
            go_on=True,
        )
        codes = [objects.get(tag, b"")[NEW_CARD_BYTE : NEW_CARD_BYTE + 1] for tag in ACTION_CODES]
        wanted = wanted or bool(given) or any(code and code[0] & NEW_CARD_BIT for code in codes)
    if wanted:
        answer = bench.expect(ask_data(bench, LAST_ONLINE), GOOD, "取 9F13", "GET DATA 9F13", requirement="PAY-PER-025")
        found = template(answer.data, LAST_ONLINE)
        bench.check(
            found is not None and len(found.value) == 2,
            "上次联机ATC",
            "last online counter",
            expected="9F13 02 …",
            received=answer.data,
            requirement="PAY-PER-025",
        )
