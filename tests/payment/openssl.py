"""The openssl program as a second opinion on raw RSA: ``pkeyutl -verifyrecover`` without padding."""

import subprocess
import tempfile

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def recover(modulus: bytes, exponent: bytes, signature: bytes) -> bytes:
    """The block under a signature."""
    key = RSAPublicNumbers(int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big")).public_key()
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        file.flush()
        command = ["openssl", "pkeyutl", "-verifyrecover", "-pubin", "-inkey", file.name]
        made = subprocess.run(
            [*command, "-pkeyopt", "rsa_padding_mode:none"], input=signature, capture_output=True, check=True
        )
    return made.stdout
