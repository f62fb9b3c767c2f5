"""Session keys, authentication cryptograms and transaction codes (reconstructed specification §4.3 to §5.1, details §2.4 to §6.3).

What is published for triple DES is carried over to SM4 by one rule: 8 bytes of input are filled up with eight 00, and a result of 16
bytes that must have 8 is folded, left half exclusive-or right half. For the authentication cryptogram programs and a sibling card show
it; for purchase and load it is a working assumption (details §6.2).
"""

from typing import Literal

from emulator.crypto.block import Algorithm, encrypt_block, require_length
from emulator.crypto.mac import Fold, fold_words, mac, mac_des

TacForm = Literal["xor", "mac"]


def session_key(algorithm: Algorithm, key: bytes, challenge: bytes) -> bytes:
    """Session key for authentication and maintenance MACs from the card's key and an 8-byte challenge.

    Returns:
        8 bytes for triple DES and DES, 16 bytes for SM4.

    Raises:
        CryptoError: Wrong length of key or challenge.
    """
    require_length("the challenge", challenge, 8)
    return encrypt_block(algorithm, key, _fill(algorithm, challenge))


def authentication_cryptogram(algorithm: Algorithm, key: bytes, challenge: bytes, source: bytes) -> bytes:
    """The 8 bytes of EXTERNAL and INTERNAL AUTHENTICATE (details §5.1, §5.2).

    Args:
        algorithm: Block cipher of the key.
        key: The card's key, 16 bytes.
        challenge: Process factor 过程因子, 8 bytes, from which the session key comes.
        source: Original information 原始信息, 8 bytes, which the session key encrypts.

    Raises:
        CryptoError: Wrong length of key, challenge or source.
    """
    require_length("the original information", source, 8)
    key = session_key(algorithm, key, challenge)
    return fold_words(encrypt_block(algorithm, key, _fill(algorithm, source)), 8)


def card_authentication_code(algorithm: Algorithm, irk: bytes, data: bytes, fold: Fold = "xor") -> bytes:
    """The card's authentication code 卡的认证码, 4 bytes: MAC over bytes 0 to 11 of its identification (reconstructed specification §5.1).

    Args:
        algorithm: Block cipher of the key.
        irk: IRK of this card, 16 bytes.
        data: City code (3) ‖ D156000005 ‖ serial (4), 12 bytes.
        fold: How an SM4 MAC becomes 4 bytes, see `mac`.

    Raises:
        CryptoError: Wrong length of key or data.
    """
    require_length("the start of the card identification", data, 12)
    return mac(algorithm, irk, data, fold=fold)


def purchase_session_key(
    algorithm: Algorithm, dpk: bytes, random: bytes, sequence: bytes, terminal_sequence: bytes
) -> bytes:
    """SESPK, the key of MAC1 and MAC2 of a medical settlement (38号文 §2.4).

    Args:
        algorithm: Block cipher of the key.
        dpk: DPK of this card, 16 bytes.
        random: Random number from INITIALIZE FOR PURCHASE, 4 bytes.
        sequence: The card's transaction sequence number, 2 bytes.
        terminal_sequence: Terminal transaction sequence number 终端交易序号, 4 bytes, of which the right two enter.

    Returns:
        8 bytes for triple DES, 16 bytes for SM4.

    Raises:
        CryptoError: Wrong length of an input.
    """
    require_length("the terminal transaction sequence number", terminal_sequence, 4)
    return _transaction_key(algorithm, dpk, random, sequence, terminal_sequence[2:])


def load_session_key(algorithm: Algorithm, dlk: bytes, random: bytes, sequence: bytes) -> bytes:
    """SESLK, the key of the MACs of a load 账户划入 (details §2.4): the last two bytes of its input are 80 00.

    Raises:
        CryptoError: Wrong length of an input.
    """
    return _transaction_key(algorithm, dlk, random, sequence, b"\x80\x00")


def transaction_authentication_code(
    algorithm: Algorithm, dtk: bytes, data: bytes, form: TacForm = "xor", fold: Fold = "xor"
) -> bytes:
    """TAC, the 4-byte proof of a transaction towards the centre (details §6.3).

    Args:
        algorithm: Block cipher of the key.
        dtk: DTK of this card, 16 bytes; no session key is derived.
        data: Amounts, type, terminal, terminal sequence number and time.
        form: Triple DES: "xor" uses the left half exclusive-or the right half as a DES key (PBOC), "mac" the whole key in MAC algorithm 3.
            SM4 always uses the whole key.
        fold: How an SM4 MAC becomes 4 bytes, see `mac`.

    Raises:
        CryptoError: Wrong length of key.
    """
    require_length("DTK", dtk, 16)
    if algorithm is Algorithm.DES3 and form == "xor":
        return mac_des(xor_halves(dtk), data)
    return mac(algorithm, dtk, data, fold=fold)


def xor_halves(key: bytes) -> bytes:
    """The left half of a 16-byte key exclusive-or its right half: 8 bytes (PBOC keys for TAC and PIN reload).

    Raises:
        CryptoError: Wrong length of key.
    """
    require_length("the key", key, 16)
    return fold_words(key, 8)


def _transaction_key(algorithm: Algorithm, key: bytes, random: bytes, sequence: bytes, tail: bytes) -> bytes:
    require_length("the random number", random, 4)
    require_length("the transaction sequence number", sequence, 2)
    return encrypt_block(algorithm, key, _fill(algorithm, random + sequence + tail))


def _fill(algorithm: Algorithm, half: bytes) -> bytes:
    return half.ljust(algorithm.block_size, b"\0")
