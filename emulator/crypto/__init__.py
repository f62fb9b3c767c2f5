"""The cryptography of the card: block ciphers, paddings, MACs, key diversification, session keys.

SM2, its key agreement, SM3 and RSA are the modules `sm2`, `sm2_agreement`, `sm3` and `rsa`.
"""

from emulator.crypto.block import (
    Algorithm,
    CryptoError,
    decrypt_block,
    decrypt_cbc,
    decrypt_ecb,
    encrypt_block,
    encrypt_cbc,
    encrypt_ecb,
)
from emulator.crypto.diversify import card_factor, city_factor, derive, diversify, factors, province_factor
from emulator.crypto.mac import mac, mac_blocks, mac_des, mac_sm4
from emulator.crypto.padding import pad_length_prefixed, pad_mac, unpad_length_prefixed, unpad_mac
from emulator.crypto.session import (
    authentication_cryptogram,
    card_authentication_code,
    load_session_key,
    purchase_session_key,
    session_key,
    transaction_authentication_code,
    xor_halves,
)

__all__ = [
    "Algorithm",
    "CryptoError",
    "authentication_cryptogram",
    "card_authentication_code",
    "card_factor",
    "city_factor",
    "decrypt_block",
    "decrypt_cbc",
    "decrypt_ecb",
    "derive",
    "diversify",
    "encrypt_block",
    "encrypt_cbc",
    "encrypt_ecb",
    "factors",
    "load_session_key",
    "mac",
    "mac_blocks",
    "mac_des",
    "mac_sm4",
    "pad_length_prefixed",
    "pad_mac",
    "province_factor",
    "purchase_session_key",
    "session_key",
    "transaction_authentication_code",
    "unpad_length_prefixed",
    "unpad_mac",
    "xor_halves",
]
