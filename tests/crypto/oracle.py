"""gmalg, an independent pure-Python library of the Chinese algorithms, with the encodings of this project."""

from collections.abc import Callable

import gmalg  # type: ignore[import-untyped]  # it is annotated but carries no py.typed marker

IDENTITY = b"1234567812345678"
SIGNATURE_HALF = 32


def sm4_encrypt(key: bytes, block: bytes) -> bytes:
    return bytes(gmalg.SM4(key).encrypt(block))


def sm4_decrypt(key: bytes, block: bytes) -> bytes:
    return bytes(gmalg.SM4(key).decrypt(block))


def sm3(data: bytes) -> bytes:
    digest = gmalg.SM3()
    digest.update(data)
    return bytes(digest.value())


def _sm2(private_key: bytes | None, public_key: bytes, identity: bytes, nonce: int | None = None) -> gmalg.SM2:
    """An SM2 object; with a nonce its "random" number is that one."""
    source: Callable[[int], int] | None = None if nonce is None else lambda bits: nonce
    return gmalg.SM2(private_key, identity, b"\x04" + public_key, rnd_fn=source)


def sm2_sign(
    private_key: bytes, public_key: bytes, message: bytes, identity: bytes = IDENTITY, nonce: int | None = None
) -> bytes:
    r, s = _sm2(private_key, public_key, identity, nonce).sign(message)
    return bytes(r).rjust(SIGNATURE_HALF, b"\0") + bytes(s).rjust(SIGNATURE_HALF, b"\0")


def sm2_verify(public_key: bytes, message: bytes, signature: bytes, identity: bytes = IDENTITY) -> bool:
    r, s = signature[:SIGNATURE_HALF], signature[SIGNATURE_HALF:]
    return bool(_sm2(None, public_key, identity).verify(message, r, s))


def sm2_encrypt(public_key: bytes, plaintext: bytes, nonce: int | None = None) -> bytes:
    """C1‖C3‖C2 without the leading 04."""
    return bytes(_sm2(None, public_key, IDENTITY, nonce).encrypt(plaintext))[1:]


def sm2_decrypt(private_key: bytes, public_key: bytes, ciphertext: bytes) -> bytes:
    return bytes(_sm2(private_key, public_key, IDENTITY).decrypt(b"\x04" + ciphertext))


def sm2_public_key(private_key: bytes) -> bytes:
    return bytes(gmalg.SM2().generate_pk(private_key))[1:]


class KeyExchange:
    """One side of gmalg's key agreement."""

    def __init__(self, private_key: bytes, identity: bytes, nonce: int) -> None:
        self._sm2 = _sm2(private_key, sm2_public_key(private_key), identity, nonce)
        point, self._t = self._sm2.begin_key_exchange()
        self.ephemeral_key = bytes(point)[1:]

    def key(self, length: int, peer_ephemeral: bytes, peer_identity: bytes, peer_key: bytes, initiator: bool) -> bytes:
        mode = gmalg.KEYXCHG_MODE.INITIATOR if initiator else gmalg.KEYXCHG_MODE.RESPONDER
        points = b"\x04" + peer_ephemeral, b"\x04" + peer_key
        return bytes(self._sm2.end_key_exchange(length, self._t, points[0], peer_identity, points[1], mode))
