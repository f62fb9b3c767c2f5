"""The tables of 人社信息函〔2012〕37号 table 9 and annex B, and those of 3.00, typed a second time for the tests.

One text a file: tag, format, length in bytes (hexadecimal); ``×n`` for a repeated record; inner elements in parentheses.
"""

from __future__ import annotations

import re
from typing import NamedTuple

FILES = {
    "SSSE/EF05": "01 cn 10, 02 an 01, 03 an 04, 04 cn 0C, 05 cn 04, 06 cn 04, 07 an 09",
    "SSSE/EF06": "08 an 12, 09 an 1E, 4E an 14, 0A an 01, 0B cn 01, 0C cn 03, 0D cn 04",
    "SSSE/EF0D": "EA an 0C, EB cn 03, EC an 01, ED an 01",
    "DF01/EF05": "20 an 02, 21 an 50, 0E cn 03",
    "DF01/EF06": "23 an 50, 24 cn 03, 28 an 0F, 2C an 32, 2D an 0F",
    "DF01/EF07": "29 an 01",
    "DF01/EF08": "2B an 01",
    "DF01/EF09": "2E an 46, 30 an 09, 32 an 02",
    "DF01/EF0A": "37 an 03, 38 an 02, 39 cn 04",
    "DF01/EF15": "2A cn 01, 40 template 34 ×3 (57 an 03, 58 cn 03, 59 an 28)",
    "DF02/EF05": (
        "42 an 03, 41 an 03, 43 template 6C ×2 (5A an 07, 5B an 01, 5C an 46, 5D cn 04, 5E an 10), "
        "44 template 65 ×2 (33 an 03, 34 an 46, 35 cn 04, 36 an 10)"
    ),
    "DF02/EF06": "4C cn 04, 4B an 05, 4D cn 03, 60 cn 04, 4F an 06, 50 cn 03, 3A an 07",
    "DF02/EF09": "55 an 10, 56 an 46, 96 cn 04, 97 cn 03",
    "DF02/EF15": "99 template 10 ×4 (10 an 03, 11 cn 04, 12 cn 03), 0F cn 04, 1F cn 03",
    "DF03/EF05": "61 cn 03, 98 cn 04, 62 cn 04, 63 an 03, 64 an 03, 65 an 03, 66 an 03",
    "DF03/EF06": (
        "45 an 14, 46 an 02, 47 an 02, 48 an 01, 49 an 01, 67 cn 04, 6B an 3C, "
        "4A template 61 ×3 (13 an 02, 14 an 01, 15 an 14, 16 cn 04, 17 an 3C)"
    ),
    "DF03/EF07": "70 an 03, 71 cn 03, 6E cn 04, 6C cn 04, 6F cn 04, 73 cn 04",
    "DF03/EF15": "7A cn 03, 7B cn 04, 7C cn 04",
    "DF03/EF16": "51 cn 03, 5F an 01",
    "DF03/EF17": "3B an 14, 3C an 46, 3D an 01, 3E cn 04, 3F an 3C",
    "DF03/EF18": "74 an 03, 75 cn 03, 76 cn 01, 77 cn 04, 78 cn 04",
    "DF03/EF19": "79 template 27 ×4 (18 an 03, 19 cn 03, 1A cn 04, 1B cn 04, 1C cn 04, 1D an 03, 1E cn 04)",
    "DF04/EF05": (
        "81 an 08, 84 cn 03, 87 an 11, 8C cn 01, 80 cn 04, 8B an 1D, 8A an 0F, 83 an 09, 86 an 09, 89 an 09, "
        "7D an 09, 7E an 09, 7F an 09, 8D an 09, 8E an 09, 8F an 01"
    ),
    "DF04/EF06": "90 an 01, 92 cn 04, 93 an 02",
    "DF05/EF05": (
        "A0 an 01, A1 an 01, B9 an 01, A2 an 04, A9 cn 01, A3 template 18 ×5 (A5 an 10, A6 an 04), "
        "A4 template 17 ×5 (A7 an 10, A8 an 03), BA an 14, BB an 64, AA an 14, AB cn 04, AC an 01, AD an 01, AE an 01, "
        "AF an 01, B0 an 01, B1 an 01, B2 an 01, B3 an 01, B4 an 01, B5 an 01, B6 an 01, B7 an 01, BC an 01, B8 an 28"
    ),
    "DF06/EF05": (
        "C0 an 46, C2 an 09, C3 template 1A (E3 cn 01, E4 cn 04, E5 cn 04, E6 cn 04, E7 cn 03), "
        "C4 template 1A (E3 cn 01, E4 cn 04, E5 cn 04, E6 cn 04, E7 cn 03), "
        "C5 template 1A (E3 cn 01, E4 cn 04, E5 cn 04, E6 cn 04, E7 cn 03)"
    ),
    "DF06/EF06": (
        "C6 an 46, C8 an 09, C9 cn 01, CA cn 04, CB cn 04, CC cn 04, CD cn 02, CE cn 01, CF cn 04, D0 cn 04, D1 cn 04, "
        "D2 cn 03, D3 cn 01, D4 cn 04, D5 cn 04, D6 cn 04, D7 cn 03, D8 cn 01, D9 cn 04, DA cn 04, DB cn 04, DC cn 04, "
        "DD cn 04, DE cn 04, DF cn 03, E0 cn 03, E1 cn 02, E2 cn 02"
    ),
    "DF07/EF05": "F0 an 02, F1 an 01, F2 cn 04, F3 an 03, F4 cn 04",
    "DF07/EF06": "F5 an 03, F6 cn 04, F7 an 46",
    "DF07/EF07": "F8 cn 04, F9 an 01",
}

