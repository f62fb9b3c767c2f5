"""Key agreement: the example of GM/T 0003.5-2012 appendix B, and gmalg as a second opinion."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.crypto import CryptoError
from emulator.crypto.sm2 import DEFAULT_IDENTITY, public_key_of
from emulator.crypto.sm2_agreement import Party, agree
from emulator.crypto.sm2_curve import N

from . import oracle

hx = bytes.fromhex

PRIVATE_A = hx("81EB26E941BB5AF16DF116495F90695272AE2CD63D6C4AE1678418BE48230029")
PRIVATE_B = hx("785129917D45A9EA5437A59356B82338EAADDA6CEB199088F14AE10DEFA229B5")
NONCE_A = hx("D4DE15474DB74D06491C440D305E012400990F3E390C7E87153C12DB2EA60BB3")
NONCE_B = hx("7E07124814B309489125EAED101113164EBF0F3458C5BD88335C1F9D596243D6")

A = Party(
    DEFAULT_IDENTITY,
    hx(
        "160E12897DF4EDB61DD812FEB96748FBD3CCF4FFE26AA6F6DB9540AF49C94232"
        "4A7DAD08BB9A459531694BEB20AA489D6649975E1BFCF8C4741B78B4B223007F"
    ),
    hx(
        "64CED1BDBC99D590049B434D0FD73428CF608A5DB8FE5CE07F15026940BAE40E"
        "376629C7AB21E7DB260922499DDB118F07CE8EAAE3E7720AFEF6A5CC062070C0"
    ),
)
B = Party(
    DEFAULT_IDENTITY,
    hx(
        "6AE848C57C53C7B1B5FA99EB2286AF078BA64C64591B8B566F7357D576F16DFB"
        "EE489D771621A27B36C5C7992062E9CD09A9264386F3FBEA54DFF69305621C4D"
    ),
    hx(
        "ACC27688A6F7B706098BC91FF3AD1BFF7DC2802CDB14CCCCDB0A90471F9BD707"
        "2FEDAC0494B2FFC4D6853876C79B8F301C6573AD0AA50F39FC87181E1A1B46FE"
    ),
)

SCALAR = st.integers(1, N - 2).map(lambda number: number.to_bytes(32))


@pytest.mark.parametrize(("private_key", "ephemeral"), [(PRIVATE_A, NONCE_A), (PRIVATE_B, NONCE_B)])
def test_published_agreement_from_either_side(private_key: bytes, ephemeral: bytes) -> None:
    result = agree(private_key, ephemeral, A, B, 16)
    assert result.key == hx("6C89347354DE2484C60B4AB1FDE4C6E5")
    assert result.s1 == hx("D3A0FE15DEE185CEAE907A6B595CC32A266ED7B3367E9983A896DC32FA20F8EB")
    assert result.s2 == hx("18C7894B3816DF16CF07B05C5EC0BEF5D655D58F779CC1B400A4F3884644DB88")


@settings(max_examples=10, deadline=None)
@given(SCALAR, SCALAR, SCALAR, SCALAR, st.integers(1, 64))
def test_agrees_with_gmalg(
    private_a: bytes, private_b: bytes, ephemeral_a: bytes, ephemeral_b: bytes, length: int
) -> None:
    names = b"Alice", b"Bob"
    side_a = oracle.KeyExchange(private_a, names[0], int.from_bytes(ephemeral_a))
    side_b = oracle.KeyExchange(private_b, names[1], int.from_bytes(ephemeral_b))
    first = Party(names[0], public_key_of(private_a), side_a.ephemeral_key)
    second = Party(names[1], public_key_of(private_b), side_b.ephemeral_key)
    key = side_a.key(length, second.ephemeral_key, names[1], second.public_key, initiator=True)
    assert agree(private_a, ephemeral_a, first, second, length).key == key
    assert agree(private_b, ephemeral_b, first, second, length).key == key


def test_wrong_inputs() -> None:
    with pytest.raises(CryptoError, match="neither of the two"):
        agree(NONCE_A, NONCE_A, A, B, 16)
    with pytest.raises(CryptoError, match="peer's ephemeral key is not a point"):
        agree(PRIVATE_A, NONCE_A, A, B._replace(ephemeral_key=bytes(64)), 16)
    with pytest.raises(CryptoError, match="own ephemeral key has 63 bytes"):
        agree(PRIVATE_A, NONCE_A, A._replace(ephemeral_key=bytes(63)), B, 16)
    with pytest.raises(CryptoError, match="does not belong to r"):
        agree(PRIVATE_A, NONCE_B, A, B, 16)
    with pytest.raises(CryptoError, match="r is out of range"):
        agree(PRIVATE_A, bytes(32), A, B, 16)
