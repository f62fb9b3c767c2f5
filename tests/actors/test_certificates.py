"""Certificates, requests and envelopes: made here, judged by OpenSSL, gmalg and the layouts that programs read."""

from __future__ import annotations

import struct
import subprocess
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.actors.certificates.authority import CertificationAuthority, RequestRefused
from conformance.actors.certificates.envelope import BLOB_LENGTH, EnvelopedKey, EnvelopeError
from conformance.actors.certificates.x509 import (
    ENCIPHERING,
    SIGNING,
    Certificate,
    CertificateError,
    Request,
    Subject,
    build_request,
    without_padding,
)
from emulator.crypto.sm2 import public_key_of, sign
from profiles.certificate_keys import published_authority
from tests.actors.issuing import FROM, HOLDER, UNTIL, authority
from tests.crypto.oracle import sm2_decrypt, sm2_verify, sm4_decrypt

PRIVATE_KEY = bytes(range(1, 33))
PUBLIC_KEY = public_key_of(PRIVATE_KEY)
KEY_OF_ANOTHER = bytes(range(2, 34))
PRIVATE_KEYS = st.integers(1, 2**255).map(lambda number: number.to_bytes(32))


def signed(message: bytes) -> bytes:
    return sign(PRIVATE_KEY, message)


def openssl(*arguments: str, data: bytes = b"") -> str:
    return subprocess.run(("openssl", *arguments), input=data, check=True, capture_output=True).stdout.decode()


def certificate(usage: bytes = SIGNING, until: datetime = UNTIL) -> bytes:
    return authority().issue(HOLDER.to_der(), PUBLIC_KEY, usage, not_before=FROM, not_after=until)


@pytest.mark.parametrize(
    ("usage", "shown"),
    [(SIGNING, "Digital Signature, Non Repudiation"), (ENCIPHERING, "Key Encipherment, Data Encipherment")],
)
def test_openssl_reads_and_verifies_a_certificate(tmp_path: Path, usage: bytes, shown: str) -> None:
    der = certificate(usage)
    text = openssl("x509", "-inform", "DER", "-noout", "-text", "-nameopt", "utf8", data=der)
    assert "Subject: C=CN, ST=重庆市, L=重庆市, CN=渝小样" in text
    assert shown in text
    assert "Version: 3" in text
    assert "Not Before: Nov 26 00:00:00 2026 GMT" in text
    assert "Not After : Nov 26 00:00:00 2036 GMT" in text
    assert "04" + PUBLIC_KEY.hex() == "".join(text.split("pub:")[1].split("ASN1")[0].split()).replace(":", "")
    for name, content in (("card", der), ("authority", published_authority().certificate)):
        (tmp_path / name).write_text(openssl("x509", "-inform", "DER", data=content))
    chain = ("-CAfile", str(tmp_path / "authority"), str(tmp_path / "card"))
    assert openssl("verify", "-vfyopt", "distid:1234567812345678", *chain).endswith("OK\n")


def test_openssl_verifies_a_request() -> None:
    text = openssl("req", "-inform", "DER", "-noout", "-text", "-nameopt", "utf8",
                   data=build_request(HOLDER, PUBLIC_KEY, signed))  # fmt: skip
    assert "CN=渝小样" in text
    assert "Signature Algorithm: SM2-with-SM3" in text
    for key, told in ((PUBLIC_KEY, b"verify OK"), (public_key_of(KEY_OF_ANOTHER), b"verify failure")):
        command = ("openssl", "req", "-inform", "DER", "-noout", "-verify", "-vfyopt", "distid:1234567812345678")
        result = subprocess.run(command, input=build_request(HOLDER, key, signed), capture_output=True, check=False)
        assert told in result.stderr


def test_a_certificate_is_read_as_it_was_made() -> None:
    read = Certificate.parse(certificate() + bytes(500))
    assert (read.subject, read.public_key, read.not_before, read.not_after) == ("渝小样", PUBLIC_KEY, FROM, UNTIL)
    assert read.subject_der == HOLDER.to_der()
    assert read.der == without_padding(read.der + bytes(500))
    authority_key = Certificate.parse(published_authority().certificate).public_key
    assert sm2_verify(authority_key, read.signed, read.signature)
    assert authority().trusts(read)


@pytest.mark.parametrize("year", [2049, 2050, 2199])
def test_years_in_both_notations(year: int) -> None:
    until = datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    der = certificate(until=until)
    assert Certificate.parse(der).not_after == until
    assert f"{year} GMT" in openssl("x509", "-inform", "DER", "-noout", "-enddate", data=der)


def test_an_authority_trusts_its_own_certificates_alone() -> None:
    key = KEY_OF_ANOTHER
    name = Subject("another authority")
    another = CertificationAuthority(key, CertificationAuthority.self_signed(key, name, FROM, UNTIL))
    foreign = Certificate.parse(another.issue(HOLDER.to_der(), PUBLIC_KEY, SIGNING, not_before=FROM, not_after=UNTIL))
    assert another.trusts(foreign)
    assert not authority().trusts(foreign)
    altered = certificate().replace("渝小样".encode(), "渝大样".encode())
    assert not authority().trusts(Certificate.parse(altered))
    with pytest.raises(CertificateError, match="not for its private key"):
        CertificationAuthority(PRIVATE_KEY, published_authority().certificate)