LAYOUTS = {
    "employment record": (0x55, "an 07, cn 04, cn 04, an 46"),
    "employment policy": (0x12, "an 03, cn 04, cn 04, cn 04, cn 03"),
    "medical transaction": (0x1C, "b 02, an 01, cn 06, cn 07, b 04, b 04, b 04"),
    "special medical settlement": (0x03, "b 02, an 01"),
    "medical amounts": (20, "b 02, b 02, b 04, b 04, b 04, cn 02, cn 02"),
}

# File: structure, read, update, as §2.2 of the reconstructed specification gives them for 2.00.
RIGHTS = {
    "SSSE/EF05": "variable free UKSSSE",
    "SSSE/EF06": "variable free UKSSSE",
    "SSSE/EF07": "transparent:300 RKSSSE UKSSSE",
    "SSSE/EF08": "transparent:1000 RKSSSE UKSSSE",
    "DF01/EF05": "variable PIN|RK1DF01 UK1DF01",
    "DF01/EF06": "variable PIN|RK1DF01 UK4DF01",
    "DF01/EF07": "variable PIN|RK1DF01 UK2DF01",
    "DF01/EF08": "variable PIN|RK1DF01 UK3DF01",
    "DF01/EF09": "variable PIN|RK1DF01 UK2DF01",
    "DF01/EF0A": "variable PIN|RK1DF01 UK5DF01",
    "DF01/EF15": "variable PIN|RK1DF01 UK6DF01",
    "DF01/EF16": "transparent:128 free UK7DF01",
    "DF01/EF17": "transparent:128 free UK8DF01",
    "DF01/EF18": "transparent:128 free UK9DF01",
    "DF01/EF19": "transparent:128 free UKADF01",
    "DF01/EF1A": "transparent:128 free UKBDF01",
    "DF02/EF05": "variable PIN|RK1DF02 UK1DF02",
    "DF02/EF06": "variable PIN|RK1DF02 UK2DF02",
    "DF02/EF07": "cyclic:4 PIN|RK1DF02 UK3DF02",
    "DF02/EF09": "variable PIN|RK1DF02 UK4DF02",
    "DF02/EF15": "variable PIN|RK1DF02 UK5DF02",
    "DF02/EF16": "cyclic:4 PIN|RK1DF02 UK6DF02",
    "DF03/EF05": "variable PIN|RK2DF03 UK1DF03",
    "DF03/EF06": "variable PIN|RK1DF03 UK2DF03",
    "DF03/EF07": "variable PIN|RK1DF03 UK3DF03",
    "DF03/EF15": "variable PIN|RK1DF03 UK4DF03",
    "DF03/EF16": "variable PIN|RK1DF03 UK5DF03",
    "DF03/EF17": "variable PIN|RK1DF03 UK6DF03",
    "DF03/EF18": "variable PIN|RK1DF03 UK7DF03",
    "DF03/EF19": "fixed PIN|RK1DF03 UK8DF03",
    "DF04/EF05": "variable PIN|RK1DF04 UK1DF04",
    "DF04/EF06": "variable PIN&RK1DF04 UK2DF04",
    "DF04/EF08": "cyclic:30 PIN never",
    "DF04/EF15": "cyclic:8 PIN|RK1DF04 UK2DF04",
    "DF05/EF05": "variable free UK1DF05",
    "DF06/EF05": "variable RK1DF06 UK1DF06",
    "DF06/EF06": "variable RK1DF06 UK2DF06",
    "DF07/EF05": "variable RK1DF07 UK1DF07",
    "DF07/EF06": "variable RK2DF07 UK2DF07",
    "DF07/EF07": "variable RK3DF07 UK3DF07",
}

