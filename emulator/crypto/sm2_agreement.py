"""Key agreement between two holders of SM2 keys (GM/T 0003.3-2012 §6), on the recommended curve.

Both sides exchange ephemeral public keys R and then derive the same key. The confirmations S1 (sent by the responder) and S2 (sent by
the initiator) prove it; both sides compute both.
"""

from typing import NamedTuple

from emulator.crypto.block import CryptoError
from emulator.crypto.sm2 import identity_hash, public_key_of
from emulator.crypto.sm2_curve import SIZE, G, N, decode_point, decode_scalar, encode_point, multiply, multiply_add
from emulator.crypto.sm3 import kdf, sm3

_W = 127  # ceil(ceil(log2 n) / 2) - 1


class Party(NamedTuple):
    """The public part of one side.

    Attributes:
        identity: Its identity.
        public_key: Its long-term public key, 64 bytes.
        ephemeral_key: Its public key for this agreement, R, 64 bytes.
    """

    identity: bytes
    public_key: bytes
    ephemeral_key: bytes


class Agreement(NamedTuple):
    """The outcome.

    Attributes:
        key: The agreed key.
        s1: Confirmation that the responder sends (S_B), 32 bytes.
        s2: Confirmation that the initiator sends (S_A), 32 bytes.
    """

    key: bytes
    s1: bytes
    s2: bytes


def agree(
    private_key: bytes,
    ephemeral_private_key: bytes,
    initiator: Party,
    responder: Party,
    key_length: int,
) -> Agreement:
    """Derive the common key; either side calls this with its own private keys and the same two parties.

    Args:
        private_key: Own long-term private key, 32 bytes.
        ephemeral_private_key: Own private key for this agreement, r, 32 bytes.
        initiator: Side A, which spoke first.
        responder: Side B.
        key_length: Bytes of the agreed key.

    Raises:
        CryptoError: A key has a wrong length or range, is not on the curve, or does not belong to a party.
    """
    own_public = public_key_of(private_key)
    if own_public not in (initiator.public_key, responder.public_key):
        raise CryptoError("the private key belongs to neither of the two parties")
    own, peer = (initiator, responder) if own_public == initiator.public_key else (responder, initiator)
    point = _common_point(decode_scalar(private_key), decode_scalar(ephemeral_private_key, "r", N - 1), own, peer)
    z_a = identity_hash(initiator.public_key, initiator.identity)
    z_b = identity_hash(responder.public_key, responder.identity)
    x, y = point[:SIZE], point[SIZE:]
    inner = sm3(x, z_a, z_b, initiator.ephemeral_key, responder.ephemeral_key)
    return Agreement(kdf(point + z_a + z_b, key_length), sm3(b"\x02", y, inner), sm3(b"\x03", y, inner))


def _common_point(private: int, ephemeral: int, own: Party, peer: Party) -> bytes:
    """[t](P_peer + [x̄]R_peer) with t = d + x̄·r; the cofactor is 1."""
    own_r = decode_point(own.ephemeral_key, "the own ephemeral key")
    if multiply(ephemeral, G) != own_r:
        raise CryptoError("the own ephemeral key does not belong to r")
    peer_r = decode_point(peer.ephemeral_key, "the peer's ephemeral key")
    t = (private + _reduce(own_r[0]) * ephemeral) % N
    peer_sum = multiply_add(1, decode_point(peer.public_key), _reduce(peer_r[0]), peer_r)
    return encode_point(multiply(t, peer_sum))


def _reduce(x: int) -> int:
    """x̄: the low 127 bits of a coordinate with bit 127 set."""
    return 1 << _W | x & (1 << _W) - 1
