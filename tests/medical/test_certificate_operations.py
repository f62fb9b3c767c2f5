"""The certificate functions by their names, on the issued product and on a card that is issued by them; checked with gmalg."""

from __future__ import annotations

import base64

import pytest

from conformance.actors.medical.middleware import Middleware
from conformance.actors.medical.reader import CardReader
from conformance.targets.in_process import InProcessTarget
from emulator import load_card
from profiles import load
from tests.actors.issuing import FROM, HOLDER, NEW_ADMINISTRATOR_PIN, UNTIL, USER_PIN, authority, unissued
from tests.crypto.oracle import sm2_verify
from tests.medical.counter import Counter

TEXT = "参保人同意办理"


def test_a_signature_of_the_issued_card() -> None:
    """Over the text's bytes in GB 18030, by the key that iReadSignatureKey shows; gmalg agrees, and not with another text."""
    counter = Counter()
    code, key = counter("iReadSignatureKey", 1)
    assert (code, len(key)) == (0, 128)
    code, signature = counter("PKI_SignData", USER_PIN, TEXT, 1)
    assert code == 0
    raw = base64.b64decode(signature)
    assert sm2_verify(bytes.fromhex(key), TEXT.encode("gb18030"), raw)
    assert not sm2_verify(bytes.fromhex(key), TEXT.encode("utf-8"), raw)
    assert counter("PKI_SignData", USER_PIN, TEXT, 1)[1] != signature


def test_wrong_pins() -> None:
    counter = Counter()
    code, told = counter("PKI_SignData", "999999", TEXT, 1)
    assert (code, told.partition("（")[0]) == (-0x63C5, "证书应用拒绝，状态字 63C5")
    for pin in ("", "12", "12a456", "１２３４５６", "1" * 17):
        assert counter("PKI_SignData", pin, TEXT, 1)[0] == -33
    assert counter("PKI_SignData", USER_PIN, TEXT, 5)[0] == -1
    assert counter("PKI_SignData", USER_PIN, "\ud800", 1)[0] == -23
    assert counter("PKI_SignData", USER_PIN, TEXT, 1)[0] == 0


def test_a_card_is_issued_by_the_functions() -> None:
    """The pair is made by the station before; then iReadSignatureKey, iWriteCA, a signature and its verification."""
    card = load_card(unissued())
    link = InProcessTarget(card)
    reader = CardReader(link, load("ssc3-sm4"), None, pin=lambda: USER_PIN)
    interface = Middleware(reader)
    assert interface.call("iReadSignatureKey", 1)[0] == 1
    from tests.actors.test_issuing import reader as kiosk

    assert kiosk(link).generate_signature_key().code == 0
    code, key = interface.call("iReadSignatureKey", 1)
    assert code == 0
    issued = authority().answer_key(HOLDER, bytes.fromhex(key), FROM, UNTIL)
    octets = (issued.signature, issued.encryption, issued.enveloped_key.to_bytes())
    texts = [base64.b64encode(each).decode() for each in octets]
    new_key = "30343335303437393337303135333731"
    assert interface.call("iWriteCA", 1, *texts, "12", new_key)[0] == -33
    assert interface.call("iWriteCA", 1, *texts, NEW_ADMINISTRATOR_PIN, "00")[0] == -22
    assert interface.call("iWriteCA", 1, *texts, NEW_ADMINISTRATOR_PIN, new_key) == (0, "")
    assert interface.call("iWriteCA", 1, *texts, NEW_ADMINISTRATOR_PIN, new_key)[0] == -0x63C5, "the secrets are new"
    code, signature = interface.call("PKI_SignData", USER_PIN, TEXT, 1)
    assert code == 0
    assert sm2_verify(bytes.fromhex(key), TEXT.encode("gb18030"), base64.b64decode(signature))
    assert interface.call("PKI_VerifySign", texts[0], TEXT, signature) == (0, "")
    assert interface.call("PKI_VerifySign", "", TEXT, signature) == (0, ""), "that of the card"
    assert interface.call("PKI_VerifySign", texts[0], TEXT + "。", signature) == (1, "验签不通过")
    assert interface.call("PKI_VerifySign", texts[1], TEXT, signature)[0] == 1
    assert interface.call("PKI_VerifySign", "no base64", TEXT, signature)[0] == -22


@pytest.mark.parametrize("name", ["iReadSignatureKey", "PKI_SignData", "PKI_VerifySign", "iWriteCA"])
def test_a_product_without_certificates(name: str) -> None:
    arguments = {
        "iReadSignatureKey": (1,),
        "PKI_SignData": (USER_PIN, TEXT, 1),
        "PKI_VerifySign": ("", "", ""),
        "iWriteCA": (1, "", "", "", "1234", ""),
    }
    assert Counter("ssc2-3des")(name, *arguments[name]) == (-13, "不支持该命令")
