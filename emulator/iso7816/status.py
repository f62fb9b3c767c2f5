"""Status words SW1-SW2 (ISO/IEC 7816-4 §5.6; reconstructed specification §3.4, details §4.1 and §7.7; PBOC).

A status word is a plain `int`, SW1 in the high byte: the card handles 100,000 of them a second.
The names are those of ISO/IEC 7816-4; where the social security card gives a word another meaning, the comment tells it.
"""

from typing import Final


class SW:
    """The status words that the cards of this house and their readers use."""

    SUCCESS: Final = 0x9000

    # Warnings: memory unchanged (62xx) or perhaps changed (63xx)
    STATE_UNCHANGED_WARNING: Final = 0x6200
    DATA_MAY_BE_CORRUPTED: Final = 0x6281
    END_OF_FILE_REACHED: Final = 0x6282
    SELECTED_FILE_DEACTIVATED: Final = 0x6283
    AUTHENTICATION_FAILED: Final = 0x6300

    # Execution errors: memory unchanged (64xx) or perhaps changed (65xx)
    EXECUTION_ERROR: Final = 0x6400
    MEMORY_FAILURE: Final = 0x6581

    # Lengths; 6701 to 6703 are the social security card's own
    WRONG_LENGTH: Final = 0x6700
    P1_P2_INCONSISTENT_WITH_LC: Final = 0x6701
    P1_P2_WRONG: Final = 0x6702
    CLASS_WRONG: Final = 0x6703

    # Functions of the class byte
    LOGICAL_CHANNEL_NOT_SUPPORTED: Final = 0x6881
    SECURE_MESSAGING_NOT_SUPPORTED: Final = 0x6882
    LAST_COMMAND_OF_CHAIN_EXPECTED: Final = 0x6883
    COMMAND_CHAINING_NOT_SUPPORTED: Final = 0x6884

    # The command is not allowed
    COMMAND_NOT_ALLOWED: Final = 0x6900  # also: CLA does not fit the line protection of the file
    COMMAND_NOT_ACCEPTED: Final = 0x6901  # wrong state, such as DEBIT without INITIALIZE
    INCOMPATIBLE_WITH_FILE_STRUCTURE: Final = 0x6981
    SECURITY_STATUS_NOT_SATISFIED: Final = 0x6982
    AUTHENTICATION_METHOD_BLOCKED: Final = 0x6983
    REFERENCE_DATA_NOT_USABLE: Final = 0x6984  # no challenge
    CONDITIONS_OF_USE_NOT_SATISFIED: Final = 0x6985
    NO_CURRENT_EF: Final = 0x6986
    SECURE_MESSAGING_OBJECTS_MISSING: Final = 0x6987
    SECURE_MESSAGING_OBJECTS_INCORRECT: Final = 0x6988

    # Extended payment application (PBOC 3.0 part 14): pre-authorisation, update before the last record, locked record
    PRE_AUTHORISATION_SLOTS_FULL: Final = 0x6971
    PRE_AUTHORISATION_REPEATED: Final = 0x6972
    PRE_AUTHORISATION_MISSING: Final = 0x6973
    RECORD_NOT_UPDATED: Final = 0x6974
    RECORD_FORBIDDEN: Final = 0x9407

    # Wrong parameters
    WRONG_DATA: Final = 0x6A80
    FUNCTION_NOT_SUPPORTED: Final = 0x6A81  # also: card or application blocked
    FILE_NOT_FOUND: Final = 0x6A82
    RECORD_NOT_FOUND: Final = 0x6A83
    NOT_ENOUGH_MEMORY: Final = 0x6A84
    LC_INCONSISTENT_WITH_TLV: Final = 0x6A85
    INCORRECT_P1_P2: Final = 0x6A86
    LC_INCONSISTENT_WITH_P1_P2: Final = 0x6A87
    REFERENCED_DATA_NOT_FOUND: Final = 0x6A88
    FILE_ALREADY_EXISTS: Final = 0x6A89
    DF_NAME_ALREADY_EXISTS: Final = 0x6A8A
    WRONG_P1_P2: Final = 0x6B00  # offset outside the file
    INSTRUCTION_NOT_SUPPORTED: Final = 0x6D00
    CLASS_NOT_SUPPORTED: Final = 0x6E00
    NO_PRECISE_DIAGNOSIS: Final = 0x6F00

    # Transactions (PBOC family)
    MAC_INVALID: Final = 0x9302
    APPLICATION_PERMANENTLY_BLOCKED: Final = 0x9303
    INSUFFICIENT_BALANCE: Final = 0x9401
    TRANSACTION_COUNTER_AT_MAXIMUM: Final = 0x9402
    KEY_INDEX_NOT_SUPPORTED: Final = 0x9403
    MAC_UNAVAILABLE: Final = 0x9406


_NAMES: Final = {value: name for name, value in vars(SW).items() if isinstance(value, int)}


def more_available(count: int) -> int:
    """61xx: `count` bytes (1 to 256) wait for GET RESPONSE; 256 or more is written as 6100."""
    return 0x6100 | (count if 0 < count < 256 else 0)


def wrong_le(count: int) -> int:
    """6Cxx: Le was wrong, `count` bytes (1 to 256) are there; 256 or more is written as 6C00."""
    return 0x6C00 | (count if 0 < count < 256 else 0)


def tries_left(count: int) -> int:
    """63Cx: verification failed, `count` tries remain; more than 15 are written as 63CF."""
    return 0x63C0 | max(0, min(count, 15))


def is_more_available(sw: int) -> bool:
    """Whether the word is 61xx."""
    return sw >> 8 == 0x61


def is_wrong_le(sw: int) -> bool:
    """Whether the word is 6Cxx."""
    return sw >> 8 == 0x6C


def count_of(sw: int) -> int | None:
    """Number of bytes (1 to 256) told by 61xx or 6Cxx, None for any other word."""
    return (sw & 0xFF) or 256 if sw >> 8 in (0x61, 0x6C) else None


def tries_of(sw: int) -> int | None:
    """Number of tries (0 to 15) told by 63Cx, None for any other word."""
    return sw & 0x0F if sw & 0xFFF0 == 0x63C0 else None


def is_warning(sw: int) -> bool:
    """Whether the word is a warning: 62xx or 63xx (ISO/IEC 7816-4 §5.6)."""
    return sw >> 8 in (0x62, 0x63)


def is_success(sw: int) -> bool:
    """Whether processing completed normally: 9000 or 61xx (ISO/IEC 7816-4 §5.6)."""
    return sw == 0x9000 or sw >> 8 == 0x61


def describe(sw: int) -> str:
    """The word in hexadecimal with its name, such as `6982 SECURITY_STATUS_NOT_SATISFIED`."""
    if (count := count_of(sw)) is not None:
        name = f"{'MORE_AVAILABLE' if is_more_available(sw) else 'WRONG_LE'}({count})"
    elif (tries := tries_of(sw)) is not None:
        name = f"TRIES_LEFT({tries})"
    else:
        name = _NAMES.get(sw, "")
    return f"{sw:04X} {name}".rstrip()


class StatusError(Exception):
    """The only way in which a handler of the card signals an error.

    Attributes:
        sw: The status word to answer.
    """

    def __init__(self, sw: int) -> None:
        super().__init__(sw)
        self.sw = sw

    def __str__(self) -> str:
        return describe(self.sw)