def test_a_request_must_be_signed_with_the_key_that_it_names() -> None:
    genuine = build_request(HOLDER, PUBLIC_KEY, signed)
    assert Request.parse(genuine).is_genuine()
    issued = authority().answer(genuine, FROM, UNTIL)
    assert Certificate.parse(issued.signature).public_key == PUBLIC_KEY
    assert Certificate.parse(issued.encryption).public_key == issued.enveloped_key.public_key
    with pytest.raises(RequestRefused, match="not signed with the key"):
        authority().answer(build_request(HOLDER, public_key_of(KEY_OF_ANOTHER), signed), FROM, UNTIL)
    with pytest.raises(RequestRefused, match="no request"):
        authority().answer(b"0\0", FROM, UNTIL)
    with pytest.raises(RequestRefused, match="not a point"):
        authority().answer_key(HOLDER, bytes(64), FROM, UNTIL)


def test_certificates_with_other_keys_are_refused() -> None:
    made = (
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-keyout",
        "/dev/null",
    )
    der = subprocess.run(
        ("openssl", *made, "-subj", "/CN=P-256", "-outform", "DER"), check=True, capture_output=True
    ).stdout
    with pytest.raises(CertificateError, match=r"not on the curve of SM2|not with SM2"):
        Certificate.parse(der)


@given(st.binary(max_size=600), st.integers(0, 600))
def test_no_bytes_break_a_parser(noise: bytes, place: int) -> None:
    der = certificate()
    for data in (noise, der[:place] + noise[:3] + der[place + len(noise[:3]) :], der[:place]):
        with suppress(CertificateError):
            Certificate.parse(data)
        with suppress(CertificateError):
            Request.parse(data)


# Envelopes


def test_an_envelope_has_the_layout_that_programs_read() -> None:
    """Two programs cut the blob at these places, counted in hexadecimal digits (EVO, T10)."""
    session_key = bytes(range(16))
    sealed = EnvelopedKey.seal(KEY_OF_ANOTHER, PUBLIC_KEY, session_key)
    blob = sealed.to_bytes().hex()
    x, y, digest, key = (blob[start : start + size] for start, size in ((480, 64), (608, 64), (672, 64), (744, 32)))
    assert sm2_decrypt(PRIVATE_KEY, PUBLIC_KEY, bytes.fromhex(x + y + digest + key)) == session_key
    private = bytes.fromhex(blob[88:152])
    assert sm4_decrypt(session_key, private[:16]) + sm4_decrypt(session_key, private[16:]) == KEY_OF_ANOTHER
    assert bytes.fromhex(blob[224:288] + blob[352:416]) == public_key_of(KEY_OF_ANOTHER)


def test_an_envelope_is_the_structure_of_the_standard() -> None:
    """GM/T 0016-2012: Version, ulSymmAlgID, ulBits, cbEncryptedPriKey[64], BitLen, X[64], Y[64], X[64], Y[64], HASH[32], CipherLen."""
    blob = EnvelopedKey.seal(KEY_OF_ANOTHER, PUBLIC_KEY, bytes(16)).to_bytes()
    assert len(blob) == BLOB_LENGTH == struct.calcsize("<III64sI64s64s64s64s32sI16s")
    parts = struct.unpack("<III64sI64s64s64s64s32sI16s", blob)
    assert (parts[0], parts[1], parts[2], parts[4], parts[10]) == (1, 0x401, 256, 256, 16)
    assert all(not any(field[:32]) for field in (parts[3], *parts[5:9]))


@given(PRIVATE_KEYS, st.binary(min_size=16, max_size=16))
def test_what_was_enveloped_comes_out(private_key: bytes, session_key: bytes) -> None:
    sealed = EnvelopedKey.seal(private_key, PUBLIC_KEY, session_key)
    assert EnvelopedKey.parse(sealed.to_bytes()) == sealed
    assert sealed.open(PRIVATE_KEY) == private_key


def test_an_envelope_opens_for_its_recipient_alone() -> None:
    sealed = EnvelopedKey.seal(KEY_OF_ANOTHER, PUBLIC_KEY, bytes(16))
    with pytest.raises(EnvelopeError, match="does not open"):
        sealed.open(KEY_OF_ANOTHER)
    swapped = EnvelopedKey(PUBLIC_KEY, sealed.enciphered_private_key, sealed.enciphered_session_key)
    with pytest.raises(EnvelopeError, match="does not belong"):
        swapped.open(PRIVATE_KEY)


@given(st.binary(max_size=400), st.integers(0, BLOB_LENGTH - 1))
def test_no_bytes_break_the_reading_of_an_envelope(noise: bytes, place: int) -> None:
    good = EnvelopedKey.seal(KEY_OF_ANOTHER, PUBLIC_KEY, bytes(16)).to_bytes()
    for blob in (noise, good[:place] + noise[:1] + good[place + len(noise[:1]) :]):
        with suppress(EnvelopeError):
            EnvelopedKey.parse(blob)


def test_serial_numbers_differ_and_are_positive() -> None:
    serials = set()
    for _ in range(5):
        shown = openssl("x509", "-inform", "DER", "-noout", "-serial", data=certificate())
        serials.add(int(shown.split("=")[1], 16))
    assert len(serials) == 5
    assert min(serials) > 0
    assert timedelta(days=3000) < UNTIL - FROM
