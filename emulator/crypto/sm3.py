"""The hash SM3 (GM/T 0004-2012, GB/T 32905-2016) and the key derivation function of SM2 that is built on it."""

from cryptography.hazmat.primitives.hashes import SM3, Hash

DIGEST_SIZE = 32


def sm3(*parts: bytes) -> bytes:
    """The 32-byte SM3 hash of the joined parts."""
    digest = Hash(SM3())
    for part in parts:
        digest.update(part)
    return digest.finalize()


def kdf(shared: bytes, length: int) -> bytes:
    """Derive `length` bytes: SM3(shared‖1) ‖ SM3(shared‖2) ‖ …, 4-byte counters (GM/T 0003.3 §5.4.3, GM/T 0003.4 §5.4.3)."""
    blocks = range(1, -(-length // DIGEST_SIZE) + 1)
    return b"".join(sm3(shared, counter.to_bytes(4)) for counter in blocks)[:length]
