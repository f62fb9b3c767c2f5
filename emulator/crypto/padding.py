"""The two paddings of the card, easily mixed up (details §2.2).

MAC padding is ISO/IEC 9797-1 padding method 2: always 80, then 00 to the block. Encryption padding puts a length byte LD first and adds
80 00 … only when LD‖data doesn't already fill its last block.
"""

from emulator.crypto.block import CryptoError


def pad_mac(data: bytes, block_size: int) -> bytes:
    """Append 80 and as many 00 as fill the last block; full data get a whole block more."""
    return data + b"\x80" + bytes(-(len(data) + 1) % block_size)


def unpad_mac(data: bytes, block_size: int) -> bytes:
    """Take away 80 00 … again.

    Raises:
        CryptoError: The last block does not end with 80 00 …
    """
    body = data.rstrip(b"\0")
    if len(data) % block_size or not body.endswith(b"\x80") or len(data) - len(body) >= block_size:
        raise CryptoError(f"the last block of {block_size} bytes does not end with the padding 80 00 …")
    return body[:-1]


def pad_length_prefixed(data: bytes, block_size: int) -> bytes:
    """Put the length LD before the data, then append 80 00 … unless the last block is already full.

    Raises:
        CryptoError: More than 255 bytes.
    """
    if len(data) > 0xFF:
        raise CryptoError(f"{len(data)} bytes do not fit behind the length byte LD, 255 is the limit")
    body = bytes((len(data),)) + data
    return body if len(body) % block_size == 0 else pad_mac(body, block_size)


def unpad_length_prefixed(data: bytes, block_size: int) -> bytes:
    """Take away LD and the padding again.

    Raises:
        CryptoError: LD does not fit the length, or the rest is not the padding 80 00 …
    """
    body = data[1 : 1 + data[0]] if data else b""
    if not data or pad_length_prefixed(body, block_size) != data:
        raise CryptoError("the length byte LD and the padding 80 00 … do not fit the decrypted data")
    return body
