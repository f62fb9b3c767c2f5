"""Keys, cryptograms and secured messages of a PBOC 3.0 payment application (JR/T 0025-2013 parts 5 and 17).

| item | triple DES | SM4 |
|---|---|---|
| card key | E(IMK, Y) ‖ E(IMK, ~Y) | E(IMK, Y‖~Y) |
| session key | E(K, 00⁶‖ATC) ‖ E(K, 00⁶‖~ATC) | E(K, 00⁶‖ATC‖00⁶‖~ATC) |
| MAC | ISO/IEC 9797-1 algorithm 3, from the left | CBC-MAC, from the left |

Padding of a MAC is always ``80 00 …``. Signatures of offline data authentication stand in `payment_signatures`.
"""

from emulator.crypto.block import Algorithm, CryptoError, decrypt_ecb, encrypt_block, encrypt_ecb, require_length
from emulator.crypto.diversify import diversify
from emulator.crypto.mac import mac
from emulator.crypto.padding import pad_length_prefixed, unpad_length_prefixed

CRYPTOGRAM_SIZE = 8
SHORTEST_MAC = 4
PIN_BLOCK_SIZE = 8
SHORTEST_PIN, LONGEST_PIN = 4, 12
_PIN_MESSAGE_SIZE = 16


def derivation_block(pan: str, sequence: str = "00") -> bytes:
    """Y, 8 bytes: the rightmost sixteen digits of the account number and its sequence number 主账号序列号 (EMV option A).

    Raises:
        CryptoError: Something other than digits, or a sequence number that is not two digits.
    """
    digits = pan + sequence
    if not (digits.isascii() and digits.isdigit()) or len(sequence) != 2:
        raise CryptoError("the account number is not made of digits, or its sequence number is not two digits")
    return bytes.fromhex(digits[-16:].zfill(16))


def card_key(algorithm: Algorithm, master_key: bytes, pan: str, sequence: str = "00") -> bytes:
    """The card's key, 16 bytes, derived from a key of the issuer.

    Raises:
        CryptoError: Wrong length of the key, or an account number that is none.
    """
    require_length("the issuer's master key", master_key, 16)
    return diversify(algorithm, master_key, derivation_block(pan, sequence))


def session_key(algorithm: Algorithm, key: bytes, counter: bytes) -> bytes:
    """The key of one transaction, 16 bytes, from a card key and the transaction counter ATC (2 bytes).

    Raises:
        CryptoError: Wrong length of key or counter.
    """
    require_length("the card key", key, 16)
    require_length("the transaction counter", counter, 2)
    return encrypt_ecb(algorithm, key, bytes(6) + counter + bytes(6) + bytes(byte ^ 0xFF for byte in counter))


def payment_mac(algorithm: Algorithm, key: bytes, data: bytes, length: int = 4) -> bytes:
    """MAC of unpadded data, 4 to 8 bytes from the left: of a script command, of issuer application data, of a log.

    Raises:
        CryptoError: Wrong length of key or result.
    """
    if not SHORTEST_MAC <= length <= CRYPTOGRAM_SIZE:
        raise CryptoError(f"a MAC of a payment application has 4 to 8 bytes, not {length}")
    return mac(algorithm, key, data, fold="left", length=CRYPTOGRAM_SIZE)[:length]


def application_cryptogram(algorithm: Algorithm, key: bytes, data: bytes) -> bytes:
    """应用密文 AC, 8 bytes, under the session key of the AC key.

    Raises:
        CryptoError: Wrong length of the key.
    """
    return payment_mac(algorithm, key, data, CRYPTOGRAM_SIZE)


def response_cryptogram(algorithm: Algorithm, key: bytes, cryptogram: bytes, response_code: bytes) -> bytes:
    """ARPC, 8 bytes: the issuer's answer to a cryptogram, with the authorisation response code (2 bytes).

    Raises:
        CryptoError: Wrong length of an input.
    """
    require_length("the application cryptogram", cryptogram, CRYPTOGRAM_SIZE)
    require_length("the authorisation response code", response_code, 2)
    block = _xor(cryptogram, response_code.ljust(CRYPTOGRAM_SIZE, b"\0"))
    return encrypt_block(algorithm, key, block.ljust(algorithm.block_size, b"\0"))[:CRYPTOGRAM_SIZE]


def pin_block(pin: str) -> bytes:
    """PIN block of format 2: ``2N`` ‖ digits ‖ ``F…``, 8 bytes, as VERIFY carries it.

    Raises:
        CryptoError: The PIN is not four to twelve digits.
    """
    return bytes((0x20 | _pin_size(pin),)) + _digits(pin, "F")