# Key: kid, SAM use and identifier, HSM addresses, as §4.1 of the reconstructed specification gives them.
KEYS = {
    "IRK": "00 67,08 0170 0171 0172",
    "STK": "02 48,09 0173",
    "UKSSSE": "04 48,12 0094 0095 0096",
    "BK": "05 28,11 0091",
    "PUK": "06 48,10 0090",
    "RKMFEF0C": "07 48,5D",
    "RKSSSE": "0A 47,0A 004C 004D 004E",
    "UK1DF01": "83 48,42 0097 0098 0099",
    "UK2DF01": "84 48,43 009A 009B 009C",
    "UK3DF01": "85 47,24 0176 0177 0178",
    "UK4DF01": "86 47,25 0179 017A 017B",
    "UK5DF01": "87 48,44 009D 009E 009F",
    "RK1DF01": "88 67,2E 004F 0050 0051",
    "UK6DF01": "89 47,2F 0052 0053 0054",
    "UK7DF01": "8A 47,30 0055 0056 0057",
    "UK8DF01": "8B 47,31 0058 0059 005A",
    "UK9DF01": "8C 47,32 005B 005C 005D",
    "UKADF01": "8D 47,33 005E 005F 0060",
    "UKBDF01": "8E 47,34 0061 0062 0063",
    "UK1DF02": "83 47,26 0187 0188 0189",
    "UK2DF02": "84 48,45 00A0 00A1 00A2",
    "UK3DF02": "85 48,46 00A3 00A4 00A5",
    "UK4DF02": "86 47,27 018A 018B 018C",
    "UK5DF02": "87 47,28 018D 018E 018F",
    "RK1DF02": "88 67,35 0064 0065 0066",
    "UK6DF02": "89 47,36 0067 0068 0069",
    "LKDF03": "83 28,40 0092",
    "RK1DF03": "84 67,2B 0193 0194 0195",
    "RK2DF03": "85 67,2C 0196 0197 0198",
    "UK1DF03": "86 48,47 00A6 00A7 00A8",
    "UK2DF03": "87 47,29 0190 0191 0192",
    "UK3DF03": "88 48,48 00A9 00AA 00AB",
    "UK4DF03": "89 47,37 006A 006B 006C",
    "UK5DF03": "8A 47,38 006D 006E 006F",
    "UK6DF03": "8B 47,39 0070 0071 0072",
    "UK7DF03": "8C 47,3A 0073 0074 0075",
    "UK8DF03": "8D 47,3B 0076 0077 0078",
    "LKDF04": "83 28,41 0093",
    "RK1DF04": "84 67,2D 0182 0183 0184",
    "UK1DF04": "85 48,49 00AC 00AD 00AE",
    "UK2DF04": "86 47,2A 017C 017D 017E",
}


class Row(NamedTuple):
    """A data element as the standard's table writes it."""

    tag: str
    format: str
    length: int
    times: int
    children: tuple[Row, ...]


def rows(text: str) -> tuple[Row, ...]:
    """The rows of a file's text."""
    pattern = re.compile(r"([0-9A-F]{2}) (cn|an|b|template) ([0-9A-F]{2})(?: ×(\d))?(?: \(([^)]*)\))?(?:, |$)")
    found = [match.groups() for match in pattern.finditer(text)]
    return tuple(
        Row(tag, form, int(length, 16), int(count or 1), rows(inner) if inner else ())
        for tag, form, length, count, inner in found
    )


def every_row() -> dict[str, Row]:
    """Every element by its tag, inner ones included."""
    found = {}
    for text in FILES.values():
        for row in rows(text):
            found[row.tag] = row
            found.update({child.tag: child for child in row.children})
    return found
