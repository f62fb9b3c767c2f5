"""Published worked examples of PBOC 3.0 cryptography.

`PBOC_3DES`: one example that several public pages repeat (cnblogs 1024Planet 6256545 and others). `PBOC_SM4`: iteye
scjava 2309584, codetd 219619. Keys are those of the examples.
"""

import json
from pathlib import Path

AMOUNTS_3DES = "000000000001000000000000015600800460000156140701001E78EEBC"
"""Amount, other amount, country, TVR, currency, date, type, unpredictable number."""

PBOC_3DES = {
    "AC": "F0C34A8124CEE0A91A0B034AA97D6EAC",
    "ENC": "D30F45EABC12AC3EF56B0C0D7F8654DE",
    "MAC": "12B1AC4AF070CC35612BFE2D30AB600D",
    "PAN": "6228000100001",
    "PSN": "01",
    "ATC": "0240",
    "AIP": "7D00",
    "IAD": "07000103A04002010A010000001000D1F61152",
    "input": AMOUNTS_3DES + "7D00" + "0240" + "03A04002",
    "ARQC": "5D016C91005E7CC2",
    "ARC": "01",
    "ARPC": "21415243527CE78F",
}

AMOUNTS_SM4 = "00000000000000000000000001560000000800015616051800412AB4B6"

PBOC_SM4 = {
    "AC": "F23BF4AE92B554C116139D4F67322667",
    "PAN": "6214988660100000304",
    "PSN": "00",
    "ATC": "0001",
    "AIP": "7D00",
    "input": AMOUNTS_SM4 + "7D00" + "0001" + "03A00000",
    "UDK": "016F6E76BD8E6FB4A17C28C4B05E03A8",
    "SK": "9ECF9220F32AE56187D3C2444967FC0E",
    "ARQC": "179E0D01A7D1791D",
    "ARC": "00",
    "ARPC_block": "27AE0D01A7D1791D0000000000000000",
}

CHAIN = json.loads(Path(__file__).with_name("chain.json").read_text())
"""Certificates and signatures of a published card, by tag, with the modulus of their CA."""

WORKED = json.loads(Path(__file__).with_name("worked.json").read_text())
"""Weaker evidence: worked by the author of the reconstructed specification with small code of his own, not published."""

WORKED_CHAINS = json.loads(Path(__file__).with_name("worked_chains.json").read_text())
"""Further RSA chains by the same author: a key shorter than its certificate has room for, and one above 1024 bits."""
