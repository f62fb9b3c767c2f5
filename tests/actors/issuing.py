"""A card before its certificates are issued, and what a station needs for it."""

from __future__ import annotations

from datetime import UTC, datetime

from conformance.actors.certificates.authority import CertificationAuthority
from conformance.actors.certificates.station import CertificateOrder, MasterKeyChange
from conformance.actors.certificates.x509 import Subject
from emulator.apps.build import card_key
from profiles import load
from profiles.model import Certificates, Profile

PROFILE = load("ssc3-sm4")
HOLDER = Subject("渝小样", "重庆市", "重庆市")
FROM, UNTIL = datetime(2026, 11, 26, tzinfo=UTC), datetime(2036, 11, 26, tzinfo=UTC)
USER_PIN, NEW_ADMINISTRATOR_PIN = "123456", "26010574"


def rules() -> Certificates:
    found = PROFILE.directory["CERT"].certificates
    assert found is not None
    return found


def unissued() -> Profile:
    """The product with its initial secrets, without keys and certificates."""
    environment, application = PROFILE.directory["PKI"], PROFILE.directory["CERT"]
    pin = environment.pin["ADMINPIN"].model_copy(update={"value": rules().initial_administrator_pin})
    plain = {"levels": 0}
    master = {
        name: d.key[name].model_copy(update=plain) for d, name in ((environment, "MKPKI"), (application, "MKCERT"))
    }
    initial = rules().initial_master_key.hex()
    return PROFILE.model_copy(
        update={
            "directory": {
                **PROFILE.directory,
                "PKI": environment.model_copy(update={"pin": {"ADMINPIN": pin}, "key": {"MKPKI": master["MKPKI"]}}),
                "CERT": application.model_copy(update={"key": {"MKCERT": master["MKCERT"]}}),
            },
            "content": {name: files for name, files in PROFILE.content.items() if name != "CERT"},
            "test_keys": PROFILE.test_keys.model_copy(update={"value": {"MKPKI.1": initial, "MKCERT.1": initial}}),
        }
    )


def order(**changes: object) -> CertificateOrder:
    """Certificates for the invented holder, and the secrets that the product has after its issue."""
    initial = rules().initial_master_key
    whole: dict[str, object] = {
        "administrator_pin": rules().initial_administrator_pin,
        "new_administrator_pin": NEW_ADMINISTRATOR_PIN,
        "master_keys": MasterKeyChange(
            initial, initial, card_key(PROFILE, "PKI", "MKPKI", 1), card_key(PROFILE, "CERT", "MKCERT", 1)
        ),
    }
    return CertificateOrder(HOLDER, FROM, UNTIL, **(whole | changes))


def authority() -> CertificationAuthority:
    return CertificationAuthority.published()