def pin_of_block(block: bytes, control: int = 2) -> str:
    """The digits in a PIN block whose first half byte is ``control``: 2 for VERIFY, 0 for PIN CHANGE.

    Raises:
        CryptoError: Another form: length, control, number of digits, a half byte that is no digit, or the filler.
    """
    require_length("the PIN block", block, PIN_BLOCK_SIZE)
    size = block[0] & 0x0F
    digits = block[1:].hex().upper()
    pin = digits[:size]
    if block[0] >> 4 != control or not SHORTEST_PIN <= size <= LONGEST_PIN:
        raise CryptoError(f"the PIN block does not begin with {control} and the number of digits, 4 to 12")
    if not pin.isdigit() or digits[size:] != "F" * (14 - size):
        raise CryptoError("the PIN block holds something other than decimal digits and the filler F")
    return pin


def pin_change_message(
    algorithm: Algorithm, session: bytes, card: bytes, new_pin: str, current_pin: str | None = None
) -> bytes:
    """The enciphered data of PIN CHANGE, 16 bytes; ``current_pin`` enters where P2 is 01.

    Args:
        algorithm: Block cipher of both keys.
        session: Session key of the encryption key.
        card: The card's encryption key itself, of which four bytes enter.
        new_pin: Four to twelve digits.
        current_pin: The reference PIN that is replaced.

    Raises:
        CryptoError: Wrong length of a key, or a PIN that is none.
    """
    block = bytes((_pin_size(new_pin),)) + _digits(new_pin, "F")
    masked = _xor(block, _pin_mask(card, current_pin))
    return encrypt_ecb(algorithm, session, pad_length_prefixed(masked, _PIN_MESSAGE_SIZE))


def pin_of_change_message(
    algorithm: Algorithm, session: bytes, card: bytes, message: bytes, current_pin: str | None = None
) -> str:
    """The new PIN out of the enciphered data of PIN CHANGE.

    Raises:
        CryptoError: Wrong length, length byte, padding or PIN block; a wrong current PIN shows as a wrong block.
    """
    require_length("the enciphered PIN", message, _PIN_MESSAGE_SIZE)
    masked = unpad_length_prefixed(decrypt_ecb(algorithm, session, message), _PIN_MESSAGE_SIZE)
    require_length("the PIN block", masked, PIN_BLOCK_SIZE)
    return pin_of_block(_xor(masked, _pin_mask(card, current_pin)), control=0)


def extended_vector(counter: bytes) -> bytes:
    """The initial vector of MACs of the extended application: ``00⁶`` ‖ transaction counter (JR/T 0025.14 §8.2).

    Raises:
        CryptoError: Wrong length of the counter.
    """
    require_length("the transaction counter", counter, 2)
    return bytes(6) + counter


def extended_mac(algorithm: Algorithm, key: bytes, vector: bytes, data: bytes, *, zeros_left: bool = True) -> bytes:
    """MAC or R-MAC of the extended application 扩展应用, 4 bytes, under an opening or management key itself.

    Args:
        algorithm: Block cipher of the key.
        key: 16 bytes.
        vector: Initial vector, 8 bytes.
        data: Header with Lc and data of the command, or what the card answers; unpadded.
        zeros_left: Where zeros fill the vector up to the block of SM4: before it, or after it.

    Raises:
        CryptoError: Wrong length of key or vector.
    """
    require_length("the key of the extended application", key, 16)
    require_length("the initial vector", vector, 8)
    size = algorithm.block_size
    filled = vector.rjust(size, b"\0") if zeros_left else vector.ljust(size, b"\0")
    return mac(algorithm, key, data, filled, fold="left", length=CRYPTOGRAM_SIZE)[:SHORTEST_MAC]


def issuer_data_mac(algorithm: Algorithm, key: bytes, counter: bytes, values: bytes) -> bytes:
    """The MAC of issuer discretionary data in 9F10, 4 bytes, under the session key of the MAC key.

    Args:
        algorithm: Block cipher of the key.
        key: Session key, 16 bytes.
        counter: Transaction counter, 2 bytes.
        values: The data, 5 or 10 bytes; zeros fill them up to 8 or 16 bytes with the counter.

    Raises:
        CryptoError: Wrong length of an input.
    """
    require_length("the transaction counter", counter, 2)
    require_length("the issuer discretionary data", values, 5, 10)
    data = counter + values
    return payment_mac(algorithm, key, data + bytes(-len(data) % 8))


def _pin_size(pin: str) -> int:
    if not (pin.isascii() and pin.isdigit() and SHORTEST_PIN <= len(pin) <= LONGEST_PIN):
        raise CryptoError("a PIN of a payment application has four to twelve digits")
    return len(pin)


def _digits(pin: str, filler: str) -> bytes:
    return bytes.fromhex(pin.ljust(14, filler))


def _pin_mask(card: bytes, current_pin: str | None) -> bytes:
    require_length("the card's encryption key", card, 16)
    mask = bytes(4) + card[4:8]
    if current_pin is None:
        return mask
    _pin_size(current_pin)
    return _xor(mask, bytes.fromhex(current_pin.ljust(16, "0")))


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
